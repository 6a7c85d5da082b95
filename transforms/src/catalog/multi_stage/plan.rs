//! Where each instruction goes, and why.

use crate::knowledge::releases::Manager;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::{Applicability, Refusal};

use super::runtime::Runtime;
use super::survey::{Survey, Unit, reads, refuse};
use super::tools;

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
    /// Commands for the runtime stage that no instruction has.
    pub(super) setup: Vec<String>,
    /// A command for the head of the runtime stage that installs what its other commands start.
    pub(super) tools: Option<String>,
    /// Whether a script starts that can't be read: then every program that a person installs for use stays.
    pub(super) opaque_entry: bool,
    /// Commands for the end of the builder that no instruction has.
    pub(super) build: Vec<String>,
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
    while survey.units.get(recipe.last_build + 1).is_some_and(|unit| cleans(&recipe, unit)) {
        recipe.last_build += 1;
    }
    let pivot = recipe.last_build + 1;
    let mut decisions: Vec<Decision> = Vec::with_capacity(survey.units.len());
    let mut unknown: Vec<String> = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        let decision = if at >= pivot {
            Decision { place: Place::Runtime, evidence: "it comes after the last build step".into() }
        } else {
            decide(survey, &mut recipe, unit, at, &mut unknown)
        };
        decisions.push(decision);
    }

    // An ARG goes where it is read.
    for at in 0..pivot.min(survey.units.len()) {
        let Some(unit) = survey.units.get(at).filter(|unit| unit.instruction.keyword == Keyword::Arg) else { continue };
        let names: Vec<String> =
            unit.instruction.pairs(survey.model.file.escape).iter().map(|pair| pair.name.raw.to_owned()).collect();
        let read = survey.units.iter().zip(decisions.iter().chain(std::iter::repeat(&RUNTIME))).enumerate().any(
            |(later, (unit, decision))| {
                later > at && decision.place != Place::Builder && names.iter().any(|name| reads(unit, name))
            },
        );
        if let (true, Some(decision)) = (read, decisions.get_mut(at)) {
            *decision = Decision { place: Place::Both, evidence: "the runtime stage reads it too".into() };
        }
    }

    for command in unknown.into_iter().take(4) {
        recipe.assumptions.push(format!("`{command}` changes nothing outside the folders that are copied"));
        recipe.applicability = Applicability::Review;
    }

    let packages = tools::packages(survey, &recipe, &decisions)?;
    if !packages.is_empty() {
        recipe.tools = Some(format!(
            "apt-get update && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*",
            packages.join(" ")
        ));
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
    let workdir = (before != "/").then(|| before.to_owned());
    let sets_user = survey.units.iter().take(pivot).any(|unit| unit.instruction.keyword == Keyword::User);
    let user = survey.model.user(first_left).filter(|_| sets_user).map(|user| user.text.clone());
    let user = user.filter(|user| !matches!(user.split(':').next(), Some("root" | "0")));
    Ok(Plan { recipe, decisions, workdir, user, pivot })
}

/// Whether an instruction does nothing but take away what the build left.
fn cleans(recipe: &Recipe, unit: &Unit<'_>) -> bool {
    unit.instruction.keyword == Keyword::Run
        && !unit.steps.is_empty()
        && unit.steps.iter().all(|step| match effects::of(step) {
            Effect::Lists | Effect::Nothing => true,
            Effect::Files(paths) => {
                step.program() == "rm" && paths.iter().all(|path| in_builder(&recipe.builder_folders, path))
            }
            _ => false,
        })
}

