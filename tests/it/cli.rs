//! The command line: streams, exit codes, and what happens to bad input.

use crate::workspace::{Workspace, text};

const GUIDE: &str = "FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\nCMD [\"./app\"]\n";

#[test]
fn the_guides_own_example_becomes_a_builder_and_a_small_image_with_a_user() {
    let workspace = Workspace::new();
    workspace.file("Dockerfile", GUIDE);
    workspace.file("go.mod", "module example.com/app\n\ngo 1.22\n");
    workspace.file("main.go", "package main\n\nfunc main() {}\n");
    let done = workspace.run(&["fix"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let expected = "FROM golang:1.22-alpine AS builder\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\n\n\
        FROM alpine:3.21\nWORKDIR /src\nCOPY --from=builder /src/app /src/app\n\
        RUN addgroup -S appgroup && adduser -S appuser -G appgroup\nUSER appuser\nCMD [\"./app\"]\n";
    assert_eq!(text(&workspace.read("Dockerfile")), expected);
}

#[test]
fn the_guides_second_example_gains_a_group_a_user_and_user() {
    let workspace = Workspace::new();
    let done = workspace.run_with(&["fix", "-"], b"FROM alpine:3.20\nCMD [\"whoami\"]\n");
    let expected = "FROM alpine:3.20\nRUN addgroup -S appgroup && adduser -S appuser -G appgroup\nUSER appuser\nCMD [\"whoami\"]\n";
    assert_eq!(text(&done.stdout), expected);
}

#[test]
fn a_dry_run_prints_the_diff_alone_and_its_exit_code_is_a_choice() {
    let workspace = Workspace::new();
    workspace.file("Dockerfile", GUIDE);
    let dry = workspace.run(&["fix", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0));
    assert!(text(&dry.stdout).starts_with("--- a/Dockerfile\n+++ b/Dockerfile\n@@ "));
    assert_eq!(workspace.run(&["fix", "--dry-run", "--exit-code"]).status.code(), Some(1));
    assert_eq!(workspace.run(&["check"]).status.code(), Some(1));
}

#[test]
fn bad_input_is_one_line_that_names_the_file() {
    let workspace = Workspace::new();
    workspace.file("empty/README", "no Dockerfile here");
    workspace.file("binary/Dockerfile", [0u8, 159, 146, 150, 0, 1, 2]);
    workspace.file("long/Dockerfile", format!("FROM a\nRUN {}\n", "x".repeat(10 << 20)));
    workspace.file("none/Dockerfile", "RUN echo no stage\n");
    for path in ["missing/Dockerfile", "empty", "binary/Dockerfile", "long/Dockerfile", "none/Dockerfile"] {
        let done = workspace.run(&["fix", path]);
        let errors = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{path}: {errors}");
        let first = errors.lines().next().unwrap_or_default();
        assert!(first.contains(path), "{path}: {errors}");
        assert!(first.len() < 400, "{path}: {first}");
    }
}

/// Root may read and write everything: where the tests run as root, the program runs as nobody.
#[cfg(unix)]
#[test]
fn what_may_not_be_read_or_written_is_said_and_left_as_it_is() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let workspace = Workspace::new();
    let unreadable = workspace.file("unreadable/Dockerfile", GUIDE);
    let kept = workspace.file("readonly/Dockerfile", GUIDE);
    let folder = kept.parent().unwrap();
    let mode = |path: &std::path::Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(workspace.path(), 0o755);
    mode(&unreadable, 0o000);
    mode(unreadable.parent().unwrap(), 0o755);
    mode(&kept, 0o444);
    mode(folder, 0o555);
    let root = std::fs::File::open(&unreadable).is_ok();
    let program = env!("CARGO_BIN_EXE_dockwright");
    for (path, word) in [("unreadable/Dockerfile", "permission denied"), ("readonly/Dockerfile", "permission denied")] {
        let mut command = std::process::Command::new(if root { "setpriv" } else { program });
        if root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        }
        let done = command.args(["fix", path]).current_dir(workspace.path()).output();
        let Some(done) = done.ok().filter(|done| !root || text(&done.stderr).contains("Dockerfile")) else {
            eprintln!("SKIPPED: as root, and no other user can be had or reaches {program}");
            break;
        };
        let errors = text(&done.stderr);
        let first = errors.lines().next().unwrap_or_default();
        assert_eq!(done.status.code(), Some(2), "{errors}");
        assert!(first.contains(path) && first.contains(word), "{errors}");
    }
    mode(folder, 0o755);
    mode(&unreadable, 0o644);
    assert_eq!(text(&workspace.read("unreadable/Dockerfile")), GUIDE);
    assert_eq!(text(&workspace.read("readonly/Dockerfile")), GUIDE);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let workspace = Workspace::new();
    workspace.file("a/Dockerfile", "NONSENSE\n");
    workspace.file("b/Dockerfile", "FROM alpine:3.20\nCMD [\"whoami\"]\n");
    let done = workspace.run(&["fix"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&workspace.read("b/Dockerfile")).contains("USER appuser"));
}

