//! What the user has to own: what the program writes.

mod beforehand;
mod beside_root;
mod beside_sources;
mod chmods;
mod closed;
mod filled;
mod folders;
mod frameworks;
mod home;
mod made;
mod modes;
mod named;
mod process;
mod server;
mod sources;
mod spring;
mod stores;
mod volumes;

use crate::knowledge::releases::Family;
use crate::knowledge::words::Words;
use crate::model::paths;
use crate::syntax::Keyword;

use super::caches::Cache;
use super::obstacles;
use super::stepdown::StepDown;
use super::survey::{Survey, Unit};
use super::user::User;
use super::uses;

use beforehand::{beforehand, built_inside};
use beside_root::kept_below;
pub(super) use beside_root::{Beside, beside_root};
use beside_sources::written_beside;
use chmods::chmods;
use closed::closed;
pub(super) use filled::fills;
use filled::{filled_below, installs_at_start, reads_only};
use folders::{built_at_start, folders, onbuild, shared};
pub(super) use folders::{holds_project, only_serves};
use frameworks::{developed, frameworks, renewed};
pub(super) use home::home_said;
use home::{home, roots_home};
use made::{
    given, given_already, given_at, given_away, handed_on, made, prepared, pulled, templates, touched, unpacked,
};
pub(super) use made::{given_filled, given_whole, opened};
pub(super) use modes::{database_in_root, databases};
use modes::{may_be_written, modes};
pub(super) use named::behind_a_runner;
pub(super) use named::{free, run_folder, system_place, told};
use named::{named, written};
pub(super) use process::places as of_process;
pub(super) use server::configures_nginx;
use server::{configured, own_place, server};
use sources::unnamed;
pub(super) use sources::{kept_by_told, runs_here};
use stores::stores;
pub(super) use volumes::above_in_roots_home;
use volumes::volumes;

/// What has to be the user's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Needs {
    /// COPY and ADD that get an owner: positions among the stage's units.
    pub(super) copies: Vec<usize>,
    /// Folders that are there, or are made, before the first copy into them.
    pub(super) early: Vec<Folder>,
    /// Folders that are full by the end.
    pub(super) late: Vec<Folder>,
    /// Files that are made and owned at the end.
    pub(super) files: Vec<String>,
    /// The first VOLUME, before which its folder has to be owned.
    pub(super) volume: Option<usize>,
    /// Variables that move what tools keep in root's home, with the unit before which they stand.
    pub(super) moved: Vec<(usize, Cache)>,
    /// What `ENV HOME` has to say.
    pub(super) home: Option<String>,
    /// What is taken for granted.
    pub(super) assumptions: Vec<String>,
}

impl Needs {
    /// All the folders and files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let folders = self.early.iter().chain(&self.late).map(|folder| folder.path.as_str());
        folders.chain(self.files.iter().map(String::as_str))
    }

    /// Whether the place is given away already.
    pub(super) fn owned(&self, path: &str) -> bool {
        let mut folders = self.early.iter().chain(&self.late);
        folders.any(|known| known.path == path || (known.recursive && paths::within(path, &known.path)))
    }
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) path: String,
    /// With everything in it.
    pub(super) recursive: bool,
    /// It may not be there.
    pub(super) make: bool,
}

/// Whether a path can be the folder of an application.
pub(super) fn is_application(path: &str) -> bool {
    let shared = Words::SharedFolders.has(path);
    in_tmp(path) || !shared && !Words::ReadOnlyFolders.list().iter().any(|folder| paths::within(path, folder))
}

/// Whether a path is a folder of its own below those for temporary files: everybody writes there, but not into the folder of
/// somebody.
fn in_tmp(path: &str) -> bool {
    named::free(path) && !paths::within(path, "/dev") && !matches!(path, "/tmp" | "/var/tmp")
}

/// Databases that are copied to a folder of their own: the program writes to them, and beside them.
fn filed(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    for (at, path) in databases(survey) {
        let folder = paths::parent(&path);
        // What is shared by programs is read: `/usr/share/collectd/types.db`.
        if !is_application(folder) || paths::within(folder, "/usr") || given(survey, user, &path) {
            continue;
        }
        needs.copies.push(at);
        if !needs.owned(folder) && !matches!(folder, "/opt" | "/srv") {
            needs.early.push(Folder { path: folder.to_owned(), recursive: false, make: true });
        }
    }
}

