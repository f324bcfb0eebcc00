//! Faults that the proxy can inject.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// A fault. If several rules match one request, delays add up, all header changes apply, and only the
/// first of the other actions applies.
#[derive(Clone, Debug)]
pub enum Action {
    /// Waits before the request is forwarded.
    Delay(Duration),
    /// Reads the request and responds to it. The registry never receives it.
    Answer(Reply),
    /// Responds with a 307 to the same path and query at another host (`HOST:PORT`, plain HTTP). The
    /// registry never receives the request.
    RedirectTo(String),
    /// Reads nothing and sends nothing for ten minutes.
    Stall,
    /// Resets the connection. The registry never receives the request.
    Reset,
    /// Resets all connections and refuses new ones for this time, as a host that is down.
    GoDown(Duration),
    /// Forwards the request, then resets the connection instead of sending the response.
    DropResponse,
    /// Resets the connection after this many bytes of the request body.
    ResetUpload {
        /// Bytes.
        after: u64,
    },
    /// Reads this many bytes of the request body, then nothing for ten minutes.
    StallUpload {
        /// Bytes.
        after: u64,
    },
    /// Reads the request body at this rate. Buffers of the kernel take some MiB more.
    SlowUpload {
        /// Bytes.
        per_second: u64,
    },
    /// Changes one bit of the request body.
    FlipUpload {
        /// Its offset.
        at: u64,
    },
    /// Responds with 200 and a body of whitespace, generated while it is sent.
    Flood {
        /// Bytes.
        bytes: u64,
        /// Send `Content-Length`.
        announced: bool,
    },
    /// Sends this many bytes of the response body, then nothing for ten minutes.
    StallInBody {
        /// Bytes.
        after: u64,
    },
    /// Sends this many bytes of the response body, then resets the connection. Bytes in the kernel's
    /// buffer may be lost, too.
    ResetInBody {
        /// Bytes.
        after: u64,
    },
    /// Sends this many bytes of the response body, then closes the connection.
    Truncate {
        /// Bytes.
        after: u64,
    },
    /// Changes one bit of the response body.
    FlipByte {
        /// Its offset.
        at: u64,
    },
    /// Sends a `Content-Length` with this difference from the real length.
    WrongLength(i64),
    /// Removes a header from the response.
    DropHeader(&'static str),
    /// Sets a header of the response.
    SetHeader(&'static str, String),
    /// Removes the query from the request. A mount becomes the start of an upload, as with registries
    /// that do not support mounts.
    DropQuery,
}

impl Action {
    /// Creates an [`Action::Answer`] with a status and the error document that registries send with it.
    pub fn answer(status: u16) -> Reply {
        let status = StatusCode::from_u16(status).expect("a valid status code");
        let code = match status {
            StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
            StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
            StatusCode::FORBIDDEN => "DENIED",
            _ => "UNKNOWN",
        };
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"injected fault"}}]}}"#);
        Reply {
            status,
            headers: HeaderMap::new(),
            body: Bytes::from(body),
        }
        .header("content-type", "application/json")
    }
}

/// A response of the proxy itself.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a valid header value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

impl From<Reply> for Action {
    fn from(reply: Reply) -> Self {
        Self::Answer(reply)
    }
}
