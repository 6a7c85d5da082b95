//! Less than the whole folder, where the project beside the Dockerfile proves that less is enough.

use crate::context::Context;
use crate::knowledge::develops;
use crate::knowledge::images::Image;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::{effects, npm, paths};
use crate::syntax::words::Value;

use super::opened;
use super::plan::Carried;
use super::survey::Survey;
use super::whole::shown;

/// Whether a file could be opened when the program runs: not a source, not a manifest, not about the repository.
pub(super) fn is_asset(file: &str) -> bool {
    let aside = file.split('/').any(|part| Words::AsideFolders.has(part) || part.starts_with('.') && part != ".env");
    let extension = extension(file);
    // A folder of texts may be what the program shows.
    let text = matches!(extension.as_str(), "md" | "rst") && file.contains('/');
    // What lies under a JVM project's resources is packed into the jar.
    let packed = file.contains("src/main/") || file.contains("src/test/");
    let name = paths::name(file);
    !(aside
        || packed
        || is_about(file)
        || Words::SourceEnds.has(&extension) && !text
        || name.starts_with('.') && name != ".env")
}

/// Whether a file is about the repository, by its name.
fn is_about(file: &str) -> bool {
    let name = paths::name(file).to_ascii_lowercase();
    let begins = |starts: Words| starts.list().iter().any(|start| name.starts_with(start));
    begins(Words::AboutFiles) || !file.contains('/') && begins(Words::AboutFilesAbove)
}

/// What the name of a file ends in, in small letters.
fn extension(file: &str) -> String {
    paths::name(file).to_ascii_lowercase().rsplit_once('.').map_or(String::new(), |(_, end)| end.to_owned())
}

/// Whether a file is compiled into the program, or says how: no program opens it by its name.
pub(super) fn is_compiled(file: &str) -> bool {
    let extension = extension(file);
    Words::SourceEnds.has(&extension) && !Words::NamedEnds.has(&extension) && extension != "in"
}

/// Whether a folder that has the file is one that a program opens where it names it: for what lies in it, or to write there,
/// which is why an empty folder is kept in a repository.
pub(super) fn opened_by_folder(file: &str) -> bool {
    let name = paths::name(file);
    let keeps = name.starts_with(".git") || name.contains("keep") || name.contains("placeholder");
    keeps || !name.starts_with('.') && !is_about(file) && !is_compiled(file)
}

/// Whether a folder is one of those that hold what is built, tested or read by people.
pub(super) fn is_aside(folder: &str) -> bool {
    Words::AsideFolders.has(folder)
}

/// Takes out of `carried` what the context proves to be of no use when the container runs: the folder of a project that
/// becomes one program, and opens nothing beside it.
///
/// Answers the folder.
pub(super) fn one_program(survey: &Survey<'_, '_>, carried: &mut Vec<Carried>) -> Option<String> {
    let context = survey.model.context?;
    let [step] = survey.entry.steps.as_slice() else { return None };
    let program = started(survey, context, step)?;
    // A script that the file itself writes starts who knows what.
    let written = survey.steps().any(|(_, step)| {
        matches!(step.kind(), "nothing" | "tee")
            && matches!(effects::of(step), effects::Effect::Writes(paths) if paths.contains(&program))
    });
    if written {
        return None;
    }
    let brought = |path: &str| {
        survey
            .units
            .iter()
            .filter_map(|unit| unit.copy.as_ref())
            .any(|copy| copy.context && copy.to.as_deref() == Some(path))
    };
    // Itself, or the folder that an install of the project went to.
    let named = step.argv.first().is_some_and(|first| first.contains('/'));
    let home = |carried: &Carried| !named && [".cabal", ".local"].contains(&paths::name(&carried.to));
    let elsewhere = |carried: &Carried| {
        carried.to == program
            || home(carried)
            || named && carried.to == "/usr/local" && paths::within(&program, "/usr/local")
    };
    if let Some(at) = carried.iter().position(elsewhere) {
        // The program lies elsewhere: of the project's folder nothing is needed but that it is there.
        let folder = carried.iter().enumerate().find(|(other, carried)| *other != at && brought(&carried.from))?;
        let (place, folder) = (folder.0, folder.1.from.clone());
        if !needs_no_file(survey, context) {
            return None;
        }
        carried.remove(place);
        return Some(folder);
    }
    let outer = carried.iter().find(|carried| carried.from != program && paths::within(&program, &carried.from));
    let folder = outer.map(|carried| carried.from.clone())?;
    let brought = survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
        copy.context && copy.to.as_deref().is_some_and(|to| paths::within(&folder, to) || paths::within(to, &folder))
    });
    let named = step.args().iter().filter_map(|arg| step.path(arg)).any(|path| {
        path != program
            && paths::within(&path, &folder)
            && survey.context_path(&path).is_some_and(|inside| context.files().binary_search(&inside).is_ok())
    });
    // `COPY target/*.jar app.jar`: what starts is not what the build makes.
    let put = survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| copy.to.as_ref() == Some(&program));
    if !brought || named || put || survey.copied_file(&program) {
        return None;
    }
    let beside = if opens_nothing(context) {
        Vec::new()
    } else if has_assets(context) {
        opened::beside(survey, context, &folder)?
    } else {
        opened::by_name(survey, context, survey.model.final_workdir(survey.stage).unwrap_or(&folder))
    };
    let alone = beside.is_empty();
    for carried in carried.iter_mut().filter(|carried| carried.from == folder) {
        carried.evidence = if alone {
            format!("the entry runs it, and the project has nothing else that `{}` could open", shown(step))
        } else {
            "the entry runs it".into()
        };
        carried.from.clone_from(&program);
        carried.to.clone_from(&program);
    }
    carried.extend(beside.into_iter().map(|name| {
        let path = paths::join(&folder, &name);
        Carried { from: path.clone(), to: path, owner: None, evidence: "the sources name it".into() }
    }));
    Some(folder)
}

