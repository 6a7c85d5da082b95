//! Where installers put things, by image and distribution.

mod homes;
mod node;
mod php;
mod prefixes;
mod python;
mod ruby;

use crate::knowledge::images::Image;
use crate::knowledge::releases::Family;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;
use crate::syntax::words::Value;

use super::survey::{Survey, Unit};

pub(super) use homes::{cargo_home, home, starts_from};
pub(super) use node::npm_prefix;
pub(super) use php::{composer_programs, is_php, packaged_php};
pub(super) use prefixes::{Prefix, configured, place, prefix, sets_up};
pub(super) use python::{brings_python, clones};
pub(super) use ruby::bundle_settings;

/// Whether a path lies where the distribution's packages put theirs.
pub(super) fn system(path: &str) -> bool {
    const FREE: [&str; 3] = ["/usr/local", "/usr/src", "/usr/games"];
    // `/usr/share/myapp` and `/var/www` are a project's own, `/usr/share` is not.
    const OPEN: [&str; 5] = ["/var/www", "/usr/share", "/var/lib", "/var/local", "/usr/lib/node_modules"];
    let own = |folder: &str| (path != folder || folder == "/var/www") && paths::within(path, folder);
    !FREE.iter().any(|folder| paths::within(path, folder))
        && !OPEN.iter().any(|folder| own(folder))
        && Words::RootsFolders.list().iter().any(|folder| paths::within(path, folder))
}

/// Whether a path is scratch space.
pub(super) fn scratch(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| paths::within(path, folder))
}

/// Whether a file is an archive or an installer: of no use once it is unpacked.
pub(super) fn is_archive(path: &str) -> bool {
    Words::ArchiveEnds.list().iter().any(|end| path.ends_with(end))
        || path.ends_with(".sh") && path.to_ascii_lowercase().contains("conda")
}

/// Whether a folder holds a tool for building, by its name: Maven unpacked into `/usr/share/maven`.
pub(super) fn is_tool(path: &str) -> bool {
    let name = paths::name(path).to_ascii_lowercase();
    let stem = name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().trim_end_matches(['-', '_', 'v']);
    Words::ToolFolders.has(stem) || path == "/usr/local/go"
}

/// An installer that is called.
pub(super) struct Install<'s, 'm, 'a> {
    pub(super) survey: &'s Survey<'m, 'a>,
    pub(super) image: Option<&'s Image<'s>>,
    pub(super) unit: &'s Unit<'m>,
    pub(super) step: &'s Step,
}

/// The folders that an installer of a language writes; `None` where they are the distribution's own.
pub(super) fn folders(install: &Install<'_, '_, '_>, store: Store) -> Option<Vec<String>> {
    let &Install { survey, image, unit, step } = install;
    let gems = (store == Store::Gems).then(|| ruby::bundle_path(survey, unit, step)).flatten();
    if let Some(folder) = environment(install, store) {
        // What Bundler was told lies in the other.
        return Some(gems.into_iter().chain([folder]).collect());
    }
    if let Some(path) = gems {
        return Some(vec![path]);
    }
    let family = image.and_then(Image::family);
    match store {
        Store::Prefix | Store::Perl | Store::Lua => local(),
        Store::Python => python::folders(install),
        Store::Gems => ruby::folders(install),
        Store::Modules => node::folders(install),
        Store::Extensions => php::folders(install),
        // R of Debian's packages, and that of the images that compile one, keep what is added there.
        Store::R
            if image.and_then(Image::language) == Some("r")
                || matches!(family, Some(Family::Debian | Family::Ubuntu))
                || family.is_none() && manages(survey, &["apt"]) =>
        {
            Some(vec!["/usr/local/lib/R".to_owned()])
        }
        Store::Home(folder) => homes::folders(install, folder),
        // A Conda that the file installs lies where its installer was told to put it; that of an image that is not known
        // may be anywhere.
        Store::Conda => brings_conda(survey).then(Vec::new),
        _ => None,
    }
}

/// Beside the distribution's own.
fn local() -> Option<Vec<String>> {
    Some(vec!["/usr/local".to_owned()])
}

