//! Many repositories in one run.
