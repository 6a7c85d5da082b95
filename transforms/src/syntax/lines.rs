//! The splitter: BuildKit's rules for lines, continuations, comments, directives and heredocs.

use std::borrow::Cow;

use memchr::memchr;

use super::instruction::{self, Heredoc, Instruction, Keyword, Logical};
use super::{Eol, File, ParseError, Tile, TileKind, shell, words};
use crate::span::Span;

/// BuildKit reads lines into a buffer of this size; a longer one is an error there and here.
const MAX_LINE: usize = 65_535;

/// The scripts of a file that is shorter can't cost too much.
const CHEAP: usize = 16 << 10;

/// Parser directives that BuildKit knows.
const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];

/// Reads a whole file.
pub(super) fn parse(source: &[u8]) -> Result<File<'_>, ParseError> {
    if u32::try_from(source.len()).is_err() {
        return Err(ParseError { line: 0, message: "the file is larger than four gibibytes".into() });
    }
    Splitter::new(source).run()
}

/// Reads lines from behind the first FROM of a file whose escape character is `escape`.
pub(super) fn parse_part(source: &[u8], escape: u8) -> Result<Vec<Instruction<'_>>, ParseError> {
    let mut splitter = Splitter { escape, ..Splitter::new(source) };
    splitter.lines(Directives { done: true, ..Directives::default() })?;
    Ok(splitter.instructions)
}

/// A physical line: where it starts, where its content ends, where the next one starts.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    content_end: usize,
    next: usize,
}

struct Splitter<'s> {
    source: &'s [u8],
    /// The same as text, where all of it is.
    text: Option<&'s str>,
    at: usize,
    line: u32,
    escape: u8,
    tiles: Vec<Tile>,
    instructions: Vec<Instruction<'s>>,
    /// The lines of the instruction under way: one buffer for all of them.
    pieces: Vec<(usize, usize)>,
    crlf: usize,
    lf: usize,
    /// What the scripts so far cost.
    cost: u64,
}

impl<'s> Splitter<'s> {
    fn new(source: &'s [u8]) -> Self {
        let lines = memchr::memchr_iter(b'\n', source).count() + 1;
        Self {
            source,
            text: std::str::from_utf8(source).ok(),
            at: 0,
            line: 0,
            escape: b'\\',
            tiles: Vec::with_capacity(lines),
            // Of three lines, one begins an instruction. A file of many more is none that a person writes.
            instructions: Vec::with_capacity((lines / 3 + 1).min(64)),
            pieces: Vec::new(),
            crlf: 0,
            lf: 0,
            cost: 0,
        }
    }

