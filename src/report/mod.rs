//! One file an output.

pub(crate) mod human;
pub(crate) mod json;
