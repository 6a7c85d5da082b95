//! The modules that a project asks for, by its lists and by the command lines.

use std::borrow::Cow;

use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;

use super::super::survey::Survey;
use super::super::{wheels, whole};
use super::MODULES;
use super::locks::{
    bun_modules, crate_features, crates, feature_of, locked_names, node_modules, pnpm_modules, yarn_modules,
};

/// The names of the modules that the project asks for, in lower case; `None` where no list of them is there to read.
pub(super) fn modules(survey: &Survey<'_, '_>, language: &str) -> Option<Vec<String>> {
    if language == "c" {
        return linked(survey);
    }
    // Of other languages the lists say nothing of what a program needs outside them.
    if !matches!(language, "elixir" | "haskell" | "node" | "perl" | "python" | "ruby" | "rust") {
        return None;
    }
    let context = survey.model.context?;
    let mut found: Vec<String> = Vec::new();
    let mut read = false;
    for file in context.files().iter().filter(|file| is_list(survey, language, file)) {
        if let Some(text) = context.read(file) {
            read = true;
            found.extend(names(paths::name(file), &crate::context::text(&text)));
        }
    }
    // Modules that are named on the command line count too.
    found.extend(named_modules(survey));
    if language == "rust" {
        found.extend(features_of_commands(survey));
    }
    found.sort_unstable();
    found.dedup();
    (read || !from_lists(survey)).then_some(found)
}

/// The same without a context, where pip is told each module by its name, and nothing else installs any.
pub(super) fn all_named(survey: &Survey<'_, '_>, language: &str) -> Option<Vec<String>> {
    let pip = |step: &Step| {
        let version = step.program().strip_prefix("pip");
        version.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
            || step.starts_module(|module| module == "pip")
    };
    // What a module itself asks for by such a word is not known.
    let more = |step: &Step| step.args().iter().any(|arg| arg.contains(['[', '/', '$', '*']) || arg.ends_with(".whl"));
    let hidden = |step: &Step| {
        matches!(effects::of(step), Effect::Store(Store::Python | Store::Conda))
            && (!pip(step) || !step.known || more(step))
    };
    let known = language == "python"
        && survey.model.context.is_none()
        && !from_lists(survey)
        && !survey.steps().any(|(_, step)| hidden(step));
    let named: Vec<String> = if known { named_modules(survey).collect() } else { Vec::new() };
    (!named.is_empty()).then_some(named)
}

/// Whether a command installs what a list of modules or a project names.
fn from_lists(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        step.args().iter().any(|arg| arg == "-r" || arg.starts_with("-r") || arg == "--requirement")
            || matches!(
                step.program(),
                "poetry"
                    | "pipenv"
                    | "uv"
                    | "bundle"
                    | "cargo"
                    | "stack"
                    | "cabal"
                    | "npm"
                    | "yarn"
                    | "pnpm"
                    | "mix"
                    | "carton"
            )
            || step.argv.iter().any(|arg| arg.ends_with("setup.py") || arg == ".")
    })
}

/// Whether a file lists the modules of a project in a language.
fn is_list(survey: &Survey<'_, '_>, language: &str, file: &str) -> bool {
    const PYTHON: [&str; 9] = [
        "Pipfile",
        "Pipfile.lock",
        "environment.yml",
        "pdm.lock",
        "poetry.lock",
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        "uv.lock",
    ];
    let name = paths::name(file);
    let lists = match language {
        "python" => PYTHON.contains(&name) || wheels::listed(survey, file),
        "ruby" => matches!(name, "Gemfile" | "Gemfile.lock") || name.ends_with(".gemspec"),
        "rust" => matches!(name, "Cargo.lock" | "Cargo.toml"),
        "haskell" => name.ends_with(".cabal") || name == "package.yaml",
        "elixir" => matches!(name, "mix.exs" | "mix.lock"),
        "perl" => {
            matches!(name, "Build.PL" | "Makefile.PL" | "cpanfile" | "cpanfile.snapshot" | "dist.ini" | "META.json")
        }
        "node" => matches!(name, "package.json" | "package-lock.json" | "yarn.lock" | "pnpm-lock.yaml" | "bun.lock"),
        _ => false,
    };
    lists && !file.contains("node_modules/")
}

/// The modules that a list of this name asks for, and of one that no parser here reads every word: whether `psycopg2` stands
/// there is the question, not how.
fn names(list: &str, text: &str) -> Vec<String> {
    let locked = match list {
        "package-lock.json" | "package.json" => node_modules(text),
        "yarn.lock" => Some(yarn_modules(text)),
        "pnpm-lock.yaml" => Some(pnpm_modules(text)),
        "bun.lock" => Some(bun_modules(text)),
        "poetry.lock" | "uv.lock" | "pdm.lock" => Some(locked_names(text)),
        _ => None,
    };
    if let Some(locked) = locked {
        return locked;
    }
    let mut found = if list == "Cargo.toml" { crate_features(text) } else { Vec::new() };
    // What a comment names is not asked for, as most of what Rails proposes in a new Gemfile.
    // A module of Perl's is called `DBD::Pg`; hardly another list has such names, and some are long.
    let text = if text.contains("::") { Cow::Owned(text.replace("::", "-")) } else { Cow::Borrowed(text) };
    found.extend(text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(words));
    found
}

