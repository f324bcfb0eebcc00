//! `mirror import`: copies the images of a bundle to their destinations.

mod args;
mod requirements;
mod run;
mod source;

pub(crate) use args::ImportArgs;
pub(crate) use run::run;
