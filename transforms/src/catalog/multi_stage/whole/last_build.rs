//! The last command that builds, and what may stand behind it unseen.

use crate::knowledge::packages::Role;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;
use crate::transform::Refusal;

use super::super::survey::{Survey, refuse};
use super::super::{runs, stores, tidy};

use super::makes::option_folder;
use super::starts::scripts;
use super::{SCRATCH, go_root, shown};

/// Whether a command is a script that can't be read and that doesn't lie in the project it works on.
pub(in crate::catalog::multi_stage) fn hidden(survey: &Survey<'_, '_>, step: &Step) -> bool {
    if !matches!(effects::of(step), Effect::Unknown) || option_folder(step).is_some() || stores::aws(step).is_some() {
        return false;
    }
    if effects::from_network(step) {
        return true;
    }
    let Some(program) = step.argv.first() else { return false };
    let shell = Words::Shells.has(paths::name(program)) || matches!(program.as_str(), "." | "source");
    let script = if shell {
        match step.args().iter().find(|arg| !arg.starts_with('-') && !arg.starts_with('+')) {
            Some(script) => script,
            None => return false,
        }
    } else {
        program
    };
    if !(script.contains('/') || script.ends_with(".sh")) || script.contains("$(") || script.contains('`') {
        return false;
    }
    let Some(path) = step.path(script).filter(|path| !path.contains('$')) else { return false };
    let folder = paths::parent(&path);
    // Programs of packages, whatever way they are called, and those that the file itself compiles or unpacks.
    let packaged = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].contains(&folder) && !survey.copied_file(&path);
    let copied = survey.copied_file(&path) || path.ends_with(".sh");
    let downloaded = is_build_script(step)
        && survey.steps().any(|(_, other)| {
            other.kind() == "download"
                && matches!(effects::of(other), Effect::Writes(written) if written.contains(&path))
        });
    let copied = copied || downloaded;
    // The installer of what is unpacked in scratch space puts it somewhere else.
    let installer = paths::name(&path).contains("install") && stores::scratch(&path, &SCRATCH);
    // Conda's installer is known, and so is what only hands files over to the group.
    let known = paths::name(&path).to_ascii_lowercase().contains("conda") || path.ends_with("/fix-permissions");
    let cloned = survey.steps().any(|(_, step)| {
        matches!(effects::of(step), Effect::Fetch(folders) if folders.iter().any(|to| paths::within(&path, to)))
    });
    let installs = matches!(paths::name(&path), "install" | "install.sh" | "installer" | "installer.sh");
    // What a project needs is not put into its own folder, unless it is one of Node: `utils/fo-installdeps`,
    // `ci/install_packages.sh`.
    let lower = paths::name(&path).to_ascii_lowercase();
    let node = survey.model.known(survey.stage).is_some_and(|image| image.language() == Some("node"))
        || ["nodejs", "npm"].iter().any(|package| survey.installs(package));
    let provides = !node
        && lower.contains("install")
        && ["dep", "package", "prereq", "requirement", "apt"].iter().any(|what| lower.contains(what));
    let brought = copied || installer || installs && cloned || provides;
    if packaged || !brought || known || survey.read(&path).is_some() {
        return false;
    }
    if provides {
        return true;
    }
    let own = |folder: &str| {
        !Words::SystemFolders.has(folder) && !stores::system(folder) && !paths::within(folder, "/usr/local")
    };
    // A folder that has nothing but the script is no project.
    let lone = |cwd: &str| {
        let script = |source: &String| paths::name(source) == paths::name(&path);
        let brings = survey.units.iter().any(|unit| {
            unit.copy.as_ref().is_some_and(|copy| {
                copy.to.as_deref().is_some_and(|to| paths::within(to, cwd) || paths::within(cwd, to))
                    && !copy.sources.iter().all(script)
            })
        });
        let fills = survey.steps().any(|(_, other)| match effects::of(other) {
            Effect::Fetch(folders) => folders.iter().any(|to| paths::within(to, cwd) || paths::within(cwd, to)),
            Effect::Writes(written) => {
                matches!(other.kind(), "unpack" | "copy")
                    && written.iter().any(|to| paths::within(to, cwd) || paths::within(cwd, to))
            }
            Effect::Build | Effect::Store(_) => other.cwd.as_deref().is_some_and(|there| paths::within(there, cwd)),
            _ => false,
        });
        survey.copied_file(&path) && !brings && !fills
    };
    let works = step.cwd.as_deref().is_some_and(|cwd| own(cwd) && paths::within(&path, cwd) && !lone(cwd));
    let project = survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
        copy.context && copy.is_whole() && copy.to.as_deref().is_some_and(|to| own(to) && paths::within(&path, to))
    });
    !(works || project || cloned) || installs
}

