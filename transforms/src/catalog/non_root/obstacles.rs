//! What stops a change of the user: needs that only root can meet, and the word of the author.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::knowledge::releases::Family;
use crate::knowledge::rooted;
use crate::knowledge::servers;
use crate::knowledge::services::{self, Service};
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::effects::Effect;
use crate::model::{Model, Stage, paths};
use crate::syntax::{Keyword, TileKind};
use crate::transform::Refusal;

use super::images::{Facts, Start};
use super::scripts::{self, Script};
use super::survey::{Survey, Unit};
use super::{owns, refuse, supervised, user, who};

/// Comments by which an author says that root is meant.
static AUTHOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)hadolint\s+(?:global\s+)?ignore\s*=[^\n]*\bDL3002\b|trivy:ignore:(?:AVD-)?DS-?0*2\b|checkov:skip=CKV_DOCKER_(?:3|8)\b|\bnosemgrep\b(?:\s*$|[^\n]*(?:user|root))|kics-scan disable=[^\n]*fd54f200-402c-4333-a5a4-36ef6709af2f|tally\s+(?:global\s+)?ignore\s*=[^\n]*DL3002|dockwright:\s*ignore(?:\s*$|\s*=?[^\n]*\bnon-root\b)",
    )
});

/// Words above what starts by which an author says that root is meant, and such as turn them round.
static AS_ROOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:runs?|running|starts?|started|startup|stays?|needs?|must|has|have)\b[^\n]{0,40}\bas (?:the )?root\b",
    )
});
static NOT_ROOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\bno\b|\bnot\b|n't\b|\bnon\b|\bnever\b|\bavoid|\bwithout\b|\binstead\b|\brather\b|\bcannot\b|\bif\b|\bwhen\b|\bwarn|\binstall|\bbelow\b|\bcommands?\b",
    )
});

/// Words by which people start a container with more rights than a user has in it, or as a part of the machine.
static RIGHTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"--privileged\b|\bnsenter\b|--pid[= ]host\b|docker\.sock\b|--device[= ]"?/dev/|(?i:\bcap[-_]add[=: ]\s*["\[]?(?:cap_)?(?:all|net_admin|net_raw|sys_admin|sys_time|sys_module|sys_rawio|mknod)\b|\bcap_(?:net_admin|net_raw|sys_(?:admin|time|module|rawio|boot)|mknod)\b)"#,
    )
});

/// A folder of the host that people mount into root's home.
static HOMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(?:-v|--volume)[= ]+["']?[^\s:]+:(/root(?:/[\w./-]*)?)\b"#));

/// What all of them say: it is looked for in the whole file first.
static SCANNERS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"ignore|nosemgrep|checkov|kics"));

/// Tools that step down from root, or start services as others.
static SWITCHES: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"gosu|su-exec|entrypoint-demoter|s6-overlay"));

