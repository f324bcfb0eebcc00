//! The requests in flight, for the status of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http::Method;
use url::Url;

use super::body_progress::BodyProgress;
use crate::lock::lock;
use crate::redact;

/// A request that was sent and whose response has not been read to the end.
#[derive(Debug, Clone)]
pub struct InFlightRequest {
    /// The method.
    pub method: Method,
    /// The URL, redacted.
    pub url: String,
    /// The time since it was sent.
    pub age: Duration,
    /// The time since the peer sent or accepted a byte; zero while it waits for the source.
    pub idle: Duration,
    /// The progress.
    pub stage: Stage,
}

/// The progress of a request in bytes of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The number of bytes still to be sent.
    Sending(u64),
    /// As above, while the peer waits for the source of the body.
    WaitingForSource(u64),
    /// Everything was sent, no byte of the response was received.
    Waiting,
    /// The number of received bytes.
    Receiving(u64),
}

/// The requests of a client that are in flight, in the order of their start.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    requests: Mutex<BTreeMap<u64, Arc<Request>>>,
    next: AtomicU64,
}

/// One request. Its URL is redacted when the status is printed, which is rare.
struct Request {
    method: Method,
    url: Url,
    started: Instant,
    body_progress: Arc<BodyProgress>,
    /// Received bytes plus 1; 0 before the response headers.
    received: AtomicU64,
    /// Milliseconds from `started` to the last of them.
    last_received: AtomicU64,
}

/// Keeps a request among those in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightGuard {
    all: Arc<InFlight>,
    request: Arc<Request>,
    id: u64,
}

impl InFlight {
    /// Adds a request.
    pub(crate) fn insert(
        self: &Arc<Self>,
        method: &Method,
        url: &Url,
        body_progress: &Arc<BodyProgress>,
    ) -> InFlightGuard {
        let request = Arc::new(Request {
            method: method.clone(),
            url: url.clone(),
            started: Instant::now(),
            body_progress: Arc::clone(body_progress),
            received: AtomicU64::new(0),
            last_received: AtomicU64::new(0),
        });
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Arc::clone(&request));
        InFlightGuard {
            all: Arc::clone(self),
            request,
            id,
        }
    }

    /// Returns the requests in flight, oldest first.
    pub(crate) fn snapshot(&self) -> Vec<InFlightRequest> {
        let requests: Vec<_> = self.lock().values().cloned().collect();
        requests.iter().map(|request| request.snapshot()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Request>>> {
        lock(&self.requests)
    }
}

impl InFlightGuard {
    /// Notes the response headers, or a chunk of the response body.
    pub(crate) fn record_received(&self, bytes: u64) {
        let Request {
            started,
            received,
            last_received,
            ..
        } = &*self.request;
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        last_received.store(elapsed, Ordering::Relaxed);
        // The first call is for the headers and counts as one byte.
        let first = received.load(Ordering::Relaxed) == 0;
        received.fetch_add(bytes + u64::from(first), Ordering::Relaxed);
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

impl Request {
    fn snapshot(&self) -> InFlightRequest {
        let received = self.received.load(Ordering::Relaxed);
        let age = self.started.elapsed();
        let last = Duration::from_millis(self.last_received.load(Ordering::Relaxed));
        let (stage, idle) = match (received.checked_sub(1), self.body_progress.remaining()) {
            (Some(bytes), _) => (Stage::Receiving(bytes), age.saturating_sub(last)),
            (None, 0) => (Stage::Waiting, self.body_progress.idle()),
            (None, remaining) if self.body_progress.is_waiting_for_source() => {
                (Stage::WaitingForSource(remaining), Duration::ZERO)
            }
            (None, remaining) => (Stage::Sending(remaining), self.body_progress.idle()),
        };
        InFlightRequest {
            method: self.method.clone(),
            url: redact::url(&self.url),
            age,
            idle,
            stage,
        }
    }
}

/// Prints the redacted URL.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, redact::url(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeouts::Timeouts;
    use super::*;

    #[test]
    fn request_is_listed_until_its_response_is_read() {
        let all = Arc::new(InFlight::default());
        let url: Url = "https://r.io/v2/a/blobs/uploads/1?_state=hidden&digest=d"
            .parse()
            .unwrap();
        let body_progress = BodyProgress::new(10, &Timeouts::default());
        let guard = all.insert(&Method::PUT, &url, &body_progress);
        let stage = || all.snapshot().first().map(|request| request.stage);
        assert_eq!(stage(), Some(Stage::Sending(10)));
        body_progress.set_waiting_for_source();
        assert_eq!(stage(), Some(Stage::WaitingForSource(10)));
        body_progress.record_sent(10);
        assert_eq!(stage(), Some(Stage::Waiting));
        guard.record_received(0);
        assert_eq!(stage(), Some(Stage::Receiving(0)));
        guard.record_received(7);
        assert_eq!(stage(), Some(Stage::Receiving(7)));
        let printed = format!("{all:?} {:?}", all.snapshot());
        assert!(
            printed.contains("digest=d") && !printed.contains("hidden"),
            "{printed}"
        );
        drop(guard);
        assert_eq!(stage(), None);
    }

    #[test]
    fn idle_time_starts_at_the_last_received_byte() {
        let all = Arc::new(InFlight::default());
        let url: Url = "https://r.io/".parse().unwrap();
        let guard = all.insert(
            &Method::GET,
            &url,
            &BodyProgress::new(0, &Timeouts::default()),
        );
        std::thread::sleep(Duration::from_millis(60));
        guard.record_received(0);
        std::thread::sleep(Duration::from_millis(20));
        let now = &all.snapshot()[0];
        let (shortest, moved) = (Duration::from_millis(20), Duration::from_millis(60));
        assert!(now.age >= moved + shortest, "{now:?}");
        assert!(
            now.idle >= shortest && now.idle <= now.age - moved + shortest,
            "{now:?}"
        );
    }
}
