//! Tables that are searched where they lie: sorted lines of embedded text, found by binary search, or by an index where
//! one table is asked often.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lines of `key`, or `key TAB rest`, sorted by the bytes of the key, under leading comment lines that start with `#`.
///
/// Nothing is parsed beforehand and nothing is allocated: a search looks at about twenty lines of the text itself. Only
/// who reads thousands of files asks so much that an index pays.
#[derive(Debug)]
pub(crate) struct Sorted {
    text: &'static str,
    /// How often it was asked while there was no index.
    asked: AtomicUsize,
    index: OnceLock<Index>,
}

/// From how many questions on a table has an index.
const OFTEN: usize = 200;

/// A line of a table: its key, and what follows the first tab (empty where there is none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) rest: &'static str,
}

impl Row {
    fn of(line: &'static str) -> Self {
        let tab = memchr::memchr(b'\t', line.as_bytes()).unwrap_or(line.len());
        Self { key: line.get(..tab).unwrap_or(line), rest: line.get(tab + 1..).unwrap_or("") }
    }

    /// The columns after the key.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        let rest = self.rest;
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\t', rest.as_bytes()).chain([rest.len()]);
        ends.map(move |end| rest.get(std::mem::replace(&mut start, end + 1)..end).unwrap_or(""))
    }

    /// The column after the key, counted from 0; empty where the line ends before it.
    pub(crate) fn column(&self, at: usize) -> &'static str {
        self.columns().nth(at).unwrap_or("")
    }
}

/// A map of the short keys of tables, which nobody outside chooses: hashing them fast is all that matters.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// FNV-1a, whose low bits are the good ones.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u8(*byte));
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn finish(&self) -> u64 {
        // Both ends of the number are asked for.
        self.0 ^ self.0.rotate_left(32)
    }
}

impl Sorted {
    /// A table over a file's text.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, asked: AtomicUsize::new(0), index: OnceLock::new() }
    }

    /// The first row whose key is this one.
    pub(crate) fn find(&self, key: &str) -> Option<Row> {
        self.rows_at(self.first(key.bytes())?).next()
    }

    /// The rows of this key, in the file's order.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = Row> + use<'_> {
        let start = self.first(key.bytes()).unwrap_or(self.text.len());
        let mut found: Option<&'static str> = None;
        self.rows_at(start).take_while(move |row| *found.get_or_insert(row.key) == row.key)
    }

    /// The row of a key such as `name:tag`, without putting its parts together.
    pub(crate) fn find_pair(&self, name: &str, between: u8, tag: &str) -> Option<Row> {
        self.rows_at(self.first(name.bytes().chain([between]).chain(tag.bytes()))?).next()
    }

    /// Every row, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        self.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(Row::of)
    }

    fn rows_at(&self, start: usize) -> impl Iterator<Item = Row> + use<> {
        self.text.get(start..).unwrap_or("").lines().map(Row::of)
    }

    /// Where the first row of this key starts.
    fn first(&self, key: impl Iterator<Item = u8> + Clone) -> Option<usize> {
        if self.index.get().is_none() && self.asked.fetch_add(1, Ordering::Relaxed) < OFTEN {
            let start = self.first_not(|found| found.iter().copied().lt(key.clone()));
            let line = self.text.as_bytes().get(start..).filter(|line| !line.is_empty())?;
            return key_of(line).iter().copied().eq(key).then_some(start);
        }
        self.index.get_or_init(|| Index::of(self.text)).find(self.text, key)
    }

    /// Where the first row starts whose key is not before; it must be so of all rows after that one.
    fn first_not(&self, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let text = self.text.as_bytes();
        let (mut low, mut high) = (0, text.len());
        // The invariant: lines that start before `low` are before; lines that start at or after `high` are not.
        while low < high {
            let middle = low + (high - low) / 2;
            let start = text.get(..middle).and_then(|head| memchr::memrchr(b'\n', head)).map_or(0, |at| at + 1);
            let line = text.get(start..).unwrap_or_default();
            let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
            if line.first() == Some(&b'#') || is_before(key_of(line)) {
                low = (start + end + 1).min(text.len());
            } else {
                high = start;
            }
        }
        low
    }

    /// Whether the file keeps its promise: comments first, then keys that never go back.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let mut lines = self.text.lines().peekable();
        assert!(lines.peek().is_some_and(|line| line.starts_with("# Source: ")), "the first line names the source");
        while lines.peek().is_some_and(|line| line.starts_with('#')) {
            lines.next();
        }
        let mut last = "";
        for line in lines {
            assert!(!line.starts_with('#') && !line.is_empty(), "a comment or an empty line inside: {line:?}");
            let row = Row::of(line);
            assert!(last <= row.key, "{last:?} stands before {:?}", row.key);
            last = row.key;
        }
        assert!(self.text.ends_with('\n'), "the last line ends");
    }
}

