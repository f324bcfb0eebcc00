//! Insertion and removal of rows. All other lines stay unchanged.

use crate::layout::header_length;
use crate::line::{Ending, Line};
use crate::list::List;
use crate::row::{NumberedRow, Row};
use crate::version_order::{compare_lines, longest_sorted_subsequence};

/// The outcome of [`List::insert`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertOutcome {
    /// The row is on a new line.
    Inserted {
        /// The number of the new line, from 1.
        line: usize,
    },
    /// The list had the row and is unchanged.
    AlreadyPresent {
        /// The number of the row's line, from 1.
        line: usize,
    },
}

impl List {
    /// Inserts a row at its position in the order of `sort -V`, below the header and above the
    /// comments of the next row.
    ///
    /// In an unsorted list, the row is inserted next to the rows of its mapping, else next to the
    /// rows of its source, else at its position among the rows that are in order.
    ///
    /// The new line has the ending of most lines. A missing final newline
    /// stays missing.
    pub fn insert(&mut self, row: Row) -> InsertOutcome {
        if let Some(NumberedRow { line, .. }) = self.rows().find(|numbered| *numbered.row == row) {
            return InsertOutcome::AlreadyPresent { line };
        }
        let newline = self.newline();
        let mut line = Line::from_row(row, newline);
        let at = self.position_of(&line);
        if at == self.lines.len()
            && let Some(last) = self.lines.last_mut()
            && last.ending == Ending::Missing
        {
            std::mem::swap(&mut last.ending, &mut line.ending);
        }
        self.lines.insert(at, line);
        InsertOutcome::Inserted { line: at + 1 }
    }

    /// Removes all lines of a row and returns their numbers. Comments stay.
    pub fn remove(&mut self, row: &Row) -> Vec<usize> {
        let last = self.lines.last().map(|line| line.ending);
        let removed: Vec<usize> = self
            .rows()
            .filter(|numbered| numbered.row == row)
            .map(|numbered| numbered.line)
            .collect();
        self.lines.retain(|line| line.row() != Some(row));
        if let (Some(Ending::Missing), Some(line)) = (last, self.lines.last_mut()) {
            line.ending = Ending::Missing;
        }
        removed
    }

    /// Returns the index at which to insert a line.
    fn position_of(&self, new: &Line) -> usize {
        let Some(row) = new.row() else {
            return self.lines.len();
        };
        let rows: Vec<NumberedRow<'_>> = self.rows().collect();
        let text = |numbered: &NumberedRow<'_>| &*self.lines[numbered.line - 1].text;
        let texts: Vec<&str> = rows.iter().map(text).collect();
        let precedes_new =
            |numbered: &NumberedRow<'_>| compare_lines(text(numbered), &new.text).is_le();
        let in_place = longest_sorted_subsequence(&texts);
        let siblings = if in_place.len() == rows.len() {
            Vec::new()
        } else {
            siblings(&rows, row)
        };
        let candidates = if siblings.is_empty() {
            in_place.iter().map(|index| rows[*index]).collect()
        } else {
            siblings
        };
        match candidates.iter().rfind(|numbered| precedes_new(numbered)) {
            Some(previous) => previous.line,
            None => self.above(candidates.first()),
        }
    }

    /// Returns the index above a row and its comments, or above all rows.
    fn above(&self, row: Option<&NumberedRow<'_>>) -> usize {
        let index = row.map_or(0, |numbered| numbered.line - 1);
        let before = self.lines[..index].iter();
        let after_previous = before.rev().position(|line| !line.is_comment_or_blank());
        match after_previous {
            Some(comments) => index - comments,
            None => header_length(&self.lines),
        }
    }
}

