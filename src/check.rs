//! `dockwright check`: what could be rewritten, and what could not and why. Nothing changes.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use crate::batch::{self, Work};
use crate::cli::{CheckArgs, CheckFormat, Global};
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::report::human::{self, Summary};
use crate::report::sarif::Gathered;
use crate::report::{Part, github, gitlab, json, mends};

/// What a few files make.
#[derive(Default)]
struct Few {
    part: Part,
    sarif: Gathered,
}

/// Runs the subcommand.
///
/// # Errors
/// Wrong usage, or standard output that can't be written.
pub(crate) fn run(args: &CheckArgs, global: &Global) -> Result<Exit> {
    let found = input::find(&args.input.paths, args.input.stdin_path.as_deref());
    let work = Work::new(&args.choice, &found)?;
    let mut output = Output::open(args.output.as_deref())?;
    let mut summary = Summary::default();
    let mut said = BTreeSet::new();
    let mut sarif = Gathered::default();
    let mut array = Array::default();

    for (path, error) in &found.errors {
        human::error(&format!("{}: {error}", path.display()));
        summary.add_failure();
        match args.format {
            CheckFormat::Human => {}
            CheckFormat::Json => output.write(&json::failed(path, error))?,
            CheckFormat::Github => output.write(github::failed(path, error).as_bytes())?,
            CheckFormat::Gitlab => output.write(&array.next(&entry(&gitlab::failed(path, error))))?,
            CheckFormat::Sarif => sarif.failed(path, error),
        }
    }
    let colored = output.colored;
    batch::in_order(
        &found.files,
        global,
        |few: &mut Few, input| {
            let done = work.one(input);
            let Few { part, sarif } = few;
            match args.format {
                CheckFormat::Human if colored => {
                    part.text.extend(human::findings(&input.path, &done, false).into_bytes());
                }
                CheckFormat::Human => {
                    let text = human::findings(&input.path, &done, false);
                    part.text.extend(anstream::adapter::strip_str(&text).to_string().into_bytes());
                }
                CheckFormat::Json => {
                    part.text.extend(json::line_with(&input.path, &done, &mends::of(&work, input, &done)));
                }
                CheckFormat::Github => part.text.extend(github::lines(&input.path, &done)),
                CheckFormat::Gitlab => {
                    gitlab::entries(&input.path, &done).iter().for_each(|one| part.text.extend(entry(one)));
                }
                CheckFormat::Sarif => sarif.add(&input.path, &done, &mends::of(&work, input, &done)),
            }
            part.summary.add(&input.path, &done);
            part.lines.of(input, &done);
        },
        |few| {
            match args.format {
                CheckFormat::Gitlab => output.write(&array.next(&few.part.text))?,
                _ => output.write(&few.part.text)?,
            }
            few.part.lines.say(&mut said, global.quiet);
            summary.append(few.part.summary);
            sarif.append(few.sarif);
            Ok(())
        },
    )?;
    match args.format {
        CheckFormat::Gitlab => output.write(array.end())?,
        CheckFormat::Sarif => output.write(&sarif.finish()?)?,
        CheckFormat::Human | CheckFormat::Json | CheckFormat::Github => {}
    }
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

/// An entry of an array, on a line of its own with a comma before it.
fn entry(value: &Value) -> Vec<u8> {
    format!(",\n{value}").into_bytes()
}

/// An array that is written piece by piece.
#[derive(Default)]
struct Array {
    begun: bool,
}

impl Array {
    /// The next entries; the first one has a bracket for its comma.
    fn next(&mut self, entries: &[u8]) -> Vec<u8> {
        match entries.split_first() {
            Some((_, rest)) if !std::mem::replace(&mut self.begun, true) => [b"[", rest].concat(),
            _ => entries.to_vec(),
        }
    }

    fn end(&self) -> &'static [u8] {
        if self.begun { b"\n]\n" } else { b"[]\n" }
    }
}
