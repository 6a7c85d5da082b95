//! Where the tools of languages keep what they fetch, outside of every home.

use super::sorted::{Row, Sorted};

static STORES: Sorted = Sorted::new(include_str!("../../data/stores.tsv"));

/// What a tool keeps what it fetches in.
#[derive(Debug, Clone, Copy)]
pub struct Fetched(Row);

/// What a tool does about what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It fetches what the project asks for, and does nothing else.
    Project,
    /// It fetches what the project asks for, where that is not there yet.
    Lacking,
    /// It fetches something of its own.
    Other,
}

/// The place of a tool.
pub fn of(tool: &str) -> Option<Fetched> {
    STORES.find(tool).map(Fetched)
}

/// Every tool that has one, with it.
pub fn all() -> impl Iterator<Item = (&'static str, Fetched)> {
    STORES.rows().map(|row| (row.key, Fetched(row)))
}

impl Fetched {
    /// The variable that names the place.
    pub fn variable(self) -> &'static str {
        self.0.column(0)
    }

    /// The folder in it that fills; empty for the place itself.
    pub fn folder(self) -> &'static str {
        self.0.column(1)
    }

    /// What the tool does by this verb about what is there; `None` where it fetches nothing.
    pub fn kind(self, verb: &str) -> Option<Kind> {
        let kinds = [(2, Kind::Project), (3, Kind::Lacking), (4, Kind::Other)];
        kinds.into_iter().find(|(at, _)| self.0.column(*at).split(' ').any(|word| word == verb)).map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_fetches() {
        STORES.check();
        let kind = |tool: &str, verb: &str| of(tool).and_then(|one| one.kind(verb));
        assert_eq!(kind("go", "mod"), Some(Kind::Project));
        assert_eq!(kind("cargo", "run"), Some(Kind::Lacking));
        assert_eq!(kind("cargo", "install"), Some(Kind::Other));
        assert_eq!(kind("bundle", "exec"), None);
        assert_eq!(of("cargo").map(Fetched::folder), Some("registry"));
    }
}
