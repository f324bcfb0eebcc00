//! The arguments of `add-tag`.

use clap::Args;
use images_list::Destination;

use crate::cli::image_argument;
use crate::cli::key_value::KeyValue;

/// The arguments of `add-tag`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror add-tag IMAGES=quay.io/coreos/etcd TAGS=v3.4.20,v3.5.1   add each tag of each image
  mirror add-tag --full-images busybox:1.36,alpine:3.20 --dry-run
  mirror add-tag --images busybox --tags 1.37 --dest registry.example.com/mirror/busybox
  mirror add-tag --new --full-images quay.io/a/b:v1 --dest registry.example.com/mirror/a-b

A new row gets the destination that its image has in the list. If the image has several destinations,
the one named mirrored-ORG-NAME after the last two components of the source is used, else the only
one with `/mirrored-` in its name. Otherwise --dest is required. Names are compared in full:
minio/minio is not quay.io/minio/minio. A row that is commented out was removed on purpose, and is
refused until the comment is removed.")]
pub(crate) struct AddTagArgs {
    /// Source repositories in the list (env: IMAGES)
    #[arg(long, value_name = "NAME")]
    pub(super) images: Vec<String>,
    /// Tags to add to each of the images (env: TAGS)
    #[arg(long, value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Images with their tags, instead of --images and --tags (env: FULL_IMAGES)
    #[arg(long, value_name = "NAME:TAG")]
    pub(super) full_images: Vec<String>,
    /// Destination of the row, if an image has several or with --new
    ///
    /// A repository, or `@NAME/PATH` with targets. The default of --new is that of targets.json.
    #[arg(long, value_name = "NAME", value_parser = image_argument::destination)]
    pub(super) dest: Option<Destination>,
    /// Add an image or a destination that is not in the list
    #[arg(long)]
    pub(super) new: bool,
    /// Add the images that pass the checks even if others fail (exit 1)
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Skip images that are already in the list
    #[arg(long)]
    pub(super) skip_existing: bool,
    /// Sort the lists that get rows
    #[arg(long)]
    pub(super) sort: bool,
    /// Check the images and print a diff of the list, write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// IMAGES=…, TAGS=…, FULL_IMAGES=… or IMAGES_FILE=…, like the environment variables
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    pub(super) key_values: Vec<KeyValue>,
}
