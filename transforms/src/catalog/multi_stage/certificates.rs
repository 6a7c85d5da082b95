//! The certificates of authorities, where what stays behind brought them unasked: `curl` and its like recommend them, and a
//! distribution's plain image has none.

use crate::knowledge::images::Kind;
use crate::knowledge::packages;
use crate::knowledge::releases::Manager;
use crate::knowledge::words::Words;
use crate::model::effects::{self, Effect, Packages};

use super::plan::{Decision, Place, Recipe};
use super::survey::Survey;
use super::{go, libraries, tidy, whole};

/// The package that has them, in Debian and in Alpine.
pub(super) const PACKAGE: &str = "ca-certificates";

/// Whether the runtime stage lacks them, which the file's installs of Debian's packages bring. `joined` says that they are
/// among what joins the first of its installs.
pub(super) fn lost(survey: &Survey<'_, '_>, recipe: &Recipe, decisions: &[Decision], joined: bool) -> bool {
    of_a_distribution(survey) && brought(survey, decisions, joined) == Some(false) && may_speak(survey, recipe)
}

/// Whether an install of Debian's packages brings them to the runtime stage by what the file has it install; `None` where
/// none of the file does.
pub(super) fn brought(survey: &Survey<'_, '_>, decisions: &[Decision], joined: bool) -> Option<bool> {
    let mut found = None;
    for (unit, decision) in survey.units.iter().zip(decisions) {
        for step in unit.steps.iter().chain(unit.own) {
            let Effect::Install(packages) = effects::of(step) else { continue };
            if packages.manager != Manager::Apt || !brings(survey, packages) {
                continue;
            }
            let kept = match &decision.place {
                Place::Runtime | Place::Both => true,
                Place::Builder => false,
                Place::BuilderAnd(text) => text.split("&&").any(|command| {
                    let recommended = !command.contains("--no-install-recommends");
                    let mut words = command.split_ascii_whitespace().filter(|word| !joined || *word != PACKAGE);
                    words.any(|word| recommended && recommends(word) || depends(word))
                }),
            };
            if kept {
                return Some(true);
            }
            found = Some(false);
        }
    }
    found
}

/// Whether an install of Alpine's packages leaves them behind, of which `kept` goes on. Its newer images have them.
pub(super) fn left(survey: &Survey<'_, '_>, recipe: &Recipe, packages: &Packages, kept: &[String]) -> bool {
    let brings = |name: &String| Words::RecommendCertificates.has(packages::bare(name));
    packages.manager == Manager::Apk
        && go::lacks_certificates(survey, &recipe.runtime)
        && of_a_distribution(survey)
        && may_speak(survey, recipe)
        && !recipe.installed.iter().any(|name| name == PACKAGE)
        && packages.names.iter().any(brings)
        && !kept.iter().any(brings)
}

/// Whether the stage stands on a distribution's plain image, or on one that nobody knows: what stands on top of them has
/// certificates.
fn of_a_distribution(survey: &Survey<'_, '_>) -> bool {
    !survey.installs(PACKAGE) && survey.model.known(survey.stage).is_none_or(|image| image.kind() == Kind::Distro)
}

/// Whether an install brings them, and nothing takes them away again.
fn brings(survey: &Survey<'_, '_>, packages: &Packages) -> bool {
    let swept = survey.steps().any(|(_, step)| tidy::sweeps(step));
    let gone = |name: &str| {
        swept
            && survey.steps().any(|(_, step)| {
                matches!(effects::of(step), Effect::Remove(gone) if gone.names.iter().any(|other| other == name))
            })
    };
    packages.names.iter().any(|name| (packages.recommended && recommends(name) || depends(name)) && !gone(name))
}

fn recommends(name: &str) -> bool {
    // The libraries of curl themselves recommend them.
    Words::RecommendCertificates.has(packages::bare(name)) || name.starts_with("libcurl")
}

fn depends(name: &str) -> bool {
    name == PACKAGE || Words::DependOnCertificates.has(packages::bare(name))
}

/// Whether what starts may look for them: Node and Java have their own, a server of files asks nobody, and of what is
/// compiled here the sources may tell.
fn may_speak(survey: &Survey<'_, '_>, recipe: &Recipe) -> bool {
    const OWN: [&str; 6] = ["java", "node", "npm", "npx", "pnpm", "yarn"];
    let steps = &survey.entry.steps;
    if recipe.opaque_entry || steps.is_empty() {
        return true;
    }
    let compiled = steps.iter().all(|step| step.kind().is_empty());
    let told = if compiled { told(survey) } else { None };
    !recipe.serves && !steps.iter().all(|step| OWN.contains(&step.program())) && told != Some(false)
}

/// Whether the sources of what is built speak TLS; `None` where they are not all there to read.
fn told(survey: &Survey<'_, '_>) -> Option<bool> {
    if survey.steps().any(|(_, step)| matches!(effects::of(step), Effect::Fetch(_))) {
        return None;
    }
    let mut speaks = false;
    for (_, step) in survey.steps().filter(|(_, step)| effects::of(step).is_work() || whole::is_build_script(step)) {
        speaks |= match step.kind() {
            "compile" | "make" | "cmake" | "ninja" => libraries::asks_for(survey, "c", PACKAGE)?,
            "rust" => libraries::asks_for(survey, "rust", PACKAGE)?,
            // `go get` and `go install` may build what is not here.
            "go" if matches!(step.subcommand(), Some("build" | "generate" | "mod" | "test" | "vet")) => {
                go::speaks(survey)?
            }
            _ => return None,
        };
    }
    Some(speaks)
}
