//! `mirror report`: merges the reports of several runs.

mod merge;
mod run;

pub(crate) use run::{ReportArgs, run};
