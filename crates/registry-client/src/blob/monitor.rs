//! The progress of a transfer, seen from outside.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::body::BlobBody;
use crate::error::Error;
use crate::lock::lock;

/// The progress of a transfer: the bytes that were sent, and the time that the source takes.
pub struct TransferMonitor {
    on_sent: Box<dyn Fn(u64) + Send + Sync>,
    source: Mutex<SourceWait>,
}

/// The wait for the source.
#[derive(Debug, Default)]
struct SourceWait {
    /// The start of the wait, if the transfer waits for the source now.
    since: Option<Instant>,
    /// Earlier waits for less than [`PROGRESS`] bytes.
    before: Duration,
    /// The bytes that these waits were for.
    bytes: u64,
}

/// The number of bytes that ends a wait. A source that drips does not count as moving.
const PROGRESS: u64 = 32 * 1024;

impl TransferMonitor {
    /// Creates the monitor of one transfer. `on_sent` is called with the number of bytes handed to the
    /// destination.
    pub fn new(on_sent: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self {
            on_sent: Box::new(on_sent),
            source: Mutex::default(),
        }
    }

    /// Returns the time for which the transfer has waited for the next bytes of the source. Waits for
    /// the destination and for other transfers do not count.
    #[must_use]
    pub fn source_idle(&self) -> Duration {
        let source = lock(&self.source);
        let now = source.since.map(|since| since.elapsed());
        source.before + now.unwrap_or_default()
    }

    pub(super) fn sent(&self, bytes: u64) {
        (self.on_sent)(bytes);
    }

    /// Returns the next chunk of the source.
    pub(super) async fn next(&self, reader: &mut BlobBody) -> Result<Option<Bytes>, Error> {
        let next = self.wait_for_source(reader.next()).await;
        let bytes = next.as_ref().ok().and_then(Option::as_ref);
        self.record_received(bytes.map_or(0, Bytes::len) as u64);
        next
    }

    /// Waits for something else of the source.
    pub(super) async fn wait_for_source<T>(&self, work: impl Future<Output = T>) -> T {
        lock(&self.source).since = Some(Instant::now());
        let done = work.await;
        let mut source = lock(&self.source);
        let waited = source.since.take().map(|since| since.elapsed());
        source.before += waited.unwrap_or_default();
        done
    }

    fn record_received(&self, bytes: u64) {
        let mut source = lock(&self.source);
        source.bytes += bytes;
        if source.bytes >= PROGRESS {
            *source = SourceWait::default();
        }
    }
}

impl fmt::Debug for TransferMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferMonitor")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(20);

    async fn receive(monitor: &TransferMonitor, bytes: u64) {
        monitor.wait_for_source(tokio::time::sleep(PAUSE)).await;
        monitor.record_received(bytes);
    }

    #[tokio::test]
    async fn dripping_source_is_idle_and_a_slow_destination_is_not() {
        let monitor = TransferMonitor::new(|_| ());
        for _ in 0..3 {
            receive(&monitor, 1).await;
        }
        assert!(monitor.source_idle() >= 3 * PAUSE);
        receive(&monitor, PROGRESS).await;
        tokio::time::sleep(PAUSE).await;
        assert_eq!(monitor.source_idle(), Duration::ZERO);
    }
}
