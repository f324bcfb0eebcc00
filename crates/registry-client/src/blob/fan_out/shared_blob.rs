//! A blob of a source that several destinations need.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use once_map::SharedValue;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio::task::AbortHandle;

use super::destination_pace::{DestinationPace, Kept, OpenRead};
use super::download::download;
use super::shared_reader::SharedReader;
use super::window::{Chunk, Detached, ReadPermits, Taken, Window};
use crate::blob::requests::Blob;
use crate::connection_failure::ConnectionFailure;
use crate::error::Error;
use crate::fair_share::FairPermit;
use crate::lock::lock;
use crate::repository::Repository;
use crate::transport::Permit;

type SmallContent = Arc<OnceCell<Result<Bytes, Error>>>;

/// A blob of a source repository: the destinations that may need it, and its read.
#[derive(Debug)]
pub(super) struct SharedBlob {
    pub(super) source: Repository,
    pub(super) blob: Blob,
    pub(super) pace: Arc<DestinationPace>,
    /// The permits of the read, for all its uploads.
    pub(super) stream: SharedValue<Arc<FairPermit>>,
    pub(super) permit: SharedValue<Arc<Permit>>,
    state: Mutex<State>,
    /// Notified when the window has a chunk more, or has ended.
    changed: Notify,
    /// Notified when an upload has taken a chunk or waits for the next.
    moved: Notify,
    small: Mutex<(SmallContent, Option<Kept>)>,
}

#[derive(Debug, Default)]
struct State {
    hosts: HashMap<String, ExpectedHost>,
    read: Option<Read>,
    last_read: u64,
    /// Uploads that have left the window of a read and do not know it, by read and key.
    detached: HashMap<(u64, u64), Detached>,
}

/// A destination registry that may need the blob.
#[derive(Debug)]
struct ExpectedHost {
    /// Uploads that may follow.
    expected: usize,
    /// It has begun to read, or reads by itself.
    is_settled: bool,
    /// The time for which a full window waits for it.
    patience: Duration,
}

#[derive(Debug)]
struct Read {
    number: u64,
    window: Window,
    turn: Arc<Semaphore>,
    task: AbortHandle,
    /// The memory of a whole blob without uploads.
    kept: Option<Kept>,
    _open: OpenRead,
}

/// The room in a window.
enum Room {
    Free,
    /// The window is full. An upload waits for the slowest for up to this time, if any waits.
    Full(Option<Duration>),
    /// The read is not needed any more.
    Ended,
}

