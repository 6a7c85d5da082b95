//! What the user has to own: what the program writes.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet};

use crate::knowledge::develops::{self, Keeps};
use crate::knowledge::homes;
use crate::knowledge::keeps;
use crate::knowledge::releases::{self, Family};
use crate::knowledge::servers::Server;
use crate::knowledge::unpacked;
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::copies::Copied;
use crate::model::effects::{self, Effect};
use crate::model::npm::Call;
use crate::model::paths;
use crate::syntax::Keyword;

use super::caches::{self, Cache};
use super::keys;
use super::obstacles;
use super::scripts::{self, Write};
use super::stepdown::StepDown;
use super::supervised;
use super::survey::{Survey, Unit};
use super::user::{self, User};
use super::uses;

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

/// Where systems keep what programs only read, or what every user can write.
const SYSTEM: [&str; 22] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/tmp",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/libexec",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
    "/usr/include",
    "/usr/local/etc",
    "/var/run",
    "/usr/share/man",
];

/// Folders that are everybody's: what lies in them may be an application's, they never are.
const SHARED: [&str; 14] = [
    "/",
    "/usr",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/cache",
    "/go",
    "/usr/local/share",
    "/media",
    "/mnt",
    "/home",
    "/var/spool",
];

/// Whether a path can be the folder of an application.
pub(super) fn is_application(path: &str) -> bool {
    !SHARED.contains(&path) && !SYSTEM.iter().any(|folder| paths::within(path, folder))
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

/// What a program says in its sources when it writes files.
static WRITES: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"os\.(?:Create|CreateTemp|OpenFile|WriteFile|Mkdir|MkdirAll|Rename)\(|ioutil\.(?:WriteFile|TempFile|TempDir)\(|\.(?:SaveUploadedFile|SaveFile)\(",
        r"sqlite|leveldb|badger|bbolt|boltdb|lowdb|nedb|lumberjack|rotatelogs|RotatingFileHandler|FileHandler\(|diskcache",
        r#"open\([^)\n]{0,200}['"](?:w|a|x|r\+|wb|ab|w\+|a\+|wb\+)['"]|\.write_text\(|\.write_bytes\(|os\.(?:makedirs|mkdir)\(|\.mkdir\(|shutil\.|\.save\(|to_csv\(|to_json\(|pickle\.dump"#,
        r"writeFile|appendFile|createWriteStream|mkdirSync|outputFile|multer|winston|\bfs-extra\b|pm2|nodemon|next start|react-scripts|webpack-dev-server|ng serve|vite",
        r"File\.(?:write|open|Write|Append|Create|OpenWrite)|FileUtils\.|FileOutputStream|FileWriter|Files\.(?:write|create|copy|newOutputStream)|StreamWriter|Directory\.CreateDirectory",
        r"file_put_contents|fopen\(|move_uploaded_file|mkdir\(|fwrite\(",
        r"File::create|OpenOptions|fs::(?:write|create_dir|create_dir_all|copy|rename)",
        r"screenshot\(|\.pdf\(|savefig|imwrite|\.toFile\(|to_(?:parquet|excel|sql|pickle)\(|torch\.save|joblib\.dump|json\.dump\(|yaml\.dump\(|np\.save|urlretrieve|tempfile|knex|typeorm|shelve|tinydb|duckdb|h2:file|jdbc:(?:h2|derby|hsqldb)|pickledb",
        r#"open\([^)'"\n]{1,80},\s*[A-Za-z_]|Path\([^)\n]{0,80}\)\.(?:open|touch|mkdir|write)|download\(|copyfile|extractall|Database\(|dbm\."#,
        r"ofstream|create_director(?:y|ies)\(|WriteMode\b|AppendMode\b|writeAs(?:String|Bytes)|openWrite|createSync",
        r"writeText|appendText|writeBytes|\.mkdirs?\(|RandomAccessFile|PrintWriter|transferTo\(|FileStream\(|Sqlite|LiteDatabase|File\.(?:mkdir|touch|cp|stream)",
        r"sled::|rocksdb|tracing_appender::rolling|log4rs|WriteLogger|log_file\(|createDir\(|fmWrite",
        r"django|rails|laravel|symfony|sinatra-activerecord|MEDIA_ROOT|UPLOAD_FOLDER|LOG_FILE|logback|log4j|\.log\b",
    ])
    .unwrap_or_else(|_| RegexSet::empty())
});

/// What a program in Swift says when it writes files: what it saves goes to a database.
static SWIFT_WRITES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"createFile\(|createDirectory|\.write\(to|forWriting|fopen\(|FileHandle|[sS][qQ][lL]ite").ok()
});

/// Whether a file of the project says that the program writes files.
fn writes(path: &str, content: &[u8]) -> bool {
    // A library that is one large header says what it can do, and not what is done with it.
    if matches!(path.rsplit('.').next(), Some("h" | "hpp")) && content.len() > 200 << 10 {
        return false;
    }
    match path.ends_with(".swift") {
        true => SWIFT_WRITES.as_ref().is_none_or(|writes| writes.is_match(content)),
        false => WRITES.is_match(content),
    }
}

/// What has to be the user's.
pub(super) fn needs(survey: &Survey<'_, '_>, user: &User) -> Needs {
    let mut needs = Needs::default();
    server(survey, user, &mut needs);
    volumes(survey, user, &mut needs);
    uses::volumes(survey, &mut needs);
    application(survey, user, &mut needs);
    roots_home(survey, &mut needs);
    frameworks(survey, &mut needs);
    developed(survey, &mut needs);
    made(survey, user, &mut needs);
    touched(survey, user, &mut needs);
    templates(survey, &mut needs);
    unpacked(survey, &mut needs);
    handed_on(survey, &mut needs);
    named(survey, &mut needs);
    prepared(survey, &mut needs);
    written(survey, user, &mut needs);
    home(survey, user, &mut needs);
    modes(survey, &mut needs);
    keys::find(survey, &mut needs);
    filed(survey, user, &mut needs);
    nested(&mut needs);
    assumptions(survey, user, &mut needs);
    let mounted = uses::assumptions(survey, &needs);
    needs.assumptions.extend(mounted);
    needs.copies.sort_unstable();
    needs.copies.dedup();
    needs
}

/// Takes out what is given away with a folder above it.
fn nested(needs: &mut Needs) {
    let whole: Vec<String> =
        needs.late.iter().filter(|folder| folder.recursive).map(|folder| folder.path.clone()).collect();
    let inside = |path: &str| whole.iter().any(|folder| folder != path && paths::within(path, folder));
    needs.late.retain(|folder| folder.make || !inside(&folder.path));
    needs.files.retain(|path| !inside(path));
}

/// What a program needs that has run as the user all along: nothing that it had not.
pub(super) fn as_before(stepped: &StepDown) -> Needs {
    let assumption = format!("the image has the user {}, as {} took for granted", stepped.user, stepped.tool);
    Needs { assumptions: vec![assumption], ..Needs::default() }
}

