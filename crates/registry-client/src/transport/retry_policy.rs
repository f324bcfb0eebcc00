//! The retry decision that every step uses.

use std::time::Duration;

use http::StatusCode;

use crate::error::Error;

/// The limits of the attempts of one request.
///
/// A peer that stalls for good uses up the default attempts within four minutes.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// Attempts of one request, the first included.
    pub max_attempts: u32,
    /// The time lost to failures after which no attempt starts.
    pub max_elapsed: Duration,
    /// The wait before the second attempt. It doubles with each further one.
    pub initial_backoff: Duration,
    /// The longest pause that a registry may ask for (`Retry-After`).
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            max_elapsed: Duration::from_secs(150),
            initial_backoff: Duration::from_millis(500),
            max_wait: Duration::from_secs(300),
        }
    }
}

/// The failures of one request and the time they took.
///
/// Connection errors, truncated bodies, 408, 500, 502, 503 and 504 are retried up to
/// [`RetryPolicy::max_attempts`] with jittered exponential backoff. A 429 is retried while the waits
/// together stay below [`RetryPolicy::max_wait`].
///
/// It has no clock: the caller reports how long the peer was idle. Time in a queue, and time in which
/// a body moves, do not count.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    failures: u32,
    throttled: u32,
    /// Lost to failures and to the pauses between them.
    lost: Duration,
    /// Waited because a registry requested it.
    waited: Duration,
}

/// The decision after a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// The request waits and is sent again.
    Wait(Duration),
    /// All requests to the host wait.
    PauseHost(Duration),
    /// The error is final.
    GiveUp,
}

impl Retries {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        Self {
            policy: policy.clone(),
            failures: 0,
            throttled: 0,
            lost: Duration::ZERO,
            waited: Duration::ZERO,
        }
    }

    /// Decides what follows a failure before which the peer was idle for `idle`; `jitter` is between 0
    /// and 1.
    pub(crate) fn decide(&mut self, error: &Error, idle: Duration, jitter: f32) -> RetryDecision {
        if is_throttled(error) {
            return self.after_throttle(error, jitter);
        }
        if !is_transient(error) {
            return RetryDecision::GiveUp;
        }
        self.failures += 1;
        self.lost += match error {
            // A slow body moved shortly before.
            Error::Timeout { after, .. } => idle.max(*after),
            _ => idle,
        };
        if self.failures >= self.policy.max_attempts || self.lost > self.policy.max_elapsed {
            return RetryDecision::GiveUp;
        }
        if let Some(wait) = requested_wait(error) {
            return self.pause(wait);
        }
        let wait = self.backoff(self.failures, jitter);
        self.lost += wait;
        RetryDecision::Wait(wait)
    }

    /// Gives the next request of the same task its own attempts. Time that was lost or waited counts
    /// for the whole task.
    pub(crate) fn begin_next_request(&mut self) {
        self.failures = 0;
        self.throttled = 0;
    }

    /// Returns the time lost to failures so far.
    pub(crate) fn lost(&self) -> Duration {
        self.lost
    }

    fn after_throttle(&mut self, error: &Error, jitter: f32) -> RetryDecision {
        self.throttled += 1;
        if let Some(wait) = requested_wait(error) {
            return self.pause(wait);
        }
        // The registry requested no time, so the wait stays within the maximum.
        let wait = self.backoff(self.throttled, jitter);
        self.pause(wait.min(self.policy.max_wait))
    }

    /// Decides on a pause that the registry requests. A single pause above the maximum becomes
    /// [`Error::RateLimited`] in [`HostLimit`](super::host_limit::HostLimit). Pauses that exceed the
    /// maximum together end the retries.
    fn pause(&mut self, wait: Duration) -> RetryDecision {
        if wait <= self.policy.max_wait && self.waited + wait > self.policy.max_wait {
            return RetryDecision::GiveUp;
        }
        self.waited += wait;
        RetryDecision::PauseHost(wait)
    }

    fn backoff(&self, failures: u32, jitter: f32) -> Duration {
        let base =
            self.policy.initial_backoff * 2u32.saturating_pow(failures.saturating_sub(1).min(6));
        base.mul_f32(0.5 + jitter).min(Duration::from_secs(30))
    }
}

/// Returns the pause that a response requests. Zero counts as none, because the backoff spares the
/// registry more.
fn requested_wait(error: &Error) -> Option<Duration> {
    match error {
        Error::Status(status) => status.retry_after.filter(|wait| !wait.is_zero()),
        _ => None,
    }
}

