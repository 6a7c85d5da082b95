//! `dockwright pr` against a bare repository and a site that this file plays.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::workspace::{Workspace, text};

/// What the site has and was asked.
#[derive(Default)]
struct Site {
    requests: Vec<Value>,
    calls: Vec<String>,
    /// Answers that come before any other: status, and a header line.
    faults: VecDeque<(u16, &'static str)>,
}

fn serve() -> (String, Arc<Mutex<Site>>) {
    let site = Arc::new(Mutex::new(Site::default()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let shared = Arc::clone(&site);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            if reader.read_line(&mut first).unwrap_or(0) == 0 {
                continue;
            }
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let mut site = shared.lock().unwrap();
            let (status, header, answer) = site.answer(first.trim(), body);
            let answer = answer.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nConnection: close\r\n{header}Content-Length: {}\r\n\r\n{answer}",
                answer.len()
            );
        }
    });
    (address, site)
}

impl Site {
    fn answer(&mut self, line: &str, body: Value) -> (u16, String, Value) {
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        self.calls.push(format!("{method} {}", path.split('?').next().unwrap()));
        if let Some((status, header)) = self.faults.pop_front() {
            let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
            return (status, header, json!({"message": "no"}));
        }
        let gitlab = path.contains("/projects/");
        let plain = path.split('?').next().unwrap();
        let number = plain.rsplit('/').find_map(|part| part.parse::<usize>().ok());
        let answer = match (method, number) {
            ("GET", _) => json!(self.requests),
            ("POST", Some(_)) => json!({}),
            ("POST", None) => {
                let number = self.requests.len() + 1;
                let mut made = body.clone();
                made["number"] = json!(number);
                made["iid"] = json!(number);
                made["html_url"] = json!(format!("https://site.example/{number}"));
                made["web_url"] = made["html_url"].clone();
                made["state"] = json!(if gitlab { "opened" } else { "open" });
                if !gitlab {
                    made["head"] = json!({"ref": body["head"]});
                }
                self.requests.push(made.clone());
                made
            }
            (_, Some(number)) => {
                let one = &mut self.requests[number - 1];
                for (key, value) in body.as_object().unwrap() {
                    one[key] = value.clone();
                }
                one.clone()
            }
            _ => json!({}),
        };
        (if method == "POST" { 201 } else { 200 }, String::new(), answer)
    }

    fn count(&self, call: &str) -> usize {
        self.calls.iter().filter(|one| *one == call).count()
    }
}

/// A bare repository, a checkout of it, and a site.
struct Stage {
    folder: Workspace,
    api: String,
    site: Arc<Mutex<Site>>,
}

const DOCKERFILE: &str = "# @everyone <b>`x`\nFROM alpine:3.20\nCOPY tool /usr/local/bin/tool\nCMD [\"tool\"]\n";

impl Stage {
    fn new() -> Self {
        let folder = Workspace::new();
        let (api, site) = serve();
        let stage = Self { folder, api, site };
        stage.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "bare.git"]);
        stage.git(".", &["clone", "--quiet", "bare.git", "checkout"]);
        stage.git("checkout", &["checkout", "--quiet", "-b", "main"]);
        stage.write("Dockerfile", DOCKERFILE);
        stage.commit("feat: begin");
        stage
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("checkout").join(name), text).unwrap();
    }

    fn commit(&self, message: &str) {
        self.git("checkout", &["add", "-A"]);
        self.git("checkout", &["commit", "--quiet", "-m", message]);
        self.git("checkout", &["push", "--quiet", "origin", "main"]);
    }

    fn git(&self, place: &str, args: &[&str]) -> String {
        let output =
            identity(Command::new("git").args(args).current_dir(self.folder.path().join(place))).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    fn pr(&self, more: &[&str]) -> Output {
        self.pr_on("github", more)
    }

    fn pr_on(&self, host: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command
            .args(["pr", "--only", "non-root", "--host", host, "--api", &self.api, "--repository", "o/r"])
            .args(more)
            .current_dir(self.folder.path().join("checkout"));
        for name in ["GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN"] {
            command.env(name, "secret-token");
        }
        let output = identity(&mut command).output().unwrap();
        for stream in [&output.stdout, &output.stderr] {
            assert!(!text(stream).contains("secret-token"), "the token is shown: {}", text(stream));
        }
        output
    }

    /// The file as it is on the branch of the request.
    fn pushed(&self) -> String {
        self.git("bare.git", &["show", "dockwright/non-root:Dockerfile"])
    }
}

