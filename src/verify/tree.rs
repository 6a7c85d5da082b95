//! The files of an image, read from its exported archive: what needs no program inside works for `scratch` too.

use std::collections::BTreeMap;
use std::io::Read;

use crate::batch;

/// No program is larger; what is, is not looked into.
const MAX_PROGRAM: u64 = 512 * 1024 * 1024;

/// How many links are followed before it is taken for a circle.
const MAX_LINKS: usize = 40;

/// The text files that are read whole.
const TEXTS: [&str; 3] = ["etc/passwd", "etc/group", "etc/ld.so.conf"];

/// The files of an image.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// By path, without a `/` at either end.
    entries: BTreeMap<String, Entry>,
    /// The content of [`TEXTS`] and of the linker's further settings.
    texts: BTreeMap<String, String>,
    /// Where the dynamic linker looks, after what a program names.
    linker: Vec<String>,
    /// The bytes of all files.
    pub(super) size: u64,
}

/// A file, folder or link.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) kind: Kind,
}

/// What an entry is.
#[derive(Debug)]
pub(super) enum Kind {
    Folder,
    /// Where it leads.
    Link(String),
    /// A script with the words behind its `#!`.
    Script(String),
    Program(Box<Elf>),
    Other,
}

/// What the dynamic linker reads of a program.
#[derive(Debug, Clone, Default)]
pub(super) struct Elf {
    interpreter: Option<String>,
    needed: Vec<String>,
    /// RPATH and RUNPATH, each a list with `:`.
    paths: Vec<String>,
}

impl Tree {
    /// Reads an archive. What is broken ends it: what was read before is kept.
    pub(super) fn read(reader: &mut dyn Read) -> Self {
        let mut tree = Tree::default();
        let mut archive = tar::Archive::new(reader);
        let Ok(entries) = archive.entries() else { return tree };
        for entry in entries {
            let Ok(entry) = entry else { break };
            tree.add(entry);
        }
        tree.linker = tree.linker_paths();
        tree
    }

