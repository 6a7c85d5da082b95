//! What known servers write.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::knowledge::releases::{self};
use crate::knowledge::servers::Server;
use crate::model::commands::Step;
use crate::model::{origin, paths};
use crate::syntax::Keyword;

use super::super::obstacles;
use super::super::scripts::{self};
use super::super::supervised;
use super::super::survey::{Survey, Unit};
use super::super::user::{self, User};

use super::named::{free, run_folder, told};
use super::process;
use super::{Folder, Needs, is_application};

/// The places of a known server.
pub(super) fn server(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let folder = |make: bool| move |path: &'static str| Folder { path: path.to_owned(), recursive: true, make };
    if own_place(survey) {
        filled_by_image(survey, needs);
        // The image has given its folders to the user; commands of the build have run as root since.
        let name = user.owner.split(':').next().unwrap_or_default();
        let touched = survey.units.iter().flat_map(|unit| survey.steps(unit)).any(|step| {
            let program = step.program();
            !name.is_empty() && (program.starts_with(name) || program == "plugin")
        });
        if touched {
            needs.late.extend(survey.facts.data.iter().copied().map(folder(false)));
        }
        return;
    }
    for prefix in told_nginx(survey) {
        for (path, recursive) in [(paths::join(&prefix, "logs"), true), (prefix, false)] {
            needs.late.push(Folder { path, recursive, make: true });
        }
    }
    // A start script that can't be read starts PHP's server too, where one is installed.
    let fpm = user::unread_script(survey).and_then(|_| obstacles::installed_like(survey, "fpm"));
    // So it does with a web server in front.
    let web = || {
        let plain =
            |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Run && obstacles::installs(&unit.text(), "nginx");
        let installs = |unit: &Unit<'_>| plain(unit) || user::installs_nginx_of_distribution(unit);
        let other = user.server.is_none_or(|server| server.program() != "nginx");
        (other && survey.all().any(installs)).then(|| "nginx".to_owned())
    };
    let web = user::unread_script(survey).and_then(|_| web());
    for program in supervised::programs(survey).into_iter().chain(fpm).chain(web).chain(others(survey, user)) {
        let Some(server) = user::known(survey, &program) else { continue };
        let version: String = program.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
        let told = |path: &str| path.replace("{}", &version);
        for path in server.made().chain(server.folders()).map(told) {
            if !needs.owned(&path) {
                needs.late.push(Folder { path, recursive: true, make: true });
            }
        }
        needs.files.extend(server.files().map(told));
    }
    let Some(server) = user.server else {
        // OpenResty is nginx under another name, and a start script that can't be read starts the one that is compiled here.
        if survey.entry.steps.iter().any(|step| step.program() == "openresty") || user::unread_script(survey).is_some()
        {
            own_nginx(survey, needs);
        }
        if let Some(server) = super::super::user::beside(survey) {
            let version = fpm_version(survey);
            needs.late.extend(server.made().map(folder(true)));
            needs.late.extend(server.folders().map(folder(false)));
            needs.files.extend(server.files().map(|path| path.replace("{}", &version)));
        }
        // What an image's own program writes to, where that is what runs.
        if survey.entry.is_empty() && survey.facts.user.is_none_or(super::super::who::is_root) {
            let data = survey.facts.data.iter().copied().filter(|path| *path != "/var/run");
            needs.late.extend(data.map(folder(true)));
        }
        return;
    };
    if server.program() == "nginx" && server.image().is_empty() && own_nginx(survey, needs) {
        return;
    }
    // Where it was told no other folder, it makes its own where it runs, which the user owns unless that is nobody's.
    if self::told(survey).is_empty() && survey.model.final_workdir(survey.stage).is_none_or(|at| at == "/") {
        let made = server.beside().map(|name| paths::join("/", name));
        needs.late.extend(made.map(|path| Folder { path, recursive: true, make: true }));
    }
    // Apache 2.2 kept the number of its process in no folder of its own.
    let release = survey.model.known(survey.stage).and_then(|known| known.release()).and_then(releases::release);
    if (server.program(), server.family()) == ("apache2", "debian")
        && release.is_some_and(|release| !release.since.is_empty() && release.since <= "2013-05")
    {
        needs.files.push("/var/run/apache2.pid".to_owned());
    }
    let there = !server.image().is_empty() || user.installed;
    let version = fpm_version(survey);
    let told = |path: &str| path.replace("{}", &version);
    needs.late.extend(server.made().map(|path| Folder { path: told(path), recursive: true, make: true }));
    needs.late.extend(server.folders().map(|path| Folder { path: told(path), recursive: true, make: !there }));
    needs.late.extend(server.flat().map(|path| Folder { path: path.to_owned(), recursive: false, make: false }));
    // The image's entrypoint fills templates in.
    let templates = |unit: &Unit<'_>| {
        survey
            .copied(unit)
            .and_then(|copied| copied.to.as_deref())
            .is_some_and(|to| paths::within(to, "/etc/nginx/templates"))
    };
    let mounted = || {
        survey.uses.iter().flat_map(|one| &one.start.mounts).any(|mount| mount.path.starts_with("/etc/nginx/templates"))
    };
    if server.image() == "nginx" && (survey.units.iter().any(templates) || mounted()) {
        needs.late.push(Folder { path: "/etc/nginx/conf.d".to_owned(), recursive: true, make: false });
    }
    if server.image() == "nginx" && logs_beside(survey) {
        needs.late.push(Folder { path: "/var/log/nginx".to_owned(), recursive: false, make: false });
    }
    needs.files.extend(server.files().map(told));
    filled(survey, &server, needs);
}

