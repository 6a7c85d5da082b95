//! What stops a change of the user: needs that only root can meet, and the word of the author.

mod author;
mod base;
mod calls;
mod daemons;
mod kernel;
mod program;
mod script;

use regex::bytes::Regex;

use crate::knowledge::releases::Family;
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::effects::{Effect, Store};
use crate::model::{Model, Stage, built_on, paths};
use crate::syntax::{Keyword, TileKind};
use crate::transform::Refusal;

use super::images::{Facts, Start};
use super::scripts::{self, Script};
use super::survey::{Survey, Unit};
use super::{owns, refuse, user, who};

use author::{AUTHOR, SCANNERS, above_start, purpose};
pub(super) use base::own_start;
use base::{base_entry, unknown_server};
use calls::{calls_raw, calls_sudo};
pub(super) use daemons::{installed_like, installs, installs_like, only_a_shell, taken_place};
use daemons::{tools, tools_of_root};
pub(super) use kernel::right;
use kernel::{kernel, rights, sockets};
pub(super) use program::builds;
use program::{compiles, program};
pub(super) use script::{SCRIPT, script_of};
use script::{SWITCHES, script, unread};

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// What the file as a whole says: its author's word, and kinds of images whose user is not ours to choose.
pub(super) fn kind_of_file(model: &Model<'_>, stage: &Stage, facts: &Facts) -> Result<(), Refusal> {
    let file = model.file;
    let marked = |text: &[u8]| SCANNERS.as_ref().is_none_or(|marks| marks.is_match(text));
    // Few files have any of them, and then their comments need not be asked one by one.
    let comments = if marked(file.source) { file.tiles.as_slice() } else { &[] };
    for tile in comments.iter().filter(|tile| matches!(tile.kind, TileKind::Comment)) {
        let text = tile.span.of(file.source);
        if marked(text) && AUTHOR.as_ref().is_some_and(|author| author.is_match(text.trim_ascii())) {
            let line = file.line_of(tile.span.start);
            let text = format!("the comment in line {line} says that root is meant");
            return Err(refuse("author-wants-root", text, true));
        }
    }
    if let Some(line) = above_start(model) {
        let text = format!("the comment in line {line} says that what starts is meant to run as root");
        return Err(refuse("author-wants-root", text, true));
    }
    if file.escape != b'\\' {
        return Err(refuse("windows", "it is written for Windows, where users work differently", true));
    }
    if let Some(image) = model.image(stage)
        && facts.family == Some(Family::Windows)
    {
        return Err(refuse("windows", format!("{image} is a Windows image, where users work differently"), true));
    }
    for (index, instruction) in model.body(stage) {
        if instruction.keyword == Keyword::Run
            && memchr::memmem::find(instruction.args.text.as_bytes(), b"root").is_some()
            && model.steps(index).unwrap_or_default().iter().any(sets_root)
        {
            let text = format!("the sed in line {} lets its server run as root", instruction.lines.0);
            return Err(refuse("author-wants-root", text, true));
        }
        if instruction.keyword == Keyword::Onbuild {
            let text = "ONBUILD makes it a base image: the builds on top of it would run as the user too";
            return Err(refuse("onbuild", text, true));
        }
        if instruction.keyword == Keyword::Shell && !model.posix(index) {
            return Err(refuse("windows", "its SHELL is not a POSIX shell", true));
        }
        if instruction.keyword == Keyword::Label && instruction.args.text.contains("com.github.actions.") {
            let text = "it is a GitHub action, and GitHub runs actions as root";
            return Err(refuse("ci-image", text, true));
        }
    }
    purpose(model)
}

/// Whether a command changes the user of a server to root: `sed -i 's/USER=app/USER=root/' /etc/init.d/app`.
fn sets_root(step: &Step) -> bool {
    step.program() == "sed"
        && step.args().iter().any(|arg| {
            let mut parts = arg.split(['/', '#', '|', '@']);
            let command = parts.next().is_some_and(|first| first.ends_with('s'));
            let words = |part: &str| part.to_ascii_lowercase().replace(['=', '"', '\\'], " ");
            let root = |part: &str| {
                let words = words(part);
                let words: Vec<&str> = words.trim_end_matches(';').split_whitespace().collect();
                matches!(words.as_slice(), ["user", "root"])
            };
            command && parts.next().is_some_and(|from| !root(from)) && parts.next().is_some_and(root)
        })
}

