//! From bytes to new bytes: find, admit, apply, parse again, until nothing applies.

use crate::context::Context;
use crate::edit::{Edit, EditSet};
use crate::model::Model;
use crate::settings::Settings;
use crate::span::Span;
use crate::syntax::{File, Keyword, ParseError, Tile, TileKind};
use crate::transform::{Applicability, Decision, Finding, FindingOutcome, Refusal, Transform};

/// How often the text is rewritten before the loop gives up. Every transform applies once to a stage and then finds
/// nothing, so real files need as many rounds as there are transforms, or twice as many where each is asked again.
const MAX_ROUNDS: usize = 16;

/// How many words a file may have, comments included, for the transforms to look at it. They compare what one
/// instruction does with what the others do, which takes the square of the time; of 72,840 real Dockerfiles, the longest
/// has 4,100 words.
const MAX_WORDS: usize = 10_000;

/// How many line ends, and bytes that part the commands of a script, it may have. The longest of them has 1,700.
const MAX_JOINTS: usize = 4_000;

/// What to do with a Dockerfile.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The transforms to use, in catalogue order.
    pub transforms: &'a [&'static Transform],
    /// The least sure fix that may be applied.
    pub threshold: Applicability,
    /// The build context, where there is one to read.
    pub context: Option<&'a dyn Context>,
    /// The person's choices.
    pub settings: &'a Settings,
}

/// What came of a rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The new bytes; `None` where nothing changed.
    pub output: Option<Vec<u8>>,
    /// Every finding, those with an applied fix first in the order of application, then what was left and why.
    pub findings: Vec<Report>,
    /// The edits from the given bytes to the new ones, round by round; each is about the text that the one before made.
    pub rounds: Vec<EditSet>,
}

/// One finding as it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The transform's id.
    pub transform: &'static str,
    /// Whether it was changed.
    pub status: Status,
    /// Where, in the bytes that were given.
    pub span: Span,
    /// What was found.
    pub message: String,
    /// The fix's title, or the reason as text.
    pub detail: String,
    /// What the fix takes for granted.
    pub assumptions: Vec<String>,
    /// Those of them that somebody has to see to, in another file.
    pub tasks: Vec<String>,
    /// What the fix decided, where the settings ask for it; lines are those of the text that the fix was made for.
    pub decisions: Vec<Decision>,
}

/// What happened to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its fix is in the output.
    Fixed(Applicability),
    /// It has no fix; the stable code of the reason, and whether that is the right answer.
    Refused {
        /// The stable code.
        code: &'static str,
        /// Whether nothing is left to wish for.
        settled: bool,
    },
}

/// Runs the transforms over `source` until none applies.
///
/// Every defect of a transform that can be seen from outside ends in a report that names it, and in a text that is the
/// one before its edits: a result that reads worse (`illegible-result`), a fix that changes nothing (`no-change`), fixes
/// that never come to an end (`not-convergent`; the input comes back whole).
///
/// # Errors
/// [`ParseError`] where BuildKit would not read the file either.
pub fn rewrite(source: &[u8], request: &Request<'_>) -> Result<Outcome, ParseError> {
    let file = File::parse(source)?;
    if is_long(source) {
        let detail = format!("it has more than {MAX_WORDS} words, or {MAX_JOINTS} lines and commands");
        return Ok(refused(request, "too-long", "The file is too long to be looked through", &detail));
    }
    if file.instructions.last().is_some_and(|last| last.hangs) {
        let detail = "take the escape characters at its end away";
        return Ok(refused(request, "hanging-end", "The file ends in a way that nothing can be put behind", detail));
    }
    let mut work =
        Work { request, rounds: Vec::new(), found: Found::default(), banned: Vec::new(), one_by_one: false, next: 0 };
    let model = Model::new(&file, request.context, request.settings);
    Ok(match work.onwards(&model) {
        Err(NotConvergent(outcome)) => outcome,
        // Fixes that undo each other over several rounds leave nothing to write.
        Ok(Some(text)) if text == source => not_convergent(&work.found.applied, &[]),
        Ok(output) => {
            let Found { applied, left, withheld } = work.found;
            Outcome { output, findings: applied.into_iter().chain(left).chain(withheld).collect(), rounds: work.rounds }
        }
    })
}

