//! dockwright rewrites Dockerfiles: this file parses the command line, runs the subcommand and exits.

mod batch;
mod check;
mod cli;
mod compose;
mod config;
mod context;
mod diff;
mod exit;
mod explain;
mod fix;
mod input;
mod laws;
mod list;
mod output;
mod parse;
mod platforms;
mod pr;
mod report;
mod verify;
mod write;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Exit;

/// Thousands of small texts come and go for every file; the system's allocator was a quarter of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.global.color.write_global();
    if let Some(jobs) = cli.global.jobs {
        // The pool is built once, before anything uses it, so this can't fail for having been built already.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    batch::silence_caught_panics();
    let result = match &cli.command {
        Command::Fix(args) => fix::run(args, &cli.global),
        Command::Check(args) => check::run(args, &cli.global),
        Command::Verify(args) => verify::run(args, &cli.global),
        Command::Pr(args) => pr::run(args, &cli.global),
        Command::Explain(args) => explain::run(args, &cli.global),
        Command::List(args) => list::run(args),
        Command::Parse(args) => parse::run(args),
        Command::Laws(args) => laws::run(args, &cli.global),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) if exit::is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            report::human::error(&format!("{error:#}"));
            Exit::Trouble.into()
        }
    }
}
