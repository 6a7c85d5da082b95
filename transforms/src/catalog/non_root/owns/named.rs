//! Files and folders that settings, scripts and arguments name.

use crate::knowledge::keeps;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::{paths, uv};
use crate::syntax::Keyword;

use super::super::scripts::{self, Write};
use super::super::supervised;
use super::super::survey::Survey;
use super::super::user::{self, User};
use super::super::uses;

use super::folders::only_serves;
use super::made::{PROGRAMS, given, opened};
use super::modes::brought;
use super::process::{self, options};
use super::sources::named_in_sources;
use super::{Folder, Needs, is_application};

/// Variables that name a folder in which programs keep what they write.
fn names_a_folder(name: &str) -> bool {
    // Caches of tools that work while the image is built.
    let build = ["PIP_", "APT_", "COMPOSER_", "POETRY_", "UV_", "CARGO_", "PLAYWRIGHT_", "CYPRESS_", "CCACHE_", "GO"];
    (Words::WrittenVariables.has(name) || Words::WrittenVariableEnds.list().iter().any(|end| name.ends_with(end)))
        && !build.iter().any(|tool| name.starts_with(tool))
}

/// Files that ENV names for the number of a process, or for its log.
fn named_files(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env) {
        if !["PID", "LOG"].iter().any(|word| unit.instruction.args.text.contains(word)) {
            continue;
        }
        for pair in unit.instruction.pairs(survey.model.file.escape) {
            let named = ["PID_FILE", "PIDFILE", "LOG_FILE", "LOGFILE"].iter().any(|end| pair.name.raw.ends_with(end));
            let Some(value) = pair.value.as_ref().filter(|_| named) else { continue };
            let value = survey.model.expand(unit.index, value.raw);
            if value.known && value.text.starts_with('/') && !found.contains(&value.text) {
                found.push(paths::join("/", &value.text));
            }
        }
    }
    found
}

/// Folders that ENV names for what the program writes, or a script that can't be read.
pub(super) fn named(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const SETTINGS: [&str; 4] = ["CONF_DIR", "CONFDIR", "CONFIG_DIR", "CONF_PATH"];
    // Folders below the root that are for nothing else.
    const KEPT: [&str; 9] =
        ["/data", "/uploads", "/upload", "/storage", "/downloads", "/output", "/results", "/cache", "/logs"];
    let (mut found, mut strict): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let unread = user::unread_script(survey).is_some();
    let names = |name: &str| names_a_folder(name) || unread && SETTINGS.iter().any(|end| name.ends_with(end));
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env) {
        for pair in unit.instruction.pairs(survey.model.file.escape) {
            // Whatever it is called: `BASE_DIR=/data`.
            let place = |value: &str| KEPT.contains(&value.trim_matches(['"', '\'']).trim_end_matches('/'));
            let own = |value: &str| is_own_folder(survey, pair.name.raw, value);
            let Some(value) =
                pair.value.as_ref().filter(|value| names(pair.name.raw) || place(value.raw) || own(value.raw))
            else {
                continue;
            };
            let value = survey.model.expand(unit.index, value.raw);
            if value.known && value.text.starts_with('/') && !value.text.contains([':', ' ', '*']) {
                let path = paths::join("/", &value.text);
                if is_application(&path) && !found.contains(&path) && !paths::within(&path, "/root") {
                    // Wine works in no folder that is another's.
                    if pair.name.raw == "WINEPREFIX" {
                        strict.push(path.clone());
                    }
                    found.push(path);
                }
            }
        }
    }
    for path in named_files(survey) {
        let folder = paths::parent(&path).to_owned();
        if is_application(&folder) || run_folder(&folder) {
            if !needs.owned(&folder) {
                needs.late.push(Folder { path: folder, recursive: false, make: true });
            }
        } else if !free(&path) && !needs.files.contains(&path) {
            needs.files.push(path);
        }
    }
    for path in found {
        // A file by its name: `DATA_PATH=/data/app.db`.
        let file = paths::name(&path).trim_start_matches('.').contains('.');
        let path = if file { paths::parent(&path).to_owned() } else { path };
        let recursive = strict.contains(&path);
        if is_application(&path) && !needs.owned(&path) && (recursive || !opened(survey, &path)) {
            needs.late.push(Folder { path, recursive, make: true });
        }
    }
}

