//! Sanitizing foreign text for stdout, stderr and step summaries: terminals act on escape sequences,
//! the runners of GitHub Actions and Azure Pipelines on commands in the log.
//!
//! Tags, messages of registries and reports of other machines pass through this module before they
//! are printed.

use std::borrow::Cow;

/// The commands that a runner finds anywhere in a line, in any case: the old form of GitHub, and
/// that of Azure Pipelines.
const COMMANDS: [&str; 2] = ["##[", "##vso["];

/// Returns a text without control characters, and without a line that is a workflow command.
///
/// Source: `actions/runner`, `src/Runner.Common/ActionCommand.cs`: `::` at the beginning of a line,
/// after optional whitespace, or `##[` anywhere. Documentation of Azure Pipelines, "Logging commands":
/// `##vso[`.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if is_harmless(text) {
        return Cow::Borrowed(text);
    }
    let mut sanitized = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        // Patches of lists keep the line endings of the list, which may be CRLF.
        let end = ["\r\n", "\n"].into_iter().find(|end| line.ends_with(end));
        let end = end.unwrap_or_default();
        let line = without_commands(&line[..line.len() - end.len()], "# ");
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
    for c in without_commands(&document, "\\u0023").chars() {
        // Outside of strings, pretty-printed JSON has no control character except newlines.
        if is_active(c) {
            sanitized += &format!("\\u{:04x}", u32::from(c));
        } else {
            sanitized.push(c);
        }
    }
    sanitized
}

/// Returns a Markdown document without control characters but line breaks and tabs.
pub(crate) fn markdown(document: &str) -> String {
    document.chars().map(plain).collect()
}

/// The start of the first command in a text.
fn command(text: &str) -> Option<usize> {
    let mut hashes = text.match_indices('#').map(|(at, _)| at);
    hashes.find(|at| {
        COMMANDS.iter().any(|command| {
            let start = text.get(*at..*at + command.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(command))
        })
    })
}

/// Replaces the second `#` of each command.
fn without_commands(text: &str, second: &str) -> String {
    let (mut harmless, mut rest) = (String::new(), text);
    while let Some(at) = command(rest) {
        harmless.push_str(&rest[..=at]);
        harmless.push_str(second);
        rest = &rest[at + 2..];
    }
    harmless + rest
}

fn is_harmless(text: &str) -> bool {
    !text.contains("::") && command(text).is_none() && !text.chars().any(is_active)
}

/// Reports whether a character is a control character or changes the direction of text.
pub(crate) fn is_active(c: char) -> bool {
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
            ("###[error]x", "### [error]x"),
            ("a##vso[task.x]b##VSO[c", "a## vso[task.x]b## VSO[c"),
            ("## a ##vs ü##", "## a ##vs ü##"),
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
        let value = serde_json::json!({"a": ["::error::x", "##[group]", "###Vso[", "\u{9b}2J", "\u{1b}[2J"]});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let sanitized = json(document);
        assert!(
            command(&sanitized).is_none() && !sanitized.chars().any(is_active),
            "{sanitized}"
        );
        let read: serde_json::Value = serde_json::from_str(&sanitized).unwrap();
        assert_eq!(read, value);
    }
}
