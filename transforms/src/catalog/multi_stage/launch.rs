//! What compiles at every start (`cargo run`, `mvn spring-boot:run`, `gradle run`, `dotnet run`): it is compiled once, in
//! the builder, and what comes of it is started.
//!
//! Only where the project's own manifest says what is made and where, and nothing in the command or the manifest says
//! that starting the result is another thing than the command.

use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::{Form, Keyword};

use super::survey::Survey;

/// A compiling start, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// The unit behind which everything is there that is compiled.
    pub(super) unit: usize,
    /// The command that compiles.
    pub(super) compile: Step,
    /// The same as it is written in the builder; `None` where a RUN of the file has done it already.
    pub(super) build: Option<String>,
    /// What is started in its place.
    pub(super) step: Step,
    /// The instruction that starts it, and its new arguments.
    pub(super) start: (usize, String),
    /// Variables that the command set for the program.
    pub(super) environment: Vec<(String, String)>,
    pub(super) assumptions: Vec<String>,
}

/// What a tool makes of a project.
struct Made {
    /// The words of the command that compiles.
    compile: Vec<String>,
    /// Words, one of which a command of the file has to have to have done the same.
    done_by: &'static [&'static str],
    /// The words of what is started.
    start: Vec<String>,
    environment: Vec<(String, String)>,
}

/// Takes a compiling start apart; `None` where nothing is compiled at the start, or it can't be told what comes of it.
pub(super) fn of(survey: &Survey<'_, '_>) -> Option<Launch> {
    let entry = &survey.entry;
    let [step] = entry.steps.as_slice() else { return None };
    let index = match (entry.cmd, entry.entrypoint) {
        (Some(index), None) | (None, Some(index)) => index,
        _ => return None,
    };
    if !step.known || !step.assignments.is_empty() || !step.outputs.is_empty() || step.piped.is_some() {
        return None;
    }
    let cwd = step.cwd.as_deref()?;
    let made = match step.program() {
        "cargo" => cargo(survey, step, cwd),
        "mvn" | "mvnw" => maven(survey, step, cwd),
        "gradle" | "gradlew" => gradle(survey, step, cwd),
        "dotnet" => dotnet(survey, step, cwd),
        _ => None,
    }?;
    let brings = |keyword| matches!(keyword, Keyword::Copy | Keyword::Add | Keyword::Workdir);
    let unit = survey.units.iter().rposition(|unit| brings(unit.instruction.keyword))?;
    let compile = step.with_argv(made.compile);
    let done = survey.units.iter().skip(unit + 1).flat_map(|unit| unit.steps).any(|other| {
        other.program() == compile.program()
            && other.cwd == compile.cwd
            && other.always
            && other.args().iter().any(|arg| made.done_by.contains(&arg.as_str()))
            // The same variant, release or debug, of the same program.
            && options(other) == options(&compile)
    });
    let words = |argv: &[String]| argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let text = match survey.model.instruction(index).map(|instruction| &instruction.form) {
        Some(Form::Json(_)) => serde_json::to_string(&made.start).ok()?.replace("\",\"", "\", \""),
        _ => words(&made.start),
    };
    Some(Launch {
        unit,
        build: (!done).then(|| words(&compile.argv)),
        compile,
        step: step.with_argv(made.start),
        start: (index, text),
        environment: made.environment,
        assumptions: vec!["the program does not look for its own sources when it runs".into()],
    })
}

/// Whether a command is one of those that this takes apart: it must not be what a result starts.
pub(super) fn compiles(step: &Step) -> bool {
    match step.program() {
        "go" | "cargo" | "mvn" | "mvnw" | "gradle" | "gradlew" => true,
        "dotnet" => step.subcommand() == Some("run"),
        _ => false,
    }
}

fn options(step: &Step) -> Vec<&String> {
    let mut found: Vec<&String> =
        step.args().iter().filter(|arg| arg.starts_with('-') && !QUIET.contains(&arg.as_str())).collect();
    found.sort_unstable();
    found
}

/// Options that change nothing of what is made.
const QUIET: [&str; 14] = [
    "-q",
    "--quiet",
    "-v",
    "--verbose",
    "-B",
    "--batch-mode",
    "-ntp",
    "--no-transfer-progress",
    "-DskipTests",
    "-DskipTests=true",
    "-Dmaven.test.skip=true",
    "--no-daemon",
    "--no-restore",
    "--locked",
];

