//! Starting, steering and stopping a proxy.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::body::Passing;
use super::forward::forward;
use super::record::{Recorded, Recorder};
use super::rule::{Rule, Rules};
use super::stream::{Ending, Stream};

/// A proxy in front of one registry (both plain HTTP/1.1) that runs until this is dropped. The
/// registry sees the proxy's name in `Host`, so that the locations it answers with lead here.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) upstream: SocketAddr,
    pub(super) client: Client<HttpConnector, Passing>,
    pub(super) rules: Rules,
    pub(super) recorder: Recorder,
    latency_micros: AtomicU64,
    /// When it listens again.
    down_until: watch::Sender<Instant>,
}

impl State {
    pub(super) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::Relaxed))
    }

    /// Ends all connections and takes no other for so long.
    pub(super) fn go_down(&self, time: Duration) {
        self.down_until.send_replace(Instant::now() + time);
    }
}

impl FaultProxy {
    /// A proxy on a free port that breaks nothing yet.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let state = Arc::new(State {
            upstream,
            client: Client::builder(TokioExecutor::new()).build(connector),
            rules: Rules::default(),
            recorder: Recorder::default(),
            latency_micros: AtomicU64::new(0),
            down_until: watch::Sender::new(Instant::now()),
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            server,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The registry part of references through it: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Adds a fault. Rules count the requests from then on.
    pub fn add(&self, rule: Rule) {
        self.state.rules.add(rule);
    }

    /// Removes all faults.
    pub fn clear_rules(&self) {
        self.state.rules.clear();
    }

    /// Makes every request wait so long, on top of what rules say.
    pub fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.state.latency_micros.store(micros, Ordering::Relaxed);
    }

    /// All requests in the order in which they arrived.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.recorder.all()
    }

    /// How many requests had that method (`""`: any) and `part` in path and query.
    pub fn count(&self, method: &str, part: &str) -> usize {
        let fits = |request: &&Recorded| {
            (method.is_empty() || request.method == method)
                && format!("{}?{}", request.path, request.query).contains(part)
        };
        self.requests().iter().filter(fits).count()
    }

    /// Forgets the requests so far. Rules go on counting.
    pub fn clear_requests(&self) {
        self.state.recorder.clear();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(mut listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    let mut down = state.down_until.subscribe();
    let address = listener.local_addr().expect("the port's number");
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                while connections.try_join_next().is_some() {}
                connections.spawn(connection(stream, Arc::clone(&state)));
            }
            _ = down.changed() => {
                drop(listener);
                connections.shutdown().await;
                let until = *down.borrow_and_update();
                sleep_until(until).await;
                listener = listen_again(address).await;
            }
        }
    }
}

/// The same port, which somebody else may have for a moment.
async fn listen_again(address: SocketAddr) -> TcpListener {
    const TRIES: usize = 1000;
    for _ in 0..TRIES {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("{address}, where the proxy listened, is taken by somebody else");
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    stream
        .set_nodelay(true)
        .expect("a connection without delays");
    let ending = Ending::default();
    let io = TokioIo::new(Stream::new(stream, ending.clone()));
    let service = service_fn(|request| forward(&state, &ending, request));
    // Connections that break are what this is for.
    let _ = http1::Builder::new().serve_connection(io, service).await;
}
