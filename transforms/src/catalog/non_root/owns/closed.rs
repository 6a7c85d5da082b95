//! Files that come into the image as root's alone: what ADD downloads, and what `--chmod` keeps for the owner.
//!
//! Source: the reference of Dockerfiles, "ADD": what comes from an address has the mode 600.

use crate::knowledge::words::Words;
use crate::knowledge::wrappers;
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::survey::{Survey, Unit};

use super::{Folder, Needs};

/// A file that only its owner may read.
struct File {
    path: String,
    /// What it is called where it comes from.
    name: String,
    /// Whether a folder is copied that it lies in.
    inside: bool,
    /// Whether it is a compiled program, by its name: to run one, nobody has to read it.
    program: bool,
}

/// Gives the user what nobody else may read, and is used when the container runs.
pub(super) fn closed(survey: &Survey<'_, '_>, needs: &mut Needs) {
    for (at, unit) in survey.units.iter().enumerate() {
        let said = unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link"));
        if said || needs.copies.contains(&at) {
            continue;
        }
        let later: Vec<&Step> = survey.units.iter().skip(at + 1).flat_map(|unit| survey.steps(unit)).collect();
        let stays = |file: &File| is_used(survey, &later, file) && !later.iter().any(|step| opens(step, file));
        let mode = unit.instruction.flags.iter().find(|flag| flag.name == "chmod").map(|flag| flag.value.as_deref());
        let files = match mode {
            Some(mode) => kept(survey, unit, mode.unwrap_or_default()),
            None => brought(survey, unit),
        };
        for file in files.into_iter().filter(stays) {
            if needs.late.iter().any(|folder| folder.recursive && paths::within(&file.path, &folder.path)) {
                continue;
            }
            if !file.inside {
                needs.copies.push(at);
            } else if !needs.owned(&file.path) {
                needs.late.push(Folder { path: file.path, recursive: false, make: false });
            }
        }
    }
}

/// What a COPY or ADD brings whose `--chmod` keeps it for the owner: `COPY --chmod=700 run.sh /`.
fn kept(survey: &Survey<'_, '_>, unit: &Unit<'_>, mode: &str) -> Vec<File> {
    let Some(copied) = survey.copied(unit) else { return Vec::new() };
    let (Some(to), true) = (copied.to.as_deref(), for_the_owner(mode)) else { return Vec::new() };
    let file = |source: &String| {
        let name = paths::name(source);
        let path = if copied.folder { paths::join(to, name) } else { to.to_owned() };
        File { path, name: name.to_owned(), inside: false, program: false }
    };
    copied.sources.iter().map(file).collect()
}

/// Whether a mode in digits lets the owner read or run what others may not.
pub(super) fn for_the_owner(mode: &str) -> bool {
    let digit = |at: usize| mode.bytes().rev().nth(at).map_or(0, |byte| byte.saturating_sub(b'0'));
    let octal = mode.bytes().all(|byte| byte.is_ascii_digit()) && mode.trim_start_matches('0').len() >= 3;
    octal && digit(2) & 5 & !digit(0) != 0
}

