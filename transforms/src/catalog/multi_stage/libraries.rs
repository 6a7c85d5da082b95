//! Shared libraries and programs that a full language image has, its small counterpart lacks, and modules need.

use crate::knowledge::images::Image;
use crate::knowledge::packages;
use crate::knowledge::releases::{Family, Manager};
use crate::knowledge::sorted::Sorted;
use crate::knowledge::words::Words;
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::{File, Keyword};
use crate::transform::Refusal;

use super::plan::Carried;
use super::runtime::Runtime;
use super::survey::{Survey, refuse};
use super::types;
use super::wheels;
use super::workplace;

/// What modules of the languages need outside their registry.
static MODULES: Sorted = Sorted::new(include_str!("../../../data/modules.tsv"));

/// What programs need that are downloaded as they are.
static DOWNLOADS: Sorted = Sorted::new(include_str!("../../../data/downloads.tsv"));

/// Where Mono has the assemblies of its class library. Its slim image installs the package of the runtime, which brings
/// those that it needs itself.
const ASSEMBLIES: [&str; 2] = ["/usr/lib/mono/4.5", "/usr/lib/mono/gac"];

/// Where the builder puts the shared libraries that the modules link to.
const COLLECTED: &str = "/opt/libraries";

/// The packages that the runtime stage installs for the modules of the program. What has to be copied in place of that is
/// added to `carried`, and what the builder, which ends with the unit `last_build`, has to do for it to `build`.
///
/// # Errors
/// Where packages are needed, and the release has them only in the archive.
pub(super) fn wanted(
    survey: &Survey<'_, '_>,
    last_build: usize,
    image: Option<&Image<'_>>,
    runtime: &Runtime,
    assumptions: &mut Vec<String>,
    carried: &mut Vec<Carried>,
    build: &mut Vec<String>,
) -> Result<Vec<String>, Refusal> {
    // The image that the full ones stand on is for C.
    let plain = image.filter(|image| image.name() == "buildpack-deps").map(|_| "c");
    let Some(language) = image.and_then(Image::language).or(plain) else { return Ok(Vec::new()) };
    if language == "mono" {
        carried.extend(ASSEMBLIES.iter().map(|folder| Carried {
            from: (*folder).to_owned(),
            to: (*folder).to_owned(),
            owner: None,
            evidence: "the slim image has only a few of the assemblies that programs use".into(),
        }));
    }
    if runtime.family != Some(Family::Debian) || MODULES.find(language).is_none() {
        return Ok(Vec::new());
    }
    let read = modules(survey, language);
    let mut developed: Vec<&str> = Vec::new();
    // What every program of the compiler needs, whatever its modules.
    let always = MODULES.all(language).find(|row| row.column(0) == "+");
    developed.extend(always.iter().flat_map(|row| row.column(1).split(' ')));
    let archived = runtime.release.and_then(|release| release.major()).is_some_and(|major| major < 11);
    let installs = survey.steps().any(|(_, step)| matches!(effects::of(step), Effect::Install(_)));
    // What the command lines name is needed, whatever else may be.
    let named: Vec<String> = if read.is_none() { named_modules(survey).collect() } else { Vec::new() };
    let certain = MODULES.all(language).filter(|row| named.iter().any(|name| name == row.column(0)));
    let certain: Vec<&str> = certain.flat_map(|row| row.column(1).split(' ')).collect();
    match &read {
        Some(modules) => {
            let needs = |row: &crate::knowledge::sorted::Row| {
                let name = row.column(0);
                modules.iter().any(|module| module == name)
            };
            for row in MODULES.all(language).filter(needs) {
                developed.extend(row.column(1).split(' '));
            }
            if language == "rust" && (installs || !archived) && hides_crates(survey) {
                let usual = MODULES.all(language).find(|row| row.column(0) == "*");
                developed.extend(usual.iter().flat_map(|row| row.column(1).split(' ')));
            }
        }
        None => {
            let usual = MODULES.all(language).find(|row| row.column(0) == "*");
            developed.extend(usual.iter().flat_map(|row| row.column(1).split(' ')).filter(|name| !name.is_empty()));
            developed.extend(&certain);
            // What is compiled says by its name what it links to.
            let compiled: Vec<String> = survey
                .steps()
                .filter(|_| language == "c")
                .filter_map(|(_, step)| workplace::named(step))
                .map(|name| name.to_ascii_lowercase())
                .collect();
            let known = |row: &crate::knowledge::sorted::Row| compiled.iter().any(|name| name == row.column(0));
            developed.extend(MODULES.all(language).filter(known).flat_map(|row| row.column(1).split(' ')));
            // OpenCV is what asks Python's programs for OpenGL, and its wheels ask for more.
            let opens = language == "python"
                && ["libgl1", "libgl1-mesa-glx", "libgl1-mesa-dev"].iter().any(|name| survey.installs(name));
            let opencv = MODULES.all(language).filter(|row| opens && row.column(0) == "opencv-python");
            developed.extend(opencv.flat_map(|row| row.column(1).split(' ')));
        }
    }
    if let Some(image) = image.filter(|_| language == "python") {
        developed.extend(wheels::compiled(survey, image));
        carried.extend(types::carried(survey, image));
        developed.extend(imported(survey, image));
    }
    let release = runtime.release.map(|release| release.name);
    let mut found: Vec<String> = Vec::new();
    let mut unknown = None;
    for name in developed {
        let libraries = packages::libraries(Manager::Apt, release, name);
        match libraries {
            // What only may be needed is no reason to leave an old release as it is.
            Some(_)
                if name.ends_with("-dev") && read.is_none() && archived && !installs && !certain.contains(&name) => {}
            Some(libraries) => found.extend(libraries),
            // A program that is compiled there links to what it finds.
            None if name.ends_with("-dev") && language == "c" => unknown = Some(name),
            None if name.ends_with("-dev") && read.is_none() => {}
            None => found.push(name.to_owned()),
        }
    }
    found.extend(downloaded(survey).map(str::to_owned));
    found.sort_unstable();
    found.dedup();
    let opens = |module: &String| Words::ModulesThatOpen.has(module);
    if archived
        && !installs
        && matches!(language, "python" | "ruby")
        && (read.is_none() || found.iter().any(|package| package.starts_with("lib")))
        && !read.iter().flatten().chain(&named).any(opens)
        && let Some(command) = collecting(survey, last_build, carried)
    {
        found.retain(|package| !package.starts_with("lib"));
        build.push(command);
        carried.push(Carried {
            from: format!("{COLLECTED}/"),
            to: "/usr/local/lib/".into(),
            owner: None,
            evidence: "modules link to these libraries, and the packages of this release are only in the archive"
                .into(),
        });
        assumptions.push(format!("the {language} modules open no shared library but those that they link to"));
    } else if read.is_none() && MODULES.all(language).nth(1).is_some() {
        assumptions.push(format!(
            "the {language} modules need no other shared libraries of the full image: no list of them is there to read"
        ));
    }
    if archived && !installs {
        // A few files that the full image has are sooner copied than installed from where they are no more.
        found.retain(|package| {
            let files: &[(&str, &str)] = match package.as_str() {
                "libgomp1" => &[("/usr/lib/*/libgomp.so.1*", "/usr/local/lib/")],
                "libgmp10" => &[("/usr/lib/*/libgmp.so.10*", "/usr/local/lib/")],
                // Programs of these languages look for this file, whatever else of the package is there.
                "ca-certificates" if matches!(language, "go" | "haskell") => {
                    &[("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt")]
                }
                _ => &[],
            };
            carried.extend(files.iter().map(|(from, to)| Carried {
                from: (*from).to_owned(),
                to: (*to).to_owned(),
                owner: None,
                evidence: format!("{package} may be needed, and the packages of this release are only in the archive"),
            }));
            // The names of protocols are in no place that is sure, and few programs ask for them.
            files.is_empty() && package != "netbase"
        });
    }
    if let Some(package) = unknown {
        let text = format!(
            "the runtime stage may need the libraries of {package}, and what those are called in this release is not \
             known; take a newer base image"
        );
        return Err(refuse("archived-release", text, true));
    }
    if archived && !installs && !found.is_empty() {
        let text = format!(
            "the runtime stage may need {}, and the packages of this release are only in the archive; \
             take a newer base image",
            found.join(", ")
        );
        return Err(refuse("archived-release", text, true));
    }
    Ok(found)
}

