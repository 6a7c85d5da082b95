//! How the files of Compose around a Dockerfile use its image: what they start in the place of what it starts itself, as
//! whom, with which rights, and what they mount over it.
//!
//! `docker compose up` builds the image, and may run another command in it: the tests, a worker, the development server.
//! What the image must hold, and who has to write where, is told by that as well.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dockwright_transforms::settings::{Mount, Start};
use serde_json::{Map, Value};

use crate::input::Bounds;

/// Larger files are not written by people.
const MAX_FILE: u64 = 1024 * 1024;

/// The files of Compose that were met, each folder read once.
#[derive(Debug, Default)]
pub(crate) struct Services {
    folders: Mutex<HashMap<PathBuf, Arc<Vec<Service>>>>,
}

/// A service that is built from a Dockerfile.
#[derive(Debug, PartialEq, Eq)]
struct Service {
    /// The Dockerfile, absolute.
    dockerfile: PathBuf,
    /// The build context, absolute.
    context: PathBuf,
    /// How it uses the image.
    start: Start,
}

/// What is said of a Dockerfile.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// How services use its image.
    pub(crate) starts: Vec<Start>,
    /// The folders that it is built with, absolute.
    pub(crate) contexts: Vec<PathBuf>,
}

impl Services {
    /// What the files of Compose say of a Dockerfile: those in its folder and in the ones above it, as far as its project
    /// goes.
    pub(crate) fn say(&self, dockerfile: &Path, bounds: &Bounds) -> Said {
        let Ok(dockerfile) = std::path::absolute(dockerfile) else { return Said::default() };
        let dockerfile = plain(&dockerfile);
        let Some(own) = dockerfile.parent() else { return Said::default() };
        let mut said = Said::default();
        for folder in bounds.upwards(own) {
            for service in self.folder(folder).iter().filter(|service| service.dockerfile == dockerfile) {
                said.starts.push(service.start.clone());
                if !said.contexts.contains(&service.context) {
                    said.contexts.push(service.context.clone());
                }
            }
        }
        said.starts.dedup();
        said
    }

    fn folder(&self, folder: &Path) -> Arc<Vec<Service>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(folders.entry(folder.to_owned()).or_insert_with(|| Arc::new(services(folder))))
    }
}

/// Whether a file is one of Compose by its name.
fn is_compose(name: &str) -> bool {
    let named = |stem: &str| {
        ["docker-compose", "compose"].iter().any(|start| {
            stem.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
        })
    };
    [".yml", ".yaml"].iter().filter_map(|end| name.strip_suffix(end)).any(named)
}

/// The services of a folder's files, in the order of their names.
fn services(folder: &Path) -> Vec<Service> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_compose(name)).collect();
    names.sort_unstable();
    names.iter().flat_map(|name| read(folder, name).unwrap_or_default()).collect()
}

/// The services of one file; `None` where it can't be read, or is not of Compose.
fn read(folder: &Path, name: &str) -> Option<Vec<Service>> {
    let path = folder.join(name);
    path.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE)?;
    let file: Map<String, Value> = serde_saphyr::from_str(&fs::read_to_string(path).ok()?).ok()?;
    // The first files of Compose had the services at the top.
    let services = file.get("services").and_then(Value::as_object).unwrap_or(&file);
    let mut keys: Vec<&String> = services.keys().collect();
    keys.sort_unstable();
    Some(keys.into_iter().filter_map(|key| service(folder, name, key, services.get(key)?)).collect())
}

fn service(folder: &Path, file: &str, key: &str, service: &Value) -> Option<Service> {
    let build = service.get("build")?;
    let part = |name: &str| build.get(name).and_then(Value::as_str);
    let context = build.as_str().or_else(|| part("context")).unwrap_or(".");
    // What is fetched, and what a variable names, is not here.
    if context.contains("://") || context.contains('$') {
        return None;
    }
    let start = Start {
        by: format!("{file} (service {key})"),
        target: part("target").map(str::to_owned),
        entrypoint: words(service.get("entrypoint")),
        command: words(service.get("command")),
        user: service.get("user").and_then(text),
        rights: rights(service),
        mounts: list(service, "volumes").filter_map(mount).collect(),
    };
    let inside = folder.join(context);
    let dockerfile = match part("dockerfile") {
        Some(name) => inside.join(name),
        // Builders take a name in small letters where there is no other.
        None if !inside.join("Dockerfile").is_file() && inside.join("dockerfile").is_file() => {
            inside.join("dockerfile")
        }
        None => inside.join("Dockerfile"),
    };
    Some(Service { dockerfile: plain(&dockerfile), context: plain(&inside), start })
}

