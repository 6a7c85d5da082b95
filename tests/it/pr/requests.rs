//! How requests are made: settings, manners, and what is done where something goes wrong.

use serde_json::json;

use crate::verify::{Lab, PLAIN, Side};
use crate::workspace::{SPLIT, executable};

use super::{CUT, CUT_AFTER, DOCKERFILE, Stage, identity, said};

#[test]
fn settings_of_the_repository_are_kept_and_the_command_line_wins() {
    let stage = Stage::new();
    stage.write(
        "dockwright.toml",
        "[pr]\nlabels = [\"docker\", \"bot\"]\nreviewers = [\"ann\", \"o/team\"]\nassignees = [\"ben\"]\ndraft = true\n\
         signoff = true\ncommit-style = \"plain\"\nauthor = \"A Bot <bot@site.example>\"\n",
    );
    stage.commit("feat: settings");
    let output = stage.pr(&["--label", "only"]);
    assert!(output.status.success(), "{}", said(&output));
    let site = stage.site();
    let request = &site.requests[0];
    assert_eq!(request["draft"], true);
    assert!(request["title"].as_str().unwrap().starts_with("Run the shipped image"), "{request}");
    assert_eq!(request["labels asked"]["labels"], json!(["only"]));
    assert_eq!(request["assignees asked"]["assignees"], json!(["ben"]));
    let asked = json!({"reviewers": ["ann"], "team_reviewers": ["team"]});
    assert_eq!(request["requested_reviewers asked"], asked);
    let commit = stage.git("bare.git", &["log", "-1", "--format=%an <%ae>%n%B", "dockwright/non-root"]);
    assert!(commit.starts_with("A Bot <bot@site.example>\nRun the shipped image"), "{commit}");
    assert!(commit.contains("Signed-off-by: A Bot <bot@site.example>"), "{commit}");
}

#[test]
fn gitlab_and_gitea_are_told_in_their_own_words() {
    let wishes = ["--label=a,b", "--reviewer=ann", "--assignee=ben", "--draft"];
    let stage = Stage::new();
    assert!(stage.pr_on("gitlab", &wishes).status.success());
    {
        let site = stage.site();
        let request = &site.requests[0];
        assert!(request["title"].as_str().unwrap().starts_with("Draft: "), "{request}");
        assert_eq!((&request["labels"], &request["reviewer_ids"]), (&json!(["a", "b"]), &json!([42])));
        assert_eq!(request["assignee_ids"], json!([42]));
    }
    let stage = Stage::new();
    assert!(stage.pr_on("gitea", &wishes).status.success());
    let site = stage.site();
    let request = &site.requests[0];
    assert!(request["title"].as_str().unwrap().starts_with("WIP: "), "{request}");
    assert_eq!((&request["labels asked"]["labels"], &request["assignees"]), (&json!(["a", "b"]), &json!(["ben"])));
    assert_eq!(request["requested_reviewers asked"]["reviewers"], json!(["ann"]));
}

#[test]
fn a_wrong_setting_names_its_line_and_one_can_say_no() {
    let stage = Stage::new();
    stage.write("dockwright.toml", "safe = true\n[pr]\nlabel = [\"x\"]\n");
    stage.commit("feat: settings");
    let output = stage.pr(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("dockwright.toml:3: unknown field `label`"), "{}", said(&output));
    stage.write("dockwright.toml", "[pr]\nenabled = false\n");
    stage.commit("feat: settings");
    let output = stage.pr(&[]);
    assert!(output.status.success() && said(&output).contains("enabled = false"), "{}", said(&output));
    assert!(stage.site().calls.is_empty());
}

