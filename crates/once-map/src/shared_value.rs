//! A value that is kept as long as a task holds it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OnceCell;

/// A value that concurrent tasks share. The first task computes it, and it is dropped with the last
/// [`Lease`]; the next task computes it again.
pub struct SharedValue<V> {
    cell: Mutex<Weak<OnceCell<V>>>,
}

/// A share in a value.
#[derive(Debug, Clone)]
pub struct Lease<V> {
    value: V,
    _cell: Arc<OnceCell<V>>,
}

impl<V> Default for SharedValue<V> {
    fn default() -> Self {
        Self {
            cell: Mutex::default(),
        }
    }
}

impl<V> fmt::Debug for SharedValue<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedValue").finish_non_exhaustive()
    }
}

impl<V: Clone> SharedValue<V> {
    /// Returns a share in the value, computed by `init` if no task has one. The value is cloned into
    /// the lease, so put a value that has a `Drop` implementation in an [`Arc`].
    ///
    /// # Errors
    ///
    /// The error of `init`, which is not kept.
    pub async fn lease<E, F>(&self, init: impl FnOnce() -> F) -> Result<Lease<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let cell = self.cell();
        let value = cell.get_or_try_init(init).await?.clone();
        Ok(Lease { value, _cell: cell })
    }

    fn cell(&self) -> Arc<OnceCell<V>> {
        let mut current = self.cell.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().unwrap_or_else(|| {
            let cell = Arc::default();
            *current = Arc::downgrade(&cell);
            cell
        })
    }
}

impl<V> Deref for Lease<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn value_lives_as_long_as_its_leases() {
        let shared = SharedValue::default();
        let value = |number: usize| async move {
            yield_now().await;
            Ok::<_, &str>(Arc::new(number))
        };
        let (first, second) = tokio::join!(shared.lease(|| value(1)), shared.lease(|| value(2)));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!((**first, **second), (1, 1), "computed once");
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_some());
        drop(second);
        assert!(weak.upgrade().is_none(), "dropped with the last lease");
        let third = shared.lease(|| value(3)).await.unwrap();
        assert_eq!(**third, 3);
    }

    #[tokio::test]
    async fn failure_is_not_kept() {
        let shared = SharedValue::default();
        let failed = shared.lease(|| async { Err::<usize, _>("failed") }).await;
        assert_eq!(failed.err(), Some("failed"));
        let leased = shared.lease(|| async { Ok::<_, &str>(2) }).await;
        assert_eq!(leased.map(|lease| *lease), Ok(2));
    }
}
