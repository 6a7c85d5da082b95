//! Base images: what is in them, who they run as, what they start.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::paths;

use super::{
    releases::{self, Family, Libc, Manager},
    sorted::{Map, Row, Sorted},
    tags,
};

static TABLE: Sorted = Sorted::new(include_str!("../../data/images.tsv"));

/// The folders under /var/lib in which servers of known images keep their data.
static STATES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let data = TABLE.rows().flat_map(|row| row.column(1 + Column::Data as usize).split(' '));
    data.filter(|path| path.starts_with("/var/lib/")).collect()
});

/// Whether a path is where the server of a known image keeps its data: what else mounts it does so for that server.
pub fn is_servers_data(path: &str) -> bool {
    STATES.iter().any(|data| paths::within(path, data))
}

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A distribution, with nothing on top.
    Distro,
    /// A toolchain that what it makes does not need at run time: Go, Rust, a JDK, Maven, the .NET SDK.
    Compiler,
    /// A language whose interpreter is needed at run time as well: Python, Node, Ruby, PHP.
    Interpreter,
    /// What runs a compiled program, without the tools: a JRE, ASP.NET.
    Runtime,
    /// A program that serves: nginx, PostgreSQL, Tomcat.
    Server,
    /// A tool, a CI or development image.
    Tool,
    /// A C library or less: scratch, distroless.
    Minimal,
}

/// Who the image runs as, where the file says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunsAs {
    /// root.
    Root,
    /// This user (a name, a uid, or `uid:gid`).
    User(&'static str),
    /// Not known.
    Unknown,
}

/// What the image does with its rights when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// Nothing: what is started keeps the user it was started as.
    Plain,
    /// It starts as root and its entrypoint becomes the service's user (gosu, su-exec, setpriv).
    Drops,
    /// The same, but its entrypoint also starts as the service's user, and then leaves its folders as they are.
    Either,
    /// A parent stays root and its workers run as the service's user (nginx, Apache, PHP-FPM).
    Workers,
    /// It needs root throughout: an init, a supervisor, a Docker daemon.
    NeedsRoot,
    /// It is made to be started as its own user.
    Unprivileged,
    /// The platform that runs it chooses the user (AWS Lambda).
    Platform,
}

/// A user that an image brings. An id or a home that is not known is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct User {
    /// The name.
    pub name: &'static str,
    /// The uid, in decimal.
    pub uid: &'static str,
    /// The gid of the primary group, in decimal.
    pub gid: &'static str,
    /// The home directory.
    pub home: &'static str,
}

/// How the runtime counterpart of an image is named; see [`super::runtime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    Same,
    System,
    Slim,
    Jre,
    Dotnet,
    Cuda,
    Tomcat,
    Jruby,
    Groovy,
    Bun,
    Uv,
    Heroku,
    CaddyBuilder,
    None,
}

/// The columns of the table, after the name and the variant.
#[derive(Clone, Copy)]
enum Column {
    Kind,
    Language,
    System,
    User,
    Users,
    Start,
    Workdir,
    Env,
    Entrypoint,
    Cmd,
    Ports,
    Data,
    Rule,
    Source,
}

/// How many columns there are after the name and the variant.
const COLUMNS: usize = 14;

/// A base image at a tag.
#[derive(Debug, Clone, Copy)]
pub struct Image<'t> {
    facts: Facts,
    tag: &'t str,
}

/// What is known of an image at one tag, without the tag: it borrows nothing, and can be kept.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    name: &'static str,
    /// A field is of the last variant that states it, else of the plain name; empty where nothing states it.
    fields: [&'static str; COLUMNS],
    release: Option<&'static str>,
    family: Option<Family>,
}

impl Facts {
    /// The value of a variable that the image sets; `None` where that reads another one.
    pub fn variable(&self, name: &str) -> Option<&'static str> {
        let pairs = pairs(self.text(Column::Env));
        pairs.filter(|(known, value)| *known == name && !value.contains('$')).map(|(_, value)| value).next()
    }

    /// The image at the tag that these are the facts of.
    pub fn at(self, tag: &str) -> Image<'_> {
        Image { facts: self, tag }
    }
}

