//! What can be told of an image without starting it: the program, its libraries, what was left behind, who it runs as
//! and what that user can write.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Config;
use super::tree::{Entry, Kind, Tree};

/// Names of programs by kind.
const LEFT_BEHIND: &str = include_str!("left-behind.tsv");

/// Where programs are looked for when the image does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many interpreters stand between a script and a program at most.
const MAX_SCRIPTS: usize = 8;

/// Folders that are there to be written by everybody, or that the engine fills.
const OPEN: [&str; 6] = ["tmp", "var/tmp", "proc", "sys", "dev", "run/lock"];

/// What was found in an image.
#[derive(Debug, Clone, Default)]
pub(super) struct Probe {
    /// What it starts, and whether it is there: the program, and the interpreters that it names.
    pub(super) starts: Vec<Program>,
    /// The libraries that these need and that are not there, each with who needs it.
    pub(super) missing: Vec<(String, String)>,
    /// Every program and library.
    pub(super) programs: BTreeSet<String>,
    /// Those that lack a library.
    pub(super) broken: BTreeMap<String, Lack>,
    /// What is left behind, by kind: names or paths.
    pub(super) left: BTreeMap<&'static str, BTreeSet<String>>,
    /// Whom it runs as.
    pub(super) user: User,
    /// What that user can write: the outermost folders and files.
    pub(super) writable: Vec<String>,
    /// The bytes of all files.
    pub(super) size: u64,
}

/// What a program or a library lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lack {
    /// The libraries, each with who needs it.
    pub(super) libraries: Vec<(String, String)>,
    /// Whether it is one that others load: an extension module, a plug-in, a library.
    pub(super) loaded: bool,
}

/// Something that is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) found: bool,
}

/// A user of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct User {
    /// As the image names it; `root` where it says nothing.
    pub(super) name: String,
    /// The home folder; empty where none is written.
    pub(super) home: String,
    /// `None` where the image does not know the name.
    pub(super) uid: Option<u32>,
    gids: Vec<u64>,
}

/// Looks at the files of an image that starts `whole`.
pub(super) fn probe(tree: &Tree, config: &Config, whole: &[String]) -> Probe {
    let user = user(tree, &config.user);
    let (starts, paths) = starts(tree, config, whole);
    let library_path = config.variable("LD_LIBRARY_PATH");
    let mut missing: Vec<(String, String)> =
        paths.iter().flat_map(|path| tree.missing(path, library_path.as_deref())).collect();
    missing.sort();
    missing.dedup();
    let lack = |path: &str| {
        let libraries = tree.missing(path, library_path.as_deref());
        let lack = Lack { libraries, loaded: tree.is_loaded(path) };
        (!lack.libraries.is_empty()).then(|| (format!("/{path}"), lack))
    };
    let programs = tree.programs().map(|path| format!("/{path}")).collect();
    let broken = tree.programs().filter_map(lack).collect();
    Probe {
        starts,
        missing,
        programs,
        broken,
        left: left(tree),
        writable: writable(tree, &user),
        user,
        size: tree.size,
    }
}

/// Whom the image runs as.
fn user(tree: &Tree, written: &str) -> User {
    let (name, group) = written.split_once(':').map_or((written, None), |(name, group)| (name, Some(group)));
    let name = if name.is_empty() { "root" } else { name };
    let rows = |file: &str| -> Vec<Vec<String>> {
        tree.text(file).lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
    };
    let (users, groups) = (rows("etc/passwd"), rows("etc/group"));
    let number = |row: &[String], column: usize| row.get(column).and_then(|text| text.parse::<u32>().ok());
    let row = users
        .iter()
        .find(|row| row.first().is_some_and(|first| first == name))
        .or_else(|| users.iter().find(|row| row.get(2).is_some_and(|uid| uid == name)));
    let uid = row.and_then(|row| number(row, 2)).or_else(|| name.parse().ok());
    let uid = uid.or_else(|| (name == "root").then_some(0));
    let of_group = |group: &str| {
        let row = groups.iter().find(|row| row.first().is_some_and(|first| first == group));
        row.and_then(|row| number(row, 2)).or_else(|| group.parse().ok())
    };
    let gid = match group {
        Some(group) => of_group(group),
        None => row.and_then(|row| number(row, 3)).or(Some(0)),
    };
    let account = row.and_then(|row| row.first()).map_or(name, String::as_str);
    let member = |row: &&Vec<String>| row.get(3).is_some_and(|members| members.split(',').any(|one| one == account));
    let further = groups.iter().filter(member).filter_map(|row| number(row, 2));
    let home = row.and_then(|row| row.get(5)).cloned().unwrap_or_default();
    User { name: account.to_owned(), home, uid, gids: gid.into_iter().chain(further).map(u64::from).collect() }
}

