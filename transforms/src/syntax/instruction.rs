//! One instruction: keyword, flags, arguments, heredocs, and the way from its joined text back to the source.

use std::borrow::Cow;

use serde_json::value::RawValue;

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
    /// Whether its script is left unread: those before it, in a file that no person writes, have cost too much.
    pub dear: bool,
    /// An escape character at the end of the file that joins nothing: a line put behind the instruction would become
    /// part of it, so whoever puts one there takes this away.
    pub dangling: Option<Span>,
    /// Whether the instruction ends the file in several escape characters with blanks between them: with the last one
    /// away the one before it would join what is put behind, and it may be part of a word. Nothing can be put there.
    pub hangs: bool,
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

    /// The keyword of `text` in any case. The Kelvin sign and the capital I with a dot are letters of a keyword too: in
    /// lower case, which is how BuildKit compares, they are `k` and `i`.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return Self::parse_ascii(&text.replace('\u{212a}', "k").replace('\u{130}', "i"));
        }
        Self::parse_ascii(text)
    }

    fn parse_ascii(text: &str) -> Option<Self> {
        // Three of four instructions of a file are one of these.
        const COMMON: [(Keyword, &str); 5] = [
            (Keyword::Run, "RUN"),
            (Keyword::Copy, "COPY"),
            (Keyword::Env, "ENV"),
            (Keyword::From, "FROM"),
            (Keyword::Workdir, "WORKDIR"),
        ];
        let same = |(_, name): &&(Keyword, &str)| name.eq_ignore_ascii_case(text);
        COMMON.iter().chain(&Self::ALL).find(same).map(|(keyword, _)| *keyword)
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

impl Heredoc<'_> {
    /// The lines as text; each byte that is no character is replaced.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.body.len());
        for chunk in self.body.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        text
    }
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
        // As it is for whatever stands on one line.
        if let [(text, source)] = self.runs.as_slice()
            && *text as usize <= offset
        {
            return *source as usize + (offset - *text as usize);
        }
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
    /// The part `start..end` of the text, as [`Logical::slice`] has it, where the whole is needed no more.
    fn into_slice(mut self, start: usize, end: usize) -> Logical<'s> {
        if self.runs.len() > 1 || !matches!(self.text, Cow::Borrowed(_)) {
            return self.slice(start, end);
        }
        if let Cow::Borrowed(text) = &mut self.text {
            *text = text.get(start..end).unwrap_or_default();
        }
        for (at, source) in &mut self.runs {
            let skipped = u32::try_from(start).unwrap_or(u32::MAX).saturating_sub(*at);
            (*at, *source) = (0, *source + skipped);
        }
        self
    }

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

/// White space in the places where BuildKit looks at bytes and takes each for a character.
pub(super) fn byte_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0x85 | 0xa0)
}

/// An ONBUILD in an ONBUILD is refused, but not every spelling of it: such ones are followed this deep.
const MAX_ONBUILD: usize = 4;

/// Reads the instruction in one logical line.
///
/// `source` is looked at where `opaque` says that characters of the line stand for bytes that are none.
pub(super) fn read<'s>(
    source: &[u8],
    line: Logical<'s>,
    escape: u8,
    number: u32,
    opaque: bool,
) -> Result<Instruction<'s>, ParseError> {
    read_inside(source, line, escape, number, opaque, 0)
}