/// Returns the rows of the same mapping, else those of the same source.
fn siblings<'a>(rows: &[NumberedRow<'a>], new: &Row) -> Vec<NumberedRow<'a>> {
    let same_source: Vec<NumberedRow<'a>> = rows
        .iter()
        .copied()
        .filter(|numbered| numbered.row.source == new.source)
        .collect();
    let same_mapping: Vec<NumberedRow<'a>> = same_source
        .iter()
        .copied()
        .filter(|numbered| numbered.row.destination == new.destination)
        .collect();
    if same_mapping.is_empty() {
        same_source
    } else {
        same_mapping
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(text: &str) -> Row {
        let list = List::parse(text);
        let row = list.rows().next().unwrap().row;
        row.clone()
    }

    #[test]
    fn insert_keeps_order_comments_and_endings() {
        for (text, new, expected) in [
            ("", "b x 1", "b x 1\n"),
            ("# head", "b x 1", "# head\nb x 1"),
            ("# head\n\n# more\n", "b x 1", "# head\n\n# more\nb x 1\n"),
            ("b x 1.9\n", "b x 1.10", "b x 1.9\nb x 1.10\n"),
            ("a x 1\r\nc x 1\r\n", "b x 1", "a x 1\r\nb x 1\r\nc x 1\r\n"),
            // A missing final newline stays missing.
            ("a x 1\nc x 1", "b x 1", "a x 1\nb x 1\nc x 1"),
            ("a x 1\r\nc x 1", "d x 1", "a x 1\r\nc x 1\r\nd x 1"),
            // Comments stay with their rows, and the header at the start.
            (
                "a x 1\n# c\nc x 1\n# end\n",
                "b x 1",
                "a x 1\nb x 1\n# c\nc x 1\n# end\n",
            ),
            ("# head\nc x 1\n", "b x 1", "# head\nb x 1\nc x 1\n"),
            (
                "# head\n\n# c\nc x 1\n",
                "b x 1",
                "# head\n\nb x 1\n# c\nc x 1\n",
            ),
            ("a x 1\n# end\n", "b x 1", "a x 1\nb x 1\n# end\n"),
            // Unsorted lists: next to rows of the same mapping or source.
            (
                "z x 1\nb x 1\nb x 3\na x 1\n",
                "b x 2",
                "z x 1\nb x 1\nb x 2\nb x 3\na x 1\n",
            ),
            (
                "z x 1\n# b\nb x 3\na x 1\n",
                "b x 2",
                "z x 1\nb x 2\n# b\nb x 3\na x 1\n",
            ),
            (
                "z x 1\nb y 3\nb x 1\na x 1\n",
                "b y 4",
                "z x 1\nb y 3\nb y 4\nb x 1\na x 1\n",
            ),
            (
                "z x 1\nb x 3\na x 1\n",
                "b y 1",
                "z x 1\nb x 3\nb y 1\na x 1\n",
            ),
            (
                "z x 1\na x 1\nc x 1\nd x 1\n",
                "b x 1",
                "z x 1\na x 1\nb x 1\nc x 1\nd x 1\n",
            ),
        ] {
            let mut list = List::parse(text);
            let inserted = list.insert(row(new));
            assert_eq!(list.to_string(), expected, "{text:?}");
            let line = expected.lines().position(|line| line == new).unwrap() + 1;
            assert_eq!(inserted, InsertOutcome::Inserted { line }, "{text:?}");
        }
    }

    #[test]
    fn insert_changes_nothing_if_the_row_is_present() {
        let text = "# head\na  x 1";
        let mut list = List::parse(text);
        assert_eq!(
            list.insert(row("library/a docker.io/x 1")),
            InsertOutcome::AlreadyPresent { line: 2 }
        );
        assert_eq!(list.to_string(), text);
    }

    #[test]
    fn remove_deletes_all_lines_of_a_row() {
        for (text, expected, lines) in [
            ("# c\na x 1\nb x 1\nlibrary/a x 1", "# c\nb x 1", vec![2, 4]),
            ("b x 1\r\na x 1\r\n", "b x 1\r\n", vec![2]),
            ("a x 1", "", vec![1]),
            ("a x 2\n", "a x 2\n", vec![]),
        ] {
            let mut list = List::parse(text);
            assert_eq!(list.remove(&row("a x 1")), lines, "{text:?}");
            assert_eq!(list.to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn insert_and_remove_restore_the_text(
            lines in prop::collection::vec("[a-d]/[ab] +x [1-3]|[ab] x v1?[0-2]|#[ab]?|wrong|", 0..20),
            newline in "\r?\n",
            is_ended: bool,
            new in "[ab]/[ab] y [12]",
        ) {
            let text = lines.join(&newline) + if is_ended { &newline } else { "" };
            let mut list = List::parse(&text);
            list.insert(row(&new));
            prop_assert_eq!(list.to_string().lines().filter(|line| *line == new).count(), 1);
            list.remove(&row(&new));
            prop_assert_eq!(list.to_string(), text);
        }

        #[test]
        fn insert_keeps_a_sorted_list_sorted(
            lines in prop::collection::vec("[a-d]/[ab] x v?[1-3]0?|#[ab]?", 0..20),
            new in "[a-d]/[ab] [xy] v?[1-3]0?",
        ) {
            let mut list = List::parse(&lines.join("\n"));
            list.sort();
            list.insert(row(&new));
            let texts: Vec<String> = list.rows().map(|numbered| numbered.row.to_string()).collect();
            prop_assert!(texts.is_sorted_by(|a, b| compare_lines(a, b).is_le()), "{texts:?}");
        }
    }
}
