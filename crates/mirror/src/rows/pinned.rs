//! Rows that pin a digest, `TAG@DIGEST`. The pin approves the digest.

use images_list::{ApprovedDigest, Row};

/// Returns a message if the lock approves another digest than the row pins.
pub(crate) fn contradiction(row: &Row, locked: &ApprovedDigest) -> Option<String> {
    let pin = row.tag.pin().filter(|pin| *pin != locked.digest())?;
    let locked = locked.digest();
    Some(format!(
        "`{row}` pins {pin}, but it is locked to {locked}; correct the pin, or run `mirror lock \
         --update`"
    ))
}
