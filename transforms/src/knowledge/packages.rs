//! Packages of the distributions: what is there to build with, and what a program needs of it when it runs.

use std::sync::LazyLock;

use super::releases::Manager;
use super::sorted::{Map, Sorted};

static BUILD: Sorted = Sorted::new(include_str!("../../data/packages/build.tsv"));
static DEBIAN: Sorted = Sorted::new(include_str!("../../data/packages/debian.tsv"));
static MANUALS: Sorted = Sorted::new(include_str!("../../data/packages/manuals.tsv"));
static RECOMMENDS: Sorted = Sorted::new(include_str!("../../data/packages/recommends.tsv"));
static TOOLS: Sorted = Sorted::new(include_str!("../../data/packages/tools.tsv"));
static PROGRAMS: Sorted = Sorted::new(include_str!("../../data/packages/programs.tsv"));
static SANITIZERS: Sorted = Sorted::new(include_str!("../../data/packages/sanitizers.tsv"));

/// Releases that the table does not have, and that came between those that it has.
const BETWEEN: [&str; 8] = ["stretch", "buster", "yakkety", "zesty", "artful", "cosmic", "disco", "eoan"];

/// What a package is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// To build with: compilers, headers, build systems.
    Build,
    /// To fetch, unpack, edit or look: of use at run time only to what starts it.
    Tool,
    /// To install what is written in a language, with compilers among what it recommends: of use at run time only to what
    /// starts it.
    Installer,
    /// Anything else: it may be needed when the program runs.
    Runtime,
}

/// Whether a word ends as the file of a package does, for any of the package managers.
pub fn is_file(word: &str) -> bool {
    [".apk", ".deb", ".rpm"].iter().any(|end| word.ends_with(end))
}

/// The name of a package without what is written behind it: a version (`=1.2`, `~=3`, `<4`), an architecture (`:amd64`).
pub fn bare(package: &str) -> &str {
    package.split(['=', '<', '>', '~', ':', '@']).next().filter(|name| !name.is_empty()).unwrap_or(package)
}

/// What a package is there for, by its name.
pub fn role(manager: Manager, package: &str) -> Role {
    let name = bare(package);
    if is_development(name) || known(manager, name).is_some() || manager == Manager::Apt && name == "gfortran" {
        return Role::Build;
    }
    if is_tool(name) { Role::Tool } else { Role::Runtime }
}

/// Whether a package of Debian brings compilers by what it recommends.
pub fn recommends_compilers(package: &str) -> bool {
    RECOMMENDS.find(bare(package)).is_some()
}

/// The folders of `/usr/share/man` without which a package of Debian can't be set up, parted by blanks.
pub fn manuals(package: &str) -> Option<&'static str> {
    let name = bare(package);
    let fits = |key: &str| key.strip_suffix('*').map_or(key == name, |start| name.starts_with(start));
    MANUALS.rows().find(|row| fits(row.key)).map(|row| row.rest)
}

fn is_tool(name: &str) -> bool {
    static NAMES: LazyLock<Map<&'static str, ()>> = LazyLock::new(|| TOOLS.rows().map(|row| (row.key, ())).collect());
    NAMES.contains_key(name)
}

/// Whether a name says that the package holds headers: `libpq-dev`, `openssl-devel`, `linux-headers-generic`.
fn is_development(name: &str) -> bool {
    name.ends_with("-dev")
        || name.ends_with("-dev-compat")
        || name.ends_with("-devel")
        || name.ends_with("-headers")
        || name.starts_with("linux-headers")
}

fn known(manager: Manager, name: &str) -> Option<&'static str> {
    let prefix = match manager {
        Manager::Apt => "apt",
        Manager::Apk => "apk",
        Manager::Yum | Manager::Zypper => "yum",
        Manager::Pacman => return matches!(name, "base-devel" | "cmake" | "make" | "gcc").then_some(""),
    };
    static PACKAGES: LazyLock<Map<(&'static str, &'static str), &'static str>> = LazyLock::new(|| {
        let rows = BUILD.rows().filter_map(|row| Some((row.key.split_once(' ')?, row.rest)));
        rows.collect()
    });
    PACKAGES.get(&(prefix, name)).copied()
}

