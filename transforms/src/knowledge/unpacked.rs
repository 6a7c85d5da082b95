//! Programs that are unpacked into a folder of their own and only read there.

use super::sorted::Sorted;
use super::words::Words;

static UNPACKED: Sorted = Sorted::new(include_str!("../../data/unpacked.tsv"));

/// Whether nothing writes into a folder of this name: `apache-maven-3.6.3`, `jdk1.8.0_131`, `node-v10-linux-x64`.
pub fn is_only_read(folder: &str) -> bool {
    let name = folder.to_ascii_lowercase();
    // `cmake-$VERSION` is as good.
    let name = name.split('$').next().unwrap_or_default();
    let version = |part: &str| {
        let part = part.strip_prefix('v').unwrap_or(part);
        part.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) || Words::PlatformWords.has(part)
    };
    let mut end = name.len();
    for (at, _) in name.match_indices(['-', '_', '.']) {
        if version(name.get(at + 1..).unwrap_or_default().split(['-', '_', '.']).next().unwrap_or_default()) {
            end = at;
            break;
        }
    }
    let stem = name.get(..end).unwrap_or(name).trim_end_matches(['-', '_', '.']);
    let known = |stem: &str| UNPACKED.find(stem).is_some();
    known(stem) || known(stem.trim_end_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_are_known_without_version_and_platform() {
        UNPACKED.check();
        for name in [
            "apache-maven-3.6.3",
            "jdk1.8.0_131",
            "node-v10.1.0-linux-x64",
            "yarn-v1.22.4",
            "python3",
            "cmake-${VERSION}-Linux",
            "clang+llvm-9.0.0-x86_64-linux-gnu",
            "instantclient_12_1",
            "miniconda3",
            "graalvm-ce-19.2.1",
            "phantomjs-2.1.1-linux-x86_64",
        ] {
            assert!(is_only_read(name), "{name}");
        }
        for name in ["go-server", "node-red", "apache-tomcat-8.5", "google", "kafka_2.11-1.0", "java-app", "3.1", ""] {
            assert!(!is_only_read(name), "{name}");
        }
    }
}
