//! Images in which something is compiled when they run: what starts can't be read, and what the file brings along says so.

use crate::context;
use crate::knowledge::words::Words;
use crate::knowledge::{packages, workplaces};
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::effects::{self, Effect};
use crate::model::{Base, Model, paths};
use crate::settings::is_development;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::stores;
use super::survey::{Survey, refuse};
use super::whole::shown;

/// Refuses the image of a development container, and one whose file says by its name that people develop in it: its editor
/// and its people want all the tools.
///
/// # Errors
/// Where the file lies in `.devcontainer` or `docker/dev`, or it or its last stage is called `Dockerfile.dev` or the like.
pub(super) fn developed(model: &Model<'_>) -> Result<(), Refusal> {
    if let Some(file) = model.settings.development_container() {
        return Err(refuse("development-image", format!("{file} makes the place where people develop"), true));
    }
    let stage = || {
        let shipped = model.shipped().filter(|_| model.stages.len() > 1);
        let name = shipped.and_then(|stage| stage.name.as_deref())?;
        is_development(&name.to_ascii_lowercase()).then(|| format!("the stage {name}"))
    };
    match model.settings.development_file().map(str::to_owned).or_else(stage) {
        Some(what) => Err(refuse("development-image", format!("{what} is by its name for development"), true)),
        None => Ok(()),
    }
}

/// Refuses an image that compiles when it runs. With `opaque`, a script starts that can't be read, which may do so.
///
/// # Errors
/// Where the file brings what is of use only for that, or writes a script that does so.
pub(super) fn check(survey: &Survey<'_, '_>, opaque: bool) -> Result<(), Refusal> {
    let refusal = |text: String| Err(refuse("toolchain-at-run-time", text, true));
    let agent = survey.entry.steps.iter().any(|step| workplaces::is_agent(step.program()));
    if let Base::Image { image, .. } = &survey.stage.base
        && (agent || workplaces::is_agent(&image.path))
    {
        let text = "other people's builds run in it: it is an image to work in, tools included";
        return Err(refuse("development-image", text, true));
    }
    for (_, step) in survey.steps() {
        let Some(name) = named(step) else { continue };
        let Some(mut programs) = workplaces::project(&name) else { continue };
        let starts = |program: &str| survey.entry.steps.iter().any(|step| step.program() == program);
        if opaque || programs.any(starts) {
            return refusal(format!("{name}, which `{}` brings, compiles when it runs", shown(step)));
        }
    }
    if let Some((step, command)) = survey.steps().find_map(|(_, step)| Some((step, script(survey, step)?))) {
        let path = step.outputs.first().map_or("", String::as_str);
        return refusal(format!("{path}, which the file writes, runs `{command}`, and needs the toolchain for that"));
    }
    let brings = survey.units.iter().filter_map(|unit| unit.copy).any(|copy| copy.context);
    let by_itself = |step: &Step, script: &str| step.argv.first().is_some_and(|first| first == script);
    let lacking = |step| {
        let found = mounted(survey, step);
        found.filter(|script| !brings || opaque && script.ends_with(".sh") && by_itself(step, script))
    };
    if let Some(script) = survey.entry.steps.iter().find_map(lacking) {
        let text = format!(
            "{script}, which starts, comes with none of its instructions: the project is mounted, and worked on"
        );
        return Err(refuse("development-image", text, true));
    }
    if !opaque {
        return Ok(());
    }
    // A compiler that is fetched, and that nothing in the file starts.
    let compiles = |step: &Step| {
        matches!(effects::of(step), Effect::Build)
            && matches!(step.kind(), "rust" | "make" | "ninja" | "cmake" | "python" | "npm")
            || matches!(effects::of(step), Effect::Store(_)) && step.kind() != "rust"
            || matches!(effects::of(step), Effect::Store(_))
                && step.subcommand() == Some("install")
                && step.program() == "cargo"
            || matches!(effects::of(step), Effect::Unknown)
    };
    let rustup = survey.steps().position(|(_, step)| step.piped.as_deref().is_some_and(|from| from.contains("rustup")));
    if let Some(at) = rustup
        && !survey.steps().skip(at + 1).any(|(_, step)| compiles(step))
    {
        return refusal(
            "Rust is there for what is compiled when the container runs: nothing is compiled with it before".into(),
        );
    }
    // `cargo install cargo-tarpaulin`: a part of Cargo, which starts the compiler.
    let extends = |step: &Step| {
        let mut words = step.args().iter().filter(|word| !word.starts_with('-'));
        step.program() == "cargo" && words.next().is_some_and(|verb| verb == "install") && {
            let mut crates = words.peekable();
            crates.peek().is_some() && crates.all(|name| name.starts_with("cargo-"))
        }
    };
    if let Some((_, step)) = survey.steps().find(|(_, step)| extends(step)) {
        return refusal(format!(
            "`{}` is of use only to what compiles when the container runs: a script starts that is not there to read",
            shown(step)
        ));
    }
    for (_, step) in survey.steps() {
        let Effect::Install(installed) = effects::of(step) else { continue };
        let uses = |program: &str| survey.steps().any(|(_, step)| step.program() == program);
        let idle =
            |name: &&String| workplaces::package(packages::bare(name)).is_some_and(|mut programs| !programs.any(uses));
        if let Some(name) = installed.names.iter().find(idle) {
            return refusal(format!(
                "{name} is of use only to what compiles when the container runs: a script starts that is not there to read"
            ));
        }
    }
    if let Some(name) = kept_compiler(survey) {
        return refusal(format!(
            "{name} stays on purpose where the rest of what the build needs is taken away again: a script starts that is \
             not there to read"
        ));
    }
    if let Some(words) = survey.units.iter().find_map(|unit| {
        (unit.instruction.keyword == Keyword::Label).then(|| says(unit.instruction.args.text.as_ref())).flatten()
    }) {
        let text = format!("a label says that it is for building in: \"{words}\"");
        return Err(refuse("development-image", text, true));
    }
    Ok(())
}

