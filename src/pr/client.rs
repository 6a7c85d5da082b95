//! Requests to a site's API over HTTP: patience where the site asks for it, another try where it stumbles, and a sentence
//! that says what to do where it refuses.

use std::env;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::{body, git};
use crate::cli::HostName;
use crate::report::human;
use crate::verify::child;

/// How often a request is tried where the site stumbles or can't be reached.
const TRIES: u32 = 5;

/// How long a site may ask us to wait, in all, where nothing else was said.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A site's API, asked by many threads.
pub(super) struct Client {
    kind: HostName,
    api: String,
    token: Option<Token>,
    agent: ureq::Agent,
    pace: Mutex<Pace>,
    pause: Duration,
    patience: Duration,
}

/// The right to ask.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// The variable that it comes from.
    pub(super) name: &'static str,
    pub(super) secret: String,
}

/// When may be asked again.
struct Pace {
    /// Anything.
    any: Instant,
    /// What changes something.
    change: Instant,
    /// How long the site has made us wait.
    waited: Duration,
}

/// What a site answers.
pub(super) struct Answer {
    pub(super) value: Value,
    /// Whether the list goes on, on another page.
    pub(super) more: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// The status, where the site answered.
    pub(super) status: Option<u16>,
    /// One line: what the site says, and what to do.
    pub(super) text: String,
}

/// An answer as it came.
struct Raw {
    status: u16,
    text: String,
    headers: ureq::http::HeaderMap,
}

impl Raw {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the site asks us to wait: a number of seconds, or until a time.
    fn wait(&self) -> Option<Duration> {
        if let Some(after) = self.header("retry-after").map(str::trim) {
            let until = || httpdate::parse_http_date(after).ok();
            let left = |until: SystemTime| until.duration_since(SystemTime::now()).unwrap_or_default();
            // A date has whole seconds, so the last one is waited for too.
            let date = || until().map(|until| left(until) + Duration::from_secs(1));
            if let Some(wait) = after.parse().ok().map(Duration::from_secs).or_else(date) {
                return Some(wait);
            }
        }
        let remaining = self.header("x-ratelimit-remaining").or(self.header("ratelimit-remaining"))?;
        let reset = self.header("x-ratelimit-reset").or(self.header("ratelimit-reset"))?;
        let reset = Duration::from_secs(reset.trim().parse().ok()?);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (remaining.trim() == "0").then(|| reset.saturating_sub(now) + Duration::from_secs(1))
    }

    /// Whether it is no refusal but a wish for patience. GitHub says 403 for both.
    fn limits(&self) -> bool {
        self.status == 429
            || (self.status == 403 && (self.wait().is_some() || self.text.to_ascii_lowercase().contains("rate limit")))
    }
}

impl Client {
    pub(super) fn new(
        kind: HostName,
        api: &str,
        token: Option<Token>,
        pause: Duration,
        patience: Option<Duration>,
    ) -> Self {
        let api = api.trim_end_matches('/').to_owned();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            // A site that sends us elsewhere would have the token sent there.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy(&api))
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        let now = Instant::now();
        let pace = Mutex::new(Pace { any: now, change: now, waited: Duration::ZERO });
        let patience = patience.unwrap_or(PATIENCE);
        Self { kind, api, token, agent: config.into(), pace, pause, patience }
    }

    pub(super) fn kind(&self) -> HostName {
        self.kind
    }

    /// Whether something may be changed.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Sends one request; waits and tries again where the site asks for it.
    ///
    /// # Errors
    /// The site refuses, or can't be reached.
    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Fault> {
        let url = format!("{}{path}", self.api);
        let mut stumbles = 0;
        loop {
            self.turn(method)?;
            let last = match self.send(method, &url, body) {
                Ok(raw) if (200..300).contains(&raw.status) => {
                    let more = raw.header("link").is_some_and(|link| link.contains("rel=\"next\""));
                    return Ok(Answer { value: serde_json::from_str(&raw.text).unwrap_or(Value::Null), more });
                }
                Ok(raw) if raw.limits() => {
                    // A limit without a time is one of a minute, as GitHub's documentation has it.
                    self.wait(raw.wait().unwrap_or(Duration::from_secs(60)), raw.status)?;
                    continue;
                }
                Ok(raw) if raw.status >= 500 => Fault {
                    status: Some(raw.status),
                    text: format!("{} answers {} again and again; try later", self.shown(), raw.status),
                },
                Ok(raw) => return Err(Fault { status: Some(raw.status), text: self.explain(&raw) }),
                Err(error) => {
                    let error = body::plain(&self.hidden(&error));
                    let text =
                        format!("{} could not be reached ({error}); look at the network and at --api", self.shown());
                    Fault { status: None, text }
                }
            };
            stumbles += 1;
            if stumbles == TRIES || child::stopped() {
                return Err(last);
            }
            // A little more or less, so that many who were refused together do not come back together.
            let odd = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos() % 128;
            thread::sleep(Duration::from_millis((200 << stumbles) + u64::from(odd)));
        }
    }

    /// Waits until it is our turn.
    fn turn(&self, method: &str) -> Result<(), Fault> {
        let changes = method != "GET";
        loop {
            let now = Instant::now();
            let until = {
                let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
                let until = if changes { pace.any.max(pace.change) } else { pace.any };
                if until <= now {
                    if changes {
                        pace.change = now + self.pause;
                    }
                    return Ok(());
                }
                until
            };
            if child::stopped() {
                return Err(Fault { status: None, text: "stopped".into() });
            }
            thread::sleep((until - now).min(Duration::from_millis(200)));
        }
    }

