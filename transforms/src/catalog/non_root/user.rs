//! Which user it should be, and how the distribution makes one.

use crate::knowledge::releases::Family;
use crate::knowledge::servers::{self, Server};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::settings::{Settings, UserStyle};
use crate::surgery::Account;
use crate::syntax::Keyword;

use super::stepdown::StepDown;
use super::survey::{Survey, Unit};
use super::{obstacles, owns, supervised, who};

/// The id of a user that needs a number: out of the way of the ids that distributions and people give out.
const ID: u32 = 10_001;
/// The id of `nonroot` in distroless images, which stands for "nobody in particular" where there are no names.
const NONROOT: u32 = 65_532;

/// The user that the image is to run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    /// As USER names it.
    pub(super) name: String,
    /// As `chown` and `--chown` name it, with its group.
    pub(super) owner: String,
    /// The commands that make it, in order; empty where it is there.
    pub(super) make: Vec<String>,
    /// The home folder of a made user.
    pub(super) home: Option<String>,
    /// Where it is from, as the end of a sentence.
    pub(super) origin: String,
    /// The file makes it, in this unit (an index into the stage's units): before that it is not there. `None` where it
    /// is there from the start.
    pub(super) made_by: Option<usize>,
    /// The server that the image runs.
    pub(super) server: Option<Server>,
    /// Whether the file installs the server's package.
    pub(super) installed: bool,
}

/// Chooses the user.
pub(super) fn choose(survey: &Survey<'_, '_>, root: &who::Root) -> User {
    let settings = survey.model.settings;
    let numeric = settings.user_style == UserStyle::Numeric || checked_by_number(survey);
    let mut server = server(survey);
    let mut installed = false;
    if let Some(known) = server.filter(|server| server.image().is_empty() && !server.family().is_empty()) {
        let name = known.user().map_or(known.program(), |(name, _)| if name == "www-data" { "apache" } else { name });
        let name = if known.program() == "nginx" { "nginx" } else { name };
        installed = match known.packages().next() {
            Some(_) => installs(survey, &known),
            None => comes_with(survey, name),
        };
        // Built from its sources, it lies somewhere else; and the httpd of an Alpine without Apache is BusyBox's.
        let other = known.program() == "redis-server" || (known.program(), known.family()) == ("httpd", "alpine");
        if !installed && survey.facts.plain && other {
            server = None;
        }
    }
    let own = survey.facts.own.as_ref();
    let there = |name: &str, owner: String, origin: String| User {
        name: name.to_owned(),
        owner,
        make: Vec::new(),
        home: None,
        origin,
        made_by: None,
        server,
        installed,
    };
    // By number, where numbers are wanted and known.
    let numbered = |user: User, ids: Option<String>| match ids.filter(|_| numeric) {
        Some(ids) => User { origin: format!("the number of {}, {}", user.name, user.origin), name: ids, ..user },
        None => user,
    };
    let own_ids = || survey.facts.ids.map(|(uid, gid)| format!("{uid}:{gid}"));
    if let Some(before) = root.before.as_deref().filter(|user| !obstacles::unfit(user) || user.contains('$')) {
        let made = created(survey);
        let same = made.iter().find(|made| made.name == before);
        let image = own.filter(|(name, _)| name == before);
        let owner = match (same, image) {
            (Some(made), _) => made.owner(),
            (None, Some((name, group))) => format!("{name}:{group}"),
            (None, None) => before.to_owned(),
        };
        let made_by = survey.units.iter().position(|unit| {
            unit.instruction.keyword == Keyword::User && unit.instruction.args.text.as_ref() == before
        });
        let ids = same.and_then(Created::ids).or_else(|| image.and_then(|_| own_ids()));
        let user = User { made_by, ..there(before, owner, "whom it had before it went back to root".into()) };
        return numbered(user, ids);
    }
    if let Some(told) = supervised::told(survey) {
        let made = created(survey).into_iter().find(|made| made.name == told);
        let image = own.filter(|(name, _)| *name == told);
        let group = || image.map(|(name, group)| format!("{name}:{group}"));
        let owner = made.as_ref().map(Created::owner).or_else(group).unwrap_or_else(|| told.clone());
        let ids = made.as_ref().and_then(Created::ids).or_else(|| image.and_then(|_| own_ids()));
        // A package makes its user when it is installed, and not before.
        let made_by = made.as_ref().map_or_else(|| brought_by(survey, &told), |made| made.unit);
        let user = User { made_by, ..there(&told, owner, "as whom supervisord starts what it starts".into()) };
        return numbered(user, ids);
    }
    if let Some(made) = unused(survey) {
        let owner = made.owner();
        let ids = made.ids();
        let user = User { made_by: made.unit, ..there(&made.name, owner, "whom the file makes and never uses".into()) };
        return numbered(user, ids);
    }
    if let Some((owner, unit)) = given_to(survey, own) {
        let name = owner.split(':').next().unwrap_or_default().to_owned();
        let ids = own.filter(|(own, _)| *own == name).and_then(|_| own_ids());
        let user = there(&name, owner, "to whom the file gives the application".into());
        return numbered(User { made_by: unit, ..user }, ids);
    }
    if let Some(known) = server
        && let Some((name, group)) = known.user()
        && (!known.image().is_empty() || installs(survey, &known) || comes_with(survey, name))
    {
        let ids = own.filter(|(own, _)| own == name).and_then(|_| own_ids());
        // A package makes its user when it is installed, and not before.
        let made_by = match known.packages().next() {
            Some(_) => installed_by(survey, &known),
            None if known.image() != survey.facts.key => brought_by(survey, name),
            None => None,
        };
        let user = there(name, format!("{name}:{group}"), "whom the server brings".into());
        return numbered(User { made_by, ..user }, ids);
    }
    let nameless = matches!(survey.facts.family, Some(Family::Scratch | Family::Distroless));
    if let Some((name, group)) = own.filter(|_| !nameless && !survey.facts.plain) {
        let origin = format!("whom {} brings", survey.facts.key);
        return numbered(there(name, format!("{name}:{group}"), origin), own_ids());
    }
    let mut user = made(survey, settings, numeric);
    user.server = server;
    user.installed = installed;
    user
}

