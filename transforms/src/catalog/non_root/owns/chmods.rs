//! Files whose modes what starts changes: nobody but root and their owner may.

use crate::model::commands::Step;

use super::super::survey::Survey;
use super::super::uses;
use super::modes::of_chmod;
use super::named::free;
use super::{Folder, Needs};

/// The files and folders that a command gives another mode, with everything in them: `chmod -R 755 /srv/bin`.
fn changed(step: &Step) -> impl Iterator<Item = (String, bool)> {
    let wanted = step.program() == "chmod" && !step.args().iter().any(|arg| arg.starts_with("--reference"));
    let named = of_chmod(step).skip(1).filter(move |word| wanted && !word.contains(['$', '`', '*', '?']));
    named.filter_map(move |word| Some((step.path(word)?, step.is_recursive())))
}

/// Files that commands of the entry, or of the scripts behind it, change the modes of: `CMD chmod +x /start.sh && /start.sh`.
pub(super) fn chmods(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let read = survey.scripts.iter().chain(uses::scripts(survey)).flat_map(|script| script.steps.iter().flatten());
    for (path, recursive) in survey.entry.steps.iter().chain(read).flat_map(changed) {
        if path == "/" || free(&path) || needs.owned(&path) || needs.files.contains(&path) {
            continue;
        }
        let Some(at) = survey.units.iter().rposition(|unit| survey.holds(unit, &path)) else { continue };
        let Some(unit) = survey.units.get(at).filter(|unit| !unit.has_owner()) else { continue };
        let Some(copied) = survey.copied(unit) else { continue };
        if needs.copies.contains(&at) {
            continue;
        }
        // A COPY of nothing else gives it away by itself.
        let named = copied.sources.first().is_some_and(|source| copied.place(source).as_deref() == Some(path.as_str()));
        let alone = copied.sources.len() == 1 && named && (copied.folder || !copied.there);
        if alone {
            needs.copies.push(at);
        } else {
            needs.late.push(Folder { path, recursive, make: false });
        }
    }
}
