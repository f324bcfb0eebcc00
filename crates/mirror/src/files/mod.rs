//! Files: lists, locks and the configuration.

pub(crate) mod atomic_file;
pub(crate) mod bundle_file;
pub(crate) mod config_file;
pub(crate) mod list_file;
pub(crate) mod lock_file;
pub(crate) mod locked_files;
pub(crate) mod policy_file;
pub(crate) mod targets_file;
pub(crate) mod unified_diff;
