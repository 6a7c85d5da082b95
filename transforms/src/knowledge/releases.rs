//! Releases of the Linux distributions: family, version, age.

use std::sync::LazyLock;

use super::sorted::{Row, Sorted};

static TABLE: Sorted = Sorted::new(include_str!("../../data/releases.tsv"));

/// A family of distributions: what shares a package manager, the idiom for users, and a C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Alpine: apk, BusyBox, musl.
    Alpine,
    /// Debian: apt, glibc.
    Debian,
    /// Ubuntu: apt, glibc.
    Ubuntu,
    /// Red Hat Enterprise Linux and its likes: UBI, CentOS, Rocky, Alma, Oracle Linux.
    Rhel,
    /// Fedora.
    Fedora,
    /// Amazon Linux.
    Amazon,
    /// SUSE and openSUSE.
    Suse,
    /// Arch.
    Arch,
    /// VMware Photon.
    Photon,
    /// CBL-Mariner and Azure Linux.
    Mariner,
    /// Clear Linux.
    Clear,
    /// Gentoo.
    Gentoo,
    /// Void.
    Void,
    /// Nix and NixOS images.
    Nix,
    /// BusyBox alone: a shell and no package manager.
    BusyBox,
    /// Wolfi and Chainguard's own: apk, glibc.
    Wolfi,
    /// Nothing at all.
    Scratch,
    /// Google's distroless, and hardened images like it: a C library and no shell.
    Distroless,
    /// Windows.
    Windows,
}

/// The C library that programs are linked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

/// What installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// apt-get, apt, aptitude, dpkg.
    Apt,
    /// Alpine's and Wolfi's apk.
    Apk,
    /// yum, dnf, microdnf, rpm, tdnf.
    Yum,
    /// zypper.
    Zypper,
    /// pacman.
    Pacman,
}

impl Family {
    /// The name that the data files use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alpine => "alpine",
            Self::Debian => "debian",
            Self::Ubuntu => "ubuntu",
            Self::Rhel => "rhel",
            Self::Fedora => "fedora",
            Self::Amazon => "amazon",
            Self::Suse => "suse",
            Self::Arch => "arch",
            Self::Photon => "photon",
            Self::Mariner => "mariner",
            Self::Clear => "clear",
            Self::Gentoo => "gentoo",
            Self::Void => "void",
            Self::Nix => "nix",
            Self::BusyBox => "busybox",
            Self::Wolfi => "wolfi",
            Self::Scratch => "scratch",
            Self::Distroless => "distroless",
            Self::Windows => "windows",
        }
    }

    const ALL: [Self; 19] = [
        Self::Alpine,
        Self::Debian,
        Self::Ubuntu,
        Self::Rhel,
        Self::Fedora,
        Self::Amazon,
        Self::Suse,
        Self::Arch,
        Self::Photon,
        Self::Mariner,
        Self::Clear,
        Self::Gentoo,
        Self::Void,
        Self::Nix,
        Self::BusyBox,
        Self::Wolfi,
        Self::Scratch,
        Self::Distroless,
        Self::Windows,
    ];

    /// The family of this name in the data files.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// The C library; `None` where there is none, or where it depends on the image (BusyBox has all of them).
    pub const fn libc(self) -> Option<Libc> {
        match self {
            Self::Alpine => Some(Libc::Musl),
            Self::BusyBox | Self::Scratch | Self::Windows | Self::Void => None,
            _ => Some(Libc::Glibc),
        }
    }

    /// The package manager that images of this family carry.
    pub const fn manager(self) -> Option<Manager> {
        match self {
            Self::Alpine | Self::Wolfi => Some(Manager::Apk),
            Self::Debian | Self::Ubuntu => Some(Manager::Apt),
            Self::Rhel | Self::Fedora | Self::Amazon | Self::Photon | Self::Mariner => Some(Manager::Yum),
            Self::Suse => Some(Manager::Zypper),
            Self::Arch => Some(Manager::Pacman),
            _ => None,
        }
    }

    /// Whether images of this family have a shell at `/bin/sh` and the usual small tools.
    pub const fn has_shell(self) -> bool {
        !matches!(self, Self::Scratch | Self::Distroless | Self::Windows)
    }
}

/// A release of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The name that tags use: `bookworm`, `alpine3.20`, `jammy`, `centos7`.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// The version as the distribution counts: `12`, `3.20`, `22.04`; `sid`, `edge`, `rawhide` for what rolls.
    pub version: &'static str,
    /// The month of the release, `YYYY-MM`; empty where it rolls or is yet to come.
    pub since: &'static str,
}

impl Release {
    /// The number that the version starts with: 12 of `12`, 22 of `22.04`, 3 of `3.20`.
    pub fn major(&self) -> Option<u32> {
        self.version.split('.').next().and_then(|number| number.parse().ok())
    }

    /// The first two numbers of the version: (22, 4) of `22.04`, (3, 20) of `3.20`, (12, 0) of `12`.
    pub fn numbers(&self) -> Option<(u32, u32)> {
        let mut parts = self.version.split('.');
        let major = parts.next()?.parse().ok()?;
        Some((major, parts.next().and_then(|part| part.parse().ok()).unwrap_or(0)))
    }
}

