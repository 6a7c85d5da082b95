//! Files and folders that the sources name and write.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet};

use crate::context::{self, Context};
use crate::model::copies::context_path;
use crate::model::paths;
use crate::settings::Mount;
use crate::syntax::Keyword;

use super::super::survey::Survey;

use super::folders::lies_at;
use super::modes::{brought, may_be_written};
use super::named::free;
use super::spring::{self, is_settings};
use super::{Folder, Needs, is_application};

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
        r"writeText|appendText|writeBytes|\.mkdirs?\(|RandomAccessFile|PrintWriter|transferTo\(|FileStream\(|Sqlite|LiteDatabase|FileIO\.to(?:Path|File)\(|File\.(?:mkdir|touch|cp|stream)",
        r"sled::|rocksdb|tracing_appender::rolling|log4rs|WriteLogger|log_file\(|createDir\(|fmWrite",
        r"django|rails|laravel|symfony|Umbraco\.Cms|OrchardCore|PiranhaCMS|sinatra-activerecord|MEDIA_ROOT|UPLOAD_FOLDER|LOG_FILE|logback|log4j|\.log\b",
    ])
    .unwrap_or_else(|_| RegexSet::empty())
});

/// What a program in Swift says when it writes files: what it saves goes to a database.
static SWIFT_WRITES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"createFile\(|createDirectory|\.write\(to|forWriting|fopen\(|FileHandle|[sS][qQ][lL]ite").ok()
});

/// Whether a file of the project says that the program writes files.
pub(super) fn writes(path: &str, content: &[u8]) -> bool {
    // A library that is one large header says what it can do, and not what is done with it.
    if matches!(path.rsplit('.').next(), Some("h" | "hpp")) && content.len() > 200 << 10 {
        return false;
    }
    match path.ends_with(".swift") {
        true => SWIFT_WRITES.as_ref().is_none_or(|writes| writes.is_match(content)),
        false => WRITES.is_match(content),
    }
}

/// Words in the names of variables that hold a place of files, and such of paths in addresses.
static FOR_FILES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("(?i)dir|folder|file|path|root|home|stor|data|upload|log|cache|output|db|sqlite|sock|media|asset").ok()
});

static FOR_ADDRESSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("(?i)base_?path|base_?url|url|uri|api|route|prefix|public_?path|context_?path|endpoint|health|sub_?path")
        .ok()
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
pub(super) fn named_in_sources(survey: &Survey<'_, '_>) -> (Vec<String>, Vec<String>) {
    let mut found: Vec<String> = Vec::new();
    let mut logs: Vec<String> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    let Some(context) = survey.model.context else { return (found, logs) };
    let workdir = survey.model.final_workdir(survey.stage);
    let settings = |path: &str| paths::name(path).starts_with("appsettings") && path.ends_with(".json");
    // A script that no COPY brings is for the host; what no COPY of any stage brings is another image's.
    let sources = |path: &str| {
        let here = || if path.ends_with(".sh") { brings(survey, path) } else { concerns(survey, path) };
        (is_source(path) || settings(path)) && here()
    };
    for (path, content) in context::contents(context, sources) {
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
            places.extend(base.map(|base| paths::join(base, &place)));
        }
    }
    places.extend(kept_by_settings(survey, context));
    places.extend(kept_by_told(survey));
    for place in places {
        if paths::parent(&place) == "/var/log" && place.ends_with(".log") {
            if !logs.contains(&place) {
                logs.push(place);
            }
            continue;
        }
        let file = paths::name(&place).trim_start_matches('.').contains('.');
        let place = if file { paths::parent(&place).to_owned() } else { place };
        // A path of somebody's own machine is none of the image.
        let foreign = ["/Users", "/Volumes", "/private"].iter().any(|folder| paths::within(&place, folder))
            || somebodys_home(survey, &place);
        let own = is_application(&place) && !free(&place) && !paths::within(&place, "/root") && !foreign;
        if own && !found.contains(&place) {
            found.push(place);
        }
    }
    (found, logs)
}

