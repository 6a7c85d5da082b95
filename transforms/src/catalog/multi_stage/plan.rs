//! Where each instruction goes, and why.

use crate::knowledge::homes;
use crate::knowledge::images::RunsAs;
use crate::knowledge::releases::Manager;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{base, paths};
use crate::span::Span;
use crate::syntax::typed::ImageRef;
use crate::syntax::{Keyword, words};
use crate::transform::{Applicability, Refusal};

use super::programs::Programs;
use super::runtime::Runtime;
use super::survey::{PATH, Survey, Unit, reads, refuse};
use super::{accounts, helpers, lean, runs, stores, tidy, tools, whole};

/// Where an instruction goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// It stays in the builder only.
    Builder,
    /// It goes to the runtime stage only.
    Runtime,
    /// It stays, and the runtime stage has it too.
    Both,
    /// It stays, and the runtime stage has this in its place.
    BuilderAnd(String),
}

/// A decision, with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) place: Place,
    pub(super) evidence: String,
}

/// `COPY --from=builder from to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) from: String,
    pub(super) to: String,
    /// Who owns it, where that is not root.
    pub(super) owner: Option<String>,
    pub(super) evidence: String,
}

/// What an ecosystem knows about a stage: the part of the plan that is its own.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// The unit in which the last build work is.
    pub(super) last_build: usize,
    pub(super) runtime: Runtime,
    /// What is carried over, in order.
    pub(super) carried: Vec<Carried>,
    /// Folders whose contents the runtime stage does not need from instructions: they are carried over, or belong to
    /// the toolchain.
    pub(super) builder_folders: Vec<String>,
    /// Commands for the beginning of the runtime stage that no instruction has.
    pub(super) setup: Vec<String>,
    /// Commands for the runtime stage that need what is carried.
    pub(super) finish: Vec<String>,
    /// Packages that the commands of the runtime stage install.
    pub(super) installed: Vec<String>,
    /// Whether the user in force at the end of the build owns what is carried.
    pub(super) user_owns: bool,
    /// Whether the runtime image is another one than the base, with less in it.
    pub(super) smaller: bool,
    /// Packages that the runtime image lacks and what is carried needs.
    pub(super) libraries: Vec<String>,
    /// Those of them, and of the tools, that an install of the file can take along.
    pub(super) joining: Vec<String>,
    /// Whether nothing starts but a web server that serves files.
    pub(super) serves: bool,
    /// Programs that the scripts start which the image starts.
    pub(super) scripted: Vec<String>,
    /// Those, and the programs that the commands of the runtime stage start.
    pub(super) programs: Programs,
    /// Whether the runtime stage has to know other archives than the distribution's.
    pub(super) repositories: bool,
    /// Commands for the head of the runtime stage that install what its other commands start.
    pub(super) tools: Vec<String>,
    /// Whether a script starts that can't be read: then every program that a person installs for use stays.
    pub(super) opaque_entry: bool,
    /// Whether programs of Node that are installed for everybody are installed again, and not copied.
    pub(super) globals: bool,
    /// Whether the project that a COPY puts into the root folder is of no use when the container runs.
    pub(super) sources_stay: bool,
    /// Variables of the base image that the program asks for.
    pub(super) variables: Vec<&'static str>,
    /// Commands for the end of the builder that no instruction has.
    pub(super) build: Vec<String>,
    /// Text for the builder, by the place in the file that it goes to.
    pub(super) inserts: Vec<(usize, String)>,
    /// Commands that unpack an archive among the files of the system, into folders that are accounted for.
    pub(super) unpacked: Vec<Span>,
    /// Instructions that both stages have, as a command of the stage that they would not be in stands on them.
    pub(super) shared: Vec<usize>,
    /// What is copied before an instruction of the runtime stage that reads it: the instruction, and the path in the
    /// builder.
    pub(super) before: Vec<(usize, String)>,
    /// A new CMD or ENTRYPOINT: the instruction and the text of its arguments.
    pub(super) start: Option<(usize, String)>,
    /// Variables that only the toolchain reads.
    pub(super) toolchain_variables: &'static [&'static str],
    pub(super) assumptions: Vec<String>,
    pub(super) applicability: Applicability,
}

/// The whole plan for a stage.
pub(super) struct Plan {
    pub(super) recipe: Recipe,
    /// One for each unit of the survey.
    pub(super) decisions: Vec<Decision>,
    /// The working directory that the runtime stage has to set before what is left in place.
    pub(super) workdir: Option<String>,
    /// Whether the runtime stage has to become root first, as the builder did: its base runs as somebody else, or may.
    pub(super) becomes_root: bool,
    /// USER for the runtime stage, where one was in force before the place where the stages part.
    pub(super) user: Option<String>,
    /// The first unit that stays where it is, after the new FROM.
    pub(super) pivot: usize,
}

/// Variables that only matter while an image is built, whatever the ecosystem.
const BUILD_VARIABLES: [&str; 6] =
    ["DEBIAN_FRONTEND", "DEBCONF_NONINTERACTIVE_SEEN", "MAKEFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS"];

