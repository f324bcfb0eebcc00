//! The download of one blob from the sources that should have it.

use std::sync::Arc;

use bytes::Bytes;
use registry_client::{Blob, BlobReader, Repository};
use tokio_util::sync::CancellationToken;

use super::error::WriteError;
use crate::plan::PlannedBlob;

/// The function that is called for each blob before its download. It returns one that is called with the
/// number of bytes of each chunk, and dropped at the end.
pub type BeginBlob = dyn Fn(&PlannedBlob) -> Box<dyn Fn(u64) + Send + Sync> + Send + Sync;

/// The circumstances of a run.
#[derive(Clone)]
pub struct WriteContext {
    /// Maximum number of blobs that are downloaded concurrently.
    pub jobs: usize,
    /// The observer of the progress.
    pub begin: Arc<BeginBlob>,
    /// The signal that interrupts the run.
    pub stop: CancellationToken,
}

impl std::fmt::Debug for WriteContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteContext")
            .field("jobs", &self.jobs)
            .finish_non_exhaustive()
    }
}

/// The download of a blob: the first source that has it, resumed there.
pub(super) struct BlobDownload {
    blob: Blob,
    sources: Arc<[Repository]>,
    next_source: usize,
    reader: Option<BlobReader>,
    has_begun: bool,
    count: Box<dyn Fn(u64) + Send + Sync>,
}

impl BlobDownload {
    pub(super) fn new(planned: &PlannedBlob, begin: &BeginBlob) -> Self {
        Self {
            blob: Blob {
                digest: planned.digest.clone(),
                size: planned.size,
            },
            sources: Arc::clone(&planned.sources),
            next_source: 0,
            reader: None,
            has_begun: false,
            count: begin(planned),
        }
    }

    /// Returns the next chunk, `None` after the last. The digest is checked before the last one is returned.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, WriteError> {
        loop {
            let Some(reader) = &mut self.reader else {
                let source = self.sources.get(self.next_source);
                let source = source.ok_or_else(|| WriteError::NoSource {
                    digest: self.blob.digest.clone(),
                })?;
                self.next_source += 1;
                self.reader = Some(source.read_blob(&self.blob));
                continue;
            };
            match reader.next().await {
                Ok(Some(chunk)) => {
                    self.has_begun = true;
                    (self.count)(chunk.len() as u64);
                    return Ok(Some(chunk));
                }
                Ok(None) => return Ok(None),
                // Another source can only replace one that has sent nothing.
                Err(error) if !self.has_begun && self.next_source < self.sources.len() => {
                    tracing::debug!(%error, "cannot read {} here", self.blob.digest);
                    self.reader = None;
                }
                Err(source) => {
                    return Err(WriteError::Blob {
                        digest: self.blob.digest.clone(),
                        source,
                    });
                }
            }
        }
    }
}
