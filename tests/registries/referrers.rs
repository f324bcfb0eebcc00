//! Signatures, SBOMs and other referrers, with the referrers API and the tag schema.

use std::collections::BTreeSet;

use embedded_registry::Registry;
use embedded_registry::images::{Artifact, Bundle, Content, Platform, digest_tag, sample_image};
use oci_spec::image::Digest;
use serde_json::{Value, json};
use testkit::processes::RegistryProcess;
use testkit::push::Pusher;

use super::registry_pair::{RegistryKind, RegistryPair, assert_content, assert_root, get};
use crate::environment::{TestEnvironment, column};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn image() -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("app", 1, &platforms, 2).unwrap()
}

/// Returns the first child of an image as a subject for referrers.
fn child_of(image: &Bundle) -> Bundle {
    let child = image.manifests()[0];
    Bundle::verbatim(child.media_type(), child.bytes().clone())
}

fn referrer(artifact_type: &str, subject: &Bundle) -> Bundle {
    let artifact = Artifact::new(artifact_type).subject(subject);
    let artifact = artifact.annotation("org.example.of", subject.digest().as_ref());
    artifact
        .blob("text/plain", artifact_type.to_owned())
        .build()
}

/// Attaches referrers to a subject in the way that the source lists them.
async fn attach(pair: &RegistryPair, kind: RegistryKind, subject: &Bundle, referrers: &[&Bundle]) {
    for referrer in referrers {
        pair.push(referrer, "app", None).await;
    }
    if kind == RegistryKind::Referrers {
        return;
    }
    let descriptors: Vec<Value> = referrers.iter().map(|bundle| bundle.descriptor()).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors});
    let index = Content::new(INDEX, index.to_string());
    let tag = digest_tag(subject.digest(), None);
    let pusher = Pusher::new(&pair.source.host());
    pusher.manifest("app", &tag, &index).await;
}

/// Returns the digests of the referrers that a registry lists for a manifest.
async fn listed_referrers(
    registry: &RegistryProcess,
    kind: RegistryKind,
    subject: &Digest,
) -> BTreeSet<String> {
    let path = match kind {
        RegistryKind::Referrers => format!("referrers/{subject}"),
        RegistryKind::V2 | RegistryKind::V3 => format!("manifests/{}", digest_tag(subject, None)),
    };
    let path = format!("{}/v2/mirror/app/{path}", registry.host());
    let response = get(&path, INDEX).await;
    if response.status() == 404 {
        return BTreeSet::new();
    }
    let index: Value = serde_json::from_slice(response.body()).unwrap();
    let manifests = index["manifests"].as_array().unwrap().iter();
    manifests
        .map(|manifest| manifest["digest"].as_str().unwrap().to_owned())
        .collect()
}

fn digests(bundles: &[&Bundle]) -> BTreeSet<String> {
    bundles
        .iter()
        .map(|bundle| bundle.digest().to_string())
        .collect()
}

/// Returns `METHOD PATH` of every request that writes.
async fn writes(registry: &RegistryProcess) -> Vec<String> {
    let requests = registry.requests().await.into_iter();
    let writes = requests.filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()));
    writes
        .map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

