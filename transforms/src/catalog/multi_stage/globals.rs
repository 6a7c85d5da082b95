//! Programs of Node that are installed for everybody: `npm install -g pm2`.
//!
//! They lie beside Node itself, or among the distribution's files, so that a second install is smaller and surer than a
//! copy. What only the build starts stays behind.

use crate::knowledge::globals;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{npm, paths};

use super::plan::Recipe;
use super::survey::{Survey, Unit};
use super::{helpers, runs, stores, tidy};

/// What a command installs for everybody, where it can be installed a second time: its packages as they are written.
/// `None` where it is another command, or where what it installs has to be copied.
pub(super) fn named<'s>(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &'s Step) -> Option<Vec<&'s str>> {
    let user = survey.model.user(unit.index).map(|user| user.text.as_str());
    let root = matches!(user.and_then(|user| user.split(':').next()), None | Some("root" | "0" | ""));
    let words: Vec<&str> = step.args().iter().map(String::as_str).collect();
    let names: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
    let names = match (step.kind(), names.as_slice()) {
        ("npm" | "pnpm", ["install" | "i" | "add", names @ ..]) => names.to_vec(),
        ("yarn", ["global", "add", names @ ..]) => names.to_vec(),
        ("corepack", _) => Vec::new(),
        _ => return None,
    };
    let elsewhere = words.iter().any(|word| word.starts_with("--prefix"))
        || step.program() == "npm" && stores::npm_prefix(survey, unit, step).is_some();
    let image = survey.model.known(survey.stage);
    let node = image.as_ref().and_then(|image| image.language()) == Some("node");
    // Node from the image or from a package is in the runtime stage as well; that of an archive or of nvm is copied.
    let packaged = PACKAGES.iter().any(|name| survey.installs(name)) && !survey.steps().any(|(_, step)| is_n(step));
    let packaged = packaged || of_the_base(survey);
    let plain = |name: &&str| !name.contains(['$', '*', '~', ':']) && !name.starts_with(['.', '/']);
    let again = (node || packaged)
        && root
        && step.known
        && !elsewhere
        && names.iter().all(|name| plain(name) && (!node || globals::global(package(name)).is_some()));
    (again && (!names.is_empty() || step.program() == "corepack")).then_some(names)
}

/// The packages of distributions that bring Node, or install by it.
pub(super) const PACKAGES: [&str; 12] = [
    "nodejs",
    "nodejs-current",
    "nodejs-current-npm",
    "nodejs-lts",
    "nodejs-npm",
    "nodejs6",
    "nodejs8",
    "nodejs10",
    "nodejs12",
    "nodejs14",
    "npm",
    "yarn",
];

/// Whether a command puts another Node into the place of that of a package, or of none: `n 10.16.3`.
fn is_n(step: &Step) -> bool {
    matches!(step.program(), "n" | "nodenv" | "fnm")
}

