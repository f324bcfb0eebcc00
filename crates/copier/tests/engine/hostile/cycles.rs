//! Referrers that lead back to their own subject.

use std::time::Duration;

use copier::{Report, Row};
use embedded_registry::images::{Artifact, Bundle, Format, Index, digest_tag};
use embedded_registry::{Referrers, Registry, RunningRegistry};
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::super::run::{Run, registry, row};
use super::{hostile_registry, image};

/// Time after which a run counts as hanging; it is far longer than any run.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes a source list referrers of a subject.
fn list_referrers(proxy: &FaultProxy, subject: &Bundle, referrers: &[&Bundle]) {
    let manifests: Vec<_> = referrers
        .iter()
        .map(|referrer| referrer.descriptor())
        .collect();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    let path = format!("/referrers/{}", subject.digest());
    let list = Action::answer(200)
        .header("content-type", "application/vnd.oci.image.index.v1+json")
        .body(index.to_string());
    proxy.add(Rule::new("GET", &path).does(list));
}

fn row_from(proxy: &FaultProxy, target: &RunningRegistry, tag: &str) -> Row {
    let name = format!("mirror/app:{tag}");
    Row {
        source: format!("{}/team/app:{tag}", proxy.host()).parse().unwrap(),
        ..row(target, "x:x", target, &name)
    }
}

async fn sync_ends(rows: &[Row]) -> Report {
    let run = Run::default();
    let report = tokio::time::timeout(HANG_TIMEOUT, run.sync(rows)).await;
    let report = report.unwrap();
    assert_eq!(report.summary.failed, 0, "{report:#?}");
    report
}

fn referrer_of(subject: &Bundle, text: &str) -> Bundle {
    Artifact::new("application/spdx+json")
        .subject(subject)
        .blob("text/spdx", text.to_owned())
        .build()
}

#[tokio::test]
async fn subject_among_its_own_referrers_is_not_copied_as_referrer() {
    let (source, proxy) = hostile_registry().await;
    let target = registry().await;
    let image = image(1);
    image.push(&source, "team/app", Some("v1"));
    list_referrers(&proxy, &image, &[&image]);
    let rows = [row_from(&proxy, &target, "v1")];
    for _ in 0..2 {
        sync_ends(&rows).await;
    }
    let listed = without_api().await;
    let report = sync_ends(&[row_from(&proxy, &listed, "v1")]).await;
    let warnings = report.rows[0].warnings.concat();
    assert!(
        warnings.contains("but it has no subject; the referrer is not copied"),
        "{warnings}"
    );
    assert_eq!(listed.tags("mirror/app"), ["v1"]);
}

#[tokio::test]
async fn run_ends_when_two_referrers_list_each_other() {
    let (source, proxy) = hostile_registry().await;
    let target = registry().await;
    let image = image(1);
    image.push(&source, "team/app", Some("v1"));
    let referrer = referrer_of(&image, "an sbom");
    referrer.push(&source, "team/app", None);
    list_referrers(&proxy, &image, &[&referrer]);
    list_referrers(&proxy, &referrer, &[&image, &referrer]);
    sync_ends(&[row_from(&proxy, &target, "v1")]).await;
    let copied = target.manifest("mirror/app", referrer.digest());
    assert!(copied.is_some());
}

#[tokio::test]
async fn run_ends_when_child_of_a_referrer_is_its_subject() {
    let (source, proxy) = hostile_registry().await;
    let target = registry().await;
    let image = image(1);
    image.push(&source, "team/app", Some("v1"));
    let referrer = Index::new(Format::Oci)
        .child(image.clone())
        .subject(&image)
        .build();
    referrer.push(&source, "team/app", None);
    list_referrers(&proxy, &image, &[&referrer]);
    list_referrers(&proxy, &referrer, &[&referrer]);
    sync_ends(&[row_from(&proxy, &target, "v1")]).await;
    let copied = target.manifest("mirror/app", referrer.digest());
    assert!(copied.is_some());
}

#[tokio::test]
async fn run_ends_when_rows_are_referrers_of_each_other() {
    let (source, proxy) = hostile_registry().await;
    let target = without_api().await;
    let images: Vec<_> = (1..5).map(image).collect();
    let all: Vec<_> = images.iter().collect();
    let mut rows = Vec::new();
    for (number, image) in images.iter().enumerate() {
        let tag = format!("v{number}");
        image.push(&source, "team/app", Some(&tag));
        list_referrers(&proxy, image, &all);
        rows.push(row_from(&proxy, &target, &tag));
    }
    for _ in 0..2 {
        let report = sync_ends(&rows).await;
        let warned = report.rows.iter().filter(|row| !row.warnings.is_empty());
        assert_eq!(warned.count(), rows.len(), "{report:#?}");
    }
    let tags = target.tags("mirror/app");
    assert_eq!(tags, ["v0", "v1", "v2", "v3"], "no list of referrers");
}

/// A referrer of another image is not copied, and its digest tags do not replace those of an image
/// of another row.
#[tokio::test]
async fn referrers_of_other_images_are_not_copied() {
    let (source, proxy) = hostile_registry().await;
    for target in [registry().await, without_api().await] {
        let (image, other) = (image(1), image(2));
        image.push(&source, "team/app", Some("v1"));
        other.push(&source, "team/app", None);
        let of_other = referrer_of(&other, "an sbom");
        of_other.push(&source, "team/app", None);
        let forged = digest_tag(other.digest(), Some("sig"));
        of_other.push(&source, "team/app", Some(&forged));
        list_referrers(&proxy, &image, &[&of_other, &other]);

        other.push(&target, "mirror/app", Some("other"));
        let signature = Artifact::cosign_signature(other.digest()).build();
        signature.push(&target, "mirror/app", Some(&forged));
        let report = sync_ends(&[row_from(&proxy, &target, "v1")]).await;

        let warnings = report.rows[0].warnings.join("\n");
        let of = format!(
            "{} is listed as a referrer of {}, but its subject is {}",
            of_other.digest(),
            image.digest(),
            other.digest()
        );
        assert!(warnings.contains(&of), "{warnings}");
        assert!(target.manifest("mirror/app", of_other.digest()).is_none());
        let kept = target.tagged("mirror/app", &forged).unwrap();
        assert_eq!(&kept.digest, signature.digest());
        let schema_tag = digest_tag(image.digest(), None);
        assert!(target.tagged("mirror/app", &schema_tag).is_none());
    }
}

async fn without_api() -> RunningRegistry {
    let registry = Registry::new().referrers(Referrers::Missing);
    registry.access_log(10_000).start().await.unwrap()
}