/// Decides for every unit.
pub(super) fn plan(survey: &Survey<'_, '_>, mut recipe: Recipe) -> Result<Plan, Refusal> {
    // Clean-up right after the build belongs to it.
    while survey.units.get(recipe.last_build + 1).is_some_and(|unit| cleans(&recipe, unit))
        && !fetches_for_later(survey, recipe.last_build + 1)
    {
        recipe.last_build += 1;
    }
    let mut pivot = recipe.last_build + 1;
    // A pass tells which programs the runtime stage starts, the next keeps the packages that bring them, and may start
    // others for that.
    const PASSES: usize = 4;
    let first = recipe.clone();
    let (mut decisions, mut unknown) = decide_all(survey, &mut recipe, pivot)?;
    let mut joined: Vec<String> = Vec::new();
    for pass in 1..PASSES {
        let mut joining = first.libraries.clone();
        if recipe.smaller {
            joining.extend(tools::packages(survey, &recipe, &decisions).into_iter().map(str::to_owned));
        }
        joining.retain(|package| !recipe.installed.contains(package) || joined.contains(package));
        joining.sort_unstable();
        joining.dedup();
        joined.clone_from(&joining);
        // Where the first pass was told everything that it asked for, a second one would say the same.
        let told = |program: &String| first.programs.has(program) || pass == 1 && !recipe.programs.was_missed(program);
        let same = joining == recipe.joining && recipe.repositories == first.repositories;
        if same && recipe.programs.names().iter().all(told) {
            break;
        }
        let programs = std::mem::take(&mut recipe.programs).again();
        let before = (programs.names().len(), recipe.repositories);
        recipe = Recipe { joining, programs, repositories: before.1, installed: Vec::new(), ..first.clone() };
        (decisions, unknown) = decide_all(survey, &mut recipe, pivot)?;
        let (known, added) = recipe.programs.names().split_at(before.0);
        if added.iter().all(|program| known.contains(program)) && recipe.repositories == before.1 {
            break;
        }
    }

    // What would move from the end of the builder to the runtime stage stays where it is.
    while pivot > 1 && decisions.get(pivot - 1).is_some_and(|decision| decision.place == Place::Runtime) {
        pivot -= 1;
        recipe.last_build = pivot - 1;
    }
    let lost = lost(survey, &recipe, &decisions, pivot);
    recipe.carried.extend(lost);
    recipe.carried.retain(|carried| !is_taken_away(survey, &carried.from, pivot));
    if let Some(carried) = recipe.carried.iter().find(|carried| !paths::plain(&carried.from) || carried.from == "/") {
        let text = format!("{}: where that is can't be told from the file ({})", carried.evidence, carried.from);
        return Err(refuse("unknown-path", text, false));
    }

    // The cache of libraries is made when everything is there, by one command.
    for command in &mut recipe.finish {
        if matches!(command.as_str(), "/sbin/ldconfig" | "/usr/sbin/ldconfig") {
            *command = "ldconfig".into();
        }
    }
    if recipe.finish.iter().any(|command| command == "ldconfig") {
        recipe.finish.retain(|command| command != "ldconfig");
        recipe.finish.push("ldconfig".into());
    }
    // A folder that an instruction works in has to be there before it.
    for at in (0..recipe.finish.len()).rev() {
        let Some(folder) = recipe.finish.get(at).and_then(|command| command.strip_prefix("mkdir -p ")) else {
            continue;
        };
        let works = survey.units.iter().zip(&decisions).take(pivot).any(|(unit, decision)| match &decision.place {
            Place::Builder => false,
            Place::BuilderAnd(text) => text.contains(folder),
            Place::Runtime | Place::Both => unit.instruction.args.text.contains(folder),
        });
        // Where the instruction makes it itself, `mkdir` would find it there.
        let makes = survey.units.iter().zip(&decisions).take(pivot).any(|(unit, decision)| {
            let there = match &decision.place {
                Place::Builder => false,
                Place::BuilderAnd(text) => text.contains("mkdir") && text.contains(folder),
                Place::Runtime | Place::Both => true,
            };
            there
                && unit.steps.iter().any(|step| {
                    step.program() == "mkdir"
                        && matches!(effects::of(step), Effect::Files(made) if made.iter().any(|made| made == folder))
                })
        });
        if works {
            let command = recipe.finish.remove(at);
            if !makes {
                recipe.setup.insert(0, command);
            }
        }
    }
    // An ARG goes where it is read.
    let written: String = recipe.finish.iter().chain(&recipe.setup).map(|command| format!("{command}\n")).collect();
    for at in (0..pivot.min(survey.units.len())).rev() {
        let Some(unit) = survey.units.get(at).filter(|unit| unit.instruction.keyword == Keyword::Arg) else { continue };
        let names: Vec<String> =
            unit.instruction.pairs(survey.model.file.escape).iter().map(|pair| pair.name.raw.to_owned()).collect();
        let read = survey.units.iter().zip(decisions.iter().chain(std::iter::repeat(&RUNTIME))).enumerate().any(
            |(later, (unit, decision))| {
                let read = |name: &String| match &decision.place {
                    Place::Builder => false,
                    Place::BuilderAnd(text) => {
                        words::reads(text, survey.model.file.escape).iter().any(|read| read == name)
                    }
                    Place::Runtime | Place::Both => reads(unit, name),
                };
                later > at && names.iter().any(read)
            },
        );
        let written =
            names.iter().any(|name| words::reads(&written, survey.model.file.escape).iter().any(|read| read == name));
        if let (true, Some(decision)) = (read || written, decisions.get_mut(at)) {
            *decision = Decision { place: Place::Both, evidence: "the runtime stage reads it too".into() };
        }
    }

    if helpers::bundles(survey, &recipe) {
        recipe.build.extend(lean::without_modules(survey, &recipe.carried));
    }

    for command in unknown.into_iter().take(4) {
        recipe.assumptions.push(format!("`{command}` changes nothing outside the folders that are copied"));
        recipe.applicability = Applicability::Review;
    }

    // Packages ask their questions of whoever installs them, in the runtime stage as well.
    if !recipe.installed.is_empty() {
        for (unit, decision) in survey.units.iter().zip(&mut decisions).take(pivot) {
            let asks = matches!(unit.instruction.keyword, Keyword::Env | Keyword::Arg)
                && unit
                    .instruction
                    .pairs(survey.model.file.escape)
                    .iter()
                    .any(|pair| runs::for_installing(pair.name.raw));
            if asks && matches!(decision.place, Place::Builder | Place::BuilderAnd(_)) {
                *decision = Decision { place: Place::Both, evidence: "the packages are installed by it".into() };
            }
        }
    }
    let mut packages: Vec<String> = recipe.libraries.clone();
    packages.retain(|package| !recipe.installed.contains(package));
    if recipe.smaller {
        let tools = tools::packages(survey, &recipe, &decisions).into_iter();
        let missing = |package: &&str| {
            !recipe.installed.iter().any(|name| name == package) || tools::used_before(survey, &decisions, package)
        };
        packages.extend(tools.filter(missing).map(str::to_owned));
        packages.extend(without_lists(survey, &decisions, pivot));
    }
    packages.sort_unstable();
    packages.dedup();
    if let Some(refusal) = tools::unavailable(survey, &recipe, &packages) {
        return Err(refusal);
    }
    let all: Vec<String> = recipe.carried.iter().map(|carried| carried.from.clone()).collect();
    recipe.carried.retain(|carried| {
        carried.from != carried.to
            || !all.iter().any(|other| *other != carried.from && paths::within(&carried.from, other))
    });
    // A program of a folder that goes elsewhere goes there with it.
    let all = recipe.carried.clone();
    recipe.carried.retain(|carried| {
        !all.iter().any(|other| {
            let rest = paths::relative(&carried.from, &other.from).filter(|rest| !rest.is_empty());
            carried.owner == other.owner && rest.is_some_and(|rest| carried.to == paths::join(&other.to, rest))
        })
    });
    // What is copied over another copy of it is enough.
    let all = recipe.carried.clone();
    let mut at = 0;
    recipe.carried.retain(|carried| {
        at += 1;
        let over = |other: &Carried| other.to == carried.to && other.from == other.to && carried.from != carried.to;
        carried.to.ends_with('/') || !all.iter().skip(at).any(over)
    });
    // COPY reads patterns in its sources only; a folder takes what fits them.
    for carried in recipe.carried.iter_mut().filter(|carried| paths::name(&carried.to).contains(['*', '?'])) {
        carried.to = format!("{}/", paths::parent(&carried.to).trim_end_matches('/'));
    }
    if !packages.is_empty() {
        recipe.tools = tools::install(&packages);
    }
    if recipe.smaller && !survey.units.iter().any(|unit| unit.instruction.args.text.contains("/usr/share/man")) {
        let later =
            survey.units.iter().skip(pivot).flat_map(|unit| unit.steps).filter_map(|step| match effects::of(step) {
                Effect::Install(packages) => Some(&packages.names),
                _ => None,
            });
        let folders = recipe.runtime.manuals(packages.iter().chain(&recipe.installed).chain(later.flatten()));
        match recipe.tools.is_empty() {
            true => recipe.setup.splice(0..0, folders),
            false => recipe.tools.splice(0..0, folders),
        };
    }

    let stage = survey.stage;
    let first_left = survey.units.get(pivot).map_or(stage.body.end, |unit| unit.index);
    let Some(before) = survey.model.workdir(first_left) else {
        return Err(refuse(
            "unknown-workdir",
            "the working directory can't be told: WORKDIR reads a variable that has no value in the file",
            false,
        ));
    };
    if recipe.carried.is_empty() {
        return Err(nothing_copied(survey, &recipe));
    }
    let workdir = (before != "/").then(|| before.to_owned());
    let sets_user = survey.units.iter().take(pivot).any(|unit| unit.instruction.keyword == Keyword::User);
    let user = survey.model.user(first_left).filter(|_| sets_user).map(|user| user.text.clone());
    let user = user.filter(|user| !matches!(user.split(':').next(), Some("root" | "0")));
    let root = |unit: &Unit<'_>| {
        let user = survey.model.expand(unit.index, &unit.instruction.args.text).text;
        unit.instruction.keyword == Keyword::User && matches!(user.trim().split(':').next(), Some("root" | "0"))
    };
    let reference = ImageRef::parse(&recipe.runtime.image);
    let runtime = base::known(&reference);
    let ships_root = recipe.smaller && runtime.as_ref().is_some_and(|image| image.runs_as() == RunsAs::Root);
    let becomes_root = !runs_as_root(survey) && !ships_root && survey.units.iter().take(pivot).any(root);
    let mut plan = Plan { recipe, decisions, workdir, becomes_root, user, pivot };
    let accounts = accounts::lost(survey, &plan, runtime.as_ref())?;
    plan.recipe.setup.extend(accounts);
    Ok(plan)
}

