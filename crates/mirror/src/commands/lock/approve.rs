//! Approving the images at the sources in a lock.

use std::collections::HashMap;

use images_list::{ApprovedDigest, Lock, Row};

use super::attached_changes::AttachedChange;
use crate::files::list_file::RowLocation;
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

/// The approvals of the selected rows.
#[derive(Debug, Default)]
pub(crate) struct Approved {
    /// The changes, in the order of the rows.
    pub(crate) changes: Vec<ApprovalChange>,
    /// The rows that keep their approval, because the new image has another signer.
    pub(crate) other_signers: Vec<(RowLocation, String)>,
}

/// Approves the images of the selected rows.
pub(crate) fn approve(
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
    rows: &[(Row, RowLocation)],
    lock: &mut Lock,
    is_selected: impl Fn(&Row, &Lock) -> bool,
) -> Approved {
    let mut approved = Approved::default();
    for (row, location) in rows {
        let Some(Availability::Found(now)) = images.get(&ImageTag::from(row)) else {
            continue;
        };
        let before = lock.get(row).cloned();
        let is_same = before.as_ref().is_some_and(|before| before.includes(now));
        if is_same || !is_selected(row, lock) {
            continue;
        }
        if let Some(message) = before
            .as_ref()
            .and_then(|before| other_signer(row, before, now))
        {
            approved.other_signers.push((location.clone(), message));
            continue;
        }
        lock.set(row.clone(), now.clone());
        approved.changes.push(ApprovalChange {
            row: row.clone(),
            before,
            now: lock.get(row).cloned().unwrap_or_else(|| now.clone()),
        });
    }
    approved
}

/// Returns the finding for an image that another signer has signed than the approved one.
fn other_signer(row: &Row, before: &ApprovedDigest, now: &ApprovedDigest) -> Option<String> {
    let known = before.signer()?;
    let found = match now.signer() {
        Some(found) if found == known => return None,
        Some(found) => format!("is signed by {found}"),
        // Without a policy, the signer of the same image is not known to have changed.
        None if before.digest() == now.digest() => return None,
        None => "has no verified signature".to_owned(),
    };
    Some(format!(
        "`{row}` keeps its approval: its image was signed by {known}, and {} {found}; if that is right, remove \
         its line from the lock and lock it again",
        now.digest()
    ))
}
