//! Timeouts of connections, responses and bodies.

use std::time::Duration;

/// The timeouts of every request.
///
/// No timeout covers a whole blob: a body may take any time while bytes move at the minimum rate.
/// Everything that is read into memory has a timeout in all.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// The TCP and TLS handshakes.
    pub connect: Duration,
    /// From the last byte of a request to the headers of its response.
    pub first_byte: Duration,
    /// Between two reads of a body, and between two writes of an upload.
    pub stall: Duration,
    /// From the last byte of a PUT, which commits an upload or a manifest, to the headers of its
    /// response. Harbor has needed seven minutes to commit a large layer.
    pub commit: Duration,
    /// The whole body of a response that is read into memory.
    pub document: Duration,
    /// All pages of a list.
    pub list: Duration,
    /// A body that is slower has stalled.
    pub minimum_rate: MinimumRate,
}

/// The bytes that a peer must send or accept within a time in which nothing else delays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumRate {
    /// The bytes.
    pub bytes: u64,
    /// The time.
    pub within: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            first_byte: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            commit: Duration::from_secs(600),
            document: Duration::from_secs(120),
            list: Duration::from_secs(600),
            minimum_rate: MinimumRate {
                bytes: 60 * 1024,
                within: Duration::from_secs(60),
            },
        }
    }
}
