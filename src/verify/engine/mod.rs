//! The container engines behind one small trait, each run by its own command line.

mod buildah;
mod docker;

use std::collections::BTreeMap;
use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::child::{self, End, Stoppable};
use crate::cli::{EngineName, Part, ProofArgs};

/// The label of everything that is made here; its value is the run's id.
pub(super) const LABEL: &str = "dockwright.verify";

/// What is wrong with an engine: one line, with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble(pub(super) String);

/// What a container engine can do for us. Everything that it makes carries [`LABEL`].
pub(super) trait Engine: Send + Sync {
    /// Builds an image and tags it.
    fn build(&self, build: &Build<'_>) -> Result<(), BuildError>;
    /// The configuration of an image, its size and its layers.
    fn image(&self, tag: &str) -> Result<Image, Trouble>;
    /// Hands the files of an image to `read`, as a tar archive.
    fn export(&self, tag: &str, read: &mut (dyn FnMut(&mut dyn Read) + Send)) -> Result<(), Trouble>;
    /// Starts a container.
    ///
    /// # Errors
    /// The outer one is about the engine; the inner one is the line that says why the container does not start.
    fn start(&self, start: &Start<'_>) -> Result<Result<Box<dyn Container + '_>, String>, Trouble>;
    /// What is still there of all that this run has made.
    fn left(&self) -> Vec<String>;
    /// Removes all that this run has made.
    fn sweep(&self);
    /// Whether the containers have an address that can be asked, where they have a network.
    fn reachable(&self) -> bool;
}

/// A container that was started. It is removed when the value goes.
pub(super) trait Container {
    /// What it is doing.
    fn state(&self) -> Result<State, Trouble>;
    /// What it printed so far, both streams.
    fn output(&self) -> String;
    /// The user of its first process, as the container sees it.
    fn uid(&self) -> Option<u32>;
    /// Does what asks the address that it has: from this machine's network, or from inside of its own.
    fn asking(&self, ask: &mut (dyn FnMut() + Send)) {
        ask();
    }
    /// Runs a command in it, and returns its exit code; `None` where the engine can't.
    fn exec(&self, command: &[String]) -> Option<i32>;
    /// Asks it to stop and returns its exit code: 137 where it had to be killed.
    fn stop(&self) -> Option<i32>;
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It runs; its address where it has one.
    Running(Option<IpAddr>),
    /// It has ended with this code.
    Exited(i32),
}

/// What to build.
pub(super) struct Build<'a> {
    /// The Dockerfile, which need not be in the context.
    pub(super) dockerfile: PathBuf,
    /// The ignore file that is not beside the Dockerfile under its name.
    pub(super) ignore: Option<PathBuf>,
    pub(super) context: PathBuf,
    pub(super) tag: &'a str,
    /// Hears every line of the log.
    pub(super) each: &'a (dyn Fn(&str) + Sync),
}

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BuildError {
    /// It failed; the lines that the engine said are in the log.
    Failed,
    /// It took too long.
    Late,
    /// Somebody wants to stop.
    Stopped,
    /// It is not the Dockerfile's fault.
    Engine(Trouble),
}

/// What to start.
pub(super) struct Start<'a> {
    pub(super) tag: &'a str,
    pub(super) name: String,
    /// In place of the image's CMD.
    pub(super) command: &'a [String],
    /// What starts without the engine's help: entrypoint and command.
    pub(super) whole: Vec<String>,
    /// Whether it is going to be asked something.
    pub(super) asked: bool,
}

/// An image.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    pub(super) config: Config,
    /// Bytes, uncompressed.
    pub(super) size: u64,
    pub(super) layers: usize,
}

/// The configuration that decides how an image runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Config {
    /// What is there, without empty values.
    pub(super) parts: BTreeMap<Part, Value>,
    /// As it is written; empty for root.
    pub(super) user: String,
}

