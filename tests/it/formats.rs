//! `dockwright check --format …`: what the tools that read it can rely on.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::workspace::{SPLIT, Workspace, root, text};

/// A file with two fixes, one that is left, one that can't be read, and a name that wants to be more than one.
fn project() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("Dockerfile", SPLIT);
    workspace.file("requirements.txt", "flask\n");
    workspace.file("app.py", "print()\n");
    workspace.file("left/Dockerfile", include_str!("../cases/multi-stage/left-computed-packages/Dockerfile"));
    workspace.file("broken/Dockerfile", "NONSENSE\n");
    workspace.file("100%: a,b\n::add-mask::x.Dockerfile", "FROM alpine:3.20\nCMD [\"whoami\"]\n");
    workspace
}

fn json(workspace: &Workspace, format: &str) -> Value {
    let done = workspace.run(&["check", "--format", format]);
    assert_eq!(done.status.code(), Some(2), "one file can't be read: {}", text(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&done.stdout)))
}

/// The schema of SARIF 2.1.0, which comes with the crate that has its types.
fn sarif_schema() -> Value {
    let version = text(&Command::new("rustc").arg("-vV").output().unwrap().stdout);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Only what this machine builds with is here without a network.
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let folder = PathBuf::from(found["manifest_path"].as_str().unwrap()).with_file_name("src");
    let mut schema: Value = serde_json::from_slice(&std::fs::read(folder.join("schema.json")).unwrap()).unwrap();
    // The names of languages have a pattern with a bracket that closes nothing, which is no regular expression; we write
    // no such name.
    for holder in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{holder}/properties/language")).unwrap();
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    schema
}

#[test]
fn sarif_is_valid_and_says_where_and_what_and_how_to_mend_it() {
    let workspace = project();
    let sarif = json(&workspace, "sarif");
    let schema = jsonschema::validator_for(&sarif_schema()).unwrap();
    let errors: Vec<String> = schema.iter_errors(&sarif).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{sarif:#}");
    // What is not valid is seen.
    let mut wrong = sarif.clone();
    wrong["runs"][0]["results"][0]["level"] = "loud".into();
    assert!(!schema.is_valid(&wrong));

    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    for result in results {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
    }
    let of = |uri: &str, rule: &str| {
        let place = "/locations/0/physicalLocation/artifactLocation/uri";
        results.iter().find(|one| one["ruleId"] == rule && one.pointer(place).unwrap() == uri).unwrap()
    };
    assert_eq!(of("Dockerfile", "multi-stage")["level"], "warning");
    assert_eq!(of("left/Dockerfile", "multi-stage")["level"], "note");
    of("100%25%3A%20a%2Cb%0A%3A%3Aadd-mask%3A%3Ax.Dockerfile", "non-root");
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!((notes.len(), &run["invocations"][0]["executionSuccessful"]), (1, &Value::Bool(false)));
    // Each fix, done as SARIF says, is what `fix` makes of the file by that rule alone.
    for rule in ["multi-stage", "non-root"] {
        let change = &of("Dockerfile", rule)["fixes"][0]["artifactChanges"][0];
        let mut lines: Vec<String> = SPLIT.split_inclusive('\n').map(str::to_owned).collect();
        lines.push(String::new());
        for one in change["replacements"].as_array().unwrap().iter().rev() {
            let region = &one["deletedRegion"];
            assert_eq!((&region["startColumn"], &region["endColumn"]), (&1.into(), &1.into()));
            let line = |key: &str| region[key].as_u64().unwrap() as usize - 1;
            let text = one["insertedContent"]["text"].as_str().unwrap().to_owned();
            lines.splice(line("startLine")..line("endLine"), [text]);
        }
        let copy = Workspace::copy_of(workspace.path());
        copy.run(&["fix", "--only", rule, "Dockerfile"]);
        assert_eq!(lines.concat(), text(&copy.read("Dockerfile")), "{rule}");
    }
}

#[test]
fn json_has_the_fix_as_bytes() {
    let workspace = project();
    let done = workspace.run(&["check", "--format", "json", "Dockerfile"]);
    let object: Value = serde_json::from_slice(&done.stdout).unwrap();
    for finding in object["findings"].as_array().unwrap() {
        let mut file = SPLIT.as_bytes().to_vec();
        for edit in finding["fix"].as_array().unwrap().iter().rev() {
            let at = |key: &str| edit[key].as_u64().unwrap() as usize;
            file.splice(at("start")..at("end"), edit["text"].as_str().unwrap().bytes());
        }
        let copy = Workspace::copy_of(workspace.path());
        copy.run(&["fix", "--only", finding["transform"].as_str().unwrap(), "Dockerfile"]);
        assert_eq!(text(&file), text(&copy.read("Dockerfile")));
    }
}

#[test]
fn gitlabs_report_has_what_gitlab_asks_for() {
    let workspace = project();
    let report = json(&workspace, "gitlab");
    let entries = report.as_array().unwrap();
    assert!(entries.len() >= 5, "{report:#}");
    let mut prints: Vec<&str> = entries.iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
    for entry in entries {
        assert!(entry["description"].as_str().is_some_and(|text| !text.is_empty()), "{entry}");
        assert!(entry["check_name"].is_string() && entry["location"]["path"].is_string(), "{entry}");
        assert!(entry["location"]["lines"]["begin"].as_u64().unwrap() >= 1, "{entry}");
        let severity = entry["severity"].as_str().unwrap();
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity), "{entry}");
    }
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), entries.len(), "a fingerprint names one finding");
    // A finding that only moved is the same one.
    workspace.file("Dockerfile", format!("# more\n\n{SPLIT}"));
    let moved = json(&workspace, "gitlab");
    let print = |report: &Value| {
        let all = report.as_array().unwrap();
        all.iter().find(|one| one["location"]["path"] == "Dockerfile").unwrap()["fingerprint"].clone()
    };
    assert_eq!(print(&report), print(&moved));
    let clean = Workspace::new();
    clean.file("Dockerfile", "FROM alpine:3.20\nUSER 1000\nCMD [\"true\"]\n");
    assert_eq!(text(&clean.run(&["check", "--format", "gitlab"]).stdout), "[]\n");
}

#[test]
fn githubs_commands_are_one_a_line_whatever_a_file_is_called() {
    let workspace = project();
    let done = workspace.run(&["check", "--format", "github"]);
    let out = text(&done.stdout);
    for line in out.lines() {
        let known = ["::warning file=", "::notice file=", "::error file="];
        assert!(known.iter().any(|start| line.starts_with(start)), "{line}");
    }
    assert!(out.contains("::warning file=Dockerfile,line=1,"), "{out}");
    assert!(out.contains("file=100%25%3A a%2Cb%0A%3A%3Aadd-mask%3A%3Ax.Dockerfile,line="), "{out}");
    assert!(out.contains("::error file=broken/Dockerfile,title=dockwright::"), "{out}");
    // The runner reads both streams.
    for line in text(&done.stderr).lines() {
        assert!(!line.starts_with("::"), "{line}");
    }
    let human = workspace.run(&["check"]);
    assert!(!text(&human.stdout).lines().any(|line| line.starts_with("::")), "{}", text(&human.stdout));
}
