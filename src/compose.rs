//! How the files of Compose around a Dockerfile use its image: what they start in the place of what it starts itself, as
//! whom, with which rights, and what they mount over it.
//!
//! `docker compose up` builds the image, and may run another command in it: the tests, a worker, the development server.
//! What the image must hold, and who has to write where, is told by that as well.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dockwright_transforms::knowledge::images;
use dockwright_transforms::knowledge::reference::canonical;
use dockwright_transforms::model::built_on::stands_on;
use dockwright_transforms::settings::{HOST_NETWORK, Made, Mount, Place, Start};
use serde_json::{Map, Value};

use crate::input::Bounds;
use crate::platforms;

/// Larger files are not written by people.
const MAX_FILE: u64 = 1024 * 1024;
/// More files of YAML than this are not looked into for services, unless they are called as Compose calls its own.
const MAX_OTHERS: usize = 32;

/// The files of Compose that were met, each folder read once.
#[derive(Debug, Default)]
pub(crate) struct Services {
    folders: Mutex<HashMap<PathBuf, Arc<Vec<Service>>>>,
    bases: Mutex<HashMap<PathBuf, Bases>>,
}

/// What Dockerfiles stand on, each with the Dockerfile.
type Bases = Arc<Vec<(String, PathBuf)>>;

/// A service that is built from a Dockerfile.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// The Dockerfile, absolute.
    pub(crate) dockerfile: PathBuf,
    /// The build context, absolute.
    pub(crate) context: PathBuf,
    /// What the image is called that it builds, without a tag.
    pub(crate) image: Option<String>,
    /// How it uses the image.
    pub(crate) start: Start,
}

/// What is said of a Dockerfile.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// How services use its image.
    pub(crate) starts: Vec<Start>,
    /// The folders that it is built with, absolute.
    pub(crate) contexts: Vec<PathBuf>,
    /// The Dockerfile that stands on an image which is called like the folder of this one.
    pub(crate) namesake: Option<String>,
    /// The Dockerfiles of the project that make what this one stands on.
    pub(crate) bases: Vec<Made>,
}

impl Services {
    /// What the files of Compose and of hosting platforms say of a Dockerfile: those in its folder and in the ones above it,
    /// as far as its project goes. `source` is what stands in it.
    pub(crate) fn say(&self, dockerfile: &Path, source: &[u8], bounds: &Bounds) -> Said {
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
        said.namesake = self.namesake(&dockerfile, own, bounds);
        let unknown = |base: &String| images::image(base, "latest").is_none();
        let stood = stands_on(&String::from_utf8_lossy(source)).into_iter().filter(unknown);
        said.bases = stood.filter_map(|base| self.made(base, &dockerfile, own, bounds)).collect();
        said
    }

