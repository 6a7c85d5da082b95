//! Whatever the language: what the build wrote goes along whole, what it was built with stays behind.
//!
//! The rule of the file is to keep more where it can't tell: a folder that the build worked in is left behind only
//! where what it made was installed elsewhere and nothing that runs names it.

use crate::knowledge::crates;
use crate::knowledge::images::{Image, Kind};
use crate::knowledge::packages::{self, Role};
use crate::knowledge::releases::Family;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::{Base, base, paths};
use crate::span::Span;
use crate::syntax::Keyword;
use crate::syntax::words::Value;
use crate::transform::{Applicability, Refusal};

use super::plan::{self, Carried, Recipe};
use super::programs::Programs;
use super::runtime::{self, Runtime};
use super::survey::{PATH, Survey, Unit, refuse};
use super::{browsers, globals, go, helpers, lean, libraries, linked, runs, stores, tidy, workplace};

/// Folders that hold what the distribution and its packages own: they are never carried themselves.
pub(super) const SYSTEM: [&str; 36] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/local",
    "/var/log",
    "/var/mail",
    "/var/run",
    "/var/spool",
    "/var/tmp",
];

/// Folders of the system that distributions leave empty: whatever is there is the file's own.
const EMPTY: [&str; 6] = ["/opt", "/srv", "/usr/src", "/mnt", "/media", "/home"];

/// Folders whose content is gone when the container starts, or is of no use then.
const SCRATCH: [&str; 6] = ["/tmp", "/var/tmp", "/root/.cache", "/root/.npm", "/var/cache", "/run"];

/// Programs that show a prompt or wait: who starts them works in the container.
pub(super) const SHELLS: [&str; 14] =
    ["bash", "sh", "zsh", "ash", "dash", "fish", "byobu", "tmux", "screen", "irb", "ipython", "login", "ghci", "iex"];

/// What this knows about the stage; `None` where nothing is built.
pub(super) fn recipe(survey: &Survey<'_, '_>) -> Option<Result<Recipe, Refusal>> {
    let works = survey.steps().any(|(_, step)| match effects::of(step) {
        Effect::Build | Effect::Store(_) | Effect::Fetch(_) => true,
        Effect::Unknown => is_build_script(step),
        _ => false,
    });
    works.then(|| Whole::new(survey).and_then(Whole::finish))
}

/// A folder that the build worked in.
#[derive(Debug, Clone)]
struct Work {
    path: String,
    /// The unit that worked in it last.
    last: usize,
    /// Whether what was made there was installed elsewhere.
    installed: bool,
    /// The folder of the command that did so last.
    from: String,
    evidence: String,
}

struct Whole<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    image: Option<Image<'s>>,
    last_build: usize,
    runtime: Runtime,
    /// Whether the runtime image is another than the base.
    smaller: bool,
    work: Vec<Work>,
    carried: Vec<Carried>,
    behind: Vec<String>,
    assumptions: Vec<String>,
    /// Whether something starts that can't be read.
    opaque: bool,
    /// Whether programs of Node that are installed for everybody are installed again, and not copied.
    globals: bool,
    setup: Vec<String>,
    finish: Vec<String>,
    build: Vec<String>,
    /// Commands that unpack an archive among the files of the system, into folders that are known.
    unpacked: Vec<Span>,
    /// Commands that work among the files of the system, where, and whether what they make there is installed from there.
    in_root: Vec<(String, String, bool)>,
    /// Whether the project lies in the root folder, and what it consists of is everything there that is not the system's.
    root: bool,
    /// Text for the builder, by the place in the file that it goes to.
    inserts: Vec<(usize, String)>,
    /// Packages that the runtime image lacks and the programs may need.
    libraries: Vec<String>,
    removed: &'s [String],
}

impl<'s, 'm, 'a> Whole<'s, 'm, 'a> {
    fn new(survey: &'s Survey<'m, 'a>) -> Result<Self, Refusal> {
        let image = match &survey.stage.base {
            Base::Image { image, .. } => base::known(image),
            _ => survey.model.image(survey.stage).and_then(base::known),
        };
        if survey.model.known(survey.stage).is_none() && survey.model.asks_for_root(survey.stage) {
            let text = "the file works by `sudo`, and whom its base image runs as, and where that one's home is, is not \
                        known; say it by USER";
            return Err(refuse("unknown-user", text, true));
        }
        starts(survey, image.as_ref())?;
        unpublished(survey, image.as_ref())?;
        if let Some(library) = asks_for_the_sdk(survey) {
            let text = format!("the program works by {library}, which looks for the .NET SDK when it runs");
            return Err(refuse("toolchain-at-run-time", text, true));
        }
        let last_build = last_build(survey)?;
        let (runtime, smaller) = runtime::counterpart(survey, image.as_ref())?;
        let removed = survey.removed(last_build);
        Ok(Self {
            survey,
            image,
            last_build,
            runtime,
            smaller,
            work: Vec::new(),
            carried: Vec::new(),
            behind: Vec::new(),
            assumptions: Vec::new(),
            opaque: false,
            globals: true,
            setup: Vec::new(),
            finish: Vec::new(),
            build: Vec::new(),
            unpacked: Vec::new(),
            in_root: Vec::new(),
            root: false,
            inserts: Vec::new(),
            libraries: Vec::new(),
            removed,
        })
    }

    fn finish(mut self) -> Result<Recipe, Refusal> {
        // Who works with R in the image's own server starts what he likes.
        let works = self.survey.entry.is_empty() && self.image.as_ref().and_then(Image::language) == Some("r");
        self.opaque = self.starts_unread() || works;
        let mut later = self.survey.units.iter().skip(self.last_build + 1).flat_map(|unit| unit.steps);
        let brought = |step: &Step| {
            let words = step.argv.iter().take(2).filter_map(|word| step.path(word));
            let copies = || self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
            words.into_iter().any(|path| {
                self.survey.copied_file(&path)
                    || copies().any(|copy| copy.to.as_deref().is_some_and(|to| paths::within(&path, to)))
            })
        };
        if let Some(script) = later.find(|step| hidden(self.survey, step) && brought(step)) {
            if self.smaller {
                let text = format!("`{}` may run what only the full image has: it is not there to read", shown(script));
                return Err(refuse("built-by-a-script", text, true));
            }
            self.opaque = true;
        }
        workplace::check(self.survey, self.opaque)?;
        if self.opaque {
            runs_projects(self.survey)?;
        }
        if self.opaque
            && let Some(refusal) = installs_for_the_start(self.survey)
        {
            return Err(refusal);
        }
        if self.opaque && self.smaller {
            self.assumptions.push(
                "the script that starts runs no programs that only the full image has: it is not there to read".into(),
            );
        }
        let traced = self.trace();
        if traced.is_err() {
            // Where things can't be copied apart matters only if there is something to leave behind.
            self.leaves()?;
        }
        traced?;
        // What moves or removes the results belongs to the build.
        while let Some(later) = self.consumes() {
            self.last_build = later;
            self.removed = self.survey.removed(later);
            self.again()?;
        }
        // A second install is for what comes beside the results; where it is the result, it is copied.
        if self.carried.is_empty() && self.work.is_empty() {
            self.globals = false;
            self.again()?;
        }
        self.orphans();
        self.leaves()?;
        // A package that is made of it says itself what it needs.
        let packs = self.survey.steps().any(|(_, step)| runs::PACKAGE_MAKERS.contains(&step.program()));
        let asked = |(_, step): &(usize, &Step)| !packs && step.argv.iter().any(|word| word == "build-dep");
        if let Some((at, step)) = self.survey.steps().find(asked) {
            let text = format!(
                "`{}` in line {} installs what something is built with, and which of it is needed when that runs is not \
                 told",
                shown(step),
                self.survey.units.get(at).map_or(0, |unit| unit.instruction.lines.0)
            );
            return Err(refuse("entangled", text, false));
        }
        adrift(self.survey, self.image.as_ref())?;
        let behind = self.survey.units.iter().skip(self.last_build + 1);
        if let Some((unit, owner, maker)) = behind
            .filter_map(|unit| {
                unit.steps.iter().find_map(|step| runs::nobodys(self.survey, step)).map(|found| (unit, found))
            })
            .map(|(unit, (owner, maker))| (unit, owner, maker))
            .next()
        {
            let text = format!(
                "line {} names {owner}, whom no instruction makes; `{maker}` may, and what it does is not there to read",
                unit.instruction.lines.0
            );
            return Err(refuse("built-by-a-script", text, true));
        }
        unread(self.survey, self.last_build)?;
        self.settle_work()?;
        self.leave_tools();
        self.links_over_folders()?;
        if self.smaller {
            self.libraries = libraries::wanted(
                self.survey,
                self.image.as_ref(),
                &self.runtime,
                &mut self.assumptions,
                &mut self.carried,
            )?;
            if self.image.as_ref().is_some_and(|image| image.name() == "golang")
                && go::lacks_certificates(self.survey, &self.runtime)
            {
                let path = "/etc/ssl/certs/ca-certificates.crt".to_owned();
                let evidence = "the program may speak TLS, and the plain image has no certificates".into();
                self.carried.push(Carried { from: path.clone(), to: path, owner: None, evidence });
            }
            if self.carried.iter().any(|carried| carried.to == "/usr/local/lib/") {
                self.finish.push("ldconfig".into());
            }
        }
        self.compilers_libraries();
        if helpers::corepack(self.survey, &self.programs()).is_some() {
            let (from, to) = (helpers::COREPACK.1.to_owned(), helpers::COREPACK.1.to_owned());
            let evidence = "Corepack keeps there what starts".into();
            self.carried.push(Carried { from, to, owner: None, evidence });
        }
        results_adrift(self.survey, &self.carried)?;
        let root = self.root_project()?;
        self.behind.extend(lean::one_program(self.survey, &mut self.carried));
        self.behind.extend(lean::published(self.survey, &mut self.carried));
        self.behind.extend(lean::static_site(self.survey, &mut self.carried));
        self.behind.extend(lean::nitro(self.survey, &mut self.carried));
        self.behind.extend(lean::brought_again(self.survey, self.last_build, &mut self.carried));
        let sources_stay = lean::stays_in_root(self.survey, &self.carried);
        self.prune();
        self.build.extend(root);
        self.owners();
        self.assumptions.extend(self.runtime.assumption.clone());
        self.assumptions.insert(
            0,
            "what is not copied or installed in the runtime stage is not used when the container runs".into(),
        );
        let mut builder_folders: Vec<String> = self.carried.iter().map(|carried| carried.from.clone()).collect();
        builder_folders.extend(self.behind.clone());
        let programs = self.programs();
        let serves = self.serves_by_settings(&|_: &str| false);
        Ok(Recipe {
            last_build: self.last_build,
            runtime: self.runtime,
            carried: self.carried,
            builder_folders,
            setup: self.setup,
            finish: self.finish,
            installed: Vec::new(),
            user_owns: false,
            smaller: self.smaller,
            libraries: self.libraries,
            joining: Vec::new(),
            serves,
            scripted: programs.clone(),
            programs: Programs::new(programs),
            repositories: false,
            tools: Vec::new(),
            opaque_entry: self.opaque,
            globals: self.globals,
            sources_stay,
            variables: Vec::new(),
            build: self.build,
            inserts: self.inserts,
            unpacked: self.unpacked,
            shared: Vec::new(),
            before: Vec::new(),
            start: None,
            toolchain_variables: &[],
            assumptions: self.assumptions,
            applicability: Applicability::Review,
        })
    }

    /// Reads every command once more.
    fn again(&mut self) -> Result<(), Refusal> {
        self.work.clear();
        self.carried.clear();
        self.behind.clear();
        self.finish.clear();
        self.inserts.clear();
        self.in_root.clear();
        self.root = false;
        self.trace()
    }

