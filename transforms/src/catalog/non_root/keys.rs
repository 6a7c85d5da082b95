//! Private keys: who makes one makes it for its owner alone, and a server that starts as another user can't read it.

use crate::knowledge::keys;
use crate::model::commands::Step;
use crate::model::{Stage, paths};
use crate::syntax::Keyword;

use super::owns::{self, Folder, Needs};
use super::survey::{Survey, Unit};
use super::who;

/// Folders that their distribution keeps for root: Debian's openssl and ssl-cert.
const CLOSED: [&str; 1] = ["/etc/ssl/private"];

/// Keys of those who are root in any case, or that a build alone uses.
const OTHERS: [&str; 3] = ["/root", "/etc/ssh", "/etc/apt"];

/// Gives the user the keys that the file makes, closes or copies, and the closed folders on the way to them.
pub(super) fn find(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let root = |unit: &Unit<'_>| survey.model.user(unit.index).is_none_or(|user| who::is_root(&user.text));
    let mut found = left(survey.all().filter(|unit| root(unit)).flat_map(|unit| closed(survey, unit)));
    found.extend(of_default_site(survey));
    let mut ways: Vec<String> = found.iter().filter_map(|path| way(path)).collect();
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit) else { continue };
        let Some(to) = copied.to.as_deref().filter(|to| !apart(to)) else { continue };
        let owned = needs.copies.contains(&at) || unit.has_owner();
        let behind = || survey.copied_from(unit).map(|stage| in_stage(survey, stage)).unwrap_or_default();
        let made = if copied.context || owned { Vec::new() } else { behind() };
        let is_made = |source: &String| made.contains(&paths::join("/", source));
        if !copied.sources.is_empty()
            && copied.sources.iter().all(|source| is_made(source) || named(survey, source, to))
        {
            ways.extend(way(&paths::join(to, "key")));
            ways.extend(way(to));
            found.retain(|path| owned || !survey.brings(unit, path));
            if !owned && !given_away(survey, at, to) {
                needs.copies.push(at);
            }
            continue;
        }
        // What comes with its folder.
        for source in &copied.sources {
            let inside = made.iter().filter_map(|path| paths::relative(path, &paths::join("/", source)));
            found.extend(inside.map(|inside| paths::join(to, inside)));
        }
    }
    for path in ways.into_iter().chain(found) {
        if !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: false, make: false });
        }
    }
}

/// The key that Debian's ssl-cert makes, for the site of Debian's Apache that is served with it.
fn of_default_site(survey: &Survey<'_, '_>) -> Option<String> {
    const SITE: &str = "default-ssl";
    let steps = || survey.units.iter().flat_map(|unit| survey.steps(unit));
    let enables = |step: &Step| {
        step.program() == "a2ensite" && step.args().iter().any(|site| site.trim_end_matches(".conf") == SITE)
    };
    // Apache recommends ssl-cert.
    let brings = |step: &Step| {
        let says = |word: &str| step.args().iter().any(|arg| arg == word);
        matches!(step.program(), "apt-get" | "apt" | "aptitude")
            && (says("ssl-cert") || says("apache2") && !says("--no-install-recommends"))
    };
    let replaced = survey
        .units
        .iter()
        .filter(|unit| unit.instruction.keyword != Keyword::Run)
        .any(|unit| unit.instruction.args.text.contains(SITE));
    let edited = || steps().any(|step| !enables(step) && step.argv.iter().any(|word| word.contains(SITE)));
    let enabled = steps().any(enables) && steps().any(brings) && !replaced && !edited();
    enabled.then(|| "/etc/ssl/private/ssl-cert-snakeoil.key".to_owned())
}

/// The keys that an earlier stage has made for their owner.
fn in_stage(survey: &Survey<'_, '_>, stage: &Stage) -> Vec<String> {
    let units = survey.model.body(stage).map(|(index, instruction)| Unit { index, instruction });
    left(units.flat_map(|unit| closed(survey, &unit)))
}

/// Whether a file that is copied is the private key of a certificate, by its name and its place: what archives of packages
/// are signed with goes by such names too.
fn named(survey: &Survey<'_, '_>, source: &str, to: &str) -> bool {
    const PLACES: [&str; 7] = ["cert", "key", "private", "secret", "ssl", "tls", "pki"];
    // By the name that it has, or by the one that it is given: `COPY privkey.pem-live /etc/ssl/privkey.pem`.
    let names = [paths::name(source), paths::name(to)];
    let Some(name) = names.into_iter().find(|name| keys::is_key(name)) else { return false };
    if source.contains("gpg") || to.contains("gpg") {
        return false;
    }
    let certificate = |name: &str| {
        let end = name.rsplit('.').next().unwrap_or_default();
        matches!(end, "crt" | "cer" | "cert") || end == "pem" && !keys::is_key(name)
    };
    let beside = || {
        let copied = survey.units.iter().filter_map(|unit| survey.copied(unit));
        copied.flat_map(|copied| &copied.sources).any(|source| certificate(paths::name(source)))
    };
    let end = name.rsplit('.').next().unwrap_or_default();
    let store = matches!(end, "p12" | "pfx" | "jks" | "keystore");
    store || PLACES.iter().any(|place| paths::parent(to).contains(place)) || beside()
}

