//! The window of a shared read: the chunks that not all uploads have taken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use once_map::Lease;

use super::destination_pace::{BehindGuard, WindowMemory};
use crate::blob::reader::Position;
use crate::error::Error;
use crate::fair_share::FairPermit;
use crate::transport::Permit;

/// Maximum time for which an upload may delay the others at once.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// An upload may delay the others for one part in this many of the time.
const SHARE_OF_TIME: u32 = 8;

/// Minimum size that a chunk counts with: a source may send one byte at a time.
const MIN_CHUNK: u64 = 8 * 1024;

/// A chunk, and the position in the blob before it.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) position: Position,
}

impl Chunk {
    /// Returns the bytes that the chunk takes in memory.
    fn size(&self) -> u64 {
        (self.bytes.len() as u64).max(MIN_CHUNK)
    }
}

/// The place of an upload in the window.
#[derive(Debug)]
struct Cursor {
    host: String,
    /// The number of the next chunk.
    next: u64,
    /// The upload waits for the next chunk.
    is_waiting: bool,
    credit: Credit,
    /// Held until the read has ended, or the upload falls behind.
    stream: Option<Lease<Arc<FairPermit>>>,
    source: Option<Lease<Arc<Permit>>>,
    /// Set if the upload has not taken all chunks some time after the end.
    behind: Option<BehindGuard>,
}

/// The permits that an upload shares with the others of the read.
#[derive(Debug)]
pub(in crate::blob) struct ReadPermits {
    pub(in crate::blob) stream: Lease<Arc<FairPermit>>,
    pub(in crate::blob) source: Lease<Arc<Permit>>,
}

/// An upload that has left the window, to read the rest of the blob by itself.
#[derive(Debug)]
pub(super) struct Detached {
    pub(super) position: Position,
    /// The permit of the read that it has left.
    pub(super) source: Option<Lease<Arc<Permit>>>,
    pub(super) behind: BehindGuard,
}

/// The result of a request for the next chunk.
#[derive(Debug)]
pub(super) enum NextChunk {
    Chunk(Bytes),
    End,
    Failed(Error),
    Detached(Box<Detached>),
    /// The source has not sent the chunk yet.
    Wait,
}

/// The chunks, and the places of the uploads.
#[derive(Debug)]
pub(super) struct Window {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk.
    first: u64,
    memory: WindowMemory,
    end: Option<Result<(), Error>>,
    cursors: BTreeMap<u64, Cursor>,
    last_cursor: u64,
}

impl Window {
    pub(super) fn new(memory: WindowMemory) -> Self {
        Self {
            chunks: VecDeque::new(),
            first: 0,
            memory,
            end: None,
            cursors: BTreeMap::new(),
            last_cursor: 0,
        }
    }

    /// Returns true if an upload can begin to read.
    pub(super) fn has_start(&self) -> bool {
        self.first == 0 && !matches!(self.end, Some(Err(_)))
    }

    /// Returns the bytes that the window takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// Returns true if memory allows a further chunk.
    pub(super) fn has_room(&self) -> bool {
        self.memory.has_room()
    }

    pub(super) fn end(&self) -> Option<&Result<(), Error>> {
        self.end.as_ref()
    }

    /// Adds an upload to a host, at the start. Returns its key.
    pub(super) fn join(&mut self, host: &str, permits: ReadPermits, now: Instant) -> u64 {
        self.last_cursor += 1;
        let is_active = self.end.is_none();
        let cursor = Cursor {
            host: host.to_owned(),
            next: 0,
            is_waiting: false,
            credit: Credit::new(now),
            stream: Some(permits.stream).filter(|_| is_active),
            source: Some(permits.source).filter(|_| is_active),
            behind: None,
        };
        self.cursors.insert(self.last_cursor, cursor);
        self.last_cursor
    }

    pub(super) fn push(&mut self, chunk: Chunk) {
        self.memory.add(chunk.size());
        self.chunks.push_back(chunk);
    }

    /// Notes the end of the read and releases its permit of the source.
    pub(super) fn finish(&mut self, end: Result<(), Error>) {
        self.end = Some(end);
        for cursor in self.cursors.values_mut() {
            cursor.source = None;
        }
    }

