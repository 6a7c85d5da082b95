//! Which image the runtime stage stands on.

use crate::knowledge::fetches::Fetch;
use crate::knowledge::images::Image;
use crate::knowledge::packages::{self, Role};
use crate::knowledge::releases::{self, Family, Release};
use crate::knowledge::runtime::{self as counterparts, Hint, Reason};
use crate::knowledge::tags;
use crate::knowledge::words::Words;
use crate::model::base::known;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Base, paths};
use crate::syntax::typed::ImageRef;
use crate::syntax::words;
use crate::transform::Refusal;

use super::globalization;
use super::java;
use super::plan::{Decision, Place, Recipe};
use super::survey::{self, Survey, refuse};

/// The image of the runtime stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Runtime {
    /// As it is written after FROM.
    pub(super) image: String,
    /// The release that it is, where that is known.
    pub(super) release: Option<Release>,
    /// The family of its distribution, where that is known.
    pub(super) family: Option<Family>,
    /// Why this one.
    pub(super) evidence: String,
    /// What has to be taken for granted.
    pub(super) assumption: Option<String>,
}

impl Runtime {
    /// The command that makes the folders of manual pages which `packages` can't be set up without: the slim images of
    /// Debian left them out until August 2021, when bullseye came.
    pub(super) fn manuals<'p>(&self, packages: impl Iterator<Item = &'p String>) -> Option<String> {
        let old = self.release.is_some_and(|release| release.family == Family::Debian && release.since < "2021-08");
        if !old || !self.image.contains("slim") {
            return None;
        }
        let mut folders: Vec<&str> =
            packages.filter_map(|name| packages::manuals(name)).flat_map(str::split_ascii_whitespace).collect();
        folders.sort_unstable();
        folders.dedup();
        let folders: Vec<String> = folders.iter().map(|folder| format!("/usr/share/man/{folder}")).collect();
        (!folders.is_empty()).then(|| format!("mkdir -p {}", folders.join(" ")))
    }
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
            family: None,
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
        family: Some(release.family),
        evidence: format!("{name}:{tag} is built on {}, so the C library is the same", release.name),
        assumption,
    })
}

