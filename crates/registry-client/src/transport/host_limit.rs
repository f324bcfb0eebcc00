//! How many requests a host gets at once, and when it gets none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// The limit of one host, shared by all requests to it.
///
/// It adapts as TCP does. While all of it is in use it grows by one with every
/// success, so it doubles with each round trip, until the host throttles for the
/// first time (429, 503); from then on by one for each full round. A success
/// counts only where it came about as fast as the host can be: where answers get
/// slower, more at once would only queue there. Throttling halves it, at most
/// once a round. A pause (`Retry-After`) holds every request that has not been
/// sent.
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
    /// The shortest time that an answer took.
    fastest: Option<Duration>,
    /// The host has throttled.
    careful: bool,
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

/// An answer that takes so many times as long as the fastest did not come at
/// once: a new connection over TLS takes three round trips.
const SLOWER: u32 = 3;
/// What a busy machine adds to any response.
const SLACK: Duration = Duration::from_millis(20);

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
                fastest: None,
                careful: false,
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

    /// An answer that was served; `took` from sending the request to the answer's
    /// head, `None` where that says more of the request's body.
    pub(crate) fn succeeded(&self, took: Option<Duration>) {
        let Some(took) = took else { return };
        let mut state = self.lock();
        let fastest = state.fastest.map_or(took, |fastest| fastest.min(took));
        state.fastest = Some(fastest);
        if took > SLOWER * fastest + SLACK {
            return;
        }
        state.successes += 1;
        let enough = if state.careful { state.limit } else { 1 };
        let in_use = self.permits.available_permits() == 0;
        if in_use && state.successes >= enough && state.limit < self.most {
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
        state.careful = true;
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
    const SOON: Option<Duration> = Some(Duration::from_millis(30));

    #[tokio::test]
    async fn a_host_gets_more_with_every_answer_that_came_soon() {
        let limit = Arc::new(HostLimit::new(2, 6));
        let _held = [
            limit.acquire("h", LONG).await.unwrap(),
            limit.acquire("h", LONG).await.unwrap(),
        ];
        limit.succeeded(SOON);
        assert_eq!(limit.at_once(), 3);
        limit.succeeded(SOON);
        assert_eq!(limit.at_once(), 3, "not all of it is in use");
        let _third = limit.acquire("h", LONG).await.unwrap();
        limit.succeeded(Some(Duration::from_millis(111)));
        limit.succeeded(None);
        assert_eq!(limit.at_once(), 3, "answers get slow");
        limit.succeeded(SOON);
        assert_eq!(limit.at_once(), 4);
    }

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
        limit.succeeded(SOON);
        assert_eq!(limit.permits.available_permits(), 0, "no full round yet");
        limit.succeeded(SOON);
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
        limit.acquire("h", LONG).await.unwrap();
        assert!(limit.pause_left().is_none());

        limit.pause(Duration::from_secs(400));
        let refused = limit.acquire("h", LONG).await.unwrap_err();
        assert!(matches!(refused, Error::RateLimited { .. }), "{refused}");
    }
}
