//! The runtime counterpart of an image: what to ship what was built on it.
//!
//! The counterpart has the same C library, and the same release wherever one is published; a tag of an official image
//! is only answered where the lists have it.

use super::words::Words;
use super::{
    images::{Image, Kind, Rule},
    releases::{self, Family, Release},
    sorted::Sorted,
    tags,
};

static JAVA: Sorted = Sorted::new(include_str!("../../data/java.tsv"));

/// An image to ship, in place of the one that was built on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Its name as [`super::reference::canonical`] gives names. A registry prefix of the builder's is kept before it
    /// where both are official images or of one registry.
    pub name: String,
    /// Its tag.
    pub tag: String,
    /// Its family.
    pub family: Option<Family>,
    /// Its release, where it is known.
    pub release: Option<&'static str>,
    /// Whether the lists of official tags have it. Where they don't, its existence rests on how its publisher names
    /// tags.
    pub is_listed: bool,
    /// What the builder image has outside its distribution's packages, that programs built on it are linked against:
    /// to be copied along where the program is not static.
    pub carries: &'static [&'static str],
}

/// What the program is, where that decides: for .NET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hint {
    /// Nothing is known: the counterpart that serves both.
    #[default]
    Any,
    /// It serves the web: ASP.NET's shared framework is needed.
    Web,
    /// It needs the plain runtime only.
    Console,
}

/// Why there is no counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// What to ship instead of this image is not known.
    NoRule,
    /// The release of the tag is not known, so its like can't be named.
    ReleaseUnknown,
    /// The counterpart is not among the tags that exist.
    NotListed,
    /// The version of Java behind the tag is not known, or no runtime of it is published.
    NoJre,
    /// The image is for Windows.
    Windows,
    /// The tag runs its own ONBUILD instructions.
    OnBuild,
}

impl Reason {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoRule => "no-counterpart",
            Self::ReleaseUnknown => "release-unknown",
            Self::NotListed => "counterpart-not-published",
            Self::NoJre => "no-java-runtime",
            Self::Windows => "windows-image",
            Self::OnBuild => "onbuild-image",
        }
    }

    /// A sentence for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoRule => "what to ship instead of this base image is not known",
            Self::ReleaseUnknown => "the distribution release behind this tag is not known",
            Self::NotListed => "no published tag is the smaller counterpart of this one",
            Self::NoJre => "no Java runtime image is published for this version, or the version is not known",
            Self::Windows => "the base image is for Windows",
            Self::OnBuild => "the base image runs instructions of its own (ONBUILD)",
        }
    }
}

/// What to ship instead of this image: the same where it holds no toolchain, else its counterpart.
///
/// # Errors
///
/// A [`Reason`] where no counterpart is known or published.
pub fn runtime_for(image: &Image<'_>, hint: Hint) -> Result<Runtime, Reason> {
    if image.family() == Some(Family::Windows) {
        return Err(Reason::Windows);
    }
    if image.tag().split('-').any(|part| part == "onbuild") {
        return Err(Reason::OnBuild);
    }
    match image.rule() {
        Rule::None => Err(Reason::NoRule),
        Rule::Same => same(image),
        Rule::System => system_of(image),
        Rule::Slim => slim(image),
        Rule::Jre => jre(image),
        Rule::Dotnet => dotnet(image, hint),
        Rule::Cuda => renamed(image, |tag| replace_part(tag, "devel", "runtime")),
        Rule::Heroku => renamed(image, |tag| tag.strip_suffix("-build").map(str::to_owned)),
        Rule::Tomcat => first(image, swapped(image.tag(), "jdk", "jre")).or_else(|_| same(image)),
        Rule::Groovy | Rule::Jruby => {
            let tag = image.tag();
            if states_jdk(tag) {
                first(image, swapped(tag, "jdk", "jre")).or_else(|_| same(image))
            } else {
                same(image)
            }
        }
        Rule::Bun => renamed(image, |tag| {
            let plain = !tag.split('-').any(|part| matches!(part, "slim" | "alpine" | "distroless" | "debian"));
            plain.then(|| if tag == "latest" { "slim".to_owned() } else { format!("{tag}-slim") })
        }),
        Rule::Uv => uv(image),
        Rule::CaddyBuilder => {
            let tag: Vec<_> = image.tag().split('-').filter(|part| *part != "builder").collect();
            let tag = if tag.is_empty() { "latest".to_owned() } else { tag.join("-") };
            first(image, [tag])
        }
    }
}

