//! `mirror demo`: demonstrates a mirror on this machine, without network or credentials.

mod run;

pub(crate) use run::{DemoArgs, run};
