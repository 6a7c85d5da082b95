//! Which libraries of a large collection a program is linked with, by what the project says how to build.

use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;

use super::survey::Survey;

/// A package that installs a collection whole, for what is built with some of it.
struct Collection {
    package: &'static str,
    /// How CMake calls it.
    name: &'static str,
    /// How its libraries are called, and the packages that hold them, in front of the part's name.
    library: &'static str,
    packages: &'static str,
    /// Parts whose package has another name, by the beginning of theirs.
    renamed: &'static [(&'static str, &'static str)],
    /// Parts that have a development package of their own in every release.
    packaged: &'static [&'static str],
    /// Parts that are headers alone.
    headers: &'static [&'static str],
}

const COLLECTIONS: [Collection; 1] = [Collection {
    package: "libboost-all-dev",
    name: "Boost",
    library: "boost_",
    packages: "libboost-",
    renamed: &[
        ("unit-test-framework", "test"),
        ("prg-exec-monitor", "test"),
        ("test-exec-monitor", "test"),
        ("log-setup", "log"),
        ("wserialization", "serialization"),
        ("math-", "math"),
        ("stacktrace-", "stacktrace"),
        ("python", "python"),
        ("numpy", "numpy"),
    ],
    packaged: &[
        "atomic",
        "chrono",
        "context",
        "coroutine",
        "date-time",
        "filesystem",
        "graph",
        "iostreams",
        "locale",
        "log",
        "math",
        "program-options",
        "python",
        "random",
        "regex",
        "serialization",
        "system",
        "test",
        "thread",
        "timer",
        "wave",
    ],
    headers: &["asio", "beast", "boost", "headers"],
}];

/// The packages of `libraries`, which stand for the development package `package`, without those that the project's build
/// files don't name; all of them where they don't say it.
pub(super) fn only(survey: &Survey<'_, '_>, package: &str, libraries: Vec<String>) -> Vec<String> {
    let collection = COLLECTIONS.iter().find(|collection| collection.package == package);
    let Some(parts) = collection.and_then(|collection| parts(survey, collection)) else { return libraries };
    let used = |library: &String| {
        let part = collection.and_then(|collection| library.strip_prefix(collection.packages)).unwrap_or(library);
        let part = part.trim_end_matches("t64").trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        parts.iter().any(|known| known == part)
    };
    let kept: Vec<String> = libraries.iter().filter(|library| used(library)).cloned().collect();
    if kept.is_empty() { libraries } else { kept }
}

