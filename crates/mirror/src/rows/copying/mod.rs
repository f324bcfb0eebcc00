//! Running the copying engine over rows, and the report of a run: the one document
//! behind the text, the JSON and the summary of a CI step.

pub(crate) mod engine;
pub(crate) mod markdown;
pub(crate) mod publish;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod text;
