//! What is known about base images: who they run as, which user they bring, what their entrypoint does.

use crate::knowledge::releases::{self, Family};
use crate::knowledge::tags;
use crate::syntax::typed::ImageRef;

/// What is known about an image.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The name under which it is known: that of an official image, or the whole path.
    pub(super) key: String,
    /// Its distribution.
    pub(super) family: Option<Family>,
    /// The user that it runs as; `None` where that is not known.
    pub(super) user: Option<&'static str>,
    /// The user that it brings for programs, with its group.
    pub(super) own: Option<(&'static str, &'static str)>,
    /// What its own ENTRYPOINT and CMD do.
    pub(super) entry: Start,
    /// The program that runs when nothing else is said, where it is a server.
    pub(super) program: Option<&'static str>,
    /// Whether the tools that make users are missing.
    pub(super) bare: bool,
}

/// What the image's own ENTRYPOINT and CMD do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Start {
    /// Not known.
    #[default]
    Unknown,
    /// Nothing that needs root.
    Plain,
    /// Starts as root and goes on as another user.
    Drops,
    /// Needs root all the time; the reason as the end of a sentence.
    Needs(&'static str),
}

/// `FROM scratch`.
pub(super) fn scratch() -> Facts {
    Facts {
        family: Some(Family::Scratch),
        user: Some("root"),
        entry: Start::Plain,
        bare: true,
        ..Facts::default()
    }
}

/// An image about which nothing is known.
pub(super) fn unknown() -> Facts {
    Facts::default()
}

