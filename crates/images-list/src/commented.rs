//! Rows that somebody commented out.

use crate::line::{Content, Line};
use crate::list::List;
use crate::row::{LastNames, Row};

/// A row in a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentedRow {
    /// The comment's line number, counted from 1.
    pub line: usize,
    /// What the line would be without the marks before it.
    pub row: Row,
}

impl List {
    /// The comments that are rows once their marks (`#`, `//`) are taken away,
    /// in the order of the file.
    ///
    /// Three words of prose can have a row's form too, so only comments whose
    /// destination has a `/` count: a mirror's repositories have one.
    #[must_use]
    pub fn commented_rows(&self) -> Vec<CommentedRow> {
        let mut names = LastNames::default();
        let numbered = self.lines.iter().zip(1..);
        numbered
            .filter_map(|(line, number)| {
                let row = row_in_comment(line, &mut names)?;
                Some(CommentedRow { line: number, row })
            })
            .collect()
    }
}

fn row_in_comment(line: &Line, names: &mut LastNames) -> Option<Row> {
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
    fn only_comments_that_look_like_rows_are_rows() {
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
