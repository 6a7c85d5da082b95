//! Databases that the build starts and fills.

use crate::knowledge::packages::Role;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::transform::Refusal;

use super::super::plan::{Decision, Place, Recipe, in_builder};
use super::super::survey::{Survey, Unit, refuse};

use super::local::left_behind;

/// Whether a command starts a server that keeps data.
pub(super) fn starts_database(step: &Step) -> bool {
    let program = step.argv.first().map_or("", String::as_str);
    let service = step.kind() == "service" || program.starts_with("/etc/init.d/");
    let server = matches!(step.program(), "mysqld" | "mysqld_safe" | "mongod" | "postgres" | "slapd" | "redis-server");
    // `initdb -D /data`
    let makes = matches!(step.program(), "initdb" | "mysql_install_db" | "mariadb-install-db" | "pg_createcluster");
    let asks = step.argv.iter().any(|arg| matches!(arg.as_str(), "stop" | "status" | "--version"));
    makes
        || (service || server)
            && !asks
            && step.argv.iter().any(|arg| Words::DatabaseNames.list().iter().any(|name| arg.contains(name)))
}

/// Decides for a RUN that starts a server and puts data into it: both stages do so, where nothing is built by the way.
///
/// # Errors
/// Where something is: what the server keeps lies in folders that no command names.
pub(super) fn fills_database(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    server: &Step,
) -> Result<Decision, Refusal> {
    let works = unit.steps.iter().any(|step| match effects::of(step) {
        Effect::Build | Effect::Store(_) | Effect::Fetch(_) => true,
        Effect::Install(packages) => packages.names.iter().any(|name| packages.role(name) == Role::Build),
        Effect::Unknown => step.argv.first().is_some_and(|program| {
            program.starts_with('.')
                || step.path(program).is_some_and(|path| in_builder(&recipe.builder_folders, &path))
        }),
        _ => step.cwd.as_ref().is_some_and(|cwd| cwd != "/" && in_builder(&recipe.builder_folders, cwd)),
    });
    let behind = left_behind(survey, recipe, unit, unit.steps);
    if works || behind.is_some() {
        let text = format!(
            "`{}` in line {} starts a server while the image is built, and what it keeps can't be told from what is \
             built",
            super::super::whole::shown(server),
            unit.instruction.lines.0
        );
        return Err(refuse("fills-a-database", text, true));
    }
    recipe.programs.extend(unit.steps.iter().map(|step| step.program().to_owned()));
    Ok(Decision { place: Place::Both, evidence: "it puts data into a server, which keeps it in the image".into() })
}

/// Whether a command may come behind the copies. A user has to be there before what is copied can be his.
pub(super) fn waits(step: &Step) -> bool {
    match effects::of(step) {
        Effect::Files(_) => step.program() != "mkdir",
        Effect::Writes(_) | Effect::Configure | Effect::Unknown => true,
        _ => false,
    }
}
