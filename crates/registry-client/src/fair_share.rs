//! Permits that no key can use up for the others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock::lock;

/// A limit of concurrent work. Besides the permits that all keys share, each key has some of its own,
/// so work of one key that does not end leaves permits for the others.
#[derive(Debug)]
pub struct FairShare<K> {
    shared: Arc<Semaphore>,
    own: Mutex<HashMap<K, Arc<Semaphore>>>,
    own_permits: usize,
}

/// A permit of a [`FairShare`], returned when it is dropped.
#[derive(Debug)]
pub struct FairPermit {
    _permit: OwnedSemaphorePermit,
}

impl<K: Eq + Hash> FairShare<K> {
    /// Creates a limit of `shared` permits for all keys and `own_permits` for each key.
    #[must_use]
    pub fn new(shared: usize, own_permits: usize) -> Self {
        Self {
            shared: Arc::new(Semaphore::new(shared)),
            own: Mutex::default(),
            own_permits,
        }
    }

    /// Waits for a permit. Returns `None` once the limit is closed.
    pub async fn acquire(&self, key: K) -> Option<FairPermit> {
        let own = Arc::clone(
            lock(&self.own)
                .entry(key)
                .or_insert_with(|| Arc::new(Semaphore::new(self.own_permits))),
        );
        let shared = Arc::clone(&self.shared);
        if shared.is_closed() {
            return None;
        }
        let permit = tokio::select! {
            biased;
            permit = own.acquire_owned() => permit,
            permit = shared.acquire_owned() => permit,
        };
        permit.ok().map(|permit| FairPermit { _permit: permit })
    }

    /// Ends all waits; no permit is given any more.
    pub fn close(&self) {
        self.shared.close();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn each_key_has_a_permit_whatever_the_others_hold() {
        let limit = FairShare::new(2, 1);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(limit.acquire("slow").await.unwrap());
        }
        assert!(limit.acquire("slow").now_or_never().is_none());
        let other = limit.acquire("other").now_or_never();
        assert!(other.flatten().is_some());
        held.pop();
        let slow = limit.acquire("slow").now_or_never();
        assert!(slow.flatten().is_some(), "a returned permit is used again");
    }

    #[tokio::test]
    async fn closed_limit_ends_the_waits() {
        let limit = FairShare::new(1, 1);
        let _held = (limit.acquire(1).await, limit.acquire(1).await);
        let waiting = limit.acquire(1);
        let close = async { limit.close() };
        let (waited, ()) = tokio::join!(waiting, close);
        assert!(waited.is_none());
        assert!(limit.acquire(2).await.is_none());
    }
}
