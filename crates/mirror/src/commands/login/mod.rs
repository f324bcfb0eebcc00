//! `mirror login`: verifies and stores credentials for a registry, and lists the stored ones.

mod run;
mod status;
mod verify;

pub(crate) use run::{LoginArgs, run};
