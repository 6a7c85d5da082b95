//! Which files are Dockerfiles: the paths that were typed, folders walked with ignore files respected, sorted, each
//! file once.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};
use rayon::prelude::*;

/// Nothing larger is read: BuildKit itself takes no Dockerfile of this size, and a wrong path (a disk image, a log) is
/// told from a Dockerfile before memory is spent on it.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// One thing to work on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Input {
    /// How it is called in every message: relative to the current folder where it is inside.
    pub(crate) path: PathBuf,
    /// Where its bytes are.
    pub(crate) source: Source,
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The file at [`Input::path`].
    File,
    /// The file that the symbolic link at [`Input::path`] leads to.
    Link(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// Standard input, called `path` where one was given.
    pub(crate) fn stdin(path: Option<&Path>) -> Self {
        Self { path: path.unwrap_or(Path::new("Dockerfile")).to_owned(), source: Source::Stdin }
    }

    /// The file itself, behind a symbolic link where there is one.
    pub(crate) fn target(&self) -> &Path {
        match &self.source {
            Source::Link(target) => target,
            Source::File | Source::Stdin => &self.path,
        }
    }

    /// The folder that the file is in.
    pub(crate) fn folder(&self) -> &Path {
        match self.target().parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// The bytes.
    ///
    /// # Errors
    /// One line: what is wrong and what to do, without the file's name.
    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        let read = |from: &mut dyn Read, size: u64| {
            let mut bytes = Vec::with_capacity(usize::try_from(size.min(MAX_SIZE)).unwrap_or_default() + 1);
            from.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(|error| cause(&error))?;
            match bytes.len() as u64 > MAX_SIZE {
                true => Err("larger than 16 MiB, which no Dockerfile is; name another file".to_owned()),
                false => Ok(bytes),
            }
        };
        if self.source == Source::Stdin {
            return read(&mut io::stdin().lock(), 4096);
        }
        let mut file = File::open(self.target()).map_err(|error| cause(&error))?;
        let size = file.metadata().map_or(4096, |metadata| metadata.len());
        read(&mut file, size)
    }
}

/// An error of the system with what to do about it.
pub(crate) fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder; check the path".into(),
        io::ErrorKind::PermissionDenied => "permission denied; change its permissions or run as its owner".into(),
        io::ErrorKind::IsADirectory => "a folder, not a file; name the Dockerfile in it".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only; remount it or use --dry-run".into(),
        io::ErrorKind::StorageFull => "the disk is full; make room and try again".into(),
        _ => format!("{error}; the file is left as it was"),
    }
}

/// What was found, and what could not be looked at: a line each.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// Sorted by path, each file once.
    pub(crate) files: Vec<Input>,
    /// The path and what is wrong with it, sorted.
    pub(crate) errors: Vec<(PathBuf, String)>,
    /// The folders that were typed, absolute.
    pub(crate) folders: Vec<PathBuf>,
}

/// How far up from a Dockerfile its project can go: to the root of the repository that it is in; without one, to the folder
/// that was typed, or the current one.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    folders: Vec<PathBuf>,
}

impl Bounds {
    /// The bounds of what was found.
    pub(crate) fn new(found: &Inputs) -> Self {
        let current = std::env::current_dir().ok().filter(|folder| folder.parent().is_some());
        Self { folders: found.folders.iter().cloned().chain(current).collect() }
    }

    /// The folders, from `folder`, which is absolute, up to where its project ends at the latest.
    pub(crate) fn upwards<'f>(&self, folder: &'f Path) -> impl Iterator<Item = &'f Path> + use<'f> {
        let repository = folder.ancestors().find(|ancestor| is_repository(ancestor));
        let around =
            || self.folders.iter().filter(|top| folder.starts_with(top)).map(|top| top.components().count()).min();
        let last = repository.map_or_else(|| around().unwrap_or(usize::MAX), |root| root.components().count());
        folder
            .ancestors()
            .enumerate()
            .take_while(move |(at, one)| *at == 0 || one.components().count() >= last)
            .map(|(_, one)| one)
    }
}

