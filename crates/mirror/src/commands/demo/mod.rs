//! `mirror demo`: demonstrates a mirror on this machine, without network or credentials.

mod application;
mod demo_output;
mod own_program;
mod run;

pub(crate) use run::{DemoArgs, run};
