//! Reading one image that a command names.

use copier::Platform;
use image_name::{Digest, ImageName};
use oci_spec::distribution::Reference;
use registry_client::{Client, Content, ImageConfig, Manifest, ManifestHead, Repository};
use serde_json::Value;

use crate::cli::failure::Failure;
use crate::terminal::hints::{self, Operation};

/// Maximum size of an image config, in bytes. Real configs have a few KiB.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// A reader of one image, mirrors of registries.conf first.
#[derive(Debug)]
pub(crate) struct ImageReader<'a> {
    client: &'a Client,
    /// The image.
    pub(crate) reference: Reference,
}

impl<'a> ImageReader<'a> {
    /// Creates a reader. No request is sent.
    pub(crate) fn new(client: &'a Client, image: &ImageName) -> Self {
        Self {
            client,
            reference: image.reference(None),
        }
    }

    /// Returns the head of the manifest from one HEAD request at each location.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the image does not exist or a request fails.
    pub(crate) async fn head(&self) -> Result<ManifestHead, Failure> {
        let reference = registry_client::manifest_reference(&self.reference);
        let reference = reference.map_err(|error| self.failure(&error))?;
        // A mirror that fails or lacks the image is skipped; the last location, the registry, decides.
        let mut decisive = Ok(None);
        for repository in self.repositories()? {
            decisive = repository.head_manifest(&reference).await;
            if let Ok(Some(head)) = decisive {
                return Ok(head);
            }
        }
        Err(self.not_found(decisive.map(drop)))
    }

    /// Returns the manifest, and the first repository that has it.
    ///
    /// # Errors
    ///
    /// As [`ImageReader::head`].
    pub(crate) async fn manifest(&self) -> Result<(Repository, Manifest), Failure> {
        let reference = registry_client::manifest_reference(&self.reference);
        let reference = reference.map_err(|error| self.failure(&error))?;
        let mut decisive = Ok(None);
        for repository in self.repositories()? {
            decisive = repository.manifest(&reference).await;
            if let Ok(Some(manifest)) = decisive {
                return Ok((repository, manifest));
            }
        }
        Err(self.not_found(decisive.map(drop)))
    }

    /// Returns the contents of a manifest of the image.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a manifest that is invalid or of an unsupported type.
    pub(crate) fn content(&self, manifest: &Manifest) -> Result<Content, Failure> {
        let content = manifest.content();
        content.map_err(|error| {
            let hint = hints::for_manifest(&self.reference, &error);
            Failure::failed(format!("{}: {error}", self.reference)).hint(hint)
        })
    }

    fn repositories(&self) -> Result<Vec<Repository>, Failure> {
        let repositories = self.client.sources(&self.reference);
        repositories.map_err(|error| self.failure(&error))
    }

    /// Returns the failure of a request for the image.
    pub(crate) fn failure(&self, error: &registry_client::Error) -> Failure {
        hints::request_failure(Operation::Read, &self.reference, error)
    }

    /// Returns the failure of the last location.
    fn not_found(&self, decisive: Result<(), registry_client::Error>) -> Failure {
        match decisive {
            Ok(()) => self.missing(),
            Err(error) => self.failure(&error),
        }
    }

    fn missing(&self) -> Failure {
        let (host, path) = (self.reference.registry(), self.reference.repository());
        Failure::failed(format!("{} does not exist", self.reference))
            .hint(format!("list the tags with `mirror tags {host}/{path}`"))
    }
}

/// The config of an image.
#[derive(Debug, Default)]
pub(crate) struct ReadConfig {
    /// The platform, if the config names one.
    pub(crate) platform: Option<Platform>,
    /// The JSON document; `null` for a config that is missing, too large, ambiguous or not JSON, such
    /// as that of an artifact.
    pub(crate) document: Value,
}

/// Reads an image config. `size` is that of its descriptor.
pub(crate) async fn read_config(
    repository: &Repository,
    digest: &Digest,
    size: Option<u64>,
) -> ReadConfig {
    let Ok(bytes) = repository.read_small_blob(digest, size, MAX_CONFIG).await else {
        return ReadConfig::default();
    };
    let Ok(fields) = ImageConfig::parse(&bytes) else {
        return ReadConfig::default();
    };
    ReadConfig {
        platform: fields.platform.as_ref().and_then(Platform::from_fields),
        document: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}
