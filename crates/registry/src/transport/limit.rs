//! How many requests a host gets at once, and when it gets none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// The limit of one host, shared by all requests to it.
///
/// It adapts by additive increase and multiplicative decrease: it grows by one
/// for each full round of successes while all of it is in use, and is halved
/// when the host throttles (429, 503), at most once a round. A pause
/// (`Retry-After`) holds every request that has not been sent.
#[derive(Debug)]
pub(crate) struct HostLimit {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    most: usize,
}

#[derive(Debug)]
struct State {
    /// Permits there are, given out or free, less `owed`.
    limit: usize,
    /// Permits to withdraw as they come back.
    owed: usize,
    /// Successes since the limit last changed.
    successes: usize,
    /// A decrease before this time belongs to the same congestion.
    settled: Instant,
    paused_until: Option<Instant>,
}

/// The right to have one request under way at a host.
#[derive(Debug)]
pub(crate) struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    host: Arc<HostLimit>,
}

impl HostLimit {
    /// Begins at `start` requests at once and never exceeds `most`.
    pub(crate) fn new(start: usize, most: usize) -> Self {
        let most = most.max(1);
        let limit = start.clamp(1, most);
        Self {
            permits: Arc::new(Semaphore::new(limit)),
            state: Mutex::new(State {
                limit,
                owed: 0,
                successes: 0,
                settled: Instant::now(),
                paused_until: None,
            }),
            most,
        }
    }

    /// Waits for a place and for the end of a pause.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`] at once where the pause is longer than `max_wait`.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        host: &str,
        max_wait: Duration,
    ) -> Result<Permit, Error> {
        self.wait_out_pause(host, max_wait).await?;
        // The semaphore is never closed; were it, going on without a limit is
        // better than failing the row.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        // A pause may have begun while we queued.
        self.wait_out_pause(host, max_wait).await?;
        Ok(Permit {
            permit,
            host: Arc::clone(self),
        })
    }

    /// Waits for the end of a pause: for requests that have their place.
    ///
    /// # Errors
    ///
    /// As [`HostLimit::acquire`].
    pub(crate) async fn wait_out_pause(&self, host: &str, max_wait: Duration) -> Result<(), Error> {
        while let Some(rest) = self.pause_left() {
            if rest > max_wait {
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

    /// For how much longer nothing is sent.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        let until = self.lock().paused_until?;
        let rest = until.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then_some(rest)
    }

    /// Requests that may be under way at once.
    pub(crate) fn at_once(&self) -> usize {
        self.lock().limit
    }

    /// Holds every further request for `wait` from now.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        state.paused_until = Some(state.paused_until.map_or(until, |old| old.max(until)));
    }

    /// An answer that was served.
    pub(crate) fn succeeded(&self) {
        let mut state = self.lock();
        state.successes += 1;
        let in_use = self.permits.available_permits() == 0;
        if in_use && state.successes >= state.limit && state.limit < self.most {
            state.successes = 0;
            state.limit += 1;
            if state.owed > 0 {
                state.owed -= 1;
            } else {
                self.permits.add_permits(1);
            }
        }
    }

    /// The host throttled a request or broke under it.
    pub(crate) fn throttled(&self) {
        const ROUND: Duration = Duration::from_millis(500);
        let mut state = self.lock();
        if Instant::now() < state.settled {
            return;
        }
        let halved = (state.limit / 2).max(1);
        let surplus = state.limit - halved;
        let withdrawn = self.permits.forget_permits(surplus);
        state.owed += surplus - withdrawn;
        state.limit = halved;
        state.successes = 0;
        state.settled = Instant::now() + ROUND;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test]
    async fn a_throttled_host_gets_half_and_earns_it_back() {
        let limit = Arc::new(HostLimit::new(4, 8));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(limit.acquire("h", LONG).await.unwrap());
        }
        limit.throttled();
        limit.throttled();
        drop(held);
        assert_eq!(limit.permits.available_permits(), 2, "halved once a round");

        let _both = (
            limit.acquire("h", LONG).await.unwrap(),
            limit.acquire("h", LONG).await.unwrap(),
        );
        limit.succeeded();
        limit.succeeded();
        assert_eq!(
            limit.permits.available_permits(),
            1,
            "one more after a round"
        );
    }

    #[tokio::test]
    async fn a_pause_holds_all_and_one_too_long_fails_at_once() {
        let limit = Arc::new(HostLimit::new(4, 4));
        limit.pause(Duration::from_millis(80));
        let begun = Instant::now();
        limit.acquire("h", LONG).await.unwrap();
        assert!(limit.pause_left().is_none() || begun.elapsed() < LONG);

        limit.pause(Duration::from_secs(400));
        let refused = limit.acquire("h", LONG).await.unwrap_err();
        assert!(matches!(refused, Error::RateLimited { .. }), "{refused}");
    }
}
