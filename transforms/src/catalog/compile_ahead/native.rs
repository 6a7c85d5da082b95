//! Tools that make a program of the machine: Cargo, Stack, Swift, Dart.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::{copies, paths};
use crate::transform::Refusal;

use super::project::{Ahead, Options, Project, line, options, plain, variant};
use super::refuse;

/// What takes the place of `cargo run`.
pub(super) fn cargo(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    if project.step().program() != "cargo" {
        return None;
    }
    match project.step().args().iter().find(|arg| !arg.starts_with(['-', '+'])).map(String::as_str) {
        Some("run" | "r") => Some(cargo_run(project)),
        Some("watch") => {
            Some(Err(refuse("development-image", "`cargo watch` compiles again whenever a source changes", true)))
        }
        _ => None,
    }
}

fn cargo_run(project: &Project<'_, '_, '_>) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let at = argv.iter().position(|word| word == "run" || word == "r").unwrap_or(1);
    let given = options(argv, at + 1, Words::CargoRunValued.list());
    let rest = given.end + usize::from(argv.get(given.end).is_some_and(|word| word == "--"));
    let manifest = match given.value(&["--manifest-path"]) {
        Some(path) => paths::parent(&paths::join(cwd, path)).to_owned(),
        None => cwd.to_owned(),
    };
    let (name, folder) = match (given.value(&["--bin"]), given.value(&["--example"])) {
        (Some(name), _) => (name.to_owned(), ""),
        (None, Some(name)) => (name.to_owned(), "examples/"),
        (None, None) => (crate_program(project, &manifest, given.value(&["-p", "--package"]))?, ""),
    };
    if !plain(&name) {
        return Err(project.unnamed("Cargo.toml"));
    }
    let profile = match given.value(&["--profile"]) {
        Some("dev" | "test") => "debug",
        Some("bench") => "release",
        Some(profile) => profile,
        None if given.has(&["--release", "-r"]) => "release",
        None => "debug",
    };
    let target = target_folder(project, &given, cwd, &manifest)?;
    let path = format!("{target}/{profile}/{folder}{name}");
    let words: Vec<&str> = argv.get(..given.end).unwrap_or_default().iter().map(String::as_str).collect();
    let words: Vec<&str> =
        words.into_iter().enumerate().map(|(place, word)| if place == at { "build" } else { word }).collect();
    if let Some(file) = asks_cargo(project, cwd) {
        let text = format!("{file} reads a variable when it runs that only `cargo run` sets");
        return Err(refuse("needs-its-tool", text, false));
    }
    let build = line(&words);
    let same = cargo_variant(words.get(1..).unwrap_or_default());
    Ok(Ahead {
        build,
        built: Box::new(move |step| {
            let verb = matches!(step.subcommand(), Some("build" | "b"));
            let mut done = cargo_variant(step.args());
            // What builds every program builds this one.
            done.extend(same.iter().filter(|(name, _)| name == "--bin").cloned());
            done.sort_unstable();
            done.dedup();
            step.program() == "cargo" && verb && done == same
        }),
        prepares: |step| {
            step.program() == "cargo"
                && matches!(step.subcommand(), Some("build" | "b" | "fetch" | "update" | "check" | "clean"))
        },
        writes: path.clone(),
        start: vec![path],
        rest,
        env: Vec::new(),
        workdir: None,
        assumptions: vec!["the program reads none of the variables that `cargo run` sets".to_owned()],
    })
}

/// The options of a build by Cargo that say what it makes, and the toolchain.
fn cargo_variant(words: &[impl AsRef<str>]) -> Vec<(String, Option<String>)> {
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.as_ref() {
            "-r" => "--release".to_owned(),
            "-p" => "--package".to_owned(),
            "-F" => "--features".to_owned(),
            toolchain if toolchain.starts_with('+') => format!("-{toolchain}"),
            other => other.to_owned(),
        })
        .collect();
    variant(&words, Words::CargoRunValued.list())
}

/// A source that reads a variable of Cargo's while it runs.
fn asks_cargo(project: &Project<'_, '_, '_>, cwd: &str) -> Option<String> {
    // `env!` is read when it is compiled.
    let reads = |text: &str| {
        memchr::memmem::find_iter(text.as_bytes(), b"CARGO_").any(|at| {
            let before = text.as_bytes().get(at.saturating_sub(16)..at).unwrap_or_default();
            memchr::memmem::find(before, b"env!").is_none()
        })
    };
    let asks = |file: &String| {
        file.ends_with(".rs")
            && !["target/", "tests/", "benches/"].iter().any(|folder| file.starts_with(folder))
            && paths::name(file) != "build.rs"
            && project.read(&paths::join(cwd, file)).is_some_and(|text| reads(&text))
    };
    project.below(cwd).into_iter().find(asks)
}

