//! The unified diff, as `git apply` and `patch` take it.

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use anstyle::{AnsiColor, Effects, Style};
use similar::algorithms::{Capture, Compact, DiffHook, Replace, diff};
use similar::{Algorithm, DiffOp, DiffTag, group_diff_ops};

/// The change of the file at `path` (relative to where the diff is applied) from `old` to `new`.
///
/// Lines end at `\n` and nowhere else, and hunks are written as bytes: a lone carriage return and text that is not
/// UTF-8 come through as they are.
pub(crate) fn unified(path: &Path, old: &[u8], new: &[u8]) -> Vec<u8> {
    let (old, new) = (lines(old), lines(new));
    let mut out = Vec::new();
    for (side, marker) in [("---", "a/"), ("+++", "b/")] {
        out.extend_from_slice(side.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&name(marker, path));
        out.push(b'\n');
    }
    for hunk in group_diff_ops(operations(&old, &new), CONTEXT) {
        write_hunk(&mut out, &hunk, &old, &new);
    }
    out
}

/// How many lines are shown around a change.
const CONTEXT: usize = 3;

/// What turns the old lines into the new ones. As git does, the lines that both begin and end with are left out before
/// the others are compared.
fn operations(old: &[&[u8]], new: &[&[u8]]) -> Vec<DiffOp> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);

    let mut middle = Capture::new();
    // Collecting does not fail. Where lines only come or only go, there is nothing to compare.
    let _ = match (old_end - head, new_end - head) {
        (0, 0) => Ok(()),
        (0, come) => middle.insert(head, head, come),
        (gone, 0) => middle.delete(head, gone, head),
        _ => diff(Algorithm::Patience, &mut middle, old, head..old_end, new, head..new_end),
    };
    let mut all = Compact::new(Replace::new(Capture::new()), old, new);
    if head > 0 {
        let _ = all.equal(0, 0, head);
    }
    for operation in middle.into_ops() {
        let _ = operation.apply_to_hook(&mut all);
    }
    if tail > 0 {
        let _ = all.equal(old_end, new_end, tail);
    }
    let _ = all.finish();
    all.into_inner().into_inner().into_ops()
}

/// Lines of the old text, and what comes in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replacement {
    /// The first of the lines, counted from 0.
    pub(crate) line: usize,
    /// How many there are; none where something is put before that line.
    pub(crate) lines: usize,
    /// The bytes that they are, half open.
    pub(crate) bytes: Range<usize>,
    /// What comes.
    pub(crate) text: Vec<u8>,
}

/// What makes `new` out of `old`, by whole lines and in order.
pub(crate) fn replacements(old: &[u8], new: &[u8]) -> Vec<Replacement> {
    let (old, new) = (lines(old), lines(new));
    let starts: Vec<usize> = std::iter::once(0)
        .chain(old.iter().scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        }))
        .collect();
    let start = |line: usize| starts.get(line).copied().unwrap_or_default();
    let changes = operations(&old, &new).into_iter().filter(|operation| operation.tag() != DiffTag::Equal);
    changes
        .map(|operation| {
            let range = operation.old_range();
            Replacement {
                line: range.start,
                lines: range.len(),
                bytes: start(range.start)..start(range.end),
                text: new.get(operation.new_range()).unwrap_or_default().concat(),
            }
        })
        .collect()
}

/// Writes a hunk with its header.
fn write_hunk(out: &mut Vec<u8>, operations: &[DiffOp], old: &[&[u8]], new: &[&[u8]]) {
    let (Some(first), Some(last)) = (operations.first(), operations.last()) else { return };
    let range = |start: usize, end: usize| match end - start {
        // An empty range is named by the line before it.
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    };
    let old_range = range(first.old_range().start, last.old_range().end);
    let new_range = range(first.new_range().start, last.new_range().end);
    out.extend_from_slice(format!("@@ -{old_range} +{new_range} @@\n").as_bytes());
    for operation in operations {
        let sides = match operation.tag() {
            DiffTag::Equal => [(b' ', old, operation.old_range()), (b'+', new, 0..0)],
            _ => [(b'-', old, operation.old_range()), (b'+', new, operation.new_range())],
        };
        for (sign, lines, range) in sides {
            for line in lines.get(range).unwrap_or_default() {
                out.push(sign);
                out.extend_from_slice(line);
                if !line.ends_with(b"\n") {
                    out.extend_from_slice(b"\n\\ No newline at end of file\n");
                }
            }
        }
    }
}