/// The places of a known server.
fn server(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
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
    for program in supervised::programs(survey).into_iter().chain(fpm).chain(web) {
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
        if let Some(server) = super::user::beside(survey) {
            needs.late.extend(server.made().map(folder(true)));
            needs.late.extend(server.folders().map(folder(false)));
            needs.files.extend(server.files().map(str::to_owned));
        }
        // What an image's own program writes to, where that is what runs.
        if survey.entry.is_empty() && survey.facts.user.is_none_or(super::who::is_root) {
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
    // PHP's programs have their version in their name, and so have the places of their logs.
    let version = survey.entry.steps.iter().map(Step::program).find(|program| program.contains("fpm"));
    let version: String = version.unwrap_or_default().chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
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
    if server.image() == "nginx" && survey.units.iter().any(templates) {
        needs.late.push(Folder { path: "/etc/nginx/conf.d".to_owned(), recursive: true, make: false });
    }
    needs.files.extend(server.files().map(told));
    filled(survey, &server, needs);
}

/// Whether the image's own entrypoint starts its own program, in folders that the image has given to the user.
fn own_place(survey: &Survey<'_, '_>) -> bool {
    survey.facts.start == super::images::Start::Either && obstacles::own_start(survey)
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

/// The places of an nginx that is compiled here, or lies in a folder of its own: the distribution's are not its.
fn own_nginx(survey: &Survey<'_, '_>, needs: &mut Needs) -> bool {
    let model = survey.model;
    let mut prefix = survey.entry.steps.iter().find_map(|step| {
        let path = step.path(step.argv.first()?)?;
        path.strip_suffix("/sbin/nginx").filter(|prefix| is_application(prefix)).map(str::to_owned)
    });
    let runs =
        model.stages.iter().flat_map(|stage| model.body(stage)).map(|(index, instruction)| Unit { index, instruction });
    let mut options: Vec<(String, String)> = Vec::new();
    for unit in runs.filter(|unit| unit.instruction.keyword == Keyword::Run) {
        let text = unit.text();
        if !text.contains("--with-http_") && !text.contains("--http-log-path") {
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
fn filled(survey: &Survey<'_, '_>, server: &Server, needs: &mut Needs) {
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
            let given = unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link"));
            if paths::within(to, path) && !given && !needs.copies.contains(&at) {
                needs.copies.push(at);
            }
        }
        needs.late.push(Folder { path: path.to_owned(), recursive: path.starts_with("/etc"), make: false });
    }
}

/// The folders of VOLUME: a new volume takes the owner that the folder has in the image.
fn volumes(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    for (at, unit) in survey.units.iter().enumerate() {
        if unit.instruction.keyword != Keyword::Volume {
            continue;
        }
        for word in unit.instruction.words() {
            let path = survey.model.expand(unit.index, word.raw);
            if !path.known || !path.text.starts_with('/') {
                continue;
            }
            let path = paths::join("/", &path.text);
            let system = ["/dev", "/proc", "/sys", "/bin", "/lib", "/usr/lib", "/usr/bin", "/sbin", "/tmp"];
            let known = |folder: &Folder| folder.path == path;
            if matches!(path.as_str(), "/" | "/etc" | "/usr" | "/var" | "/run" | "/var/run" | "/home")
                || path.contains(' ')
                || system.iter().any(|folder| paths::within(&path, folder))
                || user.server.is_some() && needs.late.iter().any(known) && user.made_by.is_some_and(|made| made > at)
                || needs.early.iter().any(known)
                || own_place(survey) && survey.facts.data.contains(&path.as_str())
            {
                continue;
            }
            // What is changed in a folder after its VOLUME, the classic builder forgets.
            let servers = needs.late.iter().any(|folder| folder.path == path && folder.recursive);
            needs.late.retain(|folder| folder.path != path);
            needs.volume.get_or_insert(at);
            let before = survey.below.len() + at;
            let filled = survey
                .all()
                .take(before)
                .any(|unit| unit.instruction.keyword == Keyword::Run && fills(survey, unit, &path));
            for (copy, unit) in survey.units.iter().enumerate() {
                let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
                let given = unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link"));
                if to.is_some_and(|to| paths::within(to, &path)) && !given && !needs.copies.contains(&copy) {
                    needs.copies.push(copy);
                }
            }
            for folder in above_in_roots_home(&path).into_iter().filter(|_| user.server.is_none()) {
                if !needs.owned(&folder) {
                    needs.early.push(Folder { path: folder, recursive: false, make: true });
                }
            }
            needs.early.push(Folder { path, recursive: filled || servers, make: true });
        }
    }
}

/// The folders between root's home and a folder in it, which are the user's too.
pub(super) fn above_in_roots_home(path: &str) -> Vec<String> {
    let mut above = Vec::new();
    let mut folder = paths::parent(path);
    while folder != "/root" && paths::within(folder, "/root") {
        above.push(folder.to_owned());
        folder = paths::parent(folder);
    }
    above.reverse();
    above
}

/// The folders of the application: where it runs, and where the program lies.
fn folders(survey: &Survey<'_, '_>, user: &User) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // A workspace of Go that is copied as it is, and worked in, is an application's folder.
    let workspace = |path: &str| {
        let to = |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.to.as_deref() == Some(path));
        path == "/go" && survey.all().any(to)
    };
    // A folder of its own among programs, in which the file works and out of which it starts, is one too.
    let among = |path: &str| {
        let inside = |step: &Step| {
            let words = step.argv.iter().take(2).filter(|word| word.contains(['/', '.']));
            words.filter_map(|word| step.path(word)).any(|word| paths::within(&word, path))
        };
        PROGRAMS.iter().any(|folder| *folder != path && paths::within(path, folder))
            && survey.entry.steps.iter().any(inside)
    };
    let works = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Workdir;
    let said = survey.model.final_workdir(survey.stage).filter(|_| survey.all().any(works) || onbuild(survey));
    let add = |found: &mut Vec<String>, path: String| {
        let fit = is_application(&path) || workspace(&path) || said == Some(path.as_str()) && among(&path);
        if fit && !found.contains(&path) {
            found.push(path);
        }
    };
    if let Some(path) = said {
        add(&mut found, path.to_owned());
    }
    let serves = survey.all().any(|unit| unit.instruction.keyword == Keyword::Expose);
    for step in &survey.entry.steps {
        let interpreter = matches!(
            step.program(),
            "python"
                | "python2"
                | "python3"
                | "node"
                | "ruby"
                | "php"
                | "perl"
                | "java"
                | "sh"
                | "bash"
                | "dotnet"
                | "nodejs"
        );
        // Behind the program's own file, `server.py --data /data`, come its arguments.
        let own = |arg: &&String| arg.starts_with(['/', '-']) || !arg.contains('.');
        // `CMD app/run.sh`, where nothing else says in which folder the program works.
        let relative = |word: &&String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
            // What is compiled does not write beside itself: `./target/release/api`, `build/install/api/bin/api`.
            let made = || word.split('/').any(|part| matches!(part, "target" | "build" | ".build" | "_build"));
            let path = word.contains('/') && !word.starts_with('-') && word.bytes().all(plain);
            step.cwd.as_deref() == Some("/") && path && !made()
        };
        let named = if interpreter {
            let absolute = step.args().iter().take_while(own).find(|arg| arg.starts_with('/'));
            absolute.or_else(|| step.args().iter().find(|arg| !arg.starts_with('-')).filter(relative))
        } else {
            step.argv.first().filter(|program| program.starts_with('/') || relative(program))
        };
        // Tools that are started by name work elsewhere; servers keep things beside themselves.
        let named_only = || {
            let program = step.argv.first().filter(|_| !interpreter && serves)?;
            lies_at(survey, program)
        };
        let named = named.filter(|path| !path.contains(char::is_whitespace));
        let Some(path) = named.and_then(|path| step.path(path)).or_else(named_only) else { continue };
        if path.ends_with(".sh") && paths::name(&path).contains("entry") {
            continue;
        }
        let mut folder = paths::parent(&path);
        while matches!(paths::name(folder), "bin" | "sbin" | "scripts" | "script") && folder != "/" {
            folder = paths::parent(folder);
        }
        if !matches!(folder, "/root" | "/opt" | "/srv") {
            add(&mut found, folder.to_owned());
        }
    }
    // PHP's images serve this folder.
    let php = user.owner.starts_with("www-data")
        && matches!(survey.facts.program, Some("apache2-foreground" | "php-fpm"))
        && survey.facts.own.is_some();
    if php {
        add(&mut found, "/var/www/html".to_owned());
    }
    if found.is_empty() {
        found.extend(shared(survey).map(str::to_owned));
    }
    // A folder inside another one needs no word of its own.
    let all = found.clone();
    found.retain(|path| !all.iter().any(|other| other != path && paths::within(path, other)));
    found
}

/// A folder for many, such as `/home`, that the file takes for its application alone: it works there, and copies into it.
fn shared<'m>(survey: &Survey<'m, '_>) -> Option<&'m str> {
    let folder =
        survey.model.final_workdir(survey.stage).filter(|path| matches!(*path, "/home" | "/mnt" | "/media"))?;
    let brought = |unit: &Unit<'_>| survey.copied(unit).is_some_and(|copied| copied.to.as_deref() == Some(folder));
    survey.units.iter().any(brought).then_some(folder)
}

/// Whether the image copies the project by ONBUILD, before anything that the file says.
fn onbuild(survey: &Survey<'_, '_>) -> bool {
    survey.model.known(survey.stage).is_some_and(|image| image.tag().contains("onbuild"))
}

/// Where a program lies that is started by its name: behind a link in a folder of the system, or in a folder of PATH that
/// is named after it.
fn lies_at(survey: &Survey<'_, '_>, program: &str) -> Option<String> {
    if program.contains('/') || !effects::kind(program).is_empty() {
        return None;
    }
    let link =
        survey.all().flat_map(|unit| survey.steps(unit)).filter(|step| step.program() == "ln").find_map(|step| {
            let mut paths = step.args().iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg));
            let (from, to) = (paths.next()?, paths.next()?);
            let named = paths::name(&to) == program || paths::name(&from) == program && paths::name(&to) == "bin";
            (named && is_application(paths::parent(&from))).then_some(from)
        });
    let path = || {
        let word = program.split(['-', '.', '_']).next().filter(|word| word.len() > 2)?;
        survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env).find_map(|unit| {
            let pairs = unit.instruction.pairs(survey.model.file.escape);
            let value = pairs.into_iter().find(|pair| pair.name.raw == "PATH")?.value?;
            let value = survey.model.expand(unit.index, value.raw);
            let mut folders = value.text.split(':').filter(|folder| folder.starts_with('/') && !folder.contains('$'));
            let folder = folders.find(|folder| is_application(folder) && folder.contains(word))?;
            Some(paths::join(folder, program))
        })
    };
    link.or_else(path)
}

/// Whether the image holds the project in this folder: by a COPY, or by a command that fetches or unpacks it.
pub(super) fn holds_project(survey: &Survey<'_, '_>, folder: &str) -> bool {
    survey.all().any(|unit| match unit.instruction.keyword {
        Keyword::Copy | Keyword::Add => survey
            .copied(unit)
            .and_then(|copied| copied.to.as_deref())
            .is_some_and(|to| paths::within(to, folder) || paths::within(folder, to) && to != "/"),
        Keyword::Run => {
            unpacks(survey, unit, folder)
                || survey.steps(unit).iter().any(|step| {
                    let program = step.program();
                    let makes = obstacles::builds(step) || installs_into(step).is_some();
                    step.cwd.as_deref() == Some(folder) && makes && program != "gradle" && program != "lein"
                })
        }
        _ => false,
    })
}

/// Whether a build tool works in the folder when the container starts.
fn built_at_start(survey: &Survey<'_, '_>, folder: &str) -> bool {
    let within = |step: &Step| step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, folder));
    survey.runs().any(|step| within(step) && obstacles::builds(step))
}

/// Whether what runs is a server that only reads what it is given.
fn only_serves(survey: &Survey<'_, '_>, user: &User) -> bool {
    let server = user
        .server
        .is_some_and(|server| matches!(server.program(), "nginx" | "openresty" | "httpd" | "httpd-foreground"));
    let files =
        |step: &Step| matches!(step.program(), "serve" | "http-server" | "httpd" | "lighttpd" | "darkhttpd" | "thttpd");
    let plain = survey.entry.steps.first().is_some_and(files) && survey.entry.steps.len() == 1;
    // A script may start more than the server, and PHP writes.
    let direct = survey.entry.is_empty()
        || survey.entry.steps.iter().any(|step| {
            matches!(
                step.program(),
                "nginx" | "openresty" | "httpd" | "httpd-foreground" | "apache2ctl" | "apachectl" | "apache2"
            )
        });
    let php =
        survey.facts.language == Some("php") || survey.entry.steps.iter().any(|step| step.program().contains("php"));
    (server && direct || plain) && !php && user::unread_script(survey).is_none()
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
    let all = |folder: &String| given_at(survey, user, &paths::join(folder, "all"));
    let given: Vec<Option<usize>> = folders.iter().map(all).collect();
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
        let given = unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link"));
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
        let folder = Folder { path: folder, recursive, make };
        // What the stages below have filled is there from the start, and what comes later is given as it is copied.
        if recursive && (filled.is_some() || !below) {
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

/// What a RUN has to say for a command of a framework to be in it.
static FRAMEWORKS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"rake|rails|artisan|symfony|bin/console|prisma").ok());

