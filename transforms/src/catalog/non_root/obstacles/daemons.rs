//! Services that root has to start.

use crate::knowledge::services::{self, Service};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::super::images::Start;
use super::super::survey::{Survey, Unit};
use super::super::{refuse, user, who};

/// An image that nobody knows may run, by its name, what a script starts.
pub(super) fn image_named(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let image = survey.model.image(survey.stage).filter(|_| survey.facts.start == Start::Unknown)?.to_string();
    let service = services::of_image(&image)?;
    Some((service.code, format!("{image} has to do with {} by its name: {}", service.name, service.why)))
}

/// A user that the file was for a while, and who is no user for what starts.
///
/// # Errors
/// A refusal where the steps of a service's own user set its data up before root starts it, and where root took the place of
/// a user that nobody here knows.
pub(in crate::catalog::non_root) fn taken_place(survey: &Survey<'_, '_>, root: &who::Root) -> Result<(), Refusal> {
    const OWN: [&str; 9] =
        ["postgres", "mysql", "mongodb", "couchdb", "rabbitmq", "elasticsearch", "neo4j", "cassandra", "oracle"];
    let own = survey.facts.own.as_ref().map(|(name, _)| name.as_str());
    if let Some(before) = root.before.as_deref().filter(|before| OWN.contains(before) && own != Some(*before)) {
        let starts =
            |step: &Step| step.program().starts_with(before) || before == "mysql" && step.program() == "mysqld_safe";
        if !survey.entry.steps.iter().any(starts) {
            let text = format!("{before} sets its data up in the build, and root is there again to start it");
            return Err(refuse("drops-privileges", text, true));
        }
    }
    let unknown = survey.facts.user.is_none() && !survey.facts.plain && survey.entry.is_empty();
    if unknown && root.said.is_some() && root.before.is_none() {
        let image = survey.model.image(survey.stage).map_or_else(|| "the base image".to_owned(), ToString::to_string);
        let text = format!(
            "USER root takes the place of the user of {image}, as whom its start belongs and who can't be seen here"
        );
        return Err(refuse("passed-on", text, true));
    }
    Ok(())
}

/// Several users that the file makes: what root starts goes on as one of them each.
pub(super) fn several_users(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let mut names = user::made_names(survey);
    names.dedup();
    let says = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::User;
    match names.as_slice() {
        [first, second, ..]
            if !survey.all().any(|unit| says(unit) && unit.instruction.args.text.as_ref() != "root") =>
        {
            let text = format!("the file makes the users {first} and {second} for what root starts");
            Some(("drops-privileges", text))
        }
        _ => None,
    }
}

/// A variable with the id of the user that a start script goes on as: `PUID=1000`.
pub(super) fn told_ids(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env).find_map(|unit| {
        unit.instruction.pairs(survey.model.file.escape).iter().find_map(|pair| {
            let name = pair.name.raw.to_ascii_uppercase();
            let id = ["PUID", "PGID", "UID", "GID"].contains(&name.as_str())
                || ["_UID", "_GID", "USER_ID", "GROUP_ID"].iter().any(|end| name.ends_with(end));
            let value = pair.value.as_ref().map(|value| value.raw.trim_matches(['"', '\'']))?;
            let number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            (id && number).then(|| {
                let text = format!("{} tells it the user to go on as", pair.name.raw);
                ("drops-privileges", text)
            })
        })
    })
}

/// A variable with the hours of cron: the start script makes a timetable of it. `CRON_SCHEDULE="0 3 * * *"`
pub(super) fn told_hours(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env).find_map(|unit| {
        unit.instruction.pairs(survey.model.file.escape).iter().find_map(|pair| {
            let name = pair.name.raw.to_ascii_uppercase();
            name.split('_').any(|part| matches!(part, "CRON" | "CROND" | "CRONTAB" | "CRONJOB")).then(|| {
                let text = format!("{} tells it the hours of cron, which needs root", pair.name.raw);
                ("needs-root", text)
            })
        })
    })
}

/// A service whose package is installed, or the tool by which root goes on as another user, as the end of a sentence, with
/// the code that follows.
pub(super) fn package(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    runs.find_map(|unit| {
        let text = unit.text();
        if text.contains("sudo")
            && (text.contains("apk") && installs(&text, "sudo")
                || packages(survey, unit).any(|name| name == "sudo") && !works_by_sudo(survey))
        {
            let text = "sudo is installed, by which root goes on as another user";
            return Some(("drops-privileges", text.to_owned()));
        }
        package_of(survey, unit)
    })
}

/// A service whose package is installed, in the same way.
pub(super) fn package_but_sudo(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    runs.find_map(|unit| package_of(survey, unit))
}

/// A tool of root's whose package the shipped stage installs: the program that starts may call it.
pub(super) fn tools_of_root(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if survey.entry.steps.is_empty() || only_a_shell(survey) {
        return Ok(());
    }
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    match runs.find_map(|unit| service(survey, unit, services::of_called)) {
        Some((code, text)) => Err(refuse(code, text, true)),
        None => Ok(()),
    }
}

