//! What is the same before and after, and what is not: sentences that say what a user of the image would notice.

use std::collections::{BTreeMap, BTreeSet};

use dockwright_transforms::knowledge::words::Words;
use serde_json::Value;

use super::engine::{Config, Image};
use super::probe::{Lack, Probe};
use super::run::{Answer, Observation, Own, Page, masked};
use crate::cli::Part;

/// No more of the lines of a run are looked at for what they have in common with those of another one.
const MAX_VARYING: usize = 200;

/// What came of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Both build, and do the same.
    Same,
    /// There is nothing to change, so nothing was built.
    Unchanged,
    /// What is not the same, a sentence each.
    Differs(Vec<String>),
    /// Nothing is claimed: why.
    OriginalDoesNotBuild(String),
    /// The engine is not there, or does not do its work.
    EngineError(String),
    /// The file could not be read or parsed.
    Failed(String),
    /// Somebody stopped it.
    Interrupted,
}

impl Verdict {
    /// Its stable name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Unchanged => "unchanged",
            Verdict::Differs(_) => "differs",
            Verdict::OriginalDoesNotBuild(_) => "original does not build",
            Verdict::EngineError(_) => "engine error",
            Verdict::Failed(_) => "not read",
            Verdict::Interrupted => "interrupted",
        }
    }

    /// What there is to say of it, a sentence each.
    pub(crate) fn details(&self) -> &[String] {
        match self {
            Verdict::Differs(details) => details,
            Verdict::OriginalDoesNotBuild(text) | Verdict::EngineError(text) | Verdict::Failed(text) => {
                std::slice::from_ref(text)
            }
            Verdict::Same | Verdict::Unchanged | Verdict::Interrupted => &[],
        }
    }
}

/// An image that was built and looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Side {
    pub(super) image: Image,
    pub(super) probe: Probe,
    /// The original is run twice: what it does not do twice is not asked of the other one.
    pub(super) runs: Vec<Observation>,
}

impl Side {
    /// The user it runs as: that of its first process, or the one that the configuration names.
    pub(super) fn uid(&self) -> Option<u32> {
        self.runs.iter().find_map(|run| run.uid).or(self.probe.user.uid)
    }
}

/// Differences in the configuration, each side seen against its own base: a value that both have from their base is the
/// base's business. A variable that is `idle` is read by nothing that is left in the image.
pub(super) fn configuration(
    before: &Config,
    after: &Config,
    bases: (&Config, &Config),
    accept: &[Part],
    idle: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    let parts: BTreeSet<Part> = before.parts.keys().chain(after.parts.keys()).copied().collect();
    for part in parts {
        if accept.contains(&part) {
            continue;
        }
        let (old, new) = (before.parts.get(&part), after.parts.get(&part));
        let inherited = old == bases.0.parts.get(&part) && new == bases.1.parts.get(&part);
        if old == new || inherited {
            continue;
        }
        match part {
            Part::Env => found.extend(environment(before, after, bases, idle)),
            Part::Label | Part::Expose | Part::Volume => found.extend(entries(part, [old, new], bases)),
            _ => found.push(format!("{} was {}, is {}", noun(part), shown(old), shown(new))),
        }
    }
    found
}

/// Whether a variable is read by a toolchain alone that is left behind.
pub(super) fn is_idle(before: &Probe, after: &Probe, name: &str) -> bool {
    let has = |probe: &Probe| probe.left.get("toolchain").is_some_and(|names| names.contains("go"));
    Words::GoVariables.has(name) && has(before) && !has(after)
}

/// Variables that the original sets itself.
fn environment(before: &Config, after: &Config, bases: (&Config, &Config), idle: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let base = variables(bases.0);
    let new = variables(after);
    for (name, value) in variables(before) {
        if base.get(&name) == Some(&value) {
            continue;
        }
        if name == "PATH" {
            // A PATH in which the toolchain's folders stood is shorter without the toolchain.
            let of_base: Vec<&str> = base.get("PATH").map_or("", String::as_str).split(':').collect();
            let now: Vec<&str> = new.get("PATH").map_or("", String::as_str).split(':').collect();
            let own = value.split(':').filter(|folder| !of_base.contains(folder));
            let lost: Vec<&str> = own.filter(|folder| !now.contains(folder)).collect();
            if !lost.is_empty() {
                found.push(format!("PATH has lost {}", lost.join(":")));
            }
            continue;
        }
        match new.get(&name) {
            Some(now) if *now == value => {}
            Some(now) => found.push(format!("the variable {name} was {value:?}, is {now:?}")),
            None if idle(&name) => {}
            None => found.push(format!("the variable {name} was {value:?}, is not set")),
        }
    }
    found
}

