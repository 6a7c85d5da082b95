//! The volumes of an image without a shell: an earlier stage makes a folder for each, which COPY hands to the user.

use crate::edit::Edit;
use crate::knowledge::releases::Family;
use crate::model::{Stage, paths};
use crate::surgery::Layout;
use crate::syntax::{Form, Keyword};
use crate::transform::Refusal;

use super::owns::Needs;
use super::spelling::spelled;
use super::survey::{Survey, Unit};
use super::user::User;
use super::{images, refuse, uses, who};

/// What hands the volumes on.
#[derive(Default)]
pub(super) struct Handed {
    /// The earlier stage makes their folders.
    pub(super) edits: Vec<Edit>,
    /// The COPY instructions, with their place.
    pub(super) lines: Vec<(usize, String)>,
    /// The folders.
    pub(super) owns: Vec<String>,
}

/// Where the earlier stage makes them, apart from what it has itself.
const APART: &str = "/volumes";

/// Hands on every volume that nothing which is copied makes the user's: Docker makes a folder that is not there as root's.
///
/// # Errors
/// No earlier stage can make them.
pub(super) fn volumes(survey: &Survey<'_, '_>, user: &User, needs: &Needs) -> Result<Handed, Refusal> {
    let copied = |path: &str| {
        let mut copies = survey.units.iter().enumerate();
        copies.any(|(at, unit)| {
            let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
            to == Some(path) && (needs.copies.contains(&at) || unit.has_owner())
        })
    };
    let volumes: Vec<&str> = needs
        .early
        .iter()
        .chain(&needs.late)
        .map(|folder| folder.path.as_str())
        .filter(|path| uses::is_volume(survey, path) && !copied(path))
        .collect();
    let Some(first) = volumes.first() else { return Ok(Handed::default()) };
    let Some((name, stage)) = survey.units.iter().find_map(|unit| maker(survey, unit)) else {
        let text = format!(
            "its volume {first} begins as root's folder on an image without a shell; copy a folder there with --chown"
        );
        return Err(refuse("needs-root", text, true));
    };
    let layout = Layout::new(survey.model.file, stage.from, stage.body.clone());
    let made: Vec<String> = volumes.iter().map(|path| format!("{APART}{path}")).collect();
    let run = layout.run(&[format!("mkdir -p {}", made.join(" "))]);
    let edits = layout.insert_after(stage.body.end.saturating_sub(1), run);
    let end = needs.volume.unwrap_or(survey.units.len());
    let keyword = Layout::new(survey.model.file, survey.stage.from, survey.stage.body.clone()).keyword("COPY");
    let line = |path: &&str| {
        // A folder that is there keeps its owner.
        let place =
            survey.units.iter().position(|unit| works_in(survey, unit, path)).map_or(end, |first| first.min(end));
        let to = spelled(survey, path, place);
        (place, format!("{keyword} --from={name} --chown={} {APART}{path} {to}", user.owner))
    };
    Ok(Handed {
        edits,
        lines: volumes.iter().map(line).collect(),
        owns: volumes.iter().map(|path| (*path).to_owned()).collect(),
    })
}

/// Whether an instruction makes the folder, as it works or puts something there.
fn works_in(survey: &Survey<'_, '_>, unit: &Unit<'_>, path: &str) -> bool {
    let at = match unit.instruction.keyword {
        Keyword::Workdir => survey.model.workdir(unit.index + 1),
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck => return true,
        _ => survey.copied(unit).and_then(|copied| copied.to.as_deref()),
    };
    at.is_some_and(|at| paths::within(at, path))
}

/// The stage that a COPY takes from, as it is called there, where a shell of its own can make a folder as root.
fn maker<'m>(survey: &Survey<'m, '_>, unit: &Unit<'_>) -> Option<(String, &'m Stage)> {
    let stage = survey.copied_from(unit)?;
    let name = unit.instruction.flags.iter().find(|flag| flag.name == "from")?.value.as_deref()?;
    let facts = images::of(survey.model, stage);
    let mut body = survey.model.body(stage);
    let shell = facts.family.is_none_or(Family::has_shell)
        && body.any(|(index, one)| {
            one.keyword == Keyword::Run && !matches!(one.form, Form::Json(_)) && survey.model.posix(index)
        });
    let user = survey.model.final_user(stage);
    let root = user.map_or(facts.user.is_none_or(who::is_root), |user| user.known && who::is_root(&user.text));
    (shell && root && paths::plain(name)).then(|| (name.to_owned(), stage))
}
