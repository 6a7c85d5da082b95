//! Any bytes: no panic, no byte lost, every span where its text stands, every word expanded.
#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|source: &[u8]| bodies::parser(source));
