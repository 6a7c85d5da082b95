//! What a command does to the image, as far as a stage split has to know.

use std::sync::LazyLock;

use regex::Regex;

use super::commands::Step;
use super::paths;
use crate::knowledge::fetches;
use crate::knowledge::packages::{self, Role};
use crate::knowledge::releases::Manager;
use crate::knowledge::sorted::{Map, Row, Sorted};
use crate::knowledge::words::Words;

/// What kind of command each program is.
static PROGRAMS: Sorted = Sorted::new(include_str!("../../data/commands.tsv"));

/// What installers do that are piped into a shell: the rows of the table, each of which is looked for in an address.
static INSTALLERS: LazyLock<Vec<Row>> =
    LazyLock::new(|| Sorted::new(include_str!("../../data/installers.tsv")).rows().collect());

/// The first row that has a part of an address.
fn installer(address: &str) -> Option<&'static Row> {
    /// Whether any row has: asked of many words, of which few are such an address.
    static ANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let parts: Vec<String> = INSTALLERS.iter().map(|row| regex::escape(row.key)).collect();
        Regex::new(&parts.join("|")).ok()
    });
    if ANY.as_ref().is_some_and(|any| !any.is_match(address)) {
        return None;
    }
    INSTALLERS.iter().find(|row| address.contains(row.key))
}

/// The effect of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Installs packages of the distribution.
    Install(Packages),
    /// Removes packages of the distribution.
    Remove(Packages),
    /// Brings the distribution's packages up to date.
    Upgrade,
    /// Refreshes or cleans a package manager's lists: it goes where an install goes.
    Lists,
    /// Tells the package manager of another archive, or of its key.
    Repository,
    /// Makes users or groups.
    User,
    /// Makes folders, links, modes, owners, or removes: repeatable anywhere, on the paths given.
    Files(Vec<String>),
    /// Writes these paths, from what is there, from the network, or from its own text.
    Writes(Vec<String>),
    /// Brings the system's own state up to date (`ldconfig`, `update-ca-certificates`, `locale-gen`).
    Configure,
    /// Fetches sources into these folders.
    Fetch(Vec<String>),
    /// Fetches, compiles or bundles in the folder that it runs in: work of a toolchain.
    Build,
    /// Puts what it makes or fetches where the programs of its kind look for it.
    Store(Store),
    /// Downloads something into the home of who runs it, where programs look for it when they run: models, browsers.
    Home(fetches::Fetch),
    /// Leaves nothing behind.
    Nothing,
    /// Not known.
    Unknown,
}

/// Where an installer puts things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Store {
    /// The prefix that the project was configured with: `make install`.
    Prefix,
    /// The packages of the Python that it belongs to.
    Python,
    /// Ruby's gems.
    Gems,
    /// Node's global modules.
    Modules,
    /// Extensions of PHP.
    Extensions,
    /// Perl's own library.
    Perl,
    /// LuaRocks' tree.
    Lua,
    /// R's library.
    R,
    /// A folder in the home of who builds: `cargo install`, `rustup`, `stack install`.
    Home(&'static str),
    /// Conda's environments.
    Conda,
}

impl Effect {
    /// Whether a toolchain or an installer of a language is at work.
    pub const fn is_work(&self) -> bool {
        matches!(self, Self::Build | Self::Store(_))
    }
}

/// An install of distribution packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Which manager.
    pub manager: Manager,
    /// The packages as they are written, version pins included.
    pub names: Vec<String>,
    /// Whether what they recommend is installed as well.
    pub recommended: bool,
}

impl Packages {
    /// What one of them is there for.
    pub fn role(&self, package: &str) -> Role {
        if self.recommended && packages::recommends_compilers(package) {
            return Role::Installer;
        }
        packages::role(self.manager, package)
    }
}

/// The package files that `dpkg -i` installs; `None` where one of them is a repository's, by its name, or is not named.
fn archives(args: &[&str]) -> Option<Vec<String>> {
    let files: Vec<&str> = args.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    let plain = |file: &&str| {
        let name = paths::name(file);
        // `dpkg -i dumb-init_*.deb` names the package, `dpkg -i *.deb` does not.
        let letters = |stem: &str| stem.bytes().filter(u8::is_ascii_alphabetic).count();
        let pattern = name.split_once('*').is_some_and(|(stem, _)| letters(stem) < 3);
        name.ends_with(".deb")
            && !pattern
            && !paths::parent(file).contains('*')
            && !file.contains(['$', '?', '[', '{'])
            && !Words::ArchivePackages.list().iter().any(|part| name.contains(part))
    };
    if files.is_empty() || !files.iter().all(plain) {
        return None;
    }
    let written = |file: &str| if file.starts_with(['/', '.', '~']) { file.to_owned() } else { format!("./{file}") };
    Some(files.into_iter().map(written).collect())
}

/// The effect of `step`.
pub fn of(step: &Step) -> &Effect {
    step.effect()
}

/// Works out the effect of `step`.
pub(super) fn find(step: &Step) -> Effect {
    let args: Vec<&str> = step.args().iter().map(String::as_str).collect();
    let effect = command(step, step.program(), &args);
    let silent = matches!(&effect, Effect::Writes(written) if written.is_empty());
    if !step.outputs.is_empty() && (silent || matches!(effect, Effect::Nothing | Effect::Unknown)) {
        let paths: Vec<String> = step.outputs.iter().filter_map(|path| step.path(path)).collect();
        let paths: Vec<String> = paths.into_iter().filter(|path| !path.starts_with("/dev/")).collect();
        if !paths.is_empty() && paths.iter().all(|path| archive_of_packages(path)) {
            return Effect::Repository;
        }
        if !paths.is_empty() {
            return Effect::Writes(paths);
        }
    }
    effect
}