/// Programs that a start script runs and that need root, or that give root up.
pub(super) static SCRIPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?m)^[^#\n]*?(?:^|[\s;&|(`/])(?:(?P<drop>gosu|su-exec|setpriv|runuser|chpst|setuidgid|s6-setuidgid|suexec|su|usermod|groupmod|useradd|adduser)|(?P<init>supervisord|s6-svscan|runsvdir|my_init|systemctl|initctl|rc-service|service|init\.d/[\w-]+)|(?P<own>chown)|(?P<package>apt-get|apk\s+add|yum|dnf|microdnf)|(?P<daemon>sshd|crond?|iptables|ip6tables|sysctl|mount|mknod|modprobe|dockerd|rsyslogd|openvpn|dnsmasq|ldconfig|update-ca-certificates))(?:[\s;&|)]|$)",
    )
});

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// The line of a comment, right above ENTRYPOINT, CMD or `USER root`, which says that root is meant.
fn above_start(model: &Model<'_>) -> Option<u32> {
    let file = model.file;
    let says = |text: &[u8]| {
        AS_ROOT.as_ref().is_some_and(|wanted| wanted.is_match(text))
            && !NOT_ROOT.as_ref().is_some_and(|turned| turned.is_match(text))
    };
    memchr::memmem::find(file.source, b"as root").or_else(|| memchr::memmem::find(file.source, b"as the root"))?;
    let start = |index: u32| {
        let instruction = file.instructions.get(index as usize)?;
        let root = || instruction.keyword == Keyword::User && who::is_root(instruction.args.text.trim());
        // What is switched to for a few steps is closed again.
        let last = || {
            model.shipped().is_some_and(|stage| model.final_user(stage).is_some_and(|user| who::is_root(&user.text)))
        };
        Some(matches!(instruction.keyword, Keyword::Cmd | Keyword::Entrypoint) || root() && last())
    };
    file.tiles.iter().enumerate().find_map(|(at, tile)| {
        if !matches!(tile.kind, TileKind::Comment) || !says(tile.span.of(file.source)) {
            return None;
        }
        let mut behind = file.tiles.iter().skip(at + 1);
        let next = behind.find_map(|tile| match tile.kind {
            TileKind::Instruction(index) => Some(index),
            _ => None,
        })?;
        start(next)?.then(|| file.line_of(tile.span.start))
    })
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

/// Whether other images are built on it, by what the file is called, and nothing is started in it.
///
/// # Errors
/// It is: what their Dockerfiles run would run as its user.
pub(super) fn built_on(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if survey.entry.is_empty()
        && let Some(file) = survey.model.settings.base_file()
    {
        let text =
            format!("{file} is by its name what other images are built on, and their steps would run as that user");
        return Err(refuse("passed-on", text, true));
    }
    Ok(())
}

/// What the files beside it say that the image is for, and its own name.
fn purpose(model: &Model<'_>) -> Result<(), Refusal> {
    if let Some(file) = model.settings.development_container() {
        let text = format!("{file} makes the place where people develop, as the user that devcontainer.json names");
        return Err(refuse("ci-image", text, true));
    }
    let Some(context) = model.context else { return Ok(()) };
    let holds = |path: &str, mark: &str| {
        context.read(path).is_some_and(|content| memchr::memmem::find(&content, mark.as_bytes()).is_some())
    };
    for path in ["action.yml", "action.yaml"] {
        if holds(path, "docker")
            && (holds(path, "image: Dockerfile") || holds(path, "Dockerfile'") || holds(path, "Dockerfile\""))
        {
            let text = format!("{path} makes it a GitHub action, and GitHub runs actions as root");
            return Err(refuse("ci-image", text, true));
        }
    }
    let own = holds("devcontainer.json", "ockerfile");
    if own || holds(".devcontainer/devcontainer.json", "../Dockerfile\"") {
        let text = "devcontainer.json makes it the place where people develop, as the user that is named there";
        return Err(refuse("ci-image", text, true));
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
    match owns::told(survey).into_iter().find(|path| !brought(path)) {
        Some(path) if !volume() => {
            let text = format!("it keeps its data in {path}, which only root can make on an image without a shell");
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

/// A package manager that installs, when the container starts, into a place of the system that belongs to root.
fn installs_outside(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
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
        _ => false,
    };
    if !outside {
        return Ok(());
    }
    let shown = step.argv.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
    let text = format!("`{shown}` installs packages when the container starts, where only root can write");
    Err(refuse("package-manager-at-start", text, true))
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
    if survey.units.iter().any(resource) {
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

fn sockets(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let source = survey.model.file.source;
    // The variants with a daemon need root for more than the socket.
    let daemon = survey.model.image(survey.stage).is_some_and(|image| image.to_string().contains("dind"));
    if survey.facts.key == "docker" && !(daemon && keeps_entrypoint(survey)) {
        let text = "it is Docker's own image, whose client needs the socket that belongs to root";
        return Err(refuse("docker-client", text, true));
    }
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Volume) {
        if unit.text().contains("/sys/fs/cgroup") {
            let text = "its volume /sys/fs/cgroup is systemd's, which starts services as root";
            return Err(refuse("init-system", text, true));
        }
    }
    if memchr::memmem::find(source, b"docker").is_none() {
        return Ok(());
    }
    for unit in &survey.units {
        let text = unit.text();
        // It is in every word that is looked for.
        if !text.contains("docker") {
            continue;
        }
        if text.contains("docker.sock") {
            let text = "it uses the Docker daemon's socket, which belongs to root";
            return Err(refuse("docker-socket", text, true));
        }
        let fetched = matches!(unit.instruction.keyword, Keyword::Add | Keyword::Run | Keyword::Env | Keyword::Arg)
            && ["get.docker.com", "download.docker.com"].iter().any(|mark| text.contains(mark));
        let copied = survey.brings(unit, "/usr/local/bin/docker") || survey.brings(unit, "/usr/bin/docker");
        if fetched || copied {
            let text = "it brings Docker's client, which needs the daemon's socket that belongs to root";
            return Err(refuse("docker-client", text, true));
        }
        if unit.instruction.keyword == Keyword::Run
            && (["docker-ce", "docker-engine", "lxc-docker"].iter().any(|mark| text.contains(mark))
                || installs_docker(survey, unit, &text))
        {
            let text = "it installs Docker, whose daemon and socket belong to root";
            return Err(refuse("docker-client", text, true));
        }
        if survey.steps(unit).iter().any(joins_docker) {
            let text = "it puts its user into the group docker, to which the daemon's socket belongs";
            return Err(refuse("docker-client", text, true));
        }
    }
    Ok(())
}

/// A module by which the program works on the kernel, its devices or its packets: a manifest that the file copies asks for
/// it.
fn kernel(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    const ASIDE: [&str; 7] = ["node_modules", "vendor", "test", "tests", "examples", "example", "docs"];
    let Some(context) = survey.model.context else { return Ok(()) };
    let copied: Vec<String> = survey
        .model
        .file
        .instructions
        .iter()
        .enumerate()
        .filter_map(|(index, _)| survey.model.copied(index))
        .filter(|copied| copied.context)
        .flat_map(|copied| {
            copied.sources.iter().map(|source| source.trim_start_matches("./").trim_matches('/').to_owned())
        })
        .collect();
    let brought = |file: &str| {
        copied.iter().any(|source| matches!(source.as_str(), "" | ".") || paths::within(file, source))
            && !file.split('/').any(|part| ASIDE.contains(&part))
    };
    for file in context.files().iter().filter(|file| brought(file)) {
        let Some(content) = rooted::is_manifest(paths::name(file)).then(|| context.read(file)).flatten() else {
            continue;
        };
        if let Some((module, why)) = rooted::named(paths::name(file), &crate::context::text(&content)) {
            let text = format!("{file} asks for {module}, by which the program {why}, and that is root's");
            return Err(refuse("needs-root", text, true));
        }
    }
    Ok(())
}

/// The first right in a text of `docker run` that a user has no use for.
pub(super) fn right(source: &[u8], text: &[u8]) -> Option<String> {
    // A browser shuts its own processes in, and has capabilities for that as whatever user.
    let browser =
        ["chrom", "puppeteer", "electron"].iter().any(|name| memchr::memmem::find(source, name.as_bytes()).is_some());
    let mut found = RIGHTS.as_ref()?.find_iter(text);
    let found = found.find(|found| !browser || !found.as_bytes().to_ascii_lowercase().ends_with(b"sys_admin"))?;
    Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
}

/// What a comment or a label says of how the image is started: with rights that a user has no use for, as the kernel gives
/// them to root alone.
fn rights(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let file = survey.model.file;
    let homes = HOMES.as_ref().is_some_and(|homes| homes.is_match(file.source));
    if !homes && !RIGHTS.as_ref().is_some_and(|rights| rights.is_match(file.source)) {
        return Ok(());
    }
    let said = |text: &[u8]| right(file.source, text);
    let comments = file.tiles.iter().filter(|tile| matches!(tile.kind, TileKind::Comment));
    for tile in comments {
        if let Some(folder) = HOMES.as_ref().and_then(|homes| homes.captures(tile.span.of(file.source))?.get(1)) {
            let line = file.line_of(tile.span.start);
            let folder = String::from_utf8_lossy(folder.as_bytes());
            let text =
                format!("the comment in line {line} mounts what is somebody's own at {folder}, where root alone looks");
            return Err(refuse("needs-root", text, true));
        }
        if let Some(word) = said(tile.span.of(file.source)) {
            let line = file.line_of(tile.span.start);
            let text = format!("the comment in line {line} starts it with rights that only root can use ({word})");
            return Err(refuse("needs-root", text, true));
        }
    }
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::Label) {
        if let Some(word) = said(unit.text().as_bytes()) {
            let line = file.line_of(unit.instruction.span.start);
            let text = format!("the label in line {line} starts it with rights that only root can use ({word})");
            return Err(refuse("needs-root", text, true));
        }
    }
    Ok(())
}

/// Whether a RUN installs Docker's client, or a library that speaks to the daemon in its place. A user, a folder or a branch
/// may have that name too.
fn installs_docker(survey: &Survey<'_, '_>, unit: &Unit<'_>, text: &str) -> bool {
    const OTHERS: [&str; 4] = ["pip", "pip2", "pip3", "brew"];
    let docker = |word: &str| matches!(word, "docker" | "docker.io" | "docker-cli" | "docker-py");
    let steps = survey.steps(unit);
    if steps.is_empty() {
        return ["docker", "docker.io", "docker-cli"].iter().any(|package| installs(text, package));
    }
    steps.iter().any(|step| {
        let name = |word: &str| docker(word.split(['=', '>', '<', '~', '@']).next().unwrap_or_default());
        (MANAGERS.contains(&step.program()) || OTHERS.contains(&step.program()))
            && step.args().iter().any(|word| name(word))
    })
}

/// Whether a command puts somebody into the group docker, so as to reach the daemon.
fn joins_docker(step: &Step) -> bool {
    let has = |word: &str| step.args().iter().any(|arg| arg == word);
    let operands = || step.args().iter().filter(|arg| !arg.starts_with('-'));
    match step.program() {
        "usermod" | "gpasswd" => has("docker"),
        // `adduser user group` adds to a group; `adduser -G docker docker` makes a user of that name.
        "adduser" | "addgroup" => {
            let options = step.args().iter().any(|arg| arg.starts_with('-'));
            !options && operands().count() == 2 && operands().next_back().is_some_and(|group| group == "docker")
        }
        _ => false,
    }
}

/// What the base image starts, where the file leaves it as it is.
fn base_entry(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    // Whatever starts in it.
    if survey.facts.start == Start::Platform {
        let text = format!("the platform that runs {} chooses the user", survey.facts.key);
        return Err(refuse("platform-user", text, true));
    }
    let behind = behind_a_script(survey);
    if !keeps_entrypoint(survey) && !behind {
        return Ok(());
    }
    // A CMD of its own takes the place of what the image starts, where that has no ENTRYPOINT.
    if survey.entry.cmd.is_some() && survey.facts.entrypoint.is_none() && survey.facts.command {
        return Ok(());
    }
    let name = &survey.facts.key;
    if matches!(survey.facts.start, Start::Drops | Start::Either)
        && let Some(path) = scripts::replaced(survey).filter(|path| survey.read(path).is_none())
    {
        let text = format!(
            "the start script {path} can't be seen here, and it takes the place of that of {name}, which starts as root and \
             goes on as a user of its own"
        );
        return Err(refuse("drops-privileges", text, true));
    }
    match survey.facts.start {
        Start::Drops if behind || own_start(survey) => {
            let text =
                format!("the entrypoint of {name} starts as root to set its data up, and gives root up by itself");
            Err(refuse("drops-privileges", text, true))
        }
        Start::Drops => Ok(()),
        Start::Needs => Err(refuse("needs-root", format!("what {name} starts needs root"), true)),
        // One whose name is only known when it is built has none.
        Start::Unknown | Start::Plain if (name.is_empty() || name.contains('/')) && !survey.facts.plain => {
            // An image that only passes another one on: its user is the choice of that one's author.
            let own_work = survey.units.iter().any(|unit| {
                matches!(unit.instruction.keyword, Keyword::Run | Keyword::Cmd | Keyword::Copy | Keyword::Add)
            });
            if own_work {
                return unseen_start(survey);
            }
            let text = "it passes another image on and starts what that image starts: its user belongs there";
            Err(refuse("passed-on", text, true))
        }
        _ => unseen_start(survey),
    }
}

/// Whether the image's own entrypoint is what starts: the file sets none, or says the same one again.
fn keeps_entrypoint(survey: &Survey<'_, '_>) -> bool {
    let said = |script: &str| survey.entry.steps.first().is_some_and(|step| step.program() == script);
    survey.entry.entrypoint.is_none() || survey.facts.entrypoint.is_some_and(said)
}

/// Whether a script of the project's goes on as the image's own entrypoint.
fn behind_a_script(survey: &Survey<'_, '_>) -> bool {
    let Some(name) = survey.facts.entrypoint else { return false };
    survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten().any(|step| step.program() == name)
}

/// Whether the image's own entrypoint starts its own server, before which alone it steps down.
pub(super) fn own_start(survey: &Survey<'_, '_>) -> bool {
    let name = survey.facts.key.as_str();
    if !keeps_entrypoint(survey) {
        return false;
    }
    let mut steps = survey.entry.steps.iter().flat_map(|step| step.argv.iter());
    let first = steps.find(|word| Some(paths::name(word)) != survey.facts.entrypoint);
    first.is_none_or(|word| {
        let program = paths::name(word);
        program.starts_with('-')
            || name.contains(program)
            || survey.facts.own.as_ref().is_some_and(|(user, _)| program.contains(user.as_str()))
            || matches!(
                program,
                "mysqld" | "mariadbd" | "postgres" | "mongod" | "redis-server" | "eswrapper" | "rabbitmq-server"
            )
    })
}

/// An image that nobody knows, and that starts what it started before: its name, and what is put into it, say what it is
/// for.
fn unseen_start(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if !survey.entry.is_empty() || survey.facts.start != Start::Unknown {
        return Ok(());
    }
    let image = survey.model.image(survey.stage).map_or_else(|| "the base image".to_owned(), ToString::to_string);
    let named = services::of_image(&image).map(|service| {
        let text = format!("by its name it has to do with {}: {}", service.name, service.why);
        (service.code, text)
    });
    let made = || several_users(survey);
    // What the image started before knows nothing of a sudo that the file installs.
    let package = || package_but_sudo(survey);
    match named.or_else(|| hint(survey)).or_else(package).or_else(|| overlaid(survey)).or_else(made) {
        Some((code, hint)) => Err(refuse(code, format!("what {image} starts can't be seen here, and {hint}"), true)),
        None => Ok(()),
    }
}

/// A tree that goes over the root of an image which starts what it started before: it holds what that image's init reads.
fn overlaid(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    const TREES: [&str; 8] = ["root", "rootfs", "root-fs", "root_fs", "overlay", "fs", "container-files", "container"];
    let copied = survey.units.iter().filter_map(|unit| survey.copied(unit)).find(|copied| {
        let tree = |source: &String| TREES.contains(&paths::name(source.trim_end_matches("/*").trim_end_matches('/')));
        copied.context && copied.to.as_deref() == Some("/") && copied.sources.iter().any(tree)
    })?;
    let source = copied.sources.first().map_or("", String::as_str);
    Some((
        "init-system",
        format!("{source} goes over its root folder, where the init of such an image looks for services"),
    ))
}

/// Where the distribution's own programs lie.
const PROGRAMS: [&str; 9] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/lib/systemd",
    "/usr/lib/systemd",
    "/etc/init.d",
];

/// A program that is started.
fn program(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    let program = step.program();
    let shown = step.argv.first().map_or("", String::as_str);
    // What lies in a folder of its own, or is brought by the file, only happens to have such a name.
    let own = shown.contains('/')
        && shown != "/init"
        && step.path(shown).is_none_or(|path| {
            !PROGRAMS.contains(&paths::parent(&path)) || survey.units.iter().any(|unit| survey.brings(unit, &path))
        });
    let program = if own && !shown.contains("/init.d/") { "" } else { program };
    // `/usr/lib/postfix/sbin/master`: a package keeps its programs in a folder of its own there.
    let package =
        ["/usr/lib/", "/usr/libexec/"].iter().find_map(|folder| shown.strip_prefix(folder)?.split('/').next());
    if let Some(service) = package.and_then(services::of_program) {
        return Err(refuse(service.code, format!("{shown} is started: {}", service.why), true));
    }
    let args = step.args();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    let first = args.iter().map(String::as_str).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    match program {
        "gosu" | "su-exec" | "setpriv" | "runuser" | "chpst" | "setuidgid" | "s6-setuidgid" | "s6-applyuidgid"
        | "su" | "suexec" | "start-stop-daemon" => {
            let text = format!("{shown} needs root to start the program as another user");
            Err(refuse("drops-privileges", text, true))
        }
        "confd" | "consul-template" => {
            let text = format!("{shown} writes configuration wherever its templates say, which is root's mostly");
            Err(refuse("needs-root", text, true))
        }
        // Node's tool of this name starts a script again when it changes.
        "supervisor" if survey.facts.language == Some("node") => Ok(()),
        "supervisord" => supervised::check(survey, step),
        "supervisor" | "supervisorctl" | "circusd" | "monit" | "chaperone" => {
            Err(refuse("supervisor", format!("{shown} starts several services, each as a user of its own"), true))
        }
        "init" | "s6-svscan" | "my_init" | "runsvdir" | "runsvdir-start" | "runit" | "runit-init" | "systemd"
        | "svscan" | "upstart" | "start_runit" => {
            Err(refuse("init-system", format!("{shown} is an init system, which starts services as root"), true))
        }
        "service" | "systemctl" | "rc-service" | "invoke-rc.d" | "initctl" | "start" | "rc" | "openrc" => {
            if program == "start" && first.is_empty() {
                return Ok(());
            }
            Err(refuse("init-system", format!("{shown} starts a system service, which root has to do"), true))
        }
        _ if shown.contains("/init.d/") => {
            Err(refuse("init-system", format!("{shown} starts a system service, which root has to do"), true))
        }
        "apt-get" | "apt" | "apk" | "yum" | "dnf" | "microdnf" | "zypper" | "pacman" | "dpkg" | "rpm" => Err(refuse(
            "package-manager-at-start",
            format!("{shown} installs packages when the container starts"),
            true,
        )),
        "npm" | "yarn" if (has("-g") || has("--global")) && (has("install") || has("i") || has("add")) => Err(refuse(
            "package-manager-at-start",
            format!("{shown} installs packages when the container starts"),
            true,
        )),
        "chown" | "useradd" | "adduser" | "usermod" | "groupmod" | "chroot" | "ldconfig" | "update-ca-certificates" => {
            Err(refuse("needs-root", format!("{shown} at the start of the container needs root"), true))
        }
        "apache2ctl" | "apachectl" | "nginx" | "httpd" => Ok(()),
        _ => {
            // What an image is made for, it lets start as its own user.
            let image = paths::name(&survey.facts.key);
            let made = survey.facts.user.is_some() && !image.is_empty() && program.starts_with(image);
            if let Some(service) = services::of_program(program).filter(|_| !made) {
                return Err(refuse(service.code, format!("{shown} is started: {}", service.why), true));
            }
            if let Some((option, user)) = told_user(survey, step) {
                let text = format!("{shown} goes on as {user} by itself ({option}), for which it starts as root");
                return Err(refuse("drops-privileges", text, true));
            }
            match args.iter().find_map(|arg| by_argument(arg)) {
                Some((code, text)) => Err(refuse(code, text, true)),
                None => Ok(()),
            }
        }
    }
}

/// The option that tells a program, as which user it is to go on, and that user: some give up where they may not become it.
fn told_user<'s>(survey: &Survey<'_, '_>, step: &'s Step) -> Option<(&'s str, &'s str)> {
    // By their manuals, these heed the option where they start as root, and go on without it.
    const HEED: [&str; 6] = ["mariadbd", "memcached", "mysqld", "mysqld_safe", "rspamd", "uwsgi"];
    // Whom every distribution has.
    const USUAL: [&str; 6] = ["bin", "daemon", "games", "mail", "nobody", "www-data"];
    // What these are told is for what comes behind them.
    const HAND_ON: [&str; 4] = ["catatonit", "dumb-init", "tini", "tini-static"];
    let program = step.program();
    if !step.kind().is_empty() || HEED.contains(&program) || HAND_ON.contains(&program) || called(program) {
        return None;
    }
    let named = |option: &str| matches!(option, "-u" | "--user" | "--uid" | "--setuid" | "--chuid");
    let args = step.args();
    let joined = args.iter().filter_map(|arg| arg.split_once('=').filter(|(option, _)| option.starts_with("--")));
    let apart = args.windows(2).filter_map(|pair| match pair {
        [option, value] => Some((option.as_str(), value.as_str())),
        _ => None,
    });
    // A name may be that of an account somewhere else.
    let user = |name: &str| {
        USUAL.contains(&name)
            || name.trim_start_matches('_') == program
            || survey.facts.own.as_ref().is_some_and(|(own, _)| own == name)
            || user::known(survey, program).and_then(|server| server.user()).is_some_and(|(own, _)| own == name)
            || user::made_names(survey).iter().any(|made| made == name)
            || packages_of(survey).any(|package| package == name)
    };
    joined.chain(apart).find(|(option, value)| named(option) && !who::is_root(value) && user(value))
}

/// The packages of the distribution that the file installs.
fn packages_of<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = &'s str> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run).flat_map(|unit| packages(survey, unit))
}

/// A command handed on as a word: `dumb-init -- /usr/sbin/sshd -D`, `tini /usr/bin/supervisord`.
fn by_argument(arg: &str) -> Option<(&'static str, String)> {
    let name = arg.starts_with('/').then(|| paths::name(arg))?;
    if let Some(service) = services::of_program(name).filter(|_| PROGRAMS.contains(&paths::parent(arg))) {
        return Some((service.code, format!("{name} is started too: {}", service.why)));
    }
    let known = [
        "supervisord",
        "sshd",
        "crond",
        "cron",
        "my_init",
        "gosu",
        "su-exec",
        "dockerd",
        "s6-svscan",
        "runsvdir",
        "systemd",
    ]
    .contains(&name);
    known.then(|| ("needs-root", format!("{name} is started too, and needs root")))
}

/// Whether a command is a build tool that works: it writes among the sources, and into caches of the home.
pub(super) fn builds(step: &Step) -> bool {
    let verb = step.subcommand().unwrap_or_default();
    let shown = step.argv.first().map_or("", String::as_str);
    // What only happens to have such a name lies in a folder of its own.
    let wrapper = matches!(step.program(), "gradlew" | "mvnw" | "sbt" | "activator" | "mill");
    let own = shown.contains('/')
        && !wrapper
        && step.path(shown).is_none_or(|path| !PROGRAMS.contains(&paths::parent(&path)));
    let works = match step.kind() {
        "jvm" | "swift" | "make" => true,
        // Diesel writes the schema among the sources.
        "rust" => matches!(verb, "run" | "build" | "test" | "watch" | "migration" | "setup"),
        "dotnet" => matches!(verb, "run" | "watch" | "build" | "test" | "ef" | "publish" | "restore"),
        "go" => matches!(verb, "run" | "build" | "test" | "get" | "install"),
        // `dart run` keeps what it has worked out of the packages beside them.
        "dart" => verb == "run",
        "compiled" => match step.program() {
            "zig" | "nimble" | "shards" | "dub" => matches!(verb, "run" | "build" | "test"),
            "crystal" => matches!(verb, "run" | "build" | "spec"),
            "nim" => matches!(verb, "c" | "cpp" | "r" | "compile"),
            _ => false,
        },
        _ => false,
    };
    works && !own && !step.args().iter().any(|arg| arg == "--version")
}

/// A build tool that works when the container starts, where it could not write.
fn compiles(survey: &Survey<'_, '_>, step: &Step) -> Result<(), Refusal> {
    let shown = || step.argv.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
    // Mix writes what it compiles beside the project, and nobody but root may make folders in `/`.
    let bound = step.program() == "mix" && step.cwd.as_deref().is_none_or(|cwd| cwd == "/");
    // What an image that nobody knows has installed of Hex lies in root's home.
    let hex = || {
        let mut built = survey.all().flat_map(|unit| survey.steps(unit));
        built.any(|step| step.program() == "mix" && step.subcommand().is_some_and(|verb| verb.starts_with("local.")))
    };
    let bound = bound || step.program() == "mix" && survey.facts.user.is_none() && !hex();
    // Stack and Cabal work with what they have put into root's home, and ask whose it is.
    let bound = bound || step.kind() == "haskell" && !step.args().iter().any(|arg| arg == "--version");
    if !bound && !builds(step) {
        return Ok(());
    }
    let folder = step.cwd.as_deref().filter(|cwd| owns::is_application(cwd) && !paths::within(cwd, "/root"));
    let Some(folder) = folder.filter(|_| !bound) else {
        let text = format!(
            "`{}` builds when the container starts, among root's files; build in the image, and start the result",
            shown()
        );
        return Err(refuse("toolchain-at-run-time", text, true));
    };
    // What is mounted is not the image's to give away.
    if !owns::holds_project(survey, folder) {
        let text = format!("`{}` builds what is mounted at {folder}, and only its owner may write there", shown());
        return Err(refuse("toolchain-at-run-time", text, true));
    }
    Ok(())
}

/// A start script that the context holds, or that the file writes.
fn script(script: &Script) -> Result<(), Refusal> {
    let path = &script.path;
    let mut found: [Option<String>; 5] = Default::default();
    for captures in SCRIPT.iter().flat_map(|pattern| pattern.captures_iter(&script.text)) {
        for (slot, group) in found.iter_mut().zip(["drop", "init", "package", "daemon", "own"]) {
            // What a script that is understood gives to supervisord is looked at there.
            let seen = |word: &[u8]| word == b"supervisord" && script.steps.is_some();
            if let Some(word) = captures.name(group).filter(|word| slot.is_none() && !seen(word.as_bytes())) {
                *slot = Some(String::from_utf8_lossy(word.as_bytes()).into_owned());
            }
        }
    }
    match found {
        [Some(word), ..] => {
            let text = format!("{path} starts as root and goes on as another user ({word})");
            return Err(refuse("drops-privileges", text, true));
        }
        [_, Some(word), ..] => {
            return Err(refuse("init-system", format!("{path} starts system services ({word})"), true));
        }
        [_, _, Some(word), ..] => {
            let text = format!("{path} installs packages when the container starts ({word})");
            return Err(refuse("package-manager-at-start", text, true));
        }
        [_, _, _, Some(word), _] => {
            return Err(refuse("needs-root", format!("{path} runs {word}, which needs root"), true));
        }
        [.., Some(_)] => {
            return Err(refuse("needs-root", format!("{path} changes owners when the container starts"), true));
        }
        _ => {}
    }
    let steps = script.steps.as_deref().unwrap_or_default();
    match scripts::writes(steps).0.iter().find_map(owns::system_place) {
        Some(place) => Err(refuse("needs-root", format!("{path} writes {place} when the container starts"), true)),
        None => Ok(()),
    }
}

/// The start script that a step starts, by its name or because a shell is to read it.
pub(super) fn script_of(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let path = scripts::started(step)?;
    let name = paths::name(&path);
    const CALLED: [&str; 7] = ["entrypoint", "docker-", "run", "start", "boot", "init", "launch"];
    let begins = |part: &str| CALLED.iter().any(|word| part.starts_with(word));
    let called = begins(name) || name.split(['-', '_']).any(begins);
    let copied =
        |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.context) && survey.brings(unit, &path);
    let interpreted = matches!(step.program(), "sh" | "bash" | "ash" | "dash")
        && step.args().first().is_some_and(|arg| arg.starts_with('/') || arg.contains('.') && !arg.contains(' '));
    // `COPY bin/ /usr/local/bin/` and then a bare name: it comes from there, where nothing else is known to bring it.
    let among = || {
        let first = step.argv.first().is_some_and(|first| !first.contains(['/', '.', '$']));
        first
            && step.kind().is_empty()
            && servers::server(name, &survey.facts.key, survey.facts.family).is_none()
            && services::of_program(name).is_none()
            && name.contains('-')
            && survey.units.iter().filter_map(|unit| survey.copied(unit)).any(|copied| {
                let into = copied.to.as_deref().is_some_and(|to| to == "/" || PROGRAMS.contains(&to));
                copied.context
                    && into
                    && copied.folder
                    && copied.sources.iter().any(|source| {
                        let last = paths::name(source.trim_end_matches('/'));
                        !last.contains('.') || source.ends_with('*')
                    })
            })
    };
    let is_script = path.ends_with(".sh")
        || path.ends_with(".bash")
        || among()
        || interpreted
        || matches!(name, "entrypoint" | "docker-entrypoint" | "run" | "start" | "startup" | "boot" | "init")
        || called && !name.contains('.') && survey.units.iter().any(copied);
    (is_script || step.argv.len() == 1 && path.contains("entrypoint")).then_some(path)
}