/// A row: key, family where the tag does not say (`-`: not known), user it runs as, own user `name:group`, start.
struct Row(&'static str, &'static str, &'static str, &'static str, Start, &'static str);

use Start::{Drops, Needs, Plain, Unknown};

const INIT: Start = Needs("its init system starts the services, and does that as root");

// Sorted by key.
static TABLE: &[Row] = &[
    Row("adminer", "debian", "adminer", "", Plain, ""),
    Row("adoptopenjdk", "ubuntu", "root", "", Plain, ""),
    Row("almalinux", "rhel", "root", "", Plain, ""),
    Row("alpine", "alpine", "root", "", Plain, ""),
    Row("amazoncorretto", "amazon", "root", "", Plain, ""),
    Row("amazonlinux", "amazon", "root", "", Plain, ""),
    Row("anapsix/alpine-java", "alpine", "root", "", Plain, ""),
    Row("arangodb", "alpine", "root", "", Unknown, ""),
    Row("archlinux", "arch", "root", "", Plain, ""),
    Row("archlinux/base", "arch", "root", "", Plain, ""),
    Row("base/archlinux", "arch", "root", "", Plain, ""),
    Row("bash", "alpine", "root", "", Plain, ""),
    Row("bitnami/minideb", "debian", "root", "", Plain, ""),
    Row("buildpack-deps", "debian", "root", "", Plain, ""),
    Row("busybox", "busybox", "root", "", Plain, ""),
    Row("caddy", "alpine", "root", "", Plain, ""),
    Row("cassandra", "debian", "root", "cassandra:cassandra", Drops, ""),
    Row("centos", "rhel", "root", "", Plain, ""),
    Row("centos/systemd", "rhel", "root", "", INIT, ""),
    Row("circleci/*", "debian", "circleci", "", Plain, ""),
    Row("clojure", "debian", "root", "", Plain, ""),
    Row("composer", "alpine", "root", "", Plain, ""),
    Row("consul", "alpine", "root", "consul:consul", Drops, ""),
    Row("continuumio/anaconda", "debian", "root", "", Plain, ""),
    Row("continuumio/anaconda3", "debian", "root", "", Plain, ""),
    Row("continuumio/miniconda", "debian", "root", "", Plain, ""),
    Row("continuumio/miniconda3", "debian", "root", "", Plain, ""),
    Row("couchbase", "ubuntu", "root", "", INIT, ""),
    Row("couchdb", "debian", "root", "couchdb:couchdb", Drops, ""),
    Row("crystallang/crystal", "ubuntu", "root", "", Plain, ""),
    Row("dart", "debian", "root", "", Plain, ""),
    Row("debian", "debian", "root", "", Plain, ""),
    Row("denoland/deno", "debian", "root", "deno:deno", Plain, ""),
    Row("docker", "alpine", "root", "", Needs("docker talks to its daemon as root"), ""),
    Row("docker.elastic.co/*", "rhel", "-", "", Unknown, ""),
    Row("dockerfile/java", "ubuntu", "root", "", Plain, ""),
    Row("dockerfile/nodejs", "ubuntu", "root", "", Plain, ""),
    Row("dockerfile/python", "ubuntu", "root", "", Plain, ""),
    Row("dockerfile/ubuntu", "ubuntu", "root", "", Plain, ""),
    Row("drupal", "debian", "root", "www-data:www-data", Plain, "apache2-foreground"),
    Row("eclipse-temurin", "ubuntu", "root", "", Plain, ""),
    Row("elasticsearch", "debian", "root", "elasticsearch:elasticsearch", Drops, ""),
    Row("elixir", "debian", "root", "", Plain, ""),
    Row("erlang", "debian", "root", "", Plain, ""),
    Row("fedora", "fedora", "root", "", Plain, ""),
    Row("frolvlad/*", "alpine", "root", "", Plain, ""),
    Row("gcc", "debian", "root", "", Plain, ""),
    Row("gcr.io/distroless/*", "distroless", "root", "", Plain, ""),
    Row("gcr.io/google_containers/ubuntu-slim", "ubuntu", "root", "", Plain, ""),
    Row("gcr.io/kaniko-project/executor", "scratch", "root", "", Needs("kaniko unpacks images over its own root"), ""),
    Row("ghost", "debian", "root", "node:node", Drops, ""),
    Row("gliderlabs/alpine", "alpine", "root", "", Plain, ""),
    Row("golang", "debian", "root", "", Plain, ""),
    Row("google/cloud-sdk", "debian", "root", "", Plain, ""),
    Row("google/golang", "debian", "root", "", Plain, ""),
    Row("google/nodejs", "debian", "root", "", Plain, ""),
    Row("gradle", "ubuntu", "root", "gradle:gradle", Plain, ""),
    Row("grafana/grafana", "alpine", "grafana", "", Plain, ""),
    Row("haproxy", "debian", "root", "", Plain, "haproxy"),
    Row("haskell", "debian", "root", "", Plain, ""),
    Row("httpd", "debian", "root", "www-data:www-data", Plain, "httpd-foreground"),
    Row("influxdb", "debian", "root", "", Plain, "influxd"),
    Row("jenkins", "debian", "jenkins", "", Plain, ""),
    Row("jenkins/agent", "debian", "jenkins", "", Plain, ""),
    Row("jenkins/inbound-agent", "debian", "jenkins", "", Plain, ""),
    Row("jenkins/jenkins", "debian", "jenkins", "", Plain, ""),
    Row("jenkins/jnlp-slave", "debian", "jenkins", "", Plain, ""),
    Row("jetty", "debian", "jetty", "", Plain, ""),
    Row("jrottenberg/ffmpeg", "ubuntu", "root", "", Plain, ""),
    Row("jruby", "debian", "root", "", Plain, ""),
    Row("julia", "debian", "root", "", Plain, ""),
    Row("jupyter/*", "ubuntu", "jovyan", "", Plain, ""),
    Row("kalilinux/*", "debian", "root", "", Plain, ""),
    Row("linuxserver/*", "-", "root", "", INIT, ""),
    Row("lsiobase/*", "-", "root", "", INIT, ""),
    Row("mariadb", "ubuntu", "root", "mysql:mysql", Drops, ""),
    Row("maven", "debian", "root", "", Plain, ""),
    Row("mcr.microsoft.com/devcontainers/*", "-", "root", "vscode:vscode", Plain, ""),
    Row("mcr.microsoft.com/dotnet/*", "debian", "root", "", Plain, ""),
    Row("mcr.microsoft.com/playwright", "ubuntu", "root", "pwuser:pwuser", Plain, ""),
    Row("mcr.microsoft.com/powershell", "ubuntu", "root", "", Plain, ""),
    Row("memcached", "debian", "memcache", "", Plain, ""),
    Row("mhart/alpine-node", "alpine", "root", "", Plain, ""),
    Row("microsoft/aspnetcore", "debian", "root", "", Plain, ""),
    Row("microsoft/aspnetcore-build", "debian", "root", "", Plain, ""),
    Row("microsoft/dotnet", "debian", "root", "", Plain, ""),
    Row("mongo", "ubuntu", "root", "mongodb:mongodb", Drops, ""),
    Row("mono", "debian", "root", "", Plain, ""),
    Row("mysql", "debian", "root", "mysql:mysql", Drops, ""),
    Row("neo4j", "debian", "root", "neo4j:neo4j", Drops, ""),
    Row("nextcloud", "debian", "root", "www-data:www-data", Plain, "apache2-foreground"),
    Row("nfcore/base", "debian", "root", "", Plain, ""),
    Row("nginx", "debian", "root", "nginx:nginx", Plain, "nginx"),
    Row("nginxinc/nginx-unprivileged", "debian", "nginx", "", Plain, ""),
    Row("node", "debian", "root", "node:node", Plain, ""),
    Row("nvidia/cuda", "ubuntu", "root", "", Plain, ""),
    Row("openjdk", "debian", "root", "", Plain, ""),
    Row("opensuse", "suse", "root", "", Plain, ""),
    Row("opensuse/leap", "suse", "root", "", Plain, ""),
    Row("opensuse/tumbleweed", "suse", "root", "", Plain, ""),
    Row("oraclelinux", "rhel", "root", "", Plain, ""),
    Row("oven/bun", "debian", "root", "bun:bun", Plain, ""),
    Row("percona", "rhel", "mysql", "", Plain, ""),
    Row("perl", "debian", "root", "", Plain, ""),
    Row("photon", "photon", "root", "", Plain, ""),
    Row("php", "debian", "root", "www-data:www-data", Plain, "php"),
    Row("phusion/*", "ubuntu", "root", "", INIT, ""),
    Row("postgis/postgis", "debian", "root", "postgres:postgres", Drops, ""),
    Row("postgres", "debian", "root", "postgres:postgres", Drops, ""),
    Row("progrium/busybox", "busybox", "root", "", Plain, ""),
    Row("prom/*", "busybox", "nobody", "", Plain, ""),
    Row("puppeteer/puppeteer", "debian", "pptruser", "", Plain, ""),
    Row("pypy", "debian", "root", "", Plain, ""),
    Row("python", "debian", "root", "", Plain, ""),
    Row("pytorch/pytorch", "ubuntu", "root", "", Plain, ""),
    Row("quay.io/keycloak/keycloak", "rhel", "keycloak", "", Plain, ""),
    Row("r-base", "debian", "root", "docker:docker", Plain, ""),
    Row("rabbitmq", "ubuntu", "root", "rabbitmq:rabbitmq", Drops, ""),
    Row("rails", "debian", "root", "", Plain, ""),
    Row("redis", "debian", "root", "redis:redis", Drops, ""),
    Row("registry", "alpine", "root", "", Plain, ""),
    Row("rockylinux", "rhel", "root", "", Plain, ""),
    Row("rocker/r-base", "debian", "root", "docker:docker", Plain, ""),
    Row("rocker/r-ver", "debian", "root", "", Plain, ""),
    Row("rocker/rstudio", "debian", "root", "", INIT, ""),
    Row("rocker/shiny", "ubuntu", "root", "", INIT, ""),
    Row("rocker/tidyverse", "debian", "root", "", INIT, ""),
    Row("rocker/verse", "debian", "root", "", INIT, ""),
    Row("ros", "ubuntu", "root", "", Plain, ""),
    Row("ruby", "debian", "root", "", Plain, ""),
    Row("rust", "debian", "root", "", Plain, ""),
    Row("selenium/*", "ubuntu", "seluser", "", Plain, ""),
    Row("sonarqube", "debian", "sonarqube", "", Plain, ""),
    Row("swift", "ubuntu", "root", "", Plain, ""),
    Row("tensorflow/tensorflow", "ubuntu", "root", "", Plain, ""),
    Row("tomcat", "debian", "root", "", Plain, "catalina.sh"),
    Row("traefik", "alpine", "root", "", Plain, ""),
    Row("ubuntu", "ubuntu", "root", "", Plain, ""),
    Row("ubuntu-debootstrap", "ubuntu", "root", "", Plain, ""),
    Row("varnish", "debian", "varnish", "", Plain, ""),
    Row("vault", "alpine", "root", "vault:vault", Drops, ""),
    Row("wordpress", "debian", "root", "www-data:www-data", Plain, "apache2-foreground"),
    Row("zookeeper", "debian", "root", "zookeeper:zookeeper", Drops, ""),
];

fn row(key: &str) -> Option<&'static Row> {
    let find = |key: &str| TABLE.iter().find(|row| row.0 == key);
    if let Some(found) = find(key) {
        return Some(found);
    }
    let folder = TABLE.iter().find(|row| row.0.strip_suffix('*').is_some_and(|folder| key.starts_with(folder)));
    folder
}

