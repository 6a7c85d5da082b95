//! Repositories that want to run something, reach something, or be taken for something: nothing runs, nothing leaks, and
//! nothing outside is touched.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{DOCKERFILE, Stage, said};
use crate::workspace::executable;

/// Whether anything below a folder is called `ran`, or something that ends with it.
fn ran(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().any(|one| {
        let one = one.unwrap();
        let folder = one.file_type().unwrap().is_dir();
        one.file_name().to_string_lossy().ends_with("ran") || (folder && ran(&one.path()))
    })
}

fn program(path: &Path) {
    executable(path, "#!/bin/sh\ntouch \"$0.ran\"\ncat\n");
}

#[test]
fn no_name_of_a_file_is_more_than_a_name() {
    let stage = Stage::new();
    let names = [
        "a b; $(touch ran) 'q' -x.Dockerfile",
        "-rf.Dockerfile",
        "--exec=touch ran.Dockerfile",
        "new\nline\u{1b}[31m.Dockerfile",
        ":(top)x.Dockerfile",
        "`touch ran` \"q\" @everyone <b>.Dockerfile",
        "..\\..\\x.Dockerfile",
        "a*.Dockerfile",
    ];
    for name in names {
        stage.write(name, DOCKERFILE);
    }
    stage.commit("feat: names");
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    for name in names {
        let file = stage.git("bare.git", &["show", &format!("dockwright/non-root:{name}")]);
        assert!(file.contains("USER appuser"), "{name}");
    }
    assert!(!ran(stage.folder.path()));
    let body = stage.site().requests[0]["body"].as_str().unwrap().to_owned();
    // In quotes, and no quote of theirs ends ours.
    assert!(body.contains("### `'touch ran' \"q\" @everyone <b>.Dockerfile`\n"), "{body}");
    assert!(body.contains("### `new line [31m.Dockerfile`\n"), "{body}");
    let again = stage.pr(&[]);
    assert!(said(&again).contains("is as it should be"), "{}", said(&again));
}

#[test]
fn no_word_of_a_dockerfile_mentions_links_or_breaks_out() {
    let stage = Stage::new();
    let text = "# @everyone ``` <script>alert(1)</script> \u{1b}]0;owned\u{7}\n\
                FROM foo/`x`:1@everyone AS a|b\nFROM foo:1 AS x\nRUN echo '```' @everyone #1 http://evil.example www.evil.example\n\
                ENV HOME=/home/<img>\n# \u{1b}[2J\nCMD [\"/bin/x\", \"`@everyone`\"]\n";
    stage.write("Dockerfile", text);
    stage
        .write("other.Dockerfile", &text.replace("FROM foo/`x`:1@everyone AS a|b\n", "").replace("foo:1", "foo:1|`x`"));
    stage.write("third.Dockerfile", &text.replace("FROM foo/`x`:1@everyone AS a|b\n", ""));
    stage.commit("feat: words");
    let dry = stage.pr(&["--dry-run"]);
    assert!(said(&dry).contains("\n+USER ") && said(&dry).contains("[2J"), "{}", said(&dry));
    assert!(!said(&dry).contains(['\u{1b}', '\u{7}']), "{}", said(&dry));
    let output = stage.pr(&["--group-by", "all", "--only", "multi-stage,non-root"]);
    assert!(output.status.success(), "{}", said(&output));
    let body = stage.site().requests[0]["body"].as_str().unwrap().to_owned();
    for line in body.lines() {
        // Outside of quotes, nothing of it is markup.
        let plain = line.replace("\\`", "").replace("\\<", "");
        let outside: String = plain.split('`').step_by(2).collect();
        for bad in ["@everyone", "<script", "<img", "http://", "www.evil"] {
            assert!(!outside.contains(bad), "{bad}: {line}");
        }
        assert!(!line.contains("```") && !line.contains('\u{1b}') && !line.contains('\u{7}'), "{line}");
        assert!(line.matches('`').count() % 2 == 0 || line.contains("\\`"), "{line}");
    }
    assert!(!said(&output).contains('\u{1b}'), "{}", said(&output));
}

