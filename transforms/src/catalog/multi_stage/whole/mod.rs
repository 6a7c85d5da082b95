//! Whatever the language: what the build wrote goes along whole, what it was built with stays behind.
//!
//! The rule of the file is to keep more where it can't tell: a folder that the build worked in is left behind only
//! where what it made was installed elsewhere and nothing that runs names it.

mod last_build;
mod leaves;
mod makes;
mod orphans;
mod outside;
mod settle;
mod staged;
mod starts;
mod stored;
mod trace;
mod unpacked;
mod writes;

use crate::knowledge::crates;
use crate::knowledge::images::Image;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Base, base, paths};
use crate::span::Span;
use crate::transform::{Applicability, Refusal};

use super::plan::{Carried, Recipe};
use super::programs::Programs;
use super::runtime::{self, Runtime};
use super::survey::{Survey, Unit, refuse};
use super::{globalization, go, helpers, lean, libraries, runs, stores, workplace};

use last_build::last_build;
pub(super) use last_build::{hidden, is_build_script};
pub(super) use makes::option_folder;
pub(super) use staged::STAGE;
use starts::{adrift, installs_for_the_start, results_adrift, runs_projects, starts, unpublished, unread};
pub(super) use starts::{asks_for_the_sdk, scripts};

/// Folders of the system that distributions leave empty: whatever is there is the file's own.
const EMPTY: [&str; 6] = ["/opt", "/srv", "/usr/src", "/mnt", "/media", "/home"];

/// Folders whose content is gone when the container starts, or is of no use then.
const SCRATCH: [&str; 6] = ["/tmp", "/var/tmp", "/root/.cache", "/root/.npm", "/var/cache", "/run"];

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
    /// Whether a folder that is copied over the system's may hold folders that are links there.
    unfolded: bool,
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
            unfolded: false,
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
        self.scripts_behind()?;
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
        self.leave_links();
        self.leaves()?;
        self.build_dependencies()?;
        adrift(self.survey, self.image.as_ref())?;
        self.nothing_behind()?;
        unread(self.survey, self.last_build)?;
        self.settle_work()?;
        self.leave_tools();
        self.links_over_folders()?;
        if self.smaller {
            self.lacking()?;
        }
        self.compilers_libraries();
        if helpers::corepack(self.survey, &self.programs()).is_some() {
            let (from, to) = (helpers::COREPACK.1.to_owned(), helpers::COREPACK.1.to_owned());
            let evidence = "Corepack keeps there what starts".into();
            self.carried.push(Carried { from, to, owner: None, evidence });
        }
        results_adrift(self.survey, &self.carried)?;
        let root = self.root_project()?;
        self.leave_unused();
        let sources_stay = lean::stays_in_root(self.survey, &self.carried);
        self.prune();
        self.build.extend(root);
        self.build.extend(self.unfolded.then(|| staged::folded(self.survey.model.file)));
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

    /// Looks at the scripts that run behind the build and can't be read.
    ///
    /// # Errors
    /// Where one may run what only the full image has.
    fn scripts_behind(&mut self) -> Result<(), Refusal> {
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
        Ok(())
    }

    /// # Errors
    /// Where an install is of what something is built with, and which of that it needs later is not told.
    fn build_dependencies(&self) -> Result<(), Refusal> {
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
        Ok(())
    }

    /// # Errors
    /// Where what comes behind the build asks for what only the builder has: a package that is made there, an account that
    /// a script may make.
    fn nothing_behind(&self) -> Result<(), Refusal> {
        let behind = self.survey.units.iter().skip(self.last_build + 1);
        for unit in behind.clone() {
            let mut packages = unit.steps.iter().filter_map(|step| runs::made_archive(self.survey, unit, step));
            let copied = |path: &String| self.carried.iter().any(|carried| paths::within(path, &carried.to));
            if let Some(made) = packages.find(|path| !copied(path)) {
                return Err(runs::installs_made(unit.instruction.lines.0, &made));
            }
        }
        let nobodys = |unit: &'s Unit<'m>| {
            unit.steps.iter().find_map(|step| runs::nobodys(self.survey, step)).map(|found| (unit, found))
        };
        if let Some((unit, (owner, maker))) = behind.into_iter().find_map(nobodys) {
            let text = format!(
                "line {} names {owner}, whom no instruction makes; `{maker}` may, and what it does is not there to read",
                unit.instruction.lines.0
            );
            return Err(refuse("built-by-a-script", text, true));
        }
        Ok(())
    }

    /// Finds what the programs need that the smaller image lacks.
    fn lacking(&mut self) -> Result<(), Refusal> {
        let image = self.image.as_ref();
        let wanted = libraries::wanted(self.survey, self.last_build, image, &self.runtime, &self.carried)?;
        self.libraries = wanted.packages;
        self.carried.extend(wanted.carried);
        self.build.extend(wanted.build);
        self.assumptions.extend(wanted.assumptions);
        if self.image.as_ref().is_some_and(|image| image.name() == "golang")
            && go::lacks_certificates(self.survey, &self.runtime)
        {
            let path = "/etc/ssl/certs/ca-certificates.crt".to_owned();
            let evidence = "the program may speak TLS, and the plain image has no certificates".into();
            self.carried.push(Carried { from: path.clone(), to: path, owner: None, evidence });
        }
        self.setup.extend(globalization::install(self.survey, &self.runtime));
        if self.carried.iter().any(|carried| carried.to == "/usr/local/lib/") {
            self.finish.push("ldconfig".into());
        }
        Ok(())
    }

    /// Leaves behind what the context proves to be of no use when the container runs.
    fn leave_unused(&mut self) {
        self.behind.extend(lean::one_program(self.survey, &mut self.carried));
        self.behind.extend(lean::published(self.survey, &mut self.carried));
        self.behind.extend(lean::static_site(self.survey, &mut self.carried));
        self.behind.extend(lean::nitro(self.survey, &mut self.carried));
        self.behind.extend(lean::brought_again(self.survey, self.last_build, &mut self.carried));
        if let Some(path) = lean::settings_left(self.survey, self.last_build, &self.carried) {
            let evidence = "the program reads it, and the repository does not have it".into();
            self.build.push(format!("touch {path}"));
            self.carried.push(Carried { from: path.clone(), to: path, owner: None, evidence });
        }
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

    fn carry(&mut self, path: &str, at: usize, evidence: String) {
        let gone = self.removed.iter().any(|removed| paths::covers(removed, path));
        // What extensions of PHP are made of in its official image.
        let php = self.image.as_ref().and_then(Image::language) == Some("php");
        if php && paths::within(path, "/usr/src/php") {
            self.behind.push(path.to_owned());
            return;
        }
        if gone
            || Words::SystemFolders.has(path) && !EMPTY.contains(&path) && !matches!(path, "/root" | "/tmp")
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
        .assignments
        .iter()
        .chain(&step.argv)
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
    (archive && !Words::SystemFolders.has(root.as_str()) && root != "/usr/local").then_some(root)
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
