//! The commands of a RUN: taken out of it, moved out of it, or parted from those before.

use super::Layout;
use crate::edit::Edit;
use crate::span::Span;
use crate::syntax::shell::{Item, Node, Operator};
use crate::syntax::{File, Instruction, Keyword};

/// Takes the command `at` out of the list of a RUN, with the operator that joins it and the comments right above it.
///
/// `None` where that would change what else runs, or there is no telling: the only command, a list of anything but `&&`
/// or of anything but `;` and line ends around it, a line that opens here-documents as input, a script that can't be read.
pub fn remove_command(file: &File<'_>, instruction: &Instruction<'_>, at: usize) -> Option<Vec<Edit>> {
    if !reaches_in(instruction) {
        return None;
    }
    let script = instruction.script()?;
    let items = &script.items;
    let item = items.get(at)?;
    let before = at.checked_sub(1).and_then(|before| items.get(before));
    let joints =
        before.into_iter().chain([item]).map(|item| item.operator).filter(|operator| *operator != Operator::End);
    let joints: Vec<Operator> = joints.collect();
    let first = *joints.first()?;
    if !matches!(first, Operator::And | Operator::Then) || joints.iter().any(|operator| *operator != first) {
        return None;
    }
    let Some(before) = before else {
        // The comments between the first command and the second are about the second.
        let next = items.get(1)?;
        let between = Span { start: item.span.end, end: next.span.start };
        if comments(file, between).is_empty() {
            return Some(vec![Edit::delete(Span { start: item.span.start, end: next.span.start })]);
        }
        let operator = operator(file, between)?;
        return Some(match comments(file, Span { start: item.span.end, end: operator.start }).is_empty() {
            true => vec![Edit::delete(item.span.to(operator))],
            false => vec![Edit::delete(item.span), Edit::delete(operator)],
        });
    };
    Some(vec![Edit::delete(Span { start: before.span.end, end: item.span.end })])
}

/// Ends a RUN before its command `at`, which starts a RUN of its own with the same flags. The comments between the two
/// stand above the new one.
///
/// What a command leaves behind in its shell, a folder or a variable, does not reach into another RUN; whether anything
/// needs it is for the caller to know. `None` where the two are not joined by `&&`, or there is no telling: here-documents,
/// a script that can't be read, flags over several lines.
pub fn split_run(
    file: &File<'_>,
    layout: &Layout<'_, '_>,
    instruction: &Instruction<'_>,
    at: usize,
) -> Option<Vec<Edit>> {
    if !instruction.heredocs.is_empty() || !reaches_in(instruction) {
        return None;
    }
    let script = instruction.script()?;
    let (before, item) = (script.items.get(at.checked_sub(1)?)?, script.items.get(at)?);
    if before.operator != Operator::And {
        return None;
    }
    let between = Span { start: before.span.end, end: item.span.start };
    let mut text = layout.eol().to_owned();
    for comment in comments(file, between) {
        text.push_str(comment);
        text.push_str(layout.eol());
    }
    text.push_str(&head(file, layout, instruction)?);
    Some(vec![Edit::replace(between, text)])
}

/// Takes the command `at` out of a RUN and makes a RUN of it, with the same flags, before the instruction `to`.
///
/// `None` where [`remove_command`] has none, and for here-documents, whose commands have lines of their own.
pub fn move_command(
    file: &File<'_>,
    layout: &Layout<'_, '_>,
    instruction: &Instruction<'_>,
    at: usize,
    to: usize,
) -> Option<Vec<Edit>> {
    if !instruction.heredocs.is_empty() {
        return None;
    }
    let mut edits = remove_command(file, instruction, at)?;
    let script = instruction.script()?;
    let Item { span, .. } = script.items.get(at)?;
    let text = span.text(file.source);
    let above = comments_above(file, &script.items, at);
    let lines: String = above.iter().map(|comment| format!("{comment}{}", layout.eol())).collect();
    edits.push(layout.insert_before(to, format!("{lines}{}{text}", head(file, layout, instruction)?)));
    Some(edits)
}

