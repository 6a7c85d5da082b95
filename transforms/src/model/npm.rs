//! What `npm start` and its like run: the scripts of `package.json`, followed to the programs behind them.

use std::borrow::Cow;

use super::commands::{self, Step};
use super::{Model, paths};
use crate::syntax::shell;

/// Scripts that call scripts are followed so deep.
const MAX_DEPTH: usize = 4;

/// More commands than this are not looked at.
const MAX_STEPS: usize = 64;

/// Programs that install packages and run scripts.
fn is_manager(program: &str) -> bool {
    matches!(program, "npm" | "pnpm" | "yarn" | "yarnpkg" | "bun")
}

/// A command of npm, pnpm, Yarn or Bun, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The folder of the project; `None` where it can't be told.
    pub folder: Option<String>,
    /// The member of a workspace that is meant, as it is named or by its folder, with the folder of the workspace.
    pub member: Option<(String, String)>,
    /// The words behind the options: the subcommand, and what follows it.
    pub words: Vec<String>,
}

impl Call {
    /// Reads a command; `None` where it is none of these programs.
    pub fn of(step: &Step) -> Option<Self> {
        if !is_manager(step.program()) {
            return None;
        }
        let mut folder = step.cwd.clone();
        let mut words: Vec<String> = Vec::new();
        let mut member = None;
        let mut args = step.args().iter();
        while let Some(arg) = args.next() {
            let (option, value) = match arg.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            // npm takes the member behind the name of the script as well.
            let last = step.program() == "npm"
                && matches!(option, "--workspace" | "-w")
                && !words.iter().any(|word| word == "--");
            if !words.is_empty() && arg != "--prefix" && !last {
                words.push(arg.clone());
            } else if matches!(option, "--prefix" | "-C" | "--cwd" | "--dir") {
                let value = value.or_else(|| args.next().cloned());
                folder = value.and_then(|value| step.path(&value));
            } else if matches!(option, "--filter" | "-F" | "--workspace" | "-w") {
                let named = value.or_else(|| args.next().cloned());
                member = named.zip(folder.take());
            } else if !arg.starts_with('-') {
                words.push(arg.clone());
            }
        }
        // `yarn workspace web dev`
        if let [first, named, ..] = words.as_slice()
            && first == "workspace"
        {
            member = Some(named.clone()).zip(folder.take());
            words.drain(..2);
        }
        Some(Self { folder, member, words })
    }

    /// The name of the script that it runs, with the arguments for that; `None` where it does something else.
    pub fn script(&self, program: &str) -> Option<(&str, &[String])> {
        let (first, rest) = self.words.split_first()?;
        match first.as_str() {
            "run" | "run-script" => rest.split_first().map(|(name, rest)| (name.as_str(), rest)),
            "start" | "test" | "stop" | "restart" => Some((first, rest)),
            // Yarn, pnpm and Bun run a script, or a program, without a word of their own.
            _ if program != "npm" && !first.starts_with('-') => Some((first, rest)),
            _ => None,
        }
    }

    /// Whether it installs what the manifest names.
    pub fn installs(&self, program: &str) -> bool {
        match self.words.first().map(String::as_str) {
            None => matches!(program, "yarn" | "yarnpkg"),
            Some(verb) => matches!(verb, "install" | "i" | "ci" | "add" | "update" | "upgrade" | "clean-install"),
        }
    }
}

/// The programs that run behind `step`, as far as the manifests show them: `step` itself, where it runs no script.
///
/// `read` answers the content of a file of the image.
pub fn behind<'r>(
    model: &Model<'_>,
    index: usize,
    step: &Step,
    read: &dyn Fn(&str) -> Option<Cow<'r, [u8]>>,
) -> Vec<Step> {
    let mut walk = Walk { model, index, read, found: Vec::new() };
    walk.follow(step, 0);
    walk.found
}

struct Walk<'w, 'r, 'a> {
    model: &'w Model<'a>,
    index: usize,
    read: &'w dyn Fn(&str) -> Option<Cow<'r, [u8]>>,
    found: Vec<Step>,
}

