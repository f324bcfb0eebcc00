//! Source tags that were pushed again after their digests were approved.

use copier::MovedTag;
use embedded_registry::images::{Bundle, Platform, sample_image};

use super::run::{Run, count, registry, row};

fn image(seed: u64) -> Bundle {
    sample_image("app", seed, &[Platform::linux("amd64")], 2).unwrap()
}

#[tokio::test]
async fn approved_digest_is_kept_and_copied_when_the_tag_has_moved() {
    let (source, target) = (registry().await, registry().await);
    let (old, new) = (image(1), image(2));
    old.push(&source, "app", Some("v1"));
    let mut rows = [row(&source, "app:v1", &target, "mirror/app:v1")];
    rows[0].approved = Some(old.digest().try_into().unwrap());
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
    rows[0].approved = Some(image(1).digest().try_into().unwrap());
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
