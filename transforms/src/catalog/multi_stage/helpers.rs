//! Tools that only the build uses, whatever way they come into the image: copied from an image of their own, put into the
//! home by an installer, or Node's packages in an image of another language.

use std::sync::LazyLock;

use crate::knowledge::images::Kind;
use crate::knowledge::packages::program_package;
use crate::knowledge::releases::Manager;
use crate::knowledge::sorted::Sorted;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::plan::Recipe;
use super::survey::{Survey, Unit};

/// Modules of other languages that start Node.
static STARTERS: Sorted = Sorted::new(include_str!("../../../data/starters.tsv"));

/// What is taken for granted where Node stays behind.
pub(super) const NODE_BUNDLES: &str = "Node is there to bundle files, and nothing starts it when the container runs";

/// Whether nothing that runs in the shipped image starts one of these programs, as far as that can be seen: what starts,
/// the health check, and the instructions behind the build.
pub(super) fn unstarted(survey: &Survey<'_, '_>, last_build: usize, is_one: impl Fn(&str) -> bool) -> bool {
    let later = survey.units.iter().skip(last_build + 1).flat_map(|unit| unit.steps.iter().chain(unit.own));
    let named = |step: &Step| {
        step.argv.iter().any(|word| is_one(paths::name(word)) || word.split_ascii_whitespace().any(&is_one))
    };
    !survey.entry.steps.iter().chain(later).chain(&survey.checks).any(named)
}

/// The program of the build that a COPY brings from another image, where it brings nothing else: `composer`, `uv`. All
/// that starts it is work of the build.
pub(super) fn copied<'t>(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    unit: &Unit<'_>,
    targets: &'t [String],
) -> Option<&'t str> {
    const FOLDERS: [&str; 4] = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/bin"];
    let elsewhere = unit.instruction.flags.iter().any(|flag| flag.name == "from");
    let programs: Vec<&str> = targets.iter().map(|target| paths::name(target)).collect();
    if !elsewhere || recipe.opaque_entry || !targets.iter().all(|target| FOLDERS.contains(&paths::parent(target))) {
        return None;
    }
    let starts =
        |step: &Step| programs.contains(&step.program()) || step.argv.iter().any(|word| targets.contains(word));
    let mut works =
        survey.units.iter().take(recipe.last_build + 1).flat_map(|unit| unit.steps).filter(|step| starts(step));
    let all = works.clone().all(|step| effects::of(step).is_work() || matches!(effects::of(step), Effect::Nothing));
    let first = works.find(|step| effects::of(step).is_work())?;
    let known = matches!(first.kind(), "composer" | "uv" | "poetry" | "pipenv");
    let unused = unstarted(survey, recipe.last_build, |word| programs.contains(&word))
        && !programs.iter().any(|program| recipe.programs.has(program));
    (all && known && unused).then(|| programs.into_iter().find(|name| *name == first.program())).flatten()
}

/// Whether Node is in an image of another language for the files that its tools bundle, and nothing that runs starts it.
pub(super) fn bundles(survey: &Survey<'_, '_>, recipe: &Recipe) -> bool {
    // Ruby's libraries start Node by themselves; in an image that is made for nothing, it may be what is served by.
    let other = survey.model.known(survey.stage).is_some_and(|image| {
        image
            .language()
            .map_or(image.kind() == Kind::Server, |language| !matches!(language, "node" | "ruby" | "elixir"))
    });
    let is_node = |word: &str| Words::NodePrograms.has(word);
    other
        && !recipe.opaque_entry
        && survey.units.iter().take(recipe.last_build + 1).flat_map(|unit| unit.steps).any(bundles_files)
        && unstarted(survey, recipe.last_build, is_node)
        && !Words::NodePrograms.list().iter().any(|program| recipe.programs.has(program))
        && !starts_node(survey)
        && !Words::NodePrograms.list().iter().any(|program| survey.calls(program))
}