/// Whether a text has more words or commands than the transforms look at. Blanks, line ends, commas and what parts the
/// commands of a script are between words.
fn is_long(source: &[u8]) -> bool {
    // Most files are too short to pass either bound, and need not be looked at.
    if source.len() < MAX_JOINTS {
        return false;
    }
    let joins = |byte: u8| matches!(byte, b'\n' | b';' | b'&' | b'|' | b'(' | b'`');
    if source.iter().filter(|byte| joins(**byte)).count() > MAX_JOINTS {
        return true;
    }
    // Each word but the last has a byte behind it that is none of a word.
    if source.len() < 2 * MAX_WORDS {
        return false;
    }
    let parts = |byte: u8| joins(byte) || byte.is_ascii_whitespace() || byte == b',';
    let (mut words, mut inside) = (0, false);
    for byte in source {
        words += usize::from(!inside && !parts(*byte));
        inside = !parts(*byte);
    }
    words > MAX_WORDS
}

/// The answer for a file that no transform looks at.
fn refused(request: &Request<'_>, code: &'static str, message: &str, detail: &str) -> Outcome {
    let report = |transform: &&'static Transform| Report {
        transform: transform.id,
        status: Status::Refused { code, settled: false },
        span: Span::default(),
        message: message.into(),
        detail: detail.into(),
        assumptions: Vec::new(),
        tasks: Vec::new(),
        decisions: Vec::new(),
    };
    Outcome { output: None, findings: request.transforms.iter().map(report).collect(), rounds: Vec::new() }
}

/// What is known so far of a rewrite under way.
struct Work<'r> {
    request: &'r Request<'r>,
    rounds: Vec<EditSet>,
    found: Found,
    banned: Vec<Ban>,
    one_by_one: bool,
    /// The transform that is asked next. The catalogue's order says that none makes work for one before it, so each is
    /// asked when those before it have nothing more to say, and what they said is final.
    next: usize,
}

/// There is always one more fix.
struct NotConvergent(Outcome);

impl Work<'_> {
    /// Everything that is still to do to a text; the new text where there was anything. Each round is a call inside the
    /// one before it, so that a text is read once: to see that it is legible, and to go on from there.
    fn onwards<'m>(&mut self, model: &'m Model<'m>) -> Result<Option<Vec<u8>>, NotConvergent> {
        let file = model.file;
        while let Some(transform) = self.request.transforms.get(self.next) {
            let round = admit(model, self.request, transform, &self.banned, self.one_by_one);
            if round.found.applied.is_empty() {
                self.leave(transform, round.found);
                self.next += 1;
                continue;
            }
            if self.rounds.len() == MAX_ROUNDS {
                return Err(NotConvergent(not_convergent(&round.found.applied, &self.rounds)));
            }
            let next = round.edits.apply(file.source);
            let last = self.next + 1 == self.request.transforms.len();
            if last && transform.once && round.found.withheld.is_empty() && reads_apart(file, &round.edits) {
                debug_assert!(legible(model, &next).is_ok(), "the lines read by themselves, and not in their file");
                self.take(round);
                return Ok(Some(next));
            }
            let after = match legible(model, &next) {
                Ok(after) => after,
                Err(refusal) => {
                    match round.found.applied.as_slice() {
                        [only] => self.banned.push(Ban { transform: only.transform, refusal }),
                        // One of several is to blame: from here on they are tried one at a time.
                        _ => self.one_by_one = true,
                    }
                    continue;
                }
            };
            if transform.once && round.found.withheld.is_empty() {
                self.next += 1;
            }
            self.take(round);
            let last = match self.request.transforms.len() == self.next {
                true => None,
                false => self.onwards(after)?,
            };
            return Ok(Some(last.unwrap_or(next)));
        }
        Ok(None)
    }

    /// Takes a round's fixes for done.
    fn take(&mut self, round: Round) {
        for report in round.found.applied {
            self.found.applied.push(Report { span: trace(&self.rounds, report.span), ..report });
        }
        self.rounds.push(round.edits);
    }

    /// Keeps what a transform leaves.
    fn leave(&mut self, transform: &Transform, found: Found) {
        // One that has changed the file has said what there is to say: that it finds no more is no news.
        let silent = self.found.applied.iter().any(|report| report.transform == transform.id);
        let left = found.left.into_iter().filter(|_| !silent);
        self.found.left.extend(left.map(|report| Report { span: trace(&self.rounds, report.span), ..report }));
        let withheld = found.withheld.into_iter();
        self.found.withheld.extend(withheld.map(|report| Report { span: trace(&self.rounds, report.span), ..report }));
    }
}

