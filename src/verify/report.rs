//! What came of it: a table for people, an object for tools, a block for pull requests.

use std::time::Duration;

use anstyle::{AnsiColor, Effects, Style};
use serde_json::json;

use super::verdict::{Side, Verdict};
use super::{Dropped, Outcome};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const DIM: Style = Style::new().effects(Effects::DIMMED);

/// How long a bar is.
const BAR: u64 = 20;

/// How many writable places are named.
const PLACES: usize = 6;

/// What is told of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Bytes, uncompressed.
    pub(crate) size: u64,
    /// How many layers it has.
    pub(crate) layers: usize,
    /// The user as the image names it.
    pub(crate) user: String,
    /// The user's number, where it is known.
    pub(crate) uid: Option<u32>,
    /// Toolchains, package managers, shells, setuid files: the kind and the names.
    pub(crate) left: Vec<(String, Vec<String>)>,
    /// The outermost folders and files that the user can write; empty for root, who can write all.
    pub(crate) writable: Vec<String>,
}

impl Facts {
    /// Those of an image that was looked at.
    pub(super) fn of(side: &Side) -> Self {
        let left = side.probe.left.iter();
        Self {
            // Where the engine tells no size, the files are added up.
            size: if side.image.size > 0 { side.image.size } else { side.probe.size },
            layers: side.image.layers,
            user: side.probe.user.name.clone(),
            uid: side.uid(),
            left: left.map(|(kind, names)| ((*kind).to_owned(), names.iter().cloned().collect())).collect(),
            writable: side.probe.writable.clone(),
        }
    }

    fn user(&self) -> String {
        match self.uid {
            Some(uid) if self.user == uid.to_string() || self.user == "root" => self.user.clone(),
            Some(uid) => format!("{} ({uid})", self.user),
            None => self.user.clone(),
        }
    }

    /// The names of one kind of what is left behind.
    fn left(&self, kind: &str) -> &[String] {
        self.left.iter().find(|(other, _)| other == kind).map_or(&[], |(_, names)| names.as_slice())
    }

    fn json(&self) -> serde_json::Value {
        let left: serde_json::Map<String, serde_json::Value> =
            self.left.iter().map(|(kind, names)| (kind.replace(' ', "_"), json!(names))).collect();
        json!({
            "size": self.size, "layers": self.layers, "user": self.user, "uid": self.uid,
            "left_behind": left, "writable": self.writable,
        })
    }
}

