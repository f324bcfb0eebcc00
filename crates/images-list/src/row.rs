//! Rows: `SOURCE DESTINATION TAG`.

use crate::destination::{Destination, DestinationError};
use crate::tag_column::{TagColumn, TagColumnError};
use image_name::{RepositoryName, RepositoryNameError};
use oci_spec::distribution::Reference;
use std::fmt;
use std::str::FromStr;

/// An image of a source repository and the destination repository that gets it.
///
/// Rows are equal if they have the same names, however these are spelled, and the same third column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// The source.
    pub source: RepositoryName,
    /// The destination.
    pub destination: Destination,
    /// The tag column: the tag or digest at the source, and the tags at the destination.
    pub tag: TagColumn,
}

/// A row with its line number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedRow<'a> {
    /// The number of the line, from 1.
    pub line: usize,
    /// The row of that line.
    pub row: &'a Row,
}

/// The reason why a line is not a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The line does not have exactly three fields.
    #[error("expected 3 fields (SOURCE DESTINATION TAG), found {found}: {}", fields_hint(*found))]
    Fields {
        /// The number of fields of the line.
        found: usize,
    },
    /// The line does not have exactly three fields, and a character stands where a space should.
    #[error("expected 3 fields (SOURCE DESTINATION TAG) separated by spaces, found {found}: {}", separator_hint(*character))]
    Separator {
        /// The number of fields of the line.
        found: usize,
        /// The first such character.
        character: char,
    },
    /// The line is the mark of a merge conflict that was not resolved.
    #[error("{}", merge_mark_message(.text))]
    MergeMark {
        /// The line.
        text: String,
    },
    /// A comment follows the three fields.
    #[error("comment after a row: move the comment to its own line above the row")]
    TrailingComment,
    /// The first field is not a repository.
    #[error("invalid source `{text}`: {reason}{}", repository_hint(reason))]
    Source {
        /// The field.
        text: String,
        /// The reason.
        reason: RepositoryNameError,
    },
    /// The second field is not `REPOSITORY | @NAME[,NAME…]/PATH`.
    #[error("invalid destination `{text}`: {reason}{}", destination_hint(reason))]
    Destination {
        /// The field.
        text: String,
        /// The reason.
        reason: DestinationError,
    },
    /// The third field is not `(TAG | DIGEST | TAG@DIGEST)[=TAG[,TAG…]]`.
    #[error("invalid tag `{}`: {reason}", .text.escape_debug())]
    Tag {
        /// The field.
        text: String,
        /// The reason.
        reason: TagColumnError,
    },
}

/// Reports whether a line is a mark that git writes around the sides of a merge conflict.
pub(crate) fn is_merge_mark(line: &str) -> bool {
    let mut marks = ["<<<<<<<", "|||||||", ">>>>>>>"].into_iter();
    let line = line.trim_end();
    line == "======="
        || marks.any(|mark| {
            let rest = line.strip_prefix(mark);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
}

/// Returns the message of a mark of a merge conflict.
pub(crate) fn merge_mark_message(line: &str) -> String {
    let line = line.trim_end();
    format!(
        "`{}` is the mark of an unresolved merge conflict: keep the lines of one side or of both, \
         and remove the marks",
        line.escape_debug()
    )
}

fn fields_hint(found: usize) -> &'static str {
    match found {
        0..3 => "add the missing fields, or start the line with `#` to make it a comment",
        _ => "remove the extra fields, or start the line with `#` to make it a comment",
    }
}

fn separator_hint(character: char) -> String {
    if is_invisible(character) {
        let code = u32::from(character);
        return format!(
            "the line has the invisible character U+{code:04X}; replace it by a space, or remove it"
        );
    }
    format!("replace each `{character}` by a space")
}

/// Reports whether a character is white space other than the separators of fields, or has no glyph: no-break
/// and zero-width spaces, NUL and other controls.
fn is_invisible(character: char) -> bool {
    let is_other_space = character.is_whitespace() && !matches!(character, ' ' | '\t');
    let is_control = character.is_control() && character != '\t';
    is_other_space
        || is_control
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn repository_hint(reason: &RepositoryNameError) -> &'static str {
    match reason {
        RepositoryNameError::Tag { .. } | RepositoryNameError::Digest => {
            "; it belongs in the third field"
        }
        _ => "",
    }
}

fn destination_hint(reason: &DestinationError) -> &'static str {
    match reason {
        DestinationError::Repository(reason) => repository_hint(reason),
        DestinationError::Tag { .. } => "; it belongs in the third field",
        _ => "",
    }
}

