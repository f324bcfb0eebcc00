//! JSON reports and printed results, key by key, against real registries.

use embedded_registry::images::{Bundle, Platform, sample_image};
use serde_json::{Value, json};

use super::registry_pair::{RegistryKind, RegistryPair, assert_root, get};
use crate::environment::column;

fn image(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("app", seed, &platforms, 2).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

const SUMMARY: [&str; 11] = [
    "rows",
    "copied",
    "unchanged",
    "skipped",
    "failed",
    "blobs_copied",
    "blobs_mounted",
    "blobs_present",
    "bytes_copied",
    "requests",
    "duration_seconds",
];
const ROW: [&str; 8] = [
    "source",
    "destination",
    "tag",
    "status",
    "digest",
    "bytes_copied",
    "warnings",
    "error",
];

/// A list with a new row, an unchanged row and a row that is missing at the source.
async fn pair_with_mixed_rows() -> RegistryPair {
    let pair = RegistryPair::start(RegistryKind::V2, RegistryKind::V3).await;
    pair.push(&image(1), "new", Some("v1")).await;
    pair.push(&image(2), "old", Some("v1")).await;
    pair.write_list(&[("old", "v1")]);
    pair.sync("", 0);
    pair.write_list(&[("new", "v1"), ("missing", "v1"), ("old", "v1")]);
    pair
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_report_has_the_documented_keys() {
    let mut pair = pair_with_mixed_rows().await;
    pair.source.clear_requests().await;
    pair.destination.clear_requests().await;
    let document = pair.sync("--report report.json", 1);
    assert_eq!(keys(&document), ["summary", "tool", "started", "rows"]);
    assert_eq!(
        column(&document, "status"),
        ["copied", "failed", "unchanged"]
    );
    let (rows, image) = (document["rows"].as_array().unwrap(), image(1));
    for (row, name) in rows.iter().zip(["new", "missing", "old"]) {
        assert_eq!(keys(row), ROW);
        let names = (pair.from(name), pair.to(name));
        assert_eq!(
            (row["source"].as_str(), row["destination"].as_str()),
            (Some(&*names.0), Some(&*names.1))
        );
        assert_eq!((&row["tag"], &row["warnings"]), (&json!("v1"), &json!([])));
    }
    assert_eq!(rows[0]["digest"], image.digest().as_ref());
    assert_eq!(keys(&rows[1]["error"]), ["message", "hint"]);
    assert_eq!(
        (&rows[1]["digest"], &rows[0]["error"]),
        (&Value::Null, &Value::Null)
    );
    let hint = rows[1]["error"]["hint"].as_str().unwrap();
    assert!(
        hint.contains(&format!("`mirror tags {}`", pair.from("missing"))),
        "{hint}"
    );
    let summary = &document["summary"];
    assert_eq!(keys(summary), SUMMARY);
    let counts = ["rows", "copied", "unchanged", "skipped", "failed"].map(|key| &summary[key]);
    assert_eq!(counts, [3, 1, 1, 0, 1]);
    // Every blob of the new image counts once.
    let blobs = ["blobs_copied", "blobs_mounted", "blobs_present"];
    let blobs: u64 = blobs.iter().map(|key| summary[key].as_u64().unwrap()).sum();
    assert_eq!(blobs, image.blobs().len() as u64, "{summary}");
    let sent = rows[0]["bytes_copied"].as_u64().unwrap();
    let total: usize = image.blobs().iter().map(|blob| blob.bytes().len()).sum();
    assert!(sent > 0 && sent <= total as u64, "{sent} of {total}");
    assert_eq!(summary["bytes_copied"], sent);
    let requests = pair.source.requests().await.len() + pair.destination.requests().await.len();
    assert_eq!(summary["requests"], requests);
    assert_eq!(pair.environment.read_json("report.json"), document);
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_reports_the_expected_statuses_and_sends_only_heads() {
    let mut pair = pair_with_mixed_rows().await;
    pair.destination.clear_requests().await;
    let document = pair.sync("--dry-run", 1);
    assert_eq!(
        column(&document, "status"),
        ["copied", "failed", "unchanged"]
    );
    assert_eq!(document["summary"]["dry_run"], true);
    assert_eq!(document["summary"]["bytes_copied"], 0);
    let requests = pair.destination.requests().await;
    let only_heads = requests.iter().all(|request| request.method == "HEAD");
    assert!(only_heads, "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_report_has_the_destination_tag() {
    let pair = pair_with_mixed_rows().await;
    let line = format!(
        "copy {} {} --output json",
        pair.from("new:v1"),
        pair.to("x/y:z")
    );
    let document = pair.mirror(&line).exits(0).json();
    assert_eq!(keys(&document["summary"]), SUMMARY);
    assert_eq!(document["rows"][0]["destination_tag"], "z");
    assert_eq!(document["rows"][0]["destination"], pair.to("x/y"));
    assert_root(&pair.to("x/y:z"), &image(1)).await;
    let line = format!("copy {} {}", pair.from("missing:v1"), pair.to("missing"));
    let output = pair.mirror(&line).exits(3);
    assert!(
        output.stdout.contains("hint: list the tags"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_report_has_the_documented_keys() {
    let pair = pair_with_mixed_rows().await;
    let document = pair.mirror("compare --output json").exits(1).json();
    assert_eq!(keys(&document), ["summary", "tool", "started", "rows"]);
    assert_eq!(column(&document, "status"), ["missing", "error", "same"]);
    let summary = &document["summary"];
    assert_eq!(
        keys(summary)[..5],
        ["rows", "same", "drift", "missing", "error"]
    );
    let row = &document["rows"][2];
    let want = [
        "source",
        "destination",
        "tag",
        "status",
        "source_digest",
        "destination_digest",
        "platforms",
        "error",
    ];
    assert!(want.iter().all(|key| keys(row).contains(key)), "{row}");
    assert_eq!(row["source_digest"], image(2).digest().as_ref());
    assert_eq!(row["destination_digest"], row["source_digest"]);
    let platforms = row["platforms"].as_array().unwrap();
    for platform in platforms {
        assert_eq!(keys(platform), ["platform", "digest", "found"]);
        assert_eq!(platform["found"], true);
    }
    let named = platforms
        .iter()
        .map(|platform| platform["platform"].as_str().unwrap());
    let named: Vec<_> = named.filter(|name| name.starts_with("linux/")).collect();
    assert_eq!(named, ["linux/amd64", "linux/arm64"]);
    // Drift between real registries.
    pair.push(&image(5), "old", Some("v1")).await;
    let document = pair
        .mirror("compare --match */old --output json")
        .exits(1)
        .json();
    assert_eq!(column(&document, "status"), ["drift"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_prints_the_exact_bytes_of_a_manifest() {
    for kind in [RegistryKind::V2, RegistryKind::V3, RegistryKind::Referrers] {
        let pair = RegistryPair::start(kind, kind).await;
        let image = image(1).rewritten(|text| format!("{text}\n \n"));
        pair.push(&image, "app", Some("v1")).await;
        let raw = pair
            .mirror(&format!("inspect --raw {}", pair.from("app:v1")))
            .exits(0);
        assert_eq!(raw.stdout.as_bytes(), &image.root().bytes()[..], "{kind:?}");
        let line = format!("inspect --output json {}", pair.from("app:v1"));
        let document = pair.mirror(&line).exits(0).json();
        assert_eq!(document["digest"], image.digest().as_ref());
        assert_eq!(
            document["media_type"],
            image.root().media_type(),
            "{document}"
        );
        assert_eq!(document["referrers"], 0, "{document}");
        let path = format!("{}/v2/app/manifests/none", pair.source.host());
        assert_eq!(get(&path, "*/*").await.status(), 404);
        let line = format!("inspect --output json {}", pair.from("app:none"));
        let missing = pair.mirror(&line).exits(1).json();
        assert!(
            missing["error"]["hint"]
                .as_str()
                .unwrap()
                .contains("mirror tags")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_prints_all_pages_of_real_registries() {
    for kind in [RegistryKind::V2, RegistryKind::V3, RegistryKind::Referrers] {
        let pair = RegistryPair::start(kind, kind).await;
        let pusher = testkit::push::Pusher::new(&pair.source.host());
        pair.push(&image(1), "app", Some("v1")).await;
        let want: Vec<String> = (1..=120).map(|number| format!("v{number}")).collect();
        for tag in &want {
            pusher.manifest("app", tag, image(1).root()).await;
        }
        let line = format!("tags --output json {}", pair.from("app"));
        assert_eq!(pair.mirror(&line).exits(0).json(), json!(want), "{kind:?}");
        let missing = pair
            .mirror(&format!("tags {}", pair.from("missing")))
            .exits(1);
        assert!(
            missing.stderr.contains("does not exist"),
            "{}",
            missing.stderr
        );
    }
}
