//! COPY and ADD: what they bring, and where to.

use super::{Model, paths};
use crate::syntax::Instruction;

/// What a COPY or ADD does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The sources, quotes and variables resolved.
    pub sources: Vec<String>,
    /// The absolute path that they go to; `None` where it can't be told.
    pub to: Option<String>,
    /// Whether `to` is a folder that the sources go into.
    pub folder: bool,
    /// Whether `to` is a folder, by how it is written or as one that is there: a file goes into it, of a folder what lies in
    /// it.
    pub there: bool,
    /// Whether they come from the build context.
    pub context: bool,
}

impl Copied {
    /// Whether it brings the whole of the folder that it copies from: `COPY . /app`.
    pub fn is_whole(&self) -> bool {
        self.sources.iter().any(|source| is_all(source))
    }

    /// Where a file comes to lie that `source` names: in the folder that it goes to, or under the name that it is given.
    pub fn place(&self, source: &str) -> Option<String> {
        let to = self.to.as_deref()?;
        Some(if self.folder { paths::join(to, paths::name(source)) } else { to.to_owned() })
    }
}

/// Whether a source is the whole of the folder that is copied from.
pub fn is_all(source: &str) -> bool {
    matches!(source, "." | "./")
}

/// A source as the paths of the build context are written, without `./` before it and `/` behind; empty for all of it.
pub fn context_path(source: &str) -> &str {
    let path = source.trim_start_matches("./").trim_end_matches('/');
    if path == "." { "" } else { path }
}

/// A source with its `..` worked out. Nothing leads out of the context: `COPY ../src .` brings `src` of it, and `..` is all.
fn inside(source: &str) -> String {
    if !source.split('/').any(|part| part == "..") {
        return source.to_owned();
    }
    let path = paths::join("/", source);
    let path = path.trim_start_matches('/');
    match (path.is_empty(), source.ends_with('/')) {
        (true, _) => ".".to_owned(),
        (false, true) => format!("{path}/"),
        (false, false) => path.to_owned(),
    }
}

/// Reads a COPY or ADD.
pub(super) fn read(model: &Model<'_>, index: usize, instruction: &Instruction<'_>) -> Copied {
    let mut known = true;
    let mut texts: Vec<String> = Vec::new();
    for word in instruction.words() {
        let expanded = model.expand(index, word.raw);
        known &= expanded.known;
        texts.push(expanded.text);
    }
    let to = texts.pop().unwrap_or_default();
    let mut sources: Vec<String> = texts.into_iter().filter(|source| !source.starts_with("<<")).collect();
    let remote = sources.iter().any(|source| source.contains("://") || source.starts_with("git@"));
    if !remote {
        sources.iter_mut().for_each(|source| *source = inside(source));
    }
    let from = instruction.flags.iter().any(|flag| flag.name == "from");
    let many = sources.len() > 1 || sources.iter().any(|source| source.contains(['*', '?']));
    let folder = to.ends_with('/') || to == "." || to.ends_with("/.") || many;
    let target = match (known, model.workdir(index)) {
        (true, _) if to.starts_with('/') => Some(paths::join("/", &to)),
        (true, Some(cwd)) => Some(paths::join(cwd, &to)),
        _ => None,
    };
    let there = folder || target.as_deref().is_some_and(|target| is_folder(model, index, target));
    Copied { sources, to: target, folder, there, context: !remote && !from && instruction.heredocs.is_empty() }
}

/// Whether a path is a folder before instruction `index`: a WORKDIR, what `mkdir` makes, or where something was put into.
pub(super) fn is_folder(model: &Model<'_>, index: usize, path: &str) -> bool {
    let Some(stage) = model.stage_of(index) else { return false };
    let worked = |(at, folder): &(usize, Option<String>)| {
        *at < index && folder.as_deref().is_some_and(|folder| folder != "/" && paths::within(folder, path))
    };
    let made = |step: &super::commands::Step| {
        step.program() == "mkdir"
            && step.operands().filter_map(|word| step.path(word)).any(|folder| paths::within(&folder, path))
    };
    stage.workdirs.iter().any(worked)
        || model.body(stage).take_while(|(at, _)| *at < index).any(|(at, _)| {
            let below = |to: &str| to != path && paths::within(to, path);
            match model.copied(at) {
                Some(copied) => copied
                    .to
                    .as_deref()
                    .is_some_and(|to| below(to) || to == path && (copied.folder || copied.is_whole())),
                None => model.steps(at).is_some_and(|steps| steps.iter().any(made)),
            }
        })
}
