//! The files for schedulers and pipelines: each is read, and the commands in it are run.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{Stage, identity, said};
use crate::workspace::{executable, root, text};

/// The documents of a YAML file.
fn yaml(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(root().join(name)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All texts under the key `key`, however deep.
fn under<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(all) => {
            for (name, one) in all {
                if name == key {
                    found.push(one);
                }
                under(one, key, found);
            }
        }
        Value::Array(all) => all.iter().for_each(|one| under(one, key, found)),
        _ => {}
    }
}

impl Stage {
    /// A `dockwright` for the path, which asks the tests' site where a command names no other.
    fn on_path(&self) -> String {
        let folder = self.folder.path().join("bin");
        fs::create_dir_all(&folder).unwrap();
        let program = shlex::try_quote(env!("CARGO_BIN_EXE_dockwright")).unwrap();
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in\n*' --api '*) exec {program} \"$@\" ;;\n' pr '*) exec {program} \"$@\" --host \
             github --api {} --pause 0.001 ;;\nesac\nexec {program} \"$@\"\n",
            self.api
        );
        executable(&folder.join("dockwright"), script);
        format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
    }

    fn shell(&self, shell: &str, place: &str, script: &str, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(shell);
        // As GitHub's runner calls it.
        if shell == "bash" {
            command.args(["--noprofile", "--norc", "-eo", "pipefail"]);
        }
        command.args(["-c", script]).current_dir(self.folder.path().join(place));
        identity(&mut command).env("PATH", self.on_path()).env("GITHUB_TOKEN", "secret-token");
        command.env("GITLAB_TOKEN", "secret-token").envs(variables.iter().copied()).output().unwrap()
    }

    /// An organisation of as many repositories, as GitHub and GitLab list them.
    fn organisation(&self, count: usize) {
        self.copies(count);
        let one = |number: usize| {
            let (name, url) = (format!("many/r{number}"), format!("{}/many/r{number}.git", self.api));
            json!({"full_name": name, "clone_url": url, "path_with_namespace": name, "http_url_to_repo": url})
        };
        self.site().listed = (0..count).map(one).collect();
    }

    fn asked_for(&self) -> Vec<String> {
        let site = self.site();
        let mut all: Vec<String> =
            site.requests.iter().map(|one| one["repository"].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    }
}

/// A step of the action by its name.
fn step<'v>(action: &'v Value, name: &str) -> &'v Value {
    action["runs"]["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap()
}

#[test]
fn the_action_checks_with_remarks_and_opens_requests() {
    let action = &yaml("action.yml")[0];
    for one in action["runs"]["steps"].as_array().unwrap() {
        let run = one["run"].as_str().unwrap();
        assert!(!run.contains("${{"), "what is typed would be read as a command: {run}");
        assert_eq!(one["shell"], "bash");
    }
    let inputs: BTreeSet<&String> = action["inputs"].as_object().unwrap().keys().collect();
    let mut used = Vec::new();
    under(action, "env", &mut used);
    for value in used.iter().flat_map(|env| env.as_object().unwrap().values()) {
        let name = value.as_str().unwrap().trim_start_matches("${{ inputs.").trim_end_matches(" }}").to_owned();
        assert!(inputs.contains(&name), "{value} is no input");
    }

    let stage = Stage::new();
    let check = step(action, "Check")["run"].as_str().unwrap();
    let run = |paths: &str, fail: &str, sarif: &str| {
        let variables = [("PATHS", paths), ("FAIL", fail), ("SARIF", sarif), ("MORE", ""), ("GITHUB_OUTPUT", "output")];
        stage.shell("bash", "checkout", check, &variables)
    };
    let output = run(".", "true", "out.sarif");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(text(&output.stdout).starts_with("::warning file=Dockerfile,line="), "{}", said(&output));
    let sarif: Value = serde_json::from_slice(&stage.folder.read("checkout/out.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let output = run(".\n", "false", "");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let noted = text(&stage.folder.read("checkout/output"));
    assert_eq!(noted, "findings=true\nfindings=true\n");
    let output = run("$(touch ran)\n; touch ran\n-x", "true", "");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(!stage.folder.path().join("checkout/ran").exists());

    let open = step(action, "Open pull requests")["run"].as_str().unwrap();
    let variables =
        [("MORE", "--only=non-root\n--repository=o/r\n--label=a b"), ("GITHUB_API_URL", stage.api.as_str())];
    let output = stage.shell("bash", "checkout", open, &variables);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests[0]["labels asked"]["labels"], json!(["a b"]));
}

#[test]
fn gitlabs_template_reports_and_opens_requests() {
    let template = &yaml("ci/gitlab.yml")[0];
    let stage = Stage::new();
    let script = |job: &str| template[job]["script"][0].as_str().unwrap();
    let report = template["dockwright"]["artifacts"]["reports"]["codequality"].as_str().unwrap();
    let output = stage.shell("sh", "checkout", script("dockwright"), &[("DOCKWRIGHT_CHECK", "--only non-root")]);
    assert!(output.status.success(), "findings are no failure: {}", said(&output));
    let entries: Value = serde_json::from_slice(&stage.folder.read(&format!("checkout/{report}"))).unwrap();
    assert_eq!(entries.as_array().unwrap().len(), 1);
    let output = stage.shell("sh", "checkout", script("dockwright"), &[("DOCKWRIGHT_CHECK", "--nonsense")]);
    assert!(!output.status.success(), "a mistake is one");

    let url = format!("{}/o/r", stage.api);
    fs::create_dir_all(stage.folder.path().join("o")).unwrap();
    fs::rename(stage.folder.path().join("bare.git"), stage.folder.path().join("o/r.git")).unwrap();
    let variables = [
        ("CI_API_V4_URL", stage.api.as_str()),
        ("CI_PROJECT_URL", &url),
        ("CI_DEFAULT_BRANCH", "main"),
        ("DOCKWRIGHT_PR", ""),
    ];
    let output = stage.shell("sh", ".", script("dockwright-pr"), &variables);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().count("POST /projects/o%2Fr/merge_requests"), 1);
}

