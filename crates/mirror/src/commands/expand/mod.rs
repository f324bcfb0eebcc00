//! `mirror expand`: prints the rows of a run.

mod report;
mod run;

pub(crate) use run::{ExpandArgs, run};
