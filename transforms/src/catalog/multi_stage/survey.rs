//! What the split looks at: the shipped stage, instruction by instruction, with the commands of every RUN.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::knowledge::fetches::{self, Fetch};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::effects::{self, Effect, Store};
use crate::model::entry::{self, Entry};
use crate::model::{Model, Stage, origin, paths, python};
use crate::syntax::{Instruction, Keyword, words};
use crate::transform::Refusal;

use super::{calls, runs, tidy, whole};

/// The folders in which a program is looked up that is called by its name.
pub(super) const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The shipped stage as the split sees it.
pub(super) struct Survey<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    pub(super) stage: &'m Stage,
    /// What it starts: as the file says it, until others are known that it starts as well.
    pub(super) entry: Cow<'m, Entry>,
    pub(super) units: Vec<Unit<'m>>,
    /// What asks whether a container of it is well.
    pub(super) checks: Vec<Step>,
    called: OnceCell<calls::Called>,
    /// What supervisord starts, once somebody has asked.
    supervised: OnceCell<Vec<String>>,
    /// What is gone behind each unit, once somebody has asked.
    gone: Vec<OnceCell<Vec<String>>>,
}

/// An instruction of the stage.
pub(super) struct Unit<'m> {
    /// Its index in the file.
    pub(super) index: usize,
    pub(super) instruction: &'m Instruction<'m>,
    /// The commands of a RUN, in order.
    pub(super) steps: &'m [Step],
    /// Whether it is a RUN that takes away itself what it built with, and whose commands are left out for that.
    pub(super) tidy: bool,
    /// The commands that are left out for that.
    pub(super) own: &'m [Step],
    /// What a COPY or ADD brings.
    pub(super) copy: Option<&'m Copied>,
}

impl<'m, 'a> Survey<'m, 'a> {
    /// Reads the stage; with `tidy`, without the commands that take away themselves what they built with.
    ///
    /// # Errors
    /// A refusal where an instruction of it can't be read, or is of a kind that a split would change the meaning of.
    pub(super) fn new(model: &'m Model<'a>, stage: &'m Stage, tidy: bool) -> Result<Self, Refusal> {
        let mut units = Vec::with_capacity(stage.body.len());
        for (index, instruction) in model.body(stage) {
            if instruction.opaque {
                return Err(refuse("opaque", "an instruction holds bytes that are not UTF-8", false));
            }
            let mut unit = Unit { index, instruction, steps: &[], tidy: false, own: &[], copy: None };
            match instruction.keyword {
                Keyword::Onbuild => {
                    return Err(refuse("onbuild", "ONBUILD makes it a base image for other builds", true));
                }
                Keyword::Run => {
                    if !model.posix(index) {
                        return Err(refuse("windows-shell", "its RUN instructions are not for a POSIX shell", true));
                    }
                    match model.steps(index) {
                        Some(steps) if tidy && tidy::is_tidy(steps) => {
                            unit.tidy = true;
                            unit.own = steps;
                        }
                        Some(steps) => unit.steps = steps,
                        None => {
                            let line = instruction.lines.0;
                            let text = format!("the shell script of RUN in line {line} can't be parsed");
                            return Err(refuse("unreadable-run", text, false));
                        }
                    }
                }
                Keyword::Copy | Keyword::Add => unit.copy = model.copied(index),
                _ => {}
            }
            units.push(unit);
        }
        let gone = units.iter().map(|_| OnceCell::new()).collect();
        Ok(Self {
            model,
            stage,
            entry: Cow::Borrowed(entry::of(model, stage)),
            units,
            checks: entry::checks(model, stage),
            called: OnceCell::new(),
            supervised: OnceCell::new(),
            gone,
        })
    }

    /// Adds commands that others start in the image to those that it starts itself.
    pub(super) fn also(&mut self, starts: &[&[Step]]) {
        for step in starts.iter().copied().flatten() {
            if !self.entry.steps.contains(step) {
                self.entry.to_mut().steps.push(step.clone());
            }
        }
    }