/// A manifest of Cargo.
fn cargo_manifest(project: &Project<'_, '_, '_>, folder: &str) -> Option<toml::Table> {
    project.read(&paths::join(folder, "Cargo.toml"))?.parse().ok()
}

/// The program that `cargo run` starts, of the package in `folder`, or of the one that is named.
fn crate_program(project: &Project<'_, '_, '_>, folder: &str, package: Option<&str>) -> Result<String, Refusal> {
    let unnamed = || project.unnamed("Cargo.toml");
    let name_of = |manifest: &toml::Table| Some(manifest.get("package")?.get("name")?.as_str()?.to_owned());
    let own = cargo_manifest(project, folder);
    if own.is_none() && project.model.context.is_none() && package.is_none() {
        // `cargo new` makes the project and its name.
        return new_crate(project, folder).ok_or_else(unnamed);
    }
    let (place, manifest) = match (own, package) {
        (Some(own), None) if own.contains_key("package") => (folder.to_owned(), own),
        (Some(own), Some(package)) if name_of(&own).as_deref() == Some(package) => (folder.to_owned(), own),
        (Some(_), _) => {
            let members = project.below(folder).into_iter().filter(|file| file.ends_with("/Cargo.toml"));
            let members: Vec<(String, toml::Table)> = members
                .filter_map(|file| {
                    let place = paths::join(folder, file.strip_suffix("/Cargo.toml")?);
                    cargo_manifest(project, &place).map(|manifest| (place, manifest))
                })
                .filter(|(place, manifest)| match package {
                    Some(package) => name_of(manifest).as_deref() == Some(package),
                    None => programs(project, place, manifest).len() == 1,
                })
                .collect();
            match <[_; 1]>::try_from(members) {
                Ok([only]) => only,
                Err(_) => return Err(unnamed()),
            }
        }
        (None, _) => return new_crate(project, folder).ok_or_else(unnamed),
    };
    if let Some(name) =
        manifest.get("package").and_then(|package| package.get("default-run")).and_then(|name| name.as_str())
    {
        return Ok(name.to_owned());
    }
    match <[String; 1]>::try_from(programs(project, &place, &manifest)) {
        Ok([only]) => Ok(only),
        Err(several) if several.len() > 1 => {
            let text =
                format!("the package makes {}, and nothing says which of them starts: add --bin", several.join(", "));
            Err(refuse("unknown-program", text, false))
        }
        Err(_) => Err(unnamed()),
    }
}

/// The programs of a package.
fn programs(project: &Project<'_, '_, '_>, folder: &str, manifest: &toml::Table) -> Vec<String> {
    let bins = manifest.get("bin").and_then(|bins| bins.as_array()).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &toml::Value, key: &str| value.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let mut found: Vec<String> = bins.iter().filter_map(|bin| text(bin, "name")).collect();
    let package = manifest.get("package");
    let said = package.and_then(|package| package.get("autobins")).and_then(|auto| auto.as_bool());
    // In the first edition, what is named is all.
    let later =
        package.and_then(|package| package.get("edition")).is_some_and(|edition| edition.as_str() != Some("2015"));
    if !said.unwrap_or(later || found.is_empty()) {
        return found;
    }
    let taken: Vec<String> =
        bins.iter().filter_map(|bin| text(bin, "path")).map(|path| paths::join("/", &path)).collect();
    let new = |found: &[String], name: &str, path: &str| {
        !found.iter().any(|one| one == name) && !taken.iter().any(|one| *one == paths::join("/", path))
    };
    if let Some(name) = package.and_then(|package| text(package, "name"))
        && project.has(&paths::join(folder, "src/main.rs"))
        && new(&found, &name, "src/main.rs")
    {
        found.push(name);
    }
    for file in project.below(&paths::join(folder, "src/bin")) {
        let name = match file.split_once('/') {
            None => file.strip_suffix(".rs"),
            Some((name, "main.rs")) => Some(name),
            Some(_) => None,
        };
        if let Some(name) = name.filter(|name| new(&found, name, &format!("src/bin/{file}"))) {
            found.push(name.to_owned());
        }
    }
    found
}

