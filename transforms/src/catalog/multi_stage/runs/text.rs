//! The text of the commands that stay, in the style of the file.

use std::borrow::Cow;

use crate::model::commands::Step;
use crate::span::Span;
use crate::surgery::comments_above;
use crate::syntax::shell::{self, Item, Node, Operator};
use crate::syntax::words::Value;

use super::super::survey::{Survey, Unit};

use super::Kept;
use super::installs::quoted;

/// The steps of a script, in pieces that can't be taken apart: a pipeline, a compound command, what `||` joins.
pub(super) fn chunks<'s>(items: &[Item], steps: &'s [Step]) -> Vec<&'s [Step]> {
    // `[ "$ARCH" = amd64 ] && ln -s …` is one.
    let asks = |at: usize| {
        items.get(at).is_some_and(|item| {
            let test = match &item.node {
                Node::Command(command) => {
                    const QUESTIONS: [&str; 7] = ["[", "command", "getent", "grep", "test", "type", "which"];
                    command.words.first().is_some_and(|word| QUESTIONS.contains(&word.raw.as_ref()))
                }
                Node::Test(_) => true,
                _ => false,
            };
            test && item.operator == Operator::And
        })
    };
    let joined = |first: usize, second: usize| {
        first == second
            || first + 1 == second && asks(first)
            || items.get(first..second).is_some_and(|between| {
                !between.is_empty()
                    && between.iter().all(|item| matches!(item.operator, Operator::Or | Operator::Background))
            })
    };
    steps.chunk_by(|first, second| joined(first.item, second.item)).collect()
}

pub(super) fn compound(items: &[Item], chunk: &[Step]) -> bool {
    chunk.first().and_then(|step| items.get(step.item)).is_some_and(|item| {
        !matches!(item.node, Node::Command(_)) || matches!(item.operator, Operator::Or | Operator::Background)
    })
}

/// Whether a piece is one command that the script starts last, and does not wait for.
pub(super) fn left_running(items: &[Item], chunk: &[Step]) -> bool {
    let [only] = chunk else { return false };
    only.item + 1 == items.len()
        && items
            .last()
            .is_some_and(|item| matches!(item.node, Node::Command(_)) && item.operator == Operator::Background)
}

/// Whether what follows a piece runs even where the piece fails.
pub(super) fn loose(items: &[Item], chunk: &[Step], strict: bool) -> bool {
    !strict && chunk.last().and_then(|step| items.get(step.item)).is_some_and(|item| item.operator == Operator::Then)
}

