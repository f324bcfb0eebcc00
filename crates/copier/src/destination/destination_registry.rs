//! One destination registry.

use std::sync::Arc;

use image_name::{Digest, RepositoryPath};
use once_map::OnceMap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::blob_locations::{BlobLocations, ContentOrigin};
use super::mount_candidates::MountCandidates;
use crate::attached_content::AttachedContent;
use crate::attached_outcome::AttachedOutcome;
use crate::subject_approval::SubjectApproval;

/// The content attached to one manifest, as a run has copied it.
#[derive(Debug, Default)]
pub(crate) struct AttachedCopied {
    /// The referrers of the manifest.
    pub(crate) referrers: Vec<Digest>,
    pub(crate) outcome: AttachedOutcome,
    /// Warnings for each row with the manifest.
    pub(crate) warnings: Vec<String>,
}

/// The source, the repository, the approval of the subject, and the content that may be copied.
type AttachedKey = (String, RepositoryPath, SubjectApproval, AttachedContent);

/// The state of one destination registry.
#[derive(Debug)]
pub(crate) struct DestinationRegistry {
    /// The repositories that have each blob.
    pub(crate) blobs: BlobLocations,
    /// Images that the registry has, whose blobs can be mounted.
    pub(crate) candidates: MountCandidates,
    /// Manifests that this run has copied or found, by repository and digest.
    pub(crate) manifests: OnceMap<(RepositoryPath, Digest), ContentOrigin>,
    /// Content that this run has sent again, because the registry lacked it, by repository and
    /// digest.
    pub(crate) sent_again: OnceMap<(RepositoryPath, Digest), ()>,
    /// The content attached to manifests that this run has copied.
    pub(crate) attached: OnceMap<AttachedKey, Arc<AttachedCopied>>,
    /// The turns of rows that extend the index of the tag schema, by repository and subject.
    pub(crate) schema_turns: OnceMap<(RepositoryPath, Digest), Arc<tokio::sync::Mutex<()>>>,
    /// The children of indexes at the registry, by repository and digest.
    pub(crate) children: OnceMap<(RepositoryPath, Digest), Vec<Digest>>,
    /// True if the first blob could be mounted from a source repository of the same registry, by
    /// source and destination repository.
    pub(crate) mounts_from_source: OnceMap<(RepositoryPath, RepositoryPath), bool>,
    /// One permit, for the blob that finds out if the registry supports mounts.
    pub(crate) mount_probe: Semaphore,
    candidates_closed: CancellationToken,
}

impl DestinationRegistry {
    pub(crate) fn new() -> Self {
        Self {
            blobs: BlobLocations::default(),
            candidates: MountCandidates::default(),
            manifests: OnceMap::default(),
            sent_again: OnceMap::default(),
            attached: OnceMap::default(),
            schema_turns: OnceMap::default(),
            children: OnceMap::default(),
            mounts_from_source: OnceMap::default(),
            mount_probe: Semaphore::new(1),
            candidates_closed: CancellationToken::new(),
        }
    }

    /// Lets blob copies start: no candidates follow.
    pub(crate) fn close_candidates(&self) {
        self.candidates_closed.cancel();
    }

    /// Waits for the last candidate, so that no blob is sent that could be mounted.
    pub(crate) async fn candidates_closed(&self) {
        self.candidates_closed.cancelled().await;
    }
}
