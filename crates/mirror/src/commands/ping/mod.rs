//! `mirror ping`: checks a registry.

mod report;
mod run;

pub(crate) use run::{PingArgs, run};
