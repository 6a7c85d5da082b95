//! What the sources write beside themselves, or into a folder of theirs: `Path(__file__).parent / "data"`,
//! `Path(Path(__file__).parent, "data")`, `path.join(__dirname, "db.json")`, `open("static/plot.png", "wb")`.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::context;
use crate::model::commands::Step;
use crate::model::copies::context_path;
use crate::model::paths;

use super::super::survey::{Survey, matches};
use super::super::user::User;

use super::beside_root::{RELATIVE, is_python, place};
use super::made::given;
use super::sources::{brings, is_source};
use super::{Folder, Needs, is_application};

/// Places that sources name by where they lie themselves.
static ITSELF: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"Path\(\s*__file__\s*\)(?:\.(?:resolve|absolute)\(\))?(?<parents>(?:\.parent\b)+)(?<rest>(?:\s*/\s*f?["'][\w./-]+["'])+)"#,
        r#"|Path\(\s*__file__\s*\)(?:\.(?:resolve|absolute)\(\))?\.parents\[(?<above>\d)\](?<behind>(?:\s*/\s*f?["'][\w./-]+["'])+)"#,
        r#"|(?:Path|os\.path\.join)\(\s*(?:pathlib\.)?Path\(\s*__file__\s*\)(?:\.(?:resolve|absolute)\(\))?(?<higher>(?:\.parent\b)+)(?<inner>(?:\s*,\s*f?["'][\w./-]+["'])+)\s*,?\s*\)"#,
        r#"|(?:Path|os\.path\.join)\(\s*(?<names>(?:os\.path\.(?:dirname|abspath|realpath)\(\s*)+)__file__[\s)]*,(?<parts>(?:\s*,?\s*["'][\w./-]+["'])+)\s*\)"#,
        r#"|path\.(?:join|resolve)\(\s*(?:__dirname|import\.meta\.dirname)(?<pieces>(?:\s*,\s*["'`][\w./-]+["'`])+)\s*,?\s*\)"#,
    ))
    .ok()
});

/// The names that sources in Python give to the folder that they lie in, or to one above it.
static BASES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?m)^[ \t]*(?<name>\w+)\s*=\s*",
        r"(?:(?<names>(?:os\.path\.(?:dirname|abspath|realpath)\(\s*)+)__file__[ \t)]*",
        r"|(?:pathlib\.)?Path\(\s*__file__\s*\)(?:\.(?:resolve|absolute)\(\))?(?<parents>(?:\.parent\b)+))[ \t\r]*$",
    ))
    .ok()
});

/// Files of databases in such a folder.
static DATABASES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?:join\(\s*(?<base>\w+)\s*,\s*|\b(?<folder>\w+)\s*/\s*)f?["'](?<file>[\w.-][\w./-]*\.(?:db3?|sqlite3?))["']"#,
    )
    .ok()
});

/// What stands before a place that is written to there and then.
static WRITTEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|mkdir|mkdirSync|makedirs|FileHandler|connect|Database|\bdest(?:ination)?\s*:)\s*\(?\s*(?:str\(\s*)?$",
    )
    .ok()
});

/// The name that a place is given.
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s;.])(?<name>[A-Za-z_]\w*)\s*(?::\s*[\w.]+\s*)?=\s*(?:str\(\s*)?$").ok());

/// How the sources of a program end that reads them when it starts.
fn sources_of(step: &Step) -> &'static [&'static str] {
    match step.program() {
        program if is_python(program) => &[".py"],
        "node" | "nodejs" | "pm2-runtime" | "nodemon" => &[".js", ".mjs", ".cjs"],
        "bun" | "deno" | "tsx" | "ts-node" => &[".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"],
        _ => &[],
    }
}

/// Where a file of the context lies in the image.
pub(super) fn place_of(survey: &Survey<'_, '_>, file: &str) -> Option<String> {
    let mut copies = survey.all().filter_map(|unit| survey.copied(unit)).filter(|copied| copied.context);
    copies.find_map(|copied| {
        let to = copied.to.as_deref()?;
        copied.sources.iter().find_map(|source| {
            let source = context_path(source);
            match source {
                "" => Some(paths::join(to, file)),
                _ if source == file || fits(source, file) => copied.place(file),
                _ => Some(paths::join(to, file.strip_prefix(source)?.strip_prefix('/')?)),
            }
        })
    })
}