    /// Returns the next chunk of an upload, or `None` if the upload is not in the window. `keeps_start` is
    /// true while others may begin to read.
    pub(super) fn take(&mut self, key: u64, keeps_start: bool) -> Option<NextChunk> {
        let cursor = self.cursors.get_mut(&key)?;
        let index = (cursor.next - self.first) as usize;
        cursor.is_waiting = index >= self.chunks.len();
        Some(match (self.chunks.get(index), &self.end) {
            (Some(chunk), _) => {
                let bytes = chunk.bytes.clone();
                cursor.next += 1;
                self.trim(keeps_start);
                NextChunk::Chunk(bytes)
            }
            (None, None) => NextChunk::Wait,
            (None, Some(Ok(()))) => NextChunk::End,
            (None, Some(Err(error))) => NextChunk::Failed(error.clone()),
        })
    }

    /// Removes an upload.
    pub(super) fn leave(&mut self, key: u64, keeps_start: bool) {
        self.cursors.remove(&key);
        self.trim(keeps_start);
    }

    pub(super) fn has_readers(&self) -> bool {
        !self.cursors.is_empty()
    }

    /// Drops the chunks that no upload needs.
    pub(super) fn trim(&mut self, keeps_start: bool) {
        let end = self.first + self.chunks.len() as u64;
        let next = self.cursors.values().map(|cursor| cursor.next).min();
        let needed = if keeps_start && self.first == 0 {
            0
        } else {
            next.unwrap_or(end)
        };
        while self.first < needed {
            let dropped = self.chunks.pop_front();
            self.memory.remove(dropped.map_or(0, |chunk| chunk.size()));
            self.first += 1;
        }
    }

    /// Returns true if an upload waits for the next chunk, or none has begun.
    pub(super) fn is_awaited(&self) -> bool {
        self.cursors.is_empty() || self.cursors.values().any(|cursor| cursor.is_waiting)
    }

    /// Returns the time for which the uploads at the start of a full window may keep it full.
    pub(super) fn credit_left(&self, now: Instant) -> Option<Duration> {
        let last = self.cursors.values().filter(|cursor| self.is_last(cursor));
        last.map(|cursor| cursor.credit.left(now)).min()
    }

    /// Charges the uploads at the start of a full window for the time that the others have waited.
    /// Those without credit leave the window, and are returned with their keys.
    pub(super) fn charge(
        &mut self,
        held: Duration,
        now: Instant,
        fall_behind: impl Fn(&str) -> BehindGuard,
    ) -> Vec<(u64, Detached)> {
        let first = self.first;
        let is_last = |cursor: &Cursor| cursor.next == first && !cursor.is_waiting;
        for cursor in self.cursors.values_mut().filter(|it| is_last(it)) {
            cursor.credit.spend(held, now);
        }
        let Some(chunk) = self.chunks.front() else {
            return Vec::new();
        };
        let is_out =
            |_: &u64, cursor: &mut Cursor| is_last(cursor) && cursor.credit.left(now).is_zero();
        let out = self.cursors.extract_if(.., is_out);
        let detached = out.map(|(key, cursor)| {
            tracing::debug!(host = cursor.host, "an upload keeps others waiting");
            let detached = Detached {
                position: chunk.position.clone(),
                source: cursor.source,
                behind: fall_behind(&cursor.host),
            };
            (key, detached)
        });
        detached.collect()
    }

    /// Marks the uploads that have not taken all chunks as behind.
    pub(super) fn mark_slow_uploads_behind(&mut self, fall_behind: impl Fn(&str) -> BehindGuard) {
        let end = self.first + self.chunks.len() as u64;
        for cursor in self.cursors.values_mut().filter(|it| it.next < end) {
            cursor.behind = Some(fall_behind(&cursor.host));
            cursor.stream = None;
        }
    }

    fn is_last(&self, cursor: &Cursor) -> bool {
        cursor.next == self.first && !cursor.is_waiting
    }
}

/// The time for which an upload may still delay the others. It grows while the upload delays none.
#[derive(Debug)]
struct Credit {
    left: Duration,
    as_of: Instant,
}

impl Credit {
    fn new(now: Instant) -> Self {
        Self {
            left: GRACE,
            as_of: now,
        }
    }

    fn left(&self, now: Instant) -> Duration {
        let gained = now.saturating_duration_since(self.as_of) / SHARE_OF_TIME;
        (self.left + gained).min(GRACE)
    }

    fn spend(&mut self, held: Duration, now: Instant) {
        let before = now.checked_sub(held).unwrap_or(now);
        self.left = self.left(before.max(self.as_of)).saturating_sub(held);
        self.as_of = now;
    }
}