/// The plain distribution image of an image's own release: `debian:bookworm-slim`, `alpine:3.20`, `ubuntu:22.04`.
/// It runs what was built on the image and needs nothing of it but the distribution.
///
/// # Errors
///
/// [`Reason::ReleaseUnknown`] where the tag's release is not known, [`Reason::NoRule`] where the family has no plain
/// image, [`Reason::NotListed`] where its tag is not published, [`Reason::Windows`].
pub fn system_of(image: &Image<'_>) -> Result<Runtime, Reason> {
    if image.family() == Some(Family::Windows) {
        return Err(Reason::Windows);
    }
    let release = image.release().and_then(releases::release).ok_or(Reason::ReleaseUnknown)?;
    let mut found = system(release)?;
    if image.name() == "gcc" {
        // The image's compiler is newer than the distribution's, and so are the libraries that its programs need.
        found.carries = &["/usr/local/lib64"];
    }
    Ok(found)
}

/// The plain image of a release.
///
/// # Errors
///
/// As [`system_of`].
pub fn system(release: Release) -> Result<Runtime, Reason> {
    let Release { name, version, .. } = release;
    let (image, tag) = match release.family {
        Family::Debian => ("debian", format!("{name}-slim")),
        Family::Ubuntu => ("ubuntu", version.to_owned()),
        Family::Alpine => ("alpine", version.to_owned()),
        Family::Amazon => ("amazonlinux", version.to_owned()),
        Family::Fedora => ("fedora", version.to_owned()),
        Family::Rhel if name.starts_with("centos") => ("centos", version.to_owned()),
        Family::Rhel if name.starts_with("rocky") => ("rockylinux", format!("{version}-minimal")),
        Family::Rhel if name.starts_with("alma") => ("almalinux", format!("{version}-minimal")),
        Family::Rhel if name.starts_with("oraclelinux") => {
            let slim = format!("{version}-slim");
            ("oraclelinux", if tags::exists("oraclelinux", &slim) { slim } else { version.to_owned() })
        }
        Family::Rhel if name.starts_with("ubi") => {
            return Ok(Runtime {
                name: format!("registry.access.redhat.com/ubi{version}/ubi-minimal"),
                tag: "latest".to_owned(),
                family: Some(Family::Rhel),
                release: Some(name),
                is_listed: false,
                carries: &[],
            });
        }
        _ => return Err(Reason::NoRule),
    };
    listed(image, tag)
}

