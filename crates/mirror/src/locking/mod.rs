//! What a list's lock lacks, and filling it.

mod answers;
mod gaps;

pub(crate) use answers::{Answers, Change};
pub(crate) use gaps::gaps;
