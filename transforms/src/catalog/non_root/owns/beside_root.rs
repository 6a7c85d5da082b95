//! What a program writes beside itself where it works in a folder in which nobody but root may make anything: the root
//! folder, and on an image without a shell every folder that no COPY gives away.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use crate::context;
use crate::model::commands::Step;
use crate::model::paths;

use super::super::survey::{Survey, Unit};

use super::beside_sources::{databases_beside, place_of};
use super::sources::{brings, concerns, is_source, writes};
use super::spring::{is_settings, places};
use super::{Folder, Needs, is_application};

/// What the sources make and write by a path that is relative: folders, and files.
pub(super) static RELATIVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?:makedirs|mkdir|mkdirSync|mkdirp|MkdirAll|Mkdir|create_dir|create_dir_all|mkdir_p|useMultiFileAuthState)\(\s*["'`](?<folder>[\w.-][\w./-]*)"#,
        r#"|Path\(\s*["'](?<made>[\w.-][\w./-]*)["']\s*\)\.mkdir\("#,
        r#"|(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|WriteFile|FileHandler|os\.Create|File::create|useSingleFileAuthState)\(\s*f?["'`](?<file>[\w.-][\w./-]*)"#,
        r#"|\bopen\(\s*[fr]?["'](?<opened>[\w.-][\w./-]*)[^"'\n]*["']\s*,\s*(?:mode\s*=\s*)?["'](?:[wax]|r\+)"#,
        r#"|(?:sqlite3?\.connect|aiosqlite\.connect|sqlite\.Open|sql\.Open\(\s*"sqlite3?"\s*,|new (?:sqlite3\.)?Database)\(?\s*["'`](?<database>[\w.-][\w./-]*\.\w+)["'`?]"#,
        r#"|sqlite(?:\+\w+)?:///(?<address>[\w.-][\w./-]*\.\w+)["'`]"#,
        r#"|(?:new File\(|createDirectoryIfMissing True|CreateDirectory\(|createDirector(?:y|ies)\(\s*(?:Paths?\.(?:get|of)\())\s*"(?<directory>[\w.-][\w./-]*)"(?:\)\.mkdir|\)|\s)"#,
        r#"|(?:FileWriter|FileOutputStream|PrintWriter)\(\s*"(?<stream>[\w.-][\w./-]*)""#,
        r#"|(?:withConnection|\bopen)\s+"(?<opener>[\w.-][\w./-]*\.(?:sqlite3?|db3?))""#,
        r#"|jdbc:(?:sqlite|h2|hsqldb|derby):(?:file:)?(?<jdbc>\.{0,2}/?[\w-][\w./-]*)"#,
        r#"|(?:savefig|imwrite|to_csv|to_json|to_excel|to_parquet|to_pickle|np\.savez?|write_html|write_image|\.save)\(\s*[fr]?["'](?<saved>[\w.-][\w./-]*[./][\w./-]*)["']"#,
        r#"|(?:autoSchemaFile|schemaDestination)\s*[:=][^"'`\n]*["'`](?<schema>[\w./-]+)["'`]"#,
        r#"|(?i:data source|filename)=(?<source>\.{0,2}/?[\w-][\w./-]*\.(?:db3?|sqlite3?))"#,
    ))
    .ok()
});

/// How a file that somebody sends is put where the program works, under the name that it was sent with.
static SENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\.save\(\s*(?:secure_filename\(\s*)?(?:\w+\.)*filename\s*\)",
        r#"|\bopen\(\s*(?:\w+\.)+filename\s*,\s*["'][wax]"#,
        r#"|\.mv\(\s*["'`]\./["'`]?\s*(?:\+|\$\{)"#,
    ))
    .ok()
});

/// Folders that a compiled program keeps things in where nobody names it another, as its sources name them:
/// `matches.value_of("db_dir").unwrap_or("./db")`.
static DEFAULTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#""\./(?<folder>(?:db|data|database|storage|logs?|cache|uploads?)(?:/[\w./-]*)?)""#).ok()
});

