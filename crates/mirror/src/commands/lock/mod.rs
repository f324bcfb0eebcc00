//! `mirror lock`: approves what the list's tags point to now.

mod approve;
mod args;
mod report;
mod run;

pub(crate) use args::LockArgs;
pub(crate) use run::run;
