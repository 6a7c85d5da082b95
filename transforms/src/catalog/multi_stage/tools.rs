//! Programs that the runtime stage starts and that the builder's image happened to have.

use crate::knowledge::buildpack;
use crate::knowledge::releases::{Family, Manager};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Packages};
use crate::transform::Refusal;

use super::plan::{Decision, Place, Recipe};
use super::survey::{Survey, Unit, refuse};
use super::{calls, libraries};

/// Whether a program is one that the full images have and the slim ones lack.
pub(super) fn is_of_full_images(program: &str) -> bool {
    buildpack::package(program).is_some()
}

/// The package that brings a program.
pub(super) fn package(program: &str) -> &str {
    buildpack::package(program).unwrap_or(program)
}

/// Whether a package brings a program, by what it is called. What `pip` is called doesn't tell which Python it is of.
pub(super) fn brings(name: &str, program: &str) -> bool {
    program == name || package(program) == name || name.ends_with("-pip") && program.starts_with("pip")
}

/// The commands that install packages of Debian where the file has none that does.
pub(super) fn install(packages: &[String]) -> Vec<String> {
    let install = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    vec!["apt-get update".to_owned(), install, "rm -rf /var/lib/apt/lists/*".to_owned()]
}

/// Whether an install in the runtime stage would fail where the file as it is does not: the release no longer has its
/// packages at the usual place, and the file installs none of them, or says itself where they are.
pub(super) fn unavailable(survey: &Survey<'_, '_>, recipe: &Recipe, packages: &[String]) -> Option<Refusal> {
    let release = recipe.runtime.release.filter(|release| release.family == Family::Debian)?;
    let old = release.major().is_some_and(|major| major < 11);
    let steps = || survey.units.iter().flat_map(|unit| unit.steps.iter().chain(unit.own));
    let apt = |step: &Step| {
        matches!(effects::of(step), Effect::Install(packages) if packages.manager == Manager::Apt)
            && matches!(step.program(), "apt" | "apt-get" | "aptitude")
    };
    let archives = |unit: &Unit<'_>| {
        unit.instruction.args.text.contains("/etc/apt/sources.list")
            && !unit.instruction.args.text.contains("/etc/apt/sources.list.d")
    };
    if packages.is_empty() || !old || steps().any(apt) && !survey.units.iter().any(archives) {
        return None;
    }
    let text = format!(
        "the runtime stage would need {}, and the packages of {} are only in the archive",
        packages.join(", "),
        release.name
    );
    Some(refuse("archived-release", text, true))
}

