//! An image that a registry has already, read for the blobs that it names.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures::future::join_all;
use image_name::{Digest, ManifestReference, RepositoryPath};
use registry_client::{Content, Repository};
use tokio::sync::OnceCell;

use super::blob_locations::BlobLocations;
use crate::platform::Platform;

/// An image at the destination.
#[derive(Debug)]
pub(super) struct MountCandidate {
    repository: Repository,
    name: RepositoryPath,
    /// A digest, where a HEAD told it, else the tag.
    reference: ManifestReference,
    /// The platforms for which some search reads it.
    claims: Mutex<Vec<Option<Platform>>>,
    children: OnceCell<Vec<Child>>,
}

/// A child of an index that is a candidate.
#[derive(Debug)]
struct Child {
    platform: Option<Platform>,
    digest: Digest,
    read: OnceCell<()>,
}

impl MountCandidate {
    pub(super) fn new(
        repository: Repository,
        name: RepositoryPath,
        reference: ManifestReference,
    ) -> Self {
        Self {
            repository,
            name,
            reference,
            claims: Mutex::default(),
            children: OnceCell::new(),
        }
    }

    /// Whether it has nothing more to tell about this platform.
    pub(super) fn is_read(&self, platform: Option<&Platform>) -> bool {
        let children = self.children.get();
        children.is_some_and(|all| wanted(all, platform).all(|child| child.read.initialized()))
    }

    /// Whether it may be read for this platform: another search does so, or
    /// this one can `pay` for it.
    pub(super) fn claim(&self, platform: Option<&Platform>, pay: impl FnOnce() -> bool) -> bool {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.iter().any(|claim| claim.as_ref() == platform) {
            return true;
        }
        let paid = pay();
        if paid {
            claims.push(platform.cloned());
        }
        paid
    }

    /// Notes the blobs of the image, of an index only the children of this
    /// platform, and gives the number of requests that it took. What cannot be
    /// read is no help and no failure.
    pub(super) async fn read(&self, blobs: &BlobLocations, platform: Option<&Platform>) -> usize {
        let requests = AtomicUsize::new(0);
        let read = async |reference: &ManifestReference| {
            requests.fetch_add(1, Ordering::Relaxed);
            self.read_image(blobs, reference).await
        };
        let root = self.children.get_or_init(|| read(&self.reference)).await;
        let reads = wanted(root, platform).map(|child| async {
            let read = async || drop(read(&ManifestReference::from(&child.digest)).await);
            child.read.get_or_init(read).await;
        });
        join_all(reads).await;
        requests.into_inner()
    }

    /// Notes the blobs of an image manifest, or gives the children of an index.
    async fn read_image(&self, blobs: &BlobLocations, reference: &ManifestReference) -> Vec<Child> {
        let content = match self.repository.manifest(reference).await {
            Ok(Some(manifest)) => manifest.content().ok(),
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(%error, "an image at the destination could not be read");
                None
            }
        };
        match content {
            Some(Content::Index { manifests, .. }) => manifests
                .iter()
                .filter_map(|descriptor| {
                    Some(Child {
                        platform: descriptor.platform().as_ref().map(Platform::from),
                        digest: descriptor.digest().try_into().ok()?,
                        read: OnceCell::new(),
                    })
                })
                .collect(),
            Some(Content::Image { config, layers, .. }) => {
                for descriptor in config.as_deref().into_iter().chain(&layers) {
                    if let Ok(digest) = descriptor.digest().try_into() {
                        blobs.seen(&digest, &self.name);
                    }
                }
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}

/// The children that a search for this platform looks at.
fn wanted<'a>(
    children: &'a [Child],
    platform: Option<&'a Platform>,
) -> impl Iterator<Item = &'a Child> {
    children
        .iter()
        .filter(move |child| match (platform, &child.platform) {
            (Some(wanted), Some(offered)) => wanted.accepts(offered),
            _ => true,
        })
}
