//! Dockerfiles from a grammar: each is written together with the place of every piece of it, and read again.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::shell::{Node, Script};
use super::{File, Keyword, TileKind, lossless, lossless_scripts};
use crate::span::Span;

/// What stands between two words.
#[derive(Debug, Clone)]
enum Gap {
    Blanks(&'static str),
    /// An escape character with blanks around it, then comments and blank lines, then the indentation.
    Continuation {
        before: &'static str,
        after: &'static str,
        lines: Vec<&'static str>,
        indent: &'static str,
    },
}

/// The words of a command, each with what stands before it; the operator behind it, with what stands before that.
type Typed = (Vec<(Gap, String)>, Gap, &'static str);

/// A piece of a file.
#[derive(Debug, Clone)]
enum Piece {
    Line(&'static str),
    Words { keyword: Keyword, lower: bool, flags: Vec<(Gap, &'static str, &'static str)>, words: Vec<(Gap, String)> },
    Json { keyword: Keyword, gap: Gap, words: Vec<String> },
    Run { flags: Vec<(Gap, &'static str, &'static str)>, commands: Vec<Typed> },
    Heredoc { names: Vec<(Gap, &'static str, bool, bool)>, bodies: Vec<Vec<&'static str>>, copy: bool },
}

#[derive(Debug, Clone)]
struct Plan {
    mark: bool,
    directive: Option<u8>,
    crlf: bool,
    last_newline: bool,
    onbuild: bool,
    pieces: Vec<Piece>,
}

/// A text and where it stands.
type Placed = (String, Range<usize>);

/// What has to be found in an instruction.
#[derive(Debug, Default)]
struct Expected {
    keyword: Option<(Keyword, Range<usize>)>,
    onbuild: bool,
    flags: Vec<Placed>,
    words: Vec<Placed>,
    /// Whether the words are those of a script.
    shell: bool,
    bodies: Vec<Placed>,
}

struct Writer {
    out: Vec<u8>,
    escape: u8,
    eol: &'static str,
}

impl Writer {
    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.out.len();
        self.out.extend_from_slice(text.as_bytes());
        start..self.out.len()
    }

    fn word(&mut self, text: &str) -> Placed {
        // What is written with a backslash is meant with the escape character of the file.
        let text = text.replace('\\', &char::from(self.escape).to_string());
        let range = self.push(&text);
        (text, range)
    }

    fn line(&mut self, text: &str) {
        self.push(text);
        self.push(self.eol);
    }

    fn gap(&mut self, gap: &Gap) {
        match gap {
            Gap::Blanks(blanks) => {
                self.push(blanks);
            }
            Gap::Continuation { before, after, lines, indent } => {
                self.push(before);
                self.out.push(self.escape);
                self.line(after);
                lines.iter().for_each(|line| self.line(line));
                self.push(indent);
            }
        }
    }

    fn flags(&mut self, flags: &[(Gap, &'static str, &'static str)], expected: &mut Expected) {
        for (gap, name, value) in flags {
            self.gap(gap);
            let range = self.push(&format!("--{name}={value}"));
            expected.flags.push((format!("--{name}={value}"), range));
        }
    }

    fn keyword(&mut self, keyword: Keyword, lower: bool, expected: &mut Expected) {
        let name = if lower { keyword.name().to_ascii_lowercase() } else { keyword.name().to_owned() };
        expected.keyword = Some((keyword, self.push(&name)));
    }

    fn piece(&mut self, piece: &Piece, onbuild: bool) -> Option<Expected> {
        let mut expected = Expected { onbuild, ..Expected::default() };
        if onbuild && !matches!(piece, Piece::Line(_)) {
            self.push("ONBUILD ");
        }
        match piece {
            Piece::Line(text) => {
                self.line(text);
                return None;
            }
            Piece::Words { keyword, lower, flags, words } => {
                self.keyword(*keyword, *lower, &mut expected);
                self.flags(flags, &mut expected);
                for (gap, word) in words {
                    self.gap(gap);
                    let word = self.word(word);
                    expected.words.push(word);
                }
                self.push(self.eol);
            }
            Piece::Json { keyword, gap, words } => {
                self.keyword(*keyword, false, &mut expected);
                self.gap(gap);
                self.push("[");
                for (at, word) in words.iter().enumerate() {
                    if at > 0 {
                        self.push(" ,");
                        self.gap(gap);
                    }
                    let range = self.push(&serde_json::to_string(word).unwrap());
                    expected.words.push((word.clone(), range));
                }
                self.push("]");
                self.push(self.eol);
            }
            Piece::Run { flags, commands } => {
                self.keyword(Keyword::Run, false, &mut expected);
                self.flags(flags, &mut expected);
                expected.shell = true;
                for (at, (words, gap, operator)) in commands.iter().enumerate() {
                    for (gap, word) in words {
                        self.gap(gap);
                        let range = self.push(word);
                        expected.words.push((word.clone(), range));
                    }
                    if at + 1 < commands.len() {
                        self.gap(gap);
                        self.push(operator);
                    }
                }
                self.push(self.eol);
            }
            Piece::Heredoc { names, bodies, copy } => {
                self.keyword(if *copy { Keyword::Copy } else { Keyword::Run }, false, &mut expected);
                for (gap, name, chomp, quoted) in names {
                    self.gap(gap);
                    let (minus, quote) = (if *chomp { "-" } else { "" }, if *quoted { "\"" } else { "" });
                    self.push(&format!("<<{minus}{quote}{name}{quote}"));
                }
                if *copy {
                    self.push(" /to/");
                }
                self.push(self.eol);
                for ((_, name, chomp, _), body) in names.iter().zip(bodies) {
                    let start = self.out.len();
                    body.iter().for_each(|line| self.line(line));
                    let range = start..self.out.len();
                    let text = String::from_utf8(self.out[range.clone()].to_vec()).unwrap();
                    expected.bodies.push((text, range));
                    let tabs = if *chomp { "\t\t" } else { "" };
                    self.line(&format!("{tabs}{name}"));
                }
            }
        }
        Some(expected)
    }
}

/// Writes a plan: the file, and what has to be found in it.
fn write(plan: &Plan) -> (Vec<u8>, Vec<Expected>) {
    let eol = if plan.crlf { "\r\n" } else { "\n" };
    let mut writer = Writer { out: Vec::new(), escape: plan.directive.unwrap_or(b'\\'), eol };
    if plan.mark {
        writer.push("\u{feff}");
    }
    if let Some(escape) = plan.directive {
        writer.line(&format!("# escape={}", char::from(escape)));
    }
    writer.line("FROM scratch");
    let found = plan.pieces.iter().filter_map(|piece| writer.piece(piece, plan.onbuild)).collect();
    if !plan.last_newline && writer.out.ends_with(eol.as_bytes()) {
        writer.out.truncate(writer.out.len() - eol.len());
    }
    (writer.out, found)
}

fn gap() -> impl Strategy<Value = Gap> {
    let blanks = || select(vec![" ", "  ", "\t", " \t "]);
    let lines =
        vec!["", "  ", "\t", "# a comment", "  # indented", "#", "# continued \\", "# <<EOF", "# it's \"", "#\u{e9} `"];
    let continuation = (blanks(), select(vec!["", " ", "\t "]), vec(select(lines), 0..3), blanks())
        .prop_map(|(before, after, lines, indent)| Gap::Continuation { before, after, lines, indent });
    prop_oneof![4 => blanks().prop_map(Gap::Blanks), 1 => continuation]
}

/// A word that stands between blanks, quotes and escapes among it.
fn plain_word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z/][a-z0-9_./:-]{0,8}",
        "[a-z\u{e9}\u{65e5}]{1,4}",
        Just("$A".to_owned()),
        Just("${B:-c}".to_owned()),
        Just("a\\$b".to_owned()),
        Just("\"q\"r".to_owned()),
        Just("a#b".to_owned()),
    ]
}

