//! The check for missing children of an index at a destination.

use std::collections::HashSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use image_name::Digest;
use registry_client::{Content, Descriptor, Error, Repository};

use crate::image_limits::{TreeSize, check_children};
use crate::report::RowError;

/// Maximum number of requests in flight for one index.
const CONCURRENT_REQUESTS: usize = 16;

/// Returns true if a destination has a child of an index, which may be a blob.
pub(crate) async fn has_child(
    destination: &Repository,
    child: &Descriptor,
    digest: &Digest,
) -> Result<bool, Error> {
    match destination.head_manifest(digest).await {
        Ok(None) if child.may_be_blob() => destination.has_content(digest, child.size()).await,
        Err(error) if child.may_be_blob() && error.is_not_served() => {
            destination.has_content(digest, child.size()).await
        }
        head => Ok(head?.is_some()),
    }
}

/// Returns true if a destination lacks an index or one of its children, nested ones included. The digest of
/// the index does not show that, since a sparse index has the digest of the complete one.
///
/// Sends one GET for each index and at least one HEAD for each child.
///
/// # Errors
///
/// [`RowError::Write`], [`RowError::LimitExceeded`].
pub(crate) async fn lacks_children(
    destination: &Repository,
    root: &Digest,
) -> Result<bool, RowError> {
    let size = TreeSize::default();
    let mut known = HashSet::from([root.clone()]);
    let mut indexes = vec![root.clone()];
    while let Some(index) = indexes.pop() {
        let manifest = destination.manifest(&index).await;
        let Some(manifest) = manifest.map_err(RowError::Write)? else {
            return Ok(true);
        };
        let Content::Index { manifests, .. } = manifest.content()? else {
            continue;
        };
        check_children(&index, &manifests)?;
        size.add(&index, manifests.len())?;
        let queries = manifests.iter().map(|child| async move {
            let digest = Digest::try_from(child.digest())?;
            let found = has_child(destination, child, &digest).await;
            Ok::<_, RowError>((found.map_err(RowError::Write)?, digest))
        });
        let queries = stream::iter(queries).buffered(CONCURRENT_REQUESTS);
        let found: Vec<(bool, Digest)> = queries.try_collect().await?;
        if found.iter().any(|(found, _)| !found) {
            return Ok(true);
        }
        for (child, (_, digest)) in manifests.iter().zip(found) {
            let media_type = child.media_type();
            let is_index = media_type.is_some_and(registry_client::is_index_type);
            if is_index && known.insert(digest.clone()) {
                indexes.push(digest);
            }
        }
    }
    Ok(false)
}
