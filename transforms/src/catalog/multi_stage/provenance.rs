//! Whether every command of the result still finds what earlier ones made for it: paths and accounts.
//!
//! Both stages are read as a build would run them. What a command names, and what in the original an instruction before it
//! had made, has to be made before it in its new stage as well, by whatever instruction. What nothing in the file makes is
//! the base's and is not asked for.

use crate::knowledge::packages;
use crate::knowledge::releases::Manager;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Model, Stage, entry, paths};
use crate::syntax::Keyword;
use crate::syntax::shell::Operator;
use crate::transform::Refusal;

use super::plan::{Carried, Recipe};
use super::programs;
use super::stores;
use super::survey::refuse;
use super::whole::shown;

/// What a command lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// The command, as a person knows it.
    pub(super) command: String,
    /// The path, or the name of the account.
    pub(super) what: String,
    /// Whether the command is one of the builder.
    pub(super) in_builder: bool,
    /// The line of the command in the original, where it has one.
    pub(super) line: Option<u32>,
    /// The instruction of the original that the command is in, where it has one.
    pub(super) at: Option<usize>,
    /// What makes it in the original.
    maker: Maker,
    /// What the command has to do with it.
    how: How,
}

/// An instruction of the original that makes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Maker {
    /// The instruction.
    index: usize,
    /// Whether that is a COPY or ADD.
    copied: bool,
    /// Whether another run of it makes something else: a key.
    unique: bool,
    /// Whether it does nothing but download.
    fetched: bool,
}

impl Maker {
    /// An instruction of which nothing else is to be known.
    const fn new(index: usize) -> Self {
        Self { index, copied: false, unique: false, fetched: false }
    }
}

/// What a command has to do with what it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// It reads it, works in it, or names it.
    Uses,
    /// It only changes it: its mode, its owner, or that it is there.
    Touches,
    /// It starts it: a file that a command of the original puts there by its name.
    Starts,
    /// It is the command's program, which a package brings.
    Program,
}

impl Missing {
    /// Has the instruction that makes it in both stages, or the command in the builder, where that is enough; answers
    /// whether anything was changed.
    pub(super) fn mend(&self, recipe: &mut Recipe, carried: &[Carried]) -> bool {
        if self.how == How::Program {
            let known = self.in_builder || recipe.scripted.contains(&self.what);
            if !known {
                recipe.scripted.push(self.what.clone());
            }
            return !known;
        }
        // Its mode and its owner matter where it is, and come along with it; whether it does is decided already.
        let comes = || carried.iter().any(|carried| paths::within(&self.what, &carried.from));
        let own = !self.in_builder && self.how == How::Touches && !recipe.builder_folders.contains(&self.what);
        let gone = || self.maker.copied && self.command.starts_with("rm ");
        if own && (!stores::system(&self.what) || comes() || gone()) {
            recipe.builder_folders.push(self.what.clone());
            return true;
        }
        if self.how == How::Starts && !carried.iter().any(|carried| carried.to == self.what) {
            let evidence = format!("`{}` starts it", self.command);
            recipe.carried.push(Carried { from: self.what.clone(), to: self.what.clone(), owner: None, evidence });
            return true;
        }
        if self.comes_first(recipe, carried) {
            return true;
        }
        let Maker { index, copied, unique, fetched } = self.maker;
        let shares = (self.in_builder || copied || fetched) && !unique && !recipe.shared.contains(&index);
        if shares {
            recipe.shared.push(index);
        }
        shares
    }

    /// Has what goes along anyway copied before the command of the runtime stage that reads it; answers whether it can be.
    fn comes_first(&self, recipe: &mut Recipe, carried: &[Carried]) -> bool {
        let read = !self.in_builder && self.how != How::Touches && !self.maker.copied && !self.maker.unique;
        let Some(at) = self.at.filter(|_| read) else { return false };
        let goes = |carried: &&Carried| carried.from == carried.to && paths::within(&self.what, &carried.from);
        let Some(known) = carried.iter().find(goes) else { return false };
        let path = &known.from;
        // What the same instruction makes was there before as well, and another may not have been.
        let changes =
            at == self.maker.index || matches!(self.command.split(' ').next(), Some("cd" | "pushd" | "rm" | "rmdir"));
        // Whom it belongs to may not be there yet.
        let system = path == "/usr/local" || stores::system(path) || path.contains(['*', '?', '[']);
        if changes || system || known.owner.is_some() || recipe.before.iter().any(|(_, known)| known == path) {
            return false;
        }
        recipe.before.push((at, path.clone()));
        true
    }

