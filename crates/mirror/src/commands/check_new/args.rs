//! `check-new`.

use clap::Args;

use crate::cli::key_value::ListArgs;
use crate::rows::globs::MutableArgs;

/// The arguments of `check-new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror check-new
  mirror check-new --base origin/release-1.2
  mirror check-new --strict --output json    what cannot be checked fails too

Rows of the lists as they are on disk are compared with those of the commit where this branch left
the base. Of each new row the source must have the tag, and its destination's repository, unless the
list had it before, must exist; Docker Hub and quay.io are asked through their own APIs first. Where
a registry wants credentials and there are none, the row is a warning: it could not be checked.
Where a lock stands beside the list, new rows must be locked to what their source has, and what was
approved before must stay.")]
pub(crate) struct CheckNewArgs {
    /// The branch to merge into (default: origin/HEAD, else origin/main, origin/master)
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// Rows may be removed or changed
    #[arg(long)]
    pub(crate) allow_removals: bool,
    /// Rows that were there may be approved anew in LIST.lock
    #[arg(long)]
    pub(crate) allow_approvals: bool,
    /// What cannot be checked for lack of credentials is a finding too
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}
