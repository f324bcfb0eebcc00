//! Which requests a run makes: nothing twice, nothing whose answer is known.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod run;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use run::{Run, count, row};

async fn registry() -> RunningRegistry {
    Registry::new().access_log(10_000).start().await.unwrap()
}

fn platforms() -> [Platform; 2] {
    [Platform::linux("amd64"), Platform::linux("arm64")]
}

#[tokio::test]
async fn a_cold_copy_sends_each_blob_once_and_a_second_run_only_asks() {
    let (source, target) = (registry().await, registry().await);
    let image = sample_image("app", 1, &platforms(), 3).unwrap();
    image.push(&source, "team/app", Some("v1"));
    let rows = [row(&source, "team/app:v1", &target, "mirror/app:v1")];

    let report = Run::default().sync(&rows).await;
    assert_eq!(report.summary.copied, 1, "{report:#?}");
    let stored = target.tagged("mirror/app", "v1").unwrap();
    assert_eq!(stored.bytes, *image.root().bytes());
    let blobs = image.blobs().len() as u64;
    assert_eq!(report.summary.blobs_copied, blobs);
    assert_eq!(count(&source, "GET", "/blobs/"), blobs as usize);
    assert_eq!(
        count(&target, "POST", "/blobs/uploads/"),
        blobs as usize + 1,
        "one probe of mounts"
    );

    source.clear_requests();
    target.clear_requests();
    let report = Run::default().without_referrers().sync(&rows).await;
    assert_eq!(report.summary.unchanged, 1, "{report:#?}");
    assert_eq!(
        (source.request_count(), target.request_count()),
        (1, 1),
        "one HEAD a side"
    );
}

#[tokio::test]
async fn what_an_earlier_run_brought_is_mounted() {
    let (source, target) = (registry().await, registry().await);
    let old = sample_image("old", 1, &platforms(), 3).unwrap();
    let new = sample_image("new", 2, &platforms(), 3).unwrap();
    old.push(&source, "team/old", Some("v1"));
    new.push(&source, "other/new", Some("v1"));
    let rows = [
        row(&source, "team/old:v1", &target, "mirror/old:v1"),
        row(&source, "other/new:v1", &target, "mirror/new:v1"),
    ];
    Run::default().sync(&rows[..1]).await;
    let report = Run::default().sync(&rows).await;
    assert_eq!(
        (report.summary.unchanged, report.summary.copied),
        (1, 1),
        "{report:#?}"
    );
    assert_eq!(
        report.summary.blobs_mounted, 2,
        "the base layer of each platform: {report:#?}"
    );
    for base in old.blobs().iter().filter(|blob| {
        new.blobs()
            .iter()
            .any(|other| other.digest() == blob.digest())
    }) {
        assert_eq!(
            count(&source, "GET", base.digest().as_ref()),
            1,
            "never fetched again"
        );
    }
}
