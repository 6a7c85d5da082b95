//! A stage that stands on another of the file, where the other has what things are built with: split as if it held the
//! instructions of both, with the stage below left as it is for all that stand on it.
//!
//! ```dockerfile
//! FROM ruby:3.3 AS base                    FROM ruby:3.3 AS base
//! RUN apt-get install -y libpq-dev         RUN apt-get install -y libpq-dev
//! FROM base AS production             →    FROM base AS builder
//! RUN bundle install                       RUN bundle install
//! CMD ["puma"]                             FROM ruby:3.3-slim AS production …
//! ```
//!
//! The file with the two joined is planned and checked as every other, and what changes in it is done to the real one.

use std::ops::Range;

use crate::edit::{Edit, EditSet};
use crate::model::{Base, Model, Stage};
use crate::span::Span;
use crate::surgery::Layout;
use crate::syntax::{Keyword, words};
use crate::transform::Fix;

use super::emit;

/// The split of `stage`, which stands on another; `None` where it stands on an image, or can't be split so.
pub(super) fn fix<'m>(model: &'m Model<'m>, stage: &'m Stage) -> Option<Fix> {
    let joined = Joined::new(model, stage)?;
    let flat = model.later(joined.source.clone()).ok()?;
    let fix = super::split(flat, flat.shipped()?, true).ok()?;
    joined.back(model, stage, flat, fix)
}

/// The file with the stages below in the one that stands on them.
struct Joined<'s> {
    source: Vec<u8>,
    /// The parts of it, in order.
    parts: Vec<Part>,
    /// The stages below, the one on the image first.
    below: Vec<&'s Stage>,
    /// Whether something is left out that the shipped stage says anew.
    shortened: bool,
}

/// A range of the joined file that is, byte for byte, one of the real file from `real` on.
struct Part {
    range: Range<usize>,
    real: usize,
    role: Role,
}

/// What a part of the joined file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What stands before the shipped stage, and stays.
    Before,
    /// The first line of the shipped stage, which names an image here and a stage there.
    From,
    /// The instructions of a stage below, by its place among them.
    Below(usize),
    /// The instructions of the shipped stage.
    Own,
}

/// Where the new stage goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Into the shipped stage, the first part of which is the builder.
    Own,
    /// Into a stage below, which nothing else stands on, by its place among them.
    Below(usize),
    /// Between the stage right below, which is the builder and stays as it is, and what the shipped stage says itself.
    Between,
}

impl<'s> Joined<'s> {
    fn new(model: &'s Model<'_>, stage: &Stage) -> Option<Self> {
        let mut below: Vec<&Stage> = model.below(stage).collect();
        below.reverse();
        let root = *below.first()?;
        if !matches!(root.base, Base::Image { .. }) || stage.platform.is_some() || !same_meaning(model, stage, &below) {
            return None;
        }
        let layout = layout_of(model, stage);
        let source = model.file.source;
        let (head, foot) = (model.instruction(stage.from)?.from()?, model.instruction(root.from)?.from()?);
        let mut joined = Self { source: Vec::new(), parts: Vec::new(), below, shortened: false };
        let tile = layout.tile(stage.from).range();
        joined.put(source, 0..tile.start, Role::Before)?;
        let start = joined.source.len();
        joined.source.extend_from_slice(source.get(layout.tile(root.from).range().start..foot.image.span.range().end)?);
        joined.source.extend_from_slice(source.get(head.image.span.range().end..layout.end(stage.from))?);
        joined.parts.push(Part { range: start..joined.source.len(), real: tile.start, role: Role::From });
        joined.end_line(layout.eol());
        for (place, other) in joined.below.clone().into_iter().enumerate() {
            let mut from = layout.end(other.from);
            let Some(last) = other.body.clone().next_back() else { continue };
            for (index, instruction) in model.body(other) {
                if anew(model, instruction.keyword, joined.below.get(place + 1..)?, stage) {
                    joined.put(source, from..layout.tile(index).range().start, Role::Below(place))?;
                    from = layout.end(index);
                    joined.shortened = true;
                }
            }
            joined.put(source, from..layout.end(last), Role::Below(place))?;
            joined.end_line(layout.eol());
        }
        joined.put(source, layout.end(stage.from)..source.len(), Role::Own)?;
        Some(joined)
    }