/// Settings of a program in Java that name a place of files, and what it says when it makes something in one.
static SETTINGS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"@Value\("\$\{[\w.-]*?(?<key>[\w-]+)(?::(?<default>[^}"]*))?\}"\)"#).ok());

static MAKES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"Files\.(?:write|copy|newOutputStream|createDirector|createFile|move)|FileOutputStream\(|FileWriter\(|transferTo\(|\.mkdirs?\(",
    )
    .ok()
});

/// Words in the name of a setting that holds a place of files.
const PLACES: [&str; 7] = ["dir", "path", "folder", "location", "upload", "temp", "storage"];

/// The relative places that the sources of a program in Java take from its settings.
fn set(content: &[u8], settings: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if !MAKES.as_ref().is_some_and(|makes| makes.is_match(content)) {
        return found;
    }
    for captures in SETTINGS.iter().flat_map(|named| named.captures_iter(content)) {
        let whole = captures.get(0).map_or(&b""[..], |all| all.as_bytes()).to_ascii_lowercase();
        let Some(key) = captures
            .name("key")
            .filter(|_| PLACES.iter().any(|word| memchr::memmem::find(&whole, word.as_bytes()).is_some()))
        else {
            continue;
        };
        let key = String::from_utf8_lossy(key.as_bytes());
        // `upload.path`: what stands behind its last part, on the same line or on the next.
        let said = settings.iter().find_map(|text| {
            let at = text.match_indices(key.as_ref()).map(|(at, _)| at + key.len());
            at.filter_map(|at| text.get(at..)).find(|rest| rest.trim_start().starts_with([':', '='])).map(str::to_owned)
        });
        let default = captures.name("default").map(|default| String::from_utf8_lossy(default.as_bytes()).into_owned());
        let Some(value) = said.or(default) else { continue };
        let value = value.trim_start_matches([':', '=', ' ', '\r', '\n', '"', '\'']);
        let value = value.split([' ', '\r', '\n', '"', '\'']).next().unwrap_or_default();
        let value = value.trim_start_matches("file:").trim_start_matches("./").trim_end_matches('/');
        if paths::plain(value) && !value.starts_with('/') && !value.contains(':') && !value.is_empty() {
            found.push(value.to_owned());
        }
    }
    found
}

/// What is written beside the program.
#[derive(Debug, Default)]
pub(in crate::catalog::non_root) struct Beside {
    /// Folders below the root.
    pub(in crate::catalog::non_root) folders: Vec<String>,
    /// A file in the folder itself.
    pub(in crate::catalog::non_root) file: Option<String>,
    /// The folder; the root folder where it is empty.
    pub(in crate::catalog::non_root) place: String,
    /// Whether files are written whose names are not to be read.
    unnamed: bool,
}

impl Beside {
    /// Adds a folder, where it can be one of the program's own.
    fn add(&mut self, folder: &str) {
        if is_application(folder) && !super::free(folder) && !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }
}

/// Whether a program is Python, or starts what is written in it.
pub(super) fn is_python(program: &str) -> bool {
    matches!(
        program,
        "python"
            | "python2"
            | "python3"
            | "uvicorn"
            | "gunicorn"
            | "hypercorn"
            | "daphne"
            | "flask"
            | "fastapi"
            | "celery"
            | "streamlit"
    )
}

/// The path that a place in a source names by [`RELATIVE`], and whether it is that of a folder; `folders` and `files` are the
/// groups that count.
pub(super) fn place<'c>(captures: &Captures<'c>, folders: &[&str], files: &[&str]) -> Option<(Cow<'c, str>, bool)> {
    let named = |names: &[&str]| names.iter().find_map(|name| captures.name(name));
    let folder = named(folders);
    let path = folder.or_else(|| named(files))?;
    Some((String::from_utf8_lossy(path.as_bytes()), folder.is_some()))
}

