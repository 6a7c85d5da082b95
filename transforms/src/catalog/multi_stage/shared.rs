//! Whether the build stands on an instruction that sets up the shipped image: then both stages have it.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::Keyword;

use super::plan::{Recipe, mentions};
use super::survey::{PATH, Survey, Unit};

/// Whether anything that the builder does behind `unit` may stand on what `unit` does.
pub(super) fn builder_needs(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>) -> bool {
    let Some(at) = survey.units.iter().position(|other| other.index == unit.index) else { return true };
    let later = survey.units.get(at + 1..=recipe.last_build).unwrap_or_default();
    if !later.iter().any(|later| !later.steps.is_empty()) {
        return false;
    }
    unit.steps.iter().any(|step| match effects::of(step) {
        Effect::User => names_account(survey, later),
        Effect::Repository | Effect::Lists | Effect::Upgrade => {
            later.iter().flat_map(|unit| unit.steps).any(|step| matches!(effects::of(step), Effect::Install(_)))
        }
        // `ln -s nodejs /usr/bin/node`: tools start each other by name.
        Effect::Files(made) if step.program() == "ln" && made.last().is_some_and(|link| in_path(link)) => true,
        Effect::Files(made) => made.iter().any(|path| reads(survey, later, path)),
        Effect::Writes(made) => made.iter().any(|path| reads(survey, later, path) || is_setting(path)),
        Effect::Configure | Effect::Unknown => !Words::ServicePrograms.has(step.program()),
        Effect::Nothing | Effect::Remove(_) => false,
        _ => true,
    })
}

/// Whether later instructions of the builder work as somebody, or give something to somebody.
fn names_account(survey: &Survey<'_, '_>, later: &[Unit<'_>]) -> bool {
    later.iter().any(|unit| match unit.instruction.keyword {
        Keyword::User => {
            let user = survey.model.expand(unit.index, &unit.instruction.args.text).text;
            !matches!(user.split(':').next(), Some("root" | "0" | ""))
        }
        Keyword::Copy | Keyword::Add => unit.instruction.flags.iter().any(|flag| flag.name == "chown"),
        _ => {
            let acts = |word: &str| matches!(word, "su" | "runuser" | "sudo" | "gosu" | "su-exec" | "setuser");
            // Of what somebody else is to run, the command alone is among the steps.
            unit.steps.iter().any(gives) || unit.instruction.args.text.split_ascii_whitespace().any(acts)
        }
    })
}

/// Whether a command names an account.
fn gives(step: &Step) -> bool {
    matches!(step.program(), "chown" | "chgrp" | "install")
        || matches!(effects::of(step), Effect::User)
        || step.argv.iter().any(|word| word.starts_with("--with-") && word.contains("-user="))
}

/// Whether later instructions of the builder name a path, work in it, or have it in a variable.
fn reads(survey: &Survey<'_, '_>, later: &[Unit<'_>], path: &str) -> bool {
    // Variables that stand before the instruction are read by tools as well: NVM_DIR, PHP_INI_DIR.
    let named =
        survey.units.iter().any(|unit| {
            unit.instruction.keyword == Keyword::Env
                && survey.model.expand(unit.index, &unit.instruction.args.text).text.split(['=', ' ', ':', '"']).any(
                    |value| value.starts_with('/') && value.len() > 1 && paths::within(path, &paths::join("/", value)),
                )
        });
    named
        || later.iter().any(|unit| {
            unit.steps.iter().any(|step| mentions(step, path) || copies_above(step, path))
                || unit.copy.as_ref().and_then(|copy| copy.to.as_deref()).is_some_and(|to| paths::within(to, path))
        })
}

/// Whether a command copies a folder, or all that is in it, with what lies in it: `cp -r /srv/site/* /srv/mounted`.
fn copies_above(step: &Step, path: &str) -> bool {
    let above = |word: &String| {
        let folder = step.path(word.split(['*', '?']).next().unwrap_or(word).trim_end_matches('/'));
        folder.is_some_and(|folder| !Words::SystemFolders.has(folder.as_str()) && paths::within(path, &folder))
    };
    let sources = match step.args().split_last() {
        Some((_, sources)) if step.program() != "tar" => sources,
        _ => step.args(),
    };
    matches!(step.program(), "cp" | "mv" | "rsync" | "tar")
        && sources.iter().filter(|word| word.contains('/') && !word.starts_with('-')).any(above)
}

/// Whether a path is that of a program which is called by its name.
fn in_path(path: &str) -> bool {
    PATH.contains(&path) || PATH.contains(&paths::parent(path))
}

/// Whether tools read a file while they build.
fn is_setting(path: &str) -> bool {
    let hidden = ["/root", "/home"].iter().any(|home| paths::within(path, home)) && paths::name(path).starts_with('.');
    hidden || Words::BuildSettings.list().iter().any(|folder| paths::within(path, folder))
}