    /// Why the stages can't be taken apart.
    pub(super) fn refusal(&self) -> Refusal {
        let place = self.line.map(|line| format!(" in line {line}")).unwrap_or_default();
        let (one, other) = if self.in_builder { ("builder", "shipped image") } else { ("shipped image", "builder") };
        let text = format!("`{}`{place} would be for the {one}, and {} only in the {other}", self.command, self.what);
        refuse("entangled", text, false)
    }
}

/// Something that is there from an instruction on.
#[derive(Debug)]
struct Made {
    /// When: the number of the moment.
    at: usize,
    maker: Maker,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A path; with `true`, whatever lies below it as well.
    Path(String, bool),
    /// A user or a group.
    Account(String),
    /// A package of the distribution.
    Package(Manager, String),
}

/// A command with the moment at which it runs.
struct Moment<'m> {
    at: usize,
    /// The instruction that it is in.
    index: usize,
    line: u32,
    step: &'m Step,
    /// Whether its failure is foreseen: `command || true`.
    lenient: bool,
}

/// A stage as a build runs it.
struct History<'m> {
    made: Vec<Made>,
    moments: Vec<Moment<'m>>,
    /// Accounts that instructions themselves name: USER, `COPY --chown`.
    named: Vec<(usize, String, String)>,
    /// Paths that what starts names.
    started: Vec<(Need, String)>,
}

