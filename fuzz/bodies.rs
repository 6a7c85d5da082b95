//! What the fuzz targets do with an input: a panic is a finding. The smoke test of `cargo test` does the same.

use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::words::{self, Value};
use dockwright_transforms::syntax::{File, lossless, lossless_scripts};
use dockwright_transforms::{Applicability, Request, Transform, catalog, laws};

/// Any bytes: no panic, no byte lost, every span where its text stands, every word expanded.
#[allow(dead_code, reason = "each target is one of the three")]
pub fn parser(source: &[u8]) {
    let Ok(file) = File::parse(source) else { return };
    if let Err(what) = lossless(&file) {
        panic!("{what}");
    }
    for instruction in &file.instructions {
        instruction.arguments(file.escape);
        for word in instruction.words() {
            words::reads(word.raw, file.escape);
            words::expand(word.raw, file.escape, |name| match name.len() % 3 {
                0 => Value::Unset,
                1 => Value::Set("a.b/c".into()),
                _ => Value::Unknown,
            });
        }
    }
}

/// Any script, in a RUN whose lines are joined and in a heredoc: no panic, every span where its text stands.
#[allow(dead_code, reason = "each target is one of the three")]
pub fn shell(script: &str) {
    let joined = format!("FROM a\nRUN {script}\n");
    let heredoc = format!("FROM a\nRUN <<'A heredoc'\n{script}\nA heredoc\n");
    for source in [joined, heredoc] {
        if let Ok(file) = File::parse(source.as_bytes())
            && let Err(what) = lossless_scripts(&file)
        {
            panic!("{what}");
        }
    }
}

/// Any bytes: every transform, alone and with the others, keeps the laws.
#[allow(dead_code, reason = "each target is one of the three")]
pub fn rewrite(source: &[u8]) {
    let settings = Settings::default();
    let check = |transforms: &[&'static Transform]| {
        let request = Request { transforms, threshold: Applicability::Review, context: None, settings: &settings };
        if let Ok((outcome, violations)) = laws::check(source, &request)
            && !violations.is_empty()
        {
            let after = String::from_utf8_lossy(outcome.output.as_deref().unwrap_or_default()).into_owned();
            let ids: Vec<_> = transforms.iter().map(|transform| transform.id).collect();
            panic!("{ids:?}: {violations:#?}\n{after}");
        }
    };
    check(catalog::ALL);
    for transform in catalog::ALL {
        check(&[*transform]);
    }
}
