//! Any script, in a RUN whose lines are joined and in a heredoc: no panic, every span where its text stands.
#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|script: &str| bodies::shell(script));
