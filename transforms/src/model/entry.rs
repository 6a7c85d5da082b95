//! What runs when a container of a stage starts.

use super::commands::{self, Step, steps_in};
use super::{Model, Stage, paths};
use crate::knowledge::wrappers;
use crate::settings::Start;
use crate::syntax::{Form, Keyword, shell};

/// ENTRYPOINT and CMD of a stage, put together as Docker does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The instruction that sets ENTRYPOINT.
    pub entrypoint: Option<usize>,
    /// The instruction that sets CMD.
    pub cmd: Option<usize>,
    /// The commands that run, wrappers taken off. For ENTRYPOINT and CMD in exec form, one command of both.
    pub steps: Vec<Step>,
    /// Whether a shell is needed to start.
    pub shell: bool,
    /// Whether what runs could be read.
    pub known: bool,
}

impl Entry {
    /// Whether the stage starts anything of its own.
    pub fn is_empty(&self) -> bool {
        self.entrypoint.is_none() && self.cmd.is_none()
    }
}

/// What a stage starts. An ENTRYPOINT or CMD of the stage that it stands on counts where it sets none.
pub fn of<'m>(model: &Model<'_>, stage: &'m Stage) -> &'m Entry {
    stage.entry.get_or_init(|| read(model, stage))
}

/// Reads what a stage starts.
fn read(model: &Model<'_>, stage: &Stage) -> Entry {
    let mut entrypoint = None;
    let mut cmd = None;
    for (index, instruction) in model.body(stage) {
        match instruction.keyword {
            // A new ENTRYPOINT does not clear a CMD of the same file; only the base image's one.
            Keyword::Entrypoint => entrypoint = Some(index),
            Keyword::Cmd => cmd = Some(index),
            _ => {}
        }
    }
    let mut entry = Entry { entrypoint, cmd, known: true, ..Entry::default() };
    let cwd = model.final_workdir(stage).map(str::to_owned);
    // What starts runs in the last working directory, wherever CMD stands.
    let in_last_folder = |steps: &mut Vec<Step>, index: usize| {
        for step in steps.iter_mut().filter(|step| step.cwd.as_deref() == model.workdir(index)) {
            step.cwd.clone_from(&cwd);
        }
    };
    let read = |index: Option<usize>| -> Option<(Vec<Step>, bool)> {
        let index = index?;
        let instruction = model.instruction(index)?;
        let exec = matches!(instruction.form, Form::Json(_));
        let mut steps = model.steps(index)?.to_vec();
        in_last_folder(&mut steps, index);
        let shell = !exec;
        Some((steps, shell))
    };
    let (first, second) = (read(entrypoint), read(cmd));
    if (entrypoint.is_some() && first.is_none()) || (cmd.is_some() && second.is_none()) {
        entry.known = false;
        return entry;
    }
    let (first, first_shell) = first.unwrap_or_default();
    let (second, second_shell) = second.unwrap_or_default();
    // `ENTRYPOINT ["sh", "-c"]`: the script is what CMD says.
    let script = || {
        let ([shell], [only]) = (first.as_slice(), second.as_slice()) else { return None };
        let argv: Vec<String> = shell.argv.iter().chain(&only.argv).cloned().collect();
        let mut steps = commands::inlined(model, cmd?, &argv).filter(|_| only.argv.len() == 1)?;
        in_last_folder(&mut steps, cmd?);
        Some(steps)
    };
    let script = if first_shell || second_shell { None } else { script() };
    entry.shell = if entrypoint.is_some() { first_shell } else { second_shell };
    entry.steps = match (entrypoint, first_shell) {
        _ if script.is_some() => script.unwrap_or_default(),
        (None, _) => second,
        _ if first.is_empty() => second,
        // A shell-form ENTRYPOINT ignores CMD.
        (Some(_), true) => first,
        (Some(_), false) => joined(first, second, second_shell),
    };
    let started = behind(&entry.steps);
    entry.steps.extend(started);
    entry
}

/// The commands that run where somebody else says what starts; `None` where that is nothing to learn from: nothing is
/// said, it can't be read, the image heeds no command, or the container is only kept alive.
pub fn instead(model: &Model<'_>, stage: &Stage, start: &Start) -> Option<Vec<Step>> {
    // Shells to work in, and what waits for somebody who comes with one.
    const IDLE: [&str; 9] = ["sh", "bash", "ash", "zsh", "tail", "sleep", "cat", "true", "watch"];
    if start.entrypoint.is_none() && start.command.is_none() {
        return None;
    }
    let own = of(model, stage);
    let workdir = start.workdir.as_deref().or_else(|| model.final_workdir(stage));
    let read = |text: &str| alone(model, stage, text, workdir);
    let command = match start.command.as_deref() {
        Some(text) => read(text)?,
        None => Vec::new(),
    };
    let steps = match (&start.entrypoint, own.entrypoint.and_then(|index| model.instruction(index))) {
        (Some(text), _) => joined(read(text)?, command, false),
        (None, Some(instruction)) if matches!(instruction.form, Form::Json(_)) => {
            joined(model.steps(own.entrypoint?)?.to_vec(), command, false)
        }
        (None, Some(_)) => return None,
        (None, None) => command,
    };
    let behind = behind(&steps);
    let steps: Vec<Step> = steps.into_iter().chain(behind).collect();
    let idle = steps.iter().all(|step| step.program().is_empty() || IDLE.contains(&step.program()));
    (!idle).then_some(steps)
}