/// Folders that a framework writes to at run time, and that its own commands have made as root while the image was
/// built.
fn frameworks(survey: &Survey<'_, '_>, needs: &mut Needs) {
    // An image that is not known may have a working directory of its own, which RUN works in, whatever its name.
    let unnamed = survey.model.known(survey.stage).is_none()
        && !survey.all().any(|unit| matches!(unit.instruction.keyword, Keyword::Workdir));
    let mut add = |made: Option<usize>, folder: &str, names: &[&str]| {
        for name in names {
            let mut path = paths::join(folder, name);
            if unnamed && folder == "/" {
                // It may be the root folder after all, whose `var` is the system's; `tmp` is everybody's there anyway.
                if !is_application(&path) && *name != "tmp" {
                    continue;
                }
                path = (*name).to_owned();
            }
            // What another stage made is given as it is copied, but for what a command behind it makes.
            let given = needs.copies.iter().filter_map(|at| survey.units.get(*at)).any(|unit| {
                unit.instruction.flags.iter().any(|flag| flag.name == "from")
                    && made.is_none_or(|index| unit.index > index)
                    && survey
                        .copied(unit)
                        .and_then(|copied| copied.to.as_deref())
                        .is_some_and(|to| paths::within(&path, to))
            });
            if given {
                continue;
            }
            let known = needs
                .early
                .iter()
                .chain(&needs.late)
                .any(|known| known.path == path || known.recursive && paths::within(&path, &known.path));
            if !known && is_application(&path) {
                needs.late.push(Folder { path, recursive: true, make: true });
            }
        }
    };
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if FRAMEWORKS.as_ref().is_some_and(|marks| !marks.is_match(unit.text().as_bytes())) {
            continue;
        }
        for step in survey.steps(unit).iter() {
            let Some(folder) = step.cwd.as_deref() else { continue };
            let has = |name: &str| step.argv.iter().any(|word| paths::name(word) == name);
            if (has("rake") || has("rails"))
                && step.argv.iter().any(|word| word.contains(':'))
                && step.program() != "gem"
            {
                add(Some(unit.index), folder, &["log", "tmp"]);
                // No database is there to be reached while an image is built: what is set up then is a file.
                if step.argv.iter().any(|word| word.starts_with("db:")) && file_database(survey, folder) {
                    add(Some(unit.index), folder, &["db"]);
                }
            } else if has("artisan") && step.program() == "php" {
                add(Some(unit.index), folder, &["bootstrap/cache", "storage"]);
                if step.argv.iter().any(|word| word.starts_with("migrate") || word.starts_with("db:")) {
                    add(Some(unit.index), folder, &["database"]);
                }
            } else if has("prisma") && (has("push") || has("migrate") || has("seed")) && file_database(survey, folder) {
                add(Some(unit.index), folder, &["prisma"]);
            } else if has("console") && (step.program() == "php" || step.program() == "console") {
                add(Some(unit.index), folder, &["var"]);
            }
        }
    }
    for step in survey.runs().filter(|step| step.program() == "mix") {
        if let Some(folder) = step.cwd.as_deref() {
            add(None, folder, &["_build"]);
        }
    }
    for folder in synced(survey) {
        add(None, &folder, &[".venv"]);
    }
    // Play notes its process in the folder that was staged, and does not start where it may not.
    let started = |word: &str| word.contains("target/universal/stage/bin/");
    let plays = survey.runs().any(|step| started(step.program()) || step.argv.iter().any(|word| started(word)));
    let staged: Vec<String> = survey
        .units
        .iter()
        .flat_map(|unit| survey.steps(unit))
        .filter(|step| plays && step.program() == "sbt" && step.args().iter().any(|arg| arg.ends_with("stage")))
        .filter_map(|step| step.cwd.clone())
        .collect();
    for folder in staged {
        add(None, &folder, &["target/universal/stage"]);
    }
    for (folder, modules) in engines(survey) {
        add(None, &folder, &modules.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for (folder, keeps) in compiling(survey) {
        let own: Vec<&str> = keeps.own().collect();
        add(None, folder, &own);
        let built = survey
            .units
            .iter()
            .filter(|unit| unit.instruction.keyword == Keyword::Run)
            .any(|unit| survey.steps(unit).iter().any(|step| step.cwd.as_deref() == Some(folder) && builds(step)));
        if built {
            let again: Vec<&str> = keeps.build().collect();
            add(None, folder, &again);
        }
    }
    let Some(folder) = survey.model.final_workdir(survey.stage) else { return };
    let Some(manifest) = survey.read(&paths::join(folder, "package.json")) else { return };
    let has = |mark: &str| memchr::memmem::find(&manifest, mark.as_bytes()).is_some();
    let scripted = survey.entry.steps.iter().any(|step| {
        matches!(step.program(), "npm" | "yarn" | "pnpm" | "next" | "react-scripts" | "vite" | "npx" | "nuxt")
    });
    if !scripted {
        return;
    }
    if has("\"next\"") && has("next start") {
        add(None, folder, &[".next/cache"]);
    }
}

/// The projects in which the command line of Prisma is started, with the modules that it goes on writing to: it refuses to
/// work where it can't write beside its engines, and `generate` writes the client.
fn engines(survey: &Survey<'_, '_>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for step in survey.runs() {
        let at = step.argv.iter().position(|word| word == "prisma" || word.starts_with("prisma@"));
        let verb = at.and_then(|at| step.argv.get(at + 1)).map_or("", String::as_str);
        let Some(folder) = step.cwd.as_deref().filter(|_| matches!(verb, "migrate" | "db" | "generate")) else {
            continue;
        };
        if survey.facts.language != Some("node") && survey.read(&paths::join(folder, "package.json")).is_none() {
            continue;
        }
        let names: &[&str] = if verb == "generate" { &["engines", "client"] } else { &["engines"] };
        let modules: Vec<String> = match survey.read(&paths::join(folder, "pnpm-lock.yaml")) {
            Some(lock) => {
                let lock = crate::context::text(&lock);
                names.iter().map(|name| in_store(&lock, &format!("@prisma/{name}"))).collect()
            }
            None if verb == "generate" => vec!["node_modules/@prisma".to_owned(), "node_modules/.prisma".to_owned()],
            None => vec!["node_modules/@prisma".to_owned()],
        };
        match found.iter_mut().find(|(known, _)| known == folder) {
            Some((_, known)) => {
                known.extend(modules.into_iter().filter(|module| !known.contains(module)).collect::<Vec<_>>())
            }
            None => found.push((folder.to_owned(), modules)),
        }
    }
    found
}

/// Where pnpm keeps a module, by the last entry of its lock file, which has the peers of the version in parentheses; its
/// store where that can't be told.
fn in_store(lock: &str, module: &str) -> String {
    let key = lock.rsplit(&format!("{module}@")).next().filter(|rest| rest.len() < lock.len());
    let version = key.and_then(|rest| rest.split(['\'', ':', '\n']).next()).unwrap_or_default();
    let peers = version.strip_suffix(')').unwrap_or(version).replace(")(", "_").replace(['(', ')'], "_");
    let name = format!("{}@{peers}", module.replace('/', "+"));
    // A longer name is cut, and ends in a digest.
    if version.is_empty() || name.len() > 120 {
        return "node_modules/.pnpm".to_owned();
    }
    format!("node_modules/.pnpm/{name}")
}

/// The projects whose environment `uv run` fills up when the container starts, as what made it left something out.
fn synced(survey: &Survey<'_, '_>) -> Vec<String> {
    const GROUPS: [&str; 5] = ["--no-dev", "--no-default-groups", "--only-dev", "--only-group", "--no-group"];
    const PROJECT: [&str; 2] = ["--no-install-project", "--no-install-workspace"];
    let set =
        |name: &str| survey.all().any(|unit| unit.instruction.keyword == Keyword::Env && unit.text().contains(name));
    let runs = survey.runs().chain(&survey.entry.steps);
    let runs = runs.filter(|step| step.program() == "uv" && step.subcommand() == Some("run"));
    let mut found: Vec<String> = Vec::new();
    for run in runs {
        let Some(folder) = run.cwd.as_deref().filter(|folder| !found.iter().any(|known| known == folder)) else {
            continue;
        };
        let of = |step: &&Step| {
            step.program() == "uv" && step.subcommand() == Some("sync") && step.cwd.as_deref() == Some(folder)
        };
        let units = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run);
        let own: Vec<_> = units.map(|unit| survey.steps(unit)).collect();
        // What a COPY brings from another stage was made there.
        let environment = paths::join(folder, ".venv");
        let brings = |unit: &&Unit<'_>| {
            let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
            to.is_some_and(|to| paths::within(&environment, to) && to != "/")
        };
        let sources = survey.units.iter().filter(brings).filter_map(|unit| survey.copied_from(unit));
        let elsewhere = sources.flat_map(|stage| survey.model.body(stage)).filter_map(|(at, _)| survey.model.steps(at));
        let made = elsewhere.flatten().filter(of).last();
        let Some(sync) = own.iter().flat_map(|steps| steps.iter()).rfind(of).or(made) else { continue };
        let says = |step: &Step, option: &str| step.args().iter().any(|arg| arg == option);
        if says(run, "--no-sync") || set("UV_NO_SYNC") || set("UV_PROJECT_ENVIRONMENT") {
            continue;
        }
        let manifest = survey.read(&paths::join(folder, "pyproject.toml"));
        let has = |marks: &[&str]| {
            let Some(text) = &manifest else { return true };
            marks.iter().any(|mark| memchr::memmem::find(text, mark.as_bytes()).is_some())
        };
        let lacks = |options: &[&str]| options.iter().any(|option| says(sync, option) && !says(run, option));
        if lacks(&GROUPS) && !set("UV_NO_DEV") && has(&["[dependency-groups]", "dev-dependencies"])
            || lacks(&PROJECT) && has(&["[build-system]", "package = true"])
        {
            found.push(folder.to_owned());
        }
    }
    found
}

/// Projects whose manifest can't be read, that start a script by a name of development servers, and have modules: these
/// keep what they compile among the modules.
fn developed(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let starts = survey.runs().filter_map(|step| {
        let call = Call::of(step)?;
        let (name, _) = call.script(step.program())?;
        let develops = name.split(':').any(|part| matches!(part, "dev" | "develop" | "serve" | "hot" | "watch"));
        let folder = call.folder.filter(|_| develops)?;
        survey.read(&paths::join(&folder, "package.json")).is_none().then_some(folder)
    });
    let installed = |folder: &String| {
        let mut steps = survey.units.iter().flat_map(|unit| survey.steps(unit));
        steps.any(|step| installs_into(step).as_ref() == Some(folder))
    };
    for folder in starts.filter(installed) {
        let path = paths::join(&folder, "node_modules");
        if is_application(&path) && !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: false, make: false });
        }
    }
}

/// Whether the settings of the project name a database that is a file, or can't be read.
fn file_database(survey: &Survey<'_, '_>, folder: &str) -> bool {
    let settings = ["config/database.yml", "prisma/schema.prisma"];
    let mut read = settings.iter().filter_map(|name| survey.read(&paths::join(folder, name))).peekable();
    read.peek().is_none() || read.any(|text| memchr::memmem::find(&text, b"sqlite").is_some())
}

/// Programs that compile when they start, with the folder of their project.
fn compiling<'s>(survey: &'s Survey<'_, '_>) -> impl Iterator<Item = (&'s str, Keeps)> {
    survey.runs().filter_map(|step| {
        let keeps = develops::keeps(step.program(), step.args())?;
        step.cwd.as_deref().map(|folder| (folder, keeps))
    })
}

/// Whether a command of the image's build runs a script of the project's, or compiles it.
fn builds(step: &Step) -> bool {
    let verb = step.subcommand().unwrap_or_default();
    match step.kind() {
        "npm" | "yarn" | "pnpm" => !matches!(verb, "" | "install" | "i" | "ci" | "add" | "config" | "cache" | "set"),
        _ => step.program() == "npx" || verb == "build" || develops::keeps(step.program(), step.args()).is_some(),
    }
}

/// Folders that the file makes and leaves empty: what would be the use of them, if not that the program fills them?
fn made(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    // Each with whether it may not be there after all.
    let mut found: Vec<(String, bool)> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if !unit.text().contains("mkdir") {
            continue;
        }
        for step in survey.steps(unit).iter().filter(|step| step.program() == "mkdir" && step.known) {
            let folders = step.operands().filter(|arg| !arg.contains(['$', '*', '{', '%', '\\']));
            for path in folders.filter_map(|arg| step.path(arg)) {
                let run = (paths::within(&path, "/run") || paths::within(&path, "/var/run"))
                    && !matches!(path.as_str(), "/run" | "/var/run" | "/run/sshd" | "/var/run/sshd");
                let place = is_application(&path) || run || configuration(&path) || in_tmp(&path);
                let known = found.iter().any(|(known, _)| *known == path);
                if place && !paths::within(&path, "/root") && !known {
                    found.push((path, !step.always));
                }
            }
        }
    }
    let serves = only_serves(survey, user);
    for (path, make) in found {
        let filled = survey.all().any(|unit| {
            survey.copied(unit).and_then(|copied| copied.to.as_deref()).is_some_and(|to| paths::within(to, &path))
        });
        // Everybody writes there, but not into the folder of somebody.
        let recursive = filled && in_tmp(&path);
        let used = filled && !recursive
            || survey.all().any(|unit| match unit.instruction.keyword {
                Keyword::Workdir => survey.model.workdir(unit.index + 1).is_some_and(|cwd| paths::within(cwd, &path)),
                Keyword::Run => {
                    let text = unit.text();
                    (text.contains(paths::name(&path)) || text.contains("rm "))
                        && survey.steps(unit).iter().any(|step| occupies(step, &path))
                }
                _ => false,
            });
        // Who only serves what is there writes logs and buffers.
        let kept = !serves || KEPT.iter().any(|kept| paths::name(&path).contains(kept));
        if !used && kept && !needs.owned(&path) && !given(survey, user, &path) && !opened(survey, &path) {
            needs.late.push(Folder { path, recursive, make });
        }
    }
}

