//! 429 and Retry-After: all requests to a host wait, within a limit.

use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;
use registry_client::Error;
use testkit::proxy::{Action, Rule};

use crate::setup::{Setup, blob_of, noise, pull, push, read, start, tag, transfer};

#[tokio::test]
async fn retry_after_pauses_all_requests_to_the_host() {
    let (_registry, proxy) = start().await;
    let client = Setup::new().client();
    pull(&client, &proxy.host(), "warm")
        .head_manifest(tag("1"))
        .await
        .unwrap();
    for form in ["seconds", "date"] {
        proxy.clear_requests();
        proxy.clear_rules();
        let (value, least) = match form {
            "seconds" => ("1".to_owned(), 950),
            // Dates have no fractions: one to two seconds remain.
            _ => {
                let until = SystemTime::now() + Duration::from_secs(2);
                (httpdate::fmt_http_date(until), 900)
            }
        };
        let limited = Action::answer(429).header("retry-after", &value);
        proxy.add(Rule::new("HEAD", "/first/").first(1).does(limited));
        let first = pull(&client, &proxy.host(), "first");
        let asking = tokio::spawn(async move { first.head_manifest(tag("1")).await });
        while proxy
            .requests()
            .first()
            .is_none_or(|r| r.answered.is_none())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        let others = (0..8).map(|number| {
            let repository = pull(&client, &proxy.host(), &format!("r{number}"));
            async move { repository.head_manifest(tag("1")).await }
        });
        for head in join_all(others).await {
            assert!(head.unwrap().is_none());
        }
        asking.await.unwrap().unwrap();
        let requests = proxy.requests();
        let paused = requests[0].answered.unwrap().0;
        assert_eq!(requests.len(), 10, "{form}");
        for request in &requests[1..] {
            let after = request.arrived.duration_since(paused).as_millis();
            assert!(after >= least, "{form}: {after} ms: {}", request.path);
        }
    }
}

#[tokio::test]
async fn retry_after_beyond_max_wait_fails_with_its_time() {
    let (source, proxy) = start().await;
    let bytes = noise(1, 200_000);
    source.put_blob("a", bytes.clone());
    let blob = blob_of(&bytes);
    for value in ["3600", "18446744073709551615"] {
        for (method, part) in [
            ("HEAD", "/manifests/"),
            ("GET", "/blobs/"),
            ("PUT", "/uploads/"),
        ] {
            proxy.clear_rules();
            proxy.clear_requests();
            let limited = Action::answer(429).header("retry-after", value);
            proxy.add(Rule::new(method, part).does(limited));
            let client = Setup::new().client();
            let repository = push(&client, &proxy.host(), "a");
            let origin = pull(&client, &source.host(), "a");
            let error = match method {
                "HEAD" => repository.head_manifest(tag("1")).await.unwrap_err(),
                "GET" => read(&repository, &blob).await.unwrap_err(),
                _ => {
                    transfer(&origin, &repository, &blob)
                        .await
                        .unwrap_err()
                        .error
                }
            };
            assert!(
                matches!(error, Error::RateLimited { .. }),
                "{method}: {error}"
            );
            assert!(error.to_string().contains(" GMT"), "{error}");
            assert_eq!(proxy.count(method, part), 1, "{method} {value}");
            let next = repository.tags().await.unwrap_err();
            assert!(matches!(next, Error::RateLimited { .. }), "for all: {next}");
        }
    }
}

#[tokio::test]
async fn blob_transfer_waits_for_retry_after() {
    let (registry, proxy) = start().await;
    let bytes = noise(1, 300_000);
    registry.put_blob("a", bytes.clone());
    let limited = || Action::answer(429).header("retry-after", "1");
    let client = Setup::new().client();
    let repository = push(&client, &proxy.host(), "a");
    proxy.add(Rule::new("GET", "/blobs/").first(1).does(limited()));
    let begun = Instant::now();
    assert_eq!(read(&repository, &blob_of(&bytes)).await.unwrap(), bytes);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        proxy.count("GET", "/blobs/"),
        2,
        "no request before the end of the pause"
    );

    let (source, _) = start().await;
    let other = noise(2, 300_000);
    source.put_blob("a", other.clone());
    proxy.add(Rule::new("PUT", "/uploads/").first(1).does(limited()));
    let origin = pull(&client, &source.host(), "a");
    transfer(&origin, &repository, &blob_of(&other))
        .await
        .unwrap();
    assert_eq!(proxy.count("PUT", "/uploads/"), 2);
    assert_eq!(
        registry.blob("a", blob_of(&other).digest.as_spec()),
        Some(other)
    );
}

#[tokio::test]
async fn throttling_without_retry_after_backs_off_and_fails() {
    let (_registry, proxy) = start().await;
    proxy.add(Rule::new("", "").does(Action::answer(429)));
    let mut setup = Setup::new();
    setup.retry_policy.max_wait = Duration::from_millis(500);
    let error = pull(&setup.client(), &proxy.host(), "a")
        .tags()
        .await
        .unwrap_err();
    assert_eq!(error.status().map(|s| s.as_u16()), Some(429));
    let count = proxy.requests().len();
    assert!((4..12).contains(&count), "{count} requests");
}
