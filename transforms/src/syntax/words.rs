//! Words of ENV, ARG, LABEL, COPY and the rest, and BuildKit's expansion of variables in them.

use std::borrow::Cow;

use super::instruction::{Form, Instruction, Keyword, Logical};
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

/// A heredoc that a line opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opener {
    pub(super) name: String,
    pub(super) fd: u32,
    pub(super) expand: bool,
    pub(super) chomp: bool,
}

/// The heredocs opened by a joined line: shell words `[fd]<<[-]NAME`. A line whose quotes or braces don't close opens
/// none. The escape character is always the backslash here, whatever the directive says.
pub(super) fn heredoc_openers(line: &str) -> Vec<Opener> {
    let Some(words) = shell_words(line) else { return Vec::new() };
    words.iter().filter_map(|word| opener(word)).collect()
}

/// Splits a line at white space outside quotes and `${…}`; `None` where one of them is not closed. White space between
/// `<<` and the name of a heredoc does not count, and is left out of the word.
fn shell_words(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let bytes = line.as_bytes();
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    // The part of the line that the word under way still has to take, and what it has taken before a gap.
    let mut start = None;
    let mut taken = String::new();
    let mut at = 0;
    let finish = |start: Option<usize>, end: usize, taken: &mut String, words: &mut Vec<Cow<'_, str>>| -> Option<()> {
        let Some(start) = start else { return Some(()) };
        let piece = line.get(start..end)?;
        // A closure can't name the lifetime of `line`, so the words are owned: only lines that hold `<<` come here.
        words.push(Cow::Owned(std::mem::take(taken) + piece));
        Some(())
    };
    while let Some(byte) = bytes.get(at) {
        let space = line.get(at..).and_then(|rest| rest.chars().next()).filter(|c| c.is_whitespace());
        if let Some(space) = space {
            finish(start.take(), at, &mut taken, &mut words)?;
            at += space.len_utf8();
            continue;
        }
        let first = *start.get_or_insert(at);
        at = match byte {
            b'\\' => at + 2,
            b'\'' => at + 1 + memchr::memchr(b'\'', bytes.get(at + 1..)?)? + 1,
            b'"' => double_quoted_end(bytes, at)?,
            b'$' if bytes.get(at + 1) == Some(&b'{') => brace_end(bytes, at)?,
            b'<' if bytes.get(at + 1) == Some(&b'<') => {
                let end = at + 2;
                let rest = line.get(end..)?;
                let gap = rest.len() - rest.trim_start().len();
                if gap > 0 {
                    taken.push_str(line.get(first..end)?);
                    start = Some(end + gap);
                }
                end + gap
            }
            _ => at + 1,
        };
    }
    finish(start, bytes.len(), &mut taken, &mut words)?;
    Some(words)
}

/// One past the closing quote of the double-quoted text that starts at `at`.
fn double_quoted_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            b'$' if bytes.get(at + 1) == Some(&b'{') => at = brace_end(bytes, at)?,
            _ => at += 1,
        }
    }
}

