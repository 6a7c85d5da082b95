//! Packages that the build made itself.

use crate::knowledge::packages;
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::super::plan::{Recipe, in_builder};
use super::super::survey::{Survey, Unit};

use super::repeated::{downloads, fed, repeats};

/// What commands read that the runtime stage will not have: a file that the build made, fetched or was given in a folder
/// that stays behind.
pub(super) fn left_behind(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, chunk: &[Step]) -> Option<String> {
    let reads = |step: &&Step| {
        matches!(effects::of(step), Effect::Repository | Effect::Configure | Effect::Writes(_) | Effect::Unknown)
    };
    chunk.iter().filter(reads).filter(|step| !repeats(survey, recipe, unit, step)).find_map(|step| {
        // What it writes itself is no reason, nor is the program.
        let own: &[String] = if let Effect::Writes(written) = effects::of(step) { written } else { &[] };
        step.args().iter().filter(|arg| arg.starts_with('/')).filter_map(|arg| step.path(arg)).find(|path| {
            let stays = in_builder(&recipe.builder_folders, path)
                && !paths::within(path, "/var/lib/apt")
                && !paths::within(path, "/var/cache");
            let goes = recipe
                .carried
                .iter()
                .any(|carried| paths::within(path, &carried.to) || paths::within(&carried.to, path));
            stays && !goes && !own.contains(path) && !fed(survey, recipe, unit, path)
        })
    })
}

/// A package among those of an install that is a file, and that no COPY brings.
pub(super) fn local_packages(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    step: &Step,
    names: &[String],
) -> Option<String> {
    let file = |name: &&String| {
        !name.contains("://")
            && packages::is_file(name)
            && !step.path(name).is_some_and(|path| survey.copied_file(&path) || downloads(unit, &path))
    };
    names.iter().find(file).cloned()
}

/// The package files that `dpkg -i` installs, where earlier instructions of the builder make or fetch them and nothing
/// takes them away.
pub(super) fn built_packages(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    unit: &Unit<'_>,
    step: &Step,
    effect: &Effect,
) -> Option<Vec<String>> {
    let installs = step.program() == "dpkg"
        && step.args().iter().any(|arg| matches!(arg.as_str(), "-i" | "--install"))
        && matches!(effect, Effect::Install(_) | Effect::Repository);
    if !installs || !step.always {
        return None;
    }
    let removed = survey.removed(recipe.last_build);
    let earlier = || {
        let units = survey.units.iter().take_while(|other| other.index <= unit.index);
        units.flat_map(|unit| unit.steps).take_while(|other| other.span.start < step.span.start)
    };
    let made = |path: &str| {
        let folder = paths::parent(path).split('*').next().unwrap_or("/").trim_end_matches('/').to_owned();
        earlier().any(|other| match effects::of(other) {
            Effect::Writes(written) => written.iter().any(|written| paths::covers(path, written)),
            // What was built may need what the smaller image has not, and does not say so.
            _ if recipe.smaller => false,
            Effect::Build | Effect::Fetch(_) | Effect::Store(_) => {
                !folder.is_empty() && other.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, &folder))
            }
            _ => false,
        })
    };
    let mut found = Vec::new();
    for file in step.args().iter().filter(|arg| !arg.starts_with('-')) {
        let path = step.path(file).filter(|path| paths::plain(path) && paths::name(path).ends_with(".deb"))?;
        // Two patterns for one folder may mean the same files.
        let stem = |path: &str| paths::name(path).split('*').next().unwrap_or_default().to_owned();
        let alike = |removed: &str| {
            removed.contains('*')
                && paths::parent(removed) == paths::parent(&path)
                && (stem(removed).starts_with(&stem(&path)) || stem(&path).starts_with(&stem(removed)))
        };
        let gone = removed
            .iter()
            .any(|removed| paths::covers(removed, &path) || paths::within(removed, &path) || alike(removed));
        let repository = ["release", "repo", "keyring", "archive", "apt-", "sources"];
        let named = repository.iter().any(|part| paths::name(&path).contains(part));
        if gone || named || survey.copied_file(&path) || downloads(unit, &path) || !made(&path) {
            return None;
        }
        found.push(path);
    }
    (!found.is_empty()).then_some(found)
}

/// Programs that make packages of a distribution.
pub(in crate::catalog::multi_stage) const PACKAGE_MAKERS: [&str; 5] =
    ["checkinstall", "debuild", "dpkg-buildpackage", "dpkg-deb", "fpm"];

/// A package file that `rpm -i` installs, or `dpkg -i` where the build makes packages, and that neither a COPY nor a download
/// brings.
pub(in crate::catalog::multi_stage) fn made_archive(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    step: &Step,
) -> Option<String> {
    let made = || survey.steps().any(|(_, step)| PACKAGE_MAKERS.contains(&step.program()));
    // `cd office-5.4/DEBS && dpkg -i *.deb`
    let pattern = || step.args().iter().any(|arg| arg.contains('*'));
    if step.program() != "rpm" && !(step.program() == "dpkg" && (made() || pattern())) {
        return None;
    }
    let earlier = || survey.units.iter().take_while(|other| other.index <= unit.index);
    let brought = |path: &str| {
        let folder = paths::parent(path);
        let copied = |unit: &Unit<'_>| {
            let copy = unit.copy.as_ref();
            copy.and_then(|copy| copy.to.as_deref()).is_some_and(|to| path.contains('*') && paths::within(folder, to))
        };
        survey.copied_file(path)
            || earlier().any(copied)
            || earlier().flat_map(|unit| unit.steps).any(|other| {
                other.kind() == "download"
                    && matches!(effects::of(other), Effect::Writes(written) if written.iter().any(|file| {
                        file == path || paths::covers(path, file) || path.contains('*') && paths::parent(file) == folder
                    }))
            })
    };
    let archives = ["release", "repo", "remi", "epel"];
    let files = step.args().iter().filter(|arg| {
        let name = paths::name(arg);
        (name.ends_with(".rpm") || name.ends_with(".deb"))
            && !arg.contains("://")
            && !arg.contains('$')
            && !archives.iter().any(|part| name.contains(part))
    });
    files.filter_map(|file| step.path(file)).find(|path| !brought(path))
}

/// The script that a command runs, where an ADD has brought it from an address that is known to set up an archive of packages.
pub(super) fn added_archive(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let script = step.argv.iter().take(3).find(|word| word.contains('/') && step.program() != paths::name(word));
    let script = step.path(script.or(step.argv.first())?)?;
    let mut added = survey.units.iter().filter_map(|unit| unit.copy.as_ref());
    let brings = |copy: &Copied| {
        let archive = |source: &String| effects::archive(source).is_some();
        copy.sources.iter().any(|source| archive(source) && copy.place(source).is_some_and(|place| place == script))
    };
    added.any(|copy| brings(copy)).then_some(script)
}

/// Whether a package name is a variable that the script computes.
pub(super) fn computed(unit: &Unit<'_>, name: &str) -> bool {
    let Some(variable) = name.strip_prefix('$') else { return false };
    let variable = variable.trim_matches(['{', '}']);
    unit.instruction.args.text.contains(&format!("{variable}=\"$("))
        || unit.instruction.args.text.contains(&format!("{variable}=$("))
}