/// The version of Java behind a tag of an image with a JDK or JRE: 17 of `eclipse-temurin:17-jdk`, 8 of
/// `maven:3.6-jdk-8-alpine`, 21 of `gradle:8`.
pub fn java_version(name: &str, tag: &str) -> Option<u32> {
    let by_number = matches!(
        name,
        "openjdk" | "eclipse-temurin" | "amazoncorretto" | "java" | "ibmjava" | "sapmachine" | "adoptopenjdk"
    ) || name.contains("zulu-openjdk")
        || name.starts_with("bellsoft/")
        || name.ends_with("openjdk/jdk");
    if by_number && let Some(number) = leading_number(tag) {
        return Some(number);
    }
    let stated = stated_java(tag);
    if stated.is_some() {
        return stated;
    }
    // `17.0.2_1.6.2_2.13.8` and `eclipse-temurin-jammy-22_36_1.10.0_3.4.2`: Java, sbt and Scala.
    if (name.ends_with("/scala-sbt") || name == "mozilla/sbt") && !tag.contains("-java") {
        return tag
            .rsplit('-')
            .filter(|part| part.contains('_'))
            .find_map(leading_number)
            .or_else(|| leading_number(tag));
    }
    let in_name = name
        .rsplit('/')
        .next()
        .and_then(|last| leading_number(last.strip_prefix("openjdk-").or_else(|| last.strip_prefix("openjdk"))?));
    in_name.or_else(|| JAVA.find_pair(name, b':', tag)?.rest.parse().ok())
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// The version that a tag states after the name of a JDK: `jdk-8`, `openjdk-11`, `temurin-17`, `jre11`, `11-jdk`.
fn stated_java(tag: &str) -> Option<u32> {
    let mut parts = tag.split('-').peekable();
    while let Some(part) = parts.next() {
        let name = part.trim_end_matches(|c: char| c.is_ascii_digit());
        if !Words::JavaWords.has(name) {
            continue;
        }
        if name.len() < part.len() {
            return part.get(name.len()..)?.parse().ok();
        }
        if let Some(number) = parts.peek().and_then(|next| leading_number(next)) {
            return Some(number);
        }
    }
    None
}

/// The Java runtime with windows, fonts and sound beside one that is built for servers: `openjdk:8-jre` beside
/// `openjdk:8-jre-slim`; `None` where the one given is not cut down, or no other is published.
pub fn headful(runtime: &Runtime) -> Option<Runtime> {
    let whole = match runtime.name.as_str() {
        "openjdk" if runtime.tag.contains("jre") => replace_part(&runtime.tag, "slim", "")?.replace("--", "-"),
        "amazoncorretto" => replace_part(&runtime.tag, "headless", "headful")?,
        _ => return None,
    };
    let found = listed(&runtime.name, whole.trim_end_matches('-').to_owned()).ok()?;
    (found.release == runtime.release).then_some(found)
}

/// The JDK beside the Java runtime that takes the place of an image with a build tool: `eclipse-temurin:17-jdk` for
/// `gradle:8-jdk17`; `None` where there is no tool to leave behind, or no such JDK.
pub fn without_tool(image: &Image<'_>, runtime: &Runtime) -> Option<Runtime> {
    let jdk = matches!(image.name(), "gradle" | "maven").then(|| replace_part(&runtime.tag, "jre", "jdk"))??;
    listed(&runtime.name, jdk).ok()
}

fn same(image: &Image<'_>) -> Result<Runtime, Reason> {
    Ok(Runtime {
        name: image.name().to_owned(),
        tag: image.tag().to_owned(),
        family: image.family(),
        release: image.release(),
        is_listed: tags::exists(image.name(), image.tag()),
        carries: &[],
    })
}

/// A tag of an official image, which must exist.
fn listed(name: &str, tag: String) -> Result<Runtime, Reason> {
    if !tags::exists(name, &tag) {
        return Err(Reason::NotListed);
    }
    let image = super::images::image(name, &tag);
    Ok(Runtime {
        family: image.and_then(|image| image.family()),
        release: image.and_then(|image| image.release()),
        name: name.to_owned(),
        tag,
        is_listed: true,
        carries: &[],
    })
}

/// The first of these tags of the image itself that exists and is of its release (and of its Java).
fn first(image: &Image<'_>, tags: impl IntoIterator<Item = String>) -> Result<Runtime, Reason> {
    let java = java_version(image.name(), image.tag());
    tags.into_iter()
        .filter_map(|tag| listed(image.name(), tag).ok())
        .filter(|found| found.family == image.family())
        .filter(|found| found.release == image.release())
        .find(|found| java_version(&found.name, &found.tag) == java)
        .ok_or(Reason::NotListed)
}

/// The image under another tag, by its publisher's way of naming; the same where the tag is not named that way.
fn renamed(image: &Image<'_>, rename: impl Fn(&str) -> Option<String>) -> Result<Runtime, Reason> {
    let mut found = same(image)?;
    if let Some(tag) = rename(image.tag()) {
        found.tag = tag;
        found.is_listed = false;
    }
    Ok(found)
}

fn replace_part(tag: &str, part: &str, with: &str) -> Option<String> {
    let found = tag.split('-').any(|found| found == part);
    found.then(|| tag.split('-').map(|found| if found == part { with } else { found }).collect::<Vec<_>>().join("-"))
}

fn states_jdk(tag: &str) -> bool {
    tag.split('-').any(|part| part.starts_with("jdk"))
}

/// The tag with one name for another at the start of each part: `jdk8` → `jre8`.
fn swapped(tag: &str, from: &str, to: &str) -> Option<String> {
    let swap = |part: &str| match part.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}"),
        None => part.to_owned(),
    };
    tag.split('-').any(|part| part.starts_with(from)).then(|| tag.split('-').map(swap).collect::<Vec<_>>().join("-"))
}

