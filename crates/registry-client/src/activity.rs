//! A snapshot of the requests and hosts of a client, for the status of a run.

use std::time::Duration;

use crate::transport::{Host, InFlightRequest};

/// The requests and hosts of a client at one moment.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The requests in flight, oldest first.
    pub requests: Vec<InFlightRequest>,
    /// The hosts that received a request, ordered by name.
    pub hosts: Vec<HostActivity>,
}

/// The limits of a host at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostActivity {
    /// The host in image names.
    pub host: String,
    /// Maximum concurrent requests.
    pub limit: usize,
    /// The rest of a pause that the host requested.
    pub paused: Option<Duration>,
    /// The rest of a pause that its token server requested.
    pub tokens_paused: Option<Duration>,
    /// The time until a failed request to the host or its token server is sent again.
    pub backoff: Option<Duration>,
    /// The last requests to the host got no response; it gets one request at a time.
    pub unresponsive: bool,
}

impl HostActivity {
    pub(crate) fn new(host: &Host) -> Self {
        Self {
            host: host.name().to_owned(),
            limit: host.peer.limit.current(),
            paused: host.peer.limit.pause_left(),
            tokens_paused: host.token_server.limit.pause_left(),
            backoff: [&host.peer, &host.token_server]
                .iter()
                .filter_map(|peer| peer.limit.backoff_left())
                .max(),
            unresponsive: host.peer.breaker.is_open(),
        }
    }
}