/// What is started: the program, the one inside `sh -c`, and the interpreters of scripts. Also where they are.
fn starts(tree: &Tree, config: &Config, whole: &[String]) -> (Vec<Program>, Vec<String>) {
    let path = config.variable("PATH").unwrap_or_else(|| PATH.into());
    let find = |name: &str| -> Option<(String, &Entry)> {
        let is_program = |found: &(String, &Entry)| !matches!(found.1.kind, Kind::Folder);
        match name.contains('/') {
            true if name.starts_with('/') => tree.get(name).filter(is_program),
            true => tree.get(&format!("{}/{name}", config.workdir())).filter(is_program),
            false => path.split(':').find_map(|folder| tree.get(&format!("{folder}/{name}")).filter(is_program)),
        }
    };
    let mut names: Vec<String> = whole.first().cloned().into_iter().collect();
    if let [shell, flag, script, ..] = whole
        && shell.ends_with("sh")
        && flag == "-c"
    {
        names.extend(first_program(script));
    }
    let (mut programs, mut paths) = (Vec::new(), Vec::new());
    for mut name in names {
        for _ in 0..MAX_SCRIPTS {
            let found = find(&name);
            programs.push(Program { name: name.clone(), found: found.is_some() });
            match found {
                Some((_, Entry { kind: Kind::Script(line), .. })) => {
                    let mut words = line.split_whitespace();
                    let first = words.next().unwrap_or_default();
                    let second = words.find(|word| !word.starts_with('-'));
                    name = if first.ends_with("/env") { second.unwrap_or(first) } else { first }.to_owned();
                }
                Some((path, _)) => {
                    paths.push(path);
                    break;
                }
                None => break,
            }
        }
    }
    (programs, paths)
}

/// The program that a shell's script begins with, where that is a plain word.
fn first_program(script: &str) -> Option<String> {
    let assignment = |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
    let mut words = script.split_whitespace().skip_while(|word| *word == "exec" || assignment(word));
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+".contains(character);
    words.next().filter(|word| word.chars().all(plain)).map(str::to_owned)
}

/// What an image that only runs a program can do without.
fn left(tree: &Tree) -> BTreeMap<&'static str, BTreeSet<String>> {
    let rows = LEFT_BEHIND.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    let kinds: BTreeMap<&str, &str> = rows.map(|(kind, name)| (name, kind)).collect();
    let mut left: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, entry) in tree.entries() {
        if matches!(entry.kind, Kind::Folder) {
            continue;
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if folder.ends_with("bin")
            && let Some(kind) = kinds.get(name)
        {
            left.entry(kind).or_default().insert(name.to_owned());
        }
        if entry.mode & 0o6000 != 0 && entry.mode & 0o111 != 0 && !matches!(entry.kind, Kind::Link(_)) {
            left.entry("setuid").or_default().insert(format!("/{path}"));
        }
    }
    left
}

/// The outermost folders and files that a user can write, without those that are there for everybody.
fn writable(tree: &Tree, user: &User) -> Vec<String> {
    let Some(uid) = user.uid.filter(|uid| *uid != 0) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for (path, entry) in tree.entries() {
        let within =
            |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if matches!(entry.kind, Kind::Link(_)) || OPEN.iter().any(|open| within(open)) {
            continue;
        }
        let bit = match () {
            () if entry.uid == u64::from(uid) => 0o200,
            () if user.gids.contains(&entry.gid) => 0o020,
            () => 0o002,
        };
        let inside = found.iter().any(|folder| folder.strip_prefix('/').is_some_and(within));
        if entry.mode & bit != 0 && !inside {
            found.push(format!("/{path}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tree::tests::archive;
    use super::*;

    fn look(files: &[(&str, u32, u64, &[u8])], config: serde_json::Value) -> Probe {
        let tree = Tree::read(&mut archive(files).as_slice());
        let config = Config::read(&config);
        probe(&tree, &config, &config.whole())
    }

    #[test]
    fn the_program_is_looked_for_through_the_shell_and_its_interpreter() {
        let files: &[(&str, u32, u64, &[u8])] = &[
            ("bin/sh", 0o755, 0, b"\x7fELF"),
            ("app/run", 0o755, 0, b"#!/usr/bin/env python3\n"),
            ("usr/bin/env", 0o755, 0, b"\x7fELF"),
        ];
        let starts = |config| -> Vec<(String, bool)> {
            look(files, config).starts.into_iter().map(|one| (one.name, one.found)).collect()
        };
        let expected = [("/bin/sh".to_owned(), true), ("./run".into(), true), ("python3".into(), false)];
        assert_eq!(starts(json!({"Cmd": ["/bin/sh", "-c", "A=b exec ./run --x"], "WorkingDir": "/app"})), expected);
        assert_eq!(starts(json!({"Cmd": ["gone"]})), [("gone".into(), false)]);
    }

    #[test]
    fn the_user_what_it_can_write_and_what_is_left_behind() {
        let files: &[(&str, u32, u64, &[u8])] = &[
            ("app/", 0o755, 0, b""),
            ("app/data/", 0o755, 999, b""),
            ("app/data/x", 0o644, 999, b""),
            ("app/log", 0o664, 100, b""),
            ("etc/passwd", 0o644, 0, b"root:x:0:0::/root:/bin/sh\napp:x:999:998::/:/bin/sh\n"),
            ("etc/group", 0o644, 0, b"logs:x:100:app\n"),
            ("tmp/", 0o1777, 0, b""),
            ("usr/bin/gcc", 0o755, 0, b""),
            ("usr/bin/su", 0o4755, 0, b""),
            ("usr/share/doc/gcc", 0o644, 0, b""),
        ];
        let found = look(files, json!({"User": "app"}));
        assert_eq!((found.user.name.as_str(), found.user.uid), ("app", Some(999)));
        assert_eq!(found.writable, ["/app/data", "/app/log"]);
        let left: Vec<_> =
            found.left.iter().map(|(kind, names)| (*kind, names.iter().next().unwrap().as_str())).collect();
        assert_eq!(left, [("setuid", "/usr/bin/su"), ("toolchain", "gcc")]);
        assert_eq!(look(files, json!({"User": "nobody"})).user.uid, None);
        assert_eq!(look(files, json!({})).user.uid, Some(0));
        assert_eq!(look(files, json!({"User": "65532:65532"})).user.uid, Some(65532));
    }
}