#[test]
fn the_pre_commit_hooks_take_what_the_tool_takes() {
    let hooks = &yaml(".pre-commit-hooks.yaml")[0];
    for hook in hooks.as_array().unwrap() {
        assert_eq!(hook["language"], "rust");
        let of = |key: &str| regex::Regex::new(hook[key].as_str().unwrap()).unwrap();
        let (files, exclude) = (of("files"), of("exclude"));
        for name in ["Dockerfile", "a/Dockerfile.dev", "a b/api.Dockerfile", "x.dockerfile", "c/Containerfile.b"] {
            assert!(files.is_match(name) && !exclude.is_match(name), "{name}");
        }
        for name in ["Dockerfiles", "dockerfile.go", "Dockerfile.dockerignore", "Dockerfile~", "myDockerfile"] {
            assert!(!files.is_match(name) || exclude.is_match(name), "{name}");
        }
        let stage = Stage::new();
        let entry = format!("{} Dockerfile", hook["entry"].as_str().unwrap());
        let output = stage.shell("sh", "checkout", &entry, &[]);
        let changed = !stage.git("checkout", &["status", "--porcelain"]).is_empty();
        // A hook fails by its exit code, or because files are not as they were.
        match hook["id"].as_str().unwrap() {
            "dockwright-check" => assert!(output.status.code() == Some(1) && !changed, "{}", said(&output)),
            "dockwright-fix" => assert!(output.status.success() && changed, "{}", said(&output)),
            other => panic!("{other} is not tried"),
        }
    }
}

/// The commands under `key` that run the tool.
fn commands(document: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    under(document, key, &mut found);
    let texts = found.iter().flat_map(|one| match one {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    });
    texts.filter(|text| text.starts_with("dockwright ")).map(str::to_owned).collect()
}

