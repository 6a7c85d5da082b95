//! Maven with Spring Boot, and sbt: the archive or the scripts that they make are started by Java itself.

use std::sync::LazyLock;

use regex::Regex;

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::transform::Refusal;

use super::markup;
use super::native::is_kind;
use super::project::{Ahead, Project, line, plain, variant};
use super::refuse;

/// The words behind the launcher: `sh ./mvnw …` starts the same as `./mvnw …`.
pub(super) fn launcher<'w>(argv: &'w [String], names: &[&str]) -> Option<usize> {
    let program = |at: usize| argv.get(at).map(|word: &'w String| paths::name(word));
    match program(0)? {
        name if names.contains(&name) => Some(0),
        "sh" | "bash" => program(1).filter(|name| names.contains(name)).map(|_| 1),
        _ => None,
    }
}

/// Whether a word is a goal that starts the program.
fn starts(word: &str) -> bool {
    let goal = word.rsplit(':').next().unwrap_or(word);
    matches!(goal, "run" | "bootRun" | "start" | "dev" | "java" | "exec" | "run-app")
}

/// The options of a build that say what it makes. `-Pdev` and `-P dev` are one.
fn maven_variant(words: &[String]) -> Vec<(String, Option<String>)> {
    let one = |(name, value): (String, Option<String>)| match name.strip_prefix("-P") {
        Some(profile) if !profile.is_empty() => ("-P".to_owned(), Some(profile.to_owned())),
        _ => (name, value),
    };
    let mut found: Vec<_> = variant(words, Words::MavenValued.list()).into_iter().map(one).collect();
    found.sort_unstable();
    found
}

/// Whether a command before it at the start prepares what is started.
pub(super) fn prepares(step: &Step) -> bool {
    is_kind(step, "jvm") && !step.args().iter().any(|word| starts(word))
}

static RESOURCE_FILES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:\b(?:getResource|ClassPathResource)\s*\([^;{}]{0,160}?\.\s*(?:getFile|getPath|toURI|file|path)\b|\bResourceUtils\s*\.\s*getFile\s*\()",
    )
    .ok()
});

/// Holds where no source asks for the file behind a resource: a folder of classes has one, an archive does not.
///
/// # Errors
/// One does.
pub(super) fn resources_stay(project: &Project<'_, '_, '_>, folder: &str) -> Result<(), Refusal> {
    let Some(pattern) = RESOURCE_FILES.as_ref() else { return Ok(()) };
    let runs = |file: &&String| {
        let source = [".java", ".kt", ".scala", ".groovy"].iter().any(|end| file.ends_with(end));
        source && !file.split('/').any(|part| matches!(part, "test" | "buildSrc" | "build" | "target"))
    };
    let files = project.below(folder);
    let opens = files
        .iter()
        .filter(runs)
        .find(|file| project.read(&paths::join(folder, file)).is_some_and(|text| pattern.is_match(&text)));
    match opens {
        Some(file) => {
            let text = format!(
                "{file} opens a resource as a file, which it is not in an archive; read it by getResourceAsStream"
            );
            Err(refuse("resource-files", text, false))
        }
        None => Ok(()),
    }
}

/// What takes the place of `mvn spring-boot:run`.
pub(super) fn maven(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let argv = project.argv();
    let at = launcher(argv, &["mvn", "mvnw"])?;
    let goal = argv.iter().skip(at + 1).find(|word| !word.starts_with('-') && word.contains(':'))?;
    match goal.as_str() {
        _ if goal == "spring-boot:run" || goal.starts_with("org.springframework.boot:") && goal.ends_with(":run") => {
            Some(spring_boot(project, at))
        }
        "quarkus:dev" | "mn:run" | "micronaut:run" | "liberty:dev" | "grails:run-app" => {
            let text = format!("`{goal}` serves the sources, and compiles again whenever one changes");
            Some(Err(refuse("development-image", text, true)))
        }
        "jetty:run" | "tomcat7:run" | "tomcat:run" | "tomcat6:run" | "jetty:run-war" | "jetty:run-exploded"
        | "cargo:run" => {
            let text = format!(
                "`{goal}` serves the sources from a server inside of Maven; package the application as a war, and start a server with it"
            );
            Some(Err(refuse("served-by-the-build", text, false)))
        }
        "exec:java" | "exec:exec" | "scala:run" | "javafx:run" | "vertx:run" => {
            let text = format!(
                "`{goal}` starts a class with the libraries of the project, of which no archive is made; let Maven make one that can be started"
            );
            Some(Err(refuse("no-archive", text, false)))
        }
        _ => None,
    }
}

