//! What tools put into root's home while the image is built, and look for in the user's home when it runs: browsers,
//! models, interpreters.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::knowledge::fetches::{self, Fetch};
use crate::knowledge::homes;
use crate::model::commands::Step;
use crate::model::effects::{Effect, Store};
use crate::model::{paths, python, uv};
use crate::syntax::Keyword;
use crate::syntax::words::Value;

use super::obstacles;
use super::owns;
use super::survey::{Survey, Unit};

/// A cache that a variable moves to a place that everybody can read, or a setting that it gives to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cache {
    /// The variable.
    pub(super) variable: &'static str,
    /// The place for it, or the value.
    pub(super) place: &'static str,
    /// Whether the program may write there too.
    pub(super) written: bool,
}

/// What is in root's home and needed at run time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Caches {
    /// What is moved, with the unit before which the variable has to stand.
    pub(super) moved: Vec<(usize, Cache)>,
    /// A tool whose files stay in root's home.
    pub(super) stays: Option<String>,
    /// Folders of root's home in which the tool goes on writing.
    pub(super) written: Vec<&'static str>,
}

const PLAYWRIGHT: Cache = Cache { variable: "PLAYWRIGHT_BROWSERS_PATH", place: "/opt/playwright", written: false };
const PUPPETEER: Cache = Cache { variable: "PUPPETEER_CACHE_DIR", place: "/opt/puppeteer", written: false };
const COREPACK: Cache = Cache { variable: "COREPACK_HOME", place: "/opt/corepack", written: false };
const PYTHON: Cache = Cache { variable: "UV_PYTHON_INSTALL_DIR", place: "/opt/uv/python", written: false };
const POETRY: Cache = Cache { variable: "POETRY_VIRTUALENVS_PATH", place: "/opt/virtualenvs", written: false };
const PIPENV: Cache = Cache { variable: "WORKON_HOME", place: "/opt/virtualenvs", written: false };
const MIX: Cache = Cache { variable: "MIX_HOME", place: "/opt/mix", written: false };
const PUB: Cache = Cache { variable: "PUB_CACHE", place: "/opt/pub-cache", written: false };
const JULIA: Cache = Cache { variable: "JULIA_DEPOT_PATH", place: "/opt/julia-depot", written: true };
const MODELS: Cache = Cache { variable: "HF_HOME", place: "/opt/huggingface", written: true };

/// What a RUN has to say for any of this to be in it.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marks = r"playwright|puppeteer|npm|yarn|corepack|poetry|pipenv|\bmix\b|\bpub\b|\bdnu\b|dotnet|\buv\b|hugging|\bhf\b|python|download|\.load|--user|\bln\b|helm|--global|conda|--generate-config|aws|\baz\b|--install-extension|gcloud|kubectl|vagrant|tlmgr|profile|Reader\(|Model\(|julia";
    Regex::new(marks).ok()
});

/// Finds them.
pub(super) fn find(survey: &Survey<'_, '_>) -> Caches {
    let mut caches = Caches::default();
    let tools = obstacles::only_a_shell(survey);
    let marked = |unit: &&Unit<'_>| {
        unit.instruction.keyword == Keyword::Run
            && (tools || MARKS.as_ref().is_none_or(|marks| marks.is_match(unit.text().as_bytes())))
    };
    let units: Vec<(usize, &Unit<'_>)> = survey.units.iter().enumerate().filter(|(_, unit)| marked(unit)).collect();
    let below: Vec<&Unit<'_>> = survey.below.iter().filter(marked).collect();
    if units.is_empty() && below.is_empty() {
        return caches;
    }
    let home = survey.all().any(|unit| {
        unit.instruction.keyword == Keyword::Env
            && unit.instruction.pairs(survey.model.file.escape).iter().any(|pair| pair.name.raw == "HOME")
    });
    if home {
        return caches;
    }
    let image = survey.model.known(survey.stage);
    let by_image = |variable: &str| image.as_ref().is_some_and(|image| image.env().any(|(name, _)| name == variable));
    let free = |variable| !by_image(variable) && !survey.all().any(|unit| sets(survey, unit, variable));
    for (at, unit) in units {
        if survey.model.user(unit.index).is_some_and(|user| !user.known || !super::who::is_root(&user.text)) {
            continue;
        }
        let steps = behind_runners(survey.steps(unit));
        for cache in [PLAYWRIGHT, PUPPETEER, COREPACK, PYTHON, POETRY, PIPENV, MIX, PUB, JULIA, MODELS] {
            let known = caches.moved.iter().any(|(_, known)| *known == cache);
            let filled = !known && steps.iter().any(|step| fills(survey, unit.index, step, cache));
            if filled && free(cache.variable) {
                caches.moved.push((at, cache));
            }
        }
        for (variable, value) in poetry_settings(survey, unit) {
            let place = match value.as_str() {
                "false" => "false",
                "true" => "true",
                _ => {
                    caches.stays.get_or_insert_with(|| "poetry config".to_owned());
                    continue;
                }
            };
            let cache = Cache { variable, place, written: false };
            if !caches.moved.iter().any(|(_, known)| known.variable == variable) {
                caches.moved.push((at, cache));
            }
        }
        if caches.stays.is_none() {
            (caches.stays, caches.written) = stays(survey, unit, tools);
        }
    }
    // No variable of this stage moves what a stage below has put there.
    for unit in below.into_iter().filter(|unit| survey.is_roots(unit)) {
        let steps = behind_runners(survey.steps(unit));
        let moved = |cache: &Cache| {
            free(cache.variable)
                && !caches.moved.iter().any(|(_, known)| known == cache)
                && steps.iter().any(|step| fills(survey, unit.index, step, *cache))
        };
        if let Some(cache) = [PLAYWRIGHT, PUPPETEER, PYTHON, POETRY, PIPENV, MIX, PUB].iter().find(|cache| moved(cache))
        {
            caches.stays.get_or_insert_with(|| cache.variable.to_owned());
        }
        if caches.stays.is_none() {
            (caches.stays, caches.written) = stays(survey, unit, tools);
        }
    }
    caches
}

