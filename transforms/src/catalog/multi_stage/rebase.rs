//! A shipped stage that compiles nothing and stands on an image with a compiler: it is put on the image's counterpart
//! without one, and nothing else of it changes.
//!
//! That is a matter of what starts: where it can be read, and is known to run on the smaller image, and where no command
//! of the stage is a program that only the larger one has.

use crate::edit::{Edit, EditSet};
use crate::knowledge::packages::Role;
use crate::knowledge::releases::Family;
use crate::knowledge::words::Words;
use crate::model::base;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Base, Model, Stage, npm, paths};
use crate::surgery::Layout;
use crate::transform::{Applicability, Decision, Fix};

use super::runtime::{self, Runtime};
use super::survey::{self, Survey};
use super::{calls, globalization, libraries, tools, whole};

/// Programs of the full images that sources start by their names, and that are words for nothing else.
const CALLED: [&str; 7] = ["git", "gpg", "hg", "scp", "ssh", "ssh-keygen", "svn"];

/// The languages whose images have a counterpart that only runs what is made.
const LANGUAGES: [&str; 6] = ["dotnet", "go", "java", "node", "python", "rust"];

/// The stage on a smaller image; `None` where that has no other, or what the stage needs of it can't be told.
pub(super) fn fix(model: &Model<'_>, stage: &Stage) -> Option<Fix> {
    let Base::Image { image, .. } = &stage.base else { return None };
    let known = base::known(image)?;
    let language = known.language().filter(|language| LANGUAGES.contains(language))?;
    let compiled = matches!(language, "go" | "rust");
    let interpreted = matches!(language, "node" | "python");
    let full = !["alpine", "slim"].iter().any(|part| known.tag().contains(part));
    // What an image with a build tool ships may start that tool.
    if !interpreted && known.cmd().is_some_and(|cmd| !matches!(cmd, "bash" | "jshell" | "sh")) {
        return None;
    }
    // What the modules need of the image, only the project says.
    if interpreted && !(full && lists_modules(model, language)) {
        return None;
    }
    if model.settings.runtime_base.is_some() || image.digest.is_some() {
        return None;
    }
    let mut survey = Survey::new(model, stage, false).ok()?;
    if !survey.entry.known || whole::asks_for_the_sdk(&survey).is_some() {
        return None;
    }
    let others = super::others(model, stage);
    let mut programs: Vec<Step> = Vec::new();
    for step in survey.entry.steps.iter().chain(others.iter().flat_map(|(_, steps)| steps)) {
        if compiled && is_brought(&survey, step) || runs(language, step) || starts_script(&survey, language, step) {
            programs.push(step.clone());
        } else if !Words::AroundStarts.has(step.program()) {
            programs.push(scripted(&survey, language, step)?);
        }
    }
    if programs.is_empty() {
        return None;
    }
    survey.also(&[&programs]);
    let (smaller, true) = runtime::counterpart(&survey, Some(&known)).ok()? else { return None };
    let from = model.instruction(stage.from)?;
    let written = from.from()?.image;
    let distribution = compiled || interpreted;
    // What fetches something, the images of Java have as much as the larger ones, but for their slim ones, and .NET's have not.
    let fetches = |step: &Step| matches!(step.program(), "curl" | "wget");
    let debian = smaller.release.is_some_and(|release| release.family == Family::Debian && release.major() > Some(10))
        || smaller.family == Some(Family::Ubuntu);
    let has = !full || language == "java" && !smaller.image.contains("slim");
    let lacks =
        |step: &Step| tools::is_of_full_images(step.program()) && !(fetches(step) && !distribution && (has || debian));
    if written.raw.contains('$') || !stays(&survey, &smaller, &lacks) {
        return None;
    }
    let called = |program: &&str| survey.calls(program) && !survey.installs(tools::package(program));
    if full && !interpreted && CALLED.iter().any(called) {
        return None;
    }
    let before = known.name();
    let moves = smaller.family != known.family();
    let other = !smaller.image.rsplit('/').next()?.starts_with(&format!("{}:", before.rsplit('/').next()?));
    // What is started by its path lies elsewhere in another image, and one without a shell is small as it is.
    let placed = |step: &Step| !compiled && step.argv.first().is_some_and(|program| program.contains('/'));
    if other && survey.entry.steps.iter().any(placed) || known.tag().contains("distroless") {
        return None;
    }
    // Ubuntu's images have a user 1000 of their own, and the full ones are mostly Debian's.
    let taken = other && smaller.family == Some(Family::Ubuntu);
    let relatives =
        [known.family(), smaller.family].iter().all(|family| matches!(family, Some(Family::Debian | Family::Ubuntu)));
    let there = |step: &Step| works_there(step, taken, moves, relatives) && !lacks(step);
    if !survey.units.iter().all(|unit| unit.steps.iter().all(there)) {
        return None;
    }
    let mut assumptions = vec![match language {
        "java" => "what starts uses none of a JDK's tools: its compiler, `jcmd`, `jmap` and the like".to_owned(),
        "dotnet" => "what starts uses none of the SDK's tools".to_owned(),
        "go" | "rust" => "what starts is no script, and starts no program that only the full image has".to_owned(),
        _ => "what starts calls no program that only the full image has".to_owned(),
    }];
    let mut libraries = Vec::new();
    if distribution {
        let wanted = libraries::wanted(&survey, survey.units.len(), Some(&known), &smaller, &[]).ok()?;
        if !wanted.carried.is_empty() {
            return None;
        }
        assumptions.extend(wanted.assumptions);
        libraries = wanted.packages;
        libraries.extend(calls::packages(&survey).into_iter().filter(|_| interpreted).map(str::to_owned));
        libraries.retain(|package| !survey.installs(package));
    }
    if !distribution && !has {
        let all = survey.units.iter().flat_map(|unit| unit.steps).chain(&survey.checks);
        let programs = all.filter(|step| fetches(step)).map(|step| step.program().to_owned());
        libraries.extend(programs.filter(|program| !survey.installs(program)));
        libraries.sort_unstable();
        libraries.dedup();
    }
    if other || moves {
        assumptions.push(format!("what runs on {image} runs on {}", smaller.image));
    }
    assumptions.extend(smaller.assumption.clone());
    let mut decisions = Vec::new();
    if model.settings.explain {
        decisions.push(Decision {
            line: Some(from.lines.0),
            what: format!("FROM {}", smaller.image),
            place: "runtime",
            evidence: smaller.evidence.clone(),
        });
    }
    let mut edits = vec![Edit::replace(written.span, smaller.image.as_str())];
    let installed = survey.units.iter().flat_map(|unit| unit.steps).filter_map(|step| match effects::of(step) {
        Effect::Install(packages) => Some(&packages.names),
        _ => None,
    });
    let mut commands: Vec<String> = smaller.manuals(installed.flatten()).into_iter().collect();
    if !libraries.is_empty() {
        commands.extend(tools::install(&libraries));
    }
    commands.extend(globalization::install(&survey, &smaller));
    let layout = Layout::new(model.file, stage.from, stage.body.clone());
    let mut text = String::new();
    for (name, value) in globalization::variables(&survey, &smaller) {
        text.push_str(&layout.line("ENV", &format!("{name}={value}")));
    }
    if !commands.is_empty() {
        text.push_str(&layout.run(&commands));
    }
    if !text.is_empty() {
        edits.extend(layout.insert_after(stage.from, text));
    }
    Some(Fix {
        title: format!("Ship {}, which has no compiler", smaller.image),
        applicability: Applicability::Review,
        claim: from.span,
        edits: EditSet::new(edits).ok()?,
        assumptions,
        tasks: Vec::new(),
        decisions,
    })
}

