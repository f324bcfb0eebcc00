//! Runs of the copying engine, and their report, from which the text, the JSON and the step summary
//! are made.

pub(crate) mod attached;
pub(crate) mod engine;
pub(crate) mod markdown;
pub(crate) mod publish;
pub(crate) mod pulls;
pub(crate) mod report;
pub(crate) mod report_files;
pub(crate) mod run;
pub(crate) mod text;