    /// The programs that scripts start which can be read.
    fn programs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for step in &self.survey.entry.steps {
            scripts(self.survey, step, &mut |inner| {
                found.push(inner.program().to_owned());
                Ok(())
            })
            .ok();
        }
        found
    }

    /// Folders of programs that commands behind the build read, and that no instruction is known to make: on a distribution
    /// that leaves the folder above them empty, the build has.
    fn orphans(&mut self) {
        const ABOVE: [&str; 2] = ["/opt", "/srv"];
        let survey = self.survey;
        if self.image.is_none() {
            return;
        }
        let folder = |path: &str| {
            let above = ABOVE.iter().find(|above| paths::within(path, above))?;
            let rest = paths::relative(path, above).filter(|rest| rest.contains('/'))?;
            let name = rest.split('/').next().filter(|name| paths::plain(name))?;
            Some(paths::join(above, name))
        };
        let mut made: Vec<String> = Vec::new();
        let mut found: Vec<(String, String)> = Vec::new();
        for (at, unit) in survey.units.iter().enumerate() {
            made.extend(survey.model.workdir(unit.index).map(str::to_owned));
            made.extend(unit.copy.iter().filter_map(|copy| copy.to.clone()));
            for step in unit.steps.iter().chain(unit.own) {
                let before = made.len();
                match effects::of(step) {
                    Effect::Files(paths) if step.program() == "mkdir" => made.extend(paths.iter().cloned()),
                    Effect::Writes(paths) | Effect::Fetch(paths) => made.extend(paths.iter().cloned()),
                    Effect::User | Effect::Unknown => made.extend(step.args().iter().filter_map(|arg| step.path(arg))),
                    _ => {}
                }
                let earlier = made.get(..before).unwrap_or_default();
                let reads =
                    at > self.last_build && step.always && matches!(step.program(), "cp" | "mv" | "sed" | "cat");
                let operands = step.args().iter().filter(|arg| reads && arg.starts_with('/') && paths::plain(arg));
                for path in operands {
                    let Some(folder) = folder(path) else { continue };
                    // The target of a copy may be new.
                    let source = matches!(step.program(), "sed" | "cat") || step.argv.last() != Some(path);
                    let known = earlier.iter().any(|made| paths::within(made, &folder));
                    if source && !known && !found.iter().any(|(other, _)| *other == folder) {
                        found.push((folder, shown(step)));
                    }
                }
            }
        }
        for (folder, command) in found {
            self.carry(&folder, self.last_build, format!("`{command}` reads it, and only the build can have made it"));
        }
    }

    /// The last unit behind the build that takes its results apart.
    fn consumes(&self) -> Option<usize> {
        let takes = |step: &Step| {
            let moves = matches!(step.kind(), "copy" | "install" | "unpack") || step.program() == "rm";
            // What is left behind is there to be moved in the builder only: `mv /root/.cargo/bin/rg /usr/local/bin/`.
            let cargo = |folder: &String| folder.ends_with("cargo");
            let touches = |path: &str| {
                self.work.iter().any(|work| work.path != "/" && paths::within(path, &work.path))
                    || self.behind.iter().filter(|folder| cargo(folder)).any(|folder| paths::within(path, folder))
                    // What Maven makes of a project in the root folder: `mv target/*.jar target/app.jar`.
                    || ["/target/", "/build/libs/"].iter().any(|made| path.starts_with(made))
                        && self.carried.iter().any(|carried| path.starts_with(&format!("{}/", carried.from)))
            };
            let away = |path: &str| self.carried.iter().any(|carried| paths::within(&carried.from, path));
            let removes = step.program() == "rm" && step.always;
            moves
                && step
                    .args()
                    .iter()
                    .filter_map(|arg| step.path(arg))
                    .any(|path| touches(&path) || removes && path != "/" && away(&path))
        };
        let later = self.survey.units.iter().enumerate().skip(self.last_build + 1);
        later.rev().find(|(_, unit)| unit.steps.iter().any(takes)).map(|(at, _)| at)
    }

    /// Whether a script starts that is not there to read.
    fn starts_unread(&self) -> bool {
        // `bash -i -c tmux`: the shell reads its own settings first, as for a person.
        let instructions = self.survey.entry.entrypoint.iter().chain(&self.survey.entry.cmd);
        let asks = instructions.filter_map(|index| self.survey.model.instruction(*index)).any(|one| {
            let words = one.args.text.split([' ', '"', '\'', ',', '[', ']']).filter(|word| !word.is_empty());
            let words: Vec<&str> = words.collect();
            words.windows(2).any(|pair| {
                matches!(pair, [shell, option] if SHELLS.contains(&paths::name(shell))
                    && option.starts_with('-') && !option.starts_with("--") && option.contains('i'))
            })
        });
        if asks {
            return true;
        }
        self.survey.entry.steps.iter().any(|step| {
            let Some(program) = step.argv.first() else { return false };
            // `sh start.sh` starts the script as `./start.sh` does.
            let script = step.args().iter().find(|arg| !arg.starts_with('-'));
            if SHELLS.contains(&step.program())
                && let Some(path) = script.filter(|word| word.ends_with(".sh")).and_then(|word| step.path(word))
            {
                return self.survey.read(&path).is_none();
            }
            // They start what their settings say.
            if matches!(step.program(), "init" | "my_init" | "runit" | "runsvdir" | "s6-svscan" | "supervisord") {
                return true;
            }
            let Some(path) = self.survey.started(step).or_else(|| self.linked(program)) else {
                return program.contains('/') || program.ends_with(".sh") || self.may_be_brought(step);
            };
            // `COPY rootfs /`
            let over = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
                let name = |source: &String| paths::name(source).trim_start_matches('.').to_owned();
                copy.context
                    && copy.to.as_deref() == Some("/")
                    && copy.sources.iter().any(|source| !name(source).contains('.') && !name(source).is_empty())
            });
            if over
                && program.contains('/')
                && !self
                    .survey
                    .steps()
                    .any(|(_, step)| matches!(effects::of(step), Effect::Writes(written) if written.contains(&path)))
                && self.survey.read(&path).is_none()
            {
                return true;
            }
            // A release that is unpacked brings scripts as often as programs.
            let unpacked = self.survey.steps().any(|(_, step)| {
                step.kind() == "unpack"
                    && matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|folder| {
                        !SYSTEM.contains(&folder.as_str()) && paths::within(&path, folder)
                    }))
            });
            if unpacked {
                return true;
            }
            let script = path.ends_with(".sh")
                || self.survey.copied_file(&path)
                || self.brings_into(paths::parent(&path))
                || self.compiles_elsewhere(&path)
                || !self.survey.builds();
            script && self.survey.read(&path).is_none()
        })
    }

    /// Whether a file of the project's folder is none that a compiler makes, as what is compiled there goes elsewhere:
    /// `go install`.
    fn compiles_elsewhere(&self, path: &str) -> bool {
        let copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref());
        let mut targets = copies.filter(|copy| copy.context && copy.is_whole()).filter_map(|copy| copy.to.as_deref());
        if !targets.any(|to| to != "/" && paths::within(path, to)) {
            return false;
        }
        let compiles = |step: &&Step| matches!(effects::of(step), Effect::Build | Effect::Store(_) | Effect::Unknown);
        let mut here = self.survey.steps().map(|(_, step)| step).filter(compiles).filter(|step| {
            step.cwd
                .as_deref()
                .is_some_and(|cwd| cwd != "/" && (paths::within(path, cwd) || paths::within(cwd, paths::parent(path))))
        });
        let installs = |step: &Step| {
            step.program() == "go" && matches!(step.subcommand(), Some("install" | "get"))
                || step.program() == "cargo" && step.subcommand() == Some("install")
        };
        here.next().is_some_and(installs) && here.all(installs)
    }

    /// Whether a COPY puts all that is in a folder of the project among the programs of this folder.
    fn brings_into(&self, folder: &str) -> bool {
        let copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
        let whole = |source: &String| {
            let name = paths::name(source);
            name.contains('*') || !name.contains('.')
        };
        PATH.contains(&folder)
            && copies.into_iter().any(|copy| copy.to.as_deref() == Some(folder) && copy.sources.iter().any(whole))
    }

    /// Whether what starts by a name that nothing is known by may be among programs that the project brings.
    fn may_be_brought(&self, step: &Step) -> bool {
        let program = step.argv.first().map_or("", String::as_str);
        let known = !step.kind().is_empty() || SHELLS.contains(&program) || self.survey.installs(program);
        !known && !program.contains('/') && PATH.iter().any(|folder| self.brings_into(folder))
    }

    /// The file of the project that a link in PATH stands for: `ln -s /srv/app/start.sh /usr/bin/start`.
    fn linked(&self, program: &str) -> Option<String> {
        let made = |step: &Step| {
            let words: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
            let [target, link] = words.as_slice() else { return None };
            let path = step.path(link)?;
            let names = path.ends_with("/bin") && paths::name(target) == program
                || paths::parent(&path).ends_with("/bin") && paths::name(&path) == program;
            names.then(|| step.path(target)).flatten()
        };
        let brought = |path: &String| {
            let copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
            path.ends_with(".sh") && copies.filter_map(|copy| copy.to.as_deref()).any(|to| paths::within(path, to))
        };
        let links = self.survey.steps().map(|(_, step)| step).filter(|step| step.program() == "ln");
        links.filter_map(made).find(brought)
    }

    /// Reads every command up to the last build step for where it puts things.
    ///
    /// # Errors
    /// The first that can't be told, once all are read.
    fn trace(&mut self) -> Result<(), Refusal> {
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
                        self.works(at, step);
                        if let Some(path) = browsers::kept(survey, unit, step) {
                            self.carry(&path, at, format!("`{}` downloads a browser into it", shown(step)));
                        }
                        // It puts a link there, which others go through.
                        let node = self.image.as_ref().and_then(Image::language) == Some("node");
                        if node && step.program() == "npm" && step.subcommand() == Some("link") {
                            let known = self.survey.entry.steps.iter().all(|entry| !entry.kind().is_empty());
                            self.carry("/usr/local/lib/node_modules", at, format!("`{}` links there", shown(step)));
                            if !known || self.opaque {
                                self.carry("/usr/local/bin", at, format!("`{}` links there", shown(step)));
                            }
                        }
                        if stores::brings_python(survey, self.image.as_ref(), unit, step) {
                            first = first.and(self.stores(at, unit, step, Store::Home(effects::UV_PYTHONS)));
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
                        let mut extensions = self.makes_extensions(step);
                        // What a Makefile of Go installs lies where `go install` puts it.
                        if self.image.as_ref().and_then(Image::language) == Some("go") {
                            extensions.extend(go::bin(survey).into_iter().next());
                        }
                        for path in prefix.folders.into_iter().chain(extensions) {
                            self.carry(&path, at, format!("`{}` installs into it", shown(step)));
                        }
                        self.finish.extend(prefix.empty.iter().map(|path| format!("mkdir -p {path}")));
                        if prefix.libraries && self.glibc() {
                            self.finish.push("ldconfig".into());
                        }
                    }
                    Effect::Store(store) => first = first.and(self.stores(at, unit, step, *store)),
                    Effect::Writes(written) => self.writes(at, step, written.clone()),
                    Effect::Unknown => {
                        if let Some((folder, links)) = stores::aws(step) {
                            self.carry(&folder, at, format!("`{}` installs into it", shown(step)));
                            self.finish.push(format!("ln -s {folder}/v2/current/bin/aws {links}/aws"));
                        } else if let Some(folder) = option_folder(step) {
                            self.carry(&folder, at, format!("`{}` installs into it", shown(step)));
                        } else if step.cwd.as_deref().is_some_and(|cwd| !SYSTEM.contains(&cwd)) {
                            self.works(at, step);
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
        for inner in &found {
            let outside = |path: &String| stores::system(path) && !stores::scratch(path, &SCRATCH);
            let sets_up = match effects::of(inner) {
                Effect::Store(Store::Prefix) => true,
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

    /// Installs a second time into a folder of its own, where the project was configured by a tool that knows how.
    fn staged(&mut self, step: &Step, prefixes: &[(String, stores::Prefix)]) -> Option<()> {
        const STAGE: &str = "/install";
        let cwd = stores::place(step);
        // A tool that knows how puts DESTDIR before its prefix, whatever that is.
        let configured = prefixes.iter().any(|(folder, _)| folder == cwd || paths::within(cwd, folder))
            || cwd != "/"
                && self.survey.steps().any(|(_, other)| {
                    matches!(other.program(), "configure" | "cmake" | "meson") && stores::place(other) == cwd
                });
        if !step.always || !step.known {
            return None;
        }
        let span = step.span;
        let written = span.text(self.survey.model.file.source).trim();
        let words = if written.contains('\n') { step.argv.join(" ") } else { written.to_owned() };
        let text = match step.kind() {
            // PHP's Makefile calls the folder otherwise, and has `apxs` put the module where that likes.
            "make" if stores::is_php(cwd) => {
                if memchr::memmem::find(self.survey.model.file.source, b"apxs").is_some() {
                    return None;
                }
                format!(" && {words} INSTALL_ROOT={STAGE}")
            }
            // A Makefile that is told the prefix on the command line is told another.
            "make" => match told_elsewhere(step, STAGE) {
                Some(words) => format!(" && {words}"),
                None if configured => format!(" && {words} DESTDIR={STAGE}"),
                None => return None,
            },
            _ if !configured => return None,
            "ninja" | "cmake" if matches!(step.program(), "ninja" | "cmake" | "meson") => {
                format!(" && DESTDIR={STAGE} {words}")
            }
            _ => return None,
        };
        let end = span.end as usize;
        let source = self.survey.model.file.source;
        // Only behind the plain words of the command: not inside quotes, not through a wrapper's own quoting.
        let plain = span.text(source).trim_end().ends_with(step.argv.last()?.as_str());
        if !plain || self.inserts.iter().any(|(at, _)| *at == end) {
            return None;
        }
        self.inserts.push((end, text));
        if !self.carried.iter().any(|carried| carried.from == STAGE) {
            let evidence = format!(
                "`{}` installs among the distribution's files: once more into a folder of its own",
                shown(step)
            );
            self.carried.push(Carried { from: STAGE.into(), to: "/".into(), owner: None, evidence });
        }
        if self.glibc() {
            self.finish.push("ldconfig".into());
        }
        if let Some(work) = self.work.iter_mut().find(|work| paths::within(cwd, &work.path)) {
            work.installed = true;
            work.from = cwd.to_owned();
        }
        Some(())
    }

    /// What was made in the folders that a command works in is elsewhere from now on.
    fn installed_from(&mut self, step: &Step) {
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

    fn glibc(&self) -> bool {
        !matches!(self.runtime.family, Some(Family::Alpine | Family::BusyBox))
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
            if SYSTEM.contains(&cwd.as_str()) && !scratch && !own {
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
                    named.chain(told).filter(|path| !SYSTEM.contains(&path.as_str())).collect();
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
            if let Some(path) = told.filter(|path| paths::plain(path) && !SYSTEM.contains(&path.as_str())) {
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

    /// The folder that `go install` puts programs into, wherever it works, where the image starts one from there, or may.
    fn go_programs(&mut self, at: usize, step: &Step) {
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
        let first = |path: String| path.split(':').next().map(str::to_owned).filter(|path| path.starts_with('/'));
        let path = value("GOBIN").or_else(|| first(value("GOPATH")?).map(|path| paths::join(&path, "bin")));
        let Some(bin) = path.filter(|path| paths::plain(path)) else { return };
        // Among the programs of the system, only the one that starts is known to be of these: `ENV GOBIN /usr/bin`.
        if SYSTEM.contains(&bin.as_str()) {
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
                && !SHELLS.contains(&program.as_str())
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

    /// What a compiler makes of the files that it is given, among other files: answers whether that is known.
    fn makes(&mut self, at: usize, step: &Step, cwd: &str) -> bool {
        let evidence = || format!("`{}` makes it", shown(step));
        let named = |end: &str| step.args().iter().filter(|arg| arg.ends_with(end)).cloned().collect::<Vec<_>>();
        let (kind, verb) = (step.kind(), step.subcommand().unwrap_or_default());
        let known = match kind {
            "npm" | "yarn" | "pnpm" if matches!(verb, "install" | "i" | "ci" | "add" | "") => Some("node_modules"),
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
        let environment = kind == "venv" || step.args().windows(2).any(|pair| pair == ["-m", "venv"]);
        if environment {
            let name = step.args().iter().rfind(|arg| !arg.starts_with('-'));
            let path = name.and_then(|name| step.path(name)).filter(|path| !SYSTEM.contains(&path.as_str()));
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
                    Value::Set(path) => {
                        let first = path.split(':').next().unwrap_or_default().to_owned();
                        paths::join(&paths::join("/", &first), "bin")
                    }
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
        const NAMES: [&str; 10] =
            ["build", "dist", "out", "public", "lib", "release", ".next", ".nuxt", "_site", "compiled"];
        let words =
            self.survey.entry.steps.iter().flat_map(|step| {
                step.argv.iter().filter(|word| !word.starts_with('-')).filter_map(|word| step.path(word))
            });
        let mut folders = words.filter_map(|path| path.split('/').nth(1).map(str::to_owned));
        let folder = folders.find(|folder| NAMES.contains(&folder.as_str()))?;
        let path = format!("/{folder}");
        let brought = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref());
        let copied = brought.filter_map(|copy| copy.to.as_deref()).any(|to| to != "/" && paths::within(to, &path));
        (!copied && !SYSTEM.contains(&path.as_str())).then_some(path)
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
        (script.contains("nest build") || script.contains("vue-cli-service build")).then_some("dist")
    }

    fn work_in(&mut self, path: &str, at: usize, evidence: String) {
        if stores::is_tool(path) && !self.needs(path, self.last_build) {
            self.behind.push(path.to_owned());
            return;
        }
        // The folder of the project, not of the part of it that a command happens to run in.
        let brought = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
        let outer = brought
            .filter_map(|copy| copy.to.as_deref())
            .filter(|to| paths::within(path, to) && !SYSTEM.contains(to))
            .min_by_key(|to| to.len());
        let path = outer.unwrap_or(path);
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
                self.work.retain(|work| !paths::within(&work.path, path) || SYSTEM.contains(&path));
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

    fn writes(&mut self, at: usize, step: &Step, written: Vec<String>) {
        let kind = step.kind();
        // What an installer lies in stays behind, and what it installs is copied.
        let installers =
            || self.survey.units.get(at).is_some_and(|unit| unit.steps.iter().any(|s| stores::aws(s).is_some()));
        if kind == "unpack" && installers() {
            self.unpacked.push(step.span);
            return;
        }
        let among = |path: &String| SYSTEM.contains(&path.as_str()) || SYSTEM.contains(&paths::parent(path));
        if matches!(kind, "copy" | "install") && only_to_compile_with(step) && written.iter().all(among) {
            self.installed_from(step);
            self.unpacked.push(step.span);
            return;
        }
        if matches!(kind, "copy" | "install")
            && (self.globs(step, &written) || kind == "copy" && self.staged_files(step, &written))
        {
            return;
        }
        // A command that edits a file in its place is repeated in the runtime stage; what comes from elsewhere is copied.
        let edits = effects::edits(step);
        for path in written {
            if kind == "unpack" && SYSTEM.contains(&path.as_str()) && !EMPTY.contains(&path.as_str()) {
                self.unpacked(at, step, &path);
                continue;
            }
            // A copy that is put aside for what starts.
            let aside = step.program() == "cp" && paths::parent(&path) == "/tmp" && self.opaque;
            let named = step.args().iter().all(|arg| !arg.contains('$'))
                && step.args().last().is_some_and(|to| !to.contains('*'));
            if aside && named {
                self.carry(&path, at, format!("`{}` writes it", shown(step)));
                continue;
            }
            if SYSTEM.contains(&path.as_str()) && !EMPTY.contains(&path.as_str()) || stores::scratch(&path, &SCRATCH) {
                continue;
            }
            let unpacks_tool = kind == "unpack"
                && step
                    .args()
                    .iter()
                    .chain(&step.piped)
                    .any(|arg| stores::is_tool(arg.split(".t").next().unwrap_or(arg)));
            let go = go_root(self.survey, step);
            self.behind.extend(go.clone());
            if (unpacks_tool || go.is_some())
                && !self.survey.entry.steps.iter().any(|entry| entry.argv.iter().any(|arg| arg.contains(path.as_str())))
            {
                self.unpacked.push(step.span);
                continue;
            }
            if plan::is_build_setting(&path) || stores::is_archive(&path) && !self.needs(&path, self.last_build) {
                self.behind.push(path);
                continue;
            }
            let fills = kind == "unpack" || kind == "download" && step.cwd.as_deref() == Some(paths::parent(&path));
            if fills && !stores::system(&path) {
                self.work_in(&path, at, format!("`{}` fills it", shown(step)));
                continue;
            }
            if edits && stores::system(&path) {
                continue;
            }
            let path = self.made_by_copying(at, step, path);
            if stores::system(&path) && !is_file_like(&path, step) {
                continue;
            }
            self.carry(&path, at, format!("`{}` writes it", shown(step)));
        }
    }

    /// What `cp -R site /app/` makes: /app itself, where nothing has made that before.
    fn made_by_copying(&self, at: usize, step: &Step, path: String) -> String {
        let folder = paths::parent(&path);
        let into = step.argv.last().is_some_and(|to| to.ends_with('/') && step.path(to).as_deref() == Some(folder));
        if step.program() != "cp"
            || !copies_folders(step)
            || !into
            || paths::parent(folder) != "/"
            || SYSTEM.contains(&folder)
        {
            return path;
        }
        let near = |made: &String| paths::within(made, folder);
        let there = self.survey.units.iter().take(at + 1).any(|unit| {
            let worked = self.survey.model.workdir(unit.index).is_some_and(|cwd| paths::within(cwd, folder));
            let copied = unit.copy.as_ref().and_then(|copy| copy.to.as_ref()).is_some_and(near);
            let earlier = unit.steps.iter().filter(|other| other.span.start < step.span.start);
            let made = earlier.into_iter().any(|other| match effects::of(other) {
                Effect::Writes(made) | Effect::Files(made) | Effect::Fetch(made) => made.iter().any(near),
                _ => false,
            });
            worked || copied || made
        });
        if there { path } else { folder.to_owned() }
    }

    /// Files that a pattern names, put among those of the system: the same pattern names them for COPY, at the place that
    /// they come from, or at the place that they are moved to where the pattern is one that only they fit.
    fn globs(&mut self, step: &Step, written: &[String]) -> bool {
        let [to] = written else { return false };
        let recursive = copies_folders(step);
        let shared = SYSTEM.contains(&to.as_str()) && !EMPTY.contains(&to.as_str());
        let mut operands: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
        operands.pop();
        let pattern = operands.iter().any(|operand| operand.contains(['*', '?']));
        if !shared || recursive || !pattern || !step.always {
            return false;
        }
        let mut found: Vec<String> = Vec::new();
        for operand in operands {
            let Some(path) = step.path(operand).filter(|path| paths::plain(path)) else { return false };
            let name = paths::name(&path);
            // A folder would come apart, and what moves may be one.
            let files = name.contains('.') || to.ends_with("bin");
            let own = files && name.split('*').next().is_some_and(|stem| stem.len() > 3 && !stem.contains('?'));
            let gone = step.program() == "mv" || self.removed.iter().any(|removed| paths::covers(removed, &path));
            match (path.contains(['*', '?']), gone) {
                (_, false) => found.push(path),
                (_, true) if own && !paths::parent(&path).contains(['*', '?']) => found.push(paths::join(to, name)),
                _ => return false,
            }
        }
        if found.is_empty() {
            return false;
        }
        let folder = if to == "/" { "/".to_owned() } else { format!("{to}/") };
        for from in found {
            let evidence = format!("`{}` puts it among the files of the system", shown(step));
            self.carried.push(Carried { from, to: folder.clone(), owner: None, evidence });
        }
        self.unpacked.push(step.span);
        true
    }

    /// Copies files that a pattern names, on their way among those of the system, into a folder of their own as well.
    fn staged_files(&mut self, step: &Step, written: &[String]) -> bool {
        const STAGE: &str = "/install";
        let [to] = written else { return false };
        // On most distributions `/lib` is a link by now, which no folder can be copied over.
        let family = self.image.as_ref().and_then(Image::family);
        let place = paths::within(to, "/usr") || to == "/etc" || family == Some(Family::Alpine) && to != "/";
        let shared = SYSTEM.contains(&to.as_str()) && !EMPTY.contains(&to.as_str());
        let mut operands: Vec<&str> =
            step.args().iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
        operands.pop();
        let plain =
            |operand: &&str| operand.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-*?+".contains(&byte));
        let source = self.survey.model.file.source;
        let written_out = operands.iter().all(|operand| step.span.text(source).contains(operand));
        let start = step.span.start as usize;
        // What is said of one of them by its name would be said where it is not there.
        let touched = self.survey.steps().any(|(_, other)| {
            matches!(effects::of(other), Effect::Files(touched) if touched.iter().any(|path| paths::parent(path) == to))
        });
        if !matches!(step.program(), "cp" | "mv")
            || touched
            || !place
            || !shared
            || !step.always
            || operands.is_empty()
            || !operands.iter().all(plain)
            || !operands.iter().any(|operand| operand.contains(['*', '?']))
            || !written_out
            || step.args().iter().any(|arg| matches!(arg.as_str(), "-t" | "--target-directory"))
            || self.inserts.iter().any(|(at, _)| *at == start)
        {
            return false;
        }
        let text = format!("mkdir -p {STAGE}{to} && cp -a {} {STAGE}{to}/ && ", operands.join(" "));
        self.inserts.push((start, text));
        if !self.carried.iter().any(|carried| carried.from == STAGE) {
            let evidence = format!("`{}` puts it among the files of the system", shown(step));
            self.carried.push(Carried { from: STAGE.into(), to: "/".into(), owner: None, evidence });
        }
        if self.glibc() && to.contains("/lib") {
            self.finish.push("ldconfig".into());
        }
        self.unpacked.push(step.span);
        true
    }

    /// An archive that is unpacked among other things: the folders in it are those that later commands go into, move or
    /// name.
    fn unpacked(&mut self, at: usize, step: &Step, folder: &str) {
        let mut found: Vec<String> = Vec::new();
        let later = self.survey.steps().filter(|(later, _)| *later >= at).map(|(_, step)| step);
        for other in later.chain(&self.survey.entry.steps) {
            // `tar xf rarlinux-5.4.0.tar.gz && cd rar`: what is called as the archive is was in it.
            let called = |first: &str| {
                let stem = |word: &str| paths::name(word).to_ascii_lowercase().starts_with(&first.to_ascii_lowercase());
                let piped = step.piped.as_deref().is_some_and(stem);
                first.len() > 2 && (piped || step.args().iter().any(|word| stores::is_archive(word) && stem(word)))
            };
            let inside = |path: &str| {
                let rest = paths::relative(path, folder).filter(|rest| !rest.is_empty())?;
                let first = rest.split('/').next()?;
                let plain = first.contains(|c: char| c.is_ascii_digit() || c == '-') && !first.contains(['*', '.'])
                    || first.contains('-')
                    || called(first);
                let owned = folder == "/" && SYSTEM.contains(&format!("/{first}").as_str())
                    || stores::system(folder) && self.survey.installs(first);
                (plain && !owned && !first.contains(['*', '$']) && !stores::is_archive(first))
                    .then(|| paths::join(folder, first))
            };
            found.extend(other.cwd.as_deref().and_then(inside));
            // `mv JBrowse-* jbrowse`, `mv $NAME /opt/ort`: whatever the archive calls it, it is there from then on.
            let unread = |from: &str| from.contains('$') && !from.contains('/') && other.cwd.as_deref() == Some(folder);
            if other.program() == "mv"
                && let [from, to] = other.args()
                && (from.contains('*') && other.path(from).is_some_and(|from| paths::parent(&from) == folder)
                    || unread(from))
                && let Some(to) = other.path(to).filter(|to| !SYSTEM.contains(&to.as_str()))
            {
                found.push(to);
            }
            let archive = step.args().iter().any(|arg| {
                let name = paths::name(arg);
                name.contains(".t")
                    && other.argv.iter().any(|word| {
                        let first =
                            word.trim_start_matches("./").trim_start_matches('/').split('/').next().unwrap_or("");
                        first.len() > 3 && word.contains('/') && name.starts_with(first)
                    })
            });
            if matches!(other.program(), "mv" | "ln" | "cd") || archive {
                let named = other.argv.iter().filter(|arg| !arg.starts_with('-'));
                found.extend(named.filter_map(|arg| other.path(arg)).filter_map(|path| inside(&path)));
            }
        }
        // Where the program runs, and what is copied beside it, tell as well.
        let targets =
            self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter_map(|copy| copy.to.as_deref());
        for path in self.survey.model.final_workdir(self.survey.stage).into_iter().chain(targets) {
            let rest = paths::relative(path, folder).filter(|rest| !rest.is_empty());
            let first = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
            let versioned = first.contains('-') && !first.contains(['*', '$']);
            if versioned && !found.contains(&paths::join(folder, first)) {
                found.push(paths::join(folder, first));
            }
        }
        // What the file itself makes or brings was not in the archive.
        let brought = |path: &String| {
            self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
                copy.to.as_deref().is_some_and(|to| {
                    to == path || copy.sources.iter().any(|source| paths::join(to, paths::name(source)) == *path)
                })
            }) || self.survey.steps().any(|(_, step)| {
                step.program() == "mkdir" && matches!(effects::of(step), Effect::Files(made) if made.contains(path))
            }) || [".sh", ".py", ".conf", ".jar", ".json", ".yml"].iter().any(|end| path.ends_with(end))
        };
        found.retain(|path| !brought(path));
        // What is unpacked where a command happens to run is no part of the system, whatever is in it.
        let told = step.args().iter().any(|arg| {
            arg == "/" || matches!(arg.as_str(), "-C" | "-d" | "--directory") || arg.starts_with("--directory=")
        });
        let alone = folder == "/"
            && found.is_empty()
            && !told
            && step.always
            && self.stands_in_root(at, step)
            && !self.builds_from(at, step)
            && step.piped.is_none()
            && !self.fetched_beside(at, step)
            && !step.args().iter().any(|arg| arg.contains("overlay") || arg.contains("rootfs"));
        self.root |= alone;
        if !found.is_empty() || alone || self.builds_from(at, step) {
            self.unpacked.push(step.span);
        }
        for path in found {
            self.work_in(&path, at, format!("`{}` fills it", shown(step)));
        }
    }

    /// Whether an archive comes from a COPY, or from a download of the same instruction: then the runtime stage can unpack it
    /// as well.
    fn fetched_beside(&self, at: usize, step: &Step) -> bool {
        let archives: Vec<String> = step.args().iter().filter_map(|arg| step.path(arg)).collect();
        archives.iter().any(|path| self.survey.copied_file(path))
            || self.survey.units.get(at).into_iter().flat_map(|unit| unit.steps).any(|other| {
                other.kind() == "download"
                    && matches!(effects::of(other), Effect::Writes(written) if written.iter().any(|path| archives.contains(path)))
            })
    }

    /// Whether what an archive holds is sources: the same instruction goes into a folder of its name, whatever its version,
    /// and installs from there.
    fn builds_from(&self, at: usize, step: &Step) -> bool {
        let Some(unit) = self.survey.units.get(at) else { return false };
        let stem = |word: &str| -> String {
            let name = paths::name(word);
            let end = name.find(|c: char| c.is_ascii_digit() || "*$?".contains(c)).unwrap_or(name.len());
            name.get(..end).unwrap_or(name).trim_end_matches(['-', '_', '.']).to_ascii_lowercase()
        };
        let archive = step.args().iter().find(|word| stores::is_archive(word)).map(|word| stem(word));
        let Some(archive) = archive.filter(|stem| stem.len() > 2) else { return false };
        let mut later = unit.steps.iter().skip_while(|other| other.span.start <= step.span.start);
        let enters = later
            .by_ref()
            .any(|other| other.program() == "cd" && other.args().first().is_some_and(|folder| stem(folder) == archive));
        enters && later.any(|other| matches!(effects::of(other), Effect::Store(Store::Prefix | Store::Python)))
    }

    /// The programs that `cargo install` and its likes put beside the toolchain, where that folder is not in the runtime
    /// stage's PATH: those that it is told by name, and the one that starts.
    fn installed_programs(&mut self, at: usize, step: &Step, folder: &str) {
        let mut names: Vec<String> = Vec::new();
        let mut words = step.args().iter().skip(1);
        while let Some(word) = words.next() {
            if matches!(
                word.as_str(),
                "--path"
                    | "--version"
                    | "--git"
                    | "--branch"
                    | "--tag"
                    | "--features"
                    | "--root"
                    | "--target"
                    | "--rev"
            ) {
                words.next();
            } else if !word.starts_with('-') {
                names.push(word.split('@').next().unwrap_or(word).to_owned());
            }
        }
        let local =
            names.is_empty() || step.args().iter().any(|arg| arg.starts_with("--path") || arg.starts_with("--git"));
        if local {
            names.clear();
            self.installed_from(step);
        }
        names = names.iter().flat_map(|name| called(name)).collect();
        // With a project's own path, or where a crate has another name than its program, what starts says it.
        if let Some(first) = self.survey.entry.steps.first()
            && let Some(program) =
                first.argv.first().filter(|program| !program.contains('/') && !program.ends_with(".sh"))
            && effects::kind(program).is_empty()
            && (local || !names.is_empty() && (alike(&names, program) || self.makes_nothing_else(step)))
            && !names.contains(program)
        {
            if !local {
                names.clear();
            }
            names.push(program.clone());
        }
        // What starts can't be read, and looks for programs there.
        let looked = self.image.as_ref().and_then(Image::language) == Some("rust")
            || self.survey.units.iter().any(|unit| {
                unit.instruction.keyword == Keyword::Env && unit.instruction.args.text.contains(".cargo/bin")
            });
        let bin = format!("{folder}/bin");
        if names.is_empty() && looked && self.opaque {
            self.carry(&bin, at, format!("`{}` installs into it", shown(step)));
        }
        // The one that starts may be named by its path.
        for path in self.survey.entry.steps.iter().flat_map(|step| &step.argv) {
            if paths::parent(path) == bin && paths::plain(path) {
                self.carry(path, at, format!("`{}` makes it", shown(step)));
            }
        }
        let moved = |path: &str| {
            self.survey.steps().any(|(_, other)| {
                other.span.start > step.span.start
                    && matches!(other.program(), "mv" | "rm")
                    && other.args().iter().any(|word| other.is_at(word, path))
            }) || self.removed.iter().any(|removed| paths::covers(removed, path))
        };
        for name in names {
            let (from, to) = (format!("{folder}/bin/{name}"), format!("/usr/local/bin/{name}"));
            if !self.carried.iter().any(|carried| carried.to == to) && !moved(&from) {
                let evidence = format!("`{}` makes it", shown(step));
                self.carried.push(Carried { from, to, owner: None, evidence });
            }
        }
    }

    /// Whether a command is all that can have made what starts: nothing else builds, fetches or unpacks anything.
    fn makes_nothing_else(&self, step: &Step) -> bool {
        let makes = |other: &Step| match effects::of(other) {
            Effect::Build | Effect::Fetch(_) | Effect::Unknown => true,
            Effect::Writes(_) => matches!(other.kind(), "copy" | "unpack" | "download" | "install"),
            Effect::Store(_) => other.kind() != "rust" || other.subcommand() == Some("install"),
            _ => false,
        };
        !self.survey.steps().any(|(_, other)| other.span != step.span && makes(other))
    }

    /// Whether all that what starts names in Cargo's folder are programs that it installed there.
    fn starts_installed(&self, folder: &str) -> bool {
        let bin = format!("{folder}/bin");
        let named = self.survey.entry.steps.iter().flat_map(|step| &step.argv).filter(|word| word.contains(folder));
        named.into_iter().all(|word| paths::parent(word) == bin && paths::plain(word))
    }

    /// The folder that Cabal was told to put programs into: links into its own store, unless it is told to copy.
    fn cabal_installs(&mut self, at: usize, step: &Step) -> bool {
        let folder = step.args().iter().find_map(|arg| arg.strip_prefix("--installdir="));
        let Some(folder) = folder.and_then(|folder| step.path(folder)) else { return false };
        let end = step.span.end as usize;
        let plain = step
            .argv
            .last()
            .is_some_and(|last| step.span.text(self.survey.model.file.source).trim_end().ends_with(last.as_str()));
        if !step.args().iter().any(|arg| arg.starts_with("--install-method")) {
            if !plain {
                return false;
            }
            if !self.inserts.iter().any(|(place, _)| *place == end) {
                self.inserts.push((end, " --install-method=copy".into()));
            }
        }
        self.carry(&folder, at, format!("`{}` installs into it", shown(step)));
        true
    }

    /// What an installer of a language leaves.
    fn stores(&mut self, at: usize, unit: &Unit<'_>, step: &Step, store: Store) -> Result<(), Refusal> {
        if store == Store::Modules && self.globals && globals::named(self.survey, unit, step).is_some() {
            return Ok(());
        }
        let tools = match store {
            Store::Home(".mix") => Some("mix iex elixir"),
            _ => effects::build_tools(step),
        };
        let found = stores::folders(self.survey, self.image.as_ref(), unit, step, store);
        // Node that `make install` puts among the system's files is installed twice, and what it installs is not.
        let makes_node = |(_, step): (usize, &Step)| {
            matches!(effects::of(step), Effect::Store(Store::Prefix)) && stores::place(step).contains("/node")
        };
        let staged = self.carried.iter().any(|carried| carried.from == "/install" && carried.to == "/")
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
                if let Some(cwd) = step.cwd.as_deref().filter(|cwd| project && !SYSTEM.contains(cwd)) {
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
                if let Some(cwd) = step.cwd.as_deref().filter(|cwd| !SYSTEM.contains(cwd) && crate_here(step)) {
                    self.work_in(cwd, at, format!("`{}` works in it", shown(step)));
                }
                self.installed_programs(at, step, &folder);
                return Ok(());
            }
        }
        if step.program() == "cabal" && self.cabal_installs(at, step) {
            if let Some(cwd) = step.cwd.as_deref().filter(|cwd| !SYSTEM.contains(cwd)) {
                self.work_in(cwd, at, format!("`{}` works in it", shown(step)));
                self.installed_from(step);
            }
            return Ok(());
        }
        for path in found {
            self.carry(&path, at, format!("`{}` installs into it", shown(step)));
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
        // Composer's own programs lie in the home alone, and so do the versions of Node that nvm keeps.
        let home = matches!(store, Store::Home(folder) if folder != ".composer") && step.program() != "nvm";
        if (store == Store::Gems || home || matches!(step.kind(), "poetry" | "pipenv" | "uv") || own)
            && let Some(cwd) = step.cwd.as_deref()
            && !SYSTEM.contains(&cwd)
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

    /// The programs of gems that lie among the distribution's: those that start by name, or, where what starts can't be read,
    /// all of them in a folder of their own.
    fn gem_programs(&mut self, at: usize, step: &Step) {
        const NAMES: [&str; 14] = [
            "bundle",
            "bundler",
            "foreman",
            "jekyll",
            "middleman",
            "puma",
            "rackup",
            "rails",
            "rake",
            "sass",
            "sidekiq",
            "thin",
            "unicorn",
            "whenever",
        ];
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
            let there = !program.contains('/') && NAMES.contains(&name) || *program == format!("/usr/bin/{name}");
            (there && installs(name) && !packaged(name) && !self.survey.copied_file(&format!("/usr/bin/{name}")))
                .then(|| format!("/usr/bin/{name}"))
        };
        let found: Vec<String> = self.survey.entry.steps.iter().filter_map(started).collect();
        for path in found {
            self.carry(&path, at, format!("`{}` puts it among the programs of the distribution", shown(step)));
        }
    }

    /// Whether nothing that runs in the shipped image starts one of these tools. What brings a language along is none.
    fn only_builds(&self, tools: &str) -> bool {
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

    /// Installs Python's packages a second time, into a folder of its own, where they lie among the distribution's.
    fn staged_modules(&mut self, step: &Step) -> Option<()> {
        const STAGE: &str = "/install";
        let pip = step.program().starts_with("pip") && step.kind() == "python"
            || step.args().windows(2).any(|pair| matches!(pair, [option, module] if option == "-m" && module == "pip"));
        // `python setup.py install`: pip knows how to put the same elsewhere.
        let setup = matches!(step.args(), [script, verb] if script == "setup.py" && verb == "install")
            && self.survey.steps().any(|(_, step)| step.kind() == "python");
        let at = step.argv.iter().position(|word| word == "install")?;
        let elsewhere = ["--root", "--target", "--prefix", "--user", "-t", "-e", "--editable"];
        let plain =
            step.argv.iter().all(|word| !elsewhere.iter().any(|option| word.split('=').next() == Some(*option)));
        let source = self.survey.model.file.source;
        let text = step.span.text(source);
        let end = step.span.end as usize;
        // A command that reads variables is repeated as it is written.
        let written: Vec<&str> = text.split_ascii_whitespace().collect();
        let alike = step.argv.iter().zip(&written).all(|(word, raw)| word == raw || raw.contains('$'));
        let reads =
            text.contains('$') && !text.contains(['\n', '\\', '`', '(']) && written.len() == step.argv.len() && alike;
        let bare = text.trim_end().trim_end_matches(['\'', '"']);
        let whole = (bare.ends_with(step.argv.last()?.as_str()) || reads && !text.contains(['\'', '"']))
            && !text.contains([';', '|', '`']);
        if !(pip || setup)
            || !plain
            || !whole
            || !step.always
            || !step.known
            || self.inserts.iter().any(|(place, _)| *place == end)
        {
            return None;
        }
        let mut words: Vec<&str> = if reads { written } else { step.argv.iter().map(String::as_str).collect() };
        if setup {
            words = vec![step.argv.first()?, "-m", "pip", "install", "."];
        }
        let at = if setup { 3 } else { at };
        words.insert(at + 1, "--ignore-installed");
        words.insert(at + 1, "--root=/install");
        let again: Vec<String> =
            words.into_iter().map(|word| if reads { word.to_owned() } else { runs::quoted(word) }).collect();
        self.inserts.push((end, format!(" && {}", again.join(" "))));
        if !self.carried.iter().any(|carried| carried.from == STAGE) {
            let evidence = format!(
                "`{}` installs among the distribution's files: once more into a folder of its own",
                shown(step)
            );
            self.carried.push(Carried { from: STAGE.into(), to: "/".into(), owner: None, evidence });
        }
        Some(())
    }

    /// Libraries of a compiler that is newer than the distribution's: the official image of GCC.
    fn compilers_libraries(&mut self) {
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

    /// Takes what compilers keep for the next build out of the folders that go along.
    fn prune(&mut self) {
        let local = self.smaller && self.carried.iter().any(|carried| carried.from == "/usr/local");
        let shipped = self.smaller && self.image.as_ref().is_some_and(|image| image.name() == "golang");
        let mut roots: Vec<String> = self.survey.steps().filter_map(|(_, step)| go_root(self.survey, step)).collect();
        roots.extend(shipped.then(|| "/usr/local/go".to_owned()));
        roots.dedup();
        // A script that is not there to read may start it.
        roots.retain(|_| shipped || !self.may_start_scripts());
        roots.retain(|path| self.carried.iter().any(|carried| paths::within(path, &carried.from)));
        roots.retain(|path| !self.removed.iter().any(|removed| paths::covers(removed, path)));
        self.build.extend(roots.iter().map(|path| format!("rm -rf {path}")));
        let starts_there = self.carried.iter().any(|carried| carried.from.starts_with("/usr/local/cargo"));
        if local && !starts_there && self.image.as_ref().is_some_and(|image| image.name() == "rust") {
            self.build.push("rm -rf /usr/local/cargo /usr/local/rustup".to_owned());
        }
        // Of the programs in Cargo's folder, those of the toolchain are nothing without it.
        let proxies = "/usr/local/cargo/bin";
        if self.smaller && self.carried.iter().any(|carried| carried.from == proxies) {
            self.build.push(format!(
                "cd {proxies} && rm -f cargo cargo-clippy cargo-fmt cargo-miri clippy-driver rls rust-analyzer rust-gdb \
                 rust-gdbgui rust-lldb rustc rustdoc rustfmt rustup"
            ));
        }
        // The runtime image has the part of it that programs need.
        let adds = |(_, step): (usize, &Step)| {
            matches!(effects::of(step), Effect::Writes(written) | Effect::Files(written)
                if written.iter().any(|path| path.starts_with("/usr/local/cuda")))
        };
        let cuda = self.image.as_ref().is_some_and(|image| image.name() == "nvidia/cuda");
        if local && cuda && !self.survey.steps().any(adds) {
            self.build.push("rm -rf /usr/local/cuda*".to_owned());
        }
        let installs = |kind: &str| self.survey.steps().any(|(_, step)| step.kind() == kind);
        if self.carried.iter().any(|carried| carried.from == "/root") && installs("npm") {
            self.build.push("rm -rf /root/.npm".to_owned());
        }
        for (_, step) in self.survey.steps() {
            let Some(cwd) = step.cwd.as_deref() else { continue };
            let whole = self.carried.iter().any(|carried| paths::within(cwd, &carried.from));
            if step.program() == "cargo" && step.subcommand() == Some("build") {
                let release = step.args().iter().any(|arg| arg == "--release" || arg == "-r");
                let folder = paths::join(cwd, if release { "target/release" } else { "target/debug" });
                let goes = self.carried.iter().any(|carried| paths::within(&folder, &carried.from));
                let command = format!("rm -rf {folder}/build {folder}/deps {folder}/incremental {folder}/.fingerprint");
                if goes && !self.build.contains(&command) {
                    self.build.push(command);
                }
            }
            // What `cargo install` makes of the project lies in Cargo's own folder.
            let release = "target/release";
            let built =
                || self.survey.entry.steps.iter().any(|entry| entry.argv.iter().any(|word| word.contains("target")));
            let here = || {
                step.args().windows(2).all(
                    |pair| !matches!(pair, [option, path] if option == "--path" && step.path(path).as_deref() != Some(cwd)),
                )
            };
            let other = || {
                self.survey.steps().any(|(_, other)| {
                    other.program() != "rm"
                        && other.span != step.span
                        && other.argv.iter().any(|word| word.contains(release))
                })
            };
            let gone = || self.removed.iter().any(|removed| paths::covers(removed, cwd));
            if step.program() == "cargo"
                && step.subcommand() == Some("install")
                && crate_here(step)
                && whole
                && here()
                && !built()
                && !other()
                && !gone()
            {
                self.build.retain(|command| !command.starts_with(&format!("rm -rf {cwd}/target/")));
                let command = format!("rm -rf {cwd}/target");
                if !self.build.contains(&command) {
                    self.build.push(command);
                }
            }
            let caches = match step.program() {
                "stack" => ".stack-work",
                "cabal" if self.carried.iter().any(|carried| carried.from.ends_with("/.local")) => "dist-newstyle",
                _ => "",
            };
            let named = || {
                self.survey.entry.steps.iter().any(|entry| {
                    matches!(entry.program(), "stack" | "cabal") || entry.argv.iter().any(|arg| arg.contains(caches))
                })
            };
            if !caches.is_empty() && whole && !named() {
                let command = format!("rm -rf {cwd}/{caches}");
                if !self.build.contains(&command) {
                    self.build.push(command);
                }
            }
        }
        for folder in self.carried.iter().map(|carried| carried.from.clone()).collect::<Vec<_>>() {
            if let Some(command) = lean::without_development(self.survey, self.image.as_ref(), &folder) {
                let cwd =
                    self.survey.units.get(self.last_build + 1).map_or(self.survey.stage.body.end, |unit| unit.index);
                let there = self.survey.model.workdir(cwd) == Some(folder.as_str());
                self.build.push(if there { command } else { format!("cd {folder} && {command}") });
            }
        }
    }

    /// Whether the project proves that it does not need what it was built with.
    fn develops(&self) -> bool {
        self.work.iter().any(|work| lean::without_development(self.survey, self.image.as_ref(), &work.path).is_some())
    }

    /// Whether anything stays behind that is worth a stage.
    fn leaves(&mut self) -> Result<(), Refusal> {
        // A line of Python downloads or prepares something, and compiles nothing.
        let line = |step: &Step| step.program().starts_with("python") && step.args().iter().any(|arg| arg == "-c");
        let works = |step: &Step| match effects::of(step) {
            Effect::Build => step.program() != "patch" && !line(step),
            Effect::Store(_) => true,
            Effect::Unknown => is_build_script(step),
            _ => false,
        };
        let works = self.survey.steps().any(|(_, step)| works(step));
        let nothing = || {
            let text = "no step compiles anything: what the compilers are there for happens when the container runs";
            refuse("nothing-built", text, true)
        };
        if self.smaller {
            let tools = self.survey.steps().any(|(_, step)| {
                matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| {
                    packages.role(name) == Role::Build
                        && !tidy::SMALL.contains(&packages::bare(name))
                }))
            });
            return if !works && tools { Err(nothing()) } else { Ok(()) };
        }
        // What installs for everybody may have to do so again.
        let globals = || {
            self.survey.units.iter().any(|unit| {
                unit.steps
                    .iter()
                    .any(|step| globals::named(self.survey, unit, step).is_some_and(|names| !names.is_empty()))
            })
        };
        let mut left: Vec<&String> = Vec::new();
        for unit in self.survey.units.iter().take(self.last_build + 1) {
            let removed: Vec<String> = unit.steps.iter().flat_map(removed_packages).collect();
            for step in unit.steps {
                let Effect::Install(packages) = effects::of(step) else { continue };
                if tidy::virtual_name(step).is_some_and(|group| removed.iter().any(|gone| gone == group)) {
                    continue;
                }
                // What has no known run-time half would be installed again.
                let release = self.runtime.release.map(|release| release.name);
                left.extend(packages.names.iter().filter(|name| {
                    let installer = || !(self.opaque || packages::bare(name) == "npm" && globals());
                    let role = packages.role(name);
                    (role == Role::Build || role == Role::Installer && installer())
                        && packages::libraries(packages.manager, release, name).is_some()
                        && !removed.contains(*name)
                        && !plan::needed_at_start(self.survey, name)
                }));
            }
        }
        // A program of a few hundred kilobytes is not worth a stage.
        left.retain(|name| !tidy::SMALL.contains(&packages::bare(name)));
        // The full images of the languages have these themselves.
        let full = self.image.as_ref().is_some_and(|image| {
            const FULL: [&str; 8] = ["elixir", "erlang", "golang", "node", "perl", "python", "ruby", "rust"];
            FULL.contains(&image.name()) && !image.tag().contains("slim") && !image.tag().contains("alpine")
        });
        if full {
            const THERE: [&str; 9] = [
                "build-essential",
                "gcc",
                "g++",
                "make",
                "libc6-dev",
                "libc-dev",
                "libssl-dev",
                "libxml2-dev",
                "zlib1g-dev",
            ];
            left.retain(|name| !THERE.contains(&packages::bare(name)));
        }
        // What the base image has itself would be there twice: a whole environment outweighs any compiler, and all that lies
        // beside a language of the image's own outweighs a few headers.
        let twice = |folder: &str| self.carried.iter().any(|carried| carried.from == folder);
        // The slim image has nothing else of the kind, and `pip` and its like among the modules.
        let modules = || {
            let beside = self.carried.iter().any(|carried| carried.from.ends_with("/site-packages"));
            beside && twice("/usr/local/bin") && !self.smaller
        };
        let environment = self
            .image
            .as_ref()
            .is_some_and(|image| image.env().any(|(name, value)| name == "PATH" && value.contains("/opt/conda/bin")));
        let headers = |name: &&String| {
            let name = packages::bare(name);
            const HEAVY: [&str; 12] = [
                "libav",
                "libboost",
                "libcairo",
                "libglib2",
                "libgst",
                "libgtk",
                "libicu",
                "libmagick",
                "libopencv",
                "libpango",
                "llvm",
                "qt",
            ];
            let heavy = HEAVY.iter().any(|start| name.starts_with(start));
            (name.ends_with("-dev") || name.ends_with("-devel")) && !heavy
        };
        // Beside the compiler of a full image a few headers more are nothing.
        if full {
            left.retain(|name| !headers(name));
        }
        let language = self.image.as_ref().is_some_and(|image| {
            image.language().is_some_and(|language| !matches!(language, "c" | "r")) || image.kind() == Kind::Server
        });
        if environment && twice("/opt/conda")
            || language && (twice("/usr/local") || modules()) && matches!(left.len(), 1 | 2) && left.iter().all(headers)
        {
            let text =
                "what the base image has would be copied over it once more, which is more than what would stay behind";
            return Err(refuse(super::NOTHING, text, true));
        }
        // The cache of a toolchain that is shipped itself is not worth a stage. A JDK runs what it made, and the modules of
        // Maven and Gradle are more than it is.
        let ships_toolchain = || {
            let image = self.image.as_ref();
            image.is_some_and(|image| image.kind() == Kind::Compiler && image.language() != Some("java"))
        };
        let more = !left.is_empty() || self.caches() || self.develops() || self.fetches_toolchain();
        if (left.is_empty() && ships_toolchain() || !more)
            && let Some(refusal) = self.brings_compiler()
        {
            return Err(refusal);
        }
        if !more {
            // An image without a smaller counterpart may hold the tools itself.
            let text = if self.image.as_ref().is_some_and(Image::has_compiler) {
                "what the image is built with comes with its base image, and no smaller image with the same in it is known"
            } else {
                "no compiler or other build tool stays in the image, and there is no smaller image to ship"
            };
            return Err(refuse(super::NOTHING, text, true));
        }
        if !works {
            return Err(nothing());
        }
        Ok(())
    }

    /// Why a base image that brings the compiler is shipped all the same: no smaller one is known that runs what it makes.
    fn brings_compiler(&self) -> Option<Refusal> {
        let Base::Image { image, .. } = &self.survey.stage.base else { return None };
        let installs = |step: &Step| matches!(effects::of(step), Effect::Install(_) | Effect::Fetch(_));
        // A distribution with a compiler on top, where nobody installs one: `frolvlad/alpine-gcc`.
        let topped = self.image.as_ref().is_some_and(|image| image.kind() == Kind::Distro)
            && !self.survey.steps().any(|(_, step)| installs(step));
        let unknown = self.image.is_none() || topped;
        if !unknown && self.image.as_ref().is_some_and(|image| image.kind() != Kind::Compiler)
            || unknown && self.survey.steps().any(|(_, step)| installs(step))
        {
            return None;
        }
        let tool = self.survey.steps().map(|(_, step)| step).find(|step| {
            let compiles = match step.kind() {
                "compiled" => true,
                "cmake" | "ninja" | "make" | "swift" => unknown,
                "haskell" | "rust" | "dotnet" | "go" => !unknown,
                "compile" => unknown && matches!(step.program(), "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++"),
                _ => false,
            };
            let own = step.argv.first().is_some_and(|program| program.contains('/'));
            compiles && !own && matches!(effects::of(step), Effect::Build)
        })?;
        let text = format!(
            "`{}` comes with {image}, and which smaller image runs what it makes is not known; name one as runtime-base \
             in the settings",
            tool.program()
        );
        Some(refuse("compiler-of-the-base", text, true))
    }

    /// Whether what starts may be a script that is not there to read: a file of the project that no command makes.
    fn may_start_scripts(&self) -> bool {
        let brought = |path: &str| {
            let copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
            copies.filter_map(|copy| copy.to.as_deref()).any(|to| to != "/" && paths::within(path, to))
        };
        let made = |path: &str| {
            self.survey.steps().any(|(_, step)| {
                let output = step.args().iter().skip_while(|arg| *arg != "-o").nth(1);
                output.and_then(|output| step.path(output)).is_some_and(|output| output == path)
                    || matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|file| file == path))
            })
        };
        self.opaque
            || self.survey.entry.steps.iter().any(|step| {
                let program = step.argv.first().filter(|program| program.contains('/'));
                program
                    .and_then(|program| step.path(program))
                    .is_some_and(|path| brought(&path) && !made(&path) && self.survey.read(&path).is_none())
            })
    }

    /// Whether the file unpacks a compiler that no package brings, and nothing takes it away again.
    fn fetches_toolchain(&self) -> bool {
        let roots = self.survey.steps().filter_map(|(_, step)| go_root(self.survey, step));
        !self.may_start_scripts()
            && roots.into_iter().any(|path| !self.removed.iter().any(|removed| paths::covers(removed, &path)))
    }

    /// Whether a build fills a cache in the home of who builds, and nothing empties it: Maven's repository, npm's
    /// downloads.
    fn caches(&self) -> bool {
        let mut fills = false;
        let mut bundles = false;
        for (_, step) in self.survey.steps() {
            let effect = effects::of(step);
            match step.kind() {
                kind @ ("jvm" | "haskell" | "rust" | "dotnet") => {
                    let homes: &[&str] = match kind {
                        "jvm" => &[".m2", ".gradle", ".ivy2", ".sbt"],
                        "haskell" => &[".cabal", ".stack", ".local"],
                        "rust" => &[".cargo"],
                        _ => &[".nuget", ".cache"],
                    };
                    let removed = self.survey.removed(self.survey.units.len());
                    let emptied = removed.iter().any(|gone| homes.contains(&paths::name(gone.trim_end_matches("/*"))));
                    return !emptied;
                }
                "npm" | "yarn" | "pnpm" | "npx" | "compile" if matches!(effect, Effect::Build) => {
                    // A manager of packages installs where it is told nothing; another tool builds.
                    let installs = matches!(step.kind(), "npm" | "yarn" | "pnpm");
                    let verb =
                        step.subcommand().unwrap_or(if installs || step.program() == "bower" { "install" } else { "" });
                    // What pnpm keeps, it links into the project: it takes no room of its own.
                    fills |= matches!(verb, "install" | "i" | "ci" | "add") && step.kind() != "pnpm";
                    const WORDS: [&str; 10] =
                        ["build", "compile", "bundle", "dist", "pack", "tsc", "prod", "release", "grunt", "gulp"];
                    let words = || step.argv.iter().map(String::as_str);
                    bundles |= !matches!(verb, "install" | "i" | "ci" | "add" | "test" | "rebuild" | "prune")
                        && words().any(|word| WORDS.iter().any(|part| word.contains(part)));
                    if verb == "cache" {
                        return false;
                    }
                }
                "npm" | "yarn" if step.argv.iter().any(|arg| arg == "cache") => return false,
                _ => {}
            }
        }
        fills && bundles
    }

    /// Leaves behind a tool for building that was unpacked or moved somewhere, where Java starts and nothing else: a variable
    /// that says where the tool lies is its own.
    fn leave_tools(&mut self) {
        const PROGRAMS: [&str; 9] = ["ant", "bazel", "cmake", "go", "gradle", "lein", "mvn", "ninja", "sbt"];
        // What else starts may start a build: a server for builds, a notebook, a script.
        let starts = &self.survey.entry.steps;
        if self.opaque || starts.is_empty() || !starts.iter().all(|step| step.program() == "java") {
            return;
        }
        let later = self.survey.units.iter().skip(self.last_build + 1).flat_map(|unit| unit.steps);
        let runs: Vec<&Step> = self.survey.entry.steps.iter().chain(later).collect();
        let started = |path: &str| {
            runs.iter()
                .any(|step| PROGRAMS.contains(&step.program()) || step.argv.iter().any(|word| word.contains(path)))
        };
        let project = |path: &str| {
            self.survey
                .units
                .iter()
                .filter_map(|unit| unit.copy.as_ref())
                .any(|copy| copy.context && copy.to.as_deref().is_some_and(|to| paths::within(to, path)))
        };
        let idle = |path: &str| stores::is_tool(path) && !started(path) && !project(path);
        let (left, carried): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.carried).into_iter().partition(|carried| idle(&carried.from));
        self.carried = carried;
        self.behind.extend(left.into_iter().map(|carried| carried.from));
    }

    /// Decides which of the folders that the build worked in go along.
    fn settle_work(&mut self) -> Result<(), Refusal> {
        if let Some((folder, command, _)) = self.in_root.first() {
            if folder.is_empty() {
                let text = format!(
                    "`{command}` works in the working directory of the base image, which is not known; give the \
                     project a folder of its own with WORKDIR"
                );
                return Err(refuse("unknown-workdir", text, false));
            }
            let text = format!(
                "`{command}` works in {folder}, among the files of the system, and what it makes there can't be told; \
                 give the project a folder of its own with WORKDIR"
            );
            return Err(refuse("project-in-root", text, false));
        }
        for work in std::mem::take(&mut self.work) {
            let path = work.path.as_str();
            if self.removed.iter().any(|removed| paths::covers(removed, path)) {
                self.behind.push(path.to_owned());
                continue;
            }
            let needed = self.needs(path, work.last);
            if path == "/" {
                self.root |= self.brings_project("/");
                continue;
            }
            // A project that the image starts from scratch space or from the folder of homes lies there alone, or beside
            // what the same base has.
            // Where what starts was put elsewhere, nothing of it is left there.
            let started = self.survey.entry.steps.first().map_or("", Step::program);
            let elsewhere = |carried: &Carried| {
                !paths::within(&carried.to, path) && paths::name(&carried.to) == started && !started.is_empty()
            };
            if path == "/tmp" && self.carried.iter().any(elsewhere) && !self.brings_project(path) {
                self.behind.push(path.to_owned());
                continue;
            }
            let lives = matches!(path, "/tmp" | "/home")
                && self.survey.model.final_workdir(self.survey.stage) == Some(path)
                && !self.removed.iter().any(|removed| paths::parent(removed) == path && removed.ends_with("/*"));
            let own = EMPTY.contains(&path) && (path != "/home" || !self.has_homes()) || path == "/root" || lives;
            if SYSTEM.contains(&path) && !own && path != "/tmp" && path != "/var/tmp"
                || path == "/tmp" && needed && !lives
            {
                if self.brings_project(path) || needed {
                    let text = format!("the build works in {path}, among other files of the system; give it a WORKDIR");
                    return Err(refuse("project-in-system-folder", text, false));
                }
                continue;
            }
            let scratch = stores::scratch(path, &SCRATCH);
            let served = || self.serves_by_settings(&|text: &str| text.contains(path));
            if !needed && (work.installed || scratch || served()) {
                if !scratch {
                    self.assumptions.push(format!(
                        "nothing reads {path} when the container runs: what was made there was installed"
                    ));
                    // What was moved into it was for the build.
                    self.carried.retain(|carried| {
                        carried.from != carried.to || carried.from == path || !paths::within(&carried.from, path)
                    });
                }
                self.behind.push(path.to_owned());
                continue;
            }
            if stores::system(path) && !needed {
                continue;
            }
            self.carry(path, work.last, work.evidence.clone());
        }
        // What lies in a folder goes along with it.
        let all = self.carried.clone();
        self.carried.retain(|carried| {
            carried.from != carried.to
                || !all.iter().any(|other| other.from != carried.from && paths::within(&carried.from, &other.from))
        });
        Ok(())
    }

    /// Refuses a link in a folder that goes along, at the place of a folder that the runtime stage has: COPY does not put
    /// the one over the other.
    ///
    /// # Errors
    /// The first such link: `rmdir /var/www/html && ln -s /var/www/public /var/www/html`.
    fn links_over_folders(&self) -> Result<(), Refusal> {
        let model = self.survey.model;
        let base = model.workdir(self.survey.stage.body.start);
        let there = [base, model.final_workdir(self.survey.stage)];
        // In a folder that is there, `ln` puts the link into it.
        let mut folders: Vec<String> = base.into_iter().map(str::to_owned).collect();
        let mut found = None;
        for unit in self.survey.units.iter().take(self.last_build + 1) {
            folders.extend(model.workdir(unit.index + 1).map(str::to_owned));
            folders.extend(unit.copy.iter().filter_map(|copy| copy.to.clone()));
            for step in unit.steps {
                let named = || step.args().iter().filter(|arg| !arg.starts_with('-'));
                let link = named().nth(1).filter(|word| step.program() == "ln" && !word.ends_with('/'));
                if let Some(made) = link.and_then(|link| step.path(link))
                    && there.contains(&Some(made.as_str()))
                    && !folders.contains(&made)
                    && self.carried.iter().any(|carried| carried.to != made && paths::within(&made, &carried.to))
                {
                    found.get_or_insert((step, made));
                }
                match step.program() {
                    "mkdir" => folders.extend(named().filter_map(|word| step.path(word))),
                    "rm" | "rmdir" | "mv" => {
                        folders.retain(|folder| !named().any(|word| step.path(word).as_deref() == Some(folder)));
                    }
                    _ => {}
                }
            }
        }
        let Some((step, made)) = found else { return Ok(()) };
        let text = format!("`{}` puts a link where the shipped image has the folder {made}", shown(step));
        Err(refuse("entangled", text, false))
    }

    /// The command that puts a project in the root folder into a folder of its own: everything there that is not the
    /// system's, and that does not go along by itself.
    fn root_project(&mut self) -> Result<Option<String>, Refusal> {
        const STAGE: &str = "/install";
        if !self.root {
            return Ok(None);
        }
        let last = self.survey.units.get(self.last_build).map_or(self.survey.stage.body.end, |unit| unit.index + 1);
        let user = self.survey.model.user(last).and_then(|user| user.text.split(':').next());
        if !matches!(user, None | Some("root" | "0" | "")) {
            let text = "the project lies in the root folder, and another than root builds it; give it a WORKDIR";
            return Err(refuse("project-in-root", text, false));
        }
        let installs = |step: &Step| {
            let name = paths::name(step.argv.iter().find(|word| word.contains('/')).map_or("", String::as_str));
            is_build_script(step) && ["install", "setup"].iter().any(|word| name.contains(word))
        };
        if let Some((_, script)) = self.survey.steps().find(|(_, step)| installs(step)) {
            let text = format!("`{}` installs, and what it does is not there to read", shown(script));
            return Err(refuse("built-by-a-script", text, true));
        }
        // What the runtime stage works on has to be there, and what lies in the root folder comes behind its commands.
        let mut built = self.survey.units.iter().take(self.last_build + 1).flat_map(|unit| unit.steps);
        if let Some(step) = built.find(|step| self.works_in_root(step)) {
            let text = format!(
                "the project lies in the root folder, and `{}` works on files beside it; give it a WORKDIR",
                shown(step)
            );
            return Err(refuse("project-in-root", text, false));
        }
        let mut names: Vec<&str> = SYSTEM.iter().filter_map(|path| path.get(1..)).collect();
        names.retain(|name| !name.is_empty() && !name.contains('/'));
        names.extend(["libx32", paths::name(STAGE)]);
        let carried = self.carried.iter().filter(|carried| carried.from == carried.to);
        let known = carried.map(|carried| &carried.from).chain(&self.behind);
        names.extend(known.filter_map(|path| path.get(1..)).filter(|name| !name.is_empty() && !name.contains('/')));
        names.sort_unstable();
        names.dedup();
        let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let names: Vec<&str> = names.into_iter().filter(plain).collect();
        let command = format!(
            "mkdir -p {STAGE} && ls -A / | grep -vxE '{}' | xargs -I '{{}}' cp -a '/{{}}' {STAGE}/",
            names.join("|")
        );
        let evidence = "the project lies in the root folder: everything there that is not the system's";
        if !self.carried.iter().any(|carried| carried.from == STAGE) {
            self.carried.push(Carried { from: STAGE.into(), to: "/".into(), owner: None, evidence: evidence.into() });
        }
        self.assumptions
            .push("what is built in the root folder lies in no folder of the system's, such as /lib".into());
        Ok(Some(command))
    }

    /// The folder above that modules are installed into, where the folder of the command has no manifest by then: npm and
    /// Yarn look for the nearest one upwards.
    fn installs_above(&self, at: usize, step: &Step, cwd: &str) -> Option<String> {
        let installs = matches!(step.program(), "npm" | "yarn")
            && matches!(step.subcommand().unwrap_or_default(), "install" | "i" | "ci" | "")
            && !step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global" | "-C" | "--prefix" | "--cwd"));
        if !installs {
            return None;
        }
        let before = self.survey.units.get(..at)?;
        let others = before.iter().flat_map(|unit| unit.steps.iter()).any(|other| {
            other.cwd.as_deref() == Some(cwd) && !matches!(other.program(), "npm" | "yarn" | "mkdir" | "chown")
        });
        let copies = || before.iter().filter_map(|unit| Some((unit, unit.copy.as_ref()?)));
        let staged = copies().any(|(unit, copy)| {
            unit.instruction.flags.iter().any(|flag| flag.name == "from")
                && copy.to.as_deref().is_none_or(|to| paths::within(to, cwd) || paths::within(cwd, to))
        });
        if others || staged {
            return None;
        }
        let has = |folder: &str| {
            let path = paths::join(folder, "package.json");
            let brought = copies().any(|(_, copy)| {
                copy.to.as_deref().is_some_and(|to| {
                    copy.sources.iter().any(|source| match paths::name(source) {
                        "package.json" => to == path || paths::join(to, "package.json") == path,
                        name if name.starts_with("package") => to == folder,
                        name => !name.trim_start_matches('.').contains('.') && paths::within(&path, to),
                    })
                })
            });
            brought && self.survey.read(&path).is_some()
        };
        if has(cwd) {
            return None;
        }
        let mut folder = cwd;
        while folder != "/" {
            folder = paths::parent(folder);
            if has(folder) {
                return Some(folder.to_owned());
            }
        }
        None
    }

    /// Whether a command that sets something up works on files in the root folder that do not go along by themselves.
    fn works_in_root(&self, step: &Step) -> bool {
        let sets_up = match effects::of(step) {
            Effect::Files(_) => !matches!(step.program(), "rm" | "mkdir"),
            Effect::Writes(_) | Effect::Configure | Effect::Unknown => true,
            _ => false,
        };
        let beside = |path: &str| {
            let top = path.split('/').nth(1).map(|name| format!("/{name}")).filter(|top| top.len() > 1);
            top.is_some_and(|top| {
                !SYSTEM.contains(&top.as_str())
                    && !self.carried.iter().any(|carried| paths::within(path, &carried.from) && carried.from != "/")
            })
        };
        let named =
            |word: &&String| word.starts_with('/') || !word.starts_with(['$', '~']) && step.cwd.as_deref() == Some("/");
        let files = step.args().iter().filter(|word| !word.starts_with('-') && !word.contains("://"));
        let words = files.skip(runs::no_files(step)).filter(|_| !matches!(effects::of(step), Effect::Configure));
        sets_up && words.chain(&step.outputs).filter(named).filter_map(|word| step.path(word)).any(|path| beside(&path))
    }

    /// Whether a command that seems to work in the root folder does so: an image that is not known may have a working
    /// directory of its own.
    fn stands_in_root(&self, at: usize, step: &Step) -> bool {
        let known = self.survey.model.known(self.survey.stage).is_some();
        let said = self.survey.units.iter().take(at).any(|unit| unit.instruction.keyword == Keyword::Workdir);
        let goes = || {
            self.survey.units.get(at).is_some_and(|unit| {
                let mut before = unit.steps.iter().take_while(|other| other.span.start < step.span.start);
                before.any(|other| other.program() == "cd")
            })
        };
        // The packages of Go lie in a folder of their own, wherever it is told to get them.
        let elsewhere = step.kind() == "go" && step.subcommand() != Some("build");
        known || said || goes() || elsewhere || !matches!(self.survey.stage.base, Base::Image { .. })
    }

    /// Whether a COPY puts a project, or what a tool of the build reads of one, into the root folder.
    fn lies_in_root(&self) -> bool {
        const FILES: [&str; 12] = [
            "package.json",
            "package*.json",
            "yarn.lock",
            "composer.json",
            "bower.json",
            "gulpfile.js",
            "Gruntfile.js",
            "manage.py",
            "Makefile",
            "CMakeLists.txt",
            "pom.xml",
            "build.gradle",
        ];
        let mut brought = self.survey.units.iter().take(self.last_build + 1).filter_map(|unit| unit.copy.as_ref());
        self.brings_project("/")
            || brought.any(|copy| {
                copy.context
                    && copy.sources.iter().any(|source| FILES.contains(&paths::name(source)))
                    && copy.to.as_deref().is_some_and(|to| to == "/" || !copy.folder && paths::parent(to) == "/")
            })
    }

    /// Whether the base image has users whose homes would become root's.
    fn has_homes(&self) -> bool {
        self.image.as_ref().is_some_and(|image| image.users().any(|user| user.home.starts_with("/home")))
            || self.survey.steps().any(|(_, step)| matches!(effects::of(step), Effect::User))
    }

    /// Whether the project lies in root's home: a COPY brings it there, and it runs there.
    fn lives_at_home(&self) -> bool {
        let brought = self.survey.units.iter().take(self.last_build + 1).filter_map(|unit| unit.copy.as_ref());
        let inside = |to: &str| {
            let rest = paths::relative(to, "/root");
            rest.is_some_and(|rest| !rest.starts_with('.'))
        };
        self.brings_project("/root")
            || self.survey.model.final_workdir(self.survey.stage) == Some("/root")
                && brought.filter(|copy| copy.context).filter_map(|copy| copy.to.as_deref()).any(inside)
    }

    /// Whether a COPY puts the project into a folder.
    fn brings_project(&self, folder: &str) -> bool {
        self.survey.units.iter().take(self.last_build + 1).filter_map(|unit| unit.copy.as_ref()).any(|copy| {
            copy.context
                && copy.to.as_deref() == Some(folder)
                && copy.sources.iter().any(|source| {
                    let name = paths::name(source);
                    matches!(source.as_str(), "." | "./" | "*" | "/") || !name.contains('.') && name != "Dockerfile"
                })
        })
    }

    /// Whether anything that runs, or any instruction after the build, names a folder.
    fn needs(&self, path: &str, last: usize) -> bool {
        let model = self.survey.model;
        let names = |text: &str| {
            text.match_indices(path).any(|(at, _)| {
                let after = text.as_bytes().get(at + path.len());
                let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
                after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
                    && before.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
            })
        };
        let anywhere = self.serves_by_settings(&names);
        let starts_in = |cwd: &str| cwd != "/" && paths::within(cwd, path);
        if !anywhere && model.final_workdir(self.survey.stage).is_some_and(starts_in) {
            return true;
        }
        let entry = self
            .survey
            .entry
            .steps
            .iter()
            .any(|step| !anywhere && plan::mentions(step, path) || step.argv.iter().any(|arg| names(arg)));
        entry
            || self.survey.units.iter().enumerate().any(|(at, unit)| match unit.instruction.keyword {
                // Everybody writes to scratch space, and finds it empty.
                Keyword::Env | Keyword::Volume if SCRATCH.contains(&path) => false,
                Keyword::Env | Keyword::Volume | Keyword::Healthcheck => {
                    names(&model.expand(unit.index, &unit.instruction.args.text).text)
                }
                Keyword::Copy | Keyword::Add if at > last => {
                    unit.copy.as_ref().and_then(|copy| copy.to.as_deref()).is_some_and(|to| paths::within(to, path))
                }
                Keyword::Run => unit.steps.iter().any(|step| {
                    // What the builder does with it later is done there.
                    let later = at > last.max(self.last_build)
                        && step.program() != "rm"
                        && !matches!(effects::of(step), Effect::User | Effect::Install(_));
                    // A settings file that is told of it: `echo '* * * * * /srv/app/update' >> /etc/crontab`.
                    let tells = step
                        .outputs
                        .iter()
                        .any(|output| output.starts_with("/etc") || output.starts_with("/var/spool"))
                        && matches!(step.kind(), "nothing" | "tee")
                        && step.argv.iter().any(|arg| names(arg));
                    if tells && !SCRATCH.contains(&path) {
                        return true;
                    }
                    (later || step.program() == "ln")
                        && step
                            .argv
                            .iter()
                            .filter(|arg| !arg.starts_with('-'))
                            .any(|arg| step.path(arg).is_some_and(|named| paths::within(&named, path)))
                }),
                _ => false,
            })
    }

    /// Whether a web server starts, which finds what it serves by its settings and not by the folder that it starts in,
    /// and none of the settings in the context is one that `names` finds something in.
    fn serves_by_settings(&self, names: &dyn Fn(&str) -> bool) -> bool {
        let Some(context) = self.survey.model.context else { return false };
        let server = |step: &Step| matches!(step.program(), "nginx" | "httpd" | "httpd-foreground" | "apachectl");
        let serves = match self.survey.entry.steps.as_slice() {
            [] => self.image.as_ref().is_some_and(|image| image.kind() == Kind::Server),
            [step] => server(step),
            _ => false,
        };
        let settings = |file: &&String| {
            let name = paths::name(file);
            name.contains(".conf") || name.contains("nginx") || file.contains("nginx/") || name.ends_with(".template")
        };
        let writes = |step: &Step| {
            matches!(step.program(), "sed" | "echo" | "printf" | "cat" | "tee" | "ln" | "envsubst")
                && step.argv.iter().any(|arg| names(arg))
        };
        serves
            && self.survey.units.iter().all(|unit| unit.instruction.heredocs.is_empty())
            && !self.survey.steps().any(|(_, step)| writes(step))
            && !context
                .files()
                .iter()
                .filter(settings)
                .any(|file| context.read(file).is_none_or(|text| names(&String::from_utf8_lossy(&text))))
    }

    fn carry(&mut self, path: &str, at: usize, evidence: String) {
        let gone = self.removed.iter().any(|removed| paths::covers(removed, path));
        // What extensions of PHP are made of in its official image.
        let php = self.image.as_ref().and_then(Image::language) == Some("php");
        if php && paths::within(path, "/usr/src/php") {
            self.behind.push(path.to_owned());
            return;
        }
        if gone
            || SYSTEM.contains(&path) && !EMPTY.contains(&path) && !matches!(path, "/root" | "/tmp")
            || self.carried.iter().any(|carried| paths::within(path, &carried.from))
        {
            return;
        }
        self.carried.retain(|carried| carried.from != carried.to || !paths::within(&carried.from, path));
        let index = self.survey.units.get(at).map(|unit| unit.index);
        let user = index.and_then(|index| self.survey.model.user(index)).map(|user| user.text.clone());
        // What another than root has put among the system's files is root's: `sudo make install`.
        let system = stores::system(path) || path == "/usr/local";
        let owner = user.filter(|user| !system && !matches!(user.split(':').next(), Some("root" | "0" | "")));
        self.carried.push(Carried { from: path.to_owned(), to: path.to_owned(), owner, evidence });
    }

    /// COPY makes root the owner of what it brings: who owned a folder before owns it after.
    fn owners(&mut self) {
        let survey = self.survey;
        // The folder that WORKDIR makes before the copies come.
        let index = survey.units.get(self.last_build).map_or(survey.stage.body.end, |unit| unit.index + 1);
        let there = survey.model.workdir(index).map(str::to_owned);
        let mut kept: Vec<(String, String)> = Vec::new();
        for carried in &mut self.carried {
            for unit in survey.units.iter().take(self.last_build + 1) {
                let flag = unit.instruction.flags.iter().find(|flag| flag.name == "chown");
                if let (Some(copy), Some(owner)) = (&unit.copy, flag.and_then(|flag| flag.value.as_deref()))
                    && copy.to.as_deref() == Some(carried.from.as_str())
                {
                    carried.owner = Some(owner.to_owned());
                }
                for step in unit.steps {
                    // A folder that is there before has its own mode, whatever is copied into it.
                    if step.program() == "chmod"
                        && let [mode, path] = step.operands().collect::<Vec<_>>().as_slice()
                        && step.path(path).as_deref() == Some(carried.to.as_str())
                        && opens(mode)
                        && survey
                            .model
                            .workdir(survey.stage.body.end)
                            .is_some_and(|cwd| paths::within(cwd, &carried.to))
                    {
                        self.finish.push(format!("chmod {mode} {}", carried.to));
                    }
                    if step.program() != "chown" {
                        continue;
                    }
                    let recursive = step.is_recursive();
                    let mut operands = step.args().iter().filter(|arg| !arg.starts_with('-'));
                    let Some(owner) = operands.next().filter(|owner| !owner.contains('`') && !owner.contains("$("))
                    else {
                        continue;
                    };
                    for path in operands.filter_map(|path| step.path(path)) {
                        if paths::within(&carried.from, &path) && recursive {
                            carried.owner = Some(owner_and_group(owner));
                            // COPY leaves a folder that is there before to whom it belongs.
                            kept.retain(|(there, _)| *there != carried.to);
                            if there.as_deref().is_some_and(|cwd| paths::within(cwd, &carried.to)) {
                                kept.push((carried.to.clone(), owner_and_group(owner)));
                            }
                        } else if paths::within(&path, &carried.from)
                            && !self.removed.iter().any(|gone| paths::covers(gone, &path))
                        {
                            let flag = if recursive { "-R " } else { "" };
                            self.finish.push(format!("chown {flag}{owner} {path}"));
                        }
                    }
                }
            }
        }
        // The home that the base image has belongs to whom it is made for, whoever adds to it.
        for carried in self.carried.iter_mut().filter(|carried| carried.owner.is_none()) {
            let users = self.image.iter().flat_map(Image::users);
            let mut homes = users.filter(|user| user.home == carried.to && user.home.starts_with("/home/"));
            carried.owner = homes.next().map(|user| user.name.to_owned());
        }
        // What is owned as a whole by now needs no second word.
        let owners: Vec<(String, String)> =
            self.carried.iter().filter_map(|carried| Some((carried.from.clone(), carried.owner.clone()?))).collect();
        self.finish.retain(|command| {
            !owners.iter().any(|(path, owner)| {
                command.starts_with("chown ")
                    && command.contains(&format!(" {owner} "))
                    && command.contains(path.as_str())
            })
        });
        // Root, as whom the program would run, may write there anyway.
        let user = survey.model.user(survey.stage.body.end).map(|user| user.text.clone());
        if user.is_some_and(|user| !matches!(user.split(':').next(), Some("root" | "0" | ""))) {
            let homes: Vec<&str> = self.image.iter().flat_map(Image::users).map(|user| user.home).collect();
            let others = kept.into_iter().filter(|(path, _)| !homes.contains(&path.as_str()));
            self.finish.extend(others.map(|(path, owner)| format!("chown {owner} {path}")));
        }
        let mut seen: Vec<String> = Vec::new();
        self.finish.retain(|command| {
            let new = !seen.contains(command);
            seen.push(command.clone());
            new
        });
        // The cache of libraries is made when everything is there.
        if let Some(at) = self.finish.iter().position(|command| command == "ldconfig") {
            let last = self.finish.remove(at);
            self.finish.push(last);
        }
    }
}

/// Whether a mode lets others than the owner write.
fn opens(mode: &str) -> bool {
    let digits = mode.get(mode.len().saturating_sub(2)..).unwrap_or(mode).bytes();
    let number = mode.bytes().all(|byte| byte.is_ascii_digit());
    number && digits.into_iter().any(|digit| matches!(digit, b'2' | b'3' | b'6' | b'7'))
        || !number
            && !mode.contains('$')
            && mode.split_once('+').is_some_and(|(who, what)| who != "u" && what.contains('w'))
}

/// What `chown` is told, as COPY takes it: `user.group` is an old way to write `user:group`, and without a name behind the
/// sign it is the user's own group.
fn owner_and_group(owner: &str) -> String {
    let (user, group) = owner.split_once(':').or_else(|| owner.split_once('.')).unwrap_or((owner, ""));
    if group.is_empty() { user.to_owned() } else { format!("{user}:{group}") }
}

/// Whether `cp` is told to copy folders with all that is in them.
fn copies_folders(step: &Step) -> bool {
    let short = |arg: &str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['r', 'R', 'a']);
    step.args().iter().any(|arg| matches!(arg.as_str(), "--recursive" | "--archive") || short(arg))
}

/// Whether a command makes a package and has the package manager install it: `makepkg -si`.
fn installs_its_package(step: &Step) -> bool {
    step.program() == "makepkg"
        && step
            .args()
            .iter()
            .any(|arg| arg == "--install" || arg.starts_with('-') && !arg.starts_with("--") && arg.contains('i'))
}

/// The words of `make install PREFIX=/usr` with other folders; `None` where none is named.
fn told_elsewhere(step: &Step, stage: &str) -> Option<String> {
    let mut told = false;
    let words: Vec<String> = step
        .argv
        .iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if value.starts_with('/') && name.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                told |= matches!(name, "PREFIX" | "prefix" | "DESTDIR");
                format!("{name}={stage}{value}")
            }
            _ => word.clone(),
        })
        .collect();
    told.then(|| words.join(" "))
}

/// What a command installs and a command of the same instruction takes away again.
fn removed_packages(step: &Step) -> Vec<String> {
    match effects::of(step) {
        Effect::Remove(packages) => packages.names.clone(),
        _ => Vec::new(),
    }
}

/// Where a command unpacks the compiler of Go: `tar -C /usr/local -xzf go1.22.linux-amd64.tar.gz`; `None` where the image
/// starts it, or may.
fn go_root(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    if step.kind() != "unpack" || survey.entry.steps.iter().any(|entry| entry.program() == "go") {
        return None;
    }
    let Effect::Writes(written) = effects::of(step) else { return None };
    let [folder] = written.as_slice() else { return None };
    let mut words = step.args().iter().chain(&step.piped).flat_map(|word| word.split([' ', '"', '\'']));
    let archive = words.any(|word| {
        let name = paths::name(word);
        name.strip_prefix("go").is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit() || c == '$') || rest == ".tgz" || rest == ".tar.gz"
        }) && (name.contains(".tar") || name.ends_with(".tgz"))
    });
    let stripped = step.args().iter().any(|arg| arg.starts_with("--strip"));
    let root = if stripped { folder.clone() } else { paths::join(folder, "go") };
    (archive && !SYSTEM.contains(&root.as_str()) && root != "/usr/local").then_some(root)
}

