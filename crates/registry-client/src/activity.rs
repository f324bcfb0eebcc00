//! A snapshot of a client's requests and hosts, for a run that seems stuck.

use std::time::Duration;

use crate::transport::{Host, InFlightRequest};

/// The requests and hosts of a client at one moment.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The requests under way, oldest first.
    pub requests: Vec<InFlightRequest>,
    /// The hosts that got a request, ordered by name.
    pub hosts: Vec<HostActivity>,
}

/// The limits of a host at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostActivity {
    /// The host as in image names.
    pub host: String,
    /// Maximum concurrent requests.
    pub limit: usize,
    /// The rest of a pause that the host asked for.
    pub paused: Option<Duration>,
    /// The rest of a pause that its token server asked for.
    pub tokens_paused: Option<Duration>,
    /// The host did not answer lately and gets one request at a time.
    pub unresponsive: bool,
}

impl HostActivity {
    pub(crate) fn of(host: &Host) -> Self {
        Self {
            host: host.name().to_owned(),
            limit: host.peer.limit.at_once(),
            paused: host.peer.limit.pause_left(),
            tokens_paused: host.token_server.limit.pause_left(),
            unresponsive: host.peer.breaker.is_open(),
        }
    }
}
