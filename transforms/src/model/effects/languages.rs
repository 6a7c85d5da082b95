//! What compilers, interpreters and the package managers of languages do.

use super::{Call, Effect, Store, UV_PYTHONS, in_place};
use crate::knowledge::fetches;
use crate::model::commands::Step;
use crate::model::paths;

/// The effect of a compiler or a build system.
pub(super) fn builds(call: &Call<'_>) -> Effect {
    let Call { step, program, args, verb, .. } = *call;
    match step.kind() {
        // It runs `make install`, and puts a package into the distribution's list for it.
        "make" if program == "checkinstall" && !call.has("--install=no") => Effect::Store(Store::Prefix),
        "make" | "ninja" | "cmake" if call.any_begins("install") || call.has("--install") => {
            Effect::Store(Store::Prefix)
        }
        // Python's, beside the one that is there.
        "make" if call.has("altinstall") => Effect::Store(Store::Prefix),
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
        "go" if program == "gometalinter" && call.has("--install") => Effect::Nothing,
        "jvm" if program == "sdk" => Effect::Store(Store::Home(".sdkman")),
        "dotnet" if verb == "new" && (call.has("--install") || call.has("-i")) => Effect::Nothing,
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
        "haskell" if program == "stack" && call.any_begins("--local-bin-path") => Effect::Build,
        "haskell" if call.has("install") || call.has("--copy-bins") => {
            Effect::Store(Store::Home(if program == "cabal" { ".cabal" } else { ".local" }))
        }
        "haskell" => Effect::Build,
        _ => Effect::Unknown,
    }
}

/// The effect of Python's package managers.
pub(super) fn python(call: &Call<'_>) -> Effect {
    let Call { step, program, verb, .. } = *call;
    match step.kind() {
        "python" if call.has("-t") || call.any_begins("--target") || call.any_begins("--prefix") => Effect::Build,
        "python" if call.has("--user") => Effect::Store(Store::Home(".local")),
        "python" if matches!(verb, "install" | "uninstall") || program.starts_with("easy_install") => {
            Effect::Store(Store::Python)
        }
        "python" => Effect::Build,
        "poetry" | "pipenv" | "uv" if verb == "config" => Effect::Store(Store::Home(".config")),
        // `pipx install` makes an environment in the home, and links its programs.
        "pipx" if verb == "run" => Effect::Build,
        "pipx" if matches!(verb, "ensurepath" | "environment" | "list" | "completions" | "") => Effect::Nothing,
        "pipx" => Effect::Store(Store::Home(".local")),
        "poetry" if program != "flit" && verb == "build" => Effect::Build,
        "pipenv" if call.has("--system") => Effect::Store(Store::Python),
        "uv" if call.has("--system") => Effect::Store(Store::Python),
        // As pipx does: an environment in the home, and links to its programs.
        "uv" if verb == "tool" && (call.has("install") || call.has("upgrade")) => Effect::Store(Store::Home(".local")),
        "uv" if verb == "python" && call.has("install") => Effect::Store(Store::Home(UV_PYTHONS)),
        // It works out versions in an environment that nothing is installed into.
        "pipenv" if matches!(verb, "lock" | "requirements") => Effect::Build,
        "pipenv" => Effect::Store(Store::Home(".local/share/virtualenvs")),
        "poetry" => Effect::Store(Store::Python),
        "uv" => Effect::Build,
        "conda" => Effect::Store(Store::Conda),
        _ => Effect::Unknown,
    }
}

/// The effect of an interpreter.
pub(super) fn interpreter(call: &Call<'_>) -> Effect {
    let Call { step, program, args, verb, .. } = *call;
    match step.kind() {
        "interpreter"
            if program.starts_with("py") && (call.has("-c") || call.has("-m")) && downloads(args).is_some() =>
        {
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
                Some(&"spacy") if call.has("download") || call.has("link") => Effect::Store(Store::Python),
                Some(&("pip" | "easy_install" | "ensurepip")) if !call.has("--user") => Effect::Store(Store::Python),
                None if (call.has("install") || call.has("develop"))
                    && (call.any_begins("setup")
                        || args.first().is_some_and(|first| paths::name(first) == "setup.py")) =>
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
                None if verb.is_empty() && !call.has("-c") && call.has("-") => Effect::Store(Store::Python),
                None if call.has("--version") || call.has("-V") => Effect::Nothing,
                _ => Effect::Build,
            }
        }
        "interpreter" if call.has("--version") || call.has("-v") || call.has("-version") => Effect::Nothing,
        "interpreter" if program.starts_with("php") && call.has("--info") => Effect::Nothing,
        "interpreter" if program == "perl" && call.has("-MCPAN") => Effect::Store(Store::Perl),
        "interpreter"
            if program.starts_with("php")
                && args.first().is_some_and(|first| first.ends_with("composer-setup.php")) =>
        {
            composer(step)
        }
        "interpreter"
            if program.starts_with("php")
                && (call.has("-r") || call.any_begins("--install-dir") || args.is_empty() || call.has("--")) =>
        {
            if call.any_begins("--install-dir") { composer(step) } else { Effect::Nothing }
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
        "interpreter" if program == "bun" && (call.has("-g") || call.has("--global")) => match verb {
            "install" | "i" | "add" | "a" => Effect::Store(Store::Home(".bun")),
            _ => Effect::Nothing,
        },
        "interpreter" => Effect::Build,
        _ => Effect::Unknown,
    }
}