/// Files that root makes and leaves empty: logs, databases and files for the number of a process.
fn touched(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let mut found: Vec<String> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        let root = survey.model.user(unit.index).is_none_or(|user| super::who::is_root(&user.text));
        if !root || !unit.text().contains("touch") {
            continue;
        }
        for step in survey.steps(unit).iter().filter(|step| step.program() == "touch" && step.always) {
            let files = step.operands().filter(|arg| !arg.contains(['$', '*', '{']));
            found.extend(files.filter_map(|arg| step.path(arg)));
        }
    }
    let gone = |path: &str| {
        survey.units.iter().flat_map(|unit| survey.steps(unit)).any(|step| {
            matches!(step.program(), "rm" | "mv")
                && step.operands().filter_map(|arg| step.path(arg)).any(|gone| paths::within(path, &gone))
        })
    };
    // By its name or its folder it is written while the program runs; others are stamps, and settings.
    const WRITTEN: [&str; 10] = ["cache", "data", ".db", "history", ".lock", "log", ".pid", "run", ".sock", "sqlite"];
    let written = |path: &str| {
        let (folder, name) = (paths::name(paths::parent(path)), paths::name(path));
        !name.contains(char::is_whitespace) && WRITTEN.iter().any(|word| name.contains(word) || folder.contains(word))
    };
    // The logs of nginx's image are links to its output, until somebody takes those away.
    let linked = |path: &str| {
        survey.facts.key == "nginx"
            && paths::within(path, "/var/log/nginx")
            && !survey.units.iter().flat_map(|unit| survey.steps(unit)).any(|step| step.program() == "unlink")
    };
    for path in found.into_iter().filter(|path| !linked(path)) {
        let folder = paths::parent(&path);
        let place =
            is_application(folder) || matches!(folder, "/run" | "/var/run" | "/var/log" | "/var/lib" | "/var/cache");
        let skip =
            free(&path) || paths::within(&path, "/root") || !written(&path) || brought(survey, &path) || gone(&path);
        if place
            && !skip
            && !needs.owned(&path)
            && !needs.files.contains(&path)
            && !given(survey, user, &path)
            && !opened(survey, &path)
        {
            needs.late.push(Folder { path, recursive: false, make: false });
        }
    }
}

/// Whether the path is a folder of its own below those for temporary files.
fn in_tmp(path: &str) -> bool {
    free(path) && !paths::within(path, "/dev") && !matches!(path, "/tmp" | "/var/tmp")
}

/// Whether a `chmod` lets everybody write into the folder.
fn opened(survey: &Survey<'_, '_>, path: &str) -> bool {
    let opens = |step: &Step| {
        let mut words = step.args().iter().filter(|arg| !arg.starts_with('-'));
        let mode = words.next().map_or("", String::as_str);
        let everybody =
            mode.ends_with("777") || matches!(mode, "a+w" | "a+rw" | "a+rwx" | "ugo+rwx" | "ugo+w" | "+rwx");
        let recursive = step.is_recursive();
        everybody
            && words
                .filter_map(|word| step.path(word))
                .any(|open| open == path || recursive && paths::within(path, &open))
    };
    let runs =
        survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run && unit.text().contains("chmod"));
    runs.flat_map(|unit| survey.steps(unit)).any(|step| step.program() == "chmod" && opens(step))
}

/// Templates that a start script which can't be read fills in, beside where they lie.
fn templates(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const ENDS: [&str; 8] = [".template", ".tmpl", ".tpl", ".tmp", ".j2", ".ctmpl", ".dist", ".in"];
    if user::unread_script(survey).is_none() {
        return;
    }
    for unit in &survey.units {
        let Some(copied) = survey.copied(unit) else { continue };
        let Some(to) = copied.to.as_deref() else { continue };
        let template = |path: &str| ENDS.iter().any(|end| path.ends_with(end));
        let folder = match template(to) {
            true => paths::parent(to),
            false if copied.folder && copied.sources.iter().any(|source| template(source)) => to,
            false => continue,
        };
        let own = folder.matches('/').count() > 1 && !free(folder) && !PROGRAMS.contains(&folder);
        if own && !needs.owned(folder) {
            needs.late.push(Folder { path: folder.to_owned(), recursive: false, make: false });
        }
    }
}

/// What an archive or a clone has put into a folder of its own, where a start script that can't be read works with it: it
/// fills configuration in there, and the program writes its logs and data beside itself.
fn unpacked(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const PARENTS: [&str; 4] = ["/opt", "/usr/local", "/usr/share", "/srv"];
    const FILES: [&str; 7] = [".gz", ".tgz", ".zip", ".bz2", ".xz", ".jar", ".war"];
    if user::unread_script(survey).is_none() {
        return;
    }
    let mut folders: Vec<String> = Vec::new();
    let mut parents: Vec<String> = Vec::new();
    let mut moved: Vec<String> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        for step in survey.steps(unit).iter().filter(|step| step.always) {
            // `tar x` and then `mv program-1.2 /opt/program`: it has the version in its name no more.
            if step.program() == "mv" {
                let operands: Vec<&str> = step.operands().collect();
                if let [from, to] = operands.as_slice() {
                    let unpacked = from.contains(['-', '*', '$']) && !paths::name(from).contains(".t");
                    let into = step.path(to).filter(|into| unpacked && is_application(into) && !into.contains('*'));
                    folders.extend(into.filter(|_| !parents.is_empty() || !folders.is_empty()));
                }
                moved.extend(
                    operands.split_last().map_or(&[][..], |(_, from)| from).iter().filter_map(|from| step.path(from)),
                );
            }
            let into = match step.effect() {
                Effect::Writes(into) if matches!(step.program(), "tar" | "unzip" | "bsdtar") => into,
                _ => continue,
            };
            for into in into {
                if PARENTS.contains(&into.as_str()) || matches!(into.as_str(), "/" | "/tmp") {
                    parents.push(into.clone());
                } else if PARENTS.iter().any(|parent| paths::within(into, parent)) && is_application(into) {
                    folders.push(into.clone());
                }
            }
        }
    }
    if folders.is_empty() && parents.is_empty() {
        return;
    }
    // The archive's own folder has the name by which the file speaks of it.
    let child = |path: &str| {
        let parent = parents.iter().find(|parent| PARENTS.contains(&parent.as_str()) && paths::within(path, parent))?;
        let name = paths::relative(path, parent)?.split('/').next().filter(|name| !name.is_empty())?;
        let shared = matches!(name, "bin" | "sbin" | "lib" | "share" | "src" | "etc" | "include" | "man" | "games");
        (!shared && !name.contains(['$', '*', ' ', '{', ':'])).then(|| paths::join(parent, name))
    };
    for unit in &survey.units {
        match unit.instruction.keyword {
            Keyword::Env => {
                for pair in unit.instruction.pairs(survey.model.file.escape) {
                    let Some(value) = pair.value else { continue };
                    // Of a list, every part is known by itself: `$PATH` mostly is not.
                    for part in value.raw.trim_matches(['"', '\'']).split(':') {
                        let part = survey.model.expand(unit.index, part);
                        folders.extend(child(&part.text).filter(|_| part.known));
                    }
                }
            }
            Keyword::Run => {
                let named = survey.steps(unit).iter().filter(|step| step.known).flat_map(|step| step.operands());
                folders.extend(named.filter(|word| word.starts_with('/')).filter_map(child));
            }
            Keyword::Workdir => {
                folders.extend(survey.model.workdir(unit.index + 1).and_then(child));
            }
            _ => {}
        }
    }
    let made: Vec<String> = survey
        .units
        .iter()
        .flat_map(|unit| survey.steps(unit))
        .filter(|step| matches!(step.program(), "rm" | "rmdir") || step.program() == "ln")
        .flat_map(|step| step.operands().last().and_then(|path| step.path(path)))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    for path in folders {
        let name = paths::name(&path);
        // `/opt/nodejs/10.1.0` has its name above.
        let above = name.starts_with(|c: char| c.is_ascii_digit()).then(|| paths::name(paths::parent(&path)));
        let tool = unpacked::is_only_read(above.unwrap_or(name))
            || FILES.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
        if !tool && !made.contains(&path) && !moved.contains(&path) && !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: true, make: false });
        }
    }
}

/// Applications that come whole, from the context or another stage, for a script that can't be read.
fn handed_on(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const PARENTS: [&str; 3] = ["/opt", "/srv", "/var/www"];
    if user::unread_script(survey).is_none() {
        return;
    }
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit) else { continue };
        let [source] = copied.sources.as_slice() else { continue };
        let Some(to) = copied.to.as_deref().filter(|to| PARENTS.contains(&paths::parent(to))) else { continue };
        let given = unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link"));
        let name = paths::name(to);
        // The folder itself, and not a file under another name.
        let whole = paths::name(source.trim_end_matches('/')) == name || matches!(source.as_str(), "." | "./");
        let read = name.contains('.') || CODE.contains(&name) || unpacked::is_only_read(name);
        if whole && !read && !given && !needs.owned(to) && !needs.copies.contains(&at) {
            needs.copies.push(at);
        }
    }
}

/// Folders that a program has set up for itself while the image was built: `app init /data`, and then `app serve /data`.
fn prepared(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const VERBS: [&str; 6] = ["init", "create", "setup", "set-up", "format", "bootstrap"];
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs().filter(|step| step.kind().is_empty()) {
        for word in step.args().iter().filter(|word| word.starts_with('/') && !paths::name(word).contains(['.', '$'])) {
            let path = paths::join("/", word);
            let sets_up = |built: &Step| {
                built.program() == step.program()
                    && built
                        .args()
                        .iter()
                        .any(|arg| VERBS.iter().any(|verb| arg.trim_start_matches('-').starts_with(verb)))
                    && built.args().iter().any(|arg| built.is_at(arg, &path))
            };
            let place = is_application(&path) || run_folder(&path);
            if place
                && !found.contains(&path)
                && !needs.owned(&path)
                && survey.units.iter().flat_map(|unit| survey.steps(unit)).any(sets_up)
            {
                found.push(path);
            }
        }
    }
    needs.late.extend(found.into_iter().map(|path| Folder { path, recursive: true, make: false }));
}

/// Folders of programs, into which nobody writes.
const PROGRAMS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Parts of the names of folders that a web server writes to.
const KEPT: [&str; 9] = ["log", "cache", "tmp", "temp", "run", "data", "upload", "sock", "dav"];

/// Whether a command works in the folder, fills it, takes it away or gives it to somebody.
fn occupies(step: &Step, path: &str) -> bool {
    if step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, path)) {
        return true;
    }
    match step.program() {
        // An empty file is there to be written.
        "mkdir" | "chmod" | "touch" => false,
        // `rm -rf /tmp/*` takes it away with all that is there.
        "rm" if step
            .args()
            .iter()
            .filter_map(|arg| step.path(arg.trim_end_matches("/*")))
            .any(|gone| paths::within(path, &gone)) =>
        {
            true
        }
        "chown" | "chgrp" => step.args().iter().filter_map(|arg| step.path(arg)).any(|named| named == path),
        "cd" | "pushd" => step.args().iter().filter_map(|arg| step.path(arg)).any(|named| paths::within(&named, path)),
        _ => step.argv.iter().skip(1).chain(&step.outputs).any(|word| {
            let word = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
            step.path(word).is_some_and(|named| paths::within(&named, path))
        }),
    }
}

/// Whether the file gives the folder to the user already.
fn given(survey: &Survey<'_, '_>, user: &User, path: &str) -> bool {
    given_at(survey, user, path).is_some()
}