/// What collects, in the builder, the shared libraries of the system that the modules link to: the loader names them, which
/// no list of packages does better. `None` where no modules are carried, or something else than root and `/bin/sh` works there.
fn collecting(survey: &Survey<'_, '_>, last_build: usize, carried: &[Carried]) -> Option<String> {
    let other = |keyword| matches!(keyword, Keyword::User | Keyword::Shell);
    if survey.units.iter().take(last_build + 1).any(|unit| other(unit.instruction.keyword)) {
        return None;
    }
    let plain = |path: &&str| !path.contains(['*', '$', ' ', '\'', '"']);
    let paths = carried.iter().map(|carried| carried.from.as_str()).filter(plain);
    let (programs, folders): (Vec<&str>, Vec<&str>) =
        paths.partition(|path| [path, &paths::parent(path)].iter().any(|path| paths::name(path) == "bin"));
    if folders.is_empty() {
        return None;
    }
    let mut asked: Vec<String> = programs
        .iter()
        .map(|path| if paths::name(path) == "bin" { format!("{path}/*") } else { (*path).to_owned() })
        .collect();
    asked.push(format!("$(find {} -name '*.so*')", folders.join(" ")));
    let File { escape, eol, .. } = survey.model.file;
    let next = format!(" {}{}    ", char::from(*escape), eol.text());
    // What the loader and the C library consist of, the small image has of its own.
    Some(format!(
        "mkdir {COLLECTED}{next}&& ldd {} 2>/dev/null{next}| awk '$3 ~ \"^/(usr/)?lib/\" && $1 !~ \
         /^lib(c|dl|m|pthread|resolv|rt|util)[.]so/ {{ print $3 }}'{next}| sort -u | xargs -r cp -Lt {COLLECTED}",
        asked.join(" ")
    ))
}

