//! The map.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// A map whose values are computed once. Values are cloned out of it, so large ones belong in an
/// [`Arc`].
pub struct OnceMap<K, V> {
    slots: Mutex<HashMap<K, Slot<V>>>,
}

/// The value of a key. A map can have very many values, so a computed value does not keep its cell.
enum Slot<V> {
    Pending(Arc<OnceCell<V>>),
    Computed(V),
}

impl<K, V> Default for OnceMap<K, V> {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }
}

impl<K, V> fmt::Debug for OnceMap<K, V> {
    /// Without keys and values, which can be secret or many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceMap").finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> OnceMap<K, V> {
    /// Returns the value of a key, computed by `init` if it is not there.
    pub async fn get_or_init<F>(&self, key: K, init: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V>,
    {
        let cell = match self.slot(&key) {
            Slot::Computed(value) => return value,
            Slot::Pending(cell) => cell,
        };
        let value = cell.get_or_init(init).await.clone();
        self.keep(&key, &value);
        value
    }

    /// Returns the value of a key, computed by `init` if it is not there.
    ///
    /// # Errors
    ///
    /// The error of `init`, which is not kept.
    pub async fn get_or_try_init<E, F>(&self, key: K, init: impl FnOnce() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let cell = match self.slot(&key) {
            Slot::Computed(value) => return Ok(value),
            Slot::Pending(cell) => cell,
        };
        let value = cell.get_or_try_init(init).await?.clone();
        self.keep(&key, &value);
        Ok(value)
    }

    /// Returns the value of a key, if it is computed.
    pub fn get(&self, key: &K) -> Option<V> {
        match self.lock().get(key)? {
            Slot::Computed(value) => Some(value.clone()),
            Slot::Pending(cell) => cell.get().cloned(),
        }
    }

    /// Returns the slot of a key, a pending one if there is none.
    fn slot(&self, key: &K) -> Slot<V> {
        let mut slots = self.lock();
        match slots.get(key) {
            Some(Slot::Computed(value)) => Slot::Computed(value.clone()),
            Some(Slot::Pending(cell)) => Slot::Pending(Arc::clone(cell)),
            None => {
                let cell = Arc::default();
                slots.insert(key.clone(), Slot::Pending(Arc::clone(&cell)));
                Slot::Pending(cell)
            }
        }
    }

    /// Keeps a computed value without its cell.
    fn keep(&self, key: &K, value: &V) {
        if let Some(slot @ Slot::Pending(_)) = self.lock().get_mut(key) {
            *slot = Slot::Computed(value.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Slot<V>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn concurrent_tasks_compute_a_value_once() {
        let map = OnceMap::default();
        let computed = AtomicUsize::new(0);
        let compute = || async {
            yield_now().await;
            computed.fetch_add(1, Ordering::Relaxed)
        };
        let (first, second, other) = tokio::join!(
            map.get_or_init("a", compute),
            map.get_or_init("a", compute),
            map.get_or_init("b", compute)
        );
        assert_eq!(first, second);
        assert_ne!(first, other);
        assert_eq!(computed.into_inner(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let map = OnceMap::default();
        let attempts = AtomicUsize::new(0);
        let compute = || async {
            yield_now().await;
            match attempts.fetch_add(1, Ordering::Relaxed) {
                0 => Err("failed"),
                attempt => Ok(attempt),
            }
        };
        let both = tokio::join!(
            map.get_or_try_init("a", compute),
            map.get_or_try_init("a", compute)
        );
        assert_eq!(both, (Err("failed"), Ok(1)));
        assert_eq!(map.get_or_try_init("a", compute).await, Ok(1));
    }

    #[tokio::test]
    async fn get_returns_computed_values_only() {
        let map = OnceMap::default();
        let failed: Result<usize, ()> = map.get_or_try_init("a", async || Err(())).await;
        assert_eq!((failed, map.get(&"a")), (Err(()), None));
        map.get_or_init("a", async || 1).await;
        assert_eq!(map.get(&"a"), Some(1));
    }

    #[tokio::test]
    async fn a_dropped_task_passes_the_turn() {
        let map = OnceMap::default();
        let mut first = Box::pin(map.get_or_init("a", pending::<usize>));
        let polled = poll_once(&mut first).await;
        assert!(polled.is_pending());
        let second = map.get_or_init("a", async || 2);
        let (value, ()) = tokio::join!(second, async {
            yield_now().await;
            drop(first);
        });
        assert_eq!(value, 2);
    }

    async fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context))
        })
        .await
    }
}
