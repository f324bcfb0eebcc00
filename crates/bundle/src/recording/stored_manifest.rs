//! A manifest that is kept for its archive.

use bytes::Bytes;
use image_name::Digest;
use registry_client::{Content, Manifest, ManifestError};

/// The level of the compression in memory.
const LEVEL: i32 = 1;

/// A manifest that is kept until it is written. Its bytes are compressed: a list of 2,000 images has 20,000
/// manifests.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    digest: Digest,
    media_type: String,
    size: usize,
    /// The bytes themselves if they cannot be compressed.
    compressed: Box<[u8]>,
    subject: Option<Digest>,
    artifact_type: Option<String>,
}

impl StoredManifest {
    /// Keeps a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] for an invalid manifest.
    pub fn new(manifest: &Manifest) -> Result<Self, ManifestError> {
        let content = manifest.content()?;
        let subject = content.subject();
        let compressed = zstd::bulk::compress(&manifest.bytes, LEVEL).ok();
        let compressed = compressed.filter(|compressed| compressed.len() < manifest.bytes.len());
        Ok(Self {
            digest: manifest.digest.clone(),
            media_type: manifest.media_type.clone(),
            size: manifest.bytes.len(),
            compressed: compressed
                .unwrap_or_else(|| manifest.bytes.to_vec())
                .into_boxed_slice(),
            subject: subject.and_then(|subject| Digest::try_from(subject.digest()).ok()),
            artifact_type: artifact_type(&content),
        })
    }

    /// Returns the digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size as u64
    }

    /// Returns the digest of the manifest that it refers to.
    #[must_use]
    pub fn subject(&self) -> Option<&Digest> {
        self.subject.as_ref()
    }

    /// Returns the artifact type, or the media type of the config.
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        self.artifact_type.as_deref()
    }

    /// Returns the manifest.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let bytes = if self.compressed.len() == self.size {
            self.compressed.to_vec()
        } else {
            // The bytes were compressed above, so they can be restored.
            zstd::bulk::decompress(&self.compressed, self.size).unwrap_or_default()
        };
        Manifest {
            bytes: Bytes::from(bytes),
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
        }
    }
}

/// Returns the artifact type of a descriptor in a list of referrers.
///
/// Source: distribution specification, "Listing Referrers".
fn artifact_type(content: &Content) -> Option<String> {
    match content {
        Content::Image {
            config,
            artifact_type,
            ..
        } => {
            let config = config.as_ref().and_then(|config| config.media_type());
            artifact_type
                .clone()
                .or_else(|| config.map(ToOwned::to_owned))
        }
        Content::Index { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use registry_client::sha256_digest;

    use super::*;

    #[test]
    fn manifest_keeps_its_bytes() {
        for layers in [0, 200] {
            let layer = format!(
                r#"{{"mediaType":"x/y","digest":"sha256:{}","size":3}}"#,
                "a".repeat(64)
            );
            let text = format!(
                r#"{{"config":{layer},"layers":[{}]}}"#,
                vec![&*layer; layers].join(",")
            );
            let manifest = Manifest {
                digest: sha256_digest(text.as_bytes()),
                bytes: text.into(),
                media_type: "a/b".into(),
            };
            let stored = StoredManifest::new(&manifest).unwrap();
            assert_eq!(stored.manifest(), manifest);
            assert!(layers == 0 || stored.compressed.len() * 10 < stored.size);
            assert_eq!(stored.artifact_type(), Some("x/y"));
        }
    }
}
