//! `mirror compare`: compares every destination with its row.

mod compared;
mod report;
mod run;

pub(crate) use compared::CompareRun;
pub(crate) use report::{ComparedJson, ComparedText};
pub(crate) use run::{CompareArgs, compare, run};
