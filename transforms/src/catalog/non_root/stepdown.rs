//! A start that steps down by itself, in ENTRYPOINT or CMD: `su-exec app server`, `su app -c "server"`. Nothing of it runs as
//! root but the tool, so USER can say the name, and the tool goes.

use crate::edit::Edit;
use crate::model::paths;
use crate::span::Span;
use crate::syntax::shell::{Command, Node};
use crate::syntax::{Form, Keyword};

use super::images::Start;
use super::survey::Survey;
use super::{owns, who};

/// What takes the place of the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepDown {
    /// The user, with a group where the tool is told one.
    pub(super) user: String,
    /// The tool, as it is called.
    pub(super) tool: String,
    /// What makes the call of the tool into that of the program.
    pub(super) edits: Vec<Edit>,
}

/// The way from the tool to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    /// The words from this one on are the program and its arguments.
    Program(usize),
    /// This word is a script, for the shell that is named where it is not the usual one.
    Script(usize, Option<String>),
}

/// Finds it, where all that starts comes behind it.
pub(super) fn find(survey: &Survey<'_, '_>) -> Option<StepDown> {
    let entry = &survey.entry;
    let index = match (entry.entrypoint, entry.cmd) {
        (Some(entrypoint), _) => entrypoint,
        // What the image starts before CMD would be started as the user too.
        (None, Some(cmd)) => {
            let steps = matches!(survey.facts.start, Start::Drops | Start::Either | Start::Needs | Start::Platform);
            let below = survey.below.iter().any(|unit| unit.instruction.keyword == Keyword::Entrypoint);
            if steps || below || survey.facts.entrypoint.is_some() {
                return None;
            }
            cmd
        }
        (None, None) => return None,
    };
    let instruction = survey.model.instruction(index)?;
    let found = match &instruction.form {
        Form::Json(words) => in_words(words)?,
        Form::Text => in_shell(survey, index)?,
    };
    // The tool goes home with the user, and USER leaves the variable as it is.
    owns::home_said(survey).is_none().then_some(found)
}

/// In exec form, maybe behind an init that only passes signals on.
fn in_words(words: &[(String, Span)]) -> Option<StepDown> {
    let init = |word: &str| matches!(paths::name(word), "tini" | "tini-static" | "dumb-init" | "catatonit");
    let first = match words.first() {
        Some((word, _)) if init(word) => 1 + words.iter().skip(1).take_while(|(word, _)| word.starts_with('-')).count(),
        _ => 0,
    };
    let argv: Vec<Option<&str>> = words.iter().skip(first).map(|(word, _)| Some(word.as_str())).collect();
    let (user, call) = read(&argv)?;
    let span = |at: usize| words.get(at).map(|(_, span)| *span);
    let start = span(first)?.start;
    let edits = match call {
        Call::Program(at) => vec![Edit::delete(Span { start, end: span(first + at)?.start })],
        Call::Script(at, shell) => {
            let script = span(first + at)?;
            let shell = shell.unwrap_or_else(|| "sh".to_owned());
            vec![
                Edit::replace(Span { start, end: script.start }, format!("\"{shell}\", \"-c\", ")),
                Edit::delete(Span { start: script.end, end: span(words.len() - 1)?.end }),
            ]
        }
    };
    Some(StepDown { user, tool: paths::name(argv.first().copied()??).to_owned(), edits })
}

/// In shell form, where it is one command alone.
fn in_shell(survey: &Survey<'_, '_>, index: usize) -> Option<StepDown> {
    let [only] = survey.model.script(index)?.items.as_slice() else { return None };
    let Node::Command(Command { words, redirects, assignments, .. }) = &only.node else { return None };
    let exec = words.first()?.raw == "exec";
    let words = words.get(usize::from(exec)..)?;
    let literals: Vec<_> = words.iter().map(|word| word.literal()).collect();
    let argv: Vec<Option<&str>> = literals.iter().map(|word| word.as_deref()).collect();
    let (user, call) = read(&argv)?;
    let start = words.first()?.span.start;
    let edits = match call {
        Call::Program(at) => vec![Edit::delete(Span { start, end: words.get(at)?.span.start })],
        Call::Script(at, shell) => {
            let script = words.get(at)?;
            let end = words.last()?.span.end;
            let bare = assignments.is_empty() && redirects.is_empty() && !exec && shell.is_none();
            match bare.then(|| unquoted(&script.raw)).flatten() {
                Some(text) => vec![Edit::replace(Span { start, end }, text)],
                None => {
                    let shell = shell.unwrap_or_else(|| "sh".to_owned());
                    vec![
                        Edit::replace(Span { start, end: script.span.start }, format!("{shell} -c ")),
                        Edit::delete(Span { start: script.span.end, end }),
                    ]
                }
            }
        }
    };
    Some(StepDown { user, tool: paths::name(argv.first().copied()??).to_owned(), edits })
}

/// A word without its quotes, where a shell reads the same in it without them.
fn unquoted(raw: &str) -> Option<&str> {
    let quote = raw.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let text = raw.strip_prefix(quote)?.strip_suffix(quote)?;
    (!text.contains(['\\', '`', '\n', quote]) && !text.contains("$(")).then_some(text)
}