/// A file of the project, as text.
fn read(survey: &Survey<'_, '_>, path: &str) -> Option<String> {
    String::from_utf8(survey.read(path)?).ok()
}

/// Whether the context has a file of this name anywhere.
fn has(survey: &Survey<'_, '_>, matches: impl Fn(&str) -> bool) -> bool {
    survey.model.context.is_some_and(|context| context.files().iter().any(|file| matches(paths::name(file))))
}

/// Whether the file sets a variable.
fn sets(survey: &Survey<'_, '_>, name: &str) -> bool {
    survey.model.env_names(survey.stage).chain(survey.model.arg_names(survey.stage)).any(|(_, set)| set == name)
}

/// `cargo run [options] [-- arguments]` starts the one binary of the package.
fn cargo(survey: &Survey<'_, '_>, step: &Step, cwd: &str) -> Option<Made> {
    if ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET"].iter().any(|name| sets(survey, name)) {
        return None;
    }
    let context = survey.model.context?;
    let configured = |file: &&String| {
        (file.ends_with(".cargo/config.toml") || file.ends_with(".cargo/config"))
            && context.read(file).is_none_or(|text| {
                let text = String::from_utf8_lossy(&text).into_owned();
                ["target-dir", "target =", "target=", "[env]", "runner"].iter().any(|word| text.contains(word))
            })
    };
    // Cargo sets variables for what it runs.
    let asks = |file: &&String| {
        file.ends_with(".rs")
            && context.read(file).is_some_and(|text| {
                memchr::memmem::find_iter(&text, b"CARGO_").any(|at| {
                    let before = text.get(at.saturating_sub(12)..at).unwrap_or_default();
                    // `env!` is read when it is compiled.
                    !before.windows(4).any(|part| part == b"env!")
                })
            })
    };
    if context.files().iter().any(|file| configured(&file) || asks(&file)) {
        return None;
    }
    let mut words = step.argv.get(1..)?.iter().peekable();
    let mut compile = vec!["cargo".to_owned()];
    if let Some(toolchain) = words.next_if(|word| word.starts_with('+')) {
        compile.push(toolchain.clone());
    }
    words.next_if(|word| matches!(word.as_str(), "run" | "r"))?;
    compile.push("build".to_owned());
    let (mut profile, mut named, mut arguments) = ("debug".to_owned(), None, Vec::new());
    while let Some(word) = words.next() {
        let (option, mut value) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        match option {
            "--" => {
                arguments.extend(words.by_ref().cloned());
                break;
            }
            _ if !word.starts_with('-') => {
                arguments.push(word.clone());
                arguments.extend(words.by_ref().cloned());
                break;
            }
            "--release" | "-r" => "release".clone_into(&mut profile),
            "--locked"
            | "--frozen"
            | "--offline"
            | "--all-features"
            | "--no-default-features"
            | "-q"
            | "--quiet"
            | "-v"
            | "--verbose" => {}
            "--bin" | "--features" | "-F" | "--profile" => {
                compile.push(word.clone());
                if value.is_none() {
                    value = Some(words.next()?.clone());
                    compile.extend(value.clone());
                }
                match (option, value) {
                    ("--bin", value) => named = value,
                    ("--profile", Some(value)) => profile = if value == "dev" { "debug".to_owned() } else { value },
                    _ => {}
                }
                continue;
            }
            _ => return None,
        }
        compile.push(word.clone());
    }
    let manifest: toml::Table = read(survey, &paths::join(cwd, "Cargo.toml"))?.parse().ok()?;
    // The folder of results is that of the outermost workspace.
    let outer = paths::parent(cwd);
    let package = outer != cwd && manifest.get("workspace").is_none();
    if package
        && survey
            .context_path(&paths::join(outer, "Cargo.toml"))
            .is_some_and(|file| context.files().binary_search(&file).is_ok())
    {
        return None;
    }
    let name = match named {
        Some(name) => name,
        None => binary(survey, &manifest, cwd)?,
    };
    let mut start = vec![paths::join(cwd, &format!("target/{profile}/{name}"))];
    start.extend(arguments);
    Some(Made { compile, done_by: &["build", "b"], start, environment: Vec::new() })
}

