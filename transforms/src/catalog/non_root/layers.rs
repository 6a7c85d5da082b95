//! A folder that a RUN fills is given away in that RUN: behind it, everything would be in a second layer once more.

use std::collections::BTreeMap;

use crate::edit::Edit;
use crate::model::commands::Step;
use crate::model::effects::Effect;
use crate::model::paths;
use crate::surgery::{Layout, append_command};
use crate::syntax::Keyword;

use super::owns::Folder;
use super::place::{commands_at_the_end, exists, is_link, linked, root_at};
use super::survey::{Survey, Unit};
use super::user::User;

/// A RUN that gives away what it has filled.
pub(super) struct Filler {
    /// Its place among the units of the stage.
    pub(super) at: usize,
    /// What it does more.
    pub(super) command: String,
    /// The same as an edit.
    pub(super) edit: Edit,
    /// The copies behind it into what it gives away, which get an owner.
    pub(super) copies: Vec<usize>,
}

/// Takes the folders out of `early`, of volumes, and of `late` that one RUN fills, and no other behind it, with the folders
/// in them.
pub(super) fn fillers(
    survey: &Survey<'_, '_>,
    user: &User,
    early: &mut Vec<Folder>,
    late: &mut Vec<Folder>,
) -> Vec<Filler> {
    let mut fillers = Vec::new();
    for (at, (folders, copies)) in filled_by(survey, user, early, late) {
        let itself = |one: &Folder| folders.iter().any(|folder| folder.path == one.path);
        let inside = |one: &Folder| folders.iter().any(|folder| paths::within(&one.path, &folder.path));
        let (own, rest): (Vec<Folder>, Vec<Folder>) = std::mem::take(late).into_iter().partition(inside);
        *late = rest;
        let volumes = early.iter().filter(|one| itself(one)).map(|one| Folder { make: false, ..one.clone() });
        let all: Vec<Folder> = own.iter().cloned().chain(volumes).collect();
        let command = commands_at_the_end(survey, &all, &[], &user.owner, at).join(" && ");
        let Some(edit) = behind(survey, at, &command) else {
            late.extend(own);
            continue;
        };
        // What is in it by then is given away with it.
        if !forgets(survey, at) {
            early.retain(|one| !(itself(one) || inside(one) && exists(survey, &one.path, at + 1)));
            early.iter_mut().filter(|one| inside(one)).for_each(|one| one.recursive = false);
        }
        fillers.push(Filler { at, command, edit, copies });
    }
    fillers
}

/// By the place of the RUN: what it fills, and the copies behind it.
fn filled_by(
    survey: &Survey<'_, '_>,
    user: &User,
    early: &[Folder],
    late: &[Folder],
) -> BTreeMap<usize, (Vec<Folder>, Vec<usize>)> {
    let mut found: BTreeMap<usize, (Vec<Folder>, Vec<usize>)> = BTreeMap::new();
    // A user that stands there is there at its end, and one of ours before it.
    let first = user.made_by.map_or(0, |made| made + usize::from(!user.make.is_empty()));
    let full = late.iter().filter(|folder| !folder.make).map(|folder| (folder, false));
    let volumes = early.iter().map(|folder| (folder, true));
    for (folder, volume) in full.chain(volumes).filter(|(folder, _)| folder.recursive) {
        // Whatever runs as root keeps files of its own in root's home.
        let whole = folder.path != "/root" && !is_link(survey, &folder.path);
        // Above what is made deeper in it, `mkdir -p` makes folders that are root's.
        let deeper =
            |path: &str| path != folder.path && paths::within(path, &folder.path) && paths::parent(path) != folder.path;
        if !whole || early.iter().any(|made| made.make && deeper(&made.path)) {
            continue;
        }
        let Some((at, always)) = last_filled(survey, &folder.path) else { continue };
        if volume && (!always || forgets(survey, at)) || at < first || !root_at(survey, at) {
            continue;
        }
        let Some(copies) = copied_behind(survey, &folder.path, at) else { continue };
        let (folders, all) = found.entry(at).or_default();
        folders.push(folder.clone());
        all.extend(copies);
    }
    found
}

/// Whether a VOLUME stands before the unit: what is changed in its folder behind it, older builders forget.
fn forgets(survey: &Survey<'_, '_>, at: usize) -> bool {
    survey.units.iter().take(at).any(|unit| unit.instruction.keyword == Keyword::Volume)
}

/// The edit that puts `command` at the end of a unit's RUN; `None` where it can't stand there.
fn behind(survey: &Survey<'_, '_>, at: usize, command: &str) -> Option<Edit> {
    let layout = Layout::new(survey.model.file, survey.stage.from, survey.stage.body.clone());
    append_command(survey.model.file, &layout, survey.units.get(at)?.instruction, command)
}

/// The RUN that fills the folder, where no other that may put anything into it follows, and whether the folder is there
/// then, whatever happens.
fn last_filled(survey: &Survey<'_, '_>, folder: &str) -> Option<(usize, bool)> {
    let runs = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Run;
    let at = survey.units.iter().rposition(|unit| runs(unit) && touches(survey, unit, folder))?;
    let unit = survey.units.get(at)?;
    let steps = survey.steps(unit);
    let used = steps.iter().any(|step| uses(step, folder));
    let fills = |step: &Step| weighs(step, folder) || used && unpacks_beside(step, folder);
    let filled = steps.iter().rposition(fills)?;
    let always = steps.iter().any(|step| step.always && weighs(step, folder));
    // What is mounted while it runs is nobody's to give away, and what is taken away again is not there to be given.
    let mounted = unit.instruction.flags.iter().any(|flag| flag.name == "mount");
    if mounted || steps.iter().skip(filled).any(|step| takes_away(step, folder)) {
        return None;
    }
    let kept = |unit: &Unit<'_>| {
        let to = survey.model.workdir(unit.index + 1);
        unit.instruction.keyword != Keyword::Workdir || to.is_none_or(|to| to == folder || !paths::within(to, folder))
    };
    let links = links_to(survey, folder);
    let through = |unit: &Unit<'_>| links.iter().any(|link| puts_into(survey, unit, link));
    survey.units.iter().skip(at + 1).all(|unit| kept(unit) && !through(unit)).then_some((at, always))
}