/// Whether other images are built on it: as another Dockerfile says, or by what the file is called where nothing is started
/// in it.
///
/// # Errors
/// It is: what their Dockerfiles run would run as its user.
pub(super) fn built_on(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if let Some(other) = built_on::built_on(survey.model) {
        let text = format!("{other} is built on the image that this file makes, and its steps would run as that user");
        return Err(refuse("passed-on", text, true));
    }
    if survey.entry.is_empty()
        && let Some(file) = survey.model.settings.base_file()
    {
        let text =
            format!("{file} is by its name what other images are built on, and their steps would run as that user");
        return Err(refuse("passed-on", text, true));
    }
    Ok(())
}

/// What starts.
///
/// # Errors
/// A refusal that says what needs root.
pub(super) fn check(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    tools_for_ci(survey)?;
    sockets(survey)?;
    rights(survey)?;
    base_entry(survey)?;
    tools(survey)?;
    for step in &survey.entry.steps {
        as_another(survey, step.span.text(survey.model.file.source))?;
        program(survey, step)?;
        unknown_server(survey, step)?;
        compiles(survey, step)?;
        fetches(step)?;
    }
    if let Some(place) = scripts::writes(&survey.entry.steps).0.iter().find_map(owns::system_place) {
        return Err(refuse("needs-root", format!("it writes {place} when the container starts"), true));
    }
    for found in &survey.scripts {
        script(found)?;
        let text = String::from_utf8_lossy(&found.text).replace("\r\n", "\n");
        for step in found.steps.iter().flatten() {
            as_another(survey, step.span.text(text.as_bytes()))?;
            program(survey, step)?;
            compiles(survey, step)?;
        }
    }
    for step in &survey.entry.steps {
        let Some(path) = scripts::started(step) else { continue };
        if !survey.scripts.iter().any(|script| paths::name(&script.path) == paths::name(&path)) {
            unread(survey, step, &path)?;
        }
    }
    for step in &survey.started {
        installs_outside(survey, step)?;
    }
    unmade(survey)?;
    kernel(survey)?;
    calls_sudo(survey)?;
    calls_raw(survey)?;
    tools_of_root(survey)?;
    // What only brings an init system is a base for anything.
    let init = survey.facts.program.or(survey.facts.entrypoint).is_some_and(|program| program.ends_with("init"));
    if survey.facts.start == Start::Needs
        && !init
        && let Some(path) = user::unread_script(survey)
    {
        let text =
            format!("the start script {path} can't be seen here, and what {} starts needs root", survey.facts.key);
        return Err(refuse("needs-root", text, true));
    }
    let named = owns::databases(survey).into_iter().map(|(_, path)| path).find(|path| paths::parent(path) == "/");
    if let Some(path) = named.or_else(|| owns::database_in_root(survey)) {
        let text = format!(
            "{path} is a database by its name, and what writes to it makes files beside it, in /, where root alone may; give it a folder of its own"
        );
        return Err(refuse("needs-root", text, true));
    }
    let beside = owns::beside_root(survey);
    if let Some(file) = beside.file.as_ref().filter(|_| !beside.place.is_empty()) {
        let text = format!(
            "the program writes {file} where it works, in {}, where root alone may make files on an image without a shell; copy \
             a folder there with --chown",
            beside.place
        );
        return Err(refuse("needs-root", text, true));
    }
    if let Some(file) = &beside.file {
        // A log in the folder itself has no name of its own: `path: .`.
        let file = if file.is_empty() { "files" } else { file };
        let text = format!(
            "the program writes {file} into its working directory, which is /, where root alone may make files; give the project \
             a folder of its own with WORKDIR"
        );
        return Err(refuse("needs-root", text, true));
    }
    switched_by_hand(survey)
}

/// Whether commands that somebody else starts in the image need root.
///
/// # Errors
/// A refusal that says for what.
pub(super) fn needs_root(
    survey: &Survey<'_, '_>,
    steps: &[Step],
    scripts: &[Script],
    words: &[&str],
) -> Result<(), Refusal> {
    words.iter().try_for_each(|words| as_another(survey, words))?;
    scripts.iter().try_for_each(script)?;
    for step in steps {
        program(survey, step)?;
        compiles(survey, step)?;
        fetches(step)?;
        installs_outside(survey, step)?;
    }
    match scripts::writes(steps).0.iter().find_map(owns::system_place) {
        Some(place) => Err(refuse("needs-root", format!("it writes {place}"), true)),
        None => Ok(()),
    }
}