/// The values of a list.
fn list<'v>(service: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    service.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A word, which YAML may take for a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a service is given beyond the rights of other containers.
fn rights(service: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if service.get("privileged").and_then(Value::as_bool) == Some(true) {
        found.push("--privileged".to_owned());
    }
    if service.get("pid").and_then(Value::as_str) == Some("host") {
        found.push("--pid=host".to_owned());
    }
    let named = |key: &str, option: &str| -> Vec<String> {
        list(service, key).filter_map(Value::as_str).map(|value| format!("{option}={value}")).collect()
    };
    found.extend(named("cap_add", "--cap-add"));
    found.extend(named("devices", "--device"));
    found
}

/// What a service mounts: `data:/var/lib/app`, `./conf:/etc/app:ro`, or the same in the long form.
fn mount(value: &Value) -> Option<Mount> {
    let of_host = |source: &str| source.starts_with(['.', '/', '~', '$', '\\']) || source.contains('/');
    if let Some(text) = value.as_str() {
        let parts = parts(text);
        let (source, path, mode) = match parts.as_slice() {
            [path] => (None, *path, ""),
            [source, path] => (Some(*source), *path, ""),
            [source, path, mode] => (Some(*source), *path, *mode),
            _ => return None,
        };
        let writable = !mode.split(',').any(|word| word == "ro");
        let host = source.filter(|source| of_host(source)).map(str::to_owned);
        return path.starts_with('/').then(|| Mount { host, path: path.to_owned(), writable });
    }
    let word = |key: &str| value.get(key).and_then(Value::as_str);
    let path = word("target").filter(|path| path.starts_with('/'))?;
    let host = match word("type") {
        Some("bind") => Some(word("source").unwrap_or_default().to_owned()),
        Some("volume") | None => word("source").filter(|source| of_host(source)).map(str::to_owned),
        _ => return None,
    };
    let writable = value.get("read_only").and_then(Value::as_bool) != Some(true);
    Some(Mount { host, path: path.to_owned(), writable })
}

/// The parts between colons, of which `${DATA:-./data}` has none, and neither has the drive of Windows' `C:/data`.
fn parts(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0usize, 0usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && !is_drive(text, at) => {
                found.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(text.get(start..).unwrap_or_default());
    found
}

/// Whether the colon at `at` is that of a drive: behind a single letter, and before a slash.
fn is_drive(text: &str, at: usize) -> bool {
    let letter = at == 1 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    letter && text.get(at + 1..).is_some_and(|rest| rest.starts_with(['/', '\\']) && rest.contains(':'))
}

/// A command as a shell would read it: the text as it is written, or the words of a list in quotes where they need them.
fn words(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(words) => {
            let words = words.iter().map(|word| match word {
                Value::String(word) => word.clone(),
                other => other.to_string(),
            });
            // A word that a shell can't be given is not one that starts anything.
            shlex::try_join(words.collect::<Vec<_>>().iter().map(String::as_str)).ok()?
        }
        _ => return None,
    };
    // A dollar is written twice where Compose is to leave it alone.
    (!text.is_empty()).then(|| text.replace("$$", "$"))
}

