//! The command of the entry that compiles: where it stands, what stands around it, and how it is written anew.

use crate::edit::{Edit, EditSet};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::{Model, Stage, entry};
use crate::span::Span;
use crate::syntax::shell::{self, Command, Item, Node, Operator, Script};
use crate::syntax::{Form, Logical};
use crate::transform::Refusal;

use super::project::{Ahead, quote};
use super::refuse;

/// A command that runs when a container starts.
pub(super) struct Start<'m> {
    /// The ENTRYPOINT or CMD that it stands in.
    pub(super) index: usize,
    /// The command.
    pub(super) step: Step,
    /// Every command of that instruction.
    steps: &'m [Step],
    /// Why the entry can't be written anew, where it can't.
    obstacle: Option<&'static str>,
}

/// The entry, written anew.
pub(super) struct Written {
    pub(super) edits: Vec<Edit>,
    /// Commands of the entry that prepare what is compiled, and go where it is compiled now.
    pub(super) moved: Vec<String>,
}

/// Every command that CMD and ENTRYPOINT of the stage itself start.
pub(super) fn commands<'m>(model: &'m Model<'_>, stage: &Stage) -> Vec<Start<'m>> {
    let entry = entry::of(model, stage);
    if !entry.known {
        return Vec::new();
    }
    let exec =
        |index: usize| model.instruction(index).is_some_and(|instruction| matches!(instruction.form, Form::Json(_)));
    let both = entry.entrypoint.zip(entry.cmd);
    // Only the exec form hands CMD to ENTRYPOINT.
    let cmd = entry.cmd.filter(|_| entry.entrypoint.is_none_or(exec));
    let cwd = model.final_workdir(stage);
    let mut found = Vec::new();
    for index in entry.entrypoint.into_iter().chain(cmd) {
        let steps = model.steps(index).unwrap_or_default();
        let obstacle = both.filter(|(entrypoint, cmd)| *entrypoint == index && exec(index) && !exec(*cmd));
        for step in steps {
            let mut step = step.clone();
            // What starts runs in the last working directory, wherever CMD stands.
            if step.cwd.as_deref() == model.workdir(index) {
                step.cwd = cwd.map(str::to_owned);
            }
            let obstacle = obstacle.map(|_| "CMD is in shell form, which ENTRYPOINT gets as the words of a shell");
            found.push(Start { index, step, steps, obstacle });
        }
    }
    // `ENTRYPOINT ["go"]` and `CMD ["run", "."]` are one command.
    if let Some((entrypoint, cmd)) = both.filter(|(entrypoint, cmd)| exec(*entrypoint) && exec(*cmd))
        && let [first, ..] = entry.steps.as_slice()
        && model.steps(entrypoint).is_some_and(|steps| steps.iter().all(|step| step.argv.len() == 1))
    {
        let obstacle = Some("the words of the command are split over ENTRYPOINT and CMD");
        found.push(Start { index: cmd, step: first.clone(), steps: &[], obstacle });
    }
    found
}

