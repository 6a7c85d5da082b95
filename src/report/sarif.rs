//! SARIF 2.1.0: one run, its rules are the transforms.

use std::path::Path;

use anyhow::Result;
use dockwright_transforms::catalog;
use dockwright_transforms::rewrite::{Report, Status};
use serde_json::json;
use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, ArtifactLocation, Fix, Invocation, Location, Message, MultiformatMessageString,
    Notification, PhysicalLocation, Region, Replacement, ReportingDescriptor, Result as Finding, ResultLevel, Run,
    Sarif, Tool, ToolComponent,
};

use super::gitlab::{fingerprint, name};
use super::human::settled;
use super::json::sentence;
use super::mends::{Mend, position};
use crate::batch::Done;

/// Where the schema is that the output keeps to.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What is gathered of a few files.
#[derive(Default)]
pub(crate) struct Gathered {
    findings: Vec<Finding>,
    failures: Vec<Notification>,
}

impl Gathered {
    /// Takes one file in.
    pub(crate) fn add(&mut self, path: &Path, done: &Done, mends: &[Option<Mend>]) {
        match &done.outcome {
            Ok(outcome) => {
                for (at, report) in outcome.findings.iter().enumerate().filter(|(_, report)| !settled(report)) {
                    let mend = mends.get(at).and_then(Option::as_ref);
                    self.findings.push(finding(path, report, &done.source, mend));
                }
            }
            Err(failure) => self.failed(path, failure.text()),
        }
    }

    /// Takes a path in that could not be looked at.
    pub(crate) fn failed(&mut self, path: &Path, error: &str) {
        let physical = PhysicalLocation::builder().artifact_location(artifact(path)).build();
        let place = Location::builder().physical_location(physical).build();
        let notification = Notification::builder().message(message(error)).level(json!("error")).locations(vec![place]);
        self.failures.push(notification.build());
    }

    /// Takes in what came after it.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.findings.append(&mut later.findings);
        self.failures.append(&mut later.failures);
    }

    /// The whole.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        let driver = ToolComponent::builder()
            .name("dockwright")
            .version(env!("CARGO_PKG_VERSION"))
            .semantic_version(env!("CARGO_PKG_VERSION"))
            .information_uri(env!("CARGO_PKG_REPOSITORY"))
            .rules(rules())
            .build();
        let failed = !self.failures.is_empty();
        let invocation =
            Invocation::builder().execution_successful(!failed).tool_execution_notifications(self.failures).build();
        let run = Run::builder()
            .tool(Tool::builder().driver(driver).build())
            .invocations(vec![invocation])
            .column_kind(json!("utf16CodeUnits"))
            .results(self.findings)
            .build();
        let sarif = Sarif::builder().schema(SCHEMA).version(json!("2.1.0")).runs(vec![run]).build();
        let mut bytes = serde_json::to_vec(&sarif)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn rules() -> Vec<ReportingDescriptor> {
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    catalog::ALL
        .iter()
        .map(|transform| {
            ReportingDescriptor::builder()
                .id(transform.id)
                .short_description(text(transform.summary))
                .full_description(text(transform.why))
                .help(text(&format!(
                    "{} `dockwright explain` shows the evidence; `dockwright fix --only {}` mends it.",
                    transform.why, transform.id
                )))
                .build()
        })
        .collect()
}

fn finding(path: &Path, report: &Report, source: &[u8], mend: Option<&Mend>) -> Finding {
    let (level, code) = match report.status {
        Status::Fixed(_) => (ResultLevel::Warning, ""),
        Status::Refused { code, .. } => (ResultLevel::Note, code),
    };
    let index = catalog::ALL.iter().position(|transform| transform.id == report.transform);
    let (start, end) = (position(source, report.span.start), position(source, report.span.end));
    let region = region(start, end);
    let physical = PhysicalLocation::builder().artifact_location(artifact(path)).region(region).build();
    let mut text = sentence(report);
    for assumption in &report.assumptions {
        text += &format!(". Taken for granted: {assumption}");
    }
    let print = fingerprint(&format!("{}\0{}\0{code}\0{}", name(path), report.transform, report.message));
    let mut finding = Finding::builder()
        .rule_id(report.transform)
        .rule_index(index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1))
        .level(level)
        .message(message(&text))
        .locations(vec![Location::builder().physical_location(physical).build()])
        .partial_fingerprints(std::collections::BTreeMap::from([("dockwright/v1".to_owned(), print)]))
        .build();
    finding.fixes = mend.and_then(|mend| fix(path, report, source, mend)).map(|fix| vec![fix]);
    finding
}

/// `None` where the text is no Unicode, which JSON could not hold.
fn fix(path: &Path, report: &Report, source: &[u8], mend: &Mend) -> Option<Fix> {
    let replacements: Option<Vec<Replacement>> = mend
        .iter()
        .map(|one| {
            let place = |offset: usize| position(source, u32::try_from(offset).unwrap_or(u32::MAX));
            let deleted = region(place(one.bytes.start), place(one.bytes.end));
            let text = std::str::from_utf8(&one.text).ok()?;
            let content = ArtifactContent::builder().text(text).build();
            Some(Replacement::builder().deleted_region(deleted).inserted_content(content).build())
        })
        .collect();
    let change = ArtifactChange::builder().artifact_location(artifact(path)).replacements(replacements?).build();
    Some(Fix::builder().description(message(&report.detail)).artifact_changes(vec![change]).build())
}

fn region(start: (usize, usize), end: (usize, usize)) -> Region {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Region::builder()
        .start_line(number(start.0))
        .start_column(number(start.1))
        .end_line(number(end.0))
        .end_column(number(end.1))
        .build()
}

fn message(text: &str) -> Message {
    Message::builder().text(text).build()
}

/// Where a file is, from the root of the sources; a file outside has an address of its own.
fn artifact(path: &Path) -> ArtifactLocation {
    let name = name(path);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/');
    let uri: String = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    match path.is_absolute() {
        true => ArtifactLocation::builder().uri(format!("file://{uri}")).build(),
        false => ArtifactLocation::builder().uri(uri).uri_base_id("%SRCROOT%").build(),
    }
}