/// The files that options of a command name, each as the word behind it or behind its `=`.
fn told(step: &Step, args: &[&str], options: &[&str]) -> Vec<String> {
    let value = |option: &&str| {
        let behind = |at: usize| args.get(at + 1).copied();
        let joined = || args.iter().find_map(|arg| arg.strip_prefix(option)?.strip_prefix('='));
        args.iter().position(|arg| arg == option).and_then(behind).or_else(joined)
    };
    options.iter().filter_map(value).filter(|path| *path != "-").filter_map(|path| step.path(path)).collect()
}

/// Whether a path is where package managers look for their archives and the keys of those.
fn archive_of_packages(path: &str) -> bool {
    const FOLDERS: [&str; 6] = [
        "/etc/apt/",
        "/etc/yum.repos.d/",
        "/etc/apk/",
        "/etc/zypp/repos.d/",
        "/usr/local/share/keyrings/",
        "/usr/share/keyrings/",
    ];
    FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// Whether a command of the build only answers a question, and makes nothing in the folder that it works in.
pub fn only_asks(step: &Step) -> bool {
    let args = step.args();
    let verb = step.subcommand().unwrap_or_default();
    if !step.outputs.is_empty() {
        return false;
    }
    let version = |arg: &String| matches!(arg.as_str(), "--version" | "-V" | "--help");
    match step.kind() {
        "composer" | "npm" | "yarn" | "pnpm" | "npx" | "jvm" | "gem" | "python" | "go" | "rust" | "compile"
            if args.iter().any(version) && !args.iter().any(|arg| arg == "install" || arg == "add") =>
        {
            true
        }
        "composer" => matches!(verb, "show" | "validate" | "diagnose" | "about" | "check-platform-reqs"),
        "npm" | "yarn" | "pnpm" => matches!(verb, "root" | "bin" | "ls" | "list" | "view" | "prefix" | "whoami"),
        "go" => matches!(verb, "env" | "version" | "list"),
        "gem" | "rake" => {
            matches!(verb, "check" | "env" | "list" | "init" | "rehash" | "versions") && step.program() != "rake"
        }
        "git" => matches!(
            verb,
            "rev-parse"
                | "rev-list"
                | "log"
                | "show"
                | "describe"
                | "status"
                | "symbolic-ref"
                | "ls-remote"
                | "ls-files"
        ),
        "python" => matches!(verb, "list" | "show" | "check" | "freeze" | "debug"),
        "interpreter" if step.program() == "php" => {
            args.iter().all(|arg| matches!(arg.as_str(), "-m" | "-i" | "--ini" | "-v"))
        }
        "interpreter" => prints(step.program(), args),
        _ => false,
    }
}

/// Whether a command changes or writes a file with a text of its own: it can be run anywhere that has the file.
pub fn edits(step: &Step) -> bool {
    matches!(step.kind(), "sed" | "tee" | "nothing") || step.program() == "perl"
}

/// Whether sed or perl is told to edit files in their place: `-i`, `-ri`, `-pi`, `-i.bak`.
fn in_place(args: &[&str]) -> bool {
    args.iter().any(|arg| match arg.strip_prefix('-') {
        Some(long) if long.starts_with('-') => long.starts_with("-in-place"),
        Some(letters) => letters.split(['e', 'f', 'l', 'M']).next().is_some_and(|flags| flags.contains('i')),
        None => false,
    })
}

/// Whether an interpreter is given a line of program text that only prints or compares.
fn prints(program: &str, args: &[String]) -> bool {
    const WORDS: [&str; 6] = ["import ", "from ", "print", "sys.exit", "exit(", "assert "];
    const WORK: [&str; 6] = ["open(", "write", "system", "download", "load(", "get("];
    let option = match program {
        _ if program.starts_with("py") => "-c",
        "ruby" | "node" | "nodejs" | "perl" => "-e",
        _ => return false,
    };
    let Some(text) = args.iter().position(|arg| arg == option).and_then(|at| args.get(at + 1)) else { return false };
    text.split([';', '\n']).map(str::trim).filter(|statement| !statement.is_empty()).all(|statement| {
        WORDS.iter().any(|word| statement.starts_with(word)) && !WORK.iter().any(|word| statement.contains(word))
    })
}

/// What kind of command a program is, by the table; empty where it is not known.
pub fn kind(program: &str) -> &'static str {
    // Asked for every command of every file: a table that hashes is worth being made once.
    static KINDS: LazyLock<Map<&'static str, &'static str>> =
        LazyLock::new(|| PROGRAMS.rows().map(|row| (row.key, row.rest)).collect());
    KINDS.get(program).copied().unwrap_or("")
}

/// Whether a command is an interpreter into which a script from the network is piped.
pub fn from_network(step: &Step) -> bool {
    step.piped.as_deref().is_some_and(|address| address.contains("://"))
        && matches!(
            step.program(),
            "sh" | "bash"
                | "ash"
                | "dash"
                | "zsh"
                | "python"
                | "python2"
                | "python3"
                | "perl"
                | "ruby"
                | "php"
                | "node"
        )
}

