//! What an image holds that is there for compiling in it: packages that only who compiles has a use for, and programs that
//! start a compiler when they run, or are one.

use std::sync::LazyLock;

use super::sorted::{Row, Sorted};

static WORKPLACES: Sorted = Sorted::new(include_str!("../../data/workplaces.tsv"));

/// The rows that stand for all packages whose names begin so.
static FAMILIES: LazyLock<Vec<Row>> = LazyLock::new(|| {
    WORKPLACES.rows().filter(|row| row.key.starts_with("package ") && row.key.ends_with('-')).collect()
});

/// The parts of names of images in which other people's builds run.
static AGENTS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| WORKPLACES.rows().filter_map(|row| row.key.strip_prefix("agent ")).collect());

/// The programs by which a command of the file uses a package itself that only who compiles has a use for; `None` where it
/// is none. A name in the table that ends with a dash stands for all that begin with it.
pub fn package(name: &str) -> Option<impl Iterator<Item = &'static str>> {
    let family = |row: &&Row| row.key.strip_prefix("package ").is_some_and(|known| name.starts_with(known));
    let row = WORKPLACES.find_pair("package", b' ', name).or_else(|| FAMILIES.iter().find(family).copied());
    row.map(|row| row.rest.split_ascii_whitespace())
}

/// The programs of a project, by its name without a version, that compile when they start; `None` where it has none.
pub fn project(name: &str) -> Option<impl Iterator<Item = &'static str>> {
    WORKPLACES.find_pair("project", b' ', name).map(|row| row.rest.split_ascii_whitespace())
}

/// Whether an image is one in which other people's builds run, by its name.
pub fn is_agent(name: &str) -> bool {
    AGENTS.iter().any(|agent| name.contains(agent))
}

/// Whether a program watches sources, and compiles them again whenever one changes.
pub fn watches(program: &str) -> bool {
    WORKPLACES.find_pair("watcher", b' ', program).is_some()
}

/// Whether a module of Python compiles when it is used.
pub fn compiles(module: &str) -> bool {
    WORKPLACES.find_pair("module", b' ', module).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_families_of_packages_are_known_by_how_they_begin() {
        WORKPLACES.check();
        assert!(package("ccache").is_some_and(|mut programs| programs.next().is_none()));
        assert!(package("crossbuild-essential-armhf").is_some());
        assert!(package("gcc").is_none() && package("crossbuild").is_none());
        assert!(project("varnish").is_some_and(|mut programs| programs.any(|program| program == "varnishd")));
        assert!(project("nginx").is_none());
        assert!(is_agent("jenkins/jnlp-slave") && !is_agent("jenkins/jenkins"));
        assert!(watches("air") && !watches("nginx"));
        assert!(compiles("vllm") && !compiles("flask"));
    }
}
