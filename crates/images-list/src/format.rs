//! Bringing a list into form.

use crate::line::{Content, Line};
use crate::list::List;
use crate::problem::Problem;
use crate::row::Row;
use crate::sections::{Entry, Sections};
use std::collections::HashMap;

impl List {
    /// Brings the list into form: one blank between fields and none around
    /// them, rows in the order of `sort -V`, each row once, every line ended,
    /// and ended alike, and no byte order mark.
    ///
    /// Of rows that mean the same, the one that comes first keeps its
    /// spelling, and the comments of all are kept above it. Comments stay with
    /// their rows as in [`List::sort`]; their text and blank lines are not
    /// touched. A conflict stays: which of its rows is meant, nobody can tell
    /// from the list.
    ///
    /// # Errors
    ///
    /// [`List::wrong_rows`] if there are any; then nothing is changed.
    pub fn format(&mut self) -> Result<(), Vec<Problem>> {
        let wrong = self.wrong_rows();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let newline = self.newline();
        self.byte_order_mark = false;
        let mut sections = Sections::of(std::mem::take(&mut self.lines));
        sections.entries = without_duplicates(sections.entries);
        for entry in &mut sections.entries {
            normalise_blanks(&mut entry.line);
        }
        sections.sort();
        self.lines = sections.into_lines();
        for line in &mut self.lines {
            line.ending = newline;
            // Before a `\n` it would be read as a part of the ending.
            if line.text.ends_with('\r') {
                line.text = line.text.trim_end_matches('\r').into();
            }
        }
        Ok(())
    }
}

fn normalise_blanks(line: &mut Line) {
    if let Content::Row(row) = &line.content {
        line.text = row.to_string().into();
    }
}

fn without_duplicates(entries: Vec<Entry>) -> Vec<Entry> {
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut seen: HashMap<Row, usize> = HashMap::new();
    for entry in entries {
        match entry.line.row().map(|row| seen.get(row)) {
            Some(Some(first)) => kept[*first].remarks.extend(entry.remarks),
            Some(None) | None => {
                if let Some(row) = entry.line.row() {
                    seen.insert(row.clone(), kept.len());
                }
                kept.push(entry);
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

    fn formatted(text: &str) -> String {
        let mut list = List::parse(text);
        list.format().unwrap();
        list.to_string()
    }

    #[test]
    fn blanks_order_endings_and_duplicates() {
        for (text, expected) in [
            ("", ""),
            ("#  only \n \n#comments", "#  only \n \n#comments\n"),
            ("\u{feff} b\tx  1 \na x 1", "a x 1\nb x 1\n"),
            ("a x 1\r\nb x 1\r\nc x 1\n", "a x 1\r\nb x 1\r\nc x 1\r\n"),
            // In order only as written, not once the blanks are single.
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
    fn a_list_with_wrong_rows_is_left_alone() {
        let mut list = List::parse("b x 1\na  x 1\nwrong");
        let problems = list.format().unwrap_err();
        assert_eq!(problems, list.wrong_rows());
        assert_eq!(problems.len(), 1);
        assert_eq!(list.to_string(), "b x 1\na  x 1\nwrong");
    }

    proptest! {
        #[test]
        fn only_conflicts_are_left_and_formatting_again_changes_nothing(
            lines in prop::collection::vec("[ \t]?(library/)?[abc][ \t]{1,2}[xy] v?[12]0?|# [ab]|", 0..20),
            newline in "\r?\n",
        ) {
            let once = formatted(&lines.join(&newline));
            let list = List::parse(&once);
            let problems = Checker::default().check("list", &list);
            let is_conflict = |problem: &Problem| matches!(problem.kind, ProblemKind::Conflict { .. });
            prop_assert!(problems.iter().all(is_conflict), "{problems:#?}");
            prop_assert_eq!(formatted(&once), once);
        }
    }
}
