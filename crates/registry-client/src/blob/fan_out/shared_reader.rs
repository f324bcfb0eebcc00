//! The reader of one upload in a shared read.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::destination_pace::BehindGuard;
use super::shared_blob::SharedBlob;
use super::shared_state::ReadMembership;
use super::window::{Detached, NextChunk};
use crate::blob::reader::BlobReader;
use crate::error::Error;
use crate::transport::Permit;

/// The reader of one upload in a shared read. After it has delayed the others for too long, it reads the
/// rest of the blob by itself.
#[derive(Debug)]
pub(crate) struct SharedReader {
    shared: Arc<SharedBlob>,
    membership: ReadMembership,
    own: Option<OwnRead>,
}

/// The read of an upload that has left the window.
#[derive(Debug)]
struct OwnRead {
    reader: BlobReader,
    _source_permit_use: Option<OwnedSemaphorePermit>,
    _behind: BehindGuard,
}

impl SharedReader {
    pub(super) fn new(shared: Arc<SharedBlob>, membership: ReadMembership) -> Self {
        Self {
            shared,
            membership,
            own: None,
        }
    }

    /// Returns the next chunk, `None` after the last.
    ///
    /// # Errors
    ///
    /// As [`BlobReader::next`].
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let shared = Arc::clone(&self.shared);
        loop {
            if let Some(own) = &mut self.own {
                return own.reader.next().await;
            }
            let mut changed = std::pin::pin!(shared.changed());
            changed.as_mut().enable();
            match shared.take(self.membership.number, self.membership.key) {
                NextChunk::Chunk(bytes) => return Ok(Some(bytes)),
                NextChunk::End => return Ok(None),
                NextChunk::Failed(error) => return Err(error),
                NextChunk::Detached(detached) => self.own = Some(self.read_rest(*detached).await?),
                NextChunk::Wait => changed.await,
            }
        }
    }

    /// Continues with a separate read. The upload holds a permit of its destination, so waiting only for a
    /// new permit of the source could deadlock. Alternatively the permit of the shared read is used after that
    /// read ends.
    async fn read_rest(&self, detached: Detached) -> Result<OwnRead, Error> {
        let Detached {
            position,
            source: lease,
            behind,
        } = detached;
        let (source, blob) = (&self.shared.source, &self.shared.blob);
        let inherited = async {
            let source_permit_use = Arc::clone(&self.membership.source_permit_use)
                .acquire_owned()
                .await
                .ok();
            match lease {
                Some(lease) => (Arc::clone(&lease), source_permit_use),
                // The read had ended and released its permit.
                None => std::future::pending().await,
            }
        };
        let (permit, source_permit_use): (Arc<Permit>, _) = tokio::select! {
            biased;
            permit = source.host.permit() => (Arc::new(permit?), None),
            inherited = inherited => inherited,
        };
        Ok(OwnRead {
            reader: source.read_rest_of_blob(blob, position, permit),
            _source_permit_use: source_permit_use,
            _behind: behind,
        })
    }
}

impl Drop for SharedReader {
    fn drop(&mut self) {
        self.shared
            .leave(self.membership.number, self.membership.key);
    }
}
