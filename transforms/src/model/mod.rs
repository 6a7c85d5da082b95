//! Stages, scopes and commands: what a transform may ask about a file.

pub mod base;
pub mod built_on;
pub mod commands;
pub mod copies;
pub mod effects;
pub mod entry;
pub mod npm;
pub mod origin;
pub mod paths;
pub mod python;
pub mod uv;
mod variables;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::ops::Range;

use crate::context::Context;
use crate::knowledge::images::{self, Image};
use crate::knowledge::manifests;
use crate::settings::Settings;
use crate::syntax::typed::ImageRef;
use crate::syntax::words::{self, Expanded, Value};
use crate::syntax::{File, Form, Instruction, Keyword, ParseError, shell};
use variables::{Variable, Variables};

/// How many bytes of values may be read and kept for a whole file. A file of a few lines can say a value that no memory
/// holds, each variable twice the one before; what is beyond this is as unknown as what the file does not say. Real
/// files need a few thousand.
const MAX_VALUES: usize = 4 << 20;

/// How many stages a variable is looked for through, each of which stands on the next.
const MAX_STAGES: usize = 256;

/// A file with what is known about it.
pub struct Model<'a> {
    /// The file.
    pub file: &'a File<'a>,
    /// The build context, where there is one to read.
    pub context: Option<&'a dyn Context>,
    /// The choices of the person.
    pub settings: &'a Settings,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// ARG before the first FROM.
    globals: Variables,
    /// The last stage of each name, in lower case.
    names: HashMap<String, usize>,
    /// How many more bytes of values may be read.
    left: Cell<usize>,
    /// What scripts inside of scripts may still cost.
    scripts: Cell<u64>,
    /// What is read of each instruction when somebody first asks for it.
    asked: Vec<Asked<'a>>,
    /// Texts that it may become.
    later: Later<'a>,
}

/// A text that a file may become, and what is known about it: whoever plans an edit reads what comes of it, and so does
/// who goes on from there.
#[derive(Default)]
struct Later<'a> {
    source: OnceCell<Vec<u8>>,
    file: OnceCell<File<'a>>,
    model: OnceCell<Box<Model<'a>>>,
    /// Another such text.
    next: OnceCell<Box<Later<'a>>>,
}

/// What is read of an instruction when somebody first asks for it.
#[derive(Default)]
struct Asked<'a> {
    script: OnceCell<Option<shell::Script<'a>>>,
    steps: OnceCell<Option<Vec<commands::Step>>>,
    copied: OnceCell<copies::Copied>,
}

/// A stage: a FROM and what follows it.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its FROM, as an index into the file's instructions.
    pub from: usize,
    /// The instructions after FROM, as indices into the file's instructions.
    pub body: Range<usize>,
    /// The name after AS, as it is written.
    pub name: Option<String>,
    /// What it stands on.
    pub base: Base,
    /// What is known of the image that it stands on.
    known: Option<images::Facts>,
    /// `--platform`, as it is written.
    pub platform: Option<String>,
    /// ENV and ARG, in order.
    variables: Variables,
    /// The working directory from an instruction on; `None` where it can't be told.
    workdirs: Vec<(usize, Option<String>)>,
    /// The user from an instruction on.
    users: Vec<(usize, Expanded)>,
    /// SHELL from an instruction on.
    shells: Vec<(usize, Shell)>,
    /// What it starts, once somebody has asked.
    entry: OnceCell<entry::Entry>,
}

/// What runs the shell forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shell {
    /// Whether it is a POSIX shell.
    posix: bool,
    /// Whether a pipeline fails where any of its commands does.
    pipefail: bool,
}

impl Shell {
    /// The shell that an instruction SHELL names.
    fn of(instruction: &Instruction<'_>) -> Self {
        let Form::Json(words) = &instruction.form else { return Self { posix: false, pipefail: false } };
        let program = words.first().map(|(program, _)| paths::name(program));
        let posix = program.is_some_and(|program| shell::POSIX_SHELLS.contains(&program));
        // `-o pipefail`, and `-eo pipefail` too.
        let pipefail = words.windows(2).any(|pair| match pair {
            [(option, _), (name, _)] => option.starts_with('-') && option.ends_with('o') && name == "pipefail",
            _ => false,
        });
        Self { posix, pipefail: posix && pipefail }
    }
}

