//! Adding and removing rows without touching anything else.

use crate::disorder::rows_in_place;
use crate::line::{Ending, Line};
use crate::list::List;
use crate::row::{Row, RowAt};
use crate::sections::head_length;
use crate::version_order::compare_lines;

/// What became of a row to be inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// The row is a new line.
    New {
        /// The new line's number, counted from 1.
        line: usize,
    },
    /// The list had the row already and was not changed.
    Present {
        /// The line's number, counted from 1.
        line: usize,
    },
}

impl List {
    /// Adds a row in its place in the order of `sort -V`, below the block at
    /// the head and above the comments of the next row; nothing else moves.
    ///
    /// In a list that is not in order, the row goes beside the other tags of
    /// its mapping, else beside the other rows of its source, else to its
    /// place among the rows that are in order.
    ///
    /// The new line ends as the list's lines do. If the list has no newline at
    /// its end, it has none afterwards.
    pub fn insert(&mut self, row: Row) -> Inserted {
        if let Some(RowAt { line, .. }) = self.rows().find(|at| *at.row == row) {
            return Inserted::Present { line };
        }
        let newline = self.newline();
        let mut line = Line::of_row(row, newline);
        let at = self.place_of(&line);
        if at == self.lines.len()
            && let Some(last) = self.lines.last_mut()
            && last.ending == Ending::Missing
        {
            std::mem::swap(&mut last.ending, &mut line.ending);
        }
        self.lines.insert(at, line);
        Inserted::New { line: at + 1 }
    }

    /// Removes a row, however its names are written and however often it is
    /// there, and gives the numbers that its lines had. Comments stay.
    pub fn remove(&mut self, row: &Row) -> Vec<usize> {
        let last = self.lines.last().map(|line| line.ending);
        let removed: Vec<usize> = self
            .rows()
            .filter(|at| at.row == row)
            .map(|at| at.line)
            .collect();
        self.lines.retain(|line| line.row() != Some(row));
        if let (Some(Ending::Missing), Some(line)) = (last, self.lines.last_mut()) {
            line.ending = Ending::Missing;
        }
        removed
    }

    /// Where a new line goes, as an index into the lines.
    fn place_of(&self, new: &Line) -> usize {
        let Some(row) = new.row() else {
            return self.lines.len();
        };
        let rows: Vec<RowAt<'_>> = self.rows().collect();
        let text = |at: &RowAt<'_>| &*self.lines[at.line - 1].text;
        let texts: Vec<&str> = rows.iter().map(text).collect();
        let goes_before_new = |at: &RowAt<'_>| compare_lines(text(at), &new.text).is_le();
        let in_place = rows_in_place(&texts);
        let siblings = if in_place.len() == rows.len() {
            Vec::new()
        } else {
            siblings(&rows, row)
        };
        let neighbours = if siblings.is_empty() {
            in_place.iter().map(|at| rows[*at]).collect()
        } else {
            siblings
        };
        match neighbours.iter().rfind(|at| goes_before_new(at)) {
            Some(previous) => previous.line,
            None => self.above(neighbours.first()),
        }
    }

    /// The index directly above a row and its comments, or above the first of
    /// all rows.
    fn above(&self, row: Option<&RowAt<'_>>) -> usize {
        let index = row.map_or(0, |at| at.line - 1);
        let before = self.lines[..index].iter();
        let after_previous = before.rev().position(|line| !line.is_remark());
        match after_previous {
            Some(remarks) => index - remarks,
            None => head_length(&self.lines),
        }
    }
}

/// The rows with the same mapping; if there are none, those with the same source.
fn siblings<'a>(rows: &[RowAt<'a>], new: &Row) -> Vec<RowAt<'a>> {
    let same_source: Vec<RowAt<'a>> = rows
        .iter()
        .copied()
        .filter(|at| at.row.source == new.source)
        .collect();
    let same_mapping: Vec<RowAt<'a>> = same_source
        .iter()
        .copied()
        .filter(|at| at.row.destination == new.destination)
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
    fn rows_go_to_their_place() {
        for (text, new, expected) in [
            ("", "b x 1", "b x 1\n"),
            ("# head", "b x 1", "# head\nb x 1"),
            ("# head\n\n# more\n", "b x 1", "# head\n\n# more\nb x 1\n"),
            ("b x 1.9\n", "b x 1.10", "b x 1.9\nb x 1.10\n"),
            ("a x 1\r\nc x 1\r\n", "b x 1", "a x 1\r\nb x 1\r\nc x 1\r\n"),
            // A missing final newline stays missing.
            ("a x 1\nc x 1", "b x 1", "a x 1\nb x 1\nc x 1"),
            ("a x 1\r\nc x 1", "d x 1", "a x 1\r\nc x 1\r\nd x 1"),
            // Comments keep their rows, and the head its place.
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
            // Lists out of order: beside the siblings.
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
            assert_eq!(inserted, Inserted::New { line }, "{text:?}");
        }
    }

    #[test]
    fn a_row_that_is_there_is_not_added() {
        let text = "# head\na  x 1";
        let mut list = List::parse(text);
        assert_eq!(
            list.insert(row("library/a docker.io/x 1")),
            Inserted::Present { line: 2 }
        );
        assert_eq!(list.to_string(), text);
    }

    #[test]
    fn a_row_is_removed_wherever_it_is() {
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
        fn inserting_keeps_every_other_byte(
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
        fn a_list_in_order_stays_in_order(
            lines in prop::collection::vec("[a-d]/[ab] x v?[1-3]0?|#[ab]?", 0..20),
            new in "[a-d]/[ab] [xy] v?[1-3]0?",
        ) {
            let mut list = List::parse(&lines.join("\n"));
            list.sort();
            list.insert(row(&new));
            let texts: Vec<String> = list.rows().map(|at| at.row.to_string()).collect();
            prop_assert!(texts.is_sorted_by(|a, b| compare_lines(a, b).is_le()), "{texts:?}");
        }
    }
}
