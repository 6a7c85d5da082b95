//! Files that commands write, copy and move outside of the folder that they work in.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::super::plan::{self, Carried};
use super::super::runs;
use super::super::stores;

use super::last_build::only_to_compile_with;
use super::makes::is_file_like;
use super::{EMPTY, SCRATCH, Whole, go_root, scripts, shown};

impl Whole<'_, '_, '_> {
    pub(super) fn writes(&mut self, at: usize, step: &Step, written: Vec<String>) {
        let kind = step.kind();
        // What an installer lies in stays behind, and what it installs is copied.
        let installers =
            || self.survey.units.get(at).is_some_and(|unit| unit.steps.iter().any(|s| stores::aws(s).is_some()));
        if kind == "unpack" && installers() {
            self.unpacked.push(step.span);
            return;
        }
        let among =
            |path: &String| Words::SystemFolders.has(path.as_str()) || Words::SystemFolders.has(paths::parent(path));
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
        // What is put aside in the builder is put aside in the runtime stage.
        if runs::sets_aside(self.survey, step)
            || self.survey.units.get(at).is_some_and(|unit| runs::sets_up_keys(unit, step))
        {
            return;
        }
        // A command that edits a file in its place is repeated in the runtime stage; what comes from elsewhere is copied.
        let edits = effects::edits(step);
        for path in written {
            if kind == "unpack" && Words::SystemFolders.has(path.as_str()) && !EMPTY.contains(&path.as_str()) {
                self.unpacked(at, step, &path);
                continue;
            }
            // A copy that is put aside for what starts.
            let aside =
                step.program() == "cp" && paths::parent(&path) == "/tmp" && (self.opaque || self.told_of(&path));
            let named = step.args().iter().all(|arg| !arg.contains('$'))
                && step.args().last().is_some_and(|to| !to.contains('*'));
            if aside && named {
                self.carry(&path, at, format!("`{}` writes it", shown(step)));
                continue;
            }
            if Words::SystemFolders.has(path.as_str()) && !EMPTY.contains(&path.as_str())
                || stores::scratch(&path, &SCRATCH)
            {
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
            let fills = kind == "unpack" && step.outputs.is_empty()
                || kind == "download" && step.cwd.as_deref() == Some(paths::parent(&path));
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

    /// Whether a script that starts names a path.
    fn told_of(&self, path: &str) -> bool {
        self.survey.entry.steps.iter().any(|step| {
            let mut named = false;
            scripts(self.survey, step, &mut |inner| {
                named |=
                    inner.argv.iter().any(|word| word.starts_with('/') && paths::within(&paths::join("/", word), path));
                Ok(())
            })
            .ok();
            named
        })
    }

    /// What `cp -R site /app/` makes: /app itself, where nothing has made that before.
    fn made_by_copying(&self, at: usize, step: &Step, path: String) -> String {
        let folder = paths::parent(&path);
        let into = step.argv.last().is_some_and(|to| to.ends_with('/') && step.path(to).as_deref() == Some(folder));
        if step.program() != "cp"
            || !step.copies_folders()
            || !into
            || paths::parent(folder) != "/"
            || Words::SystemFolders.has(folder)
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
        let recursive = step.copies_folders();
        let shared = Words::SystemFolders.has(to.as_str()) && !EMPTY.contains(&to.as_str());
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
}
