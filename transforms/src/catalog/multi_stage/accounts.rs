//! Users that the base image brings and the runtime image does not: the runtime stage makes them.

use crate::knowledge::images::{self, Image, User};
use crate::surgery::Account;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::plan::{Place, Plan};
use super::survey::{Survey, Unit, refuse};

/// The commands that make the users of the base image whom the runtime stage names, and whom its image, `runtime` where it
/// is known, does not bring.
///
/// # Errors
/// Where the runtime image has nothing to make them with.
pub(super) fn lost(survey: &Survey<'_, '_>, plan: &Plan, runtime: Option<&Image<'_>>) -> Result<Vec<String>, Refusal> {
    let recipe = &plan.recipe;
    let Some(base) = survey.model.known(survey.stage).filter(|_| recipe.smaller) else { return Ok(Vec::new()) };
    let there = |user: &User| runtime.is_some_and(|image| brings(image, |other| other.name == user.name));
    let mut commands = Vec::new();
    for lost in base.users().filter(|user| !there(user)) {
        if !named(survey, plan, lost.name) || makes(survey, lost.name) {
            continue;
        }
        let taken = |id: &str| runtime.is_some_and(|image| brings(image, |other| other.uid == id));
        let id = |id: &'static str| Some(id).filter(|id| !id.is_empty() && !taken(id));
        let usual = format!("/home/{}", lost.name);
        let account = Account {
            name: lost.name,
            group: lost.name,
            uid: id(lost.uid),
            gid: id(lost.gid),
            home: Some(lost.home).filter(|home| !home.is_empty() && **home != *usual),
            system: false,
        };
        let family = recipe.runtime.release.map(|release| release.family);
        let Some(made) = account.commands(family.or(runtime.and_then(Image::family))) else {
            let text = format!(
                "the image runs as {}, whom {} brings; {} does not, and has nothing to make one with",
                lost.name,
                base.name(),
                recipe.runtime.image
            );
            return Err(refuse("unknown-user", text, false));
        };
        commands.push(made.join(" && "));
    }
    Ok(commands)
}

/// Whether an image brings such a user, or the distribution that it stands on does.
fn brings(image: &Image<'_>, is: impl Fn(User) -> bool) -> bool {
    let under = image.family().zip(image.release()).and_then(|(family, release)| images::image(family.name(), release));
    image.users().chain(under.iter().flat_map(Image::users)).any(is)
}

/// Whether the runtime stage names a user: by USER, by `--chown`, or in a command.
fn named(survey: &Survey<'_, '_>, plan: &Plan, name: &str) -> bool {
    let is = |owner: &str| owner.split([':', '.']).any(|part| part.trim() == name);
    let word = |text: &str| text.split(|c: char| c.is_whitespace() || c == ':').any(|word| word == name);
    let owner = |unit: &Unit<'_>| {
        let owner = unit.instruction.flags.iter().find(|flag| flag.name == "chown");
        owner.and_then(|flag| flag.value.as_deref()).is_some_and(is)
    };
    let says = |unit: &Unit<'_>| match unit.instruction.keyword {
        Keyword::User => is(&survey.model.expand(unit.index, &unit.instruction.args.text).text),
        Keyword::Copy | Keyword::Add => owner(unit),
        Keyword::Run => unit.steps.iter().any(|step| {
            matches!(step.program(), "chown" | "chgrp" | "su" | "usermod") && step.argv.iter().any(|arg| word(arg))
        }),
        _ => false,
    };
    plan.user.as_deref().is_some_and(is)
        || plan.recipe.carried.iter().filter_map(|carried| carried.owner.as_deref()).any(is)
        || survey.units.iter().zip(&plan.decisions).enumerate().any(|(at, (unit, decision))| match &decision.place {
            Place::Builder => false,
            Place::BuilderAnd(text) => word(text),
            // USER of the builder is no matter of the shipped image.
            Place::Both | Place::Runtime => {
                (at >= plan.pivot || unit.instruction.keyword != Keyword::User) && says(unit)
            }
        })
}

/// Whether a command of the file makes the user, or another one of that name.
fn makes(survey: &Survey<'_, '_>, name: &str) -> bool {
    survey
        .steps()
        .any(|(_, step)| matches!(step.program(), "useradd" | "adduser") && step.argv.iter().any(|arg| arg == name))
}
