//! Tables that are searched where they lie: sorted lines of embedded text, found by binary search.

/// Lines of `key`, or `key TAB rest`, sorted by the bytes of the key, under leading comment lines that start with `#`.
///
/// Nothing is parsed beforehand and nothing is allocated: a search looks at about twenty lines of the text itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sorted(&'static str);

/// A line of a table: its key, and what follows the first tab (empty where there is none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) rest: &'static str,
}

impl Row {
    fn of(line: &'static str) -> Self {
        let (key, rest) = line.split_once('\t').unwrap_or((line, ""));
        Self { key, rest }
    }

    /// The column after the key, counted from 0; empty where the line ends before it.
    pub(crate) fn column(&self, at: usize) -> &'static str {
        self.rest.split('\t').nth(at).unwrap_or("")
    }
}

impl Sorted {
    /// A table over a file's text.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// The first row whose key is this one.
    pub(crate) fn find(self, key: &str) -> Option<Row> {
        self.from(key).next().filter(|row| row.key == key)
    }

    /// The rows of this key, in the file's order.
    pub(crate) fn all(self, key: &str) -> impl Iterator<Item = Row> + use<'_> {
        self.from(key).take_while(move |row| row.key == key)
    }

    /// The row of the key `name:tag`, without putting the two together.
    pub(crate) fn find_pair(self, name: &str, tag: &str) -> Option<Row> {
        let order = |key: &[u8]| key.iter().copied().cmp(name.bytes().chain([b':']).chain(tag.bytes()));
        let row = self.rows_at(self.first_not(|key| order(key).is_lt())).next()?;
        order(row.key.as_bytes()).is_eq().then_some(row)
    }

    /// Every row, in order.
    pub(crate) fn rows(self) -> impl Iterator<Item = Row> {
        self.0.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(Row::of)
    }

    /// The rows from the first whose key is not before this one.
    fn from(self, key: &str) -> impl Iterator<Item = Row> + use<> {
        self.rows_at(self.first_not(|found| found < key.as_bytes()))
    }

    fn rows_at(self, start: usize) -> impl Iterator<Item = Row> + use<> {
        self.0.get(start..).unwrap_or("").lines().map(Row::of)
    }

    /// Where the first row starts whose key is not before; it must be so of all rows after that one.
    fn first_not(self, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let text = self.0.as_bytes();
        let (mut low, mut high) = (0, text.len());
        // The invariant: lines that start before `low` are before; lines that start at or after `high` are not.
        while low < high {
            let middle = low + (high - low) / 2;
            let start = text.get(..middle).and_then(|head| memchr::memrchr(b'\n', head)).map_or(0, |at| at + 1);
            let line = text.get(start..).unwrap_or_default();
            let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
            let line = line.get(..end).unwrap_or_default();
            let found = memchr::memchr(b'\t', line).and_then(|tab| line.get(..tab)).unwrap_or(line);
            if line.first() == Some(&b'#') || is_before(found) {
                low = (start + end + 1).min(text.len());
            } else {
                high = start;
            }
        }
        low
    }

    /// Whether the file keeps its promise: comments first, then keys that never go back.
    #[cfg(test)]
    pub(crate) fn check(self) {
        let mut lines = self.0.lines().peekable();
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
        assert!(self.0.ends_with('\n'), "the last line ends");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Sorted = Sorted::new("# Source: none\n# second\na\tone\nab\nb\ttwo\tx\nb\tthree\nc\tfour\n");

    #[test]
    fn every_row_is_found_and_nothing_else() {
        TABLE.check();
        assert_eq!(TABLE.find("a").map(|row| row.rest), Some("one"));
        assert_eq!(TABLE.find("ab").map(|row| row.rest), Some(""));
        assert_eq!(TABLE.find("b").map(|row| (row.column(0), row.column(1), row.column(2))), Some(("two", "x", "")));
        assert_eq!(TABLE.all("b").count(), 2);
        assert_eq!(TABLE.find("c").map(|row| row.rest), Some("four"));
        for absent in ["", "#", "# Source: none", "aa", "abc", "bb", "d"] {
            assert_eq!(TABLE.find(absent), None, "{absent}");
        }
        assert_eq!(TABLE.rows().count(), 5);
        let pairs = Sorted::new("# Source: none\na-b:1\tone\na:1\ttwo\na:10\tthree\n");
        pairs.check();
        assert_eq!(pairs.find_pair("a", "1").map(|row| row.rest), Some("two"));
        assert_eq!(pairs.find_pair("a-b", "1").map(|row| row.rest), Some("one"));
        assert_eq!(pairs.find_pair("a", "2"), None);
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert_eq!(Sorted::new("").find("a"), None);
        assert_eq!(Sorted::new("# Source: none\n").find("a"), None);
    }
}
