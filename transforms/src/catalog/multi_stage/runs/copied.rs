//! Commands that work on what is copied from the builder.

use crate::knowledge::packages::{self};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::transform::Refusal;

use super::super::plan::{Carried, Recipe, in_builder};
use super::super::stores;
use super::super::survey::{Survey, Unit, refuse};
use super::super::whole::STAGE;

use super::databases::waits;
use super::installs::taken_away;
use super::kept::{follows, no_files, services};

/// Whether a command works in a folder that is copied, or names a file of it.
pub(super) fn works_on_carried(recipe: &Recipe, step: &Step) -> bool {
    let carried = |path: &str| {
        recipe.carried.iter().any(|carried| {
            let to = carried.to.trim_end_matches('/');
            !to.is_empty() && (paths::within(path, to) || path.contains('*') && paths::covers(path, to))
        })
    };
    let waits = waits(step);
    // A mode, an owner, a script of sed and what is printed are no files; the modules of `a2enmod` are none either.
    let skip = no_files(step);
    let local = |word: &&String| !word.starts_with('-') && !word.contains("://");
    let files = step.args().iter().filter(local).skip(skip);
    let named = files.clone();
    let relative = !matches!(effects::of(step), Effect::Configure)
        && files.chain(&step.outputs).any(|word| !word.starts_with(['/', '$', '~']));
    // What is copied over the whole system may bring the file.
    let staged = || recipe.inserts.iter().any(|(at, text)| text.contains(STAGE) && *at <= step.span.start as usize);
    let over = || {
        let system = |path: String| {
            (paths::within(&path, "/usr") || paths::within(&path, "/etc")) && !Words::SystemFolders.has(path.as_str())
        };
        let sets = matches!(step.program(), "chmod" | "chown" | "chgrp" | "setcap" | "strip");
        let words = step.args().iter().filter(|_| sets).chain(&step.outputs);
        staged() && words.filter_map(|word| step.path(word)).any(system)
    };
    // A file beside what is copied lies in a folder that comes with it, of which that one's may be one that nothing else makes:
    // `touch /var/locks/registry.tdb`.
    let beside = || {
        step.program() == "touch"
            && step.operands().filter_map(|word| step.path(word)).any(|path| {
                let folder = paths::parent(&path);
                !Words::SystemFolders.has(folder)
                    && (recipe.carried.iter().any(|carried| paths::within(&carried.to, folder))
                        || !Words::StandingFolders.has(folder) && staged())
            })
    };
    // `a2ensite shop` reads `sites-available/shop.conf`.
    let enabled = || {
        step.program().starts_with("a2en") && recipe.carried.iter().any(|carried| follows(step, &carried.to))
            || services(step).any(|path| carried(&path))
    };
    waits
        && (beside()
            || enabled()
            || over()
            || relative && step.cwd.as_deref().is_some_and(|cwd| cwd != "/" && carried(cwd))
            || step
                .argv
                .first()
                .into_iter()
                .chain(named)
                .chain(&step.inputs)
                .chain(&step.outputs)
                .any(|word| word.contains('/') && step.path(word).is_some_and(|path| carried(&path))))
}

/// What is written outside the folders that go along is copied on its own.
pub(super) fn copy_over(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    step: &Step,
    outside: Vec<String>,
    unit: &Unit<'_>,
) -> Result<(), Refusal> {
    let removed = survey.removed(survey.units.len());
    for path in outside {
        let gone = removed.iter().any(|removed| paths::covers(removed, &path));
        if gone
            || paths::within(&path, "/etc/apt")
            || recipe.carried.iter().any(|carried| paths::within(&path, &carried.from))
        {
            continue;
        }
        if Words::PackagedFolders.has(&path) && recipe.toolchain_variables.is_empty() {
            let text = format!(
                "`{}` in line {} writes into {path}, among the distribution's own files, which can't be copied apart",
                super::super::whole::shown(step),
                unit.instruction.lines.0
            );
            return Err(refuse("installs-among-system-files", text, false));
        }
        if path != "/" {
            let evidence = format!("`{}` writes it", step.program());
            recipe.carried.push(Carried { from: path.clone(), to: path, owner: None, evidence });
        }
    }
    Ok(())
}

