//! Where each instruction goes, and why.

mod decide;

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
use super::survey::{Survey, Unit, reads, refuse};
use super::{accounts, certificates, helpers, lean, runs, stores, tools, whole};

use decide::decide_all;
pub(super) use decide::{is_brought_again, is_build_setting, mentions};

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

/// Decides for every unit, and what the runtime stage needs beside them.
pub(super) fn plan(survey: &Survey<'_, '_>, mut recipe: Recipe) -> Result<Plan, Refusal> {
    // Clean-up right after the build belongs to it.
    while survey.units.get(recipe.last_build + 1).is_some_and(|unit| cleans(&recipe, unit))
        && !fetches_for_later(survey, recipe.last_build + 1)
    {
        recipe.last_build += 1;
    }
    let mut pivot = recipe.last_build + 1;
    let (mut recipe, mut decisions, unknown) = with_programs(survey, recipe, pivot)?;
    // What would move from the end of the builder to the runtime stage stays where it is.
    while pivot > 1 && decisions.get(pivot - 1).is_some_and(|decision| decision.place == Place::Runtime) {
        pivot -= 1;
        recipe.last_build = pivot - 1;
    }
    carry_lost(survey, &mut recipe, &decisions, pivot)?;
    cache_libraries_last(&mut recipe.finish);
    make_folders_first(survey, &mut recipe, &decisions, pivot);
    declare_arguments(survey, &recipe, &mut decisions, pivot);
    if helpers::bundles(survey, &recipe) {
        recipe.build.extend(lean::without_modules(survey, &recipe.carried));
    }
    if let Some((_, step)) = survey.steps().find(|(_, step)| is_installer(survey, step)) {
        let text = format!("`{}` installs, and what it does is not there to read", whole::shown(step));
        return Err(refuse("built-by-a-script", text, true));
    }
    for command in unknown.into_iter().take(4) {
        recipe.assumptions.push(format!("`{command}` changes nothing outside the folders that are copied"));
        recipe.applicability = Applicability::Review;
    }
    if !recipe.installed.is_empty() {
        declare_answers(survey, &mut decisions, pivot);
    }
    let packages = lacking(survey, &recipe, &decisions, pivot);
    if let Some(refusal) = tools::unavailable(survey, &recipe, &packages) {
        return Err(refusal);
    }
    copy_once(&mut recipe.carried);
    own_as_installed(survey, &mut recipe.carried);
    if !packages.is_empty() {
        recipe.tools = tools::install(&packages);
    }
    make_manuals(survey, &mut recipe, &packages, pivot);
    parted(survey, recipe, decisions, pivot)
}

impl Recipe {
    /// The `first` recipe for another pass, with what this one has found out, and other packages that are joining.
    fn again(self, first: &Self, joining: Vec<String>) -> Self {
        let programs = self.programs.again();
        Self { joining, programs, repositories: self.repositories, installed: Vec::new(), ..first.clone() }
    }
}

/// Decides for every unit, until the programs that the commands of the runtime stage start are all there. Answers with the
/// commands of which nothing is known.
fn with_programs(
    survey: &Survey<'_, '_>,
    mut recipe: Recipe,
    pivot: usize,
) -> Result<(Recipe, Vec<Decision>, Vec<String>), Refusal> {
    // A pass tells which programs the runtime stage starts, the next keeps the packages that bring them, and may start
    // others for that.
    const PASSES: usize = 4;
    let first = recipe.clone();
    let (mut decisions, mut unknown) = decide_all(survey, &mut recipe, pivot)?;
    let mut joined: Vec<String> = Vec::new();
    let mut early: Vec<String> = Vec::new();
    for pass in 1..PASSES {
        let mut joining = first.libraries.clone();
        if recipe.smaller {
            joining.extend(tools::packages(survey, &recipe, &decisions).into_iter().map(str::to_owned));
        }
        let certificates = joined.iter().any(|name| name == certificates::PACKAGE);
        if certificates::lost(survey, &recipe, &decisions, certificates) {
            joining.push(certificates::PACKAGE.to_owned());
        }
        joining.retain(|package| !recipe.installed.contains(package) || joined.contains(package));
        joining.retain(|package| !early.contains(package));
        drop_certificates(survey, &decisions, certificates, &mut joining);
        joining.sort_unstable();
        joining.dedup();
        joined.clone_from(&joining);
        // Where the first pass was told everything that it asked for, a second one would say the same.
        let told = |program: &String| first.programs.has(program) || pass == 1 && !recipe.programs.was_missed(program);
        let same = joining == recipe.joining && recipe.repositories == first.repositories;
        if same && recipe.programs.names().iter().all(told) {
            break;
        }
        recipe = recipe.again(&first, joining);
        let before = (recipe.programs.names().len(), recipe.repositories);
        (decisions, unknown) = decide_all(survey, &mut recipe, pivot)?;
        // What a command needs before the install that it joined is installed before both, and once is enough.
        let before_it = |package: &&String| tools::used_before(survey, &decisions, package);
        let needed: Vec<String> = joined.iter().filter(before_it).cloned().collect();
        if !needed.is_empty() {
            early.extend(needed);
            joined.retain(|package| !early.contains(package));
            recipe = recipe.again(&first, joined.clone());
            (decisions, unknown) = decide_all(survey, &mut recipe, pivot)?;
        }
        let (known, added) = recipe.programs.names().split_at(before.0);
        // What is kept for those programs may bring the certificates that were to join it.
        let twice = joined.iter().any(|name| name == certificates::PACKAGE)
            && certificates::brought(survey, &decisions, true) == Some(true);
        if !twice && added.iter().all(|program| known.contains(program)) && recipe.repositories == before.1 {
            break;
        }
    }
    Ok((recipe, decisions, unknown))
}

