//! Reads every Dockerfile of a folder, its shell scripts and words included, as fast as it goes, and prints what there
//! is and how long it took: `cargo bench --bench folder -- FOLDER`.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use dockwright_transforms::syntax::File;
use ignore::{WalkBuilder, WalkState};

// The program has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Default)]
struct Counts {
    files: AtomicUsize,
    bytes: AtomicUsize,
    refused: AtomicUsize,
    instructions: AtomicUsize,
    scripts: AtomicUsize,
    words: AtomicUsize,
}

impl Counts {
    fn read(&self, path: &Path) {
        let Ok(source) = std::fs::read(path) else { return };
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(source.len(), Ordering::Relaxed);
        let Ok(file) = File::parse(&source) else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let (mut scripts, mut words) = (0, 0);
        for instruction in &file.instructions {
            words += instruction.words().len();
            scripts += usize::from(std::hint::black_box(instruction.script()).is_some());
        }
        self.instructions.fetch_add(file.instructions.len(), Ordering::Relaxed);
        self.scripts.fetch_add(scripts, Ordering::Relaxed);
        self.words.fetch_add(words, Ordering::Relaxed);
    }
}

fn main() {
    // `cargo bench` adds an option of its own, and `cargo test` gives no folder.
    let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else { return };
    let counts = Counts::default();
    let start = Instant::now();
    WalkBuilder::new(folder).build_parallel().run(|| {
        Box::new(|entry| {
            if let Ok(entry) = entry
                && entry.file_type().is_some_and(|kind| kind.is_file())
            {
                counts.read(entry.path());
            }
            WalkState::Continue
        })
    });
    let time = start.elapsed();
    let Counts { files, bytes, refused, instructions, scripts, words } = counts;
    println!(
        "{} files, {} of them refused, {:.1} MB; {} instructions, {} words, {} scripts: {:.3} s",
        files.into_inner(),
        refused.into_inner(),
        bytes.into_inner() as f64 / 1e6,
        instructions.into_inner(),
        words.into_inner(),
        scripts.into_inner(),
        time.as_secs_f64()
    );
}