    fn put(&mut self, source: &[u8], range: Range<usize>, role: Role) -> Option<()> {
        let (start, real) = (self.source.len(), range.start);
        self.source.extend_from_slice(source.get(range)?);
        self.parts.push(Part { range: start..self.source.len(), real, role });
        Some(())
    }

    fn end_line(&mut self, eol: &str) {
        if !self.source.ends_with(b"\n") {
            self.source.extend_from_slice(eol.as_bytes());
        }
    }

    /// The part that holds all of a range; what lies at the border of two is of the later one.
    fn part(&self, span: Span) -> Option<&Part> {
        let Range { start, end } = span.range();
        self.parts.iter().rev().find(|part| part.range.start <= start).filter(|part| end <= part.range.end)
    }

    /// The part in or right behind which a new stage goes: it follows the line that builds last.
    fn part_before(&self, at: usize) -> Option<&Part> {
        self.parts.iter().find(|part| part.range.start < at && at <= part.range.end)
    }

    /// An edit of the joined file as one of the real file.
    fn shifted(&self, edit: &Edit) -> Option<Edit> {
        let part = self.part(edit.span)?;
        moved(edit, part.range.start, part.real)
    }

    /// The fix of the joined file as one of the real file.
    fn back<'m>(&self, model: &'m Model<'m>, stage: &Stage, flat: &Model<'_>, mut fix: Fix) -> Option<Fix> {
        let new = fix.edits.iter().find(|edit| edit.span.is_empty() && starts_stage(&edit.text))?;
        let place = match self.part_before(new.span.range().start)?.role {
            Role::Own => Place::Own,
            Role::Below(place) if self.alone(model, stage, place) => Place::Below(place),
            Role::Below(_) => Place::Between,
            Role::From | Role::Before => return None,
        };
        let mut checked = fix.edits.apply(&self.source);
        let edits = match place {
            Place::Between => {
                let (builder, below) = (emit::free_name(flat), self.below.last()?.name.as_deref()?);
                checked = renamed(&checked, &builder, below);
                self.between(model, stage, &fix, new, [&builder, below])?
            }
            Place::Own => self.inside(model, stage, &fix, new, None)?,
            Place::Below(place) => self.inside(model, self.below.get(place)?, &fix, new, Some((place, stage)))?,
        };
        let edits = EditSet::new(edits).ok()?;
        // What ships has to read as what was checked.
        let read = |source: Vec<u8>| model.later(source).ok().and_then(shipped);
        if read(checked)? != read(edits.apply(model.file.source))? {
            return None;
        }
        fix.claim = Span {
            start: edits.span().start.min(layout_of(model, stage).tile(stage.from).start),
            end: u32::try_from(model.file.source.len()).ok()?,
        };
        fix.edits = edits;
        for decision in &mut fix.decisions {
            decision.line = decision.line.and_then(|line| {
                let instruction = flat.file.instructions.iter().find(|instruction| instruction.lines.0 == line)?;
                let part = self.part(instruction.span)?;
                let at = part.real + instruction.span.range().start.checked_sub(part.range.start)?;
                Some(model.file.line_of(u32::try_from(at).ok()?))
            });
        }
        Some(fix)
    }

    /// Whether only the shipped stage stands on this one and on those above it, and none of them is asked for by its name or
    /// by a number that would be another one.
    fn alone(&self, model: &Model<'_>, stage: &Stage, place: usize) -> bool {
        let Some(above) = self.below.get(place..) else { return false };
        let ours =
            |index: usize| model.stages.get(index).is_some_and(|base| above.iter().any(|one| one.from == base.from));
        let of_ours = |other: &&Stage| matches!(other.base, Base::Stage(index) if ours(index));
        let asked = |text: &str| {
            let text = text.to_ascii_lowercase();
            let names = above.iter().filter_map(|one| one.name.as_deref()).map(str::to_ascii_lowercase);
            let mut names = names.chain((0..10).map(|number| number.to_string()));
            names.any(|name| text.contains(&format!("from={name}")))
        };
        !self.shortened
            && model.stages.iter().filter(of_ours).count() == above.len()
            && model.stages.last().is_some_and(|last| last.from == stage.from)
            && !model
                .file
                .instructions
                .iter()
                .any(|instruction| asked(&String::from_utf8_lossy(instruction.span.of(model.file.source))))
    }

    /// The edits where the builder is the first part of `stage`: the shipped one, or the one below at this place, which then
    /// ends with the instructions of the shipped one.
    fn inside(
        &self,
        model: &Model<'_>,
        stage: &Stage,
        fix: &Fix,
        new: &Edit,
        below: Option<(usize, &Stage)>,
    ) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for edit in fix.edits.iter() {
            if edit == new {
                let mut new = edit.clone();
                if let Some((place, shipped)) = below {
                    new.text = with_name(&new.text, shipped.name.as_deref(), self.below.get(place)?.name.as_deref()?)?;
                }
                let part = self.part_before(new.span.range().start)?;
                edits.push(moved(&new, part.range.start, part.real)?);
                continue;
            }
            let kept = |place: usize| below.is_none_or(|(from, _)| place < from);
            match self.part(edit.span)?.role {
                Role::From => {
                    let from = model.instruction(stage.from)?;
                    let end = from.args.source_span(0, from.args.text.len()).end as usize;
                    let alias = from.from()?.alias;
                    let text = match (alias.is_some(), below) {
                        (true, _) => emit::free_name(model).into_bytes(),
                        (false, None) => edit.text.clone(),
                        (false, Some(_)) => return None,
                    };
                    edits.push(Edit { span: alias.map_or(Span::at(end), |alias| alias.span), text });
                }
                // A stage below keeps all that it has: others may stand on it.
                Role::Below(place) if kept(place) && edit.text.is_empty() => {}
                Role::Below(place) if kept(place) => return None,
                Role::Below(_) | Role::Own => edits.push(self.shifted(edit)?),
                Role::Before => return None,
            }
        }
        Some(edits)
    }

    /// The edits where the stage right below is the builder: the shipped stage says what it has from there. The
    /// names are those of the joined file's builder and of that stage.
    fn between(
        &self,
        model: &Model<'_>,
        stage: &Stage,
        fix: &Fix,
        new: &Edit,
        [builder, below]: [&str; 2],
    ) -> Option<Vec<Edit>> {
        let layout = layout_of(model, stage);
        let (own, at) = (self.parts.last()?, new.span.range().start);
        let (mut edits, mut rest) = (Vec::new(), Vec::new());
        for edit in fix.edits.iter().filter(|edit| *edit != new) {
            match self.part(edit.span)?.role {
                Role::Own => edits.push(self.shifted(edit)?),
                Role::From => {}
                Role::Below(_) if edit.span.range().start >= at => rest.push(moved(edit, at, 0)?),
                Role::Below(_) if edit.text.is_empty() => {}
                Role::Below(_) | Role::Before => return None,
            }
        }
        let kept = EditSet::new(rest).ok()?.apply(self.source.get(at..own.range.start)?);
        let head = new.text.trim_ascii_start();
        // Commands that the builder would have to run as well are not in the stage below.
        if !starts_stage(head.split_inclusive(|byte| *byte == b'\n').next()?) {
            return None;
        }
        let text = renamed(&[head, &kept].concat(), builder, below);
        let head = Span::new(layout.tile(stage.from).range().start, layout.end(stage.from));
        edits.push(Edit::replace(head, text));
        Some(edits)
    }
}

