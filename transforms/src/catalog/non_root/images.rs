//! What is known about the image at the bottom, as far as its user has to know.

use crate::knowledge::images::{Image, Kind, RunsAs, Start as Known};
use crate::knowledge::releases::{self, Family};
use crate::model::{Base, Model, Stage, paths};
use crate::syntax::typed::ImageRef;

/// What is known about an image.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The name under which it is known; as it is written where nothing is known.
    pub(super) key: String,
    /// Its distribution.
    pub(super) family: Option<Family>,
    /// The user that it runs as; `None` where that is not known.
    pub(super) user: Option<&'static str>,
    /// The user that it brings for programs, with its group.
    pub(super) own: Option<(String, String)>,
    /// The home of that user, where it is known.
    pub(super) home: Option<&'static str>,
    /// Its user id and group id.
    pub(super) ids: Option<(&'static str, &'static str)>,
    /// The language that it is made for.
    pub(super) language: Option<&'static str>,
    /// What its own ENTRYPOINT and CMD do.
    pub(super) start: Start,
    /// The program that runs when nothing else is said.
    pub(super) program: Option<&'static str>,
    /// The name of its entrypoint script.
    pub(super) entrypoint: Option<&'static str>,
    /// Whether what it starts is known to be its CMD, which a CMD of the file replaces.
    pub(super) command: bool,
    /// The folders that its own program writes to.
    pub(super) data: Vec<&'static str>,
    /// The ports that its own program listens on.
    pub(super) ports: Vec<u16>,
    /// Whether the tools that make users are missing.
    pub(super) bare: bool,
    /// Whether it is a distribution, with nothing on top.
    pub(super) plain: bool,
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
    /// The same, or starts as that user where it is told to.
    Either,
    /// Needs root all the time.
    Needs,
    /// The platform that runs it chooses the user.
    Platform,
}

/// `FROM scratch`.
fn scratch() -> Facts {
    Facts {
        key: "scratch".into(),
        family: Some(Family::Scratch),
        user: Some("root"),
        start: Start::Plain,
        bare: true,
        plain: true,
        ..Facts::default()
    }
}

/// What is known about the image at the bottom of a stage.
pub(super) fn of(model: &Model<'_>, stage: &Stage) -> Facts {
    match model.image(stage) {
        Some(image) => facts(image, model.known(stage)),
        None if model.bottom(stage).base == Base::Scratch => scratch(),
        None => Facts::default(),
    }
}

/// What is known about `image`.
fn facts(image: &ImageRef, known: Option<Image<'_>>) -> Facts {
    let Some(known) = known else {
        let key = match &image.registry {
            Some(registry) => format!("{registry}/{}", image.path),
            None => image.path.clone(),
        };
        let family = guess(&key, image.tag_or_latest());
        return Facts { key, family, bare: bare(family, ""), ..Facts::default() };
    };
    let first = known.users().find(|user| !matches!(user.name, "nobody" | "abc"));
    let ids = first.as_ref().map(|user| (user.uid, user.gid)).filter(|ids| !ids.0.is_empty() && !ids.1.is_empty());
    let home = first.as_ref().map(|user| user.home).filter(|home| home.starts_with('/'));
    let own = first.map(|user| {
        let group = if user.uid == user.gid { user.name } else { user.gid };
        (user.name.to_owned(), group.to_owned())
    });
    let family = known.family().or_else(|| guess(known.name(), known.tag()));
    Facts {
        key: known.name().to_owned(),
        family,
        user: match known.runs_as() {
            RunsAs::Root => Some("root"),
            RunsAs::User(user) => Some(user),
            RunsAs::Unknown => None,
        },
        own,
        home,
        ids,
        language: known.language(),
        start: match known.start() {
            Known::Plain | Known::Workers | Known::Unprivileged => Start::Plain,
            Known::Drops => Start::Drops,
            Known::Either => Start::Either,
            Known::NeedsRoot => Start::Needs,
            Known::Platform => Start::Platform,
        },
        program: known.cmd().and_then(|cmd| cmd.split(' ').next()),
        entrypoint: known.entrypoint().and_then(|words| words.split(' ').next()).map(paths::name),
        command: known.cmd().is_some() && known.entrypoint().is_none(),
        data: known.data().collect(),
        ports: known.ports().collect(),
        bare: [known.name(), known.tag(), known.release().unwrap_or_default()].iter().any(|name| bare(family, name)),
        plain: known.kind() == Kind::Distro,
    }
}

/// Whether an image of this family, with this name or release, comes without the tools that make users.
fn bare(family: Option<Family>, name: &str) -> bool {
    match family {
        Some(Family::Scratch | Family::Distroless | Family::Amazon | Family::Photon | Family::Mariner) => true,
        Some(Family::Rhel) => ["minimal", "micro", "slim"].iter().any(|mark| name.contains(mark)),
        _ => false,
    }
}

/// The distribution that the name of an unknown image says.
fn guess(key: &str, tag: &str) -> Option<Family> {
    if let Some(release) = releases::named_in(tag) {
        return Some(release.family);
    }
    let marks = [
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
        ("windowsservercore", Family::Windows),
        ("distroless", Family::Distroless),
    ];
    marks.iter().find(|(mark, _)| tag.contains(mark) || key.contains(mark)).map(|(_, family)| *family)
}

/// The distribution that a RUN shows by its package manager. One that asks which of them is there, as it is for more than
/// one image, shows none: `apk add curl || (apt-get update && apt-get install -y curl)`.
pub(super) fn family_by_command(text: &str) -> Option<Family> {
    let marks = [
        ("apt-get ", Family::Debian),
        ("apk add", Family::Alpine),
        ("apk --", Family::Alpine),
        ("apk update", Family::Alpine),
        ("apk-install", Family::Alpine),
        ("yum ", Family::Rhel),
        ("dnf ", Family::Rhel),
        ("apt ", Family::Debian),
        ("dpkg ", Family::Debian),
        ("pacman ", Family::Arch),
        ("zypper ", Family::Suse),
    ];
    let found = |mark: &str| memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some();
    let mut shown = marks.iter().filter(|(mark, _)| found(mark));
    let (_, family) = *shown.next()?;
    // Debian's tool for single files is a package of others too.
    let another = shown.any(|(mark, other)| *other != family && *mark != "dpkg ");
    (!another).then_some(family)
}
