//! Which files only their owner may read, as one instruction after the other is read.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::knowledge::words::Words;
use crate::knowledge::{keys, wrappers};
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::{Base, Stage, paths};
use crate::syntax::Keyword;

use super::super::super::survey::{Survey, Unit};
use super::super::super::who;
use super::keys::{is_certificates, is_closed};

/// How many of them are followed: a stage that has more is none that somebody wrote.
const MOST: usize = 1000;

/// Through how many stages they are followed.
const DEEPEST: usize = 8;

/// A file that only its owner may read.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// What it is called where it comes from.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The COPY or ADD that names it, by its place among the stage's units; none where it comes with a folder or is made.
    pub(super) copied: Option<usize>,
    /// How many commands had been read when it came to lie there.
    since: usize,
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A private key.
    Key,
    /// A compiled program: to run one, nobody has to read it.
    Program,
    Other,
}

/// The files of a stage, up to where it has been read.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    files: BTreeMap<String, File>,
    /// The paths and programs that commands take, with the number of the last command.
    taken: HashMap<String, usize>,
    /// How many commands have been read.
    commands: usize,
}

impl Files {
    /// The files, by their paths.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Whether a command has taken a file for itself since it lay there: by its path, or as a program by its name.
    pub(super) fn takes(&self, path: &str, file: &File) -> bool {
        [path, paths::name(path)].iter().any(|word| self.taken.get(*word).is_some_and(|last| *last > file.since))
    }

    fn put(&mut self, path: String, name: &str, kind: Kind, copied: Option<usize>) {
        if self.files.len() < MOST {
            self.files.insert(path, File { name: name.to_owned(), kind, copied, since: self.commands });
        }
    }

    /// Where a file comes to lie that a COPY names. Two that are copied to one path are for a folder of the base.
    fn place(&self, copied: &Copied, source: &str) -> Option<String> {
        let to = copied.to.as_deref()?;
        let other = |file: &File| file.copied.is_some() && file.name != paths::name(source);
        let folder = copied.there || is_closed(to) || self.files.get(to).is_some_and(other);
        if folder { Some(paths::join(to, paths::name(source))) } else { copied.place(source) }
    }

    /// Takes out what others may read now, or only run: a file or what a pattern names, with what lies below it where the
    /// command goes into folders.
    fn open(&mut self, path: &str, folders: bool, run: bool) {
        let meant = |known: &str| match path.contains('*') {
            true => paths::covers(path, known) && (folders || known.matches('/').count() == path.matches('/').count()),
            false => known == path || folders && paths::within(known, path),
        };
        self.files.retain(|known, file| run && file.kind != Kind::Program || !meant(known));
    }

    /// Reads a command, which root runs or somebody else.
    fn read(&mut self, step: &Step, root: bool, is_folder: impl Fn(&str) -> bool) {
        self.commands += 1;
        let words: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
        let below = |first: usize| words.iter().skip(first).filter_map(|word| step.path(word));
        match (step.program(), words.as_slice()) {
            ("chmod", [mode, ..]) => {
                let (read, run) = (allows(mode, false), allows(mode, true));
                for path in below(1) {
                    if read || run {
                        self.open(&path, step.is_recursive(), !read);
                    } else if step.always
                        && root
                        && hides(mode)
                        && keys::is_key(paths::name(&path))
                        && !self.files.contains_key(&path)
                    {
                        self.put(path, "", Kind::Key, None);
                    }
                }
                return;
            }
            ("chown", [owner, ..]) => {
                let to_root = who::is_root(owner.split([':', '.']).next().unwrap_or_default());
                for path in below(1) {
                    match self.files.get_mut(&path) {
                        // Whoever the COPY gives it to, it is root's again.
                        Some(file) if to_root => file.copied = None,
                        _ if to_root => {}
                        _ => self.open(&path, step.is_recursive(), false),
                    }
                }
                return;
            }
            ("test" | "[" | "ln" | "ls" | "echo", _) => return,
            (program @ ("rm" | "unzip" | "tar"), _) => {
                below(0).for_each(|path| self.open(&path, program == "rm", false));
            }
            (program @ ("mv" | "cp"), [from @ .., to]) => {
                let Some(to) = step.path(to) else { return };
                for from in from.iter().filter_map(|from| step.path(from)) {
                    self.carry(&from, &to, program == "mv", root, words.len() > 2 || is_folder(&to));
                }
            }
            (program, _) => {
                let made = keys::made(program, step.args()).into_iter().filter(|path| !path.contains(['$', '*']));
                for path in made.filter(|_| root && step.always).filter_map(|path| step.path(path)) {
                    self.put(path, "", Kind::Key, None);
                }
            }
        }
        if !self.files.is_empty() {
            self.taken.insert(step.program().to_owned(), self.commands);
            self.taken.extend(step.argv.iter().filter_map(|word| step.path(word)).map(|path| (path, self.commands)));
        }
    }

