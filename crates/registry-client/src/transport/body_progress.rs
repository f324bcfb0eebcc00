//! The progress of a request body.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

/// The progress of a request body, shared by the body and by the task that waits for the response.
///
/// A body may take any time while it moves, so no timeout counts from its start:
/// [`BodyProgress::with_idle_timeout`] counts from the last chunk that the peer accepted.
#[derive(Debug)]
pub(crate) struct BodyProgress {
    started: Instant,
    /// Bytes that were not sent yet.
    remaining: AtomicU64,
    /// Milliseconds from `started` to the last chunk that was sent.
    last_sent: AtomicU64,
    /// The peer is not idle while it waits for the source of the body.
    waiting_for_source: AtomicBool,
    /// Added to the timeout once everything was sent.
    grace: Duration,
}

/// Payloads up to this size are sent in one chunk.
const CHUNK: usize = 64 * 1024;

impl BodyProgress {
    /// Creates the progress of a body of `size` bytes.
    ///
    /// After the last byte the timeout grows by one second for every 32 MiB, at most 30 s: some
    /// registries copy an upload before they respond (distribution on S3).
    pub(crate) fn new(size: u64) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            remaining: AtomicU64::new(size),
            last_sent: AtomicU64::new(0),
            waiting_for_source: AtomicBool::new(false),
            grace: Duration::from_secs((size / (32 * 1024 * 1024)).min(30)),
        })
    }

    /// Notes that the peer waits for the source of the body.
    pub(crate) fn set_waiting_for_source(&self) {
        self.waiting_for_source.store(true, Ordering::Relaxed);
    }

    /// Notes that the peer accepted `bytes`.
    pub(crate) fn record_sent(&self, bytes: u64) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_sent.store(elapsed, Ordering::Relaxed);
        self.remaining
            .fetch_sub(bytes.min(self.remaining()), Ordering::Relaxed);
        self.waiting_for_source.store(false, Ordering::Relaxed);
    }

    /// Returns the number of bytes that were not sent yet.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining.load(Ordering::Relaxed)
    }

    /// Returns whether the peer waits for the source of the body.
    pub(crate) fn is_waiting_for_source(&self) -> bool {
        self.waiting_for_source.load(Ordering::Relaxed)
    }

    /// Returns the time since the peer accepted a chunk.
    pub(crate) fn idle(&self) -> Duration {
        if self.is_waiting_for_source() {
            return Duration::ZERO;
        }
        let sent = Duration::from_millis(self.last_sent.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(sent)
    }

    /// Runs `work`. Returns `None` if the peer is idle for `limit`.
    pub(crate) async fn with_idle_timeout<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        const MIN_SLEEP: Duration = Duration::from_millis(5);
        let mut work = std::pin::pin!(work);
        loop {
            let grace = if self.remaining() == 0 {
                self.grace
            } else {
                Duration::ZERO
            };
            let allowed = limit + grace;
            let rest = allowed.saturating_sub(self.idle()).max(MIN_SLEEP);
            match tokio::time::timeout(rest, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if self.idle() >= allowed => return None,
                Err(_) => {}
            }
        }
    }

    /// Returns a body that sends a payload in chunks and records them.
    pub(crate) fn body(self: &Arc<Self>, payload: Bytes) -> reqwest::Body {
        if payload.len() <= CHUNK {
            return payload.into();
        }
        let progress = Arc::clone(self);
        let chunks = std::iter::successors(Some((Bytes::new(), payload)), |(_, rest)| {
            let mut rest = rest.clone();
            (!rest.is_empty()).then(|| (rest.split_to(rest.len().min(CHUNK)), rest))
        });
        let chunks = chunks.skip(1).map(move |(chunk, _)| {
            progress.record_sent(chunk.len() as u64);
            Ok::<_, std::convert::Infallible>(chunk)
        });
        reqwest::Body::wrap_stream(futures::stream::iter(chunks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn moving_body_does_not_time_out() {
        // Far longer than one sleep, so that a busy machine does not exceed it.
        let limit = Duration::from_secs(1);
        let body_progress = BodyProgress::new(100);
        let moving = async {
            for _ in 0..20 {
                tokio::time::sleep(limit / 16).await;
                body_progress.record_sent(5);
            }
        };
        assert!(
            body_progress
                .with_idle_timeout(limit, moving)
                .await
                .is_some()
        );
        assert_eq!(body_progress.remaining(), 0);
        let silent = std::future::pending::<()>();
        assert!(
            body_progress
                .with_idle_timeout(limit / 16, silent)
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn peer_that_waits_for_source_is_not_idle() {
        let limit = Duration::from_millis(40);
        let body_progress = BodyProgress::new(100);
        body_progress.set_waiting_for_source();
        let slow_source = tokio::time::sleep(limit * 4);
        assert!(
            body_progress
                .with_idle_timeout(limit, slow_source)
                .await
                .is_some()
        );
    }
}
