//! Starts that need what the build needs, and for which nothing can be left behind.

use crate::knowledge::images::{Image, Kind};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Base, paths, uv};
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::super::libraries;
use super::super::plan::Carried;
use super::super::survey::{Survey, refuse};

use super::last_build::{hidden, toolchain};
use super::shown;
use super::staged::STAGE;

/// Whether the stage starts something that a rewrite must keep working, and needs no toolchain for.
///
/// # Errors
/// Where it starts nothing, is there to be worked in, or compiles when it runs.
pub(super) fn starts(survey: &Survey<'_, '_>, image: Option<&Image<'_>>) -> Result<(), Refusal> {
    let serves = image.is_some_and(|image| {
        image.kind() == Kind::Server
            || image.language() == Some("php") && image.cmd().is_some_and(|cmd| cmd != "php -a")
    });
    // What a file of Compose starts is among the steps.
    if survey.entry.is_empty() && survey.entry.steps.is_empty() {
        if serves {
            return Ok(());
        }
        let text = "nothing is started: it is a base image, or an image for building in";
        return Err(refuse(super::super::STARTS_NOTHING, text, true));
    }
    if !survey.entry.known {
        return Err(refuse("unreadable-entry", "what CMD or ENTRYPOINT starts can't be parsed", false));
    }
    if survey.entry.steps.iter().all(is_for_people) {
        let text = "a shell, an editor or nothing of its own is started: it is an image to work in, tools included";
        return Err(refuse("development-image", text, true));
    }
    if survey.entry.steps.last().is_some_and(|step| step.program() == "sshd") {
        let text = "people log in by SSH and work there: it is an image to work in, tools included";
        return Err(refuse("development-image", text, true));
    }
    // The tools of Android are of use to who builds with them, and nothing is built here.
    let brings = survey.steps().any(|(_, step)| step.program() == "sdkmanager");
    let builds = survey.steps().any(|(_, step)| step.kind() == "jvm" && step.program() != "sdkmanager");
    if brings && !builds {
        let text = "what Android's programs are built with is installed, and none is built: it is an image to build in";
        return Err(refuse("development-image", text, true));
    }
    for step in &survey.entry.steps {
        toolchain(step)?;
        scripts(survey, step, &mut toolchain)?;
    }
    gems_at_start(survey)?;
    mix_at_start(survey)?;
    let python = || {
        image.is_some_and(|image| image.language() == Some("python"))
            || survey.steps().any(|(_, step)| matches!(step.program(), "pip" | "pip3" | "uv" | "poetry"))
    };
    if let Some(start) = uv::made_anew(survey.model, survey.stage, &survey.entry.steps).next() {
        let text = format!(
            "`{}` makes the environment anew when the container starts, by a Python that the project asks for and nobody \
             has installed, and may have to compile what it depends on",
            shown(start)
        );
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    if python() {
        python_at_start(survey)?;
    }
    if let Some((file, compiler)) = survey.compiler() {
        let text = format!("{file} starts `{compiler}` when it runs, which the file installs");
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    if survey.steps().any(|(_, step)| matches!(step.program(), "dnu" | "kpm")) {
        let text = "DNX compiles what it starts, from packages in the home of who built";
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}

/// Whether what a command starts waits for people, or for nothing: a shell, an editor, an interpreter without a program.
fn is_for_people(step: &Step) -> bool {
    let file = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| step.args().get(before));
        before.is_some_and(|option| matches!(option.as_str(), "--init-file" | "--rcfile"))
    };
    let interactive = Words::Shells.has(step.program())
        && step.args().iter().enumerate().all(|(at, arg)| arg.starts_with('-') && !arg.starts_with("-c") || file(at));
    // A shell in the browser: `gotty -w bash`.
    let shown = matches!(step.program(), "gotty" | "ttyd" | "wetty" | "butterfly.server.py" | "shellinaboxd")
        && step.args().iter().any(|arg| Words::Shells.has(paths::name(arg)) || arg == "/:LOGIN");
    // `tini -- bash`, `docker-entrypoint.sh bash`: what comes before it ends in the shell.
    let handed = match step.args() {
        [.., before, last] => Words::Shells.has(paths::name(last)) && (!before.starts_with('-') || before == "--"),
        [last] => Words::Shells.has(paths::name(last)),
        [] => false,
    };
    let editor = Words::Editors.has(step.program());
    let interactive = interactive || shown || handed || editor;
    // An interpreter that is given nothing to run asks for it.
    let asks = step.args().is_empty()
        && matches!(step.program(), "node" | "nodejs" | "python" | "python2" | "python3" | "erl" | "julia" | "R");
    // A tool that only says who it is is there for who runs it with other words.
    let tool = (matches!(step.kind(), "npm" | "yarn" | "pnpm" | "composer" | "jvm" | "rust" | "go")
        || step.program() == "jekyll")
        && matches!(step.args(), [only] if matches!(only.as_str(), "-v" | "-V" | "--version" | "version" | "--help"));
    interactive
        || asks
        || tool
        || step.program() == "tail" && step.args().iter().any(|arg| arg == "/dev/null")
        || step.program() == "sleep"
        || step.program() == "dind" && step.args().is_empty()
        || matches!(step.kind(), "nothing")
}

/// # Errors
/// Where the gems of what starts are installed by nobody.
fn gems_at_start(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    // What the file installs by name may be all that Bundler looks for.
    let others = |step: &Step| {
        let names = || step.operands().skip(1).map(|name| name.split(':').next().unwrap_or(name));
        step.kind() == "gem"
            && step.subcommand() == Some("install")
            && names().any(|name| !matches!(name, "bundle" | "bundler"))
    };
    if let Some(start) = survey.entry.steps.iter().find(|step| step.kind() == "bundle")
        && idle_bundler(survey).is_some()
        && !survey.steps().any(|(_, step)| others(step))
    {
        let text = format!(
            "the gems of `{}` are installed by nobody in the file: they are when the container runs, and may have to be \
             compiled",
            shown(start)
        );
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}

/// # Errors
/// Where Mix compiles when the container runs, and may need a compiler of C for that.
fn mix_at_start(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    // What Compose mounts over the project hides what was compiled of it.
    let hidden = |step: &Step| {
        let mounts = survey.model.settings.starts.iter().flat_map(|start| &start.mounts);
        mounts.filter(|mount| mount.host.is_some()).any(|mount| step.cwd.as_deref() == Some(mount.path.as_str()))
    };
    let mix = |step: &&Step| {
        let script =
            || step.args().windows(2).any(|pair| matches!(pair, [option, mix] if option == "-S" && mix == "mix"));
        step.program() == "mix" || matches!(step.program(), "iex" | "elixir") && script()
    };
    // Whose project is not there to read, and whose dependencies nobody fetches.
    let fetched = |(_, step): (usize, &Step)| {
        compiles_elixir(step) || step.program() == "mix" && step.args().iter().any(|arg| arg.starts_with("deps."))
    };
    let read = || survey.model.context.is_some_and(|context| context.files().iter().any(|file| file == "mix.exs"));
    if let Some(start) = survey.entry.steps.iter().find(mix)
        && !survey.steps().any(fetched)
        && !read()
    {
        let text = format!(
            "the dependencies of `{}` are fetched by nobody in the file: they are when the container runs, and may have to \
             be compiled",
            shown(start)
        );
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    if let Some(start) = survey.entry.steps.iter().find(|step| step.program() == "mix")
        && (hidden(start) || !survey.steps().any(|(_, step)| compiles_elixir(step)))
        && let Some(name) = elixir_in_c(survey)
    {
        let text = format!("`{}` compiles when the container starts, {name} in C", shown(start));
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    let listed =
        survey.model.context.is_some_and(|context| context.files().iter().any(|file| file.ends_with("mix.exs")));
    if let Some(start) = survey.entry.steps.iter().find(|step| matches!(step.program(), "mix" | "iex"))
        && !listed
        && !survey.steps().any(|(_, step)| compiles_elixir(step))
        && let Some(compiler) = installed_compiler(survey)
    {
        let text = format!(
            "`{}` compiles when the container starts, what it depends on maybe by {compiler}, which is installed for that",
            shown(start)
        );
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}

/// # Errors
/// Where a module of Python, or a source of the project, compiles when it is used.
fn python_at_start(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if let Some(module) = libraries::compiled_at_start(survey) {
        let text = format!("{module}, which the project asks for, compiles when it is used");
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    if let Some((file, words)) = survey.compiled() {
        let text = format!("{file} has something compiled when it runs (`{}`)", words.trim_end_matches('('));
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}

/// Whether a task of Mix compiles the project, as most do that are not there to fetch.
pub(super) fn compiles_elixir(step: &Step) -> bool {
    let fetches = |task: &str| {
        ["local.", "archive.", "hex.", "deps.get", "deps.update", "deps.clean"]
            .iter()
            .any(|word| task.starts_with(word))
    };
    let tasks = step.args().iter().map(|arg| arg.trim_matches(','));
    let mut tasks = tasks.filter(|task| !task.starts_with('-') && !matches!(*task, "do" | "+" | "" | "prod" | "dev"));
    step.program() == "mix"
        && tasks
            .next()
            .is_some_and(|first| !fetches(first) || tasks.any(|task| task.contains("compile") || task == "release"))
}

/// A compiler of another language that the file installs.
fn installed_compiler<'s>(survey: &'s Survey<'_, '_>) -> Option<&'s str> {
    const COMPILERS: [&str; 7] = ["build-base", "build-essential", "cargo", "clang", "g++", "gcc", "make"];
    let mut installs = survey.steps().filter_map(|(_, step)| match effects::of(step) {
        Effect::Install(packages) => Some(packages.names.iter()),
        _ => None,
    });
    installs.find_map(|mut names| names.find(|name| COMPILERS.contains(&name.as_str()))).map(String::as_str)
}

/// A library of the project that has to be compiled by a compiler of C, where its list of dependencies names one.
fn elixir_in_c(survey: &Survey<'_, '_>) -> Option<&'static str> {
    let context = survey.model.context?;
    let lists = context.files().iter().filter(|file| matches!(paths::name(file), "mix.lock" | "mix.exs"));
    let texts: Vec<_> = lists.filter(|file| !file.contains("deps/")).filter_map(|file| context.read(file)).collect();
    ["bcrypt_elixir", "argon2_elixir", "exqlite", "elixir_make"]
        .into_iter()
        .find(|name| texts.iter().any(|text| memchr::memmem::find(text, name.as_bytes()).is_some()))
}

/// Hands the commands of a shell script that a command starts to `each`, where the context has the script.
pub(in crate::catalog::multi_stage) fn scripts(
    survey: &Survey<'_, '_>,
    step: &Step,
    each: &mut dyn FnMut(&Step) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    scripts_at(survey, survey.stage.body.end, step, each)
}

/// The same for a command of the instruction `index`.
pub(super) fn scripts_at(
    survey: &Survey<'_, '_>,
    index: usize,
    step: &Step,
    each: &mut dyn FnMut(&Step) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    // Most files are read without one.
    if survey.model.context.is_none() {
        return Ok(());
    }
    // `sh run.sh` starts the script as `./run.sh` does.
    let named = step.argv.get(1).filter(|word| word.contains('/') || word.ends_with(".sh"));
    for path in survey.started(step).into_iter().chain(named.and_then(|word| step.path(word))) {
        let Some(text) = survey.read(&path).and_then(|text| String::from_utf8(text).ok()) else { continue };
        let shebang = text.lines().next().unwrap_or_default();
        if shebang.starts_with("#!") && !shebang.contains("sh") || !shebang.starts_with("#!") && !path.ends_with(".sh")
        {
            continue;
        }
        let logical = crate::syntax::Logical { text: text.as_str().into(), runs: vec![(0, 0)] };
        if let Some(script) = crate::syntax::shell::parse(&logical) {
            for inner in crate::model::commands::steps(survey.model, index, &script) {
                each(&inner)?;
            }
        }
    }
    Ok(())
}

/// Refuses a project that lies where the base image works, where nobody can tell which folder that is.
///
/// # Errors
/// Where the file sets no folder of its own, and both the build and what starts name files by that of the base.
pub(super) fn adrift(survey: &Survey<'_, '_>, image: Option<&Image<'_>>) -> Result<(), Refusal> {
    let Base::Image { image: base, .. } = &survey.stage.base else { return Ok(()) };
    let sets = survey.units.iter().any(|unit| unit.instruction.keyword == Keyword::Workdir);
    if image.is_some() || sets {
        return Ok(());
    }
    let relative = |word: &String| {
        let file = [".py", ".js", ".jar", ".dll", ".rb", ".sh", ".php", ".pl"].iter().any(|end| word.ends_with(end));
        !word.starts_with(['/', '-', '$', '~']) && !word.contains("://") && (word.contains('/') || file)
    };
    let starts =
        survey.entry.steps.iter().any(|step| step.cwd.as_deref() == Some("/") && step.argv.iter().any(relative));
    let builds = survey.steps().any(|(_, step)| {
        step.cwd.as_deref() == Some("/") && matches!(effects::of(step), Effect::Build | Effect::Fetch(_))
    });
    if starts && builds {
        let text = format!("the project lies in the folder that {base} works in, and which that is is not known");
        return Err(refuse("unknown-workdir", text, false));
    }
    Ok(())
}

/// Refuses results that lie where the base image works, where nobody can tell which folder that is: nothing in the file
/// names them from the root, and they are not where they would be copied from.
///
/// # Errors
/// The first such result.
pub(super) fn results_adrift(survey: &Survey<'_, '_>, carried: &[Carried]) -> Result<(), Refusal> {
    let Base::Image { image: base, .. } = &survey.stage.base else { return Ok(()) };
    if survey.model.known(survey.stage).is_some()
        || survey.units.iter().any(|unit| unit.instruction.keyword == Keyword::Workdir)
    {
        return Ok(());
    }
    let source = survey.model.file.source;
    let named = |folder: &str| {
        memchr::memmem::find_iter(source, folder.as_bytes()).any(|at| {
            let before = at.checked_sub(1).and_then(|at| source.get(at));
            let after = source.get(at + folder.len());
            let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-}~/".contains(byte);
            !before.is_some_and(part) && !after.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
        })
    };
    let adrift = carried.iter().find(|carried| {
        let top = carried.from.split('/').nth(1).map(|name| format!("/{name}")).unwrap_or_default();
        let own = !Words::SystemFolders.has(top.as_str()) && top.len() > 1 && top != STAGE && top != "/go";
        let own = own && paths::plain(&carried.from) && !carried.from.contains('$');
        own && !named(&top)
            && !survey.steps().any(|(_, step)| step.argv.iter().any(|word| word.starts_with(&top)))
            && !survey.units.iter().any(|unit| {
                unit.copy.as_ref().is_some_and(|copy| copy.to.as_deref().is_some_and(|to| to.starts_with(&top)))
            })
    });
    let Some(carried) = adrift else { return Ok(()) };
    let text = format!(
        "{} lies in the folder that {base} works in, and which that is is not known; set one with WORKDIR",
        paths::name(&carried.from)
    );
    Err(refuse("unknown-workdir", text, false))
}

/// The command that installs Bundler, where nothing in the file starts it: the gems are installed later.
fn idle_bundler<'s>(survey: &'s Survey<'_, '_>) -> Option<&'s Step> {
    let steps = || survey.steps().map(|(_, step)| step);
    let bundler = |step: &&Step| {
        step.kind() == "gem"
            && step.subcommand() == Some("install")
            && step.args().iter().any(|arg| matches!(arg.as_str(), "bundle" | "bundler"))
    };
    let bundles = steps().any(|step| step.kind() == "bundle" && step.subcommand() != Some("config"));
    // A script of the project's that runs in the build may do so as well.
    let scripts = steps().any(|step| {
        matches!(effects::of(step), Effect::Unknown) && step.argv.iter().take(2).any(|word| word.contains('/'))
    });
    steps().find(bundler).filter(|_| !bundles && !scripts)
}

/// Why an image that starts a script nobody can read has to keep its compilers: the file brings what a project is built
/// with, and builds none.
pub(super) fn installs_for_the_start(survey: &Survey<'_, '_>) -> Option<Refusal> {
    let steps = || survey.steps().map(|(_, step)| step);
    // Libraries of a language that is compiled, and nothing that is made of them.
    let libraries = |step: &&Step| {
        matches!(step.program(), "cabal" | "stack" | "opam")
            && step.args().iter().any(|arg| arg == "install")
            && step.cwd.as_deref() == Some("/")
    };
    let brings = survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
        copy.context && copy.sources.iter().any(|source| !source.ends_with(".sh") && !source.ends_with(".conf"))
    });
    let fetches = steps().any(|step| matches!(effects::of(step), Effect::Fetch(_)));
    let step = idle_bundler(survey).or_else(|| steps().find(libraries).filter(|_| !brings && !fetches))?;
    let text = format!(
        "`{}` is there for what is built when the container starts, by a script that is not there to read",
        shown(step)
    );
    Some(refuse("toolchain-at-run-time", text, true))
}