/// Whether all that a COPY puts into the root folder is of no use when the container runs: one program starts, which is
/// carried by its name, and the project has nothing that it could open.
pub(super) fn stays_in_root(survey: &Survey<'_, '_>, carried: &[Carried]) -> bool {
    let Some(context) = survey.model.context else { return false };
    let [step] = survey.entry.steps.as_slice() else { return false };
    let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref());
    copies.any(|copy| copy.context && copy.to.as_deref() == Some("/"))
        && started(survey, context, step).is_some_and(|program| {
            carried.iter().any(|carried| carried.from == program) && !survey.copied_file(&program)
        })
        && needs_no_file(survey, context)
}

/// Whether the program needs no file of the project beside itself: it opens none, or there are none that its sources name
/// from where it starts.
fn needs_no_file(survey: &Survey<'_, '_>, context: &dyn Context) -> bool {
    let from = survey.model.final_workdir(survey.stage).unwrap_or("/");
    opens_nothing(context) || !has_assets(context) && opened::by_name(survey, context, from).is_empty()
}

/// Whether the project has files that a program could open when it runs.
fn has_assets(context: &dyn Context) -> bool {
    let mut asked = None;
    let mut assets = context.files().iter().filter(|file| is_asset(file) && !is_script(context, file));
    // Settings of this name are for Compose, where nothing asks for them.
    assets.any(|file| paths::name(file) != ".env" || *asked.get_or_insert_with(|| asks_for_settings(context)))
}

/// Whether a source or a manifest names `.env`, or a library that reads it.
pub(super) fn asks_for_settings(context: &dyn Context) -> bool {
    let manifests = ["Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "build.sbt"];
    let mut files = context.files().iter();
    files.any(|file| {
        (crate::context::is_code(file) || manifests.contains(&paths::name(file)))
            && context.read(file).is_none_or(|text| {
                [&b"dotenv"[..], b"\".env"].iter().any(|word| memchr::memmem::find(&text, word).is_some())
            })
    })
}

/// The settings with secrets in them, `.env`, that a program reads where it starts, and that a COPY of everything brings there
/// from a folder that has them: the repository seldom does, and nobody can copy by its name what may not be there.
pub(super) fn settings_elsewhere(survey: &Survey<'_, '_>) -> Option<String> {
    let context = survey.model.context?;
    let path = paths::join(survey.model.final_workdir(survey.stage)?, ".env");
    let inside = lacking(survey, context, &path)?;
    let left_out = |line: &str| {
        let line = line.trim();
        !line.starts_with('!') && (line.contains(".env") || matches!(line, "*" | "**" | ".*" | "**/.*"))
    };
    let ignored = context.read(".dockerignore").is_some_and(|text| {
        let text = crate::context::text(&text);
        text.lines().any(left_out)
    });
    (inside == ".env" && comes_with_all(survey, &path) && !ignored).then_some(path)
}

/// The path in the build context of a file of the image that the context does not have.
fn lacking(survey: &Survey<'_, '_>, context: &dyn Context, path: &str) -> Option<String> {
    survey.context_path(path).filter(|inside| !inside.is_empty() && !context.holds(inside))
}

/// Whether a COPY of everything would bring the path, where somebody has it.
fn comes_with_all(survey: &Survey<'_, '_>, path: &str) -> bool {
    let brings = |copy: &Copied| copy.to.as_deref().is_some_and(|to| paths::within(path, to));
    let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref());
    copies.any(|copy| copy.context && copy.is_whole() && brings(copy))
}

/// Whether a path is one of settings that Git leaves out of the repository, and that a COPY of everything brings all the same
/// from the folder of whoever has them: `configs/` in `.gitignore`, and `./app -config configs/app.yml`.
pub(super) fn left_by_git(survey: &Survey<'_, '_>, path: &str) -> bool {
    const ENDS: [&str; 8] = ["cfg", "conf", "config", "ini", "json", "toml", "yaml", "yml"];
    const FOLDERS: [&str; 5] = ["conf", "config", "configs", "secrets", "settings"];
    let name = paths::name(path);
    let settings = FOLDERS.contains(&name) || name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end));
    let Some(context) = survey.model.context.filter(|_| settings) else { return false };
    let Some(inside) = lacking(survey, context, path) else { return false };
    let listed = |list: &str| {
        context.read(list).is_some_and(|text| crate::context::text(&text).lines().any(|line| is_listed(line, &inside)))
    };
    comes_with_all(survey, path) && listed(".gitignore") && !listed(".dockerignore")
}

