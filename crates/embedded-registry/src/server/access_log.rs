//! What was asked and answered, for whoever has to prove that a request was not made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};

/// A request and the status it was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// The method.
    pub method: Method,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query without its `?`, empty where there is none.
    pub query: String,
    /// The status of the answer.
    pub status: StatusCode,
}

/// The first requests up to a bound, and the number of all.
#[derive(Debug)]
pub(crate) struct AccessLog {
    bound: usize,
    kept: Mutex<Vec<LoggedRequest>>,
    all: AtomicU64,
}

impl AccessLog {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            bound,
            kept: Mutex::new(Vec::new()),
            all: AtomicU64::new(0),
        }
    }

    /// Counts a request and keeps what `entry` makes of it while there is room.
    pub(crate) fn record(&self, entry: impl FnOnce() -> LoggedRequest) {
        self.all.fetch_add(1, Ordering::Relaxed);
        if self.bound == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.bound {
            kept.push(entry());
        }
    }

    pub(crate) fn kept(&self) -> Vec<LoggedRequest> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    pub(crate) fn count(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.all.store(0, Ordering::Relaxed);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
    }
}
