//! The task that reads a blob for several uploads.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::shared_blob::SharedBlob;
use super::window::Chunk;
use crate::blob::reader::BlobReader;

/// The time after the end for uploads to take the last chunks. Uploads that take longer are behind.
const FINAL_CHUNKS_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the blob into the window of read `number`, at the pace of its uploads. The reader resumes after
/// a failure, once for all uploads, and checks the digest before the last chunk. `source_permit_use` is
/// dropped at the end, so that an upload that has left the window can use the permit of the source.
pub(super) async fn download(
    shared: Arc<SharedBlob>,
    number: u64,
    mut reader: BlobReader,
    source_permit_use: OwnedSemaphorePermit,
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
    drop((reader, source_permit_use));
    shared.finish(number, end);
    sleep(FINAL_CHUNKS_TIMEOUT).await;
    shared.mark_slow_uploads_behind(number);
    shared.wait_for_late_hosts(number).await;
}