/// A program of the file's own that can't be read: one that COPY brings, or a start script in whatever language.
fn own_program(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let program = step.program();
    let interpreted = ["python", "ruby", "perl", "php", "node", "lua", "tclsh", "expect", "awk", "pwsh"];
    if interpreted.iter().any(|known| program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') == *known) {
        let script = step.args().iter().find(|arg| !arg.starts_with('-'))?;
        return called(paths::name(script)).then(|| step.path(script)).flatten();
    }
    let server = servers::server(program, &survey.facts.key, survey.facts.family);
    if server.is_some() || !step.kind().is_empty() {
        return None;
    }
    let first = step.argv.first()?;
    let brought = |path: &String| survey.units.iter().any(|unit| survey.brings(unit, path));
    if first.contains('/') {
        let script = [".py", ".rb", ".pl", ".php", ".js", ".awk", ".bash", ".run", ".exp"];
        let named = called(program);
        let script = script.iter().any(|end| program.ends_with(end));
        let system = |path: &str| matches!(paths::parent(path), "/bin" | "/sbin" | "/usr/bin" | "/usr/sbin");
        return step.path(first).filter(|path| script || brought(path) || named && !system(path));
    }
    let found = PROGRAMS.iter().map(|folder| paths::join(folder, first)).find(brought);
    found.or_else(|| called(program).then(|| program.to_owned()))
}

