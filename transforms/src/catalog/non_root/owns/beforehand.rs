//! Folders that are there before what fills them.

use crate::model::{copies, paths};
use crate::syntax::Keyword;

use super::super::survey::{Survey, Unit};
use super::Needs;

/// Copies that make a folder of the application's before the copy that fills it does: who makes it has it, and the manifest of
/// a member comes before its sources. `COPY apps/web/package.json apps/web/` and `COPY apps/web apps/web`
pub(super) fn beforehand(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let context = |at: &usize| {
        let copied = survey.units.get(*at).and_then(|unit| survey.copied(unit)).filter(|copied| copied.context)?;
        Some((*at, copied.to.as_deref()?))
    };
    let given: Vec<(usize, &str)> = needs.copies.iter().filter_map(context).collect();
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit).filter(|copied| copied.context && !unit.has_owner()) else { continue };
        let Some(to) = copied.to.as_deref() else { continue };
        let whole = copied.folder || copied.there || copied.sources.iter().any(|source| is_folder(survey, source));
        let folder = if whole { to } else { paths::parent(to) };
        let inside = needs.early.iter().chain(&needs.late).any(|known| paths::within(folder, &known.path));
        let filled = given.iter().any(|(later, to)| *later > at && paths::within(folder, to));
        if inside && filled && !needs.owned(folder) && !needs.copies.contains(&at) {
            needs.copies.push(at);
        }
    }
}

/// Whether a build makes the folder, inside of one that is copied, before the file works in it: what is made beforehand could
/// be in its way. `RUN meteor build .` and `WORKDIR /src/bundle`
pub(super) fn built_inside(survey: &Survey<'_, '_>, needs: &Needs, folder: &str) -> bool {
    let works = |unit: &Unit<'_>| {
        unit.instruction.keyword == Keyword::Workdir && survey.model.workdir(unit.index + 1) == Some(folder)
    };
    let Some(at) = survey.units.iter().position(works) else { return false };
    let inside = |copy: &&usize| {
        let to = survey.units.get(**copy).and_then(|unit| survey.copied(unit)?.to.as_deref());
        to.is_some_and(|to| to != folder && to != "/" && paths::within(folder, to))
    };
    let names = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Run && unit.text().contains(paths::name(folder));
    let first = needs.copies.iter().filter(inside).min();
    first.is_some_and(|first| survey.units.iter().take(at).skip(*first).any(names))
}

/// Whether a source is a folder of the build context: as that shows it, or by a name in small letters without an end.
fn is_folder(survey: &Survey<'_, '_>, source: &str) -> bool {
    let path = copies::context_path(source);
    let Some(context) = survey.model.context else {
        const PROGRAMS: [&str; 5] = ["artisan", "console", "gradlew", "manage", "mvnw"];
        let name = paths::name(path);
        return name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('.') && !PROGRAMS.contains(&name);
    };
    context.holds(path) && context.files().binary_search_by(|file| file.as_str().cmp(path)).is_err()
}
