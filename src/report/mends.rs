//! What mends each finding, alone and as bytes of the file that was read.

use dockwright_transforms::rewrite::Status;

use crate::batch::{Done, Work};
use crate::diff::{self, Replacement};
use crate::input::Input;

/// What makes the file one without the finding.
pub(crate) type Mend = Vec<Replacement>;

/// What mends each finding of a file, in their order: that of the first finding of a transform mends the others of that
/// transform too.
pub(crate) fn of(work: &Work<'_>, input: &Input, done: &Done) -> Vec<Option<Mend>> {
    let Ok(outcome) = &done.outcome else { return Vec::new() };
    let fixed = |status: &Status| matches!(status, Status::Fixed(_));
    let mut ids: Vec<&str> =
        outcome.findings.iter().filter(|report| fixed(&report.status)).map(|report| report.transform).collect();
    ids.dedup();
    let alone = ids.len() == 1;
    let mut seen: Vec<&str> = Vec::new();
    let mut mend = |id: &'static str| {
        if seen.contains(&id) {
            return None;
        }
        seen.push(id);
        let made = match alone {
            true => outcome.output.clone(),
            // Of several, each is shown as it would be without the others.
            false => work.rewrite(input, &done.source, Some(&[id])).0.ok().and_then(|outcome| outcome.output),
        };
        made.map(|new| diff::replacements(&done.source, &new))
    };
    outcome.findings.iter().map(|report| fixed(&report.status).then(|| mend(report.transform)).flatten()).collect()
}

/// A place of a text as people and tools count it: line and column from 1, columns in UTF-16 units.
pub(crate) fn position(source: &[u8], offset: u32) -> (usize, usize) {
    let before = source.get(..offset as usize).unwrap_or(source);
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).encode_utf16().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_editors_do() {
        let text = "a\n\u{1F600}é x".as_bytes();
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 2), (2, 1));
        assert_eq!(position(text, 8), (2, 4));
        assert_eq!(position(text, 99), (2, 6));
    }
}