/// Whether a start script is called an installer: what it puts into place goes where only root can write.
fn installer(name: &str) -> bool {
    name.split(['-', '_', '.']).any(|part| matches!(part, "install" | "installer"))
}

/// Whether a file is called as start scripts are.
fn called(name: &str) -> bool {
    const CALLED: [&str; 9] = ["entrypoint", "docker-", "run", "start", "boot", "init", "launch", "setup", "cmd"];
    let begins = |part: &str| CALLED.iter().any(|word| part.starts_with(word));
    begins(name) || name.split(['-', '_', '.']).any(begins)
}

/// A start script that can't be read: what the image was given says what it is for.
fn unread(survey: &Survey<'_, '_>, step: &Step, path: &str) -> Result<(), Refusal> {
    let brought = || survey.units.iter().any(|unit| survey.brings(unit, path));
    let own = step.kind().is_empty() || matches!(step.program(), "sh" | "bash" | "ash" | "dash");
    if own && installer(paths::name(path)) && (path.ends_with(".sh") || brought()) {
        let text = format!(
            "{path}, which can't be seen here, is an installer by its name, and installs when the container starts"
        );
        return Err(refuse("needs-root", text, true));
    }
    if script_of(survey, step).is_none() {
        let Some(program) = own_program(survey, step) else { return Ok(()) };
        // A program may listen on such a port without being the service that usually does.
        let script = called(step.program());
        let named = || announced(survey).or_else(|| image_named(survey)).filter(|_| script);
        return match given_for(survey).or_else(|| package(survey)).or_else(named) {
            Some((code, hint)) => Err(refuse(code, format!("{program} can't be seen here, and {hint}"), true)),
            None => Ok(()),
        };
    }
    let switched = || {
        let made = user::unused(survey)?;
        let says = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::User;
        if survey.all().any(|unit| says(unit) && unit.instruction.args.text.contains(&made.name)) {
            return None;
        }
        let text = format!("the file makes the user {} and never switches to it, so the script does", made.name);
        Some(("drops-privileges", text))
    };
    // Who replaces the entrypoint of an image that steps down does so too.
    let base = || {
        let key = &survey.facts.key;
        match survey.facts.start {
            Start::Drops | Start::Either => {
                Some(("drops-privileges", format!("{key} starts as root and goes on as a user of its own")))
            }
            // One that only brings an init for others says nothing of what they start.
            Start::Needs if !survey.facts.ports.is_empty() => {
                Some(("needs-root", format!("what {key} starts needs root")))
            }
            _ => None,
        }
    };
    let found = hint(survey).or_else(|| package(survey)).or_else(switched);
    // `/certbot/run.sh`: a folder of its own says what is started there.
    let folder = || {
        let service =
            services::of_tool(paths::name(paths::parent(path))).filter(|service| service.code == "needs-root")?;
        Some((service.code, format!("it lies in the folder of {}: {}", service.name, service.why)))
    };
    let found = found.or_else(|| several_users(survey)).or_else(|| told_ids(survey)).or_else(folder);
    match found.or_else(base).or_else(|| image_named(survey)) {
        Some((code, hint)) => {
            Err(refuse(code, format!("the start script {path} can't be seen here, and {hint}"), true))
        }
        None => Ok(()),
    }
}

