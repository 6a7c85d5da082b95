//! supervisord, as far as its configuration can be read: it starts as any user, where it starts its programs as no other.

use crate::knowledge::releases::Family;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::survey::{Survey, Unit};
use super::{obstacles, owns, refuse};

/// A configuration that the context or the file itself holds.
struct Settings {
    path: String,
    text: String,
}

/// Where it is looked for when nobody names it, as the manual says.
const PLACES: [&str; 4] =
    ["/etc/supervisor/supervisord.conf", "/etc/supervisord.conf", "/usr/etc/supervisord.conf", "/supervisord.conf"];

/// What the package of Debian and Ubuntu brings, of which `supervisord -n` alone is told.
const PACKAGED: (&str, &str) = (
    "/etc/supervisor/supervisord.conf",
    "[unix_http_server]\nfile=/var/run/supervisor.sock\n[supervisord]\n\
     logfile=/var/log/supervisor/supervisord.log\npidfile=/var/run/supervisord.pid\nchildlogdir=/var/log/supervisor\n\
     [include]\nfiles=/etc/supervisor/conf.d/*.conf\n",
);

/// Whether it can start as a user that is not root.
///
/// # Errors
/// A refusal that says what stops it.
pub(super) fn check(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    let unseen = || {
        let text = "supervisord starts several services, and its configuration, which may start them as users of their own, \
                    can't be seen here";
        Err(refuse("supervisor", text, true))
    };
    let Some(settings) = settings(survey, step) else { return unseen() };
    let same = same_user(&settings);
    for one in &settings {
        for (section, key, value) in lines(&one.text) {
            match key {
                "user" if same != Some(value) => {
                    let text = format!("{} starts {section} as {value}, for which it needs root", one.path);
                    return Err(refuse("supervisor", text, true));
                }
                "command" => {
                    if let Some(word) = needs_root(value) {
                        let text = format!("{} starts {section} by {word}, which needs root", one.path);
                        return Err(refuse("supervisor", text, true));
                    }
                }
                // A socket is made, and not written to: its folder has to be the user's.
                "file" if !given(paths::parent(value)) => {
                    let text =
                        format!("{} puts a socket into {}, where only root can write", one.path, paths::parent(value));
                    return Err(refuse("supervisor", text, true));
                }
                "files" if !included(&settings, one, value) => return unseen(),
                _ => {}
            }
        }
    }
    let Some(main) = settings.first() else { return unseen() };
    let says = |wanted: &str| lines(&main.text).any(|(section, key, _)| section == "supervisord" && key == wanted);
    let cwd = step.cwd.as_deref().unwrap_or("/");
    let elsewhere = says("directory") || says("logfile") && says("pidfile");
    if !elsewhere && !owns::is_application(cwd) {
        let text = format!(
            "supervisord writes its log to {cwd}, where only root can write, as {} names no other place",
            main.path
        );
        return Err(refuse("supervisor", text, true));
    }
    Ok(())
}

/// The one user as whom it starts everything: it may be that user itself, as it leaves alone who is it already.
pub(super) fn told(survey: &Survey<'_, '_>) -> Option<String> {
    let step = survey.runs().find(|step| step.program() == "supervisord")?;
    same_user(&settings(survey, step)?).map(str::to_owned)
}

/// The user that is not root and that every program has, or the daemon for all of them.
fn same_user(settings: &[Settings]) -> Option<&str> {
    let all = || settings.iter().flat_map(|one| lines(&one.text));
    let mut users = all().filter(|(_, key, _)| *key == "user").map(|(_, _, value)| value);
    let user = users.next().filter(|user| !obstacles::unfit(user) && !user.contains(['%', '$']))?;
    let whose = |wanted: &str| all().any(|(section, key, _)| section == wanted && key == "user");
    let mut programs = all().filter(|(_, key, _)| *key == "command").map(|(section, ..)| section);
    (users.all(|other| other == user) && (whose("supervisord") || programs.all(whose))).then_some(user)
}

/// The files that it writes, with what it starts.
pub(super) fn files(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| step.program() == "supervisord") {
        for one in settings(survey, step).iter().flatten() {
            for (_, key, value) in lines(&one.text) {
                let writes = matches!(key, "logfile" | "pidfile" | "stdout_logfile" | "stderr_logfile");
                if writes && value.starts_with('/') && !value.contains('%') && !found.iter().any(|known| known == value)
                {
                    found.push(value.to_owned());
                }
            }
        }
    }
    found
}

/// The folders in which it makes sockets.
pub(super) fn sockets(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| step.program() == "supervisord") {
        for one in settings(survey, step).iter().flatten() {
            let files = lines(&one.text).filter(|(_, key, value)| *key == "file" && value.starts_with('/'));
            for folder in files.map(|(_, _, value)| paths::parent(value)).filter(|folder| !owns::free(folder)) {
                if !found.iter().any(|known| known == folder) {
                    found.push(folder.to_owned());
                }
            }
        }
    }
    found
}