#[test]
fn another_base_branch_is_kept_to() {
    let stage = Stage::new();
    stage.write("dockwright.toml", "[pr]\nbase = \"next\"\n");
    stage.commit("feat: settings");
    stage.git("checkout", &["push", "--quiet", "origin", "main:next"]);
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests[0]["base"], "next");
    let output = stage.pr(&["--base", "not there"]);
    assert!(said(&output).contains("is no name for a branch"), "{}", said(&output));
    let output = stage.pr(&["--base", "missing"]);
    assert!(said(&output).contains("could not be fetched"), "{}", said(&output));
}

fn two_topics() -> Stage {
    let stage = Stage::new();
    stage.write("Dockerfile", SPLIT);
    stage.write("requirements.txt", "flask\n");
    stage.write("app.py", "print()\n");
    stage.commit("feat: python");
    stage
}

#[test]
fn one_request_for_all_takes_the_place_of_one_for_each_and_the_other_way_round() {
    let stage = two_topics();
    let both = ["--only", "multi-stage,non-root"];
    let output = stage.pr(&both);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests.len(), 2);
    let output = stage.pr(&["--only", "multi-stage,non-root", "--group-by", "all"]);
    assert!(output.status.success(), "{}", said(&output));
    {
        let site = stage.site();
        assert_eq!(site.requests.len(), 3);
        assert_eq!(site.requests[2]["head"]["ref"], "dockwright/all");
        assert!(site.requests[..2].iter().all(|one| one["state"] == "closed"), "{:?}", site.requests);
    }
    let file = stage.git("bare.git", &["show", "dockwright/all:Dockerfile"]);
    assert!(file.contains("AS builder") && file.contains("USER appuser"), "{file}");
    // What we closed ourselves, no person refused.
    let output = stage.pr(&both);
    assert!(output.status.success(), "{}", said(&output));
    let site = stage.site();
    let open = site.requests.iter().filter(|one| one["state"] == "open").count();
    assert_eq!((site.requests.len(), open), (5, 2), "{}", said(&output));
}

#[test]
fn no_more_requests_are_open_than_the_limit_says() {
    let stage = two_topics();
    let output = stage.pr(&["--only", "multi-stage,non-root", "--limit", "1"]);
    assert!(said(&output).contains("1 of our requests may be open"), "{}", said(&output));
    assert_eq!(stage.site().requests.len(), 1);
    let again = stage.pr(&["--only", "multi-stage,non-root", "--limit", "1"]);
    assert!(said(&again).contains("is as it should be"), "{}", said(&again));
    assert_eq!(stage.site().requests.len(), 1);
}

#[test]
fn what_people_did_to_a_request_stays() {
    let stage = Stage::new();
    stage.write("Dockerfile", "FROM registry.example.org/foo:1\nRUN make\n");
    stage.commit("feat: another base");
    stage.pr(&[]);
    {
        let mut site = stage.site();
        site.requests[0]["title"] = json!("My own words");
        let ticked = site.requests[0]["body"].as_str().unwrap().replacen("- [ ]", "- [x]", 1).replace('\n', "\r\n");
        site.requests[0]["body"] = json!(ticked);
    }
    let again = stage.pr(&[]);
    assert!(said(&again).contains("is as it should be"), "a tick is no change: {}", said(&again));
    stage.write("b.Dockerfile", DOCKERFILE);
    stage.commit("feat: one more");
    let again = stage.pr(&[]);
    assert!(said(&again).contains("brought up to date"), "{}", said(&again));
    let site = stage.site();
    let body = site.requests[0]["body"].as_str().unwrap();
    assert!(
        body.contains("b.Dockerfile") && body.contains("- [x] registry.example.org/foo") && body.contains("- [ ] "),
        "{body}"
    );
    assert_eq!(site.requests[0]["title"], "My own words");
}

