//! `mirror compare`: whether every destination has what the list says.

mod args;
mod report;
mod run;

pub(crate) use args::CompareArgs;
pub(crate) use report::{ComparedJson, ComparedText};
pub(crate) use run::{compare, run};
