//! `.dockerignore`, as Docker reads it.
//!
//! Not `.gitignore`: patterns are anchored at the context's root, a trailing slash means nothing, the last pattern that
//! matches wins, and `!` brings back a file even below an ignored folder.

use regex::Regex;

/// The patterns of one file.
#[derive(Debug, Default)]
pub(crate) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    glob: Glob,
    /// `!`: what matches is brought back.
    back: bool,
    /// The folders that a match must begin with, as far as they are written without wildcards.
    literal: String,
}

impl Ignore {
    /// Reads the file's bytes. A pattern that Docker would refuse is left out.
    pub(crate) fn new(text: &[u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let text = String::from_utf8_lossy(text);
        Self { patterns: text.lines().filter_map(Pattern::new).collect() }
    }

    /// How many patterns there are.
    pub(crate) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Which patterns match `path` (relative, `/` between its parts) or a folder above it, and whether it is ignored;
    /// `parent` is the first half of the answer for the folder that it is in.
    pub(crate) fn verdict(&self, path: &str, parent: &[bool]) -> (Vec<bool>, bool) {
        let mut ignored = false;
        let mut matched = Vec::with_capacity(self.patterns.len());
        for (at, pattern) in self.patterns.iter().enumerate() {
            let above = parent.get(at).copied().unwrap_or(false);
            // BuildKit asks a pattern only where its answer could change the verdict so far, and remembers no match
            // for one that it did not ask; files below a folder can tell the difference.
            let hit = above || (pattern.back == ignored && pattern.glob.matches(path));
            if hit {
                ignored = !pattern.back;
            }
            matched.push(hit);
        }
        (matched, ignored)
    }

    /// Whether nothing below an ignored folder can be brought back, so that it need not be looked into.
    pub(crate) fn prunes(&self, folder: &str) -> bool {
        let below = |literal: &str| {
            let shorter = literal.len().min(folder.len());
            literal.as_bytes().get(..shorter) == folder.as_bytes().get(..shorter)
        };
        !self.patterns.iter().any(|pattern| pattern.back && below(&pattern.literal))
    }
}

impl Pattern {
    fn new(line: &str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let line = line.trim();
        let (line, back) = match line.strip_prefix('!') {
            Some(rest) => (rest.trim(), true),
            None => (line, false),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in line.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        // `.` alone, or what comes down to it, is no pattern.
        if parts.is_empty() {
            return None;
        }
        let plain = parts.iter().take_while(|part| !part.contains(['*', '?', '[', '\\']));
        let literal = plain.copied().collect::<Vec<_>>().join("/");
        Some(Self { glob: Glob::new(&parts.join("/"))?, back, literal })
    }
}

/// One pattern of Docker's: `*` and `?` stop at `/`, `**` does not, `[…]` is a class, `\` takes the next as it is.
#[derive(Debug)]
pub(crate) struct Glob(Regex);

impl Glob {
    /// Compiles a pattern; `None` where Docker would refuse it.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let mut regex = String::from("^");
        let mut rest = pattern.chars().peekable();
        while let Some(char) = rest.next() {
            match char {
                '*' if rest.next_if_eq(&'*').is_some() => {
                    // `**/` is any number of folders, none too; `**` at the end is everything.
                    let _ = rest.next_if_eq(&'/');
                    regex += if rest.peek().is_none() { ".*" } else { "(.*/)?" };
                }
                '*' => regex += "[^/]*",
                '?' => regex += "[^/]",
                '\\' => regex += &regex::escape(&rest.next()?.to_string()),
                '[' => {
                    regex.push('[');
                    if rest.next_if_eq(&'^').is_some() {
                        regex.push('^');
                    }
                    loop {
                        match rest.next()? {
                            ']' => break,
                            '\\' => regex += &regex::escape(&rest.next()?.to_string()),
                            '-' => regex.push('-'),
                            char if char.is_alphanumeric() => regex.push(char),
                            char => regex += &regex::escape(&char.to_string()),
                        }
                    }
                    regex.push(']');
                }
                _ => regex += &regex::escape(&char.to_string()),
            }
        }
        regex.push('$');
        Regex::new(&regex).ok().map(Self)
    }

    /// Whether the whole of `path` matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks as the walk does: from the root down.
    fn ignored(text: &str, path: &str) -> bool {
        let ignore = Ignore::new(text.as_bytes());
        let mut parent = vec![false; ignore.len()];
        let mut verdict = false;
        for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
            (parent, verdict) = ignore.verdict(&path[..at], &parent);
            let pruned = verdict && at < path.len() && ignore.prunes(&path[..at]);
            if pruned {
                return true;
            }
        }
        verdict
    }

    #[test]
    fn patterns_are_anchored_and_take_what_is_below() {
        assert!(ignored("node_modules", "node_modules/a/b.js"));
        assert!(!ignored("node_modules", "web/node_modules/a.js"));
        assert!(ignored("**/node_modules", "web/node_modules/a.js"));
        assert!(ignored("**/node_modules", "node_modules/a.js"));
        assert!(ignored("/dist/", "dist/x"));
        assert!(ignored("./dist", "dist"));
    }

    #[test]
    fn wildcards_stop_at_a_slash() {
        assert!(ignored("*.md", "a.md") && !ignored("*.md", "d/a.md"));
        assert!(ignored("*/*.md", "d/a.md") && !ignored("*/*.md", "d/e/a.md"));
        assert!(ignored("temp?", "tempa") && !ignored("temp?", "temp"));
        assert!(ignored("**/*.go", "a/b/c.go") && ignored("**/*.go", "c.go"));
        assert!(ignored("a/**", "a/b/c") && !ignored("a/**", "ab"));
        assert!(ignored("[a-c]x", "bx") && ignored("[^a]x", "bx") && !ignored("[^a]x", "ax"));
        assert!(ignored("a\\*b", "a*b") && !ignored("a\\*b", "axb"));
        assert!(ignored("**", "any/thing"));
    }

    #[test]
    fn the_last_pattern_that_matches_wins() {
        assert!(!ignored("*.md\n!README.md", "README.md"));
        assert!(ignored("!README.md\n*.md", "README.md"));
        assert!(ignored("*.md\n!README*.md\nREADME-secret.md", "README-secret.md"));
        assert!(!ignored("*\n!src/main.go", "src/main.go"));
        assert!(ignored("*\n!src/main.go", "src/other.go"));
        assert!(!ignored("**\n!**/*.go", "a/b.go"));
        assert!(!ignored("src\n!src/a\nsrc", "src/a"), "the second `src` is never asked");
    }

    #[test]
    fn comments_blanks_and_bad_patterns_are_passed_over() {
        assert!(!ignored("# a\n\n  \n.\n[\n\\", "# a"));
        assert!(ignored("\u{feff}a\r\nb\r\n", "a") && ignored("a\r\n b \r\n", "b"));
    }
}
