//! The arguments of `compare`.

use clap::Args;

use crate::rows::mutable_args::MutableArgs;
use crate::rows::platform_args::PlatformArgs;
use crate::rows::select_args::SelectArgs;

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror compare                                   rows that are missing or have drifted
  mirror compare --match '*etcd*' -v               same ones too
  mirror compare --output json --dest-registry registry.example.com

Where a lock stands beside the list, what it approves is what the mirror should have.")]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
}
