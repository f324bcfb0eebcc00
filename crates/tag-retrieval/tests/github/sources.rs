//! The version sources of GitHub.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use registry_client::Client;
use tag_retrieval::config::{
    EntryImage, GithubLatestRelease, GithubReleases, GithubTaggedImagesFile,
};
use tag_retrieval::filters::{FilterSet, MinimumAge};
use tag_retrieval::helm::{Helm, HelmSettings};
use tag_retrieval::{
    Candidate, Found, FoundImage, Organization, Origin, Retrieved, Upstreams, VersionSource,
};
use testkit::github::{FakeGithub, Fault, Release, RunningGithub};
use tokio::time::Instant;

use crate::{client, project};

/// Returns a client for registries that no test uses.
fn registries() -> Client {
    Client::builder().requests_per_host(1).build()
}

fn upstreams(server: &RunningGithub) -> Upstreams {
    Upstreams {
        registries: registries(),
        gitlab: None,
        github: client(server, None),
        now: "2026-02-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap(),
        helm: no_helm(),
        git: tag_retrieval::GitSettings::default(),
        tag_lists: Arc::default(),
        own_org: Organization::new("rancher"),
    }
}

fn no_helm() -> Arc<Helm> {
    let settings = HelmSettings {
        program: None,
        environment: Vec::new(),
        registry_config: None,
        confiner: None,
        scratch: PathBuf::new(),
        deadline: Duration::ZERO,
        processes: 1,
    };
    Arc::new(Helm::new(settings))
}

fn images() -> Vec<EntryImage> {
    vec![EntryImage {
        source: "coredns/coredns".to_owned(),
        destination: None,
    }]
}

fn releases(filters: FilterSet) -> GithubReleases {
    GithubReleases {
        project: project("a/b"),
        images: images(),
        filters,
    }
}

fn images_file(path: &str) -> GithubTaggedImagesFile {
    GithubTaggedImagesFile {
        project: project("a/b"),
        path: path.to_owned(),
        filters: FilterSet::default(),
        denylist: Vec::new(),
    }
}

fn tags(retrieved: &Retrieved) -> Vec<&str> {
    match &retrieved.found {
        Found::Versions(versions) => versions.iter().map(|found| found.tag.as_str()).collect(),
        Found::Images(_) => Vec::new(),
    }
}

fn dropped(retrieved: &Retrieved) -> Vec<(&str, &str)> {
    let dropped = retrieved.dropped.iter();
    dropped
        .map(|dropped| (dropped.item.as_str(), dropped.reason.as_str()))
        .collect()
}

#[tokio::test]
async fn drafts_and_prereleases_are_dropped_with_a_reason() {
    let server = FakeGithub::new().start().await;
    server.release(
        "a/b",
        Release::new("v1.0.0").published("2025-12-01T00:00:00Z"),
    );
    server.release("a/b", Release::new("v1.1.0-rc.1").prerelease());
    server.release(
        "a/b",
        Release::new("v1.1.0").published("2026-01-30T00:00:00Z"),
    );
    server.release("a/b", Release::new("v1.2.0").draft());
    let upstreams = upstreams(&server);
    let all = releases(FilterSet::default())
        .retrieve(&upstreams)
        .await
        .unwrap();
    assert_eq!(tags(&all), ["v1.1.0", "v1.0.0"]);
    assert_eq!(
        dropped(&all),
        [("v1.2.0", "a draft"), ("v1.1.0-rc.1", "a prerelease")]
    );
    let Found::Versions(versions) = &all.found else {
        panic!("{all:?}");
    };
    let want = Candidate::new(
        "v1.0.0",
        Some("2025-12-01T00:00:00Z".parse().unwrap()),
        Origin::Page {
            title: "release v1.0.0 of a/b".to_owned(),
            url: "https://github.com/a/b/releases/tag/v1.0.0".to_owned(),
        },
    );
    assert_eq!(versions[1], want);

    let aged = releases(FilterSet {
        minimum_age: Some(MinimumAge { days: 7 }),
        ..FilterSet::default()
    });
    let aged = aged.retrieve(&upstreams).await.unwrap();
    assert_eq!(tags(&aged), ["v1.0.0"]);
    assert_eq!(server.requests().len(), 1, "the list was there already");
}

#[tokio::test]
async fn latest_release_is_the_marked_one() {
    let server = FakeGithub::new().start().await;
    server.release("a/b", Release::new("v1.9.0").latest());
    server.release("a/b", Release::new("v1.8.7"));
    let source = GithubLatestRelease {
        project: project("a/b"),
        images: images(),
        filters: FilterSet::default(),
    };
    let upstreams = upstreams(&server);
    let latest = source.retrieve(&upstreams).await.unwrap();
    assert_eq!(tags(&latest), ["v1.9.0"]);
}

#[tokio::test]
async fn project_without_releases_is_an_error() {
    let server = FakeGithub::new().start().await;
    server.commit("a/b", "main", &[]);
    let upstreams_of_empty = upstreams(&server);
    let source = releases(FilterSet::default());
    let error = source.retrieve(&upstreams_of_empty).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("GitHub repository a/b has no releases"),
        "{text}"
    );
    let latest = GithubLatestRelease {
        project: project("a/b"),
        images: images(),
        filters: FilterSet::default(),
    };
    let error = latest.retrieve(&upstreams_of_empty).await.unwrap_err();
    assert!(
        error.to_string().contains("has no latest release"),
        "{error}"
    );
    server.release("a/b", Release::new("v1").prerelease());
    let error = source.retrieve(&upstreams(&server)).await.unwrap_err();
    assert!(error.to_string().contains("prereleases only"), "{error}");
}

