//! A running proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use embedded_registry::HttpListener;
use tokio::task::JoinHandle;
use tokio::time::{sleep, sleep_until};

use super::forward::forward;
use super::record::RecordedRequest;
use super::rule::Rule;
use super::state::State;
use super::stream::{ResetFlag, ResettableStream};

/// A proxy for one registry (both plain HTTP/1.1) that runs until it is dropped. The registry receives the
/// proxy's name in `Host`, so that the locations in its responses name the proxy.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy without rules on a free port.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = HttpListener::bind().await.expect("a free port");
        let address = listener.address();
        let state = Arc::new(State::new(upstream));
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            task,
        }
    }

    /// Returns the address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `127.0.0.1:PORT`, the registry part of references through the proxy.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Adds a rule. The rule counts requests from this call on.
    pub fn add(&self, rule: Rule) {
        self.state.rules.add(rule);
    }

    /// Removes all rules.
    pub fn clear_rules(&self) {
        self.state.rules.clear();
    }

    /// Delays every request, in addition to the delays of rules.
    pub fn set_latency(&self, latency: Duration) {
        self.state.set_latency(latency);
    }

    /// Returns all requests in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.recorder.all()
    }

    /// Counts the requests with a method (`""`: any) and `part` in path and query.
    pub fn count(&self, method: &str, part: &str) -> usize {
        let is_match = |request: &&RecordedRequest| {
            (method.is_empty() || request.method == method)
                && format!("{}?{}", request.path, request.query).contains(part)
        };
        self.requests().iter().filter(is_match).count()
    }

    /// Removes the recorded requests. The counters of rules stay.
    pub fn clear_requests(&self) {
        self.state.recorder.clear();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves, except during downtimes.
async fn serve(mut listener: HttpListener, state: Arc<State>) {
    let mut downtimes = state.downtimes();
    loop {
        let address = listener.address();
        let server = listener.serve_connections({
            let state = Arc::clone(&state);
            move |stream| {
                let reset = ResetFlag::default();
                let state = Arc::clone(&state);
                let stream = ResettableStream::new(stream, reset.clone());
                let handler = move |request| {
                    let (state, reset) = (Arc::clone(&state), reset.clone());
                    async move { forward(&state, &reset, request).await }
                };
                (stream, handler)
            }
        });
        if downtimes.changed().await.is_err() {
            return;
        }
        server.stop().await;
        let until = *downtimes.borrow_and_update();
        sleep_until(until).await;
        listener = bind_again(address).await;
    }
}

/// Binds the same port, which another process may have taken for a moment.
async fn bind_again(address: SocketAddr) -> HttpListener {
    const MAX_ATTEMPTS: usize = 1000;
    for _ in 0..MAX_ATTEMPTS {
        if let Ok(listener) = HttpListener::bind_to(address).await {
            return listener;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("cannot bind {address} again: another process uses it");
}
