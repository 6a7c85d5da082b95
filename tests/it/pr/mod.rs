//! `dockwright pr` against a bare repository and a site that this file plays.

mod ci;
mod contract;
mod hostile;
mod many;
mod real;
mod requests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use crate::workspace::{Workspace, alone, text};

/// What the site has and was asked.
#[derive(Default)]
struct Site {
    requests: Vec<Value>,
    calls: Vec<String>,
    /// What was asked of it that no site of its kind would take.
    violations: Vec<String>,
    /// Answers that come before any other: status, and a header line. `CUT` and `CUT_AFTER` are none at all.
    faults: VecDeque<(u16, &'static str)>,
    /// The repositories of an organisation.
    listed: Vec<Value>,
    /// How many calls a second it takes.
    limit: Option<usize>,
    second: Option<Instant>,
    in_second: usize,
    refused: usize,
    /// How often git came over HTTP with the token.
    over_http: usize,
    /// How often it was asked as a proxy.
    proxied: usize,
    /// The addresses of APIs that were asked on behalf of other hosts.
    apis: BTreeSet<String>,
}

/// A fault: the connection ends before anything is done.
const CUT: u16 = 0;

/// A fault: the connection ends when all is done, before the answer.
const CUT_AFTER: u16 = 1;

/// A fault: nothing is done, and there is no answer.
const HANG: u16 = 2;

fn serve(root: &Path) -> (String, Arc<Mutex<Site>>) {
    let site = Arc::new(Mutex::new(Site::default()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (shared, root) = (Arc::clone(&site), root.to_owned());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (shared, root) = (Arc::clone(&shared), root.clone());
            // A client that goes away in the middle ends the thread.
            thread::spawn(move || drop(converse(stream.unwrap(), &shared, &root)));
        }
    });
    (address, site)
}

fn converse(mut stream: TcpStream, shared: &Mutex<Site>, root: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(());
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    // As a proxy, we are every site.
    if first.starts_with("CONNECT ") {
        shared.lock().unwrap().proxied += 1;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        return converse(stream, shared, root);
    }
    // Git tells a proxy the whole address.
    if let Some((_, rest)) = first.split_once(" http://") {
        let rest = rest.split_once('/').unwrap().1.to_owned();
        shared.lock().unwrap().proxied += 1;
        first = format!("{} /{rest}", first.split(' ').next().unwrap());
    }
    if first.contains(".git/") {
        return git_over_http(&mut stream, root, &first, &headers, &body, shared);
    }
    let kind = match () {
        () if headers.contains_key("private-token") || headers.contains_key("job-token") => "gitlab",
        () if header("authorization").starts_with("token ") => "gitea",
        () => "github",
    };
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    // Where an API is on its host. The tests' own is at the root.
    let at = ["/api/v3", "/api/v4", "/api/v1"].into_iter().find(|at| target.starts_with(&format!("{at}/")));
    let target = at.map_or(target, |at| &target[at.len()..]);
    if let Some(at) = at {
        shared.lock().unwrap().apis.insert(format!("{}{at}", header("host")));
    }
    let asked = contract::Asked { method, target, content: header("content-type"), body: &body };
    let (status, header, answer) = shared.lock().unwrap().answer(kind, &asked);
    if status == HANG {
        thread::sleep(Duration::from_secs(60));
    }
    if status == CUT || status == HANG {
        return Ok(());
    }
    let answer = answer.to_string();
    let length = answer.len();
    write!(stream, "HTTP/1.1 {status} X\r\nConnection: close\r\n{header}Content-Length: {length}\r\n\r\n{answer}")
}

