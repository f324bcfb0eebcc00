//! `mirror prune`: plans the deletion of tags that no row writes any more, and applies a plan.

mod applied_report;
mod applying;
mod args;
mod deletion_hints;
mod deletions;
mod destination_history;
mod known;
mod known_repository;
mod list_repository;
mod other_names;
mod plan_input;
mod plan_report;
mod planned_deletions;
mod planning;
mod refusals;
mod remaining_lines;
mod repository_run;
mod run;
mod standing;
mod survey;
mod survey_error;
mod unnamed_lists;

pub(crate) use args::PruneArgs;
pub(crate) use run::run;
