//! `dockwright verify`: build a Dockerfile as it is and as it would be, run both, and compare.
//!
//! [`Laboratory`] is what everything is done with: an engine, a run's id, a temporary folder. The original is built,
//! looked at and started twice; the other one once, and once more where it did something else. What was made carries
//! the run's id and is removed at the end, whatever the end is.

mod build;
pub(crate) mod child;
mod engine;
mod inherit;
mod keep;
mod probe;
mod process;
pub(crate) mod report;
mod run;
mod tree;
pub(crate) mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use dockwright_transforms::catalog;
use dockwright_transforms::rewrite::Status;
use dockwright_transforms::syntax::Keyword;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::build::{Fault, Order};
use self::engine::{Config, Engine, Trouble};
use self::report::Facts;
use self::run::{Observation, Own, Plan};
use self::tree::Tree;
use self::verdict::{Side, Verdict};
use crate::batch::{Done, Failure, Work};
use crate::cli::{Global, Part, ProofArgs, ProofFormat, VerifyArgs};
use crate::exit::Exit;
use crate::input::{self, Input, Source};
use crate::output::Output;
use crate::report::human;

/// What came of one file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) path: PathBuf,
    pub(crate) verdict: Verdict,
    /// The transforms whose fixes are in what was built.
    pub(crate) fixes: Vec<&'static str>,
    /// Those that did not hold.
    pub(crate) dropped: Vec<Dropped>,
    /// What is no fault, and what could not be compared.
    pub(crate) remarks: Vec<String>,
    pub(crate) before: Option<Facts>,
    pub(crate) after: Option<Facts>,
    /// The log of a build that failed.
    pub(crate) log: Option<PathBuf>,
    /// Its last lines.
    pub(crate) last_lines: Vec<String>,
    pub(crate) seconds: f64,
}

/// A fix that was left out, because what it makes is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) fix: &'static str,
    pub(crate) why: Vec<String>,
}

impl Outcome {
    /// One that says nothing but its verdict.
    pub(crate) fn new(path: PathBuf, verdict: Verdict) -> Self {
        Self {
            path,
            verdict,
            fixes: Vec::new(),
            dropped: Vec::new(),
            remarks: Vec::new(),
            before: None,
            after: None,
            log: None,
            last_lines: Vec::new(),
            seconds: 0.0,
        }
    }
}

/// What a run amounts to.
pub(crate) fn exit(outcomes: &[Outcome]) -> Exit {
    let any = |wanted: fn(&Verdict) -> bool| outcomes.iter().any(|outcome| wanted(&outcome.verdict));
    match () {
        () if any(|verdict| *verdict == Verdict::Interrupted) => Exit::Interrupted,
        () if any(|verdict| {
            matches!(verdict, Verdict::OriginalDoesNotBuild(_) | Verdict::EngineError(_) | Verdict::Failed(_))
        }) =>
        {
            Exit::Trouble
        }
        () if any(|verdict| matches!(verdict, Verdict::Differs(_))) => Exit::Findings,
        () => Exit::Done,
    }
}