/// Labels, ports or volumes, one by one: what is lost or another.
fn entries(part: Part, sides: [Option<&Value>; 2], bases: (&Config, &Config)) -> Vec<String> {
    let map = |value: Option<&Value>| -> BTreeMap<String, Value> {
        let object = value.and_then(Value::as_object).cloned().unwrap_or_default();
        object.into_iter().collect()
    };
    let [old, new] = sides.map(map);
    let (old_base, new_base) = (map(bases.0.parts.get(&part)), map(bases.1.parts.get(&part)));
    let mut found = Vec::new();
    for (name, value) in &old {
        if old_base.get(name) == Some(value) {
            continue;
        }
        match new.get(name) {
            Some(now) if now == value => {}
            Some(now) => found.push(format!("{} {name} was {value}, is {now}", noun(part))),
            None => found.push(format!("{} {name} is gone", noun(part))),
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name) && !new_base.contains_key(*name)) {
        found.push(format!("{} {name} is new", noun(part)));
    }
    found
}

/// The programs and libraries that had all of their libraries in the original and have not now.
fn broken<'a>(before: &'a Side, after: &'a Side) -> impl Iterator<Item = (&'a String, &'a Lack)> {
    let whole = |path: &String| before.probe.programs.contains(path) && !before.probe.broken.contains_key(path);
    after.probe.broken.iter().filter(move |(path, _)| whole(path))
}

/// Whether a module lost a library, so that it matters what the new base brings of itself.
pub(super) fn lost_modules(before: &Side, after: &Side) -> bool {
    broken(before, after).any(|(_, lack)| lack.loaded)
}

/// Modules that lost a library. Nobody sees it before something loads them, which may be long after the start. What the
/// new `base` has in the same state is its own affair: python's image without Tk has the module that would need it.
pub(super) fn modules(before: &Side, after: &Side, base: Option<&Probe>) -> Vec<String> {
    let of_base = |path: &String| base.is_some_and(|base| base.broken.contains_key(path));
    let mut found: BTreeMap<&String, (&String, usize)> = BTreeMap::new();
    for (path, lack) in broken(before, after).filter(|(path, lack)| lack.loaded && !of_base(path)) {
        // What the program itself needs is told where that is looked at.
        for (library, _) in lack.libraries.iter().filter(|one| !after.probe.missing.contains(one)) {
            found.entry(library).or_insert((path, 0)).1 += 1;
        }
    }
    let sentence = |(library, (path, count)): (&String, (&String, usize))| {
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        let need = if count > 1 { "need" } else { "needs" };
        format!("{path}{more} {need} the shared library {library}, which was in the original and is not now")
    };
    found.into_iter().map(sentence).collect()
}

