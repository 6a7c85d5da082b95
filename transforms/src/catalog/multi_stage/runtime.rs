//! Which image the runtime stage stands on.

use crate::knowledge::releases::{self, Family, Release};
use crate::knowledge::tags;
use crate::model::Base;
use crate::syntax::typed::ImageRef;
use crate::transform::Refusal;

use super::survey::{Survey, refuse};

/// The image of the runtime stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runtime {
    /// As it is written after FROM.
    pub(super) image: String,
    /// The release that it is, where that is known.
    pub(super) release: Option<Release>,
    /// Why this one.
    pub(super) evidence: String,
    /// What has to be taken for granted.
    pub(super) assumption: Option<String>,
}

/// The name of an official image, whatever mirror it is pulled from, with the prefix of the mirror.
pub(super) fn official(image: &ImageRef) -> Option<(String, &str)> {
    let (prefix, name) = match image.path.rsplit_once('/') {
        Some((folder, name)) => (format!("{folder}/"), name),
        None => (String::new(), image.path.as_str()),
    };
    // On Docker Hub only `library` holds official images; another registry may hold a copy in any folder.
    let hub =
        matches!(image.registry.as_deref(), None | Some("docker.io" | "index.docker.io" | "registry-1.docker.io"));
    if hub && !matches!(prefix.as_str(), "" | "library/") {
        return None;
    }
    let registry = image.registry.as_ref().map(|registry| format!("{registry}/")).unwrap_or_default();
    Some((format!("{registry}{prefix}"), name))
}

/// The plain image of the distribution release that an official toolchain image is built on: what it compiles runs
/// there, because the C library is the same.
pub(super) fn plain_distribution(survey: &Survey<'_, '_>) -> Result<Runtime, Refusal> {
    let Base::Image { image, exact } = &survey.stage.base else {
        return Err(refuse(
            "unknown-base",
            "the base image is given by a variable that has no value in the file",
            false,
        ));
    };
    if let Some(chosen) = &survey.model.settings.runtime_base {
        return Ok(Runtime {
            image: chosen.clone(),
            release: None,
            evidence: "the settings name it".into(),
            assumption: Some(format!("what is compiled in {image} runs on {chosen}")),
        });
    }
    let Some((prefix, name)) = official(image) else {
        return Err(refuse("unknown-base", format!("{image} is not an image whose contents are known"), false));
    };
    let tag = image.tag_or_latest();
    let named = releases::named_in(tag);
    if image.digest.is_some() && named.is_none() {
        let text =
            format!("{image} is pinned by digest, and its tag does not say which distribution release it stands on");
        return Err(refuse("digest-hides-release", text, false));
    }
    let Some(release) = tags::release(name, tag).and_then(releases::release).or(named) else {
        let text = format!("which distribution release {name}:{tag} stands on is not known");
        return Err(refuse("unknown-release", text, false));
    };
    let plain = match release.family {
        Family::Alpine => format!("alpine:{}", release.version),
        Family::Debian => format!("debian:{}-slim", release.name),
        _ => {
            let text = format!("{name}:{tag} stands on {}, for which no small image is known", release.name);
            return Err(refuse("unknown-release", text, false));
        }
    };
    let (distribution, plain_tag) = plain.split_once(':').unwrap_or((plain.as_str(), "latest"));
    if tags::listed(distribution) && !tags::exists(distribution, plain_tag) {
        return Err(refuse("unknown-release", format!("there is no image {plain}"), false));
    }
    let mut assumption = None;
    if !exact {
        assumption = Some(format!("the build arguments of FROM keep their defaults, so that the base is {image}"));
    } else if !prefix.is_empty() && !prefix.ends_with("library/") {
        assumption = Some(format!("{prefix} also has {plain}"));
    }
    Ok(Runtime {
        image: format!("{prefix}{plain}"),
        release: Some(release),
        evidence: format!("{name}:{tag} is built on {}, so the C library is the same", release.name),
        assumption,
    })
}