/// Runs the subcommand.
///
/// # Errors
/// Wrong usage, no engine, or standard output that can't be written.
pub(crate) fn run(args: &VerifyArgs, global: &Global) -> Result<Exit> {
    let found = input::find(&args.input.paths, args.input.stdin_path.as_deref());
    let against = match &args.against {
        Some(path) => Some(fs::read(path).with_context(|| format!("{}: can't be read", path.display()))?),
        None => None,
    };
    if against.is_some() && found.files.len() + found.errors.len() != 1 {
        bail!("--against goes with one Dockerfile; name it");
    }
    let work = Work::new(&args.choice, &found)?;
    let mut output = Output::open(args.output.as_deref())?;
    let mut outcomes: Vec<Outcome> =
        found.errors.iter().map(|(path, error)| Outcome::new(path.clone(), Verdict::Failed(error.clone()))).collect();
    let format = if args.json { ProofFormat::Json } else { args.format };
    // A table needs all its rows; objects are printed when they are there.
    let print = |output: &mut Output, outcome: &Outcome| match format {
        ProofFormat::Json => output.write(&report::json(outcome)).and_then(|()| output.flush()),
        ProofFormat::Human | ProofFormat::Markdown => Ok(()),
    };
    for outcome in &outcomes {
        print(&mut output, outcome)?;
    }
    let laboratory = Laboratory::open(&args.proof);
    each(
        &found.files,
        global,
        |input, shown| match (&laboratory, &against) {
            (laboratory, Some(after)) => {
                let read = input.read().map_err(Failure::File);
                let subject = read.and_then(|source| Subject::new(&work, input, source));
                subject_outcome(laboratory, input, subject, |laboratory, subject| {
                    laboratory.compare(subject, after, &[], shown)
                })
            }
            (laboratory, None) => {
                let done = work.one(input);
                let (source, rewritten) = (done.source, done.outcome);
                let subject = rewritten.and_then(|made| Ok((Subject::new(&work, input, source)?, made)));
                subject_outcome(laboratory, input, subject, |laboratory, (subject, made)| match &made.output {
                    None => Outcome::new(input.path.clone(), Verdict::Unchanged),
                    Some(after) => {
                        let fixes = fixes(made);
                        let outcome = laboratory.compare(subject, after, &meant(&fixes), shown);
                        Outcome { fixes, ..outcome }
                    }
                })
            }
        },
        |outcome| {
            print(&mut output, &outcome)?;
            outcomes.push(outcome);
            Ok(())
        },
    )?;
    if let Ok(laboratory) = laboratory {
        laboratory.close();
    }
    match format {
        ProofFormat::Json => {}
        ProofFormat::Markdown => output.write(report::markdown(&outcomes).as_bytes())?,
        ProofFormat::Human => {
            let text = report::human(&outcomes);
            match output.colored {
                true => output.write(text.as_bytes())?,
                false => output.write(anstream::adapter::strip_str(&text).to_string().as_bytes())?,
            }
        }
    }
    output.finish()?;
    Ok(exit(&outcomes))
}

/// What comes of a file that may not have been read, with an engine that may not be there.
fn subject_outcome<T>(
    laboratory: &Result<Laboratory, String>,
    input: &Input,
    subject: Result<T, Failure>,
    compare: impl FnOnce(&Laboratory, &T) -> Outcome,
) -> Outcome {
    match (subject, laboratory) {
        (Err(failure), _) => Outcome::new(input.path.clone(), Verdict::Failed(failure.text().to_owned())),
        (Ok(_), Err(trouble)) => Outcome::new(input.path.clone(), engine_error(trouble.clone())),
        (Ok(subject), Ok(laboratory)) => compare(laboratory, &subject),
    }
}

/// The transforms whose fixes are in a text, each once, in the order of application.
fn fixes(made: &dockwright_transforms::Outcome) -> Vec<&'static str> {
    let mut fixes = Vec::new();
    for report in &made.findings {
        if matches!(report.status, Status::Fixed(_)) && !fixes.contains(&report.transform) {
            fixes.push(report.transform);
        }
    }
    fixes
}

