//! Blobs in their order, with the next ones downloaded ahead into bounded buffers.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::blob_download::{BlobDownload, WriteContext};
use super::error::WriteError;
use crate::plan::PlannedBlob;

/// The buffer of one blob in bytes.
const WINDOW: usize = 2 * 1024 * 1024;
/// Maximum number of blobs that are downloaded ahead: with the buffers, 16 MiB.
const AHEAD: usize = 8;

/// A chunk, whose place in the buffer is free when it is dropped.
#[derive(Debug)]
pub(super) struct BufferedChunk {
    pub(super) bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

type Chunk = Result<BufferedChunk, WriteError>;

/// The blobs of an archive in their order.
pub(super) struct Prefetch<'a> {
    context: &'a WriteContext,
    blobs: std::slice::Iter<'a, PlannedBlob>,
    ahead: VecDeque<Ahead>,
}

/// A blob that is downloaded.
struct Ahead {
    chunks: mpsc::UnboundedReceiver<Chunk>,
    /// Cancelled as soon as the download has its connection, or has ended.
    has_begun: CancellationToken,
    task: JoinHandle<()>,
}

impl<'a> Prefetch<'a> {
    pub(super) fn new(blobs: &'a [PlannedBlob], context: &'a WriteContext) -> Self {
        Self {
            context,
            blobs: blobs.iter(),
            ahead: VecDeque::new(),
        }
    }

    /// Moves on to the next blob. The first call starts the downloads.
    pub(super) fn begin_next(&mut self) {
        while self.ahead.len() < AHEAD.min(self.context.jobs.max(1))
            && let Some(blob) = self.blobs.next()
        {
            let earlier = self.ahead.iter().map(|ahead| ahead.has_begun.clone());
            let ahead = Ahead::start(blob, self.context, earlier.collect());
            self.ahead.push_back(ahead);
        }
    }

    /// Returns the next chunk of the current blob, `None` after its last.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        let current = self.ahead.front_mut()?;
        let chunk = tokio::select! {
            biased;
            () = self.context.stop.cancelled() => Some(Err(WriteError::Interrupted)),
            chunk = current.chunks.recv() => chunk,
        };
        if chunk.is_none() {
            self.ahead.pop_front();
        }
        chunk
    }
}

impl Ahead {
    /// Starts a download. A blob that does not fit into its buffer keeps its connection while it waits for
    /// the blobs before it. So it starts after they have theirs: a limit of the host cannot make them wait
    /// for each other.
    fn start(blob: &PlannedBlob, context: &WriteContext, earlier: Vec<CancellationToken>) -> Self {
        let (sender, chunks) = mpsc::unbounded_channel();
        let has_begun = CancellationToken::new();
        let room = Arc::new(Semaphore::new(WINDOW));
        let may_wait = blob.size > WINDOW as u64;
        let mut download = BlobDownload::new(blob, &*context.begin);
        // Cancels the token if the task ends before.
        let begun = has_begun.clone().drop_guard();
        let task = async move {
            if may_wait {
                for earlier in earlier {
                    earlier.cancelled().await;
                }
            }
            let mut begun = Some(begun);
            loop {
                let chunk = download.next().await;
                drop(begun.take());
                let buffered = match chunk {
                    Ok(None) => return,
                    Err(error) => Err(error),
                    Ok(Some(bytes)) => {
                        let count = u32::try_from(bytes.len().min(WINDOW)).unwrap_or(u32::MAX);
                        let permit = Arc::clone(&room).acquire_many_owned(count).await.ok();
                        Ok(BufferedChunk {
                            bytes,
                            _permit: permit,
                        })
                    }
                };
                let is_failed = buffered.is_err();
                if sender.send(buffered).is_err() || is_failed {
                    return;
                }
            }
        };
        Self {
            chunks,
            has_begun,
            task: tokio::spawn(task),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
