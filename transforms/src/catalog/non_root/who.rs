//! Who runs now: the USER in force at the end, or the image's own.

use crate::model::{Base, built_on};
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::refuse;
use super::survey::{Survey, Unit};

/// The image runs as root.
pub(super) struct Root {
    /// The USER instruction of the shipped stage that says so; `None` where nobody has said anything.
    pub(super) said: Option<usize>,
    /// A user that is not root, which the file or the image had set before: as USER names it.
    pub(super) before: Option<String>,
    /// Whether it is taken for granted that the image runs as root.
    pub(super) assumed: bool,
}

/// Whether `USER text` is root: `root`, `0`, `0:0`, `root:app`.
pub(super) fn is_root(text: &str) -> bool {
    let user = text.split(':').next().unwrap_or_default().trim();
    user.is_empty() || user == "root" || user.parse::<u64>() == Ok(0)
}

/// Finds out.
///
/// # Errors
/// A refusal where the image runs as another user already, or gives its rights up by itself.
pub(super) fn runs(survey: &Survey<'_, '_>) -> Result<Root, Refusal> {
    let model = survey.model;
    let mut said = None;
    let mut before = survey.facts.user.filter(|user| !is_root(user)).map(str::to_owned);
    // Whom an image runs as that the project makes itself, its Dockerfile says.
    let made = if survey.facts.user.is_none() { built_on::made_as(model, survey.stage) } else { None };
    let mut now: Option<(String, bool)> = None;
    let first = survey.stage.from;
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::User) {
        let mut user = model.expand(unit.index, &unit.instruction.args.text);
        user.text = user.text.trim_matches(['"', '\'']).trim().to_owned();
        let root = user.known && is_root(&user.text);
        if unit.index > first {
            said = root.then_some(unit.index);
        }
        if !root {
            before = Some(unit.instruction.args.text.clone().into_owned());
        }
        now = Some((user.text, user.known));
    }
    match now {
        Some((user, true)) if !is_root(&user) => {
            return Err(refuse("already-non-root", format!("the image runs as {user} already"), true));
        }
        Some((user, false)) => {
            let text = format!("the image runs as {user}, which is decided when it is built");
            return Err(refuse("user-by-argument", text, true));
        }
        Some(_) => {
            let made = made.map(|(_, user)| user).filter(|user| !is_root(user));
            return Ok(Root { said, before: before.or(made), assumed: false });
        }
        None => {}
    }
    if let Some((file, user)) = made.as_ref().filter(|(_, user)| !is_root(user)) {
        let text = format!("the base image, which {file} makes, runs as {user} already");
        return Err(refuse("already-non-root", text, true));
    }
    if let Some(user) = before {
        let text = format!("the base image runs as {user} already");
        return Err(refuse("already-non-root", text, true));
    }
    if survey.facts.user.is_none() && model.asks_for_root(survey.stage) {
        let text = "the base image runs as somebody else than root, as the file works by `sudo`";
        return Err(refuse("already-non-root", text, true));
    }
    // The images of Jupyter say so by the variable that they have for their user.
    if survey.facts.user.is_none() {
        let names = |unit: &Unit<'_>| {
            let text = unit.text();
            ["$NB_USER", "${NB_USER}", "$NB_UID", "${NB_UID}", "fix-permissions "]
                .iter()
                .any(|mark| text.contains(mark))
        };
        if survey.all().any(names) {
            let text = "the base image runs as NB_USER already, as the images of Jupyter do";
            return Err(refuse("already-non-root", text, true));
        }
    }
    let assumed = match &survey.stage.base {
        Base::Scratch => false,
        _ => survey.facts.user.is_none() && made.is_none(),
    };
    Ok(Root { said: None, before: None, assumed })
}
