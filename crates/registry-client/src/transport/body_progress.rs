//! The progress of a request body.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;

use super::rate_meter::RateMeter;
use super::timeouts::{MinimumRate, Timeouts};
use crate::lock::lock;

/// The progress of a request body, shared by the body and by the task that waits for the response.
///
/// A body may take any time while it moves at the minimum rate, so no timeout counts from its start:
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
    /// The timeout once everything was sent.
    response: Duration,
    /// The timeout before that.
    stall: Duration,
    /// The rate at which the peer accepts chunks.
    rate: Mutex<RateMeter>,
}

/// Payloads up to this size are sent in one chunk.
const CHUNK: usize = 64 * 1024;

impl BodyProgress {
    /// Creates the progress of a body of `size` bytes.
    pub(crate) fn new(size: u64, timeouts: &Timeouts) -> Arc<Self> {
        Arc::new(Self::with_response_timeout(
            size,
            timeouts.first_byte,
            timeouts,
        ))
    }

    /// Creates the progress of a request to a registry. Each PUT is a commit.
    pub(crate) fn of_request(method: &Method, size: u64, timeouts: &Timeouts) -> Arc<Self> {
        match *method {
            Method::PUT => Self::of_commit(size, timeouts),
            _ => Self::new(size, timeouts),
        }
    }

    /// Creates the progress of a body that the peer commits before it responds: some registries copy
    /// an upload (distribution on S3) or check it (Harbor) meanwhile.
    pub(crate) fn of_commit(size: u64, timeouts: &Timeouts) -> Arc<Self> {
        let response = timeouts.commit.max(timeouts.first_byte);
        Arc::new(Self::with_response_timeout(size, response, timeouts))
    }

    fn with_response_timeout(size: u64, response: Duration, timeouts: &Timeouts) -> Self {
        Self {
            started: Instant::now(),
            remaining: AtomicU64::new(size),
            last_sent: AtomicU64::new(0),
            waiting_for_source: AtomicBool::new(false),
            response,
            stall: timeouts.stall,
            rate: Mutex::new(RateMeter::new(timeouts.minimum_rate)),
        }
    }

    /// Notes that the peer waits for the source of the body.
    pub(crate) fn set_waiting_for_source(&self) {
        let idle = self.idle();
        if !self.waiting_for_source.swap(true, Ordering::Relaxed) {
            lock(&self.rate).record(idle, 0);
        }
    }

    /// Notes that the peer accepted `bytes`.
    pub(crate) fn record_sent(&self, bytes: u64) {
        lock(&self.rate).record(self.idle(), bytes);
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

    /// Returns the minimum rate if the peer falls below it.
    pub(crate) fn missed_rate(&self) -> Option<MinimumRate> {
        self.rate_time_left()
            .is_zero()
            .then(|| lock(&self.rate).minimum())
    }

    /// Returns the time in which the peer must accept further bytes to keep the minimum rate.
    fn rate_time_left(&self) -> Duration {
        if self.remaining() == 0 {
            return Duration::MAX;
        }
        lock(&self.rate).time_left().saturating_sub(self.idle())
    }

    /// Returns the time after which the peer has stalled.
    fn time_left(&self) -> Duration {
        let limit = if self.remaining() == 0 {
            self.response
        } else {
            self.stall
        };
        limit.saturating_sub(self.idle()).min(self.rate_time_left())
    }

    /// Runs `work`. Returns `None` if the peer stalls.
    pub(crate) async fn with_idle_timeout<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        const MIN_SLEEP: Duration = Duration::from_millis(5);
        let mut work = std::pin::pin!(work);
        loop {
            let rest = self.time_left().max(MIN_SLEEP);
            match tokio::time::timeout(rest, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if self.time_left().is_zero() => return None,
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

    fn timeouts(stall: Duration) -> Timeouts {
        Timeouts {
            first_byte: stall,
            stall,
            ..Timeouts::default()
        }
    }

    #[tokio::test]
    async fn moving_body_does_not_time_out() {
        // Far longer than one sleep, so that a busy machine does not exceed it.
        let limit = Duration::from_secs(1);
        let body_progress = BodyProgress::new(100, &timeouts(limit));
        let moving = async {
            for _ in 0..20 {
                tokio::time::sleep(limit / 16).await;
                body_progress.record_sent(5);
            }
        };
        assert!(body_progress.with_idle_timeout(moving).await.is_some());
        assert_eq!(body_progress.remaining(), 0);
        let body_progress = BodyProgress::new(0, &timeouts(limit / 16));
        let silent = std::future::pending::<()>();
        assert!(body_progress.with_idle_timeout(silent).await.is_none());
    }

    #[tokio::test]
    async fn slow_body_times_out_and_a_slow_source_is_not_the_peer() {
        let settings = Timeouts {
            minimum_rate: MinimumRate {
                bytes: 1000,
                within: Duration::from_millis(200),
            },
            ..timeouts(Duration::from_secs(60))
        };
        let pause = Duration::from_millis(40);
        let body_progress = BodyProgress::new(100, &settings);
        let dripping = async {
            loop {
                tokio::time::sleep(pause).await;
                body_progress.record_sent(1);
            }
        };
        assert!(
            body_progress
                .with_idle_timeout::<()>(dripping)
                .await
                .is_none()
        );
        assert_eq!(body_progress.missed_rate(), Some(settings.minimum_rate));

        let body_progress = BodyProgress::new(100, &settings);
        let slow_source = async {
            for _ in 0..10 {
                body_progress.set_waiting_for_source();
                tokio::time::sleep(pause).await;
                body_progress.record_sent(1);
            }
        };
        assert!(body_progress.with_idle_timeout(slow_source).await.is_some());
    }

    #[tokio::test]
    async fn commit_may_take_longer_than_other_responses() {
        let settings = Timeouts {
            commit: Duration::from_secs(60),
            ..timeouts(Duration::from_millis(20))
        };
        let slow = || tokio::time::sleep(Duration::from_millis(100));
        let other = BodyProgress::new(0, &settings);
        assert!(other.with_idle_timeout(slow()).await.is_none());
        let commit = BodyProgress::of_commit(0, &settings);
        assert!(commit.with_idle_timeout(slow()).await.is_some());
    }

    #[tokio::test]
    async fn peer_that_waits_for_source_is_not_idle() {
        let limit = Duration::from_millis(40);
        let body_progress = BodyProgress::new(100, &timeouts(limit));
        body_progress.set_waiting_for_source();
        let slow_source = tokio::time::sleep(limit * 4);
        assert!(body_progress.with_idle_timeout(slow_source).await.is_some());
    }
}
