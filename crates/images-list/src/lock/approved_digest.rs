//! Approved digests.

use image_name::Digest;
use image_name::{ManifestReference, ManifestReferenceError};
use std::fmt;

use super::attached_digests::AttachedDigests;
use super::signer::Signer;

/// The last column if the registry sent no media type.
const UNKNOWN: &str = "-";

/// The approved digest of a row's tag, with the media type of the manifest and the digests that
/// are attached to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedDigest {
    digest: Digest,
    media_type: String,
    /// `None` if they were not looked up.
    attached: Option<AttachedDigests>,
    /// The signer, if its signature was verified.
    signer: Option<Signer>,
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
            attached: None,
            signer: None,
        }
    }

    /// Sets the attached digests.
    #[must_use]
    pub fn with_attached(self, attached: AttachedDigests) -> Self {
        Self {
            attached: Some(attached),
            ..self
        }
    }

    /// Sets the signer.
    #[must_use]
    pub fn with_signer(self, signer: Option<Signer>) -> Self {
        Self { signer, ..self }
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

    /// Returns the signer, `None` if no signature was verified.
    #[must_use]
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Returns the attached digests, `None` if they were not looked up.
    #[must_use]
    pub fn attached(&self) -> Option<&AttachedDigests> {
        self.attached.as_ref()
    }

    /// Returns true if an approval of `now` would change nothing.
    #[must_use]
    pub fn includes(&self, now: &Self) -> bool {
        let approved = |digest: &Self| {
            let attached = digest.attached.as_ref();
            let attached = attached.map(|attached| attached.approved().collect::<Vec<_>>());
            attached.unwrap_or_default()
        };
        self.digest == now.digest
            && self.media_type == now.media_type
            && (now.signer.is_none() || self.signer == now.signer)
            && (now.attached.is_none() || approved(self) == approved(now))
    }

    pub(super) fn attached_mut(&mut self) -> &mut AttachedDigests {
        self.attached.get_or_insert_default()
    }

    /// Takes over what the approval before this one knows about the same image.
    pub(super) fn succeed(&mut self, before: &Self) {
        if self.digest != before.digest {
            return;
        }
        if self.signer.is_none() {
            self.signer.clone_from(&before.signer);
        }
        match (&mut self.attached, &before.attached) {
            (Some(now), Some(before)) => now.replace(before),
            (now, before) => *now = now.take().or_else(|| before.clone()),
        }
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
