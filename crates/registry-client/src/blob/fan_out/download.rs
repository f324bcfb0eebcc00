//! The task that reads a blob for several uploads.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::shared_blob::SharedBlob;
use super::window::{Chunk, GRACE};
use crate::blob::reader::BlobReader;

/// Reads the blob into the window of read `number`, at the pace of its uploads. The reader resumes after
/// a failure, once for all uploads, and checks the digest before the last chunk. `turn` is dropped at the
/// end: then an upload that has left the window may use the permit of the source.
pub(super) async fn download(
    shared: Arc<SharedBlob>,
    number: u64,
    mut reader: BlobReader,
    turn: OwnedSemaphorePermit,
) {
    let end = loop {
        if !shared.has_room(number).await {
            return;
        }
        let Some(position) = reader.position() else {
            break Ok(());
        };
        match reader.next().await {
            Ok(Some(bytes)) => shared.push(number, Chunk { bytes, position }),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    drop((reader, turn));
    shared.finish(number, end);
    sleep(GRACE).await;
    shared.release_laggards(number);
}
