//! One instruction: keyword, flags, arguments, heredocs, and the way from its joined text back to the source.

use std::borrow::Cow;

use crate::span::Span;

/// One instruction of a Dockerfile.
#[derive(Debug, Clone)]
pub struct Instruction<'s> {
    /// What it does.
    pub keyword: Keyword,
    /// The keyword as it is written, without what a continuation puts inside.
    pub keyword_span: Span,
    /// From the first byte of the keyword to the last byte of the arguments or of the last heredoc's terminator;
    /// without the line ending. The tile that holds it also has the leading white space and the line ending.
    pub span: Span,
    /// The flags before the arguments, in order.
    pub flags: Vec<Flag<'s>>,
    /// The arguments as BuildKit has them after joining lines: flags taken off, trimmed.
    pub args: Logical<'s>,
    /// How the arguments read.
    pub form: Form,
    /// Here-documents, in order.
    pub heredocs: Vec<Heredoc<'s>>,
    /// The instruction inside an ONBUILD.
    pub inner: Option<Box<Instruction<'s>>>,
    /// The first and the last line, counted from 1.
    pub lines: (u32, u32),
    /// Whether it can't be looked into (text that is not UTF-8).
    pub opaque: bool,
}

/// The keywords of the Dockerfile reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the keyword of the reference")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
}

impl Keyword {
    /// Every keyword with its upper-case name.
    pub const ALL: [(Keyword, &'static str); 18] = [
        (Keyword::Add, "ADD"),
        (Keyword::Arg, "ARG"),
        (Keyword::Cmd, "CMD"),
        (Keyword::Copy, "COPY"),
        (Keyword::Entrypoint, "ENTRYPOINT"),
        (Keyword::Env, "ENV"),
        (Keyword::Expose, "EXPOSE"),
        (Keyword::From, "FROM"),
        (Keyword::Healthcheck, "HEALTHCHECK"),
        (Keyword::Label, "LABEL"),
        (Keyword::Maintainer, "MAINTAINER"),
        (Keyword::Onbuild, "ONBUILD"),
        (Keyword::Run, "RUN"),
        (Keyword::Shell, "SHELL"),
        (Keyword::Stopsignal, "STOPSIGNAL"),
        (Keyword::User, "USER"),
        (Keyword::Volume, "VOLUME"),
        (Keyword::Workdir, "WORKDIR"),
    ];

    /// The keyword of `text` in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(keyword, _)| *keyword)
    }

    /// The upper-case name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(keyword, _)| *keyword == self).map_or("", |(_, name)| name)
    }
}

/// `--name=value` or `--name`.
#[derive(Debug, Clone)]
pub struct Flag<'s> {
    /// Without the dashes.
    pub name: Cow<'s, str>,
    /// What follows `=`, as BuildKit has it; `None` without `=`.
    pub value: Option<Cow<'s, str>>,
    /// From the dashes to the end of the value.
    pub span: Span,
}

/// How the arguments read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A JSON array of strings: the exec form, or the JSON form of COPY, ADD, VOLUME and SHELL. Each value with its
    /// span, quotes included.
    Json(Vec<(String, Span)>),
    /// Plain text: the shell form, or words.
    Text,
}

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc<'s> {
    /// The delimiter, unquoted.
    pub name: String,
    /// The file descriptor before `<<`; 0 where there is none, as BuildKit has it.
    pub fd: u32,
    /// Whether variables in it are expanded (the delimiter is not quoted).
    pub expand: bool,
    /// Whether leading tabs are taken off (`<<-`).
    pub chomp: bool,
    /// The lines between the opener's line and the terminator.
    pub body: &'s [u8],
    /// Where those are.
    pub body_span: Span,
    /// The terminator line, without its line ending.
    pub terminator_span: Span,
}

/// Text joined from continuation lines, and where each byte of it stands in the source.
#[derive(Debug, Clone, Default)]
pub struct Logical<'s> {
    /// The joined text. Borrowed where it stands in one piece in the source.
    pub text: Cow<'s, str>,
    /// Runs of bytes that stand together in the source: (offset in the text, offset in the source), ascending. A run
    /// goes on to the start of the next one.
    pub runs: Vec<(u32, u32)>,
}

impl Logical<'_> {
    /// Where the byte at `offset` of the text stands in the source.
    pub fn source_offset(&self, offset: usize) -> usize {
        let at = self.runs.partition_point(|(text, _)| *text as usize <= offset);
        match at.checked_sub(1).and_then(|at| self.runs.get(at)) {
            Some((text, source)) => *source as usize + (offset - *text as usize),
            None => 0,
        }
    }

    /// The source range of the text range `start..end`: from the first byte to one past the last one, with whatever
    /// continuation stands between.
    pub fn source_span(&self, start: usize, end: usize) -> Span {
        let first = self.source_offset(start);
        if end <= start {
            return Span::at(first);
        }
        Span::new(first, self.source_offset(end - 1) + 1)
    }
}
