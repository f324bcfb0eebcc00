//! What was fetched, or is being fetched, once for all who need it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::error::GithubError;

/// What was fetched, by what it is. A failure is not kept: who needs it next tries anew.
#[derive(Debug)]
pub(super) struct Fetched<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Fetched<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Fetched<K, V> {
    /// The value, from `fetch` where nobody fetched it.
    ///
    /// # Errors
    ///
    /// That of `fetch`.
    pub(super) async fn get<F>(&self, key: K, fetch: F) -> Result<V, GithubError>
    where
        F: Future<Output = Result<V, GithubError>>,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        let value = cell.get_or_try_init(|| fetch).await?;
        Ok(value.clone())
    }
}
