//! The number of concurrent requests to a host, and its pauses.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::lock::lock;

/// The limit of concurrent requests to one host.
///
/// It adapts as TCP does. While all permits are in use, the limit grows by one with every success, so
/// it doubles with each round trip. After the host has throttled once (429, 503), it grows by one for
/// each full round. Slow responses do not count: more requests would only queue at the host.
/// Throttling halves the limit, at most once a round. A pause (`Retry-After`) holds every request that
/// has not been sent.
#[derive(Debug)]
pub(crate) struct HostLimit {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    max: usize,
    /// The least time between the starts of two requests.
    interval: Option<Duration>,
}

/// The limits of one host. They take precedence over those of all hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostLimits {
    /// Maximum concurrent requests; 0 counts as 1.
    pub requests: Option<usize>,
    /// The least time between the starts of two requests.
    pub interval: Option<Duration>,
}

#[derive(Debug)]
struct State {
    /// The number of permits, in use or free, less `owed`.
    limit: usize,
    /// Permits to withdraw when they are returned.
    owed: usize,
    /// Successes since the limit last changed.
    successes: usize,
    /// The shortest time of a response.
    fastest: Option<Duration>,
    /// The host has throttled at least once.
    has_throttled: bool,
    /// Throttling before this time does not halve the limit again.
    next_decrease: Instant,
    paused_until: Option<Instant>,
    /// The time of the next attempt of a request that has failed.
    next_attempt: Option<Instant>,
    /// The start of the next request, where requests have an interval.
    next_start: Instant,
    /// The start of the first of several pauses without a success between them.
    throttled_since: Option<Instant>,
}

/// The permission for one request to a host.
#[derive(Debug)]
pub(crate) struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    host: Arc<HostLimit>,
}

/// A response is slow if it takes more than this many times the fastest: a new TLS connection takes
/// three round trips.
const SLOW_FACTOR: u32 = 3;
/// The delay that a busy machine adds to any response.
const SLACK: Duration = Duration::from_millis(20);

impl HostLimit {
    /// Creates a limit that starts at `start` concurrent requests and never exceeds `max`.
    pub(crate) fn new(start: usize, max: usize) -> Self {
        let max = max.max(1);
        let limit = start.clamp(1, max);
        Self {
            permits: Arc::new(Semaphore::new(limit)),
            state: Mutex::new(State {
                limit,
                owed: 0,
                successes: 0,
                fastest: None,
                has_throttled: false,
                next_decrease: Instant::now(),
                paused_until: None,
                next_attempt: None,
                next_start: Instant::now(),
                throttled_since: None,
            }),
            max,
            interval: None,
        }
    }

    /// Sets the least time between the starts of two requests.
    pub(crate) fn with_interval(self, interval: Option<Duration>) -> Self {
        Self { interval, ..self }
    }

