//! What start scripts do, as far as the context shows them: the scripts that the entry names, and those that they call.

use std::borrow::Cow;

use crate::model::commands::{self, Step};
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::{Logical, shell};

use super::survey::Survey;

/// More scripts than this are not followed.
const MAX: usize = 8;

/// A script of the image that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// Where it lies in the image.
    pub(super) path: String,
    /// Its text.
    pub(super) text: Vec<u8>,
    /// Its commands; `None` where it is not a POSIX script, or can't be parsed.
    pub(super) steps: Option<Vec<Step>>,
}

/// A change that a script makes to the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    /// A folder that it makes.
    Folder(String),
    /// A file that it writes in place.
    File(String),
    /// A file that it makes where it finds none: `if [ ! -f settings ]; then`.
    New(String),
    /// A file or link that it makes anew in a folder, or takes out of it: the folder has to be writable.
    Entry(String),
    /// A file that it puts somewhere, or the folder that it puts it into.
    Target(String),
}

/// The script that a step of an entry, or of another script, starts.
pub(super) fn started(step: &Step) -> Option<String> {
    let interpreter = matches!(step.program(), "sh" | "bash" | "ash" | "dash" | "." | "source" | "exec");
    match interpreter {
        true => step.args().iter().find(|arg| !arg.starts_with('-')).and_then(|arg| step.path(arg)),
        false => {
            let first = step.argv.first()?;
            // A bare name is looked up in PATH.
            if first.contains('/') { step.path(first) } else { Some(format!("/usr/local/bin/{first}")) }
        }
    }
}

/// Where the entrypoint of the images of nginx looks for scripts that it starts before the server.
const HOOKS: &str = "/docker-entrypoint.d";

/// The scripts that the image's own entrypoint starts, as the file brings them.
pub(super) fn hooks(survey: &Survey<'_, '_>) -> Vec<String> {
    let script = |path: &str| path.ends_with(".sh") || path.ends_with(".envsh");
    if !survey.facts.key.ends_with("nginx") || survey.entry.entrypoint.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for copied in survey.all().filter_map(|unit| survey.copied(unit)) {
        let Some(to) = copied.to.as_deref().filter(|to| paths::within(to, HOOKS)) else { continue };
        for source in &copied.sources {
            if script(to) {
                found.push(to.to_owned());
            } else if script(source) && !source.contains('*') {
                found.push(paths::join(to, paths::name(source)));
            } else {
                let folder = source.trim_start_matches("./").trim_end_matches('/').trim_end_matches("/*");
                let files = survey.model.context.filter(|_| copied.context).map_or(&[][..], |context| context.files());
                let files = files.iter().filter(|file| paths::parent(file) == folder && script(file));
                found.extend(files.map(|file| paths::join(to, paths::name(file))));
            }
        }
    }
    found
}

/// A script of the file's own in the place of the one that the image starts.
pub(super) fn replaced(survey: &Survey<'_, '_>) -> Option<String> {
    if survey.entry.entrypoint.is_some() {
        return None;
    }
    let name = survey.facts.entrypoint.filter(|name| name.ends_with(".sh"))?;
    let places = ["/", "/usr/local/bin", "/usr/bin"].iter().map(|folder| paths::join(folder, name));
    places.into_iter().find(|path| survey.units.iter().any(|unit| survey.brings(unit, path)))
}

/// Reads the scripts that start.
pub(super) fn read(survey: &Survey<'_, '_>) -> Vec<Script> {
    let mut found: Vec<Script> = Vec::new();
    // Most files are looked at without a build context, and hold no texts.
    if !survey.reads() {
        return found;
    }
    for path in hooks(survey).into_iter().chain(replaced(survey)) {
        let Some(text) = survey.read(&path).map(Cow::into_owned) else { continue };
        let steps = parse(survey, &text, survey.model.final_workdir(survey.stage));
        found.push(Script { path, text, steps });
    }
    follow(survey, survey.entry.steps.clone(), &mut found);
    found
}

/// The scripts that other commands start.
pub(super) fn behind(survey: &Survey<'_, '_>, wanted: Vec<Step>) -> Vec<Script> {
    let mut found = Vec::new();
    if survey.reads() {
        follow(survey, wanted, &mut found);
    }
    found
}

/// Reads the scripts that commands start, and those behind them.
fn follow(survey: &Survey<'_, '_>, mut wanted: Vec<Step>, found: &mut Vec<Script>) {
    let mut at = 0;
    while let Some(step) = wanted.get(at).cloned()
        && found.len() < MAX
        && at < 256
    {
        at += 1;
        let Some(path) = started(&step) else { continue };
        let path = match survey.read_script(&path) {
            Some(_) => path,
            None if step.argv.first().is_some_and(|first| !first.contains('/')) => {
                let tried = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"];
                let tried = tried.iter().map(|folder| paths::join(folder, step.program()));
                let Some(path) = tried.into_iter().find(|path| survey.read(path).is_some()) else { continue };
                path
            }
            None => continue,
        };
        if found.iter().any(|script| script.path == path) {
            continue;
        }
        let Some(text) = survey.read_script(&path).map(Cow::into_owned) else { continue };
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if !first.starts_with(b"#!") && !path.ends_with(".sh") {
            continue;
        }
        let posix = !first.starts_with(b"#!")
            || [&b"sh"[..], b"bash", b"dash", b"ash"].iter().any(|shell| first.trim_ascii_end().ends_with(shell))
            || first.windows(3).any(|part| part == b"sh ");
        let steps = if posix { parse(survey, &text, step.cwd.as_deref()) } else { None };
        wanted.extend(steps.iter().flatten().cloned());
        found.push(Script { path, text, steps });
    }
}

