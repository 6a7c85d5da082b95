//! Lets the shipped image run as a user that is not root, and that can write where the program has to.
//!
//! The way of a decision, one file each:
//!
//! 1. `survey`: what stands in the shipped stage, and what it stands on (`images`).
//! 2. `who`: who runs now.
//! 3. `obstacles`: what needs root at run time, and what its author has said about it.
//! 4. `stepdown`: whether all that starts steps down by itself, which USER can do.
//! 5. `user`: which user is right, and how the distribution makes one.
//! 6. `owns`: what that user has to own (`caches`).
//! 7. `place`: where the lines go (`layers`), and how it writes paths (`spelling`).
//! 8. `emit`: the decision as edits.
//!
//! Beside it, `uses` has how others start the image, and what they mount over it.
//!
//! `scanners` is the judge of the result, and no part of the way.

mod caches;
mod emit;
mod handed;
mod images;
mod layers;
mod obstacles;
mod owns;
mod place;
mod scanners;
mod scripts;
mod spelling;
mod stepdown;
mod supervised;
mod survey;
mod user;
mod uses;
mod who;

use crate::model::{Model, Stage};
use crate::syntax::{Instruction, Keyword};
use crate::transform::{Applicability, Example, Finding, FindingOutcome, Fix, Refusal, Transform};

use self::survey::Survey;

pub(super) static TRANSFORM: Transform = Transform {
    id: "non-root",
    summary: "Run the shipped image as a user that is not root",
    why: "What breaks out of a program that runs as root owns everything in the container, and whatever of the host is \
          mounted into it. A user of its own, which owns what the program writes and nothing else, costs two lines.",
    applicability: Applicability::Safe,
    example: Example {
        before: "FROM alpine:3.20\nCMD [\"whoami\"]\n",
        context: &[],
        after: "FROM alpine:3.20\nRUN addgroup -S appgroup && adduser -S appuser -G appgroup\nUSER appuser\n\
                CMD [\"whoami\"]\n",
    },
    find,
    once: true,
    changes: &[],
    broken: scanners::broken,
};

fn find(model: &Model<'_>) -> Vec<Finding> {
    let Some(stage) = model.shipped() else { return Vec::new() };
    let Some(from) = model.instruction(stage.from) else { return Vec::new() };
    let (message, outcome) = match change(model, stage) {
        Ok(fix) => ("The shipped image runs as root".to_owned(), FindingOutcome::Fix(fix)),
        Err(refusal) => ("The user is left as it is".to_owned(), FindingOutcome::Refused(refusal)),
    };
    vec![Finding { span: from.span, message, outcome }]
}

/// Decides and writes the change for `stage`.
fn change(model: &Model<'_>, stage: &Stage) -> Result<Fix, Refusal> {
    let facts = images::of(model, stage);
    obstacles::kind_of_file(model, stage, &facts)?;
    let starts = |one: &Instruction<'_>| matches!(one.keyword, Keyword::Cmd | Keyword::Entrypoint);
    if model.body(stage).any(|(_, one)| one.opaque && starts(one)) {
        return Err(refuse("opaque", "what it starts holds bytes that are not UTF-8", false));
    }
    let mut survey = Survey::new(model, stage, facts);
    let root = who::runs(&survey)?;
    obstacles::built_on(&survey)?;
    survey.follow();
    // What has run as a user from the start goes on as that user, with all that it had.
    let stepped = stepdown::find(&survey);
    let (user, needs) = match &stepped {
        Some(stepped) => (user::told(stepped), owns::as_before(stepped)),
        None => {
            obstacles::check(&survey)?;
            uses::check(&survey)?;
            obstacles::taken_place(&survey, &root)?;
            let user = user::choose(&survey, &root);
            let needs = owns::needs(&survey, &user);
            (user, needs)
        }
    };
    if let Some(path) = needs.paths().find(|path| path.contains(char::is_control)) {
        return Err(refuse("opaque", format!("the path {path:?} can't be written into a command"), false));
    }
    let mut plan = place::plan(&survey, &root, user, needs)?;
    plan.edits.extend(stepped.into_iter().flat_map(|stepped| stepped.edits));
    plan.tasks = uses::tasks(&survey);
    plan.assumptions.extend(plan.tasks.iter().cloned());
    emit::fix(&survey, &plan).ok_or_else(|| refuse("self-check", "the edits would touch the same bytes", false))
}

/// A refusal.
fn refuse(code: &'static str, text: impl Into<String>, settled: bool) -> Refusal {
    Refusal { code, text: text.into(), settled }
}