/// The effect of Ruby's package managers.
pub(super) fn ruby(call: &Call<'_>) -> Effect {
    let Call { step, args, verb, .. } = *call;
    match step.kind() {
        // It brings a newer RubyGems to where Ruby itself lies.
        "gem" if verb == "update" && call.has("--system") => Effect::Configure,
        "gem" if matches!(verb, "install" | "update" | "specific_install") => Effect::Store(Store::Gems),
        "gem" | "bundle" if verb == "config" => Effect::Store(Store::Home(".bundle")),
        "gem" => Effect::Nothing,
        "bundle" if matches!(verb, "install" | "" | "update") => Effect::Store(Store::Gems),
        // What the gem writes of a schedule is for the cron of the system: `bundle exec whenever --update-crontab`.
        "bundle" if call.has("whenever") && args.iter().any(|arg| is_crontab(arg)) => {
            Effect::Writes(vec!["/var/spool/cron/crontabs/root".to_owned()])
        }
        "bundle" => Effect::Build,
        _ => Effect::Unknown,
    }
}

/// The effect of Node's package managers.
pub(super) fn node(call: &Call<'_>) -> Effect {
    let Call { step, verb, .. } = *call;
    match step.kind() {
        "npm" | "pnpm"
            if (call.has("-g") || call.has("--global")) && matches!(verb, "uninstall" | "un" | "remove" | "rm") =>
        {
            Effect::Nothing
        }
        "npm" | "yarn" | "pnpm" if call.has("-g") || call.has("--global") || verb == "global" => {
            Effect::Store(Store::Modules)
        }
        "npm" | "yarn" | "pnpm" if matches!(verb, "config" | "cache" | "set" | "login") => {
            Effect::Store(Store::Home(".npmrc"))
        }
        "npm" | "yarn" | "pnpm" => Effect::Build,
        // What manages versions of Node keeps them in the home, whoever installed it; `use` is for the shell that runs it.
        "nvm" if verb == "install" => Effect::Store(Store::Home(".nvm")),
        "nvm" => Effect::Nothing,
        "corepack" => Effect::Store(Store::Modules),
        _ => Effect::Unknown,
    }
}

/// The effect of PHP's package managers.
pub(super) fn php(call: &Call<'_>) -> Effect {
    let Call { step, program, verb, .. } = *call;
    match step.kind() {
        "composer" if program.starts_with("wp") && verb == "cli" => Effect::Nothing,
        "composer" if program.starts_with("wp") && verb == "package" => Effect::Store(Store::Home(".wp-cli")),
        // What brings the tool itself up to date, or sets it up, is for the build.
        "composer"
            if matches!(verb, "self-update" | "selfupdate" | "clear-cache" | "clearcache" | "diagnose" | "about")
                || verb == "config" && (call.has("-g") || call.has("--global")) =>
        {
            Effect::Nothing
        }
        "composer" if call.has("global") => Effect::Store(Store::Home(".composer")),
        "composer" => Effect::Build,
        _ => Effect::Unknown,
    }
}

/// Where the installer of Composer puts it.
pub(super) fn composer(step: &Step) -> Effect {
    let given = |option: &str| {
        let at = step.args().iter().position(|arg| arg == option);
        let next = at.and_then(|at| step.args().get(at + 1)).map(String::as_str);
        next.or_else(|| step.args().iter().find_map(|arg| arg.strip_prefix(option)?.strip_prefix('=')))
    };
    let name = given("--filename").unwrap_or("composer.phar");
    let folder = given("--install-dir").unwrap_or(".");
    step.path(folder).map_or(Effect::Unknown, |folder| Effect::Writes(vec![paths::join(&folder, name)]))
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

/// Whether an option of Whenever has it write the timetable of a user.
fn is_crontab(option: &str) -> bool {
    matches!(option.split('=').next(), Some("--update-crontab" | "--write-crontab" | "-i" | "-w"))
}
