//! `mirror tags`

use embedded_registry::Registry;
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::{TestEnvironment, small_image};

#[tokio::test(flavor = "multi_thread")]
async fn tags_prints_all_pages_in_version_order() {
    let registry = Registry::new().page_limit(2).start().await.unwrap();
    for tag in ["v1.10", "v1.9", "latest", "v1.9-rc1", "v2"] {
        small_image(1).push(&registry, "team/a", Some(tag));
    }
    let environment = TestEnvironment::new();
    let line = format!("tags {}/team/a --output json", registry.host());
    let tags = environment.mirror(&line).exits(0).json();
    assert_eq!(tags, json!(["latest", "v1.9", "v1.9-rc1", "v1.10", "v2"]));
    let line = format!("tags docker://{}/team/a --match v1.*", registry.host());
    let matching = environment.mirror(&line).exits(0).stdout;
    assert_eq!(
        matching, "v1.9-rc1\nv1.9\nv1.10\n",
        "in the order of SemVer"
    );
    let missing = environment
        .mirror(&format!("tags {}/team/b", registry.host()))
        .exits(1);
    assert_eq!(missing.stdout, "");
    assert!(
        missing.stderr.contains("team/b does not exist"),
        "{}",
        missing.stderr
    );
}

/// A repository of which the first page has come exists, and its first page is not all of it.
#[tokio::test(flavor = "multi_thread")]
async fn tags_reports_a_list_that_is_not_whole() {
    let registry = Registry::new().page_limit(2).start().await.unwrap();
    for tag in ["v1", "v2", "v3"] {
        small_image(1).push(&registry, "team/a", Some(tag));
    }
    let proxy = FaultProxy::start(registry.address()).await;
    let environment = TestEnvironment::new();
    let line = format!("tags {}/team/a", proxy.host());
    let is_later = |parts: &http::request::Parts| {
        let query = parts.uri.query();
        query.is_some_and(|query| query.contains("last="))
    };
    let missing = Rule::new("GET", "/tags/").when(is_later);
    proxy.add(missing.does(Action::answer(404)));
    let failed = environment.mirror(&line).exits(1);
    assert_eq!(failed.stdout, "");
    assert!(
        failed.stderr.contains("page 2 of the list is missing"),
        "{}",
        failed.stderr
    );
    assert!(
        !failed.stderr.contains("does not exist"),
        "{}",
        failed.stderr
    );

    proxy.clear_rules();
    let page = Action::answer(200).body(r#"{"tags":["v1","v2"]}"#);
    let page = page.header("link", "</v2/team/a/tags/list?last=v2>; rel=next");
    proxy.add(Rule::new("GET", "/tags/").does(page));
    let repeated = environment.mirror(&line).exits(0);
    assert_eq!(repeated.stdout, "v1\nv2\n");
    let warning = "the tag list may be incomplete: after 2 tags";
    assert!(repeated.stderr.contains(warning), "{}", repeated.stderr);
}
