//! The time that peers get: for slow bodies, commits, lists, probes and hosts that are down.

use std::time::Duration;

use embedded_registry::RunningRegistry;
use futures::future::join_all;
use registry_client::{
    Client, Error, Manifest, MinimumRate, Mount, Repository, Support, TimeoutPhase, Timeouts,
};
use testkit::proxy::{Action, RequestKind, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::setup::{
    INDEX, Setup, blob_of, faulty, index, noise, path, pull, push, read, start, tag, transfer,
};

/// Starts a server that sends a body of 1,000 bytes one byte at a time. Returns its host.
async fn dripping_server(pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _read = stream.read(&mut request).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
                let mut sent = stream.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    tokio::time::sleep(pause).await;
                    sent = stream.write_all(b"x").await;
                }
            });
        }
    });
    host
}

#[tokio::test]
async fn dripping_body_is_a_stall_although_bytes_arrive() {
    let host = dripping_server(Duration::from_millis(20)).await;
    let mut setup = Setup::new();
    setup.timeouts.minimum_rate = MinimumRate {
        bytes: 500,
        within: Duration::from_millis(400),
    };
    let repository = pull(&setup.client(), &host, "a");
    let error = read(&repository, &blob_of(&noise(1, 1000)))
        .await
        .unwrap_err();
    let is_slow = |error: &Error| {
        matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Slow(500),
                ..
            }
        )
    };
    assert!(is_slow(&error), "{error}");
    let text = error.to_string();
    assert!(
        text.ends_with("fewer than 500 bytes within 0.4 s"),
        "{text}"
    );

    let mut setup = Setup::new();
    setup.timeouts.document = Duration::from_millis(300);
    let repository = pull(&setup.client(), &host, "a");
    let error = repository.manifest(tag("1")).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.ends_with("no complete response within 0.3 s"),
        "{text}"
    );
}

/// Returns a manifest that is at a source.
async fn manifest(source: &RunningRegistry, from: &Repository) -> Manifest {
    source.put_manifest("a", Some("1"), INDEX, index("x"));
    from.manifest(tag("1")).await.unwrap().unwrap()
}

/// A short timeout for responses, and long ones for commits and for uploads that stall.
fn patient_with_commits() -> Setup {
    let mut setup = Setup::new();
    setup.timeouts.first_byte = Duration::from_millis(400);
    setup.timeouts.commit = Timeouts::default().commit;
    setup
}

#[tokio::test]
async fn commits_may_take_longer_than_other_responses() {
    let ((source, _), (target, proxy)) = (start().await, start().await);
    proxy.add(Rule::new("PUT", "").does(Action::Delay(Duration::from_millis(1200))));
    let client = patient_with_commits().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    for size in [1000, 300_000] {
        let bytes = noise(1, size);
        source.put_blob("a", bytes.clone());
        transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
    }
    let manifest = manifest(&source, &from).await;
    to.put_manifest(tag("1"), &manifest).await.unwrap();
    assert_eq!(proxy.count("PUT", ""), 3, "no PUT is repeated");
    assert!(target.tagged("a", "1").is_some());
}

#[tokio::test]
async fn write_whose_response_is_lost_each_time_has_succeeded() {
    let ((source, _), (target, proxy)) = (start().await, start().await);
    proxy.add(Rule::new("PUT", "").does(Action::DropResponse));
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    for size in [1000, 300_000] {
        let bytes = noise(1, size);
        source.put_blob("a", bytes.clone());
        transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
    }
    let manifest = manifest(&source, &from).await;
    to.put_manifest(tag("1"), &manifest).await.unwrap();
    assert!(target.tagged("a", "1").is_some());

    proxy.clear_rules();
    proxy.add(Rule::new("PUT", "").does(Action::Reset));
    let failed = to.put_manifest(tag("2"), &manifest).await.unwrap_err();
    assert!(matches!(failed, Error::Connection { .. }), "{failed}");
}

