//! What frameworks and their tools write.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::knowledge::develops::{self, Keeps};
use crate::model::commands::Step;
use crate::model::npm::Call;
use crate::model::{paths, uv};
use crate::syntax::Keyword;

use super::super::survey::{Survey, Unit};
use super::super::user::User;

use super::filled::{installs_at_start, installs_into};
use super::made::given_at;
use super::{Folder, Needs, is_application};

/// Where Django collects what is served, beside `manage.py`: `STATIC_ROOT = BASE_DIR / "static"`.
static STATIC_ROOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)^[ \t]*STATIC_ROOT\s*=\s*(?:str\()?(?:os\.path\.join\(\s*\w+\s*,\s*|\w+\s*/\s*|\w+\.joinpath\(\s*)["']/?(?<folder>[\w.-]+(?:/[\w.-]+)*)/?["']"#,
    )
    .ok()
});

/// Whether a command collects what Django serves.
fn collects(step: &Step) -> bool {
    step.argv.iter().any(|word| word == "collectstatic")
}

/// The folder below the project's into which Django collects, as the settings say.
fn static_root(survey: &Survey<'_, '_>) -> Option<String> {
    let context = survey.model.context?;
    let settings = |file: &&String| file.ends_with(".py") && file.contains("settings");
    context.files().iter().filter(settings).find_map(|file| {
        let text = context.read(file)?;
        let folder = STATIC_ROOT.as_ref()?.captures(&text)?.name("folder")?;
        Some(String::from_utf8_lossy(folder.as_bytes()).into_owned())
    })
}

/// What a RUN has to say for a command of a framework to be in it.
static FRAMEWORKS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"rake|rails|artisan|symfony|bin/console|prisma|collectstatic").ok());

