//! What each command of the build did, one after the other.

use crate::knowledge::images::Image;
use crate::knowledge::packages::Role;
use crate::knowledge::releases::Family;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::{paths, uv};
use crate::transform::Refusal;

use super::super::survey::{Unit, refuse};
use super::super::{browsers, go, stores};

use super::makes::option_folder;
use super::starts::scripts_at;
use super::{EMPTY, SCRATCH, Whole, installs_its_package, shown, stays_here};

impl<'s> Whole<'s, '_, '_> {
    /// Reads every command up to the last build step for where it puts things.
    ///
    /// # Errors
    /// The first that can't be told, once all are read.
    pub(super) fn trace(&mut self) -> Result<(), Refusal> {
        let survey = self.survey;
        let mut prefixes: Vec<(String, stores::Prefix)> = Vec::new();
        let mut first = Ok(());
        for (at, unit) in survey.units.iter().enumerate().take(self.last_build + 1) {
            for step in unit.steps {
                let effect = effects::of(step);
                if let Some(prefix) = stores::configured(step) {
                    prefixes.push((stores::place(step).to_owned(), prefix));
                }
                if let Some(folder) = stores::composer_programs(survey, unit, step) {
                    if stores::system(&folder) {
                        let text = format!(
                            "`{}` puts programs into {folder}, among the distribution's own files, which can't be copied \
                             apart",
                            shown(step)
                        );
                        first = first.and(Err(refuse("installs-among-system-files", text, false)));
                    }
                    self.carry(&folder, at, format!("`{}` puts programs into it", shown(step)));
                }
                match effect {
                    Effect::Build if survey.downloads(step).is_some() => {}
                    Effect::Build if installs_its_package(step) => {
                        let text = format!(
                            "`{}` installs what it makes as a package, among the distribution's own files, which can't \
                             be copied apart",
                            shown(step)
                        );
                        first = first.and(Err(refuse("installs-among-system-files", text, false)));
                    }
                    Effect::Build => {
                        first = first.and(stores::sets_up(step).map_or(Ok(()), Err));
                        self.works(at, step);
                        if let Some(path) = browsers::kept(survey, unit, step) {
                            self.carry(&path, at, format!("`{}` downloads a browser into it", shown(step)));
                        }
                        // It puts a link there, which others go through.
                        let node = self.image.as_ref().and_then(Image::language) == Some("node");
                        let links = matches!(step.program(), "npm" | "yarn") && step.subcommand() == Some("link");
                        if node && links {
                            let said = format!("`{}` links there", shown(step));
                            let user = self.survey.model.user(unit.index).map_or("root", |user| user.text.as_str());
                            let folder = match step.program() {
                                "npm" => "/usr/local/lib/node_modules".to_owned(),
                                _ if matches!(user, "root" | "0") => "/usr/local/share/.config/yarn/link".to_owned(),
                                _ => paths::join(&stores::home(survey, unit), ".config/yarn/link"),
                            };
                            self.carry(&folder, at, said.clone());
                            // A link that is copied by its name becomes a file: it goes with the folder that it lies in.
                            let known = self.survey.entry.steps.iter().all(|entry| !entry.kind().is_empty());
                            if !known || self.opaque {
                                self.carry("/usr/local/bin", at, said);
                            }
                        }
                        match stores::brings_python(survey, self.image.as_ref(), unit, step) {
                            uv::Source::Image => {}
                            uv::Source::Download => {
                                first = first.and(self.stores(at, unit, step, Store::Home(effects::UV_PYTHONS)));
                            }
                            uv::Source::Unsure => {
                                let text = format!(
                                    "`{}` downloads a Python of its own unless the image has the very version that the \
                                     project asks for",
                                    shown(step)
                                );
                                first = first.and(Err(refuse("unknown-python", text, false)));
                            }
                        }
                        self.compiles_more(step);
                        self.go_programs(at, step);
                        let brings = |arg: &String| arg.starts_with("local.") || arg.starts_with("archive.");
                        if step.program() == "mix"
                            && step.args().iter().any(brings)
                            && !self.only_builds("mix iex elixir")
                        {
                            first = first.and(self.stores(at, unit, step, Store::Home(".mix")));
                        }
                    }
                    Effect::Fetch(folders) => {
                        for folder in folders {
                            self.work_in(folder, at, format!("`{}` brings it", shown(step)));
                        }
                    }
                    Effect::Store(Store::Prefix) => {
                        self.works(at, step);
                        self.installed_from(step);
                        // What was compiled there was for this.
                        self.in_root
                            .retain(|(folder, _, compiles)| !compiles || step.cwd.as_deref() != Some(folder.as_str()));
                        // What extends a server goes where the server looks for it, whatever the prefix.
                        if stores::extends_a_server(survey) {
                            if self.staged(step, &prefixes).is_none() {
                                let text = format!(
                                    "`{}` installs modules of a server, among the distribution's own files, which \
                                     can't be copied apart",
                                    shown(step)
                                );
                                first = first.and(Err(refuse("installs-among-system-files", text, false)));
                            }
                            continue;
                        }
                        if let Some(refusal) = stores::sets_up(step) {
                            first = first.and(Err(refusal));
                            continue;
                        }
                        let prefix = match stores::prefix(step, &prefixes) {
                            // The image's own PHP keeps its extensions in a folder of theirs.
                            Ok(prefix) if self.extends_php(step) => {
                                let folders = vec!["/usr/local/lib/php".to_owned()];
                                stores::Prefix { folders, libraries: false, ..prefix }
                            }
                            Ok(prefix) => prefix,
                            Err(refusal) => match self.staged(step, &prefixes) {
                                Some(()) => continue,
                                None => {
                                    first = first.and(Err(refusal));
                                    continue;
                                }
                            },
                        };
                        // What is named among the system's files comes along where everything else does.
                        if self.named_outside(step, &prefix) && self.staged(step, &prefixes).is_some() {
                            continue;
                        }
                        let mut extensions = self.makes_extensions(step);
                        // What a Makefile of Go installs lies where `go install` puts it.
                        if self.image.as_ref().and_then(Image::language) == Some("go") {
                            extensions.extend(go::bin(survey).into_iter().next());
                        }
                        self.installed_into(at, step, prefix, extensions);
                    }
                    Effect::Store(store) => first = first.and(self.stores(at, unit, step, *store)),
                    Effect::Writes(written) => self.writes(at, step, written.clone()),
                    Effect::Unknown => {
                        if let Some((folder, links)) = stores::aws(step) {
                            self.carry(&folder, at, format!("`{}` installs into it", shown(step)));
                            self.finish.push(format!("ln -s {folder}/v2/current/bin/aws {links}/aws"));
                        } else if let Some(folder) = option_folder(step) {
                            self.carry(&folder, at, format!("`{}` installs into it", shown(step)));
                        } else if step.cwd.as_deref().is_some_and(|cwd| !Words::SystemFolders.has(cwd)) {
                            self.works(at, step);
                        } else {
                            self.fills_what_is_named(at, step);
                        }
                        first = first.and(self.script(at, unit, step));
                    }
                    _ => {}
                }
            }
        }
        first
    }