/// A transform that made a defective result of this file, and is not asked for fixes again.
struct Ban {
    transform: &'static str,
    refusal: Refusal,
}

/// What transforms found.
#[derive(Default)]
struct Found {
    /// Fixes that are taken.
    applied: Vec<Report>,
    /// What a transform itself gave a reason for.
    left: Vec<Report>,
    /// Fixes that were not let through.
    withheld: Vec<Report>,
}

/// What one transform found in one text, and what becomes of it.
#[derive(Default)]
struct Round {
    edits: EditSet,
    found: Found,
}

/// Asks a transform and takes the fixes that are sure enough and do not claim the same bytes; it is asked again for the
/// others about the new text. With `one_by_one`, only the first is taken.
fn admit<'m>(
    model: &'m Model<'m>,
    request: &Request<'_>,
    transform: &'static Transform,
    banned: &[Ban],
    one_by_one: bool,
) -> Round {
    let mut round = Round::default();
    let mut claims: Vec<Span> = Vec::new();
    let ban = banned.iter().find(|ban| ban.transform == transform.id);
    for Finding { span, message, outcome } in (transform.find)(model) {
        let report = |status, detail, assumptions| Report {
            transform: transform.id,
            status,
            span,
            message,
            detail,
            assumptions,
            tasks: Vec::new(),
            decisions: Vec::new(),
        };
        let fix = match outcome {
            FindingOutcome::Refused(Refusal { code, text, settled }) => {
                round.found.left.push(report(Status::Refused { code, settled }, text, Vec::new()));
                continue;
            }
            FindingOutcome::Fix(fix) => fix,
        };
        let applicability = fix.applicability.min(transform.applicability);
        // The edits are part of the claim, whatever the transform says.
        let claim = if fix.edits.is_empty() { fix.claim } else { fix.claim.to(fix.edits.span()) };
        let withheld = if let Some(Ban { refusal, .. }) = ban {
            Some((refusal.code, refusal.text.clone()))
        } else if applicability < request.threshold {
            Some(("below-threshold", format!("the fix is for review only: {}", fix.assumptions.join("; "))))
        } else if !fix.edits.changes(model.file.source) {
            Some(("no-change", "the fix changes nothing, a defect of the transform; please report it".into()))
        } else if (one_by_one && !claims.is_empty())
            || claims.iter().any(|other| other.overlaps(claim) || *other == claim)
            || round.edits.union(fix.edits).is_err()
        {
            Some(("conflict", "an earlier fix changes the same lines; it is tried again on the new text".into()))
        } else {
            None
        };
        match withheld {
            Some((code, text)) => {
                round.found.withheld.push(report(Status::Refused { code, settled: false }, text, Vec::new()));
            }
            None => {
                claims.push(claim);
                let mut report = report(Status::Fixed(applicability), fix.title, fix.assumptions);
                report.tasks = fix.tasks;
                report.decisions = fix.decisions;
                round.found.applied.push(report);
            }
        }
    }
    round
}

/// Reads `next`, where it reads at least as well as what it comes from: it parses, and no more of it is opaque.
fn legible<'m>(model: &'m Model<'m>, next: &[u8]) -> Result<&'m Model<'m>, Refusal> {
    let text = match model.later(next.to_vec()) {
        Err(error) => format!("the result would not parse (line {}: {})", error.line, error.message),
        Ok(after) if after.file.opaque_instructions() > model.file.opaque_instructions() => {
            "the result would hold more instructions that can't be read".into()
        }
        Ok(after) => return Ok(after),
    };
    let text = format!("{text}, a defect of the transform; please report it");
    Err(Refusal { code: "illegible-result", text, settled: false })
}

