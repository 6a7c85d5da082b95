//! Shell scripts inside RUN, CMD, ENTRYPOINT and HEALTHCHECK, with spans back to the file.

mod plain;

use std::borrow::Cow;

use rable::{ListOperator, NodeKind};

use super::instruction::{Form, Instruction, Keyword, Logical};
use crate::span::Span;

/// A script: what a shell form or a heredoc of RUN holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script<'t> {
    /// The list at the top: the pieces between `&&`, `||`, `;`, `&` and line ends.
    pub items: Vec<Item<'t>>,
}

/// One piece of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'t> {
    /// What it is.
    pub node: Node<'t>,
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
pub enum Node<'t> {
    /// A simple command.
    Command(Command<'t>),
    /// Commands joined by `|`.
    Pipeline(Vec<Node<'t>>),
    /// `( … )`, `{ …; }`, `if`, `for`, `while`, `until`, `case`, `select`, a function definition, `! …`, `time …`.
    Compound(Compound<'t>),
    /// `[[ … ]]`, `(( … ))` and what else has no commands in it.
    Test(Span),
}

/// A compound command: its kind and the lists inside, in source order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compound<'t> {
    /// Which one.
    pub kind: CompoundKind,
    /// The lists in it. For `if`: condition, body, condition, body, … else body.
    pub bodies: Vec<Script<'t>>,
    /// Words of `for … in`, the word of `case`.
    pub words: Vec<Word<'t>>,
    /// Redirections of the whole.
    pub redirects: Vec<Redirect<'t>>,
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
pub struct Command<'t> {
    /// `NAME=value` before the command's name, or alone.
    pub assignments: Vec<Word<'t>>,
    /// The name and its arguments.
    pub words: Vec<Word<'t>>,
    /// `>`, `<`, `2>&1`, here-documents and here-strings.
    pub redirects: Vec<Redirect<'t>>,
    /// Its bytes.
    pub span: Span,
}

/// A word of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word<'t> {
    /// As it is written after joining lines.
    pub raw: Cow<'t, str>,
    /// Its bytes.
    pub span: Span,
    /// The scripts of its command substitutions.
    pub substitutions: Vec<Script<'t>>,
}

impl Word<'_> {
    /// The value, quotes and escapes taken off, where nothing in the word is expanded by the shell (no variable, no
    /// substitution; globs and `~` stay as written).
    pub fn literal(&self) -> Option<Cow<'_, str>> {
        literal(&self.raw)
    }

    /// The variables that it reads outside single quotes.
    pub fn reads(&self) -> Vec<&str> {
        reads(&self.raw)
    }
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect<'t> {
    /// The operator: `>`, `>>`, `<`, `<<`, `<<<`, `>&`, …
    pub operator: Cow<'t, str>,
    /// The file, descriptor or here-document.
    pub target: Word<'t>,
    /// Its bytes.
    pub span: Span,
}

/// A script longer than this is not looked into: the grammar's own recursion grows with the length of a list.
const MAX_SCRIPT: usize = 64 * 1024;

/// How deep substitutions and parentheses may nest before a script is not looked into.
const MAX_NESTING: usize = 64;

/// Parses a script. `text` is what the shell would get; its spans are mapped back through `map`.
///
/// Answers `None` for what the grammar does not read, and for what is too long or too deeply nested to be read in
/// bounded time: such a script is opaque, nothing is ever edited inside.
pub fn parse<'t>(map: &'t Logical<'_>) -> Option<Script<'t>> {
    parse_text(&map.text, map, 0, 0)
}

/// Parses a script that stands in no file: its spans are those of `text`.
pub fn parse_alone(text: &str) -> Option<Script<'_>> {
    parse_text(text, &Logical { text: Cow::Borrowed(text), runs: vec![(0, 0)] }, 0, 0)
}

/// Parses `text`, which stands at byte `base` of the mapped text.
fn parse_text<'t>(text: &'t str, map: &Logical<'_>, base: usize, depth: usize) -> Option<Script<'t>> {
    if text.len() > MAX_SCRIPT || depth > MAX_NESTING || nesting(text) > MAX_NESTING {
        return None;
    }
    if let Some(script) = plain::parse(text, map, base) {
        debug_assert_eq!(Some(&script), grammar(text, map, base, depth).as_ref(), "the short way says something else");
        return Some(script);
    }
    grammar(text, map, base, depth)
}

