//! Whether another Dockerfile of the project stands on the image that this one makes: its steps would run as the user of
//! this one, and may start what this one would leave behind.

use std::borrow::Cow;

use super::{Model, Stage, paths};
use crate::context::{self, Context};
use crate::knowledge::images::RunsAs;
use crate::knowledge::reference::canonical;
use crate::settings::Settings;
use crate::syntax::File;

/// What builds an image from a Dockerfile, as people write it down.
const BUILDERS: [&str; 5] = ["docker", "podman", "buildah", "buildx", "nerdctl"];

/// The Dockerfile of the project that stands on what this one makes, by the name that the project's files say that it is
/// built under: `docker build -t shop .`, or the `image` of a service, and elsewhere `FROM shop`.
pub fn built_on<'m>(model: &'m Model<'_>) -> Option<&'m str> {
    if let Some(other) = model.settings.starts.iter().find_map(|start| start.stood_on.as_deref()) {
        return Some(other);
    }
    if let Some(other) = model.settings.namesake.as_deref() {
        return Some(other);
    }
    let context = model.context?;
    let own = model.settings.file.as_deref().unwrap_or("Dockerfile");
    let bases = context.worked_out().bases.get_or_init(|| bases(context));
    let others = || bases.iter().filter(|(_, file)| file != own);
    others().next()?;
    let at = paths::join("/", own);
    let mut names: Vec<String> = Vec::new();
    let built = context.worked_out().built.get_or_init(|| built(context));
    for (name, files) in built.iter().chain(&built_as(&String::from_utf8_lossy(model.file.source), "/")) {
        if files.contains(&at) {
            names.push(name.clone());
        }
    }
    others().find(|(base, _)| names.contains(base)).map(|(_, file)| file.as_str())
}

/// The Dockerfile of the project that makes the image at the bottom of a stage, and whom that image runs as; `None` where
/// no Dockerfile does, or it can't be told.
pub fn made_as(model: &Model<'_>, stage: &Stage) -> Option<(String, String)> {
    let image = model.image(stage)?.to_string();
    let name = canonical(&image).name;
    let told = model.settings.bases.iter().find(|made| made.image == name);
    let (file, text) = match told {
        Some(made) => (made.file.clone(), Cow::Borrowed(made.text.as_str())),
        None => {
            let context = model.context?;
            let own = paths::join("/", model.settings.file.as_deref().unwrap_or("Dockerfile"));
            let built = context.worked_out().built.get_or_init(|| built(context));
            let mut files = built.iter().filter(|(built, _)| built == name).flat_map(|(_, files)| files);
            let (file, content) = files.find_map(|file| {
                let file = file.trim_start_matches('/');
                Some((file, context.read(file)?)).filter(|_| file != own.trim_start_matches('/'))
            })?;
            (file.to_owned(), Cow::Owned(context::text(&content).into_owned()))
        }
    };
    let other = File::parse(text.as_bytes()).ok()?;
    let settings = Settings::default();
    let other = Model::new(&other, None, &settings);
    let shipped = other.shipped()?;
    let user = match other.final_user(shipped) {
        Some(user) => user.known.then(|| user.text.clone())?,
        None => match other.known(shipped)?.runs_as() {
            RunsAs::Root => "root".to_owned(),
            RunsAs::User(user) => user.to_owned(),
            RunsAs::Unknown => return None,
        },
    };
    Some((file, user))
}

/// The images that the Dockerfiles of a context stand on, each with its Dockerfile.
fn bases(context: &dyn Context) -> Vec<(String, String)> {
    let dockerfiles = context::contents(context, is_dockerfile);
    let of = |(file, content): (&str, Cow<'_, [u8]>)| {
        stands_on(&context::text(&content)).into_iter().map(|base| (base, file.to_owned())).collect::<Vec<_>>()
    };
    dockerfiles.flat_map(of).collect()
}

