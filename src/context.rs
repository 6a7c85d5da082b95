//! The build context as data: which folder it is, and what a transform may ask about it.
//!
//! Everything is lazy: a folder is listed when a transform asks for its files, and a file is read when it is asked
//! for. One folder is listed once, however many Dockerfiles share it.

mod dockerignore;

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Result, bail};
use dockwright_transforms::context::{Context, WorkedOut};
use dockwright_transforms::knowledge::manifests;
use dockwright_transforms::{model, syntax};

use self::dockerignore::{Glob, Ignore};
use crate::cli::ChoiceArgs;
use crate::input::{Bounds, Input, Source, is_dockerfile_name};

/// Larger files are not looked into: sources and manifests are smaller, and memory is not ours to fill.
const MAX_FILE: u64 = 1024 * 1024;

/// A folder with more files than this is not used as a context.
const MAX_FILES: usize = 200_000;

/// How deep folders are followed.
const MAX_DEPTH: usize = 64;

/// The contexts of a run.
pub(crate) struct Contexts {
    mode: Mode,
    folders: Mutex<HashMap<(PathBuf, PathBuf), Arc<Folder>>>,
}

/// Where contexts come from.
enum Mode {
    /// There is none.
    Off,
    /// The folder that was typed, for every Dockerfile.
    Given(PathBuf),
    /// It is found for each Dockerfile.
    Find,
}

impl Contexts {
    /// Nothing is listed yet.
    ///
    /// # Errors
    /// `--context` is no folder.
    pub(crate) fn new(args: &ChoiceArgs) -> Result<Self> {
        let mode = match (&args.context, args.no_context) {
            (_, true) => Mode::Off,
            (Some(folder), _) if folder.is_dir() => Mode::Given(folder.clone()),
            (Some(folder), _) => bail!("--context {}: no such folder; check the path", folder.display()),
            (None, _) => Mode::Find,
        };
        Ok(Self { mode, folders: Mutex::default() })
    }

    /// Whether contexts are looked for.
    pub(crate) fn wanted(&self) -> bool {
        !matches!(self.mode, Mode::Off)
    }

    /// The context of one Dockerfile with the bytes `source`, which is said to be built with the folders `said`; `None` where
    /// there is none, or no folder has anything of what the file copies.
    pub(crate) fn of(&self, input: &Input, source: &[u8], said: &[PathBuf], bounds: &Bounds) -> Option<Arc<Folder>> {
        let root = match &self.mode {
            Mode::Off => return None,
            Mode::Given(folder) => folder.clone(),
            // Text from a pipe says nothing about a folder, unless a path for it was given.
            Mode::Find if input.source == Source::Stdin && input.path == Path::new("Dockerfile") => return None,
            Mode::Find => find(input.folder(), source, said, bounds)?,
        };
        let own = input.target().with_file_name(format!("{}.dockerignore", input.target().file_name()?.display()));
        let ignore = if own.is_file() { own } else { root.join(".dockerignore") };
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folders.entry((root.clone(), ignore.clone()));
        Some(Arc::clone(folder.or_insert_with(|| Arc::new(Folder::new(root, ignore)))))
    }
}