/// The image for a runtime stage that holds everything but the tools: the smaller counterpart of the base where there
/// is one, else the base itself. Answers whether it is another image.
pub(super) fn counterpart(survey: &Survey<'_, '_>, known: Option<&Image<'_>>) -> Result<(Runtime, bool), Refusal> {
    let from = survey.model.instruction(survey.stage.from).and_then(|from| from.from());
    let written = from.as_ref().map_or("", |parts| parts.image.raw);
    let release = known.and_then(Image::release).and_then(releases::release);
    let family = known.and_then(Image::family);
    let same = |evidence: &str| Runtime {
        image: written.to_owned(),
        release,
        family,
        evidence: evidence.to_owned(),
        assumption: None,
    };
    if let Some(chosen) = &survey.model.settings.runtime_base {
        let runtime = Runtime {
            image: chosen.clone(),
            release: None,
            family: None,
            evidence: "the settings name it".into(),
            assumption: Some(format!("what is built in {written} runs on {chosen}")),
        };
        return Ok((runtime, true));
    }
    let (Base::Image { image, exact }, Some(known)) = (&survey.stage.base, known) else {
        return Ok((same("what is in the base image is not known, so the same one is shipped"), false));
    };
    if image.digest.is_some() {
        return Ok((same("the base is pinned by digest, so the same one is shipped"), false));
    }
    let mut found = match counterparts::runtime_for(known, hint(survey)) {
        Ok(found) => found,
        Err(Reason::OnBuild) => return Err(refuse("onbuild", Reason::OnBuild.text(), true)),
        Err(Reason::Windows) => return Err(refuse("windows-shell", Reason::Windows.text(), true)),
        Err(reason) => return Ok((same(reason.text()), false)),
    };
    // Where nothing is built with it, the whole of it is there for what starts.
    let java =
        |step: &Step| matches!(step.kind(), "jvm" | "make") || matches!(step.program(), "jar" | "javac" | "keytool");
    let builds = |step: &Step| java(step) || super::whole::is_build_script(step);
    let starts = survey.entry.steps.iter().any(|step| step.program() == "java");
    if known.language() == Some("java") && !starts && !survey.steps().any(|(_, step)| builds(step)) {
        return Ok((same("nothing is built with the Java of the image, so the same one is shipped"), false));
    }
    if survey.steps().any(|(_, step)| survey.downloads(step) == Some(Fetch::Browser)) {
        return Ok((same("a browser runs in it, which needs libraries of the full image"), false));
    }
    if found.name == known.name() && found.tag == known.tag() {
        return Ok((same("the base image has no toolchain of its own"), false));
    }
    // `uv run` in an image of uv.
    let tool = known.name().rsplit('/').next().filter(|name| Some(*name) != known.language());
    let own = tool.is_some() && survey.entry.steps.iter().any(|step| Some(step.program()) == tool);
    if own && let Some(slim) = counterparts::with_tool(known) {
        found = slim;
    }
    if known.language() == Some("java") {
        if java::uses_tools(survey.model.context) {
            let Some(jdk) = counterparts::without_tool(known, &found) else {
                return Ok((same("the sources use the tools of a JDK when they run"), false));
            };
            found = jdk;
        }
        // Fonts, and what draws with them, are in the full images only.
        if !known.tag().contains("slim")
            && let Some(full) = counterparts::headful(&found)
            && java::draws(survey.model.context)
        {
            found = full;
        }
    }
    // Another publisher's image has Java elsewhere, and another distribution has other packages.
    let other = found.name != known.name();
    if other && known.language() == Some("java") {
        let names = ["/usr/lib/jvm", "/opt/java", "/docker-java-home", "/usr/local/openjdk", "/usr/bin/java"];
        let fixed = survey.units.iter().any(|unit| names.iter().any(|name| unit.instruction.args.text.contains(name)));
        if fixed {
            return Ok((same("the file names where Java lies in this image"), false));
        }
    }
    let moves = found.family != known.family() || other && found.release != known.release();
    let relatives =
        [known.family(), found.family].iter().all(|family| matches!(family, Some(Family::Debian | Family::Ubuntu)));
    let installs = survey.steps().any(|(_, step)| match effects::of(step) {
        Effect::Install(packages) => packages.names.iter().any(|name| {
            let common = relatives && Words::CommonPackages.has(name.as_str());
            !common && !matches!(packages.role(name), Role::Build | Role::Tool)
        }),
        _ => false,
    });
    if moves && installs {
        return Ok((same("its smaller counterpart is another distribution, with other packages"), false));
    }
    // What stands on the plain distribution has no interpreter.
    let compiled =
        matches!(known.language(), Some("go" | "rust" | "haskell" | "c" | "crystal" | "nim" | "dart" | "swift"));
    let interprets =
        survey.entry.steps.iter().any(|step| step.kind() == "interpreter" && !survey.installs(step.program()));
    // A runtime of Java starts none of the languages on top of it.
    let above = survey
        .entry
        .steps
        .iter()
        .any(|step| matches!(step.program(), "scala" | "groovy" | "kotlin") && !survey.installs(step.program()));
    if compiled && other && interprets || other && (own || above) {
        return Ok((same("what starts is a program of this image"), false));
    }
    // Only who mirrors the official images has their counterparts beside them.
    let mirrors = !found.name.contains('/') && !known.name().contains('/');
    let prefix = official(image).map(|(prefix, _)| prefix).filter(|_| mirrors).unwrap_or_default();
    let mut text = format!("{prefix}{}:{}", found.name, found.tag);
    let mut assumption = None;
    if !exact {
        // `python:${VERSION}` has its counterpart for every version where only an ending is added.
        let ending = found.tag.strip_prefix(image.tag_or_latest()).filter(|_| found.name == known.name());
        match ending {
            Some(ending) if written.contains(':') => text = format!("{written}{ending}"),
            _ => {
                assumption =
                    Some(format!("the build arguments of FROM keep their defaults, so that the base is {image}"))
            }
        }
    } else if !prefix.is_empty() && !prefix.ends_with("library/") {
        assumption = Some(format!("{prefix} also has {}:{}", found.name, found.tag));
    }
    let release = found.release.and_then(releases::release);
    let evidence = format!("{text} is what {image} is without its build tools");
    Ok((Runtime { image: text, release, family: found.family, evidence, assumption }, true))
}

