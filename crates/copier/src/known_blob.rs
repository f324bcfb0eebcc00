//! Blobs that a caller has found at a destination.

use image_name::Digest;
use registry_client::Repository;

/// A blob that a repository of a destination registry is known to have, so that it is mounted from there.
#[derive(Debug, Clone)]
pub struct KnownBlob {
    /// The repository.
    pub repository: Repository,
    /// The digest.
    pub digest: Digest,
}