/// The last RUN that gives the folder to the user, counted in the stage; the first of the stage for those below it.
fn given_at(survey: &Survey<'_, '_>, user: &User, path: &str) -> Option<usize> {
    let name = user.owner.split(':').next().unwrap_or_default();
    let gives = |unit: &Unit<'_>| {
        let steps = if unit.instruction.keyword == Keyword::Run && unit.text().contains("chown") {
            survey.steps(unit)
        } else {
            &[]
        };
        steps.iter().filter(|step| step.program() == "chown" && step.always).any(|step| {
            let recursive = step.is_recursive();
            let mut words = step.args().iter().filter(|arg| !arg.starts_with('-'));
            let owner = words.next().map(|owner| owner.split([':', '.']).next().unwrap_or_default());
            owner == Some(name)
                && words
                    .filter_map(|word| step.path(word))
                    .any(|given| given == path || (recursive && paths::within(path, &given)))
        })
    };
    let own = survey.units.iter().rposition(gives);
    own.or_else(|| survey.below.iter().any(gives).then_some(0))
}

/// Variables that name a folder in which programs keep what they write.
fn names_a_folder(name: &str) -> bool {
    const WHOLE: [&str; 20] = [
        "DENO_DIR",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "TRANSFORMERS_CACHE",
        "SENTENCE_TRANSFORMERS_HOME",
        "TORCH_HOME",
        "MPLCONFIGDIR",
        "NUMBA_CACHE_DIR",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "MEDIA_ROOT",
        "UPLOAD_FOLDER",
        "UPLOADS",
        "PGDATA",
        "TMPDIR",
        "WINEPREFIX",
        "DATA",
    ];
    const ENDS: [&str; 15] = [
        "DATA_DIR",
        "DATADIR",
        "DATA_PATH",
        "DATA_FOLDER",
        "LOG_DIR",
        "LOGDIR",
        "LOGS_DIR",
        "LOG_PATH",
        "CACHE_DIR",
        "UPLOAD_DIR",
        "UPLOADS_DIR",
        "UPLOAD_PATH",
        "STORAGE_DIR",
        "STORAGE_PATH",
        "STATE_DIR",
    ];
    // Caches of tools that work while the image is built.
    let build = ["PIP_", "APT_", "COMPOSER_", "POETRY_", "UV_", "CARGO_", "PLAYWRIGHT_", "CYPRESS_", "CCACHE_", "GO"];
    (WHOLE.contains(&name) || ENDS.iter().any(|end| name.ends_with(end)))
        && !build.iter().any(|tool| name.starts_with(tool))
}

/// Files that ENV names for the number of a process, or for its log.
fn named_files(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env) {
        if !["PID", "LOG"].iter().any(|word| unit.instruction.args.text.contains(word)) {
            continue;
        }
        for pair in unit.instruction.pairs(survey.model.file.escape) {
            let named = ["PID_FILE", "PIDFILE", "LOG_FILE", "LOGFILE"].iter().any(|end| pair.name.raw.ends_with(end));
            let Some(value) = pair.value.as_ref().filter(|_| named) else { continue };
            let value = survey.model.expand(unit.index, value.raw);
            if value.known && value.text.starts_with('/') && !found.contains(&value.text) {
                found.push(paths::join("/", &value.text));
            }
        }
    }
    found
}

/// Folders that ENV names for what the program writes, or a script that can't be read.
fn named(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const SETTINGS: [&str; 4] = ["CONF_DIR", "CONFDIR", "CONFIG_DIR", "CONF_PATH"];
    // Folders below the root that are for nothing else.
    const KEPT: [&str; 9] =
        ["/data", "/uploads", "/upload", "/storage", "/downloads", "/output", "/results", "/cache", "/logs"];
    let (mut found, mut strict): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let unread = user::unread_script(survey).is_some();
    let names = |name: &str| names_a_folder(name) || unread && SETTINGS.iter().any(|end| name.ends_with(end));
    for unit in survey.all().filter(|unit| unit.instruction.keyword == Keyword::Env) {
        for pair in unit.instruction.pairs(survey.model.file.escape) {
            // Whatever it is called: `BASE_DIR=/data`.
            let place = |value: &str| KEPT.contains(&value.trim_matches(['"', '\'']).trim_end_matches('/'));
            let Some(value) = pair.value.as_ref().filter(|value| names(pair.name.raw) || place(value.raw)) else {
                continue;
            };
            let value = survey.model.expand(unit.index, value.raw);
            if value.known && value.text.starts_with('/') && !value.text.contains([':', ' ', '*']) {
                let path = paths::join("/", &value.text);
                if is_application(&path) && !found.contains(&path) && !paths::within(&path, "/root") {
                    // Wine works in no folder that is another's.
                    if pair.name.raw == "WINEPREFIX" {
                        strict.push(path.clone());
                    }
                    found.push(path);
                }
            }
        }
    }
    for path in named_files(survey) {
        let folder = paths::parent(&path).to_owned();
        if is_application(&folder) || run_folder(&folder) {
            if !needs.owned(&folder) {
                needs.late.push(Folder { path: folder, recursive: false, make: true });
            }
        } else if !free(&path) && !needs.files.contains(&path) {
            needs.files.push(path);
        }
    }
    for path in found {
        // A file by its name: `DATA_PATH=/data/app.db`.
        let file = paths::name(&path).trim_start_matches('.').contains('.');
        let path = if file { paths::parent(&path).to_owned() } else { path };
        if is_application(&path) && !needs.owned(&path) {
            let recursive = strict.contains(&path);
            needs.late.push(Folder { path, recursive, make: true });
        }
    }
}

/// Places that scripts and sources name when they write.
fn written(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    let mut folders: Vec<String> = Vec::new();
    let mut files: Vec<String> = Vec::new();
    let written = survey.scripts.iter().chain(uses::scripts(survey)).filter_map(|script| script.steps.as_deref());
    let others: Vec<Step> = uses::started(survey).cloned().collect();
    for steps in written.chain([survey.entry.steps.as_slice(), &others]) {
        for write in scripts::writes(steps).0 {
            let (path, file) = match write {
                Write::Folder(path) => (path, false),
                Write::File(path) => (path, true),
                Write::Entry(path) => (paths::parent(&path).to_owned(), false),
            };
            if free(&path) || system(&path) && !file && !configuration(&path) {
                continue;
            }
            match file {
                true if brought(survey, &path)
                    || !is_application(paths::parent(&path)) && !run_folder(paths::parent(&path)) =>
                {
                    files.push(path);
                }
                true => folders.push(paths::parent(&path).to_owned()),
                false => folders.push(path),
            }
        }
    }
    // The sources of what is only served don't run here.
    if !only_serves(survey, user) {
        let (named, logs) = named_in_sources(survey);
        folders.extend(named);
        files.extend(logs);
    }
    folders.extend(told(survey));
    folders.extend(kept(survey));
    // A socket is made, and so its folder is written to; in `/run` itself too, which is the image's own.
    for path in supervised::sockets(survey) {
        if matches!(path.as_str(), "/run" | "/var/run") {
            needs.late.push(Folder { path, recursive: false, make: false });
        } else {
            folders.push(path);
        }
    }
    for path in supervised::files(survey) {
        let folder = paths::parent(&path).to_owned();
        if free(&path) {
            continue;
        }
        if is_application(&folder) || run_folder(&folder) {
            folders.push(folder);
        } else {
            files.push(path);
        }
    }
    for path in folders {
        let place = is_application(&path) || run_folder(&path) || configuration(&path);
        if place && !needs.owned(&path) && !given(survey, user, &path) {
            needs.late.push(Folder { path, recursive: false, make: true });
        }
    }
    for path in files {
        if !needs.files.contains(&path) && !needs.owned(paths::parent(&path)) {
            needs.files.push(path);
        }
    }
}

/// The folders that the arguments of what starts name for what it keeps: `--data-dir=/data`, `--log /var/log/x/x.log`.
pub(super) fn told(survey: &Survey<'_, '_>) -> Vec<String> {
    const KEEPS: [&str; 13] = [
        "data", "db", "database", "storage", "store", "log", "logs", "cache", "state", "upload", "uploads", "output",
        "pid",
    ];
    let keeps = |option: &str| {
        let mut words = option.trim_start_matches('-').split(['-', '_', '.']);
        option.starts_with('-')
            && words.any(|word| {
                KEEPS.iter().any(|keeps| word.eq_ignore_ascii_case(keeps)) || {
                    // `--datadir`, `-logpath`
                    let stem = word.trim_end_matches("path").trim_end_matches("dir").trim_end_matches("file");
                    stem.len() < word.len() && KEEPS.contains(&stem)
                }
            })
    };
    let mut found: Vec<String> = Vec::new();
    // What lies in a folder of its own only happens to have the name of a tool.
    let own = |step: &Step| {
        let first = step.argv.first().map_or("", String::as_str);
        first.contains('/') && !PROGRAMS.contains(&paths::parent(first))
    };
    for step in survey.entry.steps.iter().filter(|step| step.kind().is_empty() || own(step)) {
        let args = step.args();
        let joined = args.iter().filter_map(|arg| arg.split_once('='));
        let apart = args.windows(2).filter_map(|pair| match pair {
            [option, value] if !option.contains('=') => Some((option.as_str(), value.as_str())),
            _ => None,
        });
        for (_, value) in joined.chain(apart).filter(|(option, value)| keeps(option) && value.starts_with('/')) {
            if value.contains(['$', ':', '*', ' ', ',']) || !step.known {
                continue;
            }
            let path = paths::join("/", value);
            let file = paths::name(&path).trim_start_matches('.').contains('.');
            let path = if file { paths::parent(&path).to_owned() } else { path };
            if is_application(&path) && !free(&path) && !paths::within(&path, "/root") && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// The folders of the files that what runs writes by itself: its number, its log, its timetable.
fn kept(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in survey.runs() {
        let (program, args) = behind_a_runner(step);
        for file in keeps::files(program, args) {
            let Some(path) = step.path(file) else { continue };
            let folder = paths::parent(&path);
            if !free(folder) && !paths::within(folder, "/root") && !found.iter().any(|known| known == folder) {
                found.push(folder.to_owned());
            }
        }
    }
    found
}

/// The program that a manager of a project's packages starts, or Python as a module: `bundle exec jekyll serve`.
fn behind_a_runner(step: &Step) -> (&str, &[String]) {
    match (step.program(), step.args()) {
        ("bundle", [verb, program, rest @ ..]) if verb == "exec" => (program, rest),
        ("pipenv" | "poetry" | "uv", [verb, program, rest @ ..]) if verb == "run" => (program, rest),
        (python, [option, module, rest @ ..]) if python.starts_with("python") && option == "-m" => (module, rest),
        (program, args) => (program, args),
    }
}

/// Whether every user may write there.
pub(super) fn free(path: &str) -> bool {
    ["/tmp", "/var/tmp", "/dev"].iter().any(|folder| paths::within(path, folder))
}

/// Whether only root can write there, whoever owns what.
fn system(path: &str) -> bool {
    !run_folder(path) && SYSTEM.iter().any(|folder| paths::within(path, folder))
}

/// A folder of a program's own under `/run`: it can be made and given away beforehand.
pub(super) fn run_folder(path: &str) -> bool {
    ["/run", "/var/run"].iter().any(|run| {
        let rest = paths::relative(path, run).filter(|rest| !rest.is_empty());
        rest.is_some_and(|rest| !matches!(rest.split('/').next(), Some("lock" | "sshd" | "systemd" | "user")))
    })
}

/// A folder for the configuration of a program under `/etc`, which is nothing to the rest of the system.
fn configuration(path: &str) -> bool {
    const SYSTEM: [&str; 33] = [
        "X11",
        "alternatives",
        "apk",
        "apt",
        "ca-certificates",
        "cron.d",
        "cron.daily",
        "cron.hourly",
        "crontabs",
        "default",
        "dpkg",
        "fonts",
        "init.d",
        "iproute2",
        "java",
        "ld.so.conf.d",
        "logrotate.d",
        "modprobe.d",
        "network",
        "openvpn",
        "pam.d",
        "pki",
        "profile.d",
        "rc.d",
        "security",
        "skel",
        "ssh",
        "ssl",
        "sudoers.d",
        "sysconfig",
        "sysctl.d",
        "systemd",
        "udev",
    ];
    let name = paths::relative(path, "/etc").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    !name.is_empty() && !name.contains(".conf") && !SYSTEM.contains(&name)
}

/// The place of the system that a script writes to, where it can't be given away.
pub(super) fn system_place(write: &Write) -> Option<String> {
    let (path, folder) = match write {
        Write::Folder(path) => (path, path.as_str()),
        // A single file can be given away, but for the system's own.
        Write::File(path) => {
            let own = ["/proc", "/sys", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/hosts", "/etc/resolv.conf"];
            let own = own.iter().any(|place| paths::within(path, place));
            return own.then(|| path.clone());
        }
        Write::Entry(path) => (path, paths::parent(path)),
    };
    (system(folder) && !free(folder) && !configuration(folder)).then(|| path.clone())
}

/// Words in the names of variables that hold a place of files, and such of paths in addresses.
static FOR_FILES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("(?i)dir|folder|file|path|root|home|stor|data|upload|log|cache|output|db|sqlite|sock|media|asset").ok()
});
static FOR_ADDRESSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("(?i)base_?path|base_?url|url|uri|api|route|prefix|public_?path|context_?path|endpoint|sub_?path").ok()
});

