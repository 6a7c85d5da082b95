//! How fast Dockerfiles are read and rewritten: the files that the tests have, all of them in each round.

use std::fs;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::File;
use dockwright_transforms::{Applicability, Request, catalog, rewrite};

// The program has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Dockerfiles of a folder of this repository.
fn collect(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            collect(&path, found);
        } else if name == "Dockerfile" || name.ends_with(".Dockerfile") {
            found.extend(fs::read(&path));
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["tests/golden", "tests/cases", "tests/lab", "examples"] {
        collect(&root.join(folder), &mut sources);
    }
    let bytes: usize = sources.iter().map(Vec::len).sum();
    let mut group = criterion.benchmark_group("bundled files");
    group.throughput(Throughput::Bytes(bytes as u64));

    group.bench_function("syntax", |bencher| {
        bencher.iter(|| sources.iter().filter(|source| File::parse(source).is_ok()).count());
    });

    let files: Vec<File<'_>> = sources.iter().flat_map(|source| File::parse(source)).collect();
    group.bench_function("shell", |bencher| {
        bencher.iter(|| {
            let instructions = files.iter().flat_map(|file| &file.instructions);
            instructions.filter(|instruction| instruction.script().is_some()).count()
        });
    });

    let settings = Settings::default();
    let request =
        Request { transforms: catalog::ALL, threshold: Applicability::Review, context: None, settings: &settings };
    group.bench_function("rewrite", |bencher| {
        bencher.iter(|| sources.iter().filter(|source| rewrite(source, &request).is_ok()).count());
    });
    group.finish();
    println!("{} files, {bytes} bytes", sources.len());
}

criterion_group!(all, benches);
criterion_main!(all);
