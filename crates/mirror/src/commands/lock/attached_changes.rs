//! The attached digests of a changed approval.

use std::fmt;

use image_name::AttachedDigest;
use images_list::ApprovedDigest;
use serde::Serialize;

/// A new, changed or removed approval of attached content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AttachedChange {
    subject: String,
    tag: String,
    digest: Option<String>,
    before: Option<String>,
}

impl AttachedChange {
    /// Returns the changes between two approvals of a row. Of an image with a new digest all
    /// attached digests are new.
    pub(crate) fn between(before: Option<&ApprovedDigest>, now: &ApprovedDigest) -> Vec<Self> {
        let before = before.filter(|before| before.digest() == now.digest());
        let approved = |digest: Option<&ApprovedDigest>| -> Vec<AttachedDigest> {
            let attached = digest.and_then(ApprovedDigest::attached);
            attached.map_or_else(Vec::new, |attached| attached.approved().collect())
        };
        let (old, new) = (approved(before), approved(Some(now)));
        let replaced = |attached: &AttachedDigest| {
            let before = before.and_then(ApprovedDigest::attached)?;
            before.approved_instead(attached)
        };
        let added = new.iter().filter(|attached| !old.contains(attached));
        let added = added.map(|attached| Self::new(attached, replaced(attached)));
        let is_gone = |attached: &&AttachedDigest| {
            let now = now.attached();
            now.is_none_or(|now| {
                !now.has_approved(attached) && now.approved_instead(attached).is_none()
            })
        };
        let removed = old.iter().filter(is_gone).map(|attached| Self {
            digest: None,
            before: Some(attached.digest.to_string()),
            ..Self::new(attached, None)
        });
        added.chain(removed).collect()
    }

    fn new(attached: &AttachedDigest, before: Option<image_name::Digest>) -> Self {
        Self {
            subject: attached.subject.to_string(),
            tag: attached.tag().to_string(),
            digest: Some(attached.digest.to_string()),
            before: before.map(|before| before.to_string()),
        }
    }
}

/// `added TAG DIGEST`, `changed TAG BEFORE -> DIGEST` or `removed TAG BEFORE`.
impl fmt::Display for AttachedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = &self.tag;
        match (&self.before, &self.digest) {
            (None, Some(digest)) => write!(f, "added    {tag} {digest}"),
            (Some(before), Some(digest)) => write!(f, "changed  {tag} {before} -> {digest}"),
            (Some(before), None) => write!(f, "removed  {tag} {before}"),
            (None, None) => Ok(()),
        }
    }
}
