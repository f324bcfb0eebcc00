//! What went through a proxy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, header};

use super::kind::RequestKind;

/// Requests that are remembered. A test that makes more is not looking at each of them.
const BOUND: usize = 200_000;

/// A request as a client made it, and what it got.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query without its `?`, empty where there is none.
    pub query: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// When its head had arrived.
    pub arrived: Instant,
    /// When the head of the answer was sent, and its status; `None` while there is none.
    pub answered: Option<(Instant, u16)>,
    /// Bytes of its body so far.
    pub sent_bytes: u64,
    /// Bytes of the answer's body so far.
    pub received_bytes: u64,
    /// Whether a rule did something to it.
    pub faulted: bool,
}

impl Recorded {
    /// The answer's status.
    pub fn status(&self) -> Option<u16> {
        self.answered.map(|(_, status)| status)
    }

    /// What it asked for.
    pub fn kind(&self) -> Option<RequestKind> {
        RequestKind::of(&self.method, &self.path, &self.query)
    }

    /// Whether it carried credentials.
    pub fn is_authorized(&self) -> bool {
        self.headers.contains_key(header::AUTHORIZATION)
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    recorded: Arc<Mutex<Recorded>>,
    pub(super) sent: Arc<AtomicU64>,
    pub(super) received: Arc<AtomicU64>,
}

impl Entry {
    fn with<R>(&self, work: impl FnOnce(&mut Recorded) -> R) -> R {
        work(&mut self.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn answered(&self, status: u16) {
        self.with(|recorded| recorded.answered = Some((Instant::now(), status)));
    }

    fn snapshot(&self) -> Recorded {
        let mut recorded = self.with(|recorded| recorded.clone());
        recorded.sent_bytes = self.sent.load(Ordering::Relaxed);
        recorded.received_bytes = self.received.load(Ordering::Relaxed);
        recorded
    }
}

/// The requests in the order in which they arrived.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Vec<Entry>>);

impl Recorder {
    fn with<R>(&self, work: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn arrived(&self, parts: &Parts, faulted: bool) -> Entry {
        let recorded = Recorded {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
            arrived: Instant::now(),
            answered: None,
            sent_bytes: 0,
            received_bytes: 0,
            faulted,
        };
        let entry = Entry {
            recorded: Arc::new(Mutex::new(recorded)),
            sent: Arc::default(),
            received: Arc::default(),
        };
        self.with(|entries| {
            if entries.len() < BOUND {
                entries.push(entry.clone());
            }
        });
        entry
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        let entries = self.with(|entries| entries.clone());
        entries.iter().map(Entry::snapshot).collect()
    }

    pub(super) fn clear(&self) {
        self.with(Vec::clear);
    }
}
