//! Docker and Podman, whose command lines are the same in all that is asked here.

use std::io::Read;
use std::net::IpAddr;
use std::process::Command;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;

use super::super::child::{self, ANSWER, End, Ended, Stoppable};
use super::{
    Build, BuildError, Common, Config, Container, Engine, Image, Start, State, Trouble, Workings, asks, of_the_image,
};

/// How long a container has to stop by itself, in seconds.
const STOP: &str = "10";

/// Docker or Podman.
pub(super) struct Docker {
    program: &'static str,
    common: Common,
    /// Whether `buildx` is there; else the client's own BuildKit is asked.
    buildx: bool,
    /// Whether the containers run on this machine and in networks that this machine is in.
    local: bool,
    /// The network without a way out, made when it is first needed.
    network: Mutex<Option<String>>,
    /// Podman's own.
    workings: Workings,
}

impl Docker {
    /// Docker, where its daemon answers.
    pub(super) fn new(common: Common) -> Result<Self, Trouble> {
        // The version of the server is the only answer that needs the daemon.
        asks("docker", &["version", "--format", "{{.Server.Version}}"])?;
        let buildx = asks("docker", &["buildx", "version"]).is_ok();
        if common.builder.is_some() && !buildx {
            return Err(Trouble("--builder needs docker's buildx, which is not there; install docker-buildx".into()));
        }
        if let Some(builder) = &common.builder {
            asks("docker", &["buildx", "inspect", builder]).map_err(|Trouble(text)| {
                Trouble(format!("--builder {builder}: {text}; `docker buildx ls` lists those there are"))
            })?;
        }
        let system = asks("docker", &["info", "--format", "{{.OperatingSystem}}"]).unwrap_or_default();
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        let endpoint = match host.is_empty() {
            true => {
                asks("docker", &["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]).unwrap_or_default()
            }
            false => host,
        };
        // A desktop's daemon lives in a machine of its own, however near its socket is.
        let local = cfg!(target_os = "linux") && endpoint.starts_with("unix:") && !system.contains("Desktop");
        Ok(Self { program: "docker", common, buildx, local, network: Mutex::default(), workings: Workings::default() })
    }

    /// Podman, where it works.
    pub(super) fn podman(common: Common) -> Result<Self, Trouble> {
        let rootless = asks("podman", &["info", "--format", "{{.Host.Security.Rootless}}"])?;
        if common.builder.is_some() {
            return Err(Trouble("--builder is docker's; podman builds by itself".into()));
        }
        // Without root its networks are not those of this machine.
        let local = cfg!(target_os = "linux") && rootless == "false";
        let workings = Workings::new(workings());
        Ok(Self { program: "podman", common, buildx: false, local, network: Mutex::default(), workings })
    }

    fn is_docker(&self) -> bool {
        self.program == "docker"
    }

    /// Runs a command that answers soon.
    fn ask(&self, args: &[&str], stoppable: Stoppable) -> Result<Ended, Trouble> {
        let ended = child::run(Command::new(self.program).args(args), ANSWER, stoppable, &|_| {});
        let ended = ended.map_err(|error| Trouble(format!("{} can't be started: {error}", self.program)))?;
        match ended.end {
            End::Done(_) => Ok(ended),
            End::Late => Err(Trouble(format!("`{} {}` does not answer", self.program, args.join(" ")))),
            End::Stopped => Err(Trouble("interrupted".into())),
        }
    }

    /// The answer of a command that has to succeed.
    fn answer(&self, args: &[&str]) -> Result<String, Trouble> {
        self.succeed(args, Stoppable::Yes)
    }

    /// As [`Docker::answer`], for what makes something: a client that is ended half-way leaves it to the daemon whether
    /// there will be something to remove.
    fn make(&self, args: &[&str]) -> Result<String, Trouble> {
        self.succeed(args, Stoppable::No)
    }

    fn succeed(&self, args: &[&str], stoppable: Stoppable) -> Result<String, Trouble> {
        let ended = self.ask(args, stoppable)?;
        match ended.success() {
            true => Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned()),
            false => Err(Trouble(format!(
                "`{} {}` failed: {}",
                self.program,
                args.first().copied().unwrap_or_default(),
                ended.last_line()
            ))),
        }
    }

    /// The first object that `inspect` prints.
    fn inspect(&self, kind: &str, name: &str) -> Result<Value, Trouble> {
        let text = self.answer(&[kind, "inspect", name])?;
        let list: Value = serde_json::from_str(&text)
            .map_err(|error| Trouble(format!("`{} {kind} inspect` is not understood: {error}", self.program)))?;
        Ok(list.get(0).cloned().unwrap_or_default())
    }

    /// The network for a container.
    fn network(&self, asked: bool) -> Result<String, Trouble> {
        if let Some(network) = &self.common.run_network {
            return Ok(network.clone());
        }
        if !asked || !self.local {
            return Ok("none".into());
        }
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network.as_ref() {
            return Ok(network.clone());
        }
        let name = format!("dockwright-verify-{}", self.common.run);
        self.make(&["network", "create", "--internal", "--label", &self.common.label(), &name])?;
        Ok(network.insert(name).clone())
    }

    /// What carries our label: the command that removes it, and the ids.
    fn made(&self) -> [(&'static [&'static str], Vec<String>); 4] {
        let filter = self.common.filter();
        let ids = |args: &[&str]| -> Vec<String> {
            let args = [args, &["--quiet", "--filter", &filter]].concat();
            let ended = self.ask(&args, Stoppable::No).ok().filter(Ended::success);
            let text = ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default();
            let mut ids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            ids.sort();
            ids.dedup();
            ids
        };
        [
            (&["rm", "--force", "--volumes"], ids(&["ps", "--all"])),
            (&["rm", "--force"], if self.is_docker() { Vec::new() } else { self.workings.left(workings) }),
            (&["network", "rm"], ids(&["network", "ls"])),
            (&["rmi", "--force"], ids(&["images"])),
        ]
    }
}

