//! Several reports made one.

mod file;
mod merge;

pub(crate) use file::read_all;
pub(crate) use merge::{MergeError, merge};
