//! The result of one entry.

use extraction::{DroppedImage, UntaggedImage};

use crate::candidate::{Candidate, Origin};

/// The result of one entry: versions or images, what was dropped, and what went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieved {
    /// The versions or images that pass the filters.
    pub found: Found,
    /// The versions or images that do not. Those dropped for their age or for a newer version come last.
    pub dropped: Vec<Dropped>,
    /// Images with a digest and no tag. They cannot be proposed.
    pub untagged: Vec<UntaggedImage>,
    /// Warnings for the log, such as a tag without the image file.
    pub warnings: Vec<String>,
    /// Failures that leave the result incomplete, such as one chart of several that does not render.
    /// The entry counts as failed.
    pub failures: Vec<String>,
}

/// The versions or images that pass the filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Versions for every image of the entry.
    Versions(Vec<Candidate>),
    /// Images with their tags.
    Images(Vec<FoundImage>),
}

/// An image with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// The repository as found, without Docker Hub's host.
    pub image: String,
    /// The tag.
    pub tag: String,
    /// The best evidence for it.
    pub origin: Origin,
}

/// A version or image that the filters drop.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dropped {
    /// A tag, or an image with its tag.
    pub item: String,
    /// The reason, such as `versionConstraint ">=1.4.0"`.
    pub reason: String,
}

impl From<DroppedImage> for Dropped {
    fn from(image: DroppedImage) -> Self {
        Self {
            item: image.to_string(),
            reason: image.reason,
        }
    }
}
