//! Folders that the build fills, and what the program does with them.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::context;
use crate::knowledge::words::Words;
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::npm::Call;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::obstacles;
use super::super::survey::{Survey, Unit};

use super::folders::built_at_start;
use super::frameworks::compiling;
use super::is_application;
use super::modes::may_be_written;
use super::sources::{is_source, writes};
use super::spring::{is_settings, places};

/// Whether the stages that it stands on fill the folder with what is the application's own: what they copy is root's.
pub(super) fn filled_below(survey: &Survey<'_, '_>, folder: &str) -> bool {
    survey.below.iter().any(|unit| match unit.instruction.keyword {
        Keyword::Run => fills(survey, unit, folder),
        Keyword::Copy | Keyword::Add => survey.copied(unit).is_some_and(|copied| {
            let to = copied.to.as_deref().filter(|to| paths::within(to, folder) && is_application(to));
            to.is_some_and(|to| may_be_written(survey, unit, copied, to == folder))
        }),
        _ => false,
    })
}

/// Whether a package manager installs into the folder when the container starts.
pub(super) fn installs_at_start(survey: &Survey<'_, '_>, folder: &str) -> bool {
    survey.runs().any(|step| installs_into(step).is_some_and(|into| paths::within(&into, folder)))
}

/// The folder of the project into which a command installs what the project asks for.
pub(super) fn installs_into(step: &Step) -> Option<String> {
    let program = step.program();
    if let Some(call) = Call::of(step) {
        let global = step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global" | "global"));
        let installs = call.installs(program) && !global;
        return call.folder.filter(|_| installs);
    }
    let installs = match program {
        "composer" | "composer.phar" => {
            matches!(step.subcommand(), Some("install" | "i" | "update" | "require" | "dump-autoload" | "dumpautoload"))
        }
        "mix" => step.subcommand().is_some_and(|verb| verb == "setup" || verb.starts_with("deps.")),
        // Bundler writes down anew what it has found, beside the manifest.
        "bundle" | "bundler" => matches!(step.subcommand(), Some("install" | "update" | "lock")),
        _ => false,
    };
    step.cwd.clone().filter(|_| installs)
}

/// Whether a command of the build runs code of the project that keeps files of its own beside itself: no database is
/// there to be reached while an image is built, so one that is set up then is a file.
fn stores(survey: &Survey<'_, '_>, step: &Step) -> bool {
    // A database that is made, and not one that is only read.
    if matches!(step.program(), "sqlite3" | "sqlite") {
        return step.operands().next().is_some_and(|file| !file.starts_with('/') || !step.known);
    }
    // A program of the folder's own that sets it up, and can't be read: `bin/control.sh setup`.
    let own = step.argv.first().filter(|program| program.contains('/') && !program.starts_with('/'));
    let sets_up =
        || step.args().first().is_some_and(|verb| matches!(verb.as_str(), "init" | "migrate" | "seed" | "setup"));
    if sets_up() && own.and_then(|program| step.path(program)).is_some_and(|path| survey.read(&path).is_none()) {
        return true;
    }
    const TOOLS: [&str; 7] = ["manage.py", "alembic", "flask", "sequelize", "sequelize-cli", "knex", "typeorm"];
    let script = step.args().first().filter(|script| script.ends_with(".py"));
    if script.is_none() && !step.argv.iter().any(|word| TOOLS.contains(&paths::name(word))) {
        return false;
    }
    let after = |name: &str| {
        let at = step.argv.iter().position(|word| paths::name(word) == name)?;
        Some(step.argv.get(at + 1).map_or("", String::as_str))
    };
    if let Some(verb) = after("manage.py") {
        // These make what is only read, or nothing.
        const MADE: [&str; 11] = [
            "",
            "check",
            "collectstatic",
            "compilemessages",
            "compilescss",
            "compress",
            "help",
            "makemessages",
            "shell",
            "tailwind",
            "test",
        ];
        return !MADE.contains(&verb);
    }
    let has = |word: &str| step.argv.iter().any(|arg| arg == word);
    if after("alembic").is_some() {
        return has("upgrade");
    }
    if after("flask").is_some() {
        return has("db") && has("upgrade") || has("init-db") || has("initdb") || has("create-db");
    }
    if ["sequelize", "sequelize-cli", "knex", "typeorm"].iter().any(|tool| after(tool).is_some()) {
        return step.argv.iter().any(|arg| {
            let (head, tail) = arg.split_once(':').unwrap_or((arg, ""));
            matches!(head, "db" | "migrate" | "migration" | "seed" | "schema") && !matches!(tail, "generate" | "create")
        });
    }
    let Some(script) = script else { return false };
    if !matches!(step.program(), "python" | "python3") {
        return false;
    }
    static DATABASE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)sqlite|create_all\(|tinydb|shelve\.|init_db\(|create_tables\(").ok());
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:init|create|setup|seed|build|make|populate)\w*_?(?:db|database|tables)").ok()
    });
    match step.path(script).and_then(|path| survey.read(&path)) {
        Some(text) => DATABASE.as_ref().is_some_and(|database| database.is_match(&text)),
        None => NAMED.as_ref().is_some_and(|named| named.is_match(paths::name(script).as_bytes())),
    }
}

/// Whether a command builds nothing of the folder that it runs in: `go install example.org/cmd/tool@v1`.
fn installs_elsewhere(step: &Step) -> bool {
    step.program() == "go" && step.operands().skip(1).any(|package| package.contains('@'))
}