/// What changed in the configuration and is no fault; `meant` names what is meant to change, and who means it.
pub(super) fn remarks(before: &Side, after: &Side, meant: &[(Part, &'static str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (part, who) in meant {
        let (old, new) = (before.image.config.parts.get(part), after.image.config.parts.get(part));
        if old != new {
            found.push(format!("{} was {}, is {}: {who} means it so", noun(*part), shown(old), shown(new)));
        }
    }
    let (old, new) = (variables(&before.image.config), variables(&after.image.config));
    let lost: Vec<&str> = old.keys().filter(|name| !new.contains_key(*name)).map(String::as_str).collect();
    if !lost.is_empty() {
        found.push(format!("variables of the old base image or of its toolchain are gone: {}", lost.join(", ")));
    }
    let added: Vec<&str> = new.keys().filter(|name| !old.contains_key(*name)).map(String::as_str).collect();
    if !added.is_empty() {
        found.push(format!("variables that the original does not have: {}", added.join(", ")));
    }
    // Of a program that something else may run it is not known that anything does.
    let broken: Vec<&String> = broken(before, after).filter(|(_, lack)| !lack.loaded).map(|(path, _)| path).collect();
    if let Some(first) = broken.first() {
        let more = if broken.len() > 1 { format!(" and {} more", broken.len() - 1) } else { String::new() };
        found.push(format!("{first}{more} had its shared libraries in the original and has not now"));
    }
    if after.uid() == Some(0) {
        found.push("it runs as root".into());
    }
    found
}

/// What the files of the two images say about how they will run.
pub(super) fn files(before: &Side, after: &Side) -> Vec<String> {
    let mut found = Vec::new();
    for program in after.probe.starts.iter().filter(|program| !program.found) {
        if !before.probe.starts.contains(program) {
            found.push(format!("the program {} is not in the image", program.name));
        }
    }
    for (library, needer) in &after.probe.missing {
        if !before.probe.missing.iter().any(|(other, _)| other == library) {
            found.push(format!("{needer} needs the shared library {library}, which is not in the image"));
        }
    }
    let user = &after.probe.user;
    if user.uid.is_none() {
        found.push(format!("the user {} is not in the image", user.name));
    }
    match (before.uid(), after.uid()) {
        (Some(old), Some(0)) if old != 0 => found.push(format!("it runs as root, the original as user {old}")),
        (Some(0), Some(0)) if before.image.config.user != after.image.config.user => {
            found.push(format!("its user is {} now, and that is still root", user.name));
        }
        (Some(old), Some(new)) if old == new => {
            let folder = before.image.config.parts.get(&Part::Workdir).and_then(Value::as_str).unwrap_or("/");
            if writes(before, folder) && !writes(after, folder) {
                found.push(format!("user {new} can't write in its working directory {folder} any more"));
            }
        }
        _ => {}
    }
    found
}

/// Whether the user of an image may write in a folder.
fn writes(side: &Side, folder: &str) -> bool {
    let within = |outer: &String| {
        folder.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    side.probe.writable.iter().any(within)
}

/// What the one did and the other did not. `before` is the runs of the original, one or more. Where it is meant to be started by
/// `another` command, what that one printed before the program did is not asked for.
pub(super) fn behaviour(before: &[Observation], after: &Observation, another: bool) -> Vec<String> {
    let Some(old) = before.first() else { return Vec::new() };
    let steady = |same: &dyn Fn(&Observation) -> bool| before.iter().all(same);
    let said = telling(before, after);
    let mut found = Vec::new();
    if old.fault.is_some() {
        return found;
    }
    if let Some(fault) = &after.fault {
        return vec![format!("it does not start: {fault}")];
    }
    if steady(&|run| run.exited == old.exited) {
        match (old.exited, after.exited) {
            (None, Some(code)) => {
                return vec![format!("it ends at once with exit code {code}, the original goes on{said}")];
            }
            (Some(code), None) => found.push(format!("it goes on, the original ends with exit code {code}")),
            (Some(was), Some(is)) if was != is => found.push(format!("the exit code was {was}, is {is}{said}")),
            _ => {}
        }
    }
    for port in old.listening.iter().filter(|port| steady(&|run| run.listening.contains(port))) {
        if !after.listening.contains(port) {
            found.push(format!("nothing listens on port {port}{said}"));
        }
    }
    for (at, answer) in old.answers.iter().enumerate() {
        if after.listening.contains(&answer.port) {
            let now = after.answers.iter().find(|now| now.port == answer.port && now.path == answer.path);
            found.extend(pages(before, at).and_then(|pages| answered(answer, &pages, now)));
        }
    }
    if steady(&|run| run.health == old.health) && old.health != after.health {
        let code = |code: Option<i32>| code.map_or("nothing".to_owned(), |code| code.to_string());
        found.push(format!("the health check returned {}, returns {}", code(old.health), code(after.health)));
    }
    if after.exited.is_none() && steady(&|run| run.stopped == old.stopped) && old.stopped != after.stopped {
        let code = |code: Option<i32>| code.map_or("none".to_owned(), |code| code.to_string());
        found.push(format!(
            "the exit code after it was asked to stop was {}, is {}",
            code(old.stopped),
            code(after.stopped)
        ));
    }
    for one in printed(before, after, another) {
        // The line that tells why may have been told already.
        let told = !said.is_empty() && found.iter().any(|other| other.ends_with(&said));
        if !told || !one.contains(said_line(&said)) {
            found.push(one);
        }
    }
    found
}

/// The line itself in what [`telling`] says.
fn said_line(said: &str) -> &str {
    said.trim_start_matches(": ").split(" (it runs as user").next().unwrap_or_default()
}

/// What the original answered each time that it was asked the same; `None` where it did not answer each time, or speaks
/// something else than HTTP.
fn pages<'a>(before: &'a [Observation], at: usize) -> Option<Vec<&'a Page>> {
    let first = before.first()?.answers.get(at)?;
    // A run that was over before this was asked says nothing of it.
    let same = |run: &'a Observation| run.answers.iter().find(|one| one.port == first.port && one.path == first.path);
    before.iter().filter_map(same).map(|answer| answer.result.as_ref().ok()).collect()
}

/// The lines of pages of one length that are the same in all but for numbers, by their place; `None` elsewhere.
fn steady_lines(pages: &[&Page]) -> Option<Vec<Option<String>>> {
    let lines = |page: &&Page| page.body.lines().map(|line| masked(line, &[])).collect::<Vec<String>>();
    let all: Vec<Vec<String>> = pages.iter().map(lines).collect();
    let first = all.first()?;
    if all.iter().any(|lines| lines.len() != first.len()) {
        return None;
    }
    let steady =
        |(at, line): (usize, &String)| all.iter().all(|lines| lines.get(at) == Some(line)).then(|| line.clone());
    Some(first.iter().enumerate().map(steady).collect())
}

