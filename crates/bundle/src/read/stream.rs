//! The content of a bundle that is read once, from a pipe or a compressed archive.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use image_name::Digest;
use registry_client::Body;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::content::BundleContent;
use super::error::ReadError;
use super::flow::Flow;
use super::head::Head;
use super::manifests::Leading;
use super::opened::{Members, READ_BUFFER};

/// Blobs up to this size are read whole, so that several are sent at a time and each can be sent again.
const WHOLE: u64 = 4 * 1024 * 1024;
/// The memory for such blobs in bytes.
const WINDOW: usize = 32 * 1024 * 1024;
/// Chunks of a larger blob that are read ahead.
const CHUNKS: usize = 8;

/// The content of a bundle while it is read from start to end. Manifests are in memory; a blob is available
/// from [`StreamContent::next`] until its [`Lease`] is dropped.
#[derive(Debug)]
pub struct StreamContent {
    sizes: HashMap<Digest, u64>,
    /// Manifests, and blobs that came before the last of them.
    kept: HashMap<Digest, Bytes>,
    /// Kept blobs that were not returned yet.
    early: Mutex<Vec<Digest>>,
    arrivals: tokio::sync::Mutex<mpsc::Receiver<Arrival>>,
    window: Arc<Window>,
    failure: Mutex<Option<ReadError>>,
}

/// The blobs that can be read now.
#[derive(Debug, Default)]
struct Window {
    slots: Mutex<HashMap<Digest, Slot>>,
}

#[derive(Debug, Clone)]
enum Slot {
    Whole(Bytes),
    Flow(Arc<Flow>),
}

/// A blob from the thread that reads the archive.
#[derive(Debug)]
enum Arrival {
    Whole {
        digest: Digest,
        bytes: Bytes,
        permit: OwnedSemaphorePermit,
    },
    Flow {
        digest: Digest,
        chunks: mpsc::Receiver<Result<Bytes, String>>,
    },
    Failed(ReadError),
}

/// A blob of a stream that can be read now.
#[derive(Debug)]
pub struct StreamBlob {
    /// The digest.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
    /// Keeps the blob available.
    pub lease: Lease,
}

/// Keeps a blob available until it is dropped.
#[derive(Debug)]
pub struct Lease {
    window: Arc<Window>,
    digest: Digest,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let slot = self.window.lock().remove(&self.digest);
        if let Some(Slot::Flow(flow)) = slot {
            flow.close();
        }
    }
}

impl Window {
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamContent {
    /// Starts to read the blobs that are wanted, on a thread of its own. It waits while what it has read is
    /// not used.
    #[must_use]
    pub fn start(members: Members, leading: Leading, wanted: HashSet<Digest>) -> Arc<Self> {
        let head = Arc::clone(members.head());
        let sizes = head.contents.members.iter();
        let sizes: HashMap<Digest, u64> = sizes
            .filter_map(|member| Some((member.path.digest()?.clone(), member.size)))
            .collect();
        let (sender, arrivals) = mpsc::channel(1);
        let kept = leading.kept;
        let is_early = |digest: &&Digest| wanted.contains(*digest);
        let early = kept.keys().filter(is_early).cloned().collect();
        let reader = Reader {
            head,
            members,
            current: leading.current,
            wanted: wanted
                .into_iter()
                .filter(|it| !kept.contains_key(it))
                .collect(),
            sender,
            permits: Arc::new(Semaphore::new(WINDOW >> 10)),
            runtime: Handle::current(),
        };
        std::thread::spawn(move || reader.run());
        Arc::new(Self {
            sizes,
            kept,
            early: Mutex::new(early),
            arrivals: tokio::sync::Mutex::new(arrivals),
            window: Arc::default(),
            failure: Mutex::default(),
        })
    }

    /// Returns the next wanted blob, `None` after the last or after a failure. A blob that is not in memory
    /// must be read or dropped before the next one comes.
    pub async fn next(&self) -> Option<StreamBlob> {
        let early = self
            .early
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(digest) = early {
            let bytes = self.kept.get(&digest)?.clone();
            return Some(self.available(digest, Slot::Whole(bytes), None));
        }
        match self.arrivals.lock().await.recv().await? {
            Arrival::Whole {
                digest,
                bytes,
                permit,
            } => Some(self.available(digest, Slot::Whole(bytes), Some(permit))),
            Arrival::Flow { digest, chunks } => {
                let flow = Flow::start(chunks);
                Some(self.available(digest, Slot::Flow(flow), None))
            }
            Arrival::Failed(error) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
                None
            }
        }
    }

