//! Splits a stage that ships its toolchain into a builder and a runtime stage.
//!
//! The way of a decision, one file each:
//!
//! 1. `survey`: what stands in the stage, command by command.
//! 2. One file for each ecosystem (`go`): what is started, which command makes it, what it opens, and so what has to be
//!    carried over. Its answer is a [`plan::Recipe`].
//! 3. `runtime`: the image that the runtime stage stands on.
//! 4. `plan`: where each instruction goes, by its effect on the image.
//! 5. `tools`: programs that the runtime stage starts and that only the builder's image has.
//! 6. `emit`: the plan as edits.
//! 7. `check`: the result, read again and compared with what there was.

mod check;
mod emit;
mod go;
mod plan;
mod runtime;
mod survey;
mod tools;

use crate::model::{Model, Stage};
use crate::transform::{Applicability, Example, Finding, FindingOutcome, Refusal, Transform};

use survey::{Survey, refuse};

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
};

fn find(model: &Model<'_>) -> Vec<Finding> {
    let Some(stage) = model.shipped() else { return Vec::new() };
    let Some(from) = model.instruction(stage.from) else { return Vec::new() };
    let (message, outcome) = match split(model, stage) {
        Ok(fix) => ("The shipped image holds what it was built with".to_owned(), FindingOutcome::Fix(fix)),
        Err(refusal) => ("The stages are left as they are".to_owned(), FindingOutcome::Refused(refusal)),
    };
    vec![Finding { span: from.span, message, outcome }]
}

/// Plans, writes and checks the split of `stage`.
fn split(model: &Model<'_>, stage: &Stage) -> Result<crate::transform::Fix, Refusal> {
    let survey = Survey::new(model, stage)?;
    let recipe = match go::recipe(&survey) {
        Some(recipe) => recipe?,
        None if !survey.builds() => {
            return Err(refuse(
                "nothing-to-leave-behind",
                "no step of the shipped stage compiles or bundles anything",
                true,
            ));
        }
        None => return Err(refuse("unknown-ecosystem", "how this stage is built is not understood", false)),
    };
    let plan = plan::plan(&survey, recipe)?;
    let fix = emit::fix(&survey, &plan)
        .ok_or_else(|| refuse("self-check", "the edits of the split would touch the same bytes", false))?;
    check::check(&survey, &plan, &fix)?;
    Ok(fix)
}
