//! What `make install` puts among the system's files, whatever the prefix.

use crate::knowledge::images::Kind;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::super::stores;
use super::Whole;

impl Whole<'_, '_, '_> {
    /// Whether what starts, or what is edited behind the build, is a file among the system's that nothing brings which can be
    /// seen: `make install` put it there, as it puts the settings of a daemon into `/etc`.
    pub(super) fn named_outside(&self, step: &Step, prefix: &stores::Prefix) -> bool {
        let survey = self.survey;
        let name = paths::name(stores::place(step));
        let project = name.split(['-', '_']).next().filter(|name| name.len() > 4);
        let own = |path: &str| project.is_some_and(|project| paths::name(path).contains(project));
        let mut starts = survey.entry.steps.iter().flat_map(told).filter(|path| is_setting(path));
        let edits = survey.steps().filter(|(at, other)| *at > self.last_build && effects::edits(other));
        let mut edited = edits.flat_map(|(_, other)| told(other)).filter(|path| stores::system(path));
        starts.any(|path| (own(&path) || !self.is_packaged(&path)) && !self.is_brought(&path, prefix))
            || edited.any(|path| own(&path) && !self.is_brought(&path, prefix))
    }

    /// Whether a package of a name in the path may bring it, or the image, which is made for a server.
    fn is_packaged(&self, path: &str) -> bool {
        let part_of = |name: &String| {
            let word = name.split(['-', '.', '/', '=']).next().unwrap_or_default();
            word.len() > 2 && path.contains(word)
        };
        self.image.as_ref().is_some_and(|image| image.kind() == Kind::Server)
            || self.survey.steps().any(|(_, other)| {
                matches!(effects::of(other), Effect::Install(packages) if packages.names.iter().any(part_of))
            })
    }

    /// Whether the prefix, a COPY or another command brings it.
    fn is_brought(&self, path: &str, prefix: &stores::Prefix) -> bool {
        let mut copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref());
        prefix.folders.iter().any(|folder| paths::within(path, folder))
            || copies.any(|copy| copy.to.as_deref().is_some_and(|to| paths::within(path, to)))
            || self.survey.steps().any(|(_, other)| match effects::of(other) {
                Effect::Writes(written) if !effects::edits(other) => {
                    written.iter().any(|made| paths::within(path, made))
                }
                Effect::Files(made) => made.iter().any(|made| made == path),
                _ => other.outputs.iter().any(|made| other.is_at(made, path)),
            })
    }
}

/// The paths that a command is told: `-c /etc/x.conf`, `--config=/etc/x.conf`.
fn told(step: &Step) -> Vec<String> {
    let words = step.args().iter().map(|word| word.split_once('=').map_or(word.as_str(), |(_, value)| value));
    words.filter(|word| word.starts_with('/') && paths::plain(word)).filter_map(|word| step.path(word)).collect()
}

/// Whether a path is a file of settings of a single program's.
fn is_setting(path: &str) -> bool {
    let first = paths::relative(path, "/etc").and_then(|rest| rest.split_once('/'));
    first.is_some_and(|(first, _)| !first.contains(".d") && !Words::SystemSettings.has(first))
}
