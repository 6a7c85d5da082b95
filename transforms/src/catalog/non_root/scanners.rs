//! What the scanners ask of a file, told from outside: the promise of this transform, which the laws hold every result to.
//!
//! Each scanner reads the text alone, in its own way, and so does this: nothing here asks what the transform believes. The
//! rules, as their owners describe them:
//!
//! - hadolint DL3002: in no stage the last USER is `root` or `0`, with a group or without.
//! - Trivy DS-0002: there is a USER, and the last one of the file is neither `root` nor `0`.
//! - Checkov CKV_DOCKER_3: there is a USER; CKV_DOCKER_8: the last one is not `root`.
//! - KICS, missing user instruction: the last stage has a USER, unless it stands on `scratch`; last user is root: its last
//!   USER is not `root` nor a number that is nothing but zeros.
//! - Semgrep missing-user and missing-user-entrypoint: a USER stands somewhere before every CMD and ENTRYPOINT. One thing
//!   is allowed here that Semgrep does not allow: a script that would be read by another shell behind its SHELL.
//!
//! And what no scanner asks: variables and quotes resolved, the user of the shipped stage is not root.

use crate::model::Model;
use crate::syntax::{Form, Instruction, Keyword};

use super::who;

/// What a scanner has to say: which rule, and of which stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Complaint {
    rule: &'static str,
    stage: usize,
}

/// The promises that a result breaks: in the shipped stage no rule has anything to say, and of the other stages none has
/// more to say than it had of the file as it was.
pub(super) fn broken(before: &Model<'_>, after: &Model<'_>) -> Vec<String> {
    let (old, new) = (complaints(before), complaints(after));
    let shipped = after.stages.len().saturating_sub(1);
    let mut rules: Vec<&'static str> = new.iter().map(|complaint| complaint.rule).collect();
    rules.dedup();
    let mut out = Vec::new();
    for rule in rules {
        let mut of = new.iter().filter(|complaint| complaint.rule == rule);
        if of.clone().any(|complaint| complaint.stage == shipped) {
            out.push(format!("{rule} has something to say of the shipped stage"));
        } else if old.iter().filter(|complaint| complaint.rule == rule).count() < of.clone().count() {
            let stage = of.next_back().map_or(0, |complaint| complaint.stage);
            out.push(format!("{rule} has more to say than before, of stage {stage}"));
        }
    }
    out
}

/// Everything that the scanners say, rule by rule.
fn complaints(model: &Model<'_>) -> Vec<Complaint> {
    let mut out = Vec::new();
    let mut say = |rule, stage| out.push(Complaint { rule, stage });
    let last = model.stages.len().saturating_sub(1);
    let users: Vec<Vec<&str>> = model
        .stages
        .iter()
        .map(|stage| {
            model.body(stage).filter(|(_, one)| one.keyword == Keyword::User).map(|(_, one)| said(one)).collect()
        })
        .collect();
    let of_file = users.iter().flatten().next_back().copied();
    let of_shipped = users.last().and_then(|users| users.last()).copied();

    for (stage, users) in users.iter().enumerate() {
        let root = |user: &str| matches!(user, "root" | "0") || user.starts_with("root:") || user.starts_with("0:");
        if users.last().is_some_and(|user| root(user)) {
            say("hadolint DL3002", stage);
        }
    }
    let root = |user: &str| {
        let rest = user.strip_prefix("root").or_else(|| user.strip_prefix('0'));
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with(':') && rest.len() > 1))
    };
    if of_file.is_none_or(root) {
        say("Trivy DS-0002", last);
    }
    if of_file.is_none() {
        say("Checkov CKV_DOCKER_3", last);
    }
    if of_file == Some("root") {
        say("Checkov CKV_DOCKER_8", last);
    }
    let from = model.stages.last().and_then(|stage| model.instruction(stage.from));
    if of_shipped.is_none() && from.is_none_or(|from| said(from) != "scratch") {
        say("KICS missing user instruction", last);
    }
    if of_shipped.is_some_and(|user| {
        let name = user.split(':').next().unwrap_or_default();
        let digits = name.strip_prefix(['+', '-']).unwrap_or(name);
        name == "root" || !digits.is_empty() && digits.bytes().all(|byte| byte == b'0')
    }) {
        say("KICS last user is root", last);
    }
    let mut user = false;
    for (stage, (index, instruction)) in
        model.stages.iter().enumerate().flat_map(|(at, stage)| model.body(stage).map(move |one| (at, one)))
    {
        user |= instruction.keyword == Keyword::User;
        let starts = matches!(instruction.keyword, Keyword::Cmd | Keyword::Entrypoint);
        if starts && !user && !read_by_another_shell(model, stage, index, instruction) {
            say("Semgrep missing-user", stage);
        }
    }
    let shipped = model.stages.last();
    let runs = shipped.and_then(|stage| model.body(stage).rfind(|(_, one)| one.keyword == Keyword::User));
    let root = runs.is_none_or(|(index, user)| {
        let user = model.expand(index, &user.args.text);
        user.known && who::is_root(user.text.trim_matches(['"', '\'']))
    });
    if root {
        say("the user of the image", last);
    }
    out
}

