//! What a command that stays needs beside it: assignments, folders, services.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::shell::{Item, Node, Operator};
use crate::syntax::words::{self};
use crate::transform::Refusal;

use super::super::plan::{Recipe, in_builder};
use super::super::survey::{Survey, Unit, refuse};

use super::Kept;
use super::databases::waits;
use super::repeated::for_installing;
use super::text::one_line;

/// Whether a command stands on a file that `text`, which comes behind the copies, names: it can't come before it.
/// `a2ensite shop` reads `sites-available/shop.conf`. A folder is made anew where it is needed.
pub(super) fn follows(step: &Step, text: &str) -> bool {
    if !waits(step) || text.starts_with("mkdir ") {
        return false;
    }
    if services(step).any(|path| text.contains(&path)) {
        return true;
    }
    if step.program().starts_with("a2en") {
        return step.args().iter().any(|arg| text.contains(&format!("/{}.conf", arg.trim_end_matches(".conf"))));
    }
    let words = || text.split_ascii_whitespace().map(|word| word.trim_matches(['"', '\'', ';', '>', '(', ')']));
    step.argv.iter().skip(1).filter(|word| word.starts_with('/') && !paths::parent(word).is_empty()).any(|word| {
        paths::parent(word) != "/" && !Words::SystemFolders.has(word.as_str()) && words().any(|other| other == word)
    })
}

/// The scripts and units that may be meant by the service that a command sets up: `update-rc.d nginx defaults`.
pub(in crate::catalog::multi_stage) fn services(step: &Step) -> impl Iterator<Item = String> {
    let sets = matches!(step.program(), "update-rc.d" | "chkconfig" | "rc-update" | "insserv" | "systemctl");
    let names = step.args().iter().filter(move |word| sets && !word.starts_with('-') && !word.contains(['/', '$']));
    names.flat_map(|name| {
        let unit = name.trim_end_matches(".service");
        [
            format!("/etc/init.d/{unit}"),
            format!("/etc/systemd/system/{unit}.service"),
            format!("/lib/systemd/system/{unit}.service"),
            format!("/usr/lib/systemd/system/{unit}.service"),
        ]
    })
}

/// Whether a word is what another command finds among the files: `echo "zend_extension=$(find /usr -name bfr.so)"`.
pub(super) fn looks_up(step: &Step) -> bool {
    step.argv.iter().any(|word| (word.contains("$(") || word.contains('`')) && word.contains('/'))
}

/// How many of a command's operands name no files: a mode, an owner, a script of sed, and all that is printed.
pub(in crate::catalog::multi_stage) fn no_files(step: &Step) -> usize {
    match step.program() {
        "chmod" | "chown" | "chgrp" | "sed" | "setcap" => 1,
        "echo" | "printf" => usize::MAX,
        // `curl … | tar -xz -C /usr/bin caddy` names what is in the archive.
        "tar" if unpacks_pipe(step) => usize::MAX,
        // `tar xvf archive`: the options need no dash.
        "tar" if step.args().first().is_some_and(|word| !word.starts_with('-')) => 1,
        _ => 0,
    }
}

/// Whether `tar` unpacks what a pipe brings into a folder that it is told: it names no file of where it runs.
fn unpacks_pipe(step: &Step) -> bool {
    let told = |word: &String| word == "-C" || word.starts_with("--directory");
    let reads = |word: &String| match word.strip_prefix('-') {
        Some(options) if !options.starts_with('-') => options.contains('f'),
        _ => word.starts_with("--file"),
    };
    let bare = step.args().first().is_some_and(|word| !word.starts_with('-') && word.contains('f'));
    step.args().iter().any(told) && !bare && !step.args().iter().any(reads)
}