/// The name of the one binary that a package makes.
fn binary(survey: &Survey<'_, '_>, manifest: &toml::Table, cwd: &str) -> Option<String> {
    let context = survey.model.context?;
    let package = manifest.get("package")?;
    let text = |table: &toml::Value, key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    if let Some(name) = text(package, "default-run") {
        return Some(name);
    }
    let inside = |path: &str| survey.context_path(&paths::join(cwd, path));
    let there = |path: &str| inside(path).is_some_and(|file| context.files().binary_search(&file).is_ok());
    let folder = format!("{}/", inside("src/bin")?);
    let more = context.files().iter().any(|file| file.starts_with(&folder));
    match manifest.get("bin").and_then(toml::Value::as_array).map(Vec::as_slice) {
        Some([one]) if !more => {
            // A `src/main.rs` that no `[[bin]]` names is a binary of its own.
            let main = text(one, "path").is_none_or(|path| path == "src/main.rs") || !there("src/main.rs");
            text(one, "name").filter(|_| main)
        }
        None | Some([]) if !more && there("src/main.rs") => text(package, "name"),
        _ => None,
    }
}

/// `mvn spring-boot:run` starts the program that `mvn package` makes a jar of.
fn maven(survey: &Survey<'_, '_>, step: &Step, cwd: &str) -> Option<Made> {
    let text = read(survey, &paths::join(cwd, "pom.xml"))?;
    let pom = Xml::new(&text);
    let project = |path: &[&str]| pom.text(path);
    let starter = project(&["project", "parent", "artifactId"]) == Some("spring-boot-starter-parent");
    let plugins = pom.texts(&["project", "build", "plugins", "plugin", "artifactId"]);
    let plain = !text.contains("<classifier>")
        && !text.contains("<jvmArguments>")
        && !text.contains("<environmentVariables>")
        && !text.contains("<systemPropertyVariables>")
        && !text.contains("<workingDirectory>")
        && !text.contains("<modules>")
        && !text.contains("<directory>");
    let jar = project(&["project", "packaging"]).is_none_or(|kind| kind == "jar");
    if !starter || !plugins.contains(&"spring-boot-maven-plugin") || !plain || !jar {
        return None;
    }
    let artifact = project(&["project", "artifactId"])?;
    let version = project(&["project", "version"]).or_else(|| project(&["project", "parent", "version"]))?;
    let name = match project(&["project", "build", "finalName"]) {
        Some(name) => name
            .replace("${project.artifactId}", artifact)
            .replace("${artifactId}", artifact)
            .replace("${project.version}", version),
        None => format!("{artifact}-{version}"),
    };
    if name.contains("${") {
        return None;
    }
    let mut compile = vec![step.argv.first()?.clone()];
    let (mut java, mut arguments, mut runs) = (vec!["java".to_owned()], Vec::new(), false);
    let mut words = step.args().iter();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            _ if word == "spring-boot:run" => runs = true,
            _ if matches!(word.as_str(), "clean" | "-o" | "--offline") => {}
            Some(("-Dspring-boot.run.profiles", profiles)) => {
                arguments.push(format!("--spring.profiles.active={profiles}"));
            }
            Some(("-Dspring-boot.run.jvmArguments", options)) => {
                java.extend(options.split_ascii_whitespace().map(str::to_owned));
            }
            Some(("-Dspring-boot.run.arguments", options)) => {
                arguments.extend(options.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned));
            }
            _ if QUIET.contains(&word.as_str()) => {}
            _ if word == "-P" => compile.extend([word.clone(), words.next()?.clone()]),
            _ if word.starts_with("-P") || matches!(word.as_str(), "-e" | "-X" | "-U") => compile.push(word.clone()),
            _ => return None,
        }
    }
    if !runs {
        return None;
    }
    compile.extend(["package".to_owned(), "-DskipTests".to_owned()]);
    java.extend(["-jar".to_owned(), paths::join(cwd, &format!("target/{name}.jar"))]);
    java.extend(arguments);
    Some(Made { compile, done_by: &["package", "install", "verify"], start: java, environment: Vec::new() })
}

