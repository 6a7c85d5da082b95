//! What commands do that make, copy, edit, fetch and unpack files.

use super::{Call, Effect, archive_of_packages, in_place, sets_up_archive};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;

/// The effect of a command for files.
pub(super) fn effect(call: &Call<'_>) -> Effect {
    let Call { step, program, args, .. } = *call;
    match step.kind() {
        // What takes the addresses of archives away is for those that are written in their place, and for what is installed
        // from these.
        "files"
            if program == "rm"
                && step.operands().next().is_some()
                && step.operands().all(|path| path.starts_with("/etc/apt/sources.list")) =>
        {
            Effect::Repository
        }
        "files" => Effect::Files(step.operands().filter_map(|arg| step.path(arg)).collect()),
        "install" if call.has("-d") || call.any_begins("--directory") => {
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
            if !written.is_empty() && written.iter().all(|path| archive_of_packages(path)) {
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
            // The script that sets an archive up is started where that is wanted.
            Effect::Writes(written)
                if written.iter().all(|path| path.ends_with(".sh")) && args.iter().any(|arg| sets_up_archive(arg)) =>
            {
                Effect::Repository
            }
            effect => effect,
        },
        "unpack" => unpack(step, program, args),
        _ => Effect::Unknown,
    }
}

/// The effect of Git.
pub(super) fn git(call: &Call<'_>) -> Effect {
    let Call { step, args, verb, .. } = *call;
    match step.kind() {
        "git" if matches!(verb, "config" | "lfs" | "--version") => Effect::Nothing,
        // A repository without a commit in it, which some tools want around them.
        "git" if verb == "init" && step.cwd.as_deref() == Some("/") && args.len() == 1 => Effect::Nothing,
        // What it answers may be kept: `git rev-parse HEAD > version`.
        "git" if !step.outputs.is_empty() && !matches!(verb, "clone" | "checkout" | "submodule" | "pull") => {
            Effect::Nothing
        }
        "git" => clone(step, args),
        _ => Effect::Unknown,
    }
}

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

/// What `curl` and `wget` write.
pub(super) fn download(step: &Step, program: &str, args: &[&str]) -> Effect {
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
