//! Words of ENV, ARG, LABEL, COPY and the rest, and BuildKit's expansion of variables in them.

use std::borrow::Cow;

use super::instruction::{Form, Instruction, Keyword, Logical};
use super::lexer::{Keep, lex, lex_text};
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
///
/// # Errors
/// What BuildKit says where it refuses the name.
pub(super) fn heredoc_openers(line: &str) -> Result<Vec<Opener>, String> {
    let keep = Keep { quotes: true, escapes: true, unset: true };
    let Ok(lexed) = lex(line, b'\\', keep, &mut |_| Value::Unset) else { return Ok(Vec::new()) };
    lexed.words.iter().filter_map(|word| opener(word).transpose()).collect()
}

/// Reads one word as a heredoc opener.
fn opener(word: &str) -> Result<Option<Opener>, String> {
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let Some(rest) = word.get(digits..).and_then(|rest| rest.strip_prefix("<<")) else { return Ok(None) };
    let chomp = rest.starts_with('-');
    let name = rest.strip_prefix('-').unwrap_or(rest).trim_ascii_start();
    if name.is_empty() || name.contains('<') {
        return Ok(None);
    }
    let keep = Keep { unset: true, ..Keep::default() };
    let bare = lex(name, b'\\', keep, &mut |_| Value::Unset)?.words;
    let [unquoted] = bare.as_slice() else { return Ok(None) };
    let quoted = lex(name, b'\\', Keep { quotes: true, ..keep }, &mut |_| Value::Unset)?.words;
    let [quoted] = quoted.as_slice() else { return Err(format!("the name of the heredoc {name} is two")) };
    let quotes = |text: &str| text.bytes().filter(|byte| matches!(byte, b'\'' | b'"')).count();
    let expand = quotes(quoted) == quotes(unquoted);
    let fd = word.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    Ok(Some(Opener { name: unquoted.clone(), fd, expand, chomp }))
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
    /// Whether the one heredoc of a RUN is the script itself (`RUN <<EOF`), and not input of a command.
    pub fn runs_heredoc(&self) -> bool {
        self.keyword == Keyword::Run && self.heredocs.len() == 1 && is_opener(&self.args.text)
    }

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
    let blank = |byte: &u8| matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' ');
    let rest = |at: usize| text.as_bytes().get(at..).unwrap_or_default().iter();
    while let Some(blanks) = rest(at).position(|byte| !blank(byte)) {
        let start = at + blanks;
        at = rest(start).position(blank).map_or(text.len(), |length| start + length);
        words.push(Word { raw: text.get(start..at).unwrap_or_default(), span: args.source_span(start, at) });
    }
    words
}

/// Whether a word is the AS of FROM. The long s folds to an s too.
pub(super) fn is_as(word: &str) -> bool {
    let mut letters = word.chars();
    let (first, second) = (letters.next(), letters.next());
    matches!(first, Some('a' | 'A')) && matches!(second, Some('s' | 'S' | '\u{17f}')) && letters.next().is_none()
}

/// The words of ARG as BuildKit has them.
pub(super) fn quoted_texts(text: &str, escape: u8) -> Vec<String> {
    let words = quoted_words(text, escape).into_iter();
    words.map(|(start, end)| text.get(start..end).unwrap_or_default().to_owned()).collect()
}

/// The first word, quotes minded.
pub(super) fn first_quoted(text: &str, escape: u8) -> Option<&str> {
    quoted_words(text, escape).first().and_then(|(start, end)| text.get(*start..*end))
}

/// Whether a word opens a heredoc.
pub(super) fn is_opener(word: &str) -> bool {
    word.contains("<<") && opener(word).is_ok_and(|opener| opener.is_some())
}

/// Bytes that part no words, open no quotes and escape nothing, whatever stands around them.
static ORDINARY: [bool; 256] = {
    let mut ordinary = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let special = matches!(byte as u8, b'\t'..=b'\r' | b' ' | b'\'' | b'"' | b'\\' | b'`');
        ordinary[byte] = !special;
        byte += 1;
    }
    ordinary
};

/// The pieces between white space that is not quoted or escaped, as ranges of the text. An escape character at the very
/// end escapes nothing and is left out.
pub(super) fn quoted_words(text: &str, escape: u8) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut start: Option<usize> = None;
    let mut quote: Option<u8> = None;
    let mut at = 0;
    loop {
        let ordinary = |byte: &&u8| ORDINARY.get(usize::from(**byte)).copied().unwrap_or_default();
        let length = bytes.get(at..).unwrap_or_default().iter().take_while(ordinary).count();
        if length > 0 {
            start.get_or_insert(at);
            at += length;
        }
        let Some(byte) = bytes.get(at).copied() else { break };
        // White space is what Unicode calls so: a no-break space parts words too.
        let space = match byte {
            _ if byte.is_ascii() => usize::from(byte.is_ascii_whitespace() || byte == 0x0b),
            _ => text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .filter(|c| c.is_whitespace())
                .map_or(0, char::len_utf8),
        };
        let escapes = match quote {
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
        if escapes && at + 1 == bytes.len() {
            words.extend(start.take().map(|start| (start, at)));
            break;
        }
        start.get_or_insert(at);
        at += 1 + if escapes {
            text.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
        } else {
            0
        };
    }
    words.extend(start.map(|start| (start, bytes.len())));
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
/// off. Nothing is expanded between single quotes. A word that BuildKit refuses is not known, and stays as it is.
pub fn expand<'v>(raw: &str, escape: u8, lookup: impl FnMut(&str) -> Value<'v>) -> Expanded {
    try_expand(raw, escape, lookup).unwrap_or_else(|_| Expanded { text: raw.to_owned(), known: false })
}

/// Expands a word as [`expand`] does.
///
/// # Errors
/// What BuildKit says where it refuses the word: a quote or a brace that is not closed, an operator that it does not
/// know, a variable that `${NAME?why}` wants to be set.
pub fn try_expand<'v>(raw: &str, escape: u8, mut lookup: impl FnMut(&str) -> Value<'v>) -> Result<Expanded, String> {
    if is_plain(raw, escape) {
        return Ok(Expanded { text: raw.to_owned(), known: true });
    }
    let lexed = lex_text(raw, escape, Keep::default(), &mut lookup)?;
    Ok(Expanded { text: lexed.text, known: lexed.known })
}

/// Whether a word is the same after expanding, as most are: nothing in it means anything to the lexer.
fn is_plain(raw: &str, escape: u8) -> bool {
    let special = |byte: u8| matches!(byte, b'\'' | b'"' | b'$' | b'<') || byte == escape;
    !raw.bytes().any(special) && !raw.starts_with('\u{feff}')
}

/// The words that a word becomes where BuildKit splits after expanding, as EXPOSE does; `None` where a variable is not
/// known or BuildKit refuses the word.
pub fn expand_words<'v>(raw: &str, escape: u8, mut lookup: impl FnMut(&str) -> Value<'v>) -> Option<Vec<String>> {
    let lexed = lex(raw, escape, Keep::default(), &mut lookup).ok()?;
    lexed.known.then_some(lexed.words)
}