/// The name of a project that the file itself makes, by `cargo new` or `cargo init`, and brings no manifest for.
fn new_crate(project: &Project<'_, '_, '_>, folder: &str) -> Option<String> {
    let copied = project.model.body(project.stage).filter_map(|(index, _)| project.model.copied(index));
    if copied
        .flat_map(|copied| &copied.sources)
        .any(|source| paths::name(source) == "Cargo.toml" || copies::is_all(source))
    {
        return None;
    }
    project.steps().find_map(|(_, step)| {
        let verb = step.subcommand().filter(|_| step.program() == "cargo")?;
        let at = step.argv.iter().position(|word| word == verb)?;
        let given = options(&step.argv, at + 1, &["--name", "--vcs", "--edition", "--color"]);
        let place = step
            .argv
            .iter()
            .skip(at + 1)
            .find(|word| !word.starts_with('-') && given.value(&["--name"]) != Some(word.as_str()));
        let path = match verb {
            "new" => step.path(place?)?,
            "init" => place.map_or(step.cwd.clone(), |place| step.path(place))?,
            _ => return None,
        };
        let name = given.value(&["--name"]).unwrap_or(paths::name(&path)).to_owned();
        (path == folder && !given.has(&["--lib"])).then_some(name)
    })
}

/// Where Cargo looks for its settings: in the folder that it runs in, and in those above.
fn configurations(cwd: &str) -> Vec<String> {
    let (mut found, mut folder) = (Vec::new(), cwd);
    loop {
        found.extend([".cargo/config.toml", ".cargo/config"].map(|name| paths::join(folder, name)));
        let above = paths::parent(folder);
        if above == folder {
            return found;
        }
        folder = above;
    }
}

/// Where Cargo puts what it makes.
fn target_folder(
    project: &Project<'_, '_, '_>,
    given: &Options<'_>,
    cwd: &str,
    manifest: &str,
) -> Result<String, Refusal> {
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET"] {
        if project.sets(name) && project.variable(name).is_none() {
            let text = format!("{name} says where the program is, and has a value that is not there to read");
            return Err(refuse("unknown-program", text, false));
        }
    }
    let mut folder = given.value(&["--target-dir"]).map(|folder| paths::join(cwd, folder));
    let mut triple = given.value(&["--target"]).map(str::to_owned).or_else(|| project.variable("CARGO_BUILD_TARGET"));
    let variable = || project.variable("CARGO_TARGET_DIR").or_else(|| project.variable("CARGO_BUILD_TARGET_DIR"));
    folder = folder.or_else(|| variable().map(|folder| paths::join(cwd, &folder)));
    for path in configurations(cwd) {
        let Some(text) = project.read(&path) else { continue };
        let Ok(table) = text.parse::<toml::Table>() else {
            return Err(refuse(
                "unknown-program",
                format!("{path} can't be read, which may say where the program is"),
                false,
            ));
        };
        if table.contains_key("env") || text.contains("runner") || text.contains("prefer-dynamic") {
            let text = format!("{path} says what `cargo run` starts the program with");
            return Err(refuse("needs-its-tool", text, false));
        }
        let build = |key: &str| table.get("build").and_then(|build| build.get(key)).and_then(|value| value.as_str());
        folder = folder
            .or_else(|| build("target-dir").map(|folder| paths::join(paths::parent(paths::parent(&path)), folder)));
        triple = triple.or_else(|| build("target").map(str::to_owned));
    }
    // A member of a workspace shares the folder of the workspace.
    let mut root = manifest.to_owned();
    let mut above = manifest;
    while above != "/" {
        if cargo_manifest(project, above).is_some_and(|table| table.contains_key("workspace")) {
            root = above.to_owned();
            break;
        }
        above = paths::parent(above);
    }
    let folder = folder.unwrap_or_else(|| paths::join(&root, "target"));
    Ok(match triple {
        Some(triple) => format!("{folder}/{triple}"),
        None => folder,
    })
}

/// What takes the place of `stack run` and `stack exec`.
pub(super) fn stack(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let step = project.step();
    let verb = step.subcommand().filter(|_| step.program() == "stack")?;
    match verb {
        "run" | "exec" => Some(stack_run(project, verb)),
        "ghci" | "repl" => {
            Some(Err(refuse("development-image", format!("`stack {verb}` is a prompt to work at"), true)))
        }
        _ => None,
    }
}

