//! `dockwright pr`: the changes as pull requests, one for each transform, kept up to date run after run.
//!
//! 1. `git`: the repository, by the `git` program.
//! 2. A work tree of the base branch, in which the files are rewritten and committed on a branch of our own.
//! 3. `host`: what the site has of that branch; `body`: what the request says.

mod body;
mod git;
mod host;

use std::env;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use dockwright_transforms::rewrite::Status;
use dockwright_transforms::{Transform, catalog};

use crate::batch::Work;
use crate::cli::{Global, HostName, PrArgs};
use crate::exit::Exit;
use crate::input::{self, Source};
use crate::report::human;
use crate::write;

use body::Changed;
use git::Git;
use host::Host;

/// By this line of a commit's message we know our own.
const MARK: &str = "Dockwright-Transform";

/// Where the changes go.
struct Target {
    git: Git,
    /// `None` in a dry run, which asks nothing of the site.
    host: Option<Host>,
    remote: String,
    base: String,
}

/// Runs the subcommand.
///
/// # Errors
/// What keeps every request from being made: no repository, no token, a site that refuses.
pub(crate) fn run(args: &PrArgs, global: &Global) -> Result<Exit> {
    let target = target(args)?;
    let say = |text: String| {
        if !global.quiet {
            human::note(&text);
        }
    };
    let base = format!("refs/remotes/{}/{}", args.remote, target.base);
    let mut trouble = false;
    for transform in catalog::ALL {
        let chosen = (args.choice.only.is_empty() || args.choice.only.iter().any(|id| id == transform.id))
            && !args.choice.skip.iter().any(|id| id == transform.id);
        if !chosen {
            continue;
        }
        match one(args, &target, transform, &base) {
            Ok(text) => say(format!("{}: {text}", transform.id)),
            Err(text) => {
                trouble = true;
                human::error(&format!("{}: {text}", transform.id));
            }
        }
    }
    Ok(if trouble { Exit::Trouble } else { Exit::Done })
}

/// Finds the repository, the site and the base branch.
fn target(args: &PrArgs) -> Result<Target> {
    let folder = Path::new(".");
    let plain = Git::of(folder, None).map_err(|error| anyhow!(error))?;
    let url = plain
        .run(["remote", "get-url", "--", &args.remote])
        .map_err(|error| anyhow!("there is no remote `{}` ({error}); name one with --remote", args.remote))?;
    let (site, path) = git::address(&url).unzip();
    let known = |mark: &str| site.as_deref().is_some_and(|site| site.contains(mark));
    let kind = args.host.or(match () {
        () if known("github") => Some(HostName::Github),
        () if known("gitlab") => Some(HostName::Gitlab),
        () if known("gitea") || known("forgejo") || known("codeberg") => Some(HostName::Gitea),
        () => None,
    });
    let Some(kind) = kind else {
        bail!("what kind of site the remote `{}` is on can't be told; say it with --host", args.remote);
    };
    let Some(repository) = args.repository.clone().or(path) else {
        bail!("the remote's address names no repository; name it with --repository OWNER/NAME");
    };
    let api = match (&args.api, site.as_deref(), kind) {
        (Some(api), ..) => api.clone(),
        (None, Some("github.com"), HostName::Github) => "https://api.github.com".to_owned(),
        (None, Some(site), HostName::Github) => format!("https://{site}/api/v3"),
        (None, Some(site), HostName::Gitlab) => format!("https://{site}/api/v4"),
        (None, Some(site), HostName::Gitea) => format!("https://{site}/api/v1"),
        (None, None, _) => bail!("where the site's API is can't be told from the remote's address; say it with --api"),
    };
    let (names, user): (&[&str], _) = match kind {
        HostName::Github => (&["GITHUB_TOKEN", "GH_TOKEN"], "x-access-token"),
        HostName::Gitlab => (&["GITLAB_TOKEN"], "oauth2"),
        HostName::Gitea => (&["GITEA_TOKEN", "FORGEJO_TOKEN"], "oauth2"),
    };
    let token = names.iter().find_map(|name| env::var(name).ok()).filter(|token| !token.is_empty());
    if token.is_none() && !args.dry_run {
        bail!("there is no token; put one that may write contents and pull requests into {}", names.join(" or "));
    }
    // For a push over HTTPS; other transports have keys of their own.
    let authorization = token
        .as_ref()
        .filter(|_| url.starts_with("https://"))
        .map(|token| format!("Basic {}", BASE64.encode(format!("{user}:{token}"))));
    let git = Git::of(folder, authorization).map_err(|error| anyhow!(error))?;
    let head = || {
        let name = git.run(["symbolic-ref", "--short", &format!("refs/remotes/{}/HEAD", args.remote)]).ok()?;
        name.split_once('/').map(|(_, branch)| branch.to_owned())
    };
    let Some(base) = args.base.clone().or_else(head).or_else(|| git.run(["symbolic-ref", "--short", "HEAD"]).ok())
    else {
        bail!("which branch the requests are for can't be told; name it with --base");
    };
    if git.run(["check-ref-format", "--branch", &base]).is_err() {
        bail!("{} is no name for a branch", body::code(&base));
    }
    let remote = args.remote.clone();
    let refspec = format!("+refs/heads/{base}:refs/remotes/{remote}/{base}");
    git.run(["fetch", "--quiet", "--no-tags", "--", &remote, &refspec])
        .map_err(|error| anyhow!("{} could not be fetched from {remote}: {error}", body::code(&base)))?;
    let host = token.filter(|_| !args.dry_run).map(|token| Host::new(kind, &api, &repository, token));
    Ok(Target { git, host, remote, base })
}