fn spring_boot(project: &Project<'_, '_, '_>, at: usize) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let mut kept: Vec<String> = argv.get(..=at).unwrap_or_default().to_vec();
    let mut goals: Vec<String> = Vec::new();
    let (mut java, mut arguments): (Vec<String>, Vec<String>) = (vec!["java".to_owned()], Vec::new());
    let (mut module, mut file) = (None, None);
    let mut words = argv.iter().skip(at + 1);
    let split = |text: &str| -> Result<Vec<String>, Refusal> {
        if text.contains(['"', '\'', '\\', '$']) {
            return Err(refuse("unknown-at-build", format!("the words of `{text}` can't be told apart"), false));
        }
        Ok(text.split_whitespace().map(str::to_owned).collect())
    };
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            if !word.contains(':') {
                goals.push(word.clone());
            } else if !word.ends_with(":run") {
                return Err(refuse("entangled-start", format!("`{word}` runs before the program starts"), false));
            }
            continue;
        }
        let property = word.strip_prefix("-D").map(|text| text.split_once('=').unwrap_or((text, "true")));
        match property {
            Some(("spring-boot.run.profiles" | "run.profiles", value)) => {
                arguments.push(format!("--spring.profiles.active={value}"));
            }
            Some(("spring-boot.run.arguments", value)) => arguments.extend(split(value)?),
            Some(("run.arguments", value)) => arguments.extend(split(&value.replace(',', " "))?),
            Some(("spring-boot.run.jvmArguments" | "run.jvmArguments", value)) => java.extend(split(value)?),
            Some((name, _)) if name.starts_with("spring-boot.run.") || name.starts_with("run.") => {
                return Err(refuse("entangled-start", format!("`-D{name}` says how Maven starts the program"), false));
            }
            // What is for Maven stays with Maven; any other property may be the program's.
            Some((name, _)) if name.starts_with("maven.") || name == "skipTests" => kept.push(word.clone()),
            Some(_) => java.push(word.clone()),
            None => {
                kept.push(word.clone());
                if Words::MavenValued.has(word.as_str()) {
                    let Some(value) = words.next() else { continue };
                    kept.push(value.clone());
                    match word.as_str() {
                        "-pl" | "--projects" => module = Some(value.as_str()),
                        "-f" | "--file" => file = Some(value.as_str()),
                        _ => {}
                    }
                }
            }
        }
    }
    let mut folder = cwd.to_owned();
    if let Some(file) = file {
        let path = paths::join(cwd, file);
        folder = if path.ends_with(".xml") { paths::parent(&path).to_owned() } else { path };
    }
    if let Some(module) = module {
        if module.contains([':', ',']) {
            return Err(project.unnamed("pom.xml"));
        }
        folder = paths::join(&folder, module);
        kept.push("-am".into());
    }
    let manifest = project.read(&paths::join(&folder, "pom.xml")).ok_or_else(|| project.unnamed("pom.xml"))?;
    let pom = Pom { elements: markup::elements(&manifest) };
    if let Some(key) = pom.starts_with_settings() {
        let text = format!("pom.xml says in <{key}> how Maven starts the program");
        return Err(refuse("entangled-start", text, false));
    }
    let archive = pom.archive(project)?;
    if archive.ends_with(".jar")
        && project.below(&folder).iter().any(|file| file.starts_with("src/main/webapp/") && file.ends_with(".jsp"))
    {
        let text = "its JSP pages in src/main/webapp are read from the sources, and are in no jar; package it as a war";
        return Err(refuse("served-by-the-build", text, false));
    }
    resources_stay(project, &folder)?;
    let mut build = kept;
    build.extend(goals.iter().filter(|goal| *goal == "clean").cloned());
    build.push(if goals.iter().any(|goal| goal == "install") { "install" } else { "package" }.into());
    // Spring Boot's own parent packs the archive anew in this phase; else it has to be asked to.
    let asked = !manifest.contains("spring-boot-starter-parent") && !manifest.contains("<goal>repackage</goal>");
    if asked {
        build.push("spring-boot:repackage".into());
    }
    let same = maven_variant(build.get(at + 1..).unwrap_or_default());
    if !build.iter().any(|word| word.starts_with("-DskipTests") || word.starts_with("-Dmaven.test.skip")) {
        build.insert(at + 1, "-DskipTests".into());
    }
    let path = paths::join(&folder, &format!("target/{archive}"));
    java.extend(["-jar".to_owned(), path.clone()]);
    java.extend(arguments);
    let mut assumptions = vec![
        "the program reads its resources from the archive, and nothing from the sources; developer tools are off in it"
            .to_owned(),
    ];
    if folder != cwd {
        assumptions.push(format!("the program works in {cwd} as it did in {folder}"));
    }
    Ok(Ahead {
        build: line(&build),
        built: Box::new(move |step| {
            let Some(at) = launcher(&step.argv, &["mvn", "mvnw"]) else { return false };
            let words = step.argv.get(at + 1..).unwrap_or_default();
            let done = maven_variant(words);
            let parts = |name: &str| matches!(name, "-pl" | "--projects" | "-am" | "--also-make");
            // What builds every module builds this one.
            let all = !done.iter().any(|(name, _)| parts(name));
            words.iter().any(|word| matches!(word.as_str(), "package" | "install" | "verify"))
                && (!asked || words.iter().any(|word| word == "spring-boot:repackage"))
                && done.iter().eq(same.iter().filter(|(name, _)| !(all && parts(name))))
        }),
        prepares,
        start: java,
        rest: argv.len(),
        writes: path,
        env: Vec::new(),
        workdir: None,
        assumptions,
    })
}