    /// Every command of the stage with the unit it is in.
    pub(super) fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.units.iter().enumerate().flat_map(|(at, unit)| unit.steps.iter().map(move |step| (at, step)))
    }

    /// Whether a command downloads something into the home, where the program looks for it: as it says itself, or as the
    /// files of the project say that it runs.
    pub(super) fn downloads(&self, step: &Step) -> Option<Fetch> {
        match effects::of(step) {
            Effect::Home(fetch) => Some(*fetch),
            Effect::Build => python::files(step).iter().find_map(|path| {
                let text = self.read(path)?;
                fetches::of(&crate::context::text(&text)).map(|(fetch, _)| fetch)
            }),
            _ => None,
        }
    }

    /// Whether anything that is built may use OpenMP, whose library compilers bring: no where all the sources are there to
    /// read, and none of them, nor a list of modules, says so.
    pub(super) fn parallel(&self) -> bool {
        const MARKS: [&str; 4] = ["openmp", "omp.h", "pragma omp", "gomp"];
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let names = |text: &str| text.contains("git+") || text.split(word).any(|word| Words::CompiledModules.has(word));
        // Modules of these are hardly ever written for it.
        let serial = |step: &Step| match step.kind() {
            "npm" | "yarn" | "pnpm" | "npx" | "gem" | "bundle" | "rake" | "composer" | "php-ext" | "rust" => true,
            "compile" => {
                const COMPILERS: [&str; 8] = ["c++", "cc", "clang", "clang++", "g++", "gcc", "gfortran", "nvcc"];
                !COMPILERS.contains(&step.program())
            }
            _ => step.piped.as_deref().is_some_and(|from| from.contains("rustup")),
        };
        let works = |step: &Step| match effects::of(step) {
            Effect::Build | Effect::Store(_) => true,
            Effect::Unknown => whole::is_build_script(step),
            _ => false,
        };
        if self.steps().filter(|(_, step)| works(step)).all(|(_, step)| serial(step)) {
            return false;
        }
        let Some(context) = self.model.context else { return true };
        if self.steps().any(|(_, step)| matches!(effects::of(step), Effect::Fetch(_)) || step.kind() == "download") {
            return true;
        }
        context.files().iter().any(|file| {
            let name = paths::name(file);
            let read = name == "Makefile"
                || name == "Pipfile"
                || name.rsplit_once('.').is_some_and(|(_, end)| Words::NativeEnds.has(end));
            let lists = name == "Pipfile"
                || name == "setup.py"
                || name.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "txt" | "toml" | "lock" | "cfg"));
            read && context.read(file).is_none_or(|text| {
                let text = crate::context::text(&text).to_ascii_lowercase();
                MARKS.iter().any(|mark| text.contains(mark)) || lists && names(&text)
            })
        }) || self.steps().any(|(_, step)| {
            step.argv.iter().any(|word| {
                let word = word.to_ascii_lowercase();
                MARKS.iter().any(|mark| word.contains(mark)) || names(&word)
            })
        })
    }

    /// Whether the sources of the project may start this program: a text of theirs begins with its name, as
    /// `subprocess.run(["git", "log"])` and `system("git log")` do.
    pub(super) fn calls(&self, program: &str) -> bool {
        self.called().words.contains(program)
    }

    /// The programs of full images that the sources of the project start.
    pub(super) fn starts(&self) -> &BTreeSet<String> {
        &self.called().started
    }

    /// A source of the project in Python that has something compiled when it runs, with the words that say so.
    pub(super) fn compiled(&self) -> Option<(&str, &'static str)> {
        self.called().compiled.as_ref().map(|(file, words)| (file.as_str(), *words))
    }

    /// A source of the project that starts a compiler when it runs which the file installs, with the compiler.
    pub(super) fn compiler(&self) -> Option<(&str, &str)> {
        // What brings the compiler of C is called by its collection as well.
        let brings = |compiler: &str| {
            self.installs(compiler)
                || matches!(compiler, "gcc" | "g++")
                    && ["build-essential", "build-base", "gcc-c++"].iter().any(|package| self.installs(package))
        };
        let mut found = self.called().compilers.iter().filter(|(_, compiler)| brings(compiler));
        found.next().map(|(file, compiler)| (file.as_str(), compiler.as_str()))
    }

    /// The programs that supervisord starts, by settings that the file writes, or that the project has.
    pub(super) fn supervised(&self) -> &[String] {
        self.supervised.get_or_init(|| runs::supervised(self))
    }

    fn called(&self) -> &calls::Called {
        self.called.get_or_init(|| {
            let words: Vec<&str> =
                self.entry.steps.iter().flat_map(|step| &step.argv).map(|word| paths::name(word)).collect();
            self.model.context.map(|context| calls::read(context, &words)).unwrap_or_default()
        })
    }

    /// Whether any command of the stage is build work.
    pub(super) fn builds(&self) -> bool {
        self.steps().any(|(_, step)| effects::of(step).is_work())
    }

    /// The paths that commands up to unit `last` take away, and that nothing after makes again.
    pub(super) fn removed(&self, last: usize) -> &[String] {
        let last = last.min(self.units.len().saturating_sub(1));
        self.gone.get(last).map_or(&[], |gone| gone.get_or_init(|| self.gone_behind(last)))
    }

    fn gone_behind(&self, last: usize) -> Vec<String> {
        // From the last unit before for which it is known.
        let known = |at: usize| Some((at + 1, self.gone.get(at)?.get()?.clone()));
        let (first, mut removed) = (0..last).rev().find_map(known).unwrap_or_default();
        for unit in self.units.iter().take(last + 1).skip(first) {
            let to = unit.copy.as_ref().and_then(|copy| copy.to.as_deref());
            if let Some(to) = to.filter(|to| !Words::SystemFolders.has(to)) {
                removed.retain(|gone| !paths::covers(gone, to) && !paths::within(gone, to));
            }
            for step in unit.steps {
                removes(step, &mut removed, &|path| self.downloaded(path));
            }
        }
        removed
    }

    /// Whether a command downloads a file to this path. What is built in the folder does not make it again.
    fn downloaded(&self, path: &str) -> bool {
        self.steps().any(|(_, step)| {
            (step.kind() == "download" || step.program().starts_with("php"))
                && matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|file| file == path))
        })
    }

    /// Whether `path` is a file that a COPY names: not something that a command makes.
    pub(super) fn copied_file(&self, path: &str) -> bool {
        self.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
            let Some(to) = copy.to.as_deref() else { return false };
            copy.sources.iter().any(|source| {
                let name = paths::name(source);
                if matches!(name, "." | ".." | "" | "*") {
                    return false;
                }
                // A file may get another name: `COPY builder.sh /usr/local/bin/builder`.
                let file = || PATH.contains(&paths::parent(path)) && !copy.there && copy.sources.len() == 1;
                name == paths::name(path) && (to == path && !copy.folder || paths::join(to, name) == path)
                    || to == path && file()
            })
        }) || self.model.context.is_some_and(|context| {
            self.context_path(path).is_some_and(|inside| context.files().binary_search(&inside).is_ok())
        })
    }

    /// The file that a command starts: by its path, or by its name where a COPY puts a file of this name into PATH.
    pub(super) fn started(&self, step: &Step) -> Option<String> {
        let program = step.argv.first()?;
        if program.contains('/') {
            return step.path(program);
        }
        PATH.iter().map(|folder| paths::join(folder, program)).find(|path| self.copied_file(path))
    }

    /// Whether a package of this name is installed.
    pub(super) fn installs(&self, name: &str) -> bool {
        self.units.iter().flat_map(|unit| unit.steps.iter().chain(unit.own)).any(|step| {
            matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|package| package == name))
        })
    }

    /// The path in the build context that a path in the image was copied from.
    pub(super) fn context_path(&self, path: &str) -> Option<String> {
        origin::find(self.model, self.stage, path, Some)
    }

    /// The content of a file of the image that came from the build context.
    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let context = self.model.context?;
        context.read(&self.context_path(path)?).map(|content| content.into_owned())
    }
}

