//! Splits a stage that ships its toolchain into a builder and a runtime stage.
//!
//! The way of a decision, one file each:
//!
//! 1. `survey`: what stands in the stage, command by command.
//! 2. What has to be carried over, as a [`plan::Recipe`]. `go` knows what is started, which command makes it and what it
//!    opens; `whole` serves every other language: what the build wrote goes along whole, from where its installers put
//!    things (`stores`), with the libraries that its modules need (`libraries`) or that it is linked with (`linked`), and
//!    less than whole where the project proves that less is enough (`lean`), by what its sources open (`opened`).
//! 3. `runtime`: the image that the runtime stage stands on.
//! 4. `plan`: where each instruction goes, by its effect on the image; `runs` for the commands of a RUN, and `shared`
//!    for those of them that the build stands on as well. `programs` keeps what is started then.
//!    `tidy` knows the commands that take away themselves what they built with, `helpers` the tools that only build.
//!    `workplace` knows the images in which something is compiled when they run.
//! 5. `tools`: programs that the runtime stage starts and that only the builder's image has; `calls` finds those that the
//!    sources start.
//! 6. `emit`: the plan as edits; `explain`: the plan in words.
//!    `java` knows what a project in Java asks of its runtime.
//! 7. `check`: the result, read again and compared with what there was; `provenance` for what its commands stand on.
//!
//! A stage that builds nothing, on an image with a compiler, needs no second one: `rebase` puts it on a smaller image. One
//! that stands on another stage, in which things are built, is split together with it: `standing`.

mod accounts;
mod browsers;
mod calls;
mod certificates;
mod check;
mod emit;
mod explain;
mod globalization;
mod globals;
mod go;
mod helpers;
mod java;
mod lean;
mod libraries;
mod linked;
mod opened;
mod plan;
mod programs;
mod provenance;
mod rebase;
mod runs;
mod runtime;
mod shared;
mod standing;
mod started;
mod stores;
mod survey;
mod tidy;
mod tools;
mod types;
mod wheels;
mod whole;
mod workplace;

use crate::knowledge::packages::Role;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Model, Stage, built_on, entry};
use crate::settings::Start;
use crate::transform::{Applicability, Example, Finding, FindingOutcome, Fix, Refusal, Transform, nothing_broken};

use survey::{Survey, refuse};

/// Every way of knowing what a stage needs at run time, the most particular first. Each answers `None` where the stage
/// is not its own.
const RECIPES: [Known; 2] = [go::recipe, whole::recipe];

/// The reason of a stage that builds nothing.
const NOTHING: &str = "nothing-to-leave-behind";

/// The reason of a stage that says itself of nothing that it starts.
const STARTS_NOTHING: &str = "starts-nothing";

/// The reasons of a stage whose base may have a compiler that no command of it starts.
const UNBUILT: [&str; 2] = [NOTHING, "nothing-built"];

/// What an ecosystem knows of a stage.
type Known = fn(&Survey<'_, '_>) -> Option<Result<plan::Recipe, Refusal>>;

pub(super) static TRANSFORM: Transform = Transform {
    id: "multi-stage",
    summary: "Split a stage that ships its toolchain into a builder and a runtime stage",
    why: "A compiler, its headers and the sources make an image many times larger than the program needs, slower to \
          pull, and full of parts that scanners and intruders find. A runtime stage holds the program and what it opens.",
    applicability: Applicability::Safe,
    example: Example {
        before: "FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\nCMD [\"./app\"]\n",
        context: &[
            ("go.mod", "module example.com/hello\n\ngo 1.22\n"),
            ("main.go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"),
        ],
        after: "FROM golang:1.22-alpine AS builder\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\n\n\
                FROM alpine:3.21\nWORKDIR /src\nCOPY --from=builder /src/app /src/app\nCMD [\"./app\"]\n",
    },
    find,
    once: true,
    changes: &[],
    broken: nothing_broken,
};

fn find<'m>(model: &'m Model<'m>) -> Vec<Finding> {
    let Some(stage) = model.shipped() else { return Vec::new() };
    let Some(from) = model.instruction(stage.from) else { return Vec::new() };
    let rebased = |refusal: &Refusal| UNBUILT.contains(&refusal.code).then(|| rebase::fix(model, stage)).flatten();
    const HOLDS: &str = "The shipped image holds what it was built with";
    let joined = |refusal: &Refusal| (refusal.code == NOTHING).then(|| standing::fix(model, stage)).flatten();
    let (message, outcome) = match split(model, stage, true) {
        Ok(fix) => (HOLDS, FindingOutcome::Fix(fix)),
        Err(refusal) => {
            if let Some(fix) = rebased(&refusal) {
                ("The shipped image holds a compiler that nothing in it uses", FindingOutcome::Fix(fix))
            } else if let Some(fix) = joined(&refusal) {
                (HOLDS, FindingOutcome::Fix(fix))
            } else {
                let refusal = if refusal.code == NOTHING { below(model, stage).unwrap_or(refusal) } else { refusal };
                ("The stages are left as they are", FindingOutcome::Refused(refusal))
            }
        }
    };
    let message = message.to_owned();
    vec![Finding { span: from.span, message, outcome }]
}

/// Why there is something to leave behind all the same: a stage on which this one stands, and maybe others, installs what
/// things are built with.
fn below(model: &Model<'_>, stage: &Stage) -> Option<Refusal> {
    model.below(stage).find_map(|other| {
        let steps = other.body.clone().filter_map(|index| model.steps(index)).filter(|steps| !tidy::is_tidy(steps));
        let mut packages = steps.flatten().filter_map(|step| match effects::of(step) {
            Effect::Install(packages) => packages.names.iter().find(|name| packages.role(name) == Role::Build),
            _ => None,
        });
        let text = format!(
            "{} is installed in the stage {}, on which the shipped one stands: ship a stage that only takes over what is \
             built there",
            packages.next()?,
            other.name.as_deref()?
        );
        Some(refuse("built-in-a-stage-below", text, true))
    })
}