/// What is known about `image`.
pub(super) fn facts(image: &ImageRef) -> Facts {
    let hub =
        matches!(image.registry.as_deref(), None | Some("docker.io" | "index.docker.io" | "registry-1.docker.io"));
    let official = image.path.strip_prefix("library/").or_else(|| {
        // Mirrors keep the folder of the official images.
        image.path.find("/library/").and_then(|at| image.path.get(at + "/library/".len()..))
    });
    let key = match (official, hub) {
        (Some(name), _) => name.to_owned(),
        (None, true) => match image.path.strip_prefix("stackbrew/") {
            Some(name) => name.to_owned(),
            None => image.path.clone(),
        },
        (None, false) => format!("{}/{}", image.registry.as_deref().unwrap_or_default(), image.path),
    };
    let tag = image.tag_or_latest();
    let row = row(&key);
    let family = family(&key, tag, row.map(|row| row.1));
    let mut facts = Facts {
        family,
        user: row.map(|row| row.2).filter(|user| *user != "-"),
        own: row.and_then(|row| row.3.split_once(':')),
        entry: row.map_or(Start::Unknown, |row| row.4),
        program: row.map(|row| row.5).filter(|program| !program.is_empty()),
        bare: matches!(family, Some(Family::Scratch | Family::Distroless)),
        key,
    };
    special(&mut facts, tag);
    facts
}

