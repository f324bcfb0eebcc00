//! Source tags that were pushed again after their digests were approved.

use copier::{Approval, DestinationSettings, MovedTag};
use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};
use image_name::Digest;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::run::{Run, count, registry, row};

fn image(seed: u64) -> Bundle {
    sample_image("app", seed, &[Platform::linux("amd64")], 2).unwrap()
}

fn approval(image: &Bundle) -> Approval {
    let digest: Digest = image.digest().try_into().unwrap();
    digest.into()
}

#[tokio::test]
async fn approved_digest_is_kept_and_copied_when_the_tag_has_moved() {
    let (source, target) = (registry().await, registry().await);
    let (old, new) = (image(1), image(2));
    old.push(&source, "app", Some("v1"));
    let mut rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
    rows[0].approved = Some(Box::new(approval(&old)));
    let report = Run::default().sync(&rows).await;
    assert!(report.rows[0].moved.is_none(), "{report:#?}");

    new.push(&source, "app", Some("v1"));
    target.clear_requests();
    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(count(&target, "PUT", "/"), 0);
    let moved = report.rows[0].moved.as_ref().unwrap();
    assert_eq!(moved.approved, *old.digest());
    assert_eq!(moved.now, *new.digest());
    assert_eq!(
        &report.rows[0].source.as_ref().unwrap().digest,
        new.digest()
    );

    target.clear();
    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    let stored = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(stored.bytes, *old.root().bytes());
}

#[tokio::test]
async fn moved_tag_fails_its_row_when_refused() {
    let (source, target) = (registry().await, registry().await);
    image(2).push(&source, "app", Some("v1"));
    let mut rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
    rows[0].approved = Some(Box::new(approval(&image(1))));
    let mut run = Run::default();
    run.options.moved = MovedTag::Refused;
    let report = run.sync(&rows).await;
    let error = report.rows[0].error.as_ref().unwrap().to_string();
    let (approved, now) = (image(1).digest().clone(), image(2).digest().clone());
    assert_eq!(
        error,
        format!("the source tag has moved: {approved} was approved, {now} is there now")
    );
    assert_eq!(count(&target, "PUT", "/") + count(&target, "POST", "/"), 0);
}

/// A source whose tags have other digests in HEAD requests: those of manifests that are gone.
async fn stale_heads(registry: &embedded_registry::RunningRegistry, tag: &str) -> FaultProxy {
    let proxy = FaultProxy::start(registry.address()).await;
    let gone = image(1).digest().to_string();
    let stale = Rule::new("HEAD", &format!("/manifests/{tag}"));
    proxy.add(stale.does(Action::SetHeader("docker-content-digest", gone)));
    proxy
}

#[tokio::test]
async fn tag_is_read_once_more_when_its_manifest_is_gone() {
    let (source, target) = (registry().await, registry().await);
    let new = image(2);
    new.push(&source, "app", Some("v1"));
    let proxy = stale_heads(&source, "v1").await;
    let row = |approved| copier::Row {
        source: format!("{}/app:v1", proxy.host()).parse().unwrap(),
        destination: format!("{}/app:v1", target.host()).parse().unwrap(),
        approved,
        settings: DestinationSettings::none(),
    };
    let report = Run::default().sync(&[row(None)]).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    let outcome = &report.rows[0];
    assert_eq!(outcome.digest.as_ref().unwrap(), new.digest());
    assert_eq!(&outcome.source.as_ref().unwrap().digest, new.digest());
    assert_eq!(&target.tagged("app", "v1").unwrap().digest, new.digest());
    assert_eq!(proxy.count("GET", "/manifests/v1"), 1);

    // An approved digest is not replaced by what the tag has.
    target.clear();
    let approved = approval(&image(1));
    let report = Run::default().sync(&[row(Some(Box::new(approved)))]).await;
    let error = report.rows[0].error.as_ref().unwrap().to_string();
    assert!(error.contains("does not exist"), "{error}");
    assert!(target.tagged("app", "v1").is_none());
}

#[tokio::test]
async fn digest_tag_is_read_once_more_when_its_manifest_is_gone() {
    let (source, target) = (registry().await, registry().await);
    let image = image(2);
    image.push(&source, "app", Some("v1"));
    let tag = digest_tag(image.digest(), Some("sig"));
    let signature = Artifact::cosign_signature(image.digest()).build();
    signature.push(&source, "app", Some(&tag));
    let proxy = stale_heads(&source, &tag).await;
    let row = copier::Row::new(
        format!("{}/app:v1", proxy.host()).parse().unwrap(),
        format!("{}/app:v1", target.host()).parse().unwrap(),
    );
    let report = Run::default().sync(&[row]).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    let copied = target.tagged("app", &tag).expect("the signature");
    assert_eq!(&copied.digest, signature.digest());
}

/// The destination has another image, so the row has drifted, although the source's cannot be read.
#[tokio::test]
async fn comparison_with_a_manifest_that_is_gone_is_drift() {
    let (source, target) = (registry().await, registry().await);
    image(2).push(&source, "app", Some("v1"));
    image(3).push(&target, "app", Some("v1"));
    let proxy = stale_heads(&source, "v1").await;
    let row = copier::Row::new(
        format!("{}/app:v1", proxy.host()).parse().unwrap(),
        format!("{}/app:v1", target.host()).parse().unwrap(),
    );
    let report = Run::default().compare(&[row]).await;
    assert_eq!(
        (report.summary.drift, report.summary.missing),
        (1, 0),
        "{report:#?}"
    );
}
