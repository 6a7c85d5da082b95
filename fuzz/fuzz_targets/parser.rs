//! Any bytes: no panic, no byte lost, every span where its text stands, every word expanded.
#![no_main]

use dockwright_transforms::syntax::words::{self, Value};
use dockwright_transforms::syntax::{File, lossless};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| {
    let Ok(file) = File::parse(source) else { return };
    if let Err(what) = lossless(&file) {
        panic!("{what}");
    }
    for instruction in &file.instructions {
        instruction.arguments(file.escape);
        for word in instruction.words() {
            words::reads(word.raw, file.escape);
            words::expand(word.raw, file.escape, |name| match name.len() % 3 {
                0 => Value::Unset,
                1 => Value::Set("a.b/c".into()),
                _ => Value::Unknown,
            });
        }
    }
});
