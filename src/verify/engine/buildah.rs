//! Buildah, which has no daemon and no detached containers: a program runs as its child, in a network of which nothing is
//! outside. What it listens on is asked from inside.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::net::Ipv4Addr;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::super::child::{self, ANSWER, End, Ended, Stoppable};
use super::{Build, BuildError, Common, Config, Container, Engine, Image, Start, State, Trouble, Workings, asks};

const PROGRAM: &str = "buildah";

/// Buildah.
pub(super) struct Buildah {
    common: Common,
    workings: Workings,
}

impl Buildah {
    /// Buildah, where it works.
    pub(super) fn new(common: Common) -> Result<Self, Trouble> {
        asks(PROGRAM, &["info"])?;
        if common.builder.is_some() {
            return Err(Trouble("--builder is docker's; buildah builds by itself".into()));
        }
        Ok(Self { common, workings: Workings::new(workings()) })
    }

    fn ask(args: &[&str], limit: Duration, stoppable: Stoppable) -> Result<Ended, Trouble> {
        let ended = child::run(Command::new(PROGRAM).args(args), limit, stoppable, &|_| {});
        ended.map_err(|error| Trouble(format!("{PROGRAM} can't be started: {error}")))
    }

    fn answer(args: &[&str]) -> Result<String, Trouble> {
        Self::succeed(args, Stoppable::Yes)
    }

    /// As [`Buildah::answer`], for what makes something that has to be removed.
    fn make(args: &[&str]) -> Result<String, Trouble> {
        Self::succeed(args, Stoppable::No)
    }

    fn succeed(args: &[&str], stoppable: Stoppable) -> Result<String, Trouble> {
        let ended = Self::ask(args, ANSWER, stoppable)?;
        match ended.success() {
            true => Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned()),
            false => {
                let what = args.first().copied().unwrap_or_default();
                Err(Trouble(format!("`{PROGRAM} {what}` failed: {}", ended.last_line())))
            }
        }
    }

    /// The names of our containers all begin so.
    fn prefix(&self) -> String {
        format!("dockwright-verify-{}", self.common.run)
    }

    fn containers(&self) -> Vec<String> {
        let ended = Self::ask(&["containers", "--format", "{{.ContainerName}}"], ANSWER, Stoppable::No);
        let text = ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default();
        let prefix = self.prefix();
        text.lines().map(str::trim).filter(|name| name.starts_with(&prefix)).map(str::to_owned).collect()
    }

    fn images(&self) -> Vec<String> {
        let filter = self.common.filter();
        let ended = Self::ask(&["images", "--quiet", "--filter", &filter], ANSWER, Stoppable::No);
        let text = ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default();
        let mut images: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        images.sort();
        images.dedup();
        images
    }
}

impl Engine for Buildah {
    fn build(&self, build: &Build<'_>) -> Result<(), BuildError> {
        let mut command = Command::new(PROGRAM);
        // Buildah's own format has no health check.
        command.args(["build", "--layers", "--format", "docker", "--label", &self.common.label()]);
        command.args(["--tag", build.tag]);
        self.common.give(&mut command);
        for (option, value) in [("--network", &self.common.network), ("--memory", &self.common.memory)] {
            if let Some(value) = value {
                command.args([option, value]);
            }
        }
        if let Some(ignore) = &build.ignore {
            command.arg("--ignorefile").arg(ignore);
        }
        command.arg("--file").arg(&build.dockerfile).arg(&build.context);
        match self.common.built(&mut command, &self.workings, build.each)? {
            true => Ok(()),
            false => Err(BuildError::Failed),
        }
    }

    fn image(&self, tag: &str) -> Result<Image, Trouble> {
        let text = Self::answer(&["inspect", "--type", "image", tag])?;
        let image: Value = serde_json::from_str(&text)
            .map_err(|error| Trouble(format!("`{PROGRAM} inspect` is not understood: {error}")))?;
        let layers = image.pointer("/Docker/rootfs/diff_ids").and_then(Value::as_array).map_or(0, Vec::len);
        let config = Config::read(image.pointer("/Docker/config").unwrap_or(&Value::Null));
        // It tells a size in words only; the files are added up instead.
        Ok(Image { config, size: 0, layers })
    }

    fn export(&self, tag: &str, read: &mut (dyn FnMut(&mut dyn Read) + Send)) -> Result<(), Trouble> {
        let name = format!("{}-files-{}", self.prefix(), tag.rsplit(':').next().unwrap_or_default());
        Self::make(&["from", "--name", &name, tag])?;
        let script = r#"exec tar --create --numeric-owner --directory "$(buildah mount "$1")" ."#;
        let mut command = match root() {
            true => Command::new("sh"),
            false => {
                // Without root, what an image holds can only be seen where users are mapped.
                let mut command = Command::new(PROGRAM);
                command.args(["unshare", "sh"]);
                command
            }
        };
        command.args(["-c", script, "sh", &name]);
        let exported = child::run_reading(&mut command, ANSWER * 10, Stoppable::Yes, &|_| {}, |tar| read(tar));
        let _ = Self::ask(&["rm", &name], ANSWER, Stoppable::No);
        match exported {
            Ok((End::Done(status), (), _)) if status.success() => Ok(()),
            Ok((End::Stopped, (), _)) => Err(Trouble("interrupted".into())),
            Ok((_, (), said)) => {
                let said = String::from_utf8_lossy(&said);
                Err(Trouble(format!("the files of an image can't be read: {}", said.trim())))
            }
            Err(error) => Err(Trouble(format!("the files of an image can't be read: {error}"))),
        }
    }

