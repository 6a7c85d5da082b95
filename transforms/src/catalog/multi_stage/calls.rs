//! Programs that the project's sources start and that only the full image has: `subprocess.run(["git", "log"])`.

use std::collections::BTreeSet;

use crate::context::{self, Context};
use crate::knowledge::buildpack;
use crate::knowledge::words::Words;
use crate::model::paths;

use super::survey::Survey;

/// The packages that bring to the slim image what the sources start.
pub(super) fn packages(survey: &Survey<'_, '_>) -> Vec<&'static str> {
    let known = survey.model.known(survey.stage);
    let full = known.as_ref().filter(|image| {
        !["alpine", "slim"].iter().any(|part| image.tag().contains(part)) && !Words::SlimByThemselves.has(image.name())
    });
    let Some(language) = full.and_then(|image| image.language()) else { return Vec::new() };
    let there = survey.starts().iter().filter(|program| buildpack::has(language, program));
    let mut found: Vec<&str> = there.filter_map(|program| buildpack::package(program)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What the texts in the project's sources say of programs.
#[derive(Debug, Default)]
pub(super) struct Called {
    /// The words with which texts begin, as far as they can be names of programs.
    pub(super) words: BTreeSet<String>,
    /// The programs of the full images that are started.
    pub(super) started: BTreeSet<String>,
    /// A source in Python that has something compiled when it runs, with the words that say so.
    pub(super) compiled: Option<(String, &'static str)>,
    /// Sources that start compilers when they run, each with the compiler.
    pub(super) compilers: Vec<(String, String)>,
}

/// What sources in Python say that have something compiled when they run.
const COMPILED: [&str; 6] =
    ["torch.compile(", "@torch.compile", "cpp_extension", "@triton.jit", "import pyximport", "pyximport.install"];

/// Reads the sources of a project; `entry` are the words that start its image.
pub(super) fn read(context: &dyn Context, entry: &[&str]) -> Called {
    let mut found = Called::default();
    for (file, content) in context::contents(context, context::is_code) {
        let aside = context::is_aside(file) && !entry.contains(&paths::name(file));
        if file.ends_with(".py") && !aside && found.compiled.is_none() {
            found.compiled = compiled(&content).map(|words| (file.to_owned(), words));
        }
        let backtick = [".rb", ".rake", ".php", ".pl"].iter().any(|end| file.ends_with(end));
        for at in memchr::memchr3_iter(b'"', b'\'', b'`', &content) {
            let (before, text) = content.split_at(at);
            let Some((word, rest)) = first_word(text) else { continue };
            let starts = !aside
                && buildpack::package(word).is_some()
                && (is_started(before, text, rest, word) || backtick && text.first() == Some(&b'`'));
            if starts {
                found.started.insert(word.to_owned());
            }
            if !aside
                && Words::Compilers.has(word)
                && (is_started(before, text, rest, word) || is_command_line(before, text, rest))
                && !found.compilers.iter().any(|(_, known)| known == word)
            {
                found.compilers.push((file.to_owned(), word.to_owned()));
            }
            if !found.words.contains(word) && !is_remark(file, before) {
                found.words.insert(word.to_owned());
            }
        }
    }
    found
}

/// What a source in Python says that has something compiled when it runs, behind no `#`.
fn compiled(content: &[u8]) -> Option<&'static str> {
    let says = |words: &&str| {
        memchr::memmem::find_iter(content, words.as_bytes()).any(|at| {
            let before = content.get(..at).unwrap_or_default();
            let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            !line.contains(&b'#')
        })
    };
    COMPILED.into_iter().find(says)
}

/// Whether what stands behind this in a source in Python or Ruby is a remark: nothing but a `#` stands before it on its line.
fn is_remark(file: &str, before: &[u8]) -> bool {
    // People's lines are not longer.
    const LONGEST: usize = 200;
    let near = before.get(before.len().saturating_sub(LONGEST)..).unwrap_or(before);
    let line = near.iter().rposition(|byte| *byte == b'\n').and_then(|end| near.get(end + 1..));
    (file.ends_with(".py") || file.ends_with(".rb"))
        && line.is_some_and(|line| line.trim_ascii_start().starts_with(b"#"))
}

/// The first word of a text that begins with its quote, and what follows.
fn first_word(text: &[u8]) -> Option<(&str, &[u8])> {
    const LONGEST: usize = 20;
    // `/usr/bin/file` is the program as much as `file` is.
    const PROGRAMS: [&[u8]; 4] = [b"/usr/bin/", b"/usr/local/bin/", b"/bin/", b"/usr/sbin/"];
    let rest = text.get(1..)?;
    let rest = PROGRAMS.iter().find_map(|folder| rest.strip_prefix(*folder)).unwrap_or(rest);
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-+._".contains(byte);
    let end = rest.iter().take(LONGEST + 1).position(|byte| !letter(byte)).filter(|end| *end > 1)?;
    let (word, rest) = rest.split_at(end);
    matches!(rest.first(), Some(b' ' | b'"' | b'\'' | b'`')).then_some(())?;
    Some((std::str::from_utf8(word).ok()?, rest))
}

/// Whether what stands around a text says that the program is started with which it begins: `rest` is what follows its name.
fn is_started(before: &[u8], text: &[u8], rest: &[u8], name: &str) -> bool {
    // The text ends, or goes on with what the program is told.
    if rest.first() != Some(&b' ') && rest.first() != text.first() {
        return false;
    }
    let before = without_prefix(before).trim_ascii_end();
    // `$`git log`` of the shells that are written in JavaScript.
    if before.ends_with(b"$") && text.first() == Some(&b'`') {
        return true;
    }
    let (before, listed) = match before.strip_suffix(b"[") {
        Some(before) => (before.trim_ascii_end(), true),
        None => (before, false),
    };
    if let Some(call) = before.strip_suffix(b"(") {
        return calls(call);
    }
    // `exec.CommandContext(ctx, "git", …)`
    if before.ends_with(b",") && !listed {
        let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        return memchr::memmem::find(line, b"CommandContext(").is_some();
    }
    if buildpack::is_word(name) {
        return false;
    }
    let quote = text.first().copied().unwrap_or_default();
    if listed {
        // A list of several programs is one of names.
        let next = rest.strip_prefix(&[quote]).map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b","));
        let next = next.map(|next| without_quote(next.trim_ascii_start()));
        return next.is_some_and(|next| first_word(next).is_none_or(|(word, _)| buildpack::package(word).is_none()));
    }
    // A command line that is started later.
    let line = rest.strip_prefix(b" ").unwrap_or_default();
    let verb = || {
        Words::GitVerbs
            .list()
            .iter()
            .any(|verb| line.strip_prefix(verb.as_bytes()).is_some_and(|rest| rest.starts_with(b" ")))
    };
    before.ends_with(b"=") && (line.starts_with(b"-") || name == "git" && verb())
}

