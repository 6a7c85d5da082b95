//! Files of a process that its arguments name among those of the system: its number, its socket and its log.

use crate::knowledge::words::Words;
use crate::model::paths;

use super::super::survey::Survey;
use super::named::{own_program, run_folder};

/// The folders below `/run`, or that itself, in which what runs makes a file for its number or a socket:
/// `--pidfile /var/run/x.pid`, `--bind unix:/run/x.sock`, `-g 'pid /run/nginx.pid;'`.
pub(super) fn folders(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| own_program(step)) {
        let separators = |c: char| c.is_ascii_whitespace() || matches!(c, ';' | '=' | '"' | '\'');
        let words = step.args().iter().flat_map(|arg| arg.split(separators));
        let numbers = words.filter(|word| word.ends_with(".pid"));
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

/// The logs that what runs is told to write, in the folder of everybody's: `--log-file /var/log/x.log`.
pub(super) fn logs(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| own_program(step)) {
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
    folders(survey).into_iter().chain(logs(survey)).collect()
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
