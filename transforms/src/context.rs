//! Facts about the build context, as a transform may ask for them.

use std::borrow::Cow;

/// The folder that `COPY . .` would bring, seen from outside: names and contents, nothing else.
///
/// Paths are relative to the root of the context, separated by `/`, without a leading `./`. What `.dockerignore`
/// leaves out is not there.
pub trait Context {
    /// Every file, sorted by its bytes.
    fn files(&self) -> &[String];

    /// The content of one file; `None` where there is no such file, it can't be read, or it is too large to look at.
    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>>;
}

/// A context held in memory: what tests and documented examples use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryContext {
    names: Vec<String>,
    contents: Vec<Vec<u8>>,
}

impl MemoryContext {
    /// A context of the given files, as (path, content).
    pub fn new<N: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (N, C)>) -> Self {
        let mut files: Vec<(String, Vec<u8>)> = files.into_iter().map(|(n, c)| (n.into(), c.into())).collect();
        files.sort();
        files.dedup_by(|later, earlier| later.0 == earlier.0);
        let (names, contents) = files.into_iter().unzip();
        Self { names, contents }
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
}
