//! How others use the image: files of Compose around it start other commands in it, and mount what is written to.

use crate::knowledge::images;
use crate::model::commands::Step;
use crate::model::{entry, npm, paths};
use crate::settings::{HOST_NETWORK, Mount, Start};
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::owns::{self, Folder, Needs};
use super::scripts::{self, Script};
use super::survey::Survey;
use super::user::User;
use super::{obstacles, refuse};

/// A use of the image, as the user that it says itself.
pub(super) struct Use<'m> {
    pub(super) start: &'m Start,
    /// What is started in the place of what the image starts, through the scripts that can be read.
    pub(super) steps: Vec<Step>,
    /// Those scripts.
    scripts: Vec<Script>,
    /// Why that needs root.
    root: Option<Refusal>,
}

/// Reads how the image is used.
pub(super) fn read<'m>(survey: &Survey<'m, '_>) -> Vec<Use<'m>> {
    let starts = survey.model.settings.starts.iter();
    let here = |start: &&Start| start.user.is_none() && start.is_of(survey.stage.name.as_deref());
    starts.filter(here).map(|start| of(survey, start)).collect()
}

fn of<'m>(survey: &Survey<'m, '_>, start: &'m Start) -> Use<'m> {
    let own = entry::instead(survey.model, survey.stage, start).unwrap_or_default();
    let scripts = scripts::behind(survey, own.clone());
    let index = survey.entry.cmd.or(survey.entry.entrypoint).unwrap_or(survey.stage.from);
    let mut steps: Vec<Step> = Vec::new();
    for step in own.iter().chain(scripts.iter().filter_map(|script| script.steps.as_ref()).flatten()) {
        let behind = npm::behind(survey.model, index, step, &|path| survey.read(path));
        steps.extend(std::iter::once(step.clone()).chain(behind).filter(|one| !survey.started.contains(one)));
    }
    let words = [&start.entrypoint, &start.command];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    let root = obstacles::needs_root(survey, &steps, &scripts, &words).err();
    Use { start, steps, scripts, root }
}

/// What stands against another user in every use.
///
/// # Errors
/// A refusal that says what needs root.
pub(super) fn check(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let ports = obstacles::low_ports(survey);
    for one in survey.uses.iter().map(|one| one.start) {
        // Docker lets every user bind them, in a network of the container's own.
        if let (true, Some(port)) = (one.rights.iter().any(|right| right == HOST_NETWORK), ports.first()) {
            let text = format!("{} starts it in the network of the host, where only root may bind port {port}", one.by);
            return Err(refuse("needs-root", text, true));
        }
        for right in &one.rights {
            if let Some(word) = obstacles::right(survey.model.file.source, right.as_bytes()) {
                let text = format!("{} starts it with rights that only root can use ({word})", one.by);
                return Err(refuse("needs-root", text, true));
            }
        }
        for mount in &one.mounts {
            if mount.path.ends_with("/docker.sock") {
                let text = format!("{} mounts the Docker daemon's socket, which belongs to root", one.by);
                return Err(refuse("docker-socket", text, true));
            }
            if mount.of_root && mount.writable {
                let text = format!("{} mounts a volume at {}, which belongs to root", one.by, mount.path);
                return Err(refuse("needs-root", text, true));
            }
            // Where the home is another one, nobody looks there; and what is worked in there is given away with it.
            let home = || owns::home_said(survey).is_none_or(|home| home == "/root");
            let works = survey.model.final_workdir(survey.stage).is_some_and(|at| paths::within(at, "/root"));
            if mount.host.is_some() && paths::within(&mount.path, "/root") && !works && home() {
                let text = format!("{} mounts {}, where root alone looks", one.by, mount.path);
                return Err(refuse("needs-root", text, true));
            }
        }
    }
    // What is there for nothing else; who compiles at the start elsewhere develops there.
    let needs = |one: &&Use<'_>| match &one.root {
        Some(refusal) => !matches!(refusal.code, "toolchain-at-run-time" | "package-manager-at-start"),
        None => false,
    };
    let fixed = survey.uses.iter().find(|one| one.start.fixed && needs(one));
    match fixed.or_else(|| survey.uses.first().filter(|_| survey.uses.iter().all(|one| needs(&one)))) {
        Some(one) => {
            let refusal = one.root.as_ref().map_or("needs-root", |refusal| refusal.code);
            let reason = one.root.as_ref().map_or("", |refusal| refusal.text.as_str());
            Err(refuse(refusal, format!("by {}, {reason}", one.start.by), true))
        }
        None => Ok(()),
    }
}

/// What somebody has to see to where a use needs root.
pub(super) fn tasks(survey: &Survey<'_, '_>) -> Vec<String> {
    let said = |one: &Use<'_>| {
        let reason = &one.root.as_ref()?.text;
        let started = one.start.command.as_ref().or(one.start.entrypoint.as_ref())?;
        Some(format!("{} starts `{started}`, and {reason}: give it `user: root`", one.start.by))
    };
    survey.uses.iter().filter_map(said).collect()
}

/// The commands that other uses start as the user.
pub(super) fn started<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = &'s Step> {
    survey.uses.iter().filter(|one| one.root.is_none()).flat_map(|one| &one.steps)
}

/// The scripts among them.
pub(super) fn scripts<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = &'s Script> {
    survey.uses.iter().filter(|one| one.root.is_none()).flat_map(|one| &one.scripts)
}

/// Parts of paths in which packages lie: a volume over them is there to keep the image's own.
const PACKAGES: [&str; 7] = ["node_modules", "bower_components", "vendor", "venv", ".venv", "site-packages", "bundle"];

