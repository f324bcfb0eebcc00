//! The arguments of `import`.

use std::time::Duration;

use clap::Args;
use registry_client::Timeouts;

use crate::cli::duration;
use crate::files::bundle_file::BundleFileArgs;
use crate::registries::client::ClientLimits;
use crate::rows::imported::ImportSelectArgs;
use crate::rows::report_file::ReportFileArgs;

/// The arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror import bundle.tar --dry-run                       print what the destinations lack
  mirror import bundle.tar.* --verify-key mirror.pub       join volumes, require a signature
  ssh host cat bundle.tar | mirror import - --dest-registry localhost:5000")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) bundle: BundleFileArgs,
    #[command(flatten)]
    pub(crate) select: ImportSelectArgs,
    #[command(flatten)]
    pub(crate) copying: ImportCopyingArgs,
}

/// The options of the copies.
#[derive(Debug, Args)]
#[command(next_help_heading = "Copying")]
pub(crate) struct ImportCopyingArgs {
    /// Print the planned copies without writing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not copy signatures, SBOMs and other referrers
    #[arg(long)]
    pub(crate) no_referrers: bool,
    /// Overwrite signatures at the destination that differ from the bundle's
    ///
    /// Without it, a tag about a digest (`sha256-HEX`, `.sig`, `.att`, `.sbom`) with other content is kept
    /// and reported.
    #[arg(long, conflicts_with = "no_referrers")]
    pub(crate) overwrite_signatures: bool,
    /// Time for rows in flight to finish after an interrupt
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse)]
    pub(crate) grace: Duration,
    /// Maximum time for one row, such as 30m or 2h [default: none]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) row_timeout: Option<Duration>,
    /// Maximum time that a destination takes to commit a blob or a manifest
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration::parse)]
    pub(crate) commit_timeout: Duration,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
}

impl ImportCopyingArgs {
    /// Returns the limits of the client.
    pub(super) fn limits(&self) -> ClientLimits {
        ClientLimits {
            timeouts: Timeouts {
                commit: self.commit_timeout,
                ..Timeouts::default()
            },
            ..ClientLimits::default()
        }
    }
}