/// The packages that the runtime stage needs for the programs that its instructions start.
pub(super) fn packages(survey: &Survey<'_, '_>, recipe: &Recipe, decisions: &[Decision]) -> Vec<&'static str> {
    // Of Ubuntu's images, `buildpack-deps` alone has them. Of what nobody knows, it may be so.
    let full = |family: Family| match family {
        Family::Debian => {
            survey.model.known(survey.stage).is_none_or(|image| !Words::SlimByThemselves.has(image.name()))
        }
        Family::Ubuntu => survey.model.known(survey.stage).is_some_and(|image| image.name() == "buildpack-deps"),
        _ => false,
    };
    // What a package of a program is called is the same in every release.
    if recipe.runtime.family.is_none_or(|family| !full(family)) {
        return Vec::new();
    }
    let known = survey.model.known(survey.stage);
    let language = known.as_ref().and_then(|image| image.language());
    let own = |program: &str| language.is_some_and(|language| buildpack::is_own(language, program));
    let mut wanted: Vec<&'static str> = Vec::new();
    for program in recipe.programs.names() {
        if let Some(package) = buildpack::package(program).filter(|_| !own(program)) {
            wanted.push(package);
            if matches!(package, "curl" | "wget" | "git") {
                wanted.push("ca-certificates");
            }
        }
    }
    let mut need = |step: &Step| {
        if let Some(package) = buildpack::package(step.program()).filter(|_| !own(step.program())) {
            if !wanted.contains(&package) {
                wanted.push(package);
            }
            let remote = step.argv.iter().any(|arg| arg.starts_with("https://"));
            if remote && !wanted.contains(&"ca-certificates") {
                wanted.push("ca-certificates");
            }
        }
    };
    let mut installed: Vec<String> = Vec::new();
    for (unit, decision) in survey.units.iter().zip(decisions) {
        let runs = match decision.place {
            Place::Builder | Place::BuilderAnd(_) => false,
            Place::Runtime | Place::Both => true,
        };
        for step in unit.steps.iter().chain(unit.own) {
            if let Effect::Install(packages) = effects::of(step) {
                if kept(&decision.place).is_some_and(|text| certificates_with(packages, text)) {
                    installed.push("ca-certificates".to_owned());
                }
                installed.extend(packages.names.iter().cloned());
            } else if runs {
                need(step);
            }
        }
    }
    survey.entry.steps.iter().chain(&survey.checks).for_each(&mut need);
    for package in libraries::behind(survey).into_iter().chain(calls::packages(survey)) {
        wanted.push(package);
        match package {
            "git" => wanted.push("ca-certificates"),
            // The headers of C's library are only recommended by it.
            "gcc" => wanted.push("libc6-dev"),
            _ => {}
        }
    }
    // What is called `git-lfs`, git itself starts.
    let of_git = |step: &Step| {
        matches!(effects::of(step), Effect::Fetch(folders)
            if folders.iter().any(|folder| crate::model::paths::name(folder).starts_with("git-")))
    };
    if !wanted.contains(&"git") && survey.steps().any(|(_, step)| of_git(step)) {
        wanted.push("git");
    }
    wanted.retain(|package| !installed.iter().any(|name| name == package) || used_before(survey, decisions, package));
    // The slim images of these have them, as those of Node have not.
    if known.is_some_and(|image| matches!(image.name(), "python" | "pypy" | "ruby")) {
        wanted.retain(|package| *package != "ca-certificates");
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// What the runtime stage has of an instruction, if anything: the text that is left of it, or `None` for all of it.
fn kept(place: &Place) -> Option<Option<&str>> {
    match place {
        Place::Builder => None,
        Place::BuilderAnd(text) => Some(Some(text.as_str())),
        Place::Runtime | Place::Both => Some(None),
    }
}

/// Whether an install of which the runtime stage has `kept` brings the certificates, which these recommend.
fn certificates_with(packages: &Packages, kept: Option<&str>) -> bool {
    let has = |name: &str| kept.is_none_or(|text| text.split_ascii_whitespace().any(|word| word == name));
    let recommended = packages.recommended && kept.is_none_or(|text| !text.contains("--no-install-recommends"));
    recommended && packages.names.iter().any(|name| matches!(name.as_str(), "curl" | "wget" | "git") && has(name))
}

/// Whether an instruction of the runtime stage starts a program before the package that brings it is installed there.
pub(super) fn used_before(survey: &Survey<'_, '_>, decisions: &[Decision], package: &str) -> bool {
    let brought = |program: &str| {
        let own = buildpack::package(program) == Some(package);
        own || package == "ca-certificates" && matches!(program, "curl" | "wget" | "git")
    };
    for (unit, decision) in survey.units.iter().zip(decisions) {
        let Some(kept) = kept(&decision.place) else { continue };
        let says = |word: &str| kept.is_none_or(|text| text.split_ascii_whitespace().any(|known| known == word));
        for step in if unit.own.is_empty() { unit.steps } else { unit.own } {
            match effects::of(step) {
                Effect::Install(packages)
                    if packages.names.iter().any(|name| name == package)
                        || kept.is_some() && says(package)
                        || package == "ca-certificates" && certificates_with(packages, kept) =>
                {
                    return false;
                }
                _ if brought(step.program()) && says(step.program()) => return true,
                _ => {}
            }
        }
    }
    false
}
