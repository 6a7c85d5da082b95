//! The sites that hold repositories: GitHub, GitLab, Gitea and Forgejo. A few questions, asked in each one's words.

use std::sync::Arc;

use serde_json::{Value, json};

use super::client::{Client, Fault, encode};
use super::settings::Settings;
use crate::cli::HostName;

/// How many pages of a list are looked at.
const PAGES: usize = 1000;

/// A repository on a site.
pub(super) struct Host {
    client: Arc<Client>,
    repository: String,
}

/// A request to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) url: String,
    pub(super) body: String,
    pub(super) open: bool,
    pub(super) merged: bool,
}

/// A repository as a list of them names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) url: String,
}

/// What is asked of a new request.
pub(super) struct New<'a> {
    pub(super) branch: &'a str,
    pub(super) base: &'a str,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    pub(super) settings: &'a Settings,
}

impl Host {
    pub(super) fn new(client: Arc<Client>, repository: &str) -> Self {
        Self { client, repository: repository.to_owned() }
    }

    /// Whether something may be changed.
    pub(super) fn writes(&self) -> bool {
        self.client.has_token()
    }

    /// The requests of a branch of this repository, the newest first. A fork's branch of the same name is another one.
    ///
    /// # Errors
    /// One line: what the site says, and what to do.
    pub(super) fn of_branch(&self, branch: &str) -> Result<Vec<Request>, String> {
        self.list_of_branch(branch).map_err(|fault| fault.text)
    }

    fn list_of_branch(&self, branch: &str) -> Result<Vec<Request>, Fault> {
        let repository = &self.repository;
        let owner = repository.split('/').next().unwrap_or_default();
        let path = match self.client.kind() {
            HostName::Github => {
                format!("/repos/{}/pulls?state=all&head={}", path(repository), encode(&format!("{owner}:{branch}")))
            }
            HostName::Gitlab => {
                format!("/projects/{}/merge_requests?state=all&source_branch={}", encode(repository), encode(branch))
            }
            HostName::Gitea => format!("/repos/{}/pulls?state=all", path(repository)),
        };
        let mut found: Vec<Request> = Vec::new();
        pages(&self.client, &path, |one| {
            let ours = match self.client.kind() {
                HostName::Gitlab => {
                    one["source_branch"] == branch && one["source_project_id"] == one["target_project_id"]
                }
                HostName::Github | HostName::Gitea => {
                    let name = one["head"]["repo"]["full_name"].as_str();
                    // Gitea names the head of a branch that is gone in another way, and keeps the name as its label.
                    (one["head"]["ref"] == branch || one["head"]["label"] == branch)
                        && name.is_some_and(|name| name.eq_ignore_ascii_case(repository))
                }
            };
            found.extend(ours.then(|| self.read(one)).flatten());
        })?;
        found.sort_by_key(|request| std::cmp::Reverse(request.number));
        Ok(found)
    }

    /// Opens a request; answers it, and what of its trimmings could not be had.
    ///
    /// # Errors
    /// As [`Host::of_branch`].
    pub(super) fn open(&self, new: &New<'_>) -> Result<(Request, Vec<String>), String> {
        let New { branch, base, title, body, settings } = new;
        let repository = &self.repository;
        let mut lost = Vec::new();
        let (at, what) = match self.client.kind() {
            HostName::Github => (
                format!("/repos/{}/pulls", path(repository)),
                json!({"title": title, "head": branch, "base": base, "body": body, "draft": settings.draft}),
            ),
            HostName::Gitlab => {
                let title = if settings.draft { format!("Draft: {title}") } else { (*title).to_owned() };
                let mut what = json!({
                    "title": title, "source_branch": branch, "target_branch": base, "description": body,
                    "remove_source_branch": true,
                });
                for (names, key) in [(&settings.reviewers, "reviewer_ids"), (&settings.assignees, "assignee_ids")] {
                    let ids: Vec<u64> = names.iter().filter_map(|name| self.person(name, &mut lost)).collect();
                    if !ids.is_empty() {
                        what[key] = json!(ids);
                    }
                }
                if !settings.labels.is_empty() {
                    what["labels"] = json!(settings.labels);
                }
                (format!("/projects/{}/merge_requests", encode(repository)), what)
            }
            HostName::Gitea => {
                let title = if settings.draft { format!("WIP: {title}") } else { (*title).to_owned() };
                let what = json!({"title": title, "head": branch, "base": base, "body": body});
                (format!("/repos/{}/pulls", path(repository)), what)
            }
        };
        let made = match self.client.call("POST", &at, Some(&what)) {
            Ok(made) => self
                .read(&made.value)
                .ok_or_else(|| "the site's answer is not that of a new request; is --api right?".to_owned())?,
            // It was there already: an answer got lost on its way, or somebody else runs beside us.
            Err(fault) if matches!(fault.status, Some(409 | 422)) => {
                let there = self.of_branch(branch)?;
                return match there.into_iter().find(|request| request.open) {
                    Some(request) => Ok((request, lost)),
                    None => Err(fault.text),
                };
            }
            Err(fault) => return Err(fault.text),
        };
        if self.client.kind() != HostName::Gitlab {
            self.trim(made.number, settings, &mut lost);
        }
        Ok((made, lost))
    }

