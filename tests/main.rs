//! End-to-end tests: the built binary, run as users and CI jobs run it.
#![expect(clippy::unwrap_used, reason = "test helpers fail like tests")]

mod action;
mod add_tag;
mod atomic_writes;
mod check_new;
mod cli;
mod compare;
mod completions;
mod config;
mod container;
mod demo;
mod diff;
mod documentation;
mod environment;
mod fmt;
mod inspect;
mod interrupt;
mod lint;
mod lock;
mod login;
mod open_prs;
mod ping;
mod registries;
mod resilience;
mod retrieve_tags;
mod sanitize;
mod secrets;
mod security;
mod shards;
mod status_signal;
mod sync;
mod tags;
mod terminal;
mod workflow_scripts;
mod workflows;
mod wrappers;