/// Whether a line of a list of what is left out names this path, or a folder that it lies in.
fn is_listed(line: &str, inside: &str) -> bool {
    let line = line.trim();
    if line.starts_with(['#', '!']) {
        return false;
    }
    let anchored = line.starts_with('/');
    let line = line.trim_start_matches("**/").trim_start_matches('/').trim_end_matches(['/', '*']);
    // `*.local.yml`, and what is in a folder of this name at any depth.
    match line.strip_prefix('*') {
        Some(end) => end.starts_with('.') && inside.ends_with(end),
        None if line.is_empty() => false,
        None if !anchored && !line.contains('/') => inside.split('/').any(|part| part == line),
        None => inside.strip_prefix(line).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// The same where one program starts, which is compiled, and what lies around it stays behind.
pub(super) fn settings_left(survey: &Survey<'_, '_>, last_build: usize, carried: &[Carried]) -> Option<String> {
    let context = survey.model.context?;
    let [step] = survey.entry.steps.as_slice() else { return None };
    let compiled = matches!(step.program(), "java" | "dotnet")
        || step.argv.first().is_some_and(|program| program.contains('/') && !program.ends_with(".sh"));
    let path = settings_elsewhere(survey).filter(|_| compiled && asks_for_settings(context))?;
    let goes = carried.iter().any(|one| paths::within(&path, &one.to));
    let later =
        survey.units.iter().skip(last_build + 1).filter_map(|unit| unit.copy.as_ref()).any(|copy| {
            copy.context && copy.is_whole() && copy.to.as_deref().is_some_and(|to| paths::within(&path, to))
        });
    (!goes && !later && paths::parent(&path) != "/").then_some(path)
}

/// Takes out of `carried` the sources of a .NET project that starts in the folder that it is published into, or that has
/// nothing else that it could open.
///
/// Answers the folder that stays behind.
pub(super) fn published(survey: &Survey<'_, '_>, carried: &mut Vec<Carried>) -> Option<String> {
    let context = survey.model.context?;
    let [step] = survey.entry.steps.as_slice() else { return None };
    let assembly = step.args().first().filter(|first| step.program() == "dotnet" && first.ends_with(".dll"))?;
    let assembly = step.path(assembly)?;
    let output = paths::parent(&assembly);
    let publishes = |step: &Step| {
        let mut pairs = step.args().iter().zip(step.args().iter().skip(1));
        step.program() == "dotnet"
            && step.subcommand() == Some("publish")
            && pairs.any(|(option, value)| {
                matches!(option.as_str(), "-o" | "--output") && step.path(value).as_deref() == Some(output)
            })
    };
    let starts_there = survey.model.final_workdir(survey.stage).is_some_and(|cwd| paths::within(cwd, output));
    // What it opens where it starts need not be in the repository: settings with secrets in them seldom are.
    let opens = |file: &&String| {
        const READS: [&str; 5] = ["File.Read", "File.Open", "StreamReader(", "FileStream(", "AddJsonFile("];
        [".cs", ".fs", ".vb"].iter().any(|end| file.ends_with(end))
            && context
                .read(file)
                .is_none_or(|text| READS.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some()))
    };
    let elsewhere = !starts_there && (has_assets(context) || context.files().iter().any(|file| opens(&file)));
    if !survey.steps().any(|(_, step)| publishes(step)) || elsewhere {
        return None;
    }
    // The sources around it, or beside it.
    let brought = |path: &str| {
        let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref());
        copies.any(|copy| copy.context && copy.to.as_deref() == Some(path))
    };
    let beside = carried.iter().any(|one| one.from == output);
    let at = carried.iter().position(|one| {
        one.from != output && if beside { brought(&one.from) } else { paths::within(output, &one.from) }
    })?;
    let folder = carried.get(at)?.from.clone();
    // A path of the sources, written out.
    let named = |text: &[u8]| {
        memchr::memmem::find_iter(text, folder.as_bytes()).any(|at| {
            let rest = text.get(at..).unwrap_or_default();
            rest.get(folder.len()) == Some(&b'/') && !rest.starts_with(output.as_bytes())
        })
    };
    let read = |file: &&String| {
        [".cs", ".fs", ".vb", ".json", ".config", ".cshtml", ".razor"].iter().any(|end| file.ends_with(end))
            && context.read(file).is_none_or(|text| named(&text))
    };
    let told = step.args().iter().skip(1).any(|arg| named(arg.as_bytes()));
    let set = survey.model.env_names(survey.stage).any(|(index, _)| {
        survey.model.instruction(index).is_some_and(|one| named(one.span.text(survey.model.file.source).as_bytes()))
    });
    if told || set || context.files().iter().any(|file| read(&file)) {
        return None;
    }
    if beside {
        carried.remove(at);
        return Some(folder);
    }
    let one = carried.get_mut(at)?;
    one.from = output.to_owned();
    one.to = output.to_owned();
    one.evidence = format!("`{}` starts there, and all that it serves is published with it", shown(step));
    Some(folder)
}

