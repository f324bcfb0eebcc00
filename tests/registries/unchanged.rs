//! Requests of a run over an unchanged mirror.

use embedded_registry::images::{Bundle, Platform, sample_image};
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::{RegistryProcess, Request};

use super::registry_pair::{RegistryKind, RegistryPair, assert_root};
use crate::environment::column;

fn image(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("app", seed, &platforms, 2).unwrap()
}

/// Returns `METHOD PATH` of every request, sorted.
async fn request_lines(registry: &RegistryProcess) -> Vec<String> {
    let requests = registry.requests().await.into_iter();
    let line = |request: Request| format!("{} {}", request.method, request.path);
    let mut lines: Vec<_> = requests.map(line).collect();
    lines.sort();
    lines
}

/// Returns the sorted HEAD requests for these references.
fn heads(references: &[&str]) -> Vec<String> {
    let line = |reference: &&str| {
        let (name, tag) = reference.rsplit_once(':').unwrap();
        format!("HEAD /v2/{name}/manifests/{tag}")
    };
    let mut lines: Vec<_> = references.iter().map(line).collect();
    lines.sort();
    lines
}

/// A synced list of four images: one has two destinations, and one destination has two rows.
async fn synced_pair(source: RegistryKind, destination: RegistryKind) -> RegistryPair {
    let mut pair = RegistryPair::start(source, destination).await;
    for (seed, name) in (1..).zip(["a", "b", "c"]) {
        pair.push(&image(seed), name, Some("v1")).await;
    }
    pair.push(&image(4), "a", Some("v2")).await;
    pair.write_list(&[("a", "v1"), ("a", "v2"), ("b", "v1"), ("c", "v1")]);
    let rows = pair.environment.read("images-list");
    let second = format!("{} {} v1\n", pair.from("a"), pair.to("second/a"));
    let same = format!("{} {} v1\n", pair.from("a"), pair.to("a"));
    pair.environment
        .write("images-list", rows + &second + &same);
    pair.sync("", 0);
    pair.source.clear_requests().await;
    pair.destination.clear_requests().await;
    pair
}

const SOURCES: [&str; 4] = ["a:v1", "a:v2", "b:v1", "c:v1"];
const DESTINATIONS: [&str; 5] = [
    "mirror/a:v1",
    "mirror/a:v2",
    "mirror/b:v1",
    "mirror/c:v1",
    "mirror/second/a:v1",
];

fn assert_unchanged(document: &Value) {
    assert_eq!(column(document, "status"), ["unchanged"; 6], "{document}");
    assert_eq!(document["summary"]["bytes_copied"], 0, "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_sync_sends_one_head_per_distinct_reference() {
    for (source, destination) in [
        (RegistryKind::V2, RegistryKind::V3),
        (RegistryKind::V3, RegistryKind::V2),
    ] {
        let pair = synced_pair(source, destination).await;
        let document = pair.sync("--no-referrers", 0);
        assert_unchanged(&document);
        assert_eq!(request_lines(&pair.source).await, heads(&SOURCES));
        assert_eq!(request_lines(&pair.destination).await, heads(&DESTINATIONS));
        assert_eq!(
            document["summary"]["requests"],
            SOURCES.len() + DESTINATIONS.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn referrer_search_adds_one_tag_listing_per_source_repository() {
    let pair = synced_pair(RegistryKind::V2, RegistryKind::V3).await;
    assert_unchanged(&pair.sync("", 0));
    let mut want = heads(&SOURCES);
    want.extend(["a", "b", "c"].map(|name| format!("GET /v2/{name}/tags/list")));
    let mut requests = request_lines(&pair.source).await;
    // The first response shows that there is no referrers API. The number of referrers requests in
    // flight by then varies.
    requests.retain(|line| !line.contains("/referrers/"));
    requests.sort();
    want.sort();
    assert_eq!(requests, want);
    assert_eq!(request_lines(&pair.destination).await, heads(&DESTINATIONS));
}

#[tokio::test(flavor = "multi_thread")]
async fn referrer_search_sends_one_api_request_per_digest() {
    let pair = synced_pair(RegistryKind::Referrers, RegistryKind::V2).await;
    assert_unchanged(&pair.sync("", 0));
    let lines = request_lines(&pair.source).await;
    let mut distinct = lines.clone();
    distinct.dedup();
    assert_eq!(lines, distinct, "no request is repeated");
    let referrers = lines.iter().filter(|line| line.contains("/referrers/"));
    let digests = [1, 2, 3, 4].map(|seed| image(seed).manifests().len());
    assert_eq!(
        referrers.count(),
        digests.iter().sum::<usize>(),
        "{lines:#?}"
    );
    let blobs = lines.iter().filter(|line| line.contains("/blobs/"));
    assert_eq!(blobs.count(), 0, "{lines:#?}");
    let requests = request_lines(&pair.destination).await;
    let is_read = |line: &String| line.starts_with("HEAD") || line.starts_with("GET");
    assert!(requests.iter().all(is_read), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_tag_changes_only_its_row() {
    let pair = synced_pair(RegistryKind::V2, RegistryKind::V3).await;
    let moved = image(9);
    pair.push(&moved, "b", Some("v1")).await;
    let document = pair.sync("--no-referrers", 0);
    let mut want = ["unchanged"; 6];
    want[2] = "copied";
    assert_eq!(column(&document, "status"), want);
    assert_root(&pair.to("b:v1"), &moved).await;
    let requests = request_lines(&pair.destination).await.into_iter();
    let elsewhere = requests.filter(|line| {
        !line.starts_with("HEAD") && !line.starts_with("GET") && !line.contains("/mirror/b/")
    });
    assert_eq!(elsewhere.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_tag_is_restored_without_uploading_blobs() {
    let pair = synced_pair(RegistryKind::V2, RegistryKind::V2).await;
    // Deletes the manifest; the blobs stay.
    let reference = pair.to(&format!("c@{}", image(3).digest()));
    Crane::new().run(&["delete", &reference]).await.unwrap();
    let document = pair.sync("--no-referrers", 0);
    assert_eq!(document["summary"]["copied"], 1, "{document}");
    assert_eq!(document["summary"]["bytes_copied"], 0, "{document}");
    Crane::new().validate(&pair.to("c:v1")).await.unwrap();
    let requests = pair.source.requests().await.into_iter();
    let blobs = requests.filter(|request| request.path.contains("/blobs/"));
    assert_eq!(blobs.count(), 0, "no present blob is downloaded");
}
