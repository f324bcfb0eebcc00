//! `report`: what is done with the reports of runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `report`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  mirror report merge shard-1.json shard-2.json           one result, one exit code
  mirror report merge reports/*.json --report whole.json  kept as one report too")]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

/// What to do with reports.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Make one report of those of all shards: as one run would have told it, with its exit code
    Merge(MergeArgs),
}

/// The arguments of `report merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// What `sync --report FILE` wrote; the same row in two of them is an error
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Write the merged report to a file, whatever --output is
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}
