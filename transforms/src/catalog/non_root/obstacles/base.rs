//! What the base image starts.

use crate::knowledge::servers;
use crate::knowledge::services::{self};
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::super::images::Start;
use super::super::scripts::{self};
use super::super::survey::{Survey, Unit};
use super::super::{owns, refuse, user};

use super::daemons::{hint, package_but_sudo, several_users};
use super::program::of_distribution;

/// What the base image starts, where the file leaves it as it is.
pub(super) fn base_entry(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    // Whatever starts in it.
    if survey.facts.start == Start::Platform {
        let text = format!("the platform that runs {} chooses the user", survey.facts.key);
        return Err(refuse("platform-user", text, true));
    }
    home_of_root(survey)?;
    its_own_script(survey)?;
    let behind = behind_a_script(survey);
    if !keeps_entrypoint(survey) && !behind {
        return Ok(());
    }
    // A CMD of its own takes the place of what the image starts, where that has no ENTRYPOINT.
    if survey.entry.cmd.is_some() && survey.facts.entrypoint.is_none() && survey.facts.command {
        return Ok(());
    }
    let name = &survey.facts.key;
    if matches!(survey.facts.start, Start::Drops | Start::Either)
        && let Some(path) = scripts::replaced(survey).filter(|path| survey.read(path).is_none())
    {
        let text = format!(
            "the start script {path} can't be seen here, and it takes the place of that of {name}, which starts as root and \
             goes on as a user of its own"
        );
        return Err(refuse("drops-privileges", text, true));
    }
    match survey.facts.start {
        Start::Drops if behind || own_start(survey) => {
            let text =
                format!("the entrypoint of {name} starts as root to set its data up, and gives root up by itself");
            Err(refuse("drops-privileges", text, true))
        }
        Start::Drops => Ok(()),
        Start::Needs => Err(refuse("needs-root", format!("what {name} starts needs root"), true)),
        // One whose name is only known when it is built has none.
        Start::Unknown | Start::Plain
            if (name.is_empty() || name.contains('/') || is_local(survey)) && !survey.facts.plain =>
        {
            passed_on(survey)
        }
        _ => unseen_start(survey),
    }
}

/// A script of an image that nobody knows, by which the file says once more what that image starts: nothing else is brought
/// that it could be.
fn its_own_script(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let brings = |unit: &super::super::survey::Unit<'_>| {
        matches!(unit.instruction.keyword, Keyword::Copy | Keyword::Add | Keyword::Run)
    };
    if survey.facts.start != Start::Unknown || survey.facts.plain || survey.all().any(brings) {
        return Ok(());
    }
    let Some(path) = user::unread_script(survey) else { return Ok(()) };
    let text = format!("{path}, which it starts, is a script of the image that it passes on: its user belongs there");
    Err(refuse("passed-on", text, true))
}

/// An image whose program keeps its data in root's home: there it is mounted, whatever starts the program.
fn home_of_root(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let Some(data) = survey.facts.data.iter().find(|path| paths::within(path, "/root")) else { return Ok(()) };
    if owns::home_said(survey).is_some() {
        return Ok(());
    }
    let text = format!("{} keeps its data in {data}, which is in root's home", survey.facts.key);
    Err(refuse("needs-root", text, true))
}

/// Whether the image stands on one without a namespace that nobody knows: no registry has it, somebody makes it here.
fn is_local(survey: &Survey<'_, '_>) -> bool {
    let facts = &survey.facts;
    facts.start == Start::Unknown && facts.user.is_none() && !facts.key.contains('/')
}

/// An image that only passes another one on, with files at most, and starts what that one starts: its user is the choice of
/// that one's author, who alone knows where it writes.
fn passed_on(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let has = |keywords: &[Keyword]| survey.all().any(|unit| keywords.contains(&unit.instruction.keyword));
    let files = has(&[Keyword::Copy, Keyword::Add]);
    let runs = || survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    // Who may do what with the files is no work of its own: it says whom that image starts.
    let of_files = |step: &Step| matches!(step.program(), "chown" | "chgrp" | "chmod" | "mkdir" | "sed" | "dos2unix");
    let work = |unit: &Unit<'_>| survey.steps(unit).is_empty() || !survey.steps(unit).iter().all(of_files);
    // Whatever is done to an image that is made here, who made it knows what it starts.
    let works = runs().any(work) && !is_local(survey) || !survey.entry.is_empty();
    let files = files || has(&[Keyword::Run]);
    if files || works {
        unseen_start(survey)?;
    }
    if works || files && survey.facts.start != Start::Unknown {
        return Ok(());
    }
    let does = match files {
        true if runs().any(work) => "adds to another image that is made here",
        true => "only puts files into another image",
        false => "passes another image on",
    };
    let text = format!("it {does} and starts what that image starts: its user belongs there");
    Err(refuse("passed-on", text, true))
}

/// Whether the image's own entrypoint is what starts: the file sets none, or says the same one again.
pub(super) fn keeps_entrypoint(survey: &Survey<'_, '_>) -> bool {
    let said = |script: &str| survey.entry.steps.first().is_some_and(|step| step.program() == script);
    survey.entry.entrypoint.is_none() || survey.facts.entrypoint.is_some_and(said)
}

/// Whether a script of the project's goes on as the image's own entrypoint.
fn behind_a_script(survey: &Survey<'_, '_>) -> bool {
    let Some(name) = survey.facts.entrypoint else { return false };
    survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten().any(|step| step.program() == name)
}

