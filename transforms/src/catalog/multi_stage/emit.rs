//! A plan as edits: the builder keeps its lines, the runtime stage is written where the build ends, and what describes
//! the shipped image moves behind it.

use crate::edit::{Edit, EditSet};
use crate::model::effects::{self, Effect};
use crate::span::Span;
use crate::syntax::{Keyword, TileKind};
use crate::transform::{Applicability, Fix};

use super::plan::{Place, Plan};
use super::survey::{Survey, Unit};

/// Writes the fix; `None` where two edits would touch the same bytes.
pub(super) fn fix(survey: &Survey<'_, '_>, plan: &Plan) -> Option<Fix> {
    let emitter = Emitter::new(survey, plan)?;
    let edits = EditSet::new(emitter.edits()).ok()?;
    let recipe = &plan.recipe;
    let applicability = if recipe.assumptions.is_empty() { recipe.applicability } else { Applicability::Review };
    Some(Fix {
        title: format!("Build in a stage of its own and ship {}", recipe.runtime.image),
        applicability,
        claim: emitter.claim,
        edits,
        assumptions: recipe.assumptions.clone(),
        decisions: Vec::new(),
    })
}

struct Emitter<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    plan: &'s Plan,
    /// The tile of each instruction of the file.
    tiles: Vec<usize>,
    builder: String,
    lower: bool,
    eol: &'static str,
    claim: Span,
}

impl<'s, 'm, 'a> Emitter<'s, 'm, 'a> {
    fn new(survey: &'s Survey<'m, 'a>, plan: &'s Plan) -> Option<Self> {
        let file = survey.model.file;
        let mut tiles = vec![0; file.instructions.len()];
        for (at, tile) in file.tiles.iter().enumerate() {
            if let TileKind::Instruction(index) = tile.kind
                && let Some(slot) = tiles.get_mut(index as usize)
            {
                *slot = at;
            }
        }
        let from = survey.model.instruction(survey.stage.from)?;
        let lower = from.keyword_span.text(file.source).bytes().all(|byte| byte.is_ascii_lowercase());
        let first = file.tiles.get(*tiles.get(survey.stage.from)?)?;
        let claim = Span { start: first.span.start, end: file.source.len() as u32 };
        let builder = free_name(survey);
        Some(Self { survey, plan, tiles, builder, lower, eol: file.eol.text(), claim })
    }

    /// A keyword in the case of the file.
    fn keyword(&self, name: &str) -> String {
        if self.lower { name.to_ascii_lowercase() } else { name.to_owned() }
    }