/// The packages of what modules of Python itself need that the sources import as they start: the small image has the
/// modules of Tk without its libraries, and a line that an editor wrote on its own is enough to ask for it.
fn imported(survey: &Survey<'_, '_>, image: &Image<'_>) -> Vec<&'static str> {
    let Some(context) = survey.model.context.filter(|_| image.name() == "python") else { return Vec::new() };
    let sources = context.files().iter().filter(|file| file.ends_with(".py")).filter_map(|file| context.read(file));
    let mut found = Vec::new();
    for text in sources {
        let text = crate::context::text(&text);
        let lines = text.lines().filter_map(|line| line.strip_prefix("import ").or_else(|| line.strip_prefix("from ")));
        let names = lines.flat_map(|rest| rest.split(" import ").next().unwrap_or_default().split(','));
        for name in names.filter_map(|name| name.trim().split([' ', '.', '#']).next()) {
            let rows = MODULES.all("import").filter(|row| row.column(0) == name);
            found.extend(rows.flat_map(|row| row.column(1).split(' ')));
        }
    }
    found
}

/// The packages of the shared libraries that programs look for which the file downloads, or has npm download.
fn downloaded(survey: &Survey<'_, '_>) -> impl Iterator<Item = &'static str> {
    let rows = DOWNLOADS.rows().filter(|row| {
        survey.units.iter().filter(|unit| matches!(unit.instruction.keyword, Keyword::Run | Keyword::Add)).any(|unit| {
            let packaged = |step: &Step| {
                matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| name.contains(row.key)))
            };
            let text = unit.instruction.args.text.as_ref();
            text.contains(row.key) && !text.contains(".deb") && !unit.steps.iter().any(packaged)
        })
    });
    rows.flat_map(|row| row.rest.split(' '))
}

/// The packages of the programs that what starts starts itself: Danger asks `git`.
pub(super) fn behind(survey: &Survey<'_, '_>) -> Vec<&'static str> {
    let words = survey.entry.steps.iter().flat_map(|step| &step.argv);
    let rows = words.flat_map(|word| MODULES.all("program").filter(move |row| row.column(0) == word));
    let mut found: Vec<&str> = rows.flat_map(|row| row.column(1).split(' ')).collect();
    // Mix looks after the dependencies that it took from Git whenever it starts something.
    let locks = |file: &&String| paths::name(file) == "mix.lock";
    let fetched = |file: &String| {
        let text = survey.model.context.and_then(|context| context.read(file));
        text.is_some_and(|text| memchr::memmem::find(&text, b"{:git,").is_some())
    };
    if survey.entry.steps.iter().any(|step| step.program() == "mix")
        && survey.model.context.is_some_and(|context| context.files().iter().filter(locks).any(fetched))
    {
        found.push("git");
    }
    found
}

