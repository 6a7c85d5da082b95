//! Shell scripts inside RUN, CMD, ENTRYPOINT and HEALTHCHECK, with spans back to the file.

use crate::span::Span;

/// A script: what a shell form or a heredoc of RUN holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The list at the top: the pieces between `&&`, `||`, `;`, `&` and line ends.
    pub items: Vec<Item>,
}

/// One piece of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub node: Node,
    /// Its bytes, without the operator after it.
    pub span: Span,
    /// The operator after it; [`Operator::End`] for the last one.
    pub operator: Operator,
    /// Where that operator stands; empty for [`Operator::End`].
    pub operator_span: Span,
}

/// What stands between two pieces of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `;` or a line end
    Then,
    /// `&`
    Background,
    /// Nothing follows.
    End,
}

/// A piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A simple command.
    Command(Command),
    /// Commands joined by `|`.
    Pipeline(Vec<Node>),
    /// `( … )`, `{ …; }`, `if`, `for`, `while`, `until`, `case`, `select`, a function definition, `! …`, `time …`.
    Compound(Compound),
    /// `[[ … ]]`, `(( … ))` and what else has no commands in it.
    Test(Span),
}

/// A compound command: its kind and the lists inside, in source order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compound {
    /// Which one.
    pub kind: CompoundKind,
    /// The lists in it. For `if`: condition, body, condition, body, … else body.
    pub bodies: Vec<Script>,
    /// Words of `for … in`, the word of `case`.
    pub words: Vec<Word>,
    /// Redirections of the whole.
    pub redirects: Vec<Redirect>,
    /// Its bytes.
    pub span: Span,
}

/// Which compound command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the shell's own word")]
pub enum CompoundKind {
    Group,
    Subshell,
    If,
    Loop,
    Case,
    Function,
    Negation,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// `NAME=value` before the command's name, or alone.
    pub assignments: Vec<Word>,
    /// The name and its arguments.
    pub words: Vec<Word>,
    /// `>`, `<`, `2>&1`, here-documents and here-strings.
    pub redirects: Vec<Redirect>,
    /// Its bytes.
    pub span: Span,
}

/// A word of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// As it is written after joining lines.
    pub raw: String,
    /// Its bytes.
    pub span: Span,
    /// The value, quotes and escapes taken off, where nothing in the word is expanded by the shell (no variable, no
    /// substitution; globs and `~` stay as written).
    pub literal: Option<String>,
    /// The variables that it reads outside single quotes.
    pub reads: Vec<String>,
    /// The scripts of its command substitutions.
    pub substitutions: Vec<Script>,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The operator: `>`, `>>`, `<`, `<<`, `<<<`, `>&`, …
    pub operator: String,
    /// The file, descriptor or here-document.
    pub target: Word,
    /// Its bytes.
    pub span: Span,
}