/// Whether a source of a COPY has a pattern for this file, and for none of its folders: `server/*.py`.
fn fits(source: &str, file: &str) -> bool {
    let pattern = paths::name(source);
    pattern.contains('*') && paths::parent(source) == paths::parent(file) && matches(pattern, paths::name(file))
}

/// Whether what follows in the source, or stands before, says that the place is written to.
fn is_written(content: &[u8], start: usize, end: usize) -> bool {
    let before = content.get(start.saturating_sub(80)..start).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.contains(&b'#') || line.windows(2).any(|two| two == b"//") {
        return false;
    }
    if WRITTEN.as_ref().is_some_and(|written| written.is_match(line)) {
        return true;
    }
    let opened = content.get(end..).unwrap_or_default().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let modes = [&b", \"w"[..], b", 'w", b", \"a", b", 'a"];
    if line.ends_with(b"open(") && modes.iter().any(|mode| opened.starts_with(mode)) {
        return true;
    }
    let Some(name) = NAMED.as_ref().and_then(|named| named.captures(line)?.name("name")) else { return false };
    let name = String::from_utf8_lossy(name.as_bytes());
    let uses = format!(
        r#"\b{name}\.(?:mkdir|write_text|write_bytes|touch)\(|(?:makedirs|mkdirSync|mkdir|writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|connect|FileHandler|Database)\(\s*(?:str\(\s*)?{name}\b|\bdest(?:ination)?\s*:\s*{name}\b|\bopen\(\s*{name}\s*,\s*["'][wa]|\bcb\(\s*null\s*,\s*{name}\b"#
    );
    Regex::new(&uses).is_ok_and(|uses| uses.is_match(content))
}

/// The folder so many levels above a path.
fn above(path: &str, levels: usize) -> &str {
    (0..levels).fold(path, |path, _| paths::parent(path))
}

/// The databases that a source in Python, which lies at `at`, keeps where it lies, by the name that it gives to that folder:
/// `'sqlite:///' + os.path.join(basedir, 'app.db')`.
pub(super) fn databases_beside(content: &[u8], at: &str) -> Vec<String> {
    let bases: Vec<(&[u8], &str)> = BASES
        .iter()
        .flat_map(|bases| bases.captures_iter(content))
        .filter_map(|captures| {
            let count = |name, part: &[u8]| {
                captures.name(name).map(|found| memchr::memmem::find_iter(found.as_bytes(), part).count())
            };
            let levels = count("names", b"dirname").or_else(|| count("parents", b".parent"))?;
            Some((captures.name("name")?.as_bytes(), above(at, levels)))
        })
        .collect();
    let file = |captures: regex::bytes::Captures<'_>| {
        let name = captures.name("base").or_else(|| captures.name("folder"))?.as_bytes();
        let (_, folder) = bases.iter().rev().find(|(base, _)| *base == name)?;
        Some(paths::join(folder, &String::from_utf8_lossy(captures.name("file")?.as_bytes())))
    };
    DATABASES.iter().flat_map(|databases| databases.captures_iter(content)).filter_map(file).collect()
}

/// The places that a source writes to beside itself, which lies at `at`: folders, or the folders of files.
fn beside_itself(content: &[u8], at: &str) -> Vec<String> {
    let mut found: Vec<String> =
        databases_beside(content, at).iter().map(|file| paths::parent(file).to_owned()).collect();
    for captures in ITSELF.iter().flat_map(|itself| itself.captures_iter(content)) {
        let Some(all) = captures.get(0) else { continue };
        let text = |name: &str| captures.name(name).map(|part| String::from_utf8_lossy(part.as_bytes()));
        let up = if let Some(parents) = text("parents").or_else(|| text("higher")) {
            parents.matches(".parent").count()
        } else if let Some(above) = text("above") {
            above.parse::<usize>().map_or(1, |above| above + 1)
        } else if let Some(names) = text("names") {
            names.matches("dirname").count()
        } else {
            1
        };
        let rest =
            ["rest", "behind", "inner", "parts", "pieces"].iter().find_map(|name| text(name)).unwrap_or_default();
        let quote = |c: char| matches!(c, '"' | '\'' | '`');
        let parts = rest.split(quote).skip(1).step_by(2);
        let mut path = above(at, up).to_owned();
        for part in parts {
            path = paths::join(&path, part.trim_start_matches('/'));
        }
        if up > 0 && is_written(content, all.start(), all.end()) {
            let file = paths::name(&path).trim_start_matches('.').contains('.');
            found.push(if file { paths::parent(&path).to_owned() } else { path });
        }
    }
    found
}

