//! The script that is started.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::knowledge::servers;
use crate::knowledge::services::{self};
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::super::images::Start;
use super::super::scripts::{self, Script};
use super::super::survey::{Survey, Unit};
use super::super::{owns, refuse, user};

use super::daemons::{announced, given_for, hint, image_named, package, several_users, told_hours, told_ids};
use super::pattern;
use super::program::PROGRAMS;

/// Tools that step down from root, or start services as others.
pub(super) static SWITCHES: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"gosu|su-exec|entrypoint-demoter|s6-overlay"));

/// Programs that a start script runs and that need root, or that give root up.
pub(in crate::catalog::non_root) static SCRIPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?m)^[^#\n]*?(?:^|[\s;&|(`/])(?:(?P<drop>gosu|su-exec|setpriv|runuser|chpst|setuidgid|s6-setuidgid|suexec|su|usermod|groupmod|useradd|adduser)|(?P<init>supervisord|s6-svscan|runsvdir|my_init|systemctl|initctl|rc-service|service|init\.d/[\w-]+)|(?P<own>chown)|(?P<package>apt-get|apk\s+add|yum|dnf|microdnf)|(?P<daemon>sshd|crond?|iptables|ip6tables|sysctl|mount|mknod|modprobe|dockerd|rsyslogd|openvpn|dnsmasq|ldconfig|update-ca-certificates))(?:[\s;&|)]|$)",
    )
});

/// What a script says on its output, in one text that no command is in.
static SAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r#"\b(?:echo|printf)(?:[ \t]+-[a-zA-Z]+)*[ \t]+(?:"(?:[^"`$\\\n]|\\[^\n]|\$[^("\n])*"|'[^'\n]*')"#)
});

/// The text of a script without what it says: `echo "Starting the service now"` starts none. What is written somewhere, or
/// given to another command, is no such text.
fn without_words(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(says) = SAYS.as_ref().filter(|says| says.is_match(text)) else { return Cow::Borrowed(text) };
    let mut kept = Vec::with_capacity(text.len());
    let mut from = 0;
    for said in says.find_iter(text) {
        let rest = text.get(said.end()..).unwrap_or_default();
        let rest = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
        if rest.starts_with(b">&") || !rest.starts_with(b">") && !rest.starts_with(b"|") || rest.starts_with(b"||") {
            kept.extend_from_slice(text.get(from..said.start()).unwrap_or_default());
            kept.extend_from_slice(b"echo");
            from = said.end();
        }
    }
    kept.extend_from_slice(text.get(from..).unwrap_or_default());
    Cow::Owned(kept)
}

/// A start script that the context holds, or that the file writes.
pub(super) fn script(script: &Script) -> Result<(), Refusal> {
    let path = &script.path;
    let mut found: [Option<String>; 5] = Default::default();
    let text = without_words(&script.text);
    for captures in SCRIPT.iter().flat_map(|pattern| pattern.captures_iter(&text)) {
        for (slot, group) in found.iter_mut().zip(["drop", "init", "package", "daemon", "own"]) {
            // What a script that is understood gives to supervisord is looked at there.
            let seen = |word: &[u8]| word == b"supervisord" && script.steps.is_some();
            if let Some(word) = captures.name(group).filter(|word| slot.is_none() && !seen(word.as_bytes())) {
                *slot = Some(String::from_utf8_lossy(word.as_bytes()).into_owned());
            }
        }
    }
    match found {
        [Some(word), ..] => {
            let text = format!("{path} starts as root and goes on as another user ({word})");
            return Err(refuse("drops-privileges", text, true));
        }
        [_, Some(word), ..] => {
            return Err(refuse("init-system", format!("{path} starts system services ({word})"), true));
        }
        [_, _, Some(word), ..] => {
            let text = format!("{path} installs packages when the container starts ({word})");
            return Err(refuse("package-manager-at-start", text, true));
        }
        [_, _, _, Some(word), _] => {
            return Err(refuse("needs-root", format!("{path} runs {word}, which needs root"), true));
        }
        [.., Some(_)] => {
            return Err(refuse("needs-root", format!("{path} changes owners when the container starts"), true));
        }
        _ => {}
    }
    let steps = script.steps.as_deref().unwrap_or_default();
    match scripts::writes(steps).0.iter().find_map(owns::system_place) {
        Some(place) => Err(refuse("needs-root", format!("{path} writes {place} when the container starts"), true)),
        None => Ok(()),
    }
}

/// The start script that a step starts, by its name or because a shell is to read it.
pub(in crate::catalog::non_root) fn script_of(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let path = scripts::started(step)?;
    let name = paths::name(&path);
    const CALLED: [&str; 7] = ["entrypoint", "docker-", "run", "start", "boot", "init", "launch"];
    let begins = |part: &str| CALLED.iter().any(|word| part.starts_with(word));
    let called = begins(name) || name.split(['-', '_']).any(begins);
    let copied =
        |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.context) && survey.brings(unit, &path);
    let interpreted = matches!(step.program(), "sh" | "bash" | "ash" | "dash")
        && step.args().first().is_some_and(|arg| arg.starts_with('/') || arg.contains('.') && !arg.contains(' '));
    // `COPY bin/ /usr/local/bin/` and then a bare name: it comes from there, where nothing else is known to bring it.
    let among = || {
        let first = step.argv.first().is_some_and(|first| !first.contains(['/', '.', '$']));
        first
            && step.kind().is_empty()
            && servers::server(name, &survey.facts.key, survey.facts.family).is_none()
            && services::of_program(name).is_none()
            && name.contains('-')
            && survey.units.iter().filter_map(|unit| survey.copied(unit)).any(|copied| {
                let into = copied.to.as_deref().is_some_and(|to| to == "/" || PROGRAMS.contains(&to));
                copied.context
                    && into
                    && copied.folder
                    && copied.sources.iter().any(|source| {
                        let last = paths::name(source.trim_end_matches('/'));
                        !last.contains('.') || source.ends_with('*')
                    })
            })
    };
    let is_script = path.ends_with(".sh")
        || path.ends_with(".bash")
        || among()
        || interpreted
        || matches!(name, "entrypoint" | "docker-entrypoint" | "run" | "start" | "startup" | "boot" | "init")
        || called && !name.contains('.') && survey.units.iter().any(copied);
    (is_script || step.argv.len() == 1 && path.contains("entrypoint")).then_some(path)
}

