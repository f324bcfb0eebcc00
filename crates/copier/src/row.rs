//! What is to be copied, and how.

use std::time::Duration;

use image_name::Digest;
use oci_spec::distribution::Reference;

use crate::platform::Platform;

/// One image to bring up to date: a row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The image that is mirrored, with a tag or a digest.
    pub source: Reference,
    /// Where it goes, with a tag or a digest.
    pub destination: Reference,
    /// The digest that was approved. A source tag that points elsewhere has
    /// moved: it is not followed.
    pub approved: Option<Digest>,
}

/// How a run copies.
#[derive(Debug, Clone)]
pub struct Options {
    /// `None` copies every platform.
    pub platforms: Option<PlatformSelection>,
    /// Also write the `TAG-ARCH` tags.
    pub arch_tags: bool,
    /// Also copy referrers and digest tags.
    pub referrers: bool,
    /// Say what would be done; write nothing.
    pub dry_run: bool,
    /// What becomes of a row whose source tag has moved.
    pub moved: MovedTag,
    /// How long rows under way may take after an interrupt.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            platforms: None,
            arch_tags: false,
            referrers: true,
            dry_run: false,
            moved: MovedTag::Kept,
            grace: Duration::from_secs(5),
        }
    }
}

/// What becomes of a row whose source tag has moved away from what was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedTag {
    /// The destination has, or gets, what was approved; the outcome says so.
    Kept,
    /// The row fails, and nothing is written for it.
    Refused,
}

/// Which platforms of an index are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSelection {
    /// The platforms; an image that has none of them fails its row.
    pub platforms: Vec<Platform>,
    /// What becomes of the index.
    pub index: NarrowedIndex,
}

/// What becomes of an index of which some platforms are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrowedIndex {
    /// A new index with only those descriptors, and so with a new digest.
    Rebuilt,
    /// The same bytes and digest; the other children are missing.
    Sparse,
}
