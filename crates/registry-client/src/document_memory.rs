//! The memory for documents: manifests, lists and other bodies that are kept whole.
//!
//! Limits on single documents multiply: hundreds of concurrent images can each have thousands of manifests
//! of some MiB. So all documents of a client share one limit on memory. No task waits for memory while it
//! holds documents:
//!
//! - A *unit* is work that keeps documents while it requests others, such as the copy of one image. It takes
//!   memory without waiting, and counts a document until its last byte is dropped. If the shared memory
//!   does not suffice, the unit fails, drops all its documents, and runs once more with memory of its own.
//!   Only one unit of a host has memory of its own at a time; units of other hosts do not wait for it.
//! - Other requests wait, and count a body only while it is received, or until it is parsed and dropped.
//! - Data that is extracted from long lists and kept is counted too. Its owner waits for that memory while it
//!   holds no other.
//!
//! The three kinds have separate parts of the memory. So a task that waits for memory waits only for tasks
//! that never wait for the same part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::fair_share::FairShare;

/// Factor between the size of a unit's document and its memory, for the text and its parsed form.
const DOCUMENT_WEIGHT: u64 = 3;

/// Memory that a unit takes at first for a body of unknown size, in bytes. Most manifests are smaller.
const UNKNOWN_SIZE: u64 = 4 * 1024;
/// Memory that other requests take at first for such a body. A page of a thousand tags is smaller.
const UNKNOWN_SIZE_OF_OTHERS: u64 = 256 * 1024;

/// One permit of the semaphores, in bytes.
const PERMIT: u64 = 1024;
/// Maximum number of permits, 256 GiB.
const MAX_PERMITS: u32 = 1 << 28;

tokio::task_local! {
    static UNIT: Arc<Unit>;
}

/// The parts of the memory in sixteenths, with [`UNIT_ALONE`].
const UNITS: u64 = 5;
const REQUESTS: u64 = 2;
const KEPT: u64 = 2;
/// The part for a unit that runs alone: enough for the largest manifest and some small ones.
const UNIT_ALONE: u64 = 7;

/// The memory that the body of a response takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyMemory {
    /// Counted until it is dropped for a unit, and while it is received for others.
    Document,
    /// Counted until it is dropped. The caller drops it before its next request.
    Page,
    /// Not counted, since blobs have limits of their own.
    Blob,
}

/// The memory for documents that all requests of a client share.
#[derive(Debug)]
pub(crate) struct DocumentMemory {
    units: Part,
    requests: Part,
    kept: Part,
    /// The size of the memory of a unit alone, in permits.
    unit_alone: u32,
    /// Permits for units that run alone, by host.
    alone: FairShare<String>,
}

/// A part of the memory.
#[derive(Debug, Clone)]
struct Part {
    free: Arc<Semaphore>,
    /// The size in permits.
    size: u32,
}

/// Work that keeps documents while it requests others.
#[derive(Debug)]
struct Unit {
    /// The memory of all units, or of this one alone.
    memory: Part,
    is_exhausted: AtomicBool,
}

/// Memory that is taken until it is dropped.
#[derive(Debug)]
pub struct MemoryReservation {
    permit: Option<OwnedSemaphorePermit>,
}

/// The body of a response while it is received.
#[derive(Debug)]
pub(crate) struct DocumentBuffer<'a> {
    memory: &'a DocumentMemory,
    body: Vec<u8>,
    /// The bytes for which memory is taken.
    room: usize,
    reservation: MemoryReservation,
    /// The maximum size in bytes.
    limit: u64,
}

/// A body whose memory is counted until it is dropped.
struct CountedBody {
    body: Bytes,
    _reservation: MemoryReservation,
}