/// Whether Node is of packages alone, and all of them are taken away again: what was installed by it does not start.
fn node_is_taken_away(survey: &Survey<'_, '_>) -> bool {
    let image = survey.model.known(survey.stage);
    if image.is_none_or(|image| image.language() == Some("node")) || survey.steps().any(|(_, step)| is_n(step)) {
        return false;
    }
    let removed: Vec<&str> = survey
        .steps()
        .filter_map(|(_, step)| match effects::of(step) {
            Effect::Remove(packages) => Some(packages.names.iter().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect();
    let mut brings = survey.steps().filter_map(|(_, step)| match effects::of(step) {
        Effect::Install(packages) => {
            let name = packages.names.iter().find(|name| PACKAGES.contains(&name.as_str()))?;
            Some(tidy::virtual_name(step).unwrap_or(name))
        }
        _ => None,
    });
    let first = brings.next();
    first.is_some_and(|first| removed.contains(&first)) && brings.all(|name| removed.contains(&name))
}

/// Whether the base image, which is not known, brings Node itself: no command of the file does.
fn of_the_base(survey: &Survey<'_, '_>) -> bool {
    const MARKS: [&str; 6] = ["nvm", "node-v", "nodejs.org", "nodesource", "/node:", "volta"];
    let unknown = survey.model.known(survey.stage).is_none();
    let brings = |step: &Step| {
        let words = step.argv.iter().chain(&step.piped).chain(&step.outputs);
        is_n(step)
            || words.into_iter().any(|word| MARKS.iter().any(|mark| word.contains(mark)))
            || step.cwd.as_deref().is_some_and(|cwd| paths::name(cwd).starts_with("node"))
    };
    let copies = |unit: &Unit<'_>| unit.copy.as_ref().is_some_and(|copy| !copy.context);
    unknown && !survey.steps().any(|(_, step)| brings(step)) && !survey.units.iter().any(copies)
}

/// Whether what a command installs for everybody goes along with other programs that are copied.
pub(super) fn copied(survey: &Survey<'_, '_>, recipe: &Recipe, step: &Step) -> bool {
    let node = survey.model.known(survey.stage).is_some_and(|image| image.language() == Some("node"));
    let goes = |folder: &str| recipe.carried.iter().any(|carried| paths::within(folder, &carried.from));
    node && step.program() == "npm" && goes("/usr/local/lib/node_modules") && goes("/usr/local/bin")
}

/// The command that installs in the runtime stage what is started there; `None` where nothing of it is.
pub(super) fn again(survey: &Survey<'_, '_>, recipe: &Recipe, step: &Step, names: &[&str]) -> Option<String> {
    let text = |words: Vec<&str>| words.into_iter().map(runs::quoted).collect::<Vec<_>>().join(" ");
    if node_is_taken_away(survey) {
        return None;
    }
    if step.program() == "corepack" {
        let starts = ["yarn", "yarnpkg", "pnpm", "pnpx"].iter().any(|program| is_started(survey, recipe, program));
        return starts.then(|| text(step.argv.iter().map(String::as_str).collect()));
    }
    // A script of `package.json` starts programs by their names as well.
    let read = |path: &str| survey.model.context?.read(&survey.context_path(path)?);
    let index = survey.entry.cmd.or(survey.entry.entrypoint).unwrap_or_default();
    let managers = |step: &&Step| matches!(step.kind(), "npm" | "yarn" | "pnpm" | "npx");
    let mut behind: Vec<Step> = Vec::new();
    let mut blind = recipe.opaque_entry;
    for step in survey.entry.steps.iter().filter(managers) {
        let found = npm::behind(survey.model, index, step, &read);
        blind |= found.is_empty() || found.iter().any(|one| managers(&one) || one.argv == step.argv);
        behind.extend(found);
    }
    let scripted = |program: &str| behind.iter().any(|step| step.argv.iter().any(|word| word == program));
    let wanted = |name: &str| {
        if taken_away(survey, package(name)) {
            return false;
        }
        let Some(global) = globals::global(package(name)) else { return true };
        let manager = matches!(package(name), "npm" | "yarn" | "pnpm" | "npx" | "node-gyp");
        // What the build itself never calls is there for what can't be read, or for people.
        let calls =
            |step: &Step| step.argv.first().is_some_and(|word| global.programs().any(|program| word == program));
        let idle = || !survey.steps().any(|(_, step)| calls(step));
        let keeps = || matches!(package(name), "yarn" | "pnpm") && idle();
        !global.builds
            || blind && (!manager || keeps())
            || node_is_idle(survey, recipe) && (!manager && idle() || keeps())
            || global.programs().any(|program| scripted(program) || is_started(survey, recipe, program))
    };
    if !names.iter().any(|name| wanted(name)) {
        return None;
    }
    let words = step.argv.iter().map(String::as_str);
    Some(text(words.filter(|word| !names.contains(word) || wanted(word)).collect()))
}

/// Whether Node is added to an image of another language, and nothing of the build starts it: people do, in the container.
fn node_is_idle(survey: &Survey<'_, '_>, recipe: &Recipe) -> bool {
    let image = survey.model.known(survey.stage);
    let other = image.as_ref().and_then(|image| image.language()).is_some_and(|language| language != "node");
    let starts = |unit: &Unit<'_>, step: &Step| match step.kind() {
        "npm" | "yarn" | "pnpm" => named(survey, unit, step).is_none(),
        kind => kind == "npx" || step.program() == "node",
    };
    other
        && !helpers::bundles(survey, recipe)
        && !survey.units.iter().any(|unit| unit.steps.iter().any(|step| starts(unit, step)))
}

/// Whether a package that is installed for everybody is taken away again: `npm uninstall -g gulp`.
fn taken_away(survey: &Survey<'_, '_>, name: &str) -> bool {
    survey.steps().any(|(_, step)| {
        let global = step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global"));
        matches!(step.kind(), "npm" | "pnpm")
            && global
            && matches!(step.subcommand(), Some("uninstall" | "un" | "remove" | "rm"))
            && step.args().iter().any(|arg| package(arg) == name)
    })
}

/// Whether what runs in the runtime stage starts a program by its name.
fn is_started(survey: &Survey<'_, '_>, recipe: &Recipe, program: &str) -> bool {
    let named = |step: &Step| step.argv.iter().any(|word| word == program) || step.program() == program;
    recipe.programs.has(program)
        || program == "yarn" && bundles_when_asked(survey)
        || survey.entry.steps.iter().chain(&survey.checks).any(named)
        || survey.units.iter().skip(recipe.last_build + 1).flat_map(|unit| unit.steps).any(named)
}

/// Whether Rails bundles scripts by Webpacker when a page asks for them, as it does where the build has not: it starts Yarn
/// to find webpack.
fn bundles_when_asked(survey: &Survey<'_, '_>) -> bool {
    const BUNDLERS: [&[u8]; 2] = [b"webpacker", b"shakapacker"];
    const BUNDLES: [&str; 4] =
        ["assets:precompile", "webpacker:compile", "shakapacker:compile", "webpacker:yarn_install"];
    let built = || survey.steps().any(|(_, step)| step.argv.iter().any(|word| BUNDLES.contains(&word.as_str())));
    let named = |text: &[u8]| BUNDLERS.iter().any(|name| memchr::memmem::find(text, name).is_some());
    survey.model.context.is_some_and(|context| {
        let mut lists = context.files().iter().filter(|file| paths::name(file) == "Gemfile");
        lists.any(|file| context.read(file).is_some_and(|text| named(&text)))
    }) && !built()
}

/// A package without its version: `@scope/name@1.2`, `name@latest`.
fn package(name: &str) -> &str {
    match name.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => name.get(..at).unwrap_or(name),
        None => name,
    }
}
