//! What package managers of languages install.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;
use crate::transform::Refusal;

use super::super::plan::Carried;
use super::super::survey::{Unit, refuse};
use super::super::{globals, helpers, linked, stores};
use super::staged::STAGE;

use super::makes::crate_here;
use super::{Whole, shown};

impl<'s> Whole<'s, '_, '_> {
    /// What an installer of a language leaves.
    pub(super) fn stores(&mut self, at: usize, unit: &Unit<'_>, step: &Step, store: Store) -> Result<(), Refusal> {
        if store == Store::Modules && self.globals && globals::named(self.survey, unit, step).is_some() {
            return Ok(());
        }
        let tools = match store {
            Store::Home(".mix") => Some("mix iex elixir"),
            _ => effects::build_tools(step),
        };
        let install = stores::Install { survey: self.survey, image: self.image.as_ref(), unit, step };
        let found = stores::folders(&install, store);
        // Node that `make install` puts among the system's files is installed twice, and what it installs is not.
        let makes_node = |(_, step): (usize, &Step)| {
            matches!(effects::of(step), Effect::Store(Store::Prefix)) && stores::place(step).contains("/node")
        };
        let staged = self.carried.iter().any(|carried| carried.from == STAGE && carried.to == "/")
            && self.survey.steps().any(makes_node);
        let found = found.filter(|found| !(store == Store::Modules && found.is_empty() && staged));
        // Programs that lie beside the distribution's are known by name only where what starts is known.
        let python = self.survey.entry.steps.iter().any(|step| step.kind() == "interpreter");
        let beside = store == Store::Python
            && (self.opaque || !python && !found.iter().flatten().any(|path| path.starts_with("/usr/bin/")))
            && found.as_ref().is_some_and(|found| found.iter().any(|path| path.starts_with("/usr/lib")));
        if tools.is_some_and(|tools| self.only_builds(tools)) {
            self.behind.extend(found.into_iter().flatten());
            return Ok(());
        }
        if beside && self.staged_modules(step).is_some() {
            return Ok(());
        }
        // What can't be read may start any of the programs that lie there.
        let lost = beside
            && self.opaque
            && step.args().iter().any(|arg| arg == "install")
            && !step.argv.first().is_some_and(|program| program.starts_with("/usr/local/"))
            && found.iter().flatten().any(|path| path.ends_with("-packages"))
            && !found.iter().flatten().any(|path| path.starts_with("/usr/bin/"))
            && !self.installs_installers(step);
        let found = found.filter(|_| !lost);
        let Some(found) = found else {
            // What installs packages is a tool of the build; packages are installed once more, into a folder of its own.
            let tools = store == Store::Python && self.installs_installers(step);
            if tools || store == Store::Python && self.staged_modules(step).is_some() {
                let project = step.args().first().is_some_and(|script| script == "setup.py");
                if let Some(cwd) = step.cwd.as_deref().filter(|cwd| project && !Words::SystemFolders.has(cwd)) {
                    self.work_in(cwd, at, format!("`{}` works in it", shown(step)));
                    self.installed_from(step);
                }
                return Ok(());
            }
            let text = format!(
                "`{}` in line {} installs among the distribution's own files, which can't be copied apart",
                shown(step),
                unit.instruction.lines.0
            );
            return Err(refuse("installs-among-system-files", text, false));
        };
        if store == Store::Gems && found.iter().any(|path| path == "/usr/lib/ruby/gems") {
            self.gem_programs(at, step);
        }
        if store == Store::Home(".cargo") && step.subcommand() == Some("install") {
            let folder = stores::cargo_home(self.survey, self.image.as_ref(), unit);
            let only = !stores::starts_from(self.survey, &folder) || self.starts_installed(&folder);
            if only || !found.contains(&folder) {
                self.behind.push(folder.clone());
                if let Some(cwd) = step.cwd.as_deref().filter(|cwd| !Words::SystemFolders.has(cwd) && crate_here(step))
                {
                    self.work_in(cwd, at, format!("`{}` works in it", shown(step)));
                }
                self.installed_programs(at, step, &folder);
                return Ok(());
            }
        }
        if step.program() == "cabal" && self.cabal_installs(at, step) {
            if let Some(cwd) = step.cwd.as_deref().filter(|cwd| !Words::SystemFolders.has(cwd)) {
                self.work_in(cwd, at, format!("`{}` works in it", shown(step)));
                self.installed_from(step);
            }
            return Ok(());
        }
        for path in found {
            self.carry(&path, at, format!("`{}` installs into it", shown(step)));
        }
        if store == Store::Gems
            && let Some(folder) = stores::bundle_settings(self.survey, self.image.as_ref(), unit)
        {
            self.carry(&folder, at, "Bundler keeps there what it was told".to_owned());
        }
        if store == Store::Python
            && let Some(folder) = stores::clones(self.survey, step)
        {
            self.carry(&folder, at, format!("`{}` clones into it", shown(step)));
        }
        if store == Store::Lua {
            self.installed_from(step);
        }
        // Some leave something in the project as well.
        let own = store == Store::Python
            && step.argv.iter().any(|arg| {
                arg.ends_with("setup.py")
                    || matches!(arg.as_str(), "." | "-e" | "./" | "--editable" | "develop")
                    || arg.starts_with(".[")
            });
        // What is installed where it lies is told so in a folder beside it: `pip install -e /src/shop`.
        let editable = step.args().windows(2).find_map(|pair| match pair {
            [option, path] if matches!(option.as_str(), "-e" | "--editable") && path.starts_with('/') => {
                step.path(path.split('[').next().unwrap_or(path))
            }
            _ => None,
        });
        if let Some(path) = editable.filter(|path| store == Store::Python && !Words::SystemFolders.has(path)) {
            self.work_in(&path, at, format!("`{}` works in it", shown(step)));
        }
        // Composer's own programs lie in the home alone, and so do the versions of Node that nvm keeps.
        let home = matches!(store, Store::Home(folder) if folder != ".composer") && step.program() != "nvm";
        if (store == Store::Gems || home || self.manages_project(step) || own)
            && let Some(cwd) = step.cwd.as_deref()
            && !Words::SystemFolders.has(cwd)
        {
            let evidence = format!("`{}` works in it", shown(step));
            let setup = step.argv.iter().any(|arg| arg.ends_with("setup.py"));
            self.work_in(cwd, at, evidence);
            if setup
                && step.argv.iter().any(|arg| arg == "install")
                && let Some(work) = self.work.iter_mut().find(|work| paths::within(cwd, &work.path))
            {
                work.installed = true;
                work.from = cwd.to_owned();
            }
        }
        Ok(())
    }