/// The absolute places that the settings of a program in Java name, which are in the jar that the image brings.
fn kept_by_settings(survey: &Survey<'_, '_>, context: &dyn Context) -> Vec<String> {
    let packed = |path: &str| {
        survey.all().filter_map(|unit| survey.copied(unit)).filter(|copied| copied.context).any(|copied| {
            let mut made = copied.sources.iter().filter_map(|source| {
                let source = context_path(source);
                ["target/", "build/libs/"].iter().find_map(|folder| Some(source.split_once(folder)?.0))
            });
            made.any(|module| path.starts_with(module))
        })
    };
    let settings =
        |path: &str| is_settings(path) && !context::is_aside(path) && (concerns(survey, path) || packed(path));
    let mut found = Vec::new();
    for (_, content) in context::contents(context, settings) {
        for (place, is_folder) in spring::places(&content).into_iter().filter(|(place, _)| place.starts_with('/')) {
            let place = paths::join("/", &place);
            let parent =
                || if paths::name(&place).contains('.') { place.clone() } else { paths::parent(&place).to_owned() };
            found.push(if is_folder { place } else { parent() });
        }
    }
    found
}

/// Folders that settings name by what they are called.
static KEPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?mi)^[ \t]*["']?[\w.-]*(?:dir|directory|folder)["']?[ \t]*[:=][ \t]*["']?(/[\w./-]+)["']?[ \t]*,?[ \t\r]*$"#).ok()
});

/// The folders that a file of settings names which the program is told, and the image lacks: `sync -c /etc/sync.yaml`.
pub(in crate::catalog::non_root) fn kept_by_told(survey: &Survey<'_, '_>) -> Vec<String> {
    const ENDS: [&str; 7] = ["cfg", "conf", "ini", "json", "toml", "yaml", "yml"];
    let mut found: Vec<String> = Vec::new();
    // What known servers are told has settings of its own.
    for step in survey.runs().filter(|step| step.kind() != "service") {
        let files = step.args().iter().map(|word| word.rsplit_once('=').map_or(word.as_str(), |(_, value)| value));
        for file in files.filter(|file| file.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))) {
            let Some(text) = step.path(file).and_then(|path| survey.read(&path)) else { continue };
            let named = KEPT.iter().flat_map(|pattern| pattern.captures_iter(&text)).filter_map(|found| found.get(1));
            for place in named {
                let place = paths::join("/", &String::from_utf8_lossy(place.as_bytes()));
                if !brought(survey, &place) && !found.contains(&place) {
                    found.push(place);
                }
            }
        }
    }
    // Where several lie beside one another, so may others that are named elsewhere.
    let beside = |folder: &str| found.iter().filter(|one| paths::parent(one) == folder).count() > 1;
    let above = |place: &String| {
        let parent = paths::parent(place);
        if is_application(parent) && beside(parent) { parent.to_owned() } else { place.clone() }
    };
    let mut folders: Vec<String> = found.iter().map(above).collect();
    folders.dedup();
    folders
}

/// How a program writes a file that it names.
static FILE_WRITES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"os\.(?:Create|OpenFile|WriteFile|MkdirAll?)\(|ioutil\.WriteFile\(|\.SaveUploadedFile\(|\.SaveFile\(|\.save\(|\.mv\(",
        r#"|open\([^)\n]{0,200}['"](?:w|a|x|r\+|wb|ab|w\+|a\+|wb\+|rb\+)['"]|\.write_text\(|\.write_bytes\(|to_csv\(|to_json\(|json\.dump\("#,
        r"|writeFile|appendFile|createWriteStream|outputFile|writeJson|JSONFile|FileSync\(|lowdb|nedb|multer",
        r"|FileOutputStream|FileWriter|Files\.(?:write|copy|newOutputStream|newBufferedWriter|createDirector)|PrintWriter|transferTo\(|writeText|appendText",
        r"|file_put_contents|fwrite\(|move_uploaded_file|File::create|OpenOptions|fs::(?:write|copy|create_dir)|ofstream|fstream|File\.(?:write|Write|Append|open)|StreamWriter",
    ))
    .ok()
});

