//! The reasons why an archive cannot be planned.

use image_name::{Digest, RepositoryName, RepositoryPath};
use registry_client::{ManifestError, Repository};

use crate::contents::MAX_CONTENTS;

/// The reason why an archive cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Media types or sizes are missing. The caller requests them and plans again.
    #[error("{} objects have no known size", .0.len())]
    Unknown(
        /// The content.
        Vec<UnknownContent>,
    ),
    /// A manifest that was copied is missing: its image was not copied whole.
    #[error("the manifest {digest} of {repository} is missing")]
    Missing {
        /// The repository.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
    },
    /// A manifest is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Two repositories have the same layout.
    #[error(
        "{first} and {second} have the same path {path}, and each repository has a layout of its own"
    )]
    SamePath {
        /// The path.
        path: RepositoryPath,
        /// A repository with the path.
        first: RepositoryName,
        /// Another one.
        second: RepositoryName,
    },
    /// The archive has too many members to be read again.
    #[error("mirror.json would have {size} bytes, more than the maximum of {MAX_CONTENTS}")]
    TooLarge {
        /// The size of the document in bytes.
        size: u64,
    },
}

/// Content whose media type or size is not known.
#[derive(Debug, Clone)]
pub struct UnknownContent {
    /// The digest.
    pub digest: Digest,
    /// True for a manifest, false for a blob.
    pub is_manifest: bool,
    /// The repositories that should have it.
    pub sources: Vec<Repository>,
}
