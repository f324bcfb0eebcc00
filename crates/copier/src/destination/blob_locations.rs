//! The repositories of a registry that have a blob.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use image_name::{Digest, RepositoryPath};
use registry_client::Repository;
use tokio::sync::OnceCell;

use super::blob_tasks::BlobTasks;
use crate::lock::lock;

/// The way in which content came into a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentOrigin {
    /// This run has sent it.
    Sent,
    /// The registry reports that it has mounted it.
    Mounted,
    /// The registry reports that it has had it before.
    Present,
}

/// The known blobs of one registry.
#[derive(Debug, Default)]
pub(crate) struct BlobLocations {
    blobs: Mutex<HashMap<Digest, Arc<BlobState>>>,
}

/// The state of one blob.
#[derive(Debug, Default)]
pub(crate) struct BlobState {
    /// The first repository that this run has copied the blob to. The task that initializes the
    /// cell sends the blob; other tasks wait and mount it.
    pub(crate) first: OnceCell<BlobLocation>,
    /// The location that the task which initializes the cell copies the blob to.
    in_flight: Mutex<Option<BlobLocation>>,
    /// The tasks that need the blob.
    pub(crate) tasks: BlobTasks,
    repositories: Mutex<Repositories>,
}

/// A repository of a registry that has a blob.
#[derive(Debug, Clone)]
pub(crate) struct BlobLocation {
    pub(crate) repository: RepositoryPath,
    /// The source repositories that the blob may have come from, none if they are unknown.
    pub(crate) sources: Arc<[Repository]>,
}

impl BlobLocation {
    /// Returns true if the blob may be given to a row only after its source has shown it: the blob
    /// may have been read with credentials from another repository.
    pub(crate) fn needs_proof(&self, source: &Repository) -> bool {
        let is_open = |known: &Repository| known == source || known.was_read_anonymously();
        !self.sources.iter().any(is_open)
    }
}

#[derive(Debug, Default)]
struct Repositories {
    /// Repositories with a manifest that refers to the blob. They may lack it, since registries
    /// accept incomplete images.
    known: Vec<BlobLocation>,
    /// Repositories that need the blob in this run; the cell is set when they have it.
    needed: Vec<(RepositoryPath, Arc<OnceCell<ContentOrigin>>)>,
}

impl BlobLocations {
    /// Returns the state of a blob.
    pub(crate) fn blob(&self, digest: &Digest) -> Arc<BlobState> {
        let mut blobs = lock(&self.blobs);
        match blobs.get(digest) {
            Some(state) => Arc::clone(state),
            None => Arc::clone(blobs.entry(digest.clone()).or_default()),
        }
    }

    /// Adds a repository with a manifest that refers to the blob.
    pub(crate) fn add(&self, digest: &Digest, location: BlobLocation) {
        let state = self.blob(digest);
        let known = &mut lock(&state.repositories).known;
        let is_known = |known: &BlobLocation| {
            known.repository == location.repository && *known.sources == *location.sources
        };
        if !known.iter().any(is_known) {
            known.push(location);
        }
    }
}

impl BlobState {
    /// Notes the first location of the blob before the blob is there.
    pub(crate) fn begin_first(&self, location: BlobLocation) {
        *lock(&self.in_flight) = Some(location);
    }

    /// Returns the first location of the blob, which may not have it yet.
    pub(crate) fn in_flight(&self) -> Option<BlobLocation> {
        lock(&self.in_flight).clone()
    }

    /// Returns the cell that is set when a repository has the blob.
    pub(crate) fn cell(&self, repository: &RepositoryPath) -> Arc<OnceCell<ContentOrigin>> {
        let mut repositories = lock(&self.repositories);
        let mut needed = repositories.needed.iter();
        if let Some((_, cell)) = needed.find(|(path, _)| path == repository) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(OnceCell::new());
        let entry = (repository.clone(), Arc::clone(&cell));
        repositories.needed.push(entry);
        cell
    }

    /// Returns a repository that has the blob, preferably `own`, then one whose blob needs no
    /// proof by `source`.
    pub(crate) fn known_location(
        &self,
        own: &RepositoryPath,
        source: &Repository,
    ) -> Option<BlobLocation> {
        let known = &lock(&self.repositories).known;
        let preference =
            |location: &&BlobLocation| (location.repository != *own, location.needs_proof(source));
        known.iter().min_by_key(preference).cloned()
    }
}
