//! Writing what sources have now into a lock.

use std::collections::HashMap;

use images_list::{ApprovedDigest, List, Lock, Row};

use crate::registries::availability::{Availability, ImageTag};

/// A changed line of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApprovalChange {
    /// The row, as the list spells it.
    pub(crate) row: Row,
    /// The image that was approved before.
    pub(crate) before: Option<ApprovedDigest>,
    /// The image that is approved now.
    pub(crate) now: ApprovedDigest,
}

/// Approves the images of a list's selected rows, in its order.
pub(crate) fn approve(
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
    list: &List,
    lock: &mut Lock,
    is_selected: impl Fn(&Row, &Lock) -> bool,
) -> Vec<ApprovalChange> {
    let mut changes = Vec::new();
    for at in list.rows() {
        let Some(Availability::Found(now)) = images.get(&ImageTag::from(at.row)) else {
            continue;
        };
        let before = lock.get(at.row).cloned();
        if before.as_ref() == Some(now) || !is_selected(at.row, lock) {
            continue;
        }
        lock.set(at.row.clone(), now.clone());
        changes.push(ApprovalChange {
            row: at.row.clone(),
            before,
            now: now.clone(),
        });
    }
    changes
}