impl AsRef<[u8]> for CountedBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl DocumentMemory {
    /// Creates a memory of `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        let size = |sixteenths| permits(bytes / 16 * sixteenths, MAX_PERMITS).max(1);
        Self {
            units: Part::new(size(UNITS)),
            requests: Part::new(size(REQUESTS)),
            kept: Part::new(size(KEPT)),
            unit_alone: size(UNIT_ALONE),
            alone: FairShare::new(0, 1),
        }
    }

    /// Runs a unit, and once more alone if the memory of all units does not suffice. `host` is the host of the
    /// documents.
    pub(crate) async fn run_unit<T, E>(
        &self,
        host: &str,
        mut work: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        if is_unit() {
            return work().await;
        }
        let unit = Unit::new(self.units.clone());
        // Boxed to keep the futures of rows small: thousands of units wait for their turns.
        let done = UNIT.scope(Arc::clone(&unit), Box::pin(work())).await;
        if done.is_ok() || !unit.is_exhausted.load(Ordering::Relaxed) {
            return done;
        }
        drop(done);
        tracing::debug!("the manifests of an image of {host} wait for memory");
        let _turn = self.alone.acquire(host.to_owned()).await;
        let own = Part::new(self.unit_alone);
        UNIT.scope(Unit::new(own), Box::pin(work())).await
    }

    /// Waits for memory for data that is extracted from documents and kept. The caller must hold no memory.
    pub(crate) async fn keep(&self, bytes: u64) -> MemoryReservation {
        self.kept.wait(bytes).await
    }

    /// Takes memory for a body. A unit fails if it is not free, other callers wait for it.
    ///
    /// # Errors
    ///
    /// [`Error::DocumentMemory`] for a unit.
    async fn reserve(&self, bytes: u64) -> Result<MemoryReservation, Error> {
        match UNIT.try_with(Arc::clone) {
            Ok(unit) => unit.take(bytes).ok_or_else(|| self.exhausted()),
            Err(_) => Ok(self.requests.wait(bytes).await),
        }
    }

    /// Creates a buffer for a body of `size` bytes, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`DocumentMemory::reserve`].
    pub(crate) async fn buffer(
        &self,
        size: Option<u64>,
        limit: u64,
    ) -> Result<DocumentBuffer<'_>, Error> {
        let unknown = match is_unit() {
            true => UNKNOWN_SIZE,
            false => UNKNOWN_SIZE_OF_OTHERS,
        };
        let room = size.unwrap_or(unknown).min(limit);
        let capacity = |bytes| usize::try_from(bytes).unwrap_or_default();
        Ok(DocumentBuffer {
            memory: self,
            reservation: self.reserve(room * weight()).await?,
            body: Vec::with_capacity(capacity(size.unwrap_or(0))),
            room: capacity(room),
            limit,
        })
    }

    /// Returns bytes that a cache keeps, counted for the unit that uses them, if the caller is one.
    ///
    /// # Errors
    ///
    /// As [`DocumentMemory::reserve`].
    pub(crate) async fn counted(&self, body: Bytes) -> Result<Bytes, Error> {
        if !is_unit() {
            return Ok(body);
        }
        let reservation = self.reserve(body.len() as u64 * weight()).await?;
        Ok(reservation.keep_with(body))
    }

    fn exhausted(&self) -> Error {
        Error::DocumentMemory {
            limit: u64::from(self.unit_alone) * PERMIT,
        }
    }
}

impl Unit {
    fn new(memory: Part) -> Arc<Self> {
        Arc::new(Self {
            memory,
            is_exhausted: AtomicBool::new(false),
        })
    }

    fn take(&self, bytes: u64) -> Option<MemoryReservation> {
        let Part { free, size } = self.memory.clone();
        let permit = free.try_acquire_many_owned(permits(bytes, size));
        if permit.is_err() {
            self.is_exhausted.store(true, Ordering::Relaxed);
        }
        permit.ok().map(|permit| MemoryReservation {
            permit: Some(permit),
        })
    }
}

impl Part {
    fn new(size: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(size as usize)),
            size,
        }
    }

    /// Waits for memory, at most for the whole part.
    async fn wait(&self, bytes: u64) -> MemoryReservation {
        let permits = permits(bytes, self.size);
        let permit = Arc::clone(&self.free).acquire_many_owned(permits).await;
        // The semaphore is never closed.
        MemoryReservation {
            permit: permit.ok(),
        }
    }
}

impl MemoryReservation {
    /// Returns the body, whose memory is counted until it is dropped.
    fn keep_with(self, body: Bytes) -> Bytes {
        Bytes::from_owner(CountedBody {
            body,
            _reservation: self,
        })
    }

    fn bytes(&self) -> u64 {
        let permits = self
            .permit
            .as_ref()
            .map_or(0, |permit| permit.num_permits());
        permits as u64 * PERMIT
    }

    /// Adds further memory.
    fn add(&mut self, further: Self) {
        match (&mut self.permit, further.permit) {
            (Some(permit), Some(further)) => permit.merge(further),
            (permit @ None, further) => *permit = further,
            (Some(_), None) => {}
        }
    }

    /// Returns what is more than `bytes`.
    fn shrink(&mut self, bytes: u64) {
        if let Some(permit) = &mut self.permit {
            let wanted = usize::try_from(bytes.div_ceil(PERMIT)).unwrap_or(usize::MAX);
            drop(permit.split(permit.num_permits().saturating_sub(wanted)));
        }
    }
}