/// Brings the request of one transform up to date; answers what was done.
fn one(args: &PrArgs, target: &Target, transform: &Transform, base: &str) -> Result<String, String> {
    let branch = format!("dockwright/{}", transform.id);
    let tree = tempfile::tempdir().map_err(|error| format!("no temporary folder could be made: {error}"))?;
    let folder = tree.path().join("tree");
    let place = folder.to_string_lossy().into_owned();
    target.git.run(["worktree", "add", "--quiet", "--detach", &place, base])?;
    let result = in_tree(args, target, transform, base, &branch, &folder);
    // The folder goes with its guard; the repository must not remember it.
    drop(target.git.run(["worktree", "remove", "--force", &place]));
    result
}

fn in_tree(
    args: &PrArgs,
    target: &Target,
    transform: &Transform,
    base: &str,
    branch: &str,
    folder: &Path,
) -> Result<String, String> {
    let git = target.git.at(folder);
    let changed = rewrite(args, transform, folder)?;
    let requests = target.host.as_ref().map(|host| host.of_branch(branch)).transpose()?.unwrap_or_default();
    let open = requests.iter().find(|request| request.open);
    if changed.is_empty() {
        return match (&target.host, open) {
            (Some(host), Some(request)) => {
                host.close(request.number, "Nothing is left to change on the base branch, so this is done.")?;
                Ok(format!("nothing is left to change; {} is closed", request.url))
            }
            _ => Ok("nothing to change".into()),
        };
    }
    let title = format!("{}{}", if conventional(&git, base) { "build: " } else { "" }, transform.summary);
    let text = body::text(transform.id, transform.why, &changed);
    if args.dry_run {
        let names: Vec<&str> = changed.iter().map(|file| file.path.as_str()).collect();
        println!("branch {branch} for {}\ntitle  {title}\nfiles  {}\n\n{text}", target.base, names.join(", "));
        return Ok(format!("{} would change; nothing is pushed in a dry run", files(changed.len())));
    }
    let Some(host) = &target.host else { return Err("there is no token".into()) };
    let refused = open.is_none() && requests.iter().any(|request| !request.merged);
    if refused && !args.reopen {
        return Ok("a person closed the request, so none is opened again; --reopen asks once more".into());
    }
    push_and_ask(args, target, host, &git, base, branch, open, &title, &text, &changed)
}

