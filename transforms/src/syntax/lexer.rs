//! BuildKit's own little shell: how it expands variables in a word and splits a line into words.
//!
//! It is followed step by step, what looks like an oversight included, because what it makes of a word is what is built.

use std::sync::OnceLock;

use regex::Regex;

use super::words::Value;

/// `${A:-${B:-…}}` is followed this deep. BuildKit has no limit; a word that is deeper is taken for one that it refuses.
const MAX_DEPTH: usize = 256;

/// What the lexer leaves as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keep {
    /// Quotes stay.
    pub(super) quotes: bool,
    /// Escape characters stay.
    pub(super) escapes: bool,
    /// References to variables that are not set stay.
    pub(super) unset: bool,
}

/// What became of a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lexed {
    /// The text, white space outside quotes included.
    pub(super) text: String,
    /// The text, split at white space outside quotes.
    pub(super) words: Vec<String>,
    /// Whether every variable was known.
    pub(super) known: bool,
}

/// Lexes `word`.
///
/// # Errors
/// What BuildKit says where it refuses the word: a quote or a brace that is not closed, an operator that it does not
/// know, a variable that `${NAME?why}` wants to be set.
pub(super) fn lex<'v>(
    word: &str,
    escape: u8,
    keep: Keep,
    lookup: &mut dyn FnMut(&str) -> Value<'v>,
) -> Result<Lexed, String> {
    lex_as(word, escape, keep, true, lookup)
}

/// Lexes `word` where nobody asks for the words that it is split into.
///
/// # Errors
/// As [`lex`].
pub(super) fn lex_text<'v>(
    word: &str,
    escape: u8,
    keep: Keep,
    lookup: &mut dyn FnMut(&str) -> Value<'v>,
) -> Result<Lexed, String> {
    lex_as(word, escape, keep, false, lookup)
}

fn lex_as<'v>(
    word: &str,
    escape: u8,
    keep: Keep,
    split: bool,
    lookup: &mut dyn FnMut(&str) -> Value<'v>,
) -> Result<Lexed, String> {
    let escape = char::from(escape);
    // A byte-order mark at the start is no character of a word.
    let word = word.strip_prefix('\u{feff}').unwrap_or(word);
    let (raw, buffer) = (keep.escapes, String::new());
    let mut lexer = Lexer { word, at: 0, escape, keep, split, lookup, raw, known: true, buffer, depth: 0 };
    let (text, words) = lexer.until(None, keep.escapes, false)?;
    Ok(Lexed { text, words, known: lexer.known })
}

struct Lexer<'w, 'l, 'v> {
    word: &'w str,
    /// The byte that comes next.
    at: usize,
    escape: char,
    keep: Keep,
    /// Whether anybody asks for the words.
    split: bool,
    lookup: &'l mut dyn FnMut(&str) -> Value<'v>,
    /// Whether escape characters stay at the moment.
    raw: bool,
    known: bool,
    /// The word under way. There is one for all levels: the words of an operator take what stands before them out of it.
    buffer: String,
    depth: usize,
}

/// The words of one level.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    inside: bool,
    /// Whether anybody asks for them.
    wanted: bool,
}

impl Words {
    fn char(&mut self, buffer: &mut String, c: char) {
        if !c.is_whitespace() {
            self.raw_char(buffer, c);
        } else if self.inside && !buffer.is_empty() {
            self.done.push(std::mem::take(buffer));
            self.inside = false;
        }
    }

    fn raw_char(&mut self, buffer: &mut String, c: char) {
        if self.wanted {
            buffer.push(c);
            self.inside = true;
        }
    }

    /// What stands between quotes.
    fn piece(&mut self, buffer: &mut String, piece: &str) {
        if self.wanted {
            buffer.push_str(piece);
            self.inside = true;
        }
    }

    fn finish(mut self, buffer: &mut String) -> Vec<String> {
        if !buffer.is_empty() {
            self.done.push(std::mem::take(buffer));
        }
        self.done
    }
}

