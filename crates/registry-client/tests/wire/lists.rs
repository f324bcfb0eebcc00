//! Lists of tags.

use embedded_registry::{Links, Registry};
use serde_json::json;
use testkit::processes::Distribution;
use testkit::proxy::{Action, Rule};

use crate::setup::{INDEX, Setup, faulty, index, pull, start};

#[tokio::test]
async fn pages_are_followed_by_link() {
    for links in [Links::Absolute, Links::Relative] {
        let (registry, proxy) = faulty(Registry::new().page_limit(3).links(links)).await;
        let tags: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
        for tag in &tags {
            registry.put_manifest("a", Some(tag), INDEX, index("x"));
        }
        let found = pull(&Setup::new().client(), &proxy.host(), "a")
            .tags()
            .await;
        assert_eq!(found.unwrap(), Some(tags), "{links:?}");
        assert_eq!(proxy.requests().len(), 3);
    }
}

#[tokio::test]
async fn full_pages_without_a_link_are_followed_by_last() {
    let (registry, proxy) = start().await;
    let tags: Vec<String> = (0..2500).map(|number| format!("t{number:05}")).collect();
    for tag in &tags {
        registry.put_manifest("a", Some(tag), INDEX, index("x"));
    }
    proxy.add(Rule::new("GET", "/tags/").does(Action::DropHeader("link")));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(repository.tags().await.unwrap().as_ref(), Some(&tags));
    assert_eq!(proxy.requests().len(), 3);

    // One that knows no `last` either: the same page for ever.
    proxy.clear_rules();
    proxy.clear_requests();
    let page = json!({"name": "a", "tags": &tags[..1000]}).to_string();
    proxy.add(Rule::new("GET", "/tags/").does(Action::answer(200).body(page)));
    assert_eq!(repository.tags().await.unwrap().unwrap(), &tags[..1000]);
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn no_tags_and_no_repository_are_told_apart() {
    let (_registry, proxy) = start().await;
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(repository.tags().await.unwrap(), None);
    let answers = [
        (r#"{"name":"a","tags":null}"#, vec![]),
        (r#"{"name":"a"}"#, vec![]),
        (r#"{"tags":["b"],"manifest":{}}"#, vec!["b".to_owned()]),
    ];
    for (body, expected) in answers {
        proxy.clear_rules();
        proxy.add(Rule::new("GET", "/tags/").does(Action::answer(200).body(body)));
        assert_eq!(repository.tags().await.unwrap(), Some(expected), "{body}");
    }
    let real = Distribution::new().start().await;
    let found = pull(&Setup::new().client(), &real.host(), "a").tags().await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn odd_pages_neither_lose_tags_nor_go_on_for_ever() {
    let (registry, proxy) = start().await;
    registry.put_manifest("a", Some("t"), INDEX, index("x"));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let refused =
        |parts: &http::request::Parts| parts.uri.query().is_some_and(|q| q.contains("n="));
    proxy.add(
        Rule::new("GET", "/tags/")
            .when(refused)
            .does(Action::answer(400)),
    );
    let tags = Some(vec!["t".to_owned()]);
    assert_eq!(
        repository.tags().await.unwrap(),
        tags,
        "a page size that is refused"
    );
    proxy.clear_rules();

    let empty = Action::answer(200)
        .body(r#"{"tags":[]}"#)
        .header("link", "</v2/a/tags/list?last=p>; rel=\"next\"");
    proxy.add(Rule::new("GET", "/tags/").first(1).does(empty));
    assert_eq!(
        repository.tags().await.unwrap(),
        tags,
        "an empty page is not the last"
    );
    proxy.clear_rules();

    proxy.clear_requests();
    let circle = "</v2/a/tags/list?n=1000>; rel=\"next\"".to_owned();
    proxy.add(Rule::new("GET", "/tags/").does(Action::SetHeader("link", circle)));
    assert_eq!(
        repository.tags().await.unwrap(),
        tags,
        "a page that follows itself"
    );
    assert_eq!(proxy.requests().len(), 1);
}
