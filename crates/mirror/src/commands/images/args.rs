//! The arguments of `images`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use extraction::ImagePath;
use extraction::formats::{PackageSelection, TextFormat};
use images_list::DestinationTemplate;
use url::Url;

use super::source::Source;
use crate::cli::duration;

/// The arguments of `images`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror images deploy/ compose.yaml                  files and directories, each with its lines
  mirror images ./chart --values prod.yaml --check    what the list lacks of a chart (exit 1)
  kustomize build . | mirror images - --add --dest 'registry.example.com/mirror/{org}-{name}'
  mirror images quay.io/operatorhubio/catalog:latest --package etcd:singlenamespace-alpha

A source is a file, a directory, `-` for standard input, a chart (directory, .tgz, oci://…, or the URL of a
repository with --chart), an https:// URL of a file, an image layout or archive, or the name of an image:
an OLM bundle, a file-based catalog, a Carvel bundle or a plain bundle. The format of a file is
detected: Kubernetes manifests, kustomization.yaml, compose files, Dockerfiles, lists of images,
hauler and zarf files, Images.lock, file-based catalogs, chart values. Charts are rendered by helm, without
network and without write access outside of a temporary directory.")]
pub(crate) struct ImagesArgs {
    /// Files, directories, charts, URLs and images to read; `-` is standard input
    #[arg(value_name = "SOURCE", required = true)]
    pub(super) sources: Vec<Source>,
    /// Format of the files, if it is not detected
    #[arg(long, value_name = "FORMAT", help_heading = "Files")]
    pub(super) format: Option<TextFormat>,
    /// Variable of compose files or argument of Dockerfiles, can be repeated
    #[arg(long = "variable", value_name = "NAME=VALUE", help_heading = "Files", value_parser = variable)]
    pub(super) variables: Vec<(String, String)>,
    /// File with variables of compose files, besides .env
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(super) env_file: Option<PathBuf>,
    /// Further path to images in manifests and values, such as `spec.parts[*].ref`
    ///
    /// The notation is that of JSONPath. `KIND:PATH` is for objects of one kind.
    #[arg(long = "image-path", value_name = "PATH", help_heading = "Files")]
    pub(super) image_paths: Vec<ImagePath>,
    /// Name of a chart in the repositories that are sources, can be repeated
    #[arg(long = "chart", value_name = "NAME", help_heading = "Charts")]
    pub(super) charts: Vec<String>,
    /// Version or range of charts in repositories and registries [default: latest]
    #[arg(long, value_name = "RANGE", help_heading = "Charts")]
    pub(super) chart_version: Option<String>,
    /// Include development versions of charts
    #[arg(long, help_heading = "Charts")]
    pub(super) devel: bool,
    /// Values file of the charts, can be repeated
    #[arg(long, value_name = "FILE", help_heading = "Charts")]
    pub(super) values: Vec<PathBuf>,
    /// Value of the charts, as for helm, can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Charts")]
    pub(super) set: Vec<String>,
    /// API version of the cluster, can be repeated
    #[arg(
        long,
        value_name = "VERSION",
        value_delimiter = ',',
        help_heading = "Charts"
    )]
    pub(super) api_versions: Vec<String>,
    /// Kubernetes version to render for
    #[arg(long, value_name = "VERSION", help_heading = "Charts")]
    pub(super) kube_version: Option<String>,
    /// Namespace to render for
    #[arg(long, value_name = "NAME", help_heading = "Charts")]
    pub(super) namespace: Option<String>,
    /// Include images that only `helm test` runs
    #[arg(long, overrides_with = "skip_tests", help_heading = "Charts")]
    pub(super) tests: bool,
    /// Leave out and count images that only `helm test` runs (the default)
    #[arg(long, overrides_with = "tests", help_heading = "Charts")]
    pub(super) skip_tests: bool,
    /// Leave out images that only chart values or annotations name
    #[arg(long, help_heading = "Charts")]
    pub(super) rendered: bool,
    /// Package of catalogs, with channels if not the default one, can be repeated
    #[arg(
        long = "package",
        value_name = "NAME[:CHANNEL,…]",
        help_heading = "Catalogs"
    )]
    pub(super) packages: Vec<PackageSelection>,
    /// All versions of the channels, not only the heads
    #[arg(long, help_heading = "Catalogs")]
    pub(super) all_versions: bool,
    /// Compare with the list, and fail if it lacks an image (exit 1)
    #[arg(long, help_heading = "List")]
    pub(super) check: bool,
    /// Add the images that the list lacks, after the checks of add-tag
    #[arg(long, conflicts_with = "check", help_heading = "List")]
    pub(super) add: bool,
    /// Destination of new images: `HOST/PATH/{org}-{name}` or `@TARGET/{name}`
    ///
    /// Placeholders: {host}, {org}, {name}, {path}, {source}. Default: the naming rules of targets.json.
    #[arg(long, value_name = "TEMPLATE", requires = "add", help_heading = "List")]
    pub(super) dest: Option<DestinationTemplate>,
    /// Add the images that pass the checks even if others fail (exit 1)
    #[arg(long, requires = "add", help_heading = "List")]
    pub(super) keep_going: bool,
    /// With --add: check the images and print a diff of the list, write nothing
    #[arg(long, requires = "add", help_heading = "List")]
    pub(super) dry_run: bool,
    /// Print the names of the images alone
    #[arg(long, conflicts_with = "suspects", help_heading = "Result")]
    pub(super) names: bool,
    /// Also list strings that may be images but are not certain
    #[arg(long, help_heading = "Result")]
    pub(super) suspects: bool,
    /// Maximum time for all sources
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration::parse_positive, help_heading = "Result")]
    pub(super) deadline: Duration,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

impl ImagesArgs {
    /// Returns the URLs among the sources.
    pub(super) fn urls(&self) -> impl Iterator<Item = &Url> {
        self.sources.iter().filter_map(|source| match source {
            Source::Url(url) => Some(url),
            _ => None,
        })
    }
}