/// The line for one file, line ending included.
pub(crate) fn json(outcome: &Outcome) -> Vec<u8> {
    let dropped: Vec<_> =
        outcome.dropped.iter().map(|Dropped { fix, why }| json!({"fix": fix, "differences": why})).collect();
    let object = json!({
        "path": outcome.path.to_string_lossy(),
        "verdict": outcome.verdict.name(),
        "details": outcome.verdict.details(),
        "fixes": outcome.fixes,
        "dropped": dropped,
        "remarks": outcome.remarks,
        "before": outcome.before.as_ref().map(Facts::json),
        "after": outcome.after.as_ref().map(Facts::json),
        "log": outcome.log.as_ref().map(|log| log.to_string_lossy()),
        "last_lines": outcome.last_lines,
        "seconds": outcome.seconds.round(),
    });
    let mut line = object.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The table, with what is behind each row under it.
pub(crate) fn human(outcomes: &[Outcome]) -> String {
    let rows: Vec<[String; 6]> = outcomes.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (row, outcome) in rows.iter().zip(outcomes) {
        let [path, before, bar, after, user, verdict] = row;
        let [one, two, three, four, five, _] = widths;
        let style = match outcome.verdict {
            Verdict::Same | Verdict::Unchanged => GOOD,
            _ => BAD,
        };
        let line = format!("{path:one$}  {before:>two$}  {bar:three$}  {after:>four$}  {user:five$}");
        text += &format!("{}  {style}{verdict}{style:#}\n", squeeze(&line, &widths));
        text += &below(outcome);
    }
    text
}

/// A line without the columns that are empty in every row.
fn squeeze(line: &str, widths: &[usize; 6]) -> String {
    match widths.iter().skip(1).take(4).all(|width| *width == 0) {
        true => line.trim_end().to_owned(),
        false => line.to_owned(),
    }
}

fn row(outcome: &Outcome) -> [String; 6] {
    let path = outcome.path.display().to_string();
    let verdict = outcome.verdict.name().to_owned();
    match (&outcome.before, &outcome.after) {
        (Some(before), Some(after)) => [
            path,
            size(before.size),
            bar(before.size, after.size),
            reduced(before.size, after.size),
            users(before, after),
            verdict,
        ],
        (Some(before), None) => [path, size(before.size), String::new(), String::new(), before.user(), verdict],
        _ => [path, String::new(), String::new(), String::new(), String::new(), verdict],
    }
}

fn reduced(before: u64, after: u64) -> String {
    format!("{} ({})", size(after), change(before, after))
}

/// What is under a row: what differs, what was left behind, remarks.
fn below(outcome: &Outcome) -> String {
    let mut text = String::new();
    for detail in outcome.verdict.details() {
        text += &format!("    {BAD}-{BAD:#} {detail}\n");
    }
    for line in &outcome.last_lines {
        text += &format!("      {DIM}| {line}{DIM:#}\n");
    }
    if let Some(log) = &outcome.log {
        text += &format!("      {DIM}log: {}{DIM:#}\n", log.display());
    }
    for Dropped { fix, why } in &outcome.dropped {
        text += &format!("    {BAD}dropped{BAD:#} {fix}: {}\n", why.join("; "));
    }
    if let (Some(before), Some(after)) = (&outcome.before, &outcome.after) {
        for line in left(before, after) {
            text += &format!("    {DIM}{line}{DIM:#}\n");
        }
    }
    for remark in &outcome.remarks {
        text += &format!("    {DIM}note: {remark}{DIM:#}\n");
    }
    text
}

/// What is no longer there and what still is, a line each.
fn left(before: &Facts, after: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in ["toolchain", "package manager", "shell", "setuid"] {
        let (old, new) = (before.left(kind), after.left(kind));
        let gone: Vec<&str> = old.iter().filter(|name| !new.contains(name)).map(String::as_str).collect();
        let noun = match kind {
            "toolchain" => "toolchain",
            "package manager" => "package managers",
            "shell" => "shells",
            _ => "setuid files",
        };
        let mut parts = Vec::new();
        match gone.len() {
            0 => {}
            1..=8 => parts.push(format!("gone: {}", gone.join(", "))),
            many => parts.push(format!("gone: {many}")),
        }
        match new.len() {
            0 => {}
            1..=8 if kind != "setuid" => parts.push(format!("still there: {}", new.join(", "))),
            many => parts.push(format!("still there: {many}")),
        }
        if !parts.is_empty() {
            lines.push(format!("{noun} {}", parts.join("; ")));
        }
    }
    if after.uid != Some(0) {
        lines.push(match after.writable.as_slice() {
            [] => "its user can write nothing but the temporary folders".into(),
            places => {
                let more = places.len().saturating_sub(PLACES);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let places: Vec<&str> = places.iter().take(PLACES).map(String::as_str).collect();
                format!("its user can write {}{more}", places.join(", "))
            }
        });
    }
    lines
}

/// The block that a pull request carries.
pub(crate) fn markdown(outcomes: &[Outcome]) -> String {
    let mut text =
        "| Dockerfile | before | after | | user | verdict |\n| --- | ---: | ---: | --- | --- | --- |\n".to_owned();
    for outcome in outcomes {
        let [path, before, bar, after, user, verdict] = row(outcome).map(|cell| escaped(&cell));
        let bar = if bar.is_empty() { bar } else { format!("`{bar}`") };
        text += &format!("| `{path}` | {before} | {after} | {bar} | {user} | {verdict} |\n");
    }
    for outcome in outcomes {
        let mut lines: Vec<String> = outcome.verdict.details().to_vec();
        lines.extend(
            outcome.dropped.iter().map(|Dropped { fix, why }| format!("`{fix}` was dropped: {}", why.join("; "))),
        );
        if let (Some(before), Some(after)) = (&outcome.before, &outcome.after) {
            lines.extend(left(before, after));
        }
        lines.extend(outcome.remarks.iter().cloned());
        if !lines.is_empty() {
            text += &format!("\n`{}`:\n\n", escaped(&outcome.path.display().to_string()));
            for line in lines {
                text += &format!("- {}\n", escaped(&line));
            }
        }
    }
    text
}

/// A text that is no markup.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '|' | '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '#' | '@' => {
                out.push('\\');
                out.push(character);
            }
            '\n' | '\r' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

