//! The plan in words: where each instruction goes and why, what is added, what stays behind.

use crate::transform::Decision;

use super::emit;
use super::plan::{self, Place, Plan};
use super::survey::Survey;

/// What was decided, in the order of the file, and then what the fix adds.
pub(super) fn decisions(survey: &Survey<'_, '_>, plan: &Plan) -> Vec<Decision> {
    let mut out = Vec::with_capacity(plan.decisions.len() + plan.recipe.carried.len() + 2);
    let added =
        |what: String, place, evidence: &str| Decision { line: None, what, place, evidence: evidence.to_owned() };
    for (unit, decision) in survey.units.iter().zip(&plan.decisions) {
        let place = match &decision.place {
            Place::Builder => "builder",
            Place::Runtime => "runtime",
            Place::Both | Place::BuilderAnd(_) => "both",
        };
        let what = shortened(unit.instruction.span.text(survey.model.file.source));
        out.push(Decision { line: Some(unit.instruction.lines.0), what, place, evidence: decision.evidence.clone() });
        if let Place::BuilderAnd(text) = &decision.place {
            out.push(added(shortened(text), "runtime", "what of it the shipped image needs"));
        }
    }
    let recipe = &plan.recipe;
    let builder = emit::free_name(survey.model);
    out.push(added(format!("FROM {}", recipe.runtime.image), "runtime", &recipe.runtime.evidence));
    for command in &recipe.build {
        out.push(added(format!("RUN {command}"), "builder", "less has to be copied"));
    }
    if !recipe.tools.is_empty() {
        out.push(added(
            format!("RUN {}", recipe.tools.join(" && ")),
            "runtime",
            "what is copied or started needs it, and the image lacks it",
        ));
    }
    for carried in &recipe.carried {
        let copy = format!("COPY --from={builder} {} {}", carried.from, carried.to);
        out.push(added(copy, "runtime", &carried.evidence));
    }
    for command in &recipe.finish {
        let first = command.lines().next().unwrap_or_default();
        out.push(added(format!("RUN {first}"), "runtime", "it works on what is copied"));
    }
    let mut behind: Vec<&String> =
        recipe.builder_folders.iter().filter(|folder| !plan::is_carried(recipe, folder)).collect();
    behind.sort();
    behind.dedup();
    for folder in behind {
        out.push(added(folder.clone(), "builder", "it stays behind: nothing that runs names it"));
    }
    out
}

/// The first words of an instruction, on one line.
fn shortened(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| *word != "\\");
    let mut out = String::new();
    for word in words {
        if out.chars().count() + word.chars().count() > 56 {
            out.push('…');
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
