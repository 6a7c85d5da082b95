//! What a build makes where it works: programs, bundles, folders of results.

use crate::knowledge::images::Image;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::words::Value;

use super::super::plan::Carried;
use super::super::stores;

use super::starts::compiles_elixir;
use super::{Whole, Work, shown};

/// Whether `cargo install` installs the project that it runs in.
pub(super) fn crate_here(step: &Step) -> bool {
    let path = |word: &String| word.starts_with("--path");
    step.args().iter().any(path) || step.args().iter().all(|word| word == "install" || word.starts_with('-'))
}

/// The folder that an installer was told to install into: `-p /opt/conda`, `--prefix=/opt/x`.
pub(in crate::catalog::multi_stage) fn option_folder(step: &Step) -> Option<String> {
    let mut args = step.args().iter();
    while let Some(arg) = args.next() {
        let value = match arg.split_once('=') {
            Some(("--prefix" | "--install-dir" | "--installdir" | "--dir", value)) => Some(value),
            None if matches!(arg.as_str(), "-p" | "--prefix" | "--install-dir" | "-d") => {
                args.next().map(String::as_str)
            }
            _ => None,
        };
        if let Some(path) = value.filter(|value| value.starts_with('/')) {
            return step.path(path).filter(|path| !Words::SystemFolders.has(path.as_str()));
        }
    }
    None
}

/// Whether a path that a command writes is a file of its own, not a folder that others write to.
pub(super) fn is_file_like(path: &str, step: &Step) -> bool {
    match step.kind() {
        "download" | "install" => true,
        "copy" => !step.argv.last().is_some_and(|last| last.ends_with('/')) && !Words::SystemFolders.has(path),
        _ => false,
    }
}

