//! The program that is started.

use crate::knowledge::services::{self};
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::super::survey::{Survey, Unit};
use super::super::{owns, refuse, supervised, user, who};

use super::daemons::packages;
use super::script::called;

/// Where the distribution's own programs lie.
pub(super) const PROGRAMS: [&str; 9] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/lib/systemd",
    "/usr/lib/systemd",
    "/etc/init.d",
];

/// Whether a program lies where the distribution's own do, and the file does not bring it there. A folder for the system's
/// programs, `sbin`, may lie anywhere.
pub(super) fn of_distribution(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let shown = step.argv.first().map_or("", String::as_str);
    let brought = |path: &str| survey.units.iter().any(|unit| brings_its_own(survey, unit, path));
    let systems = |folder: &str| PROGRAMS.contains(&folder) || paths::name(folder) == "sbin";
    if !shown.contains('/') {
        return !PROGRAMS.iter().any(|folder| brought(&paths::join(folder, shown)));
    }
    step.path(shown).is_some_and(|path| systems(paths::parent(&path)) && !brought(&path))
}

/// Whether a program that the project brings is called as start scripts are: `init`, `boot` and `start` are tools elsewhere.
fn own_script(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let shown = step.argv.first().map_or("", String::as_str);
    let projects = |path: String| {
        let mut units = survey.units.iter();
        units.any(|unit| survey.copied(unit).is_some_and(|copied| copied.context) && survey.brings(unit, &path))
    };
    called(step.program())
        && services::of_program(step.program()).is_none()
        && match shown.contains('/') {
            true => step.path(shown).is_some_and(projects),
            false => PROGRAMS.iter().map(|folder| paths::join(folder, shown)).any(projects),
        }
}

/// A program that is started.
pub(super) fn program(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    let program = step.program();
    let shown = step.argv.first().map_or("", String::as_str);
    // What lies in a folder of its own, or is brought by the file, only happens to have such a name.
    let own = shown != "/init" && (shown.contains('/') && !of_distribution(survey, step) || own_script(survey, step));
    let program = if own && !shown.contains("/init.d/") { "" } else { program };
    // `/usr/lib/postfix/sbin/master`: a package keeps its programs in a folder of its own there.
    let package =
        ["/usr/lib/", "/usr/libexec/"].iter().find_map(|folder| shown.strip_prefix(folder)?.split('/').next());
    if let Some(service) = package.and_then(services::of_program) {
        return Err(refuse(service.code, format!("{shown} is started: {}", service.why), true));
    }
    let args = step.args();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    let first = args.iter().map(String::as_str).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    match program {
        "gosu" | "su-exec" | "setpriv" | "runuser" | "chpst" | "setuidgid" | "s6-setuidgid" | "s6-applyuidgid"
        | "su" | "suexec" | "start-stop-daemon" => {
            let text = format!("{shown} needs root to start the program as another user");
            Err(refuse("drops-privileges", text, true))
        }
        "confd" | "consul-template" => {
            let text = format!("{shown} writes configuration wherever its templates say, which is root's mostly");
            Err(refuse("needs-root", text, true))
        }
        // Node's tool of this name starts a script again when it changes.
        "supervisor" if survey.facts.language == Some("node") => Ok(()),
        "supervisord" => supervised::check(survey, step),
        "supervisor" | "supervisorctl" | "supervise" | "circusd" | "monit" | "chaperone" => {
            Err(refuse("supervisor", format!("{shown} starts several services, each as a user of its own"), true))
        }
        "init" | "s6-svscan" | "my_init" | "runsvdir" | "runsvdir-start" | "runit" | "runit-init" | "systemd"
        | "svscan" | "upstart" | "start_runit" => {
            Err(refuse("init-system", format!("{shown} is an init system, which starts services as root"), true))
        }
        "service" | "systemctl" | "rc-service" | "invoke-rc.d" | "initctl" | "start" | "rc" | "openrc" => {
            if program == "start" && first.is_empty() {
                return Ok(());
            }
            Err(refuse("init-system", format!("{shown} starts a system service, which root has to do"), true))
        }
        _ if shown.contains("/init.d/") => {
            Err(refuse("init-system", format!("{shown} starts a system service, which root has to do"), true))
        }
        "apt-get" | "apt" | "apk" | "yum" | "dnf" | "microdnf" | "zypper" | "pacman" | "dpkg" | "rpm" => Err(refuse(
            "package-manager-at-start",
            format!("{shown} installs packages when the container starts"),
            true,
        )),
        "npm" | "yarn" if (has("-g") || has("--global")) && (has("install") || has("i") || has("add")) => Err(refuse(
            "package-manager-at-start",
            format!("{shown} installs packages when the container starts"),
            true,
        )),
        "chown" | "useradd" | "adduser" | "usermod" | "groupmod" | "chroot" | "ldconfig" | "update-ca-certificates" => {
            Err(refuse("needs-root", format!("{shown} at the start of the container needs root"), true))
        }
        "apache2ctl" | "apachectl" | "nginx" | "httpd" => Ok(()),
        _ => {
            // What an image is made for, it lets start as its own user.
            let image = paths::name(&survey.facts.key);
            let made = survey.facts.user.is_some() && !image.is_empty() && program.starts_with(image);
            if let Some(service) = services::of_program(program).filter(|_| !made) {
                return Err(refuse(service.code, format!("{shown} is started: {}", service.why), true));
            }
            if let Some((option, user)) = told_user(survey, step) {
                let text = format!("{shown} goes on as {user} by itself ({option}), for which it starts as root");
                return Err(refuse("drops-privileges", text, true));
            }
            match args.iter().find_map(|arg| by_argument(arg)) {
                Some((code, text)) => Err(refuse(code, text, true)),
                None => Ok(()),
            }
        }
    }
}