/// One answer, with what the original itself answered each time.
fn answered(old: &Answer, pages: &[&Page], new: Option<&Answer>) -> Option<String> {
    let what = format!("GET {} on port {}", old.path, old.port);
    let page = pages.first()?;
    let steady = |same: &dyn Fn(&Page) -> bool| pages.iter().all(|page| same(page));
    let new = match new.map(|new| &new.result) {
        Some(Ok(new)) => new,
        Some(Err(error)) => return Some(format!("{what} was {}, is no answer: {error}", page.status)),
        None => return Some(format!("{what} was {}, is no answer", page.status)),
    };
    if page.status != new.status && steady(&|one| one.status == page.status) {
        let line = new.body.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('<'));
        let line = line.map(|line| format!(": {}", short(line))).unwrap_or_default();
        return Some(format!("{what} was {}, is {}{line}", page.status, new.status));
    }
    if page.kind != new.kind && steady(&|one| one.kind == page.kind) {
        return Some(format!("{what} was of type {:?}, is {:?}", page.kind, new.kind));
    }
    if page.location != new.location && steady(&|one| one.location == page.location) {
        return Some(format!("{what} led to {:?}, leads to {:?}", page.location, new.location));
    }
    if page.body == new.body {
        return None;
    }
    if steady(&|one| one.body == page.body) {
        return Some(format!("{what} answers something else: {}", first_difference(&page.body, &new.body)));
    }
    let lines = steady_lines(pages)?;
    let mask: Vec<String> = new.body.lines().map(|line| masked(line, &[])).collect();
    if mask.len() != lines.len() {
        // A page with a line that is another one each time may have more such lines, or fewer.
        let varies = lines.iter().any(Option::is_none);
        return (!varies)
            .then(|| format!("{what} answers something else: {}", first_difference(&page.body, &new.body)));
    }
    let at = lines.iter().zip(&mask).position(|(line, now)| line.as_ref().is_some_and(|line| line != now))?;
    let line = |page: &Page| short(page.body.lines().nth(at).unwrap_or_default());
    Some(format!("{what} answers something else: was {:?}, is {:?}", line(page), line(new)))
}

/// The first line in which two texts differ.
fn first_difference(old: &str, new: &str) -> String {
    let (mut old, mut new) = (old.lines(), new.lines());
    loop {
        match (old.next(), new.next()) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => return format!("was {:?}, is {:?}", short(one), short(other)),
            (Some(one), None) => return format!("{:?} is missing", short(one)),
            (None, Some(other)) => return format!("{:?} is new", short(other)),
            (None, None) => return "line endings".into(),
        }
    }
}

/// Lines that the original prints each time and the other one does not, and the other way round.
fn printed(before: &[Observation], after: &Observation, another: bool) -> Vec<String> {
    let users = users(before, after);
    let lines = |run: &Observation| -> BTreeSet<String> {
        run.output.lines().map(|line| masked(line, &users)).filter(|line| !line.is_empty()).collect()
    };
    let runs: Vec<BTreeSet<String>> = before.iter().map(lines).collect();
    let (Some(old), Some(first)) = (before.first(), runs.first()) else { return Vec::new() };
    let now = lines(after);
    let mut found = Vec::new();
    let always = first.iter().filter(|line| runs.iter().all(|run| run.contains(*line)));
    let mut lost: Vec<&String> = always.filter(|line| !now.contains(*line)).collect();
    if another {
        // Behind the first line that both print, it is the program that prints.
        let own = old.output.lines().map(|line| masked(line, &users)).skip_while(|line| !now.contains(line));
        let own: BTreeSet<String> = own.collect();
        // Of two that print nothing alike, one that prints nothing at all may be one that does nothing.
        let mute = own.is_empty() && now.is_empty() && !answers(old);
        lost.retain(|line| mute || own.contains(*line));
    }
    let shapes = shapes(&runs);
    let new =
        |line: &&String| !runs.iter().any(|run| run.contains(*line)) && !shapes.iter().any(|shape| shape.fits(line));
    // An output that is never twice the same says nothing by a line more, unless that complains.
    // Neither does one more remark of a server that answers all the same, nor of one that has come further in its time.
    let further = answers(old) || !after.listening.is_subset(&old.listening);
    let steady = runs.iter().all(|run| run == first) && !(after.exited.is_none() && further);
    let added: Vec<&String> = now.iter().filter(new).filter(|line| steady || complains(line)).collect();
    let original = |run: &Observation, line: &String| {
        let found = run.output.lines().find(|one| masked(one, &users) == **line).unwrap_or(line);
        short(found.trim())
    };
    if let Some(line) = lost.first() {
        found.push(format!("it does not print {:?}{}", original(old, line), more(lost.len())));
    }
    if let Some(line) = added.iter().find(|line| complains(line)).or(added.first()) {
        found.push(format!("it prints {:?}{}, the original does not", original(after, line), more(added.len())));
    }
    found
}

/// The words of a line that is another one in each run: `None` for a word that is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape<'a>(Vec<Option<&'a str>>);