impl<'w> Lexer<'w, '_, '_> {
    fn peek(&self) -> Option<char> {
        self.word.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Takes what comes next as far as it is `ordinary`, which a byte of a character beyond ASCII is or is not together
    /// with the others of that character; the escape character never is.
    fn run(&mut self, ordinary: impl Fn(u8) -> bool) -> &'w str {
        let rest = self.word.get(self.at..).unwrap_or_default();
        let plain = |byte: &u8| ordinary(*byte) && char::from(*byte) != self.escape;
        let run = rest.get(..rest.bytes().take_while(plain).count()).unwrap_or_default();
        self.at += run.len();
        run
    }

    /// Lexes up to `stop`, which is taken too, or to the end. With `patterns`, escape characters between quotes are
    /// doubled, so that the pattern can be read once more.
    fn until(&mut self, stop: Option<char>, raw: bool, patterns: bool) -> Result<(String, Vec<String>), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("too many substitutions inside each other".into());
        }
        let before = std::mem::replace(&mut self.raw, raw);
        let lexed = self.until_stop(stop, patterns);
        self.raw = before;
        self.depth -= 1;
        lexed
    }

    fn until_stop(&mut self, stop: Option<char>, patterns: bool) -> Result<(String, Vec<String>), String> {
        let mut text = String::new();
        self.buffer.clear();
        // Nobody asks for the words of an operator's text; to build them level by level would cost the depth for each
        // byte.
        let mut words = Words { wanted: self.split && self.depth == 1, ..Words::default() };
        loop {
            // Most characters stand for themselves, and are taken together.
            let wanted = words.wanted;
            let plain = self.run(|byte| {
                !matches!(byte, b'\'' | b'"' | b'$' | b'<')
                    && Some(char::from(byte)) != stop
                    && !(wanted && (byte.is_ascii_whitespace() || byte == 0x0b || !byte.is_ascii()))
            });
            if !plain.is_empty() {
                text.push_str(plain);
                words.piece(&mut self.buffer, plain);
            }
            let Some(c) = self.peek() else { break };
            if Some(c) == stop {
                self.next();
                return Ok((text, words.finish(&mut self.buffer)));
            }
            let piece = match c {
                '\'' => Some(self.single_quoted(patterns)?),
                '"' => Some(self.double_quoted(patterns)?),
                '$' => Some(self.dollar()?),
                '<' => Some(self.heredoc_operator()),
                _ => None,
            };
            if let Some(piece) = piece {
                text.push_str(&piece);
                if c == '$' && words.wanted {
                    piece.chars().for_each(|c| words.char(&mut self.buffer, c));
                } else {
                    words.piece(&mut self.buffer, &piece);
                }
                continue;
            }
            self.next();
            let mut c = c;
            if c == self.escape {
                if self.raw {
                    words.raw_char(&mut self.buffer, c);
                    text.push(c);
                }
                let Some(escaped) = self.next() else { break };
                c = escaped;
                words.raw_char(&mut self.buffer, c);
            } else {
                words.char(&mut self.buffer, c);
            }
            text.push(c);
        }
        match stop {
            Some(stop) => Err(format!("unexpected end of statement while looking for matching {stop}")),
            None => Ok((text, words.finish(&mut self.buffer))),
        }
    }

    fn single_quoted(&mut self, patterns: bool) -> Result<String, String> {
        let mut text = String::new();
        let open = self.next();
        text.extend(open.filter(|_| self.keep.quotes));
        loop {
            match self.next() {
                None => return Err("unexpected end of statement while looking for matching single-quote".into()),
                Some('\'') => {
                    text.extend(open.filter(|_| self.keep.quotes));
                    return Ok(text);
                }
                Some(c) => {
                    if patterns && c == self.escape {
                        text.push(c);
                    }
                    text.push(c);
                }
            }
        }
    }

    fn double_quoted(&mut self, patterns: bool) -> Result<String, String> {
        let mut text = String::new();
        let open = self.next();
        text.extend(open.filter(|_| self.keep.quotes));
        loop {
            text.push_str(self.run(|byte| !matches!(byte, b'"' | b'$')));
            match self.peek() {
                None => return Err("unexpected end of statement while looking for matching double-quote".into()),
                Some('"') => {
                    text.extend(self.next().filter(|_| self.keep.quotes));
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar()?),
                Some(mut c) => {
                    self.next();
                    if c == self.escape {
                        match self.peek() {
                            // An escape character at the very end escapes nothing.
                            None => continue,
                            Some(next) if matches!(next, '"' | '$') || next == self.escape => {
                                if self.raw {
                                    text.push(c);
                                }
                                self.next();
                                c = next;
                            }
                            Some(_) if self.raw && (!self.keep.quotes || patterns) => text.push(c),
                            Some(_) => {}
                        }
                    }
                    text.push(c);
                }
            }
        }
    }

    /// `<<` with the blanks behind it stays together.
    fn heredoc_operator(&mut self) -> String {
        self.next();
        if self.peek() != Some('<') {
            return "<".into();
        }
        self.next();
        let start = self.at;
        while matches!(self.peek(), Some('\t' | '\r' | ' ')) {
            self.next();
        }
        format!("<<{}", self.word.get(start..self.at).unwrap_or_default())
    }

    /// The reference that starts with the dollar that comes next.
    fn dollar(&mut self) -> Result<String, String> {
        let start = self.at;
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".into());
            }
            return Ok(self.plain(name, start));
        }
        self.next();
        match self.peek() {
            None => return Err("syntax error: missing '}'".into()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".into()),
            _ => {}
        }
        let name = self.name();
        let (mut operator, mut null_is_unset) = (self.next(), false);
        if operator == Some('}') {
            return Ok(self.plain(name, start));
        }
        if operator == Some(':') {
            null_is_unset = true;
            operator = self.next();
            if matches!(operator, None | Some('#' | '%')) {
                return Err("unsupported modifier in substitution".into());
            }
        }
        // What an operator does not come to use need not be known.
        let known = self.known;
        match operator {
            // Behind a colon, an operator that there is not is seen as such only where it is used.
            Some(operator) if null_is_unset || matches!(operator, '-' | '+' | '?') => {
                let (word, _) = self.operand('}', false)?;
                let value = match (self.lookup)(name) {
                    Value::Unknown => return Ok(self.unknown(start)),
                    Value::Unset if self.keep.unset => {
                        let colon = if null_is_unset { ":" } else { "" };
                        return Ok(format!("${{{name}{colon}{operator}{word}}}"));
                    }
                    Value::Unset => None,
                    Value::Set(value) => Some(value).filter(|value| !null_is_unset || !value.is_empty()),
                };
                match (operator, value) {
                    ('-', None) | ('+', Some(_)) => Ok(word),
                    ('+', None) => {
                        self.known = known;
                        Ok(String::new())
                    }
                    ('-' | '?', Some(value)) => {
                        self.known = known;
                        Ok(value.into_owned())
                    }
                    ('?', None) => Err(format!("{name}: {word}")),
                    _ => Err("unsupported modifier in substitution".into()),
                }
            }
            Some(operator @ ('#' | '%')) => {
                let (word, _) = self.operand('}', true)?;
                let value = match (self.lookup)(name) {
                    Value::Unknown => return Ok(self.unknown(start)),
                    Value::Unset if self.keep.unset => return Ok(format!("${{{name}{operator}{word}}}")),
                    Value::Unset => "".into(),
                    Value::Set(value) => value,
                };
                let (pattern, greedy) = match word.strip_prefix(operator) {
                    Some(pattern) => (pattern, true),
                    None => (word.as_str(), false),
                };
                if operator == '#' {
                    trim_start(pattern, &value, greedy)
                } else {
                    let reversed = |text: &str| text.chars().rev().collect::<String>();
                    Ok(reversed(&trim_start(&reverse_pattern(pattern), &reversed(&value), greedy)?))
                }
            }
            Some('/') => {
                let all = self.peek() == Some('/');
                if all {
                    self.next();
                }
                let (pattern, _) = self.until(Some('/'), true, true)?;
                let (with, _) = self.until(Some('}'), true, false)?;
                let value = match (self.lookup)(name) {
                    Value::Unknown => return Ok(self.unknown(start)),
                    Value::Unset if self.keep.unset => return Ok(format!("${{{name}/{pattern}/{with}}}")),
                    Value::Unset => "".into(),
                    Value::Set(value) => value,
                };
                let pattern = compile(&pattern, true, false)?;
                if all {
                    return Ok(pattern.replace_all(&value, with.as_str()).into_owned());
                }
                let mut value = value.into_owned();
                if let Some(range) = pattern.find(&value).map(|found| found.range()) {
                    value.replace_range(range, &with);
                }
                Ok(value)
            }
            _ => Err("unsupported modifier in substitution".into()),
        }
    }

    /// The text of an operator, up to its brace.
    fn operand(&mut self, stop: char, pattern: bool) -> Result<(String, Vec<String>), String> {
        self.until(Some(stop), pattern, pattern)
    }

    /// `$NAME` or `${NAME}`, which starts at `start`.
    fn plain(&mut self, name: &str, start: usize) -> String {
        match (self.lookup)(name) {
            Value::Set(value) => value.into_owned(),
            Value::Unset if self.keep.unset => self.word.get(start..self.at).unwrap_or_default().to_owned(),
            Value::Unset => String::new(),
            Value::Unknown => self.unknown(start),
        }
    }

    /// The reference from `start` on as it is written.
    fn unknown(&mut self, start: usize) -> String {
        self.known = false;
        self.word.get(start..self.at).unwrap_or_default().to_owned()
    }

    /// The name that comes next: letters, digits and underscores, digits alone, or one special parameter.
    fn name(&mut self) -> &'w str {
        let rest = self.word.get(self.at..).unwrap_or_default();
        let mut chars = rest.chars();
        let length = match chars.next() {
            Some(first) if is_digit(first) => rest.find(|c| !is_digit(c)).unwrap_or(rest.len()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => rest.find(|c| !(c == '_' || is_letter(c) || is_digit(c))).unwrap_or(rest.len()),
        };
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }
}

