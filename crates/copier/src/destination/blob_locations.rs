//! Which repositories of a registry have which blobs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use image_name::{Digest, RepositoryPath};
use tokio::sync::OnceCell;

/// The blobs of one registry, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct BlobLocations {
    blobs: Mutex<HashMap<Digest, Arc<BlobState>>>,
}

/// One blob.
#[derive(Debug, Default)]
pub(crate) struct BlobState {
    /// The repository that got the blob first in this run. Whoever computes
    /// it sends the blob; all others wait, then mount.
    pub(crate) home: OnceCell<RepositoryPath>,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    /// Repositories found to have it, from manifests that are there.
    known: Vec<RepositoryPath>,
    /// Repositories that this run needs it in; set when it is there.
    needed: Vec<(RepositoryPath, Arc<OnceCell<()>>)>,
}

impl BlobLocations {
    pub(crate) fn blob(&self, digest: &Digest) -> Arc<BlobState> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        match blobs.get(digest) {
            Some(state) => Arc::clone(state),
            None => Arc::clone(blobs.entry(digest.clone()).or_default()),
        }
    }

    /// Notes that a manifest in `repository` names this blob.
    pub(crate) fn seen(&self, digest: &Digest, repository: &RepositoryPath) {
        let state = self.blob(digest);
        let mut places = state.lock();
        if !places.known.contains(repository) {
            places.known.push(repository.clone());
        }
    }
}

impl BlobState {
    /// The cell that is set once the blob is in `repository`.
    pub(crate) fn needed_in(&self, repository: &RepositoryPath) -> Arc<OnceCell<()>> {
        let mut places = self.lock();
        if let Some((_, cell)) = places.needed.iter().find(|(name, _)| name == repository) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(OnceCell::new());
        places.needed.push((repository.clone(), Arc::clone(&cell)));
        cell
    }

    /// A repository known to have the blob, `preferred` before others.
    pub(crate) fn known_place(&self, preferred: &RepositoryPath) -> Option<RepositoryPath> {
        let places = self.lock();
        let own = places.known.iter().find(|name| *name == preferred);
        own.or(places.known.first()).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