/// A part of the configuration that is meant to change, and the transform that means it.
type Meant = (Part, &'static str);

/// What fixes mean to change.
fn meant(fixes: &[&'static str]) -> Vec<Meant> {
    let part = |keyword: &Keyword| match keyword {
        Keyword::Entrypoint => Some(Part::Entrypoint),
        Keyword::Cmd => Some(Part::Cmd),
        Keyword::Env => Some(Part::Env),
        Keyword::Workdir => Some(Part::Workdir),
        Keyword::Expose => Some(Part::Expose),
        Keyword::Volume => Some(Part::Volume),
        Keyword::Label => Some(Part::Label),
        Keyword::Healthcheck => Some(Part::Healthcheck),
        Keyword::Stopsignal => Some(Part::Stopsignal),
        _ => None,
    };
    let among = catalog::ALL.iter().filter(|transform| fixes.contains(&transform.id));
    among.flat_map(|one| one.changes.iter().filter_map(part).map(|part| (part, one.id))).collect()
}

/// Whether another command is meant to start.
fn starts_otherwise(meant: &[Meant]) -> bool {
    meant.iter().any(|(part, _)| matches!(part, Part::Cmd | Part::Entrypoint))
}

/// Proves what `fix` would write, and keeps the largest set of fixes that is the same: `done` becomes what is left of
/// it. `None` where there was nothing to prove.
pub(crate) fn prove(
    laboratory: &Laboratory,
    work: &Work<'_>,
    input: &Input,
    done: &mut Done,
    shown: &Shown,
) -> Option<Outcome> {
    let made = done.outcome.as_ref().ok()?;
    made.output.as_ref()?;
    let all = fixes(made);
    let failed = |failure: &Failure| Outcome::new(input.path.clone(), Verdict::Failed(failure.text().to_owned()));
    let subject = match Subject::new(work, input, done.source.clone()) {
        Ok(subject) => subject,
        Err(failure) => return Some(failed(&failure)),
    };
    let begin = Instant::now();
    let original = match laboratory.original(&subject, &meant(&all), shown) {
        Ok(original) => original,
        Err(outcome) => return Some(*outcome),
    };
    let kept = keep::largest(&all, |set| {
        let (rewritten, _) = work.rewrite(input, &subject.source, Some(set));
        let rewritten = rewritten.map_err(|failure| Box::new(failed(&failure)))?;
        // What stands on a fix that is not among them finds nothing to do, and the set is another one.
        let applied = fixes(&rewritten);
        let idle: Vec<&str> = set.iter().filter(|fix| !applied.contains(fix)).copied().collect();
        let after = match &rewritten.output {
            Some(after) if idle.is_empty() => after,
            _ => return Ok(Err((vec![format!("without the others, {} changes nothing", idle.join(" and "))], None))),
        };
        let outcome = laboratory.against(&subject, &original, after, &meant(set), shown);
        match &outcome.verdict {
            Verdict::Same => Ok(Ok((rewritten, outcome))),
            Verdict::Differs(why) => Ok(Err((why.clone(), Some(Box::new(outcome))))),
            // An engine that went away says nothing about a fix.
            _ => Err(Box::new(outcome)),
        }
    });
    let kept = match kept {
        Ok(kept) => kept,
        Err(outcome) => return Some(*outcome),
    };
    let dropped: Vec<Dropped> = kept.dropped.iter().map(|(fix, (why, _))| Dropped { fix, why: why.clone() }).collect();
    // What was dropped keeps its finding, with what was seen as the reason.
    let mut lost: Vec<_> =
        made.findings.iter().filter(|one| dropped.iter().any(|lost| lost.fix == one.transform)).cloned().collect();
    for report in &mut lost {
        let why = dropped.iter().find(|lost| lost.fix == report.transform).map(|lost| lost.why.join("; "));
        report.status = Status::Refused { code: "not-the-same", settled: false };
        report.detail = format!("built and run, it is not the same: {}", why.unwrap_or_default());
        report.assumptions = Vec::new();
        report.tasks = Vec::new();
    }
    let (mut outcome, rewritten, fixes) = match kept.held {
        Some((set, (rewritten, outcome))) => (outcome, Some(rewritten), set),
        None => {
            let last = kept.dropped.into_iter().find_map(|(_, (_, outcome))| outcome);
            let verdict = Verdict::Differs(vec!["no fix holds, so nothing is changed".into()]);
            let outcome = last.map_or_else(|| Outcome::new(input.path.clone(), verdict), |outcome| *outcome);
            (outcome, None, Vec::new())
        }
    };
    outcome.fixes = fixes;
    outcome.dropped = dropped;
    outcome.seconds = begin.elapsed().as_secs_f64();
    let mut left =
        rewritten.unwrap_or(dockwright_transforms::Outcome { output: None, findings: Vec::new(), rounds: Vec::new() });
    left.findings.extend(lost);
    done.outcome = Ok(left);
    Some(outcome)
}

/// A Dockerfile with the folder that it is built in.
pub(crate) struct Subject {
    path: PathBuf,
    source: Vec<u8>,
    context: PathBuf,
    /// The ignore file that is named after the Dockerfile, where there is one.
    ignore: Option<PathBuf>,
}

impl Subject {
    /// The build context is the one that the rewrite saw, or the Dockerfile's own folder.
    ///
    /// # Errors
    /// The settings or the file can't be read.
    pub(crate) fn new(work: &Work<'_>, input: &Input, source: Vec<u8>) -> Result<Self, Failure> {
        let (context, ignore) = work.with(input, &source, |_, folder| {
            let context = folder.map_or_else(|| input.folder().to_owned(), |folder| folder.root().to_owned());
            let own = folder.map(|folder| folder.ignore().to_owned());
            let own = own.filter(|own| own.file_name().is_some_and(|name| name != ".dockerignore") && own.is_file());
            Ok((context, own))
        })?;
        let context =
            if input.source == Source::Stdin && context.as_os_str().is_empty() { ".".into() } else { context };
        Ok(Self { path: input.path.clone(), source, context, ignore })
    }
}

/// The original, built, looked at and run.
pub(crate) struct Original {
    tag: String,
    side: Side,
    /// All its runs, where more than two were needed: what varies in two runs by chance alike is seen in four.
    further: std::sync::OnceLock<Vec<Observation>>,
    /// The configuration of its bare base, made when it is first asked for.
    base: std::sync::OnceLock<Option<Config>>,
}

/// What images are built, run and compared with.
pub(crate) struct Laboratory {
    engine: Box<dyn Engine>,
    args: ProofArgs,
    run: String,
    /// The words of `--run`.
    command: Vec<String>,
    count: AtomicUsize,
    folder: tempfile::TempDir,
    /// Where logs are kept, where it was typed.
    logs: Option<PathBuf>,
}

impl Laboratory {
    /// Finds the engine.
    ///
    /// # Errors
    /// One line: no engine, or a wrong `--run`.
    pub(crate) fn open(args: &ProofArgs) -> Result<Self, String> {
        child::listen();
        let command = match &args.run {
            None => Vec::new(),
            Some(text) => shlex::split(text)
                .filter(|words| !words.is_empty())
                .ok_or_else(|| format!("--run {text:?} is no command: a quote is not closed, or it is empty"))?,
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let run = format!("{:x}-{:x}", std::process::id(), now.as_nanos() & 0xffff_ffff);
        let folder = tempfile::Builder::new().prefix("dockwright-verify-").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}; choose another by TMPDIR"))?;
        if let Some(logs) = &args.logs {
            fs::create_dir_all(logs).map_err(|error| format!("--logs {}: {error}", logs.display()))?;
        }
        let engine = engine::find(args, &run).map_err(|Trouble(text)| text)?;
        let (args, logs) = (args.clone(), args.logs.clone());
        Ok(Self { engine, args, run, command, count: AtomicUsize::new(0), folder, logs })
    }

    /// Removes all that was made, and says what could not be.
    pub(crate) fn close(&self) {
        self.engine.sweep();
        let left = self.engine.left();
        if !left.is_empty() {
            human::error(&format!(
                "could not be removed: {}; they carry the label {}={}",
                left.join(", "),
                engine::LABEL,
                self.run
            ));
        }
    }

    /// A name that no other image or container has.
    fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.count.fetch_add(1, Ordering::SeqCst))
    }

    /// Builds and compares both sides of a file.
    pub(crate) fn compare(&self, subject: &Subject, after: &[u8], meant: &[Meant], shown: &Shown) -> Outcome {
        let begin = Instant::now();
        let mut outcome = match self.original(subject, meant, shown) {
            Ok(original) => self.against(subject, &original, after, meant, shown),
            Err(outcome) => *outcome,
        };
        outcome.seconds = begin.elapsed().as_secs_f64();
        outcome
    }

    /// Builds, looks at and runs a file as it is.
    fn original(&self, subject: &Subject, meant: &[Meant], shown: &Shown) -> Result<Original, Box<Outcome>> {
        let slow = starts_otherwise(meant);
        let begin = |verdict| Box::new(Outcome::new(subject.path.clone(), verdict));
        if child::stopped() {
            return Err(begin(Verdict::Interrupted));
        }
        shown.doing(&subject.path, "building as it is");
        let (tag, _) = self.build(subject, &subject.source, "before", shown).map_err(|(fault, log)| match fault {
            Fault::Stopped => begin(Verdict::Interrupted),
            Fault::Engine(Trouble(text)) => begin(engine_error(text)),
            Fault::Build(text, last_lines) => {
                Box::new(Outcome { log, last_lines, ..*begin(Verdict::OriginalDoesNotBuild(text)) })
            }
        })?;
        let looked = self.look(&tag).and_then(|mut side| {
            shown.doing(&subject.path, "running as it is");
            if !self.started(&side.image.config).is_empty() {
                side.runs = self.twice(&tag, &side, slow)?;
            }
            Ok(side)
        });
        let side = looked.map_err(|Trouble(text)| begin(engine_error(text)))?;
        Ok(Original { tag, side, further: std::sync::OnceLock::new(), base: std::sync::OnceLock::new() })
    }

    /// Builds, looks at and runs what a file would be, and compares it with the original.
    fn against(&self, subject: &Subject, original: &Original, after: &[u8], meant: &[Meant], shown: &Shown) -> Outcome {
        let before = &original.side;
        let another = starts_otherwise(meant);
        let begin =
            |verdict| Outcome { before: Some(Facts::of(before)), ..Outcome::new(subject.path.clone(), verdict) };
        shown.doing(&subject.path, "building as it would be");
        let tag = match self.build(subject, after, "after", shown) {
            Ok((tag, _)) => tag,
            Err((Fault::Stopped, _)) => return begin(Verdict::Interrupted),
            Err((Fault::Engine(Trouble(text)), _)) => return begin(engine_error(text)),
            Err((Fault::Build(text, last_lines), log)) => {
                let verdict = Verdict::Differs(vec![format!("it does not build: {text}")]);
                return Outcome { log, last_lines, ..begin(verdict) };
            }
        };
        let compared = self.look(&tag).and_then(|mut side| {
            let mut found = self.configuration(subject, original, &side, after, meant)?;
            let files = verdict::files(before, &side);
            let base = match verdict::lost_modules(before, &side) {
                true => self.bare(subject, after).map(|tag| self.look(&tag)).transpose()?,
                false => None,
            };
            let modules = verdict::modules(before, &side, base.as_ref().map(|side| &side.probe));
            shown.doing(&subject.path, "running as it would be");
            let mut ran = Vec::new();
            if let Some(like) = before.runs.first() {
                let mut longer: Option<Observation> = None;
                for _ in 0..2 {
                    let run = self.observe(&tag, &side, Some(like), false)?;
                    if run.exited.is_some() && before.runs.iter().all(Observation::went_on) && longer.is_none() {
                        // Perhaps the original ends so too, a moment after nobody looked any more.
                        longer = Some(self.observe(&original.tag, before, Some(&run), another)?);
                    }
                    ran = match &longer {
                        Some(ended) if !ended.went_on() => {
                            verdict::behaviour(std::slice::from_ref(ended), &run, another)
                        }
                        _ => verdict::behaviour(&before.runs, &run, another),
                    };
                    side.runs = vec![run];
                    // What happens once and not again is chance, on either side.
                    if ran.is_empty() {
                        break;
                    }
                }
                if let Some(run) = side.runs.first().filter(|_| !ran.is_empty() && longer.is_none()) {
                    // Two runs that are alike may be so by chance, where something is drawn by lot.
                    ran = verdict::behaviour(self.further(original, another)?, run, another);
                }
            }
            // The user is known better once it ran.
            for one in verdict::files(before, &side).into_iter().chain(files).chain(modules).chain(ran) {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
            Ok((found, side))
        });
        let (found, side) = match compared {
            Ok(compared) => compared,
            Err(Trouble(text)) => return begin(engine_error(text)),
        };
        let runs = original.further.get().unwrap_or(&before.runs);
        let mut remarks = verdict::not_compared(before, runs, self.engine.reachable());
        remarks.extend(verdict::remarks(before, &side, meant));
        let verdict = if found.is_empty() { Verdict::Same } else { Verdict::Differs(found) };
        Outcome { remarks, after: Some(Facts::of(&side)), ..begin(verdict) }
    }

    /// What differs in the configuration. The bare bases are built only where something does.
    fn configuration(
        &self,
        subject: &Subject,
        original: &Original,
        side: &Side,
        after: &[u8],
        meant: &[Meant],
    ) -> Result<Vec<String>, Trouble> {
        let (old, new) = (&original.side.image.config, &side.image.config);
        let accept: Vec<Part> = self.args.accept.iter().copied().chain(meant.iter().map(|(part, _)| *part)).collect();
        let nothing = Config::default();
        let idle = |name: &str| verdict::is_idle(&original.side.probe, &side.probe, name);
        let strict = verdict::configuration(old, new, (&nothing, &nothing), &accept, &idle);
        if strict.is_empty() {
            return Ok(strict);
        }
        let old_base = original.base.get_or_init(|| self.base(subject, &subject.source));
        let new_base = self.base(subject, after);
        if child::stopped() {
            return Err(Trouble("interrupted".into()));
        }
        let bases = (old_base.as_ref().unwrap_or(&nothing), new_base.as_ref().unwrap_or(&nothing));
        Ok(verdict::configuration(old, new, bases, &accept, &idle))
    }

    /// The configuration of the bare base of a Dockerfile; `None` where it can't be built alone.
    fn base(&self, subject: &Subject, source: &[u8]) -> Option<Config> {
        let tag = self.bare(subject, source)?;
        self.engine.image(&tag).ok().map(|image| image.config)
    }

    /// The bare base of a Dockerfile, built; `None` where it can't be built alone.
    fn bare(&self, subject: &Subject, source: &[u8]) -> Option<String> {
        let text = inherit::base(source)?;
        self.build(subject, &text, "base", &Shown::hidden()).ok().map(|(tag, _)| tag)
    }

    /// All runs of the original, and twice as many as there were when this is asked for the first time.
    fn further<'a>(&self, original: &'a Original, slow: bool) -> Result<&'a [Observation], Trouble> {
        if original.further.get().is_none() {
            let more = self.twice(&original.tag, &original.side, slow)?;
            let all = original.side.runs.iter().cloned().chain(more).collect();
            // Another worker never has the same original.
            let _ = original.further.set(all);
        }
        Ok(original.further.get().map_or(&original.side.runs, |all| all))
    }

    /// Builds an image. The log is kept where the build failed.
    fn build(
        &self,
        subject: &Subject,
        text: &[u8],
        what: &str,
        shown: &Shown,
    ) -> Result<(String, PathBuf), (Fault, Option<PathBuf>)> {
        let name = self.name(what);
        let tag = format!("dockwright-verify/{}:{name}", self.run);
        let folder = self.folder.path().join(&name);
        let file: String = subject.path.display().to_string();
        let plain = |character: char| {
            if character.is_ascii_alphanumeric() || ".-".contains(character) { character } else { '_' }
        };
        let file: String = file.chars().map(plain).collect();
        let log = match &self.logs {
            Some(logs) => logs.join(format!("{file}.{name}.log")),
            None => self.folder.path().join(format!("{name}.log")),
        };
        let order = Order {
            text,
            context: &subject.context,
            ignore: subject.ignore.as_deref(),
            tag: &tag,
            folder: &folder,
            log: log.clone(),
            progress: &|line| shown.line(line),
        };
        let limit = self.args.timeout.unwrap_or(engine::BUILD_TIME);
        match build::build(self.engine.as_ref(), &order, limit) {
            Ok(()) => Ok((tag, log)),
            Err(fault) => {
                let kept = match (&fault, &self.logs) {
                    (Fault::Build(..), Some(_)) => Some(log),
                    (Fault::Build(..), None) => self.keep(&log, &file),
                    _ => None,
                };
                Err((fault, kept))
            }
        }
    }

    /// Takes a log out of the folder that is removed at the end.
    fn keep(&self, log: &Path, file: &str) -> Option<PathBuf> {
        let name = log.file_stem()?.to_string_lossy().into_owned();
        let kept =
            tempfile::Builder::new().prefix(&format!("dockwright-{file}-{name}-")).suffix(".log").tempfile().ok()?;
        let (_, kept) = kept.keep().ok()?;
        fs::copy(log, &kept).ok()?;
        Some(kept)
    }

    /// Reads the configuration and the files of an image.
    fn look(&self, tag: &str) -> Result<Side, Trouble> {
        let image = self.engine.image(tag)?;
        let mut tree = Tree::default();
        self.engine.export(tag, &mut |tar| tree = Tree::read(tar))?;
        if child::stopped() {
            return Err(Trouble("interrupted".into()));
        }
        let probe = probe::probe(&tree, &image.config, &self.started(&image.config));
        Ok(Side { image, probe, runs: Vec::new() })
    }

    /// What is started in an image: its entrypoint with `--run`, or with its own command.
    fn started(&self, config: &Config) -> Vec<String> {
        match self.command.is_empty() {
            true => config.whole(),
            false => [config.words(Part::Entrypoint), self.command.clone()].concat(),
        }
    }

    /// Runs an image twice, at once where the two are not in each other's way.
    fn twice(&self, tag: &str, side: &Side, slow: bool) -> Result<Vec<Observation>, Trouble> {
        if self.args.run_network.as_deref() == Some("host") {
            let first = self.observe(tag, side, None, slow)?;
            let second = self.observe(tag, side, Some(&first), slow)?;
            return Ok(vec![first, second]);
        }
        thread::scope(|scope| {
            let second = scope.spawn(|| self.observe(tag, side, None, slow));
            let first = self.observe(tag, side, None, slow)?;
            let second = second.join().unwrap_or_else(|_| Err(Trouble("a run could not be watched".into())))?;
            Ok(vec![first, second])
        })
    }

    fn observe(&self, tag: &str, side: &Side, like: Option<&Observation>, slow: bool) -> Result<Observation, Trouble> {
        run::observe(
            self.engine.as_ref(),
            &Plan {
                tag,
                name: format!("dockwright-verify-{}-{}", self.run, self.name("run")),
                config: &side.image.config,
                own: Own { name: side.probe.user.name.clone(), home: side.probe.user.home.clone() },
                command: &self.command,
                like,
                slow,
                wait: self.args.wait,
                paths: &self.args.get,
            },
        )
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        // After `close` there is nothing left; after anything else there may be.
        self.engine.sweep();
    }
}

