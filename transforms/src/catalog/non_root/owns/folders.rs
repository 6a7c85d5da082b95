//! The folders that the program works in.

use crate::model::commands::Step;
use crate::model::effects::{self};
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::obstacles;
use super::super::survey::{Survey, Unit};
use super::super::user::{self, User};

use super::filled::{installs_into, unpacks};
use super::is_application;
use super::made::PROGRAMS;
use super::modes::brought;

/// The folders of the application: where it runs, and where the program lies.
pub(super) fn folders(survey: &Survey<'_, '_>, user: &User) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // A workspace of Go that is copied as it is, and worked in, is an application's folder.
    let workspace = |path: &str| {
        let to = |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.to.as_deref() == Some(path));
        path == "/go" && survey.all().any(to)
    };
    // A folder of its own among programs, in which the file works and out of which it starts, is one too.
    let among = |path: &str| {
        let inside = |step: &Step| {
            let words = step.argv.iter().take(2).filter(|word| word.contains(['/', '.']));
            words.filter_map(|word| step.path(word)).any(|word| paths::within(&word, path))
        };
        PROGRAMS.iter().any(|folder| *folder != path && paths::within(path, folder))
            && survey.entry.steps.iter().any(inside)
    };
    let works = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Workdir;
    let said = survey.model.final_workdir(survey.stage).filter(|_| survey.all().any(works) || onbuild(survey));
    let add = |found: &mut Vec<String>, path: String| {
        let fit = is_application(&path) || workspace(&path) || said == Some(path.as_str()) && among(&path);
        if fit && !found.contains(&path) {
            found.push(path);
        }
    };
    if let Some(path) = said {
        add(&mut found, path.to_owned());
    }
    let serves = survey.all().any(|unit| unit.instruction.keyword == Keyword::Expose);
    for step in &survey.entry.steps {
        let interpreter = interprets(step);
        // Behind the program's own file, `server.py --data /data`, come its arguments.
        let own = |arg: &&String| arg.starts_with(['/', '-']) || !arg.contains('.');
        // `CMD app/run.sh`, where nothing else says in which folder the program works.
        let relative = |word: &&String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
            // What is compiled does not write beside itself: `./target/release/api`, `build/install/api/bin/api`.
            let made = || word.split('/').any(|part| matches!(part, "target" | "build" | ".build" | "_build"));
            let path = word.contains('/') && !word.starts_with('-') && word.bytes().all(plain);
            step.cwd.as_deref() == Some("/") && path && !made()
        };
        let named = if interpreter {
            let absolute = step.args().iter().take_while(own).find(|arg| arg.starts_with('/'));
            absolute.or_else(|| step.args().iter().find(|arg| !arg.starts_with('-')).filter(relative))
        } else {
            // Where a tool that starts the program lies, it keeps nothing of the program's: `/nodejs/bin/npm start`.
            let own = matches!(step.kind(), "" | "service");
            step.argv.first().filter(|program| own && program.starts_with('/') || relative(program))
        };
        // Tools that are started by name work elsewhere; servers keep things beside themselves.
        let named_only = || {
            let program = step.argv.first().filter(|_| !interpreter && serves)?;
            lies_at(survey, program)
        };
        // Of a list, as `java -cp` takes it, the first.
        let named = named.filter(|path| !path.contains(char::is_whitespace)).and_then(|path| path.split(':').next());
        let Some(path) = named.and_then(|path| step.path(path)).or_else(named_only) else { continue };
        if path.ends_with(".sh") && paths::name(&path).contains("entry") {
            continue;
        }
        let mut folder = paths::parent(&path);
        while matches!(paths::name(folder), "bin" | "sbin" | "scripts" | "script") && folder != "/" {
            folder = paths::parent(folder);
        }
        // The language that the image is made for is nobody's to write to: `/usr/local/julia/bin/julia`.
        let of_image = survey
            .facts
            .language
            .is_some_and(|language| paths::relative(folder, "/usr/local").is_some_and(|rest| rest == language));
        // Nor is where Cargo puts what it installs.
        let shared = matches!(folder, "/root" | "/opt" | "/srv" | "/usr/local/cargo" | "/root/.cargo");
        if !shared && !of_image && !is_environment(survey, folder) {
            add(&mut found, folder.to_owned());
        }
    }
    // Where a start script goes before it starts the program: `cd /srv/app` and `java -jar app.jar`.
    let workdir = survey.model.final_workdir(survey.stage).unwrap_or("/");
    for step in survey.scripts.iter().filter_map(|script| script.steps.as_deref()).flatten() {
        let program = step.argv.first().map_or("", String::as_str);
        let starts = if program.contains('/') {
            !program.ends_with(".sh") && step.path(program).is_some_and(|path| brought(survey, &path))
        } else {
            interprets(step) && !matches!(program, "sh" | "bash")
        };
        if let Some(cwd) = step.cwd.as_deref().filter(|cwd| *cwd != workdir && starts) {
            add(&mut found, cwd.to_owned());
        }
    }
    // PHP's images serve this folder.
    let php = user.owner.starts_with("www-data")
        && matches!(survey.facts.program, Some("apache2-foreground" | "php-fpm"))
        && survey.facts.own.is_some();
    if php {
        add(&mut found, "/var/www/html".to_owned());
    }
    if found.is_empty() {
        found.extend(shared(survey).map(str::to_owned));
    }
    // A folder inside another one needs no word of its own.
    let all = found.clone();
    found.retain(|path| !all.iter().any(|other| other != path && paths::within(path, other)));
    found
}