/// Returns whether a write with this error may have happened: the response was lost, late, or is that
/// of a proxy that did not wait for it.
pub(crate) fn may_have_happened(error: &Error) -> bool {
    is_transient(error) && !is_throttled(error)
}

fn is_throttled(error: &Error) -> bool {
    matches!(error, Error::Status(status) if status.is_throttled())
}

/// Returns whether the same request may succeed a moment later.
pub(crate) fn is_transient(error: &Error) -> bool {
    match error {
        Error::Connection { .. } | Error::Timeout { .. } => true,
        Error::TokenServer { error, .. } => is_transient(error),
        // distribution 3 reports a refused foreign layer with 500 and a code that is final.
        Error::Status(status) if status.status == StatusCode::INTERNAL_SERVER_ERROR => {
            status.missing_content().is_none()
        }
        Error::Status(status) => {
            matches!(status.status.as_u16(), 408 | 429 | 502 | 503 | 504)
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
            redirected: false,
        }))
    }

    #[test]
    fn transient_failures_back_off_until_the_last_attempt() {
        let policy = RetryPolicy::default();
        let mut retries = Retries::new(&policy);
        let waits: Vec<_> = (0..5)
            .map(|_| retries.decide(&status(503, None), Duration::ZERO, 0.5))
            .collect();
        assert_eq!(
            waits,
            [
                RetryDecision::Wait(Duration::from_millis(500)),
                RetryDecision::Wait(Duration::from_secs(1)),
                RetryDecision::Wait(Duration::from_secs(2)),
                RetryDecision::Wait(Duration::from_secs(4)),
                RetryDecision::GiveUp,
            ]
        );
    }

    #[test]
    fn refusals_are_not_retried() {
        let policy = RetryPolicy::default();
        for code in [400, 401, 403, 404, 405, 413, 416] {
            let mut retries = Retries::new(&policy);
            assert_eq!(
                retries.decide(&status(code, None), Duration::ZERO, 0.5),
                RetryDecision::GiveUp,
                "{code}"
            );
        }
    }

    #[test]
    fn throttling_is_retried_until_pauses_exceed_the_maximum() {
        let policy = RetryPolicy::default();
        let mut retries = Retries::new(&policy);
        let pause = RetryDecision::PauseHost(Duration::from_secs(120));
        let mut next = || retries.decide(&status(429, Some(120)), Duration::ZERO, 0.5);
        assert_eq!(next(), pause);
        assert_eq!(next(), pause);
        assert_eq!(next(), RetryDecision::GiveUp);
    }

    #[test]
    fn stalling_peer_uses_up_the_attempts_within_four_minutes() {
        const STALL: Duration = Duration::from_secs(30);
        let policy = RetryPolicy::default();
        let timeout = |after| Error::Timeout {
            method: http::Method::GET,
            url: String::new(),
            phase: crate::timeout_phase::TimeoutPhase::Response,
            after,
        };
        for (stall, idle) in [
            (STALL, STALL),
            (2 * STALL, 2 * STALL),
            (2 * STALL, STALL / 10),
        ] {
            let mut retries = Retries::new(&policy);
            let mut spent = stall;
            while let RetryDecision::Wait(wait) = retries.decide(&timeout(stall), idle, 1.0) {
                spent += wait + stall;
            }
            assert!(spent < Duration::from_secs(240), "{spent:?}");
        }
    }

    #[test]
    fn throttling_without_retry_after_ends_with_the_status_error() {
        let policy = RetryPolicy {
            max_wait: Duration::from_secs(1),
            ..RetryPolicy::default()
        };
        for jitter in [0.0, 0.5, 1.0] {
            let mut retries = Retries::new(&policy);
            let waits: Vec<_> = (0..8)
                .map(|_| retries.decide(&status(429, None), Duration::ZERO, jitter))
                .collect();
            assert_eq!(waits.last(), Some(&RetryDecision::GiveUp), "{waits:?}");
            let long = |next: &RetryDecision| matches!(next, RetryDecision::PauseHost(w) if *w > policy.max_wait);
            assert!(!waits.iter().any(long), "{waits:?}");
        }
    }

    #[test]
    fn retry_after_zero_uses_the_backoff() {
        let policy = RetryPolicy::default();
        for code in [429, 503] {
            let next = Retries::new(&policy).decide(&status(code, Some(0)), Duration::ZERO, 0.5);
            let wait = Duration::from_millis(500);
            assert!(
                next == RetryDecision::Wait(wait) || next == RetryDecision::PauseHost(wait),
                "{next:?}"
            );
        }
    }
}
