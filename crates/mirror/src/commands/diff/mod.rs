//! `mirror diff`: compares two images.

mod contents;
mod difference;
mod report;
mod run;

pub(crate) use run::{DiffArgs, run};
