//! What every file of the repository has to keep.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::{Workspace, root, text};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["src", "transforms/src", "tests/it"] {
        sources(&root().join(folder), &mut found);
    }
    found
}

#[test]
fn every_file_says_what_it_is_and_has_no_trailing_space() {
    for path in rust_files() {
        let content = fs::read_to_string(&path).unwrap();
        assert!(content.starts_with("//!"), "{} does not start with //!", path.display());
        let bad = content.lines().position(|line| line.ends_with([' ', '\t']));
        assert_eq!(bad, None, "{}: trailing space", path.display());
    }
}

#[test]
fn every_path_that_the_readme_names_is_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let quoted = readme.split('`').skip(1).step_by(2);
    let paths: Vec<&str> = quoted
        .filter(|text| text.ends_with('/') || text.ends_with(".md") || text.starts_with("LICENSE"))
        .filter(|text| !text.contains([' ', '\n']))
        .collect();
    assert!(paths.len() > 5, "{paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "README names {path}, which is not there");
    }
}

#[test]
fn the_readmes_table_is_the_list() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let listed = text(&Workspace::new().run(&["list"]).stdout);
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        let (id, best) = (words.next().unwrap(), words.next().unwrap());
        let summary = words.collect::<Vec<_>>().join(" ");
        assert!(readme.contains(&format!("| `{id}` | {best} | {summary} |")), "README does not list: {line}");
    }
    assert_eq!(readme.matches("| safe |").count() + readme.matches("| review |").count(), listed.lines().count());
}

#[test]
fn no_transform_names_another() {
    let catalog = root().join("transforms/src/catalog");
    let modules: Vec<String> = fs::read_dir(&catalog)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect();
    for module in &modules {
        let mut files = Vec::new();
        let folder = catalog.join(module);
        if folder.is_dir() {
            sources(&folder, &mut files)
        } else {
            files.push(catalog.join(format!("{module}.rs")))
        }
        for file in files {
            let content = fs::read_to_string(&file).unwrap();
            for other in modules.iter().filter(|other| *other != module) {
                for name in [other.clone(), other.replace('_', "-")] {
                    assert!(!content.contains(&format!("{name}::")), "{} names {other}", file.display());
                    assert!(!content.contains(&format!("\"{name}\"")), "{} names {other}", file.display());
                }
            }
        }
    }
}

#[test]
fn the_pure_room_keeps_its_short_list_of_dependencies() {
    let manifest = fs::read_to_string(root().join("transforms/Cargo.toml")).unwrap();
    let table: toml::Table = manifest.parse().unwrap();
    let names: Vec<&String> = table["dependencies"].as_table().unwrap().keys().collect();
    assert_eq!(names, ["dockerfile-parser", "memchr", "rable", "regex", "serde_json", "toml"]);
}