/// Puts a command behind the last one of a RUN, to run where all before it went well, in the hand of the RUN.
///
/// `None` where it would not run then, or there is no telling: here-documents, a script that can't be read, one that
/// leaves by itself or goes on behind its end, anything behind the last command.
pub fn append_command(
    file: &File<'_>,
    layout: &Layout<'_, '_>,
    instruction: &Instruction<'_>,
    command: &str,
) -> Option<Edit> {
    let plain = instruction.keyword == Keyword::Run && instruction.heredocs.is_empty();
    if !plain || instruction.dangling.is_some() || instruction.hangs {
        return None;
    }
    let script = instruction.script()?;
    let (last, before) = script.items.split_last()?;
    let leaves = |item: &Item<'_>| {
        let ends = ["exec", "exit", "return"];
        words(item).is_some_and(|mut all| all.next().is_some_and(|first| ends.contains(&first)))
    };
    let tail = Span { start: last.span.end, end: instruction.span.end };
    if script.items.iter().any(leaves)
        || before.iter().any(|item| item.operator == Operator::Background)
        || !tail.text(file.source).trim().is_empty()
    {
        return None;
    }
    // Under `set -e` a `;` goes on only where all went well. Before `&&`, the shell would not stop in a loop or an `if`.
    let strict = script.items.first().and_then(words).is_some_and(|words| {
        let words: Vec<&str> = words.collect();
        words.first() == Some(&"set") && words.iter().any(|word| word.starts_with('-') && word.contains('e'))
    });
    let joint =
        before.last().filter(|item| item.operator == Operator::And || strict && item.operator == Operator::Then);
    if matches!(last.node, Node::Compound(_)) && !joint.is_some_and(|item| item.operator == Operator::Then) {
        return None;
    }
    let written = joint.map(|item| item.operator_span.text(file.source)).filter(|text| !text.contains('#'));
    let text = match (written.filter(|text| text.contains('\n')), joint) {
        (Some(written), _) => format!("{written}{command}"),
        (None, Some(Item { operator: Operator::Then, .. })) => format!("; {command}"),
        (None, _) => {
            let short = instruction.lines.0 == instruction.lines.1
                && instruction.span.len() + " && ".len() + command.len() <= super::WIDTH;
            if short { format!(" && {command}") } else { format!("{}{command}", layout.joint()) }
        }
    };
    Some(Edit::insert(last.span.end as usize, text))
}

/// The words of a simple command, as they are written; `None` for anything else.
fn words<'i>(item: &'i Item<'_>) -> Option<impl Iterator<Item = &'i str>> {
    match &item.node {
        Node::Command(command) => Some(command.words.iter().map(|word| word.raw.as_ref())),
        _ => None,
    }
}

/// The comments right above the command `at` of a script, without their indentation, in the order that they stand in.
///
/// Those above the first command stand above the instruction, and belong to it.
pub fn comments_above<'s>(file: &File<'s>, items: &[Item], at: usize) -> Vec<&'s str> {
    match (at.checked_sub(1).and_then(|before| items.get(before)), items.get(at)) {
        (Some(before), Some(item)) => comments(file, Span { start: before.span.end, end: item.span.start }),
        _ => Vec::new(),
    }
}

/// Whether commands may be taken out of an instruction: a RUN whose script is its line, or its one here-document.
fn reaches_in(instruction: &Instruction<'_>) -> bool {
    instruction.keyword == Keyword::Run && (instruction.heredocs.is_empty() || instruction.runs_heredoc())
}

/// `RUN`, its flags as they are written, and a blank; `None` where a flag goes over several lines.
fn head(file: &File<'_>, layout: &Layout<'_, '_>, instruction: &Instruction<'_>) -> Option<String> {
    let mut head = layout.keyword("RUN");
    for flag in &instruction.flags {
        let text = flag.span.text(file.source);
        if text.contains('\n') {
            return None;
        }
        head.push(' ');
        head.push_str(text);
    }
    head.push(' ');
    Some(head)
}

/// The lines between two commands that are comments, without their indentation.
fn comments<'s>(file: &File<'s>, between: Span) -> Vec<&'s str> {
    // The first piece is the rest of the line of the command before, and the last one the start of the next one's.
    let lines = between.text(file.source).split('\n').skip(1).map(str::trim);
    lines.filter(|line| line.starts_with('#')).collect()
}

