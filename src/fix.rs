//! `dockwright fix`: rewrite in place, or show the change.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::batch::{self, Done, Work};
use crate::cli::{FixArgs, Format, Global, ProofArgs};
use crate::exit::Exit;
use crate::input::{self, Input, Source};
use crate::output::Output;
use crate::report::Part;
use crate::report::human::{self, Summary};
use crate::report::json;
use crate::verify::verdict::Verdict;
use crate::verify::{self, Laboratory, Outcome, Shown};
use crate::{diff, write};

/// What is done with a new text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It replaces the file's, and standard input's goes to standard output.
    Write,
    /// Its difference is shown.
    Diff,
}

/// Runs the subcommand.
///
/// # Errors
/// Wrong usage, or standard output that can't be written.
pub(crate) fn run(args: &FixArgs, global: &Global) -> Result<Exit> {
    let mode = if args.dry_run { Mode::Diff } else { Mode::Write };
    let found = input::find(&args.input.paths, args.input.stdin_path.as_deref());
    let stdin = found.files.iter().any(|input| input.source == Source::Stdin);
    if stdin && mode == Mode::Write && args.input.paths.len() > 1 {
        bail!("`-` prints the new text, so it goes with no other path; name it alone, or use --dry-run");
    }
    if !args.verify && args.proof != ProofArgs::default() {
        bail!("the options for building and running go with --verify, which is missing");
    }
    let work = Work::new(&args.choice, &found)?;
    let mut output = Output::open(args.output.output.as_deref())?;
    let mut summary = Summary::default();
    let mut said = BTreeSet::new();

    for (path, error) in &found.errors {
        human::error(&format!("{}: {error}", path.display()));
        summary.add_failure();
        if args.output.format == Format::Json {
            output.write(&json::failed(path, error))?;
        }
    }
    let colored = output.colored;
    let format = args.output.format;
    let mut take = |part: Part| {
        output.write(&part.text)?;
        part.lines.say(&mut said, global.quiet);
        summary.append(part.summary);
        Ok(())
    };
    let mut outcomes = Vec::new();
    if args.verify {
        let laboratory = Laboratory::open(&args.proof).map_err(anyhow::Error::msg)?;
        let proven = |input: &Input, shown: &Shown| {
            let mut done = work.one(input);
            let outcome = verify::prove(&laboratory, &work, input, &mut done, shown);
            let mut part = Part::default();
            let proven = outcome.as_ref().is_none_or(|one| matches!(one.verdict, Verdict::Same | Verdict::Differs(_)));
            match proven {
                true => add(&mut part, input, &done, mode, format, colored),
                // Nothing is claimed, so nothing is written.
                false => unproven(&mut part, input, outcome.as_ref(), mode, format, &done),
            }
            (part, outcome)
        };
        verify::each(&found.files, global, proven, |(part, outcome)| {
            outcomes.extend(outcome);
            take(part)
        })?;
        laboratory.close();
    } else {
        let work = |part: &mut Part, input: &Input| add(part, input, &work.one(input), mode, format, colored);
        batch::in_order(&found.files, global, work, take)?;
    }
    output.finish()?;
    if !global.quiet && !outcomes.is_empty() {
        human::table(&verify::report::human(&outcomes));
    }
    if !global.quiet {
        summary.print(if mode == Mode::Diff { "to change" } else { "changed" });
    }
    Ok(match () {
        () if outcomes.iter().any(|outcome| outcome.verdict == Verdict::Interrupted) => Exit::Interrupted,
        () if summary.has_failures() => Exit::Trouble,
        () if args.exit_code && summary.has_changes() => Exit::Findings,
        () => Exit::Done,
    })
}

/// Leaves a file alone whose original does not build, or that could not be built at all.
fn unproven(part: &mut Part, input: &Input, outcome: Option<&Outcome>, mode: Mode, format: Format, done: &Done) {
    let verdict = outcome.map_or(&Verdict::Unchanged, |outcome| &outcome.verdict);
    let text = match verdict.details().first() {
        Some(detail) => format!("not proven, so left as it is: {}: {detail}", verdict.name()),
        None => format!("not proven, so left as it is: {}", verdict.name()),
    };
    if mode == Mode::Write && input.source == Source::Stdin && format == Format::Human {
        part.text.extend_from_slice(&done.source);
    }
    if format == Format::Json {
        part.text.extend(json::failed(&input.path, &text));
    }
    part.summary.add_failure();
    part.lines.error(format!("{}: {text}", input.path.display()));
}

/// Does with one file's result what the mode says.
fn add(part: &mut Part, input: &Input, done: &Done, mode: Mode, format: Format, colored: bool) {
    let new = done.outcome.as_ref().ok().and_then(|outcome| outcome.output.as_deref());
    let stdin = input.source == Source::Stdin;
    let mut unwritten = None;
    match (mode, new) {
        (Mode::Write, Some(new)) if !stdin => unwritten = write::replace(input.target(), &done.source, new).err(),
        // What can't be rewritten is passed on as it is, so that a pipe loses nothing.
        (Mode::Write, new) if stdin && format == Format::Human => {
            part.text.extend_from_slice(new.unwrap_or(&done.source));
        }
        (Mode::Diff, Some(new)) if format == Format::Human => {
            let diff = diff::unified(&input.path, &done.source, new);
            part.text.extend_from_slice(&if colored { diff::painted(&diff) } else { diff });
        }
        _ => {}
    }
    if format == Format::Json {
        part.text.extend(match &unwritten {
            Some(error) => json::failed(&input.path, error),
            None => json::line(&input.path, done),
        });
    }
    part.summary.add(&input.path, done);
    if let Some(error) = unwritten {
        part.summary.add_failure();
        part.lines.error(format!("{}: {error}", input.path.display()));
    }
    part.lines.of(input, done);
}