/// What a stage stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The empty image.
    Scratch,
    /// An earlier stage, by its index.
    Stage(usize),
    /// An image. `exact` is false where a variable with a default is in it: the reference is then what the default
    /// gives.
    Image {
        /// The reference, variables expanded.
        image: ImageRef,
        /// Whether it reads no variable.
        exact: bool,
    },
    /// It reads a variable that has no value in the file.
    Unknown,
}

/// What there is to read of an instruction that a shell runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellForm {
    /// A script of a POSIX shell, which is read.
    Read,
    /// A script of a POSIX shell that can't be read, or whose bounds are passed: nothing is ever edited inside.
    Opaque,
    /// A script of another program: PowerShell, `cmd`, an interpreter.
    Foreign,
}

impl ShellForm {
    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            ShellForm::Read => "read",
            ShellForm::Opaque => "opaque",
            ShellForm::Foreign => "foreign",
        }
    }
}

impl<'a> Model<'a> {
    /// Builds the model of `file`.
    pub fn new(file: &'a File<'a>, context: Option<&'a dyn Context>, settings: &'a Settings) -> Self {
        let asked = file.instructions.iter().map(|_| Asked::default()).collect();
        let mut model = Self {
            file,
            context,
            settings,
            stages: Vec::new(),
            globals: Variables::default(),
            names: HashMap::new(),
            left: Cell::new(MAX_VALUES),
            scripts: Cell::new(shell::MAX_COST),
            asked,
            later: Later::default(),
        };
        for (index, instruction) in file.instructions.iter().enumerate() {
            model.read(index, instruction);
        }
        model
    }

    /// The model of a text that the file may become: made once, whoever asks.
    ///
    /// # Errors
    /// As [`File::parse`].
    pub fn later(&'a self, source: Vec<u8>) -> Result<&'a Model<'a>, ParseError> {
        let mut place = &self.later;
        while place.source.get().is_some_and(|known| *known != source) {
            place = place.next.get_or_init(Box::default);
        }
        if let Some(model) = place.model.get() {
            return Ok(model);
        }
        let file = File::parse(place.source.get_or_init(|| source))?;
        let file = place.file.get_or_init(|| file);
        Ok(place.model.get_or_init(|| Box::new(Model::new(file, self.context, self.settings))))
    }

    /// Takes one instruction into the model.
    fn read(&mut self, index: usize, instruction: &Instruction<'_>) {
        if instruction.keyword == Keyword::From {
            let stage = self.stage(index, instruction);
            if let Some(name) = &stage.name {
                self.names.insert(name.to_ascii_lowercase(), self.stages.len());
            }
            self.stages.push(stage);
            return;
        }
        if self.stages.is_empty() {
            if instruction.keyword == Keyword::Arg {
                let read = self.pairs(index, instruction, false);
                read.into_iter().for_each(|variable| self.globals.push(variable));
            }
            return;
        }
        match instruction.keyword {
            Keyword::Env | Keyword::Arg => {
                let read = self.pairs(index, instruction, instruction.keyword == Keyword::Env);
                if let Some(stage) = self.stages.last_mut() {
                    read.into_iter().for_each(|variable| stage.variables.push(variable));
                }
            }
            Keyword::Workdir => {
                let text = self.expand(index, &instruction.args.text);
                let before = self.stages.last().and_then(|stage| stage.workdirs.last());
                let before = before.and_then(|(_, path)| path.as_deref());
                let after = match (text.known, before) {
                    (true, Some(before)) => Some(paths::join(before, &text.text)),
                    (true, None) if text.text.starts_with('/') => Some(paths::join("/", &text.text)),
                    _ => None,
                };
                let after = after.filter(|path| self.spend(path.len()));
                if let Some(stage) = self.stages.last_mut() {
                    stage.workdirs.push((index, after));
                }
            }
            Keyword::User => {
                let user = self.expand(index, &instruction.args.text);
                if let Some(stage) = self.stages.last_mut() {
                    stage.users.push((index, user));
                }
            }
            Keyword::Shell => {
                if let Some(stage) = self.stages.last_mut() {
                    stage.shells.push((index, Shell::of(instruction)));
                }
            }
            _ => {}
        }
        if let Some(stage) = self.stages.last_mut() {
            stage.body.end = index + 1;
        }
    }

