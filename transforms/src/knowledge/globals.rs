//! Packages of npm that people install for everybody, and the programs that they bring.

use super::sorted::Sorted;

static GLOBALS: Sorted = Sorted::new(include_str!("../../data/globals.tsv"));

/// A package without native code of its own.
pub struct Global {
    /// Whether it only makes or checks what is shipped: `typescript`, `eslint`.
    pub builds: bool,
    programs: &'static str,
}

impl Global {
    /// The programs that it brings.
    pub fn programs(&self) -> impl Iterator<Item = &'static str> {
        self.programs.split(' ')
    }
}

/// What is known of a package; `None` where nothing is.
pub fn global(package: &str) -> Option<Global> {
    GLOBALS.find(package).map(|row| Global { builds: row.column(0) == "build", programs: row.column(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        GLOBALS.check();
        let pm2 = global("pm2").unwrap();
        assert!(!pm2.builds && pm2.programs().eq(["pm2", "pm2-dev", "pm2-docker", "pm2-runtime"]));
        assert!(global("sqlite3").is_none());
    }
}
