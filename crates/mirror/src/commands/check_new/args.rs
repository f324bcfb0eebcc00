//! The arguments of `check-new`.

use clap::Args;

use crate::cli::key_value::ListArgs;
use crate::rows::mutable_args::{AllowEmptyArgs, MutableArgs};

/// The arguments of `check-new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror check-new
  mirror check-new --base origin/release-1.2
  mirror check-new --strict --output json    also fail for rows that need credentials

The lists on disk are compared with the commit where the branch left the base. For each new row, the
source must have the tag. A destination repository that no row had before must exist. Docker Hub and
quay.io are queried through their own APIs first. If a registry requires credentials and there are
none, the row is a warning. With a lock beside the list, new rows must be locked to the digest at
their source, and approvals must not change. A change of targets.json must not change where and how
existing rows are written. With policy.json, new rows must satisfy it, and the branch must not weaken it.")]
pub(crate) struct CheckNewArgs {
    /// Branch to merge into [default: origin/HEAD, else origin/main, origin/master]
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// Allow removed and changed rows
    #[arg(long)]
    pub(crate) allow_removals: bool,
    /// Allow changed approvals of existing rows in LIST.lock
    #[arg(long)]
    pub(crate) allow_approvals: bool,
    /// Allow changes of targets.json for existing rows, and a weaker policy.json
    #[arg(long)]
    pub(crate) allow_policy_changes: bool,
    /// Fail for rows that need credentials, or that only commits of the branch have
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
    #[command(flatten)]
    pub(crate) empty: AllowEmptyArgs,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}
