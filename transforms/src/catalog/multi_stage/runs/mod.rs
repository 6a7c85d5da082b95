//! What becomes of the commands of a RUN: each stays in the builder, or the runtime stage has it too.

mod copied;
mod databases;
mod installing;
mod installs;
mod kept;
mod keys;
mod lists;
mod local;
mod placed;
mod repeated;
mod sorting;
mod text;
mod users;

use crate::syntax::shell::Item;
use crate::transform::Refusal;

use super::plan::{Decision, Place, Recipe};
use super::shared;
use super::survey::{Survey, Unit};

pub(super) use copied::{is_update, link_in_place};
use databases::{fills_database, starts_database};
pub(super) use installs::{quoted, supervised};
pub(super) use kept::{no_files, services};
pub(super) use local::{PACKAGE_MAKERS, made_archive};
pub(super) use repeated::{for_installing, repeats, sets_aside, sets_up_keys};
use sorting::Sorting;
pub(super) use sorting::installs_made;
use text::{chunks, layout};
pub(super) use users::nobodys;

/// A command that the runtime stage runs too.
#[derive(Debug, Default)]
struct Kept {
    text: String,
    /// Whether what follows it runs even where it fails.
    loose: bool,
    /// Whether it installs packages.
    installs: bool,
    /// Whether it tells the package manager of another archive.
    archive: bool,
    /// The piece of the script that it is, by number.
    item: usize,
}

impl Kept {
    /// A command that says nothing about packages, and stands by itself.
    fn plain(item: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), item, ..Self::default() }
    }
}

/// Decides for a RUN: sorts the pieces of its script, then sees to the lists of packages that what is kept needs.
///
/// # Errors
/// Where work of the build and of the shipped image can't be taken apart.
pub(super) fn run(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    unknown: &mut Vec<String>,
) -> Result<Decision, Refusal> {
    if let Some(server) = unit.steps.iter().find(|step| starts_database(step)) {
        return fills_database(survey, recipe, unit, server);
    }
    let items: &[Item] = survey.model.script(unit.index).map_or(&[], |script| script.list());
    let mut sorting = Sorting::new(survey, recipe, unit, items, unknown);
    for chunk in chunks(items, unit.steps) {
        sorting.piece(chunk)?;
    }
    sorting.end()?;
    if sorting.kept.is_empty() {
        return Ok(Decision { place: Place::Builder, evidence: "it is work for the build".into() });
    }
    lists::ask_apk(&mut sorting);
    sorting.reasons.dedup();
    let evidence = sorting.reasons.join("; ");
    let installs = sorting.kept.iter().any(|kept| kept.installs);
    let apt = lists::uses_apt(&sorting);
    if !sorting.work && (sorting.updates || !apt) {
        // A run-time package may be used by the build as well, so the instruction stays where it installs anything.
        let both = sorting.both || installs || shared::builder_needs(survey, sorting.recipe, unit);
        let place = if both { Place::Both } else { Place::Runtime };
        return Ok(Decision { place, evidence });
    }
    if apt {
        lists::ask_apt(&mut sorting);
    } else if installs && sorting.work {
        lists::tidy(&mut sorting);
    }
    let mut kept = sorting.kept;
    kept.dedup_by(|a, b| a.text == b.text);
    Ok(Decision { place: Place::BuilderAnd(format!("RUN {}", layout(survey, unit, items, &kept))), evidence })
}