/// The version in the name of PHP's server, which the places of its logs have as well: `php-fpm8.2`.
fn fpm_version(survey: &Survey<'_, '_>) -> String {
    let mut programs = survey.started.iter().map(Step::program);
    let program = programs.find(|program| program.contains("fpm")).unwrap_or_default();
    program.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect()
}

/// The servers that start beside the one whose user it is: `CMD php-fpm && nginx`.
fn others(survey: &Survey<'_, '_>, user: &User) -> Vec<String> {
    let compiled = || survey.all().any(|unit| configures_nginx(&unit.text()));
    let other = |program: &&str| {
        user.server.is_some()
            && user::known(survey, program).is_some_and(|server| user.server != Some(server))
            && !(*program == "nginx" && compiled())
    };
    survey.started.iter().map(Step::program).filter(other).map(str::to_owned).collect()
}

/// Whether the settings of nginx name logs beside the two that its image links to its output, or can't be read.
fn logs_beside(survey: &Survey<'_, '_>) -> bool {
    const SETTINGS: &str = "/etc/nginx";
    let beside = |text: &[u8]| {
        let mut logs = memchr::memmem::find_iter(text, b"/var/log/nginx/").filter_map(|at| text.get(at + 15..));
        logs.any(|log| ![&b"access.log"[..], b"error.log"].iter().any(|linked| log.starts_with(linked)))
    };
    let given = |unit: &Unit<'_>| {
        let copied = survey.copied(unit).filter(|copied| copied.context);
        copied.and_then(|copied| copied.to.as_deref()).is_some_and(|to| paths::within(to, SETTINGS))
    };
    if survey.model.context.is_none() {
        return survey.units.iter().any(given);
    }
    origin::below(survey.model, survey.stage, SETTINGS)
        .iter()
        .any(|file| survey.read(&paths::join(SETTINGS, file)).is_some_and(|text| beside(&text)))
}

/// The settings of nginx that name what it writes.
static WRITTEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)^[ \t]*(pid|error_log|access_log|[a-z]+(?:_body)?_temp_path|[a-z]+_cache_path)[ \t]+["']?(/[^\s;"']+)"#,
    )
    .ok()
});

/// What nginx writes by the settings that COPY brings, beside the places that it has by itself.
pub(super) fn configured(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let starts = |program: &str| matches!(program, "nginx" | "openresty");
    if user.server.is_none_or(|server| server.program() != "nginx")
        && !survey.runs().any(|step| starts(step.program()))
        && !supervised::programs(survey).iter().any(|program| starts(program))
    {
        return;
    }
    // `/var/run` is a link to `/run`.
    let plain = |path: &str| paths::join("/", paths::without_link(path));
    for text in settings_of_nginx(survey) {
        for found in WRITTEN.iter().flat_map(|pattern| pattern.captures_iter(&text)) {
            let Some((name, path)) = found.get(1).zip(found.get(2)) else { continue };
            let path = plain(&String::from_utf8_lossy(path.as_bytes()));
            let folder = match name.as_bytes() {
                b"pid" | b"error_log" | b"access_log" => paths::parent(&path).to_owned(),
                _ => path.clone(),
            };
            let held = |given: &Folder| given.recursive && paths::within(&folder, &plain(&given.path));
            // The logs of nginx's image are links, and where it has others the folder is given away already.
            let of_image = user.server.is_some_and(|server| server.image() == "nginx");
            let known = path.contains('$')
                || free(&path) && !is_application(&folder)
                || of_image && folder == "/var/log/nginx"
                || needs.early.iter().chain(&needs.late).any(held)
                || needs.files.iter().any(|file| plain(file) == path);
            if known {
                continue;
            }
            if is_application(&folder)
                || run_folder(&folder)
                || paths::relative(&folder, "/var/log").is_some_and(|rest| !rest.is_empty())
            {
                needs.late.push(Folder { path: folder, recursive: true, make: true });
            } else if folder != path {
                needs.files.push(path);
            }
        }
    }
}

