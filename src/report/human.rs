//! Text for people: error lines, findings, the summary.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use anstyle::{AnsiColor, Effects, Style};
use dockwright_transforms::Applicability;
use dockwright_transforms::rewrite::{Report, Status};

use super::json::line_of;
use crate::batch::{Done, count};
use crate::input::Input;

const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const FIX: Style = AnsiColor::Green.on_default();
const LEFT: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().effects(Effects::DIMMED);

/// One line on standard error, which names its file.
pub(crate) fn error(line: &str) {
    eprint(&format!("{ERROR}error{ERROR:#}: {}\n", printable(line)));
}

/// A remark on standard error.
pub(crate) fn note(line: &str) {
    eprint(&format!("{DIM}note{DIM:#}: {}\n", printable(line)));
}

/// A text of several lines on standard error, which ends its last one itself.
pub(crate) fn table(text: &str) {
    eprint(text);
}

/// A text in which nothing steers a terminal, or ends its line: a file's name and its words may hold anything, and a line
/// of its own that begins with `::` would be a command where GitHub Actions reads the log.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    match text.contains(|one: char| one.is_control() && one != '\t') {
        true => text.replace(|one: char| one.is_control() && one != '\t', "\u{fffd}").into(),
        false => text.into(),
    }
}

/// Writes to standard error, colours taken off where they do not belong. A closed standard error is nobody's loss.
fn eprint(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// The findings of one file, a paragraph each; settled ones only where `all`.
pub(crate) fn findings(path: &Path, done: &Done, all: bool) -> String {
    let mut out = String::new();
    let reports = done.outcome.iter().flat_map(|outcome| &outcome.findings);
    for report in reports.filter(|report| all || !settled(report)) {
        let line = line_of(&done.source, report.span.start);
        let (style, verdict) = match report.status {
            Status::Fixed(applicability) => (FIX, format!("{}, {} fix", report.transform, applicability.name())),
            Status::Refused { code, settled: false } => (LEFT, format!("{}, left: {code}", report.transform)),
            Status::Refused { code, settled: true } => (DIM, format!("{}, settled: {code}", report.transform)),
        };
        let (path, message) = (path.to_string_lossy(), printable(&report.message));
        out += &format!("{}:{line}: {message} {style}[{verdict}]{style:#}\n", printable(&path));
        if !report.detail.is_empty() {
            out += &format!("    {}\n", printable(&report.detail));
        }
        out += &decisions(report);
        for assumption in &report.assumptions {
            out += &format!("    {DIM}takes for granted:{DIM:#} {}\n", printable(assumption));
        }
    }
    out
}

/// What was decided, as a table: line, place, what, and the evidence under it.
fn decisions(report: &Report) -> String {
    let mut out = String::new();
    let width = report.decisions.iter().map(|decision| decision.what.chars().count()).max().unwrap_or(0).min(60);
    for decision in &report.decisions {
        let line = decision.line.map_or_else(|| "+".to_owned(), |line| line.to_string());
        let what = &decision.what;
        let pad = " ".repeat(width.saturating_sub(what.chars().count()));
        out += &format!("    {line:>4}  {:<7}  {what}{pad}  {DIM}{}{DIM:#}\n", decision.place, decision.evidence);
    }
    out
}

/// Whether nothing is left to wish for.
pub(crate) fn settled(report: &Report) -> bool {
    matches!(report.status, Status::Refused { settled: true, .. })
}

/// Lines for standard error, in the order in which they are said.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<(Saying, String)>);

/// How a line is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saying {
    /// As an error, each time.
    Error,
    /// As an error, the first time.
    ErrorOnce,
    /// As a remark, the first time.
    NoteOnce,
}

impl Lines {
    /// An error of one file alone.
    pub(crate) fn error(&mut self, line: String) {
        self.0.push((Saying::Error, line));
    }

    /// What `done` has to say. A settings file with a mistake in it is an error of each file under it, and said once.
    pub(crate) fn of(&mut self, input: &Input, done: &Done) {
        if let Err(failure) = &done.outcome {
            self.0.push((Saying::ErrorOnce, failure.line(input)));
        }
        if let Some(note) = &done.note {
            self.0.push((Saying::NoteOnce, note.clone()));
        }
        let reports = done.outcome.iter().flat_map(|outcome| &outcome.findings);
        for task in reports.flat_map(|report| &report.tasks) {
            self.0.push((Saying::NoteOnce, format!("{}: {}", input.path.display(), printable(task))));
        }
    }