/// What has to be the user's.
pub(super) fn needs(survey: &Survey<'_, '_>, user: &User) -> Needs {
    let mut needs = Needs::default();
    server(survey, user, &mut needs);
    configured(survey, user, &mut needs);
    volumes(survey, user, &mut needs);
    uses::volumes(survey, user, &mut needs);
    application(survey, user, &mut needs);
    kept_below(survey, &mut needs);
    written_beside(survey, user, &mut needs);
    roots_home(survey, &mut needs);
    frameworks(survey, user, &mut needs);
    developed(survey, &mut needs);
    stores(survey, user, &mut needs);
    renewed(survey, &mut needs);
    made(survey, user, &mut needs);
    touched(survey, user, &mut needs);
    templates(survey, &mut needs);
    unpacked(survey, &mut needs);
    handed_on(survey, &mut needs);
    named(survey, &mut needs);
    prepared(survey, &mut needs);
    pulled(survey, &mut needs);
    written(survey, user, &mut needs);
    chmods(survey, &mut needs);
    home(survey, user, &mut needs);
    modes(survey, &mut needs);
    filed(survey, user, &mut needs);
    given_away(survey, user, &mut needs);
    closed(survey, &mut needs);
    beforehand(survey, &mut needs);
    // Everybody writes there as it is, and takes away what is their own alone.
    let shared = |folder: &Folder| matches!(folder.path.as_str(), "/tmp" | "/var/tmp");
    needs.early.retain(|folder| !shared(folder));
    needs.late.retain(|folder| !shared(folder) && !given_already(survey, user, folder));
    nested(&mut needs);
    assumptions(survey, user, &mut needs);
    let mounted = uses::assumptions(survey, user, &needs);
    needs.assumptions.extend(mounted);
    needs.copies.sort_unstable();
    needs.copies.dedup();
    needs
}

/// Takes out what is given away with a folder above it, or twice.
fn nested(needs: &mut Needs) {
    let whole: Vec<String> =
        needs.late.iter().filter(|folder| folder.recursive).map(|folder| folder.path.clone()).collect();
    let inside = |path: &str| whole.iter().any(|folder| folder != path && paths::within(path, folder));
    needs.late.retain(|folder| folder.make || !inside(&folder.path));
    let mut files: Vec<String> = Vec::new();
    for path in needs.files.drain(..) {
        if !inside(&path) && !files.iter().any(|known| paths::without_link(known) == paths::without_link(&path)) {
            files.push(path);
        }
    }
    needs.files = files;
    distinct(&mut needs.late);
}

/// Takes out what is given away a second time in the same way.
pub(super) fn distinct(folders: &mut Vec<Folder>) {
    let mut seen: Vec<(String, bool)> = Vec::new();
    folders.retain(|folder| {
        let known = seen.iter().any(|(path, recursive)| *path == folder.path && *recursive == folder.recursive);
        seen.push((folder.path.clone(), folder.recursive));
        !known
    });
}

/// What a program needs that has run as the user all along: nothing that it had not.
pub(super) fn as_before(stepped: &StepDown) -> Needs {
    let assumption = format!("the image has the user {}, as {} took for granted", stepped.user, stepped.tool);
    Needs { assumptions: vec![assumption], ..Needs::default() }
}

/// Where the application writes beside itself.
fn application(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    if only_serves(survey, user) || user.server.is_some_and(|server| server.program() == "catalina.sh") {
        return;
    }
    let folders = folders(survey, user);
    if reads_only(survey) {
        return;
    }
    if folders.is_empty() {
        unnamed(survey, needs);
        return;
    }
    // The last RUN that fills a folder.
    let filled = |folder: &str| {
        let fill = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Run && fills(survey, unit, folder);
        survey.units.iter().rposition(fill)
    };
    let last: Vec<Option<usize>> = folders.iter().map(|folder| filled(folder)).collect();
    // Until where the folder is given away with everything in it: by the file, or by us at the end.
    let until = |folder: &String, filled: Option<usize>| {
        let filled = filled?;
        Some(given_at(survey, user, folder).filter(|given| filled <= *given).unwrap_or(survey.units.len()))
    };
    let whole: Vec<(&String, usize)> =
        folders.iter().zip(&last).filter_map(|(folder, filled)| Some((folder, until(folder, *filled)?))).collect();
    // From where on the file itself gives a folder to the user, with all that is in it by then.
    let given: Vec<Option<usize>> = folders.iter().map(|folder| given_whole(survey, user, folder)).collect();
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit) else { continue };
        let Some(to) = copied.to.as_deref() else { continue };
        let later =
            |(folder, given): (&String, &Option<usize>)| paths::within(to, folder) && given.is_some_and(|g| at < g);
        if folders.iter().zip(&given).any(later) {
            continue;
        }
        let inside = folders.iter().any(|folder| paths::within(to, folder) || (paths::within(folder, to) && to != "/"));
        let exactly = folders.iter().any(|folder| folder == to);
        let covered = whole.iter().any(|(folder, until)| paths::within(to, folder) && at < *until);
        let installed = folders.iter().any(|folder| {
            paths::within(to, folder) && (installs_at_start(survey, folder) || built_at_start(survey, folder))
        });
        let given = unit.has_owner();
        let changed = installed && !given || may_be_written(survey, unit, copied, exactly);
        if inside && !covered && (is_application(to) || shared(survey) == Some(to)) && changed {
            needs.copies.push(at);
            // Where a folder inside is made beforehand, so is this one, and COPY only gives away what it makes.
            let above = folders.iter().any(|folder| folder != to && paths::within(folder, to));
            if above && !needs.owned(to) && !matches!(to, "/opt" | "/srv") {
                needs.early.push(Folder { path: to.to_owned(), recursive: false, make: true });
            }
        }
    }
    for (folder, filled) in folders.into_iter().zip(last) {
        let owned_by_image =
            folder == "/var/www/html" && user.owner.starts_with("www-data") && survey.facts.own.is_some();
        let below = filled_below(survey, &folder);
        let recursive = filled.is_some() || below || onbuild(survey);
        let known = needs.early.iter().chain(&needs.late).any(|known| known.path == folder);
        let given = given_at(survey, user, &folder).is_some_and(|at| filled.is_none_or(|filled| filled <= at));
        if known || (owned_by_image && !recursive) || given {
            continue;
        }
        let works = survey.units.iter().any(|unit| unit.instruction.keyword == Keyword::Run);
        let make = (!works || !recursive) && !onbuild(survey);
        let built = built_inside(survey, needs, &folder);
        let folder = Folder { path: folder, recursive, make: make && !built };
        // What the stages below have filled is there from the start, and what comes later is given as it is copied.
        if built || recursive && (filled.is_some() || !below) {
            needs.late.push(folder);
        } else {
            needs.early.push(folder);
        }
    }
    if !needs.early.is_empty() || !needs.late.is_empty() || !needs.copies.is_empty() {
        let all = needs.early.iter().chain(&needs.late).filter(|folder| !folder.path.starts_with("/var/l"));
        let mut names: Vec<&str> = all.map(|folder| folder.path.as_str()).collect();
        names.dedup();
        if !names.is_empty() {
            needs
                .assumptions
                .push(format!("the program writes nowhere but in {}, its home and /tmp", names.join(", ")));
        }
    }
}

