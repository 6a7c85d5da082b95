//! What package managers do.

use super::{Call, Effect, Packages};
use crate::knowledge::releases::Manager;
use crate::knowledge::words::Words;
use crate::model::paths;

/// The effect of a package manager.
pub(super) fn effect(call: &Call<'_>) -> Effect {
    let Call { step, program, args, verb, .. } = *call;
    match step.kind() {
        "apt" if call.has("build-dep") => Effect::Lists,
        "apt" if call.has("source") => Effect::Build,
        "apt" if call.has("upgrade") || call.has("dist-upgrade") || call.has("full-upgrade") => Effect::Upgrade,
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
        "dpkg" if call.has("-i") || call.has("--install") => match archives(args) {
            Some(names) => Effect::Install(Packages { manager: Manager::Apt, names, recommended: false }),
            None => Effect::Repository,
        },
        "dpkg" => Effect::Configure,
        "apk" if verb == "upgrade" => Effect::Upgrade,
        "apk" => managed(Manager::Apk, args, &["add"], &["del"]),
        "yum" if program == "yum-config-manager" || call.has("config-manager") => Effect::Repository,
        "yum"
            if matches!(verb, "update" | "upgrade") && args.iter().filter(|arg| !arg.starts_with('-')).count() == 1 =>
        {
            Effect::Upgrade
        }
        "yum" => {
            let verbs = ["install", "localinstall", "groupinstall", "group", "reinstall"];
            managed(Manager::Yum, args, &verbs, &["remove", "erase", "autoremove"])
        }
        "rpm" if call.has("-e") || call.has("--erase") => Effect::Remove(named(Manager::Yum, args)),
        // Asking what is installed changes nothing.
        "rpm"
            if args.first().is_some_and(|arg| {
                ["-q", "-V"].iter().any(|ask| arg.starts_with(ask)) || matches!(*arg, "--query" | "--verify")
            }) =>
        {
            Effect::Nothing
        }
        "rpm" => Effect::Repository,
        "zypper" if call.has("addrepo") || call.has("ar") => Effect::Repository,
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
        _ => Effect::Unknown,
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