impl SharedBlob {
    pub(super) fn new(source: Repository, blob: Blob, pace: Arc<DestinationPace>) -> Self {
        Self {
            source,
            blob,
            pace,
            stream: SharedValue::default(),
            permit: SharedValue::default(),
            state: Mutex::default(),
            changed: Notify::new(),
            moved: Notify::new(),
            small: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Expects an upload to a host.
    pub(super) fn expect(&self, host: &str) {
        let mut state = self.state();
        let expected = state.hosts.entry(host.to_owned());
        let expected = expected.or_insert_with(|| ExpectedHost {
            expected: 0,
            is_settled: false,
            patience: self.pace.join_patience(host),
        });
        expected.expected += 1;
    }

    /// Expects one upload less.
    pub(super) fn unexpect(&self, host: &str) {
        let mut state = self.state();
        if let Some(expected) = state.hosts.get_mut(host) {
            expected.expected -= 1;
            if expected.expected == 0 {
                state.hosts.remove(host);
            }
        }
        state.close_unneeded(&self.pace);
        drop(state);
        self.moved.notify_one();
    }

    /// Notes that a host reads the blob by itself.
    pub(super) fn settle(&self, host: &str) {
        let mut state = self.state();
        state.settle(host);
        state.close_unneeded(&self.pace);
        drop(state);
        self.moved.notify_one();
    }

    /// Returns true if the upload to a host should share a read: one can be joined, or other hosts may
    /// need the blob too.
    pub(super) fn is_shared(&self, host: &str) -> bool {
        if self.pace.is_behind(host) {
            return false;
        }
        let state = self.state();
        let mut others = state.hosts.iter().filter(|(other, _)| *other != host);
        match &state.read {
            Some(read) => read.window.has_start(),
            None => others.any(|(_, other)| !other.is_settled),
        }
    }

    /// Joins the read, or starts one. Returns `None` if its start is gone.
    pub(super) fn join(self: &Arc<Self>, host: &str, permits: ReadPermits) -> Option<SharedReader> {
        let mut state = self.state();
        state.settle(host);
        if state.read.is_none() {
            state.last_read += 1;
            state.read = Some(self.start(state.last_read, &permits));
        }
        let read = state.read.as_mut().filter(|read| read.window.has_start());
        self.pace.record_join(host, read.is_some());
        let read = read?;
        let key = read.window.join(host, permits, Instant::now());
        let reader = SharedReader::new(Arc::clone(self), read.number, key, Arc::clone(&read.turn));
        state.close_unneeded(&self.pace);
        drop(state);
        self.moved.notify_one();
        Some(reader)
    }

    fn start(self: &Arc<Self>, number: u64, permits: &ReadPermits) -> Read {
        let reader = self
            .source
            .read_blob_with(&self.blob, Some(Arc::clone(&permits.source)));
        let turn = Arc::new(Semaphore::new(1));
        let shared = Arc::clone(self);
        let first_turn = Arc::clone(&turn);
        let task = tokio::spawn(async move {
            // Free, since nothing else has the semaphore yet.
            if let Ok(first_turn) = first_turn.acquire_owned().await {
                download(shared, number, reader, first_turn).await;
            }
        });
        Read {
            number,
            window: Window::default(),
            turn,
            task: task.abort_handle(),
            kept: None,
            _open: self.pace.open_read(),
        }
    }

    /// Waits until the window has room. Returns false if the read is not needed any more.
    pub(super) async fn has_room(&self, number: u64) -> bool {
        loop {
            let started = Instant::now();
            let room = self.state().room(number, &self.pace, started);
            let wait = match room {
                Room::Free => return true,
                Room::Ended => return false,
                Room::Full(wait) => wait,
            };
            let moved = self.moved.notified();
            let Some(wait) = wait else {
                moved.await;
                continue;
            };
            let wait = wait.max(Duration::from_millis(1));
            tokio::time::timeout(wait, moved).await.ok();
            if self.state().charge(number, started, &self.pace) {
                self.changed.notify_waiters();
            }
        }
    }

    pub(super) fn push(&self, number: u64, chunk: Chunk) {
        if let Some(read) = self.state().read(number) {
            read.window.push(chunk);
        }
        self.changed.notify_waiters();
    }

    pub(super) fn finish(&self, number: u64, end: Result<(), Error>) {
        let mut state = self.state();
        if let Some(read) = state.read(number) {
            read.window.finish(end);
        }
        state.close_unneeded(&self.pace);
        drop(state);
        self.changed.notify_waiters();
    }

    pub(super) fn release_laggards(&self, number: u64) {
        if let Some(read) = self.state().read(number) {
            read.window
                .release_laggards(|host| self.pace.fall_behind(host));
        }
    }

    pub(super) fn take(&self, number: u64, key: u64) -> Taken {
        let mut state = self.state();
        if let Some(detached) = state.detached.remove(&(number, key)) {
            return Taken::Detached(Box::new(detached));
        }
        let keeps_start = state.keeps_start();
        let read = state.read(number);
        let taken = read.and_then(|read| read.window.take(key, keeps_start));
        drop(state);
        self.moved.notify_one();
        // A read exists as long as it has uploads.
        taken.unwrap_or_else(|| Taken::Failed(self.ended()))
    }

    fn ended(&self) -> Error {
        Error::Connection {
            method: Method::GET,
            url: format!("{}@{}", self.source, self.blob.digest),
            failure: ConnectionFailure::Closed,
            detail: "the shared download has ended".to_owned(),
        }
    }

    pub(super) fn leave(&self, number: u64, key: u64) {
        let mut state = self.state();
        let keeps_start = state.keeps_start();
        let detached = state.detached.remove(&(number, key));
        if let Some(read) = state.read(number) {
            read.window.leave(key, keeps_start);
        }
        state.close_unneeded(&self.pace);
        drop((state, detached));
        self.moved.notify_one();
    }

    /// Returns the content of a small blob, read once for the uploads that need it at the same time,
    /// and for later ones as long as memory allows.
    ///
    /// # Errors
    ///
    /// As [`Repository::small_blob`], the same for all uploads that wait.
    pub(super) async fn small_content(&self, limit: u64) -> Result<Bytes, Error> {
        let cell = Arc::clone(&lock(&self.small).0);
        let read = || self.source.small_blob(&self.blob, limit);
        let content = cell.get_or_init(read).await.clone();
        let (current, kept) = &mut *lock(&self.small);
        if Arc::ptr_eq(current, &cell) && kept.is_none() {
            *kept = self.pace.keep(self.blob.size).filter(|_| content.is_ok());
            if kept.is_none() {
                *current = Arc::default();
            }
        }
        content
    }
}

impl State {
    fn read(&mut self, number: u64) -> Option<&mut Read> {
        self.read.as_mut().filter(|read| read.number == number)
    }

    fn settle(&mut self, host: &str) {
        if let Some(expected) = self.hosts.get_mut(host) {
            expected.is_settled = true;
        }
    }

    /// Returns true if a host may still begin to read.
    fn keeps_start(&self) -> bool {
        self.hosts.values().any(|host| !host.is_settled)
    }

    /// Drops chunks that no upload needs, or the read if none needs it.
    fn close_unneeded(&mut self, pace: &Arc<DestinationPace>) {
        let keeps_start = self.keeps_start();
        let Some(read) = &mut self.read else { return };
        read.window.trim(keeps_start);
        if read.window.has_readers() {
            return;
        }
        let is_kept = keeps_start
            && read.window.has_start()
            && match read.window.end() {
                Some(_) if read.kept.is_none() => {
                    read.kept = pace.keep(read.window.bytes());
                    read.kept.is_some()
                }
                _ => true,
            };
        if !is_kept {
            read.task.abort();
            self.read = None;
        }
    }

    fn room(&mut self, number: u64, pace: &Arc<DestinationPace>, now: Instant) -> Room {
        let behind = self
            .hosts
            .iter_mut()
            .filter(|(host, _)| pace.is_behind(host));
        behind.for_each(|(_, host)| host.is_settled = true);
        self.close_unneeded(pace);
        let patience = self.join_patience();
        let Some(read) = self.read(number) else {
            return Room::Ended;
        };
        if read.window.bytes() < pace.window_size() {
            return Room::Free;
        }
        if !read.window.is_awaited() {
            return Room::Full(None);
        }
        let patience = patience.filter(|_| read.window.has_start());
        let left = read.window.credit_left(now);
        Room::Full(left.into_iter().chain(patience).min())
    }

    /// Returns the time for which a full window waits for the next host to begin.
    fn join_patience(&self) -> Option<Duration> {
        let open = self.hosts.values().filter(|host| !host.is_settled);
        open.map(|host| host.patience).min()
    }

    /// Charges the hosts and uploads that keep a window full, since `started`, while others wait.
    /// Returns true if any is not waited for any more.
    fn charge(&mut self, number: u64, started: Instant, pace: &Arc<DestinationPace>) -> bool {
        let now = Instant::now();
        let held = now.saturating_duration_since(started);
        let Some(read) = self.read.as_mut().filter(|read| read.number == number) else {
            return false;
        };
        let behind = |host: &str| pace.fall_behind(host);
        let detached = read.window.charge(held, now, behind);
        let mut has_changed = !detached.is_empty();
        let detached = detached.into_iter();
        self.detached
            .extend(detached.map(|(key, detached)| ((number, key), detached)));
        if read.window.has_start() {
            for (host, expected) in self.hosts.iter_mut().filter(|(_, host)| !host.is_settled) {
                expected.patience = expected.patience.saturating_sub(held);
                if expected.patience.is_zero() {
                    tracing::debug!(host, "a read does not wait for an upload any longer");
                    expected.is_settled = true;
                    pace.record_join(host, false);
                    has_changed = true;
                }
            }
        }
        if has_changed {
            self.close_unneeded(pace);
        }
        has_changed
    }
}
