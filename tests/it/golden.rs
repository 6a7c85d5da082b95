//! How Dockerfiles and words are read, against what BuildKit made of them when `tests/conformance/` asked it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dockwright_transforms::syntax::words::{self, Value};
use dockwright_transforms::syntax::{File, lossless, lossless_scripts};
use serde_json::{Value as Json, json};

use crate::workspace::root;

/// Every Dockerfile of the golden set, sorted.
fn dockerfiles() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for group in fs::read_dir(root().join("tests/golden")).unwrap() {
        let group = group.unwrap().path();
        if group.is_dir() {
            let files = fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path());
            found.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "Dockerfile")));
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root().join("tests/golden")).unwrap().display().to_string()
}

/// Our reading in the form of the record.
fn ours(source: &[u8]) -> Result<(String, Vec<Json>), String> {
    let file = File::parse(source).map_err(|error| error.message)?;
    let read = file.instructions.iter().map(|one| {
        let holder = one.inner.as_deref().unwrap_or(one);
        let heredocs = holder.heredocs.iter().map(|heredoc| {
            json!({
                "name": heredoc.name,
                "content": heredoc.text(),
                "expand": heredoc.expand,
                "chomp": heredoc.chomp,
            })
        });
        json!({
            "name": one.keyword.name().to_ascii_lowercase(),
            "flags": one.flag_texts(),
            "args": one.arguments(file.escape),
            "json": one.is_json(),
            "heredocs": heredocs.collect::<Vec<_>>(),
            "start_line": one.lines.0,
            "end_line": one.lines.1,
        })
    });
    Ok((char::from(file.escape).to_string(), read.collect()))
}

#[test]
fn every_file_is_read_as_buildkit_reads_it() {
    let files = dockerfiles();
    assert!(files.len() > 400, "{} files", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let recorded = fs::read_to_string(path.with_extension("json")).unwrap();
        let recorded: Json = serde_json::from_str(&recorded).unwrap();
        let theirs = match &recorded["error"] {
            Json::Null => {
                Some((recorded["escape"].as_str().unwrap(), recorded["instructions"].as_array().unwrap().as_slice()))
            }
            _ => None,
        };
        match (ours(&fs::read(&path).unwrap()), theirs) {
            (Err(_), None) => {}
            (Ok((escape, read)), Some((their_escape, their_read))) => {
                if escape != their_escape || read.len() != their_read.len() {
                    wrong.push(format!("{}: {read:#?}\nis not\n{their_read:#?}", name(&path)));
                }
                for (one, other) in read.iter().zip(their_read).filter(|(one, other)| one != other) {
                    wrong.push(format!("{}: {one:#}\nis not\n{other:#}", name(&path)));
                }
            }
            (Ok(_), None) => wrong.push(format!("{}: BuildKit refuses it: {}", name(&path), recorded["error"])),
            (Err(error), Some(_)) => wrong.push(format!("{}: we refuse it: {error}", name(&path))),
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_byte_of_any_file_is_lost() {
    let mut wrong = Vec::new();
    for path in dockerfiles() {
        let source = fs::read(&path).unwrap();
        let Ok(file) = File::parse(&source) else { continue };
        let joined: Vec<u8> = file.tiles.iter().flat_map(|tile| tile.span.of(&source).to_vec()).collect();
        assert_eq!(joined, source, "{}", name(&path));
        if let Err(what) = lossless(&file).and_then(|()| lossless_scripts(&file)) {
            wrong.push(format!("{}: {what}", name(&path)));
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// A line of the table of words.
struct Asked {
    word: String,
    escape: u8,
    /// The word expanded; `None` where BuildKit refuses it.
    result: Option<String>,
    words: Vec<String>,
    reads: Vec<String>,
}

/// The table of words with the variables that are set.
fn table() -> (BTreeMap<String, String>, Vec<Asked>) {
    let text = fs::read_to_string(root().join("tests/golden/words.jsonl")).unwrap();
    let strings = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let (mut variables, mut asked) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        if line["env"].is_array() {
            let pairs = strings(&line["env"]);
            let pairs = pairs.iter().map(|pair| pair.split_once('=').unwrap());
            variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            continue;
        }
        asked.push(Asked {
            word: line["word"].as_str().unwrap().to_owned(),
            escape: line["escape"].as_str().unwrap().as_bytes()[0],
            result: line["result"].as_str().map(str::to_owned),
            words: strings(&line["words"]),
            reads: strings(&line["reads"]),
        });
    }
    (variables, asked)
}

#[test]
fn every_word_is_expanded_as_buildkit_does() {
    let (variables, asked) = table();
    assert!(asked.len() > 4000, "{} words", asked.len());
    let lookup = |name: &str| match variables.get(name) {
        Some(value) => Value::Set(value.as_str().into()),
        None => Value::Unset,
    };
    let mut wrong = Vec::new();
    for Asked { word, escape, result, words, reads } in &asked {
        let read = words::try_expand(word, *escape, lookup);
        if read.as_ref().ok().map(|read| &read.text) != result.as_ref() || read.is_ok_and(|read| !read.known) {
            let read = words::try_expand(word, *escape, lookup);
            wrong.push(format!("{word:?} with {}: {read:?} is not {result:?}", char::from(*escape)));
            continue;
        }
        if result.is_some() && words::expand_words(word, *escape, lookup).as_ref() != Some(words) {
            let read = words::expand_words(word, *escape, lookup);
            wrong.push(format!("{word:?} with {}: {read:?} is not {words:?}", char::from(*escape)));
        }
        let mut names = words::reads(word, *escape);
        names.sort();
        if result.is_some() && names != *reads {
            wrong.push(format!("{word:?} with {} reads {names:?}, not {reads:?}", char::from(*escape)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} words\n{}", wrong.len(), asked.len(), wrong.join("\n"));
}

#[test]
fn a_word_that_reads_something_unknown_keeps_the_reference_as_it_is_written() {
    let (variables, asked) = table();
    for Asked { word, escape, result, reads, .. } in asked.iter().filter(|asked| asked.result.is_some()) {
        for hidden in reads {
            let read = words::expand(word, *escape, |name| match variables.get(name) {
                _ if name == hidden => Value::Unknown,
                Some(value) => Value::Set(value.as_str().into()),
                None => Value::Unset,
            });
            // What stays known does not depend on the variable.
            assert!(!read.known || read.text == *result.as_ref().unwrap(), "{word:?} without {hidden}: {read:?}");
        }
    }
}