/// Commits, pushes where anything is new, and opens the request or brings it up to date.
#[allow(clippy::too_many_arguments, reason = "one step of one procedure, named apart for its length")]
fn push_and_ask(
    args: &PrArgs,
    target: &Target,
    host: &Host,
    git: &Git,
    base: &str,
    branch: &str,
    open: Option<&host::Request>,
    title: &str,
    text: &str,
    changed: &[Changed],
) -> Result<String, String> {
    let id = branch.rsplit('/').next().unwrap_or_default();
    let paths = changed.iter().map(|file| file.path.as_str());
    git.run(["add", "--"].into_iter().chain(paths))?;
    let message = format!("{title}\n\n{MARK}: {id}");
    let mut commit = vec!["commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", &message];
    if args.signoff {
        commit.push("--signoff");
    }
    git.run(commit)?;
    let new = git.run(["rev-parse", "HEAD^{tree}"])?;
    let there = git.run(["ls-remote", "--", &target.remote, &format!("refs/heads/{branch}")])?;
    let old = there.split_whitespace().next().unwrap_or_default().to_owned();
    let mut pushed = true;
    if !old.is_empty() {
        git.run(["fetch", "--quiet", "--no-tags", "--", &target.remote, &format!("refs/heads/{branch}")])?;
        let ours = git.run([
            "log",
            &format!("--format=%(trailers:key={MARK},valueonly,separator=%x2C)%x00"),
            &format!("{base}..{old}"),
        ])?;
        let foreign = ours.split('\0').map(str::trim).filter(|line| !line.is_empty()).count();
        let all = git.run(["rev-list", "--count", &format!("{base}..{old}")])?;
        if all.parse() != Ok(foreign) {
            return Ok(format!("somebody else committed to {branch}, so it is left as it is"));
        }
        let same = git.run(["rev-parse", &format!("{old}^{{tree}}")])? == new
            && git.run(["rev-parse", &format!("{old}^")]).ok() == git.run(["rev-parse", base]).ok();
        pushed = !same;
    }
    if pushed {
        let lease = format!("--force-with-lease=refs/heads/{branch}:{old}");
        git.run(["push", "--quiet", "--no-verify", &lease, "--", &target.remote, &format!("HEAD:refs/heads/{branch}")])
            .map_err(|error| format!("the branch {branch} could not be pushed: {error}; may the token write, and is the branch protected?"))?;
    }
    match open {
        None => {
            let made = host.open(branch, &target.base, title, text, args.draft)?;
            Ok(format!("{} changed, {} opened", files(changed.len()), made.url))
        }
        Some(request) if request.body.trim() != text.trim() => {
            host.update(request.number, title, text)?;
            Ok(format!("{} brought up to date", request.url))
        }
        Some(request) if pushed => Ok(format!("{} brought up to date", request.url)),
        Some(request) => Ok(format!("{} is as it should be", request.url)),
    }
}

/// Rewrites the files of a work tree in place, by one transform.
fn rewrite(args: &PrArgs, transform: &Transform, folder: &Path) -> Result<Vec<Changed>, String> {
    let root = folder.canonicalize().map_err(|error| error.to_string())?;
    let found = input::find(std::slice::from_ref(&root), None);
    let work = Work::new(&args.choice).map_err(|error| error.to_string())?;
    let mut changed = Vec::new();
    for input in &found.files {
        // What a link leads to may lie outside, and is found by itself where it does not.
        let inside = input.path.canonicalize().is_ok_and(|path| path.starts_with(&root));
        if input.source != Source::File || !inside {
            continue;
        }
        let Ok(source) = input.read() else { continue };
        let (outcome, _) = work.rewrite(input, &source, Some(&[transform.id]));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(crate::batch::Failure::Elsewhere(text)) => return Err(body::plain(&text)),
            Err(crate::batch::Failure::File(_)) => continue,
        };
        let Some(output) = outcome.output else { continue };
        write::replace(&input.path, &source, &output)?;
        let path = input.path.canonicalize().map_err(|error| error.to_string())?;
        let path = path.strip_prefix(&root).map_err(|error| error.to_string())?;
        let fixed = outcome.findings.into_iter().filter(|report| matches!(report.status, Status::Fixed(_))).collect();
        changed.push(Changed { path: path.to_string_lossy().into_owned(), fixed });
    }
    Ok(changed)
}

/// Whether the base branch's commits are written as Conventional Commits.
fn conventional(git: &Git, base: &str) -> bool {
    let log = git.run(["log", "--format=%s", "-n", "20", base]).unwrap_or_default();
    let kinds = ["feat", "fix", "build", "chore", "ci", "docs", "refactor", "test", "perf", "style"];
    let like = |line: &&str| {
        let head = line.split(':').next().unwrap_or_default();
        line.contains(": ") && kinds.contains(&head.split(['(', '!']).next().unwrap_or_default())
    };
    let all = log.lines().count();
    all > 0 && log.lines().filter(like).count() * 2 > all
}

fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}
