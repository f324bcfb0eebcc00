//! `gitlab-releases` against responses in the format of GitLab.

use embedded_registry::Registry;
use serde_json::{Value, json};
use tag_retrieval::config::GitlabReleases;
use tag_retrieval::filters::{FilterSet, MinimumAge, Newest, VersionExtractor};
use tag_retrieval::{Origin, RetrievalError};
use testkit::proxy::{Action, FaultProxy, Reply, Rule};

use crate::setup::{candidates, image, reason, retrieve, tags, time};

/// Starts a fake GitLab. Requests without a rule get 404 from the registry behind the proxy.
async fn gitlab() -> FaultProxy {
    let registry = Registry::new().start().await.unwrap();
    FaultProxy::start(registry.address()).await
}

fn source(gitlab: &FaultProxy, filters: FilterSet) -> GitlabReleases {
    GitlabReleases {
        host: gitlab.host(),
        project: "group/sub/app".to_owned(),
        images: image("r.io/a"),
        filters,
    }
}

/// Returns a release in the format of gitlab.com, with the fields that are read.
fn release(tag: &str, released: &str) -> Value {
    json!({
        "tag_name": tag, "name": format!("Release {tag}"), "description": "…",
        "created_at": "2020-01-01T00:00:00.000Z", "released_at": released,
        "upcoming_release": false, "assets": {"count": 0, "sources": [], "links": []},
        "_links": {"self": format!("https://gitlab.example/group/sub/app/-/releases/{tag}")},
    })
}

fn page(releases: &[Value]) -> Reply {
    Action::answer(200).body(json!(releases).to_string())
}

const FIRST: &str = "/api/v4/projects/group%2Fsub%2Fapp/releases?per_page=100";

#[tokio::test]
async fn all_pages_are_read_and_upcoming_releases_ignored() {
    let mut upcoming = release("v3.0.0", "2030-01-01T00:00:00.000Z");
    upcoming["upcoming_release"] = json!(true);
    let first = page(&[upcoming, release("v2.0.0", "2026-11-20T00:00:00.000Z")]);
    let bare = json!({"tag_name": "v1.0.0", "released_at": null});
    let last = page(&[release("v1.1.0", "2026-11-01T02:00:00.000+02:00"), bare]);
    let link = "<https://gitlab.example/api/v4/projects/group%2Fsub%2Fapp/releases?per_page=100&page=2>; rel=\"next\"";
    for header in [("link", link), ("x-next-page", "2")] {
        let gitlab = gitlab().await;
        let first = first.clone().header(header.0, header.1);
        let last = last.clone().header("x-next-page", "");
        proxy_answers(&gitlab, last, first);
        let all = retrieve(&source(&gitlab, FilterSet::default()), "")
            .await
            .unwrap();
        assert_eq!(tags(&all), ["v2.0.0", "v1.1.0", "v1.0.0"], "{header:?}");
        let published = candidates(&all).iter().map(|candidate| candidate.published);
        let expected =
            ["2026-11-20T00:00:00Z", "2026-11-01T00:00:00Z"].map(|text| Some(time(text)));
        assert_eq!(
            published.collect::<Vec<_>>(),
            [expected[0], expected[1], None]
        );
        let origins: Vec<_> = candidates(&all)
            .iter()
            .map(|candidate| &candidate.origin)
            .collect();
        let host = gitlab.host();
        let origin = |tag: &str, host_of_page: &str| Origin::Page {
            title: format!("release {tag} of group/sub/app at {host}"),
            url: format!("https://{host_of_page}/group/sub/app/-/releases/{tag}"),
        };
        assert_eq!(*origins[0], origin("v2.0.0", "gitlab.example"));
        assert_eq!(*origins[2], origin("v1.0.0", &host));
        assert_eq!(gitlab.count("", ""), 2);
    }
}

fn proxy_answers(gitlab: &FaultProxy, last: Reply, first: Reply) {
    gitlab.add(Rule::new("GET", &format!("{FIRST}&page=2")).does(last));
    gitlab.add(Rule::new("GET", FIRST).does(first));
}

#[tokio::test]
async fn filters_receive_release_times() {
    let gitlab = gitlab().await;
    let young = release("v2.0.0", "2026-11-20T00:00:00.000Z");
    let old = release("v1.9.0", "2026-11-01T00:00:00.000Z");
    gitlab.add(Rule::new("GET", FIRST).does(page(&[young, old])));
    let filters = FilterSet {
        extract: Some(VersionExtractor::parse("^v(.*)$", false).unwrap()),
        minimum_age: Some(MinimumAge { days: 7 }),
        newest: Newest::HIGHEST,
        ..FilterSet::default()
    };
    let found = retrieve(&source(&gitlab, filters), "").await.unwrap();
    assert_eq!(tags(&found), ["1.9.0"]);
    assert!(reason(&found, "2.0.0").contains("`minimumAge` 7"));
}

#[tokio::test]
async fn private_projects_and_broken_responses_are_distinct_errors() {
    let gitlab = gitlab().await;
    let error = async || {
        let result = retrieve(&source(&gitlab, FilterSet::default()), "").await;
        let error: RetrievalError = result.unwrap_err();
        error.to_string()
    };
    let path = format!("{}/group/sub/app", gitlab.host());
    for status in [404, 403] {
        gitlab.clear_rules();
        gitlab.add(Rule::new("GET", FIRST).does(Action::answer(status)));
        let hidden = format!("{path} has no public releases");
        assert!(error().await.starts_with(&hidden), "{status}");
    }
    for (response, expected) in [
        (page(&[]), format!("{path} has no releases")),
        (
            Action::answer(200).body("<html>"),
            "not a list of releases".to_owned(),
        ),
        (Action::answer(502), "502 Bad Gateway".to_owned()),
    ] {
        gitlab.clear_rules();
        gitlab.add(Rule::new("GET", FIRST).does(response));
        let error = error().await;
        assert!(error.contains(&expected), "{error}");
    }
}
