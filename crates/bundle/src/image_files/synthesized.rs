//! The manifest of an image that `docker save` stored without one.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use image_name::Digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::compression::Compression;
use super::container::Container;
use super::docker_entry::DockerEntry;
use super::error::{ImageFileError, printable};
use super::layout_view::MAX_MANIFEST;
use super::span::Span;
use super::store::StoredManifest;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// An image with the config and the layers of a docker archive as they are, and an OCI manifest of them.
#[derive(Debug)]
pub(super) struct SynthesizedImage {
    manifest: StoredManifest,
    blobs: HashMap<Digest, Span>,
}

/// A layer with its digests.
struct Layer {
    span: Span,
    digest: Digest,
    media_type: &'static str,
}

impl SynthesizedImage {
    /// Reads the config and the layers, and checks each layer against the config.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for content that is missing or is not that of the config.
    pub(super) fn read(container: &Container, image: &DockerEntry) -> Result<Self, ImageFileError> {
        let invalid = |cause: String| ImageFileError::invalid(&container.place, cause);
        let config_path = printable(&image.config);
        let missing = || invalid(format!("it has no config {config_path}"));
        let config = container
            .document(&image.config, MAX_MANIFEST)?
            .ok_or_else(missing)?;
        let config_span = container.find(&image.config)?.ok_or_else(missing)?;
        let config_digest = registry_client::sha256_digest(&config);
        let diff_ids = diff_ids(&config).ok_or_else(|| {
            invalid(format!(
                "the config {config_path} is not that of an image: it has no list rootfs.diff_ids"
            ))
        })?;
        if diff_ids.len() != image.layers().len() {
            return Err(invalid(format!(
                "manifest.json has {} layers, and the config {config_path} {}",
                image.layers().len(),
                diff_ids.len()
            )));
        }
        let mut blobs = HashMap::from([(config_digest.clone(), config_span)]);
        let mut layers = Vec::new();
        // Layers may be the same file, which is read once.
        let mut known: HashMap<(&str, &str), Layer> = HashMap::new();
        for (path, diff_id) in image.layers().iter().zip(&diff_ids) {
            if !known.contains_key(&(&**path, &**diff_id)) {
                let span = container.find(path)?;
                let name = printable(path);
                let span = span.ok_or_else(|| invalid(format!("the layer {name} is missing")))?;
                let layer = Layer::read(span, diff_id)
                    .map_err(|cause| invalid(format!("the layer {name}: {cause}")))?;
                blobs.insert(layer.digest.clone(), layer.span.clone());
                known.insert((path, diff_id), layer);
            }
            let layer = known.get(&(&**path, &**diff_id));
            layers.extend(layer.map(Layer::descriptor));
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": config_digest.as_str(), "size": config.len()},
            "layers": layers,
        });
        let bytes = Bytes::from(manifest.to_string());
        let manifest = StoredManifest {
            digest: registry_client::sha256_digest(&bytes),
            media_type: MANIFEST_TYPE.to_owned(),
            bytes,
        };
        Ok(Self { manifest, blobs })
    }

    pub(super) fn digest(&self) -> &Digest {
        &self.manifest.digest
    }

    pub(super) fn manifest(&self) -> &StoredManifest {
        &self.manifest
    }

    pub(super) fn blob(&self, digest: &Digest) -> Option<&Span> {
        self.blobs.get(digest)
    }
}

impl Layer {
    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest.as_str(),
            "size": self.span.size,
        })
    }

    /// Computes the digest of a layer, and compares that of its decompressed content with the config.
    fn read(span: Span, diff_id: &str) -> Result<Self, String> {
        let failed = |error: io::Error| error.to_string();
        let compression = Compression::of(&span).map_err(failed)?;
        let media_type = match compression {
            Compression::None => "application/vnd.oci.image.layer.v1.tar",
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            // OCI has no media type for these.
            Compression::Xz | Compression::Bzip2 => {
                return Err(
                    "it is compressed with xz or bzip2, which registries do not have".to_owned(),
                );
            }
        };
        let digest = digest_of(Compression::None, &span).map_err(failed)?;
        let content = match compression {
            Compression::None => digest.clone(),
            compression => digest_of(compression, &span).map_err(failed)?,
        };
        if content.as_str() != diff_id {
            let diff_id = printable(diff_id);
            return Err(format!(
                "its content has digest {content}, and the config names {diff_id}"
            ));
        }
        Ok(Self {
            span,
            digest,
            media_type,
        })
    }
}

/// Returns the digest of a file, decompressed.
fn digest_of(compression: Compression, span: &Span) -> io::Result<Digest> {
    let mut hasher = HashingWriter(Sha256::new());
    compression.copy(span, &mut hasher)?;
    let hex: String = hasher
        .0
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}").parse().map_err(io::Error::other)
}

struct HashingWriter(Sha256);

impl io::Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn diff_ids(config: &[u8]) -> Option<Vec<String>> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let ids = config["rootfs"]["diff_ids"].as_array()?;
    ids.iter()
        .map(|id| id.as_str().map(str::to_owned))
        .collect()
}
