//! The blobs of sources that a gate has read.

use bytes::Bytes;
use image_name::Digest;
use registry_client::Repository;

use crate::recent_map::RecentMap;

/// Maximum number of kept blobs.
const MAX_ENTRIES: usize = 1024;
/// Maximum size of a kept blob in bytes.
const MAX_SIZE: usize = 64 * 1024;
/// Maximum size of all kept blobs in bytes.
const MAX_KEPT: usize = 2 * 1024 * 1024;

/// Small blobs that a gate has read, such as signatures, so that their copies need no request to the source.
///
/// A blob is returned only to rows of the same source: other sources may name the digest of private content.
#[derive(Debug)]
pub(crate) struct ReadBlobs {
    contents: RecentMap<(String, Digest), Bytes>,
}

impl Default for ReadBlobs {
    fn default() -> Self {
        Self {
            contents: RecentMap::new(MAX_ENTRIES, MAX_KEPT, Bytes::len),
        }
    }
}

impl ReadBlobs {
    /// Keeps a blob whose digest was checked.
    pub(crate) fn note(&self, source: &Repository, digest: &Digest, content: &[u8]) {
        if content.len() <= MAX_SIZE {
            let cell = self.contents.cell(&(source.to_string(), digest.clone()));
            // Set already if two rows have read the blob.
            let _ = cell.set(Bytes::copy_from_slice(content));
        }
    }

    /// Returns a blob of a source, if it was read and is kept.
    pub(crate) fn get(&self, source: &Repository, digest: &Digest) -> Option<Bytes> {
        self.contents.get(&(source.to_string(), digest.clone()))
    }
}