    /// Reads a FROM.
    fn stage(&self, index: usize, instruction: &Instruction<'_>) -> Stage {
        let parts = instruction.from();
        let raw = parts.as_ref().map_or("", |parts| parts.image.raw);
        let expanded = words::expand(raw, self.file.escape, |name| self.limited(self.global(name)));
        let base = if !expanded.known || expanded.text.is_empty() {
            Base::Unknown
        } else if let Some(earlier) = self.stage_named(&expanded.text) {
            Base::Stage(earlier)
        } else if expanded.text.eq_ignore_ascii_case("scratch") {
            Base::Scratch
        } else {
            Base::Image { image: ImageRef::parse(&expanded.text), exact: !raw.contains('$') }
        };
        let flag = instruction.flags.iter().find(|flag| flag.name == "platform");
        let known = match &base {
            Base::Image { image, .. } => base::known(image),
            _ => None,
        };
        let usual = Shell { posix: true, pipefail: false };
        let (workdir, shell) = match &base {
            Base::Stage(earlier) => {
                let earlier = self.stages.get(*earlier);
                let workdir = earlier.and_then(|stage| stage.workdirs.last()).and_then(|(_, path)| path.as_deref());
                let workdir = workdir.filter(|path| self.spend(path.len())).map(str::to_owned);
                (workdir, earlier.and_then(|stage| stage.shells.last()).map_or(usual, |(_, shell)| *shell))
            }
            Base::Image { image, .. } => {
                // Where nothing is known of it, it has the working directory that most images have.
                let workdir = known.and_then(|known| known.workdir()).unwrap_or("/");
                let posix = !base::is_windows(image, known.as_ref());
                (Some(workdir.to_owned()), Shell { posix, ..usual })
            }
            Base::Scratch => (Some("/".to_owned()), usual),
            Base::Unknown => (None, usual),
        };
        let known = known.map(|known| known.facts());
        Stage {
            from: index,
            body: index + 1..index + 1,
            name: parts.and_then(|parts| parts.alias.map(|alias| alias.raw.to_owned())),
            base,
            known,
            platform: flag.and_then(|flag| flag.value.as_deref().map(str::to_owned)),
            variables: Variables::default(),
            workdirs: vec![(index, workdir)],
            users: Vec::new(),
            shells: vec![(index, Shell { posix: shell.posix && self.file.escape == b'\\', ..shell })],
            entry: OnceCell::new(),
        }
    }

