//! Whether the body of a request moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

/// What a body on its way and whoever waits for the answer know of each other.
///
/// A body may take as long as it needs while it moves, so no timeout counts
/// from its beginning: [`BodyProgress::within`] counts from the last piece taken.
#[derive(Debug)]
pub(crate) struct BodyProgress {
    begun: Instant,
    /// Bytes that were not taken yet.
    left: AtomicU64,
    /// Milliseconds from `begun` to the last piece that was taken.
    last_taken: AtomicU64,
    /// The peer is not to blame while it waits for us.
    waiting_for_source: AtomicBool,
    /// On top, once everything was taken.
    grace: Duration,
}

/// Payloads up to here are handed over in one piece.
const PIECE: usize = 64 * 1024;

impl BodyProgress {
    /// Of a body of `size` bytes.
    ///
    /// After its last byte the peer gets a second for every 32 MiB on top, at
    /// most half a minute: some copy an upload to its place before they answer
    /// (distribution on S3).
    pub(crate) fn new(size: u64) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            left: AtomicU64::new(size),
            last_taken: AtomicU64::new(0),
            waiting_for_source: AtomicBool::new(false),
            grace: Duration::from_secs((size / (32 * 1024 * 1024)).min(30)),
        })
    }

    /// The body is ours to deliver: the peer waits.
    pub(crate) fn set_waiting_for_source(&self) {
        self.waiting_for_source.store(true, Ordering::Relaxed);
    }

    /// The peer took so many bytes.
    pub(crate) fn taken(&self, bytes: u64) {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_taken.store(elapsed, Ordering::Relaxed);
        self.left
            .fetch_sub(bytes.min(self.left()), Ordering::Relaxed);
        self.waiting_for_source.store(false, Ordering::Relaxed);
    }

    /// Bytes that were not taken yet.
    pub(crate) fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Whether the peer waits for us to deliver.
    pub(crate) fn is_waiting_for_source(&self) -> bool {
        self.waiting_for_source.load(Ordering::Relaxed)
    }

    /// How long the peer has done nothing.
    pub(crate) fn idle(&self) -> Duration {
        if self.is_waiting_for_source() {
            return Duration::ZERO;
        }
        let taken = Duration::from_millis(self.last_taken.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(taken)
    }

    /// `work`, unless the peer does nothing for `limit`: then `None`.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        const LEAST: Duration = Duration::from_millis(5);
        let mut work = std::pin::pin!(work);
        loop {
            let grace = if self.left() == 0 {
                self.grace
            } else {
                Duration::ZERO
            };
            let allowed = limit + grace;
            let rest = allowed.saturating_sub(self.idle()).max(LEAST);
            match tokio::time::timeout(rest, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if self.idle() >= allowed => return None,
                Err(_) => {}
            }
        }
    }

    /// A payload as a body that is handed over in pieces, so that its body_progress
    /// shows.
    pub(crate) fn body(self: &Arc<Self>, payload: Bytes) -> reqwest::Body {
        if payload.len() <= PIECE {
            return payload.into();
        }
        let body_progress = Arc::clone(self);
        let pieces = std::iter::successors(Some((Bytes::new(), payload)), |(_, rest)| {
            let mut rest = rest.clone();
            (!rest.is_empty()).then(|| (rest.split_to(rest.len().min(PIECE)), rest))
        });
        let pieces = pieces.skip(1).map(move |(piece, _)| {
            body_progress.taken(piece.len() as u64);
            Ok::<_, std::convert::Infallible>(piece)
        });
        reqwest::Body::wrap_stream(futures::stream::iter(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_may_take_its_time_while_it_moves() {
        // Far above one sleep, so that a busy machine does not exceed it.
        let limit = Duration::from_secs(1);
        let body_progress = BodyProgress::new(100);
        let moving = async {
            for _ in 0..20 {
                tokio::time::sleep(limit / 16).await;
                body_progress.taken(5);
            }
        };
        assert!(body_progress.within(limit, moving).await.is_some());
        assert_eq!(body_progress.left(), 0);
        let silent = std::future::pending::<()>();
        assert!(body_progress.within(limit / 16, silent).await.is_none());
    }

    #[tokio::test]
    async fn a_peer_that_waits_for_us_is_not_idle() {
        let limit = Duration::from_millis(40);
        let body_progress = BodyProgress::new(100);
        body_progress.set_waiting_for_source();
        let slow_source = tokio::time::sleep(limit * 4);
        assert!(body_progress.within(limit, slow_source).await.is_some());
    }
}
