//! `mirror lock`: approves what the list's tags point to now.

mod approve;
mod report;
mod run;

pub(crate) use run::{LockArgs, run};
