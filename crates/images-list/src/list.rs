//! A list, kept byte for byte.

use crate::line::{Content, Ending, Line};
use crate::problem::{Problem, ProblemKind};
use crate::row::{NameCache, NumberedRow, Row};
use crate::version_order::compare_lines;
use std::fmt;

/// The mark that some editors put before the first line. It is not part of a row.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// An `images-list`: rows, comments and blank lines in their order.
///
/// [`ToString::to_string`] returns the parsed text byte for byte. After an edit only the edited
/// lines differ.
#[derive(Debug, Clone, Default)]
pub struct List {
    pub(crate) byte_order_mark: bool,
    pub(crate) lines: Vec<Line>,
}

/// The error for a file that is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not UTF-8: save the file as UTF-8")]
pub struct NotUtf8 {
    /// The number of the first line that is not UTF-8, from 1.
    pub line: usize,
}

impl List {
    /// Parses a list. Any text is a list: invalid rows are kept with their errors, see
    /// [`List::invalid_rows`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (byte_order_mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut names = NameCache::default();
        let lines = text.split_inclusive('\n');
        let lines = lines.map(|line| Line::parse(line, &mut names)).collect();
        Self {
            byte_order_mark,
            lines,
        }
    }

    /// Parses a list from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`] if the bytes are not UTF-8. They could not be written back unchanged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotUtf8> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            NotUtf8 { line }
        })?;
        Ok(Self::parse(text))
    }

    /// Returns the rows in the order of the file, without [`List::invalid_rows`].
    pub fn rows(&self) -> impl Iterator<Item = NumberedRow<'_>> {
        let numbered = self.lines.iter().zip(1..);
        numbered
            .filter_map(|(line, number)| line.row().map(|row| NumberedRow { line: number, row }))
    }

    /// Checks whether the list has a row. The spelling of names makes no difference.
    #[must_use]
    pub fn contains(&self, row: &Row) -> bool {
        self.rows().any(|found| found.row == row)
    }

    /// Reports whether a row is out of the order of `sort -V`.
    #[must_use]
    pub fn is_out_of_order(&self) -> bool {
        let rows = self.lines.iter().filter(|line| line.row().is_some());
        let texts: Vec<&str> = rows.map(|line| &*line.text).collect();
        !texts.is_sorted_by(|a, b| compare_lines(a, b).is_le())
    }

    /// Returns the errors of all invalid rows in the order of the file.
    /// [`Checker`](crate::Checker) finds these and other problems.
    #[must_use]
    pub fn invalid_rows(&self) -> Vec<Problem> {
        let numbered = self.lines.iter().zip(1..);
        numbered
            .filter_map(|(line, number)| match &line.content {
                Content::Invalid(errors) => Some((errors, number)),
                Content::Row(_) | Content::Blank | Content::Comment => None,
            })
            .flat_map(|(errors, line)| {
                errors.iter().map(move |error| Problem {
                    line,
                    kind: ProblemKind::InvalidRow(error.clone()),
                })
            })
            .collect()
    }

    /// Returns the ending of most lines, `\n` by default.
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

/// Writes the text of the file.
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
    fn rows_and_invalid_rows_have_line_numbers() {
        let list = List::parse("\u{feff}a b 1\r\n# c\n\nwrong\n a  b\t2");
        let rows: Vec<_> = list
            .rows()
            .map(|numbered| (numbered.line, numbered.row.to_string()))
            .collect();
        assert_eq!(rows, [(1, "a b 1".to_owned()), (5, "a b 2".to_owned())]);
        let invalid: Vec<_> = list
            .invalid_rows()
            .iter()
            .map(|problem| problem.line)
            .collect();
        assert_eq!(invalid, [4]);
        assert!(list.contains(rows_of("library/a docker.io/b 1").first().unwrap()));
        assert!(!list.contains(rows_of("a b 3").first().unwrap()));
    }

    fn rows_of(text: &str) -> Vec<Row> {
        List::parse(text)
            .rows()
            .map(|numbered| numbered.row.clone())
            .collect()
    }

    #[test]
    fn bytes_outside_utf_8_are_refused_with_their_line() {
        let list = List::from_bytes(b"a b 1\n# caf\xc3\xa9\n").unwrap();
        assert_eq!(list.to_string(), "a b 1\n# caf\u{e9}\n");
        let error = List::from_bytes(b"a b 1\n\n# caf\xe9\n").unwrap_err();
        assert_eq!(error, NotUtf8 { line: 3 });
    }

    proptest! {
        #[test]
        fn any_text_is_written_back_unchanged(text in "\u{feff}?(.|[ \t\r\n#/a-z1]|\r\n|a/b c/d 1|# ){0,60}") {
            prop_assert_eq!(List::parse(&text).to_string(), text);
        }
    }
}