/// What depends on the tag.
fn special(facts: &mut Facts, tag: &str) {
    let key = facts.key.as_str();
    if key == "node" && !has_node_user(tag) {
        facts.own = None;
    }
    if key == "php" {
        facts.program = Some(if tag.contains("apache") {
            "apache2-foreground"
        } else if tag.contains("fpm") {
            "php-fpm"
        } else {
            "php"
        });
    }
    if matches!(key, "wordpress" | "drupal" | "nextcloud") && tag.contains("fpm") {
        facts.program = Some("php-fpm");
    }
    if key.starts_with("gcr.io/distroless/") && tag.contains("nonroot") {
        facts.user = Some("nonroot");
    }
    if key.starts_with("cgr.dev/chainguard/") {
        facts.family = Some(Family::Wolfi);
        facts.user = Some(if key.ends_with("/wolfi-base") { "root" } else { "nonroot" });
        facts.entry = Start::Plain;
    }
    if key.starts_with("bitnami/") && key != "bitnami/minideb" {
        facts.family = Some(Family::Debian);
    }
    if key.starts_with("mcr.microsoft.com/dotnet/") {
        let major = tag.split(['.', '-']).next().and_then(|number| number.parse::<u32>().ok());
        if major.is_some_and(|major| major >= 8) {
            facts.own = Some(("app", "app"));
        }
        if tag.contains("chiseled") || tag.contains("distroless") {
            facts.user = Some("app");
            facts.family = Some(Family::Distroless);
            facts.bare = true;
        }
        if tag.contains("nanoserver") || tag.contains("windowsservercore") {
            facts.family = Some(Family::Windows);
        }
    }
    if key.contains("redhat.com/") || key.contains("ubi") && key.contains("minimal") {
        let name = key.rsplit('/').next().unwrap_or_default();
        let plain = matches!(name, "ubi" | "rhel7" | "rhel" | "ubi-init" | "rhel-atomic")
            || name.ends_with("-minimal")
            || name.ends_with("-micro");
        facts.family = Some(Family::Rhel);
        facts.user = plain.then_some("root");
        facts.entry = if plain { Start::Plain } else { Start::Unknown };
        facts.bare = name.ends_with("-minimal") || name.ends_with("-micro");
    }
    if matches!(facts.family, Some(Family::Amazon | Family::Photon | Family::Mariner)) {
        facts.bare = true;
    }
    if matches!(facts.family, Some(Family::Rhel)) && (tag.contains("minimal") || tag.contains("slim")) {
        facts.bare = true;
    }
    let windows = ["nanoserver", "windowsservercore", "servercore", "windows/", "/iis", "windows-"];
    if windows.iter().any(|mark| facts.key.contains(mark) || tag.contains(mark)) {
        facts.family = Some(Family::Windows);
    }
}