#[tokio::test]
async fn failed_probe_is_sent_once_in_a_repository() {
    for action in [
        Action::answer(500),
        Action::answer(503),
        Action::answer(429).header("retry-after", "1"),
    ] {
        let (_target, proxy) = start().await;
        let shown = format!("{action:?}");
        for (method, part) in [("POST", "mount="), ("HEAD", "/blobs/")] {
            proxy.add(Rule::new(method, part).does(action.clone()));
        }
        let client = Setup::new().client();
        let to = push(&client, &proxy.host(), "a");
        for seed in 0..3 {
            let blob = blob_of(&noise(seed, 100));
            if to.mount_support() != Support::No {
                let mount = to.mount(&blob.digest, &path("base")).await.unwrap();
                assert!(matches!(mount, Mount::Unanswered), "{shown}");
            }
            assert!(!to.is_known_to_have_blob(&blob).await, "{shown}");
        }
        for kind in [RequestKind::Mount, RequestKind::BlobHead] {
            let sent = proxy.requests();
            let sent = sent.iter().filter(|each| each.kind() == Some(kind));
            assert_eq!(sent.count(), 1, "{shown}: {kind:?}");
        }
        let other = push(&client, &proxy.host(), "b");
        assert_eq!(other.mount_support(), Support::Unknown, "{shown}");
    }
}

#[tokio::test]
async fn host_that_is_down_fails_further_requests_at_once_with_its_own_error() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = unused.local_addr().unwrap().to_string();
    drop(unused);
    let (_registry, proxy) = start().await;
    let client = Setup::new().client();
    let head =
        async |host: &str, name: &str| pull(&client, host, name).head_manifest(tag("1")).await;
    // Each with its own attempts, together long enough to open the breaker.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let error = loop {
        join_all(["a", "b", "c"].map(|name| head(&down, name))).await;
        let sent = client.requests();
        let error = head(&down, "d").await.unwrap_err();
        if client.requests() == sent {
            break error;
        }
        assert!(tokio::time::Instant::now() < deadline, "{error}");
    };
    let text = error.to_string();
    assert!(matches!(error, Error::HostDown { .. }), "{text}");
    assert!(
        text.starts_with(&format!("{down} cannot be used: ")),
        "{text}"
    );
    assert!(!text.contains("/v2/"), "the URL of another row: {text}");
    assert!(head(&proxy.host(), "a").await.unwrap().is_none());
}

/// A page with a tag of its own, which names the next page.
fn endless_pages(proxy: &testkit::proxy::FaultProxy, limited: bool) {
    for number in 0..200 {
        let page = format!("last=t{number}");
        let next = format!("</v2/a/tags/list?last=t{}>; rel=\"next\"", number + 1);
        let is_page = move |parts: &http::request::Parts| {
            parts.uri.query().unwrap_or_default().ends_with(&page)
        };
        let limit = Action::answer(429).header("retry-after", "1");
        let answer = Action::answer(200)
            .body(format!(r#"{{"tags":["t{}"]}}"#, number + 1))
            .header("link", &next);
        if limited {
            proxy.add(
                Rule::new("GET", "/tags/")
                    .when(is_page.clone())
                    .first(1)
                    .does(limit),
            );
        }
        proxy.add(Rule::new("GET", "/tags/").when(is_page).does(answer));
    }
    let first = Action::answer(200)
        .body(r#"{"tags":["t0"]}"#)
        .header("link", "</v2/a/tags/list?last=t0>; rel=\"next\"");
    let is_first = |parts: &http::request::Parts| !parts.uri.to_string().contains("last=");
    proxy.add(Rule::new("GET", "/tags/").when(is_first).does(first));
}

#[tokio::test]
async fn time_and_pauses_of_a_list_count_for_all_its_pages() {
    let (_registry, proxy) = faulty(embedded_registry::Registry::new()).await;
    endless_pages(&proxy, true);
    let mut setup = Setup::new();
    setup.retry_policy.max_wait = Duration::from_secs(3);
    let client = setup.client();
    let error = pull(&client, &proxy.host(), "a").tags().await.unwrap_err();
    assert_eq!(
        error.status().map(|status| status.as_u16()),
        Some(429),
        "{error}"
    );
    let throttled = proxy.requests();
    let throttled = throttled.iter().filter(|each| each.status() == Some(429));
    assert_eq!(throttled.count(), 4, "three pauses of one second");

    proxy.clear_rules();
    endless_pages(&proxy, false);
    proxy.set_latency(Duration::from_millis(30));
    let mut setup = Setup::new();
    setup.timeouts.list = Duration::from_millis(500);
    let client: &Client = &setup.client();
    let error = pull(client, &proxy.host(), "a").tags().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.ends_with("no last page of the list within 0.5 s"),
        "{text}"
    );
}
