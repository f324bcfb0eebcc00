//! The content of an image file, as a registry has it.

use std::fmt;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use image_name::{Digest, ManifestReference, Tag};
use registry_client::LocalError;

/// The result of an operation of a [`ImageStore`].
pub(super) type StoreFuture<'a, T> = BoxFuture<'a, Result<T, LocalError>>;

/// The content of a blob, chunk by chunk.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, LocalError>>;

/// A manifest of a [`ImageStore`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredManifest {
    /// The exact bytes.
    pub(super) bytes: Bytes,
    /// The media type.
    pub(super) media_type: String,
    /// The digest of the bytes.
    pub(super) digest: Digest,
}

/// The content of a blob from an offset on.
pub(super) struct StoredBlob {
    /// The size of the whole blob in bytes.
    pub(super) size: u64,
    /// The content after the offset.
    pub(super) chunks: Chunks,
}

impl fmt::Debug for StoredBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBlob")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Images outside a registry: those of one repository.
///
/// The client checks the digests of what it reads. A store checks those of what it is given.
pub(super) trait ImageStore: fmt::Debug + Send + Sync {
    /// Returns the manifest behind a tag or digest.
    fn manifest<'a>(
        &'a self,
        reference: &'a ManifestReference,
    ) -> StoreFuture<'a, Option<StoredManifest>>;

    /// Returns the size of a blob in bytes.
    fn blob_size<'a>(&'a self, digest: &'a Digest) -> StoreFuture<'a, Option<u64>>;

    /// Returns the content of a blob from an offset on.
    fn read_blob<'a>(
        &'a self,
        digest: &'a Digest,
        offset: u64,
    ) -> StoreFuture<'a, Option<StoredBlob>>;

    /// Returns all tags.
    fn tags(&self) -> StoreFuture<'_, Vec<Tag>>;

    /// Returns the descriptors of the manifests whose subject is a digest, as JSON.
    fn referrers<'a>(&'a self, subject: &'a Digest) -> StoreFuture<'a, Vec<serde_json::Value>>;

    /// Stores a blob, whose announced size is given.
    fn write_blob<'a>(
        &'a self,
        digest: &'a Digest,
        size: u64,
        chunks: Chunks,
    ) -> StoreFuture<'a, ()>;

    /// Stores a manifest under a tag or its digest. Returns its subject, if it is a referrer.
    fn write_manifest<'a>(
        &'a self,
        reference: &'a ManifestReference,
        manifest: StoredManifest,
    ) -> StoreFuture<'a, Option<Digest>>;
}
