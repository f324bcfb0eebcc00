//! `mirror compare`: compares the destinations with the list.

mod compared;
mod report;
mod run;

pub(crate) use compared::CompareRun;
pub(crate) use report::{ComparedJson, ComparedText};
pub(crate) use run::{CompareArgs, compare, run};