/// Folders that a framework writes to at run time, and that its own commands have made as root while the image was
/// built.
pub(super) fn frameworks(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    // An image that is not known may have a working directory of its own, which RUN works in, whatever its name.
    let unnamed = survey.model.known(survey.stage).is_none()
        && !survey.all().any(|unit| matches!(unit.instruction.keyword, Keyword::Workdir));
    let mut add = |made: Option<usize>, folder: &str, names: &[&str]| {
        for name in names {
            let mut path = paths::join(folder, name);
            if unnamed && folder == "/" {
                // It may be the root folder after all, whose `var` is the system's; `tmp` is everybody's there anyway.
                if !is_application(&path) && *name != "tmp" {
                    continue;
                }
                path = (*name).to_owned();
            }
            // What another stage made is given as it is copied, but for what a command behind it makes.
            let given = needs.copies.iter().filter_map(|at| survey.units.get(*at)).any(|unit| {
                unit.instruction.flags.iter().any(|flag| flag.name == "from")
                    && made.is_none_or(|index| unit.index > index)
                    && survey
                        .copied(unit)
                        .and_then(|copied| copied.to.as_deref())
                        .is_some_and(|to| paths::within(&path, to))
            });
            // The file may have given the folder away itself, after that.
            let by_file = given_at(survey, user, &path)
                .and_then(|at| survey.units.get(at))
                .is_some_and(|unit| made.is_some_and(|index| unit.index >= index));
            if given || by_file {
                continue;
            }
            let known = needs
                .early
                .iter()
                .chain(&needs.late)
                .any(|known| known.path == path || known.recursive && paths::within(&path, &known.path));
            if !known && is_application(&path) {
                needs.late.push(Folder { path, recursive: true, make: true });
            }
        }
    };
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if FRAMEWORKS.as_ref().is_some_and(|marks| !marks.is_match(unit.text().as_bytes())) {
            continue;
        }
        for step in survey.steps(unit).iter() {
            let Some(folder) = step.cwd.as_deref() else { continue };
            let has = |name: &str| step.argv.iter().any(|word| paths::name(word) == name);
            if (has("rake") || has("rails"))
                && step.argv.iter().any(|word| word.contains(':'))
                && step.program() != "gem"
            {
                add(Some(unit.index), folder, &["log", "tmp"]);
                // No database is there to be reached while an image is built: what is set up then is a file.
                if step.argv.iter().any(|word| word.starts_with("db:")) && file_database(survey, folder) {
                    add(Some(unit.index), folder, &["db"]);
                }
            } else if has("artisan") && step.program() == "php" {
                add(Some(unit.index), folder, &["bootstrap/cache", "storage"]);
                if step.argv.iter().any(|word| word.starts_with("migrate") || word.starts_with("db:")) {
                    add(Some(unit.index), folder, &["database"]);
                }
            } else if has("prisma") && (has("push") || has("migrate") || has("seed")) && file_database(survey, folder) {
                add(Some(unit.index), folder, &["prisma"]);
            } else if has("console") && (step.program() == "php" || step.program() == "console") {
                add(Some(unit.index), folder, &["var"]);
            } else if has("collectstatic") && survey.runs().any(collects) {
                // What is collected once more when the container starts takes the place of what root has collected.
                let manage = step.argv.iter().find(|word| paths::name(word) == "manage.py");
                let project = manage.and_then(|script| step.path(script)).map(|path| paths::parent(&path).to_owned());
                if let Some((project, root)) = project.and_then(|project| Some((project, static_root(survey)?))) {
                    add(Some(unit.index), &project, &[root.as_str()]);
                }
            }
        }
    }
    for step in survey.runs().filter(|step| step.program() == "mix") {
        if let Some(folder) = step.cwd.as_deref() {
            add(None, folder, &["_build"]);
            if watches(survey, folder) {
                add(None, folder, &["priv/static"]);
            }
        }
    }
    for folder in synced(survey) {
        add(None, &folder, &[".venv"]);
    }
    // Play notes its process in the folder that was staged, and does not start where it may not.
    let started = |word: &str| word.contains("target/universal/stage/bin/");
    let plays = survey.runs().any(|step| started(step.program()) || step.argv.iter().any(|word| started(word)));
    let staged: Vec<String> = survey
        .units
        .iter()
        .flat_map(|unit| survey.steps(unit))
        .filter(|step| plays && step.program() == "sbt" && step.args().iter().any(|arg| arg.ends_with("stage")))
        .filter_map(|step| step.cwd.clone())
        .collect();
    for folder in staged {
        add(None, &folder, &["target/universal/stage"]);
    }
    for (folder, modules) in engines(survey) {
        let modules = modules.iter().map(String::as_str).filter(|name| !is_fresh(survey, &folder, name));
        add(None, &folder, &modules.collect::<Vec<_>>());
    }
    for (folder, keeps) in compiling(survey) {
        let own: Vec<&str> = keeps.own().filter(|name| !is_fresh(survey, folder, name)).collect();
        add(None, folder, &own);
        let built = survey
            .units
            .iter()
            .filter(|unit| unit.instruction.keyword == Keyword::Run)
            .any(|unit| survey.steps(unit).iter().any(|step| step.cwd.as_deref() == Some(folder) && builds(step)));
        if built {
            let again: Vec<&str> = keeps.build().collect();
            add(None, folder, &again);
        }
    }
    let Some(folder) = survey.model.final_workdir(survey.stage) else { return };
    let Some(manifest) = survey.read(&paths::join(folder, "package.json")) else { return };
    let has = |mark: &str| memchr::memmem::find(&manifest, mark.as_bytes()).is_some();
    let scripted = survey.entry.steps.iter().any(|step| {
        matches!(step.program(), "npm" | "yarn" | "pnpm" | "next" | "react-scripts" | "vite" | "npx" | "nuxt")
    });
    if !scripted {
        return;
    }
    if has("\"next\"") && has("next start") && builds_beforehand(survey) {
        add(None, folder, &[".next/cache"]);
    }
}

