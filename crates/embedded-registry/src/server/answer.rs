//! Bodies and headers of answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

/// Handed to the connection at once at most: a slow reader of a big blob holds up nobody, and the
/// bytes are never copied.
const FRAME: usize = 256 * 1024;

/// A body that is in memory already, handed out in frames.
#[derive(Debug, Default)]
pub(crate) struct Frames(Bytes);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(FRAME);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// `Docker-Content-Digest`, which every answer about one piece of content carries.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// An answer under construction. A header that HTTP cannot carry is left out: all of ours are
/// made of checked names and numbers.
pub(crate) struct Answer(Response<Frames>);

impl Answer {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Frames::default());
        *response.status_mut() = status;
        Self(response)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Content with its type; for HEAD the length of it and no bytes.
    pub(crate) fn content(self, media_type: &str, bytes: Bytes, part: Part) -> Self {
        let length = bytes.len();
        let mut answer = self
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CONTENT_LENGTH, length.to_string());
        if part == Part::Whole {
            *answer.0.body_mut() = Frames(bytes);
        }
        answer
    }

    /// A JSON document.
    pub(crate) fn json(self, value: &serde_json::Value) -> Self {
        self.content(
            "application/json",
            Bytes::from(value.to_string()),
            Part::Whole,
        )
    }

    pub(crate) fn into_response(self) -> Response<Frames> {
        self.0
    }
}

/// What of some content is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// HEAD
    Head,
    /// GET
    Whole,
}
