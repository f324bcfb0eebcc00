//! `--platform`, `--sparse` and `--arch-tags`.

use copier::{NarrowedIndex, PlatformSelection};
use embedded_registry::images::{Bundle, Platform, sample_image};
use embedded_registry::{Children, Registry};

use super::run::{Run, count, registry, row};

fn image() -> Bundle {
    let platforms = [
        Platform::linux("amd64"),
        Platform::linux("arm").variant("v6"),
        Platform::linux("arm").variant("v7"),
        Platform::linux("arm64").variant("v8"),
    ];
    sample_image("app", 1, &platforms, 2).unwrap()
}

fn select(platforms: &[&str], index: NarrowedIndex) -> Run {
    let mut run = Run::default();
    run.options.platforms = Some(PlatformSelection {
        platforms: platforms.iter().map(|name| name.parse().unwrap()).collect(),
        index,
    });
    run
}

#[tokio::test]
async fn rebuilt_index_has_the_selected_platforms_and_their_attestations() {
    let (source, target) = (registry().await, registry().await);
    image().push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    let run = select(&["linux/arm64", "arm"], NarrowedIndex::Rebuilt);
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    let index = target.tagged("mirror/app", "v1").unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index.bytes).unwrap();
    let kept: Vec<_> = index["manifests"].as_array().unwrap().iter().collect();
    assert_eq!(
        kept.len(),
        4,
        "arm/v7, arm64/v8 and an attestation for each"
    );
    assert!(
        report.rows[0].warnings[0].contains("rebuilt with the selected platforms"),
        "{report:#?}"
    );

    target.clear_requests();
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(count(&target, "PUT", "/"), 0);
}

#[tokio::test]
async fn sparse_index_keeps_its_digest_when_platforms_are_added() {
    let (source, target) = (
        registry().await,
        Registry::new().children(Children::Optional),
    );
    let target = target.access_log(10_000).start().await.unwrap();
    let image = image();
    image.push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    select(&["amd64"], NarrowedIndex::Sparse).sync(&rows).await;
    let stored = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(stored.bytes, *image.root().bytes());
    let present = |target: &embedded_registry::RunningRegistry| {
        let manifests = image.manifests();
        manifests
            .iter()
            .filter(|manifest| target.manifest("mirror/app", manifest.digest()).is_some())
            .count()
    };
    assert_eq!(present(&target), 3, "the index, one image, its attestation");

    let report = select(&["amd64", "arm64"], NarrowedIndex::Sparse)
        .sync(&rows)
        .await;
    assert_eq!(present(&target), 5, "{report:#?}");

    // Its digest is that of the whole index.
    target.clear_requests();
    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(count(&target, "HEAD", "/manifests/"), 1);
    let mut run = Run::default();
    run.options.check_children = true;
    run.options.dry_run = true;
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    run.options.dry_run = false;
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    assert_eq!(present(&target), image.manifests().len());
    target.clear_requests();
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(count(&target, "PUT", "/"), 0);
}

#[tokio::test]
async fn row_fails_when_image_has_no_selected_platform() {
    let (source, target) = (registry().await, registry().await);
    image().push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    let report = select(&["linux/s390x"], NarrowedIndex::Rebuilt)
        .sync(&rows)
        .await;
    let error = report.rows[0].error.as_ref().unwrap().to_string();
    assert_eq!(
        error,
        "the image has none of the selected platforms: selected linux/s390x, available linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64/v8"
    );
    assert_eq!(count(&target, "PUT", "/"), 0);
}

#[tokio::test]
async fn arch_tags_are_written_once() {
    let (source, target) = (registry().await, registry().await);
    image().push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];
    let mut run = Run::default();
    run.options.arch_tags = true;
    run.sync(&rows).await;
    assert_eq!(
        target.tags("mirror/app"),
        ["v1", "v1-amd64", "v1-arm", "v1-arm64", "v1-armv7"]
    );
    target.clear_requests();
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(count(&target, "PUT", "/"), 0);
}
