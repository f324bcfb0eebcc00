//! `mirror images`: prints the images that files, charts, bundles and catalogs need, compares them with the
//! list, and adds them.

mod additions;
mod args;
mod listed;
mod reading;
mod report;
mod run;
mod source;

pub(crate) use args::ImagesArgs;
pub(crate) use run::run;