/// Whom the file gives the application to, by `chown -R` or as it is copied, where that is one and the same: such a user is
/// there, and would be whom the file has in mind. The second value is the unit of the stage that shows it.
fn given_to(survey: &Survey<'_, '_>, own: Option<&(String, String)>) -> Option<(String, Option<usize>)> {
    let workdir = survey.model.final_workdir(survey.stage).filter(|path| owns::is_application(path));
    let application = |path: &str| {
        let copied = |unit: &Unit<'_>| survey.copied(unit).and_then(|copied| copied.to.as_deref());
        let mut folders = survey.all().filter_map(copied).filter(|to| owns::is_application(to)).chain(workdir);
        owns::is_application(path) && folders.any(|folder| paths::within(folder, path) || paths::within(path, folder))
    };
    let below = survey.below.len();
    let unknown = survey.facts.user.is_none();
    let mut found: Option<(String, Option<usize>)> = None;
    for (at, unit) in survey.all().enumerate() {
        let flag = || unit.instruction.flags.iter().find(|flag| flag.name == "chown")?.value.as_deref();
        let owner = match unit.instruction.keyword {
            Keyword::Copy | Keyword::Add => {
                // Into a home, or where an image works, which nobody knows: `COPY --chown=sage . ${HOME}`.
                let to = survey.copied(unit).map(|copied| copied.to.as_deref());
                let within =
                    |to: Option<&str>| to.is_some_and(application) || unknown && matches!(to, None | Some("/"));
                to.filter(|to| within(*to)).and_then(|_| flag()).map(str::to_owned)
            }
            Keyword::Run if unit.text().contains("chown") => {
                let mut steps = survey.steps(unit).iter().filter(|step| step.always && step.program() == "chown");
                steps.find_map(|step| {
                    let mut operands = step.operands();
                    let owner = operands.next().filter(|_| step.is_recursive())?;
                    let given = operands.filter_map(|path| step.path(path)).any(|path| application(&path));
                    given.then(|| owner.replace('.', ":"))
                })
            }
            _ => None,
        };
        let Some(owner) = owner else { continue };
        let owner = survey.model.expand(unit.index, &owner);
        let owner = owner.text.trim_end_matches(':').to_owned();
        let name = owner.split(':').next().unwrap_or_default();
        // A number has no home, but one that is given files on an image which nobody knows is whom that runs as; `chown :group`
        // and `$USER` name nobody.
        let number = unknown && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let named = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_');
        let fit = (named || number) && !owner.contains('$') && !obstacles::unfit(name);
        if !fit && who::is_root(name) {
            continue;
        }
        if !fit || found.as_ref().is_some_and(|(known, _)| known.split(':').next() != Some(name)) {
            return None;
        }
        let unit = at.checked_sub(below).filter(|_| own.is_none_or(|(own, _)| own != name) && name != "www-data");
        found = found.or(Some((owner, unit)));
    }
    found
}

