//! Starting an image and watching it: exit code, output, answers on its ports, health, user.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;

use super::child;
use super::engine::{Config, Container, Engine, Start, State, Trouble};

/// How long to wait for a port, a check or the end.
const WAIT: Duration = Duration::from_secs(30);

/// How long something is watched that says in no way that it is ready.
const WATCH: Duration = Duration::from_secs(5);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// No more of a page or of an output is compared.
const MAX_TEXT: usize = 1 << 20;

/// How many links of a page are followed.
const MAX_LINKS: usize = 20;

/// What a container did.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Observation {
    /// Why it does not even start.
    pub(super) fault: Option<String>,
    /// The code with which it ended by itself; `None` where it went on.
    pub(super) exited: Option<i32>,
    /// The code after it was asked to stop.
    pub(super) stopped: Option<i32>,
    /// Both streams.
    pub(super) output: String,
    /// Exposed ports on which something listened.
    pub(super) listening: BTreeSet<u16>,
    /// In the order in which they were asked.
    pub(super) answers: Vec<Answer>,
    /// The exit code of the health check.
    pub(super) health: Option<i32>,
    /// The user of its first process.
    pub(super) uid: Option<u32>,
    /// Who it runs as.
    pub(super) own: Own,
    /// How long it was watched before it was ready.
    pub(super) took: Duration,
}

impl Observation {
    /// Whether it was started and did not end by itself.
    pub(super) fn went_on(&self) -> bool {
        self.fault.is_none() && self.exited.is_none()
    }
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) port: u16,
    pub(super) path: String,
    /// Status, type and body; or why there is none.
    pub(super) result: Result<Page, String>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) location: String,
    pub(super) body: String,
}

/// What to do with a container.
pub(super) struct Plan<'a> {
    pub(super) tag: &'a str,
    pub(super) name: String,
    pub(super) config: &'a Config,
    /// In place of CMD.
    pub(super) command: &'a [String],
    /// What the original did, where this is not the original.
    pub(super) like: Option<&'a Observation>,
    /// Whether it starts by a command that the other one does without: it may build before it runs.
    pub(super) slow: bool,
    /// How long to wait, where it was typed.
    pub(super) wait: Option<Duration>,
    /// Who it runs as.
    pub(super) own: Own,
    /// Paths to ask for besides `/`.
    pub(super) paths: &'a [String],
}

/// Starts a container, watches it, stops it.
pub(super) fn observe(engine: &dyn Engine, plan: &Plan<'_>) -> Result<Observation, Trouble> {
    let mut seen = Observation { own: plan.own.clone(), ..Observation::default() };
    let ports = plan.config.ports();
    let entrypoint = plan.config.words(crate::cli::Part::Entrypoint);
    let whole = match plan.command.is_empty() {
        true => plan.config.whole(),
        false => [entrypoint.as_slice(), plan.command].concat(),
    };
    let start =
        Start { tag: plan.tag, name: plan.name.clone(), command: plan.command, whole, asked: !ports.is_empty() };
    let begin = Instant::now();
    let container = match engine.start(&start)? {
        Ok(container) => container,
        Err(fault) => {
            seen.fault = Some(fault);
            return Ok(seen);
        }
    };
    let container = container.as_ref();
    let address = until_ready(engine, container, plan, &ports, begin, &mut seen)?;
    seen.took = begin.elapsed();
    if seen.exited.is_none() {
        seen.uid = container.uid();
        if let Some(address) = address {
            for port in seen.listening.clone() {
                container.asking(&mut || ask_all(address, port, plan, &mut seen));
            }
        }
        if let Some(check) = plan.config.health() {
            seen.health = healthy(container, &check, plan)?;
        }
        until_printed(container, plan)?;
        // What is said while it stops tells nothing of how it worked.
        seen.output = container.output();
        seen.stopped = container.stop();
    } else {
        seen.output = container.output();
    }
    seen.output.truncate(floor(&seen.output, MAX_TEXT));
    if child::stopped() {
        return Err(Trouble("interrupted".into()));
    }
    Ok(seen)
}

/// How long to wait for what is being watched.
fn patience(plan: &Plan<'_>, usual: Duration) -> Duration {
    // What the original did in its time the other one may do in a little more.
    let like = plan.like.map_or(Duration::ZERO, |like| like.took * 2 + Duration::from_secs(3));
    plan.wait.unwrap_or_else(|| usual.max(like.min(WAIT * 4)))
}

