//! A wire with a round trip, for machines whose kernel has no netem: TCP is relayed to a registry,
//! each byte later by half a round trip.
//!
//! On loopback `connect` returns at once, so the round trip of the handshake is charged to the
//! first bytes of a client. A relay runs in this process: its work is on nobody's account, but on
//! the same cores. tokio's timers round up to whole milliseconds, for everybody.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep_until;

use crate::failure::Failure;
use crate::slow_start::SlowStart;

/// Read at once.
const CHUNK: usize = 64 << 10;

/// Chunks on the wire, in one direction of one connection. The window bounds them much sooner.
const ON_THE_WIRE: usize = 1024;

/// A relay that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Relays connections to `to`.
    pub(crate) async fn start(to: SocketAddr, round_trip: Duration) -> Result<Self, Failure> {
        let listening = TcpListener::bind("127.0.0.1:0").await;
        let listener = listening.map_err(Failure::io("listen for the relay"))?;
        let address = listener.local_addr();
        let address = address.map_err(Failure::io("listen for the relay"))?;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            // Without a new connection an old one is no worse: errors of accept are passed over.
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    connections.spawn(connection(client, to, round_trip));
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(client: TcpStream, to: SocketAddr, round_trip: Duration) {
    let accepted = Instant::now();
    let Ok(server) = TcpStream::connect(to).await else {
        return;
    };
    // Else small requests wait for acknowledgements on the loopback as well.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        one_way(from_client, to_server, accepted + round_trip, round_trip),
        one_way(from_server, to_client, accepted, round_trip),
    );
}

/// Relays until either end is done. Nothing leaves before `open`.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    open: Instant,
    round_trip: Duration,
) {
    let (wire, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WIRE);
    let sending = async move {
        let mut pace = SlowStart::new(round_trip);
        let mut buffer = vec![0; CHUNK];
        loop {
            let most = pace.window().min(CHUNK);
            let Ok(read @ 1..) = from.read(&mut buffer[..most]).await else {
                return;
            };
            let leaves = pace.send(read, Instant::now().max(open));
            // Waiting here keeps the sender's buffers full, as a closed window does.
            sleep_until(leaves.into()).await;
            let arrives = leaves + round_trip / 2;
            let chunk = buffer[..read].to_vec();
            if wire.send((arrives, chunk)).await.is_err() {
                return;
            }
        }
    };
    let receiving = async move {
        while let Some((arrives, chunk)) = arriving.recv().await {
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
    async fn the_handshake_costs_a_round_trip_and_each_question_another() {
        let round_trip = Duration::from_millis(40);
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = echo.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.unwrap();
        });
        let relay = Relay::start(address, round_trip).await.unwrap();
        let mut client = TcpStream::connect(relay.address()).await.unwrap();
        let mut answer = [0; 4];
        for at_least in [round_trip * 2, round_trip] {
            let asked = Instant::now();
            client.write_all(b"ping").await.unwrap();
            client.read_exact(&mut answer).await.unwrap();
            let took = asked.elapsed();
            assert!(took >= at_least, "{took:?} is less than {at_least:?}");
        }
    }
}
