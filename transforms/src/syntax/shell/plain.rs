//! The short way through plain scripts.
//!
//! Most scripts of Dockerfiles are simple commands joined by `&&`, `||`, `;` and `|`, made of words, quotes, variables,
//! substitutions of such scripts and redirections. They are read here in one pass that copies nothing. Whatever is more
//! than that (compound commands, functions, arithmetic, here-documents, comments, line ends) and whatever is not sure to
//! be right is left to the grammar, and what is read here is exactly what the grammar says: debug builds ask both, every
//! time.

use std::borrow::Cow;

use memchr::memchr;

use super::super::instruction::Logical;
use super::places::{backtick_end, closing};
use super::{Command, Item, Node, OPERATORS, Operator, Redirect, Script, Word, set_operator_spans};
use crate::span::Span;

/// Words that mean something of their own at the start of a command.
const RESERVED: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "select", "in",
    "function", "time", "coproc", "!", "{", "}", "[[", "]]",
];

/// Bytes that are part of a word whatever stands around them.
static ORDINARY: [bool; 256] = {
    let mut ordinary = [true; 256];
    let special = b" \t\n|&;()<>'\"\\$`[";
    let mut at = 0;
    while at < special.len() {
        ordinary[special[at] as usize] = false;
        at += 1;
    }
    ordinary
};

/// Reads `text`, which stands at byte `base` of the mapped text; `None` where it is not plain.
pub(super) fn parse<'t>(text: &'t str, map: &Logical<'_>, base: usize) -> Option<Script<'t>> {
    if memchr(b'\n', text.as_bytes()).is_some() {
        return None;
    }
    list(text, Places { runs: &map.runs, base, next: 0 })
}

/// Reads the list that `text` is.
fn list<'t>(text: &'t str, places: Places<'_>) -> Option<Script<'t>> {
    let mut plain = Plain { text, bytes: text.as_bytes(), at: 0, places, inside: Vec::new() };
    let mut items = Vec::new();
    loop {
        let (node, span) = plain.pipeline()?;
        let operator = match (plain.peek(), plain.after()) {
            (None, _) => Operator::End,
            (Some(b'&'), Some(b'&')) => Operator::And,
            (Some(b'|'), Some(b'|')) => Operator::Or,
            (Some(b';'), Some(b';' | b'&')) => return None,
            (Some(b';'), _) => Operator::Then,
            _ => return None,
        };
        plain.at += if operator == Operator::Then { 1 } else { 2 };
        plain.blanks();
        // A semicolon at the end joins nothing.
        let last = operator == Operator::End || operator == Operator::Then && plain.peek().is_none();
        let operator = if last { Operator::End } else { operator };
        items.push(Item { node, span, operator, operator_span: Span::default() });
        if last {
            set_operator_spans(&mut items);
            return Some(Script { items });
        }
    }
}

/// The way from offsets of the text to the source, for offsets that never go back.
struct Places<'m> {
    runs: &'m [(u32, u32)],
    base: usize,
    /// The first run that starts after the last offset.
    next: usize,
}

impl Places<'_> {
    /// As [`Logical::source_offset`] has it.
    fn of(&mut self, offset: usize) -> usize {
        let offset = self.base + offset;
        while self.runs.get(self.next).is_some_and(|(text, _)| *text as usize <= offset) {
            self.next += 1;
        }
        match self.next.checked_sub(1).and_then(|at| self.runs.get(at)) {
            Some((text, source)) => *source as usize + (offset - *text as usize),
            None => 0,
        }
    }
}

struct Plain<'t, 'm> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    places: Places<'m>,
    /// The scripts of the substitutions in the word under way.
    inside: Vec<Script<'t>>,
}

/// What the words so far have made of the next one. An assignment, even one among the arguments, leaves the next word
/// where a command starts, without making reserved words of it.
#[derive(Clone, Copy)]
struct State {
    command_start: bool,
    reserved: bool,
}

