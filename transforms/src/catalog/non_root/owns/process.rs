//! Files of a process that its arguments name among those of the system: its number, its socket and its log.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;

use super::super::survey::Survey;
use super::named::{own_program, run_folder};

/// The folders below `/run`, or that itself, in which what runs makes a file for its number or a socket:
/// `--pidfile /var/run/x.pid`, `--bind unix:/run/x.sock`, `-g 'pid /run/nginx.pid;'`.
pub(super) fn folders(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| own_program(step)) {
        let numbers = numbers(step).filter(|_| !writes_in_place(step));
        let sockets = options(step.args()).filter_map(|(option, value)| {
            let makes = Words::SocketOptions.has(option.trim_start_matches('-'));
            let path = value.trim_start_matches("unix:").trim_start_matches("//");
            (makes && [".sock", ".socket"].iter().any(|end| path.ends_with(end))).then_some(path)
        });
        for path in numbers.chain(sockets).filter(|path| path.starts_with('/') && paths::plain(path)) {
            let path = paths::join("/", path);
            let folder = paths::parent(&path);
            let run = matches!(folder, "/run" | "/var/run") || run_folder(folder);
            if run && !found.iter().any(|known| known == folder) {
                found.push(folder.to_owned());
            }
        }
    }
    found
}

/// The files of their numbers that a command names.
fn numbers(step: &Step) -> impl Iterator<Item = &str> {
    let separators = |c: char| c.is_ascii_whitespace() || matches!(c, ';' | '=' | '"' | '\'');
    step.args().iter().flat_map(move |arg| arg.split(separators)).filter(|word| word.ends_with(".pid"))
}

/// Whether a program writes its number into the file that is there; others make it anew, or move another there.
fn writes_in_place(step: &Step) -> bool {
    step.program() == "nginx"
}

/// The files that what runs is told to write, in folders of everybody's: `--log-file /var/log/x.log`, and the number of a
/// process that is written into the file that is there.
pub(super) fn files(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| own_program(step)) {
        let number = numbers(step).find(|path| writes_in_place(step) && path.starts_with('/') && paths::plain(path));
        found.extend(number.map(str::to_owned));
        for (option, value) in options(step.args()) {
            let says = option.to_ascii_lowercase().contains("log") || option.trim_start_matches('-').len() == 1;
            let file = paths::parent(value) == "/var/log" && paths::name(value).contains('.') && paths::plain(value);
            if says && file && !found.iter().any(|known| known == value) {
                found.push(value.to_owned());
            }
        }
    }
    found
}

/// All these places.
pub(in crate::catalog::non_root) fn places(survey: &Survey<'_, '_>) -> Vec<String> {
    folders(survey).into_iter().chain(files(survey)).collect()
}

/// The options of a command with their values: `--log=x`, `--log x`.
pub(super) fn options(args: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let joined = args.iter().filter_map(|arg| arg.split_once('='));
    let apart = args.windows(2).filter_map(|pair| match pair {
        [option, value] if !option.contains('=') => Some((option.as_str(), value.as_str())),
        _ => None,
    });
    joined.chain(apart).filter(|(option, _)| option.starts_with('-'))
}