    /// The pairs of an ENV or ARG, values expanded where that can be done.
    fn pairs(&self, index: usize, instruction: &Instruction<'_>, env: bool) -> Vec<Variable> {
        let pairs = instruction.pairs(self.file.escape);
        let read = |pair: words::Pair<'_>| {
            let value = match pair.value {
                Some(value) => Some(self.expand(index, value.raw)),
                // `ARG NAME` in a stage takes the value of the global ARG, where there is one.
                None if !self.stages.is_empty() => match self.limited(self.global(pair.name.raw)) {
                    Value::Set(text) => Some(Expanded { text: text.into_owned(), known: true }),
                    _ => None,
                },
                None => None,
            };
            Variable { at: index, name: words::unquote(pair.name.raw, self.file.escape), value, env }
        };
        pairs.into_iter().map(read).collect()
    }

    /// A global ARG.
    fn global(&self, name: &str) -> Value<'_> {
        let variable = self.globals.before(usize::MAX, name);
        match variable.map(|variable| &variable.value) {
            Some(Some(value)) if value.known => Value::Set(Cow::Borrowed(&value.text)),
            Some(_) => Value::Unknown,
            None if name.starts_with("TARGET") || name.starts_with("BUILD") => Value::Unknown,
            None => Value::Unset,
        }
    }

    /// The stage that is known by this name or number, among those read so far.
    pub fn stage_named(&self, name: &str) -> Option<usize> {
        let named = match self.names.is_empty() {
            true => None,
            false => self.names.get(name.to_ascii_lowercase().as_str()).copied(),
        };
        named.or_else(|| name.parse().ok().filter(|number: &usize| *number < self.stages.len()))
    }

    /// The stage that instruction `index` belongs to.
    pub fn stage_of(&self, index: usize) -> Option<&Stage> {
        let after = self.stages.partition_point(|stage| stage.from <= index);
        after.checked_sub(1).and_then(|at| self.stages.get(at))
    }

    /// The stage that `docker build` ships when no target is named.
    pub fn shipped(&self) -> Option<&Stage> {
        self.stages.last()
    }

    /// An instruction of the file.
    pub fn instruction(&self, index: usize) -> Option<&'a Instruction<'a>> {
        self.file.instructions.get(index)
    }

    /// The instructions of a stage's body with their indices.
    pub fn body(&self, stage: &Stage) -> impl DoubleEndedIterator<Item = (usize, &'a Instruction<'a>)> + use<'a> {
        let instructions: &'a [Instruction<'a>] = &self.file.instructions;
        stage.body.clone().filter_map(move |index| instructions.get(index).map(|instruction| (index, instruction)))
    }

    /// The script of instruction `index`, as [`Instruction::script`] has it.
    pub fn script(&self, index: usize) -> Option<&shell::Script<'a>> {
        let read = || self.instruction(index).and_then(Instruction::script);
        self.asked.get(index)?.script.get_or_init(read).as_ref()
    }

    /// What instruction `index` brings, where it is a COPY or ADD.
    pub fn copied(&self, index: usize) -> Option<&copies::Copied> {
        let copies = |instruction: &&Instruction<'_>| matches!(instruction.keyword, Keyword::Copy | Keyword::Add);
        let instruction = self.instruction(index).filter(copies)?;
        Some(self.asked.get(index)?.copied.get_or_init(|| copies::read(self, index, instruction)))
    }

    /// Whether `path` is a folder before instruction `index`, by what stands there: a WORKDIR, a COPY into it, `mkdir`.
    pub fn is_folder(&self, index: usize, path: &str) -> bool {
        copies::is_folder(self, index, path)
    }

    /// The commands of instruction `index`: of its shell form, or of its exec form as one command; `None` where it has
    /// none, or they can't be read.
    pub fn steps(&self, index: usize) -> Option<&[commands::Step]> {
        let read = || self.instruction(index).and_then(|instruction| commands::read(self, index, instruction));
        self.asked.get(index)?.steps.get_or_init(read).as_deref()
    }

    /// The value of a variable as instruction `index` sees it.
    pub fn variable(&self, index: usize, name: &str) -> Value<'_> {
        match self.stage_of(index) {
            Some(stage) => self.stage_variable(stage, index, name),
            None => self.global(name),
        }
    }

    fn stage_variable<'m>(&'m self, mut stage: &'m Stage, mut index: usize, name: &str) -> Value<'m> {
        for _ in 0..MAX_STAGES {
            match stage.variables.before(index, name) {
                Some(Variable { value: Some(value), .. }) if value.known => {
                    return Value::Set(Cow::Borrowed(&value.text));
                }
                Some(_) => return Value::Unknown,
                None => {}
            }
            match &stage.base {
                Base::Stage(earlier) => match self.stages.get(*earlier) {
                    Some(earlier) => (stage, index) = (earlier, earlier.body.end),
                    None => return Value::Unknown,
                },
                Base::Image { .. } => {
                    let known = stage.known.and_then(|known| known.variable(name));
                    return known.map_or(Value::Unknown, |value| Value::Set(Cow::Borrowed(value)));
                }
                Base::Scratch | Base::Unknown => return Value::Unknown,
            }
        }
        Value::Unknown
    }

    /// Takes `bytes` off what may still be read; `false` where there is not so much left.
    fn spend(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes);
        left.inspect(|left| self.left.set(*left)).is_some()
    }

    /// Takes what a script inside of a script costs off what they may all cost; `false` where there is not so much left.
    fn afford(&self, script: &str) -> bool {
        let left = self.scripts.get().checked_sub(shell::cost(script));
        left.inspect(|left| self.scripts.set(*left)).is_some()
    }

    /// A value, as long as there is not too much of them.
    fn limited<'v>(&self, value: Value<'v>) -> Value<'v> {
        match value {
            Value::Set(text) if !self.spend(text.len()) => Value::Unknown,
            value => value,
        }
    }

    /// Expands a word as instruction `index` does.
    pub fn expand(&self, index: usize, raw: &str) -> Expanded {
        if !raw.bytes().any(|byte| matches!(byte, b'$' | b'\'' | b'"') || byte == self.file.escape) {
            return Expanded { text: raw.to_owned(), known: true };
        }
        words::expand(raw, self.file.escape, |name| self.limited(self.variable(index, name)))
    }

    /// The working directory before instruction `index`; `None` where it can't be told.
    pub fn workdir(&self, index: usize) -> Option<&str> {
        let stage = self.stage_of(index)?;
        let after = stage.workdirs.partition_point(|(at, _)| *at < index);
        let (_, path) = stage.workdirs.get(after.saturating_sub(1))?;
        path.as_deref()
    }

    /// The working directory that the stage's image has.
    pub fn final_workdir<'s>(&self, stage: &'s Stage) -> Option<&'s str> {
        stage.workdirs.last().and_then(|(_, path)| path.as_deref())
    }

    /// The USER in force before instruction `index`, where the stage (or the stage it stands on) sets one.
    pub fn user(&self, index: usize) -> Option<&Expanded> {
        let stage = self.stage_of(index)?;
        self.user_of(stage, index)
    }

    /// The USER in force at the end of a stage, where it (or the stage that it stands on) sets one.
    pub fn final_user<'m>(&'m self, stage: &'m Stage) -> Option<&'m Expanded> {
        self.user_of(stage, stage.body.end)
    }

    fn user_of<'m>(&'m self, mut stage: &'m Stage, mut index: usize) -> Option<&'m Expanded> {
        loop {
            let after = stage.users.partition_point(|(at, _)| *at < index);
            if let Some((_, user)) = after.checked_sub(1).and_then(|at| stage.users.get(at)) {
                return Some(user);
            }
            let Base::Stage(earlier) = stage.base else { return None };
            stage = self.stages.get(earlier)?;
            index = stage.body.end;
        }
    }

    /// The lowest of the stages that a stage stands on: itself, where it stands on an image.
    pub fn bottom<'s>(&'s self, stage: &'s Stage) -> &'s Stage {
        self.below(stage).last().unwrap_or(stage)
    }

    /// The stages that a stage stands on, the nearest first.
    pub fn below<'s>(&'s self, stage: &Stage) -> impl Iterator<Item = &'s Stage> + use<'s, 'a> {
        let next = |stage: &Stage| match stage.base {
            Base::Stage(earlier) => self.stages.get(earlier),
            _ => None,
        };
        std::iter::successors(next(stage), move |stage| next(stage))
    }

    /// The image at the bottom of a stage: its own base, or that of the stage it stands on.
    pub fn image<'s>(&'s self, stage: &'s Stage) -> Option<&'s ImageRef> {
        match &self.bottom(stage).base {
            Base::Image { image, .. } => Some(image),
            _ => None,
        }
    }

    /// Whether the commands of the stage ask for root by `sudo` before any USER, and none works as root without: its base,
    /// where that is not known, then runs as somebody else.
    pub fn asks_for_root(&self, stage: &Stage) -> bool {
        if memchr::memmem::find(self.file.source, b"sudo ").is_none() {
            return false;
        }
        let before = self.body(stage).take_while(|(_, one)| one.keyword != Keyword::User);
        let runs = before.filter(|(_, one)| one.keyword == Keyword::Run);
        let mut asks = false;
        for step in runs.filter_map(|(index, _)| self.steps(index)).flatten() {
            if step.span.text(self.file.source).starts_with("sudo ") {
                asks = true;
            } else if matches!(step.program(), "apt-get" | "apt" | "apk" | "yum" | "dnf" | "useradd" | "adduser") {
                return false;
            }
        }
        asks
    }

    /// What is known about the image at the bottom of a stage.
    pub fn known<'s>(&'s self, stage: &'s Stage) -> Option<Image<'s>> {
        let bottom = self.bottom(stage);
        match &bottom.base {
            Base::Image { image, .. } => bottom.known.map(|known| known.at(image.tag_or_latest())),
            _ => None,
        }
    }

    /// What there is to read of instruction `index`; `None` where no shell runs it: another instruction, the exec form, or
    /// nothing at all.
    pub fn shell_form(&self, index: usize) -> Option<ShellForm> {
        let instruction = self.instruction(index)?;
        let shell =
            matches!(instruction.keyword, Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck);
        if !shell || instruction.form != Form::Text || instruction.args.text.is_empty() {
            return None;
        }
        if instruction.keyword == Keyword::Healthcheck && instruction.args.text.eq_ignore_ascii_case("none") {
            return None;
        }
        Some(if !self.posix(index) || instruction.has_interpreter() {
            ShellForm::Foreign
        } else if self.script(index).is_some() {
            ShellForm::Read
        } else {
            ShellForm::Opaque
        })
    }

    /// What runs a shell form of instruction `index`.
    fn shell(&self, index: usize) -> Option<Shell> {
        let stage = self.stage_of(index)?;
        let after = stage.shells.partition_point(|(at, _)| *at <= index);
        stage.shells.get(after.checked_sub(1)?).map(|(_, shell)| *shell)
    }

    /// Whether a shell form of instruction `index` is read by a POSIX shell.
    pub fn posix(&self, index: usize) -> bool {
        self.shell(index).is_none_or(|shell| shell.posix)
    }

    /// Whether a pipeline of instruction `index` fails where any of its commands does: by SHELL, or because its script
    /// starts by saying so.
    pub fn pipefail(&self, index: usize) -> bool {
        let set = || {
            let first = self.steps(index)?.first()?;
            let words = first.args();
            Some(first.program() == "set" && words.iter().any(|word| word == "pipefail"))
        };
        self.shell(index).is_some_and(|shell| shell.pipefail) || set().unwrap_or_default()
    }

    /// The variables that the stage's image has as ENV, with the instruction that sets each.
    pub fn env_names<'s>(&self, stage: &'s Stage) -> impl Iterator<Item = (usize, &'s str)> {
        stage.variables.iter().filter(|variable| variable.env).map(|variable| (variable.at, variable.name.as_str()))
    }

    /// The ARGs of a stage, with the instruction that declares each.
    pub fn arg_names<'s>(&self, stage: &'s Stage) -> impl Iterator<Item = (usize, &'s str)> {
        stage.variables.iter().filter(|variable| !variable.env).map(|variable| (variable.at, variable.name.as_str()))
    }
}