/// The downloaded files that an instruction brings: ADD by itself, COPY from a stage that has them so.
fn brought(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Vec<File> {
    let Some(copied) = survey.copied(unit) else { return Vec::new() };
    if unit.instruction.keyword == Keyword::Add {
        return files(copied);
    }
    let from = unit.instruction.flags.iter().find(|flag| flag.name == "from").and_then(|flag| flag.value.as_deref());
    let model = survey.model;
    let stage = from.and_then(|from| model.stage_named(from)).and_then(|index| model.stages.get(index));
    let (Some(stage), Some(to)) = (stage, copied.to.as_deref()) else { return Vec::new() };
    let mut found = Vec::new();
    for (index, _) in model.body(stage).filter(|(_, instruction)| instruction.keyword == Keyword::Add) {
        let Some(added) = model.copied(index) else { continue };
        for file in files(added) {
            let later = model.body(stage).filter(|(later, _)| *later > index);
            let mut later = later.flat_map(|(later, _)| model.steps(later).into_iter().flatten());
            let Some(source) = copied.sources.iter().find(|source| paths::within(&file.path, source)) else { continue };
            if later.any(|step| opens(step, &file)) {
                continue;
            }
            let rest = paths::relative(&file.path, source).filter(|rest| !rest.is_empty());
            let path = match rest {
                Some(rest) => paths::join(to, rest),
                None if copied.folder => paths::join(to, paths::name(&file.path)),
                None => to.to_owned(),
            };
            let inside = rest.is_some();
            found.push(File { path, inside, ..file });
        }
    }
    found
}

/// What an ADD downloads.
fn files(copied: &Copied) -> Vec<File> {
    let Some(to) = copied.to.as_deref() else { return Vec::new() };
    let remote = |source: &&String| {
        ["http://", "https://", "ftp://"].iter().any(|scheme| source.starts_with(scheme)) && !source.contains(".git#")
    };
    let sources = copied.sources.iter().filter(remote).filter(|source| !source.ends_with(".git"));
    let file = |source: &String| {
        let name = source.split(['?', '#']).next().map_or("", paths::name);
        let path = if copied.folder { paths::join(to, name) } else { to.to_owned() };
        let mut words = source.split(|c: char| !c.is_ascii_alphanumeric());
        let read = [".jar", ".war", ".sh", ".py", ".phar", ".json"].iter().any(|end| path.ends_with(end));
        let program =
            !read && (wrappers::is_known(paths::name(&path)) || words.any(|word| Words::BinaryWords.has(word)));
        File { path, name: name.to_owned(), inside: false, program }
    };
    sources.map(file).collect()
}

/// Whether a file is there for what starts: it is no archive or package, and no command of the build takes it for itself.
fn is_used(survey: &Survey<'_, '_>, later: &[&Step], file: &File) -> bool {
    const FOR_THE_BUILD: [&str; 9] = [
        "/tmp",
        "/var/tmp",
        "/root",
        "/usr/src",
        "/etc/apt",
        "/etc/apk",
        "/etc/yum.repos.d",
        "/etc/pki",
        "/usr/share/keyrings",
    ];
    let name = paths::name(&file.path);
    let packed = |name: &str| {
        Words::ArchiveEnds.list().iter().any(|end| *end != ".sh" && name.ends_with(end))
            || [".deb", ".rpm", ".apk", ".gpg", ".asc", ".key"].iter().any(|end| name.ends_with(end))
    };
    if packed(name) || packed(&file.name) || FOR_THE_BUILD.iter().any(|folder| paths::within(&file.path, folder)) {
        return false;
    }
    let names = |step: &Step| {
        step.program() == name || step.argv.iter().any(|word| step.path(word).is_some_and(|path| path == file.path))
    };
    let starts = survey.entry.steps.iter().any(names);
    starts || !later.iter().any(|step| !matches!(step.program(), "chmod" | "chown" | "test" | "[") && names(step))
}

/// Whether a command lets others than the owner read a file, or run a compiled program, or takes it away.
fn opens(step: &Step, file: &File) -> bool {
    let mut words = step.args().iter().filter(|arg| !arg.starts_with('-'));
    let mode = if matches!(step.program(), "chmod" | "chown") { words.next() } else { None };
    let concerns = |word: &String| {
        let pattern = word.contains(['*', '?']);
        step.path(word).is_some_and(|path| {
            path == file.path
                || step.is_recursive() && paths::within(&file.path, &path)
                || pattern && paths::parent(&path) == paths::parent(&file.path)
        })
    };
    let mut concerned = words.filter(|word| concerns(word));
    match (step.program(), mode) {
        ("chmod", Some(mode)) => concerned.next().is_some() && allows(mode, file.program),
        ("chown", _) | ("rm" | "mv" | "unzip" | "tar", _) => concerned.next().is_some(),
        _ => false,
    }
}

/// Whether a mode lets others read, or at least run.
fn allows(mode: &str, run: bool) -> bool {
    if let Some(last) = mode.bytes().last().filter(u8::is_ascii_digit) {
        let bits = last - b'0';
        return bits & 4 != 0 || run && bits & 1 != 0;
    }
    mode.split(',').any(|clause| {
        let Some(at) = clause.find(['+', '=']) else { return false };
        let (who, what) = clause.split_at(at);
        (who.is_empty() || who.contains(['a', 'o'])) && (what.contains('r') || run && what.contains(['x', 'X']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_may_read_what_the_mode_says() {
        for mode in ["644", "0755", "+r", "a+rx", "ugo+r", "u=rwx,go=rx", "o+r"] {
            assert!(allows(mode, false), "{mode}");
        }
        for mode in ["+x", "a+x", "711", "700", "u+rwx", "g+r", "640"] {
            assert!(!allows(mode, false), "{mode}");
        }
        for mode in ["700", "0600", "0750", "744"] {
            assert!(for_the_owner(mode), "{mode}");
        }
        for mode in ["755", "0644", "444", "u+x", ""] {
            assert!(!for_the_owner(mode), "{mode}");
        }
        assert!(allows("+x", true) && allows("711", true) && !allows("u+x", true));
    }
}