/// The containers in which builds of Podman work.
fn workings() -> Vec<String> {
    let list = ["ps", "--all", "--external", "--no-trunc", "--format", "{{.ID}} {{.Command}} {{.Status}}"];
    let ended = child::run(Command::new("podman").args(list), ANSWER, Stoppable::No, &|_| {});
    let text = ended.map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned()).unwrap_or_default();
    let working = |line: &str| line.strip_suffix(" buildah Storage").map(str::to_owned);
    text.lines().filter_map(working).collect()
}

impl Engine for Docker {
    fn build(&self, build: &Build<'_>) -> Result<(), BuildError> {
        let mut command = Command::new(self.program);
        match self.buildx {
            true => command.args(["buildx", "build", "--load"]),
            false => command.arg("build"),
        };
        if let Some(builder) = &self.common.builder {
            command.args(["--builder", builder]);
        }
        match self.is_docker() {
            true => {
                command.env("DOCKER_BUILDKIT", "1").args(["--progress", "plain"]);
            }
            false => {
                // Podman's own format has no health check.
                command.args(["--format", "docker"]);
                if let Some(ignore) = &build.ignore {
                    command.arg("--ignorefile").arg(ignore);
                }
            }
        }
        command.args(["--label", &self.common.label(), "--tag", build.tag]);
        self.common.give(&mut command);
        if let Some(network) = &self.common.network {
            command.args(["--network", network]);
        }
        if let Some(memory) = self.common.memory.as_ref().filter(|_| !self.is_docker()) {
            command.args(["--memory", memory]);
        }
        command.arg("--file").arg(&build.dockerfile).arg(&build.context);
        if self.common.built(&mut command, &self.workings, build.each)? {
            return Ok(());
        }
        // A build that fails because the engine went away says nothing about the Dockerfile.
        let there = self.answer(&["version"]).and_then(|_| match &self.common.builder {
            Some(builder) => self.answer(&["buildx", "inspect", "--bootstrap", builder]),
            None => Ok(String::new()),
        });
        match there {
            Ok(_) => Err(BuildError::Failed),
            Err(trouble) => Err(BuildError::Engine(trouble)),
        }
    }

    fn image(&self, tag: &str) -> Result<Image, Trouble> {
        let image = self.inspect("image", tag)?;
        let mut config = image.get("Config").cloned().unwrap_or_default();
        // Podman has the health check beside the configuration.
        if let (Some(check), Some(config)) = (image.get("Healthcheck"), config.as_object_mut()) {
            config.entry("Healthcheck").or_insert_with(|| check.clone());
        }
        Ok(Image {
            config: Config::read(&config),
            size: image.get("Size").and_then(Value::as_u64).unwrap_or_default(),
            layers: image.pointer("/RootFS/Layers").and_then(Value::as_array).map_or(0, Vec::len),
        })
    }

    fn export(&self, tag: &str, read: &mut (dyn FnMut(&mut dyn Read) + Send)) -> Result<(), Trouble> {
        // An image without a command can't be made a container of without one; it is never started.
        let id = self.make(&["create", "--label", &self.common.label(), "--network", "none", tag, "nothing"])?;
        let mut command = Command::new(self.program);
        command.args(["export", &id]);
        let exported = child::run_reading(&mut command, ANSWER * 10, Stoppable::Yes, &|_| {}, |tar| read(tar));
        let _ = self.ask(&["rm", "--force", "--volumes", &id], Stoppable::No);
        match exported {
            Ok((End::Done(status), (), _)) if status.success() => Ok(()),
            Ok((End::Stopped, (), _)) => Err(Trouble("interrupted".into())),
            Ok((_, (), said)) => {
                let said = String::from_utf8_lossy(&said);
                Err(Trouble(format!("`{} export` failed: {}", self.program, said.trim())))
            }
            Err(error) => Err(Trouble(format!("`{} export` can't be read: {error}", self.program))),
        }
    }