/// The user as which the file starts the program already.
pub(super) fn told(stepped: &StepDown) -> User {
    User {
        name: stepped.user.clone(),
        owner: stepped.user.clone(),
        make: Vec::new(),
        home: None,
        origin: format!("as whom {} started it", stepped.tool),
        made_by: None,
        server: None,
        installed: false,
    }
}

/// The server that the image starts, where it is one whose places are known.
fn server(survey: &Survey<'_, '_>) -> Option<Server> {
    let facts = &survey.facts;
    if facts.start == super::images::Start::Either && obstacles::own_start(survey) {
        return None;
    }
    let started = survey.entry.steps.iter().find_map(|step| known(survey, step.program()));
    let own = || known(survey, facts.program.filter(|_| survey.entry.is_empty())?);
    started.or_else(own).or_else(|| behind_script(survey)).or_else(|| by_package(survey))
}

/// The server of a program, where it is as the table has it.
pub(super) fn known(survey: &Survey<'_, '_>, program: &str) -> Option<Server> {
    let server = placed(survey, program)?;
    (server.packages().next().is_none() || installs(survey, &server)).then_some(server)
}

/// The server of a program, with the places that it has in this image: a distribution's own nginx takes the place of the one
/// that the image has from nginx.org, and the packages of nginx.org that of the distribution's, and they write elsewhere.
fn placed(survey: &Survey<'_, '_>, program: &str) -> Option<Server> {
    let facts = &survey.facts;
    let server = servers::server(program, &facts.key, facts.family)?;
    let distributions = || survey.all().any(installs_nginx_of_distribution);
    let image = match (server.program(), server.image()) {
        ("nginx", "nginx") if distributions() => "",
        ("nginx", "") if survey.all().any(takes_from_nginx_org) && !distributions() => "nginx.org",
        _ => return Some(server),
    };
    servers::server(program, image, facts.family)
}

/// Whether a RUN has the packages of nginx.org among those that are installed: `http://nginx.org/packages/debian`.
fn takes_from_nginx_org(unit: &Unit<'_>) -> bool {
    unit.instruction.keyword == Keyword::Run && unit.text().contains("nginx.org/packages")
}

/// Whether a RUN installs one of the cuts of nginx that only distributions have.
pub(super) fn installs_nginx_of_distribution(unit: &Unit<'_>) -> bool {
    let cuts = ["nginx-full", "nginx-light", "nginx-extras", "nginx-core"];
    unit.instruction.keyword == Keyword::Run && cuts.iter().any(|cut| obstacles::installs(&unit.text(), cut))
}

/// Whether the file installs a package that brings the server.
pub(super) fn installs(survey: &Survey<'_, '_>, server: &Server) -> bool {
    survey.all().any(|unit| brings_server(unit, server))
}

/// The unit of the stage that installs such a package; `None` where a stage below does.
fn installed_by(survey: &Survey<'_, '_>, server: &Server) -> Option<usize> {
    let below = survey.below.iter().any(|unit| brings_server(unit, server));
    if below { None } else { survey.units.iter().position(|unit| brings_server(unit, server)) }
}

/// Whether a RUN installs a package that brings the server.
fn brings_server(unit: &Unit<'_>, server: &Server) -> bool {
    unit.instruction.keyword == Keyword::Run && {
        let text = unit.text();
        server.packages().any(|package| obstacles::installs(&text, package))
    }
}

/// The image's own server, where a start script starts it, or can't be read and so is taken to.
fn behind_script(survey: &Survey<'_, '_>) -> Option<Server> {
    let facts = &survey.facts;
    let of = |program: &str| placed(survey, program);
    let own = of(facts.program?).filter(|server| !server.image().is_empty())?;
    let mut steps = survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten();
    let starts = steps.any(|step| of(step.program()).is_some_and(|server| server.image() == own.image()));
    (starts || unread_script(survey).is_some()).then_some(own)
}

/// The server that a start script starts beside the application: `nginx`, and then what stands behind it.
pub(super) fn beside(survey: &Survey<'_, '_>) -> Option<Server> {
    let steps = survey.scripts.iter().filter_map(|script| script.steps.as_ref()).flatten();
    let there = |server: &Server| {
        let fpm = || server.program() == "php-fpm" && obstacles::installed_like(survey, "fpm").is_some();
        server.image().is_empty()
            && (server.packages().next().is_some() || comes_with(survey, server.program()) || fpm())
    };
    steps.into_iter().filter_map(|step| known(survey, step.program())).find(there)
}

