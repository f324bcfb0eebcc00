//! Bearer tokens: one request per set of scopes.

use std::time::Duration;

use futures::future::join_all;
use registry_client::Mount;
use serde_json::json;
use testkit::processes::Distribution;
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::tokens::{Anonymous, Grant, TokenServer};

use crate::setup::{
    Setup, blob_of, blob_transfer, noise, path, pings, pull, push, start, tag, transfer,
};

#[tokio::test]
async fn concurrent_requests_share_one_token_request() {
    let tokens = TokenServer::new()
        .user("us", "secret")
        .latency(Duration::from_millis(100))
        .start()
        .await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let repository = pull(&client, &proxy.host(), "a");
    for head in join_all((0..16).map(|_| repository.head_manifest(tag("1")))).await {
        assert!(head.unwrap().is_none());
    }
    let token_requests = tokens.requests();
    assert_eq!(token_requests.len(), 1, "{token_requests:?}");
    assert_eq!(token_requests[0].grant, Grant::Password("us".to_owned()));
    assert_eq!(token_requests[0].scopes, ["repository:a:pull"]);
    assert_eq!(proxy.requests().len(), 17, "more than one 401");
    assert_eq!(pings(&proxy), 0);
}

#[tokio::test]
async fn anonymous_client_gets_a_pull_token() {
    let tokens = TokenServer::new().anonymous(Anonymous::Pull).start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().client();
    assert!(
        pull(&client, &proxy.host(), "a")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(tokens.requests()[0].grant, Grant::Anonymous);
    proxy.clear_requests();

    let refused = push(&client, &proxy.host(), "a")
        .begin_upload()
        .await
        .unwrap_err();
    assert!(refused.is_refused_anonymous());
    assert_eq!(proxy.requests().len(), 1, "a new token was requested");
}

#[tokio::test]
async fn expired_token_is_renewed_after_a_401() {
    let tokens = TokenServer::new()
        .user("us", "secret")
        .lifetime(Duration::from_secs(2))
        .start()
        .await;
    let misreported_lifetime = TokenServer::new()
        .user("us", "secret")
        .lifetime(Duration::from_secs(2))
        .announced(Some(Duration::from_secs(300)))
        .start()
        .await;
    // A token that is announced to live for less than a minute counts as one that lives a minute.
    join_all([tokens, misreported_lifetime].map(|tokens| async move {
        let registry = Distribution::new().token(tokens.auth()).start().await;
        let proxy = FaultProxy::start(registry.address()).await;
        let client = Setup::new().login(&proxy.host(), "us", "secret").client();
        let repository = pull(&client, &proxy.host(), "a");
        repository.head_manifest(tag("1")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3100)).await;
        repository.head_manifest(tag("1")).await.unwrap();
        assert_eq!(tokens.requests().len(), 2);
        let refused = proxy
            .requests()
            .iter()
            .filter(|r| r.status() == Some(401))
            .count();
        assert_eq!(refused, 2);
    }))
    .await;
}

#[tokio::test]
async fn token_refused_without_a_challenge_is_renewed_once() {
    let tokens = TokenServer::new().user("us", "secret").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let repository = pull(&client, &proxy.host(), "a");
    repository.head_manifest(tag("1")).await.unwrap();
    proxy.add(Rule::new("HEAD", "").first(1).does(Action::answer(401)));
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_none());
    assert_eq!(tokens.requests().len(), 2);

    proxy.clear_rules();
    proxy.clear_requests();
    proxy.add(Rule::new("HEAD", "").does(Action::answer(401)));
    let refused = repository.head_manifest(tag("1")).await.unwrap_err();
    assert!(refused.is_refused(), "{refused}");
    assert_eq!(tokens.requests().len(), 3);
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn uploads_survive_the_expiry_of_a_token() {
    let tokens = TokenServer::new()
        .user("us", "secret")
        .lifetime(Duration::from_secs(2))
        .announced(Some(Duration::from_secs(300)))
        .start()
        .await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let (source, from_proxy) = start().await;
    let client = Setup::new()
        .login(&registry.host(), "us", "secret")
        .client();
    let (from, to) = (
        pull(&client, &from_proxy.host(), "a"),
        push(&client, &registry.host(), "a"),
    );
    let both = [1000, 300_000].map(async |size| {
        let bytes = noise(1, size);
        source.put_blob("a", bytes.clone());
        let session = to.begin_upload().await.unwrap();
        tokio::time::sleep(Duration::from_millis(3100)).await;
        let monitor = std::sync::Arc::new(registry_client::TransferMonitor::new(|_| ()));
        let blob = blob_of(&bytes);
        registry_client::transfer_blob(blob_transfer(&from, &to, &blob), session, monitor)
            .await
            .unwrap();
        assert!(to.has_blob(&blob).await.unwrap(), "{size}");
    });
    join_all(both).await;
}

