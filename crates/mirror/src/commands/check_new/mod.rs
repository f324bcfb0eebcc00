//! `mirror check-new`: checks that the rows that a branch adds can be mirrored.

mod args;
mod attached_approvals;
mod base;
mod base_policy;
mod branch_check;
mod followed_destinations;
mod list_changes;
mod lock_revisions;
mod passing_rows;
mod policy_changes;
mod policy_revisions;
mod report;
mod run;

pub(crate) use args::CheckNewArgs;
pub(crate) use run::run;