#[test]
fn a_matrix_of_githubs_does_every_repository_once() {
    let workflow = &yaml("docs/ci/github-matrix.yml")[0];
    let job = &workflow["jobs"]["requests"];
    let parts = job["strategy"]["matrix"]["part"].as_array().unwrap();
    let runs = commands(workflow, "run");
    assert_eq!(runs.len(), 1);
    let stage = Stage::new();
    stage.organisation(9);
    for part in parts {
        let part = part.to_string();
        let output = stage.shell("bash", ".", &runs[0], &[("ORGANISATION", "many"), ("PART", &part)]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let wanted: Vec<String> = (0..9).map(|number| format!("many/r{number}")).collect();
    assert_eq!(stage.asked_for(), wanted);
}

#[test]
fn gitlabs_parallel_does_every_repository_once() {
    let pipeline = &yaml("docs/ci/gitlab-group.yml")[0];
    let job = &pipeline["dockwright-group"];
    let of = job["parallel"].as_u64().unwrap();
    let script = commands(pipeline, "script");
    let stage = Stage::new();
    stage.organisation(9);
    for part in 1..=of {
        let (part, of) = (part.to_string(), of.to_string());
        let variables = [
            ("CI_API_V4_URL", stage.api.as_str()),
            ("GROUP", "many"),
            ("CI_NODE_INDEX", &part),
            ("CI_NODE_TOTAL", &of),
        ];
        let output = stage.shell("sh", ".", &script[0].replace("--org", "--pause 0.001 --org"), &variables);
        assert!(output.status.success(), "{}", said(&output));
    }
    let wanted: Vec<String> = (0..9).map(|number| format!("many/r{number}")).collect();
    assert_eq!(stage.asked_for(), wanted);
}

/// The container of a pod, which must be as careful as it is asked of others.
fn container(pod: &Value) -> &Value {
    let one = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(one["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(one["securityContext"]["allowPrivilegeEscalation"], false);
    for mount in one["volumeMounts"].as_array().unwrap() {
        assert!(pod["volumes"].as_array().unwrap().iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
    }
    one
}

/// The arguments of a container, with what the kubelet puts in and the folders of this test.
fn arguments(stage: &Stage, container: &Value, index: &str) -> String {
    let here = stage.folder.path().display().to_string();
    let args = container["args"].as_array().unwrap().iter().map(|one| {
        let mut one = one.as_str().unwrap().replace("$(JOB_COMPLETION_INDEX)", index).replace("my-company", "many");
        for folder in ["=/tmp/", "=/state/", "=/etc/dockwright/"] {
            one = one.replacen(folder, &format!("=\n{here}/"), 1);
        }
        format!("'{}'", one.replace('\n', ""))
    });
    args.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_indexed_job_of_kubernetes_does_every_repository_once() {
    let job = &yaml("docs/ci/kubernetes-indexed-job.yml")[0];
    assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("Job")));
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    let completions = job["spec"]["completions"].as_u64().unwrap();
    let container = container(&job["spec"]["template"]["spec"]);
    let args = container["args"].to_string();
    assert!(args.contains(&format!("--shard=auto/{completions}")), "as many parts as pods: {args}");
    let stage = Stage::new();
    stage.organisation(12);
    for index in 0..completions {
        let index = index.to_string();
        let script = format!("dockwright {}", arguments(&stage, container, &index));
        let output = stage.shell("sh", ".", &script, &[("JOB_COMPLETION_INDEX", &index)]);
        assert!(output.status.success(), "{}", said(&output));
    }
    assert_eq!(stage.asked_for().len(), 12);
    assert_eq!(stage.asked_for().iter().collect::<BTreeSet<_>>().len(), 12);
}

#[test]
fn a_cron_job_of_kubernetes_does_what_its_list_names() {
    let documents = yaml("docs/ci/kubernetes-cronjob.yml");
    let (list, job) = (&documents[0], &documents[1]);
    assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("CronJob")));
    let container = container(&job["spec"]["jobTemplate"]["spec"]["template"]["spec"]);
    let stage = Stage::new();
    stage.copies(2);
    let names = list["data"]["repositories.txt"].as_str().unwrap();
    let names = names.replace("my-company/web", "many/r0").replace("my-company/api", "many/r1");
    stage.folder.file("repositories.txt", names);
    // OWNER/NAME is on the site of --api, which plays the git server too.
    let script = format!("dockwright {}", arguments(&stage, container, ""));
    let output = stage.shell("sh", ".", &script, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.asked_for(), ["many/r0", "many/r1"]);
}

#[test]
fn the_other_examples_name_inputs_that_the_action_has() {
    let action = &yaml("action.yml")[0];
    for name in ["docs/ci/github-check.yml", "docs/ci/github-requests.yml"] {
        let workflow = &yaml(name)[0];
        let mut steps = Vec::new();
        under(workflow, "steps", &mut steps);
        let steps = steps[0].as_array().unwrap();
        let ours = steps.iter().find(|one| one["uses"].as_str().is_some_and(|uses| uses.starts_with("dockwright/")));
        for (input, _) in ours.unwrap()["with"].as_object().unwrap() {
            assert!(!action["inputs"][input].is_null(), "{name}: {input}");
        }
    }
    let mut found = 0;
    for entry in fs::read_dir(root().join("docs/ci")).unwrap() {
        let name = format!("docs/ci/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(!yaml(&name).is_empty(), "{name}");
        found += 1;
    }
    assert_eq!(found, 6);
}

#[test]
fn the_tools_own_image_is_as_it_tells_others() {
    let output = Command::new(env!("CARGO_BIN_EXE_dockwright"))
        .args(["check", "--format", "json", "Dockerfile"])
        .current_dir(root())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    for finding in object["findings"].as_array().unwrap() {
        assert_eq!(finding["status"], "refused", "{finding}");
    }
    let file = fs::read_to_string(root().join("Dockerfile")).unwrap();
    assert_eq!(file.matches("\nFROM ").count(), 2);
    assert!(file.contains("\nUSER 10001:10001\n"));
    // What the manifest names has to be in the build context.
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    for needed in ["Cargo.toml", "Cargo.lock", "benches", "src", "transforms", "tests/it", "tests/hostile"] {
        assert!(ignored.lines().any(|line| line == format!("!{needed}")), "{needed}");
    }
}
