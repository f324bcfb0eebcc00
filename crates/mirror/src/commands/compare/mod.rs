//! `mirror compare`: compares the destinations with the list.

mod compared;
mod copy_check;
mod report;
mod run;
mod verification;

pub(crate) use compared::CompareRun;
pub(crate) use report::{ComparedJson, ComparedText};
pub(crate) use run::{CompareArgs, compare, run};