/// Whether this tag of `node` has its user: since July 2016, in each line that was still built then.
fn has_node_user(tag: &str) -> bool {
    let mut numbers = tag.split(['-', '.']).map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(0), Some(10), patch) => patch.is_none_or(|patch| patch >= 47),
        (Some(0), Some(12), patch) => patch.is_none_or(|patch| patch >= 16),
        (Some(0 | 5), ..) => false,
        (Some(4), minor, _) => minor.is_none_or(|minor| minor >= 5),
        (Some(6), minor, _) => minor.is_none_or(|minor| minor >= 4),
        (Some(1..=3), ..) => false,
        _ => true,
    }
}

fn family(key: &str, tag: &str, usual: Option<&str>) -> Option<Family> {
    if let Some(release) = tags::release(key, tag).and_then(releases::release).or_else(|| releases::named_in(tag)) {
        return Some(release.family);
    }
    if tag.contains("alpine") {
        return Some(Family::Alpine);
    }
    if key == "busybox" || key == "scratch" {
        return Some(Family::BusyBox);
    }
    if let Some(usual) = usual
        && let Some(family) = Family::from_name(usual)
    {
        return Some(family);
    }
    for (mark, family) in [
        ("alpine", Family::Alpine),
        ("busybox", Family::BusyBox),
        ("ubuntu", Family::Ubuntu),
        ("debian", Family::Debian),
        ("raspbian", Family::Debian),
        ("centos", Family::Rhel),
        ("fedora", Family::Fedora),
        ("archlinux", Family::Arch),
        ("opensuse", Family::Suse),
        ("nanoserver", Family::Windows),
        ("distroless", Family::Distroless),
    ] {
        if key.contains(mark) || tag.contains(mark) {
            return Some(family);
        }
    }
    None
}

/// The distribution that a RUN shows by its package manager.
pub(super) fn family_by_command(text: &str) -> Option<Family> {
    for (mark, family) in [
        ("apt-get ", Family::Debian),
        ("apk add", Family::Alpine),
        ("apk --", Family::Alpine),
        ("apk update", Family::Alpine),
        ("apk-install", Family::Alpine),
        ("yum ", Family::Rhel),
        ("dnf ", Family::Rhel),
        ("microdnf ", Family::Rhel),
        ("apt ", Family::Debian),
        ("dpkg ", Family::Debian),
        ("pacman ", Family::Arch),
        ("zypper ", Family::Suse),
    ] {
        if memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some() {
            return Some(family);
        }
    }
    None
}
