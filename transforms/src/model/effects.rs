//! What a command does to the image, as far as a stage split has to know.

use super::commands::Step;
use crate::knowledge::releases::Manager;

/// The effect of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Installs packages of the distribution.
    Install(Packages),
    /// Refreshes or cleans a package manager's lists: it goes where an install goes.
    Lists,
    /// Makes users or groups.
    User,
    /// Makes folders, links, modes, owners, or removes: repeatable anywhere, on the paths given.
    Files(Vec<String>),
    /// Writes these paths, from what is there, from the network, or from its own text.
    Writes(Vec<String>),
    /// Brings the system's own state up to date (`ldconfig`, `update-ca-certificates`, `locale-gen`).
    Configure,
    /// Fetches, compiles or bundles: work of a toolchain.
    Build,
    /// Leaves nothing behind.
    Nothing,
    /// Not known.
    Unknown,
}

/// An install of distribution packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Which manager.
    pub manager: Manager,
    /// The packages as they are written, version pins included.
    pub names: Vec<String>,
}

/// Options of package managers that take a value as the next word.
const VALUED: [&str; 10] =
    ["-t", "--target-release", "-o", "--option", "--virtual", "-X", "--repository", "--enablerepo", "--root", "-c"];

/// The effect of `step`.
pub fn of(step: &Step) -> Effect {
    let args: Vec<&str> = step.args().iter().map(String::as_str).collect();
    let effect = command(step, step.program(), &args);
    if !step.outputs.is_empty() && matches!(effect, Effect::Nothing | Effect::Unknown) {
        let paths: Vec<String> = step.outputs.iter().filter_map(|path| step.path(path)).collect();
        let paths: Vec<String> = paths.into_iter().filter(|path| !path.starts_with("/dev/")).collect();
        if !paths.is_empty() {
            return Effect::Writes(paths);
        }
    }
    effect
}

fn command(step: &Step, program: &str, args: &[&str]) -> Effect {
    let operands =
        || args.iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg)).collect::<Vec<_>>();
    let last = || args.iter().rev().find(|arg| !arg.starts_with('-')).and_then(|arg| step.path(arg));
    match program {
        "apt-get" | "apt" | "aptitude" => packages(Manager::Apt, args, &["install"]),
        "apk" => packages(Manager::Apk, args, &["add"]),
        "yum" | "dnf" | "microdnf" | "tdnf" => {
            packages(Manager::Yum, args, &["install", "localinstall", "groupinstall"])
        }
        "zypper" => packages(Manager::Zypper, args, &["install", "in"]),
        "pacman" => match args.first() {
            Some(first) if first.starts_with("-S") => install(Manager::Pacman, args.get(1..).unwrap_or_default()),
            _ => Effect::Lists,
        },
        "useradd" | "adduser" | "groupadd" | "addgroup" | "usermod" | "groupmod" | "chpasswd" | "passwd" | "chsh" => {
            Effect::User
        }
        "mkdir" | "touch" | "rm" | "rmdir" | "ln" | "install" => Effect::Files(operands()),
        "chmod" | "chown" | "chgrp" | "setcap" | "setfacl" => {
            let operands = args.iter().filter(|arg| !arg.starts_with('-')).skip(1);
            Effect::Files(operands.filter_map(|arg| step.path(arg)).collect())
        }
        "cp" | "mv" | "rsync" => Effect::Writes(last().into_iter().collect()),
        "tee" | "sed" if program == "tee" || args.iter().any(|arg| arg.starts_with("-i")) => {
            let skip = usize::from(program == "sed");
            let operands = args.iter().filter(|arg| !arg.starts_with('-')).skip(skip);
            Effect::Writes(operands.filter_map(|arg| step.path(arg)).collect())
        }
        "curl" | "wget" => download(step, program, args),
        "tar" | "unzip" | "bsdtar" => unpack(step, program, args),
        "ldconfig"
        | "update-ca-certificates"
        | "locale-gen"
        | "update-locale"
        | "dpkg-reconfigure"
        | "localedef"
        | "update-alternatives"
        | "fc-cache"
        | "a2enmod"
        | "debconf-set-selections" => Effect::Configure,
        "go" | "go-wrapper" | "dep" | "glide" | "govendor" | "godep" | "gcc" | "g++" | "cc" | "c++" | "clang"
        | "clang++" | "make" | "cmake" | "ninja" | "meson" | "cargo" | "rustup" | "rustc" | "mvn" | "mvnw"
        | "gradle" | "gradlew" | "ant" | "sbt" | "lein" | "javac" | "dotnet" | "mix" | "rebar3" | "stack" | "cabal"
        | "ghc" | "swift" | "swiftc" | "dart" | "pub" | "crystal" | "shards" | "nim" | "nimble" | "zig" | "npm"
        | "yarn" | "pnpm" | "npx" | "bun" | "node" | "tsc" | "ng" | "pip" | "pip3" | "pipenv" | "poetry" | "uv"
        | "conda" | "mamba" | "bundle" | "gem" | "bundler" | "rake" | "rails" | "composer" | "pecl" | "git" | "svn"
        | "hg" | "protoc" | "buf" | "mage" | "upx" | "strip" | "bower" | "gulp" | "grunt" | "webpack" | "vite"
        | "hugo" | "jekyll" | "mkdocs" => Effect::Build,
        "echo" | "printf" | "true" | "false" | ":" | "set" | "env" | "ls" | "cat" | "pwd" | "cd" | "pushd" | "popd"
        | "export" | "unset" | "test" | "[" | "which" | "whoami" | "id" | "date" | "sleep" | "exit" | "uname"
        | "find" | "grep" | "du" | "df" | "ps" | "file" | "head" | "tail" | "wc" | "sha256sum" | "md5sum" | "gpg"
        | "type" | "source" | "." | "shift" | "trap" | "umask" | "read" | "sort" | "awk" | "cut" | "tr" | "xargs"
        | "dirname" | "basename" | "nproc" | "sync" | "history" | "alias" => Effect::Nothing,
        _ => Effect::Unknown,
    }
}

