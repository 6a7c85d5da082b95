//! The programs that the runtime stage starts.

use std::cell::RefCell;

use crate::knowledge::packages;
use crate::knowledge::releases::Manager;

use super::tools;

/// The programs that the runtime stage starts, as far as a pass over the instructions knows.
///
/// A later pass knows more of them. What the list was asked for and did not have is kept, so that it can be told whether
/// that makes a difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Programs {
    names: Vec<String>,
    missed: RefCell<Vec<Question>>,
}

/// What a list of programs was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    /// A program by its name.
    Program(String),
    /// Any program of a package.
    Package(Manager, String),
}

impl Programs {
    /// These, of which nothing was asked yet.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names, missed: RefCell::default() }
    }

    /// Each of them once, for a pass that is made again.
    pub(super) fn again(self) -> Self {
        let mut names = self.names;
        names.sort_unstable();
        names.dedup();
        Self::new(names)
    }

    /// All of them, in the order in which they were found.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Adds some.
    pub(super) fn extend(&mut self, names: impl IntoIterator<Item = String>) {
        self.names.extend(names);
    }

    /// Whether this program is one of them.
    pub(super) fn has(&self, program: &str) -> bool {
        let found = self.names.iter().any(|name| name == program);
        if !found {
            self.missed.borrow_mut().push(Question::Program(program.to_owned()));
        }
        found
    }

    /// Whether one of them is of this package.
    pub(super) fn has_of(&self, manager: Manager, package: &str) -> bool {
        let found = self.names.iter().any(|program| brings(manager, package, program));
        if !found {
            self.missed.borrow_mut().push(Question::Package(manager, package.to_owned()));
        }
        found
    }

    /// Whether anything was asked for in vain that this program answers.
    pub(super) fn was_missed(&self, program: &str) -> bool {
        self.missed.borrow().iter().any(|question| match question {
            Question::Program(name) => name == program,
            Question::Package(manager, package) => brings(*manager, package, program),
        })
    }
}

/// Whether a package brings a program.
pub(super) fn brings(manager: Manager, package: &str, program: &str) -> bool {
    tools::brings(package, program) || packages::program_package(manager, program) == Some(package)
}
