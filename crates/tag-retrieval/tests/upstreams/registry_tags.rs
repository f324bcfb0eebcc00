//! `registry` against a real registry.

use std::num::NonZeroUsize;

use embedded_registry::images::{Artifact, Bundle, Format, Image, Index, Platform, digest_tag};
use embedded_registry::{Registry, RunningRegistry};
use regex::Regex;
use serde_json::json;
use tag_retrieval::config::RegistryTags;
use tag_retrieval::filters::{FilterSet, MinimumAge, Newest};
use tag_retrieval::{MAX_TIMES_READ, Origin};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;

use crate::setup::{candidates, image, reason, retrieve, tags, time};

fn source(name: &str, filters: FilterSet) -> RegistryTags {
    RegistryTags {
        images: image(name),
        filters,
    }
}

fn last_published() -> FilterSet {
    FilterSet {
        newest: Newest::LAST_PUBLISHED,
        ..FilterSet::default()
    }
}

/// Returns an index in the format of buildx with a creation time for linux/amd64.
fn made(created: &str) -> Bundle {
    let of = |platform, created| Image::new(Format::Oci, platform).created(created).build();
    let amd64 = of(Platform::linux("amd64"), created);
    Index::new(Format::Oci)
        .attestation(&amd64)
        .child(of(Platform::linux("arm64"), "2025-01-01T00:00:00Z"))
        .child(amd64)
        .build()
}

async fn registry() -> RunningRegistry {
    Registry::new().page_limit(5).start().await.unwrap()
}

#[tokio::test]
async fn every_tag_is_a_version_except_digest_tags() {
    let highest = FilterSet {
        pattern: Some(Regex::new("^v").unwrap()),
        newest: Newest::HIGHEST,
        ..FilterSet::default()
    };
    for version in [Version::V2, Version::V3] {
        let registry = Distribution::new().version(version).start().await;
        let pusher = Pusher::new(&registry.host());
        let bundle = made("2026-11-01T00:00:00Z");
        for tag in ["v1.9", "v1.10", "latest"] {
            pusher.bundle(&bundle, "one-part", Some(tag)).await;
        }
        let signature = digest_tag(bundle.digest(), Some("sig"));
        let signed = Artifact::cosign_signature(bundle.digest()).build();
        pusher.bundle(&signed, "one-part", Some(&signature)).await;

        let name = format!("{}/one-part", registry.host());
        let all = retrieve(&source(&name, FilterSet::default()), "")
            .await
            .unwrap();
        let mut found = tags(&all);
        found.sort_unstable();
        assert_eq!(found, ["latest", "v1.10", "v1.9"], "{version:?}");
        let repository = name.clone();
        assert_eq!(
            candidates(&all)[0].origin,
            Origin::Repository { repository }
        );
        assert!(reason(&all, &signature).contains("digest of another image"));

        let highest = retrieve(&source(&name, highest.clone()), "").await.unwrap();
        assert_eq!(tags(&highest), ["v1.10"]);
        assert_eq!(reason(&highest, "latest"), "`versionFilter` \"^v\"");
    }
}

#[tokio::test]
async fn latest_entry_reads_creation_times_from_configs() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    made("2026-11-03T00:00:00Z").push(&registry, "a/b", Some("1.3"));
    made("2026-11-09T00:00:00Z").push(&registry, "a/b", Some("1.2.9"));
    // An artifact without a creation time.
    let reproducible = Image::new(Format::Docker, Platform::linux("amd64")).build();
    reproducible.push(&registry, "a/b", Some("1.4"));
    let chart = Artifact::image(
        "application/vnd.cncf.helm.config.v1+json",
        r#"{"name":"c"}"#,
    );
    chart.build().push(&registry, "a/b", Some("1.5"));
    for tag in ["x1", "x2", "x3", "x4"] {
        made("2026-11-20T00:00:00Z").push(&registry, "a/b", Some(tag));
    }
    let name = format!("{}/a/b", proxy.host());
    let filters = FilterSet {
        exclude: Some(Regex::new("^x").unwrap()),
        ..last_published()
    };
    let last = retrieve(&source(&name, filters.clone()), "").await.unwrap();
    assert_eq!(tags(&last), ["1.2.9"]);
    let made = Some(time("2026-11-09T00:00:00Z"));
    assert_eq!(candidates(&last)[0].published, made);
    assert!(
        reason(&last, "1.4").contains("unknown publication time"),
        "{last:?}"
    );
    assert!(last.warnings[0].contains("1.4"), "{:?}", last.warnings);
    assert_eq!(proxy.count("", "manifests/x"), 0, "{:?}", proxy.requests());

    let old = FilterSet {
        minimum_age: Some(MinimumAge { days: 14 }),
        newest: Newest::All,
        ..filters
    };
    let old = retrieve(&source(&name, old), "").await.unwrap();
    assert_eq!(tags(&old), ["1.3"]);
    assert!(reason(&old, "1.2.9").contains("2026-11-09"));
}