/// Plans, writes and checks the split of `stage`; with `for_good`, also that the result is not one to be split again.
///
/// What others start in the image is looked at as what it starts itself is. Where that can't be had, as it is the
/// toolchain or nothing that is known, the builder still has it, and the fix says so.
fn split<'m>(model: &'m Model<'m>, stage: &'m Stage, for_good: bool) -> Result<Fix, Refusal> {
    workplace::developed(model)?;
    if let Some(other) = built_on::built_on(model) {
        let text = format!("{other} is built on the image that this file makes, and may need what would stay behind");
        return Err(refuse("passed-on", text, true));
    }
    let starts = others(model, stage);
    if starts.is_empty() {
        return parted(model, stage, &[], for_good);
    }
    let all: Vec<&[Step]> = starts.iter().map(|(_, steps)| steps.as_slice()).collect();
    let together = match parted(model, stage, &all, for_good) {
        Ok(fix) => return Ok(fix),
        // What they start needs all that the split would leave behind or take away, and no stage would have it.
        Err(refusal) if refusal.code == NOTHING => return Err(refusal),
        Err(refusal) => refusal,
    };
    let alone = match parted(model, stage, &[], for_good) {
        // What they start is all that starts.
        Err(refusal) if refusal.code == STARTS_NOTHING => return Err(together),
        alone => alone?,
    };
    let fits = |steps: &[Step]| parted(model, stage, &[steps], for_good).is_ok();
    let (known, left): (Vec<_>, Vec<_>) = starts.iter().partition(|(_, steps)| fits(steps));
    // A platform has the one image for all that it starts.
    if left.iter().any(|(start, _)| start.fixed) {
        return Err(together);
    }
    let known: Vec<&[Step]> = known.iter().map(|(_, steps)| steps.as_slice()).collect();
    let mut fix = parted(model, stage, &known, for_good).unwrap_or(alone);
    for (start, steps) in left {
        let what = steps.last().map(whole::shown).unwrap_or_default();
        fix.tasks.push(format!(
            "{} starts `{what}`, which needs what stays in the builder: give it `target: {}`",
            start.by,
            emit::free_name(model)
        ));
        fix.applicability = Applicability::Review;
    }
    fix.assumptions.extend(fix.tasks.iter().cloned());
    Ok(fix)
}

/// What others start in the image of a stage, as far as it can be read.
fn others<'m>(model: &'m Model<'_>, stage: &Stage) -> Vec<(&'m Start, Vec<Step>)> {
    let starts = model.settings.starts.iter().filter(|start| start.is_of(stage.name.as_deref()));
    starts.filter_map(|start| Some((start, entry::instead(model, stage, start)?))).collect()
}

/// The split of a stage in which also these commands start.
fn parted<'m>(model: &'m Model<'m>, stage: &'m Stage, starts: &[&[Step]], for_good: bool) -> Result<Fix, Refusal> {
    let read = |tidy: bool| -> Result<Survey<'m, 'm>, Refusal> {
        let mut survey = Survey::new(model, stage, tidy)?;
        survey.also(starts);
        Ok(survey)
    };
    let survey = read(false)?;
    let refusal = match attempt(model, &survey, for_good) {
        Err(refusal) if tidy::CAUSES.contains(&refusal.code) => refusal,
        result => return result,
    };
    // What can't be taken apart need not be where nothing of it stays.
    let rest = read(true)?;
    if !rest.units.iter().any(|unit| unit.tidy) {
        return Err(refusal);
    }
    match attempt(model, &rest, for_good) {
        Ok(fix) => Ok(fix),
        Err(other) if other.settled => Err(other),
        Err(_) => Err(refusal),
    }
}

/// Plans, writes and checks the split of what a survey found.
fn attempt<'m>(model: &'m Model<'m>, survey: &Survey<'m, 'm>, for_good: bool) -> Result<Fix, Refusal> {
    let Some(recipe) = RECIPES.iter().find_map(|recipe| recipe(survey)) else {
        let text = if survey.units.iter().any(|unit| unit.tidy) {
            "what the image is built with is taken away again in the same instruction"
        } else {
            "no step of the shipped stage compiles or bundles anything"
        };
        return Err(refuse(NOTHING, text, true));
    };
    let mut recipe = recipe?;
    // What a command turns out to lack is given to it, as far as another instruction of the file can.
    const PASSES: usize = 8;
    for _ in 0..PASSES {
        let plan = plan::plan(survey, recipe.clone())?;
        let mut fix = emit::fix(survey, &plan)
            .ok_or_else(|| refuse("self-check", "the edits of the split would touch the same bytes", false))?;
        let missing =
            match check::check(survey, &plan, &fix, &|new, shipped| for_good && split(new, shipped, false).is_ok()) {
                Ok(()) => {
                    if model.settings.explain {
                        fix.decisions = explain::decisions(survey, &plan);
                    }
                    return Ok(fix);
                }
                Err(check::Fault::Other(refusal)) => return Err(refusal),
                Err(check::Fault::Missing(missing)) => missing,
            };
        if !missing.mend(&mut recipe, &plan.recipe.carried) {
            return Err(missing.refusal());
        }
    }
    Err(refuse("self-check", "the commands of the stages could not be put in order", false))
}
