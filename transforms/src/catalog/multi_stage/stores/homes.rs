//! What is put into the home of who installs.

use crate::knowledge::images::Image;
use crate::model::commands::Step;
use crate::model::effects;
use crate::model::paths;
use crate::syntax::words::Value;

use super::super::survey::{Survey, Unit};
use super::node::brings_bun;
use super::{Install, told};

/// The folders that an installer writes which keeps what it installs in this folder of the home.
pub(in crate::catalog::multi_stage) fn folders(install: &Install<'_, '_, '_>, folder: &str) -> Option<Vec<String>> {
    let &Install { survey, image, unit, step } = install;
    let language = image.and_then(Image::language).unwrap_or("");
    match folder {
        // The official image keeps Bundler's settings beside the gems.
        ".bundle" if language == "ruby" => Some(Vec::new()),
        ".cabal" => cabal_home(survey, image, unit).map(|path| vec![path]),
        ".local" if matches!(step.program(), "pipx" | "uv") => {
            let home = paths::join(&home(survey, unit), ".local");
            let (names, place) = match step.program() {
                "uv" => (["UV_TOOL_DIR", "UV_TOOL_BIN_DIR"], "share/uv/tools"),
                _ => (["PIPX_HOME", "PIPX_BIN_DIR"], "share/pipx"),
            };
            let [environments, programs] = names.map(|name| told(survey, unit, step, name));
            let global = step.args().iter().any(|arg| arg == "--global");
            match (environments, programs) {
                _ if global => Some(vec!["/opt/pipx".to_owned(), "/usr/local/bin".to_owned()]),
                (None, None) => Some(vec![home]),
                (environments, programs) => Some(vec![
                    environments.unwrap_or_else(|| paths::join(&home, place)),
                    programs.unwrap_or_else(|| paths::join(&home, "bin")),
                ]),
            }
        }
        // RVM's installer sets it up for all users where root runs it, and for login shells.
        ".rvm" if unprivileged(survey, unit).is_none() && told(survey, unit, step, "rvm_path").is_none() => {
            Some(vec!["/usr/local/rvm".to_owned(), "/etc/profile.d/rvm.sh".to_owned()])
        }
        _ => in_home(install, folder),
    }
}

/// The folder of the home, or that which a variable names in its place; none where nobody can start what lies in it.
fn in_home(install: &Install<'_, '_, '_>, folder: &str) -> Option<Vec<String>> {
    let &Install { survey, image, unit, step } = install;
    let home = home(survey, unit);
    let set = variables(install, folder).iter().find_map(|name| {
        let path = told(survey, unit, step, name)?;
        (path.starts_with('/') && !path.contains([':', '$'])).then(|| paths::join("/", &path))
    });
    let set = set.or_else(|| (folder == ".nvm").then(|| beside_the_script(unit, step, &home)).flatten());
    // Who runs the instructions of an image that is not known, and where his home is, nobody says.
    let said = || {
        survey.model.user(unit.index).is_some() || matches!(survey.model.variable(unit.index, "HOME"), Value::Set(_))
    };
    if set.is_none() && matches!(folder, ".julia" | ".opam") && image.is_none() && !said() {
        return None;
    }
    let path = match set {
        Some(path) => path,
        // The official image of Rust has its home elsewhere.
        None if folder == ".cargo" && image.and_then(Image::language) == Some("rust") => "/usr/local/cargo".to_owned(),
        None => paths::join(&home, folder),
    };
    // What nobody can start by name is of no use when the container runs.
    let toolchain = matches!(folder, ".cargo" | ".npmrc" | ".config" | ".m2" | ".stack");
    let starts_from = if folder == ".cargo" { starts_from_cargo } else { starts_from };
    if toolchain && !starts_from(survey, &path) {
        return Some(Vec::new());
    }
    // Bun's image has the programs of its global modules linked beside Bun itself.
    let linked = (folder == ".bun" && brings_bun(image)).then(|| "/usr/local/bin".to_owned());
    Some(std::iter::once(path).chain(linked).collect())
}

