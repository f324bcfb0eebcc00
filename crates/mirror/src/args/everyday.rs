//! `tags`, `inspect`, `login` and `demo`.

use clap::Args;
use images_list::Repository;

use crate::cli::image_name::ImageName;

/// The arguments of `tags`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror tags quay.io/coreos/etcd
  mirror tags busybox --output json")]
pub(crate) struct TagsArgs {
    /// The repository, without a tag
    #[arg(value_name = "REPO")]
    pub(crate) repository: Repository,
}

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

/// The arguments of `login`. A password is never an argument: other users of
/// the machine can read those.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror login quay.io                                       asks for user and password
  echo \"$TOKEN\" | mirror login ghcr.io -u me --password-stdin
  mirror login registry.example.com/team --authfile auth.json")]
pub(crate) struct LoginArgs {
    /// The registry, or HOST/PATH for the repositories below a path
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// The user; asked for if left out
    #[arg(short, long, value_name = "USER")]
    pub(crate) username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror demo
  mirror demo --keep    leave the list and the report to look at")]
pub(crate) struct DemoArgs {
    /// Keep the folder with the list and the report
    #[arg(long)]
    pub(crate) keep: bool,
}
