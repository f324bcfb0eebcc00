//! A large blob of a stream, which several registries read at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream;
use registry_client::Body;
use tokio::sync::{Notify, mpsc};

/// Chunks that a reader may be behind.
const BEHIND: usize = 4;

type Chunk = Result<Bytes, String>;

/// A blob that passes once. It starts when every expected reader has asked for it, or will not.
#[derive(Debug, Default)]
pub(super) struct Flow {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    expected: Option<usize>,
    readers: Vec<mpsc::Sender<Chunk>>,
    /// Readers that have finished without reading.
    done: usize,
    has_started: bool,
    is_closed: bool,
}

impl Flow {
    /// Passes chunks on to the readers.
    pub(super) fn start(mut chunks: mpsc::Receiver<Chunk>) -> Arc<Self> {
        let flow = Arc::new(Self::default());
        let pump = Arc::clone(&flow);
        tokio::spawn(async move {
            let mut readers = pump.readers().await;
            while !readers.is_empty()
                && let Some(chunk) = chunks.recv().await
            {
                let mut reading = Vec::with_capacity(readers.len());
                for reader in readers {
                    if reader.send(chunk.clone()).await.is_ok() {
                        reading.push(reader);
                    }
                }
                readers = reading;
            }
        });
        flow
    }

    /// Waits until the flow can start. Returns nothing if nothing needs it.
    async fn readers(&self) -> Vec<mpsc::Sender<Chunk>> {
        loop {
            {
                let mut state = self.lock();
                state.readers.retain(|reader| !reader.is_closed());
                let waiting = state.readers.len() + state.done;
                let is_complete = state.expected.is_some_and(|expected| waiting >= expected);
                if state.is_closed || is_complete {
                    state.has_started = true;
                    return std::mem::take(&mut state.readers);
                }
            }
            self.changed.notified().await;
        }
    }

    /// Returns the whole blob for one reader, `None` if it has started to pass.
    pub(super) fn read(&self) -> Option<Body> {
        let (sender, chunks) = mpsc::channel(BEHIND);
        {
            let mut state = self.lock();
            if state.has_started || state.is_closed {
                return None;
            }
            state.readers.push(sender);
        }
        self.changed.notify_one();
        let chunks = stream::unfold(chunks, |mut chunks| async move {
            let chunk = chunks.recv().await?;
            Some((chunk.map_err(std::io::Error::other), chunks))
        });
        Some(Body::wrap_stream(chunks))
    }

    pub(super) fn expect_readers(&self, readers: usize) {
        self.lock().expected = Some(readers);
        self.changed.notify_one();
    }

    pub(super) fn reader_done(&self) {
        self.lock().done += 1;
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(body: Body) -> String {
        use http_body_util::BodyExt as _;
        let bytes = body.collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn flow_waits_for_every_expected_reader() {
        let (sender, chunks) = mpsc::channel(8);
        let flow = Flow::start(chunks);
        flow.expect_readers(3);
        let first = text(flow.read().unwrap());
        for part in ["a", "b"] {
            sender.send(Ok(Bytes::from(part))).await.unwrap();
        }
        flow.reader_done();
        let second = text(flow.read().unwrap());
        drop(sender);
        let (first, second) = futures::join!(first, second);
        assert_eq!((first.as_str(), second.as_str()), ("ab", "ab"));
        assert!(flow.read().is_none(), "it has passed");
    }

    #[tokio::test]
    async fn flow_without_a_reader_ends_at_once() {
        let (sender, chunks) = mpsc::channel(1);
        let flow = Flow::start(chunks);
        flow.expect_readers(1);
        flow.reader_done();
        sender.closed().await;
    }
}
