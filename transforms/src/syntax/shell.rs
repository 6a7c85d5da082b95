//! Shell scripts inside RUN, CMD, ENTRYPOINT and HEALTHCHECK, with spans back to the file.

use rable::{ListOperator, NodeKind};

use super::instruction::{Form, Instruction, Keyword, Logical};
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

/// A script longer than this is not looked into: the grammar's own recursion grows with the length of a list.
const MAX_SCRIPT: usize = 64 * 1024;

/// How deep substitutions and parentheses may nest before a script is not looked into.
const MAX_NESTING: usize = 64;

/// Parses a script. `text` is what the shell would get; its spans are mapped back through `map`.
///
/// Answers `None` for what the grammar does not read, and for what is too long or too deeply nested to be read in
/// bounded time: such a script is opaque, nothing is ever edited inside.
pub fn parse(map: &Logical<'_>) -> Option<Script> {
    parse_text(&map.text, map, 0, 0)
}

/// Parses `text`, which stands at byte `base` of the mapped text.
fn parse_text(text: &str, map: &Logical<'_>, base: usize, depth: usize) -> Option<Script> {
    if text.len() > MAX_SCRIPT || depth > MAX_NESTING || nesting(text) > MAX_NESTING {
        return None;
    }
    let nodes = rable::parse(text, false).ok()?;
    let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect::<Vec<_>>());
    let reader = Reader { text, offsets, map, base, depth };
    let mut items = Vec::with_capacity(nodes.len());
    for node in &nodes {
        if let Some(last) = items.last_mut() {
            let last: &mut Item = last;
            last.operator = Operator::Then;
        }
        reader.list(node, &mut items);
    }
    reader.operators(&mut items);
    Some(Script { items })
}

/// The deepest nesting of opening brackets, whatever they mean.
fn nesting(text: &str) -> usize {
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
struct Reader<'t> {
    text: &'t str,
    /// The byte offset of every character, where the two differ.
    offsets: Option<Vec<usize>>,
    map: &'t Logical<'t>,
    base: usize,
    depth: usize,
}

impl Reader<'_> {
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
    fn list(&self, node: &rable::Node, items: &mut Vec<Item>) {
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

    /// Finds where the operators stand: between two items there is nothing else that looks like one.
    fn operators(&self, items: &mut [Item]) {
        for at in 0..items.len() {
            let next = items.get(at + 1).map(|item| item.span.start);
            let Some(item) = items.get_mut(at) else { continue };
            let (end, next) = (item.span.end, next.unwrap_or(item.span.end));
            item.operator_span = Span { start: end, end: next.max(end) };
        }
    }

    fn script(&self, node: &rable::Node) -> Script {
        let mut items = Vec::new();
        self.list(node, &mut items);
        self.operators(&mut items);
        Script { items }
    }

    fn node(&self, node: &rable::Node) -> Node {
        let span = self.node_span(node);
        let compound = |kind, bodies: Vec<&rable::Node>, words: Vec<Word>, redirects: &[rable::Node]| {
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

    fn words(&self, words: &[rable::Node]) -> Vec<Word> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn word(&self, node: &rable::Node) -> Word {
        let (start, end) = self.bytes(&node.span);
        let value = match &node.kind {
            NodeKind::Word { value, .. } => value.as_str(),
            _ => "",
        };
        let (raw, span) = match self.text.get(start..end) {
            Some(raw) if !raw.is_empty() => (raw, self.span(start, end)),
            _ => (value, Span::default()),
        };
        let substitutions = if span.is_empty() { Vec::new() } else { self.substitutions(raw, start) };
        let (literal, reads) = (literal(raw), reads(raw));
        Word { raw: raw.to_owned(), span, literal, reads, substitutions }
    }

    /// The scripts of `$( … )` and backticks in a word that stands at byte `start`.
    fn substitutions(&self, raw: &str, start: usize) -> Vec<Script> {
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

    fn redirects(&self, redirects: &[rable::Node]) -> Vec<Redirect> {
        redirects.iter().filter_map(|node| self.redirect(node)).collect()
    }

    fn redirect(&self, node: &rable::Node) -> Option<Redirect> {
        let span = self.node_span(node);
        match &node.kind {
            NodeKind::Redirect { op, target, .. } => {
                let mut target = self.word(target);
                if target.span.is_empty() {
                    // The grammar gives the whole redirection a place; its target is the end of it.
                    let (_, end) = self.bytes(&node.span);
                    let start = end.saturating_sub(target.raw.len());
                    if self.text.get(start..end) == Some(target.raw.as_str()) {
                        target.span = self.span(start, end);
                    }
                }
                Some(Redirect { operator: op.clone(), target, span })
            }
            NodeKind::HereDoc { delimiter, .. } => Some(Redirect {
                operator: "<<".into(),
                target: Word { raw: delimiter.clone(), literal: Some(delimiter.clone()), ..Word::default() },
                span,
            }),
            _ => None,
        }
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
pub fn literal(raw: &str) -> Option<String> {
    if !raw.bytes().any(|byte| matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`')) {
        return Some(raw.to_owned());
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
    Some(out)
}

/// The variables that a word reads, outside single quotes; those of its substitutions included.
pub fn reads(raw: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
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
                    && !names.iter().any(|known| known == name)
                {
                    names.push(name.to_owned());
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
    pub fn script(&self) -> Option<Script> {
        if self.opaque || self.form != Form::Text {
            return None;
        }
        match self.keyword {
            Keyword::Run => {
                if let Some(heredoc) = self.heredocs.first()
                    && self.args.text.split_whitespace().count() == 1
                {
                    let text = std::str::from_utf8(heredoc.body).ok()?;
                    let runs = vec![(0, heredoc.body_span.start)];
                    return parse(&Logical { text: text.into(), runs });
                }
                parse(&self.args)
            }
            Keyword::Cmd | Keyword::Entrypoint => parse(&self.args),
            Keyword::Healthcheck => {
                let rest = self.args.text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
                let start = self.args.text.len() - rest.trim_start().len();
                parse(&self.args.slice(start, self.args.text.len()))
            }
            _ => None,
        }
    }
}
