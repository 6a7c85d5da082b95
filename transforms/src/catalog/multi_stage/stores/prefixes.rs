//! Where `make install` and its likes put things.

use crate::knowledge::sorted::Sorted;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::transform::Refusal;

use super::super::survey::refuse;
use super::super::whole::shown;

/// Projects in Python whose own settings put them elsewhere.
static PREFIXES: Sorted = Sorted::new(include_str!("../../../../data/prefixes.tsv"));

/// Where a project was configured to be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::catalog::multi_stage) struct Prefix {
    /// Folders and files that hold what is installed.
    pub(in crate::catalog::multi_stage) folders: Vec<String>,
    /// Folders that only have to be there.
    pub(in crate::catalog::multi_stage) empty: Vec<String>,
    /// Whether shared libraries may be among it.
    pub(in crate::catalog::multi_stage) libraries: bool,
}

/// What `configure`, `cmake` and their likes were told.
pub(in crate::catalog::multi_stage) fn configured(step: &Step) -> Option<Prefix> {
    let kind = step.kind();
    let named = matches!(kind, "setup" | "cmake" | "ninja") || step.argv.iter().any(|arg| arg.contains("configure"));
    if !named {
        return None;
    }
    read(step)
}

/// The options of a command that say where to install.
fn read(step: &Step) -> Option<Prefix> {
    let mut prefix = None;
    let mut found = Prefix::default();
    // `PREFIX=/opt/app make install`: what stands before it, make reads as it does its arguments.
    let before = if step.kind() == "make" { step.assignments.as_slice() } else { &[] };
    let mut args = before.iter().chain(step.args());
    while let Some(arg) = args.next() {
        let (option, value) = match arg.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (arg.as_str(), None),
        };
        let name = option.trim_start_matches('-').to_ascii_lowercase();
        let name = name.strip_suffix(":path").or(name.strip_suffix(":string")).unwrap_or(&name);
        if matches!(
            name,
            "prefix"
                | "dcmake_install_prefix"
                | "cmake_install_prefix"
                | "destdir"
                | "install_prefix"
                | "prefix_dir"
                | "install_root"
        ) {
            prefix = value.or_else(|| args.next().map(String::as_str));
            continue;
        }
        let told = step.kind() == "make" && !option.starts_with('-') && names_a_place(name);
        let Some(value) = value.filter(|value| value.starts_with('/') && (told || option.starts_with('-'))) else {
            continue;
        };
        let path = paths::join("/", value);
        if told || name.ends_with("bin-path") || name.ends_with("sbin-path") {
            found.folders.push(path);
        } else if name == "conf-path" || name == "modules-path" {
            let folder = if name == "conf-path" { paths::parent(&path).to_owned() } else { path };
            // Only what is loaded later is put among the modules; without any there is no folder of them.
            if name == "conf-path" || step.argv.iter().any(|word| word.contains("dynamic") || word.contains('$')) {
                found.folders.push(folder);
            }
        } else if name.ends_with("-path") && !name.starts_with("with") || name == "localstatedir" {
            let folder = if name.ends_with("temp-path") || name == "localstatedir" {
                path.as_str()
            } else {
                paths::parent(&path)
            };
            found.empty.push(folder.to_owned());
        } else if matches!(
            name,
            "sysconfdir"
                | "libdir"
                | "bindir"
                | "sbindir"
                | "datadir"
                | "mandir"
                | "exec-prefix"
                | "includedir"
                | "libexecdir"
        ) {
            found.folders.push(path);
        }
    }
    found.empty.retain(|path| !Words::MadeByTheBase.has(path.as_str()));
    found.empty.dedup();
    match prefix {
        Some(prefix) => {
            found.folders.insert(0, step.path(prefix).unwrap_or_else(|| prefix.to_owned()));
            Some(found)
        }
        None if found.folders.is_empty() && found.empty.is_empty() => None,
        None => {
            found.folders.insert(0, "/usr/local".into());
            Some(found)
        }
    }
}

