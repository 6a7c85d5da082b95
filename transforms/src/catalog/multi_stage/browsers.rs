//! The browser that Puppeteer downloads while it is installed: it lies in the home of who installs, not among the modules.

use serde_json::Value as Json;

use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::words::Value;

use super::stores;
use super::survey::{Survey, Unit};

/// The first version that keeps its browsers in the home; those before had them in their own folder.
const IN_THE_HOME: u32 = 19;

/// Variables by which nothing is downloaded.
const SKIPS: [&str; 3] =
    ["PUPPETEER_SKIP_CHROMIUM_DOWNLOAD", "PUPPETEER_SKIP_CHROME_DOWNLOAD", "PUPPETEER_SKIP_DOWNLOAD"];

/// The folder into which a command downloads Puppeteer's browser.
pub(super) fn kept(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    if !(asks(step) || names(survey, step) || installs(step) && is_listed(survey, step)) {
        return None;
    }
    let set = |name: &str| match survey.model.variable(unit.index, name) {
        Value::Set(value) => Some(value.to_string()),
        _ => None,
    };
    let skips = |name: &str| {
        set(name).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
            || step.assignments.iter().any(|pair| pair.split('=').next() == Some(name))
    };
    // What the project's own settings say of the place is in the project.
    let settings = |file: &String| {
        let name = paths::name(file);
        name.starts_with(".puppeteerrc") || name.starts_with("puppeteer.config.")
    };
    if SKIPS.iter().any(|name| skips(name)) || survey.model.context.is_some_and(|one| one.files().iter().any(settings))
    {
        return None;
    }
    match set("PUPPETEER_CACHE_DIR") {
        Some(folder) => step.path(&folder),
        None => Some(paths::join(&stores::home(survey, unit), ".cache/puppeteer")),
    }
}

/// `npx puppeteer browsers install chrome`
fn asks(step: &Step) -> bool {
    let mut words = step.argv.iter().skip_while(|word| *word != "puppeteer").skip(1);
    words.next().is_some_and(|word| word == "browsers") && words.next().is_some_and(|word| word == "install")
}

/// Whether a command installs a Puppeteer by its name that downloads into the home: `npm install puppeteer@latest`.
fn names(survey: &Survey<'_, '_>, step: &Step) -> bool {
    // The version is the one that the project asks for already.
    let asked = || {
        let text = survey.read(&step.path("package.json")?)?;
        let manifest: Json = serde_json::from_str(&crate::context::text(&text)).ok()?;
        major(manifest.get("dependencies")?.get("puppeteer")?.as_str()?)
    };
    let named = |word: &str| match word.strip_prefix("puppeteer") {
        Some("") => asked().is_none_or(|it| it >= IN_THE_HOME),
        Some(rest) => rest.strip_prefix('@').is_some_and(|version| major(version).is_none_or(|it| it >= IN_THE_HOME)),
        None => false,
    };
    let manager = matches!(step.program(), "npm" | "pnpm" | "yarn");
    let verb = step.args().iter().any(|arg| matches!(arg.as_str(), "add" | "i" | "install"));
    manager && verb && !step.args().iter().any(|arg| arg == "--ignore-scripts") && step.operands().any(named)
}

/// Whether a command installs the project's modules, with what they do when they are installed.
fn installs(step: &Step) -> bool {
    let has = |word: &str| step.args().iter().any(|arg| arg == word);
    let manager = matches!(step.program(), "npm" | "pnpm" | "yarn");
    let verb = matches!(step.subcommand(), None | Some("ci" | "i" | "install"));
    manager && verb && !has("--ignore-scripts") && !has("-g") && !has("--global")
}

/// Whether the project lists a Puppeteer that downloads into the home.
fn is_listed(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let json = |name: &str| -> Option<Json> {
        let text = survey.read(&step.path(name)?)?;
        serde_json::from_str(&crate::context::text(&text)).ok()
    };
    let Some(manifest) = json("package.json") else { return false };
    // From its tenth version on, pnpm does so only for modules that are named.
    if step.program() == "pnpm" {
        let named = manifest.get("pnpm").and_then(|pnpm| pnpm.get("onlyBuiltDependencies")).and_then(Json::as_array);
        let named = named.is_some_and(|names| names.iter().any(|name| name == "puppeteer"));
        let manager = manifest.get("packageManager").and_then(Json::as_str).and_then(|text| text.strip_prefix("pnpm@"));
        if !named && manager.and_then(major).is_none_or(|major| major > 9) {
            return false;
        }
    }
    let asked = manifest.get("dependencies").and_then(|list| list.get("puppeteer")).and_then(Json::as_str);
    let locked = || {
        let lock = json("package-lock.json")?;
        let module = lock.get("packages")?.get("node_modules/puppeteer")?;
        (module.get("dev").and_then(Json::as_bool) != Some(true)).then_some(())?;
        major(module.get("version")?.as_str()?)
    };
    let version = locked().or_else(|| asked.map(|range| major(range).unwrap_or(u32::MAX)));
    version.is_some_and(|version| version >= IN_THE_HOME)
}

/// The first number of a version, or of a range of some.
fn major(version: &str) -> Option<u32> {
    let version = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}