impl Start<'_> {
    /// The command, shortened.
    pub(super) fn shown(&self) -> String {
        super::short(&self.step.argv.join(" "))
    }

    /// The entry with what `ahead` starts in the place of the command.
    pub(super) fn rewrite(&self, model: &Model<'_>, ahead: &Ahead) -> Result<Written, Refusal> {
        if let Some(text) = self.obstacle {
            return Err(entangled(text));
        }
        let source = model.file.source;
        let instruction = model.instruction(self.index).ok_or_else(|| entangled("it is not there"))?;
        let Form::Json(words) = &instruction.form else {
            let script = model.script(self.index).ok_or_else(|| entangled("its script can't be read"))?;
            let text = |span: Span| span.text(source).to_owned();
            return self.in_script(script, ahead, &text);
        };
        let skip = words.len().checked_sub(self.step.argv.len());
        let same = |skip: &usize| words.iter().skip(*skip).map(|(word, _)| word).eq(&self.step.argv);
        if let Some(skip) = skip.filter(same) {
            let own = words.get(skip..skip + ahead.rest).unwrap_or_default();
            let (Some((_, first)), Some((_, last))) = (own.first(), own.last()) else {
                return Err(entangled("its words can't be told apart"));
            };
            let airy = words.windows(2).all(|pair| match pair {
                [(_, one), (_, two)] => Span { start: one.end, end: two.start }.text(source).ends_with(' '),
                _ => true,
            });
            let comma = if airy { ", " } else { "," };
            let text: Vec<String> = ahead.start.iter().map(|word| json(word)).collect();
            let edits = vec![Edit::replace(first.to(*last), text.join(comma))];
            return Ok(Written { edits, moved: Vec::new() });
        }
        // `["sh", "-c", "script"]`: the script is a word of the array.
        let inline = words.iter().find_map(|(word, span)| {
            let script = shell::parse_alone(word)?;
            script.list().iter().any(|item| find(&item.node, self.step.span).is_some()).then_some((word, span))
        });
        let Some((word, span)) = inline else { return Err(entangled("its words can't be told apart")) };
        let logical = Logical { text: word.as_str().into(), runs: vec![(0, 0)] };
        let script = shell::parse(&logical).ok_or_else(|| entangled("its script can't be read"))?;
        let text = |span: Span| span.text(word.as_bytes()).to_owned();
        let Written { edits, moved } = self.in_script(&script, ahead, &text)?;
        let edits = EditSet::new(edits).map_err(|_| entangled("its words can't be told apart"))?;
        let after = String::from_utf8_lossy(&edits.apply(word.as_bytes())).into_owned();
        Ok(Written { edits: vec![Edit::replace(*span, json(&after))], moved })
    }

    /// The edits of a script, at the places that its spans name; `text` answers what stands at a span.
    fn in_script(&self, script: &Script<'_>, ahead: &Ahead, text: &dyn Fn(Span) -> String) -> Result<Written, Refusal> {
        let items = script.list();
        let found = items.get(self.step.item).and_then(|item| find(&item.node, self.step.span));
        let (Some(command), true) = (found, self.step.always) else {
            return Err(entangled("it stands inside of other commands"));
        };
        let edit = self.command(command, ahead)?;
        let moved = self.moved(items, ahead)?;
        let mut edits = vec![edit];
        edits.extend(moved.iter().map(|(gone, _)| Edit::delete(*gone)));
        Ok(Written { edits, moved: moved.into_iter().map(|(_, span)| text(span)).collect() })
    }

    /// The words of the tool, up to the arguments of the program, become what starts the program.
    fn command(&self, command: &Command<'_>, ahead: &Ahead) -> Result<Edit, Refusal> {
        let apart = || entangled("its words can't be told apart");
        let skip = command.words.len().checked_sub(self.step.argv.len()).ok_or_else(apart)?;
        let own = command.words.get(skip..skip + ahead.rest).ok_or_else(apart)?;
        for (word, value) in own.iter().zip(&self.step.argv) {
            match word.literal() {
                Some(literal) if literal == value.as_str() => {}
                Some(_) => return Err(apart()),
                None => {
                    let text = format!(
                        "what is compiled depends on {}, which has its value when the container starts",
                        word.raw
                    );
                    return Err(refuse("unknown-at-build", text, false));
                }
            }
        }
        let (Some(first), Some(last)) = (own.first(), own.last()) else { return Err(apart()) };
        let span = first.span.to(last.span);
        if command.redirects.iter().any(|redirect| span.contains(redirect.span)) {
            return Err(apart());
        }
        // What is set for the tool is read by the tool.
        if let Some(variable) = self
            .step
            .assignments
            .iter()
            .find(|variable| Words::ToolVariables.list().iter().any(|name| variable.starts_with(name)))
        {
            let text = format!("{variable} is set at the start, for the compiler or for the program");
            return Err(entangled(&text));
        }
        let words: Vec<String> = ahead.start.iter().map(|word| quote(word)).collect();
        Ok(Edit::replace(span, words.join(" ")))
    }

    /// The commands before it that prepare what it compiles: what goes with each, and the command alone.
    fn moved(&self, items: &[Item<'_>], ahead: &Ahead) -> Result<Vec<(Span, Span)>, Refusal> {
        let mut moved = Vec::new();
        let mut stays: Option<&Step> = None;
        for step in self.steps.iter().filter(|step| step.span != self.step.span || step.item != self.step.item) {
            let shown = step.argv.join(" ");
            if step.item > self.step.item || !(ahead.prepares)(step) {
                if needs_toolchain(step) {
                    return Err(entangled(&format!("`{shown}` needs the toolchain too")));
                }
                let quiet = matches!(step.program(), "cd" | "echo" | "export" | "set" | "sleep" | "wait" | "");
                if step.item < self.step.item && !quiet {
                    stays = Some(step);
                }
                continue;
            }
            if let Some(other) = stays {
                return Err(entangled(&format!("`{shown}` comes after `{}`, and may need it", other.argv.join(" "))));
            }
            let plain = |item: &Item<'_>| matches!(item.operator, Operator::And | Operator::Then);
            let before = items.get(..=step.item).unwrap_or_default();
            let next = items.get(step.item + 1);
            let (Some(item), Some(next)) = (items.get(step.item), next) else {
                return Err(entangled(&format!("`{shown}` can't be told apart")));
            };
            let alone = matches!(&item.node, Node::Command(command) if command.span == step.span);
            if !alone || !step.known || !before.iter().all(plain) {
                return Err(entangled(&format!("`{shown}` can't be taken away from what stands around it")));
            }
            moved.push((Span { start: item.span.start, end: next.span.start }, item.span));
        }
        Ok(moved)
    }
}

/// Whether a command that stays at the start needs what the image was built with.
fn needs_toolchain(step: &Step) -> bool {
    let verb = step.subcommand().unwrap_or_default();
    match step.kind() {
        // Its relatives are programs of their own.
        "rust" => matches!(step.program(), "cargo" | "rustc" | "rustup" | "cross" | "trunk" | "wasm-pack"),
        "make" | "ninja" | "cmake" | "jvm" | "go" | "haskell" | "swift" | "compile" => true,
        "dotnet" => !verb.ends_with(".dll"),
        _ => false,
    }
}

/// The command with these bytes.
fn find<'i, 't>(node: &'i Node<'t>, span: Span) -> Option<&'i Command<'t>> {
    match node {
        Node::Command(command) => (command.span == span).then_some(command),
        Node::Pipeline(nodes) => nodes.iter().find_map(|node| find(node, span)),
        Node::Compound(_) | Node::Test(_) => None,
    }
}

/// A word of the exec form.
fn json(word: &str) -> String {
    serde_json::to_string(word).unwrap_or_default()
}

/// The refusal where the command can't be taken out of what stands around it.
fn entangled(why: &str) -> Refusal {
    refuse("entangled-start", format!("the command can't be replaced where it stands: {why}"), false)
}
