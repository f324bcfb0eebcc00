//! Rows that fail, beside rows that do not.

use bytes::Bytes;
use embedded_registry::images::{Bundle, Platform, sample_image};

use super::run::{Run, count, registry, row};

fn image(name: &str) -> Bundle {
    sample_image(name, 1, &[Platform::linux("amd64")], 2).unwrap()
}

#[tokio::test]
async fn failed_rows_leave_no_tag_and_do_not_stop_others() {
    let (source, target) = (registry().await, registry().await);
    for name in ["good", "gone", "corrupt", "schema1"] {
        image(name).push(&source, name, Some("v1"));
    }
    source.remove_tag("gone", "v1");
    // A layer of its own: a shared one is copied from the good image.
    let (good, corrupt) = (image("good"), image("corrupt"));
    let shared = |digest| good.blobs().iter().any(|blob| blob.digest() == digest);
    let own = corrupt
        .blobs()
        .into_iter()
        .filter(|blob| !shared(blob.digest()));
    let layer = own
        .max_by_key(|blob| blob.bytes().len())
        .unwrap()
        .digest()
        .clone();
    corrupt_blob(&source, "corrupt", &layer);
    schema_1().push(&source, "schema1", Some("v1"));
    let rows = ["good", "gone", "corrupt", "schema1"].map(|name| {
        row(
            &source,
            &format!("{name}:v1"),
            &target,
            &format!("mirror/{name}:v1"),
        )
    });

    let report = Run::default().sync(&rows).await;
    let errors: Vec<_> = report
        .rows
        .iter()
        .map(|outcome| {
            outcome
                .error
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
        })
        .collect();
    assert_eq!(errors[0], "");
    assert!(
        errors[1].ends_with("gone:v1 does not exist"),
        "{}",
        errors[1]
    );
    assert!(
        errors[2].contains("the content has digest"),
        "{}",
        errors[2]
    );
    assert!(errors[3].contains("schema 1"), "{}", errors[3]);
    assert_eq!((report.summary.copied, report.summary.failed), (1, 3));
    for name in ["gone", "corrupt", "schema1"] {
        assert!(
            target.tagged(&format!("mirror/{name}"), "v1").is_none(),
            "{name}"
        );
    }
}

fn schema_1() -> Bundle {
    Bundle::verbatim(
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#,
    )
}

/// Replaces a blob with other bytes of the same length.
fn corrupt_blob(
    registry: &embedded_registry::RunningRegistry,
    repository: &str,
    digest: &oci_spec::image::Digest,
) {
    let good = registry.blob(repository, digest).unwrap();
    let mut bad = good.to_vec();
    bad[0] ^= 1;
    registry.damage_blob(repository, digest, Bytes::from(bad));
}

#[tokio::test]
async fn later_row_fails_when_its_destination_has_other_content() {
    let (source, target) = (registry().await, registry().await);
    image("one").push(&source, "one", Some("v1"));
    image("two").push(&source, "two", Some("v1"));
    image("one").push(&source, "same", Some("v1"));
    let rows =
        ["one:v1", "two:v1", "same:v1"].map(|image| row(&source, image, &target, "mirror/app:v1"));
    let report = Run::default().sync(&rows).await;
    let statuses: Vec<_> = report
        .rows
        .iter()
        .map(|outcome| outcome.status.as_str())
        .collect();
    assert_eq!(statuses, ["copied", "failed", "unchanged"], "{report:#?}");
    let error = report.rows[1].error.as_ref().unwrap().to_string();
    assert!(
        error.contains("is already the destination of") && error.contains("one:v1"),
        "{error}"
    );
    let stored = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(stored.bytes, *image("one").root().bytes());
    assert_eq!(count(&target, "PUT", "/manifests/v1"), 1);
}

#[tokio::test]
async fn row_fails_when_source_and_destination_are_the_same() {
    let source = registry().await;
    image("one").push(&source, "one", Some("v1"));
    let report = Run::default()
        .sync(&[row(&source, "one:v1", &source, "one:v1")])
        .await;
    let error = report.rows[0].error.as_ref().unwrap().to_string();
    assert!(
        error.contains("the source and the destination are both"),
        "{error}"
    );
    assert_eq!(source.request_count(), 0);
}
