//! Where a single instruction goes.

use crate::knowledge::homes;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::{Keyword, words};
use crate::transform::Refusal;

use super::super::survey::{PATH, Survey, Unit, refuse};
use super::super::{helpers, runs, stores, tidy, whole};
use super::{BUILD_VARIABLES, Decision, Place, Recipe};

/// Decides for every unit, in order.
pub(super) fn decide_all(
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
pub(in crate::catalog::multi_stage) fn is_build_setting(path: &str) -> bool {
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
pub(in crate::catalog::multi_stage) fn is_brought_again(survey: &Survey<'_, '_>, recipe: &Recipe, path: &str) -> bool {
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
pub(in crate::catalog::multi_stage) fn mentions(step: &Step, path: &str) -> bool {
    step.cwd.as_deref().is_some_and(|cwd| path != "/" && paths::within(cwd, path))
        || step.argv.iter().any(|arg| {
            let value = arg.rsplit('=').next().unwrap_or(arg);
            !value.starts_with('-') && step.reaches(value, path)
        })
        || step.inputs.iter().any(|input| step.reaches(input, path))
}