/// Git with a person's name and none of this machine's settings.
fn identity(command: &mut Command) -> &mut Command {
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Somebody").env(format!("GIT_{who}_EMAIL"), "somebody@site.example");
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null")
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn one_request_is_opened_and_a_second_run_changes_nothing() {
    let stage = Stage::new();
    let first = stage.pr(&[]);
    assert!(first.status.success(), "{}", said(&first));
    assert!(said(&first).contains("https://site.example/1 opened"), "{}", said(&first));
    assert!(stage.pushed().contains("USER appuser"));
    {
        let site = stage.site.lock().unwrap();
        let request = &site.requests[0];
        assert_eq!(
            (request["base"].as_str(), request["head"]["ref"].as_str()),
            (Some("main"), Some("dockwright/non-root"))
        );
        assert!(request["title"].as_str().unwrap().starts_with("build: "), "the log is conventional: {request}");
        let body = request["body"].as_str().unwrap();
        assert!(body.contains("`Dockerfile`") && body.contains("skip = [\"non-root\"]"), "{body}");
        assert!(!body.contains("@everyone"), "{body}");
    }
    let head = stage.git("bare.git", &["rev-parse", "dockwright/non-root"]);
    let second = stage.pr(&[]);
    assert!(said(&second).contains("is as it should be"), "{}", said(&second));
    assert_eq!(stage.git("bare.git", &["rev-parse", "dockwright/non-root"]), head);
    assert_eq!(stage.site.lock().unwrap().count("POST /repos/o/r/pulls"), 1);
    assert_eq!(stage.git("checkout", &["worktree", "list"]).lines().count(), 1, "nothing is left behind");
}

#[test]
fn a_base_that_moves_is_followed() {
    let stage = Stage::new();
    stage.pr(&[]);
    stage.write("other.txt", "news\n");
    stage.commit("feat: more");
    let again = stage.pr(&[]);
    assert!(said(&again).contains("brought up to date"), "{}", said(&again));
    let parent = stage.git("bare.git", &["rev-parse", "dockwright/non-root^"]);
    assert_eq!(parent, stage.git("bare.git", &["rev-parse", "main"]));
}

#[test]
fn what_a_person_closed_stays_closed() {
    let stage = Stage::new();
    stage.pr(&[]);
    stage.site.lock().unwrap().requests[0]["state"] = json!("closed");
    let again = stage.pr(&[]);
    assert!(again.status.success() && said(&again).contains("a person closed"), "{}", said(&again));
    assert_eq!(stage.site.lock().unwrap().requests.len(), 1);
}

#[test]
fn a_branch_with_somebody_elses_commit_is_left_as_it_is() {
    let stage = Stage::new();
    stage.pr(&[]);
    stage.git("checkout", &["fetch", "--quiet", "origin", "dockwright/non-root"]);
    stage.git("checkout", &["checkout", "--quiet", "-b", "mine", "FETCH_HEAD"]);
    stage.write("note.txt", "mine\n");
    stage.git("checkout", &["add", "-A"]);
    stage.git("checkout", &["commit", "--quiet", "-m", "by hand"]);
    stage.git("checkout", &["push", "--quiet", "origin", "mine:dockwright/non-root"]);
    stage.git("checkout", &["checkout", "--quiet", "main"]);
    let head = stage.git("bare.git", &["rev-parse", "dockwright/non-root"]);
    let again = stage.pr(&[]);
    assert!(said(&again).contains("somebody else committed"), "{}", said(&again));
    assert_eq!(stage.git("bare.git", &["rev-parse", "dockwright/non-root"]), head);
}

#[test]
fn what_no_longer_applies_is_closed_with_a_word() {
    let stage = Stage::new();
    stage.pr(&[]);
    stage.write("Dockerfile", "FROM alpine:3.20\nUSER 1000\nCMD [\"true\"]\n");
    stage.commit("fix: by hand");
    let again = stage.pr(&[]);
    assert!(said(&again).contains("is closed"), "{}", said(&again));
    let site = stage.site.lock().unwrap();
    assert_eq!(site.requests[0]["state"], "closed");
    assert_eq!(site.count("POST /repos/o/r/issues/1/comments"), 1);
}

#[test]
fn a_dry_run_shows_the_request_and_asks_and_pushes_nothing() {
    let stage = Stage::new();
    let dry = stage.pr(&["--dry-run"]);
    assert!(said(&dry).contains("branch dockwright/non-root for main"), "{}", said(&dry));
    assert!(stage.site.lock().unwrap().calls.is_empty());
    assert_eq!(stage.git("bare.git", &["branch", "--list", "dockwright/*"]), "");
}

#[test]
fn faults_end_in_a_sentence_and_patience_is_had() {
    for (status, wanted) in [(401, "token is not accepted"), (403, "give it the right"), (404, "no such repository")] {
        let stage = Stage::new();
        stage.site.lock().unwrap().faults.push_back((status, ""));
        let output = stage.pr(&[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(wanted), "{status}: {}", said(&output));
    }
    let stage = Stage::new();
    stage.site.lock().unwrap().faults.extend([(429, "Retry-After: 0"), (500, "")]);
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site.lock().unwrap().requests.len(), 1);
}

#[test]
fn killed_between_push_and_request_there_is_one_request_in_the_end() {
    let stage = Stage::new();
    // The list is answered, the opening is not: as if the run had ended there.
    stage.pr(&[]);
    stage.site.lock().unwrap().requests.clear();
    let again = stage.pr(&[]);
    assert!(said(&again).contains("opened"), "{}", said(&again));
    assert_eq!(stage.site.lock().unwrap().requests.len(), 1);
}

#[test]
fn other_sites_are_asked_in_their_own_words() {
    for (host, call) in [("gitlab", "POST /projects/o%2Fr/merge_requests"), ("gitea", "POST /repos/o/r/pulls")] {
        let stage = Stage::new();
        let output = stage.pr_on(host, &[]);
        assert!(output.status.success(), "{host}: {}", said(&output));
        assert_eq!(stage.site.lock().unwrap().count(call), 1, "{host}");
        let again = stage.pr_on(host, &[]);
        assert!(said(&again).contains("is as it should be"), "{host}: {}", said(&again));
    }
}

#[test]
fn a_hostile_repository_runs_nothing_and_reaches_nothing_outside() {
    let stage = Stage::new();
    let outside = stage.folder.path().join("outside.Dockerfile");
    fs::write(&outside, DOCKERFILE).unwrap();
    let checkout = stage.folder.path().join("checkout");
    std::os::unix::fs::symlink(&outside, checkout.join("link.Dockerfile")).unwrap();
    let name = "a b; $(touch ran) 'q' -x.Dockerfile";
    stage.write(name, DOCKERFILE);
    stage.commit("feat: names");
    let hooks = checkout.join(".git/hooks");
    for hook in ["pre-commit", "commit-msg", "pre-push", "post-checkout"] {
        let path = hooks.join(hook);
        fs::write(&path, "#!/bin/sh\ntouch \"$0.ran\"\n").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(fs::read_to_string(&outside).unwrap(), DOCKERFILE, "what lies outside is untouched");
    let ran = |folder: &Path| {
        fs::read_dir(folder).unwrap().any(|one| one.unwrap().file_name().to_string_lossy().contains("ran"))
    };
    assert!(!ran(&hooks), "no hook runs");
    assert!(stage.git("bare.git", &["show", &format!("dockwright/non-root:{name}")]).contains("USER appuser"));
}

#[test]
fn without_a_token_or_a_repository_it_says_what_to_do() {
    let stage = Stage::new();
    let run = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command.args(["pr", "--host", "github", "--api", &stage.api, "--repository", "o/r"]).current_dir(folder);
        for name in ["GITHUB_TOKEN", "GH_TOKEN"] {
            command.env_remove(name);
        }
        identity(&mut command).output().unwrap()
    };
    let output = run(&stage.folder.path().join("checkout"));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("GITHUB_TOKEN"), "{}", said(&output));
    let output = run(stage.folder.path());
    assert!(said(&output).contains("not in a Git repository"), "{}", said(&output));
}