/// Folders that hold more than what a build wrote into them, toolchains among it.
const WHOLE: [&str; 4] = ["/", "/usr", "/usr/local", "/opt"];

/// What the programs that go along have from the base image's environment and the runtime image lacks: the language, and
/// the folders of PATH that are carried over. A program of GHC stops at the first letter that is no ASCII without LANG.
pub(super) fn environment(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    decisions: &[Decision],
) -> Vec<(&'static str, String)> {
    let Base::Image { image, .. } = &survey.stage.base else { return Vec::new() };
    let carried = &recipe.carried;
    let runtime = ImageRef::parse(&recipe.runtime.image);
    let (Some(before), Some(after)) = (known(image), known(&runtime)) else { return Vec::new() };
    let said = |name: &str| survey.model.env_names(survey.stage).any(|(_, known)| known == name);
    let there = |name: &str| after.env().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let mut found = Vec::new();
    for (name, value) in before.env() {
        let lost: Vec<&str> = match name {
            "LANG" | "LC_ALL" if value.starts_with("C.") && there(name).is_empty() && !said(name) => vec![value],
            "PATH" => value
                .split(':')
                .filter(|folder| {
                    carried.iter().any(|one| !WHOLE.contains(&one.to.as_str()) && paths::within(folder, &one.to))
                })
                .filter(|folder| !there(name).split(':').any(|known| known == *folder))
                .collect(),
            // What an instruction of the runtime stage reads, or the program itself.
            _ if there(name).is_empty()
                && !said(name)
                && (recipe.variables.contains(&name) || reads(survey, decisions, name)) =>
            {
                vec![value]
            }
            _ => continue,
        };
        match (name, lost.join(":")) {
            (_, lost) if lost.is_empty() => {}
            ("PATH", lost) => found.push((name, format!("{lost}:$PATH"))),
            (_, lost) => found.push((name, lost)),
        }
    }
    let cultures = globalization::variables(survey, &recipe.runtime).into_iter();
    found.extend(cultures.map(|(name, value)| (name, value.to_owned())));
    found
}

/// Whether an instruction that the runtime stage has reads a variable.
fn reads(survey: &Survey<'_, '_>, decisions: &[Decision], name: &str) -> bool {
    let in_text = |text: &str| words::reads(text, b'\\').iter().any(|read| read == name);
    survey.units.iter().zip(decisions).any(|(unit, decision)| match &decision.place {
        Place::Builder => false,
        Place::BuilderAnd(text) => in_text(text),
        Place::Both | Place::Runtime => survey::reads(unit, name),
    })
}

/// The variables that the base image sets and the runtime image does not.
pub(super) fn lost(survey: &Survey<'_, '_>, runtime: &Runtime) -> Vec<&'static str> {
    let Base::Image { image, .. } = &survey.stage.base else { return Vec::new() };
    let runtime = ImageRef::parse(&runtime.image);
    let Some(before) = known(image).filter(|before| before.env().next().is_some()) else { return Vec::new() };
    let Some(after) = known(&runtime) else { return Vec::new() };
    before.env().map(|(name, _)| name).filter(|name| !after.env().any(|(known, _)| known == *name)).collect()
}

/// What kind of program it is, where that decides between runtime images.
fn hint(survey: &Survey<'_, '_>) -> Hint {
    let Some(context) = survey.model.context else { return Hint::Any };
    let mut projects =
        context.files().iter().filter(|file| file.ends_with(".csproj") || file.ends_with(".fsproj")).peekable();
    if projects.peek().is_none() {
        return Hint::Any;
    }
    let web = projects.any(|file| {
        context.read(file).is_some_and(|text| {
            let text = crate::context::text(&text);
            text.contains("Sdk.Web") || text.contains("Microsoft.AspNetCore")
        })
    });
    if web { Hint::Web } else { Hint::Console }
}
