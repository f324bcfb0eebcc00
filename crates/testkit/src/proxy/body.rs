//! Bodies that the proxy counts, breaks or generates.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::stream::ResetFlag;

/// The length of a stall: longer than any client under test waits.
pub(super) const STALL: Duration = Duration::from_secs(600);

/// The pause before a body breaks. The bytes before the break are sent meanwhile.
const FLUSH: Duration = Duration::from_millis(30);

/// A fault in a body.
#[derive(Clone, Debug)]
pub(super) enum BodyFault {
    /// The body passes unchanged.
    None,
    /// Changes one bit of the byte at this offset.
    Flip(u64),
    /// Ends the body after this many bytes, before the announced end.
    Truncate(u64),
    /// Resets the client's connection after this many bytes.
    Reset(u64, ResetFlag),
    /// Sends nothing more after this many bytes.
    Stall(u64),
    /// Passes this many bytes a second.
    Slow(u64),
}

impl BodyFault {
    /// Returns the number of bytes before the fault.
    fn limit(&self) -> Option<u64> {
        match self {
            Self::None | Self::Flip(_) | Self::Slow(_) => None,
            Self::Truncate(after) | Self::Reset(after, _) | Self::Stall(after) => Some(*after),
        }
    }

    fn pause(&self) -> Duration {
        match self {
            Self::Stall(_) => STALL,
            _ => FLUSH,
        }
    }
}

/// A forwarded body.
#[derive(Debug)]
pub(super) struct ForwardedBody {
    inner: Incoming,
    passed: u64,
    counter: Arc<AtomicU64>,
    fault: BodyFault,
    pause: Option<Pin<Box<Sleep>>>,
    length: Length,
}

/// The visibility of a body's length to hyper, which refuses to send a `Content-Length` that differs
/// from a known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Known,
    Hidden,
}

impl ForwardedBody {
    pub(super) fn new(inner: Incoming, counter: Arc<AtomicU64>, fault: BodyFault) -> Self {
        Self {
            inner,
            passed: 0,
            counter,
            fault,
            pause: None,
            length: Length::Known,
        }
    }

    pub(super) fn with_length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// Pauses, then fails.
    fn poll_fault(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let length = self.fault.pause();
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(length)));
        if pause.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if let BodyFault::Reset(_, reset) = &self.fault {
            reset.set();
        }
        Poll::Ready(io::Error::other("injected body fault"))
    }

    fn apply(&mut self, mut data: Bytes) -> Bytes {
        if let Some(limit) = self.fault.limit() {
            let room = usize::try_from(limit - self.passed).unwrap_or(usize::MAX);
            data.truncate(room);
        }
        if let BodyFault::Flip(at) = self.fault
            && let Some(index) = at.checked_sub(self.passed)
            && index < data.len() as u64
        {
            let mut changed = BytesMut::from(&data[..]);
            changed[usize::try_from(index).unwrap_or(0)] ^= 1;
            data = changed.freeze();
        }
        if let BodyFault::Slow(per_second) = self.fault {
            let seconds = data.len() as f64 / per_second as f64;
            self.pause = Some(Box::pin(sleep(Duration::from_secs_f64(seconds))));
        }
        self.passed += data.len() as u64;
        self.counter.fetch_add(data.len() as u64, Ordering::Relaxed);
        data
    }
}

impl Body for ForwardedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.fault.limit().is_some_and(|limit| self.passed >= limit) {
            return self.poll_fault(context).map(|error| Some(Err(error)));
        }
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let frame = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame,
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(io::Error::other)?;
            Ok(match frame.into_data() {
                Ok(data) => Frame::data(self.apply(data)),
                Err(trailers) => trailers,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.fault.limit().is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::Known => self.inner.size_hint(),
            Length::Hidden => SizeHint::default(),
        }
    }
}

/// One frame. Whitespace may precede any JSON, so a parser reads on.
static WHITESPACE: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// A body of whitespace, generated while it is sent.
#[derive(Debug)]
pub(super) struct WhitespaceBody {
    left: u64,
    length: Length,
}

impl WhitespaceBody {
    pub(super) fn new(bytes: u64, length: Length) -> Self {
        Self {
            left: bytes,
            length,
        }
    }
}

impl Body for WhitespaceBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = WHITESPACE
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= size as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(
            &WHITESPACE[..size],
        )))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::Known => SizeHint::with_exact(self.left),
            Length::Hidden => SizeHint::default(),
        }
    }
}
