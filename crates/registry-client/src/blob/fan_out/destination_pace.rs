//! The pace of destination registries, and the memory of all shared reads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::lock::lock;

/// Bytes in the windows of all reads, besides one chunk of each read.
const ALL_WINDOWS: u64 = 16 * 1024 * 1024;
/// Maximum bytes in one window.
const MAX_WINDOW: u64 = 4 * 1024 * 1024;
/// Bytes of whole blobs that are kept for destinations that have not begun to read them.
const ALL_KEPT: u64 = 8 * 1024 * 1024;
/// Maximum time that a read with a full window waits for a destination to begin. A new destination over a
/// slow network needs some more round trips than the others.
const MAX_JOIN_WAIT: Duration = Duration::from_secs(2);
/// Maximum number of times that this wait is halved, once for each read that a destination misses.
const MAX_HALVINGS: u32 = 6;

/// The pace of each destination registry, and the memory of all reads.
#[derive(Debug, Default)]
pub(super) struct DestinationPace {
    hosts: Mutex<HashMap<String, Pace>>,
    reads: AtomicUsize,
    /// The bytes in all windows.
    windows: AtomicU64,
    /// Notified when full windows have room again.
    freed: Notify,
    kept: AtomicU64,
}

#[derive(Debug, Default)]
struct Pace {
    /// Uploads that have left their window.
    behind: usize,
    /// Consecutive reads that were not joined in time.
    missed: u32,
}

/// An upload that has left its window, until it is dropped.
#[derive(Debug)]
pub(super) struct BehindGuard {
    pace: Arc<DestinationPace>,
    host: String,
}

/// The memory of the window of a read, until it is dropped.
#[derive(Debug)]
pub(super) struct WindowMemory {
    pace: Arc<DestinationPace>,
    bytes: u64,
}

/// The memory of a blob that is kept, until it is dropped.
#[derive(Debug)]
pub(super) struct KeptBlobMemory {
    pace: Arc<DestinationPace>,
    bytes: u64,
}

impl DestinationPace {
    /// Returns true while an upload to the host is behind. Then other uploads to the host do not share
    /// reads, so that a slow host delays only one read.
    pub(super) fn is_behind(&self, host: &str) -> bool {
        lock(&self.hosts)
            .get(host)
            .is_some_and(|pace| pace.behind > 0)
    }

    pub(super) fn fall_behind(self: &Arc<Self>, host: &str) -> BehindGuard {
        let mut hosts = lock(&self.hosts);
        hosts.entry(host.to_owned()).or_default().behind += 1;
        BehindGuard {
            pace: Arc::clone(self),
            host: host.to_owned(),
        }
    }

    pub(super) fn join_wait(&self, host: &str) -> Duration {
        let missed = lock(&self.hosts).get(host).map_or(0, |pace| pace.missed);
        MAX_JOIN_WAIT / 2_u32.pow(missed.min(MAX_HALVINGS))
    }

    /// Notes whether a host has begun to read in time.
    pub(super) fn record_join(&self, host: &str, in_time: bool) {
        let mut hosts = lock(&self.hosts);
        let pace = hosts.entry(host.to_owned()).or_default();
        pace.missed = if in_time {
            0
        } else {
            pace.missed.saturating_add(1)
        };
    }

    pub(super) fn open_read(self: &Arc<Self>) -> WindowMemory {
        self.reads.fetch_add(1, Ordering::Relaxed);
        WindowMemory {
            pace: Arc::clone(self),
            bytes: 0,
        }
    }

    /// Returns the maximum bytes in one window.
    fn window_size(&self) -> u64 {
        let reads = self.reads.load(Ordering::Relaxed).max(1) as u64;
        (ALL_WINDOWS / reads).min(MAX_WINDOW)
    }

    /// Returns the bytes in all windows.
    fn windows(&self) -> u64 {
        self.windows.load(Ordering::Relaxed)
    }

    /// Returns the future that ends when full windows have room again.
    pub(super) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Reserves the memory of a blob. Returns `None` if others use it.
    pub(super) fn keep(self: &Arc<Self>, bytes: u64) -> Option<KeptBlobMemory> {
        let add = |kept: u64| (kept + bytes <= ALL_KEPT).then_some(kept + bytes);
        let added = self
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.ok().map(|_| KeptBlobMemory {
            pace: Arc::clone(self),
            bytes,
        })
    }
}

impl Drop for BehindGuard {
    fn drop(&mut self) {
        if let Some(pace) = lock(&self.pace.hosts).get_mut(&self.host) {
            pace.behind -= 1;
        }
    }
}

impl WindowMemory {
    /// Returns the bytes in the window.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns true if a chunk may be added. Every read may keep one, so that none waits for another one
    /// without an end.
    pub(super) fn has_room(&self) -> bool {
        let is_free = || self.pace.windows() < ALL_WINDOWS;
        self.bytes == 0 || self.bytes < self.pace.window_size() && is_free()
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.pace.windows.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn remove(&mut self, bytes: u64) {
        self.bytes -= bytes;
        let before = self.pace.windows.fetch_sub(bytes, Ordering::Relaxed);
        if before >= ALL_WINDOWS && before - bytes < ALL_WINDOWS {
            self.pace.freed.notify_waiters();
        }
    }
}

impl Drop for WindowMemory {
    fn drop(&mut self) {
        self.remove(self.bytes);
        self.pace.reads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for KeptBlobMemory {
    fn drop(&mut self) {
        self.pace.kept.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn windows_and_kept_blobs_share_a_fixed_amount_of_memory() {
        let pace = Arc::new(DestinationPace::default());
        const CHUNK: u64 = 64 * 1024;
        let fill = |read: &mut WindowMemory| {
            while read.has_room() {
                read.add(CHUNK);
            }
        };
        let mut reads: Vec<WindowMemory> = Vec::new();
        for count in 1..=500 {
            reads.push(pace.open_read());
            // The first ones have filled the larger windows that they had.
            reads.iter_mut().for_each(fill);
            assert!(reads.iter().all(|read| read.bytes() > 0), "{count}");
            let most = ALL_WINDOWS + CHUNK * count;
            assert!(pace.windows() <= most, "{count}: {}", pace.windows());
        }
        let mut freed = std::pin::pin!(pace.freed());
        assert!(freed.as_mut().now_or_never().is_none());
        reads.truncate(2);
        assert!(freed.now_or_never().is_some());
        drop(reads);
        assert_eq!((pace.windows(), pace.window_size()), (0, MAX_WINDOW));
        let half = pace.keep(ALL_KEPT / 2).unwrap();
        assert!(pace.keep(ALL_KEPT / 2 + 1).is_none());
        drop(half);
        assert!(pace.keep(ALL_KEPT).is_some());
    }

    #[test]
    fn host_that_misses_reads_is_waited_for_less_and_less() {
        let pace = Arc::new(DestinationPace::default());
        assert_eq!(pace.join_wait("a"), MAX_JOIN_WAIT);
        for _ in 0..100 {
            pace.record_join("a", false);
        }
        assert_eq!(pace.join_wait("a"), MAX_JOIN_WAIT / 64);
        assert_eq!(pace.join_wait("b"), MAX_JOIN_WAIT);
        pace.record_join("a", true);
        assert_eq!(pace.join_wait("a"), MAX_JOIN_WAIT);
        let behind = (pace.fall_behind("a"), pace.fall_behind("a"));
        drop(behind.0);
        assert!(pace.is_behind("a") && !pace.is_behind("b"));
        drop(behind.1);
        assert!(!pace.is_behind("a"));
    }
}