/// Whether a script to start stands before a SHELL, behind which another program would read it. It stays where it is.
fn read_by_another_shell(model: &Model<'_>, stage: usize, index: usize, instruction: &Instruction<'_>) -> bool {
    let stage = model.stages.get(stage);
    let mut behind = stage.into_iter().flat_map(|stage| model.body(stage)).skip_while(|(at, _)| *at <= index);
    !matches!(instruction.form, Form::Json(_)) && behind.any(|(_, one)| one.keyword == Keyword::Shell)
}

/// The arguments as they are written.
fn said<'a>(instruction: &'a Instruction<'_>) -> &'a str {
    instruction.args.text.trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::syntax::File;

    /// The rules that complain, each with the stage.
    fn rules(source: &str) -> Vec<(&'static str, usize)> {
        let file = File::parse(source.as_bytes()).unwrap();
        let settings = Settings::default();
        let model = Model::new(&file, None, &settings);
        complaints(&model).into_iter().map(|complaint| (complaint.rule, complaint.stage)).collect()
    }

    fn held(before: &str, after: &str) -> Vec<String> {
        let settings = Settings::default();
        let (before, after) = (File::parse(before.as_bytes()).unwrap(), File::parse(after.as_bytes()).unwrap());
        broken(&Model::new(&before, None, &settings), &Model::new(&after, None, &settings))
    }

    const NOBODY: [(&str, usize); 4] = [
        ("Trivy DS-0002", 0),
        ("Checkov CKV_DOCKER_3", 0),
        ("KICS missing user instruction", 0),
        ("the user of the image", 0),
    ];

    #[test]
    fn a_file_that_says_no_user() {
        assert_eq!(rules("FROM a\nRUN b\n"), NOBODY);
        let mut starts = NOBODY.to_vec();
        starts.insert(3, ("Semgrep missing-user", 0));
        assert_eq!(rules("FROM a\nCMD b\nHEALTHCHECK CMD c\n"), starts);
        let empty: Vec<_> = NOBODY.into_iter().filter(|(rule, _)| !rule.starts_with("KICS")).collect();
        assert_eq!(rules("FROM scratch\nCOPY a /\n"), empty);
    }

    #[test]
    fn a_file_whose_last_user_is_root() {
        let root = |group: &str| rules(&format!("FROM a\nUSER b\nRUN c\nUSER {group}\nCMD d\n"));
        let all = ["hadolint DL3002", "Trivy DS-0002", "KICS last user is root", "the user of the image"];
        for user in ["0", "root:root", "0:0", "0:app"] {
            assert_eq!(root(user).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>(), all, "{user}");
        }
        let named: Vec<_> = root("root").into_iter().map(|(rule, _)| rule).collect();
        assert_eq!(named, [all[0], all[1], "Checkov CKV_DOCKER_8", all[2], all[3]]);
        // What only some see.
        assert_eq!(root("00"), [("KICS last user is root", 0), ("the user of the image", 0)]);
        assert_eq!(root("\"root\""), [("the user of the image", 0)]);
        assert_eq!(rules("FROM a\nARG U=root\nUSER $U\nCMD d\n"), [("the user of the image", 0)]);
        assert_eq!(root("rooty"), []);
        assert_eq!(root("10001:0"), []);
    }

    #[test]
    fn a_builder_that_ends_as_root_is_seen_by_hadolint_alone() {
        assert_eq!(rules("FROM a AS b\nUSER root\nRUN c\nFROM d\nUSER e\nCMD f\n"), [("hadolint DL3002", 0)]);
        let other = ["KICS missing user instruction", "the user of the image"];
        let found = rules("FROM a AS b\nUSER c\nFROM d\nCMD e\n");
        assert_eq!(found.into_iter().map(|(rule, _)| rule).collect::<Vec<_>>(), other);
    }

    #[test]
    fn a_user_behind_what_starts_is_missing_before_it() {
        assert_eq!(rules("FROM a\nENTRYPOINT b\nRUN c\nUSER d\n"), [("Semgrep missing-user", 0)]);
        assert_eq!(rules("FROM a\nUSER d\nENTRYPOINT b\nCMD c\n"), []);
        assert_eq!(rules("FROM a\nCMD b\nSHELL [\"c\"]\nUSER d\n"), []);
        assert_eq!(rules("FROM a\nCMD [\"b\"]\nSHELL [\"c\"]\nUSER d\n"), [("Semgrep missing-user", 0)]);
    }

    #[test]
    fn a_promise_is_broken_by_the_shipped_stage_or_by_more_than_there_was() {
        let root = "FROM a\nUSER root\nRUN b\nCMD c\n";
        assert_eq!(held(root, "FROM a\nUSER root\nRUN b\nUSER d\nCMD c\n"), [""; 0]);
        assert_eq!(held(root, "FROM a AS b\nUSER root\nRUN b\nFROM d\nUSER e\nCMD c\n"), [""; 0]);
        let more = "hadolint DL3002 has more to say than before, of stage 0";
        assert_eq!(held("FROM a\nCMD c\n", "FROM a AS b\nUSER root\nRUN b\nFROM d\nUSER e\nCMD c\n"), [more]);
        let late = "Semgrep missing-user has something to say of the shipped stage";
        assert_eq!(held("FROM a\nCMD b\nRUN c\n", "FROM a\nCMD b\nRUN c\nUSER d\n"), [late]);
    }
}
