//! The pace of destination registries, and the memory of all shared reads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lock::lock;

/// Bytes in the windows of all reads, while at most 32 are open.
const ALL_WINDOWS: u64 = 16 * 1024 * 1024;
/// Bounds of the bytes in one window.
const MIN_WINDOW: u64 = 512 * 1024;
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

/// A read with a window, until it is dropped.
#[derive(Debug)]
pub(super) struct OpenRead(Arc<DestinationPace>);

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

    pub(super) fn open_read(self: &Arc<Self>) -> OpenRead {
        self.reads.fetch_add(1, Ordering::Relaxed);
        OpenRead(Arc::clone(self))
    }

    /// Returns the maximum bytes in one window.
    pub(super) fn window_size(&self) -> u64 {
        let reads = self.reads.load(Ordering::Relaxed).max(1) as u64;
        (ALL_WINDOWS / reads).clamp(MIN_WINDOW, MAX_WINDOW)
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

impl Drop for OpenRead {
    fn drop(&mut self) {
        self.0.reads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for KeptBlobMemory {
    fn drop(&mut self) {
        self.pace.kept.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_kept_blobs_share_a_fixed_amount_of_memory() {
        let pace = Arc::new(DestinationPace::default());
        let mut reads = Vec::new();
        for count in 1..=32 {
            reads.push(pace.open_read());
            assert!(pace.window_size() * count <= ALL_WINDOWS, "{count}");
        }
        drop(reads);
        assert_eq!(pace.window_size(), MAX_WINDOW);
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
