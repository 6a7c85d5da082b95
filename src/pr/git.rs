//! The `git` program, run with arguments and never through a shell, in a repository of our own: what another one
//! configures does not run.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;

use super::body;
use crate::verify::child::{self, End, Stoppable};

/// A command that takes longer than this hangs.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What would run or reach something, switched off.
const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "protocol.ext.allow=never",
    // A server that sends us elsewhere would have the token sent there.
    "http.followRedirects=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "gc.auto=0",
];

/// Variables by which a caller (a hook of git's, say) would lead us to another repository.
const ELSEWHERE: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// The right to read and write a repository over HTTP.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The part of an address that it is for: `https://host/`.
    pub(super) site: String,
    pub(super) user: String,
    pub(super) secret: String,
}

/// A repository.
pub(super) struct Git {
    root: PathBuf,
    key: Option<Key>,
    /// Settings that travel in the environment.
    settings: Vec<(String, String)>,
    /// Who commits, where git itself does not know.
    who: Option<(String, String)>,
}

impl Git {
    /// The repository that holds `folder`.
    ///
    /// # Errors
    /// One line: there is no repository, or no `git`.
    pub(super) fn of(folder: &Path) -> Result<Self, String> {
        let mut git = Self { root: folder.to_owned(), key: None, settings: Vec::new(), who: None };
        let top = git.run(["rev-parse", "--show-toplevel"]).map_err(|error| {
            format!("{}: not in a Git repository ({error}); run it in a checkout, or name one", folder.display())
        })?;
        git.root = PathBuf::from(top);
        Ok(git)
    }

    /// An empty repository in `folder`, whose remote `origin` is at `url`.
    ///
    /// # Errors
    /// What git says.
    pub(super) fn begin(folder: &Path, url: &str, key: Option<Key>) -> Result<Self, String> {
        let mut git = Self { root: folder.to_owned(), key, settings: Vec::new(), who: None };
        // No template: its hooks are not ours.
        git.run(["-c", "init.defaultBranch=dockwright", "init", "--quiet", "--template="])?;
        git.set("remote.origin.url", url);
        Ok(git)
    }

    /// Sets something for all that follows.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Its outermost folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes `who` the one who commits, or us where neither the environment nor git's settings name anybody.
    pub(super) fn commit_as(&mut self, who: Option<&str>) {
        let parts = |who: &str| {
            let (name, address) = who.strip_suffix('>')?.split_once(" <")?;
            Some((name.to_owned(), address.to_owned()))
        };
        let named = ["GIT_COMMITTER_EMAIL", "EMAIL"].iter().any(|name| env::var_os(name).is_some())
            || self.run(["config", "user.email"]).is_ok();
        self.who = match who.and_then(parts) {
            Some(who) => Some(who),
            None if named => None,
            None => Some(("dockwright".into(), "dockwright@users.noreply.invalid".into())),
        };
    }

    /// Runs a command and answers what it prints, without the last line end.
    ///
    /// # Errors
    /// What git says on standard error, on one line, without the secret.
    pub(super) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String, String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root);
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        command.args(args).env("GIT_TERMINAL_PROMPT", "0").env("GIT_LFS_SKIP_SMUDGE", "1").env("LC_ALL", "C");
        // A server that sends nothing for a minute sends nothing more.
        command.env("GIT_HTTP_LOW_SPEED_LIMIT", "1").env("GIT_HTTP_LOW_SPEED_TIME", "60");
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        if let Some((name, address)) = &self.who {
            for role in ["AUTHOR", "COMMITTER"] {
                command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), address);
            }
        }
        let mut settings = self.settings.clone();
        if let Some(Key { site, user, secret }) = &self.key {
            // The token travels in the environment: a command line can be read by everybody on the machine. It is for
            // its site alone.
            let value = format!("Authorization: Basic {}", BASE64.encode(format!("{user}:{secret}")));
            settings.push((format!("http.{site}.extraHeader"), value));
        }
        // They come after those that the environment has already.
        let count: usize = env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
        for (at, (name, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{}", count + at), name);
            command.env(format!("GIT_CONFIG_VALUE_{}", count + at), value);
        }
        command.env("GIT_CONFIG_COUNT", (count + settings.len()).to_string());
        let ended = child::run(&mut command, LIMIT, Stoppable::Yes, &|_| {})
            .map_err(|error| format!("git could not be run ({error}); install it"))?;
        match ended.end {
            End::Late => Err("git took longer than half an hour; look at the network".into()),
            End::Stopped => Err("stopped".into()),
            End::Done(_) if ended.success() => Ok(String::from_utf8_lossy(&ended.stdout).trim_end().to_owned()),
            End::Done(_) => {
                let text = String::from_utf8_lossy(&ended.stderr);
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                Err(body::plain(&self.hidden(&lines.join("; "))))
            }
        }
    }

    /// A text without the secret.
    fn hidden(&self, text: &str) -> String {
        match &self.key {
            Some(key) => hidden(text, &key.secret),
            None => without_credentials(text),
        }
    }
}