/// `NAME=value`, with white space in quotes.
fn pair() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        plain_word(),
        Just("\"two words\"".to_owned()),
        Just("'it \" is'".to_owned()),
        Just("a\\ b".to_owned()),
        Just("\"a\\\"b\"".to_owned()),
        Just(String::new()),
        Just("a=b".to_owned()),
    ];
    ("[A-Z_][A-Z0-9_]{0,5}", value).prop_map(|(name, value)| format!("{name}={value}"))
}

/// A word of a script that no escape character of a Dockerfile is in.
fn shell_word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z/][a-z0-9_./:-]{0,8}".prop_filter("a word of the shell's own", |word| {
            !["if", "fi", "do", "in", "then", "done", "else", "elif", "case", "esac", "for", "while", "until", "time",
              "select", "coproc", "function"].contains(&word.as_str())
        }),
        1 => "[\u{e9}\u{65e5}]{1,3}",
        1 => select(vec!["$A", "\"$A b\"", "${B:-c d}", "'x && y'", "\"it's\"", "$(ls -l /)", "\"$(a \"b c\" | d)\"",
                         "a*b?", "~/x", "x#y", "-f=1"]).prop_map(str::to_owned),
    ]
}

fn words<S: Strategy<Value = String>>(word: S, count: Range<usize>) -> impl Strategy<Value = Vec<(Gap, String)>> {
    vec((gap(), word), count)
}

