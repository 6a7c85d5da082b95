//! Go: one or more static or dynamic programs, and the files that they open.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::knowledge::releases::Family;
use crate::knowledge::words::Words;
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::entry::{self, Program};
use crate::model::{Base, paths};
use crate::syntax::words::Value;
use crate::transform::{Applicability, Refusal};

use super::lean::{is_aside, is_asset, is_compiled, left_by_git, opened_by_folder, settings_elsewhere};
use super::plan::{Carried, Recipe};
use super::programs::Programs;
use super::runtime::{self, Runtime};
use super::survey::{PATH, Survey, refuse};
use super::workplace;

/// A program that a command makes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Artifact {
    /// Where; a folder (with a slash at the end) where the names in it can't be told.
    path: String,
    /// The command that makes it.
    command: String,
}

/// What Go knows about the stage; `None` where it is not a Go stage.
pub(super) fn recipe(survey: &Survey<'_, '_>) -> Option<Result<Recipe, Refusal>> {
    let Base::Image { image, .. } = &survey.stage.base else { return None };
    let (_, name) = runtime::official(image)?;
    if name != "golang" {
        return None;
    }
    let found = build(survey);
    // What starts can't be read, and Go is not all that worked: then everything that was built goes along.
    let other = || {
        survey.steps().any(|(_, step)| match effects::of(step) {
            Effect::Build | Effect::Store(_) => !is_go(step) && step.kind() != "go",
            _ => false,
        })
    };
    let opaque = match &found {
        Ok(recipe) => recipe.opaque_entry,
        Err(refusal) => refusal.code == "starts-no-build-result",
    };
    if opaque && other() { None } else { Some(found) }
}

fn build(survey: &Survey<'_, '_>) -> Result<Recipe, Refusal> {
    if let Base::Image { image, .. } = &survey.stage.base
        && image.tag_or_latest().contains("onbuild")
    {
        return Err(refuse(
            "onbuild",
            "the base image builds by ONBUILD, which no instruction of this file shows",
            false,
        ));
    }
    if survey.entry.is_empty() && survey.entry.steps.is_empty() {
        return Err(refuse(
            super::STARTS_NOTHING,
            "nothing is started: it is a base image, or an image for building in",
            true,
        ));
    }
    if !survey.entry.known {
        return Err(refuse("unreadable-entry", "what CMD or ENTRYPOINT starts can't be parsed", false));
    }
    if let Some(step) = survey.entry.steps.iter().find(|step| step.program() == "go") {
        return Err(toolchain(step));
    }
    let last_build = survey.steps().filter(|(_, step)| is_build(step)).map(|(at, _)| at).max();
    let Some(last_build) = last_build else {
        return Err(refuse("nothing-built", "no step compiles anything", true));
    };
    let artifacts = artifacts(survey);
    let last_build = starts_tools(survey, &artifacts, last_build);
    let last_build = moves_programs(survey, &artifacts, last_build);
    let folder = application_folder(survey, last_build);
    let removed = survey.removed(last_build);
    let mut state = State {
        survey,
        artifacts,
        carried: Vec::new(),
        start: None,
        whole: None,
        assumptions: Vec::new(),
        folder,
        removed,
        opaque_entry: false,
        workspace: false,
    };
    let mut found = false;
    for step in &survey.entry.steps {
        found |= state.start(step, 0)?;
    }
    if !found {
        return Err(refuse(
            "starts-no-build-result",
            "what CMD or ENTRYPOINT starts is not made by a step of this stage that can be seen",
            false,
        ));
    }
    state.finish(last_build)
}

struct State<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    artifacts: Vec<Artifact>,
    carried: Vec<Carried>,
    start: Option<(usize, String)>,
    /// A folder that goes along whole, and why.
    whole: Option<String>,
    assumptions: Vec<String>,
    /// The folder of the image that holds the project while it is built.
    folder: Option<String>,
    /// What the builder takes away again.
    removed: &'s [String],
    /// Whether a script starts that can't be read.
    opaque_entry: bool,
    /// Whether a script starts that asks where the workspace of Go is.
    workspace: bool,
}

