//! Where gems are put.

use crate::knowledge::images::Image;
use crate::knowledge::releases::Family;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::words::Value;

use super::super::survey::{Survey, Unit};
use super::{Install, compiles, local, programs};

/// The images in which the official image of Ruby, or what stands on it, keeps gems in a folder of their own.
const BUNDLED: [&str; 5] = ["jruby", "rails", "redmine", "ruby", "starefossen/ruby-node"];

/// The folders that an installer of gems writes; `None` where they are the distribution's own.
pub(in crate::catalog::multi_stage) fn folders(install: &Install<'_, '_, '_>) -> Option<Vec<String>> {
    let &Install { survey, image, step, .. } = install;
    let language = image.and_then(Image::language).unwrap_or("");
    let family = image.and_then(Image::family);
    if language == "ruby" && image.is_some_and(|image| BUNDLED.contains(&image.name())) {
        return Some(vec!["/usr/local/bundle".to_owned()]);
    }
    if vendored(step) {
        return Some(Vec::new());
    }
    // Which of the Rubies in it is told to install, and where that one keeps its gems, the name does not say.
    if language == "ruby" && family != Some(Family::Alpine) {
        return None;
    }
    match family? {
        Family::Debian | Family::Ubuntu => {
            let plain = image.is_some_and(|image| matches!(image.name(), "buildpack-deps" | "debian" | "ubuntu"));
            // A Ruby that is none of the distribution's keeps them beside itself.
            if plain && !packaged_ruby(survey) || compiles(survey, "ruby") {
                return local();
            }
            Some(vec!["/var/lib/gems".to_owned(), "/usr/local".to_owned()])
        }
        Family::Alpine => {
            let mut found = vec!["/usr/lib/ruby/gems".to_owned()];
            found.extend(programs(survey));
            Some(found)
        }
        Family::Rhel | Family::Fedora | Family::Amazon => local(),
        _ => None,
    }
}

/// Where Bundler is told to put gems, if that is apart from the project: `bundle install --path /var/bundle`, `bundle
/// config set path /var/bundle`.
pub(super) fn bundle_path(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    let told = |step: &Step| {
        let joined = step.args().iter().find_map(|arg| arg.strip_prefix("--path="));
        let apart = step.args().windows(2).find_map(|pair| match pair {
            [option, path] if option == "--path" => Some(path.as_str()),
            [option, path] if option == "path" && step.subcommand() == Some("config") => Some(path.as_str()),
            _ => None,
        });
        joined.or(apart).filter(|path| path.starts_with('/')).and_then(|path| step.path(path))
    };
    if step.kind() != "bundle" {
        return None;
    }
    let before = survey.units.iter().take_while(|other| other.index <= unit.index).flat_map(|unit| unit.steps);
    told(step).or_else(|| before.filter(|other| other.program() == step.program()).find_map(told))
}

/// The folder in which the image has Bundler keep what it was told for the project, where it was told anything that it has
/// to know when the program starts: without it, Bundler asks for the gems of every group, and looks for them elsewhere.
pub(in crate::catalog::multi_stage) fn bundle_settings(
    survey: &Survey<'_, '_>,
    image: Option<&Image<'_>>,
    unit: &Unit<'_>,
) -> Option<String> {
    const NAME: &str = "BUNDLE_APP_CONFIG";
    let option = |word: &String| {
        let option = word.split_once('=').map_or(word.as_str(), |(option, _)| option);
        matches!(option, "--deployment" | "--gemfile" | "--path" | "--with" | "--without")
    };
    let told = |step: &Step| {
        let local = step.subcommand() == Some("config") && !step.args().iter().any(|word| word == "--global");
        step.kind() == "bundle" && (local || step.args().iter().any(option))
    };
    if !survey.steps().any(|(_, step)| told(step)) {
        return None;
    }
    let folder = match survey.model.variable(unit.index, NAME) {
        Value::Set(folder) => folder.into_owned(),
        _ => image?.env().find(|(name, _)| *name == NAME)?.1.to_owned(),
    };
    folder.starts_with('/').then(|| paths::join("/", &folder))
}

/// Whether Bundler installs into the project.
fn vendored(step: &Step) -> bool {
    step.argv.iter().any(|arg| arg == "--deployment" || arg == "--path" || arg.starts_with("--path="))
}

/// Whether a package of the distribution brings Ruby: `ruby-full`, `ruby2.7`, `bundler`, `jekyll`.
fn packaged_ruby(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| {
            ["ruby", "jekyll", "rails"].iter().any(|start| name.starts_with(start)) || name.contains("bundler") || name.contains('$')
        }))
    })
}
