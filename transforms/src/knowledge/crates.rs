//! Crates that people install for their programs, which are called otherwise.

use super::sorted::Sorted;

static CRATES: Sorted = Sorted::new(include_str!("../../data/crates.tsv"));

/// The programs of a crate; `None` where the one that it has is called as the crate is, as far as is known.
pub fn programs(name: &str) -> Option<impl Iterator<Item = &'static str>> {
    CRATES.find(name).map(|row| row.rest.split(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        CRATES.check();
        assert!(programs("ripgrep").is_some_and(|programs| programs.eq(["rg"])));
        assert!(programs("exa").is_none());
    }
}
