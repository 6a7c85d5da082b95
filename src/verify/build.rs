//! One build: its log kept, its last words read when it fails.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::engine::{Build, BuildError, Engine, Trouble};
use super::verdict::{complains, short};

/// How many of the last lines of a log are looked at, and shown.
const LAST: usize = 40;
const SHOWN: usize = 8;

/// Words of an engine or a registry that is at fault itself, not the Dockerfile.
const NOT_THE_FILE: [&str; 6] = [
    "buildx component is missing",
    "no space left on device",
    "i/o timeout",
    "TLS handshake timeout",
    "toomanyrequests",
    "failure in name resolution",
];

/// What to build, and where its log goes.
pub(super) struct Order<'a> {
    pub(super) text: &'a [u8],
    pub(super) context: &'a Path,
    /// An ignore file that goes with the Dockerfile by its name.
    pub(super) ignore: Option<&'a Path>,
    pub(super) tag: &'a str,
    /// An empty folder for the Dockerfile.
    pub(super) folder: &'a Path,
    pub(super) log: PathBuf,
    /// Hears the last line of the log.
    pub(super) progress: &'a (dyn Fn(&str) + Sync),
}

/// Why there is no image.
#[derive(Debug)]
pub(super) enum Fault {
    /// A sentence, and the last lines of the log.
    Build(String, Vec<String>),
    Engine(Trouble),
    Stopped,
}

/// Builds an image.
pub(super) fn build(engine: &dyn Engine, order: &Order<'_>, limit: std::time::Duration) -> Result<(), Fault> {
    let local = |error: std::io::Error| {
        let text = format!("{}: {error}; make room there, or choose another by TMPDIR", order.folder.display());
        Fault::Engine(Trouble(text))
    };
    let dockerfile = order.folder.join("Dockerfile");
    fs::create_dir_all(order.folder).map_err(local)?;
    fs::write(&dockerfile, order.text).map_err(local)?;
    if let Some(ignore) = order.ignore {
        // BuildKit looks for it beside the Dockerfile, under its name.
        fs::copy(ignore, order.folder.join("Dockerfile.dockerignore")).map_err(local)?;
    }
    let log = Mutex::new((File::create(&order.log).map_err(local)?, VecDeque::<Line>::new()));
    let each = |line: &str| {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that can't be written is no reason to stop the build.
        let _ = writeln!(log.0, "{line}");
        let line = Line::read(line);
        if !line.text.is_empty() {
            (order.progress)(&line.text);
            log.1.push_back(line);
            if log.1.len() > LAST {
                log.1.pop_front();
            }
        }
    };
    let built = engine.build(&Build {
        dockerfile,
        ignore: order.ignore.map(Path::to_owned),
        context: order.context.to_owned(),
        tag: order.tag,
        each: &each,
    });
    let (_, last) = log.into_inner().unwrap_or_else(PoisonError::into_inner);
    let last: Vec<Line> = last.into();
    match built {
        Ok(()) => Ok(()),
        Err(BuildError::Stopped) => Err(Fault::Stopped),
        Err(BuildError::Engine(trouble)) => Err(Fault::Engine(trouble)),
        Err(BuildError::Late) => {
            let text = format!(
                "it was still building after {} and was ended; --timeout gives it longer",
                super::report::time(limit)
            );
            Err(Fault::Build(text, shown(&last)))
        }
        Err(BuildError::Failed) => {
            // A runtime that can't make a container for a step, and not for what is in the image.
            let runtime = |line: &str| line.contains(" creating container for [") && !super::engine::of_the_image(line);
            let fault =
                |line: &&Line| NOT_THE_FILE.iter().any(|words| line.text.contains(words)) || runtime(&line.text);
            match last.iter().find(fault) {
                Some(line) => Err(Fault::Engine(Trouble(short(&line.text)))),
                None => Err(Fault::Build(reason(&last), shown(&last))),
            }
        }
    }
}

