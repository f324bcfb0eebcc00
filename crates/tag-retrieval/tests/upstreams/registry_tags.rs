//! `registry`

use embedded_registry::images::{Artifact, Bundle, Format, Image, Index, Platform, digest_tag};
use embedded_registry::{Registry, RunningRegistry};
use regex::Regex;
use serde_json::json;
use tag_retrieval::config::RegistryTags;
use tag_retrieval::filters::{Filters, MinimumAge, Newest};
use tag_retrieval::{Origin, TIMES_READ};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;

use crate::setup::{ask, candidates, image, reason, tags, time};

fn source(name: &str, filters: Filters) -> RegistryTags {
    RegistryTags {
        images: image(name),
        filters,
    }
}

fn last_published() -> Filters {
    Filters {
        newest: Newest::LastPublished,
        ..Filters::default()
    }
}

/// An index as buildx makes it, whose image for linux/amd64 was made at a time.
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
async fn every_tag_of_any_registry_is_a_version_but_those_of_digests() {
    let highest = Filters {
        pattern: Some(Regex::new("^v").unwrap()),
        newest: Newest::Highest,
        ..Filters::default()
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
        let all = ask(&source(&name, Filters::default()), "").await.unwrap();
        let mut found = tags(&all);
        found.sort_unstable();
        assert_eq!(found, ["latest", "v1.10", "v1.9"], "{version:?}");
        let repository = name.clone();
        assert_eq!(
            candidates(&all)[0].origin,
            Origin::Repository { repository }
        );
        assert!(reason(&all, &signature).contains("belongs to another image"));

        let highest = ask(&source(&name, highest.clone()), "").await.unwrap();
        assert_eq!(tags(&highest), ["v1.10"]);
        assert_eq!(reason(&highest, "latest"), "`versionFilter` \"^v\"");
    }
}

#[tokio::test]
async fn the_image_made_last_is_told_by_its_config() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    made("2026-11-03T00:00:00Z").push(&registry, "a/b", Some("1.3"));
    made("2026-11-09T00:00:00Z").push(&registry, "a/b", Some("1.2.9"));
    // Neither an index nor a time; not an image at all.
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
    let filters = Filters {
        exclude: Some(Regex::new("^x").unwrap()),
        ..last_published()
    };
    let last = ask(&source(&name, filters.clone()), "").await.unwrap();
    assert_eq!(tags(&last), ["1.2.9"]);
    let made = Some(time("2026-11-09T00:00:00Z"));
    assert_eq!(candidates(&last)[0].published, made);
    assert!(reason(&last, "1.4").contains("not known"), "{last:?}");
    assert!(last.warnings[0].contains("1.4"), "{:?}", last.warnings);
    assert_eq!(proxy.count("", "manifests/x"), 0, "{:?}", proxy.requests());

    let old = Filters {
        minimum_age: Some(MinimumAge { days: 14 }),
        newest: Newest::All,
        ..filters
    };
    let old = ask(&source(&name, old), "").await.unwrap();
    assert_eq!(tags(&old), ["1.3"]);
    assert!(reason(&old, "1.2.9").contains("2026-11-09"));
}

#[tokio::test]
async fn the_highest_versions_are_looked_at_and_not_all() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let image = made("2026-11-03T00:00:00Z");
    for number in 0..TIMES_READ + 6 {
        image.push(&registry, "a/b", Some(&format!("1.{number}")));
    }
    // Made last, but too low to be looked at.
    made("2026-11-20T00:00:00Z").push(&registry, "a/b", Some("1.5"));
    let name = format!("{}/a/b", proxy.host());
    let last = ask(&source(&name, last_published()), "").await.unwrap();
    let highest = format!("1.{}", TIMES_READ + 5);
    assert_eq!(tags(&last), [highest], "the higher of those made at once");
    assert!(reason(&last, "1.5").contains("64 highest"), "{last:?}");
    assert!(
        last.warnings[0].contains("of 70 tags"),
        "{:?}",
        last.warnings
    );
    assert_eq!(proxy.count("", "manifests/1."), TIMES_READ);
}

#[tokio::test]
async fn an_image_whose_config_is_gone_does_not_spoil_the_others() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    for (tag, created) in [("1.1", "2026-11-03"), ("1.2", "2026-11-04")] {
        let image = made(&format!("{created}T00:00:00Z"));
        image.push(&registry, "a/b", Some(tag));
    }
    let gone = Action::answer(404).body(r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#);
    proxy.add(Rule::new("GET", "/blobs/").first(1).does(gone));
    let name = format!("{}/a/b", proxy.host());
    let last = ask(&source(&name, last_published()), "").await.unwrap();
    assert_eq!(tags(&last).len(), 1);
    let [gone] = &last.dropped[..] else {
        panic!("{last:?}");
    };
    assert!(gone.reason.contains("not known when"), "{gone:?}");
}

#[tokio::test]
async fn where_the_registry_tells_when_tags_were_pushed_no_image_is_read() {
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
        let last = ask(&source(name, last_published()), &conf.concat()).await;
        assert_eq!(tags(&last.unwrap()), ["1.2"], "{name}");
    }
    assert_eq!(proxy.count("", "manifests"), 0, "{:?}", proxy.requests());

    // A proxy that has the names and not the API.
    proxy.clear_rules();
    let last = ask(&source("b", last_published()), &conf.concat()).await;
    assert_eq!(tags(&last.unwrap()), ["1.3"]);

    // An API that is out of order is no reason to choose by something else.
    proxy.add(Rule::new("GET", "/repositories/b/tags").does(Action::answer(503)));
    let broken = ask(&source("b", last_published()), &conf.concat()).await;
    assert!(broken.unwrap_err().to_string().contains("503"));
}

#[tokio::test]
async fn what_has_no_tags_is_an_error_that_says_so() {
    let registry = registry().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let name = format!("{}/a", proxy.host());
    let error = ask(&source(&name, Filters::default()), "")
        .await
        .unwrap_err();
    let want = format!("{name} does not exist, or is hidden from those without credentials");
    assert_eq!(error.to_string(), want);
    let empty = Action::answer(200).body(r#"{"name":"a","tags":null}"#);
    proxy.add(Rule::new("GET", "/tags/list").does(empty));
    let error = ask(&source(&name, Filters::default()), "")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("{name} has no tags"));
    proxy.clear_rules();
    proxy.add(Rule::new("GET", "/tags/list").does(Action::answer(500)));
    let error = ask(&source(&name, Filters::default()), "")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("500 Internal"), "{error}");
}
