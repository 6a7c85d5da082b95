//! One JSON object a line: what came of one file.

use std::ops::Range;
use std::path::Path;

use dockwright_transforms::rewrite::{Report, Status};
use serde::Serialize;

use super::mends::Mend;
use crate::batch::{Done, Failure};

/// One file.
#[derive(Serialize)]
struct Object<'a> {
    path: &'a str,
    error: Option<&'a str>,
    findings: Vec<Finding<'a>>,
}

/// One finding.
#[derive(Serialize)]
struct Finding<'a> {
    transform: &'a str,
    /// `fix` or `refused`.
    status: &'a str,
    /// `safe` or `review` where there is a fix.
    applicability: Option<&'a str>,
    /// The stable code where there is none.
    reason: Option<&'a str>,
    message: String,
    /// Counted from 1.
    line: usize,
    /// Bytes of the file as it was read, half open.
    start: u32,
    end: u32,
    /// What the fix changes, where it is asked for: each replaces bytes of the file as it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Vec<Edit<'a>>>,
    /// What the fix takes for granted, where it is explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    assumptions: Option<&'a [String]>,
    /// What the fix decided, where it is explained.
    #[serde(skip_serializing_if = "<[Decision]>::is_empty")]
    decisions: Vec<Decision<'a>>,
}

/// Bytes that go, half open, and the text that comes.
#[derive(Serialize)]
struct Edit<'a> {
    start: usize,
    end: usize,
    text: &'a str,
}

/// What was decided for one instruction, or for what is added.
#[derive(Serialize)]
struct Decision<'a> {
    /// `null` for what is added.
    line: Option<u32>,
    what: &'a str,
    /// `builder`, `runtime` or `both`.
    place: &'a str,
    evidence: &'a str,
}

/// The line for one file, line ending included. A path that is not UTF-8 is written with replacement characters.
pub(crate) fn line(path: &Path, done: &Done) -> Vec<u8> {
    line_with(path, done, &[])
}

/// As [`line`], with what mends each finding.
pub(crate) fn line_with(path: &Path, done: &Done, mends: &[Option<Mend>]) -> Vec<u8> {
    let path = path.to_string_lossy();
    let (error, reports) = match &done.outcome {
        Ok(outcome) => (None, outcome.findings.as_slice()),
        Err(failure) => (Some(failure.text()), &[][..]),
    };
    let mend = |at: usize| mends.get(at).and_then(Option::as_ref);
    let findings = reports.iter().enumerate().map(|(at, report)| finding(report, &done.source, mend(at))).collect();
    encode(&Object { path: &path, error, findings })
}

/// The line for a path that could not be looked at.
pub(crate) fn failed(path: &Path, error: &str) -> Vec<u8> {
    let done = Done { source: Vec::new(), outcome: Err(Failure::File(error.to_owned())), note: None };
    line(path, &done)
}

fn finding<'a>(report: &'a Report, source: &[u8], mend: Option<&'a Mend>) -> Finding<'a> {
    let (status, applicability, reason) = match &report.status {
        Status::Fixed(applicability) => ("fix", Some(applicability.name()), None),
        Status::Refused { code, .. } => ("refused", None, Some(*code)),
    };
    Finding {
        transform: report.transform,
        status,
        applicability,
        reason,
        message: sentence(report),
        line: line_of(source, report.span.start),
        start: report.span.start,
        end: report.span.end,
        fix: mend.and_then(edits),
        assumptions: (!report.decisions.is_empty()).then_some(&report.assumptions),
        decisions: report.decisions.iter().map(decision).collect(),
    }
}

/// `None` where the text is no Unicode, which JSON could not hold.
fn edits(mend: &Mend) -> Option<Vec<Edit<'_>>> {
    let edit = |bytes: &Range<usize>, text| Edit { start: bytes.start, end: bytes.end, text };
    mend.iter().map(|one| std::str::from_utf8(&one.text).ok().map(|text| edit(&one.bytes, text))).collect()
}

fn decision(decision: &dockwright_transforms::transform::Decision) -> Decision<'_> {
    let dockwright_transforms::transform::Decision { line, what, place, evidence } = decision;
    Decision { line: *line, what, place, evidence }
}

/// What was found and what came of it, as one text.
pub(crate) fn sentence(report: &Report) -> String {
    match report.detail.is_empty() {
        true => report.message.clone(),
        false => format!("{}: {}", report.message, report.detail),
    }
}

/// The line, counted from 1, of a byte.
pub(crate) fn line_of(source: &[u8], offset: u32) -> usize {
    let before = source.get(..offset as usize).unwrap_or(source);
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn encode(object: &Object<'_>) -> Vec<u8> {
    // Strings and numbers always encode; an empty line would be seen by every reader.
    let mut line = serde_json::to_vec(object).unwrap_or_default();
    line.push(b'\n');
    line
}
