//! A line of a list, kept byte for byte.

use crate::row::{NameCache, Row, RowError};

/// A line: its text, its ending and its content.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The text without the ending. Lines are sorted by it.
    pub(crate) text: Box<str>,
    pub(crate) ending: Ending,
    pub(crate) content: Content,
}

/// The ending of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// The end of the file. Only the last line can have it.
    Missing,
}

/// The content of a line.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Whitespace only.
    Blank,
    /// A line that starts with `#` or `//`.
    Comment,
    /// A row.
    Row(Row),
    /// Any other line that is not a row, with all its errors.
    Invalid(Vec<RowError>),
}

impl Ending {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Missing => "",
        }
    }
}

impl Line {
    /// Parses a line with its ending, as returned by [`str::split_inclusive`].
    pub(crate) fn parse(line: &str, names: &mut NameCache) -> Self {
        let (text, ending) = if let Some(text) = line.strip_suffix("\r\n") {
            (text, Ending::CrLf)
        } else if let Some(text) = line.strip_suffix('\n') {
            (text, Ending::Lf)
        } else {
            (line, Ending::Missing)
        };
        let content = match text.trim_start_matches([' ', '\t']) {
            "" => Content::Blank,
            trimmed if trimmed.starts_with('#') || trimmed.starts_with("//") => Content::Comment,
            trimmed => match names.parse_row(trimmed) {
                Ok(row) => Content::Row(row),
                Err(errors) => Content::Invalid(errors),
            },
        };
        let text = text.into();
        Self {
            text,
            ending,
            content,
        }
    }

    /// Creates the line of a row.
    pub(crate) fn from_row(row: Row, ending: Ending) -> Self {
        let text = row.to_string().into();
        let content = Content::Row(row);
        Self {
            text,
            ending,
            content,
        }
    }

    /// Returns the row of the line.
    pub(crate) fn row(&self) -> Option<&Row> {
        match &self.content {
            Content::Row(row) => Some(row),
            Content::Blank | Content::Comment | Content::Invalid(_) => None,
        }
    }

    /// Checks for a comment or a blank line, which belong to the row below.
    pub(crate) fn is_comment_or_blank(&self) -> bool {
        matches!(self.content, Content::Blank | Content::Comment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_classifies_lines_by_their_first_characters() {
        for (text, expected) in [
            ("", "blank"),
            (" \t\n", "blank"),
            ("# a b c", "comment"),
            (" \t# a b c\r\n", "comment"),
            ("//a b c", "comment"),
            ("/ b c", "invalid"),
            ("a b c", "row"),
            ("\ta\tb  c \r\n", "row"),
            ("a b", "invalid"),
            ("a b #c", "invalid"),
        ] {
            let line = Line::parse(text, &mut NameCache::default());
            let content = match line.content {
                Content::Blank => "blank",
                Content::Comment => "comment",
                Content::Row(_) => "row",
                Content::Invalid(_) => "invalid",
            };
            assert_eq!(content, expected, "{text:?}");
            assert_eq!(format!("{}{}", line.text, line.ending.as_str()), text);
        }
    }
}