/// A service whose package a RUN installs.
fn package_of(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<(&'static str, String)> {
    let found = service(survey, unit, services::of_package).or_else(|| named_service(survey, unit));
    found.or_else(|| supervisor_of_python(survey, unit))
}

/// Whether the file itself uses sudo, or lets somebody use it: then it is not there for what starts.
fn works_by_sudo(survey: &Survey<'_, '_>) -> bool {
    let file = survey.model.file.source;
    ["NOPASSWD", "sudoers", "sudo -"].iter().any(|mark| memchr::memmem::find(file, mark.as_bytes()).is_some())
        || survey.all().flat_map(|unit| survey.steps(unit)).any(|step| step.program() == "sudo")
        || survey.all().any(|unit| unit.text().contains("sudo apt") || unit.text().contains("sudo npm"))
}

/// The first service among the packages that a RUN installs, with the code that follows.
pub(super) fn service(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    known: fn(&str) -> Option<Service>,
) -> Option<(&'static str, String)> {
    let said = |service: Service| (service.code, format!("{} is installed: {}", service.name, service.why));
    if survey.steps(unit).is_empty() {
        // A text that can't be read is searched for the words.
        return installed(&unit.text()).find_map(known).map(said);
    }
    packages(survey, unit).find_map(known).map(said)
}

/// The packages of the distribution that the commands of a RUN install, without their versions.
pub(super) fn packages<'s>(survey: &'s Survey<'_, '_>, unit: &Unit<'_>) -> impl Iterator<Item = &'s str> {
    let installs = |step: &&Step| {
        let takes_out = |arg: &String| {
            matches!(arg.as_str(), "remove" | "purge" | "autoremove" | "del" | "erase" | "build-dep" | "-R" | "-Rs")
        };
        Words::PackageManagers.has(step.program()) && !step.args().iter().any(takes_out)
    };
    let words = survey.steps(unit).iter().filter(installs).flat_map(|step| step.args().iter());
    let names = words.filter(|word| !word.starts_with('-'));
    names.map(|word| word.split(['=', '>', '<', '~', '@', '/']).next().unwrap_or_default())
}

/// A supervisor that is installed as a package of Python's.
fn supervisor_of_python(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<(&'static str, String)> {
    let installers = survey.steps(unit).iter().filter(|step| {
        matches!(step.program(), "pip" | "pip2" | "pip3" | "easy_install")
            && !step.args().iter().any(|arg| arg == "uninstall")
    });
    let name = |word: &String| word.split(['=', '>', '<', '~']).next().unwrap_or_default().to_owned();
    let mut words = installers.flat_map(|step| step.args().iter().map(name));
    let name = words.find(|name| matches!(name.as_str(), "supervisor" | "circus"))?;
    Some(("supervisor", format!("{name} is installed: it starts several services, mostly as users of their own")))
}

/// A package that says by its name that it is a service, which nobody here knows more of.
fn named_service(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<(&'static str, String)> {
    let service = |name: &&str| {
        let ends = ["-server", "-daemon"].iter().any(|end| name.ends_with(end)) || name.contains("-server-");
        ends && !["vnc", "-dev", "-dbg", "-doc", "xserver", "postgresql-server-dev"]
            .iter()
            .any(|other| name.contains(other))
    };
    let name = packages(survey, unit).find(service)?;
    let text = format!("{name} is installed: packages of services start them as root, to go on as users of their own");
    Some(("drops-privileges", text))
}

/// Whether nothing starts that the file names but a shell.
pub(in crate::catalog::non_root) fn only_a_shell(survey: &Survey<'_, '_>) -> bool {
    let shell = |step: &Step| {
        matches!(step.program(), "sh" | "bash" | "ash" | "zsh") && step.args().iter().all(|arg| arg.starts_with('-'))
    };
    survey.entry.steps.iter().all(shell) && (!survey.entry.is_empty() || survey.facts.ports.is_empty())
}

/// An image that starts nothing of its own, but a shell, and has a service or a tool that needs root: people call it, or
/// images built on this one start it.
pub(super) fn tools(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if !only_a_shell(survey) {
        return Ok(());
    }
    // Stack keeps the compiler that it fetches, and itself, in the home of who runs it.
    let kept = |step: &&Step| step.program() == "stack" && matches!(step.subcommand(), Some("setup" | "upgrade"));
    let elsewhere = memchr::memmem::find(survey.model.file.source, b"STACK_ROOT").is_some();
    if let Some(step) = survey.all().flat_map(|unit| survey.steps(unit)).find(kept).filter(|_| !elsewhere) {
        let verb = step.subcommand().unwrap_or_default();
        let text = format!("`stack {verb}` puts into root's home what is there for whoever works in the image");
        return Err(refuse("needs-root", text, true));
    }
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    let found = runs.find_map(|unit| {
        let started = || {
            let name = survey.steps(unit).iter().find_map(service_started)?;
            Some(("init-system", format!("the build starts the service {name}, as only root can")))
        };
        service(survey, unit, services::of_tool).or_else(started)
    });
    match found {
        Some((code, text)) => Err(refuse(code, format!("nothing is started but what people call, and {text}"), true)),
        None => Ok(()),
    }
}

/// The first package installed whose name holds these letters.
pub(in crate::catalog::non_root) fn installed_like(survey: &Survey<'_, '_>, letters: &str) -> Option<String> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run).find_map(|unit| {
        let text = unit.text();
        let found = installed(&text).find(|name| name.contains(letters) && !name.contains(['/', '$', '*']));
        found.map(str::to_owned)
    })
}

/// What the image is given and what it announces, where what starts can't be seen: as the end of a sentence, with the code
/// that follows.
pub(super) fn hint(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    given_for(survey).or_else(|| announced(survey))
}

/// The port of a service that the image announces.
pub(super) fn announced(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Expose).find_map(|unit| {
        unit.instruction.words().iter().find_map(|word| {
            let word = survey.model.expand(unit.index, word.raw);
            let port = word.text.rsplit(':').next().unwrap_or_default().to_owned();
            let service = services::of_port(&port)?;
            Some((service.code, format!("port {port} is announced: {}", service.why)))
        })
    })
}

