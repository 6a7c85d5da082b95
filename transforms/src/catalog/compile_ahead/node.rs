//! `npm run dev`, `ts-node` and their like: where the project has a script that builds, and another that starts what was
//! built, these take the place of what compiles at every start.

use std::sync::LazyLock;

use regex::Regex;

use crate::knowledge::develops;
use crate::model::commands::Step;
use crate::model::npm::{self, Call};
use crate::model::paths;
use crate::transform::Refusal;

use super::project::{Ahead, Project};
use super::refuse;

/// Programs that run sources of another language, and compile them as they do.
const COMPILERS: [&str; 8] =
    ["ts-node", "ts-node-esm", "ts-node-script", "ts-node-dev", "tsnd", "tsx", "babel-node", "ts-node-transpile-only"];

/// Programs that start another one again whenever a source changes.
const WATCHERS: [&str; 5] = ["nodemon", "ts-node-dev", "tsnd", "tsc-watch", "node-dev"];

/// Scripts of `package.json` that start what was built, the surest name first.
const STARTS: [&str; 5] = ["start:prod", "start:production", "prod", "start", "serve:prod"];

/// Variables that Next.js writes into what it makes for browsers.
static PUBLIC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bNEXT_PUBLIC_[A-Z0-9_]+").ok());

/// Variables that a module reads.
static READ: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"process\.env(?:\.|\[['"])([A-Z][A-Z0-9_]*)"#).ok());

/// Variables that say how it is built, and that no container is given.
const OF_BUILDS: [&str; 6] = ["NODE_ENV", "CI", "ANALYZE", "VERCEL", "VERCEL_ENV", "VERCEL_URL"];

/// What takes the place of a command that compiles sources as it runs them; `None` where it does nothing like that.
pub(super) fn develops(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let step = project.step();
    let call = Call::of(step);
    let script = call.as_ref().and_then(|call| call.script(step.program())).map(|(name, _)| name.to_owned());
    let folder = call.as_ref().map_or(step.cwd.clone(), |call| call.folder.clone());
    let behind = npm::behind(project.model, project.start.index, step, &|path| {
        project.read(path).map(|text| text.into_bytes().into())
    });
    let compiles = |one: &Step| {
        COMPILERS.contains(&one.program())
            || one.args().iter().any(|arg| {
                COMPILERS.contains(&arg.as_str()) || arg.contains("ts-node/register") || arg == "@babel/register"
            })
            || one.argv.first().is_some_and(|name| installed(name))
                && develops::keeps(one.program(), one.args()).is_some()
            || one.program() == "node"
                && one.args().iter().any(|arg| arg == "--loader" || arg == "--import")
                && one.args().iter().any(|arg| arg.ends_with(".ts"))
    };
    let watches = |one: &Step| {
        WATCHERS.contains(&one.program()) || one.program() == "nest" && one.args().iter().any(|arg| arg == "--watch")
    };
    if let Some(watcher) = behind.iter().find(|one| watches(one)) {
        let text = format!(
            "`{}` starts the program again whenever a source changes: it is a development image",
            watcher.program()
        );
        return Some(Err(refuse("development-image", text, true)));
    }
    let Some(compiler) = behind.iter().find(|one| compiles(one)) else {
        // The name alone says what it is for, and the manifest that it stands in is not there to read.
        let unread = folder.as_deref().is_none_or(|folder| !project.has(&paths::join(folder, "package.json")));
        let named = script
            .as_deref()
            .is_some_and(|name| matches!(name, "dev" | "develop" | "start:dev" | "start-dev" | "dev-server"));
        return (unread && named).then(|| Err(project.unnamed("package.json")));
    };
    Some(ahead(project, folder.as_deref(), compiler))
}

/// Whether a program is called as one that a package brings, which lies in a folder of programs: `/parcel`, a program of
/// the project's own, only happens to bear its name.
fn installed(name: &str) -> bool {
    !name.contains('/') || name.contains("bin/")
}