impl State<'_, '_, '_> {
    /// Follows one command of the entry; answers whether it starts something that this stage built.
    fn start(&mut self, step: &Step, depth: usize) -> Result<bool, Refusal> {
        let program = step.program().to_owned();
        if program == "go" {
            return Err(toolchain(step));
        }
        if program == "go-wrapper" && step.subcommand() == Some("run") {
            return self.wrapper_at_start(step);
        }
        if workplaces::watches(&program) {
            let text = format!("`{program}` compiles again whenever a source changes: it is a development image");
            return Err(refuse("development-image", text, true));
        }
        if Words::GoStarters.has(program.as_str()) {
            let text = format!("`{program}` runs when the container starts, and needs the toolchain");
            return Err(refuse("toolchain-at-run-time", text, true));
        }
        // `sh run.sh` starts the script, where it is there to read; a shell alone is for a person, who has come to work.
        if Words::Shells.has(program.as_str()) && depth == 0 {
            let script = step.args().iter().find(|arg| !arg.starts_with('-'));
            match script.and_then(|script| step.path(script)) {
                Some(path) if !step.args().iter().any(|arg| arg == "-c") && self.survey.read(&path).is_some() => {
                    return self.start_script(&path, step, depth);
                }
                None if self.survey.entry.steps.len() == 1 => {
                    let text = "a shell is started: it is an image to work in, tools included";
                    return Err(refuse("development-image", text, true));
                }
                _ => {}
            }
        }
        match entry::program(step) {
            Some(Program::Path(path)) => self.start_path(&path, step, depth),
            Some(Program::Name(name)) => match self.survey.started(step) {
                Some(script) => self.start_script(&script, step, depth),
                None => Ok(self.start_name(&name)),
            },
            None => Ok(false),
        }
    }

    fn start_name(&mut self, name: &str) -> bool {
        let bin = self.go_bin();
        let in_path = |folder: &str| PATH.contains(&folder) || bin.iter().any(|bin| bin == folder);
        let named =
            |artifact: &&Artifact| paths::name(&artifact.path) == name && in_path(paths::parent(&artifact.path));
        if let Some(artifact) = self.artifacts.iter().find(named).cloned() {
            let to = match PATH.contains(&paths::parent(&artifact.path)) {
                true => artifact.path.clone(),
                false => format!("/usr/local/bin/{name}"),
            };
            let evidence = format!("`{}` makes {name}, and the entry looks it up in PATH", artifact.command);
            self.carry(artifact.path, to, evidence);
            return true;
        }
        let folder = self.artifacts.iter().find(|artifact| artifact.path.ends_with('/')).cloned();
        let system = matches!(name, "sh" | "bash" | "ash" | "nginx" | "supervisord" | "cron" | "cp" | "echo" | "cat")
            || effects::kind(name) == "interpreter";
        let packaged = self.survey.installs(name);
        if let Some(folder) = folder.filter(|_| !system && !packaged) {
            let from = folder.path.trim_end_matches('/').to_owned();
            self.carry(
                format!("{from}/{name}"),
                format!("/usr/local/bin/{name}"),
                format!("`{}` makes it", folder.command),
            );
            return true;
        }
        false
    }

    fn start_path(&mut self, path: &str, step: &Step, depth: usize) -> Result<bool, Refusal> {
        if let Some(artifact) = self.artifacts.iter().find(|artifact| artifact.path == path).cloned() {
            self.carry(
                path.to_owned(),
                path.to_owned(),
                format!("`{}` makes it, and the entry runs it", artifact.command),
            );
            return Ok(true);
        }
        if self
            .artifacts
            .iter()
            .any(|artifact| artifact.path.ends_with('/') && paths::parent(path) == artifact.path.trim_end_matches('/'))
        {
            self.carry(
                path.to_owned(),
                path.to_owned(),
                "the entry runs it from the folder of installed programs".into(),
            );
            return Ok(true);
        }
        // A file of the project is a script, which starts programs of its own.
        if path.ends_with(".sh") || self.survey.copied_file(path) {
            return self.start_script(path, step, depth);
        }
        let Some(built) = self.survey.steps().find(|(_, step)| is_build(step)).map(|(_, step)| step.clone()) else {
            return Ok(false);
        };
        let moved = self.survey.steps().any(|(_, step)| match effects::of(step) {
            Effect::Writes(written) => written.iter().any(|written| path == written || paths::parent(path) == written),
            _ => false,
        });
        let in_folder = self.folder.as_deref().is_some_and(|folder| paths::within(path, folder));
        let installed = self.go_bin().iter().any(|bin| paths::parent(path) == bin);
        if in_folder
            || moved
            || installed
            || built.cwd.as_deref().is_some_and(|cwd| cwd != "/" && paths::within(path, cwd))
        {
            // Nothing else in the stage could have made what is started there.
            let command = built.argv.join(" ");
            self.carry(
                path.to_owned(),
                path.to_owned(),
                format!("the entry runs it, and `{command}` is what can make it"),
            );
            if !is_go(&built) && !installed {
                self.whole.get_or_insert_with(|| format!("what `{}` makes can't be told", built.program()));
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// A shell script that the image starts: what it runs is read where the context has it.
    fn start_script(&mut self, path: &str, step: &Step, depth: usize) -> Result<bool, Refusal> {
        let folder = self.folder.clone();
        let inside = folder.as_deref().is_some_and(|folder| paths::within(path, folder));
        let content = self.survey.read(path);
        if inside && self.whole.is_none() {
            self.carry(path.to_owned(), path.to_owned(), "the entry runs it".into());
        }
        let mut found = false;
        match content.and_then(|content| String::from_utf8(content).ok()) {
            Some(text)
                if depth < 3
                    && (text.starts_with("#!") && text.lines().next().is_some_and(|line| line.contains("sh"))
                        || !text.starts_with("#!")) =>
            {
                let logical = crate::syntax::Logical { text: text.as_str().into(), runs: vec![(0, 0)] };
                let Some(script) = crate::syntax::shell::parse(&logical) else {
                    self.opaque_entry = true;
                    self.whole.get_or_insert_with(|| format!("{path} can't be parsed"));
                    return self.whatever_was_built();
                };
                let model = self.survey.model;
                let index = self.survey.stage.body.end;
                self.workspace |= crate::syntax::words::reads(&text, b'\\').iter().any(|name| name == "GOPATH");
                let mut steps = crate::model::commands::steps(model, index, &script);
                for inner in &mut steps {
                    if inner.cwd.as_deref() == model.workdir(index) {
                        inner.cwd.clone_from(&step.cwd);
                    }
                    self.takes_in(path, inner);
                    // `exec "$@"` runs what CMD names, which is followed on its own.
                    found |= self.start(inner, depth + 1)?;
                }
                if !found {
                    return self.whatever_was_built();
                }
                Ok(true)
            }
            _ => {
                self.opaque_entry = true;
                self.whole
                    .get_or_insert_with(|| format!("{path} is not in the context, so what it needs can't be told"));
                self.whatever_was_built()
            }
        }
    }

    /// What a script reads as a part of itself goes along: settings with secrets in them are seldom in the repository, and
    /// nobody can copy by its name what may not be there.
    fn takes_in(&mut self, script: &str, step: &Step) {
        let ("." | "source", Some(file)) = (step.program(), step.args().first()) else { return };
        let path = step.path(file);
        let inside =
            path.as_deref().is_none_or(|path| self.folder.as_deref().is_some_and(|folder| paths::within(path, folder)));
        match path.filter(|path| self.survey.read(path).is_some()) {
            _ if !inside || self.whole.is_some() => {}
            Some(path) => self.carry(path.clone(), path, format!("{script} reads it")),
            None => self.whole = Some(format!("{script} reads {file}, which is not in the context")),
        }
    }

    /// Carries every program that the stage makes: what a script starts may be any of them.
    fn whatever_was_built(&mut self) -> Result<bool, Refusal> {
        if self.artifacts.is_empty() && self.folder.is_none() {
            return Ok(false);
        }
        // What `go get` fetches may be a library: the folder of programs is there in any case.
        let uncertain = |artifact: &Artifact| {
            let program = |word: &str| word.contains("/cmd/") && word.contains(paths::name(&artifact.path));
            artifact.command.contains("go get") && !artifact.command.split(' ').any(program)
        };
        let mut artifacts = self.artifacts.clone();
        for artifact in artifacts.iter_mut().filter(|artifact| uncertain(artifact)) {
            if self.go_bin().iter().any(|bin| bin == paths::parent(&artifact.path)) {
                artifact.path = format!("{}/", paths::parent(&artifact.path));
            }
        }
        for artifact in artifacts {
            let folder = artifact.path.ends_with('/');
            let path = artifact.path.trim_end_matches('/').to_owned();
            let installed = folder || self.go_bin().iter().any(|bin| bin == paths::parent(&path));
            // A script may call them by their names or by their paths: the folder of programs stays in PATH.
            let known = self.go_bin().iter().any(|bin| *bin == path || bin == paths::parent(&path));
            let to = match (folder, installed) {
                (_, true) if known && path.starts_with("/go/bin") => path.clone(),
                (true, _) => "/usr/local/bin".to_owned(),
                (_, true) => format!("/usr/local/bin/{}", paths::name(&path)),
                _ => path.clone(),
            };
            self.carry(path, to, format!("`{}` makes it", artifact.command));
        }
        Ok(true)
    }

    /// `go-wrapper run` starts the program that `go-wrapper install` made of the working directory.
    fn wrapper_at_start(&mut self, step: &Step) -> Result<bool, Refusal> {
        let name = step.cwd.as_deref().map(paths::name).unwrap_or_default().to_owned();
        let (Some(cmd), [_]) = (self.survey.entry.cmd, self.survey.entry.steps.as_slice()) else {
            let text = "`go-wrapper run` is one of several commands that start, and only the Go image has it";
            return Err(refuse("toolchain-at-run-time", text, false));
        };
        if self.survey.entry.entrypoint.is_some() || !self.start_name(&name) {
            return Ok(false);
        }
        let mut argv = vec![name];
        argv.extend(step.args().iter().skip_while(|arg| *arg != "run").skip(1).cloned());
        let text = serde_json::to_string(&argv).unwrap_or_default().replace("\",\"", "\", \"");
        self.start = Some((cmd, text));
        Ok(true)
    }

    fn carry(&mut self, from: String, to: String, evidence: String) {
        let gone = self.removed.iter().any(|removed| paths::covers(removed, &from));
        if !gone && !self.carried.iter().any(|carried| carried.from == from && carried.to == to) {
            self.carried.push(Carried { from, to, owner: None, evidence });
        }
    }

    /// Where `go install` puts programs.
    fn go_bin(&self) -> Vec<String> {
        bin(self.survey)
    }

    fn finish(mut self, last_build: usize) -> Result<Recipe, Refusal> {
        workplace::check(self.survey, self.opaque_entry)?;
        self.compiles_at_the_start()?;
        let runtime = runtime::plain_distribution(self.survey)?;
        let mut applicability = Applicability::Safe;
        // A folder that the build takes away again was not needed by the image before either.
        let gone = |folder: &String| self.removed.iter().any(|removed| paths::covers(removed, folder));
        let scan = self.survey.model.context.map(Sources::read);
        // A program may look for the files of its project where they were when it was compiled.
        let looks = scan.as_ref().is_none_or(|sources| sources.looks_up || sources.workspace);
        if looks {
            let workspace = || workspace_folder(self.survey, last_build);
            self.folder = self.folder.take().or_else(workspace);
        }
        if scan.as_ref().is_some_and(|sources| sources.looks_up || sources.workspace) {
            self.whole.get_or_insert_with(|| "the program looks for its project where that was compiled".into());
        }
        let folder = self.folder.clone().filter(|folder| !gone(folder));

        match (&scan, &folder) {
            (Some(sources), Some(_)) if self.whole.is_none() && !sources.any => {
                self.whole = Some("the build context has no Go sources to read which files the program opens".into());
            }
            (Some(sources), Some(folder)) if self.whole.is_none() => {
                self.whole =
                    sources.unclear(self.survey, folder).or_else(|| sources.settings_left(self.survey, folder));
            }
            (None, Some(_)) if self.whole.is_none() => {
                self.whole = Some("there is no build context to read which files the program opens".into());
            }
            _ => {}
        }

        let mut build = Vec::new();
        if let (Some(sources), None) = (&scan, &self.whole)
            && let Some(path) = sources.settings(self.survey)
            && !self.carried.iter().any(|carried| paths::within(&path, &carried.from))
        {
            // Nobody can copy by its name what may not be there.
            build.push(format!("touch {path}"));
            self.carry(path.clone(), path, "the program reads it, and the repository does not have it".into());
        }
        if let (Some(sources), Some(folder), None) = (&scan, &folder, &self.whole) {
            for asset in sources.assets(self.survey, folder) {
                let path = paths::join(folder, &asset);
                if !self.carried.iter().any(|carried| paths::within(&path, &carried.from)) {
                    self.carry(path.clone(), path, "the program opens it".into());
                }
            }
        }
        if let (Some(reason), Some(folder)) = (self.whole.clone(), &folder) {
            if folder == "/" {
                let text = format!("{reason}, and the project lies in the root folder, which can't be copied whole");
                return Err(refuse("project-in-root", text, false));
            }
            // What lies in the folder goes along with it.
            self.carried.retain(|carried| !(carried.from == carried.to && paths::within(&carried.from, folder)));
            self.carried
                .insert(0, Carried { from: folder.clone(), to: folder.clone(), owner: None, evidence: reason.clone() });
            for beside in beside_project(self.survey, last_build, folder) {
                self.carry(beside.clone(), beside, "a COPY puts it where the program starts".into());
            }
            self.assumptions.push(format!(
                "the program needs nothing from outside {folder} that a step of this file does not bring"
            ));
            applicability = Applicability::Review;
        }

        // What the author has put into PATH by its name is there to be called.
        let named = |artifact: &&Artifact| {
            PATH.contains(&paths::parent(&artifact.path))
                && artifact.command.split(' ').any(|word| word.trim_start_matches("-o=") == artifact.path)
        };
        for artifact in self.artifacts.clone().iter().filter(named) {
            let gone = self.removed.iter().any(|removed| paths::covers(removed, &artifact.path));
            let there = |carried: &Carried| carried.from == artifact.path || carried.to == artifact.path;
            if !gone && !self.carried.iter().any(there) {
                let evidence = format!("`{}` puts it into PATH", artifact.command);
                self.carry(artifact.path.clone(), artifact.path.clone(), evidence);
            }
        }
        self.system_files(&runtime, scan.as_ref());
        self.assumptions.extend(runtime.assumption.clone());
        if !self.assumptions.is_empty() {
            applicability = Applicability::Review;
        }
        let workspace = self.workspace || scan.as_ref().is_some_and(|sources| sources.workspace);
        let mut builder_folders = vec!["/go".to_owned(), "/usr/local/go".to_owned()];
        builder_folders.extend(self.folder.clone().filter(|folder| folder != "/"));
        for (_, step) in self.survey.steps().filter(|(_, step)| is_go(step)) {
            builder_folders.extend(step.cwd.clone().filter(|cwd| cwd != "/"));
        }
        builder_folders.extend(self.go_bin());
        if let Value::Set(path) = self.survey.model.variable(self.survey.stage.body.end, "GOPATH") {
            builder_folders.extend(path.split(':').map(|path| paths::join("/", path)).filter(|path| path != "/"));
        }
        Ok(Recipe {
            last_build,
            runtime,
            carried: self.carried,
            builder_folders,
            setup: Vec::new(),
            finish: Vec::new(),
            installed: Vec::new(),
            user_owns: true,
            smaller: true,
            libraries: Vec::new(),
            joining: Vec::new(),
            serves: false,
            scripted: Vec::new(),
            programs: Programs::default(),
            repositories: false,
            tools: Vec::new(),
            opaque_entry: self.opaque_entry,
            globals: true,
            sources_stay: false,
            variables: if workspace { vec!["GOPATH"] } else { Vec::new() },
            build,
            inserts: Vec::new(),
            before: Vec::new(),
            unpacked: Vec::new(),
            shared: Vec::new(),
            start: self.start,
            toolchain_variables: Words::GoVariables.list().get(usize::from(workspace)..).unwrap_or_default(),
            assumptions: self.assumptions,
            applicability,
        })
    }

    /// Refuses a script that can't be read where nothing is compiled that it could start: sources are there, and what `go get`
    /// fetches for them.
    ///
    /// # Errors
    /// Where the image has sources, and no command compiles them.
    fn compiles_at_the_start(&self) -> Result<(), Refusal> {
        if !self.opaque_entry {
            return Ok(());
        }
        let own = |step: &Step| {
            let local = |word: &String| word.starts_with('.') && !word.starts_with("...");
            let words = || step.args().iter().filter(|word| !word.starts_with('-')).skip(1);
            match go_command(step) {
                Some(plain) if plain.subcommand() == Some("get") => {
                    !plain.args().iter().any(|arg| arg == "-d") && (words().any(local) || words().next().is_none())
                }
                Some(_) => true,
                // `go run build.go` does, `go mod download` and `go run setup.go` do not.
                None if step.program() == "go" => {
                    step.subcommand() == Some("run")
                        && words().any(|word| ["build", "make", "install"].iter().any(|part| word.contains(part)))
                }
                None => is_build(step),
            }
        };
        let project = |path: &str| {
            self.survey.steps().any(|(_, step)| {
                go_command(step).is_some_and(|step| {
                    step.args().iter().any(|word| word.contains('/') && path.ends_with(word.trim_end_matches("/...")))
                })
            })
        };
        let sources = self.survey.units.iter().any(|unit| {
            let copied = unit.copy.as_ref().filter(|copy| copy.context).and_then(|copy| copy.to.as_deref());
            let gone = |path: &str| self.removed.iter().any(|removed| paths::covers(removed, path));
            copied.is_some_and(|to| paths::within(to, "/go/src") && !project(to) && !gone(to))
                || unit.steps.iter().any(|step| {
                    matches!(effects::of(step), Effect::Fetch(folders) if folders.iter().any(|to| {
                        to.contains("/src/") && to.contains(".") && !project(to) && !gone(to)
                    }))
                })
        });
        let fetches = |step: &Step| {
            step.program() == "go" && (step.subcommand() == Some("run") || step.args().iter().any(|arg| arg == "-d"))
        };
        let steps = || self.survey.steps().map(|(_, step)| step);
        if steps().any(own) || !(sources || steps().any(fetches)) {
            return Ok(());
        }
        let text = "no command compiles the sources in the image: a script that is not there to read does so when the \
                    container starts";
        Err(refuse("toolchain-at-run-time", text, true))
    }

    /// Certificates and time zones: what the Go image has and the plain image does not.
    fn system_files(&mut self, runtime: &Runtime, sources: Option<&Sources>) {
        let Some(release) = runtime.release else { return };
        let tls = sources.is_none_or(|sources| sources.tls || !sources.any);
        let zones = sources.is_none_or(|sources| sources.zones);
        if tls && (release.family == Family::Debian || lacks_certificates(self.survey, runtime)) {
            let path = "/etc/ssl/certs/ca-certificates.crt".to_owned();
            self.carry(path.clone(), path, "the program may speak TLS, and the slim image has no certificates".into());
        }
        // Debian's slim images have the time zones up to release 12, Alpine's never had them: there the program has
        // read the toolchain's own copy.
        let without = release.family != Family::Debian || release.major().is_some_and(|major| major >= 13);
        let installed = self.survey.steps().any(|(_, step)| {
            matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| name == "tzdata"))
        });
        if zones && without && !installed {
            let path = "/usr/local/go/lib/time/zoneinfo.zip".to_owned();
            self.carry(
                path.clone(),
                path,
                "the program may load time zones, which the plain image does not have".into(),
            );
        }
    }
}

