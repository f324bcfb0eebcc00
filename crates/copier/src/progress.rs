//! What is under way, for whoever draws it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oci_spec::distribution::Reference;

use crate::row::Row;

/// The state of a run, written by the engine and read at leisure.
#[derive(Debug, Default)]
pub struct Progress {
    rows_done: AtomicUsize,
    rows_failed: AtomicUsize,
    bytes: AtomicU64,
    transfers: Mutex<BTreeMap<u64, Arc<Transfer>>>,
    rows: Mutex<BTreeMap<u64, RowInFlight>>,
    next: AtomicU64,
}

/// A row that was begun and is not done.
#[derive(Debug, Clone)]
pub struct RowInFlight {
    /// The image that is mirrored.
    pub source: Reference,
    /// Where it goes.
    pub destination: Reference,
    /// When it was begun.
    pub since: Instant,
}

/// One blob on its way.
#[derive(Debug)]
pub struct Transfer {
    /// The destination repository.
    pub repository: String,
    /// The blob's digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it began.
    pub since: Instant,
    sent: AtomicU64,
    /// Milliseconds from `since` to the last byte.
    last: AtomicU64,
}

impl Transfer {
    /// Bytes handed to the destination so far; more than `size` after a
    /// restart.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Since the last byte, or the beginning.
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
    /// Rows done so far, failed ones included.
    #[must_use]
    pub fn rows_done(&self) -> usize {
        self.rows_done.load(Ordering::Relaxed)
    }

    /// Rows failed so far.
    #[must_use]
    pub fn rows_failed(&self) -> usize {
        self.rows_failed.load(Ordering::Relaxed)
    }

    /// Bytes of blobs sent so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The blobs under way, oldest first.
    #[must_use]
    pub fn transfers(&self) -> Vec<Arc<Transfer>> {
        self.lock().values().cloned().collect()
    }

    /// The rows under way, oldest first.
    #[must_use]
    pub fn rows(&self) -> Vec<RowInFlight> {
        self.lock_rows().values().cloned().collect()
    }

    /// Counts a row, or whatever else is counted, that has come to its end.
    pub fn row_done(&self, failed: bool) {
        self.rows_done.fetch_add(1, Ordering::Relaxed);
        self.rows_failed
            .fetch_add(usize::from(failed), Ordering::Relaxed);
    }

    /// Shows a transfer for as long as the guard lives.
    pub(crate) fn begin(
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
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Arc::clone(&transfer));
        TransferGuard {
            progress: Arc::clone(self),
            transfer,
            id,
        }
    }

    /// Shows a row for as long as the guard lives.
    pub(crate) fn begin_row(&self, row: &Row) -> RowGuard<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let row = RowInFlight {
            source: row.source.clone(),
            destination: row.destination.clone(),
            since: Instant::now(),
        };
        self.lock_rows().insert(id, row);
        RowGuard { progress: self, id }
    }

    fn lock_rows(&self) -> MutexGuard<'_, BTreeMap<u64, RowInFlight>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Transfer>>> {
        self.transfers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row that is shown.
#[derive(Debug)]
pub(crate) struct RowGuard<'a> {
    progress: &'a Progress,
    id: u64,
}

impl Drop for RowGuard<'_> {
    fn drop(&mut self) {
        self.progress.lock_rows().remove(&self.id);
    }
}

/// A transfer that is shown.
#[derive(Debug)]
pub(crate) struct TransferGuard {
    progress: Arc<Progress>,
    transfer: Arc<Transfer>,
    id: u64,
}

impl TransferGuard {
    /// What [`registry_client::transfer_blob`] calls for each piece.
    pub(crate) fn counter(&self) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (progress, transfer) = (Arc::clone(&self.progress), Arc::clone(&self.transfer));
        Arc::new(move |bytes| {
            transfer.count(bytes);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        })
    }
}

impl Drop for TransferGuard {
    fn drop(&mut self) {
        self.progress.lock().remove(&self.id);
    }
}