impl Config {
    /// Reads `Config` as engines print it, in Docker's words.
    pub(super) fn read(config: &Value) -> Self {
        let mut parts = BTreeMap::new();
        for (part, key) in [
            (Part::Entrypoint, "Entrypoint"),
            (Part::Cmd, "Cmd"),
            (Part::Env, "Env"),
            (Part::Workdir, "WorkingDir"),
            (Part::Expose, "ExposedPorts"),
            (Part::Volume, "Volumes"),
            (Part::Label, "Labels"),
            (Part::Healthcheck, "Healthcheck"),
            (Part::Stopsignal, "StopSignal"),
        ] {
            let mut value = config.get(key).cloned().unwrap_or_default();
            if part == Part::Label
                && let Some(labels) = value.as_object_mut()
            {
                // Ours, and what Buildah says of itself.
                labels.retain(|name, _| name != LABEL && name != "io.buildah.version");
            }
            let empty = match &value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            // Engines write the root folder where nothing was said, or nothing.
            let root = part == Part::Workdir && value == "/";
            if !empty && !root {
                parts.insert(part, value);
            }
        }
        let user = config.get("User").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { parts, user }
    }

    /// A list of texts.
    pub(super) fn words(&self, part: Part) -> Vec<String> {
        let list = self.parts.get(&part).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// What the image starts.
    pub(super) fn whole(&self) -> Vec<String> {
        [self.words(Part::Entrypoint), self.words(Part::Cmd)].concat()
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let find = |entry: String| entry.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        self.words(Part::Env).into_iter().find_map(find)
    }

    /// The TCP ports of EXPOSE, sorted.
    pub(super) fn ports(&self) -> Vec<u16> {
        let ports = self.parts.get(&Part::Expose).and_then(Value::as_object);
        let tcp = |name: &String| match name.split_once('/') {
            None => name.parse().ok(),
            Some((port, "tcp")) => port.parse().ok(),
            Some(_) => None,
        };
        let mut ports: Vec<u16> = ports.into_iter().flat_map(|ports| ports.keys()).filter_map(tcp).collect();
        ports.sort_unstable();
        ports
    }

    /// The folder in which the program starts.
    pub(super) fn workdir(&self) -> &str {
        self.parts.get(&Part::Workdir).and_then(Value::as_str).unwrap_or("/")
    }

    /// The command of the health check, as words.
    pub(super) fn health(&self) -> Option<Vec<String>> {
        let test = self.parts.get(&Part::Healthcheck)?.get("Test")?.as_array()?;
        let words: Vec<String> = test.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        match words.split_first() {
            Some((kind, rest)) if kind == "CMD" => Some(rest.to_vec()),
            Some((kind, rest)) if kind == "CMD-SHELL" => Some([&["/bin/sh".into(), "-c".into()], rest].concat()),
            _ => None,
        }
    }
}

/// What is the same for everything that a run does.
#[derive(Debug, Clone, Default)]
pub(super) struct Common {
    /// The run's id.
    pub(super) run: String,
    pub(super) builder: Option<String>,
    pub(super) build_args: Vec<String>,
    pub(super) secrets: Vec<String>,
    pub(super) env: Vec<String>,
    pub(super) timeout: Duration,
    pub(super) memory: Option<String>,
    pub(super) network: Option<String>,
    pub(super) run_network: Option<String>,
}

impl Common {
    /// `--label` with our label, as an argument.
    fn label(&self) -> String {
        format!("{LABEL}={}", self.run)
    }

    /// The filter that finds what carries it.
    fn filter(&self) -> String {
        format!("label={LABEL}={}", self.run)
    }

    /// Gives a build its arguments and secrets.
    fn give(&self, command: &mut Command) {
        for (option, values) in [("--build-arg", &self.build_args), ("--secret", &self.secrets)] {
            for value in values {
                command.args([option, value]);
            }
        }
    }

    /// Runs a build, and answers whether it came to a good end. What a build that is ended was working in goes with it.
    fn built(
        &self,
        command: &mut Command,
        workings: &Workings,
        each: &(dyn Fn(&str) + Sync),
    ) -> Result<bool, BuildError> {
        let ended = child::run(command, self.timeout, Stoppable::Yes, each).map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            BuildError::Engine(Trouble(format!("{program} can't be started: {error}")))
        })?;
        String::from_utf8_lossy(&ended.stdout).lines().for_each(each);
        let why = match ended.end {
            End::Done(status) => return Ok(status.success()),
            End::Stopped => BuildError::Stopped,
            End::Late => BuildError::Late,
        };
        workings.end();
        Err(why)
    }
}

/// Words by which runtimes say that it is the image that does not start: its program, folder or user.
const OF_THE_IMAGE: [&str; 6] = ["exec: ", "executable", "chdir", "cwd", "unable to find user", "no matching entries"];