/// Whether a character is of a class of Unicode; asked for what is no ASCII only.
fn is_of(class: &'static OnceLock<Option<Regex>>, pattern: &str, c: char) -> bool {
    let class = class.get_or_init(|| Regex::new(pattern).ok());
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

fn is_letter(c: char) -> bool {
    static LETTER: OnceLock<Option<Regex>> = OnceLock::new();
    if c.is_ascii() { c.is_ascii_alphabetic() } else { is_of(&LETTER, r"^\p{L}$", c) }
}

fn is_digit(c: char) -> bool {
    static DIGIT: OnceLock<Option<Regex>> = OnceLock::new();
    if c.is_ascii() { c.is_ascii_digit() } else { is_of(&DIGIT, r"^\p{Nd}$", c) }
}

/// Takes what `pattern` matches off the start.
fn trim_start(pattern: &str, value: &str, greedy: bool) -> Result<String, String> {
    let found = compile(pattern, greedy, true)?.find(value).map_or(0, |found| found.end());
    Ok(value.get(found..).unwrap_or_default().to_owned())
}

/// `*` and `?` as a regular expression.
fn compile(pattern: &str, greedy: bool, anchored: bool) -> Result<Regex, String> {
    let mut out = String::from(if anchored { "^" } else { "" });
    let mut chars = pattern.strip_prefix('\u{feff}').unwrap_or(pattern).chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '*' => {
                out.push_str(if greedy { ".*" } else { ".*?" });
                continue;
            }
            '?' => {
                out.push('.');
                continue;
            }
            '\\' => match chars.peek() {
                // The braces of the reference need an escape, which is no part of the pattern.
                Some('}' | '/') => continue,
                Some('*' | '?' | '\\') => chars.next().unwrap_or(c),
                _ => return Err(format!("invalid escape in the pattern {pattern}")),
            },
            c => c,
        };
        out.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
    }
    Regex::new(&out).map_err(|error| error.to_string())
}

/// The pattern from its end to its start, escape characters still before what they escape.
fn reverse_pattern(pattern: &str) -> String {
    let mut pieces: Vec<&str> = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let next = rest.chars().nth(1).filter(|_| c == '\\').map_or(0, char::len_utf8);
        let (piece, after) = rest.split_at(c.len_utf8() + next);
        pieces.push(piece);
        rest = after;
    }
    pieces.into_iter().rev().collect()
}