/// Finds the Dockerfiles behind the typed `paths`.
pub(crate) fn find(paths: &[PathBuf], stdin_path: Option<&Path>) -> Inputs {
    let mut found = Inputs::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.files.push(Input::stdin(stdin_path));
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                found.folders.extend(std::path::absolute(path));
                walk(path, &mut found);
            }
            Ok(metadata) if metadata.is_file() => match resolve(&tidy(path)) {
                Ok(input) => found.files.push(input),
                Err(error) => found.errors.push((tidy(path), error)),
            },
            Ok(_) => found.errors.push((tidy(path), "not a regular file; use `-` to read standard input".into())),
            Err(error) => found.errors.push((tidy(path), cause(&error))),
        }
    }
    found.files.par_sort_by_cached_key(|input| order(&input.path));
    found.errors.sort();
    if paths.len() > 1 || found.files.iter().any(|input| matches!(input.source, Source::Link(_))) {
        once(&mut found.files);
    }
    found
}

/// A key by which paths are sorted as their parts are: bytes in which what parts them comes before every other.
fn order(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes.map(|byte| if std::path::is_separator(char::from(*byte)) { 0 } else { *byte }).collect()
}

/// Keeps the first of several ways to the same file.
fn once(files: &mut Vec<Input>) {
    let mut seen = HashSet::new();
    // A link gives way to the file itself, whatever their names: the order in which they are seen is not the order in
    // which they are reported.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| files.get(*at).is_some_and(|input| matches!(input.source, Source::Link(_))));
    let mut keep = vec![false; files.len()];
    for at in order {
        if let (Some(input), Some(keep)) = (files.get(at), keep.get_mut(at)) {
            let key = match input.source {
                Source::Stdin => PathBuf::from("-"),
                _ => fs::canonicalize(input.target()).unwrap_or_else(|_| input.target().to_owned()),
            };
            *keep = seen.insert(key);
        }
    }
    let mut keep = keep.into_iter();
    files.retain(|_| keep.next().unwrap_or(true));
}

/// A file, or where a link leads to inside the repository.
fn resolve(path: &Path) -> Result<Input, String> {
    let link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if !link {
        return Ok(Input { path: path.to_owned(), source: Source::File });
    }
    let target = fs::canonicalize(path).map_err(|error| cause(&error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(|error| cause(&error))?;
    let root = folder.ancestors().find(|ancestor| is_repository(ancestor)).unwrap_or(&folder);
    match target.starts_with(root) {
        true => Ok(Input { path: path.to_owned(), source: Source::Link(shown(&target).into_owned()) }),
        false => Err(format!(
            "a symbolic link that leads out of {} to {}; name that file itself",
            shown(root).display(),
            target.display()
        )),
    }
}

/// Looks for Dockerfiles in a folder, in parallel.
fn walk(root: &Path, found: &mut Inputs) {
    let collected = Mutex::new(Inputs::default());
    let walker = WalkBuilder::new(root)
        // `.devcontainer/Dockerfile` and its like are real; the folders of version control are not.
        .hidden(false)
        .filter_entry(|entry| entry.depth() == 0 || !is_of_others(entry))
        .threads(rayon::current_num_threads())
        .build_parallel();
    walker.run(|| {
        // One list a thread, handed over at its end: no lock is taken for a file.
        let mut batch = Batch { all: &collected, own: Inputs::default() };
        Box::new(move |entry| {
            match entry {
                Ok(entry) => {
                    let kind = entry.file_type();
                    if is_dockerfile_name(entry.file_name()) {
                        if kind.is_some_and(|kind| kind.is_file()) {
                            batch.own.files.push(Input { path: tidy(entry.path()), source: Source::File });
                        } else if kind.is_some_and(|kind| kind.is_symlink()) && entry.path().is_file() {
                            match resolve(&tidy(entry.path())) {
                                Ok(input) => batch.own.files.push(input),
                                Err(error) => batch.own.errors.push((tidy(entry.path()), error)),
                            }
                        }
                    }
                }
                Err(error) => {
                    let text = error.io_error().map_or_else(|| error.to_string(), cause);
                    let path = located(&error).unwrap_or(root);
                    batch.own.errors.push((tidy(path), text));
                }
            }
            WalkState::Continue
        })
    });
    let inside = collected.into_inner().unwrap_or_else(PoisonError::into_inner);
    if inside.files.is_empty() && inside.errors.is_empty() {
        let text = "no Dockerfile in this folder (Dockerfile, Dockerfile.*, *.Dockerfile, Containerfile*); name the \
                    file itself";
        found.errors.push((tidy(root), text.into()));
    }
    found.files.extend(inside.files);
    found.errors.extend(inside.errors);
}

/// Whether a folder holds what its project does not write itself: the records of version control, and packages that a tool
/// put there, which it would write anew.
fn is_of_others(entry: &DirEntry) -> bool {
    let holds = |name: &str| entry.path().join(name).exists();
    match entry.file_name().to_str() {
        Some(".git" | ".hg" | ".svn" | ".jj" | "node_modules" | "bower_components") => true,
        // Go's and Composer's say so by a file of theirs, or by where their packages come from; another folder of this name may
        // be the project's own.
        Some("vendor") => {
            let marks = ["modules.txt", "autoload.php", "vendor.json", "github.com", "golang.org"];
            marks.iter().any(|mark| holds(mark))
        }
        _ => false,
    }
}

/// What one thread of the walk has found; it goes to the common list when the thread is done.
struct Batch<'a> {
    all: &'a Mutex<Inputs>,
    own: Inputs,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.files.append(&mut self.own.files);
        all.errors.append(&mut self.own.errors);
    }
}

