//! The lock beside a list: for each row the image that was approved.

mod approved;
mod file;
mod problem;

pub use approved::{Approved, NotApproved};
pub use file::Lock;
pub use problem::{LockProblem, LockProblemKind};
