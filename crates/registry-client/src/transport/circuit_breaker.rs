//! Stops requests to a peer that does not respond.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use url::{Position, Url};

use super::retry_policy::RetryDecision;
use crate::error::Error;
use crate::lock::lock;

/// A circuit breaker for one peer.
///
/// Without it, each of thousands of rows would spend all its attempts and timeouts on a dead
/// registry. If the peer has never responded, the breaker opens after [`MAX_FAILURES`] attempts in a
/// row, of whatever requests, that took some seconds together or used up the attempts of one. If it has
/// responded, [`MAX_EXHAUSTED`] requests in a row must have used up theirs. Then it admits one request
/// at a time, with a single attempt. The others fail at once with the reason, if the peer has responded
/// before after a minute: registries restart. Any response closes the breaker.
#[derive(Debug)]
pub(crate) struct CircuitBreaker {
    failures: AtomicU32,
    has_responded: AtomicBool,
    state: Mutex<Option<Outage>>,
    backoff: Duration,
}

/// A time without a response.
#[derive(Debug)]
struct Outage {
    since: Instant,
    cause: Error,
    is_logged: bool,
    /// Requests that have used up their attempts.
    exhausted: u32,
    opened: Option<Opened>,
}

#[derive(Debug, Clone, Copy)]
struct Opened {
    next_attempt: Instant,
    wait_until: Instant,
}

/// The number of failed attempts in a row that opens the breaker of a peer without any response.
const MAX_FAILURES: u32 = 5;

/// The number of failed requests in a row that opens the breaker of a peer that has responded.
const MAX_EXHAUSTED: u32 = 3;

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
            has_responded: AtomicBool::new(false),
            state: Mutex::new(None),
            backoff,
        }
    }

    /// Returns the time without a response after which the breaker opens.
    fn patience(&self) -> Duration {
        self.backoff * 12
    }

    /// Returns the time for which requests wait for a peer that has stopped responding.
    fn max_wait(&self) -> Duration {
        if self.has_responded() {
            self.backoff * 120
        } else {
            Duration::ZERO
        }
    }

    fn has_responded(&self) -> bool {
        self.has_responded.load(Ordering::Relaxed)
    }

    /// Returns whether the last requests got no response.
    pub(crate) fn is_open(&self) -> bool {
        self.opened().is_some()
    }

    fn opened(&self) -> Option<Opened> {
        self.lock().as_ref()?.opened
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    ///
    /// [`Error::HostDown`], if the peer has never responded or has been down for too long.
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
        if self.failures.load(Ordering::Relaxed) == 0 {
            return Admission::Send;
        }
        let now = Instant::now();
        let mut state = self.lock();
        let Some(outage) = state.as_mut() else {
            return Admission::Send;
        };
        match &mut outage.opened {
            None => Admission::Send,
            Some(opened) if now >= opened.next_attempt => {
                let pause = if now < opened.wait_until { 4 } else { 20 };
                opened.next_attempt = now + self.backoff * pause;
                Admission::Send
            }
            Some(opened) if now < opened.wait_until => Admission::Wait(self.backoff / 2),
            Some(_) => Admission::Fail(host_down(&outage.cause)),
        }
    }

    /// Decides what follows a failed attempt while the breaker is open: another attempt during the
    /// wait, none after it. Returns `None` if the breaker is closed.
    pub(crate) fn decide(&self, error: &Error) -> Option<RetryDecision> {
        if !error.is_without_response() {
            return None;
        }
        let opened = self.opened()?;
        Some(if Instant::now() < opened.wait_until {
            RetryDecision::Wait(self.backoff)
        } else {
            RetryDecision::GiveUp
        })
    }

    /// Notes any response.
    pub(crate) fn record_response(&self) {
        self.has_responded.store(true, Ordering::Relaxed);
        if self.failures.swap(0, Ordering::Relaxed) > 0 {
            *self.lock() = None;
        }
    }

    /// Notes the error of a failed attempt, before which the peer was idle for `idle`. Logs the first
    /// outage of some seconds.
    pub(crate) fn record_failure(&self, error: &Error, idle: Duration) {
        if !error.is_without_response() {
            return;
        }
        let now = Instant::now();
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let mut state = self.lock();
        let outage = state.get_or_insert_with(|| Outage {
            since: now.checked_sub(idle).unwrap_or(now),
            cause: error.clone(),
            is_logged: false,
            exhausted: 0,
            opened: None,
        });
        outage.cause = error.clone();
        let lasted = now.duration_since(outage.since);
        if !outage.is_logged && failures > 1 && lasted >= self.backoff * 4 {
            outage.is_logged = true;
            tracing::warn!("{}", host_down(error));
        }
        if outage.opened.is_some() || lasted >= self.patience() {
            self.open(outage);
        }
    }

    /// Notes that a request without a response has used up its attempts.
    pub(crate) fn record_exhausted(&self, error: &Error) {
        if error.is_without_response()
            && let Some(outage) = self.lock().as_mut()
        {
            outage.exhausted += 1;
            self.open(outage);
        }
    }

    /// Opens the breaker after enough failures.
    fn open(&self, outage: &mut Outage) {
        let failed = if self.has_responded() {
            outage.exhausted >= MAX_EXHAUSTED
        } else {
            self.failures.load(Ordering::Relaxed) >= MAX_FAILURES
        };
        if !failed {
            return;
        }
        let now = Instant::now();
        let wait_until = outage.opened.map(|opened| opened.wait_until);
        outage.opened = Some(Opened {
            next_attempt: now + self.backoff * 4,
            wait_until: wait_until.unwrap_or(now + self.max_wait()),
        });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Outage>> {
        lock(&self.state)
    }
}

