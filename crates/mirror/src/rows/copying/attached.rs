//! The part of a report about the content attached to the image of a row.

use std::fmt::{self, Display, Formatter};

use copier::{AddedAttached, AttachedOutcome, MovedAttached};
use image_name::AttachedDigest;
use serde::{Deserialize, Serialize};

/// The attached content of a row that is not as its lock says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportAttached {
    /// Content that the lock did not have.
    pub(crate) added: Vec<ReportAdded>,
    /// Digest tags that were pushed again. They are not followed.
    pub(crate) moved: Vec<ReportMoved>,
}

/// Attached content that the lock did not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportAdded {
    pub(crate) subject: String,
    pub(crate) tag: String,
    pub(crate) digest: String,
    /// False with `--locked`, and for a digest tag that is not overwritten.
    pub(crate) copied: bool,
}

/// A digest tag that was pushed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportMoved {
    pub(crate) subject: String,
    pub(crate) tag: String,
    pub(crate) approved: String,
    pub(crate) now: String,
}

impl ReportAttached {
    pub(crate) fn new(outcome: &AttachedOutcome) -> Self {
        Self {
            added: outcome.added.iter().map(ReportAdded::new).collect(),
            moved: outcome.moved.iter().map(ReportMoved::new).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.moved.is_empty()
    }

    /// Returns the number of changes.
    pub(crate) fn count(&self) -> usize {
        self.added.len() + self.moved.len()
    }

    /// Returns true if a change is not at the destination, so that it needs an approval.
    pub(crate) fn needs_approval(&self) -> bool {
        !self.moved.is_empty() || self.added.iter().any(|added| !added.copied)
    }

    /// Returns a line for each change.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let added = self.added.iter().map(ToString::to_string);
        added.chain(self.moved.iter().map(ToString::to_string))
    }
}

impl ReportAdded {
    fn new(AddedAttached { attached, copied }: &AddedAttached) -> Self {
        let (subject, tag, digest) = columns(attached);
        Self {
            subject,
            tag,
            digest,
            copied: *copied,
        }
    }
}

impl ReportMoved {
    fn new(MovedAttached { approved, now }: &MovedAttached) -> Self {
        let (subject, tag, approved) = columns(approved);
        Self {
            subject,
            tag,
            approved,
            now: now.to_string(),
        }
    }
}

fn columns(attached: &AttachedDigest) -> (String, String, String) {
    let tag = attached.tag().to_string();
    (
        attached.subject.to_string(),
        tag,
        attached.digest.to_string(),
    )
}

impl Display for ReportAdded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { tag, digest, .. } = self;
        let copied = if self.copied { "copied" } else { "not copied" };
        write!(f, "{tag} was added: {digest} ({copied})")
    }
}

impl Display for ReportMoved {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            tag, approved, now, ..
        } = self;
        write!(
            f,
            "{tag} has moved: {approved} was approved, {now} is there now (not copied)"
        )
    }
}
