//! FROM, read into its parts.
//!
//! An image reference is taken apart by the `dockerfile-parser` crate, whose maintainers call it deprecated; it is asked
//! for nothing else, because it loses a whole file to one line that it does not know. One fault of it is mended here:
//! a reference with both a tag and a digest.

use std::fmt;

use dockerfile_parser::ImageRef as Parsed;

use super::instruction::{Instruction, Keyword};
use super::words::{Word, is_as};

/// The arguments of FROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From<'a> {
    /// The image or stage as it is written, variables included.
    pub image: Word<'a>,
    /// The name of the stage.
    pub alias: Option<Word<'a>>,
}

impl Instruction<'_> {
    /// The parts of a FROM; `None` for another instruction and for arguments that are neither `IMAGE` nor
    /// `IMAGE AS NAME`.
    pub fn from(&self) -> Option<From<'_>> {
        if self.keyword != Keyword::From {
            return None;
        }
        let mut words = self.words().into_iter();
        let image = words.next()?;
        match (words.next(), words.next(), words.next()) {
            (None, ..) => Some(From { image, alias: None }),
            (Some(word), alias @ Some(_), None) if is_as(word.raw) => Some(From { image, alias }),
            _ => None,
        }
    }
}

/// An image reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageRef {
    /// The registry's host, with its port; `None` for Docker Hub.
    pub registry: Option<String>,
    /// The repository without the registry: `golang`, `library/golang`, `dotnet/sdk`.
    pub path: String,
    /// The tag; `None` where none is written.
    pub tag: Option<String>,
    /// `sha256:…`
    pub digest: Option<String>,
}

impl ImageRef {
    /// Takes a reference apart.
    pub fn parse(text: &str) -> Self {
        let (text, digest) = match text.split_once('@') {
            Some((text, digest)) => (text, Some(digest.to_owned())),
            None => (text, None),
        };
        let parsed = Parsed::parse(text);
        Self { registry: parsed.registry, path: parsed.image, tag: parsed.tag, digest }
    }

    /// The tag that is pulled: `latest` where none is written.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_comes_apart_and_together() {
        for text in ["golang", "localhost:5000/a/b:1", "alpine:3.20@sha256:ab", "mcr.microsoft.com/dotnet/sdk:8.0"] {
            assert_eq!(ImageRef::parse(text).to_string(), text);
        }
        let both = ImageRef::parse("docker.io/library/golang:1.22@sha256:ab");
        assert_eq!(both.registry.as_deref(), Some("docker.io"));
        assert_eq!((both.path.as_str(), both.tag.as_deref()), ("library/golang", Some("1.22")));
    }
}