/// What the image is given for a service.
pub(super) fn given_for(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let told = |path: &str| {
        let name = paths::name(path);
        let supervisor = name.starts_with("supervisor") && (name.ends_with(".conf") || name.ends_with(".ini"));
        services::of_place(if supervisor { "/etc/supervisor" } else { path })
    };
    survey.all().find_map(|unit| match unit.instruction.keyword {
        Keyword::Copy | Keyword::Add => {
            let copied = survey.copied(unit)?;
            let to = copied.to.as_deref()?;
            let files = || copied.sources.iter().map(|source| paths::join(to, paths::name(source)));
            let place = told(to).or_else(|| files().find_map(|path| told(&path)))?;
            Some((place.code, format!("it is given {}", place.why)))
        }
        Keyword::Run => survey.steps(unit).iter().find_map(|step| {
            if step.program() == "crontab" {
                return Some(("needs-root", "it is given a timetable of cron, which needs root".to_owned()));
            }
            if let Some(name) = service_started(step) {
                let text = format!(
                    "the build starts the service {name}, or stops it, as only root can, and it is there for that"
                );
                return Some(("init-system", text));
            }
            if let Some(service) = services::of_build(step.program()) {
                return Some((service.code, format!("the build calls {}: {}", service.name, service.why)));
            }
            let path = step.outputs.iter().filter_map(|output| step.path(output)).find(|path| told(path).is_some())?;
            told(&path).map(|place| (place.code, format!("it is given {}", place.why)))
        }),
        Keyword::Volume => unit.instruction.words().iter().find_map(|word| {
            let path = survey.model.expand(unit.index, word.raw);
            let place = told(&path.text)?;
            Some((place.code, format!("it keeps {}", place.why)))
        }),
        _ => None,
    })
}

/// The system service that a command of the build starts: `service mysql start`, `/etc/init.d/mysql start`.
fn service_started(step: &Step) -> Option<&str> {
    let args = step.args();
    let first = args.first().map_or("", String::as_str);
    let verb = args.get(1).map_or("", String::as_str);
    // What the build stops, a package had started, as it does where it is.
    let starts = |verb: &str| matches!(verb, "start" | "restart" | "stop");
    match step.program() {
        "service" | "invoke-rc.d" | "rc-service" if starts(verb) => Some(first),
        "systemctl" if starts(first) || first == "enable" => Some(verb.trim_end_matches(".service")),
        name if starts(first) && step.argv.first()?.contains("/init.d/") => Some(name),
        _ => None,
    }
    .filter(|name| !name.is_empty() && !name.contains(['$', '*']))
}

/// Whether a RUN installs a package of this name.
pub(in crate::catalog::non_root) fn installs(text: &str, package: &str) -> bool {
    text.contains(package) && installed(text).any(|name| name == package)
}

/// Whether a RUN installs a package whose name begins so.
pub(in crate::catalog::non_root) fn installs_like(text: &str, head: &str) -> bool {
    text.contains(head) && installed(text).any(|name| name.starts_with(head))
}

/// The words of a RUN that installs packages, without the versions behind them.
fn installed(text: &str) -> impl Iterator<Item = &str> {
    let manager = ["install", "apk add", "apk --", "-S "].iter().any(|verb| text.contains(verb));
    let words = text.split_whitespace().take_while(move |_| manager);
    words.map(|word| word.split('=').next().unwrap_or_default())
}