/// What a script from the network does, where that is known.
fn piped(step: &Step) -> Option<Effect> {
    let address = step.piped.as_deref()?;
    let row = installer(address)?;
    Some(match row.column(0) {
        "composer" => composer(step),
        "repository" => Effect::Repository,
        "configure" => Effect::Configure,
        "python" => Effect::Store(Store::Python),
        "perl" => Effect::Store(Store::Perl),
        rest => match rest.strip_prefix("home ") {
            Some(folder) => Effect::Store(Store::Home(folder)),
            // It brings a tool for building, to a place of its own.
            None => Effect::Lists,
        },
    })
}

/// The packages of an archive that has no others, by its address or that of the script that adds it.
pub fn archive(address: &str) -> Option<&'static str> {
    let row = installer(address)?;
    (row.column(0) == "repository" && !row.column(1).is_empty()).then(|| row.column(1))
}

/// The programs that an installer from the network puts into the home, where they are tools of the build.
pub fn build_tools(step: &Step) -> Option<&'static str> {
    let address = step.piped.as_deref()?;
    let row = installer(address)?;
    (row.column(0).starts_with("home ") && !row.column(1).is_empty()).then(|| row.column(1))
}

/// Where the installer of Composer puts it.
fn composer(step: &Step) -> Effect {
    let given = |option: &str| {
        let at = step.args().iter().position(|arg| arg == option);
        let next = at.and_then(|at| step.args().get(at + 1)).map(String::as_str);
        next.or_else(|| step.args().iter().find_map(|arg| arg.strip_prefix(option)?.strip_prefix('=')))
    };
    let name = given("--filename").unwrap_or("composer.phar");
    let folder = given("--install-dir").unwrap_or(".");
    step.path(folder).map_or(Effect::Unknown, |folder| Effect::Writes(vec![paths::join(&folder, name)]))
}

/// Whether a program is only asked who it is.
fn asks(args: &[&str]) -> bool {
    const QUESTIONS: [&str; 10] =
        ["--version", "-version", "-v", "-V", "version", "--help", "-h", "help", "--info", "-vv"];
    matches!(args, [only] if QUESTIONS.contains(only)) || args.last() == Some(&"--help")
}

/// What the program text or the module on a command line of Python downloads into the home.
fn downloads(args: &[&str]) -> Option<fetches::Fetch> {
    let after =
        |option: &str| args.iter().position(|arg| *arg == option).and_then(|at| args.get(at..)).map(<[&str]>::to_vec);
    let text = match (after("-c"), after("-m")) {
        (Some(words), _) => words.get(1).map(|text| (*text).to_owned())?,
        (None, Some(words)) => words.get(1..)?.join(" "),
        (None, None) => return None,
    };
    fetches::of(&text).map(|(fetch, _)| fetch)
}

