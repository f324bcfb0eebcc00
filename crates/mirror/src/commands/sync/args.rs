//! `sync` and `copy`.

use std::path::PathBuf;

use clap::Args;
use image_name::ImageName;

use crate::rows::globs::MutableArgs;
use crate::rows::platform_args::PlatformArgs;
use crate::rows::select_args::SelectArgs;

/// The arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror sync --dry-run                                 what would be copied
  mirror sync --shard 2/4 --report report-2.json        a quarter of the list, on one of four machines
  mirror sync --match 'quay.io/*' --dest-registry localhost:5000 --dest-org test
  mirror sync --changed-since origin/main --platform amd64,arm64 --sparse --locked --mutable '*:latest' --report report.json")]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) copying: CopyingArgs,
    /// Fail rows whose source tag points elsewhere than LIST.lock approves, and begin only if
    /// every row is locked; without it such a tag is a warning and the approved image is kept
    #[arg(long = "locked", help_heading = "Lock")]
    pub(crate) require_locked: bool,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
}

/// The arguments of `copy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror copy busybox:1.36 localhost:5000/test/busybox   the tag stays
  mirror copy quay.io/coreos/etcd:v3.5.0 registry.example.com/etcd:3.5
  mirror copy --platform arm64 alpine registry.example.com/alpine:arm")]
pub(crate) struct CopyArgs {
    /// The image: `NAME[:TAG]` or `NAME@DIGEST`; without a tag `latest`
    #[arg(value_name = "SRC")]
    pub(crate) source: ImageName,
    /// Where it goes: `NAME[:TAG]`; without a tag that of the source
    #[arg(value_name = "DST")]
    pub(crate) destination: ImageName,
    #[command(flatten)]
    pub(crate) copying: CopyingArgs,
}

/// How images are copied.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Copying")]
pub(crate) struct CopyingArgs {
    /// Say what would be done; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Leave signatures, SBOMs and other referrers behind
    #[arg(long)]
    pub(crate) no_referrers: bool,
    /// Write the JSON report to a file, whatever --output is
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}
