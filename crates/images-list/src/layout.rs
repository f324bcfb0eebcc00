//! The layout of a list: the header, the rows with their comments, and the footer.

use crate::line::Line;
use crate::version_order::compare_lines;

/// The lines of a list in groups that are moved together.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The block of comments at the start.
    pub(crate) header: Vec<Line>,
    pub(crate) blocks: Vec<RowBlock>,
    /// The comments after the last row.
    pub(crate) footer: Vec<Line>,
}

/// A row, valid or not, with the comments and blank lines above it.
#[derive(Debug)]
pub(crate) struct RowBlock {
    pub(crate) comments: Vec<Line>,
    pub(crate) line: Line,
}

impl Layout {
    pub(crate) fn new(lines: Vec<Line>) -> Self {
        let mut header = lines;
        let rest = header.split_off(header_length(&header));
        let (mut comments, mut blocks) = (Vec::new(), Vec::new());
        for line in rest {
            if line.is_comment_or_blank() {
                comments.push(line);
            } else {
                let comments = std::mem::take(&mut comments);
                blocks.push(RowBlock { comments, line });
            }
        }
        Self {
            header,
            blocks,
            footer: comments,
        }
    }

    pub(crate) fn into_lines(self) -> Vec<Line> {
        let blocks = self.blocks.into_iter().flat_map(|block| {
            let RowBlock { comments, line } = block;
            comments.into_iter().chain([line])
        });
        self.header
            .into_iter()
            .chain(blocks)
            .chain(self.footer)
            .collect()
    }

    /// Sorts the rows in the order of `sort -V`.
    pub(crate) fn sort(&mut self) {
        // Stable: rows with equal text may have different comments.
        self.blocks
            .sort_by(|a, b| compare_lines(&a.line.text, &b.line.text));
    }
}

/// Returns the number of lines of the header.
///
/// The header ends before the first row. If a blank line separates the header from comments directly
/// above that row, those comments belong to the row and the header ends with the blank line.
pub(crate) fn header_length(lines: &[Line]) -> usize {
    let is_blank = |line: &Line| line.text.trim_matches([' ', '\t']).is_empty();
    let Some(first_row) = lines.iter().position(|line| !line.is_comment_or_blank()) else {
        return lines.len();
    };
    let before = &lines[..first_row];
    let last_blank = before.iter().rposition(is_blank);
    match last_blank {
        Some(blank) if !before[..blank].iter().all(is_blank) => blank + 1,
        _ => first_row,
    }
}