    /// What a script of the project does that a RUN starts: it installs as the RUN itself would.
    ///
    /// # Errors
    /// It does what has to be done to the shipped image as well.
    fn script(&mut self, at: usize, unit: &Unit<'_>, step: &Step) -> Result<(), Refusal> {
        let survey = self.survey;
        let mut found: Vec<Step> = Vec::new();
        scripts_at(survey, unit.index, step, &mut |inner| {
            found.push(inner.clone());
            Ok(())
        })?;
        let prefixes: Vec<(String, stores::Prefix)> = found
            .iter()
            .filter_map(|inner| Some((stores::place(inner).to_owned(), stores::configured(inner)?)))
            .collect();
        for inner in &found {
            let outside = |path: &String| stores::system(path) && !stores::scratch(path, &SCRATCH);
            let sets_up = match effects::of(inner) {
                Effect::Store(Store::Prefix) => !self.installs_plainly(at, inner, &found, &prefixes),
                Effect::Store(store) => {
                    self.stores(at, unit, inner, *store)?;
                    false
                }
                Effect::Install(packages) => {
                    packages.names.iter().any(|name| !name.starts_with('.') && packages.role(name) != Role::Build)
                }
                Effect::Writes(written) => written.iter().any(outside),
                Effect::User | Effect::Repository => true,
                _ => false,
            };
            if sets_up {
                let text = format!(
                    "`{}` in line {} does `{}`, which the shipped image may need as well",
                    shown(step),
                    unit.instruction.lines.0,
                    shown(inner)
                );
                return Err(refuse("built-by-a-script", text, false));
            }
        }
        Ok(())
    }

