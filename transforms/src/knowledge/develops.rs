//! Programs that compile when they start: development servers, and servers that read a project's settings as they do.

use super::sorted::Sorted;

static DEVELOPS: Sorted = Sorted::new(include_str!("../../data/develops.tsv"));

/// Where a program that compiles when it starts keeps what comes of it, from the project's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeps {
    own: &'static str,
    build: &'static str,
}

impl Keeps {
    /// Folders that it writes to in any case.
    pub fn own(self) -> impl Iterator<Item = &'static str> {
        self.own.split_ascii_whitespace()
    }

    /// Folders that a build has made before, where there was one, and that it writes to again.
    pub fn build(self) -> impl Iterator<Item = &'static str> {
        self.build.split_ascii_whitespace()
    }
}

/// What `program` keeps that is started with these words; `None` where it does not compile when it starts.
pub fn keeps(program: &str, args: &[String]) -> Option<Keeps> {
    let row = DEVELOPS.find(program)?;
    let mut verbs = row.column(0).split(' ');
    // Where no word is needed, `--host 0.0.0.0` or `index.html` may follow, but no word that says something else.
    const OTHER: [&str; 10] =
        ["analyze", "build", "export", "generate", "info", "lint", "preview", "start", "test", "typecheck"];
    let compiles = verbs.any(|verb| match verb {
        "-" => !args.iter().any(|arg| OTHER.contains(&arg.as_str()) || arg == "--version"),
        _ => args.iter().any(|arg| arg == verb),
    });
    compiles.then(|| Keeps { own: row.column(1), build: row.column(2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_the_words_behind_the_program_count() {
        DEVELOPS.check();
        let keeps = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            super::keeps(&words[0], &words[1..]).map(|keeps| keeps.own().collect::<Vec<_>>())
        };
        assert!(keeps("next").is_some() && keeps("next dev -p 80").is_some() && keeps("next -p 80").is_some());
        assert_eq!(keeps("next start"), None);
        assert_eq!(keeps("gatsby"), None);
        let vite = Some(vec!["node_modules/.vite", "node_modules/.vite-temp"]);
        assert_eq!(keeps("vite --host 0.0.0.0"), vite);
        assert_eq!(keeps("vite preview"), vite);
        assert_eq!(keeps("vite build"), None);
    }
}
