//! The laws that hold for every rewrite, asserted on bytes: what tests and the corpus runner ask.
//!
//! They are checked from outside, against the bytes, not against what the engine believes. *Agreement* (the printed diff
//! applied is the file written) needs a diff and is checked where diffs are made; *truth* is the test of the catalogue.

use std::fmt;

use crate::edit::EditSet;
use crate::knowledge::tags;
use crate::model::{Base, Model};
use crate::rewrite::{Outcome, Report, Request, Status, rewrite};
use crate::syntax::{File, Keyword, ParseError};

/// A law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// No fix, same bytes; and a fix changes them.
    Identity,
    /// Outside the edits every byte is equal, line endings and the byte-order mark included.
    Locality,
    /// Twice is once.
    Idempotence,
    /// The result parses, with no more opaque instructions than before.
    Legibility,
    /// The same input gives the same answer.
    Determinism,
    /// Every tag of an official image that is written exists, and every stage that is copied from is there.
    Closure,
    /// The printed diff, applied, gives the file that is written.
    Agreement,
    /// What a transform promises of the files that it fixes holds, such as what scanners ask.
    Promise,
    /// A defect of a transform that the engine had to hold back.
    Soundness,
}

impl Law {
    /// Every law, in the order of the documentation.
    pub const ALL: [Law; 9] = [
        Law::Identity,
        Law::Locality,
        Law::Idempotence,
        Law::Legibility,
        Law::Determinism,
        Law::Closure,
        Law::Agreement,
        Law::Promise,
        Law::Soundness,
    ];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Law::Identity => "identity",
            Law::Locality => "locality",
            Law::Idempotence => "idempotence",
            Law::Legibility => "legibility",
            Law::Determinism => "determinism",
            Law::Closure => "closure",
            Law::Agreement => "agreement",
            Law::Promise => "promise",
            Law::Soundness => "soundness",
        }
    }
}

/// A law that does not hold for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.law.name(), self.text)
    }
}

/// Rewrites `source` and checks every law but agreement.
///
/// # Errors
/// [`ParseError`] where the file can't be read.
pub fn check(source: &[u8], request: &Request<'_>) -> Result<(Outcome, Vec<Violation>), ParseError> {
    let outcome = rewrite(source, request)?;
    let mut violations = Vec::new();
    let mut say = |law, text: String| violations.push(Violation { law, text });

    match rewrite(source, request) {
        Ok(again) if again == outcome => {}
        _ => say(Law::Determinism, "a second rewrite of the same bytes has another answer".into()),
    }
    for report in &outcome.findings {
        if let Status::Refused { code: code @ ("illegible-result" | "no-change" | "not-convergent"), .. } =
            report.status
        {
            say(Law::Soundness, format!("{} has {code}: {}", report.transform, report.detail));
        }
    }
    let fixed = outcome.findings.iter().any(|report| matches!(report.status, Status::Fixed(_)));
    let Some(output) = outcome.output.as_deref() else {
        if fixed || !outcome.rounds.is_empty() {
            say(Law::Identity, "a fix is reported, and the bytes are the same".into());
        }
        return Ok((outcome, violations));
    };
    if !fixed {
        say(Law::Identity, "no fix is reported, and the bytes differ".into());
    }
    if output == source {
        say(Law::Identity, "the new bytes are the old ones".into());
    }
    if let Err(text) = local(source, output, &outcome.rounds) {
        say(Law::Locality, text);
    }
    let before = File::parse(source)?;
    match File::parse(output) {
        Err(error) => {
            say(Law::Legibility, format!("the result does not parse, line {}: {}", error.line, error.message))
        }
        Ok(after) => {
            let (was, is) = (before.opaque_instructions(), after.opaque_instructions());
            if is > was {
                say(Law::Legibility, format!("{is} opaque instructions where {was} were"));
            }
            for text in open_ends(&before, &after, request) {
                say(Law::Closure, text);
            }
            for text in broken(&before, &after, request, &outcome) {
                say(Law::Promise, text);
            }
            match rewrite(output, request) {
                Ok(Outcome { output: None, .. }) => {}
                Ok(Outcome { findings, .. }) => {
                    let names: Vec<_> = findings.iter().map(|report| report.transform).collect();
                    say(Law::Idempotence, format!("a second run changes the result again: {names:?}"));
                }
                Err(error) => say(Law::Idempotence, format!("a second run can't read the result: {}", error.message)),
            }
        }
    }
    Ok((outcome, violations))
}

