//! The repositories of a registry that have a blob.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use image_name::{Digest, RepositoryPath};
use tokio::sync::OnceCell;

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
    pub(crate) first_repository: OnceCell<RepositoryPath>,
    repositories: Mutex<Repositories>,
}

#[derive(Debug, Default)]
struct Repositories {
    /// Repositories with a manifest that refers to the blob. They may lack it, since registries
    /// accept incomplete images.
    known: Vec<RepositoryPath>,
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
    pub(crate) fn add(&self, digest: &Digest, repository: &RepositoryPath) {
        let state = self.blob(digest);
        let mut repositories = lock(&state.repositories);
        if !repositories.known.contains(repository) {
            repositories.known.push(repository.clone());
        }
    }
}

impl BlobState {
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

    /// Returns a repository that has the blob, preferably `own`.
    pub(crate) fn known_repository(&self, own: &RepositoryPath) -> Option<RepositoryPath> {
        let known = &lock(&self.repositories).known;
        let preferred = known.iter().find(|path| *path == own);
        preferred.or(known.first()).cloned()
    }
}