/// Whether what a runtime says is about the image, and not about the runtime or the machine.
pub(super) fn of_the_image(said: &str) -> bool {
    OF_THE_IMAGE.iter().any(|words| said.contains(words))
}

/// How long a build may take where nothing else was typed.
pub(super) const BUILD_TIME: Duration = Duration::from_secs(30 * 60);

/// Finds the engine that was typed, or the first one that answers.
///
/// # Errors
/// None is there, or none answers.
pub(super) fn find(args: &ProofArgs, run: &str) -> Result<Box<dyn Engine>, Trouble> {
    let common = Common {
        run: run.to_owned(),
        builder: args.builder.clone(),
        build_args: args.build_arg.clone(),
        secrets: args.secret.clone(),
        env: args.env.clone(),
        timeout: args.timeout.unwrap_or(BUILD_TIME),
        memory: args.memory.clone(),
        network: args.network.clone(),
        run_network: args.run_network.clone(),
    };
    let open = |name: EngineName| -> Result<Box<dyn Engine>, Trouble> {
        Ok(match name {
            EngineName::Docker => Box::new(docker::Docker::new(common.clone())?),
            EngineName::Podman => Box::new(docker::Docker::podman(common.clone())?),
            EngineName::Buildah => Box::new(buildah::Buildah::new(common.clone())?),
        })
    };
    if let Some(name) = args.engine {
        return open(name);
    }
    let mut reasons = Vec::new();
    for name in [EngineName::Docker, EngineName::Podman, EngineName::Buildah] {
        match open(name) {
            Ok(engine) => return Ok(engine),
            Err(Trouble(reason)) => reasons.push(reason),
        }
    }
    Err(Trouble(format!("no container engine: {}", reasons.join("; "))))
}

/// Podman and Buildah leave the containers in which a build works, when the build is ended, and nothing on them says
/// whose they are. So those that were there before are remembered.
#[derive(Debug, Default)]
struct Workings {
    before: Vec<String>,
    /// Whether a build was ended.
    ended: AtomicBool,
}

impl Workings {
    /// What `list` lists now was there before.
    fn new(list: Vec<String>) -> Self {
        Self { before: list, ended: AtomicBool::new(false) }
    }

    /// A build was ended.
    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Those of `list` that builds of ours have left: none where no build was ended, and none that may be the work of
    /// somebody else who builds right now.
    fn left(&self, list: impl FnOnce() -> Vec<String>) -> Vec<String> {
        if !self.ended.load(Ordering::SeqCst) || super::process::others_build() {
            return Vec::new();
        }
        list().into_iter().filter(|id| !self.before.contains(id)).collect()
    }
}

/// Whether a program is there and says that it works; its answer.
fn asks(program: &str, args: &[&str]) -> Result<String, Trouble> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    let ended = super::child::run(&mut command, super::child::ANSWER, super::child::Stoppable::Yes, &|_| {});
    match ended {
        Ok(ended) if ended.success() => Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned()),
        Ok(ended) => Err(Trouble(format!("{program} does not work here: {}", ended.last_line()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Trouble(format!("{program} is not there; install it, or name another engine by --engine")))
        }
        Err(error) => Err(Trouble(format!("{program} can't be started: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_is_read_in_dockers_words() {
        let config = Config::read(&json!({
            "User": "app", "Env": ["A=b", "AB=c"], "Cmd": ["./x"], "Entrypoint": null, "WorkingDir": "/",
            "ExposedPorts": {"8080/tcp": {}, "53/udp": {}, "80": {}}, "Volumes": {},
            "Labels": {"dockwright.verify": "1"}, "Healthcheck": {"Test": ["CMD-SHELL", "true"]},
        }));
        let parts: Vec<Part> = config.parts.keys().copied().collect();
        assert_eq!(parts, [Part::Cmd, Part::Env, Part::Expose, Part::Healthcheck]);
        assert_eq!((config.user.as_str(), config.ports(), config.workdir()), ("app", vec![80, 8080], "/"));
        assert_eq!((config.variable("A").as_deref(), config.variable("B")), (Some("b"), None));
        assert_eq!(config.health().unwrap(), ["/bin/sh", "-c", "true"]);
    }
}
