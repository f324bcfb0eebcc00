//! `mirror lock`: records the current digests of the list's tags as approved.

mod approve;
mod attached_changes;
mod report;
mod run;

pub(crate) use run::{LockArgs, run};