/// The release of this name.
pub fn release(name: &str) -> Option<Release> {
    TABLE.find(name).and_then(read)
}

fn read(row: Row) -> Option<Release> {
    let mut columns = row.rest.split('\t');
    let family = Family::from_name(columns.next()?)?;
    Some(Release { name: row.key, family, version: columns.next()?, since: columns.next().unwrap_or("") })
}

/// Every release.
pub fn all() -> impl Iterator<Item = Release> {
    static ALL: LazyLock<Vec<Release>> = LazyLock::new(|| TABLE.rows().filter_map(read).collect());
    ALL.iter().copied()
}

/// The release of a family that has this version: Debian 12 → `bookworm`, Ubuntu 22.04 → `jammy`, Alpine 3.20 →
/// `alpine3.20`. For the Red Hat family several distributions share a version, so the name of one of them is needed:
/// see [`release`].
pub fn by_version(family: Family, version: &str) -> Option<Release> {
    all().find(|release| release.family == family && release.version == version)
}

/// The release that a tag names in one of its parts: `1.22-bookworm`, `alpine3.20`, `8-jdk-slim-stretch`,
/// `17-jre-alpine-3.21`, `6.0-ubi8`, `latest-ubuntu22.04`; `None` where it names none.
pub fn named_in(tag: &str) -> Option<Release> {
    let mut before = "";
    for part in tag.split(['-', '_']) {
        let worthy = part.len() > 2 && !part.starts_with(|c: char| c.is_ascii_digit());
        if worthy && let Some(found) = release(part) {
            return Some(found);
        }
        if let Some(found) = versioned(part) {
            return Some(found);
        }
        let family = match before {
            "alpine" => Some(Family::Alpine),
            "debian" => Some(Family::Debian),
            "ubuntu" => Some(Family::Ubuntu),
            _ => None,
        };
        let version = part.strip_prefix('v').unwrap_or(part);
        if let Some(found) = family.and_then(|family| by_version(family, version)) {
            return Some(found);
        }
        before = part;
    }
    None
}

/// `ubuntu22.04`, `debian11`, `alpine3.20.1`, `el7`, `rockylinux8`, `ubi8`: a family's name with a version after it.
fn versioned(part: &str) -> Option<Release> {
    let at = part.find(|c: char| c.is_ascii_digit())?;
    let (name, version) = part.split_at_checked(at)?;
    match name {
        "ubuntu" => by_version(Family::Ubuntu, version),
        "debian" | "deb" => by_version(Family::Debian, version.split('.').next()?),
        "alpine" => {
            let mut dots = version.match_indices('.').map(|(at, _)| at);
            let short = dots.nth(1).and_then(|at| version.get(..at)).unwrap_or(version);
            by_version(Family::Alpine, short)
        }
        "el" | "rhel" | "ubi" => release(match version.split('.').next()? {
            "6" => "centos6",
            "7" => "ubi7",
            "8" => "ubi8",
            "9" => "ubi9",
            "10" => "ubi10",
            _ => return None,
        }),
        "rockylinux" => release(match version.split('.').next()? {
            "8" => "rocky8",
            "9" => "rocky9",
            _ => return None,
        }),
        "amazonlinux" => release(match version {
            "1" => "al1",
            "2" => "al2",
            "2023" => "al2023",
            _ => return None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_reads() {
        TABLE.check();
        assert_eq!(all().count(), TABLE.rows().count());
    }

    #[test]
    fn a_version_finds_its_release() {
        let name = |family, version| by_version(family, version).map(|release| release.name);
        assert_eq!(name(Family::Debian, "12"), Some("bookworm"));
        assert_eq!(name(Family::Ubuntu, "22.04"), Some("jammy"));
        assert_eq!(name(Family::Alpine, "3.20"), Some("alpine3.20"));
        assert_eq!(name(Family::Alpine, "2.7"), None);
    }

    #[test]
    fn a_tag_names_its_release_in_any_of_the_usual_ways() {
        let name = |tag| named_in(tag).map(|release| release.name);
        for (tag, release) in [
            ("1.22-bookworm", Some("bookworm")),
            ("1.22-alpine3.20", Some("alpine3.20")),
            ("17-jre-alpine-3.21", Some("alpine3.21")),
            ("11.8.0-devel-ubuntu22.04", Some("jammy")),
            ("8.0-cudnn6-devel-ubuntu16.04", Some("xenial")),
            ("3.11-slim-bullseye", Some("bullseye")),
            ("6.0-alpine3.18.2", Some("alpine3.18")),
            ("11-jdk-oraclelinux8", Some("oraclelinux8")),
            ("debian-9", Some("stretch")),
            ("alpine-3.9-v3.5.2", Some("alpine3.9")),
            ("12.2.0-runtime-ubi8", Some("ubi8")),
            ("1.22-alpine", None),
            ("latest", None),
            ("22.04", None),
            ("2023", None),
        ] {
            assert_eq!(name(tag), release, "{tag}");
        }
    }
}
