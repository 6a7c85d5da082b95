//! Paths inside an image, as text: always absolute, separated by `/`, without `.` and `..`.

/// The parts between slashes. Paths are short: looking at each byte costs less than a search that is made for long texts.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    let mut left = Some(path);
    std::iter::from_fn(move || {
        let rest = left?;
        let end = rest.bytes().position(|byte| byte == b'/');
        left = end.and_then(|end| rest.get(end + 1..));
        end.map_or(Some(rest), |end| rest.get(..end))
    })
}

/// The words of a name or a path: `Dockerfile.dev`, `docker/api-base`.
pub fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '-', '_', '/'])
}

/// Whether nothing is to be normalised in a path, as in most: no part of it is empty or starts with a dot.
fn is_normal(path: &str) -> bool {
    let bytes = path.as_bytes();
    !matches!(bytes, [] | [b'.', ..] | [.., b'/']) && !bytes.windows(2).any(|pair| matches!(pair, [b'/', b'/' | b'.']))
}

/// `path` seen from the folder `cwd`, normalised. A folder keeps no trailing slash, the root is `/`.
pub fn join(cwd: &str, path: &str) -> String {
    let cwd = if path.starts_with('/') { "" } else { cwd };
    let mut joined = String::with_capacity(cwd.len() + path.len() + 2);
    for path in [cwd, path] {
        if is_normal(path) {
            if !path.starts_with('/') {
                joined.push('/');
            }
            joined.push_str(path);
            continue;
        }
        for part in parts(path) {
            match part {
                "" | "." => {}
                ".." => joined.truncate(joined.rfind('/').unwrap_or(0)),
                part => {
                    joined.push('/');
                    joined.push_str(part);
                }
            }
        }
    }
    if joined.is_empty() {
        joined.push('/');
    }
    joined
}

/// Whether a path is one that an instruction can name: no variable, quote or bracket of a shell is left in it, and no part
/// of it is an option.
pub fn plain(path: &str) -> bool {
    // Searching a string of them for each letter would be most of the work.
    let mark = |c: char| match c {
        '$' | '`' | '"' | '\'' | '\\' | '{' | '}' | '(' | ')' | '[' | ']' => true,
        '<' | '>' | '|' | ';' | '&' | '!' | '#' | '=' => true,
        _ => c.is_control(),
    };
    let letters = |c: char| !mark(c);
    path.chars().all(letters) && parts(path).all(|part| !part.starts_with(['-', '~']))
}

/// Whether `path` is `folder` or lies in it.
pub fn within(path: &str, folder: &str) -> bool {
    // Where a part of the path ends says most, and is looked at first.
    match path.as_bytes().get(folder.len()) {
        Some(b'/') => path.starts_with(folder),
        Some(_) => folder == "/",
        None => path == folder || folder == "/",
    }
}

/// Whether a text names the path, and not another that begins or ends as it.
pub fn is_named(text: &str, path: &str) -> bool {
    let apart = |byte: Option<&u8>| {
        byte.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
    };
    text.match_indices(path).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        apart(text.as_bytes().get(at + path.len())) && apart(before)
    })
}

/// A path below `/run`, which `/var/run` is a link to.
pub fn without_link(path: &str) -> &str {
    path.strip_prefix("/var").filter(|rest| within(rest, "/run")).unwrap_or(path)
}

/// Whether a pattern names `path` or a folder that it lies in: a star stands for any letters of one part.
pub fn covers(pattern: &str, path: &str) -> bool {
    let same = pattern.bytes().zip(path.bytes()).take_while(|(one, other)| one == other && *one != b'*').count();
    match pattern.as_bytes().get(same) {
        Some(b'*') => {}
        Some(_) => return false,
        None => return matches!(path.as_bytes().get(same), None | Some(b'/')),
    }
    let mut of_path = parts(path);
    parts(pattern).all(|pattern| match (of_path.next(), pattern.split_once('*')) {
        (Some(part), None) => part == pattern,
        (Some(part), Some((before, after))) => {
            let after = after.rsplit('*').next().unwrap_or(after);
            part.len() >= before.len() + after.len() && part.starts_with(before) && part.ends_with(after)
        }
        (None, _) => false,
    })
}

/// The last part of a path.
pub fn name(path: &str) -> &str {
    let (start, end) = name_range(path);
    path.get(start..end).unwrap_or(path)
}

/// Where the last part of a path starts and ends.
pub fn name_range(path: &str) -> (usize, usize) {
    let bytes = path.as_bytes();
    // Slashes at the end are no part of it.
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let start = bytes.iter().take(end).rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    (start, end)
}

/// The folder that a path lies in.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => path.get(..at).unwrap_or("/"),
    }
}

/// `path` as seen from `folder`, where it lies in it.
pub fn relative<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if !within(path, folder) {
        return None;
    }
    Some(path.get(folder.trim_end_matches('/').len()..).unwrap_or_default().trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_compared() {
        assert_eq!(join("/src", "./app"), "/src/app");
        assert_eq!(join("/src/a", "../../../x//y/"), "/x/y");
        assert_eq!(join("/", "."), "/");
        assert!(within("/src/app", "/src") && !within("/srcs", "/src") && within("/x", "/"));
        assert_eq!(relative("/src/app", "/src"), Some("app"));
        assert_eq!(relative("/src/app", "/"), Some("src/app"));
        assert_eq!(parent("/app"), "/");
        assert!(covers("/usr/src/*", "/usr/src/php/x") && covers("/a-*.gz", "/a-1.gz") && covers("/a", "/a/b"));
        assert!(!covers("/usr/src/*", "/usr/src") && !covers("/a", "/ab") && !covers("/a-*.gz", "/b-1.gz"));
        assert!(plain("/usr/lib/x86_64-linux-gnu/libc++.so.6") && plain("/srv/*.jar"));
        assert!(!plain("/$HOME/x") && !plain("/-sf") && !plain("/s/a|b/c/") && !plain("/etc/a{,.orig}"));
    }
}
