//! What BuildKit makes of an instruction's arguments, and which instructions it refuses.

use super::instruction::{Flag, Form, Instruction, Keyword, check_parts, flags};
use super::words;

/// Which flags an instruction takes.
enum Flags {
    /// It never looks at them.
    Ignored,
    /// These, by kind.
    Known(&'static [(&'static str, Kind)]),
}

/// What a flag's value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `--link` or `--link=true`.
    Switch,
    /// `--chown=VALUE`, once.
    Text,
    /// `--mount=VALUE`, as often as wanted.
    Many,
}

const ADD: &[(&str, Kind)] = &[
    ("chown", Kind::Text),
    ("chmod", Kind::Text),
    ("link", Kind::Switch),
    ("keep-git-dir", Kind::Switch),
    ("checksum", Kind::Text),
    ("unpack", Kind::Switch),
    ("exclude", Kind::Many),
];
const COPY: &[(&str, Kind)] = &[
    ("chown", Kind::Text),
    ("from", Kind::Text),
    ("chmod", Kind::Text),
    ("link", Kind::Switch),
    ("exclude", Kind::Many),
    ("parents", Kind::Switch),
];
const RUN: &[(&str, Kind)] =
    &[("mount", Kind::Many), ("network", Kind::Text), ("security", Kind::Text), ("device", Kind::Many)];
const HEALTHCHECK: &[(&str, Kind)] = &[
    ("interval", Kind::Text),
    ("timeout", Kind::Text),
    ("start-period", Kind::Text),
    ("start-interval", Kind::Text),
    ("retries", Kind::Text),
];

/// A flag as BuildKit has it.
fn flag_text(flag: &Flag<'_>) -> String {
    match &flag.value {
        Some(value) => format!("--{}={value}", flag.name),
        None => format!("--{}", flag.name),
    }
}

/// Lower case as Go has it, where a letter stays one letter.
fn lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