/// The sources of the program, in whichever stage it is compiled, as far as they are read.
fn contents<'c>(survey: &'c Survey<'_, '_>) -> impl Iterator<Item = Cow<'c, [u8]>> {
    let sources = |path: &str| is_source(path) && !path.ends_with(".sh");
    survey
        .model
        .context
        .into_iter()
        .flat_map(move |context| context::contents(context, sources))
        .map(|(_, content)| content)
}

/// Whether a source names this file and writes files, or gives the name to all of them, and another one writes.
pub(super) fn writes_file(survey: &Survey<'_, '_>, path: &str) -> bool {
    let name = paths::name(path).as_bytes();
    let named = |line: &[u8]| {
        memchr::memmem::find_iter(line, name).any(|at| {
            let before = at.checked_sub(1).and_then(|before| line.get(before));
            let after = line.get(at + name.len());
            matches!(before, Some(b'"' | b'\'' | b'`' | b'/')) && matches!(after, Some(b'"' | b'\'' | b'`'))
        })
    };
    let outermost = |line: &[u8]| !line.first().is_none_or(u8::is_ascii_whitespace);
    let (mut given, mut any) = (false, false);
    for content in contents(survey) {
        let writes = FILE_WRITES.as_ref().is_none_or(|writes| writes.is_match(&content));
        any |= writes;
        if !named(&content) {
            continue;
        }
        if writes {
            return true;
        }
        given |= content.split(|byte| *byte == b'\n').any(|line| outermost(line) && named(line));
    }
    given && any
}

/// Whether the sources write into this folder, which is one of code or of what is served: in a line that names it, or
/// because they write files and name a folder in it that is for such, which may be kept empty there.
pub(super) fn writes_into(survey: &Survey<'_, '_>, path: &str) -> bool {
    const KEPT: &str = "upload|media|image|img|photo|picture|avatar|file|data|te?mp|log|cache|output|result|generated|saved|\
                        stor|report|plot|export|download|record|audio|video|qr|thumb";
    let name = paths::name(path);
    // What a build makes is written by the build.
    if matches!(name, "dist" | "build" | "target" | "lib" | "node_modules" | "vendor" | "site-packages") {
        return false;
    }
    // Most sources don't name the folder, and most Dockerfiles come without any: the expression is made for the first.
    let below = LazyCell::new(|| {
        let escaped = regex::escape(name);
        Regex::new(&format!(
            r#"["'`](?:[^"'`\n]*/)?{escaped}(?:/|["'`]\s*,\s*["'`])(?:[\w-]+/)*(?i:{KEPT})[\w-]*(?:/[\w-]+)*/?["'`]"#
        ))
    });
    let Some(writes) = FILE_WRITES.as_ref() else { return false };
    let mut named = false;
    let mut any = false;
    for content in contents(survey) {
        let writing = writes.is_match(&content);
        any |= writing;
        if memchr::memmem::find(&content, name.as_bytes()).is_none() {
            continue;
        }
        named |= below.as_ref().is_ok_and(|below| below.is_match(&content));
        if writing {
            let mut lines = content.split(|byte| *byte == b'\n');
            if lines.any(|line| names_folder(line, name.as_bytes()) && writes.is_match(line)) {
                return true;
            }
        }
    }
    any && (named || keeps_empty(survey, name))
}

/// Whether a line has a path that goes into this folder.
fn names_folder(line: &[u8], name: &[u8]) -> bool {
    memchr::memmem::find_iter(line, name).any(|at| {
        let before = line.get(..at).unwrap_or_default().last();
        matches!(before, Some(b'"' | b'\'' | b'`' | b'/')) && line.get(at + name.len()) == Some(&b'/')
    })
}

