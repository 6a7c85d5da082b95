//! The home of the user, and what lies in that of root.

use crate::knowledge::homes;
use crate::knowledge::releases::Family;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::caches::{self};
use super::super::obstacles;
use super::super::survey::{Survey, Unit};
use super::super::user::User;
use super::super::uses;

use super::filled::reads_only;
use super::sources::named_in_roots_home;
use super::{Folder, Needs, is_application};

/// What stands in root's home and is used when the program runs.
pub(super) fn roots_home(survey: &Survey<'_, '_>, needs: &mut Needs) {
    if !survey.facts.family.is_some_and(Family::has_shell) && survey.facts.family.is_some() {
        return;
    }
    let caches = caches::find(survey);
    for (_, cache) in caches.moved.iter().filter(|(_, cache)| cache.written) {
        needs.late.push(Folder { path: cache.place.to_owned(), recursive: false, make: false });
    }
    needs.moved = caches.moved;
    // `/opt/rh/rh-ruby23/root/usr` is another folder.
    let in_home = |text: &str| {
        let root = memchr::memmem::find_iter(text.as_bytes(), b"/root").any(|at| {
            let before = text.as_bytes().get(..at).and_then(<[u8]>::last);
            let after = text.as_bytes().get(at + 5);
            before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_-./".contains(byte))
                && matches!(after, None | Some(b'/' | b':' | b'"' | b'\'' | b' ' | b',' | b';'))
        });
        root || text.contains("~/")
    };
    let settings = caches::settings(survey);
    let mut used = caches.stays.is_some() || uses::in_roots_home(survey) || !settings.is_empty();
    used |= survey.model.final_workdir(survey.stage).is_some_and(|path| paths::within(path, "/root"));
    used |= starts_of_the_home(survey);
    let mut copies = Vec::new();
    let mut tools: Vec<String> = Vec::new();
    let serves = !obstacles::only_a_shell(survey);
    used = used || !serves && sets_up_shells(survey);
    for (at, unit) in survey.units.iter().enumerate() {
        match unit.instruction.keyword {
            Keyword::Copy | Keyword::Add => {
                let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
                if to.is_some_and(|to| paths::within(to, "/root")) && !(serves && for_shells(survey, unit)) {
                    used = true;
                    if !unit.instruction.flags.iter().any(|flag| flag.name == "chown") {
                        copies.push(at);
                    }
                }
            }
            Keyword::Env => {
                let pairs = unit.instruction.pairs(survey.model.file.escape);
                let pairs = pairs.into_iter().filter(|pair| !pair.name.raw.eq_ignore_ascii_case("HOME"));
                for pair in pairs {
                    let Some(written) = pair.value else { continue };
                    let value = survey.model.expand(unit.index, written.raw);
                    // Nobody but Bash looks below `~` for a program, and there is one only where it is installed for a user.
                    let path = pair.name.raw == "PATH" && !installs_for_a_user(survey);
                    let names = |text: &str| if path { in_home(&text.replace("~/", "")) } else { in_home(text) };
                    if !names(written.raw) && !names(&value.text) {
                        continue;
                    }
                    used = true;
                    // Tools keep what they fetch in the folder in which they lie.
                    for rest in value.text.split(':').filter_map(|path| path.strip_prefix("/root/")) {
                        let first = rest.split('/').next().unwrap_or_default();
                        let folder = paths::join("/root", first);
                        let tool =
                            first.starts_with('.') && rest.len() > first.len() && !first.contains(['$', ' ', '*']);
                        if tool && !tools.contains(&folder) {
                            tools.push(folder);
                        }
                    }
                }
            }
            Keyword::Volume => {
                used |= unit.instruction.words().iter().any(|word| {
                    let path = survey.model.expand(unit.index, word.raw);
                    path.known && paths::within(&paths::join("/", &path.text), "/root")
                });
            }
            _ => {}
        }
    }
    used |= survey.entry.steps.iter().any(|step| step.argv.iter().any(|word| in_home(word)));
    let mut named = named_in_roots_home(survey);
    used |= !named.is_empty();
    let started = survey.entry.steps.iter().flat_map(|step| step.argv.iter());
    named.extend(started.filter(|word| word.starts_with("/root/")).cloned());
    if !used {
        return;
    }
    // A folder of it that the file makes for the program.
    for unit in survey.units.iter().filter(|unit| unit.text().contains("/root/")) {
        for step in survey.steps(unit).iter().filter(|step| step.program() == "mkdir" && step.always) {
            let made = step.args().iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg));
            for path in made.filter(|made| named.iter().any(|path| paths::within(path, made))) {
                if !needs.owned(&path) {
                    needs.late.push(Folder { path, recursive: false, make: false });
                }
            }
        }
    }
    for path in hidden(survey) {
        if !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: false, make: false });
        }
    }
    // What is only read may stay root's: the folder's own mode is what keeps others out.
    let written = !copies.is_empty() && !reads_only(survey);
    for at in copies.into_iter().filter(|_| written) {
        if !needs.copies.contains(&at) {
            needs.copies.push(at);
        }
    }
    for path in tools {
        if !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: false, make: true });
        }
    }
    for folder in caches.written {
        let path = paths::join("/root", folder);
        if !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: true, make: true });
        }
    }
    let known = needs.early.iter().chain(&needs.late).any(|folder| folder.path == "/root");
    if !known {
        needs.early.insert(0, Folder { path: "/root".to_owned(), recursive: false, make: false });
    }
    // A home that the file names itself stays.
    if survey.all().rev_env_home(survey).is_none_or(|said| said == "/root") {
        needs.home = Some("/root".to_owned());
    }
    needs.assumptions.push("what stands in /root is used at run time, so the folder is given to the user".to_owned());
}