impl Instruction<'_> {
    /// The flags as BuildKit has them: `--name=value`, quotes and escapes taken off.
    pub fn flag_texts(&self) -> Vec<String> {
        self.flags.iter().map(flag_text).collect()
    }

    /// Whether the arguments are a JSON array; for ONBUILD, those of the instruction inside.
    pub fn is_json(&self) -> bool {
        self.inner.as_deref().map_or(matches!(self.form, Form::Json(_)), Instruction::is_json)
    }

    /// The arguments as BuildKit has them: words, the elements of a JSON array, name, value and `=` of ENV and LABEL, or
    /// one text. For ONBUILD, the name of the instruction inside, its flags, and its arguments.
    pub fn arguments(&self, escape: u8) -> Vec<String> {
        let text = || {
            let text = self.args.text.to_string();
            if text.is_empty() { Vec::new() } else { vec![text] }
        };
        let elements =
            |elements: &[(String, crate::span::Span)]| elements.iter().map(|(value, _)| value.clone()).collect();
        match self.keyword {
            Keyword::Onbuild => {
                let Some(inner) = &self.inner else {
                    // An unknown instruction inside keeps its name and its flags, and loses the rest.
                    let Some(name) = self.words().first().map(|word| word.raw) else { return Vec::new() };
                    let end = self.args.text.len();
                    let (flags, _) = flags(&self.args, name.len(), end, escape, None);
                    let mut arguments = vec![lower(name)];
                    arguments.extend(flags.iter().map(flag_text));
                    arguments.push(String::new());
                    return arguments;
                };
                let mut arguments = vec![inner.keyword.name().to_ascii_lowercase()];
                arguments.extend(inner.flag_texts());
                arguments.extend(inner.arguments(escape));
                arguments
            }
            Keyword::Arg => words::quoted_texts(&self.args.text, escape),
            Keyword::Env | Keyword::Label => {
                let pairs = self.pairs(escape);
                let old = self.is_old_pair(escape);
                let triple = |pair: words::Pair<'_>| {
                    let value = pair.value.map(|value| value.raw.to_owned()).unwrap_or_default();
                    [pair.name.raw.to_owned(), value, if old { "".into() } else { "=".into() }]
                };
                pairs.into_iter().flat_map(triple).collect()
            }
            Keyword::Healthcheck => {
                let (end, start) = check_parts(&self.args.text);
                let rest = self.args.text.get(start..).unwrap_or_default();
                let mut arguments = vec![self.args.text.get(..end).unwrap_or_default().to_owned()];
                match &self.form {
                    Form::Json(json) => arguments.extend::<Vec<String>>(elements(json)),
                    Form::Text if rest.is_empty() => {}
                    Form::Text => arguments.push(rest.to_owned()),
                }
                arguments.retain(|argument| !argument.is_empty() || self.is_json());
                arguments
            }
            Keyword::From | Keyword::Expose | Keyword::Copy | Keyword::Add | Keyword::Volume => match &self.form {
                Form::Json(json) => elements(json),
                Form::Text => self.words().iter().map(|word| word.raw.to_owned()).collect(),
            },
            _ => match &self.form {
                Form::Json(json) => elements(json),
                Form::Text => text(),
            },
        }
    }

    /// Whether a pair of ENV, LABEL or ARG has no name before its `=`.
    fn has_nameless_pair(&self, escape: u8) -> bool {
        let text = self.args.text.as_bytes();
        // Such a word starts with it, so that only what parts words can stand before it.
        let starts_word =
            |at: usize| at.checked_sub(1).and_then(|at| text.get(at)).is_none_or(|byte| !byte.is_ascii_graphic());
        memchr::memchr_iter(b'=', text).any(starts_word)
            && self.pairs(escape).iter().any(|pair| pair.name.raw.is_empty())
    }

    /// Whether ENV or LABEL is written in the old form, `NAME the rest`.
    fn is_old_pair(&self, escape: u8) -> bool {
        words::first_quoted(&self.args.text, escape).is_some_and(|first| !first.contains('='))
    }

    /// What BuildKit's parser would refuse in the arguments alone, wherever the instruction stands.
    pub(super) fn check_form(&self, escape: u8) -> Result<(), String> {
        if !matches!(self.keyword, Keyword::Env | Keyword::Label) {
            return Ok(());
        }
        let name = self.keyword.name();
        let found = words::quoted_words(&self.args.text, escape);
        let text = |&(start, end): &(usize, usize)| self.args.text.get(start..end).unwrap_or_default();
        if self.is_old_pair(escape) {
            if self.words().len() < 2 {
                return Err(format!("{name} must have two arguments"));
            }
            return Ok(());
        }
        match found.iter().map(text).find(|word| !word.contains('=')) {
            Some(word) => Err(format!("can't find = in {word:?}; it must be of the form name=value")),
            None => Ok(()),
        }
    }

    /// What BuildKit would refuse in this instruction.
    pub(super) fn check(&self, escape: u8) -> Result<(), String> {
        let name = self.keyword.name();
        self.check_form(escape)?;
        let empty = match &self.form {
            Form::Json(elements) => elements.is_empty(),
            Form::Text => self.args.text.is_empty(),
        };
        let at_least_one = || if empty { Err(format!("{name} requires at least one argument")) } else { Ok(()) };
        let exactly_one = || if empty { Err(format!("{name} requires exactly one argument")) } else { Ok(()) };
        let flags = match self.keyword {
            Keyword::From => {
                let words = self.words();
                match words.as_slice() {
                    [_] => {}
                    [_, keyword, stage] if words::is_as(keyword.raw) => {
                        let mut bytes = stage.raw.bytes().map(|byte| byte.to_ascii_lowercase());
                        let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
                        let rest =
                            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
                        if !first || !bytes.all(rest) {
                            return Err(format!("invalid name for build stage: {:?}", stage.raw));
                        }
                    }
                    _ => return Err("FROM requires either one or three arguments".into()),
                }
                Flags::Known(&[("platform", Kind::Text)])
            }
            Keyword::Add | Keyword::Copy => {
                let words = self.words();
                if words.len() < 2 {
                    return Err(format!("{name} requires at least two arguments"));
                }
                if words.last().is_some_and(|word| words::is_opener(word.raw)) {
                    return Err(format!("{name} cannot accept a heredoc as a destination"));
                }
                Flags::Known(if self.keyword == Keyword::Add { ADD } else { COPY })
            }
            Keyword::Run => Flags::Known(RUN),
            Keyword::Healthcheck => {
                at_least_one()?;
                let mut arguments = self.arguments(escape).into_iter();
                let kind = arguments.next().unwrap_or_default();
                let more = arguments.next().is_some();
                if kind.eq_ignore_ascii_case("none") {
                    if more {
                        return Err("HEALTHCHECK NONE takes no arguments".into());
                    }
                    Flags::Ignored
                } else if !kind.eq_ignore_ascii_case("cmd") {
                    return Err(format!("unknown type {kind:?} in HEALTHCHECK (try CMD)"));
                } else if !more {
                    return Err("missing command after HEALTHCHECK CMD".into());
                } else {
                    Flags::Known(HEALTHCHECK)
                }
            }
            Keyword::Env | Keyword::Label => {
                at_least_one()?;
                if self.has_nameless_pair(escape) {
                    return Err(format!("{name} names can not be blank"));
                }
                Flags::Known(&[])
            }
            Keyword::Arg => {
                at_least_one()?;
                if self.has_nameless_pair(escape) {
                    return Err("ARG names can not be blank".into());
                }
                Flags::Ignored
            }
            Keyword::Stopsignal => {
                exactly_one()?;
                Flags::Ignored
            }
            Keyword::Maintainer | Keyword::User | Keyword::Workdir => {
                exactly_one()?;
                Flags::Known(&[])
            }
            Keyword::Onbuild => {
                at_least_one()?;
                // Blanks that part no words, and letters that are others in lower case, make it no instruction that is
                // read, but one that is refused.
                let trigger = self.words().first().map(|word| word.raw.trim().to_uppercase()).unwrap_or_default();
                match trigger.as_str() {
                    "ONBUILD" => return Err("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".into()),
                    "MAINTAINER" | "FROM" => return Err(format!("{trigger} isn't allowed as an ONBUILD trigger")),
                    _ => {}
                }
                if let Some(inner) = &self.inner {
                    inner.check_form(escape)?;
                }
                Flags::Known(&[])
            }
            Keyword::Volume => {
                at_least_one()?;
                if self.words().iter().any(|volume| volume.raw.trim().is_empty()) {
                    return Err("VOLUME specified can not be an empty string".into());
                }
                Flags::Known(&[])
            }
            Keyword::Shell => {
                at_least_one()?;
                if self.form == Form::Text {
                    return Err("SHELL requires the arguments to be in JSON form".into());
                }
                Flags::Known(&[])
            }
            Keyword::Expose => {
                at_least_one()?;
                Flags::Known(&[])
            }
            Keyword::Cmd | Keyword::Entrypoint => Flags::Known(&[]),
        };
        match flags {
            Flags::Known(known) if !self.flags.is_empty() => self.check_flags(known),
            _ => Ok(()),
        }
    }

    fn check_flags(&self, known: &[(&str, Kind)]) -> Result<(), String> {
        let mut used: Vec<&str> = Vec::new();
        for flag in &self.flags {
            let name = flag.name.as_ref();
            let Some((_, kind)) = known.iter().find(|(known, _)| *known == name) else {
                return Err(format!("unknown flag: --{name}"));
            };
            if used.contains(&name) && *kind != Kind::Many {
                return Err(format!("duplicate flag specified: --{name}"));
            }
            used.push(name);
            match (kind, flag.value.as_deref()) {
                (Kind::Switch, None) => {}
                (Kind::Switch, Some(value))
                    if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") => {}
                (Kind::Switch, Some(value)) => {
                    return Err(format!("expecting boolean value for flag --{name}, not: {value}"));
                }
                (_, None) => return Err(format!("missing a value on flag: --{name}")),
                (_, Some(value)) => check_value(self.keyword, name, value)?,
            }
        }
        Ok(())
    }
}

