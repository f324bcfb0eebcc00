//! `mirror lock`: approves what the list's tags point to now.

mod answers;
mod args;
mod gaps;
mod report;
mod run;

pub(crate) use args::LockArgs;
pub(crate) use run::run;
