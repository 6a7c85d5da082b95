//! Time and memory for files that nobody writes by accident: both grow with the size, for reading and for rewriting.
//!
//! Plain `cargo test` takes small sizes and wide bounds, which a quadratic pass over the file does not meet. The bounds
//! that are promised are asked with
//! `cargo test --release --test hostile -- --ignored --nocapture`.

// It is built with the pure room, and is of the world: it has a clock, variables and a terminal.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test measures and tells"
)]

mod shapes;

use std::time::{Duration, Instant};

use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::File;
use dockwright_transforms::{Applicability, Request, catalog, rewrite};
use peak_alloc::PeakAlloc;
use shapes::{FRAMES, Frame, SHAPES};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What a file costs.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    /// The most bytes that were allocated at one time, the file itself not counted.
    memory: usize,
}

/// What can be done to a file.
type Work = (&'static str, fn(&[u8]));

const WORKS: &[Work] = &[
    ("parse", |source| {
        // The script of every instruction is part of reading it.
        if let Ok(file) = File::parse(source) {
            for instruction in &file.instructions {
                std::hint::black_box(instruction.script());
            }
        }
    }),
    ("rewrite", |source| {
        let settings = Settings::default();
        let transforms = catalog::ALL;
        let request = Request { transforms, threshold: Applicability::Review, context: None, settings: &settings };
        let _ = std::hint::black_box(rewrite(source, &request));
    }),
];

fn cost(source: &[u8], work: fn(&[u8])) -> Cost {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    work(source);
    let time = start.elapsed();
    Cost { time, memory: MEMORY.peak_usage().saturating_sub(before) }
}

/// The bounds of one run.
struct Bounds {
    /// The larger of the two sizes, in bytes; the other is a part of it.
    size: usize,
    part: usize,
    /// How many times longer the larger one may take.
    growth: f64,
    /// A time below which no growth is asked for: it is the clock's own.
    short: Duration,
    time: Duration,
    memory: usize,
}

/// How many times longer than promised it may take: 1, or what `PATIENCE` says, for machines that are slow or have other
/// things to do. Growth that is a square's is none even then.
fn patience() -> u32 {
    std::env::var("PATIENCE").ok().and_then(|times| times.parse().ok()).unwrap_or(1).max(1)
}

/// Does everything to every shape in these frames and answers what passes a bound.
fn measure(bounds: &Bounds, frames: &[Frame], show: bool) -> Vec<String> {
    let only = std::env::var("SHAPE").ok();
    let mut wrong = Vec::new();
    for (shape, make) in SHAPES.iter().filter(|(shape, _)| only.as_deref().is_none_or(|only| only == *shape)) {
        for (at, (frame, before, after)) in frames.iter().enumerate() {
            let file = |size: usize| [before.as_bytes(), &make(size), after.as_bytes()].concat();
            let (small, large) = (file(bounds.size / bounds.part), file(bounds.size));
            // What is around a body is read in no time; one frame is enough for that.
            for (name, work) in WORKS.iter().filter(|(name, _)| at == 0 || *name != "parse") {
                // Other programs take their time too: the least of a few is ours.
                let (mut two, mut one, mut what) = (cost(&large, *work), None, None);
                for again in 0..40 {
                    // After a few tries in a row, wait for the others to be done.
                    if again > 8 {
                        std::thread::sleep(Duration::from_millis(20 * again));
                    }
                    if again > 0 {
                        two.time = two.time.min(cost(&large, *work).time);
                    }
                    if two.time > bounds.short || show {
                        let time = cost(&small, *work).time;
                        one = Some(one.map_or(time, |least: Duration| least.min(time)));
                    }
                    what = fits(bounds, one, two);
                    if what.is_none() {
                        break;
                    }
                }
                let line = format!(
                    "{name:8} {shape}, {frame}: {:.1} ms, {:.1} times as long, {:.1} MiB {}",
                    two.time.as_secs_f64() * 1e3,
                    one.map_or(0.0, |one| two.time.as_secs_f64() / one.as_secs_f64()),
                    two.memory as f64 / f64::from(1 << 20),
                    what.unwrap_or_default()
                );
                if show {
                    println!("{line}");
                }
                wrong.extend(what.map(|_| line));
            }
        }
    }
    wrong
}

/// The bound that is passed.
fn fits(bounds: &Bounds, one: Option<Duration>, two: Cost) -> Option<&'static str> {
    let grows = |one: Duration| two.time.as_secs_f64() / one.as_secs_f64() > bounds.growth;
    match () {
        () if two.time > bounds.time => Some("TIME"),
        () if two.memory > bounds.memory => Some("MEMORY"),
        () if two.time > bounds.short && one.is_some_and(grows) => Some("GROWTH"),
        () => None,
    }
}

#[test]
fn time_and_memory_grow_with_the_size() {
    let bounds = Bounds {
        size: 128 << 10,
        part: 4,
        // Four times the size; sixteen times would be a square.
        growth: 9.0,
        short: Duration::from_secs(1),
        time: Duration::from_secs(15),
        memory: 64 << 20,
    };
    let wrong = measure(&bounds, FRAMES.get(1..2).unwrap(), false);
    assert!(wrong.is_empty(), "{} times\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "the promised bounds are those of a release build"]
fn the_longest_files_that_are_rewritten_take_less_than_a_second() {
    // The transforms look at no file that has more words or lines than so many bytes hold.
    for size in [10_000, 20_000, 40_000, 80_000] {
        let bounds = Bounds {
            size,
            part: 2,
            growth: f64::INFINITY,
            short: Duration::ZERO,
            time: Duration::from_secs(1) * patience(),
            memory: 200 << 20,
        };
        let wrong = measure(&bounds, FRAMES, true);
        assert!(wrong.is_empty(), "{} times\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
#[ignore = "the promised bounds are those of a release build"]
fn a_mebibyte_of_any_shape_takes_less_than_a_second() {
    let bounds = Bounds {
        size: 1 << 20,
        part: 2,
        growth: if patience() > 1 { 3.5 } else { 2.3 },
        // Less than that, it is the allocator's pages that are measured.
        short: Duration::from_millis(50),
        time: Duration::from_secs(1) * patience(),
        memory: 200 << 20,
    };
    let wrong = measure(&bounds, FRAMES, true);
    assert!(wrong.is_empty(), "{} times\n{}", wrong.len(), wrong.join("\n"));
}
