//! Any script, in a RUN whose lines are joined and in a heredoc: no panic, every span where its text stands.
#![no_main]

use dockwright_transforms::syntax::{File, lossless_scripts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &str| {
    let joined = format!("FROM a\nRUN {script}\n");
    let heredoc = format!("FROM a\nRUN <<'A heredoc'\n{script}\nA heredoc\n");
    for source in [joined, heredoc] {
        if let Ok(file) = File::parse(source.as_bytes())
            && let Err(what) = lossless_scripts(&file)
        {
            panic!("{what}");
        }
    }
});