    /// Moves or copies what lies at `from`, a file, a pattern or a folder.
    fn carry(&mut self, from: &str, to: &str, moves: bool, root: bool, into: bool) {
        let meant = |known: &str| match from.contains('*') {
            true => paths::covers(from, known),
            false => paths::within(known, from),
        };
        let found: Vec<String> = self.files.keys().filter(|known| meant(known)).cloned().collect();
        for known in found {
            // Of a pattern, each file or folder that it names goes into the folder.
            let depth = from.matches('/').count();
            let end = known.match_indices('/').nth(depth).map_or(known.len(), |(at, _)| at);
            let (named, rest) = known.split_at(end);
            let target = if into || from.contains('*') { paths::join(to, paths::name(named)) } else { to.to_owned() };
            let file = if moves { self.files.remove(&known) } else { self.files.get(&known).cloned() };
            // A copy is its maker's.
            if let Some(file) = file.filter(|_| root || moves) {
                self.put(paths::join(&target, rest.trim_start_matches('/')), &file.name, file.kind, None);
            }
        }
    }
}

/// Reads the stages.
pub(super) struct Reader<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    /// The COPY and ADD of the shipped stage that give the user what they bring already.
    given: &'s [usize],
    stages: HashMap<usize, Rc<Files>>,
}

impl<'s, 'm, 'a> Reader<'s, 'm, 'a> {
    pub(super) fn new(survey: &'s Survey<'m, 'a>, given: &'s [usize]) -> Self {
        Self { survey, given, stages: HashMap::new() }
    }

    /// The files of the shipped stage.
    pub(super) fn shipped(mut self) -> Files {
        let mut files = Files::default();
        for unit in &self.survey.below {
            self.follow(&mut files, unit, None, 0);
        }
        for (at, unit) in self.survey.units.iter().enumerate() {
            self.follow(&mut files, unit, Some(at), 0);
        }
        files
    }

    /// The files of an earlier stage.
    fn of(&mut self, stage: &'m Stage, depth: usize) -> Rc<Files> {
        if let Some(known) = self.stages.get(&stage.from) {
            return Rc::clone(known);
        }
        let mut files = Files::default();
        let survey = self.survey;
        if depth < DEEPEST {
            if let Base::Stage(earlier) = stage.base
                && let Some(earlier) = survey.model.stages.get(earlier)
            {
                files = (*self.of(earlier, depth + 1)).clone();
                files.files.values_mut().for_each(|file| file.copied = None);
            }
            for (index, instruction) in survey.model.body(stage) {
                self.follow(&mut files, &Unit { index, instruction }, None, depth + 1);
            }
        }
        let files = Rc::new(files);
        self.stages.insert(stage.from, Rc::clone(&files));
        files
    }

    fn follow(&mut self, files: &mut Files, unit: &Unit<'a>, at: Option<usize>, depth: usize) {
        match unit.instruction.keyword {
            Keyword::Run => self.run(files, unit),
            Keyword::Copy | Keyword::Add => self.copy(files, unit, at, depth),
            _ => {}
        }
    }

    fn run(&self, files: &mut Files, unit: &Unit<'a>) {
        const MAKE_KEYS: [&str; 5] = ["openssl", "chmod", "keygen", "mkcert", "certtool"];
        if files.files.is_empty() {
            let text = unit.text();
            if !MAKE_KEYS.iter().any(|mark| text.contains(mark)) {
                return;
            }
        }
        let model = self.survey.model;
        let root = self.survey.is_roots(unit);
        for step in self.survey.steps(unit) {
            let slashed = step.args().last().is_some_and(|to| to.ends_with(['/', '.']));
            files.read(step, root, |to| {
                slashed || Words::SharedFolders.has(to) || is_closed(to) || model.is_folder(unit.index, to)
            });
        }
    }

    fn copy(&mut self, files: &mut Files, unit: &Unit<'a>, at: Option<usize>, depth: usize) {
        let survey = self.survey;
        let Some(copied) = survey.copied(unit) else { return };
        // What lay there is written over.
        if !files.files.is_empty() {
            for source in &copied.sources {
                files.place(copied, source).and_then(|path| files.files.remove(&path));
            }
        }
        if unit.has_owner() || at.is_some_and(|at| self.given.contains(&at)) {
            return;
        }
        let mode = unit.instruction.flags.iter().find(|flag| flag.name == "chmod");
        if let Some(mode) = mode {
            let kept = for_the_owner(mode.value.as_deref().unwrap_or_default());
            for source in copied.sources.iter().filter(|_| kept) {
                if let Some(path) = files.place(copied, source) {
                    files.put(path, paths::name(source), Kind::Other, at);
                }
            }
        } else if let Some(stage) = survey.copied_from(unit) {
            from_stage(files, copied, &self.of(stage, depth), at);
        } else {
            if unit.instruction.keyword == Keyword::Add {
                downloads(files, copied, at);
            }
            for source in copied.sources.iter().filter(|_| copied.context) {
                let path = files.place(copied, source);
                if let Some(path) = path.filter(|path| is_certificates(survey, source, path)) {
                    files.put(path, paths::name(source), Kind::Key, at);
                }
            }
        }
    }
}