/// Whether a variable names a folder directly below the root that a known image does not have and nothing in the file makes
/// or fills: the program makes it, or finds it mounted.
fn is_own_folder(survey: &Survey<'_, '_>, name: &str, value: &str) -> bool {
    let top = value.starts_with('/') && value.matches('/').count() == 1 && paths::plain(value);
    if !top || !["_DIR", "_DIRECTORY", "_FOLDER"].iter().any(|end| name.ends_with(end)) || survey.facts.user.is_none() {
        return false;
    }
    !survey.all().any(|unit| match unit.instruction.keyword {
        Keyword::Run => unit.text().contains(value) || unit.text().contains(name),
        Keyword::Workdir => survey.model.workdir(unit.index + 1).is_some_and(|at| paths::within(at, value)),
        _ => survey.copied(unit).and_then(|copied| copied.to.as_deref()).is_some_and(|to| paths::within(to, value)),
    })
}

/// Places that scripts and sources name when they write.
pub(super) fn written(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let mut folders: Vec<String> = Vec::new();
    let mut files: Vec<String> = Vec::new();
    let mut over: Vec<String> = Vec::new();
    let written = survey.scripts.iter().chain(uses::scripts(survey)).filter_map(|script| script.steps.as_deref());
    let others: Vec<Step> = uses::started(survey).cloned().collect();
    for steps in written.chain([survey.entry.steps.as_slice(), &others]) {
        for write in scripts::writes(steps).0 {
            let (path, file) = match write {
                Write::Folder(path) => (path, false),
                Write::File(path) => (path, true),
                Write::New(path) => match paths::parent(&path) {
                    folder if is_place(folder) => (folder.to_owned(), false),
                    _ => (path, true),
                },
                Write::Entry(path) | Write::Target(path) => (paths::parent(&path).to_owned(), false),
            };
            if free(&path) || system(&path) && !file && !is_place(&path) {
                continue;
            }
            match file {
                true if brought(survey, &path)
                    || survey.read(&path).is_some()
                    || !is_application(paths::parent(&path)) && !run_folder(paths::parent(&path)) =>
                {
                    files.push(path);
                }
                true => {
                    over.push(path.clone());
                    folders.push(paths::parent(&path).to_owned());
                }
                false => folders.push(path),
            }
        }
    }
    for path in over {
        overwritten(survey, &path, needs);
    }
    // The sources of what is only served don't run here.
    if !only_serves(survey, user) {
        let (named, logs) = named_in_sources(survey);
        folders.extend(named);
        files.extend(logs);
    }
    folders.extend(told(survey));
    folders.extend(kept(survey));
    // A socket is made, and so its folder is written to; in `/run` itself too, which is the image's own.
    for path in supervised::sockets(survey).into_iter().chain(process::folders(survey)) {
        if matches!(path.as_str(), "/run" | "/var/run") {
            needs.late.push(Folder { path, recursive: false, make: false });
        } else {
            folders.push(path);
        }
    }
    for path in supervised::files(survey).into_iter().chain(process::files(survey)) {
        let folder = paths::parent(&path).to_owned();
        if free(&path) {
            continue;
        }
        if is_application(&folder) || run_folder(&folder) {
            folders.push(folder);
        } else {
            files.push(path);
        }
    }
    for path in folders {
        let place = is_place(&path);
        if place && !needs.owned(&path) && !given(survey, user, &path) && !makes_itself(survey, needs, &path) {
            needs.late.push(Folder { path, recursive: false, make: true });
        }
    }
    for path in files {
        let ours = needs.owned(&path) || needs.owned(paths::parent(&path)) && !as_roots(survey, needs, &path);
        if needs.files.contains(&path) || ours {
            continue;
        }
        if survey.units.iter().any(|unit| survey.holds(unit, &path)) {
            needs.late.push(Folder { path, recursive: false, make: false });
        } else {
            needs.files.push(path);
        }
    }
}