/// Whether a COPY brings a program that is no package's: one that lies at the same place in another image is that image's.
fn brings_its_own(survey: &Survey<'_, '_>, unit: &Unit<'_>, path: &str) -> bool {
    let same = |copied: &Copied| !copied.context && copied.sources.iter().any(|source| source == path);
    survey.brings(unit, path) && !survey.copied(unit).is_some_and(same)
}

/// The option that tells a program, as which user it is to go on, and that user: some give up where they may not become it.
fn told_user<'s>(survey: &Survey<'_, '_>, step: &'s Step) -> Option<(&'s str, &'s str)> {
    // By their manuals, these heed the option where they start as root, and go on without it.
    const HEED: [&str; 6] = ["mariadbd", "memcached", "mysqld", "mysqld_safe", "rspamd", "uwsgi"];
    // Whom every distribution has.
    const USUAL: [&str; 6] = ["bin", "daemon", "games", "mail", "nobody", "www-data"];
    // What these are told is for what comes behind them.
    const HAND_ON: [&str; 4] = ["catatonit", "dumb-init", "tini", "tini-static"];
    let program = step.program();
    if !step.kind().is_empty() || HEED.contains(&program) || HAND_ON.contains(&program) || called(program) {
        return None;
    }
    let named = |option: &str| matches!(option, "-u" | "--user" | "--uid" | "--setuid" | "--chuid");
    let args = step.args();
    let joined = args.iter().filter_map(|arg| arg.split_once('=').filter(|(option, _)| option.starts_with("--")));
    let apart = args.windows(2).filter_map(|pair| match pair {
        [option, value] => Some((option.as_str(), value.as_str())),
        _ => None,
    });
    // A name may be that of an account somewhere else.
    let user = |name: &str| {
        USUAL.contains(&name)
            || name.trim_start_matches('_') == program
            || survey.facts.own.as_ref().is_some_and(|(own, _)| own == name)
            || user::known(survey, program).and_then(|server| server.user()).is_some_and(|(own, _)| own == name)
            || user::made_names(survey).iter().any(|made| made == name)
            || packages_of(survey).any(|package| package == name)
    };
    joined.chain(apart).find(|(option, value)| named(option) && !who::is_root(value) && user(value))
}

/// The packages of the distribution that the file installs.
fn packages_of<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = &'s str> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run).flat_map(|unit| packages(survey, unit))
}

