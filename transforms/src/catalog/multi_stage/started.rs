//! Whether what starts is in the shipped image at all: a program that is named by its path has to come from somewhere.

use crate::knowledge::images::Kind;
use crate::knowledge::packages;
use crate::knowledge::releases::Manager;
use crate::knowledge::words::Words;
use crate::model::effects::{self, Effect};
use crate::model::{Model, Stage, entry, paths};
use crate::syntax::Keyword;

use super::stores;
use super::survey::{PATH, Survey};

/// What the shipped stage has from its instructions.
struct Shipped<'m> {
    /// Where files and folders come to lie.
    put: Vec<&'m str>,
    /// The packages that it installs.
    installed: Vec<&'m str>,
}

impl<'m> Shipped<'m> {
    /// Reads the stage; `None` where a command of it may put anything anywhere.
    fn of(new: &'m Model<'_>, shipped: &Stage) -> Option<Self> {
        let (mut put, mut installed) = (Vec::new(), Vec::new());
        for (index, instruction) in new.body(shipped) {
            if let Some(copy) = new.copied(index) {
                put.push(copy.to.as_deref()?);
            }
            if instruction.keyword != Keyword::Run {
                continue;
            }
            for step in new.steps(index)? {
                match effects::of(step) {
                    // What changes a file, its mode or its owner does not make it.
                    Effect::Writes(_) if effects::edits(step) => {}
                    Effect::Writes(made) | Effect::Fetch(made) => put.extend(made.iter().map(String::as_str)),
                    Effect::Files(made) if step.program() == "ln" => put.extend(made.iter().map(String::as_str)),
                    Effect::Install(packages) => installed.extend(packages.names.iter().map(String::as_str)),
                    Effect::Files(_)
                    | Effect::Lists
                    | Effect::Nothing
                    | Effect::Remove(_)
                    | Effect::User
                    | Effect::Upgrade
                    | Effect::Configure => {}
                    _ => return None,
                }
            }
        }
        Some(Self { put, installed })
    }

    /// Whether an instruction puts a file there, or a folder that may have it.
    fn has(&self, path: &str) -> bool {
        self.put.iter().any(|put| paths::within(path, put) || paths::covers(put, path))
    }

    /// Whether a program that is named without its path may be there, in one of the folders in which it is looked for: what the
    /// build puts among the programs of its own image, as `make` does by `go install`, is nowhere else.
    fn may_find(&self, name: &str, folders: &[&str]) -> bool {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let put = |put: &&str| paths::name(put) == name || folders.iter().any(|folder| paths::within(folder, put));
        !plain || name.starts_with('-') || Words::Shells.has(name) || self.put.iter().any(put) || self.may_bring(name)
    }

    /// Whether a package may have brought a file, by what the two are called, or the base.
    fn may_bring(&self, path: &str) -> bool {
        let related = |name: &str| {
            self.installed.iter().any(|package| {
                let shared = package.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
                shared >= 3 || package.contains(name)
            })
        };
        let name = paths::name(path);
        Words::CommonPrograms.has(name)
            || !effects::kind(name).is_empty()
            || [Manager::Apt, Manager::Apk, Manager::Yum]
                .into_iter()
                .any(|manager| packages::program_package(manager, name).is_some())
            || path.split('/').skip(2).any(|part| part.len() > 2 && related(part))
    }
}

/// Whether the build has a command that installs where the project says, which nobody can see.
fn installs(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        let compiled = matches!(step.kind(), "make" | "ninja" | "cmake" | "setup");
        let words = || step.argv.iter().map(|word| paths::name(word));
        words().any(|word| word == "install") && (compiled || words().any(|word| word == "setup.py"))
    })
}

/// The program that starts, where it is named by its path, nothing in the shipped stage puts it there, and the base has
/// none there either; or a file among those of the system that a command of the shipped stage changes, and that neither
/// the base nor a package is known to have: the build made it at a place that no command names.
pub(super) fn missing(survey: &Survey<'_, '_>, smaller: bool, new: &Model<'_>, shipped: &Stage) -> Option<String> {
    let image = survey.model.known(survey.stage)?;
    if !matches!(image.kind(), Kind::Distro | Kind::Compiler | Kind::Interpreter | Kind::Runtime) {
        return None;
    }
    let installs = installs(survey);
    let there = Shipped::of(new, shipped)?;
    if installs && let Some(path) = changed(new, shipped, &there) {
        return Some(path);
    }
    let entry = entry::of(new, shipped);
    if smaller && image.kind() == Kind::Compiler {
        let said = said_path(new, shipped);
        let folders: Vec<&str> = said.iter().map(String::as_str).chain(PATH).collect();
        // What only the entrypoint's own script could start is its argument.
        let first = entry.entrypoint.and_then(|index| new.instruction(index));
        let started = |name: &&String| first.is_none_or(|first| first.args.text.contains(name.as_str()));
        let mut names = entry.steps.iter().filter(|step| step.known).filter_map(|step| step.argv.first());
        if let Some(name) = names.find(|name| started(name) && !there.may_find(name, &folders)) {
            return Some(name.clone());
        }
    }
    let step = entry.steps.first().filter(|step| step.known)?;
    // What is named from the working directory may be mounted there.
    let program = step.argv.first().filter(|program| program.starts_with('/') && !program.contains(' '))?;
    let path = step.path(program).filter(|path| paths::plain(path) && !there.has(path))?;
    // An image with more than a distribution in it may have what starts where it likes.
    if image.kind() != Kind::Distro && !smaller && paths::parent(&path) == "/" {
        return None;
    }
    if !Words::StandardFolders.list().iter().any(|folder| paths::within(&path, folder)) {
        return Some(path);
    }
    (installs && stores::system(&path) && !there.may_bring(&path)).then_some(path)
}

/// The folders that the stage itself adds to PATH.
fn said_path(new: &Model<'_>, shipped: &Stage) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for (index, instruction) in new.body(shipped).filter(|(_, instruction)| instruction.keyword == Keyword::Env) {
        for pair in instruction.pairs(new.file.escape).into_iter().filter(|pair| pair.name.raw == "PATH") {
            let Some(value) = pair.value.map(|value| new.expand(index, value.raw).text) else { continue };
            folders.extend(value.split(':').filter(|folder| folder.starts_with('/')).map(str::to_owned));
        }
    }
    folders
}

/// A file among the system's own that a command of the shipped stage changes or links to, and that nothing brings.
fn changed(new: &Model<'_>, shipped: &Stage, there: &Shipped<'_>) -> Option<String> {
    const FOLDERS: [&str; 9] = [
        "/bin",
        "/sbin",
        "/etc/init.d",
        "/usr/bin",
        "/usr/sbin",
        "/usr/lib",
        "/usr/lib64",
        "/usr/libexec",
        "/etc/systemd",
    ];
    let runs = new.body(shipped).filter(|(_, instruction)| instruction.keyword == Keyword::Run);
    runs.filter_map(|(index, _)| new.steps(index)).flatten().find_map(|step| {
        let named = match step.program() {
            "sed" if effects::edits(step) => step.operands().skip(1).filter_map(|arg| step.path(arg)).next(),
            "chmod" => step.operands().nth(1).and_then(|arg| step.path(arg)),
            "mv" | "ln" => step.operands().next().and_then(|arg| step.path(arg)),
            _ => None,
        };
        named.filter(|path| {
            FOLDERS.iter().any(|folder| path != folder && paths::within(path, folder))
                && paths::plain(path)
                && !there.has(path)
                && !there.may_bring(path)
        })
    })
}
