//! Uploads in chunks, for hosts that refuse large bodies.

use std::time::Duration;

use testkit::processes::{Distribution, Nginx, ProxiedRequest, Version};
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{Setup, blob_of, noise, pull, push, read, start, transfer};

/// More than two chunks.
const SIZE: usize = 18 * 1024 * 1024;

fn refuse_large(proxy: &FaultProxy) {
    let large = |parts: &http::request::Parts| {
        let length = parts.headers.get("content-length");
        length
            .and_then(|l| l.to_str().ok()?.parse::<u64>().ok())
            .unwrap_or(0)
            > 9_000_000
    };
    let refused = Action::answer(413);
    proxy.add(Rule::new("PUT", "/uploads/").when(large).does(refused));
}

#[tokio::test]
async fn after_a_413_blobs_go_in_chunks() {
    let (source, _) = start().await;
    for version in [Version::V2, Version::V3] {
        let registry = Distribution::new().version(version).start().await;
        let proxy = FaultProxy::start(registry.address()).await;
        refuse_large(&proxy);
        let client = Setup::new().client();
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &proxy.host(), "a"),
        );
        for seed in [1, 2] {
            let bytes = noise(seed, SIZE);
            source.put_blob("a", bytes.clone());
            transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
            assert!(
                read(&to, &blob_of(&bytes)).await.unwrap() == bytes,
                "{version:?}"
            );
        }
        let refused = proxy
            .requests()
            .iter()
            .filter(|r| r.status() == Some(413))
            .count();
        assert_eq!(refused, 1, "learnt for the host");
        assert_eq!(proxy.count("PATCH", ""), 6);
        let sent = proxy
            .requests()
            .iter()
            .filter(|r| r.method == "PATCH")
            .map(|r| r.sent_bytes)
            .max();
        assert_eq!(sent, Some(8 * 1024 * 1024));
    }
}

#[tokio::test]
async fn lost_chunk_response_causes_an_offset_request() {
    let faults = [
        Action::DropResponse,
        Action::Reset,
        Action::answer(502).into(),
    ];
    for (action, patches) in faults.into_iter().zip([3, 4, 4]) {
        let shown = format!("{action:?}");
        let (source, _) = start().await;
        let (target, proxy) = start().await;
        refuse_large(&proxy);
        proxy.add(Rule::new("PATCH", "").nth(2).does(action));
        let client = Setup::new().client();
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &proxy.host(), "a"),
        );
        let bytes = noise(1, SIZE);
        source.put_blob("a", bytes.clone());
        transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
        assert!(
            target.blob("a", blob_of(&bytes).digest.as_spec()) == Some(bytes),
            "{shown}"
        );
        assert_eq!(
            proxy.count("GET", "/uploads/"),
            1,
            "{shown}: requests for the offset"
        );
        assert_eq!(proxy.count("PATCH", ""), patches, "{shown}");
    }
}

#[tokio::test]
async fn upload_to_real_registries_survives_a_lost_response() {
    let (source, _) = start().await;
    let bytes = noise(1, 9 * 1024 * 1024);
    source.put_blob("a", bytes.clone());
    for version in [Version::V2, Version::V3] {
        for action in [Action::DropResponse, Action::Reset] {
            let registry = Distribution::new().version(version).start().await;
            let proxy = FaultProxy::start(registry.address()).await;
            refuse_large(&proxy);
            proxy.add(Rule::new("PATCH", "").nth(2).does(action));
            let client = Setup::new().client();
            let (from, to) = (
                pull(&client, &source.host(), "a"),
                push(&client, &proxy.host(), "a"),
            );
            transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
            assert!(
                read(&to, &blob_of(&bytes)).await.unwrap() == bytes,
                "{version:?}"
            );
        }
    }
}

#[tokio::test]
async fn permanently_throttled_chunk_waits_once_for_the_maximum_time() {
    let (source, _) = start().await;
    let (_target, proxy) = start().await;
    refuse_large(&proxy);
    let busy = Action::answer(429).header("retry-after", "1");
    proxy.add(Rule::new("PATCH", "").does(busy));
    let mut setup = Setup::new();
    setup.retry_policy.max_wait = Duration::from_secs(1);
    let client = setup.client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    let bytes = noise(1, SIZE);
    source.put_blob("a", bytes.clone());
    let failed = transfer(&from, &to, &blob_of(&bytes)).await.unwrap_err();
    assert_eq!(failed.error.status().map(|s| s.as_u16()), Some(429));
    assert_eq!(proxy.count("PATCH", ""), 2, "no second session");
}

/// nginx refuses bodies above 1 MiB by default. Two large uploads start at the same time, and later
/// ones start with chunks.
#[tokio::test]
async fn uploads_adapt_to_the_limit_of_nginx() {
    let cases = [
        ("", 1024 * 1024),
        ("client_max_body_size 5m;", 4 * 1024 * 1024),
        ("client_max_body_size 100k;", 64 * 1024),
    ];
    for (settings, chunk) in cases {
        let (source, _) = start().await;
        let registry = Distribution::new().version(Version::V3).start().await;
        let nginx = Nginx::start(registry.address(), settings).await;
        let client = Setup::new().client();
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &nginx.host(), "a"),
        );
        let sizes = [SIZE, SIZE, SIZE / 2, 120_000];
        let contents: Vec<_> = (1..)
            .zip(sizes)
            .map(|(seed, size)| noise(seed, size))
            .collect();
        for content in &contents {
            source.put_blob("a", content.clone());
        }
        let blobs: Vec<_> = contents.iter().map(blob_of).collect();
        let (one, two) = futures::join!(
            transfer(&from, &to, &blobs[0]),
            transfer(&from, &to, &blobs[1])
        );
        one.unwrap();
        two.unwrap();
        let refused = |requests: &[ProxiedRequest]| {
            let refused = requests.iter().filter(|request| request.status == 413);
            refused.count()
        };
        let learnt = refused(&nginx.requests());
        assert!(learnt >= 2, "{settings}: {learnt}");
        for blob in &blobs[2..] {
            transfer(&from, &to, blob).await.unwrap();
        }
        let requests = nginx.requests();
        assert_eq!(
            refused(&requests),
            learnt,
            "{settings}: learnt for the host"
        );
        let is_chunk =
            |request: &&ProxiedRequest| request.method == "PATCH" && request.status == 202;
        let sent = requests.iter().filter(is_chunk);
        let largest = sent.filter_map(|request| request.length).max();
        assert_eq!(largest, Some(chunk), "{settings}");
        for (blob, content) in blobs.iter().zip(&contents) {
            let stored = read(&to, blob).await.unwrap();
            assert!(stored == *content, "{settings}: {}", blob.size);
        }
    }
}

#[tokio::test]
async fn limit_below_the_smallest_chunk_is_an_error() {
    let (source, _) = start().await;
    let (_target, proxy) = start().await;
    for method in ["PUT", "PATCH"] {
        let has_body = |parts: &http::request::Parts| {
            let length = parts.headers.get("content-length");
            length.is_some_and(|length| length != "0")
        };
        let refused = Rule::new(method, "/uploads/").when(has_body);
        proxy.add(refused.does(Action::answer(413)));
    }
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    for size in [1_000, 1_000_000] {
        let bytes = noise(1, size);
        source.put_blob("a", bytes.clone());
        let failed = transfer(&from, &to, &blob_of(&bytes)).await.unwrap_err();
        assert_eq!(
            failed.error.status().map(|s| s.as_u16()),
            Some(413),
            "{size}"
        );
    }
}