/// The first thing that a command of the new stages lacks and that the old stage had made before it.
pub(super) fn missing(old: (&Model<'_>, &Stage), new: &Model<'_>, stages: [&Stage; 2]) -> Option<Missing> {
    let before = history(old.0, old.1);
    stages.into_iter().enumerate().find_map(|(number, stage)| lacks(&before, &history(new, stage), number == 0))
}

fn lacks(before: &History<'_>, after: &History<'_>, in_builder: bool) -> Option<Missing> {
    for moment in after.moments.iter().filter(|moment| !moment.lenient && moment.step.always) {
        let alike = |old: &&Moment<'_>| old.step.argv == moment.step.argv;
        let same = |old: &&Moment<'_>| alike(old) && old.step.cwd == moment.step.cwd;
        let old = before.moments.iter().find(same).or_else(|| before.moments.iter().find(alike));
        let Some(old) = old else {
            if let Some(missing) = gone(before, after, moment, in_builder) {
                return Some(missing);
            }
            continue;
        };
        let lack = |what: String, maker: Maker, how: How| {
            let command = shown(moment.step);
            Some(Missing { command, what, in_builder, line: Some(old.line), at: Some(old.index), maker, how })
        };
        // A file that is named by the folder is another one in another folder.
        if let Some(path) = moved(old.step, moment.step) {
            return lack(path, Maker { unique: true, ..Maker::new(usize::MAX) }, How::Uses);
        }
        let brought = before.package(moment.step, old.at).filter(|_| !after.may_have(moment.step, moment.at));
        if let Some(made) = brought {
            return lack(moment.step.program().to_owned(), made.maker, How::Program);
        }
        let lost = needs(moment.step).into_iter().find_map(|need| {
            let made = before.maker(&need, old.at).filter(|made| !after.has(&need, moment.at, made))?;
            Some((made, need.path))
        });
        let lost = lost.or_else(|| {
            accounts(moment.step).into_iter().find_map(|name| {
                let made = before.account(&name, old.at).filter(|_| after.account(&name, moment.at).is_none())?;
                Some((made, name))
            })
        });
        if let Some((made, what)) = lost {
            let touches = matches!(moment.step.program(), "chmod" | "chown" | "chgrp" | "rm");
            return lack(what, made.maker, if touches { How::Touches } else { How::Uses });
        }
    }
    let lack = |command: &String, what: &String, maker: Maker, how: How| {
        Some(Missing { command: command.clone(), what: what.clone(), in_builder, line: None, at: None, maker, how })
    };
    let started = after.started.iter().find_map(|(need, command)| {
        let made = before.maker(need, usize::MAX).filter(|made| !after.has(need, usize::MAX, made))?;
        let itself = matches!(&made.what, What::Path(path, _) if *path == need.path);
        let how = if itself && !made.maker.copied { How::Starts } else { How::Uses };
        lack(command, &need.path, made.maker, how)
    });
    if started.is_some() {
        return started;
    }
    after.named.iter().find_map(|(at, name, command)| {
        let made = before.account(name, usize::MAX).filter(|_| after.account(name, *at).is_none())?;
        lack(command, name, made.maker, How::Uses)
    })
}

/// The folder that a command of ours goes to, where only what stays in the other stage makes it.
fn gone(before: &History<'_>, after: &History<'_>, moment: &Moment<'_>, in_builder: bool) -> Option<Missing> {
    if moment.step.program() != "cd" {
        return None;
    }
    let need = needs(moment.step).into_iter().find(|need| !stores::system(&need.path))?;
    let made = before.maker(&need, usize::MAX).filter(|made| !after.has(&need, moment.at, made))?;
    let command = shown(moment.step);
    Some(Missing { command, what: need.path, in_builder, line: None, at: None, maker: made.maker, how: How::Uses })
}

/// The path of a file that a command names by its folder, where it runs in another folder now.
fn moved(old: &Step, new: &Step) -> Option<String> {
    let here = old.cwd.as_deref().filter(|cwd| new.cwd.as_deref() != Some(cwd) && !standing(cwd))?;
    let relative = |word: &&String| !word.starts_with(['/', '$', '~', '-', '=']) && !word.contains("://");
    let files = match effects::of(new) {
        _ if new.program() == "cd" => true,
        Effect::Files(_) => !matches!(new.program(), "chmod" | "chown" | "chgrp" | "setcap"),
        Effect::Writes(_) => matches!(new.kind(), "copy" | "unpack"),
        _ => new.argv.first().is_some_and(|program| program.starts_with("./")),
    };
    let word = if files { operands(new).skip(super::runs::no_files(new)).find(relative) } else { None };
    Some(paths::join(here, word.or_else(|| new.inputs.iter().chain(&new.outputs).find(relative))?))
}

/// A path that a command needs.
struct Need {
    path: String,
    /// Whether it is the folder of what the command makes.
    folder: bool,
}

impl Need {
    /// The path that has to be there: the folder that a pattern stands in.
    fn place(&self) -> &str {
        match self.path.split(['*', '?', '[']).next() {
            Some(stem) if stem.len() < self.path.len() => paths::parent(stem),
            _ => &self.path,
        }
    }
}

impl History<'_> {
    /// What says that it makes what is needed, before the moment `at`.
    fn maker(&self, need: &Need, at: usize) -> Option<&Made> {
        let path = need.place();
        if standing(path) || !paths::plain(path) {
            return None;
        }
        self.made.iter().rfind(|made| match &made.what {
            // A folder in which something is put was often a package's.
            What::Path(known, whole) if made.at < at => {
                known == path
                    || !need.folder && paths::within(known, path)
                    || *whole && paths::within(path, known) && owned(path, known)
            }
            _ => false,
        })
    }

    /// Whether what is needed may be there before the moment `at`, which `maker` made in the original. Where that was a
    /// COPY of this very file, an archive that is unpacked into the root folder does not bring it.
    fn has(&self, need: &Need, at: usize, maker: &Made) -> bool {
        let path = need.place();
        let own = maker.maker.copied && matches!(&maker.what, What::Path(known, _) if known == path);
        self.made.iter().any(|made| match &made.what {
            What::Path(known, whole) if made.at < at => {
                paths::within(known, path)
                    || *whole && paths::within(path, known) && !(own && !made.maker.copied && known == "/")
            }
            _ => false,
        })
    }

    /// The install of the package that brings the program of a command, before the moment `at`.
    fn package(&self, step: &Step, at: usize) -> Option<&Made> {
        let program = step.argv.first()?;
        let brings = |made: &&Made| match &made.what {
            What::Package(manager, name) => made.at < at && programs::brings(*manager, packages::bare(name), program),
            _ => false,
        };
        self.made.iter().find(brings)
    }

    /// Whether the program of a command may be there before the moment `at`.
    fn may_have(&self, step: &Step, at: usize) -> bool {
        const FOLDERS: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
        let put = |made: &Made| match &made.what {
            What::Path(path, _) => {
                made.at < at
                    && FOLDERS.iter().any(|folder| {
                        paths::within(folder, path)
                            || paths::within(path, folder) && paths::name(path) == step.program()
                    })
            }
            _ => false,
        };
        self.package(step, at).is_some() || self.made.iter().any(put)
    }

    fn account(&self, name: &str, at: usize) -> Option<&Made> {
        let known = |made: &&Made| matches!(&made.what, What::Account(known) if known == name);
        self.made.iter().filter(known).find(|made| made.at < at)
    }
}