/// Whether a command starts a file that a COPY of the stage brings, and that is no script by its name.
fn is_brought(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let script = |path: &str| paths::name(path).contains('.');
    step.kind().is_empty() && survey.started(step).is_some_and(|path| survey.copied_file(&path) && !script(&path))
}

/// Whether the project beside the file lists the modules that it uses.
fn lists_modules(model: &Model<'_>, language: &str) -> bool {
    let lists: &[&str] = match language {
        "node" => &["package.json"],
        _ => &["requirements.txt", "pyproject.toml", "Pipfile", "setup.py"],
    };
    model.context.is_some_and(|context| context.files().iter().any(|file| lists.contains(&paths::name(file))))
}

/// Whether a command is a script of `package.json` behind which the interpreter alone starts.
fn starts_script(survey: &Survey<'_, '_>, language: &str, step: &Step) -> bool {
    if language != "node" || !matches!(step.kind(), "npm" | "yarn" | "pnpm") {
        return false;
    }
    let read = |path: &str| survey.model.context?.read(&survey.context_path(path)?);
    let index = survey.entry.cmd.or(survey.entry.entrypoint).unwrap_or_default();
    let behind = npm::behind(survey.model, index, step, &read);
    let mut own = behind.iter().filter(|one| one.argv != step.argv).peekable();
    own.peek().is_some() && own.all(|one| runs(language, one) || Words::AroundStarts.has(one.program()))
}

