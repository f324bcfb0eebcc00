//! Which requests are under way, for whoever asks what a run is doing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use url::Url;

use super::body_progress::BodyProgress;
use crate::redact;

/// A request that was sent and whose answer has not been read to its end.
#[derive(Debug, Clone)]
pub struct InFlightRequest {
    /// Its method.
    pub method: Method,
    /// Its URL, without what must not be guard.
    pub url: String,
    /// Since it was sent.
    pub age: Duration,
    /// Since the peer did anything; nothing while it waits for us.
    pub idle: Duration,
    /// How far it is.
    pub stage: Stage,
}

/// How far a request is. Bytes are bytes of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// So many bytes are still to be sent.
    Sending(u64),
    /// So many bytes are still to be sent, and the peer waits for us to have them.
    WaitingForSource(u64),
    /// No byte of the answer has come.
    Waiting,
    /// So many bytes of the answer have come.
    Receiving(u64),
}

/// All requests of a client that are under way, in the order of their beginning.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    requests: Mutex<BTreeMap<u64, Arc<Request>>>,
    next: AtomicU64,
}

/// One of them. The URL is made presentable when somebody asks: nobody does
/// for nearly all of them.
struct Request {
    method: Method,
    url: Url,
    begun: Instant,
    body_progress: Arc<BodyProgress>,
    /// Bytes of the answer, one more than came: 0 is no answer yet.
    received: AtomicU64,
    /// Milliseconds from `begun` to the last of them.
    last: AtomicU64,
}

/// A request that is guard for as long as this lives.
#[derive(Debug)]
pub(crate) struct InFlightGuard {
    all: Arc<InFlight>,
    request: Arc<Request>,
    id: u64,
}

impl InFlight {
    /// Shows a request.
    pub(crate) fn begin(
        self: &Arc<Self>,
        method: &Method,
        url: &Url,
        body_progress: &Arc<BodyProgress>,
    ) -> InFlightGuard {
        let request = Arc::new(Request {
            method: method.clone(),
            url: url.clone(),
            begun: Instant::now(),
            body_progress: Arc::clone(body_progress),
            received: AtomicU64::new(0),
            last: AtomicU64::new(0),
        });
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, Arc::clone(&request));
        InFlightGuard {
            all: Arc::clone(self),
            request,
            id,
        }
    }

    /// Those that are guard now, oldest first.
    pub(crate) fn now(&self) -> Vec<InFlightRequest> {
        let guard: Vec<_> = self.lock().values().cloned().collect();
        guard.iter().map(|request| request.now()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Request>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlightGuard {
    /// The headers have come, or a piece of the answer's body of so many bytes.
    pub(crate) fn received(&self, bytes: u64) {
        let Request {
            begun,
            received,
            last,
            ..
        } = &*self.request;
        let elapsed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        last.store(elapsed, Ordering::Relaxed);
        // The first call is that for the headers, which counts as the one.
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
    fn now(&self) -> InFlightRequest {
        let received = self.received.load(Ordering::Relaxed);
        let age = self.begun.elapsed();
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        let (stage, idle) = match (received.checked_sub(1), self.body_progress.left()) {
            (Some(bytes), _) => (Stage::Receiving(bytes), age.saturating_sub(last)),
            (None, 0) => (Stage::Waiting, self.body_progress.idle()),
            (None, left) if self.body_progress.is_waiting_for_source() => {
                (Stage::WaitingForSource(left), Duration::ZERO)
            }
            (None, left) => (Stage::Sending(left), self.body_progress.idle()),
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

/// Without the secrets that URLs carry.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, redact::url(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_until_its_answer_is_read() {
        let all = Arc::new(InFlight::default());
        let url: Url = "https://r.io/v2/a/blobs/uploads/1?_state=hidden&digest=d"
            .parse()
            .unwrap();
        let body_progress = BodyProgress::new(10);
        let guard = all.begin(&Method::PUT, &url, &body_progress);
        let stage = || all.now().first().map(|request| request.stage);
        assert_eq!(stage(), Some(Stage::Sending(10)));
        body_progress.set_waiting_for_source();
        assert_eq!(stage(), Some(Stage::WaitingForSource(10)));
        body_progress.taken(10);
        assert_eq!(stage(), Some(Stage::Waiting));
        guard.received(0);
        assert_eq!(stage(), Some(Stage::Receiving(0)));
        guard.received(7);
        assert_eq!(stage(), Some(Stage::Receiving(7)));
        let told = format!("{all:?} {:?}", all.now());
        assert!(
            told.contains("digest=d") && !told.contains("hidden"),
            "{told}"
        );
        drop(guard);
        assert_eq!(stage(), None);
    }

    #[test]
    fn what_stands_still_says_for_how_long() {
        let all = Arc::new(InFlight::default());
        let url: Url = "https://r.io/".parse().unwrap();
        let guard = all.begin(&Method::GET, &url, &BodyProgress::new(0));
        std::thread::sleep(Duration::from_millis(60));
        guard.received(0);
        std::thread::sleep(Duration::from_millis(20));
        let now = &all.now()[0];
        let (shortest, moved) = (Duration::from_millis(20), Duration::from_millis(60));
        assert!(now.age >= moved + shortest, "{now:?}");
        assert!(
            now.idle >= shortest && now.idle <= now.age - moved + shortest,
            "{now:?}"
        );
    }
}
