//! A look at a document before it is parsed: how many tokens, how deeply nested. The parser
//! recurses, so what is nested too deeply must never reach it.

use std::str::Bytes;

/// What a document's text amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub tokens: usize,
    /// The deepest nesting of any brackets.
    pub nesting: usize,
}

impl Size {
    /// Counts as the GraphQL specification tells tokens apart. What is no GraphQL at all is the
    /// parser's to refuse.
    pub fn of(text: &str) -> Self {
        let mut size = Self::default();
        let mut depth = 0_usize;
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => continue,
                b'#' => {
                    skip_while(&mut rest, |byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b'"' => string(&mut rest),
                b'{' | b'[' | b'(' => {
                    depth += 1;
                    size.nesting = size.nesting.max(depth);
                }
                b'}' | b']' | b')' => depth = depth.saturating_sub(1),
                b'.' => skip_while(&mut rest, |byte| byte == b'.'),
                b'_' | b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => {
                    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
                    skip_while(&mut rest, part);
                }
                _ => {}
            }
            size.tokens += 1;
        }
        size
    }
}

fn skip_while(rest: &mut Bytes<'_>, more: impl Fn(u8) -> bool) {
    while rest.clone().next().is_some_and(&more) {
        rest.next();
    }
}

/// Behind the first quote: to the end of the string, or of the block string.
fn string(rest: &mut Bytes<'_>) {
    let starts = |rest: &Bytes<'_>, with: &str| rest.clone().take(with.len()).eq(with.bytes());
    if !starts(rest, "\"\"") {
        while let Some(byte) = rest.next() {
            match byte {
                b'\\' => drop(rest.next()),
                b'"' | b'\n' | b'\r' => return,
                _ => {}
            }
        }
        return;
    }
    rest.nth(1);
    loop {
        if starts(rest, "\"\"\"") {
            rest.nth(2);
            return;
        }
        if starts(rest, "\\\"\"\"") {
            rest.nth(2);
        }
        if rest.next().is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        let count = |text: &str| Size::of(text).tokens;
        assert_eq!(count(""), 0);
        assert_eq!(count("query Q($a: Int = -1.5e3) { f(a: $a) ...F @skip(if: true) }"), 28);
        assert_eq!(count("# { a }\n{ a, b # c\r d }"), 5);
        assert_eq!(count(r#"{ a(b: "x } \" { y") }"#), 8);
        assert_eq!(count("{ a(b: \"\"\"x \\\"\"\" } \" { y\"\"\") c }"), 9);
        assert_eq!(count("{ a(b: \"\") c(d: \"\"\"\"\"\") }"), 14);
    }

    #[test]
    fn nesting_is_that_of_all_brackets() {
        let nesting = |text: &str| Size::of(text).nesting;
        assert_eq!(nesting("{ a { b } c }"), 2);
        assert_eq!(nesting("{ a(b: [[{ c: 1 }]]) }"), 5);
        assert_eq!(nesting(&"{a".repeat(30_000)), 30_000);
        assert_eq!(nesting("}}}{"), 1);
        assert_eq!(nesting(r#"{ a(b: "{{{{") }"#), 2);
    }
}
