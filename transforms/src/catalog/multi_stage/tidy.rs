//! Instructions that take away themselves what they built with.
//!
//! `apk add --virtual .build-deps gcc && pip install … && apk del .build-deps` leaves no compiler in the image. Where it
//! can't be taken apart, and nothing else is built, there is nothing that a split could leave behind.

use crate::knowledge::packages::{self, Role};
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};

/// Refusals that an instruction of this kind may be the cause of.
pub(super) const CAUSES: [&str; 4] =
    ["installs-among-system-files", "entangled", "project-in-root", "project-in-system-folder"];

/// Whether a RUN installs what it builds with, and takes it away again.
pub(super) fn is_tidy(steps: &[Step]) -> bool {
    let mut removed: Vec<&str> = Vec::new();
    for step in steps {
        if let Effect::Remove(packages) = effects::of(step) {
            removed.extend(packages.names.iter().map(String::as_str));
        }
    }
    if removed.is_empty() {
        return false;
    }
    let mut builds = false;
    for step in steps {
        let Effect::Install(packages) = effects::of(step) else { continue };
        let group = virtual_name(step);
        if group.is_some_and(|group| removed.contains(&group)) {
            builds = true;
            continue;
        }
        for name in &packages.names {
            let bare = bare(name);
            if removed.iter().any(|gone| self::bare(gone) == bare) {
                builds = true;
                continue;
            }
            let headers = bare.ends_with("-dev") || bare.ends_with("-devel");
            if packages::role(packages.manager, name) == Role::Build && !headers {
                return false;
            }
        }
    }
    builds
}

/// A package without the version that it is pinned to.
fn bare(name: &str) -> &str {
    name.split(['=', '<', '>', '~']).next().unwrap_or(name)
}

/// The name of a virtual package of apk.
fn virtual_name(step: &Step) -> Option<&str> {
    let at = step.argv.iter().position(|arg| matches!(arg.as_str(), "-t" | "--virtual"));
    at.and_then(|at| step.argv.get(at + 1))
        .map(String::as_str)
        .or_else(|| step.argv.iter().find_map(|arg| arg.strip_prefix("--virtual=")))
}
