//! Which files of a project in Rust, C or C++ its program opens when it runs, where its sources say all of them.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::go;
use super::lean::{asks_for_settings, is_asset, is_script};
use super::survey::Survey;

/// Words of sources that start other programs, which open what they like.
const STARTS: [&str; 7] = ["Command", "system", "popen", "execv", "execvp", "execl", "execlp"];

/// Libraries that compile the templates of a crate into its program.
const COMPILE_TEMPLATES: [&str; 4] = ["askama", "rinja", "sailfish", "ructe"];

/// The files and folders that the program opens, from `folder`, in which the image has the project and the program runs;
/// `None` where there are others that it could open, or it could start programs that do.
pub(super) fn beside(survey: &Survey<'_, '_>, context: &dyn Context, folder: &str) -> Option<Vec<String>> {
    if survey.model.final_workdir(survey.stage) != Some(folder) || !compiles_alone(survey, folder) {
        return None;
    }
    let mut sources = Sources::default();
    for file in context.files() {
        sources.read(context, file)?;
        sources.here |= is_source(file) && survey.context_path(&paths::join(folder, file)).as_deref() == Some(file);
    }
    // The sources of something else say nothing.
    if !sources.here {
        return None;
    }
    let settings = asks_for_settings(context);
    let embedded = |file: &str| sources.embedded.iter().any(|embedded| below(file, embedded));
    let openable = |file: &&String| {
        is_asset(file) && !is_script(context, file) && (paths::name(file) != ".env" || settings) && !embedded(file)
    };
    let assets: Vec<&String> = context.files().iter().filter(openable).collect();
    let mut names = sources.names.clone();
    if settings {
        names.insert(".env".into());
    }
    // Settings are named without what tells their kind: `config/default` for `config/default.toml`.
    for asset in &assets {
        let stem = asset.rsplit_once('.').map_or(asset.as_str(), |(stem, _)| stem);
        if names.contains(stem) || names.contains(&format!("./{stem}")) {
            names.insert((*asset).clone());
        }
    }
    let named = go::named(survey, context, folder, &names, &embedded);
    let left = assets.iter().any(|asset| {
        let path = paths::join(folder, asset);
        survey.context_path(&path).as_deref() == Some(asset.as_str())
            && !named.iter().any(|known| paths::within(&path, &paths::join(folder, known)))
    });
    (!left).then_some(named)
}

/// The files and folders of the project that the sources name, from `folder`, in which the program starts; whether it
/// opens others can't be told.
pub(super) fn by_name(survey: &Survey<'_, '_>, context: &dyn Context, folder: &str) -> Vec<String> {
    let mut sources = Sources::default();
    for file in context.files() {
        let jvm = [".java", ".kt", ".scala", ".groovy"].iter().any(|end| file.ends_with(end));
        // What is packed into the jar is read there, but may name what lies beside it.
        let settings = file.contains("src/main/resources/")
            && [".properties", ".yml", ".yaml", ".conf"].iter().any(|end| file.ends_with(end));
        if (jvm || settings) && !file.contains("src/test/") {
            let Some(content) = context.read(file) else { continue };
            let text = crate::context::text(&content);
            if jvm {
                go::literals(&text, &mut sources.names);
            } else {
                let values = text.lines().filter_map(|line| line.split_once(['=', ':']));
                let values = values.map(|(_, value)| value.trim().trim_matches(['"', '\'']));
                sources.names.extend(values.filter(|value| value.contains('/')).map(str::to_owned));
            }
        } else {
            // A source that starts other programs may name what they are.
            let _ = sources.read(context, file);
        }
    }
    let embedded = |file: &str| sources.embedded.iter().any(|embedded| below(file, embedded));
    go::named(survey, context, folder, &sources.names, &embedded)
}

