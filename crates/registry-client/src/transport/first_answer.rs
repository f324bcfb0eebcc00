//! Lets one request find out what holds for a host before the others go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How long the others wait. Rather some requests that are refused than all of a host's held by one
/// repository of it that does not answer.
const LONGEST: Duration = Duration::from_secs(5);

/// A gate that is closed until somebody knows.
///
/// Which authentication a host wants, or whether it has the referrers API, is
/// learnt from the first real answer. Without the gate, sixty requests that
/// begin together would all be refused before the first has learnt why.
#[derive(Debug)]
pub(crate) struct FirstAnswer {
    known: AtomicBool,
    turn: Semaphore,
    longest: Duration,
}

/// Held by the one that asks; the gate opens when it is dropped, however the
/// request ended, so that a dead host does not serve the queue one by one.
#[derive(Debug)]
pub(crate) struct Leader<'a> {
    gate: &'a FirstAnswer,
    _turn: Option<SemaphorePermit<'a>>,
}

impl FirstAnswer {
    pub(crate) fn new() -> Self {
        Self {
            known: AtomicBool::new(false),
            turn: Semaphore::new(1),
            longest: LONGEST,
        }
    }

    /// `None` once the answer is known; the first caller becomes the leader
    /// and the others wait for it, for a while.
    pub(crate) async fn pass(&self) -> Option<Leader<'_>> {
        if self.known.load(Ordering::Acquire) {
            return None;
        }
        let Ok(turn) = timeout(self.longest, self.turn.acquire()).await else {
            return None;
        };
        let turn = turn.ok();
        if self.known.load(Ordering::Acquire) {
            return None;
        }
        Some(Leader {
            gate: self,
            _turn: turn,
        })
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        self.gate.known.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_leads_and_the_others_follow() {
        let gate = FirstAnswer::new();
        let ask = async || {
            let leader = gate.pass().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            leader.is_some()
        };
        let led = futures::future::join_all((0..8).map(|_| ask())).await;
        assert_eq!(led.iter().filter(|led| **led).count(), 1);
    }

    #[tokio::test]
    async fn a_leader_without_an_answer_does_not_hold_the_others() {
        let gate = FirstAnswer {
            longest: Duration::from_millis(5),
            ..FirstAnswer::new()
        };
        let leader = gate.pass().await;
        assert!(leader.is_some());
        let (one, two) = tokio::join!(gate.pass(), gate.pass());
        assert!(one.is_none() && two.is_none());
    }
}
