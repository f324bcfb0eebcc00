//! A body that is far too long.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::body::Length;

/// What is sent at once. Blanks may stand before any JSON, so no parser ends the flood.
static BLANKS: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// So many blanks, made as they are taken.
#[derive(Debug)]
pub(super) struct Flood {
    left: u64,
    length: Length,
}

impl Flood {
    pub(super) fn new(bytes: u64, length: Length) -> Self {
        Self {
            left: bytes,
            length,
        }
    }
}

impl Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = BLANKS
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= size as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&BLANKS[..size])))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::Known => SizeHint::with_exact(self.left),
            Length::Concealed => SizeHint::default(),
        }
    }
}
