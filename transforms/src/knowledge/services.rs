//! Services that need root when they start, or that start as root and go on as a user of their own: by the package that
//! brings them, the port that they listen on, their program, the place of their settings, or a word in the name of an image.

use super::sorted::{Row, Sorted};

static SERVICES: Sorted = Sorted::new(include_str!("../../data/services.tsv"));

/// What is known about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Its name, as the table has it.
    pub name: &'static str,
    /// The code of the refusal that follows.
    pub code: &'static str,
    /// Why, as a sentence about it.
    pub why: &'static str,
}

/// The service that a package of this name brings, which a script starts that can't be seen: `postgresql-9.6` is found as
/// `postgresql`.
pub fn of_package(name: &str) -> Option<Service> {
    versioned(name, &["package", "behind"])
}

/// The service of this name, or else of the name without a version, in the first of the places that has one.
fn versioned(name: &str, places: &[&str]) -> Option<Service> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '*'));
    let rows = [SERVICES.find(name), if plain == name { None } else { SERVICES.find(plain) }];
    places.iter().find_map(|place| rows.iter().flatten().find_map(|row| of_row(row, place)))
}

/// What a package of this name brings that somebody calls who has to be root: a tool, or a service.
pub fn of_tool(name: &str) -> Option<Service> {
    versioned(name, &["package"]).or_else(|| find(name, "tool"))
}

/// What a package of this name brings that is there for the project's program to call.
pub fn of_called(name: &str) -> Option<Service> {
    find(name, "called")
}

/// The service that listens on a port, which is named as EXPOSE does.
pub fn of_port(port: &str) -> Option<Service> {
    let port = port.to_ascii_lowercase();
    find(port.trim_end_matches("/tcp"), "port")
}

/// The service that reads what lies at this path: the path itself or a folder above it is one that the table knows.
pub fn of_place(path: &str) -> Option<Service> {
    let ends = memchr::memchr_iter(b'/', path.as_bytes()).skip(1).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).find_map(|place| find(place, "place"))
}

/// The service that a program of this name is.
pub fn of_program(name: &str) -> Option<Service> {
    find(name, "program")
}

/// What a command of the build, by its name, says of what starts.
pub fn of_build(name: &str) -> Option<Service> {
    find(name, "build")
}

/// The service that a word in an image's name says that it runs.
pub fn of_image(name: &str) -> Option<Service> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).find_map(|word| {
        let word = word.to_ascii_lowercase();
        find(&word, "image").or_else(|| find(word.trim_end_matches(|c: char| c.is_ascii_digit()), "image"))
    })
}

fn find(name: &str, place: &str) -> Option<Service> {
    of_row(&SERVICES.find(name)?, place)
}

/// The service of a row, where the row is about such a place.
fn of_row(row: &Row, place: &str) -> Option<Service> {
    let fits = row.column(0).split(' ').any(|known| known == place);
    fits.then(|| Service { name: row.key, code: row.column(1), why: row.column(2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_all_of_every_service() {
        SERVICES.check();
        for row in SERVICES.rows() {
            assert!(
                row.column(0).split(' ').all(|place| matches!(
                    place,
                    "behind" | "build" | "called" | "package" | "image" | "place" | "port" | "program" | "tool"
                )),
                "{}",
                row.key
            );
            assert!(!row.column(1).is_empty() && !row.column(2).is_empty(), "{}", row.key);
        }
    }

    #[test]
    fn places_are_found_by_the_folders_above() {
        let place = |path| of_place(path).map(|service| service.name);
        assert_eq!(place("/etc/cron.d/backup"), Some("/etc/cron.d"));
        assert_eq!(place("/etc/crontab"), Some("/etc/crontab"));
        assert_eq!(place("/etc/crontab.txt"), None);
        assert_eq!(place("/etc"), None);
    }

    #[test]
    fn versions_and_the_words_of_names_are_understood() {
        let package = |name| of_package(name).map(|service| service.name);
        assert_eq!(package("postgresql-9.6"), Some("postgresql"));
        assert_eq!(package("bind9"), Some("bind9"));
        assert_eq!(package("postgresql-client"), None);
        assert_eq!(package("nginx"), None);
        let tool = |name| of_tool(name).map(|service| service.name);
        assert_eq!(
            (tool("tcpdump"), tool("openssh-server"), tool("postgresql"), tool("fuse")),
            (Some("tcpdump"), Some("openssh-server"), Some("postgresql"), None)
        );
        assert_eq!((package("tcpdump"), of_program("crond").map(|service| service.code)), (None, Some("needs-root")));
        assert_eq!(of_port("22/TCP").map(|service| service.name), Some("22"));
        assert_eq!(of_port("123"), None);
        let image = |name| of_image(name).map(|service| service.name);
        assert_eq!(image("example/alpine-s6"), Some("s6"));
        assert_eq!(image("example/php56-Apache-node:latest"), Some("apache"));
        assert_eq!(image("example/awestruct:1.2"), None);
    }
}