/// A text without a secret, nor what addresses in it hold before an `@`.
pub(super) fn hidden(text: &str, secret: &str) -> String {
    let text = if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") };
    without_credentials(&text)
}

/// A text in whose addresses nothing stands before an `@`.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|one: char| one == '/' || one == '\'' || one.is_whitespace()).unwrap_or(part.len());
        let (authority, rest) = part.split_at(end);
        out.push_str("://");
        out.push_str(authority.rsplit('@').next().unwrap_or_default());
        out.push_str(rest);
    }
    out
}

/// An address apart: where it leads to, and the name and password that stand in it.
pub(super) fn credentials(url: &str) -> (String, Option<(String, String)>) {
    let plain = (url.to_owned(), None);
    let Some((scheme, rest)) = url.split_once("://") else { return plain };
    if !scheme.starts_with("http") {
        return plain;
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((person, host)) = authority.rsplit_once('@') else { return plain };
    let (user, password) = person.split_once(':').unwrap_or((person, ""));
    let found = (!password.is_empty()).then(|| (decoded(user), decoded(password)));
    (format!("{scheme}://{host}{path}"), found)
}

/// A text whose `%40` and the like are what they stand for.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The host and the `owner/name` of a repository's address: `https://host/owner/name.git`, `git@host:owner/name.git`,
/// `ssh://git@host:22/owner/name`.
pub(super) fn address(url: &str) -> Option<(String, String)> {
    let (host, path) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        None => {
            let (host, path) = url.split_once(':')?;
            if host.contains('/') {
                return None;
            }
            (host, path)
        }
    };
    let host = host.rsplit('@').next()?;
    let host = if url.starts_with("ssh://") { host.split(':').next()? } else { host };
    let path = path.trim_matches('/').trim_end_matches(".git");
    (path.contains('/') && !host.is_empty()).then(|| (host.to_owned(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        let of = |url: &str| address(url).map(|(host, path)| format!("{host} {path}"));
        assert_eq!(of("https://github.com/a/b.git").as_deref(), Some("github.com a/b"));
        assert_eq!(of("https://user@gitlab.com/g/s/b").as_deref(), Some("gitlab.com g/s/b"));
        assert_eq!(of("git@github.com:a/b.git").as_deref(), Some("github.com a/b"));
        assert_eq!(of("ssh://git@host.example:2222/a/b.git").as_deref(), Some("host.example a/b"));
        assert_eq!(of("http://localhost:3000/a/b.git").as_deref(), Some("localhost:3000 a/b"));
        assert_eq!(of("/srv/git/b.git"), None);
        assert_eq!(of("file:///srv/git/b.git"), None);
    }

    #[test]
    fn what_stands_before_the_host_is_taken_out_and_never_shown() {
        let (url, found) = credentials("https://me:p%40ss@host.example/a/b.git");
        assert_eq!(url, "https://host.example/a/b.git");
        assert_eq!(found, Some(("me".into(), "p@ss".into())));
        assert_eq!(credentials("git@host.example:a/b").0, "git@host.example:a/b");
        let said = "fatal: 'https://me:secret@host.example/a' is no repository, nor is https://x@y/z token";
        let shown = hidden(said, "token");
        assert_eq!(shown, "fatal: 'https://host.example/a' is no repository, nor is https://y/z ***");
    }
}