/// The folders that the sources write to, by where they lie and by where the program works.
fn places(survey: &Survey<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let Some(context) = survey.model.context else { return found };
    let mut ends: Vec<(&str, Option<&str>)> = Vec::new();
    for step in survey.runs() {
        ends.extend(sources_of(step).iter().map(|end| (*end, step.cwd.as_deref())));
    }
    let working = |file: &str| ends.iter().find(|(end, _)| file.ends_with(end));
    let sources =
        |file: &str| is_source(file) && !context::is_aside(file) && brings(survey, file) && working(file).is_some();
    for (file, content) in context::contents(context, sources) {
        let Some((_, cwd)) = working(file) else { continue };
        if let Some(at) = place_of(survey, file) {
            found.extend(beside_itself(&content, &at));
        }
        // What is written into the root folder is looked for elsewhere.
        let Some(cwd) = cwd.filter(|cwd| *cwd != "/") else { continue };
        for captures in RELATIVE.iter().flat_map(|relative| relative.captures_iter(&content)) {
            let files = ["file", "opened", "database", "address", "saved"];
            let Some((path, is_folder)) = place(&captures, &["folder", "made"], &files) else { continue };
            let path = if is_folder { &*path } else { path.rsplit_once('/').map_or("", |(folder, _)| folder) };
            found.push(paths::join(cwd, path.trim_end_matches('/')));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.retain(|path| is_application(path) && !super::free(path) && !paths::within(path, "/root"));
    found
}

/// Whether the context has a file, and no folder, of this name.
fn context_file(survey: &Survey<'_, '_>, name: &str) -> bool {
    survey.model.context.is_some_and(|context| context.files().iter().any(|file| file == name))
}

/// Gives away what the sources write to, where it does not lie in a folder that is the user's as it is copied.
pub(super) fn written_beside(survey: &Survey<'_, '_>, user: &User, needs: &mut Needs) {
    for path in places(survey) {
        if needs.owned(&path) || given(survey, user, &path) {
            continue;
        }
        // The nearest folder above that a COPY brings as root's.
        let mut brought: Option<(usize, &str)> = None;
        for (at, unit) in survey.units.iter().enumerate() {
            let Some(copied) = survey.copied(unit).filter(|copied| copied.context) else { continue };
            let Some(to) = copied.to.as_deref().filter(|to| *to != "/" && paths::within(&path, to)) else { continue };
            // A file that goes into it is not what makes it.
            let tree = |source: &String| {
                let source = context_path(source);
                source.is_empty()
                    || survey.model.context.is_some_and(|context| context.holds(source))
                        && !context_file(survey, source)
            };
            if !copied.sources.iter().any(tree) {
                continue;
            }
            if brought.is_none_or(|(_, nearest)| paths::within(to, nearest)) {
                brought = Some((at, to));
            }
        }
        let given = |at: usize| needs.copies.contains(&at) || survey.units.get(at).is_some_and(|unit| unit.has_owner());
        // A folder that is the user's may have one of root's, which files are copied into.
        let closed = |folder: &str| {
            survey.units.iter().enumerate().filter(|(at, _)| !given(*at)).any(|(_, unit)| {
                let Some(copied) = survey.copied(unit) else { return false };
                let to = copied.to.as_deref().map(|to| if copied.folder { to } else { paths::parent(to) });
                to.is_some_and(|to| to != folder && paths::within(to, folder) && paths::within(&path, to))
            })
        };
        let opens = |folder: &Folder| paths::within(&path, &folder.path) && (folder.recursive || !closed(&folder.path));
        match brought {
            Some((at, _)) if given(at) => {}
            Some((at, _)) => needs.copies.push(at),
            // Where nobody else may make a folder.
            None if !needs.early.iter().chain(&needs.late).any(opens) => {
                needs.late.push(Folder { path, recursive: false, make: true });
            }
            None => {}
        }
    }
}
