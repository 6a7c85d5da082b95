//! Editing in the file's own hand: where an instruction stands with what belongs to it, and how a new one is written.
//!
//! Everything here answers with byte ranges and [`Edit`]s; nothing is printed from a tree. A comment belongs to the
//! instruction, or to the command, that it stands right above.

mod accounts;
mod commands;

pub use accounts::Account;
pub use commands::{append_command, comments_above, move_command, remove_command, split_run};

use std::ops::Range;

use crate::edit::Edit;
use crate::span::Span;
use crate::syntax::{File, TileKind};

/// A RUN longer than this is broken at its commands.
const WIDTH: usize = 110;

/// A word as a shell reads it back: in single quotes, unless it is all letters, digits and what is `plain` beside them.
pub fn shell_word(word: &str, plain: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || plain.contains(c)) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// How a stage of a file is written, and where its instructions stand.
pub struct Layout<'f, 's> {
    file: &'f File<'s>,
    /// The tile of each instruction of the file.
    tiles: Vec<usize>,
    /// Whether keywords are in lower case.
    lower: bool,
    /// Whether every instruction of the stage stands apart by blank lines.
    airy: bool,
}

impl<'f, 's> Layout<'f, 's> {
    /// The layout of the stage whose FROM is instruction `from` and whose other instructions are `body`.
    pub fn new(file: &'f File<'s>, from: usize, body: Range<usize>) -> Self {
        let mut tiles = vec![0; file.instructions.len()];
        let (mut inside, mut apart, mut blank) = (0usize, 0usize, false);
        for (at, tile) in file.tiles.iter().enumerate() {
            match tile.kind {
                TileKind::Instruction(index) => {
                    let index = index as usize;
                    if let Some(slot) = tiles.get_mut(index) {
                        *slot = at;
                    }
                    if body.contains(&index) {
                        inside += 1;
                        apart += usize::from(blank);
                    }
                    blank = false;
                }
                TileKind::Blank => blank = true,
                _ => {}
            }
        }
        let keyword = file.instructions.get(from).map(|from| from.keyword_span.text(file.source));
        let lower = keyword.is_some_and(|keyword| keyword.bytes().all(|byte| byte.is_ascii_lowercase()));
        Self { file, tiles, lower, airy: inside > 1 && apart == inside }
    }

