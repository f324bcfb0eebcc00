//! What a run over an unchanged mirror asks for: nothing that is known.

use embedded_registry::images::{Bundle, Platform, sample_image};
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::{RegistryProcess, Request};

use super::pair::{Kind, Pair, assert_root, column};

fn image(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("app", seed, &platforms, 2).unwrap()
}

/// `METHOD PATH` of every request, sorted.
async fn asked(registry: &RegistryProcess) -> Vec<String> {
    let requests = registry.requests().await.into_iter();
    let line = |request: Request| format!("{} {}", request.method, request.path);
    let mut lines: Vec<_> = requests.map(line).collect();
    lines.sort();
    lines
}

fn heads(references: &[&str]) -> Vec<String> {
    let line = |reference: &&str| {
        let (name, tag) = reference.rsplit_once(':').unwrap();
        format!("HEAD /v2/{name}/manifests/{tag}")
    };
    let mut lines: Vec<_> = references.iter().map(line).collect();
    lines.sort();
    lines
}

/// Four images at the source. One of them goes to two places, one place is fed by two rows.
async fn synced(source: Kind, target: Kind) -> Pair {
    let mut pair = Pair::of(source, target).await;
    for (seed, name) in (1..).zip(["a", "b", "c"]) {
        pair.push(&image(seed), name, Some("v1")).await;
    }
    pair.push(&image(4), "a", Some("v2")).await;
    pair.list(&[("a", "v1"), ("a", "v2"), ("b", "v1"), ("c", "v1")]);
    let rows = pair.environment.read("images-list");
    let second = format!("{} {} v1\n", pair.from("a"), pair.to("second/a"));
    let same = format!("{} {} v1\n", pair.from("a"), pair.to("a"));
    pair.environment
        .write("images-list", rows + &second + &same);
    pair.sync("", 0);
    pair.source.clear_requests().await;
    pair.target.clear_requests().await;
    pair
}

const SOURCES: [&str; 4] = ["a:v1", "a:v2", "b:v1", "c:v1"];
const TARGETS: [&str; 5] = [
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
async fn one_head_for_each_distinct_reference_and_nothing_else() {
    for (source, target) in [(Kind::V2, Kind::V3), (Kind::V3, Kind::V2)] {
        let pair = synced(source, target).await;
        let document = pair.sync("--no-referrers", 0);
        assert_unchanged(&document);
        assert_eq!(asked(&pair.source).await, heads(&SOURCES));
        assert_eq!(asked(&pair.target).await, heads(&TARGETS));
        assert_eq!(
            document["summary"]["requests"],
            SOURCES.len() + TARGETS.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_for_referrers_adds_one_tag_list_for_each_repository() {
    let pair = synced(Kind::V2, Kind::V3).await;
    assert_unchanged(&pair.sync("", 0));
    let mut want = heads(&SOURCES);
    want.extend(["a", "b", "c"].map(|name| format!("GET /v2/{name}/tags/list")));
    let mut more = asked(&pair.source).await;
    // The first answer shows that there is no referrers API; how many are under way by then is
    // not for us to say, but a digest is not asked for twice.
    more.retain(|line| !line.contains("/referrers/"));
    more.sort();
    want.sort();
    assert_eq!(more, want);
    assert_eq!(asked(&pair.target).await, heads(&TARGETS));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_api_each_digest_is_asked_for_once() {
    let pair = synced(Kind::Referrers, Kind::V2).await;
    assert_unchanged(&pair.sync("", 0));
    let lines = asked(&pair.source).await;
    let mut distinct = lines.clone();
    distinct.dedup();
    assert_eq!(lines, distinct, "nothing is asked for twice");
    let referrers = lines.iter().filter(|line| line.contains("/referrers/"));
    let digests = [1, 2, 3, 4].map(|seed| image(seed).manifests().len());
    assert_eq!(
        referrers.count(),
        digests.iter().sum::<usize>(),
        "{lines:#?}"
    );
    let blobs = lines.iter().filter(|line| line.contains("/blobs/"));
    assert_eq!(blobs.count(), 0, "{lines:#?}");
    let written = asked(&pair.target).await;
    let harmless = |line: &String| line.starts_with("HEAD") || line.starts_with("GET");
    assert!(written.iter().all(harmless), "{written:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tag_moves_alone() {
    let pair = synced(Kind::V2, Kind::V3).await;
    let moved = image(9);
    pair.push(&moved, "b", Some("v1")).await;
    let document = pair.sync("--no-referrers", 0);
    let mut want = ["unchanged"; 6];
    want[2] = "copied";
    assert_eq!(column(&document, "status"), want);
    assert_root(&pair.to("b:v1"), &moved).await;
    let written = asked(&pair.target).await.into_iter();
    let elsewhere = written.filter(|line| {
        !line.starts_with("HEAD") && !line.starts_with("GET") && !line.contains("/mirror/b/")
    });
    assert_eq!(elsewhere.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_lost_is_written_again_without_its_blobs() {
    let pair = synced(Kind::V2, Kind::V2).await;
    // The manifest is gone, the blobs are left.
    let reference = pair.to(&format!("c@{}", image(3).digest()));
    Crane::new().run(&["delete", &reference]).await.unwrap();
    let document = pair.sync("--no-referrers", 0);
    assert_eq!(document["summary"]["copied"], 1, "{document}");
    assert_eq!(document["summary"]["bytes_copied"], 0, "{document}");
    Crane::new().validate(&pair.to("c:v1")).await.unwrap();
    let requests = pair.source.requests().await.into_iter();
    let blobs = requests.filter(|request| request.path.contains("/blobs/"));
    assert_eq!(blobs.count(), 0, "nothing is downloaded that is there");
}
