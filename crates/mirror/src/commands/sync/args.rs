//! The arguments of `sync` and `copy`.

use std::time::Duration;

use clap::Args;
use registry_client::Timeouts;

use crate::cli::duration;
use crate::cli::image_argument::{self, ImageArgument};
use crate::registries::client::ClientLimits;
use crate::rows::foreign_layers_args::ForeignLayersArgs;
use crate::rows::max_pulls::MaxPulls;
use crate::rows::mutable_args::MutableArgs;
use crate::rows::platform_args::PlatformArgs;
use crate::rows::report_file::ReportFileArgs;
use crate::rows::select_args::SelectArgs;

/// The arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror sync --dry-run                            print the planned copies
  mirror sync --shard 2/4 --report report-2.json   copy the second of four shards
  mirror sync --match 'quay.io/*' --dest-registry localhost:5000 --dest-org test
  mirror sync --changed-since origin/main --platform amd64,arm64 --sparse --locked --mutable '*:latest' --report report.json")]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) copying: CopyingArgs,
    /// Require every row to be locked, and fail rows whose source tag has moved
    ///
    /// A source tag has moved if its digest is not the one that LIST.lock approves. Without --locked,
    /// a moved tag is a warning, and the approved image is copied. Signatures and other referrers that
    /// the lock does not have are reported and not copied.
    #[arg(long = "locked", help_heading = "Lock")]
    pub(crate) require_locked: bool,
    /// Do not ask the source of a row whose locked digest the destination has
    ///
    /// Such a row is unchanged, and new referrers of its image are not copied. `mirror compare`
    /// reports source tags that have moved.
    #[arg(long, help_heading = "Lock")]
    pub(crate) trust_lock: bool,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
    /// Do not create LIST.lock for followed entries if the list has none
    #[arg(long, help_heading = "Lock")]
    pub(crate) no_lock: bool,
    /// Print why each version of followed entries is mirrored or not, on standard error
    #[arg(long, help_heading = "Rows")]
    pub(crate) explain: bool,
}

/// The arguments of `copy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror copy busybox:1.36 localhost:5000/test/busybox   keep the tag
  mirror copy --platform arm64 alpine registry.example.com/alpine:arm
  mirror copy busybox:1.36 oci:layout:1.36               add the image to a directory
  mirror copy oci-archive:images.tar:v1 registry.example.com/app:v1")]
pub(crate) struct CopyArgs {
    /// Source image: NAME, NAME:TAG, NAME@DIGEST, or one in a file
    ///
    /// Files are oci:DIR, oci-archive:FILE and docker-archive:FILE. The name of an image in the file follows
    /// after a colon (oci:DIR:NAME), or its position (oci:DIR:@0); without either, the file must have one
    /// image. The default tag at a registry is latest.
    #[arg(value_name = "SRC", value_parser = image_argument::image_or_file)]
    pub(crate) source: ImageArgument,
    /// Destination image: NAME, NAME:TAG, or a file [default tag: tag of SRC]
    ///
    /// Files are as for SRC. A directory keeps its other images, an archive is replaced as a whole. An image
    /// has a name in a file only if DST gives it one.
    #[arg(value_name = "DST", value_parser = image_argument::image_or_file)]
    pub(crate) destination: ImageArgument,
    #[command(flatten)]
    pub(crate) copying: CopyingArgs,
}

/// The options that `sync` and `copy` share.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Copying")]
pub(crate) struct CopyingArgs {
    /// Print the planned copies without writing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Do not copy signatures, SBOMs and other referrers
    #[arg(long)]
    pub(crate) no_referrers: bool,
    #[command(flatten)]
    pub(crate) foreign_layers: ForeignLayersArgs,
    /// Overwrite signatures at the destination that differ from the source's
    ///
    /// Without it, a tag about a digest (`sha256-HEX`, `.sig`, `.att`, `.sbom`) is overwritten only
    /// if the lock shows that an earlier run wrote it. If several sources have the same destination
    /// repository, only rows of the first source overwrite.
    #[arg(long, conflicts_with = "no_referrers")]
    pub(crate) overwrite_signatures: bool,
    /// Also copy children that an unchanged index lacks at the destination
    ///
    /// After a run with --sparse, an index has its digest but not all children, so later runs count it
    /// as unchanged. The check takes a GET for each index and a HEAD for each child.
    #[arg(long)]
    pub(crate) check_children: bool,
    /// Time for rows in flight to finish after an interrupt
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse)]
    pub(crate) grace: Duration,
    /// Maximum time for one row, such as 30m or 2h [default: none]
    ///
    /// A row that takes longer fails; the next run continues it. The wait for other rows to be copied
    /// does not count.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) row_timeout: Option<Duration>,
    /// Maximum time that a destination takes to commit a blob or a manifest
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration::parse)]
    pub(crate) commit_timeout: Duration,
    /// Maximum manifests read from a registry; the other rows are skipped
    ///
    /// Docker Hub and others limit how many manifests an account may read in some hours. The next run
    /// copies the rows that are left. Lists are comma separated, and the option can be repeated.
    #[arg(long, value_name = "HOST=N", value_delimiter = ',')]
    pub(crate) max_pulls: Vec<MaxPulls>,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
}

impl CopyingArgs {
    /// Returns the limits of the client.
    pub(super) fn limits(&self) -> ClientLimits {
        let max_pulls = self.max_pulls.iter();
        ClientLimits {
            timeouts: Timeouts {
                commit: self.commit_timeout,
                ..Timeouts::default()
            },
            hosts: std::collections::HashMap::new(),
            max_pulls: max_pulls.map(|max| (max.host.clone(), max.pulls)).collect(),
        }
    }
}