/// The `-slim` tag beside a tag, wherever its publisher puts the word.
fn slim(image: &Image<'_>) -> Result<Runtime, Reason> {
    let tag = image.tag();
    if image.family() == Some(Family::Alpine) || tag.split('-').any(|part| part == "slim") {
        return same(image);
    }
    // Swift's tags for the Red Hat family have a slim form as well; the parts are tried all the same.
    let parts: Vec<_> = tag.split('-').filter(|part| *part != "latest").collect();
    let with = |word: &str| (0..=parts.len()).rev().map(move |at| (at, word.to_owned())).collect::<Vec<_>>();
    let place = |(at, word): (usize, String)| {
        let (head, tail) = parts.split_at_checked(at).unwrap_or((&parts, &[]));
        let words = head.iter().copied().chain([word.as_str()]).chain(tail.iter().copied());
        words.collect::<Vec<_>>().join("-")
    };
    let mut candidates: Vec<String> = with("slim").into_iter().map(place).collect();
    if let Some(release) = image.release().filter(|release| !parts.contains(release)) {
        candidates.extend(with(&format!("slim-{release}")).into_iter().map(place));
        candidates.extend(with(&format!("{release}-slim")).into_iter().map(place));
    }
    first(image, candidates)
}

/// The uv images are the Python images with uv in them.
fn uv(image: &Image<'_>) -> Result<Runtime, Reason> {
    let tag = image.tag();
    let parts = || tag.split('-').filter(|part| *part != "slim");
    let version = parts().find_map(|part| part.strip_prefix("python")).ok_or(Reason::NoRule)?;
    let rest: Vec<_> = parts().filter(|part| !part.starts_with("python") && leading_number(part).is_none()).collect();
    let system = rest.last().copied().ok_or(Reason::NoRule)?;
    if system.starts_with("alpine") {
        return listed("python", format!("{version}-{system}"));
    }
    let system = if system == "debian" { "bookworm" } else { system };
    listed("python", format!("{version}-slim-{system}"))
}

/// The smaller image of the same publisher, where what starts is the tool that the image is made for: uv's own `-slim`
/// tags, beside each of its Python images on Debian.
pub fn with_tool(image: &Image<'_>) -> Option<Runtime> {
    let tag = image.tag();
    let slim = tag.split('-').any(|part| part == "slim");
    let python = tag.split('-').any(|part| part.starts_with("python"));
    if image.rule() != Rule::Uv || image.family() != Some(Family::Debian) || slim || !python {
        return None;
    }
    renamed(image, |tag| Some(format!("{tag}-slim"))).ok()
}

fn dotnet(image: &Image<'_>, hint: Hint) -> Result<Runtime, Reason> {
    let (name, tag) = (image.name(), image.tag());
    let web = hint != Hint::Console;
    let found = |name: &str, tag: String| {
        let system = super::images::image(name, &tag);
        Ok(Runtime {
            family: system.and_then(|image| image.family()).or(image.family()),
            release: system.and_then(|image| image.release()).or(image.release()),
            name: name.to_owned(),
            tag,
            is_listed: false,
            carries: &[],
        })
    };
    if let Some(registry) = name.strip_suffix("/sdk") {
        let short = short_version(tag).ok_or(Reason::NotListed)?;
        return found(&format!("{registry}/{}", if web { "aspnet" } else { "runtime" }), short);
    }
    if name == "microsoft/aspnetcore-build" {
        // `1.0-1.1` has the tools of both, and no runtime image of its name.
        let one = tag.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let plain = tag == "latest" || one && short_version(tag).is_some_and(|short| short == tag);
        return if plain { found("microsoft/aspnetcore", tag.to_owned()) } else { Err(Reason::NotListed) };
    }
    // microsoft/dotnet: one repository for all, told apart by a word in the tag.
    if image.kind() == Kind::Runtime || tag.split('-').any(|part| part == "runtime") {
        return same(image);
    }
    let mut parts = tag.split('-');
    let version = parts.next().unwrap_or("");
    let mut numbers = version.split('.').filter_map(|number| number.parse::<u32>().ok());
    let (Some(major), Some(minor), Some("sdk")) = (numbers.next(), numbers.next(), parts.next()) else {
        return Err(Reason::NotListed);
    };
    let rest: Vec<_> = parts.collect();
    let rest = match rest.as_slice() {
        [] => String::new(),
        ["stretch"] => "-stretch-slim".to_owned(),
        [system] => format!("-{system}"),
        _ => return Err(Reason::NotListed),
    };
    match (major, minor) {
        (2, 1..) if web => found(name, format!("{major}.{minor}-aspnetcore-runtime{rest}")),
        (2, 1..) => found(name, format!("{major}.{minor}-runtime{rest}")),
        (1, _) | (2, 0) if web && rest.is_empty() => found("microsoft/aspnetcore", format!("{major}.{minor}")),
        (1, _) | (2, 0) if !web && rest.is_empty() => found(name, format!("{major}.{minor}-runtime")),
        _ => Err(Reason::NotListed),
    }
}

