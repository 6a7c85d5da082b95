//! The text of a request. What comes from the repository is quoted, so that it mentions nobody, links nowhere and stays
//! inside its quotes.

use std::path::Path;

use dockwright_transforms::knowledge::images::RunsAs;
use dockwright_transforms::model::{Base, Model};
use dockwright_transforms::rewrite::{Report, Status};
use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::File;

use crate::diff;
use crate::report::human;
use crate::report::json::line_of;

/// GitHub takes no longer text than 65,536 characters.
const LONGEST: usize = 60_000;

/// How many of the places that are left alone are named.
const PLACES: usize = 25;

/// Who closed a request, where it was us: a comment that no page shows.
const CLOSED: &str = "<!-- dockwright closed this request -->";

/// One file's change.
pub(super) struct Changed {
    /// The file, from the repository's root.
    pub(super) path: String,
    /// The change as a diff, in which nothing steers a terminal.
    pub(super) diff: String,
    /// What was fixed.
    fixed: Vec<Report>,
    before: Shape,
    after: Shape,
}

impl Changed {
    pub(super) fn new(path: String, fixed: Vec<Report>, before: &[u8], after: &[u8]) -> Self {
        let diff = diff::unified(Path::new(&path), before, after);
        let lines = String::from_utf8_lossy(&diff);
        let diff = lines.lines().map(|line| format!("{}\n", human::printable(line))).collect();
        Self { path, diff, fixed, before: Shape::of(before), after: Shape::of(after) }
    }
}

/// What people who run the image see of a Dockerfile.
struct Shape {
    stages: usize,
    base: String,
    /// Empty where it is the base image's, which is not known.
    user: String,
}

impl Shape {
    fn of(source: &[u8]) -> Self {
        let unknown = || Self { stages: 0, base: "?".into(), user: "?".into() };
        let Ok(file) = File::parse(source) else { return unknown() };
        let settings = Settings::default();
        let model = Model::new(&file, None, &settings);
        let Some(shipped) = model.shipped() else { return unknown() };
        let from = |index: usize| model.instruction(index).map(|one| one.args.text.clone()).unwrap_or_default();
        let bottom = model.bottom(shipped);
        let base = match bottom.base {
            Base::Scratch => "scratch".to_owned(),
            _ => from(bottom.from).split_whitespace().next().unwrap_or("?").to_owned(),
        };
        let user = match (model.final_user(shipped), model.known(shipped).map(|known| known.runs_as())) {
            (Some(user), _) => user.text.clone(),
            (None, Some(RunsAs::User(user))) => user.to_owned(),
            (None, Some(RunsAs::Root)) => "root".to_owned(),
            (None, _) => String::new(),
        };
        Self { stages: model.stages.len(), base, user }
    }
}

/// A place that is left as it is.
pub(super) struct Left {
    pub(super) path: String,
    pub(super) line: Option<usize>,
    pub(super) text: String,
    /// Whether that is as it should be, and no limit of ours.
    pub(super) settled: bool,
}

impl Left {
    pub(super) fn of(path: &str, report: &Report, source: &[u8]) -> Self {
        let (code, settled) = match report.status {
            Status::Refused { code, settled } => (code, settled),
            Status::Fixed(_) => ("", true),
        };
        // The message of a refusal has its reason; what else there is to say stands behind it.
        let detail = if report.detail.is_empty() { String::new() } else { format!(": {}", report.detail) };
        let text = format!("{}{detail} ({code})", report.message);
        Self { path: path.to_owned(), line: Some(line_of(source, report.span.start)), text, settled }
    }
}

/// What a request says.
pub(super) struct Text<'a> {
    /// The transforms.
    pub(super) ids: &'a [&'static str],
    pub(super) why: &'a str,
    pub(super) changed: &'a [Changed],
    pub(super) left: &'a [Left],
    /// What `verify` says, in Markdown.
    pub(super) proof: Option<&'a str>,
}

/// Printable characters on one line, nothing that a terminal or a page takes for more.
pub(super) fn plain(text: &str) -> String {
    // What turns the direction of writing makes a text look like another one.
    let odd = |one: char| one.is_control() || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|one| if odd(one) { ' ' } else { one }).take(600).collect()
}

/// A text as code: no markup, mention or link in it counts, and it can't end the quotes.
pub(super) fn code(text: &str) -> String {
    let text = plain(text).replace('`', "'");
    match text.trim().is_empty() {
        true => "` `".into(),
        false => format!("`{text}`"),
    }
}

