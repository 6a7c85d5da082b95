//! Bytes to tiles, instructions and words, exactly as BuildKit reads them, without losing one byte.
//!
//! A [`File`] is a partition of the source into tiles; an instruction knows its keyword, its flags, its arguments as
//! joined text with a map back to the source, its heredocs and, for the shell forms, the script inside.

mod instruction;
mod lexer;
mod lines;
mod lossless;
#[cfg(test)]
mod properties;
mod rules;
pub mod shell;
pub mod typed;
pub mod words;

pub use instruction::{Flag, Form, Heredoc, Instruction, Keyword, Logical};
pub use lossless::{lossless, lossless_scripts};

use crate::span::Span;

/// A Dockerfile, read.
#[derive(Debug, Clone)]
pub struct File<'s> {
    /// The bytes as they were given.
    pub source: &'s [u8],
    /// A partition of the source: the tiles in order cover every byte once.
    pub tiles: Vec<Tile>,
    /// The instructions, in order.
    pub instructions: Vec<Instruction<'s>>,
    /// The escape character in force: a backslash, or a backtick by directive.
    pub escape: u8,
    /// The line ending that most lines have.
    pub eol: Eol,
}

/// One piece of the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// What it is.
    pub kind: TileKind,
    /// Its bytes, line ending included.
    pub span: Span,
}

/// What a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileKind {
    /// The byte-order mark.
    Bom,
    /// A parser directive line (`# syntax=…`, `# escape=…`, `# check=…`).
    Directive,
    /// A comment line between instructions.
    Comment,
    /// A line of white space between instructions (a line with nothing but the escape character included).
    Blank,
    /// An instruction with its continuation lines, the comments and blank lines inside, and its heredocs: an index into
    /// [`File::instructions`].
    Instruction(u32),
}

/// A line ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eol {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
}

impl Eol {
    /// The bytes of the line ending.
    pub fn text(self) -> &'static str {
        match self {
            Eol::Lf => "\n",
            Eol::CrLf => "\r\n",
        }
    }
}

/// Why a file can't be read: what BuildKit's parser would say no to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1; 0 where the whole file is meant.
    pub line: u32,
    /// What is wrong, without the file's name.
    pub message: String,
}

impl<'s> File<'s> {
    /// Reads `source`.
    ///
    /// # Errors
    /// [`ParseError`] where BuildKit's parser would refuse the file: no instruction at all, an unknown instruction, an
    /// unterminated heredoc, a bad or repeated directive.
    pub fn parse(source: &'s [u8]) -> Result<Self, ParseError> {
        lines::parse(source)
    }

    /// Reads whole lines from behind the first FROM of a file by themselves, where `escape` is its escape character: as they
    /// read in the file, as long as nothing that stands before them goes on in them.
    ///
    /// # Errors
    /// As [`File::parse`].
    pub fn parse_part(source: &'s [u8], escape: u8) -> Result<Vec<Instruction<'s>>, ParseError> {
        lines::parse_part(source, escape)
    }

    /// How many instructions can't be looked into: shell forms that the shell grammar does not read, and text that is
    /// not UTF-8.
    pub fn opaque_instructions(&self) -> usize {
        self.instructions.iter().filter(|instruction| instruction.opaque).count()
    }

    /// The line, counted from 1, of a byte of the source.
    pub fn line_of(&self, offset: u32) -> u32 {
        let before = self.source.get(..offset as usize).unwrap_or(self.source);
        u32::try_from(memchr::memchr_iter(b'\n', before).count()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiles_cover(source: &[u8]) {
        let file = File::parse(source).unwrap();
        let joined: Vec<u8> = file.tiles.iter().flat_map(|tile| tile.span.of(source).to_vec()).collect();
        assert_eq!(joined, source);
    }

    #[test]
    fn the_tiles_are_the_file() {
        for source in [
            "FROM a",
            "\u{feff}# escape=`\r\n# c\r\n\r\nfrom a as b\r\nrun x `\r\n  # in\r\n\r\n  y\r\n",
            "FROM a\nRUN <<A <<-\"B\"\n1\nA\n\t2\n\tB\nCMD [\"x\"]\n",
            "ARG V=1\nFROM a:${V:-2}\nRUN a \\\n\\\n && b \\\n",
        ] {
            tiles_cover(source.as_bytes());
        }
    }

    #[test]
    fn a_heredoc_and_a_continuation_are_read() {
        let source = b"FROM a\nRUN --mount=type=cache,target=/c a \\\n  # no\n  b\nCOPY <<'E' /x\n$A\nE\n";
        let file = File::parse(source).unwrap();
        let run = &file.instructions[1];
        assert_eq!(run.args.text, "a   b");
        assert_eq!(run.flags[0].value.as_deref(), Some("type=cache,target=/c"));
        let script = run.script().unwrap();
        let shell::Node::Command(command) = &script.items[0].node else { panic!("not a command") };
        assert_eq!(command.words[1].span.of(source), b"b");
        let copy = &file.instructions[2];
        assert_eq!((copy.heredocs[0].body, copy.heredocs[0].expand), (&b"$A\n"[..], false));
    }

    #[test]
    fn what_buildkit_refuses_is_refused() {
        for source in ["", "# only\n", "RUN x\n", "FROM a\nFOO b\n", "FROM a\nRUN <<E\nx\n", "FROM a\nCMD [1]\n"] {
            assert!(File::parse(source.as_bytes()).is_err(), "{source:?}");
        }
    }

    #[test]
    fn a_word_is_expanded_as_buildkit_does() {
        let lookup = |name: &str| match name {
            "A" => words::Value::Set("x.tar.gz".into()),
            "E" => words::Value::Set("".into()),
            "U" => words::Value::Unknown,
            _ => words::Value::Unset,
        };
        for (raw, text, known) in [
            ("$A", "x.tar.gz", true),
            ("${A%.gz}-${A%%.*}", "x.tar-x", true),
            ("${N:-d}${E:-e}${E-e}", "de", true),
            ("'$A'\"$A\"", "$Ax.tar.gz", true),
            ("\\$A", "$A", true),
            ("${A/tar/zip}", "x.zip.gz", true),
            ("a$U/b", "a$U/b", false),
            ("${A:-$U}", "x.tar.gz", true),
        ] {
            let got = words::expand(raw, b'\\', lookup);
            assert_eq!((got.text.as_str(), got.known), (text, known), "{raw}");
        }
    }
}