#[tokio::test]
async fn image_file_is_read_at_every_release() {
    let server = FakeGithub::new().start().await;
    let path = "deploy/some images.txt";
    let old = "a/engine:v1\nrancher/own:v1\ndocker.io/a/common:v7\nbroken line\n";
    let new = "# images\r\na/engine:v2\r\na/common:v7\r\na/denied:v1\r\na/engine:v2-debug\r\n";
    server.tag("a/b", "v1", &[(path, old)]);
    server.tag("a/b", "v2+x", &[(path, new)]);
    server.tag("a/b", "v3", &[("other", "")]);
    for tag in ["v1", "v2+x", "v3"] {
        server.release("a/b", Release::new(tag));
    }
    let source = GithubTaggedImagesFile {
        denylist: vec!["docker.io/a/denied".to_owned()],
        filters: FilterSet {
            exclude: Some("-debug$".parse().unwrap()),
            ..FilterSet::default()
        },
        ..images_file(path)
    };
    let retrieved = source.retrieve(&upstreams(&server)).await.unwrap();

    let found = |image: &str, tag: &str, release: &str| FoundImage {
        image: image.to_owned(),
        tag: tag.to_owned(),
        origin: Origin::Page {
            title: format!("release {release} of a/b"),
            url: format!("https://github.com/a/b/releases/tag/{release}"),
        },
    };
    let want = vec![
        found("a/common", "v7", "v2+x"),
        found("a/engine", "v1", "v1"),
        found("a/engine", "v2", "v2+x"),
    ];
    assert_eq!(retrieved.found, Found::Images(want));
    let items: Vec<_> = dropped(&retrieved)
        .iter()
        .map(|dropped| dropped.0)
        .collect();
    assert_eq!(
        items,
        ["a/denied:v1", "a/engine:v2-debug", "rancher/own:v1"]
    );
    assert_eq!(retrieved.warnings.len(), 2, "{:?}", retrieved.warnings);
    assert_eq!(retrieved.warnings[0], format!("a/b has no {path} at v3"));
    assert!(
        retrieved.warnings[1].starts_with("v1: line 4: "),
        "{:?}",
        retrieved.warnings
    );
}

#[tokio::test]
async fn file_that_no_release_has_is_one_warning() {
    let server = FakeGithub::new().start().await;
    for tag in ["v1", "v2", "v3"] {
        server.tag("a/b", tag, &[("images.txt", "a/b:1")]);
        server.release("a/b", Release::new(tag));
    }
    let retrieved = images_file("image.txt").retrieve(&upstreams(&server)).await;
    assert_eq!(
        retrieved.unwrap().warnings,
        [
            "a/b has no image.txt at v3, nor at 2 more releases that pass the filters: check \
          `imagesFilePath`"
        ]
    );
}

#[tokio::test]
async fn files_whose_images_are_all_dropped_are_a_warning() {
    let server = FakeGithub::new().start().await;
    server.tag("a/b", "v1", &[("images.txt", "a/denied:1\na/denied:2")]);
    server.release("a/b", Release::new("v1"));
    let source = GithubTaggedImagesFile {
        denylist: vec!["a/denied".to_owned()],
        ..images_file("images.txt")
    };
    let retrieved = source.retrieve(&upstreams(&server)).await.unwrap();
    assert_eq!(
        retrieved.warnings,
        [
            "the filters drop all 2 images of the files: the repository is in `imageDenylist` drops \
          2, such as a/denied:1"
        ]
    );
}

#[tokio::test]
async fn file_is_fetched_only_for_releases_that_pass_the_filters() {
    let server = FakeGithub::new().start().await;
    for tag in ["v1", "v2"] {
        server.tag("a/b", tag, &[("images.txt", &format!("a/b:{tag}"))]);
        server.release("a/b", Release::new(tag));
    }
    let source = GithubTaggedImagesFile {
        filters: FilterSet {
            pattern: Some("2$".parse().unwrap()),
            ..FilterSet::default()
        },
        ..images_file("images.txt")
    };
    let upstreams = upstreams(&server);
    let retrieved = source.retrieve(&upstreams).await.unwrap();
    assert_eq!(dropped(&retrieved)[0].0, "v1");
    source.retrieve(&upstreams).await.unwrap();
    assert_eq!(
        server.count("GET", "/repos/a/b/contents/images.txt?ref=v2"),
        1
    );
    assert_eq!(server.requests().len(), 2, "{:?}", server.requests());
}

#[tokio::test]
async fn entry_with_a_short_deadline_fails_while_others_wait_for_the_limit() {
    let server = FakeGithub::new().start().await;
    server.release("a/b", Release::new("v1"));
    server.fault(Fault::primary_limit(Duration::from_secs(3)));
    let (upstreams, source) = (upstreams(&server), releases(FilterSet::default()));
    let hurried = upstreams.until(Instant::now() + Duration::from_secs(1));
    let (hurried, patient) = tokio::join!(source.retrieve(&hurried), source.retrieve(&upstreams));
    let error = hurried.unwrap_err().to_string();
    assert!(
        error.starts_with("GitHub's rate limit applies until 20"),
        "{error}"
    );
    assert_eq!(tags(&patient.unwrap()), ["v1"]);
    assert_eq!(server.requests().len(), 2);
}
