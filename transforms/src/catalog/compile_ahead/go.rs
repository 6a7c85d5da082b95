//! `go run`: the packages go to `go build`, with a name of our own choosing.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::transform::Refusal;

use super::place;
use super::project::{Ahead, Project, line, plain};
use super::refuse;

/// What takes the place of `go run`.
pub(super) fn run(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let step = project.step();
    (step.program() == "go" && step.subcommand() == Some("run")).then(|| ahead(project))
}

/// Whether a command prepares what `go run` compiles.
fn prepares(step: &Step) -> bool {
    step.kind() == "go"
        && matches!(step.subcommand(), Some("get" | "mod" | "build" | "install" | "generate" | "vet" | "clean"))
}

fn ahead(project: &Project<'_, '_, '_>) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let Run { flags, packages, rest } = split(argv);
    let Some(first) = packages.first() else {
        return Err(refuse("unknown-program", "what `go run` compiles can't be told", false));
    };
    if flags.iter().any(|flag| flag.starts_with("-exec")) {
        return Err(refuse("entangled-start", "`go run -exec` starts the program through another", false));
    }
    // They generate or build, and start compilers themselves: `mkall.go`, `build.go`.
    let builds = |name: &str| {
        let stem = name.strip_suffix(".go").unwrap_or_default();
        matches!(stem, "build" | "make" | "mage" | "generate" | "gen") || stem.starts_with("mk")
    };
    if packages.iter().any(|package| builds(paths::name(package))) {
        let text = format!("{first} is by its name a script that builds, and needs the toolchain when it runs");
        return Err(refuse("builds-at-run-time", text, true));
    }
    let name = name(cwd, packages);
    let mut assumptions = vec!["the program does not look for its own sources when it runs".to_owned()];
    // What another user compiles can't lie in a folder of root's.
    let user = place::behind(project.model, project.stage).and_then(|at| place::other_user(project.model, at));
    let folder = match user {
        None => "/usr/local/bin".to_owned(),
        Some(user) => {
            assumptions.push(format!("{user} may write in {cwd}"));
            paths::join(cwd, "bin")
        }
    };
    let path = paths::join(&folder, &name);
    let build = match first.split_once('@') {
        // A module at a version is fetched and installed.
        Some((module, _)) if packages.len() == 1 => {
            let name = module.rsplit('/').find(|part| !version(part)).unwrap_or(module);
            let build = format!("GOBIN={folder} go install {}", line(&[flags, packages].concat()));
            return Ok(made(build, paths::join(&folder, name), rest, cwd, assumptions));
        }
        _ if flags.is_empty() => format!("go build -o {path} {}", line(packages)),
        _ => format!("go build {} -o {path} {}", line(flags), line(packages)),
    };
    Ok(made(build, path, rest, cwd, assumptions))
}

fn made(build: String, path: String, rest: usize, cwd: &str, assumptions: Vec<String>) -> Ahead {
    let same = build.clone();
    let writes = if path.starts_with("/usr/local/") { cwd.to_owned() } else { path.clone() };
    Ahead {
        build,
        built: Box::new(move |step| step.argv.join(" ") == same),
        prepares,
        start: vec![path],
        rest,
        writes,
        env: Vec::new(),
        workdir: None,
        assumptions,
    }
}

/// A name for the program: that of the folder of the package, or of the project.
fn name(cwd: &str, packages: &[String]) -> String {
    let usual = |name: &str| matches!(name, "src" | "go" | "app" | "code" | "workspace" | "build" | "main" | "cmd");
    let of = |folder: &str| {
        let name = paths::name(folder);
        (plain(name) && !usual(name)).then(|| name.to_owned())
    };
    let package = match packages {
        [only] => {
            let path = paths::join(cwd, only);
            Some(if only.ends_with(".go") { paths::parent(&path).to_owned() } else { path })
        }
        _ => None,
    };
    let inside = package.filter(|package| !package.contains('*')).and_then(|package| of(&package));
    inside.or_else(|| of(cwd)).unwrap_or_else(|| "app".to_owned())
}

/// Whether a part of a module's path is its version: `v2`.
fn version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `go run`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Run<'w> {
    flags: &'w [String],
    packages: &'w [String],
    /// The place of the first argument of the program.
    rest: usize,
}

/// `go run [flags] package|files… [arguments]`
fn split(argv: &[String]) -> Run<'_> {
    let start = argv.iter().position(|word| word == "run").unwrap_or(1) + 1;
    let mut at = start;
    while let Some(word) = argv.get(at).filter(|word| word.starts_with('-')) {
        at += 1 + usize::from(Words::GoValued.has(word));
    }
    let first = at.min(argv.len());
    let files = argv.iter().skip(first).take_while(|word| word.ends_with(".go")).count();
    let packages = files.max(usize::from(first < argv.len()));
    let part = |from: usize, to: usize| argv.get(from..to).unwrap_or_default();
    Run { flags: part(start, first), packages: part(first, first + packages), rest: first + packages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_run_is_taken_apart_as_go_does() {
        let split = |text: &str| {
            let argv: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let Run { flags, packages, rest } = split(&argv);
            (flags.join(" "), packages.join(" "), argv[rest..].join(" "))
        };
        let parts = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(split("go run ."), parts("", ".", ""));
        assert_eq!(split("go run -race -tags x,y ./cmd/a -v z.go"), parts("-race -tags x,y", "./cmd/a", "-v z.go"));
        assert_eq!(split("go run a.go b.go -p 80"), parts("", "a.go b.go", "-p 80"));
        assert_eq!(split("go run -mod=vendor a.go x"), parts("-mod=vendor", "a.go", "x"));
        assert_eq!(split("go run"), parts("", "", ""));
        assert_eq!(split("go run -tags"), parts("-tags", "", ""));
    }
}
