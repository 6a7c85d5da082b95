//! Files that come into the image as root's alone: what ADD downloads, and what `--chmod` keeps for the owner.
//!
//! Source: the reference of Dockerfiles, "ADD": what comes from an address has the mode 600.

use std::collections::{HashMap, HashSet};

use crate::knowledge::words::Words;
use crate::knowledge::wrappers;
use crate::model::Stage;
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
    let mut stages = HashMap::new();
    let mut found: Vec<(usize, File)> = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        if unit.has_owner() {
            continue;
        }
        let mode = unit.instruction.flags.iter().find(|flag| flag.name == "chmod").map(|flag| flag.value.as_deref());
        let files = match mode {
            Some(mode) => kept(survey, unit, mode.unwrap_or_default()),
            None => brought(survey, unit, &mut stages),
        };
        found.extend(files.into_iter().map(|file| (at, file)));
    }
    if found.is_empty() {
        return;
    }
    // Read from its end, each instruction finds what comes behind it.
    let mut later = Later::default();
    let mut given: Vec<(usize, File)> = Vec::new();
    for (at, unit) in survey.units.iter().enumerate().rev() {
        while let Some((_, file)) = found.pop_if(|(known, _)| *known == at) {
            if is_used(survey, &later, &file) && !later.opens(&file) {
                given.push((at, file));
            }
        }
        survey.steps(unit).iter().for_each(|step| later.add(step));
    }
    for (at, file) in given.into_iter().rev() {
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

/// What later commands do with files: whom they let read them, and which they take for themselves.
#[derive(Default)]
struct Later {
    /// Paths that are opened: to whoever reads, or only to whoever runs them.
    files: HashMap<String, bool>,
    /// The same of folders, with everything in them.
    folders: HashMap<String, bool>,
    /// The same of folders in which a pattern stands.
    patterns: HashMap<String, bool>,
    /// Paths and programs that commands name.
    named: HashSet<String>,
}

impl Later {
    fn add(&mut self, step: &Step) {
        let mut words = step.args().iter().filter(|arg| !arg.starts_with('-'));
        let opened = match step.program() {
            "chmod" => {
                let mode = words.next().map_or("", String::as_str);
                allows(mode, true).then(|| allows(mode, false))
            }
            "chown" => words.next().map(|_| true),
            "rm" | "mv" | "unzip" | "tar" => Some(true),
            _ => None,
        };
        if let Some(read) = opened {
            for word in words {
                let Some(path) = step.path(word) else { continue };
                let (map, key) = if word.contains(['*', '?']) {
                    (&mut self.patterns, paths::parent(&path).to_owned())
                } else if step.is_recursive() {
                    (&mut self.folders, path)
                } else {
                    (&mut self.files, path)
                };
                *map.entry(key).or_default() |= read;
            }
        }
        if !matches!(step.program(), "chmod" | "chown" | "test" | "[") {
            self.named.insert(step.program().to_owned());
            self.named.extend(step.argv.iter().filter_map(|word| step.path(word)));
        }
    }

    /// Whether others than the owner may read a file, or run a compiled program, or it is taken away.
    fn opens(&self, file: &File) -> bool {
        let enough = |read: Option<&bool>| read.is_some_and(|read| *read || file.program);
        let mut folder = file.path.as_str();
        while folder.len() > 1 {
            if enough(self.folders.get(folder)) {
                return true;
            }
            folder = paths::parent(folder);
        }
        enough(self.files.get(&file.path)) || enough(self.patterns.get(paths::parent(&file.path)))
    }
}

/// What a COPY or ADD brings whose `--chmod` keeps it for the owner: `COPY --chmod=700 run.sh /`.
fn kept(survey: &Survey<'_, '_>, unit: &Unit<'_>, mode: &str) -> Vec<File> {
    let Some(copied) = survey.copied(unit) else { return Vec::new() };
    let file = |source: &String| {
        let name = paths::name(source).to_owned();
        Some(File { path: copied.place(source)?, name, inside: false, program: false })
    };
    copied.sources.iter().filter(|_| for_the_owner(mode)).filter_map(file).collect()
}

/// Whether a mode in digits lets the owner read or run what others may not.
pub(super) fn for_the_owner(mode: &str) -> bool {
    let digit = |at: usize| mode.bytes().rev().nth(at).map_or(0, |byte| byte.saturating_sub(b'0'));
    let octal = mode.bytes().all(|byte| byte.is_ascii_digit()) && mode.trim_start_matches('0').len() >= 3;
    octal && digit(2) & 5 & !digit(0) != 0
}

/// The downloaded files that an instruction brings: ADD by itself, COPY from a stage that has them so.
fn brought(survey: &Survey<'_, '_>, unit: &Unit<'_>, stages: &mut HashMap<usize, Vec<File>>) -> Vec<File> {
    let Some(copied) = survey.copied(unit) else { return Vec::new() };
    if unit.instruction.keyword == Keyword::Add {
        return files(copied);
    }
    let (Some(stage), Some(to)) = (survey.copied_from(unit), copied.to.as_deref()) else { return Vec::new() };
    let files = stages.entry(stage.from).or_insert_with(|| downloads(survey, stage));
    let mut found = Vec::new();
    for source in &copied.sources {
        let first = files.partition_point(|file| file.path.as_str() < source.as_str());
        let inside = files.iter().skip(first).take_while(|file| file.path.starts_with(source.as_str()));
        for file in inside.filter(|file| paths::within(&file.path, source)) {
            let rest = paths::relative(&file.path, source).filter(|rest| !rest.is_empty());
            let path = rest.map_or_else(|| copied.place(&file.path), |rest| Some(paths::join(to, rest)));
            let Some(path) = path else { continue };
            found.push(File { path, name: file.name.clone(), inside: rest.is_some(), program: file.program });
        }
    }
    found
}

/// What a stage downloads by ADD, and keeps for root, in the order of the paths.
fn downloads(survey: &Survey<'_, '_>, stage: &Stage) -> Vec<File> {
    let mut later = Later::default();
    let mut found = Vec::new();
    for (index, instruction) in survey.model.body(stage).rev() {
        if instruction.keyword == Keyword::Add {
            let added = survey.model.copied(index).map(files).unwrap_or_default();
            found.extend(added.into_iter().filter(|file| !later.opens(file)));
        }
        survey.model.steps(index).into_iter().flatten().for_each(|step| later.add(step));
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found
}

/// What an ADD downloads.
fn files(copied: &Copied) -> Vec<File> {
    let remote = |source: &&String| {
        ["http://", "https://", "ftp://"].iter().any(|scheme| source.starts_with(scheme)) && !source.contains(".git#")
    };
    let sources = copied.sources.iter().filter(remote).filter(|source| !source.ends_with(".git"));
    let file = |source: &String| {
        let name = source.split(['?', '#']).next().map_or("", paths::name);
        let path = copied.place(name)?;
        let mut words = source.split(|c: char| !c.is_ascii_alphanumeric());
        let read = [".jar", ".war", ".sh", ".py", ".phar", ".json"].iter().any(|end| path.ends_with(end));
        let program =
            !read && (wrappers::is_known(paths::name(&path)) || words.any(|word| Words::BinaryWords.has(word)));
        Some(File { path, name: name.to_owned(), inside: false, program })
    };
    sources.filter_map(file).collect()
}

/// Whether a file is there for what starts: it is no archive or package, and no command of the build takes it for itself.
fn is_used(survey: &Survey<'_, '_>, later: &Later, file: &File) -> bool {
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
    starts || !later.named.contains(&file.path) && !later.named.contains(name)
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