    /// Whether a manager of a project's packages may leave something in the project itself. What it is told to install among
    /// the modules of Python, without the project, leaves nothing there.
    fn manages_project(&self, step: &Step) -> bool {
        let says = |words: [&str; 2]| {
            self.survey.units.iter().any(|unit| words.iter().any(|word| unit.instruction.args.text.contains(word)))
        };
        let settings = || self.survey.model.context.is_some_and(|context| context.read("poetry.toml").is_some());
        match step.kind() {
            "uv" => !(step.subcommand() == Some("pip") && step.args().iter().any(|arg| arg == "--system")),
            "pipenv" => !step.args().iter().any(|arg| arg == "--system"),
            "poetry" => {
                let apart = says(["virtualenvs.create", "VIRTUALENVS_CREATE"])
                    && !says(["virtualenvs.in-project", "VIRTUALENVS_IN_PROJECT"])
                    && !settings()
                    && step.args().iter().any(|arg| arg == "--no-root");
                !apart
            }
            _ => false,
        }
    }

    /// The programs of gems that lie among the distribution's: those that start by name, or, where what starts can't be read,
    /// all of them in a folder of their own.
    fn gem_programs(&mut self, at: usize, step: &Step) {
        let end = step.span.end as usize;
        let gem = step.kind() == "gem" && step.subcommand() == Some("install") && step.always;
        let told = step.args().iter().any(|arg| {
            ["--bindir", "-n", "--install-dir", "-i", "--user-install"]
                .iter()
                .any(|option| arg.split('=').next() == Some(option))
        });
        let plain = step
            .argv
            .last()
            .is_some_and(|last| step.span.text(self.survey.model.file.source).trim_end().ends_with(last.as_str()));
        if self.opaque {
            if gem && !told && plain && !self.inserts.iter().any(|(place, _)| *place == end) {
                self.inserts.push((end, " --bindir /usr/local/bin".into()));
                self.carry("/usr/local/bin", at, format!("`{}` puts programs into it", shown(step)));
            }
            return;
        }
        let installs = |name: &str| {
            let gem = if name == "bundle" { "bundler" } else { name };
            step.kind() == "bundle" && gem != "bundler"
                || step.kind() == "gem" && step.args().iter().any(|arg| arg == gem)
        };
        let packaged = |name: &str| {
            let gem = if name == "bundle" { "bundler" } else { name };
            [gem.to_owned(), format!("ruby-{gem}"), "ruby-full".to_owned()]
                .iter()
                .any(|name| self.survey.installs(name))
        };
        let started = |entry: &Step| {
            let program = entry.argv.first()?;
            let name = entry.program();
            let there = !program.contains('/') && Words::RubyTools.has(name) || *program == format!("/usr/bin/{name}");
            (there && installs(name) && !packaged(name) && !self.survey.copied_file(&format!("/usr/bin/{name}")))
                .then(|| format!("/usr/bin/{name}"))
        };
        let found: Vec<String> = self.survey.entry.steps.iter().filter_map(started).collect();
        for path in found {
            self.carry(&path, at, format!("`{}` puts it among the programs of the distribution", shown(step)));
        }
    }

