//! The lock of a list: the approved digest of each row.

mod approved_digest;
mod attached_digests;
mod entry_name;
mod lock_file;
#[cfg(test)]
mod lock_file_tests;
mod lock_line;
mod problem;
mod signer;

pub use approved_digest::{ApprovedDigest, ApprovedDigestError};
pub use attached_digests::AttachedDigests;
pub use entry_name::{EntryName, EntryNameError};
pub use lock_file::{FollowedRow, Lock};
pub use problem::{LockProblem, LockProblemKind};
pub use signer::{Signer, SignerError};
