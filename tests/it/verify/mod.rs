//! `verify` and `fix --verify` against a program that answers as docker does, and says what a test wants it to.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::workspace::{Workspace, executable, text};

/// A Dockerfile that gains a user, and nothing else.
pub const PLAIN: &str = "FROM debian:bookworm-slim\nCOPY app /app/main\nCMD [\"/app/main\"]\n";

/// A Dockerfile that is split, and gains a user.
const GO: &str = "FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\nCMD [\"./app\"]\n";

/// An image and what it does.
pub struct Side {
    config: Value,
    size: u64,
    files: Vec<(String, u32, u64, Vec<u8>)>,
    /// The code with which it ends by itself.
    pub exits: Option<i32>,
    /// The code after it was asked to stop.
    stops: i32,
    output: &'static str,
    address: &'static str,
}

impl Side {
    pub fn new() -> Self {
        let file = |path: &str, mode, content: &str| (path.to_owned(), mode, 0, content.as_bytes().to_vec());
        Self {
            config: json!({"Cmd": ["/app/main"], "Env": ["PATH=/usr/bin:/bin", "GREETING=hello"]}),
            size: 100_000_000,
            files: vec![
                file("app/main", 0o755, "#!/bin/sh\n"),
                file("bin/sh", 0o755, "\x7fELF"),
                file("usr/bin/gcc", 0o755, "\x7fELF"),
                file("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nappuser:x:999:999::/:/bin/sh\n"),
            ],
            exits: None,
            stops: 143,
            output: "ready\n",
            address: "",
        }
    }

    /// What a right rewrite makes of it.
    pub fn rewritten() -> Self {
        let mut side = Self::new();
        side.config["User"] = "appuser".into();
        side.size = 20_000_000;
        side.files.retain(|(path, ..)| !path.ends_with("gcc"));
        side
    }
}

/// A folder with a Dockerfile, and an engine that answers for it.
pub struct Lab {
    pub workspace: Workspace,
}

impl Lab {
    pub fn new(dockerfile: &str) -> Self {
        let workspace = Workspace::new();
        workspace.file("Dockerfile", dockerfile);
        workspace.file("app", "");
        workspace.file("go.mod", "module example.com/app\n\ngo 1.22\n");
        workspace.file("main.go", "package main\n\nfunc main() {}\n");
        fs::create_dir_all(workspace.path().join("bin")).unwrap();
        executable(&workspace.path().join("bin/docker"), include_str!("docker.sh"));
        let lab = Self { workspace };
        let base = Side { config: json!({"Env": ["PATH=/usr/bin:/bin"]}), ..Side::new() };
        lab.side("base", &base);
        lab.side("before", &Side::new());
        lab.side("after", &Side::rewritten());
        lab
    }

    fn fake(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.workspace.file(&format!("fake/{name}"), content)
    }