    fn start(&self, start: &Start<'_>) -> Result<Result<Box<dyn Container + '_>, String>, Trouble> {
        let trouble = |error: std::io::Error| Trouble(format!("{PROGRAM} can't be started: {error}"));
        let mut from = vec!["from", "--name", &start.name];
        if let Some(memory) = &self.common.memory {
            from.extend(["--memory", memory]);
        }
        from.push(start.tag);
        Self::make(&from)?;
        let output = tempfile::NamedTempFile::new().map_err(trouble)?;
        let network = self.common.run_network.as_deref().unwrap_or("none");
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--network", network, "--hostname", "dockwright"]);
        for variable in &self.common.env {
            command.args(["--env", variable]);
        }
        command.arg(&start.name).arg("--").args(&start.whole);
        let both = output.as_file();
        command.stdin(Stdio::null()).stdout(both.try_clone().map_err(trouble)?);
        command.stderr(both.try_clone().map_err(trouble)?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(trouble)?;
        Ok(Ok(Box::new(BuildahContainer { name: start.name.clone(), child: RefCell::new(child), output })))
    }

    fn left(&self) -> Vec<String> {
        [self.containers(), self.workings.left(workings), self.images()].concat()
    }

    fn sweep(&self) {
        let left = [
            (&["rm"][..], self.containers()),
            (&["rm"][..], self.workings.left(workings)),
            (&["rmi", "--force"][..], self.images()),
        ];
        for (remove, names) in left {
            if !names.is_empty() {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let _ = Self::ask(&[remove, names.as_slice()].concat(), ANSWER, Stoppable::No);
            }
        }
    }

    fn reachable(&self) -> bool {
        cfg!(target_os = "linux") && root()
    }
}

/// The ids of all containers.
fn workings() -> Vec<String> {
    let ended = Buildah::ask(&["containers", "--quiet", "--notruncate"], ANSWER, Stoppable::No);
    let text = ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(unix)]
fn root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn root() -> bool {
    false
}

/// A program that Buildah runs.
struct BuildahContainer {
    name: String,
    child: RefCell<Child>,
    output: tempfile::NamedTempFile,
}

impl BuildahContainer {
    /// Its first process, once it is there.
    fn first(&self) -> Option<u32> {
        super::super::process::contained(self.child.borrow().id())
    }
}

impl Container for BuildahContainer {
    fn state(&self) -> Result<State, Trouble> {
        let status = self.child.borrow_mut().try_wait();
        match status.map_err(|error| Trouble(format!("{PROGRAM} can't be waited for: {error}")))? {
            Some(status) => Ok(State::Exited(status.code().unwrap_or(-1))),
            None => Ok(State::Running(self.first().map(|_| Ipv4Addr::LOCALHOST.into()))),
        }
    }

    fn output(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(self.output.path()) {
            // What can be read is what was printed so far.
            let _ = file.read_to_end(&mut bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        // Buildah adds that the program failed, which the program did not say.
        let own = |line: &&str| {
            !line.starts_with("Error: while running runtime: exit status")
                && !line.starts_with("error running container: exit status")
                && !line.starts_with("Error: exit status")
        };
        text.lines().filter(own).map(|line| format!("{line}\n")).collect()
    }

    fn uid(&self) -> Option<u32> {
        super::super::process::uid(u64::from(self.first()?))
    }

    #[cfg(target_os = "linux")]
    fn asking(&self, ask: &mut (dyn FnMut() + Send)) {
        let network = self.first().and_then(|first| File::open(format!("/proc/{first}/ns/net")).ok());
        let Some(network) = network else { return };
        // A thread of its own: it never comes back from there, and what it opens belongs there.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let kind = Some(rustix::thread::LinkNameSpaceType::Network);
                if rustix::thread::move_into_link_name_space(network.as_fd(), kind).is_ok() {
                    ask();
                }
            });
        });
    }

    fn exec(&self, _command: &[String]) -> Option<i32> {
        // Another `buildah run` would see neither its processes nor its network.
        None
    }

    fn stop(&self) -> Option<i32> {
        let _ = child::end(&mut self.child.borrow_mut());
        None
    }
}

impl Drop for BuildahContainer {
    fn drop(&mut self) {
        if let Ok(State::Running(_)) = self.state() {
            let _ = child::end(&mut self.child.borrow_mut());
        }
        let _ = Buildah::ask(&["rm", &self.name], ANSWER, Stoppable::No);
    }
}