/// Refuses the result of `dotnet build` before .NET Core 3: it finds the packages that it needs in the home of who built.
///
/// # Errors
/// Where what starts is not what `dotnet publish` made.
pub(super) fn unpublished(survey: &Survey<'_, '_>, image: Option<&Image<'_>>) -> Result<(), Refusal> {
    let builds = || survey.steps().map(|(_, step)| step).filter(|step| step.kind() == "dotnet");
    let Some(entry) = survey.entry.steps.iter().find(|step| step.program() == "dotnet") else { return Ok(()) };
    let Some(program) = entry.args().iter().find(|word| word.ends_with(".dll")) else { return Ok(()) };
    let newer = image.is_some_and(|image| {
        image.language() == Some("dotnet")
            && image.tag().split(['.', '-']).next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|n| n > 2)
    }) || survey.steps().any(|(_, step)| {
        step.argv.iter().any(|word| {
            let version = word.strip_prefix("dotnet-sdk-").and_then(|version| version.split('.').next());
            version.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major > 2)
        })
    });
    let built = builds().any(|step| matches!(step.subcommand(), Some("build" | "restore")));
    if newer || !built {
        return Ok(());
    }
    let path = entry.path(program).unwrap_or_else(|| program.clone());
    let published = builds().filter(|step| step.subcommand() == Some("publish")).any(|step| {
        let output = step.args().iter().position(|arg| matches!(arg.as_str(), "-o" | "--output"));
        match output.and_then(|at| step.args().get(at + 1)) {
            Some(folder) => path.contains(folder.trim_start_matches('.').trim_matches('/')),
            None => path.contains("/publish"),
        }
    });
    // Scripts and other projects may publish in ways that no command shows.
    let seen = builds().any(|step| step.subcommand() == Some("build") || path.contains("/bin/"));
    if published || !seen {
        return Ok(());
    }
    let text = format!("{program} is what `dotnet build` makes: it needs the packages that NuGet keeps for the build");
    Err(refuse("toolchain-at-run-time", text, true))
}