/// The commands of a script, which works where it is started.
fn parse(survey: &Survey<'_, '_>, text: &[u8], cwd: Option<&str>) -> Option<Vec<Step>> {
    let text = String::from_utf8_lossy(text).replace("\r\n", "\n");
    let logical = Logical { text: text.into(), runs: vec![(0, 0)] };
    let script = shell::parse(&logical)?;
    let index = survey.entry.cmd.or(survey.entry.entrypoint).or_else(|| survey.units.last().map(|unit| unit.index))?;
    let mut steps = commands::steps(survey.model, index, &script);
    for step in &mut steps {
        if step.cwd.as_deref() == survey.model.workdir(index) {
            step.cwd = cwd.map(str::to_owned);
        }
    }
    Some(steps)
}

/// The folder that a synchroniser fills: `aws s3 sync s3://site /srv/site`, `rsync -a /master/ /data/`.
fn into(step: &Step) -> Option<&str> {
    const VERBS: [&str; 8] = ["bisync", "copy", "cp", "get", "mirror", "mv", "rsync", "sync"];
    let operands: Vec<&str> = step.operands().collect();
    let verb = operands.iter().take(2).position(|word| VERBS.contains(word));
    let found = match (step.program(), verb) {
        ("unison", _) => operands.iter().take(2).rfind(|word| word.starts_with('/')).copied(),
        ("rsync", _) => operands.last().filter(|last| last.ends_with('/') || operands.len() > 2).copied(),
        (_, Some(verb)) => operands.get(verb + 2).copied(),
        _ => None,
    };
    // `server:/folder` and `s3://bucket` are other machines; a name with an extension is a single file.
    found.filter(|path| path.starts_with('/') && !path.contains(':') && !paths::name(path).contains('.'))
}

/// What commands write, by absolute path where it can be told; the second value says whether there is more that can't.
pub(super) fn writes(steps: &[Step]) -> (Vec<Write>, bool) {
    let mut found = Vec::new();
    let mut more = false;
    for step in steps {
        let mut add = |path: &str, write: fn(String) -> Write| {
            if path.starts_with('&') || path.starts_with('-') {
                return;
            }
            match step.path(path).filter(|path| !path.contains(['$', '`', '*'])) {
                Some(path) if path.starts_with("/dev/") || path.starts_with("/proc/self/") => {}
                Some(path) => found.push(write(path)),
                None => more = true,
            }
        };
        for output in &step.outputs {
            add(output, Write::File);
        }
        let operands: Vec<&str> = step.operands().collect();
        match step.program() {
            "mkdir" => operands.iter().for_each(|path| add(path, Write::Folder)),
            "touch" => operands.iter().for_each(|path| add(path, Write::File)),
            "tee" => operands.iter().for_each(|path| add(path, Write::File)),
            // Taking away what is not there asks for no right.
            "rm" | "rmdir" if !step.args().iter().any(|arg| arg.starts_with('-') && arg.contains('f')) => {
                operands.iter().for_each(|path| add(path, Write::Entry));
            }
            "sed" | "perl" if step.args().iter().any(|arg| arg.starts_with("-i") || arg == "--in-place") => {
                let named = step.args().iter().any(|arg| matches!(arg.as_str(), "-e" | "-f" | "--expression"));
                for path in operands.iter().skip(usize::from(!named)).filter(|path| !path.starts_with("s/")) {
                    add(path, Write::Entry);
                }
            }
            "aws" | "azcopy" | "gsutil" | "mc" | "rclone" | "rsync" | "s3cmd" | "unison" if into(step).is_some() => {
                into(step).into_iter().for_each(|path| add(path, Write::Folder));
            }
            "ln" | "mv" | "cp" | "install" | "rsync" => {
                if let Some((last, from)) = operands.split_last() {
                    add(last, Write::Target);
                    // What is moved is taken out of where it was.
                    from.iter().filter(|_| step.program() == "mv").for_each(|path| add(path, Write::Entry));
                }
            }
            // `-template settings.tmpl:/etc/app/settings.conf`; without a second name the text is printed.
            "dockerize" => {
                let args = step.args();
                let values = args.iter().zip(args.iter().skip(1)).filter(|(option, _)| *option == "-template");
                let made = values.filter_map(|(_, value)| value.rsplit_once(':'));
                made.for_each(|(_, path)| add(path, Write::File));
            }
            "git" => {
                if let Effect::Fetch(folders) = effects::of(step) {
                    // Where no folder is named, it makes one where it runs.
                    let makes =
                        |path: &&String| step.cwd.as_deref().is_some_and(|at| at != "/" && at == paths::parent(path));
                    folders.iter().for_each(|path| add(path, if makes(&path) { Write::Entry } else { Write::Folder }));
                }
            }
            "curl" | "wget" | "tar" | "unzip" => {
                if let Effect::Writes(written) = effects::of(step) {
                    written.iter().for_each(|path| add(path, Write::Target));
                }
            }
            _ => {}
        }
    }
    let new = looked_for(steps);
    for write in &mut found {
        if let Write::File(path) = write
            && new.contains(path)
        {
            *write = Write::New(std::mem::take(path));
        }
    }
    (found, more)
}

/// The files that commands look for, to do something where there are none: `[ ! -f settings ]`.
fn looked_for(steps: &[Step]) -> Vec<String> {
    let tests = steps.iter().filter(|step| matches!(step.program(), "[" | "test"));
    let asked = tests.filter_map(|step| match step.args() {
        [not, kind, path, ..] if not == "!" && matches!(kind.as_str(), "-e" | "-f") => step.path(path),
        _ => None,
    });
    asked.collect()
}