#[tokio::test]
async fn times_are_read_for_the_highest_versions_only() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let image = made("2026-11-03T00:00:00Z");
    for number in 0..MAX_TIMES_READ + 6 {
        image.push(&registry, "a/b", Some(&format!("1.{number}")));
    }
    // Created last, but too low a version.
    made("2026-11-20T00:00:00Z").push(&registry, "a/b", Some("1.5"));
    let name = format!("{}/a/b", proxy.host());
    let last = retrieve(&source(&name, last_published()), "")
        .await
        .unwrap();
    let highest = format!("1.{}", MAX_TIMES_READ + 5);
    assert_eq!(tags(&last), [highest], "the higher of those made at once");
    assert!(reason(&last, "1.5").contains("64 highest"), "{last:?}");
    assert!(
        last.warnings[0].contains("versions of 70 tags"),
        "{:?}",
        last.warnings
    );
    assert_eq!(proxy.count("", "manifests/1."), MAX_TIMES_READ);
}

#[tokio::test]
async fn missing_config_does_not_affect_other_tags() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    for (tag, created) in [("1.1", "2026-11-03"), ("1.2", "2026-11-04")] {
        let image = made(&format!("{created}T00:00:00Z"));
        image.push(&registry, "a/b", Some(tag));
    }
    let gone = Action::answer(404).body(r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#);
    proxy.add(Rule::new("GET", "/blobs/").first(1).does(gone));
    let name = format!("{}/a/b", proxy.host());
    let last = retrieve(&source(&name, last_published()), "")
        .await
        .unwrap();
    assert_eq!(tags(&last).len(), 1);
    let [gone] = &last.dropped[..] else {
        panic!("{last:?}");
    };
    assert!(gone.reason.contains("unknown publication time"), "{gone:?}");
}

#[tokio::test]
async fn push_times_of_the_registry_make_configs_unnecessary() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let bundle = made("2026-11-03T00:00:00Z");
    for tag in ["1.1", "1.2", "1.3"] {
        bundle.push(&registry, "library/b", Some(tag));
        bundle.push(&registry, "a/b", Some(tag));
    }
    let tag = |name: &str, day: u32| json!({"name": name, "tag_last_pushed": format!("2026-11-{day:02}T00:00:00Z"), "start_ts": day});
    let pushed = [tag("1.1", 1), tag("1.2", 20), tag("1.3", 10)];
    let hub = json!({"next": null, "results": pushed}).to_string();
    let quay = json!({"page": 1, "has_additional": false, "tags": pushed}).to_string();
    let api = |path, body: String| Rule::new("GET", path).does(Action::answer(200).body(body));
    proxy.add(api("/v2/namespaces/library/repositories/b/tags", hub));
    proxy.add(api("/api/v1/repository/a/b/tag/", quay));
    let conf = ["docker.io", "quay.io"].map(|name| {
        format!(
            "[[registry]]\nprefix = \"{name}\"\nlocation = \"{}\"\n",
            proxy.host()
        )
    });
    for name in ["b", "docker.io/library/b", "quay.io/a/b"] {
        let last = retrieve(&source(name, last_published()), &conf.concat()).await;
        assert_eq!(tags(&last.unwrap()), ["1.2"], "{name}");
    }
    assert_eq!(proxy.count("", "manifests"), 0, "{:?}", proxy.requests());

    // A proxy of the registry without its API.
    proxy.clear_rules();
    let last = retrieve(&source("b", last_published()), &conf.concat()).await;
    assert_eq!(tags(&last.unwrap()), ["1.3"]);

    // A failing API is an error, not a reason to use other times.
    proxy.add(Rule::new("GET", "/repositories/b/tags").does(Action::answer(503)));
    let broken = retrieve(&source("b", last_published()), &conf.concat()).await;
    assert!(broken.unwrap_err().to_string().contains("503"));
}

