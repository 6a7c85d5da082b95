//! Instructions that take away themselves what they built with.
//!
//! `apk add --virtual .build-deps gcc && pip install … && apk del .build-deps` leaves no compiler in the image. Where it
//! can't be taken apart, and nothing else is built, there is nothing that a split could leave behind. Where something
//! else is built, both stages run the instruction as it is.

use crate::knowledge::packages::Role;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::transform::Refusal;

use super::plan::{Decision, Place, Recipe, mentions};
use super::survey::{Survey, Unit, refuse};
use super::{helpers, stores, whole};

/// Refusals that an instruction of this kind may be the cause of.
pub(super) const CAUSES: [&str; 7] = [
    "fills-a-database",
    "installs-among-system-files",
    "entangled",
    "project-in-root",
    "project-in-system-folder",
    "unknown-path",
    "unknown-result",
];

/// Whether a RUN installs what it builds with, and takes it away again.
pub(super) fn is_tidy(steps: &[Step]) -> bool {
    let mut removed: Vec<&str> = Vec::new();
    for step in steps {
        if let Effect::Remove(packages) = effects::of(step) {
            removed.extend(packages.names.iter().map(String::as_str));
        }
    }
    // `apt-mark auto '.*'` hands to the next autoremove whatever the instruction doesn't mark again.
    let marked = steps.iter().any(|step| step.program() == "apt-mark" && step.subcommand() == Some("auto"))
        && steps.iter().any(|step| {
            matches!(effects::of(step), Effect::Remove(_))
                && step.argv.iter().any(|word| word.trim_start_matches('-').replace('-', "") == "autoremove")
        });
    if marked {
        return steps.iter().any(|step| matches!(effects::of(step), Effect::Install(_)));
    }
    // What it takes away and did not bring, another instruction brought: it stands on that.
    let brought = |gone: &str| {
        steps.iter().any(|step| {
            matches!(effects::of(step), Effect::Install(packages)
                if virtual_name(step) == Some(gone) || packages.names.iter().any(|name| bare(name) == bare(gone)))
        })
    };
    let asked = steps.iter().any(|step| step.argv.iter().any(|word| word == "build-dep"));
    if removed.is_empty() || asked || !removed.iter().all(|gone| gone.contains('*') || brought(gone)) {
        return false;
    }
    if removed.iter().any(|gone| names_compilers(gone)) && !steps.iter().any(sweeps) {
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
            if packages.role(name) == Role::Build && !headers && !Words::SmallTools.has(bare) {
                return false;
            }
        }
    }
    builds
}

/// Whether a package has nothing of its own but names the compilers, which stay when it is taken away by itself.
pub(super) fn names_compilers(package: &str) -> bool {
    bare(package) == "build-essential"
}

/// Whether a command takes away with a package what came with it: `apt-get purge --auto-remove`, `apt-get autoremove`.
pub(super) fn sweeps(step: &Step) -> bool {
    step.argv.iter().any(|word| word.trim_start_matches('-').replace('-', "") == "autoremove")
}