/// Whether a command names files by the folder that it runs in.
pub(super) fn names_relative(recipe: &Recipe, step: &Step) -> bool {
    // In a folder that stays behind it works on what lies elsewhere, or it would have stayed as well: there only what is
    // surely a file's name is one, and no module, account or member of an archive.
    let stays = step.cwd.as_deref().is_some_and(|cwd| {
        in_builder(&recipe.builder_folders, cwd)
            && !recipe.carried.iter().any(|carried| carried.to != "/" && paths::within(cwd, &carried.to))
    });
    let sure = |word: &String| !stays || word.contains(['.', '/']) && !word.contains(['=', ':']);
    // A download is put where the command runs, unless it is told a path.
    let fetches = step.kind() == "download"
        && matches!(effects::of(step), Effect::Repository)
        && !step.args().iter().any(|arg| arg.starts_with("/etc/") || arg.starts_with("/usr/"));
    if fetches {
        return true;
    }
    let files = matches!(effects::of(step), Effect::Files(_) | Effect::Writes(_) | Effect::Unknown | Effect::Configure);
    // What sets up the system is mostly told names, of modules and sites, and no files.
    let names = matches!(effects::of(step), Effect::Configure);
    let named = |word: &String| {
        !word.starts_with(['/', '-', '$', '~']) && !word.contains("://") && (!names || word.contains('/')) && sure(word)
    };
    let words = step.args().iter().filter(|word| !word.starts_with('-')).skip(no_files(step));
    step.inputs.iter().chain(&step.outputs).any(named) || files && words.into_iter().any(named)
}

/// Puts `cd` before commands that stay and that name files from a folder which the script has gone to.
pub(super) fn move_along(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, kept: &mut Vec<Kept>) {
    let Some(start) = survey.model.workdir(unit.index) else { return };
    let mut here = start.to_owned();
    let mut at = 0;
    while let Some(one) = kept.get(at) {
        let item = one.item;
        let loose = one.loose;
        let steps = || unit.steps.iter().filter(|step| step.item == item);
        let goes = steps().any(|step| matches!(step.program(), "cd" | "pushd" | "popd"));
        let wanted = steps().find(|step| names_relative(recipe, step)).and_then(|step| step.cwd.clone());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != here && !goes) {
            kept.insert(at, Kept { text: format!("cd {wanted}"), loose, installs: false, archive: false, item });
            here = wanted;
            at += 1;
        }
        at += 1;
    }
}

/// Whether Ruby comes with the base image, or may, or from packages that stay.
pub(super) fn has_ruby(survey: &Survey<'_, '_>) -> bool {
    let image = survey.model.known(survey.stage);
    let ruby = |name: &String| name.starts_with("ruby") || name.starts_with("@ruby");
    let steps = || survey.units.iter().flat_map(|unit| unit.steps.iter().chain(unit.own));
    let any = |takes: &dyn Fn(&Effect) -> Option<bool>| steps().any(|step| takes(effects::of(step)) == Some(true));
    let installs = any(&|effect| match effect {
        Effect::Install(packages) => Some(packages.names.iter().any(ruby)),
        _ => None,
    });
    let removes = any(&|effect| match effect {
        Effect::Remove(packages) => Some(packages.names.iter().any(ruby)),
        _ => None,
    });
    image.is_none_or(|image| image.language() == Some("ruby")) || installs && !removes
}