/// Whether a folder lies among modules of the project's that the user installs when the container starts, and nobody has
/// before: made beforehand, the folder of the modules itself would be root's.
fn is_fresh(survey: &Survey<'_, '_>, folder: &str, name: &str) -> bool {
    let modules = name == "node_modules" || name.starts_with("node_modules/");
    let installs = |step: &Step| installs_into(step).as_deref() == Some(folder);
    modules && installs_at_start(survey, folder) && !survey.all().flat_map(|unit| survey.steps(unit)).any(installs)
}

/// Whether a stage of the file builds anything: what a script builds when the container starts makes its folders itself, and
/// may look first whether they are there.
fn builds_beforehand(survey: &Survey<'_, '_>) -> bool {
    let mut all = survey.model.file.instructions.iter();
    all.any(|one| one.keyword == Keyword::Run && one.args.text.contains("build"))
}

/// Whether a project of Phoenix bundles its files whenever they change, and at the start, into the folder that it serves.
fn watches(survey: &Survey<'_, '_>, folder: &str) -> bool {
    static WATCHERS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)^[^#\n]*watchers:\s*\[(?:\s|#[^\n]*\n)*[^\]\s#]").ok());
    let production =
        survey.all().any(|unit| {
            unit.instruction.keyword == Keyword::Env
                && unit.instruction.pairs(survey.model.file.escape).iter().any(|pair| {
                    pair.name.raw == "MIX_ENV" && pair.value.as_ref().is_some_and(|value| value.raw != "dev")
                })
        });
    !production
        && survey
            .read(&paths::join(folder, "config/dev.exs"))
            .is_some_and(|text| WATCHERS.as_ref().is_some_and(|watchers| watchers.is_match(&text)))
}

/// The projects in which the command line of Prisma is started, with the modules that it goes on writing to: it refuses to
/// work where it can't write beside its engines, and `generate` writes the client.
fn engines(survey: &Survey<'_, '_>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for step in survey.runs() {
        let at = step.argv.iter().position(|word| word == "prisma" || word.starts_with("prisma@"));
        let verb = at.and_then(|at| step.argv.get(at + 1)).map_or("", String::as_str);
        let Some(folder) = step.cwd.as_deref().filter(|_| matches!(verb, "migrate" | "db" | "generate")) else {
            continue;
        };
        if survey.facts.language != Some("node") && survey.read(&paths::join(folder, "package.json")).is_none() {
            continue;
        }
        let names: &[&str] = if verb == "generate" { &["engines", "client"] } else { &["engines"] };
        // A list of pnpm's says nothing where another installs.
        let lock = survey.read(&paths::join(folder, "pnpm-lock.yaml")).filter(|_| !others_install(survey));
        let global = if verb == "generate" { None } else { global_prisma(survey, folder, step) };
        let modules: Vec<String> = match (global, lock) {
            (Some(place), _) => vec![place],
            (None, Some(lock)) => {
                let lock = crate::context::text(&lock);
                names.iter().map(|name| in_store(&lock, &format!("@prisma/{name}"))).collect()
            }
            (None, None) if verb == "generate" => {
                vec!["node_modules/@prisma".to_owned(), "node_modules/.prisma".to_owned()]
            }
            (None, None) => vec!["node_modules/@prisma".to_owned()],
        };
        match found.iter_mut().find(|(known, _)| known == folder) {
            Some((_, known)) => {
                known.extend(modules.into_iter().filter(|module| !known.contains(module)).collect::<Vec<_>>())
            }
            None => found.push((folder.to_owned(), modules)),
        }
    }
    found
}

/// Every command of the file, whichever stage it is of.
fn all_steps<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = &'s Step> {
    let bodies = survey.model.stages.iter().flat_map(|stage| survey.model.body(stage));
    let runs = bodies.filter(|(_, instruction)| instruction.keyword == Keyword::Run);
    runs.filter_map(|(index, _)| survey.model.steps(index)).flatten()
}

