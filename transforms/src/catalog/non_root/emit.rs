//! The decision as edits, in the hand of the file.

use crate::edit::{Edit, EditSet};
use crate::span::Span;
use crate::surgery::Layout;
use crate::syntax::{Form, Keyword};
use crate::transform::{Applicability, Decision, Fix};

use super::place::Plan;
use super::survey::{Survey, Unit};

/// Writes the fix; `None` where two edits would touch the same bytes.
pub(super) fn fix(survey: &Survey<'_, '_>, plan: &Plan) -> Option<Fix> {
    let stage = survey.stage;
    let layout = Layout::new(survey.model.file, stage.from, stage.body.clone());
    let mut edits = plan.edits.clone();
    for at in &plan.copies {
        let instruction = survey.units.get(*at)?.instruction;
        let end = instruction.flags.last().map_or(instruction.keyword_span.end, |flag| flag.span.end);
        edits.push(Edit::insert(end as usize, format!(" --chown={}", plan.user.owner)));
    }
    edits.extend(plan.fillers.iter().map(|filler| filler.edit.clone()));
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (place, pair) in &plan.envs {
        lines.push((*place, format!("{} {pair}", layout.keyword("ENV")).into_bytes()));
    }
    for (place, commands) in &plan.runs {
        lines.push((*place, layout.run(commands).into_bytes()));
    }
    lines.extend(plan.handed.iter().map(|(place, line)| (*place, line.clone().into_bytes())));
    if let Some(home) = &plan.home {
        let text = format!("{} HOME={home}", layout.keyword("ENV"));
        lines.push((plan.mended.unwrap_or(plan.end), text.into_bytes()));
    }
    match plan.mended {
        Some(at) => {
            let instruction = survey.units.get(at)?.instruction;
            let span = instruction.args.source_span(0, instruction.args.text.len());
            edits.push(Edit::replace(span, plan.user.name.as_str()));
        }
        None => lines.push((plan.end, format!("{} {}", layout.keyword("USER"), plan.user.name).into_bytes())),
    }
    let moved = early_starts(survey, plan, &layout);
    if !moved.is_empty() {
        edits.extend(layout.delete(moved.iter().map(|(index, _)| *index), true));
        let place = plan.mended.map_or(plan.end, |at| at + 1);
        lines.extend(moved.iter().map(|(_, text)| (place, text.clone())));
    }
    let mut places: Vec<usize> = lines.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let texts: Vec<&[u8]> = lines.iter().filter(|(at, _)| *at == place).map(|(_, text)| text.as_slice()).collect();
        let text = texts.join(layout.eol().as_bytes());
        match survey.units.get(place) {
            Some(unit) => edits.push(layout.insert_before(unit.index, &text)),
            None => edits.extend(layout.insert_after(stage.body.end.saturating_sub(1), &text)),
        }
    }
    let from = survey.model.instruction(survey.stage.from)?;
    let start = edits.iter().map(|edit| edit.span.start).fold(from.span.start, u32::min);
    let claim = Span { start, end: survey.model.file.source.len() as u32 };
    let applicability = if plan.assumptions.is_empty() { Applicability::Safe } else { Applicability::Review };
    Some(Fix {
        title: title(survey, plan),
        applicability,
        claim,
        edits: EditSet::new(edits).ok()?,
        assumptions: plan.assumptions.clone(),
        tasks: plan.tasks.clone(),
        decisions: if survey.model.settings.explain { decisions(survey, plan, &moved) } else { Vec::new() },
    })
}

/// What says what starts, and stands before anybody has said a user: each with its text, comments included. People and
/// scanners look for USER above it, so it goes behind the new one; to the build it means nothing where it stands, but for
/// its order, which it keeps, and a SHELL, which would read it.
fn early_starts(survey: &Survey<'_, '_>, plan: &Plan, layout: &Layout<'_, '_>) -> Vec<(usize, Vec<u8>)> {
    let starts = |unit: &&Unit<'_>| matches!(unit.instruction.keyword, Keyword::Cmd | Keyword::Entrypoint);
    let all = survey.units.iter().take(plan.mended.unwrap_or(plan.end));
    let rest: Vec<&Unit<'_>> = all.skip_while(|unit| !starts(unit)).collect();
    let user = survey.model.file.instructions.iter().position(|one| one.keyword == Keyword::User);
    let early = rest.first().is_some_and(|first| user.is_none_or(|user| first.index < user));
    let shell = rest.iter().rposition(|unit| unit.instruction.keyword == Keyword::Shell);
    let read = |unit: &&Unit<'_>| starts(unit) && !matches!(unit.instruction.form, Form::Json(_));
    if !early {
        return Vec::new();
    }
    // What a SHELL would read otherwise stays before it, with all that stands there.
    let from = shell.filter(|shell| rest.iter().take(*shell).any(read)).unwrap_or(0);
    let text = |index| {
        let text = layout.with_comments(index).of(survey.model.file.source);
        (index, text.strip_suffix(layout.eol().as_bytes()).unwrap_or(text).to_owned())
    };
    rest.into_iter().skip(from).filter(starts).map(|unit| text(unit.index)).collect()
}

/// The decision in words: who ran, who runs, what is theirs.
fn decisions(survey: &Survey<'_, '_>, plan: &Plan, moved: &[(usize, Vec<u8>)]) -> Vec<Decision> {
    let image = survey.model.image(survey.stage).map(ToString::to_string).unwrap_or_else(|| "the base".to_owned());
    let added = |what: String, evidence: String| Decision { line: None, what, place: "runtime", evidence };
    let mut out =
        vec![added(format!("USER {}", plan.user.name), format!("{image} runs as root; {}", plan.user.origin))];
    for (_, commands) in &plan.runs {
        out.extend(commands.iter().map(|command| {
            added(command.clone(), "the user has to be there, and to own what the program writes".to_owned())
        }));
    }
    for filler in &plan.fillers {
        out.push(Decision {
            line: survey.units.get(filler.at).map(|unit| unit.instruction.lines.0),
            what: format!("RUN, then {}", filler.command),
            place: "runtime",
            evidence: "given away in another RUN, what it fills would be in the image twice".to_owned(),
        });
    }
    for unit in survey.units.iter().filter(|unit| moved.iter().any(|(index, _)| *index == unit.index)) {
        out.push(Decision {
            line: Some(unit.instruction.lines.0),
            what: format!("{} behind USER", unit.instruction.keyword.name()),
            place: "runtime",
            evidence: "people and scanners look for USER above what it is for".to_owned(),
        });
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
        [] if !plan.edits.is_empty() => "it owns what it owned".to_owned(),
        [] => "it owns nothing but its home".to_owned(),
        owns => format!("it owns {}", owns.join(", ")),
    };
    format!("Run as {}, {}, in the place of {before}; {owns}", plan.user.name, plan.user.origin)
}