/// Whether the plain image of an old Alpine has no certificates where the programs of that time look for them. Newer ones
/// have them.
pub(super) fn lacks_certificates(survey: &Survey<'_, '_>, runtime: &Runtime) -> bool {
    let minor = runtime.release.and_then(|release| release.name.strip_prefix("alpine3.")?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor < 12) && !survey.installs("ca-certificates")
}

/// The refusal of a command that needs Go when the container starts.
fn toolchain(step: &Step) -> Refusal {
    let command = step.argv.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(" ");
    let text = format!(
        "`{command}` needs the toolchain when the container starts; build in the image, and start what comes of it"
    );
    refuse("toolchain-at-run-time", text, true)
}

/// The `go build`, `go install` or `go get` that a command is, through the wrappers of older days.
fn go_command(step: &Step) -> Option<Step> {
    let plain = match (step.program(), step.subcommand()) {
        ("go", _) => step.clone(),
        ("godep", Some("go")) => step.with_argv(step.args().to_vec()),
        ("go-wrapper", Some("install")) => step.with_argv(vec!["go".into(), "install".into()]),
        ("go-wrapper", Some("download")) => step.with_argv(vec!["go".into(), "get".into(), "-d".into()]),
        _ => return None,
    };
    matches!(plain.subcommand(), Some("build" | "install" | "get")).then_some(plain)
}