    fn error<T>(line: u32, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { line, message: message.into() })
    }

    /// Takes the next physical line; `None` at the end of the file.
    fn next_line(&mut self) -> Result<Option<Line>, ParseError> {
        if self.at >= self.source.len() {
            return Ok(None);
        }
        let start = self.at;
        let rest = self.source.get(start..).unwrap_or_default();
        let length = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        self.line += 1;
        if length > MAX_LINE {
            return Self::error(self.line, format!("the line is longer than {MAX_LINE} bytes, which BuildKit refuses"));
        }
        let bytes = rest.get(..length).unwrap_or_default();
        let mut content = bytes.len();
        while content > 0 && matches!(bytes.get(content - 1), Some(b'\n' | b'\r')) {
            content -= 1;
        }
        if bytes.ends_with(b"\r\n") {
            self.crlf += 1;
        } else if bytes.ends_with(b"\n") {
            self.lf += 1;
        }
        self.at = start + length;
        Ok(Some(Line { start, content_end: start + content, next: self.at }))
    }

    fn run(mut self) -> Result<File<'s>, ParseError> {
        if self.source.starts_with(b"\xEF\xBB\xBF") {
            self.tile(TileKind::Bom, 0, 3);
            self.at = 3;
        }
        self.lines(Directives::default())?;
        if self.instructions.is_empty() {
            return Self::error(0, "file with no instructions");
        }
        let first = self.instructions.iter().find(|instruction| instruction.keyword != Keyword::Arg);
        match first {
            Some(instruction) if instruction.keyword != Keyword::From => {
                return Self::error(
                    instruction.lines.0,
                    "no build stage in current context (there is no FROM before it)",
                );
            }
            None => return Self::error(0, "no FROM: there is no stage to build"),
            _ => {}
        }
        let eol = if self.crlf > self.lf { Eol::CrLf } else { Eol::Lf };
        Ok(File { source: self.source, tiles: self.tiles, instructions: self.instructions, escape: self.escape, eol })
    }

    /// Reads the lines that are left.
    fn lines(&mut self, mut directives: Directives) -> Result<(), ParseError> {
        while let Some(line) = self.next_line()? {
            let content = self.source.get(line.start..line.content_end).unwrap_or_default();
            let lead = leading_space(content);
            let text = content.get(lead..).unwrap_or_default();
            if let Some((name, value)) = directives.read(text, self.line)? {
                if name == "escape" {
                    self.escape = match value {
                        b"\\" => b'\\',
                        b"`" => b'`',
                        other => {
                            let shown = String::from_utf8_lossy(other);
                            return Self::error(
                                self.line,
                                format!("invalid escape token '{shown}' does not match ` or \\"),
                            );
                        }
                    };
                }
                self.tile(TileKind::Directive, line.start, line.next);
            } else if text.starts_with(b"#") {
                self.tile(TileKind::Comment, line.start, line.next);
            } else if text.is_empty() {
                self.tile(TileKind::Blank, line.start, line.next);
            } else {
                self.instruction(line, line.start + lead)?;
            }
        }
        Ok(())
    }

    fn tile(&mut self, kind: TileKind, start: usize, end: usize) {
        self.tiles.push(Tile { kind, span: Span::new(start, end) });
    }

    /// Reads an instruction whose first line is `first` and whose first byte that is not white space is at `start`.
    fn instruction(&mut self, first: Line, start: usize) -> Result<(), ParseError> {
        let first_number = self.line;
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.clear();
        let (mut end, mut more) = self.continuation(start, first.content_end);
        pieces.push((start, end));
        let mut last = first;
        while more {
            let Some(line) = self.next_line()? else { break };
            last = line;
            let content = self.source.get(line.start..line.content_end).unwrap_or_default();
            let text = content.get(leading_space(content)..).unwrap_or_default();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            (end, more) = self.continuation(line.start, line.content_end);
            pieces.push((line.start, end));
        }
        let (start_of_end, hangs) = if more { self.dangling(&pieces) } else { (end, false) };
        let dangling = more.then(|| Span::new(start_of_end, end + 1));
        let (logical, opaque) = join(self.source, self.text, &pieces);
        self.pieces = pieces;
        // BuildKit looks for heredocs in the whole line, keyword and flags included.
        let opens = |text: &[u8]| memchr::memchr_iter(b'<', text).any(|at| text.get(at + 1) == Some(&b'<'));
        let line = opens(logical.text.as_bytes()).then(|| logical.text.clone());
        let mut instruction = instruction::read(self.source, logical, self.escape, first_number, opaque)?;

        let mut instruction_end = instruction.span.end as usize;
        if let Some(line) = line.filter(|_| may_hold_heredocs(&instruction)) {
            let openers = match words::heredoc_openers(&line) {
                Ok(openers) => openers,
                Err(message) => return Self::error(first_number, message),
            };
            for opener in openers {
                let heredoc = self.heredoc(opener, first_number)?;
                instruction_end = heredoc.terminator_span.end as usize;
                last = Line { start: last.start, content_end: last.content_end, next: self.at };
                let holder = match &mut instruction.inner {
                    Some(inner) => inner.as_mut(),
                    None => &mut instruction,
                };
                holder.heredocs.push(heredoc);
            }
            if let Some(inner) = &mut instruction.inner {
                inner.span.end = u32::try_from(instruction_end).unwrap_or(u32::MAX);
            }
        }
        instruction.span = Span::new(instruction.span.start as usize, instruction_end);
        instruction.lines = (first_number, self.line);
        instruction.dangling = dangling;
        instruction.hangs = hangs;
        if let Some(inner) = &mut instruction.inner {
            inner.lines = instruction.lines;
        }
        if let Err(message) = instruction.check(self.escape) {
            return Self::error(first_number, message);
        }
        if self.source.len() > CHEAP {
            self.charge(&mut instruction);
        }
        let index = u32::try_from(self.instructions.len()).unwrap_or(u32::MAX);
        self.tile(TileKind::Instruction(index), first.start, last.next);
        self.instructions.push(instruction);
        Ok(())
    }

    /// Where the end of an instruction begins that joins nothing: the last escape character, with those on lines of their
    /// own above it. Also whether what is left hangs in the air again: without the last escape character, one that stands
    /// before it on its line is the last.
    fn dangling(&self, pieces: &[(usize, usize)]) -> (usize, bool) {
        let mut at = 0;
        for (start, end) in pieces.iter().rev() {
            let piece = self.source.get(*start..*end).unwrap_or_default();
            // A carriage return would become half of a line ending.
            at = *end - piece.iter().rev().take_while(|byte| **byte == b'\r').count();
            if self.continuation(*start, at).1 {
                return (at, true);
            }
            if leading_space(piece) < piece.len() {
                break;
            }
        }
        (at, false)
    }

    /// Adds what the script of an instruction costs; one too many is left unread.
    fn charge(&mut self, instruction: &mut Instruction<'s>) {
        let holder = match &mut instruction.inner {
            Some(inner) => inner.as_mut(),
            None => instruction,
        };
        if !matches!(holder.keyword, Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck) {
            return;
        }
        let bodies = holder.heredocs.iter().map(|heredoc| std::str::from_utf8(heredoc.body).unwrap_or_default());
        self.cost += bodies.chain([holder.args.text.as_ref()]).map(shell::cost).sum::<u64>();
        holder.dear = self.cost > shell::MAX_COST;
    }

    /// Where the text of a line ends and whether the next line belongs to it: the escape character, then nothing but
    /// blanks, not preceded by another escape character.
    fn continuation(&self, start: usize, end: usize) -> (usize, bool) {
        let text = self.source.get(start..end).unwrap_or_default();
        let trimmed = text.len() - text.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match trimmed.checked_sub(1) {
            Some(at) if text.get(at) == Some(&self.escape) => {
                if at > 0 && text.get(at - 1) == Some(&self.escape) {
                    (end, false)
                } else {
                    (start + at, true)
                }
            }
            _ => (end, false),
        }
    }

    /// Takes the lines of a heredoc up to its terminator.
    fn heredoc(&mut self, opener: words::Opener, first_number: u32) -> Result<Heredoc<'s>, ParseError> {
        let body_start = self.at;
        let name = opener.name.as_bytes();
        while let Some(line) = self.next_line()? {
            let mut text_start = line.start;
            if opener.chomp {
                while text_start < line.content_end && self.source.get(text_start) == Some(&b'\t') {
                    text_start += 1;
                }
            }
            if self.source.get(text_start..line.content_end) == Some(name) {
                let body_span = Span::new(body_start, line.start);
                return Ok(Heredoc {
                    name: opener.name,
                    fd: opener.fd,
                    expand: opener.expand,
                    chomp: opener.chomp,
                    body: body_span.of(self.source),
                    body_span,
                    terminator_span: Span::new(line.start, line.content_end),
                });
            }
        }
        Self::error(first_number, format!("unterminated heredoc: no line holds only {}", opener.name))
    }
}