/// Whether Poetry makes a virtual environment in the home of who runs it: nothing in the stage tells it not to make one,
/// or to make it elsewhere.
pub fn virtualenv(model: &Model<'_>, stage: &Stage) -> bool {
    let says = model.body(stage).any(|(_, instruction)| {
        let text = instruction.args.text.as_ref();
        match instruction.keyword {
            Keyword::Run => {
                text.contains("virtualenvs.create") && text.contains("false")
                    || text.contains("virtualenvs.in-project")
                    || text.contains("virtualenvs.path")
                    || text.contains("POETRY_VIRTUALENVS_")
            }
            Keyword::Env | Keyword::Arg => text.contains("POETRY_VIRTUALENVS_") || text.contains("VIRTUAL_ENV"),
            _ => false,
        }
    });
    !says && !model.context.is_some_and(|context| context.files().iter().any(|file| file == "poetry.toml"))
}

/// What `poetry config` says of virtual environments in an instruction, as variables: the settings lie in the home of who
/// says it, and another user, or another stage, has them from the environment alone.
pub fn poetry_settings(model: &Model<'_>, index: usize) -> Vec<(&'static str, String)> {
    const VARIABLES: [(&str, &str); 3] = [
        ("virtualenvs.create", "POETRY_VIRTUALENVS_CREATE"),
        ("virtualenvs.in-project", "POETRY_VIRTUALENVS_IN_PROJECT"),
        ("virtualenvs.path", "POETRY_VIRTUALENVS_PATH"),
    ];
    let steps = model.steps(index).unwrap_or_default().iter();
    let settings = steps.filter(|step| step.program() == "poetry" && step.subcommand() == Some("config"));
    let global = settings.filter(|step| !step.args().iter().any(|arg| matches!(arg.as_str(), "--local" | "--unset")));
    let said = global.filter_map(|step| {
        let words: Vec<&str> = step.operands().collect();
        let [_, key, value] = words.as_slice() else { return None };
        let (_, variable) = VARIABLES.iter().find(|(known, _)| known == key)?;
        (step.known && !value.contains('$')).then(|| (*variable, (*value).to_owned()))
    });
    said.collect()
}