fn is_go(step: &Step) -> bool {
    go_command(step).is_some()
}

/// Whether a command is work of the toolchain.
fn is_build(step: &Step) -> bool {
    match effects::of(step) {
        Effect::Build => !matches!(step.kind(), "git" | "python" | "npm" | "yarn" | "interpreter"),
        Effect::Store(Store::Prefix) => true,
        Effect::Unknown => step.program().ends_with(".sh") || step.program().contains("build"),
        _ => false,
    }
}

/// Where `go install` puts programs: GOBIN, else `bin` of each folder of GOPATH.
pub(super) fn bin(survey: &Survey<'_, '_>) -> Vec<String> {
    let end = survey.stage.body.end;
    if let Value::Set(path) = survey.model.variable(end, "GOBIN") {
        return vec![paths::join("/", &path)];
    }
    match survey.model.variable(end, "GOPATH") {
        Value::Set(path) => path.split(':').map(|path| paths::join(path, "bin")).collect(),
        _ => vec!["/go/bin".to_owned()],
    }
}

/// The last instruction of the build, with those behind it that start a tool which `go install` put beside the program:
/// `swag init`.
fn starts_tools(survey: &Survey<'_, '_>, artifacts: &[Artifact], last_build: usize) -> usize {
    let bin = bin(survey);
    let entry: Vec<&str> = survey.entry.steps.iter().map(Step::program).collect();
    let tool = |step: &Step| {
        let named = |artifact: &Artifact| {
            paths::name(&artifact.path) == step.program() && bin.iter().any(|bin| bin == paths::parent(&artifact.path))
        };
        !entry.contains(&step.program()) && artifacts.iter().any(named)
    };
    let starts = survey.steps().filter(|(_, step)| tool(step)).map(|(at, _)| at);
    starts.max().map_or(last_build, |at| at.max(last_build))
}