    fn available(
        &self,
        digest: Digest,
        slot: Slot,
        permit: Option<OwnedSemaphorePermit>,
    ) -> StreamBlob {
        self.window.lock().insert(digest.clone(), slot);
        StreamBlob {
            size: self.sizes.get(&digest).copied().unwrap_or_default(),
            lease: Lease {
                window: Arc::clone(&self.window),
                digest: digest.clone(),
                _permit: permit,
            },
            digest,
        }
    }

    /// Announces the number of readers of a blob: it is read when all of them have asked for it, or will not.
    pub fn expect_readers(&self, digest: &Digest, readers: usize) {
        if let Some(Slot::Flow(flow)) = self.window.lock().get(digest) {
            flow.expect_readers(readers);
        }
    }

    /// Notes that a reader of a blob has read it, or will not.
    pub fn reader_done(&self, digest: &Digest) {
        if let Some(Slot::Flow(flow)) = self.window.lock().get(digest) {
            flow.reader_done();
        }
    }

    /// Returns the error that ended the stream early.
    pub fn take_failure(&self) -> Option<ReadError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}

impl BundleContent for StreamContent {
    fn size(&self, digest: &Digest) -> Option<u64> {
        self.sizes.get(digest).copied()
    }

    fn document<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>> {
        let kept = self.kept.get(digest).cloned();
        Box::pin(std::future::ready(Ok(kept)))
    }

    fn body(
        self: Arc<Self>,
        digest: &Digest,
        start: u64,
    ) -> BoxFuture<'static, Result<Option<Body>, ReadError>> {
        let slot = self.window.lock().get(digest).cloned();
        let body = match slot {
            Some(Slot::Whole(bytes)) => {
                let start = usize::try_from(start)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                Some(Body::from(bytes.slice(start..)))
            }
            // A part that has passed is gone.
            Some(Slot::Flow(flow)) if start == 0 => flow.read(),
            _ => None,
        };
        Box::pin(std::future::ready(Ok(body)))
    }
}

/// The thread that reads the archive.
struct Reader {
    head: Arc<Head>,
    members: Members,
    current: Option<usize>,
    wanted: HashSet<Digest>,
    sender: mpsc::Sender<Arrival>,
    permits: Arc<Semaphore>,
    runtime: Handle,
}

/// The receiver is gone: the run has ended.
struct Ended;

impl Reader {
    fn run(mut self) {
        match self.read() {
            Ok(Ok(())) | Err(Ended) => {}
            Ok(Err(error)) => {
                self.sender.blocking_send(Arrival::Failed(error)).ok();
            }
        }
    }

    /// Reads to the end of the archive, so that a member that does not belong there is noticed.
    fn read(&mut self) -> Result<Result<(), ReadError>, Ended> {
        loop {
            let next = match self.current.take() {
                Some(index) => Ok(Some(index)),
                None => self.members.next_member(),
            };
            let index = match next {
                Ok(Some(index)) => index,
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            };
            let head = Arc::clone(&self.head);
            let member = &head.contents.members[index];
            let Some(digest) = member.path.digest() else {
                continue;
            };
            if !self.wanted.remove(digest) {
                continue;
            }
            let read = match member.size <= WHOLE {
                true => self.read_whole(digest, member.size)?,
                false => self.read_flow(digest)?,
            };
            if let Err(error) = read {
                return Ok(Err(error));
            }
        }
    }

    fn read_whole(&mut self, digest: &Digest, size: u64) -> Result<Result<(), ReadError>, Ended> {
        let kib = u32::try_from(size >> 10).unwrap_or(u32::MAX).max(1);
        let permits = Arc::clone(&self.permits);
        let permit = self.runtime.block_on(permits.acquire_many_owned(kib));
        let permit = permit.map_err(|_| Ended)?;
        let bytes = match self.members.read_to_end() {
            Ok(bytes) => bytes.into(),
            Err(error) => return Ok(Err(error)),
        };
        let digest = digest.clone();
        self.send(Arrival::Whole {
            digest,
            bytes,
            permit,
        })?;
        Ok(Ok(()))
    }

    fn read_flow(&mut self, digest: &Digest) -> Result<Result<(), ReadError>, Ended> {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        self.send(Arrival::Flow {
            digest: digest.clone(),
            chunks,
        })?;
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            match self.members.read(&mut buffer) {
                Ok(0) => return Ok(Ok(())),
                Ok(read) => {
                    let chunk = Bytes::copy_from_slice(&buffer[..read]);
                    if sender.blocking_send(Ok(chunk)).is_err() {
                        // No registry needs the rest.
                        return Ok(Ok(()));
                    }
                }
                Err(error) => {
                    sender.blocking_send(Err(error.to_string())).ok();
                    return Ok(Err(error));
                }
            }
        }
    }

    fn send(&self, arrival: Arrival) -> Result<(), Ended> {
        self.sender.blocking_send(arrival).map_err(|_| Ended)
    }
}