/// The links that RUN instructions make to the folder, or into it.
fn links_to(survey: &Survey<'_, '_>, folder: &str) -> Vec<String> {
    let runs = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run);
    let links = runs.flat_map(|unit| survey.steps(unit)).filter_map(linked);
    links.filter(|(_, target)| paths::within(target, folder)).map(|(link, _)| link).collect()
}

/// Whether an instruction may put anything behind the link.
fn puts_into(survey: &Survey<'_, '_>, unit: &Unit<'_>, link: &str) -> bool {
    match survey.copied(unit) {
        Some(copied) => copied.to.as_deref().is_none_or(|to| paths::within(to, link)),
        None => survey.steps(unit).iter().any(|step| step.program() != "ln" && uses(step, link) && changes(step, link)),
    }
}

/// Whether a RUN may put anything into the folder, or change it.
fn touches(survey: &Survey<'_, '_>, unit: &Unit<'_>, folder: &str) -> bool {
    let steps = survey.steps(unit);
    steps.is_empty() || steps.iter().any(|step| changes(step, folder))
}

/// Whether a command may put anything into the folder, or change it.
fn changes(step: &Step, folder: &str) -> bool {
    // These leave all that is there to whom it belongs, as `sed -i` does, which has no effect.
    if matches!(step.program(), "chmod" | "rm" | "rmdir" | "unlink" | "ln") {
        return false;
    }
    let meets = |path: &String| paths::within(path, folder) || path != "/" && paths::within(folder, path);
    let inside = step.cwd.as_deref().is_none_or(|cwd| paths::within(cwd, folder));
    let named = step.argv.iter().chain(&step.outputs).any(|word| word.contains(folder) || step.reaches(word, folder));
    match step.effect() {
        Effect::Nothing => named && !step.outputs.is_empty(),
        Effect::Install(_)
        | Effect::Remove(_)
        | Effect::Upgrade
        | Effect::Lists
        | Effect::Repository
        | Effect::User => named,
        Effect::Files(paths) | Effect::Writes(paths) | Effect::Fetch(paths) => named || paths.iter().any(meets),
        Effect::Configure | Effect::Store(_) | Effect::Home(_) | Effect::Build => inside || named,
        Effect::Unknown => true,
    }
}

/// Whether a command leaves more than a file or two in the folder.
fn weighs(step: &Step, folder: &str) -> bool {
    let into = |path: &String| paths::within(path, folder);
    let much = match step.kind() {
        "copy" => step.program() != "cp" || step.copies_folders(),
        kind => matches!(kind, "download" | "unpack"),
    };
    match step.effect() {
        Effect::Fetch(paths) => paths.iter().any(into),
        Effect::Writes(paths) => much && paths.iter().any(into),
        Effect::Build | Effect::Home(_) => step.cwd.as_ref().is_some_and(into),
        _ => false,
    }
}

/// Whether a command unpacks an archive into the folder above, where it may have the folder in it.
fn unpacks_beside(step: &Step, folder: &str) -> bool {
    let above = |path: &String| path == paths::parent(folder);
    matches!(step.effect(), Effect::Writes(paths) if step.kind() == "unpack" && paths.iter().any(above))
}

/// Whether a command works in the folder, or with what is in it: then it is there.
fn uses(step: &Step, folder: &str) -> bool {
    let inside = step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, folder));
    // A package has a name, and no place.
    let packages = matches!(step.effect(), Effect::Install(_) | Effect::Remove(_));
    inside || !packages && step.argv.iter().any(|word| step.reaches(word, folder))
}

/// Whether a command removes the folder, or one that it lies in, or moves it elsewhere.
fn takes_away(step: &Step, folder: &str) -> bool {
    let operands: Vec<&str> = step.operands().collect();
    let taken = match (step.program(), operands.split_last()) {
        ("rm" | "rmdir", _) => operands.as_slice(),
        ("mv", Some((_, moved))) => moved,
        _ => &[],
    };
    taken.iter().filter_map(|path| step.path(path)).any(|path| paths::covers(&path, folder))
}

/// The copies into the folder behind `at` that can get an owner; `None` where one can't.
fn copied_behind(survey: &Survey<'_, '_>, folder: &str, at: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for (place, unit) in survey.units.iter().enumerate().skip(at) {
        if !matches!(unit.instruction.keyword, Keyword::Copy | Keyword::Add) {
            continue;
        }
        let copied = survey.copied(unit)?;
        let to = copied.to.as_deref()?;
        // A folder goes where it has the same folders in it: `COPY files /`.
        let files = || copied.sources.iter().all(|source| paths::name(source).trim_start_matches('.').contains('.'));
        if paths::within(to, folder) {
            if unit.has_owner() || unit.instruction.keyword == Keyword::Add {
                return None;
            }
            found.push(place);
        } else if paths::within(folder, to) && !files() {
            return None;
        }
    }
    Some(found)
}
