//! What the shipped stage holds, as far as its user has to know.

use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::entry::{self, Entry};
use crate::model::{Base, Model, Stage, npm, paths};
use crate::syntax::{Instruction, Keyword};
use std::borrow::Cow;
use std::cell::OnceCell;

use super::images::{self, Facts};
use super::owns::Beside;
use super::scripts::{self, Script};
use super::uses::{self, Use};
use super::who;

/// The shipped stage, with the stages that it stands on.
pub(super) struct Survey<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    pub(super) stage: &'m Stage,
    /// What is known about the image at the bottom.
    pub(super) facts: Facts,
    pub(super) entry: &'m Entry,
    /// The instructions of the stage.
    pub(super) units: Vec<Unit<'a>>,
    /// The instructions of the stages that it stands on, the lowest first: their users and variables are inherited.
    pub(super) below: Vec<Unit<'a>>,
    /// The scripts that start, as far as they can be read.
    pub(super) scripts: Vec<Script>,
    /// Every command that is known to run when a container starts: those of the entry, of its scripts, and of the
    /// scripts of `package.json` behind them.
    pub(super) started: Vec<Step>,
    /// How others use the image.
    pub(super) uses: Vec<Use<'m>>,
    /// Whether the content of any file is known: there is a build context, or a COPY that holds a text.
    texts: bool,
    /// What the program writes into the root folder, once somebody asks.
    pub(super) beside_root: OnceCell<Beside>,
}

/// An instruction of the stage.
pub(super) struct Unit<'a> {
    /// Its index in the file.
    pub(super) index: usize,
    pub(super) instruction: &'a Instruction<'a>,
}

impl Unit<'_> {
    /// Whether a COPY or ADD says whose its files are, or is on its own layer, where no user of the stage is known.
    pub(super) fn has_owner(&self) -> bool {
        self.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link"))
    }
}

impl<'m, 'a> Survey<'m, 'a> {
    /// Reads the stage, as far as to know who runs in it; [`Survey::follow`] reads the rest.
    pub(super) fn new(model: &'m Model<'a>, stage: &'m Stage, facts: Facts) -> Self {
        let units = |stage: &Stage| {
            model.body(stage).map(|(index, instruction)| Unit { index, instruction }).collect::<Vec<_>>()
        };
        let mut below: Vec<&Stage> = model.below(stage).collect();
        below.reverse();
        Self {
            model,
            stage,
            facts,
            entry: entry::of(model, stage),
            units: units(stage),
            below: below.into_iter().flat_map(units).collect(),
            scripts: Vec::new(),
            started: Vec::new(),
            uses: Vec::new(),
            texts: model.context.is_some() || model.file.instructions.iter().any(holds_text),
            beside_root: OnceCell::new(),
        }
    }

    /// Reads what who runs now is known without: what starts, and through which scripts.
    pub(super) fn follow(&mut self) {
        // An image that nobody knows tells its distribution by the package manager that is used in it.
        if self.facts.family.is_none() {
            self.facts.family = self.family_by_use();
        }
        self.scripts = scripts::read(self);
        self.follow_own();
        self.uses = uses::read(self);
    }

    /// Every command that runs when the image starts what it says.
    fn follow_own(&mut self) {
        let Some(index) = self.entry.cmd.or(self.entry.entrypoint) else { return };
        let written = self.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten();
        let mut started: Vec<Step> = Vec::new();
        for step in self.entry.steps.iter().chain(written) {
            let behind = npm::behind(self.model, index, step, &|path| self.read(path));
            for one in std::iter::once(step.clone()).chain(behind) {
                if !started.contains(&one) {
                    started.push(one);
                }
            }
        }
        self.started = started;
    }

