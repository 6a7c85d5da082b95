//! The files that a command reads in the folder where it works, and has nothing to do without; and those beside which a
//! build makes a folder.

use super::sorted::Sorted;

static MANIFESTS: Sorted = Sorted::new(include_str!("../../data/manifests.tsv"));
static OUTPUTS: Sorted = Sorted::new(include_str!("../../data/outputs.tsv"));

/// The names of the files, as patterns, any of which is enough for the command; `None` where it needs none.
pub fn needed(program: &str, subcommand: Option<&str>) -> Option<&'static str> {
    let fits =
        |words: &str| words.is_empty() || subcommand.is_some_and(|said| words.split(' ').any(|word| word == said));
    MANIFESTS.all(program).find(|row| fits(row.column(0))).map(|row| row.column(1))
}

/// The names of the files, as patterns, any of which says that a build makes a folder of this name beside it.
pub fn beside(folder: &str) -> Option<&'static str> {
    OUTPUTS.find(folder).map(|row| row.column(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_a_subcommand_may_say_more() {
        MANIFESTS.check();
        OUTPUTS.check();
        assert_eq!(needed("npm", Some("ci")), Some("package.json"));
        assert_eq!(needed("npm", Some("config")), None);
        assert_eq!(needed("mvn", Some("package")), Some("pom.xml"));
        assert_eq!(needed("ls", None), None);
        assert_eq!(beside("target"), Some("Cargo.toml build.sbt pom.xml project.clj"));
        assert_eq!(beside("src"), None);
    }
}
