//! Doing a thing once, however many want it.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// What was made so far, by what it was made of.
pub(super) struct Once<K, V> {
    cells: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self {
            cells: Mutex::default(),
        }
    }
}

impl<K, V> fmt::Debug for Once<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash, V: Clone> Once<K, V> {
    /// What `make` gives, or gave. Who comes while it is being made waits for it; where its maker
    /// gives up (is dropped), the next one makes it.
    pub(super) async fn get(&self, key: K, make: impl Future<Output = V>) -> V {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(|| make).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn it_is_made_once_for_all_who_want_it_and_again_where_the_maker_gave_up() {
        let once = Once::default();
        let given_up = timeout(Duration::from_millis(5), once.get("a", pending::<usize>())).await;
        assert!(given_up.is_err());
        let made = AtomicUsize::new(0);
        let make = || async {
            tokio::task::yield_now().await;
            made.fetch_add(1, Ordering::Relaxed)
        };
        let got = tokio::join!(
            once.get("a", make()),
            once.get("a", make()),
            once.get("b", make())
        );
        assert_eq!(got.0, got.1, "one thing for both");
        assert_ne!(got.0, got.2);
        assert_eq!(made.into_inner(), 2);
    }
}