/// A command handed on as a word: `dumb-init -- /usr/sbin/sshd -D`, `tini /usr/bin/supervisord`.
fn by_argument(arg: &str) -> Option<(&'static str, String)> {
    let name = arg.starts_with('/').then(|| paths::name(arg))?;
    if let Some(service) = services::of_program(name).filter(|_| PROGRAMS.contains(&paths::parent(arg))) {
        return Some((service.code, format!("{name} is started too: {}", service.why)));
    }
    let known = [
        "supervisord",
        "sshd",
        "crond",
        "cron",
        "my_init",
        "gosu",
        "su-exec",
        "dockerd",
        "s6-svscan",
        "runsvdir",
        "systemd",
    ]
    .contains(&name);
    known.then(|| ("needs-root", format!("{name} is started too, and needs root")))
}

/// Whether a command is a build tool that works: it writes among the sources, and into caches of the home.
pub(in crate::catalog::non_root) fn builds(step: &Step) -> bool {
    let verb = step.subcommand().unwrap_or_default();
    let shown = step.argv.first().map_or("", String::as_str);
    // What only happens to have such a name lies in a folder of its own.
    let wrapper = matches!(step.program(), "gradlew" | "mvnw" | "sbt" | "activator" | "mill");
    let own = shown.contains('/')
        && !wrapper
        && step.path(shown).is_none_or(|path| !PROGRAMS.contains(&paths::parent(&path)));
    let works = match step.kind() {
        "jvm" | "swift" | "make" => true,
        // Diesel writes the schema among the sources.
        "rust" => matches!(verb, "run" | "build" | "test" | "watch" | "migration" | "setup"),
        "dotnet" => matches!(verb, "run" | "watch" | "build" | "test" | "ef" | "publish" | "restore"),
        "go" => matches!(verb, "run" | "build" | "test" | "get" | "install"),
        "compile" => matches!(step.program(), "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++"),
        // `dart run` keeps what it has worked out of the packages beside them.
        "dart" => verb == "run",
        // Meteor builds before it starts the project, and starts it again when it changes.
        "" => step.program() == "meteor" && matches!(verb, "" | "run" | "test"),
        "compiled" => match step.program() {
            "zig" | "nimble" | "shards" | "dub" => matches!(verb, "run" | "build" | "test"),
            "crystal" => matches!(verb, "run" | "build" | "spec"),
            "nim" => matches!(verb, "c" | "cpp" | "r" | "compile"),
            _ => false,
        },
        _ => false,
    };
    works && !own && !step.args().iter().any(|arg| arg == "--version")
}

/// A build tool that works when the container starts, where it could not write.
pub(super) fn compiles(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    let shown = || step.argv.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
    // Mix writes what it compiles beside the project, and nobody but root may make folders in `/`.
    let bound = step.program() == "mix" && step.cwd.as_deref().is_none_or(|cwd| cwd == "/");
    // What an image that nobody knows has installed of Hex lies in root's home.
    let hex = || {
        let mut built = survey.all().flat_map(|unit| survey.steps(unit));
        built.any(|step| step.program() == "mix" && step.subcommand().is_some_and(|verb| verb.starts_with("local.")))
    };
    let bound = bound || step.program() == "mix" && survey.facts.user.is_none() && !hex();
    // Stack and Cabal work with what they have put into root's home, and ask whose it is.
    let bound = bound || step.kind() == "haskell" && !step.args().iter().any(|arg| arg == "--version");
    if !bound && (!builds(step) || own_script(survey, step)) {
        return Ok(());
    }
    let folder = step.cwd.as_deref().filter(|cwd| owns::is_application(cwd) && !paths::within(cwd, "/root"));
    let Some(folder) = folder.filter(|_| !bound) else {
        let text = format!(
            "`{}` builds when the container starts, among root's files; build in the image, and start the result",
            shown()
        );
        return Err(refuse("toolchain-at-run-time", text, true));
    };
    // What is mounted is not the image's to give away.
    if !owns::holds_project(survey, folder) {
        let text = format!("`{}` builds what is mounted at {folder}, and only its owner may write there", shown());
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}
