//! Facts about the world, as data: images, tags, packages, users.
//!
//! Every fact lives in a file under `data/`, whose first line says where it is from; the modules here only read them.
//! The files are embedded and searched where they lie: no start-up work, no allocation per question.
//!
//! Read in this order: [`reference`] (what a FROM names), [`images`] (what is in it), [`releases`] (the distribution
//! beneath), [`tags`] (which tags exist), [`runtime`] (what to ship instead of a toolchain).

pub(crate) mod sorted;

pub mod buildpack;
pub mod crates;
pub mod develops;
pub mod fetches;
pub mod globals;
pub mod homes;
#[allow(dead_code, reason = "the rule for the runtime counterpart is read by a module that is under way")]
pub mod images;
pub mod keeps;
pub mod keys;
pub mod manifests;
#[allow(dead_code, reason = "transforms read more of it as they come")]
pub mod packages;
pub mod reference;
pub mod releases;
pub mod rooted;
#[allow(dead_code, reason = "transforms read more of it as they come")]
pub mod runtime;
pub mod servers;
pub mod services;
pub mod stores;
pub mod tags;
pub mod unpacked;
pub mod words;
pub mod workplaces;
pub mod wrappers;
