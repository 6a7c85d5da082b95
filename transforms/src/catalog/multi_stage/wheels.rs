//! Modules of Python that are asked for in a version for which there is no wheel: those are compiled, and link to what
//! the full image has.

use crate::knowledge::images::Image;
use crate::knowledge::sorted::Sorted;
use crate::model::commands::Step;
use crate::model::paths;

use super::survey::Survey;

/// From which version on a module has wheels, by Python's own.
static WHEELS: Sorted = Sorted::new(include_str!("../../../data/wheels.tsv"));

/// The packages of the libraries that such modules link to.
pub(super) fn compiled(survey: &Survey<'_, '_>, image: &Image<'_>) -> Vec<&'static str> {
    let mut found = Vec::new();
    let Some(python) = minor(image) else { return found };
    for row in WHEELS.rows() {
        let first = match python {
            Minor::Of(minor) => {
                let of = |pair: &&str| pair.split_once('=').is_some_and(|(number, _)| number == minor);
                row.column(0).split(' ').find(of)
            }
            // A tag that moves is the newest by now.
            Minor::Newest => row.column(0).split(' ').next_back(),
        };
        let Some((_, first)) = first.and_then(|pair| pair.split_once('=')) else { continue };
        if asked(survey, row.key).iter().any(|version| older(version, first)) {
            found.extend(row.column(1).split(' '));
        }
    }
    found
}

/// Python's version as far as a tag says it.
enum Minor<'t> {
    /// The number after `3.`.
    Of(&'t str),
    /// `python:3`, `python:latest`.
    Newest,
}

fn minor<'t>(image: &Image<'t>) -> Option<Minor<'t>> {
    let tag = image.tag();
    match tag.strip_prefix("3.") {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end).filter(|digits| !digits.is_empty()).map(Minor::Of)
        }
        None if image.name() == "python" && !tag.starts_with('2') => Some(Minor::Newest),
        None => None,
    }
}

/// Whether a file is a list of modules that pip reads: by its name, or because a command names it, `pip install -r
/// deps.txt`.
pub(super) fn listed(survey: &Survey<'_, '_>, file: &str) -> bool {
    let name = paths::name(file);
    let given = |step: &Step| {
        let mut words = step.args().iter().map(String::as_str);
        while let Some(word) = words.next() {
            let list = match word {
                "-r" | "--requirement" => words.next(),
                _ => word.strip_prefix("--requirement=").or_else(|| word.strip_prefix("-r")),
            };
            if list.is_some_and(|list| paths::name(list) == name) {
                return true;
            }
        }
        false
    };
    name.starts_with("requirement") && name.ends_with(".txt")
        || file.contains("requirements/")
        || survey.steps().any(|(_, step)| step.kind() == "python" && given(step))
}

/// The versions of a module that the project's lists and the command lines ask for, as far as they name one and no newer.
fn asked(survey: &Survey<'_, '_>, module: &str) -> Vec<String> {
    let mut found = Vec::new();
    let files = survey.model.context.map(|context| (context, context.files())).into_iter();
    for (context, file) in files.flat_map(|(context, files)| files.iter().map(move |file| (context, file))) {
        let name = paths::name(file);
        let listed = listed(survey, file);
        let locked = matches!(name, "Pipfile.lock" | "poetry.lock" | "uv.lock" | "pdm.lock");
        if !listed && !locked {
            continue;
        }
        let Some(text) = context.read(file) else { continue };
        let text = crate::context::text(&text);
        if listed {
            found.extend(text.lines().filter_map(|line| pinned(line, module)));
        } else {
            found.extend(locked_at(&text, module));
        }
    }
    let words = survey.steps().filter(|(_, step)| step.kind() == "python").flat_map(|(_, step)| step.args());
    found.extend(words.filter_map(|word| pinned(word, module)));
    found
}

/// `Pillow==8.2.0 ; …` asks for 8.2.0: what follows a name that is this one, if it allows nothing newer.
fn pinned(text: &str, module: &str) -> Option<String> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))?;
    let (name, rest) = text.split_at_checked(end)?;
    if name.to_ascii_lowercase().replace('_', "-") != module {
        return None;
    }
    version(rest.trim_start().strip_prefix("==")?)
}

/// The version that a lock file has of a module: on the line after its name.
fn locked_at(text: &str, module: &str) -> Option<String> {
    let named = |line: &&str| {
        let line = line.trim().to_ascii_lowercase().replace('_', "-");
        line == format!("name = \"{module}\"") || line.starts_with(&format!("\"{module}\": {{"))
    };
    let mut lines = text.lines().skip_while(|line| !named(line)).skip(1);
    let says = |line: &&str| {
        let line = line.trim();
        line.starts_with("version = ") || line.starts_with("\"version\": ")
    };
    let line = lines.by_ref().take_while(|line| !line.trim().starts_with(['[', '}'])).find(says);
    // `"hashes": [ … ],` of a Pipfile.lock stands between the two.
    let (_, version_of) = line?.split_once(['=', ':'])?;
    version(version_of.trim().trim_start_matches('"').trim_start_matches("=="))
}

/// The number at the start of `text`.
fn version(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number = text.get(..end)?;
    // `==2.*` takes what is there.
    let open = text.get(end..).is_some_and(|rest| rest.starts_with('*'));
    (!open && number.starts_with(|c: char| c.is_ascii_digit())).then(|| number.to_owned())
}

/// Whether one version is before another, number by number.
fn older(version: &str, first: &str) -> bool {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>();
    numbers(version) < numbers(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted() {
        WHEELS.check();
    }

    #[test]
    fn versions() {
        assert!(
            older("2.8.6", "2.9.11") && older("2.9.3", "2.9.11") && !older("2.9.11", "2.9.11") && !older("3", "2.9")
        );
        assert_eq!(pinned("Pillow==8.2.0 ; python_version > '3'", "pillow").as_deref(), Some("8.2.0"));
        assert_eq!(pinned("psycopg2_binary == 2.8.6", "psycopg2-binary").as_deref(), Some("2.8.6"));
        assert_eq!(pinned("psycopg2-binary>=2.8", "psycopg2-binary"), None);
        assert_eq!(pinned("psycopg2==2.8.6", "psycopg2-binary"), None);
        assert_eq!(pinned("pillow==8.*", "pillow"), None);
        let poetry = "[[package]]\nname = \"pillow\"\nversion = \"8.2.0\"\n";
        assert_eq!(locked_at(poetry, "pillow").as_deref(), Some("8.2.0"));
        let pipenv = "        \"pillow\": {\n            \"hashes\": [\n                \"sha256:0\"\n            ],\n            \"index\": \"pypi\",\n            \"version\": \"==8.2.0\"\n        },\n";
        assert_eq!(locked_at(pipenv, "pillow").as_deref(), Some("8.2.0"));
    }
}
