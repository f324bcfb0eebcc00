//! Basic credentials, and no more requests than they need.

use futures::future::join_all;
use registry_client::Error;
use testkit::processes::Distribution;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{INDEX, Setup, index, pings, pull, start, tag};

#[tokio::test]
async fn many_first_requests_cause_one_401_and_no_ping() {
    let registry = Distribution::new().htpasswd("us", "secret").start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let heads = join_all((0..24).map(|number| {
        let repository = pull(&client, &proxy.host(), &format!("r{number}"));
        async move { repository.head_manifest(tag("1")).await }
    }));
    for head in heads.await {
        assert!(head.unwrap().is_none());
    }
    let refused = proxy
        .requests()
        .iter()
        .filter(|r| r.status() == Some(401))
        .count();
    assert_eq!(refused, 1);
    assert_eq!(proxy.requests().len(), 25);
    assert_eq!(pings(&proxy), 0);
}

#[tokio::test]
async fn anonymous_refusal_costs_one_request() {
    let registry = Distribution::new().htpasswd("us", "secret").start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().client();
    for _ in 0..3 {
        let refused = pull(&client, &proxy.host(), "a")
            .head_manifest(tag("1"))
            .await;
        assert!(refused.unwrap_err().is_refused_anonymous());
    }
    assert_eq!(proxy.requests().len(), 3, "{:?}", proxy.requests());
}

#[tokio::test]
async fn wrong_credentials_are_sent_once_and_never_reported() {
    let registry = Distribution::new().htpasswd("us", "right").start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new()
        .login(&proxy.host(), "us", "hunter2-wrong")
        .client();
    let error = pull(&client, &proxy.host(), "a")
        .head_manifest(tag("1"))
        .await
        .unwrap_err();
    assert!(error.is_refused() && !error.is_refused_anonymous());
    assert_eq!(
        proxy.requests().len(),
        2,
        "one anonymous request, one with credentials"
    );
    let shown = format!("{error} {error:?} {client:?}");
    for secret in ["hunter2", "dXM6"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn credentials_of_the_longest_path_are_sent() {
    let registry = Distribution::new().htpasswd("team", "t").start().await;
    let host = registry.host();
    let client = Setup::new()
        .login(&host, "other", "n")
        .login(&format!("{host}/team"), "team", "t")
        .client();
    assert!(
        pull(&client, &host, "team/app")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_none()
    );
    let other = pull(&client, &host, "other").head_manifest(tag("1")).await;
    assert!(other.unwrap_err().is_refused());
}

#[tokio::test]
async fn credentials_are_not_sent_to_a_host_that_serves_without() {
    let (registry, proxy) = start().await;
    registry.put_manifest("a", Some("1"), INDEX, index("x"));
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    pull(&client, &proxy.host(), "a")
        .head_manifest(tag("1"))
        .await
        .unwrap();
    let requests = proxy.requests();
    assert!(requests.len() == 1 && !requests[0].is_authorized());
}

#[tokio::test]
async fn error_hides_query_values_and_control_characters() {
    let (_registry, proxy) = start().await;
    let body = "no\u{1b}[2J\n::error::x";
    proxy.add(Rule::new("GET", "/tags/").does(Action::answer(403).body(body)));
    let location = format!("http://{}/v2/a/blobs/uploads/1?_state=SECRET", proxy.host());
    let started = Action::answer(202).header("location", &location);
    proxy.add(Rule::new("POST", "/uploads/").does(started));
    proxy.add(Rule::new("PUT", "/uploads/1").does(Action::answer(400)));
    let client = Setup::new().client();
    let error = pull(&client, &proxy.host(), "a")
        .tags()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        !error.contains('\n') && !error.contains('\u{1b}'),
        "{error}"
    );

    let bytes = crate::setup::noise(1, 10);
    let (source, _other) = start().await;
    source.put_blob("a", bytes.clone());
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        crate::setup::push(&client, &proxy.host(), "a"),
    );
    let failed = crate::setup::transfer(&from, &to, &crate::setup::blob_of(&bytes)).await;
    let error = failed.unwrap_err().error;
    assert!(matches!(error, Error::Status(_)), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("SECRET") && shown.contains("_state=…"),
        "{shown}"
    );
}