/// Whether the builder takes a path away again, and nothing behind that names it or works in it.
fn is_taken_away(survey: &Survey<'_, '_>, path: &str, pivot: usize) -> bool {
    let mut gone = false;
    for unit in survey.units.iter().take(pivot) {
        let brings = unit
            .copy
            .as_ref()
            .is_some_and(|copy| copy.to.as_deref().is_none_or(|to| paths::within(to, path) || paths::within(path, to)));
        gone &= !brings && survey.model.workdir(unit.index + 1).is_some_and(|cwd| !paths::within(cwd, path));
        for step in unit.steps {
            let names = |arg: &String| step.path(arg).is_some_and(|named| paths::within(&named, path));
            // What is below a folder goes with it; of what a pattern means, only all that is in a folder is known.
            let at = |arg: &String| {
                let Some(named) = step.path(arg) else { return false };
                let folder = named.strip_suffix("/*").unwrap_or(&named);
                paths::plain(folder)
                    && folder.len() > 1
                    && paths::within(path, folder)
                    && (path != folder || folder == named)
            };
            let makes = effects::of(step).is_work() || matches!(effects::of(step), Effect::Unknown);
            let made_again = makes && step.cwd.as_deref().is_none_or(|cwd| paths::within(path, cwd));
            let touches = match effects::of(step) {
                Effect::Files(touched) | Effect::Writes(touched) | Effect::Fetch(touched) => {
                    touched.iter().any(|touched| paths::within(path, touched) && touched != "/")
                }
                _ => false,
            };
            let inside = step.cwd.as_deref().is_none_or(|cwd| paths::within(cwd, path));
            match step.program() {
                "rm" if step.always && step.known => gone |= step.operands().any(|arg| at(&arg.to_owned())),
                "rm" => {}
                _ => gone &= !(touches || inside || made_again || step.args().iter().any(names)),
            }
        }
    }
    gone
}

