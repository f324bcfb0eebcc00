//! An image at a destination registry, read for the blobs that it refers to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::join_all;
use image_name::{Digest, ManifestReference};
use registry_client::{Content, Repository};
use tokio::sync::OnceCell;

use super::blob_locations::{BlobLocation, BlobLocations};
use crate::image_limits::MAX_CHILDREN;
use crate::lock::lock;
use crate::platform::Platform;

/// An image at a destination registry. A run may have many, of which searches read few.
#[derive(Debug)]
pub(super) struct MountCandidate {
    repository: Arc<Repository>,
    /// The repositories that the row of the image names as its source.
    sources: Arc<[Repository]>,
    /// The digest from a HEAD request, else the tag.
    reference: ManifestReference,
    reads: OnceLock<Box<Reads>>,
}

/// The reads of a candidate by searches.
#[derive(Debug, Default)]
struct Reads {
    /// The platforms that a search reads it for.
    readers: Mutex<Vec<Option<Platform>>>,
    children: OnceCell<Vec<Child>>,
}

/// A child of a candidate that is an index.
#[derive(Debug)]
struct Child {
    platform: Option<Platform>,
    digest: Digest,
    is_read: OnceCell<()>,
}

impl MountCandidate {
    pub(super) fn new(
        repository: Arc<Repository>,
        sources: Arc<[Repository]>,
        reference: ManifestReference,
    ) -> Self {
        Self {
            repository,
            sources,
            reference,
            reads: OnceLock::new(),
        }
    }

    pub(super) fn repository(&self) -> &Arc<Repository> {
        &self.repository
    }

    fn reads(&self) -> &Reads {
        self.reads.get_or_init(Box::default)
    }

    /// Returns true if all manifests for the platform are read.
    pub(super) fn is_read(&self, platform: Option<&Platform>) -> bool {
        let children = self.reads.get().and_then(|reads| reads.children.get());
        let is_read = |child: &Child| child.is_read.initialized();
        children.is_some_and(|all| matching(all, platform).all(is_read))
    }

    /// Returns true if a search may read it for the platform: another search does so already, or
    /// `charge` finds a budget for the read.
    pub(super) fn reserve(
        &self,
        platform: Option<&Platform>,
        charge: impl FnOnce() -> bool,
    ) -> bool {
        let mut readers = lock(&self.reads().readers);
        if readers.iter().any(|reader| reader.as_ref() == platform) {
            return true;
        }
        let is_charged = charge();
        if is_charged {
            readers.push(platform.cloned());
        }
        is_charged
    }

    /// Adds the blobs of the image to `blobs`, those of an index only for the platform. Returns
    /// the number of requests. An unreadable manifest is logged and skipped.
    pub(super) async fn read(&self, blobs: &BlobLocations, platform: Option<&Platform>) -> usize {
        let requests = AtomicUsize::new(0);
        let read = async |reference: &ManifestReference| {
            requests.fetch_add(1, Ordering::Relaxed);
            self.read_manifest(blobs, reference).await
        };
        let children = &self.reads().children;
        let root = children.get_or_init(|| read(&self.reference)).await;
        let reads = matching(root, platform).map(|child| async {
            let read = async || drop(read(&ManifestReference::from(&child.digest)).await);
            child.is_read.get_or_init(read).await;
        });
        join_all(reads).await;
        requests.into_inner()
    }

    /// Adds the blobs of an image manifest, or returns the children of an index.
    async fn read_manifest(
        &self,
        blobs: &BlobLocations,
        reference: &ManifestReference,
    ) -> Vec<Child> {
        let content = match self.repository.manifest(reference).await {
            Ok(Some(manifest)) => manifest.content().ok(),
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(%error, "cannot read an image at the destination");
                None
            }
        };
        match content {
            Some(Content::Index { manifests, .. }) => manifests
                .iter()
                .take(MAX_CHILDREN)
                .filter_map(|descriptor| {
                    Some(Child {
                        platform: Platform::of(descriptor),
                        digest: descriptor.digest().try_into().ok()?,
                        is_read: OnceCell::new(),
                    })
                })
                .collect(),
            Some(Content::Image { config, layers, .. }) => {
                let content = config.as_deref().into_iter().chain(&layers);
                for descriptor in content.filter(|blob| !blob.is_foreign()) {
                    if let Ok(digest) = descriptor.digest().try_into() {
                        let location = BlobLocation {
                            repository: self.repository.path().clone(),
                            sources: Arc::clone(&self.sources),
                        };
                        blobs.add(&digest, location);
                    }
                }
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}

/// Returns the children that a search for the platform reads.
fn matching<'a>(
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
