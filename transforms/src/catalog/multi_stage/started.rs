//! Whether what starts is in the shipped image at all: a program that is named by its path has to come from somewhere.

use crate::knowledge::images::Kind;
use crate::knowledge::packages;
use crate::knowledge::releases::Manager;
use crate::model::effects::{self, Effect};
use crate::model::{Model, Stage, entry, paths};

use crate::syntax::Keyword;

use super::stores;
use super::survey::Survey;

/// Folders that a distribution and the images of the languages come with.
const STANDARD: [&str; 14] = [
    "/bin", "/dev", "/etc", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr",
    "/var",
];

/// Programs that every image has, or that the packages of servers bring under another name.
const COMMON: [&str; 14] = [
    "ash",
    "bash",
    "dash",
    "env",
    "init",
    "my_init",
    "pkg-config",
    "sh",
    "sshd",
    "systemd",
    "tail",
    "time",
    "tini",
    "zsh",
];

/// The program that starts, where it is named by its path, nothing in the shipped stage puts it there, and the base has
/// none there either: the build made it at a place that no command names.
pub(super) fn missing(survey: &Survey<'_, '_>, smaller: bool, new: &Model<'_>, shipped: &Stage) -> Option<String> {
    let image = survey.model.known(survey.stage)?;
    if !matches!(image.kind(), Kind::Distro | Kind::Compiler | Kind::Interpreter | Kind::Runtime) {
        return None;
    }
    let entry = entry::of(new, shipped);
    let step = entry.steps.first().filter(|step| step.known)?;
    // What is named from the working directory may be mounted there.
    let program = step.argv.first().filter(|program| program.starts_with('/') && !program.contains(' '))?;
    let path = step.path(program).filter(|path| paths::plain(path))?;
    let mut installed: Vec<&str> = Vec::new();
    for (index, instruction) in new.body(shipped) {
        if let Some(copy) = new.copied(index) {
            // What a folder of the project holds can't be seen without it.
            if copy.to.as_deref().is_none_or(|to| paths::within(&path, to)) {
                return None;
            }
        }
        let steps = if instruction.keyword == Keyword::Run { new.steps(index) } else { Some(&[][..]) };
        for step in steps? {
            let puts =
                |made: &[String]| made.iter().any(|made| paths::within(&path, made) || paths::covers(made, &path));
            match effects::of(step) {
                Effect::Writes(made) | Effect::Files(made) | Effect::Fetch(made) if !puts(made) => {}
                Effect::Install(packages) => installed.extend(packages.names.iter().map(String::as_str)),
                Effect::Lists | Effect::Nothing | Effect::Remove(_) | Effect::User | Effect::Upgrade => {}
                Effect::Configure => {}
                _ => return None,
            }
        }
    }
    // An image with more than a distribution in it may have what starts where it likes.
    if image.kind() != Kind::Distro && !smaller && paths::parent(&path) == "/" {
        return None;
    }
    if !STANDARD.iter().any(|folder| paths::within(&path, folder)) {
        return Some(path);
    }
    // Among the files of the system a package may have put it, or the base; or what installs there says so nowhere.
    let name = paths::name(&path);
    let related = |package: &&str| {
        let shared = package.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
        shared >= 3 || package.contains(name)
    };
    let installs = survey.steps().any(|(_, step)| {
        let compiled = matches!(effects::kind(step.program()), "make" | "ninja" | "cmake" | "setup");
        let words = || step.argv.iter().map(|word| paths::name(word));
        words().any(|word| word == "install") && (compiled || words().any(|word| word == "setup.py"))
    });
    let listed = [Manager::Apt, Manager::Apk, Manager::Yum]
        .into_iter()
        .any(|manager| packages::program_package(manager, name).is_some());
    let known = listed || COMMON.contains(&name) || !effects::kind(name).is_empty() || installed.iter().any(related);
    (installs && stores::system(&path) && !known).then_some(path)
}