/// The library by which a program of .NET builds or reads other projects when it runs: it finds the tools of the SDK where
/// that is installed, and fails where it is not.
pub(in crate::catalog::multi_stage) fn asks_for_the_sdk(survey: &Survey<'_, '_>) -> Option<&'static str> {
    const LIBRARIES: [&str; 3] =
        ["Microsoft.Build.Locator", "Microsoft.CodeAnalysis.Workspaces.MSBuild", "Buildalyzer"];
    let steps = || survey.steps().map(|(_, step)| step).chain(&survey.entry.steps);
    if !steps().any(|step| step.kind() == "dotnet") {
        return None;
    }
    let added = LIBRARIES.into_iter().find(|library| {
        survey.steps().any(|(_, step)| step.kind() == "dotnet" && step.argv.iter().any(|word| word == library))
    });
    added.or_else(|| {
        let context = survey.model.context?;
        let lists = |file: &&String| {
            let name = paths::name(file).to_ascii_lowercase();
            let project = [".csproj", ".fsproj", ".vbproj"].iter().any(|end| name.ends_with(end));
            (project && !name.contains("test")) || name == "directory.build.props"
        };
        context.files().iter().filter(lists).find_map(|file| {
            let content = context.read(file)?;
            let text = crate::context::text(&content);
            LIBRARIES.into_iter().find(|library| text.contains(&format!("Include=\"{library}\"")))
        })
    })
}