/// Whether `<<` may open heredocs in an instruction.
fn may_hold_heredocs(instruction: &Instruction<'_>) -> bool {
    let holder = instruction.inner.as_deref().unwrap_or(instruction);
    matches!(holder.keyword, Keyword::Run | Keyword::Copy | Keyword::Add) && holder.form == instruction::Form::Text
}

/// Joins the pieces of a logical line. The text is borrowed where it is one piece of UTF-8; bytes that are not UTF-8
/// are replaced, and the instruction is then opaque. `whole` is the source as text, where all of it is.
fn join<'s>(source: &'s [u8], whole: Option<&'s str>, pieces: &[(usize, usize)]) -> (Logical<'s>, bool) {
    let run = |text: usize, at: usize| (u32::try_from(text).unwrap_or(u32::MAX), u32::try_from(at).unwrap_or(u32::MAX));
    if let [(start, end)] = pieces
        && let Some(text) = match whole {
            Some(whole) => whole.get(*start..*end),
            None => source.get(*start..*end).and_then(|piece| std::str::from_utf8(piece).ok()),
        }
    {
        return (Logical { text: Cow::Borrowed(text), runs: vec![run(0, *start)] }, false);
    }
    if let Some(whole) = whole {
        let mut text = String::with_capacity(pieces.iter().map(|(start, end)| end - start).sum());
        let mut runs = Vec::with_capacity(pieces.len());
        for (start, end) in pieces {
            runs.push(run(text.len(), *start));
            text.push_str(whole.get(*start..*end).unwrap_or_default());
        }
        return (Logical { text: Cow::Owned(text), runs }, false);
    }
    let mut bytes = Vec::with_capacity(pieces.iter().map(|(start, end)| end - start).sum());
    let mut runs = Vec::with_capacity(pieces.len());
    let mut all = true;
    for (start, end) in pieces {
        let piece = source.get(*start..*end).unwrap_or_default();
        runs.push(run(bytes.len(), *start));
        bytes.extend_from_slice(piece);
        all &= std::str::from_utf8(piece).is_ok();
    }
    match String::from_utf8(bytes) {
        // A character may be cut in two by a continuation: then there is no looking into it either.
        Ok(text) => (Logical { text: Cow::Owned(text), runs }, !all),
        Err(error) => (replace(error.as_bytes(), &Logical { text: Cow::Borrowed(""), runs }), true),
    }
}