/// The folder that a build of the Dockerfile would be given: what Compose says, where everything that the file copies is
/// there, and no other has more of what its commands read; else its own, or the nearest above it, as far as its project goes,
/// that has it all. Where none has it all, the one that has the most. Where everything is copied, what is looked for are the
/// manifests that its commands read. A folder that has nothing of what is named, or nothing at all where everything is copied,
/// proves nothing: the file is built somewhere else.
fn find(folder: &Path, source: &[u8], said: &[PathBuf], bounds: &Bounds) -> Option<PathBuf> {
    let file = syntax::File::parse(source).ok()?;
    // A source with a variable in it can't be looked for.
    let sources: Vec<String> = model::copy_sources(&file).into_iter().filter(|source| !source.contains('$')).collect();
    let absolute = std::path::absolute(folder).ok()?;
    // The Dockerfile's own folder keeps the path that was typed, so that messages do too.
    let path = |found: &Path| if found == absolute { folder.to_owned() } else { found.to_owned() };
    let named: Vec<&String> = sources.iter().filter(|source| parts(source).next().is_some()).collect();
    let manifests = if named.is_empty() { model::copied_manifests(&file) } else { Vec::new() };
    let of = |root: &Path| match named.is_empty() {
        true => manifests.iter().filter(|names| names.split(' ').any(|name| has(root, name))).count(),
        false => named.iter().filter(|source| has(root, source)).count(),
    };
    let most = LazyCell::new(|| bounds.upwards(&absolute).map(of).max().unwrap_or_default());
    let all =
        |root: &&PathBuf| root.is_dir() && if named.is_empty() { of(root) >= *most } else { of(root) == named.len() };
    if let Some(root) = said.iter().find(all) {
        return Some(path(root));
    }
    if sources.is_empty() {
        return Some(folder.to_owned());
    }
    let wanted = named.len() + manifests.len();
    let mut best: Option<(usize, PathBuf)> = None;
    for ancestor in bounds.upwards(&absolute) {
        let there = of(ancestor);
        if there == wanted && wanted > 0 {
            return Some(path(ancestor));
        }
        if there > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((there, path(ancestor)));
        }
    }
    let own = || (named.is_empty() && holds_more(folder)).then(|| folder.to_owned());
    best.map(|(_, path)| path).or_else(own)
}

/// Whether `folder` has something that matches the source of a COPY, or what a build makes it of: `target/app.jar` is there
/// once Maven has run where the `pom.xml` is.
fn has(folder: &Path, source: &str) -> bool {
    let parts: Vec<&str> = parts(source).collect();
    let made = |at: usize, patterns: &str| {
        let above = parts.get(..at).unwrap_or_default();
        patterns.split(' ').any(|name| has_parts(folder, &[above, &[name]].concat()))
    };
    has_parts(folder, &parts)
        || parts.iter().enumerate().any(|(at, part)| manifests::beside(part).is_some_and(|names| made(at, names)))
}

/// The names in the source of a COPY; there are none where it is the whole context.
fn parts(source: &str) -> impl Iterator<Item = &str> {
    source.split('/').filter(|part| !matches!(*part, "" | "." | ".."))
}

/// Whether `folder` holds anything but Dockerfiles and what is said about them.
fn holds_more(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        let said = [".", "readme", "license", "licence", "docker-compose", "compose.y"];
        !is_dockerfile_name(&entry.file_name()) && !said.iter().any(|start| name.starts_with(start))
    })
}

fn has_parts(folder: &Path, parts: &[&str]) -> bool {
    let Some((first, rest)) = parts.split_first() else { return folder.exists() };
    if !first.contains(['*', '?', '[']) {
        let next = folder.join(first);
        return if rest.is_empty() { next.symlink_metadata().is_ok() } else { has_parts(&next, rest) };
    }
    let Some(glob) = Glob::new(first) else { return false };
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| glob.matches(name)) && (rest.is_empty() || has_parts(&entry.path(), rest))
    })
}

/// A folder of the disk as a build context.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    ignore: PathBuf,
    listing: OnceLock<Listing>,
    worked_out: WorkedOut,
}

#[derive(Debug, Default)]
struct Listing {
    files: Vec<String>,
    truncated: bool,
}

impl Folder {
    fn new(root: PathBuf, ignore: PathBuf) -> Self {
        Self { root, ignore, listing: OnceLock::new(), worked_out: WorkedOut::default() }
    }

    /// The folder on the disk.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The ignore file that a build of it honours; it need not exist.
    pub(crate) fn ignore(&self) -> &Path {
        &self.ignore
    }

    /// Whether somebody asked for the files and there were too many.
    pub(crate) fn truncated(&self) -> bool {
        self.listing.get().is_some_and(|listing| listing.truncated)
    }