/// Whether npm or Yarn installs the modules, and pnpm does nothing.
fn others_install(survey: &Survey<'_, '_>) -> bool {
    let installs = |step: &Step| {
        matches!(step.program(), "npm" | "yarn")
            && matches!(step.subcommand(), None | Some("ci" | "i" | "install"))
            && !step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global"))
    };
    all_steps(survey).any(installs) && !all_steps(survey).any(|step| matches!(step.program(), "pnpm" | "pnpx"))
}

/// The engines of a Prisma that is installed for all projects, where a command starts that one: by its name, or in a project
/// that has none of its own.
fn global_prisma(survey: &Survey<'_, '_>, folder: &str, step: &Step) -> Option<String> {
    const BY_NPM: &str = "/usr/local/lib/node_modules/prisma/node_modules/@prisma";
    const BY_YARN: &str = "/usr/local/share/.config/yarn/global/node_modules/@prisma";
    let own = || {
        let manifest = survey.read(&paths::join(folder, "package.json"));
        manifest.is_some_and(|text| memchr::memmem::find(&text, b"\"prisma\"").is_some())
    };
    if step.program() != "prisma" && own() {
        return None;
    }
    survey.all().flat_map(|unit| survey.steps(unit)).find_map(|step| {
        let words: Vec<&str> = step.args().iter().map(String::as_str).collect();
        let named = words.iter().any(|word| *word == "prisma" || word.starts_with("prisma@"));
        let place = match (step.program(), words.as_slice()) {
            ("npm", _) if words.iter().any(|word| matches!(*word, "-g" | "--global")) => BY_NPM,
            ("yarn", ["global", "add", ..]) => BY_YARN,
            _ => return None,
        };
        named.then(|| place.to_owned())
    })
}

/// Where pnpm keeps a module, by the last entry of its lock file, which has the peers of the version in parentheses; its
/// store where that can't be told.
fn in_store(lock: &str, module: &str) -> String {
    let key = lock.rsplit(&format!("{module}@")).next().filter(|rest| rest.len() < lock.len());
    let version = key.and_then(|rest| rest.split(['\'', ':', '\n']).next()).unwrap_or_default();
    let peers = version.strip_suffix(')').unwrap_or(version).replace(")(", "_").replace(['(', ')'], "_");
    let name = format!("{}@{peers}", module.replace('/', "+"));
    // A longer name is cut, and ends in a digest.
    if version.is_empty() || name.len() > 120 {
        return "node_modules/.pnpm".to_owned();
    }
    format!("node_modules/.pnpm/{name}")
}

/// The projects whose environment `uv run` fills up when the container starts, as what made it left something out.
fn synced(survey: &Survey<'_, '_>) -> Vec<String> {
    const GROUPS: [&str; 5] = ["--no-dev", "--no-default-groups", "--only-dev", "--only-group", "--no-group"];
    const PROJECT: [&str; 2] = ["--no-install-project", "--no-install-workspace"];
    let set =
        |name: &str| survey.all().any(|unit| unit.instruction.keyword == Keyword::Env && unit.text().contains(name));
    let runs = survey.runs().chain(&survey.entry.steps);
    let runs = runs.filter(|step| step.program() == "uv" && step.subcommand() == Some("run"));
    let mut found: Vec<String> = Vec::new();
    for run in runs {
        let Some(folder) = run.cwd.as_deref().filter(|folder| !found.iter().any(|known| known == folder)) else {
            continue;
        };
        let of = |step: &&Step| {
            step.program() == "uv" && step.subcommand() == Some("sync") && step.cwd.as_deref() == Some(folder)
        };
        let units = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run);
        let own: Vec<_> = units.map(|unit| survey.steps(unit)).collect();
        // What a COPY brings from another stage was made there.
        let environment = paths::join(folder, ".venv");
        let brings = |unit: &&Unit<'_>| {
            let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
            to.is_some_and(|to| paths::within(&environment, to) && to != "/")
        };
        let sources = survey.units.iter().filter(brings).filter_map(|unit| survey.copied_from(unit));
        let elsewhere = sources.flat_map(|stage| survey.model.body(stage)).filter_map(|(at, _)| survey.model.steps(at));
        let made = elsewhere.flatten().filter(of).last();
        let Some(sync) = own.iter().flat_map(|steps| steps.iter()).rfind(of).or(made) else { continue };
        let says = |step: &Step, option: &str| step.args().iter().any(|arg| arg == option);
        if says(run, "--no-sync") || set("UV_NO_SYNC") || set("UV_PROJECT_ENVIRONMENT") {
            continue;
        }
        let manifest = survey.read(&paths::join(folder, "pyproject.toml"));
        let has = |marks: &[&str]| {
            let Some(text) = &manifest else { return true };
            marks.iter().any(|mark| memchr::memmem::find(text, mark.as_bytes()).is_some())
        };
        let lacks = |options: &[&str]| options.iter().any(|option| says(sync, option) && !says(run, option));
        if lacks(&GROUPS) && !set("UV_NO_DEV") && has(&["[dependency-groups]", "dev-dependencies"])
            || lacks(&PROJECT) && has(&["[build-system]", "package = true"])
        {
            found.push(folder.to_owned());
        }
    }
    found
}

