//! Cultures of .NET on Alpine: the image of the SDK has ICU and says so, those that programs run on have neither, and know
//! one culture. A client of SQL Server does not start there at all.

use crate::knowledge::releases::Family;

use super::runtime::Runtime;
use super::survey::Survey;

/// The variables by which the image of the SDK says so, with the last version that sets them, where later ones don't.
const VARIABLES: [(&str, &str, Option<u32>); 3] = [
    ("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "false", None),
    ("LC_ALL", "en_US.UTF-8", Some(5)),
    ("LANG", "en_US.UTF-8", Some(5)),
];

/// The variables that the runtime stage has to set.
pub(super) fn variables(survey: &Survey<'_, '_>, runtime: &Runtime) -> Vec<(&'static str, &'static str)> {
    if !lost(survey, runtime) {
        return Vec::new();
    }
    let version = major(survey);
    let said = |name: &str| survey.model.env_names(survey.stage).any(|(_, known)| known == name);
    let set = |last: Option<u32>| last.is_none_or(|last| version.is_some_and(|version| version <= last));
    VARIABLES
        .into_iter()
        .filter(|(name, _, last)| set(*last) && !said(name))
        .map(|(name, value, _)| (name, value))
        .collect()
}

/// The version of .NET that the tag of the SDK starts with.
fn major(survey: &Survey<'_, '_>) -> Option<u32> {
    survey.model.known(survey.stage)?.tag().split(['.', '-']).next()?.parse().ok()
}

/// Whether a program that had cultures would lose them.
fn lost(survey: &Survey<'_, '_>, runtime: &Runtime) -> bool {
    let sdk = survey.model.known(survey.stage).is_some_and(|image| {
        image.language() == Some("dotnet") && image.has_compiler() && image.family() == Some(Family::Alpine)
    });
    sdk && runtime.family == Some(Family::Alpine) && !does_without(survey)
}

/// The command that installs what is lost; `None` where the file does so itself.
pub(super) fn install(survey: &Survey<'_, '_>, runtime: &Runtime) -> Option<String> {
    if !lost(survey, runtime) || survey.installs("icu-libs") {
        return None;
    }
    let major = major(survey);
    let minor = runtime.release.and_then(|release| release.name.strip_prefix("alpine3.")?.parse::<u32>().ok());
    // Since Alpine 3.16 most of the data is a package of its own; the image of the SDK has it, and that of .NET 8 the time
    // zones.
    let whole = minor.map_or(major.is_none_or(|major| major >= 6), |minor| minor >= 16);
    let zones = major.is_none_or(|major| major >= 8);
    let data = if whole { "icu-data-full " } else { "" };
    let zones = if zones { " tzdata" } else { "" };
    Some(format!("apk add --no-cache {data}icu-libs{zones}"))
}

/// Whether the file or the project says that it needs no cultures.
fn does_without(survey: &Survey<'_, '_>) -> bool {
    const SETTINGS: [&str; 5] = [".csproj", ".fsproj", ".vbproj", ".props", "runtimeconfig.template.json"];
    let said = survey.model.env_names(survey.stage).any(|(_, name)| name == "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT");
    said || survey.model.context.is_some_and(|context| {
        let files = context.files().iter().filter(|file| SETTINGS.iter().any(|end| file.ends_with(end)));
        files.filter_map(|file| context.read(file)).any(|text| {
            let text: String = crate::context::text(&text).split_whitespace().collect();
            text.contains("<InvariantGlobalization>true") || text.contains("\"System.Globalization.Invariant\":true")
        })
    })
}