/// Reads the instruction that is inside of `depth` others.
fn read_inside<'s>(
    source: &[u8],
    line: Logical<'s>,
    escape: u8,
    number: u32,
    opaque: bool,
    depth: usize,
) -> Result<Instruction<'s>, ParseError> {
    if depth > MAX_ONBUILD {
        return Err(ParseError {
            line: number,
            message: "chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".into(),
        });
    }
    let behind = line.text.trim_start();
    let start = line.text.len() - behind.len();
    let end = start + behind.trim_end().len();
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
    let (flags, rest) = flags(&line, at, end, escape, opaque.then_some(source));
    // Looking at bytes, BuildKit may part a character in two. What it has then is no text to look into.
    let cut = !line.text.is_char_boundary(rest);
    let rest = (rest..end).find(|at| line.text.is_char_boundary(*at)).unwrap_or(end);
    let opaque = opaque || cut;
    let text = line.text.get(rest..end).unwrap_or_default();
    let trimmed = text.trim_start();
    let args_start = rest + (text.len() - trimmed.len());
    let args_end = args_start + trimmed.trim_end().len();
    let (keyword_span, span) = (line.source_span(start, keyword_end), line.source_span(start, end));
    let args = match args_start < args_end {
        true => line.into_slice(args_start, args_end),
        // Nothing has its place at the end of the instruction, whatever continuation is behind it.
        false => Logical { text: Cow::Borrowed(""), runs: vec![(0, span.end)] },
    };

    let mut inner = None;
    let mut form = Form::Text;
    match keyword {
        Keyword::Onbuild if !args.text.is_empty() => {
            // An unknown instruction inside is for the child's build to refuse.
            let first = args.text.split(|c: char| u8::try_from(c).is_ok_and(blank)).next().unwrap_or_default();
            if Keyword::parse(first).is_some() {
                inner = Some(Box::new(read_inside(source, args.clone(), escape, number, opaque, depth + 1)?));
            }
        }
        Keyword::Healthcheck => {
            form = json(&args, check_parts(&args.text).1, number)?;
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
    Ok(Instruction {
        keyword,
        keyword_span,
        span,
        flags,
        args,
        form,
        heredocs: Vec::new(),
        inner,
        lines: (number, number),
        opaque,
        dear: false,
        dangling: None,
        hangs: false,
    })
}

/// Where the type of a HEALTHCHECK ends and where its command starts.
pub(super) fn check_parts(text: &str) -> (usize, usize) {
    let space = |from: usize, wanted: bool| {
        let mut bytes = text.bytes().enumerate().skip(from);
        bytes.find(|(_, byte)| byte_space(*byte) == wanted).map_or(text.len(), |(at, _)| at)
    };
    let end = space(0, true);
    let start = space(end, false);
    // A byte in a character that looks like white space parts it: then neither is a type that there is.
    let whole = text.is_char_boundary(end) && text.is_char_boundary(start);
    if whole { (end, start) } else { (text.len(), text.len()) }
}

/// Takes the flags off the front of `line[start..end]`; also answers where the rest begins. `source` is there where
/// characters of the line stand for bytes that are none.
pub(super) fn flags<'s>(
    line: &Logical<'s>,
    start: usize,
    end: usize,
    escape: u8,
    source: Option<&[u8]>,
) -> (Vec<Flag<'s>>, usize) {
    let bytes = line.text.as_bytes();
    // Few instructions have any.
    if bytes.get(start).is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'-') {
        return (Vec::new(), start);
    }
    // A byte, and how many bytes of the text stand for it.
    let byte_at = |at: usize| -> Option<(u8, usize)> {
        let byte = bytes.get(at).copied().filter(|_| at < end)?;
        match source {
            Some(source) if !byte.is_ascii() && line.source_offset(at) == line.source_offset(at + 1) => {
                let byte = source.get(line.source_offset(at)).copied().unwrap_or(byte);
                Some((byte, char::REPLACEMENT_CHARACTER.len_utf8()))
            }
            _ => Some((byte, 1)),
        }
    };
    let mut found = Vec::new();
    let mut at = start;
    loop {
        while let Some((_, width)) = byte_at(at).filter(|(byte, _)| byte_space(*byte)) {
            at += width;
        }
        if !bytes.get(at..end).is_some_and(|rest| rest.starts_with(b"--")) {
            return (found, at);
        }
        let word_start = at;
        let mut quote: Option<u8> = None;
        let mut plain = true;
        // Bytes that are no ASCII become characters of Latin-1, as they do in BuildKit.
        let mut value = String::new();
        while let Some((mut byte, mut width)) = byte_at(at) {
            plain &= byte.is_ascii();
            match quote {
                None if byte_space(byte) => break,
                None if matches!(byte, b'\'' | b'"') => (quote, plain) = (Some(byte), false),
                Some(open) if byte == open => quote = None,
                _ => {
                    if byte == escape {
                        plain = false;
                        at += width;
                        (byte, width) = match byte_at(at) {
                            Some(next) => next,
                            None => break,
                        };
                    }
                    value.push(char::from(byte));
                }
            }
            at += width;
        }
        let at_end = at.min(end);
        // The place of a flag is made of whole characters, whatever BuildKit makes of it.
        let span_end = (at_end..end).find(|at| line.text.is_char_boundary(*at)).unwrap_or(end);
        let span = line.source_span(word_start, span_end);
        let word: Cow<'s, str> = if plain { line.slice(word_start, at_end).text } else { Cow::Owned(value) };
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

/// An array may hold this many others, each inside the one before it, for BuildKit to see that it is one.
const MAX_ARRAY_DEPTH: usize = 10_000;

/// Decides whether the arguments, from byte `skip` on, are a JSON array of strings.
fn json(args: &Logical<'_>, skip: usize, number: u32) -> Result<Form, ParseError> {
    let text = args.text.get(skip..).unwrap_or_default();
    let text = text.trim_start();
    if !text.starts_with('[') || too_deep(text) {
        return Ok(Form::Text);
    }
    // The elements are not looked into here: that needs no recursion, however deep they are.
    let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(text) else { return Ok(Form::Text) };
    let mut strings = Vec::with_capacity(values.len());
    let mut only_strings = true;
    for value in values {
        let raw = value.get();
        if raw.starts_with('"') {
            let start = raw.as_ptr() as usize - args.text.as_ptr() as usize;
            let Some(value) = json_string(raw) else { return Ok(Form::Text) };
            strings.push((value, args.source_span(start, start + raw.len())));
        } else if raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && raw.parse().is_ok_and(f64::is_infinite) {
            // A number that is too large makes it no JSON, a number that is not makes it no array of strings.
            return Ok(Form::Text);
        } else {
            only_strings = false;
        }
    }
    match only_strings {
        true => Ok(Form::Json(strings)),
        false => Err(ParseError {
            line: number,
            message: "when using JSON array syntax, arrays must be comprised of strings only".into(),
        }),
    }
}

/// The value of a JSON string. Half of a surrogate pair is replaced, which is no error in BuildKit.
pub(super) fn json_string(raw: &str) -> Option<String> {
    if let Ok(value) = serde_json::from_str(raw) {
        return Some(value);
    }
    let mut mended = raw.to_owned();
    let half = |text: &str, at: usize, pair: std::ops::Range<u32>| {
        let digits = text.get(at..).and_then(|rest| rest.strip_prefix("\\u")).and_then(|rest| rest.get(..4));
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).is_some_and(|half| pair.contains(&half))
    };
    let mut at = 0;
    while let Some(found) = raw.get(at..).and_then(|rest| memchr::memchr(b'\\', rest.as_bytes())) {
        at += found;
        let (high, low) = (half(raw, at, 0xd800..0xdc00), half(raw, at, 0xdc00..0xe000));
        if high && half(raw, at + 6, 0xdc00..0xe000) {
            at += 12;
        } else if high || low {
            mended.replace_range(at..at + 6, "\\ufffd");
            at += 6;
        } else {
            at += 2;
        }
    }
    serde_json::from_str(&mended).ok()
}

/// Whether brackets and braces outside strings nest deeper than BuildKit follows them.
fn too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() <= MAX_ARRAY_DEPTH {
        return false;
    }
    let (mut depth, mut quoted) = (0usize, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_ARRAY_DEPTH {
            return true;
        }
        at += 1;
    }
    false
}