/// Whether the lines that the edits change read by themselves, as well as those that they stand for: then the whole result
/// does, and need not be read. `false` where that can't be told from these lines alone.
fn reads_apart(file: &File<'_>, edits: &EditSet) -> bool {
    let edits: Vec<&Edit> = edits.iter().collect();
    let mut rest = edits.as_slice();
    while let Some(edit) = rest.first() {
        // From the tile that the first edit is in to the one that it ends in, and on as long as the next one is in it too.
        let holds = |at: u32| file.tiles.partition_point(|tile| tile.span.end <= at).min(file.tiles.len() - 1);
        let first = holds(edit.span.start);
        let mut last = first;
        let mut count = 0;
        while let Some(edit) = rest.get(count)
            && (count == 0 || holds(edit.span.start) <= last)
        {
            last = last.max(holds(edit.span.end.saturating_sub(1).max(edit.span.start)));
            count += 1;
        }
        let (Some(before), Some(tiles)) = (file.tiles.get(..first), file.tiles.get(first..=last)) else { return false };
        let (changed, behind) = rest.split_at(count);
        rest = behind;
        let instruction = |tile: &Tile| match tile.kind {
            TileKind::Instruction(index) => file.instructions.get(index as usize),
            _ => None,
        };
        // Before the first FROM, a line may be another thing, and have to be there.
        if !before.iter().filter_map(instruction).any(|one| one.keyword == Keyword::From) {
            return false;
        }
        let [Tile { span: start, .. }, ..] = tiles else { return false };
        let Some(end) = tiles.last().map(|tile| tile.span.end) else { return false };
        let mut text = Vec::new();
        let mut at = start.start;
        for edit in changed {
            text.extend_from_slice(Span { start: at, end: edit.span.start }.of(file.source));
            text.extend_from_slice(&edit.text);
            at = edit.span.end;
        }
        text.extend_from_slice(Span { start: at, end }.of(file.source));
        let Ok(read) = File::parse_part(&text, file.escape) else { return false };
        let ends = end as usize == file.source.len();
        let open = !text.is_empty() && !text.ends_with(b"\n") || read.last().is_some_and(|one| one.dangling.is_some());
        let opaque = tiles.iter().filter_map(instruction).filter(|one| one.opaque).count();
        if open && !ends || read.iter().filter(|one| one.opaque).count() > opaque {
            return false;
        }
    }
    true
}

/// The answer where there is always one more fix: the input as it was, and the names of those that go on.
fn not_convergent(applied: &[Report], rounds: &[EditSet]) -> Outcome {
    let text = "its fixes apply to their own result again and again, a defect of the transform; please report it";
    let findings = applied.iter().map(|report| Report {
        status: Status::Refused { code: "not-convergent", settled: false },
        span: trace(rounds, report.span),
        detail: text.into(),
        assumptions: Vec::new(),
        tasks: Vec::new(),
        decisions: Vec::new(),
        ..report.clone()
    });
    Outcome { output: None, findings: findings.collect(), rounds: Vec::new() }
}