    fn source(&self) -> &'a [u8] {
        self.survey.model.file.source
    }

    fn tile_span(&self, index: usize) -> Span {
        let at = self.tiles.get(index).copied().unwrap_or_default();
        self.survey.model.file.tiles.get(at).map(|tile| tile.span).unwrap_or_default()
    }

    /// The comment lines right above an instruction, and the instruction.
    fn with_comments(&self, index: usize) -> Span {
        let tiles = &self.survey.model.file.tiles;
        let mut first = self.tiles.get(index).copied().unwrap_or_default();
        let own = first;
        while let Some(tile) = first.checked_sub(1).and_then(|at| tiles.get(at)) {
            if tile.kind != TileKind::Comment {
                break;
            }
            first -= 1;
        }
        let start = tiles.get(first).map(|tile| tile.span.start).unwrap_or_default();
        let end = tiles.get(own).map(|tile| tile.span.end).unwrap_or_default();
        Span { start, end }
    }

    fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        self.name_builder(&mut edits);
        edits.extend(self.removals().into_iter().map(Edit::delete));
        if let Some((index, text)) = &self.plan.recipe.start
            && let Some(instruction) = self.survey.model.instruction(*index)
            && self.survey.units.iter().skip(self.plan.pivot).any(|unit| unit.index == *index)
        {
            let args = instruction.args.source_span(0, instruction.args.text.len());
            edits.push(Edit::replace(args, text.as_str()));
        }
        edits.extend(self.plan.recipe.inserts.iter().map(|(at, text)| Edit::insert(*at, text.as_str())));
        let at = self.insertion();
        let mut text = String::new();
        let ends = self.source().get(..at).is_some_and(|before| before.ends_with(b"\n"));
        if !ends {
            text.push_str(self.eol);
        }
        for command in &self.plan.recipe.build {
            text.push_str(&format!("{} {command}{}", self.keyword("RUN"), self.eol));
        }
        text.push_str(self.eol);
        text.push_str(&self.header());
        if !ends && text.ends_with(self.eol) {
            text.truncate(text.len() - self.eol.len());
        }
        edits.push(Edit::insert(at, text));
        // What ends the file in the air would take the new stage into itself.
        let last = self.survey.model.file.instructions.last();
        edits.extend(last.and_then(|last| last.dangling).filter(|span| span.end as usize <= at).map(Edit::delete));
        edits
    }

    /// What goes with the moved instructions: their comments, and of two blank lines that would meet, the second.
    fn removals(&self) -> Vec<Span> {
        let tiles = &self.survey.model.file.tiles;
        let mut gone = vec![false; tiles.len()];
        for (unit, decision) in self.survey.units.iter().zip(&self.plan.decisions).take(self.plan.pivot) {
            if decision.place == Place::Runtime {
                let span = self.with_comments(unit.index);
                let first = tiles.partition_point(|tile| tile.span.start < span.start);
                for (slot, tile) in gone.iter_mut().zip(tiles).skip(first) {
                    if tile.span.end > span.end {
                        break;
                    }
                    *slot = true;
                }
            }
        }
        let mut blank_before = false;
        let mut after_gone = false;
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
        spans
    }

    /// Names the builder in its FROM.
    fn name_builder(&self, edits: &mut Vec<Edit>) {
        let Some(from) = self.survey.model.instruction(self.survey.stage.from) else { return };
        match from.from().and_then(|parts| parts.alias) {
            Some(alias) => edits.push(Edit::replace(alias.span, self.builder.as_str())),
            None => {
                let end = from.args.source_span(0, from.args.text.len()).end as usize;
                edits.push(Edit::insert(end, format!(" {} {}", self.keyword("AS"), self.builder)));
            }
        }
    }

    /// Where the new stage begins: after the last line that stays in the builder.
    fn insertion(&self) -> usize {
        let last = self.survey.units.get(self.plan.recipe.last_build).map_or(self.survey.stage.from, |unit| unit.index);
        self.tile_span(last).end as usize
    }

    /// The instruction as it is written, with the line ending of the file after it.
    fn text_of(&self, span: Span) -> String {
        let mut text = String::from_utf8_lossy(span.of(self.source())).into_owned();
        if !text.ends_with('\n') {
            text.push_str(self.eol);
        }
        text
    }

    fn line(&self, keyword: &str, rest: &str) -> String {
        format!("{} {rest}{}", self.keyword(keyword), self.eol)
    }

    /// The head of the runtime stage: everything up to what stays where it is.
    fn header(&self) -> String {
        let recipe = &self.plan.recipe;
        let mut out = String::new();
        let platform = match &self.survey.stage.platform {
            Some(platform) if !platform.contains("BUILDPLATFORM") => format!("--platform={platform} "),
            _ => String::new(),
        };
        let name = match &self.survey.stage.name {
            Some(name) => format!(" {} {name}", self.keyword("AS")),
            None => String::new(),
        };
        out.push_str(&self.line("FROM", &format!("{platform}{}{name}", recipe.runtime.image)));

        let placed = || self.survey.units.iter().zip(&self.plan.decisions).take(self.plan.pivot);
        let about = |unit: &Unit<'_>| matches!(unit.instruction.keyword, Keyword::Label | Keyword::Maintainer);
        let last = |unit: &Unit<'_>| {
            matches!(
                unit.instruction.keyword,
                Keyword::Cmd
                    | Keyword::Entrypoint
                    | Keyword::Healthcheck
                    | Keyword::Stopsignal
                    | Keyword::Expose
                    | Keyword::Volume
            )
        };
        for (unit, decision) in placed() {
            if about(unit) && decision.place == Place::Runtime {
                out.push_str(&self.text_of(self.with_comments(unit.index)));
            }
        }
        if let Some(tools) = &recipe.tools {
            out.push_str(&self.line("RUN", tools));
        }
        let mut folder = "/".to_owned();
        for (unit, decision) in placed().filter(|(unit, _)| !about(unit) && !last(unit)) {
            let text = match &decision.place {
                Place::Builder => continue,
                Place::Runtime => self.text_of(self.with_comments(unit.index)),
                Place::Both => self.text_of(self.tile_span(unit.index)),
                Place::BuilderAnd(text) => {
                    let (keyword, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
                    self.line(keyword, rest)
                }
            };
            if let Some(cwd) = self.survey.model.workdir(unit.index)
                && cwd != folder
                && (needs_folder(unit) || makes_folder(unit, cwd))
            {
                out.push_str(&self.line("WORKDIR", cwd));
                folder = cwd.to_owned();
            }
            out.push_str(&text);
        }
        for command in &recipe.setup {
            out.push_str(&self.line("RUN", command));
        }
        if let Some(workdir) = &self.plan.workdir
            && *workdir != folder
        {
            out.push_str(&self.line("WORKDIR", workdir));
        }
        for carried in &recipe.carried {
            let owner = carried.owner.as_ref().or(self.plan.user.as_ref().filter(|_| recipe.user_owns));
            let owner = owner.map(|user| format!("--chown={user} ")).unwrap_or_default();
            let (from, to) = (path_word(&carried.from), path_word(&carried.to));
            let paths = if from.contains(' ') || to.contains(' ') {
                serde_json::to_string(&[&carried.from, &carried.to]).unwrap_or_default()
            } else {
                format!("{from} {to}")
            };
            out.push_str(&self.line("COPY", &format!("--from={} {owner}{paths}", self.builder)));
        }
        if !recipe.finish.is_empty() {
            out.push_str(&self.line("RUN", &recipe.finish.join(" && ")));
        }
        for (unit, decision) in placed() {
            if last(unit) && decision.place == Place::Runtime {
                let mut text = self.text_of(self.with_comments(unit.index));
                if let Some((index, start)) = &recipe.start
                    && *index == unit.index
                {
                    text = self.line(unit.instruction.keyword.name(), start);
                }
                out.push_str(&text);
            }
        }
        if let Some(user) = &self.plan.user {
            out.push_str(&self.line("USER", user));
        }
        out
    }
}