impl<'s> Whole<'s, '_, '_> {
    /// The folder that `go install` puts programs into, wherever it works, where the image starts one from there, or may.
    pub(super) fn go_programs(&mut self, at: usize, step: &Step) {
        let verb = step.subcommand().unwrap_or_default();
        if step.program() != "go" || !matches!(verb, "get" | "install") || step.args().iter().any(|arg| arg == "-d") {
            return;
        }
        let index = self.survey.units.get(at).map_or(0, |unit| unit.index);
        let value = |name: &str| {
            // `GOPATH=/go go install …` says it for itself, and `export GOPATH=/go` for what comes after it.
            let given = |word: &String| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned());
            let own = step.assignments.iter().find_map(given);
            let exported = || {
                let before = self.survey.units.get(at)?.steps.iter().take_while(|one| one.span.start < step.span.start);
                before.filter(|one| one.program() == "export").flat_map(Step::args).filter_map(given).last()
            };
            match own.or_else(exported) {
                Some(value) => Some(value.trim_matches('"').to_owned()),
                None => match self.survey.model.variable(index, name) {
                    Value::Set(value) => Some(value.into_owned()),
                    _ => None,
                },
            }
        };
        let path = value("GOBIN").or_else(|| {
            let list = value("GOPATH")?;
            Some(paths::join(self.go_path(step, &list)?, "bin"))
        });
        let Some(bin) = path.filter(|path| paths::plain(path)) else { return };
        // Among the programs of the system, only the one that starts is known to be of these: `ENV GOBIN /usr/bin`.
        if Words::SystemFolders.has(bin.as_str()) {
            for entry in self.survey.entry.steps.iter().filter(|_| verb == "install") {
                let path = entry.argv.first().filter(|program| program.contains('/')).and_then(|path| entry.path(path));
                if let Some(path) = path.filter(|path| paths::parent(path) == bin && !self.survey.copied_file(path)) {
                    self.carry(&path, at, format!("`{}` makes it", shown(step)));
                }
            }
            return;
        }
        let started = self.survey.entry.steps.iter().any(|entry| {
            let Some(program) = entry.argv.first() else { return false };
            let named = !program.contains('/')
                && effects::kind(program).is_empty()
                && !Words::Shells.has(program.as_str())
                && !self.survey.installs(program)
                && self.survey.started(entry).is_none();
            named || entry.path(program).is_some_and(|path| paths::parent(&path) == bin)
        });
        // In an image for another language, what is got and never built is a program.
        let other = || {
            self.image.as_ref().and_then(Image::language) != Some("go")
                && !self.survey.steps().any(|(_, step)| {
                    step.program() == "go" && !matches!(step.subcommand(), Some("get" | "env" | "version"))
                })
        };
        // The image of Go has a folder of programs, whatever is got; the project's own are programs as well.
        let words = || step.args().iter().filter(|word| !word.starts_with('-')).skip(1);
        let program = |word: &String| word.starts_with('.') || word.contains("...") || word.contains("/cmd/");
        let there = || self.image.as_ref().is_some_and(|image| image.name() == "golang");
        let own = || words().next().is_none() || words().any(program);
        if started || self.opaque && (verb == "install" || there() || own() || other()) {
            self.carry(&bin, at, format!("`{}` puts programs into it", shown(step)));
        }
    }

    /// The folder of GOPATH that a command puts programs into: what is fetched goes into the first of them, and what is built
    /// of sources that lie in one stays in that.
    fn go_path<'p>(&self, step: &Step, list: &'p str) -> Option<&'p str> {
        let folders = || list.split(':').filter(|folder| folder.starts_with('/'));
        let brought: Vec<&str> =
            self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()?.to.as_deref()).collect();
        let named: Vec<&str> = step.operands().skip(1).filter(|word| !word.starts_with('.')).collect();
        let lies = |folder: &&str| {
            let sources = paths::join(folder, "src");
            let there = |path: &str| {
                let inside = brought.iter().filter(|to| paths::within(to, &sources));
                inside.into_iter().any(|to| paths::within(path, to) || paths::within(to, path))
            };
            match named.as_slice() {
                [] => step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, &sources)),
                named => named.iter().any(|package| there(&paths::join(&sources, package))),
            }
        };
        let installs = step.subcommand() == Some("install");
        folders().find(|folder| installs && lies(folder)).or_else(|| folders().next())
    }

    /// What a compiler makes of the files that it is given, among other files: answers whether that is known.
    pub(super) fn makes(&mut self, at: usize, step: &Step, cwd: &str) -> bool {
        let evidence = || format!("`{}` makes it", shown(step));
        let named = |end: &str| step.args().iter().filter(|arg| arg.ends_with(end)).cloned().collect::<Vec<_>>();
        let (kind, verb) = (step.kind(), step.subcommand().unwrap_or_default());
        let known = match kind {
            "npm" | "yarn" | "pnpm" if matches!(verb, "install" | "i" | "ci" | "add" | "") => Some("node_modules"),
            // The client goes among the modules, where the schema says nothing else.
            "npx" if verb == "prisma" && self.generates_beside(step) => Some("node_modules"),
            "npm" | "yarn" | "pnpm" => match self.bundled(step) {
                None if cwd == "/" && self.survey.read("/package.json").is_none() => {
                    let folder = self.started_result();
                    if let Some(folder) = &folder {
                        self.carry(folder, at, format!("`{}` makes it, and the image starts from it", shown(step)));
                    }
                    return folder.is_some();
                }
                known => known,
            },
            "composer" if matches!(verb, "install" | "update" | "require") => Some("vendor"),
            "jvm" if matches!(step.program(), "mvn" | "mvnw" | "sbt" | "lein") => Some("target"),
            "jvm" if matches!(step.program(), "gradle" | "gradlew") => Some("build"),
            "rust" if verb == "build" => Some("target"),
            _ => None,
        };
        if step.program() == "mix" && cwd == "/" {
            let asks = |words: &[&str]| {
                step.args().iter().any(|arg| words.iter().any(|word| arg.trim_matches(',').starts_with(word)))
            };
            // What only fetches makes no `_build`, and what is not there can't be copied.
            let fetches = asks(&["deps.", "setup"]);
            if fetches {
                self.carry("/deps", at, evidence());
            }
            if compiles_elixir(step) {
                self.carry("/_build", at, evidence());
            }
            if asks(&["phx.digest", "phoenix.digest", "assets.deploy"]) {
                self.carry("/priv/static", at, evidence());
            }
            return true;
        }
        if let Some(folder) = known.filter(|_| cwd == "/") {
            self.carry(&paths::join(cwd, folder), at, evidence());
            return true;
        }
        if step.makes_environment() {
            let name = step.args().iter().rfind(|arg| !arg.starts_with('-'));
            let path = name.and_then(|name| step.path(name)).filter(|path| !Words::SystemFolders.has(path.as_str()));
            if let Some(path) = &path {
                self.carry(path, at, evidence());
            }
            return path.is_some();
        }
        match step.program() {
            "cargo" if verb == "new" => {
                let name = step.args().iter().skip(1).rfind(|arg| !arg.starts_with('-'));
                let path = name.and_then(|name| step.path(name));
                if let Some(path) = &path {
                    self.work_in(path, at, evidence());
                }
                path.is_some()
            }
            "go" if matches!(verb, "get" | "install") => {
                let index = self.survey.units.get(at).map_or(0, |unit| unit.index);
                let language = self.image.as_ref().and_then(Image::language);
                let folder = match self.survey.model.variable(index, "GOPATH") {
                    Value::Set(list) => paths::join(self.go_path(step, &list).unwrap_or("/"), "bin"),
                    Value::Unknown => return false,
                    Value::Unset if language == Some("go") => "/go/bin".to_owned(),
                    Value::Unset => "/root/go/bin".to_owned(),
                };
                self.carry(&folder, at, evidence());
                true
            }
            "javac" => {
                let sources: Vec<String> = named(".java")
                    .iter()
                    .filter(|source| !source.contains('*'))
                    .filter_map(|source| step.path(source))
                    .collect();
                for source in &sources {
                    // A class with others inside it becomes several files.
                    let path = format!("{}*.class", source.trim_end_matches(".java"));
                    let folder = paths::parent(source);
                    let folder = if folder == "/" { "/".to_owned() } else { format!("{folder}/") };
                    self.carried.push(Carried { from: path, to: folder, owner: None, evidence: evidence() });
                }
                !sources.is_empty()
            }
            "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++" | "rustc" | "ghc" | "nasm" | "gfortran" | "swiftc"
            | "fpc" => {
                let output = step.args().iter().position(|arg| arg == "-o").and_then(|at| step.args().get(at + 1));
                let path = output.and_then(|output| step.path(output));
                let found = path.is_some();
                if let Some(path) = path {
                    self.carry(&path, at, evidence());
                }
                found
            }
            _ => false,
        }
    }

    /// The folder of results in the root folder that what starts is in, or is told of.
    fn started_result(&self) -> Option<String> {
        let words =
            self.survey.entry.steps.iter().flat_map(|step| {
                step.argv.iter().filter(|word| !word.starts_with('-')).filter_map(|word| step.path(word))
            });
        let mut folders = words.filter_map(|path| path.split('/').nth(1).map(str::to_owned));
        let folder = folders.find(|folder| Words::OutputFolders.has(folder.as_str()))?;
        let path = format!("/{folder}");
        let brought = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref());
        let copied = brought.filter_map(|copy| copy.to.as_deref()).any(|to| to != "/" && paths::within(to, &path));
        (!copied && !Words::SystemFolders.has(path.as_str())).then_some(path)
    }

    /// The folder that a script of `package.json` makes, where a bundler with a folder of its own runs alone.
    fn bundled(&self, step: &Step) -> Option<&'static str> {
        let context = self.survey.model.context?;
        let inside = self.survey.context_path(&step.path("package.json")?)?;
        let manifest: serde_json::Value = serde_json::from_str(&crate::context::text(&context.read(&inside)?)).ok()?;
        let name = match step.subcommand()? {
            "run" | "run-script" => step.args().iter().filter(|arg| !arg.starts_with('-')).nth(1)?,
            name => name,
        };
        let script = manifest.get("scripts")?.get(name)?.as_str()?;
        if script.contains(['&', '|', ';']) {
            return None;
        }
        if script.contains("react-scripts build") {
            return Some("build");
        }
        if script.contains("next build") {
            return Some(".next");
        }
        if script.contains("nuxt build") {
            let list = ["dependencies", "devDependencies"].into_iter().find_map(|list| manifest.get(list)?.get("nuxt"));
            let moved = |file: &String| {
                file.starts_with("nuxt.config")
                    && context.read(file).is_none_or(|text| memchr::memmem::find(&text, b"buildDir").is_some())
            };
            let second = list
                .and_then(|range| range.as_str())
                .is_some_and(|range| range.trim_start_matches('^').starts_with("2."));
            return (second && !context.files().iter().any(moved)).then_some(".nuxt");
        }
        (script.contains("nest build") || script.contains("vue-cli-service build")).then_some("dist")
    }

    /// Whether `prisma generate` puts its client among the modules: no schema names another place.
    fn generates_beside(&self, step: &Step) -> bool {
        let schema = |file: &&String| file.ends_with(".prisma");
        step.args().iter().any(|arg| arg == "generate")
            && self.survey.model.context.is_some_and(|context| {
                let elsewhere = |file: &String| {
                    context.read(file).is_none_or(|text| memchr::memmem::find(&text, b"output").is_some())
                };
                let mut schemas = context.files().iter().filter(schema).peekable();
                schemas.peek().is_some() && !schemas.any(elsewhere)
            })
    }

    pub(super) fn work_in(&mut self, path: &str, at: usize, evidence: String) {
        if stores::is_tool(path) && !self.needs(path, self.last_build) {
            self.behind.push(path.to_owned());
            return;
        }
        // The folder of the project, not of the part of it that a command happens to run in: where something was copied
        // into, or where the manifest of a workspace lies, beside which the modules of all its members are put.
        let copies = || self.survey.units.iter().filter_map(|unit| unit.copy.as_ref());
        let brought = copies().filter(|copy| copy.context).filter_map(|copy| copy.to.clone());
        let beside = copies().filter_map(|copy| {
            let manifest = |path: &str| Words::WorkspaceFiles.has(paths::name(path));
            let to = copy.to.as_deref().filter(|_| copy.sources.iter().any(|source| manifest(source)))?;
            // `COPY package.json /app` puts it into that folder, whether it is written with a slash or not.
            Some(if manifest(to) { paths::parent(to) } else { to }.to_owned())
        });
        let outer = brought
            .chain(beside)
            .filter(|to| paths::within(path, to) && !Words::SystemFolders.has(to.as_str()))
            .min_by_key(String::len);
        let path = outer.as_deref().unwrap_or(path);
        // `/opt/graphite/webapp` where the file touches `/opt/graphite/storage` as well: the folder is one program's.
        let program = paths::relative(path, "/opt").and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
        let whole = program.map(|name| format!("/opt/{name}")).filter(|whole| {
            self.survey.units.iter().take(self.last_build + 1).flat_map(|unit| unit.steps).any(|step| {
                matches!(effects::of(step), Effect::Files(touched)
                    if matches!(step.program(), "touch" | "chown" | "chmod")
                        && touched.iter().any(|other| paths::within(other, whole) && !paths::within(other, path)))
            })
        });
        let path = whole.as_deref().unwrap_or(path);
        match self.work.iter_mut().find(|work| paths::within(path, &work.path)) {
            Some(work) => work.last = at,
            None => {
                self.work.retain(|work| !paths::within(&work.path, path) || Words::SystemFolders.has(path));
                self.work.push(Work {
                    path: path.to_owned(),
                    last: at,
                    installed: false,
                    from: String::new(),
                    evidence,
                });
            }
        }
    }
}
