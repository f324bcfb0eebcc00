//! The kinds of attached content that a run copies.

use image_name::Digest;
use registry_client::{Content, Descriptor, Error, Manifest, Repository};

use crate::text_blobs::TextBlobs;

/// The content attached to an image that a run copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AttachedContent {
    /// Everything.
    #[default]
    All,
    /// Signatures, attestations and other documents, but nothing that a runtime could run.
    Documents,
    /// Nothing.
    Nothing,
}

/// Attached content that a runtime could run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{digest} could be run: {reason}")]
pub struct Runnable {
    /// The manifest or index.
    pub digest: Digest,
    /// The part of the manifest that a runtime could run.
    pub reason: String,
}

/// The media type of manifests for which every runtime checks the type of the config.
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The digest of the config `{}` (image specification, "Guidance for an Empty Descriptor").
const EMPTY_CONFIG: &str =
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
/// The config types that container runtimes run: those of images, those that Docker treats as the type of an image
/// config, and that of Docker's plugins.
const RUNNABLE_CONFIGS: [&str; 7] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.plugin.v1+json",
    "application/octet-stream",
    "application/json",
    "text/html",
    "",
];
/// The prefixes of the types of layers that a runtime unpacks or runs.
const IMAGE_LAYERS: [&str; 5] = [
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.",
    "application/vnd.erofs.",
    "application/vnd.wasm.",
    "application/wasm",
];

/// Checks that a manifest is a document, which no runtime can run: an artifact with a type of its own, or one
/// whose layers are text, such as the signatures of cosign, whose configs have the type of images.
///
/// # Errors
///
/// The outer [`Error`] if a layer cannot be read.
pub async fn check_document(
    source: &Repository,
    manifest: &Manifest,
    texts: &TextBlobs,
) -> Result<Result<(), Runnable>, Error> {
    let runnable = |reason: String| {
        Ok(Err(Runnable {
            digest: manifest.digest.clone(),
            reason,
        }))
    };
    let (config, layers) = match manifest.content() {
        Ok(Content::Image { config, layers, .. }) => (config, layers),
        Ok(Content::Index { .. }) => return runnable("it is an index".to_owned()),
        Err(error) => return runnable(error.to_string()),
    };
    if has_own_type(manifest, config.as_deref(), &layers) {
        return Ok(Ok(()));
    }
    for layer in &layers {
        let Ok(digest) = Digest::try_from(layer.digest()) else {
            return runnable(format!("its layer {} cannot be verified", layer.digest()));
        };
        if !texts.is_text(source, layer, &digest).await? {
            return runnable(format!("its layer {digest} is not text"));
        }
    }
    Ok(Ok(()))
}

/// Returns true for an artifact with a config type, and layer types, that no image has.
fn has_own_type(manifest: &Manifest, config: Option<&Descriptor>, layers: &[Descriptor]) -> bool {
    let is_empty = |config: &Descriptor| config.digest().to_string() == EMPTY_CONFIG;
    let config_type = config.and_then(Descriptor::media_type).unwrap_or_default();
    let is_image_layer = |layer: &Descriptor| {
        let layer = layer.media_type().unwrap_or_default();
        IMAGE_LAYERS.iter().any(|it| layer.starts_with(it))
    };
    // Some runtimes ignore the config type in other types of manifests.
    manifest.media_type == OCI_MANIFEST
        && !RUNNABLE_CONFIGS.contains(&config_type)
        && (config.is_some_and(is_empty) || !layers.iter().any(is_image_layer))
}
