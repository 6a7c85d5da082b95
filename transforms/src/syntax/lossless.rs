//! Whether a reading lost or misplaced anything: what property tests, fuzz targets and the golden set ask.
//!
//! The reading is checked from outside. The text at a span is joined again here, line by line, by a function that
//! shares nothing with the splitter, and compared with the text that the reading has.

use super::instruction::json_string;
use super::shell::{Command, Compound, Item, Node, Redirect, Script, Word};
use super::{File, Form, Instruction, Keyword, TileKind};
use crate::span::Span;

/// Checks the spans of a reading: the tiles are the file; every instruction lies in its tile; keyword, flags, arguments,
/// words and heredocs lie in the instruction, each behind the one before it, and each has the bytes that its text says.
///
/// # Errors
/// A sentence about the first thing that is wrong.
pub fn lossless(file: &File<'_>) -> Result<(), String> {
    let mut at = 0;
    for tile in &file.tiles {
        if tile.span.start != at || tile.span.end < at {
            return Err(format!("the tile {tile:?} does not start at {at}"));
        }
        at = tile.span.end;
    }
    if at as usize != file.source.len() {
        return Err(format!("the tiles end at {at} of {}", file.source.len()));
    }
    let mut index = 0;
    for tile in &file.tiles {
        if let TileKind::Instruction(own) = tile.kind {
            let instruction = file.instructions.get(index).filter(|_| own as usize == index);
            let instruction = instruction.ok_or_else(|| format!("no instruction {own} for its tile"))?;
            let check = Check { file, bodies: u32::MAX, unescaped: false };
            check
                .instruction(instruction, tile.span)
                .map_err(|what| format!("{} of line {}: {what}", instruction.keyword.name(), instruction.lines.0))?;
            index += 1;
        }
    }
    if index != file.instructions.len() {
        return Err(format!("{} instructions, {index} tiles of instructions", file.instructions.len()));
    }
    Ok(())
}

/// Checks the spans of every script of a reading: commands, words, redirections and substitutions lie inside what holds
/// them, and each word has the bytes that its text says.
///
/// # Errors
/// A sentence about the first thing that is wrong.
pub fn lossless_scripts(file: &File<'_>) -> Result<(), String> {
    for outer in &file.instructions {
        let one = outer.inner.as_deref().unwrap_or(outer);
        if let Some(script) = one.script() {
            let bodies = one.heredocs.first().map_or(u32::MAX, |heredoc| heredoc.body_span.start);
            let check = Check { file, bodies, unescaped: false };
            check
                .script(&script, one.span)
                .map_err(|what| format!("{} of line {}: {what}", one.keyword.name(), one.lines.0))?;
        }
    }
    Ok(())
}

/// The bytes at a span as BuildKit joins them: continuations with the comments and blank lines after them taken out.
fn joined(source: &[u8], span: Span, escape: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(span.len());
    let mut lines = span.of(source).split(|byte| *byte == b'\n');
    let mut first = true;
    let mut line = lines.next();
    while let Some(text) = line {
        line = lines.next();
        let start = String::from_utf8_lossy(text);
        let start = start.trim_start();
        // The last line is cut where the span ends: what is left of it is text, whatever it looks like.
        if !first && line.is_some() && (start.is_empty() || start.starts_with('#')) {
            continue;
        }
        first = false;
        if line.is_none() {
            out.extend_from_slice(text);
            break;
        }
        let text = trim_end(text, b"\r");
        let text = trim_end(text, b" \t");
        out.extend_from_slice(text.strip_suffix(&[escape]).unwrap_or(text));
    }
    out
}

fn trim_end<'t>(mut text: &'t [u8], what: &[u8]) -> &'t [u8] {
    while let Some((last, rest)) = text.split_last()
        && what.contains(last)
    {
        text = rest;
    }
    text
}

struct Check<'f, 's> {
    file: &'f File<'s>,
    /// From here on lines stand as they are: in heredocs, nothing is joined.
    bodies: u32,
    /// Whether backslashes may be off: between backticks the shell takes some before it reads what is left.
    unescaped: bool,
}