/// Whether a later command of the file gives what is copied to somebody.
fn given_away(survey: &Survey<'_, '_>, at: usize, to: &str) -> bool {
    let later = survey.units.iter().skip(at + 1).flat_map(|unit| survey.steps(unit));
    later.filter(|step| step.program() == "chown").any(|step| {
        let given = step.operands().skip(1).filter_map(|word| step.path(word));
        given.into_iter().any(|given| paths::within(to, &given) || paths::within(&given, to))
    })
}

/// The closed folder that a key lies in.
fn way(path: &str) -> Option<String> {
    CLOSED.iter().find(|folder| paths::parent(path) == **folder).map(|folder| (*folder).to_owned())
}

/// Whether a path is none of the program's.
fn apart(path: &str) -> bool {
    owns::free(path) || path.contains("/.ssh") || OTHERS.iter().any(|folder| paths::within(path, folder))
}

/// What a command does to who can read a file.
enum Change {
    /// The file is its owner's alone.
    Closed(String),
    /// It lies elsewhere, or there once more.
    Copied { from: String, to: String, moved: bool },
    /// Others can read it, it is somebody's already, or it is gone; with everything below it. May hold a `*`.
    Open(String),
}

/// What the commands of a RUN do to keys.
fn closed(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> Vec<Change> {
    const MARKS: [&str; 9] = ["openssl", "chmod", "chown", "keygen", "mkcert", "certtool", "rm ", "mv ", "cp "];
    if unit.instruction.keyword != Keyword::Run {
        return Vec::new();
    }
    let text = unit.text();
    if !MARKS.iter().any(|mark| text.contains(mark)) {
        return Vec::new();
    }
    survey.steps(unit).iter().flat_map(change).collect()
}

fn change(step: &Step) -> Vec<Change> {
    let args = step.args();
    // What is made only at times can't be given away.
    let closed = |path: String| step.always.then_some(Change::Closed(path));
    let operands = || args.iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg));
    match step.program() {
        "chmod" => {
            let Some(mode) = args.iter().find(|arg| !arg.starts_with('-')) else { return Vec::new() };
            let hides = hides(mode);
            let change = |path: String| match hides {
                true => keys::is_key(paths::name(&path)).then(|| closed(path)).flatten(),
                false => Some(Change::Open(path)),
            };
            operands().skip(1).filter_map(change).collect()
        }
        "rm" => operands().map(Change::Open).collect(),
        "chown" => {
            let root = gives_to_root(step);
            operands().skip(1).filter(|_| !root).map(Change::Open).collect()
        }
        "mv" | "cp" => {
            let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
            let [from @ .., to] = words.as_slice() else { return Vec::new() };
            let into = from.len() > 1 || to.ends_with('/') || !paths::name(to).contains('.');
            let moved = step.program() == "mv";
            let change = |from: &&String| {
                let (from, to) = (step.path(from)?, step.path(to)?);
                if from.contains('*') {
                    return moved.then_some(Change::Open(from));
                }
                let to = if into { paths::join(&to, paths::name(&from)) } else { to };
                Some(Change::Copied { from, to, moved })
            };
            from.iter().filter_map(change).collect()
        }
        program => {
            let made = keys::made(program, args).into_iter().filter(|path| !path.contains(['$', '*']));
            made.filter_map(|path| step.path(path)).filter_map(closed).collect()
        }
    }
}

/// Whether `chown` gives its files to root.
fn gives_to_root(step: &Step) -> bool {
    step.operands().next().is_some_and(|owner| who::is_root(owner.split([':', '.']).next().unwrap_or_default()))
}

/// Whether a mode keeps others than the owner from reading.
fn hides(mode: &str) -> bool {
    match mode.bytes().all(|byte| byte.is_ascii_digit()) {
        true => mode.bytes().last().is_some_and(|others| (others.saturating_sub(b'0')) & 4 == 0),
        false => mode.split(',').any(|part| {
            let (who, what) = part.split_once(['-', '=']).unwrap_or_default();
            let takes = part.contains('-') && what.contains(['r', 'w']) || part.contains('=') && !what.contains('r');
            who.contains('o') && takes
        }),
    }
}

/// The keys that are closed in the end.
fn left(changes: impl Iterator<Item = Change>) -> Vec<String> {
    let mut closed: Vec<String> = Vec::new();
    for change in changes {
        match change {
            Change::Closed(path) => {
                if !apart(&path) && !closed.contains(&path) {
                    closed.push(path);
                }
            }
            Change::Copied { from, to, moved } => {
                let Some(at) = closed.iter().position(|path| *path == from) else { continue };
                if moved {
                    closed.remove(at);
                }
                if !apart(&to) && !closed.contains(&to) {
                    closed.push(to);
                }
            }
            Change::Open(path) => {
                let (head, _) = path.split_once('*').unwrap_or((&path, ""));
                let starred = head.len() < path.len();
                closed.retain(|known| !(paths::within(known, &path) || starred && known.starts_with(head)));
            }
        }
    }
    closed
}