/// Whether nothing happens in the folder but that a program is compiled: what is fetched, unpacked, copied or made there by
/// other means may be opened as well.
fn compiles_alone(survey: &Survey<'_, '_>, folder: &str) -> bool {
    let inside = |path: &str| paths::within(path, folder);
    let compiler = |step: &Step| matches!(step.kind(), "rust" | "make" | "compile" | "cmake");
    let plain = |step: &Step| {
        matches!(step.program(), "mkdir" | "chmod" | "chown" | "rm" | "cd" | "set" | "echo" | "touch" | "strip")
            || matches!(effects::of(step), Effect::Install(_) | Effect::Lists | Effect::Upgrade)
    };
    survey.steps().any(|(_, step)| compiler(step))
        && survey.steps().all(|(_, step)| {
            let named = || step.args().iter().filter_map(|arg| step.path(arg)).any(|path| inside(&path));
            let elsewhere = step.cwd.as_deref().is_some_and(|cwd| !inside(cwd)) && !named();
            (elsewhere || compiler(step) || plain(step)) && step.outputs.is_empty()
        })
        && survey.units.iter().filter_map(|unit| unit.copy).all(|copy| copy.context)
}

/// Whether a file is a source in Rust, C or C++.
pub(super) fn is_source(file: &str) -> bool {
    let end = paths::name(file).rsplit_once('.').map_or("", |(_, end)| end);
    matches!(end, "rs" | "c" | "h" | "cc" | "cpp" | "cxx" | "hpp")
}

/// Whether a file is this one, or in this folder, of the context.
fn below(file: &str, path: &str) -> bool {
    paths::within(&format!("/{file}"), &format!("/{}", path.trim_end_matches('/')))
}

/// What the sources of a project say.
#[derive(Debug, Default)]
struct Sources {
    /// The string literals that could be paths, and what libraries open by themselves.
    names: BTreeSet<String>,
    /// Files and folders of the context that are compiled into the program.
    embedded: Vec<String>,
    /// Whether the image has any of them where the program runs.
    here: bool,
}

impl Sources {
    /// Takes a file into account; `None` where it can't be read, or starts programs.
    fn read(&mut self, context: &dyn Context, file: &str) -> Option<()> {
        let folder = paths::relative(paths::parent(&format!("/{file}")), "/").unwrap_or_default().to_owned();
        // What says how to build may make files that the program opens: copies, or what is filled in.
        const MAKES: [&str; 7] =
            ["file(", "configure_file", "add_custom_", "install(", "\tcp ", "\t@cp ", "\tinstall "];
        let name = paths::name(file);
        let source = is_source(file);
        let builds = matches!(name, "Makefile" | "makefile" | "GNUmakefile" | "CMakeLists.txt");
        if !source && !builds && name != "Cargo.toml" {
            return Some(());
        }
        let content = context.read(file)?;
        let text = crate::context::text(&content);
        if builds {
            return (!MAKES.iter().any(|sign| text.contains(sign))).then_some(());
        }
        let here = |name: &str| paths::join(&format!("/{folder}"), name).trim_start_matches('/').to_owned();
        if !source {
            if COMPILE_TEMPLATES.iter().any(|library| text.contains(library)) {
                self.embedded.push(here("templates"));
            }
            if text.contains("rocket") {
                self.names.extend(["Rocket.toml".to_owned(), "templates".to_owned()]);
            }
            return Some(());
        }
        let aside = file.split('/').any(|part| matches!(part, "tests" | "benches" | "examples"));
        if aside || paths::name(file) == "build.rs" {
            return Some(());
        }
        go::literals(&text, &mut self.names);
        for (at, _) in text.match_indices("include") {
            let rest = text.get(at..).unwrap_or_default();
            let calls = ["include_str!", "include_bytes!", "include!", "include_dir!"];
            let Some(rest) = calls.iter().find_map(|call| rest.strip_prefix(call)) else { continue };
            let Some(name) = rest.split('"').nth(1) else { continue };
            match name.strip_prefix("$CARGO_MANIFEST_DIR/") {
                Some(name) => self.embedded.push(name.to_owned()),
                None => self.embedded.push(here(name)),
            }
        }
        if text.contains("migrate!(") || text.contains("embed_migrations!(") {
            // They lie beside the crate's manifest, above its sources.
            let crates = folder.strip_suffix("src").unwrap_or(&folder).trim_end_matches('/');
            self.embedded.push(format!("{crates}/migrations").trim_start_matches('/').to_owned());
        }
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        (!text.split(word).any(|word| STARTS.contains(&word))).then_some(())
    }
}
