//! Whether another Dockerfile of the project stands on the image that this one makes: its steps would run as the user of
//! this one, and may start what this one would leave behind.

use super::{Model, paths};
use crate::context;
use crate::knowledge::reference::canonical;

/// What builds an image from a Dockerfile, as people write it down.
const BUILDERS: [&str; 5] = ["docker", "podman", "buildah", "buildx", "nerdctl"];

/// The Dockerfile of the project that stands on what this one makes, by the name that the project's files say that it is
/// built under: `docker build -t shop .`, and elsewhere `FROM shop`.
pub fn built_on<'m>(model: &'m Model<'_>) -> Option<&'m str> {
    let context = model.context?;
    let own = model.settings.file.as_deref().unwrap_or("Dockerfile");
    let mut bases: Vec<(String, &str)> = Vec::new();
    for (file, content) in context::contents(context, is_dockerfile).filter(|(file, _)| *file != own) {
        bases.extend(stands_on(&context::text(&content)).into_iter().map(|base| (base, file)));
    }
    if bases.is_empty() {
        return None;
    }
    let at = paths::join("/", own);
    let mut names = built_as(&String::from_utf8_lossy(model.file.source), "/", &at);
    for (file, content) in context::contents(context, tells) {
        names.extend(built_as(&context::text(&content), paths::parent(&paths::join("/", file)), &at));
    }
    bases.into_iter().find(|(base, _)| names.contains(base)).map(|(_, file)| file)
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
fn stands_on(text: &str) -> Vec<String> {
    let base = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let from = words.next()?.eq_ignore_ascii_case("from");
        let image = words.find(|word| from && !word.starts_with("--"))?;
        (!image.contains('$')).then(|| canonical(image).name.to_owned())
    };
    text.lines().filter_map(base).collect()
}

/// The names that commands in a text give to what they build from the Dockerfile `own`; they run where the text lies, or in
/// the uppermost folder.
fn built_as(text: &str, folder: &str, own: &str) -> Vec<String> {
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
        if [folder, "/"].iter().any(|folder| own == paths::join(folder, &file)) {
            found.append(&mut names);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_builds_has_the_name_that_it_is_given() {
        let of = |line: &str, own: &str| built_as(line, "/docs", own);
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
