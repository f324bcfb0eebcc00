//! Limits on the manifests of one image.

use std::sync::atomic::{AtomicUsize, Ordering};

use image_name::Digest;
use registry_client::Descriptor;

/// Maximum number of children of one index. Real images have dozens.
pub(crate) const MAX_CHILDREN: usize = 2_000;
/// Maximum number of manifests of one row: children of indexes, nested ones included, and referrers.
const MAX_MANIFESTS: usize = 10_000;

/// A manifest that exceeds a limit for copies and comparisons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{digest} exceeds a limit: {detail}")]
pub struct LimitExceeded {
    /// The manifest.
    pub digest: Digest,
    /// The limit, and the actual number.
    pub detail: String,
}

impl LimitExceeded {
    pub(crate) fn new(digest: &Digest, detail: String) -> Self {
        Self {
            digest: digest.clone(),
            detail,
        }
    }
}

/// The number of manifests of one row.
#[derive(Debug, Default)]
pub(crate) struct TreeSize(AtomicUsize);

impl TreeSize {
    /// Sets the number to zero, for work that is repeated.
    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Adds manifests that `parent` lists.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`].
    pub(crate) fn add(&self, parent: &Digest, manifests: usize) -> Result<(), LimitExceeded> {
        let before = self.0.fetch_add(manifests, Ordering::Relaxed);
        if before + manifests > MAX_MANIFESTS {
            let detail = format!("the image has more than {MAX_MANIFESTS} manifests");
            return Err(LimitExceeded::new(parent, detail));
        }
        Ok(())
    }
}

/// Checks the number of children of an index.
///
/// # Errors
///
/// [`LimitExceeded`].
pub(crate) fn check_children(
    parent: &Digest,
    children: &[Descriptor],
) -> Result<(), LimitExceeded> {
    if children.len() > MAX_CHILDREN {
        let detail = format!("{} manifests, at most {MAX_CHILDREN}", children.len());
        return Err(LimitExceeded::new(parent, detail));
    }
    Ok(())
}