/// The packages that a program built with a development package needs when it runs, on a release of the distribution
/// ([`super::releases::release`]'s name). `None` where that is not known: the package itself has to stay.
pub fn libraries(manager: Manager, release: Option<&str>, package: &str) -> Option<Vec<String>> {
    let name = bare(package);
    if let Some(found) = known(manager, name) {
        let (found, since) = found.split_once('\t').unwrap_or((found, ""));
        let minor = || match release?.strip_prefix("alpine")? {
            "-edge" => Some(u32::MAX),
            version => version.strip_prefix("3.")?.parse::<u32>().ok(),
        };
        let age = || match manager {
            // What stands on version 6 of RHEL has older names; hardly anything else that is not known is so old.
            Manager::Yum => Some(if matches!(release, Some("centos5" | "centos6" | "al1")) { 6 } else { u32::MAX }),
            _ => minor(),
        };
        // Under an older name, or on a release that nobody knows, the package itself has to stay.
        if !since.is_empty() && since.parse::<u32>().ok() > age() {
            return None;
        }
        let ssl = match minor() {
            _ if !found.contains('@') => "",
            Some(minor) if minor < 9 => "libssl1.0",
            Some(minor) if minor < 17 => "libssl1.1",
            Some(_) => "libssl3",
            None => return None,
        };
        let words = found.split_ascii_whitespace().map(|word| if word == "@ssl" { ssl } else { word });
        // `brotli-dev@testing`: its library is in the archive of that name as well.
        let archive = package.split_once('@').filter(|_| manager == Manager::Apk).map_or("", |(_, archive)| archive);
        let at = if archive.is_empty() { "" } else { "@" };
        return Some(words.map(|word| format!("{word}{at}{archive}")).collect());
    }
    if manager == Manager::Apt {
        let Some(release) = release else { return anywhere(name) };
        let listed = DEBIAN.find(name);
        let row = listed.or_else(|| RECOMMENDS.find(name))?;
        let on = |release: &str| of_release(row, release);
        // What was the same in all the releases around has the same name in those between.
        let around = || {
            let mut known = ["xenial", "bionic", "focal", "bullseye"].into_iter().map(on);
            let first = known.next()??;
            (listed.is_some() && BETWEEN.contains(&release) && known.all(|other| other == Some(first))).then_some(first)
        };
        if let Some(found) = on(release).or_else(around) {
            return Some(found.split(' ').map(str::to_owned).collect());
        }
        return is_newer(release).then(|| anywhere(name)).flatten();
    }
    // Headers of the kernel and of the C library leave nothing behind.
    (name.ends_with("-headers") || name.starts_with("linux-headers")).then(Vec::new)
}

/// Whether a release came after all that the tables have.
fn is_newer(release: &str) -> bool {
    let since = |name: &str| super::releases::release(name).map(|release| release.since);
    since(release).is_some_and(|month| month.is_empty() || since("trixie").is_some_and(|last| month > last))
}

/// What a package that brings a compiler by its recommendations stands for where the tables have no such release, as with
/// `ubuntu:latest`: what it is in all that are in use.
fn anywhere(name: &str) -> Option<Vec<String>> {
    const RELEASES: [&str; 8] = ["xenial", "bionic", "focal", "jammy", "noble", "bullseye", "bookworm", "trixie"];
    let row = RECOMMENDS.find(name)?;
    let mut found = RELEASES.into_iter().map(|release| of_release(row, release));
    let first = found.next()??;
    found.all(|other| other == Some(first)).then(|| first.split(' ').map(str::to_owned).collect())
}

/// The libraries of a release in a row of the table.
fn of_release(row: super::sorted::Row, release: &str) -> Option<&'static str> {
    row.rest.split(';').find_map(|part| {
        let (releases, libraries) = part.split_once('=')?;
        releases.split(',').any(|known| known == release).then_some(libraries)
    })
}

/// The library that a program needs when it runs which the distribution's own compiler built with `-fsanitize=` this; `None`
/// where there is none, or the release is not known.
pub fn sanitizer(release: Option<&str>, sanitizer: &str) -> Option<&'static str> {
    of_release(SANITIZERS.find(sanitizer)?, release?)
}

/// The shared libraries that the headers of a package of Debian or Ubuntu are those of, whatever else the package is there
/// for; none where the release is not known.
pub fn listed(release: Option<&str>, package: &str) -> Vec<String> {
    let found = release.and_then(|release| of_release(DEBIAN.find(package)?, release));
    found.into_iter().flat_map(|libraries| libraries.split(' ')).map(str::to_owned).collect()
}

