//! Modules by which a program does what the kernel lets root alone do.

use super::sorted::Sorted;

static MODULES: Sorted = Sorted::new(include_str!("../../data/rooted.tsv"));

/// Whether a file of this name is a manifest that [`named`] reads.
pub fn is_manifest(file: &str) -> bool {
    const MANIFESTS: [&str; 5] = ["Cargo.toml", "Pipfile", "go.mod", "package.json", "pyproject.toml"];
    MANIFESTS.contains(&file) || file.starts_with("requirements") && file.ends_with(".txt")
}

/// The first such module that a manifest of the name `file` asks for by itself, with what it is for; `imports` answers
/// whether a source of the project imports a module.
pub fn named(file: &str, text: &str, imports: impl Fn(&str) -> bool) -> Option<(String, &'static str)> {
    text.lines().filter(|line| !line.contains("// indirect") && !line.trim_start().starts_with('#')).find_map(|line| {
        // The first word of the line, without its quotes and its version.
        let line = line.trim().trim_start_matches("require ").trim_start_matches(['"', '\'']);
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "./-_".contains(c))).unwrap_or(line.len());
        let module = line.get(..end)?.to_ascii_lowercase();
        let row = MODULES.find(&module).filter(|row| file.starts_with(row.column(1)))?;
        // A frozen list has every module that another one asks for.
        let asked = !row.column(2).is_empty() && is_frozen(file, text) && !imports(row.column(2));
        (!asked).then(|| (module, row.column(0)))
    })
}

/// Whether a list is what `pip freeze` writes: versions of all that is installed.
fn is_frozen(file: &str, text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    file.starts_with("requirements") && text.lines().count() > 40 && lines.all(|line| line.contains("=="))
}

#[cfg(test)]
mod tests {
    use super::{MODULES, is_manifest, named};

    #[test]
    fn the_table_is_sorted() {
        MODULES.check();
    }

    #[test]
    fn a_module_stands_first_in_its_line() {
        let found = |file: &str, text: &str| {
            is_manifest(file).then(|| named(file, text, |_| false)).flatten().map(|(module, _)| module)
        };
        assert_eq!(
            found("go.mod", "require (\n\tgithub.com/cilium/ebpf v0.21.0\n)\n").as_deref(),
            Some("github.com/cilium/ebpf")
        );
        assert_eq!(found("go.mod", "\tgithub.com/cilium/ebpf v0.21.0 // indirect\n"), None);
        assert_eq!(found("requirements.txt", "flask\nScapy==2.5.0\n").as_deref(), Some("scapy"));
        assert_eq!(found("Cargo.toml", "aya = \"0.12\"\n").as_deref(), Some("aya"));
        assert_eq!(found("package.json", "    \"raw-socket\": \"^1.8.0\"\n").as_deref(), Some("raw-socket"));
        assert_eq!(found("requirements.txt", "scapy-http\n"), None);
        assert_eq!(found("notes.txt", "scapy\n"), None);
        assert_eq!(found("requirements-prod.txt", "docker>=7\n").as_deref(), Some("docker"));
        assert_eq!(found("package.json", "    \"docker\": \"docker build .\",\n"), None);
        let frozen = "docker==7.0.0\n".to_owned() + &"flask==3.0.3\n".repeat(50);
        assert_eq!(found("requirements.txt", &frozen), None);
        assert!(named("requirements.txt", &frozen, |_| true).is_some());
    }
}
