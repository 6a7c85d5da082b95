//! Programs of the images that stand on `buildpack-deps`, which their slim counterparts lack.

use super::sorted::Sorted;

static BUILDPACK: Sorted = Sorted::new(include_str!("../../data/buildpack.tsv"));

/// Languages whose full images stand on `buildpack-deps`.
const LANGUAGES: [&str; 9] = ["c", "elixir", "erlang", "go", "node", "perl", "python", "ruby", "rust"];

/// The package that brings a program to a slim image.
pub fn package(program: &str) -> Option<&'static str> {
    BUILDPACK.find(program).map(|row| row.column(0))
}

/// Whether the name of a program is a word that means other things as well.
pub fn is_word(program: &str) -> bool {
    BUILDPACK.find(program).is_some_and(|row| row.column(1) == "word")
}

/// Whether the full image of a language has a program that its slim one lacks.
pub fn has(language: &str, program: &str) -> bool {
    LANGUAGES.contains(&language)
        && !is_own(language, program)
        && BUILDPACK.find(program).is_some_and(|row| row.column(1) != "-")
}

/// Whether a program is the language's own, which its slim image has as well.
pub fn is_own(language: &str, program: &str) -> bool {
    language == "python" && program == "python3"
}

#[cfg(test)]
mod tests {
    use super::{BUILDPACK, has, is_word, package};

    #[test]
    fn the_table_is_sorted() {
        BUILDPACK.check();
    }

    #[test]
    fn what_full_images_have() {
        assert_eq!(package("git"), Some("git"));
        assert_eq!(package("lerna"), Some("git"));
        assert!(has("node", "git") && !has("node", "lerna") && !has("java", "git"));
        assert!(has("node", "python3") && !has("python", "python3"));
        assert!(is_word("convert") && !is_word("git"));
    }
}