impl Check<'_, '_> {
    fn text(&self, span: Span) -> Vec<u8> {
        let source = self.file.source;
        if span.end < self.bodies {
            return joined(source, span, self.file.escape);
        }
        if span.start >= self.bodies {
            return span.of(source).to_vec();
        }
        // The line end between the line and its heredocs is one to the shell too.
        let line = joined(source, Span { start: span.start, end: self.bodies - 1 }, self.file.escape);
        let line = String::from_utf8_lossy(&line);
        let mut text = line.trim_end().as_bytes().to_vec();
        text.push(b'\n');
        text.extend_from_slice(Span { start: self.bodies, end: span.end }.of(source));
        text
    }

    /// `span` lies in `holder` and has `text`.
    fn piece(&self, what: &str, span: Span, text: &str, holder: Span) -> Result<(), String> {
        self.inside(what, span, holder)?;
        let found = self.text(span);
        let bare = |text: &[u8]| -> Vec<u8> { text.iter().copied().filter(|byte| *byte != b'\\').collect() };
        let same = found == text.as_bytes() || self.unescaped && bare(&found) == bare(text.as_bytes());
        if !same {
            let found = String::from_utf8_lossy(&found);
            return Err(format!("{what} {text:?} has {found:?} at {}..{}", span.start, span.end));
        }
        Ok(())
    }

    fn inside(&self, what: &str, span: Span, holder: Span) -> Result<(), String> {
        let boundary = |at: u32| self.file.source.get(at as usize).is_none_or(|byte| byte & 0xC0 != 0x80);
        if span.end < span.start || !holder.contains(span) {
            return Err(format!("{what} at {span:?} is not in {holder:?}"));
        }
        if !boundary(span.start) || !boundary(span.end) {
            return Err(format!("{what} at {span:?} cuts a character"));
        }
        Ok(())
    }

    fn instruction(&self, one: &Instruction<'_>, holder: Span) -> Result<(), String> {
        if one.opaque {
            // Without characters there are no boundaries of characters.
            return match holder.contains(one.span) && one.span.contains(one.keyword_span) {
                true => Ok(()),
                false => Err(format!("{:?} is not in {holder:?}", one.span)),
            };
        }
        self.inside("the instruction", one.span, holder)?;
        self.inside("the keyword", one.keyword_span, one.span)?;
        if Keyword::parse(&String::from_utf8_lossy(&self.text(one.keyword_span))) != Some(one.keyword) {
            return Err(format!("the keyword is not at {:?}", one.keyword_span));
        }
        let mut at = one.keyword_span.end;
        for flag in &one.flags {
            self.inside("a flag", flag.span, Span { start: at, end: one.span.end })?;
            at = flag.span.end;
            // Quotes and escapes are off in the value, and what is no ASCII is another character there.
            let bare = |text: &[u8]| -> Vec<u8> {
                let quotes = [b'"', b'\'', self.file.escape];
                text.iter().copied().filter(|byte| byte.is_ascii() && !quotes.contains(byte)).collect()
            };
            let value = flag.value.as_deref().map(|value| format!("={value}")).unwrap_or_default();
            let text = format!("--{}{value}", flag.name);
            if bare(&self.text(flag.span)) != bare(text.as_bytes()) {
                return Err(format!("the flag {text} is not at {:?}", flag.span));
            }
        }
        let args = one.args.source_span(0, one.args.text.len());
        self.piece("the text", args, &one.args.text, Span { start: at.min(args.start), end: one.span.end })?;
        self.words(one, args)?;
        for heredoc in &one.heredocs {
            if heredoc.body_span.of(self.file.source) != heredoc.body {
                return Err(format!("the heredoc {} is not at {:?}", heredoc.name, heredoc.body_span));
            }
            // Whole lines: what bytes they hold is nobody's business.
            let (body, terminator) = (heredoc.body_span, heredoc.terminator_span);
            if body.start < args.end || terminator.start < body.end || terminator.end > one.span.end {
                return Err(format!("the heredoc {} at {body:?} is out of order", heredoc.name));
            }
            let line = heredoc.terminator_span.of(self.file.source);
            let tabs = line.iter().take_while(|byte| **byte == b'\t' && heredoc.chomp).count();
            if line.get(tabs..) != Some(heredoc.name.as_bytes()) {
                return Err(format!("the terminator {} is not at {:?}", heredoc.name, heredoc.terminator_span));
            }
        }
        if let Some(inner) = &one.inner {
            self.instruction(inner, one.span)?;
        }
        Ok(())
    }

