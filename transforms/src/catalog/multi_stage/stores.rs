//! Where installers put things, by image and distribution.

use crate::knowledge::images::Image;
use crate::knowledge::releases::{self, Family, Manager};
use crate::knowledge::sorted::Sorted;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::{paths, uv};
use crate::syntax::words::Value;
use crate::transform::Refusal;

use super::globals;
use super::survey::{Survey, Unit, refuse};
use super::whole::shown;

/// The Python of a distribution's own packages, by release, and that of images which keep one elsewhere.
static PYTHONS: Sorted = Sorted::new(include_str!("../../../data/pythons.tsv"));

/// Projects in Python whose own settings put them elsewhere.
static PREFIXES: Sorted = Sorted::new(include_str!("../../../data/prefixes.tsv"));

/// The images in which the official image of Ruby, or what stands on it, keeps gems in a folder of their own.
const BUNDLED: [&str; 5] = ["jruby", "rails", "redmine", "ruby", "starefossen/ruby-node"];

/// Where a project was configured to be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Folders and files that hold what is installed.
    pub(super) folders: Vec<String>,
    /// Folders that only have to be there.
    pub(super) empty: Vec<String>,
    /// Whether shared libraries may be among it.
    pub(super) libraries: bool,
}

/// Whether a path lies where the distribution's packages put theirs.
pub(super) fn system(path: &str) -> bool {
    const FREE: [&str; 3] = ["/usr/local", "/usr/src", "/usr/games"];
    // `/usr/share/myapp` and `/var/www` are a project's own, `/usr/share` is not.
    const OPEN: [&str; 5] = ["/var/www", "/usr/share", "/var/lib", "/var/local", "/usr/lib/node_modules"];
    let own = |folder: &str| (path != folder || folder == "/var/www") && paths::within(path, folder);
    !FREE.iter().any(|folder| paths::within(path, folder))
        && !OPEN.iter().any(|folder| own(folder))
        && Words::RootsFolders.list().iter().any(|folder| paths::within(path, folder))
}

/// Whether a path is scratch space.
pub(super) fn scratch(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| paths::within(path, folder))
}

/// Whether a file is an archive or an installer: of no use once it is unpacked.
pub(super) fn is_archive(path: &str) -> bool {
    Words::ArchiveEnds.list().iter().any(|end| path.ends_with(end))
        || path.ends_with(".sh") && path.to_ascii_lowercase().contains("conda")
}

/// Whether a folder holds a tool for building, by its name: Maven unpacked into `/usr/share/maven`.
pub(super) fn is_tool(path: &str) -> bool {
    let name = paths::name(path).to_ascii_lowercase();
    let stem = name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().trim_end_matches(['-', '_', 'v']);
    Words::ToolFolders.has(stem) || path == "/usr/local/go"
}

