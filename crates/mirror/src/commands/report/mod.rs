//! `mirror report`: merges the reports of several runs.

mod args;
mod merge;
mod read;
mod run;

pub(crate) use args::ReportArgs;
pub(crate) use run::run;