    pub fn side(&self, name: &str, side: &Side) {
        let image = json!([{"Config": side.config, "Size": side.size, "RootFS": {"Layers": ["a", "b"]}}]);
        self.fake(&format!("{name}.image.json"), image.to_string());
        let state = |status: &str, code: i32| {
            let network = json!({"Networks": {"n": {"IPAddress": side.address}}});
            json!([{"State": {"Status": status, "ExitCode": code, "Pid": 0}, "NetworkSettings": network}]).to_string()
        };
        let now = side.exits.map_or_else(|| state("running", 0), |code| state("exited", code));
        self.fake(&format!("{name}.container.json"), now);
        self.fake(&format!("{name}.stopped.json"), state("exited", side.stops));
        self.fake(&format!("{name}.output"), side.output);
        let mut tar = tar::Builder::new(Vec::new());
        for (path, mode, owner, content) in &side.files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_uid(*owner);
            header.set_gid(*owner);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, path, content.as_slice()).unwrap();
        }
        self.fake(&format!("{name}.tar"), tar.into_inner().unwrap());
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        let path = format!("{}:/usr/bin:/bin", self.workspace.path().join("bin").display());
        command.args(args).current_dir(self.workspace.path()).env_clear().env("PATH", path);
        command.env("FAKE", self.workspace.path().join("fake")).env("TMPDIR", self.workspace.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs dockwright, and checks that nothing is left behind.
    fn run(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert_eq!(self.left(), [] as [String; 0], "left behind by {args:?}");
        output
    }

    /// What the engine still has.
    pub fn left(&self) -> Vec<String> {
        let names = |kind: &str| {
            let entries = fs::read_dir(self.workspace.path().join("fake").join(kind));
            entries.into_iter().flatten().map(|entry| entry.unwrap().path().display().to_string()).collect::<Vec<_>>()
        };
        [names("images"), names("containers"), names("networks")].concat()
    }

    /// The object that `verify` prints, and its exit code.
    fn verify(&self, args: &[&str]) -> (Value, Option<i32>) {
        let all = [&["verify", "Dockerfile", "--engine", "docker", "--json", "--wait", "0.3"], args].concat();
        let done = self.run(&all);
        let object = serde_json::from_slice(&done.stdout);
        (object.unwrap_or_else(|_| panic!("{}{}", text(&done.stdout), text(&done.stderr))), done.status.code())
    }

    /// Checks that what differs is told by exactly these words.
    #[track_caller]
    fn differs(&self, args: &[&str], expected: &[&str]) {
        let (object, code) = self.verify(args);
        assert_eq!((object["verdict"].as_str(), code), (Some("differs"), Some(1)), "{object:#}");
        assert_eq!(object["details"], json!(expected));
    }
}

/// Answers `GET` for as long as the test runs: path, status, type, body.
fn server(listener: TcpListener, pages: &'static [(&str, u16, &str, &str)]) {
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 1024];
            let read = stream.read(&mut head).unwrap_or(0);
            let head = text(&head[..read]);
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (_, status, kind, body) =
                pages.iter().find(|page| page.0 == path).copied().unwrap_or(("", 404, "text/plain", "not here"));
            // The address of a container is another one each time, and must not be what a server sees.
            let lower = head.to_ascii_lowercase();
            let hosts: Vec<&str> = lower.lines().filter_map(|line| line.strip_prefix("host: ")).collect();
            let status = if hosts == [format!("localhost:{}", address.port())] { status } else { 421 };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
}

/// The same port on two addresses of this machine.
fn two_listeners() -> [TcpListener; 2] {
    loop {
        let one = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = one.local_addr().unwrap().port();
        // Another test may have it there.
        if let Ok(other) = TcpListener::bind(SocketAddr::from(([127, 0, 0, 2], port))) {
            return [one, other];
        }
    }
}

#[test]
fn what_does_the_same_is_the_same() {
    let lab = Lab::new(PLAIN);
    let (object, code) = lab.verify(&[]);
    assert_eq!((object["verdict"].as_str(), code), (Some("same"), Some(0)), "{object:#}");
    assert_eq!(object["fixes"], json!(["non-root"]));
    assert_eq!((&object["before"]["uid"], &object["after"]["uid"]), (&json!(0), &json!(999)));
    assert_eq!(object["before"]["left_behind"]["toolchain"], json!(["gcc"]));
    assert_eq!(object["after"]["left_behind"]["toolchain"], Value::Null);

    let table = text(&lab.run(&["verify", "--wait", "0.3"]).stdout);
    let expected = "Dockerfile  100 MB  ████░░░░░░░░░░░░░░░░  20.0 MB (−80 %)  root → appuser (999)  same\n";
    assert!(table.starts_with(expected), "{table}");
    let block = text(&lab.run(&["verify", "--wait", "0.3", "--format", "markdown"]).stdout);
    assert!(block.contains("| `Dockerfile` | 100 MB | 20.0 MB (−80 %) | `████░"), "{block}");
    assert_eq!(text(&lab.workspace.read("Dockerfile")), PLAIN, "nothing is written");
}