/// A module of Python that the project asks for, and that compiles when it is used.
pub(super) fn compiled_at_start(survey: &Survey<'_, '_>) -> Option<String> {
    modules(survey, "python")?.into_iter().find(|module| workplaces::compiles(module))
}

/// Whether a module of the project starts a program of this package: GitPython does `git`.
pub(super) fn needs(survey: &Survey<'_, '_>, package: &str) -> bool {
    if behind(survey).contains(&package) {
        return true;
    }
    let language = survey.model.known(survey.stage).and_then(|image| image.language());
    let Some(language) = language.filter(|language| MODULES.find(language).is_some()) else { return false };
    let mut rows = MODULES.all(language).filter(|row| row.column(1).split(' ').any(|name| name == package)).peekable();
    if rows.peek().is_none() {
        return false;
    }
    // Where no list of them is there to read, a small program that the file asks for is there for one; git is there for who
    // installs as often.
    let Some(modules) = modules(survey, language) else {
        return package != "git" && rows.any(|row| row.column(0) != "*");
    };
    rows.any(|row| row.column(0) != "*" && modules.iter().any(|module| module == row.column(0)))
}

/// The modules that npm's files install; `None` where they are not JSON.
fn node_modules(text: &str) -> Option<Vec<String>> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let keys =
        |key: &str| json.get(key).and_then(serde_json::Value::as_object).into_iter().flat_map(|table| table.keys());
    let lists = ["dependencies", "devDependencies", "optionalDependencies"];
    let direct = lists.iter().flat_map(|key| keys(key)).cloned();
    // `node_modules/a/node_modules/@b/c` is the module `@b/c`.
    let locked = keys("packages").filter_map(|path| path.rsplit_once("node_modules/").map(|(_, name)| name.to_owned()));
    Some(direct.chain(locked).flat_map(|name| with_scope(&name)).collect())
}

/// The modules that `yarn.lock` installs: the lines at its margin, `"@scope/name@^1.0.0", name@~2:`.
fn yarn_modules(text: &str) -> Vec<String> {
    let heads = text.lines().filter(|line| !line.starts_with([' ', '#', '_']) && line.ends_with(':'));
    heads
        .flat_map(|line| line.split(','))
        .filter_map(|entry| {
            let entry = entry.trim().trim_matches('"');
            let at = entry.get(1..)?.find('@')? + 1;
            Some(entry.get(..at)?.to_ascii_lowercase())
        })
        .flat_map(|name| with_scope(&name))
        .collect()
}

/// A module's name with its scope as one more: `@prisma/client` is of `@prisma`.
fn with_scope(name: &str) -> Vec<String> {
    let scope = name.split_once('/').map(|(scope, _)| scope);
    scope.into_iter().chain([name]).map(str::to_ascii_lowercase).collect()
}

/// The modules that `pnpm-lock.yaml` installs: the keys of its `packages`. What peers would like to have stands below them,
/// and is not installed. The forms of three versions: `/name/1.0.0:`, `/name@1.0.0:`, `'@scope/name@1.0.0(peer@2.0.0)':`.
fn pnpm_modules(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if !line.starts_with([' ', '#']) && !line.is_empty() {
            inside = matches!(line.trim_end(), "packages:" | "snapshots:");
            continue;
        }
        let key = line.strip_prefix("  ").filter(|rest| inside && !rest.starts_with(' '));
        let Some(key) = key.and_then(|key| key.trim_end().split(": ").next()) else { continue };
        let key = key.trim_end_matches(':').trim_matches(['\'', '"']).trim_start_matches('/');
        let scope = if key.starts_with('@') { key.find('/').map_or(0, |at| at + 1) } else { 0 };
        let rest = key.get(scope..).unwrap_or_default();
        let end = scope + rest.find(['@', '/', '(']).unwrap_or(rest.len());
        found.extend(with_scope(key.get(..end).unwrap_or_default()));
    }
    found
}

/// The modules that `bun.lock` installs: `"name": ["name@1.0.0", …`.
fn bun_modules(text: &str) -> Vec<String> {
    let entries = text.lines().filter_map(|line| line.trim().split_once("\": [\""));
    entries
        .filter_map(|(_, rest)| {
            let installed = rest.split('"').next()?;
            let at = installed.get(1..)?.find('@')? + 1;
            installed.get(..at)
        })
        .flat_map(with_scope)
        .collect()
}