/// The images that the files of a context say how to build, each with the paths that its Dockerfile may have.
fn built(context: &dyn Context) -> Vec<(String, [String; 2])> {
    let told = context::contents(context, tells);
    told.flat_map(|(file, content)| built_as(&context::text(&content), paths::parent(&paths::join("/", file))))
        .collect()
}

/// Whether a file is a Dockerfile by its name.
fn is_dockerfile(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    ["dockerfile", "containerfile"].iter().any(|kind| {
        name == *kind
            || name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'))
            || name.strip_suffix(kind).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// Whether a file may say how images are built, by its name: what people read, and what starts builds.
fn tells(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    [".md", ".rst", ".sh", ".yml", ".yaml", ".mk"].iter().any(|end| name.ends_with(end))
        || matches!(name.as_str(), "makefile" | "justfile" | "package.json")
}

/// The images that the stages of a Dockerfile stand on, as they are known.
pub fn stands_on(text: &str) -> Vec<String> {
    let base = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let from = words.next()?.eq_ignore_ascii_case("from");
        let image = words.find(|word| from && !word.starts_with("--"))?;
        (!image.contains('$')).then(|| canonical(image).name.to_owned())
    };
    text.lines().filter_map(base).collect()
}

/// The names that commands in a text give to what they build, each with the paths that the Dockerfile may have: they run where
/// the text lies, or in the uppermost folder.
fn built_as(text: &str, folder: &str) -> Vec<(String, [String; 2])> {
    let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.contains(" build") && BUILDERS.iter().any(|tool| line.contains(tool))) {
        let (mut names, mut file, mut built) = (Vec::new(), None, None);
        let mut words =
            line.split_ascii_whitespace().map(|word| word.trim_matches(['`', '"', '\'', ',', ';', ')', '(']));
        words.by_ref().find(|word| *word == "build");
        while let Some(word) = words.next() {
            let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
            match option {
                "-t" | "--tag" => {
                    names.extend(value.or_else(|| words.next()).map(|name| canonical(name).name.to_owned()))
                }
                "-f" | "--file" => file = value.or_else(|| words.next()),
                "&&" | "|" | "#" => break,
                _ if word.starts_with('-') || word.is_empty() => {}
                _ => built = Some(word),
            }
        }
        let file = file.map_or_else(|| format!("{}/Dockerfile", built.unwrap_or(".")), str::to_owned);
        let files = [folder, "/"].map(|folder| paths::join(folder, &file));
        found.extend(names.into_iter().map(|name| (name, files.clone())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_builds_has_the_name_that_it_is_given() {
        let of = |line: &str, own: &str| -> Vec<String> {
            let built = built_as(line, "/docs").into_iter();
            built.filter(|(_, files)| files.iter().any(|file| file == own)).map(|(name, _)| name).collect()
        };
        assert_eq!(of("    docker build -t shop:1.0 -t acme/shop .", "/Dockerfile"), ["shop", "acme/shop"]);
        assert_eq!(of("`docker build -t shop .`", "/Dockerfile"), ["shop"]);
        assert_eq!(
            of("docker build -t shop \\\n  --file docker/Dockerfile.base .", "/docker/Dockerfile.base"),
            ["shop"]
        );
        assert_eq!(of("docker build -t shop api", "/api/Dockerfile"), ["shop"]);
        assert!(of("docker build -f Dockerfile.gpu -t shop .", "/Dockerfile").is_empty());
        assert!(of("docker build -t shop api", "/Dockerfile").is_empty());
        assert!(of("docker run -t shop", "/Dockerfile").is_empty());
    }

    #[test]
    fn a_dockerfile_stands_on_what_its_stages_say() {
        assert_eq!(stands_on("FROM --platform=linux/amd64 acme/shop:1 AS a\nRUN x\nfrom $BASE\n"), ["acme/shop"]);
        assert!(
            is_dockerfile("tools/Dockerfile.gpu")
                && is_dockerfile("web.dockerfile")
                && !is_dockerfile("Dockerfile-notes.md")
        );
    }
}
