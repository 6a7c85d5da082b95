//! How the settings of hosting platforms around a Dockerfile use its image: `fly.toml`, `railway.json`, `render.yaml`,
//! `heroku.yml`, `.do/app.yaml`.
//!
//! They start the image that is built with another command, or run one in it before each release, and may mount a volume
//! that belongs to root. Whatever they start, it is the one image that is built.

use std::fs;
use std::path::{Path, PathBuf};

use dockwright_transforms::settings::{Mount, Start};
use serde_json::Value;

use crate::compose::{Service, list, plain, text, words};

/// Larger files are not written by people.
const MAX_FILE: u64 = 256 * 1024;

/// What the settings in a folder say of the images that are built from here.
pub(crate) fn services(folder: &Path) -> Vec<Service> {
    let mut found = Vec::new();
    for name in fly_files(folder) {
        if let Some(file) = toml_of(&folder.join(&name)) {
            found.extend(fly(folder, &name, &file));
        }
    }
    for name in ["railway.json", "railway.toml"] {
        let path = folder.join(name);
        let file = if name.ends_with(".json") { json_of(&path) } else { toml_of(&path) };
        found.extend(file.map(|file| railway(folder, name, &file)).unwrap_or_default());
    }
    for name in ["render.yaml", "render.yml"] {
        let file = yaml_of(&folder.join(name));
        found.extend(file.map(|file| render(folder, name, &file)).unwrap_or_default());
    }
    found.extend(yaml_of(&folder.join("heroku.yml")).map(|file| heroku(folder, &file)).unwrap_or_default());
    found.extend(yaml_of(&folder.join(".do/app.yaml")).map(|file| digital_ocean(folder, &file)).unwrap_or_default());
    found
}

/// `fly.toml`, and those of further applications: `fly.staging.toml`.
fn fly_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("fly.") && name.ends_with(".toml")).collect();
    names.sort_unstable();
    names
}

fn content(path: &Path) -> Option<String> {
    path.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE)?;
    fs::read_to_string(path).ok()
}

fn toml_of(path: &Path) -> Option<Value> {
    toml::from_str(&content(path)?).ok()
}

fn json_of(path: &Path) -> Option<Value> {
    serde_json::from_str(&content(path)?).ok()
}

fn yaml_of(path: &Path) -> Option<Value> {
    serde_saphyr::from_str(&content(path)?).ok()
}

/// A use of the image that is built.
fn start(by: String) -> Start {
    Start { by, fixed: true, ..Start::default() }
}

/// <https://fly.io/docs/reference/configuration/>
fn fly(folder: &Path, name: &str, file: &Value) -> Vec<Service> {
    let build = file.get("build");
    let part = |key: &str| build.and_then(|build| build.get(key)).and_then(Value::as_str);
    // Another builder, or an image that is there already.
    if ["builder", "builtin", "image"].iter().any(|key| part(key).is_some()) {
        return Vec::new();
    }
    let dockerfile = plain(&folder.join(part("dockerfile").unwrap_or("Dockerfile")));
    let mut starts = Vec::new();
    let mounts = match file.get("mounts").or_else(|| file.get("mount")) {
        Some(Value::Array(mounts)) => mounts.iter().collect(),
        Some(mount) => vec![mount],
        None => Vec::new(),
    };
    let mount = |mount: &Value| {
        let path = mount.get("destination")?.as_str().filter(|path| path.starts_with('/'))?;
        Some(Mount { host: None, path: path.to_owned(), place: None, writable: true, of_root: true })
    };
    let mounts: Vec<Mount> = mounts.into_iter().filter_map(mount).collect();
    if !mounts.is_empty() {
        starts.push(Start { mounts, ..start(name.to_owned()) });
    }
    let mut more = |what: &str, entrypoint: Option<String>, command: Option<String>| {
        if entrypoint.is_some() || command.is_some() {
            starts.push(Start { entrypoint, command, ..start(format!("{name} ({what})")) });
        }
    };
    more("release_command", None, words(file.get("deploy").and_then(|deploy| deploy.get("release_command"))));
    for (key, command) in file.get("processes").and_then(Value::as_object).into_iter().flatten() {
        more(&format!("process {key}"), None, words(Some(command)));
    }
    if let Some(own) = file.get("experimental") {
        more("experimental", words(own.get("entrypoint")), words(own.get("cmd")));
    }
    let target = part("build-target").map(str::to_owned);
    let service = |start| Service {
        dockerfile: dockerfile.clone(),
        context: folder.to_owned(),
        image: None,
        start: Start { target: target.clone(), ..start },
    };
    starts.into_iter().map(service).collect()
}