    /// A remark for the person.
    pub(crate) fn too_large(&self) -> String {
        format!(
            "{}: more than {MAX_FILES} files, not looked at as a build context; shrink it by .dockerignore or name \
             another by --context",
            self.root.display()
        )
    }

    fn listing(&self) -> &Listing {
        self.listing.get_or_init(|| {
            // What can't be read ignores nothing: a larger context errs on the side that keeps more.
            let ignore = Ignore::new(&fs::read(&self.ignore).unwrap_or_default());
            let mut listing = Listing::default();
            let matched = vec![false; ignore.len()];
            list(&self.root, "", &ignore, &matched, 0, &mut listing);
            if listing.truncated {
                listing.files = Vec::new();
            }
            listing.files.sort_unstable();
            listing
        })
    }
}

/// Lists the files below `folder`, whose path in the context is `prefix` (with a `/` at its end, or empty).
fn list(folder: &Path, prefix: &str, ignore: &Ignore, parent: &[bool], depth: usize, listing: &mut Listing) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if listing.files.len() >= MAX_FILES {
            listing.truncated = true;
            return;
        }
        // A name that is not UTF-8 can't be written in a Dockerfile either.
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
        // The history of the project is no input of what it builds.
        if name == ".git" {
            continue;
        }
        let path = format!("{prefix}{name}");
        let (matched, ignored) = ignore.verdict(&path, parent);
        if kind.is_dir() {
            if depth < MAX_DEPTH && !(ignored && ignore.prunes(&path)) {
                list(&entry.path(), &format!("{path}/"), ignore, &matched, depth + 1, listing);
            }
        } else if !ignored {
            listing.files.push(path);
        }
    }
}

