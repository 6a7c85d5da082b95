//! What the tools of a language keep outside of every home: root's commands have filled it while the image was built, and
//! the container fetches more into it.

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
    // `go install ./cmd/api` makes the project's own.
    let project = kind == Kind::Other && step.args().iter().any(|arg| arg == "." || arg.starts_with("./"));
    Some(if project { Kind::Lacking } else { kind })
}

/// Whether root's commands have filled the folder by the time that the container starts.
fn filled(survey: &Survey<'_, '_>, store: Fetched) -> bool {
    let runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run && survey.is_roots(unit));
    runs.flat_map(|unit| survey.steps(unit)).any(|step| kind(step, store).is_some())
}

/// Whether what starts fetches more: by a command for that, by one that does where the build has left the project's own
/// out, or by whoever works in a shell on a project that is mounted.
fn fetches(survey: &Survey<'_, '_>, store: Fetched) -> bool {
    let starts = || survey.runs().filter_map(|step| kind(step, store));
    if starts().any(|kind| kind == Kind::Project) {
        return true;
    }
    let built = survey.all().flat_map(|unit| survey.steps(unit)).filter_map(|step| kind(step, store));
    if built.filter(|kind| *kind != Kind::Other).count() > 0 {
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
