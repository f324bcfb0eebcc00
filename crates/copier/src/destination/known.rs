//! Everything that a run knows of one destination registry.

use std::sync::Arc;

use image_name::{Digest, RepositoryPath};
use once_map::OnceMap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{BlobLocations, MountCandidates};

/// One destination registry.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) blobs: BlobLocations,
    pub(crate) candidates: MountCandidates,
    /// ManifestCache ensured in this run, by repository and digest.
    pub(crate) manifests: OnceMap<(RepositoryPath, Digest), ()>,
    /// ManifestCache whose referrers and digest tags were copied in this run, with those referrers;
    /// by source, repository and digest.
    pub(crate) attached: OnceMap<(String, RepositoryPath, Digest), Arc<[Digest]>>,
    /// The children of indexes that are there, by repository and digest.
    pub(crate) children: OnceMap<(RepositoryPath, Digest), Vec<Digest>>,
    /// Held by the blob with which it is found out whether the host honours
    /// mounts.
    pub(crate) mount_turn: Semaphore,
    swept: CancellationToken,
}

impl Destination {
    pub(crate) fn new() -> Self {
        Self {
            blobs: BlobLocations::default(),
            candidates: MountCandidates::default(),
            manifests: OnceMap::default(),
            attached: OnceMap::default(),
            children: OnceMap::default(),
            mount_turn: Semaphore::new(1),
            swept: CancellationToken::new(),
        }
    }

    /// Every destination of this registry has been asked for.
    pub(crate) fn finish_sweep(&self) {
        self.swept.cancel();
    }

    /// Waits until it is known what the registry has, so that no blob is sent
    /// that could be mounted.
    pub(crate) async fn swept(&self) {
        self.swept.cancelled().await;
    }
}