/// The packages that a lock file in TOML installs: its `name = "…"` lines.
fn locked_names(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("name = \""));
    names.map(|rest| rest.trim_end_matches('"').to_ascii_lowercase().replace('_', "-")).collect()
}

/// A feature of a crate, as the list of what modules need has it.
fn feature_of(name: &str, feature: &str) -> String {
    format!("{name}/{feature}").to_ascii_lowercase().replace('_', "-")
}

/// The features that a manifest of Cargo asks its crates for: without a lock file, they tell what these link to.
fn crate_features(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, wanted) in text.parse::<toml::Table>().iter().flat_map(crates) {
        let features = wanted.get("features").and_then(|features| features.as_array());
        let features = features.into_iter().flatten().filter_map(|feature| feature.as_str());
        found.extend(features.map(|feature| feature_of(name, feature)));
    }
    found
}

/// The crates that a manifest of Cargo asks for, by the names that they have in the registry.
fn crates(manifest: &toml::Table) -> Vec<(&str, &toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(inner) = value.as_table() else { continue };
        if key != "dependencies" {
            // `[workspace.dependencies]`, `[target.'cfg(unix)'.dependencies]`
            found.extend(crates(inner));
            continue;
        }
        let named = |(name, wanted)| {
            let wanted: &toml::Value = wanted;
            (wanted.get("package").and_then(|package| package.as_str()).unwrap_or(name), wanted)
        };
        found.extend(inner.iter().map(|(name, wanted)| (name.as_str(), wanted)).map(named));
    }
    found
}

/// Whether the project has crates that no list names: a manifest has those that it asks for, and only the lock file has
/// those behind them, such as OpenSSL's. Of well-known crates it is known that there is none behind them.
fn hides_crates(survey: &Survey<'_, '_>) -> bool {
    let Some(context) = survey.model.context else { return false };
    if context.files().iter().any(|file| paths::name(file) == "Cargo.lock") {
        return false;
    }
    let manifests = context.files().iter().filter(|file| paths::name(file) == "Cargo.toml");
    let texts = manifests.filter_map(|file| context.read(file));
    texts.into_iter().any(|text| match crate::context::text(&text).parse::<toml::Table>() {
        Ok(manifest) => crates(&manifest).iter().any(|(name, wanted)| {
            let name = name.to_ascii_lowercase().replace('_', "-");
            let own = wanted.get("path").is_some() || wanted.get("workspace").is_some();
            !own && !MODULES.all("crate").any(|row| row.column(0) == name)
        }),
        Err(_) => true,
    })
}

