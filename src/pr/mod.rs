//! `dockwright pr`: the changes as pull requests, kept up to date run after run.
//!
//! 1. `many`: which repositories, and a note of those that are done.
//! 2. `repository`: one of them: `git`, in a clone of our own; `host` and `client`: what its site has and is asked for;
//!    `body`: what a request says.

mod body;
mod client;
mod git;
mod host;
mod many;
mod repository;
mod settings;

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use crate::cli::{Global, HostName, PrArgs, ProofArgs};
use crate::exit::Exit;
use crate::report::human;
use crate::verify::{Laboratory, child};

use client::{Client, Token};
use git::{Git, Key};
use many::Done;
use repository::Place;

/// Runs the subcommand.
///
/// # Errors
/// What keeps every request from being made: no repository, no token, a site that refuses.
pub(crate) fn run(args: &PrArgs, global: &Global) -> Result<Exit> {
    if !args.verify && args.proof != ProofArgs::default() {
        bail!("the options for building and running go with --verify, which is missing");
    }
    let many = &args.many;
    if many.repos.is_none() && many.org.is_none() && (many.shard.is_some() || many.state.is_some()) {
        bail!("--shard and --state go with --repos or --org; name many repositories");
    }
    child::listen();
    let laboratory = match args.verify {
        true => Some(Laboratory::open(&args.proof).map_err(anyhow::Error::msg)?),
        false => None,
    };
    let done = match (&many.repos, &many.org) {
        (None, None) => {
            let place = match &many.repo {
                Some(url) => {
                    let sites = Sites::new(args);
                    sites.place(url, None)
                }
                None => here(args),
            };
            let show = |text: &str| out(text);
            vec![many::one(args, &place.map_err(|error| anyhow!(error))?, laboratory.as_ref(), &show)]
        }
        _ => many::all(args, global, laboratory.as_ref())?,
    };
    if let Some(laboratory) = &laboratory {
        laboratory.close();
    }
    if let Some(path) = &args.report {
        let text = serde_json::to_string_pretty(&many::report(&done))?;
        fs::write(path, text + "\n")
            .map_err(|error| anyhow!("{}: can't be written ({error}); name another file", path.display()))?;
    }
    if many.repos.is_some() || many.org.is_some() {
        out(&many::table(&done));
    } else {
        done.iter().for_each(|done| say(done, global));
    }
    Ok(match () {
        () if child::stopped() => Exit::Interrupted,
        () if done.iter().any(Done::failed) => Exit::Trouble,
        () => Exit::Done,
    })
}

/// Writes to standard output. A reader who went away is nobody's loss: the requests are made.
fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Says of one repository what came of its requests.
fn say(done: &Done, global: &Global) {
    if let Some(error) = &done.error {
        human::error(error);
    }
    for asked in &done.requests {
        let line = format!("{}: {}", asked.topic, asked.text);
        match asked.action {
            repository::Action::Failed => human::error(&line),
            _ if !global.quiet => human::note(&line),
            _ => {}
        }
    }
    if done.error.is_none() && done.requests.is_empty() && !global.quiet {
        human::note("the repository is empty, or `enabled = false` stands in its `dockwright.toml`; nothing is done");
    }
}

/// The sites of a run: each one's API is asked through one client, which keeps to its limits.
struct Sites<'a> {
    args: &'a PrArgs,
    clients: std::sync::Mutex<Vec<(HostName, String, Arc<Client>)>>,
    /// The site whose list names the repositories: what it names elsewhere gets no token.
    home: std::sync::OnceLock<String>,
}

impl<'a> Sites<'a> {
    fn new(args: &'a PrArgs) -> Self {
        Self { args, clients: std::sync::Mutex::default(), home: std::sync::OnceLock::new() }
    }

    /// What kind of site a host is.
    fn kind(&self, host: Option<&str>) -> Option<HostName> {
        // A label of the name, so that a host which only has it somewhere inside is not taken for it.
        let known =
            |mark: &str| host.is_some_and(|host| host.split([':', '.']).any(|label| label.eq_ignore_ascii_case(mark)));
        self.args.host.or(match () {
            () if known("github") => Some(HostName::Github),
            () if known("gitlab") => Some(HostName::Gitlab),
            () if known("gitea") || known("forgejo") || known("codeberg") => Some(HostName::Gitea),
            () => None,
        })
    }

    /// The client for a site.
    fn client(&self, kind: HostName, host: Option<&str>, scheme: &str) -> Result<(Arc<Client>, Option<Token>), String> {
        let api = match (&self.args.api, host, kind) {
            (Some(api), ..) => api.clone(),
            (None, Some("github.com"), HostName::Github) => "https://api.github.com".to_owned(),
            (None, Some(host), HostName::Github) => format!("{scheme}://{host}/api/v3"),
            (None, Some(host), HostName::Gitlab) => format!("{scheme}://{host}/api/v4"),
            (None, Some(host), HostName::Gitea) => format!("{scheme}://{host}/api/v1"),
            (None, None, _) => {
                return Err("where the site's API is can't be told from the address; say it with --api".into());
            }
        };
        let token = token(kind);
        let mut clients = self.clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((.., client)) = clients.iter().find(|(known, at, _)| *known == kind && *at == api) {
            return Ok((Arc::clone(client), token));
        }
        let many = self.args.many.repos.is_some() || self.args.many.org.is_some();
        let usual = if many { repository::PAUSE } else { std::time::Duration::ZERO };
        let pause = self.args.many.pause.unwrap_or(usual);
        let client = Arc::new(Client::new(kind, &api, token.clone(), pause, self.args.many.patience));
        clients.push((kind, api, Arc::clone(&client)));
        Ok((client, token))
    }

