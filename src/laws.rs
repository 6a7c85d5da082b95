//! `dockwright laws`: the laws on every file of a folder, and a table of what the transforms make of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use dockwright_transforms::context::Context;
use dockwright_transforms::laws::{Law, Violation, check};
use dockwright_transforms::rewrite::Status;
use dockwright_transforms::{Outcome, Request, Transform};
use rayon::prelude::*;

use crate::batch::{self, Failure, PANIC, Work, count};
use crate::cli::{Global, LawsArgs};
use crate::diff;
use crate::exit::Exit;
use crate::input::{self, Input};
use crate::output::Output;

/// One file under the laws.
struct Tried {
    /// Why there is no outcome.
    failure: Option<Failure>,
    outcome: Option<Outcome>,
    violations: Vec<Violation>,
    /// Its bytes, where they change, for the patch.
    change: Option<(Vec<u8>, Vec<u8>)>,
}

/// What the table shows.
#[derive(Default)]
struct Table {
    files: usize,
    parsed: usize,
    unread: usize,
    panics: Vec<String>,
    changed: usize,
    fixed: BTreeMap<(&'static str, &'static str), usize>,
    refused: BTreeMap<(&'static str, &'static str, bool), usize>,
    violations: BTreeMap<Law, usize>,
    lines: Vec<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// Wrong usage; no `git`; a temporary folder that can't be written.
pub(crate) fn run(args: &LawsArgs, global: &Global) -> Result<Exit> {
    let start = Instant::now();
    let found = input::find(&args.paths, None);
    let work = Work::new(&args.choice, &found)?;
    let folder = tempfile::tempdir().context("the folder for temporary files can't be written; set TMPDIR")?;
    let mut patch = Patch::new(folder.path());
    let mut table = Table { unread: found.errors.len(), files: found.errors.len(), ..Table::default() };
    for (path, error) in &found.errors {
        table.lines.push(format!("{}: {error}", path.display()));
    }

    batch::in_order(
        &found.files,
        global,
        |few: &mut Vec<_>, input| few.push((input.clone(), one(&work, input))),
        |few| {
            for (input, tried) in few {
                table.add(&input.path, &tried);
                if let Some((old, new)) = &tried.change {
                    patch.add(&input, old, new)?;
                }
            }
            Ok(())
        },
    )?;
    for (path, text) in patch.check()? {
        table.violate(&path, &Violation { law: Law::Agreement, text });
    }

    let seconds = start.elapsed().as_secs_f64();
    let mut output = Output::open(None)?;
    output.write(table.print(seconds).as_bytes())?;
    output.finish()?;
    Ok(match table.violations.is_empty() && table.panics.is_empty() {
        true if found.files.is_empty() => Exit::Trouble,
        true => Exit::Done,
        false => Exit::Findings,
    })
}

/// Every law on one file: all transforms together, whose outcome counts, and each alone.
fn one(work: &Work<'_>, input: &Input) -> Tried {
    let mut tried = Tried { failure: None, outcome: None, violations: Vec::new(), change: None };
    let read = input.read().map_err(Failure::File);
    let source = match read {
        Ok(source) => source,
        Err(failure) => return Tried { failure: Some(failure), ..tried },
    };
    let result = work.with(input, &source, |choice, context| {
        let try_with = |transforms: &[&'static Transform]| {
            let context = context.map(|context| context as &dyn Context);
            let request = Request { transforms, threshold: choice.threshold, context, settings: &choice.settings };
            check(&source, &request)
        };
        let (outcome, mut violations) = try_with(&choice.transforms)?;
        if choice.transforms.len() > 1 {
            for transform in &choice.transforms {
                let (_, alone) = try_with(&[*transform])?;
                violations.extend(alone.into_iter().map(|violation| Violation {
                    text: format!("{} alone: {}", transform.id, violation.text),
                    ..violation
                }));
            }
        }
        Ok((outcome, violations))
    });
    match result {
        Ok((outcome, violations)) => {
            tried.violations = violations;
            tried.change = outcome.output.clone().map(|new| (source, new));
            tried.outcome = Some(outcome);
        }
        Err(failure) => tried.failure = Some(failure),
    }
    tried
}

impl Table {
    fn add(&mut self, path: &Path, tried: &Tried) {
        self.files += 1;
        match &tried.failure {
            Some(failure) if failure.text().starts_with(PANIC) => {
                self.panics.push(format!("{}: {}", path.display(), failure.text()));
            }
            Some(_) => self.unread += 1,
            None => self.parsed += 1,
        }
        for violation in &tried.violations {
            self.violate(path, violation);
        }
        let Some(outcome) = &tried.outcome else { return };
        self.changed += usize::from(outcome.output.is_some());
        for report in &outcome.findings {
            match report.status {
                Status::Fixed(applicability) => {
                    *self.fixed.entry((report.transform, applicability.name())).or_default() += 1;
                }
                Status::Refused { code, settled } => {
                    *self.refused.entry((report.transform, code, settled)).or_default() += 1;
                }
            }
        }
    }