/// Whether a path belongs to the build: the runtime stage does not get it from an instruction.
fn in_builder(builder_folders: &[String], path: &str) -> bool {
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
) -> Decision {
    let decision = |place, evidence: &str| Decision { place, evidence: evidence.into() };
    match unit.instruction.keyword {
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Stopsignal | Keyword::Expose => {
            decision(Place::Runtime, "it describes how the image runs")
        }
        Keyword::Volume | Keyword::Label | Keyword::Maintainer => {
            decision(Place::Runtime, "it describes the shipped image")
        }
        Keyword::Env => env(survey, recipe, unit),
        Keyword::Shell => decision(Place::Both, "shell forms of both stages are read by it"),
        Keyword::Copy | Keyword::Add => copy(survey, recipe, unit, at),
        Keyword::Run => run(survey, recipe, unit, unknown),
        _ => decision(Place::Builder, "the build needs it"),
    }
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
            || (name == "PATH" && toolchain_path(recipe, survey, unit, value));
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

/// Whether a new PATH adds nothing but folders of the toolchain.
fn toolchain_path(recipe: &Recipe, survey: &Survey<'_, '_>, unit: &Unit<'_>, value: &str) -> bool {
    let expanded = survey.model.expand(unit.index, value);
    let value = if expanded.known { expanded.text } else { value.trim_matches('"').to_owned() };
    value.split(':').all(|folder| {
        folder.contains("PATH") && folder.starts_with('$') && !folder.contains('/')
            || folder.starts_with("$GOPATH")
            || folder.starts_with("$GOROOT")
            || folder.starts_with("${GOPATH}")
            || recipe.builder_folders.iter().any(|toolchain| paths::within(folder, toolchain))
            || matches!(folder, "/usr/local/sbin" | "/usr/local/bin" | "/usr/sbin" | "/usr/bin" | "/sbin" | "/bin")
    })
}

/// A COPY goes to the builder where the build uses what it brings, else to the runtime stage.
fn copy(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, at: usize) -> Decision {
    let Some(to) = unit.copy.as_ref().and_then(|copy| copy.to.as_deref()) else {
        return Decision { place: Place::Both, evidence: "where it goes can't be told, so both stages have it".into() };
    };
    if recipe.builder_folders.iter().any(|folder| paths::within(to, folder)) {
        return Decision { place: Place::Builder, evidence: format!("{to} is where the build works") };
    }
    if paths::within(to, "/tmp")
        || paths::within(to, "/root") && survey.entry.steps.iter().all(|step| !mentions(step, to))
    {
        return Decision { place: Place::Builder, evidence: format!("{to} is scratch space") };
    }
    let copy = unit.copy.as_ref();
    let targets: Vec<String> = match copy {
        Some(copy) if copy.folder => copy.sources.iter().map(|source| paths::join(to, paths::name(source))).collect(),
        _ => vec![to.to_owned()],
    };
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

/// Whether a command names a path or works in it.
pub(super) fn mentions(step: &Step, path: &str) -> bool {
    step.cwd.as_deref().is_some_and(|cwd| path != "/" && paths::within(cwd, path))
        || step.argv.iter().any(|arg| {
            let value = arg.rsplit('=').next().unwrap_or(arg);
            !value.starts_with('-') && step.path(value).is_some_and(|named| paths::within(&named, path))
        })
}

/// What becomes of the commands of a RUN.
fn run(survey: &Survey<'_, '_>, recipe: &mut Recipe, unit: &Unit<'_>, unknown: &mut Vec<String>) -> Decision {
    // The commands that the runtime stage runs too, as text, and whether the builder needs any of them.
    let mut kept: Vec<String> = Vec::new();
    let mut install_at: Option<usize> = None;
    let mut reasons: Vec<String> = Vec::new();
    let mut build = false;
    let source = survey.model.file.source;
    let mut last_span = None;
    for step in unit.steps {
        let text = || command_text(survey, unit, step);
        let builder_folders = recipe.builder_folders.clone();
        let outside = |path: &String| !in_builder(&builder_folders, path);
        match effects::of(step) {
            Effect::Install(packages) => {
                let wanted: Vec<&String> = packages
                    .names
                    .iter()
                    .filter(|name| runtime_package(survey, recipe, packages.manager, name))
                    .collect();
                if wanted.len() == packages.names.len() {
                    if !wanted.is_empty() {
                        install_at = Some(kept.len());
                        kept.push(text());
                    }
                } else {
                    build = true;
                    if !wanted.is_empty() {
                        install_at = Some(kept.len());
                        kept.push(install_text(step, packages.manager, &packages.names, &wanted));
                    }
                }
                if !wanted.is_empty() {
                    let names: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
                    reasons.push(format!("{} may be needed at run time", names.join(", ")));
                }
            }
            Effect::Lists | Effect::Nothing => {}
            Effect::User => {
                kept.push(text());
                reasons.push("the shipped image has the user".into());
            }
            Effect::Configure => {
                kept.push(text());
                build = true;
                reasons.push(format!("`{}` sets up the system", step.program()));
            }
            Effect::Files(_) if !step.known => {
                build = true;
                unknown.extend(Some(text()).filter(|text| !unknown.contains(text)));
            }
            Effect::Files(touched) if touched.iter().any(outside) => {
                if last_span != Some(step.span) {
                    kept.push(text());
                }
                reasons.push(format!("`{}` works outside the build folders", step.program()));
            }
            Effect::Writes(written) => {
                build = true;
                for path in written.into_iter().filter(|path| outside(path)) {
                    if paths::within(&path, "/etc/apt") || path == "/" {
                        continue;
                    }
                    let evidence = format!("`{}` writes it", step.program());
                    if !recipe.carried.iter().any(|carried| paths::within(&path, &carried.from)) {
                        recipe.carried.push(Carried { from: path.clone(), to: path, evidence });
                    }
                }
            }
            Effect::Files(_) | Effect::Build => build = true,
            Effect::Unknown => {
                build = true;
                let inside = step.cwd.as_ref().is_some_and(|cwd| !outside(cwd));
                let shown = step.span.text(source);
                let shown: String = shown.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
                if !inside && !shown.is_empty() && !unknown.contains(&shown) {
                    unknown.push(shown);
                }
            }
        }
        last_span = Some(step.span);
    }
    if kept.is_empty() {
        return Decision { place: Place::Builder, evidence: "it is work for the build".into() };
    }
    let evidence = reasons.join("; ");
    let simple = unit.instruction.heredocs.is_empty()
        && unit.steps.iter().all(|step| step.always)
        && unit.instruction.flags.is_empty();
    if !build {
        // A run-time package may be used by the build as well, so the instruction stays where it installs anything.
        let place = if install_at.is_some() { Place::Both } else { Place::Runtime };
        return Decision { place, evidence };
    }
    if !simple {
        return Decision { place: Place::Both, evidence };
    }
    if let Some(at) = install_at
        && unit.steps.iter().any(|step| matches!(effects::of(step), Effect::Install(_)) && step.program() != "apk")
    {
        let apt = unit.steps.iter().any(|step| matches!(step.program(), "apt-get" | "apt"));
        if apt {
            kept.insert(at, "apt-get update".into());
            kept.push("rm -rf /var/lib/apt/lists/*".into());
        }
    }
    kept.dedup();
    Decision { place: Place::BuilderAnd(format!("RUN {}", kept.join(" && "))), evidence }
}

/// The source text of a command, on one line.
fn command_text(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> String {
    let script = unit.instruction.script();
    let item = script.as_ref().and_then(|script| script.items.get(step.item));
    let alone = unit.steps.iter().filter(|other| other.item == step.item).count() == 1;
    let span = item.filter(|_| alone).map_or(step.span, |item| item.span);
    let text = span.text(survey.model.file.source);
    let lines = text.lines().map(|line| line.trim_end().trim_end_matches(char::from(survey.model.file.escape)).trim());
    let joined: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    joined.join(" ")
}

/// An install command with fewer packages.
fn install_text(step: &Step, manager: Manager, names: &[String], wanted: &[&String]) -> String {
    let mut virtual_name = false;
    let words: Vec<&str> = step
        .argv
        .iter()
        .map(String::as_str)
        .filter(|word| {
            // A virtual package of apk is there to be deleted after the build.
            if std::mem::take(&mut virtual_name) {
                return false;
            }
            if manager == Manager::Apk && (*word == "--virtual" || *word == "-t") {
                virtual_name = true;
                return false;
            }
            let package = names.iter().any(|name| name == word);
            !(package && !wanted.iter().any(|name| name == word) || word.starts_with("--virtual="))
        })
        .collect();
    words.join(" ")
}

/// Whether the runtime stage installs a package too.
fn runtime_package(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let name = package.split(['=', '<', '>', '~']).next().unwrap_or(package);
    if build_only(manager, name) {
        return false;
    }
    if !tool(name) {
        return true;
    }
    // A tool stays where something that runs later starts it, or may.
    let later = survey.units.iter().skip(recipe.last_build + 1).flat_map(|unit| unit.steps);
    let health = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Healthcheck);
    recipe.opaque_entry
        || later.chain(&survey.entry.steps).any(|step| tools::package(step.program()) == name || step.program() == name)
        || health.into_iter().any(|unit| unit.instruction.args.text.contains(name))
}

/// Whether a package is a tool that people install for builds, and sometimes for use.
fn tool(name: &str) -> bool {
    matches!(
        name,
        "git"
            | "mercurial"
            | "bzr"
            | "subversion"
            | "unzip"
            | "zip"
            | "wget"
            | "curl"
            | "gnupg"
            | "gnupg2"
            | "bash"
            | "openssh"
            | "openssh-client"
            | "xz-utils"
            | "tar"
            | "bzip2"
            | "rsync"
            | "file"
            | "upx"
            | "patch"
            | "make"
            | "nodejs"
            | "npm"
            | "yarn"
            | "python"
            | "python3"
            | "perl"
    )
}

/// Whether a package is there to build with.
fn build_only(manager: Manager, name: &str) -> bool {
    let headers = name.ends_with("-dev") || name.ends_with("-devel") || name.ends_with("-headers");
    let _ = manager;
    headers
        || matches!(
            name,
            "gcc"
                | "g++"
                | "cmake"
                | "build-essential"
                | "build-base"
                | "autoconf"
                | "automake"
                | "libtool"
                | "pkg-config"
                | "pkgconfig"
                | "pkgconf"
                | "protobuf-compiler"
                | "golang"
                | "go"
                | "musl-dev"
                | "libc-dev"
                | "apt-transport-https"
                | "apt-utils"
                | "software-properties-common"
                | "binutils"
                | "bison"
                | "flex"
        )
}