fn ahead(project: &Project<'_, '_, '_>, folder: Option<&str>, compiler: &Step) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let step = project.step();
    let folder = folder
        .filter(|folder| *folder == cwd)
        .ok_or_else(|| refuse("unknown-program", "which folder of the project it starts in can't be told", false))?;
    let manifest = project.read(&paths::join(folder, "package.json")).ok_or_else(|| project.unnamed("package.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).map_err(|_| project.unnamed("package.json"))?;
    let text = |name: &str| manifest.get("scripts")?.get(name)?.as_str();
    let Some(script) = text("build") else {
        let text = format!("`{}` compiles at every start, and package.json has no script `build`", compiler.program());
        return Err(refuse("no-build-script", text, false));
    };
    let manager = match step.program() {
        "pnpm" => "pnpm",
        "yarn" | "yarnpkg" => "yarn",
        "bun" | "bunx" => "bun",
        _ if project.has(&paths::join(folder, "yarn.lock")) => "yarn",
        _ => "npm",
    };
    let read = |path: &str| project.read(path).map(|text| text.into_bytes().into());
    let mut start = None;
    for name in STARTS {
        if text(name).is_none() {
            continue;
        }
        let words = ["npm", "run", name].map(str::to_owned).to_vec();
        let own = npm::behind(project.model, project.start.index, &step.with_argv(words), &read);
        if let [only] = own.as_slice()
            && starts_same(only, compiler)
        {
            start = Some(name);
            break;
        }
    }
    let Some(start) = start else {
        let text = format!(
            "package.json has no script that starts what `build` makes of what `{}` starts",
            super::short(&compiler.argv.join(" "))
        );
        return Err(refuse("no-production-start", text, false));
    };
    let words = match (manager, start) {
        ("npm" | "pnpm", "start") => vec![manager.to_owned(), "start".to_owned()],
        ("yarn", start) => vec!["yarn".to_owned(), start.to_owned()],
        (manager, start) => vec![manager.to_owned(), "run".to_owned(), start.to_owned()],
    };
    let build = if manager == "yarn" { "yarn build".to_owned() } else { format!("{manager} run build") };
    // Words behind the script are for what it starts, and that is another program now.
    let passed =
        Call::of(step).and_then(|call| call.script(step.program()).map(|(_, rest)| rest.len())).unwrap_or_default();
    if passed > 0 {
        let text = "words behind the script are for the program that compiles";
        return Err(refuse("entangled-start", text, false));
    }
    if compiler.program() == "next"
        && let Some((variable, file)) = given_at_start(project, folder)
    {
        let text = format!(
            "{file} reads {variable}, which `next build` writes into what it makes: nothing in the build sets it, and a \
             container is given it when it starts"
        );
        return Err(refuse("settings-at-start", text, false));
    }
    // `RUN nest build` is what the script of that name does.
    let same = [build.clone(), script.to_owned(), format!("npx {script}")];
    Ok(Ahead {
        build,
        built: Box::new(move |step| same.contains(&step.argv.join(" "))),
        prepares: |step| {
            matches!(step.program(), "npm" | "yarn" | "pnpm" | "bun")
                && Call::of(step).is_some_and(|call| call.installs(step.program()))
        },
        start: words,
        rest: step.argv.len(),
        writes: cwd.to_owned(),
        env: Vec::new(),
        workdir: None,
        assumptions: vec![format!(
            "the script `{start}` starts the same program on the same port, in production mode, as `{}` did",
            super::short(&compiler.argv.join(" "))
        )],
    })
}

/// A variable whose value Next.js takes when it builds, with the file that reads it, where nothing says it then: a server
/// for development takes it from the container.
fn given_at_start(project: &Project<'_, '_, '_>, folder: &str) -> Option<(String, String)> {
    const SETTINGS: [&str; 4] = [".env", ".env.production", ".env.local", ".env.production.local"];
    let settings: Vec<String> = SETTINGS.iter().filter_map(|name| project.read(&paths::join(folder, name))).collect();
    let said = |name: &str| {
        let line = |line: &str| {
            let line = line.trim_start();
            let line = line.strip_prefix("export ").unwrap_or(line);
            line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        project.sets(name) || settings.iter().any(|text| text.lines().any(line))
    };
    for file in project.below(folder) {
        let name = paths::name(&file);
        let source = [".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"].iter().any(|end| name.ends_with(end));
        let aside =
            crate::context::is_test(&file) || file.split('/').any(|part| matches!(part, "node_modules" | ".next"));
        if !source || aside {
            continue;
        }
        let Some(text) = project.read(&paths::join(folder, &file)) else { continue };
        let public = PUBLIC.as_ref().into_iter().flat_map(|names| names.find_iter(&text)).map(|found| found.as_str());
        // Its own settings are worked out when it builds: where it hands requests on to.
        let own = READ.as_ref().filter(|_| name.starts_with("next.config."));
        let own = own.into_iter().flat_map(|names| names.captures_iter(&text)).filter_map(|found| found.get(1));
        let own = own.map(|found| found.as_str()).filter(|name| !OF_BUILDS.contains(name));
        if let Some(variable) = public.chain(own).find(|name| !said(name)) {
            return Some((variable.to_owned(), file));
        }
    }
    None
}

/// Whether a command starts what is built of the sources that another compiles as it runs them.
fn starts_same(start: &Step, compiler: &Step) -> bool {
    let port = |step: &Step| {
        step.args().iter().any(|arg| matches!(arg.as_str(), "-p" | "--port") || arg.starts_with("--port="))
    };
    // A framework starts what it has built by another word.
    let same_framework = |name: &str, starts: &str| {
        compiler.program() == name && start.program() == name && start.subcommand() == Some(starts)
    };
    if same_framework("next", "start") || same_framework("nuxt", "start") {
        return port(start) == port(compiler);
    }
    let node_runs = || {
        let entry = start.args().iter().find(|arg| !arg.starts_with('-'))?;
        matches!(start.program(), "node" | "nodejs").then_some(entry.as_str())
    };
    if compiler.program() == "nest" {
        // It starts what it has made of `src/main.ts`, and takes the settings of its own from words behind it.
        let plain = compiler.args().len() == 1;
        let made = ["dist/main", "dist/main.js", "dist/src/main", "dist/src/main.js"];
        return plain && node_runs().is_some_and(|entry| made.contains(&entry.trim_start_matches("./")));
    }
    if matches!(compiler.program(), "nuxt" | "nuxi") {
        return node_runs().is_some_and(|entry| entry.contains(".output/server/"));
    }
    // `ts-node src/index.ts` and `node dist/index.js`, in whatever folder the build puts it.
    let stem = |path: &str| {
        let name = paths::name(path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    };
    let source = compiler.args().iter().find(|arg| {
        !arg.starts_with('-') && [".ts", ".tsx", ".js", ".mjs", ".mts", ".jsx"].iter().any(|end| arg.ends_with(end))
    });
    let (Some(source), Some(entry)) = (source, node_runs()) else { return false };
    let built = ["dist/", "build/", "lib/", "out/", "output/", "server/", ".build/", "bin/"];
    let entry = entry.trim_start_matches("./");
    stem(source) == stem(entry)
        && built.iter().any(|folder| entry.starts_with(folder))
        && entry != source.trim_start_matches("./")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_of_a_package_lies_in_a_folder_of_programs() {
        for name in ["vite", "node_modules/.bin/vite", "/usr/local/bin/vite"] {
            assert!(super::installed(name), "{name}");
        }
        for name in ["/parcel", "./next"] {
            assert!(!super::installed(name), "{name}");
        }
    }
}