/// The packages of installs behind the build that no command fetches the lists for: the full image has them.
fn without_lists(survey: &Survey<'_, '_>, decisions: &[Decision], pivot: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (at, (unit, decision)) in survey.units.iter().zip(decisions).enumerate() {
        let text = unit.instruction.args.text.as_ref();
        let fetches = |text: &str| text.contains("update");
        let listed = match &decision.place {
            Place::Builder => false,
            Place::BuilderAnd(text) => fetches(text),
            Place::Both | Place::Runtime => fetches(text),
        };
        if listed {
            return found;
        }
        if at < pivot {
            continue;
        }
        for step in unit.steps.iter().chain(unit.own) {
            if let Effect::Install(packages) = effects::of(step)
                && packages.manager == Manager::Apt
                && packages.names.iter().all(|name| !name.contains(['$', '/', '*']))
            {
                found.extend(packages.names.iter().cloned());
            }
        }
    }
    found
}

/// Whether the base image is known to run as root.
pub(super) fn runs_as_root(survey: &Survey<'_, '_>) -> bool {
    survey.model.known(survey.stage).is_some_and(|image| image.runs_as() == RunsAs::Root)
}

/// Decides for every unit, in order.
fn decide_all(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    pivot: usize,
) -> Result<(Vec<Decision>, Vec<String>), Refusal> {
    let mut decisions: Vec<Decision> = Vec::with_capacity(survey.units.len());
    let mut unknown: Vec<String> = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        let decision = if at >= pivot {
            if unit.tidy {
                tidy::whole(survey, recipe, unit, true)?;
            }
            Decision { place: Place::Runtime, evidence: "it comes after the last build step".into() }
        } else {
            let decision = decide(survey, recipe, unit, at, &mut unknown)?;
            placed(unit, &decision)?;
            decision
        };
        let decision = match decision.place {
            Place::Builder | Place::Runtime if recipe.shared.contains(&unit.index) => {
                Decision { place: Place::Both, evidence: "later commands of both stages stand on it".into() }
            }
            _ => decision,
        };
        decisions.push(decision);
    }
    Ok((decisions, unknown))
}

/// Refuses where a command of the builder puts something into a folder of which only the base image knows where it is.
fn placed(unit: &Unit<'_>, decision: &Decision) -> Result<(), Refusal> {
    let kept = match &decision.place {
        Place::Builder => "",
        Place::BuilderAnd(text) => text,
        Place::Runtime | Place::Both => return Ok(()),
    };
    let lost = |step| {
        let set = |name: &str| {
            let sets = |word: &String| word.split_once('=').is_some_and(|(set, _)| set == name);
            unit.steps.iter().any(|step| step.assignments.iter().chain(&step.argv).any(sets))
        };
        Some((step, effects::unset_target(step).filter(|name| !set(name) && !kept.contains(name))?))
    };
    let Some((step, name)) = unit.steps.iter().find_map(lost) else { return Ok(()) };
    let text = format!(
        "where `{}` in line {} puts things can't be told: the file doesn't say what ${name} is",
        whole::shown(step),
        unit.instruction.lines.0,
    );
    Err(refuse("unknown-path", text, false))
}