#[test]
fn a_commit_that_somebody_amended_is_somebodys() {
    let stage = Stage::new();
    stage.pr(&[]);
    stage.git("checkout", &["fetch", "--quiet", "origin", "dockwright/non-root"]);
    stage.git("checkout", &["checkout", "--quiet", "-b", "mine", "FETCH_HEAD"]);
    stage.write("Dockerfile", "FROM alpine:3.20\nUSER 1000\nCMD [\"other\"]\n");
    stage.git("checkout", &["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    stage.git("checkout", &["push", "--quiet", "--force", "origin", "mine:dockwright/non-root"]);
    stage.git("checkout", &["checkout", "--quiet", "main"]);
    let again = stage.pr(&[]);
    assert!(said(&again).contains("somebody else committed"), "{}", said(&again));
    assert!(stage.pushed().contains("other"));
}

#[test]
fn what_no_longer_applies_is_left_where_somebody_works_on_it_and_else_its_branch_goes() {
    let fixed = "FROM alpine:3.20\nUSER 1000\nCMD [\"true\"]\n";
    let stage = Stage::new();
    stage.pr(&[]);
    stage.meddle();
    stage.write("Dockerfile", fixed);
    stage.commit("fix: by hand");
    let again = stage.pr(&[]);
    assert!(said(&again).contains("no longer applies, but somebody else"), "{}", said(&again));
    assert_eq!(stage.site().requests[0]["state"], "open");

    let stage = Stage::new();
    stage.pr(&[]);
    stage.write("Dockerfile", fixed);
    stage.commit("fix: by hand");
    stage.pr(&[]);
    assert_eq!(stage.git("bare.git", &["branch", "--list", "dockwright/*"]), "");
    // Whoever writes such a Dockerfile again is asked again: no person has refused.
    stage.write("Dockerfile", DOCKERFILE);
    stage.commit("feat: as before");
    let again = stage.pr(&[]);
    assert!(said(&again).contains("https://site.example/2 opened"), "{}", said(&again));
}

#[test]
fn a_request_that_came_through_although_its_answer_was_lost_is_not_made_twice() {
    for fault in [CUT, CUT_AFTER] {
        let stage = Stage::new();
        // The first call asks what there is; the second one opens.
        stage.site().faults.extend([(CUT, ""), (500, ""), (CUT_AFTER, ""), (fault, "")]);
        let output = stage.pr(&[]);
        assert!(output.status.success(), "{}", said(&output));
        let again = stage.pr(&[]);
        assert!(said(&again).contains("is as it should be"), "{}", said(&again));
    }
}

#[test]
fn a_site_that_says_it_is_there_already_is_asked_which_one() {
    let stage = Stage::new();
    stage.pr(&[]);
    let listed = stage.site().requests.clone();
    // Somebody else opens it between our question and our request.
    stage.site().requests.clear();
    stage.git("bare.git", &["branch", "-D", "dockwright/non-root"]);
    let site = std::sync::Arc::clone(&stage.site);
    stage.site().faults.extend([(200, ""), (422, "")]);
    site.lock().unwrap().requests = listed;
    let again = stage.pr(&[]);
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(stage.site().requests.len(), 1, "{}", said(&again));
}

#[test]
fn what_a_site_does_not_take_or_never_answers_is_said_with_what_to_do() {
    // The first call asks what there is; the second one opens.
    for (fault, wanted) in [
        ((422, ""), "answers 422 (no): the site does not take the request; what it says has to be mended first"),
        ((409, ""), "answers 409 (no): the site does not take the request; what it says has to be mended first"),
        ((500, ""), "answers 500 again and again; try later"),
        ((503, ""), "answers 503 again and again; try later"),
        ((CUT, ""), "could not be reached"),
    ] {
        let stage = Stage::new();
        stage.site().faults.push_back((200, ""));
        stage.site().faults.extend([fault; 20]);
        let output = stage.pr(&[]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(wanted), "{}", said(&output));
        assert!(stage.site().requests.is_empty());
        // The branch is there; the next run asks for it, once.
        stage.site().faults.clear();
        let again = stage.pr(&[]);
        assert!(said(&again).contains("https://site.example/1 opened"), "{}", said(&again));
        assert_eq!(stage.site().requests.len(), 1);
    }
}

#[test]
fn limits_are_waited_out_and_what_is_too_long_is_said() {
    let stage = Stage::new();
    let soon = "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 0";
    stage.site().faults.extend([(403, soon), (429, "Retry-After: 1")]);
    let begin = std::time::Instant::now();
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(begin.elapsed().as_secs() >= 2, "both waits are kept");
    // Until a time, as HTTP allows it too.
    let stage = Stage::new();
    let soon = httpdate::fmt_http_date(std::time::SystemTime::now() + std::time::Duration::from_secs(3));
    stage.site().faults.push_back((429, Box::leak(format!("Retry-After: {soon}").into_boxed_str())));
    let begin = std::time::Instant::now();
    assert!(stage.pr(&[]).status.success());
    assert!((2..20).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    let stage = Stage::new();
    stage.site().faults.push_back((429, "Retry-After: 100"));
    let output = stage.pr(&["--patience", "10"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("asks to wait 100 s, which is more than --patience"), "{}", said(&output));
}

#[test]
fn the_token_is_sent_nowhere_else() {
    let stage = Stage::new();
    // The tests' site itself, under another name: whoever follows is seen.
    let elsewhere: &'static str = Box::leak(format!("Location: {}/elsewhere", stage.api).into_boxed_str());
    stage.site().faults.push_back((301, elsewhere));
    let output = stage.pr(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("has the repository been renamed"), "{}", said(&output));
    assert_eq!(stage.site().calls.len(), 1);
}

#[test]
fn a_table_of_requests_in_a_folder_is_not_passed_over_in_silence() {
    let stage = Stage::new();
    std::fs::create_dir(stage.folder.path().join("checkout/sub")).unwrap();
    stage.write("sub/Dockerfile", DOCKERFILE);
    stage.write("sub/dockwright.toml", "safe = true\n\n[pr]\nenabled = false\n");
    stage.commit("feat: sub");
    let output = stage.pr(&[]);
    assert_eq!(output.status.code(), Some(2));
    let wanted = "sub/dockwright.toml:3: [pr] holds for the whole repository; move it to its root";
    assert!(said(&output).contains(wanted), "{}", said(&output));
}

#[test]
fn a_token_without_the_scope_is_told_which_one_it_lacks() {
    let stage = Stage::new();
    stage.site().faults.extend([(403, "X-OAuth-Scopes: read:org\r\nX-Accepted-OAuth-Scopes: repo")]);
    let output = stage.pr(&[]);
    assert!(said(&output).contains("it has the scopes `read:org`, and one of `repo` is needed"), "{}", said(&output));
}

#[test]
fn a_push_that_is_refused_says_so_and_opens_nothing() {
    let stage = Stage::new();
    let hook = stage.folder.path().join("bare.git/hooks/update");
    executable(&hook, "#!/bin/sh\necho 'protected branch' >&2\nexit 1\n");
    let output = stage.pr(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("protected branch") && said(&output).contains("look whether"), "{}", said(&output));
    assert!(stage.site().requests.is_empty());
}

#[test]
fn a_repository_without_dockerfiles_is_done_and_an_empty_one_too() {
    let stage = Stage::new();
    stage.git("checkout", &["rm", "--quiet", "Dockerfile"]);
    stage.write("README", "nothing\n");
    stage.commit("feat: nothing");
    let output = stage.pr(&[]);
    assert!(output.status.success() && said(&output).contains("nothing to change"), "{}", said(&output));
    assert!(stage.site().calls.is_empty(), "the site is not asked in vain");
    stage.git(".", &["init", "--quiet", "--bare", "empty.git"]);
    stage.git("checkout", &["remote", "set-url", "origin", "../empty.git"]);
    let output = stage.pr(&[]);
    assert!(output.status.success() && said(&output).contains("is empty"), "{}", said(&output));
}

#[test]
fn a_checkout_is_only_read_and_a_shallow_one_will_do() {
    let stage = Stage::new();
    stage.write("more", "more\n");
    stage.commit("feat: more");
    let url = format!("file://{}", stage.folder.path().join("bare.git").display());
    stage.git(".", &["clone", "--quiet", "--depth", "1", &url, "shallow"]);
    let before = stage.git("shallow", &["for-each-ref"]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dockwright"));
    command.args(["pr", "--only", "non-root", "--host", "github", "--api", &stage.api, "--repository", "o/r"]);
    command.env("GITHUB_TOKEN", "secret-token").current_dir(stage.folder.path().join("shallow"));
    let output = identity(&mut command).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.git("bare.git", &["rev-list", "--count", "main..dockwright/non-root"]), "1");
    assert_eq!(stage.git("shallow", &["for-each-ref"]), before);
    assert_eq!(stage.git("shallow", &["status", "--porcelain"]), "");
}

#[test]
fn a_forks_branch_of_the_same_name_is_not_ours() {
    let stage = Stage::new();
    stage.site().requests.push(json!({
        "repository": "o/r", "number": 1, "state": "closed", "html_url": "https://site.example/fork", "body": "",
        "head": {"ref": "dockwright/non-root", "repo": {"full_name": "evil/r"}},
    }));
    let output = stage.pr(&[]);
    assert!(said(&output).contains("https://site.example/2 opened"), "{}", said(&output));
}

/// The program in the checkout, with an engine that builds and runs what a test wants.
fn proven(stage: &Stage, lab: &Lab) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dockwright"));
    let path = format!("{}:{}", lab.workspace.path().join("bin").display(), std::env::var("PATH").unwrap());
    command.args(["pr", "--only", "non-root", "--host", "github", "--api", &stage.api, "--repository", "o/r"]);
    command.args(["--verify", "--engine", "docker", "--wait", "0.3"]).env("PATH", path);
    command.env("FAKE", lab.workspace.path().join("fake")).env("GITHUB_TOKEN", "secret-token");
    let output = identity(command.current_dir(stage.folder.path().join("checkout"))).output().unwrap();
    assert_eq!(lab.left(), [] as [String; 0], "nothing is left behind: {}", said(&output));
    output
}

#[test]
fn what_was_built_and_run_is_shown_with_its_sizes() {
    let (stage, lab) = (Stage::new(), Lab::new(PLAIN));
    stage.write("Dockerfile", PLAIN);
    stage.commit("feat: plain");
    let output = proven(&stage, &lab);
    assert!(output.status.success(), "{}", said(&output));
    {
        let site = stage.site();
        let body = site.requests[0]["body"].as_str().unwrap();
        assert!(body.contains("### Built and run, before and after"), "{body}");
        assert!(body.contains("| `Dockerfile` | 100 MB | 20.0 MB (−80 %) |"), "{body}");
    }
    let again = proven(&stage, &lab);
    assert!(said(&again).contains("is as it should be"), "{}", said(&again));
}

#[test]
fn what_is_not_the_same_is_not_asked_for() {
    let (stage, lab) = (Stage::new(), Lab::new(PLAIN));
    let mut broken = Side::rewritten();
    broken.exits = Some(1);
    lab.side("after", &broken);
    stage.write("Dockerfile", PLAIN);
    stage.commit("feat: plain");
    let output = proven(&stage, &lab);
    assert!(output.status.success() && said(&output).contains("not proven"), "{}", said(&output));
    assert!(stage.site().requests.is_empty());
    // A request that is open already is not closed for it: there is still something to change.
    lab.side("after", &Side::rewritten());
    assert!(said(&proven(&stage, &lab)).contains("opened"));
    lab.side("after", &broken);
    let output = proven(&stage, &lab);
    assert!(said(&output).contains("not proven"), "{}", said(&output));
    assert_eq!(stage.site().requests[0]["state"], "open");
}