/// The commands as they are, and those that a manager of the project's packages starts: `uv run python -c '...'`.
fn behind_runners(steps: &[Step]) -> Cow<'_, [Step]> {
    let behind = |step: &Step| {
        let (program, args) = owns::behind_a_runner(step);
        let another = program != step.program() && !step.program().starts_with("python");
        another.then(|| step.with_argv(std::iter::once(program).map(str::to_owned).chain(args.to_vec()).collect()))
    };
    let behind: Vec<Step> = steps.iter().filter_map(behind).collect();
    // Hardly a file has any.
    match behind.is_empty() {
        true => Cow::Borrowed(steps),
        false => Cow::Owned(steps.iter().cloned().chain(behind).collect()),
    }
}

/// What a RUN puts into root's home that no variable moves, with the folders in which the tool goes on writing.
fn stays(survey: &Survey<'_, '_>, unit: &Unit<'_>, tools: bool) -> (Option<String>, Vec<&'static str>) {
    let (text, steps) = (unit.text(), behind_runners(survey.steps(unit)));
    let marks = |text: &str| fetches::of(text).filter(|(fetch, _)| *fetch == Fetch::Home).map(|(_, mark)| mark);
    let fetched = marks(&text).map(str::to_owned).or_else(|| {
        let texts = steps.iter().flat_map(|step| programs(survey, step));
        texts.into_iter().find_map(|text| marks(&text).map(str::to_owned))
    });
    let mut written = Vec::new();
    let own = steps.iter().find_map(|step| {
        let has = |word: &str| step.args().iter().any(|arg| arg == word);
        let pip = step.argv.iter().any(|word| matches!(paths::name(word), "pip" | "pip3")) && has("install");
        if pip && has("--user") {
            return Some("pip install --user".to_owned());
        }
        if let Some(variable) = homes::keeps(step.program(), step.args())
            && !(survey.all().any(|unit| sets(survey, unit, variable))
                || step.assignments.iter().any(|pair| pair.split('=').next() == Some(variable)))
        {
            written.extend(homes::writes(step.program(), step.args()));
            return Some(format!("{} {}", step.program(), step.subcommand().unwrap_or_default()));
        }
        if brings_julia(survey, step) {
            written.push(".julia");
            return Some("julia".to_owned());
        }
        let link = step.program() == "ln";
        link.then(|| step.args().iter().find(|arg| arg.starts_with("/root/") || arg.starts_with("~/")))
            .flatten()
            .cloned()
    });
    let nltk = fetched.as_deref().is_some_and(|mark| mark.starts_with("nltk"))
        && (survey.all().any(|unit| sets(survey, unit, "NLTK_DATA"))
            || text.contains(" -d ")
            || text.contains("download_dir"));
    let kept = || steps.iter().filter(|_| tools).find_map(|step| kept_at_home(survey, unit, step));
    (own.or(fetched.filter(|_| !nltk)).or_else(kept), written)
}

