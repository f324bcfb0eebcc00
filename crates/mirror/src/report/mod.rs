//! The report of `sync` and `copy`: the one document behind the text, the JSON
//! and the step's summary; of one run, or of several that were merged.

mod document;
mod file;
mod merge;
mod of_run;
mod tell;

pub(crate) use document::{MovedTag, ReportRow, RunReport};
pub(crate) use file::read_all;
pub(crate) use merge::{MergeError, merge};
pub(crate) use tell::tell;
