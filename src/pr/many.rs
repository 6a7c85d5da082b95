//! Many repositories: which ones, what is done already, and a report at the end. One that fails stops no other.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::repository::{self, Action, Asked, Place, fnv};
use super::{Sites, body, git, host};
use crate::batch;
use crate::cli::{Global, HostName, PrArgs, Shard};
use crate::input::cause;
use crate::report::human;
use crate::verify::{Laboratory, child};

/// How many repositories are worked on at once, where nothing is said: a site counts what is asked at once.
const AT_ONCE: usize = 4;

/// What came of one repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) repository: String,
    /// Why nothing came of it, and what to do.
    pub(super) error: Option<String>,
    pub(super) requests: Vec<Asked>,
    pub(super) seconds: f64,
}

impl Done {
    /// Whether something went wrong.
    pub(super) fn failed(&self) -> bool {
        self.error.is_some() || self.requests.iter().any(|asked| asked.action == Action::Failed)
    }
}

/// Brings one repository up to date; whatever goes wrong is in what comes of it.
pub(super) fn one(args: &PrArgs, place: &Place, laboratory: Option<&Laboratory>, show: &(dyn Fn(&str) + Sync)) -> Done {
    let begin = Instant::now();
    let caught = batch::caught(|| repository::bring_up_to_date(args, place, laboratory, show));
    let (error, requests) = match caught.and_then(|result| result) {
        Ok(requests) => (None, requests),
        Err(error) => (Some(error), Vec::new()),
    };
    let seconds = (begin.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    Done { repository: place.name.clone(), error, requests, seconds }
}

/// Works on all repositories of a file or an organisation, and answers what came of each, sorted by name.
///
/// # Errors
/// The list can't be had, or the note of what is done can't be kept.
pub(super) fn all(args: &PrArgs, global: &Global, laboratory: Option<&Laboratory>) -> Result<Vec<Done>> {
    let sites = Sites::new(args);
    let mut names = match (&args.many.repos, &args.many.org) {
        (Some(path), _) => from_file(args, path)?,
        (None, Some(owner)) => of_owner(&sites, owner)?,
        (None, None) => Vec::new(),
    };
    if let Some(shard) = args.many.shard {
        let (at, of) = part(shard)?;
        names.retain(|(name, _)| fnv(name.as_bytes()) % of as u64 == (at - 1) as u64);
    }
    let state = args.many.state.as_deref().map(State::open).transpose()?;
    let mut done: Vec<Done> = state.as_ref().map(|state| state.done.clone()).unwrap_or_default();
    let known: BTreeSet<String> = done.iter().map(|done| done.repository.clone()).collect();
    done.retain(|done| names.iter().any(|(name, _)| *name == done.repository));
    names.retain(|(name, _)| !known.contains(name));
    if !known.is_empty() && !global.quiet {
        human::note(&format!("{} done before, {} to go", known.len(), names.len()));
    }

    let jobs = global.jobs.map_or(AT_ONCE, NonZeroUsize::get).min(names.len());
    let (next, made) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let trouble: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let state = state.map(|state| Mutex::new(state.file));
    let printing = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((name, address)) = names.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if child::stopped() || trouble.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                        break;
                    }
                    let show = |text: &str| {
                        let _turn = printing.lock();
                        super::out(&format!("{name}\n{text}"));
                    };
                    let done = match sites.place(address, None) {
                        Ok(place) => one(args, &Place { name: name.clone(), ..place }, laboratory, &show),
                        Err(error) => {
                            Done { repository: name.clone(), error: Some(error), requests: Vec::new(), seconds: 0.0 }
                        }
                    };
                    // What was stopped in the middle is not done.
                    if child::stopped() && done.failed() {
                        break;
                    }
                    for text in troubles(&done) {
                        human::error(&format!("{name}: {text}"));
                    }
                    let noted = state.as_ref().map_or(Ok(()), |file| {
                        let mut line = serde_json::to_vec(&done)?;
                        line.push(b'\n');
                        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                        // One write, so that a kill leaves a whole line or none that is read.
                        file.write_all(&line)?;
                        anyhow::Ok(())
                    });
                    if let Err(error) = noted {
                        let text = "what is done could not be noted; make room or name another file with --state";
                        *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.context(text));
                    }
                    made.lock().unwrap_or_else(PoisonError::into_inner).push(done);
                }
            });
        }
    });
    if let Some(error) = trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    done.extend(made.into_inner().unwrap_or_else(PoisonError::into_inner));
    done.sort_by(|one, other| one.repository.cmp(&other.repository));
    if let (Some(path), false) = (&args.many.state, child::stopped()) {
        // The pass is over; the next one begins anew.
        fs::remove_file(path).with_context(|| format!("{}: can't be removed", path.display()))?;
    }
    Ok(done)
}

/// What went wrong, a line each.
fn troubles(done: &Done) -> impl Iterator<Item = String> + '_ {
    let failed = done.requests.iter().filter(|asked| asked.action == Action::Failed);
    done.error.iter().cloned().chain(failed.map(|asked| format!("{}: {}", asked.topic, asked.text)))
}

/// The repositories that a file names: how each is called, and its address.
fn from_file(args: &PrArgs, path: &Path) -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path).map_err(|error| anyhow!("{}: {}", path.display(), cause(&error)))?;
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let short = line.split('/').count() >= 2 && !line.contains(':') && !line.starts_with(['/', '.', '~']);
        let address = match short {
            true => format!("{}/{line}.git", site_of(args)?),
            false => line.to_owned(),
        };
        let name = match short {
            true => line.to_owned(),
            false => body::plain(&git::credentials(line).0),
        };
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, address));
        }
    }
    match found.is_empty() {
        true => bail!("{}: names no repository; write one address a line", path.display()),
        false => Ok(found),
    }
}