/// What Poetry is told in root's home of virtual environments, where it starts the program and has to know.
fn poetry_settings(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Vec<(&'static str, String)> {
    let mut told = crate::model::poetry_settings(survey.model, unit.index);
    told.retain(|(variable, _)| !survey.all().any(|unit| sets(survey, unit, variable)));
    let starts = |step: &Step| step.program() == "poetry";
    if !told.is_empty() && !survey.runs().any(starts) && super::user::unread_script(survey).is_none() {
        told.clear();
    }
    told
}

/// What a command puts into root's home for those who call tools in the image: an installer's tools, or a folder.
fn kept_at_home(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    /// The folders of installers, with the variables that move them.
    const MOVED: [(&str, &str); 12] = [
        (".composer", "COMPOSER_HOME"),
        (".opam", "OPAMROOT"),
        (".julia", "JULIA_DEPOT_PATH"),
        (".cargo", "CARGO_HOME"),
        (".nvm", "NVM_DIR"),
        (".sdkman", "SDKMAN_DIR"),
        (".bun", "BUN_INSTALL"),
        (".deno", "DENO_INSTALL"),
        (".poetry", "POETRY_HOME"),
        (".stack", "STACK_ROOT"),
        (".rvm", "rvm_path"),
        (".local", "POETRY_HOME"),
    ];
    if let Effect::Store(Store::Home(folder)) = step.effect() {
        // What an image that nobody knows has set can't be told, and then its home is root's still.
        let unknown = survey.facts.user.is_none();
        let moved = |variable: &str| {
            let set = match survey.model.variable(unit.index, variable) {
                Value::Set(_) => true,
                Value::Unknown => !unknown,
                Value::Unset => false,
            };
            set || step.assignments.iter().any(|pair| pair.split('=').next() == Some(variable))
        };
        // Caches are filled again, and the others have variables of their own above, or settings that nobody needs again.
        if matches!(*folder, ".m2" | ".mix" | ".bundle" | ".npmrc" | ".gradle" | ".local/share/virtualenvs") {
            return None;
        }
        let elsewhere = MOVED.iter().any(|(known, variable)| known == folder && moved(variable));
        return (!elsewhere).then(|| format!("~/{folder}"));
    }
    if step.program() != "mkdir" && !(matches!(step.program(), "git") && step.subcommand() == Some("clone")) {
        return None;
    }
    let own = |path: &String| {
        let rest = paths::relative(path, "/root").unwrap_or_default();
        let first = rest.split('/').next().unwrap_or_default();
        !first.is_empty()
            && !matches!(first, ".ssh" | ".cache" | ".npm" | ".gnupg" | "tmp" | "src" | "source" | "sources" | "build")
            && !homes::is_for_shells(first)
            && !homes::is_for_builds(first)
    };
    let named = step.operands().filter(|word| word.starts_with("~/") || word.starts_with("/root/"));
    named.filter_map(|word| step.path(word)).find(|path| own(path) && !taken_away(survey, path))
}

/// The files and folders that commands of the build put into root's home for what starts: by name what programs read there,
/// or called like what starts.
pub(super) fn settings(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let called = |first: &str| {
        let stem = first.trim_start_matches('.');
        let like = |word: &str| {
            let name = paths::name(word);
            stem.len() > 3 && name.len() > 3 && (name.starts_with(stem) || stem.starts_with(name))
        };
        first.starts_with('.')
            && !homes::is_for_builds(first)
            && !homes::is_for_shells(first)
            && survey.runs().any(|step| like(step.program()) || step.starts_module(like))
    };
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        let text = unit.text();
        let named = ["/root/", "~/", "$HOME/", "${HOME}/"].iter().any(|home| text.contains(home))
            || survey.model.workdir(unit.index).is_some_and(|at| paths::within(at, "/root"));
        if !named || survey.model.user(unit.index).is_some_and(|user| !user.known || !super::who::is_root(&user.text)) {
            continue;
        }
        for step in survey.steps(unit) {
            let written: Vec<&str> = match step.program() {
                "mkdir" | "touch" | "tee" | "install" | "wget" | "curl" | "git" | "tar" | "unzip" => {
                    step.args().iter().map(String::as_str).collect()
                }
                "cp" | "mv" | "ln" => step.operands().last().into_iter().collect(),
                _ => Vec::new(),
            };
            for word in written.into_iter().chain(step.outputs.iter().map(String::as_str)) {
                let Some(path) = path_of_root(step, word) else { continue };
                let rest = paths::relative(&path, "/root").unwrap_or_default();
                let first = rest.split('/').next().unwrap_or_default();
                let folder = paths::join("/root", first);
                if !first.is_empty()
                    && (homes::is_for_programs(first) || called(first))
                    && !taken_away(survey, &path)
                    && !found.contains(&folder)
                {
                    found.push(folder);
                }
            }
        }
    }
    found
}