/// Parses any script, by the grammar.
fn grammar<'t>(text: &'t str, map: &Logical<'_>, base: usize, depth: usize) -> Option<Script<'t>> {
    let nodes = rable::parse(text, false).ok()?;
    let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect::<Vec<_>>());
    let reader = Reader { text, offsets, map, base, depth };
    let mut items: Vec<Item<'t>> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        if let Some(last) = items.last_mut() {
            last.operator = Operator::Then;
        }
        reader.list(node, &mut items);
    }
    set_operator_spans(&mut items);
    Some(Script { items })
}

/// The deepest nesting of opening brackets, whatever they mean.
fn nesting(text: &str) -> usize {
    if memchr::memchr2_iter(b'(', b'{', text.as_bytes()).nth(MAX_NESTING).is_none() {
        // There are not enough of them, whatever their order; counting is several times faster than following.
        return 0;
    }
    let (mut depth, mut deepest) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Turns the grammar's nodes into ours, with spans of the file.
struct Reader<'t, 'm> {
    text: &'t str,
    /// The byte offset of every character, where the two differ.
    offsets: Option<Vec<usize>>,
    map: &'m Logical<'m>,
    base: usize,
    depth: usize,
}

impl<'t> Reader<'t, '_> {
    /// A character range of the grammar as a byte range of the text.
    fn bytes(&self, span: &rable::Span) -> (usize, usize) {
        let byte = |at: usize| match &self.offsets {
            None => at.min(self.text.len()),
            Some(offsets) => offsets.get(at).copied().unwrap_or(self.text.len()),
        };
        (byte(span.start), byte(span.end))
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.map.source_span(self.base + start, self.base + end)
    }

    fn node_span(&self, node: &rable::Node) -> Span {
        let (start, end) = self.bytes(&node.span);
        self.span(start, end)
    }

    /// Flattens a list: all its operators bind from left to right, so the sequence with its operators says the same.
    fn list(&self, node: &rable::Node, items: &mut Vec<Item<'t>>) {
        match &node.kind {
            NodeKind::List { items: inner } => {
                for item in inner {
                    self.list(&item.command, items);
                    if let (Some(last), Some(operator)) = (items.last_mut(), item.operator) {
                        last.operator = match operator {
                            ListOperator::And => Operator::And,
                            ListOperator::Or => Operator::Or,
                            ListOperator::Semi => Operator::Then,
                            ListOperator::Background => Operator::Background,
                        };
                    }
                }
            }
            NodeKind::Comment { .. } | NodeKind::Empty => {}
            _ => items.push(Item {
                node: self.node(node),
                span: self.node_span(node),
                operator: Operator::End,
                operator_span: Span::default(),
            }),
        }
    }

    fn script(&self, node: &rable::Node) -> Script<'t> {
        let mut items = Vec::new();
        self.list(node, &mut items);
        set_operator_spans(&mut items);
        Script { items }
    }

    fn node(&self, node: &rable::Node) -> Node<'t> {
        let span = self.node_span(node);
        let compound = |kind, bodies: Vec<&rable::Node>, words: Vec<Word<'t>>, redirects: &[rable::Node]| {
            Node::Compound(Compound {
                kind,
                bodies: bodies.into_iter().map(|body| self.script(body)).collect(),
                words,
                redirects: self.redirects(redirects),
                span,
            })
        };
        match &node.kind {
            NodeKind::Command { assignments, words, redirects } => Node::Command(Command {
                assignments: self.words(assignments),
                words: self.words(words),
                redirects: self.redirects(redirects),
                span,
            }),
            NodeKind::Pipeline { commands, .. } => {
                Node::Pipeline(commands.iter().map(|command| self.node(command)).collect())
            }
            NodeKind::If { condition, then_body, else_body, redirects } => {
                let mut bodies = vec![condition.as_ref(), then_body.as_ref()];
                bodies.extend(else_body.as_deref());
                compound(CompoundKind::If, bodies, Vec::new(), redirects)
            }
            NodeKind::While { condition, body, redirects } | NodeKind::Until { condition, body, redirects } => {
                compound(CompoundKind::Loop, vec![condition, body], Vec::new(), redirects)
            }
            NodeKind::For { words, body, redirects, .. } | NodeKind::Select { words, body, redirects, .. } => {
                let words = words.as_deref().map(|words| self.words(words)).unwrap_or_default();
                compound(CompoundKind::Loop, vec![body], words, redirects)
            }
            NodeKind::ForArith { body, redirects, .. } => {
                compound(CompoundKind::Loop, vec![body], Vec::new(), redirects)
            }
            NodeKind::Case { word, patterns, redirects } => {
                let bodies = patterns.iter().filter_map(|pattern| pattern.body.as_ref()).collect();
                compound(CompoundKind::Case, bodies, self.words(std::slice::from_ref(word)), redirects)
            }
            NodeKind::Function { body, .. } => compound(CompoundKind::Function, vec![body], Vec::new(), &[]),
            NodeKind::Subshell { body, redirects } => {
                compound(CompoundKind::Subshell, vec![body], Vec::new(), redirects)
            }
            NodeKind::BraceGroup { body, redirects } => {
                compound(CompoundKind::Group, vec![body], Vec::new(), redirects)
            }
            NodeKind::Negation { pipeline } => compound(CompoundKind::Negation, vec![pipeline], Vec::new(), &[]),
            NodeKind::Time { pipeline, .. } => compound(CompoundKind::Group, vec![pipeline], Vec::new(), &[]),
            NodeKind::Coproc { command, .. } => compound(CompoundKind::Subshell, vec![command], Vec::new(), &[]),
            _ => Node::Test(span),
        }
    }

    fn words(&self, words: &[rable::Node]) -> Vec<Word<'t>> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn word(&self, node: &rable::Node) -> Word<'t> {
        let (start, end) = self.bytes(&node.span);
        match self.text.get(start..end) {
            Some(raw) if !raw.is_empty() => Word {
                raw: Cow::Borrowed(raw),
                span: self.span(start, end),
                substitutions: self.substitutions(raw, start),
            },
            _ => {
                let value = match &node.kind {
                    NodeKind::Word { value, .. } => value.as_str(),
                    _ => "",
                };
                Word { raw: Cow::Owned(value.to_owned()), ..Word::default() }
            }
        }
    }

    /// The scripts of `$( … )` and backticks in a word that stands at byte `start`.
    fn substitutions(&self, raw: &'t str, start: usize) -> Vec<Script<'t>> {
        let mut found = Vec::new();
        let bytes = raw.as_bytes();
        let mut at = 0;
        let mut double = false;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'"' => double = !double,
                b'\'' if !double => match memchr::memchr(b'\'', bytes.get(at + 1..).unwrap_or_default()) {
                    Some(length) => at += length + 1,
                    None => break,
                },
                b'`' => {
                    let Some(length) = memchr::memchr(b'`', bytes.get(at + 1..).unwrap_or_default()) else { break };
                    let inner = raw.get(at + 1..at + 1 + length).unwrap_or_default();
                    found.extend(parse_text(inner, self.map, self.base + start + at + 1, self.depth + 1));
                    at += length + 1;
                }
                b'$' if bytes.get(at + 1) == Some(&b'(') && bytes.get(at + 2) != Some(&b'(') => {
                    let Some(end) = closing(bytes, at + 2) else { break };
                    let inner = raw.get(at + 2..end).unwrap_or_default();
                    found.extend(parse_text(inner, self.map, self.base + start + at + 2, self.depth + 1));
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    fn redirects(&self, redirects: &[rable::Node]) -> Vec<Redirect<'t>> {
        redirects.iter().filter_map(|node| self.redirect(node)).collect()
    }

    fn redirect(&self, node: &rable::Node) -> Option<Redirect<'t>> {
        let span = self.node_span(node);
        match &node.kind {
            NodeKind::Redirect { op, target, .. } => {
                let mut target = self.word(target);
                if target.span.is_empty() {
                    // The grammar gives the whole redirection a place; its target is the end of it.
                    let (_, end) = self.bytes(&node.span);
                    let start = end.saturating_sub(target.raw.len());
                    if self.text.get(start..end) == Some(target.raw.as_ref()) {
                        target.span = self.span(start, end);
                    }
                }
                Some(Redirect { operator: Cow::Owned(op.clone()), target, span })
            }
            NodeKind::HereDoc { delimiter, .. } => Some(Redirect {
                operator: "<<".into(),
                target: Word { raw: Cow::Owned(delimiter.clone()), ..Word::default() },
                span,
            }),
            _ => None,
        }
    }
}

