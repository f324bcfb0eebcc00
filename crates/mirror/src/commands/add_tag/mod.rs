//! `mirror add-tag`: rows for further tags, after checking each.

mod args;
mod report;
mod request;
mod run;

pub(crate) use args::AddTagArgs;
pub(crate) use run::run;
