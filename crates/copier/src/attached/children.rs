//! The children of an image, which may have attached content too.

use std::collections::HashSet;

use image_name::Digest;
use registry_client::{Content, Descriptor, Error, Repository};

use crate::image_copy::digests_of;
use crate::image_limits::{TreeSize, check_children};
use crate::report::RowError;
use crate::selected_image::SelectedImage;

/// The children of an image, or the index that lists them.
#[derive(Debug)]
pub(crate) enum Children {
    /// The digests of the children; none for an image that is not an index.
    Known(Vec<Digest>),
    /// The children of an index, which is read at the destination.
    OfIndex(Digest),
}

impl Children {
    /// Returns the children of an image that was just copied.
    pub(crate) fn from_selected(selected: &SelectedImage) -> Result<Self, RowError> {
        let children = selected.children.as_deref().unwrap_or_default();
        if children.iter().any(Descriptor::may_be_index) {
            return Ok(Self::OfIndex(selected.root.digest.clone()));
        }
        digests_of(children).map(Self::Known)
    }
}

/// Reads the children of an index, nested ones included, each once. A failed request becomes an error
/// of the side that is read.
///
/// # Errors
///
/// [`RowError::LimitExceeded`] for too many children.
pub(super) async fn read_children(
    repository: &Repository,
    root: &Digest,
    failed: fn(Error) -> RowError,
) -> Result<Vec<Digest>, RowError> {
    let mut found = Vec::new();
    let mut known = HashSet::new();
    let size = TreeSize::default();
    let mut indexes = vec![root.clone()];
    while let Some(index) = indexes.pop() {
        let manifest = repository.manifest(&index).await.map_err(failed)?;
        let content = manifest.and_then(|manifest| manifest.content().ok());
        let Some(Content::Index { manifests, .. }) = content else {
            continue;
        };
        check_children(&index, &manifests)?;
        size.add(root, manifests.len())?;
        for child in manifests {
            let digest = Digest::try_from(child.digest())?;
            if !known.insert(digest.clone()) {
                continue;
            }
            if child.may_be_index() {
                indexes.push(digest.clone());
            }
            found.push(digest);
        }
    }
    Ok(found)
}
