//! `mirror export`: write the images of the list to one file, directory or stream.

mod args;
mod bases;
mod copying;
mod list_slice;
mod output;
mod planning;
mod report;
mod run;
mod signing;
mod text;
mod writing;

pub(crate) use args::ExportArgs;
pub(crate) use run::run;
