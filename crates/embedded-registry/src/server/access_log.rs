//! A log of requests, for tests that prove that a request was not sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};

/// A request and the status of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// The method.
    pub method: Method,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query without its `?`; empty if there is none.
    pub query: String,
    /// The status of the response.
    pub status: StatusCode,
}

/// The first requests, up to a limit, and the number of all requests.
#[derive(Debug)]
pub(crate) struct AccessLog {
    limit: usize,
    entries: Mutex<Vec<LoggedRequest>>,
    count: AtomicU64,
}

impl AccessLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: Mutex::new(Vec::new()),
            count: AtomicU64::new(0),
        }
    }

    /// Counts a request, and keeps the entry that `entry` builds while there is room.
    pub(crate) fn record(&self, entry: impl FnOnce() -> LoggedRequest) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.limit == 0 {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < self.limit {
            entries.push(entry());
        }
    }

    pub(crate) fn entries(&self) -> Vec<LoggedRequest> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clone()
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.count.store(0, Ordering::Relaxed);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clear();
    }
}