    /// The Dockerfile that makes an image: by the name under which a service builds it, or as one beside this one lies in a
    /// folder that is called so.
    fn made(&self, image: String, dockerfile: &Path, own: &Path, bounds: &Bounds) -> Option<Made> {
        let built = bounds.upwards(own).find_map(|folder| {
            let services = self.folder(folder);
            let other = services.iter().find(|service| {
                service.image.as_ref() == Some(&image)
                    && service.start.target.is_none()
                    && service.dockerfile != dockerfile
            });
            other.map(|service| service.dockerfile.clone())
        });
        let called = || {
            let (_, last) = image.rsplit_once('/')?;
            let file = bounds.upwards(own).nth(1)?.join(last).join("Dockerfile");
            (file != dockerfile).then_some(file)
        };
        let file = built.or_else(called)?;
        file.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE)?;
        let text = fs::read_to_string(&file).ok()?;
        let top = bounds.upwards(own).last().unwrap_or(own);
        let shown = file.strip_prefix(top).unwrap_or(&file).display().to_string();
        Some(Made { image, file: shown, text })
    }

    /// The Dockerfile below the folder of this one, or beside that, which stands on an image of somebody's that is called like
    /// the folder: `FROM acme/toolbox` in `shell/Dockerfile`, beside `toolbox/Dockerfile`.
    fn namesake(&self, dockerfile: &Path, own: &Path, bounds: &Bounds) -> Option<String> {
        let name =
            own.file_name()?.to_str().filter(|_| dockerfile.file_name().is_some_and(|name| name == "Dockerfile"))?;
        // The uppermost folder is called as somebody has called it where it is.
        let mut folders = bounds.upwards(own).take(2);
        let (inside, around) = (folders.next()?, folders.next()?);
        let bases = [self.bases(inside), self.bases(around)];
        let of = |base: &str| base.rsplit_once('/').is_some_and(|(_, last)| last == name);
        let called = |base: &str| of(base) && images::image(base, "latest").is_none();
        let (base, other) =
            bases.iter().flat_map(|bases| bases.iter()).find(|(base, file)| called(base) && file != dockerfile)?;
        // Both may stand on what somebody else makes under this name.
        let too = bases.iter().flat_map(|bases| bases.iter()).any(|(one, file)| file == dockerfile && one == base);
        let shown = other.strip_prefix(around).unwrap_or(other).display();
        (!too).then(|| format!("by the name of {base}, {shown}"))
    }

    /// What the Dockerfiles in the folders of a folder stand on, each folder read once.
    fn bases(&self, folder: &Path) -> Bases {
        let mut folders = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(folders.entry(folder.to_owned()).or_insert_with(|| Arc::new(bases(folder))))
    }

    fn folder(&self, folder: &Path) -> Arc<Vec<Service>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(folders.entry(folder.to_owned()).or_insert_with(|| {
            let mut found = services(folder);
            found.extend(platforms::services(folder));
            Arc::new(found)
        }))
    }
}

/// What the Dockerfiles in the folders of a folder stand on.
fn bases(folder: &Path) -> Vec<(String, PathBuf)> {
    /// More folders than this beside one another are no images of one project.
    const MOST: usize = 256;
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.flatten().take(MOST * 2).map(|entry| entry.path()).collect();
    folders.sort_unstable();
    let mut found = Vec::new();
    for dockerfile in folders.iter().take(MOST).map(|folder| folder.join("Dockerfile")) {
        if !dockerfile.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE) {
            continue;
        }
        let Ok(text) = fs::read(&dockerfile) else { continue };
        let stood = stands_on(&String::from_utf8_lossy(&text));
        found.extend(stood.into_iter().map(|base| (base, dockerfile.clone())));
    }
    found
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

/// Whether a text is one of Compose by what stands in it, whatever the file is called: `stack.yml`, `dev.compose.yaml`.
fn tells_services(text: &str) -> bool {
    let opens = text.starts_with("services:") || text.contains("\nservices:");
    opens && (text.contains("build:") || text.contains("image:"))
}

/// A service as one file has it.
#[derive(Debug)]
struct Entry {
    key: String,
    /// The image that it is started from, or that is built under this name.
    image: Option<String>,
    /// The Dockerfile and the build context, absolute, and the stage, of one that is built.
    built: Option<(PathBuf, PathBuf, Option<String>)>,
    start: Start,
}

/// The services of a folder's files, in the order of their names.
fn services(folder: &Path) -> Vec<Service> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".yml") || name.ends_with(".yaml")).collect();
    names.sort_unstable();
    let (mut wanted, others): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_compose(name));
    // A folder of very many is one of manifests, or of data.
    if others.len() <= MAX_OTHERS {
        wanted.extend(others);
    }
    let mut found = Vec::new();
    for name in &wanted {
        read(folder, name, 0, &mut found);
    }
    let service = |entry: &Entry| {
        // A second file says more of a service that the first builds; another service starts the image that one builds.
        let same = |one: &&Entry| match &entry.image {
            Some(image) => one.image.as_ref() == Some(image),
            None => one.key == entry.key,
        };
        let built = || found.iter().filter(|one| one.built.is_some()).find(same)?.built.as_ref();
        let (dockerfile, context, target) = entry.built.as_ref().or_else(built)?;
        let stood_on = entry.image.as_deref().and_then(|image| stood_on(folder, &found, dockerfile, image));
        let mut start = Start { target: target.clone(), stood_on, ..entry.start.clone() };
        for mount in &mut start.mounts {
            mount.place = mount.host.as_deref().and_then(|host| place(folder, host, context));
        }
        let image = entry.image.as_deref().map(|image| canonical(image).name.to_owned());
        Some(Service { dockerfile: dockerfile.clone(), context: context.clone(), image, start })
    };
    found.iter().filter_map(service).collect()
}