/// Whether the image's own entrypoint starts its own server, before which alone it steps down.
pub(in crate::catalog::non_root) fn own_start(survey: &Survey<'_, '_>) -> bool {
    let name = survey.facts.key.as_str();
    if !keeps_entrypoint(survey) {
        return false;
    }
    let mut steps = survey.entry.steps.iter().flat_map(|step| step.argv.iter());
    let first = steps.find(|word| Some(paths::name(word)) != survey.facts.entrypoint);
    first.is_none_or(|word| {
        let program = paths::name(word);
        program.starts_with('-')
            || name.contains(program)
            || survey.facts.own.as_ref().is_some_and(|(user, _)| program.contains(user.as_str()))
            || matches!(
                program,
                "mysqld" | "mariadbd" | "postgres" | "mongod" | "redis-server" | "eswrapper" | "rabbitmq-server"
            )
    })
}

/// An image that nobody knows, and that starts what it started before: its name, and what is put into it, say what it is
/// for.
fn unseen_start(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if survey.facts.start != Start::Unknown {
        return Ok(());
    }
    let image = survey.model.image(survey.stage).map_or_else(|| "the base image".to_owned(), ToString::to_string);
    let named = services::of_image(&image).map(|service| {
        let text = format!("by its name it has to do with {}: {}", service.name, service.why);
        (service.code, text)
    });
    if !survey.entry.is_empty() {
        return match named.filter(|_| told_what_to_do(survey)) {
            Some((code, hint)) => {
                Err(refuse(code, format!("what {image} starts can't be seen here, and {hint}"), true))
            }
            None => Ok(()),
        };
    }
    let made = || several_users(survey);
    // What the image started before knows nothing of a sudo that the file installs.
    let package = || package_but_sudo(survey);
    let found = named.or_else(|| hint(survey)).or_else(package).or_else(|| overlaid(survey)).or_else(made);
    match found.or_else(|| serves(survey)) {
        Some((code, hint)) => Err(refuse(code, format!("what {image} starts can't be seen here, and {hint}"), true)),
        None => Ok(()),
    }
}

/// The settings of a web server that an image is given which starts what it started before: that server, as root, who opens
/// its logs.
fn serves(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    const MARKS: [(&str, &str); 7] = [
        ("/etc/apache2", "Apache"),
        ("/etc/httpd", "Apache"),
        ("a2enmod", "Apache"),
        ("a2ensite", "Apache"),
        ("/etc/nginx", "nginx"),
        ("/etc/php5/fpm", "PHP's own server"),
        ("/fpm/pool.d", "PHP's own server"),
    ];
    survey.all().find_map(|unit| {
        if !matches!(unit.instruction.keyword, Keyword::Run | Keyword::Copy | Keyword::Add) {
            return None;
        }
        let text = unit.text();
        let (_, server) = MARKS.into_iter().find(|(mark, _)| text.contains(mark))?;
        Some(("needs-root", format!("it is given settings of {server}, which such an image starts as root")))
    })
}

/// A web server of a distribution whose packages nobody here knows, or of an image that nobody knows: where it keeps its logs
/// and its number can't be told.
pub(super) fn unknown_server(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    let program = step.program();
    let serves = match program {
        "apache2" | "apache2ctl" | "apachectl" | "httpd-foreground" | "lighttpd" | "nginx" => true,
        // BusyBox has one of this name, which is told other options.
        "httpd" => step.args().is_empty() || step.args().iter().any(|arg| arg.starts_with("-D")),
        _ => false,
    };
    let known = survey.facts.own.is_some()
        || survey.facts.family.is_some_and(|family| servers::knows(family) || !family.has_shell())
        || user::known(survey, program).is_some();
    if !serves
        || known
        || !of_distribution(survey, step)
        || survey.all().any(|unit| owns::configures_nginx(&unit.text()))
    {
        return Ok(());
    }
    let image = survey.model.image(survey.stage).map_or_else(|| "the base image".to_owned(), ToString::to_string);
    let text =
        format!("{program} is started, and where that of {image} keeps its logs, which root opens, can't be seen here");
    Err(refuse("needs-root", text, true))
}

/// Whether CMD only tells the image's own entrypoint what to do: `CMD ["--config", "/etc/db.conf"]`, `CMD ["server"]`.
fn told_what_to_do(survey: &Survey<'_, '_>) -> bool {
    const VERBS: [&str; 8] = ["daemon", "master", "run", "serve", "server", "standalone", "start", "worker"];
    let [step] = survey.entry.steps.as_slice() else { return false };
    let program = step.argv.first().map_or("", String::as_str);
    survey.entry.entrypoint.is_none() && (program.starts_with('-') || VERBS.contains(&program))
}

/// A tree that goes over the root of an image which starts what it started before: it holds what that image's init reads.
fn overlaid(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    const TREES: [&str; 8] = ["root", "rootfs", "root-fs", "root_fs", "overlay", "fs", "container-files", "container"];
    let copied = survey.units.iter().filter_map(|unit| survey.copied(unit)).find(|copied| {
        let tree = |source: &String| TREES.contains(&paths::name(source.trim_end_matches("/*").trim_end_matches('/')));
        copied.context && copied.to.as_deref() == Some("/") && copied.sources.iter().any(tree)
    })?;
    let source = copied.sources.first().map_or("", String::as_str);
    Some((
        "init-system",
        format!("{source} goes over its root folder, where the init of such an image looks for services"),
    ))
}
