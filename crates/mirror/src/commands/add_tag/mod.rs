//! `mirror add-tag`: adds rows for tags after checking that they can be mirrored.

mod args;
mod request;
mod run;

pub(crate) use args::AddTagArgs;
pub(crate) use run::run;