/// The source that a command starts in the project's folder, by itself or by an interpreter, where no instruction can have put
/// it there.
fn mounted<'s>(survey: &Survey<'_, '_>, step: &'s Step) -> Option<&'s str> {
    let program = step.argv.first().map(String::as_str).filter(|program| program.contains('/'));
    let given = || step.operands().next().filter(|_| Words::Interpreters.has(step.program()));
    let source = |word: &&str| word.ends_with(".sh") || context::is_code(word);
    let script = program.or_else(given).filter(source)?;
    let path = step.path(script)?;
    let home = survey.model.final_workdir(survey.stage).filter(|folder| *folder != "/")?;
    // A name with an extension is a file, and `*.toml` is many; others may be folders, as the context can tell.
    let is_file = |source: &str| {
        let source = source.trim_start_matches("./").trim_matches('/');
        let read = |context: &dyn crate::context::Context| {
            context.files().binary_search_by(|file| file.as_str().cmp(source)).is_ok()
        };
        match survey.model.context {
            Some(context) if !source.contains('*') => read(context),
            _ => paths::name(source).contains('.') && !source.ends_with('*') && !matches!(source, "." | ".."),
        }
    };
    let brings = |copy: &Copied| {
        let Some(to) = copy.to.as_deref() else { return true };
        to == path
            || paths::within(&path, to)
                && copy.sources.iter().any(|source| {
                    !copy.context
                        || !is_file(source)
                        || source.contains('*')
                        || paths::join(to, paths::name(source)) == path
                })
    };
    let makes = |step: &Step| match effects::of(step) {
        // A folder that is made, or given away, holds nothing for that.
        Effect::Files(_) if matches!(step.program(), "chgrp" | "chmod" | "chown" | "mkdir") => false,
        Effect::Writes(made) | Effect::Fetch(made) | Effect::Files(made) => {
            made.iter().any(|made| paths::within(&path, made))
        }
        Effect::Unknown => step.cwd.as_deref().is_none_or(|cwd| paths::within(cwd, home)),
        _ => false,
    };
    let within = paths::within(&path, home)
        && !survey.units.iter().filter_map(|unit| unit.copy).any(brings)
        && !survey.steps().any(|(_, step)| makes(step));
    within.then_some(script)
}

