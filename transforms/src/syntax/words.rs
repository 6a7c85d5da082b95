//! Words of ENV, ARG, LABEL, COPY and the rest, and BuildKit's expansion of variables in them.

use std::borrow::Cow;

use crate::span::Span;

/// A word of an instruction's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    /// As it is written after joining lines, quotes and escapes included.
    pub raw: &'a str,
    /// Where it stands.
    pub span: Span,
}

/// `NAME=value` of ENV, ARG or LABEL; `value` is `None` for `ARG NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The name as it is written.
    pub name: Word<'a>,
    /// The value as it is written.
    pub value: Option<Word<'a>>,
}

/// What a variable is when a word that reads it is expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Set to this.
    Set(Cow<'a, str>),
    /// Not set: expands to nothing, `${X:-d}` to `d`.
    Unset,
    /// Set or not, to something that the file does not say (a base image's own variable, a build argument).
    Unknown,
}

/// What became of a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// The text, where every variable it reads is known; else the text with the unknown references as written.
    pub text: String,
    /// Whether every variable was known.
    pub known: bool,
}