/// How deep programs have folders of their own in a home, as `~/.local/share/studio/cache`: below lies what has been put there.
const DEEP: usize = 4;

/// The folders that a command makes, or puts something into: `mkdir -p ~/.config/player`, `cp settings.js ~/.node-red/`.
fn filled(step: &Step) -> Vec<String> {
    let path = |word| caches::path_of_root(step, word);
    match step.program() {
        "mkdir" if step.always => step.operands().filter_map(path).collect(),
        "cp" | "mv" if step.always => {
            let to = step.operands().skip(1).last();
            let into = to.and_then(|to| {
                let path: String = path(to)?;
                Some(if to.ends_with('/') { path } else { paths::parent(&path).to_owned() })
            });
            into.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The hidden folders of root's home that the file makes or fills and leaves there, the upper ones first: programs keep what
/// they write in folders of such names.
fn hidden(survey: &Survey<'_, '_>) -> Vec<String> {
    let serves = !obstacles::only_a_shell(survey);
    let mut found: Vec<String> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if !survey.is_roots(unit) || !["mkdir", "cp", "mv"].iter().any(|word| unit.text().contains(word)) {
            continue;
        }
        for step in survey.steps(unit) {
            for path in filled(step) {
                let rest = paths::relative(&path, "/root").unwrap_or_default();
                let first = rest.split('/').next().unwrap_or_default();
                if !first.starts_with('.') || serves && (homes::is_for_shells(first) || homes::is_for_builds(first)) {
                    continue;
                }
                let mut folder = "/root".to_owned();
                let plain = |part: &&str| !part.contains(['{', '}', '?', '[', '`']);
                for part in rest.split('/').take(DEEP).take_while(plain) {
                    folder = paths::join(&folder, part);
                    if !found.contains(&folder) && !caches::taken_away(survey, &folder) {
                        found.push(folder.clone());
                    }
                }
            }
        }
    }
    found
}

/// Whether a command puts programs into the home of who runs it: `composer global require`, `pip install --user`.
fn installs_for_a_user(survey: &Survey<'_, '_>) -> bool {
    let own = |word: &String| matches!(word.as_str(), "global" | "--global" | "-g" | "--user");
    survey.all().flat_map(|unit| survey.steps(unit)).any(|step| {
        step.args().iter().any(own)
            || matches!(step.program(), "cargo" | "rustup")
            || step.piped.is_some()
            || step.args().iter().any(|word| word.starts_with("~/") || word.starts_with("/root/"))
    })
}

/// Whether Stack or Cabal puts a program into the home of who builds, and a program starts by a name that nothing else is
/// known to bring.
fn starts_of_the_home(survey: &Survey<'_, '_>) -> bool {
    const ELSEWHERE: [&str; 3] = ["--local-bin-path", "--installdir", "--bindir"];
    let mut units = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run);
    let installs = units.any(|unit| {
        survey.steps(unit).iter().any(|step| {
            let says = |word: &str| step.args().iter().any(|arg| arg == word);
            let elsewhere = step.args().iter().any(|arg| ELSEWHERE.iter().any(|option| arg.starts_with(option)));
            let home = match step.program() {
                "stack" => says("install") || says("--copy-bins"),
                "cabal" => says("install") || says("v2-install") || says("new-install"),
                _ => false,
            };
            home && !elsewhere && !says("--dependencies-only") && !says("--only-dependencies") && !says("--lib")
        })
    });
    installs
        && survey.runs().any(|step| {
            let name = step.argv.first().map_or("", String::as_str);
            step.kind().is_empty() && !name.is_empty() && !name.contains(['/', '$']) && name != "cd"
        })
}

/// Whether a command writes settings of a shell into root's home, and none into another: `echo '. ~/.nvm/nvm.sh' >> ~/.bashrc`.
fn sets_up_shells(survey: &Survey<'_, '_>) -> bool {
    let runs = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run && survey.is_roots(unit));
    let steps = runs.flat_map(|unit| survey.steps(unit)).filter(|step| step.always);
    let written = steps.flat_map(|step| step.outputs.iter().filter_map(|word| caches::path_of_root(step, word)));
    let of_shells = |name: &str| homes::is_for_shells(name) && !homes::is_for_builds(name);
    let of_shells: Vec<String> = written.filter(|path| of_shells(paths::name(path))).collect();
    let elsewhere = |path: &String| paths::within(path, "/home");
    of_shells.iter().any(|path| paths::parent(path) == "/root") && !of_shells.iter().any(elsewhere)
}

