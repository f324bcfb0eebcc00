//! `mirror verify`: checks the signatures of images at their sources.

mod args;
mod report;
mod run;
mod signers;

pub(crate) use args::VerifyArgs;
pub(crate) use run::run;
