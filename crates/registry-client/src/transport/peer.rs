//! The pauses and failures of one peer.

use std::sync::Arc;
use std::time::Duration;

use super::circuit_breaker::CircuitBreaker;
use super::host_limit::HostLimit;
use super::retry_policy::{Retries, RetryDecision, RetryPolicy};
use crate::error::Error;

/// The limit and the circuit breaker of a registry or of a token server.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) limit: Arc<HostLimit>,
    pub(crate) breaker: CircuitBreaker,
}

impl Peer {
    /// Waits before a further attempt, or pauses all requests to the peer, `idle` being the time in
    /// which the peer did nothing before it failed. Every retry of this crate passes here.
    ///
    /// # Errors
    ///
    /// The given error if no attempt follows.
    pub(crate) async fn retry(
        &self,
        retries: &mut Retries,
        error: Error,
        idle: Duration,
    ) -> Result<(), Error> {
        match self.decide(retries, &error, idle) {
            RetryDecision::Wait(wait) => {
                self.limit.record_backoff(wait);
                tokio::time::sleep(wait).await;
            }
            RetryDecision::PauseHost(wait) => self.limit.pause_for(wait),
            RetryDecision::GiveUp => {
                self.breaker.record_exhausted(&error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Notes the failure of a request that is not sent again, as [`Peer::retry`] does: a throttling
    /// peer gets its pause.
    pub(crate) fn record_failure(&self, policy: &RetryPolicy, error: &Error, idle: Duration) {
        let decision = self.decide(&mut Retries::new(policy), error, idle);
        if let RetryDecision::PauseHost(wait) = decision {
            self.limit.pause_for(wait);
        }
    }

    fn decide(&self, retries: &mut Retries, error: &Error, idle: Duration) -> RetryDecision {
        self.breaker.record_failure(error, idle);
        let decision = match self.breaker.decide(error) {
            Some(decision) => decision,
            None => retries.decide(error, idle, fastrand::f32()),
        };
        tracing::debug!(%error, ?decision, "a request failed");
        decision
    }
}
