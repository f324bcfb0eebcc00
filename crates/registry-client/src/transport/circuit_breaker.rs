//! Stops requests to a peer that does not respond.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::retry_policy::RetryDecision;
use crate::error::Error;
use crate::lock::lock;

/// A circuit breaker for one peer.
///
/// Without it, each of thousands of rows would spend all its attempts and timeouts on a dead
/// registry. The breaker opens after [`MAX_FAILURES`] failed requests in a row without a response.
/// Then it admits one request at a time, with a single attempt. The others wait for a minute,
/// because registries restart; after that they fail at once with the earlier error. Any response
/// closes the breaker.
#[derive(Debug)]
pub(crate) struct CircuitBreaker {
    failures: AtomicU32,
    state: Mutex<Option<Outage>>,
    backoff: Duration,
}

#[derive(Debug)]
struct Outage {
    cause: Error,
    next_attempt: Instant,
    wait_until: Instant,
}

/// The number of failed requests in a row that opens the breaker.
const MAX_FAILURES: u32 = 3;

/// The next step of a request that waits for admission.
enum Admission {
    Send,
    Wait(Duration),
    Fail(Error),
}

impl CircuitBreaker {
    /// Creates a closed breaker. All times are multiples of the first backoff, half a second by
    /// default.
    pub(crate) fn new(backoff: Duration) -> Self {
        Self {
            failures: AtomicU32::new(0),
            state: Mutex::new(None),
            backoff,
        }
    }

    /// Returns the time for which requests wait for a peer that stopped responding.
    fn max_wait(&self) -> Duration {
        self.backoff * 120
    }

    /// Returns whether the last requests got no response.
    pub(crate) fn is_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= MAX_FAILURES
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    ///
    /// The earlier error, once the peer has been down for too long.
    pub(crate) async fn admit(&self) -> Result<(), Error> {
        loop {
            match self.next_admission() {
                Admission::Send => return Ok(()),
                Admission::Wait(wait) => tokio::time::sleep(wait).await,
                Admission::Fail(cause) => return Err(cause),
            }
        }
    }

    fn next_admission(&self) -> Admission {
        if !self.is_open() {
            return Admission::Send;
        }
        let now = Instant::now();
        match &mut *self.lock() {
            None => Admission::Send,
            Some(down) if now >= down.next_attempt => {
                let pause = if now < down.wait_until { 4 } else { 20 };
                down.next_attempt = now + self.backoff * pause;
                Admission::Send
            }
            Some(down) if now < down.wait_until => Admission::Wait(self.backoff / 2),
            Some(down) => Admission::Fail(down.cause.clone()),
        }
    }

    /// Decides what follows a failed attempt while the breaker is open: another attempt during the
    /// first minute, none after it. Returns `None` if the breaker is closed.
    pub(crate) fn decide(&self, error: &Error) -> Option<RetryDecision> {
        if !self.is_open() || !is_without_response(error) {
            return None;
        }
        let is_waiting = self
            .lock()
            .as_ref()
            .is_some_and(|down| Instant::now() < down.wait_until);
        Some(if is_waiting {
            RetryDecision::Wait(self.backoff)
        } else {
            RetryDecision::GiveUp
        })
    }

    /// Notes any response.
    pub(crate) fn record_response(&self) {
        if self.failures.swap(0, Ordering::Relaxed) > 0 {
            *self.lock() = None;
        }
    }

    /// Notes the error of a request that is not retried.
    pub(crate) fn record_failure(&self, error: &Error) {
        if !is_without_response(error) {
            return;
        }
        let now = Instant::now();
        let mut state = self.lock();
        let wait_until = state
            .as_ref()
            .map_or(now + self.max_wait(), |down| down.wait_until);
        *state = Some(Outage {
            cause: error.clone(),
            next_attempt: now + self.backoff * 4,
            wait_until,
        });
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Outage>> {
        lock(&self.state)
    }
}

fn is_without_response(error: &Error) -> bool {
    matches!(error, Error::Connection { .. } | Error::Timeout { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_response() -> Error {
        Error::Connection {
            method: http::Method::GET,
            url: "http://h/v2/".into(),
            failure: crate::ConnectionFailure::Refused,
            detail: "refused".into(),
        }
    }

    #[tokio::test]
    async fn open_breaker_admits_few_requests_and_fails_the_others() {
        let breaker = CircuitBreaker::new(Duration::from_millis(1));
        let other = Error::Unsafe {
            host: "h".into(),
            what: "x".into(),
        };
        for _ in 0..MAX_FAILURES {
            breaker.record_failure(&other);
        }
        assert!(!breaker.is_open(), "only requests without a response count");
        for _ in 0..MAX_FAILURES {
            breaker.record_failure(&no_response());
        }
        assert!(breaker.is_open());
        while matches!(breaker.decide(&no_response()), Some(RetryDecision::Wait(_))) {
            breaker.admit().await.ok();
        }
        let (mut sent, mut failed) = (0, 0);
        for _ in 0..50 {
            match breaker.next_admission() {
                Admission::Send => sent += 1,
                Admission::Fail(_) => failed += 1,
                Admission::Wait(_) => unreachable!("the wait has ended"),
            }
        }
        assert!(sent <= 5 && failed >= 45, "{sent} sent, {failed} failed");
        breaker.record_response();
        assert!(matches!(breaker.next_admission(), Admission::Send) && !breaker.is_open());
    }

    #[tokio::test]
    async fn waiting_requests_are_admitted_when_the_peer_responds_again() {
        let breaker = CircuitBreaker::new(Duration::from_millis(20));
        for _ in 0..MAX_FAILURES {
            breaker.record_failure(&no_response());
        }
        let waiting = futures::future::join_all((0..8).map(|_| breaker.admit()));
        let recovery = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            breaker.record_response();
        };
        let (admissions, ()) = futures::join!(waiting, recovery);
        assert!(admissions.iter().all(Result::is_ok));
    }
}