fn stack_run(project: &Project<'_, '_, '_>, verb: &str) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let at = argv.iter().position(|word| word == verb).unwrap_or(1);
    let given = options(argv, at + 1, &["--cwd", "--package", "--ghc-options", "--flag", "--stack-yaml"]);
    let mut rest = given.end;
    let named = argv.get(rest).filter(|word| *word != "--").inspect(|_| rest += 1).cloned();
    let tools = [
        "ghc",
        "runghc",
        "runhaskell",
        "ghci",
        "yesod",
        "bash",
        "sh",
        "cabal",
        "jupyter",
        "ihaskell",
        "stack",
        "hoogle",
    ];
    let name = match named.or_else(|| (verb == "run").then(|| stack_program(project, cwd)).flatten()) {
        Some(name) if tools.contains(&name.as_str()) || name.contains('/') || name.ends_with(".sh") => {
            let text = format!(
                "`{}` starts {name} in the environment of Stack, which is no program of the project",
                project.start.shown()
            );
            return Err(refuse("needs-its-tool", text, true));
        }
        Some(name) if plain(&name) => name,
        _ => return Err(project.unnamed("package.yaml")),
    };
    rest += usize::from(argv.get(rest).is_some_and(|word| word == "--"));
    // In the project, where it goes along with what else is made there.
    let path = paths::join(cwd, &format!("bin/{name}"));
    let build = "stack build --copy-bins --local-bin-path bin";
    Ok(Ahead {
        build: build.to_owned(),
        built: Box::new(move |step| step.argv.join(" ") == build),
        prepares: |step| {
            step.program() == "stack" && matches!(step.subcommand(), Some("build" | "setup" | "install" | "update"))
        },
        writes: path.clone(),
        start: vec![path],
        rest,
        env: Vec::new(),
        workdir: None,
        assumptions: vec![
            format!("{name} is a program of the project, and not of a package that it uses"),
            "the program needs nothing of the environment that Stack sets (GHC_PACKAGE_PATH, PATH)".to_owned(),
        ],
    })
}

/// The only program that a project of Stack makes.
fn stack_program(project: &Project<'_, '_, '_>, cwd: &str) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    if let Some(text) = project.read(&paths::join(cwd, "package.yaml")) {
        // The keys one level below `executables:`.
        let mut inside = false;
        let mut indent = None;
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
            let depth = line.len() - line.trim_start().len();
            if depth == 0 {
                inside = line.trim_end() == "executables:";
            } else if inside && *indent.get_or_insert(depth) == depth {
                found.extend(line.trim().strip_suffix(':').map(|name| name.trim_matches(['"', '\'']).to_owned()));
            }
        }
    } else {
        let cabal = project.below(cwd).into_iter().find(|file| file.ends_with(".cabal") && !file.contains('/'))?;
        let text = project.read(&paths::join(cwd, &cabal))?;
        found.extend(
            text.lines().filter_map(|line| line.strip_prefix("executable ")).map(|name| name.trim().to_owned()),
        );
    }
    <[String; 1]>::try_from(found).ok().map(|[only]| only)
}

/// What takes the place of `swift run`.
pub(super) fn swift(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let step = project.step();
    (step.program() == "swift" && step.subcommand() == Some("run")).then(|| swift_run(project))
}

fn swift_run(project: &Project<'_, '_, '_>) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let at = argv.iter().position(|word| word == "run").unwrap_or(1);
    let valued = [
        "-c",
        "--configuration",
        "--build-path",
        "--scratch-path",
        "--package-path",
        "-Xswiftc",
        "-Xcc",
        "-Xlinker",
        "-j",
        "--jobs",
    ];
    let given = options(argv, at + 1, &valued);
    let named = argv.get(given.end).filter(|word| *word != "--");
    let package = given.value(&["--package-path"]).map_or(cwd.to_owned(), |path| paths::join(cwd, path));
    let name = match named {
        Some(name) => Some(name.clone()),
        None => swift_program(project, &package),
    };
    let name = name.filter(|name| plain(name)).ok_or_else(|| project.unnamed("Package.swift"))?;
    let folder = given.value(&["--build-path", "--scratch-path"]).unwrap_or(".build");
    let configuration = given.value(&["-c", "--configuration"]).unwrap_or("debug");
    let path = format!("{}/{configuration}/{name}", paths::join(&package, folder));
    let words: Vec<&str> = argv
        .get(..given.end)
        .unwrap_or_default()
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "--skip-build")
        .collect();
    let words: Vec<&str> =
        words.into_iter().enumerate().map(|(place, word)| if place == at { "build" } else { word }).collect();
    let build = line(&words);
    let same = build.clone();
    Ok(Ahead {
        build,
        built: Box::new(move |step| step.argv.join(" ") == same),
        prepares: |step| step.program() == "swift" && matches!(step.subcommand(), Some("build" | "package")),
        writes: path.clone(),
        start: vec![path],
        rest: given.end + usize::from(named.is_some()) + usize::from(named.is_none() && argv.len() > given.end),
        env: Vec::new(),
        workdir: None,
        assumptions: vec!["the program does not look for its package when it runs".to_owned()],
    })
}