/// The `&&`, `;` or line end between two commands, which is not in a comment, and the blanks behind it.
fn operator(file: &File<'_>, between: Span) -> Option<Span> {
    let mut at = between.start as usize;
    for (number, line) in between.text(file.source).split_inclusive('\n').enumerate() {
        let comment = number > 0 && line.trim_start().starts_with('#');
        if let Some(found) = line.find(['&', ';']).filter(|_| !comment) {
            let rest = line.get(found..)?.trim_start_matches(['&', ';']);
            let end = at + line.len() - rest.trim_start_matches([' ', '\t']).len();
            return Some(Span::new(at + found, end));
        }
        at += line.len();
    }
    // In a script of lines, the first line end is it.
    let end = memchr::memchr(b'\n', between.of(file.source))? + 1;
    Some(Span::new(between.start as usize, between.start as usize + end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::EditSet;

    type Make = fn(&File<'_>, &Layout<'_, '_>, &Instruction<'_>) -> Option<Vec<Edit>>;

    /// The source with the edits for its second instruction; the scripts of both must be read.
    fn edited(source: &str, make: Make) -> Option<String> {
        let file = File::parse(source.as_bytes()).unwrap();
        let run = &file.instructions[1];
        let edits = make(&file, &Layout::new(&file, 0, 1..file.instructions.len()), run)?;
        let after = EditSet::new(edits).unwrap().apply(source.as_bytes());
        let read = File::parse(&after).unwrap_or_else(|error| panic!("{}: {}", after.escape_ascii(), error.message));
        assert!(read.instructions[1].script().is_some(), "{}", after.escape_ascii());
        Some(String::from_utf8(after).unwrap())
    }

    fn first(file: &File<'_>, _: &Layout<'_, '_>, run: &Instruction<'_>) -> Option<Vec<Edit>> {
        remove_command(file, run, 0)
    }

    fn appended(file: &File<'_>, layout: &Layout<'_, '_>, run: &Instruction<'_>) -> Option<Vec<Edit>> {
        Some(vec![append_command(file, layout, run, "chown -R app /app")?])
    }

    fn second(file: &File<'_>, _: &Layout<'_, '_>, run: &Instruction<'_>) -> Option<Vec<Edit>> {
        remove_command(file, run, 1)
    }

    #[test]
    fn a_command_goes_with_its_operator_and_its_comments() {
        let removed = |make: Make, source: &str, after: &str| {
            assert_eq!(edited(source, make).as_deref(), Some(after), "{source}");
        };
        removed(first, "FROM x\nRUN a && b && c\n", "FROM x\nRUN b && c\n");
        removed(second, "FROM x\nRUN a && b && c\n", "FROM x\nRUN a && c\n");
        removed(second, "FROM x\nRUN a && b\n", "FROM x\nRUN a\n");
        removed(second, "FROM x\nRUN a; b; c\n", "FROM x\nRUN a; c\n");
        // Operators at the start of lines, and at their end.
        let source = "FROM x\nRUN a \\\n  # of b\n  && b \\\n\n  # of c\n  && c\n";
        removed(second, source, "FROM x\nRUN a \\\n\n  # of c\n  && c\n");
        removed(first, source, "FROM x\nRUN  \\\n  # of b\n  b \\\n\n  # of c\n  && c\n");
        let source = "FROM x\r\nRUN a && \\\r\n  # of b\r\n  b && \\\r\n  # of c\r\n  c\r\n";
        removed(second, source, "FROM x\r\nRUN a && \\\r\n  # of c\r\n  c\r\n");
        removed(first, source, "FROM x\r\nRUN \\\r\n  # of b\r\n  b && \\\r\n  # of c\r\n  c\r\n");
        // Another escape character, one that hangs in the air, a script of lines.
        removed(second, "# escape=`\nFROM x\nRUN a `\n && b `\n && c\n", "# escape=`\nFROM x\nRUN a `\n && c\n");
        removed(second, "FROM x\nRUN a && \\\n b \\", "FROM x\nRUN a \\");
        removed(second, "FROM x\nRUN <<E\na\n# of b\nb\nc\nE\n", "FROM x\nRUN <<E\na\nc\nE\n");
        removed(first, "FROM x\nRUN <<E\na\nb\nE\n", "FROM x\nRUN <<E\nb\nE\n");
        removed(first, "FROM x\nRUN <<E\na\n# of b; &&\nb\nE\n", "FROM x\nRUN <<E\n# of b; &&\nb\nE\n");
    }

    #[test]
    fn a_command_stays_where_others_depend_on_it() {
        for source in ["RUN a", "RUN a || b", "RUN a && b || c", "RUN [\"a\", \"b\"]", "RUN a & b", "CMD a && b"] {
            assert_eq!(edited(&format!("FROM x\n{source}\n"), second), None, "{source}");
        }
        assert_eq!(edited("FROM x\nRUN cat <<E && b\nc\nE\n", second), None);
        assert_eq!(edited("FROM x\nRUN if a; then b && c; fi\n", first), None);
    }

    #[test]
    fn a_run_becomes_two() {
        let split: Make = |file, layout, run| split_run(file, layout, run, 1);
        let splits = |source: &str, after: &str| assert_eq!(edited(source, split).as_deref(), Some(after), "{source}");
        splits("FROM x\nRUN a && b && c\n", "FROM x\nRUN a\nRUN b && c\n");
        splits("from x\r\nrun a \\\r\n  # of b\r\n  && b", "from x\r\nrun a\r\n# of b\r\nrun b");
        splits(
            "FROM x\nRUN --mount=type=cache,target=/c --network=none a && \\\n  # of b\n\n  b \\\n\n",
            "FROM x\nRUN --mount=type=cache,target=/c --network=none a\n# of b\nRUN --mount=type=cache,target=/c \
             --network=none b \\\n\n",
        );
        splits("# escape=`\nFROM x\nRUN a `\n && b `\n && c\n", "# escape=`\nFROM x\nRUN a\nRUN b `\n && c\n");
        for source in ["RUN a; b", "RUN a || b", "RUN a", "RUN --mo\\\nunt=type=tmpfs,target=/c a && b", "CMD a && b"] {
            assert_eq!(edited(&format!("FROM x\n{source}\n"), split), None, "{source}");
        }
        assert_eq!(edited("FROM x\nRUN <<E\na && b\nE\n", split), None);
    }

    #[test]
    fn a_command_is_put_behind_the_last_in_the_hand_of_the_run() {
        let with = |run: &str| edited(&format!("FROM scratch\n{run}\nUSER app\n"), appended);
        let is = |run: &str, after: &str| {
            assert_eq!(with(run).as_deref(), Some(format!("FROM scratch\n{after}\nUSER app\n").as_str()));
        };
        is("RUN make", "RUN make && chown -R app /app");
        is("RUN --network=none a; b || true", "RUN --network=none a; b || true && chown -R app /app");
        is("RUN a && \\\n  b", "RUN a && \\\n  b && \\\n  chown -R app /app");
        is("RUN a \\\n\t&& b", "RUN a \\\n\t&& b \\\n\t&& chown -R app /app");
        is("RUN a; \\\n    b | c", "RUN a; \\\n    b | c \\\n    && chown -R app /app");
        is(
            "RUN set -ex; \\\n  for a in b; do c; done",
            "RUN set -ex; \\\n  for a in b; do c; done; \\\n  chown -R app /app",
        );
        is("RUN set -e; a", "RUN set -e; a; chown -R app /app");
    }

    #[test]
    fn no_command_is_put_behind_what_ends_otherwise() {
        for run in
            ["a;", "a &", "a & b", "a # why", "a; exit 0", "exec a", "[\"a\"]", "<<EOF\na\nEOF", "a <<EOF\nb\nEOF"]
        {
            assert_eq!(edited(&format!("FROM scratch\nRUN {run}\nUSER app\n"), appended), None, "{run}");
        }
        assert_eq!(edited("FROM scratch\nRUN a \\", appended), None);
    }

    #[test]
    fn a_command_moves_with_its_comments() {
        let moved: Make = |file, layout, run| move_command(file, layout, run, 1, 2);
        let moves = |source: &str, after: &str| assert_eq!(edited(source, moved).as_deref(), Some(after), "{source}");
        moves("FROM x\nRUN a && b && c\n# d\nCMD d\n", "FROM x\nRUN a && c\nRUN b\n# d\nCMD d\n");
        moves(
            "FROM x\r\nRUN --network=none a \\\r\n  # of b\r\n  && b \\\r\n    'c' \\\r\n  && d\r\nCMD e\r\n",
            "FROM x\r\nRUN --network=none a \\\r\n  && d\r\n# of b\r\nRUN --network=none b \\\r\n    'c'\r\nCMD e\r\n",
        );
        assert_eq!(edited("FROM x\nRUN <<E\na\nb\nE\nCMD c\n", moved), None);
    }
}