/// Carries what else the shipped image names of what the builder writes.
fn carry_lost(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    decisions: &[Decision],
    pivot: usize,
) -> Result<(), Refusal> {
    let lost = lost(survey, recipe, decisions, pivot);
    recipe.carried.extend(lost);
    recipe.carried.retain(|carried| !is_taken_away(survey, &carried.from, pivot));
    if let Some(carried) = recipe.carried.iter().find(|carried| !paths::plain(&carried.from) || carried.from == "/") {
        let text = format!("{}: where that is can't be told from the file ({})", carried.evidence, carried.from);
        return Err(refuse("unknown-path", text, false));
    }
    Ok(())
}

/// The cache of libraries is made when everything is there, by one command.
fn cache_libraries_last(finish: &mut Vec<String>) {
    for command in finish.iter_mut() {
        if matches!(command.as_str(), "/sbin/ldconfig" | "/usr/sbin/ldconfig") {
            *command = "ldconfig".into();
        }
    }
    if finish.iter().any(|command| command == "ldconfig") {
        finish.retain(|command| command != "ldconfig");
        finish.push("ldconfig".into());
    }
}

/// A folder that an instruction works in has to be there before it.
fn make_folders_first(survey: &Survey<'_, '_>, recipe: &mut Recipe, decisions: &[Decision], pivot: usize) {
    for at in (0..recipe.finish.len()).rev() {
        let Some(folder) = recipe.finish.get(at).and_then(|command| command.strip_prefix("mkdir -p ")) else {
            continue;
        };
        let works = survey.units.iter().zip(decisions).take(pivot).any(|(unit, decision)| match &decision.place {
            Place::Builder => false,
            Place::BuilderAnd(text) => text.contains(folder),
            Place::Runtime | Place::Both => unit.instruction.args.text.contains(folder),
        });
        // Where the instruction makes it itself, `mkdir` would find it there.
        let makes = survey.units.iter().zip(decisions).take(pivot).any(|(unit, decision)| {
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
}

/// An ARG goes where it is read.
fn declare_arguments(survey: &Survey<'_, '_>, recipe: &Recipe, decisions: &mut [Decision], pivot: usize) {
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
}

/// Packages ask their questions of whoever installs them, in the runtime stage as well.
fn declare_answers(survey: &Survey<'_, '_>, decisions: &mut [Decision], pivot: usize) {
    for (unit, decision) in survey.units.iter().zip(decisions.iter_mut()).take(pivot) {
        let asks = matches!(unit.instruction.keyword, Keyword::Env | Keyword::Arg)
            && unit.instruction.pairs(survey.model.file.escape).iter().any(|pair| runs::for_installing(pair.name.raw));
        if asks && matches!(decision.place, Place::Builder | Place::BuilderAnd(_)) {
            *decision = Decision { place: Place::Both, evidence: "the packages are installed by it".into() };
        }
    }
}

/// The packages that the runtime stage has to install beside those of the file's own commands.
fn lacking(survey: &Survey<'_, '_>, recipe: &Recipe, decisions: &[Decision], pivot: usize) -> Vec<String> {
    let mut packages: Vec<String> = recipe.libraries.clone();
    packages.retain(|package| !recipe.installed.contains(package));
    if recipe.smaller {
        let tools = tools::packages(survey, recipe, decisions).into_iter();
        let missing = |package: &&str| {
            !recipe.installed.iter().any(|name| name == package) || tools::used_before(survey, decisions, package)
        };
        packages.extend(tools.filter(missing).map(str::to_owned));
        packages.extend(without_lists(survey, decisions, pivot));
    }
    let there = recipe.installed.iter().any(|name| name == certificates::PACKAGE);
    packages.extend(
        (!there && certificates::lost(survey, recipe, decisions, false)).then(|| certificates::PACKAGE.to_owned()),
    );
    if !tools::used_before(survey, decisions, certificates::PACKAGE) {
        drop_certificates(survey, decisions, false, &mut packages);
    }
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// Installs no certificates beside those that come with what the runtime stage installs: `curl` recommends them.
fn drop_certificates(survey: &Survey<'_, '_>, decisions: &[Decision], joined: bool, packages: &mut Vec<String>) {
    if certificates::brought(survey, decisions, joined) == Some(true) {
        packages.retain(|package| package != certificates::PACKAGE);
    }
}

/// `install -o www-data -g www-data /dev/null /var/log/php-fpm.log`: COPY makes root the owner of what it brings, and whose
/// the file was it stays.
fn own_as_installed(survey: &Survey<'_, '_>, carried: &mut [Carried]) {
    for (_, step) in survey.steps().filter(|(_, step)| step.program() == "install") {
        let option = |short: &str, long: &str| {
            let at = step.args().iter().position(|arg| arg == short).and_then(|at| step.args().get(at + 1));
            at.map(String::as_str).or_else(|| step.args().iter().find_map(|arg| arg.strip_prefix(long)))
        };
        let (user, group) = (option("-o", "--owner="), option("-g", "--group="));
        let Effect::Writes(written) = effects::of(step) else { continue };
        let Some(owner) = user.or(group).filter(|owner| !matches!(*owner, "root" | "0")) else { continue };
        let owner = match (user, group) {
            (Some(user), Some(group)) => format!("{user}:{group}"),
            (None, Some(group)) => format!("root:{group}"),
            _ => owner.to_owned(),
        };
        let mut own = carried.iter_mut().filter(|one| one.owner.is_none() && written.contains(&one.from));
        if let Some(one) = own.next() {
            one.owner = Some(owner);
        }
    }
}

/// Leaves out of what is copied what comes with another copy.
fn copy_once(carried: &mut Vec<Carried>) {
    let all: Vec<String> = carried.iter().map(|one| one.from.clone()).collect();
    carried.retain(|one| {
        one.from != one.to || !all.iter().any(|other| *other != one.from && paths::within(&one.from, other))
    });
    // A program of a folder that goes elsewhere goes there with it.
    let all = carried.clone();
    carried.retain(|one| {
        !all.iter().any(|other| {
            let rest = paths::relative(&one.from, &other.from).filter(|rest| !rest.is_empty());
            one.owner == other.owner && rest.is_some_and(|rest| one.to == paths::join(&other.to, rest))
        })
    });
    // What is copied over another copy of it is enough.
    let all = carried.clone();
    let mut at = 0;
    carried.retain(|one| {
        at += 1;
        let over = |other: &Carried| other.to == one.to && other.from == other.to && one.from != one.to;
        one.to.ends_with('/') || !all.iter().skip(at).any(over)
    });
    // COPY reads patterns in its sources only; a folder takes what fits them.
    for one in carried.iter_mut().filter(|one| paths::name(&one.to).contains(['*', '?'])) {
        one.to = format!("{}/", paths::parent(&one.to).trim_end_matches('/'));
    }
}

/// Makes the folders of manuals that a slim image lacks, and that some of the packages can't be installed without.
fn make_manuals(survey: &Survey<'_, '_>, recipe: &mut Recipe, packages: &[String], pivot: usize) {
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
}

/// The plan with where the runtime stage goes on from: in which folder, and as whom.
fn parted(survey: &Survey<'_, '_>, recipe: Recipe, decisions: Vec<Decision>, pivot: usize) -> Result<Plan, Refusal> {
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

/// Whether a command starts an installer that something fetched or unpacked has brought, by its name: `./agent-install -y`.
/// Where such a one puts things is among the system's folders, and nobody can tell.
fn is_installer(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let program = step.argv.first().map_or("", String::as_str);
    program.contains('/')
        && ["-install", "-installer"].iter().any(|end| paths::name(program).ends_with(end))
        && matches!(effects::of(step), Effect::Unknown)
        && stores::aws(step).is_none()
        && !step.path(program).is_some_and(|path| survey.copied_file(&path))
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

/// Whether what starts, or a health check, needs a package by its name.
pub(super) fn needed_at_start(survey: &Survey<'_, '_>, name: &str) -> bool {
    let named = |step: &Step| tools::brings(name, step.program());
    survey.entry.steps.iter().chain(&survey.checks).any(named)
}

/// Whether a folder of the builder goes along.
pub(super) fn is_carried(recipe: &Recipe, folder: &str) -> bool {
    recipe.carried.iter().any(|carried| paths::within(folder, &carried.from) || paths::within(&carried.from, folder))
}
