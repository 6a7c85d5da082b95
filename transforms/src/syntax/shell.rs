//! Shell scripts inside RUN, CMD, ENTRYPOINT and HEALTHCHECK, with spans back to the file.

mod guard;
mod owned;
mod places;
mod plain;

pub use guard::{MAX_COST, cost};

use std::borrow::Cow;
use std::cell::Cell;

use rable::{ListOperator, NodeKind};

use super::instruction::{Form, Instruction, Keyword, Logical, check_parts};
use crate::span::Span;

/// A script: what a shell form or a heredoc of RUN holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script<'t> {
    /// The list at the top: the pieces between `&&`, `||`, `;`, `&` and line ends.
    pub items: Vec<Item<'t>>,
}

impl<'t> Script<'t> {
    /// The list that it is: where the whole of it stands in parentheses or braces, what is in them.
    pub fn list(&self) -> &[Item<'t>] {
        let mut items = self.items.as_slice();
        while let [Item { node: Node::Compound(compound), .. }] = items
            && matches!(compound.kind, CompoundKind::Group | CompoundKind::Subshell)
            && compound.redirects.is_empty()
            && let [body] = compound.bodies.as_slice()
        {
            items = body.items.as_slice();
        }
        items
    }
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
    /// From there to the next piece: the operator, with the blanks, continuations and comments around it; empty for
    /// [`Operator::End`].
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

/// The shells whose language the grammar reads.
pub const POSIX_SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "ksh"];

/// The operators of redirections, the longer ones first.
const OPERATORS: [&str; 12] = ["<<<", "<<-", "<<", "<&", "<>", "<", "&>>", "&>", ">>", ">&", ">|", ">"];

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
    if depth > guard::MAX_NESTING || !guard::is_tractable(text) {
        return None;
    }
    if let Some(script) = plain::parse(text, map, base) {
        debug_assert_eq!(
            Some(&script),
            grammar(text, map, base, depth, text.len()).as_ref(),
            "the short way says something else"
        );
        return Some(script);
    }
    guard::has_few_compounds(text).then(|| grammar(text, map, base, depth, text.len()))?
}

/// Parses any script, by the grammar; `None` where it does not read it, or where a piece of it has no place that can be
/// told. Behind byte `words_end` there are here-documents only: a word that reaches into them is misread.
fn grammar<'t>(text: &'t str, map: &Logical<'_>, base: usize, depth: usize, words_end: usize) -> Option<Script<'t>> {
    let nodes = rable::parse(text, false).ok()?;
    let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect::<Vec<_>>());
    let reader = Reader { text, offsets, map, base, depth, words_end, lost: Cell::new(false) };
    let mut items: Vec<Item<'t>> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        if let Some(last) = items.last_mut() {
            last.operator = Operator::Then;
        }
        reader.list(node, &mut items);
    }
    set_operator_spans(&mut items);
    (!reader.lost.get()).then_some(Script { items })
}

