//! The text of a request. What comes from the repository is quoted, so that it mentions nobody, links nowhere and stays
//! inside its quotes.

use dockwright_transforms::rewrite::Report;

/// One file's change.
pub(super) struct Changed {
    /// The file, from the repository's root.
    pub(super) path: String,
    /// What was fixed.
    pub(super) fixed: Vec<Report>,
}

/// Printable characters on one line, nothing that a terminal or a page takes for more.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(300).collect()
}

/// A text as code: no markup, mention or link in it counts, and it can't end the quotes.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", plain(text).replace('`', "'"))
}

/// A sentence of our own that may hold words of the repository.
fn sentence(text: &str) -> String {
    let mut out = String::new();
    for one in plain(text).replace('`', "'").chars() {
        if matches!(one, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~') {
            out.push('\\');
        }
        out.push(one);
        // `@name` mentions a person and `#1` links; with an invisible mark between they do not. So do addresses.
        if matches!(one, '@' | '#' | ':') {
            out.push('\u{200b}');
        }
    }
    out
}

/// The text of the request for one transform.
pub(super) fn text(id: &str, why: &str, files: &[Changed]) -> String {
    let mut out = format!("{why}\n");
    for file in files {
        out.push_str(&format!("\n### {}\n\n", code(&file.path)));
        for report in &file.fixed {
            out.push_str(&format!("{}\n", sentence(&report.detail)));
            if !report.assumptions.is_empty() {
                out.push_str("\nTaken for granted; please look at each:\n\n");
            }
            for assumption in &report.assumptions {
                out.push_str(&format!("- [ ] {}\n", sentence(assumption)));
            }
        }
    }
    out.push_str(&format!(
        "\n---\nThis branch belongs to dockwright, which keeps it up to date while nobody else commits to it. Close the \
         request, and it is not opened again. To leave this out for good, put `skip = [\"{id}\"]` into `dockwright.toml`.\n"
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_repository_stay_words() {
        let hostile = "run `x` @everyone <img src=x> [a](http://evil) #1 \u{1b}[31m\n```";
        let shown = sentence(hostile);
        assert!(!shown.contains("@everyone") && !shown.contains("http://") && !shown.contains('\u{1b}'), "{shown}");
        assert!(!shown.contains('`') && !shown.contains('\n') && shown.contains("\\<img"), "{shown}");
        assert_eq!(code("a`b\n@x"), "`a'b @x`");
    }
}
