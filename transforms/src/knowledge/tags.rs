//! The tags of the official images, and the release that each was last built on.
//!
//! What a tag gives today is what it was last built on: rolling tags move, and a tag that is built no more stays at
//! its last state.

use super::{releases, sorted::Sorted};

macro_rules! tables {
    ($($image:literal)*) => {
        [$(($image, Sorted::new(include_str!(concat!("../../data/tags/", $image, ".tsv"))))),*]
    };
}

// Sorted by name: one file an image.
static TABLES: [(&str, Sorted); 41] = tables! {
    "almalinux" "alpine" "amazoncorretto" "amazonlinux" "buildpack-deps" "busybox" "caddy" "centos" "clojure"
    "composer" "dart" "debian" "eclipse-temurin" "elixir" "erlang" "fedora" "gcc" "golang" "gradle" "groovy"
    "haskell" "httpd" "jruby" "julia" "maven" "mono" "nginx" "node" "openjdk" "oraclelinux" "perl" "php" "pypy"
    "python" "r-base" "rockylinux" "ruby" "rust" "swift" "tomcat" "ubuntu"
};

fn table(image: &str) -> Option<&'static Sorted> {
    let at = TABLES.binary_search_by(|(name, _)| (*name).cmp(image)).ok()?;
    TABLES.get(at).map(|(_, table)| table)
}

/// Whether the tags of this official image are listed here at all. Where they are not, nothing can be said of a tag.
pub fn listed(image: &str) -> bool {
    table(image).is_some()
}

/// Whether this Linux tag of an official image (`golang`, never `library/golang`) exists.
pub fn exists(image: &str, tag: &str) -> bool {
    table(image).is_some_and(|table| table.find(tag).is_some())
}

/// The release that the tag was last built on: `bookworm`, `alpine3.20`, `jammy`; see [`releases::release`].
///
/// `None` where the tag is not listed, or its release is not known.
pub fn release(image: &str, tag: &str) -> Option<&'static str> {
    let row = table(image)?.find(tag)?;
    match row.rest {
        "" => releases::named_in(row.key).map(|release| release.name),
        "?" => None,
        name => Some(name.strip_prefix('~').unwrap_or(name)),
    }
}

/// Whether the release of this tag is inferred (from neighbours and the distribution's calendar), not listed.
pub fn is_inferred(image: &str, tag: &str) -> bool {
    table(image).and_then(|table| table.find(tag)).is_some_and(|row| row.rest.starts_with('~'))
}

/// The tags of an official image, sorted by their bytes; none where the image is not listed.
pub fn tags(image: &str) -> impl Iterator<Item = &'static str> {
    table(image).into_iter().flat_map(Sorted::rows).map(|row| row.key)
}

/// The official images whose tags are listed, sorted.
pub fn images() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(TABLES.is_sorted_by_key(|(name, _)| *name));
        for (_, table) in &TABLES {
            table.check();
        }
    }

    #[test]
    fn every_listed_tag_is_found_and_its_release_is_known_by_name() {
        let (mut all, mut known) = (0, 0);
        for image in images() {
            for tag in tags(image) {
                all += 1;
                assert!(exists(image, tag), "{image}:{tag}");
                let row = table(image).and_then(|table| table.find(tag)).expect("listed");
                if row.rest != "?" {
                    known += 1;
                    let name = release(image, tag).unwrap_or_else(|| panic!("{image}:{tag} names no release"));
                    assert!(releases::release(name).is_some(), "{image}:{tag} is built on {name}, which no table has");
                }
            }
        }
        assert!(all > 87_000, "{all}");
        assert!(known * 100 > all * 80, "{known} of {all}");
    }

    #[test]
    fn rolling_tags_give_their_last_state() {
        for (image, tag, expected) in [
            ("golang", "1.22-alpine", Some("alpine3.21")),
            ("golang", "1.22", Some("bookworm")),
            ("golang", "1.9", Some("stretch")),
            ("golang", "1.7", Some("jessie")),
            ("golang", "1.8.1-alpine", Some("alpine3.5")),
            ("debian", "bookworm-slim", Some("bookworm")),
            ("debian", "8.11-slim", Some("jessie")),
            ("alpine", "3.20.3", Some("alpine3.20")),
            ("ubuntu", "22.04", Some("jammy")),
            ("ubuntu", "17.10", Some("artful")),
            ("node", "8.1.0", Some("jessie")),
            ("python", "3.6", Some("bullseye")),
            ("amazonlinux", "2", Some("al2")),
            ("golang", "1.22-nope", None),
            ("no-such-image", "1", None),
        ] {
            assert_eq!(release(image, tag), expected, "{image}:{tag}");
        }
    }

    #[test]
    fn absent_tags_are_absent() {
        assert!(!exists("golang", ""));
        assert!(!exists("golang", "# Source"));
        assert!(!exists("golang", "0.1"));
        assert!(!exists("library/golang", "1.22"));
        assert!(!listed("postgres"));
    }
}
