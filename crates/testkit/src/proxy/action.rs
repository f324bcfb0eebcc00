//! What can go wrong with a request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// A fault. Several rules may fit one request: delays add up, changes of headers are all made, of
/// other actions the first is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Waits before the request goes on.
    Delay(Duration),
    /// Reads the request and answers it here; the registry never sees it.
    Answer(Reply),
    /// Answers 307 with the same path and query at this host (`HOST:PORT`, plain HTTP); the
    /// registry never sees the request.
    RedirectTo(String),
    /// Reads nothing and answers nothing, for ten minutes at most.
    Stall,
    /// Resets the connection; the registry never sees the request.
    Reset,
    /// Resets all connections, and for so long no other is accepted: the host is gone.
    GoDown(Duration),
    /// The registry does what is asked, then the connection is reset instead of an answer.
    LoseAnswer,
    /// Resets the connection after so many bytes of the request's body went to the registry.
    ResetUpload {
        /// Bytes.
        after: u64,
    },
    /// Takes so many bytes of the request's body, then no more for ten minutes.
    StallUpload {
        /// Bytes.
        after: u64,
    },
    /// Changes one bit of the request's body.
    FlipUpload {
        /// Its offset.
        at: u64,
    },
    /// Answers 200 with so many blanks, made as they are taken.
    Flood {
        /// Bytes.
        bytes: u64,
        /// Whether `Content-Length` says how many.
        announced: bool,
    },
    /// Sends so many bytes of the answer's body, then nothing for ten minutes.
    StallInBody {
        /// Bytes.
        after: u64,
    },
    /// Sends so many bytes of the answer's body, then resets the connection. What is still in the
    /// kernel's buffer then may be lost too.
    ResetInBody {
        /// Bytes.
        after: u64,
    },
    /// Sends so many bytes of the answer's body, then closes the connection in order.
    Truncate {
        /// Bytes.
        after: u64,
    },
    /// Changes one bit of the answer's body.
    FlipByte {
        /// Its offset.
        at: u64,
    },
    /// Answers with a `Content-Length` that is off by so many bytes.
    WrongLength(i64),
    /// Removes a header from the answer.
    DropHeader(&'static str),
    /// Sets a header of the answer.
    SetHeader(&'static str, String),
    /// Takes the query from the request: a mount becomes the start of an upload, which is what
    /// registries do that do not mount.
    DropQuery,
}

impl Action {
    /// [`Action::Answer`] with a status and the error document that registries send with it; more
    /// can be added.
    pub fn answer(status: u16) -> Reply {
        let status = StatusCode::from_u16(status).expect("a status of HTTP");
        let code = match status {
            StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
            StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
            StatusCode::FORBIDDEN => "DENIED",
            _ => "UNKNOWN",
        };
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"a fault on purpose"}}]}}"#);
        Reply {
            status,
            headers: HeaderMap::new(),
            body: Bytes::from(body),
        }
        .header("content-type", "application/json")
    }
}

/// An answer that does not come from the registry.
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
        let value = HeaderValue::from_str(value).expect("a header's value");
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
