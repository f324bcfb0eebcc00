//! What can be wrong with a list.

use crate::repository::Repository;
use crate::row::{Row, RowError};
use crate::tag::Tag;
use std::fmt;

/// Something wrong with a line of a list.
///
/// Its `Display` is what belongs after `file:line: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Problem {
    /// The line's number, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// The line is no row. A line may have several such problems.
    #[error("{0}")]
    WrongRow(RowError),
    /// The same row again.
    #[error("duplicate row: `{row}` is on {first} already; remove one of them")]
    Duplicate {
        /// The row as this line writes it.
        row: Row,
        /// Where it was first.
        first: Place,
    },
    /// One destination and tag, fed by two sources.
    #[error(
        "`{destination}:{tag}` is fed by two sources, `{this_source}` here and `{other_source}` on {other}: only one image can have this name; remove one row, or give it another destination"
    )]
    Conflict {
        /// The source on this line.
        this_source: Repository,
        /// The destination of both.
        destination: Repository,
        /// The tag of both.
        tag: Tag,
        /// Where the destination and tag came first.
        other: Place,
        /// The source there.
        other_source: Repository,
    },
    /// The row is not where `sort -V` puts it.
    #[error("out of order: `{row}` belongs {neighbour}; move it there")]
    Misplaced {
        /// The line's text.
        row: String,
        /// Where the row belongs.
        neighbour: Neighbour,
    },
}

/// Whether a list with a problem can be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The list's form: what it says is clear (order, duplicates, conflicts).
    Form,
    /// A line that should be a row is none: it says nothing.
    WrongRow,
}

/// A line of the list at hand or of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The other list's name, as it was given to the checker; `None` is the
    /// list at hand.
    pub list: Option<String>,
    /// The line's number, counted from 1.
    pub line: usize,
}

/// A row in its right place, beside which another one belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Neighbour {
    /// The row belongs before (not always directly before) this one.
    Before {
        /// The neighbour's line number, counted from 1.
        line: usize,
        /// The neighbour's text.
        row: String,
    },
    /// The row belongs after (not always directly after) this one.
    After {
        /// The neighbour's line number, counted from 1.
        line: usize,
        /// The neighbour's text.
        row: String,
    },
}

impl Problem {
    /// Whether the row can be acted on all the same.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.kind {
            ProblemKind::WrongRow(_) => Severity::WrongRow,
            ProblemKind::Duplicate { .. }
            | ProblemKind::Conflict { .. }
            | ProblemKind::Misplaced { .. } => Severity::Form,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.list {
            Some(list) => write!(f, "{list}:{}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before { line, row } => write!(f, "before line {line}, `{row}`"),
            Self::After { line, row } => write!(f, "after line {line}, `{row}`"),
        }
    }
}
