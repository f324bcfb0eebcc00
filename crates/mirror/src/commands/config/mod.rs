//! `mirror config`: prints the effective settings and their origins.

mod run;
mod settings;

pub(crate) use run::{ConfigArgs, run};