    /// Takes along what `make install` of a script installs, where the script says where that is: whether it does.
    fn installs_plainly(
        &mut self,
        at: usize,
        step: &Step,
        script: &[Step],
        prefixes: &[(String, stores::Prefix)],
    ) -> bool {
        // An image that nobody knows has its own there. Options in a variable may name any folder.
        let unread = |step: &Step| {
            (matches!(step.kind(), "setup" | "cmake" | "ninja") || stores::configured(step).is_some())
                && step.args().iter().any(|word| word.trim_start_matches('"').starts_with('$'))
        };
        let plain = step.kind() == "make"
            && self.image.is_some()
            && !script.iter().any(unread)
            && !stores::extends_a_server(self.survey);
        if !plain || stores::sets_up(step).is_some() || self.extends_php(step) {
            return false;
        }
        let Ok(prefix) = stores::prefix(step, prefixes) else { return false };
        self.installed_into(at, step, prefix, Vec::new());
        true
    }

    /// Takes along what is installed into a prefix, and other folders that come with it.
    fn installed_into(&mut self, at: usize, step: &Step, prefix: stores::Prefix, others: Vec<String>) {
        for path in prefix.folders.into_iter().chain(others) {
            self.carry(&path, at, format!("`{}` installs into it", shown(step)));
        }
        self.finish.extend(prefix.empty.iter().map(|path| format!("mkdir -p {path}")));
        if prefix.libraries && self.glibc() {
            self.finish.push("ldconfig".into());
        }
    }

    /// Whether `make install` puts an extension beside those of the PHP that the image is made for.
    fn extends_php(&self, step: &Step) -> bool {
        let here = |other: &Step| other.program() == "phpize" && step.cwd.is_some() && other.cwd == step.cwd;
        self.image.as_ref().and_then(Image::language) == Some("php")
            && self.survey.steps().any(|(_, other)| here(other))
            && !self.survey.steps().any(|(_, other)| {
                other.program() == "configure"
                    && other.cwd == step.cwd
                    && other.args().iter().any(|arg| arg.starts_with("--prefix"))
            })
    }

    /// Where `make install` puts an extension of a PHP from the distribution's packages: beside theirs.
    fn makes_extensions(&self, step: &Step) -> Vec<String> {
        if self.image.as_ref().and_then(Image::language) == Some("php") {
            return Vec::new();
        }
        let near = |other: &Step| match (other.cwd.as_deref(), step.cwd.as_deref()) {
            (Some(other), Some(here)) => other == here || paths::within(other, here) && here != "/",
            _ => false,
        };
        let named =
            |other: &Step| other.argv.iter().any(|word| word.contains("extension=")) && !other.outputs.is_empty();
        let made = self.survey.steps().any(|(_, other)| {
            other.program().starts_with("phpize") && near(other) || step.cwd.as_deref() == Some("/") && named(other)
        });
        if made { stores::packaged_php(self.survey, step).unwrap_or_default() } else { Vec::new() }
    }

    /// What was made in the folders that a command works in is elsewhere from now on.
    pub(super) fn installed_from(&mut self, step: &Step) {
        let named = step.args().iter().filter(|arg| arg.contains('/')).filter_map(|arg| step.path(arg));
        let folders: Vec<String> = step.cwd.iter().cloned().chain(named).collect();
        for work in self.work.iter_mut().filter(|work| work.path != "/") {
            if let Some(folder) = folders.iter().find(|folder| paths::within(folder, &work.path)) {
                work.installed = true;
                work.from.clone_from(folder);
            }
        }
    }

