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

/// The working directory that an image leaves; `/` where nothing is known of it, as most images have it.
pub fn workdir(image: &ImageRef) -> &'static str {
    known(image).and_then(|image| image.workdir()).unwrap_or("/")
}

/// A variable that an image sets.
pub fn variable(image: &ImageRef, name: &str) -> Option<&'static str> {
    let known = known(image)?;
    known.env().find(|(known, value)| *known == name && !value.contains('$')).map(|(_, value)| value)
}

/// Whether it is a Windows image.
pub fn is_windows(image: &ImageRef) -> bool {
    let windows = |text: &str| ["nanoserver", "windowsservercore", "windows"].iter().any(|part| text.contains(part));
    known(image).is_some_and(|image| image.family() == Some(Family::Windows))
        || windows(&image.path)
        || windows(image.tag_or_latest())
}
