//! Folders that the file itself makes, fills or gives away.

use crate::knowledge::unpacked;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::Effect;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::place::exists;
use super::super::survey::{Survey, Unit};
use super::super::user::{self, User};

use super::filled::fills;
use super::folders::only_serves;
use super::modes::brought;
use super::named::{configuration, free, run_folder};
use super::{Folder, Needs, in_tmp, is_application};

/// Folders that the file makes and leaves empty: what would be the use of them, if not that the program fills them?
pub(super) fn made(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    // Each with whether it may not be there after all.
    let mut found: Vec<(String, bool)> = Vec::new();
    for one in survey.units.iter().flat_map(|unit| makes(survey, unit)).chain(brought_empty(survey, needs)) {
        if !found.iter().any(|(known, _)| *known == one.0) {
            found.push(one);
        }
    }
    let serves = only_serves(survey, user);
    for (path, make) in found {
        let filled = survey.all().any(|unit| copies_into(survey, unit, &path));
        let recursive = filled && in_tmp(&path);
        let used = filled && !recursive || survey.all().any(|unit| works_in(survey, unit, &path));
        // Who only serves what is there writes logs and buffers.
        let kept = !serves || KEPT.iter().any(|kept| paths::name(&path).contains(kept));
        if !used && kept && !needs.owned(&path) && !given(survey, user, &path) && !opened(survey, &path) {
            needs.late.push(Folder { path, recursive, make });
        }
    }
}

/// The folders that a RUN makes where programs keep what is theirs, each with whether it may not be there after all.
fn makes(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Vec<(String, bool)> {
    if unit.instruction.keyword != Keyword::Run || !unit.text().contains("mkdir") {
        return Vec::new();
    }
    let place = |path: &str| {
        let run = (paths::within(path, "/run") || paths::within(path, "/var/run"))
            && !matches!(path, "/run" | "/var/run" | "/run/sshd" | "/var/run/sshd");
        (is_application(path) || run || configuration(path)) && !paths::within(path, "/root")
    };
    let mut found = Vec::new();
    for step in survey.steps(unit).iter().filter(|step| step.program() == "mkdir" && step.known) {
        let folders = step.operands().filter(|arg| !arg.contains(['$', '*', '{', '%', '\\']));
        let paths = folders.filter_map(|arg| step.path(arg)).filter(|path| place(path));
        found.extend(paths.map(|path| (path, !step.always)));
    }
    found
}

/// Folders that an earlier stage makes and leaves empty, by whose names programs write to them, where a COPY brings them.
fn brought_empty(survey: &Survey<'_, '_>, needs: &Needs) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        let Some((copied, stage)) = survey.copied(unit).zip(survey.copied_from(unit)) else { continue };
        let Some(to) = copied.to.as_deref().filter(|_| !unit.has_owner() && !needs.copies.contains(&at)) else {
            continue;
        };
        let below: Vec<Unit<'_>> =
            survey.model.body(stage).map(|(index, instruction)| Unit { index, instruction }).collect();
        for (path, _) in below.iter().flat_map(|unit| makes(survey, unit)).filter(|(_, unsure)| !unsure) {
            let inside = copied.sources.iter().find_map(|source| paths::relative(&path, &paths::join("/", source)));
            let Some(lies) = inside.map(|inside| paths::join(to, inside)) else { continue };
            let kept = lies.rsplit('/').take(2).any(|part| KEPT.iter().any(|kept| part.contains(kept)));
            let used = |unit: &Unit<'_>| copies_into(survey, unit, &path) || works_in(survey, unit, &path);
            if kept && !below.iter().any(used) {
                found.push((lies, false));
            }
        }
    }
    found
}

/// Whether a COPY or ADD brings something into the folder.
fn copies_into(survey: &Survey<'_, '_>, unit: &Unit<'_>, path: &str) -> bool {
    survey.copied(unit).and_then(|copied| copied.to.as_deref()).is_some_and(|to| paths::within(to, path))
}