/// An image that nobody knows may run, by its name, what a script starts.
fn image_named(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let image = survey.model.image(survey.stage).filter(|_| survey.facts.start == Start::Unknown)?.to_string();
    let service = services::of_image(&image)?;
    Some((service.code, format!("{image} has to do with {} by its name: {}", service.name, service.why)))
}

/// A user that the file was for a while, and who is no user for what starts.
///
/// # Errors
/// A refusal where the steps of a service's own user set its data up before root starts it, and where root took the place of
/// a user that nobody here knows.
pub(super) fn taken_place(survey: &Survey<'_, '_>, root: &who::Root) -> Result<(), Refusal> {
    const OWN: [&str; 9] =
        ["postgres", "mysql", "mongodb", "couchdb", "rabbitmq", "elasticsearch", "neo4j", "cassandra", "oracle"];
    let own = survey.facts.own.as_ref().map(|(name, _)| name.as_str());
    if let Some(before) = root.before.as_deref().filter(|before| OWN.contains(before) && own != Some(*before)) {
        let starts =
            |step: &Step| step.program().starts_with(before) || before == "mysql" && step.program() == "mysqld_safe";
        if !survey.entry.steps.iter().any(starts) {
            let text = format!("{before} sets its data up in the build, and root is there again to start it");
            return Err(refuse("drops-privileges", text, true));
        }
    }
    let unknown = survey.facts.user.is_none() && !survey.facts.plain && survey.entry.is_empty();
    if unknown && root.said.is_some() && root.before.is_none() {
        let image = survey.model.image(survey.stage).map_or_else(|| "the base image".to_owned(), ToString::to_string);
        let text = format!(
            "USER root takes the place of the user of {image}, as whom its start belongs and who can't be seen here"
        );
        return Err(refuse("passed-on", text, true));
    }
    Ok(())
}

