//! Rows: selection, followed entries, copies, additions and approvals. Shared by the commands that work on rows.

pub(crate) mod adding;
pub(crate) mod approvals;
pub(crate) mod arch_tags;
mod changed_since;
pub(crate) mod copying;
pub(crate) mod followed;
pub(crate) mod foreign_layers_args;
pub(crate) mod globs;
pub(crate) mod imported;
mod locked_followed;
pub(crate) mod max_pulls;
pub(crate) mod mutable_args;
pub(crate) mod overrides;
mod partition;
mod picked_rows;
pub(crate) mod pinned;
pub(crate) mod platform_args;
pub(crate) mod report_file;
mod run_row;
pub(crate) mod select_args;
pub(crate) mod selection;
pub(crate) mod shard;
pub(crate) mod target_args;
pub(crate) mod target_settings;