/// Takes out of `carried` what a static site does not need where only its built files are served: `serve -s build`.
///
/// Answers the folder that stays behind.
pub(super) fn static_site(survey: &Survey<'_, '_>, carried: &mut [Carried]) -> Option<String> {
    let context = survey.model.context?;
    let [step] = survey.entry.steps.as_slice() else { return None };
    let words: Vec<&str> = step.argv.iter().map(String::as_str).collect();
    if !matches!(step.program(), "serve" | "http-server") || step.cwd.is_none() {
        return None;
    }
    // Its own settings lie beside the folder.
    if context.files().iter().any(|file| paths::name(file) == "serve.json") {
        return None;
    }
    let at = carried.iter().position(|one| survey.context_path(&paths::join(&one.from, "package.json")).is_some())?;
    let folder = carried.get(at)?.from.clone();
    let inside = survey.context_path(&paths::join(&folder, "package.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&crate::context::text(&context.read(&inside)?)).ok()?;
    let inside = |step: &&Step| step.cwd.as_deref() == Some(folder.as_str());
    let here = || survey.steps().map(|(_, step)| step).filter(inside);
    let bundler = |step: &&Step| {
        let words = step.argv.iter().map(|word| paths::name(word)).collect::<Vec<_>>();
        ["react-scripts", "vite", "vue-cli-service", "gatsby"]
            .iter()
            .any(|tool| words.windows(2).any(|pair| pair == [*tool, "build"]))
    };
    let asked = |step: &&Step| {
        matches!(step.kind(), "npm" | "yarn" | "pnpm") && step.argv.last().is_some_and(|last| last == "build")
    };
    // The bundler itself, or the script that the project has for it.
    let script = match here().find(bundler) {
        Some(step) => step.argv.join(" "),
        None => {
            here().find(asked)?;
            manifest.get("scripts")?.get("build")?.as_str()?.to_owned()
        }
    };
    let settings =
        |name: &str, mark: &str| {
            context.files().iter().filter(|file| paths::name(file).starts_with(name)).any(|file| {
                context.read(file).is_none_or(|text| memchr::memmem::find(&text, mark.as_bytes()).is_some())
            })
        };
    let made = if script.contains("react-scripts build") {
        let moved =
            script.contains("BUILD_PATH") || survey.model.file.source.windows(10).any(|part| part == b"BUILD_PATH");
        (!moved && !settings(".env", "BUILD_PATH")).then_some("build")
    } else if script.contains("vite build") {
        (!settings("vite.config", "outDir") && !script.contains("outDir")).then_some("dist")
    } else if script.contains("vue-cli-service build") {
        (!settings("vue.config", "outputDir") && !script.contains("--dest")).then_some("dist")
    } else if script.contains("gatsby build") {
        Some("public")
    } else {
        None
    };
    let made = made?;
    let served = words.iter().skip(1).any(|word| step.path(word) == Some(paths::join(&folder, made)));
    if !served {
        return None;
    }
    let one = carried.get_mut(at)?;
    one.from = paths::join(&folder, made);
    one.to.clone_from(&one.from);
    one.evidence = format!("`{script}` makes it, and nothing else is served");
    Some(folder)
}

/// Takes out of `carried` what surrounds a server that Nitro built, where Node starts it: Nuxt and its like put every module
/// that the server needs into `.output` (<https://nitro.build/deploy/runtimes/node>).
///
/// Answers the folder that stays behind.
pub(super) fn nitro(survey: &Survey<'_, '_>, carried: &mut [Carried]) -> Option<String> {
    // What is told of a path or of the working directory may be a file beside it; engines are not traced.
    const OPENS: [&[u8]; 7] =
        [b"process.cwd", b"readFile", b"createReadStream", b"readdir", b"prisma", b"migrationsFolder", b"baseDir"];
    let context = survey.model.context?;
    let [step] = survey.entry.steps.as_slice() else { return None };
    let server = step.args().first().filter(|first| step.program() == "node" && !first.starts_with('-'))?;
    let server = step.path(server)?;
    let folder = server.strip_suffix("/.output/server/index.mjs").filter(|folder| !folder.is_empty())?;
    let one = carried.iter_mut().find(|one| one.from == folder && one.to == folder)?;
    survey.context_path(&paths::join(folder, "package.json"))?;
    let opens = |file: &&String| {
        (crate::context::is_code(file) || file.ends_with(".vue") || paths::name(file) == "package.json")
            && context
                .read(file)
                .is_none_or(|text| OPENS.iter().any(|word| memchr::memmem::find(&text, word).is_some()))
    };
    if context.files().iter().any(|file| opens(&file)) {
        return None;
    }
    one.from = paths::join(folder, ".output");
    one.to.clone_from(&one.from);
    one.evidence = "the server's bundle holds every module that it needs".to_owned();
    Some(folder.to_owned())
}

/// Takes out of `carried` the folder of a Ruby project in which gems are installed that lie elsewhere, where the runtime
/// stage copies the whole project into it once more: the list of gems is in the project, and nothing else was made.
///
/// Answers the folder that stays behind.
pub(super) fn brought_again(survey: &Survey<'_, '_>, last: usize, carried: &mut Vec<Carried>) -> Option<String> {
    // The folder of the build context that is copied there: all of it, or that of the project, `COPY ./shop .`.
    let again = |folder: &str| {
        let mut later = survey.units.iter().skip(last + 1).filter_map(|unit| unit.copy);
        later.find_map(|copy| match copy.sources.as_slice() {
            _ if !copy.context || copy.to.as_deref() != Some(folder) => None,
            _ if copy.is_whole() => Some(String::new()),
            [source] if paths::plain(source) && !source.trim_start_matches("./").contains(['.', '*', '?']) => {
                Some(paths::join("/", source))
            }
            _ => None,
        })
    };
    let (at, project) = carried.iter().enumerate().find_map(|(at, one)| match again(&one.from) {
        Some(project) if one.from == one.to => Some((at, project)),
        _ => None,
    })?;
    let folder = carried.get(at)?.from.clone();
    let of_project = |source: &String| project.is_empty() || paths::within(&paths::join("/", source), &project);
    // Without its lock file in the project, that is written where the gems are installed.
    let inside = |path: &str| paths::within(path, &folder);
    let mut locked = false;
    for unit in survey.units.iter().take(last + 1) {
        if let Some(copy) = unit.copy.filter(|copy| copy.to.as_deref().is_none_or(inside)) {
            if !copy.context || copy.to.is_none() || !copy.sources.iter().all(of_project) {
                return None;
            }
            locked |= copy.sources.iter().any(|source| paths::name(source) == "Gemfile.lock");
        }
        for step in unit.steps {
            let named = step.args().iter().filter_map(|arg| step.path(arg)).any(|path| inside(&path));
            if !step.cwd.as_deref().is_none_or(inside) && !named {
                continue;
            }
            let plain = match step.program() {
                "mkdir" | "apt-get" | "apt" | "apk" | "gem" | "set" | "echo" | "rm" | "chmod" => true,
                "bundle" | "bundler" => {
                    let told = ["path", "deployment", "vendor", "local", "standalone", "binstubs"];
                    !step.args().iter().any(|arg| told.iter().any(|word| arg.contains(word)))
                        && matches!(step.subcommand(), None | Some("install" | "config" | "update"))
                }
                _ => false,
            };
            if !plain || !step.outputs.is_empty() {
                return None;
            }
        }
    }
    let kept = || {
        let lock = survey.context_path(&paths::join(&folder, "Gemfile.lock"));
        survey.model.context.zip(lock).is_some_and(|(context, lock)| context.files().binary_search(&lock).is_ok())
    };
    let elsewhere = carried.iter().any(|one| !inside(&one.from) && one.evidence.contains("bundle"));
    if !elsewhere || !(locked || kept()) {
        return None;
    }
    carried.remove(at);
    Some(folder)
}

/// Whether a file is a script, which people run and a compiled program does not open.
pub(super) fn is_script(context: &dyn Context, file: &str) -> bool {
    context.read(file).is_some_and(|content| content.starts_with(b"#!"))
}

/// Whether the sources of a project in Rust, C or a language of the JVM call nothing that opens files, starts programs, or
/// reads settings.
fn opens_nothing(context: &dyn Context) -> bool {
    let mut sources = 0;
    for file in context.files() {
        let end = file.rsplit_once('.').map_or("", |(_, end)| end);
        let jvm = matches!(end, "java" | "kt" | "scala" | "groovy") && !file.contains("src/test/");
        // What is packed into the jar may name files that are not; the settings beside the jar count as well.
        let settings = matches!(end, "properties" | "yml" | "yaml" | "xml" | "conf");
        if settings && file.contains("src/main/resources/") {
            let names = |text: &[u8]| memchr::memmem::find(text, b"file:").is_some();
            if context.read(file).is_none_or(|text| names(&text)) {
                return false;
            }
        } else if settings && ["application", "bootstrap"].iter().any(|name| paths::name(file).starts_with(name)) {
            return false;
        }
        if !jvm && !opened::is_source(file) {
            continue;
        }
        let Some(text) = context.read(file) else { return false };
        let text = crate::context::text(&text);
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let opens: &[&str] = if jvm { Words::JvmOpeners.list() } else { Words::NativeOpeners.list() };
        if text.split(word).any(|word| opens.contains(&word)) {
            return false;
        }
        sources += 1;
    }
    sources > 0
}

/// The file or folder that is the whole program: a binary that was compiled, a jar that holds its libraries, or what a
/// build tool installs with them.
fn started(survey: &Survey<'_, '_>, context: &dyn Context, step: &Step) -> Option<String> {
    if step.program() == "java" {
        let at = step.argv.iter().position(|arg| arg == "-jar")?;
        let jar = step.argv.get(at + 1).filter(|jar| !jar.contains('*'))?;
        if unmade(survey, &step.path(jar)?) {
            return None;
        }
        return (packs_libraries(context) || needs_no_library(context)).then(|| step.path(jar))?;
    }
    if let Some(folder) = step.argv.first().and_then(|program| step.path(program)).as_deref().and_then(installed) {
        let installs = |step: &Step| {
            step.kind() == "jvm"
                && step.args().iter().any(|arg| matches!(arg.rsplit(':').next(), Some("installDist" | "stage")))
        };
        return survey.steps().any(|(_, step)| installs(step)).then(|| folder.to_owned());
    }
    let compiles = survey.steps().any(|(_, step)| {
        matches!(step.kind(), "rust" | "make" | "compile" | "cmake" | "haskell" | "swift" | "compiled" | "go")
    });
    // A shared library of the project's own would have to come along.
    let shares = context.files().iter().any(|file| {
        let name = paths::name(file);
        (name == "Makefile" || name == "CMakeLists.txt" || name.ends_with(".mk") || name == "Cargo.toml")
            && context.read(file).is_none_or(|text| {
                let text = crate::context::text(&text);
                text.contains(".so") || text.contains("-shared") || text.contains("SHARED") || text.contains("dylib")
            })
    });
    let program = step.argv.first().filter(|_| compiles && !shares)?;
    if program.contains('/') { step.path(program) } else { Some(format!("/usr/local/bin/{program}")) }
}

/// Whether a jar has a name that Maven gives to nothing in the project: there is none to copy.
fn unmade(survey: &Survey<'_, '_>, jar: &str) -> bool {
    // By these a jar gets a name that is not the project's.
    const NAMES: [&str; 7] =
        ["<finalName", "<outputFile", "<classifier", "<destFileName", "<modules", "${revision", "antrun"];
    let Some((folder, name)) = jar.rsplit_once("/target/").filter(|(_, name)| !name.contains('/')) else {
        return false;
    };
    let elsewhere = survey.steps().any(|(_, step)| step.argv.iter().any(|word| paths::name(word) == name));
    let Some(text) = survey.read(&paths::join(folder, "pom.xml")).filter(|_| !elsewhere) else { return false };
    let text = crate::context::text(&text);
    let parent = text.split_once("<parent>").and_then(|(_, rest)| rest.split_once("</parent>"));
    // Another parent may say how what is packed is called.
    let known = parent.is_none_or(|(parent, _)| parent.contains("org.springframework.boot"));
    let own = parent.map_or(&*text, |(_, rest)| rest);
    let before = text.split_once("<parent>").map_or("", |(before, _)| before);
    let id = |text: &str| Some(text.split_once("<artifactId>")?.1.split_once("</artifactId>")?.0.trim().to_owned());
    let Some(id) = id(before).or_else(|| id(own)) else { return false };
    known && !NAMES.iter().any(|word| text.contains(word)) && !id.contains('$') && !name.starts_with(&id)
}

/// The folder that Gradle or sbt installs a program into with its libraries, of the script that starts it.
fn installed(script: &str) -> Option<&str> {
    let (folder, name) = script.rsplit_once("/bin/")?;
    (folder.ends_with(&format!("/build/install/{name}")) || folder.ends_with("/target/universal/stage"))
        .then_some(folder)
}

/// Whether a build file says that the jar holds the libraries that it needs.
fn packs_libraries(context: &dyn Context) -> bool {
    const PACKERS: [&str; 7] = [
        "spring-boot-maven-plugin",
        "org.springframework.boot",
        "maven-shade-plugin",
        "jar-with-dependencies",
        "shadow",
        "quarkus.package.type=uber-jar",
        "sbt-assembly",
    ];
    let mut builds = context.files().iter().filter(|file| {
        matches!(paths::name(file), "pom.xml" | "build.gradle" | "build.gradle.kts" | "application.properties")
            || file.ends_with(".sbt")
    });
    builds.any(|file| {
        context.read(file).is_some_and(|text| {
            let text = crate::context::text(&text);
            PACKERS.iter().any(|packer| text.contains(packer))
        })
    })
}

/// Whether the one build file, of Maven, names no library but for tests, so that the jar is all there is.
fn needs_no_library(context: &dyn Context) -> bool {
    let builds = |file: &&String| {
        matches!(paths::name(file), "pom.xml" | "build.gradle" | "build.gradle.kts") || file.ends_with(".sbt")
    };
    let mut builds = context.files().iter().filter(builds);
    let (Some(file), None) = (builds.next(), builds.next()) else { return false };
    let Some(text) = context.read(file).filter(|_| paths::name(file) == "pom.xml") else { return false };
    let text = crate::context::text(&text);
    // A parent or a profile may name more.
    !["<parent>", "<modules>", "<profile>", "addClasspath"].iter().any(|sign| text.contains(sign))
        && text
            .split("<dependency>")
            .skip(1)
            .all(|rest| rest.split_once("</dependency>").is_some_and(|(one, _)| one.contains("<scope>test</scope>")))
}

/// Whether a manifest is a workspace's root or a member: pnpm's `prune` takes away what the members have.
fn in_workspace(context: &dyn Context, manifest: &str) -> bool {
    let above = manifest.match_indices('/').map(|(at, _)| manifest.get(..=at).unwrap_or_default());
    [""].into_iter().chain(above).any(|folder| {
        // Without members, the file is settings alone.
        let workspace = context.read(&format!("{folder}pnpm-workspace.yaml"));
        workspace.is_some_and(|text| crate::context::text(&text).lines().any(|line| line.starts_with("packages:")))
    })
}

/// The command that takes the development dependencies out of a Node project before it goes along; `None` where
/// `package.json` and the sources don't prove that nothing needs them.
pub(super) fn without_development(survey: &Survey<'_, '_>, image: Option<&Image<'_>>, folder: &str) -> Option<String> {
    let context = survey.model.context?;
    let [step] = survey.entry.steps.as_slice() else { return None };
    let inside = survey.context_path(&paths::join(folder, "package.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&crate::context::text(&context.read(&inside)?)).ok()?;
    let names = |key: &str| -> Vec<String> {
        let table = manifest.get(key).and_then(serde_json::Value::as_object);
        table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
    };
    let (needed, development) = (names("dependencies"), names("devDependencies"));
    if development.is_empty() || manifest.get("workspaces").is_some() || in_workspace(context, &inside) {
        return None;
    }
    let (at, installer) = survey.steps().find(|(_, step)| {
        step.cwd.as_deref() == Some(folder)
            && matches!(step.kind(), "npm" | "yarn" | "pnpm")
            && matches!(step.subcommand(), None | Some("install" | "i" | "ci"))
            && !step.argv.iter().any(|arg| arg == "-g" || arg == "--global")
    })?;
    // It goes by this, where it is told nothing else.
    let index = survey.units.get(at).map_or(0, |unit| unit.index);
    let told = |arg: &String| {
        ["--include", "--production=false", "--prod=false", "--dev"].iter().any(|word| arg.starts_with(word))
    };
    let production = matches!(survey.model.variable(index, "NODE_ENV"), Value::Set(value) if value == "production")
        && !installer.argv.iter().any(told);
    let already = installer.argv.iter().any(|arg| {
        matches!(
            arg.as_str(),
            "--production" | "--prod" | "-P" | "--omit=dev" | "--only=production" | "--only=prod" | "--production=true"
        )
    });
    // `npm prune --production`, which the file does itself behind the last install.
    let pruned = survey.steps().any(|(_, other)| {
        other.cwd.as_deref() == Some(folder)
            && other.kind() == installer.kind()
            && other.subcommand() == Some("prune")
            && other.span.start > installer.span.start
    });
    // Modules that are moved elsewhere are not there to prune.
    let modules = paths::join(folder, "node_modules");
    let moved = survey.steps().any(|(_, other)| {
        other.program() == "mv" && other.operands().next().is_some_and(|from| other.is_at(from, &modules))
    });
    if already
        || pruned
        || moved
        || production
        || !starts_plainly(&manifest, step, &needed, &development)
        || compiles_at_start(survey, step)
    {
        return None;
    }
    // A source that names a development dependency may need it when it runs.
    for file in context.files() {
        let name = paths::name(file);
        let source = [".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx"].iter().any(|end| name.ends_with(end));
        // What runs reads the settings that are called after it, and what they name; those in TypeScript by TypeScript:
        // `next.config.ts`.
        let settings = name.split_once(".config.");
        let read = settings.is_some_and(|(of, _)| needed.iter().any(|module| module == of));
        if read && name.ends_with("ts") && development.iter().any(|module| module == "typescript") {
            return None;
        }
        let made = |part: &str| matches!(part, "node_modules" | "dist" | "build" | "coverage");
        let aside = crate::context::is_test(file)
            || file.split('/').any(made)
            || settings.is_some() && !read
            || name.starts_with('.')
            || matches!(name, "gulpfile.js" | "Gruntfile.js");
        if !source || aside {
            continue;
        }
        let text = context.read(file)?;
        let text = crate::context::text(&text);
        let names = |module: &String| {
            ['\'', '"'].iter().any(|quote| {
                text.contains(&format!("{quote}{module}{quote}")) || text.contains(&format!("{quote}{module}/"))
            })
        };
        if development.iter().filter(|module| !module.starts_with("@types/")).any(names) {
            return None;
        }
    }
    let scripted = |name: &str| manifest.get("scripts").is_some_and(|scripts| scripts.get(name).is_some());
    let major = image
        .filter(|image| image.language() == Some("node"))
        .and_then(|image| image.tag().split(['.', '-']).next()?.parse::<u32>().ok());
    let command = match installer.program() {
        "yarn" if !context.files().iter().any(|file| file == ".yarnrc.yml") => {
            "yarn install --production --ignore-scripts --prefer-offline".to_owned()
        }
        // Versions that don't agree are refused by this command as well, unless it is told the same.
        "npm" => {
            let omit = if major.is_some_and(|major| major < 16) { "--production" } else { "--omit=dev" };
            let lenient = installer.argv.iter().map(String::as_str);
            let mut lenient = lenient.filter(|arg| matches!(*arg, "--legacy-peer-deps" | "--force" | "-f"));
            match lenient.next() {
                Some(option) => format!("npm prune {omit} {option}"),
                None => format!("npm prune {omit}"),
            }
        }
        // It runs the scripts of the project again, whose programs it has just taken away: `prepare` of Husky.
        "pnpm"
            if ["preinstall", "install", "postinstall", "prepare", "prepublish"].iter().any(|name| scripted(name)) =>
        {
            "pnpm prune --prod --config.ignore-scripts=true".to_owned()
        }
        "pnpm" => "pnpm prune --prod".to_owned(),
        _ => return None,
    };
    // The manager itself need not be in PATH then.
    Some(if installer.by_corepack { format!("corepack {command}") } else { command })
}

/// The commands that take the modules of Node away that only the bundling of a project in another language used: Node stays
/// in the builder, and the project's files name the modules nowhere. They may be served as they are where they are named.
pub(super) fn without_modules(survey: &Survey<'_, '_>, carried: &[Carried]) -> Vec<String> {
    let Some(context) = survey.model.context else { return Vec::new() };
    let installs = |step: &&Step| {
        matches!(step.kind(), "npm" | "yarn" | "pnpm")
            && matches!(step.subcommand(), None | Some("install" | "i" | "ci"))
            && !step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global" | "--prefix" | "--cwd"))
    };
    let names = |file: &&String| {
        let name = paths::name(file);
        let bundler = name.contains(".config.")
            || name.contains("webpack")
            || matches!(name, "gulpfile.js" | "Gruntfile.js" | "package.json" | ".babelrc" | "tsconfig.json")
            || [".md", ".lock", "lock.json", "lock.yaml", "ignore", "ockerfile", ".yml", ".yaml"]
                .iter()
                .any(|end| name.ends_with(end));
        !bundler && context.read(file).is_none_or(|text| memchr::memmem::find(&text, b"node_modules").is_some())
    };
    // Where the project lies, or a part of it: `cd web && npm ci`.
    let along = |folder: &&str| carried.iter().any(|one| one.from == one.to && paths::within(folder, &one.from));
    let steps = survey.steps().map(|(_, step)| step).filter(installs);
    let mut folders: Vec<&str> = steps.filter_map(|step| step.cwd.as_deref()).filter(along).collect();
    folders.sort_unstable();
    folders.dedup();
    // What is large or can't be read may name anything, unless it is a picture or the like.
    if folders.is_empty() || context.files().iter().filter(|file| may_name(file)).any(|file| names(&file)) {
        return Vec::new();
    }
    folders.into_iter().map(|folder| format!("rm -rf {folder}/node_modules")).collect()
}

/// Whether a file could name others: no picture, sound, font or archive.
fn may_name(file: &str) -> bool {
    let end = paths::name(file).rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    !Words::NamelessEnds.has(end.as_str()) && !file.split('/').any(|part| part == "node_modules")
}

/// Whether what starts is a development server: it compiles, and what it compiles with is a development dependency.
fn compiles_at_start(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let Some(index) = survey.entry.cmd.or(survey.entry.entrypoint) else { return false };
    let read = |path: &str| survey.model.context?.read(&survey.context_path(path)?);
    let behind = npm::behind(survey.model, index, step, &read);
    behind.iter().any(|step| develops::keeps(step.program(), step.args()).is_some())
}

/// Whether what starts is Node itself, or a program of a dependency that stays.
fn starts_plainly(manifest: &serde_json::Value, step: &Step, needed: &[String], development: &[String]) -> bool {
    let script = match (step.program(), step.subcommand()) {
        ("npm" | "yarn" | "pnpm", Some("start")) => "start",
        ("npm" | "pnpm", Some("run" | "run-script")) | ("yarn", Some("run")) => {
            step.args().iter().filter(|arg| !arg.starts_with('-')).nth(1).map_or("", String::as_str)
        }
        ("yarn", Some(name)) => name,
        _ => "",
    };
    if script.is_empty() {
        let developed = |arg: &str| development.iter().any(|module| paths::within(arg, module));
        let plain = step.args().iter().all(|arg| {
            !arg.ends_with(".ts") && !arg.contains("ts-node") && !arg.contains("register") && !developed(arg)
        });
        let starts = step.args().iter().any(|arg| arg.ends_with(".js") || !arg.starts_with('-'));
        // `npx next start`, `node_modules/.bin/next start`.
        let program = if step.program() == "npx" { step.subcommand().unwrap_or_default() } else { step.program() };
        return plain && starts && (program == "node" || stays(program, needed));
    }
    let text =
        |name: &str| manifest.get("scripts").and_then(|scripts| scripts.get(name)).and_then(|text| text.as_str());
    let hooks = text(&format!("pre{script}")).is_some() || text(&format!("post{script}")).is_some();
    let Some(command) = text(script).filter(|_| !hooks) else { return false };
    let mut words = command.split_ascii_whitespace().skip_while(|word| word.contains('=') && !word.starts_with('-'));
    let program = words.next().unwrap_or_default();
    let chained = command.contains(['&', '|', ';', '$', '`']);
    let develops = development.iter().any(|module| command.contains(module.as_str()));
    let runs_node = program == "node" && !command.contains(".ts") && !command.contains("register");
    !chained && !develops && (runs_node || stays(program, needed))
}

/// Whether a program comes of a dependency that stays, and starts what it says itself; what others start, or compile, their
/// own settings say.
fn stays(program: &str, needed: &[String]) -> bool {
    !Words::ScriptRunners.has(program) && needed.iter().any(|module| module == program)
}
