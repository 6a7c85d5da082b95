//! `dockwright explain`: what was found in one Dockerfile, with the evidence behind it.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::batch::Work;
use crate::cli::{ExplainArgs, Format, Global};
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::report::{human, json};

/// Runs the subcommand.
///
/// # Errors
/// The file can't be read or parsed; standard output can't be written.
pub(crate) fn run(args: &ExplainArgs, global: &Global) -> Result<Exit> {
    let paths: [PathBuf; 1] = [args.file.clone()];
    let found = input::find(&paths, args.stdin_path.as_deref());
    if let Some((path, error)) = found.errors.first() {
        bail!("{}: {error}", path.display());
    }
    let [input] = found.files.as_slice() else {
        bail!("{}: holds {} Dockerfiles; name one of them", args.file.display(), found.files.len());
    };
    let work = Work::explaining(&args.choice, &found)?;
    let done = work.one(input);
    if let Err(failure) = &done.outcome {
        bail!("{}", failure.line(input));
    }
    if let Some(note) = done.note.as_ref().filter(|_| !global.quiet) {
        human::note(note);
    }
    let mut output = Output::open(None)?;
    if args.json || args.format == Format::Json {
        output.write(&json::line(&input.path, &done))?;
        output.finish()?;
        return Ok(Exit::Done);
    }
    let mut text = human::findings(&input.path, &done, true);
    if text.is_empty() {
        text = format!("{}: no transform has anything to say\n", input.path.display());
    }
    if !output.colored {
        text = anstream::adapter::strip_str(&text).to_string();
    }
    output.write(text.as_bytes())?;
    output.finish()?;
    Ok(Exit::Done)
}