/// The address before `OWNER/NAME`.
fn site_of(args: &PrArgs) -> Result<String> {
    let api = args.api.as_deref().map(|api| api.trim_end_matches('/'));
    Ok(match (args.host, api) {
        (None | Some(HostName::Github), None | Some("https://api.github.com")) => "https://github.com".into(),
        (Some(HostName::Gitlab), None) => "https://gitlab.com".into(),
        (Some(HostName::Gitea), None) => {
            bail!("where OWNER/NAME is can't be told; say it with --api, or write addresses")
        }
        (_, Some(api)) => {
            let (scheme, rest) = api.split_once("://").context("--api is no address; write https://…")?;
            format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
        }
    })
}

/// The repositories of an organisation, a group or a user.
fn of_owner(sites: &Sites<'_>, owner: &str) -> Result<Vec<(String, String)>> {
    let host = site_of(sites.args)?;
    let (scheme, host) = host.split_once("://").unwrap_or(("https", ""));
    let kind = sites.kind(Some(host)).context("what kind of site it is can't be told; say it with --host")?;
    // Nobody else sets it: there is one list.
    let _ = sites.home.set(host.to_owned());
    let (client, _) = sites.client(kind, Some(host), scheme).map_err(anyhow::Error::msg)?;
    let listed = host::repositories(&client, owner).map_err(anyhow::Error::msg)?;
    if listed.is_empty() {
        bail!("{} has no repository that the token may see; look at the name and at the token", body::code(owner));
    }
    Ok(listed.into_iter().map(|one| (one.name, one.url)).collect())
}

/// Which part, as it was typed or as a scheduler's variables say.
fn part(shard: Shard) -> Result<(usize, usize)> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.trim().parse::<usize>().ok());
    let (at, of) = match shard {
        Shard::Part(at, of) => return Ok((at, of)),
        Shard::Auto(of) => {
            // GitLab counts from 1, Kubernetes from 0 and does not say how many there are.
            let at = number("CI_NODE_INDEX").or(number("JOB_COMPLETION_INDEX").map(|index| index + 1));
            (at, of.or(number("CI_NODE_TOTAL")).or(number("DOCKWRIGHT_SHARDS")))
        }
    };
    match (at, of) {
        (Some(at), Some(of)) if (1..=of).contains(&at) => Ok((at, of)),
        (Some(_), Some(_)) => bail!("the scheduler's variables name a part that is not there; write --shard I/N"),
        (None, _) => bail!("neither CI_NODE_INDEX nor JOB_COMPLETION_INDEX is set; write --shard I/N"),
        (_, None) => bail!("how many parts there are is not known; write --shard auto/N"),
    }
}

/// The note of what is done: an object a line.
struct State {
    done: Vec<Done>,
    file: File,
}

impl State {
    /// Reads what there is. A last line that was cut off by a kill is taken out; what failed is tried again.
    fn open(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => bail!("{}: {}", path.display(), cause(&error)),
        };
        let mut done: Vec<Done> = Vec::new();
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        for (number, line) in text.get(..whole).unwrap_or_default().lines().enumerate() {
            let one: Done = serde_json::from_str(line).map_err(|error| {
                anyhow!("{}:{}: not a note of what is done ({error}); remove the file", path.display(), number + 1)
            })?;
            done.push(one);
        }
        done.retain(|done| !done.failed());
        let named = |error: std::io::Error| anyhow!("{}: {}", path.display(), cause(&error));
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(named)?;
        file.set_len(whole as u64).map_err(named)?;
        Ok(Self { done, file })
    }
}

/// The report for tools.
pub(super) fn report(done: &[Done]) -> Value {
    let count =
        |action: Action| done.iter().flat_map(|done| &done.requests).filter(|asked| asked.action == action).count();
    json!({
        "version": 1,
        "repositories": done,
        "summary": {
            "repositories": done.len(),
            "failed": done.iter().filter(|done| done.failed()).count(),
            "opened": count(Action::Opened),
            "updated": count(Action::Updated),
            "unchanged": count(Action::Unchanged),
            "closed": count(Action::Closed),
            "left": count(Action::Left),
            "would": count(Action::Would),
        },
    })
}

/// The report for people: a line for each request, and one for the whole.
pub(super) fn table(done: &[Done]) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for one in done {
        if let Some(error) = &one.error {
            rows.push([one.repository.clone(), String::new(), "failed".into(), error.clone()]);
        }
        for asked in one.requests.iter().filter(|asked| asked.action != Action::Nothing) {
            let what = match (&asked.action, &asked.url) {
                (Action::Opened | Action::Updated | Action::Unchanged, Some(url)) => url.clone(),
                _ => asked.text.clone(),
            };
            rows.push([one.repository.clone(), asked.topic.clone(), asked.action.name().to_owned(), what]);
        }
    }
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0).min(60)
    };
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for [repository, topic, action, what] in &rows {
        let [first, second, third] = widths;
        out += &format!("{repository:first$}  {topic:second$}  {action:third$}  {what}\n");
    }
    let count = |action: Action| rows.iter().filter(|row| row[2] == action.name()).count();
    let failed = done.iter().filter(|done| done.failed()).count();
    let mut parts = vec![format!("{} repositories", done.len())];
    for action in [Action::Opened, Action::Updated, Action::Unchanged, Action::Closed, Action::Left, Action::Would] {
        if count(action) > 0 {
            parts.push(format!("{} {}", count(action), action.name()));
        }
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    out + &parts.join(", ") + "\n"
}
