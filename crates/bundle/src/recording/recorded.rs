//! The content that a copy has written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use image_name::{Digest, RepositoryName, RepositoryPath, Tag};
use registry_client::Repository;

use super::stored_manifest::StoredManifest;

/// The content that a copy has written, by the path of each repository in the recording registry.
#[derive(Debug, Default)]
pub struct Recorded {
    pub(super) repositories: HashMap<RepositoryPath, RecordedRepository>,
    pub(super) manifests: HashMap<Digest, Arc<StoredManifest>>,
}

/// The content that a copy has written to one repository.
#[derive(Debug)]
pub struct RecordedRepository {
    /// The repository that it stands for.
    pub(super) name: RepositoryName,
    /// The sources of its images.
    pub(super) sources: Vec<Repository>,
    pub(super) tags: HashMap<Tag, Digest>,
    pub(super) manifests: HashSet<Digest>,
    pub(super) blobs: HashSet<Digest>,
}

impl Recorded {
    /// Returns the content of a repository.
    #[must_use]
    pub fn repository(&self, path: &RepositoryPath) -> Option<&RecordedRepository> {
        self.repositories.get(path)
    }

    /// Returns a manifest that was written to any repository.
    #[must_use]
    pub fn manifest(&self, digest: &Digest) -> Option<&Arc<StoredManifest>> {
        self.manifests.get(digest)
    }
}

impl RecordedRepository {
    pub(super) fn new(name: RepositoryName, sources: Vec<Repository>) -> Self {
        Self {
            name,
            sources,
            tags: HashMap::new(),
            manifests: HashSet::new(),
            blobs: HashSet::new(),
        }
    }

    /// Returns the repository that it stands for.
    #[must_use]
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// Returns the sources of its images.
    #[must_use]
    pub fn sources(&self) -> &[Repository] {
        &self.sources
    }

    /// Returns true if the copy has written a manifest to the repository.
    #[must_use]
    pub fn has_manifest(&self, digest: &Digest) -> bool {
        self.manifests.contains(digest)
    }

    /// Returns true if the copy needs a blob in the repository.
    #[must_use]
    pub fn needs_blob(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }
}