impl<'a> Shape<'a> {
    /// What two lines have in common, where that is at least half of their words.
    fn of(one: &'a str, other: &str) -> Option<Self> {
        let (one, other) = (one.split_whitespace(), other.split_whitespace());
        if one.clone().count() != other.clone().count() {
            return None;
        }
        let words: Vec<Option<&str>> = one.zip(other).map(|(one, other)| (one == other).then_some(one)).collect();
        (words.iter().flatten().count() * 2 >= words.len()).then_some(Self(words))
    }

    /// Whether a line is such a line once more. A complaint in the place of a word that varies is another line.
    fn fits(&self, line: &str) -> bool {
        let words = line.split_whitespace();
        words.clone().count() == self.0.len()
            && words.zip(&self.0).all(|(word, own)| own.map_or(!complains(word), |own| own == word))
    }
}

/// The shapes of the lines that one run printed and another one printed with other words.
fn shapes(runs: &[BTreeSet<String>]) -> BTreeSet<Shape<'_>> {
    let varying: Vec<Vec<&String>> = runs
        .iter()
        .map(|run| run.iter().filter(|line| !runs.iter().all(|run| run.contains(*line))).take(MAX_VARYING).collect())
        .collect();
    let mut found = BTreeSet::new();
    for (at, lines) in varying.iter().enumerate() {
        for other in varying.iter().skip(at + 1).flatten() {
            found.extend(lines.iter().filter(|line| *line != other).filter_map(|line| Shape::of(line, other)));
        }
    }
    found
}

/// What the original prints or answers another way each time, and what is done about it.
fn varying(runs: &[Observation]) -> Vec<String> {
    let mut found = Vec::new();
    let Some(first) = runs.first() else { return found };
    let lines = |run: &Observation| -> BTreeSet<String> {
        run.output.lines().map(|line| masked(line, &[&run.own])).filter(|line| !line.is_empty()).collect()
    };
    let printed: Vec<BTreeSet<String>> = runs.iter().map(lines).collect();
    let shapes = shapes(&printed);
    // Of a program that was stopped, a line that is not there may only not have been printed yet.
    let ended = runs.iter().all(|run| run.exited.is_some());
    let varies = |line: &&str| {
        let line = masked(line, &[&first.own]);
        !line.is_empty()
            && !printed.iter().all(|run| run.contains(&line))
            && (ended || shapes.iter().any(|shape| shape.fits(&line)))
    };
    let lines: Vec<&str> = first.output.lines().filter(varies).collect();
    if let Some(line) = lines.first() {
        found.push(format!(
            "the original prints something else each time, and such lines are not compared: {:?}{}",
            short(line.trim()),
            more(lines.len())
        ));
    }
    for (at, answer) in first.answers.iter().enumerate() {
        let Some(pages) = pages(runs, at) else { continue };
        let what = format!("GET {} on port {} is answered with something else each time", answer.path, answer.port);
        match steady_lines(&pages) {
            None => found.push(format!("{what}, and the text is not compared")),
            Some(lines) => {
                let varies = lines.iter().filter(|line| line.is_none()).count();
                if let Some(at) = lines.iter().position(Option::is_none) {
                    let line = answer.result.iter().flat_map(|page| page.body.lines().nth(at)).next();
                    let line = short(line.unwrap_or_default().trim());
                    found.push(format!("{what}, and such lines are not compared: {line:?}{}", more(varies)));
                }
            }
        }
    }
    found
}

/// Whether a server answered something.
fn answers(run: &Observation) -> bool {
    run.answers.iter().any(|answer| answer.result.is_ok())
}

/// Who the two run as.
fn users<'a>(before: &'a [Observation], after: &'a Observation) -> Vec<&'a Own> {
    before.iter().take(1).chain([after]).map(|run| &run.own).collect()
}

fn more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => " and one more line".into(),
        _ => format!(" and {} more lines", count - 1),
    }
}

/// What the other one said that tells why: `: <line>`, or nothing.
fn telling(before: &[Observation], after: &Observation) -> String {
    let users = users(before, after);
    let known: BTreeSet<String> =
        before.iter().flat_map(|run| run.output.lines()).map(|line| masked(line, &users)).collect();
    let new: Vec<&str> = after
        .output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !known.contains(&masked(line, &users)))
        .collect();
    let line = new.iter().rev().find(|line| complains(line)).or(new.last());
    let Some(line) = line else { return String::new() };
    let user = match after.uid {
        Some(uid) if uid != 0 && line.to_ascii_lowercase().contains("permission denied") => {
            format!(" (it runs as user {uid})")
        }
        _ => String::new(),
    };
    format!(": {}{user}", short(line))
}