/// Whether an instruction works in the folder, or with what is there.
fn works_in(survey: &Survey<'_, '_>, unit: &Unit<'_>, path: &str) -> bool {
    match unit.instruction.keyword {
        Keyword::Workdir => survey.model.workdir(unit.index + 1).is_some_and(|cwd| paths::within(cwd, path)),
        Keyword::Run => {
            let text = unit.text();
            (text.contains(paths::name(path)) || text.contains("rm "))
                && survey.steps(unit).iter().any(|step| occupies(step, path))
        }
        _ => false,
    }
}

/// Files that root makes and leaves empty: logs, databases and files for the number of a process.
pub(super) fn touched(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let mut found: Vec<String> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if !survey.is_roots(unit) || !unit.text().contains("touch") {
            continue;
        }
        for step in survey.steps(unit).iter().filter(|step| step.program() == "touch" && step.always) {
            let files = step.operands().filter(|arg| !arg.contains(['$', '*', '{']));
            found.extend(files.filter_map(|arg| step.path(arg)));
        }
    }
    let gone = |path: &str| {
        survey.units.iter().flat_map(|unit| survey.steps(unit)).any(|step| {
            matches!(step.program(), "rm" | "mv")
                && step.operands().filter_map(|arg| step.path(arg)).any(|gone| paths::within(path, &gone))
        })
    };
    // By its name or its folder it is written while the program runs; others are stamps, and settings.
    const WRITTEN: [&str; 10] = ["cache", "data", ".db", "history", ".lock", "log", ".pid", "run", ".sock", "sqlite"];
    let written = |path: &str| {
        let (folder, name) = (paths::name(paths::parent(path)), paths::name(path));
        !name.contains(char::is_whitespace) && WRITTEN.iter().any(|word| name.contains(word) || folder.contains(word))
    };
    // The two logs of nginx's image are links to its output, until somebody takes those away.
    let linked = |path: &str| {
        survey.facts.key == "nginx"
            && matches!(path, "/var/log/nginx/access.log" | "/var/log/nginx/error.log")
            && !survey.units.iter().flat_map(|unit| survey.steps(unit)).any(|step| step.program() == "unlink")
    };
    for path in found.into_iter().filter(|path| !linked(path)) {
        let folder = paths::parent(&path);
        let place =
            is_application(folder) || matches!(folder, "/run" | "/var/run" | "/var/log" | "/var/lib" | "/var/cache");
        let skip =
            free(&path) || paths::within(&path, "/root") || !written(&path) || brought(survey, &path) || gone(&path);
        if place
            && !skip
            && !needs.owned(&path)
            && !needs.files.contains(&path)
            && !given(survey, user, &path)
            && !opened(survey, &path)
        {
            needs.late.push(Folder { path, recursive: false, make: false });
        }
    }
}

/// Whether a `chmod` lets everybody write into the folder.
pub(in crate::catalog::non_root) fn opened(survey: &Survey<'_, '_>, path: &str) -> bool {
    let opens = |step: &Step| {
        let mut words = step.args().iter().filter(|arg| !arg.starts_with('-'));
        let mode = words.next().map_or("", String::as_str);
        let everybody =
            mode.ends_with("777") || matches!(mode, "a+w" | "a+rw" | "a+rwx" | "ugo+rwx" | "ugo+w" | "+rwx");
        let recursive = step.is_recursive();
        everybody
            && words
                .filter_map(|word| step.path(word))
                .any(|open| open == path || recursive && paths::within(path, &open))
    };
    let runs =
        survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run && unit.text().contains("chmod"));
    runs.flat_map(|unit| survey.steps(unit)).any(|step| step.program() == "chmod" && opens(step))
}

/// Templates that a start script which can't be read fills in, beside where they lie.
pub(super) fn templates(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const ENDS: [&str; 8] = [".template", ".tmpl", ".tpl", ".tmp", ".j2", ".ctmpl", ".dist", ".in"];
    if user::unread_script(survey).is_none() {
        return;
    }
    for unit in &survey.units {
        let Some(copied) = survey.copied(unit) else { continue };
        let Some(to) = copied.to.as_deref() else { continue };
        let template = |path: &str| ENDS.iter().any(|end| path.ends_with(end));
        let folder = match template(to) {
            true => paths::parent(to),
            false if copied.folder && copied.sources.iter().any(|source| template(source)) => to,
            false => continue,
        };
        let own = folder.matches('/').count() > 1 && !free(folder) && !PROGRAMS.contains(&folder);
        if own && !needs.owned(folder) {
            needs.late.push(Folder { path: folder.to_owned(), recursive: false, make: false });
        }
    }
}

