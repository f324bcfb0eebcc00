//! The APIs that Docker Hub and quay.io have of their own, at a host that stands in for them.

use std::time::Instant;

use embedded_registry::Registry;
use registry_client::{Existence, VendorRepository};
use serde_json::{Value, json};
use testkit::proxy::{Action, FaultProxy, Reply, Rule};

use crate::setup::{Setup, TestClient, faulty, pull, start};

const HUB: &str = "/v2/namespaces/a/repositories/b";
const QUAY: &str = "/api/v1/repository/a/b";

/// `name/a/b`, remapped to the proxy.
fn hosted(mut setup: Setup, name: &str, proxy: &FaultProxy) -> (TestClient, VendorRepository) {
    let location = proxy.host();
    setup.conf = format!("[[registry]]\nprefix = \"{name}\"\nlocation = \"{location}\"\n");
    let client = setup.client();
    let reference = format!("{name}/a/b:x").parse().unwrap();
    let repository = client.vendor_api(&reference).unwrap().unwrap();
    (client, repository)
}

fn page(body: &Value) -> Reply {
    Action::answer(200).body(body.to_string())
}

/// A page of the Hub: tags with the second of their push, and the page after it.
fn hub_page(tags: &[(&str, u32)], next: Option<u32>) -> Reply {
    let tag = |(name, second): &(&str, u32)| json!({"name": name, "tag_last_pushed": format!("2026-01-01T00:00:{second:02}.123Z")});
    let results: Vec<_> = tags.iter().map(tag).collect();
    let next =
        next.map(|number| format!("https://hub.docker.com{HUB}/tags?page={number}&page_size=100"));
    page(&json!({"count": 9, "next": next, "results": results}))
}