/// A span of the newest text as a span of the first one.
fn trace(history: &[EditSet], span: Span) -> Span {
    let back = |offset: u32| history.iter().rev().fold(offset as usize, |at, edits| edits.origin(at));
    let start = back(span.start);
    Span::new(start, back(span.end).max(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::{Example, Fix, nothing_broken};

    /// A transform that is nothing but what it finds.
    macro_rules! transform {
        ($id:literal, $applicability:ident, $find:expr) => {{
            static TRANSFORM: Transform = Transform {
                id: $id,
                summary: "",
                why: "",
                applicability: Applicability::$applicability,
                example: Example { before: "", context: &[], after: "" },
                find: $find,
                changes: &[],
                broken: nothing_broken,
                once: false,
            };
            &TRANSFORM
        }};
    }

    fn fix(span: Span, edits: Vec<Edit>) -> Vec<Finding> {
        let fix = Fix {
            title: "Change it".into(),
            applicability: Applicability::Safe,
            claim: span,
            edits: EditSet::new(edits).unwrap(),
            assumptions: Vec::new(),
            tasks: Vec::new(),
            decisions: Vec::new(),
        };
        vec![Finding { span, message: "Found".into(), outcome: FindingOutcome::Fix(fix) }]
    }

    /// Replaces the arguments of the first instruction of a kind, where they are `from`.
    fn change(model: &Model<'_>, keyword: Keyword, from: &str, to: &str) -> Vec<Finding> {
        let found = model.file.instructions.iter().find(|one| one.keyword == keyword && one.args.text == from);
        let Some(one) = found else { return Vec::new() };
        let span = Span { start: one.span.end - from.len() as u32, end: one.span.end };
        fix(one.span, vec![Edit::replace(span, to)])
    }

    fn run(source: &str, transforms: &[&'static Transform]) -> Outcome {
        let settings = Settings::default();
        let request = Request { transforms, threshold: Applicability::Review, context: None, settings: &settings };
        rewrite(source.as_bytes(), &request).unwrap()
    }

    fn text(outcome: &Outcome) -> Option<&str> {
        outcome.output.as_deref().map(|bytes| std::str::from_utf8(bytes).unwrap())
    }

    fn verdicts(outcome: &Outcome) -> Vec<(&str, &str)> {
        let verdict = |report: &Report| match report.status {
            Status::Fixed(applicability) => (report.transform, applicability.name()),
            Status::Refused { code, .. } => (report.transform, code),
        };
        outcome.findings.iter().map(verdict).collect()
    }

    #[test]
    fn a_fix_that_claims_the_same_bytes_is_tried_again_on_the_new_text() {
        let first = transform!("first", Safe, |model| change(model, Keyword::User, "a", "b"));
        let second = transform!("second", Safe, |model| {
            let mut found = change(model, Keyword::User, "a", "wrong");
            found.extend(change(model, Keyword::User, "b", "c"));
            found
        });
        let outcome = run("FROM x\nUSER a\n", &[first, second]);
        assert_eq!(text(&outcome), Some("FROM x\nUSER c\n"));
        assert_eq!(verdicts(&outcome), [("first", "safe"), ("second", "safe")]);
        assert_eq!(outcome.rounds.len(), 2);
    }

    #[test]
    fn insertions_at_one_place_do_not_meet_in_one_round() {
        static INSERT: fn(&Model<'_>, &str) -> Vec<Finding> = |model, text| {
            let there = model.file.source.windows(text.len()).any(|part| part == text.as_bytes());
            if there { Vec::new() } else { fix(Span::at(7), vec![Edit::insert(7, format!("{text}\n"))]) }
        };
        let first = transform!("first", Safe, |model| INSERT(model, "USER a"));
        let second = transform!("second", Safe, |model| INSERT(model, "USER b"));
        let outcome = run("FROM x\n", &[first, second]);
        assert_eq!(text(&outcome), Some("FROM x\nUSER b\nUSER a\n"));
        assert_eq!(outcome.rounds.len(), 2);
    }

    #[test]
    fn lines_that_read_by_themselves_need_no_second_reading_of_the_file() {
        let source = b"ARG A\nFROM x\nRUN a \\\n b\n# c\nCOPY <<E /x\ny\nE\nUSER z";
        let file = File::parse(source).unwrap();
        let settings = Settings::default();
        let model = Model::new(&file, None, &settings);
        let place = |text: &str| source.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
        let apart = |before: &str, text: &str| {
            let edits = EditSet::new(vec![Edit::insert(place(before), text)]).unwrap();
            let apart = reads_apart(&file, &edits);
            assert!(!apart || legible(&model, &edits.apply(source)).is_ok());
            apart
        };
        assert!(
            apart("RUN", "USER u\n") && apart(" b", " c") && apart("y", "\\\n") && apart("USER", "RUN <<F\nx\nF\n")
        );
        assert!(!apart("RUN", "NONSENSE\n") && !apart("\n# c", " \\") && !apart("USER", "RUN <<F\nx\n"));
        assert!(!apart("FROM", "ARG B\n") && !apart("E\nUSER", "x"));
        let end = EditSet::new(vec![Edit::insert(source.len(), "\nRUN x \\"), Edit::delete(Span::new(0, 6))]).unwrap();
        assert!(!reads_apart(&file, &end));
        let end = EditSet::new(vec![Edit::insert(source.len(), "\nRUN x \\")]).unwrap();
        assert!(reads_apart(&file, &end));
    }

    #[test]
    fn a_result_that_reads_worse_is_not_taken_and_only_the_guilty_is_named() {
        let good = transform!("good", Safe, |model| change(model, Keyword::User, "a", "b"));
        let bad = transform!("bad", Safe, |model| change(model, Keyword::Workdir, "/w", "/w\nNONSENSE"));
        for transforms in [[good, bad], [bad, good]] {
            let outcome = run("FROM x\nUSER a\nWORKDIR /w\n", &transforms);
            assert_eq!(text(&outcome), Some("FROM x\nUSER b\nWORKDIR /w\n"));
            assert_eq!(verdicts(&outcome), [("good", "safe"), ("bad", "illegible-result")]);
        }
    }

    #[test]
    fn fixes_without_end_are_reported_and_the_input_comes_back() {
        let grow = transform!("grow", Safe, |model| {
            let end = model.file.source.len();
            fix(Span::at(end), vec![Edit::insert(end, "# more\n")])
        });
        let outcome = run("FROM x\n", &[grow]);
        assert_eq!(text(&outcome), None);
        assert_eq!(verdicts(&outcome), [("grow", "not-convergent")]);
    }

    #[test]
    fn fixes_that_undo_each_other_are_reported_and_the_input_comes_back() {
        let there = transform!("there", Safe, |model| change(model, Keyword::User, "a", "b"));
        let back = transform!("back", Safe, |model| change(model, Keyword::User, "b", "a"));
        let outcome = run("FROM x\nUSER a\n", &[there, back]);
        assert_eq!(text(&outcome), None);
        assert!(verdicts(&outcome).iter().all(|(_, code)| *code == "not-convergent"), "{outcome:?}");
        assert!(!outcome.findings.is_empty());
    }

    #[test]
    fn a_fix_that_changes_nothing_is_a_defect() {
        let empty = transform!("empty", Safe, |model| change(model, Keyword::User, "a", "a"));
        let outcome = run("FROM x\nUSER a\n", &[empty]);
        assert_eq!((text(&outcome), verdicts(&outcome)), (None, vec![("empty", "no-change")]));
    }

    #[test]
    fn the_threshold_keeps_out_what_is_less_sure_and_a_fix_is_never_surer_than_its_transform() {
        let transform = transform!("careful", Review, |model| change(model, Keyword::User, "a", "b"));
        let settings = Settings::default();
        let request =
            Request { transforms: &[transform], threshold: Applicability::Safe, context: None, settings: &settings };
        let outcome = rewrite(b"FROM x\nUSER a\n", &request).unwrap();
        assert_eq!((text(&outcome), verdicts(&outcome)), (None, vec![("careful", "below-threshold")]));
        let outcome = run("FROM x\nUSER a\n", &[transform]);
        assert_eq!(verdicts(&outcome), [("careful", "review")]);
    }

    #[test]
    fn spans_point_at_the_bytes_that_were_given() {
        let first = transform!("first", Safe, |model| change(model, Keyword::User, "a", "longer"));
        let second = transform!("second", Safe, |model| {
            match model.file.source.windows(6).any(|part| part == b"longer") {
                true => change(model, Keyword::Workdir, "/w", "/x"),
                false => Vec::new(),
            }
        });
        let outcome = run("FROM x\nUSER a\nWORKDIR /w\n", &[first, second]);
        let spans: Vec<_> = outcome.findings.iter().map(|report| (report.span.start, report.span.end)).collect();
        assert_eq!(spans, [(7, 13), (14, 24)]);
    }
}
