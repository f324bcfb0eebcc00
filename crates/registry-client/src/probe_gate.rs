//! A gate that lets one request find out what holds for a host before the others go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The longest wait at the gate. A repository that does not respond must not hold all requests to
/// its host; some refused requests cost less.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A gate that is closed until the first request through it has ended.
///
/// The authentication scheme of a host, or its support of the referrers API, is known from the
/// first response. Without the gate, sixty requests that start together would all be refused.
#[derive(Debug)]
pub(crate) struct ProbeGate {
    is_open: AtomicBool,
    turn: Semaphore,
    max_wait: Duration,
}

/// The right to send the first request. The gate opens when it is dropped, however the request
/// ended, so that requests to a dead host do not pass one by one.
#[derive(Debug)]
pub(crate) struct ProbeGuard<'a> {
    gate: &'a ProbeGate,
    _turn: Option<SemaphorePermit<'a>>,
}

impl ProbeGate {
    pub(crate) fn new() -> Self {
        Self {
            is_open: AtomicBool::new(false),
            turn: Semaphore::new(1),
            max_wait: MAX_WAIT,
        }
    }

    /// Returns the guard to the first caller; the others wait until it is dropped, or for the
    /// longest wait. Returns `None` if the gate is open.
    pub(crate) async fn pass(&self) -> Option<ProbeGuard<'_>> {
        if self.is_open.load(Ordering::Acquire) {
            return None;
        }
        let Ok(turn) = timeout(self.max_wait, self.turn.acquire()).await else {
            return None;
        };
        let turn = turn.ok();
        if self.is_open.load(Ordering::Acquire) {
            return None;
        }
        Some(ProbeGuard {
            gate: self,
            _turn: turn,
        })
    }
}

impl Drop for ProbeGuard<'_> {
    fn drop(&mut self) {
        self.gate.is_open.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_first_caller_gets_the_guard() {
        let gate = ProbeGate::new();
        let probe = async || {
            let guard = gate.pass().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            guard.is_some()
        };
        let guards = futures::future::join_all((0..8).map(|_| probe())).await;
        assert_eq!(guards.iter().filter(|has_guard| **has_guard).count(), 1);
    }

    #[tokio::test]
    async fn slow_probe_delays_others_for_at_most_the_maximum_wait() {
        let gate = ProbeGate {
            max_wait: Duration::from_millis(5),
            ..ProbeGate::new()
        };
        let guard = gate.pass().await;
        assert!(guard.is_some());
        let (one, two) = tokio::join!(gate.pass(), gate.pass());
        assert!(one.is_none() && two.is_none());
    }
}
