//! One repository: a temporary clone of its base branch, in which the files are rewritten, committed on branches of our
//! own, pushed and asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dockwright_transforms::rewrite::{Report, Status};
use dockwright_transforms::{Transform, catalog};
use serde::Serialize;

use super::body::{self, Changed, Left};
use super::client::Client;
use super::git::{Git, Key};
use super::host::{Host, New, Request};
use super::settings::Settings;
use crate::batch::{Done, Failure, Work};
use crate::cli::{CommitStyle, Group, PrArgs};
use crate::config;
use crate::input::{self, Source};
use crate::verify::verdict::Verdict;
use crate::verify::{self, Laboratory, Shown, child};
use crate::write;

/// By these lines of a commit's message we know our own: what it is about, and a sum of the files that it wrote, so that
/// one which a person has changed is no longer ours.
const MARK: &str = "Dockwright-Transform";
const SUM: &str = "Dockwright-Sum";

/// Our branches begin with it.
const PREFIX: &str = "dockwright/";

/// The name of the topic that is all of them.
const ALL: &str = "all";

/// Where a repository is, and who may touch it.
pub(super) struct Place {
    /// How it is called in reports.
    pub(super) name: String,
    /// Where git finds it; nothing stands in it before an `@`.
    pub(super) url: String,
    pub(super) key: Option<Key>,
    /// The site's API, and what the repository is called there.
    pub(super) client: Arc<Client>,
    pub(super) repository: String,
    /// A checkout of it on this machine, whose objects need not be fetched again.
    pub(super) near: Option<PathBuf>,
    /// Who commits, as that checkout has it.
    pub(super) author: Option<String>,
}

/// What came of one request.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub(super) struct Asked {
    /// The transform, or `all`.
    pub(super) topic: String,
    pub(super) action: Action,
    /// The request, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// The same in words.
    pub(super) text: String,
}

/// What was done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    /// It is new.
    Opened,
    /// Its branch or its text is.
    Updated,
    /// It is as it should be.
    Unchanged,
    /// It no longer applies.
    Closed,
    /// Somebody else committed to its branch, a person closed it, or there are enough: nothing was done.
    Left,
    /// Nothing is to change.
    Nothing,
    /// A dry run would have opened or updated it.
    Would,
    /// It went wrong.
    Failed,
}

impl Action {
    /// Its name, as reports print it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Action::Opened => "opened",
            Action::Updated => "updated",
            Action::Unchanged => "unchanged",
            Action::Closed => "closed",
            Action::Left => "left",
            Action::Nothing => "nothing",
            Action::Would => "would",
            Action::Failed => "failed",
        }
    }
}

/// What one request is about.
struct Topic {
    id: String,
    title: String,
    why: String,
    transforms: Vec<&'static str>,
}

/// A clone of one repository, and what the site has of it.
struct Visit<'a> {
    args: &'a PrArgs,
    settings: Settings,
    git: Git,
    host: Host,
    base: String,
    /// Our branches on the remote, and the commits that they are at.
    branches: BTreeMap<String, String>,
    laboratory: Option<&'a Laboratory>,
    /// Dry runs are printed through it.
    show: &'a (dyn Fn(&str) + Sync),
}