/// The settings of nginx that COPY brings to where it looks for them, or where it is told to.
fn settings_of_nginx<'m>(survey: &Survey<'m, '_>) -> Vec<Cow<'m, [u8]>> {
    const PLACES: [&str; 3] = ["/etc/nginx", "/usr/local/nginx/conf", "/usr/local/openresty/nginx/conf"];
    let told = survey.runs().filter(|step| matches!(step.program(), "nginx" | "openresty")).filter_map(|step| {
        let (_, file) = process::options(step.args()).find(|(option, _)| *option == "-c")?;
        step.path(file)
    });
    let mut files: Vec<String> = told.collect();
    let own = survey.runs().filter_map(|step| {
        let path = step.path(step.argv.first()?)?;
        path.strip_suffix("/sbin/nginx")
            .filter(|prefix| is_application(prefix))
            .map(|prefix| paths::join(prefix, "conf"))
    });
    for place in PLACES.iter().map(|place| (*place).to_owned()).chain(own) {
        let place = place.as_str();
        let below = origin::below(survey.model, survey.stage, place);
        files.extend(below.iter().filter(|file| file.ends_with(".conf")).map(|file| paths::join(place, file)));
    }
    files.sort_unstable();
    files.dedup();
    files.iter().filter_map(|file| survey.read(file)).collect()
}

/// Whether the image's own entrypoint starts its own program, in folders that the image has given to the user.
pub(super) fn own_place(survey: &Survey<'_, '_>) -> bool {
    survey.facts.start == super::super::images::Start::Either && obstacles::own_start(survey)
}

/// Files among the image's data, of which settings are a part that its entrypoint fills in: it would give them away as
/// root.
fn filled_by_image(survey: &Survey<'_, '_>, needs: &mut Needs) {
    for (at, unit) in survey.units.iter().enumerate() {
        let given = unit.instruction.flags.iter().any(|flag| flag.name == "chown");
        let to = survey.copied(unit).and_then(|copied| copied.to.as_deref()).filter(|_| !given);
        if to.is_some_and(|to| survey.facts.data.iter().any(|data| paths::within(to, data))) {
            needs.copies.push(at);
        }
    }
}

/// The options by which nginx is told, as it is compiled, where it writes.
static NGINX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"--(prefix|error-log-path|http-log-path|pid-path|http-[a-z-]+-temp-path)[= ]([^\s\\;&]+)").ok()
});

/// Whether a RUN tells nginx, before it is compiled, what it is to hold and where to write.
pub(in crate::catalog::non_root) fn configures_nginx(text: &str) -> bool {
    text.contains("--with-http_") || text.contains("--http-log-path")
}

/// The folders that nginx is told to start in, where what its settings name without a folder lies: `nginx -p /srv/proxy`.
fn told_nginx(survey: &Survey<'_, '_>) -> Vec<String> {
    let nginx = survey.runs().filter(|step| matches!(step.program(), "nginx" | "openresty"));
    let said = nginx.filter_map(|step| {
        let (_, prefix) = process::options(step.args()).find(|(option, _)| *option == "-p")?;
        step.path(prefix).filter(|prefix| paths::plain(prefix) && is_application(prefix))
    });
    said.collect()
}