/// Whether a COPY brings nothing but settings for who works in a shell.
fn for_shells(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> bool {
    let Some(copied) = survey.copied(unit) else { return false };
    let into = copied.to.as_deref().map(paths::name).unwrap_or_default();
    let mut sources = copied.sources.iter().map(|source| paths::name(source));
    homes::is_for_shells(into) && copied.sources.len() == 1 || sources.len() > 0 && sources.all(homes::is_for_shells)
}

/// HOME: a folder that is there and that the user owns.
pub(super) fn home(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    if needs.home.is_some() {
        return;
    }
    let said = survey.all().rev_env_home(survey);
    // The home of a user that the image brings is not always its own.
    let brought = survey.facts.home.filter(|_| {
        user.make.is_empty()
            && user.home.is_none()
            && (user.server.is_none() && survey.facts.program == Some("php") || keeps_in_its_home(survey))
            && survey.facts.own.as_ref().is_some_and(|(name, _)| user.owner.split(':').next() == Some(name.as_str()))
    });
    if let Some(home) = brought.filter(|home| said.is_none() && *home == "/var/www") {
        needs.late.push(Folder { path: home.to_owned(), recursive: false, make: false });
    }
    match (&user.home, said.as_deref()) {
        (Some(home), Some("/root")) => needs.home = Some(home.clone()),
        (_, Some(home)) if home != "/root" && is_application(home) && user.home.as_deref() != Some(home) => {
            let folder = Folder { path: home.to_owned(), recursive: false, make: true };
            let brought = needs.copies.iter().filter_map(|at| survey.units.get(*at)).any(|unit| {
                survey.copied(unit).is_some_and(|copied| copied.folder && copied.to.as_deref() == Some(home))
            });
            if !needs.owned(home) && !brought {
                needs.late.push(folder);
            }
        }
        (None, Some("/root")) => {
            needs.assumptions.push("the program does not write to HOME, which is /root".to_owned());
        }
        _ => {}
    }
    if user.make.is_empty()
        && let Some(home) = &user.home
        && said.as_deref().is_none_or(|said| said == "/root")
    {
        // A number has no entry in /etc/passwd, and so no home.
        needs.late.push(Folder { path: home.clone(), recursive: false, make: true });
        needs.home = Some(home.clone());
    }
}

/// Whether what runs keeps something in the home of who starts it, and does not start where it can't: Symfony's own server its
/// number, its log and its certificates, npm what it fetches.
fn keeps_in_its_home(survey: &Survey<'_, '_>) -> bool {
    survey.runs().any(|step| match paths::name(step.program()) {
        "symfony" => true,
        "npm" | "pnpm" => matches!(step.subcommand(), Some("add" | "ci" | "i" | "install")),
        program => program == "npx",
    })
}

/// The home that ENV names.
pub(in crate::catalog::non_root) fn home_said(survey: &Survey<'_, '_>) -> Option<String> {
    survey.all().rev_env_home(survey)
}

trait EnvHome {
    fn rev_env_home(self, survey: &Survey<'_, '_>) -> Option<String>;
}

impl<'u, 'a: 'u, I: Iterator<Item = &'u Unit<'a>>> EnvHome for I {
    /// What `ENV HOME` says at the end.
    fn rev_env_home(self, survey: &Survey<'_, '_>) -> Option<String> {
        let mut found = None;
        for unit in self.filter(|unit| unit.instruction.keyword == Keyword::Env) {
            if !unit.instruction.args.text.contains("HOME") {
                continue;
            }
            for pair in unit.instruction.pairs(survey.model.file.escape) {
                if pair.name.raw == "HOME"
                    && let Some(value) = pair.value
                {
                    let home = survey.model.expand(unit.index, value.raw).text;
                    found = Some(if home.len() > 1 { home.trim_end_matches('/').to_owned() } else { home });
                }
            }
        }
        found
    }
}
