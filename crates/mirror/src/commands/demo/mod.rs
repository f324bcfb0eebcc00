//! `mirror demo`: the whole cycle on this machine alone.

mod run;

pub(crate) use run::{DemoArgs, run};