/// Whether the stage builds modules for a server of the distribution's packages.
pub(super) fn extends_a_server(survey: &Survey<'_, '_>) -> bool {
    const HEADERS: [&str; 9] = [
        "apache2-dev",
        "apache2-devel",
        "apache2-prefork-dev",
        "apache2-threaded-dev",
        "httpd-devel",
        "libvarnish-dev",
        "libvarnishapi-dev",
        "uwsgi-dev",
        "varnish-dev",
    ];
    const WORDS: [&str; 3] = ["apxs", "WITH_APACHE", "USE_PGXS"];
    survey.steps().any(|(_, step)| match effects::of(step) {
        Effect::Install(packages) => packages.names.iter().any(|name| {
            HEADERS.contains(&crate::knowledge::packages::bare(name)) || name.starts_with("postgresql-server-dev")
        }),
        Effect::Build | Effect::Store(_) => {
            step.argv.iter().any(|word| WORDS.iter().any(|part| word.contains(part) && !word.ends_with("=0")))
        }
        _ => false,
    })
}

/// Whether the stage installs packages with one of these managers.
fn manages(survey: &Survey<'_, '_>, kinds: &[&str]) -> bool {
    survey.steps().any(|(_, step)| kinds.contains(&step.kind()))
}

/// Whether the stage compiles a language of its own: it works in a folder of its name, and installs from there.
fn compiles(survey: &Survey<'_, '_>, language: &str) -> bool {
    survey.steps().any(|(_, step)| {
        let own = step.cwd.as_deref().is_some_and(|cwd| {
            let name = paths::name(cwd).to_ascii_lowercase();
            name.strip_prefix(language).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        own && matches!(effects::of(step), Effect::Store(Store::Prefix))
    })
}

/// Whether the stage installs Conda itself.
fn brings_conda(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        let words = step.argv.iter().chain(&step.piped).chain(&step.outputs);
        step.kind() != "conda"
            && words.map(|word| word.to_ascii_lowercase()).any(|word| {
                ["conda", "mamba", "miniforge"].iter().any(|name| word.contains(name))
                    && (word.contains(".sh") || word.contains("://"))
            })
    })
}

/// What is started by name, where an installer puts its programs beside the distribution's.
fn programs(survey: &Survey<'_, '_>) -> Vec<String> {
    let name = survey.entry.steps.first().map(Step::program).unwrap_or_default();
    let own = effects::kind(name).is_empty() && !name.is_empty() && !name.contains('.') && !survey.installs(name);
    let by_name = survey.entry.steps.first().is_some_and(|step| {
        step.argv.first().is_some_and(|program| !program.contains('/')) && survey.started(step).is_none()
    });
    if own && by_name && !is_bin(survey, name) { vec![format!("/usr/bin/{name}")] } else { Vec::new() }
}

/// Whether a module of the project in Node says that it brings a program of this name.
fn is_bin(survey: &Survey<'_, '_>, name: &str) -> bool {
    let Some(context) = survey.model.context else { return false };
    let manifests = context.files().iter().filter(|file| paths::name(file) == "package.json");
    manifests.filter(|file| !file.contains("node_modules/")).any(|file| {
        let text = context.read(file).unwrap_or_default();
        let manifest: serde_json::Value = serde_json::from_str(&crate::context::text(&text)).unwrap_or_default();
        match manifest.get("bin") {
            Some(serde_json::Value::Object(programs)) => programs.contains_key(name),
            Some(_) => manifest.get("name").and_then(|own| own.as_str()).is_some_and(|own| paths::name(own) == name),
            None => false,
        }
    })
}

/// Where the installer of the AWS command line puts it, with the folder of its links: `./aws/install -i /opt/aws -b /usr/bin`.
pub(super) fn aws(step: &Step) -> Option<(String, String)> {
    let program = step.argv.first()?;
    if program != "aws/install" && !program.ends_with("/aws/install") {
        return None;
    }
    let told = |short: &str, long: &str| {
        let words = step.args().iter().zip(step.args().iter().skip(1));
        words.filter(|(option, _)| *option == short || *option == long).map(|(_, value)| value).next_back()
    };
    let folder = told("-i", "--install-dir").map_or(Some("/usr/local/aws-cli".to_owned()), |path| step.path(path))?;
    let links = told("-b", "--bin-dir").map_or(Some("/usr/local/bin".to_owned()), |path| step.path(path))?;
    (paths::plain(&folder) && paths::plain(&links)).then_some((folder, links))
}