/// An SDK counts its own patches (`6.0.402` has runtime 6.0.10), so only the first two numbers are shared:
/// `8.0.404-alpine3.19` → `8.0-alpine3.19`.
fn short_version(tag: &str) -> Option<String> {
    if tag == "latest" {
        return Some(tag.to_owned());
    }
    let (version, rest) = tag.split_once('-').map_or((tag, ""), |(version, rest)| (version, rest));
    let mut numbers = version.split('.');
    let major: u32 = numbers.next()?.parse().ok()?;
    let minor: u32 = numbers.next()?.parse().ok()?;
    let whole = numbers.next().is_none_or(|patch| patch.parse::<u32>().is_ok());
    let preview = rest.starts_with("preview") || rest.starts_with("rc") || rest.starts_with("alpha");
    if !whole || preview {
        return None;
    }
    Some(if rest.is_empty() { format!("{major}.{minor}") } else { format!("{major}.{minor}-{rest}") })
}

/// The Java runtime beside a JDK: its own publisher's where there is one of the same release, else one of the same
/// C library.
fn jre(image: &Image<'_>) -> Result<Runtime, Reason> {
    let (name, tag) = (image.name(), image.tag());
    let is_runtime = |part: &str| part.starts_with("jre") || part == "headless" || part == "headful";
    let by_vendor = matches!(name, "openjdk" | "eclipse-temurin" | "amazoncorretto" | "java");
    if tag.split('-').any(is_runtime) {
        return same(image);
    }
    if let Some(found) = publishers_own(image) {
        return Ok(found);
    }
    let java = java_version(name, tag).ok_or(Reason::NoJre)?;
    if by_vendor && name != "java" {
        let candidates = own_runtimes(name, tag);
        if let Ok(found) = first(image, candidates) {
            return Ok(found);
        }
    }
    let vendors = tag.contains("corretto") || name == "amazoncorretto";
    let release = image.release();
    let mut candidates: Vec<(&str, String)> = Vec::new();
    if vendors {
        let kind = if java == 8 { "jre" } else { "headless" };
        for system in [release.unwrap_or(""), "al2-native", "alpine"] {
            candidates.push(("amazoncorretto", format!("{java}-{system}-{kind}")));
        }
        candidates.push(("amazoncorretto", format!("{java}-{kind}")));
    }
    match image.family() {
        Some(Family::Alpine) => {
            let version = release.unwrap_or("").trim_start_matches("alpine");
            candidates.push(("openjdk", format!("{java}-jre-alpine")));
            candidates.push(("eclipse-temurin", format!("{java}-jre-alpine")));
            candidates.push(("eclipse-temurin", format!("{java}-jre-alpine-{version}")));
        }
        Some(family) if family.libc() == Some(releases::Libc::Glibc) => {
            let release = release.unwrap_or("");
            candidates.push(("openjdk", format!("{java}-jre-slim")));
            candidates.push(("openjdk", format!("{java}-jre-slim-{release}")));
            candidates.push(("eclipse-temurin", format!("{java}-jre")));
            candidates.push(("eclipse-temurin", format!("{java}-jre-{release}")));
        }
        _ => return Err(Reason::ReleaseUnknown),
    }
    // Who names the release wants it to stay; who lets it roll has the counterpart roll along.
    if releases::named_in(tag).is_some() {
        candidates.reverse();
    }
    let all = || {
        let listed = candidates.iter().filter_map(|(name, tag)| listed(name, tag.clone()).ok());
        listed.filter(|found| {
            let libc = found.family.and_then(Family::libc);
            libc == image.libc() && java_version(&found.name, &found.tag) == Some(java)
        })
    };
    let of_release = release.and_then(|release| all().find(|found| found.release == Some(release)));
    // Debian's own Java images ended in 2022; without the release in common, the kept-up publisher is the better one.
    let is_rolling = |found: &Runtime| found.name != "openjdk" && releases::named_in(&found.tag).is_none();
    let kept_up = || all().find(is_rolling).or_else(|| all().next());
    of_release.or_else(kept_up).ok_or(Reason::NoJre)
}