#[test]
fn parse_prints_an_object_a_file() {
    let workspace = Workspace::new();
    workspace.file("Dockerfile", "from a\nRUN --mount=type=tmpfs,target=/t x\n");
    let done = workspace.run(&["parse", "Dockerfile"]);
    let expected = concat!(
        r#"{"path":"Dockerfile","error":null,"escape":"\\","instructions":["#,
        r#"{"name":"from","flags":[],"args":["a"],"json":false,"heredocs":[],"start_line":1,"end_line":1,"start":0,"end":6},"#,
        r#"{"name":"run","flags":["--mount=type=tmpfs,target=/t"],"args":["x"],"json":false,"heredocs":[],"#,
        r#""start_line":2,"end_line":2,"start":7,"end":41}]}"#,
        "\n"
    );
    assert_eq!(text(&done.stdout), expected);
}

#[test]
fn explain_says_where_each_instruction_goes_and_why() {
    let workspace = Workspace::new();
    workspace.file("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"app.py\"]\n");
    workspace.file("requirements.txt", "flask\n");
    workspace.file("app.py", "print()\n");
    let said = text(&workspace.run(&["explain"]).stdout);
    assert!(said.contains("4  builder  RUN pip install -r requirements.txt"), "{said}");
    assert!(said.contains("5  runtime  COPY . ."), "{said}");
    assert!(said.contains("FROM python:3.12-slim"), "{said}");
    let done = workspace.run(&["explain", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let decisions = json["findings"][0]["decisions"].as_array().unwrap();
    assert!(decisions.iter().any(|one| one["line"] == 4 && one["place"] == "builder"), "{json}");
    assert!(decisions.iter().all(|one| !one["evidence"].as_str().unwrap_or_default().is_empty()), "{json}");
}

#[test]
fn what_compose_starts_as_root_is_said() {
    let workspace = Workspace::new();
    workspace.file(
        "Dockerfile",
        "FROM alpine:3.20\nCOPY . /srv\nCMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/srv\"]\n",
    );
    workspace.file("index.html", "hello\n");
    let compose =
        |user: &str| format!("services:\n  web:\n    build: .\n  cron:\n    build: .\n    command: crond -f\n{user}");
    workspace.file("compose.yaml", compose(""));
    let fix = ["fix", "--dry-run", "--only", "non-root"];
    let said = "compose.yaml (service cron) starts `crond -f`, and crond is started: it needs root, as users, devices or \
        the network are its work: give it `user: root`";
    let done = workspace.run(&fix);
    assert!(text(&done.stderr).contains(said), "{}", text(&done.stderr));
    workspace.file("compose.yaml", compose("    user: root\n"));
    let done = workspace.run(&fix);
    assert!(!text(&done.stderr).contains("compose.yaml"), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("+USER"), "{}", text(&done.stdout));
}

#[test]
fn what_compose_starts_by_the_toolchain_is_said() {
    let workspace = Workspace::new();
    workspace.file("api/Dockerfile", GUIDE);
    workspace.file("api/go.mod", "module example.com/app\n\ngo 1.22\n");
    workspace.file("api/main.go", "package main\n\nfunc main() {}\n");
    std::fs::create_dir(workspace.path().join(".git")).unwrap();
    let compose = |command: &str| format!("services:\n  api:\n    build: ./api\n    command: {command}\n");
    workspace.file("docker-compose.yml", compose("go run ."));
    let done = workspace.run(&["fix", "--dry-run", "api"]);
    let said = "docker-compose.yml (service api) starts `go run .`, which needs what stays in the builder: \
        give it `target: builder`";
    assert!(text(&done.stderr).contains(said), "{}", text(&done.stderr));
    assert!(text(&workspace.run(&["explain", "api/Dockerfile"]).stdout).contains(said));
    workspace.file("docker-compose.yml", compose("./app --verbose"));
    let done = workspace.run(&["fix", "--dry-run", "api"]);
    assert!(!text(&done.stderr).contains("docker-compose"), "{}", text(&done.stderr));
}

#[test]
fn what_a_file_is_called_says_what_it_is_for() {
    let workspace = Workspace::new();
    let base = "FROM fedora:43\nRUN dnf install -y gcc && dnf clean all\n";
    workspace.file(".git/HEAD", "");
    workspace.file("requirements.txt", "flask\n");
    workspace.file("docker/Dockerfile.base", base);
    workspace.file("docker/Dockerfile.lint", base);
    let served =
        "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"flask\", \"run\"]\n";
    workspace.file(".devcontainer/Dockerfile", served);
    workspace.file("docker/Dockerfile.dev", served);
    let done = workspace.run(&["check", "--format", "json", "docker", ".devcontainer/Dockerfile"]);
    let reasons = |path: &str| {
        let line = text(&done.stdout).lines().find(|line| line.contains(path)).unwrap().to_owned();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let findings = line["findings"].as_array().unwrap().clone();
        findings.iter().map(|one| one["reason"].as_str().unwrap_or("fix").to_owned()).collect::<Vec<_>>()
    };
    assert!(reasons("Dockerfile.base").contains(&"passed-on".to_owned()), "{:?}", reasons("Dockerfile.base"));
    assert!(reasons("Dockerfile.lint").contains(&"fix".to_owned()));
    let developed = reasons(".devcontainer/Dockerfile");
    assert!(
        developed.contains(&"development-image".to_owned()) && developed.contains(&"ci-image".to_owned()),
        "{developed:?}"
    );
    assert!(reasons("Dockerfile.dev").contains(&"development-image".to_owned()));
}

#[test]
fn what_tools_put_into_a_project_is_not_its_own() {
    let workspace = Workspace::new();
    let file = "FROM alpine:3.20\nCMD [\"whoami\"]\n";
    for own in ["Dockerfile", "vendor/Dockerfile", "services/api/vendor/tool/Dockerfile"] {
        workspace.file(own, file);
    }
    for other in ["web/node_modules/x/Dockerfile", "go/vendor/example.org/x/Dockerfile", "php/vendor/x/y/Dockerfile"] {
        workspace.file(other, file);
    }
    workspace.file("go/vendor/modules.txt", "");
    workspace.file("php/vendor/autoload.php", "<?php\n");
    workspace.file("old/vendor/github.com/someone/tool/Dockerfile", file);
    let done = workspace.run(&["check", "--format", "json"]);
    let seen = text(&done.stdout);
    assert_eq!(seen.lines().count(), 3, "{seen}");
    assert!(
        !seen.contains("node_modules") && !["go/", "php/", "old/"].iter().any(|name| seen.contains(name)),
        "{seen}"
    );
    let named = workspace.run(&["check", "--format", "json", "php/vendor/x/y/Dockerfile"]);
    assert_eq!(text(&named.stdout).lines().count(), 1, "what is named is looked at");
}
