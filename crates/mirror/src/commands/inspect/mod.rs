//! `mirror inspect`: the digest, platforms, layers and referrers of an image.

mod args;
mod report;
mod run;

pub(crate) use args::InspectArgs;
pub(crate) use run::run;
