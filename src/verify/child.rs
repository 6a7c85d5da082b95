//! Children: engines are run as processes of their own group, which are ended by their id when time is up or a person
//! wants to stop.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often it was asked to stop.
static STOPS: AtomicUsize = AtomicUsize::new(0);

/// How long a child has to end by itself once it is asked to.
const GRACE: Duration = Duration::from_secs(10);

/// How long what it started has to end after it.
const HELPERS: Duration = Duration::from_secs(3);

/// No answer of an engine but a build or an export takes longer; one that does not come at all is an error.
pub(super) const ANSWER: Duration = Duration::from_secs(120);

/// Makes Ctrl-C and its kin a wish to stop, which [`stopped`] tells: what was made can then be removed. The second one
/// ends the program at once.
pub(crate) fn listen() {
    // It fails where a handler is there already, which is then ours: a process verifies once.
    let _ = ctrlc::set_handler(|| {
        if STOPS.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(130);
        }
    });
}

/// Whether somebody wants to stop.
pub(crate) fn stopped() -> bool {
    STOPS.load(Ordering::SeqCst) > 0
}

/// How a child came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with success or not.
    Done(ExitStatus),
    /// It was ended, because its time was up.
    Late,
    /// It was ended, because somebody wants to stop.
    Stopped,
}

/// What came of a child.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ended {
    /// Whether it succeeded.
    pub(crate) fn success(&self) -> bool {
        matches!(self.end, End::Done(status) if status.success())
    }

    /// The last line that it said on standard error, or on standard output.
    pub(crate) fn last_line(&self) -> String {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
        };
        text(&self.stderr).or_else(|| text(&self.stdout)).unwrap_or_else(|| "it said nothing".into())
    }
}

/// Whether a child is ended when somebody wants to stop. What cleans up is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stoppable {
    Yes,
    No,
}

/// Runs `command` to its end, no longer than `limit`; `each` hears every line of standard error.
///
/// # Errors
/// The program can't be started.
pub(crate) fn run(
    command: &mut Command,
    limit: Duration,
    stoppable: Stoppable,
    each: &(dyn Fn(&str) + Sync),
) -> io::Result<Ended> {
    run_reading(command, limit, stoppable, each, |stdout| {
        let mut bytes = Vec::new();
        // What was read until the pipe broke is what there is.
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    })
    .map(|(end, stdout, stderr)| Ended { end, stdout, stderr })
}

/// As [`run`], with standard output given to `read` while it comes.
///
/// # Errors
/// The program can't be started.
pub(super) fn run_reading<T: Send>(
    command: &mut Command,
    limit: Duration,
    stoppable: Stoppable,
    each: &(dyn Fn(&str) + Sync),
    read: impl FnOnce(&mut dyn Read) -> T + Send,
) -> io::Result<(End, T, Vec<u8>)> {
    let mut child = spawn(command)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let read = scope.spawn(move || match stdout {
            Some(mut stdout) => {
                let made = read(&mut stdout);
                // A child whose output is no longer read would wait for ever.
                let _ = io::copy(&mut stdout, &mut io::sink());
                made
            }
            None => read(&mut io::empty()),
        });
        let said = scope.spawn(move || stderr.map(|stderr| lines(stderr, each)).unwrap_or_default());
        let end = wait(&mut child, limit, stoppable);
        let stderr = said.join().unwrap_or_default();
        match read.join() {
            Ok(made) => end.map(|end| (end, made, stderr)),
            Err(_) => Err(io::Error::other("what it said could not be read")),
        }
    })
}

/// Starts `command` in a process group of its own, with both streams piped: the terminal's Ctrl-C is ours to pass on.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command.spawn()
}

fn lines(stderr: impl Read, each: &(dyn Fn(&str) + Sync)) -> Vec<u8> {
    let mut all = Vec::new();
    let mut reader = BufReader::new(stderr);
    loop {
        let start = all.len();
        match reader.read_until(b'\n', &mut all) {
            Ok(0) | Err(_) => return all,
            Ok(_) => each(String::from_utf8_lossy(all.get(start..).unwrap_or_default()).trim_end()),
        }
    }
}