/// The image of this name ([`super::reference::canonical`]'s `name`) at this tag; `None` where nothing is known of it.
///
/// The tag need not be listed: what can't be known of an unknown tag is `None` in the answers.
pub fn image<'t>(name: &str, tag: &'t str) -> Option<Image<'t>> {
    let key = TABLE.find(name)?.key;
    let facts = ANSWERS.with_borrow(|answers| answers.of(key, tag)).unwrap_or_else(|| {
        let facts = look_up(key, tag);
        ANSWERS.with_borrow_mut(|answers| answers.keep(key, tag, facts));
        facts
    });
    facts.map(|facts| Image { facts, tag })
}

thread_local! {
    /// The same few images are asked for again and again, by every look at a file and from one file to the next.
    static ANSWERS: RefCell<Answers> = RefCell::default();
}

/// What the table said of images.
#[derive(Default)]
struct Answers {
    by_name: Map<&'static str, HashMap<Box<str>, Option<Facts>>>,
    count: usize,
}

impl Answers {
    /// How many answers are kept, each of a few hundred bytes.
    const MOST: usize = 2048;

    fn of(&self, name: &'static str, tag: &str) -> Option<Option<Facts>> {
        self.by_name.get(name)?.get(tag).copied()
    }

    fn keep(&mut self, name: &'static str, tag: &str, facts: Option<Facts>) {
        if self.count == Self::MOST {
            *self = Self::default();
        }
        self.count += 1;
        self.by_name.entry(name).or_default().insert(tag.into(), facts);
    }
}

/// What the table and the tag lists know of the image of this name at this tag.
fn look_up(name: &str, tag: &str) -> Option<Facts> {
    let rows: Vec<Row> = TABLE.all(name).collect();
    let (base, variants) = rows.split_first().filter(|(base, _)| base.column(0).is_empty())?;
    let plain = Facts { name: base.key, fields: [""; COLUMNS], release: None, family: None };
    let taken = |matches: &dyn Fn(&str) -> bool| {
        let mut facts = plain;
        facts.take(base);
        variants.iter().filter(|row| matches(row.column(0))).for_each(|row| facts.take(row));
        // A dash states that there is nothing.
        facts.fields.iter_mut().filter(|field| **field == "-").for_each(|field| *field = "");
        facts
    };
    let mut facts = taken(&|variant| states(tag, variant));
    let (release, family) = facts.system(tag);
    if !variants.is_empty() && (release.is_some() || family.is_some()) {
        facts = taken(&|variant| {
            states(tag, variant) || release == Some(variant) || family.is_some_and(|family| family.name() == variant)
        });
    }
    Some(Facts { release, family, ..facts })
}

/// Whether the tag has this part, or a version that starts with it: `3.1-alpine` states `alpine`, `3` and `3.1`.
fn states(tag: &str, variant: &str) -> bool {
    if tag.split(['-', '_']).any(|part| part == variant) {
        return true;
    }
    let numbers = variant.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    numbers && tag.strip_prefix(variant).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
}

/// The family that a part of the tag names without a version: `1.22-alpine`, `nanoserver-1809`.
fn family_in(tag: &str) -> Option<Family> {
    tag.split(['-', '_']).find_map(|part| match part {
        "alpine" | "alpine3" => Some(Family::Alpine),
        "debian" => Some(Family::Debian),
        "ubuntu" => Some(Family::Ubuntu),
        "centos" | "rhel" | "ubi" | "ol" => Some(Family::Rhel),
        "fedora" => Some(Family::Fedora),
        "photon" => Some(Family::Photon),
        "busybox" => Some(Family::BusyBox),
        "archlinux" => Some(Family::Arch),
        "nanoserver" | "windowsservercore" | "windows" => Some(Family::Windows),
        _ if part.starts_with("nanoserver") || part.starts_with("windowsservercore") => Some(Family::Windows),
        _ => None,
    })
}

/// The pairs of `NAME=value;…`.
fn pairs(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.split(';').filter_map(|pair| pair.split_once('='))
}

impl Facts {
    /// Takes what a row of the table states.
    fn take(&mut self, row: &Row) {
        for (field, stated) in self.fields.iter_mut().zip(row.columns().skip(1)) {
            if !stated.is_empty() {
                *field = stated;
            }
        }
    }

