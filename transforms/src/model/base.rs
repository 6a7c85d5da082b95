//! What is known about the image that a stage stands on.

use crate::syntax::typed::ImageRef;

/// The working directory that an image sets; `None` where it is not known.
pub fn workdir(image: &ImageRef) -> Option<&'static str> {
    match image.path.trim_start_matches("library/") {
        "golang" => Some("/go"),
        _ => Some("/"),
    }
}

/// A variable that an image sets.
pub fn variable(image: &ImageRef, name: &str) -> Option<&'static str> {
    match (image.path.trim_start_matches("library/"), name) {
        ("golang", "GOPATH") => Some("/go"),
        _ => None,
    }
}

/// Whether it is a Windows image.
pub fn is_windows(image: &ImageRef) -> bool {
    let _ = image;
    false
}
