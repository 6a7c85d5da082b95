//! What programs download into the home of who runs them, and look for there again.

use std::sync::LazyLock;

use regex::Regex;

use super::sorted::Sorted;

static FETCHES: Sorted = Sorted::new(include_str!("../../data/fetches.tsv"));

/// Any of the words of the table. Few texts hold one, and all are looked for at once.
static ANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words: Vec<String> = FETCHES.rows().map(|row| regex::escape(row.key)).collect();
    Regex::new(&words.join("|")).ok()
});

/// Where a download goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// Models, into `~/.cache/huggingface`.
    Models,
    /// Something else, into a folder of its own in the home.
    Home,
    /// A browser, with all the libraries that one needs.
    Browser,
}

/// What the text of a program, or a command line, downloads into the home; `None` where nothing says so, or where it
/// names another folder.
///
/// The answer is the first of the table that the text holds, with the words that say so.
pub fn of(text: &str) -> Option<(Fetch, &'static str)> {
    if ANY.as_ref().is_some_and(|any| !any.is_match(text)) {
        return None;
    }
    let elsewhere = ["local_dir", "--local-dir", "cache_dir", "save_pretrained", "download_dir"];
    if elsewhere.iter().any(|word| text.contains(word)) {
        return None;
    }
    let row = FETCHES.rows().find(|row| text.contains(row.key))?;
    let fetch = match row.rest {
        "models" => Fetch::Models,
        "browser" => Fetch::Browser,
        _ => Fetch::Home,
    };
    Some((fetch, row.key))
}
