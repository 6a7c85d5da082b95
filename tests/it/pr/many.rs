//! Other repositories than the one of the current folder, and many in one run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{HANG, Stage, identity, said};
use crate::workspace::{executable, text};

impl Stage {
    /// The program in the outermost folder, for repositories that are named.
    fn far(&self, args: &[&str]) -> Command {
        // What a kill leaves behind goes with the test.
        let scratch = self.folder.path().join("scratch");
        fs::create_dir_all(&scratch).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command
            .args(["pr", "--only", "non-root", "--host", "github", "--api", &self.api, "--pause", "0.001"])
            .args(args)
            .env("GITHUB_TOKEN", "secret-token")
            .env("TMPDIR", scratch)
            .current_dir(self.folder.path());
        identity(&mut command);
        command
    }

    fn run_far(&self, args: &[&str]) -> Output {
        let output = self.far(args).output().unwrap();
        assert!(!said(&output).contains("secret-token"), "{}", said(&output));
        output
    }

    /// Copies of the bare repository, as `many/r0.git` and on.
    pub fn copies(&self, count: usize) -> Vec<String> {
        let from = self.folder.path().join("bare.git");
        let names = (0..count).map(|number| {
            let name = format!("many/r{number}.git");
            copy(&from, &self.folder.path().join(&name));
            name
        });
        names.collect()
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&self.folder.read("report.json")).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn a_repository_over_http_is_cloned_pushed_to_and_asked_for() {
    let stage = Stage::new();
    let url = format!("{}/bare.git", stage.api);
    let output = stage.run_far(&["--repo", &url, "--repository", "o/r"]);
    assert!(output.status.success() && said(&output).contains("site.example/1 opened"), "{}", said(&output));
    assert!(stage.pushed().contains("USER appuser"));
    assert!(stage.site().over_http >= 3, "the token was needed");
    let again = stage.run_far(&["--repo", &url, "--repository", "o/r"]);
    assert!(said(&again).contains("is as it should be"), "{}", said(&again));
}

#[test]
fn a_password_in_an_address_is_used_and_never_shown() {
    let stage = Stage::new();
    let url = format!("{}/missing.git", stage.api.replacen("http://", "http://x-access-token:secret-token@", 1));
    let output = stage.far(&["--repo", &url, "--repository", "o/r"]).env("GITHUB_TOKEN", "other").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!said(&output).contains("secret-token"), "{}", said(&output));
    assert!(said(&output).contains("could not be reached"), "{}", said(&output));
    let url = url.replace("missing", "bare");
    let output = stage.far(&["--repo", &url, "--repository", "o/r"]).env("GITHUB_TOKEN", "other").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("secret-token") && stage.site().over_http > 0, "{}", said(&output));
}

#[test]
fn the_token_is_on_no_command_line_and_in_no_file_of_the_clone() {
    let stage = Stage::new();
    // A program that stands before git on the path, and notes how it is called.
    let folder = stage.folder.path().join("path");
    fs::create_dir(&folder).unwrap();
    let real = text(&Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout);
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {}/calls\ngrep -rs secret-token \"$2/.git\" >> {0}/found\nexec {} \"$@\"\n",
        stage.folder.path().display(),
        real.trim()
    );
    executable(&folder.join("git"), script);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let url = format!("{}/bare.git", stage.api);
    let output = stage.far(&["--repo", &url, "--repository", "o/r"]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let calls = text(&stage.folder.read("calls"));
    assert!(calls.contains("push") && calls.contains("commit"), "{calls}");
    assert!(!calls.contains("secret-token") && !calls.contains("eC1hY2Nlc3M"), "{calls}");
    assert_eq!(text(&stage.folder.read("found")), "");
}

