//! Bytes to tiles, instructions and words, exactly as BuildKit reads them, without losing one byte.
//!
//! A [`File`] is a partition of the source into tiles; an instruction knows its keyword, its flags, its arguments as
//! joined text with a map back to the source, its heredocs and, for the shell forms, the script inside.

mod instruction;
mod lines;
pub mod shell;
pub mod words;

pub use instruction::{Flag, Form, Heredoc, Instruction, Keyword, Logical};

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
