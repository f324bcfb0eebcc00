//! A TCP relay that delays each byte by half a round trip, for kernels without netem.
//!
//! On loopback `connect` returns immediately, so the relay adds the round trip of the handshake to the
//! first bytes of a client. The relay runs in this process, on the cores that the tools use. tokio's timers
//! round up to whole milliseconds.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep_until;

use crate::error::BenchError;
use crate::slow_start::SlowStart;

/// Maximum bytes of a read.
const CHUNK: usize = 64 << 10;

/// Maximum chunks in flight in one direction of a connection. The window is a lower limit.
const MAX_IN_FLIGHT: usize = 1024;

/// A relay that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay to an address. All connections together send at most `bytes_per_second` to it.
    pub(crate) async fn start(
        to: SocketAddr,
        round_trip: Duration,
        bytes_per_second: Option<u64>,
    ) -> Result<Self, BenchError> {
        let link = Arc::new(SlowLink::new(bytes_per_second));
        let listening = TcpListener::bind("127.0.0.1:0").await;
        let listener = listening.map_err(BenchError::io("listen for the relay"))?;
        let address = listener.local_addr();
        let address = address.map_err(BenchError::io("listen for the relay"))?;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            // A failed accept does not affect open connections.
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    connections.spawn(connection(client, to, round_trip, Arc::clone(&link)));
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, accepting })
    }

    /// Returns the address for clients.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A link with a limited rate, for all connections of a relay.
#[derive(Debug)]
struct SlowLink {
    bytes_per_second: Option<u64>,
    /// The time at which the bytes sent before have left.
    free: Mutex<Instant>,
}

impl SlowLink {
    fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            bytes_per_second,
            free: Mutex::new(Instant::now()),
        }
    }

    /// Returns the time at which `bytes` that are ready at `ready` have left.
    fn send(&self, bytes: usize, ready: Instant) -> Instant {
        let Some(rate) = self.bytes_per_second else {
            return ready;
        };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let takes = Duration::from_secs_f64(bytes as f64 / rate as f64);
        *free = (*free).max(ready) + takes;
        *free
    }
}

async fn connection(client: TcpStream, to: SocketAddr, round_trip: Duration, link: Arc<SlowLink>) {
    let unlimited = SlowLink::new(None);
    let accepted = Instant::now();
    let Ok(server) = TcpStream::connect(to).await else {
        return;
    };
    // Without this, small requests wait for acknowledgments on loopback, too.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        one_way(
            from_client,
            to_server,
            accepted + round_trip,
            round_trip,
            &link
        ),
        one_way(from_server, to_client, accepted, round_trip, &unlimited),
    );
}

/// Relays in one direction until either end closes. Sends nothing before `open`.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    open: Instant,
    round_trip: Duration,
    link: &SlowLink,
) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(MAX_IN_FLIGHT);
    let sending = async move {
        let mut pace = SlowStart::new(round_trip);
        let mut buffer = vec![0; CHUNK];
        loop {
            let limit = pace.window().min(CHUNK);
            let Ok(read @ 1..) = from.read(&mut buffer[..limit]).await else {
                return;
            };
            let leaves = pace.send(read, Instant::now().max(open));
            let leaves = link.send(read, leaves);
            // This wait keeps the buffers of the sender full, as a closed window does.
            sleep_until(leaves.into()).await;
            let arrives = leaves + round_trip / 2;
            let chunk = buffer[..read].to_vec();
            if sender.send((arrives, chunk)).await.is_err() {
                return;
            }
        }
    };
    let receiving = async move {
        while let Some((arrives, chunk)) = receiver.recv().await {
            sleep_until(arrives.into()).await;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(sending, receiving);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn relay_delays_the_handshake_and_each_request_by_a_round_trip() {
        let round_trip = Duration::from_millis(40);
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = echo.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.unwrap();
        });
        let relay = Relay::start(address, round_trip, None).await.unwrap();
        let mut client = TcpStream::connect(relay.address()).await.unwrap();
        let mut answer = [0; 4];
        for at_least in [round_trip * 2, round_trip] {
            let sent = Instant::now();
            client.write_all(b"ping").await.unwrap();
            client.read_exact(&mut answer).await.unwrap();
            let took = sent.elapsed();
            assert!(took >= at_least, "{took:?} is less than {at_least:?}");
        }
    }
}