/// A path as COPY reads it: `$` would be expanded.
fn path_word(path: &str) -> String {
    path.replace('$', "\\$")
}

/// Whether an instruction means another thing in another working directory.
fn needs_folder(unit: &Unit<'_>) -> bool {
    match unit.instruction.keyword {
        Keyword::Copy | Keyword::Add => unit.instruction.words().last().is_some_and(|to| !to.raw.starts_with('/')),
        Keyword::Run => unit.steps.iter().any(|step| {
            let relative = |arg: &String| !arg.starts_with(['/', '-', '$']) && !arg.contains('=');
            match effects::of(step) {
                Effect::Files(_) | Effect::Writes(_) => step.args().iter().any(relative),
                Effect::Unknown => true,
                _ => false,
            }
        }),
        _ => false,
    }
}

/// Whether a COPY goes into the working directory itself: a folder only because WORKDIR made it one.
fn makes_folder(unit: &Unit<'_>, cwd: &str) -> bool {
    unit.copy.as_ref().and_then(|copy| copy.to.as_deref()).is_some_and(|to| crate::model::paths::within(cwd, to))
}

/// A name for the builder that no stage of the file has.
fn free_name(survey: &Survey<'_, '_>) -> String {
    let wanted = &survey.model.settings.stage_name;
    let taken = |name: &str| {
        survey
            .model
            .stages
            .iter()
            .any(|stage| stage.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    };
    let mut name = wanted.clone();
    let mut number = 2;
    while taken(&name) {
        name = format!("{wanted}-{number}");
        number += 1;
    }
    name
}
