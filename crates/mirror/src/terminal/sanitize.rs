//! Sanitizing foreign text for stdout and stderr: terminals act on escape sequences, the runner of
//! GitHub Actions on lines that are commands.
//!
//! Tags, messages of registries and reports of other machines pass through this module before they
//! are printed.

use std::borrow::Cow;

/// The old form of a workflow command, which the runner finds anywhere in a line.
const OLD_COMMAND: &str = "##[";

/// Returns a text without control characters, and without a line that is a workflow command.
///
/// Source: `actions/runner`, `src/Runner.Common/ActionCommand.cs`: `::` at the beginning of a line,
/// after optional whitespace, or `##[` anywhere.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if is_harmless(text) {
        return Cow::Borrowed(text);
    }
    let mut sanitized = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        // Patches of lists keep the line endings of the list, which may be CRLF.
        let end = ["\r\n", "\n"].into_iter().find(|end| line.ends_with(end));
        let end = end.unwrap_or_default();
        let line = line[..line.len() - end.len()].replace(OLD_COMMAND, "## [");
        let indent = line.len() - line.trim_start().len();
        let rest = &line[indent..];
        sanitized.extend(line[..indent].chars().map(plain));
        match rest.strip_prefix("::") {
            Some(rest) => {
                sanitized.push_str(": :");
                sanitized.extend(rest.chars().map(plain));
            }
            None => sanitized.extend(rest.chars().map(plain)),
        }
        sanitized.push_str(end);
    }
    Cow::Owned(sanitized)
}

/// Returns a text as part of one line.
pub(crate) fn one_line(words: &str) -> String {
    text(&words.replace(char::is_control, " ")).into_owned()
}

/// Returns a JSON document with the same values, escaped so that no terminal or runner acts on them.
pub(crate) fn json(document: String) -> String {
    if is_harmless(&document) {
        return document;
    }
    let mut sanitized = String::with_capacity(document.len() + 16);
    for c in document.replace(OLD_COMMAND, "#\\u0023[").chars() {
        // Outside of strings, pretty-printed JSON has no control character except newlines.
        if is_active(c) {
            sanitized += &format!("\\u{:04x}", u32::from(c));
        } else {
            sanitized.push(c);
        }
    }
    sanitized
}

fn is_harmless(text: &str) -> bool {
    !text.contains("::") && !text.contains(OLD_COMMAND) && !text.chars().any(is_active)
}

/// Reports whether a character is a control character or changes the direction of text.
fn is_active(c: char) -> bool {
    let changes_direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    changes_direction || c.is_control() && c != '\n' && c != '\t'
}

fn plain(c: char) -> char {
    if is_active(c) {
        char::REPLACEMENT_CHARACTER
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_commands() {
        let table = [
            ("a::b\n", "a::b\n"),
            ("::error::x\n", ": :error::x\n"),
            ("a\n \t::add-mask::x", "a\n \t: :add-mask::x"),
            ("a ##[error]x", "a ## [error]x"),
            ("\u{1b}[2Ja\rb\u{9b}1m", "\u{fffd}[2Ja\u{fffd}b\u{fffd}1m"),
            ("\u{1b}::error::x", "\u{fffd}::error::x"),
            ("v1\u{202e}1v", "v1\u{fffd}1v"),
            ("ü\tsame\r\n", "ü\tsame\r\n"),
            ("a\r\nb\r\r\n", "a\r\nb\u{fffd}\r\n"),
            ("\r\n::x\r\n", "\r\n: :x\r\n"),
        ];
        for (foreign, want) in table {
            assert_eq!(text(foreign), want, "{foreign:?}");
        }
    }

    #[test]
    fn one_line_has_no_line_breaks() {
        let table = [
            ("a\n::error::b", "a ::error::b"),
            ("::error::b\n", ": :error::b "),
            ("a\r\n::b\u{85}::c", "a  ::b ::c"),
            ("\u{1b}[2J\u{9b}2J", " [2J 2J"),
            ("ü # [x]", "ü # [x]"),
        ];
        for (words, want) in table {
            assert_eq!(one_line(words), want, "{words:?}");
        }
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({"a": ["::error::x", "##[group]", "\u{9b}2J", "\u{1b}[2J"]});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let sanitized = json(document);
        assert!(
            !sanitized.contains("##[") && !sanitized.chars().any(is_active),
            "{sanitized}"
        );
        let read: serde_json::Value = serde_json::from_str(&sanitized).unwrap();
        assert_eq!(read, value);
    }
}
