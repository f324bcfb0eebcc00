//! HTTP versions, and requests on a shared connection that breaks.

use std::net::SocketAddr;

use futures::future::join_all;
use testkit::certificates::Authority;
use testkit::processes::{Distribution, RegistryProcess, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{Setup, TestClient, blob_of, noise, pull, push, tag, transfer};

/// The fault of the first connection after a number of received bytes.
#[derive(Clone, Copy)]
enum Fate {
    Ends,
    Stalls,
}

const BYTES: usize = 4_000;

/// Starts a relay to a registry. Its first connection breaks.
async fn breaking(to: SocketAddr, fate: Fate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut left = BYTES;
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(to).await.unwrap();
            let most = std::mem::replace(&mut left, usize::MAX);
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.split();
                let (mut from_server, mut to_server) = server.split();
                let back = async {
                    let mut buffer = [0; 1000];
                    let mut came = 0;
                    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                        came += read;
                        if came > most {
                            match fate {
                                Fate::Ends => return,
                                Fate::Stalls => std::future::pending::<()>().await,
                            }
                        }
                        if to_client.write_all(&buffer[..read]).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::select! {
                    () = back => {}
                    _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
                }
            });
        }
    });
    address
}

/// Starts a registry with TLS and a client that trusts it, also at another address.
async fn over_tls(mut setup: Setup, fate: Option<Fate>) -> (RegistryProcess, String, TestClient) {
    let authority = Authority::new("servers");
    let registry = Distribution::new()
        .version(Version::V3)
        .tls(authority.server())
        .start()
        .await;
    let host = match fate {
        Some(fate) => breaking(registry.address(), fate).await.to_string(),
        None => registry.host(),
    };
    let directory = tempfile::tempdir().unwrap();
    authority.write_certs_d(directory.path(), &host, None);
    setup.certs_d = vec![directory.path().into()];
    let client = setup.client();
    // The certificates are read before the first request to a host.
    pull(&client, &host, "a")
        .head_manifest(tag("first"))
        .await
        .unwrap();
    (registry, host, client)
}

/// Returns the number of logged requests over HTTP/1.1 and HTTP/2.
fn versions(log: &str, part: &str) -> [usize; 2] {
    let lines = log.lines().filter(|line| line.contains(part));
    let lines: Vec<_> = lines.collect();
    ["HTTP/1.1\"", "HTTP/2.0\""].map(|version| {
        let spoken = lines.iter().filter(|line| line.contains(version));
        spoken.count()
    })
}

#[tokio::test]
async fn small_requests_use_http2_and_blobs_use_http1() {
    let (registry, host, client) = over_tls(Setup::new(), None).await;
    let memory = embedded_registry::Registry::new().start().await.unwrap();
    let bytes = noise(1, 300_000);
    memory.put_blob("a", bytes.clone());
    let blob = blob_of(&bytes);
    let target = push(&client, &host, "a");
    let origin = pull(&client, &memory.host(), "a");
    transfer(&origin, &target, &blob).await.unwrap();
    let back = push(&client, &memory.host(), "b");
    transfer(&pull(&client, &host, "a"), &back, &blob)
        .await
        .unwrap();
    assert!(target.has_blob(&blob).await.unwrap());

    registry.requests().await;
    let log = registry.log();
    assert_eq!(versions(&log, "\"HEAD /v2/a/"), [0, 2], "{log}");
    assert_eq!(
        versions(&log, "\"POST /v2/a/blobs/uploads/"),
        [0, 1],
        "{log}"
    );
    assert_eq!(
        versions(&log, "\"PUT /v2/a/blobs/uploads/"),
        [1, 0],
        "{log}"
    );
    assert_eq!(versions(&log, "\"GET /v2/a/blobs/"), [1, 0], "{log}");
}

#[tokio::test]
async fn requests_change_to_http1_after_a_broken_connection() {
    for (fate, setup) in [
        (Fate::Ends, Setup::new()),
        (Fate::Stalls, Setup::with_short_timeouts()),
    ] {
        let (registry, host, client) = over_tls(setup, Some(fate)).await;
        let repository = pull(&client, &host, "a");
        let tags: Vec<_> = (0..200).map(|number| format!("v{number}")).collect();
        let heads = tags
            .iter()
            .map(|tag| repository.head_manifest(crate::setup::tag(tag)));
        for head in join_all(heads).await {
            assert!(head.unwrap().is_none());
        }
        registry.requests().await;
        let [first, second] = versions(&registry.log(), "\"HEAD /v2/a/");
        assert!(
            first > 20 && second > 1,
            "{first} over 1.1, {second} over 2"
        );
    }
}