fn standing(path: &str) -> bool {
    Words::SystemFolders.has(path) || Words::StandingFolders.has(path)
}

/// Whether what is put into the folder `whole` may have brought `path`: into one of the system, no other of its folders.
fn owned(path: &str, whole: &str) -> bool {
    if !standing(whole) {
        return true;
    }
    let first = paths::relative(path, whole).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let inside = paths::join(whole, first);
    matches!(whole, "/" | "/opt" | "/srv" | "/home" | "/mnt" | "/tmp" | "/usr/local" | "/usr/src" | "/usr/local/src")
        && !standing(&inside)
}

fn history<'m>(model: &'m Model<'_>, stage: &Stage) -> History<'m> {
    let mut history = History { made: Vec::new(), moments: Vec::new(), named: Vec::new(), started: Vec::new() };
    for step in entry::of(model, stage).steps.iter().filter(|step| step.always && step.known) {
        let paths = step.argv.iter().filter(|word| word.starts_with('/') || word.starts_with("./"));
        let needs = paths.filter_map(|word| step.path(word)).filter(|path| !path.contains(['*', '?', '[']));
        history.started.extend(needs.map(|path| (Need { path, folder: false }, shown(step))));
    }
    // The folder that the base image works in is there.
    if let Some(folder) = model.workdir(stage.body.start).filter(|folder| *folder != "/") {
        let what = What::Path(folder.to_owned(), false);
        history.made.push(Made { at: 0, maker: Maker::new(stage.from), what });
    }
    let mut at = 0;
    for (index, instruction) in model.body(stage) {
        at += 1;
        match instruction.keyword {
            Keyword::Copy | Keyword::Add => {
                let owner =
                    instruction.flags.iter().find(|flag| flag.name == "chown").and_then(|flag| flag.value.as_deref());
                if let Some(owner) = owner {
                    let owner = model.expand(index, owner).text;
                    let command = format!("{} --chown={owner}", instruction.keyword.name());
                    history.named.extend(names(&owner).map(|name| (at, name, command.clone())));
                }
                let Some(copy) = model.copied(index) else { continue };
                let Some(to) = copy.to.clone() else { continue };
                let maker = Maker { copied: true, ..Maker::new(index) };
                let mut put = |what| history.made.push(Made { at, maker, what });
                let shared = standing(&to);
                for source in &copy.sources {
                    let name = paths::name(source);
                    if copy.folder && !matches!(name, "" | "." | "..") && !name.contains(['*', '?', '[']) {
                        put(What::Path(paths::join(&to, name), true));
                    }
                }
                if !shared || !copy.folder || copy.sources.iter().any(|source| source.contains(['*', '?'])) {
                    put(What::Path(to, true));
                }
            }
            Keyword::Workdir => {
                if let Some(folder) = model.workdir(index + 1) {
                    let what = What::Path(folder.to_owned(), false);
                    history.made.push(Made { at, maker: Maker::new(index), what });
                }
            }
            Keyword::User => {
                let user = model.expand(index, &instruction.args.text).text;
                let command = format!("USER {}", user.trim());
                history.named.extend(names(user.trim()).map(|name| (at, name, command.clone())));
            }
            Keyword::Run => {
                let steps = || model.steps(index).into_iter().flatten();
                let fetched = steps().all(|step| step.kind() == "download");
                let items = model.script(index).map_or(&[][..], |script| script.items.as_slice());
                for step in steps() {
                    at += 1;
                    let lenient = items.get(step.item).is_some_and(|item| item.operator == Operator::Or);
                    history.moments.push(Moment { at, index, line: instruction.lines.0, step, lenient });
                    at += 1;
                    let unique = matches!(step.program(), "ssh-keygen" | "openssl");
                    let maker = Maker { unique, fetched, ..Maker::new(index) };
                    history.made.extend(makes(step).into_iter().map(|what| Made { at, maker, what }));
                }
            }
            _ => {}
        }
    }
    history
}

