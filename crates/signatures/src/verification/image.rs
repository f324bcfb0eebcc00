//! The image about which is decided.

use image_name::{Digest, RepositoryName, Tag};

/// An image as its source names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedImage {
    /// The repository at the source, never that of the mirror.
    pub repository: RepositoryName,
    /// The tag at the source, if it is known.
    pub tag: Option<Tag>,
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The manifests of an index that a signature may be about in its place. All of them must then be signed. A
    /// caller leaves out the attestations that buildkit keeps in an index.
    pub children: Vec<Digest>,
}

impl SignedImage {
    /// Reports whether a digest is that of the image or a child.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.digest == *digest || self.children.contains(digest)
    }
}