/// The name of an archive, which the folder in it mostly has: `jboss-4.2.3.GA` of `jboss-4.2.3.GA.zip`.
fn archive(word: &str) -> Option<&str> {
    let name = paths::name(word);
    let stem = [".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz"].iter().find_map(|end| name.strip_suffix(end))?;
    (paths::plain(stem) && !stem.is_empty()).then_some(stem)
}

/// What an archive or a clone has put into a folder of its own, where a start script that can't be read works with it: it
/// fills configuration in there, and the program writes its logs and data beside itself.
pub(super) fn unpacked(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const PARENTS: [&str; 4] = ["/opt", "/usr/local", "/usr/share", "/srv"];
    const FILES: [&str; 7] = [".gz", ".tgz", ".zip", ".bz2", ".xz", ".jar", ".war"];
    if user::unread_script(survey).is_none() {
        return;
    }
    let mut folders: Vec<String> = Vec::new();
    let mut parents: Vec<String> = Vec::new();
    let mut moved: Vec<String> = Vec::new();
    let mut in_root: Vec<&str> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        for step in survey.steps(unit).iter().filter(|step| step.always) {
            // `tar x` and then `mv program-1.2 /opt/program`: it has the version in its name no more.
            if step.program() == "mv" {
                let operands: Vec<&str> = step.operands().collect();
                if let [from, to] = operands.as_slice() {
                    let unpacked = from.contains(['-', '*', '$']) && !paths::name(from).contains(".t");
                    let into = step.path(to).filter(|into| unpacked && is_application(into) && !into.contains('*'));
                    folders.extend(into.filter(|_| !parents.is_empty() || !folders.is_empty()));
                }
                moved.extend(
                    operands.split_last().map_or(&[][..], |(_, from)| from).iter().filter_map(|from| step.path(from)),
                );
            }
            let into = match step.effect() {
                Effect::Writes(into) if matches!(step.program(), "tar" | "unzip" | "bsdtar") => into,
                _ => continue,
            };
            if into.iter().any(|into| into == "/") {
                in_root.extend(survey.steps(unit).iter().flat_map(|step| step.args()).filter_map(|word| archive(word)));
            }
            for into in into {
                if PARENTS.contains(&into.as_str()) || matches!(into.as_str(), "/" | "/tmp") {
                    parents.push(into.clone());
                } else if PARENTS.iter().any(|parent| paths::within(into, parent)) && is_application(into) {
                    folders.push(into.clone());
                }
            }
        }
    }
    if folders.is_empty() && parents.is_empty() {
        return;
    }
    // The archive's own folder has the name by which the file speaks of it.
    let child = |path: &str| {
        let top = path.get(1..)?.split('/').next().unwrap_or_default();
        if in_root.contains(&top) {
            return Some(paths::join("/", top));
        }
        let parent = parents.iter().find(|parent| PARENTS.contains(&parent.as_str()) && paths::within(path, parent))?;
        let name = paths::relative(path, parent)?.split('/').next().filter(|name| !name.is_empty())?;
        let shared = matches!(name, "bin" | "sbin" | "lib" | "share" | "src" | "etc" | "include" | "man" | "games");
        (!shared && !name.contains(['$', '*', ' ', '{', ':'])).then(|| paths::join(parent, name))
    };
    for unit in &survey.units {
        match unit.instruction.keyword {
            Keyword::Env => {
                for pair in unit.instruction.pairs(survey.model.file.escape) {
                    let Some(value) = pair.value else { continue };
                    // Of a list, every part is known by itself: `$PATH` mostly is not.
                    for part in value.raw.trim_matches(['"', '\'']).split(':') {
                        let part = survey.model.expand(unit.index, part);
                        folders.extend(child(&part.text).filter(|_| part.known));
                    }
                }
            }
            Keyword::Run => {
                let named = survey.steps(unit).iter().filter(|step| step.known).flat_map(|step| step.operands());
                folders.extend(named.filter(|word| word.starts_with('/')).filter_map(child));
            }
            Keyword::Workdir => {
                folders.extend(survey.model.workdir(unit.index + 1).and_then(child));
            }
            Keyword::Copy | Keyword::Add => {
                let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
                folders.extend(to.filter(|to| in_root.iter().any(|name| to.contains(name))).and_then(child));
            }
            _ => {}
        }
    }
    let made: Vec<String> = survey
        .units
        .iter()
        .flat_map(|unit| survey.steps(unit))
        .filter(|step| matches!(step.program(), "rm" | "rmdir") || step.program() == "ln")
        .flat_map(|step| step.operands().last().and_then(|path| step.path(path)))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    for path in folders {
        let name = paths::name(&path);
        // `/opt/nodejs/10.1.0` has its name above.
        let above = name.starts_with(|c: char| c.is_ascii_digit()).then(|| paths::name(paths::parent(&path)));
        let tool = unpacked::is_only_read(above.unwrap_or(name))
            || FILES.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
        if !tool && !made.contains(&path) && !moved.contains(&path) && !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: true, make: false });
        }
    }
}

