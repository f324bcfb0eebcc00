//! `mirror completions`: prints the completion script of a shell.

mod run;

pub(crate) use run::{CompletionsArgs, run};
