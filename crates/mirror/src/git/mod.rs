//! The git repository that the command runs in.
//!
//! `check-new` and `--changed-since` run in checkouts of pull requests that are not reviewed yet.
//! Nothing in such a checkout may start a program or open a connection:
//!
//! - The repository is the one of the working directory. A repository beside the list, for example
//!   a committed bare one, is not used.
//! - Programs that git's configuration can name are switched off, and so is every transport.
//! - Symbolic links are refused: a pull request could point them at any file of the machine.
//! - git receives an environment of its own, without the variables of the caller.

mod file_changes;
mod history;
mod repository;
mod settings;
mod tracked;

pub(crate) use file_changes::{FileChange, FileRevision};
pub(crate) use repository::{Git, Purpose};
pub(crate) use tracked::{Links, TrackedPath, refuse_link_to_write};
