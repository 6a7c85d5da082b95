//! What the tools of a language keep outside of every home: root's commands have filled it while the image was built, and
//! the container fetches more into it.

use crate::context;
use crate::knowledge::stores::{self, Fetched, Kind};
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::syntax::words::Value;

use super::super::obstacles;
use super::super::survey::Survey;
use super::super::user::User;

use super::made::{given_filled, opened};
use super::{Folder, Needs, is_application};

/// Gives away the folders in which tools fetch more when the container starts.
pub(super) fn stores(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let mut variables: Vec<&str> = Vec::new();
    for (_, store) in stores::all() {
        if variables.contains(&store.variable()) {
            continue;
        }
        variables.push(store.variable());
        let Some(path) = place(survey, store) else { continue };
        let given = || needs.owned(&path) || given_filled(survey, user, &path).is_some() || opened(survey, &path);
        if filled(survey, store) && fetches(survey, store) && is_application(&path) && !given() {
            needs.late.push(Folder { path, recursive: true, make: false });
        }
    }
}

/// The folder, where it is known and in nobody's home.
fn place(survey: &Survey<'_, '_>, store: Fetched) -> Option<String> {
    let last = survey.units.last().map_or(survey.stage.from, |unit| unit.index);
    let Value::Set(value) = survey.model.variable(last, store.variable()) else { return None };
    let own = value.starts_with('/') && !paths::within(&value, "/root") && !paths::within(&value, "/home");
    own.then(|| paths::join(&value, store.folder()).trim_end_matches('/').to_owned())
}

/// What a command does about what lies in the place.
fn kind(step: &Step, store: Fetched) -> Option<Kind> {
    let own = stores::of(step.program()).filter(|own| own.variable() == store.variable())?;
    let kind = own.kind(step.subcommand()?)?;
    // `go run example.org/tool@latest` fetches a tool, whatever the project is built with.
    let versioned = || step.args().iter().any(|arg| is_versioned(arg));
    if own.variable() == "GOPATH" && step.subcommand() == Some("run") && versioned() {
        return Some(Kind::Other);
    }
    // `go install ./cmd/api` makes the project's own.
    let project = kind == Kind::Other && step.args().iter().any(|arg| arg == "." || arg.starts_with("./"));
    Some(if project { Kind::Lacking } else { kind })
}

/// Whether a word names a module of Go's with its version, which is fetched: `example.org/tool@latest`.
fn is_versioned(word: &str) -> bool {
    word.contains('@') && word.contains('/') && !word.starts_with(['.', '/', '-', '$'])
}

/// Whether `make` runs a tool of Go's that is fetched for that, in what it is told to make or in what that calls it for.
fn runs_tools(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let text = || ["Makefile", "makefile"].iter().find_map(|name| survey.read(&step.path(name)?));
    let Some(text) = (step.program() == "make").then(text).flatten() else { return false };
    let text = context::text(&text);
    let mut targets: Vec<&str> = step.args().iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let mut at = 0;
    while let Some(target) = targets.get(at).copied() {
        at += 1;
        let rule = |line: &&str| line.strip_prefix(target).is_some_and(|rest| rest.trim_start().starts_with(':'));
        let mut lines = text.lines().skip_while(|line| !rule(line));
        let needed = lines.next().and_then(|line| line.split_once(':')).map_or("", |(_, needed)| needed);
        let mut called: Vec<&str> = needed.split_whitespace().collect();
        for line in lines.take_while(|line| line.is_empty() || line.starts_with(['\t', ' '])) {
            let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_start_matches(['@', '-'])).collect();
            if words.windows(3).any(|words| matches!(words, ["go", "run", tool] if is_versioned(tool))) {
                return true;
            }
            let makes = |word: &&str| matches!(*word, "$(MAKE)" | "${MAKE}" | "make");
            called.extend(words.iter().skip_while(|word| !makes(word)).skip(1));
        }
        called.retain(|one| !targets.contains(one));
        targets.extend(called);
    }
    false
}

/// Whether root's commands have filled the folder by the time that the container starts.
fn filled(survey: &Survey<'_, '_>, store: Fetched) -> bool {
    let runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run && survey.is_roots(unit));
    runs.flat_map(|unit| survey.steps(unit)).any(|step| kind(step, store).is_some())
}

/// Whether what starts fetches more: by a command for that or for something else, by one that does where the build has left
/// the project's own out, or by whoever works in a shell on a project that is mounted.
fn fetches(survey: &Survey<'_, '_>, store: Fetched) -> bool {
    let starts = || survey.runs().filter_map(|step| kind(step, store));
    if starts().any(|kind| matches!(kind, Kind::Project | Kind::Other)) {
        return true;
    }
    if store.variable() == "GOPATH" && survey.runs().any(|step| runs_tools(survey, step)) {
        return true;
    }
    let mut built = survey.all().flat_map(|unit| survey.steps(unit)).filter_map(|step| kind(step, store));
    if built.any(|kind| kind != Kind::Other) {
        return false;
    }
    let watches = || {
        survey.facts.language == Some("go")
            && store.variable() == "GOPATH"
            && survey.runs().any(|step| workplaces::watches(step.program()))
    };
    let mounted = || survey.uses.iter().flat_map(|one| &one.start.mounts).any(|mount| mount.host.is_some());
    starts().any(|kind| kind == Kind::Lacking) || watches() || obstacles::only_a_shell(survey) && mounted()
}
