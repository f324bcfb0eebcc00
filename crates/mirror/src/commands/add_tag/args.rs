//! `add-tag`.

use clap::Args;
use image_name::RepositoryName;

use crate::cli::key_value::KeyValue;

/// The arguments of `add-tag`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror add-tag IMAGES=quay.io/coreos/etcd TAGS=v3.4.20,v3.5.1   each tag of each image
  mirror add-tag --full-images busybox:1.36,alpine:3.20 --dry-run
  mirror add-tag --images busybox --tags 1.37 --dest registry.example.com/mirror/busybox
  mirror add-tag --new --full-images quay.io/a/b:v1 --dest registry.example.com/mirror/a-b

A row goes to the destination that its image has in the list. Of several, to the one named
mirrored-ORG-NAME after the last two parts of the source; else to the only one whose name has
`/mirrored-` in it; else --dest says which. Names are compared whole: minio/minio is not
quay.io/minio/minio. A row that is commented out was taken out on purpose: it is refused until
somebody removes the comment.")]
pub(crate) struct AddTagArgs {
    /// Source repositories of the list (env: IMAGES)
    #[arg(long, value_name = "NAME")]
    pub(super) images: Vec<String>,
    /// The tags to add to each of them (env: TAGS)
    #[arg(long, value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Images with their tags, instead of --images and --tags (env: FULL_IMAGES)
    #[arg(long, value_name = "NAME:TAG")]
    pub(super) full_images: Vec<String>,
    /// Which of an image's destinations; with --new, the new one
    #[arg(long, value_name = "NAME")]
    pub(super) dest: Option<RepositoryName>,
    /// Add an image, or a destination, that the list does not have
    #[arg(long, requires = "dest")]
    pub(super) new: bool,
    /// Add what passes the checks although others do not; exit 1 all the same
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Pass over what the list has already
    #[arg(long)]
    pub(super) skip_existing: bool,
    /// Check, and print the difference it would make; write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// IMAGES=…, TAGS=…, FULL_IMAGES=…, IMAGES_FILE=…: as the options and the environment variables
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    pub(super) key_values: Vec<KeyValue>,
}
