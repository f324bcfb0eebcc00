//! `mirror inventory`: print what the destinations have of the list.

mod contents;
mod run;

pub(crate) use run::{InventoryArgs, run};
