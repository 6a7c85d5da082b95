//! What is known about the image that a stage stands on.

use crate::knowledge::images::{self, Image};
use crate::knowledge::reference;
use crate::knowledge::releases::Family;
use crate::syntax::typed::ImageRef;

/// The row of an image, whatever mirror it is pulled from; `None` where nothing is known of it.
pub fn known(image: &ImageRef) -> Option<Image<'_>> {
    let tag = image.tag_or_latest();
    match &image.registry {
        None => images::image(reference::canonical(&image.path).name, tag),
        Some(registry) => images::image(reference::canonical(&format!("{registry}/{}", image.path)).name, tag),
    }
}

/// Whether it is a Windows image; `known` is what [`known`] answers for it.
pub fn is_windows(image: &ImageRef, known: Option<&Image<'_>>) -> bool {
    let windows = |text: &str| ["nanoserver", "windows"].iter().any(|part| text.contains(part));
    known.is_some_and(|image| image.family() == Some(Family::Windows))
        || windows(&image.path)
        || windows(image.tag_or_latest())
}