/// Whether a COPY brings the file as root's, into whosever folder.
fn as_roots(survey: &Survey<'_, '_>, needs: &Needs, path: &str) -> bool {
    let last = survey.units.iter().rposition(|unit| survey.holds(unit, path));
    last.is_some_and(|at| !needs.copies.contains(&at) && survey.units.get(at).is_some_and(|unit| !unit.has_owner()))
}

/// A file that is written anew into a folder that another stage has filled: it may be there already, as root's.
fn overwritten(survey: &Survey<'_, '_>, path: &str, needs: &mut Needs) {
    if needs.owned(path) {
        return;
    }
    let starts = |source: &String| {
        let mut words = survey.entry.steps.iter().flat_map(|step| &step.argv);
        words.any(|word| paths::name(word) == paths::name(source))
    };
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit).filter(|copied| !copied.context) else { continue };
        let filled = copied.to.as_deref().is_some_and(|to| to != "/" && to != path && paths::within(path, to));
        let given = unit.has_owner();
        // A program that is copied into the folder is a file beside it.
        let program = copied.sources.iter().all(starts);
        if filled && !given && !program && survey.copied_from(unit).is_some() && !needs.copies.contains(&at) {
            needs.copies.push(at);
        }
    }
}

/// Whether the program can make a folder by itself: what lies around it is the user's, with all that was copied there, and
/// nothing else has made it before.
fn makes_itself(survey: &Survey<'_, '_>, needs: &Needs, path: &str) -> bool {
    let mut around = needs.early.iter().filter(|folder| folder.path != path && paths::within(path, &folder.path));
    let copied = |folder: &str| {
        let mut copies = survey.units.iter().enumerate().filter_map(|(at, unit)| {
            let to = survey.copied(unit)?.to.as_deref()?;
            (paths::within(path, to) || paths::within(to, path)).then_some((at, to == folder))
        });
        let whole = copies.clone().any(|(at, whole)| whole && needs.copies.contains(&at));
        whole && copies.all(|(at, _)| needs.copies.contains(&at))
    };
    let name = paths::name(path);
    let made = || {
        let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
        runs.any(|unit| unit.text().contains(name))
    };
    around.any(|folder| copied(&folder.path)) && !made()
}