/// Several users that the file makes: what root starts goes on as one of them each.
fn several_users(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let mut names = user::made_names(survey);
    names.dedup();
    let says = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::User;
    match names.as_slice() {
        [first, second, ..]
            if !survey.all().any(|unit| says(unit) && unit.instruction.args.text.as_ref() != "root") =>
        {
            let text = format!("the file makes the users {first} and {second} for what root starts");
            Some(("drops-privileges", text))
        }
        _ => None,
    }
}

/// A variable with the id of the user that a start script goes on as: `PUID=1000`.
fn told_ids(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env).find_map(|unit| {
        unit.instruction.pairs(survey.model.file.escape).iter().find_map(|pair| {
            let name = pair.name.raw.to_ascii_uppercase();
            let id = ["PUID", "PGID", "UID", "GID"].contains(&name.as_str())
                || ["_UID", "_GID", "USER_ID", "GROUP_ID"].iter().any(|end| name.ends_with(end));
            let value = pair.value.as_ref().map(|value| value.raw.trim_matches(['"', '\'']))?;
            let number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            (id && number).then(|| {
                let text = format!("{} tells it the user to go on as", pair.name.raw);
                ("drops-privileges", text)
            })
        })
    })
}

/// A service whose package is installed, or the tool by which root goes on as another user, as the end of a sentence, with
/// the code that follows.
fn package(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    runs.find_map(|unit| {
        let text = unit.text();
        if text.contains("sudo")
            && (text.contains("apk") && installs(&text, "sudo")
                || packages(survey, unit).any(|name| name == "sudo") && !works_by_sudo(survey))
        {
            let text = "sudo is installed, by which root goes on as another user";
            return Some(("drops-privileges", text.to_owned()));
        }
        package_of(survey, unit)
    })
}

