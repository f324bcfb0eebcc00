//! `mirror usage`: compares the images that clusters use with the list, its lock and the mirror.

mod input;
mod inventory;
mod join;
mod lookup;
mod owners;
mod report;
mod row_index;
mod run;
mod text;

pub(crate) use run::{UsageArgs, run};
