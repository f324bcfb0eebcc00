//! `mirror inspect`: shows the digest, platforms, layers and referrers of an image.

mod report;
mod run;

pub(crate) use run::{InspectArgs, run};
