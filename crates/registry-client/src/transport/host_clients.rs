//! Over which version of HTTP a host is spoken to.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// The clients for a host itself.
///
/// Small requests share one connection over HTTP/2 where the host offers it
/// (RFC 9113, section 3.2), which saves each of those that are under way a
/// handshake: 200 HEADs at 80 ms take 0.5 s instead of 0.9. Blobs go over
/// HTTP/1.1: over HTTP/2 they take half more time.
///
/// A connection that all share takes all with it. So the first api request
/// that gets no answer is the end of HTTP/2 with this host: all later ones, its
/// own next try among them, go over HTTP/1.1.
#[derive(Debug)]
pub(crate) struct HostClients {
    api: reqwest::Client,
    blobs: reqwest::Client,
    http2_failed: AtomicBool,
}

impl HostClients {
    /// `api` speaks HTTP/2 where it is offered, `blobs` never.
    pub(super) fn new(api: reqwest::Client, blobs: reqwest::Client) -> Self {
        Self {
            api,
            blobs,
            http2_failed: AtomicBool::new(false),
        }
    }

    /// For requests and answers that are no blobs.
    pub(super) fn api(&self) -> &reqwest::Client {
        if self.http2_failed.load(Ordering::Relaxed) {
            return &self.blobs;
        }
        &self.api
    }

    /// For the content of blobs.
    pub(super) fn blobs(&self) -> &reqwest::Client {
        &self.blobs
    }

    /// Notes why a api request failed.
    pub(super) fn failed(&self, error: &Error) {
        let no_answer = matches!(error, Error::Connection { .. } | Error::Timeout { .. });
        if no_answer && !self.http2_failed.swap(true, Ordering::Relaxed) {
            tracing::debug!(%error, "from here on over HTTP/1.1");
        }
    }
}