impl DocumentBuffer<'_> {
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// Returns true if the buffer must grow for further bytes, which may wait.
    pub(crate) fn is_full(&self, further: usize) -> bool {
        self.body.len() + further > self.room
    }

    /// Grows for further bytes.
    ///
    /// # Errors
    ///
    /// As [`DocumentMemory::reserve`].
    pub(crate) async fn grow(&mut self, further: usize) -> Result<(), Error> {
        let needed = self.body.len() + further;
        // Small steps, since old and new capacity may both be in memory.
        self.room = needed + needed / 4;
        // A task that is not a unit takes the maximum in one step, and holds nothing while it waits.
        let bytes = match is_unit() {
            true => self.room as u64 * weight(),
            false => self.limit,
        };
        if is_unit() {
            let further = bytes.saturating_sub(self.reservation.bytes());
            self.reservation.add(self.memory.reserve(further).await?);
        } else {
            self.reservation.shrink(0);
            self.reservation = self.memory.reserve(bytes).await?;
        }
        self.body.reserve_exact(self.room - self.body.len());
        Ok(())
    }

    /// Adds bytes for which there is room.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }

    /// Returns the body.
    pub(crate) fn finish(mut self, kind: BodyMemory) -> Bytes {
        self.body.shrink_to_fit();
        let size = self.body.len() as u64;
        self.reservation.shrink(size * weight());
        let body = Bytes::from(self.body);
        if is_unit() || kind == BodyMemory::Page {
            self.reservation.keep_with(body)
        } else {
            body
        }
    }
}

fn is_unit() -> bool {
    UNIT.try_with(|_| ()).is_ok()
}

/// A unit parses its documents and keeps both forms.
fn weight() -> u64 {
    if is_unit() { DOCUMENT_WEIGHT } else { 1 }
}

fn permits(bytes: u64, max: u32) -> u32 {
    let permits = u32::try_from(bytes.div_ceil(PERMIT)).unwrap_or(u32::MAX);
    permits.min(max)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// The parts are 5, 2, 2 and 7 MiB.
    fn memory() -> DocumentMemory {
        DocumentMemory::new(16 * MIB)
    }

    #[tokio::test]
    async fn document_of_a_unit_counts_until_its_last_byte_is_dropped() {
        let memory = memory();
        let body = Bytes::from(vec![0; 1 << 20]);
        let documents = memory.run_unit("h", async || memory.counted(body.clone()).await);
        let documents = documents.await.unwrap();
        let part = documents.slice(..10);
        drop(documents);
        let free = || memory.units.free.available_permits() as u64 * PERMIT;
        assert_eq!(free(), 2 * MIB);
        drop(part);
        assert_eq!(free(), 5 * MIB);
    }

    #[tokio::test]
    async fn unit_without_memory_drops_all_and_runs_alone() {
        let memory = memory();
        let taken = memory.units.wait(3 * MIB).await;
        let mut runs = 0;
        let work = async |runs: &mut usize| {
            *runs += 1;
            let first = memory.reserve(2 * MIB).await?;
            let second = memory.reserve(2 * MIB).await?;
            drop((first, second));
            Ok::<_, Error>(())
        };
        let alone = memory.run_unit("h", async || work(&mut runs).await);
        alone.await.unwrap();
        assert_eq!(runs, 2);
        drop(taken);
        let beside = memory.run_unit("h", async || work(&mut runs).await);
        beside.await.unwrap();
        assert_eq!(runs, 3);
    }

    #[tokio::test]
    async fn unit_that_needs_more_than_its_own_memory_fails() {
        let memory = memory();
        let too_much = memory.run_unit("h", async || {
            let _first = memory.reserve(7 * MIB).await?;
            memory.reserve(1).await.map(drop)
        });
        let error = too_much.await.unwrap_err();
        assert!(error.to_string().contains("more than 7 MiB"), "{error}");
        assert_eq!(memory.units.free.available_permits(), 5 * 1024, "a leak");
    }

    /// Each of the units holds a document and needs another one, which only one of them reads.
    #[tokio::test]
    async fn units_that_need_the_same_document_end() {
        let memory = memory();
        let child = tokio::sync::OnceCell::new();
        let unit = || {
            memory.run_unit("h", async || {
                let _parent = memory.reserve(MIB).await?;
                tokio::task::yield_now().await;
                let read = async || {
                    tokio::task::yield_now().await;
                    memory.reserve(MIB).await.map(drop)
                };
                child.get_or_try_init(read).await.map(drop)
            })
        };
        let all = futures::future::join_all((0..20).map(|_| unit())).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
    }

    #[tokio::test]
    async fn other_tasks_wait_and_do_not_hold_what_they_have_while_they_wait() {
        let memory = memory();
        let mut one = memory.buffer(None, 2 * MIB).await.unwrap();
        let other = memory.buffer(None, 2 * MIB).await.unwrap();
        let chunk = [0; 300 * 1024];
        assert!(one.is_full(chunk.len()) && other.is_full(chunk.len()));
        {
            let mut waiting = std::pin::pin!(one.grow(chunk.len()));
            assert!(waiting.as_mut().now_or_never().is_none());
            drop(other);
            waiting.await.unwrap();
        }
        one.push(&chunk);
        let body = one.finish(BodyMemory::Page);
        let free = || memory.requests.free.available_permits();
        assert_eq!((body.len(), free()), (chunk.len(), 2048 - 300));
        drop(body);
        assert_eq!(free(), 2048);
        let transient = memory
            .buffer(Some(10), 2 * MIB)
            .await
            .unwrap()
            .finish(BodyMemory::Document);
        assert_eq!((transient.len(), free()), (0, 2048));
    }
}
