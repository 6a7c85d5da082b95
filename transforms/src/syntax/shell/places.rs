//! Where words and substitutions end, where the grammar does not say.

use std::borrow::Cow;

use super::super::instruction::Logical;

/// The next word of `text` from byte `at` on, behind blanks, line ends, comments and semicolons: its first byte and one
/// past its last.
pub(super) fn word(text: &str, mut at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\n' => at += 1,
            b'\\' if bytes.get(at + 1) == Some(&b'\n') => at += 2,
            b'#' => at += memchr::memchr(b'\n', bytes.get(at..)?)?,
            _ => break,
        }
    }
    let start = at;
    let mut double = false;
    while let Some(byte) = bytes.get(at) {
        let after = bytes.get(at + 1);
        match byte {
            b'\\' => at += 1,
            b'"' => double = !double,
            b'\'' if !double => at += 1 + memchr::memchr(b'\'', bytes.get(at + 1..)?)?,
            b'`' => at = backtick_end(bytes, at + 1)?,
            b'$' if after == Some(&b'\'') && !double => at = ansi_end(bytes, at + 2)?,
            b'$' if after == Some(&b'{') => at = closing_brace(bytes, at + 2)?,
            b'$' if after == Some(&b'(') => at = closing(bytes, at + 2)?,
            b'<' | b'>' if after == Some(&b'(') && !double => at = closing(bytes, at + 2)?,
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' if !double => break,
            _ => {}
        }
        at += 1;
    }
    (at > start && at <= bytes.len()).then_some((start, at))
}

/// The parenthesis that closes a substitution whose inside starts at `at`.
pub(super) fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1usize;
    let mut double = false;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 1,
            b'"' => double = !double,
            b'\'' if !double => at += 1 + memchr::memchr(b'\'', bytes.get(at + 1..)?)?,
            // Quotes inside a substitution are its own, whatever is around it.
            b'$' if double && bytes.get(at + 1) == Some(&b'(') => at = closing(bytes, at + 2)?,
            b'(' if !double => depth += 1,
            b')' if !double => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The brace that closes `${`, whose inside starts at `at`.
fn closing_brace(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1usize;
    let mut double = false;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 1,
            b'"' => double = !double,
            b'\'' if !double => at += 1 + memchr::memchr(b'\'', bytes.get(at + 1..)?)?,
            b'$' if bytes.get(at + 1) == Some(&b'(') => at = closing(bytes, at + 2)?,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The quote that closes `$'`, whose inside starts at `at`.
pub(super) fn ansi_end(bytes: &[u8], at: usize) -> Option<usize> {
    unescaped_end(bytes, at, b'\'')
}

/// The backtick that closes the one whose inside starts at `at`.
pub(super) fn backtick_end(bytes: &[u8], at: usize) -> Option<usize> {
    unescaped_end(bytes, at, b'`')
}

fn unescaped_end(bytes: &[u8], mut at: usize, end: u8) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            byte if *byte == end => return Some(at),
            _ => at += 1,
        }
    }
}

/// Whether `$(` at `at` opens arithmetic: two parentheses that are closed together.
pub(super) fn is_arithmetic(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 2) == Some(&b'(') && closing(bytes, at + 3).is_none_or(|inner| bytes.get(inner + 1) == Some(&b')'))
}

/// The inside of backticks as the shell reads it: backslashes before a dollar, a backtick or another backslash are off.
pub(super) fn unescaped(inner: &str, map: &Logical<'_>) -> Logical<'static> {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut text = String::with_capacity(inner.len());
    let mut runs: Vec<(u32, u32)> = Vec::new();
    // The pieces of the source that the inside has anyway, and those that a missing backslash makes.
    let mut pieces = map.runs.iter().map(|(at, _)| *at as usize).peekable();
    let mut new_piece = true;
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        while pieces.next_if(|piece| *piece <= at).is_some() {
            new_piece = true;
        }
        if c == '\\' && matches!(chars.peek(), Some((_, '$' | '`' | '\\'))) {
            new_piece = true;
            if let Some((at, escaped)) = chars.next() {
                while pieces.next_if(|piece| *piece <= at).is_some() {}
                runs.push((offset(text.len()), offset(map.source_offset(at))));
                text.push(escaped);
            }
            continue;
        }
        if new_piece {
            runs.push((offset(text.len()), offset(map.source_offset(at))));
            new_piece = false;
        }
        text.push(c);
    }
    Logical { text: Cow::Owned(text), runs }
}
