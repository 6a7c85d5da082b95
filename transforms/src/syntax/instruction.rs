//! One instruction: keyword, flags, arguments, heredocs, and the way from its joined text back to the source.

use std::borrow::Cow;

use super::ParseError;
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
    /// An escape character at the end of the file that joins nothing: a line put behind the instruction would become
    /// part of it, so whoever puts one there takes this away.
    pub dangling: Option<Span>,
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

impl<'s> Logical<'s> {
    /// The part `start..end` of the text.
    pub fn slice(&self, start: usize, end: usize) -> Logical<'s> {
        let text = match &self.text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(start..end).unwrap_or_default()),
            Cow::Owned(text) => Cow::Owned(text.get(start..end).unwrap_or_default().to_owned()),
        };
        let first = self.runs.partition_point(|(at, _)| *at as usize <= start).saturating_sub(1);
        let runs = self.runs.get(first..).unwrap_or_default().iter();
        let runs = runs.take_while(|(at, _)| (*at as usize) < end || *at as usize <= start).map(|(at, source)| {
            let at = *at as usize;
            let skipped = start.saturating_sub(at);
            (u32::try_from(at.saturating_sub(start)).unwrap_or(u32::MAX), source + u32::try_from(skipped).unwrap_or(0))
        });
        Logical { text, runs: runs.collect() }
    }
}

/// White space between the keyword, flags and words, as BuildKit's regular expression has it.
fn blank(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' ')
}

/// Reads the instruction in one logical line.
pub(super) fn read(line: Logical<'_>, escape: u8, number: u32, opaque: bool) -> Result<Instruction<'_>, ParseError> {
    let start = line.text.len() - line.text.trim_start().len();
    let end = start + line.text.trim().len();
    let bytes = line.text.as_bytes();
    let keyword_end =
        bytes.iter().enumerate().skip(start).find(|(at, byte)| *at >= end || blank(**byte)).map_or(end, |(at, _)| at);
    let name = line.text.get(start..keyword_end).unwrap_or_default();
    let Some(keyword) = Keyword::parse(name) else {
        let shown: String = name.chars().take(40).collect();
        return Err(ParseError { line: number, message: format!("unknown instruction: {shown}") });
    };
    let mut at = keyword_end;
    while at < end && bytes.get(at).is_some_and(|byte| blank(*byte)) {
        at += 1;
    }
    let (flags, rest) = flags(&line, at, end, escape);
    let text = line.text.get(rest..end).unwrap_or_default();
    let args_start = rest + (text.len() - text.trim_start().len());
    let args_end = (args_start + text.trim().len()).max(args_start);
    let args = line.slice(args_start, args_end);

    let mut inner = None;
    let mut form = Form::Text;
    match keyword {
        Keyword::Onbuild if !args.text.is_empty() => {
            // An unknown instruction inside is for the child's build to refuse.
            let first = args.text.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
            if Keyword::parse(first).is_some() {
                inner = Some(Box::new(read(args.clone(), escape, number, opaque)?));
            }
        }
        Keyword::Healthcheck => {
            let skip = args.text.find(char::is_whitespace).map_or(args.text.len(), |space| {
                let rest = args.text.get(space..).unwrap_or_default();
                space + (rest.len() - rest.trim_start().len())
            });
            form = json(&args, skip, number)?;
        }
        Keyword::Add
        | Keyword::Copy
        | Keyword::Cmd
        | Keyword::Entrypoint
        | Keyword::Run
        | Keyword::Shell
        | Keyword::Volume => form = json(&args, 0, number)?,
        _ => {}
    }
    let span = line.source_span(start, end);
    Ok(Instruction {
        keyword,
        keyword_span: line.source_span(start, keyword_end),
        span,
        flags,
        args,
        form,
        heredocs: Vec::new(),
        inner,
        lines: (number, number),
        opaque,
        dangling: None,
    })
}

/// Takes the flags off the front of `line[start..end]`; also answers where the rest begins.
fn flags<'s>(line: &Logical<'s>, start: usize, end: usize, escape: u8) -> (Vec<Flag<'s>>, usize) {
    let bytes = line.text.as_bytes();
    let mut found = Vec::new();
    let mut at = start;
    loop {
        while at < end && bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if !bytes.get(at..end).is_some_and(|rest| rest.starts_with(b"--")) {
            return (found, at);
        }
        let word_start = at;
        let mut quote: Option<u8> = None;
        let mut plain = true;
        let mut value = Vec::new();
        while let Some(byte) = bytes.get(at).copied().filter(|_| at < end) {
            match quote {
                None if byte.is_ascii_whitespace() => break,
                None if matches!(byte, b'\'' | b'"') => (quote, plain) = (Some(byte), false),
                Some(open) if byte == open => quote = None,
                _ if byte == escape => {
                    plain = false;
                    at += 1;
                    if let Some(next) = bytes.get(at).filter(|_| at < end) {
                        value.push(*next);
                    }
                }
                _ => value.push(byte),
            }
            at += 1;
        }
        let at_end = at.min(end);
        let word = line.slice(word_start, at_end).text;
        let span = line.source_span(word_start, at_end);
        let word: Cow<'s, str> = if plain { word } else { Cow::Owned(String::from_utf8_lossy(&value).into_owned()) };
        if word == "--" {
            return (found, at_end);
        }
        found.push(split_flag(word, span));
    }
}

/// `--name=value` as a flag.
fn split_flag(word: Cow<'_, str>, span: Span) -> Flag<'_> {
    let cut = |text: &str| text.find('=');
    match word {
        Cow::Borrowed(text) => {
            let text = text.strip_prefix("--").unwrap_or(text);
            match cut(text) {
                Some(at) => Flag {
                    name: Cow::Borrowed(text.get(..at).unwrap_or_default()),
                    value: Some(Cow::Borrowed(text.get(at + 1..).unwrap_or_default())),
                    span,
                },
                None => Flag { name: Cow::Borrowed(text), value: None, span },
            }
        }
        Cow::Owned(text) => {
            let text = text.strip_prefix("--").unwrap_or(&text);
            match cut(text) {
                Some(at) => Flag {
                    name: Cow::Owned(text.get(..at).unwrap_or_default().to_owned()),
                    value: Some(Cow::Owned(text.get(at + 1..).unwrap_or_default().to_owned())),
                    span,
                },
                None => Flag { name: Cow::Owned(text.to_owned()), value: None, span },
            }
        }
    }
}

/// Decides whether the arguments, from byte `skip` on, are a JSON array of strings.
fn json(args: &Logical<'_>, skip: usize, number: u32) -> Result<Form, ParseError> {
    let text = args.text.get(skip..).unwrap_or_default();
    if !text.starts_with('[') {
        return Ok(Form::Text);
    }
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return Ok(Form::Text) };
    let mut strings = Vec::with_capacity(values.len());
    let mut at = 1;
    let bytes = text.as_bytes();
    for value in values {
        let serde_json::Value::String(value) = value else {
            return Err(ParseError {
                line: number,
                message: "when using JSON array syntax, arrays must be comprised of strings only".into(),
            });
        };
        let start = bytes.iter().enumerate().skip(at).find(|(_, byte)| **byte == b'"').map_or(at, |(at, _)| at);
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'\\' => end += 2,
                b'"' => break,
                _ => end += 1,
            }
        }
        at = end + 1;
        strings.push((value, args.source_span(skip + start, skip + at)));
    }
    Ok(Form::Json(strings))
}
