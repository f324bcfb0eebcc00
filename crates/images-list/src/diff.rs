//! The difference between two versions of a list.

use crate::list::List;
use crate::row::{NumberedRow, Row};
use std::collections::HashSet;

/// The rows that only one of two versions of a list has.
///
/// Order, the spelling of names, whitespace, comments and duplicates make no difference. A changed
/// row counts as one removed and one added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff<'a> {
    /// The rows of the new list only, in its order and with its line numbers.
    pub added: Vec<NumberedRow<'a>>,
    /// The rows of the old list only, in its order and with its line numbers.
    pub removed: Vec<NumberedRow<'a>>,
}

impl<'a> Diff<'a> {
    /// Compares two versions of a list.
    #[must_use]
    pub fn between(old: &'a List, new: &'a List) -> Self {
        Self {
            added: rows_only_in(new, old),
            removed: rows_only_in(old, new),
        }
    }
}

fn rows_only_in<'a>(list: &'a List, other: &List) -> Vec<NumberedRow<'a>> {
    let mut seen: HashSet<&Row> = other.rows().map(|numbered| numbered.row).collect();
    list.rows()
        .filter(|numbered| seen.insert(numbered.row))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the added and the removed rows with their lines.
    fn diff(old: &str, new: &str) -> [Vec<(usize, String)>; 2] {
        let (old, new) = (List::parse(old), List::parse(new));
        let diff = Diff::between(&old, &new);
        [diff.added, diff.removed].map(|rows| {
            let rows = rows.iter();
            rows.map(|numbered| (numbered.line, numbered.row.to_string()))
                .collect()
        })
    }

    #[test]
    fn diff_ignores_spelling_order_and_duplicates() {
        let old = "# c\na x 1\nb x 1\n";
        let same = "docker.io/library/b\tx 1\r\n\r\nwrong\r\na x 1\r\na x 1";
        assert_eq!(diff(old, same), [vec![], vec![]]);
    }

    #[test]
    fn diff_has_the_line_numbers_of_each_list() {
        let old = "a x 1\n# c\nb x 1\nc x 1\n";
        let new = "d x 1\na x 1\nb x 2\nd x 1\n";
        let added = [(1, "d x 1"), (3, "b x 2")];
        let removed = [(3, "b x 1"), (4, "c x 1")];
        let expected = [added, removed].map(|rows| rows.map(|(line, row)| (line, row.to_owned())));
        assert_eq!(diff(old, new), expected);
    }
}
