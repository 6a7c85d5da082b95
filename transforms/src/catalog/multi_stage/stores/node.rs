//! Where modules of Node are put that are there for everybody.

use crate::knowledge::images::Image;
use crate::knowledge::releases::Family;
use crate::model::commands::Step;
use crate::model::paths;

use super::super::globals;
use super::super::survey::{Survey, Unit};
use super::homes::home;
use super::{Install, local, told};

/// The folders that an installer of modules for everybody writes; `None` where they are the distribution's own.
pub(in crate::catalog::multi_stage) fn folders(install: &Install<'_, '_, '_>) -> Option<Vec<String>> {
    let &Install { survey, image, unit, step } = install;
    let beside_node = ["/usr/local/lib/node_modules", "/usr/local/bin"].map(str::to_owned).to_vec();
    if step.program() == "npm"
        && let Some(prefix) = npm_prefix(survey, unit, step)
    {
        return Some(vec![prefix]);
    }
    // It puts another Node into the prefix of the whole machine.
    if step.program() == "n" {
        return local();
    }
    // Bun's own image has no npm, before a package brings it.
    if image.and_then(Image::language) == Some("node") && !brings_bun(image) {
        let global = (step.program() == "yarn").then(|| "/usr/local/share/.config/yarn/global".to_owned());
        return Some(beside_node.into_iter().chain(global).collect());
    }
    // Node of the distribution's packages installs among theirs; Node from an archive lies where it is copied from.
    if globals::PACKAGES.iter().any(|name| *name != "yarn" && survey.installs(name)) {
        let debian = matches!(image.and_then(Image::family), Some(Family::Debian | Family::Ubuntu));
        return local().filter(|_| debian && survey.installs("npm") && step.program() == "npm");
    }
    // Node that another stage brings lies where the official image has it.
    Some(if brings_node(survey) { beside_node } else { Vec::new() })
}

/// Where npm was told to put what it installs for everybody: `NPM_CONFIG_PREFIX`, `npm config set prefix ~/.npm-global`,
/// `--prefix`. None where that is beside Node itself.
pub(in crate::catalog::multi_stage) fn npm_prefix(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    step: &Step,
) -> Option<String> {
    let option = || {
        let mut words = step.args().iter();
        let word = words.find(|word| word.starts_with("--prefix"))?;
        word.strip_prefix("--prefix=").map(str::to_owned).or_else(|| words.next().cloned())
    };
    let set = || {
        let before = survey.steps().take_while(|(_, other)| !std::ptr::eq(*other, step)).map(|(_, other)| other);
        let said = before.filter(|other| other.program() == "npm").filter_map(|other| {
            let words: Vec<&str> =
                other.args().iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
            match words.as_slice() {
                ["config", "set", "prefix", value] | ["set", "prefix", value] => Some((*value).to_owned()),
                ["config", "set", told] | ["set", told] => Some(told.strip_prefix("prefix=")?.to_owned()),
                _ => None,
            }
        });
        said.last()
    };
    let told = |name| told(survey, unit, step, name);
    let prefix = option().or_else(|| told("NPM_CONFIG_PREFIX")).or_else(|| told("npm_config_prefix")).or_else(set)?;
    let prefix = prefix.trim_matches(['"', '\'']);
    let own = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|way| prefix.strip_prefix(way));
    let prefix = match own {
        Some(rest) => paths::join(&home(survey, unit), rest),
        None => step.path(prefix)?,
    };
    let prefix = prefix.trim_end_matches('/');
    (!matches!(prefix, "/usr" | "/usr/local" | "")).then(|| prefix.to_owned())
}

/// Whether the base is Bun's own image.
pub(super) fn brings_bun(image: Option<&Image>) -> bool {
    image.is_some_and(|image| paths::name(image.name()) == "bun")
}

/// Whether another stage or image brings Node among the programs for everybody.
fn brings_node(survey: &Survey<'_, '_>) -> bool {
    let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| !copy.context);
    copies.any(|copy| {
        let node = |source: &String| {
            matches!(
                source.as_str(),
                "/usr/local/bin" | "/usr/local/bin/" | "/usr/local" | "/usr/local/" | "/usr/local/bin/node"
            )
        };
        copy.to.as_deref().is_some_and(|to| paths::within(to, "/usr/local")) && copy.sources.iter().any(node)
    })
}
