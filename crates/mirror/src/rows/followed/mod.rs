//! Followed entries of the configuration: rows without lines in a list.
//!
//! An entry with `"follow": true` names images with destinations, and filters for their tags. Each run
//! queries its version source and mirrors the tags that the filters keep.

mod entry;
mod explanation;
mod report_entry;
mod retrieval;

pub(crate) use entry::FollowedEntry;
pub(crate) use explanation::Explanation;
pub(crate) use report_entry::ReportEntry;
#[cfg(test)]
pub(crate) use report_entry::ReportEntryError;
pub(crate) use retrieval::{FollowedEntries, config_findings, retrieve};
