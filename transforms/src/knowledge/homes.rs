//! Commands that keep what they set up in the home of who runs them, where the tool looks for it again.

use super::sorted::{Row, Sorted};

static HOMES: Sorted = Sorted::new(include_str!("../../data/homes.tsv"));

/// The variable that would name another place for what this command sets up; `None` where it keeps nothing in the home.
pub fn keeps(program: &str, args: &[String]) -> Option<&'static str> {
    row(program, args).map(|row| row.column(1))
}

/// The folder of the home in which the tool goes on writing whenever it runs.
pub fn writes(program: &str, args: &[String]) -> Option<&'static str> {
    row(program, args).map(|row| row.column(2)).filter(|folder| !folder.is_empty())
}

fn row(program: &str, args: &[String]) -> Option<Row> {
    let follows = |words: &str| {
        let mut args = args.iter();
        words.split(' ').all(|word| args.any(|arg| arg.starts_with(word)))
    };
    HOMES.all(program).find(|row| follows(row.column(0)))
}

static DOTFILES: Sorted = Sorted::new(include_str!("../../data/dotfiles.tsv"));

/// Whether a file of this name in a home is for who works in a shell there, or builds the image: no server reads it.
pub fn is_for_shells(name: &str) -> bool {
    is_read_by(name, "shells")
}

/// Whether a file or folder of this name in a home is a setting, or a secret, that only tools of the build read.
pub fn is_for_builds(name: &str) -> bool {
    is_read_by(name, "build")
}

/// Whether programs, or the libraries that they use, read a file or folder of this name in the home of who runs them.
pub fn is_for_programs(name: &str) -> bool {
    is_read_by(name, "programs")
}

fn is_read_by(name: &str, who: &str) -> bool {
    DOTFILES.find(name).is_some_and(|row| row.column(0).split(' ').any(|reader| reader == who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_words_follow_each_other() {
        HOMES.check();
        DOTFILES.check();
        assert!(is_for_shells(".bashrc") && is_for_shells("gemrc") && !is_for_shells(".netrc"));
        assert!(is_for_builds(".netrc") && is_for_builds(".gemrc") && !is_for_builds(".bashrc"));
        let keeps = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            super::keeps(&words[0], &words[1..])
        };
        assert_eq!(keeps("helm repo add stable https://example.com"), Some("HELM_REPOSITORY_CONFIG"));
        assert_eq!(keeps("helm version"), None);
        assert_eq!(keeps("git config --global user.name somebody"), Some("GIT_CONFIG_GLOBAL"));
        assert_eq!(keeps("git config --system user.name somebody"), None);
        assert_eq!(keeps("git clone --global"), None);
    }
}