/// A service whose package is installed, in the same way.
fn package_but_sudo(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    runs.find_map(|unit| package_of(survey, unit))
}

/// A tool of root's whose package the shipped stage installs: the program that starts may call it.
fn tools_of_root(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if survey.entry.steps.is_empty() || only_a_shell(survey) {
        return Ok(());
    }
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    match runs.find_map(|unit| service(survey, unit, services::of_called)) {
        Some((code, text)) => Err(refuse(code, text, true)),
        None => Ok(()),
    }
}

/// A service whose package a RUN installs.
fn package_of(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<(&'static str, String)> {
    let found = service(survey, unit, services::of_package).or_else(|| named_service(survey, unit));
    found.or_else(|| supervisor_of_python(survey, unit))
}

/// Whether the file itself uses sudo, or lets somebody use it: then it is not there for what starts.
fn works_by_sudo(survey: &Survey<'_, '_>) -> bool {
    let file = survey.model.file.source;
    ["NOPASSWD", "sudoers", "sudo -"].iter().any(|mark| memchr::memmem::find(file, mark.as_bytes()).is_some())
        || survey.all().flat_map(|unit| survey.steps(unit)).any(|step| step.program() == "sudo")
        || survey.all().any(|unit| unit.text().contains("sudo apt") || unit.text().contains("sudo npm"))
}

/// The distributions' package managers.
const MANAGERS: [&str; 11] = [
    "apt-get",
    "apt",
    "aptitude",
    "apk",
    "yum",
    "dnf",
    "microdnf",
    "zypper",
    "pacman",
    "apk-install",
    "install_packages",
];

/// The first service among the packages that a RUN installs, with the code that follows.
fn service(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    known: fn(&str) -> Option<Service>,
) -> Option<(&'static str, String)> {
    let said = |service: Service| (service.code, format!("{} is installed: {}", service.name, service.why));
    if survey.steps(unit).is_empty() {
        // A text that can't be read is searched for the words.
        return installed(&unit.text()).find_map(known).map(said);
    }
    packages(survey, unit).find_map(known).map(said)
}

/// The packages of the distribution that the commands of a RUN install, without their versions.
fn packages<'s>(survey: &'s Survey<'_, '_>, unit: &Unit<'_>) -> impl Iterator<Item = &'s str> {
    let installs = |step: &&Step| {
        let takes_out = |arg: &String| {
            matches!(arg.as_str(), "remove" | "purge" | "autoremove" | "del" | "erase" | "build-dep" | "-R" | "-Rs")
        };
        MANAGERS.contains(&step.program()) && !step.args().iter().any(takes_out)
    };
    let words = survey.steps(unit).iter().filter(installs).flat_map(|step| step.args().iter());
    let names = words.filter(|word| !word.starts_with('-'));
    names.map(|word| word.split(['=', '>', '<', '~', '@', '/']).next().unwrap_or_default())
}

/// A supervisor that is installed as a package of Python's.
fn supervisor_of_python(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<(&'static str, String)> {
    let installers = survey.steps(unit).iter().filter(|step| {
        matches!(step.program(), "pip" | "pip2" | "pip3" | "easy_install")
            && !step.args().iter().any(|arg| arg == "uninstall")
    });
    let name = |word: &String| word.split(['=', '>', '<', '~']).next().unwrap_or_default().to_owned();
    let mut words = installers.flat_map(|step| step.args().iter().map(name));
    let name = words.find(|name| matches!(name.as_str(), "supervisor" | "circus"))?;
    Some(("supervisor", format!("{name} is installed: it starts several services, mostly as users of their own")))
}

/// A package that says by its name that it is a service, which nobody here knows more of.
fn named_service(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<(&'static str, String)> {
    let service = |name: &&str| {
        let ends = ["-server", "-daemon"].iter().any(|end| name.ends_with(end)) || name.contains("-server-");
        ends && !["vnc", "-dev", "-dbg", "-doc", "xserver", "postgresql-server-dev"]
            .iter()
            .any(|other| name.contains(other))
    };
    let name = packages(survey, unit).find(service)?;
    let text = format!("{name} is installed: packages of services start them as root, to go on as users of their own");
    Some(("drops-privileges", text))
}

/// Whether nothing starts that the file names but a shell.
pub(super) fn only_a_shell(survey: &Survey<'_, '_>) -> bool {
    let shell = |step: &Step| {
        matches!(step.program(), "sh" | "bash" | "ash" | "zsh") && step.args().iter().all(|arg| arg.starts_with('-'))
    };
    survey.entry.steps.iter().all(shell) && (!survey.entry.is_empty() || survey.facts.ports.is_empty())
}

/// An image that starts nothing of its own, but a shell, and has a service or a tool that needs root: people call it, or
/// images built on this one start it.
fn tools(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if !only_a_shell(survey) {
        return Ok(());
    }
    let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
    let found = runs.find_map(|unit| {
        let started = || {
            let name = survey.steps(unit).iter().find_map(service_started)?;
            Some(("init-system", format!("the build starts the service {name}, as only root can")))
        };
        service(survey, unit, services::of_tool).or_else(started)
    });
    match found {
        Some((code, text)) => Err(refuse(code, format!("nothing is started but what people call, and {text}"), true)),
        None => Ok(()),
    }
}

/// The first package installed whose name holds these letters.
pub(super) fn installed_like(survey: &Survey<'_, '_>, letters: &str) -> Option<String> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run).find_map(|unit| {
        let text = unit.text();
        let found = installed(&text).find(|name| name.contains(letters) && !name.contains(['/', '$', '*']));
        found.map(str::to_owned)
    })
}

/// What the image is given and what it announces, where what starts can't be seen: as the end of a sentence, with the code
/// that follows.
fn hint(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    given_for(survey).or_else(|| announced(survey))
}

/// The port of a service that the image announces.
fn announced(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Expose).find_map(|unit| {
        unit.instruction.words().iter().find_map(|word| {
            let word = survey.model.expand(unit.index, word.raw);
            let port = word.text.rsplit(':').next().unwrap_or_default().to_owned();
            let service = services::of_port(&port)?;
            Some((service.code, format!("port {port} is announced: {}", service.why)))
        })
    })
}