/// A program of the file's own that can't be read: one that COPY brings, or a start script in whatever language.
fn own_program(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let program = step.program();
    let interpreted = ["python", "ruby", "perl", "php", "node", "lua", "tclsh", "expect", "awk", "pwsh"];
    if interpreted.iter().any(|known| program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') == *known) {
        let script = step.args().iter().find(|arg| !arg.starts_with('-'))?;
        return called(paths::name(script)).then(|| step.path(script)).flatten();
    }
    let server = servers::server(program, &survey.facts.key, survey.facts.family);
    if server.is_some() || !step.kind().is_empty() {
        return None;
    }
    let first = step.argv.first()?;
    let brought = |path: &String| survey.units.iter().any(|unit| survey.brings(unit, path));
    if first.contains('/') {
        let script = [".py", ".rb", ".pl", ".php", ".js", ".awk", ".bash", ".run", ".exp"];
        let named = called(program);
        let script = script.iter().any(|end| program.ends_with(end));
        let system = |path: &str| matches!(paths::parent(path), "/bin" | "/sbin" | "/usr/bin" | "/usr/sbin");
        return step.path(first).filter(|path| script || brought(path) || named && !system(path));
    }
    let found = PROGRAMS.iter().map(|folder| paths::join(folder, first)).find(brought);
    found.or_else(|| called(program).then(|| program.to_owned()))
}

/// Whether a start script is called an installer: what it puts into place goes where only root can write.
fn installer(name: &str) -> bool {
    name.split(['-', '_', '.']).any(|part| matches!(part, "install" | "installer"))
}

/// Whether a file is called as start scripts are.
pub(super) fn called(name: &str) -> bool {
    const CALLED: [&str; 9] = ["entrypoint", "docker-", "run", "start", "boot", "init", "launch", "setup", "cmd"];
    let begins = |part: &str| CALLED.iter().any(|word| part.starts_with(word));
    begins(name) || name.split(['-', '_', '.']).any(begins)
}

/// A start script that can't be read: what the image was given says what it is for.
pub(super) fn unread(survey: &Survey<'_, '_>, step: &Step, path: &str) -> Result<(), Refusal> {
    let brought = || survey.units.iter().any(|unit| survey.brings(unit, path));
    let own = step.kind().is_empty() || matches!(step.program(), "sh" | "bash" | "ash" | "dash");
    if own && installer(paths::name(path)) && (path.ends_with(".sh") || brought()) {
        let text = format!(
            "{path}, which can't be seen here, is an installer by its name, and installs when the container starts"
        );
        return Err(refuse("needs-root", text, true));
    }
    if script_of(survey, step).is_none() {
        let Some(program) = own_program(survey, step) else { return Ok(()) };
        // A program may listen on such a port without being the service that usually does.
        let script = called(step.program());
        let named = || announced(survey).or_else(|| image_named(survey)).filter(|_| script);
        return match given_for(survey).or_else(|| package(survey)).or_else(named) {
            Some((code, hint)) => Err(refuse(code, format!("{program} can't be seen here, and {hint}"), true)),
            None => Ok(()),
        };
    }
    let switched = || {
        let made = user::unused(survey)?;
        let says = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::User;
        if survey.all().any(|unit| says(unit) && unit.instruction.args.text.contains(&made.name)) {
            return None;
        }
        let text = format!("the file makes the user {} and never switches to it, so the script does", made.name);
        Some(("drops-privileges", text))
    };
    // Who replaces the entrypoint of an image that steps down does so too.
    let base = || {
        let key = &survey.facts.key;
        match survey.facts.start {
            Start::Drops | Start::Either => {
                Some(("drops-privileges", format!("{key} starts as root and goes on as a user of its own")))
            }
            // One that only brings an init for others says nothing of what they start.
            Start::Needs if !survey.facts.ports.is_empty() => {
                Some(("needs-root", format!("what {key} starts needs root")))
            }
            _ => None,
        }
    };
    let found = hint(survey).or_else(|| package(survey)).or_else(switched);
    // `/certbot/run.sh`: a folder of its own says what is started there.
    let folder = || {
        let service =
            services::of_tool(paths::name(paths::parent(path))).filter(|service| service.code == "needs-root")?;
        Some((service.code, format!("it lies in the folder of {}: {}", service.name, service.why)))
    };
    let found = found
        .or_else(|| several_users(survey))
        .or_else(|| told_ids(survey))
        .or_else(|| told_hours(survey))
        .or_else(folder);
    match found.or_else(base).or_else(|| image_named(survey)) {
        Some((code, hint)) => {
            Err(refuse(code, format!("the start script {path} can't be seen here, and {hint}"), true))
        }
        None => Ok(()),
    }
}