/// What a COPY brings of the files of another stage.
fn from_stage(files: &mut Files, copied: &Copied, stage: &Files, at: Option<usize>) {
    let Some(to) = copied.to.as_deref() else { return };
    for source in &copied.sources {
        let source = paths::join("/", source);
        for (path, file) in stage.all() {
            let rest = paths::relative(path, &source).filter(|rest| !rest.is_empty());
            let named = path == source || source.contains('*') && paths::covers(&source, path);
            let (lies, at) = match rest {
                Some(rest) => (Some(paths::join(to, rest)), None),
                None if named => (files.place(copied, path), at.filter(|_| path == source)),
                None => continue,
            };
            if let Some(lies) = lies {
                files.put(lies, &file.name, file.kind, at);
            }
        }
    }
}

/// What an ADD downloads.
fn downloads(files: &mut Files, copied: &Copied, at: Option<usize>) {
    let remote = |source: &&String| ["http://", "https://", "ftp://"].iter().any(|scheme| source.starts_with(scheme));
    // A clone, or the state of a branch, which only makes the build run again.
    let no_file = |source: &String| {
        source.ends_with(".git")
            || source.contains(".git#")
            || source.contains("//api.github.com/") && source.contains("/refs/")
    };
    for source in copied.sources.iter().filter(remote).filter(|source| !no_file(source)) {
        let name = source.split(['?', '#']).next().map_or("", paths::name);
        let Some(path) = files.place(copied, name) else { continue };
        let mut words = source.split(|c: char| !c.is_ascii_alphanumeric());
        let read = [".jar", ".war", ".sh", ".py", ".phar", ".json"].iter().any(|end| path.ends_with(end));
        let program =
            !read && (wrappers::is_known(paths::name(&path)) || words.any(|word| Words::BinaryWords.has(word)));
        files.put(path, name, if program { Kind::Program } else { Kind::Other }, at);
    }
}

/// Whether a mode in digits lets the owner read or run what others may not.
pub(in super::super) fn for_the_owner(mode: &str) -> bool {
    let digit = |at: usize| mode.bytes().rev().nth(at).map_or(0, |byte| byte.saturating_sub(b'0'));
    let octal = mode.bytes().all(|byte| byte.is_ascii_digit()) && mode.trim_start_matches('0').len() >= 3;
    octal && digit(2) & 5 & !digit(0) != 0
}

/// Whether a mode lets others read, or at least run.
fn allows(mode: &str, run: bool) -> bool {
    if let Some(last) = mode.bytes().last().filter(u8::is_ascii_digit) {
        let bits = last - b'0';
        return bits & 4 != 0 || run && bits & 1 != 0;
    }
    mode.split(',').any(|clause| {
        let Some(at) = clause.find(['+', '=']) else { return false };
        let (who, what) = clause.split_at(at);
        (who.is_empty() || who.contains(['a', 'o'])) && (what.contains('r') || run && what.contains(['x', 'X']))
    })
}

/// Whether a mode keeps others than the owner from reading.
fn hides(mode: &str) -> bool {
    match mode.bytes().all(|byte| byte.is_ascii_digit()) {
        true => !mode.is_empty() && !allows(mode, false),
        false => mode.split(',').any(|part| {
            let (who, what) = part.split_once(['-', '=']).unwrap_or_default();
            let takes = part.contains('-') && what.contains(['r', 'w']) || part.contains('=') && !what.contains('r');
            who.contains('o') && takes
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_may_read_what_the_mode_says() {
        for mode in ["644", "0755", "+r", "a+rx", "ugo+r", "u=rwx,go=rx", "o+r"] {
            assert!(allows(mode, false), "{mode}");
        }
        for mode in ["+x", "a+x", "711", "700", "u+rwx", "g+r", "640"] {
            assert!(!allows(mode, false), "{mode}");
        }
        for mode in ["700", "0600", "0750", "744"] {
            assert!(for_the_owner(mode), "{mode}");
        }
        for mode in ["755", "0644", "444", "u+x", ""] {
            assert!(!for_the_owner(mode), "{mode}");
        }
        assert!(allows("+x", true) && allows("711", true) && !allows("u+x", true));
    }
}
