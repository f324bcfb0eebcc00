//! One file per command.

mod add_tag;
mod check_new;
mod compare;
mod copy;
mod demo;
mod fmt;
mod inspect;
mod lint;
mod lock;
mod login;
mod report;
mod retrieve_tags;
mod run;
mod sync;
mod tags;

pub(crate) use run::run;
