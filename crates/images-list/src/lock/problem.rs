//! Problems of a lock.

use image_name::{AttachedDigest, Digest};

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

/// The version of this program, for keys and versions that only a later one may know.
const THIS_VERSION: &str = env!("CARGO_PKG_VERSION");

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
        row: Box<Row>,
        /// The number of the first line with the row, from 1.
        first: usize,
    },
    /// The first line names a version of the format that this program does not know.
    #[error(
        "unknown lock version `{}`: mirror {THIS_VERSION} knows 1 and 2; use the later version of \
         mirror that wrote the lock", .found.escape_debug()
    )]
    Version {
        /// The version.
        found: String,
    },
    /// A field after the media type has a key that this program does not know.
    #[error(
        "unknown key `{}`: mirror {THIS_VERSION} does not know it, a later version of mirror may", .key.escape_debug()
    )]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// The value of `source` is not `follow:ENTRY`.
    #[error("invalid source `{}`: expected source=follow:ENTRY", .value.escape_debug())]
    Source {
        /// The value.
        value: String,
    },
    /// The value of `signer` is empty or has other characters than a name.
    #[error("invalid signer `{}`: expected signer=NAME", .value.escape_debug())]
    Signer {
        /// The value.
        value: String,
    },
    /// A key occurs twice in a line.
    #[error("duplicate key `{key}`")]
    DuplicateKey {
        /// The key.
        key: &'static str,
    },
    /// An attached digest in a lock of version 1.
    #[error("an attached digest in a lock of version 1: restore the first line `# mirror-lock 2`")]
    AttachedInVersion1,
    /// The line of an attached digest does not have exactly four fields.
    #[error("expected 4 fields (+ SUBJECT TAG DIGEST), found {found}")]
    AttachedFields {
        /// The number of fields of the line.
        found: usize,
    },
    /// The third field of an attached digest is not a digest tag of its subject.
    #[error("`{}` is not a digest tag of {subject}", .tag.escape_debug())]
    AttachedTag {
        /// The field.
        tag: String,
        /// The subject.
        subject: Digest,
    },
    /// No row is above the line of an attached digest.
    #[error("an attached digest without a row above it")]
    AttachedWithoutRow,
    /// A row has an attached digest twice.
    #[error("duplicate attached digest: {attached}; keep one of the lines")]
    DuplicateAttached {
        /// The attached digest.
        attached: Box<AttachedDigest>,
    },
}
