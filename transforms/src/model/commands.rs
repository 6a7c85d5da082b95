//! The simple commands of a shell form, one after the other, with the folder each runs in.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::effects::{self, Effect};
use super::{Model, paths};
use crate::knowledge::images::RunsAs;
use crate::knowledge::words::Words;
use crate::span::Span;
use crate::syntax::shell::{Command, Compound, CompoundKind, Item, Node, Operator, Redirect, Script, Word};
use crate::syntax::words::{self, Value};
use crate::syntax::{Instruction, Keyword, shell};

/// A simple command of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The piece of the script's list that it is in.
    pub item: usize,
    /// The program and its arguments, wrappers such as `sudo`, `env A=b`, `exec` and `time` taken off. A word that
    /// reads something unknown stands as it is written.
    pub argv: Vec<String>,
    /// Whether every word of `argv` is known.
    pub known: bool,
    /// `NAME=value` before the command, as they are written.
    pub assignments: Vec<String>,
    /// The files that its input is redirected from.
    pub inputs: Vec<String>,
    /// The files that its output is redirected into.
    pub outputs: Vec<String>,
    /// Whether Corepack, which is taken off the front as well, starts it: `corepack pnpm install`.
    pub by_corepack: bool,
    /// The address of the script that is piped into it, where it is a shell or an interpreter.
    pub piped: Option<String>,
    /// The folder that it runs in; `None` where it can't be told.
    pub cwd: Option<String>,
    /// Whether it runs whenever the script does: not in an `if`, a loop, after `||`, or in a function.
    pub always: bool,
    /// Its bytes.
    pub span: Span,
    /// What is known of its program and of what it does, once somebody has asked.
    pub worked_out: Cached,
}

/// What is worked out of a step when somebody first asks for it. It is no part of what a step is: steps are the same
/// with and without it, and a copy, which may become another step, starts without.
#[derive(Debug, Default)]
pub struct Cached {
    /// Where the name of the program stands in its first word.
    program: OnceCell<(usize, usize)>,
    kind: OnceCell<&'static str>,
    effect: OnceCell<Effect>,
}

impl Clone for Cached {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Cached {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cached {}

/// Where the system's own tools lie.
const SYSTEM: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

impl Step {
    /// The words after the program that are no options, and no mode that an option of `mkdir` or `install` takes.
    pub fn operands(&self) -> impl Iterator<Item = &str> {
        let modes = matches!(self.program(), "mkdir" | "install");
        let mode = move |word: &str| modes && (word == "--mode" || !word.starts_with("--") && word.ends_with('m'));
        let mut value = false;
        self.args().iter().map(String::as_str).filter(move |word| {
            let option = !value && word.starts_with('-');
            let operand = !value && !option;
            value = option && mode(word);
            operand
        })
    }

    /// Whether it is told to go into folders: `chown -R`, `chmod --recursive`.
    pub fn is_recursive(&self) -> bool {
        let short = |arg: &str| arg.strip_prefix('-').is_some_and(|rest| !rest.starts_with('-') && rest.contains('R'));
        self.args().iter().any(|arg| arg == "--recursive" || short(arg))
    }

    /// What `ln` makes a link to, and where, as they are written; `None` where it makes several, or is not told where.
    pub fn link(&self) -> Option<(&str, &str)> {
        let mut operands = self.operands().filter(|_| self.program() == "ln");
        let ends = (operands.next()?, operands.next()?);
        operands.next().is_none().then_some(ends)
    }

    /// Whether it makes a virtual environment: `virtualenv /venv`, `python3 -m venv /venv`.
    pub fn makes_environment(&self) -> bool {
        self.kind() == "venv" || self.args().windows(2).any(|pair| pair == ["-m", "venv"])
    }

    /// Whether `cp` is told to copy folders with all that is in them.
    pub fn copies_folders(&self) -> bool {
        let short = |arg: &str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['r', 'R', 'a']);
        self.args().iter().any(|arg| matches!(arg.as_str(), "--recursive" | "--archive") || short(arg))
    }

