//! Approved digests.

use image_name::Digest;
use image_name::{ManifestReference, ManifestReferenceError};
use std::fmt;

/// The last column if the registry sent no media type.
const UNKNOWN: &str = "-";

/// The approved digest of a row's tag, with the media type of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedDigest {
    digest: Digest,
    media_type: String,
}

/// The reason why a text is not an approved digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovedDigestError {
    /// The text is a tag.
    #[error("a tag is not a digest: write the digest of the image, `sha256:…`")]
    Tag,
    /// The text is neither a digest nor a tag.
    #[error(transparent)]
    Digest(#[from] ManifestReferenceError),
}

impl ApprovedDigest {
    /// Creates an approved digest. `media_type` is the `Content-Type` of the manifest; parameters
    /// such as `; charset=utf-8` are removed.
    #[must_use]
    pub fn new(digest: Digest, media_type: Option<&str>) -> Self {
        let essence = media_type.and_then(|text| text.split([';', ' ', '\t', '\r', '\n']).next());
        let media_type = essence.filter(|text| !text.is_empty()).unwrap_or(UNKNOWN);
        Self {
            digest,
            media_type: media_type.to_owned(),
        }
    }

    pub(super) fn parse(digest: &str, media_type: &str) -> Result<Self, ApprovedDigestError> {
        match digest.parse()? {
            ManifestReference::Digest(digest) => Ok(Self::new(digest, Some(media_type))),
            ManifestReference::Tag(_) => Err(ApprovedDigestError::Tag),
        }
    }

    /// Returns the digest of the manifest or index.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the media type of the manifest, `None` if the registry sent none.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        (self.media_type != UNKNOWN).then_some(self.media_type.as_str())
    }
}

/// Writes the digest and the media type as columns of the lock.
impl fmt::Display for ApprovedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.digest, self.media_type)
    }
}