/// Refuses a command that compiles when the container starts.
pub(super) fn toolchain(step: &Step) -> Result<(), Refusal> {
    // As what an image starts, these names are programs of its own.
    let own = matches!(step.program(), "bootstrap" | "bootstrap.sh" | "boot" | "b2")
        && step.argv.first().is_some_and(|program| program.contains('/'));
    // `java Main.java` compiles it, by the compiler of the JDK.
    let source = step.program() == "java"
        && step
            .args()
            .iter()
            .take_while(|arg| *arg != "-jar")
            .any(|arg| arg.ends_with(".java") && !arg.starts_with('-'));
    let compiles = match step.kind() {
        _ if own => false,
        _ if source => true,
        // DNX compiled what it started.
        "dotnet" if matches!(step.program(), "dnx" | "k") => true,
        "make" | "ninja" | "cmake" | "setup" | "go" | "rust" | "haskell" | "jvm" | "swift" => true,
        "compile" => {
            matches!(
                step.program(),
                "gcc" | "g++" | "cc" | "c++" | "clang" | "rustc" | "ghc" | "javac" | "nvcc" | "ponyc" | "emcc"
            )
        }
        // `perl Build.PL`, `python setup.py install`
        "interpreter" => {
            let script = step.args().first().map_or("", |script| paths::name(script));
            let installs = || step.args().iter().any(|arg| matches!(arg.as_str(), "install" | "develop" | "build"));
            matches!(script, "Build.PL" | "Makefile.PL") || script == "setup.py" && installs()
        }
        "dotnet" => {
            matches!(step.subcommand(), Some("run" | "watch" | "build" | "test" | "publish" | "ef" | "restore"))
        }
        // Dart starts its sources with the virtual machine of its SDK: `dart bin/server.dart`, `pub run server`.
        "dart" => matches!(step.program(), "dart" | "pub" | "webdev"),
        "compiled" => match step.program() {
            "crystal" | "shards" | "dub" | "nimble" | "zig" => {
                matches!(step.subcommand(), Some("run" | "build" | "spec" | "test"))
                    || step.operands().next().is_some_and(|first| first.ends_with(".cr"))
            }
            "nim" => matches!(step.subcommand(), Some("c" | "cpp" | "r" | "compile")),
            _ => false,
        },
        "apt" | "apk" | "yum" => true,
        // What is installed at the start may have to be compiled.
        "yarn" if step.args().is_empty() => true,
        "npm" | "yarn" | "pnpm" => matches!(step.subcommand(), Some("install" | "i" | "ci")),
        "python" | "gem" | "bundle" => matches!(step.subcommand(), Some("install" | "update")),
        _ => return Ok(()),
    };
    if !compiles {
        return Ok(());
    }
    let instead = match step.kind() {
        "apt" | "apk" | "yum" => "installs packages when the container starts; install them in the image",
        "npm" | "yarn" | "pnpm" | "python" | "gem" | "bundle" => {
            "installs packages when the container starts, which may have to be compiled; install them in the image"
        }
        _ => "needs the toolchain when the container starts; build in the image, and start what comes of it",
    };
    Err(refuse("toolchain-at-run-time", format!("`{}` {instead}", shown(step)), true))
}