/// The variables by which an installer is told to use another folder than this one of the home.
fn variables(install: &Install<'_, '_, '_>, folder: &str) -> &'static [&'static str] {
    let from = |name: &str| install.step.piped.as_deref().is_some_and(|address| address.contains(name));
    match folder {
        ".mix" => &["MIX_HOME"],
        ".julia" => &["JULIA_DEPOT_PATH", "JULIA_PKGDIR"],
        ".opam" => &["OPAMROOT"],
        // The installers of these ask for the place by a variable.
        ".bun" => &["BUN_INSTALL"],
        ".composer" => &["COMPOSER_HOME"],
        ".cargo" if install.image.and_then(Image::language) != Some("rust") => &["CARGO_HOME"],
        ".deno" => &["DENO_INSTALL"],
        ".nvm" => &["NVM_DIR"],
        ".poetry" => &["POETRY_HOME"],
        ".rvm" => &["rvm_path"],
        ".sdkman" => &["SDKMAN_DIR"],
        effects::UV_PYTHONS => &["UV_PYTHON_INSTALL_DIR"],
        ".local" if from("poetry") => &["POETRY_HOME"],
        ".local" if from("/uv") => &["UV_INSTALL_DIR"],
        _ => &[],
    }
}

/// Cargo's home: the official image of Rust has it in a place of its own.
pub(in crate::catalog::multi_stage) fn cargo_home(
    survey: &Survey<'_, '_>,
    image: Option<&Image<'_>>,
    unit: &Unit<'_>,
) -> String {
    match survey.model.variable(unit.index, "CARGO_HOME") {
        Value::Set(path) => paths::join("/", &path),
        _ if image.and_then(Image::language) == Some("rust") => "/usr/local/cargo".to_owned(),
        _ => paths::join(&home(survey, unit), ".cargo"),
    }
}

/// Whether what runs is looked for in a folder.
pub(in crate::catalog::multi_stage) fn starts_from(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.entry.steps.iter().any(|step| step.argv.iter().any(|arg| arg.contains(path)))
}

/// Whether what runs is looked for in Cargo's folder elsewhere than among the programs that it installs.
fn starts_from_cargo(survey: &Survey<'_, '_>, path: &str) -> bool {
    let bin = format!("{path}/bin/");
    survey.entry.steps.iter().any(|step| step.argv.iter().any(|arg| arg.replace(&bin, "").contains(path)))
}

/// The folder in which Cabal keeps what it installs: in the home, or from 3.10 on among the hidden folders of the home.
fn cabal_home(survey: &Survey<'_, '_>, image: Option<&Image<'_>>, unit: &Unit<'_>) -> Option<String> {
    let home = home(survey, unit);
    let (old, new) = (paths::join(&home, ".cabal"), paths::join(&home, ".local"));
    // Who looks for the programs in one of them knows which it is.
    let names = |bin: &str| survey.units.iter().any(|unit| unit.instruction.args.text.contains(bin));
    match (names(".cabal/bin"), names(".local/bin")) {
        (true, false) => return Some(old),
        (false, true) => return Some(new),
        _ => {}
    }
    let image = image?;
    if image.language() != Some("haskell") {
        const NEW: [&str; 3] = ["trixie", "forky", "sid"];
        let release = image.release()?;
        let minor = release.strip_prefix("alpine3.").and_then(|minor| minor.parse::<u32>().ok());
        let newer = NEW.contains(&release) || minor.is_some_and(|minor| minor >= 19);
        return Some(if newer { new } else { old });
    }
    // The images of GHC 9.0 to 9.4 were made anew with a newer Cabal while they were maintained.
    let mut numbers = image.tag().split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), _) if major < 9 => Some(old),
        (Some(Ok(9)), Some(Ok(minor))) if minor < 6 => None,
        _ => Some(new),
    }
}

/// The folder of the script that a shell read nvm from, which is where it puts what it installs: `. /opt/nvm/nvm.sh`.
fn beside_the_script(unit: &Unit<'_>, step: &Step, home: &str) -> Option<String> {
    // What stands in the words of `bash -c` has one place in the file.
    let before = unit.steps.iter().take_while(|other| !std::ptr::eq(*other, step));
    let read = before.filter(|other| matches!(other.program(), "." | "source")).filter_map(|other| {
        let script = other.args().first()?;
        let script = ["~/", "$HOME/", "${HOME}/"]
            .iter()
            .find_map(|way| script.strip_prefix(way))
            .map_or_else(|| other.path(script), |rest| Some(paths::join(home, rest)))?;
        (paths::name(&script) == "nvm.sh" && !script.contains('$')).then(|| paths::parent(&script).to_owned())
    });
    read.last()
}

/// The home of who runs an instruction.
pub(in crate::catalog::multi_stage) fn home(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> String {
    if let Value::Set(home) = survey.model.variable(unit.index, "HOME") {
        return paths::join("/", &home);
    }
    match unprivileged(survey, unit) {
        Some(user) => made_home(survey, &user).unwrap_or_else(|| format!("/home/{user}")),
        None => "/root".to_owned(),
    }
}

/// Who runs an instruction, where that is not root.
pub(super) fn unprivileged(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<String> {
    let user = survey.model.user(unit.index)?;
    let name = user.text.split(':').next().unwrap_or_default();
    (!matches!(name, "root" | "0" | "")).then(|| name.to_owned())
}

/// The home that `useradd` or `adduser` gave a user, by its name or its number; `None` where none of them makes it.
pub(super) fn made_home(survey: &Survey<'_, '_>, user: &str) -> Option<String> {
    survey.steps().filter(|(_, step)| matches!(step.program(), "useradd" | "adduser")).find_map(|(_, step)| {
        let given = |options: &[&str]| {
            let at = step.args().iter().position(|arg| options.contains(&arg.as_str()));
            at.and_then(|at| step.args().get(at + 1)).map(String::as_str).or_else(|| {
                step.args().iter().find_map(|arg| {
                    let (option, value) = arg.split_once('=')?;
                    options.contains(&option).then_some(value)
                })
            })
        };
        let named = step.args().iter().any(|arg| arg == user) || given(&["-u", "--uid"]) == Some(user);
        let name = if user.bytes().all(|byte| byte.is_ascii_digit()) { step.args().last()? } else { user };
        let folder =
            given(&["-d", "--home-dir", "--home", "-h"]).map_or_else(|| format!("/home/{name}"), str::to_owned);
        named.then_some(folder)
    })
}
