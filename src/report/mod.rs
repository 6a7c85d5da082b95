//! One file an output.

pub(crate) mod human;
pub(crate) mod json;

use human::{Lines, Summary};

/// The part of a run's result that a few files make, in parallel with others.
#[derive(Default)]
pub(crate) struct Part {
    /// For standard output.
    pub(crate) text: Vec<u8>,
    pub(crate) summary: Summary,
    pub(crate) lines: Lines,
}