/// Whether a change of owner is already in how the folders are copied.
pub(super) fn is_owned(survey: &Survey<'_, '_>, recipe: &Recipe, step: &Step, touched: &[String]) -> bool {
    if step.program() != "chown" {
        return false;
    }
    // A folder that the file makes itself is made in the runtime stage too, and is not what is copied into it.
    let own_folders: Vec<&str> = survey
        .steps()
        .filter(|(_, other)| other.program() == "mkdir")
        .flat_map(|(_, other)| match effects::of(other) {
            Effect::Files(made) => made.as_slice(),
            _ => &[],
        })
        .map(String::as_str)
        .collect();
    let given = || recipe.carried.iter().filter(|carried| carried.owner.is_some());
    let apart = |path: &str| {
        let inside = |folder: &&str| paths::within(folder, path) && !in_builder(&recipe.builder_folders, folder);
        own_folders
            .iter()
            .copied()
            .filter(inside)
            .any(|folder| !given().any(|carried| paths::within(folder, &carried.to)))
    };
    // A folder above them alone is given by nothing else.
    let above = |path: &str, to: &str| step.is_recursive() && paths::within(to, path) && !apart(path);
    touched.iter().all(|path| {
        in_builder(&recipe.builder_folders, path)
            || given().any(|carried| paths::within(path, &carried.to) || above(path, &carried.to))
    })
}

/// Whether a command works among the files of the system, on names alone.
pub(super) fn in_system(recipe: &Recipe, step: &Step) -> bool {
    step.cwd.as_deref().is_some_and(|cwd| stores::system(cwd) && !in_builder(&recipe.builder_folders, cwd))
        && step.args().iter().all(|arg| !arg.contains('/'))
}

/// Whether a command makes a link at a place that is known, outside what is copied, to something among the system's files
/// that is not known.
pub(super) fn links_from(recipe: &Recipe, step: &Step) -> bool {
    let Some((source, link)) = step.link() else { return false };
    let outside = |path: &str| {
        !in_builder(&recipe.builder_folders, path)
            && !recipe.carried.iter().any(|carried| paths::within(path, &carried.to))
    };
    step.always
        && (["/usr/lib/", "/usr/share/"].iter().any(|folder| source.trim_matches('"').starts_with(folder))
            || looked_up(source).is_some_and(|program| !is_compiler(&paths::join("/usr/bin", program))))
        && !source.trim_matches('"').ends_with(".so")
        && !link.ends_with('/')
        && link.starts_with('/')
        && paths::plain(link)
        && outside(link)
}