/// The names in `user:group`; numbers are nobody's name.
fn names(owner: &str) -> impl Iterator<Item = String> {
    let names = owner.split([':', '.']).filter(|name| !name.is_empty() && !name.contains('$') && *name != "root");
    let names: Vec<String> =
        names.filter(|name| !name.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect();
    names.into_iter()
}

/// The words of a command that are no options.
fn operands(step: &Step) -> impl Iterator<Item = &String> {
    step.args().iter().filter(|arg| !arg.starts_with('-'))
}

/// What a command makes.
fn makes(step: &Step) -> Vec<What> {
    let mut found: Vec<What> = Vec::new();
    let here = step.cwd.as_deref().filter(|cwd| !standing(cwd));
    match effects::of(step) {
        Effect::Writes(written) if !changes(step) => {
            found.extend(written.iter().map(|path| What::Path(path.clone(), true)));
        }
        Effect::Fetch(folders) => found.extend(folders.iter().map(|path| What::Path(path.clone(), true))),
        Effect::Files(_) if step.program() == "ln" => {
            let operands: Vec<&String> = operands(step).collect();
            if let [sources @ .., to] = operands.as_slice()
                && let Some(to) = step.path(to)
            {
                found.extend(sources.iter().map(|source| What::Path(paths::join(&to, paths::name(source)), true)));
                found.push(What::Path(to, true));
            }
        }
        Effect::Files(touched) if matches!(step.program(), "mkdir" | "touch" | "install") => {
            found.extend(touched.iter().map(|path| What::Path(path.clone(), false)));
        }
        Effect::Install(packages) => {
            found.extend(packages.names.iter().map(|name| What::Package(packages.manager, name.clone())));
        }
        Effect::User if matches!(step.program(), "useradd" | "adduser" | "groupadd" | "addgroup") => {
            found.extend(operands(step).flat_map(|word| names(word)).map(What::Account));
            let home = step.args().windows(2).find(|pair| matches!(pair, [option, _] if is_home(option)));
            let name = operands(step).last().map(|name| format!("/home/{name}"));
            let home = home.and_then(|pair| pair.get(1).cloned()).or(name);
            if step.program().contains("user") {
                found.extend(home.map(|home| What::Path(home, true)));
            }
        }
        Effect::Build | Effect::Store(_) | Effect::Unknown => {
            found.extend(here.map(|cwd| What::Path(cwd.to_owned(), true)));
            // `./configure --prefix=/opt/cmake`: what is installed later goes there, and nothing of it among the system's.
            let prefix = stores::configured(step).map(|prefix| prefix.folders).unwrap_or_default();
            if !prefix.iter().any(|path| standing(path)) {
                found.extend(prefix.into_iter().map(|path| What::Path(path, true)));
            }
        }
        _ => {}
    }
    if step.program() == "ssh-keygen"
        && let Some(key) = step.args().windows(2).find(|pair| matches!(pair, [option, _] if option == "-f"))
        && let Some(key) = key.get(1).and_then(|key| step.path(key))
    {
        found.push(What::Path(format!("{key}.pub"), false));
        found.push(What::Path(key, false));
    }
    found.extend(step.outputs.iter().filter_map(|path| step.path(path)).map(|path| What::Path(path, false)));
    found
}

fn is_home(option: &str) -> bool {
    matches!(option, "-d" | "-h" | "--home" | "--home-dir")
}

/// Whether a command changes a file that is there.
fn changes(step: &Step) -> bool {
    effects::edits(step) && step.outputs.is_empty() && step.program() != "tee"
}

/// The paths that have to be there for a command.
fn needs(step: &Step) -> Vec<Need> {
    let at = |word: &String| step.path(word).map(|path| Need { path, folder: false });
    let above = |word: &String| {
        let path = step.path(word)?;
        Some(Need { path: paths::parent(&path).to_owned(), folder: true })
    };
    let flag = |letter: char, long: &str| {
        let short = |arg: &String| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(letter);
        step.args().iter().any(|arg| short(arg) || arg == long)
    };
    let words: Vec<&String> = operands(step).collect();
    let (to, sources) = words.split_last().map_or((None, &[][..]), |(to, sources)| (Some(*to), sources));
    let mut found: Vec<Need> = match step.program() {
        "rm" | "rmdir" if flag('f', "--force") => Vec::new(),
        "rm" | "rmdir" | "cd" | "pushd" => words.into_iter().filter_map(at).collect(),
        "mkdir" if flag('p', "--parents") => Vec::new(),
        "mkdir" | "touch" => words.into_iter().filter_map(above).collect(),
        "ln" => {
            let hard = !flag('s', "--symbolic");
            let read = sources.iter().filter(|source| hard || source.contains(['*', '?']));
            read.filter_map(|source| at(source)).chain(to.and_then(above)).collect()
        }
        "install" if flag('d', "--directory") || flag('D', "--directory") => Vec::new(),
        "cp" | "mv" | "rsync" => sources.iter().filter_map(|source| at(source)).chain(to.and_then(above)).collect(),
        "chmod" | "chown" | "chgrp" => words.into_iter().skip(1).filter_map(at).collect(),
        "update-rc.d" | "chkconfig" | "rc-update" | "insserv" => {
            super::runs::services(step).map(|path| Need { path, folder: false }).collect()
        }
        "tar" if effects::of(step) == &Effect::Nothing => Vec::new(),
        "gunzip" | "bunzip2" | "unxz" | "xz" | "gzip" | "bzip2" => words.into_iter().filter_map(at).collect(),
        // `crontab -u www-data -` reads what is piped into it.
        "crontab" if step.args().iter().any(|arg| arg == "-") => Vec::new(),
        "crontab" => words.into_iter().rev().take(1).filter_map(at).collect(),
        // `VERSION=$(cat version)`
        "cat" => words.into_iter().filter_map(at).collect(),
        // `gdebi -n shiny-server.deb`
        "dpkg" | "gdebi" | "rpm" | "apt-get" | "apt" | "yum" | "dnf" | "apk" | "zypper" => {
            let file = |word: &&String| packages::is_file(word) && !word.contains("://");
            words.into_iter().filter(file).filter_map(at).collect()
        }
        "sed" | "tar" | "unzip" | "source" | "." | "patch" | "sh" | "bash" | "gpg" | "apt-key" => {
            let shell = matches!(step.program(), "sh" | "bash" | "source" | ".");
            let named = |word: &&String| {
                word.starts_with(['/', '~']) || word.starts_with("./") || shell && word.ends_with(".sh")
            };
            // What `tar -C` and `unzip -d` name, they fill.
            let fills = |word: &String| {
                step.args().windows(2).any(|pair| {
                    matches!(pair, [option, path] if option.starts_with('-') && option.ends_with(['C', 'd']) && path == word)
                })
            };
            words.into_iter().filter(named).filter(|word| !fills(word)).filter_map(at).collect()
        }
        _ => step.argv.first().filter(|program| program.contains('/')).and_then(at).into_iter().collect(),
    };
    found.extend(step.inputs.iter().filter_map(at));
    found.extend(step.outputs.iter().filter_map(above));
    found
}

/// The accounts that have to be there for a command.
fn accounts(step: &Step) -> Vec<String> {
    match step.program() {
        "chown" => operands(step).take(1).flat_map(|word| names(word)).collect(),
        "chgrp" => operands(step).take(1).cloned().collect(),
        "usermod" | "passwd" | "gpasswd" => operands(step).last().into_iter().flat_map(|word| names(word)).collect(),
        _ => Vec::new(),
    }
}