/// Whether a script in Julia may bring packages into root's home: it can't be read, or speaks of them.
fn brings_julia(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let moved = |unit: &Unit<'_>| ["JULIA_DEPOT_PATH", "JULIA_PKGDIR"].iter().any(|name| sets(survey, unit, name));
    let script = step.args().iter().find(|arg| arg.ends_with(".jl")).filter(|_| step.program() == "julia");
    script.is_some_and(|script| {
        let text = step.path(script).and_then(|path| survey.read(&path));
        text.is_none_or(|text| memchr::memmem::find(&text, b"Pkg").is_some()) && !survey.all().any(moved)
    })
}

/// The path that a word names for root, whose home `~` and `$HOME` are.
pub(super) fn path_of_root(step: &Step, word: &str) -> Option<String> {
    let word = word.replacen("${HOME}", "~", 1).replacen("$HOME", "~", 1);
    step.path(&word).filter(|_| !word.contains(['$', '*']))
}

/// Whether a command of the build takes a path away again.
pub(super) fn taken_away(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.units.iter().flat_map(|unit| survey.steps(unit)).any(|step| {
        let operands: Vec<&str> = step.operands().collect();
        let gone = match step.program() {
            "rm" => operands.as_slice(),
            "mv" => operands.split_last().map_or(&[][..], |(_, sources)| sources),
            _ => &[],
        };
        gone.iter().any(|gone| match gone.split_once('*') {
            // A pattern names what begins so, and nothing hidden where it is all of the name.
            Some((head, _)) => path_of_root(step, head).is_some_and(|named| {
                let whole = head.is_empty() || head.ends_with('/');
                let rest = path.strip_prefix(named.as_str());
                rest.is_some_and(|rest| !whole || rest.starts_with('/') && !rest.starts_with("/."))
            }),
            None => path_of_root(step, gone).is_some_and(|named| paths::within(path, &named)),
        })
    })
}

/// Whether the unit sets the variable.
fn sets(survey: &Survey<'_, '_>, unit: &Unit<'_>, name: &str) -> bool {
    matches!(unit.instruction.keyword, Keyword::Env)
        && unit.instruction.pairs(survey.model.file.escape).iter().any(|pair| {
            pair.name.raw == name
                || (name.starts_with("PUPPETEER") && pair.name.raw.starts_with("PUPPETEER_"))
                || (name == "HF_HOME"
                    && matches!(
                        pair.name.raw,
                        "TRANSFORMERS_CACHE" | "HF_HUB_CACHE" | "XDG_CACHE_HOME" | "SENTENCE_TRANSFORMERS_HOME"
                    ))
        })
}

/// Whether a manifest asks for a Puppeteer that puts its browsers into the home folder; before 19 they lay in the module.
fn keeps_browsers_at_home(manifest: &[u8]) -> bool {
    if memchr::memmem::find(manifest, b"\"puppeteer\"").is_none() {
        return false;
    }
    let manifest: Option<serde_json::Value> = serde_json::from_slice(manifest).ok();
    let lists = ["dependencies", "devDependencies"];
    let range = manifest
        .as_ref()
        .and_then(|manifest| lists.iter().find_map(|list| manifest.get(list)?.get("puppeteer")?.as_str()));
    let major =
        range.and_then(|range| range.trim_start_matches(['^', '~', '=', 'v']).split('.').next()?.parse::<u32>().ok());
    major.is_none_or(|major| major >= 19)
}

