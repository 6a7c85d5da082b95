//! Any bytes: every transform, alone and with the others, keeps the laws.
#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|source: &[u8]| bodies::rewrite(source));