    fn start(&self, start: &Start<'_>) -> Result<Result<Box<dyn Container + '_>, String>, Trouble> {
        let network = self.network(start.asked)?;
        let mut args: Vec<String> = ["run", "--detach", "--label", &self.common.label(), "--name", &start.name]
            .into_iter()
            .map(str::to_owned)
            .collect();
        args.extend(["--network".into(), network]);
        // Both sides have the same name, so that what prints it prints the same.
        args.extend(["--hostname".into(), "dockwright".into()]);
        if let Some(memory) = &self.common.memory {
            args.extend(["--memory".into(), memory.clone()]);
        }
        for variable in &self.common.env {
            args.extend(["--env".into(), variable.clone()]);
        }
        args.push(start.tag.to_owned());
        args.extend_from_slice(start.command);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = self.ask(&args, Stoppable::No)?;
        let container = DockerContainer { engine: self, name: start.name.clone() };
        if ended.success() {
            return Ok(Ok(Box::new(container)));
        }
        let cause = cause(&ended);
        // The exit code tells the engine's own failure from the image's in part of the cases only.
        match of_the_image(&cause) {
            true => Ok(Err(cause)),
            false => Err(Trouble(format!("`{} run` failed: {cause}", self.program))),
        }
    }

    fn left(&self) -> Vec<String> {
        self.made().into_iter().flat_map(|(_, ids)| ids).collect()
    }

    fn sweep(&self) {
        for (remove, ids) in self.made() {
            if !ids.is_empty() {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let _ = self.ask(&[remove, ids.as_slice()].concat(), Stoppable::No);
            }
        }
        *self.network.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn reachable(&self) -> bool {
        self.local && self.common.run_network.as_deref() != Some("none")
    }
}

/// The line that says why a container does not start, without the runtime's own names before it.
fn cause(ended: &Ended) -> String {
    let said = String::from_utf8_lossy(&ended.stderr);
    // Docker says `docker: Error response from daemon: …`, Podman `Error: …`; remarks may stand before it.
    let mut lines = said.lines().map(str::trim).filter(|line| !line.starts_with("See '") && !line.is_empty());
    let telling = lines.clone().find(|line| line.contains("Error")).or_else(|| lines.next());
    let line = telling.map_or_else(|| ended.last_line(), str::to_owned);
    let line = line.trim_end_matches(": unknown.").trim_end_matches(": unknown");
    match line.find("exec: ") {
        Some(at) => line.get(at..).unwrap_or(line).to_owned(),
        None => line.to_owned(),
    }
}

/// A container of Docker or Podman.
struct DockerContainer<'a> {
    engine: &'a Docker,
    name: String,
}

impl DockerContainer<'_> {
    fn pid(&self) -> Option<u64> {
        let container = self.engine.inspect("container", &self.name).ok()?;
        container.pointer("/State/Pid").and_then(Value::as_u64).filter(|pid| *pid > 0)
    }
}

impl Container for DockerContainer<'_> {
    fn state(&self) -> Result<State, Trouble> {
        let container = self.engine.inspect("container", &self.name)?;
        let at = |path: &str| container.pointer(path);
        let status = at("/State/Status").and_then(Value::as_str).unwrap_or_default();
        if matches!(status, "exited" | "dead" | "stopped") {
            let code = at("/State/ExitCode").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok());
            return Ok(State::Exited(code.unwrap_or(-1)));
        }
        if self.engine.common.run_network.as_deref() == Some("host") {
            return Ok(State::Running(Some(IpAddr::from([127, 0, 0, 1]))));
        }
        let networks = at("/NetworkSettings/Networks").and_then(Value::as_object);
        let of_networks = networks.into_iter().flat_map(|networks| networks.values());
        let addresses = of_networks.chain(at("/NetworkSettings")).filter_map(|one| one.get("IPAddress")?.as_str());
        Ok(State::Running(addresses.filter_map(|address| address.parse().ok()).next()))
    }

    fn output(&self) -> String {
        let ended = self.engine.ask(&["logs", &self.name], Stoppable::Yes);
        ended.map_or_else(
            |_| String::new(),
            |ended| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                text(&ended.stdout) + &text(&ended.stderr)
            },
        )
    }

    fn uid(&self) -> Option<u32> {
        // The kernel knows, whatever is in the image; where the container runs elsewhere, the engine does.
        #[cfg(target_os = "linux")]
        if self.engine.local {
            return super::super::process::uid(self.pid()?);
        }
        let columns: &[&str] = if self.engine.is_docker() { &["-o", "uid,pid"] } else { &["huser", "pid"] };
        let top = self.engine.answer(&[&["top", &self.name], columns].concat()).ok()?;
        top.lines().nth(1)?.split_whitespace().next()?.parse().ok()
    }

    fn exec(&self, command: &[String]) -> Option<i32> {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let ended = self.engine.ask(&[&["exec", &self.name], command.as_slice()].concat(), Stoppable::Yes).ok()?;
        match ended.end {
            End::Done(status) => status.code(),
            End::Late | End::Stopped => None,
        }
    }

    fn stop(&self) -> Option<i32> {
        self.engine.ask(&["stop", "-t", STOP, &self.name], Stoppable::No).ok()?;
        match self.state().ok()? {
            State::Exited(code) => Some(code),
            State::Running(_) => None,
        }
    }
}

impl Drop for DockerContainer<'_> {
    fn drop(&mut self) {
        let _ = self.engine.ask(&["rm", "--force", "--volumes", &self.name], Stoppable::No);
    }
}