/// What `bundle config` says for all projects in an instruction, as variables, for the same reason. Without an option that
/// says for which, it is for the project that it finds where it works, and before anything is copied there is none.
pub fn bundler_settings(model: &Model<'_>, index: usize) -> Vec<(&'static str, String)> {
    const VARIABLES: [(&str, &str); 4] = [
        ("deployment", "BUNDLE_DEPLOYMENT"),
        ("path", "BUNDLE_PATH"),
        ("with", "BUNDLE_WITH"),
        ("without", "BUNDLE_WITHOUT"),
    ];
    let copied = || (0..index).any(|earlier| model.copied(earlier).is_some());
    let settings = model.steps(index).unwrap_or_default().iter().filter(|step| {
        let has = |word: &str| step.args().iter().any(|arg| arg == word);
        let all = has("--global") || !has("--local") && !has("--delete") && !copied();
        step.known && step.program() == "bundle" && step.subcommand() == Some("config") && all
    });
    let said = settings.filter_map(|step| {
        let words: Vec<&str> = step.operands().skip(1).filter(|word| *word != "set").collect();
        let (key, values) = words.split_first()?;
        let (_, variable) = VARIABLES.iter().find(|(known, _)| known == key)?;
        let value = values.join(":").replace(' ', ":");
        (!value.is_empty() && !value.contains('$')).then_some((*variable, value))
    });
    said.collect()
}