/// Decides for such a RUN: the runtime stage has it as it is. `left` says that it stays where it is, behind the copies.
///
/// # Errors
/// Where it works with what the build made or installed, or as another than root, or the runtime image has less than it
/// may need.
pub(super) fn whole(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    left: bool,
) -> Result<Decision, Refusal> {
    let line = unit.instruction.lines.0;
    let refusal = |why: String| {
        let text = format!("line {line} takes away itself what it builds with, and {why}");
        Err(refuse("entangled", text, false))
    };
    let folders = || {
        let carried = recipe.carried.iter().map(|carried| carried.from.as_str());
        let folders = recipe.builder_folders.iter().map(String::as_str).chain(carried);
        folders.filter(|folder| *folder != "/usr/local" && !stores::system(folder))
    };
    let made = |folder: &str| {
        unit.own.iter().any(|step| match effects::of(step) {
            Effect::Fetch(made) | Effect::Writes(made) | Effect::Files(made) => {
                step.program() != "rm" && made.iter().any(|path| path == folder)
            }
            _ => false,
        })
    };
    let reads = |step: &&Step| {
        let idle = matches!(
            effects::of(step),
            Effect::Install(_) | Effect::Remove(_) | Effect::Lists | Effect::Nothing | Effect::User | Effect::Upgrade
        );
        folders().any(|folder| {
            !made(folder)
                && (mentions(step, folder) || !idle && step.cwd.as_deref().is_none_or(|cwd| paths::within(cwd, folder)))
        })
    };
    if let Some(step) = unit.own.iter().find(reads).filter(|_| !left) {
        return refusal(format!("`{}` in it works with what other instructions build", whole::shown(step)));
    }
    let user = survey.model.user(unit.index).map(|user| user.text.clone());
    if user.is_some_and(|user| !matches!(user.split(':').next(), Some("root" | "0" | ""))) && !left {
        return refusal("runs as another than root".into());
    }
    if let Some(package) = lacks(survey, recipe, unit) {
        return refusal(format!("may need {package}, which the runtime stage has not"));
    }
    recipe.programs.extend(unit.own.iter().map(|step| step.program().to_owned()));
    recipe.repositories |= helpers::has_archives(survey, recipe);
    Ok(Decision { place: Place::Both, evidence: "it takes away itself what it builds with".into() })
}

/// What an instruction that builds may take from the instructions before it, or from the image.
fn lacks(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>) -> Option<String> {
    let works = unit.own.iter().any(|step| effects::of(step).is_work() || matches!(effects::of(step), Effect::Unknown));
    if !works {
        return None;
    }
    if recipe.smaller {
        return Some("more than the smaller image".into());
    }
    let build = |steps: &[Step]| -> Vec<String> {
        let installed = steps.iter().filter_map(|step| match effects::of(step) {
            Effect::Install(packages) => Some(packages),
            _ => None,
        });
        let build =
            installed.flat_map(|packages| packages.names.iter().filter(|name| packages.role(name) == Role::Build));
        build.map(|name| bare(name).to_owned()).collect()
    };
    let header = |name: &String| {
        (name.ends_with("-dev") || name.ends_with("-devel"))
            && !matches!(name.as_str(), "musl-dev" | "libc-dev" | "libc6-dev" | "glibc-devel" | "linux-headers")
            && !["python", "ruby", "php"].iter().any(|language| name.starts_with(language))
    };
    let own = build(unit.own);
    let before = survey.units.iter().take_while(|other| other.index < unit.index);
    let before: Vec<String> = before.flat_map(|other| build(other.steps)).collect();
    let compiler = |name: &&String| !header(name) && !Words::SmallTools.has(name.as_str());
    if !own.iter().any(|name| compiler(&name))
        && let Some(name) = before.iter().find(compiler)
    {
        return Some(name.clone());
    }
    // What installs packages of a language compiles against whatever headers there are.
    let installs = unit.own.iter().any(|step| matches!(effects::of(step), Effect::Store(_)));
    match before.iter().find(|name| header(name)) {
        Some(name) if installs && !own.iter().any(header) => Some(name.clone()),
        _ => None,
    }
}

/// Whether a later instruction that takes away itself what it builds with reads a file that a COPY brings.
pub(super) fn reads(survey: &Survey<'_, '_>, at: usize, targets: &[String]) -> bool {
    survey.units.iter().skip(at + 1).filter(|unit| unit.tidy).any(|unit| {
        let text = unit.instruction.args.text.as_ref();
        targets
            .iter()
            .any(|target| text.contains(paths::name(target)) || unit.own.iter().any(|step| mentions(step, target)))
    })
}

/// A package without the version that it is pinned to.
fn bare(name: &str) -> &str {
    name.split(['=', '<', '>', '~']).next().unwrap_or(name)
}

/// The name of a virtual package of apk.
pub(super) fn virtual_name(step: &Step) -> Option<&str> {
    let at = step.argv.iter().position(|arg| matches!(arg.as_str(), "-t" | "--virtual"));
    at.and_then(|at| step.argv.get(at + 1))
        .map(String::as_str)
        .or_else(|| step.argv.iter().find_map(|arg| arg.strip_prefix("--virtual=")))
}
