//! One line of the file, kept byte for byte.

use crate::row::{LastNames, Row, RowError};

/// A line: its text, how it ends, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The text without its ending. This is what order goes by.
    pub(crate) text: Box<str>,
    pub(crate) ending: Ending,
    pub(crate) content: Content,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// The file ends before the line does: its last line only.
    Missing,
}

/// What a line says.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Nothing but blanks.
    Blank,
    /// `#` or `//` comes first.
    Comment,
    /// A row.
    Row(Row),
    /// What should be a row and is none, with everything that is wrong.
    Wrong(Vec<RowError>),
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
    /// Reads a line with its ending, as `str::split_inclusive` gives it.
    pub(crate) fn parse(line: &str, names: &mut LastNames) -> Self {
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
                Err(errors) => Content::Wrong(errors),
            },
        };
        let text = text.into();
        Self {
            text,
            ending,
            content,
        }
    }

    /// A new line that says `row`.
    pub(crate) fn of_row(row: Row, ending: Ending) -> Self {
        let text = row.to_string().into();
        let content = Content::Row(row);
        Self {
            text,
            ending,
            content,
        }
    }

    /// The row on the line, if there is one.
    pub(crate) fn row(&self) -> Option<&Row> {
        match &self.content {
            Content::Row(row) => Some(row),
            Content::Blank | Content::Comment | Content::Wrong(_) => None,
        }
    }

    /// Whether the line is about the row that follows: a comment or a blank.
    pub(crate) fn is_remark(&self) -> bool {
        matches!(self.content, Content::Blank | Content::Comment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_comes_first_on_them() {
        for (text, expected) in [
            ("", "blank"),
            (" \t\n", "blank"),
            ("# a b c", "comment"),
            (" \t# a b c\r\n", "comment"),
            ("//a b c", "comment"),
            ("/ b c", "wrong"),
            ("a b c", "row"),
            ("\ta\tb  c \r\n", "row"),
            ("a b", "wrong"),
            ("a b #c", "wrong"),
        ] {
            let line = Line::parse(text, &mut LastNames::default());
            let content = match line.content {
                Content::Blank => "blank",
                Content::Comment => "comment",
                Content::Row(_) => "row",
                Content::Wrong(_) => "wrong",
            };
            assert_eq!(content, expected, "{text:?}");
            assert_eq!(format!("{}{}", line.text, line.ending.as_str()), text);
        }
    }
}
