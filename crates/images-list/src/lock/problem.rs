//! Problems of a lock.

use super::approved_digest::ApprovedDigestError;
use crate::row::{Row, RowError, merge_mark_message};

/// A problem of a line. [`std::fmt::Display`] writes the text after `file:line: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct LockProblem {
    /// The number of the line, from 1.
    pub line: usize,
    /// The problem.
    pub kind: LockProblemKind,
}

/// The kinds of problems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockProblemKind {
    /// The line is the mark of a merge conflict that was not resolved.
    #[error("{}", merge_mark_message(.text))]
    MergeMark {
        /// The line.
        text: String,
    },
    /// The line does not have exactly five fields.
    #[error("expected 5 fields (SOURCE DESTINATION TAG DIGEST MEDIA_TYPE), found {found}")]
    Fields {
        /// The number of fields of the line.
        found: usize,
    },
    /// The first three fields are not a row. A line may have several such problems.
    #[error(transparent)]
    Row(RowError),
    /// The fourth field is not a digest.
    #[error("invalid digest `{}`: {reason}", .text.escape_debug())]
    Digest {
        /// The field.
        text: String,
        /// The reason.
        reason: ApprovedDigestError,
    },
    /// The line repeats the row of an earlier one.
    #[error("duplicate row: `{row}` is already on line {first}; keep the approved line")]
    Duplicate {
        /// The row as the first line writes it.
        row: Row,
        /// The number of the first line with the row, from 1.
        first: usize,
    },
}