    /// The line ending of the file.
    pub fn eol(&self) -> &'static str {
        self.file.eol.text()
    }

    /// A keyword in the case of the file.
    pub fn keyword(&self, name: &str) -> String {
        if self.lower { name.to_ascii_lowercase() } else { name.to_owned() }
    }

    /// A whole line: `keyword` in the case of the file, what follows it, and the line ending.
    pub fn line(&self, keyword: &str, rest: &str) -> String {
        format!("{} {rest}{}", self.keyword(keyword), self.eol())
    }

    /// A RUN of these commands, without a line ending at its end; too long for a line, each command has its own.
    pub fn run(&self, commands: &[String]) -> String {
        let keyword = self.keyword("RUN");
        let one = format!("{keyword} {}", commands.join(" && "));
        if one.len() <= WIDTH {
            return one;
        }
        format!("{keyword} {}", commands.join(&self.joint()))
    }

    /// What stands between two commands that have a line each.
    fn joint(&self) -> String {
        format!(" {}{}    && ", char::from(self.file.escape), self.eol())
    }

    /// The bytes of an instruction, from the start of its first line to the end of its last one, line ending included.
    pub fn tile(&self, index: usize) -> Span {
        let tile = self.tiles.get(index).and_then(|at| self.file.tiles.get(*at));
        tile.map(|tile| tile.span).unwrap_or_default()
    }

    /// The comment lines right above an instruction, and the instruction.
    pub fn with_comments(&self, index: usize) -> Span {
        let tiles = &self.file.tiles;
        let own = self.tiles.get(index).copied().unwrap_or_default();
        let above = tiles.get(..own).unwrap_or_default().iter().rev();
        let first = above.take_while(|tile| tile.kind == TileKind::Comment).last();
        let span = self.tile(index);
        first.map_or(span, |first| first.span.to(span))
    }

    /// The text at `span` as it is written, with a line ending at its end.
    ///
    /// As bytes: a comment may be written in any encoding.
    pub fn text(&self, span: Span) -> Vec<u8> {
        let mut text = span.of(self.file.source).to_vec();
        if !text.ends_with(b"\n") {
            text.extend_from_slice(self.eol().as_bytes());
        }
        text
    }

    /// Puts `text`, which has no line ending at its end, before an instruction, above the comments that belong to it.
    pub fn insert_before(&self, index: usize, text: impl AsRef<[u8]>) -> Edit {
        let gap = if self.airy { self.eol() } else { "" };
        let start = self.with_comments(index).start as usize;
        Edit::insert(start, [text.as_ref(), self.eol().as_bytes(), gap.as_bytes()].concat())
    }

    /// Puts `text`, which has no line ending at its end, behind an instruction. What ends the file in the air would take
    /// the new lines into itself, so it goes.
    pub fn insert_after(&self, index: usize, text: impl AsRef<[u8]>) -> Vec<Edit> {
        let gap = if self.airy { self.eol().as_bytes() } else { b"" };
        let (end, eol) = (self.end(index), self.eol().as_bytes());
        let insert = match self.ends_line(end) {
            true => Edit::insert(end, [gap, text.as_ref(), eol].concat()),
            false => Edit::insert(end, [eol, gap, text.as_ref()].concat()),
        };
        let dangling = self.file.instructions.get(index).and_then(|one| one.dangling);
        [insert].into_iter().chain(dangling.map(Edit::delete)).collect()
    }

    /// Where a line behind an instruction goes: behind its last line, or at the end of a last line that does not end;
    /// before a carriage return there, which would become half of a line ending.
    pub fn end(&self, index: usize) -> usize {
        let span = self.tile(index);
        let end = span.end as usize;
        if self.ends_line(end) {
            return end;
        }
        end - span.of(self.file.source).iter().rev().take_while(|byte| **byte == b'\r').count()
    }

    /// Whether the byte before `at` ends a line.
    pub fn ends_line(&self, at: usize) -> bool {
        self.file.source.get(..at).is_some_and(|before| before.ends_with(b"\n"))
    }

    /// Deletes instructions: with `comments`, the comment lines right above each go too. Of two blank lines that would
    /// meet, the second goes.
    pub fn delete(&self, instructions: impl IntoIterator<Item = usize>, comments: bool) -> Vec<Edit> {
        let tiles = &self.file.tiles;
        let mut gone = vec![false; tiles.len()];
        for index in instructions {
            let span = if comments { self.with_comments(index) } else { self.tile(index) };
            let first = tiles.partition_point(|tile| tile.span.start < span.start);
            for (slot, tile) in gone.iter_mut().zip(tiles).skip(first) {
                if tile.span.end > span.end {
                    break;
                }
                *slot = true;
            }
        }
        let (mut blank_before, mut after_gone) = (false, false);
        for (slot, tile) in gone.iter_mut().zip(tiles) {
            if *slot {
                after_gone = true;
                continue;
            }
            let blank = tile.kind == TileKind::Blank;
            if blank && blank_before && after_gone {
                *slot = true;
                continue;
            }
            blank_before = blank;
            after_gone = false;
        }
        let mut spans: Vec<Span> = Vec::new();
        for (_, tile) in gone.iter().zip(tiles).filter(|(gone, _)| **gone) {
            match spans.last_mut() {
                Some(last) if last.end == tile.span.start => last.end = tile.span.end,
                _ => spans.push(tile.span),
            }
        }
        spans.into_iter().map(Edit::delete).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::EditSet;

    /// The source with the edits that `make` asks for, which must be read again.
    fn edited(source: &str, make: impl Fn(&Layout<'_, '_>) -> Vec<Edit>) -> String {
        let file = File::parse(source.as_bytes()).unwrap();
        let edits = EditSet::new(make(&Layout::new(&file, 0, 1..file.instructions.len()))).unwrap();
        let after = edits.apply(source.as_bytes());
        File::parse(&after).unwrap_or_else(|error| panic!("{}: {}", after.escape_ascii(), error.message));
        String::from_utf8(after).unwrap()
    }

    #[test]
    fn a_line_is_put_before_an_instruction_above_its_comments() {
        let put = |layout: &Layout<'_, '_>| vec![layout.insert_before(1, layout.run(&["x".into()]))];
        assert_eq!(edited("FROM a\n# b\nCMD c\n", put), "FROM a\nRUN x\n# b\nCMD c\n");
        assert_eq!(edited("from a\r\n\r\ncmd c", put), "from a\r\n\r\nrun x\r\ncmd c");
        assert_eq!(edited("FROM a\n\nCMD c\n\n# d\nCMD e\n", put), "FROM a\n\nRUN x\n\nCMD c\n\n# d\nCMD e\n");
    }

    #[test]
    fn a_line_is_put_behind_an_instruction_whatever_ends_it() {
        let put = |layout: &Layout<'_, '_>| layout.insert_after(1, "USER x");
        assert_eq!(edited("FROM a\nRUN b \\\n # c\n d\nCMD e\n", put), "FROM a\nRUN b \\\n # c\n d\nUSER x\nCMD e\n");
        assert_eq!(edited("FROM a\nRUN <<E\nb\nE\nCMD c", put), "FROM a\nRUN <<E\nb\nE\nUSER x\nCMD c");
        assert_eq!(edited("FROM a\nRUN <<E\nb\nE", put), "FROM a\nRUN <<E\nb\nE\nUSER x");
        assert_eq!(edited("FROM a\r\nRUN b", put), "FROM a\r\nRUN b\r\nUSER x");
        assert_eq!(edited("FROM a\nRUN b\r", put), "FROM a\nRUN b\nUSER x\r");
        // What hangs in the air would join the new line.
        assert_eq!(edited("FROM a\nRUN b \\", put), "FROM a\nRUN b \nUSER x");
        assert_eq!(edited("FROM a\nRUN b \\\n\n", put), "FROM a\nRUN b \n\nUSER x\n");
        assert_eq!(edited("# escape=`\nFROM a\nRUN b `\n", put), "# escape=`\nFROM a\nRUN b \nUSER x\n");
    }

    #[test]
    fn an_instruction_goes_with_or_without_its_comments() {
        let source = "FROM a\n\n# b\n# c\nRUN d \\\n # e\n f\n\nCMD g\n";
        assert_eq!(edited(source, |layout| layout.delete([1], true)), "FROM a\n\nCMD g\n");
        assert_eq!(edited(source, |layout| layout.delete([1], false)), "FROM a\n\n# b\n# c\n\nCMD g\n");
        assert_eq!(edited("FROM a\r\nCOPY <<E /b\r\nc\r\nE\r\nCMD d", |l| l.delete([1], true)), "FROM a\r\nCMD d");
        assert_eq!(edited("FROM a\nRUN b\nRUN c\nCMD d\n", |l| l.delete([2, 1], true)), "FROM a\nCMD d\n");
    }

    #[test]
    fn a_long_run_has_a_line_for_each_command() {
        let source = "# escape=`\r\nFROM a\r\n";
        let file = File::parse(source.as_bytes()).unwrap();
        let layout = Layout::new(&file, 0, 1..1);
        let long = "x".repeat(WIDTH / 2);
        assert_eq!(layout.run(&[long.clone(), long.clone()]), format!("RUN {long} `\r\n    && {long}"));
        assert_eq!(layout.line("USER", "b"), "USER b\r\n");
    }
}