/// Whether what a build command makes lies in the folder that it works in, or where its own options say.
fn stays_here(step: &Step) -> bool {
    match step.kind() {
        "compile" => step.program() != "patch",
        "npm" | "yarn" | "pnpm" | "npx" | "composer" | "jvm" | "make" | "cmake" | "ninja" => true,
        "go" => step.subcommand() == Some("build"),
        "interpreter" => step.args().first().is_some_and(|script| script.ends_with("manage.py")),
        _ => false,
    }
}

/// A command as it is shown to people.
pub(super) fn shown(step: &Step) -> String {
    step.argv.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// What the programs of a crate are called.
fn called(name: &str) -> Vec<String> {
    crates::programs(name).map_or_else(|| vec![name.to_owned()], |names| names.map(str::to_owned).collect())
}

/// Whether a program is called by a part of the name of a crate, or the crate by one of the program's.
fn alike(names: &[String], program: &str) -> bool {
    names.iter().any(|name| name.contains(program) || program.contains(name.as_str()))
}

/// Whether `cargo install` installs the project that it runs in.
fn crate_here(step: &Step) -> bool {
    let path = |word: &String| word.starts_with("--path");
    step.args().iter().any(path) || step.args().iter().all(|word| word == "install" || word.starts_with('-'))
}

/// The folder that an installer was told to install into: `-p /opt/conda`, `--prefix=/opt/x`.
fn option_folder(step: &Step) -> Option<String> {
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
            return step.path(path).filter(|path| !SYSTEM.contains(&path.as_str()));
        }
    }
    None
}