/// Turns the grammar's nodes into ours, with spans of the file.
struct Reader<'t, 'm> {
    text: &'t str,
    /// The byte offset of every character, where the two differ.
    offsets: Option<Vec<usize>>,
    map: &'m Logical<'m>,
    base: usize,
    depth: usize,
    /// Where words can end at most.
    words_end: usize,
    /// Whether something has no place that can be told, or can't be read: then nothing of the script is.
    lost: Cell<bool>,
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
                let words = self.loop_words(node, body, words.as_deref().unwrap_or_default());
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
            NodeKind::Coproc { .. } => {
                // Its words have no place, and nobody writes one.
                self.lost.set(true);
                Node::Test(span)
            }
            _ => Node::Test(span),
        }
    }

    fn words(&self, words: &[rable::Node]) -> Vec<Word<'t>> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn word(&self, node: &rable::Node) -> Word<'t> {
        let (start, end) = self.bytes(&node.span);
        self.word_at(start, end)
    }

    /// The word at a byte range of the text.
    fn word_at(&self, start: usize, end: usize) -> Word<'t> {
        match self.text.get(start..end) {
            Some(raw) if !raw.is_empty() && end <= self.words_end => Word {
                raw: Cow::Borrowed(raw),
                span: self.span(start, end),
                substitutions: self.substitutions(raw, start),
            },
            _ => {
                self.lost.set(true);
                Word::default()
            }
        }
    }

    /// The words of `for NAME in …`, which the grammar gives no place: they stand between the name and the body.
    fn loop_words(&self, node: &rable::Node, body: &rable::Node, words: &[rable::Node]) -> Vec<Word<'t>> {
        let ((start, _), (end, _)) = (self.bytes(&node.span), self.bytes(&body.span));
        let header = self.text.get(..end).unwrap_or_default();
        let mut at = start;
        let mut next = || {
            let (start, end) = places::word(header, at)?;
            at = end;
            Some((start, end))
        };
        let (_keyword, _name) = (next(), next());
        // Without `in`, the loop is about the arguments of the script, and there are no words.
        if next().and_then(|(start, end)| header.get(start..end)) != Some("in") {
            return Vec::new();
        }
        let mut found = Vec::with_capacity(words.len());
        for _ in words {
            match next() {
                Some((start, end)) => found.push(self.word_at(start, end)),
                None => self.lost.set(true),
            }
        }
        found
    }

    /// The scripts of `$( … )`, `<( … )` and backticks in a word that stands at byte `start`.
    fn substitutions(&self, raw: &'t str, start: usize) -> Vec<Script<'t>> {
        let mut found = Vec::new();
        let bytes = raw.as_bytes();
        let mut at = 0;
        let mut double = false;
        while let Some(byte) = bytes.get(at) {
            let after = bytes.get(at + 1);
            match byte {
                b'\\' => at += 1,
                b'"' => double = !double,
                b'\'' if !double => match memchr::memchr(b'\'', bytes.get(at + 1..).unwrap_or_default()) {
                    Some(length) => at += length + 1,
                    None => break,
                },
                b'$' if after == Some(&b'\'') && !double => at = places::ansi_end(bytes, at + 2).unwrap_or(bytes.len()),
                b'`' => {
                    let Some(end) = places::backtick_end(bytes, at + 1) else { break };
                    found.extend(self.backticks(raw, at + 1, end, start));
                    at = end;
                }
                b'$' if after == Some(&b'(') && places::is_arithmetic(bytes, at) => at += 2,
                b'$' | b'<' | b'>' if after == Some(&b'(') && (*byte == b'$' || !double) => {
                    let Some((script, end)) = self.substitution(raw, at + 2, start) else {
                        self.lost.set(true);
                        break;
                    };
                    found.push(script);
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// The script of a substitution whose inside starts at byte `from` of a word, and where its parenthesis is. What
    /// quotes, comments and `case` make of a parenthesis is for the grammar to say: where the first guess is no script,
    /// the next ones are tried.
    fn substitution(&self, raw: &'t str, from: usize, start: usize) -> Option<(Script<'t>, usize)> {
        const GUESSES: usize = 8;
        let bytes = raw.as_bytes();
        let first = places::closing(bytes, from);
        let rest = memchr::memchr_iter(b')', bytes.get(from..)?).map(|at| from + at);
        let others = rest.filter(|at| first.is_none_or(|first| *at > first));
        let guesses = first.into_iter().chain(others).take(if self.depth == 0 { GUESSES } else { 2 });
        for end in guesses {
            let inner = raw.get(from..end)?;
            if let Some(script) = parse_text(inner, self.map, self.base + start + from, self.depth + 1) {
                return Some((script, end));
            }
        }
        None
    }

    /// The script between the backticks at `from` and `end` of a word.
    fn backticks(&self, raw: &'t str, from: usize, end: usize, start: usize) -> Option<Script<'t>> {
        let inner = raw.get(from..end)?;
        let base = self.base + start + from;
        let escaped = memchr::memchr(b'\\', inner.as_bytes()).is_some();
        let script = match escaped {
            false => parse_text(inner, self.map, base, self.depth + 1),
            true => {
                // Backslashes before a dollar, a backtick or another one are taken off before the script is read.
                let map = places::unescaped(inner, &self.map.slice(base, base + inner.len()));
                parse_text(&map.text, &map, 0, self.depth + 1).map(Script::into_owned)
            }
        };
        if script.is_none() {
            self.lost.set(true);
        }
        script
    }

    fn redirects(&self, redirects: &[rable::Node]) -> Vec<Redirect<'t>> {
        redirects.iter().filter_map(|node| self.redirect(node)).collect()
    }

    fn redirect(&self, node: &rable::Node) -> Option<Redirect<'t>> {
        let (start, end) = self.bytes(&node.span);
        // `|&` has one that is not written.
        let written = self.text.get(start..end).filter(|text| !text.is_empty())?;
        let (descriptor, name) = match &node.kind {
            NodeKind::Redirect { fd, varfd, .. } => (*fd, varfd.as_deref()),
            NodeKind::HereDoc { fd, .. } => (*fd, None),
            _ => return None,
        };
        let before = self.text.get(..start).unwrap_or_default();
        let from = match name {
            Some(name) => before.strip_suffix(&format!("{{{name}}}")).map_or(start, str::len),
            None if descriptor >= 0 => before.trim_end_matches(|c: char| c.is_ascii_digit()).len(),
            None => start,
        };
        let operator = OPERATORS.into_iter().find(|operator| written.starts_with(operator))?;
        let rest = written.get(operator.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let target = self.word_at(end - rest.len(), end);
        Some(Redirect { operator: Cow::Borrowed(operator), target, span: self.span(from, end) })
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
    /// `None` for the exec form, for a heredoc that names a program that is no POSIX shell, and for what can't be parsed.
    pub fn script(&self) -> Option<Script<'_>> {
        if self.opaque || self.dear || self.form != Form::Text {
            return None;
        }
        match self.keyword {
            Keyword::Run if self.runs_heredoc() => {
                let heredoc = self.heredocs.first()?;
                let text = std::str::from_utf8(heredoc.body).ok()?;
                if self.has_interpreter() {
                    return None;
                }
                let map = Logical { text: text.into(), runs: vec![(0, heredoc.body_span.start)] };
                parse_text(text, &map, 0, 0)
            }
            Keyword::Run if !self.heredocs.is_empty() => {
                let map = self.with_heredocs()?;
                if !guard::is_tractable(&map.text) || !guard::has_few_compounds(&map.text) {
                    return None;
                }
                grammar(&map.text, &map, 0, 0, self.args.text.len()).map(Script::into_owned)
            }
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint => parse(&self.args),
            Keyword::Healthcheck => {
                let (_, start) = check_parts(&self.args.text);
                parse_text(self.args.text.get(start..)?, &self.args, start, 0)
            }
            _ => None,
        }
    }

    /// Whether a heredoc that is the script itself names a program to run it that is no POSIX shell.
    pub fn has_interpreter(&self) -> bool {
        let Some(heredoc) = self.heredocs.first().filter(|_| self.runs_heredoc()) else { return false };
        let Some(line) = heredoc.body.strip_prefix(b"#!") else { return false };
        let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next().unwrap_or_default());
        let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let program = match words.next() {
            Some("env") => words.find(|word| !word.starts_with('-')),
            program => program,
        };
        !program.is_some_and(|program| POSIX_SHELLS.contains(&program))
    }

    /// What BuildKit gives the shell where heredocs are input of commands: the line, then each body with its terminator.
    fn with_heredocs(&self) -> Option<Logical<'static>> {
        let mut text = self.args.text.to_string();
        let mut runs = self.args.runs.clone();
        for heredoc in &self.heredocs {
            let name = u32::try_from(heredoc.name.len()).ok()?;
            // The line end before the body belongs to the opening line, or to the terminator before it.
            runs.push((u32::try_from(text.len()).ok()?, heredoc.body_span.start.checked_sub(1)?));
            text.push('\n');
            text.push_str(std::str::from_utf8(heredoc.body).ok()?);
            runs.push((u32::try_from(text.len()).ok()?, heredoc.terminator_span.end.checked_sub(name)?));
            text.push_str(&heredoc.name);
        }
        Some(Logical { text: text.into(), runs })
    }
}
