//! Timeouts of connections and bodies.

use std::time::Duration;

/// The timeouts of every request.
///
/// No timeout covers a whole blob: a body may take any time while bytes move.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// The TCP and TLS handshakes.
    pub connect: Duration,
    /// From the last byte of a request to the headers of its response.
    pub first_byte: Duration,
    /// Between two reads of a body, and between two writes of an upload.
    pub stall: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            first_byte: Duration::from_secs(30),
            stall: Duration::from_secs(30),
        }
    }
}
