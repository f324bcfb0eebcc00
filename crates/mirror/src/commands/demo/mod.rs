//! `mirror demo`: the whole cycle on this machine alone.

mod args;
mod run;

pub(crate) use args::DemoArgs;
pub(crate) use run::run;