/// Sets where the operators stand: between two items there is nothing else that looks like one.
fn set_operator_spans(items: &mut [Item<'_>]) {
    for at in 0..items.len() {
        let next = items.get(at + 1).map(|item| item.span.start);
        let Some(item) = items.get_mut(at) else { continue };
        let (end, next) = (item.span.end, next.unwrap_or(item.span.end));
        item.operator_span = Span { start: end, end: next.max(end) };
    }
}

/// The parenthesis that closes a substitution whose inside starts at `at`.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1usize;
    let mut double = false;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 1,
            b'"' => double = !double,
            b'\'' if !double => at += 1 + memchr::memchr(b'\'', bytes.get(at + 1..)?)?,
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The value of a word that the shell does not expand: quotes and escapes off; `None` where it reads a variable, runs
/// a command or calculates.
pub fn literal(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.bytes().any(|byte| matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`')) {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut double = false;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' if chars.peek().is_some_and(|next| next.is_ascii_alphanumeric() || "_{(*@#?-$!'\"".contains(*next)) => {
                return None;
            }
            '`' => return None,
            '"' => double = !double,
            '\'' if !double => out.extend(chars.by_ref().take_while(|c| *c != '\'')),
            '\\' if double => match chars.peek() {
                Some('"' | '\\' | '$' | '`') => out.extend(chars.next()),
                _ => out.push('\\'),
            },
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    Some(Cow::Owned(out))
}

/// The variables that a word reads, outside single quotes; those of its substitutions included.
pub fn reads(raw: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    if memchr::memchr(b'$', raw.as_bytes()).is_none() {
        return names;
    }
    let bytes = raw.as_bytes();
    let mut double = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => double = !double,
            b'\'' if !double => {
                at += memchr::memchr(b'\'', bytes.get(at + 1..).unwrap_or_default()).map_or(0, |length| length + 1);
            }
            b'$' => {
                let start = at + 1 + usize::from(bytes.get(at + 1) == Some(&b'{'));
                let length = bytes
                    .get(start..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                    .count();
                if let Some(name) = raw.get(start..start + length).filter(|name| !name.is_empty())
                    && !names.contains(&name)
                {
                    names.push(name);
                }
            }
            _ => {}
        }
        at += 1;
    }
    names
}

impl Instruction<'_> {
    /// The script of a shell form: of RUN (a heredoc that is the script included), CMD, ENTRYPOINT and HEALTHCHECK CMD.
    /// `None` for the exec form, for a shell that is not a POSIX one, and for what can't be parsed.
    pub fn script(&self) -> Option<Script<'_>> {
        if self.opaque || self.form != Form::Text {
            return None;
        }
        match self.keyword {
            Keyword::Run => {
                if let Some(heredoc) = self.heredocs.first()
                    && self.args.text.split_whitespace().count() == 1
                {
                    let text = std::str::from_utf8(heredoc.body).ok()?;
                    let map = Logical { text: text.into(), runs: vec![(0, heredoc.body_span.start)] };
                    return parse_text(text, &map, 0, 0);
                }
                parse(&self.args)
            }
            Keyword::Cmd | Keyword::Entrypoint => parse(&self.args),
            Keyword::Healthcheck => {
                let rest = self.args.text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
                let start = self.args.text.len() - rest.trim_start().len();
                parse_text(self.args.text.get(start..)?, &self.args, start, 0)
            }
            _ => None,
        }
    }
}
