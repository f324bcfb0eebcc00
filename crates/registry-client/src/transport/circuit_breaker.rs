//! Whether a host is there at all.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::retry_policy::RetryDecision;
use crate::error::Error;

/// Remembers a host that does not answer, so that not every one of thousands
/// of rows finds out with all its tries and timeouts.
///
/// After [`DOWN`] requests in a row were given up without any answer, one
/// request at a time is let through with a single try. The others wait for it
/// for a minute, since registries are restarted; after that they fail at once
/// with the earlier cause. Any answer ends that.
#[derive(Debug)]
pub(crate) struct CircuitBreaker {
    given_up: AtomicU32,
    state: Mutex<Option<Down>>,
    backoff: Duration,
}

#[derive(Debug)]
struct Down {
    cause: Error,
    try_again: Instant,
    hoping_until: Instant,
}

/// Requests given up in a row that make a host count as down.
const DOWN: u32 = 3;

/// What becomes of a request to a host that is down.
enum Turn {
    Send,
    Wait(Duration),
    Fail(Error),
}

impl CircuitBreaker {
    /// All times are multiples of the first backoff: usually half a second.
    pub(crate) fn new(backoff: Duration) -> Self {
        Self {
            given_up: AtomicU32::new(0),
            state: Mutex::new(None),
            backoff,
        }
    }

    /// How long requests wait for a host that went down.
    fn hope(&self) -> Duration {
        self.backoff * 120
    }

    /// Whether it has answered nothing lately.
    pub(crate) fn is_open(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) >= DOWN
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    ///
    /// The earlier cause, once the host has been down for too long.
    pub(crate) async fn admit(&self) -> Result<(), Error> {
        loop {
            match self.turn() {
                Turn::Send => return Ok(()),
                Turn::Wait(wait) => tokio::time::sleep(wait).await,
                Turn::Fail(cause) => return Err(cause),
            }
        }
    }

    fn turn(&self) -> Turn {
        if !self.is_open() {
            return Turn::Send;
        }
        let now = Instant::now();
        match &mut *self.lock() {
            None => Turn::Send,
            Some(down) if now >= down.try_again => {
                let pause = if now < down.hoping_until { 4 } else { 20 };
                down.try_again = now + self.backoff * pause;
                Turn::Send
            }
            Some(down) if now < down.hoping_until => Turn::Wait(self.backoff / 2),
            Some(down) => Turn::Fail(down.cause.clone()),
        }
    }

    /// What follows a failed try at a host that counts as down: nothing for
    /// one that has been down for long, another turn before. `None` where the
    /// host does not count as down.
    pub(crate) fn decide(&self, error: &Error) -> Option<RetryDecision> {
        if !self.is_open() || !is_silence(error) {
            return None;
        }
        let hoping = self
            .lock()
            .as_ref()
            .is_some_and(|down| Instant::now() < down.hoping_until);
        Some(if hoping {
            RetryDecision::Wait(self.backoff)
        } else {
            RetryDecision::GiveUp
        })
    }

    /// The host answered, whatever it said.
    pub(crate) fn record_response(&self) {
        if self.given_up.swap(0, Ordering::Relaxed) > 0 {
            *self.lock() = None;
        }
    }

    /// A request was given up.
    pub(crate) fn record_failure(&self, error: &Error) {
        if !is_silence(error) {
            return;
        }
        let now = Instant::now();
        let mut state = self.lock();
        let hoping_until = state
            .as_ref()
            .map_or(now + self.hope(), |down| down.hoping_until);
        *state = Some(Down {
            cause: error.clone(),
            try_again: now + self.backoff * 4,
            hoping_until,
        });
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Down>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_silence(error: &Error) -> bool {
    matches!(error, Error::Connection { .. } | Error::Timeout { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence() -> Error {
        Error::Connection {
            method: http::Method::GET,
            url: "http://h/v2/".into(),
            failure: crate::ConnectionFailure::Refused,
            detail: "refused".into(),
        }
    }

    #[tokio::test]
    async fn a_dead_host_is_tried_now_and_then_and_its_rows_fail_at_once() {
        let breaker = CircuitBreaker::new(Duration::from_millis(1));
        let other = Error::Unsafe {
            host: "h".into(),
            what: "x".into(),
        };
        for _ in 0..DOWN {
            breaker.record_failure(&other);
        }
        assert!(!breaker.is_open(), "only silence counts");
        for _ in 0..DOWN {
            breaker.record_failure(&silence());
        }
        assert!(breaker.is_open());
        while matches!(breaker.decide(&silence()), Some(RetryDecision::Wait(_))) {
            breaker.admit().await.ok();
        }
        let (mut sent, mut failed) = (0, 0);
        for _ in 0..50 {
            match breaker.turn() {
                Turn::Send => sent += 1,
                Turn::Fail(_) => failed += 1,
                Turn::Wait(_) => unreachable!("hope has an end"),
            }
        }
        assert!(sent <= 5 && failed >= 45, "{sent} sent, {failed} failed");
        breaker.record_response();
        assert!(matches!(breaker.turn(), Turn::Send) && !breaker.is_open());
    }

    #[tokio::test]
    async fn a_host_that_comes_back_in_time_fails_nobody() {
        let breaker = CircuitBreaker::new(Duration::from_millis(20));
        for _ in 0..DOWN {
            breaker.record_failure(&silence());
        }
        let waiting = futures::future::join_all((0..8).map(|_| breaker.admit()));
        let back = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            breaker.record_response();
        };
        let (turns, ()) = futures::join!(waiting, back);
        assert!(turns.iter().all(Result::is_ok));
    }
}