    /// The repository at an address, with a checkout of it where there is one. What a relative path is about is that
    /// checkout, or the current folder.
    fn place(&self, address: &str, near: Option<PathBuf>) -> Result<Place, String> {
        let (mut url, given) = git::credentials(address);
        let (host, path) = git::address(&url).unzip();
        let name = |host: &str| host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if let (Some(home), Some(host)) = (self.home.get(), &host)
            && name(home) != name(host)
        {
            let (host, home) = (body::plain(host), body::plain(home));
            return Err(format!(
                "it is on {host} and not on {home}, so the token is not sent there; name it with --repo"
            ));
        }
        let local = host.is_none() && !url.contains("://");
        if local {
            let folder = near.as_deref().unwrap_or(Path::new(".")).join(&url);
            url = match folder.canonicalize() {
                Ok(folder) => folder.to_string_lossy().into_owned(),
                Err(error) => return Err(format!("{}: {}", body::plain(&url), crate::input::cause(&error))),
            };
        }
        let Some(kind) = self.kind(host.as_deref()) else {
            return Err(format!("what kind of site {} is on can't be told; say it with --host", body::plain(&url)));
        };
        let Some(repository) = self.args.repository.clone().or(path).or_else(|| last_two(&url)) else {
            return Err("the address names no repository; name it with --repository OWNER/NAME".into());
        };
        if repository.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(format!("{} is no repository's name; name it with --repository", body::code(&repository)));
        }
        let scheme = if url.starts_with("http://") { "http" } else { "https" };
        // The port of an address for SSH is not the one of the API, and is taken off already.
        let (client, token) = self.client(kind, host.as_deref(), scheme)?;
        if token.is_none() && !self.args.dry_run {
            return Err(format!(
                "there is no token; put one that may write contents and pull requests into {}",
                variables(kind).join(" or ")
            ));
        }
        let user = match kind {
            HostName::Github => "x-access-token",
            HostName::Gitlab if token.as_ref().is_some_and(|token| token.name == "CI_JOB_TOKEN") => "gitlab-ci-token",
            HostName::Gitlab | HostName::Gitea => "oauth2",
        };
        // For HTTP; other transports have keys of their own.
        let site = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("http")).and_then(|(scheme, rest)| {
            let host = rest.split('/').next()?;
            Some(format!("{scheme}://{host}/"))
        });
        let right = given.or_else(|| token.map(|token| (user.to_owned(), token.secret)));
        let key = site.zip(right).map(|(site, (user, secret))| Key { site, user, secret });
        Ok(Place { name: repository.clone(), url, key, client, repository, near, author: None })
    }
}

/// `owner/name` of a path on this machine.
fn last_two(path: &str) -> Option<String> {
    let mut parts = path.trim_end_matches('/').trim_end_matches(".git").rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !owner.is_empty()).then(|| format!("{owner}/{name}"))
}

/// The variables that hold a site's token.
fn variables(kind: HostName) -> &'static [&'static str] {
    match kind {
        HostName::Github => &["GITHUB_TOKEN", "GH_TOKEN"],
        HostName::Gitlab => &["GITLAB_TOKEN", "CI_JOB_TOKEN"],
        HostName::Gitea => &["GITEA_TOKEN", "FORGEJO_TOKEN"],
    }
}

fn token(kind: HostName) -> Option<Token> {
    variables(kind).iter().find_map(|name| {
        let secret = env::var(name).ok()?.trim().to_owned();
        (!secret.is_empty()).then_some(Token { name, secret })
    })
}

/// The repository that the current folder is a checkout of.
fn here(args: &PrArgs) -> Result<Place, String> {
    let git = Git::of(Path::new("."))?;
    let url = git.run(["remote", "get-url", "--", &args.remote]).map_err(|error| {
        format!("there is no remote `{}` ({error}); name one with --remote", body::plain(&args.remote))
    })?;
    let place = Sites::new(args).place(&url, Some(git.root().to_owned()))?;
    let set = |name: &str| git.run(["config", name]).ok().filter(|value| !value.is_empty());
    // The environment wins over settings, as it does for git.
    let author = match env::var_os("GIT_COMMITTER_EMAIL") {
        Some(_) => None,
        None => set("user.name").zip(set("user.email")).map(|(name, address)| format!("{name} <{address}>")),
    };
    Ok(Place { author, ..place })
}