/// The program that a word asks for the place of: `$(which pypy3)`, `` `command -v node` ``.
fn looked_up(word: &str) -> Option<&str> {
    let word = word.trim_matches('"');
    let script = word.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    let script = script.or_else(|| word.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')))?.trim();
    let program = ["which ", "command -v ", "type -p "].iter().find_map(|question| script.strip_prefix(question))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    let program = program.trim();
    (!program.is_empty() && program.bytes().all(plain)).then_some(program)
}

/// Whether a COPY of everything into the root folder brings all that is removed.
pub(super) fn in_root_copy(survey: &Survey<'_, '_>, unit: &Unit<'_>, removed: &[String]) -> bool {
    let Some(context) = survey.model.context else { return false };
    let mut before = survey.units.iter().take_while(|other| other.index < unit.index);
    let there = |path: &String| {
        let inside = path.trim_start_matches('/');
        context.files().iter().any(|file| paths::within(file, inside))
    };
    before.any(|other| {
        other.copy.as_ref().is_some_and(|copy| copy.context && copy.is_whole() && copy.to.as_deref() == Some("/"))
    }) && !removed.is_empty()
        && removed.iter().all(there)
}

/// Whether `rm` takes away what a command before it, which builds, has left in the folder that both work in:
/// `pecl download redis && … && rm *.tgz`. In a stage without it there is nothing to take away, and `rm` would say so.
pub(super) fn leftovers(unit: &Unit<'_>, step: &Step) -> bool {
    let forced = step.args().iter().any(|arg| arg == "--force" || !arg.starts_with("--") && is_flag(arg, 'f'));
    let builds = |other: &Step| {
        matches!(effects::of(other), Effect::Build | Effect::Fetch(_) | Effect::Store(_) | Effect::Unknown)
    };
    let before = unit.steps.iter().take_while(|other| other.span != step.span);
    !forced
        && step.cwd.as_deref().is_some_and(|cwd| !stores::system(cwd) && cwd != "/")
        && step.operands().all(|path| !path.starts_with(['/', '~', '$']))
        && before.filter(|other| other.cwd == step.cwd).any(builds)
}

/// Whether a word is short flags, and one of them this.
fn is_flag(word: &str, flag: char) -> bool {
    word.strip_prefix('-').is_some_and(|flags| flags.contains(flag))
}

/// Whether what is removed was made by a command of this stage.
pub(super) fn made_here(survey: &Survey<'_, '_>, unit: &Unit<'_>, removed: &[String], same_base: bool) -> bool {
    // A server or a language that the base image has in /usr/local lies there in the runtime stage as well.
    let bare = survey
        .model
        .known(survey.stage)
        .is_some_and(|image| image.language().is_none() && image.kind() != crate::knowledge::images::Kind::Server);
    let scratch: &[&str] = if same_base && !bare {
        &["/tmp", "/var/tmp", "/root", "/usr/src", "/usr/local/src", "/usr/local/share/man", "/usr/local/share/doc"]
    } else {
        &["/tmp", "/var/tmp", "/root", "/usr/src", "/usr/local"]
    };
    // What comes later is not what is taken away here.
    let before = || survey.units.iter().take_while(|other| other.index <= unit.index);
    let made: Vec<&String> = before()
        .flat_map(|unit| unit.steps)
        .flat_map(|step| match effects::of(step) {
            Effect::Writes(paths) | Effect::Fetch(paths) => paths.as_slice(),
            // `mkdir` fails for a folder that is there, unless it is told not to.
            Effect::Files(paths) if step.program() == "mkdir" && !step.args().iter().any(|arg| is_flag(arg, 'p')) => {
                paths.as_slice()
            }
            _ => &[],
        })
        .collect();
    let copied: Vec<&str> =
        before().filter_map(|unit| unit.copy.as_ref()).filter_map(|copy| copy.to.as_deref()).collect();
    removed.iter().all(|path| {
        let stem = path.split(['*', '?', '[']).next().unwrap_or(path).trim_end_matches('/');
        let near = |other: &str| other.starts_with(stem) || stem.is_empty();
        made.iter().any(|other| near(other) || paths::within(stem, other) && *other != "/")
            || copied.iter().any(|other| *other != "/" && near(other))
            || !stores::system(path) && paths::parent(path) == "/"
            || matches!(
                paths::name(path),
                ".cache" | ".cargo" | ".gradle" | ".ivy2" | ".m2" | ".node-gyp" | ".npm" | ".nuget" | ".pip" | ".sbt"
            )
            || scratch.iter().any(|folder| paths::within(path, folder))
    })
}

/// Whether all that the file installs of an archive of packages, which has no others, is taken away again.
pub(super) fn only_for_the_build(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> bool {
    let same = || unit.steps.iter().filter(|other| other.item == step.item);
    let mut words = same().flat_map(|step| step.argv.iter().chain(&step.piped).chain(&step.outputs));
    let Some(packages) = words.find_map(|word| effects::archive(word)) else { return false };
    let mut found = false;
    let mut stays = false;
    for unit in &survey.units {
        for step in unit.steps {
            let Effect::Install(installed) = effects::of(step) else { continue };
            let gone = taken_away(survey, unit, Some(step));
            for name in installed.names.iter().map(|name| packages::bare(name)) {
                let listed = packages.split(' ').any(|package| package == name);
                found |= listed;
                stays |= listed && !gone.iter().any(|gone| packages::bare(gone) == name);
            }
        }
    }
    found && !stays
}

/// Whether a path is that of a compiler among the programs of the system, whatever its version.
pub(super) fn is_compiler(path: &str) -> bool {
    const NAMES: [&str; 8] = ["c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "gfortran"];
    let name = paths::name(path);
    let stem = name.split_once('-').map_or(name, |(stem, _)| stem);
    paths::parent(path).ends_with("/bin") && NAMES.contains(&stem)
}

/// Whether a command sets up a tool of the build: `update-alternatives --install /usr/bin/gcc …`.
pub(super) fn names_build_tool(step: &Step) -> bool {
    step.program().starts_with("update-alternatives")
        && step.argv.iter().any(|arg| {
            let name = paths::name(arg);
            ["gcc", "g++", "cc", "c++", "clang", "cpp", "javac", "gcov", "gfortran", "cmake"]
                .iter()
                .any(|tool| name.starts_with(tool))
        })
}

/// The link that the same instruction puts in the place of what `rm` takes away, and that place.
pub(in crate::catalog::multi_stage) fn link_in_place<'s>(
    unit: &'s Unit<'_>,
    step: &Step,
) -> Option<(&'s Step, String)> {
    let taken = |path: &String| step.operands().any(|word| step.is_at(word, path));
    let place = |other: &Step| other.path(other.args().last()?).filter(taken);
    let mut later = unit.steps.iter().filter(|other| other.span.start > step.span.start && other.program() == "ln");
    later.find_map(|other| Some((other, place(other)?))).filter(|_| step.program() == "rm")
}

/// Whether a command of a package manager fetches its lists, or brings packages up to date by them.
pub(in crate::catalog::multi_stage) fn is_update(step: &Step) -> bool {
    matches!(step.subcommand(), Some("update" | "makecache" | "upgrade" | "dist-upgrade" | "ref" | "refresh"))
}
