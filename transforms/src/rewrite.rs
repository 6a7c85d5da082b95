//! From bytes to new bytes: find, admit, apply, parse again, until nothing applies.

use crate::context::Context;
use crate::edit::EditSet;
use crate::model::Model;
use crate::settings::Settings;
use crate::span::Span;
use crate::syntax::{File, ParseError};
use crate::transform::{Applicability, Finding, FindingOutcome, Refusal, Transform};

/// How often the text is rewritten before the loop gives up. Every transform applies once to a stage and then finds
/// nothing, so real files need as many rounds as there are transforms, and one to see that nothing is left.
const MAX_ROUNDS: usize = 16;

/// What to do with a Dockerfile.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The transforms to use, in catalogue order.
    pub transforms: &'a [&'static Transform],
    /// The least sure fix that may be applied.
    pub threshold: Applicability,
    /// The build context, where there is one to read.
    pub context: Option<&'a dyn Context>,
    /// The person's choices.
    pub settings: &'a Settings,
}

/// What came of a rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The new bytes; `None` where nothing changed.
    pub output: Option<Vec<u8>>,
    /// Every finding, those with an applied fix first in the order of application, then what was left and why.
    pub findings: Vec<Report>,
}

/// One finding as it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The transform's id.
    pub transform: &'static str,
    /// Whether it was changed.
    pub status: Status,
    /// Where, in the bytes that were given.
    pub span: Span,
    /// What was found.
    pub message: String,
    /// The fix's title, or the reason as text.
    pub detail: String,
    /// What the fix takes for granted.
    pub assumptions: Vec<String>,
}

/// What happened to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its fix is in the output.
    Fixed(Applicability),
    /// It has no fix; the stable code of the reason, and whether that is the right answer.
    Refused {
        /// The stable code.
        code: &'static str,
        /// Whether nothing is left to wish for.
        settled: bool,
    },
}

/// Runs the transforms over `source` until none applies.
///
/// # Errors
/// [`ParseError`] where BuildKit would not read the file either.
pub fn rewrite(source: &[u8], request: &Request<'_>) -> Result<Outcome, ParseError> {
    let mut text: Option<Vec<u8>> = None;
    let mut history: Vec<EditSet> = Vec::new();
    let mut fixed: Vec<Report> = Vec::new();
    let mut banned: Vec<(&'static str, Refusal)> = Vec::new();

    for _ in 0..MAX_ROUNDS {
        let current = text.as_deref().unwrap_or(source);
        let file = File::parse(current)?;
        let model = Model::new(&file, request.context, request.settings);
        let round = admit(&model, request, &banned);

        if round.edits.is_empty() {
            // A transform that has changed the file has said what there is to say: that it finds no more is no news.
            let done: Vec<&str> = fixed.iter().map(|report| report.transform).collect();
            let left = round.left.into_iter().filter(|report| !done.contains(&report.transform));
            let traced = left.map(|report| Report { span: trace(&history, report.span), ..report });
            fixed.extend(traced.collect::<Vec<_>>());
            break;
        }

        let next = round.edits.apply(current);
        if let Err(reason) = legible(&file, &next) {
            // A result that reads worse than its input is a defect of ours: the text stays, and the report names the
            // transforms whose edits were in this round.
            let names: Vec<_> = round.applied.iter().map(|report| report.transform).collect();
            for name in names {
                banned.push((name, Refusal { code: "illegible-result", text: reason.clone(), settled: false }));
            }
            continue;
        }
        for mut report in round.applied {
            report.span = trace(&history, report.span);
            fixed.push(report);
        }
        history.push(round.edits);
        text = Some(next);
    }

    let output = text.filter(|text| text != source);
    Ok(Outcome { output, findings: fixed })
}

/// What one round found, and which of it may be applied together.
struct Round {
    edits: EditSet,
    applied: Vec<Report>,
    left: Vec<Report>,
}

/// Asks every transform and takes the fixes that are sure enough and do not claim the same bytes; earlier transforms of
/// the catalogue win, later ones are asked again about the new text.
fn admit(model: &Model<'_>, request: &Request<'_>, banned: &[(&'static str, Refusal)]) -> Round {
    let mut round = Round { edits: EditSet::default(), applied: Vec::new(), left: Vec::new() };
    let mut claims: Vec<Span> = Vec::new();
    for transform in request.transforms {
        let ban = banned.iter().find(|(id, _)| *id == transform.id).map(|(_, refusal)| refusal);
        for finding in (transform.find)(model) {
            let Finding { span, message, outcome } = finding;
            let report = |status, detail, assumptions| Report {
                transform: transform.id,
                status,
                span,
                message: message.clone(),
                detail,
                assumptions,
            };
            let refused = |code, settled, text| report(Status::Refused { code, settled }, text, Vec::new());
            match outcome {
                FindingOutcome::Refused(Refusal { code, text, settled }) => {
                    round.left.push(refused(code, settled, text));
                }
                FindingOutcome::Fix(_) if ban.is_some() => {
                    if let Some(Refusal { code, text, settled }) = ban {
                        round.left.push(refused(code, *settled, text.clone()));
                    }
                }
                FindingOutcome::Fix(fix) => {
                    let applicability = fix.applicability.min(transform.applicability);
                    if applicability < request.threshold {
                        let text = format!("the fix is for review only: {}", fix.assumptions.join("; "));
                        round.left.push(refused("below-threshold", false, text));
                    } else if claims.iter().any(|claim| claim.overlaps(fix.claim)) {
                        let text = "an earlier fix changes the same lines; it is tried again on the new text";
                        round.left.push(refused("conflict", false, text.into()));
                    } else if let Err(_back) = round.edits.union(fix.edits) {
                        let text = "its edits touch bytes that another fix changes";
                        round.left.push(refused("conflict", false, text.into()));
                    } else {
                        claims.push(fix.claim);
                        round.applied.push(report(Status::Fixed(applicability), fix.title, fix.assumptions));
                    }
                }
            }
        }
    }
    round
}

/// Whether `next` reads at least as well as `file`: it parses, and no more of it is opaque.
fn legible(file: &File<'_>, next: &[u8]) -> Result<(), String> {
    match File::parse(next) {
        Err(error) => Err(format!("the result would not parse (line {}: {})", error.line, error.message)),
        Ok(after) if after.opaque_instructions() > file.opaque_instructions() => {
            Err("the result would hold more instructions that can't be read".into())
        }
        Ok(_) => Ok(()),
    }
}

/// A span of the newest text as a span of the first one.
fn trace(history: &[EditSet], span: Span) -> Span {
    let back = |offset: u32| history.iter().rev().fold(offset as usize, |at, edits| edits.origin(at));
    let start = back(span.start);
    Span::new(start, back(span.end).max(start))
}