fn users(before: &Facts, after: &Facts) -> String {
    match before.uid == after.uid {
        true => after.user(),
        false => format!("{} → {}", before.user(), after.user()),
    }
}

/// Bytes in three digits, by thousands, as engines print them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let Some((unit, name)) = UNITS.iter().find(|(unit, _)| bytes >= *unit) else { return format!("{bytes} B") };
    let number = bytes as f64 / *unit as f64;
    let digits = if number >= 100.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    format!("{number:.digits$} {name}")
}

/// How much of the old size the new one is.
fn bar(before: u64, after: u64) -> String {
    let filled = (after.saturating_mul(BAR) + before / 2).checked_div(before).unwrap_or(BAR).min(BAR);
    let filled = if after > 0 { filled.max(1) } else { filled };
    (0..BAR).map(|at| if at < filled { '█' } else { '░' }).collect()
}

fn change(before: u64, after: u64) -> String {
    if before == 0 {
        return "new".into();
    }
    let percent = 100.0 * (after as f64 - before as f64) / before as f64;
    match percent.round() {
        0.0 => "as before".into(),
        less if less < 0.0 => format!("−{} %", -less),
        more => format!("+{more} %"),
    }
}

/// A time in words: `5 s`, `30 min`.
pub(crate) fn time(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(size: u64, user: &str, uid: u32, tools: &[&str]) -> Facts {
        let names = tools.iter().map(|name| (*name).to_owned()).collect();
        Facts {
            size,
            layers: 1,
            user: user.into(),
            uid: Some(uid),
            left: vec![("toolchain".into(), names)],
            writable: vec!["/data".into()],
        }
    }

    fn outcomes() -> Vec<Outcome> {
        let same = Outcome {
            before: Some(facts(1_000_000_000, "root", 0, &["gcc", "go"])),
            after: Some(facts(75_000_000, "appuser", 999, &[])),
            ..Outcome::new("a/Dockerfile".into(), Verdict::Same)
        };
        let differs = Outcome {
            before: Some(facts(500, "root", 0, &[])),
            ..Outcome::new("b".into(), Verdict::Differs(vec!["GET / was 200, is 500: <b>".into()]))
        };
        vec![same, differs]
    }

    #[test]
    fn the_table_has_sizes_a_bar_the_user_and_the_verdict() {
        let plain = anstream::adapter::strip_str(&human(&outcomes())).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(
            lines[0],
            "a/Dockerfile  1.00 GB  ██░░░░░░░░░░░░░░░░░░  75.0 MB (−93 %)  root → appuser (999)  same"
        );
        assert_eq!(lines[1..3], ["    toolchain gone: gcc, go", "    its user can write /data"]);
        assert!(lines[3].starts_with("b ") && lines[3].ends_with("differs"), "{}", lines[3]);
        assert_eq!(lines[4], "    - GET / was 200, is 500: <b>");
    }

    #[test]
    fn markdown_holds_no_markup_of_others() {
        let text = markdown(&outcomes());
        assert!(text.contains("| `a/Dockerfile` | 1.00 GB | 75.0 MB (−93 %) | `██░"), "{text}");
        assert!(text.contains("- GET / was 200, is 500: \\<b\\>\n"), "{text}");
    }

    #[test]
    fn an_object_a_line() {
        let lines: Vec<u8> = outcomes().iter().flat_map(json).collect();
        let objects: Vec<serde_json::Value> =
            String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&objects[0]["verdict"], &objects[0]["after"]["uid"]), (&"same".into(), &999.into()));
        assert_eq!(objects[1]["details"][0], "GET / was 200, is 500: <b>");
    }
}