/// A compiler that an instruction installs and leaves, where it takes away again the other packages that it builds with.
fn kept_compiler(survey: &Survey<'_, '_>) -> Option<String> {
    const COMPILERS: [&str; 5] = ["clang", "g++", "gcc", "golang", "rustc"];
    survey.units.iter().find_map(|unit| {
        let steps = || unit.steps.iter().chain(unit.own);
        let removed: Vec<&String> = steps()
            .filter_map(|step| match effects::of(step) {
                Effect::Remove(packages) => Some(&packages.names),
                _ => None,
            })
            .flatten()
            .collect();
        let installed = || {
            steps().filter_map(|step| match effects::of(step) {
                Effect::Install(packages) => Some(packages),
                _ => None,
            })
        };
        let built = |name: &&String| installed().any(|packages| packages.role(name) == packages::Role::Build);
        // To take away one compiler and forget another is no purpose.
        let compiler = |name: &str| {
            let stem = name.split('-').next().unwrap_or(name);
            COMPILERS.contains(&stem) && name.len() <= stem.len() + 3
        };
        if removed.iter().filter(|name| built(name)).count() < 2
            || removed.iter().any(|name| {
                compiler(packages::bare(name))
                    || ["build-essential", "build-base", "base-devel"].contains(&packages::bare(name))
            })
        {
            return None;
        }
        let names = installed().flat_map(|packages| &packages.names);
        names.into_iter().find(|name| compiler(packages::bare(name)) && !removed.contains(name)).cloned()
    })
}

/// The name, without a version, of what a command clones, unpacks or configures.
pub(super) fn named(step: &Step) -> Option<String> {
    let stem = |word: &str| {
        let name = paths::name(word.split(['?', '#']).next().unwrap_or(word).trim_end_matches('/'));
        let name = name.split(".tar").next().unwrap_or(name);
        let name = name.trim_end_matches(".git").trim_end_matches(".tgz").trim_end_matches(".zip");
        // `UnixBench5.1.3`
        let digits = name
            .find(|c: char| c.is_ascii_digit())
            .filter(|at| *at > 3 && name.get(*at..).is_some_and(|rest| rest.contains('.')));
        let name = digits.and_then(|at| name.get(..at)).map_or(name, |stem| stem.trim_end_matches(['-', '_', 'v']));
        let end = name.match_indices(['-', '_']).find(|(at, _)| {
            let rest = name.get(at + 1..).unwrap_or_default().trim_start_matches('v');
            rest.starts_with(|c: char| c.is_ascii_digit() || c == '$' || c == '{')
        });
        name.get(..end.map_or(name.len(), |(at, _)| at)).unwrap_or(name).to_owned()
    };
    match effects::of(step) {
        Effect::Fetch(_) => {
            step.args().iter().find(|arg| arg.contains("://") || arg.contains("git@")).map(|arg| stem(arg))
        }
        _ if matches!(step.kind(), "download" | "unpack") => {
            step.args().iter().chain(&step.piped).find(|arg| stores::is_archive(arg)).map(|arg| stem(arg))
        }
        Effect::Build if step.program() == "configure" => {
            let folder =
                step.argv.first().filter(|program| program.contains('/')).and_then(|program| step.path(program))?;
            Some(stem(paths::parent(&folder)))
        }
        _ => None,
    }
}

/// The command by which a script compiles that a command of the file writes, and that the build does not run itself.
fn script(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    const COMMANDS: [&str; 14] = [
        "go build",
        "go run",
        "go test",
        "go get",
        "make all",
        "make install",
        "make -j",
        "cmake ..",
        "cmake .",
        "./configure",
        "cargo build",
        "cargo run",
        "gcc -",
        "g++ -",
    ];
    let [output] = step.outputs.as_slice() else { return None };
    let path = step.path(output)?;
    let writes = matches!(step.program(), "echo" | "printf" | "cat");
    let runs = [".sh", ".bash"].iter().any(|end| path.ends_with(end)) || paths::parent(&path).ends_with("bin");
    if !writes || !runs {
        return None;
    }
    let used = survey.steps().any(|(_, other)| {
        let words = other.argv.iter().take(2).filter(|word| word.contains('/') || word.ends_with(".sh"));
        let changes = matches!(other.program(), "chmod" | "chown" | "rm" | "mv" | "cp" | "cat" | "echo");
        !changes && words.into_iter().any(|word| other.is_at(word, &path))
    });
    let text = step.argv.join(" ");
    let begins = |command: &&&str| {
        text.match_indices(**command).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']);
            before.is_empty() || before.ends_with(['\n', ';', '&', '|', '\'', '"', 'n']) || before == step.program()
        })
    };
    COMMANDS.iter().find(begins).filter(|_| !used).map(|command| (*command).to_owned())
}

/// The words by which a label says that the image is there to build in.
fn says(text: &str) -> Option<&'static str> {
    const WORDS: [&str; 9] = [
        "build environment",
        "building environment",
        "build server",
        "build slave",
        "buildbot",
        "cross compiler",
        "cross-compiler",
        "development environment",
        "development image",
    ];
    let text = text.to_ascii_lowercase();
    WORDS.into_iter().find(|words| text.contains(words))
}