/// Whether a line is about something that went wrong.
pub(super) fn complains(line: &str) -> bool {
    const WORDS: [&str; 13] = [
        "error",
        "denied",
        "cannot",
        "can't",
        "not found",
        "no such",
        "failed",
        "exception",
        "panic",
        "fatal",
        "refused",
        "unable",
        "not permitted",
    ];
    let line = line.to_ascii_lowercase();
    WORDS.iter().any(|word| line.contains(word))
}

/// What could not be compared, for a person to know. `runs` are all those of the original.
pub(super) fn not_compared(before: &Side, runs: &[Observation], reachable: bool) -> Vec<String> {
    let mut found = Vec::new();
    let Some(run) = runs.first() else {
        found.push("the image starts nothing, so nothing was run; name a command by --run".into());
        return found;
    };
    if let Some(fault) = &run.fault {
        found.push(format!("the original does not start here either: {fault}"));
        return found;
    }
    if let Some(code) = run.exited.filter(|code| *code != 0) {
        let line = run.output.lines().map(str::trim).rfind(|line| !line.is_empty()).map(short).unwrap_or_default();
        found.push(format!(
            "the original ends by itself with exit code {code} here ({line:?}), and what it does further is not \
             proven; give it what it needs by --env, or name a command by --run"
        ));
    }
    if runs.iter().any(|again| again.exited != run.exited || again.listening != run.listening) {
        found.push("the original does not do the same twice".into());
    }
    found.extend(varying(runs));
    let ports = before.image.config.ports();
    if run.exited.is_none() && !ports.is_empty() {
        if !reachable {
            found.push("the ports were not asked: the containers of this engine can't be reached from here".into());
        } else if run.listening.is_empty() {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            found.push(format!("in the original nothing listens on port {} here", ports.join(", ")));
        }
    }
    if run.exited.is_none() && before.image.config.health().is_some() && run.health.is_none() {
        found.push("the health check was not run: this engine runs nothing beside what it has started".into());
    }
    found
}

fn variables(config: &Config) -> BTreeMap<String, String> {
    let pair = |entry: String| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    config.words(Part::Env).into_iter().filter_map(pair).collect()
}

fn noun(part: Part) -> &'static str {
    match part {
        Part::Entrypoint => "the entrypoint",
        Part::Cmd => "the command",
        Part::Env => "the environment",
        Part::Workdir => "the working directory",
        Part::Expose => "the exposed port",
        Part::Volume => "the volume",
        Part::Label => "the label",
        Part::Healthcheck => "the health check",
        Part::Stopsignal => "the stop signal",
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("nothing".into(), |value| short(&value.to_string()))
}

