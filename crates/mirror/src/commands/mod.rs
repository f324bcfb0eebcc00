//! The commands. One directory or file holds the arguments, logic, output and tests of a command.
//!
//! Commands do not import each other, except `demo`, which runs `compare`.

mod add_tag;
mod bundle;
mod check_new;
mod command_line;
mod compare;
mod completions;
mod config;
mod demo;
mod diff;
mod digest;
mod dispatch;
mod expand;
mod export;
mod fmt;
mod images;
mod import;
mod inspect;
mod inventory;
mod lint;
mod lock;
mod login;
mod logout;
mod man_pages;
mod ping;
mod policy;
mod prune;
mod report;
mod retrieve_tags;
mod rewrite;
mod sync;
mod tags;
mod usage;
mod usage_error;
mod verify;

pub(crate) use command_line::{Cli, requests_json};
pub(crate) use dispatch::run;
pub(crate) use usage_error::tips;
