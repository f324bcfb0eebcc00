//! Problems of a file, with their positions.

use std::fmt::Display;

/// One problem of a file. Its `Display` is the text after `file:line:column: `.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message}")]
pub struct JsonProblem {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The location in the file's terms, such as the entry, the problem and the remedy.
    pub message: String,
}

/// A collector of problems in one text.
pub struct Problems<'text> {
    text: &'text str,
    /// The offsets at which lines begin.
    lines: Vec<usize>,
    /// Removes secrets from the messages, which quote values.
    redact: fn(&str) -> String,
    /// The named values being read, such as an entry and its chart.
    within: Vec<String>,
    found: Vec<JsonProblem>,
}

impl<'text> Problems<'text> {
    /// Creates a collector. `redact` removes secrets, such as passwords of URLs, from each message:
    /// messages quote values.
    #[must_use]
    pub fn new(text: &'text str, redact: fn(&str) -> String) -> Self {
        let breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self {
            text,
            lines: [0].into_iter().chain(breaks).collect(),
            redact,
            within: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Adds a problem at an offset in the text.
    pub fn add(&mut self, offset: usize, message: impl Display) {
        let (line, column) = self.position(offset);
        let within = match self.within.join(", ") {
            none if none.is_empty() => none,
            some => format!("{some}: "),
        };
        let message = (self.redact)(&format!("{within}{message}"));
        self.found.push(JsonProblem {
            line,
            column,
            message,
        });
    }

    /// Runs `read` with a prefix such as "entry `etcd`" for the problems it adds.
    pub fn within<T>(&mut self, prefix: String, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within.push(prefix);
        let outcome = read(self);
        self.within.pop();
        outcome
    }

    /// Returns the line and column of an offset, both from 1.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// Returns all problems in text order.
    ///
    /// # Errors
    ///
    /// The problems, if there are any.
    pub fn finish(mut self) -> Result<(), Vec<JsonProblem>> {
        self.found.sort();
        self.found.dedup();
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(self.found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_counts_lines_and_characters_from_one() {
        let text = "{\n  \"ä\": 1,\r\n}";
        let problems = Problems::new(text, str::to_owned);
        for (text_at, expected) in [("{", (1, 1)), ("\"ä", (2, 3)), ("1", (2, 8)), ("}", (3, 1))] {
            assert_eq!(
                problems.position(text.find(text_at).unwrap()),
                expected,
                "{text_at}"
            );
        }
        assert_eq!(problems.position(text.len()), (3, 2));
    }

    #[test]
    fn problems_have_prefixes_and_text_order() {
        let mut problems = Problems::new("a\nb", str::to_owned);
        problems.within("entry `x`".to_owned(), |problems| {
            problems.within("chart `y`".to_owned(), |problems| problems.add(2, "late"));
            problems.add(0, "early");
        });
        let found = problems.finish().unwrap_err();
        let messages: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(messages, ["entry `x`: early", "entry `x`, chart `y`: late"]);
    }
}
