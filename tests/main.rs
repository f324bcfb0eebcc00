//! End to end: the built binary, run as people and CI jobs run it.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod action;
mod add_tag;
mod check_new;
mod cli;
mod compare;
mod container;
mod demo;
mod documentation;
mod environment;
mod fmt;
mod hanging_charts;
mod hardship;
mod interrupt;
mod killed_writers;
mod lint;
mod lock;
mod login;
mod open_files;
mod open_prs;
mod power_loss;
mod registries;
mod retrieve_tags;
mod secrets;
mod security;
mod selection;
mod shards;
mod tags;
mod tamed;
mod terminal;
mod workflow_scripts;
mod workflows;
mod wrappers;
