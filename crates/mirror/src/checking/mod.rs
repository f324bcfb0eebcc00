//! What a branch changes in the lists, and whether that can be mirrored.

mod change;
mod findings;
mod locked;

pub(crate) use change::{Change, Changed};
pub(crate) use findings::{Checked, Status};
pub(crate) use locked::{Allowed, LockChange};
