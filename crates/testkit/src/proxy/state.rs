//! The state of a proxy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;
use tokio::time::Instant;

use super::body::ForwardedBody;
use super::record::Recorder;
use super::rule::Rules;

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) upstream: SocketAddr,
    pub(super) client: Client<HttpConnector, ForwardedBody>,
    pub(super) rules: Rules,
    pub(super) recorder: Recorder,
    latency_microseconds: AtomicU64,
    /// The time at which the proxy listens again.
    down_until: watch::Sender<Instant>,
}

impl State {
    pub(super) fn new(upstream: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            upstream,
            client: Client::builder(TokioExecutor::new()).build(connector),
            rules: Rules::default(),
            recorder: Recorder::default(),
            latency_microseconds: AtomicU64::new(0),
            down_until: watch::Sender::new(Instant::now()),
        }
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_microseconds
            .store(microseconds, Ordering::Relaxed);
    }

    /// Returns a receiver of the times until which the proxy is down.
    pub(super) fn downtimes(&self) -> watch::Receiver<Instant> {
        self.down_until.subscribe()
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_microseconds.load(Ordering::Relaxed))
    }

    /// Closes all connections and refuses new ones for this time.
    pub(super) fn go_down(&self, time: Duration) {
        self.down_until.send_replace(Instant::now() + time);
    }
}