/// The folders that the arguments of what starts name for what it keeps: `--data-dir=/data`, `--log /var/log/x/x.log`.
pub(in crate::catalog::non_root) fn told(survey: &Survey<'_, '_>) -> Vec<String> {
    let keeps = |option: &str| {
        let mut words = option.trim_start_matches('-').split(['-', '_', '.']);
        words.any(|word| {
            Words::KeepingWords.list().iter().any(|keeps| word.eq_ignore_ascii_case(keeps)) || {
                // `--datadir`, `-logpath`
                let stem = word.trim_end_matches("path").trim_end_matches("dir").trim_end_matches("file");
                stem.len() < word.len() && Words::KeepingWords.has(stem)
            }
        })
    };
    let mut found: Vec<String> = Vec::new();
    for step in survey.entry.steps.iter().filter(|step| own_program(step)) {
        for (_, value) in options(step.args()).filter(|(option, value)| keeps(option) && value.starts_with('/')) {
            if value.contains(['$', ':', '*', ' ', ',']) || !step.known {
                continue;
            }
            let path = paths::join("/", value);
            let file = paths::name(&path).trim_start_matches('.').contains('.');
            let path = if file { paths::parent(&path).to_owned() } else { path };
            if is_application(&path) && !free(&path) && !paths::within(&path, "/root") && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// Whether a command is a program that runs, and no tool of the system. What lies in a folder of its own only happens to
/// have the name of one.
pub(super) fn own_program(step: &Step) -> bool {
    let first = step.argv.first().map_or("", String::as_str);
    step.kind().is_empty() || first.contains('/') && !PROGRAMS.contains(&paths::parent(first))
}

/// The folders of the files that what runs writes by itself: its number, its log, its timetable.
pub(super) fn kept(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // What the base image starts by itself is only told what to do: `hugo`, by `CMD ["server"]`.
    let own = survey.facts.entrypoint.filter(|_| survey.entry.entrypoint.is_none());
    for step in survey.runs() {
        let (program, args) = behind_a_runner(step);
        let told = own.map(|program| (program, step.argv.as_slice()));
        for file in told.into_iter().chain([(program, args)]).flat_map(|(program, args)| keeps::files(program, args)) {
            let Some(path) = step.path(file) else { continue };
            let folder = paths::parent(&path);
            if !free(folder) && !paths::within(folder, "/root") && !found.iter().any(|known| known == folder) {
                found.push(folder.to_owned());
            }
        }
    }
    found
}

/// The program that a manager of a project's packages starts, or Python as a module: `bundle exec jekyll serve`.
pub(in crate::catalog::non_root) fn behind_a_runner(step: &Step) -> (&str, &[String]) {
    match (step.program(), step.args()) {
        ("bundle", [verb, program, rest @ ..]) if verb == "exec" => (program, rest),
        ("pipenv" | "poetry" | "uv", [verb, rest @ ..]) if verb == "run" => match uv::behind_options(rest) {
            [program, rest @ ..] => (program, rest),
            [] => (step.program(), step.args()),
        },
        (python, [option, module, rest @ ..]) if python.starts_with("python") && option == "-m" => (module, rest),
        (program, args) => (program, args),
    }
}

/// Whether every user may write there.
pub(in crate::catalog::non_root) fn free(path: &str) -> bool {
    ["/tmp", "/var/tmp", "/dev"].iter().any(|folder| paths::within(path, folder))
}

/// Whether only root can write there, whoever owns what.
pub(super) fn system(path: &str) -> bool {
    !run_folder(path) && Words::ReadOnlyFolders.list().iter().any(|folder| paths::within(path, folder))
}

/// A folder of a program's own under `/run`: it can be made and given away beforehand.
pub(in crate::catalog::non_root) fn run_folder(path: &str) -> bool {
    ["/run", "/var/run"].iter().any(|run| {
        let rest = paths::relative(path, run).filter(|rest| !rest.is_empty());
        rest.is_some_and(|rest| !matches!(rest.split('/').next(), Some("lock" | "sshd" | "systemd" | "user")))
    })
}

/// A folder for the configuration of a program under `/etc`, which is nothing to the rest of the system.
pub(super) fn configuration(path: &str) -> bool {
    let name = paths::relative(path, "/etc").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    !name.is_empty() && !name.contains(".conf") && !Words::SystemSettings.has(name)
}

/// A folder that is a single program's, and can be given away.
fn is_place(path: &str) -> bool {
    let local = paths::relative(path, "/usr/local/etc").is_some_and(|name| !name.is_empty());
    is_application(path) || run_folder(path) || configuration(path) || local
}

/// The place of the system that a script writes to, where it can't be given away.
pub(in crate::catalog::non_root) fn system_place(write: &Write) -> Option<String> {
    let (path, folder) = match write {
        Write::Folder(path) => (path, path.as_str()),
        // A single file can be given away, but for the system's own.
        Write::File(path) | Write::New(path) => {
            let own = ["/proc", "/sys", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/hosts", "/etc/resolv.conf"];
            let own = own.iter().any(|place| paths::within(path, place));
            return own.then(|| path.clone());
        }
        // Nobody else makes or takes away a file of the root folder.
        Write::Entry(path) if paths::parent(path) == "/" => return Some(path.clone()),
        Write::Entry(path) | Write::Target(path) => (path, paths::parent(path)),
    };
    (system(folder) && !free(folder) && !configuration(folder)).then(|| path.clone())
}
