//! What a list's lock lacks, and filling it.

mod answers;
mod approvals;
mod gaps;

pub(crate) use answers::{Answers, Change};
pub(crate) use approvals::Approvals;
pub(crate) use gaps::gaps;