/// A command with the home of who ran it written out: in the runtime stage root does, until everything is there.
pub(super) fn at_home(survey: &Survey<'_, '_>, unit: &Unit<'_>, text: String) -> String {
    // What ENV says is so in both stages, whoever runs it.
    let said = matches!(survey.model.variable(unit.index, "HOME"), Value::Set(_));
    let asks = !said && (text.contains('~') || text.contains("HOME"));
    let Some(home) = survey.model.own_home(unit.index).filter(|_| asks) else { return text };
    let mut out = String::with_capacity(text.len() + home.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['~', '$']) {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        let begins = out.is_empty() || out.ends_with([' ', '\t', '=', ':', '>']);
        let sign = ["~", "$HOME", "${HOME}"].into_iter().find(|sign| {
            mark.strip_prefix(sign).is_some_and(|after| {
                let ends = after.is_empty() || after.starts_with([' ', '/', '"', ';', ')', ':', '\n', '\t']);
                ends && (*sign != "~" || begins)
            })
        });
        let length = sign.map_or(1, str::len);
        out.push_str(if sign.is_some() { &home } else { mark.get(..1).unwrap_or_default() });
        rest = mark.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The source text of a piece, with other text at some places in it: on one line, but for the lines of a heredoc, which
/// stay as they are.
pub(super) fn chunk_text(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    items: &[Item],
    chunk: &[Step],
    others: &[(Span, String)],
) -> String {
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return String::new() };
    // The exec form has no script: its words are the command.
    if items.is_empty() {
        return first.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    }
    let mut span = match items.get(first.item) {
        Some(item) => item.span,
        None => first.span,
    };
    // What is asked before has no command of its own: `[[ $ARCH == amd64 ]] && …`.
    let asked = first.item.checked_sub(1).and_then(|before| items.get(before));
    if let Some(before) = asked.filter(|item| matches!(item.node, Node::Test(_)) && item.operator == Operator::And) {
        span.start = before.span.start;
    }
    // What follows the last `||` may hold no command that is read: `|| true` has one, `|| :` too.
    let mut end = last.item;
    while items.get(end).is_some_and(|item| matches!(item.operator, Operator::Or | Operator::Background))
        && end + 1 < items.len()
    {
        end += 1;
    }
    if let Some(item) = items.get(end) {
        span.end = item.span.end.max(span.end);
    }
    let source = survey.model.file.source;
    let mut text = String::new();
    let mut start = span.start;
    for (place, other) in others {
        text.push_str(Span { start, end: place.start }.text(source));
        text.push_str(other);
        start = place.end;
    }
    text.push_str(Span { start, end: span.end }.text(source));
    if !unit.instruction.runs_heredoc() {
        return one_line(survey, &text);
    }
    if let Some(item) = items.get(end) {
        text.push_str(documents(survey, &item.node, span.end).text(source));
    }
    text
}

/// The lines of the here-documents that a piece of a heredoc opens, from the end of the piece on; none where other commands
/// stand between.
fn documents(survey: &Survey<'_, '_>, node: &Node, from: u32) -> Span {
    fn names<'n>(node: &'n Node<'_>, found: &mut Vec<(bool, Cow<'n, str>)>) {
        match node {
            Node::Command(command) => {
                for redirect in command.redirects.iter().filter(|one| matches!(one.operator.as_ref(), "<<" | "<<-")) {
                    // What is read may hold the lines as well.
                    let name = shell::literal(redirect.target.raw.lines().next().unwrap_or_default());
                    found.extend(name.map(|name| (redirect.operator == "<<-", name)));
                }
            }
            Node::Pipeline(nodes) => nodes.iter().for_each(|node| names(node, found)),
            Node::Compound(_) | Node::Test(_) => {}
        }
    }
    let mut open = Vec::new();
    names(node, &mut open);
    let rest = Span { start: from, end: survey.model.file.source.len() as u32 }.text(survey.model.file.source);
    let mut end = from;
    let mut open = open.into_iter().peekable();
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        let Some((tabs, name)) = open.peek() else { break };
        let bare = line.trim_end_matches(['\r', '\n']);
        match number {
            0 if !bare.trim().is_empty() => return Span { start: from, end: from },
            0 => {}
            _ if bare == *name || *tabs && bare.trim_start_matches('\t') == *name => {
                open.next();
            }
            _ => {}
        }
        end += (if open.peek().is_some() { line.len() } else { bare.len() }) as u32;
    }
    Span { start: from, end }
}

/// A command over several lines as one. What stands in quotes keeps its blanks: they are its content.
pub(super) fn one_line(survey: &Survey<'_, '_>, text: &str) -> String {
    let escape = char::from(survey.model.file.escape);
    let mut joined = String::new();
    let mut quote = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let ends = line.trim_end();
        let cut = ends.strip_suffix(escape).unwrap_or(ends);
        let (line, blank) = if quote.is_some() { (cut, "") } else { (cut.trim_start(), " ") };
        if !joined.is_empty() && !joined.ends_with(' ') {
            joined.push_str(blank);
        }
        quote = open_quote(line, quote);
        joined.push_str(if quote.is_some() { line } else { line.trim_end() });
        // A line of a heredoc ends where it ends.
        if quote.is_some() && cut.len() == ends.len() {
            joined.push(' ');
        }
    }
    let joined = joined.trim_end_matches([';', '&', ' ']);
    match is_list(joined) {
        true => joined.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        false => joined.to_owned(),
    }
}

/// Whether a text does nothing but give a variable words over several lines: the blanks between them are only layout.
fn is_list(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let words = ['\'', '"'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && words.is_some_and(|words| words.contains("  ") && !words.contains(['\'', '"', '`', '(', '=']))
}

/// The quote that is open at the end of a line, with the one that was open at its start.
fn open_quote(line: &str, mut open: Option<char>) -> Option<char> {
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, open) {
            ('\\', None | Some('"')) => {
                letters.next();
            }
            ('\'' | '"', None) => open = Some(letter),
            (_, Some(quote)) if letter == quote => open = None,
            _ => {}
        }
    }
    open
}