/// The words of a text that may be names of modules.
fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    words.filter(|word| word.len() > 1).map(|word| word.to_ascii_lowercase().replace('_', "-"))
}

/// The words of commands that install modules, as the list of what these need has them.
pub(super) fn named_modules(survey: &Survey<'_, '_>) -> impl Iterator<Item = String> {
    let installers = survey.steps().map(|(_, step)| step);
    let installers =
        installers.filter(|step| matches!(step.kind(), "python" | "gem" | "npm" | "yarn" | "pnpm" | "perl"));
    installers.flat_map(Step::args).map(|arg| {
        let name = arg.split(['=', '<', '>', '~', '[', '@']).next().unwrap_or(arg);
        name.to_ascii_lowercase().replace("::", "-").replace('_', "-")
    })
}

/// What the build files of a project in C name, and what the compiler is told to link; `None` where that is not all there
/// to read.
fn linked(survey: &Survey<'_, '_>) -> Option<Vec<String>> {
    let steps = || survey.steps().map(|(_, step)| step);
    let fetches = |step: &Step| {
        matches!(effects::of(step), Effect::Fetch(_))
            || matches!(step.kind(), "download" | "unpack")
            || step.piped.is_some()
    };
    let tools = steps().any(|step| matches!(step.kind(), "make" | "cmake" | "ninja" | "setup"));
    let scripts = steps().any(whole::is_build_script);
    if steps().any(fetches) || scripts {
        return None;
    }
    let mut found: Vec<String> = Vec::new();
    for step in steps().filter(|step| step.kind() == "compile") {
        found.extend(step.args().iter().flat_map(|arg| words(arg)));
    }
    if tools {
        let context = survey.model.context?;
        let mut read = false;
        for file in context.files() {
            let name = paths::name(file);
            let lists = matches!(
                name,
                "CMakeLists.txt" | "Makefile" | "makefile" | "GNUmakefile" | "configure.ac" | "meson.build"
            ) || [".mk", ".cmake", ".am"].iter().any(|end| name.ends_with(end));
            if lists && let Some(text) = context.read(file) {
                read = true;
                found.extend(words(&crate::context::text(&text)));
            }
        }
        if !read {
            return None;
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The features that `cargo install diesel_cli --no-default-features --features sqlite` asks for, and of what.
fn features_of_commands(survey: &Survey<'_, '_>) -> Vec<String> {
    let installs = |step: &&Step| step.program() == "cargo" && step.subcommand() == Some("install");
    let mut found = Vec::new();
    for step in survey.steps().map(|(_, step)| step).filter(installs) {
        let value = |option: &str| {
            let at = step.args().iter().position(|arg| arg.split('=').next() == Some(option))?;
            let arg = step.args().get(at)?;
            arg.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| step.args().get(at + 1).cloned())
        };
        let features = value("--features").unwrap_or_default();
        let mut features: Vec<&str> = features.split([',', ' ']).filter(|feature| !feature.is_empty()).collect();
        if !step.args().iter().any(|arg| arg == "--no-default-features") {
            features.push("default");
        }
        let names: Vec<&str> = step.operands().skip(1).collect();
        found.extend(names.iter().flat_map(|name| features.iter().map(move |feature| feature_of(name, feature))));
    }
    found
}

/// Whether the project has crates that no list names: a manifest has those that it asks for, and only the lock file has
/// those behind them, such as OpenSSL's. Of well-known crates it is known that there is none behind them.
pub(super) fn hides_crates(survey: &Survey<'_, '_>) -> bool {
    let Some(context) = survey.model.context else { return false };
    if context.files().iter().any(|file| paths::name(file) == "Cargo.lock") {
        return false;
    }
    let manifests = context.files().iter().filter(|file| paths::name(file) == "Cargo.toml");
    let texts = manifests.filter_map(|file| context.read(file));
    texts.into_iter().any(|text| match crate::context::text(&text).parse::<toml::Table>() {
        Ok(manifest) => crates(&manifest).iter().any(|(name, wanted)| {
            let name = name.to_ascii_lowercase().replace('_', "-");
            let own = wanted.get("path").is_some() || wanted.get("workspace").is_some();
            !own && !MODULES.all("crate").any(|row| row.column(0) == name)
        }),
        Err(_) => true,
    })
}
