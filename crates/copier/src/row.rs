//! A row of the list.

use std::sync::{Arc, LazyLock};

use image_name::{AttachedDigest, Digest};
use oci_spec::distribution::Reference;
use registry_client::CreationApi;

use crate::platform_selection::PlatformSelection;

/// One image and its destination: a row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The source image, with a tag or a digest.
    pub source: Reference,
    /// The destination, with a tag or a digest.
    pub destination: Reference,
    /// The approval of the row. A source with other content has moved, and is not followed.
    pub approved: Option<Box<Approval>>,
    /// The settings of the row's destination, shared by the rows that have the same.
    pub settings: Arc<DestinationSettings>,
}

/// The settings of a destination, which take precedence over the options of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationSettings {
    /// The platforms that are copied, `None` for those of the run.
    pub platforms: Option<PlatformSelection>,
    /// Also copy referrers and digest tags, `None` for the choice of the run.
    pub referrers: Option<bool>,
    /// The API that creates the repository, if it does not exist, before the first upload. `None` if it
    /// must exist.
    pub creation: Option<CreationApi>,
    /// The text that describes the repository at Docker Hub, `None` to leave it alone.
    pub description: Option<String>,
}

/// The approved digest of a row and the approved digests that are attached to its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The digest of the image.
    pub digest: Digest,
    /// The digests attached to the image, to its children, or to other attached content. `None` if
    /// they are unknown: then all are copied, unless moved tags are refused.
    pub attached: Option<Vec<AttachedDigest>>,
    /// Attached digests that were approved before those. The destination may still have them.
    pub replaced: Vec<AttachedDigest>,
    /// The source is followed, whatever is approved. The attached digests are those that earlier
    /// runs have brought.
    pub mutable: bool,
    /// The list itself names the digest.
    pub pinned: bool,
}

impl DestinationSettings {
    /// Returns the settings of a destination that has none of its own.
    #[must_use]
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<DestinationSettings>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }
}

impl Row {
    /// Creates a row that is not approved, without settings of its destination.
    #[must_use]
    pub fn new(source: Reference, destination: Reference) -> Self {
        Self {
            source,
            destination,
            approved: None,
            settings: DestinationSettings::none(),
        }
    }

    /// Returns the digest that the source must have, `None` if it may have any.
    #[must_use]
    pub fn approved_digest(&self) -> Option<&Digest> {
        let approval = self.approved.as_ref().filter(|approval| !approval.mutable);
        approval.map(|approval| &approval.digest)
    }
}

/// An approval of a digest whose attached digests are unknown.
impl From<Digest> for Approval {
    fn from(digest: Digest) -> Self {
        Self {
            digest,
            attached: None,
            replaced: Vec::new(),
            mutable: false,
            pinned: false,
        }
    }
}

impl Approval {
    /// Returns the approval of a row that names the digest itself.
    #[must_use]
    pub fn pin(digest: Digest) -> Self {
        Self {
            pinned: true,
            ..Self::from(digest)
        }
    }
}
