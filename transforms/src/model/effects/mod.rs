//! What a command does to the image, as far as a stage split has to know.

mod files;
mod languages;
mod managers;

use std::sync::LazyLock;

use regex::Regex;

pub use files::unset_target;

use super::commands::Step;
use super::paths;
use crate::knowledge::fetches;
use crate::knowledge::packages::{self, Role};
use crate::knowledge::releases::Manager;
use crate::knowledge::sorted::{Map, Row, Sorted};

/// What kind of command each program is.
static PROGRAMS: Sorted = Sorted::new(include_str!("../../../data/commands.tsv"));

/// What installers do that are piped into a shell: the rows of the table, each of which is looked for in an address.
static INSTALLERS: LazyLock<Vec<Row>> =
    LazyLock::new(|| Sorted::new(include_str!("../../../data/installers.tsv")).rows().collect());

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

/// Whether an address is that of an installer whose work is known.
pub(super) fn is_installer(address: &str) -> bool {
    address.contains("://") && installer(address).is_some()
}

/// The files that a download writes.
pub(super) fn downloaded(step: &Step) -> Vec<String> {
    let args: Vec<&str> = step.args().iter().map(String::as_str).collect();
    match files::download(step, step.program(), &args) {
        Effect::Writes(written) => written,
        _ => Vec::new(),
    }
}

/// Whether an address is that of a script which sets an archive of packages up.
pub(super) fn sets_up_archive(address: &str) -> bool {
    address.contains("://") && installer(address).is_some_and(|row| row.column(0) == "repository")
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

/// Whether a command is an interpreter into which a script from the network is piped, or an installer that has been fetched
/// from there and is known.
pub fn from_network(step: &Step) -> bool {
    let Some(address) = step.piped.as_deref().filter(|address| address.contains("://")) else { return false };
    let file = || step.argv.first().is_some_and(|program| program.contains('/')) && is_installer(address);
    matches!(
        step.program(),
        "sh" | "bash" | "ash" | "dash" | "zsh" | "python" | "python2" | "python3" | "perl" | "ruby" | "php" | "node"
    ) || file()
}

/// What a script from the network does, where that is known.
fn piped(step: &Step) -> Option<Effect> {
    let address = step.piped.as_deref()?;
    let row = installer(address)?;
    Some(match row.column(0) {
        "composer" => languages::composer(step),
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

/// Whether a program is only asked who it is.
fn asks(args: &[&str]) -> bool {
    const QUESTIONS: [&str; 10] =
        ["--version", "-version", "-v", "-V", "version", "--help", "-h", "help", "--info", "-vv"];
    matches!(args, [only] if QUESTIONS.contains(only)) || args.last() == Some(&"--help")
}

fn command(step: &Step, program: &str, args: &[&str]) -> Effect {
    let own = step.argv.first().is_some_and(|program| program.contains('/'));
    if step.piped.is_some()
        && (own
            || matches!(
                program,
                "sh" | "bash" | "python" | "python3" | "python2" | "perl" | "php" | "node" | "env" | "source" | "chmod"
            ))
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
    let verb = args.iter().find(|arg| !arg.starts_with('-')).copied().unwrap_or("");
    let call = &Call { step, program, args, verb };
    match step.kind() {
        _ if installs_browsers(step) => Effect::Home(fetches::Fetch::Browser),
        "" => by_name(call),
        "apt" | "dpkg" | "apk" | "yum" | "rpm" | "zypper" | "pacman" => managers::effect(call),
        "repository" => Effect::Repository,
        "user" => Effect::User,
        "configure" => Effect::Configure,
        "files" | "install" | "modes" | "copy" | "tee" | "sed" | "download" | "unpack" => files::effect(call),
        "git" => files::git(call),
        "make" | "ninja" | "cmake" | "jvm" | "haskell" | "beam" | "go" | "dotnet" | "compiled" | "setup"
        | "compile" | "swift" | "dart" | "npx" | "venv" | "django" | "rake" | "rust" => languages::builds(call),
        "python" | "poetry" | "pipenv" | "uv" | "pipx" | "conda" => languages::python(call),
        "interpreter" => languages::interpreter(call),
        "gem" | "bundle" => languages::ruby(call),
        "npm" | "pnpm" | "yarn" | "nvm" | "corepack" => languages::node(call),
        "composer" => languages::php(call),
        "php-ext" => Effect::Store(Store::Extensions),
        "perl" => Effect::Store(Store::Perl),
        "lua" => Effect::Store(Store::Lua),
        "r" => Effect::Store(Store::R),
        "nothing" => nothing(call),
        "service" => Effect::Nothing,
        _ => Effect::Unknown,
    }
}

/// A command, with what is asked of most of them.
struct Call<'s> {
    step: &'s Step,
    program: &'s str,
    args: &'s [&'s str],
    /// The first argument that is no option, or nothing.
    verb: &'s str,
}

impl Call<'_> {
    /// Whether an argument is this word.
    fn has(&self, wanted: &str) -> bool {
        self.args.contains(&wanted)
    }

    /// Whether an argument begins so.
    fn any_begins(&self, name: &str) -> bool {
        self.args.iter().any(|arg| arg.starts_with(name))
    }
}

/// Programs that are of no kind, by their names.
fn by_name(call: &Call<'_>) -> Effect {
    let Call { step, program, args, verb, .. } = *call;
    match step.kind() {
        // An editor that is told what to do.
        "" if matches!(program, "vim" | "vi" | "ex") && call.has("-c") => {
            Effect::Writes(args.last().and_then(|file| step.path(file)).into_iter().collect())
        }
        // The setup script of an archive, once it is downloaded: `bash nodesource_setup.sh`.
        "" if matches!(program, "sh" | "bash") && args.first().is_some_and(|script| script.contains("nodesource")) => {
            Effect::Repository
        }
        // Whether it works on this machine.
        "" if matches!(program, "gosu" | "su-exec") && args.last() == Some(&"true") => Effect::Nothing,
        "" if program == "uwsgi" && call.has("--build-plugin") => Effect::Build,
        "" if program == "ruby-install" => Effect::Writes(vec!["/opt/rubies".to_owned()]),
        "" if matches!(program, "huggingface-cli" | "hf") && verb == "download" => {
            match args.iter().position(|arg| *arg == "--local-dir").and_then(|at| args.get(at + 1)) {
                Some(folder) => Effect::Writes(step.path(folder).into_iter().collect()),
                None => Effect::Home(fetches::Fetch::Models),
            }
        }
        _ => Effect::Unknown,
    }
}

/// Tools of the system, most of which change nothing.
fn nothing(call: &Call<'_>) -> Effect {
    let Call { step, program, args, .. } = *call;
    match step.kind() {
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
        _ => Effect::Nothing,
    }
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