async fn assert_copies_referrers(source: RegistryKind, destination: RegistryKind) {
    let mut pair = RegistryPair::start(source, destination).await;
    let image = image();
    let child = child_of(&image);
    let sbom = referrer("application/spdx+json", &image);
    let signature = referrer("application/vnd.example.signature", &sbom);
    let scan = referrer("application/vnd.example.scan", &child);
    let cosign = [&image, &child].map(|of| {
        let tag = digest_tag(of.digest(), Some("sig"));
        (tag, Artifact::cosign_signature(of.digest()).build())
    });
    pair.push(&image, "app", Some("v1")).await;
    attach(&pair, source, &image, &[&sbom]).await;
    attach(&pair, source, &sbom, &[&signature]).await;
    attach(&pair, source, &child, &[&scan]).await;
    for (tag, bundle) in &cosign {
        pair.push(bundle, "app", Some(tag)).await;
    }
    pair.write_list(&[("app", "v1")]);
    assert_eq!(column(&pair.sync("", 0), "status"), ["copied"]);

    for (subject, referrers) in [(&image, &sbom), (&sbom, &signature), (&child, &scan)] {
        let found = listed_referrers(&pair.destination, destination, subject.digest()).await;
        assert_eq!(found, digests(&[referrers]), "{}", subject.digest());
        assert_content(&pair.to("app"), referrers).await;
    }
    for (tag, bundle) in &cosign {
        assert_root(&pair.to(&format!("app:{tag}")), bundle).await;
        assert_content(&pair.to("app"), bundle).await;
    }

    // A later referrer of a child of an unchanged image.
    let later = referrer("application/vnd.example.later", &child);
    attach(&pair, source, &child, &[&scan, &later]).await;
    assert_eq!(column(&pair.sync("", 0), "status"), ["copied"]);
    let found = listed_referrers(&pair.destination, destination, child.digest()).await;
    assert_eq!(found, digests(&[&scan, &later]));

    pair.destination.clear_requests().await;
    assert_eq!(column(&pair.sync("", 0), "status"), ["unchanged"]);
    assert_eq!(writes(&pair.destination).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_referrers_from_api_to_api() {
    assert_copies_referrers(RegistryKind::Referrers, RegistryKind::Referrers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_referrers_from_api_to_tag_schema() {
    assert_copies_referrers(RegistryKind::Referrers, RegistryKind::V2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_referrers_from_tag_schema_to_api() {
    assert_copies_referrers(RegistryKind::V3, RegistryKind::Referrers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_referrers_from_tag_schema_to_tag_schema() {
    assert_copies_referrers(RegistryKind::V2, RegistryKind::V3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tag_schema_index_has_artifact_types_and_annotations() {
    // The registry of go-containerregistry lists the media type of the config instead.
    let source = Registry::new().start().await.unwrap();
    let destination = RegistryKind::V2.start().await;
    let image = image();
    let sbom = referrer("application/spdx+json", &image);
    image.push(&source, "app", Some("v1"));
    sbom.push(&source, "app", None);
    let environment = TestEnvironment::new();
    let (from, to) = (source.host(), destination.host());
    let line = format!("copy {from}/app:v1 {to}/mirror/app");
    environment.mirror(&line).exits(0);
    let tag = digest_tag(image.digest(), None);
    let path = format!("{to}/v2/mirror/app/manifests/{tag}");
    let index: Value = serde_json::from_slice(get(&path, INDEX).await.body()).unwrap();
    let mut descriptor = sbom.descriptor();
    descriptor["annotations"] = json!({"org.example.of": image.digest()});
    assert_eq!(index["manifests"], json!([descriptor]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_referrers_copies_only_the_image() {
    for kind in [RegistryKind::Referrers, RegistryKind::V2] {
        let pair = RegistryPair::start(kind, kind).await;
        let image = image();
        let sbom = referrer("application/spdx+json", &image);
        let tag = digest_tag(image.digest(), Some("sig"));
        pair.push(&image, "app", Some("v1")).await;
        attach(&pair, kind, &image, &[&sbom]).await;
        let signature = Artifact::cosign_signature(image.digest()).build();
        pair.push(&signature, "app", Some(&tag)).await;
        pair.write_list(&[("app", "v1")]);
        pair.sync("--no-referrers", 0);
        assert_root(&pair.to("app:v1"), &image).await;
        assert_eq!(
            listed_referrers(&pair.destination, kind, image.digest()).await,
            BTreeSet::new()
        );
        let path = format!("{}/v2/mirror/app/manifests/{tag}", pair.destination.host());
        assert_eq!(get(&path, INDEX).await.status(), 404);
        let requests = pair.source.requests().await.into_iter();
        let lists = requests.filter(|request| request.path.contains("/tags/list"));
        assert_eq!(lists.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_referrer_fails_the_row_after_its_image_is_tagged() {
    let pair = RegistryPair::start(RegistryKind::Referrers, RegistryKind::V2).await;
    let image = image();
    let broken = referrer("application/vnd.example.broken", &image);
    pair.push(&image, "app", Some("v1")).await;
    // Only its manifest: the source lacks the blobs.
    let pusher = Pusher::new(&pair.source.host());
    let digest = broken.digest().as_ref();
    pusher.manifest("app", digest, broken.root()).await;
    pair.write_list(&[("app", "v1")]);
    let document = pair.sync("", 3);
    assert_eq!(column(&document, "status"), ["failed"]);
    let message = document["rows"][0]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("the image is copied, but its referrers are incomplete"),
        "{message}"
    );
    assert!(message.contains(digest), "{message}");
    assert_root(&pair.to("app:v1"), &image).await;
    let found = listed_referrers(&pair.destination, RegistryKind::V2, image.digest()).await;
    assert_eq!(found, BTreeSet::new(), "the broken referrer is not listed");
}