/// The last instruction of the build, with those behind it that put what starts where it starts: `cp -R src/* /app/`.
fn moves_programs(survey: &Survey<'_, '_>, artifacts: &[Artifact], last_build: usize) -> usize {
    let program =
        |step: &Step| step.argv.first().filter(|program| program.contains('/')).and_then(|word| step.path(word));
    let started: Vec<String> = survey.entry.steps.iter().filter_map(program).collect();
    // What is there once it is copied is not there before.
    let moved = |artifact: &Artifact| {
        let program = artifact.command.split(' ').next();
        matches!(program, Some("cp" | "mv" | "install"))
    };
    let made = |path: &String| artifacts.iter().any(|artifact| artifact.path == *path && !moved(artifact));
    let unmade = || started.iter().filter(|path| !made(path));
    let puts = |step: &Step| match effects::of(step) {
        Effect::Writes(written) if step.kind() == "copy" => {
            unmade().any(|path| written.iter().any(|written| path == written || paths::parent(path) == written))
        }
        _ => false,
    };
    let moves = survey.steps().filter(|(_, step)| puts(step)).map(|(at, _)| at);
    moves.max().map_or(last_build, |at| at.max(last_build))
}

/// The folder of the image that holds the project: where COPY puts the context, and the build works.
fn application_folder(survey: &Survey<'_, '_>, last_build: usize) -> Option<String> {
    let builds: Vec<&str> =
        survey.steps().filter(|(_, step)| is_build(step)).filter_map(|(_, step)| step.cwd.as_deref()).collect();
    let end = survey.model.final_workdir(survey.stage);
    let mut candidates: Vec<&str> = survey
        .units
        .iter()
        .take(last_build + 1)
        .filter_map(|unit| unit.copy.as_ref())
        .filter(|copy| copy.context)
        .filter(|copy| {
            copy.to.as_deref() != Some("/")
                || copy.sources.iter().any(|source| matches!(source.as_str(), "." | "./" | "*"))
        })
        .filter_map(|copy| copy.to.as_deref())
        .collect();
    candidates.sort_by_key(|path| path.len());
    let works = |folder: &&&str| builds.iter().chain(end.iter()).any(|cwd| paths::within(cwd, folder));
    let found =
        candidates.iter().filter(|folder| **folder != "/").find(works).or_else(|| candidates.iter().find(works));
    found
        .map(|folder| (*folder).to_owned())
        .or_else(|| builds.last().map(|cwd| (*cwd).to_owned()).filter(|cwd| cwd != "/go"))
}

/// What COPY puts into the folder in which the program starts, where that is not the project's, nor the one in which Go has
/// its own: `ADD www/ www/`.
fn beside_project(survey: &Survey<'_, '_>, last_build: usize, folder: &str) -> Vec<String> {
    let Some(home) = survey.model.final_workdir(survey.stage).filter(|home| *home != "/") else { return Vec::new() };
    let go = bin(survey);
    let sources = |to: &str| go.iter().any(|bin| paths::within(to, &paths::join(paths::parent(bin), "src")));
    let copies = survey.units.iter().take(last_build + 1).filter_map(|unit| unit.copy.as_ref());
    let targets = copies.filter(|copy| copy.context).filter_map(|copy| copy.to.as_deref());
    targets
        .filter(|to| *to != home && paths::within(to, home) && !sources(to))
        .filter(|to| !paths::within(to, folder) && !paths::within(folder, to))
        .map(str::to_owned)
        .collect()
}

/// The folder in a workspace of Go that a COPY puts the project into, where no command works in it.
fn workspace_folder(survey: &Survey<'_, '_>, last_build: usize) -> Option<String> {
    let bin = bin(survey);
    let sources = |to: &str| bin.iter().any(|bin| paths::within(to, &paths::join(paths::parent(bin), "src")));
    let copies = survey.units.iter().take(last_build + 1).filter_map(|unit| unit.copy.as_ref());
    let whole = copies.filter(|copy| copy.context && copy.is_whole()).filter_map(|copy| copy.to.as_deref());
    whole.filter(|to| sources(to) && paths::name(to) != "src").min_by_key(|to| to.len()).map(str::to_owned)
}

/// Whether a command of Go's makes the program of this path, if it says so or not: `go build server.go`.
pub(super) fn makes(survey: &Survey<'_, '_>, path: &str) -> bool {
    artifacts(survey).iter().any(|artifact| artifact.path == path)
}

/// Whether the sources in the context may speak TLS; `None` where there are none to read.
pub(super) fn speaks(survey: &Survey<'_, '_>) -> Option<bool> {
    let sources = Sources::read(survey.model.context?);
    sources.any.then_some(sources.tls)
}