/// Whether a folder is a virtual environment, which holds what pip installs, and nothing of the program's own: `/opt/venv` of
/// `/opt/venv/bin/gunicorn`. Another stage may make it.
fn is_environment(survey: &Survey<'_, '_>, folder: &str) -> bool {
    let makes = |step: &Step| step.makes_environment() && step.args().iter().any(|arg| step.is_at(arg, folder));
    let mut steps = (0..survey.model.file.instructions.len()).filter_map(|index| survey.model.steps(index)).flatten();
    steps.any(makes)
}

/// Whether a command is an interpreter, which is told what to run.
fn interprets(step: &Step) -> bool {
    matches!(
        step.program(),
        "python"
            | "python2"
            | "python3"
            | "node"
            | "ruby"
            | "php"
            | "perl"
            | "java"
            | "sh"
            | "bash"
            | "dotnet"
            | "nodejs"
    )
}

/// A folder for many, such as `/home`, that the file takes for its application alone: it works there, and copies into it.
pub(super) fn shared<'m>(survey: &Survey<'m, '_>) -> Option<&'m str> {
    let folder =
        survey.model.final_workdir(survey.stage).filter(|path| matches!(*path, "/home" | "/mnt" | "/media"))?;
    let brought = |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.to.as_deref() == Some(folder));
    survey.units.iter().any(brought).then_some(folder)
}

/// Whether the image copies the project by ONBUILD, before anything that the file says.
pub(super) fn onbuild(survey: &Survey<'_, '_>) -> bool {
    survey.model.known(survey.stage).is_some_and(|image| image.tag().contains("onbuild"))
}

/// Where a program lies that is started by its name: behind a link in a folder of the system, or in a folder of PATH that
/// is named after it.
pub(super) fn lies_at(survey: &Survey<'_, '_>, program: &str) -> Option<String> {
    if program.contains('/') || !effects::kind(program).is_empty() {
        return None;
    }
    let link = survey.all().flat_map(|unit| survey.steps(unit)).find_map(|step| {
        let (from, to) = step.link()?;
        let (from, to) = (step.path(from)?, step.path(to)?);
        let named = paths::name(&to) == program || paths::name(&from) == program && paths::name(&to) == "bin";
        (named && is_application(paths::parent(&from))).then_some(from)
    });
    let path = || {
        let word = program.split(['-', '.', '_']).next().filter(|word| word.len() > 2)?;
        survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env).find_map(|unit| {
            let pairs = unit.instruction.pairs(survey.model.file.escape);
            let value = pairs.into_iter().find(|pair| pair.name.raw == "PATH")?.value?;
            let value = survey.model.expand(unit.index, value.raw);
            let mut folders = value.text.split(':').filter(|folder| folder.starts_with('/') && !folder.contains('$'));
            let folder = folders.find(|folder| is_application(folder) && folder.contains(word))?;
            Some(paths::join(folder, program))
        })
    };
    link.or_else(path)
}

/// Whether the image holds the project in this folder: by a COPY, or by a command that fetches or unpacks it.
pub(in crate::catalog::non_root) fn holds_project(survey: &Survey<'_, '_>, folder: &str) -> bool {
    survey.all().any(|unit| match unit.instruction.keyword {
        Keyword::Copy | Keyword::Add => survey
            .copied(unit)
            .and_then(|copied| copied.to.as_deref())
            .is_some_and(|to| paths::within(to, folder) || paths::within(folder, to) && to != "/"),
        Keyword::Run => {
            unpacks(survey, unit, folder)
                || survey.steps(unit).iter().any(|step| {
                    let program = step.program();
                    let makes = obstacles::builds(step) || installs_into(step).is_some();
                    step.cwd.as_deref() == Some(folder) && makes && program != "gradle" && program != "lein"
                })
        }
        _ => false,
    })
}

/// Whether a build tool works in the folder when the container starts.
pub(super) fn built_at_start(survey: &Survey<'_, '_>, folder: &str) -> bool {
    let within = |step: &Step| step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, folder));
    survey.runs().any(|step| within(step) && obstacles::builds(step))
}

/// Whether what runs is a server that only reads what it is given.
pub(in crate::catalog::non_root) fn only_serves(survey: &Survey<'_, '_>, user: &User) -> bool {
    let server = user
        .server
        .is_some_and(|server| matches!(server.program(), "nginx" | "openresty" | "httpd" | "httpd-foreground"));
    let files =
        |step: &Step| matches!(step.program(), "serve" | "http-server" | "httpd" | "lighttpd" | "darkhttpd" | "thttpd");
    let plain = survey.entry.steps.first().is_some_and(files) && survey.entry.steps.len() == 1;
    // A script may start more than the server, and PHP writes.
    let direct = survey.entry.is_empty()
        || survey.entry.steps.iter().any(|step| {
            matches!(
                step.program(),
                "nginx" | "openresty" | "httpd" | "httpd-foreground" | "apache2ctl" | "apachectl" | "apache2"
            )
        });
    let php =
        survey.facts.language == Some("php") || survey.entry.steps.iter().any(|step| step.program().contains("php"));
    (server && direct || plain)
        && !php
        && !survey.entry.steps.iter().any(is_application_too)
        && user::unread_script(survey).is_none()
}

/// Whether a command starts a program in a language beside the server: `nginx && bundle exec puma`.
fn is_application_too(step: &Step) -> bool {
    matches!(step.kind(), "bundle" | "django" | "dotnet" | "npm" | "pnpm" | "poetry" | "rake" | "uv" | "yarn")
        || matches!(step.program(), "gunicorn" | "java" | "node" | "puma" | "ruby" | "unicorn" | "uvicorn" | "uwsgi")
        || step.program().starts_with("python")
}
