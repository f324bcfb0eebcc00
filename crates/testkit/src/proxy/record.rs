//! Recorded requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, header};

use super::request_kind::RequestKind;

/// Maximum recorded requests. A test with more does not inspect each of them.
const MAX_RECORDED: usize = 200_000;

/// A request as the client sent it, and its response.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query without its `?`, empty where there is none.
    pub query: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The time at which its head arrived.
    pub arrived: Instant,
    /// The time and status of the response head; `None` before it is sent.
    pub answered: Option<(Instant, u16)>,
    /// Bytes of the request body so far.
    pub sent_bytes: u64,
    /// Bytes of the response body so far.
    pub received_bytes: u64,
    /// True if a rule applied to the request.
    pub faulted: bool,
}

impl RecordedRequest {
    /// Returns the status of the response.
    pub fn status(&self) -> Option<u16> {
        self.answered.map(|(_, status)| status)
    }

    /// Returns the kind of the request.
    pub fn kind(&self) -> Option<RequestKind> {
        RequestKind::classify(&self.method, &self.path, &self.query)
    }

    /// Returns true if the request carried credentials.
    pub fn is_authorized(&self) -> bool {
        self.headers.contains_key(header::AUTHORIZATION)
    }

    /// Returns the value of a request header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The record of a request, updated while the proxy handles it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    recorded: Arc<Mutex<RecordedRequest>>,
    pub(super) sent: Arc<AtomicU64>,
    pub(super) received: Arc<AtomicU64>,
}

impl Entry {
    fn with<R>(&self, work: impl FnOnce(&mut RecordedRequest) -> R) -> R {
        work(&mut self.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn answered(&self, status: u16) {
        self.with(|recorded| recorded.answered = Some((Instant::now(), status)));
    }

    fn snapshot(&self) -> RecordedRequest {
        let mut recorded = self.with(|recorded| recorded.clone());
        recorded.sent_bytes = self.sent.load(Ordering::Relaxed);
        recorded.received_bytes = self.received.load(Ordering::Relaxed);
        recorded
    }
}

/// The requests in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Vec<Entry>>);

impl Recorder {
    fn with<R>(&self, work: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn record(&self, parts: &Parts, faulted: bool) -> Entry {
        let recorded = RecordedRequest {
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
            if entries.len() < MAX_RECORDED {
                entries.push(entry.clone());
            }
        });
        entry
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        let entries = self.with(|entries| entries.clone());
        entries.iter().map(Entry::snapshot).collect()
    }

    pub(super) fn clear(&self) {
        self.with(Vec::clear);
    }
}