/// Where a publisher names its runtimes by a rule of its own, outside the lists.
fn publishers_own(image: &Image<'_>) -> Option<Runtime> {
    let (name, tag) = (image.name(), image.tag());
    let mut found = same(image).ok()?;
    found.is_listed = false;
    if name == "adoptopenjdk" || name == "ibm-semeru-runtimes" || name == "sapmachine" {
        found.tag = replace_part(tag, "jdk", "jre")?;
        return Some(found);
    }
    if name == "ibmjava" {
        found.tag = replace_part(tag, "sdk", "jre")?;
        return Some(found);
    }
    if name.starts_with("adoptopenjdk/openjdk") {
        found.tag = match tag {
            "latest" | "slim" => "jre",
            "alpine" | "alpine-slim" => "alpine-jre",
            _ => return None,
        }
        .to_owned();
        return Some(found);
    }
    if let Some(system) = name.strip_prefix("bellsoft/liberica-openjdk-") {
        found.name = format!("bellsoft/liberica-openjre-{}", system.trim_end_matches("-musl"));
        return Some(found);
    }
    if name.starts_with("azul/zulu-openjdk") {
        leading_number(tag).filter(|_| !tag.contains('-'))?;
        found.tag = format!("{tag}-jre");
        return Some(found);
    }
    let version = name.rsplit_once("/openjdk-").map(|(_, version)| version)?;
    leading_number(version)?;
    found.name = format!("{name}-runtime");
    Some(found)
}