/// The key of the line that `text` starts with.
fn key_of(text: &[u8]) -> &[u8] {
    memchr::memchr2(b'\t', b'\n', text).and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Where the first row of each key starts, found by the key's hash.
#[derive(Debug)]
struct Index {
    /// One more than the offset of a row, zero for nothing; a power of two of them, at least half of them empty.
    slots: Vec<u32>,
}

impl Index {
    fn of(text: &str) -> Self {
        let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
        let mut index = Self { slots: vec![0; (lines * 2).next_power_of_two()] };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let key = key_of(line.as_bytes());
            if !line.starts_with('#')
                && !key.is_empty()
                && let Err(free) = index.slot(text, key.iter().copied())
                && let Some(slot) = index.slots.get_mut(free)
            {
                *slot = u32::try_from(start + 1).unwrap_or_default();
            }
            start += line.len();
        }
        index
    }

    fn find(&self, text: &str, key: impl Iterator<Item = u8> + Clone) -> Option<usize> {
        self.slot(text, key).ok()
    }

    /// The offset of the first row of this key, or the empty slot where it would be.
    fn slot(&self, text: &str, key: impl Iterator<Item = u8> + Clone) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut hasher = Fnv::default();
        key.clone().for_each(|byte| hasher.write_u8(byte));
        let mut at = usize::try_from(hasher.finish() & mask as u64).unwrap_or_default();
        loop {
            match self.slots.get(at).and_then(|slot| slot.checked_sub(1)) {
                None => return Err(at),
                Some(start) => {
                    let line = text.as_bytes().get(start as usize..).unwrap_or_default();
                    if starts_with_key(line, key.clone()) {
                        return Ok(start as usize);
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }
}

/// Whether the key of a line is this one.
fn starts_with_key(line: &[u8], key: impl Iterator<Item = u8>) -> bool {
    let mut bytes = line.iter().copied();
    for wanted in key {
        if bytes.next() != Some(wanted) {
            return false;
        }
    }
    matches!(bytes.next(), None | Some(b'\t' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Sorted = Sorted::new("# Source: none\n# second\na\tone\nab\nb\ttwo\tx\nb\tthree\nc\tfour\n");

    #[test]
    fn every_row_is_found_and_nothing_else() {
        TABLE.check();
        // First by binary search, then by the index.
        for _ in 0..OFTEN {
            every_row_is_found();
        }
    }

    fn every_row_is_found() {
        assert_eq!(TABLE.find("a").map(|row| row.rest), Some("one"));
        assert_eq!(TABLE.find("ab").map(|row| row.rest), Some(""));
        assert_eq!(TABLE.find("b").map(|row| (row.column(0), row.column(1), row.column(2))), Some(("two", "x", "")));
        assert_eq!(TABLE.all("b").count(), 2);
        assert_eq!(TABLE.find("c").map(|row| row.rest), Some("four"));
        for absent in ["", "#", "# Source: none", "aa", "abc", "bb", "d"] {
            assert_eq!(TABLE.find(absent), None, "{absent}");
        }
        assert_eq!(TABLE.rows().count(), 5);
    }

    #[test]
    fn a_pair_is_found_as_if_it_were_one_key() {
        let pairs = Sorted::new("# Source: none\na-b:1\tone\na:1\ttwo\na:10\tthree\n");
        pairs.check();
        for _ in 0..OFTEN {
            assert_eq!(pairs.find_pair("a", b':', "1").map(|row| row.rest), Some("two"));
            assert_eq!(pairs.find_pair("a-b", b':', "1").map(|row| row.rest), Some("one"));
            assert_eq!(pairs.find_pair("a", b':', "2"), None);
        }
    }

    #[test]
    fn tables_that_are_asked_from_elsewhere_are_sorted() {
        for text in [
            include_str!("../../data/commands.tsv"),
            include_str!("../../data/installers.tsv"),
            include_str!("../../data/modules.tsv"),
            include_str!("../../data/prefixes.tsv"),
            include_str!("../../data/pythons.tsv"),
        ] {
            Sorted::new(text).check();
        }
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert_eq!(Sorted::new("").find("a"), None);
        assert_eq!(Sorted::new("# Source: none\n").find("a"), None);
    }
}