/// <https://docs.railway.com/reference/config-as-code>
fn railway(folder: &Path, name: &str, file: &Value) -> Vec<Service> {
    let part = |section: &str, key: &str| file.get(section).and_then(|section| section.get(key));
    let builder = part("build", "builder").and_then(Value::as_str);
    if builder.is_some_and(|builder| !builder.eq_ignore_ascii_case("dockerfile")) {
        return Vec::new();
    }
    let dockerfile = part("build", "dockerfilePath").and_then(Value::as_str).unwrap_or("Dockerfile");
    let dockerfile = plain(&folder.join(dockerfile.trim_start_matches('/')));
    // A start command takes the place of ENTRYPOINT as well.
    let run = |key: &str| {
        let value = part("deploy", key)?;
        let line = value.as_array().and_then(|lines| lines.first()).unwrap_or(value);
        let entrypoint = Some(words(Some(line))?);
        Some(Start { entrypoint, ..start(format!("{name} ({key})")) })
    };
    let starts = ["startCommand", "preDeployCommand"].into_iter().filter_map(run);
    starts
        .map(|start| Service { dockerfile: dockerfile.clone(), context: folder.to_owned(), image: None, start })
        .collect()
}

/// <https://render.com/docs/blueprint-spec>
fn render(folder: &Path, name: &str, file: &Value) -> Vec<Service> {
    let mut found = Vec::new();
    for service in list(file, "services") {
        let part = |key: &str| service.get(key).and_then(Value::as_str);
        if part("runtime").or_else(|| part("env")) != Some("docker") {
            continue;
        }
        let root = plain(&folder.join(part("rootDir").unwrap_or(".")));
        let dockerfile = plain(&root.join(part("dockerfilePath").unwrap_or("Dockerfile")));
        let context = plain(&root.join(part("dockerContext").unwrap_or(".")));
        for key in ["dockerCommand", "preDeployCommand"] {
            let Some(command) = words(service.get(key)) else { continue };
            let by = format!("{name} ({key} of {})", part("name").unwrap_or("a service"));
            let start = Start { command: Some(command), ..start(by) };
            found.push(Service { dockerfile: dockerfile.clone(), context: context.clone(), image: None, start });
        }
    }
    found
}

/// <https://devcenter.heroku.com/articles/build-docker-images-heroku-yml>
fn heroku(folder: &Path, file: &Value) -> Vec<Service> {
    let Some(built) = file.get("build").and_then(|build| build.get("docker")).and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (process, dockerfile) in built {
        let Some(dockerfile) = dockerfile.as_str() else { continue };
        let mut more = |by: String, command: Option<&Value>| {
            // A list has several commands, one after the other.
            let lines = match command.and_then(Value::as_array) {
                Some(lines) => Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" && ")),
                None => command.and_then(text),
            };
            if let Some(command) = lines.filter(|command| !command.is_empty()) {
                let start = Start { command: Some(command), ..start(by) };
                let dockerfile = plain(&folder.join(dockerfile));
                found.push(Service {
                    context: dockerfile.parent().unwrap_or(folder).to_owned(),
                    dockerfile,
                    image: None,
                    start,
                });
            }
        };
        let run = file.get("run").and_then(|run| run.get(process));
        more(format!("heroku.yml (run of {process})"), run.map(|run| run.get("command").unwrap_or(run)));
        let release = file
            .get("release")
            .filter(|release| release.get("image").and_then(Value::as_str).is_none_or(|image| image == process));
        more("heroku.yml (release)".to_owned(), release.and_then(|release| release.get("command")));
    }
    found
}