fn tags(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn rule_for(query: &str, reply: Reply) -> Rule {
    Rule::new("GET", query).does(reply)
}

/// Returns push times as sorted `TAG@SECOND`.
async fn times(repository: &VendorRepository, names: &[&str]) -> Vec<String> {
    let times = repository.push_times(&tags(names)).await.unwrap().unwrap();
    let shown = times
        .iter()
        .map(|(tag, time)| format!("{tag}@{}", time.timestamp() % 60));
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn push_times_reads_pages_until_every_tag_is_found() {
    let (_registry, proxy) = start().await;
    let (_client, hub) = hosted(Setup::new(), "docker.io", &proxy);
    proxy.add(rule_for(
        "tags?page_size=100",
        hub_page(&[("3", 3), ("x", 9)], Some(2)),
    ));
    proxy.add(rule_for("tags?page=2&", hub_page(&[("2", 2)], Some(3))));
    proxy.add(rule_for("tags?page=3&", hub_page(&[("1", 1)], None)));
    assert_eq!(
        times(&hub, &["3", "1", "2", "none"]).await,
        ["1@1", "2@2", "3@3"]
    );
    assert_eq!(proxy.count("", ""), 3);
    proxy.clear_requests();
    assert_eq!(times(&hub, &["2"]).await, ["2@2"]);
    assert_eq!(proxy.count("", ""), 2, "the last page was requested");

    let (_registry, proxy) = start().await;
    let (_client, quay) = hosted(Setup::new(), "quay.io", &proxy);
    let quay_page = |tag: &str, second, number, more| {
        page(
            &json!({"tags": [{"name": tag, "start_ts": second}], "page": number,
            "has_additional": more}),
        )
    };
    proxy.add(rule_for(
        &format!("{QUAY}/tag/?limit=100&page=1&onlyActiveTags=true"),
        quay_page("1", 1, 1, true),
    ));
    proxy.add(rule_for(
        &format!("{QUAY}/tag/?limit=100&page=2&onlyActiveTags=true"),
        quay_page("2", 2, 2, false),
    ));
    assert_eq!(times(&quay, &["1", "2", "3"]).await, ["1@1", "2@2"]);
    assert_eq!(proxy.count("", ""), 2);
}

#[tokio::test]
async fn push_times_requests_single_tags_beyond_the_anonymous_pages() {
    let (_registry, proxy) = start().await;
    let (_client, hub) = hosted(Setup::new(), "docker.io", &proxy);
    let refusal = r#"{"message":"pagination offset too large for anonymous requests; sign in to page further","errinfo":{}}"#;
    let first = hub_page(&[("new", 9)], Some(2));
    proxy.add(Rule::new("GET", "tags?page_size=100").does(first));
    proxy.add(Rule::new("GET", "tags?page=2&").does(Action::answer(403).body(refusal)));
    let single = json!({"name": "old", "tag_last_pushed": "2026-01-01T00:00:05Z"});
    proxy.add(
        Rule::new("GET", "/tags/")
            .does(Action::answer(404))
            .when(|r| !r.uri.path().ends_with("/old")),
    );
    proxy.add(Rule::new("GET", "/tags/old").does(page(&single)));
    assert_eq!(
        times(&hub, &["new", "old", "gone"]).await,
        ["new@9", "old@5"]
    );
    assert_eq!(proxy.count("", "/tags/"), 2);

    proxy.clear_requests();
    let many: Vec<String> = (0..100).map(|number| format!("t{number}")).collect();
    assert_eq!(hub.push_times(&many).await.unwrap().unwrap().len(), 0);
    assert_eq!(
        proxy.count("", "/tags/"),
        registry_client::MAX_SINGLE_TAG_REQUESTS
    );
    assert_eq!(
        proxy.count("", "/tags/t0?") + proxy.count("", "/tags/t63"),
        2
    );
}

#[tokio::test]
async fn vendor_api_is_unknown_when_missing_and_fails_when_unavailable() {
    let (_registry, proxy) = start().await;
    let (_client, hub) = hosted(Setup::new(), "docker.io", &proxy);
    let registry = r#"{"name":"a/b","tags":["1"]}"#;
    for other in [
        Action::answer(404),
        Action::answer(401),
        Action::answer(200).body(registry),
    ] {
        proxy.clear_rules();
        proxy.add(Rule::new("GET", HUB).does(other.clone()));
        assert_eq!(
            hub.push_times(&tags(&["1"])).await.unwrap(),
            None,
            "{other:?}"
        );
        assert_eq!(hub.exists().await.unwrap(), Existence::Unknown, "{other:?}");
    }
    proxy.clear_rules();
    proxy.clear_requests();
    proxy.add(Rule::new("GET", HUB).does(Action::answer(503)));
    hub.push_times(&tags(&["1"])).await.unwrap_err();
    assert_eq!(proxy.count("", ""), 3, "not retried");
    proxy.clear_requests();
    hub.exists().await.unwrap_err();
    assert_eq!(proxy.count("", ""), 1, "retried");
}

#[tokio::test]
async fn vendor_api_waits_for_retry_after() {
    let (_registry, proxy) = start().await;
    let (_client, hub) = hosted(Setup::new(), "docker.io", &proxy);
    let limited = Action::answer(429).header("retry-after", "1");
    proxy.add(Rule::new("GET", HUB).first(1).does(limited.clone()));
    proxy.add(Rule::new("GET", HUB).nth(3).does(limited));
    proxy.add(Rule::new("GET", "/tags").does(hub_page(&[("1", 1)], None)));
    let exists = json!({"name": "b", "namespace": "a"});
    let bare = |parts: &http::request::Parts| parts.uri.path() == HUB;
    proxy.add(Rule::new("GET", HUB).when(bare).does(page(&exists)));
    for _ in 0..2 {
        let begun = Instant::now();
        match proxy.count("", "") {
            0 => assert_eq!(times(&hub, &["1"]).await, ["1@1"]),
            _ => assert_eq!(hub.exists().await.unwrap(), Existence::Exists),
        }
        assert!(begun.elapsed().as_millis() >= 950);
    }
    assert_eq!(proxy.count("", ""), 4);
}

#[tokio::test]
async fn vendor_api_gets_no_credentials() {
    let (_registry, proxy) = faulty(Registry::new()).await;
    let setup = Setup::new().login(&proxy.host(), "user", "secret");
    let challenge = Action::answer(401).header("www-authenticate", "Basic realm=\"x\"");
    let is_anonymous = |parts: &http::request::Parts| !parts.headers.contains_key("authorization");
    proxy.add(Rule::new("", "").when(is_anonymous).does(challenge));
    let (client, hub) = hosted(setup, "docker.io", &proxy);
    // The registry at the same host gets its credentials, before and after.
    for _ in 0..2 {
        pull(&client, &proxy.host(), "a").tags().await.unwrap();
        assert!(proxy.requests().last().unwrap().is_authorized());
        assert_eq!(hub.push_times(&tags(&["1"])).await.unwrap(), None);
        assert!(!proxy.requests().last().unwrap().is_authorized());
    }
}

#[tokio::test]
async fn host_api_requests_any_host_and_follows_links_on_it() {
    let (_registry, proxy) = start().await;
    let link = "<https://elsewhere.example/api/x?page=2>; rel=\"next\"";
    proxy.add(Rule::new("GET", "/api/x?page=1").does(page(&json!([1])).header("link", link)));
    proxy.add(Rule::new("GET", "/api/x?page=2").does(page(&json!([2]))));
    let site = Setup::new().client().host_api(&proxy.host()).unwrap();
    let first = site.get("api/x?page=1").await.unwrap();
    assert_eq!(&first.body()[..], b"[1]");
    let second = site
        .get(&first.next_page().unwrap().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (&second.body()[..], second.next_page().unwrap()),
        (&b"[2]"[..], None)
    );
    let missing = site.get("api/y").await.unwrap_err();
    assert_eq!(missing.status().unwrap().as_u16(), 404);
}