    /// What is compiled in a folder above or beside the part of it that was installed is not: `make -C lib install && make`.
    fn compiles_more(&mut self, step: &Step) {
        let compiles = matches!(step.kind(), "make" | "ninja" | "cmake")
            && !step.args().iter().any(|word| word.contains("clean") || matches!(word.as_str(), "check" | "test"));
        let Some(cwd) = step.cwd.as_deref().filter(|_| compiles) else { return };
        let folder = step.args().windows(2).find(|pair| matches!(pair, [option, _] if option == "-C"));
        let folder = folder.and_then(|pair| step.path(pair.get(1)?)).unwrap_or_else(|| cwd.to_owned());
        for work in self.work.iter_mut().filter(|work| paths::within(&folder, &work.path)) {
            work.installed &= paths::within(&folder, &work.from);
        }
    }

    /// Whether programs look for their libraries in a cache that `ldconfig` makes. On an image that nobody knows, the package
    /// manager says so: that of Alpine fails where it is given no folder.
    pub(super) fn glibc(&self) -> bool {
        match self.runtime.family {
            Some(family) => !matches!(family, Family::Alpine | Family::BusyBox),
            None => !self.survey.steps().any(|(_, step)| step.program() == "apk"),
        }
    }

    /// A command that nobody knows and that names a file which nothing brings: it may be what makes it.
    fn fills_what_is_named(&mut self, at: usize, step: &Step) {
        let survey = self.survey;
        // The number behind the point of `/opt/perl-5.18` is no ending of a file.
        let file = |path: &str| {
            paths::name(path)
                .rsplit_once('.')
                .is_some_and(|(_, end)| end.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        let own = |path: &String| {
            let folder = paths::parent(path);
            let outside = Words::SystemFolders.has(folder) || paths::within(path, "/root") || stores::system(path);
            paths::plain(path)
                && file(path)
                && !outside
                && !stores::scratch(path, &SCRATCH)
                && !stores::is_archive(path)
        };
        let named = step.args().iter().filter(|arg| arg.starts_with('/')).filter_map(|arg| step.path(arg));
        for path in named.filter(|path| own(path) && !survey.copied_file(path)) {
            self.work_in(paths::parent(&path), at, format!("`{}` names {path}", shown(step)));
        }
    }

    /// A build in the folder of its command.
    fn works(&mut self, at: usize, step: &Step) {
        // `patch -d/ -p1`
        let told = step.args().iter().filter(|_| step.program() == "patch").find_map(|arg| {
            arg.strip_prefix("-d").filter(|folder| folder.starts_with('/')).and_then(|folder| step.path(folder))
        });
        if let Some(cwd) = told.or_else(|| step.cwd.clone()) {
            let evidence = format!("`{}` works in it", shown(step));
            let scratch = stores::scratch(&cwd, &SCRATCH);
            let own = EMPTY.contains(&cwd.as_str()) || cwd == "/root" && self.lives_at_home();
            if Words::SystemFolders.has(cwd.as_str()) && !scratch && !own {
                // `make -C /src`, `python /app/manage.py collectstatic`: the argument says where it works; that of
                // `composer require vendor/name` does not.
                let names_packages = matches!(
                    step.kind(),
                    "composer" | "npm" | "yarn" | "pnpm" | "npx" | "go" | "rust" | "gem" | "python"
                );
                let joined = |arg: &str| {
                    // `cmake -H/src -B/src/build`
                    let joined = ["-H", "-S", "-B"].iter().find_map(|option| arg.strip_prefix(option));
                    joined.filter(|path| path.starts_with('/')).map_or(arg.to_owned(), str::to_owned)
                };
                let words = step.args().iter().map(|arg| joined(arg.rsplit('=').next().unwrap_or(arg)));
                let named = words.filter_map(|arg| {
                    let arg = arg.as_str();
                    let path = step
                        .path(arg)
                        .filter(|path| arg.contains('/') && !arg.contains("://") && paths::plain(path))
                        .filter(|_| !names_packages || arg.starts_with(['/', '.']))?;
                    let file = paths::name(&path).contains('.');
                    Some(if file { paths::parent(&path).to_owned() } else { path })
                });
                // `make -C sub`
                let makes = matches!(step.kind(), "make" | "ninja" | "npm" | "yarn" | "pnpm");
                let patches = step.program() == "patch";
                let told = step.args().windows(2).filter(|_| makes || patches).filter_map(|pair| match pair {
                    [option, folder] if patches && matches!(option.as_str(), "-d" | "--directory") => step.path(folder),
                    [option, folder] if matches!(option.as_str(), "-C" | "--directory" | "--prefix" | "--cwd") => {
                        step.path(folder)
                    }
                    _ => None,
                });
                let mut named: Vec<String> =
                    named.chain(told).filter(|path| !Words::SystemFolders.has(path.as_str())).collect();
                named.dedup();
                let root = cwd == "/";
                if !named.is_empty() || effects::only_asks(step) {
                } else if root && !self.stands_in_root(at, step) {
                    self.in_root.push((String::new(), shown(step), false));
                } else if self.makes(at, step, &cwd) {
                } else if root
                    && stays_here(step)
                    && (self.lies_in_root() || step.subcommand() == Some("create-project"))
                {
                    self.root = true;
                } else {
                    let compiles = matches!(step.kind(), "setup" | "make" | "cmake" | "ninja");
                    self.in_root.push((cwd, shown(step), compiles));
                }
                for path in named {
                    self.work_in(&path, at, evidence.clone());
                }
            } else {
                if let Some(above) = self.installs_above(at, step, &cwd) {
                    self.carry(&paths::join(&above, "node_modules"), at, evidence.clone());
                }
                self.work_in(&cwd, at, evidence);
            }
        }
        // `make PREFIX=/go binaries`
        if step.kind() == "make" && !matches!(effects::of(step), Effect::Store(_)) {
            let told = step.args().iter().find_map(|arg| match arg.split_once('=') {
                Some(("PREFIX" | "prefix" | "BINDIR" | "DESTDIR", path)) if path.starts_with('/') => step.path(path),
                _ => None,
            });
            let go = self.image.as_ref().and_then(Image::language) == Some("go");
            let told = told.map(|path| if go && path == "/go" { "/go/bin".to_owned() } else { path });
            if let Some(path) = told.filter(|path| paths::plain(path) && !Words::SystemFolders.has(path.as_str())) {
                self.carry(&path, at, format!("`{}` writes it", shown(step)));
            }
        }
        // `gcc -o /usr/local/bin/x x.c` and `npm install --prefix /app`
        let mut args = step.args().iter();
        while let Some(arg) = args.next() {
            let option = arg.split('=').next().unwrap_or(arg);
            if matches!(
                option,
                "-o" | "--output"
                    | "--prefix"
                    | "-C"
                    | "--dir"
                    | "--cwd"
                    | "-d"
                    | "-t"
                    | "--target"
                    | "--local-bin-path"
                    | "--installdir"
                    | "--root"
                    | "--destination"
            ) && let Some(path) = match arg.split_once('=') {
                Some((_, path)) => Some(path),
                None => args.next().map(String::as_str),
            } && path.starts_with('/')
                && let Some(path) = step.path(path)
            {
                self.carry(&path, at, format!("`{}` writes it", shown(step)));
                let outside =
                    step.cwd.as_deref().is_some_and(|cwd| !paths::within(&path, cwd) && !paths::within(cwd, &path));
                let publishes = matches!(step.kind(), "dotnet" | "haskell" | "compile" | "rust" | "go");
                let site = matches!(step.program(), "hugo" | "jekyll" | "mkdocs" | "zola" | "mdbook" | "pelican");
                let result = matches!(option, "-o" | "--output" | "--local-bin-path" | "--installdir" | "--root")
                    || site && matches!(option, "-d" | "--destination" | "-o");
                if outside && publishes && result {
                    self.installed_from(step);
                }
            }
        }
    }
}