/// The unit of the last build work.
pub(super) fn last_build(survey: &Survey<'_, '_>) -> Result<usize, Refusal> {
    let mut last = None;
    let mut scripts = None;
    let mut compilers: Vec<String> = Vec::new();
    for (at, step) in survey.steps() {
        compilers.extend(go_root(survey, step));
        match effects::of(step) {
            Effect::Build if survey.downloads(step).is_some() => {}
            Effect::Build | Effect::Store(_) | Effect::Fetch(_) => last = Some(at),
            Effect::Install(packages) if packages.names.iter().any(|name| packages.role(name) == Role::Build) => {
                last = last.max(Some(at));
            }
            Effect::Unknown if is_build_script(step) => {
                scripts = Some(step);
                last = Some(at);
            }
            Effect::Repository
                if survey.units.get(at).is_some_and(|unit| runs::made_archive(survey, unit, step).is_some()) =>
            {
                last = last.max(Some(at));
            }
            // What only the builder has is taken away there.
            Effect::Remove(packages)
                if last.is_some()
                    && packages.names.iter().any(|name| {
                        name.starts_with('.')
                            || packages.role(name) == Role::Build
                            || is_group(survey, name)
                            || packages.role(name) == Role::Tool && survey.installs(name)
                    }) =>
            {
                last = last.max(Some(at));
            }
            Effect::Files(gone)
                if last.is_some()
                    && step.program() == "rm"
                    && gone.iter().any(|gone| compilers.iter().any(|root| paths::covers(gone, root))) =>
            {
                last = last.max(Some(at));
            }
            _ => {}
        }
    }
    let works = survey.steps().any(|(_, step)| {
        matches!(effects::of(step), Effect::Build | Effect::Store(_) | Effect::Fetch(_) | Effect::Writes(_))
    });
    match (last, scripts) {
        (Some(last), None) => Ok(last),
        (Some(last), Some(_)) if works => Ok(last),
        (Some(last), Some(step)) if builds_in_place(survey, step) => Ok(last),
        (_, Some(step)) => {
            let text = format!("`{}` builds, and what it does is not there to read", shown(step));
            Err(refuse("built-by-a-script", text, true))
        }
        (None, None) => Err(refuse("nothing-built", "no step compiles anything", true)),
    }
}

/// Whether a name is that of a group of packages that `apk add --virtual` makes: no archive has it.
fn is_group(survey: &Survey<'_, '_>, name: &str) -> bool {
    survey.steps().any(|(_, step)| tidy::virtual_name(step) == Some(name))
}

/// Whether a script of the project is there to read, and does nothing but compile in the folder where it works.
fn builds_in_place(survey: &Survey<'_, '_>, script: &Step) -> bool {
    let Some(folder) = script.cwd.as_deref().filter(|folder| !Words::SystemFolders.has(folder)) else { return false };
    let (mut compiles, mut stays) = (false, true);
    let each = &mut |step: &Step| {
        let inside = |path: &String| paths::within(path, folder);
        match effects::of(step) {
            Effect::Build => compiles = true,
            // What it installs is looked for as that of the RUN itself.
            Effect::Store(store) if *store != Store::Prefix => compiles = true,
            Effect::Nothing => {}
            Effect::Files(paths) | Effect::Writes(paths) => stays &= paths.iter().all(inside),
            Effect::Unknown => stays &= matches!(step.program(), "cd" | "exit" | "popd" | "pushd"),
            _ => stays = false,
        }
        Ok(())
    };
    scripts(survey, script, each).is_ok() && compiles && stays
}

/// Whether all that a command puts somewhere are archives of compiled code, headers and the like.
pub(super) fn only_to_compile_with(step: &Step) -> bool {
    let mut operands: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
    operands.pop();
    let ends = [".a", ".la", ".h", ".hh", ".hpp", ".pc", ".cmake"];
    !operands.is_empty() && operands.iter().all(|operand| ends.iter().any(|end| operand.ends_with(end)))
}

/// Whether a command is a script of the project's that builds.
pub(in crate::catalog::multi_stage) fn is_build_script(step: &Step) -> bool {
    let program = step.argv.first().map(String::as_str).unwrap_or_default();
    let name = paths::name(program).to_ascii_lowercase();
    let shell = Words::Shells.has(name.as_str());
    let script =
        if shell { step.args().iter().find(|arg| !arg.starts_with('-')).map_or("", String::as_str) } else { program };
    let name = paths::name(script).to_ascii_lowercase();
    let path = script.contains('/') || name.ends_with(".sh") || name.ends_with(".py") || name.ends_with(".pl");
    path && ["build", "compile", "install", "make", "bootstrap", "setup", "configure", "autogen", "prepare"]
        .iter()
        .any(|word| name.contains(word))
}