/// Puts before the commands that stay the assignments of the same script that they read: `uid=1000`, `export uid=1000`.
///
/// # Errors
/// A command that stays reads a variable that gets its value in an `if`, a `case` or a loop, which does not.
pub(super) fn define(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    items: &[Item],
    kept: &mut Vec<Kept>,
) -> Result<(), Refusal> {
    let reads = |text: &str, name: &str| {
        [format!("${name}"), format!("${{{name}")].iter().any(|mark| {
            text.match_indices(mark.as_str()).any(|(at, _)| {
                let after = text.as_bytes().get(at + mark.len());
                after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
            })
        })
    };
    for (number, item) in items.iter().enumerate().rev() {
        let Node::Command(command) = &item.node else { continue };
        let exports =
            command.words.first().is_some_and(|word| matches!(word.raw.as_ref(), "export" | "declare" | "readonly"));
        if !exports && !command.words.is_empty() {
            continue;
        }
        let words = command.assignments.iter().chain(command.words.iter().skip(1));
        let names: Vec<String> = words
            .filter_map(|word| word.raw.split_once('='))
            .map(|(name, _)| name.to_owned())
            .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            .collect();
        let Some(first) = kept.iter().position(|kept| kept.item > number && kept.item != usize::MAX) else { continue };
        let proxy = |name: &str| ["http_proxy", "https_proxy"].iter().any(|proxy| name.eq_ignore_ascii_case(proxy));
        // What lists packages, or an archive's owner, in letters of many languages.
        let speaks = |name: &str| matches!(name, "LANG" | "LC_ALL" | "LC_CTYPE");
        let asks = names.iter().any(|name| for_installing(name) || proxy(name) || exports && speaks(name));
        let read = asks && kept.iter().skip(first).any(|kept| kept.installs)
            || kept.iter().skip(first).any(|kept| names.iter().any(|name| reads(&kept.text, name)));
        let there = kept.iter().any(|kept| kept.item == number);
        if names.is_empty() || !read || there {
            continue;
        }
        let text = one_line(survey, item.span.text(survey.model.file.source));
        recipe
            .programs
            .extend(unit.steps.iter().filter(|step| step.item == number).map(|step| step.program().to_owned()));
        kept.insert(
            first,
            Kept { text, loose: item.operator == Operator::Then, installs: false, archive: false, item: number },
        );
        // `wget -O version.txt … && VERSION=$(cat version.txt)`: the file is made first.
        let of = |number: usize| unit.steps.iter().filter(move |step| step.item == number);
        let files: Vec<String> = of(number)
            .filter(|step| step.program() == "cat")
            .flat_map(|step| step.operands().filter_map(|word| step.path(word)))
            .collect();
        let makes = |step: &Step| match effects::of(step) {
            Effect::Writes(made) | Effect::Fetch(made) => made.iter().any(|path| files.contains(path)),
            _ => step.outputs.iter().filter_map(|path| step.path(path)).any(|path| files.contains(&path)),
        };
        let maker = (0..number).rev().find(|earlier| of(*earlier).any(makes));
        if let Some((maker, item)) = maker.and_then(|at| Some((at, items.get(at)?)))
            && !kept.iter().any(|kept| kept.item == maker)
        {
            let text = one_line(survey, item.span.text(survey.model.file.source));
            recipe.programs.extend(of(maker).map(|step| step.program().to_owned()));
            let loose = item.operator == Operator::Then;
            kept.insert(first, Kept { text, loose, installs: false, archive: false, item: maker });
        }
    }
    for (number, item) in items.iter().enumerate() {
        if matches!(item.node, Node::Command(_)) || kept.iter().any(|kept| kept.item == number) {
            continue;
        }
        let source = item.span.text(survey.model.file.source);
        let sets = |text: &str, name: &str| {
            text.match_indices(&format!("{name}=")).any(|(at, _)| {
                at.checked_sub(1)
                    .and_then(|at| text.as_bytes().get(at))
                    .is_none_or(|byte| byte.is_ascii_whitespace() || b";&|(".contains(byte))
            })
        };
        let later = kept.iter().filter(|kept| kept.item > number && kept.item != usize::MAX);
        let lost = later.flat_map(|kept| words::reads(&kept.text, b'\\')).find(|name| {
            let stays = kept.iter().any(|kept| sets(&kept.text, name));
            sets(source, name) && !stays
        });
        if let Some(name) = lost {
            let text = format!(
                "what is left of line {} for the shipped image reads {name}, which is worked out in a part of it that \
                 is for the build",
                unit.instruction.lines.0
            );
            return Err(refuse("entangled", text, false));
        }
    }
    Ok(())
}
