//! Files that the settings of a program in Java name: the log that it keeps, a database that is a file.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::model::paths;

/// Places in settings, as properties and in YAML; those of folders are called so.
static KEPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?m)^[ \t]*logging\.(?:file\.path|path)[ \t]*[=:][ \t]*(?<logs>\S+)",
        r"|^[ \t]*logging\.file(?:\.name)?[ \t]*[=:][ \t]*(?<log>\S+)",
        r"|^logging:[ \t]*\r?\n(?:[ \t#].*\n|[ \t]*\r?\n)*?[ \t]+(?:path|file:[ \t]*\r?\n(?:[ \t].*\n)*?[ \t]+path):[ \t]+(?<below>\S+)",
        r"|^logging:[ \t]*\r?\n(?:[ \t#].*\n|[ \t]*\r?\n)*?[ \t]+(?:file|file:[ \t]*\r?\n(?:[ \t].*\n)*?[ \t]+name):[ \t]+(?<named>\S+)",
        r"|jdbc:(?:sqlite|h2|hsqldb|derby):(?:file:|nio:|split:)?(?<database>[^\s;?&]+)",
        r"|<[fF]ile>\s*(?<element>[^<\s]+)\s*</|\bfileName=\x22(?<attribute>[^\x22]+)\x22",
        r"|<(?:[pP]roperty|springProperty|variable)\b[^>]*\bname=\x22\w*(?i:dir|folder|home|path|root)\w*\x22",
        r"(?:[^>]*\b(?:value|defaultValue)=\x22(?<value>[^\x22]+)\x22|>\s*(?<inner>[^<\s]+)\s*</)",
    ))
    .ok()
});

/// `${LOG_FOLDER:logs}`, `${sys:LOG_FOLDER:-logs}`: what holds where nobody sets the variable.
static DEFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$\{(?:[^{}]*:-|[^{}:]*:)([^{}]*)\}").ok());

/// Whether a file holds the settings of Spring, or those of the log of a program in Java.
pub(super) fn is_settings(file: &str) -> bool {
    let name = paths::name(file);
    let of = |start: &str, ends: &[&str]| name.starts_with(start) && ends.iter().any(|end| name.ends_with(end));
    of("application", &[".yml", ".yaml", ".properties"]) || of("logback", &[".xml"]) || of("log4j2", &[".xml"])
}

/// The places that settings name, as they stand there, each with whether it is a folder.
pub(super) fn places(content: &[u8]) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let (Some(kept), Some(default)) = (KEPT.as_ref(), DEFAULT.as_ref()) else { return found };
    for captures in kept.captures_iter(content) {
        let named = |names: &[&str]| names.iter().find_map(|name| captures.name(name));
        let folder = named(&["logs", "below", "value", "inner"]);
        let files = ["log", "named", "database", "element", "attribute"];
        let Some(place) = folder.or_else(|| named(&files)) else { continue };
        let place = default.replace_all(place.as_bytes(), &b"$1"[..]);
        let place = String::from_utf8_lossy(&place);
        let place = place.trim_matches(['"', '\'']);
        // In memory, asked over the network, in the home of whoever runs it, or known only then.
        let first = place.split([':', '/']).next().unwrap_or_default();
        let elsewhere = matches!(first, "mem" | "memory" | "tcp" | "ssl" | "hsql" | "res" | "zip" | "~");
        if !place.is_empty() && !place.contains(['$', '{', ':', '%']) && !elsewhere {
            found.push((place.to_owned(), folder.is_some()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_log_and_a_database_are_named_in_properties_and_in_yaml() {
        let places = |text: &str| super::places(text.as_bytes());
        let file = |path: &str| vec![(path.to_owned(), false)];
        let folder = |path: &str| vec![(path.to_owned(), true)];
        assert_eq!(places("server.port=8080\nlogging.file.name=logs/app.log\n"), file("logs/app.log"));
        assert_eq!(places("logging.file=${LOG:/var/log/shop.log}\n"), file("/var/log/shop.log"));
        assert_eq!(places("logging.file.path: logs\n"), folder("logs"));
        assert_eq!(places("logging:\n  level:\n    root: info\n  file:\n    name: \"app.log\"\n"), file("app.log"));
        assert_eq!(places("logging:\n  file:\n    max-size: 1MB\n    path: /srv/logs\n"), folder("/srv/logs"));
        assert_eq!(places("<appender><file>logs/app.log</file></appender>"), file("logs/app.log"));
        assert_eq!(places("<property name=\"LOG_DIR\" value=\"${LOGS:-logs}\"/>"), folder("logs"));
        assert_eq!(places("<Property name=\"path\">/var/log/shop</Property>"), folder("/var/log/shop"));
        assert_eq!(places("<RollingFile fileName=\"${sys:logs:-logs}/app.log\"/>"), file("logs/app.log"));
        assert_eq!(places("<property name=\"PATTERN\" value=\"%d %m%n\"/>"), []);
        assert_eq!(places("# logging.file=app.log\nlogging.level.root=info\n"), []);
        assert_eq!(places("spring.datasource.url=jdbc:h2:file:./data/shop;MODE=MySQL\n"), file("./data/shop"));
        assert_eq!(places("url: jdbc:sqlite:shop.db\n"), file("shop.db"));
        assert_eq!(places("url: jdbc:h2:mem:shop\nother: jdbc:h2:~/shop\nthird: jdbc:sqlite::memory:\n"), []);
    }
}