fn shown(last: &[Line]) -> Vec<String> {
    last.iter().skip(last.len().saturating_sub(SHOWN)).map(|line| short(&line.text)).collect()
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// BuildKit's number of the step that says it; `None` where it is nobody's, or the engine has no such numbers.
    step: Option<u32>,
    /// Whether a command of that step says it: BuildKit writes the time before it, and none before its own words.
    timed: bool,
    text: String,
}

impl Line {
    fn read(line: &str) -> Self {
        let mut words = line.trim().strip_prefix('#').into_iter().flat_map(|rest| rest.splitn(3, ' '));
        let step: Option<u32> = words.next().and_then(|number| number.parse().ok());
        let time = |word: &str| word.contains('.') && word.parse::<f64>().is_ok();
        let timed = step.is_some() && words.next().is_some_and(time);
        Self { step, timed, text: undecorated(line).to_owned() }
    }
}

/// The line that says why: what the command said before the engine says that it failed, else what the engine says.
fn reason(last: &[Line]) -> String {
    // The steps of other stages talk in between, and the client has remarks of its own: that it found no repository, say.
    let failed = last.iter().rev().find(|line| line.step.is_some() && !line.timed && line.text.starts_with("ERROR"));
    let failed = failed.and_then(|line| line.step);
    let command: Vec<&str> =
        last.iter().filter(|line| line.timed && line.step == failed).map(|line| line.text.as_str()).collect();
    let others = |line: &Line| failed.is_some() && line.step.is_some() && line.step != failed;
    let engine: Vec<&str> =
        last.iter().filter(|line| !others(line) && !remark(&line.text)).map(|line| line.text.as_str()).collect();
    let said = complaint(&command).or(command.last().copied()).or_else(|| said(&engine));
    let said = said.or(last.last().map(|line| line.text.as_str()));
    said.map_or_else(|| "the engine said nothing".into(), short)
}

/// The last of these lines that is about something that went wrong. Of Maven's errors in a row, which end with where to
/// read more, the first.
fn complaint<'a>(lines: &[&'a str]) -> Option<&'a str> {
    const MAVEN: &str = "[ERROR]";
    let at = lines.iter().rposition(|line| complains(line))?;
    let row = lines.iter().take(at + 1).rev().take_while(|line| line.starts_with(MAVEN)).count();
    lines.get((at + 1).saturating_sub(row.max(1))).copied()
}

/// Whether a client only remarks something, which is never why a build fails.
fn remark(line: &str) -> bool {
    line.starts_with("WARNING: ") || line.contains(" level=warning ") || line.contains(" level=info ")
}

/// What of these lines says why.
fn said<'a>(last: &[&'a str]) -> Option<&'a str> {
    let engine = |line: &str| {
        ["failed to solve", "executor failed", "Error: building at STEP", "error building at STEP", "ERROR: failed to"]
            .iter()
            .any(|words| line.contains(words))
            || line.starts_with("Dockerfile:")
            || line.starts_with("---")
            || line.starts_with("> ")
            || line.starts_with("ERROR: process")
            || line.starts_with(">>>")
            || line.split_once(" | ").is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok())
    };
    let step = |line: &str| {
        ["ERROR", "CACHED", "DONE", "CANCELED", "[", "sha256:", "transferring ", "STEP ", "-->"]
            .iter()
            .any(|words| line.starts_with(words))
    };
    let mut said = last.iter().copied().rev().filter(|line| !engine(line) && !step(line));
    let complaint = said.clone().find(|line| complains(line));
    let by_engine = last.iter().copied().rev().find(|line| complains(line));
    // A command that failed has said something last, whatever its words; an image that can't be had has not.
    let failed = last.iter().any(|line| line.contains("executor failed") || line.contains("did not complete"));
    complaint.or(if failed { said.next() } else { None }).or(by_engine)
}

