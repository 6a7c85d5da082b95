//! The pure room of dockwright: Dockerfile bytes and facts in, findings and edits out.
//!
//! Nothing here opens a file, starts a process, reads the environment or looks at a clock; `clippy.toml` beside
//! this crate's manifest and its short list of dependencies keep it so. The path of the data is one way:
//!
//! ```text
//! bytes ──► syntax ──► model ──► catalog ──► edit ──► rewrite ──► new bytes
//!                        ▲
//!                knowledge + context
//! ```
//!
//! Read in this order: [`transform`] (what a transform is), [`edit`] (how a change is written down), [`rewrite()`]
//! (how changes are admitted and applied), then one file of the catalogue.
//!
//! The laws, asserted on bytes for every example, case and corpus file: *identity* (no fix, same bytes), *locality*
//! (outside the edits every byte is equal), *idempotence* (twice is once), *legibility* (the result parses, with no
//! more opaque instructions than before), *determinism*, *agreement* (the printed diff applied is the file written),
//! *truth* (each documented example holds), *closure* (every image tag written exists or was the user's), *promise* (what
//! a transform says of its results holds, such as what scanners ask of the user).

pub mod catalog;
pub mod context;
pub mod edit;
pub mod knowledge;
pub mod laws;
pub mod model;
pub mod rewrite;
pub mod settings;
pub mod span;
pub mod surgery;
pub mod syntax;
pub mod transform;

pub use rewrite::{Outcome, Request, rewrite};
pub use span::Span;
pub use transform::{Applicability, Transform};