/// Applications that come whole, from the context or another stage, for a script that can't be read.
pub(super) fn handed_on(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const PARENTS: [&str; 3] = ["/opt", "/srv", "/var/www"];
    if user::unread_script(survey).is_none() {
        return;
    }
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit) else { continue };
        let [source] = copied.sources.as_slice() else { continue };
        let Some(to) = copied.to.as_deref().filter(|to| PARENTS.contains(&paths::parent(to))) else { continue };
        let given = unit.has_owner();
        let name = paths::name(to);
        // The folder itself, and not a file under another name.
        let whole = paths::name(source.trim_end_matches('/')) == name || matches!(source.as_str(), "." | "./");
        let read = name.contains('.') || Words::CodeFolders.has(name) || unpacked::is_only_read(name);
        if whole && !read && !given && !needs.owned(to) && !needs.copies.contains(&at) {
            needs.copies.push(at);
        }
    }
}

/// Folders that a program has set up for itself while the image was built: `app init /data`, and then `app serve /data`.
pub(super) fn prepared(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const VERBS: [&str; 6] = ["init", "create", "setup", "set-up", "format", "bootstrap"];
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| step.kind().is_empty()) {
        for word in step.args().iter().filter(|word| word.starts_with('/') && !paths::name(word).contains(['.', '$'])) {
            let path = paths::join("/", word);
            let sets_up = |built: &Step| {
                built.program() == step.program()
                    && built
                        .args()
                        .iter()
                        .any(|arg| VERBS.iter().any(|verb| arg.trim_start_matches('-').starts_with(verb)))
                    && built.args().iter().any(|arg| built.is_at(arg, &path))
            };
            let place = is_application(&path) || run_folder(&path);
            if place
                && !found.contains(&path)
                && !needs.owned(&path)
                && survey.units.iter().flat_map(|unit| survey.steps(unit)).any(sets_up)
            {
                found.push(path);
            }
        }
    }
    needs.late.extend(found.into_iter().map(|path| Folder { path, recursive: true, make: false }));
}

/// The repositories that the image has cloned, and that are brought up to date when the container starts: Git writes into
/// all of them, and works for their owner alone.
pub(super) fn pulled(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const VERBS: [&str; 9] = ["pull", "fetch", "checkout", "switch", "reset", "merge", "clean", "stash", "submodule"];
    let cloned: Vec<String> = survey
        .all()
        .flat_map(|unit| survey.steps(unit))
        .filter(|step| step.program() == "git")
        .filter_map(|step| match step.effect() {
            Effect::Fetch(folders) => Some(folders),
            _ => None,
        })
        .flatten()
        .cloned()
        .collect();
    for step in survey.runs().filter(|step| step.program() == "git") {
        let mut words = step.args().iter().map(String::as_str);
        let (mut at, mut verb) = (step.cwd.clone(), "");
        while let Some(word) = words.next() {
            match word {
                "-C" => at = words.next().and_then(|folder| step.path(folder)),
                "-c" => {
                    words.next();
                }
                _ if word.starts_with('-') => {}
                _ => {
                    verb = word;
                    break;
                }
            }
        }
        let Some(at) = at.filter(|_| VERBS.contains(&verb)) else { continue };
        let handed = |unit: &Unit<'_>| hands_on_clone(survey, unit, &at) && !unit.has_owner();
        needs.copies.extend(survey.units.iter().rposition(handed).filter(|copy| !needs.copies.contains(copy)));
        let Some(path) = cloned.iter().find(|folder| paths::within(&at, folder) && is_application(folder)) else {
            continue;
        };
        let whole = |folder: &Folder| folder.path == *path && folder.recursive;
        if !needs.early.iter().chain(&needs.late).any(whole) {
            needs.late.retain(|folder| folder.path != *path);
            needs.late.push(Folder { path: path.clone(), recursive: true, make: false });
        }
    }
}