/// A line without BuildKit's step and time before it: `#7 0.512 text`.
fn undecorated(line: &str) -> &str {
    let number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let line = line.trim();
    let Some(rest) = line.strip_prefix('#') else {
        // BuildKit repeats the lines of what failed with the time alone.
        return match line.split_once(' ') {
            None if number(line) && line.contains('.') => "",
            Some((first, rest)) if number(first) && first.contains('.') => rest.trim(),
            _ => line,
        };
    };
    let Some((step, rest)) = rest.split_once(' ') else { return line };
    if !number(step) {
        return line;
    }
    match rest.split_once(' ') {
        None if number(rest) && rest.contains('.') => "",
        Some((first, rest)) if number(first) && first.contains('.') => rest.trim(),
        _ => rest.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_command_said() {
        let lines = |text: &str| text.lines().map(Line::read).filter(|line| !line.text.is_empty()).collect::<Vec<_>>();
        let log = "#7 [2/2] RUN ./x\n#7 0.512 /bin/sh: 1: ./x: not found\n#7 ERROR: executor failed running [/bin/sh -c ./x]: \
                   exit code: 127\n------\n > [2/2] RUN ./x:\n0.512 /bin/sh: 1: ./x: not found\n------\n\
                   executor failed running [/bin/sh -c ./x]: exit code: 127";
        assert_eq!(reason(&lines(log)), "/bin/sh: 1: ./x: not found");
        let log = "#3 ERROR: docker.io/library/nope:1: not found\n------\nfailed to solve: nope:1: not found";
        assert_eq!(reason(&lines(log)), "failed to solve: nope:1: not found");
        let log = "#9 0.1 Option s is ambiguous\n#9 0.2 \n#9 ERROR: executor failed running [/bin/sh -c x]: exit code: 1\n\
                   ------\n > [4/4] RUN x:\n0.1 Option s is ambiguous\n------\nexecutor failed running [/bin/sh -c x]";
        assert_eq!(reason(&lines(log)), "Option s is ambiguous");
        assert_eq!(reason(&[]), "the engine said nothing");
        // What a command says is its own, in whatever words.
        let log = "#7 0.9 [INFO] BUILD FAILURE\n#7 0.9 [ERROR] Failed to execute goal x: no release 99\n\
                   #7 0.9 [ERROR] Re-run Maven with -X\n#7 0.9 [ERROR] [Help 1] about errors\n\
                   #7 ERROR: executor failed running [/bin/sh -c mvn package]: exit code: 1\n------";
        assert_eq!(reason(&lines(log)), "[ERROR] Failed to execute goal x: no release 99");
        let log = "#7 0.9 ERROR: No matching distribution found for x\n#7 1.0 [notice] a new pip is there\n\
                   #7 ERROR: process \"/bin/sh -c pip install x\" did not complete successfully: exit code: 1";
        assert_eq!(reason(&lines(log)), "ERROR: No matching distribution found for x");
        // The client's own remarks, and what another stage says meanwhile, are not why.
        let log = "WARNING: current commit information was not captured by the build: failed to read it\n\
                   #7 [builder 2/2] RUN ./check\n#7 0.1 3 of 9 tests are red\n#8 0.2 error: no index, trying another\n\
                   #7 ERROR: executor failed running [/bin/sh -c ./check]: exit code: 1\n------\n > [builder 2/2] RUN ./check:\n\
                   ------\nERROR: failed to build: failed to solve: executor failed running [/bin/sh -c ./check]: exit code: 1";
        assert_eq!(reason(&lines(log)), "3 of 9 tests are red");
        let log = "time=\"1\" level=warning msg=\"commit information was not captured: failed\"\nSTEP 2/2: RUN ./x\nnothing to do\n\
                   Error: building at STEP \"RUN ./x\": while running runtime: exit status 1";
        assert_eq!(reason(&lines(log)), "Error: building at STEP \"RUN ./x\": while running runtime: exit status 1");
    }
}
