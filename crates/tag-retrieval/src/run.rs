//! All entries of a run, at the same time.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::Semaphore;

use crate::config::Entry;
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

/// How many entries at once, and how long each may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries under way; whom they ask has limits of its own.
    pub entries: usize,
    /// From an entry's first request to its result.
    pub deadline: Duration,
}

/// Why an entry has no result.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Its source said why.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    /// Whoever was asked takes too long.
    #[error("there was no result within the deadline of {} s", .0.as_secs())]
    Deadline(Duration),
}

/// What came of an entry.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// What its source came back with.
    pub result: Result<Retrieved, EntryError>,
}

/// Asks the sources of entries. One that fails, or does not answer, does not
/// hold the others. The outcomes are in the order of the entries; `on_end` is
/// told of each as it ends.
pub async fn retrieve<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    upstreams: &Upstreams,
    limits: Limits,
    on_end: impl Fn(&Outcome<'a>),
) -> Vec<Outcome<'a>> {
    let permits = Semaphore::new(limits.entries.clamp(1, Semaphore::MAX_PERMITS));
    let (permits, on_end) = (&permits, &on_end);
    let all: FuturesOrdered<_> = entries
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
    all.collect().await
}
