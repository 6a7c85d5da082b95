//! Many files through the rewrite: in parallel, reported in order, and no file stops another.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use anyhow::Result;
use dockwright_transforms::context::Context;
use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::ParseError;
use dockwright_transforms::{Outcome, Request, Transform, rewrite};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use crate::cli::{ChoiceArgs, Global};
use crate::compose::Services;
use crate::config::{Choice, Configs};
use crate::context::{Contexts, Folder};
use crate::input::{Bounds, Input, Inputs, Source};

/// How many files are worked on before their results are printed: large enough that the end, where one thread waits
/// for the other, does not count, small enough that memory does not either.
const CHUNK: usize = 4096;

/// How many files in a row one thread takes.
const FEW: usize = 16;

/// From how many files on a progress bar is worth looking at.
const MANY: usize = 500;

/// What came of one file.
pub(crate) struct Done {
    /// The bytes that were read; empty where they could not be.
    pub(crate) source: Vec<u8>,
    /// What the rewrite says, or one line: what is wrong and what to do, without the file's name.
    pub(crate) outcome: Result<Outcome, Failure>,
    /// A remark that does not change the result.
    pub(crate) note: Option<String>,
}

/// Why there is no outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// About the file itself.
    File(String),
    /// About another file, which the text names.
    Elsewhere(String),
}

impl Failure {
    /// The line that names the file.
    pub(crate) fn line(&self, input: &Input) -> String {
        match self {
            Failure::File(text) => format!("{}: {text}", input.path.display()),
            Failure::Elsewhere(text) => text.clone(),
        }
    }

    /// The text, without the file's name.
    pub(crate) fn text(&self) -> &str {
        match self {
            Failure::File(text) | Failure::Elsewhere(text) => text,
        }
    }
}

/// The means to work on files.
pub(crate) struct Work<'a> {
    configs: Configs<'a>,
    contexts: Contexts,
    services: Services,
    bounds: Bounds,
    /// Whether fixes bring along what they decided.
    explain: bool,
}

impl<'a> Work<'a> {
    /// Nothing is read yet, but `--context` is looked at.
    ///
    /// # Errors
    /// The folder of `--context` is not there.
    pub(crate) fn new(args: &'a ChoiceArgs, found: &Inputs) -> Result<Self> {
        Ok(Self {
            configs: Configs::new(args),
            contexts: Contexts::new(args)?,
            services: Services::default(),
            bounds: Bounds::new(found),
            explain: false,
        })
    }

    /// As [`Work::new`], with what the fixes decided for each instruction.
    ///
    /// # Errors
    /// As [`Work::new`].
    pub(crate) fn explaining(args: &'a ChoiceArgs, found: &Inputs) -> Result<Self> {
        Ok(Self { explain: true, ..Self::new(args, found)? })
    }

    /// Reads and rewrites one file. What was read from elsewhere is kept for the next one.
    pub(crate) fn one(&self, input: &Input) -> Done {
        let source = match input.read() {
            Ok(source) => source,
            Err(error) => return Done { source: Vec::new(), outcome: Err(Failure::File(error)), note: None },
        };
        let (outcome, note) = self.rewrite(input, &source, None);
        Done { source, outcome, note }
    }

    /// Rewrites bytes that were read, by the transforms of these ids alone where there are any; with a remark that does
    /// not change the result.
    pub(crate) fn rewrite(
        &self,
        input: &Input,
        source: &[u8],
        only: Option<&[&str]>,
    ) -> (Result<Outcome, Failure>, Option<String>) {
        let mut note = None;
        let outcome = self.with(input, source, |choice, context| {
            let chosen = |transform: &&&Transform| only.is_none_or(|only| only.contains(&transform.id));
            let transforms: Vec<&'static Transform> = choice.transforms.iter().filter(chosen).copied().collect();
            let explained = self.explain.then(|| Settings { explain: true, ..choice.settings.clone() });
            let request = |context| Request {
                transforms: &transforms,
                threshold: choice.threshold,
                context,
                settings: explained.as_ref().unwrap_or(&choice.settings),
            };
            let outcome = rewrite(source, &request(context.map(|context| context as &dyn Context)));
            match context.filter(|context| context.truncated()) {
                // Half a list of files is worse than none: what is not in it would count as not there.
                Some(context) => {
                    note = Some(context.too_large());
                    rewrite(source, &request(None))
                }
                None => outcome,
            }
        });
        (outcome, note)
    }

    /// The path of a Dockerfile in its project, where folders above its build context say what it is for: development, or
    /// as a base for others.
    fn placed(&self, input: &Input) -> Option<String> {
        fn speaking(path: &str) -> Option<String> {
            let file = path.replace(std::path::MAIN_SEPARATOR, "/");
            let settings = Settings { file: Some(file), ..Settings::default() };
            let says = settings.development_file().is_some()
                || settings.development_container().is_some()
                || settings.base_file().is_some();
            settings.file.filter(|_| says)
        }
        let whole = std::path::absolute(&input.path).ok().filter(|_| input.source != Source::Stdin)?;
        // A part of the path says no more than the whole, for which the file system needn't be asked.
        speaking(&whole.to_string_lossy())?;
        let top = self.bounds.upwards(whole.parent()?).last()?;
        speaking(whole.strip_prefix(top).ok()?.to_str()?)
    }