/// The tags under which a publisher may have the runtime beside a JDK's tag, the smallest first.
fn own_runtimes(name: &str, tag: &str) -> Vec<String> {
    let parts: Vec<_> = tag.split('-').filter(|part| *part != "latest" && *part != "jdk").collect();
    let words: &[&str] = match name {
        "openjdk" if !parts.contains(&"slim") => &["jre-slim", "jre"],
        "amazoncorretto" => &["headless", "jre", "native-headless", "native-jre"],
        _ => &["jre"],
    };
    let place = |word: &str, at: usize| {
        let (head, tail) = parts.split_at_checked(at).unwrap_or((&parts, &[]));
        let words = head.iter().copied().chain([word]).chain(tail.iter().copied());
        words.collect::<Vec<_>>().join("-")
    };
    let places = |word: &'static str| (0..=parts.len()).map(move |at| (word, at));
    words.iter().flat_map(|word| places(word)).map(|(word, at)| place(word, at)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{images, reference};
    use super::*;

    fn answer(reference: &str, hint: Hint) -> String {
        let reference = reference::canonical(reference);
        let image = images::image(reference.name, reference.tag_or_latest()).expect(reference.name);
        match runtime_for(&image, hint) {
            Ok(found) => format!("{}:{}", found.name, found.tag),
            Err(reason) => reason.code().to_owned(),
        }
    }

    #[track_caller]
    fn check(reference: &str, expected: &str) {
        assert_eq!(answer(reference, Hint::Any), expected, "{reference}");
    }

    #[test]
    fn the_table_of_java_is_sorted() {
        JAVA.check();
    }

    #[test]
    fn compiled_programs_go_to_the_plain_distribution_of_their_release() {
        check("golang:1.22-alpine", "alpine:3.21");
        check("golang:1.22-alpine3.20", "alpine:3.20");
        check("golang:1.22", "debian:bookworm-slim");
        check("golang:1.9", "debian:stretch-slim");
        check("golang:1.7", "debian:jessie-slim");
        check("golang:1.4", "debian:jessie-slim");
        check("golang:1.1", "release-unknown");
        check("golang:1.8-onbuild", "onbuild-image");
        check("rust:1.80-slim-bullseye", "debian:bullseye-slim");
        check("rust:1.75-alpine3.18", "alpine:3.18");
        check("haskell:9", "debian:bookworm-slim");
        check("dart:3", "debian:trixie-slim");
        check("buildpack-deps:jammy-scm", "ubuntu:22.04");
        check("swift:5.9", "swift:5.9-slim");
        check("swift:5.5-focal", "swift:5.5-focal-slim");
        assert_eq!(
            images::image("gcc", "13").map(|gcc| runtime_for(&gcc, Hint::Any).map(|found| found.carries)),
            Some(Ok(["/usr/local/lib64"].as_slice()))
        );
    }

    #[test]
    fn interpreters_have_a_slim_of_the_same_release() {
        check("python:3.12", "python:3.12-slim");
        check("python:3.7-stretch", "python:3.7-slim-stretch");
        check("python", "python:slim");
        check("python:3.12-slim", "python:3.12-slim");
        check("python:3.12-alpine", "python:3.12-alpine");
        check("node:20", "node:20-slim");
        check("node:8.9.0", "node:8.9.0-slim");
        check("node:10-stretch", "node:10-stretch-slim");
        check("node:lts", "node:lts-slim");
        check("ruby:2.5-stretch", "ruby:2.5-slim-stretch");
        check("perl:5.30.0-threaded-stretch", "perl:5.30.0-slim-threaded-stretch");
        check("pypy:3.10", "pypy:3.10-slim");
        check("elixir:1.16", "elixir:1.16-slim");
        check("php:8.3-apache", "php:8.3-apache");
        check("ghcr.io/astral-sh/uv:python3.12-bookworm", "python:3.12-slim-bookworm");
        check("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "python:3.12-slim-bookworm");
        check("ghcr.io/astral-sh/uv:python3.12-alpine", "python:3.12-alpine");
        check("oven/bun:1", "oven/bun:1-slim");
    }

    #[test]
    fn a_jdk_has_a_jre_of_its_major_and_library() {
        check("openjdk:8", "openjdk:8-jre-slim");
        check("openjdk:8-jdk-alpine", "openjdk:8-jre-alpine");
        check("openjdk:8-jdk-slim-buster", "openjdk:8-jre-slim-buster");
        check("openjdk:8-jre-alpine", "openjdk:8-jre-alpine");
        check("openjdk:17-jdk-slim", "eclipse-temurin:17-jre");
        check("openjdk:17-alpine", "eclipse-temurin:17-jre-alpine");
        check("openjdk:12", "no-java-runtime");
        check("java:8", "eclipse-temurin:8-jre");
        check("java:7", "openjdk:7-jre-slim");
        check("eclipse-temurin:17-jdk-alpine", "eclipse-temurin:17-jre-alpine");
        check("eclipse-temurin:21-jdk-jammy", "eclipse-temurin:21-jre-jammy");
        check("eclipse-temurin:17", "eclipse-temurin:17-jre");
        check("amazoncorretto:17", "amazoncorretto:17-headless");
        check("amazoncorretto:8-al2-jdk", "amazoncorretto:8-al2-native-jre");
        check("amazoncorretto:17-alpine", "eclipse-temurin:17-jre-alpine");
        check("maven:3.9-eclipse-temurin-17-alpine", "eclipse-temurin:17-jre-alpine");
        check("maven:3.9-eclipse-temurin-21-jammy", "eclipse-temurin:21-jre-jammy");
        check("maven:3-jdk-8-alpine", "openjdk:8-jre-alpine");
        check("maven:3.6.3-jdk-11-slim", "openjdk:11-jre-slim-buster");
        check("gradle:7.4-jdk11-focal", "eclipse-temurin:11-jre-focal");
        check("gradle:8-jdk17-alpine", "eclipse-temurin:17-jre-alpine");
        check("tomcat:9-jdk11-openjdk-slim", "tomcat:9-jre11-openjdk-slim");
        check("adoptopenjdk:11-jdk-hotspot", "adoptopenjdk:11-jre-hotspot");
        check("adoptopenjdk/openjdk8:alpine", "adoptopenjdk/openjdk8:alpine-jre");
        check("bellsoft/liberica-openjdk-alpine:17", "bellsoft/liberica-openjre-alpine:17");
        check(
            "registry.access.redhat.com/ubi8/openjdk-17:1.18",
            "registry.access.redhat.com/ubi8/openjdk-17-runtime:1.18",
        );
        check("maven:3.8-openjdk-11", "openjdk:11-jre-slim");
        let slim = images::image("openjdk", "8").and_then(|image| runtime_for(&image, Hint::Any).ok()).expect("8");
        assert_eq!(headful(&slim).map(|found| found.tag).as_deref(), Some("8-jre"));
        assert_eq!(java_version("gradle", "8"), Some(21));
        assert_eq!(java_version("maven", "3.6-jdk-8-alpine"), Some(8));
        assert_eq!(java_version("openjdk", "8u212-b04-jdk"), Some(8));
        assert_eq!(java_version("clojure", "temurin-17-lein-2.9.8"), Some(17));
        assert_eq!(java_version("hseeberger/scala-sbt", "17.0.2_1.6.2_2.13.8"), Some(17));
        assert_eq!(java_version("hseeberger/scala-sbt", "11.0.2-oraclelinux7_1.3.5_2.12.10"), Some(11));
        assert_eq!(java_version("hseeberger/scala-sbt", "graalvm-ce-20.0.0-java11_1.3.9_2.13.1"), None);
        assert_eq!(java_version("sbtscala/scala-sbt", "eclipse-temurin-jammy-22_36_1.10.0_3.4.2"), Some(22));
        assert_eq!(java_version("mozilla/sbt", "8u232_1.3.13"), Some(8));
    }

    #[test]
    fn an_sdk_of_dotnet_has_its_runtimes() {
        let sdk = "mcr.microsoft.com/dotnet/sdk";
        check(&format!("{sdk}:8.0"), "mcr.microsoft.com/dotnet/aspnet:8.0");
        check(&format!("{sdk}:6.0.402-alpine3.16"), "mcr.microsoft.com/dotnet/aspnet:6.0-alpine3.16");
        check(&format!("{sdk}:9.0.100-preview.1"), "counterpart-not-published");
        check(&format!("{sdk}:8.0-nanoserver-1809"), "windows-image");
        assert_eq!(answer(&format!("{sdk}:8.0"), Hint::Console), "mcr.microsoft.com/dotnet/runtime:8.0");
        check("mcr.microsoft.com/dotnet/core/sdk:3.1-buster", "mcr.microsoft.com/dotnet/core/aspnet:3.1-buster");
        check("microsoft/dotnet:2.1-sdk", "microsoft/dotnet:2.1-aspnetcore-runtime");
        check("microsoft/dotnet:2.2-sdk-alpine", "microsoft/dotnet:2.2-aspnetcore-runtime-alpine");
        check("microsoft/dotnet:2.1-aspnetcore-runtime", "microsoft/dotnet:2.1-aspnetcore-runtime");
        check("microsoft/aspnetcore-build:2.0", "microsoft/aspnetcore:2.0");
    }

    #[test]
    fn others_by_their_publishers_names() {
        check("nvidia/cuda:11.8.0-cudnn8-devel-ubuntu22.04", "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04");
        check("nvidia/cuda:11.8.0-base-ubuntu22.04", "nvidia/cuda:11.8.0-base-ubuntu22.04");
        check("heroku/heroku:18-build", "heroku/heroku:18");
        check("caddy:2.7-builder", "caddy:2.7");
        check("ubuntu:22.04", "ubuntu:22.04");
        check("composer:2", "no-counterpart");
        check("debian:stretch", "debian:stretch");
    }

    /// The law: whatever tag of whatever official image is asked for, an official tag in the answer exists, and has
    /// the same C library.
    #[test]
    fn every_official_tag_in_an_answer_exists() {
        let mut poor = Vec::new();
        for name in tags::images() {
            let (mut asked, mut answered) = (0, 0);
            for tag in tags::tags(name) {
                let image = images::image(name, tag).expect(name);
                if tag.split('-').any(|part| part == "onbuild") || image.rule() == Rule::Same {
                    continue;
                }
                asked += 1;
                let Ok(found) = runtime_for(&image, Hint::Any) else { continue };
                answered += 1;
                assert!(tags::exists(&found.name, &found.tag), "{name}:{tag} → {}:{}", found.name, found.tag);
                assert!(found.is_listed);
                let libc = |family: Option<Family>| family.and_then(Family::libc);
                assert_eq!(libc(found.family), libc(image.family()), "{name}:{tag} → {}:{}", found.name, found.tag);
            }
            if answered * 100 < asked * 70 {
                poor.push(name);
            }
        }
        assert_eq!(poor, ["composer"], "nothing says which PHP a program made with Composer wants");
    }
}
