//! Volumes.

use crate::knowledge::words::Words;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::survey::Survey;
use super::super::user::User;

use super::filled::fills;
use super::made::{given_filled, given_whole};
use super::server::own_place;
use super::{Folder, Needs};

/// The folders of VOLUME: a new volume takes the owner that the folder has in the image.
pub(super) fn volumes(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    for (at, unit) in survey.units.iter().enumerate() {
        if unit.instruction.keyword != Keyword::Volume {
            continue;
        }
        for word in unit.instruction.words() {
            let path = survey.model.expand(unit.index, word.raw);
            if !path.known || !path.text.starts_with('/') {
                continue;
            }
            let path = paths::join("/", &path.text);
            let system = ["/dev", "/proc", "/sys", "/bin", "/lib", "/usr/lib", "/usr/bin", "/sbin", "/tmp"];
            let known = |folder: &Folder| folder.path == path;
            if matches!(path.as_str(), "/" | "/etc" | "/usr" | "/var" | "/run" | "/var/run" | "/home")
                || path.contains(' ')
                || system.iter().any(|folder| paths::within(&path, folder))
                || user.server.is_some() && needs.late.iter().any(known) && user.made_by.is_some_and(|made| made > at)
                || needs.early.iter().any(known)
                || own_place(survey) && survey.facts.data.contains(&path.as_str())
            {
                continue;
            }
            // A file of the host's is mounted there, which it could not be over a folder.
            if is_file(&path) {
                continue;
            }
            // What is changed in a folder after its VOLUME, the classic builder forgets.
            let servers = needs.late.iter().any(|folder| folder.path == path && folder.recursive);
            needs.late.retain(|folder| folder.path != path);
            needs.volume.get_or_insert(at);
            let before = survey.below.len() + at;
            let filled = survey
                .all()
                .take(before)
                .any(|unit| unit.instruction.keyword == Keyword::Run && fills(survey, unit, &path));
            let whole = given_whole(survey, user, &path).filter(|whole| *whole < at);
            for (copy, unit) in survey.units.iter().enumerate() {
                let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
                let given = unit.has_owner() || whole.is_some_and(|whole| copy < whole);
                if to.is_some_and(|to| paths::within(to, &path)) && !given && !needs.copies.contains(&copy) {
                    needs.copies.push(copy);
                }
            }
            for folder in above_in_roots_home(&path).into_iter().filter(|_| user.server.is_none()) {
                if !needs.owned(&folder) {
                    needs.early.push(Folder { path: folder, recursive: false, make: true });
                }
            }
            // The file may have seen to it before.
            if given_filled(survey, user, &path).is_none_or(|given| at < given) {
                needs.early.push(Folder { path, recursive: filled || servers, make: true });
            }
        }
    }
}

/// Whether a volume is for a single file, by its name: `VOLUME /config.yml`.
fn is_file(path: &str) -> bool {
    let end = paths::name(path).rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, end)| end);
    matches!(end, "properties" | "sock" | "yaml") || Words::SettingEnds.has(end) || Words::DataEnds.has(end)
}

/// The folders between root's home and a folder in it, which are the user's too.
pub(in crate::catalog::non_root) fn above_in_roots_home(path: &str) -> Vec<String> {
    let mut above = Vec::new();
    let mut folder = paths::parent(path);
    while folder != "/root" && paths::within(folder, "/root") {
        above.push(folder.to_owned());
        folder = paths::parent(folder);
    }
    above.reverse();
    above
}