    fn add(&mut self, mut entry: tar::Entry<'_, impl Read>) {
        let path = plain(&String::from_utf8_lossy(&entry.path_bytes()));
        if path.is_empty() {
            return;
        }
        let header = entry.header();
        let (mode, size) = (header.mode().unwrap_or_default(), entry.size());
        let (uid, gid) = (header.uid().unwrap_or_default(), header.gid().unwrap_or_default());
        let target = || entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
        let kind = match header.entry_type() {
            tar::EntryType::Directory => Kind::Folder,
            tar::EntryType::Symlink => Kind::Link(target().unwrap_or_default()),
            // A second name of a file that came before.
            tar::EntryType::Link => Kind::Link(format!("/{}", plain(&target().unwrap_or_default()))),
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                self.size += size;
                self.content(&path, size, &mut entry)
            }
            _ => Kind::Other,
        };
        self.entries.insert(path, Entry { mode, uid, gid, kind });
    }

    /// Looks into a regular file as far as something is asked of it later.
    fn content(&mut self, path: &str, size: u64, entry: &mut impl Read) -> Kind {
        if TEXTS.contains(&path)
            || (path.starts_with("etc/ld.so.conf.d/") && size < 1 << 16)
            || path.starts_with("etc/ld-musl-")
        {
            let mut text = Vec::new();
            let _ = entry.take(1 << 20).read_to_end(&mut text);
            self.texts.insert(path.to_owned(), String::from_utf8_lossy(&text).into_owned());
            return Kind::Other;
        }
        let mut head = Vec::with_capacity(256);
        let _ = entry.by_ref().take(256).read_to_end(&mut head);
        if let Some(line) = head.strip_prefix(b"#!") {
            let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
            return Kind::Script(String::from_utf8_lossy(line).trim().to_owned());
        }
        if !head.starts_with(b"\x7fELF") || size > MAX_PROGRAM {
            return Kind::Other;
        }
        let _ = entry.read_to_end(&mut head);
        Kind::Program(Box::new(elf(&head)))
    }

    /// What is at a path, links followed; a path that does not begin with `/` begins at the root all the same.
    pub(super) fn get(&self, path: &str) -> Option<(String, &Entry)> {
        let mut done: Vec<String> = Vec::new();
        let mut todo: Vec<String> = parts(path);
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            if let Some(Entry { kind: Kind::Link(target), .. }) = self.entries.get(&done.join("/")) {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                match target.starts_with('/') {
                    true => done.clear(),
                    false => drop(done.pop()),
                }
                todo.extend(parts(target));
            }
        }
        let path = done.join("/");
        self.entries.get(&path).map(|entry| (path, entry))
    }

    /// Every entry, sorted by path.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// A text file that was read whole.
    pub(super) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map(String::as_str).unwrap_or_default()
    }

    /// The folders in which the dynamic linker looks, after those that a program names.
    fn linker_paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = Vec::new();
        for (name, text) in &self.texts {
            if name.starts_with("etc/ld.so.conf") || name.starts_with("etc/ld-musl-") {
                let lines = text.split(['\n', ':']).map(str::trim).filter(|line| line.starts_with('/'));
                paths.extend(lines.map(str::to_owned));
            }
        }
        paths.extend(["/lib", "/usr/lib", "/usr/local/lib", "/lib64", "/usr/lib64"].map(str::to_owned));
        // Debian's folders by architecture.
        for (path, entry) in &self.entries {
            let name = path.strip_prefix("usr/lib/").or_else(|| path.strip_prefix("lib/"));
            let folder = matches!(entry.kind, Kind::Folder | Kind::Link(_));
            if folder && name.is_some_and(|name| name.contains("-linux-") && !name.contains('/')) {
                paths.push(format!("/{path}"));
            }
        }
        paths
    }

    /// The libraries that a program needs and that are not there, each with who needs it; libraries of libraries too.
    pub(super) fn missing(&self, program: &str, library_path: Option<&str>) -> Vec<(String, String)> {
        let mut missing = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut todo: Vec<(String, Vec<String>)> = vec![(program.to_owned(), Vec::new())];
        while let Some((path, inherited)) = todo.pop() {
            let Some((path, Entry { kind: Kind::Program(elf), .. })) = self.get(&path) else { continue };
            if seen.contains(&path) {
                continue;
            }
            seen.push(path.clone());
            if let Some(interpreter) = &elf.interpreter
                && self.get(interpreter).is_none()
            {
                missing.push((interpreter.clone(), format!("/{path}")));
            }
            let origin = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let expand = |list: &String| -> Vec<String> {
                let list = list.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", &format!("/{origin}"));
                list.split(':').filter(|path| !path.is_empty()).map(str::to_owned).collect()
            };
            let mut own: Vec<String> = elf.paths.iter().flat_map(expand).collect();
            own.extend(inherited);
            let library_path = library_path.into_iter().flat_map(|list| list.split(':')).map(str::to_owned);
            let folders: Vec<String> =
                own.iter().cloned().chain(library_path).chain(self.linker.iter().cloned()).collect();
            for name in &elf.needed {
                let found = match name.contains('/') {
                    true => self.get(name).map(|_| name.clone()),
                    false => {
                        folders.iter().map(|folder| format!("{folder}/{name}")).find(|path| self.get(path).is_some())
                    }
                };
                match found {
                    Some(found) => todo.push((found, own.clone())),
                    // musl's linker is its C library, under whatever name a program asks for it.
                    None if name.starts_with("libc.musl-") => {}
                    None => missing.push((name.clone(), format!("/{path}"))),
                }
            }
        }
        missing.sort();
        missing.dedup();
        missing
    }

    /// Whether it is a library or a module: it names no interpreter that would start it, so that others load it.
    pub(super) fn is_loaded(&self, path: &str) -> bool {
        self.get(path).is_some_and(|(_, entry)| matches!(&entry.kind, Kind::Program(elf) if elf.interpreter.is_none()))
    }

    /// Every program and library, by path.
    pub(super) fn programs(&self) -> impl Iterator<Item = &str> {
        self.entries().filter(|(_, entry)| matches!(entry.kind, Kind::Program(_))).map(|(path, _)| path)
    }
}