impl<'t> Plain<'t, '_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn after(&self) -> Option<u8> {
        self.bytes.get(self.at + 1).copied()
    }

    /// Goes past the bytes that are such.
    fn past(&mut self, such: impl Fn(u8) -> bool) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !such(*byte)).unwrap_or(rest.len());
    }

    fn blanks(&mut self) {
        self.past(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// Commands joined by `|`, or one command, with the blanks behind.
    fn pipeline(&mut self) -> Option<(Node<'t>, Span)> {
        let first = self.command()?;
        let span = first.span;
        if self.peek() != Some(b'|') || self.after() == Some(b'|') {
            return Some((Node::Command(first), span));
        }
        let (mut nodes, mut end) = (vec![Node::Command(first)], span.end);
        while self.peek() == Some(b'|') && self.after() != Some(b'|') {
            if self.after() == Some(b'&') {
                return None;
            }
            self.at += 1;
            let command = self.command()?;
            end = command.span.end;
            nodes.push(Node::Command(command));
        }
        Some((Node::Pipeline(nodes), Span { start: span.start, end }))
    }

    /// A simple command with the blanks around it.
    fn command(&mut self) -> Option<Command<'t>> {
        let mut command = Command::default();
        let mut state = State { command_start: true, reserved: true };
        let mut span: Option<Span> = None;
        loop {
            self.blanks();
            let start = self.at;
            let (placed, redirect) = match self.peek() {
                None | Some(b'|' | b';') => break,
                Some(b'&') if self.after() == Some(b'&') => break,
                Some(b'<' | b'>' | b'&') => (Span::at(self.places.of(start)), true),
                Some(_) => {
                    let word = self.word(&mut state)?;
                    let placed = word.span;
                    let Cow::Borrowed(raw) = word.raw else { return None };
                    let adjacent = matches!(self.peek(), Some(b'<' | b'>' | b'&'));
                    if adjacent && raw.starts_with('{') {
                        return None;
                    }
                    let descriptor = matches!(self.peek(), Some(b'<' | b'>')) && is_descriptor(raw);
                    if !descriptor {
                        match state.command_start && command.words.is_empty() {
                            true => command.assignments.push(word),
                            false => command.words.push(word),
                        }
                    }
                    (placed, descriptor)
                }
            };
            let mut end = placed.end;
            if redirect {
                let mut redirect = self.redirect(&mut state)?;
                redirect.span.start = placed.start;
                end = redirect.span.end;
                command.redirects.push(redirect);
            }
            span = Some(Span { start: span.map_or(placed.start, |span| span.start), end });
        }
        // A command without anything in it is an error, which the grammar words.
        command.span = span?;
        Some(command)
    }

    /// A word that starts here; changes what the next word is.
    fn word(&mut self, state: &mut State) -> Option<Word<'t>> {
        let start = self.at;
        if self.peek() == Some(b'#') {
            return None;
        }
        loop {
            self.past(|byte| ORDINARY.get(usize::from(byte)).copied().unwrap_or_default());
            match self.peek() {
                None | Some(b' ' | b'\t' | b'|' | b'&' | b';') => break,
                Some(b'<' | b'>') if self.after() == Some(b'(') => return None,
                Some(b'<' | b'>') => break,
                Some(b'\'') => self.at += 2 + memchr(b'\'', self.bytes.get(self.at + 1..)?)?,
                Some(b'"') => self.double_quotes()?,
                Some(b'\\') => {
                    self.after()?;
                    self.at += 2;
                }
                Some(b'$') => self.dollar(false)?,
                Some(b'`') => self.backticks()?,
                // `name[…]` at the start of a command is a subscript, with blanks in it where the author likes.
                Some(b'[') if state.command_start && is_name(self.bytes.get(start..self.at)?) => return None,
                Some(b'[') => self.at += 1,
                Some(_) => return None,
            }
        }
        let raw = self.text.get(start..self.at).filter(|raw| !raw.is_empty())?;
        if state.command_start && state.reserved && RESERVED.contains(&raw) {
            return None;
        }
        *state = State { command_start: is_assignment(raw)?, reserved: false };
        let from = self.places.of(start);
        let span = Span::new(from, self.places.of(self.at - 1) + 1);
        Some(Word { raw: Cow::Borrowed(raw), span, substitutions: std::mem::take(&mut self.inside) })
    }

    /// Goes past a text in double quotes.
    fn double_quotes(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.past(|byte| !matches!(byte, b'"' | b'\\' | b'$' | b'`'));
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => {
                    self.after()?;
                    self.at += 2;
                }
                b'$' => self.dollar(true)?,
                _ => self.backticks()?,
            }
        }
    }

    /// Goes past the script of a substitution, and the one byte that ends it.
    fn script(&mut self, start: usize, end: usize) -> Option<()> {
        let places = Places { runs: self.places.runs, base: self.places.base + start, next: self.places.next };
        let script = list(self.text.get(start..end)?, places)?;
        self.inside.push(script);
        self.at = end + 1;
        Some(())
    }

    /// Goes past a script in backticks, in which nothing is escaped.
    fn backticks(&mut self) -> Option<()> {
        let start = self.at + 1;
        let end = backtick_end(self.bytes, start)?;
        if memchr(b'\\', self.bytes.get(start..end)?).is_some() {
            return None;
        }
        self.script(start, end)
    }

    /// Goes past a dollar and, for `${…}` and `$(…)`, what is inside.
    fn dollar(&mut self, quoted: bool) -> Option<()> {
        match self.after() {
            Some(b'[' | b'$') => return None,
            Some(b'(') => {
                let start = self.at + 2;
                // Two parentheses may be arithmetic.
                if self.bytes.get(start) == Some(&b'(') {
                    return None;
                }
                return self.script(start, closing(self.bytes, start)?);
            }
            Some(b'\'' | b'"') if !quoted => return None,
            Some(b'{') => {
                self.at += 2;
                loop {
                    match self.peek()? {
                        b'}' => break,
                        b'\'' | b'"' | b'\\' | b'$' | b'`' => return None,
                        b'<' | b'>' if self.after() == Some(b'(') => return None,
                        _ => self.at += 1,
                    }
                }
            }
            _ => {}
        }
        self.at += 1;
        Some(())
    }

    /// A redirection that starts here, behind its descriptor.
    fn redirect(&mut self, state: &mut State) -> Option<Redirect<'t>> {
        let start = self.places.of(self.at);
        let rest = self.text.get(self.at..)?;
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
        if operator.starts_with("<<") && operator != "<<<" {
            return None;
        }
        self.at += operator.len();
        let duplicates = matches!(operator, "<&" | ">&");
        if duplicates && self.peek() == Some(b'-') {
            return None;
        }
        state.reserved = false;
        self.blanks();
        let target = self.word(state)?;
        if duplicates && target.raw.ends_with('-') {
            return None;
        }
        let span = Span { start: u32::try_from(start).unwrap_or(u32::MAX), end: target.span.end };
        Some(Redirect { operator: Cow::Borrowed(operator), target, span })
    }
}

