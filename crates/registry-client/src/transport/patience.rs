//! How long we wait for a peer.

use std::time::Duration;

/// Timeouts and retries, the same for every host.
///
/// There is no total timeout over a blob: what moves may take its time. A peer
/// that stalls for good is given up after `tries` timeouts, within four
/// minutes by default.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For the TCP and TLS handshakes.
    pub connect: Duration,
    /// From the request's last byte to the answer's headers.
    pub first_byte: Duration,
    /// Between two reads of a body, and between two writes of an upload.
    pub stall: Duration,
    /// Tries of one request, the first included.
    pub tries: u32,
    /// No further try is begun after this time.
    pub trying: Duration,
    /// The first backoff; each further one is twice as long.
    pub backoff: Duration,
    /// The longest pause that a registry may ask for (`Retry-After`).
    pub max_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            first_byte: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            tries: 5,
            trying: Duration::from_secs(150),
            backoff: Duration::from_millis(500),
            max_wait: Duration::from_secs(300),
        }
    }
}
