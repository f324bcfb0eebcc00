//! Rows that are commented out.

use crate::line::{Content, Line};
use crate::list::List;
use crate::row::{NameCache, Row};

/// A row in a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentedRow {
    /// The number of the comment's line, from 1.
    pub line: usize,
    /// The row without the comment marks.
    pub row: Row,
}

impl List {
    /// Returns the comments that are rows without their marks (`#`, `//`), in the order of the file.
    ///
    /// Three words of prose can look like a row. So only comments whose destination has a `/` count,
    /// as the repositories of a mirror do.
    #[must_use]
    pub fn commented_rows(&self) -> Vec<CommentedRow> {
        let mut names = NameCache::default();
        let numbered = self.lines.iter().zip(1..);
        numbered
            .filter_map(|(line, number)| {
                let row = row_in_comment(line, &mut names)?;
                Some(CommentedRow { line: number, row })
            })
            .collect()
    }
}

fn row_in_comment(line: &Line, names: &mut NameCache) -> Option<Row> {
    if !matches!(line.content, Content::Comment) {
        return None;
    }
    let text = line.text.trim_start_matches([' ', '\t', '#', '/']);
    let row = names.parse_row(text).ok()?;
    row.destination.as_written().contains('/').then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commented_rows_have_three_valid_fields_and_a_slash() {
        let list = List::parse(
            "# <SOURCE> <DESTINATION> <TAG>\n# a r/a 1\na r/a 2\n//a r/a 3\r\n \t## // a\tr/a  4\n\
             # keep it sorted\n# see https://h/a b\n# a r/a 5 for later\n#a r/a sha256:0\n#",
        );
        let rows: Vec<_> = list
            .commented_rows()
            .iter()
            .map(|found| (found.line, found.row.to_string()))
            .collect();
        let expected = [(2, "a r/a 1"), (4, "a r/a 3"), (5, "a r/a 4")];
        assert_eq!(rows, expected.map(|(line, row)| (line, row.to_owned())));
    }
}
