//! What changed between two versions of a list.

use crate::list::List;
use crate::row::{Row, RowAt};
use std::collections::HashSet;

/// The rows that one version of a list has and the other lacks.
///
/// Rows are compared by what they mean: moving a row, spelling a name in
/// another way, blanks, comments and duplicates are no differences. A changed
/// row is one removed and one added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff<'a> {
    /// Rows of the new list only, with their lines there, in that order.
    pub added: Vec<RowAt<'a>>,
    /// Rows of the old list only, with their lines there, in that order.
    pub removed: Vec<RowAt<'a>>,
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

fn rows_only_in<'a>(list: &'a List, other: &List) -> Vec<RowAt<'a>> {
    let mut seen: HashSet<&Row> = other.rows().map(|at| at.row).collect();
    list.rows().filter(|at| seen.insert(at.row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The added rows and the removed ones, each with its line.
    fn diff(old: &str, new: &str) -> [Vec<(usize, String)>; 2] {
        let (old, new) = (List::parse(old), List::parse(new));
        let diff = Diff::between(&old, &new);
        [diff.added, diff.removed].map(|rows| {
            let rows = rows.iter();
            rows.map(|at| (at.line, at.row.to_string())).collect()
        })
    }

    #[test]
    fn only_what_rows_mean_counts() {
        let old = "# c\na x 1\nb x 1\n";
        let same = "docker.io/library/b\tx 1\r\n\r\nwrong\r\na x 1\r\na x 1";
        assert_eq!(diff(old, same), [vec![], vec![]]);
    }

    #[test]
    fn added_and_removed_rows_have_the_lines_of_their_own_list() {
        let old = "a x 1\n# c\nb x 1\nc x 1\n";
        let new = "d x 1\na x 1\nb x 2\nd x 1\n";
        let added = [(1, "d x 1"), (3, "b x 2")];
        let removed = [(3, "b x 1"), (4, "c x 1")];
        let expected = [added, removed].map(|rows| rows.map(|(line, row)| (line, row.to_owned())));
        assert_eq!(diff(old, new), expected);
    }
}
