//! `mirror inspect`: what an image is made of.

use clap::Args;
use image_name::{Digest, ImageName};
use oci_spec::distribution::Reference;
use oci_spec::image::Descriptor;
use registry_client::{Blob, Content, Manifest, Referrers, Repository};

use super::report::Inspected;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::session::Session;
use crate::terminal::hints::{self, Operation};

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

/// Configs are read whole for their platform; real ones have a few KiB.
const CONFIG: u64 = 4 * 1024 * 1024;
/// Images of an index whose layers are read; a person reads no more.
const IMAGES: usize = 64;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where the image does not exist or cannot be read.
pub(crate) async fn run(session: &Session, args: &InspectArgs) -> Result<Exit, Failure> {
    let reference = args.image.reference(None);
    let client = client::build(&session.common, &session.environment)?;
    let looking = Looking { reference };
    let (place, manifest) = looking.find(&client).await?;
    if args.raw {
        session.output.write_bytes(&manifest.bytes)?;
        return Ok(Exit::Done);
    }
    let inspected = looking.inspect(&place, &manifest).await?;
    session.output.write(&inspected, &inspected)?;
    Ok(Exit::Done)
}

/// The image that is looked at.
struct Looking {
    reference: Reference,
}

impl Looking {
    fn failed(&self, error: &registry_client::Error) -> Failure {
        hints::request_failure(Operation::Read, &self.reference, error)
    }

    async fn find(
        &self,
        client: &registry_client::Client,
    ) -> Result<(Repository, Manifest), Failure> {
        let places = client
            .sources(&self.reference)
            .map_err(|error| self.failed(&error))?;
        let reference = registry_client::manifest_reference(&self.reference);
        let reference = reference.map_err(|error| self.failed(&error))?;
        for place in places {
            let found = place.manifest(&reference).await;
            if let Some(manifest) = found.map_err(|error| self.failed(&error))? {
                return Ok((place, manifest));
            }
        }
        let (host, path) = (self.reference.registry(), self.reference.repository());
        Err(
            Failure::failed(format!("{} does not exist", self.reference)).hint(format!(
                "see what there is with `mirror tags {host}/{path}`"
            )),
        )
    }

    async fn inspect(&self, place: &Repository, manifest: &Manifest) -> Result<Inspected, Failure> {
        let unreadable = |error: registry_client::ManifestError| Failure::failed(error.to_string());
        let mut inspected = Inspected::new(&self.reference, manifest);
        match manifest.content().map_err(unreadable)? {
            Content::Index { manifests, .. } => {
                for child in manifests.iter().take(IMAGES) {
                    let layers = self.layers_of(place, child).await?;
                    inspected.add_child(child, &layers);
                }
                inspected.left_out(manifests.len().saturating_sub(IMAGES));
            }
            Content::Image {
                config,
                layers,
                artifact_type,
                ..
            } => {
                let config = match config.as_deref().map(Blob::try_from) {
                    Some(Ok(config)) => place.small_blob(&config, CONFIG).await.ok(),
                    _ => None,
                };
                inspected.set_image(config.as_deref(), &layers, artifact_type);
            }
        }
        inspected.referrers = referrers(place, manifest).await;
        Ok(inspected)
    }

    /// None for what is no image manifest, or is not there (a sparse index).
    async fn layers_of(
        &self,
        place: &Repository,
        child: &Descriptor,
    ) -> Result<Vec<Descriptor>, Failure> {
        let Ok(digest) = Digest::try_from(child.digest()) else {
            return Ok(Vec::new());
        };
        let found = place.manifest(&digest).await;
        let found = found.map_err(|error| self.failed(&error))?;
        match found.as_ref().map(Manifest::content) {
            Some(Ok(Content::Image { layers, .. })) => Ok(layers),
            _ => Ok(Vec::new()),
        }
    }
}

/// How many there are; `None` where they may not be listed.
async fn referrers(place: &Repository, manifest: &Manifest) -> Option<usize> {
    match place.referrers(&manifest.digest).await {
        Ok(Referrers::Listed(found)) => Some(found.len()),
        Ok(Referrers::Unsupported) => {
            let found = place.referrers_by_tag(&manifest.digest).await;
            found.ok().map(|found| found.len())
        }
        Err(_) => None,
    }
}