    /// What it does to the image.
    pub fn effect(&self) -> &Effect {
        self.worked_out.effect.get_or_init(|| effects::find(self))
    }

    /// What kind of command it is, as [`effects::kind`] says of its program.
    pub fn kind(&self) -> &'static str {
        self.worked_out.kind.get_or_init(|| {
            let kind = effects::kind(self.program());
            // `./echo` is no word of the shell's, and not the system's tool of that name.
            let own = || {
                let first = self.argv.first().map_or("", String::as_str);
                first.contains('/') && !SYSTEM.contains(&paths::parent(first))
            };
            if kind == "nothing" && own() { "" } else { kind }
        })
    }

    /// The same command with other words.
    pub fn with_argv(&self, argv: Vec<String>) -> Self {
        Self { argv, worked_out: Cached::default(), ..self.clone() }
    }

    /// The name of the program, without its folder.
    pub fn program(&self) -> &str {
        let Some(word) = self.argv.first() else { return "" };
        let (start, end) = *self.worked_out.program.get_or_init(|| paths::name_range(word));
        word.get(start..end).unwrap_or(word)
    }

    /// The arguments.
    pub fn args(&self) -> &[String] {
        self.argv.get(1..).unwrap_or_default()
    }

    /// The first argument that is not an option.
    pub fn subcommand(&self) -> Option<&str> {
        self.args().iter().map(String::as_str).find(|arg| !arg.starts_with('-'))
    }

    /// Whether it starts a module by its name, as Python does: `python -m pip`.
    pub fn starts_module(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.args().windows(2).any(|pair| matches!(pair, [option, module] if option == "-m" && wanted(module)))
    }

    /// An absolute path for `path`, where the folder is known or not needed.
    pub fn path(&self, path: &str) -> Option<String> {
        let path = here(path);
        match &self.cwd {
            _ if path.starts_with('/') => Some(paths::join("/", path)),
            // Of `ENV FOLDER = /srv/files`, which takes the sign for a part of the value.
            _ if path == "=" => None,
            _ if path == "~" || path.starts_with("~/") => {
                Some(paths::join("/root", path.trim_start_matches(['~', '/'])))
            }
            Some(cwd) => Some(paths::join(cwd, path)),
            None => None,
        }
    }

    /// Whether `path`, seen from the folder of the command, is the absolute path `other`.
    pub fn is_at(&self, path: &str, other: &str) -> bool {
        // The last letter tells most of them apart, where it is not one of those that joining takes away.
        let last = |path: &str| path.bytes().next_back();
        let alike = path.ends_with(['/', '.']) || path == "~" || path.is_empty() || last(path) == last(other);
        alike && self.path(path).as_deref() == Some(other)
    }

    /// Whether `path`, seen from the folder of the command, is `folder` or lies in it.
    pub fn reaches(&self, path: &str, folder: &str) -> bool {
        match &self.cwd {
            // Most words lead into another folder, or into none: their first letter tells.
            Some(cwd)
                if !path.starts_with(['/', '~', '.', '$', '`'])
                    && !path.as_bytes().windows(2).any(|pair| pair == b"..") =>
            {
                let elsewhere = match paths::relative(folder, cwd) {
                    Some(rest) => !rest.is_empty() && rest.bytes().next() != path.bytes().next(),
                    None => !paths::within(cwd, folder),
                };
                !elsewhere && paths::within(&paths::join(cwd, path), folder)
            }
            _ => self.path(path).is_some_and(|path| paths::within(&path, folder)),
        }
    }
}

/// The commands of a script in the order in which they stand.
pub fn steps(model: &Model<'_>, index: usize, script: &Script<'_>) -> Vec<Step> {
    steps_in(model, index, script, model.workdir(index).map(str::to_owned))
}

/// The commands of a script that starts in the folder `cwd`.
pub fn steps_in(model: &Model<'_>, index: usize, script: &Script<'_>, mut cwd: Option<String>) -> Vec<Step> {
    let mut walk = Walk { model, index, assigned: Vec::new(), steps: Vec::new(), item: 0, depth: 0 };
    walk.list(script.list(), &mut cwd, true, true);
    walk.steps
}

