//! Running `mirror diff`.

use clap::Args;
use image_name::Digest;
use registry_client::{Client, Manifest, Repository};
use serde_json::Value;

use super::contents::{ImageContents, PlatformContents, children, platform_of};
use super::report::Diff;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_argument::{self, ImageArgument};
use crate::registries::client;
use crate::registries::image_reader::{ImageReader, ReadConfig, read_config};
use crate::session::Session;

/// The arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror diff quay.io/coreos/etcd:v3.5.16 quay.io/coreos/etcd:v3.5.17
  mirror diff busybox registry.example.com/mirror/busybox   compare a copy with its source
  mirror diff alpine:3.20 alpine:3.21 --output json

Platforms, layers, configs and annotations are compared. No layer is downloaded.
Exits with 1 if the images differ.")]
pub(crate) struct DiffArgs {
    /// First image, as NAME, NAME:TAG, NAME@DIGEST or oci:DIR:NAME
    #[arg(value_name = "A", value_parser = image_argument::image_or_file)]
    first: ImageArgument,
    /// Second image
    #[arg(value_name = "B", value_parser = image_argument::image_or_file)]
    second: ImageArgument,
}

/// Maximum images of an index that are compared.
const MAX_IMAGES: usize = 64;

/// Runs the command. Exits with 1 if the images differ.
///
/// # Errors
///
/// [`Failure`] if an image does not exist or cannot be read.
pub(crate) async fn run(session: &Session, args: &DiffArgs) -> Result<Exit, Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let _waiting = session.progress_display.show_requests(&client);
    let (first, second) = futures::join!(read(&client, &args.first), read(&client, &args.second));
    let diff = Diff::new(&first?, &second?);
    let exit = Exit::from_findings(!diff.is_same());
    session.output.write_outcome(&diff, &diff, exit)?;
    Ok(exit)
}

/// Reads the manifests and configs of an image.
async fn read(client: &Client, image: &ImageArgument) -> Result<ImageContents, Failure> {
    let reader = ImageReader::open(client, image).await?;
    let (repository, manifest) = reader.manifest().await?;
    let document = parse(&reader, &manifest)?;
    let mut contents = ImageContents::new(&reader.image, &manifest, &document);
    let children = children(&document);
    if children.is_empty() {
        let mut platform = read_platform(&repository, &manifest, &document, None).await;
        // They are compared as the annotations of the whole.
        platform.annotations.clear();
        contents.add(platform);
    }
    for child in children.iter().take(MAX_IMAGES) {
        let digest = child["digest"].as_str().unwrap_or_default();
        let platform = platform_of(&child["platform"]);
        let found = match digest.parse::<Digest>() {
            Ok(digest) => repository.manifest(&digest).await,
            Err(_) => Ok(None),
        };
        // A sparse index lacks some of its children.
        contents.add(match found.map_err(|error| reader.failure(&error))? {
            Some(manifest) => {
                let document = parse(&reader, &manifest)?;
                read_platform(&repository, &manifest, &document, platform).await
            }
            None => PlatformContents::missing(digest, platform),
        });
    }
    contents.more = children.len().saturating_sub(MAX_IMAGES);
    Ok(contents)
}

fn parse(reader: &ImageReader<'_>, manifest: &Manifest) -> Result<Value, Failure> {
    // Refuses manifests that programs read differently.
    reader.content(manifest)?;
    serde_json::from_slice(&manifest.bytes).map_err(|error| {
        Failure::failed(format!(
            "{}: {} is not a valid manifest or index: {error}",
            reader.image, manifest.digest
        ))
    })
}

/// Reads the config of an image. `platform` is that of the index.
async fn read_platform(
    repository: &Repository,
    manifest: &Manifest,
    document: &Value,
    platform: Option<String>,
) -> PlatformContents {
    let config = &document["config"];
    let digest = config["digest"].as_str().and_then(|text| text.parse().ok());
    let config = match digest {
        Some(digest) => read_config(repository, &digest, config["size"].as_u64()).await,
        None => ReadConfig::default(),
    };
    let config = Some(config.document).filter(|config| !config.is_null());
    PlatformContents::new(manifest, document, config, platform)
}