fn command(step: &Step, program: &str, args: &[&str]) -> Effect {
    if step.piped.is_some()
        && matches!(
            program,
            "sh" | "bash" | "python" | "python3" | "python2" | "perl" | "php" | "node" | "env" | "source"
        )
        && let Some(effect) = piped(step)
    {
        return effect;
    }
    if from_network(step) && args.iter().all(|arg| arg.starts_with('-') || *arg == "install") {
        return Effect::Unknown;
    }
    if asks(args) {
        return Effect::Nothing;
    }
    // A script that is called as a tool of the system is, and lies somewhere else: `./install`, `/tmp/aws/install`.
    const TOOLS: [&str; 9] =
        ["configure", "copy", "download", "files", "install", "modes", "nothing", "service", "user"];
    let own = step
        .argv
        .first()
        .is_some_and(|word| ["./", "../"].iter().any(|here| word.starts_with(here)) || word.ends_with("/aws/install"));
    if own && TOOLS.contains(&kind(program)) {
        return Effect::Unknown;
    }
    let has = |wanted: &str| args.contains(&wanted);
    let verb = args.iter().find(|arg| !arg.starts_with('-')).copied().unwrap_or("");
    let target = |name: &str| args.iter().any(|arg| arg.starts_with(name));
    match step.kind() {
        _ if installs_browsers(step) => Effect::Home(fetches::Fetch::Browser),
        // An editor that is told what to do.
        "" if matches!(program, "vim" | "vi" | "ex") && has("-c") => {
            Effect::Writes(args.last().and_then(|file| step.path(file)).into_iter().collect())
        }
        // The setup script of an archive, once it is downloaded: `bash nodesource_setup.sh`.
        "" if matches!(program, "sh" | "bash") && args.first().is_some_and(|script| script.contains("nodesource")) => {
            Effect::Repository
        }
        // Whether it works on this machine.
        "" if matches!(program, "gosu" | "su-exec") && args.last() == Some(&"true") => Effect::Nothing,
        "" if program == "uwsgi" && has("--build-plugin") => Effect::Build,
        "" if program == "ruby-install" => Effect::Writes(vec!["/opt/rubies".to_owned()]),
        "" if matches!(program, "huggingface-cli" | "hf") && verb == "download" => {
            match args.iter().position(|arg| *arg == "--local-dir").and_then(|at| args.get(at + 1)) {
                Some(folder) => Effect::Writes(step.path(folder).into_iter().collect()),
                None => Effect::Home(fetches::Fetch::Models),
            }
        }
        "apt" if has("build-dep") => Effect::Lists,
        "apt" if has("source") => Effect::Build,
        "apt" if has("upgrade") || has("dist-upgrade") || has("full-upgrade") => Effect::Upgrade,
        "apt" => managed(Manager::Apt, args, &["install"], &["remove", "purge", "autoremove"]),
        // Questions about what is installed.
        "dpkg"
            if args.iter().any(|arg| {
                matches!(
                    *arg,
                    "--print-architecture"
                        | "--print-foreign-architectures"
                        | "-l"
                        | "-L"
                        | "-s"
                        | "-S"
                        | "--list"
                        | "--get-selections"
                        | "--compare-versions"
                        | "--search"
                )
            }) || program.starts_with("dpkg-architecture") =>
        {
            Effect::Nothing
        }
        "dpkg" if program == "gdebi" => Effect::Repository,
        "dpkg" if has("-i") || has("--install") => match archives(args) {
            Some(names) => Effect::Install(Packages { manager: Manager::Apt, names, recommended: false }),
            None => Effect::Repository,
        },
        "dpkg" => Effect::Configure,
        "apk" if verb == "upgrade" => Effect::Upgrade,
        "apk" => managed(Manager::Apk, args, &["add"], &["del"]),
        "yum" if program == "yum-config-manager" || has("config-manager") => Effect::Repository,
        "yum"
            if matches!(verb, "update" | "upgrade") && args.iter().filter(|arg| !arg.starts_with('-')).count() == 1 =>
        {
            Effect::Upgrade
        }
        "yum" => {
            let verbs = ["install", "localinstall", "groupinstall", "group", "reinstall"];
            managed(Manager::Yum, args, &verbs, &["remove", "erase", "autoremove"])
        }
        "rpm" if has("-e") || has("--erase") => Effect::Remove(named(Manager::Yum, args)),
        // Asking what is installed changes nothing.
        "rpm"
            if args.first().is_some_and(|arg| {
                ["-q", "-V"].iter().any(|ask| arg.starts_with(ask)) || matches!(*arg, "--query" | "--verify")
            }) =>
        {
            Effect::Nothing
        }
        "rpm" => Effect::Repository,
        "zypper" if has("addrepo") || has("ar") => Effect::Repository,
        "zypper" => managed(Manager::Zypper, args, &["install", "in"], &["remove", "rm"]),
        "pacman" => match args.first() {
            Some(first)
                if first.starts_with("-S")
                    && first.contains(['u', 'y'])
                    && args.iter().all(|arg| arg.starts_with('-')) =>
            {
                Effect::Upgrade
            }
            Some(first) if first.starts_with("-S") => install(Manager::Pacman, args.get(1..).unwrap_or_default()),
            Some(first) if first.starts_with("-R") => {
                Effect::Remove(named(Manager::Pacman, args.get(1..).unwrap_or_default()))
            }
            _ => Effect::Lists,
        },
        "repository" => Effect::Repository,
        "user" => Effect::User,
        "files" => Effect::Files(step.operands().filter_map(|arg| step.path(arg)).collect()),
        "install" if has("-d") || target("--directory") => {
            Effect::Files(step.operands().filter_map(|arg| step.path(arg)).collect())
        }
        "install" => Effect::Writes(copied(step, args)),
        "modes" => {
            let operands = args.iter().filter(|arg| !arg.starts_with('-')).skip(1);
            Effect::Files(operands.filter_map(|arg| step.path(arg)).collect())
        }
        "copy" => match copied(step, args) {
            written if !written.is_empty() && written.iter().all(|path| archive_of_packages(path)) => {
                Effect::Repository
            }
            written => Effect::Writes(written),
        },
        "tee" | "sed" if program == "tee" || in_place(args) => {
            // The script is the first operand, unless options give it.
            let given =
                |arg: &&str| program == "sed" && matches!(*arg, "-e" | "-f" | "--expression" | "--file" | "-ie");
            let scripts =
                args.iter().any(|arg| given(arg) || arg.starts_with("--expression=") || arg.starts_with("--file="));
            let skip = usize::from(program == "sed" && !scripts);
            let operands = args
                .iter()
                .enumerate()
                .filter(|(at, arg)| {
                    !arg.starts_with('-') && !at.checked_sub(1).and_then(|before| args.get(before)).is_some_and(&given)
                })
                .map(|(_, arg)| arg)
                .skip(skip);
            let written: Vec<String> = operands.filter_map(|arg| step.path(arg)).collect();
            if written.iter().all(|path| path.starts_with("/etc/apt/") || path.starts_with("/etc/apk/"))
                && !written.is_empty()
            {
                return Effect::Repository;
            }
            Effect::Writes(written)
        }
        "sed" => Effect::Nothing,
        // The key of an archive, and its address, are put beside those of the system.
        "download" => match download(step, program, args) {
            Effect::Writes(written) if !written.is_empty() && written.iter().all(|path| archive_of_packages(path)) => {
                Effect::Repository
            }
            effect => effect,
        },
        "unpack" => unpack(step, program, args),
        "configure" => Effect::Configure,
        "service" => Effect::Nothing,
        // It runs `make install`, and puts a package into the distribution's list for it.
        "make" if program == "checkinstall" && !has("--install=no") => Effect::Store(Store::Prefix),
        "make" | "ninja" | "cmake" if target("install") || has("--install") => Effect::Store(Store::Prefix),
        // Python's, beside the one that is there.
        "make" if has("altinstall") => Effect::Store(Store::Prefix),
        // What only fills a cache or a tool's own folder in the home.
        "jvm"
            if args.iter().all(|arg| {
                arg.starts_with('-')
                    || arg.starts_with("dependency:")
                    || arg.ends_with("install:install-file")
                    || matches!(*arg, "sbtVersion" | "about" | "upgrade" | "self-install" | "deps" | "update")
            }) =>
        {
            Effect::Store(Store::Home(".m2"))
        }
        "haskell" if matches!(verb, "update" | "setup" | "upgrade" | "config") => Effect::Store(Store::Home(".stack")),
        // `mix do local.hex --force, local.rebar --force`
        "beam" if verb == "do" && args.iter().any(|arg| arg.starts_with("local.") || arg.starts_with("archive.")) => {
            let tasks = args.join(" ");
            let tools = tasks
                .trim_start_matches("do ")
                .split([',', '+'])
                .map(str::trim)
                .all(|task| task.starts_with("local.") || task.starts_with("archive."));
            // Among other tasks it fills the home as well as the project: the home is told by the command that is alone.
            if tools { Effect::Store(Store::Home(".mix")) } else { Effect::Build }
        }
        "beam" if verb.starts_with("local.") || verb.starts_with("archive.") => Effect::Store(Store::Home(".mix")),
        "go" if program == "gometalinter" && has("--install") => Effect::Nothing,
        "jvm" if program == "sdk" => Effect::Store(Store::Home(".sdkman")),
        "dotnet" if verb == "new" && (has("--install") || has("-i")) => Effect::Nothing,
        // The certificate that `https://localhost` answers by when one develops.
        "dotnet" if verb == "dev-certs" => Effect::Store(Store::Home(".dotnet")),
        "compiled" if program == "opam" && !matches!(verb, "exec" | "pin") => Effect::Store(Store::Home(".opam")),
        "compiled" if program == "julia" && args.iter().any(|arg| arg.contains("Pkg.")) => {
            Effect::Store(Store::Home(".julia"))
        }
        "make" | "ninja" | "cmake" | "setup" | "compile" | "jvm" | "dotnet" | "beam" | "swift" | "dart"
        | "compiled" | "npx" | "venv" | "django" | "rake" | "go" => Effect::Build,
        "rust" if verb == "install" => Effect::Store(Store::Home(".cargo")),
        "rust" if program.starts_with("rustup") => Effect::Store(Store::Home(".cargo")),
        "rust" => Effect::Build,
        // Where Stack is told to put the programs, they are what it writes.
        "haskell" if program == "stack" && target("--local-bin-path") => Effect::Build,
        "haskell" if has("install") || has("--copy-bins") => {
            Effect::Store(Store::Home(if program == "cabal" { ".cabal" } else { ".local" }))
        }
        "haskell" => Effect::Build,
        "git" if matches!(verb, "config" | "lfs" | "--version") => Effect::Nothing,
        // A repository without a commit in it, which some tools want around them.
        "git" if verb == "init" && step.cwd.as_deref() == Some("/") && args.len() == 1 => Effect::Nothing,
        // What it answers may be kept: `git rev-parse HEAD > version`.
        "git" if !step.outputs.is_empty() && !matches!(verb, "clone" | "checkout" | "submodule" | "pull") => {
            Effect::Nothing
        }
        "git" => clone(step, args),
        "python" if has("-t") || target("--target") || target("--prefix") => Effect::Build,
        "python" if has("--user") => Effect::Store(Store::Home(".local")),
        "python" if matches!(verb, "install" | "uninstall") || program.starts_with("easy_install") => {
            Effect::Store(Store::Python)
        }
        "python" => Effect::Build,
        "interpreter" if program.starts_with("py") && (has("-c") || has("-m")) && downloads(args).is_some() => {
            // `python -m nltk.downloader -d /usr/share/nltk_data punkt`
            let folder = args.iter().position(|arg| *arg == "-d").and_then(|at| args.get(at + 1));
            match (folder.and_then(|folder| step.path(folder)), downloads(args)) {
                (Some(folder), _) => Effect::Writes(vec![folder]),
                (None, Some(fetch)) => Effect::Home(fetch),
                (None, None) => Effect::Build,
            }
        }
        "interpreter" if program.starts_with("py") => {
            let module = args.iter().position(|arg| *arg == "-m").and_then(|at| args.get(at + 1));
            match module {
                Some(module)
                    if module.ends_with("kernel")
                        || module.ends_with(".kernelspec")
                        || module.ends_with(".install") =>
                {
                    Effect::Store(Store::Python)
                }
                // Models of spaCy are packages.
                Some(&"spacy") if has("download") || has("link") => Effect::Store(Store::Python),
                Some(&("pip" | "easy_install" | "ensurepip")) if !has("--user") => Effect::Store(Store::Python),
                None if (has("install") || has("develop"))
                    && (target("setup") || args.first().is_some_and(|first| paths::name(first) == "setup.py")) =>
                {
                    Effect::Store(Store::Python)
                }
                // What is piped into it is an installer: `cat get-pip.py | python3`.
                None if args.is_empty() => Effect::Store(Store::Python),
                None if args.first().is_some_and(|first| {
                    ["get-pip", "ez_setup", "distribute_setup"].iter().any(|name| first.contains(name))
                }) =>
                {
                    Effect::Store(Store::Python)
                }
                None if verb.is_empty() && !has("-c") && has("-") => Effect::Store(Store::Python),
                None if has("--version") || has("-V") => Effect::Nothing,
                _ => Effect::Build,
            }
        }
        "interpreter" if has("--version") || has("-v") || has("-version") => Effect::Nothing,
        "interpreter" if program.starts_with("php") && has("--info") => Effect::Nothing,
        "interpreter" if program == "perl" && has("-MCPAN") => Effect::Store(Store::Perl),
        "interpreter"
            if program.starts_with("php")
                && args.first().is_some_and(|first| first.ends_with("composer-setup.php")) =>
        {
            composer(step)
        }
        "interpreter"
            if program.starts_with("php") && (has("-r") || target("--install-dir") || args.is_empty() || has("--")) =>
        {
            if target("--install-dir") {
                composer(step)
            } else {
                Effect::Nothing
            }
        }
        "interpreter" if program == "perl" && in_place(args) => {
            let script = |at: usize| {
                at.checked_sub(1).and_then(|before| args.get(before)).is_some_and(|option| {
                    option.starts_with('-') && !option.starts_with("--") && option.ends_with(['e', 'E'])
                })
            };
            let files = args.iter().enumerate().filter(|(at, arg)| !arg.starts_with('-') && !script(*at));
            Effect::Writes(files.filter_map(|(_, arg)| step.path(arg)).collect())
        }
        "interpreter" if matches!(program, "R" | "Rscript") => Effect::Store(Store::R),
        // It links the programs beside itself, or where a variable says.
        "interpreter" if program == "bun" && (has("-g") || has("--global")) => match verb {
            "install" | "i" | "add" | "a" => Effect::Store(Store::Home(".bun")),
            _ => Effect::Nothing,
        },
        "interpreter" => Effect::Build,
        "poetry" | "pipenv" | "uv" if verb == "config" => Effect::Store(Store::Home(".config")),
        // `pipx install` makes an environment in the home, and links its programs.
        "pipx" if verb == "run" => Effect::Build,
        "pipx" if matches!(verb, "ensurepath" | "environment" | "list" | "completions" | "") => Effect::Nothing,
        "pipx" => Effect::Store(Store::Home(".local")),
        "poetry" if program != "flit" && verb == "build" => Effect::Build,
        "pipenv" if has("--system") => Effect::Store(Store::Python),
        "uv" if has("--system") => Effect::Store(Store::Python),
        // As pipx does: an environment in the home, and links to its programs.
        "uv" if verb == "tool" && (has("install") || has("upgrade")) => Effect::Store(Store::Home(".local")),
        "uv" if verb == "python" && has("install") => Effect::Store(Store::Home(UV_PYTHONS)),
        // It works out versions in an environment that nothing is installed into.
        "pipenv" if matches!(verb, "lock" | "requirements") => Effect::Build,
        "pipenv" => Effect::Store(Store::Home(".local/share/virtualenvs")),
        "poetry" => Effect::Store(Store::Python),
        "uv" => Effect::Build,
        "conda" => Effect::Store(Store::Conda),
        // It brings a newer RubyGems to where Ruby itself lies.
        "gem" if verb == "update" && has("--system") => Effect::Configure,
        "gem" if matches!(verb, "install" | "update" | "specific_install") => Effect::Store(Store::Gems),
        "gem" | "bundle" if verb == "config" => Effect::Store(Store::Home(".bundle")),
        "gem" => Effect::Nothing,
        "bundle" if matches!(verb, "install" | "" | "update") => Effect::Store(Store::Gems),
        // What the gem writes of a schedule is for the cron of the system: `bundle exec whenever --update-crontab`.
        "bundle" if has("whenever") && args.iter().any(|arg| is_crontab(arg)) => {
            Effect::Writes(vec!["/var/spool/cron/crontabs/root".to_owned()])
        }
        "bundle" => Effect::Build,
        "npm" | "pnpm" if (has("-g") || has("--global")) && matches!(verb, "uninstall" | "un" | "remove" | "rm") => {
            Effect::Nothing
        }
        "npm" | "yarn" | "pnpm" if has("-g") || has("--global") || verb == "global" => Effect::Store(Store::Modules),
        "npm" | "yarn" | "pnpm" if matches!(verb, "config" | "cache" | "set" | "login") => {
            Effect::Store(Store::Home(".npmrc"))
        }
        "npm" | "yarn" | "pnpm" => Effect::Build,
        // What manages versions of Node keeps them in the home, whoever installed it; `use` is for the shell that runs it.
        "nvm" if verb == "install" => Effect::Store(Store::Home(".nvm")),
        "nvm" => Effect::Nothing,
        "corepack" => Effect::Store(Store::Modules),
        "composer" if program.starts_with("wp") && verb == "cli" => Effect::Nothing,
        "composer" if program.starts_with("wp") && verb == "package" => Effect::Store(Store::Home(".wp-cli")),
        // What brings the tool itself up to date, or sets it up, is for the build.
        "composer"
            if matches!(verb, "self-update" | "selfupdate" | "clear-cache" | "clearcache" | "diagnose" | "about")
                || verb == "config" && (has("-g") || has("--global")) =>
        {
            Effect::Nothing
        }
        "composer" if has("global") => Effect::Store(Store::Home(".composer")),
        "composer" => Effect::Build,
        "php-ext" => Effect::Store(Store::Extensions),
        "perl" => Effect::Store(Store::Perl),
        "lua" => Effect::Store(Store::Lua),
        "r" => Effect::Store(Store::R),
        "nothing" if program == "dos2unix" => {
            let files = args.iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg));
            Effect::Writes(files.collect())
        }
        "nothing" if program == "openssl" => match told(step, args, &["-out", "-keyout"]) {
            outputs if outputs.is_empty() => Effect::Nothing,
            outputs => Effect::Writes(outputs),
        },
        // `curl … | gpg --dearmor -o /etc/apt/keyrings/archive.gpg`
        "nothing"
            if program.starts_with("gpg")
                && told(step, args, &["-o", "--output"]).iter().any(|path| archive_of_packages(path)) =>
        {
            Effect::Repository
        }
        "nothing" => Effect::Nothing,
        _ => Effect::Unknown,
    }
}

