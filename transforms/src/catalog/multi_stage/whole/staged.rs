//! What is put among the files of the distribution, once more into a folder of its own, from where it is copied.

use crate::knowledge::images::Image;
use crate::knowledge::releases::Family;
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::File;

use super::super::plan::Carried;
use super::super::{runs, stores};
use super::{EMPTY, Whole, shown, told_elsewhere};

/// The folder.
pub(in crate::catalog::multi_stage) const STAGE: &str = "/install";

impl Whole<'_, '_, '_> {
    /// Has what lies in the folder copied over the system's files.
    pub(super) fn stage(&mut self, evidence: impl FnOnce() -> String) {
        if !self.carried.iter().any(|carried| carried.from == STAGE) {
            self.carried.push(Carried { from: STAGE.into(), to: "/".into(), owner: None, evidence: evidence() });
        }
    }

    /// Installs a second time into a folder of its own, where the project was configured by a tool that knows how.
    pub(super) fn staged(&mut self, step: &Step, prefixes: &[(String, stores::Prefix)]) -> Option<()> {
        let cwd = stores::place(step);
        // A tool that knows how puts DESTDIR before its prefix, whatever that is.
        let configured = prefixes.iter().any(|(folder, _)| folder == cwd || paths::within(cwd, folder))
            || cwd != "/"
                && self.survey.steps().any(|(_, other)| {
                    matches!(other.program(), "configure" | "cmake" | "meson") && stores::place(other) == cwd
                });
        if !step.always || !step.known {
            return None;
        }
        let span = step.span;
        let written = span.text(self.survey.model.file.source).trim();
        let words = if written.contains('\n') { step.argv.join(" ") } else { written.to_owned() };
        let text = match step.kind() {
            // PHP's Makefile calls the folder otherwise, and has `apxs` put the module where that likes.
            "make" if stores::is_php(cwd) => {
                if memchr::memmem::find(self.survey.model.file.source, b"apxs").is_some() {
                    return None;
                }
                format!(" && {words} INSTALL_ROOT={STAGE}")
            }
            // A Makefile that is told the prefix on the command line is told another.
            "make" => match told_elsewhere(step, STAGE) {
                Some(words) => format!(" && {words}"),
                None if configured => format!(" && {words} DESTDIR={STAGE}"),
                None => return None,
            },
            _ if !configured => return None,
            "ninja" | "cmake" if matches!(step.program(), "ninja" | "cmake" | "meson") => {
                format!(" && DESTDIR={STAGE} {words}")
            }
            _ => return None,
        };
        let end = span.end as usize;
        let source = self.survey.model.file.source;
        // Only behind the plain words of the command: not inside quotes, not through a wrapper's own quoting.
        let plain = span.text(source).trim_end().ends_with(step.argv.last()?.as_str());
        if !plain || self.inserts.iter().any(|(at, _)| *at == end) {
            return None;
        }
        self.inserts.push((end, text));
        self.unfolded = true;
        self.stage(|| {
            format!("`{}` installs among the distribution's files: once more into a folder of its own", shown(step))
        });
        if self.glibc() {
            self.finish.push("ldconfig".into());
        }
        if let Some(work) = self.work.iter_mut().find(|work| paths::within(cwd, &work.path)) {
            work.installed = true;
            work.from = cwd.to_owned();
        }
        Some(())
    }

    /// Copies files that a pattern names, on their way among those of the system, into a folder of their own as well.
    pub(super) fn staged_files(&mut self, step: &Step, written: &[String]) -> bool {
        let [to] = written else { return false };
        // On most distributions the other folders, as `/lib`, are links by now.
        let family = self.image.as_ref().and_then(Image::family);
        let place = paths::within(to, "/usr") || to == "/etc" || family == Some(Family::Alpine) && to != "/";
        let shared = Words::SystemFolders.has(to.as_str()) && !EMPTY.contains(&to.as_str());
        let mut operands: Vec<&str> =
            step.args().iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
        operands.pop();
        let plain =
            |operand: &&str| operand.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-*?+".contains(&byte));
        let source = self.survey.model.file.source;
        let written_out = operands.iter().all(|operand| step.span.text(source).contains(operand));
        let start = step.span.start as usize;
        // What is said of one of them by its name would be said where it is not there.
        let touched = self.survey.steps().any(|(_, other)| {
            matches!(effects::of(other), Effect::Files(touched) if touched.iter().any(|path| paths::parent(path) == to))
        });
        if !matches!(step.program(), "cp" | "mv")
            || touched
            || !place
            || !shared
            || !step.always
            || operands.is_empty()
            || !operands.iter().all(plain)
            || !operands.iter().any(|operand| operand.contains(['*', '?']))
            || !written_out
            || step.args().iter().any(|arg| matches!(arg.as_str(), "-t" | "--target-directory"))
            || self.inserts.iter().any(|(at, _)| *at == start)
        {
            return false;
        }
        let text = format!("mkdir -p {STAGE}{to} && cp -a {} {STAGE}{to}/ && ", operands.join(" "));
        self.inserts.push((start, text));
        self.unfolded |= !paths::within(to, "/usr") && to != "/etc";
        self.stage(|| format!("`{}` puts it among the files of the system", shown(step)));
        if self.glibc() && to.contains("/lib") {
            self.finish.push("ldconfig".into());
        }
        self.unpacked.push(step.span);
        true
    }

    /// Installs Python's packages a second time, into a folder of its own, where they lie among the distribution's.
    pub(super) fn staged_modules(&mut self, step: &Step) -> Option<()> {
        let pip = step.program().starts_with("pip") && step.kind() == "python"
            || step.starts_module(|module| module == "pip");
        // `python setup.py install`: pip knows how to put the same elsewhere.
        let setup = matches!(step.args(), [script, verb] if script == "setup.py" && verb == "install")
            && self.survey.steps().any(|(_, step)| step.kind() == "python");
        let at = step.argv.iter().position(|word| word == "install")?;
        let elsewhere = ["--root", "--target", "--prefix", "--user", "-t", "-e", "--editable"];
        let plain =
            step.argv.iter().all(|word| !elsewhere.iter().any(|option| word.split('=').next() == Some(*option)));
        let source = self.survey.model.file.source;
        let text = step.span.text(source);
        let end = step.span.end as usize;
        // A command that reads variables is repeated as it is written.
        let written: Vec<&str> = text.split_ascii_whitespace().collect();
        let alike = step.argv.iter().zip(&written).all(|(word, raw)| word == raw || raw.contains('$'));
        let reads =
            text.contains('$') && !text.contains(['\n', '\\', '`', '(']) && written.len() == step.argv.len() && alike;
        let bare = text.trim_end().trim_end_matches(['\'', '"']);
        let whole = (bare.ends_with(step.argv.last()?.as_str()) || reads && !text.contains(['\'', '"']))
            && !text.contains([';', '|', '`']);
        if !(pip || setup)
            || !plain
            || !whole
            || !step.always
            || !step.known
            || self.inserts.iter().any(|(place, _)| *place == end)
        {
            return None;
        }
        // With pip itself nothing runs.
        let mut named = step.operands().skip_while(|word| *word != "install").skip(1).peekable();
        if named.peek().is_some() && named.all(|word| matches!(word.split("==").next(), Some("pip" | "wheel"))) {
            return Some(());
        }
        let root = format!("--root={STAGE}");
        // Where nothing is built with the modules, they are needed in that folder alone.
        if !setup
            && self.is_last(step)
            && let Some(word) = text.find(" install ")
        {
            let behind = step.span.start as usize + word + " install".len();
            self.inserts.push((behind, format!(" {root} --ignore-installed")));
            self.stage(|| format!("`{}` installs into a folder of its own", shown(step)));
            return Some(());
        }
        let mut words: Vec<&str> = if reads { written } else { step.argv.iter().map(String::as_str).collect() };
        if setup {
            words = vec![step.argv.first()?, "-m", "pip", "install", "."];
        }
        let at = if setup { 3 } else { at };
        words.insert(at + 1, "--ignore-installed");
        words.insert(at + 1, &root);
        let again: Vec<String> =
            words.into_iter().map(|word| if reads { word.to_owned() } else { runs::quoted(word) }).collect();
        self.inserts.push((end, format!(" && {}", again.join(" "))));
        self.stage(|| {
            format!("`{}` installs among the distribution's files: once more into a folder of its own", shown(step))
        });
        Some(())
    }

    /// Whether nothing behind a command is built, in the builder, that could need what it installs.
    fn is_last(&self, step: &Step) -> bool {
        let behind = self.survey.steps().skip_while(|(_, other)| other.span != step.span).skip(1);
        behind.take_while(|(at, _)| *at <= self.last_build).all(|(_, other)| {
            other.outputs.is_empty()
                && matches!(
                    effects::of(other),
                    Effect::Install(_)
                        | Effect::Remove(_)
                        | Effect::Lists
                        | Effect::Files(_)
                        | Effect::User
                        | Effect::Configure
                        | Effect::Nothing
                )
        })
    }
}

/// What moves the folders of it that are links in the system to where these point, on most distributions `/lib` and
/// `/var/run`: no folder can be copied over a link.
pub(super) fn folded(file: &File<'_>) -> String {
    let next = format!(" {}{}    ", char::from(file.escape), file.eol.text());
    format!(
        "find {STAGE} -depth -type d | while read -r folder; do{next}    link=${{folder#{STAGE}}};{next}    \
         if [ -L \"$link\" ]; then{next}        to={STAGE}$(readlink -f \"$link\"){next}        \
         && mkdir -p \"$to\" && cp -a \"$folder/.\" \"$to\" && rm -r \"$folder\";{next}    fi;{next}done"
    )
}
