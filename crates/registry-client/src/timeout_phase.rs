//! The phases of a request that have timeouts.

/// The phase of a request in which it timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// Waiting for the status line and headers of the response.
    Response,
    /// Waiting for more bytes of the response body.
    Body,
    /// Waiting for the registry to accept more bytes of an upload.
    Upload,
    /// Waiting for a number of bytes, the minimum rate of a body.
    Slow(u64),
    /// Waiting for the end of a body that is read into memory.
    Document,
    /// Waiting for the last page of a list.
    List,
}

impl std::fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Response => "no response",
            Self::Body => "no more bytes",
            Self::Upload => "no upload progress",
            Self::Slow(bytes) => return write!(f, "fewer than {bytes} bytes"),
            Self::Document => "no complete response",
            Self::List => "no last page of the list",
        })
    }
}
