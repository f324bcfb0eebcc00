//! Sorting and formatting a list.

use crate::layout::{Layout, RowBlock};
use crate::line::{Content, Ending, Line};
use crate::list::List;
use crate::problem::Problem;
use crate::row::Row;
use std::collections::HashMap;

impl List {
    /// Sorts the rows in the order of `sort -V`, and changes nothing else.
    ///
    /// The header stays at the start, comments elsewhere stay with the row below, and comments after
    /// the last row stay at the end. Invalid rows are sorted like rows. A list without a newline at
    /// its end has none afterwards.
    pub fn sort(&mut self) {
        let last = self.lines.last().map(|line| line.ending);
        let newline = self.newline();
        let mut layout = Layout::new(std::mem::take(&mut self.lines));
        layout.sort();
        self.lines = layout.into_lines();
        if last == Some(Ending::Missing) {
            for line in &mut self.lines {
                if line.ending == Ending::Missing {
                    line.ending = newline;
                }
            }
            if let Some(line) = self.lines.last_mut() {
                line.ending = Ending::Missing;
            }
        }
    }

    /// Formats the list: single spaces between fields, rows in the order of `sort -V`, no duplicate
    /// rows, the same ending on every line, and no byte order mark.
    ///
    /// Of duplicate rows, the first keeps its spelling, and the comments of all stay above it.
    /// Comments move with their rows as in [`List::sort`]; comments and blank lines keep their text.
    /// Conflicts stay, since the list does not tell which of the rows is intended.
    ///
    /// # Errors
    ///
    /// [`List::invalid_rows`], if there are any. The list is not changed then.
    pub fn format(&mut self) -> Result<(), Vec<Problem>> {
        let invalid = self.invalid_rows();
        if !invalid.is_empty() {
            return Err(invalid);
        }
        let newline = self.newline();
        self.byte_order_mark = false;
        let mut layout = Layout::new(std::mem::take(&mut self.lines));
        layout.blocks = without_duplicates(layout.blocks);
        for block in &mut layout.blocks {
            normalize_whitespace(&mut block.line);
        }
        layout.sort();
        self.lines = layout.into_lines();
        for line in &mut self.lines {
            line.ending = newline;
            // Before a `\n` the `\r` would be read as part of the ending.
            if line.text.ends_with('\r') {
                line.text = line.text.trim_end_matches('\r').into();
            }
        }
        Ok(())
    }
}

fn normalize_whitespace(line: &mut Line) {
    if let Content::Row(row) = &line.content {
        line.text = row.to_string().into();
    }
}

fn without_duplicates(blocks: Vec<RowBlock>) -> Vec<RowBlock> {
    let mut kept: Vec<RowBlock> = Vec::with_capacity(blocks.len());
    let mut first_block: HashMap<Row, usize> = HashMap::new();
    for block in blocks {
        match block.line.row().map(|row| first_block.get(row)) {
            Some(Some(first)) => kept[*first].comments.extend(block.comments),
            Some(None) | None => {
                if let Some(row) = block.line.row() {
                    first_block.insert(row.clone(), kept.len());
                }
                kept.push(block);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checker, ProblemKind};
    use proptest::prelude::*;

    fn sorted(text: &str) -> String {
        let mut list = List::parse(text);
        list.sort();
        list.to_string()
    }

    fn formatted(text: &str) -> String {
        let mut list = List::parse(text);
        list.format().unwrap();
        list.to_string()
    }

    #[test]
    fn sort_moves_comments_with_their_rows() {
        for (text, expected) in [
            ("", ""),
            ("# only\n\n# comments", "# only\n\n# comments"),
            ("# head\nb x 1\na x 1\n", "# head\na x 1\nb x 1\n"),
            (
                "# head\n\n# b\nb x 1\na x 1\n",
                "# head\n\na x 1\n# b\nb x 1\n",
            ),
            ("\n# head\nb x 1\na x 1\n", "\n# head\na x 1\nb x 1\n"),
            (
                "b x 1\n\n# a\n\na x 1\n# end\n",
                "\n# a\n\na x 1\nb x 1\n# end\n",
            ),
            ("b x 1\nb a\na x 1\n", "a x 1\nb a\nb x 1\n"),
            ("a x 1.10\r\na x 1.9", "a x 1.9\r\na x 1.10"),
            ("\u{feff}b x 1\na  x 1\n", "\u{feff}a  x 1\nb x 1\n"),
        ] {
            assert_eq!(sorted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn format_normalizes_whitespace_order_endings_and_duplicates() {
        for (text, expected) in [
            ("", ""),
            ("#  only \n \n#comments", "#  only \n \n#comments\n"),
            ("\u{feff} b\tx  1 \na x 1", "a x 1\nb x 1\n"),
            ("a x 1\r\nb x 1\r\nc x 1\n", "a x 1\r\nb x 1\r\nc x 1\r\n"),
            // Sorted as written, but not with single spaces.
            ("a  x 2\na x 1\n", "a x 1\na x 2\n"),
            (
                "# head\na x 1\n# one\nlibrary/a x 1\n# two\nb x 1\n",
                "# head\n# one\na x 1\n# two\nb x 1\n",
            ),
            ("a x 1\nb x 1\n", "a x 1\nb x 1\n"),
        ] {
            assert_eq!(formatted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn format_changes_nothing_if_a_row_is_invalid() {
        let mut list = List::parse("b x 1\na  x 1\nwrong");
        let problems = list.format().unwrap_err();
        assert_eq!(problems, list.invalid_rows());
        assert_eq!(problems.len(), 1);
        assert_eq!(list.to_string(), "b x 1\na  x 1\nwrong");
    }

    fn sorted_lines(text: &str) -> Vec<&str> {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines
    }

    proptest! {
        #[test]
        fn sort_only_moves_lines_and_is_idempotent(
            lines in prop::collection::vec("[ab]/[ab]? x [12]|[ab] x v1?[0-2]|#[ab]?|wrong [a-c]|", 0..20),
            end in "\n?",
        ) {
            let text = lines.join("\n") + &end;
            let once = sorted(&text);
            prop_assert_eq!(sorted_lines(&once), sorted_lines(&text));
            prop_assert_eq!(once.ends_with('\n'), text.ends_with('\n'));
            prop_assert_eq!(sorted(&once), once);
        }

        #[test]
        fn format_leaves_only_conflicts_and_is_idempotent(
            lines in prop::collection::vec("[ \t]?(library/)?[abc][ \t]{1,2}[xy] v?[12]0?(=[12](,3)?)?|# [ab]|", 0..20),
            newline in "\r?\n",
        ) {
            let once = formatted(&lines.join(&newline));
            let list = List::parse(&once);
            let problems = Checker::default().check("list", &list);
            let is_conflict = |problem: &Problem| matches!(
                problem.kind,
                ProblemKind::Conflict { .. } | ProblemKind::DuplicateTag { .. }
            );
            prop_assert!(problems.iter().all(is_conflict), "{problems:#?}");
            prop_assert_eq!(formatted(&once), once);
        }
    }
}
