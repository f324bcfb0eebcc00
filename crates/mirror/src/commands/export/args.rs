//! The arguments of `export`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::output::OutputName;
use crate::cli::duration;
use crate::cli::failure::Failure;
use crate::cli::number::{self, ByteSize};
use crate::files::bundle_file::SigningKeyArgs;
use crate::rows::foreign_layers_args::ForeignLayersArgs;
use crate::rows::max_pulls::MaxPulls;
use crate::rows::mutable_args::MutableArgs;
use crate::rows::platform_args::PlatformArgs;
use crate::rows::report_file::ReportFileArgs;
use crate::rows::select_args::SelectArgs;
use crate::terminal::output::stdout_is_terminal;

/// The arguments of `export`.
#[derive(Debug, Args)]
#[command(mut_arg("arch_tags", |argument| argument.hide(true)))]
#[command(after_help = "\
Examples:
  mirror export bundle.tar                          all images of the list
  mirror export bundle.tar.zst --volume-size 4GB    volumes for FAT32, with checksums
  mirror export update.tar --base inventory.json    only what the far side lacks
  mirror export - --match '*etcd*' | ssh host 'cat > etcd.tar'

The images go through the checks of `mirror sync`: approved digests, platforms, referrers.")]
pub(crate) struct ExportArgs {
    /// FILE.tar, FILE.tar.zst, a directory, or `-` for standard output
    #[arg(value_name = "OUTPUT")]
    pub(crate) archive: OutputName,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Print what the archive would contain, without writing it
    #[arg(long, help_heading = "Archive")]
    pub(crate) dry_run: bool,
    /// Leave out what this inventory or earlier bundle has
    ///
    /// An inventory is the output of `mirror inventory` on the far side. The option can be repeated.
    #[arg(long, value_name = "FILE", help_heading = "Archive")]
    pub(crate) base: Vec<PathBuf>,
    /// Maximum size of one file, such as 4GiB, 2000MB or 4294967295
    ///
    /// The archive is cut into FILE.001, FILE.002, …, with their checksums in FILE.sha256.
    #[arg(long, value_name = "SIZE", value_parser = number::byte_size, help_heading = "Archive")]
    pub(crate) volume_size: Option<ByteSize>,
    /// Write only the volume with this number again, with the same bytes
    #[arg(
        long,
        value_name = "N",
        requires = "volume_size",
        value_parser = number::positive,
        help_heading = "Archive"
    )]
    pub(crate) only_volume: Option<std::num::NonZeroUsize>,
    /// Names of the images for other tools [default: destination]
    #[arg(long, value_enum, value_name = "SIDE", help_heading = "Archive")]
    pub(crate) names: Option<Names>,
    /// One layout for all images, or one for each repository
    #[arg(
        long,
        value_enum,
        value_name = "LAYOUT",
        default_value_t,
        help_heading = "Archive"
    )]
    pub(crate) layout: Layout,
    #[command(flatten)]
    pub(crate) signing: SigningKeyArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Do not export signatures, SBOMs and other referrers
    #[arg(long)]
    pub(crate) no_referrers: bool,
    #[command(flatten)]
    pub(crate) foreign_layers: ForeignLayersArgs,
    /// Time for rows in flight to finish after an interrupt
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse)]
    pub(crate) grace: Duration,
    /// Maximum manifests read from a registry; the other rows are skipped
    #[arg(long, value_name = "HOST=N", value_delimiter = ',')]
    pub(crate) max_pulls: Vec<MaxPulls>,
    /// Require every row to be locked, and fail rows whose source tag has moved
    #[arg(long = "locked", help_heading = "Lock")]
    pub(crate) require_locked: bool,
    #[command(flatten)]
    pub(crate) locked: MutableArgs,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
}

/// The side of a row that names its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Names {
    /// The destination.
    Destination,
    /// The source: for nodes that know no mirror.
    Source,
}

/// The number of layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Layout {
    /// One for all images: docker, podman, containerd, k3s, skopeo.
    #[default]
    Single,
    /// One for each repository, with plain tags: oras, zot. A directory.
    Repositories,
}

/// Checks that the options fit the output.
///
/// # Errors
///
/// [`Failure`], before anything is sent.
pub(super) fn check(args: &ExportArgs, is_json: bool) -> Result<(), Failure> {
    let is_file = matches!(
        args.archive,
        OutputName::Tar(_) | OutputName::CompressedTar(_)
    );
    if args.volume_size.is_some() && !is_file {
        let message = "only a file has volumes: --volume-size does not fit this output";
        return Err(Failure::unusable(message).hint("name a file .tar or .tar.zst".to_owned()));
    }
    if args.layout == Layout::Repositories && !matches!(args.archive, OutputName::Directory(_)) {
        let message = "the layout of each repository is a directory: --layout repositories does not fit \
                       this output";
        return Err(Failure::unusable(message)
            .hint("name a directory, and archive it with tar if needed".to_owned()));
    }
    if args.platform.arch_tags {
        let message = "an archive has no TAG-ARCH tags: --arch-tags does not fit `export`";
        return Err(Failure::unusable(message)
            .hint("run `mirror sync --arch-tags` on the far side".to_owned()));
    }
    if args.archive == OutputName::Stdout && !args.dry_run {
        if is_json {
            let message = "standard output has the archive: --output json does not fit it";
            return Err(Failure::unusable(message)
                .hint("write the JSON report to a file with --report".to_owned()));
        }
        if stdout_is_terminal() {
            let message = "the archive is not written to a terminal";
            return Err(Failure::unusable(message)
                .hint("redirect standard output, or name a file".to_owned()));
        }
    }
    Ok(())
}