/// Whether an option of Whenever has it write the timetable of a user.
fn is_crontab(option: &str) -> bool {
    matches!(option.split('=').next(), Some("--update-crontab" | "--write-crontab" | "-i" | "-w"))
}

/// Whether a command has Playwright download browsers, whoever starts it: `npx playwright install`, `uv run playwright install`.
/// `pip install playwright` names it behind the verb.
pub fn installs_browsers(step: &Step) -> bool {
    let named = |word: &String| {
        let name = paths::name(word);
        name == "playwright" || name.starts_with("playwright@") || name == "patchright"
    };
    let mut behind = step.argv.iter().skip_while(|word| !named(word)).skip(1);
    behind.any(|word| matches!(word.as_str(), "install" | "install-deps"))
}

/// Where uv keeps the Pythons that it downloads, in the home; an environment links there.
pub const UV_PYTHONS: &str = ".local/share/uv/python";

/// The operands of `cp`, `mv`, `install` and `rsync`, and the folder that an option names for all of them.
fn copying<'s>(step: &Step, args: &[&'s str]) -> (Vec<&'s str>, Option<&'s str>) {
    let mut operands: Vec<&str> = Vec::new();
    let mut target = None;
    let mut words = args.iter();
    while let Some(arg) = words.next() {
        match *arg {
            "-t" => target = words.next().copied(),
            "-m" | "-o" | "-g" | "--mode" | "--owner" | "--group" | "-S" if step.program() != "rsync" => {
                words.next();
            }
            "--exclude" | "--include" | "--filter" | "-f" | "-e" | "--rsh" | "--exclude-from" | "--files-from"
                if step.program() == "rsync" =>
            {
                words.next();
            }
            arg if arg.starts_with("--target-directory=") => target = arg.split_once('=').map(|(_, path)| path),
            arg if !arg.starts_with('-') => operands.push(arg),
            _ => {}
        }
    }
    (operands, target)
}