impl Walk<'_, '_, '_> {
    fn follow(&mut self, step: &Step, depth: usize) {
        if self.found.len() >= MAX_STEPS {
            return;
        }
        let program = step.program();
        let rest = |skip: &dyn Fn(&str) -> bool| -> Vec<String> {
            let args = step.args();
            match args.iter().position(|arg| arg == "--") {
                Some(at) => args.get(at + 1..).unwrap_or_default().to_vec(),
                None => args.iter().skip_while(|arg| arg.starts_with('-') || skip(arg)).cloned().collect(),
            }
        };
        let next = match program {
            _ if depth >= MAX_DEPTH => Vec::new(),
            "npx" | "bunx" | "pnpx" => rest(&|_| false),
            "cross-env" | "cross-env-shell" | "dotenv" | "env-cmd" => rest(&|arg| arg.contains('=')),
            "node" => {
                let at = step.args().iter().position(|arg| arg.contains("node_modules/"));
                at.and_then(|at| step.args().get(at..)).map(<[String]>::to_vec).unwrap_or_default()
            }
            "concurrently" | "npm-run-all" | "npm-run-all2" | "run-s" | "run-p" => {
                for word in step.args().iter().filter(|arg| !arg.starts_with('-')) {
                    let name = word.strip_prefix("npm:").or((program != "concurrently").then_some(word));
                    match name {
                        Some(name) => drop(self.scripts(step.cwd.as_deref(), name, &[], depth + 1)),
                        None => self.text(word, step.cwd.as_deref(), &[], depth + 1),
                    }
                }
                return;
            }
            _ if is_manager(program) => {
                let Some(call) = Call::of(step) else { return };
                match call.words.split_first() {
                    Some((verb, words)) if matches!(verb.as_str(), "exec" | "x" | "dlx") => {
                        let words = words.iter().skip_while(|word| word.starts_with('-'));
                        words.cloned().collect()
                    }
                    _ => {
                        if let Some((name, rest)) = call.script(program) {
                            let member = || self.member(call.member.as_ref()?);
                            if self.scripts(call.folder.clone().or_else(member).as_deref(), name, rest, depth + 1) {
                                return;
                            }
                            // `yarn vite` runs a program of a dependency.
                            if program != "npm"
                                && !matches!(name, "start" | "install" | "add")
                                && !call.installs(program)
                            {
                                let step = step.with_argv(call.words.clone());
                                self.follow(&step, MAX_DEPTH);
                                return;
                            }
                        }
                        Vec::new()
                    }
                }
            }
            _ => Vec::new(),
        };
        if next.is_empty() {
            self.found.push(step.clone());
        } else {
            self.follow(&step.with_argv(next), depth + 1);
        }
    }

    /// The folder of a member of a workspace: where it is named by its folder, or the one whose manifest has the name.
    fn member(&self, (named, root): &(String, String)) -> Option<String> {
        // `web...` is the member with all that it needs.
        let named = named.trim_matches(['{', '}']).trim_start_matches("...").trim_end_matches("...");
        let called = |folder: &str| {
            let manifest = (self.read)(&paths::join(folder, "package.json"))?;
            let manifest: serde_json::Value = serde_json::from_str(&crate::context::text(&manifest)).ok()?;
            Some(manifest.get("name")?.as_str()? == named)
        };
        if !named.starts_with('@') && named.contains('/') {
            return Some(paths::join(root, named));
        }
        let manifests = self.model.context?.files().iter().filter_map(|file| file.strip_suffix("/package.json"));
        for folder in manifests.filter(|folder| !folder.contains("node_modules")) {
            // The workspace may lie deeper in the build context than in the image.
            let parts: Vec<&str> = folder.split('/').collect();
            for skipped in 0..parts.len() {
                let inside = paths::join(root, &parts.get(skipped..).unwrap_or_default().join("/"));
                if called(&inside) == Some(true) {
                    return Some(inside);
                }
            }
        }
        None
    }

    /// Follows the scripts of this name, or with a star in it of these names; whether there is one.
    fn scripts(&mut self, folder: Option<&str>, name: &str, rest: &[String], depth: usize) -> bool {
        let Some(folder) = folder else { return false };
        let Some(manifest) = (self.read)(&paths::join(folder, "package.json")) else { return false };
        let Ok(manifest) = serde_json::from_str::<serde_json::Value>(&crate::context::text(&manifest)) else {
            return false;
        };
        let Some(scripts) = manifest.get("scripts").and_then(serde_json::Value::as_object) else { return false };
        let hooks = [format!("pre{name}"), name.to_owned(), format!("post{name}")];
        let mut known = false;
        for (key, text) in scripts {
            let called = match name.split_once('*') {
                Some((head, _)) => key.starts_with(head),
                None => hooks.contains(key),
            };
            if let Some(text) = text.as_str().filter(|_| called) {
                known |= key == name || name.contains('*');
                let rest = if key == name { rest } else { &[] };
                self.text(text, Some(folder), rest, depth);
            }
        }
        known
    }

    /// Follows the commands of a script's text; `rest` goes to the last of them.
    fn text(&mut self, text: &str, folder: Option<&str>, rest: &[String], depth: usize) {
        let Some(script) = self.model.afford(text).then(|| shell::parse_alone(text)).flatten() else { return };
        let mut steps = commands::steps_in(self.model, self.index, &script, folder.map(str::to_owned));
        if let Some(last) = steps.last_mut() {
            let words = last.argv.iter().chain(rest.iter().filter(|word| *word != "--"));
            *last = last.with_argv(words.cloned().collect());
        }
        for step in &steps {
            self.follow(step, depth);
        }
    }
}
