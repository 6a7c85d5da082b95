//! The `git` program, run with arguments and never through a shell; nothing of the repository's own configuration runs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository.
pub(super) struct Git {
    root: PathBuf,
    /// The value of an `Authorization` header, for remotes over HTTP.
    authorization: Option<String>,
}

impl Git {
    /// The repository that holds `folder`.
    ///
    /// # Errors
    /// One line: there is no repository, or no `git`.
    pub(super) fn of(folder: &Path, authorization: Option<String>) -> Result<Self, String> {
        let mut git = Self { root: folder.to_owned(), authorization };
        let top = git.run(["rev-parse", "--show-toplevel"]).map_err(|error| {
            format!("{}: not in a Git repository ({error}); run it in a checkout", folder.display())
        })?;
        git.root = PathBuf::from(top);
        Ok(git)
    }

    /// The same repository, seen from a work tree of it.
    pub(super) fn at(&self, folder: &Path) -> Self {
        Self { root: folder.to_owned(), authorization: self.authorization.clone() }
    }

    /// Runs a command and answers what it prints, without the last line end.
    ///
    /// # Errors
    /// What git says on standard error, on one line.
    pub(super) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String, String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root);
        // What a repository can configure to run does not run.
        for setting in ["core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.ext.allow=never", "gc.auto=0"] {
            command.arg("-c").arg(setting);
        }
        command.args(args).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        // The token travels in the environment: a command line can be read by everybody on the machine.
        if let Some(value) = &self.authorization {
            command
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", "http.extraHeader")
                .env("GIT_CONFIG_VALUE_0", format!("Authorization: {value}"));
        }
        let output = command.output().map_err(|error| format!("git could not be run ({error}); install it"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        Err(super::body::plain(&line))
    }
}

/// The host and the `owner/name` of a remote's address: `https://host/owner/name.git`, `git@host:owner/name.git`,
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
}