#[test]
fn what_has_nothing_to_change_is_not_built() {
    let lab = Lab::new("FROM debian:bookworm-slim\nRUN useradd app\nUSER app\nCMD [\"/bin/true\"]\n");
    let (object, code) = lab.verify(&[]);
    assert_eq!((object["verdict"].as_str(), code), (Some("unchanged"), Some(0)));
    let calls = text(&lab.workspace.read("fake/calls"));
    assert!(!calls.lines().any(|line| line.starts_with("build ")), "{calls}");
}

#[test]
fn podman_is_asked_in_the_same_words_and_for_dockers_format() {
    let lab = Lab::new(PLAIN);
    executable(&lab.workspace.path().join("bin/podman"), include_str!("docker.sh"));
    fs::remove_file(lab.workspace.path().join("bin/docker")).unwrap();
    let done = lab.run(&["verify", "--engine", "podman", "--wait", "0.3", "--json", "--memory", "1g"]);
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(object["verdict"], "same", "{object:#}");
    let calls = text(&lab.workspace.read("fake/calls"));
    // Without it the image would have no health check.
    assert!(calls.lines().filter(|line| line.starts_with("build --format docker ")).count() >= 2, "{calls}");
    assert!(calls.lines().any(|line| line.starts_with("run ") && line.contains("--memory 1g")), "{calls}");
}

#[test]
fn a_builder_is_one_of_buildx() {
    let lab = Lab::new(PLAIN);
    let (object, _) = lab.verify(&["--builder", "cloud"]);
    assert_eq!(
        object["details"],
        json!(["--builder needs docker's buildx, which is not there; install docker-buildx"])
    );
    lab.fake("buildx", "");
    let (object, code) = lab.verify(&["--builder", "cloud"]);
    assert_eq!((object["verdict"].as_str(), code), (Some("engine error"), Some(2)), "it says nothing about the file");
    assert!(object["details"][0].as_str().unwrap().contains("no builder \"cloud\" found; `docker buildx ls` lists"));
    lab.fake("buildx", "cloud\n");
    assert_eq!(lab.verify(&["--builder", "cloud"]).0["verdict"], "same");
    let calls = text(&lab.workspace.read("fake/calls"));
    let builds = calls.lines().filter(|line| line.starts_with("buildx build --load --builder cloud "));
    assert_eq!(builds.count(), 2, "{calls}");
    // A builder that goes away while it builds is no fault of the file.
    lab.fake("after.build", ": > buildx; echo 'ERROR: connection error'; exit 1");
    let (object, code) = lab.verify(&["--builder", "cloud"]);
    assert_eq!((object["verdict"].as_str(), code), (Some("engine error"), Some(2)), "{object:#}");
}