/// A folder that what starts makes at the root of an image without a shell, where nobody can make and give it beforehand.
fn unmade(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if survey.facts.family.is_none_or(Family::has_shell) {
        return Ok(());
    }
    let brought = |path: &String| {
        let mut copies = survey.all().filter_map(|unit| survey.copied(unit)?.to.as_deref());
        copies.any(|to| paths::within(to, path) || paths::within(path, to) && to != "/")
    };
    let volume = || survey.all().any(|unit| unit.instruction.keyword == Keyword::Volume);
    let mut written = owns::told(survey).into_iter().chain(owns::of_process(survey)).chain(owns::kept_by_told(survey));
    match written.find(|path| !brought(path)) {
        Some(path) if !volume() => {
            let text = format!("it writes {path}, which only root can make on an image without a shell");
            Err(refuse("needs-root", text, true))
        }
        _ => Ok(()),
    }
}

/// A command that is read for what it starts, and starts it by `su` or `sudo`: these ask for a password of everybody but root.
fn as_another(survey: &Survey<'_, '_>, command: &str) -> Result<(), Refusal> {
    const BEFORE: [&str; 4] = ["exec", "CMD", "ENTRYPOINT", "nohup"];
    let mut words = command.split(|c: char| c.is_ascii_whitespace() || matches!(c, '[' | ']' | '"' | ',' | '\''));
    let first = words.find(|word| {
        let assigns = word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
        !word.is_empty() && !assigns && !BEFORE.iter().any(|before| before.eq_ignore_ascii_case(word))
    });
    let program = first.map(paths::name).unwrap_or_default();
    let trusted = || memchr::memmem::find(survey.model.file.source, b"NOPASSWD").is_some();
    if matches!(program, "su" | "runuser") || program == "sudo" && !trusted() {
        let text = format!("{program} needs root to start the program as another user");
        return Err(refuse("drops-privileges", text, true));
    }
    Ok(())
}

/// Sources that are fetched into the root folder when the container starts, where nobody else may make a folder.
fn fetches(step: &Step) -> Result<(), Refusal> {
    let Effect::Fetch(folders) = step.effect() else { return Ok(()) };
    match folders.iter().find(|folder| paths::parent(folder) == "/" || *folder == "/") {
        Some(folder) => {
            let text = format!(
                "{} fetches into {folder} when the container starts, where only root can write",
                step.program()
            );
            Err(refuse("needs-root", text, true))
        }
        None => Ok(()),
    }
}

/// What installs, when the container starts, into a place of the system that belongs to root.
fn installs_outside(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    if step.args().iter().any(|arg| arg == "--user" || arg.contains("HOME") || arg.starts_with("DESTDIR=")) {
        return Ok(());
    }
    let installs = step.args().iter().any(|arg| arg == "install");
    let outside = match step.program() {
        // What the image has already, Bundler only looks at.
        "bundle" | "bundler" => {
            let verb = step.subcommand();
            let mut build = survey.all().flat_map(|unit| survey.steps(unit));
            matches!(verb, None | Some("install" | "update"))
                && !build.any(|built| {
                    matches!(built.program(), "bundle" | "bundler")
                        && matches!(built.subcommand(), None | Some("install"))
                })
        }
        // Without a virtual environment, pip goes on in the home of the user.
        "pip" | "pip3" => {
            installs
                && survey.all().any(|unit| {
                    unit.instruction.keyword == Keyword::Env && unit.instruction.args.text.contains("VIRTUAL_ENV")
                })
        }
        // Of sources that are there: `make install`, `python setup.py install`, `./Build install`.
        "make" => matches!(step.effect(), Effect::Store(Store::Prefix)) && !stays(survey, step),
        "setup.py" | "Build" => installs,
        program if program.starts_with("python") => installs && step.args().iter().any(|arg| arg == "setup.py"),
        _ => false,
    };
    if !outside {
        return Ok(());
    }
    let shown = step.argv.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
    let text = format!("`{shown}` installs packages when the container starts, where only root can write");
    Err(refuse("package-manager-at-start", text, true))
}

/// Whether the makefile that a command reads names no place outside of its folder: what it calls to install is a package
/// manager's work there.
fn stays(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let text = step.path("Makefile").and_then(|path| survey.read(&path));
    text.is_some_and(|text| {
        let text = String::from_utf8_lossy(&text);
        !["/usr", "PREFIX", "prefix"].iter().any(|place| text.contains(place))
    })
}

