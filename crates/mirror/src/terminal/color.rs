//! Colors of the first word of a line, on a terminal.

/// Escape sequences (ECMA-48, "SGR").
const RESET: &str = "\u{1b}[0m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";

/// The words that lines of results and messages begin with, and their colors.
const WORDS: [(&str, &str); 21] = [
    ("failed", RED),
    ("error:", RED),
    ("error", RED),
    ("ERROR", RED),
    ("missing", RED),
    ("problem", RED),
    ("refused", RED),
    ("warning", YELLOW),
    ("WARN", YELLOW),
    ("moved", YELLOW),
    ("drift", YELLOW),
    ("replaced", YELLOW),
    ("would replace", YELLOW),
    ("changed", YELLOW),
    ("skipped", YELLOW),
    ("interrupted:", YELLOW),
    ("copied", GREEN),
    ("would copy", GREEN),
    ("added", GREEN),
    ("locked", GREEN),
    ("hint:", CYAN),
];

/// Colors the first word of each line that begins with a known one.
///
/// The text is sanitized before, so that it has no other escape sequence.
pub(crate) fn paint(text: &str) -> String {
    let mut painted = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive('\n') {
        let start = line.trim_start_matches(' ');
        let indent = &line[..line.len() - start.len()];
        match color_of(start) {
            Some((length, color)) => {
                let (word, rest) = start.split_at(length);
                painted.push_str(&format!("{indent}{color}{word}{RESET}{rest}"));
            }
            None => painted.push_str(line),
        }
    }
    painted
}

/// Returns the length of the colored start of a line, and its color.
fn color_of(line: &str) -> Option<(usize, &'static str)> {
    let words = WORDS.iter().filter(|(word, _)| {
        let rest = line.strip_prefix(word);
        rest.is_some_and(|rest| rest.starts_with([' ', '\n']) || rest.is_empty())
    });
    let longest = words.max_by_key(|(word, _)| word.len());
    longest.map(|(word, color)| (word.len(), *color))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_colored_and_the_text_stays() {
        let table = [
            (
                "failed     a -> b\n",
                "\u{1b}[31mfailed\u{1b}[0m     a -> b\n",
            ),
            ("would copy  a\n", "\u{1b}[32mwould copy\u{1b}[0m  a\n"),
            (
                "           hint: run",
                "           \u{1b}[36mhint:\u{1b}[0m run",
            ),
            (
                "error: x\n hint: y\n",
                "\u{1b}[31merror:\u{1b}[0m x\n \u{1b}[36mhint:\u{1b}[0m y\n",
            ),
            ("failedx\n3 rows: 1 failed\n", "failedx\n3 rows: 1 failed\n"),
        ];
        for (text, want) in table {
            assert_eq!(paint(text), want);
        }
    }
}