/// Whether the project keeps an empty folder in one of this name: something is written there.
fn keeps_empty(survey: &Survey<'_, '_>, name: &str) -> bool {
    survey.model.context.is_some_and(|context| {
        context.files().iter().any(|file| {
            let kept = matches!(paths::name(file), ".gitkeep" | ".keep" | ".gitignore" | ".placeholder");
            let folder = paths::parent(file);
            kept && folder.split('/').rev().skip(1).any(|part| part == name) && !file.contains("node_modules/")
        })
    })
}

/// Whether a path lies in the home of somebody whom neither the file knows nor anybody who uses the image.
fn somebodys_home(survey: &Survey<'_, '_>, path: &str) -> bool {
    let name = paths::relative(path, "/home").and_then(|rest| rest.split('/').next()).filter(|name| !name.is_empty());
    let Some(home) = name.map(|name| format!("/home/{name}")) else { return false };
    let name = paths::name(&home);
    let known = memchr::memmem::find(survey.model.file.source, name.as_bytes()).is_some()
        || survey.facts.own.as_ref().is_some_and(|(own, _)| own == name)
        || survey.uses.iter().flat_map(|one| &one.start.mounts).any(|mount| paths::within(&mount.path, &home));
    !known
}

/// The paths in root's home that the sources of the context name.
pub(super) fn named_in_roots_home(survey: &Survey<'_, '_>) -> Vec<String> {
    const HOME: &[u8] = b"/root/";
    let mut found: Vec<String> = Vec::new();
    for content in contents(survey) {
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

/// Whether a COPY of the image brings a file of the context; where nothing is copied, whatever is there may be.
pub(super) fn brings(survey: &Survey<'_, '_>, path: &str) -> bool {
    let covers = |source: &String| {
        let source = context_path(source);
        source.is_empty() || source.contains('*') || paths::within(path, source)
    };
    let mut copies = survey.all().filter_map(|unit| survey.copied(unit)).peekable();
    copies.peek().is_none() || copies.any(|copy| copy.context && copy.sources.iter().any(covers))
}

/// Whether a file of the context may come into the image in some way: by a COPY of any stage, a mount of a RUN, or what is
/// mounted when it runs; where nothing is copied, whatever is there may be.
pub(super) fn concerns(survey: &Survey<'_, '_>, path: &str) -> bool {
    let covers = |source: &str| {
        let source = context_path(source);
        source.is_empty()
            || source.contains(['*', '?', '$', '['])
            || source.contains("..")
            || paths::within(path, source)
    };
    let mut copied = false;
    for stage in &survey.model.stages {
        for (index, instruction) in survey.model.body(stage) {
            let other = |value: &str| ["cache", "secret", "ssh", "tmpfs"].iter().any(|kind| value.contains(kind));
            let mut flags = instruction.flags.iter().filter(|flag| flag.name == "mount");
            let binds = instruction.keyword == Keyword::Run
                && flags.any(|flag| flag.value.as_deref().is_some_and(|value| !other(value)));
            let brought = survey.model.copied(index).filter(|copied| copied.context);
            if binds || brought.is_some_and(|brought| brought.sources.iter().any(|source| covers(source))) {
                return true;
            }
            copied |= brought.is_some();
        }
    }
    let mounted = |mount: &Mount| mount.host.as_deref().is_some_and(covers);
    !copied || survey.uses.iter().any(|one| one.start.mounts.iter().any(mounted))
}

/// Whether a file of the context is a source that the program may run, and no test of it.
pub(in crate::catalog::non_root) fn runs_here(survey: &Survey<'_, '_>, path: &str) -> bool {
    let aside = |part: &str| matches!(part, "docs" | "examples" | "vendor");
    is_source(path)
        && !path.ends_with(".sh")
        && !context::is_test(path)
        && !path.split('/').any(aside)
        && concerns(survey, path)
}

/// Whether a file of the context is a source of the program, by its name.
pub(super) fn is_source(path: &str) -> bool {
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
pub(super) fn unnamed(survey: &Survey<'_, '_>, needs: &mut Needs) {
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
    if survey.entry.is_empty() {
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