#[test]
fn no_link_leads_out() {
    let stage = Stage::new();
    let checkout = stage.folder.path().join("checkout");
    let outside = stage.folder.file("outside.Dockerfile", DOCKERFILE);
    let secret = stage.folder.file("secret", "top-secret = \"hush\"\n");
    let folder = stage.folder.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("Dockerfile"), DOCKERFILE).unwrap();
    symlink(&outside, checkout.join("link.Dockerfile")).unwrap();
    symlink("../folder", checkout.join("inside")).unwrap();
    symlink("inside/Dockerfile", checkout.join("far.Dockerfile")).unwrap();
    symlink("../secret", checkout.join("dockwright.toml")).unwrap();
    symlink(".git/config", checkout.join("git.Dockerfile")).unwrap();
    symlink("Dockerfile", checkout.join("good.Dockerfile")).unwrap();
    stage.commit("feat: links");
    let output = stage.pr(&[]);
    // A settings file that is a link is none: what it says is the name of another file.
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("dockwright.toml:1:"), "{}", said(&output));
    fs::remove_file(checkout.join("dockwright.toml")).unwrap();
    fs::create_dir(checkout.join("sub")).unwrap();
    symlink("../../secret", checkout.join("sub/dockwright.toml")).unwrap();
    symlink("/dev/zero", checkout.join("sub/package.json")).unwrap();
    stage.write("sub/Dockerfile", DOCKERFILE);
    stage.commit("feat: another");
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    let body = stage.site().requests[0]["body"].as_str().unwrap().to_owned();
    assert!(!body.contains("hush") && !said(&output).contains("hush"), "{body}{}", said(&output));
    let changed = stage.git("bare.git", &["diff", "--name-only", "main", "dockwright/non-root"]);
    assert_eq!(changed, "Dockerfile\nsub/Dockerfile", "{}", said(&output));
    for file in [outside, folder.join("Dockerfile")] {
        assert_eq!(fs::read_to_string(file).unwrap(), DOCKERFILE, "what lies outside is untouched");
    }
    assert!(secret.exists());
}

#[test]
fn nothing_that_a_repository_or_a_checkout_configures_runs() {
    let stage = Stage::new();
    let checkout = stage.folder.path().join("checkout");
    let evil = stage.folder.path().join("evil");
    program(&evil);
    let evil = evil.display().to_string();
    stage.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    stage.write(
        "dockwright.toml",
        "[pr]\nlabels = [\"$(touch ran)\", \"; touch ran\"]\nauthor = \"$(touch ran) <x@y>\"\n",
    );
    stage.commit("feat: attributes");
    for hook in ["pre-commit", "commit-msg", "prepare-commit-msg", "pre-push", "post-checkout", "reference-transaction"]
    {
        program(&checkout.join(".git/hooks").join(hook));
    }
    for (name, value) in [
        ("filter.evil.smudge", evil.as_str()),
        ("filter.evil.clean", &evil),
        ("filter.evil.process", &evil),
        ("diff.evil.textconv", &evil),
        ("core.fsmonitor", &evil),
        ("core.editor", &evil),
        ("core.pager", &evil),
        ("gpg.program", &evil),
        ("commit.gpgSign", "true"),
        ("credential.helper", &evil),
        ("url.ext::sh -c touch% ran.insteadOf", "nothing"),
    ] {
        stage.git("checkout", &["config", name, value]);
    }
    let output = stage.pr(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(!ran(stage.folder.path()), "{}", said(&output));
    assert_eq!(stage.site().requests[0]["labels asked"]["labels"][0], "$(touch ran)");
}

#[test]
fn no_setting_or_address_is_an_option_or_a_command() {
    let stage = Stage::new();
    for base in ["--upload-pack=touch ran", "../../x", "a..b", "@{-1}", "x\u{7f}"] {
        stage.write("dockwright.toml", &format!("[pr]\nbase = {base:?}\n").replace("\\u{7f}", "\\u007f"));
        stage.commit("feat: base");
        let output = stage.pr(&[]);
        assert_eq!(output.status.code(), Some(2), "{base}: {}", said(&output));
    }
    let far = |args: &[&str]| {
        let output = stage.pr_on("github", args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
    };
    for url in ["ext::sh -c touch% ran", "--upload-pack=touch ran", "-x", "file:///none/$(touch ran)"] {
        far(&[&format!("--repo={url}")]);
    }
    for name in ["-x", "$(touch ran)", "; touch ran"] {
        far(&[&format!("--remote={name}")]);
    }
    for name in ["o/..", "../r", "../../r", "o//r", "o/./r"] {
        far(&[&format!("--repository={name}")]);
    }
    assert!(!ran(stage.folder.path()));
    assert!(stage.site().requests.is_empty());
}

#[test]
fn no_name_of_a_branch_or_a_repository_is_more_than_a_name() {
    let stage = Stage::new();
    let branch = "a;$(touch${IFS}ran)'\"`touch${IFS}ran`&|@everyone<b>";
    stage.git("checkout", &["push", "--quiet", "origin", &format!("main:refs/heads/{branch}")]);
    let name = "a b; $(touch ran) 'q' \"\n-x @everyone.git";
    let bare = stage.folder.path().join(name);
    fs::rename(stage.folder.path().join("bare.git"), &bare).unwrap();
    let output = stage.pr_on("github", &[&format!("--repo={}", bare.display()), "--base", branch, "--remote=origin"]);
    assert_eq!(output.status.code(), Some(2), "--remote is about a checkout: {}", said(&output));
    let output = stage.pr_on("github", &[&format!("--repo={}", bare.display()), "--base", branch]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(stage.site().requests[0]["base"], branch);
    let file = stage.git(name, &["show", "dockwright/non-root:Dockerfile"]);
    assert!(file.contains("USER appuser"), "{file}");
    assert!(!ran(stage.folder.path()));
}
