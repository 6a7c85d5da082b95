//! The result, read again and compared with what there was: what fails here is not proposed.

use crate::model::{Model, Stage, entry};
use crate::settings::Settings;
use crate::syntax::{File, Keyword, ParseError};
use crate::transform::{Fix, Refusal};

use super::plan::{Plan, runs_as_root};
use super::provenance;
use super::runtime;
use super::started;
use super::survey::{Survey, refuse};

/// What is wrong with a result.
pub(super) enum Fault {
    /// It is not the image that it was.
    Other(Refusal),
    /// A command would lack what another stage has.
    Missing(provenance::Missing),
}

/// Compares the shipped stage before and after. `again` says of a stage whether it would be split.
///
/// # Errors
/// The first difference that the plan does not account for.
pub(super) fn check<'m>(survey: &Survey<'m, 'm>, plan: &Plan, fix: &Fix, again: &Again<'_>) -> Result<(), Fault> {
    let model = survey.model;
    let after = fix.edits.apply(model.file.source);
    let unread = |error: ParseError| fail(format!("line {} would not parse: {}", error.line, error.message));
    if model.settings.is_usual() {
        return compare(survey, plan, model.later(after).map_err(unread)?, again);
    }
    let file = File::parse(&after).map_err(unread)?;
    let settings = Settings::default();
    compare(survey, plan, &Model::new(&file, model.context, &settings), again)
}

/// Whether a stage would be split.
type Again<'f> = dyn for<'n> Fn(&'n Model<'n>, &'n Stage) -> bool + 'f;

/// The result is not the image that it was.
fn fail(what: String) -> Fault {
    Fault::Other(refuse("self-check", format!("the result would not be the same image: {what}"), false))
}

/// Compares the stages with those of the result.
fn compare<'n>(survey: &Survey<'_, '_>, plan: &Plan, new: &'n Model<'n>, again: &Again<'_>) -> Result<(), Fault> {
    let model = survey.model;
    if new.stages.len() != model.stages.len() + 1 {
        return Err(fail("the number of stages is wrong".into()));
    }
    let Some(shipped) = new.shipped() else { return Err(fail("there is no stage".into())) };
    for keyword in [Keyword::Expose, Keyword::Volume, Keyword::Label, Keyword::Healthcheck, Keyword::Stopsignal] {
        if texts(model, survey.stage, keyword) != texts(new, shipped, keyword) {
            return Err(fail(format!("{} differs", keyword.name())));
        }
    }
    if model.final_workdir(survey.stage) != new.final_workdir(shipped) {
        return Err(fail("the working directory differs".into()));
    }
    let user = |model: &Model<'_>, stage: &Stage| {
        let user = model.user(stage.body.end).map(|user| user.text.clone());
        let root = |user: &String| matches!(user.split(':').next(), Some("root" | "0" | ""));
        // What a base runs as that is not known may be anybody.
        let unsaid = if runs_as_root(survey) || plan.recipe.smaller { "root" } else { "" };
        user.map_or(unsaid.to_owned(), |user| if root(&user) { "root".to_owned() } else { user })
    };
    if user(model, survey.stage) != user(new, shipped) {
        return Err(fail("the user differs".into()));
    }
    if plan.recipe.start.is_none() {
        for keyword in [Keyword::Cmd, Keyword::Entrypoint] {
            if texts(model, survey.stage, keyword) != texts(new, shipped, keyword) {
                return Err(fail(format!("{} differs", keyword.name())));
            }
        }
    } else if entry::of(new, shipped).steps.iter().any(|step| step.program() == "go") {
        return Err(fail("the toolchain would still be started".into()));
    }
    let toolchain = plan.recipe.toolchain_variables;
    for (_, name) in model.env_names(survey.stage) {
        let kept = new.env_names(shipped).any(|(_, kept)| kept == name);
        let settled = || {
            toolchain.contains(&name)
                || name == "PATH"
                || plan.decisions.iter().any(|decision| decision.evidence.contains(name))
        };
        if !kept && !settled() {
            return Err(fail(format!("ENV {name} is lost")));
        }
    }
    // Every variable that an instruction of the runtime stage reads has to be set in it, where it was set before.
    let declared = |stage: &Stage, model: &Model<'_>, name: &str| {
        model.env_names(stage).chain(model.arg_names(stage)).any(|(_, known)| known == name)
    };
    for (_, instruction) in new.body(shipped) {
        for name in crate::syntax::words::reads(&instruction.args.text, b'\\') {
            if declared(survey.stage, model, &name) && !declared(shipped, new, &name) {
                return Err(fail(format!("the variable {name} is out of reach")));
            }
        }
    }
    // What the base image sets and the runtime image does not is no more there.
    let lost = runtime::lost(survey, &plan.recipe.runtime);
    for (_, instruction) in new.body(shipped).filter(|_| !lost.is_empty()) {
        let text = instruction.args.text.as_ref();
        if !matches!(
            instruction.keyword,
            Keyword::Run
                | Keyword::Env
                | Keyword::Workdir
                | Keyword::Copy
                | Keyword::Add
                | Keyword::Cmd
                | Keyword::Entrypoint
        ) {
            continue;
        }
        for name in crate::syntax::words::reads(text, b'\\') {
            let given = || declared(shipped, new, &name) || text.contains(&format!("{name}="));
            if lost.contains(&name.as_str()) && !given() {
                return Err(fail(format!("only the image of the builder sets {name}")));
            }
        }
    }
    if let [.., builder, shipped] = new.stages.as_slice()
        && let Some(missing) = provenance::missing((model, survey.stage), new, [builder, shipped])
    {
        return Err(Fault::Missing(missing));
    }
    if let Some(program) = started::missing(survey, plan.recipe.smaller, new, shipped) {
        let text = format!(
            "{program} is needed in the shipped image, and which command of the build makes it can't be told from the file"
        );
        return Err(Fault::Other(refuse("unknown-result", text, false)));
    }
    if again(new, shipped) {
        let text = "the shipped stage would still build something, which a second split would part from it";
        return Err(Fault::Other(refuse("entangled", text, false)));
    }
    Ok(())
}

/// The arguments of every instruction of a kind.
fn texts(model: &Model<'_>, stage: &Stage, keyword: Keyword) -> Vec<String> {
    model
        .body(stage)
        .filter(|(_, instruction)| instruction.keyword == keyword)
        .map(|(_, instruction)| instruction.args.text.to_string())
        .collect()
}
