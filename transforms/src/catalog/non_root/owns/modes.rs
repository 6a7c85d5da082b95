//! Files that are copied with modes or names which say that they are written.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::survey::{Survey, Unit};
use super::super::user::{self};

use super::closed::for_the_owner;
use super::made::PROGRAMS;
use super::sources::{writes_file, writes_into};
use super::{Folder, Needs};

/// Whether a COPY brings this very file.
pub(super) fn brought(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.units.iter().any(|unit| survey.brings(unit, path))
}

/// The mode that a `chmod` gives, and what it gives it to: `-x` is a mode, as are `+x` and `0755`.
pub(super) fn of_chmod(step: &Step) -> impl Iterator<Item = &String> {
    step.args().iter().filter(|arg| !arg.starts_with('-') || arg.starts_with("-x"))
}

/// Programs and their files that a `chmod` keeps for their owner alone.
pub(super) fn modes(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let mut kept: Vec<Folder> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if !unit.text().contains("chmod") {
            continue;
        }
        for step in survey.steps(unit).iter().filter(|step| step.program() == "chmod" && step.known) {
            let mut words = of_chmod(step);
            let Some(mode) = words.next() else { continue };
            let octal = for_the_owner(mode);
            let symbolic =
                matches!(mode.as_str(), "u+x" | "u+rx" | "u+rwx" | "go-rwx" | "og-rwx" | "o-rwx" | "u=rwx,go=");
            if !octal && !symbolic {
                continue;
            }
            let recursive = step.is_recursive();
            for path in words.filter_map(|word| step.path(word)) {
                let used = survey.entry.steps.iter().any(|start| {
                    start.argv.iter().any(|word| {
                        start
                            .path(word)
                            .is_some_and(|named| named == path || (recursive && paths::within(&named, &path)))
                            || (!word.contains('/') && paths::name(&path) == word)
                    })
                });
                // What a script may call by its name.
                let name = paths::name(&path);
                let unread = || user::unread_script(survey).is_some();
                let copied = |unit: &Unit<'_>| {
                    survey.copied(unit).and_then(|copied| copied.to.as_deref()).is_some_and(|to| to == path)
                };
                let called = PROGRAMS.contains(&paths::parent(&path))
                    && (unread() || survey.runs().any(|step| step.program() == name))
                    || recursive && survey.units.iter().any(copied) && unread();
                let inside = needs.early.iter().chain(&needs.late).any(|folder| paths::within(&path, &folder.path));
                let owned = needs.late.iter().any(|folder| folder.recursive && paths::within(&path, &folder.path));
                if (used || called || inside)
                    && !owned
                    && path != "/"
                    && !path.contains('*')
                    && !kept.iter().any(|folder| folder.path == path)
                {
                    kept.push(Folder { path, recursive, make: false });
                }
            }
        }
    }
    needs.late.append(&mut kept);
}

/// Whether what a COPY brings may be written to: not manifests, not single files of code, not installed packages.
pub(super) fn may_be_written(survey: &Survey<'_, '_>, unit: &Unit<'_>, copied: &Copied, whole: bool) -> bool {
    if unit.has_owner() {
        return false;
    }
    if !unit.instruction.heredocs.is_empty() {
        return false;
    }
    let archive = unit.instruction.keyword == Keyword::Add;
    copied.sources.iter().any(|source| {
        let source = source.trim_end_matches('/');
        if matches!(source, "" | "." | "./" | "*" | "./*") || source.starts_with("..") {
            return true;
        }
        let name = paths::name(source);
        if archive && (name.ends_with(".tar") || name.ends_with(".tgz") || name.contains(".tar.")) {
            return true;
        }
        if started(survey, copied, source) {
            return false;
        }
        let data = is_database(name);
        let file = name.trim_start_matches('.').contains('.') || name.contains('*');
        let file = file || Words::PlainFiles.has(name);
        let code = !whole && Words::CodeFolders.has(name);
        data || !(file || code)
            || copied.place(source).is_some_and(|path| {
                if file { is_data(name) && writes_file(survey, &path) } else { writes_into(survey, &path) }
            })
    })
}

/// Whether a file holds data by its name, which a program may read and write: not settings, not what describes a project.
fn is_data(name: &str) -> bool {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    Words::DataEnds.has(end) && !Words::SettingNames.list().iter().any(|word| stem.contains(word))
}

/// Whether a file is a database by its name, which programs write to where it lies.
fn is_database(name: &str) -> bool {
    [".db", ".sqlite", ".sqlite3", ".rdb"].iter().any(|end| name.ends_with(end))
}

/// The database files that the stage copies, where they come to lie, with the place of the COPY among its units.
pub(in crate::catalog::non_root) fn databases(survey: &Survey<'_, '_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit) else { continue };
        if unit.has_owner() {
            continue;
        }
        let files = copied.sources.iter().filter(|source| is_database(source));
        let places = files.filter_map(|source| copied.place(source)).filter(|path| is_database(path));
        found.extend(places.map(|path| (at, path)));
    }
    found
}

/// A database that comes to lie in the root folder, with the whole of the project.
pub(in crate::catalog::non_root) fn database_in_root(survey: &Survey<'_, '_>) -> Option<String> {
    let context = survey.model.context?;
    let whole = survey.units.iter().filter_map(|unit| survey.copied(unit)).any(|copied| {
        copied.context
            && copied.to.as_deref() == Some("/")
            && copied.sources.iter().any(|source| matches!(source.as_str(), "." | "./" | "*" | "./*"))
    });
    let database = |file: &&String| !file.contains('/') && is_database(file) && file.as_str() != "Thumbs.db";
    context.files().iter().filter(|_| whole).find(database).map(|file| format!("/{file}"))
}

/// Whether a COPY brings the very program that is started: nobody writes to that.
fn started(survey: &Survey<'_, '_>, copied: &Copied, source: &str) -> bool {
    let Some(to) = copied.to.as_deref() else { return false };
    let name = paths::name(source);
    // A folder is copied as what lies in it: `COPY --from=builder /app /app`, where `/app/app` starts.
    let folder = !copied.context && source == to;
    survey.entry.steps.iter().any(|step| {
        let program = step.argv.first().map(String::as_str).unwrap_or_default();
        let path = step.path(program).unwrap_or_default();
        let called = !program.contains('/') && paths::name(program) == name;
        path == to || !folder && (called || path == paths::join(to, name))
    })
}