/// Why nothing that the build made would be in the shipped image.
fn nothing_copied(survey: &Survey<'_, '_>, recipe: &Recipe) -> Refusal {
    let steps = || survey.units.iter().take(recipe.last_build + 1).flat_map(|unit| unit.steps);
    if let Some(script) = steps().find(|step| whole::is_build_script(step)) {
        let text = format!("`{}` builds, and what it does is not there to read", whole::shown(script));
        return refuse("built-by-a-script", text, true);
    }
    let work = steps().find(|step| effects::of(step).is_work()).or_else(|| steps().last());
    let command = work.map(whole::shown).unwrap_or_default();
    refuse("unknown-result", format!("where the image keeps what `{command}` makes can't be told from the file"), false)
}

/// Files that a command of the builder writes, that what runs in the shipped image names, and that nothing carries yet.
fn lost(survey: &Survey<'_, '_>, recipe: &Recipe, decisions: &[Decision], pivot: usize) -> Vec<Carried> {
    let mut found: Vec<Carried> = Vec::new();
    let later = survey.units.iter().zip(decisions).enumerate().filter(|(at, (unit, decision))| {
        unit.instruction.keyword == Keyword::Run && (*at >= pivot || decision.place == Place::Runtime)
    });
    let named: Vec<&Step> =
        survey.entry.steps.iter().chain(&survey.checks).chain(later.flat_map(|(_, (unit, _))| unit.steps)).collect();
    let names = |path: &str| {
        named.iter().any(|step| {
            step.argv.iter().chain(&step.outputs).any(|word| step.is_at(word, path)) && step.program() != "rm"
        })
    };
    let removed = survey.removed(pivot.saturating_sub(1));
    for (unit, decision) in survey.units.iter().zip(decisions).take(pivot) {
        if unit.instruction.keyword != Keyword::Run || !matches!(decision.place, Place::Builder | Place::BuilderAnd(_))
        {
            continue;
        }
        for step in unit.steps {
            // What a program that isn't known is told of may be what it makes.
            let told: Vec<String> = match effects::of(step) {
                Effect::Unknown => step.args().iter().filter(|arg| arg.starts_with('/')).cloned().collect(),
                _ => Vec::new(),
            };
            let written = match effects::of(step) {
                Effect::Writes(written) => written.as_slice(),
                _ => told.as_slice(),
            };
            for path in written.iter().filter(|path| told.is_empty() || !survey.copied_file(path)) {
                let carried = recipe.carried.iter().chain(&found).any(|carried| paths::within(path, &carried.to));
                let again = matches!(&decision.place, Place::BuilderAnd(text) if text.contains(paths::name(path)));
                let gone = removed.iter().any(|removed| paths::covers(removed, path));
                let own = paths::plain(path) && !Words::SystemFolders.has(path.as_str());
                if own && !carried && !again && !gone && names(path) {
                    let evidence = format!("`{}` writes it, and the shipped image names it", step.program());
                    found.push(Carried { from: path.clone(), to: path.clone(), owner: None, evidence });
                }
            }
        }
    }
    found
}

/// Whether an instruction does nothing but take away what the build left.
fn cleans(recipe: &Recipe, unit: &Unit<'_>) -> bool {
    unit.instruction.keyword == Keyword::Run
        && !unit.steps.is_empty()
        && unit.steps.iter().all(|step| match effects::of(step) {
            // A line of PHP may do anything: `php -r "copy('https://…', 'composer-setup.php');"`.
            Effect::Nothing => step.kind() != "interpreter",
            Effect::Lists | Effect::Remove(_) => true,
            Effect::Files(paths) => {
                step.program() == "rm" && paths.iter().all(|path| in_builder(&recipe.builder_folders, path))
            }
            _ => false,
        })
}

/// Whether an instruction fetches the lists that an install behind it looks its packages up in.
fn fetches_for_later(survey: &Survey<'_, '_>, at: usize) -> bool {
    let fetches = |step: &Step| matches!(effects::of(step), Effect::Lists) && runs::is_update(step);
    let steps = |unit: &Unit<'_>| unit.steps.iter().any(fetches);
    let later = survey.units.iter().skip(at + 1).flat_map(|unit| unit.steps.iter().chain(unit.own));
    let mut next = later.filter(|step| fetches(step) || matches!(effects::of(step), Effect::Install(_)));
    survey.units.get(at).is_some_and(steps) && next.next().is_some_and(|step| !fetches(step))
}

/// Whether a path belongs to the build: the runtime stage does not get it from an instruction.
pub(super) fn in_builder(builder_folders: &[String], path: &str) -> bool {
    builder_folders.iter().any(|folder| paths::within(path, folder))
        || ["/tmp", "/var/tmp", "/var/cache", "/var/lib/apt", "/root/.cache"]
            .iter()
            .any(|folder| paths::within(path, folder))
}