/// The programs that the stage's Go commands make.
fn artifacts(survey: &Survey<'_, '_>) -> Vec<Artifact> {
    let mut found: Vec<Artifact> = Vec::new();
    for step in survey.steps().filter_map(|(_, step)| go_command(step)) {
        found.extend(made(survey, &step));
    }
    // A program that is copied or moved afterwards is there too.
    for (_, step) in survey.steps() {
        if matches!(step.program(), "cp" | "mv" | "install") {
            let operands: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
            if let [from, to] = operands.as_slice()
                && let (Some(from), Some(to)) = (step.path(from), step.path(to))
                && found.iter().any(|artifact| artifact.path == from)
            {
                // `cp /build/main .`
                let into = to.ends_with("/bin")
                    || to.ends_with("/sbin")
                    || step.cwd.as_ref() == Some(&to)
                    || step.argv.last().is_some_and(|last| last.ends_with('/'));
                let path = if into { paths::join(&to, paths::name(&from)) } else { to };
                found.push(Artifact { path, command: step.argv.join(" ") });
            }
        }
    }
    found
}

/// The programs that one command makes.
fn made(survey: &Survey<'_, '_>, step: &Step) -> Vec<Artifact> {
    let command: String = step.argv.join(" ");
    let artifact = |path: String| Artifact { path, command: command.clone() };
    let Some(verb) = step.subcommand().map(str::to_owned) else { return Vec::new() };
    let at = step.argv.iter().position(|word| *word == verb).unwrap_or(1);
    let mut output = None;
    let mut packages: Vec<&str> = Vec::new();
    let mut cwd = step.cwd.clone();
    let mut download_only = false;
    let mut words = step.argv.iter().skip(at + 1);
    while let Some(word) = words.next() {
        let plain = word.trim_start_matches('-');
        let option = format!("-{}", plain.split('=').next().unwrap_or_default());
        if !word.starts_with('-') {
            packages.push(word);
        } else if option == "-d" {
            download_only = true;
        } else if Words::GoValued.has(&option) {
            let value = match plain.split_once('=') {
                Some((_, value)) => Some(value.to_owned()),
                None => words.next().cloned(),
            };
            match (option.as_str(), value) {
                ("-o", value) => output = value,
                ("-C", Some(value)) => cwd = step.path(&value),
                _ => {}
            }
        }
    }
    let here = |path: &str| cwd.as_deref().map(|cwd| paths::join(cwd, path));
    match verb.as_str() {
        "get" if download_only => Vec::new(),
        "build" => match output {
            Some(output) => {
                let Some(path) = here(&output) else { return Vec::new() };
                if output.ends_with('/') {
                    let names: Vec<String> =
                        packages.iter().filter_map(|package| program_name(survey, cwd.as_deref(), package)).collect();
                    if names.len() == packages.len() && !names.is_empty() {
                        return names.iter().map(|name| artifact(paths::join(&path, name))).collect();
                    }
                    return vec![artifact(format!("{path}/"))];
                }
                vec![artifact(path)]
            }
            None => {
                let packages = if packages.is_empty() { vec!["."] } else { packages };
                if packages.iter().any(|package| package.contains("...")) {
                    return Vec::new();
                }
                let first = packages.first().copied().unwrap_or(".");
                let name = program_name(survey, cwd.as_deref(), first);
                name.and_then(|name| here(&name)).map(artifact).into_iter().collect()
            }
        },
        _ => {
            let packages = if packages.is_empty() { vec!["."] } else { packages };
            let bin = bin(survey).into_iter().next().unwrap_or_default();
            let mut found = Vec::new();
            for package in packages {
                let names = if package.contains("...") {
                    all_programs(survey, cwd.as_deref(), package)
                } else {
                    program_name(survey, cwd.as_deref(), package).into_iter().collect()
                };
                if names.is_empty() && (verb == "install" || package.contains("...")) {
                    found.push(artifact(format!("{bin}/")));
                }
                found.extend(names.iter().map(|name| artifact(paths::join(&bin, name))));
            }
            found
        }
    }
}

/// The name that Go gives the program of a package.
fn program_name(survey: &Survey<'_, '_>, cwd: Option<&str>, package: &str) -> Option<String> {
    let package = package.split('@').next().unwrap_or(package).trim_end_matches('/');
    if let Some(file) = package.strip_suffix(".go") {
        return Some(paths::name(file).to_owned());
    }
    let local = package == "." || package.starts_with("./") || package.starts_with("../");
    if !local && !package.is_empty() {
        let mut parts = package.rsplit('/');
        let last = parts.next()?;
        let version = last
            .strip_prefix('v')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
        return if version { parts.next().map(str::to_owned) } else { Some(last.to_owned()) };
    }
    let folder = paths::join(cwd?, package);
    // The module's own path names the program of its root; a folder below it names its own.
    if let Some(content) = survey.read(&format!("{}/go.mod", folder.trim_end_matches('/'))) {
        let module = module_path(&String::from_utf8_lossy(&content))?;
        return program_name(survey, cwd, &module);
    }
    // `go mod init shop` declares it.
    let here = |step: &&Step| step.program() == "go" && step.cwd.as_deref() == Some(folder.as_str());
    let declared = survey.steps().map(|(_, step)| step).filter(here).find_map(|step| match step.args() {
        [verb, init, module] if verb == "mod" && init == "init" => Some(module),
        _ => None,
    });
    if let Some(module) = declared {
        return program_name(survey, cwd, module);
    }
    let module_mode = survey.model.context.is_none()
        && survey.steps().any(|(_, step)| step.program() == "go" && step.subcommand() == Some("mod"));
    let copied = survey
        .units
        .iter()
        .filter_map(|unit| unit.copy.as_ref())
        .any(|copy| copy.sources.iter().any(|source| source.contains("go.mod")));
    let root = application_folder(survey, survey.units.len()).is_some_and(|root| root == folder);
    if root && (module_mode || copied) && !paths::within(&folder, "/go/src") {
        return None;
    }
    // Without a module the folder is the import path.
    Some(paths::name(&folder).to_owned()).filter(|name| !name.is_empty())
}

/// The path that `go.mod` declares.
fn module_path(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("module"))?;
    let path = line.split("//").next().unwrap_or(line).trim().trim_matches('"');
    (!path.is_empty()).then(|| path.to_owned())
}