/// Whether a path that a command writes is a file of its own, not a folder that others write to.
fn is_file_like(path: &str, step: &Step) -> bool {
    match step.kind() {
        "download" | "install" => true,
        "copy" => !step.argv.last().is_some_and(|last| last.ends_with('/')) && !SYSTEM.contains(&path),
        _ => false,
    }
}

/// Whether the stage starts something that a rewrite must keep working, and needs no toolchain for.
fn starts(survey: &Survey<'_, '_>, image: Option<&Image<'_>>) -> Result<(), Refusal> {
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
        return Err(refuse(super::STARTS_NOTHING, text, true));
    }
    if !survey.entry.known {
        return Err(refuse("unreadable-entry", "what CMD or ENTRYPOINT starts can't be parsed", false));
    }
    let waits = survey.entry.steps.iter().all(|step| {
        let file = |at: usize| {
            let before = at.checked_sub(1).and_then(|before| step.args().get(before));
            before.is_some_and(|option| matches!(option.as_str(), "--init-file" | "--rcfile"))
        };
        let interactive = SHELLS.contains(&step.program())
            && step
                .args()
                .iter()
                .enumerate()
                .all(|(at, arg)| arg.starts_with('-') && !arg.starts_with("-c") || file(at));
        // A shell in the browser: `gotty -w bash`.
        let shown = matches!(step.program(), "gotty" | "ttyd" | "wetty" | "butterfly.server.py" | "shellinaboxd")
            && step.args().iter().any(|arg| SHELLS.contains(&paths::name(arg)) || arg == "/:LOGIN");
        // `tini -- bash`, `docker-entrypoint.sh bash`: what comes before it ends in the shell.
        let handed = match step.args() {
            [.., before, last] => SHELLS.contains(&paths::name(last)) && (!before.starts_with('-') || before == "--"),
            [last] => SHELLS.contains(&paths::name(last)),
            [] => false,
        };
        let editor = matches!(
            step.program(),
            "nvim" | "vim" | "vi" | "emacs" | "atom" | "code" | "code-server" | "eclipse" | "idea.sh" | "clion.sh" | "qtcreator"
        );
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
    });
    if waits {
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
    // What Compose mounts over the project hides what was compiled of it.
    let hidden = |step: &Step| {
        let mounts = survey.model.settings.starts.iter().flat_map(|start| &start.mounts);
        mounts.filter(|mount| mount.host.is_some()).any(|mount| step.cwd.as_deref() == Some(mount.path.as_str()))
    };
    if let Some(start) = survey.entry.steps.iter().find(|step| step.program() == "mix")
        && (hidden(start) || !survey.steps().any(|(_, step)| compiles_elixir(step)))
        && let Some(name) = elixir_in_c(survey)
    {
        let text = format!("`{}` compiles when the container starts, {name} in C", shown(start));
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    if survey.steps().any(|(_, step)| matches!(step.program(), "dnu" | "kpm")) {
        let text = "DNX compiles what it starts, from packages in the home of who built";
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}

/// Whether a task of Mix compiles the project, as most do that are not there to fetch.
fn compiles_elixir(step: &Step) -> bool {
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
pub(super) fn scripts(
    survey: &Survey<'_, '_>,
    step: &Step,
    each: &mut dyn FnMut(&Step) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    scripts_at(survey, survey.stage.body.end, step, each)
}

/// The same for a command of the instruction `index`.
fn scripts_at(
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
fn adrift(survey: &Survey<'_, '_>, image: Option<&Image<'_>>) -> Result<(), Refusal> {
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
fn results_adrift(survey: &Survey<'_, '_>, carried: &[Carried]) -> Result<(), Refusal> {
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
        let own = !SYSTEM.contains(&top.as_str()) && top.len() > 1 && !matches!(top.as_str(), "/install" | "/go");
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
fn installs_for_the_start(survey: &Survey<'_, '_>) -> Option<Refusal> {
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
fn unpublished(survey: &Survey<'_, '_>, image: Option<&Image<'_>>) -> Result<(), Refusal> {
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
pub(super) fn asks_for_the_sdk(survey: &Survey<'_, '_>) -> Option<&'static str> {
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
fn runs_projects(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
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
fn unread(survey: &Survey<'_, '_>, last_build: usize) -> Result<(), Refusal> {
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

/// Whether a command is a script that can't be read and that doesn't lie in the project it works on.
pub(super) fn hidden(survey: &Survey<'_, '_>, step: &Step) -> bool {
    if !matches!(effects::of(step), Effect::Unknown) || option_folder(step).is_some() || stores::aws(step).is_some() {
        return false;
    }
    if effects::from_network(step) {
        return true;
    }
    let Some(program) = step.argv.first() else { return false };
    let shell = SHELLS.contains(&paths::name(program)) || matches!(program.as_str(), "." | "source");
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
    let own =
        |folder: &str| !SYSTEM.contains(&folder) && !stores::system(folder) && !paths::within(folder, "/usr/local");
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
fn toolchain(step: &Step) -> Result<(), Refusal> {
    // As what an image starts, these names are programs of its own.
    let own = matches!(step.program(), "bootstrap" | "bootstrap.sh" | "boot" | "b2")
        && step.argv.first().is_some_and(|program| program.contains('/'));
    let compiles = match step.kind() {
        _ if own => false,
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
fn last_build(survey: &Survey<'_, '_>) -> Result<usize, Refusal> {
    let mut last = None;
    let mut scripts = None;
    for (at, step) in survey.steps() {
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
                    && packages
                        .names
                        .iter()
                        .any(|name| name.starts_with('.') || packages.role(name) == Role::Build) =>
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

/// Whether a script of the project is there to read, and does nothing but compile in the folder where it works.
fn builds_in_place(survey: &Survey<'_, '_>, script: &Step) -> bool {
    let Some(folder) = script.cwd.as_deref().filter(|folder| !SYSTEM.contains(folder)) else { return false };
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
fn only_to_compile_with(step: &Step) -> bool {
    let mut operands: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
    operands.pop();
    let ends = [".a", ".la", ".h", ".hh", ".hpp", ".pc", ".cmake"];
    !operands.is_empty() && operands.iter().all(|operand| ends.iter().any(|end| operand.ends_with(end)))
}

/// Whether a command is a script of the project's that builds.
pub(super) fn is_build_script(step: &Step) -> bool {
    let program = step.argv.first().map(String::as_str).unwrap_or_default();
    let name = paths::name(program).to_ascii_lowercase();
    let shell = SHELLS.contains(&name.as_str());
    let script =
        if shell { step.args().iter().find(|arg| !arg.starts_with('-')).map_or("", String::as_str) } else { program };
    let name = paths::name(script).to_ascii_lowercase();
    let path = script.contains('/') || name.ends_with(".sh") || name.ends_with(".py") || name.ends_with(".pl");
    path && ["build", "compile", "install", "make", "bootstrap", "setup", "configure", "autogen", "prepare"]
        .iter()
        .any(|word| name.contains(word))
}