/// Whether a COPY brings the repository that an earlier stage has cloned, in which a command works at `at`.
fn hands_on_clone(survey: &Survey<'_, '_>, unit: &Unit<'_>, at: &str) -> bool {
    let Some((copied, stage)) = survey.copied(unit).zip(survey.copied_from(unit)) else { return false };
    let to = copied.to.as_deref().filter(|to| paths::within(at, to) && is_application(to));
    let clones = |step: &Step| match (step.program(), step.effect()) {
        ("git", Effect::Fetch(folders)) => folders
            .iter()
            .any(|folder| copied.sources.iter().any(|source| paths::within(folder, &paths::join("/", source)))),
        _ => false,
    };
    let mut steps = survey.model.body(stage).filter_map(|(index, _)| survey.model.steps(index)).flatten();
    to.is_some() && steps.any(clones)
}

/// Folders in what the program may write to that the file gives to somebody else, who was to be served by root: who takes
/// root's place has to have them himself.
pub(super) fn given_away(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let name = user.owner.split(':').next().unwrap_or_default();
    let mut found: Vec<Folder> = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        if unit.instruction.keyword != Keyword::Run || !unit.text().contains("chown") {
            continue;
        }
        let copied = |path: &str| {
            let before = needs.copies.iter().filter(|copy| **copy < at).filter_map(|copy| survey.units.get(*copy));
            before.filter_map(|copy| survey.copied(copy)?.to.as_deref()).any(|to| paths::within(path, to))
        };
        for step in survey.steps(unit).iter().filter(|step| step.program() == "chown" && step.known) {
            let mut words = step.operands();
            let owner = words.next().and_then(|owner| owner.split([':', '.']).next()).unwrap_or_default();
            if owner == name || super::super::who::is_root(owner) {
                continue;
            }
            for path in words.filter_map(|word| step.path(word)).filter(|path| paths::plain(path) && copied(path)) {
                let back = given_at(survey, user, &path).is_some_and(|given| given > at);
                let whole = needs.late.iter().any(|late| late.recursive && paths::within(&path, &late.path));
                if is_application(&path) && !path.contains('*') && !back && !whole {
                    found.push(Folder { path, recursive: step.is_recursive(), make: false });
                }
            }
        }
    }
    needs.late.extend(found);
}

/// Folders of programs, into which nobody writes.
pub(super) const PROGRAMS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Parts of the names of folders that a web server writes to.
pub(super) const KEPT: [&str; 9] = ["log", "cache", "tmp", "temp", "run", "data", "upload", "sock", "dav"];

/// Whether a command works in the folder, fills it, takes it away or gives it to somebody.
fn occupies(step: &Step, path: &str) -> bool {
    if step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, path)) {
        return true;
    }
    match step.program() {
        // An empty file is there to be written.
        "mkdir" | "chmod" | "touch" => false,
        // `rm -rf /tmp/*` takes it away with all that is there.
        "rm" if step
            .args()
            .iter()
            .filter_map(|arg| step.path(arg.trim_end_matches("/*")))
            .any(|gone| paths::within(path, &gone)) =>
        {
            true
        }
        "chown" | "chgrp" => step.args().iter().filter_map(|arg| step.path(arg)).any(|named| named == path),
        "cd" | "pushd" => step.args().iter().filter_map(|arg| step.path(arg)).any(|named| paths::within(&named, path)),
        _ => step.argv.iter().skip(1).chain(&step.outputs).any(|word| {
            let word = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
            step.path(word).is_some_and(|named| paths::within(&named, path))
        }),
    }
}