/// The sources of COPY and ADD that come from the build context, as they are written, without duplicates: what a
/// context must have for the file to build.
pub fn copy_sources(file: &File<'_>) -> Vec<String> {
    let mut sources: Vec<String> = Vec::new();
    for instruction in &file.instructions {
        let copies = matches!(instruction.keyword, Keyword::Copy | Keyword::Add);
        if !copies || instruction.flags.iter().any(|flag| flag.name == "from") {
            continue;
        }
        let mut words = instruction.words();
        words.pop();
        for word in words {
            let source = words::unquote(word.raw, file.escape);
            let remote = source.contains("://") || source.starts_with("git@");
            if !remote && !source.starts_with("<<") && !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    sources
}

/// The files that commands of the build, and what starts, look for in what a COPY of the whole context brought: the names,
/// as patterns, any of which is enough for one command. A context without them is not the one that the file is built with.
pub fn copied_manifests(file: &File<'_>) -> Vec<Cow<'static, str>> {
    let settings = Settings::default();
    let model = Model::new(file, None, &settings);
    let mut found: Vec<Cow<'static, str>> = Vec::new();
    let mut add = |needed: Cow<'static, str>| {
        if !found.contains(&needed) {
            found.push(needed);
        }
    };
    let inside = |brought: &[&str], step: &commands::Step| -> Vec<String> {
        let named = scripts(step);
        let below = named.iter().flat_map(|path| brought.iter().filter_map(|to| paths::relative(path, to)));
        below.map(str::to_owned).collect()
    };
    let below = |brought: &[&str], path: &str| -> Option<String> {
        brought.iter().find_map(|to| paths::relative(path, to)).filter(|path| paths::plain(path)).map(str::to_owned)
    };
    for stage in &model.stages {
        let mut brought: Vec<&str> = Vec::new();
        for (index, instruction) in model.body(stage) {
            if instruction.keyword == Keyword::Run {
                for step in model.steps(index).unwrap_or_default().iter().filter(|step| step.always) {
                    let cwd = step.cwd.as_deref();
                    if let Some(needed) = needed(step) {
                        if cwd.is_some_and(|cwd| brought.contains(&cwd)) {
                            add(Cow::Borrowed(needed));
                        } else if let Some(below) = cwd.and_then(|cwd| below(&brought, cwd)) {
                            let names: Vec<String> = needed.split(' ').map(|name| format!("{below}/{name}")).collect();
                            add(names.join(" ").into());
                        }
                    }
                    inside(&brought, step).into_iter().for_each(|path| add(path.into()));
                }
            }
            let whole = model.copied(index).filter(|copied| copied.context && copied.is_whole());
            brought.extend(whole.and_then(|copied| copied.to.as_deref()));
        }
        for step in &entry::of(&model, stage).steps {
            inside(&brought, step).into_iter().for_each(|path| add(path.into()));
            // `node packages/server/dist/main.js`: the folder is the project's, whatever is made in it.
            for word in step.argv.iter().filter(|word| paths::plain(word) && word.matches('/').count() > 1) {
                let path = step.path(word).and_then(|path| below(&brought, &path)).unwrap_or_default();
                if let Some((first, _)) = path.split_once('/') {
                    add(first.to_owned().into());
                }
            }
        }
    }
    found
}

/// The manifest that a command needs where it works, as patterns; what is asked for by name is fetched.
fn needed(step: &commands::Step) -> Option<&'static str> {
    let named = step.operands().nth(1).is_some() && matches!(step.subcommand(), Some("install" | "i"));
    let elsewhere = step.args().iter().any(|arg| {
        ["-g", "-C", "-f", "--global", "--prefix", "--cwd", "--dir", "--manifest-path", "--project"]
            .iter()
            .any(|option| arg.starts_with(option))
    });
    manifests::needed(step.program(), step.subcommand()).filter(|_| !named && !elsewhere)
}

/// The scripts and lists that a command names, which people write and no build makes.
fn scripts(step: &commands::Step) -> Vec<String> {
    let written = |word: &&String| {
        [".sh", ".py", ".rb", ".pl", ".fish", ".txt"].iter().any(|end| word.ends_with(end)) && paths::plain(word)
    };
    let words: Vec<&String> = match step.program() {
        "chmod" | "sh" | "bash" | "python" | "python3" | "ruby" | "perl" => step.argv.iter().skip(1).collect(),
        "pip" | "pip3" => {
            let lists = step.argv.iter().zip(step.argv.iter().skip(1));
            lists
                .filter(|(option, _)| matches!(option.as_str(), "-r" | "--requirement"))
                .map(|(_, list)| list)
                .collect()
        }
        _ => step.argv.iter().take(1).filter(|program| program.contains('/')).collect(),
    };
    words.into_iter().filter(written).filter_map(|word| step.path(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_a_build_needs_of_the_context() {
        let needed = |text: &str| copied_manifests(&File::parse(text.as_bytes()).unwrap());
        let node = "FROM node\nWORKDIR /app\nRUN npm install -g npm\nCOPY . .\nRUN npm install pm2 -g && npm ci && npm run build\n";
        assert_eq!(needed(node), ["package.json"]);
        assert_eq!(
            needed("FROM golang\nWORKDIR /src\nADD . /src\nRUN go build -o /a . && make\n"),
            ["go.mod *.go", "Makefile makefile GNUmakefile"]
        );
        assert!(needed("FROM node\nCOPY . /app\nRUN npm ci\n").is_empty());
        let python = "FROM python\nCOPY . /app\nWORKDIR /app\nRUN pip install -r list/all.txt && chmod +x a.sh /b.sh\nENTRYPOINT [\"/app/c.sh\"]\n";
        assert_eq!(needed(python), ["list/all.txt", "a.sh", "c.sh"]);
        assert!(needed("FROM golang\nWORKDIR /src\nRUN make\nCOPY . .\nRUN make -C deps\n").is_empty());
    }

    #[test]
    fn the_shell_in_force_says_what_is_read_and_when_a_pipeline_fails() {
        let source = "FROM a\nRUN a | b\nSHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b\nSHELL [\"pwsh\"]\nRUN x\n\
                      SHELL [\"sh\", \"-c\"]\nRUN set -o pipefail; a | b\nRUN <<E\n#!/usr/bin/env python3\nE\n\
                      RUN <<E\n#!/bin/bash -e\na\nE\nRUN [\"a\"]\nCMD a ${\nFROM 0\nRUN a\n";
        let file = File::parse(source.as_bytes()).unwrap();
        let settings = Settings::default();
        let model = Model::new(&file, None, &settings);
        let runs = file.instructions.iter().enumerate().filter(|(_, one)| one.keyword != Keyword::Shell);
        let read: Vec<_> = runs.map(|(index, _)| (model.shell_form(index), model.pipefail(index))).skip(1).collect();
        use ShellForm::{Foreign, Opaque, Read};
        let expected = [
            (Some(Read), false),
            (Some(Read), true),
            (Some(Foreign), false),
            (Some(Read), true),
            (Some(Foreign), false),
            (Some(Read), false),
            (None, false),
            (Some(Opaque), false),
            (None, false),
            (Some(Read), false),
        ];
        assert_eq!(read, expected);
    }
}
