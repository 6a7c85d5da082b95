//! A short run of the fuzz targets: the bundled Dockerfiles, torn and put together again in ways that nobody writes.
//!
//! The same inputs every time; `SMOKE=10` makes ten times as many of them.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use crate::workspace::root;

#[path = "../../fuzz/bodies.rs"]
mod bodies;

/// Pieces that mean something to a reader.
const PIECES: &[&str] = &[
    "\n",
    "\\\n",
    "`\n",
    "\r\n",
    "\\",
    "#",
    "# escape=`\n",
    "<<E",
    "<<-'E'",
    "\nE\n",
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "${a:-",
    "}",
    "[\"a\"",
    "]",
    " && ",
    " || ",
    "; ",
    " | ",
    "--from=a ",
    "\nRUN ",
    "\nCOPY ",
    "\nFROM ",
    "\nUSER ",
    "\nONBUILD ",
    "\0",
    "\u{feff}",
    "\u{e9}",
    "if ",
    "; then ",
    "; fi",
    "\t",
];

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    /// A file made from the given ones.
    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut text = self.pick(seeds).clone();
        for _ in 0..1 + self.below(6) {
            let at = self.below(text.len() + 1);
            let end = (at + self.below(24)).min(text.len());
            match self.below(5) {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, self.pick(PIECES).bytes())),
                2 => drop(text.splice(at..end, self.pick(PIECES).bytes())),
                3 => {
                    let other = self.pick(seeds);
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(200)).min(other.len());
                    drop(text.splice(at..at, other[from..to].iter().copied()));
                }
                _ => {
                    let again = text[at..end].to_vec();
                    drop(text.splice(at..at, again));
                }
            }
        }
        text
    }
}

fn seeds(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            seeds(&path, found);
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("Dockerfile")) {
            found.push(fs::read(&path).unwrap());
        }
    }
}

/// Runs `body` on `count` inputs and prints the ones that it panics for.
fn run(count: usize, body: fn(&[u8])) {
    let mut all = Vec::new();
    // Not the cases: each new one would make other inputs of all.
    seeds(&root().join("tests/golden"), &mut all);
    seeds(&root().join("examples"), &mut all);
    let times = std::env::var("SMOKE").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..count * times {
        let input = numbers.mutate(&all);
        if catch_unwind(|| body(&input)).is_err() {
            panic!("this input is a finding: {}", input.escape_ascii());
        }
    }
}

#[test]
fn the_parser_keeps_every_byte_of_anything() {
    run(20_000, bodies::parser);
}

#[test]
fn every_shell_word_has_its_place_in_anything() {
    run(20_000, |input| {
        // What is behind the first RUN of the file is the script.
        let text = String::from_utf8_lossy(input);
        bodies::shell(text.split_once("RUN ").map_or(&text, |(_, script)| script));
    });
}

#[test]
fn every_rewrite_of_anything_keeps_the_laws() {
    run(6000, bodies::rewrite);
}
