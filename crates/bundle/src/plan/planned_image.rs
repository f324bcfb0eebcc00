//! The images of a plan.

use image_name::{AttachedDigest, Digest, ManifestReference, RepositoryName, RepositoryPath};

/// An image that was copied into the recording registry.
#[derive(Debug, Clone)]
pub struct PlannedImage {
    /// The repository in the recording registry.
    pub path: RepositoryPath,
    /// The source.
    pub source: RepositoryName,
    /// The destination.
    pub destination: RepositoryName,
    /// The tag at the source, or a digest.
    pub tag: ManifestReference,
    /// The tag at the destination, or a digest.
    pub destination_tag: ManifestReference,
    /// The digest of the image.
    pub digest: Digest,
    /// The platforms that were selected; empty for all.
    pub platforms: Vec<String>,
    /// The content that is attached to it.
    pub attached: Vec<AttachedDigest>,
}

/// The media type and the size of content.
#[derive(Debug, Clone)]
pub struct ContentHead {
    /// The media type of a manifest.
    pub media_type: Option<String>,
    /// The size in bytes.
    pub size: u64,
}

/// The bytes of an image by their place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageShare {
    /// Bytes that the archive has for this image first.
    pub new: u64,
    /// Bytes that the archive has for an earlier image too.
    pub shared: u64,
    /// Bytes that are left out because a base has them. What is under a manifest that is left out is not
    /// counted.
    pub left_out: u64,
}
