//! Where extensions of PHP, and the programs of its packages, are put.

use crate::knowledge::images::Image;
use crate::knowledge::releases::Manager;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;
use crate::syntax::words::Value;

use super::super::survey::{Survey, Unit};
use super::{Install, local};

/// The folders that an installer of extensions writes; `None` where they are the distribution's own.
pub(in crate::catalog::multi_stage) fn folders(install: &Install<'_, '_, '_>) -> Option<Vec<String>> {
    let &Install { survey, image, step, .. } = install;
    let language = image.and_then(Image::language).unwrap_or("");
    let docker = step.program().starts_with("docker-php");
    let official = image.is_some_and(|image| image.env().any(|(name, _)| name == "PHP_INI_DIR"));
    // Other images have the PHP of their distribution, for which the file installs what it compiles with.
    if language == "php" && (docker || official || packaged_php(survey, step).is_none()) {
        return Some(vec!["/usr/local/lib/php".to_owned(), "/usr/local/etc/php".to_owned()]);
    }
    if docker {
        return local();
    }
    // A PHP that the file compiled goes along with the prefix that it was installed into.
    packaged_php(survey, step).or_else(|| compiles_php(survey).then(Vec::new))
}

/// Whether the stage compiles a PHP of its own.
fn compiles_php(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        step.cwd.as_deref().is_some_and(is_php) && matches!(effects::of(step), Effect::Store(Store::Prefix))
    })
}

/// Whether a folder has the sources of PHP, by its name.
pub(in crate::catalog::multi_stage) fn is_php(folder: &str) -> bool {
    let name = paths::name(folder);
    name == "php" || name.starts_with("php-") || name == "php-src"
}

/// Where the PHP of a distribution's packages has its extensions, or the libraries of PEAR.
///
/// The runtime stage has the same packages, so that what lies there beside is the same file.
pub(in crate::catalog::multi_stage) fn packaged_php(survey: &Survey<'_, '_>, step: &Step) -> Option<Vec<String>> {
    let mut manager = None;
    let mut names: Vec<&str> = Vec::new();
    for (_, step) in survey.steps() {
        if let Effect::Install(packages) = effects::of(step) {
            let php = packages.names.iter().map(String::as_str).filter(|name| name.starts_with("php"));
            let before = names.len();
            names.extend(php);
            if names.len() > before {
                manager = Some(packages.manager);
            }
        }
    }
    let pear = step.program() == "pear";
    Some(match manager? {
        Manager::Apt => {
            // Packages that stand side by side, as `php5.6-cli`, have theirs below one folder.
            let old = |name: &&str| name.starts_with("php5") && !name.starts_with("php5.");
            let extensions = if names.iter().any(old) { "/usr/lib/php5" } else { "/usr/lib/php" };
            vec![if pear { "/usr/share/php" } else { extensions }.to_owned()]
        }
        Manager::Apk => {
            let version = names.iter().find_map(|name| {
                let digits: String = name.trim_start_matches("php").chars().take_while(char::is_ascii_digit).collect();
                (!digits.is_empty()).then_some(digits)
            });
            vec![format!("/usr/{}/php{}", if pear { "share" } else { "lib" }, version?)]
        }
        Manager::Yum => vec![if pear { "/usr/share/pear" } else { "/usr/lib64/php" }.to_owned()],
        _ => return None,
    })
}

/// The folder that Composer is told to put the programs of its packages into: by `COMPOSER_BIN_DIR`, or by
/// `composer config bin-dir /usr/local/bin` before.
pub(in crate::catalog::multi_stage) fn composer_programs(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    step: &Step,
) -> Option<String> {
    let installs = ["create-project", "global", "install", "require", "update"];
    if step.kind() != "composer" || !step.args().iter().any(|arg| installs.contains(&arg.as_str())) {
        return None;
    }
    let told = |other: &Step| {
        let at = other.args().iter().position(|arg| arg == "bin-dir")?;
        let sets = other.kind() == "composer" && other.args().iter().any(|arg| arg == "config");
        other.args().get(at + 1).filter(|_| sets).and_then(|folder| other.path(folder))
    };
    let before = survey.units.iter().take_while(|other| other.index <= unit.index).flat_map(|unit| unit.steps);
    let set = match survey.model.variable(unit.index, "COMPOSER_BIN_DIR") {
        Value::Set(folder) => step.path(&folder),
        _ => None,
    };
    set.or_else(|| before.take_while(|other| other.span.start < step.span.start).filter_map(told).last())
}