/// Whether a text is a command line that something is set to, which is started later: `compile: 'g++ -O2 main.cpp'`. `rest`
/// is what follows its first word.
fn is_command_line(before: &[u8], text: &[u8], rest: &[u8]) -> bool {
    let quote = text.first().copied().unwrap_or_default();
    let line = rest.split(|byte| *byte == quote || *byte == b'\n').next().unwrap_or_default();
    let before = without_prefix(before).trim_ascii_end();
    (before.ends_with(b"=") || before.ends_with(b":")) && memchr::memmem::find(line, b" -").is_some()
}

/// What stands before a text without the letters that say how it is meant: `f"…"`, `rb'…'`.
fn without_prefix(before: &[u8]) -> &[u8] {
    let letters = before.iter().rev().take(2).take_while(|byte| b"fFrRbBuU".contains(byte)).count();
    let head = before.get(..before.len() - letters).unwrap_or(before);
    match head.last() {
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_' => before,
        _ => head,
    }
}

/// A text that may have such letters, from its quote on.
fn without_quote(text: &[u8]) -> &[u8] {
    let letters = text.iter().take(2).take_while(|byte| b"fFrRbBuU".contains(byte)).count();
    text.get(letters..).unwrap_or_default()
}

/// Whether the name before an opening bracket is one of what starts programs.
fn calls(call: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let start = call.iter().rposition(|byte| !letter(byte)).map_or(0, |at| at + 1);
    let (head, name) = call.split_at(start);
    // `Command::new("git")`
    if name == b"new" {
        return head.ends_with(b"Command::") || head.ends_with(b"Process.") || head.ends_with(b"ProcessBuilder.");
    }
    std::str::from_utf8(name).is_ok_and(|name| Words::Callers.list().binary_search(&name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Words, read};
    use crate::context::MemoryContext;

    fn found(file: &str, text: &str) -> Vec<String> {
        read(&MemoryContext::new([(file, text)]), &[]).started.into_iter().collect()
    }

    #[test]
    fn what_is_started_is_found() {
        for (file, text) in [
            ("a.py", "subprocess.run(['git', 'log'], check=True)"),
            ("a.py", "out = subprocess.check_output(\n    [\"git\", path])"),
            ("a.py", "os.system(f'git clone {url}')"),
            ("a.py", "command = ['git', '-C', path, 'log']\nsubprocess.Popen(command)"),
            ("a.py", "command = f\"git clone {url}\""),
            ("a.js", "execSync(`git rev-parse HEAD`)"),
            ("a.ts", "await $`git log`"),
            ("a.js", "const child = spawn('git', args)"),
            ("a.go", "cmd := exec.CommandContext(r.Context(), \"git\", \"log\")"),
            ("a.go", "exec.Command(\"git\", \"log\")"),
            ("a.rs", "let out = Command::new(\"git\").arg(\"log\")"),
            ("a.rb", "head = `git rev-parse HEAD`"),
            ("a.rb", "stdout, status = Open3.capture3(\"git\", \"log\")"),
            ("a.rb", "stdout, status = Open3.capture2(\"/usr/bin/git\", \"log\")"),
        ] {
            assert_eq!(found(file, text), ["git"], "{text}");
        }
        assert_eq!(found("a.py", "run([\"convert\", a, b])"), ["convert"]);
    }

    #[test]
    fn words_are_none() {
        for (file, text) in [
            ("a.py", "tags = ['git', 'curl', 'python']"),
            ("a.py", "print('git is not there')"),
            ("a.py", "commands = ['convert', 'a']"),
            ("a.js", "const name = 'git status'.split(' ')"),
            ("a.js", "if (type === \"git\") {}"),
            ("tests/a.py", "subprocess.run(['git'])"),
            ("scripts/release.js", "execSync('git push')"),
            ("webpack.config.js", "execSync('git rev-parse HEAD')"),
        ] {
            assert!(found(file, text).is_empty(), "{text}");
        }
        assert!(!read(&MemoryContext::new([("scripts/a.py", "run(['git'])")]), &["a.py"]).started.is_empty());
    }

    #[test]
    fn a_remark_says_no_words() {
        let says = |file: &str, text: &str| read(&MemoryContext::new([(file, text)]), &[]).words.contains("pip");
        assert!(says("a.py", "import os\nos.system('pip install shop')\n"));
        assert!(!says("a.py", "import os\n  # see \"pip install shop\"\n"));
        assert!(says("a.js", "a\n# 'pip'\n"));
    }

    #[test]
    fn what_is_compiled_by_python_is_found() {
        let compiled = |file: &str, text: &str| read(&MemoryContext::new([(file, text)]), &[]).compiled.is_some();
        assert!(compiled("a.py", "model = torch.compile(model)\n"));
        assert!(compiled("a.py", "from torch.utils.cpp_extension import load\n"));
        assert!(!compiled("a.py", "# model = torch.compile(model)\n"));
        assert!(!compiled("a.py", "pattern = re.compile('a')\n"));
        assert!(!compiled("tests/a.py", "model = torch.compile(model)\n"));
    }

    #[test]
    fn a_compiler_that_is_started_is_found() {
        let compiler = |file: &str, text: &str| {
            let found = read(&MemoryContext::new([(file, text)]), &[]).compilers;
            found.into_iter().map(|(_, compiler)| compiler).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(compiler("a.ts", "'c++': { compile: 'g++ -std=c++17 main.cpp -o main' }"), "g++");
        assert_eq!(compiler("a.py", "subprocess.run(['gcc', source, '-o', out])"), "gcc");
        assert_eq!(compiler("a.go", "Compile: \"rustc main.rs -o main\","), "rustc");
        assert_eq!(compiler("a.py", "names = {'c': 'gcc', 'rust': 'rustc'}"), "");
        assert_eq!(compiler("a.js", "throw new Error('gcc is not there')"), "");
        assert_eq!(compiler("tests/a.py", "subprocess.run(['gcc', source])"), "");
    }

    #[test]
    fn the_callers_are_sorted() {
        assert!(Words::Callers.list().is_sorted());
    }
}