    /// Waits for a permit and for the end of a pause.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`] at once where the pause is longer than `max_wait`, or several pauses
    /// without a success between them are longer than twice that time.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        host: &str,
        max_wait: Duration,
    ) -> Result<Permit, Error> {
        self.wait_out_pause(host, max_wait).await?;
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        self.wait_for_turn().await;
        // A pause may have started in the meantime.
        self.wait_out_pause(host, max_wait).await?;
        Ok(Permit {
            permit,
            host: Arc::clone(self),
        })
    }

    /// Waits until the interval after the start of the request before has passed.
    async fn wait_for_turn(&self) {
        let Some(interval) = self.interval else {
            return;
        };
        let start = {
            let mut state = self.lock();
            let start = state.next_start.max(Instant::now());
            state.next_start = start + interval;
            start
        };
        tokio::time::sleep_until(start.into()).await;
    }

    /// Waits for the end of a pause. The request has its permit already.
    ///
    /// # Errors
    ///
    /// As [`HostLimit::acquire`].
    pub(crate) async fn wait_out_pause(&self, host: &str, max_wait: Duration) -> Result<(), Error> {
        while let Some((rest, throttled)) = self.pause() {
            if rest > max_wait || throttled > max_wait * 2 {
                return Err(Error::RateLimited {
                    host: host.to_owned(),
                    until: SystemTime::now() + rest,
                    max_wait,
                });
            }
            tokio::time::sleep(rest).await;
        }
        Ok(())
    }

    /// Returns the rest of a pause.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        self.pause().map(|(rest, _)| rest)
    }

    /// Notes that a failed request is sent again after `wait`.
    pub(super) fn record_backoff(&self, wait: Duration) {
        let next = Instant::now() + wait;
        let mut state = self.lock();
        state.next_attempt = Some(state.next_attempt.map_or(next, |old| old.max(next)));
    }

    /// Returns the time until the last of the failed requests is sent again.
    pub(crate) fn backoff_left(&self) -> Option<Duration> {
        let left = self
            .lock()
            .next_attempt?
            .checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some(left)
    }

    /// Returns the rest of a pause, and its length together with the pauses before it.
    fn pause(&self) -> Option<(Duration, Duration)> {
        let state = self.lock();
        let until = state.paused_until?;
        let rest = until.saturating_duration_since(Instant::now());
        let since = state.throttled_since.unwrap_or(until);
        (!rest.is_zero()).then(|| (rest, until.saturating_duration_since(since)))
    }

    /// Returns the maximum number of concurrent requests.
    pub(crate) fn current(&self) -> usize {
        self.lock().limit
    }

    /// Holds all further requests for `wait`.
    pub(crate) fn pause_for(&self, wait: Duration) {
        let now = Instant::now();
        let until = now + wait;
        let mut state = self.lock();
        state.throttled_since.get_or_insert(now);
        state.paused_until = Some(state.paused_until.map_or(until, |old| old.max(until)));
    }

    /// Notes a response that was not throttled. `took` is the time from sending the request to the
    /// response headers, `None` for a large request body.
    pub(crate) fn record_success(&self, took: Option<Duration>) {
        let mut state = self.lock();
        state.throttled_since = None;
        let Some(took) = took else { return };
        let fastest = state.fastest.map_or(took, |fastest| fastest.min(took));
        state.fastest = Some(fastest);
        if took > SLOW_FACTOR * fastest + SLACK {
            return;
        }
        state.successes += 1;
        let enough = if state.has_throttled { state.limit } else { 1 };
        let in_use = self.permits.available_permits() == 0;
        if in_use && state.successes >= enough && state.limit < self.max {
            state.successes = 0;
            state.limit += 1;
            if state.owed > 0 {
                state.owed -= 1;
            } else {
                self.permits.add_permits(1);
            }
        }
    }

    /// Notes a response that was throttled.
    pub(crate) fn record_throttling(&self) {
        const ROUND: Duration = Duration::from_millis(500);
        let mut state = self.lock();
        if Instant::now() < state.next_decrease {
            return;
        }
        let halved = (state.limit / 2).max(1);
        let surplus = state.limit - halved;
        let withdrawn = self.permits.forget_permits(surplus);
        state.owed += surplus - withdrawn;
        state.limit = halved;
        state.successes = 0;
        state.has_throttled = true;
        state.next_decrease = Instant::now() + ROUND;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.host.lock();
        if state.owed > 0 {
            state.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(300);
    const FAST: Option<Duration> = Some(Duration::from_millis(30));

    #[tokio::test]
    async fn limit_grows_with_every_fast_response() {
        let limit = Arc::new(HostLimit::new(2, 6));
        let _held = [
            limit.acquire("h", LONG).await.unwrap(),
            limit.acquire("h", LONG).await.unwrap(),
        ];
        limit.record_success(FAST);
        assert_eq!(limit.current(), 3);
        limit.record_success(FAST);
        assert_eq!(limit.current(), 3, "not all permits are in use");
        let _third = limit.acquire("h", LONG).await.unwrap();
        limit.record_success(Some(Duration::from_millis(111)));
        limit.record_success(None);
        assert_eq!(limit.current(), 3, "slow responses do not count");
        limit.record_success(FAST);
        assert_eq!(limit.current(), 4);
    }

    #[tokio::test]
    async fn throttling_halves_the_limit_until_successes_raise_it() {
        let limit = Arc::new(HostLimit::new(4, 8));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(limit.acquire("h", LONG).await.unwrap());
        }
        limit.record_throttling();
        limit.record_throttling();
        drop(held);
        assert_eq!(limit.permits.available_permits(), 2, "halved once a round");

        let _both = (
            limit.acquire("h", LONG).await.unwrap(),
            limit.acquire("h", LONG).await.unwrap(),
        );
        limit.record_success(FAST);
        assert_eq!(limit.permits.available_permits(), 0, "no full round yet");
        limit.record_success(FAST);
        assert_eq!(
            limit.permits.available_permits(),
            1,
            "one more after a round"
        );
    }

    #[tokio::test]
    async fn interval_separates_the_starts_of_requests() {
        let interval = Duration::from_millis(20);
        let limit = Arc::new(HostLimit::new(8, 8).with_interval(Some(interval)));
        let begin = Instant::now();
        let starts = (0..5).map(|_| async {
            let permit = limit.acquire("h", LONG).await.unwrap();
            (Instant::now(), permit)
        });
        let mut starts = futures::future::join_all(starts).await;
        starts.sort_by_key(|(start, _)| *start);
        for (number, (start, _)) in (0..).zip(&starts) {
            assert!(*start >= begin + interval * number, "request {number}");
        }
    }

    #[tokio::test]
    async fn pause_holds_all_requests_and_fails_them_when_too_long() {
        let limit = Arc::new(HostLimit::new(4, 4));
        limit.pause_for(Duration::from_millis(80));
        limit.acquire("h", LONG).await.unwrap();
        assert!(limit.pause_left().is_none());

        // Pauses one after the other, as of many requests that are refused in turn.
        limit.record_success(None);
        let max = Duration::from_millis(100);
        let mut pauses = 0;
        let refused = loop {
            limit.pause_for(Duration::from_millis(40));
            match limit.acquire("h", max).await {
                Ok(_) => pauses += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, Error::RateLimited { .. }), "{refused}");
        assert!((1..=5).contains(&pauses), "{pauses}");
        limit.record_success(None);
        limit.pause_for(Duration::from_millis(40));
        assert!(limit.acquire("h", max).await.is_ok(), "a success between");

        limit.pause_for(Duration::from_secs(400));
        let refused = limit.acquire("h", LONG).await.unwrap_err();
        assert!(matches!(refused, Error::RateLimited { .. }), "{refused}");
    }
}
