//! What a branch changes in the lists, and whether that can be mirrored.

mod change;
mod findings;

pub(crate) use change::{Change, Changed};
pub(crate) use findings::{Checked, Status};
