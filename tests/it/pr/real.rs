//! `dockwright pr` against a real Gitea (or Forgejo), which a test starts: `GITEA=…/gitea cargo test --test it --
//! --ignored a_real_gitea`. A binary without its templates finds them by `GITEA_STATIC`, the folder of its sources.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{DOCKERFILE, identity, said};
use crate::workspace::{Workspace, text};

/// A server, which ends with the value.
struct Gitea {
    folder: Workspace,
    binary: PathBuf,
    url: String,
    server: Child,
    token: String,
}

impl Drop for Gitea {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Gitea {
    fn start() -> Self {
        let binary = PathBuf::from(env::var("GITEA").expect("GITEA names the program"));
        let folder = Workspace::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let work = folder.path().join("gitea").display().to_string();
        let assets = env::var("GITEA_STATIC").map(|path| format!("STATIC_ROOT_PATH = {path}\n")).unwrap_or_default();
        // A container's only user is often root, which the server refuses to be unless it is told.
        let user = text(&Command::new("id").arg("-un").output().unwrap().stdout);
        folder.file(
            "gitea/app.ini",
            format!(
                "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\nRUN_USER = {}\nRUN_MODE = prod\nWORK_PATH = {work}\n\
                 [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = {url}/\nDISABLE_SSH = true\n\
                 OFFLINE_MODE = true\n{assets}[database]\nDB_TYPE = sqlite3\nPATH = {work}/gitea.db\n[security]\n\
                 INSTALL_LOCK = true\n[log]\nLEVEL = Warn\n",
                user.trim()
            ),
        );
        let mut gitea =
            Self { server: Command::new("true").spawn().unwrap(), folder, binary, url, token: String::new() };
        gitea.admin(&["migrate"]);
        let user = ["admin", "user", "create", "--admin", "--must-change-password=false"];
        for name in ["bot", "ann"] {
            let mail = format!("--email={name}@site.example");
            gitea.admin(&[&user[..], &["--username", name, "--password=Pass-1234", &mail]].concat());
        }
        gitea.token = gitea.new_token("all", "all");
        let config = gitea.folder.path().join("gitea/app.ini");
        let mut web = Command::new(&gitea.binary);
        web.arg("web").arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        gitea.server = identity(&mut web)
            .env_remove("GIT_CONFIG_GLOBAL")
            .envs(env::var_os("HOME").map(|home| ("HOME", home)))
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while ureq::get(format!("{}/api/v1/version", gitea.url)).call().is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the server does not come up");
            thread::sleep(Duration::from_millis(100));
        }
        gitea
    }

    fn admin(&self, args: &[&str]) -> String {
        let config = self.folder.path().join("gitea/app.ini");
        let mut command = Command::new(&self.binary);
        let output = command.args(args).arg("-c").arg(config).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        text(&output.stdout).trim().to_owned()
    }

    fn new_token(&self, name: &str, scopes: &str) -> String {
        let (name, scopes) = (format!("--token-name={name}"), format!("--scopes={scopes}"));
        let said = self.admin(&["admin", "user", "generate-access-token", "--username=bot", "--raw", &name, &scopes]);
        said.lines().last().unwrap().to_owned()
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.url))
            .header("Authorization", format!("token {}", self.token))
            .header("Content-Type", "application/json");
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut answer = match body {
            Value::Null => agent.run(request.body(()).unwrap()).unwrap(),
            body => agent.run(request.body(body.to_string()).unwrap()).unwrap(),
        };
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn write(&self, repository: &str, file: &str, content: &str, message: &str, branch: &str) {
        use base64::Engine as _;
        let content = base64::prelude::BASE64_STANDARD.encode(content);
        let path = format!("/repos/{repository}/contents/{file}");
        let there = ureq::get(format!("{}/api/v1{path}?ref={branch}", self.url)).call();
        let mut body = json!({"content": content, "message": message, "branch": branch});
        match there {
            Ok(mut there) => {
                let there: Value = serde_json::from_str(&there.body_mut().read_to_string().unwrap()).unwrap();
                body["sha"] = there["sha"].clone();
                self.ask("PUT", &path, body);
            }
            Err(_) => drop(self.ask("POST", &path, body)),
        }
    }

    fn pr_with(&self, token: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command.args(["pr", "--only", "non-root", "--host", "gitea", "--api", &format!("{}/api/v1", self.url)]);
        command.args(args).args(["--pause", "0.001"]).env("GITEA_TOKEN", token).current_dir(self.folder.path());
        let output = identity(&mut command).output().unwrap();
        assert!(!said(&output).contains(token), "{}", said(&output));
        output
    }

    fn pr(&self, args: &[&str]) -> Output {
        self.pr_with(&self.token, args)
    }

    fn requests(&self, repository: &str) -> Vec<Value> {
        self.ask("GET", &format!("/repos/{repository}/pulls?state=all"), Value::Null).as_array().unwrap().clone()
    }

    fn commit(&self, repository: &str, branch: &str) -> Value {
        self.ask("GET", &format!("/repos/{repository}/branches/{branch}"), Value::Null)["commit"]["id"].clone()
    }
}

