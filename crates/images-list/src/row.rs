//! One row: `SOURCE DESTINATION TAG`.

use crate::name_grammar::RepositoryError;
use crate::repository::Repository;
use crate::tag::{Tag, TagError};
use oci_spec::distribution::Reference;
use std::fmt;

/// What is mirrored where: one image of a source repository, and the
/// repository it is copied to under the same tag.
///
/// Rows are equal if they mean the same, however their names are written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// Where the image comes from.
    pub source: Repository,
    /// Where it goes.
    pub destination: Repository,
    /// Which image of the source, and its tag at the destination.
    pub tag: Tag,
}

/// A row and where its list has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowAt<'a> {
    /// The line's number, counted from 1.
    pub line: usize,
    /// The row on that line.
    pub row: &'a Row,
}

/// What is wrong with a line that should be a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// There are not three fields.
    #[error("{found} {} instead of 3, SOURCE DESTINATION TAG: {}", plural(*found), advice(*found))]
    Fields {
        /// How many fields the line has.
        found: usize,
    },
    /// Three fields, and then a comment.
    #[error("a comment after a row: move it to a line of its own, above the row")]
    TrailingComment,
    /// The first field is no repository.
    #[error("invalid source `{text}`: {reason}")]
    Source {
        /// The field.
        text: String,
        /// What is wrong with it.
        reason: RepositoryError,
    },
    /// The second field is no repository.
    #[error("invalid destination `{text}`: {reason}")]
    Destination {
        /// The field.
        text: String,
        /// What is wrong with it.
        reason: RepositoryError,
    },
    /// The third field is neither tag nor digest.
    #[error("invalid tag `{}`: {reason}", .text.escape_debug())]
    Tag {
        /// The field.
        text: String,
        /// What is wrong with it.
        reason: TagError,
    },
}

fn plural(found: usize) -> &'static str {
    if found == 1 { "field" } else { "fields" }
}

fn advice(found: usize) -> &'static str {
    match found {
        0..3 => "add what is missing, or begin the line with `#` to make it a comment",
        _ => "remove what is too much, or begin the line with `#` to make it a comment",
    }
}

impl Row {
    /// The image to copy.
    #[must_use]
    pub fn source_reference(&self) -> Reference {
        self.source.reference(&self.tag)
    }

    /// The image as it is named after the copy.
    #[must_use]
    pub fn destination_reference(&self) -> Reference {
        self.destination.reference(&self.tag)
    }
}

/// The row as a line: the fields as written, one blank between them.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.source, self.destination, self.tag)
    }
}

/// The last names parsed: a sorted list repeats them line after line.
#[derive(Debug, Default)]
pub(crate) struct LastNames {
    source: Option<Repository>,
    destination: Option<Repository>,
}

impl LastNames {
    /// Parses a line that is neither blank nor a comment.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the line, at least one.
    pub(crate) fn parse_row(&mut self, line: &str) -> Result<Row, Vec<RowError>> {
        let fields: Vec<&str> = fields(line).collect();
        let [source, destination, tag] = fields[..] else {
            return Err(vec![wrong_number(&fields)]);
        };
        let source = cached(&mut self.source, source).map_err(|reason| RowError::Source {
            text: source.to_owned(),
            reason,
        });
        let destination = cached(&mut self.destination, destination).map_err(|reason| {
            let text = destination.to_owned();
            RowError::Destination { text, reason }
        });
        let tag = tag.parse::<Tag>().map_err(|reason| RowError::Tag {
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

/// The fields of a line: what blanks and tabs separate.
pub(crate) fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t']).filter(|field| !field.is_empty())
}

fn wrong_number(fields: &[&str]) -> RowError {
    match fields {
        [_, _, _, rest, ..] if rest.starts_with('#') || rest.starts_with("//") => {
            RowError::TrailingComment
        }
        _ => RowError::Fields {
            found: fields.len(),
        },
    }
}

fn cached(last: &mut Option<Repository>, name: &str) -> Result<Repository, RepositoryError> {
    if let Some(known) = last.as_ref().filter(|known| known.as_written() == name) {
        return Ok(known.clone());
    }
    let parsed: Repository = name.parse()?;
    *last = Some(parsed.clone());
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Row, Vec<RowError>> {
        LastNames::default().parse_row(line)
    }

    #[test]
    fn blanks_and_spelling_do_not_make_another_row() {
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
    fn names_seen_before_are_not_mixed_up() {
        let mut names = LastNames::default();
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
    fn references_carry_host_and_tag() {
        let row = parse("quay.io/a/b c/d v1").unwrap();
        assert_eq!(row.source_reference().whole(), "quay.io/a/b:v1");
        assert_eq!(row.destination_reference().whole(), "docker.io/c/d:v1");
    }

    #[test]
    fn all_that_is_wrong_with_a_line_is_said() {
        for (line, expected) in [
            ("a/b", vec!["1 field instead of 3"]),
            (
                "a/b c/d",
                vec!["2 fields instead of 3, SOURCE DESTINATION TAG: add what is missing"],
            ),
            (
                "a/b c/d 1 2",
                vec!["4 fields instead of 3, SOURCE DESTINATION TAG: remove"],
            ),
            ("a/b c/d 1 # why", vec!["a comment after a row"]),
            ("a/b c/d 1 //why", vec!["a comment after a row"]),
            (
                "a/b:1 C/d 1\r",
                vec![
                    "invalid source `a/b:1`: it carries the tag `1`",
                    "invalid destination `C/d`: a repository has no upper case letters",
                    r"invalid tag `1\r`: '\r' has no place",
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
