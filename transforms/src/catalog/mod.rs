//! The transforms, in the order in which they are applied.

use crate::transform::Transform;

/// Every transform, in catalogue order: what changes the stages comes before what depends on them.
pub static ALL: &[&Transform] = &[];
