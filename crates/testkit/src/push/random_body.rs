//! A body of random bytes, generated while it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use fastrand::Rng;
use hyper::body::{Body, Frame, SizeHint};
use sha2::{Digest as _, Sha256};

/// Maximum bytes of a frame.
const FRAME: u64 = 1 << 20;

/// A body of random bytes from a seed.
pub(super) struct RandomBody {
    random: Rng,
    left: u64,
    hash: Arc<Mutex<Sha256>>,
}

/// The digest of a body, available when it is sent.
pub(super) struct SentDigest(Arc<Mutex<Sha256>>);

impl SentDigest {
    /// Returns the digest of the bytes sent so far.
    pub(super) fn get(&self) -> String {
        let hash = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let hex: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("sha256:{hex}")
    }
}

impl RandomBody {
    pub(super) fn new(seed: u64, size: u64) -> (Self, SentDigest) {
        let hash = Arc::new(Mutex::new(Sha256::new()));
        let body = Self {
            random: Rng::with_seed(seed),
            left: size,
            hash: Arc::clone(&hash),
        };
        (body, SentDigest(hash))
    }
}

impl Body for RandomBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = self.left.min(FRAME);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.random.fill(&mut bytes);
        self.left -= length;
        let mut hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        hash.update(&bytes);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
