//! The outcome of a row for the content attached to its image.

use image_name::{AttachedDigest, Digest};

/// The content attached to the image of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachedOutcome {
    /// The content that the source has and the destination has too, from this run or an earlier one.
    pub present: Vec<AttachedDigest>,
    /// The content that is not approved for the row. Empty for a row without an approval.
    pub added: Vec<AddedAttached>,
    /// The digest tags of the source with another digest than the approved one.
    pub moved: Vec<MovedAttached>,
}

/// Attached content that was added after the approval of its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedAttached {
    /// The content.
    pub attached: AttachedDigest,
    /// It is at the destination.
    pub copied: bool,
}

/// A digest tag that was pushed again after its digest was approved. It is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedAttached {
    /// The approved content.
    pub approved: AttachedDigest,
    /// The digest at the source.
    pub now: Digest,
}

impl AttachedOutcome {
    /// Boxes the outcome, unless it is empty.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.present.extend_from_slice(&other.present);
        self.added.extend_from_slice(&other.added);
        self.moved.extend_from_slice(&other.moved);
    }
}