/// What `configure`, `cmake` and their likes were told.
pub(super) fn configured(step: &Step) -> Option<Prefix> {
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
        let Some(value) = value.filter(|value| value.starts_with('/') && option.starts_with('-')) else { continue };
        let path = paths::join("/", value);
        if name.ends_with("bin-path") || name.ends_with("sbin-path") {
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

/// The folder that a command works in; the folders of all whose folder can't be told count as one: `cd app-$version`.
pub(super) fn place(step: &Step) -> &str {
    step.cwd.as_deref().unwrap_or("?")
}

/// Where a project is installed that is told no place, by the folder of its sources, if that is not `/usr/local`.
fn usual(sources: &str) -> Option<&'static str> {
    let name = paths::name(sources);
    let named = |project: &str| name.strip_prefix(project).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    PREFIXES.rows().find(|row| named(row.key)).map(|row| row.rest)
}

/// Where `make install` puts things.
///
/// # Errors
/// Where that is among the distribution's own files.
pub(super) fn prefix(step: &Step, prefixes: &[(String, Prefix)]) -> Result<Prefix, Refusal> {
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
pub(super) fn sets_up(step: &Step) -> Option<Refusal> {
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

/// Where pip clones what is to be used where it lies: `pip install -e git+https://…`, on the command or in a list that is
/// there to read.
pub(super) fn clones(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let args: Vec<&str> = step.args().iter().map(String::as_str).collect();
    let options = || args.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
    let listed = options().filter(|(option, _)| matches!(*option, "-r" | "--requirement")).any(|(_, list)| {
        let text = step.path(list).and_then(|list| survey.read(&list));
        text.is_some_and(|text| {
            let text = String::from_utf8_lossy(&text);
            text.lines().any(|line| clones_to_edit(&line.split_ascii_whitespace().collect::<Vec<_>>()))
        })
    });
    if !listed && !clones_to_edit(&args) {
        return None;
    }
    let told = options().find(|(option, _)| matches!(*option, "--src" | "--source"));
    step.path(told.map_or("src", |(_, folder)| folder))
}

/// Whether words of pip ask for a repository that is to be used where it is cloned to.
fn clones_to_edit(words: &[&str]) -> bool {
    const SCHEMES: [&str; 5] = ["git+", "git:", "hg+", "svn+", "bzr+"];
    let remote = |word: &str| SCHEMES.iter().any(|scheme| word.trim_start_matches('=').starts_with(scheme));
    let apart = words.windows(2).any(|pair| matches!(pair, ["-e" | "--editable", word] if remote(word)));
    apart || words.iter().any(|word| word.strip_prefix("--editable").or(word.strip_prefix("-e")).is_some_and(remote))
}

/// Where an image that keeps its Python elsewhere than others has it put packages.
fn own_python(image: Option<&Image<'_>>) -> Option<&'static str> {
    PYTHONS.find(image?.name()).map(|row| row.rest)
}

/// The folders that an installer of a language writes; `None` where they are the distribution's own.
pub(super) fn folders(
    survey: &Survey<'_, '_>,
    image: Option<&Image<'_>>,
    unit: &Unit<'_>,
    step: &Step,
    store: Store,
) -> Option<Vec<String>> {
    let language = image.and_then(Image::language).unwrap_or("");
    let family = image.and_then(Image::family);
    let debian = matches!(family, Some(Family::Debian | Family::Ubuntu));
    let local = || Some(vec!["/usr/local".to_owned()]);
    let gems = (store == Store::Gems).then(|| bundle_path(survey, unit, step)).flatten();
    if let Some(folder) = environment(survey, image, unit, step, store) {
        // What Bundler was told lies in the other.
        return Some(gems.into_iter().chain([folder]).collect());
    }
    if let Some(path) = gems {
        return Some(vec![path]);
    }
    if store == Store::Python {
        let elsewhere = told_prefixes(step);
        if !elsewhere.is_empty() {
            return (!elsewhere.iter().any(|path| system(path))).then_some(elsewhere);
        }
    }
    match store {
        Store::Python if step.program() == "poetry" && crate::model::virtualenv(survey.model, survey.stage) => {
            Some(vec![paths::join(&home(survey, unit), ".cache/pypoetry/virtualenvs")])
        }
        // These make an environment inside the project, which goes along.
        Store::Python if matches!(step.program(), "pdm" | "rye") => Some(Vec::new()),
        Store::Python if step.program() == "hatch" => {
            Some(vec![paths::join(&home(survey, unit), ".local/share/hatch")])
        }
        // Who may not write among Python's own modules gets them into the home.
        Store::Python
            if (language == "python" || debian || matches!(family, Some(Family::Alpine)))
                && unprivileged(survey, unit).is_some()
                && !step.span.text(survey.model.file.source).contains("sudo") =>
        {
            let user = unprivileged(survey, unit)?;
            let known = matches!(survey.model.variable(unit.index, "HOME"), Value::Set(_))
                || user.bytes().any(|byte| !byte.is_ascii_digit())
                || made_home(survey, &user).is_some();
            known.then(|| vec![paths::join(&home(survey, unit), ".local")])
        }
        Store::Prefix | Store::Perl | Store::Lua => local(),
        Store::Python if image.is_some_and(|image| image.name() == "pypy") => {
            let old = image.is_some_and(|image| early_pypy(image.tag()));
            Some(vec![if old { "/usr/local" } else { "/opt/pypy" }.to_owned()])
        }
        Store::Python if own_python(image).is_some_and(|folders| folders != "-") => {
            let minor = image.and_then(|image| minor(image.tag()));
            let folders = own_python(image)?.split(' ');
            folders.map(|folder| Some(folder.replace("{}", folder.find("{}").map_or(Some(""), |_| minor)?))).collect()
        }
        // Of other images the tag says the release of what they are for: `tensorflow:1.12.0`.
        Store::Python if language == "python" && own_python(image).is_none() => {
            match image.filter(|image| paths::name(image.name()) == "python").and_then(|image| minor(image.tag())) {
                Some(_) if starts_notebooks(survey) => local(),
                Some(minor) => {
                    let mut found =
                        vec![format!("/usr/local/lib/python{minor}/site-packages"), "/usr/local/bin".to_owned()];
                    if notebooks(survey, step) {
                        found.push("/usr/local/share/jupyter".to_owned());
                    }
                    Some(found)
                }
                None => local(),
            }
        }
        // A Python that the file compiled has a place of its own.
        Store::Python if !step.program().ends_with('2') && compiles(survey, "python") => local(),
        // Debian's own pip installs there, and so do a Python made from source and the images that bring one.
        Store::Python if debian || family.is_none() && !manages(survey, &["apk", "yum"]) => local(),
        Store::Python if matches!(family, Some(Family::Fedora)) => local(),
        // From RHEL 8 on, what root installs goes beside the distribution's own.
        Store::Python if family == Some(Family::Rhel) && major(image).is_some_and(|major| major >= 8) => local(),
        Store::Python => {
            let release = image.and_then(Image::release)?;
            let python = PYTHONS.find(release).map(|row| row.rest)?;
            let mut found = vec!["/usr/local".to_owned()];
            // Alpine has the one, the other or both; what is not there can't be copied.
            let second = ["python", "python2", "py-pip", "py2-pip", "python-dev", "python2-dev"]
                .iter()
                .any(|name| survey.installs(name));
            let third = step.program().contains('3')
                || ["python3", "py3-pip", "python3-dev"].iter().any(|name| survey.installs(name));
            let fits = |path: &&str| {
                family != Some(Family::Alpine) || if path.contains("python2") { second } else { third || !second }
            };
            found.extend(python.split(' ').filter(fits).map(str::to_owned));
            found.extend(programs(survey));
            Some(found)
        }
        Store::Gems if language == "ruby" && image.is_some_and(|image| BUNDLED.contains(&image.name())) => {
            Some(vec!["/usr/local/bundle".to_owned()])
        }
        Store::Gems if vendored(step) => Some(Vec::new()),
        // Which of the Rubies in it is told to install, and where that one keeps its gems, the name does not say.
        Store::Gems if language == "ruby" && family != Some(Family::Alpine) => None,
        // A Ruby that is none of the distribution's keeps them beside itself.
        Store::Gems
            if debian
                && (image.is_some_and(|image| matches!(image.name(), "buildpack-deps" | "debian" | "ubuntu"))
                    && !packaged_ruby(survey)
                    || compiles(survey, "ruby")) =>
        {
            Some(vec!["/usr/local".to_owned()])
        }
        Store::Gems if debian => Some(vec!["/var/lib/gems".to_owned(), "/usr/local".to_owned()]),
        Store::Gems if family == Some(Family::Alpine) => {
            let mut found = vec!["/usr/lib/ruby/gems".to_owned()];
            found.extend(programs(survey));
            Some(found)
        }
        Store::Gems if matches!(family, Some(Family::Rhel | Family::Fedora | Family::Amazon)) => local(),
        Store::Modules if step.program() == "npm" && npm_prefix(survey, unit, step).is_some() => {
            npm_prefix(survey, unit, step).map(|prefix| vec![prefix])
        }
        // It puts another Node into the prefix of the whole machine.
        Store::Modules if step.program() == "n" => local(),
        // Bun's own image has no npm, before a package brings it.
        Store::Modules if language == "node" && !brings_bun(image) => {
            let mut found = vec!["/usr/local/lib/node_modules".to_owned(), "/usr/local/bin".to_owned()];
            if step.program() == "yarn" {
                found.push("/usr/local/share/.config/yarn/global".to_owned());
            }
            Some(found)
        }
        // Node of the distribution's packages installs among theirs; Node from an archive lies where it is copied from.
        Store::Modules if globals::PACKAGES.iter().any(|name| *name != "yarn" && survey.installs(name)) => {
            (debian && survey.installs("npm") && step.program() == "npm").then(|| vec!["/usr/local".to_owned()])
        }
        // Node that another stage brings lies where the official image has it.
        Store::Modules if brings_node(survey) => {
            Some(vec!["/usr/local/lib/node_modules".to_owned(), "/usr/local/bin".to_owned()])
        }
        Store::Modules => Some(Vec::new()),
        // Other images have the PHP of their distribution, for which the file installs what it compiles with.
        Store::Extensions
            if language == "php"
                && (step.program().starts_with("docker-php")
                    || image.is_some_and(|image| image.env().any(|(name, _)| name == "PHP_INI_DIR"))
                    || packaged_php(survey, step).is_none()) =>
        {
            Some(vec!["/usr/local/lib/php".to_owned(), "/usr/local/etc/php".to_owned()])
        }
        Store::Extensions if step.program().starts_with("docker-php") => local(),
        // A PHP that the file compiled goes along with the prefix that it was installed into.
        Store::Extensions => packaged_php(survey, step).or_else(|| compiles_php(survey).then(Vec::new)),
        // R of Debian's packages, and that of the images that compile one, keep what is added there.
        Store::R if language == "r" || debian || family.is_none() && manages(survey, &["apt"]) => {
            Some(vec!["/usr/local/lib/R".to_owned()])
        }
        // The official image keeps Bundler's settings beside the gems.
        Store::Home(".bundle") if language == "ruby" => Some(Vec::new()),
        Store::Home(".cabal") => cabal_home(survey, image, unit).map(|path| vec![path]),
        Store::Home(".local") if matches!(step.program(), "pipx" | "uv") => {
            let home = paths::join(&home(survey, unit), ".local");
            let (names, place) = match step.program() {
                "uv" => (["UV_TOOL_DIR", "UV_TOOL_BIN_DIR"], "share/uv/tools"),
                _ => (["PIPX_HOME", "PIPX_BIN_DIR"], "share/pipx"),
            };
            let [environments, programs] = names.map(|name| told(survey, unit, step, name));
            let global = step.args().iter().any(|arg| arg == "--global");
            match (environments, programs) {
                _ if global => Some(vec!["/opt/pipx".to_owned(), "/usr/local/bin".to_owned()]),
                (None, None) => Some(vec![home]),
                (environments, programs) => Some(vec![
                    environments.unwrap_or_else(|| paths::join(&home, place)),
                    programs.unwrap_or_else(|| paths::join(&home, "bin")),
                ]),
            }
        }
        // RVM's installer sets it up for all users where root runs it, and for login shells.
        Store::Home(".rvm")
            if unprivileged(survey, unit).is_none() && told(survey, unit, step, "rvm_path").is_none() =>
        {
            Some(vec!["/usr/local/rvm".to_owned(), "/etc/profile.d/rvm.sh".to_owned()])
        }
        Store::Home(folder) => {
            let home = home(survey, unit);
            let from = |name: &str| step.piped.as_deref().is_some_and(|address| address.contains(name));
            let set = match folder {
                ".mix" => ["MIX_HOME"].as_slice(),
                ".julia" => ["JULIA_DEPOT_PATH", "JULIA_PKGDIR"].as_slice(),
                ".opam" => ["OPAMROOT"].as_slice(),
                // The installers of these ask for the place by a variable.
                ".bun" => ["BUN_INSTALL"].as_slice(),
                ".composer" => ["COMPOSER_HOME"].as_slice(),
                ".cargo" if language != "rust" => ["CARGO_HOME"].as_slice(),
                ".deno" => ["DENO_INSTALL"].as_slice(),
                ".nvm" => ["NVM_DIR"].as_slice(),
                ".poetry" => ["POETRY_HOME"].as_slice(),
                ".rvm" => ["rvm_path"].as_slice(),
                ".sdkman" => ["SDKMAN_DIR"].as_slice(),
                effects::UV_PYTHONS => ["UV_PYTHON_INSTALL_DIR"].as_slice(),
                ".local" if from("poetry") => ["POETRY_HOME"].as_slice(),
                ".local" if from("/uv") => ["UV_INSTALL_DIR"].as_slice(),
                _ => &[],
            };
            let set = set.iter().find_map(|name| {
                let path = told(survey, unit, step, name)?;
                (path.starts_with('/') && !path.contains([':', '$'])).then(|| paths::join("/", &path))
            });
            let set = set.or_else(|| (folder == ".nvm").then(|| beside_the_script(unit, step, &home)).flatten());
            let toolchain = matches!(folder, ".cargo" | ".npmrc" | ".config" | ".m2" | ".stack");
            let starts_from = if folder == ".cargo" { starts_from_cargo } else { starts_from };
            // Bun's image has the programs of its global modules linked beside Bun itself.
            let linked = (folder == ".bun" && brings_bun(image)).then(|| "/usr/local/bin".to_owned());
            if let Some(path) = set {
                let found = std::iter::once(path.clone()).chain(linked).collect();
                return Some(if toolchain && !starts_from(survey, &path) { Vec::new() } else { found });
            }
            // Who runs the instructions of an image that is not known, and where his home is, nobody says.
            let said = survey.model.user(unit.index).is_some()
                || matches!(survey.model.variable(unit.index, "HOME"), Value::Set(_));
            if matches!(folder, ".julia" | ".opam") && image.is_none() && !said {
                return None;
            }
            // The official image of Rust has its home elsewhere.
            let path = if folder == ".cargo" && language == "rust" {
                "/usr/local/cargo".to_owned()
            } else {
                paths::join(&home, folder)
            };
            // What nobody can start by name is of no use when the container runs.
            let found = std::iter::once(path.clone()).chain(linked).collect();
            Some(if toolchain && !starts_from(survey, &path) { Vec::new() } else { found })
        }
        // A Conda that the file installs lies where its installer was told to put it; that of an image that is not known
        // may be anywhere.
        Store::Conda => brings_conda(survey).then(Vec::new),
        _ => None,
    }
}

/// Whether uv downloads a Python for the environment that a command makes: the image has none and no package brings one, or
/// the project asks for another version. `Unsure` where it has a version that can't be compared.
pub(super) fn brings_python(
    survey: &Survey<'_, '_>,
    image: Option<&Image>,
    unit: &Unit<'_>,
    step: &Step,
) -> uv::Source {
    let makes = step.program() == "uv" && matches!(step.subcommand(), Some("sync" | "venv"));
    let plain = |image: &Image| {
        matches!(image.family(), Some(Family::Debian | Family::Ubuntu | Family::Alpine))
            && matches!(paths::name(image.name()), "alpine" | "debian" | "minideb" | "ubuntu" | "uv")
            && image.language() != Some("python")
    };
    let packaged = || {
        ["python3", "python3-dev", "python3-minimal", "python3-pip", "python3-venv"]
            .iter()
            .any(|name| survey.installs(name))
    };
    let refused = || {
        matches!(survey.model.variable(unit.index, "UV_PYTHON_DOWNLOADS"), Value::Set(_))
            || matches!(survey.model.variable(unit.index, "UV_PYTHON"), Value::Set(_))
    };
    let Some(image) = image.filter(|_| makes) else { return uv::Source::Image };
    if image.language() == Some("python") {
        return uv::source(survey.model, survey.stage, unit.index, step);
    }
    if plain(image) && !packaged() && !refused() { uv::Source::Download } else { uv::Source::Image }
}

/// Whether the stage builds modules for a server of the distribution's packages.
pub(super) fn extends_a_server(survey: &Survey<'_, '_>) -> bool {
    const HEADERS: [&str; 9] = [
        "apache2-dev",
        "apache2-devel",
        "apache2-prefork-dev",
        "apache2-threaded-dev",
        "httpd-devel",
        "libvarnish-dev",
        "libvarnishapi-dev",
        "uwsgi-dev",
        "varnish-dev",
    ];
    const WORDS: [&str; 3] = ["apxs", "WITH_APACHE", "USE_PGXS"];
    survey.steps().any(|(_, step)| match effects::of(step) {
        Effect::Install(packages) => packages.names.iter().any(|name| {
            HEADERS.contains(&crate::knowledge::packages::bare(name)) || name.starts_with("postgresql-server-dev")
        }),
        Effect::Build | Effect::Store(_) => {
            step.argv.iter().any(|word| WORDS.iter().any(|part| word.contains(part) && !word.ends_with("=0")))
        }
        _ => false,
    })
}

/// Whether the stage installs packages with one of these managers.
fn manages(survey: &Survey<'_, '_>, kinds: &[&str]) -> bool {
    survey.steps().any(|(_, step)| kinds.contains(&step.kind()))
}

/// The major version of an image's release.
fn major(image: Option<&Image<'_>>) -> Option<u32> {
    releases::release(image.and_then(Image::release)?)?.major()
}

/// Whether the stage compiles a PHP of its own.
fn compiles_php(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        step.cwd.as_deref().is_some_and(is_php) && matches!(effects::of(step), Effect::Store(Store::Prefix))
    })
}

/// Whether the stage compiles a language of its own: it works in a folder of its name, and installs from there.
fn compiles(survey: &Survey<'_, '_>, language: &str) -> bool {
    survey.steps().any(|(_, step)| {
        let own = step.cwd.as_deref().is_some_and(|cwd| {
            let name = paths::name(cwd).to_ascii_lowercase();
            name.strip_prefix(language).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        own && matches!(effects::of(step), Effect::Store(Store::Prefix))
    })
}

/// Whether a folder has the sources of PHP, by its name.
pub(super) fn is_php(folder: &str) -> bool {
    let name = paths::name(folder);
    name == "php" || name.starts_with("php-") || name == "php-src"
}

/// Whether a command installs what keeps files of its own beside Python's packages, by name or by a list that it is given:
/// the pages and kernels of notebooks.
fn notebooks(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let keeps = |word: &str| {
        let name = word.split(['=', '<', '>', '~', '!', '[', ' ']).next().unwrap_or(word).to_ascii_lowercase();
        let names = ["jupyter", "jupyterlab", "notebook", "ipykernel", "ipykernel.kernelspec", "nbconvert"];
        names.contains(&name.as_str())
    };
    let mut pairs = step.args().windows(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
    step.args().iter().any(|word| keeps(word))
        || pairs.any(|(option, list)| {
            let list = matches!(option.as_str(), "-r" | "--requirement").then(|| step.path(list)).flatten();
            list.and_then(|list| survey.read(&list)).is_some_and(|text| {
                // What a marker stands behind may not be installed.
                String::from_utf8_lossy(&text).lines().any(|line| !line.contains(';') && keeps(line.trim()))
            })
        })
}

/// Whether notebooks are what starts: their pages, settings and extensions lie all over the prefix.
fn starts_notebooks(survey: &Survey<'_, '_>) -> bool {
    survey.entry.steps.iter().any(|step| {
        let module =
            step.args().windows(2).any(|pair| matches!(pair, [option, name] if option == "-m" && notebook(name)));
        notebook(step.program()) || module
    })
}

fn notebook(program: &str) -> bool {
    matches!(program, "jupyter" | "jupyterlab" | "jupyterhub" | "notebook" | "voila") || program.starts_with("jupyter-")
}

/// Whether the stage installs Conda itself.
fn brings_conda(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        let words = step.argv.iter().chain(&step.piped).chain(&step.outputs);
        step.kind() != "conda"
            && words.map(|word| word.to_ascii_lowercase()).any(|word| {
                ["conda", "mamba", "miniforge"].iter().any(|name| word.contains(name))
                    && (word.contains(".sh") || word.contains("://"))
            })
    })
}

/// Where the PHP of a distribution's packages has its extensions, or the libraries of PEAR.
///
/// The runtime stage has the same packages, so that what lies there beside is the same file.
pub(super) fn packaged_php(survey: &Survey<'_, '_>, step: &Step) -> Option<Vec<String>> {
    let mut manager = None;
    let mut names: Vec<&str> = Vec::new();
    for (_, step) in survey.steps() {
        if let Effect::Install(packages) = effects::of(step) {
            let php = packages.names.iter().map(String::as_str).filter(|name| name.starts_with("php"));
            let before = names.len();
            names.extend(php);
            if names.len() > before {
                manager = Some(packages.manager);
            }
        }
    }
    let pear = step.program() == "pear";
    Some(match manager? {
        Manager::Apt => {
            let extensions =
                if names.iter().any(|name| name.starts_with("php5")) { "/usr/lib/php5" } else { "/usr/lib/php" };
            vec![if pear { "/usr/share/php" } else { extensions }.to_owned()]
        }
        Manager::Apk => {
            let version = names.iter().find_map(|name| {
                let digits: String = name.trim_start_matches("php").chars().take_while(char::is_ascii_digit).collect();
                (!digits.is_empty()).then_some(digits)
            });
            vec![format!("/usr/{}/php{}", if pear { "share" } else { "lib" }, version?)]
        }
        Manager::Yum => vec![if pear { "/usr/share/pear" } else { "/usr/lib64/php" }.to_owned()],
        _ => return None,
    })
}

/// What is started by name, where an installer puts its programs beside the distribution's.
fn programs(survey: &Survey<'_, '_>) -> Vec<String> {
    let name = survey.entry.steps.first().map(Step::program).unwrap_or_default();
    let own = effects::kind(name).is_empty() && !name.is_empty() && !name.contains('.') && !survey.installs(name);
    let by_name = survey.entry.steps.first().is_some_and(|step| {
        step.argv.first().is_some_and(|program| !program.contains('/')) && survey.started(step).is_none()
    });
    if own && by_name && !is_bin(survey, name) { vec![format!("/usr/bin/{name}")] } else { Vec::new() }
}

/// Whether a module of the project in Node says that it brings a program of this name.
fn is_bin(survey: &Survey<'_, '_>, name: &str) -> bool {
    let Some(context) = survey.model.context else { return false };
    let manifests = context.files().iter().filter(|file| paths::name(file) == "package.json");
    manifests.filter(|file| !file.contains("node_modules/")).any(|file| {
        let text = context.read(file).unwrap_or_default();
        let manifest: serde_json::Value = serde_json::from_str(&crate::context::text(&text)).unwrap_or_default();
        match manifest.get("bin") {
            Some(serde_json::Value::Object(programs)) => programs.contains_key(name),
            Some(_) => manifest.get("name").and_then(|own| own.as_str()).is_some_and(|own| paths::name(own) == name),
            None => false,
        }
    })
}

/// Cargo's home: the official image of Rust has it in a place of its own.
pub(super) fn cargo_home(survey: &Survey<'_, '_>, image: Option<&Image<'_>>, unit: &Unit<'_>) -> String {
    match survey.model.variable(unit.index, "CARGO_HOME") {
        Value::Set(path) => paths::join("/", &path),
        _ if image.and_then(Image::language) == Some("rust") => "/usr/local/cargo".to_owned(),
        _ => paths::join(&home(survey, unit), ".cargo"),
    }
}

/// Whether what runs is looked for in a folder.
pub(super) fn starts_from(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.entry.steps.iter().any(|step| step.argv.iter().any(|arg| arg.contains(path)))
}

/// Whether what runs is looked for in Cargo's folder elsewhere than among the programs that it installs.
fn starts_from_cargo(survey: &Survey<'_, '_>, path: &str) -> bool {
    let bin = format!("{path}/bin/");
    survey.entry.steps.iter().any(|step| step.argv.iter().any(|arg| arg.replace(&bin, "").contains(path)))
}

/// The folder in which Cabal keeps what it installs: in the home, or from 3.10 on among the hidden folders of the home.
fn cabal_home(survey: &Survey<'_, '_>, image: Option<&Image<'_>>, unit: &Unit<'_>) -> Option<String> {
    let home = home(survey, unit);
    let (old, new) = (paths::join(&home, ".cabal"), paths::join(&home, ".local"));
    // Who looks for the programs in one of them knows which it is.
    let names = |bin: &str| survey.units.iter().any(|unit| unit.instruction.args.text.contains(bin));
    match (names(".cabal/bin"), names(".local/bin")) {
        (true, false) => return Some(old),
        (false, true) => return Some(new),
        _ => {}
    }
    let image = image?;
    if image.language() != Some("haskell") {
        const NEW: [&str; 3] = ["trixie", "forky", "sid"];
        let release = image.release()?;
        let minor = release.strip_prefix("alpine3.").and_then(|minor| minor.parse::<u32>().ok());
        let newer = NEW.contains(&release) || minor.is_some_and(|minor| minor >= 19);
        return Some(if newer { new } else { old });
    }
    // The images of GHC 9.0 to 9.4 were made anew with a newer Cabal while they were maintained.
    let mut numbers = image.tag().split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), _) if major < 9 => Some(old),
        (Some(Ok(9)), Some(Ok(minor))) if minor < 6 => None,
        _ => Some(new),
    }
}