    /// Says them; `said` are those that were said before. Remarks are not made where `quiet`.
    pub(crate) fn say(self, said: &mut BTreeSet<String>, quiet: bool) {
        for (saying, line) in self.0 {
            match saying {
                Saying::Error => error(&line),
                Saying::NoteOnce if quiet => {}
                _ if said.contains(&line) => {}
                Saying::ErrorOnce => error(&line),
                Saying::NoteOnce => note(&line),
            }
            if saying != Saying::Error {
                said.insert(line);
            }
        }
    }
}

/// What a run amounts to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    files: usize,
    changed: usize,
    safe: usize,
    review: usize,
    failed: usize,
    /// Refusals that leave something to wish for: by transform and reason, how many, and the first with its place.
    left: BTreeMap<(&'static str, &'static str), (usize, String)>,
    settled: usize,
}

impl Summary {
    /// Takes one file into account.
    pub(crate) fn add(&mut self, path: &Path, done: &Done) {
        self.files += 1;
        let Ok(outcome) = &done.outcome else {
            self.failed += 1;
            return;
        };
        self.changed += usize::from(outcome.output.is_some());
        for report in &outcome.findings {
            match report.status {
                Status::Fixed(Applicability::Safe) => self.safe += 1,
                Status::Fixed(_) => self.review += 1,
                Status::Refused { settled: true, .. } => self.settled += 1,
                Status::Refused { code, settled: false } => {
                    let first = || {
                        let line = line_of(&done.source, report.span.start);
                        (0, printable(&format!("{}:{line}: {}", path.display(), report.detail)).into_owned())
                    };
                    self.left.entry((report.transform, code)).or_insert_with(first).0 += 1;
                }
            }
        }
    }

    /// Takes what came after it into account.
    pub(crate) fn append(&mut self, later: Summary) {
        self.files += later.files;
        self.changed += later.changed;
        self.safe += later.safe;
        self.review += later.review;
        self.failed += later.failed;
        self.settled += later.settled;
        for (key, (count, first)) in later.left {
            self.left.entry(key).or_insert((0, first)).0 += count;
        }
    }

    /// Takes a path into account that could not be looked at, or a file that could not be written.
    pub(crate) fn add_failure(&mut self) {
        self.failed += 1;
    }

    /// Whether something was fixed, or could be.
    pub(crate) fn has_changes(&self) -> bool {
        self.changed > 0
    }

    /// Whether something was found that is not as it should be.
    pub(crate) fn has_findings(&self) -> bool {
        self.safe + self.review + self.left.len() > 0
    }

    /// Whether a file could not be read, parsed or written.
    pub(crate) fn has_failures(&self) -> bool {
        self.failed > 0
    }

    /// Prints the summary on standard error; `verb` says what became of the files that change.
    pub(crate) fn print(&self, verb: &str) {
        let mut parts = vec![count(self.files, "file")];
        parts.push(match self.changed {
            0 => format!("none {verb}"),
            changed => format!("{changed} {verb}"),
        });
        let fixes = self.safe + self.review;
        if fixes > 0 {
            let plural = if fixes == 1 { "fix" } else { "fixes" };
            parts.push(format!("{fixes} {plural} ({} safe, {} for review)", self.safe, self.review));
        }
        let left: usize = self.left.values().map(|(count, _)| count).sum();
        if left > 0 {
            parts.push(format!("{left} left"));
        }
        if self.settled > 0 {
            parts.push(format!("{} as they should be", self.settled));
        }
        if self.failed > 0 {
            parts.push(format!("{ERROR}{}{ERROR:#}", count(self.failed, "error")));
        }
        let mut text = format!("{}\n", parts.join(", "));
        let mut left: Vec<_> = self.left.iter().collect();
        left.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for ((transform, code), (count, first)) in left {
            let more = if *count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            text += &format!("  {LEFT}left{LEFT:#} {transform} {code}: {first}{more}\n");
        }
        eprint(&text);
    }
}
