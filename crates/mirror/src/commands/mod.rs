//! The commands: one directory, or one file, holds the arguments, the logic, the
//! output and the tests of a command.
//!
//! Commands do not import each other. `demo` is the exception: it runs `compare`.

mod add_tag;
mod check_new;
mod command_line;
mod compare;
mod demo;
mod dispatch;
mod fmt;
mod inspect;
mod lint;
mod lock;
mod login;
mod report;
mod retrieve_tags;
mod sync;
mod tags;

pub(crate) use command_line::{Cli, wants_json};
pub(crate) use dispatch::run;