/// Absolute paths in sources, where they are said to be written to; the name of the variable that says so, first.
static PLACES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?:getenv|environ\.get|env::var|Getenv|os\.environ\.setdefault)\(\s*["'`](?<name>\w+)["'`]\s*,\s*["'`](/[\w./-]+)["'`]"#,
        r#"|process\.env\.(?<variable>\w+)\s*(?:\|\||\?\?)\s*["'`](/[\w./-]+)["'`]"#,
        r#"|(?:makedirs|mkdir|mkdirSync|MkdirAll|Mkdir|writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|WriteFile|FileHandler|FileOutputStream|FileWriter|connect|create_dir_all|file_put_contents|mkdir_p)\(\s*["'`](/[\w./-]+)["'`]"#,
        r#"|open\(\s*["'`](/[\w./-]+)["'`]\s*,\s*["'`][wax]"#,
        r#"|filename["']?\s*[:=]\s*["'`](/[\w./-]+\.log)["'`]"#,
        r#"|(?:dest|destination|\w*(?:DATA|UPLOAD|LOG|STORAGE|DB|OUTPUT)_?(?:DIR|PATH|FOLDER|FILE|ROOT))["']?\s*[:=]\s*["'`](/[\w./-]+)["'`]"#,
        r#"|"\w*(?:Base|Upload|Uploads|Data|Storage|Log|Logs|Output|Files?|Images?|Media)(?:Path|Dir|Directory|Folder|Root)"\s*:\s*"(\.?\.?/[\w./-]+)""#,
    ))
    .ok()
});

/// The folders that the sources of the context name so, and the logs that they keep among those of the system.
fn named_in_sources(survey: &Survey<'_, '_>) -> (Vec<String>, Vec<String>) {
    let mut found: Vec<String> = Vec::new();
    let mut logs: Vec<String> = Vec::new();
    let Some(context) = survey.model.context else { return (found, logs) };
    let workdir = survey.model.final_workdir(survey.stage);
    let settings = |path: &str| paths::name(path).starts_with("appsettings") && path.ends_with(".json");
    // A script that no COPY brings is for the host.
    let copies: Vec<&Copied> =
        survey.all().filter_map(|unit| survey.copied(unit)).filter(|copy| copy.context).collect();
    let brought = |path: &str| {
        let covers = |source: &String| {
            let source = source.trim_start_matches("./").trim_end_matches('/');
            matches!(source, "" | ".") || source.contains('*') || paths::within(path, source)
        };
        survey.all().all(|unit| survey.copied(unit).is_none())
            || copies.iter().any(|copy| copy.sources.iter().any(covers))
    };
    let mut seen = 0usize;
    let sources = |path: &&String| (is_source(path) || settings(path)) && (!path.ends_with(".sh") || brought(path));
    for path in context.files().iter().filter(sources) {
        let Some(content) = context.read(path) else { continue };
        seen += content.len();
        if seen > 4 << 20 {
            break;
        }
        for captures in PLACES.iter().flat_map(|places| places.captures_iter(&content)) {
            let name = captures.name("name").or_else(|| captures.name("variable"));
            let says =
                |words: &LazyLock<Option<Regex>>, name: &[u8]| words.as_ref().is_some_and(|words| words.is_match(name));
            if name.is_some_and(|name| !says(&FOR_FILES, name.as_bytes()) || says(&FOR_ADDRESSES, name.as_bytes())) {
                continue;
            }
            let Some(place) = captures.iter().skip(1).flatten().find(|one| one.as_bytes().contains(&b'/')) else {
                continue;
            };
            // What an address is sent on to is an address: `{ source: "/feed", destination: "/api/feed" }`; and the page that
            // a component leads to.
            let sent_on = captures.get(0).is_some_and(|all| {
                let above = content.get(..all.start()).unwrap_or_default();
                let open = above.iter().rposition(|byte| *byte == b'{').map_or(0, |open| open + 1);
                let object = content.get(open..).unwrap_or_default();
                let object = object.split(|byte| *byte == b'}').next().unwrap_or_default();
                let component = path.ends_with(".tsx") || path.ends_with(".jsx");
                all.as_bytes().starts_with(b"dest") && (component || memchr::memmem::find(object, b"source").is_some())
            });
            if sent_on {
                continue;
            }
            let place = String::from_utf8_lossy(place.as_bytes());
            let base = if place.starts_with('/') { Some("/") } else { workdir };
            let Some(place) = base.map(|base| paths::join(base, &place)) else { continue };
            if paths::parent(&place) == "/var/log" && place.ends_with(".log") && !logs.contains(&place) {
                logs.push(place);
                continue;
            }
            let file = paths::name(&place).trim_start_matches('.').contains('.');
            let place = if file { paths::parent(&place).to_owned() } else { place };
            // A path of somebody's own machine is none of the image.
            let foreign = ["/Users", "/Volumes", "/private"].iter().any(|folder| paths::within(&place, folder));
            let own = is_application(&place) && !free(&place) && !paths::within(&place, "/root") && !foreign;
            if own && !found.contains(&place) {
                found.push(place);
            }
        }
    }
    (found, logs)
}

/// The paths in root's home that the sources of the context name.
fn named_in_roots_home(survey: &Survey<'_, '_>) -> Vec<String> {
    const HOME: &[u8] = b"/root/";
    let mut found: Vec<String> = Vec::new();
    let Some(context) = survey.model.context else { return found };
    let mut seen = 0usize;
    for path in context.files().iter().filter(|path| is_source(path) && !path.ends_with(".sh")) {
        let Some(content) = context.read(path) else { continue };
        seen += content.len();
        if seen > 4 << 20 {
            break;
        }
        for at in memchr::memmem::find_iter(&content, HOME) {
            // `@/root/view` and `src/root/view` are other folders.
            let before = at.checked_sub(1).and_then(|before| content.get(before));
            if !matches!(before, Some(b'"' | b'\'' | b'`' | b'/' | b'=')) {
                continue;
            }
            let letters = content.get(at..).unwrap_or_default();
            let end = letters.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"/._-".contains(byte)));
            let place = String::from_utf8_lossy(letters.get(..end.unwrap_or(letters.len())).unwrap_or_default());
            found.push(place.into_owned());
        }
    }
    found
}

/// Whether a file of the context is a source of the program, by its name.
fn is_source(path: &str) -> bool {
    let name = paths::name(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let source = matches!(
        extension,
        "go" | "py"
            | "js"
            | "mjs"
            | "cjs"
            | "ts"
            | "tsx"
            | "jsx"
            | "rb"
            | "php"
            | "rs"
            | "java"
            | "kt"
            | "cs"
            | "sh"
            | "ex"
            | "exs"
            | "scala"
            | "pl"
            | "c"
            | "cc"
            | "cpp"
            | "cxx"
            | "h"
            | "hpp"
            | "hs"
            | "swift"
            | "dart"
            | "cr"
            | "nim"
            | "zig"
            | "fs"
            | "groovy"
            | "clj"
    );
    source && !path.contains("node_modules/") && !name.ends_with("_test.go")
}

/// A working directory that a build argument names, and a program that lies where nobody can write.
fn unnamed(survey: &Survey<'_, '_>, needs: &mut Needs) {
    if survey.entry.is_empty() {
        return;
    }
    let workdir = survey.model.final_workdir(survey.stage);
    if workdir.is_none() && survey.units.iter().any(|unit| unit.instruction.keyword == Keyword::Workdir) {
        for (at, unit) in survey.units.iter().enumerate() {
            let Some(copied) = survey.copied(unit) else { continue };
            let last = unit.instruction.words().last().map(|word| word.raw.to_owned()).unwrap_or_default();
            let here = !last.starts_with('/') && copied.to.is_none();
            if here && may_be_written(survey, unit, copied, true) {
                needs.copies.push(at);
            }
        }
        // RUN works in that folder, whatever its name.
        needs.late.push(Folder { path: ".".to_owned(), recursive: false, make: false });
        needs.assumptions.push("the program writes nowhere but in its working directory, its home and /tmp".to_owned());
        return;
    }
    let foreign = survey.entry.steps.iter().any(|step| {
        let program = step.argv.first().and_then(|program| program.contains('/').then(|| step.path(program))).flatten();
        program.is_some_and(|path| {
            !["/bin", "/usr/bin", "/sbin", "/usr/sbin"].contains(&paths::parent(&path)) || brought(survey, &path)
        })
    });
    let named = survey.entry.steps.iter().any(|step| {
        step.args().iter().filter_map(|arg| step.path(arg)).any(|path| brought(survey, &path))
            || survey
                .units
                .iter()
                .filter_map(|unit| survey.copied(unit))
                .any(|copied| copied.sources.iter().any(|source| paths::name(source) == step.program()))
    });
    let linked = survey
        .entry
        .steps
        .iter()
        .any(|step| step.argv.first().is_some_and(|program| lies_at(survey, program).is_some()));
    if foreign || named || linked {
        needs.assumptions.push("the program writes nowhere but in its home and /tmp".to_owned());
    }
}

/// Whether a COPY brings this very file.
fn brought(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.units.iter().any(|unit| survey.brings(unit, path))
}

/// Programs and their files that a `chmod` keeps for their owner alone.
fn modes(survey: &Survey<'_, '_>, needs: &mut Needs) {
    let mut kept: Vec<Folder> = Vec::new();
    for unit in survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Run) {
        if !unit.text().contains("chmod") {
            continue;
        }
        for step in survey.steps(unit).iter().filter(|step| step.program() == "chmod" && step.known) {
            let mut words = step.args().iter().filter(|arg| !arg.starts_with('-') || arg.starts_with("-x"));
            let Some(mode) = words.next() else { continue };
            let digits = mode.trim_start_matches('0');
            let octal = mode.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() >= 3;
            let others = digits.bytes().last().map_or(0, |byte| byte.saturating_sub(b'0'));
            let owner = digits.bytes().rev().nth(2).map_or(0, |byte| byte.saturating_sub(b'0'));
            // What the owner may read, run or enter, and others may not.
            let octal = octal && (owner & 5) & !others != 0;
            let symbolic =
                matches!(mode.as_str(), "u+x" | "u+rx" | "u+rwx" | "go-rwx" | "og-rwx" | "o-rwx" | "u=rwx,go=");
            if !octal && !symbolic {
                continue;
            }
            let recursive = step.args().iter().any(|arg| arg.starts_with('-') && arg.contains('R'));
            for path in words.filter_map(|word| step.path(word)) {
                let used = survey.entry.steps.iter().any(|start| {
                    start.argv.iter().any(|word| {
                        start
                            .path(word)
                            .is_some_and(|named| named == path || (recursive && paths::within(&named, &path)))
                            || (!word.contains('/') && paths::name(&path) == word)
                    })
                });
                // What a script may call by its name.
                let name = paths::name(&path);
                let called = PROGRAMS.contains(&paths::parent(&path))
                    && (user::unread_script(survey).is_some() || survey.runs().any(|step| step.program() == name));
                let inside = needs.early.iter().chain(&needs.late).any(|folder| paths::within(&path, &folder.path));
                let owned = needs.late.iter().any(|folder| folder.recursive && paths::within(&path, &folder.path));
                if (used || called || inside)
                    && !owned
                    && path != "/"
                    && !path.contains('*')
                    && !kept.iter().any(|folder| folder.path == path)
                {
                    kept.push(Folder { path, recursive, make: false });
                }
            }
        }
    }
    needs.late.append(&mut kept);
}