/// Walks the edits over both texts and compares every byte that they leave.
fn local(source: &[u8], output: &[u8], rounds: &[EditSet]) -> Result<(), String> {
    let mut text = source.to_vec();
    for (number, edits) in rounds.iter().enumerate() {
        let next = edits.apply(&text);
        let (mut old, mut new) = (text.as_slice(), next.as_slice());
        let mut at = 0;
        for edit in edits.iter() {
            let range = edit.span.range();
            let kept = range.start.checked_sub(at).ok_or("edits are out of order")?;
            let left = take(&mut old, kept).ok_or("an edit lies outside of the text")?;
            if take(&mut new, kept) != Some(left) {
                return Err(format!("bytes before the edit at {} of round {} differ", range.start, number + 1));
            }
            take(&mut old, range.len()).ok_or("an edit lies outside of the text")?;
            if take(&mut new, edit.text.len()) != Some(&edit.text) {
                return Err(format!("the edit at {} of round {} is not in the result", range.start, number + 1));
            }
            at = range.end;
        }
        if old != new {
            return Err(format!("bytes after the last edit of round {} differ", number + 1));
        }
        text = next;
    }
    if text != output {
        return Err("the edits do not give the result".into());
    }
    const BOM: &[u8] = b"\xef\xbb\xbf";
    if source.starts_with(BOM) != output.starts_with(BOM) {
        return Err("the byte-order mark is not as it was".into());
    }
    if endings(source).is_some_and(|one| endings(output) != Some(one)) {
        return Err("line endings are mixed where they were all the same".into());
    }
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// Whether all lines end in a carriage return and a line feed (`true`), or none does; `None` where they are mixed or
/// there is no line ending.
fn endings(text: &[u8]) -> Option<bool> {
    let mut all = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let first = all.next()?.ends_with(b"\r\n");
    all.all(|line| line.ends_with(b"\r\n") == first).then_some(first)
}

/// What the result names and nobody has: tags that do not exist, stages that are not there.
fn open_ends(before: &File<'_>, after: &File<'_>, request: &Request<'_>) -> Vec<String> {
    let model = |file| Model::new(file, request.context, request.settings);
    let (before, after) = (model(before), model(after));
    let mut found = Vec::new();
    for stage in &after.stages {
        let Base::Image { image, .. } = &stage.base else { continue };
        let theirs =
            before.stages.iter().any(|old| matches!(&old.base, Base::Image { image: old, .. } if old == image));
        let official = image.registry.is_none().then(|| image.path.strip_prefix("library/").unwrap_or(&image.path));
        if let Some(name) =
            official.filter(|name| !theirs && request.settings.runtime_base.is_none() && tags::listed(name))
            && image.digest.is_none()
            && !tags::exists(name, image.tag_or_latest())
        {
            found.push(format!("there is no image {name}:{}", image.tag_or_latest()));
        }
    }
    for instruction in after.file.instructions.iter().filter(|one| one.keyword == Keyword::Copy) {
        let from = instruction.flags.iter().find(|flag| flag.name == "from").and_then(|flag| flag.value.as_deref());
        let theirs = |from: &str| {
            let flags = before.file.instructions.iter().flat_map(|one| &one.flags);
            flags.into_iter().any(|flag| flag.name == "from" && flag.value.as_deref() == Some(from))
        };
        if let Some(from) = from.filter(|from| after.stage_named(from).is_none() && !theirs(from)) {
            found.push(format!("COPY --from={from} names no stage"));
        }
    }
    found
}

/// What the transforms that have fixed something promise, and does not hold.
fn broken(before: &File<'_>, after: &File<'_>, request: &Request<'_>, outcome: &Outcome) -> Vec<String> {
    let model = |file| Model::new(file, request.context, request.settings);
    let (before, after) = (model(before), model(after));
    let fixed = |id| {
        let of = |report: &Report| report.transform == id && matches!(report.status, Status::Fixed(_));
        outcome.findings.iter().any(of)
    };
    let transforms = request.transforms.iter().filter(|transform| fixed(transform.id));
    transforms.flat_map(|transform| (transform.broken)(&before, &after)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Edit;
    use crate::settings::Settings;
    use crate::span::Span;
    use crate::transform::{Applicability, Example, Finding, FindingOutcome, Fix, Transform};

    fn finding(edits: Vec<Edit>) -> Vec<Finding> {
        let edits = EditSet::new(edits).unwrap();
        let applicability = Applicability::Safe;
        let fix = Fix {
            title: "x".into(),
            applicability,
            claim: edits.span(),
            edits,
            assumptions: Vec::new(),
            tasks: Vec::new(),
            decisions: Vec::new(),
        };
        vec![Finding { span: Span::at(0), message: "X".into(), outcome: FindingOutcome::Fix(fix) }]
    }

    /// The laws that break for a transform with this `find`.
    fn broken(source: &str, find: fn(&Model<'_>) -> Vec<Finding>) -> Vec<Law> {
        broken_by(source, find, false)
    }

    fn broken_by(source: &str, find: fn(&Model<'_>) -> Vec<Finding>, once: bool) -> Vec<Law> {
        let transform = Box::leak(Box::new(Transform {
            id: "it",
            summary: "",
            why: "",
            applicability: Applicability::Safe,
            example: Example { before: "", context: &[], after: "" },
            find,
            once,
            changes: &[],
            broken: |_, after| match after.file.instructions.iter().any(|one| one.args.text == "promised") {
                true => vec!["it is said to be promised".into()],
                false => Vec::new(),
            },
        }));
        let (transforms, settings) = ([&*transform], Settings::default());
        let request =
            Request { transforms: &transforms, threshold: Applicability::Safe, context: None, settings: &settings };
        let (_, violations) = check(source.as_bytes(), &request).unwrap();
        violations.iter().map(|violation| violation.law).collect()
    }

    #[test]
    fn a_good_transform_breaks_no_law() {
        let find = |model: &Model<'_>| match model.file.instructions.len() {
            1 => finding(vec![Edit::insert(model.file.source.len(), "USER 1\n")]),
            _ => Vec::new(),
        };
        assert_eq!(broken("FROM alpine\n", find), []);
    }

    #[test]
    fn a_line_ending_of_the_other_kind_breaks_locality() {
        let find = |model: &Model<'_>| match model.file.instructions.len() {
            1 => finding(vec![Edit::insert(model.file.source.len(), "USER 1\n")]),
            _ => Vec::new(),
        };
        assert_eq!(broken("FROM alpine\r\n", find), [Law::Locality]);
    }

    #[test]
    fn a_tag_that_does_not_exist_breaks_closure() {
        let find = |model: &Model<'_>| match model.stages.len() {
            1 => finding(vec![Edit::insert(model.file.source.len(), "FROM debian:never\nCOPY --from=nobody /a /b\n")]),
            _ => Vec::new(),
        };
        assert_eq!(broken("FROM alpine\n", find), [Law::Closure, Law::Closure]);
    }

    #[test]
    fn a_result_that_is_not_what_the_transform_promises_breaks_the_promise() {
        let find = |model: &Model<'_>| match model.file.instructions.len() {
            1 => finding(vec![Edit::insert(model.file.source.len(), "USER promised\n")]),
            _ => Vec::new(),
        };
        assert_eq!(broken("FROM alpine\n", find), [Law::Promise]);
    }

    #[test]
    fn an_answer_that_changes_breaks_determinism() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let find = |_: &Model<'_>| {
            let text = format!("{}", CALLS.fetch_add(1, Ordering::Relaxed));
            let refusal = crate::transform::Refusal { code: "x", text, settled: false };
            vec![Finding { span: Span::at(0), message: "X".into(), outcome: FindingOutcome::Refused(refusal) }]
        };
        assert_eq!(broken("FROM alpine\n", find), [Law::Determinism]);
    }

    #[test]
    fn a_defect_that_the_engine_holds_back_is_still_one() {
        let find = |model: &Model<'_>| finding(vec![Edit::insert(model.file.source.len(), "# more\n")]);
        assert_eq!(broken("FROM alpine\n", find), [Law::Soundness]);
    }

    #[test]
    fn a_second_round_for_what_says_that_there_is_none_breaks_idempotence() {
        let find = |model: &Model<'_>| finding(vec![Edit::insert(model.file.source.len(), "# more\n")]);
        assert_eq!(broken_by("FROM alpine\n", find, true), [Law::Idempotence]);
    }

    #[test]
    fn bytes_that_no_edit_accounts_for_break_locality() {
        let edits = EditSet::new(vec![Edit::insert(1, "x")]).unwrap();
        assert!(local(b"ab", b"axb", std::slice::from_ref(&edits)).is_ok());
        assert!(local(b"ab", b"axc", &[edits]).is_err());
    }
}
