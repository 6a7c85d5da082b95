//! Which scripts are given to the grammar at all.
//!
//! The grammar is a recursive descent: what nests costs it stack, and substitutions inside each other cost it more than
//! their length. The bounds are several times what any real Dockerfile has (measured on 280,000 RUN instructions: 6 deep,
//! 15 compound commands, 573 separators, 15 KB), and well below what a thread of two mebibytes can hold.

/// The longest script, in bytes.
const MAX_SCRIPT: usize = 64 * 1024;

/// How deep parentheses and braces may nest, whatever they mean.
pub(super) const MAX_NESTING: usize = 12;

/// How many compound commands there may be, nested or not.
const MAX_COMPOUNDS: usize = 100;

/// How many separators: the grammar recurses along a list.
const MAX_SEPARATORS: usize = 3000;

/// How many operators, where there is arithmetic or a test: the grammar recurses along them.
const MAX_OPERATORS: usize = 2000;

/// What the scripts of a file may cost together, as [`cost`] has it: some tenths of a second.
pub const MAX_COST: u64 = 40_000_000;

/// What it costs to read a script, beyond what its length does, in units of about ten nanoseconds: each substitution is
/// read again with everything that is around it. Nothing for what does not nest.
pub fn cost(text: &str) -> u64 {
    let depth = nesting(text) as u64;
    if depth < 3 { 0 } else { depth.min(MAX_NESTING as u64).pow(3) * text.len() as u64 }
}

/// Whether the grammar reads `text` in bounded time and stack.
pub(super) fn is_tractable(text: &str) -> bool {
    if text.len() > MAX_SCRIPT {
        return false;
    }
    // A text that is shorter than a bound can't pass it.
    // There may not be enough of them, whatever their order; counting is several times faster than following.
    let opening = || memchr::memchr2_iter(b'(', b'{', text.as_bytes());
    if text.len() > MAX_NESTING && opening().nth(MAX_NESTING).is_some() && nesting(text) > MAX_NESTING {
        return false;
    }
    let bytes = text.as_bytes();
    if text.len() > MAX_SEPARATORS {
        let separators = bytes.iter().filter(|byte| matches!(byte, b';' | b'&' | b'|' | b'\n' | b'(' | b'{'));
        if separators.count() > MAX_SEPARATORS {
            return false;
        }
    }
    if text.len() > MAX_OPERATORS && ["((", "[[", "$["].iter().any(|open| text.contains(open)) {
        let operators =
            bytes.iter().filter(|byte| matches!(byte, b'-' | b'+' | b'!' | b'~' | b'=' | b'?' | b'<' | b'>'));
        if operators.count() > MAX_OPERATORS {
            return false;
        }
    }
    true
}

/// Whether the grammar follows as many compound commands as `text` may hold. What is read the short way holds none.
pub(super) fn has_few_compounds(text: &str) -> bool {
    text.len() <= 2 * MAX_COMPOUNDS || compounds(text) <= MAX_COMPOUNDS
}

/// The deepest nesting of opening brackets, whatever they mean. Backticks can't nest without being escaped, and so twice
/// as often each time.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// How many words open a compound command, wherever they stand.
fn compounds(text: &str) -> usize {
    let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
    words.filter(|word| matches!(*word, b"if" | b"while" | b"until" | b"for" | b"case" | b"select")).count()
}

#[cfg(test)]
mod tests {
    use super::super::parse_alone;

    /// Asks for the script in a thread with the stack that a thread has by default.
    fn in_a_thread(text: String) -> bool {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn(move || parse_alone(&text).is_some()).unwrap().join().unwrap()
    }

    /// Every way to recurse, `count` levels deep.
    fn towers(count: usize) -> Vec<(&'static str, String)> {
        let tower = |before: &str, middle: &str, after: &str| before.repeat(count) + middle + &after.repeat(count);
        vec![
            ("if", tower("if a; then ", "b", "; fi")),
            ("condition", tower("if ", "b", "; then c; fi")),
            ("elif", format!("if a; then b; {}fi", "elif a; then b; ".repeat(count))),
            ("while", tower("while a; do ", "b", "; done")),
            ("for", tower("for a in b; do ", "c", "; done")),
            ("select", tower("select a in b; do ", "c", "; done")),
            ("case", tower("case a in b) ", "c", ";; esac")),
            ("function", tower("f() ", "{ a; }", "")),
            ("function word", tower("function f { ", "a", "; }")),
            ("subshell", tower("(", "a", ")")),
            ("group", tower("{ ", "a", "; }")),
            ("substitution", tower("echo $(", "a", ")")),
            ("quoted substitution", tower("echo \"$(", "a", ")\"")),
            ("process substitution", tower("a <(", "b", ")")),
            ("parameter", format!("echo {}", tower("${A:-", "b", "}"))),
            ("arithmetic", format!("echo $(({}))", tower("(", "1", ")"))),
            ("sign", format!("echo $(({}1))", "-".repeat(count))),
            ("assignment", format!("echo $(({}1))", "a=".repeat(count))),
            ("condition of arithmetic", format!("echo $(({}))", tower("1?", "2", ":3"))),
            ("test", format!("[[ {} ]]", tower("( ", "a", " )"))),
            ("negated test", format!("[[ {}a ]]", "! ".repeat(count))),
            ("and", format!("{}$(b)", "a&&".repeat(count))),
            ("or", format!("{}$(b)", "a||".repeat(count))),
            ("then", format!("{}$(b)", "a;".repeat(count))),
            ("line", format!("{{ {}$(b); }}", "a\n".repeat(count))),
            ("pipe", format!("{}$(b)", "a|".repeat(count))),
            ("background", format!("{}$(b)", "a&".repeat(count))),
            ("not", format!("{}a", "! ".repeat(count))),
            ("time", format!("{}a", "time ".repeat(count))),
            ("brace", format!("a{}", "{".repeat(count))),
            ("heredoc", format!("cat{}\n{}", " <<E".repeat(count), "x\nE\n".repeat(count))),
            ("backtick", format!("echo {}", "`a`".repeat(count))),
            ("word", format!("{}$(b)", "a ".repeat(count))),
        ]
    }

    #[test]
    fn nothing_that_nests_overflows_the_stack() {
        for count in [11, 99, 1000, 3000, 20_000] {
            for (name, text) in towers(count) {
                // Whether it is read is another question; what matters is that the answer comes.
                let read = in_a_thread(text);
                assert!(
                    read || count > 11 || matches!(name, "brace" | "line" | "arithmetic" | "not" | "time"),
                    "{name} {count}"
                );
            }
        }
    }
}