/// Whether a command bundles a project's files: `npm run build`, `yarn prod`, `gulp`.
fn bundles_files(step: &Step) -> bool {
    let runs = matches!(step.program(), "npm" | "yarn" | "pnpm" | "npx");
    let bundler = matches!(
        step.program(),
        "gulp"
            | "grunt"
            | "webpack"
            | "webpack-cli"
            | "vite"
            | "encore"
            | "mix"
            | "rollup"
            | "parcel"
            | "esbuild"
            | "ng"
    ) && step.kind() == "compile";
    matches!(effects::of(step), Effect::Build)
        && (bundler || runs && step.args().iter().any(|word| Words::BundlingScripts.has(word.as_str())))
}

/// Whether the project's lists of modules name one that starts Node by itself.
fn starts_node(survey: &Survey<'_, '_>) -> bool {
    const LISTS: [&str; 6] =
        ["composer.json", "requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "requirements.in"];
    survey.model.context.is_some_and(|context| {
        context.files().iter().filter(|file| LISTS.contains(&paths::name(file))).any(|file| {
            context.read(file).is_none_or(|text| {
                let text = crate::context::text(&text).to_ascii_lowercase();
                STARTERS.rows().any(|row| text.contains(row.key))
            })
        })
    })
}

/// Whether a package of the distribution, or of an archive of its own, is Node or one of its tools.
pub(super) fn is_node_package(manager: Manager, package: &str) -> bool {
    static LISTED: LazyLock<Vec<(Manager, &str)>> = LazyLock::new(|| {
        let managers = [Manager::Apt, Manager::Apk, Manager::Yum, Manager::Zypper, Manager::Pacman];
        let brought = |manager| {
            Words::NodePrograms
                .list()
                .iter()
                .filter_map(move |program| Some((manager, program_package(manager, program)?)))
        };
        managers.into_iter().flat_map(brought).collect()
    });
    let name = package.split(['=', '<', '>', '~', ':']).next().unwrap_or(package);
    matches!(name, "nodejs" | "nodejs-legacy" | "nodejs-npm" | "npm" | "yarn" | "nodejs-current")
        || LISTED.contains(&(manager, name))
}

/// Whether a command tells the package manager of an archive that has nothing but Node's packages.
pub(super) fn is_node_archive(unit: &Unit<'_>, step: &Step) -> bool {
    let same = || unit.steps.iter().filter(|other| other.item == step.item);
    let mut words = same().flat_map(|step| step.argv.iter().chain(&step.piped).chain(&step.outputs));
    words.any(|word| {
        effects::archive(word)
            .is_some_and(|packages| packages.split(' ').all(|name| is_node_package(Manager::Apt, name)))
    })
}

/// Whether the file tells the package manager of an archive that something in the shipped image may come from.
pub(super) fn has_archives(survey: &Survey<'_, '_>, recipe: &Recipe) -> bool {
    let mut node = None;
    survey.units.iter().any(|unit| {
        unit.steps.iter().any(|step| {
            matches!(effects::of(step), Effect::Repository)
                && !(is_node_archive(unit, step) && *node.get_or_insert_with(|| bundles(survey, recipe)))
        })
    })
}

/// Where Corepack keeps the package managers that both stages start, with the variable that says so. Its own choice is in
/// the home of who installs, where another user does not find them.
pub(super) const COREPACK: (&str, &str) = ("COREPACK_HOME", "/opt/corepack");

/// The first unit that sets Corepack up, where the build has it fetch a package manager, what starts is that one, and
/// nothing says where it is kept.
pub(super) fn corepack(survey: &Survey<'_, '_>, programs: &[String]) -> Option<usize> {
    let manages = |program: &str| matches!(program, "pnpm" | "yarn");
    let starts = survey.entry.steps.iter().map(Step::program).chain(programs.iter().map(String::as_str)).any(manages);
    let said = || {
        survey.model.env_names(survey.stage).any(|(_, name)| [COREPACK.0, "XDG_CACHE_HOME"].contains(&name))
            || survey.steps().any(|(_, step)| step.assignments.iter().any(|text| text.starts_with(COREPACK.0)))
    };
    let sets_up = |unit: &Unit<'_>| unit.steps.iter().any(|step| step.program() == "corepack" || step.by_corepack);
    let first = survey.units.iter().find(|unit| sets_up(unit))?;
    let fetches = survey.steps().any(|(_, step)| manages(step.program()) || step.subcommand() == Some("prepare"));
    (starts && fetches && !said()).then_some(first.index)
}