#[tokio::test]
async fn token_request_is_retried_after_429_and_503() {
    let tokens = TokenServer::new().user("us", "secret").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    for status in [503, 429] {
        tokens.fail_next(2, status);
        let repository = pull(&client, &proxy.host(), &format!("r{status}"));
        assert!(
            repository.head_manifest(tag("1")).await.unwrap().is_none(),
            "{status}"
        );
    }
    assert_eq!(tokens.requests().len(), 6);
    let without = proxy
        .requests()
        .iter()
        .filter(|r| !r.is_authorized())
        .count();
    assert_eq!(without, 1, "never sent as an anonymous request");
}

#[tokio::test]
async fn identity_token_is_posted() {
    let tokens = TokenServer::new().user("us", "secret").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let host = registry.host();
    let stored = json!({"identitytoken": tokens.refresh_token("us")});
    let client = Setup::new().auth(["auths", &host], stored).client();
    assert!(
        push(&client, &host, "a")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_none()
    );
    let token_requests = tokens.requests();
    assert_eq!(token_requests.len(), 1);
    assert_eq!(token_requests[0].grant, Grant::Refresh);
    assert_eq!(token_requests[0].scopes, ["repository:a:pull,push"]);
}

#[tokio::test]
async fn mount_requests_both_scopes_and_falls_back_to_an_upload() {
    let tokens = TokenServer::new().user("us", "secret").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let host = registry.host();
    let client = Setup::new().login(&host, "us", "secret").client();
    let (source, from) = start().await;
    let bytes = noise(3, 1000);
    source.put_blob("a", bytes.clone());
    let blob = blob_of(&bytes);
    let base = push(&client, &host, "base/os");
    transfer(&pull(&client, &from.host(), "a"), &base, &blob)
        .await
        .unwrap();

    let app = push(&client, &host, "team/app");
    let mounted = app.mount(&blob.digest, &path("base/os")).await.unwrap();
    assert!(matches!(mounted, Mount::Mounted), "{mounted:?}");
    let token_requests = tokens.requests();
    let both = ["repository:base/os:pull", "repository:team/app:pull,push"];
    assert_eq!(token_requests.last().unwrap().scopes, both);

    let other = push(&client, &host, "team/other");
    tokens.fail_next(1, 403);
    let refused = other.mount(&blob.digest, &path("base/os")).await.unwrap();
    assert!(matches!(refused, Mount::Session(_)), "{refused:?}");
}

#[tokio::test]
async fn realm_of_a_redirect_target_gets_no_credentials() {
    let (_registry, proxy) = start().await;
    let (_other_registry, other_host) = start().await;
    let realm = format!(
        "Bearer realm=\"http://{}/token\",service=\"x\"",
        other_host.host()
    );
    let refusal = Action::answer(401).header("www-authenticate", &realm);
    other_host.add(Rule::new("", "/blobs/").does(refusal));
    proxy.add(Rule::new("GET", "/blobs/").does(Action::RedirectTo(other_host.host())));
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let blob = blob_of(&noise(4, 10));
    let refused = crate::setup::read(&pull(&client, &proxy.host(), "a"), &blob).await;
    assert!(refused.is_err());
    assert_eq!(
        other_host.count("", "/token"),
        0,
        "{:?}",
        other_host.requests()
    );
    assert!(other_host.requests().iter().all(|r| !r.is_authorized()));
}