/// What a command takes away, and what it makes again of what was taken away.
fn removes(step: &Step, removed: &mut Vec<String>, downloaded: &dyn Fn(&str) -> bool) {
    let named = |step: &Step| -> Vec<String> {
        let operands = step.args().iter().filter(|arg| !arg.starts_with('-'));
        operands.filter_map(|arg| step.path(arg)).filter(|path| paths::plain(path)).collect()
    };
    match effects::of(step) {
        Effect::Files(_) if matches!(step.program(), "rm" | "rmdir") && step.always => {
            removed.extend(named(step).into_iter().filter(|path| path != "/" && path != "/*"));
        }
        Effect::Files(_) if matches!(step.program(), "rm" | "rmdir") => {}
        // `mv microsoft.gpg /etc/apt/trusted.gpg.d/`
        Effect::Repository if step.program() == "mv" && step.always => {
            let mut sources = named(step);
            sources.pop();
            removed.extend(sources);
        }
        // Who has a folder, or that it is there, brings nothing back into it: `chown -R www-data /var/www/html`.
        Effect::Files(made) => removed.retain(|gone| !made.iter().any(|path| paths::covers(gone, path))),
        Effect::Writes(made) => {
            // What is put into a folder of the system is no part of it that was there before.
            let made = || made.iter().filter(|path| !Words::SystemFolders.has(path.as_str()));
            removed.retain(|gone| !made().any(|path| paths::covers(gone, path) || paths::within(gone, path)));
            // What is moved is no longer where it was.
            if step.program() == "mv" && step.always {
                // `mv $NAME /opt/ort`: where it is moved to is known, where it was is not.
                let to = step.args().iter().rfind(|arg| !arg.starts_with('-')).and_then(|arg| step.path(arg));
                removed.extend(named(step).into_iter().filter(|source| Some(source) != to.as_ref()));
            }
        }
        Effect::Fetch(made) => removed.retain(|gone| !made.iter().any(|path| paths::covers(gone, path))),
        // Extensions and programs for everybody are made elsewhere.
        Effect::Store(Store::Extensions | Store::Home(_) | Store::Modules) => {}
        Effect::Build | Effect::Store(_) => {
            if let Some(cwd) = step.cwd.as_deref().filter(|cwd| !Words::SystemFolders.has(cwd)) {
                let made_again = |gone: &str| paths::within(gone, cwd) || paths::covers(gone, cwd);
                removed.retain(|gone| !made_again(gone) || downloaded(gone));
            }
        }
        _ => {}
    }
}

/// A refusal.
pub(super) fn refuse(code: &'static str, text: impl Into<String>, settled: bool) -> Refusal {
    Refusal { code, text: text.into(), settled }
}

/// The variables that an instruction reads as it stands: of its words, and for RUN of its script.
pub(super) fn reads(unit: &Unit<'_>, name: &str) -> bool {
    let text = unit.instruction.args.text.as_ref();
    text.contains('$') && words::reads(text, b'\\').iter().any(|read| read == name)
        || unit.instruction.flags.iter().any(|flag| flag.value.as_deref().is_some_and(|value| value.contains(name)))
}
