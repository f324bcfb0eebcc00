//! Running `mirror inspect`.

use clap::Args;
use copier::Platform;
use image_name::{Digest, ImageName};
use oci_spec::distribution::Reference;
use registry_client::{Content, Descriptor, Manifest, Referrers, Repository};

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
  mirror inspect busybox --raw | sha256sum   compute the digest of the manifest")]
pub(crate) struct InspectArgs {
    /// Image, as NAME, NAME:TAG or NAME@DIGEST [default tag: latest]
    #[arg(value_name = "REF")]
    pub(crate) image: ImageName,
    /// Print the bytes of the manifest, and nothing else
    #[arg(long)]
    pub(crate) raw: bool,
}

/// Maximum size of an image config, in bytes. Real configs have a few KiB.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;
/// Maximum images of an index that are shown.
const MAX_IMAGES: usize = 64;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if the image does not exist or cannot be read.
pub(crate) async fn run(session: &Session, args: &InspectArgs) -> Result<Exit, Failure> {
    let reference = args.image.reference(None);
    let client = client::build(&session.common, &session.environment)?;
    let inspection = Inspection { reference };
    let (repository, manifest) = inspection.find(&client).await?;
    if args.raw {
        session.output.write_bytes(&manifest.bytes)?;
        return Ok(Exit::Done);
    }
    let inspected = inspection.inspect(&repository, &manifest).await?;
    session.output.write(&inspected, &inspected)?;
    Ok(Exit::Done)
}

/// The inspection of an image.
struct Inspection {
    reference: Reference,
}

impl Inspection {
    fn failure(&self, error: &registry_client::Error) -> Failure {
        hints::request_failure(Operation::Read, &self.reference, error)
    }

    /// Returns the manifest, and the first repository that has it.
    async fn find(
        &self,
        client: &registry_client::Client,
    ) -> Result<(Repository, Manifest), Failure> {
        let repositories = client
            .sources(&self.reference)
            .map_err(|error| self.failure(&error))?;
        let reference = registry_client::manifest_reference(&self.reference);
        let reference = reference.map_err(|error| self.failure(&error))?;
        for repository in repositories {
            let found = repository.manifest(&reference).await;
            if let Some(manifest) = found.map_err(|error| self.failure(&error))? {
                return Ok((repository, manifest));
            }
        }
        let (host, path) = (self.reference.registry(), self.reference.repository());
        Err(
            Failure::failed(format!("{} does not exist", self.reference))
                .hint(format!("list the tags with `mirror tags {host}/{path}`")),
        )
    }

    async fn inspect(
        &self,
        repository: &Repository,
        manifest: &Manifest,
    ) -> Result<Inspected, Failure> {
        let unreadable = |error: registry_client::ManifestError| Failure::failed(error.to_string());
        let mut inspected = Inspected::new(&self.reference, manifest);
        match manifest.content().map_err(unreadable)? {
            Content::Index { manifests, .. } => {
                for child in manifests.iter().take(MAX_IMAGES) {
                    let layers = self.layers_of(repository, child).await?;
                    inspected.add_child(child, &layers);
                }
                inspected.set_more(manifests.len().saturating_sub(MAX_IMAGES));
            }
            Content::Image {
                config,
                layers,
                artifact_type,
                ..
            } => {
                let platform = platform(repository, config.as_deref()).await;
                inspected.add_image(platform.as_ref(), &layers, artifact_type);
            }
        }
        inspected.referrers = count_referrers(repository, manifest).await;
        Ok(inspected)
    }

    /// Returns the layers of an image in an index. Returns no layers for other content, and for a
    /// child that a sparse index lacks.
    async fn layers_of(
        &self,
        repository: &Repository,
        child: &Descriptor,
    ) -> Result<Vec<Descriptor>, Failure> {
        let Ok(digest) = Digest::try_from(child.digest()) else {
            return Ok(Vec::new());
        };
        let found = repository.manifest(&digest).await;
        let found = found.map_err(|error| self.failure(&error))?;
        match found.as_ref().map(Manifest::content) {
            Some(Ok(Content::Image { layers, .. })) => Ok(layers),
            _ => Ok(Vec::new()),
        }
    }
}

/// Returns the platform in an image config, if the config can be read.
async fn platform(repository: &Repository, config: Option<&Descriptor>) -> Option<Platform> {
    let config = config?;
    let digest = Digest::try_from(config.digest()).ok()?;
    let read = repository.image_config(&digest, config.size(), MAX_CONFIG);
    Platform::from_fields(read.await.ok()?.platform.as_ref()?)
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