/// One past the brace that closes `${`, where what follows the name is an operator that BuildKit knows.
fn brace_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 2;
    let name = at;
    while bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        at += 1;
    }
    if at == name {
        // Special parameters are one character long.
        at += usize::from(matches!(bytes.get(at)?, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!'));
        if at == name {
            return None;
        }
    }
    match bytes.get(at)? {
        b'}' => return Some(at + 1),
        b':' | b'+' | b'-' | b'?' | b'#' | b'%' | b'/' => {}
        _ => return None,
    }
    loop {
        match bytes.get(at)? {
            b'}' => return Some(at + 1),
            b'\\' => at += 2,
            b'\'' => at += 2 + memchr::memchr(b'\'', bytes.get(at + 1..)?)?,
            b'"' => at = double_quoted_end(bytes, at)?,
            b'$' if bytes.get(at + 1) == Some(&b'{') => at = brace_end(bytes, at)?,
            _ => at += 1,
        }
    }
}

/// Reads one word as a heredoc opener.
fn opener(word: &str) -> Option<Opener> {
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = word.get(digits..)?.strip_prefix("<<")?;
    let chomp = rest.starts_with('-');
    let name = rest.strip_prefix('-').unwrap_or(rest).trim_start();
    if name.is_empty() || name.contains('<') {
        return None;
    }
    let unquoted = unquote(name, b'\\');
    if unquoted.is_empty() {
        return None;
    }
    let quotes = |text: &str| text.bytes().filter(|byte| matches!(byte, b'\'' | b'"')).count();
    let expand = quotes(name) == quotes(&unquoted);
    let fd = word.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    Some(Opener { name: unquoted, fd, expand, chomp })
}

/// Takes quotes and escapes off a word; `$` is left as it is.
pub fn unquote(raw: &str, escape: u8) -> String {
    let mut out = Vec::with_capacity(raw.len());
    let mut quote: Option<u8> = None;
    let mut bytes = raw.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match quote {
            None if matches!(byte, b'\'' | b'"') => quote = Some(byte),
            Some(open) if open == byte => quote = None,
            None if byte == escape => out.extend(bytes.next()),
            Some(b'"') if byte == escape => match bytes.peek() {
                Some(next) if matches!(*next, b'"' | b'$') || *next == escape => out.extend(bytes.next()),
                _ => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Instruction<'_> {
    /// The arguments as words: the elements of the JSON form, or what white space separates. Quotes stay.
    pub fn words(&self) -> Vec<Word<'_>> {
        match &self.form {
            Form::Json(elements) => {
                elements.iter().map(|(value, span)| Word { raw: value.as_str(), span: *span }).collect()
            }
            Form::Text => spaced(&self.args, 0),
        }
    }

    /// The pairs of ENV, ARG and LABEL: `NAME=value …`, or the old `NAME the rest of the line`.
    pub fn pairs(&self, escape: u8) -> Vec<Pair<'_>> {
        let text = self.args.text.as_ref();
        let words = quoted_words(text, escape);
        let word = |start: usize, end: usize| Word {
            raw: text.get(start..end).unwrap_or_default(),
            span: self.args.source_span(start, end),
        };
        let equals =
            |(start, end): (usize, usize)| text.get(start..end).and_then(|word| word.find('=')).map(|at| start + at);
        let Some(first) = words.first().copied() else { return Vec::new() };
        if self.keyword != Keyword::Arg && equals(first).is_none() {
            // The name ends at the first blank, wherever quotes are, and everything after it is the value.
            let mut parts = spaced(&self.args, 0).into_iter();
            let Some(name) = parts.next() else { return Vec::new() };
            let value = parts.next().and_then(|second| {
                let start = second.raw.as_ptr() as usize - text.as_ptr() as usize;
                text.get(start..).map(|_| word(start, text.len()))
            });
            return vec![Pair { name, value }];
        }
        words
            .into_iter()
            .map(|(start, end)| match equals((start, end)) {
                Some(at) => Pair { name: word(start, at), value: Some(word(at + 1, end)) },
                None => Pair { name: word(start, end), value: None },
            })
            .collect()
    }
}

/// The pieces between blanks.
fn spaced<'a>(args: &'a Logical<'_>, from: usize) -> Vec<Word<'a>> {
    let text = args.text.as_ref();
    let mut words = Vec::new();
    let mut at = from;
    let bytes = text.as_bytes();
    let blank = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' '));
    while at < bytes.len() {
        if blank(at) {
            at += 1;
            continue;
        }
        let start = at;
        while !blank(at) {
            at += 1;
        }
        words.push(Word { raw: text.get(start..at).unwrap_or_default(), span: args.source_span(start, at) });
    }
    words
}

/// A word as BuildKit keeps it: an escape character at the very end is dropped. The old form of ENV keeps everything.
pub(super) fn word_text(raw: &str, escape: u8, whole: bool) -> String {
    let dangling = !whole && raw.as_bytes().last() == Some(&escape) && {
        // An escape that is escaped itself is text.
        raw.bytes().rev().take_while(|byte| *byte == escape).count() % 2 == 1
    };
    let end = raw.len() - usize::from(dangling);
    raw.get(..end).unwrap_or(raw).to_owned()
}

/// The words of ARG as BuildKit has them.
pub(super) fn quoted_texts(text: &str, escape: u8) -> Vec<String> {
    let words = quoted_words(text, escape).into_iter();
    words.map(|(start, end)| word_text(text.get(start..end).unwrap_or_default(), escape, false)).collect()
}

/// The first word, quotes minded.
pub(super) fn first_quoted(text: &str, escape: u8) -> Option<&str> {
    quoted_words(text, escape).first().and_then(|(start, end)| text.get(*start..*end))
}

/// Whether a word opens a heredoc.
pub(super) fn is_opener(word: &str) -> bool {
    word.contains("<<") && opener(word).is_some()
}