    fn text(&self, column: Column) -> &'static str {
        self.fields.get(column as usize).copied().unwrap_or_default()
    }

    /// The release and the family at a tag, by what knows best: the tag lists, the tag itself, the table.
    fn system(&self, tag: &str) -> (Option<&'static str>, Option<Family>) {
        let listed = tags::release(self.name, tag).and_then(releases::release);
        let system = self.text(Column::System);
        // Nothing of the distribution but its libraries is left in these, whatever release they were cut from.
        let bare = Family::from_name(system).filter(|family| !family.has_shell());
        let named = || releases::named_in(tag);
        if let Some(release) = listed.or_else(named).or_else(|| bare.and_then(|_| releases::named_in(self.name))) {
            return (Some(release.name), bare.or(Some(release.family)));
        }
        let known = releases::release(system);
        let usual = known.map(|release| release.family).or_else(|| Family::from_name(system));
        let family = family_in(tag).or(usual);
        // A tag that names another family than the table's says nothing of that family's release.
        if known.is_some_and(|release| Some(release.family) == family) {
            return (known.map(|release| release.name), family);
        }
        if self.text(Column::Kind) == "distro"
            && !tags::listed(self.name)
            && let Some(family) = family
        {
            let version = tag.split('-').next().unwrap_or("");
            return (releases::by_version(family, version).map(|release| release.name), Some(family));
        }
        (None, family)
    }
}

impl<'t> Image<'t> {
    /// What is known of it, without the tag.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    fn text(&self, column: Column) -> &'static str {
        self.facts.text(column)
    }

    fn some(&self, column: Column) -> Option<&'static str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    /// The name in the table: `golang`, `mcr.microsoft.com/dotnet/sdk`.
    pub fn name(&self) -> &'static str {
        self.facts.name
    }

    /// The tag that was asked for.
    pub fn tag(&self) -> &'t str {
        self.tag
    }

    /// What the image is for.
    pub fn kind(&self) -> Kind {
        match self.text(Column::Kind) {
            "distro" => Kind::Distro,
            "compiler" => Kind::Compiler,
            "interpreter" => Kind::Interpreter,
            "runtime" => Kind::Runtime,
            "server" => Kind::Server,
            "minimal" => Kind::Minimal,
            _ => Kind::Tool,
        }
    }

    /// The language it is made for: `go`, `node`, `python`, `java`, `dotnet`, …
    pub fn language(&self) -> Option<&'static str> {
        // An image of uv has a Python where its tag says which; else uv fetches one.
        let python = || self.tag().split('-').any(|part| part.starts_with("python"));
        self.some(Column::Language).filter(|_| self.rule() != Rule::Uv || python())
    }

    /// Whether it brings a compiler itself: an image for compiling, PHP's on Debian, and those that stand on
    /// `buildpack-deps`.
    pub fn has_compiler(&self) -> bool {
        let lean = self.tag().split('-').any(|part| part == "slim");
        let debian = self.family() == Some(Family::Debian);
        match self.rule() {
            _ if self.kind() == Kind::Compiler => true,
            Rule::Slim | Rule::Uv => debian && !lean,
            _ => self.name() == "php" && debian,
        }
    }

    /// The family of its distribution at this tag.
    pub fn family(&self) -> Option<Family> {
        self.facts.family
    }

    /// The release of its distribution at this tag: `bookworm`, `alpine3.20`; see [`releases::release`].
    pub fn release(&self) -> Option<&'static str> {
        self.facts.release
    }

    /// The C library at this tag.
    pub fn libc(&self) -> Option<Libc> {
        self.facts.family.and_then(Family::libc)
    }

    /// The package manager at this tag.
    pub fn manager(&self) -> Option<Manager> {
        self.facts.family.and_then(Family::manager)
    }

    /// Whether there are a shell and the usual small tools; `None` where the system is not known.
    pub fn has_shell(&self) -> Option<bool> {
        self.facts.family.map(Family::has_shell)
    }

    /// Who it runs as where the file says nothing else.
    pub fn runs_as(&self) -> RunsAs {
        match self.text(Column::User) {
            "root" | "0" => RunsAs::Root,
            "?" | "" => RunsAs::Unknown,
            user => RunsAs::User(user),
        }
    }

    /// The users that it brings, root aside.
    pub fn users(&self) -> impl Iterator<Item = User> + use<> {
        self.text(Column::Users).split_ascii_whitespace().map(|user| {
            let mut fields = user.split(':');
            let mut next = || fields.next().unwrap_or("");
            User { name: next(), uid: next(), gid: next(), home: next() }
        })
    }

    /// What it does with its rights when it starts.
    pub fn start(&self) -> Start {
        match self.text(Column::Start) {
            "drops" => Start::Drops,
            "either" => Start::Either,
            "workers" => Start::Workers,
            "root" => Start::NeedsRoot,
            "unprivileged" => Start::Unprivileged,
            "platform" => Start::Platform,
            _ => Start::Plain,
        }
    }

    /// The working directory that it leaves, where it is not `/`.
    pub fn workdir(&self) -> Option<&'static str> {
        self.some(Column::Workdir)
    }

    /// The environment that matters to what is built on it; a value may name `$PATH`, the one before.
    pub fn env(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        pairs(self.text(Column::Env))
    }

    /// The entrypoint that it leaves, its words separated by spaces.
    pub fn entrypoint(&self) -> Option<&'static str> {
        self.some(Column::Entrypoint)
    }

    /// The command that it leaves, its words separated by spaces.
    pub fn cmd(&self) -> Option<&'static str> {
        self.some(Column::Cmd)
    }

    /// The ports that its program listens on by default.
    pub fn ports(&self) -> impl Iterator<Item = u16> + use<> {
        self.text(Column::Ports).split_ascii_whitespace().filter_map(|port| port.parse().ok())
    }

    /// The folders that its program writes to.
    pub fn data(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.text(Column::Data).split_ascii_whitespace()
    }

    /// Whether the row rests on the image's own documentation or Dockerfile, not on common knowledge.
    pub fn is_documented(&self) -> bool {
        self.text(Column::Source) == "d"
    }

    pub(super) fn rule(&self) -> Rule {
        match self.text(Column::Rule) {
            "self" => Rule::Same,
            "system" => Rule::System,
            "slim" => Rule::Slim,
            "jre" => Rule::Jre,
            "dotnet" => Rule::Dotnet,
            "cuda" => Rule::Cuda,
            "tomcat" => Rule::Tomcat,
            "jruby" => Rule::Jruby,
            "groovy" => Rule::Groovy,
            "bun" => Rule::Bun,
            "uv" => Rule::Uv,
            "heroku" => Rule::Heroku,
            "caddy" => Rule::CaddyBuilder,
            _ => Rule::None,
        }
    }
}