static RUNTIME: Decision = Decision { place: Place::Runtime, evidence: String::new() };

/// Decides for a unit that stands before the last build work.
fn decide(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    at: usize,
    unknown: &mut Vec<String>,
) -> Result<Decision, Refusal> {
    let decision = |place, evidence: &str| Decision { place, evidence: evidence.into() };
    Ok(match unit.instruction.keyword {
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Stopsignal | Keyword::Expose => {
            decision(Place::Runtime, "it describes how the image runs")
        }
        Keyword::Volume | Keyword::Label | Keyword::Maintainer => {
            decision(Place::Runtime, "it describes the shipped image")
        }
        Keyword::Env => env(survey, recipe, unit),
        Keyword::Shell => decision(Place::Both, "shell forms of both stages are read by it"),
        Keyword::Copy | Keyword::Add => copy(survey, recipe, unit, at),
        Keyword::Run if unit.tidy => tidy::whole(survey, recipe, unit, false)?,
        Keyword::Run => runs::run(survey, recipe, unit, unknown)?,
        _ => decision(Place::Builder, "the build needs it"),
    })
}

/// ENV goes to both stages, unless only the toolchain reads it.
fn env(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>) -> Decision {
    let pairs = unit.instruction.pairs(survey.model.file.escape);
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for pair in &pairs {
        let name = pair.name.raw;
        let value = pair.value.as_ref().map_or("", |value| value.raw);
        let toolchain = recipe.toolchain_variables.contains(&name)
            || BUILD_VARIABLES.contains(&name)
            || (name == "PATH" && toolchain_path(recipe, survey, unit, value))
            || left_tool(recipe, &survey.model.expand(unit.index, value));
        if toolchain { dropped.push(name) } else { kept.push(pair) }
    }
    if dropped.is_empty() {
        return Decision { place: Place::Both, evidence: "the program may read it".into() };
    }
    let evidence = format!("only the build reads {}", dropped.join(", "));
    if kept.is_empty() {
        return Decision { place: Place::Builder, evidence };
    }
    let words: Vec<String> = kept
        .iter()
        .map(|pair| match &pair.value {
            Some(value) => format!("{}={}", pair.name.raw, value.raw),
            None => pair.name.raw.to_owned(),
        })
        .collect();
    Decision { place: Place::BuilderAnd(format!("ENV {}", words.join(" "))), evidence }
}

/// Whether a value is the place of a tool for building that stays behind: `M2_HOME=/opt/maven`.
fn left_tool(recipe: &Recipe, value: &words::Expanded) -> bool {
    // Go's programs look for what it has of its own by such a variable.
    let tool = |folder: &String| stores::is_tool(folder) && !paths::name(folder).starts_with("go");
    value.known
        && value.text.starts_with('/')
        && recipe.builder_folders.iter().any(|folder| tool(folder) && paths::within(&value.text, folder))
        && !recipe.carried.iter().any(|carried| paths::within(&value.text, &carried.to))
}

/// Whether a new PATH adds nothing but folders of the toolchain.
fn toolchain_path(recipe: &Recipe, survey: &Survey<'_, '_>, unit: &Unit<'_>, value: &str) -> bool {
    let expanded = survey.model.expand(unit.index, value);
    let value = if expanded.known { expanded.text } else { value.trim_matches('"').to_owned() };
    // `/root/.cargo/bin`, where the compiler is: what of it goes along is carried.
    let home = |folder: &str| {
        let part = folder.split('/').find(|part| [".cargo", ".ghcup", ".rustup", ".sdkman"].contains(part));
        part.is_some_and(|part| !recipe.carried.iter().any(|carried| carried.to.split('/').any(|other| other == part)))
    };
    value.split(':').all(|folder| {
        home(folder)
            || left_tool(recipe, &survey.model.expand(unit.index, folder))
            || folder.contains("PATH") && folder.starts_with('$') && !folder.contains('/')
            || folder.starts_with("$GOPATH")
            || folder.starts_with("$GOROOT")
            || folder.starts_with("${GOPATH}")
            || recipe.builder_folders.iter().any(|toolchain| paths::within(folder, toolchain))
                && !recipe.carried.iter().any(|carried| paths::within(folder, &carried.to))
            || PATH.contains(&folder)
    })
}