/// Checks the value of a flag that is not free text.
fn check_value(keyword: Keyword, name: &str, value: &str) -> Result<(), String> {
    let bad = |what: &str| Err(format!("invalid {what} {value:?} for --{name}"));
    match (keyword, name) {
        (Keyword::Healthcheck, "retries") if value.is_empty() => Ok(()),
        (Keyword::Healthcheck, "retries") => match value.parse::<i32>() {
            Ok(number) if number >= 0 => Ok(()),
            _ => bad("number"),
        },
        (Keyword::Healthcheck, _) if value.is_empty() => Ok(()),
        (Keyword::Healthcheck, _) => match nanoseconds(value) {
            Some(0) => Ok(()),
            Some(length) if length >= 1_000_000 => Ok(()),
            _ => bad("duration"),
        },
        (Keyword::Run, "network") if !matches!(value, "default" | "none" | "host") => bad("network"),
        (Keyword::Run, "security") if !matches!(value, "insecure" | "sandbox") => bad("security"),
        (Keyword::Run, "mount") => {
            for field in fields(value).ok_or_else(|| format!("the mount {value:?} is no list of fields"))? {
                if let Some((key, value)) = field.split_once('=')
                    && lower(key) == "from"
                    && value.find('$').is_some_and(|at| at + 1 != value.len())
                {
                    return Err(
                        "'from' of --mount doesn't support variable expansion, define an alias stage instead".into()
                    );
                }
            }
            Ok(())
        }
        (Keyword::Run, "device") => {
            let mut named = false;
            for field in fields(value).ok_or_else(|| format!("the device {value:?} is no list of fields"))? {
                let (key, setting) = match field.split_once('=') {
                    Some((key, setting)) => (lower(key), Some(setting)),
                    None => (lower(&field), None),
                };
                match (key.as_str(), setting) {
                    ("required", None) => {}
                    ("required", Some(setting)) => {
                        let booleans =
                            ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
                        if !booleans.contains(&setting) {
                            return bad("required");
                        }
                    }
                    ("name", Some(name)) if !named => named = !name.is_empty(),
                    (_, _) if !named => named = !field.is_empty(),
                    _ => return bad("device"),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The fields of a line of comma-separated values, quotes taken off; `None` where it is none: nothing at all, a quote in
/// a field that does not start with one, a quote that is not closed.
fn fields(line: &str) -> Option<Vec<String>> {
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let mut field = String::new();
        let Some(mut quoted) = rest.strip_prefix('"') else {
            let (plain, more) = rest.split_once(',').map_or((rest, None), |(plain, more)| (plain, Some(more)));
            if plain.contains('"') {
                return None;
            }
            found.push(plain.to_owned());
            rest = match more {
                Some(more) => more,
                None => return Some(found),
            };
            continue;
        };
        loop {
            let (piece, after) = quoted.split_once('"')?;
            field.push_str(piece);
            match after.strip_prefix('"') {
                Some(after) => {
                    field.push('"');
                    quoted = after;
                }
                None => {
                    quoted = after;
                    break;
                }
            }
        }
        found.push(field);
        if quoted.is_empty() {
            return Some(found);
        }
        rest = quoted.strip_prefix(',')?;
    }
}

/// A duration as Go reads it (`1h30m`, `1.5s`, `-2ms`), in nanoseconds.
fn nanoseconds(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match rest.get(..letters)? {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        total += number * unit;
        rest = rest.get(letters..)?;
    }
    Some(if negative { -(total as i128) } else { total as i128 })
}