/// The programs of `./...`: the folders whose sources say `package main`.
fn all_programs(survey: &Survey<'_, '_>, cwd: Option<&str>, pattern: &str) -> Vec<String> {
    let (Some(context), Some(cwd)) = (survey.model.context, cwd) else { return Vec::new() };
    let base = paths::join(cwd, pattern.split("...").next().unwrap_or("."));
    let Some(inside) = survey.context_path(&base) else { return Vec::new() };
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    for file in context.files().iter().filter(|file| file.ends_with(".go") && !file.ends_with("_test.go")) {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let skip = folder.split('/').any(|part| matches!(part, "vendor" | "testdata") || part.starts_with(['_', '.']));
        let below = inside.is_empty() || paths::within(&format!("/{folder}"), &format!("/{inside}"));
        if skip || !below || folders.contains(folder) {
            continue;
        }
        let main = context.read(file).is_some_and(|content| {
            String::from_utf8_lossy(&content).lines().any(|line| line.trim_end() == "package main")
        });
        if main {
            folders.insert(folder);
        }
    }
    let name = |folder: &&str| {
        let rest = folder.strip_prefix(inside.as_str()).unwrap_or(folder).trim_start_matches('/');
        program_name(survey, Some(&base), &format!("./{rest}"))
    };
    folders.iter().filter_map(name).collect()
}

/// What the Go sources of the context say about run time.
struct Sources {
    /// The string literals that could be paths.
    literals: BTreeSet<String>,
    /// Patterns of `//go:embed`.
    embedded: Vec<String>,
    /// Whether a file is opened whose name is not written in the sources.
    opens: bool,
    tls: bool,
    zones: bool,
    /// Whether files of the project are looked for beside its sources, where those were compiled.
    looks_up: bool,
    /// Whether the workspace of Go is asked for, in which the project lies.
    workspace: bool,
    /// Whether `.env` is read.
    settings: bool,
    /// Whether there are any: a context without them says nothing of the program.
    any: bool,
}

/// Calls that look for files beside the source that has them, where it was compiled; the libraries that put such files into
/// programs do so for those that they did not put there.
const BESIDE_SOURCES: [&str; 6] =
    ["rice.FindBox", "rice.MustFindBox", "packr.New", "packr.Folder", "pkger.", "runtime.Caller(0)"];

/// How a program asks where the workspace of Go is.
const WORKSPACE: [&str; 5] =
    ["Getenv(\"GOPATH\")", "LookupEnv(\"GOPATH\")", "$GOPATH/src", "build.Default.GOPATH", "build.Import("];

/// How a program reads `.env` from where it starts.
const SETTINGS: [&str; 4] =
    ["godotenv.Load()", "godotenv.Overload()", "joho/godotenv/autoload\"", "viper.SetConfigFile(\".env\")"];

/// What a program that speaks TLS names.
const TLS: [&str; 16] = [
    "https://",
    "crypto/tls",
    "crypto/x509",
    "http.Get(",
    "http.Post",
    "http.Client",
    "http.NewRequest",
    "http.DefaultClient",
    "google.golang.org",
    "aws-sdk-go",
    "cloud.google.com",
    "net/smtp",
    "oauth2",
    "github.com/go-resty",
    "autocert",
    "wss://",
];

impl Sources {
    /// Reads the sources of a context; tests and vendored packages are left out for paths, not for TLS.
    fn read(context: &dyn Context) -> Self {
        let mut sources = Self {
            literals: BTreeSet::new(),
            embedded: Vec::new(),
            opens: false,
            tls: false,
            zones: false,
            looks_up: false,
            workspace: false,
            settings: false,
            any: false,
        };
        for file in context.files() {
            let name = paths::name(file);
            if name == "go.mod" || name == "go.sum" {
                // A module that is fetched can speak TLS in sources that are not here.
                let text = context.read(file).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                sources.tls |=
                    text.lines().any(|line| line.trim_start().starts_with("require") || line.starts_with('\t'));
                continue;
            }
            if !name.ends_with(".go") || name.ends_with("_test.go") || file.split('/').any(|part| part == "testdata") {
                continue;
            }
            let Some(content) = context.read(file) else {
                sources.opens = true;
                continue;
            };
            sources.any = true;
            let text = String::from_utf8_lossy(&content);
            sources.tls |= TLS.iter().any(|sign| text.contains(sign)) || imports_others(&text);
            sources.zones |= text.contains("time.LoadLocation") || text.contains("LoadLocation(");
            if file.split('/').any(|part| part == "vendor") {
                continue;
            }
            sources.looks_up |= BESIDE_SOURCES.iter().any(|sign| text.contains(sign));
            sources.workspace |= WORKSPACE.iter().any(|sign| text.contains(sign));
            sources.settings |= SETTINGS.iter().any(|sign| text.contains(sign));
            sources.opens |= Words::GoOpeners.list().iter().any(|sign| text.contains(sign));
            for line in text.lines() {
                if let Some(patterns) = line.trim_start().strip_prefix("//go:embed") {
                    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
                    for pattern in patterns.split_whitespace() {
                        let pattern = pattern.trim_matches(['"', '`']).trim_start_matches("all:");
                        sources.embedded.push(format!("{folder}/{pattern}").trim_start_matches('/').to_owned());
                    }
                }
            }
            literals(&text, &mut sources.literals);
        }
        sources
    }

    /// `.env` where the program reads it, and the repository does not have it.
    fn settings(&self, survey: &Survey<'_, '_>) -> Option<String> {
        if self.settings || self.literals.contains(".env") { settings_elsewhere(survey) } else { None }
    }

    /// Why the whole folder has to go along, where the program reads settings that are not in the repository, and may be in
    /// the folder that the image is built from.
    fn settings_left(&self, survey: &Survey<'_, '_>, folder: &str) -> Option<String> {
        let told = entry::named_paths(&survey.entry, folder);
        let literals = self.literals.iter().filter(|_| self.reach(survey, folder));
        let mut named = told.into_iter().chain(literals.map(|literal| paths::join(folder, literal)));
        let path = named.find(|path| paths::within(path, folder) && left_by_git(survey, path))?;
        Some(format!("the program reads {path}, and Git leaves that out of the repository"))
    }

    /// Whether names of files in the sources may mean those in the project's folder: what starts in another one finds them
    /// there, unless it is told where the project lies.
    fn reach(&self, survey: &Survey<'_, '_>, folder: &str) -> bool {
        let Some(home) = survey.model.final_workdir(survey.stage).filter(|home| *home != "/") else { return true };
        let told = |text: &String| text.contains("..") || text.contains(folder);
        paths::within(home, folder)
            || paths::within(folder, home)
            || self.literals.iter().any(told)
            || survey.entry.steps.iter().any(|step| step.argv.iter().any(told))
    }