/// Returns the error of other requests to the host of a failed one. Rows do not report each other's
/// URLs.
fn host_down(cause: &Error) -> Error {
    let (url, failure, detail) = match cause {
        Error::Connection {
            url,
            failure,
            detail,
            ..
        } => (url, Some(*failure), detail.clone()),
        Error::Timeout {
            url, phase, after, ..
        } => (
            url,
            None,
            format!("{phase} within {} s", after.as_secs_f32()),
        ),
        other => return other.clone(),
    };
    let host = Url::parse(url).map(|url| url[Position::BeforeHost..Position::AfterPort].to_owned());
    Error::HostDown {
        host: host.unwrap_or_else(|_| url.clone()),
        failure,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Duration = Duration::from_millis(10);

    fn no_response() -> Error {
        Error::Connection {
            method: http::Method::GET,
            url: "http://h:5000/v2/a/manifests/1".into(),
            failure: crate::ConnectionFailure::Refused,
            detail: "refused".into(),
        }
    }

    fn fail(breaker: &CircuitBreaker, error: &Error, idle: Duration) {
        for _ in 0..MAX_FAILURES {
            breaker.record_failure(error, idle);
        }
    }

    fn exhaust(breaker: &CircuitBreaker) {
        fail(breaker, &no_response(), Duration::from_secs(100));
        for _ in 0..MAX_EXHAUSTED {
            breaker.record_exhausted(&no_response());
        }
    }

    #[test]
    fn only_an_outage_of_some_seconds_opens_the_breaker() {
        let breaker = CircuitBreaker::new(Duration::from_secs(1));
        let other = Error::Unsafe {
            host: "h".into(),
            what: "x".into(),
        };
        let stalled_body = Error::Timeout {
            method: http::Method::GET,
            url: "http://h/".into(),
            phase: crate::TimeoutPhase::Body,
            after: Duration::from_secs(30),
        };
        for error in [&other, &stalled_body] {
            fail(&breaker, error, Duration::from_secs(100));
            assert!(!breaker.is_open(), "only requests without a response count");
        }
        fail(&breaker, &no_response(), Duration::ZERO);
        assert!(!breaker.is_open(), "concurrent requests fail in one moment");
        breaker.record_exhausted(&no_response());
        assert!(breaker.is_open());
        breaker.record_response();
        assert!(!breaker.is_open());
        fail(&breaker, &no_response(), Duration::from_secs(100));
        assert!(
            !breaker.is_open(),
            "one of several requests of a peer that has responded"
        );
        exhaust(&breaker);
        assert!(breaker.is_open());
    }

    #[test]
    fn host_that_never_responded_fails_at_once_without_the_urls_of_others() {
        let breaker = CircuitBreaker::new(BACKOFF);
        fail(&breaker, &no_response(), Duration::from_secs(100));
        assert_eq!(breaker.decide(&no_response()), Some(RetryDecision::GiveUp));
        let Admission::Fail(error) = breaker.next_admission() else {
            panic!("the host has never responded");
        };
        assert_eq!(error.to_string(), "h:5000 cannot be used: refused");
    }

    #[tokio::test]
    async fn open_breaker_admits_few_requests_and_fails_the_others() {
        let breaker = CircuitBreaker::new(Duration::from_millis(1));
        breaker.record_response();
        exhaust(&breaker);
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
        let breaker = CircuitBreaker::new(BACKOFF * 2);
        breaker.record_response();
        exhaust(&breaker);
        let waiting = futures::future::join_all((0..8).map(|_| breaker.admit()));
        let recovery = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            breaker.record_response();
        };
        let (admissions, ()) = futures::join!(waiting, recovery);
        assert!(admissions.iter().all(Result::is_ok));
    }
}