/// The only program that a package of Swift makes.
fn swift_program(project: &Project<'_, '_, '_>, folder: &str) -> Option<String> {
    let text = project.read(&paths::join(folder, "Package.swift"))?;
    let named = |call: &str| -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (at, _) in text.match_indices(call) {
            let rest = text.get(at + call.len()..).unwrap_or_default().trim_start();
            let name = rest
                .strip_prefix("name:")
                .map(str::trim_start)
                .and_then(|rest| rest.strip_prefix('"'))
                .and_then(|rest| rest.split('"').next());
            found.extend(name.map(str::to_owned).filter(|name| !found.contains(name)));
        }
        found
    };
    // A product has the name that the program gets; without products, each target that can be run makes one.
    let mut found = named(".executable(");
    if found.is_empty() {
        found = named(".executableTarget(");
    }
    if found.is_empty() {
        let main = |name: &String| project.has(&paths::join(folder, &format!("Sources/{name}/main.swift")));
        found = named(".target(").into_iter().filter(main).collect();
    }
    <[String; 1]>::try_from(found).ok().map(|[only]| only)
}

/// What takes the place of `dart run`, and of a source that Dart is given: `dart bin/server.dart`.
pub(super) fn dart(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let step = project.step();
    // An SDK with `dart pub` has `dart compile` too: both came with Dart 2.10.
    let compiles = || project.steps().any(|(_, step)| step.program() == "dart" && step.subcommand() == Some("pub"));
    let source = || step.operands().next().is_some_and(|first| first.ends_with(".dart")) && compiles();
    (step.program() == "dart" && (step.subcommand() == Some("run") || source())).then(|| dart_run(project))
}

fn dart_run(project: &Project<'_, '_, '_>) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    // `dart bin/server.dart` is `dart run bin/server.dart`, but for the verb.
    let verb = project.step().subcommand() == Some("run");
    let at = argv.iter().position(|word| verb && word == "run").unwrap_or(0);
    let given = options(argv, at + 1, &["--define", "-D"]);
    let named = argv.get(given.end).map(String::as_str);
    if let Some((option, _)) = given.given.first() {
        let text = format!("`{option}` is for the virtual machine of Dart, which a compiled program does not have");
        return Err(refuse("needs-its-tool", text, false));
    }
    let package = project.read(&paths::join(cwd, "pubspec.yaml")).and_then(|text| {
        let name = text.lines().find_map(|line| line.strip_prefix("name:"))?;
        Some(name.trim().trim_matches(['"', '\'']).to_owned())
    });
    let source = match named {
        Some(file) if file.ends_with(".dart") => file.to_owned(),
        // `:server` and `package:server` are programs of this package, and of another.
        Some(name) => match (name.strip_prefix(':'), name == "build_runner" || name == "webdev") {
            (_, true) => {
                return Err(refuse(
                    "development-image",
                    format!("`dart run {name}` generates or serves sources that change"),
                    true,
                ));
            }
            (Some(own), _) => format!("bin/{own}.dart"),
            (None, _) if package.as_deref() == Some(name) => format!("bin/{name}.dart"),
            (None, _) => {
                let text = format!("{name} is a program of a package that the project uses");
                return Err(refuse("needs-its-tool", text, false));
            }
        },
        None => format!("bin/{}.dart", package.ok_or_else(|| project.unnamed("pubspec.yaml"))?),
    };
    let output = source.strip_suffix(".dart").unwrap_or(&source).to_owned();
    if !output.split('/').filter(|part| !matches!(*part, "" | "." | "..")).all(plain) {
        return Err(project.unnamed("pubspec.yaml"));
    }
    let path = paths::join(cwd, &output);
    let build = format!("dart compile exe {source} -o {output}");
    let same = build.clone();
    Ok(Ahead {
        build,
        built: Box::new(move |step| step.argv.join(" ") == same),
        prepares: |step| matches!((step.program(), step.subcommand()), ("dart", Some("pub" | "compile")) | ("pub", _)),
        writes: path.clone(),
        start: vec![path],
        rest: given.end + usize::from(named.is_some()),
        env: Vec::new(),
        workdir: None,
        assumptions: vec!["the program uses no mirrors, and does not look for its own sources when it runs".to_owned()],
    })
}

/// Whether a command is build work of this kind.
pub(super) fn is_kind(step: &Step, kind: &str) -> bool {
    step.kind() == kind
}