    /// Why the files that the program opens can't be told, where they can't.
    fn unclear(&self, survey: &Survey<'_, '_>, folder: &str) -> Option<String> {
        let context = survey.model.context?;
        if !self.opens || !self.reach(survey, folder) {
            return None;
        }
        let assets = self.assets(survey, folder);
        let left = context.files().iter().find(|file| {
            is_asset(file)
                && !self.is_embedded(file)
                && survey_copies(survey, file, folder)
                    .is_some_and(|path| !assets.iter().any(|asset| paths::within(&path, &paths::join(folder, asset))))
        })?;
        Some(format!("the program opens files whose names its sources do not give, and {left} may be one of them"))
    }

    fn is_embedded(&self, file: &str) -> bool {
        self.embedded.iter().any(|pattern| {
            let stem = pattern.split(['*', '?', '[']).next().unwrap_or(pattern);
            if stem.len() == pattern.len() {
                paths::within(&format!("/{file}"), &format!("/{pattern}"))
            } else {
                file.starts_with(stem)
            }
        })
    }

    /// Files and folders of the project that the sources, or the arguments of the entry, name; relative to `folder`.
    fn assets(&self, survey: &Survey<'_, '_>, folder: &str) -> Vec<String> {
        let Some(context) = survey.model.context else { return Vec::new() };
        let mut names = if self.reach(survey, folder) { self.literals.clone() } else { BTreeSet::new() };
        for path in entry::named_paths(&survey.entry, folder) {
            names.extend(paths::relative(&path, folder).map(str::to_owned));
        }
        named(survey, context, folder, &names, &|file| self.is_embedded(file))
    }
}

/// Files and folders of the project that `names` say, seen from `folder`, in which the program starts; relative to it where
/// they lie in it. A name may be a pattern; what is `embedded` in the program need not be there.
pub(super) fn named(
    survey: &Survey<'_, '_>,
    context: &dyn Context,
    folder: &str,
    names: &BTreeSet<String>,
    embedded: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let files = context.files();
    let is_file = |inside: &str| files.binary_search_by(|file| file.as_str().cmp(inside)).is_ok();
    let below = |inside: &str| {
        let prefix = format!("{inside}/");
        let first = files.partition_point(|file| file.as_str() < prefix.as_str());
        files.get(first..).unwrap_or_default().iter().take_while(move |file| file.starts_with(&prefix))
    };
    for name in names {
        let name = name.strip_prefix("file://").unwrap_or(name);
        let name = paths::relative(name, folder).filter(|_| name.starts_with('/')).unwrap_or(name);
        let stem = name.split(['*', '?', '[', '{', '%']).next().unwrap_or(name);
        let whole = stem.len() == name.len();
        let stem = if whole { name } else { stem.rsplit_once('/').map_or("", |(folder, _)| folder) };
        if stem.is_empty() || name.starts_with('/') && !name.starts_with(folder) {
            continue;
        }
        let path = paths::join(folder, stem);
        let Some(inside) = survey.context_path(&path).filter(|inside| !inside.is_empty()) else { continue };
        if path == folder {
            continue;
        }
        // A word that is the name of such a folder too is seldom meant for it, unless something opens it.
        let word = !name.contains('/') && is_aside(&inside);
        let opened = |inside: &str| below(inside).any(|file| opened_by_folder(file) && !embedded(file));
        if is_file(&inside) {
            if !is_compiled(&inside) && !embedded(&inside) {
                found.insert(path);
            }
        } else if below(&inside).next().is_some() {
            if !word && opened(&inside) {
                found.insert(path);
            }
        } else if whole && !name.ends_with('/') && !is_compiled(name) && paths::name(name).contains('.') {
            // What is not there is made there.
            let parent = paths::parent(&path);
            let holds = |inside: &String| below(inside).next().is_some_and(|file| !embedded(file));
            if parent != folder
                && paths::within(parent, folder)
                && survey.context_path(parent).filter(|inside| !inside.is_empty()).is_some_and(|inside| holds(&inside))
            {
                found.insert(parent.to_owned());
            }
        }
    }
    // A folder holds what is in it.
    let all = found.clone();
    found.retain(|path| !all.iter().any(|other| other != path && paths::within(path, other)));
    found.into_iter().map(|path| paths::relative(&path, folder).map_or(path.clone(), str::to_owned)).collect()
}

/// Whether a Go source imports packages of somebody else, which may speak TLS, by where they are published:
/// `tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api"`. What is published is at a host, which has a dot in its
/// name; the standard library and the packages beside the source are not.
fn imports_others(text: &str) -> bool {
    text.lines().map(str::trim).take_while(|line| !line.starts_with("func ")).any(|line| {
        let line = line.strip_prefix("import ").unwrap_or(line);
        let Some((name, path)) = line.split_once('"') else { return false };
        let named = name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
        let host = path.split_once('/').map_or("", |(host, _)| host);
        named && !host.starts_with('.') && host.contains('.') && !host.contains([' ', ':'])
    })
}

/// Where the image has a file of the context, inside `folder`.
fn survey_copies(survey: &Survey<'_, '_>, file: &str, folder: &str) -> Option<String> {
    let path = paths::join(folder, file);
    (survey.context_path(&path).as_deref() == Some(file)).then_some(path)
}

/// Adds the string literals of a source in Go, Rust, C or a language of the JVM that could be paths.
pub(super) fn literals(text: &str, found: &mut BTreeSet<String>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default()).unwrap_or(bytes.len() - at);
                continue;
            }
            b'\'' => {
                // A rune: 'x', '\'' or '\n'.
                at += if bytes.get(at + 1) == Some(&b'\\') { 3 } else { 2 };
            }
            b'"' | b'`' => {
                let quote = *byte;
                let start = at + 1;
                at = start;
                while let Some(byte) = bytes.get(at) {
                    if *byte == quote || (quote == b'"' && *byte == b'\n') {
                        break;
                    }
                    at += if *byte == b'\\' && quote == b'"' { 2 } else { 1 };
                }
                if let Some(literal) = text.get(start..at.min(bytes.len()))
                    && (1..200).contains(&literal.len())
                    && !literal.contains(['\n', ' ', '\\', '<'])
                {
                    // What something opens is a path, even where it is a word that could be anything.
                    let line = text.get(..start - 1).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
                    let opens = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                    if !literal.contains('/') && opens.into_iter().any(|word| Words::OpeningCalls.has(word)) {
                        found.insert(format!("./{literal}"));
                    }
                    found.insert(literal.to_owned());
                }
            }
            _ => {}
        }
        at += 1;
    }
}
