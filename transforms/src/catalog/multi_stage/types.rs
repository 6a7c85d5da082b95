//! The list of media types that Python asks for the type of a file that it serves or sends: the full image has it, by a
//! package that others bring, and the small one has not.

use crate::knowledge::images::Image;
use crate::knowledge::words::Words;
use crate::model::paths;

use super::plan::Carried;
use super::survey::Survey;

/// The list, where Python looks for it.
const LIST: &str = "/etc/mime.types";

/// What says that a program answers with files.
const SERVES: [&str; 9] = [
    "FileResponse",
    "Flask(",
    "StaticFiles",
    "StaticFileHandler",
    "add_static",
    "send_file",
    "send_from_directory",
    "static_file(",
    "staticfiles",
];

/// Modules that serve files of their own, fonts among them.
const SERVERS: [&str; 3] = ["gradio", "jupyterlab", "streamlit"];

/// The list to be copied out of the full image, where the program may answer with files whose type stands there alone.
pub(super) fn carried(survey: &Survey<'_, '_>, image: &Image<'_>) -> Option<Carried> {
    let full = image.name() == "python" && !image.tag().contains("slim") && !image.tag().contains("alpine");
    (full && looked_up(survey)).then(|| Carried {
        from: LIST.into(),
        to: LIST.into(),
        owner: None,
        evidence: "Python looks up there the types of the files that it answers with".into(),
    })
}

fn looked_up(survey: &Survey<'_, '_>) -> bool {
    let starts = |step: &crate::model::commands::Step| SERVERS.contains(&step.program());
    if survey.entry.steps.iter().any(starts) {
        return true;
    }
    let Some(context) = survey.model.context else { return false };
    let end = |file: &str| paths::name(file).rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    let known = |end: String| Words::MimeEnds.has(end.as_str());
    let mut serves = false;
    let mut files = context.files().iter().any(|file| end(file).is_some_and(known));
    for file in context.files().iter().filter(|file| file.ends_with(".py")) {
        let Some(text) = context.read(file) else { continue };
        let text = crate::context::text(&text);
        if text.contains("import mimetypes") {
            return true;
        }
        serves |= SERVES.iter().any(|mark| text.contains(mark));
        files |= Words::MimeEnds
            .list()
            .iter()
            .any(|end| text.match_indices(end).any(|(at, _)| text.get(..at).is_some_and(|head| head.ends_with('.'))));
    }
    serves && files
}