#[test]
fn the_ignore_file_of_a_dockerfile_goes_with_both_builds_and_arguments_too() {
    let lab = Lab::new(PLAIN);
    lab.workspace.file("Dockerfile.dockerignore", "*.md\n");
    for side in ["before", "after"] {
        lab.fake(&format!("{side}.build"), "cmp \"$file.dockerignore\" ../Dockerfile.dockerignore || exit 1");
    }
    assert_eq!(lab.verify(&["--build-arg", "A=b"]).0["verdict"], "same");
    let calls = text(&lab.workspace.read("fake/calls"));
    assert_eq!(calls.lines().filter(|line| line.contains("--build-arg A=b")).count(), 2, "{calls}");
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let lab = Lab::new(PLAIN);
    lab.workspace.file("bad/Dockerfile", "NONSENSE\n");
    lab.workspace.file("copy/Dockerfile", PLAIN);
    lab.workspace.file("copy/app", "");
    let done = lab.run(&["verify", "--wait", "0.3", "--json", "--jobs", "2"]);
    let objects = text(&done.stdout);
    let verdicts: Vec<(String, String)> = objects
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|one| (one["path"].as_str().unwrap().to_owned(), one["verdict"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [("Dockerfile", "same"), ("bad/Dockerfile", "not read"), ("copy/Dockerfile", "same")];
    assert_eq!(verdicts, expected.map(|(path, verdict)| (path.to_owned(), verdict.to_owned())));
    assert_eq!(done.status.code(), Some(2));
}

#[test]
fn a_missing_shared_library() {
    let lab = Lab::new(PLAIN);
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let elf = goblin::elf::Elf::parse(&program).unwrap();
    let Some(linker) = elf.interpreter else { return };
    let mut before = Side::new();
    before.files[0].3.clone_from(&program);
    let mut after = Side::rewritten();
    after.files[0].3.clone_from(&program);
    let stub = |path: String| (path, 0o755, 0, b"\x7fELF".to_vec());
    for side in [&mut before, &mut after] {
        side.files.push(stub(linker.trim_start_matches('/').to_owned()));
        side.files.extend(elf.libraries.iter().map(|name| stub(format!("usr/lib/{name}"))));
    }
    let lost = format!("usr/lib/{}", elf.libraries[0]);
    after.files.retain(|(path, ..)| *path != lost);
    lab.side("before", &before);
    lab.side("after", &after);
    let library = elf.libraries[0];
    let expected = format!("/app/main needs the shared library {library}, which is not in the image");
    lab.differs(&[], &[&expected]);
}

#[test]
fn a_missing_asset() {
    let listeners = two_listeners();
    let port = listeners[0].local_addr().unwrap().port();
    let page = ("/", 200, "text/html", "<link href=/style.css>");
    const STYLE: (&str, u16, &str, &str) = ("/style.css", 200, "text/css", "a{}");
    let pages: &'static [_] = Box::leak(Box::new([page, STYLE]));
    for (listener, pages) in listeners.into_iter().zip([pages, &pages[..1]]) {
        server(listener, pages);
    }
    let lab = Lab::new(PLAIN);
    let serving = |mut side: Side, address| {
        side.config["ExposedPorts"] = json!({format!("{port}/tcp"): {}});
        side.address = address;
        side
    };
    lab.side("before", &serving(Side::new(), "127.0.0.1"));
    lab.side("after", &serving(Side::rewritten(), "127.0.0.2"));
    lab.differs(&[], &[&format!("GET /style.css on port {port} was 200, is 404: not here")]);
    lab.side("after", &serving(Side::rewritten(), "127.0.0.1"));
    assert_eq!(lab.verify(&["--get", "style.css", "--get", "/style.css"]).0["verdict"], "same");
    // Nothing listens there.
    let silent = Side { output: "ready\nbind: permission denied\n", ..serving(Side::rewritten(), "127.0.0.3") };
    lab.side("after", &silent);
    lab.differs(&[], &[&format!("nothing listens on port {port}: bind: permission denied")]);
}

#[test]
fn a_wrong_command() {
    let lab = Lab::new(PLAIN);
    let mut after = Side::rewritten();
    after.config["Cmd"] = json!(["/app/mian"]);
    lab.side("after", &after);
    lab.fake("after.start", "echo 'docker: Error: runc: exec: \"/app/mian\": no such file or directory: unknown.'");
    let other = lab.workspace.file("other", PLAIN.replace("[\"/app/main\"]", "[\"/app/mian\"]"));
    lab.differs(
        &["--against", other.to_str().unwrap()],
        &[
            "the command was [\"/app/main\"], is [\"/app/mian\"]",
            "the program /app/mian is not in the image",
            "it does not start: exec: \"/app/mian\": no such file or directory",
        ],
    );
}

#[test]
fn a_user_that_can_not_write() {
    let lab = Lab::new(PLAIN);
    let after = Side { exits: Some(1), output: "ready\nopen /data/x: permission denied\n", ..Side::rewritten() };
    lab.side("after", &after);
    lab.differs(&[], &["it ends at once with exit code 1, the original goes on: open /data/x: permission denied"]);
}

#[test]
fn a_lost_variable() {
    let lab = Lab::new(PLAIN);
    let mut after = Side::rewritten();
    after.config["Env"] = json!(["PATH=/usr/bin:/bin"]);
    lab.side("after", &after);
    lab.differs(&[], &["the variable GREETING was \"hello\", is not set"]);
    assert_eq!(lab.verify(&["--accept", "env"]).0["verdict"], "same");
}

#[test]
fn a_program_that_ends_at_once() {
    let lab = Lab::new(PLAIN);
    lab.side("after", &Side { exits: Some(3), ..Side::rewritten() });
    lab.differs(&[], &["it ends at once with exit code 3, the original goes on"]);
    lab.side("before", &Side { exits: Some(0), ..Side::new() });
    lab.differs(&[], &["the exit code was 0, is 3"]);
    lab.side("after", &Side { exits: Some(0), ..Side::rewritten() });
    assert_eq!(lab.verify(&[]).0["verdict"], "same");
}

#[test]
fn an_original_that_ends_later_is_waited_for() {
    let lab = Lab::new(PLAIN);
    let ends = |exits, side| Side { exits, output: "no database\n", ..side };
    lab.side("before", &ends(None, Side::new()));
    lab.side("later", &ends(Some(1), Side::new()));
    lab.side("after", &ends(Some(1), Side::rewritten()));
    lab.differs(&[], &["it ends at once with exit code 1, the original goes on"]);
    fs::remove_file(lab.workspace.path().join("fake/runs-before")).unwrap();
    lab.fake("before.later", "");
    assert_eq!(lab.verify(&[]).0["verdict"], "same");
    lab.side("later", &ends(Some(0), Side::new()));
    fs::remove_file(lab.workspace.path().join("fake/runs-before")).unwrap();
    lab.differs(&[], &["the exit code was 0, is 1"]);
}

#[test]
fn what_an_original_does_otherwise_in_further_runs_is_not_held_against_the_other() {
    let lab = Lab::new(PLAIN);
    let draws = |output, side| Side { exits: Some(0), output, ..side };
    lab.side("before", &draws("the coin shows heads\n", Side::new()));
    lab.side("later", &draws("the coin shows tails\n", Side::new()));
    lab.side("after", &draws("the coin shows tails\n", Side::rewritten()));
    lab.differs(
        &[],
        &["it does not print \"the coin shows heads\"", "it prints \"the coin shows tails\", the original does not"],
    );
    fs::remove_file(lab.workspace.path().join("fake/runs-before")).unwrap();
    lab.fake("before.later", "");
    let (object, _) = lab.verify(&[]);
    assert_eq!(object["verdict"], "same");
    let remark =
        "the original prints something else each time, and such lines are not compared: \"the coin shows heads\"";
    assert_eq!(object["remarks"], json!([remark]));
}

#[test]
fn a_module_that_lost_a_library_is_told_without_being_loaded() {
    let lab = Lab::new(PLAIN);
    // A program that names no interpreter is one that others load; this test's own libraries are such.
    let elf = fs::read(std::env::current_exe().unwrap()).unwrap();
    let needed =
        goblin::elf::Elf::parse(&elf).unwrap().libraries.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let found = ["/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib", "/lib/aarch64-linux-gnu"]
        .iter()
        .flat_map(|folder| needed.iter().map(move |name| format!("{folder}/{name}")))
        .filter_map(|path| fs::read(path).ok())
        .find_map(|bytes| {
            let module = goblin::elf::Elf::parse(&bytes).ok()?;
            let library = module.libraries.first().filter(|_| module.interpreter.is_none())?.to_string();
            let all: Vec<String> = module.libraries.iter().map(|name| (*name).to_owned()).collect();
            Some((bytes.clone(), library, all))
        });
    let Some((module, library, all)) = found else { return };
    let path = "usr/lib/python3/site-packages/_own.so";
    let (mut before, mut after) = (Side::new(), Side::rewritten());
    for side in [&mut before, &mut after] {
        side.files.push((path.into(), 0o644, 0, module.clone()));
        side.files.extend(all.iter().map(|name| (format!("usr/lib/{name}"), 0o644, 0, b"\x7fELF".to_vec())));
    }
    after.files.retain(|(path, ..)| *path != format!("usr/lib/{library}"));
    lab.side("before", &before);
    lab.side("after", &after);
    let expected = format!("/{path} needs the shared library {library}, which was in the original and is not now");
    lab.differs(&[], &[&expected]);
}

#[test]
fn an_original_that_fails_by_itself_is_said() {
    let lab = Lab::new(PLAIN);
    lab.side("before", &Side { exits: Some(1), output: "no database\n", ..Side::new() });
    lab.side("after", &Side { exits: Some(1), output: "no database\n", ..Side::rewritten() });
    let (object, _) = lab.verify(&[]);
    assert_eq!(object["verdict"], "same");
    let remark = object["remarks"][0].as_str().unwrap();
    assert!(remark.starts_with("the original ends by itself with exit code 1 here (\"no database\")"), "{remark}");
}

#[test]
fn a_build_that_fails() {
    let lab = Lab::new(PLAIN);
    lab.fake("after.build", "echo '#5 0.1 /bin/sh: adduser: not found'; echo '#5 ERROR: exit code: 127'; exit 1");
    let (object, code) = lab.verify(&[]);
    assert_eq!((object["verdict"].as_str(), code), (Some("differs"), Some(1)));
    assert_eq!(object["details"], json!(["it does not build: /bin/sh: adduser: not found"]));
    let log = fs::read_to_string(object["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("adduser: not found"), "the log is kept: {log}");

    lab.fake("before.build", "echo '#5 0.1 make: *** no rule: failed'; exit 1");
    let (object, code) = lab.verify(&["--logs", "kept"]);
    assert_eq!((object["verdict"].as_str(), code), (Some("original does not build"), Some(2)));
    assert_eq!(object["details"], json!(["make: *** no rule: failed"]));
    assert!(object["log"].as_str().unwrap().starts_with("kept/Dockerfile."), "{object:#}");
}

#[test]
fn an_engine_that_is_not_there_or_does_not_work() {
    let lab = Lab::new(PLAIN);
    lab.fake("gone", "");
    let (object, code) = lab.verify(&[]);
    assert_eq!((object["verdict"].as_str(), code), (Some("engine error"), Some(2)));
    assert_eq!(object["details"], json!(["docker does not work here: Cannot connect to the Docker daemon"]));
    let done = lab.command(&["verify", "--engine", "podman"]).env("PATH", "/nowhere").output().unwrap();
    let said = text(&done.stdout);
    assert!(said.contains("podman is not there; install it, or name another engine by --engine"), "{said}");
    assert_eq!(done.status.code(), Some(2));
    // An engine that goes away while it builds says nothing about the file.
    fs::remove_file(lab.workspace.path().join("fake/gone")).unwrap();
    lab.fake("after.build", ": > gone; echo 'ERROR: the connection is lost'; exit 1");
    assert_eq!(lab.verify(&[]).0["verdict"], "engine error");
}

#[test]
fn a_build_that_never_ends() {
    let lab = Lab::new(PLAIN);
    lab.fake("after.build", "echo $$ > pid; echo '#5 0.1 waiting'; exec sleep 600");
    let begin = Instant::now();
    lab.differs(
        &["--timeout", "3s"],
        &["it does not build: it was still building after 3 s and was ended; --timeout gives it longer"],
    );
    assert!(begin.elapsed() < Duration::from_secs(200));
    ended(&lab);
}

/// Checks that the build whose id is in `pid` runs no longer.
fn ended(lab: &Lab) {
    let pid = text(&lab.workspace.read("fake/pid"));
    let pid = pid.trim();
    let begin = Instant::now();
    loop {
        let alive = Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status().unwrap().success();
        // What has ended and was not asked for its exit code yet still has its id.
        let zombie = fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| status.contains("\tZ"));
        if !alive || zombie {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "the build still runs");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn ctrl_c_during_a_build_leaves_nothing_behind() {
    let lab = Lab::new(PLAIN);
    lab.fake("after.build", "echo $$ > pid.new; mv pid.new pid; exec sleep 600");
    let child = lab.command(&["verify", "Dockerfile", "--engine", "docker", "--wait", "0.3"]).spawn().unwrap();
    let begin = Instant::now();
    while !lab.workspace.path().join("fake/pid").exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the build did not begin");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!lab.left().is_empty(), "there is something to remove");
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("interrupted"), "{}", text(&done.stdout));
    assert_eq!(lab.left(), [] as [String; 0]);
    ended(&lab);
    let folders = fs::read_dir(lab.workspace.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("dockwright-verify-"));
    assert_eq!(folders.count(), 0, "the temporary folder is gone");
}

#[test]
fn fix_keeps_what_holds_and_says_what_was_dropped_and_why() {
    let lab = Lab::new(GO);
    // Whatever runs as another user than root breaks.
    lab.fake("choose", "if [ \"$2\" = after ] && grep -q ^USER \"$1\"; then echo broken; else echo \"$2\"; fi");
    let mut split = Side::rewritten();
    split.config["User"] = "".into();
    lab.side("after", &split);
    lab.side("broken", &Side { exits: Some(1), output: "ready\n/dev/mem: permission denied\n", ..Side::rewritten() });
    let done = lab.run(&["fix", "--verify", "--wait", "0.3", "--format", "json"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let fixed = text(&lab.workspace.read("Dockerfile"));
    assert!(fixed.contains("AS builder") && !fixed.contains("USER"), "{fixed}");
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    let findings: Vec<_> =
        object["findings"].as_array().unwrap().iter().map(|one| (&one["transform"], &one["reason"])).collect();
    assert_eq!(findings, [(&json!("multi-stage"), &Value::Null), (&json!("non-root"), &json!("not-the-same"))]);
    let said = text(&done.stderr);
    assert!(
        said.contains("dropped non-root: it ends at once with exit code 1, the original goes on: /dev/mem"),
        "{said}"
    );
}

/// A Dockerfile that is compiled ahead, split, and gains a user.
const RUN: &str = "FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nCMD [\"go\", \"run\", \".\"]\n";

/// An engine for [`RUN`]: what holds `breaks` fails as `broken` says, and everything else is right.
fn three(breaks: &str, broken: Side) -> Lab {
    let lab = Lab::new(RUN);
    let program = |side: Side, path: &str, cmd: Value| {
        let mut side = side;
        side.config["Cmd"] = cmd;
        side.config["User"] = "".into();
        side.files.push((path.trim_start_matches('/').to_owned(), 0o755, 0, b"\x7fELF".to_vec()));
        side
    };
    let go = "/usr/local/go/bin/go";
    let mut before = program(Side::new(), go, json!([go, "run", "."]));
    // What compiles at every start says so.
    before.output = "go: downloading example.com/x v1.0.0\nready\n";
    lab.side("before", &before);
    for (name, side) in [("after", Side::rewritten()), ("user", Side::rewritten()), ("broken", broken)] {
        let mut side = program(side, "/usr/local/bin/app", json!(["/usr/local/bin/app"]));
        if name == "user" {
            side.config["User"] = "appuser".into();
        }
        lab.side(name, &side);
    }
    let choose = format!(
        "if [ \"$2\" != after ]; then echo \"$2\"; elif grep -q '{breaks}' \"$1\"; then echo broken; elif grep -q ^USER \"$1\"; \
         then echo user; else echo after; fi"
    );
    lab.fake("choose", choose);
    lab
}

/// What `fix --verify` writes and says: the file, each transform with its status and reason, and what it tells a person.
fn kept(lab: &Lab) -> (String, Vec<String>, String) {
    let done = lab.run(&["fix", "--verify", "--wait", "0.3", "--format", "json"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let findings = object["findings"].as_array().unwrap().iter();
    let findings = findings.map(|one| format!("{} {}", word(one, "transform"), word(one, "reason"))).collect();
    (text(&lab.workspace.read("Dockerfile")), findings, text(&done.stderr))
}

#[test]
fn of_three_fixes_in_one_file_that_hold_all_are_written() {
    let (fixed, findings, said) = kept(&three("nothing like it", Side::rewritten()));
    assert_eq!(findings, ["compile-ahead ", "multi-stage ", "non-root "]);
    assert!(fixed.contains("go build") && fixed.contains("AS builder") && fixed.contains("\nUSER"), "{fixed}");
    assert!(!said.contains("dropped"), "{said}");
}

#[test]
fn of_three_fixes_in_one_file_the_last_breaks_and_two_are_written() {
    let denied = Side { exits: Some(1), output: "ready\n/dev/mem: permission denied\n", ..Side::rewritten() };
    let (fixed, findings, said) = kept(&three("^USER", denied));
    assert_eq!(findings, ["compile-ahead ", "multi-stage ", "non-root not-the-same"]);
    assert!(fixed.contains("go build") && fixed.contains("AS builder") && !fixed.contains("\nUSER"), "{fixed}");
    let why = "dropped non-root: it ends at once with exit code 1, the original goes on: /dev/mem: permission denied";
    assert!(said.contains(why), "{said}");
    assert_eq!(said.matches("dropped").count(), 1, "{said}");
}

#[test]
fn of_three_fixes_in_one_file_the_one_between_breaks_and_two_are_written() {
    let lost = Side { exits: Some(2), output: "open words.txt: no such file or directory\n", ..Side::rewritten() };
    let (fixed, findings, said) = kept(&three(" AS builder", lost));
    assert_eq!(findings, ["compile-ahead ", "non-root ", "multi-stage not-the-same"]);
    assert!(fixed.contains("go build") && !fixed.contains("AS builder") && fixed.contains("\nUSER"), "{fixed}");
    let why =
        "dropped multi-stage: it ends at once with exit code 2, the original goes on: open words.txt: no such file";
    assert!(said.contains(why), "{said}");
    assert_eq!(said.matches("dropped").count(), 1, "{said}");
}

#[test]
fn of_three_fixes_in_one_file_the_first_breaks_and_the_others_stand_on_it() {
    let lost = Side { exits: Some(2), output: "open main.go: no such file or directory\n", ..Side::rewritten() };
    let (fixed, findings, said) = kept(&three("go build", lost));
    assert_eq!(fixed, RUN);
    assert_eq!(findings, ["compile-ahead not-the-same", "multi-stage not-the-same", "non-root not-the-same"]);
    assert!(said.contains("dropped compile-ahead: it ends at once with exit code 2"), "{said}");
    assert!(said.contains("dropped multi-stage: without the others, multi-stage changes nothing"), "{said}");
}

#[test]
fn what_is_meant_to_change_is_said_and_not_held_against_it() {
    let lab = three("nothing like it", Side::rewritten());
    let (object, code) = lab.verify(&[]);
    assert_eq!((object["verdict"].as_str(), code), (Some("same"), Some(0)), "{object:#}");
    let remarks = object["remarks"].to_string();
    assert!(remarks.contains("is [\\\"/usr/local/bin/app\\\"]: compile-ahead means it so"), "{remarks}");
    // Another program than before is noticed all the same.
    let mut other = Side { output: "usage: app\n", ..Side::rewritten() };
    other.config["Cmd"] = json!(["/usr/local/bin/app"]);
    other.files.push(("usr/local/bin/app".into(), 0o755, 0, b"\x7fELF".to_vec()));
    lab.side("user", &other);
    lab.differs(&[], &["it prints \"usage: app\", the original does not"]);
}

#[test]
fn fix_writes_nothing_that_is_not_proven() {
    let lab = Lab::new(GO);
    lab.side("after", &Side { exits: Some(1), ..Side::rewritten() });
    let done = lab.run(&["fix", "--verify", "--wait", "0.3"]);
    assert_eq!((done.status.code(), text(&lab.workspace.read("Dockerfile"))), (Some(0), GO.to_owned()));
    lab.fake("before.build", "echo broken; exit 1");
    let done = lab.run(&["fix", "--verify", "--wait", "0.3"]);
    assert_eq!((done.status.code(), text(&lab.workspace.read("Dockerfile"))), (Some(2), GO.to_owned()));
    assert!(
        text(&done.stderr).contains("not proven, so left as it is: original does not build"),
        "{}",
        text(&done.stderr)
    );
    let done = lab.run(&["fix", "--memory", "1g"]);
    assert_eq!(done.status.code(), Some(2), "its options need --verify");
}