struct Walk<'m, 'a> {
    model: &'m Model<'a>,
    index: usize,
    /// Variables that the script itself sets, with their values where those can be told.
    assigned: Vec<(String, Option<String>)>,
    steps: Vec<Step>,
    item: usize,
    depth: usize,
}

impl Walk<'_, '_> {
    fn list(&mut self, items: &[Item<'_>], cwd: &mut Option<String>, always: bool, top: bool) {
        let mut after_or = false;
        for (at, item) in items.iter().enumerate() {
            if top {
                self.item = at;
            }
            let runs = always && !after_or;
            self.node(&item.node, cwd, runs);
            // What follows `||` runs only when something failed. What follows `&&` behind it runs in any case where all
            // goes well: `a || b && c` is `(a || b) && c`.
            after_or = item.operator == Operator::Or;
        }
    }

    fn node(&mut self, node: &Node<'_>, cwd: &mut Option<String>, always: bool) {
        match node {
            Node::Command(command) => self.command(command, cwd, always),
            Node::Pipeline(nodes) => {
                let first = self.steps.len();
                for node in nodes {
                    let mut own = cwd.clone();
                    self.node(node, &mut own, always);
                }
                let url =
                    self.steps.get(first).and_then(|step| step.argv.iter().find(|arg| arg.contains("://"))).cloned();
                if let (Some(url), Some(last)) = (url, self.steps.get_mut(first + 1..).and_then(<[Step]>::last_mut)) {
                    last.piped = Some(url);
                }
            }
            Node::Compound(compound) => self.compound(compound, cwd, always),
            Node::Test(_) => {}
        }
    }

    fn compound(&mut self, compound: &Compound<'_>, cwd: &mut Option<String>, always: bool) {
        let (inside, own) = match compound.kind {
            CompoundKind::Group | CompoundKind::Negation => (always, false),
            CompoundKind::Subshell => (always, true),
            CompoundKind::If | CompoundKind::Loop | CompoundKind::Case | CompoundKind::Function => (false, true),
        };
        let first = self.steps.len();
        for (at, body) in compound.bodies.iter().enumerate() {
            // The condition of an `if` runs in any case.
            let always = inside || (always && compound.kind == CompoundKind::If && at == 0);
            if own {
                let mut own = cwd.clone();
                self.list(&body.items, &mut own, always, false);
                if !always && own != *cwd && compound.kind != CompoundKind::Subshell {
                    *cwd = None;
                }
            } else {
                self.list(&body.items, cwd, always, false);
            }
        }
        // `while read line; do …; done < list`: the commands read from there.
        let inputs = self.inputs(&compound.redirects);
        if compound.kind != CompoundKind::Function && !inputs.is_empty() {
            for step in self.steps.iter_mut().skip(first) {
                step.inputs.extend(inputs.iter().cloned());
            }
        }
        // `{ echo a; echo b; } > file`: what they print goes there.
        let mut outputs = self.outputs(&compound.redirects);
        outputs.retain(|path| !path.starts_with("/dev/"));
        if compound.kind != CompoundKind::Function && !outputs.is_empty() {
            for step in self.steps.iter_mut().skip(first).filter(|step| step.outputs.is_empty()) {
                step.outputs.clone_from(&outputs);
            }
        }
    }

    /// The files that redirections read from.
    fn inputs(&self, redirects: &[Redirect<'_>]) -> Vec<String> {
        self.redirected(redirects, &["<"])
    }

    /// The files that redirections put what is printed into.
    fn outputs(&self, redirects: &[Redirect<'_>]) -> Vec<String> {
        self.redirected(redirects, &[">", ">>", "&>", ">|", "&>>"])
    }

    /// The files behind these operators.
    fn redirected(&self, redirects: &[Redirect<'_>], operators: &[&str]) -> Vec<String> {
        redirects
            .iter()
            .filter(|redirect| operators.contains(&redirect.operator.as_ref()))
            .filter(|redirect| process(&redirect.target).is_none())
            .map(|redirect| self.value(&redirect.target).0)
            .collect()
    }

    /// The value of a shell word, variables read; as it is written where that can't be told.
    fn value(&self, word: &Word<'_>) -> (String, bool) {
        match word.literal() {
            Some(literal) => (literal.into_owned(), true),
            None => self.expanded(word),
        }
    }

    /// The value of a word that is not a literal.
    fn expanded(&self, word: &Word<'_>) -> (String, bool) {
        if word.substitutions.len() == 1 {
            // A folder that is new each time, and that nothing else knows of.
            const CALLS: [&str; 4] = ["$(mktemp -d)", "`mktemp -d`", "$(mktemp)", "`mktemp`"];
            let bare = word.raw.replace('"', "");
            if let Some(before) = CALLS.iter().find_map(|call| bare.strip_suffix(call)) {
                return (format!("{before}/tmp/mktemp"), true);
            }
        }
        let plain = word.substitutions.is_empty() && !word.raw.contains(['`']) && !word.raw.contains("$(");
        if !plain || word.reads().is_empty() {
            return (word.raw.as_ref().to_owned(), false);
        }
        let expanded = words::expand(&word.raw, b'\\', |name| {
            match self.assigned.iter().rev().find(|(assigned, _)| assigned == name) {
                Some((_, Some(value))) => Value::Set(value.as_str().into()),
                Some(_) => Value::Unknown,
                None => match self.model.limited(self.model.variable(self.index, name)) {
                    Value::Set(value) => Value::Set(value.into_owned().into()),
                    _ if name == "HOME" && self.as_root() => Value::Set("/root".into()),
                    _ if name == "HOME" => {
                        self.model.own_home(self.index).map_or(Value::Unknown, |home| Value::Set(home.into()))
                    }
                    _ => Value::Unknown,
                },
            }
        });
        if expanded.known {
            return (expanded.text, true);
        }
        // A path is one whether it stands in quotes or not: `"/usr/local/bin/tool-${TARGETARCH}"`.
        let path = word.raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let path = path.filter(|path| path.starts_with('/') && !path.contains(['"', '\\', '\'']));
        (path.unwrap_or(&word.raw).to_owned(), false)
    }

    /// Whether root runs the script. The user of a base image that is not known may be another, with another home, unless
    /// it installs packages as it is.
    fn as_root(&self) -> bool {
        if let Some(user) = self.model.user(self.index) {
            return matches!(user.text.split(':').next(), Some("root" | "0"));
        }
        let Some(stage) = self.model.stage_of(self.index) else { return false };
        match self.model.known(stage).map(|image| image.runs_as()) {
            Some(RunsAs::Root) => true,
            Some(RunsAs::User(_)) => false,
            Some(RunsAs::Unknown) | None => self.model.body(stage).any(|(_, instruction)| {
                let text = instruction.args.text.as_ref();
                instruction.keyword == Keyword::Run
                    && ["apt-get ", "apk add ", "apk --", "yum "].iter().any(|manager| text.contains(manager))
                    && !text.contains("sudo")
            }),
        }
    }

    /// Writes the home of who runs the script into words that begin with it: `~/.profile`.
    fn at_home(&self, words: &mut [String]) {
        if !words.iter().any(|word| word == "~" || word.starts_with("~/")) {
            return;
        }
        let Some(home) = self.model.own_home(self.index) else { return };
        for word in words.iter_mut() {
            if let Some(rest) = word.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                *word = format!("{home}{rest}");
            }
        }
    }

    /// The words that a word of a command becomes: a variable alone, without quotes, becomes as many as are in it.
    fn words(&self, word: &Word<'_>, argv: &mut Vec<String>) -> bool {
        if let Some(literal) = word.literal() {
            argv.push(literal.into_owned());
            return true;
        }
        let (value, known) = self.expanded(word);
        if known && word.raw.starts_with('$') {
            argv.extend(value.split_ascii_whitespace().map(str::to_owned));
        } else {
            argv.push(value);
        }
        known
    }

    /// The commands of a script in a word of a command: of a process substitution, of `sh -c 'script'`. Whether it could be
    /// read.
    fn aside(&mut self, text: &str, span: Span, mut cwd: Option<String>, always: bool) -> bool {
        if self.depth >= 4 || !self.model.afford(text) {
            return false;
        }
        let Some(script) = shell::parse_alone(text) else { return false };
        self.depth += 1;
        let first = self.steps.len();
        self.list(&script.items, &mut cwd, always, false);
        for step in self.steps.iter_mut().skip(first) {
            step.span = span;
        }
        self.depth -= 1;
        true
    }

    /// The address of the installer that a command starts as a file, where an earlier command or ADD has put it: what is known
    /// of it is the same as where it is piped into a shell.
    fn installer(&self, step: &Step) -> Option<String> {
        let program = step.argv.first().filter(|_| step.known)?;
        // What sets an archive up is made a program where it is started.
        let opens = step.program() == "chmod";
        let script = match step.program() {
            "chmod" => step.args().last().filter(|path| path.ends_with(".sh"))?,
            shell if Words::Shells.has(shell) => step.args().iter().find(|arg| !arg.starts_with('-'))?,
            _ => Some(program).filter(|program| program.contains('/'))?,
        };
        let path = step.path(script)?;
        let known = |word: &&String| {
            if opens { effects::sets_up_archive(word) } else { effects::is_installer(word) }
        };
        let fetched = |earlier: &Step| -> Option<String> {
            let address = earlier.argv.iter().filter(|_| earlier.kind() == "download").find(known)?;
            effects::downloaded(earlier).contains(&path).then(|| address.clone())
        };
        let stage = self.model.stage_of(self.index)?;
        let above = || self.model.body(stage).take_while(|(index, _)| *index < self.index);
        let before = || {
            let runs = above().filter(|(_, instruction)| instruction.keyword == Keyword::Run);
            runs.filter_map(|(index, _)| self.model.steps(index)).flatten().find_map(fetched)
        };
        let added = || {
            above().filter(|(_, instruction)| instruction.keyword == Keyword::Add).find_map(|(index, _)| {
                let copied = self.model.copied(index)?;
                let place = |source: &&String| copied.place(source).as_ref() == Some(&path);
                copied.sources.iter().filter(known).find(place).cloned()
            })
        };
        self.steps.iter().find_map(fetched).or_else(added).or_else(before)
    }

    fn command(&mut self, command: &Command<'_>, cwd: &mut Option<String>, always: bool) {
        for word in command.words.iter().chain(&command.assignments) {
            for script in &word.substitutions {
                let mut own = cwd.clone();
                self.list(&script.items, &mut own, always, false);
            }
        }
        let targets = command.redirects.iter().map(|redirect| &redirect.target);
        for text in command.words.iter().chain(targets).filter_map(process) {
            self.aside(text, command.span, cwd.clone(), always);
        }
        let assignments: Vec<String> = command.assignments.iter().map(|word| word.raw.as_ref().to_owned()).collect();
        for word in &command.assignments {
            let name = word.raw.split(['=', '+']).next().unwrap_or_default().to_owned();
            let (text, known) = self.value(word);
            let adds = word.raw.get(name.len()..).is_some_and(|rest| rest.starts_with('+'));
            let value = text.split_once('=').map(|(_, value)| value.to_owned());
            // In a branch it may be set or not.
            let value = value.filter(|_| known && always && !adds);
            self.assigned.push((name, value));
        }
        let mut outputs = self.outputs(&command.redirects);
        self.at_home(&mut outputs);
        let mut known = true;
        let mut argv = Vec::with_capacity(command.words.len());
        // A comment among the commands of a long list, "`# why`", is no word once it has run.
        let comment = |word: &&Word<'_>| word.raw.starts_with("`#") && word.raw.ends_with('`');
        for word in command.words.iter().skip_while(comment) {
            known &= self.words(word, &mut argv);
        }
        let by_corepack = unwrap(&mut argv);
        self.at_home(&mut argv);
        if argv.is_empty() && outputs.is_empty() {
            return;
        }
        let program = argv.first().map_or("", |program| paths::name(program));
        if matches!(program, "export" | "read" | "local" | "declare" | "readonly" | "typeset") {
            for arg in argv.iter().skip(1) {
                let (name, value) =
                    arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
                let value = value.filter(|_| known && always).map(str::to_owned);
                self.assigned.push((name.to_owned(), value));
            }
        }
        if matches!(program, "sh" | "bash" | "ash" | "dash" | "su" | "runuser")
            && let Some(script) = inline(&argv)
        {
            // Who logs in begins at home, wherever that is.
            let logs_in = |word: &String| {
                word == "--login" || word.starts_with('-') && !word.starts_with("--") && word.contains('l')
            };
            let login = matches!(program, "su" | "runuser") && argv.iter().any(|word| word == "-" || logs_in(word));
            if self.aside(&script, command.span, cwd.clone().filter(|_| !login), always) {
                return;
            }
        }
        let mut step = Step {
            item: self.item,
            argv,
            known,
            assignments,
            inputs: self.inputs(&command.redirects),
            outputs,
            by_corepack,
            piped: None,
            cwd: cwd.clone(),
            always,
            span: command.span,
            worked_out: Cached::default(),
        };
        step.piped = self.installer(&step);
        match step.program() {
            "cd" => {
                *cwd = match step.argv.get(1) {
                    Some(path) if step.known && path != "-" => match path.strip_prefix('~') {
                        Some(rest) => Some(paths::join("/root", rest.trim_start_matches('/'))),
                        None => step.path(path),
                    },
                    None => Some(self.model.own_home(self.index).unwrap_or_else(|| "/root".to_owned())),
                    _ => None,
                };
            }
            "pushd" | "popd" => *cwd = step.argv.get(1).filter(|_| step.known).and_then(|path| step.path(path)),
            _ => {}
        }
        self.steps.push(step);
    }
}

impl Model<'_> {
    /// The home of who runs an instruction, where that is a user whom the file or the base image names and not root.
    pub fn own_home(&self, index: usize) -> Option<String> {
        let user = self.user(index)?;
        let name = user.text.split(':').next().unwrap_or_default();
        let letters = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if matches!(name, "root" | "0" | "") || !letters(name) || name.starts_with(|first: char| first.is_ascii_digit())
        {
            return None;
        }
        if let Value::Set(home) = self.variable(index, "HOME") {
            return Some(home.into_owned()).filter(|home| home.starts_with('/'));
        }
        let stage = self.stage_of(index)?;
        let known = self.known(stage).and_then(|image| image.users().find(|user| user.name == name));
        if let Some(known) = known {
            return Some(known.home.to_owned()).filter(|home| home.starts_with('/'));
        }
        // `useradd --home-dir /srv/app app`; a name that the option reads from a variable says nothing.
        let made = self.body(stage).map(|(_, instruction)| instruction.args.text.as_ref()).find_map(|text| {
            let commands = text.split(['&', ';', '\n']).map(str::trim);
            commands.filter(|command| command.contains("useradd") || command.contains("adduser")).find_map(|command| {
                let words: Vec<&str> = command.split_ascii_whitespace().collect();
                words.contains(&name).then(|| {
                    let given = words.windows(2).find_map(|pair| match pair {
                        ["-d" | "--home" | "--home-dir" | "-h", home] => Some(*home),
                        _ => None,
                    });
                    let joined = words
                        .iter()
                        .find_map(|word| word.strip_prefix("--home=").or_else(|| word.strip_prefix("--home-dir=")));
                    given.or(joined).map_or_else(|| format!("/home/{name}"), str::to_owned)
                })
            })
        });
        Some(made.unwrap_or_else(|| format!("/home/{name}"))).filter(|home| paths::plain(home) && home.starts_with('/'))
    }
}

/// Takes `sudo`, `env NAME=value`, `exec` and the like off the front, and Corepack, which starts a package manager of the
/// version that the project asks for: whether it was there.
fn unwrap(argv: &mut Vec<String>) -> bool {
    while argv.len() > 1 && argv.first().is_some_and(|program| Words::WrapperPrograms.has(paths::name(program))) {
        let mut skip = 1;
        while let Some(word) = argv.get(skip) {
            let takes_value = matches!(word.as_str(), "-u" | "-g" | "-n" | "--user");
            if word == "--" {
                skip += 1;
                break;
            }
            if word.starts_with('-') || word.split_once('=').is_some_and(|(name, _)| is_name(name)) {
                skip += 1 + usize::from(takes_value);
            } else {
                break;
            }
        }
        argv.drain(..skip.min(argv.len()));
    }
    let managers =
        |word: &String| matches!(word.split('@').next(), Some("npm" | "npx" | "pnpm" | "pnpx" | "yarn" | "yarnpkg"));
    let by_corepack =
        argv.first().is_some_and(|program| paths::name(program) == "corepack") && argv.get(1).is_some_and(managers);
    if by_corepack {
        argv.remove(0);
        // `corepack pnpm@9 install`.
        if let Some(manager) = argv.first_mut() {
            manager.truncate(manager.find('@').unwrap_or(manager.len()));
        }
    }
    by_corepack
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The script of `sh -c 'script'`.
fn inline(argv: &[String]) -> Option<Cow<'_, str>> {
    let at = argv.iter().position(|word| {
        word == "--command"
            || word.starts_with('-') && !word.starts_with("--") && word.ends_with('c') && word.len() <= 4
    })?;
    argv.get(at + 1).map(|text| unquoted(text))
}

/// The commands of the script that a shell is given as a word; `None` where it is given none, or it can't be read.
pub(super) fn inlined(model: &Model<'_>, index: usize, argv: &[String]) -> Option<Vec<Step>> {
    if !matches!(argv.first().map(|program| paths::name(program)), Some("sh" | "bash" | "ash" | "dash")) {
        return None;
    }
    let text = inline(argv)?;
    let script = model.afford(&text).then(|| shell::parse_alone(&text)).flatten()?;
    Some(steps(model, index, &script))
}

/// A word as the shell hands it on, but for what is only known when it runs: such a word still has its quotes.
fn unquoted(word: &str) -> Cow<'_, str> {
    let Some(inside) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return word.into() };
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // More than one word in quotes.
            '"' => return word.into(),
            '\\' => text.push(rest.next_if(|next| matches!(next, '"' | '$' | '`' | '\\')).unwrap_or(c)),
            _ => text.push(c),
        }
    }
    text.into()
}

/// A path without the spelling of the folder that a command works in: `$PWD/settings` and `$(pwd)/settings` are `settings`.
fn here(path: &str) -> &str {
    const SPELLINGS: [&str; 4] = ["$PWD", "${PWD}", "$(pwd)", "`pwd`"];
    if !path.starts_with(['$', '`']) {
        return path;
    }
    let rest = SPELLINGS.iter().find_map(|spelling| path.strip_prefix(spelling));
    match rest {
        Some("") => ".",
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
        _ => path,
    }
}

/// The script of a process substitution: `>(tee /var/log/start.log)`.
fn process<'t>(word: &'t Word<'_>) -> Option<&'t str> {
    let text = word.raw.strip_prefix(">(").or_else(|| word.raw.strip_prefix("<("))?;
    text.strip_suffix(')')
}

/// The commands of an instruction's shell form, or of its exec form as one command; `None` where it can't be read.
pub(super) fn read(model: &Model<'_>, index: usize, instruction: &Instruction<'_>) -> Option<Vec<Step>> {
    if let crate::syntax::Form::Json(words) = &instruction.form {
        let mut argv: Vec<String> = words.iter().map(|(word, _)| word.clone()).collect();
        if argv.is_empty() {
            return Some(Vec::new());
        }
        if let Some(steps) = inlined(model, index, &argv) {
            return Some(steps);
        }
        let by_corepack = unwrap(&mut argv);
        return Some(vec![Step {
            item: 0,
            argv,
            known: true,
            assignments: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            by_corepack,
            piped: None,
            cwd: model.workdir(index).map(str::to_owned),
            always: true,
            span: instruction.span,
            worked_out: Cached::default(),
        }]);
    }
    if !model.posix(index) {
        return None;
    }
    model.script(index).map(|script| steps(model, index, script))
}