/// `gradle bootRun` starts the program that `bootJar` makes a jar of, `gradle run` the one that `installDist` installs.
fn gradle(survey: &Survey<'_, '_>, step: &Step, cwd: &str) -> Option<Made> {
    let file = |names: [&str; 2]| names.iter().find_map(|name| read(survey, &paths::join(cwd, name)));
    let build = file(["build.gradle", "build.gradle.kts"])?;
    let settings = file(["settings.gradle", "settings.gradle.kts"])?;
    // What follows an assignment, where it is a plain string.
    let said = |text: &str, name: &str| -> Option<String> {
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(name))?;
        let value = line.trim_start().trim_start_matches('=').trim();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, rest) = value.get(1..)?.split_once(quote)?;
        (rest.trim().is_empty() && !value.contains('$')).then(|| value.to_owned())
    };
    let moved =
        ["archive", "buildDir", "buildDirectory", "applicationName", "executableDir", "workingDir", "environment"];
    if settings.contains("include") && !settings.contains("includeBuild")
        || moved.iter().any(|word| build.contains(word))
    {
        return None;
    }
    let name = said(&settings, "rootProject.name")?;
    let mut compile = vec![step.argv.first()?.clone()];
    let mut task = None;
    for word in step.args() {
        match word.as_str() {
            "bootRun" | ":bootRun" | "run" | ":run" if task.is_none() => task = Some(word.trim_start_matches(':')),
            "--offline" | "--console=plain" => {}
            quiet if QUIET.contains(&quiet) => compile.push(word.clone()),
            _ => return None,
        }
    }
    let (start, done_by): (Vec<String>, &'static [&'static str]) = match task? {
        "bootRun" if !build.contains("bootRun") => {
            let version = match said(&build, "version") {
                Some(version) => format!("-{version}"),
                None if !build.contains("version =") && !has(survey, |name| name == "gradle.properties") => {
                    String::new()
                }
                None => return None,
            };
            compile.insert(1, "bootJar".to_owned());
            let jar = paths::join(cwd, &format!("build/libs/{name}{version}.jar"));
            (vec!["java".to_owned(), "-jar".to_owned(), jar], &["bootJar", "build", "assemble"])
        }
        "run" if build.contains("application") || build.contains("io.ktor.plugin") => {
            compile.insert(1, "installDist".to_owned());
            (vec![paths::join(cwd, &format!("build/install/{name}/bin/{name}"))], &["installDist"])
        }
        _ => return None,
    };
    Some(Made { compile, done_by, start, environment: Vec::new() })
}

/// `dotnet run` starts what `dotnet build` makes, with what the project's launch settings say.
fn dotnet(survey: &Survey<'_, '_>, step: &Step, cwd: &str) -> Option<Made> {
    let context = survey.model.context?;
    let (mut folder, mut configuration, mut profiled) = (cwd.to_owned(), "Debug".to_owned(), true);
    let (mut compile, mut arguments) = (vec!["dotnet".to_owned(), "build".to_owned()], Vec::new());
    let mut words = step.args().iter();
    if words.next().map(String::as_str) != Some("run") {
        return None;
    }
    while let Some(word) = words.next() {
        match word.as_str() {
            "--" => {
                arguments.extend(words.by_ref().cloned());
                break;
            }
            "--no-launch-profile" => profiled = false,
            "--no-restore" | "--no-build" => {}
            "-c" | "--configuration" => {
                configuration.clone_from(words.next()?);
                compile.extend([word.clone(), configuration.clone()]);
            }
            // Its own folder stays the folder that it runs in.
            "--project" | "-p" => {
                let path = words.next()?;
                let place = step.path(path)?;
                folder = if path.ends_with("proj") { paths::parent(&place).to_owned() } else { place };
                compile.push(path.clone());
            }
            other if other.starts_with("--urls") => {
                arguments.push(word.clone());
                if other == "--urls" {
                    arguments.push(words.next()?.clone());
                }
            }
            _ => return None,
        }
    }
    let inside = survey.context_path(&folder).unwrap_or_default();
    let projects: Vec<&String> = context
        .files()
        .iter()
        .filter(|file| {
            (file.ends_with(".csproj") || file.ends_with(".fsproj"))
                && (paths::parent(&format!("/{file}")).trim_start_matches('/') == inside)
        })
        .collect();
    let [project] = projects.as_slice() else { return None };
    let text = String::from_utf8(context.read(project)?.into_owned()).ok()?;
    let xml = Xml::new(text.trim_start_matches('\u{feff}'));
    const MOVED: [&str; 8] = [
        "<TargetFrameworks>",
        "OutputPath>",
        "AppendTargetFramework",
        "RuntimeIdentifier",
        "StaticWebAsset",
        "SelfContained>",
        "OutDir>",
        "ArtifactsPath>",
    ];
    // Pages may take their files from the packages of whoever builds.
    let pages = |name: &str| name.ends_with(".razor") || name.ends_with(".cshtml");
    let shared = |name: &str| name == "Directory.Build.props" || name == "Directory.Build.targets";
    if MOVED.iter().any(|word| text.contains(word)) || has(survey, pages) || has(survey, shared) {
        return None;
    }
    let framework = xml.text(&["Project", "PropertyGroup", "TargetFramework"])?;
    let name = match xml.text(&["Project", "PropertyGroup", "AssemblyName"]) {
        Some(name) => name.to_owned(),
        None => paths::name(project).rsplit_once('.')?.0.to_owned(),
    };
    let mut environment = Vec::new();
    let settings = paths::join(&folder, "Properties/launchSettings.json");
    if let Some(text) = read(survey, &settings).filter(|_| profiled) {
        let settings: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        let profiles = settings.get("profiles").and_then(serde_json::Value::as_object)?;
        // Which is the first can't be told from a map: one of them has to be the only one of its kind.
        let mut own = profiles
            .values()
            .filter(|profile| profile.get("commandName").and_then(serde_json::Value::as_str) == Some("Project"));
        if let Some(profile) = own.next() {
            let said = |key: &str| profile.get(key).and_then(serde_json::Value::as_str);
            let same =
                |other: &serde_json::Value| other.get("environmentVariables") == profile.get("environmentVariables");
            let addressed = arguments.iter().any(|word| word.starts_with("--urls"));
            let rest: Vec<&serde_json::Value> = own.collect();
            if !rest.iter().all(|other| same(other) && addressed) || said("commandLineArgs").is_some() {
                return None;
            }
            if let Some(urls) = said("applicationUrl").filter(|_| !addressed) {
                environment.push(("ASPNETCORE_URLS".to_owned(), urls.to_owned()));
            }
            let variables = profile.get("environmentVariables").and_then(serde_json::Value::as_object);
            for (name, value) in variables.into_iter().flatten() {
                environment.push((name.clone(), value.as_str()?.to_owned()));
            }
        }
    }
    let mut start =
        vec!["dotnet".to_owned(), paths::join(&folder, &format!("bin/{configuration}/{framework}/{name}.dll"))];
    start.extend(arguments);
    Some(Made { compile, done_by: &["build"], start, environment })
}