/// What is taken for granted where there are volumes.
pub(super) const VOLUMES: &str = "volumes that exist already are given to the user by hand";

/// What else is taken for granted.
fn assumptions(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let ports = obstacles::low_ports(survey);
    if let Some(port) = ports.first() {
        needs.assumptions.push(format!(
            "port {port} is published by Docker 20.10 or later, where every user may bind it; Kubernetes needs the sysctl \
             net.ipv4.ip_unprivileged_port_start, or a port above 1023"
        ));
    }
    if needs.volume.is_some() {
        needs.assumptions.push(VOLUMES.to_owned());
    }
    if survey.entry.is_empty() && survey.facts.start == super::images::Start::Unknown {
        needs.assumptions.push("what the base image starts needs no root".to_owned());
    }
    // A program of its own may keep data where only root can write.
    if survey.facts.user.is_none() && survey.facts.family != Some(Family::Scratch) && !obstacles::only_a_shell(survey) {
        let image = survey.model.image(survey.stage).map_or_else(|| "the base image".to_owned(), ToString::to_string);
        needs.assumptions.push(format!("programs that {image} brings write where every user may"));
    }
    if survey.entry.is_empty()
        && survey.facts.start == super::images::Start::Plain
        && survey.facts.plain
        && survey.units.iter().any(|unit| unit.instruction.keyword == Keyword::Run)
    {
        needs.assumptions.push("no image is built on this one that needs root".to_owned());
    }
    if own_place(survey) {
        let name = user.owner.split(':').next().unwrap_or_default();
        needs.assumptions.push(format!(
            "the entrypoint of {} becomes {name} only where it starts as root, as in every release since 2017, and folders \
             of the host that are mounted belong to {name}",
            survey.facts.key
        ));
    }
    if let Some(step) = survey.runs().find(|step| obstacles::builds(step)) {
        needs.assumptions.push(format!(
            "`{}` may fetch again what it needs, into the home of the user, when the container starts",
            step.program()
        ));
    }
    let installer = |step: &&crate::model::commands::Step| {
        matches!(step.program(), "pip" | "pip2" | "pip3" | "gem") && step.args().iter().any(|arg| arg == "install")
    };
    if let Some(step) = survey.entry.steps.iter().find(installer) {
        needs.assumptions.push(format!("{} installs into the home folder of the user", step.program()));
    }
    let unseen = survey.entry.steps.iter().find_map(|step| {
        let script = step.argv.iter().find(|word| word.ends_with(".sh"))?;
        let path = step.path(script)?;
        // One that is called by its name alone lies among the programs.
        let read = survey.scripts.iter().any(|found| paths::name(&found.path) == paths::name(&path));
        (!read && survey.read(&path).is_none()).then_some(path)
    });
    if let Some(path) = unseen {
        needs.assumptions.push(format!("{path} does nothing that needs root"));
    }
    if survey.runs().any(|step| step.program() == "supervisord") {
        needs.assumptions.push("what supervisord starts writes to no other place".to_owned());
    }
    if !survey.entry.known {
        needs.assumptions.push("what starts, which can't be read, needs no root".to_owned());
    }
    if user.server.is_some() {
        needs.assumptions.push("the server's configuration names no other place that it writes to".to_owned());
    }
}
