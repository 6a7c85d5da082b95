//! Images to work in: what is started there compiles again and again, because that is their purpose.

use crate::knowledge::words::Words;
use crate::model::paths;
use crate::settings::Mount;
use crate::transform::Refusal;

use super::project::Project;
use super::refuse;

/// Names of what is there to be worked in.
const NAMES: [&str; 9] = ["dev", "devel", "develop", "development", "local", "debug", "devcontainer", "hot", "watch"];

/// Variables that make a tool look for changed files by itself.
const WATCHES: [&str; 5] = [
    "DOTNET_USE_POLLING_FILE_WATCHER",
    "CHOKIDAR_USEPOLLING",
    "WATCHPACK_POLLING",
    "DOTNET_RUNNING_IN_DEVELOPMENT",
    "CHOKIDAR_INTERVAL",
];

/// Folders of a project that hold sources and nothing that a program keeps.
const SOURCES: [&str; 5] = ["src", "pages", "components", "source", "sources"];

/// Whether the image is made for building at the start.
///
/// # Errors
/// It is a place to work in.
pub(super) fn purpose(project: &Project<'_, '_, '_>) -> Result<(), Refusal> {
    let develops = |text: String| Err(refuse("development-image", text, true));
    let model = project.model;
    if let Some(file) = model.settings.file.as_deref().filter(|file| named(file)) {
        return develops(format!("{file} is by its name for development"));
    }
    if let Some(stage) =
        project.stage.name.as_deref().filter(|name| paths::words(name).any(|part| NAMES.contains(&part)))
    {
        return develops(format!("the stage {stage} is by its name for development"));
    }
    for (index, name) in model.env_names(project.stage) {
        let value = project.variable(name).unwrap_or_default().to_ascii_lowercase();
        if Words::EnvironmentVariables.has(name) && matches!(value.as_str(), "dev" | "development" | "local" | "debug")
        {
            let line = model.instruction(index).map_or(0, |instruction| instruction.lines.0);
            return develops(format!("{name}={value} in line {line} says that it is for development"));
        }
        if WATCHES.contains(&name) {
            return develops(format!("{name} says that the sources change while it runs"));
        }
    }
    let debugs = |word: &&String| {
        ["jdwp", "-Xdebug", "--inspect", "--debug-jvm", "--continuous", "--watch", "--observe"]
            .iter()
            .any(|sign| word.contains(sign))
    };
    if let Some(word) = project.argv().iter().find(debugs) {
        return develops(format!("`{word}` is for a debugger, or for sources that change"));
    }
    if let Some((by, mount)) = mounted(project) {
        return develops(format!("{by} mounts the sources over the image's ({mount})"));
    }
    Ok(())
}

/// Whether the path of a Dockerfile says that it is for development.
fn named(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    paths::words(&lower).any(|part| NAMES.contains(&part))
}

/// A folder of the host that lies over the folder of the project, or over its sources, where the image is used: by whom, and
/// which.
fn mounted(project: &Project<'_, '_, '_>) -> Option<(String, String)> {
    let cwd = project.cwd().ok()?;
    let stage = project.stage.name.as_deref();
    let starts = project.model.settings.starts.iter();
    let mut starts = starts.filter(|start| start.target.is_none() || start.target.as_deref() == stage);
    starts.find_map(|start| {
        let over = |mount: &&Mount| {
            let here = |host: &String| host.starts_with(['.', '$']);
            // A single file is settings, a folder is the sources.
            let folder = !paths::name(&mount.path).contains('.');
            let path = paths::join("/", &mount.path);
            let part = paths::within(&path, cwd) && SOURCES.contains(&paths::name(&path));
            mount.host.as_ref().is_some_and(here) && folder && (part || paths::within(cwd, &path))
        };
        let mount = start.mounts.iter().find(over)?;
        Some((start.by.clone(), format!("{}:{}", mount.host.as_deref().unwrap_or_default(), mount.path)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_file_is_for_by_its_parts() {
        for name in ["Dockerfile.dev", "docker/dev/Dockerfile", "Dockerfile-local", ".devcontainer/Dockerfile"] {
            assert!(named(name), "{name}");
        }
        for name in ["Dockerfile", "devices/Dockerfile", "Dockerfile.prod", "localhost.Dockerfile"] {
            assert!(!named(name), "{name}");
        }
    }
}
