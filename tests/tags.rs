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

/// As `copy` does: a pull mirror that fails is skipped, and the registry decides.
#[tokio::test(flavor = "multi_thread")]
async fn queries_read_from_the_registry_if_its_pull_mirror_fails() {
    let registry = Registry::new().start().await.unwrap();
    small_image(1).push(&registry, "team/a", Some("v1"));
    let proxy = FaultProxy::start(registry.address()).await;
    proxy.add(Rule::new("", "").does(Action::answer(403)));
    let environment = TestEnvironment::new();
    let host = registry.host();
    // No registry listens at the first.
    for mirror in ["127.0.0.1:1", &proxy.host()] {
        let conf = format!(
            "[[registry]]\nlocation = \"{host}\"\n[[registry.mirror]]\nlocation = \"{mirror}\"\n"
        );
        environment.write("registries.conf", conf);
        let query = |line: &str| {
            let line = format!("{line} --registries-conf registries.conf");
            environment.mirror(&line)
        };
        assert_eq!(
            query(&format!("tags {host}/team/a")).exits(0).stdout,
            "v1\n"
        );
        for command in ["digest", "inspect", "inspect --raw"] {
            query(&format!("{command} {host}/team/a:v1")).exits(0);
        }
        let missing = query(&format!("digest {host}/team/a:v9")).exits(1);
        assert!(
            missing.stderr.contains("does not exist"),
            "{}",
            missing.stderr
        );
    }
}

/// A quota that is restored after hours is no reason to wait for minutes.
#[tokio::test(flavor = "multi_thread")]
async fn tags_names_the_quota_of_a_refused_request_at_once() {
    let registry = Registry::new().start().await.unwrap();
    let proxy = FaultProxy::start(registry.address()).await;
    let refused = Action::answer(429)
        .header("ratelimit-limit", "100;w=21600")
        .header("ratelimit-remaining", "0;w=21600");
    proxy.add(Rule::new("", "/team/").does(refused));
    let environment = TestEnvironment::new();
    for line in ["tags HOST/team/a", "digest HOST/team/a:v1"] {
        proxy.clear_requests();
        let output = environment
            .mirror(&line.replace("HOST", &proxy.host()))
            .exits(1);
        let want = "has 0 of 100 pulls left per 6 h, and refuses the request (429)";
        assert!(output.stderr.contains(want), "{}", output.stderr);
        assert_eq!(proxy.count("", "/team/"), 1, "{line}");
    }
}