/// The script that starts and can't be read.
pub(super) fn unread_script(survey: &Survey<'_, '_>) -> Option<String> {
    let script = |step: &Step| {
        let named = step
            .argv
            .iter()
            .find(|word| word.ends_with(".sh") || word.ends_with(".bash"))
            .and_then(|word| step.path(word));
        // A Procfile names what starts as a script does.
        let runner = matches!(step.program(), "foreman" | "forego" | "honcho" | "goreman" | "hivemind" | "overmind");
        let procfile = || step.path("Procfile").filter(|_| runner && step.subcommand() == Some("start"));
        named.or_else(|| obstacles::script_of(survey, step)).or_else(procfile)
    };
    let steps = || survey.entry.steps.iter();
    steps()
        .find_map(script)
        .or_else(|| steps().find_map(|step| beside_server(survey, step)))
        .filter(|script| survey.read(script).is_none())
}

/// A program of the project's on an image of a server, or where one is installed: who takes that starts the server too.
fn beside_server(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let facts = &survey.facts;
    let server = |program: &str| servers::server(program, &facts.key, facts.family);
    let image = facts.program.and_then(server).is_some_and(|server| !server.image().is_empty());
    let installed = || {
        let web = ["nginx", "apache2", "httpd", "lighttpd"];
        let mut runs = survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run);
        runs.any(|unit| web.iter().any(|package| obstacles::installs(&unit.text(), package)))
    };
    if !image && (server(step.program()).is_some() || !installed()) {
        return None;
    }
    let program = step.argv.first()?;
    let brought = |path: &String| {
        let context = |index: usize| survey.model.copied(index).is_some_and(|copied| copied.context);
        // One that another stage makes of the project; a server of the distribution's may be there for something else.
        let made = |unit: &Unit<'_>| {
            let from = survey.copied_from(unit).filter(|_| image);
            from.is_some_and(|stage| survey.model.body(stage).any(|(index, _)| context(index)))
        };
        let own = |unit: &Unit<'_>| context(unit.index) || made(unit);
        survey.units.iter().any(|unit| own(unit) && survey.brings(unit, path))
    };
    if program.contains('/') {
        return step.path(program).filter(brought);
    }
    ["/usr/local/bin", "/usr/bin", "/bin"].iter().map(|folder| paths::join(folder, program)).find(brought)
}

/// Whether the file gives what its program writes to root's group, as OpenShift wants it, in this stage or in one that it is
/// built in: its user is a number in that group.
fn in_roots_group(survey: &Survey<'_, '_>) -> bool {
    let gives = |step: &Step| {
        let mut words = step.args().iter().filter(|arg| !arg.starts_with('-'));
        step.always && step.program() == "chgrp" && words.next().is_some_and(|group| group == "0" || group == "root")
    };
    let model = survey.model;
    let all = model.stages.iter().flat_map(|stage| model.body(stage));
    let mut runs =
        all.filter(|(_, one)| one.keyword == Keyword::Run && one.args.text.contains("chgrp")).map(|(index, _)| index);
    runs.any(|index| model.steps(index).is_some_and(|steps| steps.iter().any(gives)))
}

/// The server that a start script starts which can't be read, where exactly one is installed.
fn by_package(survey: &Survey<'_, '_>) -> Option<Server> {
    unread_script(survey)?;
    let mut found = None;
    for unit in survey.all() {
        let keyword = unit.instruction.keyword;
        let text = if keyword == Keyword::Run { unit.text() } else { Default::default() };
        let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
        for package in ["nginx", "apache2", "httpd", "lighttpd"] {
            // Debian has it in several cuts: `nginx-light`, `nginx-extras`.
            let cut = ["-full", "-light", "-extras", "-core"]
                .iter()
                .any(|cut| package == "nginx" && obstacles::installs(&text, &format!("{package}{cut}")));
            let brought = text.contains(package)
                && (obstacles::installs(&text, package)
                    || cut
                    || package == "apache2" && obstacles::installs_like(&text, "libapache2-mod-"));
            // Another package may bring it along: it has its settings.
            let settings = to.and_then(|to| paths::relative(to, "/etc")?.split('/').next()) == Some(package);
            if brought || settings {
                if found.is_some_and(|known| known != package) {
                    return None;
                }
                found = Some(package);
            }
        }
    }
    if let Some(web) = found {
        return placed(survey, web);
    }
    // A language on top says that the server is not all there is to start.
    let mut others = servers::packaged(survey.facts.family).filter(|server| installs(survey, server));
    let only = others.next().filter(|_| survey.facts.plain)?;
    others.all(|other| other.user() == only.user()).then_some(only)
}