/// Refuses what `dotnet build` makes and nothing publishes, where a script starts that is not there to read: it runs the
/// project with the tools and the packages that it was built with.
///
/// # Errors
/// Where it is so.
pub(super) fn runs_projects(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let does = |verbs: &[&str]| {
        let mut steps = survey.steps().map(|(_, step)| step).filter(|step| step.program() == "dotnet");
        steps.find(|step| step.subcommand().is_some_and(|verb| verbs.contains(&verb))).cloned()
    };
    let named = survey.entry.steps.iter().any(|step| step.program() == "dotnet");
    let Some(build) = does(&["build", "restore"]).filter(|_| !named) else { return Ok(()) };
    if does(&["publish", "pack", "msbuild"]).is_some() {
        return Ok(());
    }
    let text = format!(
        "nothing publishes what `{}` is for: a script starts that is not there to read, and runs the project with the SDK",
        shown(&build)
    );
    Err(refuse("toolchain-at-run-time", text, true))
}

/// Refuses a script of which nobody can say what it does: it is not in the context, and it doesn't lie in the project
/// that it would work on.
///
/// # Errors
/// The first such script before the end of the build.
pub(super) fn unread(survey: &Survey<'_, '_>, last_build: usize) -> Result<(), Refusal> {
    for unit in survey.units.iter().take(last_build + 1) {
        for step in unit.steps {
            if hidden(survey, step) {
                let text = if effects::from_network(step) {
                    let address = step.piped.as_deref().unwrap_or_default();
                    format!("what the script at {address} installs, and where, is not known")
                } else {
                    format!("`{}` may build or install anything: it is not there to read", shown(step))
                };
                return Err(refuse("built-by-a-script", text, true));
            }
        }
    }
    Ok(())
}
