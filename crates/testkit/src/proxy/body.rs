//! Bodies that are counted while they pass, and break where they should.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::stream::Ending;

/// How long "for good" is: longer than any client under test waits.
pub(super) const STALLED: Duration = Duration::from_secs(600);

/// The pause before a body breaks, in which what came before it gets out.
const FLUSH: Duration = Duration::from_millis(30);

/// Where and how a body breaks.
#[derive(Clone, Debug)]
pub(super) enum Break {
    /// It does not.
    Never,
    /// One bit of the byte at this offset.
    Flip(u64),
    /// After so many bytes: an end in order, before the announced one.
    Truncate(u64),
    /// After so many bytes: a reset of the client's connection.
    Reset(u64, Ending),
    /// After so many bytes: silence.
    Stall(u64),
}

impl Break {
    /// How many bytes pass before it.
    fn limit(&self) -> Option<u64> {
        match self {
            Self::Never | Self::Flip(_) => None,
            Self::Truncate(after) | Self::Reset(after, _) | Self::Stall(after) => Some(*after),
        }
    }

    fn pause(&self) -> Duration {
        match self {
            Self::Stall(_) => STALLED,
            _ => FLUSH,
        }
    }
}

/// A body that passes through.
#[derive(Debug)]
pub(super) struct Passing {
    inner: Incoming,
    passed: u64,
    counter: Arc<AtomicU64>,
    breaks: Break,
    pause: Option<Pin<Box<Sleep>>>,
    length: Length,
}

/// Whether a body says how long it is; hyper refuses to send a `Content-Length` that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Known,
    Concealed,
}

impl Passing {
    pub(super) fn new(inner: Incoming, counter: Arc<AtomicU64>, breaks: Break) -> Self {
        Self {
            inner,
            passed: 0,
            counter,
            breaks,
            pause: None,
            length: Length::Known,
        }
    }

    pub(super) fn with_length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// Pauses, then fails.
    fn break_off(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let length = self.breaks.pause();
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(length)));
        if pause.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if let Break::Reset(_, ending) = &self.breaks {
            ending.reset();
        }
        Poll::Ready(io::Error::other("broken on purpose"))
    }

    fn pass(&mut self, mut data: Bytes) -> Bytes {
        if let Some(limit) = self.breaks.limit() {
            let room = usize::try_from(limit - self.passed).unwrap_or(usize::MAX);
            data.truncate(room);
        }
        if let Break::Flip(at) = self.breaks
            && let Some(inside) = at.checked_sub(self.passed)
            && inside < data.len() as u64
        {
            let mut changed = BytesMut::from(&data[..]);
            changed[usize::try_from(inside).unwrap_or(0)] ^= 1;
            data = changed.freeze();
        }
        self.passed += data.len() as u64;
        self.counter.fetch_add(data.len() as u64, Ordering::Relaxed);
        data
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self
            .breaks
            .limit()
            .is_some_and(|limit| self.passed >= limit)
        {
            return self.break_off(context).map(|error| Some(Err(error)));
        }
        let frame = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame,
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(io::Error::other)?;
            Ok(match frame.into_data() {
                Ok(data) => Frame::data(self.pass(data)),
                Err(trailers) => trailers,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.breaks.limit().is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::Known => self.inner.size_hint(),
            Length::Concealed => SizeHint::default(),
        }
    }
}