/// The repositories under `root` over HTTP, by git's own program for servers, for whoever has the token.
fn git_over_http(
    stream: &mut TcpStream,
    root: &Path,
    first: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
    shared: &Mutex<Site>,
) -> std::io::Result<()> {
    let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // As GitHub, GitLab and Gitea, and a job of GitLab's are to call whoever has a token.
    let given = header("authorization").strip_prefix("Basic ").and_then(|given| BASE64.decode(given).ok());
    let known = ["x-access-token", "oauth2", "gitlab-ci-token"].map(|user| format!("{user}:secret-token"));
    if !given.is_some_and(|given| known.contains(&text(&given))) {
        return write!(
            stream,
            "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
    }
    shared.lock().unwrap().over_http += 1;
    let mut child = alone(&mut Command::new("git"))
        .args(["-c", "http.receivepack=true", "-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .envs([("REQUEST_METHOD", method), ("PATH_INFO", path), ("QUERY_STRING", query)])
        .envs([("CONTENT_TYPE", header("content-type")), ("HTTP_CONTENT_ENCODING", header("content-encoding"))])
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    let body = body.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output()?;
    writer.join().unwrap().ok();
    let end = output.stdout.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let (head, rest) = output.stdout.split_at(end);
    let head = text(head);
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{head}\r\nContent-Length: {}\r\n", rest.len() - 4)?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&rest[4..])
}

impl Site {
    fn answer(&mut self, kind: &str, asked: &contract::Asked<'_>) -> (u16, String, Value) {
        let contract::Asked { method, target, body, .. } = *asked;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.violations.extend(contract::violations(kind, asked));
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        if let Some(limit) = self.limit {
            if self.second.is_none_or(|second| second.elapsed() > Duration::from_secs(1)) {
                (self.second, self.in_second) = (Some(Instant::now()), 0);
            }
            self.in_second += 1;
            if self.in_second > limit {
                self.refused += 1;
                return (429, "Retry-After: 1\r\n".into(), json!({"message": "slow down"}));
            }
        }
        self.calls.push(format!("{method} {path}"));
        let fault = self.faults.pop_front();
        if let Some((status, header)) = fault.filter(|(status, _)| *status != CUT_AFTER) {
            let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
            return (status, header, json!({"message": "no"}));
        }
        let (header, answer) = self.act(kind == "gitlab", method, path, query, &body);
        let status = if method == "POST" { 201 } else { 200 };
        (if fault.is_some() { CUT } else { status }, header, answer)
    }

    fn act(&mut self, gitlab: bool, method: &str, path: &str, query: &str, body: &Value) -> (String, Value) {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let repository = match (parts[0], gitlab) {
            ("repos", _) => format!("{}/{}", parts[1], parts[2]),
            ("projects", _) => parts[1].replace("%2F", "/"),
            ("users", true) => return (String::new(), json!([{"id": 42}])),
            _ => return self.page(query),
        };
        let number = path.rsplit('/').find_map(|part| part.parse::<usize>().ok());
        let answer = match (method, number) {
            ("GET", _) => json!(self.requests.iter().filter(|one| one["repository"] == repository).collect::<Vec<_>>()),
            ("POST", Some(number)) => {
                // Labels, people and comments: kept, to be looked at.
                let one = &mut self.requests[number - 1];
                let kind = path.rsplit('/').next().unwrap();
                one[format!("{kind} asked")] = body.clone();
                json!({})
            }
            ("POST", None) => {
                let number = self.requests.len() + 1;
                let mut made = body.clone();
                made["repository"] = json!(repository);
                made["number"] = json!(number);
                made["iid"] = json!(number);
                made["html_url"] = json!(format!("https://site.example/{number}"));
                made["web_url"] = made["html_url"].clone();
                made["state"] = json!(if gitlab { "opened" } else { "open" });
                match gitlab {
                    true => (made["source_project_id"], made["target_project_id"]) = (json!(7), json!(7)),
                    false => made["head"] = json!({"ref": body["head"], "repo": {"full_name": repository}}),
                }
                self.requests.push(made.clone());
                made
            }
            (_, Some(number)) => {
                let one = &mut self.requests[number - 1];
                for (key, value) in body.as_object().unwrap() {
                    one[key] = value.clone();
                }
                if body["state_event"] == "close" {
                    one["state"] = json!("closed");
                }
                one.clone()
            }
            _ => json!({}),
        };
        (String::new(), answer)
    }

    /// A page of the organisation's repositories, with the header that says whether there is another.
    fn page(&self, query: &str) -> (String, Value) {
        let number = |name: &str| {
            let mut all = query.split('&').filter_map(|one| one.split_once('='));
            all.find(|(key, _)| *key == name).map(|(_, value)| value.parse::<usize>().unwrap())
        };
        let (size, page) = (number("per_page").or(number("limit")).unwrap(), number("page").unwrap());
        let all: Vec<_> = self.listed.iter().skip(size * (page - 1)).take(size).collect();
        let more = self.listed.len() > size * page;
        let link = "Link: <https://elsewhere.example/?page=9>; rel=\"next\"\r\n";
        (if more { link.into() } else { String::new() }, json!(all))
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
        let (api, site) = serve(folder.path());
        let stage = Self { folder, api, site };
        stage.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "bare.git"]);
        stage.git(".", &["clone", "--quiet", "bare.git", "checkout"]);
        stage.git("checkout", &["checkout", "--quiet", "-b", "main"]);
        stage.write("Dockerfile", DOCKERFILE);
        stage.commit("feat: begin");
        stage
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
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

    /// A person's commit on the branch of the request.
    fn meddle(&self) {
        self.git("checkout", &["fetch", "--quiet", "origin", "dockwright/non-root"]);
        self.git("checkout", &["checkout", "--quiet", "-b", "mine", "FETCH_HEAD"]);
        self.write("note.txt", "mine\n");
        self.git("checkout", &["add", "-A"]);
        self.git("checkout", &["commit", "--quiet", "-m", "by hand"]);
        self.git("checkout", &["push", "--quiet", "origin", "mine:dockwright/non-root"]);
        self.git("checkout", &["checkout", "--quiet", "main"]);
    }

    /// The file as it is on the branch of the request.
    fn pushed(&self) -> String {
        self.git("bare.git", &["show", "dockwright/non-root:Dockerfile"])
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !thread::panicking() {
            let wrong: &[String] = &self.site().violations;
            assert!(wrong.is_empty(), "asked of the site, and not in its contract: {wrong:#?}");
        }
    }
}

/// Git with a person's name, in an environment that says nothing about this machine but where its programs are: what a
/// CI, a hook or a person has set (tokens, proxies, languages, git's own variables) is not the test's.
fn identity(command: &mut Command) -> &mut Command {
    alone(command);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Somebody").env(format!("GIT_{who}_EMAIL"), "somebody@site.example");
    }
    command
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
        let site = stage.site();
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
    assert_eq!(stage.site().count("POST /repos/o/r/pulls"), 1);
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
    stage.site().requests[0]["state"] = json!("closed");
    let again = stage.pr(&[]);
    assert!(again.status.success() && said(&again).contains("a person closed"), "{}", said(&again));
    assert_eq!(stage.site().requests.len(), 1);
}

#[test]
fn a_branch_with_somebody_elses_commit_is_left_as_it_is() {
    let stage = Stage::new();
    stage.pr(&[]);
    stage.meddle();
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
    let site = stage.site();
    assert_eq!(site.requests[0]["state"], "closed");
    assert_eq!(site.count("POST /repos/o/r/issues/1/comments"), 1);
}

#[test]
fn a_dry_run_shows_the_request_and_asks_and_pushes_nothing() {
    let stage = Stage::new();
    let dry = stage.pr(&["--dry-run"]);
    assert!(said(&dry).contains("branch dockwright/non-root for main"), "{}", said(&dry));
    assert!(said(&dry).contains("--- a/Dockerfile\n+++ b/Dockerfile\n@@ ") && said(&dry).contains("\n+USER appuser\n"));
    assert!(stage.site().calls.iter().all(|call| call.starts_with("GET ")));
    assert_eq!(stage.git("bare.git", &["branch", "--list", "dockwright/*"]), "");
}

#[test]
fn faults_end_in_a_sentence_and_patience_is_had() {
    for (status, wanted) in [(401, "token is not accepted"), (403, "the right to write"), (404, "no such repository")] {
        let stage = Stage::new();
        stage.site().faults.push_back((status, ""));
        let output = stage.pr(&[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(wanted), "{status}: {}", said(&output));
    }
    let stage = Stage::new();
    stage.site().faults.extend([(429, "Retry-After: 0"), (500, "")]);
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests.len(), 1);
}

#[test]
fn killed_between_push_and_request_there_is_one_request_in_the_end() {
    let stage = Stage::new();
    // The list is answered, the opening is not: as if the run had ended there.
    stage.pr(&[]);
    stage.site().requests.clear();
    let again = stage.pr(&[]);
    assert!(said(&again).contains("opened"), "{}", said(&again));
    assert_eq!(stage.site().requests.len(), 1);
}

#[test]
fn other_sites_are_asked_in_their_own_words() {
    for (host, call) in [("gitlab", "POST /projects/o%2Fr/merge_requests"), ("gitea", "POST /repos/o/r/pulls")] {
        let stage = Stage::new();
        let output = stage.pr_on(host, &[]);
        assert!(output.status.success(), "{host}: {}", said(&output));
        assert_eq!(stage.site().count(call), 1, "{host}");
        let again = stage.pr_on(host, &[]);
        assert!(said(&again).contains("is as it should be"), "{host}: {}", said(&again));
    }
}

#[test]
fn without_a_token_or_a_repository_it_says_what_to_do() {
    let stage = Stage::new();
    let run = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command.args(["pr", "--host", "github", "--api", &stage.api, "--repository", "o/r"]).current_dir(folder);
        identity(&mut command).output().unwrap()
    };
    let output = run(&stage.folder.path().join("checkout"));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("GITHUB_TOKEN"), "{}", said(&output));
    let output = run(stage.folder.path());
    assert!(said(&output).contains("not in a Git repository"), "{}", said(&output));
}