/// The Dockerfile among those of the services that stands on what this one is built as: `image: shop-base`, and elsewhere
/// `FROM shop-base`.
fn stood_on(folder: &Path, entries: &[Entry], own: &Path, image: &str) -> Option<String> {
    let name = canonical(image).name;
    let others = entries.iter().filter_map(|entry| entry.built.as_ref()).map(|(dockerfile, ..)| dockerfile);
    let stands = |dockerfile: &&PathBuf| {
        let small = dockerfile.metadata().is_ok_and(|metadata| metadata.len() <= MAX_FILE);
        let text = fs::read(dockerfile).ok().filter(|_| small && dockerfile.as_path() != own);
        text.is_some_and(|text| stands_on(&String::from_utf8_lossy(&text)).iter().any(|base| base == name))
    };
    let other = others.into_iter().find(stands)?;
    Some(other.strip_prefix(folder).unwrap_or(other).display().to_string())
}

/// The services of one file, and of those that it includes; none where it can't be read, or is not of Compose.
fn read(folder: &Path, name: &str, depth: usize, found: &mut Vec<Entry>) -> Option<()> {
    let path = folder.join(name);
    path.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE)?;
    let text = fs::read_to_string(path).ok()?;
    let said = depth > 0 || is_compose(name);
    if !said && !tells_services(&text) {
        return None;
    }
    let file: Map<String, Value> = serde_saphyr::from_str(&text).ok()?;
    // The first files of Compose had the services at the top.
    let services = file.get("services").and_then(Value::as_object).or_else(|| said.then_some(&file))?;
    let mut keys: Vec<&String> = services.keys().collect();
    keys.sort_unstable();
    found.extend(keys.into_iter().filter_map(|key| {
        let said = services.get(key).filter(|said| said.is_object())?;
        Some(entry(folder, name, key, said))
    }));
    for other in file.get("include").and_then(Value::as_array).into_iter().flatten().flat_map(included) {
        // What an included file says is relative to its own folder.
        let other = plain(&folder.join(other));
        if let (Some(inside), Some(name), true) = (other.parent(), other.file_name().and_then(OsStr::to_str), depth < 3)
        {
            read(inside, name, depth + 1, found);
        }
    }
    Some(())
}

