//! The progress of a run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oci_spec::distribution::Reference;

use crate::lock::lock;
use crate::row::Row;

/// The progress of a run, updated while it runs and readable at any time.
#[derive(Debug, Default)]
pub struct Progress {
    rows_done: AtomicUsize,
    rows_failed: AtomicUsize,
    bytes: AtomicU64,
    transfers: Mutex<BTreeMap<u64, Arc<Transfer>>>,
    rows: Mutex<BTreeMap<u64, RowInFlight>>,
    next_id: AtomicU64,
}

/// A row in flight.
#[derive(Debug, Clone)]
pub struct RowInFlight {
    /// The source image.
    pub source: Reference,
    /// The destination.
    pub destination: Reference,
    /// The time of its start.
    pub since: Instant,
}

/// The transfer of one blob.
#[derive(Debug)]
pub struct Transfer {
    /// The destination repository.
    pub repository: String,
    /// The blob's digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// The time of its start.
    pub since: Instant,
    sent: AtomicU64,
    /// Milliseconds from `since` to the last byte.
    last: AtomicU64,
}

impl Transfer {
    /// Returns the bytes sent to the destination so far, more than `size` after a retry.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns the time since the last byte, or since the start.
    #[must_use]
    pub fn idle(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.since.elapsed().saturating_sub(last)
    }

    fn count(&self, bytes: u64) {
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Progress {
    /// Returns the number of finished rows, failed ones included.
    #[must_use]
    pub fn rows_done(&self) -> usize {
        self.rows_done.load(Ordering::Relaxed)
    }

    /// Returns the number of failed rows.
    #[must_use]
    pub fn rows_failed(&self) -> usize {
        self.rows_failed.load(Ordering::Relaxed)
    }

    /// Returns the bytes of blobs sent so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns the transfers in flight, oldest first.
    #[must_use]
    pub fn transfers(&self) -> Vec<Arc<Transfer>> {
        lock(&self.transfers).values().cloned().collect()
    }

    /// Returns the rows in flight, oldest first.
    #[must_use]
    pub fn rows(&self) -> Vec<RowInFlight> {
        lock(&self.rows).values().cloned().collect()
    }

    /// Returns the number of rows in flight.
    #[must_use]
    pub fn rows_in_flight(&self) -> usize {
        lock(&self.rows).len()
    }

    /// Counts a finished row, or a finished item of another kind of run.
    pub fn row_done(&self, failed: bool) {
        self.rows_done.fetch_add(1, Ordering::Relaxed);
        self.rows_failed
            .fetch_add(usize::from(failed), Ordering::Relaxed);
    }

    /// Adds a transfer, until the guard is dropped.
    #[must_use]
    pub fn begin_transfer(
        self: &Arc<Self>,
        repository: String,
        digest: String,
        size: u64,
    ) -> TransferGuard {
        let transfer = Arc::new(Transfer {
            repository,
            digest,
            size,
            since: Instant::now(),
            sent: AtomicU64::new(0),
            last: AtomicU64::new(0),
        });
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        lock(&self.transfers).insert(id, Arc::clone(&transfer));
        TransferGuard {
            progress: Arc::clone(self),
            transfer,
            id,
        }
    }

    /// Adds a row, until the guard is dropped.
    pub(crate) fn begin_row(&self, row: &Row) -> RowGuard<'_> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let row = RowInFlight {
            source: row.source.clone(),
            destination: row.destination.clone(),
            since: Instant::now(),
        };
        lock(&self.rows).insert(id, row);
        RowGuard { progress: self, id }
    }
}

/// A guard that removes its row from the progress.
#[derive(Debug)]
pub(crate) struct RowGuard<'a> {
    progress: &'a Progress,
    id: u64,
}

impl Drop for RowGuard<'_> {
    fn drop(&mut self) {
        lock(&self.progress.rows).remove(&self.id);
    }
}

/// A guard that removes its transfer from the progress.
#[derive(Debug)]
pub struct TransferGuard {
    progress: Arc<Progress>,
    transfer: Arc<Transfer>,
    id: u64,
}

impl TransferGuard {
    /// Returns the function that counts the bytes of each chunk.
    #[must_use]
    pub fn counter(&self) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (progress, transfer) = (Arc::clone(&self.progress), Arc::clone(&self.transfer));
        Arc::new(move |bytes| {
            transfer.count(bytes);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        })
    }
}

impl Drop for TransferGuard {
    fn drop(&mut self) {
        lock(&self.progress.transfers).remove(&self.id);
    }
}