/// The folder that a program works in, where nobody but root may make anything in it.
fn closed<'s>(survey: &Survey<'_, '_>, step: &'s Step) -> Option<&'s str> {
    let cwd = step.cwd.as_deref()?;
    let given = |unit: &Unit<'_>| {
        unit.has_owner()
            && survey.copied(unit).and_then(|copied| copied.to.as_deref()).is_some_and(|to| paths::within(cwd, to))
    };
    let bare = survey.facts.family.is_some_and(|family| !family.has_shell());
    (cwd == "/" || bare && is_application(cwd) && !survey.all().any(given)).then_some(cwd)
}

/// How the sources of a program end that works in such a folder; none where none does.
fn sources_of(survey: &Survey<'_, '_>, step: &Step) -> &'static [&'static str] {
    if closed(survey, step).is_none() {
        return &[];
    }
    match step.program() {
        program if is_python(program) => &[".py"],
        "node" | "nodejs" | "bun" | "deno" | "tsx" | "ts-node" | "pm2-runtime" | "nodemon" => {
            &[".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"]
        }
        "ruby" => &[".rb"],
        "java" => &[".java", ".kt", ".scala", ".groovy", ".xml", ".yml", ".yaml", ".properties"],
        "dotnet" => &[".cs", ".fs"],
        _ if step.argv.first().is_some_and(|program| program.contains('/') && !program.ends_with(".sh")) => {
            &[".go", ".rs", ".c", ".cc", ".cpp", ".hs", ".swift"]
        }
        _ => &[],
    }
}

/// What the sources say that the program writes into the root folder, where it works; they are read once.
pub(in crate::catalog::non_root) fn beside_root<'s>(survey: &'s Survey<'_, '_>) -> &'s Beside {
    survey.beside_root.get_or_init(|| look(survey))
}