/// The files that an entry of `include` names: a path, or a map with one or several.
fn included(entry: &Value) -> Vec<&str> {
    let paths = entry.get("path").unwrap_or(entry);
    match paths {
        Value::String(path) => vec![path],
        Value::Array(paths) => paths.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn entry(folder: &Path, file: &str, key: &str, service: &Value) -> Entry {
    let start = Start {
        by: format!("{file} (service {key})"),
        target: None,
        entrypoint: words(service.get("entrypoint")),
        command: words(service.get("command")),
        workdir: service
            .get("working_dir")
            .and_then(Value::as_str)
            .filter(|path| path.starts_with('/'))
            .map(str::to_owned),
        check: check(service),
        user: service.get("user").and_then(text),
        rights: rights(service),
        mounts: list(service, "volumes").filter_map(mount).collect(),
        stood_on: None,
        fixed: false,
    };
    let image = service.get("image").and_then(Value::as_str).map(str::to_owned);
    Entry { key: key.to_owned(), image, built: built(folder, service), start }
}

/// From what a service is built; `None` for one that is not, or not from here.
fn built(folder: &Path, service: &Value) -> Option<(PathBuf, PathBuf, Option<String>)> {
    let build = service.get("build")?;
    let part = |name: &str| build.get(name).and_then(Value::as_str);
    let context = build.as_str().or_else(|| part("context")).unwrap_or(".");
    // What is fetched, and what a variable names, is not here.
    if context.contains("://") || context.contains('$') {
        return None;
    }
    let inside = folder.join(context);
    let dockerfile = match part("dockerfile") {
        Some(name) => inside.join(name),
        // Builders take a name in small letters where there is no other.
        None if !inside.join("Dockerfile").is_file() && inside.join("dockerfile").is_file() => {
            inside.join("dockerfile")
        }
        None => inside.join("Dockerfile"),
    };
    Some((plain(&dockerfile), plain(&inside), part("target").map(str::to_owned)))
}

/// The values of a list.
pub(crate) fn list<'v>(service: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    service.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A word, which YAML may take for a number.
pub(crate) fn text(value: &Value) -> Option<String> {
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
    for (key, option) in [("pid", "--pid=host"), ("network_mode", HOST_NETWORK)] {
        if service.get(key).and_then(Value::as_str) == Some("host") {
            found.push(option.to_owned());
        }
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
        return path.starts_with('/').then(|| Mount {
            host,
            path: path.to_owned(),
            place: None,
            writable,
            of_root: false,
        });
    }
    let word = |key: &str| value.get(key).and_then(Value::as_str);
    let path = word("target").filter(|path| path.starts_with('/'))?;
    let host = match word("type") {
        Some("bind") => Some(word("source").unwrap_or_default().to_owned()),
        Some("volume") | None => word("source").filter(|source| of_host(source)).map(str::to_owned),
        _ => return None,
    };
    let writable = value.get("read_only").and_then(Value::as_bool) != Some(true);
    Some(Mount { host, path: path.to_owned(), place: None, writable, of_root: false })
}

/// Where something of the host, as a file in this folder calls it, and a build context lie to one another.
fn place(folder: &Path, host: &str, context: &Path) -> Option<Place> {
    // What a variable names may lie anywhere.
    if !host.starts_with('.') || host.contains('$') {
        return None;
    }
    let host = plain(&folder.join(host));
    let words =
        |path: &Path| path.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>().map(|all| all.join("/"));
    match context.strip_prefix(&host) {
        Ok(inside) => words(inside).map(Place::Around),
        Err(_) => words(host.strip_prefix(context).ok()?).map(Place::Inside),
    }
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
pub(crate) fn words(value: Option<&Value>) -> Option<String> {
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

/// What a health check runs: a text for a shell, or a list behind the word that says how it is run.
fn check(service: &Value) -> Option<String> {
    let test = service.get("healthcheck")?.get("test")?;
    let Some(list) = test.as_array() else { return words(Some(test)) };
    match (list.first()?.as_str()?, list.get(1..)?) {
        ("CMD-SHELL", [command]) => words(Some(command)),
        ("CMD", command) => words(Some(&Value::Array(command.to_vec()))),
        _ => None,
    }
}

/// A path without `.` and `..`, as it is written: links are not followed.
pub(crate) fn plain(path: &Path) -> PathBuf {
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
        let source = fs::read(folder.path().join(dockerfile)).unwrap_or_default();
        let said = Services::default().say(&folder.path().join(dockerfile), &source, &Bounds::default());
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
    fn another_stands_on_what_is_called_like_the_folder() {
        let namesake = |files: &[(&str, &str)]| say(files, "toolbox/Dockerfile").0.namesake;
        let shell = ("shell/Dockerfile", "FROM acme/toolbox:latest\nRUN apt-get update\n");
        let own = ("toolbox/Dockerfile", "FROM debian\n");
        assert_eq!(namesake(&[own, shell]).as_deref(), Some("by the name of acme/toolbox, shell/Dockerfile"));
        let inside = ("toolbox/extra/Dockerfile", "FROM acme/toolbox\n");
        assert!(namesake(&[own, inside]).is_some());
        assert_eq!(namesake(&[("toolbox/Dockerfile", "FROM acme/toolbox\n"), shell]), None);
        assert_eq!(namesake(&[own, ("shell/Dockerfile", "FROM toolbox\n")]), None);
    }

    #[test]
    fn what_a_dockerfile_stands_on_may_be_made_by_another() {
        let made = |files: &[(&str, &str)]| {
            let found = say(files, "docker/engine/Dockerfile").0.bases;
            found.into_iter().map(|made| (made.image, made.file)).collect::<Vec<_>>()
        };
        let compose = "services:\n  base:\n    image: acme/ground:1\n    build:\n      context: .\n      dockerfile: docker/base/Dockerfile\n";
        let own = ("docker/engine/Dockerfile", "FROM acme/ground\nCMD [\"./engine\"]\n");
        let base = ("docker/base/Dockerfile", "FROM debian\nUSER app\n");
        let wanted = ("acme/ground".to_owned(), "docker/base/Dockerfile".to_owned());
        assert_eq!(made(&[own, base, ("docker-compose.yml", compose)]), [wanted]);
        assert!(made(&[own, base]).is_empty());
        let beside = ("acme/ground".to_owned(), "docker/ground/Dockerfile".to_owned());
        assert_eq!(made(&[own, ("docker/ground/Dockerfile", "FROM debian\n")]), [beside]);
        let known = ("docker/engine/Dockerfile", "FROM library/debian\n");
        assert!(made(&[known, ("docker/debian/Dockerfile", "FROM scratch\n")]).is_empty());
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
    fn files_of_other_names_and_files_that_are_included_are_read() {
        let stack = "version: '3'\nservices:\n  agent:\n    build: agent\n    volumes:\n    \
                     - /var/run/docker.sock:/var/run/docker.sock\n";
        let found = starts(&[("monitoring-stack.yml", stack)], "agent/Dockerfile");
        assert_eq!(found.first().map(|start| start.0.as_str()), Some("monitoring-stack.yml (service agent)"));
        let files = [
            ("compose.yaml", "include:\n- parts/core.yaml\n- path: [parts/more.yml]\n"),
            ("parts/core.yaml", "services:\n  web:\n    build: ../web\n    command: a\n"),
            ("parts/more.yml", "services:\n  job:\n    build: ../web\n    command: b\n"),
        ];
        let found = starts(&files, "web/Dockerfile");
        assert_eq!(found.iter().filter_map(|start| start.2.as_deref()).collect::<Vec<_>>(), ["a", "b"]);
        // Rules of a server, and the services of a framework, are called the same.
        let other =
            [("services.yaml", "services:\n  App\\Kernel:\n    public: true\n"), ("ci.yml", "services: [db]\n")];
        assert!(starts(&other, "Dockerfile").is_empty());
    }

    #[test]
    fn a_second_file_says_more_of_a_service() {
        let files = [
            ("docker-compose.yml", "services:\n  web:\n    build: .\n    image: shop/web\n  db:\n    image: mysql\n"),
            ("docker-compose.prod.yml", "services:\n  web:\n    command: serve\n  db:\n    command: mysqld\n"),
            ("docker-compose.jobs.yml", "services:\n  worker:\n    image: shop/web\n    command: work\n"),
        ];
        let found = starts(&files, "Dockerfile");
        assert_eq!(
            found.iter().map(|start| start.2.as_deref()).collect::<Vec<_>>(),
            [Some("work"), Some("serve"), None]
        );
    }

    #[test]
    fn a_health_check_is_told() {
        let check = |test: &str| {
            let text = format!("services:\n  web:\n    build: .\n    healthcheck:\n      test: {test}\n");
            say(&[("compose.yml", &text)], "Dockerfile").0.starts.remove(0).check
        };
        assert_eq!(check("curl -f localhost:80/up").as_deref(), Some("curl -f localhost:80/up"));
        assert_eq!(check("[CMD-SHELL, 'curl -f localhost || exit 1']").as_deref(), Some("curl -f localhost || exit 1"));
        assert_eq!(check("[CMD, wget, -q, 'localhost:80/a b']").as_deref(), Some("wget -q 'localhost:80/a b'"));
        assert_eq!(check("[NONE]"), None);
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
        assert_eq!(
            super::mount(&long),
            Some(Mount { host: None, path: "/db".to_owned(), place: None, writable: true, of_root: false })
        );
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