/// The pieces of `text` up to and with each `\n`.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
    let mut lines: Vec<&[u8]> = ends.filter_map(|end| text.get(std::mem::replace(&mut start, end)..end)).collect();
    lines.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    lines
}

/// A file's name as git writes it in a header: relative, in quotes where it holds a byte that would end or hide the
/// name, and followed by a tab where a reader would otherwise stop at a space.
fn name(marker: &str, path: &Path) -> Vec<u8> {
    let path = path.as_os_str().as_encoded_bytes();
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let path = path.get(start..).unwrap_or_default();
    let special = |byte: &u8| *byte < b' ' || matches!(*byte, b'"' | b'\\' | 0x7f..);
    let mut out = Vec::with_capacity(marker.len() + path.len());
    if !path.iter().any(special) {
        out.extend_from_slice(marker.as_bytes());
        out.extend_from_slice(path);
        if path.contains(&b' ') {
            out.push(b'\t');
        }
        return out;
    }
    out.push(b'"');
    out.extend_from_slice(marker.as_bytes());
    for byte in path {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b' '..0x7f => out.push(*byte),
            // Writing into memory does not fail.
            _ => drop(write!(out, "\\{byte:03o}")),
        }
    }
    out.push(b'"');
    out
}

/// The diff with the colours that people know from git.
pub(crate) fn painted(diff: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(diff.len() * 2);
    for (at, line) in lines(diff).into_iter().enumerate() {
        let style = match line.first() {
            _ if at < 2 => Style::new().effects(Effects::BOLD),
            Some(b'@') => AnsiColor::Cyan.on_default(),
            Some(b'+') => AnsiColor::Green.on_default(),
            Some(b'-') => AnsiColor::Red.on_default(),
            _ => Style::new(),
        };
        let (text, end) = match line.strip_suffix(b"\n") {
            Some(text) => (text, &b"\n"[..]),
            None => (line, &b""[..]),
        };
        // Writing into memory does not fail.
        let _ = write!(out, "{style}");
        out.extend_from_slice(text);
        let _ = write!(out, "{style:#}");
        out.extend_from_slice(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, old: &str, new: &str) -> String {
        String::from_utf8(unified(Path::new(path), old.as_bytes(), new.as_bytes())).unwrap()
    }

    #[test]
    fn a_lone_carriage_return_ends_no_line() {
        let diff = text("Dockerfile", "FROM a\rb\nCMD x\n", "FROM a\rb\nUSER u\nCMD x\n");
        assert_eq!(diff, "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,3 @@\n FROM a\rb\n+USER u\n CMD x\n");
    }

    #[test]
    fn a_missing_final_newline_is_said() {
        let diff = text("./d/Dockerfile", "FROM a", "FROM a\nUSER u");
        assert!(diff.starts_with("--- a/d/Dockerfile\n+++ b/d/Dockerfile\n"), "{diff}");
        assert!(
            diff.ends_with("-FROM a\n\\ No newline at end of file\n+FROM a\n+USER u\n\\ No newline at end of file\n")
        );
    }

    #[test]
    fn bytes_that_are_not_text_come_through() {
        let diff = unified(Path::new("D"), b"FROM a\n# \xe9\nCMD x\n", b"FROM b\n# \xe9\nCMD x\n");
        assert!(diff.windows(4).any(|window| window == b" # \xe9"));
    }

    #[test]
    fn names_are_written_as_git_writes_them() {
        let shown = |path: &str| String::from_utf8(name("a/", Path::new(path))).unwrap();
        assert_eq!(shown("/x/Dockerfile"), "a/x/Dockerfile");
        assert_eq!(shown("my app/Dockerfile"), "a/my app/Dockerfile\t");
        assert_eq!(shown("ä/\"D\t"), "\"a/\\303\\244/\\\"D\\011\"");
    }

    #[test]
    fn only_the_header_and_the_changes_are_painted() {
        let diff = painted(b"--- a/D\n+++ b/D\n@@ -1 +1 @@\n x\n-y\n");
        let plain = anstream::adapter::strip_bytes(&diff).into_vec();
        assert_eq!(plain, b"--- a/D\n+++ b/D\n@@ -1 +1 @@\n x\n-y\n");
        assert!(diff.windows(2).any(|window| window == b"\n "));
    }
}
