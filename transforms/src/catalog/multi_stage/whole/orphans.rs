//! What the image starts, and where it comes from.

use crate::knowledge::images::Kind;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::super::survey::PATH;

use super::{Whole, shown};

impl<'s> Whole<'s, '_, '_> {
    /// Folders of programs that commands behind the build read, and that no instruction is known to make: on a distribution
    /// that leaves the folder above them empty, the build has.
    pub(super) fn orphans(&mut self) {
        let survey = self.survey;
        if self.image.is_none() {
            return;
        }
        let folder = |path: &str, above: &[&str]| {
            let above = above.iter().find(|above| paths::within(path, above))?;
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
                    let Some(folder) = folder(path, &["/opt", "/srv"]) else { continue };
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
        // What starts in such a folder was put there by a command that does not say so: `scripts/install-sdk.sh`.
        if self.image.as_ref().is_none_or(|image| image.kind() != Kind::Distro) {
            return;
        }
        let brought = |path: &str| {
            let all = made.iter().chain(self.carried.iter().map(|carried| &carried.to));
            all.into_iter().any(|made| *made != "/" && (paths::within(path, made) || paths::within(made, path)))
        };
        let mut starts: Vec<(String, String)> = Vec::new();
        for program in survey.entry.steps.iter().filter_map(|step| step.argv.first()) {
            if !program.starts_with('/') || !paths::plain(program) || brought(program) {
                continue;
            }
            starts.extend(folder(program, &["/opt", "/srv", "/root"]).map(|folder| (folder, program.clone())));
        }
        for (folder, program) in starts {
            self.carry(&folder, self.last_build, format!("{program} starts, and only the build can have made it"));
        }
    }

    /// The last unit behind the build that takes its results apart.
    pub(super) fn consumes(&self) -> Option<usize> {
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
            let away = |path: &str| {
                self.carried.iter().any(|carried| paths::within(&carried.from, path))
                    || self.work.iter().any(|work| paths::within(&work.path, path))
            };
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
    pub(super) fn starts_unread(&self) -> bool {
        // `bash -i -c tmux`: the shell reads its own settings first, as for a person.
        let instructions = self.survey.entry.entrypoint.iter().chain(&self.survey.entry.cmd);
        let asks = instructions.filter_map(|index| self.survey.model.instruction(*index)).any(|one| {
            let words = one.args.text.split([' ', '"', '\'', ',', '[', ']']).filter(|word| !word.is_empty());
            let words: Vec<&str> = words.collect();
            words.windows(2).any(|pair| {
                matches!(pair, [shell, option] if Words::Shells.has(paths::name(shell))
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
            if Words::Shells.has(step.program())
                && let Some(path) = script.filter(|word| word.ends_with(".sh")).and_then(|word| step.path(word))
            {
                return self.survey.read(&path).is_none();
            }
            // They start what their settings say.
            if matches!(step.program(), "init" | "my_init" | "runit" | "runsvdir" | "s6-svscan" | "supervisord") {
                return true;
            }
            let Some(path) = self.survey.started(step).or_else(|| self.linked(program)) else {
                let script = program.contains('/') || program.ends_with(".sh") || self.moved(program);
                return script || self.may_be_brought(step);
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
                        !Words::SystemFolders.has(folder.as_str()) && paths::within(&path, folder)
                    }))
            });
            if unpacked {
                return true;
            }
            let script = path.ends_with(".sh")
                || self.survey.copied_file(&path)
                || self.moved(&path)
                || self.brings_into(paths::parent(&path))
                || self.compiles_elsewhere(&path)
                || !self.survey.builds();
            script && self.survey.read(&path).is_none()
        })
    }

    /// Whether a command puts a script that a COPY brings, and that is not there to read, among the programs under this name:
    /// `mv start.sh /usr/local/bin/start`.
    fn moved(&self, program: &str) -> bool {
        let among = |to: &str| {
            super::super::survey::PATH.contains(&paths::parent(to)) && paths::name(to) == paths::name(program)
        };
        self.survey.steps().any(|(_, step)| {
            let operands: Vec<String> = step.operands().filter_map(|word| step.path(word)).collect();
            let [from, to] = operands.as_slice() else { return false };
            matches!(step.program(), "cp" | "install" | "mv")
                && among(to)
                && from.ends_with(".sh")
                && self.survey.copied_file(from)
                && self.survey.read(from).is_none()
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
        let known = !step.kind().is_empty() || Words::Shells.has(program) || self.survey.installs(program);
        !known && !program.contains('/') && PATH.iter().any(|folder| self.brings_into(folder))
    }

    /// The file of the project that a link in PATH stands for: `ln -s /srv/app/start.sh /usr/bin/start`.
    fn linked(&self, program: &str) -> Option<String> {
        let made = |step: &Step| {
            let (target, link) = step.link()?;
            let path = step.path(link)?;
            let names = path.ends_with("/bin") && paths::name(target) == program
                || paths::parent(&path).ends_with("/bin") && paths::name(&path) == program;
            names.then(|| step.path(target)).flatten()
        };
        let brought = |path: &String| {
            let copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
            path.ends_with(".sh") && copies.filter_map(|copy| copy.to.as_deref()).any(|to| paths::within(path, to))
        };
        self.survey.steps().filter_map(|(_, step)| made(step)).find(brought)
    }
}
