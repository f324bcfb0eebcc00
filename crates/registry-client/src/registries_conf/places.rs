//! From byte offsets to lines and columns.

use std::ops::Range;

/// The text, to say where in it something is.
pub(super) struct Places<'a> {
    pub(super) text: &'a str,
}

impl Places<'_> {
    /// Line and column (in characters) of the beginning, from 1.
    pub(super) fn of(&self, span: Range<usize>) -> (usize, usize) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}