/// The variable that says where `cp` or its like puts things, where the file gives it no value: the base image may, and
/// most such variables hold a whole path. Those of loops are written in small letters.
pub fn unset_target(step: &Step) -> Option<&str> {
    if !matches!(step.kind(), "copy" | "install") {
        return None;
    }
    let args: Vec<&str> = step.args().iter().map(String::as_str).collect();
    let (operands, target) = copying(step, &args);
    let to = target.or_else(|| operands.last().copied())?.strip_prefix('$')?;
    let first = to.split('/').next().unwrap_or(to);
    let name = first.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(first);
    let plain = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    Some(name).filter(|name| plain && !name.is_empty())
}

/// Where `cp`, `mv` and `install` put things.
fn copied(step: &Step, args: &[&str]) -> Vec<String> {
    const FOLDERS: [&str; 10] = [
        "/",
        "/usr/bin",
        "/usr/sbin",
        "/bin",
        "/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/usr/lib",
        "/etc",
        "/usr/local/lib",
    ];
    let (mut operands, target) = copying(step, args);
    let folder = target.is_some();
    let Some(to) = target.or_else(|| operands.pop()) else { return Vec::new() };
    let Some(path) = step.path(to) else { return Vec::new() };
    // What lies in a folder, not the folder itself.
    if step.program() == "rsync" && operands.iter().any(|source| source.ends_with('/')) {
        return vec![path];
    }
    let into = folder || to.ends_with('/') || operands.len() > 1 || FOLDERS.contains(&path.as_str());
    let named = !operands.is_empty()
        && operands.iter().all(|source| {
            !paths::name(source).contains(['*', '?', '[', '$', '`', '(', ')'])
                && !matches!(paths::name(source), "" | "." | "..")
        });
    if into && named {
        return operands.iter().map(|source| paths::join(&path, paths::name(source))).collect();
    }
    vec![path]
}

