//! One file an output.

pub(crate) mod github;
pub(crate) mod gitlab;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod mends;
pub(crate) mod sarif;

use human::{Lines, Summary};

/// The part of a run's result that a few files make, in parallel with others.
#[derive(Default)]
pub(crate) struct Part {
    /// For standard output.
    pub(crate) text: Vec<u8>,
    pub(crate) summary: Summary,
    pub(crate) lines: Lines,
}