/// The pieces between white space that is not quoted or escaped, as ranges of the text.
pub(super) fn quoted_words(text: &str, escape: u8) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut start: Option<usize> = None;
    let mut quote: Option<u8> = None;
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        // White space is what Unicode calls so: a no-break space parts words too.
        let space = match byte {
            _ if byte.is_ascii() => usize::from(byte.is_ascii_whitespace() || byte == 0x0b),
            _ => text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .filter(|c| c.is_whitespace())
                .map_or(0, char::len_utf8),
        };
        let skip = match quote {
            None if space > 0 => {
                if let Some(start) = start.take() {
                    words.push((start, at));
                }
                at += space;
                continue;
            }
            None if matches!(byte, b'\'' | b'"') => {
                quote = Some(byte);
                false
            }
            Some(open) if open == byte => {
                quote = None;
                false
            }
            Some(b'\'') => false,
            _ => byte == escape,
        };
        start.get_or_insert(at);
        at += 1 + usize::from(skip && at + 1 < bytes.len());
    }
    if let Some(start) = start {
        words.push((start, bytes.len()));
    }
    words
}

/// The variables that a word reads, as BuildKit expands it.
pub fn reads(raw: &str, escape: u8) -> Vec<String> {
    let mut names = Vec::new();
    if memchr::memchr(b'$', raw.as_bytes()).is_some() {
        expand(raw, escape, |name| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            Value::Unknown
        });
    }
    names
}

/// Expands a word as BuildKit does: `$NAME`, `${NAME}`, `${NAME:-default}` and its relatives; quotes and escapes come
/// off. Nothing is expanded between single quotes.
pub fn expand<'v>(raw: &str, escape: u8, mut lookup: impl FnMut(&str) -> Value<'v>) -> Expanded {
    let mut expander = Expander { bytes: raw.as_bytes(), at: 0, escape, known: true };
    let out = expander.run(&mut lookup, None);
    Expanded { text: String::from_utf8_lossy(&out).into_owned(), known: expander.known }
}

struct Expander<'r> {
    bytes: &'r [u8],
    at: usize,
    escape: u8,
    known: bool,
}

impl<'r> Expander<'r> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Expands up to `stop` outside quotes, or to the end.
    fn run<'v>(&mut self, lookup: &mut dyn FnMut(&str) -> Value<'v>, stop: Option<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(byte) = self.peek() {
            if Some(byte) == stop {
                break;
            }
            self.at += 1;
            match byte {
                b'\'' => {
                    while let Some(byte) = self.peek() {
                        self.at += 1;
                        if byte == b'\'' {
                            break;
                        }
                        out.push(byte);
                    }
                }
                b'"' => {
                    while let Some(byte) = self.peek() {
                        self.at += 1;
                        match byte {
                            b'"' => break,
                            b'$' => self.variable(lookup, &mut out),
                            _ if byte == self.escape => match self.peek() {
                                Some(next) if matches!(next, b'"' | b'$') || next == self.escape => {
                                    out.push(next);
                                    self.at += 1;
                                }
                                _ => out.push(byte),
                            },
                            _ => out.push(byte),
                        }
                    }
                }
                b'$' => self.variable(lookup, &mut out),
                _ if byte == self.escape => {
                    if let Some(next) = self.peek() {
                        out.push(next);
                        self.at += 1;
                    }
                }
                _ => out.push(byte),
            }
        }
        out
    }

    /// Expands the reference after a `$`.
    fn variable<'v>(&mut self, lookup: &mut dyn FnMut(&str) -> Value<'v>, out: &mut Vec<u8>) {
        let dollar = self.at - 1;
        let braced = self.peek() == Some(b'{');
        self.at += usize::from(braced);
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.at += 1;
        }
        let name = self.bytes.get(start..self.at).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        if name.is_empty() {
            if braced {
                self.known = false;
            }
            self.at = start;
            out.push(b'$');
            if braced {
                out.push(b'{');
            }
            return;
        }
        let value = lookup(name);
        if !braced || self.peek() == Some(b'}') {
            self.at += usize::from(braced);
            return self.plain(value, dollar, out);
        }
        let colon = self.peek() == Some(b':');
        self.at += usize::from(colon);
        let operator = self.peek();
        self.at += usize::from(operator.is_some());
        let doubled = matches!(operator, Some(b'#' | b'%' | b'/')) && self.peek() == operator;
        self.at += usize::from(doubled);
        let known_before = self.known;
        let first = self.run(lookup, Some(if operator == Some(b'/') { b'/' } else { b'}' }));
        let mut second = Vec::new();
        if operator == Some(b'/') && self.peek() == Some(b'/') {
            self.at += 1;
            second = self.run(lookup, Some(b'}'));
        }
        self.at += usize::from(self.peek() == Some(b'}'));
        let whole = self.bytes.get(dollar..self.at).unwrap_or_default();
        let set = match value {
            Value::Unknown => {
                self.known = false;
                out.extend_from_slice(whole);
                return;
            }
            Value::Unset => None,
            Value::Set(text) => Some(text),
        };
        let full = set.as_deref().filter(|text| !(colon && text.is_empty()));
        match operator {
            Some(b'-') => match full {
                Some(text) => {
                    self.known = known_before;
                    out.extend_from_slice(text.as_bytes());
                }
                None => out.extend(first),
            },
            Some(b'+') => {
                if full.is_some() {
                    out.extend(first);
                } else {
                    self.known = known_before;
                }
            }
            Some(b'?') => match full {
                Some(text) => {
                    self.known = known_before;
                    out.extend_from_slice(text.as_bytes());
                }
                None => self.known = false,
            },
            Some(b'#' | b'%' | b'/') => {
                let text = set.as_deref().unwrap_or_default();
                let pattern = String::from_utf8_lossy(&first);
                let replacement = String::from_utf8_lossy(&second);
                let edited = match operator {
                    Some(b'#') => pattern::trim_start(text, &pattern, doubled),
                    Some(b'%') => pattern::trim_end(text, &pattern, doubled),
                    _ => pattern::replace(text, &pattern, &replacement, doubled),
                };
                out.extend_from_slice(edited.as_bytes());
            }
            _ => {
                self.known = false;
                out.extend_from_slice(whole);
            }
        }
    }

    fn plain(&mut self, value: Value<'_>, dollar: usize, out: &mut Vec<u8>) {
        match value {
            Value::Set(text) => out.extend_from_slice(text.as_bytes()),
            Value::Unset => {}
            Value::Unknown => {
                self.known = false;
                out.extend_from_slice(self.bytes.get(dollar..self.at).unwrap_or_default());
            }
        }
    }
}