/// What `git clone` and its likes bring, and where.
fn clone(step: &Step, args: &[&str]) -> Effect {
    let Some(at) = args.iter().position(|arg| matches!(*arg, "clone" | "checkout" | "co" | "export")) else {
        return Effect::Build;
    };
    // Options may stand anywhere, and some have their value behind them.
    let mut operands: Vec<&str> = Vec::new();
    let mut words = args.get(at + 1..).unwrap_or_default().iter();
    while let Some(word) = words.next() {
        if Words::GitValued.has(word) {
            words.next();
        } else if !word.starts_with('-') {
            operands.push(word);
        }
    }
    let Some(url) = operands.iter().position(|arg| arg.contains("://") || arg.contains("git@") || arg.contains(".git"))
    else {
        return Effect::Build;
    };
    let folder = operands.get(url + 1).copied();
    let address = operands.get(url).copied().unwrap_or_default().trim_end_matches('/');
    let name = address.rsplit(['/', ':']).next().unwrap_or_default().trim_end_matches(".git");
    step.path(folder.unwrap_or(name)).map_or(Effect::Unknown, |path| Effect::Fetch(vec![path]))
}

/// `manager … verb package …`
fn managed(manager: Manager, args: &[&str], verbs: &[&str], removals: &[&str]) -> Effect {
    let verb = args.iter().position(|arg| verbs.contains(arg) || removals.contains(arg));
    match verb.map(|at| (args.get(at), args.get(at + 1..).unwrap_or_default())) {
        Some((Some(verb), rest)) if removals.contains(verb) => Effect::Remove(named(manager, rest)),
        Some((_, rest)) => {
            let mut found = named(manager, rest);
            found.recommended = manager == Manager::Apt
                && !args.iter().any(|arg| *arg == "--no-install-recommends" || arg.contains("Install-Recommends"));
            Effect::Install(found)
        }
        None => Effect::Lists,
    }
}