    /// Hands the choice and the context of a file to `run`, and makes what goes wrong a failure.
    pub(crate) fn with<T>(
        &self,
        input: &Input,
        source: &[u8],
        run: impl FnOnce(&Choice, Option<&Folder>) -> Result<T, ParseError>,
    ) -> Result<T, Failure> {
        let choice = self.configs.of(input.folder()).map_err(Failure::Elsewhere)?;
        let result = caught(|| {
            // Without a context nobody wants to hear of what lies around.
            let look = self.contexts.wanted() && input.source != Source::Stdin;
            let said = if look { self.services.say(input.target(), source, &self.bounds) } else { Default::default() };
            let context = self.contexts.of(input, source, &said.contexts, &self.bounds);
            let file = self.placed(input).or_else(|| called(input, context.as_deref()));
            let (starts, namesake, bases) = match context {
                Some(_) => (said.starts, said.namesake, said.bases),
                None => Default::default(),
            };
            let tells = file.is_some() || !starts.is_empty() || namesake.is_some() || !bases.is_empty();
            let named = tells.then(|| Choice {
                settings: Settings { file, starts, namesake, bases, ..choice.settings.clone() },
                ..(*choice).clone()
            });
            run(named.as_ref().unwrap_or(&choice), context.as_deref())
        });
        result.map_err(Failure::File)?.map_err(|error| {
            let text = match error.line {
                _ if source.contains(&0) => {
                    return Failure::File("a binary file, not a Dockerfile; name another".into());
                }
                0 => error.message,
                line => format!("line {line}: {}", error.message),
            };
            Failure::File(format!("{text}; docker would not build it either, mend it first"))
        })
    }
}

/// The path of a Dockerfile in its build context, where it says more than the usual name does.
fn called(input: &Input, context: Option<&Folder>) -> Option<String> {
    // A context above what was typed is known by its whole path.
    let whole = |path: &Path| std::path::absolute(path).ok();
    let inside = context.and_then(|context| match input.path.strip_prefix(context.root()) {
        Ok(inside) => Some(inside.to_owned()),
        Err(_) => whole(&input.path)?.strip_prefix(whole(context.root())?).ok().map(Path::to_owned),
    });
    let path = inside.or_else(|| input.path.file_name().map(Into::into))?;
    (path != Path::new("Dockerfile")).then(|| path.to_string_lossy().into_owned())
}

thread_local! {
    /// Whether a panic of this thread is caught, and what it said.
    static CAUGHT: Cell<Option<String>> = const { Cell::new(None) };
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that are caught and reported with the name of their file from being printed a second time.
pub(crate) fn silence_caught_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| match CATCHING.get() {
        true => {
            let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
            CAUGHT.set(Some(format!("{}{}", info.payload_as_str().unwrap_or("panic"), place.unwrap_or_default())));
        }
        false => usual(info),
    }));
}

/// The start of the line that reports a panic.
pub(crate) const PANIC: &str = "a defect of dockwright";

/// Runs `work`; a panic in it becomes an error line.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    CATCHING.set(true);
    // What `work` shares with others is behind locks that forget poisoning, and holds nothing half-written.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(false);
    result.map_err(|_| {
        let text = CAUGHT.take().unwrap_or_default().replace('\n', " ");
        format!("{PANIC} ({text}); the file is left as it was, please report it")
    })
}

/// Adds up what `add` makes of a few inputs at a time, in parallel, and hands the sums to `each` in order, while the
/// next ones are worked on. What a file needs on its way is let go by the thread that took it, file by file: memory that
/// is warm is used again.
///
/// # Errors
/// Those of `each`, after which no more is begun.
pub(crate) fn in_order<T: Default + Send>(
    inputs: &[Input],
    global: &Global,
    add: impl Fn(&mut T, &Input) + Sync,
    mut each: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let bar = progress(inputs.len(), global);
    let sum = |few: &[Input]| {
        let mut sum = T::default();
        few.iter().for_each(|input| add(&mut sum, input));
        sum
    };
    thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = mpsc::sync_channel(1);
        scope.spawn(move || {
            for chunk in inputs.chunks(CHUNK) {
                let sums: Vec<T> = chunk.par_chunks(FEW).map(sum).collect();
                if sender.send((chunk.len(), sums)).is_err() {
                    break;
                }
            }
        });
        for (files, sums) in receiver {
            bar.suspend(|| sums.into_iter().try_for_each(&mut each))?;
            bar.inc(files as u64);
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// A bar on standard error, where a person is there to see it.
fn progress(files: usize, global: &Global) -> ProgressBar {
    if files < MANY || global.quiet {
        return ProgressBar::hidden();
    }
    // The target hides itself where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}
