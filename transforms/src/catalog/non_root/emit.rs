//! The decision as edits, in the hand of the file.

use crate::edit::{Edit, EditSet};
use crate::span::Span;
use crate::syntax::TileKind;
use crate::transform::{Applicability, Decision, Fix};

use super::place::Plan;
use super::survey::Survey;

/// A RUN longer than this is broken at its commands.
const WIDTH: usize = 110;

/// Writes the fix; `None` where two edits would touch the same bytes.
pub(super) fn fix(survey: &Survey<'_, '_>, plan: &Plan) -> Option<Fix> {
    let hand = Hand::new(survey)?;
    let mut edits = Vec::new();
    for at in &plan.copies {
        let instruction = survey.units.get(*at)?.instruction;
        let end = instruction.flags.last().map_or(instruction.keyword_span.end, |flag| flag.span.end);
        edits.push(Edit::insert(end as usize, format!(" --chown={}", plan.user.owner)));
    }
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (place, pair) in &plan.envs {
        lines.push((*place, format!("{} {pair}", hand.keyword("ENV"))));
    }
    for (place, commands) in &plan.runs {
        lines.push((*place, hand.run(commands)));
    }
    if let Some(home) = &plan.home {
        lines.push((plan.mended.unwrap_or(plan.end), format!("{} HOME={home}", hand.keyword("ENV"))));
    }
    match plan.mended {
        Some(at) => {
            let instruction = survey.units.get(at)?.instruction;
            let span = instruction.args.source_span(0, instruction.args.text.len());
            edits.push(Edit::replace(span, plan.user.name.as_str()));
        }
        None => lines.push((plan.end, format!("{} {}", hand.keyword("USER"), plan.user.name))),
    }
    let mut places: Vec<usize> = lines.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let texts: Vec<&str> = lines.iter().filter(|(at, _)| *at == place).map(|(_, text)| text.as_str()).collect();
        edits.push(hand.insert(place, &texts.join(hand.eol)));
        if place >= survey.units.len() {
            // What ends the file in the air would take the new lines into itself.
            let last = survey.model.file.instructions.last();
            edits.extend(last.and_then(|last| last.dangling).map(Edit::delete));
        }
    }
    let from = survey.model.instruction(survey.stage.from)?;
    let claim = Span { start: from.span.start, end: survey.model.file.source.len() as u32 };
    let applicability = if plan.assumptions.is_empty() { Applicability::Safe } else { Applicability::Review };
    Some(Fix {
        title: title(survey, plan),
        applicability,
        claim,
        edits: EditSet::new(edits).ok()?,
        assumptions: plan.assumptions.clone(),
        decisions: if survey.model.settings.explain { decisions(survey, plan) } else { Vec::new() },
    })
}

/// The decision in words: who ran, who runs, what is theirs.
fn decisions(survey: &Survey<'_, '_>, plan: &Plan) -> Vec<Decision> {
    let image = survey.model.image(survey.stage).map(ToString::to_string).unwrap_or_else(|| "the base".to_owned());
    let added = |what: String, evidence: String| Decision { line: None, what, place: "runtime", evidence };
    let mut out =
        vec![added(format!("USER {}", plan.user.name), format!("{image} runs as root; {}", plan.user.origin))];
    for (_, commands) in &plan.runs {
        out.extend(commands.iter().map(|command| {
            added(command.clone(), "the user has to be there, and to own what the program writes".to_owned())
        }));
    }
    for unit in plan.copies.iter().filter_map(|at| survey.units.get(*at)) {
        out.push(Decision {
            line: Some(unit.instruction.lines.0),
            what: format!("{} --chown={}", unit.instruction.keyword.name(), plan.user.owner),
            place: "runtime",
            evidence: "the program may write beside itself".to_owned(),
        });
    }
    if let Some(home) = &plan.home {
        out.push(added(format!("ENV HOME={home}"), "programs look for a home that they can write to".to_owned()));
    }
    out
}

