//! `dockwright.toml`: where it is found, what it does, and what is said of what is wrong in it.

use std::fs;

use crate::workspace::{Workspace, root, text};

const PLAIN: &str = "FROM alpine:3.20\nCMD [\"whoami\"]\n";

const GO: &str = "FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\nCMD [\"./app\"]\n";

/// A project in Go that is split and gains a user.
fn go() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("Dockerfile", GO);
    workspace.file("go.mod", "module example.com/app\n\ngo 1.22\n");
    workspace.file("main.go", "package main\n\nfunc main() {}\n");
    workspace
}

/// What `fix` makes of the Dockerfile with these arguments.
fn fixed(workspace: &Workspace, args: &[&str]) -> String {
    let done = workspace.run(&[&["fix", "--dry-run"], args].concat());
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    text(&done.stdout)
}

#[test]
fn each_table_speaks_to_its_transform_and_an_option_wins() {
    let workspace = go();
    workspace.file(
        "dockwright.toml",
        "[multi-stage]\nruntime-base = \"alpine:3.19\"\nstage-name = \"compile\"\n\n\
         [non-root]\nuser = \"web\"\ngroup = \"www\"\nuid = 10001\ngid = 10002\nstyle = \"numeric\"\n",
    );
    let diff = fixed(&workspace, &[]);
    for line in [
        "+FROM golang:1.22-alpine AS compile\n",
        "+FROM alpine:3.19\n",
        "+COPY --from=compile /src/app /src/app\n",
        "+USER 10001:10002\n",
    ] {
        assert!(diff.contains(line), "{line}{diff}");
    }
    assert!(diff.contains("www") && diff.contains("web"), "{diff}");
    let diff = fixed(&workspace, &["--stage-name", "make", "--runtime-base", "alpine:3.18", "--user-style", "name"]);
    for line in ["+FROM golang:1.22-alpine AS make\n", "+FROM alpine:3.18\n", "+USER web\n"] {
        assert!(diff.contains(line), "{line}{diff}");
    }
}

#[test]
fn it_is_found_upwards_to_the_root_of_the_repository_and_the_nearest_counts() {
    let workspace = Workspace::new();
    for folder in ["repository/a/b", "repository/near", "repository"] {
        workspace.file(&format!("{folder}/Dockerfile"), PLAIN);
    }
    fs::create_dir(workspace.path().join("repository/.git")).unwrap();
    workspace.file("dockwright.toml", "[non-root]\nuser = \"outside\"\n");
    workspace.file("repository/dockwright.toml", "[non-root]\nuser = \"far\"\nuid = 10001\n");
    workspace.file("repository/near/dockwright.toml", "[non-root]\nuser = \"near\"\n");
    assert_eq!(workspace.run(&["fix"]).status.code(), Some(0));
    let read = |folder: &str| text(&workspace.read(&format!("repository/{folder}Dockerfile")));
    assert!(read("").contains("USER far\n"), "{}", read(""));
    assert!(read("a/b/").contains("USER far\n"), "{}", read("a/b/"));
    assert!(read("near/").contains("USER near\n") && !read("near/").contains("10001"), "{}", read("near/"));
    fs::remove_file(workspace.path().join("repository/dockwright.toml")).unwrap();
    workspace.file("repository/Dockerfile", PLAIN);
    workspace.run(&["fix", "repository/Dockerfile"]);
    assert!(read("").contains("USER appuser\n"), "what is outside of the repository is not asked: {}", read(""));
}

#[test]
fn what_is_wrong_in_it_names_the_file_and_the_line_and_stops_no_other_dockerfile() {
    let workspace = Workspace::new();
    workspace.file("a/Dockerfile", PLAIN);
    workspace.file("b/Dockerfile", PLAIN);
    for (wrong, line) in [
        ("safe = true\n\n[multi-stage]\nstage = \"x\"\n", "a/dockwright.toml:4: unknown field `stage`"),
        ("[non-root]\nuser-style = \"name\"\n", "a/dockwright.toml:2: unknown field `user-style`"),
        ("runtime-base = \"scratch\"\n", "a/dockwright.toml:1: unknown field `runtime-base`"),
        ("[non-root]\n\nuid = 0\n", "a/dockwright.toml:3: an id is a number from 1"),
    ] {
        workspace.file("a/dockwright.toml", wrong);
        workspace.file("b/Dockerfile", PLAIN);
        let done = workspace.run(&["fix"]);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains(line), "{said}");
        assert_eq!(text(&workspace.read("a/Dockerfile")), PLAIN);
        assert!(text(&workspace.read("b/Dockerfile")).contains("USER appuser"), "{said}");
    }
}

#[test]
fn the_settings_in_the_documents_are_read() {
    for (document, wanted) in [
        ("docs/settings.md", ["+FROM debian:12-slim\n", "+USER appuser\n"]),
        ("README.md", ["AS build\n", "+FROM gcr.io/distroless/base-debian12\n"]),
    ] {
        let page = fs::read_to_string(root().join(document)).unwrap();
        let block = page.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
        let workspace = go();
        workspace.file("dockwright.toml", block);
        let diff = fixed(&workspace, &[]);
        assert!(wanted.iter().all(|line| diff.contains(line)), "{document}: {diff}");
    }
}

#[test]
fn every_key_has_its_line_in_the_documents_with_its_option() {
    let page = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    let block = page.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let documented: toml::Table = block.parse().unwrap();
    let workspace = Workspace::new();
    workspace.file("Dockerfile", PLAIN);
    for (place, table) in [
        ("", Some(&documented)),
        ("[multi-stage]\n", documented["multi-stage"].as_table()),
        ("[non-root]\n", documented["non-root"].as_table()),
        ("[pr]\n", documented["pr"].as_table()),
    ] {
        // What is expected in place of an unknown key is all that there is.
        workspace.file("dockwright.toml", format!("{place}nonsense = 1\n"));
        let said = text(&workspace.run(&["fix"]).stderr);
        let (_, expected) = said.split_once("expected ").unwrap();
        let mut keys: Vec<&str> = expected.lines().next().unwrap().split('`').skip(1).step_by(2).collect();
        let mut names: Vec<&str> = table.unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, keys, "{place}");
    }
    let helps = ["fix", "pr"].map(|command| text(&workspace.run(&[command, "--help"]).stdout)).concat();
    let options: Vec<&str> = block.split("--").skip(1).filter_map(|rest| rest.split([',', ')']).next()).collect();
    assert!(options.len() > 15, "{options:?}");
    for option in options {
        assert!(helps.contains(&format!("--{option}")), "{option} is no option");
    }
}
