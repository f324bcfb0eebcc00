//! `mirror retrieve-tags`: finds upstream versions that the list lacks.

mod apply;
mod args;
mod drafting;
mod known;
mod open;
mod pull_requests;
mod report;
mod retrieval;
mod run;

pub(crate) use args::RetrieveTagsArgs;
pub(crate) use run::run;
