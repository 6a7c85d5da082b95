//! Archives that are unpacked, and programs that are installed from them.

use crate::knowledge::images::Image;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::plan::Carried;
use super::super::stores;

use super::{Whole, alike, called, shown};

impl<'s> Whole<'s, '_, '_> {
    /// An archive that is unpacked among other things: the folders in it are those that later commands go into, move or
    /// name.
    pub(super) fn unpacked(&mut self, at: usize, step: &Step, folder: &str) {
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
                let owned = folder == "/" && Words::SystemFolders.has(format!("/{first}").as_str())
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
                && let Some(to) = other.path(to).filter(|to| !Words::SystemFolders.has(to.as_str()))
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
    pub(super) fn installed_programs(&mut self, at: usize, step: &Step, folder: &str) {
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
    pub(super) fn starts_installed(&self, folder: &str) -> bool {
        let bin = format!("{folder}/bin");
        let named = self.survey.entry.steps.iter().flat_map(|step| &step.argv).filter(|word| word.contains(folder));
        named.into_iter().all(|word| paths::parent(word) == bin && paths::plain(word))
    }

    /// The folder that Cabal was told to put programs into: links into its own store, unless it is told to copy.
    pub(super) fn cabal_installs(&mut self, at: usize, step: &Step) -> bool {
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
}
