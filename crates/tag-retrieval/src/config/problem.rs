//! What is wrong with a configuration, and where.

use std::fmt::Display;

/// Something wrong with a configuration. Its `Display` is what belongs after `file:line:column: `.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message}")]
pub struct ConfigProblem {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The entry, what is wrong with it and what to do.
    pub message: String,
}

/// The problems of a text as they are found.
pub(super) struct Problems<'text> {
    text: &'text str,
    /// The offset at which each line begins.
    lines: Vec<usize>,
    /// The entry and chart that are being read.
    within: Vec<String>,
    found: Vec<ConfigProblem>,
}

impl<'text> Problems<'text> {
    pub fn new(text: &'text str) -> Self {
        let breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self {
            text,
            lines: [0].into_iter().chain(breaks).collect(),
            within: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Notes a problem at a byte of the text.
    pub fn add(&mut self, at: usize, message: impl Display) {
        let (line, column) = self.place(at);
        let within = match self.within.join(", ") {
            none if none.is_empty() => none,
            some => format!("{some}: "),
        };
        let message = format!("{within}{message}");
        self.found.push(ConfigProblem {
            line,
            column,
            message,
        });
    }

    /// Reads what belongs to `what`, such as "entry `etcd`", which its problems name.
    pub fn within<Read>(&mut self, what: String, read: impl FnOnce(&mut Self) -> Read) -> Read {
        self.within.push(what);
        let outcome = read(self);
        self.within.pop();
        outcome
    }

    /// The line and the column of a byte, counted from 1.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// All of them, in the order of the text.
    pub fn finish(mut self) -> Result<(), Vec<ConfigProblem>> {
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
    fn places_count_lines_and_characters_from_one() {
        let text = "{\n  \"ä\": 1,\r\n}";
        let problems = Problems::new(text);
        for (what, place) in [("{", (1, 1)), ("\"ä", (2, 3)), ("1", (2, 8)), ("}", (3, 1))] {
            assert_eq!(problems.place(text.find(what).unwrap()), place, "{what}");
        }
        assert_eq!(problems.place(text.len()), (3, 2));
    }

    #[test]
    fn problems_name_where_they_are_and_come_in_order() {
        let mut problems = Problems::new("a\nb");
        problems.within("entry `x`".to_owned(), |problems| {
            problems.within("chart `y`".to_owned(), |problems| problems.add(2, "late"));
            problems.add(0, "early");
        });
        let found = problems.finish().unwrap_err();
        let messages: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(messages, ["entry `x`: early", "entry `x`, chart `y`: late"]);
    }
}
