//! Users and groups that nothing is given to.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};

use super::super::survey::Survey;

/// The account that `chown` names, where no command makes it and no package or image is known by its name, with a script
/// of the project's that may make it.
pub(in crate::catalog::multi_stage) fn nobodys(survey: &Survey<'_, '_>, step: &Step) -> Option<(String, String)> {
    if step.program() != "chown" {
        return None;
    }
    let owner = step.args().iter().find(|arg| !arg.starts_with('-'))?;
    owner.split([':', '.']).find_map(|name| nobody(survey, name))
}

/// The account of this name, where no command makes it and no package or image is known by it, with a script or a Makefile
/// of the project's that may make it.
fn nobody(survey: &Survey<'_, '_>, name: &str) -> Option<(String, String)> {
    let letters = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let number = name.bytes().all(|byte| byte.is_ascii_digit());
    // An image that is not known may have anybody.
    let image = survey.model.known(survey.stage)?;
    let shipped = image.users().any(|user| user.name == name);
    let made = survey.steps().any(|(_, other)| match effects::of(other) {
        Effect::User => other.argv.iter().any(|word| word.contains(name) || word.contains('$')),
        Effect::Install(packages) => packages.names.iter().any(|package| package.contains(name)),
        _ => false,
    });
    if !letters || number || shipped || made || Words::KnownAccounts.has(name) {
        return None;
    }
    let script = survey.steps().map(|(_, step)| step).find(|step| {
        let unknown = matches!(effects::of(step), Effect::Unknown)
            && step.argv.first().is_some_and(|program| program.contains('/'));
        step.kind() != "setup" && (unknown || super::super::whole::is_build_script(step))
            || matches!(effects::of(step), Effect::Store(Store::Prefix))
    })?;
    Some((name.to_owned(), super::super::whole::shown(script)))
}
