//! `mirror compare`: compares every destination with its row.

mod report;
mod run;

pub(crate) use report::{ComparedJson, ComparedText};
pub(crate) use run::{CompareArgs, CompareRun, compare, run};
