//! The lock of a list: the approved digest of each row.

mod approved_digest;
mod lock_file;
mod problem;

pub use approved_digest::{ApprovedDigest, ApprovedDigestError};
pub use lock_file::Lock;
pub use problem::{LockProblem, LockProblemKind};