#[test]
fn one_that_fails_stops_no_other_and_the_end_has_a_table_and_a_report() {
    let stage = Stage::new();
    let mut list = "# ours\n\n".to_owned();
    for name in stage.copies(2) {
        list += &format!("{}\n", stage.folder.path().join(name).display());
    }
    list += "/not/there.git\n-x\n";
    stage.folder.file("list", &list);
    let output = stage.run_far(&["--repos", "list", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let table = text(&output.stdout);
    assert_eq!(table.matches("  opened  ").count(), 2, "{table}");
    assert!(table.ends_with("4 repositories, 2 opened, 2 failed\n"), "{table}");
    let report = stage.report();
    assert_eq!((&report["summary"]["opened"], &report["summary"]["failed"]), (&json!(2), &json!(2)), "{report:#}");
    let failed = report["repositories"].as_array().unwrap().iter().filter(|one| !one["error"].is_null());
    assert!(failed.clone().all(|one| !one["error"].as_str().unwrap().is_empty()) && failed.count() == 2);
    assert_eq!(stage.site().requests.len(), 2);
}

#[test]
fn an_organisation_is_listed_page_by_page_without_archived_ones_and_forks() {
    let stage = Stage::new();
    stage.copies(3);
    let one = |number: usize, archived: bool, fork: bool| {
        json!({"full_name": format!("many/r{number}"), "clone_url": format!("{}/many/r{number}.git", stage.api),
            "archived": archived, "fork": fork})
    };
    let mut listed: Vec<Value> = (10..120).map(|number| one(number, number % 2 == 0, number % 2 == 1)).collect();
    listed.extend([one(0, false, false), one(1, false, false), one(2, true, false)]);
    stage.site().listed = listed;
    let output = stage.run_far(&["--org", "many", "--report", "report.json"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.report()["summary"]["repositories"], 2);
    let site = stage.site();
    assert_eq!(site.count("GET /orgs/many/repos"), 2);
    assert_eq!(site.requests.len(), 2, "{}", said(&output));
}

#[test]
fn a_user_is_listed_where_there_is_no_organisation_of_that_name() {
    let stage = Stage::new();
    stage.copies(1);
    let url = format!("{}/many/r0.git", stage.api);
    let elsewhere = url.replace("127.0.0.1", "localhost").replace("r0", "r1");
    stage.site().listed = vec![
        json!({"full_name": "many/r0", "clone_url": url}),
        json!({"full_name": "many/r1", "clone_url": elsewhere}),
    ];
    stage.site().faults.push_back((404, ""));
    let output = stage.run_far(&["--org", "many"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("so the token is not sent there"), "{}", said(&output));
    let site = stage.site();
    assert_eq!((site.count("GET /users/many/repos"), site.requests.len()), (1, 1));
}

#[test]
fn the_others_list_theirs_in_their_own_words() {
    let stage = Stage::new();
    stage.copies(1);
    let url = format!("{}/many/r0.git", stage.api);
    for (host, token, call, listed) in [
        (
            "gitlab",
            "GITLAB_TOKEN",
            "GET /groups/many/projects",
            json!([
                {"path_with_namespace": "many/r0", "http_url_to_repo": url, "archived": false},
                {"path_with_namespace": "many/f", "http_url_to_repo": url, "forked_from_project": {"id": 1}},
            ]),
        ),
        (
            "gitea",
            "GITEA_TOKEN",
            "GET /orgs/many/repos",
            json!([{"full_name": "many/r0", "clone_url": url}, {"full_name": "many/e", "clone_url": url, "empty": true}]),
        ),
    ] {
        stage.site().listed = listed.as_array().unwrap().clone();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command.args([
            "pr",
            "--host",
            host,
            "--api",
            &stage.api,
            "--org",
            "many",
            "--dry-run",
            "--report",
            "report.json",
        ]);
        command.env(token, "secret-token").current_dir(stage.folder.path());
        let output = identity(&mut command).output().unwrap();
        assert_eq!(stage.report()["summary"]["repositories"], 1, "{host}: {}", said(&output));
        assert_eq!(stage.site().count(call), 1, "{host}");
    }
}

#[test]
fn the_parts_are_all_and_none_is_in_two() {
    let stage = Stage::new();
    let names: Vec<String> = (0..40).map(|number| format!("/none/r{number}.git")).collect();
    stage.folder.file("list", names.join("\n"));
    let part = |args: &[&str], variables: &[(&str, &str)]| -> Vec<String> {
        let mut command = stage.far(&["--repos", "list", "--report", "report.json"]);
        command.args(args).envs(variables.iter().copied());
        command.output().unwrap();
        let report = stage.report();
        let all = report["repositories"].as_array().unwrap();
        all.iter().map(|one| one["repository"].as_str().unwrap().to_owned()).collect()
    };
    let mut all: Vec<String> = ["1/3", "2/3", "3/3"].iter().flat_map(|shard| part(&["--shard", shard], &[])).collect();
    all.sort();
    let mut wanted = names.clone();
    wanted.sort();
    assert_eq!(all, wanted);
    let second = part(&["--shard", "2/3"], &[]);
    assert!(!second.is_empty() && second.len() < 40);
    assert_eq!(part(&["--shard", "auto"], &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]), second);
    assert_eq!(part(&["--shard", "auto/3"], &[("JOB_COMPLETION_INDEX", "1")]), second);
    let wrong = stage.run_far(&["--repos", "list", "--shard", "auto"]);
    assert!(said(&wrong).contains("write --shard I/N"), "{}", said(&wrong));
}

fn wait_for(what: &str, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn quiet(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn killed_between_push_and_request_and_run_again_there_is_one_request() {
    let stage = Stage::new();
    // What there is, is answered; the request for a new one is not.
    stage.site().faults.extend([(200, ""), (HANG, "")]);
    let bare = stage.folder.path().join("bare.git").display().to_string();
    let mut child = quiet(stage.far(&["--repo", &bare, "--repository", "o/r"]));
    wait_for("the site is asked for a new request", || stage.site().count("POST /repos/o/r/pulls") == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(stage.pushed().contains("USER appuser") && stage.site().requests.is_empty());
    let again = stage.run_far(&["--repo", &bare, "--repository", "o/r"]);
    assert!(said(&again).contains("site.example/1 opened"), "{}", said(&again));
    assert_eq!(stage.site().requests.len(), 1);
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let stage = Stage::new();
    let list: Vec<String> =
        stage.copies(12).iter().map(|name| stage.folder.path().join(name).display().to_string()).collect();
    stage.folder.file("list", list.join("\n"));
    let args = ["--repos", "list", "--state", "state", "--jobs", "2", "--report", "report.json"];
    let mut child = quiet(stage.far(&args));
    let state = stage.folder.path().join("state");
    wait_for("some are done", || fs::read(&state).is_ok_and(|text| text.split(|byte| *byte == b'\n').count() > 4));
    child.kill().unwrap();
    child.wait().unwrap();
    // A kill in the middle of a line leaves a part of it.
    let mut text = fs::read(&state).unwrap();
    text.extend_from_slice(b"{\"repository\":\"/tor");
    fs::write(&state, text).unwrap();
    let again = stage.run_far(&args);
    assert!(again.status.success() && said(&again).contains("done before"), "{}", said(&again));
    assert_eq!(stage.report()["summary"]["repositories"], 12);
    let site = stage.site();
    let mut per: BTreeMap<&str, usize> = BTreeMap::new();
    for request in &site.requests {
        *per.entry(request["repository"].as_str().unwrap()).or_default() += 1;
    }
    assert!(per.len() == 12 && per.values().all(|count| *count == 1), "{per:?}");
    assert!(!state.exists(), "the next run begins anew");
}

/// The whole of it: a thousand repositories, a site that throttles, a kill in the middle.
#[test]
#[ignore = "takes minutes; cargo test --test it -- --ignored a_thousand"]
fn a_thousand_repositories_are_all_done_none_twice_and_memory_stays() {
    let stage = Stage::new();
    let list: Vec<String> =
        stage.copies(1000).iter().map(|name| stage.folder.path().join(name).display().to_string()).collect();
    stage.folder.file("list", list.join("\n"));
    stage.site().limit = Some(20);
    let args = ["--repos", "list", "--state", "state", "--report", "report.json"];
    let done = || fs::read(stage.folder.path().join("state")).map_or(0, |text| text.split(|one| *one == b'\n').count());
    let memory = |child: &Child| -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let mut child = quiet(stage.far(&args));
    let (mut early, mut last, mut killed) = (0, 0, false);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        let (count, now) = (done(), memory(&child));
        if !killed && count > 300 {
            child.kill().unwrap();
            child.wait().unwrap();
            killed = true;
            child = quiet(stage.far(&args));
        } else if killed && count > 400 && early == 0 {
            early = now;
        }
        if now > 0 {
            last = now;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(killed);
    let report = stage.report();
    assert_eq!((&report["summary"]["repositories"], &report["summary"]["failed"]), (&json!(1000), &json!(0)));
    let site = stage.site();
    let mut per: BTreeMap<&str, usize> = BTreeMap::new();
    for request in &site.requests {
        *per.entry(request["repository"].as_str().unwrap()).or_default() += 1;
    }
    assert!(per.len() == 1000 && per.values().all(|count| *count == 1));
    assert!(site.refused > 10, "the site throttled {} times", site.refused);
    println!("memory: {early} KiB after 400 repositories, {last} KiB at the end; throttled {} times", site.refused);
    assert!(early > 0 && last < early * 3 / 2 + 8192, "{early} KiB, then {last} KiB");
}

/// The program in the checkout, with another address of the site and other variables.
fn at(stage: &Stage, api: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
    command.args(["pr", "--only", "non-root", "--host", "github", "--repository", "o/r", "--api", api]);
    command.current_dir(stage.folder.path().join("checkout"));
    identity(&mut command).env("GITHUB_TOKEN", "secret-token").envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn a_proxy_is_asked_where_the_environment_names_one() {
    let stage = Stage::new();
    let output = at(&stage, "http://site.invalid", &[("HTTP_PROXY", &stage.api)]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests.len(), 1);
    assert!(stage.site().proxied > 0);
    let before = stage.site().proxied;
    let output = at(&stage, "http://site.invalid", &[("HTTP_PROXY", &stage.api), ("NO_PROXY", "site.invalid")]);
    assert!(said(&output).contains("could not be reached"), "{}", said(&output));
    let output = at(&stage, &stage.api, &[("HTTPS_PROXY", "http://127.0.0.1:1")]);
    assert!(output.status.success(), "a proxy for HTTPS is none for HTTP: {}", said(&output));
    assert_eq!(stage.site().proxied, before);
}

#[test]
fn which_site_it_is_and_where_its_api_is_is_told_from_the_remote_alone() {
    for (host, at, token, user) in [
        ("github.company.example", "/api/v3", "GH_TOKEN", "pulls"),
        ("gitlab.company.example", "/api/v4", "GITLAB_TOKEN", "merge_requests"),
        ("gitlab.company.example", "/api/v4", "CI_JOB_TOKEN", "merge_requests"),
        ("gitea.company.example", "/api/v1", "GITEA_TOKEN", "pulls"),
        ("forgejo.company.example", "/api/v1", "FORGEJO_TOKEN", "pulls"),
    ] {
        let stage = Stage::new();
        stage.copies(1);
        stage.git("checkout", &["remote", "set-url", "origin", &format!("http://{host}/many/r0.git")]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
        command.args(["pr", "--only", "non-root"]).current_dir(stage.folder.path().join("checkout"));
        // The tests' site is every host, for git as for us.
        command.env("HTTP_PROXY", &stage.api).env("http_proxy", &stage.api).env(token, "secret-token");
        let output = identity(&mut command).output().unwrap();
        assert!(output.status.success(), "{host}: {}", said(&output));
        let site = stage.site();
        assert_eq!(site.apis.iter().collect::<Vec<_>>(), [&format!("{host}{at}")], "{host}");
        assert_eq!((site.requests.len(), &site.requests[0]["repository"]), (1, &json!("many/r0")), "{host}");
        assert!(site.over_http >= 3, "{host}: git was told the token");
        assert!(site.calls.iter().all(|call| call.contains(user)), "{host}: {:?}", site.calls);
    }
}

#[test]
fn an_address_that_names_no_known_site_is_asked_about() {
    let stage = Stage::new();
    stage.git("checkout", &["remote", "set-url", "origin", "https://code.company.example/o/r.git"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockwright"));
    command.args(["pr", "--only", "non-root"]).current_dir(stage.folder.path().join("checkout"));
    let output = identity(command.env("GITHUB_TOKEN", "secret-token")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("can't be told; say it with --host"), "{}", said(&output));
}

/// The site over TLS, with a certificate that an authority of our own has signed; answers its address and the authority.
fn over_tls(site: &str) -> (String, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let site = site.trim_start_matches("http://").to_owned();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(std::sync::Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            // One request, which comes whole, and one answer. Who does not trust us says nothing.
            let mut asked = vec![0; 1 << 20];
            let Ok(length) = stream.read(&mut asked) else { continue };
            let mut whole = asked[..length].to_vec();
            let head = text(&whole).to_ascii_lowercase();
            let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            let end = head.find("\r\n\r\n").unwrap() + 4 + body.unwrap_or(0usize);
            while whole.len() < end {
                let length = stream.read(&mut asked).unwrap();
                whole.extend_from_slice(&asked[..length]);
            }
            let mut plain = TcpStream::connect(&site).unwrap();
            plain.write_all(&whole).unwrap();
            let mut answer = Vec::new();
            plain.read_to_end(&mut answer).unwrap();
            stream.write_all(&answer).unwrap();
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (address, authority.pem())
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_the_environment_names_it() {
    let stage = Stage::new();
    let (api, authority) = over_tls(&stage.api);
    let file = stage.folder.file("authority.pem", authority).display().to_string();
    let output = at(&stage, &api, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("could not be reached"), "{}", said(&output));
    let output = at(&stage, &api, &[("SSL_CERT_FILE", &file)]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests.len(), 1);
}

#[test]
fn ctrl_c_leaves_no_clone_behind_and_says_so_by_its_exit_code() {
    let stage = Stage::new();
    let marker = stage.folder.path().join("pushing").display().to_string();
    let hook = stage.folder.path().join("bare.git/hooks/update");
    executable(&hook, format!("#!/bin/sh\ntouch {marker}\nsleep 60\n"));
    let temporary = stage.folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let bare = stage.folder.path().join("bare.git").display().to_string();
    let mut command = stage.far(&["--repo", &bare, "--repository", "o/r"]);
    command.env("TMPDIR", &temporary);
    let mut child = quiet(command);
    wait_for("the branch is pushed", || Path::new(&marker).exists());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(stage.site().requests.is_empty());
}