fn look(survey: &Survey<'_, '_>) -> Beside {
    // More is what a machine wrote.
    const MOST: usize = 4 << 20;
    let mut found = Beside::default();
    let Some(context) = survey.model.context else { return found };
    let mut ends: Vec<&str> = survey.runs().flat_map(|step| sources_of(survey, step)).copied().collect();
    ends.sort_unstable();
    ends.dedup();
    if ends.is_empty() {
        return found;
    }
    let works = survey.runs().find(|step| !sources_of(survey, step).is_empty());
    let cwd = works.and_then(|step| closed(survey, step)).unwrap_or("/").to_owned();
    // What is compiled comes from another stage, whose copies need not be looked at.
    let compiled = ends.iter().any(|end| matches!(*end, ".go" | ".java" | ".cs"));
    let mut seen = 0usize;
    let wanted = |file: &&String| {
        (is_source(file) || is_settings(file))
            && ends.iter().any(|end| file.ends_with(end))
            && !context::is_aside(file)
            && (compiled || concerns(survey, file))
    };
    let settings: Vec<String> = context
        .files()
        .iter()
        .filter(|file| is_settings(file) && !context::is_aside(file))
        .filter_map(|file| context.read(file).map(|content| crate::context::text(&content).into_owned()))
        .collect();
    for file in context.files().iter().filter(wanted) {
        let Some(content) = context.read(file) else { continue };
        seen += content.len();
        // Who changes the folder writes elsewhere.
        if seen > MOST || memchr::memmem::find(&content, b"chdir(").is_some() {
            return Beside::default();
        }
        found.unnamed |= writes(file, &content);
        for captures in RELATIVE.iter().flat_map(|relative| relative.captures_iter(&content)) {
            let files =
                ["file", "opened", "database", "address", "stream", "opener", "jdbc", "schema", "source", "saved"];
            let Some((path, is_folder)) = place(&captures, &["folder", "made", "directory"], &files) else { continue };
            // Databases in memory, and such that are asked over the network.
            if captures.name("jdbc").is_some()
                && (matches!(&*path, "mem" | "memory" | "tcp" | "ssl" | "hsql" | "res") || path.starts_with('/'))
            {
                continue;
            }
            // `./${name}.json`: a file there whose name is made up when it is written.
            if matches!(&*path, "./" | "../") && !is_folder {
                found.file.get_or_insert_with(|| "files".to_owned());
                continue;
            }
            let path = path.trim_start_matches("./").trim_start_matches("../");
            let path = match path.rsplit_once('/') {
                _ if is_folder => path,
                Some((folder, _)) => folder,
                None => {
                    // H2 adds the ending of its own.
                    if (path.contains('.') || captures.name("jdbc").is_some()) && found.file.is_none() {
                        found.file = Some(path.to_owned());
                    }
                    continue;
                }
            };
            let path = paths::join(&cwd, path.trim_end_matches('/'));
            found.add(&path);
        }
        if file.ends_with(".rs") || file.ends_with(".go") {
            for captures in DEFAULTS.iter().flat_map(|defaults| defaults.captures_iter(&content)) {
                let Some((path, _)) = place(&captures, &["folder"], &[]) else { continue };
                let path = path.trim_end_matches('/');
                let folder = if paths::name(path).contains('.') { paths::parent(path) } else { path };
                found.add(&paths::join(&cwd, folder));
            }
        }
        if found.file.is_none()
            && file.ends_with(".py")
            && let Some(at) = place_of(survey, file)
        {
            let databases = databases_beside(&content, &at);
            found.file = databases
                .iter()
                .find_map(|path| path.strip_prefix('/').filter(|name| !name.contains('/')))
                .map(str::to_owned);
        }
        for (path, is_folder) in
            places(&content).into_iter().filter(|(path, _)| is_settings(file) && !path.starts_with('/'))
        {
            let path = paths::join(&cwd, &path);
            let folder = if is_folder { path.as_str() } else { paths::parent(&path) };
            if folder == cwd {
                found.file.get_or_insert_with(|| paths::name(&path).to_owned());
            } else {
                found.add(folder);
            }
        }
        if found.file.is_none() && SENT.as_ref().is_some_and(|sent| sent.is_match(&content)) {
            found.file = Some("what is sent to it".to_owned());
        }
        if file.ends_with(".java") || file.ends_with(".kt") {
            let set = set(&content, &settings);
            // What is taken away as a whole, and made again, is changed where it lies.
            let again = [&b"deleteRecursively"[..], b"deleteDirectory"];
            if again.iter().any(|word| memchr::memmem::find(&content, word).is_some()) && found.file.is_none() {
                found.file = set.first().cloned();
            }
            for path in set.iter().map(|path| paths::join(&cwd, path)) {
                found.add(&path);
            }
        }
    }
    // Without a shell, nobody makes a folder there and gives it away.
    if cwd != "/" {
        let first = std::mem::take(&mut found.folders).into_iter().next();
        found.file = found.file.or(first);
        found.place = cwd;
    }
    found
}

/// Gives away the folders that the program keeps below the root, where it works.
pub(super) fn kept_below(survey: &Survey<'_, '_>, needs: &mut Needs) {
    const HOME_ALONE: &str = "the program writes nowhere but in its home and /tmp";
    let beside = beside_root(survey);
    let all = &beside.folders;
    let outer = |path: &&String| !all.iter().any(|other| other != *path && paths::within(path, other));
    let folders: Vec<String> = all.iter().filter(outer).filter(|folder| !needs.owned(folder)).cloned().collect();
    if folders.is_empty() {
        let said = needs.assumptions.iter().any(|text| text.starts_with("the program writes nowhere but in "));
        if beside.unnamed && !said {
            needs.assumptions.push(HOME_ALONE.to_owned());
        }
        return;
    }
    let names = folders.join(", ");
    for path in folders {
        let inside = path.trim_start_matches('/').to_owned() + "/";
        let recursive = survey.model.context.is_some_and(|context| {
            context.files().iter().any(|file| file.starts_with(&inside) && brings(survey, file))
        });
        needs.late.push(Folder { path, recursive, make: true });
    }
    let said = needs.assumptions.iter_mut().find(|text| text.starts_with("the program writes nowhere but in "));
    match said {
        Some(text) => *text = text.replacen("nowhere but in ", &format!("nowhere but in {names}, "), 1),
        None => needs.assumptions.push(format!("the program writes nowhere but in {names}, its home and /tmp")),
    }
}