/// A project of Maven.
struct Pom {
    elements: Vec<(String, String)>,
}

impl Pom {
    fn get(&self, path: &str) -> Option<&str> {
        markup::first(&self.elements, &format!("project/{path}"))
    }

    /// What the project says in the settings of a plugin: each key with its text.
    fn configured<'e>(&'e self, plugin: &'e str) -> impl Iterator<Item = (&'e str, &'e str)> {
        let mut inside = false;
        self.elements.iter().filter_map(move |(path, text)| {
            if path.ends_with("plugin/artifactId") {
                inside = text == plugin;
            }
            let (_, key) = path.rsplit_once("configuration/").filter(|_| inside)?;
            Some((key, text.as_str()))
        })
    }

    /// A setting by which the goal that starts the program does what starting the archive does not.
    fn starts_with_settings(&self) -> Option<&str> {
        let mut keys =
            self.configured("spring-boot-maven-plugin").map(|(key, _)| key.split('/').next().unwrap_or_default());
        keys.find(|key| Words::SpringBootKeys.has(key))
    }

    /// The name of the archive in `target/`.
    fn archive(&self, project: &Project<'_, '_, '_>) -> Result<String, Refusal> {
        let packaging = self.get("packaging").unwrap_or("jar");
        if packaging == "pom" {
            let text = "the project is a parent of several modules, and nothing says which of them starts: add -pl";
            return Err(refuse("unknown-program", text, false));
        }
        let boots = self
            .elements
            .iter()
            .any(|(path, text)| path.ends_with("plugin/artifactId") && text == "spring-boot-maven-plugin");
        let classified = self.elements.iter().any(|(path, _)| {
            path.ends_with("plugin/configuration/classifier") || path.ends_with("execution/configuration/classifier")
        });
        let renamed =
            self.elements.iter().any(|(path, _)| path.starts_with("project/profiles/") && path.ends_with("finalName"));
        let elsewhere = self.get("build/directory").is_some()
            || ["spring-boot-maven-plugin", "maven-jar-plugin", "maven-war-plugin"]
                .iter()
                .any(|plugin| self.configured(plugin).any(|(key, _)| matches!(key, "outputDirectory" | "finalName")));
        if !boots || classified || renamed || elsewhere || !matches!(packaging, "jar" | "war") {
            let text = "pom.xml packs the program in a way that can't be read, by a plugin of the parent, a classifier or a profile";
            return Err(refuse("unknown-program", text, false));
        }
        let name = self.get("build/finalName").unwrap_or("${project.artifactId}-${project.version}");
        let name = self.value(name, 0).filter(|name| plain(name)).ok_or_else(|| project.unnamed("pom.xml"))?;
        Ok(format!("{name}.{packaging}"))
    }

    /// A text with the properties in it replaced.
    fn value(&self, text: &str, depth: usize) -> Option<String> {
        let (mut value, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            let name = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom.")).unwrap_or(name);
            let inner = match name {
                "artifactId" => self.get("artifactId"),
                "version" => self.get("version").or_else(|| self.get("parent/version")),
                "groupId" => self.get("groupId").or_else(|| self.get("parent/groupId")),
                "name" => self.get("name"),
                "build.finalName" => self.get("build/finalName"),
                "parent.version" => self.get("parent/version"),
                _ => self.get(&format!("properties/{name}")),
            }?;
            value.push_str(before);
            value.push_str(&if depth < 5 { self.value(inner, depth + 1) } else { None }?);
            rest = after;
        }
        value.push_str(rest);
        Some(value)
    }
}