impl Row {
    /// Returns the image at the source. A pin does not change it.
    #[must_use]
    pub fn source_reference(&self) -> Reference {
        self.source.reference(self.tag.source())
    }

    /// Returns the image to copy: that of the source, or the pinned one.
    #[must_use]
    pub fn copied_reference(&self) -> Reference {
        self.source.reference(&self.tag.copied())
    }

    /// Returns true if another row copies the same image of the same source, to whatever destination.
    #[must_use]
    pub fn copies_same_image(&self, other: &Self) -> bool {
        let image = |row: &Self| (row.tag.source().clone(), row.tag.pin().cloned());
        self.source == other.source && image(self) == image(other)
    }
}

/// Writes the fields as written, with single spaces between them.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.source, self.destination, self.tag)
    }
}

/// The last parsed names. Most rows of a sorted list repeat them.
#[derive(Debug, Default)]
pub(crate) struct NameCache {
    source: Option<RepositoryName>,
    destination: Option<Destination>,
}

impl NameCache {
    /// Parses a line that is neither blank nor a comment.
    ///
    /// # Errors
    ///
    /// All errors of the line, at least one.
    pub(crate) fn parse_row(&mut self, line: &str) -> Result<Row, Vec<RowError>> {
        if is_merge_mark(line) {
            let text = line.to_owned();
            return Err(vec![RowError::MergeMark { text }]);
        }
        let fields: Vec<&str> = fields(line).collect();
        let [source, destination, tag] = fields[..] else {
            return Err(vec![wrong_field_count(line, &fields)]);
        };
        let source =
            cached(&mut self.source, source, RepositoryName::as_written).map_err(|reason| {
                RowError::Source {
                    text: source.to_owned(),
                    reason,
                }
            });
        let written = destination;
        let destination = cached(&mut self.destination, written, Destination::as_written);
        let destination = destination.map_err(|reason| RowError::Destination {
            text: written.to_owned(),
            reason,
        });
        let tag = tag.parse::<TagColumn>().map_err(|reason| RowError::Tag {
            text: tag.to_owned(),
            reason,
        });
        match (source, destination, tag) {
            (Ok(source), Ok(destination), Ok(tag)) => Ok(Row {
                source,
                destination,
                tag,
            }),
            (source, destination, tag) => Err([source.err(), destination.err(), tag.err()]
                .into_iter()
                .flatten()
                .collect()),
        }
    }
}

/// Splits a line into its fields at spaces and tabs.
pub(crate) fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t']).filter(|field| !field.is_empty())
}

fn wrong_field_count(line: &str, fields: &[&str]) -> RowError {
    if let [_, _, _, rest, ..] = fields
        && (rest.starts_with('#') || rest.starts_with("//"))
    {
        return RowError::TrailingComment;
    }
    let found = fields.len();
    // A field may have commas, but a whole row without a space has them as separators.
    let is_separator = |c: &char| is_invisible(*c) || (found == 1 && matches!(c, ',' | ';' | '|'));
    match line.trim_end().chars().find(is_separator) {
        Some(character) => RowError::Separator { found, character },
        None => RowError::Fields { found },
    }
}

