//! What an image reference names: the image as it is known, apart from the registry or mirror it is pulled through.

use super::tags;
use super::words::Words;

/// How surely the name is the one of Docker Hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Docker Hub, or a mirror of it that is known to hold all of it.
    Hub,
    /// A registry that looks like a copy of Docker Hub: a variable before an official name, or `library/` behind a
    /// private host. What is written for it keeps its prefix, and may not be there.
    Copy,
    /// Another registry; its host is part of the name.
    Other,
}

/// An image reference, taken apart. `prefix`, `name`, the tag and the digest are slices of what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// What stands before the name and is to be kept: `docker.io/library/`, `public.ecr.aws/docker/library/`,
    /// `${REGISTRY}/`, `arm32v7/`; empty in the plain case.
    pub prefix: &'a str,
    /// The name as the tables know it: `golang`, `bitnami/node`, `mcr.microsoft.com/dotnet/sdk`.
    pub name: &'a str,
    /// The tag, where one is given.
    pub tag: Option<&'a str>,
    /// The digest (`sha256:…`), where one is given.
    pub digest: Option<&'a str>,
    /// Where the name is from.
    pub origin: Origin,
}

impl Reference<'_> {
    /// The tag that is pulled where no digest says otherwise.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.unwrap_or("latest")
    }
}

/// Takes a reference apart: registry prefix, name, tag, digest. It accepts anything, and names what it can.
pub fn canonical(reference: &str) -> Reference<'_> {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let (path, tag) = split_tag(rest);
    let mut start = 0;
    let mut origin = Origin::Hub;
    let left = |start: usize| path.get(start..).unwrap_or("");
    if let Some(mirror) = Words::Mirrors.list().iter().find(|mirror| left(0).starts_with(**mirror)) {
        start = mirror.len();
    } else if let Some(at) = copied_from(path) {
        origin = Origin::Copy;
        start = at;
    } else if is_host(path) {
        origin = Origin::Other;
    }
    if origin != Origin::Other
        && let Some(space) = Words::ArchitectureSpaces.list().iter().find(|space| left(start).starts_with(**space))
        && !left(start + space.len()).contains('/')
    {
        start += space.len();
    }
    let (prefix, name) = path.split_at_checked(start).unwrap_or(("", path));
    Reference { prefix, name, tag, digest, origin }
}

/// The name and the tag; a colon before the last slash is a port, one inside `${…}` a default.
fn split_tag(rest: &str) -> (&str, Option<&str>) {
    let mut depth = 0_usize;
    let mut colon = None;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' if depth == 0 => colon = None,
            b':' if depth == 0 && colon.is_none() => colon = Some(at),
            _ => {}
        }
    }
    match colon.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))) {
        Some((name, tag)) => (name, Some(tag)),
        None => (rest, None),
    }
}

/// Whether the first part of the path is a host: it has a dot or a port, or is `localhost`.
fn is_host(path: &str) -> bool {
    path.split_once('/').is_some_and(|(first, _)| first.contains(['.', ':']) || first == "localhost")
}

/// Where the official name starts in a reference that looks like a copy of Docker Hub: `${REGISTRY}/node`,
/// `$PREFIXnode` never (the variable's end can't be seen), `${PREFIX}node`, `harbor.example.com/hub/library/node`.
fn copied_from(path: &str) -> Option<usize> {
    let slash = path.rfind('/').map_or(0, |at| at + 1);
    if path.starts_with('$') {
        let at = path.rfind('}').map_or(slash, |at| at + 1).max(slash);
        return tags::listed(path.get(at..)?).then_some(at);
    }
    let name = path.get(slash..)?;
    let before = path.get(..slash)?;
    (is_host(path) && before.ends_with("/library/") && tags::listed(name)).then_some(slash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_comes_apart() {
        for (reference, prefix, name, tag, digest, origin) in [
            ("golang", "", "golang", None, None, Origin::Hub),
            ("golang:1.22-alpine", "", "golang", Some("1.22-alpine"), None, Origin::Hub),
            ("docker.io/library/node:20", "docker.io/library/", "node", Some("20"), None, Origin::Hub),
            ("library/node:10", "library/", "node", Some("10"), None, Origin::Hub),
            ("docker.io/bitnami/node:20", "docker.io/", "bitnami/node", Some("20"), None, Origin::Hub),
            (
                "public.ecr.aws/docker/library/python:3",
                "public.ecr.aws/docker/library/",
                "python",
                Some("3"),
                None,
                Origin::Hub,
            ),
            (
                "public.ecr.aws/lambda/python:3.12",
                "",
                "public.ecr.aws/lambda/python",
                Some("3.12"),
                None,
                Origin::Other,
            ),
            ("mirror.gcr.io/library/node:20", "mirror.gcr.io/library/", "node", Some("20"), None, Origin::Hub),
            ("mcr.microsoft.com/dotnet/sdk:8.0", "", "mcr.microsoft.com/dotnet/sdk", Some("8.0"), None, Origin::Other),
            ("localhost:5000/app", "", "localhost:5000/app", None, None, Origin::Other),
            ("localhost:5000/app:1", "", "localhost:5000/app", Some("1"), None, Origin::Other),
            ("arm32v7/node:10", "arm32v7/", "node", Some("10"), None, Origin::Hub),
            ("node:20@sha256:ab", "", "node", Some("20"), Some("sha256:ab"), Origin::Hub),
            ("node@sha256:ab", "", "node", None, Some("sha256:ab"), Origin::Hub),
            ("${REGISTRY}/node:20", "${REGISTRY}/", "node", Some("20"), None, Origin::Copy),
            ("${PREFIX}node:20", "${PREFIX}", "node", Some("20"), None, Origin::Copy),
            ("${REGISTRY:-docker.io}/node:20", "${REGISTRY:-docker.io}/", "node", Some("20"), None, Origin::Copy),
            ("$REGISTRY/node", "$REGISTRY/", "node", None, None, Origin::Copy),
            (
                "harbor.example.com/hub/library/node:20",
                "harbor.example.com/hub/library/",
                "node",
                Some("20"),
                None,
                Origin::Copy,
            ),
            ("registry.example.com/team/app:1", "", "registry.example.com/team/app", Some("1"), None, Origin::Other),
            ("${BASE}", "", "${BASE}", None, None, Origin::Hub),
            ("node:${VERSION:-20}", "", "node", Some("${VERSION:-20}"), None, Origin::Hub),
            ("", "", "", None, None, Origin::Hub),
            ("/", "", "/", None, None, Origin::Hub),
        ] {
            let expected = Reference { prefix, name, tag, digest, origin };
            assert_eq!(canonical(reference), expected, "{reference}");
        }
    }
}