/// A text that fits on a line.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::run::Page;
    use super::*;

    fn config(value: Value) -> Config {
        Config::read(&value)
    }

    fn ran(exited: Option<i32>, output: &str) -> Observation {
        Observation { exited, output: output.into(), took: Duration::from_secs(1), ..Observation::default() }
    }

    fn serves(page: Result<Page, String>) -> Observation {
        let answers = vec![Answer { port: 80, path: "/".into(), result: page }];
        Observation { listening: [80].into(), answers, ..Observation::default() }
    }

    fn page(status: u16, body: &str) -> Result<Page, String> {
        Ok(Page { status, kind: "text/plain".into(), location: String::new(), body: body.into() })
    }

    #[test]
    fn what_comes_from_the_base_alone_is_no_difference() {
        let before = config(json!({"Env": ["PATH=/go/bin:/bin:/own", "GOPATH=/go", "A=1"], "Cmd": ["x"]}));
        let after = config(json!({"Env": ["PATH=/own:/bin", "A=1"], "Cmd": ["x"]}));
        let base = config(json!({"Env": ["PATH=/go/bin:/bin", "GOPATH=/go"]}));
        let small = config(json!({"Env": ["PATH=/bin"]}));
        let none_idle = |_: &str| false;
        assert_eq!(configuration(&before, &after, (&base, &small), &[], &none_idle), [] as [&str; 0]);
        let lost = config(json!({"Env": ["PATH=/bin"], "Cmd": ["y"]}));
        let expected =
            ["the command was [\"x\"], is [\"y\"]", "the variable A was \"1\", is not set", "PATH has lost /own"];
        assert_eq!(configuration(&before, &lost, (&base, &small), &[], &none_idle), expected);
        assert_eq!(configuration(&before, &lost, (&base, &small), &[], &|name| name == "A").len(), 2);
        assert_eq!(
            configuration(&before, &lost, (&base, &small), &[Part::Cmd, Part::Env], &none_idle),
            [] as [&str; 0]
        );
    }

    #[test]
    fn labels_ports_and_volumes_are_compared_one_by_one() {
        let before = config(json!({"Labels": {"a": "1", "b": "2"}, "ExposedPorts": {"80/tcp": {}}}));
        let after = config(json!({"Labels": {"a": "1", "c": "3"}, "Volumes": {"/data": {}}}));
        let none = Config::default();
        let expected =
            ["the exposed port 80/tcp is gone", "the volume /data is new", "the label b is gone", "the label c is new"];
        assert_eq!(configuration(&before, &after, (&none, &none), &[], &|_| false), expected);
    }

    #[test]
    fn a_program_that_ends_or_fails_is_told_with_its_own_words() {
        let on = ran(None, "ready 12:00\n");
        let said = |after: &Observation| behaviour(&[on.clone(), ran(None, "ready 12:01\n")], after, false);
        assert_eq!(said(&ran(None, "ready 12:02\n")), [] as [&str; 0]);
        let denied = Observation { uid: Some(999), ..ran(Some(1), "ready 1:1\nopen /d/x: permission denied\n") };
        assert_eq!(
            said(&denied),
            [
                "it ends at once with exit code 1, the original goes on: open /d/x: permission denied (it runs as user 999)"
            ]
        );
        assert_eq!(behaviour(&[ran(Some(0), "")], &ran(Some(3), ""), false), ["the exit code was 0, is 3"]);
        let fault = Observation { fault: Some("exec: \"x\": not found".into()), ..ran(None, "") };
        assert_eq!(said(&fault), ["it does not start: exec: \"x\": not found"]);
        assert_eq!(behaviour(std::slice::from_ref(&fault), &fault, false), [] as [&str; 0], "nothing is claimed");
    }

    #[test]
    fn ports_and_answers_are_compared() {
        let old = [serves(page(200, "hello 1")), serves(page(200, "hello 2"))];
        assert_eq!(behaviour(&old, &serves(page(200, "hello 3")), false), [] as [&str; 0]);
        assert_eq!(
            behaviour(&old, &serves(page(500, "no template")), false),
            ["GET / on port 80 was 200, is 500: no template"]
        );
        assert_eq!(
            behaviour(&old, &serves(page(200, "bye")), false),
            ["GET / on port 80 answers something else: was \"hello 1\", is \"bye\""]
        );
        let silent = Observation { output: "bind: permission denied\n".into(), ..Observation::default() };
        let said = behaviour(&old, &silent, false);
        assert_eq!(said.first().unwrap(), "nothing listens on port 80: bind: permission denied");
        let foreign = [serves(Err("not HTTP".into()))];
        assert_eq!(behaviour(&foreign, &serves(Err("not HTTP at all".into())), false), [] as [&str; 0]);
    }

    #[test]
    fn what_another_command_printed_before_the_program_did_is_not_asked_for() {
        let tool = ran(None, "Compiling shop\nFinished\nready\nlistening\n");
        let before = [tool.clone(), tool];
        let same = behaviour(&before, &ran(None, "ready\nlistening\n"), true);
        assert_eq!(same, [] as [&str; 0]);
        let strict = behaviour(&before, &ran(None, "ready\nlistening\n"), false);
        assert_eq!(strict, ["it does not print \"Compiling shop\" and one more line"]);
        let less = behaviour(&before, &ran(None, "ready\n"), true);
        assert_eq!(less, ["it does not print \"listening\""], "it is the program that printed it");
        assert_eq!(behaviour(&before, &ran(None, ""), true).len(), 1, "it may do nothing at all");
    }

    #[test]
    fn lines_that_come_and_go_in_the_original_are_not_asked_for() {
        let before = [ran(Some(0), "a\nrandom x\n"), ran(Some(0), "a\nrandom y\n")];
        assert_eq!(behaviour(&before, &ran(Some(0), "a\nrandom z\n"), false), [] as [&str; 0]);
        assert_eq!(behaviour(&before, &ran(Some(0), "random z\n"), false), ["it does not print \"a\""]);
        assert_eq!(
            behaviour(&before, &ran(Some(0), "a\nerror: no z\n"), false),
            ["it prints \"error: no z\", the original does not"]
        );
    }

    #[test]
    fn a_line_with_other_words_each_time_is_not_held_against_a_further_one() {
        let before = [
            ran(Some(0), "start\ncan't reach host amber today\n"),
            ran(Some(0), "start\ncan't reach host fox today\n"),
        ];
        let told = |output: &str| behaviour(&before, &ran(Some(0), output), false);
        assert_eq!(told("start\ncan't reach host owl today\n"), [] as [&str; 0]);
        let other = ["it prints \"can't reach the disk at all\", the original does not"];
        assert_eq!(told("start\ncan't reach the disk at all\n"), other);
        let hidden = ["it prints \"can't reach host error: today\", the original does not"];
        assert_eq!(
            told("start\ncan't reach host error: today\n"),
            hidden,
            "a complaint in the place of a word that varies"
        );
        let expected = "the original prints something else each time, and such lines are not compared: \
                        \"can't reach host amber today\"";
        let side = Side::default();
        assert!(not_compared(&side, &before, true).contains(&expected.to_owned()));
        // What was stopped may only not have printed it yet.
        let slow = [ran(None, "start\nready\n"), ran(None, "start\n")];
        assert_eq!(not_compared(&side, &slow, true), [] as [&str; 0]);
    }

    #[test]
    fn the_lines_of_a_page_that_vary_are_left_out_and_the_others_compared() {
        let serves = |body: &str| serves(page(200, body));
        let old = [serves("<h1>quotes\nbe bold\nend"), serves("<h1>quotes\nbe kind\nend")];
        let told = |body: &str| behaviour(&old, &serves(body), false);
        assert_eq!(told("<h1>quotes\nbe quick\nend"), [] as [&str; 0]);
        assert_eq!(told("<h1>quotes\nbe quick\nbe slow\nend"), [] as [&str; 0]);
        let expected = ["GET / on port 80 answers something else: was \"end\", is \"no more\""];
        assert_eq!(told("<h1>quotes\nbe quick\nno more"), expected);
        let expected =
            "GET / on port 80 is answered with something else each time, and such lines are not compared: \"be bold\"";
        assert_eq!(not_compared(&Side::default(), &old, true), [expected]);
        let old = [serves("a\nb"), serves("a")];
        assert_eq!(behaviour(&old, &serves("c"), false), [] as [&str; 0]);
        let expected = "GET / on port 80 is answered with something else each time, and the text is not compared";
        assert_eq!(not_compared(&Side::default(), &old, true), [expected]);
    }

    #[test]
    fn a_module_that_lost_a_library_is_told_where_the_base_does_not_lack_it_too() {
        let lack = |loaded| Lack { libraries: vec![("libpq.so.5".into(), "/x".into())], loaded };
        let module = "/usr/lib/python3/site-packages/_db.so".to_owned();
        let mut before = Side::default();
        before.probe.programs.extend([module.clone(), "/usr/bin/tool".into()]);
        let mut after = before.clone();
        after.probe.broken.insert("/usr/bin/tool".into(), lack(false));
        assert!(!lost_modules(&before, &after), "nobody may run it");
        let remark = "/usr/bin/tool had its shared libraries in the original and has not now";
        assert!(remarks(&before, &after, &[]).contains(&remark.to_owned()));
        after.probe.broken.insert(module.clone(), lack(true));
        assert!(lost_modules(&before, &after));
        let expected =
            format!("{module} needs the shared library libpq.so.5, which was in the original and is not now");
        assert_eq!(modules(&before, &after, None), [expected]);
        let mut base = Probe::default();
        base.broken.insert(module.clone(), lack(true));
        assert_eq!(modules(&before, &after, Some(&base)), [] as [&str; 0]);
        before.probe.broken.insert(module, lack(true));
        assert!(!lost_modules(&before, &after), "it never worked");
    }

    #[test]
    fn a_server_that_comes_further_than_a_slow_original_is_no_worse() {
        let slow = Observation { output: "compiling\n".into(), ..Observation::default() };
        let quick = |output: &str| Observation { output: output.into(), ..serves(page(200, "hello")) };
        let before = [slow.clone(), slow];
        assert_eq!(behaviour(&before, &quick("compiling\nlistening\n"), false), [] as [&str; 0]);
        assert_eq!(
            behaviour(&before, &quick("compiling\nfatal\n"), false),
            ["it prints \"fatal\", the original does not"]
        );
    }

    #[test]
    fn files_and_users_are_compared() {
        let side = |uid: Option<u32>, name: &str, written: &str| {
            let mut side = Side::default();
            (side.probe.user.uid, side.probe.user.name) = (uid, name.into());
            side.image.config.user = written.into();
            side
        };
        let root = side(Some(0), "root", "");
        let mut after = side(Some(999), "app", "app");
        assert_eq!(files(&root, &after), [] as [&str; 0]);
        after.probe.missing.push(("libz.so.1".into(), "/app/x".into()));
        assert_eq!(files(&root, &after), ["/app/x needs the shared library libz.so.1, which is not in the image"]);
        assert_eq!(files(&root, &side(None, "gone", "gone")), ["the user gone is not in the image"]);
        assert_eq!(files(&side(Some(5), "a", "a"), &root), ["it runs as root, the original as user 5"]);
        assert_eq!(files(&root, &side(Some(0), "toor", "toor")), ["its user is toor now, and that is still root"]);
        let works = |writable: &[&str]| {
            let mut side = side(Some(5), "a", "a");
            side.image.config.parts.insert(Part::Workdir, "/app".into());
            side.probe.writable = writable.iter().map(ToString::to_string).collect();
            side
        };
        assert_eq!(files(&works(&["/app"]), &works(&["/app"])), [] as [&str; 0]);
        let lost = "user 5 can't write in its working directory /app any more";
        assert_eq!(files(&works(&["/app"]), &works(&["/app/data", "/home/a"])), [lost]);
    }
}