/// Projects whose environment `uv run` makes anew when the container starts, by the Python that they ask for: what pins its
/// version has come after what made the first. That one goes, with all that is in it.
pub(super) fn renewed(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let starts = survey.runs().chain(&survey.entry.steps);
    let found = uv::made_anew(survey.model, survey.stage, starts).filter_map(|step| step.cwd.clone());
    for folder in found.filter(|folder| is_application(folder)) {
        let path = paths::join(&folder, ".venv");
        needs.late.push(Folder { path, recursive: true, make: false });
        needs.late.push(Folder { path: folder, recursive: false, make: false });
    }
}

/// Projects whose manifest can't be read, that start a script by a name of development servers, and have modules: these
/// keep what they compile among the modules.
pub(super) fn developed(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let starts = survey.runs().filter_map(|step| {
        let call = Call::of(step)?;
        let (name, _) = call.script(step.program())?;
        let develops = name.split(':').any(|part| matches!(part, "dev" | "develop" | "serve" | "hot" | "watch"));
        let folder = call.folder.filter(|_| develops)?;
        survey.read(&paths::join(&folder, "package.json")).is_none().then_some(folder)
    });
    let installed = |folder: &String| {
        let mut steps = survey.units.iter().flat_map(|unit| survey.steps(unit));
        steps.any(|step| installs_into(step).as_ref() == Some(folder))
    };
    for folder in starts.filter(installed) {
        let path = paths::join(&folder, "node_modules");
        if is_application(&path) && !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: false, make: false });
        }
    }
}

/// Whether the settings of the project name a database that is a file, or can't be read.
fn file_database(survey: &Survey<'_, '_>, folder: &str) -> bool {
    let settings = ["config/database.yml", "prisma/schema.prisma"];
    let mut read = settings.iter().filter_map(|name| survey.read(&paths::join(folder, name))).peekable();
    read.peek().is_none() || read.any(|text| memchr::memmem::find(&text, b"sqlite").is_some())
}

/// Programs that compile when they start, with the folder of their project.
pub(super) fn compiling<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = (&'s str, Keeps)> {
    survey.runs().filter_map(|step| {
        let keeps = develops::keeps(step.program(), step.args())?;
        step.cwd.as_deref().map(|folder| (folder, keeps))
    })
}

/// Whether a command of the image's build runs a script of the project's, or compiles it.
fn builds(step: &Step) -> bool {
    let verb = step.subcommand().unwrap_or_default();
    match step.kind() {
        "npm" | "yarn" | "pnpm" => !matches!(verb, "" | "install" | "i" | "ci" | "add" | "config" | "cache" | "set"),
        _ => step.program() == "npx" || verb == "build" || develops::keeps(step.program(), step.args()).is_some(),
    }
}