fn flags(known: Vec<(&'static str, &'static str)>) -> impl Strategy<Value = Vec<(Gap, &'static str, &'static str)>> {
    let count = known.len();
    proptest::sample::subsequence(known, 0..=count.min(2)).prop_flat_map(|chosen| {
        let gaps = vec(gap(), chosen.len());
        gaps.prop_map(move |gaps| {
            gaps.into_iter().zip(&chosen).map(|(gap, (name, value))| (gap, *name, *value)).collect()
        })
    })
}

fn piece() -> impl Strategy<Value = Piece> {
    let line = select(vec!["", "   ", "\t", "# comment", "  # comment \\", "#", "# <<EOF", "# escape=`", "#\u{e9}"]);
    let copy =
        (flags(vec![("chown", "a:b"), ("chmod", "755"), ("link", "true")]), words(plain_word(), 2..5), any::<bool>())
            .prop_map(|(flags, words, lower)| Piece::Words { keyword: Keyword::Copy, lower, flags, words });
    let pairs = (select(vec![Keyword::Env, Keyword::Label, Keyword::Arg]), words(pair(), 1..4), any::<bool>())
        .prop_map(|(keyword, words, lower)| Piece::Words { keyword, lower, flags: Vec::new(), words });
    let expose = (select(vec![Keyword::Expose, Keyword::Volume]), words(plain_word(), 1..4), any::<bool>())
        .prop_map(|(keyword, words, lower)| Piece::Words { keyword, lower, flags: Vec::new(), words });
    let json = (
        select(vec![Keyword::Cmd, Keyword::Entrypoint, Keyword::Run, Keyword::Volume]),
        gap(),
        vec("[a-z \"\u{e9}\u{1f433}/,]{1,6}[a-z]", 1..4),
    )
        .prop_map(|(keyword, gap, words)| Piece::Json { keyword, gap, words });
    let command = (words(shell_word(), 1..5), gap(), select(vec!["&&", "||", ";", "|"]));
    let run = (flags(vec![("mount", "type=cache,target=/c"), ("network", "none")]), vec(command, 1..4))
        .prop_map(|(flags, commands)| Piece::Run { flags, commands });
    let body = select(vec![
        "a", "", "  b \\", "\tc", "FROM b", "# d", "EOF ", "xEOF", "$A `b`", "<<EOF", "\u{e9}", "'", "end", " END",
    ]);
    let name = (gap(), select(vec!["EOF", "END", "a.txt"]), any::<bool>(), any::<bool>());
    let heredoc = vec((name, vec(body, 0..5)), 1..3).prop_flat_map(|both| (Just(both), any::<bool>())).prop_map(
        |(both, copy)| {
            let (names, bodies) = both.into_iter().unzip();
            Piece::Heredoc { names, bodies, copy }
        },
    );
    prop_oneof![
        2 => line.prop_map(Piece::Line), 2 => copy, 2 => pairs, 1 => expose, 1 => json, 3 => run, 2 => heredoc,
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let directive = select(vec![None, None, Some(b'\\'), Some(b'`')]);
    (any::<bool>(), directive, any::<bool>(), any::<bool>(), any::<bool>(), vec(piece(), 0..8)).prop_map(
        |(mark, directive, crlf, last_newline, onbuild, pieces)| Plan {
            mark,
            directive,
            crlf,
            last_newline,
            onbuild,
            pieces,
        },
    )
}

/// The words of a script's commands, in source order.
fn commands(script: &Script<'_>, found: &mut Vec<(String, Span)>) {
    fn node(one: &Node<'_>, found: &mut Vec<(String, Span)>) {
        match one {
            Node::Command(command) => {
                let words = command.assignments.iter().chain(&command.words);
                found.extend(words.map(|word| (word.raw.to_string(), word.span)));
            }
            Node::Pipeline(nodes) => nodes.iter().for_each(|one| node(one, found)),
            _ => {}
        }
    }
    script.items.iter().for_each(|item| node(&item.node, found));
}

fn placed(found: impl IntoIterator<Item = (String, Span)>) -> Vec<Placed> {
    found.into_iter().map(|(text, span)| (text, span.range())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_is_read(plan in plan()) {
        let (source, expected) = write(&plan);
        let shown = String::from_utf8_lossy(&source).into_owned();
        let file = File::parse(&source).map_err(|error| TestCaseError::fail(format!("{error:?} in\n{shown}")))?;
        let joined: Vec<u8> = file.tiles.iter().flat_map(|tile| tile.span.of(&source).to_vec()).collect();
        prop_assert_eq!(&joined, &source);
        lossless(&file).and_then(|()| lossless_scripts(&file)).map_err(|what| TestCaseError::fail(format!("{what} in\n{shown}")))?;
        prop_assert_eq!(file.instructions.len(), expected.len() + 1, "{}", shown);
        for (one, expected) in file.instructions.iter().skip(1).zip(&expected) {
            let one = if expected.onbuild { one.inner.as_deref().unwrap() } else { one };
            let (keyword, range) = expected.keyword.clone().unwrap();
            prop_assert_eq!((one.keyword, one.keyword_span.range()), (keyword, range), "{}", shown);
            let flags = one.flags.iter().map(|flag| (format!("--{}={}", flag.name, flag.value.as_deref().unwrap_or("")), flag.span));
            prop_assert_eq!(&placed(flags), &expected.flags, "{}", shown);
            let bodies = one.heredocs.iter().map(|heredoc| (heredoc.text(), heredoc.body_span));
            prop_assert_eq!(&placed(bodies), &expected.bodies, "{}", shown);
            if !expected.bodies.is_empty() {
                continue;
            }
            let mut found: Vec<(String, Span)> = Vec::new();
            if expected.shell {
                let script = one.script();
                prop_assert!(script.is_some(), "no script in\n{}", shown);
                commands(&script.unwrap(), &mut found);
            } else if matches!(keyword, Keyword::Env | Keyword::Label | Keyword::Arg) {
                for pair in one.pairs(file.escape) {
                    let value = pair.value.unwrap();
                    let range = pair.name.span.to(value.span);
                    found.push((format!("{}={}", pair.name.raw, value.raw), range));
                }
            } else {
                found.extend(one.words().iter().map(|word| (word.raw.to_owned(), word.span)));
            }
            let mut found = placed(found);
            for ((_, range), (text, other)) in found.iter_mut().zip(&expected.words) {
                // An empty value stands behind its `=`.
                if text.ends_with('=') && range.end + 1 == other.end {
                    range.end = other.end;
                }
            }
            prop_assert_eq!(&found, &expected.words, "{}", shown);
        }
    }

    #[test]
    fn no_text_loses_a_byte(pieces in vec(select(vec![
        "FROM a\n", "RUN ", "COPY ", "ENV ", "ONBUILD ", "CMD ", "A=b ", "--x=y ", "x ", "\\", "`", "\n", "\r\n", "\\\n", " ", "\t",
        "#", "# escape=`\n", "\"", "'", "<<", "<<-", "EOF", "EOF\n", "[", "]", ",", "${", "}", "$(", ")", "&&", ";", "|", "\u{e9}",
        "\u{feff}", "\u{a0}", "\u{2028}", "if ", "fi", "for i in ", "do ", "done", "(", "{ ", "case ", "esac",
    ]), 0..40)) {
        let source = format!("FROM a\n{}", pieces.concat());
        if let Ok(file) = File::parse(source.as_bytes()) {
            let tiles = file.tiles.iter().filter(|tile| matches!(tile.kind, TileKind::Instruction(_))).count();
            prop_assert_eq!(tiles, file.instructions.len());
            lossless(&file).and_then(|()| lossless_scripts(&file)).map_err(|what| TestCaseError::fail(format!("{what} in\n{source}")))?;
        }
    }
}
