//! The sites that hold repositories: GitHub, GitLab, Gitea and Forgejo. Four questions, asked in each one's words.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::HostName;

/// How often a request is tried where the site asks for patience or stumbles.
const TRIES: u32 = 4;

/// A repository on a site.
pub(super) struct Host {
    kind: HostName,
    api: String,
    repository: String,
    token: String,
    agent: ureq::Agent,
}

/// A request to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) url: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) open: bool,
    pub(super) merged: bool,
}

impl Host {
    pub(super) fn new(kind: HostName, api: &str, repository: &str, token: String) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        let api = api.trim_end_matches('/').to_owned();
        Self { kind, api, repository: repository.to_owned(), token, agent: config.into() }
    }

    /// The requests of a branch, the newest first.
    ///
    /// # Errors
    /// One line: what the site says, and what to do.
    pub(super) fn of_branch(&self, branch: &str) -> Result<Vec<Request>, String> {
        let repository = &self.repository;
        let owner = repository.split('/').next().unwrap_or_default();
        let found = match self.kind {
            HostName::Github => self.call(
                "GET",
                &format!(
                    "/repos/{repository}/pulls?state=all&per_page=50&head={}",
                    encode(&format!("{owner}:{branch}"))
                ),
                None,
            )?,
            HostName::Gitlab => self.call(
                "GET",
                &format!(
                    "/projects/{}/merge_requests?state=all&per_page=50&source_branch={}",
                    encode(repository),
                    encode(branch)
                ),
                None,
            )?,
            HostName::Gitea => self.call("GET", &format!("/repos/{repository}/pulls?state=all&limit=50"), None)?,
        };
        let all = found.as_array().cloned().unwrap_or_default();
        let head = |one: &Value| match self.kind {
            HostName::Gitlab => one["source_branch"].as_str().map(str::to_owned),
            _ => one["head"]["ref"].as_str().map(str::to_owned),
        };
        Ok(all.iter().filter(|one| head(one).as_deref() == Some(branch)).filter_map(|one| self.read(one)).collect())
    }

    /// Opens a request.
    ///
    /// # Errors
    /// As [`Host::of_branch`].
    pub(super) fn open(
        &self,
        branch: &str,
        base: &str,
        title: &str,
        body: &str,
        draft: bool,
    ) -> Result<Request, String> {
        let repository = &self.repository;
        let made = match self.kind {
            HostName::Github => self.call(
                "POST",
                &format!("/repos/{repository}/pulls"),
                Some(json!({"title": title, "head": branch, "base": base, "body": body, "draft": draft})),
            ),
            HostName::Gitlab => {
                let title = if draft { format!("Draft: {title}") } else { title.to_owned() };
                self.call(
                    "POST",
                    &format!("/projects/{}/merge_requests", encode(repository)),
                    Some(json!({"title": title, "source_branch": branch, "target_branch": base, "description": body})),
                )
            }
            HostName::Gitea => {
                let title = if draft { format!("WIP: {title}") } else { title.to_owned() };
                self.call(
                    "POST",
                    &format!("/repos/{repository}/pulls"),
                    Some(json!({"title": title, "head": branch, "base": base, "body": body})),
                )
            }
        }?;
        self.read(&made).ok_or_else(|| "the site's answer is not that of a new request; is --api right?".to_owned())
    }

    /// Gives an open request a new title and text.
    ///
    /// # Errors
    /// As [`Host::of_branch`].
    pub(super) fn update(&self, number: u64, title: &str, body: &str) -> Result<(), String> {
        let text = if self.kind == HostName::Gitlab { "description" } else { "body" };
        self.change(number, json!({"title": title, text: body}))
    }

    /// Closes a request, with a word.
    ///
    /// # Errors
    /// As [`Host::of_branch`].
    pub(super) fn close(&self, number: u64, word: &str) -> Result<(), String> {
        let repository = &self.repository;
        let path = match self.kind {
            HostName::Gitlab => format!("/projects/{}/merge_requests/{number}/notes", encode(repository)),
            _ => format!("/repos/{repository}/issues/{number}/comments"),
        };
        self.call("POST", &path, Some(json!({"body": word})))?;
        let state = match self.kind {
            HostName::Gitlab => json!({"state_event": "close"}),
            _ => json!({"state": "closed"}),
        };
        self.change(number, state)
    }

    fn change(&self, number: u64, what: Value) -> Result<(), String> {
        let repository = &self.repository;
        match self.kind {
            HostName::Gitlab => {
                self.call("PUT", &format!("/projects/{}/merge_requests/{number}", encode(repository)), Some(what))
            }
            _ => self.call("PATCH", &format!("/repos/{repository}/pulls/{number}"), Some(what)),
        }
        .map(drop)
    }

    fn read(&self, one: &Value) -> Option<Request> {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let gitlab = self.kind == HostName::Gitlab;
        let state = one["state"].as_str()?;
        Some(Request {
            number: one[if gitlab { "iid" } else { "number" }].as_u64()?,
            url: text(if gitlab { "web_url" } else { "html_url" }),
            title: text("title"),
            body: text(if gitlab { "description" } else { "body" }),
            open: matches!(state, "open" | "opened"),
            merged: state == "merged" || !one["merged_at"].is_null() || one["merged"] == true,
        })
    }

    /// Sends one request; waits and tries again where the site asks for it.
    fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
        let url = format!("{}{path}", self.api);
        let mut last = String::new();
        for attempt in 0..TRIES {
            let answer = self.send(method, &url, body.as_ref());
            let (status, wait, text) = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    last = format!("{} could not be reached ({error}); look at the network and at --api", self.api);
                    thread::sleep(pause(attempt, None));
                    continue;
                }
            };
            match status {
                200..=299 => return Ok(serde_json::from_str(&text).unwrap_or(Value::Null)),
                429 | 500..=599 => {
                    last = format!("{} answers {status} again and again; try later", self.api);
                    thread::sleep(pause(attempt, wait));
                }
                _ => return Err(self.explain(status, &text)),
            }
        }
        Err(last)
    }

    /// The status, how long to wait in seconds where the site says so, and the text.
    fn send(&self, method: &str, url: &str, body: Option<&Value>) -> Result<(u16, Option<u64>, String), String> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header("User-Agent", concat!("dockwright/", env!("CARGO_PKG_VERSION")))
            .header("Accept", "application/json")
            .header("Content-Type", "application/json");
        let request = match self.kind {
            HostName::Github => request.header("Authorization", format!("Bearer {}", self.token)),
            HostName::Gitlab => request.header("PRIVATE-TOKEN", &self.token),
            HostName::Gitea => request.header("Authorization", format!("token {}", self.token)),
        };
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(text).map_err(|error| error.to_string())?;
        let mut answer = self.agent.run(request).map_err(|error| error.to_string())?;
        let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok((answer.status().as_u16(), wait, text))
    }

    /// What a refusal means and what to do, in one line.
    fn explain(&self, status: u16, text: &str) -> String {
        let said = serde_json::from_str::<Value>(text).ok();
        let said =
            said.as_ref().and_then(|said| said["message"].as_str().or(said["error"].as_str())).unwrap_or_default();
        let said = super::body::plain(said);
        let what = match status {
            401 => "the token is not accepted; make a new one",
            403 => "the token may not do this; give it the right to write contents and pull requests",
            404 => "there is no such repository, or the token may not see it; look at --repository and the token",
            409 | 422 => "the site does not take the request",
            _ => "the site refuses",
        };
        match said.is_empty() {
            true => format!("{} answers {status}: {what}", self.api),
            false => format!("{} answers {status} ({said}): {what}", self.api),
        }
    }
}

/// How long to wait before the next try: what the site says, up to a minute, or longer each time.
fn pause(attempt: u32, said: Option<u64>) -> Duration {
    said.map_or_else(|| Duration::from_millis(250 << attempt), |seconds| Duration::from_secs(seconds.min(60)))
}

/// A text as part of a URL's path or query.
fn encode(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
