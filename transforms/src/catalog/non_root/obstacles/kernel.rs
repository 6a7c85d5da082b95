//! Docker's socket, devices, and what the kernel allows to root alone.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::context;
use crate::knowledge::rooted;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::{Keyword, TileKind};
use crate::transform::Refusal;

use super::super::refuse;
use super::super::survey::{Survey, Unit};

use super::author::{HOMES, WORKED};
use super::base::keeps_entrypoint;
use super::daemons::{installs, only_a_shell};
use super::pattern;

/// Words by which people start a container with more rights than a user has in it, or as a part of the machine.
static RIGHTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"--privileged\b|\bnsenter\b|--pid[= ]host\b|docker\.sock\b|--device[= ]"?/dev/|(?i:\bcap[-_]add[=: ]\s*["\[]?(?:cap_)?(?:all|net_admin|net_raw|sys_admin|sys_time|sys_module|sys_rawio|mknod)\b|\bcap_(?:net_admin|net_raw|sys_(?:admin|time|module|rawio|boot)|mknod)\b)"#,
    )
});

pub(super) fn sockets(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
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
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword != Keyword::Label) {
        let text = unit.text();
        if let Some(place) = ["/opt/cni", "/etc/cni"].into_iter().find(|place| text.contains(place)) {
            let text =
                format!("{place} is the machine's, where plugins that set its network up are put and told what to do");
            return Err(refuse("needs-root", text, true));
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
pub(super) fn kernel(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    const ASIDE: [&str; 5] = ["docs", "example", "examples", "node_modules", "vendor"];
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
            && !context::is_test(file)
            && !file.split('/').any(|part| ASIDE.contains(&part))
    };
    let imports = |module: &str| {
        let sources = context.files().iter().filter(|file| file.ends_with(".py") || file.ends_with(".ipynb"));
        let words = [format!("import {module}"), format!("from {module}")];
        sources
            .filter_map(|file| context.read(file))
            .any(|content| words.iter().any(|words| memchr::memmem::find(&content, words.as_bytes()).is_some()))
    };
    for file in context.files().iter().filter(|file| brought(file)) {
        let Some(content) = rooted::is_manifest(paths::name(file)).then(|| context.read(file)).flatten() else {
            continue;
        };
        if let Some((module, why)) = rooted::named(paths::name(file), &crate::context::text(&content), imports) {
            let text = format!("{file} asks for {module}, by which the program {why}, and that is root's");
            return Err(refuse("needs-root", text, true));
        }
    }
    Ok(())
}

/// The first right in a text of `docker run` that a user has no use for.
pub(in crate::catalog::non_root) fn right(source: &[u8], text: &[u8]) -> Option<String> {
    // A browser shuts its own processes in, and has capabilities for that as whatever user.
    let browser =
        ["chrom", "puppeteer", "electron"].iter().any(|name| memchr::memmem::find(source, name.as_bytes()).is_some());
    let mut found = RIGHTS.as_ref()?.find_iter(text);
    let found = found.find(|found| !browser || !found.as_bytes().to_ascii_lowercase().ends_with(b"sys_admin"))?;
    Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
}

/// What a comment or a label says of how the image is started: with rights that a user has no use for, as the kernel gives
/// them to root alone.
pub(super) fn rights(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let file = survey.model.file;
    let homes = HOMES.as_ref().is_some_and(|homes| homes.is_match(file.source));
    // Who starts a shell in it works in what he mounts.
    let shell = WORKED.as_ref().is_some_and(|worked| worked.is_match(file.source)) && only_a_shell(survey);
    let worked = |text: &[u8]| {
        let folder = WORKED.as_ref().filter(|_| shell)?.captures(text)?.get(1)?;
        Some(String::from_utf8_lossy(folder.as_bytes()).into_owned())
    };
    if !homes && !shell && !RIGHTS.as_ref().is_some_and(|rights| rights.is_match(file.source)) {
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
        if let Some(folder) = worked(tile.span.of(file.source)) {
            let line = file.line_of(tile.span.start);
            let text = format!(
                "the comment in line {line} mounts a folder of the host at {folder}, to be worked in there, and only its \
                 owner and root may write to it"
            );
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
        (Words::PackageManagers.has(step.program()) || OTHERS.contains(&step.program()))
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