/// A text as code in a cell of a table, where a bar ends the cell even within code. With a backslash before it it does not,
/// but with two it does.
fn cell(text: &str) -> String {
    code(&text.replace("\\|", "\\¦").replace('|', "\\|"))
}

/// A sentence of our own that may hold words of the repository.
fn sentence(text: &str) -> String {
    let text = plain(text);
    let mut out = String::new();
    for (at, one) in text.char_indices() {
        if matches!(one, '`' | '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~' | '$') {
            out.push('\\');
        }
        out.push(one);
        let rest = text.get(at + one.len_utf8()..).unwrap_or_default();
        // `@name` mentions a person, `#1` links, and so do GitLab's `%1`, addresses, and what looks like `:smile:`; with an
        // invisible mark between they do not. In the name of an image, which people copy, there is none.
        let means_more = match one {
            '@' | '#' | '%' => true,
            ':' => {
                let word = rest.trim_start_matches(|one: char| one.is_alphanumeric() || matches!(one, '_' | '+' | '-'));
                rest.starts_with('/') || word.starts_with(':')
            }
            _ => false,
        };
        if means_more {
            out.push('\u{200b}');
        }
    }
    // `www.` alone is a link too, and `GH-1` another one to an issue.
    let links = [("www.", "www\u{200b}."), ("WWW.", "WWW\u{200b}."), ("GH-", "GH\u{200b}-"), ("gh-", "gh\u{200b}-")];
    links.iter().fold(out, |out, (plain, broken)| out.replace(plain, broken))
}

/// The text of a request.
pub(super) fn text(of: &Text<'_>) -> String {
    let mut out = format!("{}\n", of.why);
    for (at, file) in of.changed.iter().enumerate() {
        let part = section(file);
        if out.len() + part.len() > LONGEST {
            out += &format!("\n… and {} more files; the diff has them all.\n", of.changed.len() - at);
            break;
        }
        out += &part;
    }
    match of.proof {
        Some(proof) if out.len() + proof.len() < LONGEST => {
            out += &format!("\n### Built and run, before and after\n\n{proof}");
        }
        Some(_) => {}
        None => {
            out += "\nNothing was built for this request; `dockwright verify` builds both images, runs them, and compares.\n"
        }
    }
    let fixes = of.changed.iter().flat_map(|file| &file.fixed);
    let reviews = fixes.filter(|report| applicability(report) == "review").count();
    if reviews > 0 {
        out += "\nA safe fix rests on what the repository shows. A review fix takes for granted what its boxes say.\n";
    }
    let left = left(of.left);
    if out.len() + left.len() < LONGEST {
        out += &left;
    }
    let ids: Vec<String> = of.ids.iter().map(|id| format!("\"{id}\"")).collect();
    out.push_str(&format!(
        "\n---\nThis branch belongs to dockwright, which keeps it up to date while nobody else commits to it. Close the \
         request, and it is not opened again. To leave this out for good, put `skip = [{}]` into a `dockwright.toml` in \
         the repository's root, or beside one Dockerfile; `enabled = false` under `[pr]` there ends all requests.\n",
        ids.join(", ")
    ));
    out
}

/// What is said of one file.
fn section(file: &Changed) -> String {
    let Changed { path, fixed, before, after, .. } = file;
    let mut out = format!("\n### {}\n\n| | before | after |\n| --- | --- | --- |\n", code(path));
    out += &format!("| stages | {} | {} |\n", before.stages, after.stages);
    out += &format!("| base of the shipped image | {} | {} |\n", cell(&before.base), cell(&after.base));
    let user = |shape: &Shape| match shape.user.is_empty() {
        true => "the base image's".to_owned(),
        false => cell(&shape.user),
    };
    out += &format!("| user | {} | {} |\n\n", user(before), user(after));
    for report in fixed {
        out += &format!("- {} ({} fix)\n", sentence(&report.detail), applicability(report));
    }
    let assumptions: Vec<&String> = fixed.iter().flat_map(|report| &report.assumptions).collect();
    if !assumptions.is_empty() {
        out += "\nTaken for granted; please look at each:\n\n";
    }
    for assumption in assumptions {
        out += &format!("- [ ] {}\n", sentence(assumption));
    }
    let evidence: Vec<_> = fixed.iter().flat_map(|report| &report.decisions).collect();
    if !evidence.is_empty() {
        out += "\n<details>\n<summary>What each line became, and the evidence</summary>\n\n";
        out += "| line | | place | evidence |\n| ---: | --- | --- | --- |\n";
        for one in evidence {
            let line = one.line.map_or_else(|| "+".to_owned(), |line| line.to_string());
            out += &format!("| {line} | {} | {} | {} |\n", cell(&one.what), one.place, sentence(&one.evidence));
        }
        out += "\n</details>\n";
    }
    out
}