#[tokio::test]
async fn repository_without_tags_is_an_error() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let name = format!("{}/a", proxy.host());
    let error = retrieve(&source(&name, FilterSet::default()), "")
        .await
        .unwrap_err();
    let want = format!("{name} does not exist, or requires credentials");
    assert_eq!(error.to_string(), want);
    let empty = Action::answer(200).body(r#"{"name":"a","tags":null}"#);
    proxy.add(Rule::new("GET", "/tags/list").does(empty));
    let error = retrieve(&source(&name, FilterSet::default()), "")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("{name} has no tags"));
    proxy.clear_rules();
    proxy.add(Rule::new("GET", "/tags/list").does(Action::answer(500)));
    let error = retrieve(&source(&name, FilterSet::default()), "")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("500 Internal"), "{error}");
}

/// The highest of the first thousand tags is not the latest version.
#[tokio::test]
async fn tag_list_that_is_not_whole_is_reported() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    for tag in ["1", "2", "3", "4", "5", "6"] {
        made("2026-11-03T00:00:00Z").push(&registry, "a/b", Some(tag));
    }
    let name = format!("{}/a/b", proxy.host());
    let highest = FilterSet {
        newest: Newest::HIGHEST,
        ..FilterSet::default()
    };
    let page = Action::answer(200).body(r#"{"tags":["1","2"]}"#);
    let page = page.header("link", "/v2/a/b/tags/list?last=2; rel=next");
    proxy.add(Rule::new("GET", "/tags/").does(page));
    let found = retrieve(&source(&name, highest.clone()), "").await.unwrap();
    assert_eq!(tags(&found), ["2"]);
    let expected = format!("{name}: the tag list may be incomplete: after 2 tags");
    assert!(
        found.warnings[0].contains(&expected),
        "{:?}",
        found.warnings
    );

    proxy.clear_rules();
    let is_later = |parts: &http::request::Parts| {
        let query = parts.uri.query();
        query.is_some_and(|query| query.contains("last="))
    };
    let missing = Rule::new("GET", "/tags/").when(is_later);
    proxy.add(missing.does(Action::answer(404)));
    let error = retrieve(&source(&name, highest), "").await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("page 2 of the list is missing"), "{error}");
}

/// Times are not read below the versions that `latest` keeps.
#[tokio::test]
async fn minimum_age_reads_the_times_that_latest_needs() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    // Ten days before the run; the two highest are a day old.
    for minor in 0..MAX_TIMES_READ + 10 {
        let day = if minor >= MAX_TIMES_READ + 8 { 20 } else { 11 };
        let image = made(&format!("2026-11-{day}T00:00:00Z"));
        image.push(&registry, "a/b", Some(&format!("1.{minor}")));
    }
    let name = format!("{}/a/b", proxy.host());
    let filters = |count| FilterSet {
        minimum_age: Some(MinimumAge { days: 7 }),
        newest: Newest::Highest(NonZeroUsize::new(count).unwrap()),
        ..FilterSet::default()
    };
    let newest = retrieve(&source(&name, filters(3)), "").await.unwrap();
    let (first, second) = (MAX_TIMES_READ + 7, MAX_TIMES_READ + 6);
    let mut found = tags(&newest);
    found.sort_unstable();
    let third = format!("1.{}", MAX_TIMES_READ + 5);
    assert_eq!(found, [third, format!("1.{second}"), format!("1.{first}")]);
    assert_eq!(newest.warnings, [""; 0], "no version is missing");
    let why = "`latest`: enough higher versions pass `minimumAge`";
    assert_eq!(reason(&newest, "1.0"), why);
    // Two chunks of three versions: an index, an image and a config each.
    let requests = proxy.requests();
    let times = requests
        .iter()
        .filter(|request| !request.path.contains("/tags/"));
    assert_eq!(times.count(), 2 * 3 * 3);
}