fn cached<T: Clone + FromStr>(
    last: &mut Option<T>,
    name: &str,
    as_written: fn(&T) -> &str,
) -> Result<T, T::Err> {
    if let Some(known) = last.as_ref().filter(|known| as_written(known) == name) {
        return Ok(known.clone());
    }
    let parsed: T = name.parse()?;
    *last = Some(parsed.clone());
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Row, Vec<RowError>> {
        NameCache::default().parse_row(line)
    }

    #[test]
    fn rows_are_equal_whatever_the_whitespace_and_spelling() {
        let row = parse("busybox r/busybox 1").unwrap();
        assert_eq!(
            row,
            parse(" docker.io/library/busybox\t r/busybox  1\t").unwrap()
        );
        for other in [
            "busybox r/busybox 2",
            "busybox r/busy 1",
            "a/busybox r/busybox 1",
        ] {
            assert_ne!(row, parse(other).unwrap());
        }
        assert_eq!(parse(" a/b\tc/d   1 ").unwrap().to_string(), "a/b c/d 1");
    }

    #[test]
    fn cached_names_are_not_confused() {
        let mut names = NameCache::default();
        names.parse_row("a/b c/d 1").unwrap();
        let row = names.parse_row("c/d a/b 1").unwrap();
        assert_eq!(row.to_string(), "c/d a/b 1");
        names.parse_row("a/b Wrong 1").unwrap_err();
        assert_eq!(
            names.parse_row("a/b a/b 2").unwrap().to_string(),
            "a/b a/b 2"
        );
    }

    #[test]
    fn references_have_host_and_tag() {
        for text in ["quay.io/a/b c/d v1", "quay.io/a/b @hub,prime/d v1=1,latest"] {
            let row = parse(text).unwrap();
            assert_eq!(row.source_reference().whole(), "quay.io/a/b:v1");
            assert_eq!(row.to_string(), text);
        }
    }

    #[test]
    fn parse_row_returns_all_errors_of_a_line() {
        for (line, expected) in [
            (
                "a/b",
                vec!["expected 3 fields (SOURCE DESTINATION TAG), found 1: add"],
            ),
            (
                "a/b c/d",
                vec!["expected 3 fields (SOURCE DESTINATION TAG), found 2: add the missing"],
            ),
            (
                "a/b c/d 1 2",
                vec!["expected 3 fields (SOURCE DESTINATION TAG), found 4: remove the extra"],
            ),
            (
                "a/b;c/d;1",
                vec![
                    "expected 3 fields (SOURCE DESTINATION TAG) separated by spaces, found 1: replace each `;` by a space",
                ],
            ),
            (
                "a/b,c/d,1",
                vec![
                    "expected 3 fields (SOURCE DESTINATION TAG) separated by spaces, found 1: replace each `,` by a space",
                ],
            ),
            (
                "a/b @hub,prime/d",
                vec!["expected 3 fields (SOURCE DESTINATION TAG), found 2: add"],
            ),
            (
                "a/b\u{a0}c/d 1",
                vec![
                    "expected 3 fields (SOURCE DESTINATION TAG) separated by spaces, found 2: the line has the invisible character U+00A0; replace it by a space, or remove it",
                ],
            ),
            (
                "a\0/\0b\0",
                vec![
                    "expected 3 fields (SOURCE DESTINATION TAG) separated by spaces, found 1: the line has the invisible character U+0000",
                ],
            ),
            ("a/b c/d 1 # why", vec!["comment after a row: "]),
            ("a/b c/d 1 //why", vec!["comment after a row: "]),
            (
                "a/b:1 C/d 1\r",
                vec![
                    "invalid source `a/b:1`: the tag `1` is not part of a repository name; it belongs in the third field",
                    "invalid destination `C/d`: upper case letters are not allowed in a repository: did you mean `c/d`?",
                    r"invalid tag `1\r`: '\r' is not allowed in a tag",
                ],
            ),
        ] {
            let errors = parse(line).unwrap_err();
            assert_eq!(errors.len(), expected.len(), "{line}");
            for (error, expected) in errors.iter().zip(expected) {
                let message = error.to_string();
                assert!(message.starts_with(expected), "{line}: {message}");
            }
        }
    }
}
