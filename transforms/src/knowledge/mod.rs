//! Facts about the world, as data: images, tags, packages, users.
//!
//! Every fact lives in a file under `data/`, whose first line says where it is from; the modules here only read them.
//! The files are embedded and searched where they lie: no start-up work, no allocation per question.

mod sorted;

pub mod releases;
pub mod tags;
