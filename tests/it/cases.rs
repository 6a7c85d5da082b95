//! The cases: a folder each under `tests/cases/<transform>/`, with a Dockerfile and the files of its build context.
//!
//! A case is run through the program, with that transform alone. Its diff is a snapshot under `snapshots/<transform>/`.
//! A `case.toml` says what is special: `reason` for a case that must be left alone, `args` for more arguments.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::workspace::{Workspace, alone, root, text};

#[derive(Default)]
struct Case {
    reason: Option<String>,
    args: Vec<String>,
}

fn case(folder: &Path) -> Case {
    let Ok(source) = fs::read_to_string(folder.join("case.toml")) else { return Case::default() };
    let table: toml::Table = source.parse().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for key in table.keys() {
        assert!(["reason", "args", "expect"].contains(&key.as_str()), "{}: unknown key {key}", folder.display());
    }
    let word = |value: &toml::Value| value.as_str().expect("a string").to_owned();
    let args = table.get("args").and_then(|args| args.as_array()).into_iter().flatten().map(word);
    Case { reason: table.get("reason").map(word), args: args.collect() }
}

fn run_all(transform: &str) {
    let cases = root().join("tests/cases").join(transform);
    let mut folders: Vec<_> = fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "no cases for {transform}");
    let mut failures = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let result = std::panic::catch_unwind(|| run_case(transform, &name, &folder));
        if result.is_err() {
            failures.push(name);
        }
    }
    assert!(failures.is_empty(), "failed: {}", failures.join(", "));
}

fn run_case(transform: &str, name: &str, folder: &Path) {
    let case = case(folder);
    let workspace = Workspace::copy_of(folder);
    let before = workspace.read("Dockerfile");
    let mut args = vec!["fix", "--only", transform];
    args.extend(case.args.iter().map(String::as_str));

    let json = workspace.run(&[&args[..], &["--dry-run", "--format", "json"]].concat());
    let findings = text(&json.stdout);
    if let Some(reason) = &case.reason {
        assert!(findings.contains(&format!("\"reason\":\"{reason}\"")), "{name}: {findings}");
        assert!(!findings.contains("\"status\":\"fix\""), "{name}: {findings}");
        let done = workspace.run(&args);
        assert!(done.status.success(), "{name}: {}", text(&done.stderr));
        assert_eq!(workspace.read("Dockerfile"), before, "{name}: identity");
        return;
    }

    let dry = workspace.run(&[&args[..], &["--dry-run"]].concat());
    let diff = text(&dry.stdout);
    assert!(!diff.is_empty(), "{name} was left alone: {findings}");
    assert_eq!(workspace.read("Dockerfile"), before, "{name}: a dry run writes nothing");

    // Agreement: the printed diff, applied by git, is what writing in place gives.
    let patched = Workspace::copy_of(folder);
    let beside = Workspace::new();
    let patch = beside.file("case.patch", &dry.stdout);
    let mut git = Command::new("git");
    // Where the folder for temporary files lies in a repository, git would leave out what is not below its root.
    git.env("GIT_CEILING_DIRECTORIES", patched.path().parent().unwrap());
    let git = alone(git.arg("apply").arg(&patch).current_dir(patched.path())).output().unwrap();
    assert!(git.status.success(), "{name}: git apply: {}", text(&git.stderr));
    assert!(workspace.run(&args).status.success());
    let after = workspace.read("Dockerfile");
    assert_eq!(text(&patched.read("Dockerfile")), text(&after), "{name}: agreement");

    // Idempotence: twice is once.
    assert!(workspace.run(&args).status.success());
    assert_eq!(text(&workspace.read("Dockerfile")), text(&after), "{name}: idempotence");

    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots").join(transform));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, diff));
}

#[test]
fn compile_ahead() {
    run_all("compile-ahead");
}

#[test]
fn multi_stage() {
    run_all("multi-stage");
}

#[test]
fn non_root() {
    run_all("non-root");
}
