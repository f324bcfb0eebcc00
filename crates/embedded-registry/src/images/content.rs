//! Content: bytes with a media type.

use bytes::Bytes;
use oci_spec::image::Digest;
use serde_json::{Value, json};

use crate::digests::digest_of;

/// A blob or a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    media_type: String,
    digest: Digest,
    bytes: Bytes,
}

impl Content {
    /// Creates content of a media type.
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            media_type: media_type.into(),
            digest: digest_of(&bytes),
            bytes,
        }
    }

    /// Returns the media type.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Returns the digest of [`Self::bytes`].
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns `mediaType`, `digest` and `size` (image specification, "Content Descriptors").
    pub fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest.as_ref(),
            "size": self.bytes.len(),
        })
    }
}
