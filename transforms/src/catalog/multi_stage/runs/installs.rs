//! Which packages of an installation the runtime stage needs.

use crate::knowledge::buildpack;
use crate::knowledge::packages::{self, Role};
use crate::knowledge::releases::Manager;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Packages};
use crate::model::paths;
use crate::surgery;
use crate::syntax::Keyword;

use super::super::plan::Recipe;
use super::super::programs::brings;
use super::super::survey::{Survey, Unit};
use super::super::{certificates, helpers, libraries, linked, stores, tidy};

/// Whether an install command asks before it installs what a package depends on.
pub(super) fn asks(step: &Step, manager: Manager) -> bool {
    let agrees = |word: &String| {
        matches!(word.as_str(), "--yes" | "--assume-yes" | "--assumeyes" | "--non-interactive" | "--noconfirm")
            || word.starts_with('-') && !word.starts_with("--") && word.contains(['y', 'q'])
            || word.contains("Assume-Yes")
    };
    matches!(manager, Manager::Apt | Manager::Yum) && !step.argv.iter().any(agrees)
}

/// An install command with other packages. Where it was one package without any of its own, nobody was asked; now they
/// would be.
pub(super) fn install_text(step: &Step, manager: Manager, names: &[String], wanted: &[String]) -> String {
    let mut words: Vec<&str> = Vec::new();
    let asks = asks(step, manager);
    // What stands for a group is no group.
    let plain = wanted.iter().all(|name| !name.contains(' ') && !name.starts_with('@'));
    let mut given = false;
    let mut verb = false;
    let mut virtual_name = false;
    for (at, word) in step.argv.iter().map(String::as_str).enumerate() {
        // The manager itself may be among the packages: `yum install -y unzip yum clean all` lacks its `&&`.
        let package = at > 0 && names.iter().any(|name| name == word);
        // A virtual package of apk is there to be deleted after the build.
        if std::mem::take(&mut virtual_name) {
            continue;
        }
        if manager == Manager::Apk && matches!(word, "--virtual" | "-t") {
            virtual_name = true;
            continue;
        }
        if word.starts_with("--virtual=") || word.starts_with("--virtual") && manager == Manager::Apk {
            continue;
        }
        if package {
            // Where the first package stood, the new list stands.
            if !std::mem::replace(&mut given, true) {
                words.extend(wanted.iter().map(String::as_str));
            }
            continue;
        }
        // The verb once more is no package.
        if word == "install" && std::mem::replace(&mut verb, true) {
            continue;
        }
        // `yum group install "Development Tools"`
        if word == "group" && plain && manager == Manager::Yum {
            continue;
        }
        words.push(if word == "groupinstall" && plain { "install" } else { word });
        if asks && word == "install" {
            words.push("-y");
        }
    }
    assigned(step, words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// A command that is written anew, with the variables that stood before it.
pub(super) fn assigned(step: &Step, text: String) -> String {
    step.assignments.iter().map(|assignment| format!("{assignment} ")).collect::<String>() + &text
}

/// A word as a shell reads it back.
pub(in crate::catalog::multi_stage) fn quoted(word: &str) -> String {
    // What a command answers stands as it is written.
    if word.contains("$(") || word.contains('`') {
        return word.to_owned();
    }
    // A pattern of package files is one for the shell.
    surgery::shell_word(word, if packages::is_file(word) { "-_./=+:,@%~$^{}*" } else { "-_./=+:,@%~$^{}" })
}

/// The names of packages that commands of this instruction, or later ones, take away again: with an install, behind it.
/// What makes room for it comes before: `apt-get remove -y nodejs && … && apt-get install -y nodejs`.
pub(super) fn taken_away(survey: &Survey<'_, '_>, unit: &Unit<'_>, install: Option<&Step>) -> Vec<String> {
    let later = survey.units.iter().skip_while(|other| other.index != unit.index);
    // A function, which is written before it is called, may take away what comes behind.
    let before = |other: &&Step| {
        install.is_some_and(|install| other.always && other.span.start < install.span.start)
            && unit.steps.iter().any(|step| step.span == other.span)
    };
    later
        .flat_map(|unit| unit.steps)
        .filter(|step| !before(step))
        .filter_map(|step| match effects::of(step) {
            Effect::Remove(packages) => Some(packages.names.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The packages of an install that the runtime stage has too, and whether they are all of them.
pub(super) fn wanted(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    unit: &Unit<'_>,
    packages: &Packages,
    gone: &[String],
    step: &Step,
) -> (Vec<String>, bool) {
    let (manager, names) = (packages.manager, packages.names.as_slice());
    let group = tidy::virtual_name(step);
    // What is taken away again stays only where the runtime stage itself starts it.
    let taken = manager == Manager::Apk && group.is_some_and(|group| gone.iter().any(|name| name == group));
    let starts = |name: &str| packages.role(name) != Role::Build && started(survey, recipe, manager, name);
    let release = recipe.runtime.release.map(|release| release.name);
    let language = survey.model.known(survey.stage).and_then(|image| image.language());
    let mut found: Vec<String> = Vec::new();
    let mut all = true;
    // A group that `apk add --virtual` made is no package of the archive.
    let groups: Vec<&str> = match manager {
        Manager::Apk => survey.steps().filter_map(|(_, step)| tidy::virtual_name(step)).collect(),
        _ => Vec::new(),
    };
    // Who takes packages away again behind the build keeps the others on purpose.
    let sorted_out = unit.steps.iter().any(|step| {
        matches!(effects::of(step), Effect::Remove(gone)
            if gone.names.iter().any(|name| names.contains(name) && packages.role(name) == Role::Build))
    });
    for name in names {
        if groups.contains(&name.as_str()) {
            all = false;
            continue;
        }
        if taken || gone.contains(name) {
            all = false;
            if starts(name) {
                found.push(name.clone());
            } else if !taken && stays_behind(survey, manager) && packages.role(name) == Role::Build {
                // The libraries that came with it are not taken away with it.
                let libraries = packages::libraries(manager, release, name).unwrap_or_default();
                found.extend(libraries.into_iter().filter(|library| {
                    !names.contains(library) && !library.starts_with("libgomp") && !recipe.installed.contains(library)
                }));
            }
            continue;
        }
        if helpers::is_node_package(manager, name) && helpers::bundles(survey, recipe) {
            all = false;
            continue;
        }
        // The official images give the packages of their compilers by variables.
        if matches!(name.as_str(), "$PHPIZE_DEPS" | "${PHPIZE_DEPS}") {
            all = false;
            continue;
        }
        // A link to the compiler says that something looks for it, as sources do that start it, or what builds with it.
        let linked = || {
            survey
                .steps()
                .any(|(_, step)| step.program() == "ln" && step.argv.iter().any(|word| word.contains("javac")))
        };
        if name.contains("jdk") && (linked() || Words::JdkCallers.list().iter().any(|tool| survey.calls(tool))) {
            found.push(name.clone());
            continue;
        }
        match packages.role(name) {
            // Documentation that is made at every start, a site that is built from what is mounted.
            Role::Build if at_start(survey, recipe, manager, name) => found.push(name.clone()),
            // What builds programs for Java, and builds none here, is there for what can't be read.
            Role::Build
                if recipe.opaque_entry
                    && matches!(packages::bare(name), "ant" | "gradle" | "leiningen" | "maven" | "sbt")
                    && !survey.steps().any(|(_, step)| step.kind() == "jvm") =>
            {
                found.push(name.clone());
            }
            Role::Build if brings_java(survey, recipe, packages::bare(name)) => {
                if manager == Manager::Apt {
                    all = false;
                    found.push("default-jre-headless".into());
                } else {
                    found.push(name.clone());
                }
            }
            Role::Installer if installer_needed(survey, recipe, manager, name) => {
                all &= !unread_alone(survey, recipe, manager, name);
                found.push(name.clone());
            }
            Role::Build | Role::Installer => match packages::libraries(manager, release, name) {
                Some(mut libraries) => {
                    all = false;
                    if manager == Manager::Apt && embeds(survey) {
                        libraries.extend(embedded(name, release));
                    }
                    // The language that the image is made for is there already, in a place of its own.
                    let own = |library: &String| {
                        let Some(language) = language else { return false };
                        let bare = library.trim_start_matches("lib");
                        // `libc6` is C's, `libcurl4` is not, and `r-base` is R's.
                        let ends =
                            |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' && bare == library);
                        bare.strip_prefix(language).is_some_and(|rest| language.len() > 2 || ends(rest))
                    };
                    // A compiler brings the libraries of its sanitizers along.
                    if manager == Manager::Apt && libraries.iter().any(|library| library == "libgomp1") {
                        for kind in linked::sanitizers(survey) {
                            match packages::sanitizer(release, &kind) {
                                Some(library) => libraries.push(library.to_owned()),
                                None => libraries.push(name.clone()),
                            }
                        }
                    }
                    // … and the programs that look into compiled files, which sources start as well.
                    if manager == Manager::Apt && libraries.iter().any(|library| library == "libgomp1") {
                        let of_compilers = |program: &String| buildpack::package(program) == Some("binutils");
                        libraries.extend(survey.starts().iter().any(of_compilers).then(|| "binutils".to_owned()));
                    }
                    let parallel = |library: &String| library.starts_with("libgomp") && !survey.parallel();
                    found.extend(
                        linked::only(survey, name, libraries)
                            .into_iter()
                            .filter(|library| !names.contains(library) && !own(library) && !parallel(library))
                            .filter(|library| !recipe.installed.contains(library)),
                    );
                }
                None => {
                    let parts = linked::parts_of(survey, name);
                    all &= parts.len() == 1 && parts.first() == Some(name);
                    found.extend(parts);
                }
            },
            Role::Tool if !sorted_out && !tool_needed(survey, recipe, manager, name) => all = false,
            // What makes a site is of no use to the server that has the files of it.
            Role::Runtime if recipe.serves && Words::SiteTools.has(packages::bare(name)) && !starts(name) => {
                all = false
            }
            Role::Runtime if for_native_modules(survey, recipe, names, name) && !starts(name) => all = false,
            _ => found.push(name.clone()),
        }
    }
    if certificates::left(survey, recipe, packages, &found) {
        all = false;
        found.push(certificates::PACKAGE.to_owned());
    }
    let mut seen: Vec<String> = Vec::new();
    found.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    (found, all)
}

/// Whether a tool that builds programs for Java is all that brings Java, and the image starts it.
fn brings_java(survey: &Survey<'_, '_>, recipe: &Recipe, tool: &str) -> bool {
    let java = |name: &str| ["java", "jdk", "jre"].iter().any(|part| name.contains(part));
    let other = |step: &Step| match effects::of(step) {
        Effect::Install(packages) => packages.names.iter().any(|name| java(name)),
        Effect::Writes(_) | Effect::Fetch(_) | Effect::Unknown => {
            step.argv.iter().chain(&step.piped).any(|word| java(word) || word.contains("sdkman"))
        }
        _ => false,
    };
    let starts = recipe.opaque_entry
        || recipe.scripted.iter().any(|program| program == "java")
        || survey.entry.steps.iter().any(|step| step.program() == "java");
    matches!(tool, "ant" | "gradle" | "leiningen" | "maven" | "maven2" | "sbt")
        && starts
        && survey.model.known(survey.stage).is_some_and(|image| image.kind() == crate::knowledge::images::Kind::Distro)
        && survey.steps().any(|(_, step)| step.kind() == "jvm")
        && !survey.steps().any(|(_, step)| other(step))
}

/// Whether what came with a package stays where the package is taken away: nothing in the file asks for the rest to go, and
/// the manager does not do so by itself.
fn stays_behind(survey: &Survey<'_, '_>, manager: Manager) -> bool {
    let sweeps = |word: &String| word.trim_start_matches('-').replace('-', "") == "autoremove";
    matches!(manager, Manager::Apt | Manager::Yum)
        && !survey.steps().any(|(_, step)| {
            step.program() == "dnf" && matches!(effects::of(step), Effect::Remove(_)) || step.argv.iter().any(sweeps)
        })
}

/// Whether the packages that are taken away are those that Node came with.
pub(super) fn takes_node(survey: &Survey<'_, '_>, gone: &[String]) -> bool {
    const NODE: [&str; 4] = ["nodejs", "npm", "nodejs-npm", "nodejs-current"];
    let there = survey.model.known(survey.stage).is_some_and(|image| image.language() == Some("node"));
    !there && gone.iter().any(|name| NODE.contains(&packages::bare(name)))
}

/// Whether the stage compiles programs that may have an interpreter in them.
fn embeds(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        matches!(effects::kind(step.program()), "make" | "ninja" | "cmake") && effects::of(step).is_work()
    })
}

/// The library of an interpreter whose headers a package has, which the interpreter itself does not need.
fn embedded(package: &str, release: Option<&str>) -> Vec<String> {
    let library = match packages::bare(package) {
        "python3-dev" | "python3-all-dev" => "libpython3-dev",
        "python-dev" | "python-all-dev" | "python2-dev" | "python2.7-dev" => "libpython2.7-dev",
        "libperl-dev" => "libperl-dev",
        _ => return Vec::new(),
    };
    packages::listed(release, library)
}

/// Whether what starts, a script of it, or a health check starts a program of a package.
fn at_start(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let mut starts = survey.entry.steps.iter().chain(&survey.checks);
    starts.any(|step| brings(manager, packages::bare(package), step.program()))
        || recipe.scripted.iter().any(|program| brings(manager, packages::bare(package), program))
        || survey.supervised().iter().any(|program| brings(manager, packages::bare(package), program))
}

/// Looks for the programs that supervisord starts: `command=make serve`. [`Survey::supervised`] does so once.
pub(in crate::catalog::multi_stage) fn supervised(survey: &Survey<'_, '_>) -> Vec<String> {
    const MARK: &str = "command=";
    let mut found = Vec::new();
    let mut look = |text: &str| {
        let ends = |c: char| c.is_whitespace() || matches!(c, '\\' | '"' | '\'');
        for (at, _) in text.match_indices(MARK) {
            let word = text.get(at + MARK.len()..).unwrap_or_default().split(ends).next().unwrap_or_default();
            found.push(paths::name(word).to_owned());
        }
    };
    for unit in survey.units.iter().filter(|unit| matches!(unit.instruction.keyword, Keyword::Run | Keyword::Copy)) {
        look(unit.instruction.args.text.as_ref());
        unit.instruction.heredocs.iter().for_each(|heredoc| look(&String::from_utf8_lossy(heredoc.body)));
    }
    if let Some(context) = survey.model.context {
        let settings =
            |file: &&String| file.contains("supervis") && (file.ends_with(".conf") || file.ends_with(".ini"));
        for text in context.files().iter().filter(settings).filter_map(|file| context.read(file)) {
            look(&crate::context::text(&text));
        }
    }
    found
}

/// Whether a package is the Python of node-gyp alone: it stands beside a compiler in an image of Node, and the project
/// beside the Dockerfile has nothing written in Python and starts none.
fn for_native_modules(survey: &Survey<'_, '_>, recipe: &Recipe, names: &[String], package: &str) -> bool {
    let python = ["python", "python2", "python3", "python3-minimal", "py3-setuptools", "python3-setuptools"];
    let compiler = ["build-base", "build-essential", "g++", "gcc", "make"];
    let starts = |step: &Step| python.contains(&step.program());
    python.contains(&packages::bare(package))
        && names.iter().any(|name| compiler.contains(&packages::bare(name)))
        && survey.model.known(survey.stage).is_some_and(|image| image.language() == Some("node"))
        && survey.model.context.is_some_and(|context| {
            // Modules that start Python say so by their names.
            let speaks = |file: &String| {
                paths::name(file) == "package.json"
                    && context.read(file).is_none_or(|text| {
                        [&b"python"[..], b"youtube-dl", b"yt-dlp", b"ytdl"]
                            .iter()
                            .any(|word| memchr::memmem::find(&text, word).is_some())
                    })
            };
            let own = |file: &&String| !file.contains("node_modules/");
            !context.files().iter().filter(own).any(|file| file.ends_with(".py") || speaks(file))
        })
        && !recipe.opaque_entry
        && !survey.entry.steps.iter().any(starts)
        && !survey.units.iter().skip(recipe.last_build + 1).flat_map(|unit| unit.steps).any(starts)
        && !python.iter().any(|program| survey.calls(program))
}

/// What an installer of a language is installed with, apart from the others, where only a script that can't be read may start
/// it: itself and what it works with, and not the compilers that it recommends. Empty where it has these too.
pub(super) fn without_compilers(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    packages: &Packages,
    name: &str,
) -> Vec<String> {
    let release = recipe.runtime.release.map(|release| release.name);
    if packages.role(name) != Role::Installer || !unread_alone(survey, recipe, packages.manager, name) {
        return Vec::new();
    }
    let mut found = vec![name.to_owned()];
    found.extend(packages::libraries(packages.manager, release, name).unwrap_or_default());
    found
}

/// Whether only a script that can't be read may start an installer of a language, on a release whose packages are known.
fn unread_alone(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let release = recipe.runtime.release.map(|release| release.name);
    packages::libraries(manager, release, package).is_some()
        && !at_start(survey, recipe, manager, package)
        && !started(survey, recipe, manager, package)
        && !installs_at_start(survey, package)
}

/// Whether something that runs in the runtime stage installs packages of a language, or may.
fn installer_needed(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    recipe.opaque_entry
        || at_start(survey, recipe, manager, package)
        || started(survey, recipe, manager, package)
        || installs_at_start(survey, package)
}

/// Whether what starts installs packages of a language, by its words or its sources.
fn installs_at_start(survey: &Survey<'_, '_>, package: &str) -> bool {
    survey.entry.steps.iter().any(|step| step.argv.iter().any(|word| word == "pip"))
        || survey.calls(packages::bare(package).trim_start_matches("python-").trim_start_matches("python3-"))
}

/// Whether something that runs in the runtime stage starts a tool, or may.
fn tool_needed(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let name = package.split(['=', '<', '>', '~', ':']).next().unwrap_or(package);
    let health = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Healthcheck);
    recipe.opaque_entry
        || recipe.repositories
        || started(survey, recipe, manager, package)
        || survey.entry.steps.iter().chain(&survey.checks).any(|step| brings(manager, name, step.program()))
        || health.into_iter().any(|unit| unit.instruction.args.text.contains(name))
        || survey.model.context.is_some() && packages::programs(manager, name).any(|program| survey.calls(program))
        || libraries::needs(survey, name)
        || COMPOSERS.contains(&name) && ships_composer(survey, recipe)
        || for_run_time(survey, manager, name)
        // What moves or packs files, or looks at the network, and does not for the build, is there for who works with the
        // container, or for the program.
        || Words::ToolsOfRunTime.has(name)
            && !survey.steps().any(|(_, step)| brings(manager, name, step.program()) || step.program() == "aria2c")
}

/// Whether a tool can't be there for the build: no command of it starts the tool, and none does what may start it unseen.
fn for_run_time(survey: &Survey<'_, '_>, manager: Manager, name: &str) -> bool {
    const TOOLS: [&str; 6] = ["curl", "git", "git-core", "unzip", "wget", "zip"];
    if !TOOLS.contains(&name) {
        return false;
    }
    let git = name.starts_with("git");
    // The names of packages of a registry are fetched by the installer itself; lists and projects may name anything.
    let by_name = |step: &Step| match step.kind() {
        "python" | "gem" => {
            step.args().iter().any(|arg| arg == "install")
                && !step.args().iter().any(|arg| {
                    matches!(arg.as_str(), "-r" | "-e" | "." | "--requirement" | "--editable")
                        || arg.starts_with("-r")
                        || arg.contains(['/', '$'])
                })
        }
        "php-ext" => true,
        _ => false,
    };
    let uses = |step: &Step| match effects::of(step) {
        Effect::Install(_) | Effect::Remove(_) | Effect::Lists | Effect::Upgrade => false,
        Effect::Build | Effect::Store(_) => !by_name(step),
        Effect::Unknown => super::super::whole::is_build_script(step) || super::super::whole::hidden(survey, step),
        _ => {
            brings(manager, name, step.program())
                || step.piped.is_some()
                || git && step.argv.iter().any(|word| word.contains("git"))
        }
    };
    let mut builds = survey.steps().map(|(_, step)| step).filter(|step| effects::of(step).is_work());
    builds.any(by_name) && !survey.steps().any(|(_, step)| uses(step))
}

/// What Composer fetches packages with.
const COMPOSERS: [&str; 7] = ["git", "git-core", "mercurial", "p7zip-full", "subversion", "unzip", "zip"];

/// Whether the runtime stage has Composer, for what starts or who works in the container: copied from the builder, from an
/// image of its own, or installed there.
fn ships_composer(survey: &Survey<'_, '_>, recipe: &Recipe) -> bool {
    let named = |path: &str| matches!(paths::name(path), "composer" | "composer.phar");
    let later = survey.units.iter().skip(recipe.last_build + 1);
    let copied = later.filter_map(|unit| unit.copy.as_ref()).filter(|copy| !copy.context).any(|copy| {
        copy.sources.iter().any(|source| named(source)) && copy.to.as_deref().is_some_and(|to| !to.starts_with("/tmp"))
    });
    // What is written among the programs of the distribution goes along once the commands are sorted.
    let removed = survey.removed(survey.units.len());
    let ships = |at: usize, path: &str| {
        named(path)
            && (at > recipe.last_build || stores::system(path))
            && !removed.iter().any(|removed| paths::covers(removed, path))
    };
    let written = survey.steps().any(
        |(at, step)| matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|path| ships(at, path))),
    );
    let started = ["composer", "composer.phar"].iter().any(|program| recipe.programs.has(program));
    started || copied || written || recipe.carried.iter().any(|carried| named(&carried.to))
}

/// Whether a command of the runtime stage starts a program of a package.
fn started(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let name = package.split(['=', '<', '>', '~', ':']).next().unwrap_or(package);
    let mut later = survey.units.iter().skip(recipe.last_build + 1).flat_map(|unit| unit.steps);
    recipe.programs.has_of(manager, name) || later.any(|step| brings(manager, name, step.program()))
}