/// The places of an nginx that is compiled here, or lies in a folder of its own: the distribution's are not its.
fn own_nginx(survey: &Survey<'_, '_>, needs: &mut Needs) -> bool {
    let model = survey.model;
    let mut prefix = survey.entry.steps.iter().find_map(|step| {
        let path = step.path(step.argv.first()?)?;
        let nginx = path.strip_suffix("/sbin/nginx").filter(|prefix| is_application(prefix)).map(str::to_owned);
        nginx.or_else(|| path.strip_suffix("/bin/openresty").map(|prefix| paths::join(prefix, "nginx")))
    });
    let openresty = survey.entry.steps.iter().any(|step| step.program() == "openresty");
    if openresty && prefix.as_deref().is_none_or(|prefix| prefix == "/usr/nginx") {
        prefix = Some("/usr/local/openresty/nginx".to_owned());
    }
    let runs =
        model.stages.iter().flat_map(|stage| model.body(stage)).map(|(index, instruction)| Unit { index, instruction });
    let mut options: Vec<(String, String)> = Vec::new();
    for unit in runs.filter(|unit| unit.instruction.keyword == Keyword::Run) {
        let text = unit.text();
        if !configures_nginx(&text) {
            continue;
        }
        // What is said of OpenResty's own folder is not of nginx's in it, and LuaRocks has one too.
        if openresty {
            continue;
        }
        for captures in NGINX.iter().flat_map(|pattern| pattern.captures_iter(text.as_bytes())) {
            let Some((name, value)) = captures.get(1).zip(captures.get(2)) else { continue };
            let value = model.expand(unit.index, &String::from_utf8_lossy(value.as_bytes())).text;
            if !value.contains(['$', '`', '(']) {
                options.push((String::from_utf8_lossy(name.as_bytes()).into_owned(), value));
            }
        }
        prefix = prefix.or_else(|| Some("/usr/local/nginx".to_owned()));
    }
    let told = |name: &str| options.iter().rfind(|(option, _)| option == name).map(|(_, value)| value.as_str());
    let Some(prefix) = told("prefix").map(str::to_owned).or(prefix).filter(|prefix| prefix.starts_with('/')) else {
        return false;
    };
    let at = |name: &str, usual: &str| paths::join(&prefix, told(name).unwrap_or(usual));
    let mut folders: Vec<(String, bool)> = Vec::new();
    for log in [at("error-log-path", "logs/error.log"), at("http-log-path", "logs/access.log")] {
        folders.push((paths::parent(&log).to_owned(), true));
        if !is_application(paths::parent(&log)) && !free(&log) {
            needs.files.push(log);
        }
    }
    let pid = at("pid-path", "logs/nginx.pid");
    let beside = |path: &str| paths::relative(path, &prefix).is_some_and(|rest| !rest.is_empty());
    match is_application(paths::parent(&pid)) || run_folder(paths::parent(&pid)) || beside(paths::parent(&pid)) {
        true => folders.push((paths::parent(&pid).to_owned(), true)),
        false => needs.files.push(pid),
    }
    let mut kept = false;
    for (_, value) in options.iter().filter(|(option, _)| option.ends_with("-temp-path")) {
        kept = true;
        folders.push((paths::parent(&paths::join(&prefix, value)).to_owned(), true));
    }
    if !kept {
        folders.push((prefix.clone(), false));
    }
    for (path, recursive) in folders {
        let place = is_application(&path) || run_folder(&path) || beside(&path) || !recursive;
        if place && !needs.owned(&path) {
            needs.late.push(Folder { path, recursive, make: recursive });
        }
    }
    true
}

/// The configuration of a server and what it serves, where a start script fills them in that can't be read, or not to the
/// end.
pub(super) fn filled(survey: &Survey<'_, '_>, server: &Server, needs: &mut Needs) {
    let unread = user::unread_script(survey).is_some();
    let workdir = survey.model.final_workdir(survey.stage).unwrap_or_default();
    let written = |script: &scripts::Script, path: &str| {
        let more = script.steps.as_deref().is_none_or(|steps| scripts::writes(steps).1);
        let names = memchr::memmem::find(&script.text, path.as_bytes()).is_some();
        // `ENTRYPOINT ["/fill.sh", "/usr/share/nginx/html"]`
        let told = || survey.entry.steps.iter().flat_map(Step::args).any(|word| word.trim_end_matches('/') == path);
        more && (names || told() || paths::within(workdir, path) || paths::within(&script.path, path))
    };
    for path in server.filled() {
        if !unread && !survey.scripts.iter().any(|script| written(script, path)) {
            continue;
        }
        // What COPY brings is given as it is copied.
        for (at, unit) in survey.units.iter().enumerate() {
            let Some(to) = survey.copied(unit).and_then(|copied| copied.to.as_deref()) else { continue };
            let given = unit.has_owner();
            if paths::within(to, path) && !given && !needs.copies.contains(&at) {
                needs.copies.push(at);
            }
        }
        needs.late.push(Folder { path: path.to_owned(), recursive: path.starts_with("/etc"), make: false });
    }
}
