//! Compiles when the image is built, where the image compiles whenever a container starts.
//!
//! The way of a decision, one file each:
//!
//! 1. `start`: the command of the entry that compiles, what stands around it, and how it is written anew.
//! 2. `workplace`: whether the image is a place to work in, where compiling at the start is the purpose.
//! 3. What is made and how it is started: [`project::Ahead`]. `go`, `native`, `jvm`, `dotnet` and `node` know the tools,
//!    and read the name of the result from the manifests of the `project`.
//! 4. `place`: where the new RUN stands.

mod dotnet;
mod go;
mod gradle;
mod jvm;
mod markup;
mod native;
mod node;
mod place;
mod project;
mod start;
mod workplace;

use crate::edit::EditSet;
use crate::model::{Model, Stage};
use crate::surgery::Layout;
use crate::syntax::Keyword;
use crate::transform::{Applicability, Example, Finding, FindingOutcome, Fix, Refusal, Transform};

use project::{Ahead, Project};
use start::Start;

pub(super) static TRANSFORM: Transform = Transform {
    id: "compile-ahead",
    summary: "Compile when the image is built, not at every start",
    why: "A program that is compiled when the container starts is late, needs the network, the sources and the whole \
          toolchain where it runs, and may be another one each time. Compiled in the image, it starts at once, a mistake \
          shows in the build, and the toolchain can stay behind.",
    applicability: Applicability::Review,
    example: Example {
        before: "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nEXPOSE 8080\nCMD [\"go\", \"run\", \"./cmd/hello\", \"-v\"]\n",
        context: &[
            ("go.mod", "module example.com/hello\n\ngo 1.22\n"),
            ("cmd/hello/main.go", "package main\n\nfunc main() { println(\"hello\") }\n"),
        ],
        after: "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o /usr/local/bin/hello ./cmd/hello\nEXPOSE 8080\n\
                CMD [\"/usr/local/bin/hello\", \"-v\"]\n",
    },
    find,
    once: true,
    changes: &[Keyword::Entrypoint, Keyword::Cmd, Keyword::Workdir],
    broken,
};

/// What knows a tool: `None` where the command is not its own, or compiles nothing.
type Tool = fn(&Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>>;

const TOOLS: [Tool; 9] = [
    go::run,
    native::cargo,
    native::stack,
    native::swift,
    native::dart,
    jvm::maven,
    gradle::gradle,
    jvm::sbt,
    dotnet::run,
];

fn find(model: &Model<'_>) -> Vec<Finding> {
    let Some(stage) = model.shipped() else { return Vec::new() };
    let Some((start, result)) = look(model, stage) else { return Vec::new() };
    let Some(instruction) = model.instruction(start.index) else { return Vec::new() };
    let fix = result.and_then(|ahead| write(model, stage, &start, &ahead));
    let (message, outcome) = match fix {
        Ok(fix) => (format!("`{}` compiles whenever a container starts", start.shown()), FindingOutcome::Fix(fix)),
        Err(refusal) => {
            (format!("`{}` still starts from the sources", start.shown()), FindingOutcome::Refused(refusal))
        }
    };
    vec![Finding { span: instruction.span, message, outcome }]
}

/// The command that compiles when a container of `stage` starts, and what can take its place; `None` where there is none.
fn look<'m>(model: &'m Model<'_>, stage: &'m Stage) -> Option<(Start<'m>, Result<Ahead, Refusal>)> {
    start::commands(model, stage).into_iter().find_map(|start| {
        let project = Project::new(model, stage, &start);
        let tool = TOOLS.iter().find_map(|tool| tool(&project)).or_else(|| node::develops(&project))?;
        let result = decide(&project, tool);
        Some((start, result))
    })
}

/// What a tool says, where nothing speaks against it that holds for all tools.
fn decide(project: &Project<'_, '_, '_>, tool: Result<Ahead, Refusal>) -> Result<Ahead, Refusal> {
    workplace::purpose(project)?;
    let ahead = tool?;
    place::sources(project, &ahead)?;
    Ok(ahead)
}

/// The change as edits.
fn write(model: &Model<'_>, stage: &Stage, start: &Start<'_>, ahead: &Ahead) -> Result<Fix, Refusal> {
    let layout = Layout::new(model.file, stage.from, stage.body.clone());
    let written = start.rewrite(model, ahead)?;
    let mut edits = written.edits;
    edits.extend(place::insert(model, stage, &layout, start, ahead, &written.moved)?);
    let claim = layout.tile(stage.from);
    let claim = crate::span::Span { start: claim.start, end: claim.start.max(model.file.source.len() as u32) };
    let edits = EditSet::new(edits).map_err(|_| refuse("self-check", "the edits would touch the same bytes", false))?;
    Ok(Fix {
        title: format!("Compile by `{}` in the image, and start what it makes", short(&ahead.build)),
        applicability: Applicability::Review,
        // It changes what everything else in the stage is for.
        claim,
        edits,
        assumptions: ahead.assumptions.clone(),
        tasks: Vec::new(),
        decisions: Vec::new(),
    })
}

/// A command without what makes it long.
fn short(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    match words.get(..6) {
        Some(first) if words.len() > 6 => format!("{} …", first.join(" ")),
        _ => command.to_owned(),
    }
}

/// What is promised: nothing compiles any more when a container starts, and what is started is told the same as before.
fn broken(before: &Model<'_>, after: &Model<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let (Some(was), Some(is)) = (before.shipped(), after.shipped()) else { return found };
    if let Some((start, _)) = look(after, is) {
        found.push(format!("`{}` still compiles whenever a container starts", start.shown()));
    }
    let set = |model: &Model<'_>, stage: &Stage| {
        let entry = crate::model::entry::of(model, stage);
        (entry.entrypoint.is_some(), entry.cmd.is_some(), entry.known)
    };
    if set(before, was) != set(after, is) {
        found.push("ENTRYPOINT and CMD are not those that were set before".to_owned());
    }
    found
}

/// A refusal.
fn refuse(code: &'static str, text: impl Into<String>, settled: bool) -> Refusal {
    Refusal { code, text: text.into(), settled }
}