/// What the dynamic linker reads; nothing where the file is no program after all.
fn elf(bytes: &[u8]) -> Elf {
    // A file that is made to break a parser is no reason to stop.
    let read = batch::caught(|| {
        let elf = goblin::elf::Elf::parse(bytes).ok()?;
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        Some(Elf {
            interpreter: elf.interpreter.map(str::to_owned),
            needed: texts(&elf.libraries),
            paths: [texts(&elf.rpaths), texts(&elf.runpaths)].concat(),
        })
    });
    read.ok().flatten().unwrap_or_default()
}

/// A path without `.`, and without `/` at its ends.
fn plain(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

/// The parts of a path, the first one last.
fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).rev().map(str::to_owned).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An archive of files: the path, the mode, the owner, and a link's target after `->` or the content.
    pub(in crate::verify) fn archive(files: &[(&str, u32, u64, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, mode, owner, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_uid(*owner);
            header.set_gid(*owner);
            if let Some(target) = content.strip_prefix(b"->") {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, std::str::from_utf8(target).unwrap()).unwrap();
            } else {
                let folder = path.ends_with('/');
                header.set_entry_type(if folder { tar::EntryType::Directory } else { tar::EntryType::Regular });
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, path, *content).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn links_are_followed_inside_the_image() {
        let tar = archive(&[
            ("bin", 0o777, 0, b"->usr/bin"),
            ("usr/bin/", 0o755, 0, b""),
            ("usr/bin/sh", 0o777, 0, b"->/usr/bin/dash"),
            ("usr/bin/dash", 0o755, 0, b"x"),
            ("loop", 0o777, 0, b"->loop"),
            ("up", 0o777, 0, b"->../../usr/./bin"),
        ]);
        let tree = Tree::read(&mut tar.as_slice());
        let found = |path: &str| tree.get(path).map(|(path, _)| path);
        assert_eq!(found("/bin/sh").as_deref(), Some("usr/bin/dash"));
        assert_eq!(found("/up/dash").as_deref(), Some("usr/bin/dash"));
        assert_eq!((found("/loop"), found("/bin/bash")), (None, None));
    }

    #[test]
    fn the_libraries_of_a_program_are_looked_for_as_the_linker_does() {
        // This test itself is a program with libraries.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let read = elf(&own);
        if read.needed.is_empty() {
            return;
        }
        let tar = archive(&[("app/main", 0o755, 0, &own)]);
        let missing = Tree::read(&mut tar.as_slice()).missing("/app/main", None);
        for name in &read.needed {
            assert!(missing.contains(&(name.clone(), "/app/main".into())), "{name}: {missing:?}");
        }
        let mut files: Vec<(String, &[u8])> = vec![("app/main".into(), &own)];
        files.extend(read.needed.iter().map(|name| (format!("opt/lib/{name}"), &b"\x7fELF"[..])));
        files.extend(read.interpreter.iter().map(|path| (plain(path), &b"\x7fELF"[..])));
        let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), 0o755, 0, *content)).collect();
        let tree = Tree::read(&mut archive(&files).as_slice());
        assert_eq!(tree.missing("/app/main", Some("/opt/lib")), []);
        assert!(!tree.missing("/app/main", None).is_empty());
    }

    #[test]
    fn a_broken_archive_gives_what_is_before_the_break() {
        let tar = archive(&[("a", 0o644, 0, b"1"), ("b", 0o644, 0, b"2")]);
        let tree = Tree::read(&mut tar.get(..900).unwrap());
        assert_eq!(tree.entries().count(), 1);
        assert_eq!(elf(b"\x7fELF\x02\x01\x01 and nothing that it says").needed.len(), 0);
    }
}