/// <https://docs.digitalocean.com/products/app-platform/reference/app-spec/>
fn digital_ocean(folder: &Path, file: &Value) -> Vec<Service> {
    let mut found = Vec::new();
    for kind in ["services", "workers", "jobs"] {
        for part in list(file, kind) {
            let word = |key: &str| part.get(key).and_then(Value::as_str);
            let (Some(dockerfile), Some(command)) = (word("dockerfile_path"), words(part.get("run_command"))) else {
                continue;
            };
            let context = plain(&folder.join(word("source_dir").unwrap_or(".").trim_start_matches('/')));
            let by = format!(".do/app.yaml ({})", word("name").unwrap_or(kind));
            // The platform runs it as a shell does.
            let start = Start { entrypoint: Some(command), ..start(by) };
            let dockerfile: PathBuf = plain(&folder.join(dockerfile.trim_start_matches('/')));
            found.push(Service { dockerfile, context, image: None, start });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(name: &str, content: &str, dockerfile: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        let dockerfile = folder.path().join(dockerfile);
        let found = services(folder.path()).into_iter().filter(|service| service.dockerfile == dockerfile);
        found.map(|service| (service.start.by, service.start.entrypoint, service.start.command)).collect()
    }

    fn one(by: &str, entrypoint: Option<&str>, command: Option<&str>) -> (String, Option<String>, Option<String>) {
        (by.to_owned(), entrypoint.map(str::to_owned), command.map(str::to_owned))
    }

    #[test]
    fn fly_releases_and_processes() {
        let text = "app = 'a'\n[build]\ndockerfile = 'Dockerfile.prod'\n[deploy]\nrelease_command = 'npx prisma migrate deploy'\n\
                    [processes]\nworker = 'node worker.js'\n";
        let found = starts("fly.toml", text, "Dockerfile.prod");
        assert_eq!(
            found,
            [
                one("fly.toml (release_command)", None, Some("npx prisma migrate deploy")),
                one("fly.toml (process worker)", None, Some("node worker.js")),
            ]
        );
        assert!(starts("fly.toml", text, "Dockerfile").is_empty());
        assert!(
            starts("fly.toml", "[build]\nimage = 'a:1'\n[deploy]\nrelease_command = 'x'\n", "Dockerfile").is_empty()
        );
    }

    #[test]
    fn fly_mounts_belong_to_root() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("fly.toml"), "[[mounts]]\nsource = 'data'\ndestination = '/data'\n").unwrap();
        let found = services(folder.path());
        let mounts: Vec<&Mount> = found.iter().flat_map(|service| &service.start.mounts).collect();
        assert_eq!(mounts, [&Mount { host: None, path: "/data".into(), place: None, writable: true, of_root: true }]);
    }

    #[test]
    fn other_platforms() {
        let railway = r#"{"build": {"builder": "DOCKERFILE"}, "deploy": {"startCommand": "npm run start:prod"}}"#;
        let found = starts("railway.json", railway, "Dockerfile");
        assert_eq!(found, [one("railway.json (startCommand)", Some("npm run start:prod"), None)]);
        let nixpacks = r#"{"build": {"builder": "NIXPACKS"}, "deploy": {"startCommand": "npm start"}}"#;
        assert!(starts("railway.json", nixpacks, "Dockerfile").is_empty());

        let render = "services:\n  - type: web\n    name: api\n    runtime: docker\n    dockerfilePath: ./api/Dockerfile\n    \
                      dockerCommand: python serve.py\n";
        let found = starts("render.yaml", render, "api/Dockerfile");
        assert_eq!(found, [one("render.yaml (dockerCommand of api)", None, Some("python serve.py"))]);

        let heroku = "build:\n  docker:\n    web: Dockerfile\nrelease:\n  image: web\n  command:\n    - ./migrate\nrun:\n  web: ./serve\n";
        let found = starts("heroku.yml", heroku, "Dockerfile");
        assert_eq!(
            found,
            [
                one("heroku.yml (run of web)", None, Some("./serve")),
                one("heroku.yml (release)", None, Some("./migrate"))
            ]
        );

        let app = "services:\n  - name: web\n    dockerfile_path: Dockerfile\n    run_command: ./serve\n";
        assert_eq!(starts(".do/app.yaml", app, "Dockerfile"), [one(".do/app.yaml (web)", Some("./serve"), None)]);
    }
}
