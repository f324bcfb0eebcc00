//! The reads of blobs that uploads to several registries share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use image_name::Digest;
use once_map::Lease;
use tokio::sync::Semaphore;

use super::destination_pace::DestinationPace;
use super::download::download;
use super::shared_blob::SharedBlob;
use super::shared_reader::SharedReader;
use super::window::ReadPermits;
use crate::blob::requests::Blob;
use crate::error::Error;
use crate::fair_share::FairPermit;
use crate::lock::lock;
use crate::repository::Repository;
use crate::transport::Permit;

/// Minimum number of blobs at which those without uploads are removed.
const PURGED_FROM: usize = 1024;

/// The reads of blobs that uploads to several registries share.
///
/// The caller announces each destination registry that may need a blob with [`SharedReads::expect`], as
/// early as possible. [`transfer_blob`](crate::transfer_blob) with an [`ExpectedRead`] joins the read of the
/// blob, unless the read has dropped its first chunks. The windows of up to 32 open reads hold at most
/// 16 MiB together, and kept small blobs 8 MiB.
///
/// Only uploads from the same repository of the same host share a read, so no upload gets content to which
/// its source repository gives no access.
#[derive(Debug, Default)]
pub struct SharedReads {
    pace: Arc<DestinationPace>,
    blobs: Mutex<Blobs>,
}

#[derive(Debug, Default)]
struct Blobs {
    /// By source repository and digest.
    blobs: HashMap<(String, Digest), Weak<SharedBlob>>,
    /// The length at which blobs without uploads are removed.
    purged_at: usize,
}

/// The announcement that a destination registry may need a blob, until it is dropped.
#[derive(Debug)]
pub struct ExpectedRead {
    shared: Arc<SharedBlob>,
    host: String,
}

impl SharedReads {
    /// Announces that a blob of `source` may be uploaded to a host. While the announcement exists, a
    /// read of the blob keeps its first chunks, within limits on memory and time.
    #[must_use]
    pub fn expect(&self, source: &Repository, blob: &Blob, host: &str) -> ExpectedRead {
        let shared = self.shared(source, blob);
        shared.expect(host);
        ExpectedRead {
            shared,
            host: host.to_owned(),
        }
    }

    fn shared(&self, source: &Repository, blob: &Blob) -> Arc<SharedBlob> {
        let key = (source.to_string(), blob.digest.clone());
        let Blobs { blobs, purged_at } = &mut *lock(&self.blobs);
        if let Some(shared) = blobs.get(&key).and_then(Weak::upgrade)
            && shared.blob == *blob
        {
            return shared;
        }
        if blobs.len() >= (*purged_at).max(PURGED_FROM) {
            blobs.retain(|_, shared| shared.strong_count() > 0);
            *purged_at = blobs.len() * 2;
        }
        let pace = Arc::clone(&self.pace);
        let shared = Arc::new(SharedBlob::new(source.clone(), blob.clone(), pace));
        blobs.insert(key, Arc::downgrade(&shared));
        shared
    }
}

impl ExpectedRead {
    /// Returns true if the upload should share a read.
    pub(in crate::blob) fn is_shared(&self) -> bool {
        self.shared.is_shared(&self.host)
    }

    /// Notes that the upload reads by itself.
    pub(in crate::blob) fn stop_waiting(&self) {
        self.shared.stop_waiting_for(&self.host);
    }

    /// Returns the permit for one stream, which the uploads of a read share.
    pub(in crate::blob) async fn stream<F>(
        &self,
        acquire: impl FnOnce() -> F,
    ) -> Option<Lease<Arc<FairPermit>>>
    where
        F: Future<Output = Option<FairPermit>>,
    {
        let acquire = || async { acquire().await.map(Arc::new).ok_or(()) };
        self.shared.stream.lease(acquire).await.ok()
    }

    /// Returns the permit of the source, which the uploads of a read share.
    pub(in crate::blob) async fn source_permit(&self) -> Result<Lease<Arc<Permit>>, Error> {
        let acquire = async || self.shared.source.host.permit().await.map(Arc::new);
        self.shared.permit.lease(acquire).await
    }

    /// Joins the read of the blob, or starts one. Returns `None` if the read has dropped its first chunks.
    pub(in crate::blob) fn join(&self, permits: ReadPermits) -> Option<SharedReader> {
        let shared = &self.shared;
        let start = |number, source_permit_use: &Arc<Semaphore>, permit: &Arc<Permit>| {
            let reader = shared
                .source
                .read_blob_with(&shared.blob, Some(Arc::clone(permit)));
            let (shared, source_permit_use) = (Arc::clone(shared), Arc::clone(source_permit_use));
            let task = tokio::spawn(async move {
                // Acquired at once, since no other task has the semaphore yet.
                if let Ok(source_permit_use) = source_permit_use.acquire_owned().await {
                    download(shared, number, reader, source_permit_use).await;
                }
            });
            task.abort_handle()
        };
        let membership = shared.join(&self.host, permits, start)?;
        Some(SharedReader::new(Arc::clone(shared), membership))
    }

    /// Returns the content of a small blob.
    pub(in crate::blob) async fn small_content(&self, limit: u64) -> Result<Bytes, Error> {
        self.shared.small_content(limit).await
    }
}

impl Drop for ExpectedRead {
    fn drop(&mut self) {
        self.shared.unexpect(&self.host);
    }
}
