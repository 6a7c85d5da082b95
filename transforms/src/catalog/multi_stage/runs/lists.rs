//! The lists of packages, which what the runtime stage installs is looked up in.

use crate::knowledge::packages::Role;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};

use super::super::survey::Unit;

use super::Kept;
use super::copied::is_update;
use super::repeated::installs_file;
use super::sorting::Sorting;

/// Has the lists fetched for an `apk add` that doesn't fetch them itself: they have to be of the same stage.
pub(super) fn ask_apk(sorting: &mut Sorting<'_, '_, '_>) {
    let (survey, unit) = (sorting.survey, sorting.unit);
    let kept = &sorting.kept;
    let listless = kept.iter().position(|kept| lacks_lists(&kept.text)).filter(|at| {
        let before = survey.units.iter().take_while(|other| other.index <= unit.index);
        let asked = before.flat_map(|unit| unit.steps).any(|step| step.program() == "apk" && is_update(step));
        asked && !kept.iter().take(*at).any(|kept| kept.text.contains("apk update"))
    });
    let Some(at) = listless.filter(|_| sorting.work || !sorting.updates) else { return };
    // What brings packages up to date asks the lists as well.
    let upgrade = kept.iter().position(|kept| kept.text.contains("apk upgrade"));
    let at = upgrade.map_or(at, |upgrade| upgrade.min(at));
    let item = kept.get(at).map_or(0, |kept| kept.item);
    sorting.kept.insert(at, Kept::plain(item, "apk update"));
    sorting.work = true;
}

/// Whether apt installs what is kept.
pub(super) fn uses_apt(sorting: &Sorting<'_, '_, '_>) -> bool {
    sorting.kept.iter().any(|kept| kept.installs)
        && sorting.unit.steps.iter().any(|step| {
            matches!(step.program(), "apt-get" | "apt" | "aptitude") || sorting.recipe.smaller && installs_file(step)
        })
}

/// Has apt's lists fetched before what it installs, and taken away behind it.
pub(super) fn ask_apt(sorting: &mut Sorting<'_, '_, '_>) {
    let unit = sorting.unit;
    let kept = &mut sorting.kept;
    let Some(at) = kept.iter().position(|kept| kept.installs) else { return };
    let item = kept.get(at).map_or(0, |kept| kept.item);
    kept.insert(at, Kept::plain(item, "apt-get update"));
    // The packages of an archive are known once its list is there: where the file asks for it, so do we.
    let asked = |from: usize, to: usize| {
        unit.steps.iter().any(|step| {
            (from..to).contains(&step.item) && matches!(effects::of(step), Effect::Lists) && is_update(step)
        })
    };
    let mut new = None;
    let mut place = at + 1;
    while let Some(one) = kept.get(place) {
        let item = one.item;
        let needs = one.installs && new.is_some_and(|archive| asked(archive, item));
        if needs {
            new = None;
        } else if one.archive {
            new = Some(item);
        }
        if needs {
            kept.insert(place, Kept::plain(item, "apt-get update"));
            place += 1;
        }
        place += 1;
    }
    if next_needs_lists(sorting) {
        sorting.kept.retain(|kept| !kept.text.contains("/var/lib/apt/lists"));
    } else if !sorting.kept.iter().any(|kept| kept.text.contains("/var/lib/apt/lists")) {
        let clean = sorting.lists.take().filter(|text| text.starts_with("rm "));
        let clean = clean.unwrap_or_else(|| "rm -rf /var/lib/apt/lists/*".into());
        sorting.kept.push(Kept::plain(usize::MAX, clean));
    }
}

/// Whether an instruction behind the build, which stays as it is, installs from these lists.
fn next_needs_lists(sorting: &Sorting<'_, '_, '_>) -> bool {
    // Nothing can stand on what the instruction itself takes away.
    if sorting.lists.as_ref().is_some_and(|text| text.starts_with("rm ")) {
        return false;
    }
    let (survey, last_build) = (sorting.survey, sorting.recipe.last_build);
    let installs = |unit: &Unit<'_>| unit.steps.iter().position(|step| matches!(effects::of(step), Effect::Install(_)));
    // What only the build installs is no matter of the runtime stage.
    let ships = |unit: &Unit<'_>| {
        unit.steps.iter().any(|step| {
            matches!(effects::of(step), Effect::Install(packages)
                if packages.names.iter().any(|name| packages.role(name) == Role::Runtime))
        })
    };
    let between =
        survey.units.iter().take(last_build + 1).any(|later| later.index > sorting.unit.index && ships(later));
    let next = survey.units.iter().skip(last_build + 1).find_map(|unit| Some((unit, installs(unit)?)));
    !between
        && next.is_some_and(|(unit, at)| {
            !unit.steps.iter().take(at).any(|step| matches!(effects::of(step), Effect::Lists) && is_update(step))
        })
}

/// Has other package managers than apt tidy up where the file does so.
pub(super) fn tidy(sorting: &mut Sorting<'_, '_, '_>) {
    if let Some(text) = sorting.lists.take()
        && !sorting.kept.iter().any(|kept| kept.text == text)
        && (text.contains("clean") || text.starts_with("rm ") && text.contains("/var/cache/"))
    {
        sorting.kept.push(Kept::plain(usize::MAX, text));
    }
    const CACHE: &str = "/var/cache/apk";
    let cleans = |step: &Step| step.program() == "rm" && step.args().iter().any(|arg| arg.starts_with(CACHE));
    let fills =
        |kept: &Kept| kept.text.contains("apk ") && !kept.text.contains("--no-cache") && !kept.text.contains("apk del");
    if sorting.unit.steps.iter().any(cleans)
        && sorting.kept.iter().any(fills)
        && !sorting.kept.iter().any(|kept| kept.text.contains(CACHE))
    {
        sorting.kept.push(Kept::plain(usize::MAX, format!("rm -rf {CACHE}/*")));
    }
}

/// Whether a text installs packages of Alpine by lists that have to be there.
fn lacks_lists(text: &str) -> bool {
    let words = || text.split_ascii_whitespace();
    let fetches = |word: &str| {
        matches!(word, "--no-cache" | "--update" | "--update-cache" | "--upgrade")
            || word.starts_with('-') && !word.starts_with("--") && word.contains(['U', 'u'])
    };
    words().any(|word| word == "apk") && words().any(|word| matches!(word, "add" | "upgrade")) && !words().any(fetches)
}
