//! The project that is compiled: what its manifests say, as far as the build context has them.

use std::borrow::Cow;

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::{Model, Stage, origin};
use crate::surgery;
use crate::syntax::words::Value;
use crate::transform::Refusal;

use super::refuse;
use super::start::Start;

/// What takes the place of a command that compiles when the container starts.
pub(super) struct Ahead {
    /// The command that compiles, for a RUN.
    pub(super) build: String,
    /// Whether a command of the file has done the same already.
    pub(super) built: Box<dyn Fn(&Step) -> bool>,
    /// Whether a command before it at the start prepares what is compiled.
    pub(super) prepares: fn(&Step) -> bool,
    /// The words that start the result.
    pub(super) start: Vec<String>,
    /// How many words of the command are for the tool; those behind them are for the program, and stay.
    pub(super) rest: usize,
    /// The folder that the result is written into.
    pub(super) writes: String,
    /// Variables that the tool gave to the program.
    pub(super) env: Vec<(String, String)>,
    /// The folder that the result is started in, where it is another than before.
    pub(super) workdir: Option<String>,
    /// What is taken for granted.
    pub(super) assumptions: Vec<String>,
}

/// The project behind a command, with the folder that the command runs in.
pub(super) struct Project<'p, 'm, 'a> {
    pub(super) model: &'m Model<'a>,
    pub(super) stage: &'m Stage,
    pub(super) start: &'p Start<'m>,
    /// The folder that the command runs in.
    cwd: Option<&'p str>,
}

impl<'p, 'm, 'a> Project<'p, 'm, 'a> {
    pub(super) fn new(model: &'m Model<'a>, stage: &'m Stage, start: &'p Start<'m>) -> Self {
        Self { model, stage, start, cwd: start.step.cwd.as_deref() }
    }

    /// The command.
    pub(super) fn step(&self) -> &'p Step {
        &self.start.step
    }

    /// The words of the command.
    pub(super) fn argv(&self) -> &'p [String] {
        &self.start.step.argv
    }

    /// The folder that the command runs in.
    ///
    /// # Errors
    /// It can't be told.
    pub(super) fn cwd(&self) -> Result<&'p str, Refusal> {
        let text =
            "the folder that the command runs in can't be told: its WORKDIR reads a variable, or a script changes it";
        self.cwd.ok_or_else(|| refuse("unknown-workdir", text, false))
    }

    /// The text of a file of the image that came from the build context.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let context = self.model.context?;
        let text = origin::find(self.model, self.stage, path, |inside| context.read(&inside).map(Cow::into_owned))?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Whether the build context brings a file to this path.
    pub(super) fn has(&self, path: &str) -> bool {
        let Some(context) = self.model.context else { return false };
        let there = |inside: String| context.files().binary_search(&inside).is_ok().then_some(());
        origin::find(self.model, self.stage, path, there).is_some()
    }

    /// The files that the build context brings into a folder and the folders below it, as seen from it.
    pub(super) fn below(&self, folder: &str) -> Vec<String> {
        origin::below(self.model, self.stage, folder)
    }

    /// The value of a variable when a container starts, where the file says one.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        match self.model.variable(self.stage.body.end, name) {
            Value::Set(value) => Some(value.into_owned()),
            _ => None,
        }
    }

    /// Whether the file sets a variable, to whatever value.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.model.env_names(self.stage).chain(self.model.arg_names(self.stage)).any(|(_, set)| set == name)
    }

    /// Every command of the stage's RUNs, with the instruction that it stands in.
    pub(super) fn steps(&self) -> impl Iterator<Item = (usize, &'m Step)> {
        let (model, stage) = (self.model, self.stage);
        let runs = model.body(stage).filter(|(_, one)| one.keyword == crate::syntax::Keyword::Run);
        runs.flat_map(move |(index, _)| model.steps(index).unwrap_or_default().iter().map(move |step| (index, step)))
    }

    /// A refusal where the name of what is compiled stands in a manifest that can't be read.
    pub(super) fn unnamed(&self, manifest: &str) -> Refusal {
        let text = match self.model.context {
            None => format!(
                "what `{}` starts is named in {manifest}, and there is no build context to read it from",
                self.start.shown()
            ),
            Some(_) => format!(
                "what `{}` starts is named in {manifest}, which is not in the build context, or does not say it in a way that can be read",
                self.start.shown()
            ),
        };
        refuse("unknown-program", text, false)
    }
}

/// The options of a command line, as a tool reads them.
pub(super) struct Options<'w> {
    /// Each option with its value, where it takes one, and the place of its word.
    pub(super) given: Vec<(&'w str, Option<&'w str>)>,
    /// The place of the first word that is no option.
    pub(super) end: usize,
}

/// Reads the options of `argv` from word `from` on, up to the first word that is none; those in `valued` take the next
/// word, where they have no `=`.
pub(super) fn options<'w>(argv: &'w [String], from: usize, valued: &[&str]) -> Options<'w> {
    let (mut given, mut at) = (Vec::new(), from);
    while let Some(word) = argv.get(at).map(String::as_str).filter(|word| word.starts_with('-') && *word != "--") {
        at += 1;
        let (name, mut value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        if value.is_none() && valued.contains(&name) {
            value = argv.get(at).map(String::as_str);
            at += 1;
        }
        given.push((name, value));
    }
    Options { given, end: at.min(argv.len()) }
}

impl<'w> Options<'w> {
    /// The value of the last option with one of these names.
    pub(super) fn value(&self, names: &[&str]) -> Option<&'w str> {
        self.given.iter().rev().find(|(name, _)| names.contains(name)).and_then(|(_, value)| *value)
    }

    /// Whether one of these options is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.given.iter().any(|(name, _)| names.contains(name))
    }
}

/// The options among words that say what is made, with their values, in order: the same options make the same.
pub(super) fn variant(words: &[String], valued: &[&str]) -> Vec<(String, Option<String>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(word) = words.get(at) {
        at += 1;
        if !word.starts_with('-') || Words::QuietOptions.has(word.as_str()) {
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None if valued.contains(&word.as_str()) => {
                at += 1;
                (word.as_str(), words.get(at - 1).cloned())
            }
            None => (word.as_str(), None),
        };
        found.push((name.to_owned(), value));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Words as a command line.
pub(super) fn line(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A word for a shell command line.
pub(super) fn quote(word: &str) -> String {
    surgery::shell_word(word, "-_./=:,@%+*")
}

/// A name that can stand in a path and on a command line as it is.
pub(super) fn plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_end_at_the_first_word_that_is_none() {
        let argv: Vec<String> = "cargo run --bin=a -p b -q c --release".split(' ').map(str::to_owned).collect();
        let given = options(&argv, 2, &["--bin", "-p"]);
        assert_eq!((given.value(&["--bin"]), given.value(&["-p", "--package"])), (Some("a"), Some("b")));
        assert!(given.has(&["-q"]) && !given.has(&["--release"]));
        assert_eq!(argv.get(given.end).map(String::as_str), Some("c"));
        assert_eq!(options(&argv[..2], 2, &[]).end, 2);
        assert_eq!(options(&argv[..5], 2, &["-p"]).end, 5);
    }
}
