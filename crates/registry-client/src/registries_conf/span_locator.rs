//! Byte spans of a text as lines and columns.

use std::ops::Range;

/// A text whose byte spans are converted to lines and columns.
pub(super) struct SpanLocator<'a> {
    pub(super) text: &'a str,
}

impl SpanLocator<'_> {
    /// Returns line and column (in characters) of the start of a span, from 1.
    pub(super) fn line_and_column(&self, span: Range<usize>) -> (usize, usize) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}