/// Trouble while somebody wants to stop is the stopping.
fn engine_error(text: String) -> Verdict {
    match child::stopped() {
        true => Verdict::Interrupted,
        false => Verdict::EngineError(text),
    }
}

/// The line of a worker on a terminal.
pub(crate) struct Shown(ProgressBar);

impl Shown {
    /// One that nobody sees.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// What is being done to which file.
    fn doing(&self, path: &Path, what: &str) {
        self.0.set_prefix(format!("{}: {what}", path.display()));
        self.0.set_message("");
    }

    /// The last line of a build.
    fn line(&self, line: &str) {
        self.0.set_message(line.to_owned());
    }
}

/// Works on files, as many at once as `--jobs` says, one where it says nothing, and hands the results to `each` in
/// order.
///
/// # Errors
/// Those of `each`.
pub(crate) fn each<T: Send>(
    inputs: &[Input],
    global: &Global,
    work: impl Fn(&Input, &Shown) -> T + Sync,
    mut each: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let jobs = global.jobs.map_or(1, NonZeroUsize::get).min(inputs.len());
    let target = if global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bars = MultiProgress::with_draw_target(target);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..jobs {
            let (sender, next, work, bars) = (sender.clone(), &next, &work, &bars);
            scope.spawn(move || {
                let bar = bars.add(ProgressBar::new_spinner());
                let style = ProgressStyle::with_template("{spinner} {elapsed} {prefix}  {wide_msg:.dim}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar.enable_steady_tick(Duration::from_millis(200));
                let shown = Shown(bar);
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(input) = inputs.get(at) else { break };
                    if sender.send((at, work(input, &shown))).is_err() {
                        break;
                    }
                }
                shown.0.finish_and_clear();
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (at, made) in receiver {
            waiting.insert(at, made);
            while let Some(made) = waiting.remove(&turn) {
                bars.suspend(|| each(made))?;
                turn += 1;
            }
        }
        Ok(())
    })
}
