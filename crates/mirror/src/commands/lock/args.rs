//! `lock`, and what the commands are told that go by a lock.

use clap::Args;

use crate::cli::key_value::ListArgs;

/// The arguments of `lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror lock                                     approve what is not locked yet
  mirror lock --update --match quay.io/a/b:1.2    approve what this tag points to now
  mirror lock --check                             offline: is every row locked?

The lock stands beside the list, LIST.lock, and is committed with it.")]
pub(crate) struct LockArgs {
    /// Approve anew what is locked already: a digest that has changed is replaced
    #[arg(long)]
    pub(crate) update: bool,
    /// Ask nobody and write nothing; exit 1 if a row is not locked or a line has no row
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
    /// Only rows whose source or destination matches, with or without :TAG; `*` matches `/` too
    #[arg(long = "match", value_name = "GLOB", value_delimiter = ',')]
    pub(crate) globs: Vec<String>,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}