    /// Keeps all threads from asking for a while.
    fn wait(&self, long: Duration, status: u16) -> Result<(), Fault> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let until = now + long;
        // Others may wait already; only what is added counts.
        let added = until.saturating_duration_since(pace.any.max(now));
        if pace.waited + added > self.patience {
            let text = format!(
                "{} answers {status} and asks to wait {} s, which is more than --patience; run it again later",
                self.shown(),
                long.as_secs()
            );
            return Err(Fault { status: Some(status), text });
        }
        pace.waited += added;
        pace.any = pace.any.max(until);
        drop(pace);
        if added >= Duration::from_secs(5) {
            human::note(&format!("{} asks to wait {} s", self.shown(), long.as_secs()));
        }
        Ok(())
    }

    fn send(&self, method: &str, url: &str, body: Option<&Value>) -> Result<Raw, String> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header("User-Agent", concat!("dockwright/", env!("CARGO_PKG_VERSION")));
        request = match self.kind {
            HostName::Github => {
                request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28")
            }
            HostName::Gitlab | HostName::Gitea => request.header("Accept", "application/json"),
        };
        if let Some(Token { name, secret }) = &self.token {
            request = match self.kind {
                HostName::Github => request.header("Authorization", format!("Bearer {secret}")),
                HostName::Gitlab if *name == "CI_JOB_TOKEN" => request.header("JOB-TOKEN", secret),
                HostName::Gitlab => request.header("PRIVATE-TOKEN", secret),
                HostName::Gitea => request.header("Authorization", format!("token {secret}")),
            };
        }
        let answer = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string());
                self.agent.run(request.map_err(|error| error.to_string())?)
            }
            None => self.agent.run(request.body(()).map_err(|error| error.to_string())?),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok(Raw { status: answer.status().as_u16(), text, headers: answer.headers().clone() })
    }

    /// What a refusal means and what to do, in one line.
    fn explain(&self, raw: &Raw) -> String {
        let said = serde_json::from_str::<Value>(&raw.text).unwrap_or_default();
        let mut words = Vec::new();
        gather(&said["message"], &mut words);
        gather(&said["error"], &mut words);
        gather(&said["errors"], &mut words);
        let said = body::plain(&self.hidden(&words.join("; ")));
        let token = self.token.as_ref().map_or("a token", |token| token.name);
        let mut what = match raw.status {
            300..=399 => "it is elsewhere now; has the repository been renamed? use its new address".into(),
            401 => format!("the token is not accepted; make a new one and put it into {token}"),
            403 => format!("the token may not do this; give {token} the right to write contents and pull requests"),
            404 => "there is no such repository, or the token may not see it; look at the address and at the token's \
                    rights"
                .into(),
            409 | 422 => "the site does not take the request; what it says has to be mended first".into(),
            status => format!("the site refuses ({status}); look at --api"),
        };
        // GitHub says which rights a classic token has, and which it would take.
        if let (403 | 404, Some(has), Some(wants)) =
            (raw.status, raw.header("x-oauth-scopes"), raw.header("x-accepted-oauth-scopes"))
            && !wants.trim().is_empty()
        {
            what +=
                &format!(" (it has the scopes `{}`, and one of `{}` is needed)", body::plain(has), body::plain(wants));
        }
        match said.is_empty() {
            true => format!("{} answers {}: {what}", self.shown(), raw.status),
            false => format!("{} answers {} ({said}): {what}", self.shown(), raw.status),
        }
    }

    fn shown(&self) -> String {
        self.hidden(&self.api)
    }

    fn hidden(&self, text: &str) -> String {
        git::hidden(text, self.token.as_ref().map_or("", |token| &token.secret))
    }
}

/// The texts in a value, however the site arranges them.
fn gather(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) if !words.contains(text) => words.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| gather(one, words)),
        Value::Object(all) => match all.get("message") {
            Some(message) => gather(message, words),
            None => all.values().for_each(|one| gather(one, words)),
        },
        _ => {}
    }
}

/// Whom to trust: what the system trusts or `SSL_CERT_FILE` and `SSL_CERT_DIR` name, a company's own authority among
/// them; Mozilla's list where the system has none.
fn roots() -> RootCerts {
    static ROOTS: OnceLock<Option<Arc<Vec<Certificate<'static>>>>> = OnceLock::new();
    let found = ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            human::note(&format!("a certificate authority could not be read ({error}); look at SSL_CERT_FILE"));
        }
        let roots: Vec<_> = found.certs.iter().map(|one| Certificate::from_der(one.as_ref()).to_owned()).collect();
        (!roots.is_empty()).then(|| Arc::new(roots))
    });
    match found {
        Some(roots) => RootCerts::Specific(Arc::clone(roots)),
        None => RootCerts::WebPki,
    }
}

/// The proxy on the way to `api`, as `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
fn proxy(api: &str) -> Option<ureq::Proxy> {
    let scheme: [&str; 2] =
        if api.starts_with("https:") { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let names = scheme.into_iter().chain(["ALL_PROXY", "all_proxy"]);
    let value = names.filter_map(|name| env::var(name).ok()).find(|value| !value.is_empty())?;
    let given = match ureq::Proxy::new(&value) {
        Ok(given) => given,
        Err(error) => {
            human::error(&format!("the proxy that the environment names can't be used ({error}); asking without it"));
            return None;
        }
    };
    let mut builder = ureq::Proxy::builder(given.protocol()).host(given.host()).port(given.port());
    if let Some(user) = given.username() {
        builder = builder.username(user);
    }
    if let Some(password) = given.password() {
        builder = builder.password(password);
    }
    let without = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
    for one in without.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        builder = builder.no_proxy(one);
    }
    builder.build().ok()
}

/// What a URL has for itself; all else is part of a name.
const NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as part of a URL's path or query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NAMES).to_string()
}