/// Parts of the paths of volumes into which a server of files writes itself.
const WRITTEN: [&str; 6] = ["log", "cache", "tmp", "temp", "run", "dav"];

/// Parts of the paths of volumes in which an application opens the socket that a server of files only calls it by.
const CALLED: [&str; 6] = ["sock", "puma", "unicorn", "uwsgi", "fpm", "php"];

/// The volumes that are mounted to be written to.
fn mounted(survey: &Survey<'_, '_>) -> Vec<String> {
    let mounts = survey.uses.iter().flat_map(|one| &one.start.mounts);
    let mut found: Vec<String> = Vec::new();
    for mount in mounts.filter(|mount| mount.writable && mount.host.is_none()) {
        let path = paths::join("/", &mount.path);
        // Where the image has none, the volume begins empty, and what starts fills it.
        let workdir = survey.model.final_workdir(survey.stage).filter(|workdir| *workdir != "/");
        let there = || {
            let inside = ["/usr"].into_iter().chain(workdir).any(|folder| paths::within(&path, folder));
            inside || survey.all().any(|unit| paths::is_named(&unit.text(), &path))
        };
        let packages = path.split('/').any(|part| PACKAGES.contains(&part)) && there();
        let plain = !path.contains(['$', ' ', '\'', '"']);
        // A database's data, which a service of the project mounts beside the database itself.
        let own = || survey.facts.data.contains(&path.as_str()) || survey.all().any(|unit| unit.text().contains(&path));
        let others = images::is_servers_data(&path) && !own();
        if plain && !others && !packages && owns::is_application(&path) && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// Whether a folder is a volume, of the image's own or one that is mounted to be written to.
pub(super) fn is_volume(survey: &Survey<'_, '_>, path: &str) -> bool {
    let own = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Volume).any(|unit| {
        let mut words = unit.instruction.words().into_iter();
        words.any(|word| paths::join("/", &survey.model.expand(unit.index, word.raw).text) == path)
    });
    own || mounted(survey).iter().any(|mounted| mounted == path)
}

/// Whether a volume of root's home is among them.
pub(super) fn in_roots_home(survey: &Survey<'_, '_>) -> bool {
    mounted(survey).iter().any(|path| paths::within(path, "/root"))
}

/// Gives away the folders that volumes begin as: a new one belongs to whom its folder of the image belongs to.
pub(super) fn volumes(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    // What a server of files reads, another service has put there: a volume that is still empty takes the owner of the folder
    // in whichever image is mounted on it last.
    let serves = owns::only_serves(survey, user);
    let named = |path: &String, words: &[&str]| words.iter().any(|word| path.contains(word));
    let read = |path: &String| serves && (!named(path, &WRITTEN) || named(path, &CALLED));
    for path in mounted(survey).into_iter().filter(|path| !read(path)) {
        let whole = owns::given_whole(survey, user, &path);
        for (at, unit) in survey.units.iter().enumerate() {
            let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
            let given = unit.has_owner() || whole.is_some_and(|whole| at < whole);
            if to.is_some_and(|to| paths::within(to, &path)) && !given && !needs.copies.contains(&at) {
                needs.copies.push(at);
            }
        }
        let given = needs.owned(&path) || owns::given_filled(survey, user, &path).is_some();
        if given
            || owns::opened(survey, &path)
            || survey.facts.data.contains(&path.as_str()) && survey.facts.own.is_some()
        {
            continue;
        }
        let fills = |unit: &super::survey::Unit<'_>| {
            unit.instruction.keyword == Keyword::Run && owns::fills(survey, unit, &path)
        };
        let recursive = survey.all().any(fills);
        for above in owns::above_in_roots_home(&path) {
            if !needs.owned(&above) {
                needs.late.push(Folder { path: above, recursive: false, make: true });
            }
        }
        needs.late.push(Folder { path, recursive, make: true });
    }
}

/// What is taken for granted of the volumes, and of the folders of the host that are mounted where the user writes.
pub(super) fn assumptions(survey: &Survey<'_, '_>, user: &User, needs: &Needs) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let given = |path: &String| needs.owned(path) || owns::given_filled(survey, user, path).is_some();
    if needs.volume.is_none() && mounted(survey).iter().any(given) {
        found.push(owns::VOLUMES.to_owned());
    }
    for one in &survey.uses {
        let written = |path: &str| needs.paths().any(|own| paths::within(own, path) || paths::within(path, own));
        // A folder that is mounted may be one that the program fills; a single file is mostly settings.
        let folder = |mount: &Mount| {
            let name = paths::name(mount.host.as_deref().unwrap_or_default().trim_end_matches('/'));
            !name.is_empty() && !name.trim_start_matches('.').contains('.') && owns::is_application(&mount.path)
        };
        let counts = |mount: &&Mount| mount.writable && (written(&paths::join("/", &mount.path)) || folder(mount));
        let mounts = one.start.mounts.iter().filter(counts);
        let mut hosts: Vec<&str> = mounts.filter_map(|mount| mount.host.as_deref()).collect();
        hosts.dedup();
        let (Some(first), rest) = (hosts.first(), hosts.len().saturating_sub(3)) else { continue };
        let named = hosts.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let named = if rest > 0 { format!("{named} and {rest} more") } else { named };
        let which = if hosts.len() > 1 { named } else { (*first).to_owned() };
        let text = format!("the user may write to {which} of the host, which {} mounts", one.start.by);
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}