/// Whether the server's own user is there: Debian's `www-data` always is, others come with the package.
fn comes_with(survey: &Survey<'_, '_>, name: &str) -> bool {
    if name == "www-data" {
        return matches!(survey.facts.family, Some(Family::Debian | Family::Ubuntu));
    }
    survey.all().any(|unit| brings_user(unit, name))
}

/// The unit of the stage that installs the package with this user; `None` where a stage below does, or nobody has to.
fn brought_by(survey: &Survey<'_, '_>, name: &str) -> Option<usize> {
    let below = survey.below.iter().any(|unit| brings_user(unit, name));
    if below || name == "www-data" { None } else { survey.units.iter().position(|unit| brings_user(unit, name)) }
}

/// Whether a RUN installs the package that this user comes with.
fn brings_user(unit: &Unit<'_>, name: &str) -> bool {
    let package = if name == "apache" { "httpd apache2 apache" } else { name };
    if unit.instruction.keyword != Keyword::Run {
        return false;
    }
    let text = unit.text();
    let words = || text.split_whitespace().map(|word| word.split(['=', '-']).next().unwrap_or_default());
    (text.contains("install") || text.contains("apk "))
        && words().any(|word| package.split(' ').any(|package| package == word))
}

/// A user to be made, in the idiom of the distribution.
fn made(survey: &Survey<'_, '_>, settings: &Settings, numeric: bool) -> User {
    let (name, group) = (settings.user.as_str(), settings.group.as_str());
    let uid = settings.uid.or(numeric.then_some(ID));
    let gid = settings.gid.or(uid);
    let family = survey.facts.family;
    let shared = settings.gid.is_none() && in_roots_group(survey);
    let brought = survey.units.iter().position(brings_tools).filter(|_| survey.facts.bare);
    let tools = !shared && (!survey.facts.bare || brought.is_some() || survey.below.iter().any(brings_tools));
    let (uids, gids) = (uid.map(|uid| uid.to_string()), gid.map(|gid| gid.to_string()));
    let account = Account { name, group, uid: uids.as_deref(), gid: gids.as_deref(), home: None, system: true };
    let commands = if tools { account.commands(family) } else { None };
    let base = User {
        name: String::new(),
        owner: String::new(),
        make: Vec::new(),
        home: None,
        origin: String::new(),
        made_by: None,
        server: None,
        installed: false,
    };
    match commands {
        Some(make) => {
            let ids = uid.zip(gid).map(|(uid, gid)| format!("{uid}:{gid}"));
            let named = if numeric { ids } else { None };
            User {
                name: named.clone().unwrap_or_else(|| name.to_owned()),
                owner: named.unwrap_or_else(|| format!("{name}:{group}")),
                make: make.to_vec(),
                home: Some(format!("/home/{name}")),
                origin: "made for it".into(),
                made_by: brought,
                ..base
            }
        }
        None => {
            let nameless = matches!(family, Some(Family::Scratch | Family::Distroless));
            let uid = settings.uid.unwrap_or(if nameless { NONROOT } else { ID });
            let gid = settings.gid.unwrap_or(if shared { 0 } else { uid });
            let ids = format!("{uid}:{gid}");
            let shell = family.is_some_and(Family::has_shell);
            let origin = match (nameless, shared) {
                (true, _) => "by number, as the image has no users",
                (_, true) => "by number in root's group, to which the file gives what it writes",
                _ => "by number",
            };
            let home = format!("/home/{name}");
            User {
                name: ids.clone(),
                owner: ids,
                make: Vec::new(),
                home: shell.then_some(home),
                origin: origin.into(),
                ..base
            }
        }
    }
}

/// Whether Kubernetes manifests in the context ask for `runAsNonRoot`: the kubelet can only check a number.
fn checked_by_number(survey: &Survey<'_, '_>) -> bool {
    let Some(context) = survey.model.context else { return false };
    let manifests = context.files().iter().filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"));
    manifests.take(200).any(|path| {
        context.read(path).is_some_and(|content| {
            memchr::memmem::find_iter(&content, b"runAsNonRoot:")
                .any(|at| content.get(at + 13..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"true")))
        })
    })
}

