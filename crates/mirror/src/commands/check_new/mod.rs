//! `mirror check-new`: whether the rows that a branch adds can be mirrored.

mod args;
mod change;
mod findings;
mod locked;
mod report;
mod run;

pub(crate) use args::CheckNewArgs;
pub(crate) use run::run;