/// The names of the images that are known.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.rows().filter(|row| row.column(0).is_empty()).map(|row| row.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_reads() {
        TABLE.check();
        let kinds = ["distro", "compiler", "interpreter", "runtime", "server", "tool", "minimal", ""];
        let starts = ["", "-", "drops", "either", "workers", "root", "unprivileged", "platform"];
        let mut name = "";
        for row in TABLE.rows() {
            let variant = row.column(0);
            assert_eq!(row.rest.split('\t').count(), 15, "{} {variant}", row.key);
            assert_eq!(row.key != name, variant.is_empty(), "{} {variant} follows {name}", row.key);
            name = row.key;
            assert!(kinds.contains(&row.column(1 + Column::Kind as usize)), "{} {variant}", row.key);
            assert!(!row.column(1 + Column::Kind as usize).is_empty() || !variant.is_empty(), "{name} has no kind");
            assert!(starts.contains(&row.column(1 + Column::Start as usize)), "{} {variant}", row.key);
            assert!(["d", "k"].contains(&row.column(1 + Column::Source as usize)), "{} {variant}", row.key);
            let system = row.column(1 + Column::System as usize);
            let known = Family::from_name(system).is_some() || releases::release(system).is_some();
            assert!(system.is_empty() || known, "{} {variant}: {system}", row.key);
            for user in row.column(1 + Column::Users as usize).split_ascii_whitespace() {
                let ids: Vec<_> = user.split(':').skip(1).take(2).collect();
                assert!(ids.iter().all(|id| id.parse::<u32>().is_ok()), "{name}: {user}");
            }
            for port in row.column(1 + Column::Ports as usize).split_ascii_whitespace() {
                assert!(port.parse::<u16>().is_ok(), "{name}: {port}");
            }
        }
        assert!(names().count() > 900);
    }

    #[test]
    fn every_official_image_with_tags_is_known() {
        for name in tags::images() {
            let image = image(name, "latest").unwrap_or_else(|| panic!("{name}"));
            assert!(image.family().is_some(), "{name}");
            assert!(image.rule() != Rule::None || name == "composer", "{name}");
        }
    }

    #[test]
    fn the_system_is_of_the_tag() {
        for (name, tag, family, release) in [
            ("golang", "1.22-alpine", Family::Alpine, Some("alpine3.21")),
            ("golang", "1.22", Family::Debian, Some("bookworm")),
            ("golang", "no-such-tag", Family::Debian, None),
            ("golang", "9.9-alpine", Family::Alpine, None),
            ("nginx", "alpine", Family::Alpine, Some("alpine3.24")),
            ("centos", "centos7", Family::Rhel, Some("centos7")),
            ("mcr.microsoft.com/dotnet/sdk", "8.0", Family::Debian, Some("bookworm")),
            ("mcr.microsoft.com/dotnet/sdk", "8.0-alpine", Family::Alpine, None),
            ("mcr.microsoft.com/dotnet/sdk", "8.0-jammy", Family::Ubuntu, Some("jammy")),
            ("mcr.microsoft.com/dotnet/sdk", "8.0-nanoserver-1809", Family::Windows, None),
            ("mcr.microsoft.com/dotnet/aspnet", "8.0-jammy-chiseled", Family::Distroless, Some("jammy")),
            ("gcr.io/distroless/base-debian12", "nonroot", Family::Distroless, Some("bookworm")),
            ("gcr.io/distroless/base-debian12", "debug", Family::BusyBox, None),
            ("phusion/baseimage", "0.9.16", Family::Ubuntu, Some("trusty")),
            ("phusion/baseimage", "0.9.19", Family::Ubuntu, Some("xenial")),
            ("nvidia/cuda", "9.0-cudnn7-devel-ubuntu16.04", Family::Ubuntu, Some("xenial")),
            ("stackbrew/ubuntu", "13.10", Family::Ubuntu, Some("saucy")),
            ("gliderlabs/alpine", "3.4", Family::Alpine, Some("alpine3.4")),
            ("scratch", "latest", Family::Scratch, None),
        ] {
            let image = image(name, tag).expect(name);
            assert_eq!((image.family(), image.release()), (Some(family), release), "{name}:{tag}");
        }
        assert!(image("no-such-image", "latest").is_none());
    }

    #[test]
    fn who_runs_and_who_is_there() {
        let users = |name, tag| {
            let image = image(name, tag).expect(name);
            let users: Vec<_> = image.users().map(|user| (user.name, user.uid)).collect();
            (image.runs_as(), image.start(), users)
        };
        use RunsAs::{Root, User};
        assert_eq!(users("node", "20"), (Root, Start::Plain, vec![("node", "1000")]));
        assert_eq!(users("ubuntu", "24.04"), (Root, Start::Plain, vec![("ubuntu", "1000")]));
        assert_eq!(users("ubuntu", "22.04"), (Root, Start::Plain, vec![]));
        assert_eq!(users("php", "8.3-fpm-alpine"), (Root, Start::Workers, vec![("www-data", "82")]));
        assert_eq!(users("php", "8.3-apache"), (Root, Start::Workers, vec![("www-data", "33")]));
        assert!(is_servers_data("/var/lib/postgresql/data") && !is_servers_data("/var/lib/own"));
        assert_eq!(users("php", "8.3-cli"), (Root, Start::Plain, vec![("www-data", "33")]));
        assert_eq!(users("postgres", "16"), (Root, Start::Either, vec![("postgres", "999")]));
        assert_eq!(users("postgres", "16-alpine"), (Root, Start::Either, vec![("postgres", "70")]));
        assert_eq!(users("mcr.microsoft.com/dotnet/aspnet", "8.0"), (Root, Start::Plain, vec![("app", "1654")]));
        assert_eq!(users("mcr.microsoft.com/dotnet/aspnet", "6.0"), (Root, Start::Plain, vec![]));
        assert_eq!(users("jenkins/jenkins", "lts").0, User("jenkins"));
        assert_eq!(users("gcr.io/distroless/static", "nonroot").0, User("65532"));
        assert_eq!(users("gcr.io/distroless/static", "latest").0, Root);
    }

    #[test]
    fn what_is_inherited() {
        let go = image("golang", "1.22-alpine").expect("golang");
        assert_eq!(go.workdir(), Some("/go"));
        assert!(go.env().any(|pair| pair == ("GOPATH", "/go")));
        assert_eq!(go.cmd(), Some("/bin/sh"));
        assert_eq!((go.kind(), go.language()), (Kind::Compiler, Some("go")));
        assert_eq!((go.libc(), go.manager(), go.has_shell()), (Some(Libc::Musl), Some(Manager::Apk), Some(true)));
        assert_eq!(image("node", "8").and_then(|node| node.entrypoint()), Some("docker-entrypoint.sh"));
        assert_eq!(image("node", "4").and_then(|node| node.entrypoint()), None);
        assert_eq!(image("php", "7.2-apache").map(|php| php.ports().collect()), Some(vec![80]));
    }
}