/// Whether a variable of a Makefile's, in small letters, is where programs or libraries go: `INSTALL_BIN`, `bindir`.
fn names_a_place(name: &str) -> bool {
    const PLACES: [&str; 6] = ["installdir", "install_dir", "install_path", "install_top", "instdir", "inst_dir"];
    let ends = ["bin", "bindir", "bin_dir", "libdir", "lib_dir"];
    PLACES.contains(&name) || ends.iter().any(|end| name.ends_with(end))
}

/// The folder that a command works in; the folders of all whose folder can't be told count as one: `cd app-$version`.
pub(in crate::catalog::multi_stage) fn place(step: &Step) -> &str {
    step.cwd.as_deref().unwrap_or("?")
}

/// Where a project is installed that is told no place, by the folder of its sources, if that is not `/usr/local`.
pub(super) fn usual(sources: &str) -> Option<&'static str> {
    let name = paths::name(sources);
    let named = |project: &str| name.strip_prefix(project).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    PREFIXES.rows().find(|row| named(row.key)).map(|row| row.rest)
}

/// Where `make install` puts things.
///
/// # Errors
/// Where that is among the distribution's own files.
pub(in crate::catalog::multi_stage) fn prefix(step: &Step, prefixes: &[(String, Prefix)]) -> Result<Prefix, Refusal> {
    let cwd = place(step);
    let near =
        |folder: &str| folder != "/" && (paths::within(cwd, folder) || paths::within(folder, cwd)) || folder == cwd;
    let known = prefixes.iter().rev().find(|(folder, _)| near(folder)).map(|(_, prefix)| prefix.clone());
    let mut found = read(step).or(known).unwrap_or_else(|| Prefix {
        folders: vec![usual(cwd).unwrap_or("/usr/local").to_owned()],
        empty: Vec::new(),
        libraries: false,
    });
    let whole = |path: &String| {
        let path = path.as_str();
        matches!(
            path,
            "/" | "/usr"
                | "/etc"
                | "/usr/lib"
                | "/usr/bin"
                | "/usr/sbin"
                | "/bin"
                | "/lib"
                | "/lib64"
                | "/usr/lib64"
                | "/usr/share"
        ) || path.starts_with("/usr/lib/x86_64")
            || path.contains('$')
    };
    if let Some(owned) = found.folders.iter().find(|path| whole(path)) {
        let text = format!(
            "`{}` installs into {owned}, among the distribution's own files, which can't be copied apart; \
             give it a prefix of its own, such as /usr/local",
            shown(step)
        );
        return Err(refuse("installs-among-system-files", text, false));
    }
    found.folders.retain(|path| !paths::within(path, "/usr/share/man") && !paths::within(path, "/usr/include"));
    found.libraries = found.folders.iter().any(|path| path == "/usr/local");
    Ok(found)
}

/// Why a Makefile can't be told apart that is told to install what the system or its server starts the program by, or the
/// settings of a project that lies among the system's files: that goes to `/etc`, whatever the prefix.
pub(in crate::catalog::multi_stage) fn sets_up(step: &Step) -> Option<Refusal> {
    const PARTS: [&str; 9] =
        ["init", "initd", "daemoninit", "systemd", "service", "webconf", "inetd", "etc", "init-script"];
    let among = step.cwd.as_deref().and_then(usual) == Some("/usr");
    let told = |arg: &&String| {
        arg.strip_prefix("install-").is_some_and(|part| PARTS.contains(&part))
            || among && matches!(arg.as_str(), "basic-pbx" | "config" | "samples")
    };
    let apxs = step.program().starts_with("apxs");
    let installs = |arg: &&String| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('i');
    let (target, place) = match step.kind() {
        "make" => (step.args().iter().find(told)?, "/etc"),
        _ if apxs => (step.args().iter().find(installs)?, "the server's folder"),
        _ => return None,
    };
    let program = step.program();
    let text = format!(
        "`{program} {target}` installs into {place}, among the distribution's own files, which can't be copied apart"
    );
    Some(refuse("installs-among-system-files", text, false))
}
