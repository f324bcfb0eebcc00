//! Reading one image that a command names.

use copier::Platform;
use image_name::Digest;
use registry_client::{Client, Content, ImageConfig, Manifest, ManifestHead, Repository};
use serde_json::Value;

use super::image_files::open_source;
use super::named_image::NamedImage;
use crate::cli::failure::Failure;
use crate::cli::image_argument::ImageArgument;
use crate::terminal::hints::{self, Operation};

/// Maximum size of an image config, in bytes. Real configs have a few KiB.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// A reader of one image at a registry, mirrors of registries.conf first, or in a file.
#[derive(Debug)]
pub(crate) struct ImageReader<'a> {
    client: &'a Client,
    /// The image.
    pub(crate) image: NamedImage,
}

impl<'a> ImageReader<'a> {
    /// Creates a reader. No request is sent; a file is opened.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a file that cannot be read, or that does not have the image.
    pub(crate) async fn open(client: &'a Client, image: &ImageArgument) -> Result<Self, Failure> {
        let image = open_source(client, image).await?.image;
        Ok(Self { client, image })
    }

    /// Returns the head of the manifest from one HEAD request at each location.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the image does not exist or a request fails.
    pub(crate) async fn head(&self) -> Result<ManifestHead, Failure> {
        let reference = registry_client::manifest_reference(&self.image.reference);
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
        let reference = registry_client::manifest_reference(&self.image.reference);
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
            let hint = hints::for_manifest(&self.image.reference, &error);
            let hint = hint.filter(|_| !self.image.is_file());
            Failure::failed(format!("{}: {error}", self.image)).hint(hint)
        })
    }

    fn repositories(&self) -> Result<Vec<Repository>, Failure> {
        let repositories = self.client.sources(&self.image.reference);
        repositories.map_err(|error| self.failure(&error))
    }

    /// Returns the failure of a request for the image.
    pub(crate) fn failure(&self, error: &registry_client::Error) -> Failure {
        hints::request_failure(Operation::Read, &self.image.reference, error)
    }

    /// Returns the failure of the last location.
    fn not_found(&self, decisive: Result<(), registry_client::Error>) -> Failure {
        match decisive {
            Ok(()) => self.missing(),
            Err(error) => self.failure(&error),
        }
    }

    fn missing(&self) -> Failure {
        let failure = Failure::failed(format!("{} does not exist", self.image));
        if self.image.is_file() {
            return failure;
        }
        failure.hint(format!(
            "list the tags with `mirror tags {}`",
            self.image.repository()
        ))
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