/// Text in which every byte that is no character is replaced, as BuildKit prints it. `map` says where the bytes stand.
fn replace(bytes: &[u8], map: &Logical<'_>) -> Logical<'static> {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut text = String::with_capacity(bytes.len());
    let mut runs = Vec::with_capacity(map.runs.len());
    let mut pieces = map.runs.iter().peekable();
    let mut at = 0;
    // How far the source is ahead of the joined bytes, in the piece that holds them.
    let mut ahead = 0;
    for chunk in bytes.utf8_chunks() {
        let end = at + chunk.valid().len();
        runs.push((offset(text.len()), offset(at) + ahead));
        while let Some((piece, source)) = pieces.next_if(|(piece, _)| (*piece as usize) < end) {
            ahead = source - piece;
            runs.push((offset(text.len() + (*piece as usize).saturating_sub(at)), *source));
        }
        text.push_str(chunk.valid());
        at = end;
        for _ in chunk.invalid() {
            while let Some((piece, source)) = pieces.next_if(|(piece, _)| *piece as usize <= at) {
                ahead = source - piece;
            }
            let first = text.len();
            text.push(char::REPLACEMENT_CHARACTER);
            // Each byte of the replacement stands where the one byte that it replaces does.
            runs.extend((first..text.len()).map(|byte| (offset(byte), offset(at) + ahead)));
            at += 1;
        }
    }
    Logical { text: Cow::Owned(text), runs }
}

/// The length of the white space (as Unicode has it) at the start of a line.
fn leading_space(line: &[u8]) -> usize {
    let ascii = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')).count();
    match line.get(ascii) {
        Some(byte) if !byte.is_ascii() => {
            let text = line.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            text.len() - text.trim_start().len()
        }
        _ => ascii,
    }
}

/// The state of reading parser directives: they stand at the very top, each once.
#[derive(Default)]
struct Directives {
    done: bool,
    seen: Vec<&'static str>,
}

impl Directives {
    /// Reads one line, white space at its start taken off.
    fn read<'l>(&mut self, line: &'l [u8], number: u32) -> Result<Option<(&'static str, &'l [u8])>, ParseError> {
        if self.done {
            return Ok(None);
        }
        let Some((name, value)) = directive(line) else {
            self.done = true;
            return Ok(None);
        };
        if self.seen.contains(&name) {
            return Err(ParseError { line: number, message: format!("only one {name} parser directive can be used") });
        }
        self.seen.push(name);
        Ok(Some((name, value)))
    }
}

/// `# name = value` with a name that BuildKit knows.
fn directive(line: &[u8]) -> Option<(&'static str, &[u8])> {
    let text = line.strip_prefix(b"#")?;
    let text = text.get(leading_space(text)..)?;
    let equals = memchr(b'=', text)?;
    let name = text.get(..equals)?.trim_ascii_end();
    let known = DIRECTIVES.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
    let rest = text.get(equals + 1..)?;
    let value = match rest.trim_ascii() {
        // There has to be something, and where nothing but white space is, the last of it is the value.
        [] => rest.get(rest.len().checked_sub(1)?..)?,
        value => value,
    };
    Some((known, value))
}