/// A path without `.` and `..`, as it is written: links are not followed.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(files: &[(&str, &str)], dockerfile: &str) -> (Said, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let said = Services::default().say(&folder.path().join(dockerfile), &Bounds::default());
        (said, folder.path().to_owned())
    }

    fn starts(files: &[(&str, &str)], dockerfile: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let found = say(files, dockerfile).0.starts;
        found.into_iter().map(|start| (start.by, start.entrypoint, start.command)).collect()
    }

    #[test]
    fn a_service_says_what_it_is_built_with() {
        let text = "services:\n  web:\n    build:\n      context: ./\n      dockerfile: docker/app/Dockerfile\n  \
                    job:\n    build: ./docker/app\n    command: run\n";
        let (said, root) = say(&[("compose.yaml", text), ("docker/app/Dockerfile", "")], "docker/app/Dockerfile");
        assert_eq!(said.contexts, [root.join("docker/app"), root.clone()]);
        assert_eq!(said.starts.len(), 2);
    }

    #[test]
    fn a_service_that_is_built_here_says_what_starts() {
        let text = "x-base: &base\n  build: ./api\n\
                    services:\n  db:\n    image: postgres\n    command: postgres -c fsync=off\n  \
                    worker:\n    <<: *base\n    command: [celery, -A, site app, worker]\n  \
                    web:\n    build:\n      context: .\n      dockerfile: api/Dockerfile\n    \
                    entrypoint: sh -c \"echo $$HOME && ./run\"\n  plain:\n    build: api\n";
        assert_eq!(
            starts(&[("docker-compose.yml", text)], "api/Dockerfile"),
            [
                ("docker-compose.yml (service plain)".to_owned(), None, None),
                ("docker-compose.yml (service web)".to_owned(), Some("sh -c \"echo $HOME && ./run\"".to_owned()), None),
                (
                    "docker-compose.yml (service worker)".to_owned(),
                    None,
                    Some("celery -A 'site app' worker".to_owned())
                ),
            ]
        );
    }

    #[test]
    fn other_dockerfiles_and_broken_files_say_nothing() {
        let text = "services:\n  web:\n    build: other\n    command: x\n";
        assert!(starts(&[("compose.yaml", text), ("docker-compose.dev.yml", "a: [")], "Dockerfile").is_empty());
        let old = "web:\n  build: .\n  command: y 1\n";
        let found = starts(&[("docker-compose.yml", old)], "Dockerfile");
        assert_eq!(found.first().and_then(|start| start.2.as_deref()), Some("y 1"));
    }

    #[test]
    fn what_is_mounted_and_allowed_is_told() {
        let mount = |text: &str| mount(&Value::String(text.to_owned())).map(|one| (one.host, one.path, one.writable));
        let host = |host: &str, path: &str, writable| Some((Some(host.to_owned()), path.to_owned(), writable));
        assert_eq!(mount("data:/data"), Some((None, "/data".to_owned(), true)));
        assert_eq!(mount("/app/node_modules"), Some((None, "/app/node_modules".to_owned(), true)));
        assert_eq!(mount("./conf:/etc/app:ro,z"), host("./conf", "/etc/app", false));
        assert_eq!(mount("${DATA:-./data}:/data"), host("${DATA:-./data}", "/data", true));
        assert_eq!(mount("D:/work/logs:/var/log/app"), host("D:/work/logs", "/var/log/app", true));
        assert_eq!(mount("d:/data"), Some((None, "/data".to_owned(), true)));
        assert_eq!(mount("data"), None);
        let service: Value = serde_json::from_str(
            r#"{"privileged": true, "cap_add": ["NET_ADMIN"], "devices": ["/dev/ttyUSB0:/dev/ttyUSB0"]}"#,
        )
        .unwrap();
        assert_eq!(rights(&service), ["--privileged", "--cap-add=NET_ADMIN", "--device=/dev/ttyUSB0:/dev/ttyUSB0"]);
        let long: Value = serde_json::from_str(r#"{"type": "volume", "source": "db", "target": "/db"}"#).unwrap();
        assert_eq!(super::mount(&long), Some(Mount { host: None, path: "/db".to_owned(), writable: true }));
    }

    #[test]
    fn names_of_files_of_compose() {
        for name in ["docker-compose.yml", "compose.yaml", "docker-compose.prod.yml", "docker-compose-dev.yaml"] {
            assert!(is_compose(name), "{name}");
        }
        for name in ["composer.yml", "compose.json", "my-compose.yml"] {
            assert!(!is_compose(name), "{name}");
        }
    }
}