/// What a variable is told to be for a command: before it on its line, by an `export` of the same script, or by the file.
fn told(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step, name: &str) -> Option<String> {
    let given = |word: &String| {
        let value = word.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    let own = step.assignments.iter().find_map(given);
    let exported = || {
        let before = unit.steps.iter().take_while(|other| !std::ptr::eq(*other, step));
        before.filter(|other| other.program() == "export").flat_map(Step::args).filter_map(given).last()
    };
    own.or_else(exported).or_else(|| match survey.model.variable(unit.index, name) {
        Value::Set(value) => Some(value.into_owned()),
        _ => None,
    })
}

/// The environment that an installer works in, where it is a folder of its own: a virtual environment, Conda's.
fn environment(install: &Install<'_, '_, '_>, store: Store) -> Option<String> {
    let &Install { survey, image, unit, step } = install;
    if !matches!(store, Store::Python | Store::Conda | Store::Gems | Store::R) {
        return None;
    }
    let program = step.argv.first()?;
    // These work in an environment that is entered; where they lie themselves, they do not look.
    let apart = step.kind() == "poetry" && step.program() != "flit";
    if program.starts_with('/')
        && !apart
        && let Some((folder, _)) = program.rsplit_once("/bin/")
        && !matches!(folder, "" | "/usr" | "/usr/local")
    {
        return Some(folder.to_owned());
    }
    // `. /venv/bin/activate && pip install …`, in the words of `sh -c` as well, which have one place in the file
    let before = unit.steps.iter().take_while(|other| !std::ptr::eq(*other, step));
    let entered = before.filter(|other| matches!(other.program(), "." | "source")).filter_map(|other| {
        let script = other.args().first().filter(|script| script.ends_with("/bin/activate"))?;
        Some(other.path(script)?.strip_suffix("/bin/activate")?.to_owned())
    });
    if store == Store::Python
        && let Some(folder) = entered.last()
    {
        return Some(folder);
    }
    let variables: &[&str] = match store {
        Store::Python => &["VIRTUAL_ENV", "CONDA_DIR", "CONDA_PREFIX"],
        Store::Gems => &["BUNDLE_PATH", "GEM_HOME"],
        _ => &["CONDA_DIR", "CONDA_PREFIX", "CONDA_ROOT"],
    };
    for name in variables {
        if let Value::Set(path) = survey.model.variable(unit.index, name)
            && path.starts_with('/')
            && !made_later(survey, step, &path)
        {
            return Some(paths::join("/", &path));
        }
    }
    // Conda and virtual environments come first in PATH: as the file sets it, or the image.
    let own = || {
        let names = survey.model.env_names(survey.stage);
        let (at, _) = names.filter(|(at, name)| *at < unit.index && *name == "PATH").last()?;
        survey.model.instruction(at).map(|instruction| instruction.args.text.to_string())
    };
    let shipped = || image?.env().find(|(name, _)| *name == "PATH").map(|(_, path)| path.to_owned());
    let path = match survey.model.variable(unit.index, "PATH") {
        Value::Set(path) => path.into_owned(),
        _ => own().or_else(shipped)?,
    };
    let first = path.split([':', '=', ' ', '"']).find(|folder| folder.ends_with("/bin") && folder.starts_with('/'))?;
    let folder = first.strip_suffix("/bin")?;
    let own = !matches!(folder, "" | "/usr" | "/usr/local");
    let kind = match store {
        // Conda's own environment is the one that its Python stands in.
        Store::Python if apart => folder.contains("conda") && !crate::model::virtualenv(survey.model, survey.stage),
        Store::Python => ["venv", "env", "conda", "virtualenv", "python"].iter().any(|word| folder.contains(word)),
        Store::Conda => folder.contains("conda"),
        _ => false,
    };
    // `/opt/conda/envs/app` lies in Conda's own folder.
    let folder = folder.split_once("/envs/").map_or(folder, |(root, _)| root);
    (own && kind && !made_later(survey, step, folder)).then(|| folder.to_owned())
}

/// Whether a virtual environment is made by a later command than this one, and by none before: PATH may name it already.
fn made_later(survey: &Survey<'_, '_>, step: &Step, folder: &str) -> bool {
    let makes = |other: &&Step| other.makes_environment() && other.args().iter().any(|arg| other.is_at(arg, folder));
    let first = survey.steps().map(|(_, other)| other).find(makes);
    first.is_some_and(|first| first.span.start > step.span.start)
}

/// `3.12` of `3.12.1-slim`.
pub(super) fn minor(tag: &str) -> Option<&str> {
    let version = tag.split('-').next()?;
    let mut dots = version.match_indices('.');
    let first = dots.next()?.0;
    let end = dots.next().map_or(version.len(), |(at, _)| at);
    let minor = version.get(..end)?;
    let numbers = minor.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    (numbers && first > 0).then_some(minor)
}
