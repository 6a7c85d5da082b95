//! What the exit code says.

use std::io;
use std::process::ExitCode;

/// The exit codes, as README documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// There was nothing to do, or it is done.
    Done = 0,
    /// There are findings (`check`) or a diff (`fix --exit-code`).
    Findings = 1,
    /// Wrong usage, or a file that could not be read, parsed or written.
    Trouble = 2,
    /// Ctrl-C, or another signal to end, while containers were at work; what was made is removed.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Whether the reader of our output went away: `dockwright fix --dry-run | head` is a success.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_recognised_below_other_causes() {
        let broken = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert!(is_broken_pipe(&broken));
        assert!(!is_broken_pipe(&anyhow::Error::from(io::Error::from(io::ErrorKind::NotFound))));
    }

    #[test]
    fn trouble_outranks_findings() {
        assert!(Exit::Trouble > Exit::Findings && Exit::Findings > Exit::Done);
    }
}