/// The names of the modules that the project asks for, in lower case; `None` where no list of them is there to read.
fn modules(survey: &Survey<'_, '_>, language: &str) -> Option<Vec<String>> {
    if language == "c" {
        return linked(survey);
    }
    // Of other languages the lists say nothing of what a program needs outside them.
    if !matches!(language, "python" | "ruby" | "rust" | "haskell" | "node") {
        return None;
    }
    let context = survey.model.context?;
    let mut found: Vec<String> = Vec::new();
    let mut read = false;
    for file in context.files() {
        let name = paths::name(file);
        let lists = match language {
            "python" => {
                matches!(
                    name,
                    "Pipfile"
                        | "Pipfile.lock"
                        | "pyproject.toml"
                        | "poetry.lock"
                        | "uv.lock"
                        | "setup.py"
                        | "setup.cfg"
                        | "environment.yml"
                        | "pdm.lock"
                ) || wheels::listed(survey, file)
            }
            "ruby" => matches!(name, "Gemfile" | "Gemfile.lock") || name.ends_with(".gemspec"),
            "rust" => matches!(name, "Cargo.lock" | "Cargo.toml"),
            "haskell" => name.ends_with(".cabal") || name == "package.yaml",
            "node" => {
                matches!(name, "package.json" | "package-lock.json" | "yarn.lock" | "pnpm-lock.yaml" | "bun.lock")
            }
            _ => false,
        };
        if !lists || file.contains("node_modules/") {
            continue;
        }
        let Some(text) = context.read(file) else { continue };
        read = true;
        let text = crate::context::text(&text);
        let locked = match name {
            "package-lock.json" | "package.json" => node_modules(&text),
            "yarn.lock" => Some(yarn_modules(&text)),
            "pnpm-lock.yaml" => Some(pnpm_modules(&text)),
            "bun.lock" => Some(bun_modules(&text)),
            "poetry.lock" | "uv.lock" | "pdm.lock" => Some(locked_names(&text)),
            _ => None,
        };
        if let Some(locked) = locked {
            found.extend(locked);
            continue;
        }
        if name == "Cargo.toml" {
            found.extend(crate_features(&text));
        }
        // Every word of the list: whether `psycopg2` stands there is the question, not how.
        let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        // What a comment names is not asked for, as most of what Rails proposes in a new Gemfile.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| line.split(word)).filter(|word| word.len() > 1);
        found.extend(words.map(|word| word.to_ascii_lowercase().replace('_', "-")));
    }
    // Modules that are named on the command line count too.
    found.extend(named_modules(survey));
    // `cargo install diesel_cli --no-default-features --features sqlite`
    let rust = survey.steps().map(|(_, step)| step).filter(|step| language == "rust" && step.program() == "cargo");
    for step in rust.filter(|step| step.subcommand() == Some("install")) {
        let value = |option: &str| {
            let at = step.args().iter().position(|arg| arg.split('=').next() == Some(option))?;
            let arg = step.args().get(at)?;
            arg.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| step.args().get(at + 1).cloned())
        };
        let features = value("--features").unwrap_or_default();
        let mut features: Vec<&str> = features.split([',', ' ']).filter(|feature| !feature.is_empty()).collect();
        if !step.args().iter().any(|arg| arg == "--no-default-features") {
            features.push("default");
        }
        let names: Vec<&str> = step.operands().skip(1).collect();
        found.extend(names.iter().flat_map(|name| features.iter().map(move |feature| feature_of(name, feature))));
    }
    let from_file = survey.steps().any(|(_, step)| {
        step.args().iter().any(|arg| arg == "-r" || arg.starts_with("-r") || arg == "--requirement")
            || matches!(
                step.program(),
                "poetry" | "pipenv" | "uv" | "bundle" | "cargo" | "stack" | "cabal" | "npm" | "yarn" | "pnpm"
            )
            || step.argv.iter().any(|arg| arg.ends_with("setup.py") || arg == ".")
    });
    found.sort_unstable();
    found.dedup();
    (read || !from_file).then_some(found)
}

/// The words of commands that install modules, as the list of what these need has them.
fn named_modules(survey: &Survey<'_, '_>) -> impl Iterator<Item = String> {
    let installers = survey.steps().map(|(_, step)| step);
    let installers = installers.filter(|step| matches!(step.kind(), "python" | "gem" | "npm" | "yarn" | "pnpm"));
    installers.flat_map(Step::args).map(|arg| {
        arg.split(['=', '<', '>', '~', '[', '@']).next().unwrap_or(arg).to_ascii_lowercase().replace('_', "-")
    })
}

/// What the build files of a project in C name, and what the compiler is told to link; `None` where that is not all there
/// to read.
fn linked(survey: &Survey<'_, '_>) -> Option<Vec<String>> {
    let steps = || survey.steps().map(|(_, step)| step);
    let fetches = |step: &Step| {
        matches!(effects::of(step), Effect::Fetch(_))
            || matches!(step.kind(), "download" | "unpack")
            || step.piped.is_some()
    };
    let tools = steps().any(|step| matches!(step.kind(), "make" | "cmake" | "ninja" | "setup"));
    let scripts = steps().any(super::whole::is_build_script);
    if steps().any(fetches) || scripts {
        return None;
    }
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        found.extend(
            text.split(word).filter(|word| word.len() > 1).map(|word| word.to_ascii_lowercase().replace('_', "-")),
        );
    };
    for step in steps().filter(|step| step.kind() == "compile") {
        step.args().iter().for_each(|arg| add(arg));
    }
    if tools {
        let context = survey.model.context?;
        let mut read = false;
        for file in context.files() {
            let name = paths::name(file);
            let lists = matches!(
                name,
                "CMakeLists.txt" | "Makefile" | "makefile" | "GNUmakefile" | "configure.ac" | "meson.build"
            ) || [".mk", ".cmake", ".am"].iter().any(|end| name.ends_with(end));
            if lists && let Some(text) = context.read(file) {
                read = true;
                add(&crate::context::text(&text));
            }
        }
        if !read {
            return None;
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}
