//! `dockwright list`: the transforms.

use anyhow::Result;
use dockwright_transforms::catalog;
use serde::Serialize;

use crate::cli::{Format, ListArgs};
use crate::exit::Exit;
use crate::output::Output;

/// One transform as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    applicability: &'a str,
    summary: &'a str,
    why: &'a str,
}

/// Runs the subcommand.
///
/// # Errors
/// Standard output can't be written.
pub(crate) fn run(args: &ListArgs) -> Result<Exit> {
    let mut output = Output::open(None)?;
    let width = catalog::ALL.iter().map(|transform| transform.id.len()).max().unwrap_or_default();
    for transform in catalog::ALL {
        let applicability = transform.applicability.name();
        let line = match args.format {
            Format::Human => format!("{:width$}  {applicability:6}  {}", transform.id, transform.summary),
            Format::Json => serde_json::to_string(&Entry {
                id: transform.id,
                applicability,
                summary: transform.summary,
                why: transform.why,
            })?,
        };
        output.write(format!("{line}\n").as_bytes())?;
    }
    output.finish()?;
    Ok(Exit::Done)
}
