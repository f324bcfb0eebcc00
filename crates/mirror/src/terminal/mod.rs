//! Standard output and everything on standard error.

mod color;
mod creation_hints;
#[cfg(test)]
pub(crate) mod document_schema;
pub(crate) mod github_actions;
pub(crate) mod hints;
mod json_writer;
pub(crate) mod logging;
pub(crate) mod markdown;
pub(crate) mod output;
mod peer_hints;
pub(crate) mod progress;
mod progress_line;
pub(crate) mod sanitize;
pub(crate) mod signals;
mod status_hints;
pub(crate) mod status_report;
pub(crate) mod status_signal;
pub(crate) mod units;