/// Whether a command of the build fills the cache.
fn fills(survey: &Survey<'_, '_>, index: usize, step: &Step, cache: Cache) -> bool {
    let has = |word: &str| step.argv.iter().any(|arg| arg == word);
    match cache.variable {
        "PLAYWRIGHT_BROWSERS_PATH" => {
            // `pip install playwright` names it behind the verb.
            let named = |word: &String| paths::name(word).starts_with("playwright") && !word.contains('=');
            let behind = step.argv.iter().skip_while(|word| !named(word)).skip(1);
            behind.into_iter().any(|word| word == "install")
        }
        "PUPPETEER_CACHE_DIR" => {
            let install = matches!(step.program(), "npm" | "yarn" | "pnpm")
                && (has("install") || has("ci") || has("i") || has("add") || step.argv.len() == 1);
            install
                && !has("--ignore-scripts")
                && (has("puppeteer")
                    || step
                        .path("package.json")
                        .and_then(|path| survey.read(&path))
                        .is_some_and(|manifest| keeps_browsers_at_home(&manifest)))
        }
        "COREPACK_HOME" => {
            let managers = |program: &str| matches!(program, "pnpm" | "yarn");
            let starts = survey
                .entry
                .steps
                .iter()
                .chain(survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten());
            // The stage below has it enabled, and it fetches the manager when that is first called.
            let below = || {
                let mut below = survey.below.iter().flat_map(|unit| survey.steps(unit));
                managers(step.program()) && below.any(|step| step.program() == "corepack")
            };
            (step.program() == "corepack" || step.by_corepack || below())
                && starts.into_iter().any(|step| managers(step.program()))
                && survey.units.iter().any(|unit| survey.steps(unit).iter().any(|step| managers(step.program())))
        }
        "UV_PYTHON_INSTALL_DIR" => {
            let python = || {
                let names =
                    |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Run && unit.text().contains("python3");
                survey.facts.language == Some("python") || survey.all().any(names)
            };
            step.program() == "uv"
                && (step.subcommand() == Some("python") && has("install")
                    || matches!(step.subcommand(), Some("sync" | "venv"))
                        && (!python() || uv::source(survey.model, survey.stage, index, step) != uv::Source::Image))
        }
        "POETRY_VIRTUALENVS_PATH" => {
            step.program() == "poetry"
                && matches!(step.subcommand(), Some("install" | "add" | "update" | "sync"))
                && crate::model::virtualenv(survey.model, survey.stage)
        }
        "WORKON_HOME" => {
            step.program() == "pipenv"
                && matches!(step.subcommand(), Some("install" | "sync" | "update"))
                && !has("--system")
                && !survey.all().any(|unit| unit.text().contains("PIPENV_VENV_IN_PROJECT"))
        }
        "MIX_HOME" => {
            let starts = survey
                .entry
                .steps
                .iter()
                .chain(survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten());
            step.program() == "mix"
                && step.subcommand().is_some_and(|verb| verb.starts_with("local.") || verb.starts_with("archive."))
                && (obstacles::only_a_shell(survey)
                    || starts.into_iter().any(|step| matches!(step.program(), "mix" | "iex")))
        }
        // Packages, and what is compiled of them; before 0.7, where nobody says `using Pkg`, another variable said where.
        "JULIA_DEPOT_PATH" => {
            let fetches = |word: &String| {
                let brings = ["using Pkg", "import Pkg"].iter().any(|mark| word.contains(mark));
                let works = ["add(", "instantiate", "develop(", "build(", "update(", "pkg\""];
                brings && works.iter().any(|mark| word.contains(mark))
            };
            step.program() == "julia"
                && step.args().iter().any(fetches)
                && !survey.all().any(|unit| sets(survey, unit, "JULIA_PKGDIR"))
                && (survey.runs().any(|step| matches!(step.program(), "julia" | "jupyter" | "ipython"))
                    || obstacles::only_a_shell(survey)
                    || survey.entry.is_empty() && survey.facts.program == Some("julia"))
        }
        // What Dart runs without having compiled it reads its packages where they were fetched to.
        "PUB_CACHE" => {
            let starts = survey
                .entry
                .steps
                .iter()
                .chain(survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten());
            let fetches = match step.program() {
                "pub" => matches!(step.subcommand(), Some("get" | "upgrade")),
                "dart" | "flutter" => step.subcommand() == Some("pub") && (has("get") || has("upgrade")),
                _ => false,
            };
            fetches
                && (obstacles::only_a_shell(survey)
                    || starts.into_iter().any(|step| matches!(step.program(), "dart" | "pub" | "flutter")))
        }
        "HF_HOME" => {
            if !matches!(step.program(), "huggingface-cli" | "hf" | "python" | "python3")
                || has("--local-dir")
                || step.argv.iter().any(|word| word.contains("local_dir") || word.contains("cache_dir"))
            {
                return false;
            }
            let tool = matches!(step.program(), "huggingface-cli" | "hf") && has("download");
            let inline = matches!(step.program(), "python" | "python3") && step.args().iter().any(|arg| models(arg));
            tool || inline || programs(survey, step).iter().any(|text| models(text))
        }
        _ => false,
    }
}

/// Whether a program's text fetches models into `~/.cache/huggingface`.
fn models(text: &str) -> bool {
    fetches::of(text).is_some_and(|(fetch, _)| fetch == Fetch::Models)
}

/// The texts of the project's Python that a command of the build runs.
fn programs(survey: &Survey<'_, '_>, step: &Step) -> Vec<String> {
    let texts = python::files(step).into_iter().filter_map(|path| survey.read(&path));
    texts.map(|text| crate::context::text(&text).into_owned()).collect()
}
