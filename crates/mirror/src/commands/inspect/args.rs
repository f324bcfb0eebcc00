//! The arguments of `inspect`.

use clap::Args;

use image_name::ImageName;

/// The arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror inspect quay.io/coreos/etcd:v3.5.0
  mirror inspect busybox --output json
  mirror inspect busybox --raw | sha256sum   the exact bytes of the manifest")]
pub(crate) struct InspectArgs {
    /// The image: `NAME[:TAG]` or `NAME@DIGEST`; without a tag `latest`
    #[arg(value_name = "REF")]
    pub(crate) image: ImageName,
    /// Only the manifest, byte for byte
    #[arg(long)]
    pub(crate) raw: bool,
}
