//! Referrers and digest tags.

use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};
use embedded_registry::{Referrers, Registry, RunningRegistry};

use super::run::{Run, count, registry, row};

fn image() -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("app", 1, &platforms, 2).unwrap()
}

fn sbom(subject: &Bundle) -> Bundle {
    Artifact::new("application/spdx+json")
        .subject(subject)
        .blob("text/spdx", "an sbom")
        .build()
}

async fn without_api() -> RunningRegistry {
    let registry = Registry::new().referrers(Referrers::Missing);
    registry.access_log(10_000).start().await.unwrap()
}

/// Returns the referrers in the tag schema of a registry without the API.
fn tag_schema(registry: &RunningRegistry, repository: &str, image: &Bundle) -> Vec<String> {
    let Some(index) = registry.tagged(repository, &digest_tag(image.digest(), None)) else {
        return Vec::new();
    };
    let index: serde_json::Value = serde_json::from_slice(&index.bytes).unwrap();
    let digests = index["manifests"].as_array().unwrap().iter();
    digests
        .map(|manifest| manifest["digest"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn later_referrer_of_an_unchanged_image_is_copied() {
    let (source, target) = (registry().await, registry().await);
    let image = image();
    image.push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    Run::default().sync(&rows).await;

    let sbom = sbom(&image);
    sbom.push(&source, "team/app", None);
    let report = Run::default().sync(&rows).await;
    assert!(
        target.manifest("mirror/app", sbom.digest()).is_some(),
        "{report:#?}"
    );

    target.clear_requests();
    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1);
    assert_eq!(count(&target, "PUT", "/"), 0);
}

#[tokio::test]
async fn signatures_of_children_and_referrers_are_copied() {
    let (source, target) = (registry().await, registry().await);
    let image = image();
    image.push(&source, "team/app", Some("v1"));
    let child = image.manifests()[0].digest().clone();
    let signature = Artifact::cosign_signature(&child).build();
    let tag = digest_tag(&child, Some("sig"));
    signature.push(&source, "team/app", Some(&tag));
    let sbom = sbom(&image);
    sbom.push(&source, "team/app", None);
    let signed_sbom = Artifact::new("application/signature")
        .subject(&sbom)
        .blob("a/b", "sig")
        .build();
    signed_sbom.push(&source, "team/app", None);

    let report = Run::default()
        .sync(&[row(&source, "team/app:v1", &target, "mirror/app:v1")])
        .await;
    assert_eq!(report.summary.failed, 0, "{report:#?}");
    assert!(target.tagged("mirror/app", &tag).is_some());
    assert!(
        target
            .manifest("mirror/app", signed_sbom.digest())
            .is_some()
    );
}

#[tokio::test]
async fn tag_schema_is_extended_when_destination_lacks_the_api() {
    let (source, target) = (registry().await, without_api().await);
    let image = image();
    image.push(&source, "team/app", Some("v1"));
    let first = sbom(&image);
    first.push(&source, "team/app", None);
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    Run::default().sync(&rows).await;
    assert_eq!(
        tag_schema(&target, "mirror/app", &image),
        [first.digest().to_string()]
    );

    let second = Artifact::new("application/vex")
        .subject(&image)
        .blob("a/b", "vex")
        .build();
    second.push(&source, "team/app", None);
    Run::default().sync(&rows).await;
    let listed = tag_schema(&target, "mirror/app", &image);
    assert_eq!(
        listed,
        [first.digest().to_string(), second.digest().to_string()]
    );
}

#[tokio::test]
async fn tag_schema_is_read_when_source_lacks_the_api() {
    let (source, target) = (without_api().await, registry().await);
    let image = image();
    image.push(&source, "team/app", Some("v1"));
    let sbom = sbom(&image);
    sbom.push(&source, "team/app", None);
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [sbom.descriptor()],
    });
    let index = Bundle::verbatim("application/vnd.oci.image.index.v1+json", index.to_string());
    index.push(&source, "team/app", Some(&digest_tag(image.digest(), None)));

    Run::default()
        .sync(&[row(&source, "team/app:v1", &target, "mirror/app:v1")])
        .await;
    assert!(target.manifest("mirror/app", sbom.digest()).is_some());
    assert_eq!(
        count(&source, "GET", "/referrers/"),
        1,
        "queried once, then known as unsupported"
    );
}

#[tokio::test]
async fn unchanged_run_sends_only_the_unavoidable_requests() {
    let (source, target) = (without_api().await, registry().await);
    let image = image();
    let mut rows = Vec::new();
    for tag in ["v1", "v2", "v3"] {
        image.push(&source, "team/app", Some(tag));
        rows.push(row(
            &source,
            &format!("team/app:{tag}"),
            &target,
            &format!("mirror/app:{tag}"),
        ));
    }
    Run::default().sync(&rows).await;
    source.clear_requests();
    target.clear_requests();
    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 3);
    assert_eq!(count(&source, "GET", "/tags/list"), 1);
    assert_eq!(count(&source, "GET", "/referrers/"), 1);
    assert_eq!(source.request_count(), 3 + 2);
    assert_eq!(
        target.request_count(),
        3,
        "no digest tags and no API: the children are not read"
    );

    let report = Run::default().without_referrers().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 3);
    assert_eq!(count(&source, "GET", "/tags/list"), 1);
}