/// Images in which other people's builds run.
fn tools_for_ci(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let key = survey.facts.key.as_str();
    if key.contains("devcontainers/") || key.contains("jnlp") || workplaces::is_agent(key) {
        let text = format!("{key} is an image in which builds run, and those expect the user that it has");
        return Err(refuse("ci-image", text, true));
    }
    // Where Concourse looks for the programs of a resource.
    let resource = |unit: &Unit<'_>| {
        let copied = survey.copied(unit).and_then(|copied| copied.to.as_deref());
        copied.is_some_and(|to| paths::within(to, "/opt/resource"))
            || survey.steps(unit).iter().any(|step| {
                let words = step.operands().chain(step.outputs.iter().map(String::as_str));
                words.filter(|word| word.starts_with("/opt/resource")).any(|word| step.path(word).is_some())
            })
    };
    if survey.all().any(resource) {
        let text = "it is a resource of Concourse, which hands it folders that belong to root";
        return Err(refuse("ci-image", text, true));
    }
    let action = |unit: &Unit<'_>| {
        matches!(unit.instruction.keyword, Keyword::Env | Keyword::Workdir)
            && ["GITHUB_WORKSPACE", "/github/workspace"].iter().any(|mark| unit.instruction.args.text.contains(mark))
    };
    if survey.units.iter().any(action) {
        let text = "it works in the folder that GitHub hands its actions, which belongs to root";
        return Err(refuse("ci-image", text, true));
    }
    if survey.entry.steps.iter().any(|step| step.program().starts_with("drone-")) {
        let text = "it is a plugin of Drone, which starts it in a folder that belongs to root";
        return Err(refuse("ci-image", text, true));
    }
    Ok(())
}

/// Tools that step down from root, in whatever script they are used.
fn switched_by_hand(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let present = SWITCHES.as_ref().is_none_or(|marks| marks.is_match(survey.model.file.source));
    if !present {
        return Ok(());
    }
    for unit in survey.all() {
        let text = unit.text();
        for tool in ["gosu", "su-exec", "entrypoint-demoter"] {
            // A base of other images has it for what they start.
            let brought = !survey.entry.is_empty() || unit.instruction.keyword == Keyword::Run;
            if brought && text.contains(tool) {
                let text = format!("{tool} is there to start the program as another user, for which it needs root");
                return Err(refuse("drops-privileges", text, true));
            }
        }
        if text.contains("s6-overlay") && !survey.entry.is_empty() {
            return Err(refuse("init-system", "s6 starts the services, and does that as root", true));
        }
    }
    Ok(())
}

/// Ports below 1024 that the image announces.
pub(super) fn low_ports(survey: &Survey<'_, '_>) -> Vec<u16> {
    let mut ports = Vec::new();
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::Expose) {
        for word in unit.instruction.words() {
            let word = survey.model.expand(unit.index, word.raw);
            let number = word.text.split(['/', '-']).next().unwrap_or_default();
            if let Ok(port) = number.rsplit(':').next().unwrap_or_default().parse::<u16>()
                && (1..1024).contains(&port)
                && !ports.contains(&port)
            {
                ports.push(port);
            }
        }
    }
    for port in survey.entry.steps.iter().flat_map(told_ports).filter(|port| (1..1024).contains(port)) {
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    if survey.entry.entrypoint.is_none() && survey.entry.cmd.is_none() {
        for port in survey.facts.ports.iter().filter(|port| **port < 1024) {
            if !ports.contains(port) {
                ports.push(*port);
            }
        }
    }
    ports
}

/// The ports that a command is told to listen on: `--port=80`, `--port 80`, `0.0.0.0:80`.
fn told_ports(step: &Step) -> Vec<u16> {
    let args = step.args();
    let behind = |at: usize| at.checked_sub(1).and_then(|before| args.get(before)).is_some_and(|word| word == "--port");
    let of = |(at, arg): (usize, &String)| {
        let value = arg.rsplit_once('=').map_or(arg.as_str(), |(_, value)| value);
        let told = arg.strip_prefix("--port=").or_else(|| arg.strip_prefix("--server.port="));
        let told = told.or_else(|| behind(at).then_some(arg.as_str()));
        told.or_else(|| value.strip_prefix("0.0.0.0:")).or_else(|| value.strip_prefix("[::]:"))?.parse::<u16>().ok()
    };
    args.iter().enumerate().filter_map(of).collect()
}

/// Whether a name can be no user of a program.
pub(super) fn unfit(user: &str) -> bool {
    who::is_root(user) || user.contains(['/', ' ', '"', '\''])
}