/// The programs that it starts, by name.
pub(super) fn programs(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| step.program() == "supervisord") {
        for one in settings(survey, step).iter().flatten() {
            for (_, _, command) in lines(&one.text).filter(|(_, key, _)| *key == "command") {
                let program = command.split_whitespace().next().map(paths::name).unwrap_or_default();
                found.push(program.to_owned());
            }
        }
    }
    found
}

/// Whether a folder can be given away.
fn given(folder: &str) -> bool {
    owns::free(folder)
        || owns::is_application(folder)
        || owns::run_folder(folder)
        || matches!(folder, "/run" | "/var/run")
}

/// The configurations that are read, the first one the main one; `None` where one of them can't be.
fn settings(survey: &Survey<'_, '_>, step: &Step) -> Option<Vec<Settings>> {
    let mut args = step.args().iter();
    let named = loop {
        match args.next().map(String::as_str) {
            Some("-c" | "--configuration") => break step.path(args.next()?),
            Some(arg) => {
                let value = arg.strip_prefix("--configuration=").or_else(|| arg.strip_prefix("-c"));
                if let Some(value) = value.filter(|_| !arg.starts_with("--c") || arg.contains('=')) {
                    break step.path(value);
                }
            }
            None => break None,
        }
    };
    let main = match named {
        Some(path) => path,
        None => {
            let brought = PLACES.iter().find(|path| survey.read(path).is_some());
            (*brought.or_else(|| PLACES.first().filter(|_| packaged(survey)))?).to_owned()
        }
    };
    let read = |path: &str| {
        let text = match survey.read(path) {
            Some(text) => String::from_utf8_lossy(&text).into_owned(),
            None if path == PACKAGED.0 && packaged(survey) => PACKAGED.1.to_owned(),
            None => return None,
        };
        Some(Settings { path: path.to_owned(), text })
    };
    let mut found = vec![read(&main)?];
    // What it may take in lies beside it, or in a folder for that.
    for unit in survey.all().filter(|unit| matches!(unit.instruction.keyword, Keyword::Copy | Keyword::Add)) {
        let Some(copied) = survey.copied(unit) else { continue };
        let Some(to) = copied.to.as_deref() else { continue };
        let there = to == main || paths::within(to, "/etc/supervisor") || paths::within(to, "/etc/supervisor.d");
        if !there || to == main {
            continue;
        }
        for source in &copied.sources {
            if let Some(path) = copied.place(source).filter(|path| *path != main) {
                found.push(read(&path)?);
            }
        }
    }
    Some(found)
}

/// Whether the settings are those of the distribution's package, to which no command of the file adds any.
fn packaged(survey: &Survey<'_, '_>) -> bool {
    let debian = matches!(survey.facts.family, Some(Family::Debian | Family::Ubuntu));
    let runs = || survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    let installs = |unit: &Unit<'_>| obstacles::installs(&unit.text(), "supervisor");
    let changes = |unit: &Unit<'_>| {
        unit.text().contains("/etc/supervisor")
            && !survey.steps(unit).iter().all(|step| {
                let named = |word: &String| word.contains("/etc/supervisor");
                let stays = step.program() == "sed" && step.argv.iter().any(|word| word.contains("nodaemon"));
                step.program() == "mkdir" || stays || !step.argv.iter().chain(&step.outputs).any(named)
            })
    };
    let brought = |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.to.as_deref() == Some(PACKAGED.0));
    debian && runs().any(installs) && !runs().any(changes) && !survey.all().any(brought)
}

/// Whether all that an `[include]` names has been read: a folder of the image may hold more only where nothing else is put
/// into it, which a package does not.
fn included(settings: &[Settings], main: &Settings, value: &str) -> bool {
    value.split_whitespace().all(|pattern| {
        let folder = match paths::parent(pattern) {
            folder if folder.starts_with('/') => folder.to_owned(),
            folder => paths::join(paths::parent(&main.path), folder),
        };
        settings.iter().any(|one| paths::parent(&one.path) == folder)
    })
}

/// `key = value` with the name of the section: `program:web` as `web`.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or_default();
            section = name.strip_prefix("program:").unwrap_or(name);
            return None;
        }
        if line.starts_with([';', '#']) {
            return None;
        }
        let (key, value) = line.split_once('=')?;
        let value = value.split(" ;").next().unwrap_or_default();
        Some((section, key.trim(), value.trim()))
    })
}

/// A word of a command that needs root.
fn needs_root(command: &str) -> Option<String> {
    let captures = obstacles::SCRIPT.as_ref()?.captures(command.as_bytes())?;
    let word = captures.iter().skip(1).flatten().next()?;
    Some(String::from_utf8_lossy(word.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_sections_and_no_comments() {
        let text = "; a comment\n[supervisord]\nnodaemon=true\n\n[program:web]\ncommand = nginx -g x=y ; now\n";
        let found: Vec<_> = lines(text).collect();
        assert_eq!(found, [("supervisord", "nodaemon", "true"), ("web", "command", "nginx -g x=y")]);
    }

    #[test]
    fn commands_that_need_root_are_seen() {
        assert_eq!(needs_root("/usr/sbin/sshd -D").as_deref(), Some("sshd"));
        assert_eq!(needs_root("cron -f").as_deref(), Some("cron"));
        assert_eq!(needs_root("gunicorn app:app"), None);
    }
}
