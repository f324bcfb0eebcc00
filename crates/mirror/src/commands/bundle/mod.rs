//! `mirror bundle`: lists the contents of a bundle, and verifies it offline.

mod contents;
mod run;
mod verified;

pub(crate) use run::{BundleArgs, run};