/// Brings all requests of a repository up to date.
///
/// # Errors
/// One line: what keeps every request from being made, and what to do.
pub(super) fn bring_up_to_date(
    args: &PrArgs,
    place: &Place,
    laboratory: Option<&Laboratory>,
    show: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Asked>, String> {
    let folder = tempfile::Builder::new().prefix("dockwright-pr-").tempdir();
    let folder = folder.map_err(|error| format!("no temporary folder: {error}; choose another by TMPDIR"))?;
    let Some(work) = Visit::begin(args, place, laboratory, show, folder.path())? else { return Ok(Vec::new()) };
    work.run()
}

impl<'a> Visit<'a> {
    /// Fetches the base branch and our own ones. `None` where the repository is empty, or wants no requests.
    fn begin(
        args: &'a PrArgs,
        place: &Place,
        laboratory: Option<&'a Laboratory>,
        show: &'a (dyn Fn(&str) + Sync),
        folder: &Path,
    ) -> Result<Option<Self>, String> {
        if place.url.starts_with('-') {
            return Err("an address does not begin with `-`; mend it".into());
        }
        let mut git = Git::begin(folder, &place.url, place.key.clone())?;
        let near = place.near.as_ref().is_some_and(|near| borrow(&git, near).is_ok());
        if !near {
            git.set("remote.origin.promisor", "true");
            git.set("remote.origin.partialclonefilter", "blob:none");
        }
        let there = git
            .run(["ls-remote", "--symref", "origin", "HEAD", &format!("refs/heads/{PREFIX}*")])
            .map_err(|error| unreachable(&error))?;
        let mut branches = BTreeMap::new();
        let mut head = None;
        for line in there.lines() {
            match line.split_once('\t') {
                Some((target, "HEAD")) if target.starts_with("ref: ") => {
                    head = target.strip_prefix("ref: refs/heads/").map(str::to_owned);
                }
                Some((commit, name)) => {
                    if let Some(branch) = name.strip_prefix("refs/heads/").filter(|name| name.starts_with(PREFIX)) {
                        branches.insert(branch.to_owned(), commit.to_owned());
                    }
                }
                None => {}
            }
        }
        let named = args.requests.base.clone();
        if there.is_empty() && named.is_none() {
            return Ok(None);
        }
        let Some(first) = named.clone().or(head) else {
            return Err("which branch the requests are for can't be told; name it with --base".into());
        };
        fetch(&git, near, &first, branches.keys())?;
        let mut base = first.clone();
        let table = match git.run(["show", &format!("refs/remotes/origin/{first}:{}", config::FILE)]) {
            Ok(text) => config::pr(&text).map_err(|error| format!("{}:{}", config::FILE, body::plain(&error)))?,
            Err(_) => config::PrTable::default(),
        };
        let settings = Settings::new(&args.requests, table);
        if !settings.enabled {
            return Ok(None);
        }
        if let Some(other) = settings.base.as_ref().filter(|other| **other != first) {
            base.clone_from(other);
            fetch(&git, near, &base, std::iter::empty())?;
        }
        git.commit_as(settings.author.as_deref().or(place.author.as_deref()));
        let host = Host::new(Arc::clone(&place.client), &place.repository);
        Ok(Some(Self { args, settings, git, host, base, branches, laboratory, show }))
    }

    /// All topics, one after the other; one that goes wrong does not stop the next.
    fn run(&self) -> Result<Vec<Asked>, String> {
        let topics = self.topics();
        let mut requests = BTreeMap::new();
        if self.asks() {
            for branch in self.branches.keys() {
                requests.insert(branch.clone(), self.host.of_branch(branch)?);
            }
        }
        let mut open = requests.values().flatten().filter(|request: &&Request| request.open).count();
        let mut done = Vec::new();
        for topic in &topics {
            if child::stopped() {
                return Err("stopped; run it again to go on".into());
            }
            let asked = self.topic(topic, &requests, &mut open);
            done.push(asked.unwrap_or_else(|text| Asked {
                topic: topic.id.clone(),
                action: Action::Failed,
                url: None,
                text,
            }));
        }
        // What was asked for in the other grouping is asked for here now.
        for id in self.superseded() {
            let branch = format!("{PREFIX}{id}");
            let there = requests.get(&branch).and_then(|all| all.iter().find(|request| request.open));
            if let Some(request) = there {
                let word = "The settings group these changes in another way now; another request holds this one.";
                let asked = self.close(&id, &branch, request, word);
                done.push(asked.unwrap_or_else(|text| Asked { topic: id, action: Action::Failed, url: None, text }));
            }
        }
        Ok(done)
    }

    /// Whether the site is asked at all: a dry run does without where there is no token.
    fn asks(&self) -> bool {
        self.host.writes()
    }

    fn chosen(&self) -> impl Iterator<Item = &'static &'static Transform> {
        let (only, skip) = (&self.args.choice.only, &self.args.choice.skip);
        catalog::ALL.iter().filter(move |transform| {
            (only.is_empty() || only.iter().any(|id| id == transform.id)) && !skip.iter().any(|id| id == transform.id)
        })
    }

    fn topics(&self) -> Vec<Topic> {
        match self.settings.group {
            Group::Transform => self
                .chosen()
                .map(|transform| Topic {
                    id: transform.id.to_owned(),
                    title: transform.summary.to_owned(),
                    why: transform.why.to_owned(),
                    transforms: vec![transform.id],
                })
                .collect(),
            Group::All => {
                let all: Vec<_> = self.chosen().collect();
                let whys: Vec<String> =
                    all.iter().map(|transform| format!("`{}`: {}", transform.id, transform.why)).collect();
                vec![Topic {
                    id: ALL.to_owned(),
                    title: "Rewrite the Dockerfiles into the ones to ship".to_owned(),
                    why: whys.join("\n\n"),
                    transforms: all.iter().map(|transform| transform.id).collect(),
                }]
            }
        }
    }

    fn superseded(&self) -> Vec<String> {
        match self.settings.group {
            Group::Transform => vec![ALL.to_owned()],
            Group::All => self.chosen().map(|transform| transform.id.to_owned()).collect(),
        }
    }

    /// Brings one request up to date.
    fn topic(
        &self,
        topic: &Topic,
        requests: &BTreeMap<String, Vec<Request>>,
        open_now: &mut usize,
    ) -> Result<Asked, String> {
        let branch = format!("{PREFIX}{}", topic.id);
        let asked = |action, url: Option<&Request>, text: String| Asked {
            topic: topic.id.clone(),
            action,
            url: url.map(|request| request.url.clone()),
            text,
        };
        self.git.run(["checkout", "--quiet", "--force", "--detach", &self.base_ref()])?;
        cut_links(&self.git)?;
        let rewritten = self.rewrite(topic)?;
        let known = requests.get(&branch);
        if rewritten.changed.is_empty() && !rewritten.unproven.is_empty() {
            let text = format!("not proven, so nothing is asked for: {}", rewritten.unproven.join("; "));
            return Ok(asked(Action::Left, known.and_then(|all| all.iter().find(|request| request.open)), text));
        }
        if rewritten.changed.is_empty() {
            return match known.and_then(|all| all.iter().find(|request| request.open)) {
                Some(request) => {
                    let word = "Nothing is left to change on the base branch, so this is done.";
                    self.close(&topic.id, &branch, request, word)
                }
                None => Ok(asked(Action::Nothing, None, "nothing to change".into())),
            };
        }
        let asked_site;
        let known: &[Request] = match known {
            Some(known) => known,
            None if self.asks() => {
                asked_site = self.host.of_branch(&branch)?;
                &asked_site
            }
            None => &[],
        };
        let open = known.iter().find(|request| request.open);
        let conventional = match self.settings.style {
            CommitStyle::Auto => conventional(&self.git, &self.base_ref()),
            CommitStyle::Conventional => true,
            CommitStyle::Plain => false,
        };
        let title = match conventional {
            true => conventional_title(&topic.title),
            false => topic.title.clone(),
        };
        let text = body::text(&body::Text {
            ids: &topic.transforms,
            why: &topic.why,
            changed: &rewritten.changed,
            left: &rewritten.left,
            proof: rewritten.proof.as_deref(),
        });
        let many = files(rewritten.changed.len());
        let refused =
            open.is_none() && known.iter().any(|request| !request.merged && !body::closed_by_us(&request.body));
        if refused && !self.args.reopen {
            let text = "a person closed the request, so none is opened again; --reopen asks once more";
            return Ok(asked(Action::Left, known.first(), text.into()));
        }
        let limit = self.settings.limit.filter(|limit| open.is_none() && *open_now >= *limit);
        if let Some(limit) = limit {
            let text =
                format!("{many} would change, but {limit} of our requests may be open at once; merge or close one");
            return Ok(asked(Action::Left, None, text));
        }
        if self.args.dry_run {
            (self.show)(&self.shown(&branch, &title, &rewritten.changed, &text));
            let what = match open {
                Some(request) => format!("{many} would change, for {}; nothing is pushed in a dry run", request.url),
                None => format!("{many} would change; nothing is pushed in a dry run"),
            };
            return Ok(asked(Action::Would, open, what));
        }
        if !self.host.writes() {
            return Err("there is no token".into());
        }
        let pushed = match self.push(topic, &branch, &title, &rewritten.changed)? {
            Pushed::Foreign => {
                let text = format!("somebody else committed to {branch}, so it is left as it is");
                return Ok(asked(Action::Left, open, text));
            }
            Pushed::New => true,
            Pushed::Same => false,
        };
        match open {
            None => {
                let new =
                    New { branch: &branch, base: &self.base, title: &title, body: &text, settings: &self.settings };
                let (made, lost) = self.host.open(&new)?;
                *open_now += 1;
                let lost: Vec<String> = lost.iter().map(|one| format!("; could not be set: {one}")).collect();
                Ok(asked(Action::Opened, Some(&made), format!("{many} changed, {} opened{}", made.url, lost.concat())))
            }
            Some(request) => {
                let text = body::with_ticks(&text, &request.body);
                if !body::same(&text, &request.body) {
                    self.host.update(request.number, &text)?;
                } else if !pushed {
                    return Ok(asked(Action::Unchanged, open, format!("{} is as it should be", request.url)));
                }
                Ok(asked(Action::Updated, open, format!("{} brought up to date", request.url)))
            }
        }
    }

    /// What a dry run prints of a request.
    fn shown(&self, branch: &str, title: &str, changed: &[Changed], text: &str) -> String {
        let names: Vec<String> = changed.iter().map(|file| body::plain(&file.path)).collect();
        let mut out = format!("branch {branch} for {}\ntitle  {title}\nfiles  {}\n", self.base, names.join(", "));
        let settings = &self.settings;
        let lists = [("labels", &settings.labels), ("review", &settings.reviewers), ("assign", &settings.assignees)];
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            out += &format!("{what} {}\n", names.join(", "));
        }
        for (what, on) in [("draft", settings.draft), ("signed off", settings.signoff)] {
            if on {
                out += &format!("{what}\n");
            }
        }
        let diffs: String = changed.iter().map(|file| file.diff.as_str()).collect();
        format!("{out}\n{text}\n{diffs}\n")
    }

    /// Closes a request of ours, and takes its branch away.
    fn close(&self, id: &str, branch: &str, request: &Request, word: &str) -> Result<Asked, String> {
        let asked = |action, text| Asked { topic: id.to_owned(), action, url: Some(request.url.clone()), text };
        if self.args.dry_run {
            return Ok(asked(Action::Would, format!("{} would be closed: {word}", request.url)));
        }
        let commit = self.branches.get(branch);
        if commit.is_some_and(|commit| !self.is_ours(commit).unwrap_or(false)) {
            let text =
                format!("{} no longer applies, but somebody else committed to {branch}, so it is left", request.url);
            return Ok(asked(Action::Left, text));
        }
        self.host.close(request.number, word, &body::closing(&request.body))?;
        if let Some(commit) = commit {
            let lease = format!("--force-with-lease=refs/heads/{branch}:{commit}");
            // A branch that stays is litter, and no reason to fail.
            drop(self.git.run(["push", "--quiet", "--no-verify", &lease, "origin", &format!(":refs/heads/{branch}")]));
        }
        Ok(asked(Action::Closed, format!("{} is closed: {word}", request.url)))
    }

    /// Commits, and pushes where anything is new.
    fn push(&self, topic: &Topic, branch: &str, title: &str, changed: &[Changed]) -> Result<Pushed, String> {
        let git = &self.git;
        let paths = changed.iter().map(|file| format!(":(literal){}", file.path));
        git.run(["add", "--"].map(str::to_owned).into_iter().chain(paths))?;
        let wrote = git.run(["diff-index", "--cached", "--raw", "--no-abbrev", "--no-renames", &self.base_ref()])?;
        let message = format!("{title}\n\n{MARK}: {}\n{SUM}: {}", topic.id, sum(&wrote));
        let mut commit = vec!["commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", &message];
        if self.settings.signoff {
            commit.push("--signoff");
        }
        git.run(commit)?;
        let old = self.branches.get(branch);
        if let Some(old) = old {
            if !self.is_ours(old)? {
                return Ok(Pushed::Foreign);
            }
            let about = |commit: &str| git.run(["log", "-1", "--format=%T %P %B", commit]);
            if about(old)? == about("HEAD")? {
                return Ok(Pushed::Same);
            }
        }
        let lease = format!("--force-with-lease=refs/heads/{branch}:{}", old.map_or("", String::as_str));
        git.run(["push", "--quiet", "--no-verify", &lease, "origin", &format!("HEAD:refs/heads/{branch}")]).map_err(
            |error| {
                format!(
                    "the branch {branch} could not be pushed ({error}); look whether the token may write contents, and \
                     whether a rule of the repository protects such branches"
                )
            },
        )?;
        Ok(Pushed::New)
    }

    /// Whether every commit that a branch has and the base has not is ours, and as we made it.
    fn is_ours(&self, commit: &str) -> Result<bool, String> {
        let git = &self.git;
        let commits = git.run(["rev-list", &format!("{}..{commit}", self.base_ref())])?;
        for commit in commits.lines() {
            let format = format!("--format=%(trailers:key={SUM},valueonly)");
            let said = git.run(["log", "-1", &format, commit])?;
            let wrote =
                git.run(["diff-tree", "-r", "--raw", "--no-abbrev", "--no-renames", "--no-commit-id", commit])?;
            if said.trim() != sum(&wrote) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn base_ref(&self) -> String {
        format!("refs/remotes/origin/{}", self.base)
    }

    /// Rewrites the files of the work tree in place, by the transforms of a topic.
    fn rewrite(&self, topic: &Topic) -> Result<Rewritten, String> {
        let root = self.git.root().canonicalize().map_err(|error| error.to_string())?;
        let found = input::find(std::slice::from_ref(&root), None);
        let work = Work::explaining(&self.args.choice, &found).map_err(|error| error.to_string())?;
        let mut rewritten = Rewritten::default();
        let mut outcomes = Vec::new();
        for input in found.files.iter().filter(|input| input.source == Source::File) {
            let Ok(source) = input.read() else { continue };
            let path =
                input.path.strip_prefix(&root).map_err(|error| error.to_string())?.to_string_lossy().into_owned();
            let (outcome, note) = work.rewrite(input, &source, Some(&topic.transforms));
            let mut done = Done { source, outcome, note };
            if let Some(laboratory) = self.laboratory
                && let Some(mut outcome) = verify::prove(laboratory, &work, input, &mut done, &Shown::hidden())
            {
                if outcome.verdict == Verdict::Interrupted {
                    return Err("stopped; run it again to go on".into());
                }
                outcome.path = PathBuf::from(&path);
                // Nothing is claimed of what does not build as it is, so nothing is asked for.
                if !matches!(outcome.verdict, Verdict::Same | Verdict::Differs(_))
                    && let Ok(done) = &mut done.outcome
                {
                    done.output = None;
                    done.findings.clear();
                }
                if done.outcome.as_ref().is_ok_and(|done| done.output.is_none()) {
                    let why = outcome.verdict.details().first().map(|why| format!(" ({why})")).unwrap_or_default();
                    rewritten.unproven.push(body::plain(&format!("{path}: {}{why}", outcome.verdict.name())));
                }
                outcomes.push(outcome);
            }
            let outcome = match done.outcome {
                Ok(outcome) => outcome,
                Err(Failure::Elsewhere(text)) => {
                    return Err(body::plain(&text.replace(&format!("{}/", root.display()), "")));
                }
                Err(Failure::File(text)) => {
                    rewritten.left.push(Left { path, line: None, text, settled: false });
                    continue;
                }
            };
            let (fixed, left): (Vec<Report>, Vec<Report>) =
                outcome.findings.into_iter().partition(|report| matches!(report.status, Status::Fixed(_)));
            rewritten.left.extend(left.iter().map(|report| Left::of(&path, report, &done.source)));
            let Some(output) = outcome.output else { continue };
            write::replace(&input.path, &done.source, &output)?;
            rewritten.changed.push(Changed::new(path, fixed, &done.source, &output));
        }
        if !outcomes.is_empty() {
            rewritten.proof = Some(verify::report::markdown(&outcomes));
        }
        Ok(rewritten)
    }
}

/// A sum of the names and contents in what git prints of a change.
fn sum(raw: &str) -> String {
    let mut bytes = Vec::new();
    for line in raw.lines() {
        // `:100644 100644 <old> <new> M<tab>name`
        let new = line.split(' ').nth(3).unwrap_or_default();
        let name = line.split_once('\t').map_or("", |(_, name)| name);
        bytes.extend_from_slice(format!("{new} {name}\n").as_bytes());
    }
    format!("{:016x}", fnv(&bytes))
}

/// A hash that is the same on every machine and in every version.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What came of a push.
enum Pushed {
    New,
    Same,
    Foreign,
}

/// What the transforms of a topic make of a repository.
#[derive(Default)]
struct Rewritten {
    changed: Vec<Changed>,
    left: Vec<Left>,
    /// What would change, but is not proven to be the same.
    unproven: Vec<String>,
    /// The block of `verify`.
    proof: Option<String>,
}

/// Lets a repository use the objects of a checkout, where that has all of them.
fn borrow(git: &Git, near: &Path) -> Result<(), String> {
    let near = Git::of(near)?;
    let is = |what: &[&str], wanted: &str| near.run(what.iter().copied()).unwrap_or_default() == wanted;
    let whole = is(&["rev-parse", "--is-shallow-repository"], "false")
        && near.run(["config", "--get-regexp", r"remote\..*\.promisor"]).is_err();
    if !whole {
        return Err("it has not all objects".into());
    }
    let objects = near.run(["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
    let info = git.root().join(".git/objects/info");
    fs::create_dir_all(&info).map_err(|error| error.to_string())?;
    fs::write(info.join("alternates"), format!("{objects}\n")).map_err(|error| error.to_string())
}

/// Fetches the base branch and our own ones; without the contents of files, which come when they are looked at.
fn fetch<'a>(git: &Git, near: bool, base: &'a str, ours: impl Iterator<Item = &'a String>) -> Result<(), String> {
    if git.run(["check-ref-format", "--branch", base]).is_err() {
        return Err(format!("{} is no name for a branch; name another base", body::code(base)));
    }
    let mut args = vec!["fetch".to_owned(), "--quiet".into(), "--no-tags".into()];
    args.extend((!near).then(|| "--filter=blob:none".to_owned()));
    args.push("origin".into());
    let branches = std::iter::once(base).chain(ours.map(String::as_str));
    args.extend(branches.map(|branch| format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")));
    git.run(args).map(drop).map_err(|error| format!("{} could not be fetched: {error}", body::code(base)))
}

/// What to do where a repository does not answer.
fn unreachable(error: &str) -> String {
    format!("the repository could not be reached ({error}); look at its address, and at the token's rights")
}

/// Takes the links out of a work tree that lead out of it, or nowhere: nothing outside is read through them.
fn cut_links(git: &Git) -> Result<(), String> {
    let root = git.root().canonicalize().map_err(|error| error.to_string())?;
    let listed = git.run(["ls-files", "--stage", "-z"])?;
    for entry in listed.split('\0').filter(|entry| entry.starts_with("120000 ")) {
        let Some((_, path)) = entry.split_once('\t') else { continue };
        let link = git.root().join(path);
        if !link.canonicalize().is_ok_and(|target| target.starts_with(&root) && !target.starts_with(root.join(".git")))
        {
            // Where it is gone already, a link on its way was cut.
            drop(fs::remove_file(&link));
        }
    }
    Ok(())
}

/// Whether the base branch's commits are written as Conventional Commits.
fn conventional(git: &Git, base: &str) -> bool {
    let log = git.run(["log", "--format=%s", "--no-merges", "-n", "20", base]).unwrap_or_default();
    let kinds = ["feat", "fix", "build", "chore", "ci", "docs", "refactor", "test", "perf", "style", "revert"];
    let like = |line: &&str| {
        let head = line.split(':').next().unwrap_or_default();
        line.contains(": ") && kinds.contains(&head.split(['(', '!']).next().unwrap_or_default())
    };
    let all = log.lines().count();
    all > 0 && log.lines().filter(like).count() * 2 > all
}

/// A title in the form of Conventional Commits. Their linters want no capital behind the kind.
fn conventional_title(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string()).unwrap_or_default();
    format!("build: {first}{}", letters.as_str())
}

fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}

/// How long it is waited between two changes on a site, where many repositories are visited.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
