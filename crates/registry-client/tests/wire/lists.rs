//! Lists of tags.

use embedded_registry::{Links, Registry};
use serde_json::json;
use testkit::processes::Distribution;
use testkit::proxy::{Action, Rule};

use registry_client::{Error, Repository};

use crate::setup::{INDEX, Setup, faulty, index, pull, start};

/// The tags of a repository as text.
async fn tags_of(repository: &Repository) -> Option<Vec<String>> {
    let list = repository.tags().await.unwrap()?;
    Some(list.tags.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn tags_follow_the_link_header() {
    for links in [Links::Absolute, Links::Relative] {
        let (registry, proxy) = faulty(Registry::new().page_limit(3).links(links)).await;
        let tags: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
        for tag in &tags {
            registry.put_manifest("a", Some(tag), INDEX, index("x"));
        }
        let repository = pull(&Setup::new().client(), &proxy.host(), "a");
        assert_eq!(tags_of(&repository).await, Some(tags), "{links:?}");
        assert_eq!(proxy.requests().len(), 3);
    }
}

#[tokio::test]
async fn tags_follow_last_after_a_full_page_without_link() {
    let (registry, proxy) = start().await;
    let tags: Vec<String> = (0..2500).map(|number| format!("t{number:05}")).collect();
    for tag in &tags {
        registry.put_manifest("a", Some(tag), INDEX, index("x"));
    }
    proxy.add(Rule::new("GET", "/tags/").does(Action::DropHeader("link")));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(tags_of(&repository).await.as_ref(), Some(&tags));
    assert_eq!(proxy.requests().len(), 3);

    proxy.clear_rules();
    proxy.clear_requests();
    let bare = Action::SetHeader("link", "?last=t00999; rel=\"next\"".to_owned());
    proxy.add(Rule::new("GET", "/tags/").first(1).does(bare));
    assert_eq!(
        tags_of(&repository).await,
        Some(tags),
        "a Link without angle brackets, and without a page size"
    );
    assert_eq!(proxy.requests().len(), 2);
}

/// A full page is the last one if earlier pages had a `Link` and it has none.
#[tokio::test]
async fn full_last_page_after_links_ends_the_list() {
    let (registry, proxy) = start().await;
    for number in 0..2000 {
        registry.put_manifest("a", Some(&format!("t{number:05}")), INDEX, index("x"));
    }
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(
        tags_of(&repository).await.map(|tags| tags.len()),
        Some(2000)
    );
    assert_eq!(proxy.requests().len(), 2);
}

/// A registry that ignores `last` sends the same page again.
#[tokio::test]
async fn repeated_page_of_tags_is_requested_without_a_page_size() {
    let (registry, proxy) = start().await;
    let tags: Vec<String> = (0..2500).map(|number| format!("t{number:05}")).collect();
    for tag in &tags {
        registry.put_manifest("a", Some(tag), INDEX, index("x"));
    }
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let is_sized = |parts: &http::request::Parts| parts.uri.query().is_some();
    let page = json!({"name": "a", "tags": &tags[..1000]}).to_string();
    let first_page = || Action::answer(200).body(page.clone());
    proxy.add(Rule::new("GET", "/tags/").when(is_sized).does(first_page()));
    let list = repository.tags().await.unwrap().unwrap();
    assert_eq!((list.tags.len(), list.listing.is_incomplete), (2500, false));
    assert_eq!(proxy.requests().len(), 3);

    for link in [None, Some("<?last=x>; rel=next"), Some("nonsense")] {
        proxy.clear_rules();
        let action = match link {
            Some(link) => first_page().header("link", link),
            None => first_page(),
        };
        proxy.add(Rule::new("GET", "/tags/").does(action));
        let list = repository.tags().await.unwrap().unwrap();
        assert_eq!(list.tags.len(), 1000, "{link:?}");
        let warnings = list.listing.warnings();
        assert!(
            warnings[0].contains("may be incomplete: after 1000 tags"),
            "{link:?}: {warnings:?}"
        );
    }
}

/// The repository exists, since its first page has come.
#[tokio::test]
async fn later_page_of_tags_that_is_not_served_is_an_error() {
    let (registry, proxy) = faulty(Registry::new().page_limit(2)).await;
    for tag in ["a", "b", "c"] {
        registry.put_manifest("a", Some(tag), INDEX, index("x"));
    }
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let is_later = |parts: &http::request::Parts| {
        parts
            .uri
            .query()
            .is_some_and(|query| query.contains("last="))
    };
    for action in [
        Action::answer(404),
        Action::answer(400),
        Action::answer(410),
        Action::answer(204),
        Action::answer(200).body("<html>"),
    ] {
        proxy.clear_rules();
        let what = format!("{action:?}");
        proxy.add(Rule::new("GET", "/tags/").when(is_later).does(action));
        let error = repository.tags().await.unwrap_err();
        assert!(
            matches!(error, Error::MissingPage { page: 2, .. }),
            "{what}: {error}"
        );
        assert!(error.is_not_served(), "{what}");
        let message = error.to_string();
        assert!(
            message.starts_with("page 2 of the list is missing: GET "),
            "{message}"
        );
        proxy.clear_requests();
        assert!(repository.is_listed().await.unwrap(), "{what}");
        assert_eq!(proxy.requests().len(), 1);
    }
}

#[tokio::test]
async fn tag_list_that_programs_read_differently_is_an_error() {
    let (_registry, proxy) = start().await;
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    for body in [
        r#"{"name":"a","tags":["1"],"Tags":["2"]}"#,
        r#"{"name":"a","tags":["1"],"tags":["2"]}"#,
        r#"{"name":"a","TAGS":["2"]}"#,
    ] {
        proxy.clear_rules();
        proxy.add(Rule::new("GET", "/tags/").does(Action::answer(200).body(body)));
        let error = repository.tags().await.unwrap_err().to_string();
        assert!(error.contains("the tag list is invalid"), "{body}: {error}");
    }
}

#[tokio::test]
async fn tags_distinguishes_an_empty_from_a_missing_repository() {
    let (_registry, proxy) = start().await;
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(tags_of(&repository).await, None);
    let responses = [
        (r#"{"name":"a","tags":null}"#, vec![]),
        (r#"{"name":"a"}"#, vec![]),
        (r#"{"tags":["b"],"manifest":{}}"#, vec!["b".to_owned()]),
    ];
    for (body, expected) in responses {
        proxy.clear_rules();
        proxy.add(Rule::new("GET", "/tags/").does(Action::answer(200).body(body)));
        assert_eq!(tags_of(&repository).await, Some(expected), "{body}");
    }
    let real = Distribution::new().start().await;
    let found = pull(&Setup::new().client(), &real.host(), "a").tags().await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn tags_handles_refused_page_sizes_empty_pages_and_loops() {
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
        tags_of(&repository).await,
        tags,
        "a page size that is refused"
    );
    proxy.clear_rules();

    let empty = Action::answer(200)
        .body(r#"{"tags":[]}"#)
        .header("link", "</v2/a/tags/list?last=p>; rel=\"next\"");
    proxy.add(Rule::new("GET", "/tags/").first(1).does(empty));
    assert_eq!(
        tags_of(&repository).await,
        tags,
        "an empty page ended the list"
    );
    proxy.clear_rules();

    proxy.clear_requests();
    let circle = "</v2/a/tags/list?n=1000>; rel=\"next\"".to_owned();
    proxy.add(Rule::new("GET", "/tags/").does(Action::SetHeader("link", circle)));
    let list = repository.tags().await.unwrap().unwrap();
    assert_eq!(list.tags.len(), 1, "a page that follows itself");
    assert!(list.listing.is_incomplete);
    assert_eq!(proxy.requests().len(), 3);
}

/// The path of a `Link` is not used, wherever it leads.
#[tokio::test]
async fn tags_ignores_the_path_of_a_link() {
    let (registry, proxy) = start().await;
    registry.put_manifest("a", Some("t"), INDEX, index("x"));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    for link in [
        "</api/v2.0/users?last=p>; rel=\"next\"",
        "</v2/a/../victim/tags/list?last=p>; rel=\"next\"",
        "<http://localhost:1/prefix/v2/a/tags/list?last=p>; rel=\"next\"",
    ] {
        proxy.clear_rules();
        proxy.clear_requests();
        let page = Action::answer(200)
            .body(r#"{"tags":["s"]}"#)
            .header("link", link);
        proxy.add(Rule::new("GET", "/tags/").first(1).does(page));
        let tags = tags_of(&repository).await.unwrap();
        assert_eq!(tags, ["s", "t"], "{link}");
        let paths: Vec<_> = proxy.requests().into_iter().map(|it| it.path).collect();
        assert_eq!(paths, ["/v2/a/tags/list"; 2], "{link}");
    }
}

#[tokio::test]
async fn tags_counts_and_leaves_out_invalid_entries() {
    let (_registry, proxy) = start().await;
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let entries = ["v1", "./../v1?evil", "", "-x", "v2", "a\u{1b}[31mb"];
    let body = json!({"tags": entries}).to_string();
    proxy.add(Rule::new("GET", "/tags/").does(Action::answer(200).body(body)));
    let list = repository.tags().await.unwrap().unwrap();
    assert_eq!(
        list.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(),
        ["v1", "v2"]
    );
    assert_eq!(
        (list.listing.invalid, list.listing.first_invalid.as_deref()),
        (4, Some("./../v1?evil"))
    );
    let warning = list.listing.warnings().remove(0);
    assert!(
        warning
            .contains("left out 4 invalid entries of the tag list; the first is \"./../v1?evil\""),
        "{warning}"
    );
}