#[test]
#[ignore = "needs a Gitea server: GITEA=… cargo test --test it -- --ignored a_real_gitea"]
fn a_real_gitea_gets_its_requests_and_keeps_them() {
    let gitea = Gitea::start();
    gitea.ask("POST", "/orgs", json!({"username": "team"}));
    for name in ["web", "old", "empty"] {
        gitea.ask(
            "POST",
            "/orgs/team/repos",
            json!({"name": name, "default_branch": "main", "auto_init": name != "empty"}),
        );
    }
    gitea.ask("PUT", "/repos/team/web/collaborators/ann", json!({"permission": "write"}));
    for name in ["web", "old"] {
        gitea.write(&format!("team/{name}"), "Dockerfile", DOCKERFILE, "feat: begin", "main");
    }
    gitea.ask("PATCH", "/repos/team/old", json!({"archived": true}));
    gitea.ask("POST", "/repos/team/web/labels", json!({"name": "docker", "color": "#0000ff"}));

    let wishes = ["--label=docker", "--reviewer=ann", "--assignee=ann", "--draft"];
    let first = gitea.pr(&[&["--org", "team"][..], &wishes].concat());
    assert!(first.status.success(), "{}", said(&first));
    assert!(text(&first.stdout).contains("1 repositories, 1 opened"), "{}", said(&first));
    let request = &gitea.requests("team/web")[0];
    assert!(request["title"].as_str().unwrap().starts_with("WIP: "), "{request}");
    assert_eq!((&request["labels"][0]["name"], &request["assignees"][0]["login"]), (&json!("docker"), &json!("ann")));
    assert_eq!(request["requested_reviewers"][0]["login"], "ann", "{}", said(&first));
    assert!(request["body"].as_str().unwrap().contains("| user | `root` | `appuser` |"), "{request}");

    let url = format!("{}/team/web.git", gitea.url);
    let again = gitea.pr(&["--repo", &url]);
    assert!(said(&again).contains("is as it should be"), "{}", said(&again));

    gitea.write("team/web", "more", "more\n", "feat: more", "main");
    let moved = gitea.pr(&["--repo", &url]);
    assert!(said(&moved).contains("brought up to date"), "{}", said(&moved));
    let head = gitea.commit("team/web", "dockwright/non-root");
    let commit = gitea.ask("GET", &format!("/repos/team/web/git/commits/{}", head.as_str().unwrap()), Value::Null);
    let base = gitea.commit("team/web", "main");
    assert_eq!(commit["parents"][0]["sha"], base, "the branch is made anew on the base");

    gitea.write("team/web", "mine", "mine\n", "by hand", "dockwright/non-root");
    let foreign = gitea.commit("team/web", "dockwright/non-root");
    gitea.write("team/web", "more", "yet more\n", "feat: yet more", "main");
    let left = gitea.pr(&["--repo", &url]);
    assert!(said(&left).contains("somebody else committed"), "{}", said(&left));
    assert_eq!(gitea.commit("team/web", "dockwright/non-root"), foreign);

    gitea.ask("PATCH", "/repos/team/web/pulls/1", json!({"state": "closed"}));
    gitea.ask("DELETE", "/repos/team/web/branches/dockwright%2Fnon-root", Value::Null);
    let closed = gitea.pr(&["--repo", &url]);
    assert!(said(&closed).contains("a person closed"), "{}", said(&closed));
    assert_eq!(gitea.requests("team/web").len(), 1);
    let reopened = gitea.pr(&["--repo", &url, "--reopen"]);
    assert!(said(&reopened).contains("opened"), "{}", said(&reopened));

    gitea.write("team/web", "Dockerfile", "FROM alpine:3.20\nUSER 1000\nCMD [\"true\"]\n", "fix: by hand", "main");
    let done = gitea.pr(&["--repo", &url]);
    assert!(said(&done).contains("is closed"), "{}", said(&done));
    let requests = gitea.requests("team/web");
    assert!(requests.len() == 2 && requests.iter().all(|one| one["state"] == "closed"), "{requests:#?}");
    // Nobody refused that one, so such a Dockerfile is asked about again. The person's no of before still counts.
    gitea.write("team/web", "Dockerfile", DOCKERFILE, "feat: as before", "main");
    let refused = gitea.pr(&["--repo", &url]);
    assert!(said(&refused).contains("a person closed"), "{}", said(&refused));

    // What a token may not do, and what a rule forbids.
    let weak = gitea.new_token("weak", "read:repository,read:issue");
    let output = gitea.pr_with(&weak, &["--repo", &url, "--reopen"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("could not be pushed"), "{}", said(&output));
    let rule = json!({"rule_name": "dockwright/**", "enable_push": false});
    gitea.ask("POST", "/repos/team/web/branch_protections", rule);
    let output = gitea.pr(&["--repo", &url, "--reopen"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("look whether the token may write"), "{}", said(&output));
    assert_eq!(gitea.requests("team/web").len(), 2);

    let missing = gitea.pr(&["--repo", &format!("{}/team/none.git", gitea.url)]);
    assert!(said(&missing).contains("could not be reached"), "{}", said(&missing));
    let empty = gitea.pr(&["--repo", &format!("{}/team/empty.git", gitea.url)]);
    assert!(empty.status.success() && said(&empty).contains("is empty"), "{}", said(&empty));
}