/// A word for a shell command line.
fn quote(word: &str) -> String {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=:,@%+*".contains(&byte));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The texts of an XML file, by the path of elements that they stand in.
struct Xml<'t> {
    texts: Vec<(Vec<&'t str>, &'t str)>,
}

impl<'t> Xml<'t> {
    /// Reads what is well-formed enough for a build tool; what is not gives fewer texts.
    fn new(text: &'t str) -> Self {
        let mut texts = Vec::new();
        let mut open: Vec<&str> = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            let (before, tag) = rest.split_at(at);
            if !before.trim().is_empty() {
                texts.push((open.clone(), before.trim()));
            }
            let end = if tag.starts_with("<!--") { "-->" } else { ">" };
            let Some(close) = tag.find(end) else { break };
            let inner = tag.get(1..close).unwrap_or_default();
            rest = tag.get(close + end.len()..).unwrap_or_default();
            match inner.chars().next() {
                Some('!' | '?') | None => {}
                Some('/') => {
                    open.pop();
                }
                _ if inner.ends_with('/') => {}
                _ => open.push(inner.split_ascii_whitespace().next().unwrap_or_default()),
            }
        }
        Self { texts }
    }

    fn texts(&self, path: &[&str]) -> Vec<&'t str> {
        self.texts.iter().filter(|(place, _)| place == path).map(|(_, text)| *text).collect()
    }

    /// The only text of this place.
    fn text(&self, path: &[&str]) -> Option<&'t str> {
        match self.texts(path).as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_where_it_stands() {
        let xml = Xml::new(
            "<?xml version='1.0'?>\n<project a=\"b\"><!-- <version>0</version> -->\n<parent><version>3</version></parent>\
             <version> 1.2 </version><empty/><a><b>x</b><b>y</b></a></project>",
        );
        assert_eq!(xml.text(&["project", "version"]), Some("1.2"));
        assert_eq!(xml.text(&["project", "parent", "version"]), Some("3"));
        assert_eq!(xml.texts(&["project", "a", "b"]), ["x", "y"]);
        assert_eq!(xml.text(&["project", "a", "b"]), None);
    }
}
