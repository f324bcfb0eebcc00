//! `--platform`, `--sparse` and `--arch-tags`.

use std::collections::BTreeMap;

use embedded_registry::images::{Bundle, Format, Image, Index, Layer, Platform};
use embedded_registry::{Children, Registry};
use serde_json::Value;
use testkit::clients::{Crane, Skopeo};

use super::registry_pair::{RegistryKind, RegistryPair, assert_root, get};
use crate::environment::column;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn platforms() -> Vec<Platform> {
    let arm = |variant| Platform::linux("arm").variant(variant);
    vec![
        Platform::linux("amd64"),
        Platform::linux("arm64").variant("v8"),
        arm("v6"),
        arm("v7"),
        Platform::linux("s390x"),
        Platform::windows("amd64", "10.0.17763.6893"),
        Platform::windows("amd64", "10.0.20348.2402"),
    ]
}

fn image(seed: u64, platform: Platform) -> Bundle {
    let layer = Layer::random(seed, 2000).unwrap();
    Image::new(Format::Oci, platform).layer(layer).build()
}

/// An image for each platform, each with an attestation.
fn index() -> Bundle {
    let mut index = Index::new(Format::Oci).annotation("org.example.kept", "yes");
    for (seed, platform) in (1..).zip(platforms()) {
        let image = image(seed, platform);
        index = index.child(image.clone()).attestation(&image);
    }
    index.build()
}

fn image_of(number: usize) -> Bundle {
    let platform = platforms().swap_remove(number);
    image(number as u64 + 1, platform)
}

async fn pair_with_index(destination: RegistryKind) -> RegistryPair {
    let pair = RegistryPair::start(RegistryKind::V2, destination).await;
    pair.push(&index(), "app", Some("v1")).await;
    pair.write_list(&[("app", "v1")]);
    pair
}

/// Returns the digests in the index behind a tag of the destination, in order.
async fn children(pair: &RegistryPair, tag: &str) -> Vec<String> {
    let manifest = Skopeo::new()
        .manifest(&pair.to(&format!("app:{tag}")))
        .await
        .unwrap();
    digests(&manifest)
}

