//! The concurrent run over all entries.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::Semaphore;

use crate::config::Entry;
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

/// The limits of a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum concurrent entries. Registries and GitHub have limits of their own.
    pub entries: usize,
    /// Maximum duration of one entry, from its first request to its result.
    pub deadline: Duration,
}

/// The reason why an entry has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The source failed.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    /// The source did not finish in time.
    #[error("no result within the deadline of {} s", .0.as_secs())]
    Deadline(Duration),
}

/// The outcome of one entry.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The result of its source.
    pub result: Result<Retrieved, EntryError>,
}

/// Queries the sources of all entries concurrently. One that fails or hangs does not delay the
/// others. Returns the outcomes in the order of the entries; `on_end` receives each as it ends.
pub async fn retrieve<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    upstreams: &Upstreams,
    limits: Limits,
    on_end: impl Fn(&Outcome<'a>),
) -> Vec<Outcome<'a>> {
    let permits = Semaphore::new(limits.entries.clamp(1, Semaphore::MAX_PERMITS));
    let (permits, on_end) = (&permits, &on_end);
    let outcomes: FuturesOrdered<_> = entries
        .into_iter()
        .map(|entry| async move {
            // The semaphore is never closed.
            let _permit = permits.acquire().await;
            let upstreams = upstreams.until(tokio::time::Instant::now() + limits.deadline);
            let retrieved = Box::pin(entry.source.retrieve(&upstreams));
            let result = match tokio::time::timeout(limits.deadline, retrieved).await {
                Ok(result) => result.map_err(EntryError::from),
                Err(_) => Err(EntryError::Deadline(limits.deadline)),
            };
            let outcome = Outcome { entry, result };
            on_end(&outcome);
            outcome
        })
        .collect();
    outcomes.collect().await
}