/// Whether a command starts a compiled program of the language in the runtime alone, or a source in the interpreter.
fn runs(language: &str, step: &Step) -> bool {
    const SERVERS: [&str; 6] = ["celery", "daphne", "gunicorn", "hypercorn", "python", "uvicorn"];
    let program = step.program();
    let own = match language {
        "python" => SERVERS.contains(&program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')),
        "dotnet" | "java" | "node" => program == language,
        _ => false,
    };
    own && match language {
        "node" | "python" => step.args().iter().any(|arg| !arg.starts_with('-')),
        // A source is compiled first, and the debugger's agent is a part of the JDK.
        "java" => !step.args().is_empty() && !step.args().iter().any(|arg| needs_jdk(arg)),
        _ => step.args().first().is_some_and(|arg| arg.ends_with(".dll")),
    }
}

/// What a script starts that can be read, where that is the like and nothing in it is a program of the larger image only.
fn scripted(survey: &Survey<'_, '_>, language: &str, script: &Step) -> Option<Step> {
    let (mut started, mut alike) = (None, true);
    let each = &mut |step: &Step| {
        let tool = matches!(step.kind(), "compile" | "jvm" | "make") || tools::is_of_full_images(step.program());
        if runs(language, step) {
            started = Some(step.clone());
        } else if step.program() == language
            || tool
            || Words::JdkPrograms.has(step.program())
            || whole::hidden(survey, step)
        {
            alike = false;
        }
        Ok(())
    };
    whole::scripts(survey, script, each).ok()?;
    started.filter(|_| alike)
}

/// Whether a word on Java's command line asks for something of a JDK.
fn needs_jdk(arg: &str) -> bool {
    arg.ends_with(".java") || ["jdwp", "tools.jar", "jdk.", "-Xdebug"].iter().any(|part| arg.contains(part))
}

/// Whether nothing that stays in the stage says where things lie in the larger image, or reads what only that one sets.
/// A health check starts no program that the smaller one `lacks`.
fn stays(survey: &Survey<'_, '_>, smaller: &Runtime, lacks: &dyn Fn(&Step) -> bool) -> bool {
    const PLACES: [&str; 6] = ["JAVA_HOME", "/usr/lib/jvm", "/opt/java", "/usr/local/openjdk", "/jre/", "/docker-java"];
    let lost = runtime::lost(survey, smaller);
    survey.units.iter().all(|unit| {
        let text = unit.instruction.args.text.as_ref();
        !PLACES.iter().any(|place| text.contains(place)) && !lost.iter().any(|name| survey::reads(unit, name))
    }) && !survey.checks.iter().any(lacks)
}

/// Whether a command of the stage does in the smaller image what it did: with `taken`, that may have a user 1000, and
/// with `moves` it is of another distribution, and of `relatives` the same tools are in packages of the same names.
fn works_there(step: &Step, taken: bool, moves: bool, relatives: bool) -> bool {
    match effects::of(step) {
        Effect::Files(_) | Effect::Writes(_) | Effect::Nothing => true,
        // Another distribution has other tools for it.
        Effect::User => {
            let numbered = step.args().iter().any(|arg| matches!(arg.as_str(), "1000" | "1000:1000"));
            !(taken && numbered || moves && !matches!(step.program(), "groupadd" | "useradd"))
        }
        Effect::Install(packages) => {
            let there = |name: &String| packages.role(name) == Role::Tool || Words::CommonPackages.has(name.as_str());
            !moves || relatives && packages.names.iter().all(there)
        }
        Effect::Lists => !moves || relatives,
        Effect::Remove(_) | Effect::Upgrade => !moves,
        _ => false,
    }
}