/// What a pattern finds first.
pub(super) fn first(pattern: &LazyLock<Option<Regex>>, text: &str) -> Option<String> {
    let captures = pattern.as_ref()?.captures(text)?;
    captures.iter().skip(1).flatten().next().map(|found| found.as_str().to_owned())
}

static SBT_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(?m)\bname\s*:=\s*"([^"$]+)""#).ok());

/// What takes the place of `sbt run`.
pub(super) fn sbt(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let argv = project.argv();
    let at = launcher(argv, &["sbt", "activator", "play"])?;
    let task = argv.iter().skip(at + 1).find(|word| !word.starts_with('-'))?;
    let verb = task.split_whitespace().next().unwrap_or_default();
    match verb {
        _ if verb.starts_with('~') || verb == "reStart" => {
            Some(Err(refuse("development-image", format!("`{task}` compiles again whenever a source changes"), true)))
        }
        "run" => Some(sbt_run(project, at, task)),
        _ => None,
    }
}

fn sbt_run(project: &Project<'_, '_, '_>, at: usize, task: &str) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let plugins: String = project
        .below(&paths::join(cwd, "project"))
        .into_iter()
        .filter(|file| file.ends_with(".sbt"))
        .filter_map(|file| project.read(&paths::join(cwd, &format!("project/{file}"))))
        .collect();
    let launcher = argv.get(at).map_or("", |word| paths::name(word));
    if plugins.contains("\"sbt-plugin\"") || launcher != "sbt" {
        let text = "`run` of Play serves the sources in development mode; in production it needs a secret that only you can give";
        return Err(refuse("development-image", text, true));
    }
    let script = project.read(&paths::join(cwd, "build.sbt")).ok_or_else(|| project.unnamed("build.sbt"))?;
    if !plugins.contains("sbt-native-packager") || !script.contains("JavaAppPackaging") {
        let text = "nothing in the build makes a program that starts without sbt; add sbt-native-packager, and enable JavaAppPackaging";
        return Err(refuse("no-archive", text, false));
    }
    let names: Vec<String> = SBT_NAME
        .as_ref()
        .into_iter()
        .flat_map(|name| name.captures_iter(&script))
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str().to_owned())
        .collect();
    let [name] = names.as_slice() else { return Err(project.unnamed("build.sbt")) };
    // sbt makes a name in lower case, with dashes for what can't stand in one.
    let name: String = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.', "-");
    if script.contains("executableScriptName") || !plain(&name) {
        return Err(project.unnamed("build.sbt"));
    }
    resources_stay(project, cwd)?;
    let path = paths::join(cwd, &format!("target/universal/stage/bin/{name}"));
    let mut start = vec![path.clone()];
    start.extend(task.split_whitespace().skip(1).map(str::to_owned));
    let words: Vec<String> =
        argv.iter().map(|word| if word == task { "stage".to_owned() } else { word.clone() }).collect();
    Ok(Ahead {
        build: line(&words),
        built: Box::new(|step| step.program() == "sbt" && step.args().iter().any(|word| word == "stage")),
        prepares,
        start,
        rest: argv.len(),
        writes: path,
        env: Vec::new(),
        workdir: None,
        assumptions: vec![
            "nothing but the project's own name names the program, and `run` has no settings of its own".to_owned(),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_that_is_opened_as_a_file_is_told_from_one_that_is_read() {
        let opens = |text: &str| RESOURCE_FILES.as_ref().is_some_and(|pattern| pattern.is_match(text));
        assert!(opens("new File(Objects.requireNonNull(App.class.getResource(\n  \"/words\")).getFile());"));
        assert!(opens("val file = ClassPathResource(\"words.txt\").file"));
        assert!(opens("Paths.get(loader.getResource(name).toURI())"));
        assert!(opens("ResourceUtils.getFile(\"classpath:words.txt\")"));
        assert!(!opens("loader.getResourceAsStream(\"words.txt\"); upload.getFile();"));
        assert!(!opens("new ClassPathResource(\"words.txt\").getInputStream(); request.getPath();"));
        assert!(!opens("URL page = App.class.getResource(\"/page.html\"); request.getPath();"));
    }

    #[test]
    fn properties_of_maven_are_replaced() {
        let text = "<project><parent><version>1.2</version></parent><artifactId>shop</artifactId>\
                    <properties><suffix>-${project.version}</suffix><a>${a}</a></properties></project>";
        let pom = Pom { elements: markup::elements(text) };
        assert_eq!(pom.value("${artifactId}${suffix}", 0).as_deref(), Some("shop-1.2"));
        assert_eq!(pom.value("x${a}", 0), None);
        assert_eq!(pom.value("${unknown}", 0), None);
        assert_eq!(pom.value("${open", 0), None);
    }
}
