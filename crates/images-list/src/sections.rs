//! Which comments belong to which rows.

use crate::line::{Ending, Line};
use crate::list::List;
use crate::version_order::compare_lines;

/// A list taken apart: the block at its head, every row with the comments
/// above it, and what comes after the last row.
#[derive(Debug)]
pub(crate) struct Sections {
    pub(crate) head: Vec<Line>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) tail: Vec<Line>,
}

/// A row, or a line that should be one, and the comments and blank lines
/// above it, which go where it goes.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) remarks: Vec<Line>,
    pub(crate) line: Line,
}

impl Sections {
    pub(crate) fn of(lines: Vec<Line>) -> Self {
        let mut head = lines;
        let below = head.split_off(head_length(&head));
        let (mut remarks, mut entries) = (Vec::new(), Vec::new());
        for line in below {
            if line.is_remark() {
                remarks.push(line);
            } else {
                let remarks = std::mem::take(&mut remarks);
                entries.push(Entry { remarks, line });
            }
        }
        let tail = remarks;
        Self {
            head,
            entries,
            tail,
        }
    }

    pub(crate) fn into_lines(self) -> Vec<Line> {
        let entries = self.entries.into_iter().flat_map(|entry| {
            let Entry { remarks, line } = entry;
            remarks.into_iter().chain([line])
        });
        self.head
            .into_iter()
            .chain(entries)
            .chain(self.tail)
            .collect()
    }

    /// Puts the rows into the order of `sort -V`.
    pub(crate) fn sort(&mut self) {
        // Stable, as equal lines are still told apart by their comments.
        self.entries
            .sort_by(|a, b| compare_lines(&a.line.text, &b.line.text));
    }
}

/// How many lines the block at the head has. It ends with the first row; and
/// if comments stand directly above that row, parted from the block by a blank
/// line, they are that row's and the block ends with the blank line.
pub(crate) fn head_length(lines: &[Line]) -> usize {
    let is_blank = |line: &Line| line.text.trim_matches([' ', '\t']).is_empty();
    let Some(first_row) = lines.iter().position(|line| !line.is_remark()) else {
        return lines.len();
    };
    let before = &lines[..first_row];
    let last_blank = before.iter().rposition(is_blank);
    match last_blank {
        Some(blank) if !before[..blank].iter().all(is_blank) => blank + 1,
        _ => first_row,
    }
}

impl List {
    /// Puts the rows into the order of `sort -V`, and changes nothing else.
    ///
    /// The block of comments at the head stays, comments elsewhere stay with
    /// the row under them, and those after the last row stay at the end. Lines
    /// that should be rows and are none are sorted with the rows. A list
    /// without a newline at its end still has none.
    pub fn sort(&mut self) {
        let last = self.lines.last().map(|line| line.ending);
        let newline = self.newline();
        let mut sections = Sections::of(std::mem::take(&mut self.lines));
        sections.sort();
        self.lines = sections.into_lines();
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(text: &str) -> String {
        let mut list = List::parse(text);
        list.sort();
        list.to_string()
    }

    #[test]
    fn comments_go_where_their_row_goes() {
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

    fn bag_of_lines(text: &str) -> Vec<&str> {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines
    }

    proptest! {
        #[test]
        fn sorting_only_moves_lines_and_does_so_once(
            lines in prop::collection::vec("[ab]/[ab]? x [12]|[ab] x v1?[0-2]|#[ab]?|wrong [a-c]|", 0..20),
            end in "\n?",
        ) {
            let text = lines.join("\n") + &end;
            let once = sorted(&text);
            prop_assert_eq!(bag_of_lines(&once), bag_of_lines(&text));
            prop_assert_eq!(once.ends_with('\n'), text.ends_with('\n'));
            prop_assert_eq!(sorted(&once), once);
        }
    }
}
