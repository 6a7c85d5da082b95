//! Gradle: the archive or the scripts that it makes are started by Java itself.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::paths;
use crate::transform::Refusal;

use super::jvm::{first, launcher, prepares, resources_stay};
use super::project::{Ahead, Project, line, plain, variant};
use super::refuse;

static ROOT_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^\s*rootProject\.name\s*=\s*['"]([^'"$]+)['"]"#).ok());
static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^version\s*(?:=\s*|\s)['"]([^'"$]+)['"]"#).ok());
static APPLICATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^\s*applicationName\s*=\s*['"]([^'"$]+)['"]"#).ok());
static BLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*(?:tasks\.)?(?:named(?:<\w+>)?\(\s*['"](run|bootRun)['"].*\)\s*\{|getByName(?:<\w+>)?\(\s*['"](run|bootRun)['"].*\)\s*\{|(run|bootRun)\s*\{)"#).ok()
});

/// Options of Gradle that take the next word.
const GRADLE: [&str; 8] = ["-p", "--project-dir", "-b", "--build-file", "-c", "-x", "--exclude-task", "--console"];

/// What takes the place of `gradle run` and `gradle bootRun`.
pub(super) fn gradle(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let argv = project.argv();
    let at = launcher(argv, &["gradle", "gradlew"])?;
    let task = argv.iter().skip(at + 1).find(|word| {
        !word.starts_with('-')
            && matches!(
                word.rsplit(':').next(),
                Some("run" | "bootRun" | "quarkusDev" | "appRun" | "jettyRun" | "runWar" | "appStart" | "runIde")
            )
    })?;
    match task.rsplit(':').next() {
        Some("quarkusDev" | "runIde") => {
            let text = format!("`{task}` serves or starts the sources, and compiles again whenever one changes");
            Some(Err(refuse("development-image", text, true)))
        }
        Some("appRun" | "jettyRun" | "runWar" | "appStart") => {
            let text = format!(
                "`{task}` serves the sources from a server inside of Gradle; package the application as a war, and start a server with it"
            );
            Some(Err(refuse("served-by-the-build", text, false)))
        }
        _ => Some(Call::read(project, at, task).and_then(|call| call.ahead(project, at))),
    }
}

/// A call that starts a program by its build.
struct Call {
    /// Whether the task is Spring Boot's.
    boot: bool,
    /// What stands before the task's name: `:app:`.
    own: String,
    /// The call that builds in its place.
    build: Vec<String>,
    /// What the program is told.
    arguments: Vec<String>,
    /// The folder of the root project.
    root: String,
}

impl Call {
    /// Reads the words behind the launcher.
    ///
    /// # Errors
    /// Where they mean what a start of the program itself would not.
    fn read(project: &Project<'_, '_, '_>, at: usize, task: &str) -> Result<Self, Refusal> {
        let cwd = project.cwd()?;
        let argv = project.argv();
        let mut call = Self {
            boot: task.ends_with("bootRun"),
            own: task.trim_end_matches("bootRun").trim_end_matches("run").to_owned(),
            build: argv.get(..=at).unwrap_or_default().to_vec(),
            arguments: Vec::new(),
            root: cwd.to_owned(),
        };
        let mut words = argv.iter().skip(at + 1);
        while let Some(word) = words.next() {
            if word == "-t" {
                return Err(refuse("development-image", "`-t` compiles again whenever a source changes", true));
            }
            if let Some(text) = word.strip_prefix("--args") {
                let text = text.strip_prefix('=').or_else(|| words.next().map(String::as_str)).unwrap_or_default();
                if text.contains(['"', '\'', '\\', '$']) {
                    return Err(refuse(
                        "unknown-at-build",
                        format!("the words of `{text}` can't be told apart"),
                        false,
                    ));
                }
                call.arguments.extend(text.split_whitespace().map(str::to_owned));
            } else if word == task {
                call.build.push(call.task());
            } else if word.starts_with("-P") || word.starts_with("-D") && !word.starts_with("-Dorg.gradle") {
                let text = format!("`{word}` is for the build, or for what the build starts");
                return Err(refuse("entangled-start", text, false));
            } else {
                call.build.push(word.clone());
                if matches!(word.as_str(), "-p" | "--project-dir" | "-b" | "--build-file" | "-c") {
                    let Some(value) = words.next() else { continue };
                    call.build.push(value.clone());
                    match word.as_str() {
                        "-p" | "--project-dir" => call.root = paths::join(cwd, value),
                        _ => return Err(project.unnamed("build.gradle")),
                    }
                }
            }
        }
        Ok(call)
    }

    /// The task that makes what is started.
    fn task(&self) -> String {
        format!("{}{}", self.own, if self.boot { "bootJar" } else { "installDist" })
    }

    /// The subproject whose program it is, as a path below the root; empty for the root project.
    fn module(&self) -> String {
        self.own.trim_matches(':').replace(':', "/")
    }

    /// The folder of the project whose program it is.
    fn folder(&self) -> String {
        let module = self.module();
        if module.is_empty() { self.root.clone() } else { paths::join(&self.root, &module) }
    }

    /// What is built ahead, and started in place of the call.
    ///
    /// # Errors
    /// Where the build script has the start say or do more, or what is made can't be named.
    fn ahead(self, project: &Project<'_, '_, '_>, at: usize) -> Result<Ahead, Refusal> {
        let cwd = project.cwd()?;
        let folder = self.folder();
        let script = either(project, &folder, "build.gradle").ok_or_else(|| project.unnamed("build.gradle"))?;
        starts_plainly(&script, self.boot)?;
        if ["buildDir", "buildDirectory", "executableDir"].iter().any(|word| script.contains(word)) {
            return Err(project.unnamed("build.gradle"));
        }
        let name = self.name(project)?;
        resources_stay(project, &folder)?;
        let mut assumptions = Vec::new();
        let path = if self.boot {
            let archive = self.archive(project, &script, &name)?;
            assumptions.push(
                "the program reads its resources from the archive, and nothing from the sources; developer tools are off \
                 in it"
                    .to_owned(),
            );
            paths::join(&folder, &format!("build/libs/{archive}"))
        } else {
            let application = match first(&APPLICATION, &script) {
                Some(name) if plain(&name) => name,
                None if !script.contains("applicationName") => name,
                _ => return Err(project.unnamed("build.gradle")),
            };
            assumptions.push("the task that runs the program is not configured elsewhere".to_owned());
            paths::join(&folder, &format!("build/install/{application}/bin/{application}"))
        };
        if folder != cwd {
            assumptions.push(format!("the program works in {cwd} as it did in {folder}"));
        }
        let wanted = self.task();
        let Self { boot, own, build, arguments, .. } = self;
        let mut start =
            if boot { vec!["java".to_owned(), "-jar".to_owned(), path.clone()] } else { vec![path.clone()] };
        start.extend(arguments);
        let same = variant(build.get(at + 1..).unwrap_or_default(), &GRADLE);
        Ok(Ahead {
            build: line(&build),
            built: Box::new(move |step| {
                let Some(at) = launcher(&step.argv, &["gradle", "gradlew"]) else { return false };
                let words = step.argv.get(at + 1..).unwrap_or_default();
                let mut done = variant(words, &GRADLE);
                // Checks that are left out.
                done.retain(|(name, _)| !matches!(name.as_str(), "-x" | "--exclude-task"));
                let makes = |word: &String| match word.strip_prefix(own.as_str()).unwrap_or(word) {
                    "installDist" => !boot,
                    "build" | "assemble" | "bootJar" => boot,
                    _ => *word == wanted,
                };
                done == same && words.iter().any(makes)
            }),
            prepares,
            start,
            rest: project.argv().len(),
            writes: path,
            env: Vec::new(),
            workdir: None,
            assumptions,
        })
    }

    /// What the project is called: a subproject has the name of its folder; the root says its own, or has that of its folder.
    fn name(&self, project: &Project<'_, '_, '_>) -> Result<String, Refusal> {
        let settings = either(project, &self.root, "settings.gradle").unwrap_or_default();
        let module = self.module();
        let said = first(&ROOT_NAME, &settings);
        let hidden = module.is_empty() && said.is_none() && settings.contains("rootProject.name");
        let name = match module.is_empty() {
            false => paths::name(&module).to_owned(),
            true => said.unwrap_or_else(|| paths::name(&self.root).to_owned()),
        };
        if !plain(&name) || hidden {
            return Err(project.unnamed("settings.gradle"));
        }
        Ok(name)
    }

    /// What Spring Boot's archive is called.
    fn archive(&self, project: &Project<'_, '_, '_>, script: &str, name: &str) -> Result<String, Refusal> {
        const NAMING: [&str; 8] = [
            "archiveFileName",
            "archiveBaseName",
            "archivesBaseName",
            "archiveName",
            "baseName",
            "archiveVersion",
            "archiveClassifier",
            "destinationDirectory",
        ];
        if NAMING.iter().any(|word| script.contains(word)) {
            return Err(project.unnamed("build.gradle"));
        }
        let properties = project.read(&paths::join(&self.root, "gradle.properties")).unwrap_or_default();
        // A project above may say it for all that are below.
        let everywhere = || {
            let above = either(project, &self.root, "build.gradle").unwrap_or_default();
            ["allprojects", "subprojects"].iter().any(|word| above.contains(word))
                && above.lines().any(|line| line.trim_start().starts_with("version"))
        };
        let version = first(&VERSION, script).or_else(|| {
            properties.lines().find_map(|line| line.strip_prefix("version=")).map(|version| version.trim().to_owned())
        });
        match version {
            Some(version) if plain(&version) => Ok(format!("{name}-{version}.jar")),
            Some(_) => Err(project.unnamed("build.gradle")),
            // `version` of a plugin is no version of the project.
            None if script.lines().any(|line| line.starts_with("version")) || everywhere() => {
                Err(project.unnamed("build.gradle"))
            }
            None => Ok(format!("{name}.jar")),
        }
    }
}

/// A file of Gradle's, in Groovy or in Kotlin.
fn either(project: &Project<'_, '_, '_>, folder: &str, name: &str) -> Option<String> {
    let read = |end: &str| project.read(&paths::join(folder, &format!("{name}{end}")));
    read("").or_else(|| read(".kts"))
}

/// Holds where the build script has the task start the program as the program itself would.
///
/// # Errors
/// It has settings for that, or nothing that makes a program.
fn starts_plainly(script: &str, boot: bool) -> Result<(), Refusal> {
    const ALL: [&str; 4] = ["withType<JavaExec>", "withType(JavaExec", "withType<BootRun>", "withType(BootRun"];
    const PLUGINS: [&str; 3] = ["application", "io.ktor.plugin", "'distribution'"];
    let name = if boot { "bootRun" } else { "run" };
    let block = || {
        let mut blocks = BLOCK.as_ref()?.captures_iter(script);
        let named =
            |found: &regex::Captures| found.iter().skip(1).flatten().next().is_some_and(|found| found.as_str() == name);
        let block = blocks.find(named)?;
        script.get(block.get(0)?.end()..)?.split('}').next()
    };
    let plain = |line: &str| {
        ["//", "standardInput", "standardOutput"].iter().any(|start| line.starts_with(start)) || line.is_empty()
    };
    let single = [format!("{name}."), format!("tasks.{name}.")];
    if block().is_some_and(|body| !body.lines().map(str::trim).all(plain))
        || ALL.iter().any(|word| script.contains(word))
        || script.lines().map(str::trim).any(|line| single.iter().any(|start| line.starts_with(start)))
    {
        let text = "it is started with settings of its own, which stand in the build script";
        return Err(refuse("entangled-start", text, false));
    }
    if !boot && !PLUGINS.iter().any(|plugin| script.contains(plugin)) {
        let text =
            "nothing in the build script makes a program that starts without Gradle; add the plugin `application`";
        return Err(refuse("no-archive", text, false));
    }
    Ok(())
}