/// `manager … verb package …`
fn packages(manager: Manager, args: &[&str], verbs: &[&str]) -> Effect {
    let verb = args.iter().position(|arg| verbs.contains(arg));
    match verb {
        Some(at) => install(manager, args.get(at + 1..).unwrap_or_default()),
        None => Effect::Lists,
    }
}

fn install(manager: Manager, args: &[&str]) -> Effect {
    let mut names = Vec::new();
    let mut skip = false;
    for arg in args {
        if std::mem::take(&mut skip) {
            continue;
        }
        if VALUED.contains(arg) {
            skip = true;
        } else if !arg.starts_with('-') {
            names.push((*arg).to_owned());
        }
    }
    Effect::Install(Packages { manager, names })
}

/// What `curl` and `wget` write.
fn download(step: &Step, program: &str, args: &[&str]) -> Effect {
    let output = if program == "curl" { ["-o", "--output"] } else { ["-O", "--output-document"] };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let joined = output.iter().find_map(|option| arg.strip_prefix(option)).filter(|rest| !rest.is_empty());
        if output.contains(arg) || (!arg.starts_with("--") && arg.starts_with('-') && arg.ends_with(&output[0][1..])) {
            return match args.next() {
                Some(&"-") => Effect::Nothing,
                Some(path) => step.path(path).map_or(Effect::Unknown, |path| Effect::Writes(vec![path])),
                None => Effect::Unknown,
            };
        }
        if let Some(path) = joined {
            let path = path.trim_start_matches('=');
            return step.path(path).map_or(Effect::Unknown, |path| Effect::Writes(vec![path]));
        }
    }
    if program == "curl" {
        return Effect::Nothing;
    }
    match step.args().iter().find(|arg| arg.contains("://")) {
        Some(url) => {
            let name = url.split(['?', '#']).next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            step.path(name).map_or(Effect::Unknown, |path| Effect::Writes(vec![path]))
        }
        None => Effect::Nothing,
    }
}

/// Where an archive is unpacked to.
fn unpack(step: &Step, program: &str, args: &[&str]) -> Effect {
    let option = if program == "unzip" { "-d" } else { "-C" };
    let named = args.iter().position(|arg| *arg == option).and_then(|at| args.get(at + 1));
    let joined = args.iter().find_map(|arg| arg.strip_prefix("--directory=").or_else(|| arg.strip_prefix(option)));
    let folder = named.copied().or(joined.filter(|rest| !rest.is_empty()));
    step.path(folder.unwrap_or(".")).map_or(Effect::Unknown, |path| Effect::Writes(vec![path]))
}
