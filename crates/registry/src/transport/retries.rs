//! How often and after what pause a request is tried again.

use std::time::{Duration, Instant};

use http::StatusCode;

use super::patience::Patience;
use crate::error::Error;

/// The tries of one request.
///
/// Connection errors, truncated bodies, 408, 500, 502, 503 and 504 are tried
/// up to [`Patience::tries`] times with jittered exponential backoff; a 429 is
/// tried as long as the waits together stay below [`Patience::max_wait`].
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    patience: &'a Patience,
    started: Instant,
    failures: u32,
    throttled: u32,
    waited: Duration,
}

/// What to do after a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This request alone waits.
    Wait(Duration),
    /// Every request to the host waits.
    PauseHost(Duration),
    /// The failure stands.
    GiveUp,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(patience: &'a Patience) -> Self {
        Self {
            patience,
            started: Instant::now(),
            failures: 0,
            throttled: 0,
            waited: Duration::ZERO,
        }
    }

    /// Judges a failure; `jitter` is between 0 and 1.
    pub(crate) fn after(&mut self, error: &Error, jitter: f32) -> Next {
        if error.status() == Some(StatusCode::TOO_MANY_REQUESTS) {
            return self.after_throttle(error, jitter);
        }
        if !is_passing(error) {
            return Next::GiveUp;
        }
        self.failures += 1;
        if self.failures >= self.patience.tries || self.started.elapsed() > self.patience.trying {
            return Next::GiveUp;
        }
        match asked_wait(error) {
            Some(wait) => self.pause(wait),
            None => Next::Wait(self.backoff(self.failures, jitter)),
        }
    }

    fn after_throttle(&mut self, error: &Error, jitter: f32) -> Next {
        self.throttled += 1;
        let wait = asked_wait(error)
            .filter(|wait| !wait.is_zero())
            .unwrap_or_else(|| self.backoff(self.throttled, jitter));
        self.pause(wait)
    }

    /// A pause longer than allowed is not made: the host's limiter turns it
    /// into an error that names the time. Waits that only add up to too much
    /// end the tries.
    fn pause(&mut self, wait: Duration) -> Next {
        if wait <= self.patience.max_wait && self.waited + wait > self.patience.max_wait {
            return Next::GiveUp;
        }
        self.waited += wait;
        Next::PauseHost(wait)
    }

    fn backoff(&self, failures: u32, jitter: f32) -> Duration {
        let base = self.patience.backoff * 2u32.saturating_pow(failures.saturating_sub(1).min(6));
        base.mul_f32(0.5 + jitter).min(Duration::from_secs(30))
    }
}

fn asked_wait(error: &Error) -> Option<Duration> {
    match error {
        Error::Status(status) => status.retry_after,
        _ => None,
    }
}

/// Whether the same request may succeed a moment later.
pub(crate) fn is_passing(error: &Error) -> bool {
    match error {
        Error::Connection { .. } | Error::Timeout { .. } => true,
        Error::Status(status) => {
            matches!(status.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::StatusError;
    use std::sync::Arc;

    fn status(code: u16, retry_after: Option<u64>) -> Error {
        Error::Status(Arc::new(StatusError {
            method: http::Method::GET,
            url: String::new(),
            status: StatusCode::from_u16(code).unwrap(),
            codes: Vec::new(),
            text: String::new(),
            authenticated: false,
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    #[test]
    fn passing_failures_back_off_and_end() {
        let patience = Patience::default();
        let mut retries = Retries::new(&patience);
        let waits: Vec<_> = (0..5)
            .map(|_| retries.after(&status(503, None), 0.5))
            .collect();
        assert_eq!(
            waits,
            [
                Next::Wait(Duration::from_millis(500)),
                Next::Wait(Duration::from_secs(1)),
                Next::Wait(Duration::from_secs(2)),
                Next::Wait(Duration::from_secs(4)),
                Next::GiveUp,
            ]
        );
    }

    #[test]
    fn refusals_are_final() {
        let patience = Patience::default();
        for code in [400, 401, 403, 404, 405, 413, 416] {
            let mut retries = Retries::new(&patience);
            assert_eq!(
                retries.after(&status(code, None), 0.5),
                Next::GiveUp,
                "{code}"
            );
        }
    }

    #[test]
    fn throttling_is_waited_out_up_to_the_longest_wait() {
        let patience = Patience::default();
        let mut retries = Retries::new(&patience);
        let pause = Next::PauseHost(Duration::from_secs(120));
        assert_eq!(retries.after(&status(429, Some(120)), 0.5), pause);
        assert_eq!(retries.after(&status(429, Some(120)), 0.5), pause);
        assert_eq!(retries.after(&status(429, Some(120)), 0.5), Next::GiveUp);
    }
}
