//! Bytes with a media type.

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
    /// Content of that type.
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            media_type: media_type.into(),
            digest: digest_of(&bytes),
            bytes,
        }
    }

    /// What it is.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The digest of [`Self::bytes`].
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The bytes themselves, shared.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// `mediaType`, `digest` and `size` (image specification, "Content Descriptors").
    pub fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest.as_ref(),
            "size": self.bytes.len(),
        })
    }
}
