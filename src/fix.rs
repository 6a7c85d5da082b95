//! `dockwright fix`: rewrite in place, or show the change.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::batch::{self, Done, Work};
use crate::cli::{FixArgs, Format, Global};
use crate::exit::Exit;
use crate::input::{self, Input, Source};
use crate::output::Output;
use crate::report::Part;
use crate::report::human::{self, Summary};
use crate::report::json;
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
    let work = Work::new(&args.choice)?;
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
    batch::in_order(
        &found.files,
        global,
        |part: &mut Part, input| add(part, input, &work.one(input), mode, format, colored),
        |part| {
            output.write(&part.text)?;
            part.lines.say(&mut said, global.quiet);
            summary.append(part.summary);
            Ok(())
        },
    )?;
    output.finish()?;
    if !global.quiet {
        summary.print(if mode == Mode::Diff { "to change" } else { "changed" });
    }
    Ok(match () {
        () if summary.has_failures() => Exit::Trouble,
        () if args.exit_code && summary.has_changes() => Exit::Findings,
        () => Exit::Done,
    })
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
