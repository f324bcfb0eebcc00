//! Responses with content that is in memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

/// The header with the digest of the content that a response is about.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The largest frame. Small frames let other connections in between; the bytes are not copied.
const MAX_FRAME: usize = 256 * 1024;

/// A response under construction.
pub(crate) struct Response(http::Response<ResponseBody>);

/// The methods that read content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadMethod {
    Head,
    Get,
}

impl Response {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut response = http::Response::new(ResponseBody::default());
        *response.status_mut() = status;
        Self(response)
    }

    /// Sets a header. A value that HTTP cannot carry is left out; all values are checked names,
    /// digests and numbers.
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Sets type, length and, for GET, the content.
    pub(crate) fn content(self, media_type: &str, bytes: Bytes, method: ReadMethod) -> Self {
        let mut response = self
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CONTENT_LENGTH, bytes.len().to_string());
        if method == ReadMethod::Get {
            *response.0.body_mut() = ResponseBody(bytes);
        }
        response
    }

    /// Sets a JSON document as the content.
    pub(crate) fn json(self, value: &serde_json::Value) -> Self {
        let bytes = Bytes::from(value.to_string());
        self.content("application/json", bytes, ReadMethod::Get)
    }

    pub(crate) fn into_http(self) -> http::Response<ResponseBody> {
        self.0
    }
}

/// A body that yields bytes in memory, frame by frame.
#[derive(Debug, Default)]
pub(crate) struct ResponseBody(Bytes);

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(MAX_FRAME);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
