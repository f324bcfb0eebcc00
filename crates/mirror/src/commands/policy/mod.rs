//! `mirror policy`: the policy for consumers of the mirror.

mod args;
mod run;

pub(crate) use args::PolicyArgs;
pub(crate) use run::run;