    fn violate(&mut self, path: &Path, violation: &Violation) {
        *self.violations.entry(violation.law).or_default() += 1;
        self.lines.push(format!("{}: {violation}", path.display()));
    }

    fn print(&self, seconds: f64) -> String {
        let mut out = String::new();
        for line in self.lines.iter().chain(&self.panics) {
            out += &format!("{line}\n");
        }
        let mut row = |name: &str, value: &str| out += &format!("{name:<44} {value:>9}\n");
        row("files", &self.files.to_string());
        row("parsed", &self.parsed.to_string());
        row("not read or not parsed", &self.unread.to_string());
        row("changed", &self.changed.to_string());
        for ((transform, applicability), number) in &self.fixed {
            row(&format!("fixed by {transform}, {applicability}"), &number.to_string());
        }
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort_by_key(|((transform, _, _), number)| (*transform, std::cmp::Reverse(**number)));
        for ((transform, code, settled), number) in refused {
            let settled = if *settled { " (settled)" } else { "" };
            row(&format!("{transform} refused: {code}{settled}"), &number.to_string());
        }
        for law in Law::ALL {
            let number = self.violations.get(&law).copied().unwrap_or_default();
            row(&format!("violations of {}", law.name()), &number.to_string());
        }
        row("panics", &self.panics.len().to_string());
        row("files per second", &format!("{:.0}", self.files as f64 / seconds.max(1e-9)));
        out
    }
}

/// The law of agreement, for many files at once: their old bytes in a folder, their diffs in one patch, one `git apply`,
/// and a look at what it made.
struct Patch<'a> {
    folder: &'a Path,
    text: Vec<u8>,
    /// Where each file was put, how it is called, and what it should become.
    files: Vec<(PathBuf, PathBuf, Vec<u8>)>,
}

impl<'a> Patch<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, text: Vec::new(), files: Vec::new() }
    }

    fn add(&mut self, input: &Input, old: &[u8], new: &[u8]) -> Result<()> {
        // The name in the folder keeps what matters for a header: the file's own name, one folder above.
        let name = input.path.file_name().map(PathBuf::from).unwrap_or_default();
        let place = PathBuf::from(self.files.len().to_string()).join(name);
        let path = self.folder.join(&place);
        fs::create_dir_all(path.parent().unwrap_or(self.folder))?;
        fs::write(&path, old)?;
        self.text.extend_from_slice(&diff::unified(&place, old, new));
        self.files.push((place, input.path.clone(), new.to_owned()));
        Ok(())
    }

    /// Applies the patch; the files that did not come out as they should, and why.
    fn check(self) -> Result<Vec<(PathBuf, String)>> {
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let said = git_apply(self.folder, &self.text)?;
        let wrong = self.files.par_iter().filter_map(|(place, path, new)| {
            let made = fs::read(self.folder.join(place)).unwrap_or_default();
            let text = || match said.is_empty() {
                true => "the printed diff gives other bytes than the rewrite".to_owned(),
                false => format!("git apply refuses the patch of {}: {said}", count(self.files.len(), "file")),
            };
            (made != *new).then(|| (path.clone(), text()))
        });
        Ok(wrong.collect())
    }
}

/// `git apply` in `folder`; what it says where it refuses, empty where it does not.
fn git_apply(folder: &Path, patch: &[u8]) -> Result<String> {
    let child = Command::new("git")
        .args(["apply", "--whitespace=nowarn", "-"])
        .current_dir(folder)
        // A hook of git has variables that name its own repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        // Above a folder for temporary files there may be a repository that has nothing to do with this.
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.context("git can't be started; install it to check the law of agreement")?;
    match child.stdin.take() {
        // Where git stops reading, what it says is the answer.
        Some(mut stdin) => drop(stdin.write_all(patch)),
        None => bail!("git takes no input"),
    }
    let output = child.wait_with_output()?;
    match output.status.success() {
        true => Ok(String::new()),
        false => Ok(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
    }
}