/// The development packages of the parts of a collection that the build files name, where the names of the libraries are not
/// known: those of the parts are the same in every release. The whole where the files don't say it.
pub(super) fn parts_of(survey: &Survey<'_, '_>, package: &str) -> Vec<String> {
    let whole = || vec![package.to_owned()];
    let Some(collection) = COLLECTIONS.iter().find(|collection| collection.package == package) else { return whole() };
    let Some(parts) = parts(survey, collection) else { return whole() };
    let mut found = Vec::new();
    for part in parts.iter().map(String::as_str).filter(|part| !collection.headers.contains(part)) {
        if !collection.packaged.contains(&part) {
            return whole();
        }
        found.push(format!("{}{part}-dev", collection.packages));
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { whole() } else { found }
}

/// The parts of a collection that the build files name.
fn parts(survey: &Survey<'_, '_>, collection: &Collection) -> Option<Vec<String>> {
    let context = survey.model.context?;
    let mut parts: Vec<String> = Vec::new();
    for file in context.files() {
        let name = paths::name(file);
        let builds = matches!(name, "CMakeLists.txt" | "meson.build" | "configure.ac" | "SConstruct" | "Jamroot")
            || name.to_ascii_lowercase().starts_with("makefile")
            || [".cmake", ".mk", ".pro", ".am"].iter().any(|end| name.ends_with(end));
        if !builds {
            continue;
        }
        let content = context.read(file)?;
        let text = crate::context::text(&content);
        // `find_package(Boost 1.65 REQUIRED COMPONENTS system thread)`
        for (at, call) in text.match_indices("find_package") {
            let rest = text.get(at + call.len()..)?.trim_start().strip_prefix('(')?;
            let inside = rest.split(')').next().unwrap_or_default();
            let mut words = inside.split_ascii_whitespace();
            if words.next() != Some(collection.name) {
                continue;
            }
            if inside.contains('$') {
                return None;
            }
            parts.extend(
                words
                    .filter(|word| {
                        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
                    })
                    .map(str::to_owned),
            );
        }
        // `-lboost_system`, `Boost::system`
        let scoped = format!("{}::", collection.name);
        for mark in [collection.library, scoped.as_str()] {
            for (at, found) in text.match_indices(mark) {
                let rest = text.get(at + found.len()..).unwrap_or_default();
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                parts.push(rest.get(..end).unwrap_or_default().to_owned());
            }
        }
        // Meson names them in a list of its own.
        if name == "meson.build" && text.contains("boost") {
            return None;
        }
    }
    let package = |part: &String| {
        let part = part.replace('_', "-");
        let renamed = collection.renamed.iter().find(|(start, _)| part.starts_with(start));
        renamed.map_or(part, |(_, name)| (*name).to_owned())
    };
    let parts: Vec<String> = parts.iter().filter(|part| !part.is_empty()).map(package).collect();
    (!parts.is_empty()).then_some(parts)
}

/// Whether a file says how a project in C is built, by its name.
fn says_how_to_build(name: &str) -> bool {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    matches!(name, "CMakeLists.txt" | "meson.build" | "configure.ac" | "SConstruct")
        || name.to_ascii_lowercase().starts_with("makefile")
        || matches!(end, "cmake" | "mk" | "am")
}

/// The sanitizers that what is compiled is linked with, by the commands and by the build files: `-fsanitize=address,leak`.
pub(super) fn sanitizers(survey: &Survey<'_, '_>) -> Vec<String> {
    const MARK: &str = "-fsanitize=";
    let mut found: Vec<String> = Vec::new();
    let mut read = |text: &str| {
        for (at, _) in text.match_indices(MARK) {
            let rest = text.get(at + MARK.len()..).unwrap_or_default();
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ',' | '-'))).unwrap_or(rest.len());
            for kind in rest.get(..end).unwrap_or_default().split(',').filter(|kind| !kind.is_empty()) {
                if !found.iter().any(|known| known == kind) {
                    found.push(kind.to_owned());
                }
            }
        }
    };
    for (_, step) in survey.steps() {
        step.argv.iter().chain(&step.assignments).for_each(|word| read(word));
    }
    let Some(context) = survey.model.context else { return found };
    for file in context.files() {
        if says_how_to_build(paths::name(file))
            && let Some(content) = context.read(file)
        {
            read(&crate::context::text(&content));
        }
    }
    found
}

/// The libraries of GCC's image, which is newer than the distribution, that what is compiled in it links to: those of C++, or
/// none for C, which has the distribution's. `None` where the sources are not all there to read, or where they ask for others.
pub(super) fn of_gcc(survey: &Survey<'_, '_>) -> Option<&'static [&'static str]> {
    const OTHERS: [&str; 10] = [
        "sanitize",
        "openmp",
        "-lgomp",
        "-latomic",
        "quadmath",
        "fortran",
        "gccgo",
        "-fgnu-tm",
        "fetchcontent",
        "externalproject",
    ];
    const CPP: [&str; 8] = ["cc", "cpp", "cxx", "c++", "hpp", "hh", "hxx", "C"];
    let context = survey.model.context?;
    let brings = |step: &Step| {
        matches!(effects::of(step), Effect::Fetch(_))
            || matches!(step.kind(), "download" | "unpack")
            || step.piped.is_some()
            || super::whole::is_build_script(step)
    };
    let others = |text: &str| {
        let text = text.to_ascii_lowercase();
        OTHERS.iter().any(|other| text.contains(other))
    };
    let words = |step: &Step| step.argv.iter().any(|word| others(word));
    if survey.steps().any(|(_, step)| brings(step) || words(step)) {
        return None;
    }
    let plus = |step: &Step| matches!(step.program(), "g++" | "c++" | "clang++");
    let mut cpp = survey.steps().any(|(_, step)| plus(step));
    let mut seen = false;
    for file in context.files() {
        let name = paths::name(file);
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let is_cpp = CPP.contains(&end);
        if matches!(end, "f" | "f90" | "f95" | "for" | "d" | "go" | "adb" | "m") {
            return None;
        }
        cpp |= is_cpp;
        seen |= is_cpp || end == "c";
        if says_how_to_build(name) {
            let content = context.read(file)?;
            let text = crate::context::text(&content);
            if others(&text) {
                return None;
            }
            // A program in C may be linked by the compiler of C++.
            cpp |= text.contains("++");
        }
    }
    if !seen {
        return None;
    }
    Some(if cpp { &["libgcc_s.so.1", "libstdc++.so.6"] } else { &[] })
}
