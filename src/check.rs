//! `dockwright check`: what could be rewritten, and what could not and why. Nothing changes.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::batch::{self, Work};
use crate::cli::{CheckArgs, Format, Global};
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::report::Part;
use crate::report::human::{self, Summary};
use crate::report::json;

/// Runs the subcommand.
///
/// # Errors
/// Wrong usage, or standard output that can't be written.
pub(crate) fn run(args: &CheckArgs, global: &Global) -> Result<Exit> {
    let found = input::find(&args.input.paths, args.input.stdin_path.as_deref());
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
    batch::in_order(
        &found.files,
        global,
        |part: &mut Part, input| {
            let done = work.one(input);
            match args.output.format {
                Format::Json => part.text.extend(json::line(&input.path, &done)),
                Format::Human if colored => part.text.extend(human::findings(&input.path, &done, false).into_bytes()),
                Format::Human => {
                    let text = human::findings(&input.path, &done, false);
                    part.text.extend(anstream::adapter::strip_str(&text).to_string().into_bytes());
                }
            }
            part.summary.add(&input.path, &done);
            part.lines.of(input, &done);
        },
        |part| {
            output.write(&part.text)?;
            part.lines.say(&mut said, global.quiet);
            summary.append(part.summary);
            Ok(())
        },
    )?;
    output.finish()?;
    if !global.quiet {
        summary.print("to change");
    }
    Ok(match () {
        () if summary.has_failures() => Exit::Trouble,
        () if summary.has_findings() => Exit::Findings,
        () => Exit::Done,
    })
}