/// A COPY goes to the builder where the build uses what it brings, else to the runtime stage.
fn copy(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, at: usize) -> Decision {
    let Some(to) = unit.copy.as_ref().and_then(|copy| copy.to.as_deref()) else {
        return Decision { place: Place::Both, evidence: "where it goes can't be told, so both stages have it".into() };
    };
    if recipe.builder_folders.iter().any(|folder| paths::within(to, folder)) {
        if for_the_start(survey, recipe, unit, to) {
            return Decision {
                place: Place::Both,
                evidence: "no command of the build names it, and what starts may".into(),
            };
        }
        return Decision { place: Place::Builder, evidence: format!("{to} is where the build works") };
    }
    if to == "/" && recipe.sources_stay && unit.copy.as_ref().is_some_and(|copy| copy.context && copy.folder) {
        return Decision {
            place: Place::Builder,
            evidence: "one program is made of it, which opens none of it".into(),
        };
    }
    if let Some(copy) = &unit.copy
        && survey.units.iter().skip(at + 1).any(|later| {
            later.steps.iter().any(|step| {
                runs::repeats(survey, recipe, later, step)
                    && copy.sources.iter().any(|source| {
                        mentions_file(step, &paths::join(to, paths::name(source))) || mentions_file(step, to)
                    })
            })
        })
    {
        return Decision { place: Place::Both, evidence: format!("{to} is unpacked in the runtime stage too") };
    }
    let copy = unit.copy.as_ref();
    let targets: Vec<String> = match copy {
        Some(copy) if copy.folder => copy.sources.iter().map(|source| paths::join(to, paths::name(source))).collect(),
        _ => vec![to.to_owned()],
    };
    if tidy::reads(survey, at, &targets) {
        return Decision { place: Place::Both, evidence: format!("the runtime stage builds with {to} too") };
    }
    if paths::within(to, "/tmp") {
        return Decision { place: Place::Builder, evidence: format!("{to} is scratch space") };
    }
    let removed = survey.removed(recipe.last_build);
    let gone = |target: &String| removed.iter().any(|gone| paths::covers(gone, target) || paths::within(target, gone));
    if targets.iter().all(gone) {
        return Decision { place: Place::Builder, evidence: format!("the build takes {to} away again") };
    }
    if targets.iter().all(|target| is_build_setting(target)) {
        return Decision { place: Place::Builder, evidence: "only tools of the build read it".into() };
    }
    if copy.is_some_and(|copy| !copy.sources.is_empty() && copy.sources.iter().all(|source| compiled_source(source))) {
        return Decision { place: Place::Builder, evidence: "it is compiled".into() };
    }
    let unpacked = |target: &String| {
        stores::is_archive(target)
            && survey
                .units
                .iter()
                .take(recipe.last_build + 1)
                .skip(at + 1)
                .flat_map(|unit| unit.steps)
                .any(|step| step.kind() == "unpack" && mentions_file(step, target))
    };
    if targets.iter().all(unpacked) {
        return Decision { place: Place::Builder, evidence: "it is unpacked in the builder".into() };
    }
    let run = survey
        .units
        .iter()
        .skip(at + 1)
        .flat_map(|unit| unit.steps)
        .any(|step| survey.downloads(step).is_some() && targets.iter().any(|target| mentions_file(step, target)));
    if run {
        return Decision { place: Place::Both, evidence: "the runtime stage runs it too".into() };
    }
    if covered(survey, recipe, unit) {
        return Decision { place: Place::Builder, evidence: format!("a later COPY brings {to} again") };
    }
    if let Some(tool) = helpers::copied(survey, recipe, unit, &targets) {
        return Decision { place: Place::Builder, evidence: format!("only the build starts `{tool}`") };
    }
    let used = survey.units.iter().take(recipe.last_build + 1).skip(at + 1).flat_map(|unit| unit.steps).any(|step| {
        let file_work = matches!(effects::of(step), Effect::Files(_));
        !file_work && targets.iter().any(|target| mentions(step, target))
    });
    if used {
        return Decision { place: Place::Both, evidence: format!("the build reads {to}, and the program may") };
    }
    // Only what is plainly for run time leaves the builder: a build reads files in ways that no command shows.
    let named = |source: &String| {
        let name = paths::name(source);
        let plain =
            [".sh", ".conf", ".cfg", ".cnf", ".ini", ".crontab", ".pem", ".crt"].iter().any(|end| name.ends_with(end));
        let read = survey.units.iter().take(recipe.last_build + 1).any(|unit| {
            unit.instruction.keyword == Keyword::Run
                && (unit.instruction.args.text.contains(name) || unit.instruction.args.text.contains("*.sh"))
                && unit.steps.iter().any(|step| {
                    !matches!(effects::of(step), Effect::Files(_)) && step.argv.iter().any(|arg| arg.contains(name))
                })
        });
        plain && !read
    };
    if copy.is_some_and(|copy| copy.context && copy.sources.iter().all(named)) {
        return Decision { place: Place::Runtime, evidence: format!("no build step reads {to}") };
    }
    Decision { place: Place::Both, evidence: format!("the program may need {to}") }
}

/// Whether a file in a home is a setting, or a secret, that only tools of the build read.
pub(super) fn is_build_setting(path: &str) -> bool {
    let rest = ["/root", "/home"].iter().find_map(|home| paths::relative(path, home));
    let everybodys = matches!(path, "/etc/gemrc" | "/etc/npmrc" | "/etc/pip.conf");
    everybodys
        || rest.is_some_and(|rest| {
            rest.split('/').any(homes::is_for_builds)
                || rest.contains(".ssh/")
                    && (paths::name(path).starts_with("id_") || paths::name(path).starts_with("known_hosts"))
                || rest.ends_with("pip.conf")
        })
}

