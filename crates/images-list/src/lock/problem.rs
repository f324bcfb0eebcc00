//! What can be wrong with a lock.

use super::NotApproved;
use crate::row::{Row, RowError};

/// Something wrong with a line of a lock.
///
/// Its `Display` is what belongs after `file:line: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct LockProblem {
    /// The line's number, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: LockProblemKind,
}

/// What is wrong with a line of a lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockProblemKind {
    /// There are not five fields. The marks of a merge conflict are such lines.
    #[error("{found} fields instead of 5, SOURCE DESTINATION TAG DIGEST MEDIA_TYPE")]
    Fields {
        /// How many fields the line has.
        found: usize,
    },
    /// The first three fields are no row. A line may have several such problems.
    #[error("{0}")]
    Row(RowError),
    /// The fourth field is no digest.
    #[error("invalid digest `{}`: {reason}", .text.escape_debug())]
    Digest {
        /// The field.
        text: String,
        /// What is wrong with it.
        reason: NotApproved,
    },
    /// The same row again.
    #[error("`{row}` is locked on line {first} already; keep the line that was approved")]
    Duplicate {
        /// The row as this line writes it.
        row: Row,
        /// The line that has it first, counted from 1.
        first: usize,
    },
}