/// Where the installer of the AWS command line puts it, with the folder of its links: `./aws/install -i /opt/aws -b /usr/bin`.
pub(super) fn aws(step: &Step) -> Option<(String, String)> {
    let program = step.argv.first()?;
    if program != "aws/install" && !program.ends_with("/aws/install") {
        return None;
    }
    let told = |short: &str, long: &str| {
        let words = step.args().iter().zip(step.args().iter().skip(1));
        words.filter(|(option, _)| *option == short || *option == long).map(|(_, value)| value).next_back()
    };
    let folder = told("-i", "--install-dir").map_or(Some("/usr/local/aws-cli".to_owned()), |path| step.path(path))?;
    let links = told("-b", "--bin-dir").map_or(Some("/usr/local/bin".to_owned()), |path| step.path(path))?;
    (paths::plain(&folder) && paths::plain(&links)).then_some((folder, links))
}

/// What a variable is told to be for a command: before it on its line, by an `export` of the same script, or by the file.
fn told(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step, name: &str) -> Option<String> {
    let given = |word: &String| {
        let value = word.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    let own = step.assignments.iter().find_map(given);
    let exported = || {
        let before = unit.steps.iter().take_while(|other| other.span.start < step.span.start);
        before.filter(|other| other.program() == "export").flat_map(Step::args).filter_map(given).last()
    };
    own.or_else(exported).or_else(|| match survey.model.variable(unit.index, name) {
        Value::Set(value) => Some(value.into_owned()),
        _ => None,
    })
}

/// Where npm was told to put what it installs for everybody: `NPM_CONFIG_PREFIX`, `npm config set prefix ~/.npm-global`,
/// `--prefix`. None where that is beside Node itself.
pub(super) fn npm_prefix(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    let option = || {
        let mut words = step.args().iter();
        let word = words.find(|word| word.starts_with("--prefix"))?;
        word.strip_prefix("--prefix=").map(str::to_owned).or_else(|| words.next().cloned())
    };
    let set = || {
        let before = survey.steps().take_while(|(_, other)| !std::ptr::eq(*other, step)).map(|(_, other)| other);
        let said = before.filter(|other| other.program() == "npm").filter_map(|other| {
            let words: Vec<&str> =
                other.args().iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
            match words.as_slice() {
                ["config", "set", "prefix", value] | ["set", "prefix", value] => Some((*value).to_owned()),
                ["config", "set", told] | ["set", told] => Some(told.strip_prefix("prefix=")?.to_owned()),
                _ => None,
            }
        });
        said.last()
    };
    let told = |name| told(survey, unit, step, name);
    let prefix = option().or_else(|| told("NPM_CONFIG_PREFIX")).or_else(|| told("npm_config_prefix")).or_else(set)?;
    let prefix = prefix.trim_matches(['"', '\'']);
    let own = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|way| prefix.strip_prefix(way));
    let prefix = match own {
        Some(rest) => paths::join(&home(survey, unit), rest),
        None => step.path(prefix)?,
    };
    let prefix = prefix.trim_end_matches('/');
    (!matches!(prefix, "/usr" | "/usr/local" | "")).then(|| prefix.to_owned())
}