/// Whether a word before `<` or `>` is the number of a descriptor.
fn is_descriptor(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit()) && raw.parse::<i32>().is_ok()
}

fn is_name(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| !first.is_ascii_digit())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether a word is `NAME=…` or `NAME+=…`; `None` where it may be `NAME[…]=…`.
fn is_assignment(raw: &str) -> Option<bool> {
    let bytes = raw.as_bytes();
    let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    if !is_name(bytes.get(..length).unwrap_or_default()) {
        return Some(false);
    }
    match bytes.get(length) {
        Some(b'=') => Some(true),
        Some(b'+') => Some(bytes.get(length + 1) == Some(&b'=')),
        Some(b'[') if memchr(b'=', bytes).is_some() => None,
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar;
    use super::*;

    /// Whether the short way reads `text`; what it reads has to be what the grammar reads.
    #[track_caller]
    fn is_plain(text: &str) -> bool {
        // The text stands in the source in pieces of five bytes, with three bytes of continuation between them.
        let starts = (0..text.len()).step_by(5).filter(|at| text.is_char_boundary(*at));
        let runs = starts.map(|at| (at as u32, (at + 3 * (at / 5)) as u32)).collect();
        let map = Logical { text: Cow::Borrowed(text), runs };
        let found = parse(text, &map, 0);
        if found.is_some() {
            assert_eq!(found, grammar(text, &map, 0, 0, text.len()), "{text:?}");
        }
        found.is_some()
    }

    #[test]
    fn the_usual_scripts_are_plain() {
        for text in [
            "make",
            "apt-get update && apt-get install -y --no-install-recommends gcc=4:12 libc6-dev && rm -rf /var/lib/apt/*",
            "  a  &&b||c;d | e | f ;  ",
            "CGO_ENABLED=0 GOOS=linux go build -ldflags \"-s -w -X main.v=$V\" -o /app ./cmd/${NAME:-app of mine}",
            "echo 'a $(b) `c` \"d\"' \"it's \\\" \\$x\" \\; e\\ f # > f".split('#').next().unwrap_or_default(),
            "curl x >/dev/null 2>&1 <in &>all 3<>both >|f >> log <<<word || true",
            "test -f /a/{b,c}/[de]* && x=1 y+=2 z=3",
            "pip install uvicorn[standard]>=0.2 'é' ü\\ü",
            "> out 2> err cmd A=b",
            "a $(b) `c`",
            "curl -L \"https://x/$(uname -s)-$(uname -m | sed 's/a/b/')\" > \"/out/$(basename \"$F\")\" && V=`v` b",
            "a $(b \"$(c | d)\" `e`)f",
        ] {
            assert!(is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_more_than_plain_is_left_to_the_grammar() {
        for text in [
            "",
            " ",
            ";",
            "&&",
            "a &&",
            "a ||",
            "|a",
            "a |",
            "a;;b",
            "a &",
            "a & b",
            "a |& b",
            "a |&> b",
            "(a)",
            "{ a; }",
            "! a",
            "if a; then b; fi",
            "a() { b; }",
            "a $((1+1))",
            "a $( (b) )",
            "a $(b",
            "a $()",
            "a `b",
            "a `b \\$c`",
            "a \"$(b # c)\"",
            "a $(if b; then c; fi)",
            "a <<E",
            "a <<-E",
            "a # b",
            "# a",
            "a\nb",
            "a \\",
            "'a",
            "\"a",
            "${a",
            "a[1 2]=3 b",
            "[[ a ]]",
            "a $'b'",
            "a >",
            "a > ;",
            "a 2>&-",
            "a >&1-",
            "a <(b)",
            "a $[1+1]",
            "time a",
            "function a { b; }",
            "a {x}>b",
            "a=(b c)",
            "x; }",
        ] {
            assert!(!is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn whatever_is_read_the_short_way_is_what_the_grammar_reads() {
        const PIECES: [&str; 78] = [
            " ",
            " ",
            " ",
            "  ",
            "\t",
            "a",
            "b",
            "cd",
            "make",
            "1",
            "2",
            "23",
            "a1",
            "A=",
            "B+=",
            "x=y",
            "if",
            "then",
            "fi",
            "do",
            "done",
            "in",
            "time",
            "!",
            "{",
            "}",
            "[[",
            "]]",
            "[",
            "]",
            "a[",
            "a[1]=",
            "]=",
            "&&",
            "||",
            ";",
            "|",
            "&",
            "|&",
            ";;",
            ">",
            "<",
            ">>",
            "2>",
            "2>&1",
            ">&",
            "<&",
            "&>",
            "&>>",
            ">|",
            "<>",
            "<<<",
            "<<",
            "-",
            "/dev/null",
            "'",
            "\"",
            "'x y'",
            "\"x y\"",
            "\\",
            "\\ ",
            "$",
            "$A",
            "${A}",
            "${A:-b c}",
            "$$",
            "$(",
            "\"$(",
            ")",
            ")\"",
            "`",
            "$(a b)",
            "`a b`",
            "\"$(a)\"",
            "<(a)",
            "#",
            "é",
            "~",
        ];
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed >> 33).unwrap_or_default() % below
        };
        let (mut plain, mut all) = (0, 0);
        for length in 1..24 {
            for _ in 0..4000 {
                let text: String = (0..length).map(|_| PIECES[random(PIECES.len())]).collect();
                plain += usize::from(is_plain(&text));
                all += 1;
            }
        }
        assert!(plain * 20 > all, "{plain} of {all} are plain");
    }
}
