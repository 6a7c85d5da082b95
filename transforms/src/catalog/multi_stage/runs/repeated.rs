//! Commands that both stages run.

use crate::knowledge::images::Kind;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::super::plan::{Recipe, in_builder, mentions};
use super::super::stores;
use super::super::survey::{Survey, Unit};
use super::copied::is_compiler;

/// Whether packages read a variable as they are installed: how they ask their questions, and the answer to one.
pub(in crate::catalog::multi_stage) fn for_installing(name: &str) -> bool {
    ["DEBIAN_", "DEBCONF_", "ACCEPT_"].iter().any(|start| name.starts_with(start)) || name.contains("EULA")
}

/// Whether a command unpacks an archive among the files of the system that the runtime stage can have as well: it comes
/// through a pipe, from a COPY or ADD, or from a download of the same RUN.
pub(in crate::catalog::multi_stage) fn repeats(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    unit: &Unit<'_>,
    step: &Step,
) -> bool {
    // Where the folders are known that it fills, they are copied.
    if recipe.unpacked.contains(&step.span) {
        return false;
    }
    let Effect::Writes(written) = effects::of(step) else { return false };
    let shared = written
        .iter()
        .any(|path| Words::PackagedFolders.has(path.as_str()) && !in_builder(&recipe.builder_folders, path));
    if step.kind() != "unpack" || !shared || !step.always {
        return false;
    }
    let archives: Vec<String> = step.args().iter().filter_map(|arg| step.path(arg)).collect();
    let copied = || {
        survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
            let Some(to) = copy.to.as_deref() else { return false };
            let names = copy.sources.iter().map(|source| paths::join(to, paths::name(source)));
            names.chain([to.to_owned()]).any(|path| archives.contains(&path))
        })
    };
    let fetched = || {
        unit.steps.iter().any(|other| {
            other.kind() == "download"
                && matches!(effects::of(other), Effect::Writes(paths) if paths.iter().any(|path| archives.contains(path)))
        })
    };
    step.piped.is_some() || copied() || fetched()
}

/// Whether a command puts a file of the system's aside, under another name in its folder:
/// `mv /etc/nginx/conf.d/default.conf /etc/nginx/conf.d/default.conf.off`. The runtime stage has that file by itself, of its
/// base or of a package of that name, and has to put it aside as well.
pub(in crate::catalog::multi_stage) fn sets_aside(survey: &Survey<'_, '_>, step: &Step) -> bool {
    const OF_THE_BASE: [&str; 3] = ["/bin/sh", "/etc/apt/sources.list", "/etc/localtime"];
    if step.program() != "mv" || !step.known || !step.always {
        return false;
    }
    let operands: Vec<String> = step.operands().filter_map(|word| step.path(word)).collect();
    let [from, to] = operands.as_slice() else { return false };
    let plain = |path: &String| paths::plain(path) && !path.contains(['*', '?']);
    if !plain(from)
        || !plain(to)
        || paths::parent(from) != paths::parent(to)
        || !stores::system(from)
        || is_compiler(from)
    {
        return false;
    }
    // A package, or the image of a server, whose name a part of the path begins with.
    let part_of = |name: &str| {
        let word = name.split(['-', '.', '/']).next().unwrap_or_default();
        word.len() > 3 && from.split('/').skip(2).any(|part| part.starts_with(word))
    };
    let packaged = || {
        survey.steps().any(|(_, other)| {
            matches!(effects::of(other), Effect::Install(packages) if packages.names.iter().any(|name| part_of(name)))
        })
    };
    let served = || {
        let image = survey.model.known(survey.stage).filter(|image| image.kind() == Kind::Server);
        image.is_some_and(|image| part_of(paths::name(image.name())))
    };
    let made = |other: &Step| {
        let written = match effects::of(other) {
            Effect::Writes(written) if !effects::edits(other) => written.as_slice(),
            Effect::Fetch(folders) => folders.as_slice(),
            _ => &[],
        };
        other.span != step.span
            && (written.iter().any(|path| paths::within(from, path)) || other.outputs.iter().any(|path| path == from))
    };
    (OF_THE_BASE.contains(&from.as_str()) || packaged() || served())
        && !survey.copied_file(from)
        && !survey.steps().any(|(_, other)| made(other))
}

/// Whether it is `dpkg -i` of a package.
pub(super) fn installs_file(step: &Step) -> bool {
    step.program() == "dpkg" && matches!(effects::of(step), Effect::Install(_))
}

/// Whether it is `dpkg -i` of a file whose name does not say what it is: `dpkg -i download`.
pub(super) fn nameless(step: &Step) -> bool {
    step.program() == "dpkg" && step.operands().all(|file| !file.contains(".deb") && !file.contains(['*', '$']))
}

/// Whether a command of the RUN downloads this file.
pub(super) fn downloads(unit: &Unit<'_>, path: &str) -> bool {
    unit.steps.iter().any(|step| {
        step.kind() == "download"
            && matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|file| paths::covers(path, file)))
    })
}

/// Whether a word of a command means a file, by its name or by a pattern.
fn names(step: &Step, word: &str, path: &str) -> bool {
    step.is_at(word, path) || word.contains('*') && step.path(word).is_some_and(|pattern| paths::covers(&pattern, path))
}

