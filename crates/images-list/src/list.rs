//! The whole file, kept byte for byte.

use crate::line::{Content, Ending, Line};
use crate::problem::{Problem, ProblemKind};
use crate::row::{LastNames, Row, RowAt};
use std::fmt;

/// What some editors put before the first line; not part of any row.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// An `images-list`: rows, comments and blank lines in their order.
///
/// What was read is what [`ToString::to_string`] gives back, byte for byte,
/// until something is edited, and then only the edited lines differ.
#[derive(Debug, Clone, Default)]
pub struct List {
    pub(crate) byte_order_mark: bool,
    pub(crate) lines: Vec<Line>,
}

/// The bytes of a file are not text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not UTF-8: save the file in that encoding (plain ASCII will do)")]
pub struct NotUtf8 {
    /// The first line that is not UTF-8, counted from 1.
    pub line: usize,
}

impl List {
    /// Reads a list. There is no text that is no list: what is wrong with the
    /// rows is kept with them, see [`List::wrong_rows`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (byte_order_mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut names = LastNames::default();
        let lines = text.split_inclusive('\n');
        let lines = lines.map(|line| Line::parse(line, &mut names)).collect();
        Self {
            byte_order_mark,
            lines,
        }
    }

    /// Reads a list from a file's bytes.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`] if the bytes are not UTF-8: they could not be written back
    /// as they were.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotUtf8> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            NotUtf8 { line }
        })?;
        Ok(Self::parse(text))
    }

    /// The rows, in the order of the file. Lines that should be rows and are
    /// none are left out: see [`List::wrong_rows`].
    pub fn rows(&self) -> impl Iterator<Item = RowAt<'_>> {
        let numbered = self.lines.iter().zip(1..);
        numbered.filter_map(|(line, number)| line.row().map(|row| RowAt { line: number, row }))
    }

    /// Whether the list has this row, however its names are written.
    #[must_use]
    pub fn contains(&self, row: &Row) -> bool {
        self.rows().any(|found| found.row == row)
    }

    /// Everything that is wrong with lines that should be rows, in the order
    /// of the file. [`Checker`](crate::Checker) finds these and more.
    #[must_use]
    pub fn wrong_rows(&self) -> Vec<Problem> {
        let numbered = self.lines.iter().zip(1..);
        numbered
            .filter_map(|(line, number)| match &line.content {
                Content::Wrong(errors) => Some((errors, number)),
                Content::Row(_) | Content::Blank | Content::Comment => None,
            })
            .flat_map(|(errors, line)| {
                errors.iter().map(move |error| Problem {
                    line,
                    kind: ProblemKind::WrongRow(error.clone()),
                })
            })
            .collect()
    }

    /// How lines end in this list: as most of them do, and with `\n` if none
    /// says otherwise.
    pub(crate) fn newline(&self) -> Ending {
        let count = |ending| {
            self.lines
                .iter()
                .filter(|line| line.ending == ending)
                .count()
        };
        if count(Ending::CrLf) > count(Ending::Lf) {
            Ending::CrLf
        } else {
            Ending::Lf
        }
    }
}

/// The file's text.
impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.byte_order_mark {
            write!(f, "{BYTE_ORDER_MARK}")?;
        }
        for line in &self.lines {
            f.write_str(&line.text)?;
            f.write_str(line.ending.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_know_their_lines() {
        let list = List::parse("\u{feff}a b 1\r\n# c\n\nwrong\n a  b\t2");
        let rows: Vec<_> = list
            .rows()
            .map(|at| (at.line, at.row.to_string()))
            .collect();
        assert_eq!(rows, [(1, "a b 1".to_owned()), (5, "a b 2".to_owned())]);
        let wrong: Vec<_> = list
            .wrong_rows()
            .iter()
            .map(|problem| problem.line)
            .collect();
        assert_eq!(wrong, [4]);
        assert!(list.contains(rows_of("library/a docker.io/b 1").first().unwrap()));
        assert!(!list.contains(rows_of("a b 3").first().unwrap()));
    }

    fn rows_of(text: &str) -> Vec<Row> {
        List::parse(text).rows().map(|at| at.row.clone()).collect()
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_line() {
        let list = List::from_bytes(b"a b 1\n# caf\xc3\xa9\n").unwrap();
        assert_eq!(list.to_string(), "a b 1\n# caf\u{e9}\n");
        let error = List::from_bytes(b"a b 1\n\n# caf\xe9\n").unwrap_err();
        assert_eq!(error, NotUtf8 { line: 3 });
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "\u{feff}?(.|[ \t\r\n#/a-z1]|\r\n|a/b c/d 1|# ){0,60}") {
            prop_assert_eq!(List::parse(&text).to_string(), text);
        }
    }
}
