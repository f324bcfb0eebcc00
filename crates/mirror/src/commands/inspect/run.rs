//! Running `mirror inspect`.

use clap::Args;
use futures::stream::{self, StreamExt};
use image_name::Digest;
use registry_client::{Content, Descriptor, Manifest, Referrers, Repository};

use super::report::{ConfigBlob, Inspected};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_argument::{self, ImageArgument};
use crate::registries::client;
use crate::registries::image_reader::{ImageReader, read_config};
use crate::session::Session;

/// The arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror inspect quay.io/coreos/etcd:v3.5.0
  mirror inspect busybox --output json
  mirror inspect busybox --raw | sha256sum   compute the digest of the manifest")]
pub(crate) struct InspectArgs {
    /// Image, as NAME, NAME:TAG, NAME@DIGEST or oci:DIR:NAME [default tag: latest]
    #[arg(value_name = "REF", value_parser = image_argument::image_or_file)]
    pub(crate) image: ImageArgument,
    /// Print the bytes of the manifest, and nothing else
    #[arg(long)]
    pub(crate) raw: bool,
}

/// Maximum images of an index that are read at the same time.
const CONCURRENT_IMAGES: usize = 8;
/// Maximum images of an index that are shown.
const MAX_IMAGES: usize = 64;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if the image does not exist or cannot be read.
pub(crate) async fn run(session: &Session, args: &InspectArgs) -> Result<Exit, Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let _waiting = session.progress_display.show_requests(&client);
    let reader = ImageReader::open(&client, &args.image).await?;
    let (repository, manifest) = reader.manifest().await?;
    if args.raw {
        session.output.write_bytes(&manifest.bytes)?;
        return Ok(Exit::Done);
    }
    let inspected = inspect(&reader, &repository, &manifest).await?;
    session.output.write(&inspected, &inspected)?;
    Ok(Exit::Done)
}

async fn inspect(
    reader: &ImageReader<'_>,
    repository: &Repository,
    manifest: &Manifest,
) -> Result<Inspected, Failure> {
    let mut inspected = Inspected::new(&reader.image, manifest);
    match reader.content(manifest)? {
        Content::Index { manifests, .. } => {
            let children = manifests.iter().take(MAX_IMAGES);
            let children = children.map(|child| async move {
                let contents = read_child(reader, repository, child).await?;
                Ok::<_, Failure>((child, contents))
            });
            let mut children = stream::iter(children).buffered(CONCURRENT_IMAGES);
            while let Some(read) = children.next().await {
                let (child, (config, layers)) = read?;
                inspected.add_child(child, &config, &layers);
            }
            inspected.set_more(manifests.len().saturating_sub(MAX_IMAGES));
        }
        Content::Image {
            config,
            layers,
            artifact_type,
            ..
        } => {
            let config = config_of(repository, config.as_deref()).await;
            inspected.add_image(&config, &layers, artifact_type);
        }
    }
    inspected.referrers = count_referrers(repository, manifest).await;
    Ok(inspected)
}

/// Returns the config and the layers of an image in an index. Returns none for other content, and
/// for a child that a sparse index lacks.
async fn read_child(
    reader: &ImageReader<'_>,
    repository: &Repository,
    child: &Descriptor,
) -> Result<(ConfigBlob, Vec<Descriptor>), Failure> {
    let Ok(digest) = Digest::try_from(child.digest()) else {
        return Ok((ConfigBlob::default(), Vec::new()));
    };
    let found = repository.manifest(&digest).await;
    let found = found.map_err(|error| reader.failure(&error))?;
    Ok(match found.as_ref().map(Manifest::content) {
        Some(Ok(Content::Image { config, layers, .. })) => {
            (config_of(repository, config.as_deref()).await, layers)
        }
        _ => (ConfigBlob::default(), Vec::new()),
    })
}

async fn config_of(repository: &Repository, config: Option<&Descriptor>) -> ConfigBlob {
    let digest = config.map(|config| Digest::try_from(config.digest()));
    let (Some(config), Some(Ok(digest))) = (config, digest) else {
        return ConfigBlob::default();
    };
    ConfigBlob {
        size: config.size().unwrap_or_default(),
        config: read_config(repository, &digest, config.size()).await,
        digest: digest.to_string(),
    }
}

/// Returns the number of referrers, or `None` if they cannot be listed.
async fn count_referrers(repository: &Repository, manifest: &Manifest) -> Option<usize> {
    match repository.referrers(&manifest.digest).await {
        Ok(Referrers::Listed(found)) => Some(found.len()),
        Ok(Referrers::Unsupported) => {
            let found = repository.referrers_by_tag(&manifest.digest).await;
            found.ok().map(|found| found.len())
        }
        Err(_) => None,
    }
}