fn applicability(report: &Report) -> &'static str {
    match report.status {
        Status::Fixed(applicability) => applicability.name(),
        Status::Refused { .. } => "no",
    }
}

/// What was left alone, and why.
fn left(left: &[Left]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let mut out = "\n<details>\n<summary>What was left alone, and why</summary>\n\n".to_owned();
    // What is a limit of ours comes before what is as it should be.
    let (limits, settled): (Vec<&Left>, Vec<&Left>) = left.iter().partition(|one| !one.settled);
    for one in limits.into_iter().chain(settled).take(PLACES) {
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        out += &format!("- {} {}\n", code(&format!("{}{line}", one.path)), sentence(&one.text));
    }
    if left.len() > PLACES {
        out += &format!("- and {} more; `dockwright check` lists them\n", left.len() - PLACES);
    }
    out + "\n</details>\n"
}

/// Whether two texts are the same: a site may change line ends and blanks at the end.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.replace("\r\n", "\n").trim() == other.replace("\r\n", "\n").trim()
}

/// A new text, with the boxes ticked that are ticked in the old one.
pub(super) fn with_ticks(new: &str, old: &str) -> String {
    let old = old.replace("\r\n", "\n");
    let ticked = |line: &str| {
        line.strip_prefix("- [ ] ").is_some_and(|text| {
            old.lines().any(|line| line == format!("- [x] {text}") || line == format!("- [X] {text}"))
        })
    };
    let lines = new.split('\n').map(|line| match ticked(line) {
        true => line.replacen("- [ ] ", "- [x] ", 1),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text of a request that we close.
pub(super) fn closing(text: &str) -> String {
    format!("{}\n\n{CLOSED}\n", text.trim_end())
}

/// Whether it was us who closed a request of this text.
pub(super) fn closed_by_us(text: &str) -> bool {
    text.contains(CLOSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_repository_stay_words() {
        let hostile = "run `x` @everyone <img src=x> [a](http://evil) #1 www.evil.example \u{1b}[31m\u{202e}\n```";
        let shown = sentence(hostile);
        for bad in ["@everyone", "http://", "www.evil", "\u{1b}", "\u{202e}", "\n"] {
            assert!(!shown.contains(bad), "{bad:?}: {shown}");
        }
        assert!(shown.contains("\\`x\\`") && shown.contains("\\<img") && shown.contains("\\[a\\]"), "{shown}");
        assert_eq!(code("a`b\n@x"), "`a'b @x`");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(cell("a\\|b"), "`a\\¦b`");
        let shown = sentence("GH-1 and %1, python:3.12 and :tada: or a:b:c");
        assert_eq!(shown, "GH\u{200b}-1 and %\u{200b}1, python:3.12 and :\u{200b}tada: or a:\u{200b}b:c");
    }

    #[test]
    fn a_file_is_told_by_its_stages_its_base_and_its_user() {
        let shape = Shape::of(b"FROM golang:1.22 AS b\nRUN x\nFROM alpine:3.20\nUSER app\n");
        assert_eq!((shape.stages, shape.base.as_str(), shape.user.as_str()), (2, "alpine:3.20", "app"));
        let shape = Shape::of(b"FROM debian:12\nCMD x\n");
        assert_eq!((shape.stages, shape.base.as_str(), shape.user.as_str()), (1, "debian:12", "root"));
    }

    #[test]
    fn ticks_are_kept_where_the_line_is_the_same() {
        let old = "a\r\n- [x] one\r\n- [ ] two\r\n- [X] gone\r\n";
        assert_eq!(with_ticks("b\n- [ ] one\n- [ ] two\n- [ ] new\n", old), "b\n- [x] one\n- [ ] two\n- [ ] new\n");
        assert!(same("a\nb\n", "a\r\nb"));
    }

    #[test]
    fn what_we_closed_is_known() {
        assert!(closed_by_us(&closing("text")) && !closed_by_us("text"));
    }
}