/// Whether an instruction behind the build brings the same files again: `COPY requirements.txt .`, and then `COPY . .`;
/// or whether they are lists that only an installer reads.
fn covered(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>) -> bool {
    let Some(copy) = unit.copy.as_ref().filter(|copy| copy.context) else { return false };
    let Some(to) = copy.to.as_deref() else { return false };
    let lists = copy.sources.iter().all(|source| {
        let name = paths::name(source).to_ascii_lowercase();
        name.starts_with("requirements") && name.ends_with(".txt")
            || matches!(
                name.as_str(),
                "constraints.txt"
                    | "cpanfile"
                    | "gemfile"
                    | "gemfile.lock"
                    | "gemfile*"
                    | "pipfile"
                    | "pipfile*"
                    | "pipfile.lock"
                    | "environment.yml"
            ) && !survey.entry.steps.iter().any(|step| step.program() == "bundle")
    });
    // Outside the application's folder a list has no second reader.
    let aside = survey.model.final_workdir(survey.stage).is_none_or(|cwd| cwd == "/" || !paths::within(to, cwd));
    if lists && aside {
        return true;
    }
    let folder = if copy.folder { to } else { paths::parent(to) };
    let brings = |later: &Unit<'_>| {
        later.copy.is_some_and(|later| later.context && later.to.as_deref() == Some(folder) && later.is_whole())
    };
    let behind = || survey.units.iter().skip(recipe.last_build + 1);
    // A command between the two works on the file that is there by then: `chmod +x entrypoint.sh`.
    let targets: Vec<String> = copy.sources.iter().filter_map(|source| copy.place(source)).collect();
    let between = || {
        let steps = behind().take_while(|unit| !brings(unit)).flat_map(|unit| unit.steps);
        steps.into_iter().any(|step| targets.iter().any(|target| step.args().iter().any(|arg| step.is_at(arg, target))))
    };
    behind().any(brings)
        && copy.sources.iter().all(|source| {
            !source.contains('/') || source.starts_with("./") && !source.get(2..).is_some_and(|rest| rest.contains('/'))
        })
        && !between()
}

/// Whether a file is one that an instruction behind the build brings again, with the mode that it has in the context.
pub(super) fn brought_again(survey: &Survey<'_, '_>, recipe: &Recipe, path: &str) -> bool {
    let brings = |unit: &&Unit<'_>| {
        unit.copy.is_some_and(|copy| copy.sources.iter().any(|source| copy.place(source).as_deref() == Some(path)))
    };
    let mut copies = survey.units.iter().take(recipe.last_build + 1).filter(brings).peekable();
    copies.peek().is_some() && copies.all(|unit| covered(survey, recipe, unit))
}

/// Whether a COPY or ADD puts files that the start script may read, as settings and templates are, into a folder of the
/// build that stays behind: no command of the build names them.
fn for_the_start(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, to: &str) -> bool {
    let Some(copy) = unit.copy.as_ref() else { return false };
    let goes = recipe.carried.iter().any(|carried| paths::within(to, &carried.from));
    let setting =
        |source: &String| paths::name(source).rsplit_once('.').is_some_and(|(_, end)| Words::SettingEnds.has(end));
    let named = |source: &String| {
        let name = paths::name(source);
        survey.steps().any(|(_, step)| step.argv.iter().any(|word| word.contains(name)))
    };
    let scratch = ["/tmp", "/var/tmp"].iter().any(|folder| paths::within(to, folder));
    recipe.opaque_entry
        && !goes
        && !scratch
        && !copy.sources.is_empty()
        && copy.sources.iter().all(|source| setting(source) && !named(source))
        && !survey.removed(recipe.last_build).iter().any(|gone| paths::covers(gone, to))
}

/// Whether a file is the source of a compiled program, which nothing reads when the program runs.
fn compiled_source(source: &str) -> bool {
    Words::CompiledEnds.list().iter().any(|end| source.ends_with(end))
        || matches!(
            paths::name(source),
            "pom.xml" | "go.mod" | "go.sum" | "go.*" | "Cargo.toml" | "Cargo.lock" | "Makefile" | "CMakeLists.txt"
        )
}

/// Whether a command names a file, or a folder that it works in is the file's.
fn mentions_file(step: &Step, path: &str) -> bool {
    step.args().iter().filter_map(|arg| step.path(arg)).any(|named| paths::within(&named, path))
}

/// Whether a command names a path or works in it.
pub(super) fn mentions(step: &Step, path: &str) -> bool {
    step.cwd.as_deref().is_some_and(|cwd| path != "/" && paths::within(cwd, path))
        || step.argv.iter().any(|arg| {
            let value = arg.rsplit('=').next().unwrap_or(arg);
            !value.starts_with('-') && step.reaches(value, path)
        })
}

/// Whether what starts, or a health check, needs a package by its name.
pub(super) fn needed_at_start(survey: &Survey<'_, '_>, name: &str) -> bool {
    let named = |step: &Step| tools::brings(name, step.program());
    survey.entry.steps.iter().chain(&survey.checks).any(named)
}

/// Whether a folder of the builder goes along.
pub(super) fn is_carried(recipe: &Recipe, folder: &str) -> bool {
    recipe.carried.iter().any(|carried| paths::within(folder, &carried.from) || paths::within(&carried.from, folder))
}
