//! Facts about the build context, as a transform may ask for them.

use crate::knowledge::words::Words;
use std::borrow::Cow;
use std::sync::OnceLock;

/// The folder that `COPY . .` would bring, seen from outside: names and contents, nothing else.
///
/// Paths are relative to the root of the context, separated by `/`, without a leading `./`. What `.dockerignore`
/// leaves out is not there.
pub trait Context {
    /// Every file, sorted by its bytes.
    fn files(&self) -> &[String];

    /// The content of one file; `None` where there is no such file, it can't be read, or it is too large to look at.
    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>>;

    /// The place for what is worked out of all files once, however many Dockerfiles ask.
    fn worked_out(&self) -> &WorkedOut;

    /// Whether there is a file of this path, or a folder with one in it.
    fn holds(&self, path: &str) -> bool {
        let files = self.files();
        let first = files.partition_point(|file| file.as_str() < path);
        let behind = files.get(first..).unwrap_or_default().iter();
        // Between `app` and `app/main.py` come `app-1` and the like.
        behind.map_while(|file| file.strip_prefix(path)).any(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// What is worked out of a context when a first Dockerfile asks for it: many may lie in one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkedOut {
    /// The images that stages of its Dockerfiles stand on, each with the Dockerfile.
    pub(crate) bases: OnceLock<Vec<(String, String)>>,
    /// The images that its files say how to build, each with the paths that its Dockerfile may have.
    pub(crate) built: OnceLock<Vec<(String, [String; 2])>>,
}

/// The text of a file, whatever its editor wrote: a byte order mark goes, and the UTF-16 of Windows' shells is read.
/// `pip freeze > requirements.txt` writes that in PowerShell, and pip reads it.
pub fn text(content: &[u8]) -> Cow<'_, str> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| Some(unit(pair.try_into().ok()?)));
        char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    match content {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(content),
    }
}

/// The wanted files of a context with their contents, as far as somebody has written them: more than 4 MiB in all is what a
/// machine wrote, and what comes then is left out.
pub fn contents<'c>(
    context: &'c dyn Context,
    wanted: impl Fn(&str) -> bool + 'c,
) -> impl Iterator<Item = (&'c str, Cow<'c, [u8]>)> {
    const MOST: usize = 4 << 20;
    let mut seen = 0usize;
    let files = context.files().iter().map(String::as_str).filter(move |file| wanted(file));
    files.filter_map(|file| Some((file, context.read(file)?))).take_while(move |(_, content)| {
        seen += content.len();
        seen <= MOST
    })
}

/// Whether a file holds code of the project that may run: not a dependency, a test, or what a bundler packed.
pub fn is_code(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').is_some_and(|(stem, end)| Words::CodeEnds.has(end) && !stem.ends_with(".min"))
        && !file.split('/').any(|part| Words::OthersFolders.has(part))
}

/// Whether a file is of the project's tests: a program does not run it.
pub fn is_test(file: &str) -> bool {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    [".test.", ".spec.", "_test."].iter().any(|mark| name.contains(mark))
        || name.starts_with("test_")
        || folders.split('/').any(|part| Words::TestFolders.has(part))
}

/// Whether a file is for who works on the project: a test, settings of a tool, or what somebody starts by hand.
pub fn is_aside(file: &str) -> bool {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    is_test(file)
        || name.contains(".config.")
        || Words::WorkFiles.has(name)
        || folders.split('/').any(|part| Words::WorkFolders.has(part))
}

/// A context held in memory: what tests and documented examples use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryContext {
    names: Vec<String>,
    contents: Vec<Vec<u8>>,
    worked_out: WorkedOut,
}

impl MemoryContext {
    /// A context of the given files, as (path, content).
    pub fn new<N: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (N, C)>) -> Self {
        let mut files: Vec<(String, Vec<u8>)> = files.into_iter().map(|(n, c)| (n.into(), c.into())).collect();
        files.sort();
        files.dedup_by(|later, earlier| later.0 == earlier.0);
        let (names, contents) = files.into_iter().unzip();
        Self { names, contents, worked_out: WorkedOut::default() }
    }
}

impl Context for MemoryContext {
    fn files(&self) -> &[String] {
        &self.names
    }

    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        let at = self.names.binary_search_by(|name| name.as_str().cmp(path)).ok()?;
        self.contents.get(at).map(|content| Cow::Borrowed(content.as_slice()))
    }

    fn worked_out(&self) -> &WorkedOut {
        &self.worked_out
    }
}