/// What the image is given for a service.
fn given_for(survey: &Survey<'_, '_>) -> Option<(&'static str, String)> {
    let told = |path: &str| {
        let name = paths::name(path);
        let supervisor = name.starts_with("supervisor") && (name.ends_with(".conf") || name.ends_with(".ini"));
        services::of_place(if supervisor { "/etc/supervisor" } else { path })
    };
    survey.all().find_map(|unit| match unit.instruction.keyword {
        Keyword::Copy | Keyword::Add => {
            let copied = survey.copied(unit)?;
            let to = copied.to.as_deref()?;
            let files = || copied.sources.iter().map(|source| paths::join(to, paths::name(source)));
            let place = told(to).or_else(|| files().find_map(|path| told(&path)))?;
            Some((place.code, format!("it is given {}", place.why)))
        }
        Keyword::Run => survey.steps(unit).iter().find_map(|step| {
            if step.program() == "crontab" {
                return Some(("needs-root", "it is given a timetable of cron, which needs root".to_owned()));
            }
            if let Some(name) = service_started(step) {
                let text = format!(
                    "the build starts the service {name}, or stops it, as only root can, and it is there for that"
                );
                return Some(("init-system", text));
            }
            let path = step.outputs.iter().filter_map(|output| step.path(output)).find(|path| told(path).is_some())?;
            told(&path).map(|place| (place.code, format!("it is given {}", place.why)))
        }),
        _ => None,
    })
}

/// The system service that a command of the build starts: `service mysql start`, `/etc/init.d/mysql start`.
fn service_started(step: &Step) -> Option<&str> {
    let args = step.args();
    let first = args.first().map_or("", String::as_str);
    let verb = args.get(1).map_or("", String::as_str);
    // What the build stops, a package had started, as it does where it is.
    let starts = |verb: &str| matches!(verb, "start" | "restart" | "stop");
    match step.program() {
        "service" | "invoke-rc.d" | "rc-service" if starts(verb) => Some(first),
        "systemctl" if starts(first) || first == "enable" => Some(verb.trim_end_matches(".service")),
        name if starts(first) && step.argv.first()?.contains("/init.d/") => Some(name),
        _ => None,
    }
    .filter(|name| !name.is_empty() && !name.contains(['$', '*']))
}

/// Whether a RUN installs a package of this name.
pub(super) fn installs(text: &str, package: &str) -> bool {
    text.contains(package) && installed(text).any(|name| name == package)
}

/// Whether a RUN installs a package whose name begins so.
pub(super) fn installs_like(text: &str, head: &str) -> bool {
    text.contains(head) && installed(text).any(|name| name.starts_with(head))
}

/// The words of a RUN that installs packages, without the versions behind them.
fn installed(text: &str) -> impl Iterator<Item = &str> {
    let manager = ["install", "apk add", "apk --", "-S "].iter().any(|verb| text.contains(verb));
    let words = text.split_whitespace().take_while(move |_| manager);
    words.map(|word| word.split('=').next().unwrap_or_default())
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
    if survey.entry.entrypoint.is_none() && survey.entry.cmd.is_none() {
        for port in survey.facts.ports.iter().filter(|port| **port < 1024) {
            if !ports.contains(port) {
                ports.push(*port);
            }
        }
    }
    ports
}

/// Whether a name can be no user of a program.
pub(super) fn unfit(user: &str) -> bool {
    who::is_root(user) || user.contains(['/', ' ', '"', '\''])
}
