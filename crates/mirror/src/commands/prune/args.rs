//! The arguments of `prune`.

use std::path::PathBuf;

use clap::Args;
use image_name::Host;
use prune_plan::DeletionLimit;

use crate::rows::report_file::ReportFileArgs;
use crate::rows::select_args::DestinationArgs;

/// The arguments of `prune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror prune                                  print what could be deleted, and why
  mirror prune --keep-days 90 --plan plan.json  write a plan, for a review
  mirror prune --apply plan.json                delete what the plan has and nothing needs

Without --apply nothing is deleted. Lines of a plan can be removed by hand.")]
pub(crate) struct PruneArgs {
    /// Output file for the plan
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    pub(crate) plan: Option<PathBuf>,
    /// Plan to apply: delete its tags and manifests
    ///
    /// Each line of the plan is decided again. Tags and manifests that a row, the lock or another image needs
    /// now are kept, as are tags with another digest than in the plan.
    #[arg(long, value_name = "FILE")]
    pub(crate) apply: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
    #[command(flatten)]
    pub(crate) destination: DestinationArgs,
}

/// The options that protect tags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Protection")]
pub(crate) struct ProtectionArgs {
    /// Keep tags for N days after the commit that removed their row
    #[arg(long, value_name = "N")]
    pub(crate) keep_days: Option<u32>,
    /// Keep the N latest tags without a row in each repository
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_latest: usize,
    /// Result of `mirror usage --output json`; images in it are kept
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub(crate) used_by: Vec<PathBuf>,
    /// Report of an earlier sync; it shows which images mirror has written
    ///
    /// Without reports, only the lock and its git history show that.
    #[arg(long, value_name = "REPORT", value_delimiter = ',')]
    pub(crate) written_by: Vec<PathBuf>,
    /// Also delete tags that mirror has not written
    ///
    /// All tags of the list's repositories without a row are candidates.
    #[arg(long)]
    pub(crate) foreign: bool,
    /// Refuse to delete more than N tags, or N% of the repositories concerned
    ///
    /// A percentage always allows 10 tags.
    #[arg(long, value_name = "N", default_value_t)]
    pub(crate) max_deletions: DeletionLimit,
    /// Host that is a separate registry, not another name of one in the list
    ///
    /// Two hosts with the same images under the same tags may be names of one registry. Without this option, tags
    /// that rows write to one of them are then kept at the other too.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub(crate) distinct_host: Vec<Host>,
    /// Do not read the git history of the list, its lock and its targets
    ///
    /// Only the repositories of the list and of its lock are considered.
    #[arg(long, conflicts_with = "keep_days")]
    pub(crate) no_history: bool,
}