/// Commands as the lines of one RUN, in the manner of the instruction that they come from.
pub(super) fn layout(survey: &Survey<'_, '_>, unit: &Unit<'_>, items: &[Item], kept: &[Kept]) -> String {
    let text = unit.instruction.span.text(survey.model.file.source);
    let escape = char::from(survey.model.file.escape);
    let eol = survey.model.file.eol.text();
    let leading = text.lines().skip(1).any(|line| line.trim_start().starts_with("&&"));
    let indent = text
        .lines()
        .skip(1)
        // A comment may stand behind the words of its line.
        .find(|line| {
            !line.trim().is_empty() && !line.trim_start().starts_with('#') && unit.instruction.heredocs.is_empty()
        })
        .map(|line| line.get(..line.len() - line.trim_start().len()).unwrap_or(""))
        .filter(|indent| !indent.is_empty())
        .unwrap_or("    ");
    // Words that go on stand deeper than their command, and not twice as deep where that is deep already.
    let (deeper, start) = if indent.len() > 8 { ("    ", 4) } else { (indent, indent.len() * 2) };
    // What is said of a command holds for it as long as it is as it was.
    let said = |kept: &Kept| match items.get(kept.item).map(|item| item.span.text(survey.model.file.source)) {
        Some(text) if text == kept.text || one_line(survey, text) == kept.text => {
            let mut above = comments_above(survey.model.file, items, kept.item);
            // A line that goes on is a command or a word that somebody took out.
            let out = above.iter().rposition(|comment| comment.ends_with([escape, '&', ';'])).map_or(0, |at| at + 1);
            above.split_off(out)
        }
        _ => Vec::new(),
    };
    if unit.instruction.runs_heredoc()
        && let [heredoc] = unit.instruction.heredocs.as_slice()
    {
        // The opener, with the flags before it and what else stands on its line.
        let line = text.lines().next().unwrap_or_default();
        let opener = line.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim());
        let mut out = opener.to_owned();
        // How the shell takes failures is said at the start.
        let set = unit.steps.iter().take_while(|step| step.program() == "set");
        let mut lines: Vec<String> = set.map(|step| step.span.text(survey.model.file.source).to_owned()).collect();
        let mut before: Option<&Kept> = None;
        for command in kept {
            let above = before.filter(|before| before.item < command.item).and_then(|before| items.get(before.item));
            let joined = above.is_some_and(|item| item.operator == Operator::And);
            match lines.last_mut().filter(|_| joined) {
                Some(line) => line.push_str(&format!(" && {}", command.text)),
                None => {
                    lines.extend(said(command).into_iter().map(str::to_owned));
                    lines.push(command.text.clone());
                }
            }
            before = Some(command);
        }
        lines.push(heredoc.name.clone());
        for line in lines {
            out.push_str(eol);
            out.push_str(&line);
        }
        return out;
    }
    let many =
        text.lines().count() > 1 && kept.len() > 1 || kept.iter().map(|kept| kept.text.len() + 4).sum::<usize>() > 110;
    let mut out = String::new();
    for (at, command) in kept.iter().enumerate() {
        if at > 0 {
            let operator = if kept.get(at - 1).is_some_and(|before| before.loose) { ";" } else { "&&" };
            let said: String = said(command).iter().map(|comment| format!("{indent}{comment}{eol}")).collect();
            match (many, leading && operator == "&&") {
                (false, _) => out.push_str(if operator == ";" { "; " } else { " && " }),
                (true, true) => out.push_str(&format!(" {escape}{eol}{said}{indent}&& ")),
                (true, false) => out.push_str(&format!(" {operator} {escape}{eol}{said}{indent}")),
            }
        }
        if command.installs && many && command.text.len() > 90 {
            let mut width = 0;
            let mut quote = None;
            for (at, word) in command.text.split(' ').enumerate() {
                if at > 0 {
                    if width + word.len() > 90 && quote.is_none() {
                        out.push_str(&format!(" {escape}{eol}{indent}{deeper}"));
                        width = start;
                    } else {
                        out.push(' ');
                    }
                }
                out.push_str(word);
                width += word.len() + 1;
                // What stands in quotes stays in one line.
                for mark in word.chars().filter(|c| matches!(c, '"' | '\'')) {
                    quote = if quote == Some(mark) { None } else { quote.or(Some(mark)) };
                }
            }
        } else {
            out.push_str(&command.text);
        }
    }
    out
}