/// Whether the file gives the folder to the user already.
pub(super) fn given(survey: &Survey<'_, '_>, user: &User, path: &str) -> bool {
    given_at(survey, user, path).is_some()
}

/// The last RUN that gives the folder to the user, counted in the stage; the first of the stage for those below it.
pub(super) fn given_at(survey: &Survey<'_, '_>, user: &User, path: &str) -> Option<usize> {
    last_giving(survey, |step| {
        gives(step, user, |given| given == path || step.is_recursive() && paths::within(path, given))
    })
}

/// The last RUN that gives the folder to the user with all that is in it by then.
pub(in crate::catalog::non_root) fn given_whole(survey: &Survey<'_, '_>, user: &User, path: &str) -> Option<usize> {
    last_giving(survey, |step| step.is_recursive() && gives(step, user, |given| paths::within(path, given)))
}

/// The last RUN that gives the folder to the user with all that RUN instructions put into it, where it is there by then.
pub(in crate::catalog::non_root) fn given_filled(survey: &Survey<'_, '_>, user: &User, path: &str) -> Option<usize> {
    let fill = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Run && fills(survey, unit, path);
    let at = match survey.units.iter().rposition(fill) {
        Some(filled) => given_whole(survey, user, path).filter(|at| filled <= *at)?,
        None => given_at(survey, user, path)?,
    };
    let named = |step: &Step| gives(step, user, |given| given == path);
    let steps = survey.units.get(at).map(|unit| survey.steps(unit)).unwrap_or_default();
    let given = steps.iter().rposition(|step| gives(step, user, |given| paths::within(path, given)));
    let makes =
        |step: &Step| step.program() == "mkdir" && step.always && step.operands().any(|arg| step.is_at(arg, path));
    let there = last_giving(survey, named).is_some()
        || exists(survey, path, at)
        || steps.iter().take(given.unwrap_or_default()).any(makes);
    there.then_some(at)
}

/// Whether the file gives the folder to the user by itself, with everything in it if that is wanted, and does nothing behind
/// that which may put anything of root's into it.
pub(super) fn given_already(survey: &Survey<'_, '_>, user: &User, folder: &Folder) -> bool {
    let path = folder.path.as_str();
    let Some(at) = given_filled(survey, user, path) else { return false };
    if folder.recursive && given_whole(survey, user, path).is_none_or(|whole| whole != at) {
        return false;
    }
    survey.units.iter().skip(at + 1).all(|unit| match unit.instruction.keyword {
        Keyword::Run => {
            let steps = survey.steps(unit);
            let settles = |step: &Step| {
                matches!(step.effect(), Effect::Files(_) | Effect::Configure | Effect::Nothing)
                    && step.outputs.is_empty()
            };
            !steps.is_empty() && steps.iter().all(settles)
        }
        Keyword::Copy | Keyword::Add => {
            let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
            unit.has_owner() || to.is_some_and(|to| !paths::within(to, path) && !paths::within(path, to))
        }
        _ => true,
    })
}

/// The last RUN with such a command, counted in the stage; the first of the stage for those below it.
fn last_giving(survey: &Survey<'_, '_>, one: impl Fn(&Step) -> bool) -> Option<usize> {
    let any = |unit: &Unit<'_>| {
        let run = unit.instruction.keyword == Keyword::Run && unit.text().contains("chown");
        run && survey.steps(unit).iter().any(&one)
    };
    let own = survey.units.iter().rposition(any);
    own.or_else(|| survey.below.iter().any(any).then_some(0))
}

/// Whether a command gives such a path to the user.
fn gives(step: &Step, user: &User, which: impl Fn(&str) -> bool) -> bool {
    let name = user.owner.split(':').next().unwrap_or_default();
    let mut words = step.operands();
    step.program() == "chown"
        && step.always
        && words.next().and_then(|owner| owner.split([':', '.']).next()) == Some(name)
        && words.filter_map(|word| step.path(word)).any(|given| which(&given))
}