fn digests(manifest: &[u8]) -> Vec<String> {
    let index: Value = serde_json::from_slice(manifest).unwrap();
    let manifests = index["manifests"].as_array().unwrap().iter();
    manifests
        .map(|manifest| manifest["digest"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_rebuilds_the_index_with_selected_images_and_attestations() {
    for destination in [RegistryKind::V2, RegistryKind::Referrers] {
        let pair = pair_with_index(destination).await;
        let document = pair.sync("--platform arm64,arm", 0);
        let row = &document["rows"][0];
        let warnings = row["warnings"].to_string();
        assert!(
            warnings.contains("rebuilt with the selected platforms"),
            "{row}"
        );
        let all = digests(index().root().bytes());
        // Each image is followed by its attestation; arm is v7, not v6.
        let want = [&all[2], &all[3], &all[6], &all[7]];
        assert_eq!(children(&pair, "v1").await.iter().collect::<Vec<_>>(), want);
        let reference = pair.to("app:v1");
        assert_eq!(
            Crane::new().digest(&reference).await.unwrap(),
            row["digest"]
        );
        assert_ne!(row["digest"], index().digest().as_ref());
        let bytes = Skopeo::new().manifest(&reference).await.unwrap();
        let rebuilt: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(rebuilt["annotations"]["org.example.kept"], "yes");
        for child in &all {
            let path = format!(
                "{}/v2/mirror/app/manifests/{child}",
                pair.destination.host()
            );
            let status = get(&path, MANIFEST).await.status();
            assert_eq!(status == 200, want.contains(&child), "{child}: {status}");
        }
        let again = pair.sync("--platform arm64,arm", 0);
        assert_eq!(column(&again, "status"), ["unchanged"], "{again}");
        assert_eq!(again["rows"][0]["digest"], row["digest"]);
        pair.mirror("compare --platform arm64,arm").exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sparse_keeps_the_index_bytes_if_the_registry_accepts_them() {
    let pair = pair_with_index(RegistryKind::V2).await;
    // No real registry accepts missing children.
    let destination = Registry::new()
        .children(Children::Optional)
        .start()
        .await
        .unwrap();
    let host = destination.host();
    let copy = |options: &str| {
        let line = format!("sync --output json --sparse --dest-registry {host} {options}");
        pair.environment.mirror(&line).exits(0).json()
    };
    copy("--platform linux/amd64");
    let (index, reference) = (index(), format!("{host}/mirror/app:v1"));
    assert_root(&reference, &index).await;
    for (number, child) in index.manifests().iter().enumerate() {
        let found = destination.manifest("mirror/app", child.digest()).is_some();
        let is_root = child.digest() == index.digest();
        assert_eq!(found, number < 2 || is_root, "{}", child.digest());
    }
    let validate = |platform| ["validate", "--platform", platform, "--remote", &reference];
    Crane::new().run(&validate("linux/amd64")).await.unwrap();
    Crane::new()
        .run(&validate("linux/s390x"))
        .await
        .unwrap_err();
    // More children later, under the same digest.
    let more = copy("--platform amd64,s390x");
    assert_eq!(column(&more, "digest"), [index.digest().as_ref()]);
    Crane::new().run(&validate("linux/s390x")).await.unwrap();
    assert_eq!(
        column(&copy("--platform amd64,s390x"), "status"),
        ["unchanged"]
    );
    // All children, under the same digest.
    let line = format!("sync --output json --dest-registry {host}");
    let full = pair.environment.mirror(&line).exits(0).json();
    assert_eq!(column(&full, "status"), ["unchanged"]);
    pair.environment
        .mirror(&format!("compare --dest-registry {host}"))
        .exits(1);
    let line = format!("{line} --check-children");
    let full = pair.environment.mirror(&line).exits(0).json();
    assert_eq!(column(&full, "status"), ["copied"]);
    assert_eq!(column(&full, "digest"), [index.digest().as_ref()]);
    pair.environment
        .mirror(&format!("compare --dest-registry {host}"))
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_sparse_index_fails_the_row_with_a_hint() {
    for destination in [RegistryKind::V2, RegistryKind::V3, RegistryKind::Referrers] {
        let pair = pair_with_index(destination).await;
        let document = pair.sync("--platform amd64 --sparse", 3);
        let error = &document["rows"][0]["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("/v2/mirror/app/manifests/v1"), "{message}");
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.contains("--sparse") && hint.contains("rebuilt"),
            "{hint}"
        );
        let path = format!("{}/v2/mirror/app/manifests/v1", pair.destination.host());
        assert_eq!(get(&path, INDEX).await.status(), 404);
        // The hint works.
        pair.sync("--platform amd64", 0);
        assert_eq!(children(&pair, "v1").await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_selects_windows_by_os_version() {
    let pair = pair_with_index(RegistryKind::V2).await;
    pair.sync("--platform windows/amd64:10.0.20348", 0);
    let all = digests(index().root().bytes());
    assert_eq!(children(&pair, "v1").await, all[12..14]);
    let manifest = Skopeo::new().manifest(&pair.to("app:v1")).await.unwrap();
    let rebuilt: Value = serde_json::from_slice(&manifest).unwrap();
    let platform = &rebuilt["manifests"][0]["platform"];
    assert_eq!(platform["os.version"], "10.0.20348.2402", "{rebuilt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_without_a_match_fails_the_row() {
    let pair = pair_with_index(RegistryKind::V2).await;
    let document = pair.sync("--platform riscv64", 3);
    let message = document["rows"][0]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("riscv64") && message.contains("s390x"),
        "{message}"
    );
    let path = format!("{}/v2/mirror/app/tags/list", pair.destination.host());
    assert_eq!(get(&path, "*/*").await.status(), 404, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn arch_tags_point_to_the_images_of_their_architecture() {
    let pair = pair_with_index(RegistryKind::V2).await;
    pair.push(&image_of(0), "single", Some("v1")).await;
    pair.write_list(&[("app", "v1"), ("single", "v1")]);
    pair.sync("--arch-tags", 0);
    let want = BTreeMap::from([
        ("v1", index()),
        ("v1-amd64", image_of(0)),
        ("v1-arm64", image_of(1)),
        ("v1-arm", image_of(2)),
        ("v1-armv7", image_of(3)),
        ("v1-s390x", image_of(4)),
        ("v1-amd64-windows-10.0.17763.6893", image_of(5)),
        ("v1-amd64-windows-10.0.20348.2402", image_of(6)),
    ]);
    for (tag, bundle) in &want {
        assert_root(&pair.to(&format!("app:{tag}")), bundle).await;
    }
    for tag in ["v1", "v1-amd64"] {
        assert_root(&pair.to(&format!("single:{tag}")), &image_of(0)).await;
    }
    let tags = pair
        .mirror(&format!("tags {} --output json", pair.to("app")))
        .exits(0)
        .json();
    let tags = tags
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag.as_str().unwrap());
    let mut tags: Vec<_> = tags.collect();
    tags.sort_unstable();
    assert_eq!(
        tags,
        want.keys().copied().collect::<Vec<_>>(),
        "no other tags"
    );
    assert_eq!(
        column(&pair.sync("--arch-tags", 0), "status"),
        ["unchanged"; 2]
    );
    pair.mirror("compare --arch-tags").exits(0);
}