/// Waits for the end, or makes one.
fn wait(child: &mut Child, limit: Duration, stoppable: Stoppable) -> io::Result<End> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Done(status));
        }
        let why = match () {
            () if stoppable == Stoppable::Yes && stopped() => Some(End::Stopped),
            () if begin.elapsed() > limit => Some(End::Late),
            () => None,
        };
        if let Some(why) = why {
            end(child)?;
            return Ok(why);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Asks a child to end, and ends it with all that it started if it does not. Only the child itself is asked: an engine
/// ends what it runs in its own way, and can't when its helpers are gone before it.
pub(super) fn end(child: &mut Child) -> io::Result<()> {
    // Podman and Buildah leave what a build runs to itself when they are asked to end.
    let started = super::process::descendants(child.id());
    // Docker's client leaves its plugins to the terminal's Ctrl-C before version 25, and waits for them.
    let plugins = || started.iter().filter(|process| process.is_named("docker-buildx"));
    let ended = end_alone(child, || plugins().for_each(|plugin| send(plugin.pid, Wish::End)));
    started.iter().filter(|process| process.runs()).for_each(|process| send(process.pid, Wish::Kill));
    ended
}

fn end_alone(child: &mut Child, also: impl FnOnce()) -> io::Result<()> {
    signal(child, Wish::End);
    also();
    let begin = Instant::now();
    while begin.elapsed() < GRACE {
        if child.try_wait()?.is_some() {
            // What it has started may be cleaning up, or may hold its pipes for ever.
            let begin = Instant::now();
            while helped(child) && begin.elapsed() < HELPERS {
                thread::sleep(Duration::from_millis(20));
            }
            signal(child, Wish::Kill);
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    signal(child, Wish::Kill);
    let _ = child.kill();
    child.wait().map(|_| ())
}

/// Whether something of the process group of a child still runs.
#[cfg(unix)]
fn helped(child: &Child) -> bool {
    use rustix::process::{Pid, test_kill_process_group};

    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process_group(pid).is_ok())
}

#[cfg(not(unix))]
fn helped(_child: &Child) -> bool {
    false
}

#[derive(Clone, Copy)]
enum Wish {
    End,
    Kill,
}

/// Asks a child, or ends its process group; that has the child's id, as the child leads it.
#[cfg(unix)]
fn signal(child: &Child, wish: Wish) {
    use rustix::process::{Pid, Signal, kill_process_group};

    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // There is nobody left to signal where all have ended by themselves.
        match wish {
            Wish::End => send(child.id(), wish),
            Wish::Kill => drop(kill_process_group(pid, Signal::KILL)),
        }
    }
}

/// Asks or ends one process.
#[cfg(unix)]
fn send(pid: u32, wish: Wish) {
    use rustix::process::{Pid, Signal, kill_process};

    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let signal = match wish {
            Wish::End => Signal::TERM,
            Wish::Kill => Signal::KILL,
        };
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn send(_pid: u32, _wish: Wish) {}

#[cfg(not(unix))]
fn signal(_child: &Child, _wish: Wish) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        run(Command::new("/bin/sh").args(["-c", script]), limit, Stoppable::No, &|_| {}).unwrap()
    }

    #[test]
    fn both_streams_are_read_to_their_end() {
        let ended = shell("echo out; echo err >&2; exit 3", ANSWER);
        assert_eq!((ended.stdout.as_slice(), ended.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        assert!(matches!(ended.end, End::Done(status) if status.code() == Some(3)));
        assert_eq!(ended.last_line(), "err");
    }

    #[test]
    fn what_does_not_end_is_ended_with_all_that_it_started() {
        let begin = Instant::now();
        let ended = shell("sleep 600 & echo begun; wait", Duration::from_secs(2));
        assert_eq!((ended.end, ended.stdout.as_slice()), (End::Late, &b"begun\n"[..]));
        // Far less than it would sleep, and enough for a machine that has other things to do.
        assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_plugin_that_the_client_waits_for_is_asked_too() {
        let folder = tempfile::tempdir().unwrap();
        let plugin = folder.path().join("docker-buildx");
        // Another process writes it: a test beside this one may start a program while the file is open for writing, and
        // then the system would not start it yet.
        let write = format!("printf '#!/bin/sh\\nsleep 600 &\\nwait\\n' > '{0}' && chmod 755 '{0}'", plugin.display());
        assert!(matches!(shell(&write, Duration::from_secs(20)).end, End::Done(status) if status.success()));
        let client = format!("trap : TERM; '{}'; echo ended", plugin.display());
        let ended = shell(&client, Duration::from_secs(2));
        // A client that has to be killed says nothing.
        assert_eq!((ended.end, ended.stdout.as_slice()), (End::Late, &b"ended\n"[..]));
    }
}
