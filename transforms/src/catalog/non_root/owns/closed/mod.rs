//! Files that are in the image as root's alone, and that the container uses: the user gets them.
//!
//! What ADD downloads has the mode 600 (source: the reference of Dockerfiles, "ADD"), `--chmod` can keep a file for its
//! owner, and who makes a private key makes it for its owner. Each is followed from there on: commands move it, copy it,
//! open it for everybody or take it away, and a later stage may copy it.

mod files;
mod keys;

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;

use super::super::survey::Survey;
use super::{Folder, Needs};

pub(super) use files::for_the_owner;
use files::{File, Kind, Reader};

/// Gives the user what nobody else may read, and is used when the container runs.
pub(super) fn closed(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let files = Reader::new(survey, &needs.copies).shipped();
    let with_folder =
        |path: &str| needs.late.iter().any(|folder| folder.recursive && paths::within(path, &folder.path));
    let given: Vec<(&str, &File)> = files
        .all()
        .filter(|(path, _)| !with_folder(path))
        .filter(|(path, file)| match file.kind {
            Kind::Key => !keys::apart(path),
            Kind::Program | Kind::Other => is_used(survey, path, file, files.takes(path, file)),
        })
        .collect();
    // The COPY itself gives it. Beside keys that are copied other files stay root's.
    let gives = |(_, file): &&(&str, &File)| {
        let sources = file.copied.and_then(|at| survey.units.get(at)).and_then(|unit| survey.copied(unit));
        let of_copy = given.iter().filter(|(_, other)| other.copied == file.copied).count();
        file.copied.is_some()
            && (file.kind != Kind::Key || sources.is_some_and(|copied| of_copy >= copied.sources.len()))
    };
    let (by_copy, late): (Vec<_>, Vec<_>) = given.iter().partition(gives);
    let site = keys::of_default_site(survey);
    let ways = given.iter().map(|(path, _)| *path).chain(site.as_deref()).filter_map(keys::way);
    for path in ways.chain(late.iter().map(|(path, _)| *path)).chain(site.as_deref()) {
        if !needs.owned(path) && !path.contains('*') {
            needs.late.push(Folder { path: path.to_owned(), recursive: false, make: false });
        }
    }
    needs.copies.extend(by_copy.iter().filter_map(|(_, file)| file.copied));
}

/// Whether a file is there for what starts: it is no archive or package, and no command of the build takes it for itself.
fn is_used(survey: &Survey<'_, '_>, path: &str, file: &File, taken: bool) -> bool {
    const FOR_THE_BUILD: [&str; 9] = [
        "/tmp",
        "/var/tmp",
        "/root",
        "/usr/src",
        "/etc/apt",
        "/etc/apk",
        "/etc/yum.repos.d",
        "/etc/pki",
        "/usr/share/keyrings",
    ];
    let name = paths::name(path);
    let packed = |name: &str| {
        Words::ArchiveEnds.list().iter().any(|end| *end != ".sh" && name.ends_with(end))
            || [".deb", ".rpm", ".apk", ".gpg", ".asc", ".key"].iter().any(|end| name.ends_with(end))
    };
    if packed(name) || packed(&file.name) || FOR_THE_BUILD.iter().any(|folder| paths::within(path, folder)) {
        return false;
    }
    let names = |step: &Step| step.program() == name || step.argv.iter().any(|word| step.is_at(word, path));
    !taken || survey.entry.steps.iter().any(names)
}