/// The programs that a package brings: that of its own name, and those that the file lists say.
pub fn programs(manager: Manager, package: &str) -> impl Iterator<Item = &str> {
    let prefix = match manager {
        Manager::Apt => "apt ",
        Manager::Apk => "apk ",
        _ => "yum ",
    };
    let listed = PROGRAMS.rows().filter(move |row| row.rest == package);
    std::iter::once(package).chain(listed.filter_map(move |row| row.key.strip_prefix(prefix)))
}

/// The package that brings a program.
pub fn program_package(manager: Manager, program: &str) -> Option<&'static str> {
    let prefix = match manager {
        Manager::Apt => "apt",
        Manager::Apk => "apk",
        _ => "yum",
    };
    PROGRAMS.find_pair(prefix, b' ', program).map(|row| row.rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(manager: Manager, release: &str, package: &str, expected: Option<&[&str]>) {
        let found = libraries(manager, Some(release), package);
        assert_eq!(
            found.as_deref(),
            expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).as_deref(),
            "{package}"
        );
    }

    #[test]
    fn the_tables_are_sorted() {
        for table in [&BUILD, &DEBIAN, &RECOMMENDS, &TOOLS, &PROGRAMS, &SANITIZERS] {
            table.check();
        }
    }

    #[test]
    fn a_sanitizer_has_a_library_for_each_release() {
        assert_eq!(sanitizer(Some("focal"), "address"), Some("libasan5"));
        assert_eq!(sanitizer(Some("trixie"), "thread"), Some("libtsan2"));
        assert_eq!(sanitizer(Some("wheezy"), "address"), None);
        assert_eq!(sanitizer(Some("focal"), "fuzzer"), None);
    }

    #[test]
    fn a_development_package_stands_for_its_libraries() {
        check(Manager::Apt, "bookworm", "libpq-dev", Some(&["libpq5"]));
        check(Manager::Apt, "trixie", "libssl-dev=3.5.1-1", Some(&["libssl3t64"]));
        check(Manager::Apt, "jammy", "libssl-dev", Some(&["libssl3"]));
        check(Manager::Apt, "buster", "libpq-dev", Some(&["libpq5"]));
        check(Manager::Apt, "stretch", "libicu-dev", Some(&["libicu57"]));
        check(Manager::Apt, "zesty", "libicu-dev", None);
        check(Manager::Apt, "xenial", "libpng-dev", Some(&["libpng12-0"]));
        check(Manager::Apt, "jessie", "libpq-dev", Some(&["libpq5"]));
        check(Manager::Apt, "wheezy", "libpq-dev", None);
        check(Manager::Apt, "trixie", "libopenmpi-dev", Some(&["libopenmpi40", "openmpi-bin"]));
        check(Manager::Apt, "bookworm", "build-essential", Some(&["libgomp1"]));
        check(Manager::Apt, "bookworm", "python3-dev", Some(&["python3"]));
        check(Manager::Apt, "noble", "npm", Some(&["nodejs"]));
        check(Manager::Apk, "alpine3.20", "openssl-dev", Some(&["libssl3"]));
        check(Manager::Apk, "alpine3.12", "openssl-dev", Some(&["libssl1.1"]));
        check(Manager::Apk, "alpine3.6", "openssl-dev", Some(&["libssl1.0"]));
        check(Manager::Apk, "alpine-edge", "openssl-dev", Some(&["libssl3"]));
        assert_eq!(libraries(Manager::Apk, None, "openssl-dev"), None);
        check(Manager::Apk, "alpine3.4", "python-dev", None);
        check(Manager::Apk, "alpine3.8", "python-dev", Some(&["python2"]));
        check(Manager::Apk, "alpine3.20", "musl-dev", Some(&[]));
        check(Manager::Apk, "alpine3.20", "nobody-knows-dev", None);
        check(Manager::Yum, "centos7", "openssl-devel", Some(&["openssl-libs"]));
        check(Manager::Yum, "centos6", "openssl-devel", None);
    }

    #[test]
    fn packages_have_roles() {
        assert_eq!(role(Manager::Apt, "libpq-dev:amd64"), Role::Build);
        assert_eq!(role(Manager::Apt, "make"), Role::Build);
        assert_eq!(role(Manager::Apt, "curl=7.88.1-10"), Role::Tool);
        assert_eq!(role(Manager::Apt, "libpq5"), Role::Runtime);
        assert_eq!(role(Manager::Apk, "build-base"), Role::Build);
        assert_eq!(role(Manager::Yum, "gcc-c++"), Role::Build);
        assert_eq!(program_package(Manager::Apt, "ps"), Some("procps"));
    }
}
