//! The destinations that may need a blob, and its read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_map::Lease;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::destination_pace::{DestinationPace, KeptBlobMemory};
use super::window::{Detached, Window};
use crate::fair_share::FairPermit;

/// The destinations that may need a blob, and its read, if there is one.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) hosts: HashMap<String, ExpectedHost>,
    pub(super) read: Option<Read>,
    pub(super) last_read: u64,
    /// Uploads that were removed from the window and have not asked for the next chunk since, by read and key.
    pub(super) detached: HashMap<(u64, u64), Detached>,
}

/// A destination registry that may need the blob.
#[derive(Debug)]
pub(super) struct ExpectedHost {
    /// The number of uploads that may follow.
    pub(super) expected: usize,
    /// The host has begun to read, reads by itself, or is no longer waited for.
    pub(super) is_decided: bool,
    /// The time for which a full window waits for it.
    pub(super) join_wait: Duration,
}

#[derive(Debug)]
pub(super) struct Read {
    pub(super) number: u64,
    pub(super) window: Window,
    pub(super) source_permit_use: Arc<Semaphore>,
    pub(super) task: AbortHandle,
    /// Held for hosts that may still begin to read, so that no other read takes the stream.
    pub(super) stream: Option<Lease<Arc<FairPermit>>>,
    /// The memory of a complete blob that is kept without uploads and needs no stream.
    pub(super) kept: Option<KeptBlobMemory>,
}

/// The membership of an upload in a read.
#[derive(Debug)]
pub(super) struct ReadMembership {
    /// The number of the read.
    pub(super) number: u64,
    /// The key in its window.
    pub(super) key: u64,
    /// A semaphore with one permit: the read's permit of the source is for one request at a time.
    pub(super) source_permit_use: Arc<Semaphore>,
}

/// The state of a window.
pub(super) enum WindowState {
    Free,
    /// The window is full. If an upload waits, it waits for the slowest one at most this long.
    Full(Option<Duration>),
    /// The read is no longer needed.
    Ended,
}

impl State {
    pub(super) fn read(&mut self, number: u64) -> Option<&mut Read> {
        self.read.as_mut().filter(|read| read.number == number)
    }

    pub(super) fn stop_waiting_for(&mut self, host: &str) {
        if let Some(expected) = self.hosts.get_mut(host) {
            expected.is_decided = true;
        }
    }

    /// Returns true if a host may still begin to read.
    pub(super) fn keeps_start(&self) -> bool {
        self.hosts.values().any(|host| !host.is_decided)
    }

    /// Drops the chunks that no upload needs, and the read if it is not needed.
    pub(super) fn close_unneeded(&mut self, pace: &Arc<DestinationPace>) {
        let keeps_start = self.keeps_start();
        let Some(read) = &mut self.read else { return };
        read.window.trim(keeps_start);
        let has_ended = read.window.end().is_some();
        if has_ended && !keeps_start {
            read.stream = None;
        }
        if read.window.has_readers() {
            return;
        }
        let is_needed = keeps_start && read.window.has_start();
        if is_needed && has_ended && read.kept.is_none() {
            read.kept = pace.keep(read.window.bytes());
            if read.kept.is_some() {
                read.stream = None;
            }
        }
        let is_held = read.stream.is_some() || read.kept.is_some();
        if !is_needed || !is_held {
            read.task.abort();
            self.read = None;
        }
    }

    /// Ends the wait for hosts that are behind.
    pub(super) fn stop_waiting_for_hosts_behind(&mut self, pace: &Arc<DestinationPace>) {
        let hosts = self.hosts.iter_mut();
        let behind = hosts.filter(|(host, _)| pace.is_behind(host));
        behind.for_each(|(_, host)| host.is_decided = true);
        self.close_unneeded(pace);
    }

    /// Returns the time for which a read that has ended, and is not kept, waits for the next host.
    pub(super) fn join_wait_after_end(
        &mut self,
        number: u64,
        pace: &Arc<DestinationPace>,
    ) -> Option<Duration> {
        self.stop_waiting_for_hosts_behind(pace);
        let read = self.read(number)?;
        let is_waiting = read.stream.is_some() && read.window.has_start();
        self.join_wait().filter(|_| is_waiting)
    }

    pub(super) fn window_state(
        &mut self,
        number: u64,
        pace: &Arc<DestinationPace>,
        now: Instant,
    ) -> WindowState {
        self.stop_waiting_for_hosts_behind(pace);
        let join_wait = self.join_wait();
        let Some(read) = self.read(number) else {
            return WindowState::Ended;
        };
        if read.window.has_room() {
            return WindowState::Free;
        }
        if !read.window.is_awaited() {
            return WindowState::Full(None);
        }
        let join_wait = join_wait.filter(|_| read.window.has_start());
        let left = read.window.credit_left(now);
        WindowState::Full(left.into_iter().chain(join_wait).min())
    }

    /// Returns the time for which a full window waits for the next host to begin.
    pub(super) fn join_wait(&self) -> Option<Duration> {
        let open = self.hosts.values().filter(|host| !host.is_decided);
        open.map(|host| host.join_wait).min()
    }

    /// Charges the hosts and uploads that have kept a window full since `started` while others waited.
    /// Returns true if the wait for any of them has ended.
    pub(super) fn charge(
        &mut self,
        number: u64,
        started: Instant,
        pace: &Arc<DestinationPace>,
    ) -> bool {
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
            has_changed |= self.charge_hosts(held, pace);
        }
        if has_changed {
            self.close_unneeded(pace);
        }
        has_changed
    }

    /// Charges the hosts that may still begin to read. Returns true if the wait for any of them has ended.
    pub(super) fn charge_hosts(&mut self, held: Duration, pace: &Arc<DestinationPace>) -> bool {
        let mut has_changed = false;
        for (host, expected) in self.hosts.iter_mut().filter(|(_, host)| !host.is_decided) {
            expected.join_wait = expected.join_wait.saturating_sub(held);
            if expected.join_wait.is_zero() {
                tracing::debug!(host, "a read does not wait for an upload any longer");
                expected.is_decided = true;
                pace.record_join(host, false);
                has_changed = true;
            }
        }
        self.close_unneeded(pace);
        has_changed
    }
}