    /// Labels, reviewers and assignees of a new request: what can't be had is no reason to have no request.
    fn trim(&self, number: u64, settings: &Settings, lost: &mut Vec<String>) {
        let repository = path(&self.repository);
        let mut ask = |what: &str, method: &str, at: String, body: Value| {
            if let Err(fault) = self.client.call(method, &at, Some(&body)) {
                lost.push(format!("{what}: {}", fault.text));
            }
        };
        if !settings.labels.is_empty() {
            let at = format!("/repos/{repository}/issues/{number}/labels");
            ask("its labels", "POST", at, json!({"labels": settings.labels}));
        }
        if !settings.assignees.is_empty() {
            let people = json!({"assignees": settings.assignees});
            match self.client.kind() {
                HostName::Gitea => ask("its assignees", "PATCH", format!("/repos/{repository}/pulls/{number}"), people),
                _ => ask("its assignees", "POST", format!("/repos/{repository}/issues/{number}/assignees"), people),
            }
        }
        if !settings.reviewers.is_empty() {
            let (teams, people): (Vec<&str>, Vec<&str>) =
                settings.reviewers.iter().map(String::as_str).partition(|name| name.contains('/'));
            let teams: Vec<&str> = teams.iter().filter_map(|team| team.rsplit('/').next()).collect();
            let at = format!("/repos/{repository}/pulls/{number}/requested_reviewers");
            ask("its reviewers", "POST", at, json!({"reviewers": people, "team_reviewers": teams}));
        }
    }

    /// The number of a person on GitLab.
    fn person(&self, name: &str, lost: &mut Vec<String>) -> Option<u64> {
        let found = self.client.call("GET", &format!("/users?username={}", encode(name)), None);
        let id = match &found {
            Ok(answer) => answer.value[0]["id"].as_u64().ok_or("there is nobody of that name"),
            Err(fault) => Err(fault.text.as_str()),
        };
        id.map_err(|error| lost.push(format!("{}: {error}", super::body::code(name)))).ok()
    }

    /// Gives an open request a new text. Its title belongs to people once it is open.
    ///
    /// # Errors
    /// As [`Host::of_branch`].
    pub(super) fn update(&self, number: u64, body: &str) -> Result<(), String> {
        self.change(number, json!({self.body_key(): body}))
    }

    /// Closes a request with a word, and with a text that says that we did.
    ///
    /// # Errors
    /// As [`Host::of_branch`].
    pub(super) fn close(&self, number: u64, word: &str, body: &str) -> Result<(), String> {
        let repository = &self.repository;
        let at = match self.client.kind() {
            HostName::Gitlab => format!("/projects/{}/merge_requests/{number}/notes", encode(repository)),
            HostName::Github | HostName::Gitea => format!("/repos/{}/issues/{number}/comments", path(repository)),
        };
        self.client.call("POST", &at, Some(&json!({"body": word}))).map_err(|fault| fault.text)?;
        let (key, state) = match self.client.kind() {
            HostName::Gitlab => ("state_event", "close"),
            HostName::Github | HostName::Gitea => ("state", "closed"),
        };
        self.change(number, json!({key: state, self.body_key(): body}))
    }