/// Who runs, in the place of whom, and what is given to him.
fn title(survey: &Survey<'_, '_>, plan: &Plan) -> String {
    let before = match plan.before {
        Some(index) => {
            let line = survey.model.instruction(index).map_or(0, |user| survey.model.file.line_of(user.span.start));
            format!("root, whom USER in line {line} says")
        }
        None => match survey.model.image(survey.stage) {
            Some(image) => format!("root, as {image} does"),
            None => "root".to_owned(),
        },
    };
    let owns = match plan.owns.as_slice() {
        [] => "it owns nothing but its home".to_owned(),
        owns => format!("it owns {}", owns.join(", ")),
    };
    format!("Run as {}, {}, in the place of {before}; {owns}", plan.user.name, plan.user.origin)
}

/// How the file is written.
struct Hand<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    /// The tile of each unit.
    tiles: Vec<usize>,
    lower: bool,
    /// Whether instructions stand apart by blank lines.
    airy: bool,
    eol: &'static str,
}

impl<'s, 'm, 'a> Hand<'s, 'm, 'a> {
    fn new(survey: &'s Survey<'m, 'a>) -> Option<Self> {
        let file = survey.model.file;
        let from = survey.model.instruction(survey.stage.from)?;
        let lower = from.keyword_span.text(file.source).bytes().all(|byte| byte.is_ascii_lowercase());
        let mut tiles = vec![0; survey.units.len()];
        let (mut pairs, mut apart) = (0usize, 0usize);
        let mut blank = false;
        for (at, tile) in file.tiles.iter().enumerate() {
            match tile.kind {
                TileKind::Instruction(index) => {
                    let position = (index as usize).checked_sub(survey.stage.body.start);
                    if let Some(slot) = position.and_then(|position| tiles.get_mut(position)) {
                        *slot = at;
                        pairs += 1;
                        apart += usize::from(blank);
                    }
                    blank = false;
                }
                TileKind::Blank => blank = true,
                _ => {}
            }
        }
        Some(Self { survey, tiles, lower, airy: pairs > 1 && apart == pairs, eol: file.eol.text() })
    }

    /// A keyword in the case of the file.
    fn keyword(&self, name: &str) -> String {
        if self.lower { name.to_ascii_lowercase() } else { name.to_owned() }
    }

    /// A RUN of these commands.
    fn run(&self, commands: &[String]) -> String {
        let one = format!("{} {}", self.keyword("RUN"), commands.join(" && "));
        if one.len() <= WIDTH {
            return one;
        }
        let joint = format!(" {}{}    && ", char::from(self.survey.model.file.escape), self.eol);
        format!("{} {}", self.keyword("RUN"), commands.join(&joint))
    }

    /// Puts lines before a unit, above the comments that belong to it.
    fn insert(&self, place: usize, text: &str) -> Edit {
        let file = self.survey.model.file;
        let gap = if self.airy { self.eol } else { "" };
        if let Some(own) = self.tiles.get(place).copied() {
            let mut first = own;
            while let Some(tile) = first.checked_sub(1).and_then(|at| file.tiles.get(at)) {
                if tile.kind != TileKind::Comment {
                    break;
                }
                first -= 1;
            }
            let start = file.tiles.get(first).map(|tile| tile.span.start).unwrap_or_default();
            return Edit::insert(start as usize, format!("{text}{}{gap}", self.eol));
        }
        // Behind the last instruction of the file.
        let last = file.tiles.iter().rev().find(|tile| matches!(tile.kind, TileKind::Instruction(_)));
        let end = last.map_or(file.source.len(), |tile| tile.span.end as usize);
        let ends = file.source.get(..end).is_some_and(|before| before.ends_with(b"\n"));
        if ends {
            Edit::insert(end, format!("{gap}{text}{}", self.eol))
        } else {
            Edit::insert(end, format!("{}{gap}{text}", self.eol))
        }
    }
}