    fn words(&self, one: &Instruction<'_>, args: Span) -> Result<(), String> {
        if let Form::Json(elements) = &one.form {
            for (value, span) in elements {
                self.inside("an element", *span, args)?;
                let text = self.text(*span);
                if json_string(&String::from_utf8_lossy(&text)).as_ref() != Some(value) {
                    return Err(format!("the element {value:?} is not at {span:?}"));
                }
            }
            return Ok(());
        }
        let mut at = args.start;
        for word in one.words() {
            self.piece("the word", word.span, word.raw, Span { start: at, end: args.end })?;
            at = word.span.end;
        }
        if !matches!(one.keyword, Keyword::Env | Keyword::Arg | Keyword::Label) {
            return Ok(());
        }
        at = args.start;
        for pair in one.pairs(self.file.escape) {
            for word in std::iter::once(&pair.name).chain(&pair.value) {
                self.piece("the name or value", word.span, word.raw, Span { start: at, end: args.end })?;
                at = word.span.end;
            }
        }
        Ok(())
    }

    fn script(&self, script: &Script, holder: Span) -> Result<(), String> {
        let mut at = holder.start;
        for item in &script.items {
            let Item { node, span, operator_span, .. } = item;
            self.inside("a piece of a list", *span, Span { start: at, end: holder.end })?;
            self.node(node, *span)?;
            self.inside("an operator", *operator_span, Span { start: span.end, end: holder.end })?;
            at = operator_span.end;
        }
        Ok(())
    }

    fn node(&self, node: &Node, holder: Span) -> Result<(), String> {
        match node {
            Node::Command(command) => self.command(command, holder),
            Node::Pipeline(nodes) => nodes.iter().try_for_each(|node| self.node(node, holder)),
            Node::Compound(compound) => self.compound(compound, holder),
            Node::Test(span) => self.inside("a test", *span, holder),
        }
    }

    fn command(&self, command: &Command, holder: Span) -> Result<(), String> {
        self.inside("a command", command.span, holder)?;
        for words in [&command.assignments, &command.words] {
            let mut at = command.span.start;
            for word in words {
                self.word(word, Span { start: at, end: command.span.end })?;
                at = word.span.end;
            }
        }
        command.redirects.iter().try_for_each(|redirect| self.redirect(redirect, command.span))
    }

    fn compound(&self, compound: &Compound, holder: Span) -> Result<(), String> {
        self.inside("a compound command", compound.span, holder)?;
        let span = compound.span;
        compound.words.iter().try_for_each(|word| self.word(word, span))?;
        compound.bodies.iter().try_for_each(|body| self.script(body, span))?;
        compound.redirects.iter().try_for_each(|redirect| self.redirect(redirect, span))
    }

    fn redirect(&self, redirect: &Redirect, holder: Span) -> Result<(), String> {
        self.inside("a redirection", redirect.span, holder)?;
        self.word(&redirect.target, redirect.span)
    }

    fn word(&self, word: &Word, holder: Span) -> Result<(), String> {
        self.piece("the shell word", word.span, &word.raw, holder)?;
        let unescaped = self.unescaped || word.raw.contains('`') && word.raw.contains('\\');
        let inside = Self { unescaped, ..*self };
        word.substitutions.iter().try_for_each(|script| inside.script(script, word.span))
    }
}