/// Whether a RUN installs the tools that make users, on an image that comes without.
fn brings_tools(unit: &Unit<'_>) -> bool {
    unit.instruction.keyword == Keyword::Run
        && unit.text().split_whitespace().any(|word| matches!(word, "shadow-utils" | "shadow"))
}

/// A user that the file makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) name: String,
    group: Option<String>,
    /// Its number, where the file says it.
    uid: Option<String>,
    /// The unit of the stage that makes it; `None` where a stage below does.
    unit: Option<usize>,
}

impl Created {
    /// As numbers: the group is found by the user where it is not said.
    fn ids(&self) -> Option<String> {
        let uid = self.uid.as_ref()?;
        match self.group.as_ref().filter(|group| group.parse::<u32>().is_ok()) {
            Some(gid) => Some(format!("{uid}:{gid}")),
            None => Some(uid.clone()),
        }
    }

    fn owner(&self) -> String {
        match &self.group {
            Some(group) => format!("{}:{group}", self.name),
            None => self.name.clone(),
        }
    }
}

/// The user that the file makes and never uses, where it is clear which one it is.
pub(super) fn unused(survey: &Survey<'_, '_>) -> Option<Created> {
    let mut made = created(survey);
    made.dedup_by(|later, earlier| later.name == earlier.name);
    match made.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// The names of the users that the file makes, in order.
pub(super) fn made_names(survey: &Survey<'_, '_>) -> Vec<String> {
    created(survey).into_iter().map(|made| made.name).collect()
}

/// The users that the file makes, in order.
fn created(survey: &Survey<'_, '_>) -> Vec<Created> {
    let mut found = Vec::new();
    let below = survey.below.len();
    for (at, unit) in survey.all().enumerate() {
        if unit.instruction.keyword != Keyword::Run {
            continue;
        }
        let text = &unit.instruction.args.text;
        let heredoc = !unit.instruction.heredocs.is_empty();
        if !heredoc && !text.contains("useradd") && !text.contains("adduser") {
            continue;
        }
        for step in survey.steps(unit).iter().filter(|step| step.always) {
            if let Some((name, group, uid)) = creation(step) {
                found.push(Created { name, group, uid, unit: at.checked_sub(below) });
            }
        }
    }
    found
}

/// The user, the group and the number of a command that makes a user.
fn creation(step: &Step) -> Option<(String, Option<String>, Option<String>)> {
    let program = step.program();
    if !matches!(program, "useradd" | "adduser") {
        return None;
    }
    let args = step.args();
    let mut operands: Vec<&str> = Vec::new();
    let mut group = None;
    let mut uid = None;
    let mut rest = args.iter().map(String::as_str).peekable();
    while let Some(arg) = rest.next() {
        if let Some((option, value)) = arg.split_once('=').filter(|_| arg.starts_with("--")) {
            if matches!(option, "--gid" | "--ingroup") {
                group = Some(value);
            } else if option == "--uid" {
                uid = Some(value.to_owned());
            }
            continue;
        }
        let short = arg.starts_with('-') && !arg.starts_with("--") && arg.len() > 2;
        // `-rm` and `-Sg value`: only the last letter of a cluster can take a value.
        let cluster = short.then(|| arg.get(arg.len() - 1..)).flatten().map(|last| format!("-{last}"));
        let option = cluster.as_deref().unwrap_or(arg);
        if !arg.starts_with('-') {
            operands.push(arg);
        } else if Words::UseraddValued.has(option) && rest.peek().is_some() {
            let value = rest.next();
            let takes_group = match program {
                "useradd" => matches!(option, "-g" | "--gid"),
                _ => matches!(option, "-G" | "--ingroup" | "--gid"),
            };
            if takes_group {
                group = value;
            } else if matches!(option, "-u" | "--uid") {
                uid = value.map(str::to_owned);
            }
        }
    }
    let fit = |name: &&str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    let group = group.filter(|group| fit(group) || group.parse::<u32>().is_ok()).map(str::to_owned);
    match operands.as_slice() {
        // BusyBox takes options after the name; `adduser user group` adds to a group.
        [name] if fit(name) && *name != "root" => {
            let uid = uid.filter(|uid| uid.parse::<u32>().is_ok_and(|uid| uid != 0));
            Some(((*name).to_owned(), group, uid))
        }
        _ => None,
    }
}