/// Waits until a port listens, the program ends, or the time is over.
fn until_ready(
    engine: &dyn Engine,
    container: &dyn Container,
    plan: &Plan<'_>,
    ports: &[u16],
    begin: Instant,
    seen: &mut Observation,
) -> Result<Option<IpAddr>, Trouble> {
    let checked = plan.config.health().is_some();
    let telling = (!ports.is_empty() && engine.reachable()) || checked;
    let usual = match (telling, plan.slow) {
        (true, false) => WAIT,
        (false, false) => WATCH,
        (false, true) if plan.like.is_none() => WAIT,
        (_, true) => WAIT * 4,
    };
    let mut limit = patience(plan, usual);
    // Where the original opened some of its ports only, no others are waited for.
    let expected = |port: &u16| plan.like.is_none_or(|like| like.listening.contains(port));
    let mut first = None;
    loop {
        match container.state()? {
            State::Exited(code) => {
                seen.exited = Some(code);
                return Ok(None);
            }
            State::Running(address) => {
                if let Some(address) = address.filter(|_| engine.reachable()) {
                    let open = |port: &&u16| {
                        let address = SocketAddr::new(address, **port);
                        TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
                    };
                    container.asking(&mut || seen.listening.extend(ports.iter().filter(open)));
                    let wanted = ports.iter().filter(|port| expected(port));
                    if !ports.is_empty() && wanted.clone().next().is_some() {
                        if wanted.clone().all(|port| seen.listening.contains(port)) {
                            return Ok(Some(address));
                        }
                        if first.is_none() && !seen.listening.is_empty() {
                            // The other ports may take a moment longer, or are never used.
                            first = Some(Instant::now());
                            limit = limit.min(begin.elapsed() + WATCH);
                        }
                    }
                }
                if begin.elapsed() > limit || (checked && (ports.is_empty() || !engine.reachable())) {
                    return Ok(address.filter(|_| engine.reachable()));
                }
            }
        }
        if child::stopped() {
            return Err(Trouble("interrupted".into()));
        }
        thread::sleep(Duration::from_millis(150));
    }
}

/// Asks a port for `/`, for what its page links to, and for what was typed.
fn ask_all(address: IpAddr, port: u16, plan: &Plan<'_>, seen: &mut Observation) {
    let mut paths: Vec<String> = vec!["/".into()];
    let typed = plan.paths.iter().map(|path| format!("/{}", path.trim_start_matches('/')));
    let first = get(address, port, "/");
    // What the original's page links to is what the other one has to have.
    let linked = match plan.like {
        Some(like) => like.answers.iter().filter(|one| one.port == port).map(|one| one.path.clone()).collect(),
        None => first.result.as_ref().map(links).unwrap_or_default(),
    };
    // Each is asked once: what counts its visitors would answer the second one something else.
    for path in typed.chain(linked) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let speaks = first.result.is_ok();
    seen.answers.push(first);
    for path in paths.iter().skip(1) {
        // A port that speaks something else has said so.
        if speaks {
            seen.answers.push(get(address, port, path));
        }
    }
}

/// `GET path`.
fn get(address: IpAddr, port: u16, path: &str) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent("dockwright")
        .build()
        .into();
    // Under this name servers answer everywhere, and what they write it into is the same on both sides.
    let request = agent.get(format!("http://{}{path}", SocketAddr::new(address, port)));
    let result = request.header("host", format!("localhost:{port}")).call();
    let page = result.map_err(|error| error.to_string()).and_then(|mut answer| {
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (status, kind, location) = (answer.status().as_u16(), header("content-type"), header("location"));
        let body = answer.body_mut().with_config().limit(MAX_TEXT as u64 * 8).read_to_vec();
        let body = body.map_err(|error| error.to_string())?;
        Ok(Page { status, kind, location, body: String::from_utf8_lossy(&body).into_owned() })
    });
    // The address is another one each time.
    let result = page.map_err(|error| error.replace(&address.to_string(), "the container"));
    Answer { port, path: path.to_owned(), result }
}

/// The paths on the same server that a page names: style sheets, scripts, pictures, other pages.
fn links(page: &Page) -> Vec<String> {
    if !page.kind.contains("html") {
        return Vec::new();
    }
    let Ok(pattern) = Regex::new(r#"(?i)\s(?:href|src)\s*=\s*["']?([^"'\s>]+)"#) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for capture in pattern.captures_iter(&page.body) {
        let link = capture.get(1).map_or("", |link| link.as_str()).split('#').next().unwrap_or_default();
        if link.is_empty() || link.starts_with("//") || link.contains(':') || !link.is_ascii() {
            continue;
        }
        let path = match link.strip_prefix("./").unwrap_or(link) {
            rooted if rooted.starts_with('/') => rooted.to_owned(),
            relative => format!("/{relative}"),
        };
        if path != "/" && !found.contains(&path) && found.len() < MAX_LINKS {
            found.push(path.replace("&amp;", "&"));
        }
    }
    found
}

