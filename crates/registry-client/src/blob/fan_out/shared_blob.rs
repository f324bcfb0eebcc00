//! A blob of a source that several destinations may need.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use once_map::SharedValue;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio::task::AbortHandle;

use super::destination_pace::{DestinationPace, KeptBlobMemory};
use super::shared_state::{ExpectedHost, Read, ReadMembership, State, WindowState};
use super::window::{Chunk, NextChunk, ReadPermits, Window};
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
    /// The permit for one stream, shared by the read's uploads.
    pub(super) stream: SharedValue<Arc<FairPermit>>,
    pub(super) permit: SharedValue<Arc<Permit>>,
    state: Mutex<State>,
    /// Notified when the window has a new chunk or has ended.
    changed: Notify,
    /// Notified when an upload takes a chunk or waits for the next one, or when the expected uploads change.
    moved: Notify,
    small: Mutex<(SmallContent, Option<KeptBlobMemory>)>,
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

    /// Notes that an upload to a host may follow.
    pub(super) fn expect(&self, host: &str) {
        let mut state = self.state();
        let expected = state.hosts.entry(host.to_owned());
        let expected = expected.or_insert_with(|| ExpectedHost {
            expected: 0,
            is_decided: false,
            join_wait: self.pace.join_wait(host),
        });
        expected.expected += 1;
    }

    /// Notes that an expected upload to a host has ended or will not follow.
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
    pub(super) fn stop_waiting_for(&self, host: &str) {
        let mut state = self.state();
        state.stop_waiting_for(host);
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
            None => others.any(|(_, other)| !other.is_decided),
        }
    }

    /// Adds an upload to the read. `start` starts the task of a new read. Returns `None` if the read has
    /// dropped its first chunks.
    pub(super) fn join(
        &self,
        host: &str,
        permits: ReadPermits,
        start: impl FnOnce(u64, &Arc<Semaphore>, &Arc<Permit>) -> AbortHandle,
    ) -> Option<ReadMembership> {
        let mut state = self.state();
        state.stop_waiting_for(host);
        if state.read.is_none() {
            state.last_read += 1;
            let (number, source_permit_use) = (state.last_read, Arc::new(Semaphore::new(1)));
            state.read = Some(Read {
                number,
                window: Window::new(self.pace.open_read()),
                task: start(number, &source_permit_use, &permits.source),
                stream: Some(permits.stream.clone()),
                source_permit_use,
                kept: None,
            });
        }
        let read = state.read.as_mut().filter(|read| read.window.has_start());
        self.pace.record_join(host, read.is_some());
        let read = read?;
        let membership = ReadMembership {
            number: read.number,
            key: read.window.join(host, permits, Instant::now()),
            source_permit_use: Arc::clone(&read.source_permit_use),
        };
        state.close_unneeded(&self.pace);
        drop(state);
        self.moved.notify_one();
        Some(membership)
    }

    /// Waits until the window has room. Returns false if the read is no longer needed.
    pub(super) async fn has_room(&self, number: u64) -> bool {
        loop {
            let started = Instant::now();
            let freed = self.pace.freed();
            let window = self.state().window_state(number, &self.pace, started);
            let wait = match window {
                WindowState::Free => return true,
                WindowState::Ended => return false,
                WindowState::Full(wait) => wait,
            };
            let moved = async {
                tokio::select! {
                    () = self.moved.notified() => {}
                    () = freed => {}
                }
            };
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

    /// Marks the uploads that have not taken all chunks as behind.
    pub(super) fn mark_slow_uploads_behind(&self, number: u64) {
        if let Some(read) = self.state().read(number) {
            read.window
                .mark_slow_uploads_behind(|host| self.pace.fall_behind(host));
        }
    }

    /// Waits after the end for hosts that may still begin to read, each for its bounded time.
    pub(super) async fn wait_for_late_hosts(&self, number: u64) {
        loop {
            let started = Instant::now();
            let Some(wait) = self.state().join_wait_after_end(number, &self.pace) else {
                return;
            };
            let wait = wait.max(Duration::from_millis(1));
            let moved = self.moved.notified();
            tokio::time::timeout(wait, moved).await.ok();
            self.state().charge_hosts(started.elapsed(), &self.pace);
        }
    }

    pub(super) fn take(&self, number: u64, key: u64) -> NextChunk {
        let mut state = self.state();
        if let Some(detached) = state.detached.remove(&(number, key)) {
            return NextChunk::Detached(Box::new(detached));
        }
        let keeps_start = state.keeps_start();
        let read = state.read(number);
        let taken = read.and_then(|read| read.window.take(key, keeps_start));
        drop(state);
        self.moved.notify_one();
        // A read exists as long as it has uploads.
        taken.unwrap_or_else(|| NextChunk::Failed(self.ended()))
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