/// The folder of the script that a shell read nvm from, which is where it puts what it installs: `. /opt/nvm/nvm.sh`.
fn beside_the_script(unit: &Unit<'_>, step: &Step, home: &str) -> Option<String> {
    // What stands in the words of `bash -c` has one place in the file.
    let before = unit.steps.iter().take_while(|other| !std::ptr::eq(*other, step));
    let read = before.filter(|other| matches!(other.program(), "." | "source")).filter_map(|other| {
        let script = other.args().first()?;
        let script = ["~/", "$HOME/", "${HOME}/"]
            .iter()
            .find_map(|way| script.strip_prefix(way))
            .map_or_else(|| other.path(script), |rest| Some(paths::join(home, rest)))?;
        (paths::name(&script) == "nvm.sh" && !script.contains('$')).then(|| paths::parent(&script).to_owned())
    });
    read.last()
}

/// The home of who runs an instruction.
pub(super) fn home(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> String {
    if let Value::Set(home) = survey.model.variable(unit.index, "HOME") {
        return paths::join("/", &home);
    }
    match unprivileged(survey, unit) {
        Some(user) => made_home(survey, &user).unwrap_or_else(|| format!("/home/{user}")),
        None => "/root".to_owned(),
    }
}

/// Who runs an instruction, where that is not root.
fn unprivileged(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Option<String> {
    let user = survey.model.user(unit.index)?;
    let name = user.text.split(':').next().unwrap_or_default();
    (!matches!(name, "root" | "0" | "")).then(|| name.to_owned())
}

/// The home that `useradd` or `adduser` gave a user, by its name or its number; `None` where none of them makes it.
fn made_home(survey: &Survey<'_, '_>, user: &str) -> Option<String> {
    survey.steps().filter(|(_, step)| matches!(step.program(), "useradd" | "adduser")).find_map(|(_, step)| {
        let given = |options: &[&str]| {
            let at = step.args().iter().position(|arg| options.contains(&arg.as_str()));
            at.and_then(|at| step.args().get(at + 1)).map(String::as_str).or_else(|| {
                step.args().iter().find_map(|arg| {
                    let (option, value) = arg.split_once('=')?;
                    options.contains(&option).then_some(value)
                })
            })
        };
        let named = step.args().iter().any(|arg| arg == user) || given(&["-u", "--uid"]) == Some(user);
        let name = if user.bytes().all(|byte| byte.is_ascii_digit()) { step.args().last()? } else { user };
        let folder =
            given(&["-d", "--home-dir", "--home", "-h"]).map_or_else(|| format!("/home/{name}"), str::to_owned);
        named.then_some(folder)
    })
}

/// The environment that an installer works in, where it is a folder of its own: a virtual environment, Conda's.
fn environment(
    survey: &Survey<'_, '_>,
    image: Option<&Image<'_>>,
    unit: &Unit<'_>,
    step: &Step,
    store: Store,
) -> Option<String> {
    if !matches!(store, Store::Python | Store::Conda | Store::Gems | Store::R) {
        return None;
    }
    let program = step.argv.first()?;
    // These work in an environment that is entered; where they lie themselves, they do not look.
    let apart = step.kind() == "poetry" && step.program() != "flit";
    if program.starts_with('/')
        && !apart
        && let Some((folder, _)) = program.rsplit_once("/bin/")
        && !matches!(folder, "" | "/usr" | "/usr/local")
    {
        return Some(folder.to_owned());
    }
    // `. /venv/bin/activate && pip install …`
    let before = unit.steps.iter().take_while(|other| other.span.start < step.span.start);
    let entered = before.filter(|other| matches!(other.program(), "." | "source")).filter_map(|other| {
        let script = other.args().first().filter(|script| script.ends_with("/bin/activate"))?;
        Some(other.path(script)?.strip_suffix("/bin/activate")?.to_owned())
    });
    if store == Store::Python
        && let Some(folder) = entered.last()
    {
        return Some(folder);
    }
    let variables: &[&str] = match store {
        Store::Python => &["VIRTUAL_ENV", "CONDA_DIR", "CONDA_PREFIX"],
        Store::Gems => &["BUNDLE_PATH", "GEM_HOME"],
        _ => &["CONDA_DIR", "CONDA_PREFIX", "CONDA_ROOT"],
    };
    for name in variables {
        if let Value::Set(path) = survey.model.variable(unit.index, name)
            && path.starts_with('/')
            && !made_later(survey, step, &path)
        {
            return Some(paths::join("/", &path));
        }
    }
    // Conda and virtual environments come first in PATH: as the file sets it, or the image.
    let own = || {
        let names = survey.model.env_names(survey.stage);
        let (at, _) = names.filter(|(at, name)| *at < unit.index && *name == "PATH").last()?;
        survey.model.instruction(at).map(|instruction| instruction.args.text.to_string())
    };
    let shipped = || image?.env().find(|(name, _)| *name == "PATH").map(|(_, path)| path.to_owned());
    let path = match survey.model.variable(unit.index, "PATH") {
        Value::Set(path) => path.into_owned(),
        _ => own().or_else(shipped)?,
    };
    let first = path.split([':', '=', ' ', '"']).find(|folder| folder.ends_with("/bin") && folder.starts_with('/'))?;
    let folder = first.strip_suffix("/bin")?;
    let own = !matches!(folder, "" | "/usr" | "/usr/local");
    let kind = match store {
        // Conda's own environment is the one that its Python stands in.
        Store::Python if apart => folder.contains("conda") && !crate::model::virtualenv(survey.model, survey.stage),
        Store::Python => ["venv", "env", "conda", "virtualenv", "python"].iter().any(|word| folder.contains(word)),
        Store::Conda => folder.contains("conda"),
        _ => false,
    };
    // `/opt/conda/envs/app` lies in Conda's own folder.
    let folder = folder.split_once("/envs/").map_or(folder, |(root, _)| root);
    (own && kind && !made_later(survey, step, folder)).then(|| folder.to_owned())
}

/// Whether a virtual environment is made by a later command than this one, and by none before: PATH may name it already.
fn made_later(survey: &Survey<'_, '_>, step: &Step, folder: &str) -> bool {
    let makes = |other: &&Step| other.makes_environment() && other.args().iter().any(|arg| other.is_at(arg, folder));
    let first = survey.steps().map(|(_, other)| other).find(makes);
    first.is_some_and(|first| first.span.start > step.span.start)
}

/// The folders that an installer of Python's packages is told to install into: by its options, by those that it hands on, or
/// by the settings of a project that is known for it.
fn told_prefixes(step: &Step) -> Vec<String> {
    const OPTIONS: [&str; 6] = ["--prefix", "--target", "--install-lib", "--install-scripts", "--install-data", "-t"];
    let mut found: Vec<String> = Vec::new();
    let mut words = step.args().iter().map(|word| word.strip_prefix("--install-option=").unwrap_or(word));
    while let Some(word) = words.next() {
        let word = word.trim_matches(['"', '\'']);
        let value = match word.split_once('=') {
            Some((option, value)) => OPTIONS.contains(&option).then_some(value),
            None if OPTIONS.contains(&word) => words.next(),
            None => None,
        };
        found.extend(value.and_then(|path| step.path(path)));
    }
    let setup = step.argv.iter().take(3).any(|word| paths::name(word) == "setup.py");
    let project = step.cwd.as_deref().filter(|_| setup && found.is_empty());
    found.extend(project.and_then(usual).map(str::to_owned));
    // One of them may hold the others.
    let all = found.clone();
    found.retain(|path| !all.iter().any(|other| other != path && paths::within(path, other)));
    found.dedup();
    found
}

/// Where Bundler is told to put gems, if that is apart from the project: `bundle install --path /var/bundle`, `bundle
/// config set path /var/bundle`.
fn bundle_path(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    let told = |step: &Step| {
        let joined = step.args().iter().find_map(|arg| arg.strip_prefix("--path="));
        let apart = step.args().windows(2).find_map(|pair| match pair {
            [option, path] if option == "--path" => Some(path.as_str()),
            [option, path] if option == "path" && step.subcommand() == Some("config") => Some(path.as_str()),
            _ => None,
        });
        joined.or(apart).filter(|path| path.starts_with('/')).and_then(|path| step.path(path))
    };
    if step.kind() != "bundle" {
        return None;
    }
    let before = survey.units.iter().take_while(|other| other.index <= unit.index).flat_map(|unit| unit.steps);
    told(step).or_else(|| before.filter(|other| other.program() == step.program()).find_map(told))
}

/// The folder in which the image has Bundler keep what it was told for the project, where it was told anything that it has
/// to know when the program starts: without it, Bundler asks for the gems of every group, and looks for them elsewhere.
pub(super) fn bundle_settings(survey: &Survey<'_, '_>, image: Option<&Image<'_>>, unit: &Unit<'_>) -> Option<String> {
    const NAME: &str = "BUNDLE_APP_CONFIG";
    let option = |word: &String| {
        let option = word.split_once('=').map_or(word.as_str(), |(option, _)| option);
        matches!(option, "--deployment" | "--gemfile" | "--path" | "--with" | "--without")
    };
    let told = |step: &Step| {
        let local = step.subcommand() == Some("config") && !step.args().iter().any(|word| word == "--global");
        step.kind() == "bundle" && (local || step.args().iter().any(option))
    };
    if !survey.steps().any(|(_, step)| told(step)) {
        return None;
    }
    let folder = match survey.model.variable(unit.index, NAME) {
        Value::Set(folder) => folder.into_owned(),
        _ => image?.env().find(|(name, _)| *name == NAME)?.1.to_owned(),
    };
    folder.starts_with('/').then(|| paths::join("/", &folder))
}

/// The folder that Composer is told to put the programs of its packages into: by `COMPOSER_BIN_DIR`, or by
/// `composer config bin-dir /usr/local/bin` before.
pub(super) fn composer_programs(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    let installs = ["create-project", "global", "install", "require", "update"];
    if step.kind() != "composer" || !step.args().iter().any(|arg| installs.contains(&arg.as_str())) {
        return None;
    }
    let told = |other: &Step| {
        let at = other.args().iter().position(|arg| arg == "bin-dir")?;
        let sets = other.kind() == "composer" && other.args().iter().any(|arg| arg == "config");
        other.args().get(at + 1).filter(|_| sets).and_then(|folder| other.path(folder))
    };
    let before = survey.units.iter().take_while(|other| other.index <= unit.index).flat_map(|unit| unit.steps);
    let set = match survey.model.variable(unit.index, "COMPOSER_BIN_DIR") {
        Value::Set(folder) => step.path(&folder),
        _ => None,
    };
    set.or_else(|| before.take_while(|other| other.span.start < step.span.start).filter_map(told).last())
}

/// Whether Bundler installs into the project.
fn vendored(step: &Step) -> bool {
    step.argv.iter().any(|arg| arg == "--deployment" || arg == "--path" || arg.starts_with("--path="))
}

/// `3.12` of `3.12.1-slim`.
pub(super) fn minor(tag: &str) -> Option<&str> {
    let version = tag.split('-').next()?;
    let mut dots = version.match_indices('.');
    let first = dots.next()?.0;
    let end = dots.next().map_or(version.len(), |(at, _)| at);
    let minor = version.get(..end)?;
    let numbers = minor.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    (numbers && first > 0).then_some(minor)
}

/// Whether the base is Bun's own image.
fn brings_bun(image: Option<&Image>) -> bool {
    image.is_some_and(|image| paths::name(image.name()) == "bun")
}

/// Whether another stage or image brings Node among the programs for everybody.
fn brings_node(survey: &Survey<'_, '_>) -> bool {
    let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| !copy.context);
    copies.any(|copy| {
        let node = |source: &String| {
            matches!(
                source.as_str(),
                "/usr/local/bin" | "/usr/local/bin/" | "/usr/local" | "/usr/local/" | "/usr/local/bin/node"
            )
        };
        copy.to.as_deref().is_some_and(|to| paths::within(to, "/usr/local")) && copy.sources.iter().any(node)
    })
}

/// Whether the image of PyPy is one of before 7.3.1, which had its programs and modules in `/usr/local`.
fn early_pypy(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let python = parts.next().unwrap_or_default();
    let mut version = parts.next().unwrap_or_default().split('.').map(|part| part.parse::<u32>().ok());
    let early = match (version.next().flatten(), version.next().flatten(), version.next().flatten()) {
        (Some(first), _, _) if first < 7 => true,
        (Some(7), Some(second), _) if second < 3 => true,
        (Some(7), Some(3), Some(0)) => true,
        _ => false,
    };
    early || matches!(python, "3.2" | "3.5")
}

/// Whether a package of the distribution brings Ruby: `ruby-full`, `ruby2.7`, `bundler`, `jekyll`.
fn packaged_ruby(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| {
            ["ruby", "jekyll", "rails"].iter().any(|start| name.starts_with(start)) || name.contains("bundler") || name.contains('$')
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pypy_moved_in_the_middle_of_a_release() {
        assert!(["2-6.0.0", "3-5.10", "3.6-7.3.0", "2.7-7.2-slim", "3.5-jessie"].into_iter().all(early_pypy));
        assert!(!["3.10-7.3.17", "2", "3.6-7.3.1", "3-slim", "2-7", "latest"].into_iter().any(early_pypy));
    }
}