fn layout_of<'a>(model: &Model<'a>, stage: &Stage) -> Layout<'a, 'a> {
    Layout::new(model.file, stage.from, stage.body.clone())
}

/// Whether one of the stages says anew what an instruction of a stage below them says.
fn anew(model: &Model<'_>, keyword: Keyword, above: &[&Stage], stage: &Stage) -> bool {
    matches!(keyword, Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Stopsignal)
        && above.iter().copied().chain([stage]).any(|stage| has(model, stage, keyword))
}

fn has(model: &Model<'_>, stage: &Stage, keyword: Keyword) -> bool {
    model.body(stage).any(|(_, instruction)| instruction.keyword == keyword)
}

/// Whether the instructions mean in one stage what they mean in several.
fn same_meaning(model: &Model<'_>, stage: &Stage, chain: &[&Stage]) -> bool {
    let all: Vec<&Stage> = chain.iter().copied().chain([stage]).collect();
    all.iter().enumerate().all(|(at, upper)| {
        let lower = all.get(..at).unwrap_or_default();
        // An argument is known in the stage alone that declares it.
        let known = |name: &str| model.arg_names(upper).chain(model.env_names(upper)).any(|(_, known)| known == name);
        let hidden = |name: &String| {
            !known(name) && lower.iter().any(|stage| model.arg_names(stage).any(|(_, known)| known == name.as_str()))
        };
        let reads = |text: &str| words::reads(text, model.file.escape).iter().any(hidden);
        let reads = model.body(upper).any(|(_, instruction)| reads(&instruction.args.text));
        // An ENTRYPOINT takes away the CMD of what the stage stands on.
        let resets = has(model, upper, Keyword::Entrypoint)
            && !has(model, upper, Keyword::Cmd)
            && lower.iter().any(|stage| has(model, stage, Keyword::Cmd));
        !reads && !resets
    })
}

