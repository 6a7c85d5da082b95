//! What stands in for packages of a release whose packages are only in the archive.

use crate::model::paths;
use crate::syntax::{File, Keyword};

use super::super::plan::Carried;
use super::super::survey::Survey;

/// Where the builder puts the shared libraries that the modules link to.
const COLLECTED: &str = "/opt/libraries";

/// What collects, in the builder, the shared libraries of the system that the modules link to: the loader names them, which
/// no list of packages does better. `None` where no modules are carried, or something else than root and `/bin/sh` works there.
pub(super) fn collecting(survey: &Survey<'_, '_>, last_build: usize, carried: &[Carried]) -> Option<String> {
    let other = |keyword| matches!(keyword, Keyword::User | Keyword::Shell);
    if survey.units.iter().take(last_build + 1).any(|unit| other(unit.instruction.keyword)) {
        return None;
    }
    let plain = |path: &&str| !path.contains(['*', '$', ' ', '\'', '"']);
    let paths = carried.iter().map(|carried| carried.from.as_str()).filter(plain);
    let (programs, folders): (Vec<&str>, Vec<&str>) =
        paths.partition(|path| [path, &paths::parent(path)].iter().any(|path| paths::name(path) == "bin"));
    if folders.is_empty() {
        return None;
    }
    let mut asked: Vec<String> = programs
        .iter()
        .map(|path| if paths::name(path) == "bin" { format!("{path}/*") } else { (*path).to_owned() })
        .collect();
    asked.push(format!("$(find {} -name '*.so*')", folders.join(" ")));
    let File { escape, eol, .. } = survey.model.file;
    let next = format!(" {}{}    ", char::from(*escape), eol.text());
    // What the loader and the C library consist of, the small image has of its own.
    Some(format!(
        "mkdir {COLLECTED}{next}&& ldd {} 2>/dev/null{next}| awk '$3 ~ \"^/(usr/)?lib/\" && $1 !~ \
         /^lib(c|dl|m|pthread|resolv|rt|util)[.]so/ {{ print $3 }}'{next}| sort -u | xargs -r cp -Lt {COLLECTED}",
        asked.join(" ")
    ))
}

/// What was collected.
pub(super) fn collected() -> Carried {
    Carried {
        from: format!("{COLLECTED}/"),
        to: "/usr/local/lib/".into(),
        owner: None,
        evidence: "modules link to these libraries, and the packages of this release are only in the archive".into(),
    }
}

/// Files that the full image has, in place of packages that can't be installed: these go from the list.
pub(super) fn in_place_of(packages: &mut Vec<String>, language: &str) -> Vec<Carried> {
    let mut carried = Vec::new();
    packages.retain(|package| {
        let files: &[(&str, &str)] = match package.as_str() {
            "libgomp1" => &[("/usr/lib/*/libgomp.so.1*", "/usr/local/lib/")],
            "libgmp10" => &[("/usr/lib/*/libgmp.so.10*", "/usr/local/lib/")],
            // Programs of these languages look for this file, whatever else of the package is there.
            "ca-certificates" if matches!(language, "elixir" | "erlang" | "go" | "haskell" | "perl") => {
                &[("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt")]
            }
            _ => &[],
        };
        carried.extend(files.iter().map(|(from, to)| Carried {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            owner: None,
            evidence: format!("{package} may be needed, and the packages of this release are only in the archive"),
        }));
        // The names of protocols are in no place that is sure, and few programs ask for them.
        files.is_empty() && package != "netbase"
    });
    carried
}
