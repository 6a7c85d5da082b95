//! `dockwright parse`: how a Dockerfile is read, as JSON, for tools and bug reports.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use dockwright_transforms::model::{Model, ShellForm};
use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::File;
use serde::Serialize;

use crate::cli::ParseArgs;
use crate::exit::Exit;
use crate::output::Output;

/// One file.
#[derive(Serialize)]
struct Answer<'a> {
    path: &'a str,
    error: Option<String>,
    escape: String,
    instructions: Vec<Instruction>,
}

#[derive(Serialize)]
struct Instruction {
    name: String,
    flags: Vec<String>,
    args: Vec<String>,
    json: bool,
    heredocs: Vec<Heredoc>,
    start_line: u32,
    end_line: u32,
    start: u32,
    end: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<&'static str>,
}

#[derive(Serialize)]
struct Heredoc {
    name: String,
    content: String,
    expand: bool,
    chomp: bool,
}

/// Runs the subcommand: one JSON object a file and line, in the order of the arguments.
///
/// # Errors
/// Standard output can't be written. A file that can't be read or parsed is an object with an `error`, and exit code 2.
pub(crate) fn run(args: &ParseArgs) -> Result<Exit> {
    let mut output = Output::open(None)?;
    let mut exit = Exit::Done;
    let mut answer = |path: &Path| -> Result<()> {
        let shown = path.to_string_lossy();
        let source = if path == Path::new("-") {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(path)
        };
        let answer = match source {
            Ok(source) => read(&shown, &source, args.shell),
            Err(error) => {
                Answer { path: &shown, error: Some(error.to_string()), escape: "\\".into(), instructions: Vec::new() }
            }
        };
        if answer.error.is_some() {
            exit = Exit::Trouble;
        }
        output.write(format!("{}\n", serde_json::to_string(&answer)?).as_bytes())?;
        Ok(())
    };
    for path in &args.files {
        answer(path)?;
    }
    if let Some(list) = &args.files_from {
        for line in std::fs::read_to_string(list)?.lines() {
            answer(&PathBuf::from(line))?;
        }
    }
    output.finish()?;
    Ok(exit)
}

/// Reads one file.
fn read<'a>(path: &'a str, source: &[u8], shell: bool) -> Answer<'a> {
    let file = match File::parse(source) {
        Ok(file) => file,
        Err(error) => {
            let place = if error.line > 0 { format!("line {}: ", error.line) } else { String::new() };
            let error = Some(format!("{place}{}", error.message));
            return Answer { path, error, escape: "\\".into(), instructions: Vec::new() };
        }
    };
    let settings = Settings::default();
    let model = Model::new(&file, None, &settings);
    let instructions = file.instructions.iter().enumerate().map(|(index, instruction)| {
        let inner = instruction.inner.as_deref().unwrap_or(instruction);
        Instruction {
            name: instruction.keyword.name().to_ascii_lowercase(),
            flags: instruction.flag_texts(),
            args: instruction.arguments(file.escape),
            json: instruction.is_json(),
            heredocs: inner
                .heredocs
                .iter()
                .map(|heredoc| Heredoc {
                    name: heredoc.name.clone(),
                    content: heredoc.text(),
                    expand: heredoc.expand,
                    chomp: heredoc.chomp,
                })
                .collect(),
            start_line: instruction.lines.0,
            end_line: instruction.lines.1,
            start: instruction.span.start,
            end: instruction.span.end,
            shell: model.shell_form(index).filter(|_| shell).map(ShellForm::name),
        }
    });
    let escape = char::from(file.escape).to_string();
    Answer { path, error: None, escape, instructions: instructions.collect() }
}