/// Whether what a COPY brings may be written to: not manifests, not single files of code, not installed packages.
fn may_be_written(survey: &Survey<'_, '_>, unit: &Unit<'_>, copied: &Copied, whole: bool) -> bool {
    if unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link")) {
        return false;
    }
    if !unit.instruction.heredocs.is_empty() {
        return false;
    }
    let archive = unit.instruction.keyword == Keyword::Add;
    copied.sources.iter().any(|source| {
        let source = source.trim_end_matches('/');
        if matches!(source, "" | "." | "./" | "*" | "./*") || source.starts_with("..") {
            return true;
        }
        let name = paths::name(source);
        if archive && (name.ends_with(".tar") || name.ends_with(".tgz") || name.contains(".tar.")) {
            return true;
        }
        if started(survey, unit, copied, name) {
            return false;
        }
        let data = is_database(name);
        let file = name.trim_start_matches('.').contains('.') || name.contains('*');
        let file = file || FILES.contains(&name);
        let code = !whole && CODE.contains(&name);
        data || !(file || code)
    })
}

/// Whether a file is a database by its name, which programs write to where it lies.
fn is_database(name: &str) -> bool {
    [".db", ".sqlite", ".sqlite3", ".rdb"].iter().any(|end| name.ends_with(end))
}

/// The database files that the stage copies, where they come to lie, with the place of the COPY among its units.
pub(super) fn databases(survey: &Survey<'_, '_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, unit) in survey.units.iter().enumerate() {
        let Some(copied) = survey.copied(unit) else { continue };
        let Some(to) = copied.to.as_deref() else { continue };
        if unit.instruction.flags.iter().any(|flag| matches!(flag.name.as_ref(), "chown" | "link")) {
            continue;
        }
        for source in copied.sources.iter().filter(|source| is_database(source)) {
            let path = if copied.folder { paths::join(to, paths::name(source)) } else { to.to_owned() };
            if is_database(&path) {
                found.push((at, path));
            }
        }
    }
    found
}

/// A database that comes to lie in the root folder, with the whole of the project.
pub(super) fn database_in_root(survey: &Survey<'_, '_>) -> Option<String> {
    let context = survey.model.context?;
    let whole = survey.units.iter().filter_map(|unit| survey.copied(unit)).any(|copied| {
        copied.context
            && copied.to.as_deref() == Some("/")
            && copied.sources.iter().any(|source| matches!(source.as_str(), "." | "./" | "*" | "./*"))
    });
    let database = |file: &&String| !file.contains('/') && is_database(file) && file.as_str() != "Thumbs.db";
    context.files().iter().filter(|_| whole).find(database).map(|file| format!("/{file}"))
}

/// Files without an extension.
const FILES: [&str; 12] = [
    "Gemfile",
    "Makefile",
    "Procfile",
    "Pipfile",
    "LICENSE",
    "mvnw",
    "gradlew",
    "artisan",
    "Rakefile",
    "Dockerfile",
    "package",
    "requirements",
];

/// Folders of code and what is served from it.
const CODE: [&str; 21] = [
    "node_modules",
    "vendor",
    "dist",
    "build",
    "bin",
    "lib",
    "static",
    "templates",
    "public",
    "views",
    "src",
    "conf",
    "config",
    "scripts",
    "site-packages",
    "target",
    "out",
    "certs",
    "test",
    "tests",
    "docs",
];

/// Whether a COPY brings the very program that is started: nobody writes to that.
fn started(survey: &Survey<'_, '_>, _unit: &Unit<'_>, copied: &Copied, name: &str) -> bool {
    let Some(to) = copied.to.as_deref() else { return false };
    survey.entry.steps.iter().any(|step| {
        let program = step.argv.first().map(String::as_str).unwrap_or_default();
        let path = step.path(program).unwrap_or_default();
        path == to || path == paths::join(to, name) || (!program.contains('/') && paths::name(program) == name)
    })
}

/// Whether the stages that it stands on fill the folder with what is the application's own: what they copy is root's.
fn filled_below(survey: &Survey<'_, '_>, folder: &str) -> bool {
    survey.below.iter().any(|unit| match unit.instruction.keyword {
        Keyword::Run => fills(survey, unit, folder),
        Keyword::Copy | Keyword::Add => survey.copied(unit).is_some_and(|copied| {
            let to = copied.to.as_deref().filter(|to| paths::within(to, folder) && is_application(to));
            to.is_some_and(|to| may_be_written(survey, unit, copied, to == folder))
        }),
        _ => false,
    })
}

/// Whether a package manager installs into the folder when the container starts.
fn installs_at_start(survey: &Survey<'_, '_>, folder: &str) -> bool {
    survey.runs().any(|step| installs_into(step).is_some_and(|into| paths::within(&into, folder)))
}

/// The folder of the project into which a command installs what the project asks for.
fn installs_into(step: &Step) -> Option<String> {
    let program = step.program();
    if let Some(call) = Call::of(step) {
        let global = step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global" | "global"));
        let installs = call.installs(program) && !global;
        return call.folder.filter(|_| installs);
    }
    let installs = match program {
        "composer" | "composer.phar" => {
            matches!(step.subcommand(), Some("install" | "i" | "update" | "require" | "dump-autoload" | "dumpautoload"))
        }
        "mix" => step.subcommand().is_some_and(|verb| verb == "setup" || verb.starts_with("deps.")),
        _ => false,
    };
    step.cwd.clone().filter(|_| installs)
}

/// Whether a command of the build runs code of the project that keeps files of its own beside itself: no database is
/// there to be reached while an image is built, so one that is set up then is a file.
fn stores(survey: &Survey<'_, '_>, step: &Step) -> bool {
    // A database that is made, and not one that is only read.
    if matches!(step.program(), "sqlite3" | "sqlite") {
        return step.operands().next().is_some_and(|file| !file.starts_with('/') || !step.known);
    }
    const TOOLS: [&str; 7] = ["manage.py", "alembic", "flask", "sequelize", "sequelize-cli", "knex", "typeorm"];
    let script = step.args().first().filter(|script| script.ends_with(".py"));
    if script.is_none() && !step.argv.iter().any(|word| TOOLS.contains(&paths::name(word))) {
        return false;
    }
    let after = |name: &str| {
        let at = step.argv.iter().position(|word| paths::name(word) == name)?;
        Some(step.argv.get(at + 1).map_or("", String::as_str))
    };
    if let Some(verb) = after("manage.py") {
        // These make what is only read, or nothing.
        const MADE: [&str; 11] = [
            "",
            "check",
            "collectstatic",
            "compilemessages",
            "compilescss",
            "compress",
            "help",
            "makemessages",
            "shell",
            "tailwind",
            "test",
        ];
        return !MADE.contains(&verb);
    }
    let has = |word: &str| step.argv.iter().any(|arg| arg == word);
    if after("alembic").is_some() {
        return has("upgrade");
    }
    if after("flask").is_some() {
        return has("db") && has("upgrade") || has("init-db") || has("initdb") || has("create-db");
    }
    if ["sequelize", "sequelize-cli", "knex", "typeorm"].iter().any(|tool| after(tool).is_some()) {
        return step.argv.iter().any(|arg| {
            let (head, tail) = arg.split_once(':').unwrap_or((arg, ""));
            matches!(head, "db" | "migrate" | "migration" | "seed" | "schema") && !matches!(tail, "generate" | "create")
        });
    }
    let Some(script) = script else { return false };
    if !matches!(step.program(), "python" | "python3") {
        return false;
    }
    static DATABASE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)sqlite|create_all\(|tinydb|shelve\.|init_db\(|create_tables\(").ok());
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:init|create|setup|seed|build|make|populate)\w*_?(?:db|database|tables)").ok()
    });
    match step.path(script).and_then(|path| survey.read(&path)) {
        Some(text) => DATABASE.as_ref().is_some_and(|database| database.is_match(&text)),
        None => NAMED.as_ref().is_some_and(|named| named.is_match(paths::name(script).as_bytes())),
    }
}

/// Whether a RUN leaves files in the folder that the program changes: a clone, an archive, a copy, a database, packages
/// that are installed again when the container starts.
pub(super) fn fills(survey: &Survey<'_, '_>, unit: &Unit<'_>, folder: &str) -> bool {
    let own = survey.steps(unit).iter().any(|step| {
        step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, folder)) && stores(survey, step)
            || installs_into(step).is_some_and(|into| paths::within(&into, folder)) && installs_at_start(survey, folder)
            || step
                .cwd
                .as_deref()
                .is_some_and(|cwd| paths::within(cwd, folder) || paths::within(folder, cwd) && is_application(cwd))
                && obstacles::builds(step)
                && built_at_start(survey, folder)
    });
    own || unpacks(survey, unit, folder)
}

/// Whether a RUN puts files of another place into the folder.
fn unpacks(survey: &Survey<'_, '_>, unit: &Unit<'_>, folder: &str) -> bool {
    const MARKS: [&str; 14] = [
        "git ",
        "tar ",
        "unzip",
        "svn ",
        "hg ",
        "cp ",
        "mv ",
        "rsync",
        "ln ",
        "bsdtar",
        "npx ",
        "django-admin",
        "rails new",
        "composer create",
    ];
    let unpacked = survey.steps(unit).iter().any(|step| {
        let holds = |path: &str| {
            paths::within(path, folder)
                || (paths::within(folder, path) && path != "/" && !SHARED.contains(&path))
                || (paths::within(folder, path) && paths::parent(folder) == path)
        };
        match step.program() {
            "git" | "svn" | "hg" => {
                let fetch = matches!(step.subcommand(), Some("clone" | "checkout" | "co" | "init" | "pull"));
                let last = step.args().iter().rev().find(|arg| !arg.starts_with('-'));
                let to = last.and_then(|last| {
                    if last.contains("://") || last.contains('@') || last.ends_with(".git") {
                        let name = paths::name(last).trim_end_matches(".git");
                        if step.subcommand() == Some("clone") { step.path(name) } else { step.cwd.clone() }
                    } else if step.subcommand() == Some("clone") {
                        step.path(last)
                    } else {
                        step.cwd.clone()
                    }
                });
                fetch && to.is_some_and(|to| holds(&to))
            }
            "ln" => step.args().last().and_then(|to| step.path(to)).is_some_and(|to| to == folder),
            "tar" | "unzip" | "bsdtar" | "cp" | "mv" | "rsync" => match effects::of(step) {
                Effect::Writes(written) => written.iter().any(|path| holds(path)),
                _ => false,
            },
            _ => false,
        }
    });
    // A whole text is dearer to search than commands are to look at.
    unpacked && {
        let text = unit.text();
        MARKS.iter().any(|mark| text.contains(mark))
    }
}