/// Whether a line of a text is a FROM.
fn starts_stage(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"FROM ")))
}

/// The text of a new stage with another name than it has.
fn with_name(text: &[u8], old: Option<&str>, new: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() + new.len());
    let mut named = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if named || !starts_stage(line) {
            out.extend_from_slice(line);
            continue;
        }
        named = true;
        let line = std::str::from_utf8(line).ok()?;
        let (words, end) = line.split_at(line.trim_end().len());
        let words = match old {
            Some(old) => words.strip_suffix(old)?.to_owned() + new,
            None => format!("{words} AS {new}"),
        };
        out.extend_from_slice(words.as_bytes());
        out.extend_from_slice(end.as_bytes());
    }
    named.then_some(out)
}

/// An edit as it is where what stood at `from` stands at `to`.
fn moved(edit: &Edit, from: usize, to: usize) -> Option<Edit> {
    let place = |at: usize| u32::try_from(at.checked_sub(from)? + to).ok();
    let Range { start, end } = edit.span.range();
    Some(Edit { span: Span { start: place(start)?, end: place(end)? }, text: edit.text.clone() })
}

/// A text whose copies come from the stage `to` where they came from `from`.
fn renamed(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (format!("--from={from} "), format!("--from={to} "));
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from.as_bytes()) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.extend_from_slice(to.as_bytes());
        rest = rest.get(at + from.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// What ships, of the stages that it stands on as well: the image below them, and every instruction.
fn shipped(model: &Model<'_>) -> Option<Vec<String>> {
    let mut stages = vec![model.shipped()?];
    stages.extend(model.below(model.shipped()?));
    let image = model.instruction(stages.last()?.from)?.from()?.image.raw.to_owned();
    let all = stages.iter().rev().flat_map(|stage| model.body(stage));
    let texts = all.map(|(_, instruction)| format!("{} {}", instruction.keyword.name(), instruction.args.text));
    Some([image].into_iter().chain(texts).collect())
}