/// Reads the words of a tool that steps down: the user, and what it starts. A word that the shell fills in is `None`.
fn read(argv: &[Option<&str>]) -> Option<(String, Call)> {
    let word = |at: usize| argv.get(at).copied().flatten();
    let tool = paths::name(word(0)?);
    let program = |at: usize| (at < argv.len()).then_some(Call::Program(at));
    let (user, call) = match tool {
        "gosu" | "su-exec" | "setuidgid" | "s6-setuidgid" => (word(1)?, program(2)?),
        "chpst" => {
            let mut user = None;
            let mut at = 1;
            while let Some(option) = word(at).filter(|option| option.starts_with('-')) {
                at += match option {
                    "-u" | "-U" => {
                        user = word(at + 1);
                        2
                    }
                    "-v" => 1,
                    _ => return None,
                };
            }
            (user?, program(at)?)
        }
        "sudo" => {
            let mut user = None;
            let mut at = 1;
            while let Some(option) = word(at).filter(|option| option.starts_with('-')) {
                at += match option {
                    "-u" | "-Eu" | "-EHu" | "-HEu" | "-nu" => {
                        user = word(at + 1);
                        2
                    }
                    "-E" | "-H" | "-EH" | "-HE" | "-n" | "-S" => 1,
                    "--" => {
                        at += 1;
                        break;
                    }
                    _ => match option.strip_prefix("--user=") {
                        Some(name) => {
                            user = Some(name);
                            1
                        }
                        None => return None,
                    },
                };
            }
            // `sudo -u app NAME=value program` sets a variable.
            (user?, program(at).filter(|_| !word(at).is_none_or(|first| first.contains('=')))?)
        }
        "su" | "runuser" => return script(argv, tool),
        _ => return None,
    };
    fit(user).then(|| (user.to_owned(), call))
}

/// `su [-s SHELL] [-m] USER -c SCRIPT`, in any order; `runuser -u USER -- program`. A login shell changes the folder and
/// the variables.
fn script(argv: &[Option<&str>], tool: &str) -> Option<(String, Call)> {
    let word = |at: usize| argv.get(at).copied().flatten();
    let mut user = None;
    let mut script = None;
    let mut shell = None;
    let mut at = 1;
    while at < argv.len() {
        match word(at) {
            Some("-u") if tool == "runuser" => {
                user = word(at + 1);
                let at = if word(at + 2) == Some("--") { at + 3 } else { at + 2 };
                return user
                    .filter(|user| fit(user) && at < argv.len())
                    .map(|user| (user.to_owned(), Call::Program(at)));
            }
            Some("-s" | "--shell") => {
                shell = Some(word(at + 1)?);
                at += 1;
            }
            Some("-c" | "--command" | "-mc" | "-pc") => {
                script = (at + 1 < argv.len()).then_some(at + 1);
                at += 1;
            }
            Some("-m" | "-p" | "--preserve-environment") => {}
            Some(option) if option.starts_with('-') => match option.strip_prefix("--shell=") {
                Some(named) => shell = Some(named),
                None => return None,
            },
            Some(name) if user.is_none() => user = Some(name),
            _ => return None,
        }
        at += 1;
    }
    let usual = |shell: &&str| !matches!(*shell, "/bin/sh" | "sh");
    let call = Call::Script(script?, shell.filter(usual).map(str::to_owned));
    user.filter(|user| fit(user)).map(|user| (user.to_owned(), call))
}

/// Whether the name is one of a user that is not root, as `name` or `name:group`.
fn fit(user: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    !who::is_root(user) && !user.starts_with(['-', '.']) && user.split(':').count() < 3 && user.split(':').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(String, Call)> {
        let words: Vec<Option<&str>> = line.split('|').map(|word| (word != "?").then_some(word)).collect();
        read(&words)
    }

    #[test]
    fn tools_are_read_to_the_program() {
        let program = |user: &str, at| Some((user.to_owned(), Call::Program(at)));
        assert_eq!(of("su-exec|app:app|server|-v"), program("app:app", 2));
        assert_eq!(of("/usr/local/bin/gosu|app|?"), program("app", 2));
        assert_eq!(of("chpst|-v|-u|app|server"), program("app", 4));
        assert_eq!(of("sudo|-Eu|app|-H|--|server"), program("app", 5));
        assert_eq!(of("runuser|-u|app|--|server"), program("app", 4));
    }

    #[test]
    fn scripts_are_found_whatever_the_order() {
        let script = |at, shell: Option<&str>| Some(("app".to_owned(), Call::Script(at, shell.map(str::to_owned))));
        assert_eq!(of("su|app|-c|server -v"), script(3, None));
        assert_eq!(of("su|-s|/bin/sh|-c|server|app"), script(4, None));
        assert_eq!(of("su|-c|?|-s|/bin/bash|app"), script(2, Some("/bin/bash")));
    }

    #[test]
    fn root_logins_and_what_is_not_known_are_left() {
        for line in [
            "gosu|root|server",
            "gosu|app",
            "gosu|?|server",
            "su|-|app|-c|server",
            "su|-l|app|-c|server",
            "su|app",
            "su|-c|server",
            "sudo|server",
            "sudo|-u|app|A=b|server",
            "sudo|-iu|app|bash",
            "chpst|-u|app|-o|3|server",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn quotes_go_where_they_mean_nothing() {
        assert_eq!(unquoted("\"server --port $PORT\""), Some("server --port $PORT"));
        assert_eq!(unquoted("'a && b'"), Some("a && b"));
        assert_eq!(unquoted("\"say \\\"x\\\"\""), None);
        assert_eq!(unquoted("server"), None);
    }
}