/// Whether the sources in the context show that nothing is written.
fn reads_only(survey: &Survey<'_, '_>) -> bool {
    let Some(context) = survey.model.context else { return false };
    let works =
        |step: &Step| installs_into(step).is_some() || obstacles::builds(step) || workplaces::watches(step.program());
    if compiling(survey).next().is_some() || survey.runs().any(works) {
        return false;
    }
    // A release of Erlang's or Elixir's writes its settings beside itself when it starts.
    let release = survey
        .units
        .iter()
        .filter_map(|unit| survey.copied(unit))
        .any(|copied| copied.sources.iter().any(|source| source.contains("/rel/")));
    if release {
        return false;
    }
    // A program that somebody made elsewhere is not told by the scripts that lie about.
    let elsewhere = survey.all().filter_map(|unit| survey.copied(unit)).filter(|copied| copied.context).any(|copied| {
        copied.sources.iter().any(|source| {
            let source = source.trim_start_matches("./").trim_matches('/');
            paths::plain(source)
                && !source.contains(['*', '?'])
                && !matches!(source, "" | ".")
                && !context.holds(source)
        })
    });
    let mut seen = 0usize;
    let mut sources = 0usize;
    for path in context.files() {
        let name = paths::name(path);
        let source = is_source(path);
        let manifest = matches!(
            name,
            "package.json"
                | "requirements.txt"
                | "Gemfile"
                | "composer.json"
                | "pyproject.toml"
                | "go.mod"
                | "Cargo.toml"
                | "Pipfile"
        );
        if !source && (!manifest || path.contains("node_modules/")) {
            continue;
        }
        // A project that can't be read in bounded time is one that can't be told.
        let Some(content) = context.read(path) else { return false };
        seen += content.len();
        if seen > 4 << 20 || writes(path, &content) {
            return false;
        }
        sources += usize::from(source && !(elsewhere && path.ends_with(".sh")));
    }
    sources > 0
}

/// What stands in root's home and is used when the program runs.
fn roots_home(survey: &Survey<'_, '_>, needs: &mut Needs) {
    if !survey.facts.family.is_some_and(Family::has_shell) && survey.facts.family.is_some() {
        return;
    }
    let caches = caches::find(survey);
    for (_, cache) in caches.moved.iter().filter(|(_, cache)| cache.written) {
        needs.late.push(Folder { path: cache.place.to_owned(), recursive: false, make: false });
    }
    needs.moved = caches.moved;
    // `/opt/rh/rh-ruby23/root/usr` is another folder.
    let in_home = |text: &str| {
        let root = memchr::memmem::find_iter(text.as_bytes(), b"/root").any(|at| {
            let before = text.as_bytes().get(..at).and_then(<[u8]>::last);
            let after = text.as_bytes().get(at + 5);
            before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_-./".contains(byte))
                && matches!(after, None | Some(b'/' | b':' | b'"' | b'\'' | b' ' | b',' | b';'))
        });
        root || text.contains("~/")
    };
    let settings = caches::settings(survey);
    let mut used = caches.stays.is_some() || uses::in_roots_home(survey) || !settings.is_empty();
    used |= survey.model.final_workdir(survey.stage).is_some_and(|path| paths::within(path, "/root"));
    let mut copies = Vec::new();
    let mut tools: Vec<String> = Vec::new();
    let serves = !obstacles::only_a_shell(survey);
    for (at, unit) in survey.units.iter().enumerate() {
        match unit.instruction.keyword {
            Keyword::Copy | Keyword::Add => {
                let to = survey.copied(unit).and_then(|copied| copied.to.as_deref());
                if to.is_some_and(|to| paths::within(to, "/root")) && !(serves && for_shells(survey, unit)) {
                    used = true;
                    if !unit.instruction.flags.iter().any(|flag| flag.name == "chown") {
                        copies.push(at);
                    }
                }
            }
            Keyword::Env => {
                let pairs = unit.instruction.pairs(survey.model.file.escape);
                let pairs = pairs.into_iter().filter(|pair| !pair.name.raw.eq_ignore_ascii_case("HOME"));
                for pair in pairs {
                    let Some(written) = pair.value else { continue };
                    let value = survey.model.expand(unit.index, written.raw);
                    // Nobody but Bash looks below `~` for a program, and there is one only where it is installed for a user.
                    let path = pair.name.raw == "PATH" && !installs_for_a_user(survey);
                    let names = |text: &str| if path { in_home(&text.replace("~/", "")) } else { in_home(text) };
                    if !names(written.raw) && !names(&value.text) {
                        continue;
                    }
                    used = true;
                    // Tools keep what they fetch in the folder in which they lie.
                    for rest in value.text.split(':').filter_map(|path| path.strip_prefix("/root/")) {
                        let first = rest.split('/').next().unwrap_or_default();
                        let folder = paths::join("/root", first);
                        let tool =
                            first.starts_with('.') && rest.len() > first.len() && !first.contains(['$', ' ', '*']);
                        if tool && !tools.contains(&folder) {
                            tools.push(folder);
                        }
                    }
                }
            }
            Keyword::Volume => {
                used |= unit.instruction.words().iter().any(|word| {
                    let path = survey.model.expand(unit.index, word.raw);
                    path.known && paths::within(&paths::join("/", &path.text), "/root")
                });
            }
            _ => {}
        }
    }
    used |= survey.entry.steps.iter().any(|step| step.argv.iter().any(|word| in_home(word)));
    let mut named = named_in_roots_home(survey);
    used |= !named.is_empty();
    let started = survey.entry.steps.iter().flat_map(|step| step.argv.iter());
    named.extend(started.filter(|word| word.starts_with("/root/")).cloned());
    if !used {
        return;
    }
    // A folder of it that the file makes for the program.
    for unit in survey.units.iter().filter(|unit| unit.text().contains("/root/")) {
        for step in survey.steps(unit).iter().filter(|step| step.program() == "mkdir" && step.always) {
            let made = step.args().iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg));
            for path in made.filter(|made| named.iter().any(|path| paths::within(path, made))) {
                if !needs.owned(&path) {
                    needs.late.push(Folder { path, recursive: false, make: false });
                }
            }
        }
    }
    // What is only read may stay root's: the folder's own mode is what keeps others out.
    let written = !copies.is_empty() && !reads_only(survey);
    for at in copies.into_iter().filter(|_| written) {
        if !needs.copies.contains(&at) {
            needs.copies.push(at);
        }
    }
    for path in tools {
        if !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: false, make: true });
        }
    }
    for folder in caches.written {
        let path = paths::join("/root", folder);
        if !needs.owned(&path) {
            needs.late.push(Folder { path, recursive: true, make: true });
        }
    }
    let known = needs.early.iter().chain(&needs.late).any(|folder| folder.path == "/root");
    if !known {
        needs.early.insert(0, Folder { path: "/root".to_owned(), recursive: false, make: false });
    }
    // A home that the file names itself stays.
    if survey.all().rev_env_home(survey).is_none_or(|said| said == "/root") {
        needs.home = Some("/root".to_owned());
    }
    needs.assumptions.push("what stands in /root is used at run time, so the folder is given to the user".to_owned());
}

/// Whether a command puts programs into the home of who runs it: `composer global require`, `pip install --user`.
fn installs_for_a_user(survey: &Survey<'_, '_>) -> bool {
    let own = |word: &String| matches!(word.as_str(), "global" | "--global" | "-g" | "--user");
    survey.all().flat_map(|unit| survey.steps(unit)).any(|step| {
        step.args().iter().any(own)
            || matches!(step.program(), "cargo" | "rustup")
            || step.piped.is_some()
            || step.args().iter().any(|word| word.starts_with("~/") || word.starts_with("/root/"))
    })
}

/// Whether a COPY brings nothing but settings for who works in a shell.
fn for_shells(survey: &Survey<'_, '_>, unit: &Unit<'_>) -> bool {
    let Some(copied) = survey.copied(unit) else { return false };
    let into = copied.to.as_deref().map(paths::name).unwrap_or_default();
    let mut sources = copied.sources.iter().map(|source| paths::name(source));
    homes::is_for_shells(into) && copied.sources.len() == 1 || sources.len() > 0 && sources.all(homes::is_for_shells)
}

/// HOME: a folder that is there and that the user owns.
fn home(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    if needs.home.is_some() {
        return;
    }
    let said = survey.all().rev_env_home(survey);
    // The home of a user that the image brings is not always its own.
    let brought = survey.facts.home.filter(|_| {
        user.make.is_empty()
            && user.home.is_none()
            && user.server.is_none()
            && survey.facts.program == Some("php")
            && survey.facts.own.as_ref().is_some_and(|(name, _)| user.owner.split(':').next() == Some(name.as_str()))
    });
    if let Some(home) = brought.filter(|home| said.is_none() && *home == "/var/www") {
        needs.late.push(Folder { path: home.to_owned(), recursive: false, make: false });
    }
    match (&user.home, said.as_deref()) {
        (Some(home), Some("/root")) => needs.home = Some(home.clone()),
        (_, Some(home)) if home != "/root" && is_application(home) && user.home.as_deref() != Some(home) => {
            let folder = Folder { path: home.to_owned(), recursive: false, make: true };
            let brought = needs.copies.iter().filter_map(|at| survey.units.get(*at)).any(|unit| {
                survey.copied(unit).is_some_and(|copied| copied.folder && copied.to.as_deref() == Some(home))
            });
            if !needs.owned(home) && !brought {
                needs.late.push(folder);
            }
        }
        (None, Some("/root")) => {
            needs.assumptions.push("the program does not write to HOME, which is /root".to_owned());
        }
        _ => {}
    }
    if user.make.is_empty()
        && let Some(home) = &user.home
        && said.as_deref().is_none_or(|said| said == "/root")
    {
        // A number has no entry in /etc/passwd, and so no home.
        needs.late.push(Folder { path: home.clone(), recursive: false, make: true });
        needs.home = Some(home.clone());
    }
}

/// The home that ENV names.
pub(super) fn home_said(survey: &Survey<'_, '_>) -> Option<String> {
    survey.all().rev_env_home(survey)
}

trait EnvHome {
    fn rev_env_home(self, survey: &Survey<'_, '_>) -> Option<String>;
}

impl<'u, 'a: 'u, I: Iterator<Item = &'u Unit<'a>>> EnvHome for I {
    /// What `ENV HOME` says at the end.
    fn rev_env_home(self, survey: &Survey<'_, '_>) -> Option<String> {
        let mut found = None;
        for unit in self.filter(|unit| unit.instruction.keyword == Keyword::Env) {
            if !unit.instruction.args.text.contains("HOME") {
                continue;
            }
            for pair in unit.instruction.pairs(survey.model.file.escape) {
                if pair.name.raw == "HOME"
                    && let Some(value) = pair.value
                {
                    let home = survey.model.expand(unit.index, value.raw).text;
                    found = Some(if home.len() > 1 { home.trim_end_matches('/').to_owned() } else { home });
                }
            }
        }
        found
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
        survey.read(&path).is_none().then_some(path)
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
