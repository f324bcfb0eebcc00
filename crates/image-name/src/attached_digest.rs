//! Digests of content that is attached to a manifest.

use std::fmt;

use crate::digest::Digest;
use crate::digest_tag::DigestTagKind;
use crate::tag::Tag;

/// Content attached to a manifest: the manifest behind one of its digest tags, or a referrer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachedDigest {
    /// The manifest that the content is about.
    pub subject: Digest,
    /// The kind of the digest tag; [`DigestTagKind::Referrers`] for a referrer, whether the API or
    /// the tag schema lists it.
    pub kind: DigestTagKind,
    /// The digest of the attached content. Of a referrer it is the referrer's own.
    pub digest: Digest,
}

impl AttachedDigest {
    /// Returns the digest tag. The tag of a referrer is the one that the tag schema lists it under.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.subject.tag(self.kind)
    }
}

/// `SUBJECT TAG DIGEST`.
impl fmt::Display for AttachedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.subject, self.tag(), self.digest)
    }
}