/// The commands that ask whether a container of the stage is well: those of the file, and of who else uses the image.
pub fn checks(model: &Model<'_>, stage: &Stage) -> Vec<Step> {
    let own = model.body(stage).filter(|(_, instruction)| instruction.keyword == Keyword::Healthcheck);
    let own = own.filter_map(|(index, _)| model.steps(index)).flatten().cloned();
    let others = model.settings.starts.iter().filter(|start| start.is_of(stage.name.as_deref()));
    let others =
        others.filter_map(|start| alone(model, stage, start.check.as_deref()?, model.final_workdir(stage))).flatten();
    own.chain(others).collect()
}

/// The commands of a text that stands in no file of Docker's, and runs in a container of the stage.
fn alone(model: &Model<'_>, stage: &Stage, text: &str, workdir: Option<&str>) -> Option<Vec<Step>> {
    let own = of(model, stage);
    let at = own.cmd.or(own.entrypoint).unwrap_or(stage.from);
    let span = model.instruction(at)?.span;
    let script = model.afford(text).then(|| shell::parse_alone(text)).flatten()?;
    let mut steps = steps_in(model, at, &script, workdir.map(str::to_owned));
    // They stand in no line of the file; the start that they belong to does.
    steps.iter_mut().for_each(|step| step.span = span);
    Some(steps)
}

/// The commands of an ENTRYPOINT in exec form with a CMD, which is in shell form or not.
fn joined(mut first: Vec<Step>, second: Vec<Step>, shell: bool) -> Vec<Step> {
    // Everything of CMD becomes arguments of ENTRYPOINT. An entrypoint that is a shell script usually ends in
    // `exec "$@"`, so what CMD names runs too.
    let script = first.first().is_some_and(|step| {
        let program = step.program();
        program.ends_with(".sh")
            || matches!(program, "tini" | "dumb-init" | "sh" | "bash" | "catchsegv")
            || shell && wrappers::is_known(program)
    });
    if let (Some(step), [only]) = (first.first_mut(), second.as_slice())
        && !shell
    {
        // `ENTRYPOINT ["/usr/bin/env"]` only looks up what CMD names.
        let own = if step.program() == "env" && step.args().is_empty() { &[][..] } else { &step.argv[..] };
        let argv = own.iter().chain(&only.argv).cloned().collect();
        *step = step.with_argv(argv);
    }
    if script {
        first.extend(second);
    }
    first
}

/// What the commands of a start start themselves.
fn behind(steps: &[Step]) -> Vec<Step> {
    let mut started = Vec::new();
    // Down to the last of them: `tini -- dockerize -wait tcp://db:5432 program`.
    const DEEPEST: usize = 4;
    for step in steps {
        let mut at = step.argv.as_slice();
        for _ in 0..DEEPEST {
            let Some((program, args)) = at.split_first() else { break };
            let Some(rest) = wrappers::started(paths::name(program), args) else { break };
            started.push(step.with_argv(rest.to_vec()));
            at = rest;
        }
    }
    // `CMD ['crond', '-f']` is no JSON, so a shell gets it, which knows no program of such a name. What it means is said all
    // the same.
    for step in steps {
        let first = step.argv.first().map_or("", String::as_str);
        let list = first.starts_with('[') && !matches!(first, "[" | "[[") && !first.contains(['$', '*', '?']);
        let text = if list { step.argv.join(" ") } else { continue };
        let words = text.trim_start_matches('[').split(']').next().unwrap_or_default().split(',');
        let quotes =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}');
        let meant: Vec<String> = words.map(|word| word.trim_matches(quotes).to_owned()).collect();
        if meant.first().is_some_and(|program| !program.is_empty()) {
            started.push(step.with_argv(meant));
        }
    }
    // `elixir --name x -S mix phx.server` looks the script up in PATH.
    for step in steps {
        let mut rest = step.args().iter().skip_while(|arg| *arg != "-S").skip(1);
        if matches!(step.program(), "elixir" | "iex") && rest.clone().next().is_some() {
            started.push(step.with_argv(rest.by_ref().cloned().collect()));
        }
    }
    started
}

/// A program that an entry names, as a path where it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// An absolute path.
    Path(String),
    /// A name that is looked up in PATH.
    Name(String),
}

/// The program of a command.
pub fn program(step: &Step) -> Option<Program> {
    let first = step.argv.first()?;
    if first.contains('/') {
        return step.path(first).map(Program::Path);
    }
    Some(Program::Name(first.clone()))
}

/// The absolute paths that the arguments of the entry name inside `folder`.
pub fn named_paths(entry: &Entry, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for step in &entry.steps {
        for arg in step.args() {
            let value = arg.rsplit('=').next().unwrap_or(arg);
            if !value.is_empty()
                && !value.starts_with('-')
                && let Some(path) = step.path(value)
                && paths::within(&path, folder)
                && !found.contains(&path)
            {
                found.push(path);
            }
        }
    }
    found
}
