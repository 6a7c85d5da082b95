//! The author's word, and what the file is for.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::model::Model;
use crate::syntax::{Keyword, TileKind};
use crate::transform::Refusal;

use super::super::{refuse, who};

use super::pattern;

/// Comments by which an author says that root is meant.
pub(super) static AUTHOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)hadolint\s+(?:global\s+)?ignore\s*=[^\n]*\bDL3002\b|trivy:ignore:(?:AVD-)?DS-?0*2\b|checkov:skip=CKV_DOCKER_(?:3|8)\b|\bnosemgrep\b(?:\s*$|[^\n]*(?:user|root))|kics-scan disable=[^\n]*fd54f200-402c-4333-a5a4-36ef6709af2f|tally\s+(?:global\s+)?ignore\s*=[^\n]*DL3002|dockwright:\s*ignore(?:\s*$|\s*=?[^\n]*\bnon-root\b)",
    )
});

/// Words above what starts by which an author says that root is meant, and such as turn them round.
static AS_ROOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:runs?|running|starts?|started|startup|stays?|needs?|must|has|have)\b[^\n]{0,40}\bas (?:the )?root\b|\b(?:keep|garder|rester en|mantener|manter|behalten)\b[^\n]{0,12}\broot\b",
    )
});

static NOT_ROOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\bno\b|\bnot\b|n't\b|\bnon\b|\bnever\b|\bavoid|\bwithout\b|\binstead\b|\brather\b|\bcannot\b|\bif\b|\bwhen\b|\bwarn|\binstall|\bbelow\b|\bcommands?\b",
    )
});

/// A folder of the host that people mount into root's home.
pub(super) static HOMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(?:-v|--volume)[= ]+["']?[^\s:]+:(/root(?:/[\w./-]*)?)\b"#));

/// The folder that somebody works in, mounted to be worked on in the container.
pub(super) static WORKED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"(?:-v|--volume)[= ]*["']?(?:\$\(pwd\)|\$\{?PWD\}?|`pwd`|\.{1,2})(?:/[\w./-]*)?["']?:(/[\w./-]+)(?::rw|["'\s]|$)"#,
    )
});

/// What all of them say: it is looked for in the whole file first.
pub(super) static SCANNERS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"ignore|nosemgrep|checkov|kics"));

/// The line of a comment, right above ENTRYPOINT, CMD or `USER root`, which says that root is meant.
pub(super) fn above_start(model: &Model<'_>) -> Option<u32> {
    let file = model.file;
    let says = |text: &[u8]| {
        AS_ROOT.as_ref().is_some_and(|wanted| wanted.is_match(text))
            && !NOT_ROOT.as_ref().is_some_and(|turned| turned.is_match(text))
    };
    memchr::memmem::find(file.source, b"root")?;
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

/// What the files beside it say that the image is for, and its own name.
pub(super) fn purpose(model: &Model<'_>) -> Result<(), Refusal> {
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