/// The path that an error of the walk is about.
fn located(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => located(err),
        _ => None,
    }
}

/// Whether a file of this name is taken for a Dockerfile when a folder is walked.
pub(crate) fn is_dockerfile_name(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    // `docker build` takes the name in small letters as well, where nothing has the usual one.
    let plain = matches!(name, b"Dockerfile" | b"dockerfile")
        || name.starts_with(b"Dockerfile.")
        || name.ends_with(b".Dockerfile")
        || name.ends_with(b".dockerfile")
        || name.starts_with(b"Containerfile");
    // An ignore file of one Dockerfile and an editor's backup are named after it and are something else.
    plain && !name.ends_with(b".dockerignore") && !name.ends_with(b"~") && !name.ends_with(b".swp")
}

/// A path without `.` in it.
fn tidy(path: &Path) -> PathBuf {
    // As nearly all are.
    let bytes = path.as_os_str().as_encoded_bytes();
    if !bytes.ends_with(b"/") && !bytes.ends_with(b".") && !bytes.windows(2).any(|pair| matches!(pair, b"//" | b"./")) {
        return path.to_owned();
    }
    let plain: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    match plain.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => plain,
    }
}

/// A path as a person would type it: relative to the current folder where it is inside.
pub(crate) fn shown(path: &Path) -> Cow<'_, Path> {
    let current = std::env::current_dir().and_then(fs::canonicalize);
    match current.ok().and_then(|current| path.strip_prefix(current).ok()) {
        Some(inside) if !inside.as_os_str().is_empty() => Cow::Borrowed(inside),
        _ => Cow::Borrowed(path),
    }
}

/// Whether a folder is the root of a repository.
pub(crate) fn is_repository(folder: &Path) -> bool {
    [".git", ".hg", ".jj"].iter().any(|name| folder.join(name).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_ends_at_its_repository_or_at_what_was_typed() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/b/c");
        fs::create_dir_all(&inside).unwrap();
        let upwards = |folders: &[&Path]| {
            let bounds = Bounds { folders: folders.iter().map(|folder| folder.to_path_buf()).collect() };
            bounds.upwards(&inside).count()
        };
        assert_eq!(upwards(&[]), 1);
        assert_eq!(upwards(&[&folder.path().join("a")]), 3);
        assert_eq!(upwards(&[&folder.path().join("other"), &inside]), 1);
        fs::create_dir(folder.path().join("a/.git")).unwrap();
        assert_eq!(upwards(&[folder.path()]), 3);
    }

    #[test]
    fn the_names_of_dockerfiles() {
        for name in ["Dockerfile", "dockerfile", "Dockerfile.dev", "api.Dockerfile", "x.dockerfile", "Containerfile"] {
            assert!(is_dockerfile_name(OsStr::new(name)), "{name}");
        }
        for name in ["Dockerfiles", "dockerfile.go", "Dockerfile.dockerignore", "Dockerfile~", "myDockerfile"] {
            assert!(!is_dockerfile_name(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn paths_are_tidied() {
        assert_eq!(tidy(Path::new("./a/./b")), Path::new("a/b"));
        assert_eq!(tidy(Path::new(".")), Path::new("."));
        assert_eq!(tidy(Path::new("../a")), Path::new("../a"));
    }
}