/// `*` and `?` of `${X#pattern}`, `${X%pattern}` and `${X/pattern/text}`.
mod pattern {
    /// Whether `text` as a whole matches.
    fn matches(pattern: &[char], text: &[char]) -> bool {
        let (mut p, mut t, mut star) = (0, 0, None);
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some('\\') if pattern.get(p + 1) == text.get(t) => (p, t) = (p + 2, t + 1),
                Some('?') => (p, t) = (p + 1, t + 1),
                Some(c) if Some(c) == text.get(t) => (p, t) = (p + 1, t + 1),
                _ => match star {
                    Some((star_p, star_t)) => {
                        star = Some((star_p, star_t + 1));
                        (p, t) = (star_p + 1, star_t + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    pub(super) fn trim_start(text: &str, pattern: &str, longest: bool) -> String {
        let (text, pattern) = (chars(text), chars(pattern));
        let mut ends: Vec<usize> = (0..=text.len()).collect();
        if longest {
            ends.reverse();
        }
        let end = ends.into_iter().find(|end| text.get(..*end).is_some_and(|head| matches(&pattern, head)));
        text.get(end.unwrap_or(0)..).unwrap_or_default().iter().collect()
    }

    pub(super) fn trim_end(text: &str, pattern: &str, longest: bool) -> String {
        let (text, pattern) = (chars(text), chars(pattern));
        let mut starts: Vec<usize> = (0..=text.len()).collect();
        if !longest {
            starts.reverse();
        }
        let start = starts.into_iter().find(|start| text.get(*start..).is_some_and(|tail| matches(&pattern, tail)));
        text.get(..start.unwrap_or(text.len())).unwrap_or_default().iter().collect()
    }

    pub(super) fn replace(text: &str, pattern: &str, with: &str, all: bool) -> String {
        let (text, pattern) = (chars(text), chars(pattern));
        let mut out = String::new();
        let mut at = 0;
        let mut done = false;
        while at < text.len() {
            let hit = (at + 1..=text.len())
                .rev()
                .find(|end| text.get(at..*end).is_some_and(|part| matches(&pattern, part)))
                .filter(|_| !done);
            match hit {
                Some(end) => {
                    out.push_str(with);
                    at = end;
                    done = !all;
                }
                None => {
                    out.extend(text.get(at));
                    at += 1;
                }
            }
        }
        out
    }
}