fn install(manager: Manager, args: &[&str]) -> Effect {
    Effect::Install(named(manager, args))
}

/// The packages that a command names.
fn named(manager: Manager, args: &[&str]) -> Packages {
    let mut names = Vec::new();
    let mut skip = false;
    for arg in args {
        if std::mem::take(&mut skip) {
            continue;
        }
        if Words::InstallValued.has(arg) {
            skip = true;
        } else if !arg.starts_with('-') && *arg != "install" {
            names.push((*arg).to_owned());
        }
    }
    Packages { manager, names, recommended: false }
}

/// What `curl` and `wget` write.
fn download(step: &Step, program: &str, args: &[&str]) -> Effect {
    let output = if program == "curl" { ["-o", "--output"] } else { ["-O", "--output-document"] };
    let short = |arg: &str, letters: &str| arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with(letters);
    if program != "curl" && args.iter().any(|arg| short(arg, "O-") || *arg == "--output-document=-") {
        return Effect::Nothing;
    }
    // `curl -LO` names the file as its address does.
    let named = args
        .iter()
        .any(|arg| *arg == "--remote-name" || arg.starts_with('-') && !arg.starts_with("--") && arg.contains('O'));
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
            if path == "-" {
                return Effect::Nothing;
            }
            return step.path(path).map_or(Effect::Unknown, |path| Effect::Writes(vec![path]));
        }
    }
    if program == "curl" && !named {
        return Effect::Nothing;
    }
    // `wget -P /opt/tools https://example.com/tool`
    let folder = step.args().iter().enumerate().find_map(|(at, arg)| match arg.as_str() {
        _ if program == "curl" => {
            (arg == "--output-dir").then(|| step.args().get(at + 1)).flatten().map(String::as_str)
        }
        "-P" | "--directory-prefix" => step.args().get(at + 1).map(String::as_str),
        _ if arg.starts_with("--directory-prefix=") => arg.split_once('=').map(|(_, folder)| folder),
        _ if arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('P') => {
            step.args().get(at + 1).map(String::as_str)
        }
        _ => arg.strip_prefix("-P").filter(|folder| folder.starts_with(['/', '.'])),
    });
    let path = |url: &String| {
        let name = url.split(['?', '#']).next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        let name = folder.map_or(name.to_owned(), |folder| format!("{}/{name}", folder.trim_end_matches('/')));
        step.path(&name)
    };
    let mut files: Vec<String> = Vec::new();
    for url in step.args().iter().filter(|arg| arg.contains("://") && !arg.starts_with('-') && !arg.contains(": ")) {
        let Some(path) = path(url) else { return Effect::Unknown };
        // `wget` takes several; of what curl is told, others may be no addresses of files.
        if files.is_empty() || program == "wget" && !files.contains(&path) {
            files.push(path);
        }
    }
    if files.is_empty() { Effect::Nothing } else { Effect::Writes(files) }
}

/// Where an archive is unpacked to.
fn unpack(step: &Step, program: &str, args: &[&str]) -> Effect {
    let creates = args.iter().take(2).any(|arg| {
        matches!(*arg, "--create" | "-t" | "--list" | "-l")
            || arg.starts_with('-') && !arg.starts_with("--") && arg.contains('c') && !arg.contains('x')
    });
    if program == "tar" && creates {
        return Effect::Nothing;
    }
    // These put what they unpack beside the archive.
    let beside =
        matches!(program, "gunzip" | "bunzip2" | "unxz" | "uncompress" | "lzma" | "unlzma" | "gzip" | "bzip2" | "xz");
    // What they write to their output goes where that goes.
    let short = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('c');
    if beside && args.iter().any(|arg| matches!(*arg, "--stdout" | "--to-stdout") || short(arg)) {
        return Effect::Nothing;
    }
    if beside {
        let archives = args.iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg));
        return Effect::Writes(archives.map(|path| paths::parent(&path).to_owned()).collect());
    }
    let mut words = args.iter();
    let mut folder = None;
    // `tar zxC /tmp/x`: the first word may be options without their dash.
    let first = args.first().filter(|_| program != "unzip");
    if let Some(options) = first.filter(|first| !first.starts_with('-') && first.ends_with('C') && first.contains('x'))
    {
        folder = args.get(1).copied();
        let _ = options;
    }
    while let Some(arg) = words.next() {
        let long = arg.strip_prefix("--directory=").or_else(|| arg.strip_prefix("--cd="));
        let option = if program == "unzip" { 'd' } else { 'C' };
        if let Some(path) = long {
            folder = Some(path);
        } else if *arg == "--directory" || arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with(option) {
            folder = words.next().copied();
        } else if let Some(path) = arg.strip_prefix(if program == "unzip" { "-d" } else { "-C" })
            && !path.is_empty()
        {
            folder = Some(path);
        }
    }
    step.path(folder.unwrap_or(".")).map_or(Effect::Unknown, |path| Effect::Writes(vec![path]))
}
