//! What a client is doing, for whoever asks of a run that seems stuck.

use std::time::Duration;

use crate::transport::{Host, RequestUnderWay};

/// What a client is doing at one moment.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The requests under way, oldest first.
    pub requests: Vec<RequestUnderWay>,
    /// The hosts that were spoken to, by name.
    pub hosts: Vec<HostActivity>,
}

/// How a host is treated at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostActivity {
    /// The host, as in names.
    pub host: String,
    /// Requests that it gets at once.
    pub limit: usize,
    /// For how much longer it gets none, because it asked for a pause.
    pub paused: Option<Duration>,
    /// The same of its token server.
    pub tokens_paused: Option<Duration>,
    /// It has answered nothing lately: one request at a time is tried.
    pub silent: bool,
}

impl HostActivity {
    pub(crate) fn of(host: &Host) -> Self {
        Self {
            host: host.name().to_owned(),
            limit: host.limit.at_once(),
            paused: host.limit.pause_left(),
            tokens_paused: host.realm.0.pause_left(),
            silent: host.health.is_down(),
        }
    }
}