/// Whether a RUN leaves files in the folder that the program changes: a clone, an archive, a copy, a database, packages
/// that are installed again when the container starts.
pub(in crate::catalog::non_root) fn fills(survey: &Survey<'_, '_>, unit: &Unit<'_>, folder: &str) -> bool {
    let own = survey.steps(unit).iter().any(|step| {
        step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, folder)) && stores(survey, step)
            || installs_into(step).is_some_and(|into| paths::within(&into, folder)) && installs_at_start(survey, folder)
            || step
                .cwd
                .as_deref()
                .is_some_and(|cwd| paths::within(cwd, folder) || paths::within(folder, cwd) && is_application(cwd))
                && obstacles::builds(step)
                && !installs_elsewhere(step)
                && built_at_start(survey, folder)
    });
    own || unpacks(survey, unit, folder)
}

/// Whether a RUN puts files of another place into the folder.
pub(super) fn unpacks(survey: &Survey<'_, '_>, unit: &Unit<'_>, folder: &str) -> bool {
    let unpacked = survey.steps(unit).iter().any(|step| {
        let holds = |path: &str| {
            paths::within(path, folder)
                || (paths::within(folder, path) && path != "/" && !Words::SharedFolders.has(path))
                || (paths::within(folder, path) && paths::parent(folder) == path)
        };
        match step.program() {
            "git" | "svn" | "hg" => {
                let fetch = matches!(step.subcommand(), Some("clone" | "checkout" | "co" | "init" | "pull"));
                let last = step.args().iter().rev().find(|arg| !arg.starts_with('-'));
                let to = last.and_then(|last| {
                    if last.contains("://") || last.contains('@') || last.ends_with(".git") {
                        let name = paths::name(last).trim_end_matches(".git");
                        if step.subcommand() == Some("clone") { step.path(name) } else { step.cwd.clone() }
                    } else if step.subcommand() == Some("clone") {
                        step.path(last)
                    } else {
                        step.cwd.clone()
                    }
                });
                fetch && to.is_some_and(|to| holds(&to))
            }
            "ln" => step.args().last().and_then(|to| step.path(to)).is_some_and(|to| to == folder),
            "tar" | "unzip" | "bsdtar" | "cp" | "mv" | "rsync" => match effects::of(step) {
                Effect::Writes(written) => written.iter().any(|path| holds(path)),
                _ => false,
            },
            _ => false,
        }
    });
    // A whole text is dearer to search than commands are to look at.
    unpacked && {
        let text = unit.text();
        Words::DownloadMarks.list().iter().any(|mark| text.contains(mark))
    }
}

/// Whether the sources in the context show that nothing is written.
pub(super) fn reads_only(survey: &Survey<'_, '_>) -> bool {
    let Some(context) = survey.model.context else { return false };
    let works =
        |step: &Step| installs_into(step).is_some() || obstacles::builds(step) || workplaces::watches(step.program());
    if compiling(survey).next().is_some() || survey.runs().any(works) {
        return false;
    }
    // A release of Erlang's or Elixir's writes its settings beside itself when it starts.
    let release = survey
        .units
        .iter()
        .filter_map(|unit| survey.copied(unit))
        .any(|copied| copied.sources.iter().any(|source| source.contains("/rel/")));
    // Wherever what it made was unpacked before it was copied.
    let makes = |step: &Step| {
        matches!(step.program(), "mix" | "rebar3")
            && step.args().iter().any(|arg| matches!(arg.as_str(), "release" | "distillery.release"))
    };
    let model = survey.model;
    let mut steps = model.stages.iter().flat_map(|stage| model.body(stage)).filter_map(|(at, _)| model.steps(at));
    if release || steps.any(|steps| steps.iter().any(makes)) {
        return false;
    }
    // A program that somebody made elsewhere is not told by the scripts that lie about.
    let elsewhere = survey.all().filter_map(|unit| survey.copied(unit)).filter(|copied| copied.context).any(|copied| {
        copied.sources.iter().any(|source| {
            let source = source.trim_start_matches("./").trim_matches('/');
            paths::plain(source)
                && !source.contains(['*', '?'])
                && !matches!(source, "" | ".")
                && !context.holds(source)
        })
    });
    // And neither is one that the file fetches.
    let fetches = |step: &Step| matches!(step.effect(), Effect::Fetch(_));
    let elsewhere = elsewhere || survey.all().flat_map(|unit| survey.steps(unit)).any(fetches);
    let mut seen = 0usize;
    let mut sources = 0usize;
    for path in context.files() {
        let name = paths::name(path);
        let source = is_source(path);
        let settings = is_settings(path) && !context::is_aside(path);
        let manifest = matches!(
            name,
            "package.json"
                | "requirements.txt"
                | "Gemfile"
                | "composer.json"
                | "pyproject.toml"
                | "go.mod"
                | "Cargo.toml"
                | "Pipfile"
        );
        // Of .NET's, what they say of frameworks that write beside themselves.
        let manifest = manifest || name.ends_with(".csproj") || name.ends_with(".fsproj");
        if !source && !settings && (!manifest || path.contains("node_modules/")) {
            continue;
        }
        // A project that can't be read in bounded time is one that can't be told.
        let Some(content) = context.read(path) else { return false };
        seen += content.len();
        let kept = || places(&content).iter().any(|(place, _)| !place.starts_with('/'));
        if seen > 4 << 20 || if settings { kept() } else { writes(path, &content) } {
            return false;
        }
        sources += usize::from(source && !(elsewhere && path.ends_with(".sh")));
    }
    sources > 0
}