/// Runs the health check until it succeeds, the program ends, or the time is over.
fn healthy(container: &dyn Container, check: &[String], plan: &Plan<'_>) -> Result<Option<i32>, Trouble> {
    let begin = Instant::now();
    loop {
        let code = container.exec(check);
        let ended = matches!(container.state()?, State::Exited(_));
        // The original's own failure is no reason to wait longer for the same.
        let expected = plan.like.is_some_and(|like| like.health == code);
        if code.is_none_or(|code| code == 0) || expected || ended || begin.elapsed() > patience(plan, WAIT) {
            return Ok(code);
        }
        if child::stopped() {
            return Err(Trouble("interrupted".into()));
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Gives a program that goes on the time to print what the original printed.
fn until_printed(container: &dyn Container, plan: &Plan<'_>) -> Result<(), Trouble> {
    let Some(like) = plan.like else { return Ok(()) };
    let begin = Instant::now();
    let users = [&like.own, &plan.own];
    let expected: BTreeSet<String> = like.output.lines().map(|line| masked(line, &users)).collect();
    while begin.elapsed() < patience(plan, WATCH) {
        let output = container.output();
        let printed: BTreeSet<String> = output.lines().map(|line| masked(line, &users)).collect();
        if expected.is_subset(&printed) || matches!(container.state()?, State::Exited(_)) {
            return Ok(());
        }
        if child::stopped() {
            return Err(Trouble("interrupted".into()));
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// What a line says of its user, who is meant to be another one: the name and the home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) name: String,
    /// Empty where there is none.
    pub(super) home: String,
}

/// A line without what differs from one run to the next (colours, numbers, long ids), and without the names and homes of
/// the users: those of both sides, as a name of the one may be any word of the other.
pub(super) fn masked(line: &str, users: &[&Own]) -> String {
    let mut line = line.to_owned();
    for home in users.iter().map(|own| own.home.trim_end_matches('/')).filter(|home| !home.is_empty()) {
        line = line.replace(home, "~");
    }
    for name in users.iter().map(|own| own.name.as_str()).filter(|name| !name.is_empty()) {
        line = words_replaced(&line, name, "user");
    }
    masked_numbers(&line)
}

/// A text with a word replaced where it stands alone.
fn words_replaced(text: &str, word: &str, with: &str) -> String {
    let part = |character: Option<char>| character.is_some_and(|one| one.is_alphanumeric() || one == '_');
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        out.push_str(before);
        out.push_str(if part(out.chars().last()) || part(after.chars().next()) { word } else { with });
        rest = after;
    }
    out + rest
}

fn masked_numbers(line: &str) -> String {
    thread_local! {
        static PATTERNS: [Option<Regex>; 3] = [
            Regex::new(r"\x1b\[[0-9;]*[A-Za-z]").ok(),
            Regex::new(r"(?i)\b(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b").ok(),
            Regex::new(r"(?i)\b(?:0x[0-9a-f]+|[0-9a-f]{8,})\b|[0-9]+").ok(),
        ];
    }
    PATTERNS.with(|[colours, names, numbers]| {
        let mut text = line.trim_end().to_owned();
        for (pattern, with) in [(colours, ""), (names, "…"), (numbers, "#")] {
            if let Some(pattern) = pattern {
                text = pattern.replace_all(&text, with).into_owned();
            }
        }
        text
    })
}

/// The last place at or before `at` where a text can be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_masked() {
        let own = Own { name: "app".into(), home: "/home/app".into() };
        let masked = |line: &str| masked(line, &[&own]);
        assert_eq!(masked("application of app in /home/app/x"), "application of user in ~/x");
        assert_eq!(masked("\x1b[32m[2024-01-02 03:04] pid 7 id 00ff00ff00ff ready"), "[#-#-# #:#] pid # id # ready");
        assert_eq!(masked("Mon Jan 2 x"), masked("Tue Feb 13 x"));
        assert_eq!(masked("<function close at 0x7f3346e1a840>"), "<function close at #>");
    }

    #[test]
    fn the_links_of_a_page_are_those_on_the_same_server() {
        let body = r##"<link href="/s.css"><img src='a.png'><a href="https://x.org/">x</a><a href="#top"><script src=//c.d/e>"##;
        let page = Page { status: 200, kind: "text/html".into(), location: String::new(), body: body.into() };
        assert_eq!(links(&page), ["/s.css", "/a.png"]);
        assert_eq!(links(&Page { kind: "text/plain".into(), ..page }), [] as [&str; 0]);
    }
}