    fn body_key(&self) -> &'static str {
        if self.client.kind() == HostName::Gitlab { "description" } else { "body" }
    }

    fn change(&self, number: u64, what: Value) -> Result<(), String> {
        let repository = &self.repository;
        let (method, at) = match self.client.kind() {
            HostName::Gitlab => ("PUT", format!("/projects/{}/merge_requests/{number}", encode(repository))),
            HostName::Github | HostName::Gitea => ("PATCH", format!("/repos/{}/pulls/{number}", path(repository))),
        };
        self.client.call(method, &at, Some(&what)).map(drop).map_err(|fault| fault.text)
    }

    fn read(&self, one: &Value) -> Option<Request> {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let gitlab = self.client.kind() == HostName::Gitlab;
        let state = one["state"].as_str()?;
        Some(Request {
            number: one[if gitlab { "iid" } else { "number" }].as_u64()?,
            url: text(if gitlab { "web_url" } else { "html_url" }),
            body: text(self.body_key()),
            open: matches!(state, "open" | "opened"),
            merged: state == "merged" || !one["merged_at"].is_null() || one["merged"] == true,
        })
    }
}

/// The repositories of an organisation, a group or a user, but those that are archived, empty, or forks. GitHub does not tell
/// empty ones apart from small ones; they are found to be empty later.
///
/// # Errors
/// One line: what the site says, and what to do.
pub(super) fn repositories(client: &Client, owner: &str) -> Result<Vec<Listed>, String> {
    let name = encode(owner);
    let (group, user) = match client.kind() {
        HostName::Github => (format!("/orgs/{name}/repos?type=all"), format!("/users/{name}/repos?type=owner")),
        HostName::Gitlab => (
            format!("/groups/{name}/projects?include_subgroups=true&archived=false"),
            format!("/users/{name}/projects?archived=false"),
        ),
        HostName::Gitea => (format!("/orgs/{name}/repos?"), format!("/users/{name}/repos?")),
    };
    let list = |path: &str| {
        let mut found = Vec::new();
        pages(client, path, |one| found.extend(listed(client.kind(), one)))?;
        Ok(found)
    };
    match list(&group) {
        Err(Fault { status: Some(404), .. }) => list(&user),
        other => other,
    }
    .map_err(|fault: Fault| fault.text)
}

/// A repository of a list, where it is one to work on.
fn listed(kind: HostName, one: &Value) -> Option<Listed> {
    let set = |key: &str| one[key] == true;
    let text = |key: &str| one[key].as_str().map(str::to_owned);
    let left_out = match kind {
        HostName::Github => set("archived") || set("fork") || set("disabled"),
        HostName::Gitlab => set("archived") || !one["forked_from_project"].is_null() || set("empty_repo"),
        HostName::Gitea => set("archived") || set("fork") || set("empty") || set("mirror"),
    };
    let (name, url) = match kind {
        HostName::Gitlab => ("path_with_namespace", "http_url_to_repo"),
        HostName::Github | HostName::Gitea => ("full_name", "clone_url"),
    };
    let url = text(url).filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    (!left_out).then_some(Listed { name: text(name)?, url: url? })
}

/// Hands every entry of a list to `each`, page by page.
fn pages(client: &Client, path: &str, mut each: impl FnMut(&Value)) -> Result<(), Fault> {
    let size = if client.kind() == HostName::Gitea { "limit=50" } else { "per_page=100" };
    for page in 1..=PAGES {
        let joint = if path.ends_with('?') { "" } else { "&" };
        let answer = client.call("GET", &format!("{path}{joint}{size}&page={page}"), None)?;
        let all = answer.value.as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().for_each(&mut each);
        if !answer.more || all.is_empty() {
            break;
        }
    }
    Ok(())
}

/// `owner/name` as parts of a URL's path: what is in a name leads nowhere else.
fn path(repository: &str) -> String {
    repository.split('/').map(encode).collect::<Vec<_>>().join("/")
}