    /// Whether nothing that runs in the shipped image starts one of these tools. What brings a language along is none.
    pub(super) fn only_builds(&self, tools: &str) -> bool {
        let is_one = |word: &str| tools.split(' ').any(|tool| tool == word);
        let language = self.image.as_ref().and_then(|image| image.language());
        let there = matches!(language, Some("python" | "elixir"));
        there
            && !self.opaque
            && helpers::unstarted(self.survey, self.last_build, is_one)
            && !self.programs().iter().any(|program| is_one(program))
    }

    /// Whether a command brings nothing but what installs Python's packages, and nothing that runs starts that.
    fn installs_installers(&self, step: &Step) -> bool {
        const NAMES: [&str; 7] = ["pip", "setuptools", "wheel", "pip-tools", "virtualenv", "pipenv", "poetry"];
        let words = || step.args().iter().filter(|word| !word.starts_with('-')).map(String::as_str);
        let bootstraps = words()
            .any(|word| word == "ensurepip" || word.contains("get-pip") || word.contains("ez_setup"))
            || step.program().starts_with("py") && step.piped.as_deref().is_some_and(|from| from.contains("get-pip"));
        let named: Vec<&str> = words()
            .filter(|word| !matches!(*word, "install" | "pip" | "easy_install" | "-m") || *word == "pip")
            .map(|word| word.split(['=', '<', '>', '~', '[']).next().unwrap_or(word))
            .collect();
        let all = !named.is_empty() && named.iter().all(|name| NAMES.contains(name));
        let installs = step.args().iter().any(|word| word == "install") || step.program().starts_with("easy_install");
        let started =
            self.survey.entry.steps.iter().any(|step| NAMES.iter().any(|name| step.program().starts_with(name)));
        // A RUN that builds for itself in the runtime stage needs them there.
        let used = self
            .survey
            .units
            .iter()
            .flat_map(|unit| unit.own)
            .any(|step| matches!(effects::of(step), Effect::Store(Store::Python)) || step.kind() == "python");
        let seen = !self.opaque || named.iter().all(|name| NAMES.iter().take(4).any(|known| known == name));
        (bootstraps || installs && all && seen) && !started && !used
    }

    /// Libraries of a compiler that is newer than the distribution's: the official image of GCC.
    pub(super) fn compilers_libraries(&mut self) {
        let carries = self.image.as_ref().filter(|_| self.smaller).map(|image| image.name() == "gcc");
        if carries == Some(true) {
            let folder = "/usr/local/lib64/";
            let known = linked::of_gcc(self.survey);
            // The distribution's own do for C.
            if known.is_some_and(<[_]>::is_empty) {
                return;
            }
            let one = |name: &str, to: &str| Carried {
                from: format!("{folder}{name}"),
                to: format!("{folder}{to}"),
                owner: None,
                evidence: "what GCC of this image compiles needs its libraries".into(),
            };
            match known {
                Some(names) => self.carried.extend(names.iter().map(|name| one(name, name))),
                None => self.carried.push(one("*.so*", "")),
            }
            self.finish.push("echo /usr/local/lib64 > /etc/ld.so.conf.d/000-local-lib.conf".into());
            self.finish.retain(|command| command != "ldconfig");
            self.finish.push("ldconfig".into());
        }
    }
}
