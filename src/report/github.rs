//! Commands that GitHub Actions turns into remarks beside the lines: `::warning file=…,line=…::text`.

use std::path::Path;

use dockwright_transforms::rewrite::{Report, Status};

use super::human::settled;
use super::json::sentence;
use super::mends::position;
use crate::batch::Done;

/// The commands for one file.
pub(crate) fn lines(path: &Path, done: &Done) -> Vec<u8> {
    let mut out = String::new();
    match &done.outcome {
        Ok(outcome) => {
            for report in outcome.findings.iter().filter(|report| !settled(report)) {
                out += &line(path, report, &done.source);
            }
        }
        Err(failure) => out += &failed(path, failure.text()),
    }
    out.into_bytes()
}

/// The command for a path that could not be looked at.
pub(crate) fn failed(path: &Path, error: &str) -> String {
    format!("::error file={},title=dockwright::{}\n", property(&path.to_string_lossy()), data(error))
}

fn line(path: &Path, report: &Report, source: &[u8]) -> String {
    let (level, title) = match report.status {
        Status::Fixed(applicability) => ("warning", format!("{} ({} fix)", report.transform, applicability.name())),
        Status::Refused { code, .. } => ("notice", format!("{} (left: {code})", report.transform)),
    };
    let (start, end) = (position(source, report.span.start), position(source, report.span.end));
    // A range of several lines has no columns.
    let columns = if start.0 == end.0 { format!(",col={},endColumn={}", start.1, end.1) } else { String::new() };
    let mut text = sentence(report);
    for assumption in &report.assumptions {
        text += &format!("\nTaken for granted: {assumption}");
    }
    format!(
        "::{level} file={},line={},endLine={}{columns},title={}::{}\n",
        property(&path.to_string_lossy()),
        start.0,
        end.0,
        property(&title),
        data(&text)
    )
}

/// A text behind `::`, in which a line end would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_its_command() {
        let hostile = "a%\r\n::set-output name=x::y, z";
        assert_eq!(data(hostile), "a%25%0D%0A::set-output name=x::y, z");
        assert_eq!(property(hostile), "a%25%0D%0A%3A%3Aset-output name=x%3A%3Ay%2C z");
        assert_eq!(failed(Path::new("a,b:c"), "x\ny"), "::error file=a%2Cb%3Ac,title=dockwright::x%0Ay\n");
    }
}
