//! Approving the images at the sources in a lock.

use std::collections::HashMap;

use images_list::{ApprovedDigest, Lock, Row};

use super::attached_changes::AttachedChange;
use crate::registries::availability::{Availability, ImageTag};

/// A new or changed line of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApprovalChange {
    /// The row, as written in the list.
    pub(crate) row: Row,
    /// The approved digest before the change.
    pub(crate) before: Option<ApprovedDigest>,
    /// The approved digest after the change.
    pub(crate) now: ApprovedDigest,
}

impl ApprovalChange {
    /// Returns the changes of the attached digests.
    pub(crate) fn attached(&self) -> Vec<AttachedChange> {
        AttachedChange::between(self.before.as_ref(), &self.now)
    }
}

/// Approves the images of the selected rows. Returns the changes in the order of the rows.
pub(crate) fn approve(
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
    rows: &[Row],
    lock: &mut Lock,
    is_selected: impl Fn(&Row, &Lock) -> bool,
) -> Vec<ApprovalChange> {
    let mut changes = Vec::new();
    for row in rows {
        let Some(Availability::Found(now)) = images.get(&ImageTag::from(row)) else {
            continue;
        };
        let before = lock.get(row).cloned();
        let is_same = before.as_ref().is_some_and(|before| before.includes(now));
        if is_same || !is_selected(row, lock) {
            continue;
        }
        lock.set(row.clone(), now.clone());
        changes.push(ApprovalChange {
            row: row.clone(),
            before,
            now: lock.get(row).cloned().unwrap_or_else(|| now.clone()),
        });
    }
    changes
}
