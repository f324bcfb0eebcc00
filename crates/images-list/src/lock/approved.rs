//! What was approved for a row: a manifest's digest and media type.

use crate::tag::{Tag, TagError};
use oci_spec::image::Digest;
use std::fmt;

/// Stands in the last column where a registry did not say a media type.
const UNKNOWN: &str = "-";

/// The image that a row's tag was approved for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    digest: Digest,
    media_type: String,
}

/// Why two columns are no approved image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// A tag where the digest belongs.
    #[error("it is a tag: the fourth column has the digest of an image, `sha256:…`")]
    Tag,
    /// A digest that is cut or has a wrong character.
    #[error("{0}")]
    Digest(#[from] TagError),
}

impl Approved {
    /// An image by its manifest's digest. `media_type` is as a registry says
    /// it; its parameters (`; charset=utf-8`) are left out, since they are the
    /// answer's and not the manifest's.
    #[must_use]
    pub fn new(digest: Digest, media_type: Option<&str>) -> Self {
        let essence = media_type.and_then(|text| text.split([';', ' ', '\t', '\r', '\n']).next());
        let media_type = essence.filter(|text| !text.is_empty()).unwrap_or(UNKNOWN);
        Self {
            digest,
            media_type: media_type.to_owned(),
        }
    }

    pub(super) fn parse(digest: &str, media_type: &str) -> Result<Self, NotApproved> {
        match digest.parse()? {
            Tag::Digest(digest) => Ok(Self::new(digest, Some(media_type))),
            Tag::Name(_) => Err(NotApproved::Tag),
        }
    }

    /// The digest of the manifest or index that the tag pointed to.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its media type, without parameters; `None` where the registry did not
    /// say it.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        (self.media_type != UNKNOWN).then_some(self.media_type.as_str())
    }
}

/// The two columns.
impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.digest, self.media_type)
    }
}
