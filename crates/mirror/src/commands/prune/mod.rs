//! `mirror prune`: plans the deletion of tags that no row writes any more, and applies a plan.

mod applied_report;
mod applying;
mod args;
mod destination_history;
mod known;
mod known_repository;
mod plan_input;
mod plan_report;
mod planned_deletions;
mod planning;
mod repository_run;
mod run;
mod survey;
mod unnamed_lists;

pub(crate) use args::PruneArgs;
pub(crate) use run::run;
