//! Retries and their limits.

use std::time::{Duration, Instant};

use embedded_registry::Registry;
use registry_client::{Error, Manifest, sha256_digest};
use testkit::proxy::{Action, Rule};
use tokio::net::TcpListener;

use crate::setup::{INDEX, Setup, index, pull, push, start, tag};

#[tokio::test]
async fn transient_failures_are_retried() {
    let (registry, proxy) = start().await;
    registry.put_manifest("a", Some("1"), INDEX, index("x"));
    let client = Setup::new().client();
    let repository = pull(&client, &proxy.host(), "a");
    let failures = [408, 429, 500, 502, 503, 504].map(|status| Action::answer(status).into());
    let broken = [
        Action::Reset,
        Action::Truncate { after: 10 },
        Action::ResetInBody { after: 10 },
    ];
    for action in failures.into_iter().chain(broken) {
        let shown = format!("{action:?}");
        proxy.clear_rules();
        proxy.clear_requests();
        proxy.add(Rule::new("GET", "/manifests/").first(2).does(action));
        let manifest = repository.manifest(tag("1")).await.unwrap().unwrap();
        assert_eq!(manifest.bytes, index("x"), "{shown}");
        assert_eq!(proxy.requests().len(), 3, "{shown}");
    }
}

#[tokio::test]
async fn refusals_are_not_retried_and_have_the_registry_message() {
    let (_registry, proxy) = start().await;
    let client = Setup::new().client();
    let repository = pull(&client, &proxy.host(), "a");
    for status in [400, 401, 403, 405, 410, 418] {
        proxy.clear_rules();
        proxy.clear_requests();
        proxy.add(Rule::new("GET", "/manifests/").does(Action::answer(status)));
        let error = repository.manifest(tag("1")).await.unwrap_err();
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert!(error.to_string().contains("injected fault"), "{error}");
        assert_eq!(proxy.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn attempts_are_limited() {
    let (_registry, proxy) = start().await;
    proxy.add(Rule::new("", "").does(Action::answer(502)));
    let error = pull(&Setup::new().client(), &proxy.host(), "a")
        .tags()
        .await
        .unwrap_err();
    assert_eq!(error.status().map(|s| s.as_u16()), Some(502));
    assert_eq!(proxy.requests().len(), 3);
}

#[tokio::test]
async fn manifest_put_is_retried_after_a_lost_response() {
    let (registry, proxy) = start().await;
    proxy.add(
        Rule::new("PUT", "/manifests/")
            .first(1)
            .does(Action::DropResponse),
    );
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes: bytes.clone(),
    };
    let target = push(&Setup::new().client(), &proxy.host(), "a");
    target.put_manifest(tag("1"), &manifest).await.unwrap();
    assert_eq!(registry.tagged("a", "1").unwrap().bytes, bytes);
    assert_eq!(proxy.count("PUT", ""), 2);
}

#[tokio::test]
async fn unreachable_host_is_retried_for_few_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut setup = Setup::new();
    setup.retry_policy.initial_backoff = Duration::from_millis(25);
    let client = setup.client();
    let host = address.to_string();
    let begun = Instant::now();
    for number in 0..200 {
        let repository = pull(&client, &host, &format!("r{number}"));
        let error = repository.head_manifest(tag("1")).await.unwrap_err();
        let is_down = matches!(error, Error::Connection { .. } | Error::HostDown { .. });
        assert!(is_down, "{error}");
    }
    let spent = begun.elapsed();
    // The attempts of a few requests; the others fail fast.
    assert!(
        client.requests() < 60,
        "{} requests in {spent:?}",
        client.requests()
    );

    let Ok(listener) = TcpListener::bind(address).await else {
        return; // another process took the port
    };
    drop(listener);
    let registry = Registry::new().start().await.unwrap();
    let back = tokio::spawn(relay(address, registry.address()));
    tokio::time::sleep(Duration::from_millis(600)).await;
    for _ in 0..20 {
        pull(&client, &host, "a")
            .head_manifest(tag("1"))
            .await
            .unwrap();
    }
    back.abort();
}

#[tokio::test]
async fn restarting_host_fails_few_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let registry = Registry::new().start().await.unwrap();
    let mut setup = Setup::new();
    setup.retry_policy.initial_backoff = Duration::from_millis(20);
    let (client, host) = (setup.client(), address.to_string());
    // Only a host that has responded gets the time of a restart.
    let up = tokio::spawn(relay(address, registry.address()));
    let first = pull(&client, &host, "first").head_manifest(tag("1")).await;
    assert!(first.is_ok(), "{first:?}");
    up.abort();
    let heads = (0..100).map(|number| {
        let repository = pull(&client, &host, &format!("r{number}"));
        async move { repository.head_manifest(tag("1")).await.is_ok() }
    });
    // Longer than the attempts of one request.
    let restart = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let back = tokio::spawn(relay(address, registry.address()));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        back.abort();
    };
    let (succeeded, ()) = futures::future::join(futures::future::join_all(heads), restart).await;
    let failed = succeeded.iter().filter(|succeeded| !**succeeded).count();
    assert!(failed <= 3, "{failed} of 100 failed");
}

/// Relays connections to a registry.
async fn relay(from: std::net::SocketAddr, to: std::net::SocketAddr) {
    let listener = TcpListener::bind(from).await.unwrap();
    // Connections end with the relay.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut inner, _)) = listener.accept().await {
        connections.spawn(async move {
            let mut outer = tokio::net::TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
        });
    }
}

#[tokio::test]
async fn failures_of_one_request_do_not_mark_the_host_as_unreachable() {
    let (registry, proxy) = start().await;
    let bytes = crate::setup::noise(1, 1000);
    registry.put_blob("a", bytes.clone());
    proxy.add(Rule::new("GET", "/blobs/").first(4).does(Action::Reset));
    let mut setup = Setup::new();
    setup.retry_policy.max_attempts = 6;
    let repository = pull(&setup.client(), &proxy.host(), "a");
    let read = crate::setup::read(&repository, &crate::setup::blob_of(&bytes)).await;
    assert_eq!(read.unwrap(), bytes);
}

#[tokio::test]
async fn retry_after_of_a_503_is_respected() {
    let (_registry, proxy) = start().await;
    let busy = Action::answer(503).header("retry-after", "1");
    proxy.add(Rule::new("HEAD", "").first(1).does(busy));
    let begun = Instant::now();
    let head = pull(&Setup::new().client(), &proxy.host(), "a")
        .head_manifest(tag("1"))
        .await;
    assert!(head.unwrap().is_none() && begun.elapsed() >= Duration::from_secs(1));
}
