//! GitLab's code quality report: an array of findings, which a merge request shows beside the lines.

use std::path::Path;

use dockwright_transforms::rewrite::Status;
use serde_json::{Value, json};

use super::human::settled;
use super::json::sentence;
use super::mends::position;
use crate::batch::Done;

/// The entries for one file.
pub(crate) fn entries(path: &Path, done: &Done) -> Vec<Value> {
    let reports = match &done.outcome {
        Ok(outcome) => &outcome.findings,
        Err(failure) => return vec![failed(path, failure.text())],
    };
    let path = name(path);
    let mut seen: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    for report in reports.iter().filter(|report| !settled(report)) {
        let (severity, check) = match report.status {
            Status::Fixed(_) => ("minor", report.transform.to_owned()),
            Status::Refused { code, .. } => ("info", format!("{}/{code}", report.transform)),
        };
        // What is found stays the same finding when lines above it come or go; a second one of its kind is another.
        let same = format!("{path}\0{check}\0{}", report.message);
        let nth = seen.iter().filter(|one| **one == same).count();
        entries.push(json!({
            "description": sentence(report),
            "check_name": check,
            "fingerprint": fingerprint(&format!("{same}\0{nth}")),
            "severity": severity,
            "location": {
                "path": path,
                "lines": {
                    "begin": position(&done.source, report.span.start).0,
                    "end": position(&done.source, report.span.end).0,
                },
            },
        }));
        seen.push(same);
    }
    entries
}

/// The entry for a path that could not be looked at.
pub(crate) fn failed(path: &Path, error: &str) -> Value {
    let path = name(path);
    json!({
        "description": error,
        "check_name": "unreadable",
        "fingerprint": fingerprint(&format!("{path}\0unreadable")),
        "severity": "major",
        "location": {"path": path, "lines": {"begin": 1}},
    })
}

/// A path as reports write it, with `/` between its parts.
pub(crate) fn name(path: &Path) -> String {
    let path = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '\\' { path.replace('\\', "/") } else { path.into_owned() }
}

/// A short name of a finding, the same on every machine and in every version.
pub(crate) fn fingerprint(text: &str) -> String {
    let fnv =
        |basis: u64| text.bytes().fold(basis, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:016x}{:016x}", fnv(0xcbf2_9ce4_8422_2325), fnv(0x6c62_272e_07bb_0142))
}