impl Context for Folder {
    fn files(&self) -> &[String] {
        &self.listing().files
    }

    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        // Being listed is what makes a path safe to join: it has no `..`, and `.dockerignore` lets it through.
        self.files().binary_search_by(|name| name.as_str().cmp(path)).ok()?;
        let path = self.root.join(path);
        if path.symlink_metadata().ok()?.is_symlink() {
            let inside = fs::canonicalize(&path).ok()?.starts_with(fs::canonicalize(&self.root).ok()?);
            if !inside {
                return None;
            }
        }
        // A pipe or a device would block for ever.
        let size = path.metadata().ok().filter(|metadata| metadata.is_file())?.len();
        if size > MAX_FILE {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()? + 1);
        File::open(&path).ok()?.take(MAX_FILE + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= MAX_FILE).then_some(Cow::Owned(bytes))
    }

    fn worked_out(&self) -> &WorkedOut {
        &self.worked_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn the_context_is_what_copy_would_bring() {
        let folder = folder(&[
            ("Dockerfile", ""),
            (".dockerignore", "vendor\n*.md\n!README.md\n"),
            (".git/config", ""),
            ("main.go", "package main"),
            ("README.md", ""),
            ("NOTES.md", ""),
            ("vendor/x/y.go", ""),
        ]);
        let context = Folder::new(folder.path().to_owned(), folder.path().join(".dockerignore"));
        assert_eq!(context.files(), [".dockerignore", "Dockerfile", "README.md", "main.go"]);
        assert_eq!(context.read("main.go").as_deref(), Some(&b"package main"[..]));
        assert_eq!(context.read("vendor/x/y.go"), None);
        assert_eq!(context.read("../x"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_context_is_not_followed() {
        let outside = folder(&[("secret", "x")]);
        let inside = folder(&[("a", "y")]);
        std::os::unix::fs::symlink(outside.path().join("secret"), inside.path().join("out")).unwrap();
        std::os::unix::fs::symlink("a", inside.path().join("in")).unwrap();
        let context = Folder::new(inside.path().to_owned(), inside.path().join(".dockerignore"));
        assert_eq!(context.files(), ["a", "in", "out"]);
        assert_eq!(context.read("out"), None);
        assert_eq!(context.read("in").as_deref(), Some(&b"y"[..]));
    }

    #[test]
    fn the_context_is_the_nearest_folder_that_has_what_is_copied() {
        let repository = folder(&[
            (".git/HEAD", ""),
            ("go.mod", ""),
            ("cmd/api/main.go", ""),
            ("deploy/api/Dockerfile", ""),
            ("deploy/api/entry.sh", ""),
        ]);
        let deploy = repository.path().join("deploy/api");
        let found = |text: &str| find(&deploy, text.as_bytes(), &[], &Bounds::default());
        assert_eq!(found("FROM a\nCOPY entry.sh /\n"), Some(deploy.clone()));
        assert_eq!(found("FROM a\nCOPY go.* ./\nCOPY cmd cmd\n"), Some(repository.path().to_owned()));
        assert_eq!(found("FROM a\nCOPY go.mod gone /\n"), Some(repository.path().to_owned()));
        assert_eq!(found("FROM a\nCOPY gone /\n"), None);
        assert_eq!(found("FROM a\nCOPY --from=b x /\nADD https://x.org/y /\n"), Some(deploy.clone()));
        assert_eq!(found("FROM a\nCOPY $X /\n"), Some(deploy.clone()));
        assert_eq!(found("FROM a\nCOPY . .\n"), Some(deploy.clone()));
        assert_eq!(found("FROM a\nCOPY go.mod .\nCOPY . .\n"), Some(repository.path().to_owned()));
        assert_eq!(found("FROM a\nCOPY gone .\nCOPY . .\n"), None);
        // Everything is copied, and there is nothing: the file is built somewhere else.
        let alone = folder(&[("api.Dockerfile", ""), ("Dockerfile", ""), (".dockerignore", ""), ("README.md", "")]);
        assert_eq!(find(alone.path(), b"FROM a\nCOPY ./ /app\n", &[], &Bounds::default()), None);
        // Everything is copied, and the commands say of what.
        assert_eq!(found("FROM a\nWORKDIR /x\nCOPY . .\nRUN go build\n"), Some(repository.path().to_owned()));
        assert_eq!(found("FROM a\nWORKDIR /x\nCOPY . .\nRUN npm ci\n"), Some(deploy.clone()));
        assert_eq!(found("FROM a\nCOPY . /x\nWORKDIR /x/cmd/api\nRUN make\n"), Some(deploy.clone()));
        assert_eq!(found("FROM a\nCOPY . /x\nWORKDIR /x/cmd/api\nRUN go build\n"), Some(repository.path().to_owned()));
        assert_eq!(
            found("FROM a\nWORKDIR /x\nCOPY . .\nCMD [\"cmd/api/bin/a\"]\n"),
            Some(repository.path().to_owned())
        );
        assert_eq!(found("FROM a\nWORKDIR /x\nCOPY . .\nCMD [\"lib/api/bin/a\"]\n"), Some(deploy.clone()));
        // What a build makes is there where it is made.
        assert_eq!(found("FROM a\nCOPY bin/api /\n"), Some(repository.path().to_owned()));
        assert_eq!(found("FROM a\nCOPY target/api.jar /\n"), None);
        // Compose says it, where all is there.
        let root = [repository.path().to_owned()];
        let said = |text: &str| find(&deploy, text.as_bytes(), &root, &Bounds::default());
        assert_eq!(said("FROM a\nCOPY . .\n"), Some(repository.path().to_owned()));
        assert_eq!(said("FROM a\nCOPY entry.sh .\n"), Some(deploy.clone()));
        // Where the commands ask for what is elsewhere, it is not so.
        let own = [deploy.clone()];
        let found = find(&deploy, b"FROM a\nWORKDIR /x\nCOPY . .\nRUN go build\n", &own, &Bounds::default());
        assert_eq!(found, Some(repository.path().to_owned()));
    }
}
