//! Redirects: followed without credentials, and a limited number of times.

use testkit::processes::Distribution;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{Setup, blob_of, noise, pull, push, read, start, tag, transfer};

#[tokio::test]
async fn redirect_to_another_host_carries_no_credentials() {
    let registry = Distribution::new().htpasswd("us", "secret").start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let (store, elsewhere) = start().await;
    let bytes = noise(1, 300_000);
    store.put_blob("a", bytes.clone());
    proxy.add(Rule::new("GET", "/blobs/").does(Action::RedirectTo(elsewhere.host())));
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let repository = pull(&client, &proxy.host(), "a");
    repository.head_manifest(tag("1")).await.unwrap();
    assert_eq!(read(&repository, &blob_of(&bytes)).await.unwrap(), bytes);
    let home = proxy.requests();
    assert!(home.last().unwrap().is_authorized());
    let away = elsewhere.requests();
    assert!(away.len() == 1 && !away[0].is_authorized(), "{away:?}");
}

#[tokio::test]
async fn redirect_loop_is_an_error() {
    let (_registry, proxy) = start().await;
    proxy.add(Rule::new("", "/manifests/").does(Action::RedirectTo(proxy.host())));
    let client = Setup::new().client();
    let error = pull(&client, &proxy.host(), "a")
        .manifest(tag("1"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("redirects"), "{error}");
    assert_eq!(proxy.requests().len(), 6);
}

#[tokio::test]
async fn upload_follows_a_307() {
    let (registry, proxy) = start().await;
    let (inner, other) = start().await;
    let (source, from) = start().await;
    for (seed, size) in [(1, 1000), (2, 1_000_000)] {
        let bytes = noise(seed, size);
        source.put_blob("a", bytes.clone());
        proxy.clear_rules();
        proxy.add(Rule::new("POST", "/uploads/").does(Action::RedirectTo(other.host())));
        let client = Setup::new().login(&proxy.host(), "us", "secret").client();
        let (from, to) = (
            pull(&client, &from.host(), "a"),
            push(&client, &proxy.host(), "a"),
        );
        transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
        assert_eq!(
            inner.blob("a", blob_of(&bytes).digest.as_spec()),
            Some(bytes)
        );
    }
    assert!(other.requests().iter().all(|r| !r.is_authorized()));

    proxy.clear_rules();
    proxy.clear_requests();
    let bytes = noise(3, 1_000_000);
    source.put_blob("a", bytes.clone());
    let relay = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("PUT", "/uploads/").does(Action::RedirectTo(relay.host())));
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &from.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
    assert_eq!(
        registry.blob("a", blob_of(&bytes).digest.as_spec()),
        Some(bytes)
    );
    let put = relay.requests();
    assert_eq!(put.len(), 1);
    assert_eq!(
        put[0].query.matches("digest=").count(),
        1,
        "{}",
        put[0].query
    );
}

#[tokio::test]
async fn upload_redirect_loop_is_an_error() {
    let (_registry, proxy) = start().await;
    let (source, from) = start().await;
    let bytes = noise(1, 200_000);
    source.put_blob("a", bytes.clone());
    proxy.add(Rule::new("PUT", "/uploads/").does(Action::RedirectTo(proxy.host())));
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &from.host(), "a"),
        push(&client, &proxy.host(), "a"),
    );
    let failed = transfer(&from, &to, &blob_of(&bytes)).await.unwrap_err();
    assert!(failed.to_string().contains("redirected"), "{failed}");
    assert!(proxy.count("PUT", "") <= 4);
}