    /// Every command that is known to run as the user, also where others use the image.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Step> {
        self.started.iter().chain(uses::started(self))
    }

    fn family_by_use(&self) -> Option<crate::knowledge::releases::Family> {
        self.all()
            .filter(|unit| unit.instruction.keyword == Keyword::Run)
            .find_map(|unit| images::family_by_command(&unit.text()))
    }

    /// The instructions of the stage and of those below it, the lowest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Unit<'a>> {
        self.below.iter().chain(&self.units)
    }

    /// Whether root runs an instruction, as far as the file says: who the base image has is not asked.
    pub(super) fn is_roots(&self, unit: &Unit<'_>) -> bool {
        self.model.user(unit.index).is_none_or(|user| who::is_root(&user.text))
    }

    /// The commands of a RUN; none for what can't be read.
    pub(super) fn steps(&self, unit: &Unit<'_>) -> &'m [Step] {
        match unit.instruction.keyword {
            Keyword::Run => self.model.steps(unit.index).unwrap_or_default(),
            _ => &[],
        }
    }

    /// What a COPY or ADD brings.
    pub(super) fn copied(&self, unit: &Unit<'_>) -> Option<&'m Copied> {
        self.model.copied(unit.index)
    }

    /// Whether a COPY or ADD brings this very file, by name.
    pub(super) fn brings(&self, unit: &Unit<'_>, path: &str) -> bool {
        self.copied(unit).is_some_and(|copied| {
            copied.to.as_deref().is_some_and(|to| {
                to == path || copied.sources.iter().any(|source| paths::join(to, paths::name(source)) == path)
            })
        })
    }

    /// Whether a COPY or ADD brings this file, by name or in a folder.
    pub(super) fn holds(&self, unit: &Unit<'_>, path: &str) -> bool {
        self.brings(unit, path) || self.read_from(unit, path, 0).is_some()
    }

    /// Whether the content of any file can be read.
    pub(super) fn reads(&self) -> bool {
        self.texts
    }

    /// The content of a file of the image that came from the build context, through whatever stages, or stands in the
    /// Dockerfile itself.
    pub(super) fn read(&self, path: &str) -> Option<Cow<'m, [u8]>> {
        // Most files are looked at without a build context, and hold no texts.
        if !self.texts {
            return None;
        }
        let mut units = self.units.iter().rev().chain(self.below.iter().rev());
        units.find_map(|unit| self.read_from(unit, path, 0))
    }

    /// The content of a script that starts: one of the image, or one that the image lacks, as the project is mounted over
    /// its working directory. There it lies where the project has it.
    pub(super) fn read_script(&self, path: &str) -> Option<Cow<'m, [u8]>> {
        let mounted = || {
            let inside = paths::relative(path, self.model.final_workdir(self.stage).filter(|folder| *folder != "/")?)?;
            self.model.context?.read(inside)
        };
        // What a service mounts lies over what the image has.
        let starts = self.model.settings.starts.iter().filter(|start| start.is_of(self.stage.name.as_deref()));
        let over = || {
            let mut places = starts.flat_map(|start| &start.mounts).filter_map(|mount| mount.in_context(path));
            places.find_map(|inside| self.model.context?.read(&inside))
        };
        self.read(path).or_else(over).or_else(mounted)
    }

    /// The earlier stage that a COPY takes its files from.
    pub(super) fn copied_from(&self, unit: &Unit<'_>) -> Option<&'m Stage> {
        let flag = unit.instruction.flags.iter().find(|flag| flag.name == "from")?;
        let name = self.model.expand(unit.index, flag.value.as_deref()?);
        let index = self.model.stage_named(&name.text).or_else(|| name.text.parse().ok())?;
        self.model.stages.get(index).filter(|stage| stage.from < unit.index)
    }

    /// The content of a file that one COPY brings to `path`.
    fn read_from(&self, unit: &Unit<'_>, path: &str, depth: usize) -> Option<Cow<'m, [u8]>> {
        let copied = self.copied(unit)?;
        let to = copied.to.as_deref()?;
        if let Some(heredoc) = unit.instruction.heredocs.first() {
            let named = to == path || (copied.folder && paths::join(to, &heredoc.name) == path);
            return named.then(|| Cow::Owned(heredoc.body.to_vec()));
        }
        let from = if copied.context || depth > 4 { None } else { self.copied_from(unit) };
        if from.is_none() && !copied.context {
            return None;
        }
        for source in &copied.sources {
            let source = source.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            let source = if source == "." { "" } else { source };
            let mut tried: Vec<String> = Vec::new();
            if let Some((folder, pattern)) = split_pattern(source) {
                if let Some(rest) = paths::relative(path, to)
                    && matches(pattern, rest)
                {
                    tried.push(format!("{folder}{rest}"));
                }
            } else {
                if path == to || path == paths::join(to, paths::name(source)) {
                    tried.push(source.to_owned());
                }
                if let Some(rest) = paths::relative(path, to) {
                    tried.push(if source.is_empty() { rest.to_owned() } else { format!("{source}/{rest}") });
                }
            }
            let found = tried.iter().find_map(|inside| match from {
                Some(stage) => self.read_in(stage, &paths::join("/", inside), depth + 1),
                None => self.model.context?.read(inside),
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The content of a file of an earlier stage.
    fn read_in(&self, stage: &'m Stage, path: &str, depth: usize) -> Option<Cow<'m, [u8]>> {
        let units = self.model.body(stage).map(|(index, instruction)| Unit { index, instruction });
        let found = units.rev().find_map(|unit| self.read_from(&unit, path, depth));
        found.or_else(|| match &stage.base {
            Base::Stage(earlier) if depth <= 4 => self.read_in(self.model.stages.get(*earlier)?, path, depth + 1),
            _ => None,
        })
    }
}

/// `folder/*.sh` as (`folder/`, `*.sh`).
fn split_pattern(source: &str) -> Option<(&str, &str)> {
    if !source.contains(['*', '?', '[']) {
        return None;
    }
    let at = source.rfind('/').map_or(0, |at| at + 1);
    Some(source.split_at(at))
}

/// Whether a name fits a pattern with one star.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| rest.ends_with(tail)),
        None => pattern == name,
    }
}

/// Whether an instruction holds the content of a file.
fn holds_text(instruction: &Instruction<'_>) -> bool {
    matches!(instruction.keyword, Keyword::Copy | Keyword::Add) && !instruction.heredocs.is_empty()
}

impl<'a> Unit<'a> {
    /// The text of the instruction: its arguments, and the body of its heredocs.
    pub(super) fn text(&self) -> Cow<'a, str> {
        if self.instruction.heredocs.is_empty() {
            return match &self.instruction.args.text {
                Cow::Borrowed(text) => Cow::Borrowed(text),
                Cow::Owned(text) => Cow::Borrowed(text.as_str()),
            };
        }
        let mut text = self.instruction.args.text.clone().into_owned();
        for heredoc in &self.instruction.heredocs {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(heredoc.body));
        }
        Cow::Owned(text)
    }
}
