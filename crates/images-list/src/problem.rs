//! Problems of a list.

use crate::row::{Row, RowError};
use crate::targets_file::ExpansionError;
use image_name::ManifestReference;
use std::fmt;

/// A problem of a line. [`fmt::Display`] writes the text after `file:line: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Problem {
    /// The number of the line, from 1.
    pub line: usize,
    /// The problem.
    pub kind: ProblemKind,
}

/// The kinds of problems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The line is not a row. A line may have several such problems.
    #[error(transparent)]
    InvalidRow(RowError),
    /// The destination of the row stands for no repository. A line may have several such problems.
    #[error("invalid destination `{destination}`: {reason}")]
    InvalidDestination {
        /// The destination as the row writes it.
        destination: String,
        /// The reason.
        reason: ExpansionError,
    },
    /// The row repeats an earlier one.
    #[error("duplicate row: `{row}` is already on {first}; remove one of them")]
    Duplicate {
        /// The row as this line writes it.
        row: Row,
        /// The location of the first.
        first: Location,
    },
    /// The row writes a tag that an earlier row writes from the same image.
    #[error(
        "duplicate tag: `{destination}:{tag}` is already written by the row on {first}; remove one of them"
    )]
    DuplicateTag {
        /// The destination as this row spells it, or the repository that both rows write.
        destination: String,
        /// The tag.
        tag: ManifestReference,
        /// The location of the first.
        first: Location,
    },
    /// Two sources have the same destination and tag.
    #[error(
        "`{destination}:{tag}` has two sources, `{this_source}` here and `{other_source}` on {other}: remove one row or change its destination"
    )]
    Conflict {
        /// The source of this row, with the tag where it differs.
        this_source: String,
        /// The destination as this row spells it, or the repository that both rows write.
        destination: String,
        /// The tag.
        tag: ManifestReference,
        /// The location of the first row with that destination and tag.
        other: Location,
        /// The source of that row.
        other_source: String,
    },
    /// The row is out of the order of `sort -V`.
    #[error("out of order: `{row}` belongs {position}; move it there")]
    Misplaced {
        /// The line's text.
        row: String,
        /// The right position.
        position: SortPosition,
    },
}

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The row is valid but out of order, a duplicate or in conflict with another row.
    Warning,
    /// The line is not a row, or its destination stands for no repository.
    Error,
}

/// A line of the checked list or of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The name of the other list, `None` for the checked list.
    pub list: Option<String>,
    /// The number of the line, from 1.
    pub line: usize,
}

/// The right position of a row, relative to another row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortPosition {
    /// Before the other row, not always directly.
    Before {
        /// The number of the other row's line, from 1.
        line: usize,
        /// The text of the other row.
        row: String,
    },
    /// After the other row, not always directly.
    After {
        /// The number of the other row's line, from 1.
        line: usize,
        /// The text of the other row.
        row: String,
    },
}

impl Problem {
    /// Returns the severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.kind {
            ProblemKind::InvalidRow(_) | ProblemKind::InvalidDestination { .. } => Severity::Error,
            ProblemKind::Duplicate { .. }
            | ProblemKind::DuplicateTag { .. }
            | ProblemKind::Conflict { .. }
            | ProblemKind::Misplaced { .. } => Severity::Warning,
        }
    }

    /// Reports whether [`List::format`](crate::List::format) removes the problem.
    #[must_use]
    pub fn is_fixed_by_format(&self) -> bool {
        match &self.kind {
            ProblemKind::Misplaced { .. } => true,
            ProblemKind::Duplicate { first, .. } => first.list.is_none(),
            ProblemKind::InvalidRow(_)
            | ProblemKind::InvalidDestination { .. }
            | ProblemKind::DuplicateTag { .. }
            | ProblemKind::Conflict { .. } => false,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.list {
            Some(list) => write!(f, "{list}:{}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

impl fmt::Display for SortPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before { line, row } => write!(f, "before line {line}, `{row}`"),
            Self::After { line, row } => write!(f, "after line {line}, `{row}`"),
        }
    }
}