/// Whether `step` downloads the archive that `other` unpacks or installs in the runtime stage too.
pub(super) fn feeds(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, step: &Step, other: &Step) -> bool {
    // What neither writes nor installs can't take it: most commands need not be looked at any closer.
    matches!(effects::of(other), Effect::Writes(_) | Effect::Install(_) | Effect::Repository)
        && step.kind() == "download"
        && matches!(effects::of(step), Effect::Writes(paths) if paths.iter().any(|path| {
            other.args().iter().chain(&other.inputs).any(|arg| names(other, arg, path))
        }))
        && (repeats(survey, recipe, unit, other)
            || matches!(effects::of(other), Effect::Install(_))
            || (recipe.repositories || nameless(other)) && matches!(effects::of(other), Effect::Repository))
}

/// Whether a file is put where the package manager looks for the addresses and keys of its archives.
pub(super) fn moved_to_archives(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.steps().any(|(_, other)| {
        matches!(other.kind(), "copy" | "install")
            && matches!(effects::of(other), Effect::Repository)
            && other.args().iter().any(|arg| other.is_at(arg, path))
    })
}

/// Whether a command writes into the folder in which another of the instruction looks for keys of archives:
/// `echo disable-ipv6 >> ~/.gnupg/dirmngr.conf && apt-key adv --homedir ~/.gnupg --recv-keys …`
pub(in crate::catalog::multi_stage) fn sets_up_keys(unit: &Unit<'_>, step: &Step) -> bool {
    let inside = |folder: &String, file: &String| {
        folder.contains('/') && file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    unit.steps.iter().any(|other| {
        matches!(effects::of(other), Effect::Repository)
            && other.args().iter().any(|arg| step.outputs.iter().any(|file| inside(arg, file)))
    })
}

/// Whether a file is an archive that the runtime stage downloads too.
pub(super) fn fed(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, path: &str) -> bool {
    let named = |step: &Step| step.args().iter().chain(&step.inputs).any(|arg| names(step, arg, path));
    if unit.steps.iter().any(|step| repeats(survey, recipe, unit, step) && named(step)) {
        return true;
    }
    unit.steps.iter().any(|step| {
        matches!(effects::of(step), Effect::Writes(paths) if paths.iter().any(|written| written == path))
            && unit.steps.iter().any(|other| feeds(survey, recipe, unit, step, other))
    })
}

/// Whether a folder in scratch space, or one of the application's own of which nothing is copied, is made for what runs:
/// nothing that builds works in it or names it, and nothing takes it away again. `mkdir -p /tmp/pids`
pub(super) fn for_the_program(survey: &Survey<'_, '_>, recipe: &Recipe, path: &str) -> bool {
    let scratch = scratches(recipe, path);
    let own = |step: &Step| matches!(step.program(), "mkdir" | "chmod" | "chown" | "chgrp");
    // A copy of the whole project into the application's folder says nothing of this one.
    let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref());
    let filled = copies.any(|copy| {
        copy.to.as_deref().is_some_and(|to| {
            paths::within(to, path) || scratch && copy.is_whole() && to != "/" && paths::within(path, to)
        })
    });
    (scratch || for_the_application(survey, recipe, path))
        && paths::plain(path)
        && !filled
        && !survey.removed(recipe.last_build).iter().any(|gone| paths::covers(gone, path))
        && !survey.steps().take_while(|(at, _)| *at <= recipe.last_build).any(|(_, step)| {
            !own(step) && (mentions(step, path) || step.outputs.iter().any(|word| step.is_at(word, path)))
                || step.program() == "cd" && step.args().iter().any(|word| step.is_at(word, path))
        })
}

/// Whether a folder lies in scratch space where nothing is built.
pub(super) fn scratches(recipe: &Recipe, path: &str) -> bool {
    ["/tmp", "/var/tmp", "/var/cache"].iter().any(|folder| path != *folder && paths::within(path, folder))
        && !recipe.builder_folders.iter().any(|folder| paths::within(path, folder))
}

/// Whether a folder lies below the one in which the program runs, where only files are copied that lie beside it and
/// nothing was built.
fn for_the_application(survey: &Survey<'_, '_>, recipe: &Recipe, path: &str) -> bool {
    // A workspace of Go is for building.
    const WORKSPACE: [&str; 3] = ["bin", "pkg", "src"];
    let Some(home) = survey.model.final_workdir(survey.stage) else { return false };
    let inside = paths::relative(path, home).and_then(|path| path.split('/').next());
    let worked = survey.steps().any(|(_, step)| step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, path)));
    home != "/"
        && path != home
        && inside.is_some_and(|name| !WORKSPACE.contains(&name))
        && recipe.builder_folders.iter().any(|folder| paths::within(path, folder))
        && !worked
        && !recipe.carried.is_empty()
        && !recipe.carried.iter().any(|carried| {
            let from = paths::within(path, &carried.from) || paths::within(&carried.from, path);
            from || paths::within(path, &carried.to) || paths::within(&carried.to, path)
        })
}
