//! How a command writes a path: in the words of the file, so that it is still the same one when somebody builds another
//! version.

use crate::model::paths;
use crate::surgery;
use crate::syntax::Keyword;
use crate::syntax::words::reads;

use super::survey::{Survey, Unit};

/// A variable that commands see.
struct Variable {
    name: String,
    value: String,
    /// Whether who builds may choose another value.
    argument: bool,
}

/// A path as a shell reads it in a command before the unit at `place`: with the variables that the file makes it of,
/// `/srv/${NAME}` behind `ARG NAME`, `/opt/tool-${VERSION}` behind `ENV VERSION`.
pub(super) fn spelled(survey: &Survey<'_, '_>, path: &str, place: usize) -> String {
    as_workdir(survey, path).or_else(|| composed(survey, path, place)).unwrap_or_else(|| word(path))
}

/// As a WORKDIR writes it, with an argument.
fn as_workdir(survey: &Survey<'_, '_>, path: &str) -> Option<String> {
    let argument = |name: &String| arguments(survey).any(|known| known == *name);
    let workdir = |unit: &&Unit<'_>| {
        unit.instruction.keyword == Keyword::Workdir && survey.model.workdir(unit.index + 1) == Some(path)
    };
    let written = survey.units.iter().filter(workdir).map(|unit| unit.instruction.args.text.trim());
    let mut chosen = written.filter(|text| {
        let plain = text.starts_with('/') && !text.contains(['"', '\'', '\\', ' ', '`']);
        plain && reads(text, survey.model.file.escape).iter().any(argument)
    });
    chosen.next().map(str::to_owned)
}

/// The names that ARG declares in the stage.
fn arguments<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = String> + 's {
    let all = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Arg);
    all.flat_map(|unit| unit.instruction.pairs(survey.model.file.escape)).map(|pair| pair.name.raw.to_owned())
}

/// The path with the values of variables in it, where the file nowhere writes it out.
fn composed(survey: &Survey<'_, '_>, path: &str, place: usize) -> Option<String> {
    let source = survey.model.file.source;
    if word(path) != path || stands(source, path) > 0 {
        return None;
    }
    let variables = variables(survey, place);
    // A folder that an argument names, and nobody else.
    let mut whole = variables.iter().filter(|one| one.argument && one.value.len() > 1 && one.value.starts_with('/'));
    let folder = whole.find(|one| paths::within(path, &one.value) && stands(source, &one.value) == 1);
    // What is written out goes as far as it goes; what comes behind is made of variables.
    let slashes = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
    let written = || slashes.rev().find(|at| path.get(..*at).is_some_and(|head| stands(source, head) > 0));
    let (mut text, head) = match folder {
        Some(folder) => (format!("${{{}}}", folder.name), folder.value.len()),
        None => {
            let head = written().unwrap_or(0);
            (path.get(..head)?.to_owned(), head)
        }
    };
    let mut rest = path.get(head..)?;
    while !rest.is_empty() {
        let found = variables.iter().find(|one| fits(one) && starts(text.as_bytes(), rest, &one.value));
        let (next, length) = match found {
            Some(one) => (format!("${{{}}}", one.name), one.value.len()),
            None => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                (rest.get(..length)?.to_owned(), length)
            }
        };
        text.push_str(&next);
        rest = rest.get(length..)?;
    }
    (text != path).then_some(text)
}

/// The variables that a command before the unit at `place` sees, the longest value first; none of two with one value.
fn variables(survey: &Survey<'_, '_>, place: usize) -> Vec<Variable> {
    let before = survey.units.iter().take(place);
    let declares = |unit: &&Unit<'_>| matches!(unit.instruction.keyword, Keyword::Arg | Keyword::Env);
    let below = survey.below.iter().filter(|unit| unit.instruction.keyword == Keyword::Env);
    let index = match survey.units.get(place) {
        Some(unit) => unit.index,
        None => survey.units.last().map_or(survey.stage.from, |unit| unit.index) + 1,
    };
    let mut found: Vec<Variable> = Vec::new();
    for unit in below.chain(before.filter(declares)) {
        for pair in unit.instruction.pairs(survey.model.file.escape) {
            let name = pair.name.raw;
            if found.iter().any(|one| one.name == name) {
                continue;
            }
            // `ENV TOOL_VERSION=$tool_version` is the argument once more.
            let again = |one: &Variable| {
                let raw = pair.value.as_ref().map_or("", |value| value.raw.trim_matches('"'));
                raw.strip_prefix('$').is_some_and(|raw| raw.trim_matches(['{', '}']) == one.name)
            };
            if found.iter().any(again) {
                continue;
            }
            let value = survey.model.expand(index, &format!("${{{name}}}"));
            if value.known {
                let argument = unit.instruction.keyword == Keyword::Arg;
                found.push(Variable { name: name.to_owned(), value: value.text, argument });
            }
        }
    }
    let same = |value: &str| found.iter().filter(|one| one.value == value).count() > 1;
    let twice: Vec<String> = found.iter().map(|one| one.value.clone()).filter(|value| same(value)).collect();
    found.retain(|one| !twice.contains(&one.value));
    found.sort_by_key(|one| std::cmp::Reverse(one.value.len()));
    found
}

/// Whether a value in a path comes from nowhere else: any of an argument's, and a version.
fn fits(variable: &Variable) -> bool {
    let value = &variable.value;
    let version = value.contains('.') && value.bytes().any(|byte| byte.is_ascii_digit());
    value.len() > 2 && !value.contains('/') && (variable.argument || version)
}

/// Whether `rest`, which stands behind `before`, starts with the whole word `value`.
fn starts(before: &[u8], rest: &str, value: &str) -> bool {
    let (first, last) = (value.bytes().next(), value.bytes().next_back());
    let goes_on = |edge: Option<u8>, byte: &u8| match edge {
        Some(edge) if edge.is_ascii_digit() => byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric(),
    };
    let dotted = |bytes: &[u8]| matches!(bytes, [b'.', next, ..] if next.is_ascii_digit());
    let Some(behind) = rest.strip_prefix(value).map(str::as_bytes) else { return false };
    let before_ends = before.last().is_none_or(|byte| !goes_on(first, byte) && *byte != b'.');
    before_ends && behind.first().is_none_or(|byte| !goes_on(last, byte)) && !dotted(behind)
}

/// How often a path is written out in the file, by itself or as the folder of another.
fn stands(source: &[u8], path: &str) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'}');
    let found = memchr::memmem::find_iter(source, path);
    found
        .filter(|at| {
            let before = at.checked_sub(1).and_then(|at| source.get(at));
            let after = source.get(at + path.len());
            before.is_none_or(|byte| !part(byte))
                && after.is_none_or(|byte| *byte == b'/' || !part(byte) && *byte != b'$')
        })
        .count()
}

/// A path as a shell reads it.
pub(super) fn word(path: &str) -> String {
    // A variable that the file gives no value has one when the image is built.
    if path.contains("${") && !path.contains(['"', '\\', '`']) {
        return format!("\"{path}\"");
    }
    surgery::shell_word(path, "/._-+@:,")
}
